/* What threading's Lock, RLock, Condition, Semaphore, BoundedSemaphore, Event and Barrier of Python promise to threads,
 * for programs: by libtaskd and a real daemon. Each test is one or several of CPython's own (Lib/test/lock_tests.py). */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "bunch.h"
#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;

static void begin(void)
{
	c = bunch_begin(&daemon_);
}

static void finish(void)
{
	bunch_finish(&daemon_, c);
}

static void count(enum counter counter)
{
	atomic_fetch_add(&counters[counter], 1);
}

static int counted(enum counter counter)
{
	return atomic_load(&counters[counter]);
}

static void start(struct bunch *bunch, int n, bunch_body *body)
{
	bunch_start(bunch, &daemon_, c, n, body);
}

/* --- Lock --- */

static void try_the_lock(struct taskd *own, int i)
{
	enum taskd_error error = taskd_lock_acquire(own, "lock", NULL, 0, NULL);

	(void)i;
	MUST(error == TASKD_OK || error == TASKD_E_TIMEOUT);
	count(error == TASKD_OK ? HAD : REFUSED);
	MUST(reached(GO, 1));
	MUST(error != TASKD_OK || taskd_lock_release(own, "lock", NULL) == TASKD_OK);
}

START_TEST(of_many_who_try_one_has_the_lock)
{
	struct bunch bunch;
	bool locked = false;

	start(&bunch, 5, try_the_lock);
	ck_assert(reached(REFUSED, 4));
	ck_assert(reached(HAD, 1));
	ck_assert_int_eq(taskd_lock_locked(c, "lock", &locked), TASKD_OK);
	ck_assert(locked);
	count(GO);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_lock_locked(c, "lock", &locked), TASKD_OK);
	ck_assert(!locked);
}
END_TEST

static void have_the_lock(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_lock_acquire(own, "lock", NULL, TASKD_FOREVER, NULL) == TASKD_OK);
	MUST(atomic_fetch_add(&counters[STATE], 1) == 0);
	count(HAD);
	atomic_fetch_sub(&counters[STATE], 1);
	MUST(taskd_lock_release(own, "lock", NULL) == TASKD_OK);
}

static void have_no_time(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_lock_acquire(own, "lock", NULL, 10 * TASKD_MS, NULL) == TASKD_E_TIMEOUT);
}

START_TEST(all_have_the_lock_in_the_end_but_who_has_no_time)
{
	struct bunch bunch, hasty;

	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, TASKD_FOREVER, NULL), TASKD_OK);
	start(&bunch, 5, have_the_lock);
	ck_assert(waited_for_by(c, "lock.list", "lock", 5));
	start(&hasty, 1, have_no_time);
	bunch_end(&hasty);
	ck_assert_int_eq(counted(HAD), 0);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(HAD), 5);
	/* A time that ran out has left nothing behind. */
	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, 0, NULL), TASKD_OK);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
}
END_TEST

static void release_anothers(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_lock_release(own, "lock", NULL) == TASKD_E_NOT_OWNER);
}

START_TEST(a_lock_is_released_by_its_holder_only)
{
	struct bunch bunch;
	const char *text;

	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_E_NOT_HELD);
	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, 0, NULL), TASKD_OK);
	start(&bunch, 3, release_anothers);
	bunch_end(&bunch);
	/* In Python it would hang. */
	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, TASKD_FOREVER, NULL), TASKD_E_DEADLOCK);
	taskd_last_error(&text);
	ck_assert_ptr_nonnull(strstr(text, "\"lock\""));
	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, 0, NULL), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_E_NOT_HELD);
}
END_TEST

static void have_both(struct taskd *own, int i)
{
	enum taskd_error error;

	MUST(taskd_lock_acquire(own, i ? "b" : "a", NULL, TASKD_FOREVER, NULL) == TASKD_OK);
	count(CAME);
	MUST(reached(CAME, 2));
	error = taskd_lock_acquire(own, i ? "a" : "b", NULL, TASKD_FOREVER, NULL);
	count(error == TASKD_E_DEADLOCK ? REFUSED : HAD);
	MUST(error == TASKD_OK || error == TASKD_E_DEADLOCK);
}

START_TEST(of_two_who_would_wait_for_each_other_one_is_told)
{
	struct bunch bunch;

	start(&bunch, 2, have_both);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(REFUSED), 1);
	ck_assert_int_eq(counted(HAD), 1);
}
END_TEST

/* --- RLock --- */

static const struct taskd_lock_options reentrant = { .reentrant = true };

static void try_the_reentrant_lock(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_lock_release(own, "lock", NULL) == TASKD_E_NOT_OWNER);
	MUST(taskd_lock_acquire(own, "lock", &reentrant, 0, NULL) == TASKD_E_TIMEOUT);
}

START_TEST(a_reentrant_lock_is_had_and_released_as_often_by_its_holder_and_nobody_else)
{
	struct taskd_grant grant;
	struct bunch bunch;
	struct taskd_lock_options thread = { .reentrant = true, .who = { .holder = "another thread" } };

	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_E_NOT_HELD);
	for (int depth = 1; depth <= 3; depth++) {
		ck_assert_int_eq(taskd_lock_acquire(c, "lock", &reentrant, TASKD_FOREVER, &grant), TASKD_OK);
		ck_assert_int_eq(grant.depth, depth);
	}
	for (int depth = 3; depth > 0; depth--) {
		start(&bunch, 2, try_the_reentrant_lock);
		bunch_end(&bunch);
		ck_assert_int_eq(taskd_lock_acquire(c, "lock", &thread, 0, NULL), TASKD_E_TIMEOUT);
		ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
	}
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_E_NOT_HELD);
	ck_assert_int_eq(taskd_lock_acquire(c, "lock", &thread, 0, NULL), TASKD_OK);
	ck_assert_int_eq(taskd_lock_release(c, "lock", &thread.who), TASKD_OK);
}
END_TEST

/* --- Condition --- */

static enum taskd_error wait_at(struct taskd *own, int64_t timeout_ns, struct taskd_grant *grant)
{
	return taskd_condition_wait(own, "condition", "lock", NULL, timeout_ns, grant);
}

static int64_t notify(int64_t n)
{
	int64_t notified = -1;

	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, TASKD_FOREVER, NULL), TASKD_OK);
	ck_assert_int_eq(taskd_condition_notify(c, "condition", "lock", NULL, n, &notified), TASKD_OK);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
	return notified;
}

static void use_without_the_lock(struct taskd *own, int i)
{
	(void)i;
	MUST(wait_at(own, TASKD_FOREVER, NULL) == TASKD_E_NOT_OWNER);
	MUST(taskd_condition_notify(own, "condition", "lock", NULL, 1, NULL) == TASKD_E_NOT_OWNER);
}

START_TEST(a_condition_is_for_who_has_its_lock)
{
	struct bunch bunch;

	ck_assert_int_eq(wait_at(c, TASKD_FOREVER, NULL), TASKD_E_NOT_HELD);
	ck_assert_int_eq(taskd_condition_notify(c, "condition", "lock", NULL, 1, NULL), TASKD_E_NOT_HELD);
	ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, 0, NULL), TASKD_OK);
	start(&bunch, 2, use_without_the_lock);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
}
END_TEST

static void wait_once(struct taskd *own, int i)
{
	struct taskd_grant grant;

	(void)i;
	MUST(taskd_lock_acquire(own, "lock", NULL, TASKD_FOREVER, NULL) == TASKD_OK);
	MUST(wait_at(own, TASKD_FOREVER, &grant) == TASKD_OK);
	MUST(grant.fence > 0);
	MUST(atomic_fetch_add(&counters[STATE], 1) == 0);
	count(HAD);
	atomic_fetch_sub(&counters[STATE], 1);
	MUST(taskd_lock_release(own, "lock", NULL) == TASKD_OK);
}

START_TEST(as_many_go_on_as_are_notified)
{
	struct bunch bunch;

	/* Who comes later is not notified by it. */
	ck_assert_int_eq(notify(1), 0);
	start(&bunch, 6, wait_once);
	ck_assert(waited_for_by(c, "condition.list", "condition", 6));
	ck_assert_int_eq(notify(3), 3);
	ck_assert(reached(HAD, 3));
	ck_assert(waited_for_by(c, "condition.list", "condition", 3));
	ck_assert_int_eq(notify(1), 1);
	ck_assert(reached(HAD, 4));
	ck_assert(waited_for_by(c, "condition.list", "condition", 2));
	ck_assert_int_eq(notify(5), 2);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(HAD), 6);
	ck_assert_int_eq(notify(0), 0);
}
END_TEST

START_TEST(all_go_on_when_all_are_notified)
{
	struct bunch bunch;

	start(&bunch, 7, wait_once);
	ck_assert(waited_for_by(c, "condition.list", "condition", 7));
	ck_assert_int_eq(notify(0), 7);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(HAD), 7);
}
END_TEST

static void wait_for_four(struct taskd *own, int i)
{
	enum taskd_error error = TASKD_OK;

	(void)i;
	MUST(taskd_lock_acquire(own, "lock", NULL, TASKD_FOREVER, NULL) == TASKD_OK);
	while (counted(STATE) != 4 && error == TASKD_OK)
		error = wait_at(own, TASKD_FOREVER, NULL);
	MUST(error == TASKD_OK);
	MUST(taskd_lock_release(own, "lock", NULL) == TASKD_OK);
	count(HAD);
}

START_TEST(who_waits_for_something_looks_again_whenever_it_may_have_come)
{
	struct bunch bunch;

	start(&bunch, 3, wait_for_four);
	for (int i = 0; i < 4; i++) {
		ck_assert(waited_for_by(c, "condition.list", "condition", 3));
		ck_assert_int_eq(counted(HAD), 0);
		ck_assert_int_eq(taskd_lock_acquire(c, "lock", NULL, TASKD_FOREVER, NULL), TASKD_OK);
		count(STATE);
		ck_assert_int_eq(taskd_condition_notify(c, "condition", "lock", NULL, 0, NULL), TASKD_OK);
		ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
	}
	bunch_end(&bunch);
	ck_assert_int_eq(counted(HAD), 3);
}
END_TEST

static void notify_and_keep(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_lock_acquire(own, "lock", NULL, TASKD_FOREVER, NULL) == TASKD_OK);
	MUST(taskd_condition_notify(own, "condition", "lock", NULL, 1, NULL) == TASKD_OK);
	count(STATE);
	MUST(taskd_lock_release(own, "lock", NULL) == TASKD_OK);
}

START_TEST(the_lock_is_had_again_as_often_as_before_notified_or_not)
{
	struct taskd_grant grant = { 0 };
	struct bunch bunch;
	uint64_t fence;

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(taskd_lock_acquire(c, "lock", &reentrant, 0, &grant), TASKD_OK);
	fence = grant.fence;
	ck_assert_int_eq(wait_at(c, TASKD_MS, &grant), TASKD_E_TIMEOUT);
	ck_assert_uint_gt(grant.fence, fence);
	start(&bunch, 1, notify_and_keep);
	ck_assert_int_eq(wait_at(c, TASKD_FOREVER, &grant), TASKD_OK);
	/* Not before the one who notified has released it. */
	ck_assert_int_eq(counted(STATE), 1);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_OK);
	ck_assert_int_eq(taskd_lock_release(c, "lock", NULL), TASKD_E_NOT_HELD);
	bunch_end(&bunch);
}
END_TEST

/* --- Semaphore, BoundedSemaphore --- */

static const struct taskd_semaphore_options seven = { .slots = 7 };
static const struct taskd_semaphore_options signals = { .slots = -1, .unbounded = true };

static void have_a_permit(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_semaphore_acquire(own, "semaphore", &seven, TASKD_FOREVER, NULL) == TASKD_OK);
	count(HAD);
	MUST(reached(GO, 1));
	MUST(taskd_semaphore_release(own, "semaphore", NULL) == TASKD_OK);
}

START_TEST(as_many_have_a_permit_as_there_are)
{
	struct taskd_semaphore_options all = { .slots = 7, .count = 7 };
	struct bunch bunch;

	start(&bunch, 10, have_a_permit);
	ck_assert(waited_for_by(c, "semaphore.list", "semaphore", 3));
	ck_assert(reached(HAD, 7));
	ck_assert_int_eq(taskd_semaphore_acquire(c, "semaphore", NULL, 0, NULL), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "semaphore", NULL, TASKD_MS, NULL), TASKD_E_TIMEOUT);
	count(GO);
	bunch_end(&bunch);
	ck_assert_int_eq(counted(HAD), 10);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "semaphore", &all, 0, NULL), TASKD_OK);
}
END_TEST

static void take_a_signal(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_semaphore_acquire(own, "semaphore", &signals, TASKD_FOREVER, NULL) == TASKD_OK);
	count(HAD);
	MUST(reached(GO, 1));
}

START_TEST(anybody_releases_a_semaphore_without_a_bound_also_several_at_once)
{
	struct taskd_semaphore_options two = signals, three = signals;
	struct bunch bunch;

	two.count = 2;
	three.count = 3;
	start(&bunch, 5, take_a_signal);
	ck_assert(waited_for_by(c, "semaphore.list", "semaphore", 5));
	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", &two), TASKD_OK);
	ck_assert(reached(HAD, 2));
	ck_assert(waited_for_by(c, "semaphore.list", "semaphore", 3));
	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", &three), TASKD_OK);
	ck_assert(reached(HAD, 5));
	/* More than there ever were. */
	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", &three), TASKD_OK);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(taskd_semaphore_acquire(c, "semaphore", &signals, 0, NULL), TASKD_OK);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "semaphore", &signals, 0, NULL), TASKD_E_TIMEOUT);
	count(GO);
	bunch_end(&bunch);
}
END_TEST

static void release_a_permit_of_another(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_semaphore_release(own, "semaphore", NULL) == TASKD_E_NOT_OWNER);
	MUST(taskd_semaphore_acquire(own, "semaphore", &seven, 0, NULL) == TASKD_OK);
	MUST(taskd_semaphore_release(own, "semaphore", NULL) == TASKD_OK);
	MUST(taskd_semaphore_acquire(own, "semaphore", &signals, 0, NULL) == TASKD_E_MISMATCH);
}

START_TEST(a_bounded_semaphore_has_never_more_than_its_permits)
{
	struct taskd_semaphore_options two = { .count = 2 };
	struct bunch bunch;

	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", NULL), TASKD_E_NOT_HELD);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "semaphore", &seven, 0, NULL), TASKD_OK);
	start(&bunch, 3, release_a_permit_of_another);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", &two), TASKD_E_OVER_RELEASED);
	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", NULL), TASKD_OK);
	ck_assert_int_eq(taskd_semaphore_release(c, "semaphore", NULL), TASKD_E_NOT_HELD);
	/* Without a number, one. */
	ck_assert_int_eq(taskd_semaphore_acquire(c, "other", NULL, 0, NULL), TASKD_OK);
	ck_assert_int_eq(taskd_semaphore_acquire(c, "other", NULL, 0, NULL), TASKD_E_TIMEOUT);
}
END_TEST

/* --- Event --- */

static void wait_for_the_event(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_event_wait(own, "event", TASKD_FOREVER) == TASKD_OK);
	count(HAD);
	MUST(reached(GO, 1));
	MUST(taskd_event_wait(own, "event", 0) == TASKD_OK);
}

static void set_the_event(struct taskd *own, int i)
{
	bool set = true;

	(void)i;
	MUST(taskd_event_is_set(own, "event", &set) == TASKD_OK && !set);
	MUST(taskd_event_set(own, "event") == TASKD_OK);
	MUST(taskd_event_set(own, "event") == TASKD_OK);
}

START_TEST(an_event_is_for_all_and_stays_when_who_has_set_it_is_gone)
{
	struct bunch bunch, setter;
	bool set = false;

	start(&bunch, 5, wait_for_the_event);
	ck_assert(waited_for_by(c, "event.list", "event", 5));
	ck_assert_int_eq(taskd_event_wait(c, "event", 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_event_wait(c, "event", TASKD_MS), TASKD_E_TIMEOUT);
	start(&setter, 1, set_the_event);
	bunch_end(&setter);
	ck_assert(reached(HAD, 5));
	ck_assert_int_eq(taskd_event_is_set(c, "event", &set), TASKD_OK);
	ck_assert(set);
	count(GO);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_event_clear(c, "event"), TASKD_OK);
	ck_assert_int_eq(taskd_event_wait(c, "event", 0), TASKD_E_TIMEOUT);
}
END_TEST

static void wait_for_it_once(struct taskd *own, int i)
{
	(void)i;
	MUST(taskd_event_wait(own, "event", TASKD_FOREVER) == TASKD_OK);
}

START_TEST(all_who_wait_go_on_also_when_the_event_is_cleared_at_once)
{
	struct bunch bunch;
	bool set = true;

	start(&bunch, 5, wait_for_it_once);
	ck_assert(waited_for_by(c, "event.list", "event", 5));
	ck_assert_int_eq(taskd_event_set(c, "event"), TASKD_OK);
	ck_assert_int_eq(taskd_event_clear(c, "event"), TASKD_OK);
	bunch_end(&bunch);
	ck_assert_int_eq(taskd_event_is_set(c, "event", &set), TASKD_OK);
	ck_assert(!set);
}
END_TEST

/* --- Barrier --- */

#define PARTIES 5

static enum taskd_error come(struct taskd *own, int64_t timeout_ns, int64_t *index)
{
	return taskd_barrier_wait(own, "barrier", PARTIES, timeout_ns, index);
}

static void come_ten_times(struct taskd *own, int i)
{
	(void)i;
	for (int round = 0; round < 10; round++) {
		int64_t index = -1;

		count(CAME);
		MUST(come(own, TASKD_FOREVER, &index) == TASKD_OK);
		MUST(counted(CAME) >= PARTIES * (round + 1));
		MUST(index >= 0 && index < PARTIES);
		atomic_fetch_or(&counters[ROUNDS + round], 1 << index);
	}
}

START_TEST(nobody_passes_before_all_have_come_and_each_has_a_place_of_its_own)
{
	struct bunch bunch;
	int64_t index = -1;

	start(&bunch, PARTIES, come_ten_times);
	bunch_end(&bunch);
	for (int round = 0; round < 10; round++)
		ck_assert_int_eq(counted((enum counter)(ROUNDS + round)), (1 << PARTIES) - 1);
	ck_assert_int_eq(taskd_barrier_wait(c, "alone", 1, TASKD_FOREVER, &index), TASKD_OK);
	ck_assert_int_eq(index, 0);
}
END_TEST

/* A round that breaks; then, when it is told to, one that does not. */
static void come_in_vain(struct taskd *own, int i)
{
	(void)i;
	MUST(come(own, TASKD_FOREVER, NULL) == TASKD_E_BARRIER_BROKEN);
	count(REFUSED);
	MUST(reached(GO, 1));
	MUST(come(own, TASKD_FOREVER, NULL) == TASKD_OK);
	count(HAD);
}

static void come_in_vain_once(struct taskd *own, int i)
{
	(void)i;
	MUST(come(own, TASKD_FOREVER, NULL) == TASKD_E_BARRIER_BROKEN);
}

static void all_but_one_wait(struct bunch *bunch)
{
	start(bunch, PARTIES - 1, come_in_vain);
	ck_assert(waited_for_by(c, "barrier.list", "barrier", PARTIES - 1));
}

/* All come again, and pass. */
static void all_pass(struct bunch *bunch)
{
	ck_assert(reached(REFUSED, PARTIES - 1));
	count(GO);
	ck_assert_int_eq(come(c, TASKD_FOREVER, NULL), TASKD_OK);
	bunch_end(bunch);
	ck_assert_int_eq(counted(HAD), PARTIES - 1);
}

START_TEST(a_barrier_that_is_aborted_is_broken_for_all_until_it_is_reset)
{
	struct bunch bunch;

	all_but_one_wait(&bunch);
	ck_assert_int_eq(taskd_barrier_abort(c, "barrier"), TASKD_OK);
	ck_assert(reached(REFUSED, PARTIES - 1));
	ck_assert_int_eq(come(c, TASKD_FOREVER, NULL), TASKD_E_BARRIER_BROKEN);
	ck_assert_int_eq(taskd_barrier_reset(c, "barrier"), TASKD_OK);
	all_pass(&bunch);
}
END_TEST

START_TEST(a_barrier_that_is_reset_is_broken_for_those_who_wait_and_as_new)
{
	struct bunch bunch;

	all_but_one_wait(&bunch);
	ck_assert_int_eq(taskd_barrier_reset(c, "barrier"), TASKD_OK);
	all_pass(&bunch);
}
END_TEST

START_TEST(one_whose_time_runs_out_breaks_the_barrier)
{
	struct bunch bunch;

	start(&bunch, PARTIES - 2, come_in_vain_once);
	ck_assert(waited_for_by(c, "barrier.list", "barrier", PARTIES - 2));
	ck_assert_int_eq(come(c, TASKD_MS, NULL), TASKD_E_TIMEOUT);
	bunch_end(&bunch);
	ck_assert_int_eq(come(c, TASKD_MS, NULL), TASKD_E_BARRIER_BROKEN);
}
END_TEST

START_TEST(one_who_is_killed_breaks_the_barrier)
{
	struct bunch bunch;

	start(&bunch, PARTIES - 1, come_in_vain_once);
	ck_assert(waited_for_by(c, "barrier.list", "barrier", PARTIES - 1));
	kill(bunch.pids[0], SIGKILL);
	waitpid(bunch.pids[0], NULL, 0);
	bunch.pids[0] = 0;
	bunch_end(&bunch);
	ck_assert_int_eq(come(c, TASKD_FOREVER, NULL), TASKD_E_BARRIER_BROKEN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("primitives");
	TCase *tcase = tcase_create("primitives");
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, begin, finish);
	tcase_add_test(tcase, of_many_who_try_one_has_the_lock);
	tcase_add_test(tcase, all_have_the_lock_in_the_end_but_who_has_no_time);
	tcase_add_test(tcase, a_lock_is_released_by_its_holder_only);
	tcase_add_test(tcase, of_two_who_would_wait_for_each_other_one_is_told);
	tcase_add_test(tcase, a_reentrant_lock_is_had_and_released_as_often_by_its_holder_and_nobody_else);
	tcase_add_test(tcase, a_condition_is_for_who_has_its_lock);
	tcase_add_test(tcase, as_many_go_on_as_are_notified);
	tcase_add_test(tcase, all_go_on_when_all_are_notified);
	tcase_add_test(tcase, who_waits_for_something_looks_again_whenever_it_may_have_come);
	tcase_add_test(tcase, the_lock_is_had_again_as_often_as_before_notified_or_not);
	tcase_add_test(tcase, as_many_have_a_permit_as_there_are);
	tcase_add_test(tcase, anybody_releases_a_semaphore_without_a_bound_also_several_at_once);
	tcase_add_test(tcase, a_bounded_semaphore_has_never_more_than_its_permits);
	tcase_add_test(tcase, an_event_is_for_all_and_stays_when_who_has_set_it_is_gone);
	tcase_add_test(tcase, all_who_wait_go_on_also_when_the_event_is_cleared_at_once);
	tcase_add_test(tcase, nobody_passes_before_all_have_come_and_each_has_a_place_of_its_own);
	tcase_add_test(tcase, a_barrier_that_is_aborted_is_broken_for_all_until_it_is_reset);
	tcase_add_test(tcase, a_barrier_that_is_reset_is_broken_for_those_who_wait_and_as_new);
	tcase_add_test(tcase, one_whose_time_runs_out_breaks_the_barrier);
	tcase_add_test(tcase, one_who_is_killed_breaks_the_barrier);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
