/* schedule add, list and remove: tasks that the daemon submits again and again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/secret.h"
#include "client/taskctl/submission.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/command.h"
#include "proto/strbuf.h"
#include "proto/units.h"

struct schedule_values {
	struct submission submission;
	const char *args;
	const char *cron;
	int64_t every_ns;
	bool catch_up;
	bool overlap;
	struct option_list secret;
};

struct remove_values {
	const char *user;
};

/* The arguments of the task. NULL: reported. */
static char *add_args(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct schedule_values *values = invocation->values;
	struct secret secret;
	char *args;

	if (values->secret.n > 0 && strcmp(invocation->operands[1], COMMAND_TASK) != 0) {
		report_usage(ctl, "of a named command, \"secret = PARAMETER\" in taskd.conf says it",
			"--secret goes with the task " COMMAND_TASK " only");
		return NULL;
	}
	if (secret_read(ctl, &values->secret, &secret) != EXIT_FINE)
		return NULL;
	secret_hide(&secret, invocation->operands + 2, invocation->n_operands - 2);
	args = arguments_json(ctl, invocation->operands + 2, invocation->n_operands - 2, values->args);
	if (args)
		args = secret_args(ctl, &secret, args);
	secret_free(&secret);
	return args;
}

/* The parameters of schedule.add; the arguments pass to the letter. NULL: reported. */
static char *add_params(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct schedule_values *values = invocation->values;
	json_t *params = submission_params(ctl, &values->submission);
	char *args = params ? add_args(ctl, invocation) : NULL;
	char every[UNITS_TEXT_SIZE], *text = NULL;

	if (args) {
		json_object_set_new(params, "name", json_string(invocation->operands[0]));
		json_object_set_new(params, "task", json_string(invocation->operands[1]));
		if (values->cron)
			json_object_set_new(params, "cron", json_string(values->cron));
		units_format_duration(values->every_ns, every);
		if (values->every_ns)
			json_object_set_new(params, "every", json_string(every));
		if (values->catch_up)
			json_object_set_new(params, "catch_up", json_true());
		if (values->overlap)
			json_object_set_new(params, "overlap", json_true());
		text = params_with_args(params, args);
	}
	free(args);
	json_decref(params);
	return text;
}

/* "nightly runs next in 7h" */
static void put_next(struct strbuf *out, const char *name, const json_t *entry)
{
	struct field next = { .path = "next_at", .cell = CELL_AGO };
	char *text = cell_text(&next, entry);

	strbuf_printf(out, "%s runs %s%s", name, text ? "next " : "never again", text ? text : "");
	free(text);
}

static int run_add(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct schedule_values *values = invocation->values;
	struct strbuf text = STRBUF_INIT;
	json_t *entry;
	char *params;
	int status;

	if (!values->cron == !values->every_ns)
		return report_usage(ctl, "--cron \"30 4 * * mon-fri\", or --every 10m",
			"schedule add needs either --cron or --every");
	params = add_params(ctl, invocation);
	if (!params)
		return EXIT_USAGE;
	status = taskctl_request_text(ctl, METHOD_SCHEDULE_ADD, params, NULL, &entry);
	free(params);
	if (status != EXIT_FINE)
		return status;
	put_next(&text, invocation->operands[0], entry);
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, entry, text.data);
	strbuf_free(&text);
	json_decref(entry);
	return EXIT_FINE;
}

/* For people, one column says when. */
static void make_readable(json_t *schedules)
{
	size_t i;
	json_t *entry;

	json_array_foreach(schedules, i, entry) {
		const char *cron = json_string_value(json_object_get(entry, "cron"));
		char every[UNITS_TEXT_SIZE], when[UNITS_TEXT_SIZE + 8];

		units_format_duration((int64_t)(json_number_value(json_object_get(entry, "every")) * 1e9), every);
		snprintf(when, sizeof when, "every %s", every);
		json_object_set_new(entry, "when", json_string(cron ? cron : when));
	}
}

static int run_list(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct field fields[] = {
		{ .title = "SCHEDULE", .path = "name", .cell = CELL_TEXT },
		{ .title = "WHEN", .path = "when", .cell = CELL_TEXT },
		{ .title = "NEXT", .path = "next_at", .cell = CELL_AGO },
		{ .title = "TASK", .path = "task", .cell = CELL_TEXT },
		{ .title = "ARGS", .path = "args", .cell = CELL_JSON, .shrinks = true },
		{ .title = "QUEUE", .path = "queue", .cell = CELL_TEXT },
		{ .title = "RUNS", .path = "runs", .cell = CELL_NUMBER },
		{ .title = "SKIPPED", .path = "skipped", .cell = CELL_NUMBER },
		{ .title = "LAST", .path = "last_id", .cell = CELL_NUMBER },
		{ .title = "OWNER", .path = "owner", .cell = CELL_NUMBER },
		{ .title = "TAG", .path = "tag", .cell = CELL_TEXT, .optional = true, .shrinks = true },
		{ .title = "REFUSED", .path = "refused.message", .cell = CELL_TEXT, .optional = true, .shrinks = true },
		{ .title = NULL },
	};
	json_t *schedules;
	int status = taskctl_request(ctl, METHOD_SCHEDULE_LIST, NULL, &schedules);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	if (!ctl->json)
		make_readable(schedules);
	ctl->writer->ops->table(ctl->writer, fields, schedules);
	if (json_array_size(schedules) == 0)
		report_note(ctl, "no schedules");
	json_decref(schedules);
	return EXIT_FINE;
}

static int run_remove(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct remove_values *values = invocation->values;
	int worst = EXIT_FINE;

	for (int i = 0; i < invocation->n_operands; i++) {
		const char *name = invocation->operands[i];
		char text[160];
		json_t *entry, *params = must(json_pack("{s:s}", "name", name));

		if (values->user)
			json_object_set_new(params, "user", json_string(values->user));
		int status = taskctl_request(ctl, METHOD_SCHEDULE_REMOVE, params, &entry);

		if (status == EXIT_FINE) {
			snprintf(text, sizeof text, "%s is gone; what it has submitted stays", name);
			if (ctl->json || !ctl->quiet)
				ctl->writer->ops->sentence(ctl->writer, entry, text);
			json_decref(entry);
		} else if (worst == EXIT_FINE) {
			worst = status;
		}
	}
	return worst;
}

static const struct option_spec add_options[] = {
	{ .name = "cron", .type = OPTION_TEXT, .offset = offsetof(struct schedule_values, cron), .argument = "EXPR",
		.summary = "when, as of crontab(5): \"30 4 * * mon-fri\", @daily" },
	{ .name = "every", .type = OPTION_DURATION, .offset = offsetof(struct schedule_values, every_ns),
		.argument = "DURATION", .summary = "or so long after the last time" },
	{ .name = "catch-up", .type = OPTION_FLAG, .offset = offsetof(struct schedule_values, catch_up),
		.summary = "make up for runs that were missed; else they are skipped" },
	{ .name = "overlap", .type = OPTION_FLAG, .offset = offsetof(struct schedule_values, overlap),
		.summary = "also while the last run has not ended; else it is skipped" },
	{ .name = "args", .type = OPTION_TEXT, .offset = offsetof(struct schedule_values, args), .argument = "JSON",
		.summary = "arguments: an array (before the ARGs), or an object by name" },
	SECRET_OPTION(struct schedule_values, secret),
	SUBMISSION_OPTIONS(struct schedule_values, submission),
	SUBMISSION_OBJECT_OPTIONS(struct schedule_values, submission),
	SUBMISSION_DURABLE_OPTIONS(struct schedule_values, submission),
	{ .name = NULL },
};

const struct command command_schedule_add = {
	.name = "schedule add",
	.group = "schedule",
	.operands = "NAME TASK [ARG…]",
	.summary = "Have a task submitted again and again",
	.help = "At the times of a calendar (--cron, in the daemon's time zone), or at intervals\n"
		"(--every). ARGs and options are as of \"taskctl submit\"; --expires is a duration,\n"
		"from the time of each run.",
	.options = add_options,
	.values_size = sizeof(struct schedule_values),
	.min_operands = 2,
	.max_operands = -1,
	.missing = "a NAME and a TASK",
	.second = COMPLETE_TASK,
	.rest = COMPLETE_FILE,
	.run = run_add,
};

const struct command command_schedule_list = {
	.name = "schedule list",
	.group = "schedule",
	.operands = "",
	.summary = "List the schedules",
	.help = "LAST is the id of the last run; \"taskctl list --columns id,state,schedule\" shows\n"
		"them all. REFUSED: why the last run that was due was not submitted.",
	.reconnects = true,
	.run = run_list,
};

static const struct option_spec remove_options[] = {
	{ .name = "user", .type = OPTION_TEXT, .offset = offsetof(struct remove_values, user), .argument = "USER",
		.summary = "this user's, by name or number; else your own" },
	{ .name = NULL },
};

const struct command command_schedule_remove = {
	.name = "schedule remove",
	.group = "schedule",
	.operands = "SCHEDULE…",
	.summary = "Remove schedules; what they have submitted stays",
	.options = remove_options,
	.values_size = sizeof(struct remove_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a SCHEDULE",
	.first = COMPLETE_SCHEDULE,
	.rest = COMPLETE_SCHEDULE,
	.run = run_remove,
};
