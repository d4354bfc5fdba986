/* What one user may have of it all: tasks that wait, their bytes, tasks in lanes; and that whoever has his share holds
 * up nobody else. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "claims_world.h"

#define ANNA 1000
#define BEN 1001
#define ROOT 0

static struct core_shares shares;

static void fresh(void)
{
	claims_fresh();
	claims_slots(2);
	shares = (struct core_shares){ .exempt = { ROOT, 33 }, .n_exempt = 2 };
	toy_teach(&toy, NS_PER_MS); /* a lane takes one */
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

static struct core_user_figures figures_of(uint32_t uid)
{
	struct core_user_figures figures;

	core_user_figures(toy.core, uid, &figures);
	return figures;
}

static void may_run(size_t n)
{
	shares.running = n;
	core_set_shares(toy.core, &shares);
	toy_turn(&toy);
}

static void end_one(uint32_t owner)
{
	for (int i = 0; i < 4 && slots[i]; i++)
		if (slots[i]->count && slots[i]->lane[0].task->owner->uid == owner) {
			toy_finish(slots[i], TASK_SUCCEEDED);
			toy_teach(&toy, NS_PER_MS);
			break;
		}
	toy_turn(&toy);
}

/* --- running --- */

/* _i: the queue's order */
START_TEST(who_has_his_share_running_holds_up_nobody)
{
	const struct core_queue_options options = { .order = (enum queue_order)_i };

	core_queue_set(toy.queue, &options);
	may_run(1);
	submit_many(ANNA, 1000);
	struct task *of_ben = submit(BEN, _i == QUEUE_PRIORITY ? -5 : 0);
	submit_many(ANNA, 1000);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(of_ben->slot);
	ck_assert_uint_eq(figures_of(ANNA).running, 1);
	ck_assert_uint_eq(figures_of(ANNA).held, 1999);
	ck_assert_uint_eq(figures_of(BEN).held, 0);
	end_one(BEN);
	ck_assert_uint_eq(core_totals(toy.core)->in_lanes, 1); /* a slot is free, and stays so */
	end_one(ANNA);
	ck_assert_uint_eq(figures_of(ANNA).running, 1);
	ck_assert_uint_eq(figures_of(ANNA).held, 1998);
}
END_TEST

START_TEST(nothing_is_looked_at_again_while_all_that_waits_is_held)
{
	may_run(1);
	submit_many(ANNA, 100000);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.queue->order.count, 0);
	ck_assert_uint_eq(toy.pool->waiting.count, 0);
	toy_take(slots[0]);
	toy_take(slots[1]);
	toy_advance(&toy, NS_PER_S);
	int given = toy.n_given;
	ck_assert_int_eq(toy.next_ns, CLOCK_NEVER);
	for (int i = 0; i < 100; i++)
		submit(BEN, 0);
	for (int i = 0; i < 100; i++)
		end_one(BEN);
	ck_assert_int_eq(toy.n_given, given + 100);
	ck_assert_uint_eq(figures_of(ANNA).held, 99999);
}
END_TEST

/* However many priorities, there is one line to be moved when he may go on. */
START_TEST(who_is_held_has_one_line_in_each_queue)
{
	may_run(1);
	for (int i = 0; i < 1000; i++)
		submit(ANNA, i);
	submit(BEN, 500);
	toy_turn(&toy);
	ck_assert_uint_eq(toy.queue->owners.count, 1);
	ck_assert_uint_eq(toy.queue->order.count, 0);
	for (int i = 998; i > 0; i--) {
		end_one(ANNA);
		const struct task *task = slots[0]->count ? slots[0]->lane[0].task : slots[1]->lane[0].task;
		if (task->owner->uid == ANNA)
			ck_assert_int_eq(task->priority, i);
	}
}
END_TEST

START_TEST(what_lies_in_a_lane_counts_and_what_comes_back_does_not)
{
	may_run(8);
	toy_teach(&toy, NS_PER_US);
	submit_many(ANNA, 30);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).running, 8);
	ck_assert_uint_eq(figures_of(ANNA).queued, 22);
	core_queue_pause(toy.queue);
	ck_assert_uint_eq(figures_of(ANNA).running, 0);
	ck_assert_uint_eq(figures_of(ANNA).held, 0);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).running, 8);
	int at = slots[0]->count ? 0 : 1;
	toy_take(slots[at]);
	toy_die(slots[at], SIGKILL); /* one has crashed; the others come back */
	ck_assert_uint_eq(figures_of(ANNA).queued + figures_of(ANNA).running, 29);
	ck_assert_uint_gt(figures_of(ANNA).queued, 22);
	core_slot_ready(slots[at]->slot);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).running, 8);
	core_cancel(core_slot_task_next(slots[slots[0]->count ? 0 : 1]->slot, NULL));
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).running, 8);
	ck_assert_uint_eq(figures_of(ANNA).queued, 20);
}
END_TEST

START_TEST(shares_are_of_all_queues_together)
{
	struct core_queue *first = toy.queue, *second = toy_queue_new(&toy, "second", 0, 0);

	may_run(1);
	submit_many(ANNA, 3);
	toy.queue = second;
	submit_many(ANNA, 3);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->in_lanes, 1);
	submit(BEN, 0);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(BEN).running, 1);
	for (int i = 0; i < 5; i++) {
		end_one(ANNA);
		ck_assert_uint_eq(figures_of(ANNA).running, 1);
	}
	ck_assert_uint_eq(figures_of(ANNA).queued, 0);
	toy.queue = first;
}
END_TEST

START_TEST(awaited_tasks_start_all_the_same)
{
	may_run(1);
	submit_many(ANNA, 3);
	toy_turn(&toy);
	struct task *task = submit(ANNA, 0);
	toy_turn(&toy);
	ck_assert_ptr_null(task->slot);
	ck_assert_uint_eq(figures_of(ANNA).held, 3);
	core_task_await(task, 1);
	ck_assert_uint_eq(figures_of(ANNA).held, 2);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(task->slot);
	ck_assert_uint_eq(figures_of(ANNA).running, 2);
	end_one(ANNA);
	ck_assert_uint_eq(figures_of(ANNA).running, 1);
	ck_assert_uint_eq(figures_of(ANNA).held, 2);
}
END_TEST

START_TEST(who_is_exempt_is_not_bound)
{
	shares.queued = 1;
	shares.queued_bytes = 1;
	may_run(1);
	submit_many(ROOT, 5);
	submit_many(33, 5);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->in_lanes, 2);
	ck_assert_uint_eq(figures_of(ROOT).running, 2);
	ck_assert_uint_eq(figures_of(ROOT).held, 0);
	shares.n_exempt = 0;
	may_run(1);
	ck_assert_uint_eq(figures_of(ROOT).held, 3);
	end_one(ROOT);
	ck_assert_uint_eq(figures_of(ROOT).running, 1);
	ck_assert_uint_eq(figures_of(33).running, 1);
}
END_TEST

START_TEST(shares_change_while_tasks_wait)
{
	claims_slots(2);
	submit_many(ANNA, 100);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).running, 4);
	may_run(2);
	ck_assert_uint_eq(figures_of(ANNA).running, 4); /* what is there stays */
	ck_assert_uint_eq(figures_of(ANNA).held, 96);
	for (int left = 3; left >= 2; left--) {
		end_one(ANNA);
		ck_assert_uint_eq(figures_of(ANNA).running, left);
	}
	end_one(ANNA);
	ck_assert_uint_eq(figures_of(ANNA).running, 2);
	may_run(3);
	ck_assert_uint_eq(figures_of(ANNA).running, 3);
	may_run(0);
	ck_assert_uint_eq(figures_of(ANNA).running, 4);
	ck_assert_uint_eq(figures_of(ANNA).held, 0);
}
END_TEST

/* --- running, and claims --- */

static struct task *submit_claim(uint32_t owner, const char *name)
{
	struct task_spec spec = claims_spec(name, NULL);

	spec.owner = owner;
	return toy_submit_spec(&toy, spec);
}

/* She is first in line for it, and may not go. */
START_TEST(who_is_held_keeps_no_lock_from_others)
{
	may_run(1);
	other_takes("db");
	struct task *of_anna = submit_claim(ANNA, "db"), *of_ben = submit_claim(BEN, "db");
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 2);
	struct task *plain = submit(ANNA, 0);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(plain->slot);
	other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(of_ben->slot);
	ck_assert_ptr_null(of_anna->slot);
	claims_end(plain, TASK_SUCCEEDED);
	claims_end(of_ben, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(of_anna->slot);
}
END_TEST

/* _i: whether it becomes fair before they wait, or while they do */
START_TEST(in_a_fair_queue_locks_go_round_too)
{
	struct task *of_anna[20], *of_ben[2];

	if (_i == 0)
		core_queue_set(toy.queue, &(struct core_queue_options){ .fair = true });
	other_takes("db");
	for (int i = 0; i < 20; i++)
		of_anna[i] = submit_claim(ANNA, "db");
	for (int i = 0; i < 2; i++)
		of_ben[i] = submit_claim(BEN, "db");
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 22);
	if (_i == 1)
		core_queue_set(toy.queue, &(struct core_queue_options){ .fair = true });
	other_releases("db");
	toy_turn(&toy);
	int n_anna = 0;
	for (int n = 0; n < 4 && n_anna < 20; n++) {
		struct task *task = slots[0]->count ? slots[0]->lane[0].task : slots[1]->lane[0].task;

		n_anna += task->owner->uid == ANNA;
		claims_end(task, TASK_SUCCEEDED);
		toy_turn(&toy);
	}
	ck_assert_int_eq(n_anna, 2);
	ck_assert(task_state_is_terminal(of_ben[1]->state) && task_state_is_terminal(of_anna[1]->state));
	ck_assert(!task_state_is_terminal(of_anna[2]->state));
}
END_TEST

static void wait_granted(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	(void)wait;
	(void)status;
	(void)grant;
}

/* Anna's is told that the lock is free, and finds that it is not: she has not gained anything over Ben, whose turn came
 * before hers, though he was held and asks for it later. */
START_TEST(who_tries_in_vain_keeps_his_turn)
{
	struct object_owner owner;
	struct object_problem problem;
	struct object_grant grant;
	struct object_wait wait = { .done = wait_granted };
	const struct lock_request request = { .name = { "db", 2 }, .holder.owner = &owner };

	core_queue_set(toy.queue, &(struct core_queue_options){ .fair = true });
	may_run(1);
	struct task *bens = submit(BEN, 0);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(bens->slot);
	struct task *of_ben = submit_claim(BEN, "db");
	other_takes("db");
	struct task *of_anna = submit_claim(ANNA, "db");
	toy_turn(&toy);
	ck_assert(is_blocked_by(of_anna, "db"));
	ck_assert_int_eq(of_ben->state, TASK_QUEUED); /* he is held */
	object_owner_begin(core_objects(toy.core), &owner, OWNER_CONNECTION, 7, 1000, 0);
	ck_assert_int_eq(lock_acquire(core_objects(toy.core), &request, &wait, &grant, &problem), OBJECT_WAITING);
	slots[0]->room = slots[1]->room = 0; /* she is told, and cannot start */
	other_releases("db");
	toy_turn(&toy);
	ck_assert_int_eq(of_anna->state, TASK_QUEUED);
	slots[0]->room = slots[1]->room = 1;
	claims_end(bens, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(is_blocked_by(of_anna, "db") && is_blocked_by(of_ben, "db"));
	object_owner_end(&owner);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(of_ben->slot);
	ck_assert_ptr_null(of_anna->slot);
}
END_TEST

/* --- queued --- */

static int try(uint32_t owner, size_t size)
{
	char *room;
	struct bytes *args = size ? bytes_new_room(size, &room) : NULL;
	struct task *task;
	int status = toy_try(&toy, (struct task_spec){ .owner = owner, .args = args }, &task);

	bytes_unref(args);
	ck_assert_int_eq(task != NULL, status == CORE_OK);
	return status;
}

static void set_queued(size_t n, size_t bytes)
{
	shares.queued = n;
	shares.queued_bytes = bytes;
	core_set_shares(toy.core, &shares);
}

START_TEST(no_more_wait_than_the_share)
{
	const struct task_spec spec = { .owner = ANNA };
	size_t has, may;

	core_queue_pause(toy.queue);
	set_queued(3, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(try(ANNA, 0), CORE_OK);
	ck_assert_int_eq(try(ANNA, 0), CORE_OVER_SHARE);
	ck_assert_int_eq(core_over_share(toy.core, &spec, 1, 0, &has, &may), CORE_SHARE_QUEUED);
	ck_assert_uint_eq(has, 3);
	ck_assert_uint_eq(may, 3);
	ck_assert_int_eq(try(BEN, 0), CORE_OK);
	ck_assert_int_eq(try(ROOT, 0), CORE_OK);
	core_queue_resume(toy.queue);
	toy_turn(&toy); /* two start */
	ck_assert_int_eq(try(ANNA, 0), CORE_OK);
	ck_assert_uint_eq(figures_of(ANNA).queued, 2);
	set_queued(1, 0); /* what is there stays */
	ck_assert_uint_eq(figures_of(ANNA).queued, 2);
	ck_assert_int_eq(try(ANNA, 0), CORE_OVER_SHARE);
	set_queued(0, 0);
	ck_assert_int_eq(try(ANNA, 0), CORE_OK);
}
END_TEST

START_TEST(no_more_bytes_wait_than_the_share)
{
	struct task_spec spec = { .owner = ANNA };
	char *room;
	size_t has, may;

	core_queue_pause(toy.queue);
	spec.args = bytes_new_room(100, &room);
	size_t each = core_submit_cost(&spec);
	set_queued(0, 2 * each);
	ck_assert_int_eq(try(ANNA, 100), CORE_OK);
	ck_assert_int_eq(try(ANNA, 101), CORE_OVER_SHARE);
	ck_assert_int_eq(core_over_share(toy.core, &spec, 1, each + 1, &has, &may), CORE_SHARE_QUEUED_BYTES);
	ck_assert_uint_eq(has, each);
	ck_assert_uint_eq(may, 2 * each);
	ck_assert_int_eq(try(ANNA, 100), CORE_OK);
	ck_assert_uint_eq(figures_of(ANNA).queued_bytes, 2 * each);
	ck_assert_int_eq(try(ANNA, 1), CORE_OVER_SHARE);
	ck_assert_int_eq(try(ANNA, 0), CORE_OK);
	ck_assert_int_eq(try(BEN, 3 * 100), CORE_OVER_SHARE); /* who has nothing may not have that either */
	ck_assert_uint_eq(figures_of(BEN).queued, 0);
	bytes_unref(spec.args);
}
END_TEST

START_TEST(what_waits_in_any_way_counts)
{
	struct task *first = submit(ANNA, 0);
	struct task_ref ref = { .id = first->id };
	struct task *out;

	core_queue_pause(toy.queue);
	set_queued(4, 0);
	toy_submit_spec(&toy, (struct task_spec){ .owner = ANNA, .due_ns = toy.now_ns + NS_PER_S });
	toy_submit_spec(&toy, (struct task_spec){ .owner = ANNA, .after = &ref, .n_after = 1 });
	struct task *durable = toy_submit_spec(&toy, (struct task_spec){ .owner = ANNA, .durable = true });
	ck_assert_int_eq(durable->state, TASK_RECORDING);
	ck_assert_uint_eq(figures_of(ANNA).queued, 4);
	ck_assert_int_eq(try(ANNA, 0), CORE_OVER_SHARE);
	const struct task_spec after = { .owner = ANNA, .after = &ref, .n_after = 1 };
	ck_assert_int_eq(toy_try(&toy, after, &out), CORE_OVER_SHARE);
	core_recorded(toy.core, durable->id);
	ck_assert_uint_eq(figures_of(ANNA).queued, 4);
	core_cancel(first); /* and with it what waits for it */
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).queued, 2);
	core_cancel(durable);
	ck_assert_uint_eq(figures_of(ANNA).queued, 1); /* its end is being recorded */
}
END_TEST

START_TEST(a_batch_comes_in_as_a_whole_or_not)
{
	struct task_spec specs[4];
	struct task *out[4];
	size_t culprit;
	uint64_t id;

	core_queue_pause(toy.queue);
	set_queued(3, 0);
	for (int i = 0; i < 4; i++)
		specs[i] = (struct task_spec){ .type = toy.type, .queue = toy.queue, .owner = i == 1 ? BEN : ANNA };
	submit(ANNA, 0);
	ck_assert_int_eq(core_submit_batch(toy.core, specs, 4, out, &culprit, &id), CORE_OVER_SHARE);
	ck_assert_uint_eq(culprit, 3);
	ck_assert_uint_eq(figures_of(ANNA).queued, 1);
	ck_assert_uint_eq(figures_of(BEN).queued, 0);
	ck_assert_int_eq(core_submit_batch(toy.core, specs, 3, out, &culprit, &id), CORE_OK);
	ck_assert_uint_eq(figures_of(ANNA).queued, 3);
	ck_assert_uint_eq(figures_of(BEN).queued, 1);
}
END_TEST

START_TEST(what_is_replaced_makes_room)
{
	const struct task_spec spec = { .owner = ANNA, .key = "k", .key_length = 1, .key_mode = KEY_REPLACE };
	struct task *first, *second;

	core_queue_pause(toy.queue);
	set_queued(1, 0);
	ck_assert_int_eq(toy_try(&toy, spec, &first), CORE_OK);
	ck_assert_int_eq(toy_try(&toy, spec, &second), CORE_OK);
	ck_assert_int_eq(first->state, TASK_CANCELLED);
	ck_assert_uint_eq(figures_of(ANNA).queued, 1);

	struct task_spec large = spec;
	size_t has, may;
	char *room;
	large.args = bytes_new_room(100, &room);
	set_queued(1, 100);
	ck_assert_int_eq(toy_try(&toy, large, &first), CORE_OVER_SHARE);
	size_t cost = core_submit_cost(&large);
	ck_assert_int_eq(core_over_share(toy.core, &large, 1, cost, &has, &may), CORE_SHARE_QUEUED_BYTES);
	set_queued(0, cost);
	ck_assert_int_eq(toy_try(&toy, large, &first), CORE_OK);
	ck_assert_int_eq(toy_try(&toy, large, &second), CORE_OK);
	ck_assert_int_eq(first->state, TASK_CANCELLED);

	/* What runs does not wait, and makes no room. */
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	claims_run(second);
	ck_assert_uint_eq(figures_of(ANNA).queued, 0);
	set_queued(1, 10);
	ck_assert_int_eq(core_over_share(toy.core, &large, 1, cost, &has, &may), CORE_SHARE_QUEUED_BYTES);
	ck_assert_uint_eq(may, 10);
	bytes_unref(large.args);
}
END_TEST

START_TEST(a_retry_may_be_refused_and_another_attempt_never_is)
{
	const struct task_retry retry = { .retries = 5, .on = RETRY_ALL, .factor = 1 };
	struct task *failed = submit(ANNA, 0), *out;

	toy_turn(&toy);
	toy_finish(slots[0]->count ? slots[0] : slots[1], TASK_FAILED);
	struct task *again = toy_submit_spec(&toy, (struct task_spec){ .owner = ANNA, .retry = &retry });
	toy_turn(&toy);
	claims_run(again);
	core_queue_pause(toy.queue);
	set_queued(1, 0);
	submit(ANNA, 0);
	ck_assert_int_eq(core_retry(failed, &out), CORE_OVER_SHARE);
	ck_assert_ptr_null(out);
	toy_finish(again->slot == slots[0]->slot ? slots[0] : slots[1], TASK_FAILED);
	ck_assert_int_eq(again->state, TASK_SCHEDULED);
	ck_assert_uint_eq(figures_of(ANNA).queued, 2);
	core_cancel(again);
	set_queued(2, 0);
	ck_assert_int_eq(core_retry(failed, &out), CORE_OK);
}
END_TEST

START_TEST(a_schedule_s_run_that_is_over_the_share_is_skipped)
{
	const struct core_schedule_spec spec = {
		.name = "s", .every_ns = NS_PER_S, .overlap = true,
		.task = { .type = toy.type, .queue = toy.queue, .owner = ANNA },
	};
	struct core_schedule *schedule;

	core_queue_pause(toy.queue);
	set_queued(1, 0);
	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	toy_advance(&toy, NS_PER_S);
	ck_assert_uint_eq(schedule->runs, 1);
	toy_advance(&toy, NS_PER_S);
	ck_assert_uint_eq(schedule->runs, 1);
	ck_assert_int_eq(toy.refusal, CORE_OVER_SHARE);
	ck_assert_uint_eq(schedule->skipped, 1);
}
END_TEST

START_TEST(what_was_there_before_a_restart_counts_and_is_not_refused)
{
	core_queue_pause(toy.queue);
	shares.running = 1;
	set_queued(2, 0);
	core_set_numbers(toy.core, &(struct core_numbers){ .id = 100, .place = 100 });
	for (uint64_t id = 1; id <= 5; id++) {
		struct core_restored restored = {
			.id = id, .place = id, .state = TASK_QUEUED, .attempt = 1, .submitted_ns = 1,
			.spec = { .type = toy.type, .queue = toy.queue, .owner = ANNA },
		};
		ck_assert(core_restore(toy.core, &restored));
	}
	core_restore_done(toy.core);
	ck_assert_uint_eq(figures_of(ANNA).queued, 5);
	ck_assert_int_eq(try(ANNA, 0), CORE_OVER_SHARE);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	ck_assert_uint_eq(figures_of(ANNA).running, 1);
	ck_assert_uint_eq(figures_of(ANNA).held, 4);
}
END_TEST

/* --- figures --- */

START_TEST(all_who_have_tasks_are_listed)
{
	struct core_user_figures figures;
	size_t cursor = 0, n = 0, queued = 0;

	core_queue_pause(toy.queue);
	for (uint32_t uid = 0; uid < 100; uid++)
		submit_many(uid, (int)uid % 7);
	while (core_user_next(toy.core, &cursor, &figures)) {
		n++;
		queued += figures.queued;
		ck_assert_uint_eq(figures.queued, figures.uid % 7);
	}
	ck_assert_uint_eq(n, 85);
	ck_assert_uint_eq(queued, core_totals(toy.core)->waiting);
	figures = figures_of(4711);
	ck_assert_uint_eq(figures.uid, 4711);
	ck_assert_uint_eq(figures.queued + figures.running + figures.kept, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: shares");
	TCase *tcase = tcase_create("running");

	tcase_add_checked_fixture(tcase, fresh, claims_finish);
	tcase_add_loop_test(tcase, who_has_his_share_running_holds_up_nobody, QUEUE_PRIORITY, QUEUE_LIFO + 1);
	tcase_add_test(tcase, nothing_is_looked_at_again_while_all_that_waits_is_held);
	tcase_add_test(tcase, who_is_held_has_one_line_in_each_queue);
	tcase_add_test(tcase, what_lies_in_a_lane_counts_and_what_comes_back_does_not);
	tcase_add_test(tcase, shares_are_of_all_queues_together);
	tcase_add_test(tcase, awaited_tasks_start_all_the_same);
	tcase_add_test(tcase, who_is_exempt_is_not_bound);
	tcase_add_test(tcase, shares_change_while_tasks_wait);
	tcase_add_test(tcase, who_is_held_keeps_no_lock_from_others);
	tcase_add_loop_test(tcase, in_a_fair_queue_locks_go_round_too, 0, 2);
	tcase_add_test(tcase, who_tries_in_vain_keeps_his_turn);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("queued");
	tcase_add_checked_fixture(tcase, fresh, claims_finish);
	tcase_add_test(tcase, no_more_wait_than_the_share);
	tcase_add_test(tcase, no_more_bytes_wait_than_the_share);
	tcase_add_test(tcase, what_waits_in_any_way_counts);
	tcase_add_test(tcase, a_batch_comes_in_as_a_whole_or_not);
	tcase_add_test(tcase, what_is_replaced_makes_room);
	tcase_add_test(tcase, a_retry_may_be_refused_and_another_attempt_never_is);
	tcase_add_test(tcase, a_schedule_s_run_that_is_over_the_share_is_skipped);
	tcase_add_test(tcase, what_was_there_before_a_restart_counts_and_is_not_refused);
	tcase_add_test(tcase, all_who_have_tasks_are_listed);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
