/* log: what a command has said, its standard output to standard output, its standard error to standard error. */
#include <stdint.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/log.h"
#include "client/taskctl/taskctl.h"

struct log_values {
	bool follow;
	bool out, err;
	struct option_integer attempt;
};

static int run_log(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct log_values *values = invocation->values;
	struct log log = {
		.ctl = ctl,
		.id = invocation->operands[0],
		.wanted = { values->out || !values->err, values->err || !values->out },
		.attempt = values->attempt.given ? (int)values->attempt.value : 0,
	};
	int status = EXIT_FINE;

	if (!id_is_valid(log.id))
		return report_usage(ctl, NULL, "\"%s\" is no task's id", log.id);
	if (values->follow && values->attempt.given)
		return report_usage(ctl, "without --follow, --attempt shows any",
			"--follow is about the last attempt, and those to come");
	/* A page tells what is wrong, if anything is. */
	for (int stream = 0; stream < LOG_STREAMS && status == EXIT_FINE; stream++)
		if (log.wanted[stream])
			status = log_print(&log, stream, UINT64_MAX);
	if (status == EXIT_FINE && values->follow)
		status = log_follow(&log);
	log_tell_lost(&log);
	return status;
}

static const struct option_spec log_options[] = {
	{ .name = "follow",
		.letter = 'f',
		.type = OPTION_FLAG,
		.offset = offsetof(struct log_values, follow),
		.summary = "go on with what it says, until it has ended" },
	{ .name = "stdout",
		.letter = 'o',
		.type = OPTION_FLAG,
		.offset = offsetof(struct log_values, out),
		.summary = "only its standard output" },
	{ .name = "stderr",
		.letter = 'e',
		.type = OPTION_FLAG,
		.offset = offsetof(struct log_values, err),
		.summary = "only its standard error" },
	{ .name = "attempt",
		.type = OPTION_INTEGER,
		.offset = offsetof(struct log_values, attempt),
		.argument = "N",
		.summary = "of this attempt; without it, of the last",
		.min = 1,
		.max = INT32_MAX },
	{ .name = NULL },
};

const struct command command_log = {
	.name = "log",
	.operands = "ID",
	.summary = "Print what a command has written",
	.help = "Its standard output goes to standard output, its standard error to standard\n"
		"error, as the bytes that they are. Where both are asked for of one that is over,\n"
		"all of the one comes before the other; with --follow, as they come. What was not\n"
		"kept is told on standard error.\n\n"
		"A task that has not started has written nothing; --follow waits for it.",
	.options = log_options,
	.values_size = sizeof(struct log_values),
	.min_operands = 1,
	.max_operands = 1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.reconnects = true,
	.run = run_log,
};
