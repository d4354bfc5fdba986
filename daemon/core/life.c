/* What happens to a task that was given to a slot: it is taken, reports, ends, is told to stop, runs out of time, or
 * goes down with its worker. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* --- beginning --- */

void life_taken(struct task *task, int64_t started_ns)
{
	task->started_ns = clamp(started_ns, task->given_ns, task_core(task)->now_ns);
	task_set_state(task, TASK_RUNNING);
}

/* It is known while it runs, and not only by its end. */
static void seen_running(struct task *task, int64_t started_ns)
{
	life_taken(task, started_ns);
	if (task->durable)
		record_tell(task, RECORD_STARTED, false);
}

void core_task_look(struct task *task)
{
	const struct core_ops *ops = &task_core(task)->ops;

	if (task->state != TASK_QUEUED || !task->slot)
		return;
	int64_t started_ns = ops->started(ops->context, task->slot, task);
	if (started_ns != 0)
		seen_running(task, started_ns);
}

void core_task_progress(struct task *task, double fraction, const char *text, size_t length)
{
	struct task_extra *extra = task_extra(task);

	assert(task->slot);
	if (task->state == TASK_QUEUED)
		core_task_look(task);
	if (task->state == TASK_QUEUED) /* it reports, so it runs, whatever the lane says */
		seen_running(task, task_core(task)->now_ns);
	extra->progress = isnan(fraction) || fraction < 0 ? -1 : fraction > 1 ? 1 : fraction;
	free(extra->progress_text);
	extra->progress_text = length ? xstrndup(text, length) : NULL;
	task_changed(task_core(task), task, true);
}

/* --- ending by the slot's word --- */

/* Only what ran to its own end says how long such tasks take. The slot's readings may be a little ahead of the core's
 * time, which stands still during a turn: so their difference counts, as far as it can be true. */
static void learn(struct task *task, int64_t started_ns, int64_t ended_ns)
{
	struct task_type *type = task->type;
	int64_t longest_ns = task_core(task)->now_ns - task->given_ns + NS_PER_MS;
	int64_t run_ns;

	if (__builtin_sub_overflow(ended_ns, started_ns, &run_ns))
		return;
	int64_t each_ns = clamp(run_ns, 1, longest_ns) / (task->items ? task->items : 1);
	if (each_ns < 1)
		each_ns = 1;
	if (type->mean_run_ns == 0)
		type->mean_run_ns = each_ns;
	else
		type->mean_run_ns = clamp(type->mean_run_ns + (each_ns - type->mean_run_ns) / 8, 1, INT64_MAX);
}

/* How a task ends that was told to stop: as cancelled or as timed out, with MESSAGE, which is taken over. */
static struct task_outcome stopped(const struct task *task, char *message)
{
	return (struct task_outcome){ .state = task->timed_out ? TASK_TIMED_OUT : TASK_CANCELLED, .message = message };
}

static char *stop_reason(const struct task *task)
{
	if (!task->timed_out)
		return xstrdup("cancelled while it ran");
	return xasprintf("its time limit of %g s ran out", (double)task->extra->timeout_ns / (double)NS_PER_S);
}

/* An attempt is over; so is the task, unless it is tried again. */
static void attempt_end(struct task *task, struct task_outcome *end)
{
	if (!retry_attempt(task, end))
		task_end(task, end);
}

void core_task_done(struct task *task, const struct task_outcome *outcome, int64_t started_ns, int64_t ended_ns)
{
	int64_t now_ns = task_core(task)->now_ns;
	struct task_outcome end = *outcome;

	assert(task->slot);
	if (task->state == TASK_QUEUED)
		life_taken(task, started_ns);
	else if (started_ns < task->started_ns) /* that was when it was seen to have started */
		task->started_ns = clamp(started_ns, task->given_ns, task->started_ns);
	task->ended_ns = clamp(ended_ns, task->started_ns, now_ns);
	task->slot->full = false;
	if (!outcome->killed)
		claim_release(task);
	if (task->state == TASK_CANCELLING && end.state != TASK_SUCCEEDED) {
		struct bytes *data = end.keeps_data ? bytes_ref(end.data) : NULL;

		outcome_release(&end);
		end = stopped(task, stop_reason(task));
		end.data = data;
	} else if (end.state == TASK_CANCELLED) { /* a handler's word only, and nobody had asked */
		end.state = TASK_FAILED;
		if (!end.message)
			end.message = xstrdup("the handler says that it was cancelled, but it was not");
	} else {
		learn(task, started_ns, ended_ns);
	}
	attempt_end(task, &end);
}

/* --- stopping --- */

static void interrupt(struct task *task, bool timed_out)
{
	struct core *core = task_core(task);

	task->timed_out = timed_out;
	task_set_state(task, TASK_CANCELLING);
	heap_set(&core->timers, &task->timer, clock_after(core->now_ns, core->limits.kill_grace_ns), task->id);
	core->ops.interrupt(core->ops.context, task->slot, task);
}

/* True: TASK, which is not known to have started, waits nowhere but with us now. False: it runs. */
static bool take_back(struct task *task)
{
	const struct core_ops *ops = &task_core(task)->ops;

	if (!task->slot || ops->revoke(ops->context, task->slot, task))
		return true;
	core_task_look(task);
	if (task->state == TASK_QUEUED) /* it would not be given back, so the slot has it */
		seen_running(task, task_core(task)->now_ns);
	return false;
}

const char *life_cancelled_message(const struct task *task)
{
	return task->tried ? "cancelled before its next attempt" : "cancelled before it started";
}

void life_end_unstarted(struct task *task, enum task_state state)
{
	const char *message =
		state == TASK_EXPIRED ? "its deadline passed before it started" : life_cancelled_message(task);

	task_end(task, &(struct task_outcome){ .state = state, .message = xstrdup(message) });
}

bool core_cancel(struct task *task)
{
	bool is_news = !task->final;

	if (task_state_is_terminal(task->state))
		return true;
	if (task->state == TASK_RECORDING)
		return record_cancel(task);
	task->final = true;
	if (task->state < TASK_RUNNING && take_back(task)) {
		life_end_unstarted(task, TASK_CANCELLED);
		return task->state == TASK_CANCELLED;
	}
	if (task->state != TASK_CANCELLING)
		interrupt(task, false);
	if (task->durable && is_news)
		record_tell(task, RECORD_STATE, false);
	return false;
}

/* --- moments --- */

static void time_out(struct core *core, struct task *task)
{
	switch ((enum task_state)task->state) {
	case TASK_SCHEDULED:
	case TASK_BLOCKED:
	case TASK_QUEUED:
		if (take_back(task))
			life_end_unstarted(task, TASK_EXPIRED);
		break;
	case TASK_RUNNING:
		interrupt(task, true);
		break;
	case TASK_CANCELLING:
		core->ops.kill(core->ops.context, task->slot, task);
		break;
	case TASK_RECORDING:
		record_expire(task);
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

static bool is_time(const struct core *core)
{
	const struct heap_node *top = heap_top(&core->timers);

	return top && top->key <= core->now_ns;
}

bool life_timers(struct core *core)
{
	for (int n = 0; n < TURN_MOST && is_time(core); n++)
		time_out(core, heap_entry(heap_pop(&core->timers), struct task, timer));
	return !is_time(core);
}

/* --- ending with the worker --- */

/* A copy that stands on its own: one block, the reason behind it. */
static struct task_obituary *obituary_copy(const struct task_obituary *obituary)
{
	size_t size = obituary->reason ? strlen(obituary->reason) + 1 : 0;
	struct task_obituary *copy = xmalloc(sizeof(*copy) + size);

	*copy = *obituary;
	if (size)
		copy->reason = memcpy(copy + 1, obituary->reason, size);
	return copy;
}

static char *describe_death(const struct task_obituary *obituary)
{
	char how[64];

	if (WIFSIGNALED(obituary->wait_status)) {
		const char *name = sigabbrev_np(WTERMSIG(obituary->wait_status));

		if (name)
			snprintf(how, sizeof(how), "was killed by SIG%s", name);
		else
			snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(obituary->wait_status));
	} else {
		snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(obituary->wait_status));
	}
	return xasprintf("its worker (pid %d) %s%s%s", obituary->pid, how, obituary->reason ? ": " : "",
		obituary->reason ? obituary->reason : "");
}

/* What is interrupted by a planned stop, and may be run again, waits for that. */
static bool is_put_off(struct task *task)
{
	return task_core(task)->interrupting && task->durable && !task->on_interrupt_crash &&
		task->state == TASK_RUNNING && retry_interrupted(task, "taskd was stopped while it ran");
}

void life_crashed(struct task *task, const struct task_obituary *obituary)
{
	if (is_put_off(task)) {
		task_set_state(task, TASK_QUEUED);
		record_tell(task, RECORD_ATTEMPT, false);
		return;
	}
	char *death = describe_death(obituary);
	struct task_outcome end = { .state = TASK_CRASHED, .message = death };

	if (task->state == TASK_CANCELLING) {
		char *reason = stop_reason(task);

		end = stopped(task, xasprintf("%s; %s", reason, death));
		free(reason);
		free(death);
	}
	end.obituary = obituary_copy(obituary);
	attempt_end(task, &end);
}
