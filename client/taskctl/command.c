/* The table of commands and the options that they all take. Each command's record is in the file of its group. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "client/taskctl/command.h"
#include "client/taskctl/commands.h"
#include "proto/suggest.h"

const struct command *const commands[] = {
	&command_submit,
	&command_call,
	&command_map,
	&command_result,
	&command_wait,
	&command_status,
	&command_list,
	&command_cancel,
	&command_forget,
	&command_tasks,
	&command_queues,
	&command_pools,
	&command_workers,
	&command_stats,
	&command_ping,
	&command_reload,
	&command_shutdown,
	&command_completion,
	&command_help,
	NULL,
};

static const char *const color_words[] = { "auto", "always", "never", NULL };

const struct option_spec global_options[] = {
	{ .name = "socket", .letter = 's', .type = OPTION_TEXT, .offset = offsetof(struct global_values, socket),
		.argument = "SOCKET", .summary = "the daemon's socket (also: TASKD_SOCKET)", .complete = COMPLETE_FILE },
	{ .name = "json", .type = OPTION_FLAG, .offset = offsetof(struct global_values, json),
		.summary = "write JSON: one value, or one a line where it streams" },
	{ .name = "quiet", .letter = 'q', .type = OPTION_FLAG, .offset = offsetof(struct global_values, quiet),
		.summary = "no notes, hints or progress: only data and errors" },
	{ .name = "connect-timeout", .type = OPTION_DURATION, .offset = offsetof(struct global_values, connect_timeout_ns),
		.argument = "DURATION", .summary = "how long to try to reach the daemon (5s)" },
	{ .name = "color", .type = OPTION_WORD, .offset = offsetof(struct global_values, color), .argument = "WHEN",
		.summary = "auto (on a terminal, unless NO_COLOR is set), always, never",
		.complete = COMPLETE_WORDS, .words = color_words },
	{ .name = "help", .letter = 'h', .type = OPTION_FLAG, .offset = offsetof(struct global_values, help),
		.summary = "explain the command, or list all" },
	{ .name = "version", .letter = 'V', .type = OPTION_FLAG, .offset = offsetof(struct global_values, version),
		.summary = "say which version this is" },
	{ .name = NULL },
};

const struct command *command_find(const char *name)
{
	for (int i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

const char *command_suggest(const char *name)
{
	struct suggest suggest;

	suggest_begin(&suggest, name);
	for (int i = 0; commands[i]; i++)
		suggest_offer(&suggest, commands[i]->name);
	return suggest.best;
}
