/* Who gets what. A lane holds about a millisecond of work, or as much as its pool says, so that a slot does not wait for
 * the master between small tasks, and so that nothing waits long behind something else. What turns out to wait behind a slow task is taken back.
 * What is next is on top of the pool's heap of queues, which every start brings up to date: limits, rates and shares
 * are gate.c's. Slots are found on lists, and a slot that cannot take the next task leaves its list until it has completed
 * one: so a turn costs what it starts, however many tasks and slots there are. */
#include "core/internal.h"

/* --- the window --- */

static uint32_t estimate(const struct task *task)
{
	int64_t each_ns = task->type->mean_run_ns;
	int64_t items = task->items ? task->items : 1;

	if (each_ns == 0)
		return ESTIMATE_UNKNOWN_NS;
	/* Beyond a second it makes no difference, and fits. */
	return each_ns >= NS_PER_S / items ? (uint32_t)NS_PER_S : (uint32_t)(each_ns * items);
}

/* The task that the slot runs has taken longer than it was thought to. */
static bool is_overdue(const struct core_slot *slot)
{
	const struct task *front = TAILQ_FIRST(&slot->tasks);

	if (!front || front->state == TASK_QUEUED)
		return false;
	int64_t allowed_ns = front->estimate_ns > NS_PER_MS ? front->estimate_ns : NS_PER_MS;
	return slot->pool->core->now_ns - front->started_ns > allowed_ns;
}

static void close_window(struct core_slot *slot)
{
	slot->full = true;
	slot_update(slot);
}

/* An idle slot that takes TASK, or NULL. Reserved ones are nearly always the last ones. */
static struct core_slot *pick_idle(const struct core_pool *pool, const struct task *task)
{
	struct core_slot *slot;

	TAILQ_FOREACH(slot, &pool->idle, place_link)
		if (!slot->reserved || (task->awaited && pool->admits))
			return slot;
	return NULL;
}

/* The slot for TASK, which is estimated at estimate_ns, or NULL. */
static struct core_slot *pick(struct core_pool *pool, const struct task *task, uint32_t estimate_ns)
{
	struct core_slot *slot = pick_idle(pool, task);

	if (slot)
		return slot;
	/* It might come to lie behind what waits for it, or hold what others wait for while it waits itself. */
	if (estimate_ns >= pool->window_ns || task->awaited || claim_has(task))
		return NULL;
	while ((slot = TAILQ_FIRST(&pool->open))) {
		if (slot->estimate_ns + estimate_ns <= pool->window_ns && !is_overdue(slot))
			return slot;
		close_window(slot);
	}
	return NULL;
}

/* --- starting --- */

static void give(struct core_slot *slot, struct task *task, uint32_t estimate_ns)
{
	struct core *core = slot->pool->core;

	if ((claim_has(task) && !claim_take(task)) || !depend_unfold(task))
		return;
	task->given_ns = core->now_ns;
	task->estimate_ns = estimate_ns;
	if (core->ops.start(core->ops.context, slot, task) < 0) {
		depend_fold(task);
		claim_release(task);
		if (slot->count)
			close_window(slot);
		else
			slot_stall(slot);
		return;
	}
	if (slot->reserved)
		slot->pool->admits = false;
	gate_start(task->queue);
	queue_start(task);
	queue_remove(task->queue, task);
	slot_put(slot, task);
	core->sweep_gap_ns = SWEEP_NS;
	if (core->sweep_ns > core->now_ns + slot->pool->look_ns)
		core->sweep_ns = core->now_ns + slot->pool->look_ns;
}

void sched_run(struct core_pool *pool)
{
	struct heap_node *top;

	while (pool->core->n_refused < TURN_MOST && (top = heap_top(&pool->waiting))) {
		struct task *task = queue_first(heap_entry(top, struct core_queue, node));

		if (task->durable && pool->core->held) {
			pool->core->n_refused++;
			record_hold(task);
			continue;
		}
		uint32_t estimate_ns = estimate(task);
		struct core_slot *slot = pick(pool, task, estimate_ns);

		if (!slot)
			break;
		give(slot, task, estimate_ns);
	}
}

void sched_unstall(struct core *core)
{
	struct core_slot *slot;

	if (core->now_ns < core->stalled_ns)
		return;
	core->stalled_ns = CLOCK_NEVER;
	while ((slot = TAILQ_FIRST(&core->stalled))) {
		TAILQ_REMOVE(&core->stalled, slot, place_link);
		slot->place = PLACE_NONE;
		slot_update(slot);
	}
}

/* --- the sweep --- */

/* Whether the slot runs something; false: it has still not taken what it was given. Where its worker is stopped, or does
 * not get a CPU, that may last: a slot that has nothing to do takes over, and is preferred from now on. */
static bool sweep_slot(struct core_slot *slot)
{
	struct task *front = TAILQ_FIRST(&slot->tasks);

	core_task_look(front);
	if (front->state == TASK_QUEUED) {
		if (slot->pool->core->now_ns - front->given_ns >= UNTAKEN_NS && !TAILQ_EMPTY(&slot->pool->idle)) {
			slot_reclaim(slot);
			slot_put_last(slot);
		}
		return false;
	}
	if (slot->count > 1 && is_overdue(slot))
		slot_reclaim(slot); /* pick will not give it more */
	return true;
}

void sched_sweep(struct core *core)
{
	struct core_slot *slot, *next;
	bool learned = false;
	int64_t look_ns = SWEEP_SLOWEST_NS;

	if (!TAILQ_EMPTY(&core->watched) && core->now_ns >= core->sweep_ns) {
		for (slot = TAILQ_FIRST(&core->watched); slot; slot = next) {
			next = TAILQ_NEXT(slot, watch_link);
			look_ns = slot->pool->look_ns < look_ns ? slot->pool->look_ns : look_ns;
			learned |= sweep_slot(slot);
		}
		/* A worker that does not run at all is not a reason to look a thousand times a second for ever. */
		core->sweep_gap_ns = learned ? look_ns : core->sweep_gap_ns * 2;
		if (core->sweep_gap_ns > SWEEP_SLOWEST_NS)
			core->sweep_gap_ns = SWEEP_SLOWEST_NS;
		core->sweep_ns = core->now_ns + core->sweep_gap_ns;
	}
	if (TAILQ_EMPTY(&core->watched))
		core->sweep_ns = CLOCK_NEVER;
}
