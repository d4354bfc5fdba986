/* The model test: nothing of the core may differ from the model. Where the core has a choice (when to look into a lane,
 * which of two records that are equally old goes first) the model says whether it was allowed, and follows. */
#include "model_world.h"

#include <stdio.h>
#include <string.h>

#define STALLED_NS (6 * MS) /* a slot that has refused a task though it had none may be left alone for so long */

static size_t size_of(const struct bytes *bytes)
{
	return bytes ? bytes->size : 0;
}

bool depends_on(const struct task_ref *refs, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (refs[i].id == id)
			return true;
	return false;
}

static void compare_outcome(const struct task *task, const struct model_task *twin)
{
	const struct task_outcome *outcome = task->outcome;

	CHECK(outcome && twin->told_end, "%llu has no outcome", (unsigned long long)task->id);
	SAME(outcome->state, twin->state, "outcome", task->id);
	CHECK(!outcome->kind == !twin->kind && (!twin->kind || !strcmp(twin->kind, outcome->kind)), "kind of %llu is %s, not %s",
		(unsigned long long)task->id, outcome->kind ? outcome->kind : "none", twin->kind ? twin->kind : "none");
	if (twin->kind && !strcmp(twin->kind, "dependency_failed")) {
		CHECK(depends_on(twin->spec.after, twin->spec.n_after, outcome->because_of) &&
			model.tasks[outcome->because_of].state > TASK_SUCCEEDED, "%llu ended because of %llu",
			(unsigned long long)task->id, (unsigned long long)outcome->because_of);
		world.n_failed_dependents++;
	}
	SAME(size_of(outcome->result), twin->state == TASK_SUCCEEDED ? twin->result_size : 0, "result size", task->id);
	SAME(!!outcome->obituary, twin->state == TASK_CRASHED || (outcome->obituary && twin->taken_ns), "obituary", task->id);
	CHECK(twin->state == TASK_SUCCEEDED || outcome->message || outcome->data || twin->state == TASK_FAILED,
		"%llu says nothing", (unsigned long long)task->id);
}

static void compare_task(struct task *task, const struct model_task *twin)
{
	const struct task_extra *extra = task->extra;

	CHECK(task->state == twin->state, "%llu is %s, not %s", (unsigned long long)task->id, task_state_name(task->state),
		task_state_name(twin->state));
	SAME(world.announced[task->id], twin->state, "the state told", task->id);
	CHECK(task->queue == world.queues[twin->spec.queue], "%llu is in another queue", (unsigned long long)task->id);
	SAME(task->timed_out, twin->timed_out, "whether its time ran out", task->id);
	SAME(task->attempt, twin->attempt, "attempt", task->id);
	SAME(task->crashes, twin->crashes, "crashes", task->id);
	SAME(task->priority, twin->spec.priority, "priority", task->id);
	SAME(task->owner->uid, twin->spec.owner, "owner", task->id);
	SAME(task->submitted_ns, twin->submitted_ns, "submission", task->id);
	SAME(task->started_ns, twin->started_ns, "start", task->id);
	SAME(task->ended_ns, twin->ended_ns, "end", task->id);
	SAME(core_args_size(task), twin->spec.size, "size of arguments", task->id);
	SAME(task->slot ? index_of(core_slot_user(task->slot)) : -1, twin->slot, "slot", task->id);
	SAME(extra ? extra->retry_of : 0, twin->retry_of, "retry_of", task->id);
	SAME(extra ? extra->retried_as : 0, twin->retried_as, "retried_as", task->id);
	SAME(extra ? extra->timeout_ns : 0, twin->spec.timeout_ns, "time limit", task->id);
	CHECK((extra ? extra->progress : -1) == twin->progress, "progress of %llu", (unsigned long long)task->id);
	if (twin->state == TASK_SCHEDULED) {
		SAME(task->due_ns, twin->due_ns, "due", task->id);
		SAME(task->wall, twin->wall, "clock", task->id);
	}
	for (unsigned i = 0; i + 1 < twin->attempt; i++)
		CHECK(extra->attempts[i].ended_ns >= extra->attempts[i].started_ns &&
			twin->spec.retry.on & (1u << (extra->attempts[i].state - TASK_FAILED)),
			"attempt %u of %llu ended as %s", i + 1, (unsigned long long)task->id, task_state_name(extra->attempts[i].state));
	if (model_over(twin))
		compare_outcome(task, twin);
	else
		CHECK(!task->outcome, "%llu has an outcome", (unsigned long long)task->id);
}

static void compare_queue(int queue)
{
	const struct model_queue *twin = &model.queues[queue];
	struct core_queue_figures figures, wanted = { .submitted = twin->submitted, .ended = twin->ended };

	if (!twin->exists)
		return;
	core_queue_figures(world.queues[queue], &figures);
	for (size_t i = 0; i < model.n_live; i++) {
		const struct model_task *task = &model.tasks[model.live[i]];

		if (task->spec.queue != queue || model_over(task))
			continue;
		wanted.scheduled += task->state == TASK_SCHEDULED;
		wanted.blocked += task->state == TASK_BLOCKED;
		wanted.waiting += task->state == TASK_QUEUED && task->slot < 0;
		wanted.running += task->slot >= 0;
		if (task->slot < 0)
			wanted.waiting_bytes += model_cost(&model, &task->spec);
	}
	SAME(figures.scheduled, wanted.scheduled, "scheduled", queue);
	SAME(figures.blocked, wanted.blocked, "blocked", queue);
	SAME(figures.waiting, wanted.waiting, "waiting", queue);
	SAME(figures.waiting_bytes, wanted.waiting_bytes, "waiting bytes", queue);
	SAME(figures.running, wanted.running, "running", queue);
	SAME(figures.submitted, wanted.submitted, "submitted", queue);
	SAME(figures.ended, wanted.ended, "ended", queue);
	SAME(figures.paused, twin->paused, "paused", queue);
	SAME(figures.draining, twin->draining, "draining", queue);
}

static void compare_totals(void)
{
	const struct core_totals *totals = core_totals(world.core);
	size_t scheduled = 0, blocked = 0, waiting = 0, in_lanes = 0, kept = 0, bytes = 0;

	for (size_t i = 0; i < model.n_live; i++) {
		const struct model_task *task = &model.tasks[model.live[i]];

		scheduled += task->state == TASK_SCHEDULED;
		blocked += task->state == TASK_BLOCKED;
		waiting += task->state == TASK_QUEUED && task->slot < 0;
		in_lanes += task->slot >= 0;
		kept += model_over(task);
		if (task->slot < 0 && !model_over(task))
			bytes += model_cost(&model, &task->spec);
	}
	SAME(totals->submitted, model.last_id, "total", 0);
	SAME(totals->scheduled, scheduled, "scheduled total", 0);
	SAME(totals->blocked, blocked, "blocked total", 0);
	SAME(totals->waiting, waiting, "waiting total", 0);
	SAME(totals->in_lanes, in_lanes, "in-lanes total", 0);
	SAME(totals->kept, kept, "kept total", 0);
	SAME(totals->queued_bytes, bytes, "queued bytes", 0);
	for (int state = 0; state < TASK_N_STATES; state++)
		SAME(totals->ended[state], model.ended[state], task_state_name((enum task_state)state), 0);
	CHECK(kept <= 1 || (kept <= model.limits.result_count && totals->kept_bytes <= model.limits.result_bytes),
		"%zu records of %zu bytes are kept", kept, totals->kept_bytes);
}

static void compare_users(void)
{
	size_t cursor = 0, n = 0;
	struct core_user_figures user;

	while (core_user_next(world.core, &cursor, &user)) {
		const struct core_user_figures wanted = model_user(&model, user.uid);

		SAME(user.queued, wanted.queued, "queued of user", user.uid);
		SAME(user.queued_bytes, wanted.queued_bytes, "queued bytes of user", user.uid);
		SAME(user.running, wanted.running, "running of user", user.uid);
		SAME(user.held, wanted.held, "held of user", user.uid);
		SAME(user.kept, wanted.kept, "kept of user", user.uid);
		world.n_held += user.held;
		n += user.queued + user.running + user.kept;
	}
	SAME(n, model.n_live, "all users' tasks", 0);
}

/* What waits in lanes, looked at: from here on the core knows what the slots do. */
static void compare_lanes(void)
{
	for (int i = 0; i < SLOTS; i++) {
		const struct task *task = NULL;

		SAME(core_slot_in_flight(world.lanes[i].slot), world.lanes[i].count, "slot", i);
		for (int k = 0; k < world.lanes[i].count; k++) {
			struct record *record = &world.lanes[i].records[k];

			task = core_slot_task_next(world.lanes[i].slot, task);
			CHECK(task == record->task, "slot %d has %llu where its lane has %llu", i, (unsigned long long)task->id,
				(unsigned long long)record->id);
			SAME(model.tasks[record->id].slot, i, "model's slot", record->id);
			core_task_look(record->task);
			if (record->taken_ns)
				model_known(&model, record->id);
		}
	}
}

/* Records that the core has dropped, and whether it had a reason to. */
static void follow_drops(void)
{
	uint64_t dropped[MODEL_REFS * 1000];
	size_t count = 0, n_kept = 0;

	for (size_t i = 0; i < model.n_live; i++) {
		uint64_t id = model.live[i];
		const struct model_task *twin = &model.tasks[id];

		if (find_task(id)) {
			CHECK(model_may_keep(&model, twin), "%llu is kept too long", (unsigned long long)id);
			n_kept += model_over(twin);
			continue;
		}
		CHECK(model_over(twin), "%llu is gone", (unsigned long long)id);
		dropped[count++] = id;
	}
	for (size_t i = 0; i < count; i++)
		model_drop(&model, dropped[i]);
	for (size_t i = 0; i < count; i++) {
		const struct model_task *twin = &model.tasks[dropped[i]];

		if (!model_must_keep(&model, twin))
			continue;
		world.n_dropped++;
		CHECK(n_kept == model.limits.result_count || model.limits.result_bytes < 1 << 20,
			"%llu was dropped though there was room", (unsigned long long)dropped[i]);
		for (size_t k = 0; k < model.n_live && !twin->fetched; k++) {
			const struct model_task *other = &model.tasks[model.live[k]];

			CHECK(!model_over(other) || (!other->fetched && other->ended_ns + NEAR_NS >= twin->ended_ns),
				"%llu was dropped before %llu", (unsigned long long)dropped[i], (unsigned long long)model.live[k]);
		}
	}
}

static void compare_idle(void)
{
	for (int i = 0; i < SLOTS; i++)
		CHECK(!world.lanes[i].ready || world.lanes[i].count || model.now_ns - world.lanes[i].refused_ns < STALLED_NS ||
			!model_must_start(&model, world.lanes[i].pool), "slot %d idles, and queue %d has something", i,
			model.which);
}

/* --- selections --- */

static bool is_wanted(const struct task_filter *filter, int queue, int type, int tag, uint64_t id)
{
	const struct model_task *task = &model.tasks[id];

	return (!filter->states || filter->states & TASK_STATE_BIT(task->state)) && (queue < 0 || task->spec.queue == queue) &&
		(type < 0 || task->spec.type == type) && (!tag || task->spec.tag == tag) &&
		(!filter->by_owner || task->spec.owner == filter->owner) && task->submitted_ns >= filter->since_ns;
}

static uint64_t live_at(const struct task_walk *walk, size_t at)
{
	return model.live[walk->oldest_first ? at : model.n_live - 1 - at];
}

static void compare_selection(void)
{
	int queue = chance(30) ? random_queue() : -1, type = chance(30) ? (int)pick(TYPES) : -1;
	int tag = chance(30) ? 1 + (int)pick(5) : 0;
	char name[12];
	struct task_filter filter = { .states = chance(60) ? (unsigned)pick(1 << TASK_N_STATES) : 0 };
	struct task_walk walk = { .oldest_first = chance(50) };
	struct task *found[7];
	size_t at = 0, n = 0;

	snprintf(name, sizeof(name), "t%d", tag);
	filter.queue = queue < 0 ? NULL : world.queues[queue];
	filter.type = type < 0 ? NULL : world.types[type];
	filter.tag = tag ? name : NULL;
	filter.tag_length = strlen(name);
	filter.by_owner = chance(30);
	filter.owner = 1000 + (uint32_t)pick(MODEL_OWNERS);
	filter.since_ns = chance(20) ? model.now_ns - pick(50) * MS : 0;
	while (!walk.over) {
		n = core_select(world.core, &filter, &walk, 1 + (size_t)pick(50), found, 1 + (size_t)pick(7));
		for (size_t i = 0; i < n; i++, at++) {
			while (at < model.n_live && !is_wanted(&filter, queue, type, tag, live_at(&walk, at)))
				at++;
			CHECK(at < model.n_live, "%llu is selected too", (unsigned long long)found[i]->id);
			SAME(found[i]->id, live_at(&walk, at), "selected", at);
		}
	}
	for (; at < model.n_live; at++)
		CHECK(!is_wanted(&filter, queue, type, tag, live_at(&walk, at)),
			"one is not selected");
}

void compare(void)
{
	compare_lanes();
	follow_drops();
	for (size_t i = 0; i < model.n_live; i++)
		compare_task(find_task(model.live[i]), &model.tasks[model.live[i]]);
	for (int queue = 0; queue < model.n_queues; queue++)
		compare_queue(queue);
	compare_totals();
	compare_users();
	compare_idle();
	compare_crowd();
	if (chance(10))
		compare_selection();
}
