/* Which tasks: the options that list, history, watch, cancel, retry and forget share. */
#ifndef TASKCTL_FILTER_H
#define TASKCTL_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/taskctl/command.h"

struct filter {
	struct option_list states;
	const char *queue;
	const char *task;
	const char *tag;
	const char *user;
	const char *since;
};

/* All of them, and those of tasks that have ended. */
extern const char *const task_states[], *const task_end_states[];

/* Adds what was said to the parameters of a method. */
void filter_put(const struct filter *filter, json_t *params);
/* Whether anything was said. */
bool filter_given(const struct filter *filter);

#define FILTER_OPTIONS(VALUES, MEMBER)                                                                                 \
	{ .name = "state", .type = OPTION_LIST, .offset = offsetof(VALUES, MEMBER.states), .argument = "STATE",        \
		.summary = "only those in it; several times or with commas", .complete = COMPLETE_WORDS,               \
		.words = task_states },                                                                                \
	{ .name = "queue", .letter = 'Q', .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.queue),               \
		.argument = "QUEUE", .summary = "only those of this queue", .complete = COMPLETE_QUEUE },              \
	{ .name = "task", .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.task), .argument = "TASK",            \
		.summary = "only those of this name", .complete = COMPLETE_TASK },                                     \
	{ .name = "tag", .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.tag), .argument = "TAG",               \
		.summary = "only those with this tag" },                                                               \
	{ .name = "user", .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.user), .argument = "USER",            \
		.summary = "only those of this user, a name or a uid" },                                               \
	{ .name = "since", .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.since), .argument = "WHEN",          \
		.summary = "only those submitted since: 1h, or a time" }

#endif
