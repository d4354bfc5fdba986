/* Attempts: what is tried again, when, what is remembered; and tasks that are retried as new ones. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

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

static const struct task_retry simple = { .retries = 2, .on = RETRY_ALL, .backoff_ns = NS_PER_S, .factor = 1 };

static struct task *submit(struct task_retry retry)
{
	return toy_submit_spec(&toy, (struct task_spec){ .retry = &retry });
}

/* It is due, given, taken, and ends so. */
static void attempt(struct task *task, enum task_state state)
{
	if (task->state == TASK_SCHEDULED)
		toy_advance(&toy, task->due_ns - toy.now_ns + NS_PER_MS); /* it may be so late */
	toy_turn(&toy);
	ck_assert_ptr_eq(toy_take(slot), task);
	toy_advance(&toy, NS_PER_MS);
	if (state == TASK_CRASHED) {
		toy_die(slot, SIGSEGV);
		core_slot_ready(slot->slot);
	} else {
		toy_finish(slot, state);
	}
}

/* --- how often --- */

START_TEST(task_without_retries_is_tried_once)
{
	struct task *task = submit((struct task_retry){ .on = RETRY_ALL });

	attempt(task, TASK_FAILED);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_uint_eq(task->attempt, 1);
}
END_TEST

START_TEST(attempts_are_used_up)
{
	struct task *task = submit(simple);

	for (int i = 1; i <= 2; i++) {
		attempt(task, TASK_FAILED);
		ck_assert_int_eq(task->state, TASK_SCHEDULED);
		ck_assert_uint_eq(task->attempt, i + 1);
		ck_assert_int_eq(toy.n_ended, 0);
	}
	attempt(task, TASK_FAILED);
	ck_assert_int_eq(task->state, TASK_FAILED);
	ck_assert_uint_eq(task->attempt, 3);
	ck_assert_int_eq(toy.n_ended, 1);
	ck_assert_uint_eq(core_totals(toy.core)->ended[TASK_FAILED], 1);
}
END_TEST

START_TEST(success_ends_it)
{
	struct task *task = submit(simple);

	attempt(task, TASK_FAILED);
	attempt(task, TASK_SUCCEEDED);
	ck_assert_int_eq(task->state, TASK_SUCCEEDED);
	ck_assert_uint_eq(task->attempt, 2);
}
END_TEST

static const unsigned masks[] = { RETRY_FAILED, RETRY_TIMED_OUT, RETRY_CRASHED, 0 };

/* _i: mask and outcome */
START_TEST(only_chosen_outcomes_are_tried_again)
{
	const enum task_state outcomes[] = { TASK_FAILED, TASK_TIMED_OUT, TASK_CRASHED };
	struct task_retry retry = simple;
	enum task_state outcome = outcomes[_i % 3];

	retry.on = masks[_i / 3];
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .retry = &retry, .timeout_ns = NS_PER_S });
	if (outcome == TASK_TIMED_OUT) {
		toy_turn(&toy);
		toy_take(slot);
		core_task_look(task);
		toy_advance(&toy, NS_PER_S);
		toy_finish(slot, TASK_FAILED);
	} else {
		attempt(task, outcome);
	}
	ck_assert_int_eq(task->state, _i / 3 == _i % 3 ? TASK_SCHEDULED : outcome);
}
END_TEST

START_TEST(each_attempt_has_the_whole_time_limit)
{
	struct task_retry retry = simple;
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .retry = &retry, .timeout_ns = 10 * NS_PER_S });

	for (int i = 0; i < 3; i++) {
		if (task->state == TASK_SCHEDULED)
			toy_advance(&toy, task->due_ns - toy.now_ns);
		toy_turn(&toy);
		toy_take(slot);
		core_task_look(task);
		toy_advance(&toy, 10 * NS_PER_S - 1);
		ck_assert_int_eq(task->state, TASK_RUNNING);
		toy_advance(&toy, 1);
		ck_assert_int_eq(task->state, TASK_CANCELLING);
		toy_finish(slot, TASK_FAILED);
		ck_assert(!task->timed_out || i == 2);
	}
	ck_assert_int_eq(task->state, TASK_TIMED_OUT);
	ck_assert_int_eq(task->extra->attempts[1].state, TASK_TIMED_OUT);
}
END_TEST

START_TEST(no_grace_runs_on_into_the_next_attempt)
{
	struct task_retry retry = simple;
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .retry = &retry, .timeout_ns = NS_PER_S });

	toy_turn(&toy);
	toy_take(slot);
	core_task_look(task);
	toy_advance(&toy, NS_PER_S);
	toy_finish(slot, TASK_FAILED);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	core_slot_retire(slot->slot);
	toy_advance(&toy, 60 * NS_PER_S);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	ck_assert_int_eq(toy.n_killed, 0);
}
END_TEST

START_TEST(worker_is_lost_to_a_task_three_times_at_most)
{
	struct task_retry retry = simple;

	retry.retries = 100;
	struct task *task = submit(retry);
	attempt(task, TASK_CRASHED);
	attempt(task, TASK_FAILED);
	attempt(task, TASK_CRASHED);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	ck_assert_uint_eq(task->crashes, 2);
	attempt(task, TASK_CRASHED);
	ck_assert_int_eq(task->state, TASK_CRASHED);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "SIGSEGV; it has crashed 3 workers"));
}
END_TEST

START_TEST(worker_is_lost_once_where_that_is_the_limit)
{
	const struct core_limits limits = {
		.result_ttl_ns = NS_PER_S, .failure_ttl_ns = NS_PER_S, .result_bytes = 1000, .result_count = 10, .crash_limit = 1,
	};
	struct task_retry retry = simple;

	retry.retries = 100;
	core_set_limits(toy.core, &limits);
	struct task *task = submit(retry);
	attempt(task, TASK_CRASHED);
	ck_assert_int_eq(task->state, TASK_CRASHED);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "it has crashed 1 worker and is not"));
}
END_TEST

START_TEST(cancelled_task_is_not_tried_again)
{
	struct task *waits = submit(simple);
	struct task *runs;

	attempt(waits, TASK_FAILED);
	ck_assert(core_cancel(waits));
	ck_assert_int_eq(waits->state, TASK_CANCELLED);
	toy_advance(&toy, 3600 * NS_PER_S);
	ck_assert_int_eq(waits->state, TASK_CANCELLED);
	runs = submit(simple);
	toy_turn(&toy);
	toy_take(slot);
	ck_assert(!core_cancel(runs));
	toy_die(slot, SIGKILL);
	ck_assert_int_eq(runs->state, TASK_CANCELLED);
	ck_assert_uint_eq(runs->attempt, 1);
}
END_TEST

/* --- when --- */

START_TEST(pauses_grow_to_their_cap)
{
	const int64_t expected_s[] = { 1, 3, 9, 20, 20 };
	struct task *task = submit((struct task_retry){ .retries = 5, .on = RETRY_ALL, .backoff_ns = NS_PER_S,
		.backoff_max_ns = 20 * NS_PER_S, .factor = 3 });

	for (int i = 0; i < 5; i++) {
		attempt(task, TASK_FAILED);
		ck_assert_int_eq(task->due_ns - toy.now_ns, expected_s[i] * NS_PER_S);
		ck_assert_int_eq(task->state, TASK_SCHEDULED);
		toy_advance(&toy, expected_s[i] * NS_PER_S - NS_PER_MS);
		ck_assert_int_eq(task->state, TASK_SCHEDULED);
	}
}
END_TEST

START_TEST(pause_does_not_overflow)
{
	struct task *task = submit((struct task_retry){ .retries = 60000, .on = RETRY_ALL, .backoff_ns = INT64_MAX / 8,
		.factor = 1e300, .jitter = 1 });

	for (int i = 0; i < 3; i++) {
		attempt(task, TASK_FAILED);
		ck_assert_int_eq(task->state, TASK_SCHEDULED);
		ck_assert_int_ge(task->due_ns, toy.now_ns);
	}
}
END_TEST

START_TEST(longest_pause_does_not_overflow_by_its_jitter)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		core_seed(toy.core, seed);
		struct task *task = submit((struct task_retry){ .retries = 1, .on = RETRY_ALL, .backoff_ns = INT64_MAX,
			.backoff_max_ns = INT64_MAX, .factor = 1, .jitter = 1 });

		attempt(task, TASK_FAILED);
		ck_assert_int_eq(task->state, TASK_SCHEDULED);
		ck_assert_int_gt(task->due_ns, toy.now_ns);
		core_cancel(task);
	}
}
END_TEST

START_TEST(without_a_pause_the_next_attempt_is_in_the_next_turn)
{
	struct task *task = submit((struct task_retry){ .retries = 1, .on = RETRY_ALL });

	attempt(task, TASK_FAILED);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	toy_turn(&toy);
	ck_assert_ptr_eq(task->slot, slot->slot);
}
END_TEST

START_TEST(jitter_spreads_pauses_around_the_mean)
{
	struct task_retry retry = { .retries = 1, .on = RETRY_ALL, .backoff_ns = 100 * NS_PER_S, .factor = 1, .jitter = 0.5 };
	int64_t least_ns = INT64_MAX, most_ns = 0;
	double sum = 0;

	core_seed(toy.core, 1);
	for (int i = 0; i < 1000; i++) {
		struct task *task = submit(retry);

		attempt(task, TASK_FAILED);
		int64_t pause_ns = task->due_ns - toy.now_ns;
		least_ns = pause_ns < least_ns ? pause_ns : least_ns;
		most_ns = pause_ns > most_ns ? pause_ns : most_ns;
		sum += (double)pause_ns;
		core_cancel(task);
	}
	ck_assert_int_ge(least_ns, 50 * NS_PER_S);
	ck_assert_int_lt(least_ns, 52 * NS_PER_S);
	ck_assert_int_gt(most_ns, 148 * NS_PER_S);
	ck_assert_int_le(most_ns, 150 * NS_PER_S);
	ck_assert_double_eq_tol(sum / 1000, 100e9, 5e9);
}
END_TEST

/* --- what is remembered --- */

START_TEST(attempts_are_on_the_record)
{
	struct task *task = submit(simple);
	char *long_text = malloc(1001);

	memset(long_text, 'x', 1000);
	memcpy(long_text + 511, "\xc3\xa4", 2); /* one character over the limit */
	long_text[1000] = '\0';
	toy_turn(&toy);
	slot->count = 0;
	core_task_done(task, &(struct task_outcome){ .state = TASK_FAILED, .code = -7, .message = long_text }, toy.now_ns,
		toy.now_ns);
	ck_assert_int_eq(task->started_ns, 0);
	ck_assert_int_eq(task->ended_ns, 0);
	attempt(task, TASK_CRASHED);
	attempt(task, TASK_SUCCEEDED);
	const struct task_attempt *attempts = task->extra->attempts;
	ck_assert_int_eq(attempts[0].state, TASK_FAILED);
	ck_assert_int_eq(attempts[0].code, -7);
	ck_assert_uint_eq(strlen(attempts[0].message), 511);
	ck_assert_int_eq(attempts[0].pid, 0);
	ck_assert_int_eq(attempts[0].started_ns, TOY_START);
	ck_assert_int_eq(attempts[1].state, TASK_CRASHED);
	ck_assert_int_eq(attempts[1].pid, 4711);
	ck_assert_ptr_nonnull(strstr(attempts[1].message, "SIGSEGV"));
	ck_assert_int_eq(attempts[1].ended_ns - attempts[1].started_ns, NS_PER_MS);
	ck_assert_int_eq(task->state, TASK_SUCCEEDED);
}
END_TEST

START_TEST(progress_begins_anew)
{
	struct task *task = submit(simple);

	toy_turn(&toy);
	toy_take(slot);
	core_task_progress(task, 0.9, "nearly", 6);
	toy_finish(slot, TASK_FAILED);
	ck_assert_double_eq(task->extra->progress, -1);
	ck_assert_ptr_null(task->extra->progress_text);
}
END_TEST

START_TEST(what_waits_for_its_attempt_counts_as_scheduled)
{
	struct core_queue_figures figures;
	struct bytes *args = bytes_new("[1]", 3);
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .args = args, .retry = &simple });

	attempt(task, TASK_FAILED);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.scheduled, 1);
	ck_assert_uint_eq(figures.running + figures.waiting, 0);
	ck_assert_uint_eq(figures.waiting_bytes, bytes_cost(args));
	ck_assert_uint_eq(core_totals(toy.core)->scheduled, 1);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, task->due_ns);
	bytes_unref(args);
}
END_TEST

/* --- once more, as a new task --- */

START_TEST(retry_is_a_new_task_with_all_that_the_old_one_was)
{
	struct bytes *args = bytes_new("[1]", 3);
	struct task *old = toy_submit_spec(&toy, (struct task_spec){ .args = args, .priority = 3, .owner = 7, .items = 2,
		.timeout_ns = NS_PER_S, .tag = "t", .tag_length = 1, .key = "k", .key_length = 1, .retry = &simple });
	struct task *retry, *again;

	core_cancel(old);
	ck_assert_int_eq(core_retry(old, &retry), CORE_OK);
	ck_assert_int_eq(old->state, TASK_CANCELLED);
	ck_assert_uint_ne(retry->id, old->id);
	ck_assert_int_eq(retry->state, TASK_QUEUED);
	ck_assert_ptr_eq(retry->args, args);
	ck_assert_int_eq(retry->priority, 3);
	ck_assert_uint_eq(retry->owner->uid, 7);
	ck_assert_uint_eq(retry->items, 2);
	ck_assert_int_eq(retry->extra->timeout_ns, NS_PER_S);
	ck_assert_str_eq(task_tag(retry), "t");
	ck_assert_str_eq(retry->extra->key, "k");
	ck_assert_uint_eq(retry->extra->retry.retries, 2);
	ck_assert_uint_eq(retry->extra->retry_of, old->id);
	ck_assert_uint_eq(old->extra->retried_as, retry->id);
	ck_assert_int_eq(core_retry(old, &again), CORE_ATTACHED);
	ck_assert_ptr_eq(again, retry);
	bytes_unref(args);
}
END_TEST

START_TEST(retry_that_is_forgotten_may_be_made_again)
{
	struct task *old = toy_submit(&toy, 0), *retry, *again;

	core_cancel(old);
	ck_assert_int_eq(core_retry(old, &retry), CORE_OK);
	core_cancel(retry);
	core_forget(retry);
	toy_turn(&toy);
	ck_assert_int_eq(core_retry(old, &again), CORE_OK);
	ck_assert_uint_eq(again->id, 3);
}
END_TEST

START_TEST(retry_that_cannot_be_is_refused)
{
	struct task *task = toy_submit(&toy, 0), *out;

	ck_assert_int_eq(core_retry(task, &out), CORE_NOT_OVER);
	attempt(task, TASK_SUCCEEDED);
	ck_assert_int_eq(core_retry(task, &out), CORE_NOT_FAILED);
	ck_assert_ptr_null(out);
	struct core_queue *passing = toy_queue_new(&toy, "passing", 0, 0);
	struct task *orphan = toy_submit_spec(&toy, (struct task_spec){ .queue = passing });
	core_cancel(orphan);
	core_queue_free(passing);
	ck_assert_int_eq(core_retry(orphan, &out), CORE_NO_QUEUE);
	task = toy_submit_spec(&toy, (struct task_spec){ .key = "k", .key_length = 1 });
	core_cancel(task);
	struct task *holder = toy_submit_spec(&toy, (struct task_spec){ .key = "k", .key_length = 1 });
	ck_assert_int_eq(core_retry(task, &out), CORE_DUPLICATE);
	ck_assert_ptr_eq(out, holder);
	core_cancel(holder);
	toy.type->queue = NULL;
	ck_assert_int_eq(core_retry(task, &out), CORE_NO_QUEUE);
	toy.type->queue = toy.queue;
	core_close(toy.core, true);
	ck_assert_int_eq(core_retry(task, &out), CORE_CLOSED);
}
END_TEST

START_TEST(books_on_records_are_even_when_all_is_forgotten)
{
	struct task *old = toy_submit(&toy, 0), *retry;
	struct task *tried = submit(simple);

	core_cancel(old);
	ck_assert_int_eq(core_retry(old, &retry), CORE_OK);
	core_cancel(retry);
	for (int i = 0; i < 3; i++)
		attempt(tried, TASK_FAILED);
	ck_assert_uint_gt(core_totals(toy.core)->kept_bytes, 0);
	core_forget(old);
	core_forget(retry);
	core_forget(tried);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: attempts");
	TCase *tcase = tcase_create("retry");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, task_without_retries_is_tried_once);
	tcase_add_test(tcase, attempts_are_used_up);
	tcase_add_test(tcase, success_ends_it);
	tcase_add_loop_test(tcase, only_chosen_outcomes_are_tried_again, 0, 12);
	tcase_add_test(tcase, each_attempt_has_the_whole_time_limit);
	tcase_add_test(tcase, no_grace_runs_on_into_the_next_attempt);
	tcase_add_test(tcase, worker_is_lost_to_a_task_three_times_at_most);
	tcase_add_test(tcase, worker_is_lost_once_where_that_is_the_limit);
	tcase_add_test(tcase, cancelled_task_is_not_tried_again);
	tcase_add_test(tcase, pauses_grow_to_their_cap);
	tcase_add_test(tcase, pause_does_not_overflow);
	tcase_add_test(tcase, without_a_pause_the_next_attempt_is_in_the_next_turn);
	tcase_add_test(tcase, longest_pause_does_not_overflow_by_its_jitter);
	tcase_add_test(tcase, jitter_spreads_pauses_around_the_mean);
	tcase_add_test(tcase, attempts_are_on_the_record);
	tcase_add_test(tcase, progress_begins_anew);
	tcase_add_test(tcase, what_waits_for_its_attempt_counts_as_scheduled);
	tcase_add_test(tcase, retry_is_a_new_task_with_all_that_the_old_one_was);
	tcase_add_test(tcase, retry_that_is_forgotten_may_be_made_again);
	tcase_add_test(tcase, retry_that_cannot_be_is_refused);
	tcase_add_test(tcase, books_on_records_are_even_when_all_is_forgotten);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
