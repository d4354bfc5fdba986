/* submit and call: one task. A submitted one belongs to the daemon and can be asked for later; a called one belongs to
 * this command and ends with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/again.h"
#include "client/taskctl/batch.h"
#include "client/taskctl/commands.h"
#include "client/taskctl/submission.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct submit_values {
	struct submission submission;
	const char *args;
	const char *batch;
	bool wait;
	bool raw;
};

static char *submit_args(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct submit_values *values = invocation->values;

	return arguments_json(ctl, invocation->operands + 1, invocation->n_operands - 1, values->args);
}

/* A future of the result. */
static int submit(struct taskctl *ctl, const struct invocation *invocation, bool detached, struct taskd_future **f)
{
	const struct submit_values *values = invocation->values;
	struct taskd_options options;
	int status = submission_options(ctl, &values->submission, detached, &options);
	char *args = status == EXIT_FINE ? submit_args(ctl, invocation) : NULL;

	if (!args)
		return EXIT_USAGE;
	status = taskctl_connect(ctl);
	if (status == EXIT_FINE) {
		*f = taskd_submit(ctl->connection, invocation->operands[0], args, &options);
		if (!*f)
			status = report_last(ctl);
	}
	free(args);
	return status;
}

static int submit_and_wait(struct taskctl *ctl, const struct invocation *invocation)
{
	struct taskd_future *f = NULL;
	int status = submit(ctl, invocation, true, &f);
	char *id;

	if (status != EXIT_FINE)
		return status;
	if (taskd_acknowledged(f, TASKD_FOREVER) != TASKD_OK) {
		status = report_failure(ctl, NULL, taskd_future_error(f));
	} else {
		id = must(strdup(taskd_future_id(f)));
		interrupt_says_how_to_return(ctl, "result", &id, 1);
		status = taskctl_finish(ctl, f, id, TASKD_FOREVER);
		free(id);
	}
	taskd_future_free(f);
	return status;
}

/* The parameters of task.submit. NULL: reported. */
static char *submit_params(const struct taskctl *ctl, const struct invocation *invocation)
{
	const struct submit_values *values = invocation->values;
	json_t *params = submission_params(ctl, &values->submission);
	char *args = params ? submit_args(ctl, invocation) : NULL, *text = NULL;

	if (args) {
		json_object_set_new(params, "task", must(json_string(invocation->operands[0])));
		text = params_with_args(params, args);
	}
	free(args);
	json_decref(params);
	return text;
}

/* So that it can be submitted again when the connection is lost before the answer has come; where its own key forbids
 * another, it cannot. Whether KEY is its key now. */
static bool make_repeatable(struct taskctl *ctl, struct submission *submission, char key[AGAIN_KEY_ROOM])
{
	if (submission->key || submission->key_mode) {
		ctl->reconnects =
			submission->key_mode == SUBMISSION_ATTACH || submission->key_mode == SUBMISSION_ONCE;
		return false;
	}
	if (ctl->reconnect_ns == 0)
		return false;
	again_make_key(key);
	submission->key = key;
	submission->key_mode = SUBMISSION_ONCE;
	return true;
}

static int submit_and_go(struct taskctl *ctl, const struct invocation *invocation)
{
	struct submit_values *values = invocation->values;
	char key[AGAIN_KEY_ROOM], *params;
	bool is_ours = make_repeatable(ctl, &values->submission, key);
	json_t *answer;
	const char *id;
	int status;

	params = submit_params(ctl, invocation);
	if (!params)
		return EXIT_USAGE;
	status = taskctl_request_text(ctl, METHOD_TASK_SUBMIT, params, NULL, &answer);
	free(params);
	if (status != EXIT_FINE)
		return status;
	if (is_ours)
		json_object_del(answer, "duplicate"); /* of this very submission, if it is one */
	id = json_string_value(json_object_get(answer, "id"));
	ctl->writer->ops->sentence(ctl->writer, answer, id ? id : "");
	if (json_is_true(json_object_get(answer, "duplicate")))
		report_note(ctl, "task %s has that key already, and is %s", id,
			json_string_value(json_object_get(answer, "state")));
	json_decref(answer);
	return EXIT_FINE;
}

static int run_submit(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct submit_values *values = invocation->values;

	ctl->writer->raw = values->raw;
	if (values->batch) {
		if (invocation->n_operands > 0 || values->args || submission_given(&values->submission))
			return report_usage(ctl, "each task of the file says it for itself",
				"--batch goes with --wait and --raw only");
		return batch_submit(ctl, values->batch, values->wait);
	}
	if (invocation->n_operands == 0)
		return report_usage(ctl, "usage: taskctl submit [OPTION…] TASK [ARG…]", "submit needs a TASK");
	return values->wait ? submit_and_wait(ctl, invocation) : submit_and_go(ctl, invocation);
}

/* The first Ctrl-C cancels, and the wait goes on, as the task may take a while to stop, or be quicker than that. A task
 * with a key may be others' as well; then we only let go of it. */
static int call_interrupted(struct taskctl *ctl, struct taskd_future *f, bool shared)
{
	int status = EXIT_INTERRUPTED;

	if (shared) {
		report(ctl, EXIT_INTERRUPTED, "interrupted", NULL,
			"interrupted: the task is cancelled, unless others wait for it");
		taskd_future_free(f);
		taskd_flush(ctl->connection, TASKD_SECOND);
		interrupt_die();
	}
	interrupt_newline(ctl);
	report_note(ctl, "interrupted: waiting until the task has stopped; Ctrl-C again leaves at once");
	taskd_cancel(f, TASKD_FOREVER);
	if (taskd_result(f, TASKD_FOREVER) == TASKD_E_CANCELLED)
		report(ctl, EXIT_INTERRUPTED, "interrupted", NULL, "interrupted: the task is cancelled");
	else
		status = taskctl_finish(ctl, f, NULL, TASKD_FOREVER);
	taskd_future_free(f);
	write_flush();
	if (exit_status_of(taskd_connection_error(ctl->connection)) == EXIT_UNREACHABLE)
		return status;
	interrupt_die();
}

static int run_call(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct submit_values *values = invocation->values;
	struct taskd_future *f = NULL;
	int status, interrupt = interrupt_noted();

	ctl->writer->raw = values->raw;
	status = submit(ctl, invocation, false, &f);
	if (status != EXIT_FINE)
		return status;
	while (!taskd_done(f))
		if (taskctl_turn(ctl, interrupt, -1) == TURN_INTERRUPTED)
			return call_interrupted(ctl, f, values->submission.key != NULL);
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
#define TASK_OPTIONS                                                                                                   \
	SUBMISSION_TASK_OPTIONS(struct submit_values, submission),                                                     \
	SUBMISSION_OPTIONS(struct submit_values, submission),                                                          \
	SUBMISSION_ROOM_OPTION(struct submit_values, submission)

static const struct option_spec submit_options[] = {
	{ .name = "wait", .letter = 'w', .type = OPTION_FLAG, .offset = offsetof(struct submit_values, wait),
		.summary = "wait for the result and print that instead" },
	ARGS_OPTION,
	{ .name = "batch", .type = OPTION_TEXT, .offset = offsetof(struct submit_values, batch), .argument = "FILE",
		.summary = "submit the tasks in a file of JSON, all or none; -: standard input", .complete = COMPLETE_FILE },
	TASK_OPTIONS,
	RAW_OPTION,
	{ .name = NULL },
};

static const struct option_spec call_options[] = {
	ARGS_OPTION,
	TASK_OPTIONS,
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
		"cancel ID\" ends it. With --wait, Ctrl-C leaves it running too.\n\n" HELP_ARGUMENTS "\n\n"
		"The FILE of --batch is an array of tasks that may wait for each other by labels:\n"
		"  [{\"label\":\"a\",\"task\":\"fib\",\"args\":[30]}, {\"task\":\"echo\",\"after\":\"a\"}]",
	.options = submit_options,
	.values_size = sizeof(struct submit_values),
	.max_operands = -1,
	.first = COMPLETE_TASK,
	.rest = COMPLETE_FILE,
	.reconnects = true,
	.run = run_submit,
};

const struct command command_call = {
	.name = "call",
	.operands = "TASK [ARG…]",
	.summary = "Run a task and print its result",
	.help = "The task belongs to this command: Ctrl-C cancels it, and waits for its end; a\n"
		"second Ctrl-C does not wait.\n\n" HELP_ARGUMENTS,
	.options = call_options,
	.values_size = sizeof(struct submit_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a TASK",
	.first = COMPLETE_TASK,
	.rest = COMPLETE_FILE,
	.run = run_call,
};
