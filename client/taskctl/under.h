/* A command under something that is held meanwhile: what lock and semaphore have in common. */
#ifndef TASKCTL_UNDER_H
#define TASKCTL_UNDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/taskctl/command.h"
#include "proto/methods.h"

struct taskctl;

struct under_values {
	struct option_integer timeout_ns;
	bool no_wait;
	struct option_integer conflict_status;
	bool verbose;
	bool kill;
	bool keep;
	bool task;
	bool release;
};

/* What kind of thing is held. */
struct under_kind {
	const char *noun; /* "lock" */
	enum method acquire, release, list;
};

/* Acquires what PARAMS say, which are taken over: "name", and what else METHOD acquire takes. Runs COMMAND (ends with NULL)
 * under it, and releases it; COMMAND empty, with --task: the task holds it. The exit status is the command's; where a
 * signal has killed that, this does not return, but ends us by the same. */
int under_run(struct taskctl *ctl, const struct under_kind *kind, const struct under_values *values, json_t *params,
	char *const *command);

/* --- under_command.c --- */
struct under_grant {
	const char *noun, *name;
	int64_t fence;
	bool holder_died;
};
/* Runs COMMAND while GRANT is held by the connection, which is watched meanwhile: what is lost is told at once. The exit
 * status; *killed is the signal that has killed it, or 0. */
int under_command(struct taskctl *ctl, const struct under_grant *grant, const struct under_values *values,
	char *const *command, int *killed);

#define UNDER_OPTION(VALUES, MEMBER, FIELD, NAME, TYPE, ARGUMENT, SUMMARY, ...)                             \
	{                                                                                                   \
		.name = NAME, .type = TYPE, .offset = offsetof(VALUES, MEMBER.FIELD), .argument = ARGUMENT, \
		.summary = SUMMARY, __VA_ARGS__                                                             \
	}
#define UNDER_OPTIONS(VALUES, MEMBER)                                                                                \
	UNDER_OPTION(VALUES, MEMBER, timeout_ns, "timeout", OPTION_SPAN, "DURATION",                                 \
		"wait no longer than that (exit status 124)", .letter = 't'),                                        \
		UNDER_OPTION(                                                                                        \
			VALUES, MEMBER, no_wait, "no-wait", OPTION_FLAG, NULL, "do not wait at all", .letter = 'n'), \
		UNDER_OPTION(VALUES, MEMBER, conflict_status, "conflict-status", OPTION_INTEGER, "N",                \
			"this exit status where it was not to be had in time", .letter = 'E', .max = 255),           \
		UNDER_OPTION(VALUES, MEMBER, verbose, "verbose", OPTION_FLAG, NULL, "say for whom it waits",         \
			.letter = 'v'),                                                                              \
		UNDER_OPTION(VALUES, MEMBER, kill, "kill", OPTION_FLAG, NULL,                                        \
			"where it is lost, because taskd has gone, end COMMAND by SIGTERM", .letter = 0),            \
		UNDER_OPTION(VALUES, MEMBER, keep, "keep", OPTION_FLAG, NULL,                                        \
			"COMMAND goes on where taskctl is killed by SIGKILL", .letter = 0),                          \
		UNDER_OPTION(VALUES, MEMBER, task, "task", OPTION_FLAG, NULL,                                        \
			"within a task, without COMMAND: that task holds it until it ends", .letter = 0),            \
		UNDER_OPTION(VALUES, MEMBER, release, "release", OPTION_FLAG, NULL,                                  \
			"with --task: it has done what it held it for", .letter = 0)

#endif
