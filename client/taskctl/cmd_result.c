/* result, and whatever else prints the results of tasks that were submitted earlier, here or elsewhere. */
#include "client/taskctl/results.h"

#include <stdlib.h>
#include <time.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct result_values {
	int64_t timeout_ns;
	bool raw;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

static int print_results(
	struct taskctl *ctl, struct taskd_future **futures, int n, char *const *ids, int64_t timeout_ns)
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

/* All are asked for at once, so that the time limit is for all of them and not for each. */
int results_wait(struct taskctl *ctl, char *const *ids, int n, int64_t timeout_ns)
{
	struct taskd_future **futures = must(calloc((size_t)n + 1, sizeof *futures));
	int status = taskctl_connect(ctl);

	for (int i = 0; i < n && status == EXIT_FINE; i++) {
		futures[i] = taskd_attach(ctl->connection, ids[i]);
		if (!futures[i])
			status = report_last(ctl);
	}
	if (status == EXIT_FINE)
		status = print_results(ctl, futures, n, ids, timeout_ns);
	for (int i = 0; i < n; i++)
		taskd_future_free(futures[i]);
	free(futures);
	return status;
}

static int run_result(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct result_values *values = invocation->values;
	json_t *ids = ids_json(ctl, invocation->operands, invocation->n_operands);
	int status = ids ? taskctl_connect(ctl) : EXIT_USAGE;

	json_decref(ids);
	if (status != EXIT_FINE)
		return status;
	ctl->writer->raw = values->raw;
	interrupt_says_how_to_return(ctl, "result", invocation->operands, invocation->n_operands);
	return results_wait(ctl, invocation->operands, invocation->n_operands, values->timeout_ns);
}

static const struct option_spec result_options[] = {
	{ .name = "timeout", .letter = 't', .type = OPTION_DURATION, .offset = offsetof(struct result_values, timeout_ns),
		.argument = "DURATION", .summary = "wait no longer than that, in all (exit status 124)" },
	{ .name = "raw", .letter = 'r', .type = OPTION_FLAG, .offset = offsetof(struct result_values, raw),
		.summary = "print results that are strings without their quotes" },
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
	.values_size = sizeof(struct result_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.reconnects = true,
	.run = run_result,
};
