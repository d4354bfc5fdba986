/* Pools and their slots, and the books on what is in each slot's lane. */
#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "core/internal.h"

/* --- where a slot belongs --- */

static struct slot_list *list_of(struct core_slot *slot, enum slot_place place)
{
	switch (place) {
	case PLACE_IDLE:
		return &slot->pool->idle;
	case PLACE_OPEN:
		return &slot->pool->open;
	case PLACE_STALLED:
		return &slot->pool->core->stalled;
	case PLACE_NONE:
		break;
	}
	return NULL;
}

static void move(struct core_slot *slot, enum slot_place place)
{
	if (slot->place == place)
		return;
	if (slot->place != PLACE_NONE)
		TAILQ_REMOVE(list_of(slot, slot->place), slot, place_link);
	slot->place = place;
	if (place == PLACE_IDLE && !slot->reserved) /* the one that ran last has the warmest caches */
		TAILQ_INSERT_HEAD(list_of(slot, place), slot, place_link);
	else if (place != PLACE_NONE)
		TAILQ_INSERT_TAIL(list_of(slot, place), slot, place_link);
}

static enum slot_place place_for(const struct core_slot *slot)
{
	if (slot->state != SLOT_READY)
		return PLACE_NONE;
	if (slot->count == 0)
		return slot->place == PLACE_STALLED ? PLACE_STALLED : PLACE_IDLE;
	return !slot->full && !slot->reserved && slot->count < WINDOW_TASKS && slot->estimate_ns < slot->pool->window_ns ? PLACE_OPEN : PLACE_NONE;
}

/* A slot must be looked at while it is not known whether it runs its first task, and while others wait behind that. */
static bool needs_watching(const struct core_slot *slot)
{
	return slot->count > 1 || (slot->count == 1 && TAILQ_FIRST(&slot->tasks)->state == TASK_QUEUED);
}

void slot_update(struct core_slot *slot)
{
	struct core *core = slot->pool->core;
	bool watched = needs_watching(slot);

	if (slot->count == 0)
		slot->full = false;
	move(slot, place_for(slot));
	if (watched != slot->watched) {
		slot->watched = watched;
		if (watched)
			TAILQ_INSERT_TAIL(&core->watched, slot, watch_link);
		else
			TAILQ_REMOVE(&core->watched, slot, watch_link);
	}
}

void slot_stall(struct core_slot *slot)
{
	struct core *core = slot->pool->core;

	if (TAILQ_EMPTY(&core->stalled))
		core->stalled_ns = core->now_ns + STALL_NS;
	move(slot, PLACE_STALLED);
}

void slot_put_last(struct core_slot *slot)
{
	if (slot->place != PLACE_IDLE)
		return;
	TAILQ_REMOVE(&slot->pool->idle, slot, place_link);
	TAILQ_INSERT_TAIL(&slot->pool->idle, slot, place_link);
}

/* --- tasks in its lane --- */

void slot_put(struct core_slot *slot, struct task *task)
{
	TAILQ_INSERT_TAIL(&slot->tasks, task, link);
	task->slot = slot;
	slot->count++;
	slot->estimate_ns += task->estimate_ns;
	task->queue->figures.running++;
	slot->pool->core->totals.in_lanes++;
	share_run(task->owner);
	gate_update(task->queue);
	move(slot, PLACE_NONE); /* so that an open one goes behind the others */
	slot_update(slot);
}

static void take_out(struct task *task)
{
	struct core_slot *slot = task->slot;

	TAILQ_REMOVE(&slot->tasks, task, link);
	task->slot = NULL;
	slot->count--;
	slot->estimate_ns -= task->estimate_ns;
	task->queue->figures.running--;
	slot->pool->core->totals.in_lanes--;
	share_end(task->owner);
	depend_fold(task);
	if (task->state == TASK_QUEUED)
		claim_release(task);
	claim_end(task);
	slot_update(slot);
}

void slot_remove(struct task *task)
{
	struct core_queue *queue = task->queue;

	take_out(task);
	if (task->state == TASK_QUEUED)
		gate_undo(queue, task);
	else if (queue->figures.options.limit_running)
		gate_update(queue);
}

/* The refund comes last: a queue that was empty would lose it when it comes back. */
static void go_back(struct task *task)
{
	take_out(task);
	queue_push_back(task->queue, task);
	queue_undo(task);
	gate_undo(task->queue, task);
	if (task->durable && task->on_interrupt_crash) /* that it was given has been recorded before */
		record_tell(task, RECORD_STATE, false);
}

void core_unstart(struct task *task)
{
	struct core_slot *slot = task->slot;

	assert(slot && task->state == TASK_QUEUED);
	go_back(task);
	if (slot->state != SLOT_READY)
		return;
	slot->full = slot->count > 0;
	slot_update(slot);
	if (!slot->count)
		slot_stall(slot);
}

void slot_reclaim(struct core_slot *slot)
{
	const struct core_ops *ops = &slot->pool->core->ops;
	struct task *task;

	while ((task = TAILQ_LAST(&slot->tasks, task_list)) && task->state == TASK_QUEUED) {
		if (!ops->revoke(ops->context, slot, task))
			break; /* taken, and so is all that is older */
		go_back(task);
	}
}

/* --- slots --- */

struct core_slot *core_slot_new(struct core_pool *pool, void *user)
{
	struct core_slot *slot = xcalloc(1, sizeof(*slot));

	slot->pool = pool;
	slot->user = user;
	TAILQ_INIT(&slot->tasks);
	TAILQ_INSERT_TAIL(&pool->slots, slot, all);
	return slot;
}

void slot_destroy(struct core_slot *slot)
{
	slot->state = SLOT_NEW;
	move(slot, PLACE_NONE);
	TAILQ_REMOVE(&slot->pool->slots, slot, all);
	free(slot);
}

void core_slot_free(struct core_slot *slot)
{
	assert(slot->count == 0);
	slot_destroy(slot);
}

void *core_slot_user(const struct core_slot *slot)
{
	return slot->user;
}

struct core_pool *core_slot_pool(const struct core_slot *slot)
{
	return slot->pool;
}

void core_slot_ready(struct core_slot *slot)
{
	slot->state = SLOT_READY;
	slot_update(slot);
}

void core_slot_retire(struct core_slot *slot)
{
	slot->state = SLOT_RETIRING;
	slot_reclaim(slot);
	slot_update(slot);
}

/* Newest first, as what goes back finds its place soonest so. What the end of one task makes others do may end more of
 * them, hence always the one that is last now. */
void core_slot_lost(struct core_slot *slot, const struct task_obituary *obituary)
{
	const struct core_ops *ops = &slot->pool->core->ops;
	struct task *task;

	slot->state = SLOT_NEW;
	slot_update(slot);
	while ((task = TAILQ_LAST(&slot->tasks, task_list))) {
		if (task->state == TASK_QUEUED) {
			int64_t started_ns = ops->started(ops->context, slot, task);

			if (started_ns == 0) {
				go_back(task);
				continue;
			}
			life_taken(task, started_ns);
		}
		life_crashed(task, obituary);
	}
}

struct task *core_slot_task_next(const struct core_slot *slot, const struct task *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&slot->tasks);
}

size_t core_slot_in_flight(const struct core_slot *slot)
{
	return slot->count;
}

struct task *core_slot_running(struct core_slot *slot)
{
	struct task *running = NULL;
	struct task *task;

	TAILQ_FOREACH(task, &slot->tasks, link) {
		core_task_look(task);
		if (task->state == TASK_QUEUED)
			break;
		running = task;
	}
	return running;
}

/* --- pools --- */

struct core_pool *core_pool_new(struct core *core, const char *name, void *user)
{
	struct core_pool *pool = xcalloc(1, sizeof(*pool));

	pool->core = core;
	pool->user = user;
	pool->name = xstrdup(name);
	core_pool_set_window(pool, WINDOW_NS);
	TAILQ_INIT(&pool->slots);
	TAILQ_INIT(&pool->idle);
	TAILQ_INIT(&pool->open);
	heap_init(&pool->waiting);
	TAILQ_INSERT_TAIL(&core->pools, pool, link);
	return pool;
}

void pool_destroy(struct core_pool *pool)
{
	TAILQ_REMOVE(&pool->core->pools, pool, link);
	heap_fini(&pool->waiting);
	free(pool->name);
	free(pool);
}

void core_pool_free(struct core_pool *pool)
{
	assert(TAILQ_EMPTY(&pool->slots) && pool->waiting.count == 0);
	pool_destroy(pool);
}

void *core_pool_user(const struct core_pool *pool)
{
	return pool->user;
}

void core_pool_set_window(struct core_pool *pool, int64_t window_ns)
{
	pool->window_ns = window_ns;
	pool->look_ns = window_ns / 2 > SWEEP_NS ? window_ns / 2 : SWEEP_NS;
}

const char *core_pool_name(const struct core_pool *pool)
{
	return pool->name;
}
