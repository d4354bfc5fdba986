/* What somebody has cost lately: how it is forgotten, who is heavy, and how much is read at once. */
#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "edge/peer.h"
#include "edge/usage.h"

#define MS NS_PER_MS
#define HALF_LIFE (10 * MS)
#define MOST 16384u

static struct usages usages;
static struct usage *anna;
static const struct peer peer = { .pid = 1001, .uid = 4001 };
static const struct peer other = { .pid = 1002, .uid = 4001 };

static void set_up(void)
{
	usages_init(&usages, 12345);
	anna = usage_of_process(&usages, &peer);
	ck_assert_ptr_nonnull(anna);
	ck_assert_ptr_ne(anna, usage_of_process(&usages, &other));
}

START_TEST(a_half_is_forgotten_in_each_half_life)
{
	usages_charge(&usages, &peer, HALF_LIFE, 8 * MS);
	ck_assert(usage_is_large(anna, HALF_LIFE));
	ck_assert_int_eq(anna->ns, 8 * MS);
	ck_assert(usage_is_large(anna, 2 * HALF_LIFE));
	ck_assert_int_eq(anna->ns, 4 * MS);
	ck_assert(!usage_is_large(anna, 3 * HALF_LIFE));
	ck_assert_int_eq(anna->ns, 2 * MS);
	usages_charge(&usages, &peer, 3 * HALF_LIFE, MS);
	ck_assert_int_eq(anna->ns, 3 * MS);
	ck_assert(!usage_is_large(anna, 1000 * HALF_LIFE));
	ck_assert_int_eq(anna->ns, 0);
}
END_TEST

START_TEST(a_charge_is_the_processs_its_users_and_everybodys)
{
	usages_charge(&usages, &peer, 0, 3 * MS);
	usages_charge(&usages, &other, 0, 2 * MS);
	ck_assert_int_eq(anna->ns, 3 * MS);
	ck_assert_int_eq(usage_of_process(&usages, &other)->ns, 2 * MS);
	ck_assert_int_eq(usage_of_user(&usages, &peer)->ns, 5 * MS);
	ck_assert_int_eq(usages.all.ns, 5 * MS);
}
END_TEST

START_TEST(whose_process_is_not_known_is_counted_by_his_user)
{
	const struct peer unknown = { .pid = 0, .uid = 4001 };
	ck_assert_ptr_null(usage_of_process(&usages, &unknown));
	usages_charge(&usages, &unknown, 0, 3 * MS);
	ck_assert_int_eq(usage_of_user(&usages, &peer)->ns, 3 * MS);
}
END_TEST

/* A fifth of the time, and most of what is done. */
START_TEST(who_waits_for_each_answer_is_heavy_only_where_he_takes_most)
{
	usages_charge(&usages, &peer, 0, 4 * MS);
	ck_assert(usage_is_heavy(&usages, anna, 0));
	usages_charge(&usages, &other, 0, 6 * MS);
	ck_assert(usage_is_heavy(&usages, anna, 0));
	usages_charge(&usages, &other, 0, MS);
	ck_assert(!usage_is_heavy(&usages, anna, 0));
	ck_assert(usage_is_heavy(&usages, usage_of_process(&usages, &other), 0));
}
END_TEST

START_TEST(who_has_more_to_say_than_a_slice_takes_is_heavy_with_less)
{
	usages_charge(&usages, &peer, HALF_LIFE, MS);
	usages_charge(&usages, &other, HALF_LIFE, 100 * MS);
	ck_assert(!usage_is_heavy(&usages, anna, HALF_LIFE));
	anna->greedy_ns = HALF_LIFE;
	ck_assert(usage_is_heavy(&usages, anna, HALF_LIFE));
	ck_assert(usage_is_heavy(&usages, anna, 2 * HALF_LIFE - 1));
	ck_assert(!usage_is_heavy(&usages, anna, 2 * HALF_LIFE));
}
END_TEST

START_TEST(who_has_cost_nothing_is_not_heavy_whatever_he_says)
{
	anna->greedy_ns = 1;
	ck_assert(!usage_is_heavy(&usages, anna, 2));
}
END_TEST

START_TEST(what_comes_in_small_pieces_is_read_in_fewer)
{
	ck_assert_uint_eq(usage_read_most(anna, MOST), MOST);
	usage_was_read(anna, 280, false, MOST, 250 * NS_PER_US);
	ck_assert_uint_eq(usage_read_most(anna, MOST), 35);
	usage_was_read(anna, 35, true, MOST, 30 * NS_PER_US);
	ck_assert_uint_eq(usage_read_most(anna, MOST), 16);
}
END_TEST

START_TEST(what_comes_in_large_pieces_is_read_in_more_again)
{
	usage_was_read(anna, 280, false, MOST, 250 * NS_PER_US);
	usage_was_read(anna, 20, false, MOST, NS_PER_US); /* that was all there was: it says nothing */
	ck_assert_uint_eq(usage_read_most(anna, MOST), 35);
	for (size_t most = 35; most < MOST; most *= 2) {
		ck_assert_uint_eq(usage_read_most(anna, MOST), most);
		usage_was_read(anna, most, true, MOST, NS_PER_US);
	}
	ck_assert_uint_eq(usage_read_most(anna, MOST), MOST);
}
END_TEST

START_TEST(what_takes_long_since_it_is_much_is_read_as_before)
{
	usage_was_read(anna, MOST, true, MOST, 250 * NS_PER_US);
	ck_assert_uint_eq(usage_read_most(anna, MOST), MOST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: usage");
	TCase *tests = tcase_create("usage");
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, a_half_is_forgotten_in_each_half_life);
	tcase_add_test(tests, a_charge_is_the_processs_its_users_and_everybodys);
	tcase_add_test(tests, whose_process_is_not_known_is_counted_by_his_user);
	tcase_add_test(tests, who_waits_for_each_answer_is_heavy_only_where_he_takes_most);
	tcase_add_test(tests, who_has_more_to_say_than_a_slice_takes_is_heavy_with_less);
	tcase_add_test(tests, who_has_cost_nothing_is_not_heavy_whatever_he_says);
	tcase_add_test(tests, what_comes_in_small_pieces_is_read_in_fewer);
	tcase_add_test(tests, what_comes_in_large_pieces_is_read_in_more_again);
	tcase_add_test(tests, what_takes_long_since_it_is_much_is_read_as_before);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
