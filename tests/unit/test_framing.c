/* Framing: messages come out whole however the stream is cut, and what cannot be framed is told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/framing.h"
#include "proto/strbuf.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIMIT 1000

/* Feeds TEXT in pieces of 1…PIECE bytes (0: whole) and writes what comes out to OUT as "[message]", then a letter for
 * how it ended: '.' wants more, 'L' too long, 'H' bad header, 'S' bad start. */
static void feed(const char *text, size_t length, unsigned piece, struct strbuf *out)
{
	struct framing framing;
	size_t start = 0, there = 0;

	framing_init(&framing, FRAMING_UNKNOWN, LIMIT);
	do {
		size_t step = piece ? 1 + (size_t)rand() % piece : length;
		there = length - there < step ? length : there + step;
		for (;;) {
			const char *message;
			size_t message_length, used;
			/* A copy without a byte to spare, so that a sanitizer sees every step too far. */
			size_t left = there - start;
			char *copy = malloc(left ? left : 1);
			memcpy(copy, text + start, left);
			enum framing_result result =
				framing_next(&framing, copy, left, &message, &message_length, &used);
			if (result == FRAMING_MESSAGE)
				strbuf_printf(out, "[%.*s]", (int)message_length, message);
			free(copy);
			switch (result) {
			case FRAMING_MESSAGE:
				start += used;
				continue;
			case FRAMING_INCOMPLETE:
				start += used;
				break;
			case FRAMING_TOO_LONG:
				strbuf_puts(out, "L");
				return;
			case FRAMING_BAD_HEADER:
				strbuf_puts(out, "H");
				return;
			case FRAMING_BAD_START:
				strbuf_puts(out, "S");
				return;
			}
			break;
		}
	} while (there < length);
	strbuf_puts(out, ".");
}

static const struct {
	const char *text, *expected;
} cases[] = {
	{ "", "." },
	{ "\n\n \t\r\n", "." },
	{ "{}\n", "[{}]." },
	{ "{}\r\n[1]\n", "[{}][[1]]." },
	{ "\n\r\n {}\n\n\n{}\n", "[{}][{}]." },
	{ "{}", "." },
	{ "{\"a\":\"\r\"}\n", "[{\"a\":\"\r\"}]." },
	{ "{}\nxyz\n{}\n", "[{}][xyz][{}]." },
	{ "{\n}\n", "[{][}]." },
	{ "Content-Length: 2\r\n\r\n{}", "[{}]." },
	{ "content-length:2\n\n{}", "[{}]." },
	{ "CONTENT-LENGTH: \t 2 \t\r\n\r\n{}", "[{}]." },
	{ "Content-Length: 2\r\n\r\n{}Content-Length: 4\r\n\r\n[\n1]", "[{}][[\n1]]." },
	{ "Content-Length: 2\r\n\r\n{}\r\n\nContent-Length: 3\r\n\r\n[1]", "[{}][[1]]." },
	{ "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", "[{}]." },
	{ "Content-Length: 2\r\nContent-Type: x\r\nX-Other: y:z\r\n\r\n{}", "[{}]." },
	{ "Content-Length: 0000000002\r\n\r\n{}", "[{}]." },
	{ "Content-Length: 2\r\n\r\n", "." },
	{ "Content-Length: 2\r\n\r", "." },
	{ "Content-Length: 2\r\n", "." },
	{ "C", "." },
	{ "Content-Length: 5\r\n\r\n{}", "." },
	{ "Content-Length: 0\r\n\r\n", "H" },
	{ "Content-Length: -2\r\n\r\n{}", "H" },
	{ "Content-Length: +2\r\n\r\n{}", "H" },
	{ "Content-Length: 2x\r\n\r\n{}", "H" },
	{ "Content-Length: 2 2\r\n\r\n{}", "H" },
	{ "Content-Length: 0x2\r\n\r\n{}", "H" },
	{ "Content-Length: 2.0\r\n\r\n{}", "H" },
	{ "Content-Length:\r\n\r\n{}", "H" },
	{ "Content-Length: 18446744073709551618\r\n\r\n{}", "H" },
	{ "Content-Length: 99999999999999999999999999\r\n\r\n{}", "H" },
	{ "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "H" },
	{ "Content-Length: 2\r\ncontent-length: 3\r\n\r\n{}", "H" },
	{ "Content-Type: x\r\n\r\n{}", "H" },
	{ "Content-Length 2\r\n\r\n{}", "H" },
	{ "Content Length: 2\r\n\r\n{}", "H" },
	{ "Content-Length : 2\r\n\r\n{}", "H" },
	{ "Content-Length: 2\r\n: 2\r\n\r\n{}", "H" },
	{ "Content-Length: 2\r\n folded\r\n\r\n{}", "H" },
	{ "Content-Length: 1001\r\n\r\n", "L" },
	{ "Content-Length: 999999999999999999\r\n\r\n", "L" },
	{ "hello\n", "S" },
	{ "GET / HTTP/1.1\r\n", "S" },
	{ "\n\n1\n", "S" },
	{ "\xff", "S" },
};

static void expect(const char *text, size_t length, unsigned piece, const char *expected)
{
	struct strbuf out = STRBUF_INIT;

	feed(text, length, piece, &out);
	ck_assert_msg(strcmp(out.data, expected) == 0, "%.200s\nin pieces of %u: %.200s", text, piece, out.data);
	strbuf_free(&out);
}

START_TEST(streams_give_the_same_messages_however_cut)
{
	const char *text = cases[_i].text;
	size_t length = strlen(text);

	expect(text, length, 0, cases[_i].expected);
	expect(text, length, 1, cases[_i].expected);
	for (int i = 0; i < 50; i++)
		expect(text, length, 2 + (unsigned)i % 9, cases[_i].expected);
}
END_TEST

/* A line of LENGTH bytes, its end not counted. */
static void expect_line(size_t length, const char *end, const char *ending)
{
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;

	strbuf_puts(&text, "{");
	while (text.length < length)
		strbuf_puts(&text, "x");
	strbuf_puts(&text, end);
	for (unsigned piece = 0; piece < 3; piece++) {
		strbuf_reset(&out);
		feed(text.data, text.length, piece, &out);
		ck_assert_str_eq(out.data + out.length - 1, ending);
	}
	strbuf_free(&text);
	strbuf_free(&out);
}

START_TEST(lines_stop_at_the_limit)
{
	expect_line(LIMIT, "\n", ".");
	expect_line(LIMIT, "\r\n", ".");
	expect_line(LIMIT, "", ".");
	expect_line(LIMIT, "\r", ".");
	expect_line(LIMIT + 1, "", "L");
	expect_line(LIMIT + 1, "\n", "L");
	expect_line(LIMIT + 1, "\r\n", "L");
}
END_TEST

START_TEST(header_blocks_stop_at_eight_KiB)
{
	for (size_t size = 8185; size < 8200; size++) {
		struct strbuf text = STRBUF_INIT;
		strbuf_puts(&text, "Content-Length: 2\r\nX: ");
		while (text.length < size - 2)
			strbuf_puts(&text, "x");
		strbuf_puts(&text, "\r\n\r\n{}");
		expect(text.data, text.length, 0, size <= 8192 ? "[{}]." : "H");
		expect(text.data, text.length, 7, size <= 8192 ? "[{}]." : "H");
		strbuf_free(&text);
	}
	/* Also where no line of it ever ends. */
	struct strbuf text = STRBUF_INIT;
	while (text.length < 9000)
		strbuf_puts(&text, "C");
	expect(text.data, text.length, 100, "H");
	strbuf_free(&text);
}
END_TEST

START_TEST(mixed_streams_give_the_same_messages_however_cut)
{
	for (int round = 0; round < 200; round++) {
		struct strbuf text = STRBUF_INIT, expected = STRBUF_INIT;
		bool headers = round % 2;
		for (int n = rand() % 6; n >= 0; n--) {
			char body[64];
			size_t length = 1 + (size_t)rand() % (sizeof(body) - 2);
			memset(body, headers && rand() % 2 ? '\n' : 'x', sizeof(body));
			body[0] = '{';
			if (headers)
				strbuf_printf(
					&text, "Content-Length: %zu\r\n%s\r\n", length, rand() % 2 ? "A: b\r\n" : "");
			strbuf_add(&text, body, length);
			if (!headers)
				strbuf_puts(&text, rand() % 2 ? "\n" : "\r\n\n");
			strbuf_printf(&expected, "[%.*s]", (int)length, body);
		}
		strbuf_puts(&expected, ".");
		for (unsigned piece = 0; piece < 12; piece++)
			expect(text.data, text.length, piece, expected.data);
		strbuf_free(&text);
		strbuf_free(&expected);
	}
}
END_TEST

/* Every byte is looked at a bounded number of times: `scanned` goes on. */
START_TEST(what_was_looked_at_is_remembered)
{
	struct framing framing;
	const char *message;
	size_t message_length, used;

	framing_init(&framing, FRAMING_UNKNOWN, LIMIT);
	ck_assert_int_eq(framing_next(&framing, "{xxxxx", 6, &message, &message_length, &used), FRAMING_INCOMPLETE);
	ck_assert_uint_eq(framing.scanned, 6);
	framing_init(&framing, FRAMING_UNKNOWN, LIMIT);
	ck_assert_int_eq(
		framing_next(&framing, "Content-Le", 10, &message, &message_length, &used), FRAMING_INCOMPLETE);
	ck_assert_uint_eq(framing.scanned, 10);
	ck_assert_uint_eq(framing_wants(&framing), 0);
}
END_TEST

START_TEST(the_room_that_is_needed_is_known_with_the_header)
{
	static const char text[] = "Content-Length: 500\r\n\r\n{";
	struct framing framing;
	const char *message;
	size_t message_length, used;

	framing_init(&framing, FRAMING_UNKNOWN, LIMIT);
	ck_assert_int_eq(
		framing_next(&framing, text, sizeof(text) - 1, &message, &message_length, &used), FRAMING_INCOMPLETE);
	ck_assert_uint_eq(framing_wants(&framing), sizeof(text) - 2 + 500);
}
END_TEST

START_TEST(replies_are_framed_as_requests_were)
{
	struct framing framing;
	char buf[FRAMING_HEADER_SIZE];

	framing_init(&framing, FRAMING_LINES, LIMIT);
	ck_assert_uint_eq(framing_header(&framing, 12, buf), 0);
	framing_init(&framing, FRAMING_HEADERS, LIMIT);
	ck_assert_uint_eq(framing_header(&framing, 12, buf), 22);
	ck_assert_str_eq(buf, "Content-Length: 12\r\n\r\n");
	ck_assert_uint_lt(framing_header(&framing, SIZE_MAX, buf), FRAMING_HEADER_SIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("framing");
	TCase *tcase = tcase_create("framing");
	tcase_add_loop_test(tcase, streams_give_the_same_messages_however_cut, 0, (int)COUNT(cases));
	tcase_add_test(tcase, lines_stop_at_the_limit);
	tcase_add_test(tcase, header_blocks_stop_at_eight_KiB);
	tcase_add_test(tcase, mixed_streams_give_the_same_messages_however_cut);
	tcase_add_test(tcase, what_was_looked_at_is_remembered);
	tcase_add_test(tcase, the_room_that_is_needed_is_known_with_the_header);
	tcase_add_test(tcase, replies_are_framed_as_requests_were);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
