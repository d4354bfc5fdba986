/* The growing string: contents, growth, JSON strings, and failure that sticks. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/strbuf.h"

static struct strbuf sb;

static void setup(void)
{
	sb = (struct strbuf)STRBUF_INIT;
}

static void teardown(void)
{
	strbuf_free(&sb);
}

START_TEST(additions_follow_each_other)
{
	strbuf_add(&sb, "a\0b", 3);
	strbuf_puts(&sb, "c");
	strbuf_printf(&sb, "%d-%s", 17, "x");
	strbuf_add(&sb, NULL, 0);
	ck_assert_uint_eq(sb.length, 8);
	ck_assert(memcmp(sb.data, "a\0bc17-x", 9) == 0);
	strbuf_reset(&sb);
	strbuf_puts(&sb, "z");
	ck_assert_str_eq(sb.data, "z");
}
END_TEST

START_TEST(it_grows_over_every_length)
{
	for (size_t i = 0; i < 5000; i++) {
		if (i % 3)
			strbuf_printf(&sb, "%c", (char)('a' + i % 26));
		else
			strbuf_add(&sb, &"abcdefghijklmnopqrstuvwxyz"[i % 26], 1);
		ck_assert_uint_eq(sb.length, i + 1);
		ck_assert_int_eq(sb.data[sb.length], '\0');
		ck_assert_uint_lt(sb.length, sb.room);
	}
	for (size_t i = 0; i < 5000; i++)
		ck_assert_int_eq(sb.data[i], (int)('a' + i % 26));
}
END_TEST

/* Also by single bytes, which fill the room to its last one. */
START_TEST(the_terminator_always_has_room)
{
	for (size_t i = 0; i < 5000; i++) {
		strbuf_add(&sb, "x", 1);
		ck_assert_uint_lt(sb.length, sb.room);
		ck_assert_int_eq(sb.data[sb.length], '\0');
	}
}
END_TEST

START_TEST(long_prints_are_whole)
{
	for (int width = 1; width < 1000; width += 7) {
		strbuf_reset(&sb);
		strbuf_printf(&sb, "%*d|", width, 5);
		ck_assert_uint_eq(sb.length, (size_t)width + 1);
		ck_assert_str_eq(sb.data + width - 1, "5|");
	}
}
END_TEST

static void expect_json(const char *text, size_t length, const char *expected)
{
	strbuf_reset(&sb);
	strbuf_json_string(&sb, text, length);
	ck_assert_str_eq(sb.data, expected);
}

START_TEST(strings_are_escaped)
{
	expect_json("", 0, "\"\"");
	expect_json("abc", 3, "\"abc\"");
	expect_json("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
	expect_json("\n\r\t\b\f\x01\x1f\x7f", 8, "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\"");
	expect_json("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10, "\"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}
END_TEST

#define REPLACED "\xef\xbf\xbd"

START_TEST(what_is_not_UTF_8_is_replaced)
{
	expect_json("a\0b", 3, "\"a" REPLACED "b\"");
	expect_json("\xff", 1, "\"" REPLACED "\"");
	expect_json("\xc3", 1, "\"" REPLACED "\"");
	expect_json("\xc3(", 2, "\"" REPLACED "(\"");
	expect_json("\xc0\x80", 2, "\"" REPLACED REPLACED "\"");
	expect_json("\xed\xa0\x80", 3, "\"" REPLACED REPLACED REPLACED "\"");
	expect_json("\xe2\x82", 2, "\"" REPLACED REPLACED "\"");
	expect_json("\xe2\x82\xac", 2, "\"" REPLACED REPLACED "\"");
}
END_TEST

START_TEST(any_bytes_make_a_string_that_jansson_reads)
{
	for (int i = 0; i < 3000; i++) {
		char bytes[40];
		size_t length = (size_t)rand() % sizeof(bytes);
		for (size_t at = 0; at < length; at++)
			bytes[at] = (char)(rand() % 3 ? rand() : "\xe2\x82\xac\xc3\"\\"[rand() % 6]);
		strbuf_reset(&sb);
		strbuf_json_string(&sb, bytes, length);
		json_t *json = json_loadb(sb.data, sb.length, JSON_DECODE_ANY, NULL);
		ck_assert_msg(json != NULL, "%s", sb.data);
		json_decref(json);
	}
}
END_TEST

START_TEST(taking_empties_it)
{
	size_t length = 9;

	char *text = strbuf_take(&sb, &length);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(length, 0);
	free(text);
	strbuf_puts(&sb, "abc");
	text = strbuf_take(&sb, &length);
	ck_assert_str_eq(text, "abc");
	ck_assert_uint_eq(length, 3);
	free(text);
	ck_assert_ptr_null(sb.data);
	strbuf_puts(&sb, "d");
	ck_assert_str_eq(sb.data, "d");
}
END_TEST

START_TEST(failure_sticks)
{
	strbuf_puts(&sb, "abc");
	strbuf_add(&sb, "x", SIZE_MAX / 2);
	ck_assert(strbuf_failed(&sb));
	strbuf_puts(&sb, "def");
	strbuf_printf(&sb, "%d", 1);
	strbuf_json_string(&sb, "x", 1);
	ck_assert_str_eq(sb.data, "abc");
	ck_assert_ptr_null(strbuf_take(&sb, NULL));
	ck_assert(!strbuf_failed(&sb));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strbuf");
	TCase *tcase = tcase_create("strbuf");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, additions_follow_each_other);
	tcase_add_test(tcase, it_grows_over_every_length);
	tcase_add_test(tcase, the_terminator_always_has_room);
	tcase_add_test(tcase, long_prints_are_whole);
	tcase_add_test(tcase, strings_are_escaped);
	tcase_add_test(tcase, what_is_not_UTF_8_is_replaced);
	tcase_add_test(tcase, any_bytes_make_a_string_that_jansson_reads);
	tcase_add_test(tcase, taking_empties_it);
	tcase_add_test(tcase, failure_sticks);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
