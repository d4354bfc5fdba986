/* A task's end, as the core's memory has it: the error object that the caller of task.call gets, and that its record
 * shows; see view.c. */
#include <string.h>

#include "base/bytes.h"
#include "edge/reply.h"
#include "edge/view.h"

void error_data_begin(struct strbuf *data, enum proto_error error)
{
	const struct proto_error_info *info = proto_error_info(error);
	strbuf_printf(data, "{\"kind\":\"%s\"", info->kind);
	if (!info->hint)
		return;
	strbuf_puts(data, ",\"hint\":");
	strbuf_json_string(data, info->hint, strlen(info->hint));
}

static int64_t us_of(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static void see_death(struct outcome_view *view, const struct task_obituary *obituary)
{
	view->pid = obituary->pid;
	view->wait_status = obituary->wait_status;
	view->user_us = us_of(&obituary->usage.ru_utime);
	view->system_us = us_of(&obituary->usage.ru_stime);
	view->maxrss_kib = obituary->usage.ru_maxrss;
	view->reason = view_text_of(obituary->reason);
}

static struct outcome_view view_of(const struct task *task)
{
	const struct task_outcome *outcome = task->outcome;
	struct outcome_view view = { .id = task->id, .state = task->state, .command = task->type->command };
	if (!outcome)
		return view;
	view.kind = view_text_of(outcome->kind);
	view.message = view_text_of(outcome->message);
	view.code = outcome->code;
	view.dropped = outcome->dropped;
	view.because_of = outcome->because_of;
	if (outcome->data)
		view.data = (struct view_text){ outcome->data->data, outcome->data->size };
	if (outcome->obituary)
		see_death(&view, outcome->obituary);
	return view;
}

void outcome_error(struct strbuf *out, const struct task *task, int64_t index)
{
	const struct outcome_view view = view_of(task);
	view_put_error(out, &view, index);
}
