/* A scan in pieces: wherever it stops, it says what the scan in one go does; and what it notes as long is what json_next
 * would find at the end of a walk through it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_scan.h"
#include "proto/strbuf.h"
#include "tests/fuzz/pieces.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEED 20261123

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":"

/* Everything that the grammar has, and what is wrong with it in every place. */
static const char *const texts[] = {
	"",
	" ",
	"\r\n\t ",
	"0",
	" -12.5e+3 ",
	"-",
	"1.",
	"1e",
	"1e+",
	"01",
	"9223372036854775807",
	"9223372036854775808",
	"1e309",
	"true",
	"fals",
	"nul",
	"nulll",
	"\"\"",
	"\"abc",
	"\"plain text that is longer than a word of eight bytes\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00\"",
	"\"\\u00",
	"\"\\u0000\"",
	"\"\\ud83d\\u0041\"",
	"\"\\x\"",
	"\"\\",
	"\"\x1f\"",
	"\"\xc3\xa9\xe6\x97\xa5\xe6\x9c\xac\xf0\x9f\x98\x80 and \xc3\xa9\"",
	"\"\xe6\x97\xa5\xe6\x97",
	"\"\xc0\x80\"",
	"\xff",
	"[]",
	"[ ]",
	"{}",
	" { } ",
	"[1]",
	"[1,2]",
	" [ 1 , \"two\" , [ 3 ] , { \"four\" : 5 } , null , true , false ] ",
	"[,]",
	"[1,]",
	"[1 2]",
	"[1}",
	"[",
	"[1",
	"[1,",
	"[[[[[[[[[[[[]]]]]]]]]]]]",
	"[[],[[],{}],[[[]]],{\"a\":{}}]",
	"[[[[{\"a\":[{\"b\":[{}]}]}]]]]",
	"{\"a\":1}",
	"{ \"a\" : 1 , \"b\" : { \"c\" : [ ] } } ",
	"{\"a\"}",
	"{\"a\":}",
	"{\"a\":1,}",
	"{\"a\":1 \"b\":2}",
	"{a:1}",
	"{\"a\"",
	"{\"a\":1",
	"{\"a\":1]",
	"{,}",
	"{1:1}",
	"{\"a\\u0041\":1,\"\xc3\xa9\":2}",
	"[1] 2",
	"{} x",
	"1 \xff",
	"[1]\n\n \t",
	CALL "[30]}",
	" " CALL "{\"n\":30}} ",
	CALL "[30]}]",
	CALL "[30]} {}",
	CALL "[1e999]}",
	CALL "1e999}",
	CALL "[123456789012345678901234567890]}",
	"{\"jsonrpc\":\"2.0\",\"id\":123456789012345678901234567890,\"method\":\"a\"}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"a\"}",
	"{\"json\\u0072pc\":\"2\\u002e0\",\"\\u0069d\":7,\"m\\u0065thod\":\"fib\"}",
	"{\"id\":5,\"method\":\"fib\"}",
	"[" CALL "[30]}," CALL "[31]}]",
	"[{\"jsonrpc\":\"2.0\",\"id\":1e999,\"method\":\"a\"}, 1,{\"id\":2}, []] ",
	"[[[1e999]]]",
	"[[1e999]]",
};

static void every_way(const char *text, size_t length)
{
	for (size_t budget = 1; budget <= length + 1; budget++) {
		pieces_json(text, length, budget, 0);
		pieces_rpc(text, length, budget, 0);
	}
	for (uint64_t seed = 0; seed < 20; seed++) {
		pieces_json(text, length, 0, seed);
		pieces_rpc(text, length, 0, seed);
	}
}

START_TEST(a_text_in_pieces_says_what_it_says_in_one_go)
{
	every_way(texts[_i], strlen(texts[_i]));
}
END_TEST

START_TEST(so_does_one_that_is_cut_short_anywhere)
{
	for (size_t length = 0; length < strlen(texts[_i]); length++) {
		pieces_json(texts[_i], length, 1, 0);
		pieces_rpc(texts[_i], length, 1, 0);
		pieces_json(texts[_i], length, 0, length);
		pieces_rpc(texts[_i], length, 0, length);
	}
}
END_TEST

START_TEST(so_does_one_with_another_byte_anywhere)
{
	static const char others[] = "\"\\[]{},: 0-.eu\x01\xc3\xa9\n";
	char *text = strdup(texts[_i]);
	for (size_t at = 0; text[at]; at++) {
		char was = text[at];
		for (size_t i = 0; i < sizeof(others); i++) {
			text[at] = others[i];
			pieces_json(text, strlen(texts[_i]), 1, 0);
			pieces_rpc(text, strlen(texts[_i]), 0, i);
		}
		text[at] = was;
	}
	free(text);
}
END_TEST

/* --- numbers --- */

static void add_digits(struct strbuf *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_puts(text, "7");
}

START_TEST(numbers_may_be_long_but_not_of_any_length)
{
	static const struct {
		const char *before, *between, *behind;
		bool good; /* …where it is not too long */
	} cases[] = {
		{ "[", "", "]", false },
		{ "[0.", "", "]", true },
		{ "[-0.", "e1", "]", true },
		{ "[1e-", "", "]", true },
		{ "[0.", "", "e-2]", true },
		{ "[0.", "", ".]", false },
		{ "[0.", "", "ex]", false },
		{ "[", ".x", "]", false },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":", "", "}", true },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t n = 4000; n < 4200; n++) {
			struct strbuf text = STRBUF_INIT;
			struct json_span value;
			size_t used;
			strbuf_puts(&text, cases[i].before);
			add_digits(&text, n);
			strbuf_puts(&text, cases[i].between);
			strbuf_puts(&text, cases[i].behind);
			pieces_json(text.data, text.length, 100, 0);
			pieces_rpc(text.data, text.length, 1 + n % 3000, 0);
			bool good = json_scan_with(text.data, text.length, 512, 1, &value, &used, NULL) == 0;
			if (n == 4000)
				ck_assert_int_eq(good, cases[i].good || i == 0);
			if (n > 4100)
				ck_assert(!good);
			strbuf_free(&text);
		}
	}
}
END_TEST

/* --- members --- */

START_TEST(a_request_has_so_many_members_at_most)
{
	for (int n = RPC_MEMBERS_LIMIT - 5; n < RPC_MEMBERS_LIMIT; n++) {
		struct strbuf text = STRBUF_INIT;
		struct rpc_request request;
		struct json_span batch, value;
		enum proto_error error;
		const char *reason;
		strbuf_puts(&text, "{\"id\":7,\"jsonrpc\":\"2.0\",\"method\":\"a\"");
		for (int i = 0; i < n; i++)
			strbuf_puts(&text, ",\"\":0");
		strbuf_puts(&text, "}");
		bool good = rpc_read(text.data, text.length, &request, &batch, &error, &reason) == RPC_REQUEST;
		ck_assert_int_eq(good, n + 3 <= RPC_MEMBERS_LIMIT);
		ck_assert_uint_eq(request.id.length, 1);
		ck_assert_int_eq(json_scan(text.data, text.length, &value, NULL, NULL), 0);
		good = rpc_read_value(&value, &request, &error, &reason) == RPC_REQUEST;
		ck_assert_int_eq(good, n + 3 <= RPC_MEMBERS_LIMIT);
		pieces_rpc(text.data, text.length, 10, 0);
		strbuf_free(&text);
	}
}
END_TEST

/* --- what is long --- */

static uint64_t state = SEED;

static unsigned below(unsigned n)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static void add_space(struct strbuf *text)
{
	if (below(4))
		return;
	for (unsigned n = below(12) ? below(3) : below(900); n > 0; n--)
		strbuf_add(text, &" \t\n\r"[below(4)], 1);
}

static void add_string(struct strbuf *text)
{
	static const char *const parts[] = { "word", " ", "\\\"", "\\u00e9", "[", "}", ",", "\xc3\xa9", ":" };
	strbuf_puts(text, "\"");
	for (unsigned n = below(8) ? below(6) : below(300); n > 0; n--)
		strbuf_puts(text, parts[below(COUNT(parts))]);
	strbuf_puts(text, "\"");
}

static void add_value(struct strbuf *text, int depth)
{
	static const char *const scalars[] = { "0", "-1.5e3", "true", "null", "12345" };
	unsigned kind = below(depth > 7 ? 2 : 4), n = below(5);
	if (kind == 0) {
		strbuf_puts(text, scalars[below(COUNT(scalars))]);
	} else if (kind == 1) {
		add_string(text);
	} else {
		strbuf_puts(text, kind == 2 ? "[" : "{");
		for (unsigned i = 0; i < n; i++) {
			add_space(text);
			if (kind == 3) {
				add_string(text);
				add_space(text);
				strbuf_puts(text, ":");
				add_space(text);
			}
			add_value(text, depth + 1);
			add_space(text);
			if (i + 1 < n)
				strbuf_puts(text, ",");
		}
		if (n == 0)
			add_space(text);
		strbuf_puts(text, kind == 2 ? "]" : "}");
	}
}

/* Walks all of it, and whether what is noted is used changes nothing. How many parts there are. */
static size_t walk(const struct json_span *container, const struct json_scan *scan, const char *text)
{
	struct json_span name[2] = { 0 }, value[2];
	size_t cursor[2] = { 0 }, count = 0;
	if (container->kind != JSON_SPAN_ARRAY && container->kind != JSON_SPAN_OBJECT)
		return 0;
	for (;; count++) {
		json_longs_use(NULL, NULL);
		int more = json_next(container, &cursor[0], &name[0], &value[0]);
		json_longs_use(scan, text);
		FUZZ_CHECK(json_next(container, &cursor[1], &name[1], &value[1]) == more);
		if (!more)
			return count;
		FUZZ_CHECK(cursor[0] == cursor[1]);
		pieces_same_span(&name[0], text, &name[1], text);
		pieces_same_span(&value[0], text, &value[1], text);
		count += walk(&value[0], scan, text);
	}
}

/* Whether an entry is what its name says. */
static void check_long(const struct json_scan *scan, const char *text, size_t index)
{
	const struct json_long *one = &scan->longs.list[index];
	struct json_span value;
	size_t used, length = one->end - one->begin;
	FUZZ_CHECK(one->end > one->begin && one->end <= scan->length && length >= scan->long_least);
	FUZZ_CHECK(index == 0 || scan->longs.list[index - 1].begin < one->begin);
	if (text[one->begin] > ' ') {
		FUZZ_CHECK(json_scan_prefix(text + one->begin, scan->length - one->begin, &value, &used, NULL) == 0);
		FUZZ_CHECK(used == length);
	} else {
		FUZZ_CHECK(strspn(text + one->begin, " \t\r\n") == length);
	}
}

static void scan_in_pieces(struct json_scan *scan, const struct strbuf *text, size_t least, struct json_span *value)
{
	uint64_t seed = least;
	int more;
	json_scan_begin(scan, text->length, JSON_DEPTH_LIMIT, -1);
	scan->long_least = least;
	while ((more = json_scan_on(scan, text->data, pieces_budget(0, &seed), value, NULL)) > 0)
		;
	ck_assert_int_eq(more, 0);
}

START_TEST(what_is_long_is_noted_and_need_not_be_looked_through)
{
	size_t noted = 0, parts = 0;
	for (int i = 0; i < 400; i++) {
		struct strbuf text = STRBUF_INIT;
		struct json_scan scan;
		struct json_span value;
		strbuf_puts(&text, "[");
		for (unsigned n = 1 + below(6); n > 0; n--) {
			add_value(&text, 0);
			strbuf_puts(&text, ",");
		}
		strbuf_puts(&text, "\""); /* so that much is left behind the others */
		while (text.length < JSON_LONG_LEAST * 2)
			strbuf_puts(&text, "much text ");
		strbuf_puts(&text, "\"]");
		scan_in_pieces(&scan, &text, 2 + below(i % 2 ? 20 : 600), &value);
		for (size_t at = 0; at < scan.longs.n; at++)
			check_long(&scan, text.data, at);
		noted += scan.longs.n;
		parts += walk(&value, &scan, text.data);
		json_longs_use(NULL, NULL);
		json_scan_end(&scan);
		strbuf_free(&text);
	}
	ck_assert_uint_gt(noted, 1000);
	ck_assert_uint_gt(parts, 10000);
}
END_TEST

START_TEST(what_goes_on_over_many_pieces_is_long)
{
	struct strbuf text = STRBUF_INIT;
	struct json_scan scan;
	struct json_span value;
	strbuf_printf(&text, "[%20000s,\"%20000s\",1]", "1", "");
	for (size_t budget = 1; budget < 30000; budget = budget * 3 + 1) {
		json_scan_begin(&scan, text.length, JSON_DEPTH_LIMIT, -1);
		while (json_scan_on(&scan, text.data, budget, &value, NULL) > 0)
			;
		ck_assert_uint_eq(scan.longs.n, 3);
		ck_assert_uint_eq(scan.longs.list[1].begin, 1);
		ck_assert_uint_eq(scan.longs.list[1].end, 20000);
		ck_assert_uint_eq(scan.longs.list[2].begin, 20002);
		ck_assert_uint_eq(scan.longs.list[2].end, 40004);
		json_scan_end(&scan);
	}
	strbuf_free(&text);
}
END_TEST

/* However many long things there are, few are noted. */
START_TEST(few_are_noted_of_a_very_long_text)
{
	struct strbuf text = STRBUF_INIT;
	struct json_scan scan;
	struct json_span value;
	strbuf_puts(&text, "[");
	for (int i = 0; i < 4000; i++)
		strbuf_printf(&text, "[%*s],", 500, "1");
	strbuf_puts(&text, "0]");
	json_scan_begin(&scan, text.length, JSON_DEPTH_LIMIT, -1);
	while (json_scan_on(&scan, text.data, 10000, &value, NULL) > 0)
		;
	ck_assert_uint_eq(scan.longs.n, 1);
	ck_assert_uint_eq(scan.longs.list[0].end, text.length);
	json_scan_end(&scan);
	strbuf_free(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json in pieces");
	TCase *tcase = tcase_create("pieces");
	tcase_add_loop_test(tcase, a_text_in_pieces_says_what_it_says_in_one_go, 0, (int)COUNT(texts));
	tcase_add_loop_test(tcase, so_does_one_that_is_cut_short_anywhere, 0, (int)COUNT(texts));
	tcase_add_loop_test(tcase, so_does_one_with_another_byte_anywhere, 0, (int)COUNT(texts));
	tcase_add_test(tcase, numbers_may_be_long_but_not_of_any_length);
	tcase_add_test(tcase, a_request_has_so_many_members_at_most);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("what is long");
	tcase_add_test(tcase, what_is_long_is_noted_and_need_not_be_looked_through);
	tcase_add_test(tcase, what_goes_on_over_many_pieces_is_long);
	tcase_add_test(tcase, few_are_noted_of_a_very_long_text);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
