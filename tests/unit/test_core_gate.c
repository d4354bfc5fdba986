/* Which queue may start something: pauses, limits, rates and shares. */
#include <check.h>
#include <signal.h>
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

static struct core_queue *queue_with(const char *name, struct core_queue_options options)
{
	return core_queue_new(toy.core, name, toy.pool, &options);
}

static void submit_many(struct core_queue *queue, int n, int32_t priority)
{
	toy.queue = queue;
	while (n-- > 0)
		toy_submit(&toy, priority);
}

static struct core_queue_figures figures_of(const struct core_queue *queue)
{
	struct core_queue_figures figures;

	core_queue_figures(queue, &figures);
	return figures;
}

static size_t running(const struct core_queue *queue)
{
	return figures_of(queue).running;
}

/* Of the last N that were given, those of QUEUE. */
static int given_of(const struct core_queue *queue, int n)
{
	int count = 0;

	for (int i = toy.n_given - n; i < toy.n_given; i++) {
		struct task *task;

		ck_assert_int_eq(core_find(toy.core, toy.given[i % TOY_LOG], &task), CORE_FOUND);
		count += task->queue == queue;
	}
	return count;
}

/* One task after the other through the only slot. */
static void run(int n)
{
	while (n-- > 0) {
		toy_turn(&toy);
		ck_assert_int_gt(slot->count, 0);
		toy_finish(slot, TASK_SUCCEEDED);
		toy_teach(&toy, 0); /* unknown: never more than one in a lane */
	}
}

/* --- limit_running --- */

START_TEST(no_more_run_than_the_limit_says_now)
{
	struct core_queue *queue = queue_with("limited", (struct core_queue_options){ .limit_running = 3 });
	struct core_queue *other = queue_with("other", (struct core_queue_options){ 0 });

	toy_teach(&toy, NS_PER_US);
	submit_many(queue, 30, 5);
	submit_many(other, 4, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 3);
	ck_assert_uint_eq(running(other), 4); /* which do not stand behind those that may not start */
	core_queue_set(queue, &(struct core_queue_options){ .limit_running = 5 });
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 5);
	core_queue_set(queue, &(struct core_queue_options){ .limit_running = 1 });
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 5); /* lowering it stops nothing */
	for (int left = 4; left >= 1; left--) {
		while (running(queue) > (size_t)left)
			toy_finish(slot, TASK_SUCCEEDED);
		toy_turn(&toy);
		ck_assert_uint_eq(running(queue), left);
	}
	while (slot->count)
		toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 1);
	core_queue_set(queue, &(struct core_queue_options){ 0 });
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 25);
	ck_assert_uint_eq(figures_of(queue).waiting, 0);
}
END_TEST

START_TEST(limit_counts_what_comes_back_and_what_dies)
{
	struct core_queue *queue = queue_with("limited", (struct core_queue_options){ .limit_running = 2 });

	toy_teach(&toy, NS_PER_US);
	submit_many(queue, 4, 0);
	toy_turn(&toy);
	toy_take(slot);
	toy_die(slot, SIGKILL); /* one has crashed, one comes back */
	ck_assert_uint_eq(running(queue), 0);
	ck_assert_uint_eq(figures_of(queue).waiting, 3);
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 2);
	core_cancel(core_slot_task_next(slot->slot, NULL));
	ck_assert_uint_eq(running(queue), 1);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 2);
	ck_assert_uint_eq(figures_of(queue).waiting, 0);
}
END_TEST

/* --- rates --- */

static struct core_queue_options rate(double rate, uint32_t burst)
{
	return (struct core_queue_options){ .rate = rate, .burst = burst };
}

/* Lets the time run to END, waking when the core says and finishing all that it starts. How many were started. */
static int run_until(int64_t end_ns)
{
	int before = toy.n_given;

	for (;;) {
		toy_turn(&toy);
		while (slot->count)
			toy_finish(slot, TASK_SUCCEEDED);
		toy_turn(&toy); /* what fits at this moment may be more than a lane takes */
		if (slot->count)
			continue;
		if (toy.next_ns > end_ns)
			break;
		ck_assert_int_gt(toy.next_ns, toy.now_ns);
		core_set_now(toy.core, toy.now_ns = toy.next_ns);
	}
	core_set_now(toy.core, toy.now_ns = end_ns);
	return toy.n_given - before;
}

START_TEST(rate_is_kept_to_the_nanosecond)
{
	struct core_queue *queue = queue_with("slow", rate(10, 0));

	submit_many(queue, 100, 0);
	ck_assert_int_eq(run_until(TOY_START), 1);
	ck_assert_int_eq(run_until(TOY_START + 100 * NS_PER_MS - 1), 0);
	ck_assert_int_eq(run_until(TOY_START + 100 * NS_PER_MS), 1);
	ck_assert_int_eq(run_until(TOY_START + 1000 * NS_PER_MS), 9);
	ck_assert_int_eq(run_until(TOY_START + 1000 * NS_PER_MS + 99 * NS_PER_MS), 0);
}
END_TEST

START_TEST(burst_is_what_a_rest_allows_and_no_more)
{
	struct core_queue *queue = queue_with("bursts", rate(10, 5));

	submit_many(queue, 100, 0);
	ck_assert_int_eq(run_until(TOY_START), 5);
	ck_assert_int_eq(run_until(TOY_START + NS_PER_S), 10);
	core_queue_pause(queue);
	ck_assert_int_eq(run_until(TOY_START + 1250 * NS_PER_MS), 0);
	core_queue_resume(queue);
	ck_assert_int_eq(run_until(TOY_START + 1250 * NS_PER_MS), 2); /* a quarter of a second was saved up */
	core_queue_pause(queue);
	ck_assert_int_eq(run_until(TOY_START + 60 * NS_PER_S), 0);
	core_queue_resume(queue);
	ck_assert_int_eq(run_until(TOY_START + 60 * NS_PER_S), 5);
	ck_assert_int_eq(run_until(TOY_START + 61 * NS_PER_S), 10);
}
END_TEST

START_TEST(rates_that_do_not_divide_a_second_are_not_exceeded)
{
	struct core_queue *queue = queue_with("thirds", rate(3, 1));

	submit_many(queue, 100, 0);
	ck_assert_int_eq(run_until(TOY_START + 10 * NS_PER_S), 30);
	ck_assert_int_eq(run_until(TOY_START + 20 * NS_PER_S), 30);
}
END_TEST

START_TEST(rate_follows_its_changes)
{
	struct core_queue *queue = queue_with("changing", rate(1.0 / 3600, 1));
	struct core_queue_options options = rate(10, 1);

	submit_many(queue, 100, 0);
	ck_assert_int_eq(run_until(TOY_START), 1);
	core_queue_set(queue, &options); /* nobody waits an hour for that any more */
	ck_assert_int_eq(run_until(TOY_START + NS_PER_S), 10);
	options = rate(1e-300, UINT32_MAX);
	core_queue_set(queue, &options);
	ck_assert_int_gt(run_until(TOY_START + NS_PER_S), 0);
	options = rate(0, 0);
	core_queue_set(queue, &options);
	run_until(TOY_START + NS_PER_S);
	ck_assert_uint_eq(figures_of(queue).waiting, 0);
	ck_assert_int_eq(toy.n_given, 100);
}
END_TEST

START_TEST(a_higher_rate_counts_from_when_it_is_said)
{
	struct core_queue *queue = queue_with("changing", rate(1.0 / 3600, 1));
	struct core_queue_options options = rate(10, 1);

	submit_many(queue, 1, 0);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	core_queue_set(queue, &options); /* while nothing waits that could ask */
	toy_advance(&toy, NS_PER_S / 10);
	submit_many(queue, 1, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 1);
}
END_TEST

START_TEST(start_that_comes_back_is_refunded)
{
	struct core_queue *queue = queue_with("slow", rate(1, 2));

	toy_teach(&toy, NS_PER_US);
	submit_many(queue, 5, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 2);
	core_slot_retire(slot->slot);
	ck_assert_uint_eq(running(queue), 0);
	core_slot_ready(slot->slot);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 2); /* not a second later */
	core_cancel(core_slot_task_next(slot->slot, NULL));
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 2);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 1);
}
END_TEST

START_TEST(queue_that_waits_for_its_rate_keeps_nobody_else)
{
	struct core_queue *slow = queue_with("slow", rate(1, 1));
	struct core_queue *other = queue_with("other", (struct core_queue_options){ 0 });

	submit_many(slow, 3, 9);
	submit_many(other, 3, 0);
	run(4);
	ck_assert_int_eq(given_of(other, 3), 3);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 4);
	ck_assert_int_eq(toy.next_ns, TOY_START + NS_PER_S);
	toy.queue = slow;
	core_queue_pause(slow);
	toy_turn(&toy);
	ck_assert_int_gt(toy.next_ns, TOY_START + NS_PER_S); /* nobody is to be woken for a paused one */
	core_queue_resume(slow);
	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(toy.n_given, 5);
}
END_TEST

/* --- shares --- */

START_TEST(weights_are_shares_of_the_starts)
{
	struct core_queue *heavy = queue_with("heavy", (struct core_queue_options){ .weight = 3 });
	struct core_queue *light = queue_with("light", (struct core_queue_options){ 0 });

	submit_many(heavy, 400, 0);
	submit_many(light, 400, 0);
	for (int i = 0; i < 100; i++) {
		run(4);
		ck_assert_int_eq(given_of(heavy, 4), 3);
		ck_assert_int_eq(given_of(light, 4), 1);
	}
}
END_TEST

START_TEST(share_is_right_over_any_stretch)
{
	const uint32_t weights[] = { 1, 2, 5, 7 };
	struct core_queue *queues[4];

	for (int i = 0; i < 4; i++) {
		queues[i] = queue_with((char[]){ (char)('a' + i), 0 }, (struct core_queue_options){ .weight = weights[i] });
		submit_many(queues[i], 600, 0);
	}
	for (int n = 15; n <= 600; n += 15) {
		run(15);
		for (int i = 0; i < 4; i++) {
			int due = n * (int)weights[i] / 15;

			ck_assert_int_ge(given_of(queues[i], n), due - 1);
			ck_assert_int_le(given_of(queues[i], n), due + 1);
		}
	}
}
END_TEST

START_TEST(who_was_away_has_saved_nothing_up)
{
	struct core_queue *busy = queue_with("busy", (struct core_queue_options){ 0 });
	struct core_queue *late = queue_with("late", (struct core_queue_options){ 0 });

	submit_many(late, 1, 0);
	submit_many(busy, 500, 0);
	run(300);
	submit_many(late, 100, 0);
	run(100);
	ck_assert_int_eq(given_of(late, 100), 50);
}
END_TEST

START_TEST(who_stood_behind_higher_priorities_does_not_make_up_for_it)
{
	struct core_queue *mixed = queue_with("mixed", (struct core_queue_options){ 0 });
	struct core_queue *plain = queue_with("plain", (struct core_queue_options){ 0 });

	submit_many(plain, 1000, 0);
	submit_many(mixed, 1000, 1);
	submit_many(mixed, 1000, 0);
	run(1000);
	ck_assert_int_eq(given_of(plain, 1000), 0);
	run(200);
	ck_assert_int_eq(given_of(mixed, 200), 100);
}
END_TEST

START_TEST(what_is_urgent_between_moves_no_share)
{
	struct core_queue *heavy = queue_with("heavy", (struct core_queue_options){ .weight = 3 });
	struct core_queue *light = queue_with("light", (struct core_queue_options){ 0 });
	int of_light = 0;

	submit_many(heavy, 400, 0);
	submit_many(light, 400, 0);
	for (int i = 0; i < 400; i++) {
		submit_many(i % 7 ? light : heavy, 1, 1);
		run(2);
		of_light += given_of(light, 1);
	}
	ck_assert_int_eq(of_light, 100);
}
END_TEST

START_TEST(what_came_back_counts_for_no_share)
{
	struct core_queue *a = queue_with("a", (struct core_queue_options){ 0 });
	struct core_queue *b = queue_with("b", (struct core_queue_options){ 0 });

	toy_teach(&toy, NS_PER_US);
	submit_many(a, 40, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(running(a), 40);
	submit_many(b, 40, 0);
	core_slot_retire(slot->slot);
	ck_assert_uint_eq(running(a), 0);
	toy_teach(&toy, 0);
	core_slot_ready(slot->slot);
	for (int n = 2; n <= 80; n += 2) {
		run(2);
		ck_assert_int_ge(given_of(a, n), n / 2);
	}
	ck_assert_int_eq(given_of(a, 80), 40);
}
END_TEST

START_TEST(priority_comes_before_shares)
{
	struct core_queue *heavy = queue_with("heavy", (struct core_queue_options){ .weight = 100 });
	struct core_queue *urgent = queue_with("urgent", (struct core_queue_options){ 0 });
	struct core_queue *fifo = queue_with("fifo", (struct core_queue_options){ .order = QUEUE_FIFO });

	submit_many(heavy, 50, 0);
	submit_many(urgent, 50, 1);
	submit_many(fifo, 10, 99); /* counts for nothing there */
	run(50);
	ck_assert_int_eq(given_of(urgent, 50), 50);
	run(51);
	ck_assert_int_le(given_of(fifo, 51), 2);
}
END_TEST

/* --- pause, drain --- */

START_TEST(pause_takes_back_what_has_not_started)
{
	struct core_queue *queue = queue_with("paused", (struct core_queue_options){ 0 });
	struct core_queue *other = queue_with("other", (struct core_queue_options){ 0 });

	toy_teach(&toy, NS_PER_US);
	submit_many(queue, 5, 0);
	submit_many(other, 5, 0);
	toy_turn(&toy);
	struct task *first = toy_take(slot);
	ck_assert_uint_eq(running(queue) + running(other), 10);
	core_queue_pause(queue);
	core_queue_pause(queue);
	toy_turn(&toy);
	ck_assert(figures_of(queue).paused);
	ck_assert_uint_eq(running(queue), first->queue == queue);
	ck_assert_uint_eq(running(other), 5);
	while (slot->count)
		toy_finish(slot, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 0);
	ck_assert_uint_eq(figures_of(queue).waiting, first->queue == queue ? 4 : 5);
	submit_many(queue, 1, 0); /* it still takes in */
	toy_turn(&toy);
	ck_assert_uint_eq(running(queue), 0);
	core_queue_resume(queue);
	core_queue_resume(queue);
	toy_turn(&toy);
	ck_assert(!figures_of(queue).paused);
	ck_assert_uint_eq(figures_of(queue).waiting, 0);
}
END_TEST

START_TEST(paused_tasks_stand_where_they_stood)
{
	toy_teach(&toy, NS_PER_US);
	for (int i = 0; i < 20; i++)
		toy_submit(&toy, i % 3);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 20);
	core_queue_pause(toy.queue);
	ck_assert_uint_eq(figures_of(toy.queue).waiting, 20);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(toy.given[20 + i], toy.given[i]);
}
END_TEST

START_TEST(draining_queue_takes_nothing_and_goes_on)
{
	struct task *task;
	const struct task_spec spec = { .type = toy.type, .queue = toy.queue };

	submit_many(toy.queue, 2, 0);
	core_queue_drain(toy.queue);
	ck_assert(figures_of(toy.queue).draining);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_DRAINING);
	run(2);
	core_queue_pause(toy.queue);
	core_queue_resume(toy.queue);
	ck_assert(!figures_of(toy.queue).draining);
	ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: gates");
	TCase *tcase = tcase_create("limit");

	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, no_more_run_than_the_limit_says_now);
	tcase_add_test(tcase, limit_counts_what_comes_back_and_what_dies);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("rate");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, rate_is_kept_to_the_nanosecond);
	tcase_add_test(tcase, burst_is_what_a_rest_allows_and_no_more);
	tcase_add_test(tcase, rates_that_do_not_divide_a_second_are_not_exceeded);
	tcase_add_test(tcase, rate_follows_its_changes);
	tcase_add_test(tcase, a_higher_rate_counts_from_when_it_is_said);
	tcase_add_test(tcase, start_that_comes_back_is_refunded);
	tcase_add_test(tcase, queue_that_waits_for_its_rate_keeps_nobody_else);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("share");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, weights_are_shares_of_the_starts);
	tcase_add_test(tcase, share_is_right_over_any_stretch);
	tcase_add_test(tcase, who_was_away_has_saved_nothing_up);
	tcase_add_test(tcase, who_stood_behind_higher_priorities_does_not_make_up_for_it);
	tcase_add_test(tcase, what_is_urgent_between_moves_no_share);
	tcase_add_test(tcase, what_came_back_counts_for_no_share);
	tcase_add_test(tcase, priority_comes_before_shares);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("pause");
	tcase_add_checked_fixture(tcase, fresh, finish);
	tcase_add_test(tcase, pause_takes_back_what_has_not_started);
	tcase_add_test(tcase, paused_tasks_stand_where_they_stood);
	tcase_add_test(tcase, draining_queue_takes_nothing_and_goes_on);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
