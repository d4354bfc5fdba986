/* What is recorded of durable tasks between their submission and their end: starts, attempts, places, what a planned
 * stop does to them; and which of them may be started at all. */
#include <check.h>
#include <signal.h>

#include "core/internal.h"
#include "object/object.h"
#include "toy.h"

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

static void recorded(const struct task *task)
{
	core_recorded(toy.core, task->id);
}

/* One that has come in; of it no more than that has been told when it returns. */
static struct task *submit(struct task_spec spec)
{
	spec.durable = true;
	struct task *task = toy_submit_spec(&toy, spec);

	recorded(task);
	toy.n_told = 0;
	return task;
}

static void expect(int n, const struct task *task, enum core_record what)
{
	const struct toy_told *told = &toy.told[toy.n_told - 1];

	ck_assert_int_eq(toy.n_told, n);
	ck_assert_uint_eq(told->id, task->id);
	ck_assert_int_eq(told->what, what);
}

static void expect_state(const struct task *task, enum task_state state)
{
	ck_assert_str_eq(task_state_name(task->state), task_state_name(state));
}

/* --- runs and attempts --- */

START_TEST(start_is_told_when_it_is_seen_and_not_when_only_the_end_tells_of_it)
{
	struct task *tiny = submit((struct task_spec){ 0 });

	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	expect(1, tiny, RECORD_ENDED);
	struct task *task = submit((struct task_spec){ 0 });
	toy_turn(&toy);
	toy_take(slot);
	toy_advance(&toy, 10 * NS_PER_MS);
	expect(1, task, RECORD_STARTED);
	expect_state(task, TASK_RUNNING);
	core_task_progress(task, 0.5, NULL, 0);
	ck_assert_int_eq(toy.n_told, 1);
}
END_TEST

START_TEST(attempt_is_told_with_those_before)
{
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL, .backoff_ns = NS_PER_S, .factor = 1 };
	struct task *task = submit((struct task_spec){ .retry = &retry });
	uint64_t place = task->place;

	toy_turn(&toy);
	toy_finish(slot, TASK_FAILED);
	expect(1, task, RECORD_ATTEMPT);
	ck_assert_int_eq(toy.told[0].state, TASK_SCHEDULED);
	ck_assert_int_eq(task->attempt, 2);
	ck_assert_int_eq(task->extra->attempts[0].state, TASK_FAILED);
	toy_advance(&toy, NS_PER_S);
	expect(2, task, RECORD_STATE);
	ck_assert_uint_gt(task->place, place);
	toy_die(slot, SIGKILL);
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	toy_take(slot);
	toy_die(slot, SIGKILL);
	expect(3, task, RECORD_ENDED);
	ck_assert_int_eq(task->crashes, 1);
	recorded(task);
	expect_state(task, TASK_CRASHED);
}
END_TEST

START_TEST(retry_of_a_durable_task_is_one_and_says_of_what)
{
	struct task *task = submit((struct task_spec){ .on_interrupt_crash = true }), *out;

	core_cancel(task);
	ck_assert_int_eq(core_retry(task, &out), CORE_NOT_OVER);
	recorded(task);
	ck_assert_int_eq(core_retry(task, &out), CORE_OK);
	expect(2, out, RECORD_SUBMITTED);
	ck_assert(out->durable && out->on_interrupt_crash);
	ck_assert_uint_eq(out->extra->retry_of, task->id);
	core_refused(toy.core, out->id, "store_full", "no");
	ck_assert_int_eq(core_retry(task, &out), CORE_OK); /* the one before never was */
}
END_TEST

START_TEST(cancel_of_what_runs_is_told_once)
{
	struct task *task = submit((struct task_spec){ 0 });

	toy_turn(&toy);
	toy_take(slot);
	ck_assert(!core_cancel(task));
	ck_assert(!core_cancel(task));
	ck_assert_int_eq(toy.told[0].what, RECORD_STARTED);
	expect(2, task, RECORD_STATE);
	ck_assert_int_eq(toy.told[1].state, TASK_CANCELLING);
	toy_finish(slot, TASK_FAILED);
	recorded(task);
	expect_state(task, TASK_CANCELLED);
}
END_TEST

START_TEST(forgetting_is_told_and_growing_old_is_not)
{
	struct task *task = submit((struct task_spec){ 0 }), *other = submit((struct task_spec){ 0 });

	core_cancel(task);
	core_cancel(other);
	recorded(task);
	recorded(other);
	ck_assert(core_forget(task));
	ck_assert(core_forget(task));
	expect(3, task, RECORD_FORGOTTEN);
	toy_advance(&toy, 100 * 3600 * NS_PER_S);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 0);
	ck_assert_int_eq(toy.n_told, 3);
}
END_TEST

/* --- places --- */

static const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };

START_TEST(what_misses_a_lock_is_recorded_as_queued_at_its_place)
{
	struct task *holder = toy_submit_spec(&toy, (struct task_spec){ .claims = &lock, .n_claims = 1 });

	toy_turn(&toy);
	struct toy_slot *another = toy_slot_new(&toy);
	struct task *task = submit((struct task_spec){ .claims = &lock, .n_claims = 1 });
	uint64_t place = task->place;
	toy_turn(&toy);
	expect_state(task, TASK_BLOCKED);
	ck_assert_ptr_eq(holder->slot, slot->slot);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(task->slot);
	ck_assert_uint_eq(task->place, place);
	ck_assert_int_eq(toy.n_told, 0);
	toy_finish(slot->count ? slot : another, TASK_SUCCEEDED);
	free(another);
}
END_TEST

START_TEST(lock_is_free_when_the_end_is_decided)
{
	struct task *task = submit((struct task_spec){ .claims = &lock, .n_claims = 1 });

	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	struct task *next = submit((struct task_spec){ .claims = &lock, .n_claims = 1 });
	toy_turn(&toy);
	expect_state(task, TASK_RECORDING);
	ck_assert_ptr_eq(next->slot, slot->slot);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

START_TEST(what_is_awaited_has_a_new_place)
{
	core_queue_pause(toy.queue);
	struct task *task = submit((struct task_spec){ 0 });
	uint64_t place = task->place;

	core_task_await(task, 1);
	expect(1, task, RECORD_STATE);
	ck_assert_uint_gt(task->place, place);
}
END_TEST

/* _i: whether taskd's own end is its, too: then that it was given has been recorded, and that it was not needs to be. */
START_TEST(what_comes_back_from_a_lane_is_told_where_its_start_was)
{
	struct task *task = submit((struct task_spec){ .on_interrupt_crash = _i });

	toy_turn(&toy);
	core_slot_retire(slot->slot);
	expect_state(task, TASK_QUEUED);
	ck_assert_ptr_null(task->slot);
	ck_assert_int_eq(toy.n_told, _i);
	if (_i)
		expect(1, task, RECORD_STATE);
}
END_TEST

/* --- starting --- */

START_TEST(start_that_was_kept_back_can_be_given_up)
{
	struct task *task = submit((struct task_spec){ .on_interrupt_crash = true });
	uint64_t place = task->place;

	toy_turn(&toy);
	slot->count = 0; /* it never came there */
	core_unstart(task);
	expect(1, task, RECORD_STATE);
	ck_assert_ptr_null(task->slot);
	ck_assert_uint_eq(task->place, place);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	toy_advance(&toy, STALL_NS);
	ck_assert_int_eq(toy.n_given, 2);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

START_TEST(what_is_held_does_not_start_and_others_do)
{
	toy_teach(&toy, 1000);
	core_queue_pause(toy.queue);
	struct task *first = submit((struct task_spec){ 0 }), *second = submit((struct task_spec){ .priority = 1 });
	struct task *third = submit((struct task_spec){ 0 });

	core_queue_resume(toy.queue);
	core_hold(toy.core, true);
	struct task *plain = toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	ck_assert_uint_eq(toy.given[0], plain->id);
	expect_state(first, TASK_RECORDING);
	expect_state(second, TASK_RECORDING);
	ck_assert_uint_eq(core_totals(toy.core)->recording, 3);
	recorded(first); /* it waits for no disk */
	expect_state(first, TASK_RECORDING);
	core_cancel(third);
	expect(1, third, RECORD_ENDED);
	core_hold(toy.core, false);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 3);
	ck_assert_uint_eq(toy.given[1], second->id);
	ck_assert_uint_eq(toy.given[2], first->id);
	ck_assert_int_eq(toy.n_told, 1);
	expect_state(third, TASK_RECORDING);
}
END_TEST

START_TEST(what_is_held_expires)
{
	core_hold(toy.core, true);
	struct task *task = submit((struct task_spec){ .expires_ns = toy.now_ns + NS_PER_S });

	toy_turn(&toy);
	expect_state(task, TASK_RECORDING);
	toy_advance(&toy, NS_PER_S);
	expect(1, task, RECORD_ENDED);
	recorded(task);
	expect_state(task, TASK_EXPIRED);
}
END_TEST

START_TEST(what_lies_in_lanes_comes_back_when_it_is_held)
{
	toy_teach(&toy, 1000);
	struct task *runs = submit((struct task_spec){ 0 }), *waits = submit((struct task_spec){ 0 });

	toy_turn(&toy);
	toy_take(slot);
	core_hold(toy.core, true);
	ck_assert_ptr_nonnull(runs->slot);
	ck_assert_ptr_null(waits->slot);
	toy_turn(&toy);
	expect_state(waits, TASK_RECORDING);
	toy_finish(slot, TASK_SUCCEEDED);
	core_hold(toy.core, false);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(waits->slot);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

/* --- a planned stop --- */

START_TEST(planned_stop_puts_off_what_may_be_run_again)
{
	toy_teach(&toy, 1000);
	struct toy_slot *another = toy_slot_new(&toy);
	struct task *again = submit((struct task_spec){ 0 });
	toy_turn(&toy);
	struct task *crash = submit((struct task_spec){ .on_interrupt_crash = true });
	uint64_t place = again->place;

	toy_turn(&toy);
	ck_assert_ptr_ne(again->slot, crash->slot);
	toy_take(slot);
	toy_take(another);
	core_hold(toy.core, true);
	core_interrupt_all(toy.core);
	toy_die(again->slot == slot->slot ? slot : another, SIGKILL);
	expect_state(again, TASK_QUEUED);
	expect(1, again, RECORD_ATTEMPT);
	ck_assert_int_eq(again->attempt, 2);
	ck_assert_int_eq(again->crashes, 0);
	ck_assert_uint_eq(again->place, place);
	ck_assert_int_eq(again->extra->attempts[0].state, TASK_CRASHED);
	toy_die(crash->slot == slot->slot ? slot : another, SIGKILL);
	expect(2, crash, RECORD_ENDED);
	ck_assert_int_eq(crash->outcome->state, TASK_CRASHED);
	free(another);
}
END_TEST

START_TEST(planned_stop_does_not_put_off_what_is_not_durable_or_was_cancelled)
{
	struct toy_slot *another = toy_slot_new(&toy);
	struct task *plain = toy_submit(&toy, 0);
	toy_turn(&toy);
	struct task *task = submit((struct task_spec){ 0 });

	toy_turn(&toy);
	toy_take(slot);
	toy_take(another);
	core_cancel(task);
	core_interrupt_all(toy.core);
	toy_die(slot, SIGKILL);
	toy_die(another, SIGKILL);
	expect_state(plain, TASK_CRASHED);
	expect_state(task, TASK_RECORDING);
	ck_assert_int_eq(task->outcome->state, TASK_CANCELLED);
	free(another);
}
END_TEST

/* --- what else is told, and found --- */

START_TEST(run_of_a_schedule_is_durable_and_the_schedule_has_run)
{
	const struct core_schedule_spec spec = {
		.name = "often",
		.task = { .type = toy.type, .queue = toy.queue, .durable = true },
		.every_ns = NS_PER_S,
	};
	struct core_schedule *schedule;
	struct task *task;

	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	ck_assert_int_eq(toy.n_schedule_changed, 1);
	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(toy.n_schedule_ran, 1);
	core_find(toy.core, schedule->last_id, &task);
	expect(1, task, RECORD_SUBMITTED);
	recorded(task);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_advance(&toy, NS_PER_S); /* its end is not on disk: it has not ended */
	ck_assert_int_eq(toy.refusal, CORE_OVERLAP);
	ck_assert_int_eq(toy.n_schedule_ran, 2);
	recorded(task);
	ck_assert_ptr_null(schedule->running);
	core_schedule_remove(toy.core, schedule);
	ck_assert_int_eq(toy.n_schedule_gone, 1);
	ck_assert_int_eq(toy.n_schedule_changed, 4);
}
END_TEST

START_TEST(changes_of_a_queue_are_told)
{
	int n = toy.n_queue_changed;
	struct core_queue *queue = toy_queue_new(&toy, "other", 0, 0);

	core_queue_pause(queue);
	core_queue_drain(queue);
	core_queue_resume(queue);
	core_queue_set(queue, &(struct core_queue_options){ .limit_queued = 1 });
	ck_assert_int_eq(toy.n_queue_changed - n, 5);
	ck_assert_int_eq(toy.n_queue_gone, 0);
	core_queue_free(queue);
	ck_assert_int_eq(toy.n_queue_gone, 1);
}
END_TEST

START_TEST(recording_ones_are_found_by_their_state)
{
	const struct task_filter filter = { .states = TASK_STATE_BIT(TASK_RECORDING) };
	struct task_walk walk = { 0 };
	struct task *ends = submit((struct task_spec){ 0 }), *found[3];

	core_cancel(ends);
	for (int i = 0; i < 10; i++)
		toy_submit(&toy, 0);
	struct task *comes = toy_submit_spec(&toy, (struct task_spec){ .durable = true });
	ck_assert_uint_eq(core_select(toy.core, &filter, &walk, 100, found, 3), 2);
	ck_assert_ptr_eq(found[0], comes);
	ck_assert_ptr_eq(found[1], ends);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core: durable tasks' lives");
	TCase *tcase = tcase_create("lives");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, start_is_told_when_it_is_seen_and_not_when_only_the_end_tells_of_it);
	tcase_add_test(tcase, attempt_is_told_with_those_before);
	tcase_add_test(tcase, retry_of_a_durable_task_is_one_and_says_of_what);
	tcase_add_test(tcase, cancel_of_what_runs_is_told_once);
	tcase_add_test(tcase, forgetting_is_told_and_growing_old_is_not);
	tcase_add_test(tcase, what_misses_a_lock_is_recorded_as_queued_at_its_place);
	tcase_add_test(tcase, lock_is_free_when_the_end_is_decided);
	tcase_add_test(tcase, what_is_awaited_has_a_new_place);
	tcase_add_loop_test(tcase, what_comes_back_from_a_lane_is_told_where_its_start_was, 0, 2);
	tcase_add_test(tcase, start_that_was_kept_back_can_be_given_up);
	tcase_add_test(tcase, what_is_held_does_not_start_and_others_do);
	tcase_add_test(tcase, what_is_held_expires);
	tcase_add_test(tcase, what_lies_in_lanes_comes_back_when_it_is_held);
	tcase_add_test(tcase, planned_stop_puts_off_what_may_be_run_again);
	tcase_add_test(tcase, planned_stop_does_not_put_off_what_is_not_durable_or_was_cancelled);
	tcase_add_test(tcase, run_of_a_schedule_is_durable_and_the_schedule_has_run);
	tcase_add_test(tcase, changes_of_a_queue_are_told);
	tcase_add_test(tcase, recording_ones_are_found_by_their_state);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
