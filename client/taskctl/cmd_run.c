/* run: any program as a task. What follows the first word that is no option is the command, and its own. */
#include <stdlib.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/run.h"
#include "client/taskctl/run_options.h"
#include "client/taskctl/taskctl.h"
#include "proto/strbuf.h"

/* With --shell, several words are one line, as the shell itself would have read them. */
static char *line_of(char **words, int n)
{
	struct strbuf line = STRBUF_INIT;

	for (int i = 0; i < n; i++) {
		strbuf_puts(&line, i > 0 ? " " : "");
		strbuf_puts(&line, words[i]);
	}
	return must(strbuf_take(&line, NULL));
}

static int run_one(struct taskctl *ctl, const struct invocation *invocation, struct run_command *command)
{
	const struct run_values *values = invocation->values;
	char *line = values->shell ? line_of(invocation->operands, invocation->n_operands) : NULL;
	int status = secret_check(ctl, &command->secret, (size_t)invocation->n_operands);

	if (status != EXIT_FINE)
		return status;
	command->command.secret = command->secret.places;
	command->command.n_secret = command->secret.n;
	if (line)
		command->command.shell = line;
	else
		command->command.argv = (const char *const *)invocation->operands; /* calloc'ed: it ends with NULL */
	status = values->detach ? run_detached(ctl, values, command) : run_attached(ctl, values, command);
	free(line);
	return status;
}

static int run_run(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct run_values *values = invocation->values;
	struct run_command command;
	int status;

	if (invocation->n_operands == 0 && !(values->each && values->shell))
		return report_usage(ctl,
			values->each ? "usage: taskctl run --each [OPTION…] [--] COMMAND [ARG…] [::: VALUE…]"
				     : "usage: taskctl run [OPTION…] [--] COMMAND [ARG…]",
			"run needs a COMMAND");
	status = run_command_make(ctl, values, &command);
	if (status == EXIT_FAILED && !values->detach)
		return RUN_EXIT_TROUBLE;
	if (status != EXIT_FINE)
		return status;
	secret_hide(&command.secret, invocation->operands, invocation->n_operands);
	if (values->each)
		status = run_each(ctl, values, &command, invocation->operands, invocation->n_operands);
	else
		status = run_one(ctl, invocation, &command);
	run_command_free(&command);
	return status;
}

const struct command command_run = {
	.name = "run",
	.operands = "[--] COMMAND [ARG…]",
	.summary = "Run any program as a task, as if it ran here",
	.help = "Its output comes as it is written, its exit status is this command's (128+N for\n"
		"signal N; 124: its time limit; 125: it could not be started, or trouble of\n"
		"taskd's own). Signals that this command gets are the program's; Ctrl-C ends both.\n"
		"Everything from COMMAND on is its own: options of run come before.\n\n"
		"  taskctl run make -j2                    here, now, as the pool has room\n"
		"  taskctl run -t top                      with a terminal\n"
		"  taskctl run --detach make               prints the id, for log, wait, cancel\n\n"
		"With --each, a command is run for each value, many at a time: values after :::\n"
		"(several are combined), or lines of --arg-file or standard input. In its words\n"
		"{} is the value, {.} without its extension, {/} its last component, {//} its\n"
		"folder, {/.} the component without extension, {#} the number; {1} {2.} … of one\n"
		"of several :::. Without any of these, the value is the last argument. The exit\n"
		"status is the number of failures, 101 for more than 100.\n\n"
		"  taskctl run --each -- gzip -9 {} ::: *.log\n"
		"  taskctl run --each ::: *.png -- convert {} {.}.jpg\n"
		"  find . -name '*.c' -print0 | taskctl run --each -0 --joblog done wc -l",
	.options = run_option_specs,
	.values_size = sizeof(struct run_values),
	.max_operands = -1,
	.own_from = 1,
	.first = COMPLETE_PROGRAM,
	.rest = COMPLETE_FILE,
	.run = run_run,
};
