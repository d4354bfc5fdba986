/* The clocks: faked, real, and as text. */
#include "base/clock.h"

#include <check.h>
#include <stdlib.h>

START_TEST(faked_clocks_stand_still_and_move_by_hand)
{
	clock_fake(100, 5000);
	ck_assert_int_eq(clock_mono_ns(), 100);
	ck_assert_int_eq(clock_wall_ns(), 5000);
	clock_fake_advance(10, -1000);
	ck_assert_int_eq(clock_mono_ns(), 110);
	ck_assert_int_eq(clock_wall_ns(), 4000);
	ck_assert_int_eq(clock_wall_of_ns(60), 3950);
	clock_fake_end();
	ck_assert_int_ne(clock_wall_ns(), 4000);
}
END_TEST

START_TEST(moment_beyond_the_wall_clock_is_its_last_one)
{
	clock_fake(100, INT64_C(1700000000) * NS_PER_S);
	ck_assert_int_eq(clock_wall_of_ns(CLOCK_NEVER - 1), CLOCK_NEVER);
	ck_assert_int_eq(clock_wall_of_ns(INT64_C(9000000000) * NS_PER_S), CLOCK_NEVER);
	ck_assert_int_eq(clock_wall_of_ns(0), INT64_C(1700000000) * NS_PER_S - 100);
	clock_fake_end();
}
END_TEST

START_TEST(real_clock_does_not_go_back)
{
	int64_t before_ns = clock_mono_ns();

	ck_assert_int_ge(clock_mono_ns(), before_ns);
	ck_assert_int_gt(clock_wall_ns(), INT64_C(1600000000) * NS_PER_S);
}
END_TEST

static const struct {
	int64_t wall_ns;
	const char *text;
} texts[] = {
	{ 0, "1970-01-01T00:00:00.000000Z" },
	{ INT64_C(1709210096) * NS_PER_S + 123456789, "2024-02-29T12:34:56.123456Z" },
	{ -1, "1969-12-31T23:59:59.999999Z" },
	{ INT64_C(951868799) * NS_PER_S + 999999999, "2000-02-29T23:59:59.999999Z" },
};

START_TEST(wall_time_is_written_in_utc)
{
	char buf[CLOCK_TEXT_SIZE];

	setenv("TZ", "Asia/Tokyo", 1);
	clock_format_wall(texts[_i].wall_ns, buf);
	ck_assert_str_eq(buf, texts[_i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("clock");

	tcase_add_test(tcase, faked_clocks_stand_still_and_move_by_hand);
	tcase_add_test(tcase, moment_beyond_the_wall_clock_is_its_last_one);
	tcase_add_test(tcase, real_clock_does_not_go_back);
	tcase_add_loop_test(tcase, wall_time_is_written_in_utc, 0, sizeof texts / sizeof *texts);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
