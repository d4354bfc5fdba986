/* The state machine: every pair of states, waiters, and what a task costs. */
#include "core/task.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "toy.h"

static const bool allowed[TASK_N_STATES][TASK_N_STATES] = {
	[TASK_QUEUED] = { [TASK_RUNNING] = true, [TASK_CANCELLED] = true, [TASK_EXPIRED] = true },
	[TASK_RUNNING] = {
		[TASK_CANCELLING] = true, [TASK_SUCCEEDED] = true, [TASK_FAILED] = true, [TASK_CRASHED] = true,
	},
	[TASK_CANCELLING] = { [TASK_SUCCEEDED] = true, [TASK_CANCELLED] = true, [TASK_TIMED_OUT] = true },
};

static struct toy toy;
static struct toy_slot *slot;

static void fresh(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

/* A task in the state FROM, by the shortest lawful way. */
static struct task *task_in(enum task_state from)
{
	struct task *task = toy_submit(&toy, 0);

	if (from == TASK_QUEUED || from == TASK_CANCELLED || from == TASK_EXPIRED) {
		if (from != TASK_QUEUED)
			task_end(task, &(struct task_outcome){ .state = from });
		return task;
	}
	toy_turn(&toy);
	task_set_state(task, TASK_RUNNING);
	if (from == TASK_CANCELLING || from == TASK_TIMED_OUT)
		task_set_state(task, TASK_CANCELLING);
	if (task_state_is_terminal(from))
		task_end(task, &(struct task_outcome){ .state = from });
	return task;
}

START_TEST(table_answers_for_every_pair)
{
	for (int from = 0; from < TASK_N_STATES; from++)
		for (int to = 0; to < TASK_N_STATES; to++)
			ck_assert_int_eq(task_state_may_become((enum task_state)from, (enum task_state)to), allowed[from][to]);
	ck_assert(!task_state_may_become(TASK_N_STATES, TASK_RUNNING));
	ck_assert(!task_state_may_become(TASK_QUEUED, TASK_N_STATES));
}
END_TEST

/* _i: from and to */
START_TEST(allowed_change_is_made_and_another_aborts)
{
	enum task_state from = (enum task_state)(_i / TASK_N_STATES);
	enum task_state to = (enum task_state)(_i % TASK_N_STATES);
	struct task *task = task_in(from);

	ck_assert_int_eq(task->state, from);
	if (from == TASK_QUEUED && to == TASK_RUNNING)
		toy_turn(&toy);
	if (task_state_is_terminal(to) && !task->outcome)
		task_end(task, &(struct task_outcome){ .state = to });
	else
		task_set_state(task, to);
	ck_assert_int_eq(task->state, to);
	ck_assert_int_eq(task->ended_ns != 0, task_state_is_terminal(to));
}
END_TEST

static int order[4], n_order;

struct listener {
	struct task_waiter waiter;
	int number;
};

static void heard(struct task_waiter *waiter, struct task *task)
{
	ck_assert(task_state_is_terminal(task->state));
	ck_assert_int_eq(toy.n_ended, 1); /* the op comes first */
	order[n_order++] = ((struct listener *)waiter)->number;
}

START_TEST(waiters_hear_once_and_those_taken_off_do_not)
{
	struct task *task = toy_submit(&toy, 0);
	struct listener listeners[3];

	n_order = 0;
	for (int i = 0; i < 3; i++) {
		listeners[i] = (struct listener){ .waiter.ended = heard, .number = i };
		task_wait(task, &listeners[i].waiter);
	}
	task_unwait(&listeners[1].waiter);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(n_order, 2);
	ck_assert_int_eq(order[0] + order[1], 2);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(n_order, 2);
}
END_TEST

static void forget_it(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	ck_assert(core_forget(task));
	ck_assert(core_forget(task));
	ck_assert_str_eq(task_state_name(task->state), "cancelled"); /* still there until the turn ends */
}

START_TEST(waiter_may_forget_the_task)
{
	struct task *task = toy_submit(&toy, 0), *found;
	struct task_waiter waiter = { .ended = forget_it };
	uint64_t id = task->id;

	task_wait(task, &waiter);
	core_cancel(task);
	ck_assert_int_eq(core_find(toy.core, id, &found), CORE_FORGOTTEN);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 0);
	toy_turn(&toy);
}
END_TEST

START_TEST(every_state_has_a_name)
{
	for (int state = 0; state < TASK_N_STATES; state++)
		ck_assert_int_gt((int)strlen(task_state_name((enum task_state)state)), 5);
	ck_assert_str_eq(task_state_name(TASK_TIMED_OUT), "timed_out");
	ck_assert_str_eq(task_state_name(TASK_N_STATES), "unknown");
}
END_TEST

START_TEST(bytes_are_counted_and_released_with_the_last_reference)
{
	char *room;
	struct bytes *bytes = bytes_new("abc", 3);

	ck_assert_ptr_eq(bytes_ref(bytes), bytes);
	bytes_unref(bytes);
	ck_assert(!memcmp(bytes->data, "abc", 3));
	ck_assert_uint_eq(bytes_cost(bytes), sizeof(*bytes) + 3);
	bytes_unref(bytes);
	bytes_unref(NULL);
	ck_assert_ptr_null(bytes_ref(NULL));
	ck_assert_ptr_null(bytes_new_room(SIZE_MAX - 8, &room));
	bytes = bytes_new(NULL, 0);
	ck_assert_uint_eq(bytes->size, 0);
	bytes_unref(bytes);
}
END_TEST

static void released(void *owner, const char *data, size_t size)
{
	ck_assert_str_eq(data, "there");
	ck_assert_uint_eq(size, 5);
	++*(int *)owner;
}

START_TEST(foreign_bytes_are_given_back_to_their_owner)
{
	int n = 0;
	struct bytes *bytes = bytes_new_foreign("there", 5, released, &n);

	bytes_ref(bytes);
	bytes_unref(bytes);
	ck_assert_int_eq(n, 0);
	bytes_unref(bytes);
	ck_assert_int_eq(n, 1);
}
END_TEST

static void add_pairs(Suite *suite)
{
	TCase *good = tcase_create("allowed");
	TCase *bad = tcase_create("refused");

	tcase_add_checked_fixture(good, fresh, finish);
	tcase_add_checked_fixture(bad, fresh, finish);
	for (int i = 0; i < TASK_N_STATES * TASK_N_STATES; i++) {
		if (allowed[i / TASK_N_STATES][i % TASK_N_STATES])
			tcase_add_loop_test(good, allowed_change_is_made_and_another_aborts, i, i + 1);
		else
			tcase_add_loop_test_raise_signal(bad, allowed_change_is_made_and_another_aborts, SIGABRT, i, i + 1);
	}
	suite_add_tcase(suite, good);
	suite_add_tcase(suite, bad);
}

int main(void)
{
	Suite *suite = suite_create("task");
	TCase *tcase = tcase_create("task");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, table_answers_for_every_pair);
	tcase_add_test(tcase, waiters_hear_once_and_those_taken_off_do_not);
	tcase_add_test(tcase, waiter_may_forget_the_task);
	tcase_add_test(tcase, every_state_has_a_name);
	tcase_add_test(tcase, bytes_are_counted_and_released_with_the_last_reference);
	tcase_add_test(tcase, foreign_bytes_are_given_back_to_their_owner);
	suite_add_tcase(suite, tcase);
	add_pairs(suite);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
