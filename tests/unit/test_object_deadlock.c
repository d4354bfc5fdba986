/* Circles of those who wait for each other: each is refused when its last wait would close it, and nothing else is. */
#include "object_world.h"

/* The circle as text: "1>a 2>b" for 1, who waits for a, and 2, who waits for b. */
static const char *circle(void)
{
	static char text[2000];
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < world.problem.n_links && i < OBJECT_LINKS; i++) {
		const struct object_link *link = &world.problem.links[i];

		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s%llu%s%s>%s", i ? " " : "",
			link->owner_kind == OWNER_TASK ? "t" : "", (unsigned long long)link->owner_id,
			link->token[0] ? "/" : "", link->token, link->name);
	}
	return text;
}

static void hold(int owner, const char *name, int how)
{
	ck_assert_int_eq(lock_take(owner, NULL, name, how, NONE), OBJECT_DONE);
}

static void wait_for(int owner, const char *name, int how, int wait)
{
	ck_assert_int_eq(lock_take(owner, NULL, name, how, wait), OBJECT_WAITING);
}

static void check_refused(int status, int wait, const char *wanted)
{
	ck_assert_int_eq(status, OBJECT_DEADLOCK);
	ck_assert_str_eq(circle(), wanted);
	ck_assert_str_ne(world.problem.text, "");
	ck_assert(!object_wait_is_on(wait_at(wait)));
	assert_sound();
}

START_TEST(two_who_have_what_the_other_wants)
{
	hold(0, "a", EXCLUSIVE);
	hold(1, "b", EXCLUSIVE);
	wait_for(0, "b", EXCLUSIVE, 0);
	ck_assert_int_eq(lock_take(1, NULL, "a", EXCLUSIVE, NONE), OBJECT_WOULD_WAIT);
	check_refused(lock_take(1, NULL, "a", EXCLUSIVE, 1), 1, "2>a 1>b");
	ck_assert_int_eq(world.problem.links[1].pid, 100);
	ck_assert_int_eq(lock_give(1, NULL, "b"), OBJECT_DONE);
	assert_told(0, OBJECT_DONE);
	wait_for(1, "a", EXCLUSIVE, 1);
}
END_TEST

START_TEST(a_long_circle_is_told_by_its_first_ones)
{
	char name[16], token[16];
	enum { N = 30 };

	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(token, sizeof(token), "t%d", i);
		ck_assert_int_eq(lock_take(i % 5, token, name, EXCLUSIVE, NONE), OBJECT_DONE);
	}
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "l%d", (i + 1) % N);
		snprintf(token, sizeof(token), "t%d", i);
		ck_assert_int_eq(
			lock_take(i % 5, token, name, EXCLUSIVE, i), i + 1 < N ? OBJECT_WAITING : OBJECT_DEADLOCK);
	}
	ck_assert_uint_eq(world.problem.n_links, N);
	ck_assert_str_eq(world.problem.links[0].name, "l0");
	ck_assert_str_eq(world.problem.links[OBJECT_LINKS - 1].name, "l15");
}
END_TEST

START_TEST(sharers_are_all_waited_for)
{
	hold(0, "a", SHARED);
	hold(1, "a", SHARED);
	hold(2, "b", EXCLUSIVE);
	wait_for(1, "b", EXCLUSIVE, 1);
	check_refused(lock_take(2, NULL, "a", EXCLUSIVE, 2), 2, "3>a 2>b");
	ck_assert_int_eq(lock_take(2, NULL, "a", SHARED, 2), OBJECT_DONE);
}
END_TEST

START_TEST(who_came_earlier_is_waited_for_too)
{
	hold(0, "a", EXCLUSIVE);
	hold(2, "b", EXCLUSIVE);
	/* 1 is before 2 in the line of a, and waits for 2's b with another request. */
	wait_for(1, "a", EXCLUSIVE, 1);
	wait_for(1, "b", EXCLUSIVE, 2);
	check_refused(lock_take(2, NULL, "a", EXCLUSIVE, 3), 3, "3>a 2>b");
}
END_TEST

START_TEST(sharers_who_came_earlier_are_not_waited_for_by_sharers)
{
	hold(0, "a", EXCLUSIVE);
	hold(2, "b", EXCLUSIVE);
	wait_for(1, "a", SHARED, 1);
	wait_for(1, "b", EXCLUSIVE, 2);
	wait_for(2, "a", SHARED, 3);
	object_wait_drop(wait_at(3));
	wait_for(3, "a", EXCLUSIVE, 4);                                      /* waits for 1, and so for 2… */
	check_refused(lock_take(2, NULL, "a", SHARED, 3), 3, "3>a 4>a 2>b"); /* …who would wait for him */
}
END_TEST

START_TEST(one_who_waits_for_his_own_earlier_request)
{
	hold(0, "a", EXCLUSIVE);
	wait_for(1, "a", EXCLUSIVE, 1);
	check_refused(lock_take(1, NULL, "a", EXCLUSIVE, 2), 2, "2>a");
	check_refused(lock_take(1, NULL, "a", SHARED, 2), 2, "2>a");
	wait_for(1, "a", REENTRANT, 2);
	object_wait_drop(wait_at(2));
	wait_for(2, "a", EXCLUSIVE, 3);
	check_refused(lock_take(1, NULL, "a", REENTRANT, 2), 2, "2>a 3>a"); /* he is between them */
}
END_TEST

START_TEST(threads_of_one_program_are_holders_of_their_own)
{
	ck_assert_int_eq(lock_take(0, "x", "a", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, "y", "b", EXCLUSIVE, NONE), OBJECT_DONE);
	ck_assert_int_eq(lock_take(0, "z", "b", EXCLUSIVE, 0), OBJECT_WAITING);
	ck_assert_int_eq(lock_take(0, "y", "a", EXCLUSIVE, 1), OBJECT_WAITING);
	check_refused(lock_take(0, "x", "b", EXCLUSIVE, 2), 2, "1/x>b 1/y>a");
}
END_TEST

START_TEST(a_wait_that_ended_closes_no_circle)
{
	for (int by_time = 0; by_time < 2; by_time++) {
		hold(0, "a", EXCLUSIVE);
		hold(1, "b", EXCLUSIVE);
		wait_for(0, "b", EXCLUSIVE, 0);
		if (by_time)
			ck_assert(object_wait_expire(wait_at(0)));
		else
			object_wait_drop(wait_at(0));
		wait_for(1, "a", EXCLUSIVE, 1);
		check_refused(lock_take(0, NULL, "b", EXCLUSIVE, 0), 0, "1>b 2>a");
		object_wait_drop(wait_at(1));
		ck_assert_int_eq(lock_give(0, NULL, "a"), OBJECT_DONE);
		ck_assert_int_eq(lock_give(1, NULL, "b"), OBJECT_DONE);
	}
}
END_TEST

START_TEST(who_waits_for_what_is_in_no_circle_just_waits)
{
	hold(0, "a", EXCLUSIVE);
	hold(1, "b", EXCLUSIVE);
	wait_for(1, "a", EXCLUSIVE, 1);
	hold(2, "c", EXCLUSIVE);
	wait_for(2, "b", EXCLUSIVE, 2);
	hold(3, "d", EXCLUSIVE);
	wait_for(3, "b", EXCLUSIVE, 3);
	wait_for(3, "a", EXCLUSIVE, 4);
	wait_for(4, "d", EXCLUSIVE, 5);
	check_refused(lock_take(0, NULL, "c", EXCLUSIVE, 6), 6, "1>c 3>b 2>a");
}
END_TEST

/* --- semaphores --- */

static void permit(int owner, const char *name, int64_t slots, int64_t count)
{
	ck_assert_int_eq(semaphore_take(owner, name, slots, count, NONE), OBJECT_DONE);
}

START_TEST(a_semaphore_is_without_hope_when_too_few_permits_are_with_those_who_have_some)
{
	permit(0, "s", 3, 1);
	permit(1, "s", 3, 1);
	permit(2, "s", 3, 1);
	hold(3, "x", EXCLUSIVE);
	wait_for(0, "x", EXCLUSIVE, 0);
	ck_assert_int_eq(semaphore_take(3, "s", 3, 2, 3), OBJECT_WAITING); /* 1 and 2 may bring theirs */
	object_wait_drop(wait_at(3));
	wait_for(1, "x", EXCLUSIVE, 1);
	ck_assert_int_eq(semaphore_take(3, "s", 3, 1, 3), OBJECT_WAITING);
	object_wait_drop(wait_at(3));
	check_refused(semaphore_take(3, "s", 3, 2, 3), 3, "4>s 1>x");
}
END_TEST

START_TEST(one_who_has_hope_may_wait_for_a_lock_twice)
{
	permit(0, "s", 2, 1);
	permit(1, "s", 2, 1);
	permit(0, "t", 2, 1);
	permit(4, "t", 2, 1);
	hold(2, "x", EXCLUSIVE);
	hold(3, "l", EXCLUSIVE);
	for (int how = REENTRANT; how <= (REENTRANT | SHARED); how++) {
		ck_assert_int_eq(semaphore_take(1, "t", 2, 1, 1), OBJECT_WAITING); /* 4 has one */
		wait_for(1, "l", REENTRANT, 2);
		wait_for(1, "l", how, 3);
		ck_assert_int_eq(semaphore_take(2, "s", 2, 1, 4), OBJECT_WAITING);
		wait_for(0, "x", EXCLUSIVE, 0); /* so 1 will bring what 2 needs */
		for (int wait = 0; wait < 5; wait++)
			object_wait_drop(wait_at(wait));
	}
}
END_TEST

START_TEST(the_last_who_had_hope_loses_it_for_all)
{
	permit(0, "s", 2, 1);
	permit(1, "s", 2, 1);
	hold(2, "x", EXCLUSIVE);
	hold(3, "y", EXCLUSIVE);
	ck_assert_int_eq(semaphore_take(2, "s", 2, 1, 2), OBJECT_WAITING);
	ck_assert_int_eq(semaphore_take(3, "s", 2, 1, 3), OBJECT_WAITING);
	wait_for(0, "x", EXCLUSIVE, 0); /* 1 still has hope */
	check_refused(lock_take(1, NULL, "x", EXCLUSIVE, 1), 1, "2>x 3>s");
	ck_assert_int_eq(lock_take(1, NULL, "y", EXCLUSIVE, 1), OBJECT_DEADLOCK);
}
END_TEST

START_TEST(one_holder_who_wants_more_permits_than_the_others_have)
{
	permit(0, "s", 4, 2);
	permit(1, "s", 4, 1);
	check_refused(semaphore_take(0, "s", 4, 3, 0), 0, "1>s");
	ck_assert_int_eq(semaphore_take(0, "s", 4, 2, 0), OBJECT_WAITING);
	check_refused(semaphore_take(1, "s", 4, 1, 1), 1, "2>s 1>s");
}
END_TEST

START_TEST(one_who_asks_for_more_permits_in_all_than_there_are_waits_for_himself)
{
	permit(0, "s", 3, 2);
	ck_assert_int_eq(semaphore_take(1, "s", 3, 2, 1), OBJECT_WAITING);
	ck_assert_int_eq(semaphore_take(1, "s", 3, 1, 2), OBJECT_WAITING);
	check_refused(semaphore_take(1, "s", 3, 1, 3), 3, "2>s");
	ck_assert_int_eq(semaphore_take(2, "s", 3, 3, 3), OBJECT_WAITING);
	ck_assert_int_eq(semaphore_give(0, "s", 2), OBJECT_DONE);
	assert_told(1, OBJECT_DONE);
	assert_told(2, OBJECT_DONE);
	assert_not_told(3);
}
END_TEST

START_TEST(who_stands_behind_one_without_hope_has_none)
{
	permit(0, "s", 2, 1);
	hold(2, "x", EXCLUSIVE);
	ck_assert_int_eq(semaphore_take(1, "s", 2, 2, 1), OBJECT_WAITING);
	ck_assert_int_eq(semaphore_take(2, "s", 2, 1, 2), OBJECT_WAITING); /* one is free, but 1 is first */
	check_refused(lock_take(0, NULL, "x", EXCLUSIVE, 0), 0, "1>x 3>s 2>s");
}
END_TEST

START_TEST(a_smaller_configuration_is_no_circle)
{
	semaphore_configure(world.objects, "s", 3);
	permit(0, "s", 3, 2);
	ck_assert_int_eq(semaphore_take(1, "s", -1, 2, 1), OBJECT_WAITING);
	semaphore_configure(world.objects, "s", 2);
	hold(1, "x", EXCLUSIVE);
	wait_for(2, "x", EXCLUSIVE, 2);
	check_refused(lock_take(0, NULL, "x", EXCLUSIVE, 0), 0, "1>x 2>s");
	semaphore_configure(world.objects, "s", 0);
}
END_TEST

START_TEST(anybody_may_bring_permits_to_an_unbounded_semaphore)
{
	struct semaphore_request request = {
		.name = name_of("u"), .holder = holder_of(0, NULL), .slots = 1, .bounded = 0, .count = 1
	};

	ck_assert_int_eq(semaphore_acquire(world.objects, &request, NULL, &world.grant, &world.problem), OBJECT_DONE);
	request.holder = holder_of(1, NULL);
	hold(1, "x", EXCLUSIVE);
	ck_assert_int_eq(
		semaphore_acquire(world.objects, &request, wait_at(1), &world.grant, &world.problem), OBJECT_WAITING);
	wait_for(0, "x", EXCLUSIVE, 0);
}
END_TEST

/* --- tasks --- */

START_TEST(a_task_does_not_release_while_what_runs_in_it_waits)
{
	struct object_owner task;
	struct lock_request request = { .name = name_of("a"), .holder = { .owner = &task } };

	object_owner_begin(world.objects, &task, OWNER_TASK, 50, 1000, 0);
	ck_assert_int_eq(lock_acquire(world.objects, &request, NULL, &world.grant, &world.problem), OBJECT_DONE);
	wait_for(0, "a", EXCLUSIVE, 0);
	object_wait_drop(wait_at(0));
	world.owners[0].task = 50;
	check_refused(lock_take(0, NULL, "a", EXCLUSIVE, 0), 0, "1>a t50>a"); /* it waits for itself */
	hold(1, "b", EXCLUSIVE);
	wait_for(1, "a", EXCLUSIVE, 1);
	check_refused(lock_take(0, "t", "b", EXCLUSIVE, 0), 0, "1/t>b 2>a t50>b");
	object_wait_drop(wait_at(1));
	wait_for(0, "b", EXCLUSIVE, 0);
	check_refused(lock_take(1, NULL, "a", EXCLUSIVE, 1), 1, "2>a t50>b");
	object_owner_end(&task);
}
END_TEST

/* --- many --- */

#define MANY 20000

static void end_all(void)
{
	for (int i = 0; i < WORLD_OWNERS; i++)
		object_owner_end(&world.owners[i]);
}

/* In the line of "a", which 0 has: MANY threads who share something, and each of whom has a lock of his own. */
static int crowd(struct world_wait *waits, int how)
{
	struct lock_request request = { .name = name_of("a"), .shared = how & SHARED };
	int bad = 0;

	for (int i = 0; i < MANY; i++) {
		char token[16];

		snprintf(token, sizeof(token), "%d", i);
		wait_prepare(&waits[i]);
		bad += lock_take(1 + i % 4, token, "shared", SHARED, NONE) != OBJECT_DONE;
		bad += lock_take(1 + i % 4, token, token, EXCLUSIVE, NONE) != OBJECT_DONE;
		request.holder = holder_of(1 + i % 4, token);
		bad += lock_acquire(world.objects, &request, &waits[i].wait, &world.grant, &world.problem) !=
			OBJECT_WAITING;
	}
	return bad;
}

START_TEST(a_crowd_in_one_line_is_no_trouble)
{
	struct world_wait *waits = calloc(MANY, sizeof(*waits));

	hold(0, "a", EXCLUSIVE);
	ck_assert_int_eq(crowd(waits, EXCLUSIVE), 0);
	wait_for(6, "shared", EXCLUSIVE, 1);
	hold(5, "b", EXCLUSIVE);
	wait_for(0, "b", EXCLUSIVE, 0);
	check_refused(lock_take(5, NULL, "shared", EXCLUSIVE, 2), 2, "6>shared 2/0>a 1>b");
	object_wait_drop(wait_at(0));
	check_refused(lock_take(0, NULL, "1234", EXCLUSIVE, 0), 0, "1>1234 4/1234>a");
	end_all();
	free(waits);
}
END_TEST

START_TEST(a_crowd_of_sharers_each_in_a_line_of_his_own_is_no_trouble)
{
	struct world_wait *waits = calloc(MANY, sizeof(*waits)), *others = calloc(MANY, sizeof(*others));
	int bad = 0;

	hold(0, "a", EXCLUSIVE);
	ck_assert_int_eq(crowd(waits, SHARED), 0);
	for (int i = 0; i < MANY; i++) { /* each waits for the lock of the next, but for the last */
		char token[16], next[16];
		struct lock_request request;

		snprintf(token, sizeof(token), "%d", MANY - 1 - i);
		snprintf(next, sizeof(next), "%d", MANY - i);
		wait_prepare(&others[i]);
		request = (struct lock_request){ .name = name_of(next),
			.holder = holder_of(1 + (MANY - 1 - i) % 4, token) };
		if (i > 0)
			bad += lock_acquire(world.objects, &request, &others[i].wait, &world.grant, &world.problem) !=
				OBJECT_WAITING;
	}
	ck_assert_int_eq(bad, 0);
	hold(6, "c", EXCLUSIVE);
	wait_for(6, "0", EXCLUSIVE, 1);
	ck_assert_int_eq(lock_take(0, NULL, "c", EXCLUSIVE, 0), OBJECT_DEADLOCK);
	end_all();
	free(waits);
	free(others);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object_deadlock");
	TCase *tcase = tcase_create("deadlock");

	tcase_add_checked_fixture(tcase, world_begin, world_end);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, two_who_have_what_the_other_wants);
	tcase_add_test(tcase, a_long_circle_is_told_by_its_first_ones);
	tcase_add_test(tcase, sharers_are_all_waited_for);
	tcase_add_test(tcase, who_came_earlier_is_waited_for_too);
	tcase_add_test(tcase, sharers_who_came_earlier_are_not_waited_for_by_sharers);
	tcase_add_test(tcase, one_who_waits_for_his_own_earlier_request);
	tcase_add_test(tcase, threads_of_one_program_are_holders_of_their_own);
	tcase_add_test(tcase, a_wait_that_ended_closes_no_circle);
	tcase_add_test(tcase, who_waits_for_what_is_in_no_circle_just_waits);
	tcase_add_test(tcase, a_semaphore_is_without_hope_when_too_few_permits_are_with_those_who_have_some);
	tcase_add_test(tcase, one_who_has_hope_may_wait_for_a_lock_twice);
	tcase_add_test(tcase, the_last_who_had_hope_loses_it_for_all);
	tcase_add_test(tcase, one_holder_who_wants_more_permits_than_the_others_have);
	tcase_add_test(tcase, one_who_asks_for_more_permits_in_all_than_there_are_waits_for_himself);
	tcase_add_test(tcase, who_stands_behind_one_without_hope_has_none);
	tcase_add_test(tcase, a_smaller_configuration_is_no_circle);
	tcase_add_test(tcase, anybody_may_bring_permits_to_an_unbounded_semaphore);
	tcase_add_test(tcase, a_task_does_not_release_while_what_runs_in_it_waits);
	tcase_add_test(tcase, a_crowd_in_one_line_is_no_trouble);
	tcase_add_test(tcase, a_crowd_of_sharers_each_in_a_line_of_his_own_is_no_trouble);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
