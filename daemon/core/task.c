/* The state machine of a task, in one table and one function, and a task's memory. */
#include "core/task.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "core/bytes.h"
#include "core/internal.h"

static_assert(sizeof(struct task) <= 208, "a million queued tasks are to stay small");

static const char *const state_names[] = {
	[TASK_QUEUED] = "queued",
	[TASK_RUNNING] = "running",
	[TASK_CANCELLING] = "cancelling",
	[TASK_SUCCEEDED] = "succeeded",
	[TASK_FAILED] = "failed",
	[TASK_TIMED_OUT] = "timed_out",
	[TASK_CRASHED] = "crashed",
	[TASK_CANCELLED] = "cancelled",
	[TASK_EXPIRED] = "expired",
};
static_assert(sizeof(state_names) / sizeof(*state_names) == TASK_N_STATES, "a name for each state");

#define BIT(state) (1u << (state))

/* What may follow what. A task that is told to stop and succeeds all the same has succeeded: the first end wins. */
static const unsigned may_become[TASK_N_STATES] = {
	[TASK_QUEUED] = BIT(TASK_RUNNING) | BIT(TASK_CANCELLED) | BIT(TASK_EXPIRED),
	[TASK_RUNNING] = BIT(TASK_CANCELLING) | BIT(TASK_SUCCEEDED) | BIT(TASK_FAILED) | BIT(TASK_CRASHED),
	[TASK_CANCELLING] = BIT(TASK_SUCCEEDED) | BIT(TASK_CANCELLED) | BIT(TASK_TIMED_OUT),
};

const char *task_state_name(enum task_state state)
{
	return (unsigned)state < TASK_N_STATES ? state_names[state] : "unknown";
}

bool task_state_may_become(enum task_state from, enum task_state to)
{
	return (unsigned)from < TASK_N_STATES && (unsigned)to < TASK_N_STATES && may_become[from] & BIT(to);
}

/* Off the list of its old state, where it does not stay on it. */
static void leave(struct task *task, enum task_state to)
{
	if (!task_state_is_terminal(to))
		assert(task->slot); /* running and cancelling share the slot's list with what waits there */
	else if (task->slot)
		slot_remove(task);
	else
		queue_remove(task->queue, task);
}

static void arm_time_limit(struct task *task)
{
	if (task->extra && task->extra->timeout_ns > 0)
		heap_set(&task_core(task)->timers, &task->timer, task->started_ns + task->extra->timeout_ns, task->id);
}

static void enter_terminal(struct core *core, struct task *task)
{
	if (!task->ended_ns)
		task->ended_ns = core->now_ns;
	if (heap_has(&task->timer))
		heap_remove(&core->timers, &task->timer);
	bytes_unref(task->args);
	task->args = NULL;
	core->totals.ended[task->state]++;
	task->type->ended[task->state]++;
	task->queue->figures.ended++;
	keep_add(core, task);
}

/* Whoever hears of it may do anything to this task and others, so this comes when all books are in order. */
static void tell(struct core *core, struct task *task)
{
	struct task_waiter *waiter;

	if (core->ops.ended)
		core->ops.ended(core->ops.context, task);
	while ((waiter = LIST_FIRST(&task->waiters))) {
		task_unwait(waiter);
		waiter->ended(waiter, task);
	}
}

void task_set_state(struct task *task, enum task_state to)
{
	struct core *core = task_core(task);

	assert(task_state_may_become(task->state, to));
	leave(task, to);
	task->state = (uint8_t)to;
	if (task_state_is_terminal(to)) {
		enter_terminal(core, task);
		tell(core, task);
		return;
	}
	if (to == TASK_RUNNING) {
		if (!task->started_ns)
			task->started_ns = core->now_ns;
		arm_time_limit(task);
	}
	slot_update(task->slot);
}

void task_end(struct task *task, const struct task_outcome *outcome)
{
	task->outcome = xmalloc(sizeof(*task->outcome));
	*task->outcome = *outcome;
	task_set_state(task, outcome->state);
}

struct task_extra *task_extra(struct task *task)
{
	if (!task->extra) {
		task->extra = xcalloc(1, sizeof(*task->extra));
		task->extra->progress = -1;
	}
	return task->extra;
}

struct task *task_new(struct core *core, const struct task_spec *spec)
{
	struct task *task = xcalloc(1, sizeof(*task)); /* TASK_QUEUED is 0: what begins to exist is queued */

	task->id = core->next_id++;
	task->type = spec->type;
	task->queue = spec->queue;
	task->args = bytes_ref(spec->args);
	task->submitted_ns = core->now_ns;
	task->priority = spec->priority;
	task->owner = spec->owner;
	task->items = spec->items;
	task->attempt = 1;
	task->queue->records++;
	if (spec->tag)
		task_extra(task)->tag = xstrndup(spec->tag, spec->tag_length);
	if (spec->timeout_ns > 0)
		task_extra(task)->timeout_ns = spec->timeout_ns;
	return task;
}

void task_free(struct task *task)
{
	if (task->outcome) {
		bytes_unref(task->outcome->result);
		bytes_unref(task->outcome->data);
		free(task->outcome->message);
		free(task->outcome->obituary);
		free(task->outcome);
	}
	if (task->extra) {
		free(task->extra->tag);
		free(task->extra->progress_text);
		free(task->extra);
	}
	bytes_unref(task->args);
	queue_unref(task->queue);
	free(task);
}

void task_wait(struct task *task, struct task_waiter *waiter)
{
	assert(!task_state_is_terminal(task->state));
	LIST_INSERT_HEAD(&task->waiters, waiter, link);
}

void task_unwait(struct task_waiter *waiter)
{
	LIST_REMOVE(waiter, link);
}
