/* submit and call: one task. A submitted one belongs to the daemon and can be asked for later; a called one belongs to
 * this command and ends with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/submission.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct submit_values {
	struct submission submission;
	const char *args;
	bool wait;
	bool raw;
};

static int submit(struct taskctl *ctl, const struct invocation *invocation, bool detached, struct taskd_future **f)
{
	const struct submit_values *values = invocation->values;
	struct taskd_options options = submission_options(&values->submission, detached);
	char *args = arguments_json(ctl, invocation->operands + 1, invocation->n_operands - 1, values->args);
	int status = args ? taskctl_connect(ctl) : EXIT_USAGE;

	if (status == EXIT_FINE) {
		*f = taskd_submit(ctl->connection, invocation->operands[0], args, &options);
		if (!*f)
			status = report_last(ctl);
	}
	free(args);
	return status;
}

static int run_submit(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct submit_values *values = invocation->values;
	struct taskd_future *f = NULL;
	int status = submit(ctl, invocation, true, &f);
	char *id = NULL;

	if (status != EXIT_FINE)
		return status;
	ctl->writer->raw = values->raw;
	if (taskd_acknowledged(f, TASKD_FOREVER) != TASKD_OK) {
		status = report_failure(ctl, NULL, taskd_future_error(f));
		goto out;
	}
	id = must(strdup(taskd_future_id(f)));
	if (values->wait) {
		interrupt_says_how_to_return(ctl, "result", &id, 1);
		status = taskctl_finish(ctl, f, id, TASKD_FOREVER);
	} else {
		json_t *answer = must(json_pack("{s:s,s:s}", "id", id, "state", "queued"));

		ctl->writer->ops->sentence(ctl->writer, answer, id);
		json_decref(answer);
	}
out:
	free(id);
	taskd_future_free(f);
	return status;
}

static int run_call(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct submit_values *values = invocation->values;
	struct taskd_future *f = NULL;
	int status = submit(ctl, invocation, false, &f);

	if (status != EXIT_FINE)
		return status;
	ctl->writer->raw = values->raw;
	interrupt_says(ctl, "interrupted: the task is cancelled");
	status = taskctl_finish(ctl, f, NULL, TASKD_FOREVER);
	taskd_future_free(f);
	return status;
}

#define ARGS_OPTION                                                                                                    \
	{ .name = "args", .type = OPTION_TEXT, .offset = offsetof(struct submit_values, args), .argument = "JSON",     \
		.summary = "arguments: an array (before the ARGs), or an object by name" }
#define RAW_OPTION                                                                                                     \
	{ .name = "raw", .letter = 'r', .type = OPTION_FLAG, .offset = offsetof(struct submit_values, raw),            \
		.summary = "print a result that is a string without its quotes" }

static const struct option_spec submit_options[] = {
	{ .name = "wait", .letter = 'w', .type = OPTION_FLAG, .offset = offsetof(struct submit_values, wait),
		.summary = "wait for the result and print that instead" },
	ARGS_OPTION,
	SUBMISSION_OPTIONS(struct submit_values, submission),
	RAW_OPTION,
	{ .name = NULL },
};

static const struct option_spec call_options[] = {
	ARGS_OPTION,
	SUBMISSION_OPTIONS(struct submit_values, submission),
	RAW_OPTION,
	{ .name = NULL },
};

#define HELP_ARGUMENTS                                                                                                 \
	"Each ARG is JSON if it parses as JSON, else a string: 30 is a number, '\"30\"'\n"                             \
	"a string, hello a string, [1,2] an array. A - reads the argument from standard\n"                             \
	"input, by the same rule, less one newline at its end. An ARG that starts with a\n"                            \
	"dash and is no number goes after --."

const struct command command_submit = {
	.name = "submit",
	.operands = "TASK [ARG…]",
	.summary = "Submit a task and print its id",
	.help = "The task goes on by itself: \"taskctl result ID\" waits for its result, \"taskctl\n"
		"cancel ID\" ends it. With --wait, Ctrl-C leaves it running too.\n\n" HELP_ARGUMENTS,
	.options = submit_options,
	.values_size = sizeof(struct submit_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a TASK",
	.first = COMPLETE_TASK,
	.rest = COMPLETE_FILE,
	.run = run_submit,
};

const struct command command_call = {
	.name = "call",
	.operands = "TASK [ARG…]",
	.summary = "Run a task and print its result",
	.help = "The task belongs to this command: Ctrl-C cancels it.\n\n" HELP_ARGUMENTS,
	.options = call_options,
	.values_size = sizeof(struct submit_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a TASK",
	.first = COMPLETE_TASK,
	.rest = COMPLETE_FILE,
	.run = run_call,
};
