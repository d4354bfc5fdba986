/* Records of ended tasks: how long they are kept, what goes first, and what is then said of them. */
#include <check.h>
#include <stdlib.h>

#include "core/internal.h"
#include "toy.h"

static struct toy toy;
static struct toy_slot *slot;
static struct core_limits limits;

static void fresh(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
	limits = (struct core_limits){
		.result_ttl_ns = 10 * NS_PER_S,
		.failure_ttl_ns = 60 * NS_PER_S,
		.result_bytes = 1 << 20,
		.result_count = 100,
		.kill_grace_ns = NS_PER_S,
	};
	core_set_limits(toy.core, &limits);
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

/* One that has ended; each a little after the one before. */
static struct task *ended(enum task_state state, size_t result_size)
{
	struct task *task = toy_submit(&toy, 0);
	struct task_outcome outcome = { .state = state };
	char *room;

	if (result_size)
		outcome.result = bytes_new_room(result_size, &room);
	toy_turn(&toy);
	slot->count = 0;
	core_task_done(task, &outcome, toy.now_ns, toy.now_ns);
	core_set_now(toy.core, ++toy.now_ns);
	return task;
}

static enum core_found look_up(uint64_t id)
{
	struct task *task;
	enum core_found found = core_find(toy.core, id, &task);

	ck_assert_int_eq(task != NULL, found == CORE_FOUND);
	return found;
}

START_TEST(what_was_dropped_is_forgotten_and_what_never_was_is_not_found)
{
	ck_assert_int_eq(look_up(0), CORE_NOT_FOUND);
	ck_assert_int_eq(look_up(1), CORE_NOT_FOUND);
	struct task *task = toy_submit(&toy, 0);
	ck_assert_int_eq(look_up(1), CORE_FOUND);
	ck_assert(!core_forget(task));
	core_cancel(task);
	ck_assert_int_eq(look_up(1), CORE_FOUND);
	ck_assert(core_forget(task));
	ck_assert_int_eq(look_up(1), CORE_FORGOTTEN);
	ck_assert_int_eq(look_up(2), CORE_NOT_FOUND);
	ck_assert_int_eq(look_up(UINT64_MAX), CORE_NOT_FOUND);
}
END_TEST

START_TEST(successes_go_after_their_time_and_failures_stay_longer)
{
	uint64_t success = ended(TASK_SUCCEEDED, 0)->id;
	uint64_t failure = ended(TASK_FAILED, 0)->id;

	toy_advance(&toy, 10 * NS_PER_S - 3);
	ck_assert_int_eq(look_up(success), CORE_FOUND);
	ck_assert_int_gt(toy.next_ns, toy.now_ns);
	ck_assert_int_le(toy.next_ns, toy.now_ns + NS_PER_S + 1);
	toy_advance(&toy, toy.next_ns - toy.now_ns);
	ck_assert_int_eq(look_up(success), CORE_FORGOTTEN);
	ck_assert_int_eq(look_up(failure), CORE_FOUND);
	toy_advance(&toy, toy.next_ns - toy.now_ns);
	ck_assert_int_eq(look_up(failure), CORE_FORGOTTEN);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 0);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 0);
}
END_TEST

START_TEST(records_that_end_together_do_not_wake_the_daemon_one_by_one)
{
	for (int i = 0; i < 50; i++) {
		ended(TASK_SUCCEEDED, 0);
		core_set_now(toy.core, toy.now_ns += NS_PER_MS);
	}
	toy_turn(&toy);
	int turns = 0;
	for (; toy.next_ns != CLOCK_NEVER; turns++)
		toy_advance(&toy, toy.next_ns - toy.now_ns);
	ck_assert_int_eq(turns, 1);
}
END_TEST

START_TEST(for_ever_is_for_ever)
{
	limits.result_ttl_ns = CLOCK_NEVER;
	core_set_limits(toy.core, &limits);
	uint64_t id = ended(TASK_SUCCEEDED, 0)->id;
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	toy_advance(&toy, 1000000 * NS_PER_S);
	ck_assert_int_eq(look_up(id), CORE_FOUND);
}
END_TEST

START_TEST(oldest_goes_when_there_are_too_many)
{
	limits.result_count = 3;
	core_set_limits(toy.core, &limits);
	for (int i = 0; i < 6; i++)
		ended(i % 2 ? TASK_SUCCEEDED : TASK_FAILED, 0);
	toy_turn(&toy);
	for (uint64_t id = 1; id <= 6; id++)
		ck_assert_int_eq(look_up(id), id <= 3 ? CORE_FORGOTTEN : CORE_FOUND);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 3);
}
END_TEST

START_TEST(fetched_one_goes_first_and_then_the_oldest)
{
	limits.result_count = 4;
	core_set_limits(toy.core, &limits);
	struct task *tasks[7];
	for (int i = 1; i <= 4; i++)
		tasks[i] = ended(TASK_SUCCEEDED, 0);
	core_task_fetched(tasks[3]);
	core_task_fetched(tasks[3]);
	ended(TASK_SUCCEEDED, 0);
	toy_turn(&toy);
	ck_assert_int_eq(look_up(3), CORE_FORGOTTEN);
	ended(TASK_SUCCEEDED, 0);
	toy_turn(&toy);
	ck_assert_int_eq(look_up(1), CORE_FORGOTTEN);
	ck_assert_int_eq(look_up(2), CORE_FOUND);
}
END_TEST

START_TEST(bytes_are_limited_and_one_record_always_stays)
{
	for (int i = 0; i < 10; i++)
		ended(TASK_SUCCEEDED, 200 << 10);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 5);
	ck_assert_uint_le(core_totals(toy.core)->kept_bytes, limits.result_bytes);
	limits.result_bytes = 1;
	core_set_limits(toy.core, &limits);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 1);
	ck_assert_int_eq(look_up(10), CORE_FOUND);
}
END_TEST

/* Waiters have had it by the end of the turn; all others are told how large it was. */
START_TEST(result_that_is_too_large_is_dropped_and_nothing_else)
{
	uint64_t small = ended(TASK_SUCCEEDED, 1000)->id;
	struct task *large = ended(TASK_SUCCEEDED, 4 << 20);

	ck_assert_uint_eq(large->outcome->result->size, 4 << 20);
	ck_assert_uint_eq(large->outcome->dropped, 0);
	toy_turn(&toy);
	ck_assert_int_eq(look_up(small), CORE_FOUND);
	ck_assert_int_eq(look_up(large->id), CORE_FOUND);
	ck_assert_int_eq(large->state, TASK_SUCCEEDED);
	ck_assert_ptr_null(large->outcome->result);
	ck_assert_uint_eq(large->outcome->dropped, 4 << 20);
	ck_assert_uint_lt(core_totals(toy.core)->kept_bytes, 10000);
	core_forget(large);
	core_forget(ended(TASK_SUCCEEDED, 4 << 20)); /* not there any more when it would be shrunk */
	toy_turn(&toy);
	ck_assert_int_eq(look_up(small), CORE_FOUND);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 1);
}
END_TEST

START_TEST(limit_that_was_lowered_costs_large_results_first_and_then_records)
{
	struct task *large = ended(TASK_SUCCEEDED, 500 << 10);
	struct task *newer = ended(TASK_SUCCEEDED, 1000);

	toy_turn(&toy);
	ck_assert_ptr_nonnull(large->outcome->result);
	limits.result_bytes = 100 << 10;
	core_set_limits(toy.core, &limits);
	toy_turn(&toy);
	ck_assert_uint_eq(large->outcome->dropped, 500 << 10);
	ck_assert_ptr_nonnull(newer->outcome->result);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 2);
}
END_TEST

static struct task *ended_with_args(enum task_state state, size_t size, struct bytes *data)
{
	char *room;
	struct bytes *args = bytes_new_room(size, &room);
	struct task *task;
	struct task_spec spec = { .type = toy.type, .queue = toy.queue, .args = args };
	const struct task_outcome outcome = { .state = state, .data = data };

	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	bytes_unref(args);
	toy_turn(&toy);
	slot->count = 0;
	core_task_done(task, &outcome, toy.now_ns, toy.now_ns);
	core_set_now(toy.core, ++toy.now_ns);
	return task;
}

START_TEST(arguments_are_kept_of_what_may_be_retried_and_count)
{
	struct task *success = ended_with_args(TASK_SUCCEEDED, 50 << 10, NULL);
	ck_assert_ptr_null(success->args);
	ck_assert_uint_lt(core_totals(toy.core)->kept_bytes, 10 << 10);
	struct task *failure = ended_with_args(TASK_FAILED, 50 << 10, NULL);
	ck_assert_uint_eq(failure->args->size, 50 << 10);
	ck_assert_uint_gt(core_totals(toy.core)->kept_bytes, 50 << 10);
	struct task *again;
	ck_assert_int_eq(core_retry(failure, &again), CORE_OK);
	core_cancel(again);
	core_forget(failure);
	core_forget(again);
	core_forget(success);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 0);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 0);
}
END_TEST

START_TEST(arguments_go_before_what_the_handler_said)
{
	char *room;
	struct task *failure = ended_with_args(TASK_FAILED, 2 << 20, bytes_new_room(500 << 10, &room));
	struct task *worse = ended_with_args(TASK_FAILED, 2 << 20, bytes_new_room(2 << 20, &room));

	toy_turn(&toy);
	ck_assert_ptr_null(failure->args);
	ck_assert_ptr_nonnull(failure->outcome->data);
	ck_assert_uint_eq(failure->outcome->dropped, 2 << 20);
	ck_assert_ptr_null(worse->args);
	ck_assert_ptr_null(worse->outcome->data);
	ck_assert_uint_eq(worse->outcome->dropped, 4 << 20);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 2);
}
END_TEST

START_TEST(dropped_record_is_found_by_nothing_any_more)
{
	struct task_spec spec = {
		.type = toy.type, .queue = toy.queue, .tag = "t", .tag_length = 1, .key = "k", .key_length = 1, .owner = 17,
	};
	struct task *task;

	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	core_cancel(task);
	spec.key_mode = KEY_ONCE;
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_ATTACHED);
	ck_assert_uint_eq(toy.type->tasks.count, 1);
	ck_assert_uint_eq(toy.core->tags.count, 1);
	ck_assert_uint_eq(toy.core->owners.count, 1);
	core_forget(task);
	ck_assert_uint_eq(task->owner->uid, 17); /* it is valid until the turn ends */
	ck_assert_str_eq(task_tag(task), "t");
	ck_assert_uint_eq(toy.type->tasks.count, 0);
	ck_assert_uint_eq(toy.queue->tasks.count, 0);
	ck_assert_uint_eq(toy.core->keys.count, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.core->tags.count, 0);
	ck_assert_uint_eq(toy.core->owners.count, 0);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
}
END_TEST

START_TEST(lower_limits_hold_from_the_next_turn)
{
	for (int i = 0; i < 10; i++)
		ended(TASK_SUCCEEDED, 0);
	limits.result_count = 2;
	core_set_limits(toy.core, &limits);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 10);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 2);
}
END_TEST

START_TEST(dropped_record_is_there_until_the_turn_ends)
{
	struct task *task = ended(TASK_SUCCEEDED, 10);

	core_forget(task);
	core_task_fetched(task);
	ck_assert(core_forget(task));
	ck_assert_uint_eq(task->outcome->result->size, 10);
	ck_assert_uint_eq(core_totals(toy.core)->kept, 0);
	toy_turn(&toy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: kept records");
	TCase *tcase = tcase_create("keep");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, what_was_dropped_is_forgotten_and_what_never_was_is_not_found);
	tcase_add_test(tcase, successes_go_after_their_time_and_failures_stay_longer);
	tcase_add_test(tcase, records_that_end_together_do_not_wake_the_daemon_one_by_one);
	tcase_add_test(tcase, for_ever_is_for_ever);
	tcase_add_test(tcase, oldest_goes_when_there_are_too_many);
	tcase_add_test(tcase, fetched_one_goes_first_and_then_the_oldest);
	tcase_add_test(tcase, bytes_are_limited_and_one_record_always_stays);
	tcase_add_test(tcase, result_that_is_too_large_is_dropped_and_nothing_else);
	tcase_add_test(tcase, limit_that_was_lowered_costs_large_results_first_and_then_records);
	tcase_add_test(tcase, arguments_are_kept_of_what_may_be_retried_and_count);
	tcase_add_test(tcase, arguments_go_before_what_the_handler_said);
	tcase_add_test(tcase, dropped_record_is_found_by_nothing_any_more);
	tcase_add_test(tcase, lower_limits_hold_from_the_next_turn);
	tcase_add_test(tcase, dropped_record_is_there_until_the_turn_ends);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
