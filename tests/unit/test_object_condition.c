/* Conditions: the lock is away while one waits, and back before one hears anything. */
#include "object_world.h"

static int condition_join(int owner, const char *token, const char *name, const char *lock, int wait)
{
	struct object_name condition = name_of(name), its_lock = name_of(lock);
	struct object_holder holder = holder_of(owner, token);

	return condition_wait(world.objects, &condition, &its_lock, &holder, wait_at(wait), &world.problem);
}

static size_t notified;

static int notify(int owner, const char *name, const char *lock, int64_t count)
{
	struct object_name condition = name_of(name), its_lock = name_of(lock);
	struct object_holder holder = holder_of(owner, NULL);

	return condition_notify(world.objects, &condition, &its_lock, &holder, count, &notified, &world.problem);
}

/* OWNER waits for "c" of the lock "l" with the wait of its number. */
static void join(int owner)
{
	ck_assert_int_eq(lock_take(owner, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(condition_join(owner, NULL, "c", "l", owner), OBJECT_WAITING);
	assert_sound();
}

START_TEST(the_lock_is_free_while_one_waits)
{
	join(1);
	ck_assert_str_eq(parties_of(OBJECT_CONDITION, "c"), "| 2");
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "");
	ck_assert(object_is_there(OBJECT_LOCK, "l")); /* the condition's */
	ck_assert_int_eq(memcmp(object_view_of(OBJECT_CONDITION, "c").lock.data, "l", 2), 0);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
}
END_TEST

START_TEST(one_who_is_notified_goes_on_when_he_has_the_lock_as_often_as_before)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(lock_take(1, NULL, "l", REENTRANT, NONE), OBJECT_DONE);
	ck_assert_int_eq(condition_join(1, NULL, "c", "l", 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_DONE);
	ck_assert_uint_eq(notified, 1);
	assert_not_told(1);
	ck_assert(!object_is_there(OBJECT_CONDITION, "c"));
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "3 | 2");
	ck_assert_int_eq(lock_give(2, NULL, "l"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	ck_assert(world.waits[1].grant.notified);
	ck_assert_int_eq(world.waits[1].grant.depth, 3);
	ck_assert_uint_gt(world.waits[1].grant.fence, WORLD_FENCE + 1);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "2*3");
}
END_TEST

START_TEST(as_many_are_notified_as_one_says_the_first_ones_first)
{
	for (int i = 1; i < 6; i++)
		join(i);
	ck_assert_int_eq(lock_take(0, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(notify(0, "c", "l", 0), OBJECT_DONE);
	ck_assert_uint_eq(notified, 0);
	ck_assert_int_eq(notify(0, "c", "l", 2), OBJECT_DONE);
	ck_assert_uint_eq(notified, 2);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "1 | 2 3");
	ck_assert_str_eq(parties_of(OBJECT_CONDITION, "c"), "| 4 5 6");
	ck_assert_int_eq(notify(0, "c", "l", -1), OBJECT_DONE);
	ck_assert_uint_eq(notified, 3);
	ck_assert_int_eq(notify(0, "c", "l", -1), OBJECT_DONE);
	ck_assert_uint_eq(notified, 0);
	for (int i = 1; i < 6; i++) {
		ck_assert_int_eq(lock_give(i - 1, NULL, "l"), OBJECT_DONE);
		assert_told(i, OBJECT_DONE);
	}
}
END_TEST

START_TEST(those_who_waited_for_the_lock_before_go_first)
{
	ck_assert_int_eq(lock_take(1, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(3, NULL, "l", EXCLUSIVE, 3), OBJECT_WAITING);
	ck_assert_int_eq(condition_join(1, NULL, "c", "l", 1), OBJECT_WAITING);
	assert_told(2, OBJECT_DONE);
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_DONE);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "3 | 4 2");
}
END_TEST

START_TEST(one_whose_time_is_over_has_the_free_lock_at_once)
{
	join(1);
	ck_assert(!object_wait_expire(wait_at(1)));
	assert_told(1, OBJECT_DONE);
	ck_assert(!world.waits[1].grant.notified);
	ck_assert_int_eq(world.waits[1].grant.depth, 1);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "2");
	ck_assert(!object_is_there(OBJECT_CONDITION, "c"));
}
END_TEST

START_TEST(one_whose_time_is_over_waits_for_the_lock_however_long)
{
	join(1);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	for (int i = 0; i < 2; i++) {
		ck_assert(!object_wait_expire(wait_at(1)));
		assert_not_told(1);
		assert_sound();
	}
	ck_assert_int_eq(notify(2, "c", "l", -1), OBJECT_DONE);
	ck_assert_uint_eq(notified, 0);
	ck_assert_int_eq(lock_give(2, NULL, "l"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	ck_assert(!world.waits[1].grant.notified);
}
END_TEST

START_TEST(a_notified_one_stays_notified_when_his_time_is_over)
{
	join(1);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_DONE);
	ck_assert(!object_wait_expire(wait_at(1)));
	ck_assert_int_eq(lock_give(2, NULL, "l"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	ck_assert(world.waits[1].grant.notified);
}
END_TEST

START_TEST(one_who_is_dropped_leaves_without_the_lock)
{
	join(1);
	join(2);
	object_wait_drop(wait_at(1));
	ck_assert_str_eq(parties_of(OBJECT_CONDITION, "c"), "| 3");
	ck_assert_int_eq(lock_take(3, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(notify(3, "c", "l", -1), OBJECT_DONE);
	object_wait_drop(wait_at(2));
	ck_assert_int_eq(lock_give(3, NULL, "l"), OBJECT_DONE);
	assert_not_told(1);
	assert_not_told(2);
	ck_assert(!object_is_there(OBJECT_LOCK, "l"));
}
END_TEST

START_TEST(an_owner_that_ends_waits_no_more)
{
	join(1);
	object_owner_end(&world.owners[1]);
	assert_not_told(1);
	ck_assert(!object_is_there(OBJECT_CONDITION, "c"));
	ck_assert(!object_is_there(OBJECT_LOCK, "l"));
}
END_TEST

START_TEST(the_death_of_the_one_who_notified_is_told)
{
	join(1);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_DONE);
	object_owner_end(&world.owners[2]);
	assert_told(1, OBJECT_DONE);
	ck_assert(world.waits[1].grant.holder_died);
	ck_assert(world.waits[1].grant.notified);
}
END_TEST

START_TEST(only_who_has_the_lock_alone_may_wait)
{
	ck_assert_int_eq(condition_join(1, NULL, "c", "l", 1), OBJECT_NOT_HELD);
	ck_assert_int_eq(lock_take(2, NULL, "l", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(condition_join(1, NULL, "c", "l", 1), OBJECT_NOT_OWNER);
	ck_assert_uint_eq(world.problem.links[0].owner_id, 3);
	ck_assert_int_eq(condition_join(2, NULL, "c", "l", 1), OBJECT_MISMATCH);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "shared"));
	ck_assert_int_eq(condition_join(2, "t", "c", "l", 1), OBJECT_NOT_OWNER);
	ck_assert(!object_is_there(OBJECT_CONDITION, "c"));
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "3s");
}
END_TEST

START_TEST(only_who_has_the_lock_may_notify)
{
	join(1);
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_NOT_HELD);
	ck_assert_int_eq(lock_take(3, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_NOT_OWNER);
	ck_assert_uint_eq(notified, 0);
	ck_assert_str_eq(parties_of(OBJECT_CONDITION, "c"), "| 2");
	ck_assert_int_eq(notify(3, "none", "l", 1), OBJECT_DONE);
	ck_assert_uint_eq(notified, 0);
}
END_TEST

START_TEST(a_condition_has_one_lock)
{
	join(1);
	ck_assert_int_eq(lock_take(2, NULL, "m", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(condition_join(2, NULL, "c", "m", 2), OBJECT_MISMATCH);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "\"l\""));
	ck_assert_int_eq(notify(2, "c", "m", 1), OBJECT_MISMATCH);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "m"), "3");
	object_wait_drop(wait_at(1));
	ck_assert_int_eq(condition_join(2, NULL, "c", "m", 2), OBJECT_WAITING); /* nobody waits there any more */
}
END_TEST

START_TEST(a_long_mistake_is_cut_between_two_characters)
{
	char name[OBJECT_NAME_LIMIT + 1] = "", other[OBJECT_NAME_LIMIT + 1] = "x";

	while (strlen(name) + 3 <= OBJECT_NAME_LIMIT)
		strcat(name, "\u20ac");
	while (strlen(other) + 3 <= OBJECT_NAME_LIMIT)
		strcat(other, "\u20ac");
	ck_assert_int_eq(lock_take(1, NULL, name, EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(condition_join(1, NULL, other, name, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, other, EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(condition_join(2, NULL, other, other, 2), OBJECT_MISMATCH);
	ck_assert_uint_gt(strlen(world.problem.text), sizeof(world.problem.text) - 5);
	ck_assert_str_eq(world.problem.text + strlen(world.problem.text) - 3, "\u20ac");
}
END_TEST

START_TEST(the_lock_stays_where_there_is_no_room_for_one_who_waits)
{
	ck_assert_int_eq(lock_take(1, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	objects_set_limits(world.objects, &(struct object_limits){ .objects = 1 });
	ck_assert_int_eq(condition_join(1, NULL, "c", "l", 1), OBJECT_TOO_MANY);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "2");
	objects_set_limits(world.objects, &(struct object_limits){ .waits = 1 });
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(condition_join(1, NULL, "c", "l", 1), OBJECT_TOO_MANY);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "l"), "2 | 3");
	ck_assert(!object_is_there(OBJECT_CONDITION, "c"));
}
END_TEST

START_TEST(who_waits_for_a_condition_is_in_no_circle_until_he_is_notified)
{
	ck_assert_int_eq(lock_take(1, NULL, "x", EXCLUSIVE, NONE), OBJECT_DONE);
	join(1); /* has x still */
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "x", EXCLUSIVE, 2), OBJECT_WAITING); /* anybody might notify */
	object_wait_drop(wait_at(2));
	ck_assert_int_eq(notify(2, "c", "l", 1), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "x", EXCLUSIVE, 2), OBJECT_DEADLOCK);
	ck_assert_uint_eq(world.problem.n_links, 2);
}
END_TEST

START_TEST(who_comes_back_to_his_lock_is_never_refused)
{
	ck_assert_int_eq(lock_take(1, NULL, "x", EXCLUSIVE, NONE), OBJECT_DONE);
	join(1);
	ck_assert_int_eq(lock_take(2, NULL, "l", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "x", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert(!object_wait_expire(wait_at(1))); /* a circle: it waits for what 2 has */
	assert_not_told(1);
	object_wait_drop(wait_at(2));
	ck_assert_int_eq(lock_give(2, NULL, "l"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object_condition");
	TCase *tcase = tcase_create("condition");

	tcase_add_checked_fixture(tcase, world_begin, world_end);
	tcase_add_test(tcase, the_lock_is_free_while_one_waits);
	tcase_add_test(tcase, one_who_is_notified_goes_on_when_he_has_the_lock_as_often_as_before);
	tcase_add_test(tcase, as_many_are_notified_as_one_says_the_first_ones_first);
	tcase_add_test(tcase, those_who_waited_for_the_lock_before_go_first);
	tcase_add_test(tcase, one_whose_time_is_over_has_the_free_lock_at_once);
	tcase_add_test(tcase, one_whose_time_is_over_waits_for_the_lock_however_long);
	tcase_add_test(tcase, a_notified_one_stays_notified_when_his_time_is_over);
	tcase_add_test(tcase, one_who_is_dropped_leaves_without_the_lock);
	tcase_add_test(tcase, an_owner_that_ends_waits_no_more);
	tcase_add_test(tcase, the_death_of_the_one_who_notified_is_told);
	tcase_add_test(tcase, only_who_has_the_lock_alone_may_wait);
	tcase_add_test(tcase, only_who_has_the_lock_may_notify);
	tcase_add_test(tcase, a_condition_has_one_lock);
	tcase_add_test(tcase, a_long_mistake_is_cut_between_two_characters);
	tcase_add_test(tcase, the_lock_stays_where_there_is_no_room_for_one_who_waits);
	tcase_add_test(tcase, who_waits_for_a_condition_is_in_no_circle_until_he_is_notified);
	tcase_add_test(tcase, who_comes_back_to_his_lock_is_never_refused);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
