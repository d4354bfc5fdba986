/* status, list, cancel and forget: tasks by their ids or by what they have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/errors.h"

#define LIST_DEFAULT 100
#define LIST_PAGE 10000 /* as many as the daemon gives at once */

struct list_values {
	struct option_list states;
	const char *queue;
	const char *task;
	const char *tag;
	struct option_integer limit;
};

static int run_status(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *ids = ids_json(ctl, invocation->operands, invocation->n_operands);
	int worst = EXIT_FINE;

	if (!ids)
		return EXIT_USAGE;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		json_t *record;
		int status = taskctl_request(ctl, METHOD_TASK_STATUS,
			must(json_pack("{s:O}", "id", json_array_get(ids, i))), &record);

		if (status == EXIT_FINE) {
			if (i > 0 && !ctl->json)
				putchar('\n');
			ctl->writer->ops->record(ctl->writer, record_fields, record);
			json_decref(record);
		} else if (worst == EXIT_FINE) {
			worst = status;
		}
	}
	json_decref(ids);
	return worst;
}

static json_t *list_params(const struct list_values *values, size_t limit, const json_t *before)
{
	json_t *params = must(json_object());

	if (values->states.n > 0) {
		json_t *states = json_array();

		for (int i = 0; i < values->states.n; i++)
			json_array_append_new(states, json_string(values->states.items[i]));
		json_object_set_new(params, "state", states);
	}
	if (values->queue)
		json_object_set_new(params, "queue", json_string(values->queue));
	if (values->task)
		json_object_set_new(params, "task", json_string(values->task));
	if (values->tag)
		json_object_set_new(params, "tag", json_string(values->tag));
	json_object_set_new(params, "limit", json_integer((json_int_t)(limit < LIST_PAGE ? limit : LIST_PAGE)));
	if (before)
		json_object_set_new(params, "before", json_string(json_string_value(before)));
	return params;
}

static int run_list(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct list_values *values = invocation->values;
	size_t limit = values->limit.given ? (size_t)values->limit.value : LIST_DEFAULT;
	json_t *all = must(json_array()), *next = NULL;
	int status;

	do {
		json_t *page;

		status = taskctl_request(ctl, METHOD_TASK_LIST, list_params(values, limit - json_array_size(all), next), &page);
		json_decref(next);
		next = NULL;
		if (status == EXIT_FINE) {
			next = json_incref(json_object_get(page, "next"));
			json_array_extend(all, json_object_get(page, "tasks"));
			json_decref(page);
		}
	} while (next && json_array_size(all) < limit);
	if (status == EXIT_FINE) {
		ctl->writer->ops->table(ctl->writer, record_columns, all);
		if (next)
			report_note(ctl, "the newest %zu; --limit shows more", json_array_size(all));
		else if (json_array_size(all) == 0)
			report_note(ctl, "no tasks");
	}
	json_decref(next);
	json_decref(all);
	return status;
}

static const struct field end_columns[] = {
	{ .title = "ID", .path = "id", .cell = CELL_NUMBER },
	{ .title = "STATE", .path = "state", .cell = CELL_STATE },
	{ .title = NULL },
};

static int not_there(const struct taskctl *ctl, const char *id, enum proto_error error)
{
	const struct proto_error_info *info = proto_error_info(error);

	return report(ctl, (enum exit_status)info->exit_status, info->kind, info->hint, "task %s: %s", id, info->text);
}

static int judge_cancel(const struct taskctl *ctl, const char *id, const char *state)
{
	int known = proto_error_of_kind(state);

	/* A state may have an error's name: "cancelled" is what was wanted. */
	return known == PROTO_NOT_FOUND || known == PROTO_FORGOTTEN ? not_there(ctl, id, (enum proto_error)known) : EXIT_FINE;
}

static int judge_forget(const struct taskctl *ctl, const char *id, const char *state)
{
	if (strcmp(state, "forgotten") == 0)
		return EXIT_FINE;
	if (proto_error_of_kind(state) == PROTO_NOT_FOUND)
		return not_there(ctl, id, PROTO_NOT_FOUND);
	return report(ctl, EXIT_FAILED, "not_ended", "\"taskctl cancel\" ends it", "task %s: it is %s, and not forgotten", id,
		state);
}

/* cancel and forget answer for each id. JUDGE says what is wrong with an answer (EXIT_FINE: nothing); that does not keep
 * the others from being done. */
static int change(struct taskctl *ctl, enum method method,
	int (*judge)(const struct taskctl *ctl, const char *id, const char *state), const struct invocation *invocation)
{
	json_t *ids = ids_json(ctl, invocation->operands, invocation->n_operands), *answer, *fine;
	int status;

	if (!ids)
		return EXIT_USAGE;
	status = taskctl_request(ctl, method, must(json_pack("{s:o}", "ids", ids)), &answer);
	if (status != EXIT_FINE)
		return status;
	fine = must(json_array());
	for (size_t i = 0; i < json_array_size(answer); i++) {
		json_t *one = json_array_get(answer, i);
		const char *id = json_string_value(json_object_get(one, "id"));
		const char *state = json_string_value(json_object_get(one, "state"));
		int wrong = judge(ctl, id ? id : "?", state ? state : "?");

		if (wrong == EXIT_FINE)
			json_array_append(fine, one);
		else if (status == EXIT_FINE)
			status = wrong;
	}
	if (ctl->json)
		ctl->writer->ops->table(ctl->writer, end_columns, answer);
	else if (!ctl->quiet)
		ctl->writer->ops->table(ctl->writer, end_columns, fine);
	json_decref(fine);
	json_decref(answer);
	return status;
}

static int run_cancel(struct taskctl *ctl, const struct invocation *invocation)
{
	return change(ctl, METHOD_TASK_CANCEL, judge_cancel, invocation);
}

static int run_forget(struct taskctl *ctl, const struct invocation *invocation)
{
	return change(ctl, METHOD_TASK_FORGET, judge_forget, invocation);
}

static const char *const states[] = {
	"queued", "running", "cancelling", "succeeded", "failed", "timed_out", "crashed", "cancelled", "expired", NULL,
};

static const struct option_spec list_options[] = {
	{ .name = "state", .type = OPTION_LIST, .offset = offsetof(struct list_values, states), .argument = "STATE",
		.summary = "only those in it; several times or with commas", .complete = COMPLETE_WORDS, .words = states },
	{ .name = "queue", .letter = 'Q', .type = OPTION_TEXT, .offset = offsetof(struct list_values, queue),
		.argument = "QUEUE", .summary = "only those of this queue", .complete = COMPLETE_QUEUE },
	{ .name = "task", .type = OPTION_TEXT, .offset = offsetof(struct list_values, task), .argument = "TASK",
		.summary = "only those of this name", .complete = COMPLETE_TASK },
	{ .name = "tag", .type = OPTION_TEXT, .offset = offsetof(struct list_values, tag), .argument = "TAG",
		.summary = "only those with this tag" },
	{ .name = "limit", .letter = 'n', .type = OPTION_INTEGER, .offset = offsetof(struct list_values, limit),
		.argument = "N", .summary = "at most so many (100)", .min = 1, .max = INT32_MAX },
	{ .name = NULL },
};

const struct command command_status = {
	.name = "status",
	.operands = "ID…",
	.summary = "Show all that is known about tasks",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_status,
};

const struct command command_list = {
	.name = "list",
	.operands = "",
	.summary = "List tasks, the newest first",
	.help = "The states are: queued, running, cancelling, succeeded, failed, timed_out,\n"
		"crashed, cancelled, expired.",
	.options = list_options,
	.values_size = sizeof(struct list_values),
	.run = run_list,
};

const struct command command_cancel = {
	.name = "cancel",
	.operands = "ID…",
	.summary = "Cancel tasks",
	.help = "What has not started is gone at once. What runs is asked to stop, and is killed\n"
		"with its worker after a while if it does not; \"taskctl wait\" waits for its end.",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_cancel,
};

const struct command command_forget = {
	.name = "forget",
	.operands = "ID…",
	.summary = "Drop the records of tasks that have ended",
	.help = "Results are dropped by themselves after a time, too; this is for earlier.",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_forget,
};
