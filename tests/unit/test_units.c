/* Durations, sizes and times: what is read, what is written, and that the one reads back the other. */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define S INT64_C(1000000000)

static const struct {
	const char *text;
	int64_t ns;
} durations[] = {
	{ "0", 0 },
	{ "0s", 0 },
	{ "30", 30 * S },
	{ "30s", 30 * S },
	{ "1.5", S + S / 2 },
	{ "1.5h", 5400 * S },
	{ "250ms", S / 4 },
	{ "2m30s", 150 * S },
	{ "100us", 100000 },
	{ "7d", 7 * 86400 * S },
	{ "1ns", 1 },
	{ "1d2h3m4s5ms6us7ns", 93784 * S + 5006007 },
	{ "1m30.5s", 90 * S + S / 2 },
	{ "0.1s", S / 10 },
	{ "0.000000001", 1 },
	{ "0.0000000019", 1 },
	{ "0.5ns", 0 },
	{ "007s", 7 * S },
	{ "1h0s", 3600 * S },
	{ "9223372036854775807ns", INT64_MAX },
	{ "9223372036.854775807s", INT64_MAX },
	{ "106751d", 86400 * S * 106751 },
};
static const char *const no_durations[] = { "", " ", "s", "-1", "-1s", "+1", "1x", "1S", "1sec", "1 s", " 1s", "1s ",
	"1.", ".5", "1.s", "1..5s", "1.5.5s", "1s1s", "1s1m", "5s30", "30m5", "1e3", "0x10", "inf", "nan", "1,5s",
	"1min", "1hh", "9223372036854775808ns", "9223372036.854775808s", "106752d", "99999999999999999999", "300y",
	"1.0000000000000000001s", "9223372036s1s" };

START_TEST(durations_are_read)
{
	int64_t ns = -5;

	ck_assert_msg(units_parse_duration(durations[_i].text, &ns) == 0, "%s", durations[_i].text);
	ck_assert_int_eq(ns, durations[_i].ns);
}
END_TEST

START_TEST(other_words_are_no_durations)
{
	int64_t ns = -5;

	ck_assert_msg(units_parse_duration(no_durations[_i], &ns) < 0, "%s", no_durations[_i]);
	ck_assert_int_eq(ns, -5);
}
END_TEST

static const struct {
	const char *text;
	int64_t bytes;
} sizes[] = {
	{ "0", 0 },
	{ "4096", 4096 },
	{ "10B", 10 },
	{ "10k", 10240 },
	{ "10K", 10240 },
	{ "64M", 64 << 20 },
	{ "64MB", 64 << 20 },
	{ "64MiB", 64 << 20 },
	{ "1.5G", INT64_C(3) << 29 },
	{ "0.5k", 512 },
	{ "2T", INT64_C(2) << 40 },
	{ "1P", INT64_C(1) << 50 },
	{ "7E", INT64_C(7) << 60 },
	{ "9223372036854775807", INT64_MAX },
	{ "0.1k", 102 },
};
static const char *const no_sizes[] = { "", "M", "-1", "+1", "1.5", "1.5B", "1X", "1 M", " 1", "1M ", "1iB", "1Mi",
	"1MiBs", "1MBB", "8E", "9223372036854775808", "10000000000000000000000", "1e6", "0x10", "1.M", ".5M" };

START_TEST(sizes_are_read)
{
	int64_t bytes = -5;

	ck_assert_msg(units_parse_size(sizes[_i].text, &bytes) == 0, "%s", sizes[_i].text);
	ck_assert_int_eq(bytes, sizes[_i].bytes);
}
END_TEST

START_TEST(other_words_are_no_sizes)
{
	int64_t bytes = -5;

	ck_assert_msg(units_parse_size(no_sizes[_i], &bytes) < 0, "%s", no_sizes[_i]);
	ck_assert_int_eq(bytes, -5);
}
END_TEST

START_TEST(durations_have_one_exact_form)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = { { 0, "0s" }, { 1, "1ns" }, { 999, "999ns" }, { 1000, "1us" }, { 1500, "1.5us" },
		{ 250 * S / 1000, "250ms" }, { 1234567, "1.234567ms" }, { S, "1s" }, { S + S / 2, "1.5s" },
		{ 60 * S, "1m" }, { 90 * S, "1m30s" }, { 90 * S + S / 2, "1m30.5s" }, { 60 * S + 1, "1m0.000000001s" },
		{ 3600 * S, "1h" }, { 86400 * S, "1d" }, { 90000 * S, "1d1h" }, { -S, "-1s" }, { -60 * S, "-1m" },
		{ INT64_MAX, "106751d23h47m16.854775807s" }, { INT64_MIN, "-106751d23h47m16.854775808s" } };
	char buf[UNITS_TEXT_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		units_format_duration(cases[i].ns, buf);
		ck_assert_str_eq(buf, cases[i].text);
	}
}
END_TEST

START_TEST(sizes_have_one_exact_form)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} cases[] = { { 0, "0" }, { 1500, "1500" }, { 1024, "1K" }, { 64 << 20, "64M" }, { INT64_C(3) << 29, "1536M" },
		{ INT64_C(7) << 60, "7E" }, { INT64_MAX, "9223372036854775807" } };
	char buf[UNITS_TEXT_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		units_format_size(cases[i].bytes, buf);
		ck_assert_str_eq(buf, cases[i].text);
	}
}
END_TEST

START_TEST(what_is_written_reads_back)
{
	char buf[UNITS_TEXT_SIZE];
	int64_t back;

	for (int i = 0; i < 20000; i++) {
		int64_t value = ((int64_t)rand() << 32 ^ (int64_t)rand() << 16 ^ rand()) & INT64_MAX;
		value >>= rand() % 63;
		if (rand() % 2)
			value -= value % (i % 3 ? S : 1000);
		units_format_duration(value, buf);
		ck_assert_msg(units_parse_duration(buf, &back) == 0 && back == value, "%s", buf);
		if (rand() % 2)
			value -= value % (INT64_C(1) << rand() % 40);
		units_format_size(value, buf);
		ck_assert_msg(units_parse_size(buf, &back) == 0 && back == value, "%s", buf);
	}
}
END_TEST

START_TEST(people_get_about_three_digits)
{
	static const struct {
		int64_t value;
		const char *duration, *size;
	} cases[] = {
		{ 0, "0s", "0 B" },
		{ 1, "1ns", "1 B" },
		{ 999, "999ns", "999 B" },
		{ 1023, "1.02us", "1023 B" },
		{ 1024, "1.02us", "1.0 KiB" },
		{ 999499, "999us", "976 KiB" },
		{ 999500, "1.00ms", "976 KiB" },
		{ 45600000, "45.6ms", "43.5 MiB" },
		{ 1023 << 10, "1.05ms", "1.0 MiB" },
		{ 1234567890, "1.23s", "1.1 GiB" },
		{ INT64_C(3) << 29, "1.61s", "1.5 GiB" },
		{ 59 * S, "59.0s", "54.9 GiB" },
		{ 60 * S - 1, "1m", "55.9 GiB" },
		{ 90 * S, "1m30s", "83.8 GiB" },
		{ 3600 * S, "1h", "3.3 TiB" },
		{ 93784 * S, "1d2h", "85.3 TiB" },
		{ -S, "-1.00s", "-954 MiB" },
		{ INT64_MAX, "106751d23h", "8.0 EiB" },
	};
	char buf[UNITS_TEXT_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		units_human_duration(cases[i].value, buf);
		ck_assert_str_eq(buf, cases[i].duration);
		units_human_size(cases[i].value, buf);
		ck_assert_str_eq(buf, cases[i].size);
	}
}
END_TEST

static const struct {
	const char *text;
	int64_t ns;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59Z", -S },
	{ "1970-01-01T00:00:00.000000001Z", 1 },
	{ "1970-01-01T00:00:00.0000000019Z", 1 },
	{ "1970-01-01T00:00:00.5Z", S / 2 },
	{ "1970-01-01T01:00:00+01:00", 0 },
	{ "1969-12-31T19:30:00-04:30", 0 },
	{ "1970-01-01T00:00:00-00:00", 0 },
	{ "1970-01-01t00:00:00z", 0 },
	{ "1970-01-01 00:00:00Z", 0 },
	{ "2026-11-22T18:00:00+01:00", 1795366800 * S },
	{ "2024-02-29T12:00:00Z", 1709208000 * S },
	{ "2000-02-29T00:00:00Z", 951782400 * S },
	{ "2000-03-01T00:00:00Z", 951868800 * S },
	{ "1900-03-01T00:00:00Z", -2203891200 * S },
	{ "2016-12-31T23:59:60Z", 1483228800 * S },
	{ "2017-01-01T00:59:60+01:00", 1483228800 * S },
	{ "2016-12-31T15:59:60.25-08:00", 1483228800 * S + S / 4 },
	{ "2262-04-11T23:47:16.854775807Z", INT64_MAX },
	{ "1677-09-21T00:12:43.145224193Z", INT64_MIN + 1 },
};

START_TEST(times_are_read)
{
	const char *error = "?";
	int64_t ns;

	ck_assert_msg(units_parse_time(times[_i].text, &ns, &error) == 0, "%s: %s", times[_i].text, error);
	ck_assert_msg(ns == times[_i].ns, "%s: %lld", times[_i].text, (long long)ns);
	ck_assert_int_eq(units_parse_time(times[_i].text, &ns, NULL), 0);
}
END_TEST

static const struct {
	const char *text, *error;
} no_times[] = {
	{ "", "a date" },
	{ "tomorrow", "a date" },
	{ "26-11-22T18:00:00Z", "a date" },
	{ "2026/11/22T18:00:00Z", "a date" },
	{ "2026-1-22T18:00:00Z", "a date" },
	{ " 2026-11-22T18:00:00Z", "a date" },
	{ "+2026-11-22T18:00:00Z", "a date" },
	{ "2026-00-22T18:00:00Z", "month" },
	{ "2026-13-22T18:00:00Z", "month" },
	{ "2026-11-00T18:00:00Z", "day" },
	{ "2026-11-31T18:00:00Z", "day" },
	{ "2026-02-29T18:00:00Z", "day" },
	{ "1900-02-29T18:00:00Z", "day" },
	{ "2026-11-22", "time of day" },
	{ "2026-11-22T18:00Z", "time of day" },
	{ "2026-11-22T1800:00Z", "time of day" },
	{ "2026-11-22_18:00:00Z", "time of day" },
	{ "2026-11-22T24:00:00Z", "time of day" },
	{ "2026-11-22T18:60:00Z", "time of day" },
	{ "2026-11-22T18:00:61Z", "time of day" },
	{ "2026-11-22T18:00:60Z", "time of day" },
	{ "2016-12-31T23:59:60+01:00", "time of day" },
	{ "2026-11-22T18:00:00.Z", "digits" },
	{ "2026-11-22T18:00:00,5Z", "time zone" },
	{ "2026-11-22T18:00:00", "time zone" },
	{ "2026-11-22T18:00:00 CET", "time zone" },
	{ "2026-11-22T18:00:00+1:00", "time zone" },
	{ "2026-11-22T18:00:00+0100", "time zone" },
	{ "2026-11-22T18:00:00+01", "time zone" },
	{ "2026-11-22T18:00:00+24:00", "offset" },
	{ "2026-11-22T18:00:00+01:60", "offset" },
	{ "2026-11-22T18:00:00Z ", "follows" },
	{ "2026-11-22T18:00:00+01:00:00", "follows" },
	{ "2262-04-11T23:47:16.854775808Z", "1678" },
	{ "1677-09-21T00:12:43.145224192Z", "1678" },
	{ "9999-12-31T23:59:59Z", "1678" },
};

START_TEST(what_is_no_time_is_told)
{
	const char *error = NULL;
	int64_t ns = 7;

	ck_assert_msg(units_parse_time(no_times[_i].text, &ns, &error) < 0, "%s", no_times[_i].text);
	ck_assert_msg(error && strstr(error, no_times[_i].error), "%s: %s", no_times[_i].text, error);
	ck_assert_int_eq(ns, 7);
	ck_assert_int_lt(units_parse_time(no_times[_i].text, &ns, NULL), 0);
}
END_TEST

/* Every day of some centuries is the day after the one before. */
START_TEST(days_follow_each_other)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t last = 0;

	for (int year = 1680; year < 2260; year++) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		for (int month = 1; month <= 12; month++) {
			for (int day = 1; day <= days[month - 1] + (month == 2 && leap); day++) {
				char text[64];
				int64_t ns;
				snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month, day);
				ck_assert_int_eq(units_parse_time(text, &ns, NULL), 0);
				ck_assert_msg(last == 0 || ns - last == 86400 * S, "%s", text);
				last = ns;
			}
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("units");
	TCase *tcase = tcase_create("units");
	tcase_add_loop_test(tcase, durations_are_read, 0, (int)COUNT(durations));
	tcase_add_loop_test(tcase, other_words_are_no_durations, 0, (int)COUNT(no_durations));
	tcase_add_loop_test(tcase, sizes_are_read, 0, (int)COUNT(sizes));
	tcase_add_loop_test(tcase, other_words_are_no_sizes, 0, (int)COUNT(no_sizes));
	tcase_add_test(tcase, durations_have_one_exact_form);
	tcase_add_test(tcase, sizes_have_one_exact_form);
	tcase_add_test(tcase, what_is_written_reads_back);
	tcase_add_test(tcase, people_get_about_three_digits);
	tcase_add_loop_test(tcase, times_are_read, 0, (int)COUNT(times));
	tcase_add_loop_test(tcase, what_is_no_time_is_told, 0, (int)COUNT(no_times));
	tcase_add_test(tcase, days_follow_each_other);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
