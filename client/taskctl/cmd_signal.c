/* signal, suspend and continue: orders to commands that run, by their tasks' ids. */
#include <stdio.h>
#include <stdlib.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/command.h"
#include "proto/suggest.h"

/* What the shells offer, and what a mistake may have meant. */
static const char *const signal_words[] = { "HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT",
	"TSTP", "ALRM", "WINCH", "ABRT", "PIPE", NULL };

/* One that could not be done does not keep the others from being done: reports it. */
static int judge(const struct taskctl *ctl, const json_t *one)
{
	const json_t *error = json_object_get(one, "error"), *data = json_object_get(error, "data");
	const char *id = json_string_value(json_object_get(one, "id"));
	const char *message = json_string_value(json_object_get(error, "message"));
	char *data_text = data ? json_dumps(data, JSON_COMPACT) : NULL;
	struct taskd_failure failure = {
		.error = TASKD_E_OTHER,
		.code = (int)json_integer_value(json_object_get(error, "code")),
		.kind = json_string_value(json_object_get(data, "kind")),
		.message = message ? message : "it could not be done",
		.hint = json_string_value(json_object_get(data, "hint")),
		.data = data_text,
	};
	int status = EXIT_FINE;
	char what[48];

	snprintf(what, sizeof what, "task %s", id ? id : "?");
	if (error)
		status = report_failure(ctl, what, &failure);
	free(data_text);
	return status;
}

static void print_states(const struct taskctl *ctl, const json_t *answer)
{
	static const struct field columns[] = {
		{ .title = "ID", .path = "id", .cell = CELL_NUMBER },
		{ .title = "STATE", .path = "state", .cell = CELL_STATE },
		{ .title = "SUSPENDED", .path = "suspended", .cell = CELL_TEXT, .optional = true },
		{ .title = NULL },
	};
	json_t *fine = must(json_array());

	for (size_t i = 0; i < json_array_size(answer); i++)
		if (!json_object_get(json_array_get(answer, i), "error"))
			json_array_append(fine, json_array_get(answer, i));
	if (ctl->json)
		ctl->writer->ops->table(ctl->writer, NULL, answer);
	else if (!ctl->quiet)
		ctl->writer->ops->table(ctl->writer, columns, fine);
	json_decref(fine);
}

/* METHOD for the tasks of IDS, with PARAMS, which are taken over. */
static int order(struct taskctl *ctl, enum method method, json_t *params, char *const *ids, int n)
{
	json_t *list = ids_json(ctl, ids, n), *answer;
	int status = EXIT_USAGE;
	char what[48], *text;

	snprintf(what, sizeof what, "task %s", ids[0]);
	if (list)
		json_object_set_new(params, "ids", list);
	text = must(json_dumps(params, JSON_COMPACT));
	json_decref(params);
	if (list)
		status = taskctl_request_text(ctl, method, text, n == 1 ? what : NULL, &answer);
	free(text);
	if (status != EXIT_FINE)
		return status;
	for (size_t i = 0; i < json_array_size(answer); i++) {
		int wrong = judge(ctl, json_array_get(answer, i));

		if (status == EXIT_FINE)
			status = wrong;
	}
	print_states(ctl, answer);
	json_decref(answer);
	return status;
}

static int run_signal(struct taskctl *ctl, const struct invocation *invocation)
{
	const char *name = invocation->operands[0];
	struct suggest suggest;
	char hint[64];

	if (command_signal(name) >= 0)
		return order(ctl, METHOD_TASK_SIGNAL, must(json_pack("{s:s}", "signal", name)),
			invocation->operands + 1, invocation->n_operands - 1);
	suggest_begin(&suggest, name);
	for (size_t i = 0; signal_words[i]; i++)
		suggest_offer(&suggest, signal_words[i]);
	if (suggest.best)
		snprintf(hint, sizeof hint, "did you mean %s?", suggest.best);
	return report_usage(
		ctl, suggest.best ? hint : "a name such as TERM, SIGTERM, or a number", "\"%s\" is no signal", name);
}

static int run_suspend(struct taskctl *ctl, const struct invocation *invocation)
{
	return order(ctl, METHOD_TASK_SUSPEND, must(json_object()), invocation->operands, invocation->n_operands);
}

static int run_continue(struct taskctl *ctl, const struct invocation *invocation)
{
	return order(ctl, METHOD_TASK_RESUME, must(json_object()), invocation->operands, invocation->n_operands);
}

const struct command command_signal_record = {
	.name = "signal",
	.operands = "SIGNAL ID…",
	.summary = "Send running commands a signal",
	.help = "SIGNAL is a name, TERM or SIGTERM, or a number. It goes to the command's process\n"
		"group. A command that ends by it has failed; \"taskctl cancel\" is how to end one.",
	.min_operands = 2,
	.max_operands = -1,
	.missing = "a SIGNAL and an ID",
	.first = COMPLETE_WORDS,
	.second = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.words = signal_words,
	.run = run_signal,
};

const struct command command_suspend = {
	.name = "suspend",
	.operands = "ID…",
	.summary = "Let running commands stand still",
	.help = "All of the command's processes stop, until \"taskctl continue\". It keeps its place in\n"
		"the pool, and its time limit runs on. (\"taskctl pause\" is for queues.)",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_suspend,
};

const struct command command_continue = {
	.name = "continue",
	.operands = "ID…",
	.summary = "Let suspended commands go on",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.run = run_continue,
};
