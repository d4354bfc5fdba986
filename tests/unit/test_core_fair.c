/* Queues in which users take turns: how long anybody waits there, counted in starts. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "core/internal.h"
#include "toy.h"

#define ANNA 1000
#define BEN 1001

static struct toy toy;
static struct toy_slot *slot;

static void fresh(void)
{
	toy_init(&toy);
	slot = toy_slot_new(&toy);
	core_queue_set(toy.queue, &(struct core_queue_options){ .fair = true });
}

static void finish(void)
{
	toy_fini(&toy);
	free(slot);
}

static struct task *submit(uint32_t owner, int32_t priority)
{
	return toy_submit_spec(&toy, (struct task_spec){ .owner = owner, .priority = priority });
}

static void submit_many(uint32_t owner, int n)
{
	while (n-- > 0)
		submit(owner, 0);
}

/* The next start: one at a time. */
static struct task *next(void)
{
	struct task *task;

	while (slot->count)
		toy_finish(slot, TASK_SUCCEEDED);
	toy_teach(&toy, 0); /* unknown: never more than one in a lane */
	toy_turn(&toy);
	if (!slot->count)
		return NULL;
	core_find(toy.core, toy.given[(toy.n_given - 1) % TOY_LOG], &task);
	return task;
}

static uint32_t next_owner(void)
{
	const struct task *task = next();

	return task ? task->owner->uid : 0;
}

/* How many start before one of OWNER's. */
static int starts_before(uint32_t owner)
{
	int n = 0;

	while (next_owner() != owner)
		n++;
	return n;
}

/* _i: the queue's order */
START_TEST(one_user_s_many_do_not_delay_another_s_one)
{
	core_queue_set(toy.queue, &(struct core_queue_options){ .order = (enum queue_order)_i, .fair = true });
	submit_many(ANNA, 100000);
	ck_assert_uint_eq(next_owner(), ANNA);
	ck_assert_uint_eq(next_owner(), ANNA);
	submit_many(BEN, 1);
	ck_assert_int_le(starts_before(BEN), 1);
	ck_assert_int_eq(starts_before(ANNA), 0);
}
END_TEST

START_TEST(without_it_they_do)
{
	core_queue_set(toy.queue, &(struct core_queue_options){ 0 });
	submit_many(ANNA, 1000);
	submit_many(BEN, 1);
	ck_assert_int_eq(starts_before(BEN), 1000);
}
END_TEST

START_TEST(all_take_turns)
{
	int counts[5] = { 0 };
	bool even = true;

	for (uint32_t i = 0; i < 5; i++)
		submit_many(ANNA + i, 100 * (int)(i + 1));
	for (int n = 0; n < 500; n++) {
		counts[next_owner() - ANNA]++;
		for (int i = 0; i < 5 && n % 5 == 4; i++)
			even &= counts[i] == n / 5 + 1;
	}
	ck_assert(even);
	ck_assert_int_eq(starts_before(BEN), 0); /* the first has no more */
}
END_TEST

START_TEST(who_comes_waits_for_one_start_of_each_at_most)
{
	for (uint32_t i = 0; i < 20; i++)
		submit_many(ANNA + i, 50);
	for (int i = 0; i < 33; i++)
		next();
	submit_many(ANNA + 100, 3);
	ck_assert_int_le(starts_before(ANNA + 100), 20);
	ck_assert_int_le(starts_before(ANNA + 100), 20);
}
END_TEST

START_TEST(who_was_away_has_saved_nothing_up)
{
	int of_ben = 0;

	submit_many(ANNA, 1000);
	for (int i = 0; i < 500; i++)
		next();
	submit_many(BEN, 100);
	for (int i = 0; i < 100; i++)
		of_ben += next_owner() == BEN;
	ck_assert_int_ge(of_ben, 49);
	ck_assert_int_le(of_ben, 51);
}
END_TEST

/* He comes anew each time, as he has nothing waiting meanwhile. */
START_TEST(who_submits_one_at_a_time_gets_no_more_than_his_turns)
{
	int of_ben = 0;

	submit_many(ANNA, 1000);
	for (int i = 0; i < 100; i++) {
		if (i == 0 || toy.core->totals.waiting == 1000u - (unsigned)(i - of_ben))
			submit_many(BEN, 1);
		of_ben += next_owner() == BEN;
	}
	ck_assert_int_ge(of_ben, 45);
	ck_assert_int_le(of_ben, 51);
}
END_TEST

START_TEST(priorities_go_before_turns)
{
	submit_many(ANNA, 10);
	struct task *urgent = submit(ANNA, 5), *more = submit(ANNA, 5), *of_ben = submit(BEN, 5);

	ck_assert_ptr_eq(next(), urgent);
	ck_assert_ptr_eq(next(), of_ben);
	ck_assert_ptr_eq(next(), more);
	submit(BEN, -1);
	ck_assert_int_eq(starts_before(BEN), 10);
}
END_TEST

/* _i: the queue's order */
START_TEST(each_has_his_own_in_the_queue_s_order)
{
	const int orders[3][3] = { { 1, 2, 0 }, { 0, 1, 2 }, { 2, 1, 0 } };
	struct task *tasks[2][3];

	core_queue_set(toy.queue, &(struct core_queue_options){ .order = (enum queue_order)_i, .fair = true });
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 2; k++)
			tasks[k][i] = submit(ANNA + (uint32_t)k, (int[]){ 0, 2, 1 }[i]);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 2; k++)
			ck_assert_ptr_eq(next(), tasks[k][orders[_i][i]]);
}
END_TEST

/* The lane takes many of one user before another comes; then they come back, and have not been started. */
START_TEST(what_comes_back_puts_nobody_ahead)
{
	submit_many(ANNA, 200);
	toy_teach(&toy, NS_PER_US);
	toy_turn(&toy);
	ck_assert_int_gt(slot->count, 50);
	submit_many(BEN, 1);
	core_queue_pause(toy.queue);
	ck_assert_int_eq(slot->count, 0);
	core_queue_resume(toy.queue);
	ck_assert_int_le(starts_before(BEN), 1);
}
END_TEST

/* All of one user's lie in a lane, he has no line meanwhile, and his next one comes before they come back. */
START_TEST(who_has_all_in_a_lane_comes_back_once)
{
	submit_many(ANNA, 20);
	toy_teach(&toy, NS_PER_US);
	toy_turn(&toy);
	ck_assert_int_eq(slot->count, 20);
	submit_many(BEN, 20);
	submit_many(ANNA, 1);
	core_queue_pause(toy.queue);
	core_queue_resume(toy.queue);
	ck_assert_int_le(starts_before(BEN), 1);
	ck_assert_int_le(starts_before(ANNA), 1);
	ck_assert_int_le(starts_before(BEN), 1);
}
END_TEST

START_TEST(turns_begin_and_end_while_tasks_wait)
{
	core_queue_set(toy.queue, &(struct core_queue_options){ 0 });
	submit_many(ANNA, 50);
	submit_many(BEN, 50);
	ck_assert_uint_eq(next_owner(), ANNA);
	core_queue_set(toy.queue, &(struct core_queue_options){ .fair = true });
	for (int i = 0; i < 10; i++)
		ck_assert_uint_ne(next_owner(), next_owner());
	core_queue_set(toy.queue, &(struct core_queue_options){ 0 });
	for (int i = 0; i < 39; i++)
		ck_assert_uint_eq(next_owner(), ANNA);
	for (int i = 0; i < 40; i++)
		ck_assert_uint_eq(next_owner(), BEN);
	ck_assert_uint_eq(next_owner(), 0);
}
END_TEST

/* One user's old tasks do not all go before another's urgent ones, and none waits for ever. */
START_TEST(users_age_by_their_turns)
{
	const struct core_queue_options options = { .fair = true, .ageing_ns = NS_PER_S };
	int of_anna = 0;

	core_queue_set(toy.queue, &options);
	submit_many(ANNA, 1000);
	toy_advance(&toy, 1000 * NS_PER_S);
	while (slot->count)
		toy_finish(slot, TASK_SUCCEEDED);
	for (int i = 0; i < 100; i++) {
		submit(BEN, 5);
		of_anna += next_owner() == ANNA;
		toy_advance(&toy, NS_PER_S / 10);
	}
	ck_assert_int_ge(of_anna, 1);
	ck_assert_int_le(of_anna, 5);
}
END_TEST

/* What he has that is old does not hold up what he has that is urgent, as far as others are concerned. */
START_TEST(who_has_urgent_and_old_tasks_stands_by_the_urgent)
{
	const struct core_queue_options options = { .fair = true, .ageing_ns = NS_PER_S };
	int of_anna = 0;

	core_queue_set(toy.queue, &options);
	submit_many(ANNA, 100);
	toy_advance(&toy, 100 * NS_PER_S);
	for (int i = 0; i < 100; i++) {
		submit(ANNA, 5);
		submit(BEN, 5);
	}
	for (int i = 0; i < 100; i++)
		of_anna += next_owner() == ANNA;
	ck_assert_int_ge(of_anna, 49);
	ck_assert_int_le(of_anna, 51);
}
END_TEST

START_TEST(awaited_tasks_go_before_turns)
{
	submit_many(ANNA, 10);
	submit_many(BEN, 10);
	struct task *last = submit(ANNA, 0), *other = submit(ANNA, 0);
	core_task_await(last, 1);
	core_task_await(other, 1);
	ck_assert_ptr_eq(next(), last);
	ck_assert_ptr_eq(next(), other);
	ck_assert_uint_eq(next_owner(), BEN); /* those were turns, too */
}
END_TEST

START_TEST(what_is_cancelled_leaves_no_line_behind)
{
	struct task *tasks[30];

	for (int i = 0; i < 30; i++)
		tasks[i] = submit(ANNA + (uint32_t)i, i % 3);
	for (int i = 0; i < 30; i++)
		core_cancel(tasks[i * 7 % 30]);
	ck_assert(LIST_EMPTY(&toy.queue->lines));
	ck_assert_uint_eq(toy.queue->order.count, 0);
	ck_assert_uint_eq(toy.queue->owners.count, 0);
	ck_assert_uint_eq(toy.pool->waiting.count, 0);
	ck_assert_uint_eq(next_owner(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: fair queues");
	TCase *tcase = tcase_create("fair");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_loop_test(tcase, one_user_s_many_do_not_delay_another_s_one, QUEUE_PRIORITY, QUEUE_LIFO + 1);
	tcase_add_test(tcase, without_it_they_do);
	tcase_add_test(tcase, all_take_turns);
	tcase_add_test(tcase, who_comes_waits_for_one_start_of_each_at_most);
	tcase_add_test(tcase, who_was_away_has_saved_nothing_up);
	tcase_add_test(tcase, who_submits_one_at_a_time_gets_no_more_than_his_turns);
	tcase_add_test(tcase, priorities_go_before_turns);
	tcase_add_loop_test(tcase, each_has_his_own_in_the_queue_s_order, QUEUE_PRIORITY, QUEUE_LIFO + 1);
	tcase_add_test(tcase, what_comes_back_puts_nobody_ahead);
	tcase_add_test(tcase, who_has_all_in_a_lane_comes_back_once);
	tcase_add_test(tcase, turns_begin_and_end_while_tasks_wait);
	tcase_add_test(tcase, users_age_by_their_turns);
	tcase_add_test(tcase, who_has_urgent_and_old_tasks_stands_by_the_urgent);
	tcase_add_test(tcase, awaited_tasks_go_before_turns);
	tcase_add_test(tcase, what_is_cancelled_leaves_no_line_behind);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
