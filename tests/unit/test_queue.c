/* Queues: the order in which tasks leave them, coming back, limits, several queues. */
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

START_TEST(priority_holds_across_the_queues_of_a_pool)
{
	const uint64_t order[] = { 4, 2, 3, 5, 1 };
	struct core_queue *first = toy.queue;
	struct core_queue *other = toy_queue_new(&toy, "other", 0, 0);

	toy_submit(&toy, -1);
	toy.queue = other;
	toy_submit(&toy, 3);
	toy.queue = first;
	toy_submit(&toy, 2);
	toy.queue = other;
	toy_submit(&toy, 7);
	toy_submit(&toy, 1);
	expect_order(order, 5);
}
END_TEST

static struct core_queue_options with_order(enum queue_order order)
{
	return (struct core_queue_options){ .order = order };
}

static void use_queue(struct core_queue_options options)
{
	toy.queue = core_queue_new(toy.core, "ordered", toy.pool, &options);
}

static void submit_priorities(const int32_t *priorities, int n)
{
	for (int i = 0; i < n; i++)
		toy_submit(&toy, priorities[i]);
}

/* Lists that tasks wait in. */
static size_t n_buckets(void)
{
	const struct line *line;
	size_t n = 0;

	LIST_FOREACH(line, &toy.queue->lines, of_queue)
		n += line->order.count;
	return n;
}

START_TEST(first_come_is_first_served_whatever_the_priority)
{
	const uint64_t order[] = { 1, 2, 3, 4, 5 };

	use_queue(with_order(QUEUE_FIFO));
	submit_priorities((const int32_t[]){ 0, 5, -7, INT32_MAX, INT32_MIN }, 5);
	ck_assert_int_eq(queue_first(toy.queue)->priority, 0);
	ck_assert_uint_eq(n_buckets(), 1);
	expect_order(order, 5);
}
END_TEST

START_TEST(last_come_is_first_served_whatever_the_priority)
{
	const uint64_t order[] = { 5, 4, 3, 2, 1 };

	use_queue(with_order(QUEUE_LIFO));
	submit_priorities((const int32_t[]){ 0, 5, -7, INT32_MAX, INT32_MIN }, 5);
	expect_order(order, 5);
}
END_TEST

START_TEST(last_come_goes_before_what_comes_back)
{
	use_queue(with_order(QUEUE_LIFO));
	toy_teach(&toy, NS_PER_US);
	submit_priorities((const int32_t[]){ 0, 1, 2, 3 }, 4);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 4);
	toy_submit(&toy, 0);
	core_queue_pause(toy.queue);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(toy.given[4 + i], (uint64_t)(5 - i));
}
END_TEST

START_TEST(who_waits_long_enough_counts_for_more)
{
	const uint64_t order[] = { 2, 1, 4, 3, 5 };

	use_queue((struct core_queue_options){ .ageing_ns = NS_PER_S });
	toy_submit(&toy, 0); /* 1 */
	core_set_now(toy.core, toy.now_ns += NS_PER_S / 2);
	toy_submit(&toy, 1); /* 2: half a second later, and one higher */
	core_set_now(toy.core, toy.now_ns += NS_PER_S / 2 + 10);
	toy_submit(&toy, 0); /* 3 */
	toy_submit(&toy, 1); /* 4: a second after 1, and no longer ahead of it */
	core_set_now(toy.core, toy.now_ns += 3 * NS_PER_S);
	toy_submit(&toy, 2); /* 5: three seconds later */
	expect_order(order, 5);
}
END_TEST

START_TEST(ageing_does_not_overflow)
{
	const uint64_t order[] = { 1, 2, 3 };

	use_queue((struct core_queue_options){ .ageing_ns = INT64_MAX });
	submit_priorities((const int32_t[]){ INT32_MAX, 0, INT32_MIN }, 3);
	expect_order(order, 3);
}
END_TEST

/* What is next by definition: the least of those that wait. */
static struct task *model_first(struct task **tasks, int n, const struct core_queue_options *options)
{
	struct task *best = NULL;

	for (int i = 0; i < n; i++) {
		struct task *task = tasks[i];

		if (!task || task->slot || task->state != TASK_QUEUED)
			continue;
		if (!best) {
			best = task;
			continue;
		}
		int64_t ahead = 0; /* of TASK before BEST, apart from their places */
		if (options->order == QUEUE_PRIORITY && options->ageing_ns)
			ahead = (int64_t)(best->place - task->place) +
				((int64_t)task->priority - best->priority) * options->ageing_ns;
		else if (options->order == QUEUE_PRIORITY)
			ahead = (int64_t)task->priority - best->priority;
		bool earlier = options->order == QUEUE_LIFO ? task->place > best->place : task->place < best->place;
		if (ahead > 0 || (ahead == 0 && earlier))
			best = task;
	}
	return best;
}

#define MANY 120

/* Comes, goes, comes back, and the order itself changes. */
START_TEST(any_order_is_that_of_a_naive_search)
{
	struct core_queue_options options = { 0 };
	struct task *tasks[MANY];
	struct task *out[MANY];
	int n = 0, n_out = 0;

	srand((unsigned)_i);
	use_queue(options);
	while (n < MANY) {
		int dice = rand() % 20;

		core_set_now(toy.core, toy.now_ns += rand() % 50);
		if (dice < 10) {
			tasks[n++] = toy_submit(&toy, rand() % 7 - 3);
		} else if (dice < 14 && queue_first(toy.queue)) {
			out[n_out] = queue_first(toy.queue);
			queue_remove(toy.queue, out[n_out]);
			out[n_out++]->slot = slot->slot; /* for the model: it is away */
		} else if (dice < 17 && n_out) {
			struct task *task = out[--n_out];

			task->slot = NULL;
			queue_push_back(toy.queue, task);
		} else if (dice == 17) {
			options.order = (enum queue_order)(rand() % 3);
			options.ageing_ns = rand() % 2 ? rand() % 100 : 0;
			core_queue_set(toy.queue, &options);
		} else if (n) {
			struct task *task = tasks[rand() % n];

			if (!task->slot)
				core_cancel(task);
		}
		ck_assert_ptr_eq(queue_first(toy.queue), model_first(tasks, n, &options));
		ck_assert_uint_eq(toy.pool->waiting.count, queue_first(toy.queue) != NULL);
	}
	while (n_out) {
		out[--n_out]->slot = NULL;
		queue_push_back(toy.queue, out[n_out]);
	}
	for (struct task *task; (task = queue_first(toy.queue)); core_cancel(task))
		ck_assert_ptr_eq(task, model_first(tasks, n, &options));
	ck_assert_uint_eq(toy.queue->figures.waiting, 0);
	ck_assert_uint_eq(n_buckets(), 0);
}
END_TEST

static int by_priority(const void *a, const void *b)
{
	const struct task *one = *(struct task *const *)a, *two = *(struct task *const *)b;

	if (one->priority != two->priority)
		return one->priority > two->priority ? -1 : 1;
	return one->id < two->id ? -1 : 1;
}

/* However large the window is. */
START_TEST(thousand_random_priorities_start_in_exact_order)
{
	struct task *tasks[1000];
	struct task *busy = toy_submit(&toy, 0);

	srand((unsigned)_i);
	toy_turn(&toy);
	ck_assert_ptr_eq(toy_take(slot), busy);
	toy_teach(&toy, _i % 2 ? 20 * NS_PER_US : 0);
	for (int i = 0; i < 1000; i++) {
		tasks[i] = toy_submit(&toy, rand() % 100 - 50);
		if (i % 10 == 0)
			toy_advance(&toy, NS_PER_MS);
	}
	toy_advance(&toy, 10 * NS_PER_MS);
	ck_assert_uint_eq(core_slot_in_flight(slot->slot), 1); /* what it was given meanwhile has been taken back */
	qsort(tasks, 1000, sizeof(struct task *), by_priority);
	toy_finish(slot, TASK_SUCCEEDED);
	for (int i = 0; i < 1000; i++) {
		toy_advance(&toy, 20 * NS_PER_US);
		ck_assert_ptr_eq(toy_take(slot), tasks[i]);
		toy_finish(slot, TASK_SUCCEEDED);
	}
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
	ck_assert_uint_eq(n_buckets(), 100);
	for (int i = 0; i < 200; i++)
		ck_assert(core_cancel(tasks[i]));
	ck_assert_uint_eq(n_buckets(), 0);
	ck_assert_uint_eq(toy.queue->order.count, 0);
	ck_assert_ptr_nonnull(toy.queue->spare);
	ck_assert_ptr_nonnull(toy.queue->spare_line);
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

START_TEST(room_is_for_all_that_waits_in_any_state)
{
	struct task *task;
	struct task_spec spec = { .type = toy.type, .queue = toy_queue_new(&toy, "small", 3, 0) };
	struct core_queue_figures figures;

	spec.due_ns = toy.now_ns + NS_PER_S;
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	const struct task_ref after = { .id = task->id };
	spec.due_ns = 0;
	spec.after = &after;
	spec.n_after = 1;
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	spec.n_after = 0;
	ck_assert(queue_has_room(spec.queue, 1, 0, 0, 0));
	ck_assert(!queue_has_room(spec.queue, 2, 0, 0, 0));
	ck_assert(!queue_has_room(spec.queue, SIZE_MAX, 0, 0, 0));
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_QUEUE_FULL);
	core_queue_figures(spec.queue, &figures);
	ck_assert_uint_eq(figures.scheduled, 1);
	ck_assert_uint_eq(figures.blocked, 1);
	ck_assert_uint_eq(figures.waiting, 1);
	toy_advance(&toy, NS_PER_S);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	core_queue_figures(spec.queue, &figures);
	ck_assert_uint_eq(figures.scheduled + figures.blocked + figures.waiting + figures.running, 0);
	ck_assert_uint_eq(figures.ended, 3);
}
END_TEST

START_TEST(what_was_delayed_joins_when_it_is_due)
{
	const uint64_t order[] = { 2, 1, 3, 4 };
	struct task *task;
	struct task_spec spec = { .type = toy.type, .due_ns = toy.now_ns + NS_PER_S };

	use_queue(with_order(QUEUE_FIFO));
	spec.queue = toy.queue;
	core_slot_retire(slot->slot);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	toy_submit(&toy, 0);
	spec.due_ns = toy.now_ns + NS_PER_S - 1;
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	toy_advance(&toy, NS_PER_S);
	toy_submit(&toy, 0);
	core_slot_ready(slot->slot);
	expect_order(order, 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("queue");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, higher_priority_goes_first_and_equals_by_submission);
	tcase_add_test(tcase, priority_holds_across_the_queues_of_a_pool);
	tcase_add_test(tcase, first_come_is_first_served_whatever_the_priority);
	tcase_add_test(tcase, last_come_is_first_served_whatever_the_priority);
	tcase_add_test(tcase, last_come_goes_before_what_comes_back);
	tcase_add_test(tcase, who_waits_long_enough_counts_for_more);
	tcase_add_test(tcase, ageing_does_not_overflow);
	tcase_add_loop_test(tcase, any_order_is_that_of_a_naive_search, 0, 200);
	tcase_add_loop_test(tcase, thousand_random_priorities_start_in_exact_order, 0, 10);
	tcase_add_test(tcase, what_comes_back_stands_where_it_stood);
	tcase_add_test(tcase, many_priorities_leave_no_buckets_behind);
	tcase_add_test(tcase, full_queue_refuses_and_takes_again);
	tcase_add_test(tcase, queue_counts_the_bytes_of_arguments);
	tcase_add_test(tcase, room_is_for_all_that_waits_in_any_state);
	tcase_add_test(tcase, what_was_delayed_joins_when_it_is_due);
	tcase_add_test(tcase, freed_queue_is_named_by_its_records_and_found_no_more);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
