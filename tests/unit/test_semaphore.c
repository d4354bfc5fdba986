/* Semaphores: who gets permits, whose they are, and what becomes of them. */
#include <check.h>
#include <string.h>

#include "object_cast.h"

static struct object_grant grant;
static struct waiter waiters[10];
static int64_t value;

enum { UNBOUNDED = 0, BOUNDED = 1, AS_IT_IS = -1 };

static struct semaphore_request request_of(int owner, const char *token, int64_t slots, int bounded, int64_t count)
{
	return (struct semaphore_request){
		.name = named("s"), .holder = who(owner, token), .slots = slots, .bounded = bounded, .count = count
	};
}

/* Of a bounded one with 3 slots; WAITER NULL: does not wait. */
static int acquire(int owner, int64_t count, struct waiter *waiter)
{
	struct semaphore_request request = request_of(owner, NULL, 3, BOUNDED, count);

	return semaphore_acquire(all, &request, waiter ? waiter_set(waiter) : NULL, &grant, &problem);
}

static int release(int owner, int64_t count)
{
	struct semaphore_request request = request_of(owner, NULL, AS_IT_IS, AS_IT_IS, count);

	return semaphore_release(all, &request, &value, &problem);
}

/* The same of an unbounded one. */
static int take(int owner, int64_t slots, int64_t count, struct waiter *waiter)
{
	struct semaphore_request request = request_of(owner, NULL, slots, UNBOUNDED, count);

	return semaphore_acquire(all, &request, waiter ? waiter_set(waiter) : NULL, &grant, &problem);
}

static int give(int owner, int64_t slots, int64_t count)
{
	struct semaphore_request request = request_of(owner, NULL, slots, UNBOUNDED, count);

	return semaphore_release(all, &request, &value, &problem);
}

static const char *parties(void)
{
	return parties_at(OBJECT_SEMAPHORE, "s");
}

START_TEST(one_is_there_from_its_first_use_to_its_last)
{
	struct object_view view;

	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
	ck_assert_int_eq(acquire(0, 2, NULL), OBJECT_DONE);
	ck_assert(look_at(OBJECT_SEMAPHORE, "s", &view));
	ck_assert_int_eq(view.slots, 3);
	ck_assert_int_eq(view.value, 1);
	ck_assert(view.bounded);
	ck_assert_uint_eq(view.maker, 1);
	ck_assert_int_eq(release(0, 2), OBJECT_DONE);
	ck_assert_int_eq(value, 3);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
}
END_TEST

START_TEST(nothing_said_is_one_permit_and_bounded)
{
	struct semaphore_request request = request_of(0, NULL, AS_IT_IS, AS_IT_IS, 1);
	struct object_view view;

	ck_assert_int_eq(semaphore_acquire(all, &request, NULL, &grant, &problem), OBJECT_DONE);
	ck_assert(look_at(OBJECT_SEMAPHORE, "s", &view));
	ck_assert_int_eq(view.slots, 1);
	ck_assert(view.bounded);
	ck_assert_int_eq(semaphore_acquire(all, &request, NULL, &grant, &problem), OBJECT_WOULD_WAIT);
}
END_TEST

START_TEST(several_of_one_holder_are_summed_and_fences_grow)
{
	ck_assert_int_eq(acquire(0, 1, NULL), OBJECT_DONE);
	uint64_t first = grant.fence;

	ck_assert_int_eq(acquire(1, 1, NULL), OBJECT_DONE);
	uint64_t second = grant.fence;

	ck_assert_int_eq(acquire(0, 1, NULL), OBJECT_DONE);
	ck_assert_uint_gt(first, 999);
	ck_assert_uint_gt(second, first);
	ck_assert_uint_gt(grant.fence, second);
	ck_assert_str_eq(parties(), "0=2 1=1");
	ck_assert_int_eq(release(0, 2), OBJECT_DONE);
	ck_assert_str_eq(parties(), "1=1");
}
END_TEST

START_TEST(parts_of_one_owner_hold_apart)
{
	struct semaphore_request a = request_of(0, "a", 3, BOUNDED, 2), b = request_of(0, "b", 3, BOUNDED, 1);

	ck_assert_int_eq(semaphore_acquire(all, &a, NULL, &grant, &problem), OBJECT_DONE);
	ck_assert_int_eq(semaphore_release(all, &b, NULL, &problem), OBJECT_NOT_OWNER);
	ck_assert_uint_eq(problem.n_links, 1);
	ck_assert_str_eq(problem.links[0].token, "a");
	ck_assert_int_eq(semaphore_acquire(all, &b, NULL, &grant, &problem), OBJECT_DONE);
	ck_assert_str_eq(parties(), "0/a=2 0/b=1");
	ck_assert_int_eq(semaphore_release(all, &b, &value, &problem), OBJECT_DONE);
	ck_assert_int_eq(value, 1);
}
END_TEST

START_TEST(wrong_releases_are_told_apart_and_change_nothing)
{
	ck_assert_int_eq(release(0, 1), OBJECT_NOT_HELD);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
	ck_assert_int_eq(acquire(0, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(release(1, 1), OBJECT_NOT_OWNER);
	ck_assert_int_eq(problem.links[0].pid, 100);
	ck_assert_str_eq(problem.links[0].name, "s");
	ck_assert_int_eq(release(0, 3), OBJECT_OVER_RELEASED);
	ck_assert_ptr_nonnull(strstr(problem.text, "\"s\""));
	ck_assert_str_eq(parties(), "0=2");
	semaphore_configure(all, "s", 3);
	ck_assert_int_eq(release(0, 2), OBJECT_DONE);
	ck_assert_int_eq(release(0, 1), OBJECT_NOT_HELD);
	semaphore_configure(all, "s", 0);
}
END_TEST

START_TEST(another_size_or_kind_is_a_mismatch)
{
	struct semaphore_request request = request_of(1, NULL, 4, BOUNDED, 1);

	ck_assert_int_eq(acquire(0, 4, NULL), OBJECT_MISMATCH);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
	ck_assert_int_eq(acquire(0, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(semaphore_acquire(all, &request, NULL, &grant, &problem), OBJECT_MISMATCH);
	ck_assert_str_eq(problem.text, "semaphore \"s\" has 3 slots, not 4");
	ck_assert_int_eq(semaphore_release(all, &request, NULL, &problem), OBJECT_MISMATCH);
	ck_assert_int_eq(take(1, AS_IT_IS, 1, NULL), OBJECT_MISMATCH);
	ck_assert_str_eq(problem.text, "semaphore \"s\" is bounded, not unbounded");
	ck_assert_int_eq(give(1, AS_IT_IS, 1), OBJECT_MISMATCH);
	request.slots = AS_IT_IS;
	request.count = 4;
	ck_assert_int_eq(semaphore_acquire(all, &request, waiter_set(&waiters[0]), &grant, &problem), OBJECT_MISMATCH);
	ck_assert_int_eq(release(0, 1), OBJECT_DONE);
}
END_TEST

START_TEST(a_waiter_for_many_is_not_overtaken_by_one_for_few)
{
	ck_assert_int_eq(acquire(0, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, 3, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(2, 1, &waiters[2]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(3, 1, NULL), OBJECT_WOULD_WAIT);
	ck_assert_str_eq(parties(), "0=2 | 1=3 2=1");
	ck_assert_int_eq(release(0, 1), OBJECT_DONE);
	ck_assert_int_eq(waiters[1].told + waiters[2].told, 0);
	ck_assert_int_eq(release(0, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[1], OBJECT_DONE));
	ck_assert(!waiters[1].grant.holder_died);
	ck_assert_int_eq(waiters[2].told, 0);
	ck_assert_int_eq(release(1, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[2], OBJECT_DONE));
	ck_assert_uint_gt(waiters[2].grant.fence, waiters[1].grant.fence);
	ck_assert_str_eq(parties(), "1=2 2=1");
}
END_TEST

START_TEST(who_leaves_the_line_lets_the_others_on)
{
	ck_assert_int_eq(acquire(0, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, 2, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(2, 3, &waiters[2]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(3, 1, &waiters[3]), OBJECT_WAITING);
	object_wait_drop(&waiters[1].wait);
	ck_assert_int_eq(waiters[3].told, 0);
	ck_assert(object_wait_expire(&waiters[2].wait));
	ck_assert_int_eq(waiters[1].told + waiters[2].told, 0);
	ck_assert(waiter_got(&waiters[3], OBJECT_DONE));
	ck_assert_str_eq(parties(), "0=2 3=1");
}
END_TEST

START_TEST(a_dead_holders_permits_go_to_the_next_who_is_told)
{
	ck_assert_int_eq(acquire(0, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(0, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, 1, &waiters[1]), OBJECT_WAITING);
	ck_assert_int_eq(acquire(2, 1, &waiters[2]), OBJECT_WAITING);
	cast_kill(0);
	ck_assert(waiter_got(&waiters[1], OBJECT_DONE) && waiters[1].grant.holder_died);
	ck_assert(waiter_got(&waiters[2], OBJECT_DONE) && !waiters[2].grant.holder_died);
	ck_assert_str_eq(parties(), "1=1 2=1");
}
END_TEST

START_TEST(that_a_holder_died_is_remembered_until_the_next_grant)
{
	struct object_view view;

	ck_assert_int_eq(acquire(0, 1, NULL), OBJECT_DONE);
	cast_kill(0);
	ck_assert(look_at(OBJECT_SEMAPHORE, "s", &view) && view.holder_died && view.value == 3);
	ck_assert_int_eq(acquire(1, 1, NULL), OBJECT_DONE);
	ck_assert(grant.holder_died);
	ck_assert_int_eq(acquire(2, 1, NULL), OBJECT_DONE);
	ck_assert(!grant.holder_died);
	ck_assert_int_eq(release(1, 1), OBJECT_DONE);
	ck_assert_int_eq(release(2, 1), OBJECT_DONE);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
}
END_TEST

START_TEST(anybody_releases_an_unbounded_one_and_it_stays_while_that_shows)
{
	ck_assert_int_eq(give(0, AS_IT_IS, 2), OBJECT_DONE);
	ck_assert_int_eq(value, 3);
	ck_assert_int_eq(give(1, 1, 1), OBJECT_DONE);
	ck_assert_int_eq(value, 4);
	cast_kill(0);
	cast_kill(1);
	ck_assert_int_eq(take(2, AS_IT_IS, 4, NULL), OBJECT_DONE);
	ck_assert(!grant.holder_died);
	ck_assert_int_eq(take(3, AS_IT_IS, 9, &waiters[3]), OBJECT_WAITING);
	ck_assert_int_eq(give(0, AS_IT_IS, 8), OBJECT_DONE);
	ck_assert_int_eq(waiters[3].told, 0);
	ck_assert_int_eq(give(1, AS_IT_IS, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[3], OBJECT_DONE));
}
END_TEST

START_TEST(an_unbounded_one_of_none_counts_signals)
{
	ck_assert_int_eq(take(0, 0, 1, NULL), OBJECT_WOULD_WAIT);
	ck_assert_int_eq(objects_count(all, OBJECT_SEMAPHORE), 0);
	ck_assert_int_eq(take(0, 0, 1, &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(give(1, 0, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
	for (int i = 0; i < 1000; i++)
		if (give(1, 0, 1) || take(0, 0, 1, NULL))
			ck_abort_msg("signal %d", i);
	/* What was signalled meanwhile has taken it off the books: only what was taken last is still there. */
	ck_assert_str_eq(parties(), "0=1");
}
END_TEST

START_TEST(the_releasers_own_permits_go_first_and_then_the_oldest_ones)
{
	ck_assert_int_eq(take(0, 6, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(take(1, 6, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(take(2, 6, 2, NULL), OBJECT_DONE);
	ck_assert_int_eq(give(1, 6, 1), OBJECT_DONE);
	ck_assert_str_eq(parties(), "0=2 1=1 2=2");
	ck_assert_int_eq(give(1, 6, 2), OBJECT_DONE);
	ck_assert_str_eq(parties(), "0=1 2=2");
	cast_kill(2);
	ck_assert_str_eq(parties(), "0=1");
	ck_assert_int_eq(give(3, 6, 3), OBJECT_DONE);
	ck_assert_int_eq(value, 8);
	ck_assert_int_eq(give(3, 6, SEMAPHORE_SLOTS_MAX - 7), OBJECT_OVER_RELEASED);
	ck_assert_int_eq(take(3, 6, 1, NULL), OBJECT_DONE);
	ck_assert(grant.holder_died);
}
END_TEST

START_TEST(those_who_wait_for_each_others_permits_are_refused)
{
	struct semaphore_request other = request_of(1, NULL, 1, BOUNDED, 1);

	other.name = named("t");
	ck_assert_int_eq(acquire(0, 3, NULL), OBJECT_DONE);
	ck_assert_int_eq(semaphore_acquire(all, &other, NULL, &grant, &problem), OBJECT_DONE);
	ck_assert_int_eq(acquire(1, 1, &waiters[1]), OBJECT_WAITING);
	other.holder = who(0, NULL);
	ck_assert_int_eq(semaphore_acquire(all, &other, waiter_set(&waiters[0]), &grant, &problem), OBJECT_DEADLOCK);
	ck_assert(!object_wait_is_on(&waiters[0].wait));
	ck_assert_uint_eq(problem.n_links, 2);
	ck_assert_int_eq(acquire(0, 1, &waiters[0]), OBJECT_DEADLOCK);
	ck_assert_int_eq(release(0, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[1], OBJECT_DONE));
}
END_TEST

START_TEST(nobody_knows_who_might_release_an_unbounded_one)
{
	ck_assert_int_eq(take(0, 1, 1, NULL), OBJECT_DONE);
	ck_assert_int_eq(take(0, 1, 1, &waiters[0]), OBJECT_WAITING);
	ck_assert_int_eq(give(0, 1, 1), OBJECT_DONE);
	ck_assert(waiter_got(&waiters[0], OBJECT_DONE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("semaphore");
	TCase *tcase = tcase_create("semaphore");

	tcase_add_checked_fixture(tcase, cast_open, cast_close);
	tcase_add_test(tcase, one_is_there_from_its_first_use_to_its_last);
	tcase_add_test(tcase, nothing_said_is_one_permit_and_bounded);
	tcase_add_test(tcase, several_of_one_holder_are_summed_and_fences_grow);
	tcase_add_test(tcase, parts_of_one_owner_hold_apart);
	tcase_add_test(tcase, wrong_releases_are_told_apart_and_change_nothing);
	tcase_add_test(tcase, another_size_or_kind_is_a_mismatch);
	tcase_add_test(tcase, a_waiter_for_many_is_not_overtaken_by_one_for_few);
	tcase_add_test(tcase, who_leaves_the_line_lets_the_others_on);
	tcase_add_test(tcase, a_dead_holders_permits_go_to_the_next_who_is_told);
	tcase_add_test(tcase, that_a_holder_died_is_remembered_until_the_next_grant);
	tcase_add_test(tcase, anybody_releases_an_unbounded_one_and_it_stays_while_that_shows);
	tcase_add_test(tcase, an_unbounded_one_of_none_counts_signals);
	tcase_add_test(tcase, the_releasers_own_permits_go_first_and_then_the_oldest_ones);
	tcase_add_test(tcase, those_who_wait_for_each_others_permits_are_refused);
	tcase_add_test(tcase, nobody_knows_who_might_release_an_unbounded_one);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed != 0;
}
