/* Locks: exclusive and shared, reentrant or not, in the order in which they were asked for. */
#include "object_world.h"

START_TEST(who_comes_second_waits_and_has_it_when_it_is_released)
{
	uint64_t fence;

	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	fence = world.grant.fence;
	ck_assert_int_eq(world.grant.depth, 1);
	ck_assert(!world.grant.holder_died);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, NONE), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 0), OBJECT_WAITING);
	assert_not_told(0);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(0, OBJECT_DONE);
	ck_assert_uint_gt(world.waits[0].grant.fence, fence);
	ck_assert(!world.waits[0].grant.holder_died);
	ck_assert_int_eq(world.waits[0].grant.depth, 1);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "2");
}
END_TEST

START_TEST(those_who_wait_have_it_one_after_the_other)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	for (int i = 1; i < 6; i++)
		ck_assert_int_eq(lock_take(i, NULL, "a", EXCLUSIVE, i), OBJECT_WAITING);
	for (int i = 1; i < 6; i++) {
		ck_assert_int_eq(lock_give(i - 1, NULL, "a"), OBJECT_DONE);
		assert_told(i, OBJECT_DONE);
		ck_assert_uint_eq(world.waits[i].turn, (size_t)i);
		assert_sound();
	}
}
END_TEST

START_TEST(sharers_have_it_together_and_whoever_does_not_waits_for_all_of_them)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(lock_take(i, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, NONE), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, 3), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(lock_give(2, NULL, "a"), OBJECT_DONE);
	assert_not_told(3);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	assert_told(3, OBJECT_DONE);
}
END_TEST

START_TEST(a_sharer_does_not_overtake_one_who_waits_for_it_alone)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, NONE), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	assert_not_told(2);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	assert_told(2, OBJECT_DONE);
}
END_TEST

START_TEST(a_run_of_sharers_has_it_at_once_up_to_the_first_who_does_not)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", SHARED, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, 3), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(4, NULL, "a", SHARED, 4), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	assert_told(2, OBJECT_DONE);
	assert_not_told(3);
	assert_not_told(4);
	ck_assert_uint_lt(world.waits[1].grant.fence, world.waits[2].grant.fence);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "2s 3s | 4 5s");
}
END_TEST

START_TEST(when_the_one_in_front_gives_up_the_others_go_on)
{
	for (int by_time = 0; by_time < 2; by_time++) {
		ck_assert_int_eq(lock_take(0, NULL, "a", SHARED, NONE), OBJECT_DONE);
		ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
		ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, 2), OBJECT_WAITING);
		if (by_time)
			ck_assert(object_wait_expire(wait_at(1)));
		else
			object_wait_drop(wait_at(1));
		assert_not_told(1);
		ck_assert(!object_wait_is_on(wait_at(1)));
		assert_told(2, OBJECT_DONE);
		assert_sound();
		ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
		ck_assert_int_eq(lock_give(2, NULL, "a"), OBJECT_DONE);
	}
}
END_TEST

START_TEST(one_who_gives_up_in_the_middle_moves_nobody)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(lock_take(i, NULL, "a", EXCLUSIVE, i), OBJECT_WAITING);
	object_wait_drop(wait_at(2));
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "1 | 2 4");
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_DONE);
	assert_told(3, OBJECT_DONE);
	assert_not_told(2);
}
END_TEST

/* --- again --- */

START_TEST(a_reentrant_one_is_released_as_often_as_it_was_acquired)
{
	uint64_t fence;

	ck_assert_int_eq(lock_take(0, NULL, "a", REENTRANT, NONE), OBJECT_DONE);
	fence = world.grant.fence;
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	for (int depth = 2; depth < 5; depth++) {
		ck_assert_int_eq(lock_take(0, NULL, "a", REENTRANT, depth % 2 ? NONE : 5), OBJECT_DONE);
		ck_assert_int_eq(world.grant.depth, depth);
		ck_assert_uint_eq(world.grant.fence, fence); /* else what the outer one does came too late */
	}
	for (int depth = 3; depth >= 1; depth--) {
		ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
		ck_assert_int_eq(world.grant.depth, depth);
		assert_not_told(1);
	}
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(world.grant.depth, 0);
	assert_told(1, OBJECT_DONE);
}
END_TEST

/* HELD: how it is held; ASKED: how it is asked for; by the same holder. */
static void check_again(int held, int asked, bool granted)
{
	ck_assert_int_eq(lock_take(0, "t", "a", held, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, "t", "a", asked, NONE), granted ? OBJECT_DONE : OBJECT_WOULD_WAIT);
	ck_assert_int_eq(lock_take(0, "t", "a", asked, 0), granted ? OBJECT_DONE : OBJECT_DEADLOCK);
	ck_assert_uint_eq(world.problem.n_links, granted ? 0 : 1);
	if (!granted) {
		ck_assert_str_eq(world.problem.links[0].token, "t");
		ck_assert_str_ne(world.problem.text, "");
	}
	ck_assert(!object_wait_is_on(wait_at(0)));
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"),
		held & SHARED     ? granted ? "1/ts*3" : "1/ts"
			: granted ? "1/t*3"
				  : "1/t");
	for (int i = 0; i < (granted ? 3 : 1); i++)
		ck_assert_int_eq(lock_give(0, "t", "a"), OBJECT_DONE);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
}

START_TEST(who_has_it_has_it_again_only_where_he_says_so_and_no_stronger)
{
	for (int held = 0; held < 4; held++) {
		check_again(held, EXCLUSIVE, false);
		check_again(held, SHARED, false);
		check_again(held, SHARED | REENTRANT, true);
		check_again(held, REENTRANT, !(held & SHARED));
	}
}
END_TEST

START_TEST(a_sharer_has_it_again_past_those_who_wait)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", SHARED | REENTRANT, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(0, NULL, "a", SHARED | REENTRANT, NONE), OBJECT_DONE);
}
END_TEST

START_TEST(two_reentrant_waits_of_one_holder_are_granted_together)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", REENTRANT, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(1, NULL, "a", REENTRANT, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", REENTRANT, 3), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	assert_told(2, OBJECT_DONE);
	assert_not_told(3);
	ck_assert_int_eq(world.waits[2].grant.depth, 2);
	ck_assert_uint_eq(world.waits[1].grant.fence, world.waits[2].grant.fence);
}
END_TEST

START_TEST(nobody_has_it_more_often_than_can_be_counted)
{
	struct object_name name = name_of("a");

	ck_assert_int_eq(lock_take(0, NULL, "a", REENTRANT, NONE), OBJECT_DONE);
	TAILQ_FIRST(&object_find(world.objects, OBJECT_LOCK, &name)->holdings)->count = LOCK_DEPTH_MAX;
	ck_assert_int_eq(lock_take(0, NULL, "a", REENTRANT, NONE), OBJECT_TOO_MANY);
	ck_assert_str_ne(world.problem.text, "");
}
END_TEST

/* --- wrong --- */

START_TEST(what_nobody_holds_cannot_be_released)
{
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_NOT_HELD);
	ck_assert_ptr_nonnull(strstr(world.problem.text, "\"a\""));
	ck_assert_uint_eq(world.problem.n_links, 0);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	object_owner_end(&world.owners[0]); /* its mark is there, but nobody has it */
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_NOT_HELD);
	ck_assert(object_view_of(OBJECT_LOCK, "a").holder_died);
}
END_TEST

START_TEST(what_another_holds_cannot_be_released)
{
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_NOT_OWNER);
	ck_assert_uint_eq(world.problem.n_links, 1);
	ck_assert_uint_eq(world.problem.links[0].owner_id, 4);
	ck_assert_int_eq(world.problem.links[0].pid, 103);
	ck_assert_str_eq(world.problem.links[0].name, "a");
	ck_assert_int_eq(world.problem.links[0].kind, OBJECT_LOCK);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "4 | 2");
}
END_TEST

START_TEST(a_mistake_leaves_no_words_of_the_one_before)
{
	ck_assert_int_eq(lock_take(3, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_give(1, NULL, "a"), OBJECT_NOT_OWNER);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, NONE), OBJECT_WOULD_WAIT);
	ck_assert_str_eq(world.problem.text, "");
	ck_assert_uint_eq(world.problem.n_links, 0);
}
END_TEST

START_TEST(a_death_among_sharers_is_told_to_the_next_of_them)
{
	ck_assert_int_eq(lock_take(0, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", SHARED, NONE), OBJECT_DONE);
	object_owner_end(&world.owners[1]);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert(world.grant.holder_died);
	ck_assert_int_eq(lock_take(3, NULL, "a", SHARED, NONE), OBJECT_DONE);
	ck_assert(!world.grant.holder_died);
}
END_TEST

/* --- telling --- */

static int inner_status;

static void take_another(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	(void)wait;
	(void)status;
	(void)grant;
	inner_status = lock_take(5, NULL, "b", EXCLUSIVE, NONE);
	object_owner_end(&world.owners[2]);
}

START_TEST(one_who_is_told_and_does_what_he_must_not_meets_a_sound_world)
{
	world.waits[1].wait.done = take_another;
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(1, NULL, "a", SHARED, 1), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, 2), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(3, NULL, "a", SHARED, 3), OBJECT_WAITING);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	ck_assert_int_eq(inner_status, OBJECT_DONE);
	assert_not_told(2); /* its owner ended before it came to that */
	assert_told(3, OBJECT_DONE);
	ck_assert_str_eq(parties_of(OBJECT_LOCK, "a"), "2s 4s");
}
END_TEST

#define MANY 100000

START_TEST(very_many_may_wait_and_give_up_and_be_served)
{
	struct world_wait *waits = calloc(MANY, sizeof(*waits));
	struct lock_request request = { .name = name_of("a") };
	int bad = 0, told = 0;
	size_t turn = 0;

	ck_assert_int_eq(lock_take(7, "mine", "other", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, NULL, "a", EXCLUSIVE, NONE), OBJECT_DONE);
	for (int i = 0; i < MANY; i++) {
		char token[16];

		snprintf(token, sizeof(token), "%d", i);
		wait_prepare(&waits[i]);
		request.holder = holder_of(1 + i % 4, token);
		bad += lock_acquire(world.objects, &request, &waits[i].wait, &world.grant, &world.problem) !=
			OBJECT_WAITING;
	}
	for (int i = 1; i < MANY; i += 2)
		object_wait_drop(&waits[i].wait);
	ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
	for (int i = 0; i < MANY; i += 2) {
		char token[16];

		snprintf(token, sizeof(token), "%d", i);
		told += waits[i].told;
		bad += waits[i].turn != ++turn;
		bad += lock_give(1 + i % 4, token, "a") != OBJECT_DONE;
	}
	ck_assert_int_eq(bad, 0);
	ck_assert_int_eq(told, MANY / 2);
	ck_assert(!object_is_there(OBJECT_LOCK, "a"));
	free(waits);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object_lock");
	TCase *tcase = tcase_create("lock");

	tcase_add_checked_fixture(tcase, world_begin, world_end);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, who_comes_second_waits_and_has_it_when_it_is_released);
	tcase_add_test(tcase, those_who_wait_have_it_one_after_the_other);
	tcase_add_test(tcase, sharers_have_it_together_and_whoever_does_not_waits_for_all_of_them);
	tcase_add_test(tcase, a_sharer_does_not_overtake_one_who_waits_for_it_alone);
	tcase_add_test(tcase, a_run_of_sharers_has_it_at_once_up_to_the_first_who_does_not);
	tcase_add_test(tcase, when_the_one_in_front_gives_up_the_others_go_on);
	tcase_add_test(tcase, one_who_gives_up_in_the_middle_moves_nobody);
	tcase_add_test(tcase, a_reentrant_one_is_released_as_often_as_it_was_acquired);
	tcase_add_test(tcase, who_has_it_has_it_again_only_where_he_says_so_and_no_stronger);
	tcase_add_test(tcase, a_sharer_has_it_again_past_those_who_wait);
	tcase_add_test(tcase, two_reentrant_waits_of_one_holder_are_granted_together);
	tcase_add_test(tcase, nobody_has_it_more_often_than_can_be_counted);
	tcase_add_test(tcase, what_nobody_holds_cannot_be_released);
	tcase_add_test(tcase, what_another_holds_cannot_be_released);
	tcase_add_test(tcase, a_mistake_leaves_no_words_of_the_one_before);
	tcase_add_test(tcase, a_death_among_sharers_is_told_to_the_next_of_them);
	tcase_add_test(tcase, one_who_is_told_and_does_what_he_must_not_meets_a_sound_world);
	tcase_add_test(tcase, very_many_may_wait_and_give_up_and_be_served);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
