/* Tasks for whose end a slot stands still, because the handler that it runs waits for them. They go before all others of
 * their queue, whatever its order: until they have ended, what waits for them is a slot lost. The deepest go first: who
 * is waited for by a task that is waited for comes before that one's equals, so that a recursion comes to its end before
 * another one takes slots, too. And there may be slots that take nothing else, and only one task each time that they are
 * told to: so a recursion needs as many of them as it is deep, however many others there are. */
#include <stdlib.h>

#include "base/xmalloc.h"
#include "core/internal.h"

struct pile {
	struct task **tasks;
	size_t count, room;
};

static void pile_add(struct pile *pile, struct task *task)
{
	if (pile->count == pile->room) {
		pile->room = 2 * pile->room + 16;
		pile->tasks = xreallocarray(pile->tasks, pile->room, sizeof(struct task *));
	}
	pile->tasks[pile->count++] = task;
}

/* What TASK waits for itself is awaited with it. */
static void pile_add_dependencies(struct pile *pile, const struct task *task)
{
	struct task_dependency dependency;
	struct task *other;

	for (size_t i = 0; core_dependency(task, i, &dependency); i++)
		if (!dependency.done && core_find(task_core(task), dependency.id, &other) == CORE_FOUND)
			pile_add(pile, other);
}

/* It joins those that are awaited. */
static void mark(struct task *task, uint8_t depth)
{
	bool waits = task->state == TASK_QUEUED && !task->slot;

	if (waits)
		queue_remove(task->queue, task);
	task->awaited = depth;
	if (waits)
		queue_push(task->queue, task);
	else if (claim_blocks(task)) /* it tries again, as what it is now */
		task_set_state(task, TASK_QUEUED);
	if (waits && task->durable)
		record_tell(task, RECORD_STATE, false);
}

void core_task_await(struct task *task, unsigned depth)
{
	struct pile pile = { 0 };

	if (depth > AWAITED_DEEPEST)
		depth = AWAITED_DEEPEST;
	for (;;) {
		if (task->awaited < depth && !task_state_is_terminal((enum task_state)task->state)) {
			if (task->state == TASK_BLOCKED || task->state == TASK_RECORDING)
				pile_add_dependencies(&pile, task);
			mark(task, (uint8_t)depth);
		}
		if (!pile.count)
			break;
		task = pile.tasks[--pile.count];
	}
	free(pile.tasks);
}

bool core_pool_awaits(const struct core_pool *pool)
{
	const struct heap_node *top = heap_top(&pool->waiting);

	return top && queue_first(heap_entry(top, struct core_queue, node))->awaited;
}

void core_slot_reserve(struct core_slot *slot, bool reserved)
{
	slot->reserved = reserved;
	slot_update(slot);
}

bool core_pool_admit(struct core_pool *pool)
{
	bool before = pool->admits;

	pool->admits = true;
	return !before;
}
