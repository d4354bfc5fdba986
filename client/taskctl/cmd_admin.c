/* reload and shutdown: for whoever runs the daemon. */
#include <stdio.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct shutdown_values {
	bool now;
};

static void print_keys(const json_t *keys, const char *what, FILE *out)
{
	size_t i;
	json_t *key;

	json_array_foreach(keys, i, key)
		fprintf(out, "%s%s", i > 0 ? ", " : what, json_string_value(key));
}

static int run_reload(struct taskctl *ctl, const struct invocation *invocation)
{
	json_t *answer, *changed, *restart;
	char text[4096] = "";
	FILE *out;
	int status = taskctl_request(ctl, METHOD_SERVER_RELOAD, NULL, &answer);

	(void)invocation;
	if (status != EXIT_FINE)
		return status;
	changed = json_object_get(answer, "changed");
	restart = json_object_get(answer, "needs_restart");
	out = must(fmemopen(text, sizeof text, "w"));
	if (json_array_size(changed) > 0)
		print_keys(changed, "changed: ", out);
	else
		fputs("reloaded: nothing has changed", out);
	fclose(out);
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, answer, text);
	if (json_array_size(restart) > 0) {
		out = must(fmemopen(text, sizeof text, "w"));
		print_keys(restart, "", out);
		fclose(out);
		report_note(ctl, "needs a restart: %s", text);
	}
	json_decref(answer);
	return EXIT_FINE;
}

static int run_shutdown(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct shutdown_values *values = invocation->values;
	json_t *answer;
	int status = taskctl_request(ctl, METHOD_SERVER_SHUTDOWN, must(json_pack("{s:b}", "now", (int)values->now)), &answer);

	if (status != EXIT_FINE)
		return status;
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, answer,
			values->now ? "taskd is stopping" : "taskd is stopping, when what it has accepted has ended");
	json_decref(answer);
	return EXIT_FINE;
}

static const struct option_spec shutdown_options[] = {
	{ .name = "now", .type = OPTION_FLAG, .offset = offsetof(struct shutdown_values, now),
		.summary = "do not wait for what was accepted" },
	{ .name = NULL },
};

const struct command command_reload = {
	.name = "reload",
	.operands = "",
	.summary = "Let the daemon read its configuration again",
	.help = "Says which keys have changed, and which would need a restart. A configuration with\n"
		"an error is refused as a whole, and the old one stays.",
	.run = run_reload,
};

const struct command command_shutdown = {
	.name = "shutdown",
	.operands = "",
	.summary = "Stop the daemon",
	.help = "It takes nothing more and ends when what it has accepted has ended, or when its\n"
		"time for that is over.",
	.options = shutdown_options,
	.values_size = sizeof(struct shutdown_values),
	.run = run_shutdown,
};
