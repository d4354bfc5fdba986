/* A task's record: what task.status, task.list, task.wait and task.finished tell of it. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "core/bytes.h"
#include "edge/rpc.h"
#include "pool/pool.h"

static void put_string(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, ",\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
}

void record_write_time(struct strbuf *out, const char *name, int64_t mono_ns)
{
	char text[CLOCK_TEXT_SIZE];
	clock_format_wall(clock_wall_of_ns(mono_ns), text);
	strbuf_printf(out, ",\"%s\":\"%s\"", name, text);
}

void record_write_state(struct strbuf *out, uint64_t id, const char *state)
{
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\",\"state\":\"%s\"}", id, state);
}

static void put_extra(struct strbuf *out, const struct task *task)
{
	const struct task_extra *extra = task->extra;
	if (extra->tag)
		put_string(out, "tag", extra->tag);
	if (extra->timeout_ns > 0)
		strbuf_printf(out, ",\"timeout\":%.9g", (double)extra->timeout_ns / (double)NS_PER_S);
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

static void put_worker(struct strbuf *out, const struct task *task)
{
	const struct worker *worker = pools_worker_of(task->slot);
	if (!worker)
		return;
	strbuf_printf(out, ",\"worker\":{\"pid\":%d", worker->pid);
	put_string(out, "pool", worker->pool->name);
	strbuf_printf(out, ",\"slot\":%d}", pools_slot_index(task->slot));
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
		(int)task->priority, (unsigned)task->owner, (unsigned)task->attempt);
	record_write_time(out, "submitted_at", task->submitted_ns);
	if (task->started_ns)
		record_write_time(out, "started_at", task->started_ns);
	if (task->ended_ns)
		record_write_time(out, "ended_at", task->ended_ns);
	if (task->items)
		strbuf_printf(out, ",\"items\":%u", (unsigned)task->items);
	if (task->extra)
		put_extra(out, task);
	if (task->slot && (state == TASK_RUNNING || state == TASK_CANCELLING))
		put_worker(out, task);
	if (task_state_is_terminal(state) && state != TASK_SUCCEEDED) {
		strbuf_puts(out, ",\"error\":");
		outcome_error(out, task, -1);
	}
	if (result && state == TASK_SUCCEEDED && task->outcome && task->outcome->result) {
		strbuf_puts(out, ",\"result\":");
		strbuf_add(out, task->outcome->result->data, task->outcome->result->size);
	}
	strbuf_puts(out, "}");
}
