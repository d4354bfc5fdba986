/* Who has a lock next: among tasks of a queue, of several queues, and between tasks and others; and what it costs where
 * many wait. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "claims_world.h"

/* --- in one queue --- */

/* Ends what runs, N times, and says what was given in which order: the priorities, or the ids where BY_ID. */
static void assert_order(int n, const int64_t *order, bool by_id)
{
	int64_t given[8];

	for (int i = 0; i < n; i++) {
		uint64_t id = toy.given[(toy.n_given - 1) % TOY_LOG];
		struct task *task;

		ck_assert_int_eq(core_find(toy.core, id, &task), CORE_FOUND);
		given[i] = by_id ? (int64_t)id : task->priority;
		claims_end(task, TASK_SUCCEEDED);
		toy_turn(&toy);
	}
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(given[i], order[i]);
}

START_TEST(priorities_hold_among_those_that_wait)
{
	static const int64_t order[] = { 9, 5, 5, 1, 0 };

	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < 5; i++)
		claims_submit_priority("db", (int[]){ 1, 5, 0, 9, 5 }[i]);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 5);
	other_releases("db");
	toy_turn(&toy);
	assert_order(5, order, false);
}
END_TEST

START_TEST(one_that_comes_later_and_is_more_urgent_goes_first)
{
	static const int64_t order[] = { 1, 9, 8, 0 };

	claims_slots(2);
	claims_submit_priority("db", 0);
	claims_submit_priority("db", 1);
	toy_turn(&toy);
	claims_submit_priority("db", 8);
	toy_turn(&toy);
	claims_submit_priority("db", 9);
	assert_order(4, order, false);
}
END_TEST

/* _i: the queue's order */
START_TEST(the_queue_s_order_holds)
{
	static const int64_t orders[3][4] = { { 1, 2, 3, 4 }, { 1, 2, 3, 4 }, { 4, 3, 2, 1 } };
	const struct core_queue_options options = { .order = (enum queue_order)_i };

	core_queue_set(toy.queue, &options);
	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < 4; i++)
		claims_submit_priority("db", _i == QUEUE_PRIORITY ? 0 : i % 2);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 4);
	other_releases("db");
	toy_turn(&toy);
	assert_order(4, orders[_i], true);
}
END_TEST

/* _i: where the order changes: before they wait, while they do, or when one is on its way back */
START_TEST(a_new_order_holds_for_those_that_wait)
{
	static const int64_t order[] = { 4, 3, 2, 1 };
	const struct core_queue_options lifo = { .order = QUEUE_LIFO };

	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < 4; i++)
		claims_submit_priority("db", i);
	if (_i == 0)
		core_queue_set(toy.queue, &lifo);
	toy_turn(&toy);
	if (_i == 1)
		core_queue_set(toy.queue, &lifo);
	other_releases("db");
	if (_i == 2) {
		core_queue_pause(toy.queue);
		toy_turn(&toy);
		ck_assert_uint_eq(core_totals(toy.core)->waiting, 1);
		core_queue_set(toy.queue, &lifo);
		core_queue_resume(toy.queue);
	}
	toy_turn(&toy);
	assert_order(4, order, true);
}
END_TEST

START_TEST(who_waits_ages)
{
	static const int64_t order[] = { 0, 3, 3 };
	const struct core_queue_options options = { .ageing_ns = NS_PER_S };

	core_queue_set(toy.queue, &options);
	claims_slots(2);
	other_takes("db");
	claims_submit_priority("db", 0);
	toy_turn(&toy);
	toy_advance(&toy, 4 * NS_PER_S);
	claims_submit_priority("db", 3);
	claims_submit_priority("db", 3);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 3);
	other_releases("db");
	toy_turn(&toy);
	assert_order(3, order, false);
}
END_TEST

START_TEST(it_comes_back_to_its_place)
{
	claims_slots(1);
	other_takes("db");
	struct task *waits = claims_submit("db", NULL), *runs = toy_submit(&toy, 0), *behind = toy_submit(&toy, 0);
	toy_teach(&toy, NS_PER_S);
	toy_turn(&toy);
	ck_assert(is_blocked_by(waits, "db") && runs->slot && !behind->slot);
	other_releases("db");
	claims_end(runs, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(waits->slot && !behind->slot);
}
END_TEST

START_TEST(one_that_goes_another_way_leaves_the_next_in_its_place)
{
	claims_slots(4);
	other_takes("a");
	struct task *both = claims_submit("a", "b"), *next = claims_submit("a", NULL), *last = claims_submit("a", NULL);
	toy_turn(&toy);
	ck_assert(is_blocked_by(both, "a") && is_blocked_by(next, "a") && is_blocked_by(last, "a"));
	other_takes("b");
	other_releases("a");
	toy_turn(&toy);
	ck_assert(is_blocked_by(both, "b") && next->slot && is_blocked_by(last, "a"));
	core_cancel(last);
	claims_end(next, TASK_SUCCEEDED);
	other_releases("b");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(both->slot);
}
END_TEST

/* _i: whose end it is: the first that waits, one behind, or the one that was told to try again */
START_TEST(the_end_of_one_that_waits_is_nobody_else_s)
{
	struct task *tasks[3];

	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < 3; i++)
		tasks[i] = claims_submit("db", NULL);
	toy_turn(&toy);
	if (_i == 2) {
		core_queue_pause(toy.queue);
		other_releases("db");
		toy_turn(&toy);
		ck_assert_int_eq(tasks[0]->state, TASK_QUEUED);
		ck_assert_int_eq(tasks[1]->state, TASK_BLOCKED);
	}
	core_cancel(tasks[_i == 1]);
	if (_i == 2)
		core_queue_resume(toy.queue);
	else
		other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(tasks[_i != 1]->slot);
	ck_assert(is_blocked_by(tasks[2], "db"));
}
END_TEST

/* --- awaited --- */

START_TEST(an_awaited_one_goes_first_and_has_the_reserved_slot)
{
	claims_slots(2);
	core_slot_reserve(slots[1]->slot, true);
	struct task *runs = claims_submit("db", NULL), *urgent = claims_submit_priority("db", 9), *awaited;
	core_cancel(runs);
	toy_turn(&toy);
	ck_assert_ptr_eq(urgent->slot, slots[0]->slot);
	claims_run(urgent);
	struct task *waits = claims_submit_priority("db", 8);
	awaited = claims_submit_priority("db", -5);
	core_task_await(awaited, 1);
	core_pool_admit(toy.pool);
	toy_turn(&toy);
	ck_assert(is_blocked_by(awaited, "db")); /* its turn with a slot has shown that */
	ck_assert(!core_pool_awaits(toy.pool));
	claims_end(urgent, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(awaited->slot);
	ck_assert_ptr_null(waits->slot);
}
END_TEST

START_TEST(one_that_comes_to_be_awaited_while_it_is_blocked_goes_first)
{
	claims_slots(2);
	other_takes("db");
	struct task *first = claims_submit_priority("db", 9), *second = claims_submit_priority("db", 8);
	toy_turn(&toy);
	ck_assert(is_blocked_by(first, "db") && is_blocked_by(second, "db"));
	core_task_await(second, 1);
	toy_turn(&toy);
	ck_assert(is_blocked_by(second, "db"));
	other_releases("db");
	toy_turn(&toy);
	ck_assert(second->slot && !first->slot);
	claims_end(second, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(first->slot);
}
END_TEST

/* --- of several queues --- */

static struct task *submit_to(struct core_queue *queue, const char *name, int32_t priority)
{
	struct task_spec spec = claims_spec(name, NULL);

	spec.queue = queue;
	spec.priority = priority;
	return toy_submit_spec(&toy, spec);
}

START_TEST(priorities_hold_over_queues)
{
	struct core_queue *second = toy_queue_new(&toy, "second", 0, 0);
	struct task *tasks[4];

	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < 4; i++)
		tasks[i] = submit_to(i % 2 ? second : toy.queue, "db", i / 2 * 5);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 4);
	other_releases("db");
	for (int i = 0; i < 4; i++) {
		struct task *next = tasks[(int[]){ 2, 3, 0, 1 }[i]];

		toy_turn(&toy);
		ck_assert_ptr_nonnull(next->slot);
		claims_end(next, TASK_SUCCEEDED);
	}
}
END_TEST

START_TEST(who_cannot_start_keeps_no_other_queue_waiting)
{
	struct core_queue *second = toy_queue_new(&toy, "second", 0, 0);

	claims_slots(2);
	other_takes("db");
	struct task *first = submit_to(toy.queue, "db", 9), *behind = submit_to(toy.queue, "db", 8);
	struct task *elsewhere = submit_to(second, "db", 0);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 3);
	core_queue_pause(toy.queue);
	other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(elsewhere->slot);
	ck_assert_int_eq(first->state, TASK_QUEUED);
	ck_assert_int_eq(behind->state, TASK_BLOCKED);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	ck_assert(is_blocked_by(first, "db"));
	claims_end(elsewhere, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(first->slot && is_blocked_by(behind, "db"));
}
END_TEST

/* Where the queue's own order is not the one that holds over queues. */
START_TEST(the_queue_s_order_holds_while_another_queue_has_its_turn)
{
	const struct core_queue_options ageing = { .ageing_ns = NS_PER_S };
	struct core_queue *second = toy_queue_new(&toy, "second", 0, 0);

	core_queue_set(toy.queue, &ageing);
	claims_slots(2);
	other_takes("db");
	struct task *old = submit_to(toy.queue, "db", 0);
	submit_to(second, "db", 9);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 2);
	core_queue_pause(second);
	toy_advance(&toy, 5 * NS_PER_S);
	struct task *young = submit_to(toy.queue, "db", 3);
	other_releases("db");
	toy_turn(&toy);
	ck_assert(old->slot && is_blocked_by(young, "db"));
}
END_TEST

/* What was submitted first, though it came to wait last; and one that follows another of its queue has its own place. */
START_TEST(places_hold_over_queues)
{
	struct core_queue *second = toy_queue_new(&toy, "second", 0, 0);

	claims_slots(2);
	core_queue_pause(toy.queue);
	other_takes("db");
	struct task *first = submit_to(toy.queue, "db", 0), *between = submit_to(second, "db", 0),
		    *last = submit_to(toy.queue, "db", 0);
	toy_turn(&toy);
	ck_assert(is_blocked_by(between, "db"));
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	ck_assert(is_blocked_by(first, "db") && is_blocked_by(last, "db"));
	other_releases("db");
	toy_turn(&toy);
	ck_assert(first->slot && !between->slot && !last->slot);
	claims_end(first, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(between->slot && !last->slot);
	claims_end(between, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(last->slot);
}
END_TEST

/* --- between tasks and others --- */

struct waiter {
	struct object_wait wait;
	struct object_owner owner;
	bool has_it;
};

static void granted(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	(void)grant;
	ck_assert_int_eq(status, OBJECT_DONE);
	heap_entry(wait, struct waiter, wait)->has_it = true;
}

static void waiter_begin(struct waiter *waiter, uint64_t id, const char *name)
{
	struct object_problem problem;
	struct object_grant grant;

	*waiter = (struct waiter){ .wait.done = granted };
	object_owner_begin(core_objects(toy.core), &waiter->owner, OWNER_CONNECTION, id, 1000, 0);
	const struct lock_request request = { .name = { name, strlen(name) }, .holder.owner = &waiter->owner };
	ck_assert_int_eq(
		lock_acquire(core_objects(toy.core), &request, &waiter->wait, &grant, &problem), OBJECT_WAITING);
}

START_TEST(who_came_first_has_it_first)
{
	struct waiter early, late;

	claims_slots(2);
	other_takes("db");
	waiter_begin(&early, 2, "db");
	struct task *task = claims_submit("db", NULL);
	toy_turn(&toy);
	waiter_begin(&late, 3, "db");
	other_releases("db");
	toy_turn(&toy);
	ck_assert(early.has_it && !late.has_it && !task->slot);
	object_owner_end(&early.owner);
	toy_turn(&toy);
	ck_assert(task->slot && !late.has_it);
	claims_end(task, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(late.has_it);
	object_owner_end(&late.owner);
}
END_TEST

START_TEST(who_waited_behind_another_task_came_when_he_was_looked_at)
{
	struct waiter late;

	claims_slots(2);
	other_takes("db");
	struct task *first = claims_submit("db", NULL), *second = claims_submit("db", NULL);
	toy_turn(&toy);
	waiter_begin(&late, 3, "db");
	other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(first->slot);
	claims_end(first, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(second->slot && !late.has_it);
	claims_end(second, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(late.has_it);
	object_owner_end(&late.owner);
}
END_TEST

START_TEST(a_more_urgent_task_has_the_place_of_the_first)
{
	struct waiter between;

	claims_slots(2);
	other_takes("db");
	struct task *first = claims_submit_priority("db", 0);
	toy_turn(&toy);
	waiter_begin(&between, 2, "db");
	struct task *urgent = claims_submit_priority("db", 9);
	toy_turn(&toy);
	other_releases("db");
	toy_turn(&toy);
	ck_assert(urgent->slot && !between.has_it); /* a task came first */
	claims_end(urgent, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(between.has_it && !first->slot); /* and that has cost the other its place */
	object_owner_end(&between.owner);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(first->slot);
}
END_TEST

START_TEST(who_cannot_start_keeps_nobody_waiting)
{
	struct waiter late;

	claims_slots(1);
	other_takes("db");
	struct task *task = claims_submit("db", NULL), *busy = toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert(is_blocked_by(task, "db") && busy->slot);
	waiter_begin(&late, 3, "db");
	other_releases("db");
	toy_turn(&toy);
	ck_assert(late.has_it);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	claims_end(busy, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(is_blocked_by(task, "db"));
	object_owner_end(&late.owner);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(task->slot);
}
END_TEST

/* --- many --- */

#define MANY 25000

static int n_tries;

static void count_tries(struct toy *of, const struct task *task, bool progress)
{
	(void)of;
	n_tries += task->state == TASK_BLOCKED && !progress;
}

START_TEST(many_are_found_to_wait_in_several_turns)
{
	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < MANY; i++)
		claims_submit("db", NULL);
	struct task *last = toy_submit(&toy, -1);
	toy_turn(&toy);
	ck_assert_uint_lt(core_totals(toy.core)->blocked, MANY);
	ck_assert_int_le(toy.next_ns, toy.now_ns);
	for (int i = 0; i < 4; i++)
		toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, MANY);
	ck_assert_ptr_nonnull(last->slot);
	ck_assert_int_gt(toy.next_ns, toy.now_ns);
}
END_TEST

/* _i: 0: a slot is free when the lock is; 1: others keep the slots busy, and it is free long before one can start */
START_TEST(each_start_costs_a_few_tries_however_many_wait)
{
	struct core_queue *busy = toy_queue_new(&toy, "busy", 0, 0);
	int n = 0;

	toy_teach(&toy, NS_PER_S);
	claims_slots(2);
	other_takes("db");
	for (int i = 0; i < 5000; i++)
		claims_submit("db", NULL);
	toy_turn(&toy);
	other_releases("db");
	toy.on_changed = count_tries;
	core_observe(toy.core, true);
	while (core_totals(toy.core)->in_lanes + core_totals(toy.core)->blocked > 0 && n < 50000) {
		if (_i == 1 && n % 4 < 2)
			toy_submit_spec(&toy, (struct task_spec){ .queue = busy, .priority = 5 });
		toy_turn(&toy);
		for (int i = 0; i < 2; i++)
			if (slots[i]->count && (_i == 0 || n % 2 == i))
				toy_finish(slots[i], TASK_SUCCEEDED);
		n++;
	}
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 0);
	ck_assert_int_le(n_tries, 3 * 5000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core_claims_order");
	TCase *tcase = tcase_create("core_claims_order");

	tcase_add_checked_fixture(tcase, claims_fresh, claims_finish);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, priorities_hold_among_those_that_wait);
	tcase_add_test(tcase, one_that_comes_later_and_is_more_urgent_goes_first);
	tcase_add_loop_test(tcase, the_queue_s_order_holds, 0, 3);
	tcase_add_loop_test(tcase, a_new_order_holds_for_those_that_wait, 0, 3);
	tcase_add_test(tcase, who_waits_ages);
	tcase_add_test(tcase, it_comes_back_to_its_place);
	tcase_add_test(tcase, one_that_goes_another_way_leaves_the_next_in_its_place);
	tcase_add_loop_test(tcase, the_end_of_one_that_waits_is_nobody_else_s, 0, 3);
	tcase_add_test(tcase, an_awaited_one_goes_first_and_has_the_reserved_slot);
	tcase_add_test(tcase, one_that_comes_to_be_awaited_while_it_is_blocked_goes_first);
	tcase_add_test(tcase, priorities_hold_over_queues);
	tcase_add_test(tcase, who_cannot_start_keeps_no_other_queue_waiting);
	tcase_add_test(tcase, the_queue_s_order_holds_while_another_queue_has_its_turn);
	tcase_add_test(tcase, places_hold_over_queues);
	tcase_add_test(tcase, who_came_first_has_it_first);
	tcase_add_test(tcase, who_waited_behind_another_task_came_when_he_was_looked_at);
	tcase_add_test(tcase, a_more_urgent_task_has_the_place_of_the_first);
	tcase_add_test(tcase, who_cannot_start_keeps_nobody_waiting);
	tcase_add_test(tcase, many_are_found_to_wait_in_several_turns);
	tcase_add_loop_test(tcase, each_start_costs_a_few_tries_however_many_wait, 0, 2);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
