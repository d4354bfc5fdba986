/* What is told of a task, in words: its record, as far as memory and store both know it, and its error. */
#include "edge/view.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "edge/rpc.h"
#include "proto/jsonrpc.h"

#define KIND_SIZE 32 /* no kind is longer */
#define US_PER_S INT64_C(1000000)

struct view_text view_text_of(const char *text)
{
	return (struct view_text){ .data = text, .length = text ? strlen(text) : 0 };
}

void view_put_text(struct strbuf *out, const char *name, const struct view_text *text)
{
	if (!text->data)
		return;
	strbuf_printf(out, ",\"%s\":", name);
	strbuf_json_string(out, text->data, text->length);
}

/* --- errors --- */

static enum proto_error error_of_state(enum task_state state)
{
	switch (state) {
	case TASK_FAILED:
		return PROTO_FAILED;
	case TASK_CRASHED:
		return PROTO_CRASHED;
	case TASK_TIMED_OUT:
		return PROTO_TIMED_OUT;
	case TASK_CANCELLED:
		return PROTO_CANCELLED;
	case TASK_EXPIRED:
		return PROTO_EXPIRED;
	case TASK_SUCCEEDED: /* and its result is not there */
		return PROTO_TOO_LARGE;
	case TASK_SCHEDULED:
	case TASK_BLOCKED:
	case TASK_QUEUED:
	case TASK_RUNNING:
	case TASK_CANCELLING:
	case TASK_RECORDING:
	case TASK_N_STATES:
		break;
	}
	return PROTO_INTERNAL_ERROR;
}

/* A kind is more exact than the state. */
static enum proto_error error_of(const struct outcome_view *view)
{
	char kind[KIND_SIZE];
	int error = -1;
	if (view->kind.data && view->kind.length < sizeof(kind)) {
		memcpy(kind, view->kind.data, view->kind.length);
		kind[view->kind.length] = '\0';
		error = proto_error_of_kind(kind);
	}
	return error >= 0 ? (enum proto_error)error : error_of_state(view->state);
}

static void add_death(struct strbuf *data, const struct outcome_view *view)
{
	strbuf_printf(data, ",\"pid\":%d", view->pid);
	if (WIFSIGNALED(view->wait_status)) {
		int number = WTERMSIG(view->wait_status);
		const char *name = sigabbrev_np(number);
		strbuf_printf(data, ",\"signal\":%d", number);
		if (name)
			strbuf_printf(data, ",\"signal_name\":\"SIG%s\"", name);
	} else if (WIFEXITED(view->wait_status)) {
		strbuf_printf(data, ",\"status\":%d", WEXITSTATUS(view->wait_status));
	}
	strbuf_printf(data,
		",\"rusage\":{\"user\":%" PRId64 ".%06" PRId64 ",\"system\":%" PRId64 ".%06" PRId64
		",\"maxrss\":%" PRId64 "}",
		view->user_us / US_PER_S, view->user_us % US_PER_S, view->system_us / US_PER_S,
		view->system_us % US_PER_S, view->maxrss_kib * 1024);
}

/* What a command that could not be started says of itself; nothing else that it might say. */
static void add_start(struct strbuf *data, const struct json_span *about)
{
	static const char *const members[] = { "step", "program", "path", "errno" };
	struct json_span name, value;
	size_t cursor = 0;
	while (about->kind == JSON_SPAN_OBJECT && json_next(about, &cursor, &name, &value) == 1)
		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
			if (value.kind == JSON_SPAN_STRING && json_string_is(&name, members[i])) {
				strbuf_printf(data, ",\"%s\":", members[i]);
				strbuf_add(data, value.text, value.length);
			}
}

void outcome_data(struct strbuf *data, enum proto_error error, const struct json_span *value, bool command)
{
	if (command && error == PROTO_NOT_STARTED) {
		add_start(data, value);
		return;
	}
	bool result =
		command && (error == PROTO_COMMAND_FAILED || error == PROTO_CANCELLED || error == PROTO_TIMED_OUT);
	strbuf_puts(data, result ? ",\"result\":" : ",\"data\":");
	strbuf_add(data, value->text, value->length);
}

static void put_data(struct strbuf *data, const struct outcome_view *view, enum proto_error error, int64_t index)
{
	error_data_begin(data, error);
	strbuf_printf(data, ",\"id\":\"%" PRIu64 "\"", view->id);
	if (index >= 0)
		strbuf_printf(data, ",\"index\":%" PRId64, index);
	if (view->because_of)
		strbuf_printf(data, ",\"dependency\":\"%" PRIu64 "\"", view->because_of);
	if (view->pid)
		add_death(data, view);
	view_put_text(data, "reason", &view->reason);
	if (view->data.length) {
		const struct json_span value = { .text = view->data.data,
			.length = view->data.length,
			.kind = view->data.data[0] == '{' ? JSON_SPAN_OBJECT : JSON_NONE };
		outcome_data(data, error, &value, view->command);
	}
	strbuf_puts(data, "}");
}

static void put_message(struct strbuf *out, const struct outcome_view *view, enum proto_error error)
{
	if (view->dropped && view->state == TASK_SUCCEEDED)
		strbuf_printf(out,
			"the task has succeeded, but its result of %" PRIu64 " bytes was too large to be kept",
			view->dropped);
	else if (view->message.data)
		strbuf_add(out, view->message.data, view->message.length);
	else
		strbuf_puts(out, proto_error_info(error)->text);
}

void view_put_error(struct strbuf *out, const struct outcome_view *view, int64_t index)
{
	enum proto_error error = error_of(view);
	bool own_code = error == PROTO_FAILED && view->code;
	struct strbuf data = STRBUF_INIT, message = STRBUF_INIT;
	put_data(&data, view, error, index);
	put_message(&message, view, error);
	rpc_error_object(out, own_code ? view->code : proto_error_info(error)->code, message.data, data.data);
	strbuf_free(&data);
	strbuf_free(&message);
}

/* Code and message are all that there is of an attempt. */
static void put_attempt_error(struct strbuf *out, const struct outcome_view *view)
{
	enum proto_error error = error_of(view);
	bool own_code = error == PROTO_FAILED && view->code;
	struct strbuf message = STRBUF_INIT;
	put_message(&message, view, error);
	strbuf_printf(out, "{\"code\":%d,\"message\":", own_code ? view->code : proto_error_info(error)->code);
	strbuf_json_string(out, message.data, message.length);
	strbuf_puts(out, "}");
	strbuf_free(&message);
}

/* --- records --- */

static void put_time(struct strbuf *out, const char *name, int64_t wall_ns)
{
	if (wall_ns)
		record_write_wall(out, name, wall_ns);
}

void view_put_attempt(struct strbuf *out, const struct attempt_view *view)
{
	strbuf_printf(out, "{\"attempt\":%u,\"state\":\"%s\"", view->number, task_state_name(view->outcome.state));
	put_time(out, "started_at", view->started_ns);
	put_time(out, "ended_at", view->ended_ns);
	strbuf_puts(out, ",\"error\":");
	put_attempt_error(out, &view->outcome);
	if (view->outcome.pid)
		strbuf_printf(out, ",\"worker_pid\":%d", view->outcome.pid);
	strbuf_puts(out, "}");
}

void view_begin(struct strbuf *out, const struct record_view *view)
{
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\"", view->id);
	view_put_text(out, "task", &view->task);
	view_put_text(out, "queue", &view->queue);
	strbuf_printf(out, ",\"state\":\"%s\",\"priority\":%d,\"owner\":%u,\"attempt\":%u",
		task_state_name(view->state), (int)view->priority, (unsigned)view->owner, view->attempt);
	record_write_wall(out, "submitted_at", view->submitted_ns);
	put_time(out, "started_at", view->started_ns);
	put_time(out, "ended_at", view->ended_ns);
	put_time(out, "due_at", view->due_ns);
	put_time(out, "expires_at", view->expires_ns);
	if (view->items)
		strbuf_printf(out, ",\"items\":%u", (unsigned)view->items);
	if (view->crashes)
		strbuf_printf(out, ",\"crashes\":%u", view->crashes);
}

void view_put_labels(struct strbuf *out, const struct record_view *view)
{
	view_put_text(out, "tag", &view->tag);
	view_put_text(out, "key", &view->key);
	if (view->timeout_ns > 0)
		strbuf_printf(out, ",\"timeout\":%.9g", (double)view->timeout_ns / (double)NS_PER_S);
	if (view->retries)
		strbuf_printf(out, ",\"retries\":%u", (unsigned)view->retries);
}

void view_put_origin(struct strbuf *out, const struct record_view *view)
{
	if (view->retry_of)
		strbuf_printf(out, ",\"retry_of\":\"%" PRIu64 "\"", view->retry_of);
	if (view->retried_as)
		strbuf_printf(out, ",\"retried_as\":\"%" PRIu64 "\"", view->retried_as);
	view_put_text(out, "schedule", &view->schedule);
	if (view->durable)
		strbuf_puts(out, ",\"durable\":true");
	if (view->durable && view->on_interrupt_crash != view->command)
		strbuf_printf(out, ",\"on_interrupt\":\"%s\"", view->on_interrupt_crash ? "crash" : "requeue");
	if (view->recovered)
		strbuf_puts(out, ",\"recovered\":true");
}

void id_list_add(struct id_list *list, uint64_t id)
{
	if (list->count++ == 0)
		strbuf_printf(list->out, ",\"%s\":[\"%" PRIu64 "\"", list->name, id);
	else
		strbuf_printf(list->out, ",\"%" PRIu64 "\"", id);
}

void id_list_end(struct id_list *list)
{
	if (list->count)
		strbuf_puts(list->out, "]");
}
