/* What tasks must have before they start: when they have it, how they lose it, in every state. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "claims_world.h"
#include "core/cron.h"

/* --- having --- */

START_TEST(a_lock_is_its_own_from_its_start_to_its_end)
{
	bool died;

	claims_slots(1);
	struct task *task = claims_submit("db", NULL);
	ck_assert(lock_is_free("db", NULL));
	toy_turn(&toy);
	claims_run(task);
	ck_assert(!lock_is_free("db", NULL));
	claims_end(task, TASK_SUCCEEDED);
	ck_assert(lock_is_free("db", &died));
	ck_assert(!died);
}
END_TEST

START_TEST(who_cannot_have_it_is_blocked_out_of_the_way)
{
	struct core_queue_figures figures;

	claims_slots(2);
	struct task *first = claims_submit("db", NULL), *second = claims_submit("db", NULL),
		    *third = toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(first->slot);
	ck_assert(is_blocked_by(second, "db"));
	ck_assert_ptr_nonnull(third->slot);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.blocked, 1);
	ck_assert_uint_eq(figures.waiting, 0);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 1);
	claims_end(first, TASK_SUCCEEDED);
	ck_assert_int_eq(second->state, TASK_BLOCKED); /* nothing starts but in a turn */
	toy_turn(&toy);
	ck_assert_ptr_nonnull(second->slot);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.blocked, 0);
	ck_assert_uint_eq(figures.waiting_bytes, 0);
}
END_TEST

START_TEST(all_are_taken_or_none)
{
	claims_slots(3);
	other_takes("b");
	struct task *both = claims_submit("a", "b"), *one = claims_submit("a", NULL);
	toy_turn(&toy);
	ck_assert(is_blocked_by(both, "b"));
	ck_assert_ptr_nonnull(one->slot);
	other_releases("b");
	toy_turn(&toy);
	ck_assert(is_blocked_by(both, "a"));
	ck_assert(lock_is_free("b", NULL));
	claims_end(one, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(both->slot);
	ck_assert(!lock_is_free("a", NULL) && !lock_is_free("b", NULL));
}
END_TEST

START_TEST(permits_and_shared_locks_are_for_several)
{
	claims_slots(4);
	struct task *tasks[6];
	for (int i = 0; i < 6; i++)
		tasks[i] = claims_submit(i < 3 ? "+gpu" : i < 5 ? "~data" : "data", NULL);
	toy_turn(&toy);
	ck_assert(tasks[0]->slot && tasks[1]->slot && tasks[3]->slot && tasks[4]->slot);
	ck_assert(is_blocked_by(tasks[2], "gpu"));
	ck_assert_int_eq(tasks[5]->state, TASK_QUEUED); /* no slot is free, so it has not been tried */
	ck_assert_uint_eq(lock_holders("data"), 2);
	claims_end(tasks[3], TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(is_blocked_by(tasks[5], "data"));
	claims_end(tasks[0], TASK_SUCCEEDED);
	claims_end(tasks[4], TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(tasks[2]->slot && tasks[5]->slot);
}
END_TEST

static void hold_up(struct task_spec *spec, int how)
{
	static const struct core_queue_options none_may_run = { .rate = 1e-6 };
	static struct task_ref ref;

	switch (how) {
	case 0: /* no slot */
		core_slot_retire(slots[0]->slot);
		break;
	case 1:
		core_queue_pause(toy.queue);
		break;
	case 2:
		core_queue_set(toy.queue, &none_may_run);
		toy_submit(&toy, 0);
		toy_turn(&toy);
		claims_end(toy.core->all.tqh_first, TASK_SUCCEEDED);
		break;
	case 3:
		spec->due_ns = toy.now_ns + NS_PER_S;
		break;
	case 4:
		ref.id = toy_submit_spec(&toy, (struct task_spec){ .due_ns = toy.now_ns + NS_PER_S })->id;
		spec->after = &ref;
		spec->n_after = 1;
		break;
	default: /* the slot refuses */
		slots[0]->room = 0;
	}
}

/* _i: how it is held up */
START_TEST(who_waits_for_something_else_holds_nothing)
{
	struct task_spec spec = claims_spec("db", "+gpu");

	claims_slots(1);
	hold_up(&spec, _i);
	struct task *task = toy_submit_spec(&toy, spec);
	for (int i = 0; i < 3; i++) {
		toy_turn(&toy);
		ck_assert_ptr_null(task->slot);
		ck_assert(lock_is_free("db", NULL));
		ck_assert_uint_eq(objects_count(core_objects(toy.core), OBJECT_SEMAPHORE), 0);
	}
}
END_TEST

START_TEST(dependencies_come_before_claims)
{
	claims_slots(1);
	struct task *first = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = first->id };
	struct task_spec spec = claims_spec("db", NULL);
	spec.after = &ref;
	spec.n_after = 1;
	struct task *task = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_BLOCKED);
	ck_assert_ptr_null(core_waits_for(task));
	other_takes("db");
	toy_finish(slots[0], TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert(is_blocked_by(task, "db"));
	ck_assert_uint_eq(core_dependencies_open(task), 0);
	other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(task->slot);
}
END_TEST

START_TEST(it_is_given_to_an_idle_slot_only)
{
	toy_teach(&toy, NS_PER_US);
	claims_slots(1);
	struct task *small = toy_submit(&toy, 0);
	toy_turn(&toy);
	claims_run(small);
	struct task *task = claims_submit("db", NULL);
	toy_turn(&toy);
	ck_assert_ptr_null(task->slot);
	ck_assert(lock_is_free("db", NULL));
	claims_end(small, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(task->slot);
	struct task *behind = toy_submit(&toy, 0);
	toy_turn(&toy);
	ck_assert_ptr_eq(behind->slot, task->slot); /* which does it no harm */
}
END_TEST

START_TEST(its_grant_is_told)
{
	uint64_t fence, later;
	bool died;

	claims_slots(1);
	struct task *task = claims_submit("db", NULL);
	ck_assert(!core_claims_had(task, &fence, &died));
	toy_turn(&toy);
	ck_assert(core_claims_had(task, &fence, &died));
	ck_assert(!died);
	ck_assert_uint_ge(fence, TOY_WALL / NS_PER_US);
	claims_run(task);
	toy_die(slots[0], SIGKILL);
	core_slot_ready(slots[0]->slot);
	struct task *next = claims_submit("db", NULL);
	toy_turn(&toy);
	ck_assert(core_claims_had(next, &later, &died));
	ck_assert(died);
	ck_assert_uint_gt(later, fence);
}
END_TEST

START_TEST(what_an_attempt_had_is_not_told_of_the_next)
{
	const struct task_retry retry = { .retries = 5, .on = RETRY_ALL, .factor = 1 };
	struct task_spec spec = claims_spec("db", NULL);
	uint64_t fence;
	bool died;

	claims_slots(1);
	spec.retry = &retry;
	struct task *task = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	claims_end(task, TASK_FAILED);
	other_takes("db");
	toy_advance(&toy, NS_PER_S);
	toy_turn(&toy);
	ck_assert(is_blocked_by(task, "db"));
	ck_assert(!core_claims_had(task, &fence, &died));
}
END_TEST

/* _i: in which order they are said */
START_TEST(what_it_waits_for_is_told_by_kind_and_name)
{
	claims_slots(1);
	other_takes("x");
	struct task *task = claims_submit(_i ? "x" : "+x", _i ? "+x" : "x");
	toy_turn(&toy);
	ck_assert(is_blocked_by(task, "x"));
	ck_assert_int_eq(core_waits_for(task)->kind, OBJECT_LOCK);
}
END_TEST

/* --- losing --- */

/* _i: how it ends */
START_TEST(it_is_given_back_well_where_it_ends_in_order)
{
	bool died;

	claims_slots(1);
	struct task *task = claims_submit("db", NULL);
	toy_turn(&toy);
	claims_run(task);
	if (_i == 2)
		core_cancel(task);
	claims_end(task, _i == 0 ? TASK_SUCCEEDED : TASK_FAILED);
	ck_assert(lock_is_free("db", &died));
	ck_assert(!died);
}
END_TEST

/* _i: 0: dies; 1: is killed because it did not stop; 2: the slot says that it was killed */
START_TEST(its_death_is_told_to_the_next)
{
	bool died;

	claims_slots(1);
	struct task *task = claims_submit("db", NULL);
	toy_turn(&toy);
	claims_run(task);
	if (_i == 1)
		core_cancel(task);
	if (_i == 2) {
		slots[0]->count = 0;
		core_task_done(
			task, &(struct task_outcome){ .state = TASK_FAILED, .killed = true }, toy.now_ns, toy.now_ns);
	} else {
		toy_die(slots[0], SIGKILL);
	}
	ck_assert(lock_is_free("db", &died));
	ck_assert(died);
}
END_TEST

/* _i: how */
START_TEST(what_never_began_gives_it_back_well)
{
	bool died;

	claims_slots(1);
	struct task *task = claims_submit("db", NULL);
	toy_turn(&toy);
	ck_assert(!lock_is_free("db", NULL));
	switch (_i) {
	case 0:
		core_slot_retire(slots[0]->slot);
		break;
	case 1:
		core_queue_pause(toy.queue);
		break;
	case 2:
		core_close(toy.core, false);
		break;
	case 3:
		toy_die(slots[0], SIGKILL);
		break;
	default:
		core_cancel(task);
	}
	ck_assert_ptr_null(task->slot);
	ck_assert_int_eq(task->state, _i == 4 ? TASK_CANCELLED : TASK_QUEUED);
	ck_assert(lock_is_free("db", &died));
	ck_assert(!died);
	toy_turn(&toy);
	ck_assert(lock_is_free("db", NULL));
}
END_TEST

START_TEST(a_refused_start_gives_it_back_well)
{
	claims_slots(1);
	slots[0]->room = 0;
	struct task *task = claims_submit("db", NULL), *waits = claims_submit("db", NULL);
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	ck_assert_int_eq(waits->state, TASK_QUEUED);
	ck_assert(lock_is_free("db", NULL));
	slots[0]->room = TOY_LANE;
	toy_advance(&toy, STALL_NS);
	ck_assert_ptr_nonnull(task->slot);
}
END_TEST

START_TEST(what_is_too_large_in_the_end_gives_it_back_well)
{
	bool died;

	claims_slots(1);
	struct task *first = toy_submit(&toy, 0);
	const struct task_ref ref = { .id = first->id };
	struct task_spec spec = claims_spec("db", NULL);
	spec.after = &ref;
	spec.n_after = 1;
	spec.pass_results = true;
	struct task *task = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	claims_run(first);
	core_queue_pause(toy.queue);
	toy_finish_result(slots[0], "12345");
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	toy.gather_limit = 1;
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_str_eq(task->outcome->kind, "too_large");
	ck_assert(lock_is_free("db", &died));
	ck_assert(!died);
}
END_TEST

START_TEST(each_attempt_claims_anew)
{
	const struct task_retry retry = { .retries = 2, .on = RETRY_ALL, .backoff_ns = NS_PER_S, .factor = 1 };
	struct task_spec spec = claims_spec("db", NULL);
	bool died;

	claims_slots(1);
	spec.retry = &retry;
	struct task *task = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	claims_run(task);
	toy_die(slots[0], SIGKILL);
	core_slot_ready(slots[0]->slot);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	ck_assert(lock_is_free("db", &died));
	ck_assert(died);
	other_takes("db");
	toy_advance(&toy, NS_PER_S);
	ck_assert(is_blocked_by(task, "db"));
	other_releases("db");
	toy_turn(&toy);
	claims_run(task);
	ck_assert(!lock_is_free("db", NULL));
	claims_end(task, TASK_FAILED);
	ck_assert_int_eq(task->state, TASK_SCHEDULED);
	ck_assert(lock_is_free("db", &died));
	ck_assert(!died);
	core_cancel(task);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
}
END_TEST

/* --- blocked --- */

/* _i: how it ends */
START_TEST(a_blocked_one_ends_as_any_that_waits)
{
	static const enum task_state states[] = { TASK_CANCELLED, TASK_EXPIRED };
	struct task_spec spec = claims_spec("db", NULL);

	claims_slots(2);
	other_takes("db");
	spec.expires_ns = toy.now_ns + NS_PER_S;
	struct task *task = toy_submit_spec(&toy, spec), *next = claims_submit("db", NULL);
	toy_turn(&toy);
	ck_assert(is_blocked_by(task, "db") && is_blocked_by(next, "db"));
	if (_i == 0)
		core_cancel(task);
	else
		toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(task->state, states[_i]);
	ck_assert_ptr_null(core_waits_for(task));
	ck_assert_uint_eq(core_totals(toy.core)->blocked + core_totals(toy.core)->waiting, 1);
	ck_assert(core_forget(task));
	toy_turn(&toy);
	other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(next->slot);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 0);
}
END_TEST

START_TEST(its_time_limit_counts_from_its_start)
{
	struct task_spec spec = claims_spec("db", NULL);

	claims_slots(1);
	other_takes("db");
	spec.timeout_ns = NS_PER_S;
	struct task *task = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	toy_advance(&toy, 10 * NS_PER_S);
	ck_assert(is_blocked_by(task, "db"));
	other_releases("db");
	toy_turn(&toy);
	claims_run(task);
	toy_advance(&toy, NS_PER_S);
	ck_assert_int_eq(task->state, TASK_CANCELLING);
	ck_assert(task->timed_out);
}
END_TEST

START_TEST(blocked_ones_count_for_their_queue)
{
	const struct core_queue_options two = { .limit_queued = 2 };
	struct core_queue_figures figures;
	struct task *task;

	claims_slots(1);
	other_takes("db");
	core_queue_set(toy.queue, &two);
	const struct task_spec spec = claims_spec("db", NULL);
	size_t cost = core_submit_cost(&spec);
	claims_submit("db", NULL);
	claims_submit("db", NULL);
	toy_turn(&toy);
	core_queue_figures(toy.queue, &figures);
	ck_assert_uint_eq(figures.blocked, 2);
	ck_assert_uint_eq(figures.waiting_bytes, 2 * cost);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 2 * cost);
	ck_assert_int_eq(toy_try(&toy, spec, &task), CORE_QUEUE_FULL);
	core_queue_set(toy.queue, &(struct core_queue_options){ .limit_bytes = 3 * cost - 1 });
	ck_assert_int_eq(toy_try(&toy, spec, &task), CORE_QUEUE_FULL);
	core_queue_set(toy.queue, &(struct core_queue_options){ .limit_bytes = 3 * cost });
	ck_assert_int_eq(toy_try(&toy, spec, &task), CORE_OK);
	ck_assert_uint_gt(cost, core_submit_cost(&(struct task_spec){ .n_claims = 0 }) + spec.claims[0].name.length);
}
END_TEST

/* _i: it is found when it is tried, or while it waits */
START_TEST(what_can_no_longer_be_had_ends_it)
{
	const struct object_claim claim = { .kind = OBJECT_SEMAPHORE, .name = { "gpu", 3 }, .count = 4, .slots = -1 };
	const struct semaphore_request request = {
		.name = claim.name,
		.holder.owner = &other,
		.slots = -1,
		.bounded = -1,
		.count = 1,
	};
	struct object_problem problem;
	struct object_grant grant;

	claims_slots(1);
	semaphore_configure(core_objects(toy.core), "gpu", 4);
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .claims = &claim, .n_claims = 1 });
	if (_i == 1) {
		ck_assert_int_eq(
			semaphore_acquire(core_objects(toy.core), &request, NULL, &grant, &problem), OBJECT_DONE);
		toy_turn(&toy);
		ck_assert(is_blocked_by(task, "gpu"));
	}
	semaphore_configure(core_objects(toy.core), "gpu", 3);
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_str_eq(task->outcome->kind, "mismatch");
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "gpu"));
	ck_assert_uint_eq(objects_count(core_objects(toy.core), OBJECT_SEMAPHORE), 1);
}
END_TEST

START_TEST(one_who_may_have_no_more_objects_ends)
{
	const struct object_limits limits = { .objects = 1 };
	struct task_spec spec = claims_spec("a", "b");

	claims_slots(1);
	objects_set_limits(core_objects(toy.core), &limits);
	spec.owner = 7;
	struct task *task = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	ck_assert_int_eq(task->state, TASK_CANCELLED);
	ck_assert_str_eq(task->outcome->kind, "too_many");
	ck_assert_uint_eq(objects_count(core_objects(toy.core), OBJECT_LOCK), 0);
}
END_TEST

START_TEST(blocked_ones_are_found)
{
	const struct task_filter filter = { .states = TASK_STATE_BIT(TASK_BLOCKED) };
	struct task_walk walk = { 0 };
	struct task *found[4];
	size_t n;

	claims_slots(1);
	other_takes("db");
	struct task *task = claims_submit("db", NULL), *with = claims_submit("db", "+gpu");
	toy_turn(&toy);
	ck_assert_uint_eq(core_select(toy.core, &filter, &walk, 100, found, 4), 2);
	ck_assert(found[0] == with && found[1] == task);
	const struct object_claim *claims = core_claims(with, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(claims[1].kind, OBJECT_SEMAPHORE);
	ck_assert_int_eq(memcmp(claims[1].name.data, "gpu", 3), 0);
	ck_assert_ptr_null(core_claims(toy_submit(&toy, 0), &n));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(those_that_wait_for_a_lock_are_told_in_order)
{
	const struct object_name name = { "db", 2 };
	struct claim_waiter waiters[20];
	struct task *tasks[20];

	claims_slots(1);
	other_takes("db");
	for (int i = 0; i < 20; i++)
		tasks[i] = claims_submit_priority("db", i * 7 % 20);
	toy_turn(&toy);
	const struct object *lock = object_find(core_objects(toy.core), OBJECT_LOCK, &name);
	for (size_t room = 0; room <= 20; room++) {
		ck_assert_uint_eq(core_claim_waiters(toy.core, lock, waiters, room), 20);
		for (size_t i = 0; i < room; i++)
			ck_assert_int_eq(waiters[i].task->priority, 19 - (int)i);
	}
	ck_assert_int_eq(waiters[0].since_ns, toy.now_ns);
	ck_assert_uint_eq(waiters[0].claim->name.length, 2);
	core_cancel(tasks[0]);
	ck_assert_uint_eq(core_claim_waiters(toy.core, lock, NULL, 0), 19);
}
END_TEST

START_TEST(a_turn_is_due_when_a_lock_is_given_back)
{
	claims_slots(1);
	other_takes("db");
	claims_submit("db", NULL);
	toy_turn(&toy);
	ck_assert(!core_is_due(toy.core));
	other_releases("db");
	ck_assert(core_is_due(toy.core));
	toy_turn(&toy);
	ck_assert(!core_is_due(toy.core));
}
END_TEST

/* --- in a task's name --- */

START_TEST(an_owner_is_there_while_it_runs)
{
	const struct object_name name = { "db", 2 };
	struct object_problem problem;
	struct object_grant grant;
	bool died;

	claims_slots(1);
	struct task *task = toy_submit(&toy, 0);
	ck_assert_ptr_null(core_task_owner(task));
	toy_turn(&toy);
	ck_assert_ptr_null(core_task_owner(task)); /* in a lane */
	toy_take(slots[0]);
	struct object_owner *owner = core_task_owner(task);
	ck_assert_ptr_nonnull(owner);
	ck_assert_ptr_eq(core_task_owner(task), owner);
	ck_assert_int_eq(owner->kind, OWNER_TASK);
	ck_assert_uint_eq(owner->id, task->id);
	const struct lock_request request = { .name = name, .holder.owner = owner };
	ck_assert_int_eq(lock_acquire(core_objects(toy.core), &request, NULL, &grant, &problem), OBJECT_DONE);
	core_cancel(task);
	ck_assert_ptr_eq(core_task_owner(task), owner);
	claims_end(task, TASK_SUCCEEDED);
	ck_assert_ptr_null(core_task_owner(task));
	ck_assert(lock_is_free("db", &died));
	ck_assert(died); /* it has not released it */
}
END_TEST

START_TEST(a_wait_in_its_name_ends_with_it)
{
	const struct lock_request wanted = { .name = { "other", 5 } };
	struct object_wait wait = { .done = NULL };
	struct object_problem problem;
	struct object_grant grant;

	claims_slots(1);
	other_takes("other");
	struct task *task = claims_submit("db", NULL);
	toy_turn(&toy);
	claims_run(task);
	struct lock_request request = wanted;
	request.holder.owner = core_task_owner(task);
	ck_assert_int_eq(lock_acquire(core_objects(toy.core), &request, &wait, &grant, &problem), OBJECT_WAITING);
	toy_die(slots[0], SIGKILL);
	ck_assert(!object_wait_is_on(&wait));
	other_releases("other");
	ck_assert_uint_eq(objects_count(core_objects(toy.core), OBJECT_LOCK), 1); /* "db", whose holder has died */
}
END_TEST

/* --- ways in --- */

START_TEST(a_batch_s_tasks_have_claims)
{
	struct task_spec specs[3];
	struct task *out[3];
	size_t culprit;
	uint64_t id;

	claims_slots(2);
	for (int i = 0; i < 3; i++) {
		specs[i] = claims_spec(i < 2 ? "db" : "+gpu", NULL);
		specs[i].type = toy.type;
		specs[i].queue = toy.queue;
	}
	ck_assert_int_eq(core_submit_batch(toy.core, specs, 3, out, &culprit, &id), CORE_OK);
	toy_turn(&toy);
	ck_assert(out[0]->slot && out[2]->slot && is_blocked_by(out[1], "db"));
}
END_TEST

START_TEST(a_retry_keeps_its_claims)
{
	struct task *again;
	size_t n;

	claims_slots(1);
	struct task *task = claims_submit("db", "+gpu");
	core_cancel(task);
	ck_assert_int_eq(core_retry(task, &again), CORE_OK);
	ck_assert(core_forget(task));
	toy_turn(&toy);
	ck_assert_ptr_nonnull(core_claims(again, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(!lock_is_free("db", NULL));
}
END_TEST

START_TEST(a_key_s_new_owner_has_claims_of_its_own)
{
	struct task_spec spec = claims_spec("db", NULL);
	struct task *first, *second;

	claims_slots(1);
	other_takes("db");
	spec.key = "k";
	spec.key_length = 1;
	spec.key_mode = KEY_REPLACE;
	first = toy_submit_spec(&toy, spec);
	toy_turn(&toy);
	ck_assert(is_blocked_by(first, "db"));
	second = toy_submit_spec(&toy, spec);
	ck_assert_int_eq(first->state, TASK_CANCELLED);
	other_releases("db");
	toy_turn(&toy);
	ck_assert_ptr_nonnull(second->slot);
}
END_TEST

START_TEST(a_schedule_s_runs_have_claims)
{
	char name[] = "db";
	const struct object_claim claim = { .kind = OBJECT_LOCK, .name = { name, 2 } };
	const struct core_schedule_spec spec = {
		.name = "s",
		.every_ns = NS_PER_S,
		.overlap = true,
		.task = { .type = toy.type, .queue = toy.queue, .claims = &claim, .n_claims = 1 },
	};
	struct core_schedule *schedule;

	claims_slots(2);
	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	name[0] = 'x'; /* it has a copy */
	toy_advance(&toy, NS_PER_S);
	ck_assert(!lock_is_free("db", NULL));
	toy_advance(&toy, NS_PER_S);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 1);
	core_schedule_remove(toy.core, schedule);
	toy_finish(slots[slots[0]->count == 0], TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_uint_eq(core_totals(toy.core)->blocked, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core_claims");
	TCase *tcase = tcase_create("core_claims");

	tcase_add_checked_fixture(tcase, claims_fresh, claims_finish);
	tcase_add_test(tcase, a_lock_is_its_own_from_its_start_to_its_end);
	tcase_add_test(tcase, who_cannot_have_it_is_blocked_out_of_the_way);
	tcase_add_test(tcase, all_are_taken_or_none);
	tcase_add_test(tcase, permits_and_shared_locks_are_for_several);
	tcase_add_loop_test(tcase, who_waits_for_something_else_holds_nothing, 0, 6);
	tcase_add_test(tcase, dependencies_come_before_claims);
	tcase_add_test(tcase, it_is_given_to_an_idle_slot_only);
	tcase_add_test(tcase, its_grant_is_told);
	tcase_add_test(tcase, what_an_attempt_had_is_not_told_of_the_next);
	tcase_add_loop_test(tcase, what_it_waits_for_is_told_by_kind_and_name, 0, 2);
	tcase_add_loop_test(tcase, it_is_given_back_well_where_it_ends_in_order, 0, 3);
	tcase_add_loop_test(tcase, its_death_is_told_to_the_next, 0, 3);
	tcase_add_loop_test(tcase, what_never_began_gives_it_back_well, 0, 5);
	tcase_add_test(tcase, a_refused_start_gives_it_back_well);
	tcase_add_test(tcase, what_is_too_large_in_the_end_gives_it_back_well);
	tcase_add_test(tcase, each_attempt_claims_anew);
	tcase_add_loop_test(tcase, a_blocked_one_ends_as_any_that_waits, 0, 2);
	tcase_add_test(tcase, its_time_limit_counts_from_its_start);
	tcase_add_test(tcase, blocked_ones_count_for_their_queue);
	tcase_add_loop_test(tcase, what_can_no_longer_be_had_ends_it, 0, 2);
	tcase_add_test(tcase, one_who_may_have_no_more_objects_ends);
	tcase_add_test(tcase, blocked_ones_are_found);
	tcase_add_test(tcase, those_that_wait_for_a_lock_are_told_in_order);
	tcase_add_test(tcase, a_turn_is_due_when_a_lock_is_given_back);
	tcase_add_test(tcase, an_owner_is_there_while_it_runs);
	tcase_add_test(tcase, a_wait_in_its_name_ends_with_it);
	tcase_add_test(tcase, a_batch_s_tasks_have_claims);
	tcase_add_test(tcase, a_retry_keeps_its_claims);
	tcase_add_test(tcase, a_key_s_new_owner_has_claims_of_its_own);
	tcase_add_test(tcase, a_schedule_s_runs_have_claims);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
