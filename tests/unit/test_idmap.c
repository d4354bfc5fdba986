/* Numbers in a row, far apart, and taken out in any order. */
#include "base/idmap.h"

#include <check.h>
#include <stdlib.h>

#define MANY 10000

static struct idmap map;
static int values[MANY];

static void fresh(void)
{
	idmap_init(&map);
}

static void done(void)
{
	idmap_fini(&map);
}

START_TEST(what_is_put_is_found_and_nothing_else)
{
	for (uint64_t i = 0; i < MANY; i++)
		idmap_put(&map, i + 1, &values[i]);
	for (uint64_t i = 0; i < MANY; i++)
		ck_assert_ptr_eq(idmap_get(&map, i + 1), &values[i]);
	ck_assert_ptr_null(idmap_get(&map, 0));
	ck_assert_ptr_null(idmap_get(&map, MANY + 1));
	ck_assert_ptr_null(idmap_get(&map, UINT64_MAX));
}
END_TEST

START_TEST(what_is_removed_is_gone_and_its_neighbours_stay)
{
	for (uint64_t i = 0; i < MANY; i++)
		idmap_put(&map, i, &values[i]);
	for (uint64_t i = 0; i < MANY; i += 2)
		idmap_remove(&map, i);
	for (uint64_t i = 0; i < MANY; i++)
		ck_assert_ptr_eq(idmap_get(&map, i), i % 2 ? &values[i] : NULL);
	for (uint64_t i = 1; i < MANY; i += 2)
		idmap_remove(&map, i);
	ck_assert_uint_eq(map.pages.count, 0);
	idmap_put(&map, 5, &values[5]);
	ck_assert_ptr_eq(idmap_get(&map, 5), &values[5]);
	ck_assert_ptr_null(idmap_get(&map, 4));
}
END_TEST

START_TEST(numbers_far_apart_are_told_apart)
{
	for (uint64_t i = 0; i < 64; i++)
		idmap_put(&map, UINT64_C(1) << i, &values[i]);
	for (uint64_t i = 0; i < 64; i++)
		ck_assert_ptr_eq(idmap_get(&map, UINT64_C(1) << i), &values[i]);
	for (uint64_t i = 5; i < 64; i++)
		idmap_remove(&map, UINT64_C(1) << i);
	for (uint64_t i = 0; i < 64; i++)
		ck_assert_ptr_eq(idmap_get(&map, UINT64_C(1) << i), i < 5 ? &values[i] : NULL);
}
END_TEST

/* A window that moves on, as ids do: the pages behind it are given back. */
START_TEST(a_moving_window_holds_only_its_own_pages)
{
	for (uint64_t i = 0; i < 1000000; i++) {
		idmap_put(&map, i, &values[i % MANY]);
		if (i >= 1000)
			idmap_remove(&map, i - 1000);
		ck_assert_uint_le(map.pages.count, 33);
	}
	ck_assert_ptr_null(idmap_get(&map, 998999));
	ck_assert_ptr_nonnull(idmap_get(&map, 999000));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("idmap");
	TCase *numbers = tcase_create("numbers");
	tcase_add_checked_fixture(numbers, fresh, done);
	tcase_add_test(numbers, what_is_put_is_found_and_nothing_else);
	tcase_add_test(numbers, what_is_removed_is_gone_and_its_neighbours_stay);
	tcase_add_test(numbers, numbers_far_apart_are_told_apart);
	tcase_add_test(numbers, a_moving_window_holds_only_its_own_pages);
	suite_add_tcase(suite, numbers);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
