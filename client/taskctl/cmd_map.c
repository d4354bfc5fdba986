/* map: one task for many items, as many at once as the workers take. The items are the words after ":::", else the
 * lines of standard input, read as they are wanted, so that a million of them need no memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/progress.h"
#include "client/taskctl/submission.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct map_values {
	struct submission submission;
	struct option_integer chunk;
	struct option_integer in_flight;
	bool unordered;
	bool fail_fast;
	bool raw;
};

struct mapping {
	struct taskctl *ctl;
	char **words; /* NULL: the lines of standard input */
	int n_words;
	char *line; /* getline's */
	size_t line_size;
	char *item; /* what next has handed out last */
	size_t given, done, failed;
	bool fail_fast;
	bool bad_item; /* an item that cannot be sent; it has been reported */
	int status;
};

/* The next word or line; NULL at the end. */
static char *next_word(struct mapping *map)
{
	ssize_t length;

	if (map->words)
		return map->given < (size_t)map->n_words ? map->words[map->given] : NULL;
	length = getline(&map->line, &map->line_size, stdin);
	if (length < 0)
		return NULL;
	if (length > 0 && map->line[length - 1] == '\n')
		map->line[--length] = '\0';
	if (strlen(map->line) != (size_t)length) {
		report_usage(map->ctl, NULL, "line %zu of standard input has a NUL byte", map->given + 1);
		map->bad_item = true;
		return NULL;
	}
	return map->line;
}

static const char *map_next(void *user, size_t *length)
{
	struct mapping *map = user;
	char *word = map->bad_item ? NULL : next_word(map);

	if (!word) {
		progress_total(map->given);
		return NULL;
	}
	free(map->item);
	map->item = argument_json(map->ctl, word, false);
	if (!map->item) {
		map->bad_item = true;
		return NULL;
	}
	map->given++;
	*length = strlen(map->item);
	return map->item;
}

static bool map_result(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	struct mapping *map = user;

	map->done++;
	if (failure) {
		int status = report_item(map->ctl, index, failure);

		if (map->failed++ == 0)
			map->status = status;
	} else {
		map->ctl->writer->ops->item(map->ctl->writer, index, result, length);
	}
	progress_step(map->done, map->failed);
	return !(failure && map->fail_fast);
}

/* What is wrong with all items (no such task, a full queue, a lost connection) has its own status; where some went well,
 * the others are failed tasks. */
static int map_ended(const struct mapping *map, enum taskd_error error)
{
	int status = map->failed == map->done ? map->status : EXIT_FAILED;
	const char *text;

	progress_end();
	if (map->bad_item)
		return EXIT_USAGE;
	if (map->failed > 0)
		report_note(map->ctl, "%zu of %zu items failed", map->failed, map->done);
	else if (error != TASKD_OK)
		return report_library(map->ctl, error, taskd_last_error(&text) == error ? text : NULL);
	if (map->failed > 0 && exit_status_of(error) == EXIT_UNREACHABLE)
		return EXIT_UNREACHABLE;
	return map->failed > 0 ? status : EXIT_FINE;
}

static int run_map(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct map_values *values = invocation->values;
	struct mapping map = { .ctl = ctl, .fail_fast = values->fail_fast };
	struct taskd_map_options options = {
		.in_flight = (size_t)values->in_flight.value,
		.chunk = (size_t)values->chunk.value,
		.unordered = values->unordered,
	};
	enum taskd_error error;
	int status;

	if (invocation->n_operands > 1) {
		if (strcmp(invocation->operands[1], ":::") != 0)
			return report_usage(ctl, "taskctl map TASK ::: A B C, or the items as lines on standard input",
				"map: the items go after \":::\"");
		map.words = invocation->operands + 2;
		map.n_words = invocation->n_operands - 2;
	}
	status = submission_options(ctl, &values->submission, false, &options.task);
	if (status == EXIT_FINE)
		status = taskctl_connect(ctl);
	if (status != EXIT_FINE)
		return status;
	ctl->writer->raw = values->raw;
	interrupt_says(ctl, "interrupted: what has not ended is cancelled");
	if (!ctl->quiet && !ctl->json)
		progress_begin((size_t)map.n_words);
	progress_step(0, 0);
	error = taskd_map(ctl->connection, invocation->operands[0], map_next, map_result, &map, &options, TASKD_FOREVER);
	status = map_ended(&map, error);
	free(map.line);
	free(map.item);
	return status;
}

static const struct option_spec options[] = {
	{ .name = "chunk", .letter = 'c', .type = OPTION_INTEGER, .offset = offsetof(struct map_values, chunk),
		.argument = "N", .summary = "items that travel and run together (1)", .min = 1, .max = 1000000 },
	{ .name = "in-flight", .letter = 'j', .type = OPTION_INTEGER, .offset = offsetof(struct map_values, in_flight),
		.argument = "N", .summary = "at most so many items on their way (1024, or 16 chunks)", .min = 1,
		.max = 10000000 },
	{ .name = "unordered", .letter = 'u', .type = OPTION_FLAG, .offset = offsetof(struct map_values, unordered),
		.summary = "print results as they come" },
	{ .name = "fail-fast", .type = OPTION_FLAG, .offset = offsetof(struct map_values, fail_fast),
		.summary = "stop at the first item that fails; else the others go on" },
	SUBMISSION_OPTIONS(struct map_values, submission),
	SUBMISSION_ROOM_OPTION(struct map_values, submission),
	{ .name = "raw", .letter = 'r', .type = OPTION_FLAG, .offset = offsetof(struct map_values, raw),
		.summary = "print results that are strings without their quotes" },
	{ .name = NULL },
};

const struct command command_map = {
	.name = "map",
	.operands = "TASK [::: ITEM…]",
	.summary = "Run a task for each of many items and print the results in order",
	.help = "The items are the words after :::, or else the lines of standard input. Each is\n"
		"the task's one argument: JSON if it parses as JSON, else a string. Results are\n"
		"printed one a line. An item that fails says so on standard error, the others go\n"
		"on, and the exit status at the end is 1 (where all fail, that of the first error).\n"
		"With --json each line is {\"index\":N,\"result\":…}, counted from 0. On a terminal a\n"
		"bar shows how far it is. Ctrl-C cancels what has not ended.",
	.options = options,
	.values_size = sizeof(struct map_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a TASK",
	.separator = ":::",
	.first = COMPLETE_TASK,
	.rest = COMPLETE_FILE,
	.run = run_map,
};
