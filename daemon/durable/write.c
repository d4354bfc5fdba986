/* From a task to what the store keeps of it. The structs borrow from the task: an operation is copied when it is put. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "durable/internal.h"
#include "object/object.h"

static struct store_text text_of_bytes(const struct bytes *bytes)
{
	return bytes ? store_text_of(bytes->data, bytes->size) : STORE_TEXT_NONE;
}

static int64_t ns_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * NS_PER_S + (int64_t)time->tv_usec * NS_PER_US;
}

/* --- where it stands --- */

/* The state as it is put down: of one that is being recorded, the one that it comes into then; of one that is blocked by
 * what it must have, that it waits in its queue, where it has its place. */
static enum task_state state_of(const struct task *task)
{
	if (task->state == TASK_RECORDING)
		return task->outcome ? task->outcome->state : (enum task_state)task->becomes;
	return task->state == TASK_BLOCKED && core_waits_for(task) ? TASK_QUEUED : (enum task_state)task->state;
}

/* What the member means while it waits for its time, or for others; elsewhere it is something else. */
static int64_t due_of(const struct durable *durable, const struct task *task, enum task_state state)
{
	if (state != TASK_SCHEDULED && state != TASK_BLOCKED)
		return 0;
	return task->wall ? task->due_ns : durable_wall(durable, task->due_ns);
}

/* The moment by which it must have started; that is what its timer is for until then. */
static int64_t expires_of(const struct durable *durable, const struct task *task)
{
	return task->tried || task->slot || task->started_ns ? 0 : durable_wall(durable, task->timer.key);
}

/* --- parts --- */

void write_retry(struct store_task *out, const struct task_retry *retry)
{
	out->retry.retries = retry->retries;
	out->retry.on = retry->on;
	out->retry.backoff_ns = retry->backoff_ns;
	out->retry.backoff_max_ns = retry->backoff_max_ns;
	out->retry.factor = retry->factor;
	out->retry.jitter = retry->jitter;
}

struct store_claim *write_claims(const struct object_claim *claims, size_t n)
{
	struct store_claim *out = n ? xcalloc(n, sizeof(*out)) : NULL;
	for (size_t i = 0; i < n; i++)
		out[i] = (struct store_claim){
			.kind = (uint8_t)claims[i].kind,
			.shared = claims[i].shared,
			.count = (uint32_t)claims[i].count,
			.slots = claims[i].slots > 0 ? (uint32_t)claims[i].slots : 0,
			.name = store_text_of(claims[i].name.data, claims[i].name.length),
		};
	return out;
}

static struct store_attempt attempt_of(const struct durable *durable, const struct task_attempt *attempt)
{
	return (struct store_attempt){
		.started_ns = durable_wall(durable, attempt->started_ns),
		.ended_ns = durable_wall(durable, attempt->ended_ns),
		.state = text_of(task_state_name(attempt->state)),
		.kind = text_of(attempt->kind),
		.message = text_of(attempt->message),
		.code = attempt->code,
		.pid = attempt->pid,
	};
}

static void write_attempts(const struct durable *durable, const struct task *task, struct store_task *out)
{
	if (!task->extra || !task->extra->attempts || task->attempt < 2)
		return;
	out->n_attempts = task->attempt - 1u;
	out->attempts = xcalloc(out->n_attempts, sizeof(*out->attempts));
	for (uint32_t i = 0; i < out->n_attempts; i++)
		out->attempts[i] = attempt_of(durable, &task->extra->attempts[i]);
}

static void write_dependencies(const struct task *task, struct store_task *out)
{
	struct task_dependency dependency;
	uint32_t n = 0;
	while (core_dependency(task, n, &dependency))
		n++;
	if (n == 0)
		return;
	out->pass_results = core_passes_results(task);
	out->n_dependencies = n;
	out->dependencies = xcalloc(n, sizeof(*out->dependencies));
	for (uint32_t i = 0; core_dependency(task, i, &dependency); i++)
		out->dependencies[i] = (struct store_dependency){
			.id = dependency.id,
			.any = dependency.any,
			.done = dependency.met,
			.result = text_of_bytes(dependency.result),
		};
}

static void write_outcome(const struct task_outcome *outcome, struct store_outcome *out)
{
	const struct task_obituary *obituary = outcome->obituary;
	*out = (struct store_outcome){
		.result = text_of_bytes(outcome->result),
		.data = text_of_bytes(outcome->data),
		.message = text_of(outcome->message),
		.kind = text_of(outcome->kind),
		.code = outcome->code,
		.dropped = outcome->dropped,
		.because_of = outcome->because_of,
	};
	if (!obituary)
		return;
	out->pid = obituary->pid;
	out->wait_status = obituary->wait_status;
	out->user_ns = ns_of(&obituary->usage.ru_utime);
	out->system_ns = ns_of(&obituary->usage.ru_stime);
	out->maxrss_kib = obituary->usage.ru_maxrss;
	out->reason = text_of(obituary->reason);
}

static void write_extra(const struct durable *durable, const struct task *task, struct store_task *out)
{
	const struct task_extra *extra = task->extra;
	size_t n;
	if (!extra)
		return;
	if (extra->tag)
		out->tag = store_text_of(extra->tag->name, extra->tag->length);
	if (extra->key)
		out->key = store_text_of(extra->key, extra->key_length);
	if (extra->schedule)
		out->schedule = text_of(extra->schedule->name);
	out->retry_of = extra->retry_of;
	out->retried_as = extra->retried_as;
	out->replaces = extra->replaces;
	out->timeout_ns = extra->timeout_ns;
	write_retry(out, &extra->retry);
	write_attempts(durable, task, out);
	const struct object_claim *claims = core_claims(task, &n);
	out->claims = claims ? write_claims(claims, n) : NULL;
	out->n_claims = claims ? (uint32_t)n : 0;
	write_dependencies(task, out);
}

/* --- operations --- */

uint64_t write_task(struct durable *durable, const struct task *task, bool chained)
{
	enum task_state state = state_of(task);
	struct store_task out = {
		.id = task->id,
		.place = task->place,
		.type = store_text_of(task->type->name, task->type->name_length),
		.queue = text_of(core_queue_name(task->queue)),
		.state = text_of(task_state_name(state)),
		.owner = task->owner->uid,
		.items = task->items,
		.priority = task->priority,
		.attempt = task->attempt,
		.crashes = task->crashes,
		.command = task->type->command,
		.detached = task->detached,
		.wall = task->wall,
		.tried = task->tried,
		.on_interrupt_crash = task->on_interrupt_crash,
		.final = task->final,
		.submitted_ns = durable_wall(durable, task->submitted_ns),
		.due_ns = due_of(durable, task, state),
		.started_ns = durable_wall(durable, task->started_ns),
		.ended_ns = durable_wall(durable, task->ended_ns),
		.expires_ns = expires_of(durable, task),
		.args = text_of_bytes(task->args),
	};
	write_extra(durable, task, &out);
	if (task->outcome)
		write_outcome(task->outcome, &out.outcome);
	uint64_t seq = durable_put(durable, STORE_TASK_PUT, task->id, &out, chained);
	free(out.attempts);
	free(out.claims);
	free(out.dependencies);
	return seq;
}

void write_state(struct durable *durable, const struct task *task, bool adds_attempt)
{
	enum task_state state = state_of(task);
	struct store_task_state out = {
		.state = text_of(task_state_name(state)),
		.attempt = task->attempt,
		.crashes = task->crashes,
		.wall = task->wall,
		.tried = task->tried,
		.place = task->place,
		.due_ns = due_of(durable, task, state),
	};
	if (adds_attempt && task->attempt > 1 && task->extra && task->extra->attempts) {
		out.adds_attempt = true;
		out.last = attempt_of(durable, &task->extra->attempts[task->attempt - 2]);
	}
	durable_put(durable, STORE_TASK_STATE, task->id, &out, false);
}

void durable_met(struct durable *durable, const struct task *task, size_t index)
{
	struct task_dependency dependency;
	if (!core_dependency(task, index, &dependency))
		return;
	const struct store_task_met out = { .dependency = (uint32_t)index, .result = text_of_bytes(dependency.result) };
	durable_put(durable, STORE_TASK_MET, task->id, &out, false);
}

uint64_t write_start(struct durable *durable, const struct task *task)
{
	const struct store_task_start out = {
		.attempt = task->attempt,
		.started_ns = durable_wall(durable, task->started_ns ? task->started_ns : core_now(durable->host.core)),
	};
	return durable_put(durable, STORE_TASK_START, task->id, &out, false);
}

uint64_t write_end(struct durable *durable, const struct task *task)
{
	struct store_task_end out = {
		.state = text_of(task_state_name(state_of(task))),
		.attempt = task->attempt,
		.crashes = task->crashes,
		.keeps_args = task->outcome->state != TASK_SUCCEEDED,
		.started_ns = durable_wall(durable, task->started_ns),
		.ended_ns = durable_wall(durable, task->ended_ns ? task->ended_ns : core_now(durable->host.core)),
	};
	write_outcome(task->outcome, &out.outcome);
	return durable_put(durable, STORE_TASK_END, task->id, &out, false);
}
