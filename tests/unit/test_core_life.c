/* What happens to tasks in lanes: their ends, cancelling in every state, time limits, progress. */
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

#define GRACE (5 * NS_PER_S) /* as toy_init has it */

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

/* A task that the slot runs, and the core knows it. */
static struct task *running(int64_t timeout_ns)
{
	struct task *task = toy_submit_timeout(&toy, timeout_ns);

	toy_turn(&toy);
	toy_take(slot);
	core_task_look(task);
	ck_assert_int_eq(task->state, TASK_RUNNING);
	return task;
}

/* --- ends --- */

START_TEST(outcome_is_kept_as_the_slot_gave_it)
{
	struct task *task = toy_submit(&toy, 0);
	struct bytes *result = bytes_new("42", 2);
	const struct task_outcome outcome = { .state = TASK_SUCCEEDED, .result = result };

	toy_turn(&toy);
	slot->count = 0;
	core_set_now(toy.core, toy.now_ns += NS_PER_MS);
	core_task_done(task, &outcome, TOY_START + 100, TOY_START + 300);
	ck_assert_int_eq(task->state, TASK_SUCCEEDED); /* though nobody had seen it run */
	ck_assert_ptr_eq(task->outcome->result, result);
	ck_assert_uint_eq(result->references, 1);
	ck_assert_int_eq(task->started_ns, TOY_START + 100);
	ck_assert_int_eq(task->ended_ns, TOY_START + 300);
	ck_assert_ptr_null(task->slot);
	ck_assert_uint_eq(toy.type->ended[TASK_SUCCEEDED], 1);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_SUCCEEDED], 1);
}
END_TEST

static const struct {
	int64_t started_ns, ended_ns;
} lies[] = { { INT64_MIN, INT64_MAX }, { INT64_MAX, INT64_MIN }, { 0, 0 }, { 1, 2 }, { TOY_START + NS_PER_MS, TOY_START } };

/* While it runs, its start is when that was seen. */
START_TEST(the_slots_word_on_the_start_counts)
{
	struct task *task = toy_submit(&toy, 0);
	const struct task_outcome outcome = { .state = TASK_SUCCEEDED };

	toy_turn(&toy);
	core_set_now(toy.core, toy.now_ns += NS_PER_MS);
	toy_take(slot);
	core_task_look(task);
	ck_assert_int_eq(task->started_ns, TOY_START + NS_PER_MS);
	slot->count = 0;
	core_task_done(task, &outcome, TOY_START + 100, TOY_START + 300);
	ck_assert_int_eq(task->started_ns, TOY_START + 100);
	ck_assert_int_eq(task->ended_ns, TOY_START + 300);
}
END_TEST

START_TEST(times_that_cannot_be_are_clamped)
{
	struct task *task = toy_submit(&toy, 0);

	toy_turn(&toy);
	slot->count = 0;
	core_set_now(toy.core, toy.now_ns += NS_PER_MS);
	core_task_done(task, &(struct task_outcome){ .state = TASK_SUCCEEDED }, lies[_i].started_ns, lies[_i].ended_ns);
	ck_assert_int_ge(task->started_ns, TOY_START);
	ck_assert_int_le(task->started_ns, task->ended_ns);
	ck_assert_int_le(task->ended_ns, toy.now_ns);
	ck_assert_int_ge(toy.type->mean_run_ns, 0);
	ck_assert_int_le(toy.type->mean_run_ns, 2 * NS_PER_MS);
}
END_TEST

START_TEST(handler_that_says_cancelled_unasked_has_failed)
{
	struct task *task = running(0);

	toy_finish(slot, TASK_CANCELLED);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_ptr_nonnull(task->outcome->message);
}
END_TEST

/* --- cancel --- */

START_TEST(cancel_of_what_waits_in_the_queue_is_certain)
{
	struct task *first = toy_submit(&toy, 0);
	struct task *second = toy_submit(&toy, 0);

	ck_assert(core_cancel(first));
	ck_assert_int_eq(first->state, TASK_CANCELLED);
	ck_assert_int_eq(first->started_ns, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.given[0], second->id);
	ck_assert_int_eq(toy.n_given, 1);
}
END_TEST

START_TEST(cancel_of_what_waits_in_a_lane_is_certain)
{
	struct task *task = toy_submit(&toy, 0);

	toy_turn(&toy);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_int_eq(toy.n_revoked, 1);
	ck_assert_uint_eq(core_slot_in_flight(slot->slot), 0);
	toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 2); /* the slot is free again */
}
END_TEST

START_TEST(cancel_of_what_was_taken_unseen_interrupts_it)
{
	struct task *task = toy_submit(&toy, 0);

	toy_turn(&toy);
	toy_take(slot);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	ck_assert(!core_cancel(task));
	ck_assert_int_eq(task->state, TASK_CANCELLING);
	ck_assert_int_eq(task->started_ns, toy.now_ns);
	ck_assert(slot->lane[0].interrupted);
}
END_TEST

START_TEST(cancelled_task_ends_as_what_it_was_when_it_was_over)
{
	const enum task_state said[] = { TASK_SUCCEEDED, TASK_FAILED, TASK_CANCELLED };
	const enum task_state is[] = { TASK_SUCCEEDED, TASK_CANCELLED, TASK_CANCELLED };
	struct task *task = running(0);

	ck_assert(!core_cancel(task));
	ck_assert_int_eq(toy.n_ended, 0);
	toy_finish(slot, said[_i]);
	ck_assert_int_eq(task->state, is[_i]);
	ck_assert_int_eq(toy.n_ended, 1);
	toy_advance(&toy, GRACE);
	ck_assert_int_eq(toy.n_killed, 0);
}
END_TEST

START_TEST(what_does_not_stop_is_killed_after_its_grace_once)
{
	struct task *task = running(0);

	core_cancel(task);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + GRACE);
	toy_advance(&toy, GRACE - 1);
	ck_assert_int_eq(toy.n_killed, 0);
	core_cancel(task); /* does not give it a new grace */
	toy_advance(&toy, 1);
	ck_assert_int_eq(toy.n_killed, 1);
	ck_assert_ptr_eq(toy.killed, task);
	ck_assert_int_eq(task->state, TASK_CANCELLING);
	toy_advance(&toy, 10 * GRACE);
	ck_assert_int_eq(toy.n_killed, 1);
	toy_die(slot, SIGKILL);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_str_eq(task->outcome->message, "cancelled while it ran; its worker (pid 4711) was killed by SIGKILL");
	ck_assert_ptr_nonnull(task->outcome->obituary);
}
END_TEST

START_TEST(cancel_is_idempotent_in_every_state)
{
	struct task *task = running(0);

	ck_assert(!core_cancel(task));
	ck_assert(!core_cancel(task));
	toy_finish(slot, TASK_CANCELLED);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	task = running(0);
	toy_finish(slot, TASK_FAILED);
	ck_assert(core_cancel(task));
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_int_eq(toy.n_ended, 2);
}
END_TEST

static struct task *also;

static void cancel_another(struct toy *which, const struct task *task)
{
	struct task *next = also;

	(void)task;
	also = NULL;
	which->on_ended = NULL;
	if (next)
		core_cancel(next);
}

START_TEST(end_may_cancel_another_task_of_the_same_lost_slot)
{
	toy_teach(&toy, NS_PER_US);
	struct task *first = toy_submit(&toy, 0);
	also = toy_submit(&toy, 0);
	struct task *second = also;
	toy_turn(&toy);
	toy_take(slot);
	toy_take(slot); /* as when the first one's end has not been heard of */
	toy.on_ended = cancel_another;
	also = first;
	toy_die(slot, SIGSEGV);
	ck_assert_int_eq(second->state, TASK_CRASHED);
	ck_assert_int_eq(first->state, TASK_CANCELLED);
	ck_assert_int_eq(toy.n_ended, 2);
	ck_assert_uint_eq(core_slot_in_flight(slot->slot), 0);
}
END_TEST

/* --- time limits --- */

START_TEST(time_limit_counts_from_the_start)
{
	struct task *task = toy_submit_timeout(&toy, 10 * NS_PER_S);

	core_slot_retire(slot->slot);
	toy_advance(&toy, 60 * NS_PER_S); /* waiting does not count */
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	toy_take(slot);
	toy_advance(&toy, NS_PER_MS);
	ck_assert_int_eq(task->state, TASK_RUNNING);
	ck_assert_int_eq(toy.next_ns, task->started_ns + 10 * NS_PER_S);
	toy_advance(&toy, 10 * NS_PER_S - NS_PER_MS - 1);
	ck_assert_int_eq(task->state, TASK_RUNNING);
	toy_advance(&toy, 1);
	ck_assert_int_eq(task->state, TASK_CANCELLING);
	ck_assert(task->timed_out);
	ck_assert(slot->lane[0].interrupted);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + GRACE);
}
END_TEST

START_TEST(overrun_task_ends_as_timed_out_unless_it_succeeded)
{
	const enum task_state said[] = { TASK_SUCCEEDED, TASK_FAILED, TASK_CANCELLED };
	const enum task_state is[] = { TASK_SUCCEEDED, TASK_TIMED_OUT, TASK_TIMED_OUT };
	struct task *task = running(NS_PER_S);

	toy_advance(&toy, NS_PER_S);
	core_cancel(task); /* too late to be a cancel */
	toy_finish(slot, said[_i]);
	ck_assert_int_eq(task->state, is[_i]);
	if (is[_i] == TASK_TIMED_OUT)
		ck_assert_str_eq(task->outcome->message, "its time limit of 1 s ran out");
}
END_TEST

START_TEST(overrun_task_that_does_not_stop_is_killed_and_timed_out)
{
	struct task *task = running(NS_PER_S);

	toy_advance(&toy, NS_PER_S);
	toy_advance(&toy, GRACE);
	ck_assert_int_eq(toy.n_killed, 1);
	toy_die(slot, SIGKILL);
	ck_assert_int_eq(task->state, TASK_TIMED_OUT);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "time limit of 1 s"));
	ck_assert_int_eq(toy.n_ended, 1);
}
END_TEST

START_TEST(task_that_ends_in_time_leaves_no_timer)
{
	struct task *task = running(NS_PER_S);

	toy_finish(slot, TASK_SUCCEEDED);
	core_forget(task);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

/* --- progress --- */

START_TEST(progress_is_kept_and_shows_that_the_task_runs)
{
	struct task *task = toy_submit(&toy, 0);

	toy_turn(&toy);
	core_task_progress(task, 0.5, "half way", 4);
	ck_assert_int_eq(task->state, TASK_RUNNING);
	ck_assert_double_eq(task->extra->progress, 0.5);
	ck_assert_str_eq(task->extra->progress_text, "half");
	core_task_progress(task, 7, NULL, 0);
	ck_assert_double_eq(task->extra->progress, 1);
	ck_assert_ptr_null(task->extra->progress_text);
	core_task_progress(task, (double)NAN, NULL, 0);
	ck_assert_double_eq(task->extra->progress, -1);
	core_task_progress(task, -3, NULL, 0);
	ck_assert_double_eq(task->extra->progress, -1);
}
END_TEST

START_TEST(tag_is_copied)
{
	char tag[] = "nightly";
	struct task *task;
	const struct task_spec spec = { .type = toy.type, .queue = toy.queue, .tag = tag, .tag_length = 5 };

	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	tag[0] = 'x';
	ck_assert_str_eq(task_tag(task), "night");
	ck_assert_double_eq(task->extra->progress, -1);
	ck_assert_ptr_null(toy_submit(&toy, 0)->extra);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: a task's life");
	TCase *tcase = tcase_create("life");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, outcome_is_kept_as_the_slot_gave_it);
	tcase_add_test(tcase, the_slots_word_on_the_start_counts);
	tcase_add_loop_test(tcase, times_that_cannot_be_are_clamped, 0, sizeof lies / sizeof *lies);
	tcase_add_test(tcase, handler_that_says_cancelled_unasked_has_failed);
	tcase_add_test(tcase, cancel_of_what_waits_in_the_queue_is_certain);
	tcase_add_test(tcase, cancel_of_what_waits_in_a_lane_is_certain);
	tcase_add_test(tcase, cancel_of_what_was_taken_unseen_interrupts_it);
	tcase_add_loop_test(tcase, cancelled_task_ends_as_what_it_was_when_it_was_over, 0, 3);
	tcase_add_test(tcase, what_does_not_stop_is_killed_after_its_grace_once);
	tcase_add_test(tcase, cancel_is_idempotent_in_every_state);
	tcase_add_test(tcase, end_may_cancel_another_task_of_the_same_lost_slot);
	tcase_add_test(tcase, time_limit_counts_from_the_start);
	tcase_add_loop_test(tcase, overrun_task_ends_as_timed_out_unless_it_succeeded, 0, 3);
	tcase_add_test(tcase, overrun_task_that_does_not_stop_is_killed_and_timed_out);
	tcase_add_test(tcase, task_that_ends_in_time_leaves_no_timer);
	tcase_add_test(tcase, progress_is_kept_and_shows_that_the_task_runs);
	tcase_add_test(tcase, tag_is_copied);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
