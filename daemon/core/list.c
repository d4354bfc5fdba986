/* Walking over tasks, for listings: by the lists that states have, or by id. */
#include "core/internal.h"

#define NEAR 64 /* ids that are tried one by one before walking */

/* --- what waits --- */

static struct task *first_in_lanes(const struct core *core, enum task_state state);

/* The first task of the bucket at position AT of a queue's heap, or of the queues behind it. */
static struct task *first_waiting(const struct core *core, const struct core_queue *queue, size_t at)
{
	for (; queue; queue = core_queue_next(core, queue), at = 0)
		if (at < queue->order.count)
			return TAILQ_FIRST(&heap_entry(queue->order.nodes[at], struct bucket, node)->tasks);
	return first_in_lanes(core, TASK_QUEUED);
}

static struct task *next_waiting(const struct core *core, const struct task *after)
{
	struct task *next = TAILQ_NEXT(after, link);

	if (next)
		return next;
	/* A heap's index is a position + 1: the one behind it. */
	const struct bucket *bucket = table_get(&after->queue->buckets, (uint32_t)after->priority);
	return first_waiting(core, after->queue, bucket->node.index);
}

/* --- what is in lanes --- */

static struct task *next_of_state(struct task *task, enum task_state state)
{
	for (; task; task = TAILQ_NEXT(task, link)) {
		core_task_look(task);
		if (task->state == state)
			break;
	}
	return task;
}

static struct task *first_from(const struct core_pool *pool, const struct core_slot *slot, enum task_state state)
{
	while (pool) {
		for (; slot; slot = TAILQ_NEXT(slot, all)) {
			struct task *task = next_of_state(TAILQ_FIRST(&slot->tasks), state);

			if (task)
				return task;
		}
		pool = TAILQ_NEXT(pool, link);
		slot = pool ? TAILQ_FIRST(&pool->slots) : NULL;
	}
	return NULL;
}

static struct task *first_in_lanes(const struct core *core, enum task_state state)
{
	const struct core_pool *pool = TAILQ_FIRST(&core->pools);

	return pool ? first_from(pool, TAILQ_FIRST(&pool->slots), state) : NULL;
}

static struct task *next_in_lanes(const struct task *after, enum task_state state)
{
	struct task *next = next_of_state(TAILQ_NEXT(after, link), state);

	return next ? next : first_from(after->slot->pool, TAILQ_NEXT(after->slot, all), state);
}

/* --- what has ended --- */

static struct task *next_kept(const struct core *core, enum task_state state, const struct task *after)
{
	struct task *next = after ? TAILQ_PREV(after, task_list, link) : TAILQ_LAST(&core->kept[state][false], task_list);

	if (!next && !(after && after->kept_behind))
		next = TAILQ_LAST(&core->kept[state][true], task_list);
	return next;
}

struct task *core_task_next(const struct core *core, enum task_state state, const struct task *after)
{
	if (task_state_is_terminal(state))
		return next_kept(core, state, after);
	if (state == TASK_QUEUED && !after)
		return first_waiting(core, core_queue_next(core, NULL), 0);
	if (!after)
		return first_in_lanes(core, state);
	return after->slot ? next_in_lanes(after, state) : next_waiting(core, after);
}

/* --- by id --- */

struct task *core_task_below(const struct core *core, uint64_t id)
{
	struct task *task = TAILQ_LAST(&core->all, task_list);

	if (!task || task->id < id)
		return task;
	for (uint64_t near = id; near > 0 && id - near <= NEAR; near--) {
		task = idmap_get(&core->tasks, near);
		if (task && near < id)
			return task;
		if (task)
			return TAILQ_PREV(task, task_list, all);
	}
	for (task = TAILQ_LAST(&core->all, task_list); task && task->id >= id;)
		task = TAILQ_PREV(task, task_list, all);
	return task;
}
