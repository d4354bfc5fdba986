/* The table of commands and the options that they all take. Each command's record is in the file of its group. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/taskctl/command.h"
#include "client/taskctl/commands.h"
#include "proto/suggest.h"

const struct command *const commands[] = {
	&command_submit,
	&command_call,
	&command_map,
	&command_run,
	&command_result,
	&command_wait,
	&command_status,
	&command_list,
	&command_history,
	&command_watch,
	&command_log,
	&command_send,
	&command_signal_record,
	&command_suspend,
	&command_continue,
	&command_cancel,
	&command_retry,
	&command_forget,
	&command_schedule_add,
	&command_schedule_list,
	&command_schedule_remove,
	&command_lock,
	&command_semaphore,
	&command_event_wait,
	&command_event_set,
	&command_event_clear,
	&command_event_is_set,
	&command_barrier,
	&command_mq_put,
	&command_mq_get,
	&command_mq_peek,
	&command_mq_len,
	&command_mq_list,
	&command_mq_create,
	&command_mq_delete,
	&command_mq_clear,
	&command_mq_join,
	&command_mq_task_done,
	&command_locks,
	&command_queues,
	&command_pause,
	&command_resume,
	&command_drain,
	&command_queue_add,
	&command_queue_set,
	&command_queue_remove,
	&command_pools,
	&command_resize,
	&command_tasks,
	&command_workers,
	&command_stats,
	&command_ping,
	&command_whoami,
	&command_store_stats,
	&command_store_check,
	&command_store_backup,
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
	{ .name = "reconnect", .type = OPTION_SPAN, .offset = offsetof(struct global_values, reconnect_ns),
		.argument = "DURATION", .summary = "how long to try again when the connection is lost (30s)" },
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

const char *command_word(const struct command *command)
{
	return command->group ? command->name + strlen(command->group) + 1 : command->name;
}

static bool is_of_group(const struct command *command, const char *group)
{
	return command->group && strcmp(command->group, group) == 0;
}

bool command_begins_group(int index)
{
	const char *group = commands[index]->group;

	return group && (index == 0 || !is_of_group(commands[index - 1], group));
}

const char *command_find_group(const char *name)
{
	for (int i = 0; commands[i]; i++)
		if (is_of_group(commands[i], name))
			return commands[i]->group;
	return NULL;
}

void command_group_words(const char *group, char *buf, size_t size)
{
	int length = 0;

	*buf = '\0';
	for (int i = 0; commands[i] && length < (int)size; i++)
		if (is_of_group(commands[i], group))
			length += snprintf(buf + length, size - (size_t)length, "%s%s", length > 0 ? "|" : "",
				command_word(commands[i]));
}

const char *command_suggest(const char *group, const char *name)
{
	struct suggest suggest;

	suggest_begin(&suggest, name);
	for (int i = 0; commands[i]; i++) {
		if (!group)
			suggest_offer(&suggest, commands[i]->group ? commands[i]->group : commands[i]->name);
		else if (is_of_group(commands[i], group))
			suggest_offer(&suggest, command_word(commands[i]));
	}
	return suggest.best;
}
