/* result and wait: for the end of tasks that were submitted earlier, here or elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct wait_values {
	int64_t timeout_ns;
	bool any;
	bool raw;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

/* All are asked for at once, so that the time limit is for all of them and not for each. */
static int results_print(struct taskctl *ctl, struct taskd_future **futures, int n, char *const *ids, int64_t timeout_ns)
{
	int64_t deadline = timeout_ns ? now_ns() + timeout_ns : 0;
	int worst = EXIT_FINE;

	for (int i = 0; i < n; i++) {
		int64_t left = TASKD_FOREVER;
		int status;

		if (timeout_ns)
			left = deadline > now_ns() ? deadline - now_ns() : 0;
		status = taskctl_finish(ctl, futures[i], ids[i], left);
		if (worst == EXIT_FINE)
			worst = status;
	}
	return worst;
}

static int run_result(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct wait_values *values = invocation->values;
	int n = invocation->n_operands, status;
	json_t *ids = ids_json(ctl, invocation->operands, n);
	struct taskd_future **futures = must(calloc((size_t)n, sizeof *futures));

	status = ids ? taskctl_connect(ctl) : EXIT_USAGE;
	for (int i = 0; i < n && status == EXIT_FINE; i++) {
		futures[i] = taskd_attach(ctl->connection, invocation->operands[i]);
		if (!futures[i])
			status = report_last(ctl);
	}
	if (status == EXIT_FINE) {
		ctl->writer->raw = values->raw;
		interrupt_says_how_to_return(ctl, "result", invocation->operands, n);
		status = results_print(ctl, futures, n, invocation->operands, values->timeout_ns);
	}
	for (int i = 0; i < n; i++)
		taskd_future_free(futures[i]);
	free(futures);
	json_decref(ids);
	return status;
}

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

static int run_wait(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct wait_values *values = invocation->values;
	json_t *ids = ids_json(ctl, invocation->operands, invocation->n_operands), *params, *answer, *all;
	int status;

	if (!ids)
		return EXIT_USAGE;
	params = must(json_pack("{s:o,s:s}", "ids", ids, "return_when", values->any ? "first_completed" : "all_completed"));
	if (values->timeout_ns)
		json_object_set_new(params, "timeout", json_real((double)values->timeout_ns / 1e9));
	interrupt_says_how_to_return(ctl, "wait", invocation->operands, invocation->n_operands);
	status = taskctl_request(ctl, METHOD_TASK_WAIT, params, &answer);
	if (status != EXIT_FINE)
		return status;
	all = must(json_array());
	json_array_extend(all, json_object_get(answer, "done"));
	json_array_extend(all, json_object_get(answer, "not_done"));
	if (ctl->json)
		ctl->writer->ops->sentence(ctl->writer, answer, "");
	else if (!ctl->quiet)
		ctl->writer->ops->table(ctl->writer, record_columns, all);
	json_decref(all);
	status = wait_status(ctl, json_object_get(answer, "done"), json_object_get(answer, "not_done"), values->any);
	json_decref(answer);
	return status;
}

static const struct option_spec result_options[] = {
	{ .name = "timeout", .letter = 't', .type = OPTION_DURATION, .offset = offsetof(struct wait_values, timeout_ns),
		.argument = "DURATION", .summary = "wait no longer than that, in all (exit status 124)" },
	{ .name = "raw", .letter = 'r', .type = OPTION_FLAG, .offset = offsetof(struct wait_values, raw),
		.summary = "print results that are strings without their quotes" },
	{ .name = NULL },
};

static const struct option_spec wait_options[] = {
	{ .name = "any", .type = OPTION_FLAG, .offset = offsetof(struct wait_values, any),
		.summary = "until one of them has ended, not all" },
	{ .name = "timeout", .letter = 't', .type = OPTION_DURATION, .offset = offsetof(struct wait_values, timeout_ns),
		.argument = "DURATION", .summary = "wait no longer than that (exit status 124)" },
	{ .name = NULL },
};

const struct command command_result = {
	.name = "result",
	.operands = "ID…",
	.summary = "Wait for submitted tasks and print their results",
	.help = "One result a line, in the order of the IDs, as compact JSON. A task that did not\n"
		"succeed says why on standard error; the exit status is the first one's. Ctrl-C\n"
		"leaves the tasks running.",
	.options = result_options,
	.values_size = sizeof(struct wait_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_result,
};

const struct command command_wait = {
	.name = "wait",
	.operands = "ID…",
	.summary = "Wait until submitted tasks have ended",
	.help = "Prints how they stand then; with --quiet nothing. The exit status is 1 where one\n"
		"that has ended did not succeed, and 124 where the time ran out.",
	.options = wait_options,
	.values_size = sizeof(struct wait_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_wait,
};
