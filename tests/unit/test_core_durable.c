/* Durable tasks: what is told to be recorded of them, in which order, and what happens before that is on disk and after.
 * The disk is the test's: core_recorded says when something is there. */
#include <check.h>
#include <signal.h>

#include "core/internal.h"
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

static struct task *submit(struct task_spec spec)
{
	spec.durable = true;
	return toy_submit_spec(&toy, spec);
}

/* One that has come in, and is given to the slot where that has room. */
static struct task *submit_in(struct task_spec spec)
{
	struct task *task = submit(spec);

	core_recorded(toy.core, task->id);
	toy_turn(&toy);
	return task;
}

static void recorded(const struct task *task)
{
	core_recorded(toy.core, task->id);
}

/* The latest record is this one, and there are N in all. */
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

static const struct core_totals *totals(void)
{
	return core_totals(toy.core);
}

static size_t n_recording(const struct core_queue *queue)
{
	struct core_queue_figures figures;

	core_queue_figures(queue, &figures);
	return figures.recording;
}

/* --- coming in --- */

START_TEST(submission_is_recorded_and_nothing_starts_before_that_is_on_disk)
{
	struct task *task = submit((struct task_spec){ .priority = 3 });

	expect(1, task, RECORD_SUBMITTED);
	ck_assert(!toy.told[0].more);
	expect_state(task, TASK_RECORDING);
	ck_assert_int_eq(task->becomes, TASK_QUEUED);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 0);
	recorded(task);
	expect_state(task, TASK_QUEUED);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	ck_assert_int_eq(toy.n_told, 1); /* that it was given is not told */
}
END_TEST

START_TEST(order_is_that_of_submission_whatever_comes_to_disk_first)
{
	core_queue_pause(toy.queue);
	struct task *first = submit((struct task_spec){ 0 });
	struct task *plain = toy_submit(&toy, 0);
	struct task *second = submit((struct task_spec){ 0 });
	struct task *later = toy_submit(&toy, 0);

	recorded(second);
	recorded(first);
	toy_teach(&toy, 1000);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 4);
	ck_assert_uint_eq(toy.given[0], first->id);
	ck_assert_uint_eq(toy.given[1], plain->id);
	ck_assert_uint_eq(toy.given[2], second->id);
	ck_assert_uint_eq(toy.given[3], later->id);
	ck_assert_int_eq(toy.n_told, 2); /* the places were known */
}
END_TEST

START_TEST(what_is_on_disk_already_changes_nothing_when_it_is_said_again)
{
	struct task *task = submit_in((struct task_spec){ 0 });

	recorded(task);
	recorded(task);
	expect_state(task, TASK_QUEUED);
	core_recorded(toy.core, 4711);
	core_refused(toy.core, task->id, "store_full", "no");
	expect_state(task, TASK_QUEUED);
	toy_finish(slot, TASK_SUCCEEDED);
	core_refused(toy.core, task->id, "store_full", "no");
	expect_state(task, TASK_RECORDING);
}
END_TEST

START_TEST(what_comes_in_counts_for_its_queues_limits)
{
	struct core_queue *small = toy_queue_new(&toy, "small", 2, 0);
	struct task *out, *first = submit((struct task_spec){ .queue = small });

	submit((struct task_spec){ .queue = small });
	ck_assert_uint_eq(n_recording(small), 2);
	ck_assert_uint_eq(totals()->recording, 2);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .queue = small }, &out), CORE_QUEUE_FULL);
	recorded(first);
	ck_assert_uint_eq(n_recording(small), 1);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .queue = small }, &out), CORE_QUEUE_FULL);
	toy_turn(&toy);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .queue = small }, &out), CORE_OK);
}
END_TEST

START_TEST(bytes_are_counted_while_it_comes_in_and_not_while_it_ends)
{
	struct bytes *args = bytes_new("[12345]", 7);
	struct task *task = submit((struct task_spec){ .args = args });
	size_t cost = bytes_cost(args);

	bytes_unref(args);
	ck_assert_uint_eq(totals()->queued_bytes, cost);
	recorded(task);
	ck_assert_uint_eq(totals()->queued_bytes, cost);
	ck_assert_uint_eq(totals()->durable, 1);
	core_cancel(task);
	ck_assert_uint_eq(totals()->queued_bytes, 0);
	ck_assert_uint_eq(totals()->durable, 0);
	ck_assert_uint_eq(totals()->recording, 1);
	ck_assert_uint_eq(n_recording(toy.queue), 0);
	recorded(task);
	ck_assert_uint_eq(totals()->recording, 0);
	ck_assert_uint_eq(totals()->kept, 1);
}
END_TEST

/* --- who is told --- */

static int n_recorded, n_heard;

static void hear_recorded(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	ck_assert(task->on_disk);
	n_recorded++;
}

static void hear_end(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	ck_assert(task_state_is_terminal(task->state));
	n_heard++;
}

START_TEST(who_waits_for_the_disk_hears_when_it_has_come_in_and_others_wait_on)
{
	struct task_waiter for_disk = { .ended = hear_end, .recorded = hear_recorded };
	struct task_waiter for_end[2] = { { .ended = hear_end }, { .ended = hear_end } };
	struct task *task = submit((struct task_spec){ 0 });

	n_recorded = n_heard = 0;
	task_wait(task, &for_end[0]);
	task_wait(task, &for_disk);
	task_wait(task, &for_end[1]);
	recorded(task);
	ck_assert_int_eq(n_recorded, 1);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	recorded(task);
	ck_assert_int_eq(n_recorded, 1);
	ck_assert_int_eq(n_heard, 2);
}
END_TEST

START_TEST(end_is_told_when_it_is_on_disk_and_its_slot_is_free_before)
{
	struct task_waiter waiter = { .ended = hear_end };
	struct task *task = submit_in((struct task_spec){ 0 });
	struct task *next = submit_in((struct task_spec){ 0 });

	n_heard = 0;
	task_wait(task, &waiter);
	toy_take(slot);
	toy_advance(&toy, NS_PER_MS);
	toy_finish(slot, TASK_FAILED);
	expect(4, task, RECORD_ENDED);
	expect_state(task, TASK_RECORDING);
	ck_assert_int_eq(task->outcome->state, TASK_FAILED);
	ck_assert_int_eq(task->ended_ns, toy.now_ns);
	toy_turn(&toy);
	ck_assert_ptr_eq(next->slot, slot->slot);
	ck_assert_int_eq(n_heard + toy.n_ended, 0);
	ck_assert(!core_forget(task));
	recorded(task);
	expect_state(task, TASK_FAILED);
	ck_assert_int_eq(n_heard, 1);
	ck_assert_int_eq(toy.n_ended, 1);
	ck_assert_uint_eq(totals()->ended[TASK_FAILED], 1);
}
END_TEST

START_TEST(dependent_hears_of_an_end_when_that_is_on_disk)
{
	struct task *task = submit_in((struct task_spec){ 0 });
	const struct task_ref ref = { .id = task->id };
	struct task *plain = toy_submit_spec(&toy, (struct task_spec){ .after = &ref, .n_after = 1 });
	struct task *durable = submit_in((struct task_spec){ .after = &ref, .n_after = 1 });

	expect_state(durable, TASK_BLOCKED);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	expect_state(plain, TASK_BLOCKED);
	recorded(task);
	toy_turn(&toy);
	expect_state(plain, TASK_QUEUED);
	expect_state(durable, TASK_QUEUED);
	expect(4, durable, RECORD_STATE);
}
END_TEST

/* --- what happens while it comes in --- */

START_TEST(cancel_of_what_comes_in_is_remembered)
{
	struct task_waiter waiter = { .ended = hear_end };
	struct task *task = submit((struct task_spec){ 0 });

	n_heard = 0;
	task_wait(task, &waiter);
	ck_assert(!core_cancel(task));
	ck_assert(!core_cancel(task));
	ck_assert(task->final && !task->outcome);
	ck_assert_int_eq(toy.n_told, 1);
	recorded(task);
	expect(2, task, RECORD_ENDED);
	expect_state(task, TASK_RECORDING);
	ck_assert_int_eq(n_heard, 0);
	recorded(task);
	expect_state(task, TASK_CANCELLED);
	ck_assert_int_eq(n_heard, 1);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 0);
}
END_TEST

START_TEST(cancel_of_what_has_an_outcome_comes_too_late)
{
	struct task *task = submit_in((struct task_spec){ 0 });

	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert(!core_cancel(task));
	ck_assert(!task->final);
	recorded(task);
	expect_state(task, TASK_SUCCEEDED);
	ck_assert(core_cancel(task));
}
END_TEST

START_TEST(deadline_of_what_comes_in_is_met_or_not_when_it_has)
{
	struct task *task = submit((struct task_spec){ .expires_ns = toy.now_ns + NS_PER_S });
	struct task *next = submit((struct task_spec){ .expires_ns = toy.now_ns + 3 * NS_PER_S });

	toy_advance(&toy, NS_PER_S);
	expect_state(task, TASK_RECORDING);
	ck_assert_int_eq(toy.n_told, 2);
	recorded(task);
	expect(3, task, RECORD_ENDED);
	recorded(task);
	expect_state(task, TASK_EXPIRED);
	recorded(next);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.given[0], next->id);
}
END_TEST

START_TEST(dependency_may_end_while_it_comes_in)
{
	struct task *good = toy_submit(&toy, 0), *bad = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = good->id }, { .id = bad->id } };
	struct task *runs = submit((struct task_spec){ .after = refs, .n_after = 1 });
	struct task *fails = submit((struct task_spec){ .after = refs, .n_after = 2 });
	struct task *gone = submit((struct task_spec){ .after = &refs[1], .n_after = 1 });

	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	core_cancel(gone);
	toy_finish(slot, TASK_FAILED);
	toy_turn(&toy);
	ck_assert_int_eq(runs->becomes, TASK_BLOCKED);
	recorded(runs);
	recorded(fails);
	recorded(gone);
	toy_turn(&toy);
	expect_state(runs, TASK_QUEUED);
	expect_state(fails, TASK_RECORDING);
	ck_assert_str_eq(fails->outcome->kind, "dependency_failed");
	ck_assert_ptr_null(gone->outcome->kind);
	recorded(fails);
	expect_state(fails, TASK_CANCELLED);
}
END_TEST

START_TEST(dependency_that_has_failed_is_not_met)
{
	struct task *good = toy_submit(&toy, 0), *bad = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = good->id }, { .id = bad->id } };
	struct task_dependency dependency;

	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	toy_finish(slot, TASK_FAILED);
	struct task *task = submit((struct task_spec){ .after = refs, .n_after = 2 });
	for (size_t i = 0; i < 2; i++) {
		ck_assert(core_dependency(task, i, &dependency));
		ck_assert(dependency.done);
		ck_assert_int_eq(dependency.met, i == 0);
	}
}
END_TEST

START_TEST(delay_begins_with_the_submission_and_its_end_is_recorded)
{
	struct task *task = submit((struct task_spec){ .due_ns = toy.now_ns + NS_PER_S });
	struct task *late = submit((struct task_spec){ .due_ns = toy.now_ns + NS_PER_S });
	uint64_t place = task->place;

	ck_assert_int_eq(task->becomes, TASK_SCHEDULED);
	recorded(task);
	expect_state(task, TASK_SCHEDULED);
	core_queue_pause(toy.queue);
	toy_advance(&toy, NS_PER_S);
	expect_state(task, TASK_QUEUED);
	expect(3, task, RECORD_STATE);
	ck_assert_uint_gt(task->place, place);
	recorded(late);
	toy_turn(&toy);
	expect(4, late, RECORD_STATE);
	ck_assert_uint_gt(late->place, task->place);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core: durable tasks");
	TCase *tcase = tcase_create("coming in and ending");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, submission_is_recorded_and_nothing_starts_before_that_is_on_disk);
	tcase_add_test(tcase, order_is_that_of_submission_whatever_comes_to_disk_first);
	tcase_add_test(tcase, what_is_on_disk_already_changes_nothing_when_it_is_said_again);
	tcase_add_test(tcase, what_comes_in_counts_for_its_queues_limits);
	tcase_add_test(tcase, bytes_are_counted_while_it_comes_in_and_not_while_it_ends);
	tcase_add_test(tcase, who_waits_for_the_disk_hears_when_it_has_come_in_and_others_wait_on);
	tcase_add_test(tcase, end_is_told_when_it_is_on_disk_and_its_slot_is_free_before);
	tcase_add_test(tcase, dependent_hears_of_an_end_when_that_is_on_disk);
	tcase_add_test(tcase, cancel_of_what_comes_in_is_remembered);
	tcase_add_test(tcase, cancel_of_what_has_an_outcome_comes_too_late);
	tcase_add_test(tcase, deadline_of_what_comes_in_is_met_or_not_when_it_has);
	tcase_add_test(tcase, dependency_may_end_while_it_comes_in);
	tcase_add_test(tcase, dependency_that_has_failed_is_not_met);
	tcase_add_test(tcase, delay_begins_with_the_submission_and_its_end_is_recorded);
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
