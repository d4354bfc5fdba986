/* Tasks that wait for tasks. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

static struct toy toy;
static struct toy_slot *slot;

static void fresh(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
	toy_teach(&toy, 400 * NS_PER_US);
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

static struct task *after(const struct task *first, const struct task *second)
{
	const struct task_ref refs[] = { { .id = first->id }, { .id = second ? second->id : 0 } };

	return toy_submit_spec(&toy, (struct task_spec){ .after = refs, .n_after = second ? 2 : 1 });
}

static struct task *after_any(const struct task *first)
{
	const struct task_ref ref = { .id = first->id };

	return toy_submit_spec(&toy, (struct task_spec){ .after_any = &ref, .n_after_any = 1 });
}

/* The slot takes what it has and ends it so. */
static void end_next(enum task_state state)
{
	toy_turn(&toy);
	toy_take(slot);
	toy_finish(slot, state);
}

/* --- met --- */

START_TEST(task_waits_for_all_that_it_named)
{
	struct task *a = toy_submit(&toy, 0), *b = toy_submit(&toy, 0), *c = after(a, b);
	struct core_queue_figures figures;

	ck_assert_int_eq(c->state, TASK_BLOCKED);
	ck_assert_uint_eq(core_dependencies_open(c), 2);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.blocked, 1);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 1);
	end_next(TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(c->state, TASK_BLOCKED);
	ck_assert_uint_eq(core_dependencies_open(c), 1);
	end_next(TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(c->state, TASK_QUEUED);
	ck_assert_ptr_eq(c->slot, slot->slot); /* it starts in the turn in which it comes free */
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 0);
}
END_TEST

START_TEST(any_end_is_good_enough_for_after_any)
{
	struct task *a = toy_submit(&toy, 0), *b = after_any(a);

	core_cancel(a);
	ck_assert_int_eq(b->state, TASK_BLOCKED); /* until the turn */
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_QUEUED);
}
END_TEST

START_TEST(time_and_dependency_are_both_waited_for)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };
	struct task *b = toy_submit_spec(&toy,
		(struct task_spec){ .after = &ref, .n_after = 1, .due_ns = toy.now_ns + NS_PER_S });
	struct task *late = toy_submit_spec(&toy,
		(struct task_spec){ .after_any = &ref, .n_after_any = 1, .due_ns = toy.wall_ns + NS_PER_S, .wall = true });

	end_next(TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_SCHEDULED);
	ck_assert_int_eq(late->state, TASK_SCHEDULED);
	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(b->state, TASK_QUEUED);
	ck_assert_int_eq(late->state, TASK_SCHEDULED);
	toy_step_wall(&toy, NS_PER_S);
	ck_assert_int_eq(late->state, TASK_QUEUED);
}
END_TEST

START_TEST(time_that_passed_while_it_was_blocked_is_no_matter)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };
	struct task *b = toy_submit_spec(&toy,
		(struct task_spec){ .after_any = &ref, .n_after_any = 1, .due_ns = toy.now_ns + NS_PER_S });

	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(b->state, TASK_BLOCKED);
	core_cancel(a);
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_QUEUED);
}
END_TEST

START_TEST(attempt_that_fails_is_no_end)
{
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL };
	struct task *a = toy_submit_spec(&toy, (struct task_spec){ .retry = &retry }), *b = after(a, NULL);

	end_next(TASK_FAILED);
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_BLOCKED);
	end_next(TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_QUEUED);
}
END_TEST

START_TEST(what_ended_before_submission_is_decided_then)
{
	struct task *a = toy_submit(&toy, 0), *b = toy_submit(&toy, 0);

	end_next(TASK_SUCCEEDED);
	end_next(TASK_FAILED);
	ck_assert_int_eq(after(a, NULL)->state, TASK_QUEUED);
	ck_assert_int_eq(after_any(b)->state, TASK_QUEUED);
	int ended = toy.n_ended;
	struct task *c = after(a, b);
	ck_assert_int_eq(c->state, TASK_CANCELLED);
	ck_assert_int_eq(toy.n_ended - ended, 1);
	ck_assert_uint_eq(c->outcome->because_of, b->id);
}
END_TEST

/* --- not met --- */

static const enum task_state bad_ends[] = { TASK_FAILED, TASK_CRASHED, TASK_CANCELLED, TASK_EXPIRED };

START_TEST(bad_end_ends_the_dependent_and_says_why)
{
	struct task *a = toy_submit_spec(&toy, (struct task_spec){ .expires_ns = toy.now_ns + NS_PER_S });
	struct task *b = after(a, NULL);
	char expected[64];

	if (bad_ends[_i] == TASK_CANCELLED) {
		core_cancel(a);
	} else if (bad_ends[_i] == TASK_EXPIRED) {
		toy_advance(&toy, NS_PER_S);
	} else {
		toy_turn(&toy);
		toy_take(slot);
		if (bad_ends[_i] == TASK_CRASHED)
			toy_die(slot, SIGSEGV);
		else
			toy_finish(slot, TASK_FAILED);
	}
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_CANCELLED);
	ck_assert_str_eq(b->outcome->kind, "dependency_failed");
	ck_assert_uint_eq(b->outcome->because_of, a->id);
	snprintf(expected, sizeof(expected), "task 1, for which it waited, ended as %s", task_state_name(bad_ends[_i]));
	ck_assert_str_eq(b->outcome->message, expected);
}
END_TEST

START_TEST(first_bad_end_is_the_reason_and_the_others_are_no_matter)
{
	struct task *a = toy_submit(&toy, 0), *b = toy_submit(&toy, 0), *c = after(a, b);

	core_cancel(b);
	core_cancel(a);
	toy_turn(&toy);
	ck_assert_uint_eq(c->outcome->because_of, b->id);
	ck_assert_int_eq(toy.n_ended, 3);
}
END_TEST

START_TEST(deadline_counts_while_it_is_blocked)
{
	struct task *a = toy_submit_spec(&toy, (struct task_spec){ .due_ns = toy.now_ns + 3600 * NS_PER_S });
	const struct task_ref ref = { .id = a->id };
	struct task *b = toy_submit_spec(&toy,
		(struct task_spec){ .after = &ref, .n_after = 1, .expires_ns = toy.now_ns + NS_PER_S });

	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(b->state, TASK_EXPIRED);
	core_cancel(a); /* whom nobody waits for any more */
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_EXPIRED);
}
END_TEST

START_TEST(cancelled_dependent_hears_no_more)
{
	struct task *a = toy_submit(&toy, 0), *b = after(a, NULL), *c = after(b, NULL);

	core_cancel(b);
	core_forget(b);
	toy_turn(&toy);
	ck_assert_int_eq(c->state, TASK_CANCELLED);
	end_next(TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_ended, 3);
}
END_TEST

START_TEST(decided_one_can_still_be_cancelled)
{
	struct task *a = toy_submit(&toy, 0), *b = after_any(a), *c = after(a, NULL);

	core_cancel(a);
	ck_assert(core_cancel(b));
	ck_assert(core_cancel(c));
	ck_assert_ptr_null(c->outcome->kind);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_ended, 3);
	ck_assert_int_eq(b->state, TASK_CANCELLED);
}
END_TEST

#define CHAIN 100000

START_TEST(long_chain_ends_in_one_turn)
{
	struct task **tasks = calloc(CHAIN, sizeof(struct task *));
	const struct core_limits limits = { .result_ttl_ns = 1 << 30, .failure_ttl_ns = 1 << 30, .result_bytes = SIZE_MAX,
		.result_count = SIZE_MAX, .kill_grace_ns = 1 };

	core_set_limits(toy.core, &limits);
	core_slot_retire(slot->slot);
	for (int i = 0; i < CHAIN; i++)
		tasks[i] = i ? after(tasks[i - 1], NULL) : toy_submit(&toy, 0);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, CHAIN - 1);
	core_cancel(tasks[0]);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_ended, CHAIN);
	for (int i = 1; i < CHAIN; i++) {
		ck_assert_int_eq(tasks[i]->state, TASK_CANCELLED);
		ck_assert_uint_eq(tasks[i]->outcome->because_of, tasks[i - 1]->id);
	}
	free(tasks);
}
END_TEST

START_TEST(what_waits_for_what_was_given_up_is_given_up_at_once)
{
	struct task *a = toy_submit(&toy, 0), *b;

	core_cancel(a);
	b = after(a, NULL);
	ck_assert_int_eq(after(b, NULL)->state, TASK_CANCELLED);
	ck_assert_int_eq(after_any(b)->state, TASK_QUEUED);
}
END_TEST

/* --- odd naming --- */

START_TEST(same_task_may_be_named_twice_and_in_both_ways)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = a->id }, { .id = a->id } };
	struct task *twice = toy_submit_spec(&toy,
		(struct task_spec){ .after = refs, .n_after = 2, .after_any = refs, .n_after_any = 2 });
	struct task_dependency dependency;

	ck_assert_uint_eq(core_dependencies_open(twice), 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert(core_dependency(twice, i, &dependency));
		ck_assert_uint_eq(dependency.id, a->id);
		ck_assert_int_eq(dependency.any, i >= 2);
		ck_assert(!dependency.done);
	}
	ck_assert(!core_dependency(twice, 4, &dependency));
	ck_assert(!core_dependency(a, 0, &dependency));
	struct task *other = toy_submit_spec(&toy,
		(struct task_spec){ .after = refs, .n_after = 1, .after_any = refs, .n_after_any = 1 });
	core_cancel(other);
	end_next(TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(twice->state, TASK_QUEUED);
	ck_assert_uint_eq(core_dependencies_open(twice), 0);
}
END_TEST

START_TEST(named_in_both_ways_it_must_succeed)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };
	struct task *b = toy_submit_spec(&toy,
		(struct task_spec){ .after = &ref, .n_after = 1, .after_any = &ref, .n_after_any = 1 });

	core_cancel(a);
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_CANCELLED);
}
END_TEST

START_TEST(unknown_and_forgotten_ones_are_refused)
{
	struct task *gone = toy_submit(&toy, 0), *out;
	const struct task_ref refs[] = { { .id = gone->id }, { .id = 4711 } };

	core_cancel(gone);
	core_forget(gone);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .after = &refs[1], .n_after = 1 }, &out), CORE_NO_DEPENDENCY);
	ck_assert_ptr_null(out);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .after_any = refs, .n_after_any = 1 }, &out),
		CORE_LOST_DEPENDENCY);
	ck_assert_uint_eq(core_totals(toy.core)->submitted, 1);
}
END_TEST

/* --- results --- */

static struct task *gathering(const struct task_ref *refs, size_t n_after, size_t n_after_any)
{
	struct bytes *args = bytes_new("[1]", 3);
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .args = args, .pass_results = true, .after = refs,
		.n_after = n_after, .after_any = refs, .n_after_any = n_after_any });

	bytes_unref(args);
	return task;
}

static void expect_args(const struct task *task, const char *expected)
{
	ck_assert_uint_eq(task->args->size, strlen(expected));
	ck_assert(!memcmp(task->args->data, expected, strlen(expected)));
}

/* What a task counts for in its queue that waited for N others and gets arguments of that SIZE. */
static size_t cost_of(size_t size, size_t n)
{
	return core_submit_cost(&(struct task_spec){ .n_after = n }) + sizeof(struct bytes) + size;
}

START_TEST(results_are_passed_in_the_order_of_naming)
{
	struct task *a = toy_submit(&toy, 0), *b = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = b->id }, { .id = a->id }, { .id = b->id } };
	struct task *c = gathering(refs, 3, 1);
	struct core_queue_figures figures;

	toy_turn(&toy);
	toy_finish_result(slot, "\"A\"");
	toy_turn(&toy);
	toy_take(slot);
	core_slot_retire(slot->slot);
	toy_finish_result(slot, "\"B\"");
	core_forget(b); /* its result is held for those that waited */
	toy_turn(&toy);
	ck_assert_int_eq(c->state, TASK_QUEUED);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.waiting_bytes, cost_of(15, 4));
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, cost_of(15, 4));
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	expect_args(c, "[1] \"B\" \"A\" \"B\"");
	core_cancel(c);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.waiting_bytes, 0);
}
END_TEST

START_TEST(results_that_are_there_already_are_passed_at_submission)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };

	toy_turn(&toy);
	toy_take(slot);
	core_slot_retire(slot->slot);
	toy_finish_result(slot, "7");
	struct task *b = gathering(&ref, 1, 0);
	ck_assert_int_eq(b->state, TASK_QUEUED);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, cost_of(5, 1));
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	expect_args(b, "[1] 7");
}
END_TEST

START_TEST(what_tasks_wait_for_counts_in_their_queue)
{
	struct task *a = toy_submit(&toy, 0), *task;
	struct task_ref refs[1000];
	struct task_spec spec = { .after = refs, .n_after = 1000 };
	const size_t each = core_submit_cost(&spec);
	struct core_queue_figures figures;

	ck_assert_uint_ge(each, 1000 * sizeof(void *));
	for (size_t i = 0; i < 1000; i++)
		refs[i] = (struct task_ref){ .id = a->id };
	spec.queue = toy_queue_new(&toy, "small", 0, 2 * each);
	toy_submit_spec(&toy, spec);
	struct task *b = toy_submit_spec(&toy, spec);
	ck_assert_int_eq(toy_try(&toy, spec, &task), CORE_QUEUE_FULL);
	core_cancel(b);
	toy_submit_spec(&toy, spec);
	core_cancel(a);
	toy_turn(&toy);
	core_queue_figures(spec.queue, &figures);
	ck_assert_uint_eq(figures.waiting_bytes, 0);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 0);
}
END_TEST

/* … and come back with them from a lane, and for another attempt, and for core_retry. */
START_TEST(results_are_there_once_and_passed_to_each_start)
{
	struct task *a = toy_submit(&toy, 0), *again;
	const struct task_ref ref = { .id = a->id };
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL };
	struct bytes *args = bytes_new("[1]", 3);
	const struct task_spec spec = { .args = args, .after = &ref, .n_after = 1, .pass_results = true, .retry = &retry };
	struct task *b = toy_submit_spec(&toy, spec), *c = toy_submit_spec(&toy, spec);
	char result[1000];

	memset(result, '7', sizeof(result) - 1);
	result[sizeof(result) - 1] = '\0';
	core_queue_pause(toy.queue);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	toy_finish_result(slot, result);
	core_queue_pause(toy.queue);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 2 * cost_of(1003, 1));
	ck_assert_ptr_eq(b->args, args);
	ck_assert_ptr_eq(c->args, args);
	ck_assert_uint_eq(core_args_size(b), 1003);
	core_queue_resume(toy.queue);
	for (int attempt = 1; attempt <= 2; attempt++) {
		toy_turn(&toy);
		ck_assert_ptr_eq(b->slot, slot->slot);
		ck_assert_uint_eq(b->args->size, 1003);
		core_queue_pause(toy.queue);
		ck_assert_ptr_eq(b->args, args);
		core_queue_resume(toy.queue);
		toy_turn(&toy);
		while (b->slot)
			toy_finish(slot, TASK_FAILED);
	}
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_FAILED);
	ck_assert_ptr_eq(b->args, args);
	ck_assert_int_eq(core_retry(b, &again), CORE_OK);
	ck_assert_uint_eq(again->args->size, 1003);
	core_cancel(again);
	core_cancel(c);
	while (slot->count)
		toy_finish(slot, TASK_SUCCEEDED);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 0);
	core_forget(a);
	core_forget(b);
	core_forget(c);
	core_forget(again);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 0);
	bytes_unref(args);
}
END_TEST

START_TEST(results_that_are_too_large_by_their_start_end_the_task)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };
	struct task *b = gathering(&ref, 1, 0);

	toy_turn(&toy);
	toy_take(slot);
	core_slot_retire(slot->slot);
	toy_finish_result(slot, "12345");
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_QUEUED);
	toy.gather_limit = 4;
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_CANCELLED);
	ck_assert_str_eq(b->outcome->kind, "too_large");
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 0);
}
END_TEST

START_TEST(results_that_are_too_large_end_the_task)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };
	struct task *b = gathering(&ref, 1, 0);

	toy.gather_limit = 4;
	toy_turn(&toy);
	toy_finish_result(slot, "12345");
	toy_turn(&toy);
	ck_assert_int_eq(b->state, TASK_CANCELLED);
	ck_assert_str_eq(b->outcome->kind, "too_large");
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 0);
	ck_assert_int_eq(gathering(&ref, 1, 0)->state, TASK_CANCELLED);
}
END_TEST

START_TEST(result_that_was_not_kept_cannot_be_passed)
{
	struct task *a = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = a->id };

	toy_turn(&toy);
	toy_finish_result(slot, "12345");
	bytes_unref(a->outcome->result);
	a->outcome->result = NULL;
	a->outcome->dropped = 5;
	struct task *b = gathering(&ref, 1, 0);
	ck_assert_int_eq(b->state, TASK_CANCELLED);
	ck_assert_str_eq(b->outcome->kind, "too_large");
	ck_assert_uint_eq(b->outcome->because_of, a->id);
	ck_assert_int_eq(after(a, NULL)->state, TASK_QUEUED);
	a->outcome->dropped = 0;
}
END_TEST

/* --- who may hear of it --- */

static struct task *also;

static void submit_another(struct toy *which, const struct task *task)
{
	const struct task_ref ref = { .id = task->id };

	if (toy.n_ended < 100)
		also = toy_submit_spec(which, (struct task_spec){ .after = &ref, .n_after = 1 });
}

START_TEST(listener_may_submit_what_ends_at_once)
{
	struct task *a = toy_submit(&toy, 0);

	toy.on_ended = submit_another;
	core_cancel(a);
	ck_assert_int_eq(toy.n_ended, 100);
	ck_assert_int_eq(also->state, TASK_CANCELLED);
}
END_TEST

START_TEST(core_may_go_with_blocked_and_decided_ones_in_it)
{
	struct task *a = toy_submit(&toy, 0), *b = toy_submit(&toy, 0);
	const struct task_ref refs[] = { { .id = a->id }, { .id = b->id } };

	after(a, b);
	gathering(refs, 2, 0);
	after_any(a);
	toy_turn(&toy);
	toy_finish_result(slot, "1");
	core_cancel(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: dependencies");
	TCase *tcase = tcase_create("depend");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, task_waits_for_all_that_it_named);
	tcase_add_test(tcase, any_end_is_good_enough_for_after_any);
	tcase_add_test(tcase, time_and_dependency_are_both_waited_for);
	tcase_add_test(tcase, time_that_passed_while_it_was_blocked_is_no_matter);
	tcase_add_test(tcase, attempt_that_fails_is_no_end);
	tcase_add_test(tcase, what_ended_before_submission_is_decided_then);
	tcase_add_loop_test(tcase, bad_end_ends_the_dependent_and_says_why, 0, sizeof bad_ends / sizeof *bad_ends);
	tcase_add_test(tcase, first_bad_end_is_the_reason_and_the_others_are_no_matter);
	tcase_add_test(tcase, deadline_counts_while_it_is_blocked);
	tcase_add_test(tcase, cancelled_dependent_hears_no_more);
	tcase_add_test(tcase, decided_one_can_still_be_cancelled);
	tcase_add_test(tcase, long_chain_ends_in_one_turn);
	tcase_add_test(tcase, what_waits_for_what_was_given_up_is_given_up_at_once);
	tcase_add_test(tcase, same_task_may_be_named_twice_and_in_both_ways);
	tcase_add_test(tcase, named_in_both_ways_it_must_succeed);
	tcase_add_test(tcase, unknown_and_forgotten_ones_are_refused);
	tcase_add_test(tcase, results_are_passed_in_the_order_of_naming);
	tcase_add_test(tcase, results_that_are_there_already_are_passed_at_submission);
	tcase_add_test(tcase, what_tasks_wait_for_counts_in_their_queue);
	tcase_add_test(tcase, results_are_there_once_and_passed_to_each_start);
	tcase_add_test(tcase, results_that_are_too_large_by_their_start_end_the_task);
	tcase_add_test(tcase, results_that_are_too_large_end_the_task);
	tcase_add_test(tcase, result_that_was_not_kept_cannot_be_passed);
	tcase_add_test(tcase, listener_may_submit_what_ends_at_once);
	tcase_add_test(tcase, core_may_go_with_blocked_and_decided_ones_in_it);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
