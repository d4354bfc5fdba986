/* Queues: the order in which tasks leave them, coming back, limits, several queues, listings. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

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

/* Runs everything, one task at a time, and checks that it was given in the order of IDS. */
static void expect_order(const uint64_t *ids, int n)
{
	for (int i = 0; i < n; i++) {
		toy_turn(&toy);
		ck_assert_int_eq(toy.n_given, i + 1);
		ck_assert_uint_eq(toy.given[i], ids[i]);
		toy_finish(slot, TASK_SUCCEEDED);
		toy_teach(&toy, 0); /* unknown: never more than one in a lane */
	}
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, n);
}

START_TEST(higher_priority_goes_first_and_equals_by_submission)
{
	const int32_t priorities[] = { 0, 5, 0, -3, 5, INT32_MAX, INT32_MIN, 0 };
	const uint64_t order[] = { 6, 2, 5, 1, 3, 8, 4, 7 };

	for (size_t i = 0; i < 8; i++)
		toy_submit(&toy, priorities[i]);
	expect_order(order, 8);
}
END_TEST

START_TEST(order_holds_across_the_queues_of_a_pool)
{
	const uint64_t order[] = { 4, 1, 2, 3 };

	toy_submit(&toy, 0);
	struct core_queue *first = toy.queue;
	toy.queue = toy_queue_new(&toy, "other", 0, 0);
	toy_submit(&toy, 0);
	toy.queue = first;
	toy_submit(&toy, 0);
	toy.queue = core_queue_find(toy.core, "other");
	toy_submit(&toy, 1);
	expect_order(order, 4);
}
END_TEST

START_TEST(what_comes_back_stands_where_it_stood)
{
	struct task *tasks[10];

	for (int i = 0; i < 10; i++)
		tasks[i] = toy_submit(&toy, i == 9 ? 7 : 0);
	const int out[] = { 4, 0, 9, 1, 8 };
	for (size_t i = 0; i < 5; i++)
		queue_remove(toy.queue, tasks[out[i]]);
	const int back[] = { 8, 1, 9, 4, 0 };
	for (size_t i = 0; i < 5; i++)
		queue_push_back(toy.queue, tasks[back[i]]);
	const uint64_t order[] = { 10, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	expect_order(order, 10);
}
END_TEST

START_TEST(many_priorities_leave_no_buckets_behind)
{
	struct task *tasks[200];

	for (int i = 0; i < 200; i++)
		tasks[i] = toy_submit(&toy, i % 100);
	ck_assert_uint_eq(toy.queue->buckets.count, 100);
	for (int i = 0; i < 200; i++)
		ck_assert(core_cancel(tasks[i]));
	ck_assert_uint_eq(toy.queue->buckets.count, 0);
	ck_assert_uint_eq(toy.queue->order.count, 0);
	ck_assert_ptr_nonnull(toy.queue->spare);
	ck_assert_uint_eq(toy.pool->waiting.count, 0);
}
END_TEST

START_TEST(full_queue_refuses_and_takes_again)
{
	struct task *task;
	struct task_spec spec = { .type = toy.type, .queue = toy_queue_new(&toy, "small", 2, 0) };

	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	struct task *second = task;
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_QUEUE_FULL);
	ck_assert_ptr_null(task);
	core_cancel(second);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	core_queue_set(spec.queue, &(struct core_queue_options){ .limit_queued = 3 });
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_QUEUE_FULL);
	toy_turn(&toy); /* one goes into the lane, and waits here no more */
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
}
END_TEST

START_TEST(queue_counts_the_bytes_of_arguments)
{
	struct task *task;
	struct bytes *args = bytes_new("0123456789", 10);
	struct task_spec spec = { .type = toy.type, .args = args };
	struct core_queue_figures figures;

	spec.queue = toy_queue_new(&toy, "small", 0, 2 * bytes_cost(args) + 1);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	ck_assert_uint_eq(args->references, 3);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_QUEUE_FULL);
	core_queue_figures(spec.queue, &figures);
	ck_assert_uint_eq(figures.waiting_bytes, 2 * bytes_cost(args));
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 2 * bytes_cost(args));
	toy_turn(&toy);
	core_queue_figures(spec.queue, &figures);
	ck_assert_uint_eq(figures.waiting, 1);
	ck_assert_uint_eq(figures.running, 1);
	ck_assert_uint_eq(figures.waiting_bytes, bytes_cost(args));
	toy_finish(slot, TASK_SUCCEEDED);
	ck_assert_uint_eq(args->references, 2); /* the first one's are dropped */
	core_queue_figures(spec.queue, &figures);
	ck_assert_uint_eq(figures.ended, 1);
	ck_assert_uint_eq(figures.submitted, 2);
	bytes_unref(args);
}
END_TEST

START_TEST(freed_queue_is_named_by_its_records_and_found_no_more)
{
	struct core_queue *first = toy.queue;

	toy.queue = toy_queue_new(&toy, "passing", 0, 0);
	struct task *task = toy_submit(&toy, 0);
	core_cancel(task);
	core_queue_free(toy.queue);
	ck_assert_ptr_null(core_queue_find(toy.core, "passing"));
	ck_assert_str_eq(core_queue_name(task->queue), "passing");
	ck_assert_ptr_null(core_queue_pool(task->queue));
	toy.queue = toy_queue_new(&toy, "passing", 0, 0);
	ck_assert_ptr_ne(toy.queue, task->queue);
	core_forget(task);
	toy_turn(&toy);
	core_queue_free(toy.queue);
	ck_assert_ptr_eq(core_queue_next(toy.core, NULL), first);
	ck_assert_ptr_null(core_queue_next(toy.core, first));
}
END_TEST

static int count_in(enum task_state state)
{
	int n = 0;

	for (struct task *task = NULL; (task = core_task_next(toy.core, state, task)); n++)
		ck_assert_int_eq(task->state, state);
	return n;
}

START_TEST(listing_finds_every_task_of_a_state_once)
{
	struct toy_slot *second = toy_slot_new(&toy);
	struct core_queue *first = toy.queue;

	toy_teach(&toy, 200000);
	for (int i = 0; i < 30; i++)
		toy_submit(&toy, i % 3);
	toy.queue = toy_queue_new(&toy, "empty", 0, 0);
	toy.queue = toy_queue_new(&toy, "other", 0, 0);
	for (int i = 0; i < 10; i++)
		toy_submit(&toy, i % 2);
	toy.queue = first;
	ck_assert_int_eq(count_in(TASK_QUEUED), 40);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->in_lanes, 10);
	ck_assert_int_eq(count_in(TASK_QUEUED), 40);
	toy_take(slot);
	toy_take(second);
	ck_assert_int_eq(count_in(TASK_RUNNING), 2); /* though nobody has looked yet */
	ck_assert_int_eq(count_in(TASK_QUEUED), 38);
	core_cancel(core_slot_task_next(slot->slot, NULL));
	ck_assert_int_eq(count_in(TASK_CANCELLING), 1);
	toy_finish(second, TASK_FAILED);
	toy_finish(second, TASK_SUCCEEDED);
	toy_finish(second, TASK_SUCCEEDED);
	ck_assert_int_eq(count_in(TASK_FAILED), 1);
	ck_assert_int_eq(count_in(TASK_SUCCEEDED), 2);
	free(second);
}
END_TEST

START_TEST(ended_ones_are_listed_newest_first_and_fetched_ones_behind)
{
	struct task *tasks[5];

	for (int i = 0; i < 5; i++)
		core_cancel(tasks[i] = toy_submit(&toy, 0));
	core_task_fetched(tasks[4]);
	core_task_fetched(tasks[1]);
	const int order[] = { 3, 2, 0, 1, 4 };
	struct task *task = NULL;
	for (size_t i = 0; i < 5; i++) {
		task = core_task_next(toy.core, TASK_CANCELLED, task);
		ck_assert_ptr_eq(task, tasks[order[i]]);
	}
	ck_assert_ptr_null(core_task_next(toy.core, TASK_CANCELLED, task));
	ck_assert_ptr_null(core_task_next(toy.core, TASK_EXPIRED, NULL));
}
END_TEST

START_TEST(page_begins_below_an_id_whether_or_not_it_is_there)
{
	struct task *tasks[1001];

	ck_assert_ptr_null(core_task_below(toy.core, UINT64_MAX));
	for (int i = 1; i <= 1000; i++)
		tasks[i] = toy_submit(&toy, i % 5);
	ck_assert_ptr_eq(core_task_below(toy.core, UINT64_MAX), tasks[1000]);
	ck_assert_ptr_eq(core_task_below(toy.core, 500), tasks[499]);
	ck_assert_ptr_null(core_task_below(toy.core, 1));
	ck_assert_ptr_null(core_task_below(toy.core, 0));
	for (int i = 2; i < 900; i++) {
		core_cancel(tasks[i]);
		core_forget(tasks[i]);
	}
	ck_assert_ptr_eq(core_task_below(toy.core, 5), tasks[1]);
	ck_assert_ptr_eq(core_task_below(toy.core, 899), tasks[1]);
	ck_assert_ptr_eq(core_task_below(toy.core, 901), tasks[900]);
	ck_assert_ptr_eq(core_task_below(toy.core, 900), tasks[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("queue");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, higher_priority_goes_first_and_equals_by_submission);
	tcase_add_test(tcase, order_holds_across_the_queues_of_a_pool);
	tcase_add_test(tcase, what_comes_back_stands_where_it_stood);
	tcase_add_test(tcase, many_priorities_leave_no_buckets_behind);
	tcase_add_test(tcase, full_queue_refuses_and_takes_again);
	tcase_add_test(tcase, queue_counts_the_bytes_of_arguments);
	tcase_add_test(tcase, freed_queue_is_named_by_its_records_and_found_no_more);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("listing");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, listing_finds_every_task_of_a_state_once);
	tcase_add_test(tcase, ended_ones_are_listed_newest_first_and_fetched_ones_behind);
	tcase_add_test(tcase, page_begins_below_an_id_whether_or_not_it_is_there);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
