/* cancel, retry and forget: by ids, each of which is answered, or by what tasks have in common, where they are counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/errors.h"

struct change_values {
	struct filter filter;
	bool all;
};

/* What is wrong with the answer for an id (EXIT_FINE: nothing); reports it. */
typedef int judge_answer(const struct taskctl *ctl, const char *id, const json_t *answer);

/* The parameters: ids, a filter, or all of them. NULL: reported. */
static json_t *change_params(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct change_values *values = invocation->values;
	const char *name = invocation->command->name;
	int ways = (invocation->n_operands > 0) + filter_given(&values->filter) + values->all;
	json_t *params, *ids;

	if (ways == 0) {
		report_usage(ctl, "--state, --queue, --task, --tag, --user and --since say which; --all: all",
			"%s needs an ID or something to find tasks by", name);
		return NULL;
	}
	if (ways > 1) {
		report_usage(ctl, NULL, "%s takes either IDs, or what tasks have in common, or --all", name);
		return NULL;
	}
	params = must(json_object());
	if (invocation->n_operands > 0) {
		ids = ids_json(ctl, invocation->operands, invocation->n_operands);
		if (!ids) {
			json_decref(params);
			return NULL;
		}
		json_object_set_new(params, "ids", ids);
	} else if (values->all) {
		json_object_set_new(params, "all", json_true());
	}
	filter_put(&values->filter, params);
	return params;
}

static long long count_of(const json_t *answer, const char *name)
{
	return (long long)json_integer_value(json_object_get(answer, name));
}

/* --- by their ids --- */

static int not_there(const struct taskctl *ctl, const char *id, enum proto_error error)
{
	const struct proto_error_info *info = proto_error_info(error);

	return report(ctl, (enum exit_status)info->exit_status, info->kind, info->hint, "task %s: %s", id, info->text);
}

static int judge_cancel(const struct taskctl *ctl, const char *id, const json_t *answer)
{
	const char *state = json_string_value(json_object_get(answer, "state"));
	int known = state ? proto_error_of_kind(state) : -1;

	/* A state may have an error's name: "cancelled" is what was wanted. */
	return known == PROTO_NOT_FOUND || known == PROTO_FORGOTTEN ? not_there(ctl, id, (enum proto_error)known)
								    : EXIT_FINE;
}

static int judge_forget(const struct taskctl *ctl, const char *id, const json_t *answer)
{
	const char *state = json_string_value(json_object_get(answer, "state"));

	if (!state || strcmp(state, "forgotten") == 0)
		return EXIT_FINE;
	if (proto_error_of_kind(state) == PROTO_NOT_FOUND)
		return not_there(ctl, id, PROTO_NOT_FOUND);
	return report(ctl, EXIT_FAILED, "not_ended", "\"taskctl cancel\" ends it",
		"task %s: it is %s, and not forgotten", id, state);
}

static int judge_retry(const struct taskctl *ctl, const char *id, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error"), *data = json_object_get(error, "data");
	const char *kind = json_string_value(json_object_get(data, "kind"));
	const char *message = json_string_value(json_object_get(error, "message"));
	int known = kind ? proto_error_of_kind(kind) : -1;

	if (!error)
		return EXIT_FINE;
	return report(ctl,
		known < 0 ? EXIT_FAILED : (enum exit_status)proto_error_info((enum proto_error)known)->exit_status,
		kind ? kind : "other", json_string_value(json_object_get(data, "hint")), "task %s: %s", id,
		message ? message : "it cannot be tried again");
}

/* One that is wrong does not keep the others from being done. *FINE: those that are not, the caller's. */
static int judge_all(const struct taskctl *ctl, const json_t *answer, judge_answer *judge, json_t **fine)
{
	int status = EXIT_FINE;

	*fine = must(json_array());
	for (size_t i = 0; i < json_array_size(answer); i++) {
		json_t *one = json_array_get(answer, i);
		const char *id = json_string_value(json_object_get(one, "id"));
		int wrong = judge(ctl, id ? id : "?", one);

		if (wrong == EXIT_FINE)
			json_array_append(*fine, one);
		else if (status == EXIT_FINE)
			status = wrong;
	}
	return status;
}

static void print_states(const struct taskctl *ctl, const json_t *fine)
{
	static const struct field columns[] = {
		{ .title = "ID", .path = "id", .cell = CELL_NUMBER },
		{ .title = "STATE", .path = "state", .cell = CELL_STATE },
		{ .title = NULL },
	};

	if (!ctl->quiet)
		ctl->writer->ops->table(ctl->writer, columns, fine);
}

/* As submit: the ids alone, also with --quiet. */
static void print_retried(const struct taskctl *ctl, const json_t *fine)
{
	for (size_t i = 0; i < json_array_size(fine); i++) {
		const char *id = json_string_value(json_object_get(json_array_get(fine, i), "retried_as"));

		ctl->writer->ops->sentence(ctl->writer, NULL, id ? id : "?");
	}
}

static int change_ids(const struct taskctl *ctl, const json_t *answer, judge_answer *judge,
	void (*print)(const struct taskctl *ctl, const json_t *fine))
{
	json_t *fine;
	int status = judge_all(ctl, answer, judge, &fine);

	if (ctl->json)
		ctl->writer->ops->table(ctl->writer, NULL, answer);
	else
		print(ctl, fine);
	json_decref(fine);
	return status;
}

/* --- all --- */

/* Where there is one id only, the daemon's error is about that. */
static int request(struct taskctl *ctl, enum method method, const struct invocation *invocation, json_t **answer)
{
	json_t *params = change_params(ctl, invocation);
	char what[64], *text;
	int status;

	if (!params)
		return EXIT_USAGE;
	text = must(json_dumps(params, JSON_COMPACT));
	json_decref(params);
	if (invocation->n_operands == 1)
		snprintf(what, sizeof what, "task %s", invocation->operands[0]);
	status = taskctl_request_text(ctl, method, text, invocation->n_operands == 1 ? what : NULL, answer);
	free(text);
	return status;
}

static void print_counts(const struct taskctl *ctl, const json_t *answer, const char *text)
{
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, answer, text);
}

static int run_cancel(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *answer;
	int status = request(ctl, METHOD_TASK_CANCEL, invocation, &answer);
	char text[160];

	if (status != EXIT_FINE)
		return status;
	snprintf(text, sizeof text, "%lld cancelled, %lld still stopping", count_of(answer, "cancelled"),
		count_of(answer, "cancelling"));
	if (json_is_array(answer))
		status = change_ids(ctl, answer, judge_cancel, print_states);
	else
		print_counts(ctl, answer, text);
	json_decref(answer);
	return status;
}

static int run_retry(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *answer;
	int status = request(ctl, METHOD_TASK_RETRY, invocation, &answer);
	char text[160];

	if (status != EXIT_FINE)
		return status;
	snprintf(text, sizeof text, "%lld tried again, %lld left as they are", count_of(answer, "retried"),
		count_of(answer, "skipped"));
	if (json_is_array(answer))
		status = change_ids(ctl, answer, judge_retry, print_retried);
	else
		print_counts(ctl, answer, text);
	json_decref(answer);
	return status;
}

static int run_forget(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *answer;
	int status = request(ctl, METHOD_TASK_FORGET, invocation, &answer);
	char text[160];

	if (status != EXIT_FINE)
		return status;
	snprintf(text, sizeof text, "%lld forgotten", count_of(answer, "forgotten"));
	if (json_is_array(answer))
		status = change_ids(ctl, answer, judge_forget, print_states);
	else
		print_counts(ctl, answer, text);
	json_decref(answer);
	return status;
}

static const struct option_spec change_options[] = {
	FILTER_OPTIONS(struct change_values, filter),
	{ .name = "all", .type = OPTION_FLAG, .offset = offsetof(struct change_values, all),
		.summary = "all there are" },
	{ .name = NULL },
};

#define HELP_WHICH                                                                                                     \
	"Which tasks: their IDs; or, with options, all that fit, of which the numbers are\n"                           \
	"printed; or --all."

#define CHANGE_COMMAND(NAME, SUMMARY, HELP, RUN)                                                                       \
	{                                                                                                              \
		.name = NAME,                                                                                          \
		.operands = "[ID…]",                                                                                   \
		.summary = SUMMARY,                                                                                    \
		.help = HELP "\n\n" HELP_WHICH,                                                                        \
		.options = change_options,                                                                             \
		.values_size = sizeof(struct change_values),                                                           \
		.max_operands = -1,                                                                                    \
		.first = COMPLETE_ID,                                                                                  \
		.rest = COMPLETE_ID,                                                                                   \
		.run = RUN,                                                                                            \
	}

const struct command command_cancel = CHANGE_COMMAND("cancel", "Cancel tasks",
	"What has not started is gone at once. What runs is asked to stop, and is killed\n"
	"with its worker after a while if it does not; \"taskctl wait\" waits for its end.",
	run_cancel);

const struct command command_retry = CHANGE_COMMAND("retry", "Try tasks again that did not succeed",
	"Each becomes a new task with a new id, which is printed. The old one stays as it\n"
	"is, and says by which it was retried.",
	run_retry);

const struct command command_forget = CHANGE_COMMAND("forget", "Drop the records of tasks that have ended",
	"Results are dropped by themselves after a time, too; this is for earlier.", run_forget);
