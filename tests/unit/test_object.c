/* Named objects as such: they come and go, have makers with limits, remember the dead, and are listed. */
#include "object_world.h"

static void set_limits(size_t objects, size_t waits, size_t bytes)
{
	objects_set_limits(
		world.objects, &(struct object_limits){ .objects = objects, .waits = waits, .mq_bytes = bytes });
}

START_TEST(an_object_is_there_as_long_as_somebody_holds_it)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert(object_is_there(OBJECT_LOCK, "a"));
	ck_assert(!object_is_there(OBJECT_SEMAPHORE, "a"));
	ck_assert_uint_eq(objects_count(world.objects, OBJECT_LOCK), 1);
	assert_sound();
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
	ck_assert_uint_eq(objects_count(world.objects, OBJECT_LOCK), 0);
}
END_TEST

START_TEST(names_may_be_as_long_as_they_may)
{
	char name[OBJECT_NAME_LIMIT + 1], other[OBJECT_NAME_LIMIT + 1];

	for (size_t length = 1; length <= OBJECT_NAME_LIMIT; length += 127) {
		memset(name, 'x', length);
		name[length] = '\0';
		strcpy(other, name);
		other[length - 1] = 'y';
		ck_assert_int_eq(lock_take(0, NULL, name, EXCLUSIVE, NONE), OBJECT_DONE);
		ck_assert_int_eq(lock_take(1, NULL, other, EXCLUSIVE, NONE), OBJECT_DONE);
		ck_assert_int_eq(lock_take(1, NULL, name, EXCLUSIVE, NONE), OBJECT_WOULD_WAIT);
		ck_assert_str_eq(object_view_of(OBJECT_LOCK, name).name.data, name);
		ck_assert_int_eq(lock_give(0, NULL, name), OBJECT_DONE);
		ck_assert_int_eq(lock_give(1, NULL, other), OBJECT_DONE);
	}
}
END_TEST

START_TEST(fences_start_where_they_are_told_and_grow_over_all_objects)
{
	uint64_t last = WORLD_FENCE - 1;

	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "l%d", i);
		ck_assert_int_eq(lock_take(i, NULL, name, EXCLUSIVE, NONE), OBJECT_DONE);
		ck_assert_uint_gt(world.grant.fence, last);
		last = world.grant.fence;
	}
	ck_assert_uint_eq(last, WORLD_FENCE + 4);
}
END_TEST

START_TEST(a_user_makes_no_more_objects_than_his_limit)
{
	set_limits(2, 0, 0);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "c", EXCLUSIVE, NONE), OBJECT_TOO_MANY);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "limit is 2"));
	ck_assert(!object_is_there(OBJECT_LOCK, "c"));
	ck_assert_int_eq(lock_take(WORLD_OWNERS - 1, NULL, "c", EXCLUSIVE, NONE), OBJECT_DONE); /* another user's */
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, NONE), OBJECT_WOULD_WAIT); /* made by others: no limit */
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "d", EXCLUSIVE, NONE), OBJECT_DONE);
}
END_TEST

START_TEST(an_object_counts_for_its_maker_also_when_another_has_it)
{
	set_limits(1, 0, 0);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(WORLD_OWNERS - 1, NULL, "a", EXCLUSIVE, 0), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(0, OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "b", EXCLUSIVE, NONE), OBJECT_TOO_MANY);
	ck_assert_int_eq(lock_take(WORLD_OWNERS - 1, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
}
END_TEST

START_TEST(a_user_waits_no_more_often_than_his_limit)
{
	set_limits(0, 2, 0);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(3, "t", "a", EXCLUSIVE, 3), OBJECT_TOO_MANY);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "limit"));
	ck_assert(!object_wait_is_on(wait_at(3)));
	assert_sound();
	ck_assert_int_eq(lock_take(WORLD_OWNERS - 1, NULL, "a", EXCLUSIVE, 3), OBJECT_WAITING);
	object_wait_drop(wait_at(1));
	ck_assert_int_eq(lock_take(4, NULL, "a", EXCLUSIVE, 4), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(lock_take(5, NULL, "a", EXCLUSIVE, 5), OBJECT_WAITING);
}
END_TEST

START_TEST(bytes_are_counted_for_each_user)
{
	struct object_user *user = world.owners[0].user;

	set_limits(0, 0, 100);
	ck_assert(!user_bytes_take(world.objects, user, 101, &world.problem));
	ck_assert_ptr_nonnull(strstr(world.problem.text, "100"));
	ck_assert(user_bytes_take(world.objects, user, 60, &world.problem));
	ck_assert(!user_bytes_take(world.objects, user, 41, &world.problem));
	ck_assert(user_bytes_take(world.objects, user, 40, &world.problem));
	ck_assert(user_bytes_take(world.objects, world.owners[WORLD_OWNERS - 1].user, 100, &world.problem));
	user_bytes_give(world.objects, world.owners[WORLD_OWNERS - 1].user, 100);
	for (int i = 0; i < WORLD_OWNERS - 1; i++)
		object_owner_end(&world.owners[i]); /* what he has put stays on his account */
	ck_assert_uint_eq(user->bytes, 100);
	user_bytes_give(world.objects, user, 100);
}
END_TEST

/* --- marks --- */

static void die(int owner)
{
	object_owner_end(&world.owners[owner]);
	object_owner_begin(world.objects, &world.owners[owner], OWNER_CONNECTION, (uint64_t)owner + 1, 1000, 100);
}

START_TEST(who_has_it_next_hears_once_that_its_holder_died)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	die(0);
	assert_told(1, OBJECT_DONE);
	ck_assert(world.waits[1].grant.holder_died);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert(!world.grant.holder_died);
}
END_TEST

START_TEST(a_death_is_remembered_though_nobody_waits)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	die(0);
	assert_sound();
	ck_assert(object_is_there(OBJECT_LOCK, "a"));
	ck_assert(object_view_of(OBJECT_LOCK, "a").holder_died);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert(world.grant.holder_died);
	assert_sound();
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
}
END_TEST

START_TEST(the_oldest_mark_makes_room_for_a_new_object)
{
	set_limits(3, 0, 0);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(2, NULL, "c", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(3, NULL, "d", EXCLUSIVE, NONE), OBJECT_TOO_MANY);
	die(1);
	die(0);
	ck_assert_int_eq(lock_take(3, NULL, "d", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert(!object_is_there(OBJECT_LOCK, "b"));
	ck_assert(object_is_there(OBJECT_LOCK, "a"));
	assert_sound();
	ck_assert_int_eq(lock_take(3, NULL, "e", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
	ck_assert_int_eq(lock_take(3, NULL, "f", EXCLUSIVE, NONE), OBJECT_TOO_MANY);
}
END_TEST

START_TEST(a_lowered_limit_takes_all_marks_that_it_needs_or_none)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "c", EXCLUSIVE, NONE), OBJECT_DONE);
	die(0);
	set_limits(1, 0, 0);
	ck_assert_int_eq(lock_take(2, NULL, "d", EXCLUSIVE, NONE), OBJECT_TOO_MANY);
	ck_assert(object_is_there(OBJECT_LOCK, "a"));
	set_limits(2, 0, 0);
	ck_assert_int_eq(lock_take(2, NULL, "d", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_uint_eq(objects_count(world.objects, OBJECT_LOCK), 2);
}
END_TEST

/* --- owners --- */

START_TEST(an_owner_ends_with_all_that_it_holds_and_waits_for)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, "t", "b", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "c", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, "u", "c", EXCLUSIVE, 0), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, "v", "b", EXCLUSIVE, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(0, "w", "a", EXCLUSIVE, 3), OBJECT_WAITING);
	ck_assert(!object_owner_is_idle(&world.owners[0]));
	die(0);
	assert_sound();
	ck_assert(object_owner_is_idle(&world.owners[0]));
	assert_told(1, OBJECT_DONE);
	assert_told(2, OBJECT_DONE);
	assert_not_told(0);
	assert_not_told(3);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "3");
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "b"), "3/v");
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "c"), "2");
}
END_TEST

START_TEST(what_an_owner_gives_back_does_not_go_to_itself)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, "t", "a", EXCLUSIVE, 0), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	die(0);
	assert_not_told(0);
	assert_told(1, OBJECT_DONE);
}
END_TEST

START_TEST(an_owner_that_never_began_ends_as_often_as_one_likes)
{
	struct object_owner owner = { 0 };

	object_owner_end(&owner);
	object_owner_begin(world.objects, &owner, OWNER_TASK, 77, 1002, 0);
	object_owner_end(&owner);
	object_owner_end(&owner);
	ck_assert(object_owner_is_idle(&owner));
}
END_TEST

START_TEST(tokens_of_two_owners_are_two_holders)
{
	ck_assert_int_eq(lock_take(0, "t", "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_give(1, "t", "a"), OBJECT_NOT_OWNER);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_NOT_OWNER);
	ck_assert_int_eq(lock_give(0, "u", "a"), OBJECT_NOT_OWNER);
	ck_assert_uint_eq(world.problem.n_links, 1);
	ck_assert_str_eq(world.problem.links[0].token, "t");
	ck_assert_uint_eq(world.problem.links[0].owner_id, 1);
	ck_assert_int_eq(world.problem.links[0].pid, 100);
	ck_assert_str_eq(world.problem.links[0].name, "a");
	ck_assert_int_eq(lock_give(0, "t", "a"), OBJECT_DONE);
}
END_TEST

/* --- listings --- */

START_TEST(objects_are_listed_in_the_order_of_their_making)
{
	struct object *object;
	char names[20] = "";

	objects_set_now(world.objects, 5);
	ck_assert_int_eq(lock_take(0, NULL, "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, NULL, "c", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	for (object = NULL; (object = object_next(world.objects, OBJECT_LOCK, object));) {
		struct object_view view;

		object_look(object, &view);
		strcat(names, view.name.data);
		ck_assert_int_eq(view.since_ns, 5);
		ck_assert_uint_eq(view.maker, 1000);
		ck_assert_uint_eq(view.holders, 1);
	}
	ck_assert_str_eq(names, "bca");
}
END_TEST

START_TEST(holders_come_first_then_those_who_wait)
{
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, "t", "a", SHARED | REENTRANT, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, "t", "a", SHARED | REENTRANT, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, 0), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(0, "x", "a", SHARED, 1), OBJECT_WAITING);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "3s 2/ts*2 | 4 1/xs");
	ck_assert_uint_eq(object_view_of(OBJECT_LOCK, "a").waits, 2);
}
END_TEST

static bool visit_one(void *user, const struct object_party *party)
{
	(void)party;
	return --*(int *)user > 0;
}

START_TEST(a_visit_ends_when_the_visitor_says_so)
{
	struct object_name name = name_of("a");
	int left;

	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(lock_take(i, NULL, "a", EXCLUSIVE, i), OBJECT_WAITING);
	for (int wanted = 1; wanted < 4; wanted++) {
		left = wanted;
		object_parties(object_find(world.objects, OBJECT_LOCK, &name), visit_one, &left);
		ck_assert_int_eq(left, 0);
	}
}
END_TEST

START_TEST(each_kind_has_its_name)
{
	char names[100] = "";

	for (int kind = 0; kind < OBJECT_N_KINDS; kind++) {
		strcat(names, object_kind_name((enum object_kind)kind));
		strcat(names, " ");
	}
	ck_assert_str_eq(names, "lock semaphore event condition barrier mq ");
}
END_TEST

/* --- many --- */

#define MANY 100000

START_TEST(an_owner_with_very_many_locks_and_threads_ends_at_once)
{
	char name[16], token[16];
	int bad = 0;

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "l%d", i / 2);
		snprintf(token, sizeof(token), "t%d", i);
		bad += lock_take(0, token, name, SHARED, NONE) != OBJECT_DONE;
	}
	ck_assert_int_eq(bad, 0);
	ck_assert_uint_eq(objects_count(world.objects, OBJECT_LOCK), MANY / 2);
	die(0);
	ck_assert_uint_eq(world.owners[0].user->n_objects, MANY / 2); /* marks */
	ck_assert(object_owner_is_idle(&world.owners[0]));
	die(1);
}
END_TEST

START_TEST(very_many_may_share_a_lock)
{
	char token[16];
	int bad = 0;

	for (int i = 0; i < MANY; i++) {
		snprintf(token, sizeof(token), "t%d", i);
		bad += lock_take(i % 4, token, "a", SHARED, NONE) != OBJECT_DONE;
		bad += lock_take(i % 4, token, "a", SHARED, NONE) != OBJECT_WOULD_WAIT; /* it has it already */
	}
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, 0), OBJECT_WAITING);
	for (int i = MANY - 1; i >= 0; i--) {
		snprintf(token, sizeof(token), "t%d", i);
		bad += lock_give(i % 4, token, "a") != OBJECT_DONE;
	}
	ck_assert_int_eq(bad, 0);
	assert_told(0, OBJECT_DONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object");
	TCase *tcase = tcase_create("object");

	tcase_add_checked_fixture(tcase, world_begin, world_end);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, an_object_is_there_as_long_as_somebody_holds_it);
	tcase_add_test(tcase, names_may_be_as_long_as_they_may);
	tcase_add_test(tcase, fences_start_where_they_are_told_and_grow_over_all_objects);
	tcase_add_test(tcase, a_user_makes_no_more_objects_than_his_limit);
	tcase_add_test(tcase, an_object_counts_for_its_maker_also_when_another_has_it);
	tcase_add_test(tcase, a_user_waits_no_more_often_than_his_limit);
	tcase_add_test(tcase, bytes_are_counted_for_each_user);
	tcase_add_test(tcase, who_has_it_next_hears_once_that_its_holder_died);
	tcase_add_test(tcase, a_death_is_remembered_though_nobody_waits);
	tcase_add_test(tcase, the_oldest_mark_makes_room_for_a_new_object);
	tcase_add_test(tcase, a_lowered_limit_takes_all_marks_that_it_needs_or_none);
	tcase_add_test(tcase, an_owner_ends_with_all_that_it_holds_and_waits_for);
	tcase_add_test(tcase, what_an_owner_gives_back_does_not_go_to_itself);
	tcase_add_test(tcase, an_owner_that_never_began_ends_as_often_as_one_likes);
	tcase_add_test(tcase, tokens_of_two_owners_are_two_holders);
	tcase_add_test(tcase, objects_are_listed_in_the_order_of_their_making);
	tcase_add_test(tcase, holders_come_first_then_those_who_wait);
	tcase_add_test(tcase, a_visit_ends_when_the_visitor_says_so);
	tcase_add_test(tcase, each_kind_has_its_name);
	tcase_add_test(tcase, an_owner_with_very_many_locks_and_threads_ends_at_once);
	tcase_add_test(tcase, very_many_may_share_a_lock);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
