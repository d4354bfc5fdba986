/* Times by the calendar: what is understood, what is refused and in which words, and when it is, in time zones whose
 * clocks are changed. Zones are said in POSIX's own way, so that no machine needs to know them by name. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/cron.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" /* half an hour */
#define HAVANA "CST5CDT,M3.2.0/0,M11.1.0/1"              /* at midnight */

static const char *const zones[] = { "UTC0", BERLIN, NEW_YORK, LORD_HOWE, HAVANA };
#define N_ZONES ((int)(sizeof(zones) / sizeof(*zones)))

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static struct cron parse(const char *text)
{
	char error[200] = "";
	struct cron cron;

	ck_assert_msg(cron_parse(text, &cron, error, sizeof(error)) == 0, "%s: %s", text, error);
	return cron;
}

/* "2026-03-29 01:30:00", in UTC. */
static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return timegm(&tm) * NS_PER_S;
}

static const char *say(int64_t wall_ns, char buf[40])
{
	time_t when = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;

	if (wall_ns == CLOCK_NEVER)
		return strcpy(buf, "never");
	strftime(buf, 40, "%Y-%m-%d %H:%M:%S", gmtime_r(&when, &tm));
	return buf;
}

/* Of all runs after FROM, the first ones are WANTED (UTC, separated by ", "). */
static void ck_runs(const char *text, const char *from, const char *wanted)
{
	struct cron cron = parse(text);
	int64_t at_ns = utc(from);
	char got[400] = "", buf[40];

	while (strlen(got) < strlen(wanted)) {
		at_ns = cron_next(&cron, at_ns);
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", *got ? ", " : "", say(at_ns, buf));
	}
	ck_assert_msg(!strcmp(got, wanted), "%s after %s:\n%s, not\n%s", text, from, got, wanted);
}

/* --- what is understood --- */

START_TEST(fields_become_sets)
{
	struct cron cron = parse("0,30 4 1-10/3 jan,Mar-5 mon-fri");

	ck_assert_uint_eq(cron.minutes, UINT64_C(1) | UINT64_C(1) << 30);
	ck_assert_uint_eq(cron.hours, 1u << 4);
	ck_assert_uint_eq(cron.days, 1u << 1 | 1u << 4 | 1u << 7 | 1u << 10);
	ck_assert_uint_eq(cron.months, 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5);
	ck_assert_uint_eq(cron.weekdays, 0x3e);
	ck_assert(!cron.any_day && !cron.any_weekday);
}
END_TEST

START_TEST(a_star_is_everything)
{
	struct cron cron = parse("* * * * *");

	ck_assert_uint_eq(cron.minutes, (UINT64_C(1) << 60) - 1);
	ck_assert_uint_eq(cron.hours, (1u << 24) - 1);
	ck_assert_uint_eq(cron.days, UINT32_MAX - 1);
	ck_assert_uint_eq(cron.months, 0x1ffe);
	ck_assert_uint_eq(cron.weekdays, 0x7f);
	ck_assert(cron.any_day && cron.any_weekday);
	cron = parse("*/20 */12 */10 */6 */3");
	ck_assert_uint_eq(cron.minutes, UINT64_C(1) | UINT64_C(1) << 20 | UINT64_C(1) << 40);
	ck_assert_uint_eq(cron.hours, 1u | 1u << 12);
	ck_assert_uint_eq(cron.days, 1u << 1 | 1u << 11 | 1u << 21 | 1u << 31);
	ck_assert_uint_eq(cron.months, 1u << 1 | 1u << 7);
	ck_assert_uint_eq(cron.weekdays, 1u | 1u << 3 | 1u << 6);
	ck_assert(cron.any_day && cron.any_weekday);
}
END_TEST

START_TEST(sunday_is_0_and_7_and_ends_a_week)
{
	ck_assert_uint_eq(parse("0 0 * * 0").weekdays, 1);
	ck_assert_uint_eq(parse("0 0 * * 7").weekdays, 1);
	ck_assert_uint_eq(parse("0 0 * * sun").weekdays, 1);
	ck_assert_uint_eq(parse("0 0 * * 5-7").weekdays, 1u | 1u << 5 | 1u << 6);
	ck_assert_uint_eq(parse("0 0 * * Fri-SUN").weekdays, 1u | 1u << 5 | 1u << 6);
	ck_assert_uint_eq(parse("0 0 * * sun-tue").weekdays, 7);
}
END_TEST

START_TEST(blanks_may_be_more)
{
	struct cron plain = parse("1 2 3 4 5");
	struct cron wide = parse(" \t1  2\t3 4   5 ");

	ck_assert(plain.minutes == wide.minutes && plain.hours == wide.hours && plain.days == wide.days);
	ck_assert(plain.months == wide.months && plain.weekdays == wide.weekdays);
}
END_TEST

START_TEST(nicknames_stand_for_fields)
{
	static const char *const same[][2] = {
		{ "@yearly", "0 0 1 1 *" },
		{ "@annually", "0 0 1 1 *" },
		{ "@monthly", "0 0 1 * *" },
		{ "@weekly", "0 0 * * 0" },
		{ "@daily", "0 0 * * *" },
		{ "@midnight", "0 0 * * *" },
		{ " @Hourly ", "0 * * * *" },
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct cron a = parse(same[i][0]), b = parse(same[i][1]);

		ck_assert(a.minutes == b.minutes && a.hours == b.hours && a.days == b.days && a.months == b.months);
		ck_assert(a.weekdays == b.weekdays && a.any_day == b.any_day && a.any_weekday == b.any_weekday);
	}
}
END_TEST

START_TEST(mistakes_are_told_with_their_field)
{
	static const char *const wrong[][2] = {
		{ "61 * * * *", "minute: 61 is not within 0-59" },
		{ "* 24 * * *", "hour: 24 is not within 0-23" },
		{ "* * 0 * *", "day of month: 0 is not within 1-31" },
		{ "* * * 13 *", "month: 13 is not within 1-12" },
		{ "* * * * 8", "day of week: 8 is not within 0-7" },
		{ "99999999999999999999 * * * *", "minute: 99999 is not within 0-59" },
		{ "* 5-3 * * *", "hour: the range 5-3 runs backwards" },
		{ "* 5- * * *", "hour: something is missing at its end" },
		{ "*/0 * * * *", "minute: the step 0 is not within 1-59" },
		{ "*/60 * * * *", "minute: the step 60 is not within 1-59" },
		{ "*/ * * * *", "minute: something is missing at its end" },
		{ "5/15 * * * *", "minute: a step needs a range or *, such as 10-59/5" },
		{ "1, * * * *", "minute: something is missing at its end" },
		{ "1,,2 * * * *", "minute: ',' makes no sense here" },
		{ "-1 * * * *", "minute: '-' makes no sense here" },
		{ "1x * * * *", "minute: 'x' makes no sense here" },
		{ "*5 * * * *", "minute: '5' makes no sense here" },
		{ "\xc3\xa4 * * * *", "minute: there is a character that makes no sense here" },
		{ "* * ? * *", "day of month: '?' makes no sense here" },
		{ "* * L * *", "day of month: \"L\" is not a number" },
		{ "* * * january *", "month: \"january\" is not a number or a name such as \"mon\" or \"jan\"" },
		{ "* * * * mo", "day of week: \"mo\" is not a number or a name such as \"mon\" or \"jan\"" },
		{ "", "five fields are needed, minute hour day month weekday; there are 0" },
		{ "*", "five fields are needed, minute hour day month weekday; there is 1" },
		{ "* * * *  ", "five fields are needed, minute hour day month weekday; there are 4" },
		{ "* * * * * *", "five fields are needed, minute hour day month weekday; there are more" },
		{ "@reboot", "there are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly" },
		{ "@daily 5", "there are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct cron cron;
		char error[200] = "", small[5];

		ck_assert_int_eq(cron_parse(wrong[i][0], &cron, error, sizeof(error)), -1);
		ck_assert_str_eq(error, wrong[i][1]);
		ck_assert_int_eq(cron_parse(wrong[i][0], &cron, small, sizeof(small)), -1);
		ck_assert_uint_lt(strlen(small), sizeof(small));
	}
}
END_TEST

/* --- when it is --- */

START_TEST(next_is_after_the_moment)
{
	set_zone("UTC0");
	ck_runs("* * * * *", "2026-01-01 00:00:00", "2026-01-01 00:01:00, 2026-01-01 00:02:00");
	ck_runs("* * * * *", "2026-01-01 00:00:59", "2026-01-01 00:01:00");
	ck_runs("59 23 31 12 *", "2026-12-31 23:58:59", "2026-12-31 23:59:00, 2027-12-31 23:59:00");
	ck_runs("30 4 * * mon-fri", "2026-11-20 04:30:00", "2026-11-23 04:30:00, 2026-11-24 04:30:00");
	ck_runs("0 0 31 * *", "2026-01-31 00:00:00", "2026-03-31 00:00:00, 2026-05-31 00:00:00");
	ck_runs("*/25 8-9 * * *", "2026-06-01 08:25:00",
		"2026-06-01 08:50:00, 2026-06-01 09:00:00, 2026-06-01 09:25:00, 2026-06-01 09:50:00, 2026-06-02 08:00:00");
	struct cron every = parse("* * * * *");
	ck_assert_int_eq(cron_next(&every, -1), 0);
	ck_assert_int_eq(cron_next(&every, -60 * NS_PER_S - 1), -60 * NS_PER_S);
	ck_assert_int_eq(cron_next(&every, INT64_MIN), INT64_C(-9223372020) * NS_PER_S);
	struct cron noon = parse("0 12 * * *");
	ck_assert_int_eq(cron_next(&noon, -1), 12 * 3600 * NS_PER_S);
	ck_assert_int_eq(cron_next(&noon, -12 * 3600 * NS_PER_S - 1), -12 * 3600 * NS_PER_S);
}
END_TEST

START_TEST(days_and_weekdays_add_up_where_neither_is_a_star)
{
	set_zone("UTC0");
	ck_runs("0 0 13 * 5", "2026-11-10 00:00:00", "2026-11-13 00:00:00, 2026-11-20 00:00:00, 2026-11-27 00:00:00");
	ck_runs("0 0 13 * *", "2026-11-10 00:00:00", "2026-11-13 00:00:00, 2026-12-13 00:00:00");
	ck_runs("0 0 */13 * 5", "2026-11-10 00:00:00", "2026-11-27 00:00:00, 2027-01-01 00:00:00");
}
END_TEST

START_TEST(rare_days_are_found_and_impossible_ones_are_not)
{
	set_zone("UTC0");
	ck_runs("0 0 29 2 *", "2096-02-29 00:00:00", "2104-02-29 00:00:00");
	ck_runs("0 0 29 2 */6", "2026-01-01 00:00:00", "2032-02-29 00:00:00, 2048-02-29 00:00:00");
	ck_runs("0 0 30 2 *", "2026-01-01 00:00:00", "never");
	ck_runs("0 * 31 4,6,9,11 *", "2026-01-01 00:00:00", "never");
	struct cron cron = parse("0 0 1 1 *");
	ck_assert_int_eq(cron_next(&cron, CLOCK_NEVER - 1), CLOCK_NEVER);
	cron = parse("* * * * *");
	ck_assert_int_eq(cron_next(&cron, CLOCK_NEVER - 1), CLOCK_NEVER);
}
END_TEST

START_TEST(a_time_that_is_left_out_is_the_moment_of_the_change)
{
	set_zone(BERLIN); /* 02:00 is 03:00, at 01:00 UTC */
	ck_runs("30 2 * * *", "2026-03-28 02:00:00", "2026-03-29 01:00:00, 2026-03-30 00:30:00");
	ck_runs("0,30 2,3 * * *", "2026-03-29 00:30:00", "2026-03-29 01:00:00, 2026-03-29 01:30:00, 2026-03-30 00:00:00");
	set_zone(NEW_YORK);
	ck_runs("59 2 * * *", "2026-03-08 00:00:00", "2026-03-08 07:00:00, 2026-03-09 06:59:00");
	set_zone(LORD_HOWE); /* 02:00 is 02:30, at 15:30 UTC of the day before */
	ck_runs("0,15,30,45 2 * * *", "2026-10-03 15:00:00",
		"2026-10-03 15:30:00, 2026-10-03 15:45:00, 2026-10-04 15:00:00");
	set_zone(HAVANA); /* the day begins at 01:00 */
	ck_runs("@daily", "2026-03-08 00:00:00", "2026-03-08 05:00:00, 2026-03-09 04:00:00");
}
END_TEST

START_TEST(a_time_that_comes_twice_counts_once)
{
	set_zone(BERLIN); /* 03:00 is 02:00, at 01:00 UTC */
	ck_runs("30 2 * * *", "2026-10-24 22:00:00", "2026-10-25 00:30:00, 2026-10-26 01:30:00");
	ck_runs("30 2 * * *", "2026-10-25 01:10:00", "2026-10-26 01:30:00");
	ck_runs("0 2,3 * * *", "2026-10-24 22:00:00", "2026-10-25 00:00:00, 2026-10-25 02:00:00, 2026-10-26 01:00:00");
	set_zone(LORD_HOWE); /* 02:00 is 01:30, at 15:00 UTC of the day before */
	ck_runs("45 1 * * *", "2026-04-03 16:00:00", "2026-04-04 14:45:00, 2026-04-05 15:15:00");
	set_zone(HAVANA); /* 01:00 is 00:00 */
	ck_runs("@daily", "2026-10-31 10:00:00", "2026-11-01 04:00:00, 2026-11-02 05:00:00");
}
END_TEST

START_TEST(what_runs_every_hour_runs_in_every_hour_that_there_is)
{
	set_zone(BERLIN);
	ck_runs("30 * * * *", "2026-03-29 00:00:00", "2026-03-29 00:30:00, 2026-03-29 01:30:00");
	ck_runs("30 * * * *", "2026-10-25 00:00:00", "2026-10-25 00:30:00, 2026-10-25 01:30:00, 2026-10-25 02:30:00");
	ck_runs("*/30 * * * sun", "2026-10-25 22:00:00", "2026-10-25 22:30:00, 2026-10-31 23:00:00");
	set_zone(LORD_HOWE);
	ck_runs("@hourly", "2026-10-03 14:30:00", "2026-10-03 16:00:00");
	set_zone(HAVANA);
	ck_runs("@hourly", "2026-11-01 03:30:00", "2026-11-01 04:00:00, 2026-11-01 05:00:00, 2026-11-01 06:00:00");
}
END_TEST

START_TEST(a_day_that_is_left_out_is_the_moment_of_the_change)
{
	if (access("/usr/share/zoneinfo/Pacific/Apia", R_OK) < 0)
		return; /* only the database knows of it */
	set_zone("Pacific/Apia"); /* there was no 30 December 2011 */
	ck_runs("0 12 30 12 *", "2011-12-01 00:00:00", "2011-12-30 10:00:00, 2012-12-29 22:00:00");
	ck_runs("0 * 30 12 *", "2011-12-01 00:00:00", "2012-12-29 10:00:00");
}
END_TEST

/* --- against the simplest thing that could be right --- */

static int64_t clock_at(int64_t moment)
{
	time_t when = (time_t)moment;
	struct tm tm;

	localtime_r(&when, &tm);
	return moment + tm.tm_gmtoff;
}

static bool shows(const struct cron *cron, int64_t reading)
{
	time_t when = (time_t)reading;
	struct tm tm;

	gmtime_r(&when, &tm);
	bool day = cron->days >> tm.tm_mday & 1, weekday = cron->weekdays >> tm.tm_wday & 1;
	return cron->minutes >> tm.tm_min & 1 && cron->hours >> tm.tm_hour & 1 && cron->months >> (tm.tm_mon + 1) & 1 &&
		(cron->any_day || cron->any_weekday ? day && weekday : day || weekday);
}

/* Minute by minute: 0 where there is none up to UNTIL. A clock that has shown a time does not show it again, and where
 * it leaves out some they are all shown at once. */
static int64_t scan(const struct cron *cron, int64_t after, int64_t until)
{
	bool every_hour = cron->hours == (1u << 24) - 1;
	int64_t highest = INT64_MIN;
	int64_t moment;

	for (moment = (after / 60 - 2 * 1440) * 60; moment <= after; moment += 60)
		highest = clock_at(moment) > highest ? clock_at(moment) : highest;
	for (; moment <= until; moment += 60) {
		int64_t now = clock_at(moment);

		if (every_hour && shows(cron, now))
			return moment;
		for (; !every_hour && highest < now; highest += 60)
			if (shows(cron, highest + 60))
				return moment;
	}
	return 0;
}

static long pick(long n)
{
	return random() % n;
}

static void random_field(char *buf, size_t size, int low, int high, int wideness)
{
	int a = low + (int)pick(high - low + 1), b = a + (int)pick(high - a + 1);

	switch (pick(6 + wideness)) {
	case 0:
		snprintf(buf, size, "%d", a);
		break;
	case 1:
		snprintf(buf, size, "%d-%d", a, b);
		break;
	case 2:
		snprintf(buf, size, "%d-%d/%ld", a, b, 1 + pick(high));
		break;
	case 3:
		snprintf(buf, size, "*/%ld", 1 + pick(high));
		break;
	case 4:
		snprintf(buf, size, "%d,%d,%ld", a, b, low + pick(high - low + 1));
		break;
	default:
		snprintf(buf, size, "*");
	}
}

START_TEST(agrees_with_a_scan_of_all_minutes)
{
	/* The changes of the clocks of those zones in 2026. */
	static const char *const changes[] = { "2026-03-29 01:00:00", "2026-10-25 01:00:00", "2026-03-08 07:00:00",
		"2026-11-01 06:00:00", "2026-04-04 15:00:00", "2026-10-03 15:30:00", "2026-03-08 05:00:00",
		"2026-11-01 05:00:00" };

	srandom((unsigned)_i + 1);
	set_zone(zones[_i]);
	for (int n = 0; n < 400; n++) {
		char minute[40], hour[40], day[40], month[40], weekday[40], text[220], a[40], b[40];

		random_field(minute, sizeof(minute), 0, 59, 0);
		random_field(hour, sizeof(hour), 0, 23, 0);
		random_field(day, sizeof(day), 1, 31, 6);
		random_field(month, sizeof(month), 1, 12, 20);
		random_field(weekday, sizeof(weekday), 0, 7, 6);
		snprintf(text, sizeof(text), "%s %s %s %s %s", minute, hour, day, month, weekday);
		struct cron cron = parse(text);
		int64_t after = n % 4 ? utc(changes[pick(8)]) / NS_PER_S + pick(6 * 3600) - 4 * 3600
				      : utc("2024-02-20 00:00:00") / NS_PER_S + pick(4 * 365 * 86400);
		int64_t until = after + 20 * 86400;
		int64_t got_ns = cron_next(&cron, after * NS_PER_S + pick(2) * 999999999);
		int64_t wanted = scan(&cron, after, until);

		if (wanted)
			ck_assert_msg(got_ns == wanted * NS_PER_S, "%s, TZ=%s, after %lld: %s, not %s", text, zones[_i],
				(long long)after, say(got_ns, a), say(wanted * NS_PER_S, b));
		else
			ck_assert_msg(got_ns > until * NS_PER_S - 60 * NS_PER_S, "%s, TZ=%s, after %lld: %s, not later", text,
				zones[_i], (long long)after, say(got_ns, a));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cron");
	TCase *tcase = tcase_create("text");

	tcase_add_test(tcase, fields_become_sets);
	tcase_add_test(tcase, a_star_is_everything);
	tcase_add_test(tcase, sunday_is_0_and_7_and_ends_a_week);
	tcase_add_test(tcase, blanks_may_be_more);
	tcase_add_test(tcase, nicknames_stand_for_fields);
	tcase_add_test(tcase, mistakes_are_told_with_their_field);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("times");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, next_is_after_the_moment);
	tcase_add_test(tcase, days_and_weekdays_add_up_where_neither_is_a_star);
	tcase_add_test(tcase, rare_days_are_found_and_impossible_ones_are_not);
	tcase_add_test(tcase, a_time_that_is_left_out_is_the_moment_of_the_change);
	tcase_add_test(tcase, a_time_that_comes_twice_counts_once);
	tcase_add_test(tcase, what_runs_every_hour_runs_in_every_hour_that_there_is);
	tcase_add_test(tcase, a_day_that_is_left_out_is_the_moment_of_the_change);
	tcase_add_loop_test(tcase, agrees_with_a_scan_of_all_minutes, 0, N_ZONES);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
