/* Tasks that wait for a time, by either clock, and deadlines. */
#include <check.h>
#include <stdlib.h>

#include "toy.h"

#define HOUR (3600 * NS_PER_S)

static struct toy toy;
static struct toy_slot *slot; /* of the tests that want one */

static void fresh(void)
{
	toy_init(&toy);
	slot = NULL;
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

static struct task *delayed(int64_t delay_ns)
{
	return toy_submit_spec(&toy, (struct task_spec){ .due_ns = toy.now_ns + delay_ns });
}

static struct task *at(int64_t from_now_ns)
{
	return toy_submit_spec(&toy, (struct task_spec){ .due_ns = toy.wall_ns + from_now_ns, .wall = true });
}

static struct core_queue_figures figures(void)
{
	struct core_queue_figures out;

	core_queue_figures(toy.queue, &out);
	return out;
}

/* --- when --- */

START_TEST(delayed_task_is_queued_when_it_is_due_and_not_before)
{
	struct task *task = delayed(10 * NS_PER_S);

	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	ck_assert_ptr_null(task->extra);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + 10 * NS_PER_S);
	toy_advance(&toy, 10 * NS_PER_S - 1);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	toy_advance(&toy, 1);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

START_TEST(time_that_has_come_is_no_delay)
{
	ck_assert_int_eq(delayed(0)->state, TASK_QUEUED);
	ck_assert_int_eq(delayed(-1)->state, TASK_QUEUED);
	ck_assert_int_eq(at(-HOUR)->state, TASK_QUEUED);
	ck_assert_int_eq(at(-toy.wall_ns - HOUR)->state, TASK_QUEUED); /* before 1970 */
}
END_TEST

START_TEST(task_is_never_early_and_a_millisecond_late_at_most)
{
	struct task *task = delayed(NS_PER_MS / 2);

	toy_advance(&toy, NS_PER_MS / 2 - 1);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	toy_advance(&toy, NS_PER_MS / 2 + 1);
	ck_assert_int_eq(task->state, TASK_QUEUED);
}
END_TEST

START_TEST(what_is_too_much_for_one_turn_goes_on_in_the_next_with_whole_milliseconds)
{
	for (int i = 0; i < 25000; i++)
		delayed(NS_PER_S + i / 6000 * NS_PER_MS);
	toy_advance(&toy, 2 * NS_PER_S);
	ck_assert_uint_eq(figures().waiting, 12000);
	ck_assert_int_le(toy.next_ns, toy.now_ns);
	toy_turn(&toy);
	ck_assert_uint_eq(figures().waiting, 24000);
	ck_assert_int_le(toy.next_ns, toy.now_ns);
	toy_turn(&toy);
	ck_assert_uint_eq(figures().waiting, 25000);
	ck_assert_uint_eq(figures().scheduled, 0);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

START_TEST(time_at_the_end_of_all_time_is_far_away)
{
	struct task *task = delayed(INT64_MAX - toy.now_ns);
	struct task *wall = at(INT64_MAX - toy.wall_ns);

	toy_turn(&toy);
	ck_assert_int_gt(toy.next_ns, toy.now_ns + HOUR);
	toy_advance(&toy, 1000 * HOUR);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	ck_assert_int_eq(wall->state, TASK_SCHEDULED);
}
END_TEST

/* --- two clocks --- */

START_TEST(step_of_the_wall_clock_moves_only_what_was_said_by_it)
{
	struct task *delay = delayed(2 * HOUR);
	struct task *said = at(2 * HOUR);

	toy_step_wall(&toy, HOUR);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + HOUR);
	toy_advance(&toy, HOUR / 2);
	toy_step_wall(&toy, HOUR / 2);
	ck_assert_int_eq(said->state, TASK_SCHEDULED);
	toy_advance(&toy, HOUR / 2);
	toy_step_wall(&toy, HOUR / 2);
	ck_assert_int_eq(said->state, TASK_QUEUED);
	ck_assert_int_eq(delay->state, TASK_SCHEDULED);
	toy_advance(&toy, HOUR);
	ck_assert_int_eq(delay->state, TASK_QUEUED);
}
END_TEST

START_TEST(wall_clock_that_is_put_back_puts_off_what_was_said_by_it)
{
	struct task *said = at(HOUR);

	toy_step_wall(&toy, -HOUR);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + 2 * HOUR);
	toy_advance(&toy, 5 * HOUR);
	ck_assert_int_eq(said->state, TASK_SCHEDULED);
	toy_step_wall(&toy, 2 * HOUR);
	ck_assert_int_eq(said->state, TASK_QUEUED);
}
END_TEST

/* --- order --- */

START_TEST(what_is_due_in_one_turn_joins_in_the_order_of_submission)
{
	struct task *third = delayed(0);

	core_cancel(third);
	struct task *tasks[4] = { delayed(3 * NS_PER_S), at(NS_PER_S), delayed(NS_PER_S), at(2 * NS_PER_S) };
	toy.now_ns += 10 * NS_PER_S;
	core_set_now(toy.core, toy.now_ns);
	toy_step_wall(&toy, 10 * NS_PER_S);
	slot = toy_slot_new(&toy);
	toy_teach(&toy, NS_PER_US);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(toy.given[i], tasks[i]->id);
}
END_TEST

START_TEST(who_is_due_joins_behind_equals_that_waited_and_priority_decides)
{
	struct task *late = delayed(NS_PER_S);
	struct task *urgent = toy_submit_spec(&toy, (struct task_spec){ .due_ns = toy.now_ns + NS_PER_S, .priority = 1 });
	struct task *early = toy_submit(&toy, 0);

	toy_advance(&toy, NS_PER_S);
	slot = toy_slot_new(&toy);
	toy_teach(&toy, NS_PER_US);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.given[0], urgent->id);
	ck_assert_uint_eq(toy.given[1], early->id);
	ck_assert_uint_eq(toy.given[2], late->id);
}
END_TEST

/* --- books --- */

START_TEST(scheduled_tasks_count_against_the_limits)
{
	struct core_queue *small = toy_queue_new(&toy, "small", 1, 0);
	struct task *out;

	toy_submit_spec(&toy, (struct task_spec){ .queue = small, .due_ns = toy.now_ns + HOUR });
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .queue = small }, &out), CORE_QUEUE_FULL);
	delayed(HOUR);
	ck_assert_uint_eq(figures().scheduled, 1);
	ck_assert_uint_eq(figures().waiting, 0);
	ck_assert_uint_eq(core_totals(toy.core)->scheduled, 2);
	toy_advance(&toy, HOUR);
	ck_assert_uint_eq(figures().scheduled, 0);
	ck_assert_uint_eq(figures().waiting, 1);
	ck_assert_uint_eq(core_totals(toy.core)->waiting, 2);
}
END_TEST

START_TEST(any_of_many_can_be_cancelled)
{
	enum { N = 1000 };
	struct task *tasks[N];

	for (int i = 0; i < N; i++)
		tasks[i] = delayed((1 + i * 7 % 50) * NS_PER_S);
	for (int i = 0; i < N; i += 2)
		ck_assert(core_cancel(tasks[i]));
	ck_assert_uint_eq(figures().scheduled, N / 2);
	toy_advance(&toy, 50 * NS_PER_S);
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(tasks[i]->state, i % 2 ? TASK_QUEUED : TASK_CANCELLED);
	for (int i = 1; i < N; i += 2)
		core_cancel(tasks[i]);
	ck_assert_uint_eq(figures().waiting, 0);
}
END_TEST

/* --- deadlines --- */

START_TEST(deadline_is_met_by_starting)
{
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .expires_ns = toy.now_ns + NS_PER_S });

	slot = toy_slot_new(&toy);
	toy_turn(&toy);
	toy_take(slot);
	core_task_look(task);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	toy_advance(&toy, HOUR);
	ck_assert_int_eq(task->state, TASK_RUNNING);
}
END_TEST

START_TEST(deadline_is_met_by_starting_unseen)
{
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .expires_ns = toy.now_ns + NS_PER_US });

	slot = toy_slot_new(&toy);
	toy_turn(&toy);
	toy_take(slot);
	toy_advance(&toy, NS_PER_US);
	ck_assert_int_eq(task->state, TASK_RUNNING);
	ck_assert_int_eq(toy.n_revoked, 0);
}
END_TEST

START_TEST(deadline_is_missed_in_a_lane_too)
{
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .expires_ns = toy.now_ns + NS_PER_US });

	slot = toy_slot_new(&toy);
	toy_turn(&toy);
	ck_assert_ptr_eq(task->slot, slot->slot);
	toy_advance(&toy, NS_PER_US);
	ck_assert_int_eq(task->state, TASK_EXPIRED);
	ck_assert_int_eq(toy.n_revoked, 1);
	ck_assert_ptr_null(toy_take(slot));
	ck_assert_str_eq(task->outcome->message, "its deadline passed before it started");
}
END_TEST

START_TEST(deadline_that_has_passed_at_submission_is_missed)
{
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .expires_ns = toy.now_ns - 1 });

	slot = toy_slot_new(&toy);
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_EXPIRED);
	ck_assert_int_eq(toy.n_given, 0);
}
END_TEST

/* More than one turn should have time for. */
START_TEST(deadlines_that_pass_at_once_take_several_turns_and_nothing_late_starts)
{
	int n_turns = 0;

	for (int i = 0; i < 25000; i++)
		toy_submit_spec(&toy, (struct task_spec){ .expires_ns = toy.now_ns + NS_PER_S });
	struct task *other = toy_submit(&toy, -1);
	slot = toy_slot_new(&toy);
	toy.now_ns += NS_PER_S;
	core_set_now(toy.core, toy.now_ns);
	for (int ended = 0; toy.n_ended < 25000; ended = toy.n_ended, n_turns++) {
		ck_assert_int_eq(toy.n_given, 0);
		toy_turn(&toy);
		ck_assert_int_le(toy.n_ended - ended, 10000);
		ck_assert_int_gt(toy.n_ended, ended);
		ck_assert(toy.n_ended == 25000 || toy.next_ns <= toy.now_ns);
	}
	ck_assert_int_eq(n_turns, 3);
	ck_assert_int_eq(toy.n_given, 1);
	ck_assert_ptr_eq(other->slot, slot->slot);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_EXPIRED], 25000);
}
END_TEST

START_TEST(deadline_counts_for_the_first_attempt_only)
{
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL, .backoff_ns = HOUR, .factor = 1 };
	struct task *task = toy_submit_spec(&toy,
		(struct task_spec){ .expires_ns = toy.now_ns + NS_PER_S, .retry = &retry });

	slot = toy_slot_new(&toy);
	toy_turn(&toy);
	toy_finish(slot, TASK_FAILED);
	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: calendars");
	TCase *tcase = tcase_create("calendar");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, delayed_task_is_queued_when_it_is_due_and_not_before);
	tcase_add_test(tcase, time_that_has_come_is_no_delay);
	tcase_add_test(tcase, task_is_never_early_and_a_millisecond_late_at_most);
	tcase_add_test(tcase, what_is_too_much_for_one_turn_goes_on_in_the_next_with_whole_milliseconds);
	tcase_add_test(tcase, time_at_the_end_of_all_time_is_far_away);
	tcase_add_test(tcase, step_of_the_wall_clock_moves_only_what_was_said_by_it);
	tcase_add_test(tcase, wall_clock_that_is_put_back_puts_off_what_was_said_by_it);
	tcase_add_test(tcase, what_is_due_in_one_turn_joins_in_the_order_of_submission);
	tcase_add_test(tcase, who_is_due_joins_behind_equals_that_waited_and_priority_decides);
	tcase_add_test(tcase, scheduled_tasks_count_against_the_limits);
	tcase_add_test(tcase, any_of_many_can_be_cancelled);
	tcase_add_test(tcase, deadline_is_met_by_starting);
	tcase_add_test(tcase, deadline_is_met_by_starting_unseen);
	tcase_add_test(tcase, deadline_is_missed_in_a_lane_too);
	tcase_add_test(tcase, deadline_that_has_passed_at_submission_is_missed);
	tcase_add_test(tcase, deadlines_that_pass_at_once_take_several_turns_and_nothing_late_starts);
	tcase_add_test(tcase, deadline_counts_for_the_first_attempt_only);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
