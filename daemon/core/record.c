/* Durable tasks: what is to be recorded of them and when, and how they wait for it. One is TASK_RECORDING from its
 * submission until that is on disk, so that what is refused there never ran; and again from the decision about its end
 * until that is on disk, so that nobody is told what a crash could take back. Between those it is as any other. */
#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "core/internal.h"

void record_tell(struct task *task, enum core_record what, bool more)
{
	const struct core_ops *ops = &task_core(task)->ops;

	ops->record(ops->context, task, what, more);
}

/* --- the state --- */

void record_begin(struct task *task, enum task_state state)
{
	assert(task_core(task)->ops.record);
	task->place = queue_next_place(task_core(task));
	task->becomes = (uint8_t)state;
	task_enter(task, TASK_RECORDING);
}

void record_enter(struct task *task)
{
	struct core *core = task_core(task);

	TAILQ_INSERT_TAIL(&core->recording, task, link);
	core->totals.recording++;
	if (task->outcome)
		record_tell(task, RECORD_ENDED, false);
	else
		queue_count(task->queue, task, TASK_RECORDING, true);
}

void record_leave(struct task *task, enum task_state to)
{
	struct core *core = task_core(task);

	TAILQ_REMOVE(&core->recording, task, link);
	core->totals.recording--;
	if (task_state_is_terminal(to) && task->on_disk) /* its outcome was what it waited for */
		return;
	queue_count(task->queue, task, TASK_RECORDING, false);
	if (to != TASK_BLOCKED)
		depend_unlink(task);
}

/* --- what is on disk, or never will be --- */

/* Those of its waiters who wanted to know this; the others go on waiting. Who hears of it may take others off. */
static void tell_recorded(struct task *task)
{
	LIST_HEAD(, task_waiter) waiters = LIST_HEAD_INITIALIZER(waiters);
	struct task_waiter *waiter;

	while ((waiter = LIST_FIRST(&task->waiters))) {
		LIST_REMOVE(waiter, link);
		LIST_INSERT_HEAD(&waiters, waiter, link);
	}
	while ((waiter = LIST_FIRST(&waiters))) {
		LIST_REMOVE(waiter, link);
		if (waiter->recorded)
			waiter->recorded(waiter, task);
		else
			LIST_INSERT_HEAD(&task->waiters, waiter, link);
	}
}

static void come_in(struct task *task)
{
	task->on_disk = true;
	if (task->final) {
		life_end_unstarted(task, TASK_CANCELLED);
	} else if (task->becomes == TASK_EXPIRED) {
		life_end_unstarted(task, TASK_EXPIRED);
	} else if (task->becomes != TASK_QUEUED || !task_core(task)->restoring) {
		task->placed = task->becomes == TASK_QUEUED;
		task_set_state(task, task->becomes);
	} /* else those before it may not be there yet: it joins them when they are */
	unique_come_in(task);
	tell_recorded(task);
}

static struct task *find_recording(const struct core *core, uint64_t id)
{
	struct task *task = idmap_get(&core->tasks, id);

	return task && task->state == TASK_RECORDING ? task : NULL;
}

void core_recorded(struct core *core, uint64_t id)
{
	struct task *task = find_recording(core, id);

	if (!task)
		return;
	if (!task->on_disk)
		come_in(task);
	else if (task->outcome)
		task_set_state(task, task->outcome->state);
}

void core_refused(struct core *core, uint64_t id, const char *kind, const char *message)
{
	struct task *task = find_recording(core, id);

	if (!task || task->on_disk)
		return;
	task->outcome = xcalloc(1, sizeof(*task->outcome));
	task->outcome->state = TASK_CANCELLED;
	task->outcome->kind = kind;
	task->outcome->message = xstrdup(message);
	unique_refuse(task);
	task_set_state(task, TASK_CANCELLED);
	core_forget(task);
}

/* --- what happens to it meanwhile --- */

/* Of one that has not come in it is remembered, so that one record follows the other. */
bool record_cancel(struct task *task)
{
	if (task->outcome)
		return false;
	task->final = true;
	if (task->on_disk)
		life_end_unstarted(task, TASK_CANCELLED);
	return false;
}

void record_expire(struct task *task)
{
	if (task->on_disk)
		life_end_unstarted(task, TASK_EXPIRED);
	else
		task->becomes = TASK_EXPIRED;
}

/* --- not to be started --- */

void record_hold(struct task *task)
{
	task->becomes = TASK_QUEUED;
	task_set_state(task, TASK_RECORDING);
}

void record_let_go(struct core *core)
{
	struct task *task, *next;

	if (core->held || core->restoring)
		return;
	for (task = TAILQ_FIRST(&core->recording); task; task = next) {
		next = TAILQ_NEXT(task, link);
		if (!task->on_disk || task->outcome)
			continue;
		task->placed = true;
		task_set_state(task, TASK_QUEUED);
	}
}

void core_hold(struct core *core, bool hold)
{
	struct core_pool *pool;
	struct core_slot *slot;

	if (core->held == hold)
		return;
	core->held = hold;
	if (!hold)
		record_let_go(core);
	else
		TAILQ_FOREACH(pool, &core->pools, link)
			TAILQ_FOREACH(slot, &pool->slots, all)
				slot_reclaim(slot);
}

void core_interrupt_all(struct core *core)
{
	core->interrupting = true;
}
