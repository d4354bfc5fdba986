/* Who is told of a task's end: those whose own next step it is, in one go; and those who can wait for others, some in each
 * turn, since of them there may be any number. A task that somebody is still to be told of may be forgotten, and is there
 * for them until they have been told. */
#include "base/xmalloc.h"
#include "core/internal.h"

#define TOLD_AT_ONCE 16 /* so many of those who can wait; and in each turn after that, of all tasks */

static void tell_one(struct task *task, struct task_waiter *waiter)
{
	task_unwait(waiter);
	waiter->ended(waiter, task);
}

/* True: that was all. */
static bool tell_patient(struct task *task)
{
	struct task_waiter *waiter;

	for (int n = 0; (waiter = LIST_FIRST(&task->patient)); n++) {
		if (n == TOLD_AT_ONCE)
			return false;
		tell_one(task, waiter);
	}
	return true;
}

void tell_end(struct task *task)
{
	struct core *core = task_core(task);
	struct task_waiter *waiter;

	while ((waiter = LIST_FIRST(&task->waiters)))
		tell_one(task, waiter);
	if (tell_patient(task))
		return;
	if (core->n_telling == core->telling_room) {
		core->telling_room = core->telling_room ? 2 * core->telling_room : 16;
		core->telling = xreallocarray(core->telling, core->telling_room, sizeof(core->telling[0]));
	}
	core->telling[core->n_telling++] = task;
	task->telling = true;
}

bool core_is_telling(const struct core *core)
{
	return core->n_telling > 0;
}

void tell_turn(struct core *core)
{
	if (!core->n_telling)
		return;
	size_t at = core->telling_next++ % core->n_telling;
	struct task *task = core->telling[at];
	if (!tell_patient(task))
		return;
	task->telling = false;
	core->telling[at] = core->telling[--core->n_telling];
}
