/* The scanner: what it lets through and what not, beside jansson, whose verdict is the same but for what is named here;
 * and reading in what it let through. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_scan.h"
#include "proto/strbuf.h"

/* Scans a copy without a byte to spare, so that a sanitizer sees every step too far. */
static int scan_copy(const char *text, size_t length, struct json_span *value, struct json_error *error)
{
	static char *copy;
	bool newline;

	free(copy);
	copy = malloc(length ? length : 1);
	memcpy(copy, text, length);
	return json_scan(copy, length, value, &newline, error);
}

static bool valid(const char *text, size_t length)
{
	struct json_span value;

	return scan_copy(text, length, &value, NULL) == 0;
}

static const char *const good[] = {
	"0",
	"-0",
	"1",
	"-1",
	"12",
	"1234567890",
	"0.0",
	"-0.0",
	"0.5",
	"1.25",
	"1e5",
	"1E5",
	"1e+5",
	"1e-5",
	"1.5E+05",
	"0e0",
	"0E999999999",
	"1e308",
	"1.7976931348623157e308",
	"-1.7976931348623157e308",
	"1e-400",
	"123456789012345678",
	"999999999999999999",
	"9223372036854775807",
	"-9223372036854775808",
	"-9223372036854775807",
	"1000000000000000000000.0",
	"0.00000000000000000000000000000000000000000000001e330",
	"true",
	"false",
	"null",
	"\"\"",
	"\"a\"",
	"\"abcdefgh\"",
	"\"abcdefghi\"",
	"\"\\\"\"",
	"\"\\\\\"",
	"\"\\/\"",
	"\"\\b\\f\\n\\r\\t\"",
	"\"\\u0041\"",
	"\"\\u00e9\"",
	"\"\\uD83D\\uDE00\"",
	"\"\\ud83d\\ude00\"",
	"\"\\u0001\"",
	"\"\\uFFFF\"",
	"\"\xc3\xa9\"",
	"\"\xe2\x82\xac\"",
	"\"\xf0\x9f\x98\x80\"",
	"\"\xed\x9f\xbf\"",
	"\"\xee\x80\x80\"",
	"\"\xf4\x8f\xbf\xbf\"",
	"\"\xef\xbf\xbf\"",
	"\"\x7f\"",
	"\"12345678\\\"12345678\"",
	"[]",
	"[ ]",
	"[1]",
	"[1,2]",
	"[ 1 , 2 ]",
	"[[]]",
	"[[],[]]",
	"[[[1]],{}]",
	"{}",
	"{ }",
	"{\"a\":1}",
	"{ \"a\" : 1 , \"b\" : [ ] }",
	"{\"a\":{\"b\":{}}}",
	"{\"\":0}",
	"{\"a\":1,\"a\":2}",
	" 1",
	"1 ",
	"\t\r\n 1 \n",
	"[\n1\n]",
	"{\"a\":\"x\",\"b\":null}",
	"[true,false,null]",
	"[\"]\",\"[\",\"{\"]",
	"{\"}\":\"{\"}",
	"[-1,-0.5,1e1]",
	"[0]",
	"[0,0]",
};

static const struct {
	const char *text;
	const char *reason;
} bad[] = {
	{ "", "unexpected end" },
	{ " ", "unexpected end" },
	{ "[", "unexpected end" },
	{ "{", "unexpected end" },
	{ "[1", "unexpected end" },
	{ "[1,", "unexpected end" },
	{ "{\"a\"", "unexpected end" },
	{ "{\"a\":", "unexpected end" },
	{ "{\"a\":1", "unexpected end" },
	{ "{\"a\":1,", "unexpected end" },
	{ "\"", "unexpected end" },
	{ "\"a", "unexpected end" },
	{ "\"\\", "unexpected end" },
	{ "-", "unexpected end" },
	{ "1.", "unexpected end" },
	{ "1e", "unexpected end" },
	{ "1e+", "unexpected end" },
	{ "t", "unexpected end" },
	{ "tru", "unexpected end" },
	{ "nul", "unexpected end" },
	{ "fals", "unexpected end" },
	{ "]", "unexpected character" },
	{ "}", "unexpected character" },
	{ ",", "unexpected character" },
	{ ":", "unexpected character" },
	{ "[}", "unexpected character" },
	{ "{]", "unexpected character" },
	{ "[1}", "unexpected character" },
	{ "{\"a\":1]", "unexpected character" },
	{ "[,1]", "unexpected character" },
	{ "[1,]", "unexpected character" },
	{ "[1,,2]", "unexpected character" },
	{ "[1 2]", "unexpected character" },
	{ "[1:2]", "unexpected character" },
	{ "{,}", "unexpected character" },
	{ "{\"a\",1}", "unexpected character" },
	{ "{\"a\" 1}", "unexpected character" },
	{ "{\"a\":1,}", "unexpected character" },
	{ "{\"a\":}", "unexpected character" },
	{ "{1:1}", "unexpected character" },
	{ "{a:1}", "unexpected character" },
	{ "{null:1}", "unexpected character" },
	{ "{\"a\":1 \"b\":2}", "unexpected character" },
	{ "{[]:1}", "unexpected character" },
	{ "1 2", "unexpected character" },
	{ "[] []", "unexpected character" },
	{ "{}x", "unexpected character" },
	{ "1x", "unexpected character" },
	{ "tru e", "unexpected character" },
	{ "TRUE", "unexpected character" },
	{ "True", "unexpected character" },
	{ "nan", "unexpected character" },
	{ "NaN", "unexpected character" },
	{ "Infinity", "unexpected character" },
	{ "-Infinity", "unexpected character" },
	{ "undefined", "unexpected character" },
	{ "'a'", "unexpected character" },
	{ "+1", "unexpected character" },
	{ ".5", "unexpected character" },
	{ "-.5", "unexpected character" },
	{ "1.e5", "unexpected character" },
	{ "1.x", "unexpected character" },
	{ "1ex", "unexpected character" },
	{ "1e+-5", "unexpected character" },
	{ "--1", "unexpected character" },
	{ "-a", "unexpected character" },
	{ "0x10", "unexpected character" },
	{ "1_000", "unexpected character" },
	{ "// a\n1", "unexpected character" },
	{ "/**/1", "unexpected character" },
	{ "\f1", "unexpected character" },
	{ "\v1", "unexpected character" },
	{ "[1]\f", "unexpected character" },
	{ "\xef\xbb\xbf"
	  "1",
		"unexpected character" },
	{ "\xc2\xa0"
	  "1",
		"unexpected character" },
	{ "00", "number with a leading zero" },
	{ "01", "number with a leading zero" },
	{ "-01", "number with a leading zero" },
	{ "[012]", "number with a leading zero" },
	{ "9223372036854775808", "integer beyond 64 bits" },
	{ "-9223372036854775809", "integer beyond 64 bits" },
	{ "18446744073709551615", "integer beyond 64 bits" },
	{ "[10000000000000000000]", "integer beyond 64 bits" },
	{ "123456789012345678901234567890", "integer beyond 64 bits" },
	{ "1e309", "number too large" },
	{ "-1e309", "number too large" },
	{ "1.8e308", "number too large" },
	{ "1e999999999999999999999", "number too large" },
	{ "1.7976931348623159e308", "number too large" },
	{ "0.1e310", "number too large" },
	{ "\"\\x\"", "invalid escape" },
	{ "\"\\'\"", "invalid escape" },
	{ "\"\\u12\"", "invalid escape" },
	{ "\"\\u123g\"", "invalid escape" },
	{ "\"\\U0041\"", "invalid escape" },
	{ "\"\\\n\"", "invalid escape" },
	{ "\"\\u0000\"", "NUL in a string" },
	{ "\"\\ud800\"", "lone surrogate" },
	{ "\"\\udc00\"", "lone surrogate" },
	{ "\"\\udfff\"", "lone surrogate" },
	{ "\"\\udbff\"", "lone surrogate" },
	{ "\"\\udbff\\ue000\"", "lone surrogate" },
	{ "\"\\ud800\\ud800\"", "lone surrogate" },
	{ "\"\\ud800x\"", "lone surrogate" },
	{ "\"\\ud800\\n\"", "lone surrogate" },
	{ "\"\\ude00\\ud83d\"", "lone surrogate" },
	{ "\"a\nb\"", "control character in a string" },
	{ "\"\t\"", "control character in a string" },
	{ "\"abcdefgh\x1f\"", "control character in a string" },
	{ "\"\x80\"", "invalid UTF-8" },
	{ "\"\xff\"", "invalid UTF-8" },
	{ "\"\xc0\x80\"", "invalid UTF-8" },
	{ "\"\xc1\xbf\"", "invalid UTF-8" },
	{ "\"\xe0\x80\x80\"", "invalid UTF-8" },
	{ "\"\xe0\x9f\xbf\"", "invalid UTF-8" },
	{ "\"\xed\xa0\x80\"", "invalid UTF-8" },
	{ "\"\xed\xbf\xbf\"", "invalid UTF-8" },
	{ "\"\xf0\x8f\xbf\xbf\"", "invalid UTF-8" },
	{ "\"\xf4\x90\x80\x80\"", "invalid UTF-8" },
	{ "\"\xf5\x80\x80\x80\"", "invalid UTF-8" },
	{ "\"\xc3\"", "invalid UTF-8" },
	{ "\"\xc3", "invalid UTF-8" },
	{ "\"\xe2\x82\"", "invalid UTF-8" },
	{ "\"\xf0\x9f\x98\"", "invalid UTF-8" },
	{ "\"\xc3\xa9\xc3(\"", "invalid UTF-8" },
	{ "\xff", "invalid UTF-8" },
	{ "[\x80]", "invalid UTF-8" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(good_text_passes)
{
	ck_assert_msg(valid(good[_i], strlen(good[_i])), "%s", good[_i]);
}
END_TEST

START_TEST(bad_text_is_refused_with_its_reason)
{
	struct json_error error = { 0 };
	struct json_span value;

	ck_assert_msg(scan_copy(bad[_i].text, strlen(bad[_i].text), &value, &error) < 0, "%s", bad[_i].text);
	ck_assert_msg(strcmp(error.reason, bad[_i].reason) == 0, "%s: %s", bad[_i].text, error.reason);
	ck_assert_uint_le(error.offset, strlen(bad[_i].text));
}
END_TEST

START_TEST(NUL_bytes_are_refused)
{
	ck_assert(!valid("1\0", 2));
	ck_assert(!valid("\0", 1));
	ck_assert(!valid("\"a\0b\"", 5));
	ck_assert(!valid("[1,\0002]", 6));
}
END_TEST

START_TEST(every_good_text_cut_short_is_bad_or_a_number)
{
	const char *text = good[_i];
	size_t length = strlen(text), last = length;

	while (last > 0 && strchr(" \t\r\n", text[last - 1]))
		last--;
	for (size_t cut = 0; cut < last; cut++)
		if (valid(text, cut))
			ck_assert_msg(strchr("-0123456789", text[strspn(text, " \t\r\n")]), "%.*s", (int)cut, text);
}
END_TEST

/* --- nesting --- */

static int scan_nested(const char *open, const char *close, size_t depth)
{
	struct strbuf text = STRBUF_INIT;
	struct json_span value;

	for (size_t i = 0; i < depth; i++)
		strbuf_puts(&text, open);
	strbuf_puts(&text, "1");
	for (size_t i = 0; i < depth; i++)
		strbuf_puts(&text, close);
	int result = scan_copy(text.data, text.length, &value, NULL);
	strbuf_free(&text);
	return result;
}

START_TEST(nesting_has_a_limit)
{
	ck_assert_int_eq(scan_nested("[", "]", JSON_DEPTH_LIMIT), 0);
	ck_assert_int_eq(scan_nested("[", "]", JSON_DEPTH_LIMIT + 1), -1);
	ck_assert_int_eq(scan_nested("{\"a\":", "}", JSON_DEPTH_LIMIT), 0);
	ck_assert_int_eq(scan_nested("{\"a\":", "}", JSON_DEPTH_LIMIT + 1), -1);
	ck_assert_int_eq(scan_nested("[{\"a\":", "}]", JSON_DEPTH_LIMIT / 2), 0);
	ck_assert_int_eq(scan_nested("[{\"a\":[", "]}]", 170), 0);
	ck_assert_int_eq(scan_nested("[", "}", 3), -1);
	ck_assert_int_eq(scan_nested("[{\"a\":", "]}", 40), -1);
	ck_assert_int_eq(scan_nested("[", "", 100000), -1);
}
END_TEST

/* Brackets are told apart at every depth: a wrong one anywhere is found. */
START_TEST(each_bracket_must_match_its_own)
{
	char text[1024];

	for (unsigned pattern = 0; pattern < 64; pattern++) {
		size_t n = 0;
		for (size_t depth = 0; depth < 130; depth++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, pattern >> (depth % 6) & 1 ? "{\"\":" : "[");
		text[n++] = '0';
		size_t closing = n;
		for (size_t depth = 130; depth-- > 0;)
			text[n++] = pattern >> (depth % 6) & 1 ? '}' : ']';
		ck_assert(valid(text, n));
		for (size_t i = closing; i < n; i++) {
			text[i] ^= ']' ^ '}';
			ck_assert(!valid(text, n));
			text[i] ^= ']' ^ '}';
		}
	}
}
END_TEST

/* --- beside jansson --- */

static uint64_t random_state = 88172645463325252u;

static unsigned random_below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

static bool jansson_valid(const char *text, size_t length)
{
	json_t *json = json_loadb(text, length, JSON_DECODE_ANY, NULL);

	json_decref(json);
	return json != NULL;
}

static void add_random_string(struct strbuf *out)
{
	static const char *const parts[] = { "a", "abcdefgh", "\\n", "\\u00e9", "\\ud83d\\ude00", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\\\", "\\\"", "]", "}", " ", "\x7f" };

	strbuf_puts(out, "\"");
	for (unsigned n = random_below(6); n > 0; n--)
		strbuf_puts(out, parts[random_below(COUNT(parts))]);
	strbuf_puts(out, "\"");
}

static void add_random_value(struct strbuf *out, int depth)
{
	static const char *const scalars[] = { "0", "-1", "12345678901234567", "9223372036854775807",
		"-9223372036854775808", "9223372036854775808", "1.5", "-0.0e-3", "1e308", "1e309", "123e307", "true",
		"false", "null", "0.00001e313" };
	unsigned kind = random_below(depth > 5 ? 2 : 4);

	if (random_below(8) == 0)
		strbuf_puts(out, " \n\t" + random_below(3));
	if (kind == 0) {
		strbuf_puts(out, scalars[random_below(COUNT(scalars))]);
		return;
	}
	if (kind == 1) {
		add_random_string(out);
		return;
	}
	strbuf_puts(out, kind == 2 ? "[" : "{");
	for (unsigned n = random_below(5), i = 0; i < n; i++) {
		if (i > 0)
			strbuf_puts(out, ",");
		if (kind == 3) {
			add_random_string(out);
			strbuf_puts(out, ":");
		}
		add_random_value(out, depth + 1);
	}
	strbuf_puts(out, kind == 2 ? "]" : "}");
}

static void mutate(struct strbuf *text)
{
	static const char letters[] = "[]{}\",:\\u0019eE+-. \n\ttfn\x80\xc3\xa9\xed\xa0\xff\x01";

	if (text->length == 0)
		return;
	size_t at = random_below((unsigned)text->length);
	switch (random_below(4)) {
	case 0:
		text->data[at] = letters[random_below(sizeof(letters) - 1)];
		break;
	case 1: /* one byte less */
		memmove(text->data + at, text->data + at + 1, text->length - at - 1);
		text->length--;
		break;
	case 2: /* cut short */
		text->length = at;
		break;
	default: /* two bytes swapped */
		if (at + 1 < text->length) {
			char c = text->data[at];
			text->data[at] = text->data[at + 1];
			text->data[at + 1] = c;
		}
	}
}

static void compare(const char *text, size_t length)
{
	bool ours = valid(text, length), theirs = jansson_valid(text, length);

	ck_assert_msg(ours == theirs, "%s: %.*s", ours ? "let through" : "refused", (int)length, text);
}

START_TEST(jansson_agrees_on_generated_and_mutated_texts)
{
	for (int i = 0; i < 6000; i++) {
		struct strbuf text = STRBUF_INIT;
		add_random_value(&text, 0);
		compare(text.data, text.length);
		for (unsigned n = 0; n < 4 && text.length > 0; n++) {
			mutate(&text);
			compare(text.data, text.length);
		}
		strbuf_free(&text);
	}
}
END_TEST

START_TEST(jansson_agrees_on_the_tables)
{
	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_msg(jansson_valid(good[i], strlen(good[i])), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!jansson_valid(bad[i].text, strlen(bad[i].text)), "%s", bad[i].text);
}
END_TEST

/* --- numbers at the edge of what a double holds --- */

/* Half way between the largest double and 2^1024. */
#define EDGE                                                                                                      \
	"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070963" \
	"3028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447573027" \
	"0069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904174497792"

START_TEST(the_largest_finite_number_is_found_exactly)
{
	char text[800];

	snprintf(text, sizeof(text), "%s.0", EDGE);
	ck_assert(!valid(text, strlen(text)));
	snprintf(text, sizeof(text), "%s.000000000000000000001", EDGE);
	ck_assert(!valid(text, strlen(text)));
	snprintf(text, sizeof(text), "0.%se309", EDGE);
	ck_assert(!valid(text, strlen(text)));
	snprintf(text, sizeof(text), "0.000%se0312", EDGE);
	ck_assert(!valid(text, strlen(text)));
	snprintf(text, sizeof(text), "-%.308s9.999999999999", EDGE);
	ck_assert(!valid(text, strlen(text)));
	snprintf(text, sizeof(text), "-%.307s79.999999999999", EDGE);
	ck_assert(valid(text, strlen(text)));
	snprintf(text, sizeof(text), "%.308s1.9e0", EDGE);
	ck_assert(valid(text, strlen(text)));
	snprintf(text, sizeof(text), "%.308s2e0", EDGE);
	ck_assert(!valid(text, strlen(text)));
	for (int digits = 1; digits <= 308; digits++) { /* cut, it is below the edge, until nothing is missing */
		snprintf(text, sizeof(text), "%.1s.%.*se308", EDGE, digits, EDGE + 1);
		ck_assert_msg(valid(text, strlen(text)) == (digits < 308), "%s", text);
	}
}
END_TEST

START_TEST(strtod_agrees_near_the_edge)
{
	for (int i = 0; i < 4000; i++) {
		char text[512];
		int digits = 1 + (int)random_below(330);
		size_t n = 0;
		if (random_below(2)) { /* digits as the edge has them, and one that differs */
			size_t same = random_below(309);
			n = (size_t)snprintf(text, sizeof(text), "%.*s%u", (int)same, EDGE, random_below(10));
			if (text[0] == '0')
				text[0] = '1';
		} else {
			text[n++] = (char)('1' + random_below(9));
			while ((int)n < digits)
				text[n++] = (char)('0' + random_below(10));
		}
		snprintf(text + n, sizeof(text) - n, ".%ue%d", random_below(100), 308 - (int)n + (int)random_below(4));
		double number = strtod(text, NULL);
		ck_assert_msg(valid(text, strlen(text)) == (number <= 1.7976931348623157e308), "%s", text);
	}
}
END_TEST

/* --- what a scan tells --- */

START_TEST(the_span_is_the_value_without_white_space)
{
	static const struct {
		const char *text, *value;
		enum json_kind kind;
		bool newline;
	} cases[] = {
		{ " 17 ", "17", JSON_SPAN_INTEGER, false },
		{ "\n1.5\n", "1.5", JSON_SPAN_REAL, false },
		{ "1e5", "1e5", JSON_SPAN_REAL, false },
		{ "\"a\\n\"", "\"a\\n\"", JSON_SPAN_STRING, false },
		{ "\n[1, 2] ", "[1, 2]", JSON_SPAN_ARRAY, false },
		{ "[1,\n2]", "[1,\n2]", JSON_SPAN_ARRAY, true },
		{ "{\"a\"\r:1}", "{\"a\"\r:1}", JSON_SPAN_OBJECT, true },
		{ "{}\n", "{}", JSON_SPAN_OBJECT, false },
		{ "[[]\n]", "[[]\n]", JSON_SPAN_ARRAY, true },
		{ "true", "true", JSON_SPAN_BOOL, false },
		{ " null", "null", JSON_SPAN_NULL, false },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_span value = { 0 };
		bool newline = !cases[i].newline;
		ck_assert_int_eq(json_scan(cases[i].text, strlen(cases[i].text), &value, &newline, NULL), 0);
		ck_assert_uint_eq(value.length, strlen(cases[i].value));
		ck_assert(memcmp(value.text, cases[i].value, value.length) == 0);
		ck_assert_int_eq(value.kind, cases[i].kind);
		ck_assert_int_eq(newline, cases[i].newline);
	}
}
END_TEST

START_TEST(a_prefix_is_one_value)
{
	struct json_span value;
	size_t used;

	ck_assert_int_eq(json_scan_prefix(" [1] [2]", 8, &value, &used, NULL), 0);
	ck_assert_uint_eq(used, 4);
	ck_assert_int_eq(json_scan_prefix("\"a\"b", 4, &value, &used, NULL), 0);
	ck_assert_uint_eq(used, 3);
	ck_assert_int_eq(json_scan_prefix("[1", 2, &value, &used, NULL), -1);
	ck_assert_int_eq(json_scan_with("[[1e999]]", 9, 512, 2, &value, &used, NULL), 0);
	ck_assert_int_eq(json_scan_with("[[1e999]]", 9, 512, 1, &value, &used, NULL), -1);
	ck_assert_int_eq(json_scan_with("[[1]]", 5, 1, -1, &value, &used, NULL), -1);
}
END_TEST

/* The same parts by the walk over unread text and by json_next over scanned text, and as many as jansson has. */
static void walk_both(const char *text, size_t length)
{
	struct json_span whole, name[2], value[2];
	struct json_walk walk;
	size_t cursor = 0, count = 0;
	int more;

	ck_assert_int_eq(json_scan(text, length, &whole, NULL, NULL), 0);
	if (whole.kind != JSON_SPAN_ARRAY && whole.kind != JSON_SPAN_OBJECT)
		return;
	ck_assert_int_eq(json_walk_begin(&walk, text, length, 512, NULL), 0);
	ck_assert_int_eq(walk.object, whole.kind == JSON_SPAN_OBJECT);
	while ((more = json_walk_next(&walk, &name[0], &value[0], NULL)) > 0) {
		ck_assert_int_eq(json_next(&whole, &cursor, &name[1], &value[1]), 1);
		ck_assert_ptr_eq(value[0].text, value[1].text);
		ck_assert_uint_eq(value[0].length, value[1].length);
		ck_assert_int_eq(value[0].kind, value[1].kind);
		if (walk.object) {
			ck_assert_ptr_eq(name[0].text, name[1].text);
			ck_assert_uint_eq(name[0].length, name[1].length);
		}
		count++;
	}
	ck_assert_int_eq(more, 0);
	ck_assert_int_eq(json_next(&whole, &cursor, &name[1], &value[1]), 0);
	ck_assert_uint_eq(json_count(&whole), count);
}

START_TEST(both_walks_find_the_same_parts)
{
	for (size_t i = 0; i < COUNT(good); i++)
		walk_both(good[i], strlen(good[i]));
	for (int i = 0; i < 2000; i++) {
		struct strbuf text = STRBUF_INIT;
		add_random_value(&text, 0);
		if (valid(text.data, text.length))
			walk_both(text.data, text.length);
		strbuf_free(&text);
	}
}
END_TEST

/* What the walk lets through is what the scan does, but for the size of numbers at its top level. */
START_TEST(the_walk_is_as_strict_as_the_scan)
{
	for (int i = 0; i < 6000; i++) {
		struct strbuf text = STRBUF_INIT;
		struct json_error error = { 0 };
		struct json_span name, value;
		struct json_walk walk;
		add_random_value(&text, 0);
		mutate(&text);
		int more = json_walk_begin(&walk, text.data, text.length, 512, &error) < 0 ? -1 : 1;
		while (more > 0)
			more = json_walk_next(&walk, &name, &value, &error);
		bool scanned = scan_copy(text.data, text.length, &value, &error) == 0 &&
			(value.kind == JSON_SPAN_ARRAY || value.kind == JSON_SPAN_OBJECT);
		ck_assert_msg((more == 0) == scanned || strcmp(error.reason, "number too large") == 0 ||
				strcmp(error.reason, "integer beyond 64 bits") == 0,
			"%.*s", (int)text.length, text.data);
		strbuf_free(&text);
	}
}
END_TEST

/* --- strings and integers --- */

static struct json_span span_of(const char *text)
{
	struct json_span value = { 0 };

	ck_assert_msg(json_scan(text, strlen(text), &value, NULL, NULL) == 0, "%s", text);
	return value;
}

START_TEST(strings_are_unescaped_as_jansson_does)
{
	for (int i = 0; i < 3000; i++) {
		struct strbuf text = STRBUF_INIT;
		size_t length;
		add_random_string(&text);
		struct json_span span = span_of(text.data);
		char *ours = json_string_dup(&span, &length);
		json_t *theirs = json_loadb(text.data, text.length, JSON_DECODE_ANY, NULL);
		ck_assert_uint_eq(length, json_string_length(theirs));
		ck_assert_str_eq(ours, json_string_value(theirs));
		ck_assert(json_string_is(&span, ours));
		char other[200];
		snprintf(other, sizeof(other), "%sx", ours);
		ck_assert(!json_string_is(&span, other));
		if (length > 0) {
			ours[length - 1] ^= 1;
			ck_assert(!json_string_is(&span, ours));
			ours[length - 1] = '\0';
			ck_assert(!json_string_is(&span, ours));
		}
		free(ours);
		json_decref(theirs);
		strbuf_free(&text);
	}
}
END_TEST

START_TEST(a_string_that_does_not_fit_is_not_copied)
{
	struct json_span span = span_of("\"ab\\u20acd\"");
	size_t length;
	char buf[8];

	ck_assert(json_string_copy(&span, buf, 7, &length));
	ck_assert_uint_eq(length, 6);
	ck_assert_str_eq(buf,
		"ab\xe2\x82\xac"
		"d");
	for (size_t room = 0; room < 7; room++)
		ck_assert(!json_string_copy(&span, buf, room, NULL));
}
END_TEST

START_TEST(integers_have_their_values)
{
	static const struct {
		const char *text;
		long long value;
	} cases[] = { { "0", 0 }, { "-0", 0 }, { "17", 17 }, { "-1", -1 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN } };
	long long value = 5;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_span span = span_of(cases[i].text);
		ck_assert(json_span_integer(&span, &value));
		ck_assert_int_eq(value, cases[i].value);
	}
	struct json_span real = span_of("1.0"), string = span_of("\"1\"");
	ck_assert(!json_span_integer(&real, &value));
	ck_assert(!json_span_integer(&string, &value));
	struct json_span huge = { "9223372036854775808", 19, JSON_SPAN_INTEGER };
	ck_assert(!json_span_integer(&huge, &value));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_scan");
	TCase *text = tcase_create("text");
	tcase_add_loop_test(text, good_text_passes, 0, (int)COUNT(good));
	tcase_add_loop_test(text, bad_text_is_refused_with_its_reason, 0, (int)COUNT(bad));
	tcase_add_loop_test(text, every_good_text_cut_short_is_bad_or_a_number, 0, (int)COUNT(good));
	tcase_add_test(text, NUL_bytes_are_refused);
	tcase_add_test(text, nesting_has_a_limit);
	tcase_add_test(text, each_bracket_must_match_its_own);
	tcase_add_test(text, jansson_agrees_on_generated_and_mutated_texts);
	tcase_add_test(text, jansson_agrees_on_the_tables);
	tcase_add_test(text, the_largest_finite_number_is_found_exactly);
	tcase_add_test(text, strtod_agrees_near_the_edge);
	suite_add_tcase(suite, text);
	TCase *parts = tcase_create("parts");
	tcase_add_test(parts, the_span_is_the_value_without_white_space);
	tcase_add_test(parts, a_prefix_is_one_value);
	tcase_add_test(parts, both_walks_find_the_same_parts);
	tcase_add_test(parts, the_walk_is_as_strict_as_the_scan);
	tcase_add_test(parts, strings_are_unescaped_as_jansson_does);
	tcase_add_test(parts, a_string_that_does_not_fit_is_not_copied);
	tcase_add_test(parts, integers_have_their_values);
	suite_add_tcase(suite, parts);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
