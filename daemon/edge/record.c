/* A task's record: what task.status, task.list, task.wait and task.finished tell of it. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "edge/command.h"
#include "pool/command.h"
#include "pool/pool.h"

static void put_string(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, ",\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
}

void record_write_wall(struct strbuf *out, const char *name, int64_t wall_ns)
{
	char text[CLOCK_TEXT_SIZE];
	clock_format_wall(wall_ns, text);
	strbuf_printf(out, ",\"%s\":\"%s\"", name, text);
}

void record_write_time(struct strbuf *out, const char *name, int64_t mono_ns)
{
	record_write_wall(out, name, clock_wall_of_ns(mono_ns));
}

void record_write_state(struct strbuf *out, uint64_t id, const char *state)
{
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\",\"state\":\"%s\"}", id, state);
}

const char *record_durability(const struct task *task)
{
	return task->durable && task->on_disk ? "disk" : "memory";
}

static void put_progress(struct strbuf *out, const struct task_extra *extra)
{
	if (extra->progress < 0 && !extra->progress_text)
		return;
	strbuf_puts(out, ",\"progress\":{");
	if (extra->progress >= 0)
		strbuf_printf(out, "\"fraction\":%.6g%s", extra->progress, extra->progress_text ? "," : "");
	if (extra->progress_text) {
		strbuf_puts(out, "\"text\":");
		strbuf_json_string(out, extra->progress_text, strlen(extra->progress_text));
	}
	strbuf_puts(out, "}");
}

/* [ids] of what it waits for, or waited for: all of those, or any of these. */
static void put_dependencies(struct strbuf *out, const struct task *task, const char *name, bool any)
{
	struct task_dependency dependency;
	bool first = true;
	for (size_t i = 0; core_dependency(task, i, &dependency); i++) {
		if (dependency.any != any)
			continue;
		strbuf_printf(out, first ? ",\"%s\":[" : "", name);
		strbuf_printf(out, "%s\"%" PRIu64 "\"", first ? "" : ",", dependency.id);
		first = false;
	}
	strbuf_puts(out, first ? "" : "]");
}

static void put_attempt(struct strbuf *out, const struct task_attempt *attempt, unsigned number)
{
	strbuf_printf(out, "{\"attempt\":%u,\"state\":\"%s\"", number, task_state_name(attempt->state));
	if (attempt->started_ns)
		record_write_time(out, "started_at", attempt->started_ns);
	record_write_time(out, "ended_at", attempt->ended_ns);
	strbuf_puts(out, ",\"error\":");
	outcome_attempt_error(out, attempt);
	if (attempt->pid)
		strbuf_printf(out, ",\"worker_pid\":%d", attempt->pid);
	strbuf_puts(out, "}");
}

static void put_attempts(struct strbuf *out, const struct task *task)
{
	const struct task_extra *extra = task->extra;
	if (extra->retry.retries)
		strbuf_printf(out, ",\"retries\":%u", (unsigned)extra->retry.retries);
	for (unsigned i = 1; i < task->attempt && extra->attempts; i++) {
		strbuf_puts(out, i == 1 ? ",\"attempts\":[" : ",");
		put_attempt(out, &extra->attempts[i - 1], i);
	}
	if (task->attempt > 1 && extra->attempts)
		strbuf_puts(out, "]");
}

/* What it must have before it starts, or what it waits for instead. */
static void put_claims(struct strbuf *out, const struct task *task)
{
	size_t n;
	uint64_t fence;
	bool holder_died;
	const struct object_claim *claims = core_claims(task, &n), *missing = core_waits_for(task);
	record_write_claims(out, claims, n);
	if (missing)
		record_write_waits_for(out, missing);
	else if (task->state == TASK_BLOCKED)
		strbuf_printf(out, ",\"waiting_for\":%zu", core_dependencies_open(task));
	if (task->started_ns && core_claims_had(task, &fence, &holder_died))
		strbuf_printf(out, ",\"fence\":%" PRIu64 "%s", fence, holder_died ? ",\"holder_died\":true" : "");
}

static void put_extra(struct strbuf *out, const struct task *task)
{
	const struct task_extra *extra = task->extra;
	if (extra->tag)
		put_string(out, "tag", extra->tag->name);
	if (extra->key) {
		strbuf_puts(out, ",\"key\":");
		strbuf_json_string(out, extra->key, extra->key_length);
	}
	if (extra->timeout_ns > 0)
		strbuf_printf(out, ",\"timeout\":%.9g", (double)extra->timeout_ns / (double)NS_PER_S);
	put_attempts(out, task);
	if (extra->links) {
		put_dependencies(out, task, "after", false);
		put_dependencies(out, task, "after_any", true);
	}
	if (extra->claims)
		put_claims(out, task);
	else if (task->state == TASK_BLOCKED)
		strbuf_printf(out, ",\"waiting_for\":%zu", core_dependencies_open(task));
	if (extra->retry_of)
		strbuf_printf(out, ",\"retry_of\":\"%" PRIu64 "\"", extra->retry_of);
	if (extra->retried_as)
		strbuf_printf(out, ",\"retried_as\":\"%" PRIu64 "\"", extra->retried_as);
	if (extra->schedule)
		put_string(out, "schedule", extra->schedule->name);
	put_progress(out, extra);
}

/* What is still to come. */
static void put_times_to_come(struct strbuf *out, const struct task *task)
{
	if (task->state == TASK_SCHEDULED && task->wall)
		record_write_wall(out, "due_at", task->due_ns);
	else if (task->state == TASK_SCHEDULED)
		record_write_time(out, "due_at", task->due_ns);
	if (heap_has(&task->timer) && !task->tried && task->state <= TASK_QUEUED)
		record_write_time(out, "expires_at", task->timer.key);
}

static void put_worker(struct strbuf *out, const struct task *task)
{
	const struct worker *worker = pools_worker_of(task->slot);
	if (!worker)
		return;
	strbuf_printf(out, ",\"worker\":{\"pid\":%d", worker->pid);
	put_string(out, "pool", worker->pool->name);
	strbuf_printf(out, ",\"slot\":%d}", task->type->command ? pools_command_slot(task) : pools_slot_index(task->slot));
}

static void put_command(struct strbuf *out, const struct task *task)
{
	struct strbuf line = STRBUF_INIT;
	if (command_line(task, &line) && !strbuf_failed(&line)) {
		strbuf_puts(out, ",\"command\":");
		strbuf_json_string(out, line.data, line.length);
	}
	strbuf_free(&line);
}

/* What is known of the command's own process. */
static void put_process(struct strbuf *out, struct task *task)
{
	const struct worker *worker = pools_worker_of(task->slot);
	struct capture_state state;
	if (!worker || !pools_command_look(worker->pools, task, &state))
		return;
	if (state.pid > 0)
		strbuf_printf(out, ",\"pid\":%d", state.pid);
	if (state.suspended)
		strbuf_puts(out, ",\"suspended\":true");
}

void record_write(struct strbuf *out, struct task *task, bool result)
{
	if (task->slot)
		core_task_look(task);
	enum task_state state = task->state;
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\"", task->id);
	put_string(out, "task", task->type->name);
	put_string(out, "queue", core_queue_name(task->queue));
	strbuf_printf(out, ",\"state\":\"%s\",\"priority\":%d,\"owner\":%u,\"attempt\":%u", task_state_name(state),
		(int)task->priority, (unsigned)task->owner->uid, (unsigned)task->attempt);
	record_write_time(out, "submitted_at", task->submitted_ns);
	if (task->started_ns)
		record_write_time(out, "started_at", task->started_ns);
	if (task->ended_ns)
		record_write_time(out, "ended_at", task->ended_ns);
	if (state <= TASK_QUEUED)
		put_times_to_come(out, task);
	if (task->items)
		strbuf_printf(out, ",\"items\":%u", (unsigned)task->items);
	if (task->crashes)
		strbuf_printf(out, ",\"crashes\":%u", (unsigned)task->crashes);
	if (task->extra)
		put_extra(out, task);
	if (task->type->command)
		put_command(out, task);
	if (task->slot && (state == TASK_RUNNING || state == TASK_CANCELLING)) {
		if (task->type->command)
			put_process(out, task);
		put_worker(out, task);
	}
	if (task_state_is_terminal(state) && state != TASK_SUCCEEDED) {
		strbuf_puts(out, ",\"error\":");
		outcome_error(out, task, -1);
	}
	if (state == TASK_SUCCEEDED && task->outcome && task->outcome->dropped)
		strbuf_printf(out, ",\"result_dropped\":%zu", task->outcome->dropped);
	if (result && state == TASK_SUCCEEDED && task->outcome && task->outcome->result) {
		strbuf_puts(out, ",\"result\":");
		strbuf_add(out, task->outcome->result->data, task->outcome->result->size);
	}
	strbuf_puts(out, "}");
}
