/* A task's record: what task.status, task.list, task.wait and task.finished tell of it. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "edge/command.h"
#include "edge/view.h"
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

/* A moment of the monotonic clock; 0 is none in both. */
static int64_t wall_of(int64_t mono_ns)
{
	return mono_ns ? clock_wall_of_ns(mono_ns) : 0;
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

/* What it waits for, or waited for: all of those, or any of these. */
static void put_dependencies(struct strbuf *out, const struct task *task, const char *name, bool any)
{
	struct id_list list = { .out = out, .name = name };
	struct task_dependency dependency;
	for (size_t i = 0; core_dependency(task, i, &dependency); i++)
		if (dependency.any == any)
			id_list_add(&list, dependency.id);
	id_list_end(&list);
}

static void put_attempt(struct strbuf *out, const struct task_attempt *attempt, unsigned number)
{
	const struct attempt_view view = {
		.number = number,
		.started_ns = wall_of(attempt->started_ns),
		.ended_ns = wall_of(attempt->ended_ns),
		.outcome = {
			.state = attempt->state,
			.kind = view_text_of(attempt->kind),
			.message = view_text_of(attempt->message),
			.code = attempt->code,
			.pid = attempt->pid,
		},
	};
	view_put_attempt(out, &view);
}

static void put_attempts(struct strbuf *out, const struct task *task)
{
	const struct task_extra *extra = task->extra;
	if (task->attempt < 2 || !extra->attempts)
		return;
	for (unsigned i = 1; i < task->attempt; i++) {
		strbuf_puts(out, i == 1 ? ",\"attempts\":[" : ",");
		put_attempt(out, &extra->attempts[i - 1], i);
	}
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
	put_attempts(out, task);
	if (extra->links) {
		put_dependencies(out, task, "after", false);
		put_dependencies(out, task, "after_any", true);
	}
	if (extra->claims)
		put_claims(out, task);
	else if (task->state == TASK_BLOCKED)
		strbuf_printf(out, ",\"waiting_for\":%zu", core_dependencies_open(task));
}

/* What is still to come. */
static void see_times_to_come(struct record_view *view, const struct task *task)
{
	if (task->state == TASK_SCHEDULED)
		view->due_ns = task->wall ? task->due_ns : wall_of(task->due_ns);
	if (heap_has(&task->timer) && !task->tried && task->state <= TASK_QUEUED)
		view->expires_ns = wall_of(task->timer.key);
}

static void see_extra(struct record_view *view, const struct task_extra *extra)
{
	if (extra->tag)
		view->tag = (struct view_text){ extra->tag->name, extra->tag->length };
	if (extra->key)
		view->key = (struct view_text){ extra->key, extra->key_length };
	view->timeout_ns = extra->timeout_ns;
	view->retries = extra->retry.retries;
	view->retry_of = extra->retry_of;
	view->retried_as = extra->retried_as;
	if (extra->schedule)
		view->schedule = view_text_of(extra->schedule->name);
}

static struct record_view view_of(const struct task *task)
{
	struct record_view view = {
		.id = task->id,
		.task = { task->type->name, task->type->name_length },
		.queue = view_text_of(core_queue_name(task->queue)),
		.state = task->state,
		.priority = task->priority,
		.owner = task->owner->uid,
		.attempt = task->attempt,
		.submitted_ns = wall_of(task->submitted_ns),
		.started_ns = wall_of(task->started_ns),
		.ended_ns = task->state == TASK_RECORDING ? 0 : wall_of(task->ended_ns),
		.items = task->items,
		.crashes = task->crashes,
		.command = task->type->command,
		.durable = task->durable,
		.on_interrupt_crash = task->on_interrupt_crash,
		.recovered = task->recovered,
	};
	if (task->state <= TASK_QUEUED)
		see_times_to_come(&view, task);
	if (task->extra)
		see_extra(&view, task->extra);
	return view;
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
	const struct record_view view = view_of(task);
	view_begin(out, &view);
	view_put_labels(out, &view);
	if (task->extra)
		put_extra(out, task);
	view_put_origin(out, &view);
	if (task->extra)
		put_progress(out, task->extra);
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
