/* send: what a command reads from its live standard input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"

struct send_values {
	bool eof;
	bool bare;
	int64_t timeout_ns;
};

static int send_bytes(
	struct taskctl *ctl, const struct invocation *invocation, const char *data, size_t length, bool eof)
{
	const struct send_values *values = invocation->values;
	int64_t timeout_ns = values->timeout_ns > 0 ? values->timeout_ns : TASKD_FOREVER;
	const char *id = invocation->operands[0];
	enum taskd_error error = taskd_send(ctl->connection, id, data, length, eof, timeout_ns);
	char what[48];

	if (error == TASKD_OK)
		return EXIT_FINE;
	snprintf(what, sizeof what, "task %s", id);
	if (error == TASKD_E_TIMEOUT)
		return report(ctl, EXIT_TIME, "wait_timed_out", NULL, "%s: it has not read what was sent", what);
	return report_failure(ctl, what, taskd_future_error(NULL));
}

/* Standard input as it is, as it comes. */
static int send_input(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct send_values *values = invocation->values;
	char data[LOG_PAGE];
	ssize_t n;

	while ((n = read(STDIN_FILENO, data, sizeof data)) != 0) {
		int status = EXIT_FINE;

		if (n > 0)
			status = send_bytes(ctl, invocation, data, (size_t)n, false);
		else if (errno != EINTR)
			status = report(
				ctl, EXIT_FAILED, "system", NULL, "cannot read standard input: %s", strerror(errno));
		if (status != EXIT_FINE)
			return status;
	}
	return values->eof ? send_bytes(ctl, invocation, NULL, 0, true) : EXIT_FINE;
}

/* Each TEXT is a line. */
static int send_texts(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct send_values *values = invocation->values;
	size_t length = 0;
	char *text, *p;
	int status;

	for (int i = 1; i < invocation->n_operands; i++)
		length += strlen(invocation->operands[i]) + 1;
	p = text = must(malloc(length + 1));
	for (int i = 1; i < invocation->n_operands; i++) {
		p = stpcpy(p, invocation->operands[i]);
		if (!values->bare)
			*p++ = '\n';
	}
	status = send_bytes(ctl, invocation, text, (size_t)(p - text), values->eof);
	free(text);
	return status;
}

static int run_send(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct send_values *values = invocation->values;
	bool input = false;
	int status;

	if (!id_is_valid(invocation->operands[0]))
		return report_usage(ctl, NULL, "\"%s\" is no task's id", invocation->operands[0]);
	for (int i = 1; i < invocation->n_operands; i++)
		input |= strcmp(invocation->operands[i], "-") == 0;
	if (invocation->n_operands == 1 && !values->eof)
		return report_usage(
			ctl, "- sends standard input; --eof ends the command's", "send needs a TEXT, - or --eof");
	if (input && invocation->n_operands > 2)
		return report_usage(ctl, NULL, "- is all of standard input, and stands alone");
	status = taskctl_connect(ctl);
	if (status != EXIT_FINE)
		return status;
	return input ? send_input(ctl, invocation) : send_texts(ctl, invocation);
}

static const struct option_spec send_options[] = {
	{ .name = "eof",
		.type = OPTION_FLAG,
		.offset = offsetof(struct send_values, eof),
		.summary = "and that was all: it reads the end then" },
	{ .name = "no-newline",
		.letter = 'n',
		.type = OPTION_FLAG,
		.offset = offsetof(struct send_values, bare),
		.summary = "each TEXT as it is, without a newline behind it" },
	{ .name = "timeout",
		.letter = 't',
		.type = OPTION_DURATION,
		.offset = offsetof(struct send_values, timeout_ns),
		.argument = "DURATION",
		.summary = "let it take no longer to read it" },
	{ .name = NULL },
};

const struct command command_send = {
	.name = "send",
	.operands = "ID [TEXT… | -]",
	.summary = "Send to a command's standard input",
	.help = "Each TEXT is a line of its own, with a newline behind it; \"-\" is standard input, as\n"
		"it is, until its end. The command must have live input (run --live, or a terminal),\n"
		"and sending waits until there is room in it. What a terminal makes of characters\n"
		"(Ctrl-D is an end there) it does here, too.",
	.options = send_options,
	.values_size = sizeof(struct send_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "an ID",
	.first = COMPLETE_ID,
	.run = run_send,
};
