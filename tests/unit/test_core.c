/* The scheduler: the window, who gets what, lanes without room, the sweep and its timer. */
#include "core/core.h"

#include <check.h>
#include <stdlib.h>

#include "toy.h"

static struct toy toy;
static struct toy_slot *a, *b;

static void fresh(void)
{
	toy_init(&toy);
	a = toy_slot_new(&toy);
	b = NULL;
}

static void finish(void)
{
	toy_fini(&toy);
	free(a);
	free(b);
}

static void submit_many(int n)
{
	while (n-- > 0)
		toy_submit(&toy, 0);
}

static size_t in_flight(const struct toy_slot *slot)
{
	return core_slot_in_flight(slot->slot);
}

/* --- the window --- */

START_TEST(nothing_starts_before_the_turn)
{
	toy_submit(&toy, 0);
	ck_assert_int_eq(toy.n_given, 0);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	toy_submit(&toy, 0);
	toy_finish(a, TASK_SUCCEEDED);
	ck_assert_int_eq(toy.n_given, 1);
}
END_TEST

static const struct {
	int64_t mean_ns;
	size_t expected;
} windows[] = {
	{ 0, 1 }, /* unknown */
	{ 1, 64 },
	{ 15 * NS_PER_US, 64 },
	{ 100 * NS_PER_US, 10 },
	{ 300 * NS_PER_US, 3 },
	{ 600 * NS_PER_US, 1 },
	{ NS_PER_MS, 1 },
	{ 100 * NS_PER_S, 1 },
	{ INT64_MAX / 2, 1 },
};

START_TEST(lane_holds_a_millisecond_of_work_and_never_nothing)
{
	toy_teach(&toy, windows[_i].mean_ns);
	submit_many(100);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), windows[_i].expected);
	ck_assert_int_eq(a->count, (int)windows[_i].expected);
	ck_assert_uint_eq(core_totals(toy.core)->waiting, 100 - windows[_i].expected);
	ck_assert_uint_eq(core_totals(toy.core)->in_lanes, windows[_i].expected);
}
END_TEST

static const struct {
	int64_t mean_ns;
	size_t expected;
} pool_windows[] = {
	{ 0, 4 }, /* unknown */
	{ 100 * NS_PER_US, 40 },
	{ 900 * NS_PER_US, 4 },
	{ 2 * NS_PER_MS, 2 },
	{ 3 * NS_PER_MS, 1 },
	{ 4 * NS_PER_MS, 1 },
};

START_TEST(lane_holds_as_much_work_as_its_pool_says)
{
	core_pool_set_window(toy.pool, 4 * NS_PER_MS);
	toy_teach(&toy, pool_windows[_i].mean_ns);
	submit_many(100);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), pool_windows[_i].expected);
}
END_TEST

/* What waits behind a slow one is taken back all the same, with the second look. */
START_TEST(lane_with_a_wide_window_is_looked_at_less_often)
{
	core_pool_set_window(toy.pool, 4 * NS_PER_MS);
	toy_teach(&toy, 900 * NS_PER_US);
	submit_many(4);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + 2 * NS_PER_MS);
	toy_advance(&toy, 3 * NS_PER_MS / 2);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + NS_PER_MS / 2);
	toy_take(a);
	toy_advance(&toy, NS_PER_MS / 2);
	ck_assert_uint_eq(in_flight(a), 4);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + 2 * NS_PER_MS);
	toy_advance(&toy, 2 * NS_PER_MS);
	ck_assert_uint_eq(in_flight(a), 1);
	ck_assert_int_eq(toy.n_revoked, 3);
	toy_finish(a, TASK_SUCCEEDED);
}
END_TEST

START_TEST(chunk_counts_for_its_items)
{
	struct task *task;
	struct task_spec spec = { .type = toy.type, .queue = toy.queue, .items = 50 };

	toy_teach(&toy, 10 * NS_PER_US);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 2);
	toy_take(a);
	toy_advance(&toy, 500 * NS_PER_US);
	toy_teach(&toy, 0);
	toy_finish(a, TASK_SUCCEEDED);
	ck_assert_int_eq(toy.type->mean_run_ns, 10 * NS_PER_US); /* of one item */
}
END_TEST

START_TEST(mean_follows_what_is_measured)
{
	const int64_t runs_ms[] = { 8, 16, 0 };
	const int64_t means_ns[] = { 8000000, 9000000, 7875000 };

	for (int i = 0; i < 3; i++) {
		toy_submit(&toy, 0);
		toy_turn(&toy);
		toy_take(a);
		toy_advance(&toy, runs_ms[i] * NS_PER_MS);
		toy_finish(a, i == 1 ? TASK_FAILED : TASK_SUCCEEDED);
		ck_assert_int_le(llabs(toy.type->mean_run_ns - means_ns[i]), 1);
	}
}
END_TEST

START_TEST(long_task_is_not_put_behind_others)
{
	struct task_type *slow = core_type(toy.core, "slow", 4);
	struct task *task;
	struct task_spec spec = { .type = slow, .queue = toy.queue };

	toy_teach(&toy, 10 * NS_PER_US);
	slow->mean_run_ns = NS_PER_S;
	submit_many(2);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	submit_many(2);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 2);
	ck_assert_ptr_null(task->slot);
	toy_finish(a, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_null(task->slot);
	toy_finish(a, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_eq(task->slot, a->slot);
	ck_assert_uint_eq(in_flight(a), 1);
}
END_TEST

START_TEST(idle_slots_first_then_open_ones_in_turn)
{
	b = toy_slot_new(&toy);
	toy_teach(&toy, NS_PER_US);
	submit_many(2);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 1);
	ck_assert_uint_eq(in_flight(b), 1);
	submit_many(10);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 6);
	ck_assert_uint_eq(in_flight(b), 6);
	while (b->count)
		toy_finish(b, TASK_SUCCEEDED);
	submit_many(1);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(b), 1);
	ck_assert_uint_eq(in_flight(a), 6);
}
END_TEST

START_TEST(priority_overtakes_what_waits_in_the_queue)
{
	toy_teach(&toy, 250 * NS_PER_US);
	submit_many(10);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 4);
	struct task *urgent = toy_submit(&toy, 1);
	toy_finish(a, TASK_SUCCEEDED);
	toy_teach(&toy, 250 * NS_PER_US);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.given[4], urgent->id);
}
END_TEST

START_TEST(pools_do_not_take_from_each_other)
{
	struct core_pool *other = core_pool_new(toy.core, "other", NULL);
	const struct core_queue_options options = { 0 };
	struct core_queue *queue = core_queue_new(toy.core, "other", other, &options);
	struct task *task;
	struct task_spec spec = { .type = toy.type, .queue = queue, .priority = 9 };

	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
	struct task *mine = toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_ptr_null(task->slot);
	ck_assert_ptr_eq(mine->slot, a->slot);
	ck_assert_str_eq(core_pool_name(core_queue_pool(task->queue)), "other");
	ck_assert_ptr_eq(core_pool_user(toy.pool), &toy);
}
END_TEST

/* --- a lane without room --- */

START_TEST(slot_that_refuses_is_left_alone_until_it_has_completed_one)
{
	toy_teach(&toy, NS_PER_US);
	a->room = 2;
	submit_many(10);
	for (int i = 0; i < 5; i++)
		toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 2);
	ck_assert_int_eq(toy.n_refused, 1);
	toy_finish(a, TASK_SUCCEEDED);
	for (int i = 0; i < 5; i++)
		toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 3);
	ck_assert_int_eq(toy.n_refused, 2);
	ck_assert_uint_eq(toy.given[2], 3); /* the refused one kept its place */
}
END_TEST

START_TEST(slot_that_refused_and_was_emptied_starts_afresh)
{
	toy_teach(&toy, NS_PER_US);
	a->room = 1;
	submit_many(2);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_refused, 1);
	a->room = TOY_LANE;
	ck_assert(core_cancel(core_slot_task_next(a->slot, NULL)));
	submit_many(4);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 5);
}
END_TEST

START_TEST(empty_lane_that_refuses_is_tried_again_soon)
{
	a->room = 0;
	submit_many(1);
	toy_turn(&toy);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_refused, 1);
	ck_assert_int_gt(toy.next_ns, toy.now_ns);
	ck_assert_int_le(toy.next_ns, toy.now_ns + 10 * NS_PER_MS);
	a->room = 1;
	toy_advance(&toy, toy.next_ns - toy.now_ns);
	ck_assert_int_eq(toy.n_given, 1);
}
END_TEST

/* --- the sweep --- */

START_TEST(sweep_finds_what_runs_and_then_needs_no_timer)
{
	struct task *task = toy_submit(&toy, 0);

	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, toy.now_ns + NS_PER_MS);
	toy_advance(&toy, 300 * NS_PER_US);
	toy_take(a);
	int64_t taken_ns = toy.now_ns;
	ck_assert_int_eq(task->state, TASK_QUEUED);
	toy_advance(&toy, 700 * NS_PER_US);
	ck_assert_int_eq(task->state, TASK_RUNNING);
	ck_assert_int_eq(task->started_ns, taken_ns);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

START_TEST(no_sweep_after_all_is_done)
{
	struct task *task = toy_submit(&toy, 0);

	toy_turn(&toy);
	toy_finish(a, TASK_SUCCEEDED);
	core_forget(task);
	toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	ck_assert_int_eq(toy.n_looked, 0);
}
END_TEST

START_TEST(what_waits_behind_a_task_that_outlives_its_estimate_comes_back)
{
	b = toy_slot_new(&toy);
	toy_teach(&toy, 100 * NS_PER_US);
	submit_many(6);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 3);
	struct task *slow = toy_take(a);
	toy_advance(&toy, NS_PER_MS);
	ck_assert_uint_eq(in_flight(a), 3); /* not yet: it has had its millisecond, and no more */
	while (b->count)
		toy_finish(b, TASK_SUCCEEDED);
	toy_advance(&toy, NS_PER_MS);
	ck_assert_uint_eq(in_flight(a), 1);
	ck_assert_int_eq(toy.n_revoked, 2);
	ck_assert_uint_eq(in_flight(b), 2);
	ck_assert_ptr_eq(core_slot_running(a->slot), slow);
	toy_take(b);
	submit_many(100);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 1); /* gets nothing until it has completed it */
	toy_finish(a, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_gt(in_flight(a), 1);
}
END_TEST

START_TEST(revoked_ones_go_before_what_was_submitted_later)
{
	toy_teach(&toy, 200 * NS_PER_US);
	submit_many(8);
	toy_turn(&toy);
	ck_assert_uint_eq(in_flight(a), 5);
	toy_take(a);
	toy_advance(&toy, NS_PER_MS);
	toy_advance(&toy, NS_PER_MS);
	ck_assert_uint_eq(in_flight(a), 1);
	int given = toy.n_given;
	toy_finish(a, TASK_SUCCEEDED);
	toy_teach(&toy, 200 * NS_PER_US);
	toy_turn(&toy);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_eq(toy.given[given + i], (uint64_t)i + 2);
}
END_TEST

START_TEST(overdue_slot_gets_nothing_even_before_anything_waits_there)
{
	toy_teach(&toy, 100 * NS_PER_US);
	submit_many(1);
	toy_turn(&toy);
	toy_take(a);
	toy_advance(&toy, NS_PER_MS);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	toy_advance(&toy, NS_PER_S);
	submit_many(1);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

START_TEST(sweep_looks_more_rarely_at_a_slot_that_does_not_run)
{
	submit_many(1);
	toy_turn(&toy);
	for (int i = 0; i < 50; i++)
		toy_advance(&toy, toy.next_ns - toy.now_ns);
	ck_assert_int_gt(toy.now_ns - TOY_START, 50 * 20 * NS_PER_MS);
	ck_assert_int_le(toy.next_ns - toy.now_ns, 100 * NS_PER_MS);
	toy_take(a);
	toy_advance(&toy, toy.next_ns - toy.now_ns);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
}
END_TEST

START_TEST(idle_core_needs_no_turn)
{
	b = toy_slot_new(&toy);
	for (int i = 0; i < 3; i++)
		toy_turn(&toy);
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	ck_assert_int_eq(toy.n_looked + toy.n_given, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: scheduler");
	TCase *tcase = tcase_create("window");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, nothing_starts_before_the_turn);
	tcase_add_loop_test(tcase, lane_holds_a_millisecond_of_work_and_never_nothing, 0, sizeof windows / sizeof *windows);
	tcase_add_loop_test(tcase, lane_holds_as_much_work_as_its_pool_says, 0, sizeof pool_windows / sizeof *pool_windows);
	tcase_add_test(tcase, lane_with_a_wide_window_is_looked_at_less_often);
	tcase_add_test(tcase, chunk_counts_for_its_items);
	tcase_add_test(tcase, mean_follows_what_is_measured);
	tcase_add_test(tcase, long_task_is_not_put_behind_others);
	tcase_add_test(tcase, idle_slots_first_then_open_ones_in_turn);
	tcase_add_test(tcase, priority_overtakes_what_waits_in_the_queue);
	tcase_add_test(tcase, pools_do_not_take_from_each_other);
	tcase_add_test(tcase, slot_that_refuses_is_left_alone_until_it_has_completed_one);
	tcase_add_test(tcase, slot_that_refused_and_was_emptied_starts_afresh);
	tcase_add_test(tcase, empty_lane_that_refuses_is_tried_again_soon);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("sweep");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, sweep_finds_what_runs_and_then_needs_no_timer);
	tcase_add_test(tcase, no_sweep_after_all_is_done);
	tcase_add_test(tcase, what_waits_behind_a_task_that_outlives_its_estimate_comes_back);
	tcase_add_test(tcase, revoked_ones_go_before_what_was_submitted_later);
	tcase_add_test(tcase, overdue_slot_gets_nothing_even_before_anything_waits_there);
	tcase_add_test(tcase, sweep_looks_more_rarely_at_a_slot_that_does_not_run);
	tcase_add_test(tcase, idle_core_needs_no_turn);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
