/* wait: for the end of tasks that were submitted earlier, here or elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/again.h"
#include "client/taskctl/commands.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/waiting.h"
#include "client/taskctl/writer.h"
#include "proto/units.h"

struct wait_values {
	int64_t timeout_ns;
	const char *tag;
	bool any;
	bool progress;
};

/* 1 where one of those that ended did not succeed; 124 where some (with --any: all) did not end in time. */
static int wait_status(const struct taskctl *ctl, const json_t *done, const json_t *not_done, bool any)
{
	int status = EXIT_FINE;

	for (size_t i = 0; i < json_array_size(done); i++) {
		const char *state = json_string_value(json_object_get(json_array_get(done, i), "state"));

		if (!state || strcmp(state, "succeeded") != 0)
			status = EXIT_FAILED;
	}
	if (json_array_size(not_done) > 0 && !(any && json_array_size(done) > 0))
		return report(ctl, EXIT_TIME, "wait_timed_out", "they go on; wait again, or ask for their results",
			"%zu of %zu have not ended yet", json_array_size(not_done),
			json_array_size(not_done) + json_array_size(done));
	return status;
}

/* Which tasks: {"ids":[…]} or {"tag":…}. NULL: reported. */
static json_t *which_tasks(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct wait_values *values = invocation->values;
	json_t *ids;

	if (invocation->n_operands == 0 && !values->tag) {
		report_usage(ctl, "usage: taskctl wait [OPTION…] ID…, or taskctl wait --tag TAG",
			"wait needs an ID or a --tag");
		return NULL;
	}
	if (invocation->n_operands > 0 && values->tag) {
		report_usage(ctl, NULL, "wait takes either IDs or a --tag");
		return NULL;
	}
	if (values->tag)
		return must(json_pack("{s:s}", "tag", values->tag));
	ids = ids_json(ctl, invocation->operands, invocation->n_operands);
	return ids ? must(json_pack("{s:o}", "ids", ids)) : NULL;
}

static void say_how_to_return(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct wait_values *values = invocation->values;
	char text[512];

	if (!values->tag) {
		interrupt_says_how_to_return(ctl, "wait", invocation->operands, invocation->n_operands);
		return;
	}
	snprintf(text, sizeof text, "the tasks go on; to wait for them again: taskctl%s%s wait --tag '%s'",
		ctl->socket_given ? " -s " : "", ctl->socket_given ? ctl->socket : "", values->tag);
	interrupt_says(ctl, text);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

/* The request, whose answer comes when they have ended, DEADLINE_NS (0: none) at the latest. NULL: reported, in *STATUS. */
static struct taskd_future *ask(
	struct taskctl *ctl, const json_t *which, const struct wait_values *values, int64_t deadline_ns, int *status)
{
	int64_t left_ns = deadline_ns - now_ns();
	json_t *params = must(json_deep_copy(which));
	char text[UNITS_TEXT_SIZE], *request;
	struct taskd_future *f;

	json_object_set_new(params, "return_when", json_string(values->any ? "first_completed" : "all_completed"));
	if (deadline_ns) {
		units_format_duration(left_ns > 0 ? left_ns : 0, text);
		json_object_set_new(params, "timeout", json_string(text));
	}
	request = must(json_dumps(params, JSON_COMPACT));
	json_decref(params);
	f = taskd_request(ctl->connection, method_info(METHOD_TASK_WAIT)->name, request);
	if (!f)
		*status = report_last(ctl);
	free(request);
	return f;
}

static int print_answer(struct taskctl *ctl, struct taskd_future *f, bool any)
{
	json_t *answer = json_loads(taskd_future_result(f, NULL), 0, NULL), *all;
	const json_t *done = json_object_get(answer, "done"), *not_done = json_object_get(answer, "not_done");
	int status;

	if (!answer)
		return report_library(ctl, TASKD_E_PROTOCOL, NULL);
	all = must(json_array());
	json_array_extend(all, json_object_get(answer, "done"));
	json_array_extend(all, json_object_get(answer, "not_done"));
	if (ctl->json)
		ctl->writer->ops->sentence(ctl->writer, answer, "");
	else if (!ctl->quiet)
		ctl->writer->ops->table(ctl->writer, record_columns, all);
	if (json_array_size(all) == 0)
		report_note(ctl, "no tasks");
	json_decref(all);
	status = wait_status(ctl, done, not_done, any);
	json_decref(answer);
	return status;
}

/* The answer; asked for again where it was lost with the daemon. NULL: reported, in *STATUS. */
static struct taskd_future *await(struct taskctl *ctl, const json_t *which, const struct wait_values *values, int *status)
{
	int64_t deadline_ns = values->timeout_ns ? now_ns() + values->timeout_ns : 0;
	struct again again = AGAIN_INIT;
	struct taskd_future *f;

	while ((f = ask(ctl, which, values, deadline_ns, status))) {
		if (!values->tag)
			again_knows_ids(ctl);
		if (values->progress && !ctl->quiet && !ctl->json)
			waiting_show(ctl, f, which);
		if (taskd_result(f, TASKD_FOREVER) == TASKD_OK || !again_asks(ctl, &again, f))
			return f;
		taskd_future_free(f);
		*status = again_has_ids(ctl);
		if (*status != EXIT_FINE)
			return NULL;
	}
	return NULL;
}

static int run_wait(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct wait_values *values = invocation->values;
	json_t *which = which_tasks(ctl, invocation);
	struct taskd_future *f;
	int status = which ? taskctl_connect(ctl) : EXIT_USAGE;

	if (status == EXIT_FINE) {
		say_how_to_return(ctl, invocation);
		f = await(ctl, which, values, &status);
		if (f && taskd_exception(f))
			status = report_failure_of_some(ctl, taskd_exception(f));
		else if (f)
			status = print_answer(ctl, f, values->any);
		taskd_future_free(f);
	}
	json_decref(which);
	return status;
}

static const struct option_spec wait_options[] = {
	{ .name = "any", .type = OPTION_FLAG, .offset = offsetof(struct wait_values, any),
		.summary = "until one of them has ended, not all" },
	{ .name = "tag", .type = OPTION_TEXT, .offset = offsetof(struct wait_values, tag), .argument = "TAG",
		.summary = "instead of IDs: the tasks that have this tag now" },
	{ .name = "progress", .type = OPTION_FLAG, .offset = offsetof(struct wait_values, progress),
		.summary = "show on a terminal how far they are" },
	{ .name = "timeout", .letter = 't', .type = OPTION_DURATION, .offset = offsetof(struct wait_values, timeout_ns),
		.argument = "DURATION", .summary = "wait no longer than that (exit status 124)" },
	{ .name = NULL },
};

const struct command command_wait = {
	.name = "wait",
	.operands = "[ID…]",
	.summary = "Wait until submitted tasks have ended",
	.help = "Prints how they stand then; with --quiet nothing. The exit status is 1 where one\n"
		"that has ended did not succeed, and 124 where the time ran out. Ctrl-C leaves the\n"
		"tasks running.",
	.options = wait_options,
	.values_size = sizeof(struct wait_values),
	.max_operands = -1,
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.reconnects = true,
	.run = run_wait,
};
