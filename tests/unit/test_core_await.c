/* Tasks for which a slot stands still: they go first, the deepest before all, and have slots of their own. */
#include <check.h>
#include <stdlib.h>

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

/* The slot is busy with something that takes long. */
static void occupy(void)
{
	toy_teach(&toy, NS_PER_S);
	toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(toy_take(slot));
}

static void assert_next(const struct task *task)
{
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.given[(toy.n_given - 1) % TOY_LOG], task->id);
}

START_TEST(the_deepest_goes_before_all_whatever_the_order)
{
	static const enum queue_order orders[] = { QUEUE_PRIORITY, QUEUE_FIFO, QUEUE_LIFO, QUEUE_PRIORITY };
	const struct core_queue_options options = { .order = orders[_i], .ageing_ns = _i == 3 ? 1000 * NS_PER_S : 0 };

	toy.queue = core_queue_new(toy.core, "q", toy.pool, &options);
	occupy();
	struct task *highest = toy_submit(&toy, INT32_MAX), *tasks[4];
	for (int i = 0; i < 4; i++)
		tasks[i] = toy_submit(&toy, INT32_MIN + i);
	core_task_await(tasks[0], 1);
	core_task_await(tasks[1], 2);
	core_task_await(tasks[2], 1);
	core_task_await(tasks[2], 1);
	core_task_await(tasks[1], 1); /* by somebody else, too */
	assert_next(tasks[1]);
	assert_next(tasks[0]);
	assert_next(tasks[2]);
	core_queue_set(toy.queue, &(struct core_queue_options){ .order = QUEUE_FIFO });
	core_task_await(tasks[3], 1000);
	assert_next(tasks[3]);
	assert_next(highest);
}
END_TEST

START_TEST(what_it_waits_for_itself_is_awaited_with_it)
{
	occupy();
	struct task *other = toy_submit(&toy, 5), *first = toy_submit(&toy, 0);
	const struct task_ref after_first = { .id = first->id };
	struct task *second = toy_submit_spec(&toy, (struct task_spec){ .after = &after_first, .n_after = 1 });
	const struct task_ref after_second = { .id = second->id };
	struct task *third = toy_submit_spec(&toy, (struct task_spec){ .after = &after_second, .n_after = 1 });

	core_task_await(third, 1);
	assert_next(first);
	assert_next(second);
	assert_next(third);
	assert_next(other);
}
END_TEST

START_TEST(it_is_remembered_until_it_is_due)
{
	struct task *delayed = toy_submit_spec(&toy, (struct task_spec){ .due_ns = toy.now_ns + NS_PER_S });

	core_task_await(delayed, 1);
	occupy();
	toy_submit(&toy, 9);
	toy_advance(&toy, 2 * NS_PER_S);
	assert_next(delayed);
	ck_assert(!core_pool_awaits(toy.pool));
	toy_finish(slot, TASK_SUCCEEDED);
	core_task_await(delayed, 1); /* it is over: nothing */
}
END_TEST

START_TEST(it_is_not_put_behind_another)
{
	toy_teach(&toy, 1000);
	for (int i = 0; i < 3; i++)
		toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_int_eq(slot->count, 3);
	struct task *awaited = toy_submit(&toy, 0);
	core_task_await(awaited, 1);
	toy_turn(&toy);
	ck_assert_int_eq(slot->count, 3);
	ck_assert(core_pool_awaits(toy.pool));
	for (int i = 0; i < 3; i++)
		toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(slot->count, 1);
}
END_TEST

START_TEST(a_paused_queue_s_does_not_count)
{
	occupy();
	struct task *task = toy_submit(&toy, 0);

	core_task_await(task, 1);
	ck_assert(core_pool_awaits(toy.pool));
	core_queue_pause(toy.queue);
	ck_assert(!core_pool_awaits(toy.pool));
	core_queue_resume(toy.queue);
	ck_assert(core_pool_awaits(toy.pool));
}
END_TEST

START_TEST(a_reserved_slot_takes_one_awaited_task_each_time)
{
	struct toy_slot *reserved = toy_slot_new(&toy);

	core_slot_reserve(reserved->slot, true);
	occupy();
	ck_assert_int_eq(reserved->count, 0);
	struct task *tasks[3];
	for (int i = 0; i < 3; i++)
		tasks[i] = toy_submit(&toy, 0);
	ck_assert(core_pool_admit(toy.pool));
	toy_turn(&toy);
	ck_assert_int_eq(reserved->count, 0); /* none is awaited */
	core_task_await(tasks[1], 1);
	core_task_await(tasks[2], 1);
	ck_assert(!core_pool_admit(toy.pool));
	toy_turn(&toy);
	ck_assert_int_eq(reserved->count, 1);
	ck_assert_ptr_eq(tasks[1]->slot, reserved->slot);
	toy_finish(reserved, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_int_eq(reserved->count, 0);
	core_slot_reserve(reserved->slot, false);
	toy_turn(&toy);
	ck_assert_int_eq(reserved->count, 1);
	free(reserved);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core_await");
	TCase *tcase = tcase_create("core_await");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_loop_test(tcase, the_deepest_goes_before_all_whatever_the_order, 0, 4);
	tcase_add_test(tcase, what_it_waits_for_itself_is_awaited_with_it);
	tcase_add_test(tcase, it_is_remembered_until_it_is_due);
	tcase_add_test(tcase, it_is_not_put_behind_another);
	tcase_add_test(tcase, a_paused_queue_s_does_not_count);
	tcase_add_test(tcase, a_reserved_slot_takes_one_awaited_task_each_time);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
