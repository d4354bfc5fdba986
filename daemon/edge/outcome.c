/* A task's end as an error object: what the caller of task.call gets, and what a record shows. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "edge/reply.h"
#include "proto/jsonrpc.h"

static void add_death(struct strbuf *data, const struct task_obituary *obituary)
{
	const struct rusage *usage = &obituary->usage;
	strbuf_printf(data, ",\"pid\":%d", obituary->pid);
	if (WIFSIGNALED(obituary->wait_status)) {
		int number = WTERMSIG(obituary->wait_status);
		const char *name = sigabbrev_np(number);
		strbuf_printf(data, ",\"signal\":%d", number);
		if (name)
			strbuf_printf(data, ",\"signal_name\":\"SIG%s\"", name);
	} else if (WIFEXITED(obituary->wait_status)) {
		strbuf_printf(data, ",\"status\":%d", WEXITSTATUS(obituary->wait_status));
	}
	strbuf_printf(data, ",\"rusage\":{\"user\":%lld.%06ld,\"system\":%lld.%06ld,\"maxrss\":%lld}",
		(long long)usage->ru_utime.tv_sec, (long)usage->ru_utime.tv_usec, (long long)usage->ru_stime.tv_sec,
		(long)usage->ru_stime.tv_usec, (long long)usage->ru_maxrss * 1024);
	if (obituary->reason) {
		strbuf_puts(data, ",\"reason\":");
		strbuf_json_string(data, obituary->reason, strlen(obituary->reason));
	}
}

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

/* KIND: one that is more exact than the state; NULL: none is. */
static enum proto_error error_of(enum task_state state, const char *kind)
{
	int error = kind ? proto_error_of_kind(kind) : -1;
	return error >= 0 ? (enum proto_error)error : error_of_state(state);
}

void error_data_begin(struct strbuf *data, enum proto_error error)
{
	const struct proto_error_info *info = proto_error_info(error);
	strbuf_printf(data, "{\"kind\":\"%s\"", info->kind);
	if (!info->hint)
		return;
	strbuf_puts(data, ",\"hint\":");
	strbuf_json_string(data, info->hint, strlen(info->hint));
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
	bool result = command && (error == PROTO_COMMAND_FAILED || error == PROTO_CANCELLED || error == PROTO_TIMED_OUT);
	strbuf_puts(data, result ? ",\"result\":" : ",\"data\":");
	strbuf_add(data, value->text, value->length);
}

void outcome_error(struct strbuf *out, const struct task *task, int64_t index)
{
	const struct task_outcome *outcome = task->outcome;
	enum proto_error error = error_of(task->state, outcome ? outcome->kind : NULL);
	const struct proto_error_info *info = proto_error_info(error);
	bool own_code = outcome && error == PROTO_FAILED && outcome->code;
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, error);
	strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\"", task->id);
	if (index >= 0)
		strbuf_printf(&data, ",\"index\":%" PRId64, index);
	if (outcome && outcome->because_of)
		strbuf_printf(&data, ",\"dependency\":\"%" PRIu64 "\"", outcome->because_of);
	if (outcome && outcome->obituary)
		add_death(&data, outcome->obituary);
	if (outcome && outcome->data && outcome->data->size) {
		const struct bytes *bytes = outcome->data;
		const struct json_span value = { .text = bytes->data, .length = bytes->size,
			.kind = bytes->data[0] == '{' ? JSON_SPAN_OBJECT : JSON_NONE };
		outcome_data(&data, error, &value, task->type->command);
	}
	strbuf_puts(&data, "}");
	char too_large[128];
	const char *message = outcome && outcome->message ? outcome->message : info->text;
	if (outcome && outcome->dropped && task->state == TASK_SUCCEEDED) {
		snprintf(too_large, sizeof(too_large),
			"the task has succeeded, but its result of %zu bytes was too large to be kept",
			outcome->dropped);
		message = too_large;
	}
	rpc_error_object(out, own_code ? outcome->code : info->code, message, data.data);
	strbuf_free(&data);
}

void outcome_attempt_error(struct strbuf *out, const struct task_attempt *attempt)
{
	const struct proto_error_info *info = proto_error_info(error_of(attempt->state, attempt->kind));
	int code = attempt->state == TASK_FAILED && !attempt->kind && attempt->code ? attempt->code : info->code;
	strbuf_printf(out, "{\"code\":%d,\"message\":", code);
	const char *message = attempt->message ? attempt->message : info->text;
	strbuf_json_string(out, message, strlen(message));
	strbuf_puts(out, "}");
}
