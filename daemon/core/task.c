/* The state machine of a task, in one table and one function, and a task's memory. */
#include "core/task.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

static_assert(sizeof(struct task) <= 272, "a million queued tasks are to stay small");

static const char *const state_names[] = {
	[TASK_SCHEDULED] = "scheduled",
	[TASK_BLOCKED] = "blocked",
	[TASK_QUEUED] = "queued",
	[TASK_RUNNING] = "running",
	[TASK_CANCELLING] = "cancelling",
	[TASK_RECORDING] = "recording",
	[TASK_SUCCEEDED] = "succeeded",
	[TASK_FAILED] = "failed",
	[TASK_TIMED_OUT] = "timed_out",
	[TASK_CRASHED] = "crashed",
	[TASK_CANCELLED] = "cancelled",
	[TASK_EXPIRED] = "expired",
};
static_assert(sizeof(state_names) / sizeof(*state_names) == TASK_N_STATES, "a name for each state");

#define BIT(state) (1u << (state))

/* What may follow what; taskd-protocol(7) has it for people, with the events. A task that is told to stop and succeeds
 * all the same has succeeded: the first end wins. One that is tried again goes back without having ended. Durable ones
 * are TASK_RECORDING before they come in and before they end; when that is decided, the one may follow the other. */
static const unsigned may_become[TASK_N_STATES] = {
	[TASK_SCHEDULED] = BIT(TASK_QUEUED) | BIT(TASK_RECORDING) | BIT(TASK_CANCELLED) | BIT(TASK_EXPIRED),
	[TASK_BLOCKED] = BIT(TASK_SCHEDULED) | BIT(TASK_QUEUED) | BIT(TASK_RECORDING) | BIT(TASK_CANCELLED) |
		BIT(TASK_EXPIRED),
	[TASK_QUEUED] = BIT(TASK_BLOCKED) | BIT(TASK_RUNNING) | BIT(TASK_RECORDING) | BIT(TASK_CANCELLED) |
		BIT(TASK_EXPIRED),
	[TASK_RUNNING] = BIT(TASK_SCHEDULED) | BIT(TASK_QUEUED) | BIT(TASK_CANCELLING) | BIT(TASK_RECORDING) |
		BIT(TASK_SUCCEEDED) | BIT(TASK_FAILED) | BIT(TASK_CRASHED),
	[TASK_CANCELLING] = BIT(TASK_SCHEDULED) | BIT(TASK_RECORDING) | BIT(TASK_SUCCEEDED) | BIT(TASK_CANCELLED) |
		BIT(TASK_TIMED_OUT),
	[TASK_RECORDING] = BIT(TASK_SCHEDULED) | BIT(TASK_BLOCKED) | BIT(TASK_QUEUED) | BIT(TASK_RECORDING) |
		BIT(TASK_SUCCEEDED) | BIT(TASK_FAILED) | BIT(TASK_TIMED_OUT) | BIT(TASK_CRASHED) | BIT(TASK_CANCELLED) |
		BIT(TASK_EXPIRED),
};

const char *task_state_name(enum task_state state)
{
	return (unsigned)state < TASK_N_STATES ? state_names[state] : "unknown";
}

bool task_state_may_become(enum task_state from, enum task_state to)
{
	return (unsigned)from < TASK_N_STATES && (unsigned)to < TASK_N_STATES && may_become[from] & BIT(to);
}

/* --- lists --- */

/* Off the list of its state, where it does not stay on it: what waits in a lane, runs or is told to stop there shares
 * the slot's. */
static void leave(struct task *task, enum task_state to)
{
	switch ((enum task_state)task->state) {
	case TASK_SCHEDULED:
		calendar_remove(task_core(task), task);
		queue_count(task->queue, task, TASK_SCHEDULED, false);
		break;
	case TASK_BLOCKED:
		if (claim_blocks(task))
			claim_leave(task);
		else
			depend_leave(task);
		queue_count(task->queue, task, TASK_BLOCKED, false);
		break;
	case TASK_QUEUED:
	case TASK_RUNNING:
	case TASK_CANCELLING:
		if (to == TASK_RUNNING || to == TASK_CANCELLING)
			assert(task->slot);
		else if (task->slot)
			slot_remove(task);
		else
			queue_remove(task->queue, task);
		break;
	case TASK_RECORDING:
		record_leave(task, to);
		break;
	case TASK_SUCCEEDED:
	case TASK_FAILED:
	case TASK_TIMED_OUT:
	case TASK_CRASHED:
	case TASK_CANCELLED:
	case TASK_EXPIRED:
	case TASK_N_STATES:
		break;
	}
}

static void disarm(struct core *core, struct task *task)
{
	if (heap_has(&task->timer))
		heap_remove(&core->timers, &task->timer);
}

/* From here on its time limit counts, and its deadline no longer does. */
static void begin(struct core *core, struct task *task)
{
	if (!task->started_ns)
		task->started_ns = core->now_ns;
	task->tried = true;
	if (task->extra && task->extra->timeout_ns > 0)
		heap_set(&core->timers, &task->timer, clock_after(task->started_ns, task->extra->timeout_ns), task->id);
	else
		disarm(core, task);
	slot_update(task->slot);
}

/* It has an outcome: of the state STATE, now or when it is on disk. */
static inline void decide(struct core *core, struct task *task, enum task_state state)
{
	if (!task->ended_ns)
		task->ended_ns = core->now_ns;
	disarm(core, task);
	claim_release(task); /* it never ran, or this is done already */
	claim_end(task);
	if (state == TASK_SUCCEEDED)
		depend_drop_args(task);
}

static void finish(struct core *core, struct task *task)
{
	core->totals.ended[task->state]++;
	task->type->ended[task->state]++;
	task->queue->figures.ended++;
	keep_add(core, task);
}

static void enter(struct core *core, struct task *task)
{
	switch ((enum task_state)task->state) {
	case TASK_SCHEDULED:
		if (task->tried)
			disarm(core, task);
		calendar_add(core, task);
		queue_count(task->queue, task, TASK_SCHEDULED, true);
		break;
	case TASK_BLOCKED:
		if (claim_blocks(task))
			claim_enter(task);
		else
			depend_enter(task);
		queue_count(task->queue, task, TASK_BLOCKED, true);
		break;
	case TASK_QUEUED:
		if (task->placed) {
			queue_push_back(task->queue, task);
			break;
		}
		queue_push(task->queue, task);
		if (task->durable)
			record_tell(task, RECORD_STATE, false);
		break;
	case TASK_RUNNING:
		begin(core, task);
		break;
	case TASK_CANCELLING:
		slot_update(task->slot);
		break;
	case TASK_RECORDING:
		if (task->outcome)
			decide(core, task, task->outcome->state);
		record_enter(task);
		break;
	case TASK_SUCCEEDED:
	case TASK_FAILED:
	case TASK_TIMED_OUT:
	case TASK_CRASHED:
	case TASK_CANCELLED:
	case TASK_EXPIRED:
		decide(core, task, task->state);
		finish(core, task);
		break;
	case TASK_N_STATES:
		break;
	}
}

/* --- the state --- */

/* Whoever hears of it may do anything to this task and others, so this comes when all books are in order. */
static void tell(struct core *core, struct task *task)
{
	if (task->extra && task->extra->descriptors)
		share_ended(task);
	if (core->ops.ended)
		core->ops.ended(core->ops.context, task);
	tell_end(task);
}

void task_changed(struct core *core, struct task *task, bool progress)
{
	if (core->observed && core->ops.changed)
		core->ops.changed(core->ops.context, task, progress);
}

static void assign(struct core *core, struct task *task, enum task_state to)
{
	task->state = (uint8_t)to;
	enter(core, task);
	task_changed(core, task, false);
}

void task_enter(struct task *task, enum task_state state)
{
	assert(state <= TASK_QUEUED || state == TASK_RECORDING);
	assign(task_core(task), task, state);
}

bool task_enter_ended(struct task *task)
{
	task->state = (uint8_t)task->outcome->state;
	return keep_restore(task_core(task), task);
}

void task_set_state(struct task *task, enum task_state to)
{
	struct core *core = task_core(task);

	assert(task_state_may_become(task->state, to));
	leave(task, to);
	assign(core, task, to);
	if (task_state_is_terminal(to))
		tell(core, task);
}

void task_end(struct task *task, const struct task_outcome *outcome)
{
	task->outcome = xmalloc(sizeof(*task->outcome));
	*task->outcome = *outcome;
	task_set_state(task, task->durable ? TASK_RECORDING : outcome->state);
}

/* --- memory --- */

struct task_extra *task_extra(struct task *task)
{
	if (!task->extra) {
		task->extra = xcalloc(1, sizeof(*task->extra));
		task->extra->task = task;
		task->extra->progress = -1;
	}
	return task->extra;
}

static void set_extra(struct core *core, struct task *task, const struct task_spec *spec)
{
	struct task_extra *extra;

	if (!spec->tag && !spec->key && !spec->retry && !spec->schedule && !spec->n_claims && !spec->retry_of &&
		spec->timeout_ns <= 0)
		return;
	extra = task_extra(task);
	if (spec->tag)
		extra->tag = facet_tag(core, spec->tag, spec->tag_length);
	if (spec->key) {
		extra->key = xcalloc(1, spec->key_length + 1);
		memcpy(extra->key, spec->key, spec->key_length); /* NULs too */
		extra->key_length = (uint32_t)spec->key_length;
	}
	if (spec->retry)
		extra->retry = *spec->retry;
	if (spec->timeout_ns > 0)
		extra->timeout_ns = spec->timeout_ns;
	extra->schedule = schedule_ref(spec->schedule);
	extra->retry_of = spec->retry_of;
	if (spec->n_claims)
		claim_set(task, spec->claims, spec->n_claims);
}

struct task *task_new(struct core *core, const struct task_spec *spec, uint64_t id)
{
	struct task *task = xcalloc(1, sizeof(*task));

	task->id = id;
	task->type = spec->type;
	task->queue = spec->queue;
	task->owner = facet_owner(core, spec->owner);
	task->args = bytes_ref(spec->args);
	task->submitted_ns = core->now_ns;
	task->due_ns = spec->due_ns;
	task->wall = spec->wall;
	task->priority = spec->priority;
	task->items = spec->items;
	task->detached = spec->detached;
	task->durable = spec->durable;
	task->on_interrupt_crash = spec->on_interrupt_crash;
	task->attempt = 1;
	task->queue->records++;
	set_extra(core, task, spec);
	return task;
}

void outcome_release(struct task_outcome *outcome)
{
	bytes_unref(outcome->result);
	bytes_unref(outcome->data);
	free(outcome->message);
	free(outcome->obituary);
	*outcome = (struct task_outcome){ 0 };
}

void task_free(struct task *task)
{
	if (task->outcome) {
		outcome_release(task->outcome);
		free(task->outcome);
	}
	if (task->extra) {
		depend_free(task);
		claim_free(task);
		retry_free(task);
		schedule_unref(task->extra->schedule);
		free(task->extra->key);
		free(task->extra->progress_text);
		free(task->extra);
	}
	bytes_unref(task->args);
	queue_unref(task->queue);
	free(task);
}

/* --- waiters --- */

void task_wait(struct task *task, struct task_waiter *waiter)
{
	assert(!task_state_is_terminal(task->state));
	LIST_INSERT_HEAD(&task->waiters, waiter, link);
}

void task_wait_patiently(struct task *task, struct task_waiter *waiter)
{
	assert(!task_state_is_terminal(task->state));
	LIST_INSERT_HEAD(&task->patient, waiter, link);
}

void task_unwait(struct task_waiter *waiter)
{
	LIST_REMOVE(waiter, link);
}
