/* completion: prints the script for a shell, and the words that only the daemon knows. */
#include <stdio.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/completion.h"
#include "client/taskctl/taskctl.h"
#include "proto/suggest.h"

#define IDS_OFFERED 100

struct completion_values {
	int words;
};

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

enum words {
	WORDS_TASKS = 1,
	WORDS_IDS,
	WORDS_QUEUES,
	WORDS_POOLS,
	WORDS_SCHEDULES,
	WORDS_LOCKS,
	WORDS_SEMAPHORES,
	WORDS_EVENTS,
	WORDS_BARRIERS,
	WORDS_MQS,
};
static const char *const word_kinds[] = { "tasks", "ids", "queues", "pools", "schedules", "locks", "semaphores",
	"events", "barriers", "mqs", NULL };

const char *completion_words_name(enum complete complete)
{
	switch (complete) {
	case COMPLETE_TASK: return word_kinds[WORDS_TASKS - 1];
	case COMPLETE_ID: return word_kinds[WORDS_IDS - 1];
	case COMPLETE_QUEUE: return word_kinds[WORDS_QUEUES - 1];
	case COMPLETE_POOL: return word_kinds[WORDS_POOLS - 1];
	case COMPLETE_SCHEDULE: return word_kinds[WORDS_SCHEDULES - 1];
	case COMPLETE_LOCK: return word_kinds[WORDS_LOCKS - 1];
	case COMPLETE_SEMAPHORE: return word_kinds[WORDS_SEMAPHORES - 1];
	case COMPLETE_EVENT: return word_kinds[WORDS_EVENTS - 1];
	case COMPLETE_BARRIER: return word_kinds[WORDS_BARRIERS - 1];
	case COMPLETE_MQ: return word_kinds[WORDS_MQS - 1];
	case COMPLETE_NOTHING:
	case COMPLETE_FILE:
	case COMPLETE_COMMAND:
	case COMPLETE_PROGRAM:
	case COMPLETE_WORDS: return NULL;
	}
	return NULL;
}

static int print_words(struct taskctl *ctl, enum method method, json_t *params, const char *list, const char *key)
{
	json_t *answer, *record;
	size_t i;
	int status = taskctl_request(ctl, method, params, &answer);

	if (status != EXIT_FINE)
		return status;
	json_array_foreach(list ? json_object_get(answer, list) : answer, i, record)
		puts(json_string_value(json_object_get(record, key)));
	json_decref(answer);
	return EXIT_FINE;
}

static int run_words(struct taskctl *ctl, enum words words)
{
	switch (words) {
	case WORDS_TASKS:
		return print_words(ctl, METHOD_TASK_TYPES, NULL, NULL, "task");
	case WORDS_IDS:
		return print_words(ctl, METHOD_TASK_LIST, json_pack("{s:i}", "limit", IDS_OFFERED), "tasks", "id");
	case WORDS_QUEUES:
		return print_words(ctl, METHOD_QUEUE_LIST, NULL, NULL, "name");
	case WORDS_POOLS:
		return print_words(ctl, METHOD_POOL_LIST, NULL, NULL, "name");
	case WORDS_SCHEDULES:
		return print_words(ctl, METHOD_SCHEDULE_LIST, NULL, NULL, "name");
	case WORDS_LOCKS:
		return print_words(ctl, METHOD_LOCK_LIST, NULL, NULL, "name");
	case WORDS_SEMAPHORES:
		return print_words(ctl, METHOD_SEMAPHORE_LIST, NULL, NULL, "name");
	case WORDS_EVENTS:
		return print_words(ctl, METHOD_EVENT_LIST, NULL, NULL, "name");
	case WORDS_BARRIERS:
		return print_words(ctl, METHOD_BARRIER_LIST, NULL, NULL, "name");
	case WORDS_MQS:
		return print_words(ctl, METHOD_MQ_LIST, NULL, NULL, "name");
	}
	return EXIT_FINE;
}

static int run_completion(struct taskctl *ctl, const struct invocation *invocation)
{
	static void (*const scripts[])(void) = { completion_bash, completion_zsh, completion_fish };
	const struct completion_values *values = invocation->values;
	struct suggest suggest;
	char hint[64];

	if (values->words)
		return run_words(ctl, (enum words)values->words);
	if (invocation->n_operands == 0)
		return report_usage(ctl, "usage: taskctl completion bash|zsh|fish", "completion needs a SHELL");
	suggest_begin(&suggest, invocation->operands[0]);
	for (int i = 0; shells[i]; i++) {
		if (strcmp(shells[i], invocation->operands[0]) == 0) {
			scripts[i]();
			return EXIT_FINE;
		}
		suggest_offer(&suggest, shells[i]);
	}
	if (suggest.best)
		snprintf(hint, sizeof hint, "did you mean %s?", suggest.best);
	return report_usage(ctl, suggest.best ? hint : "it is there for bash, zsh and fish", "no completion for \"%s\"",
		invocation->operands[0]);
}

static const struct option_spec options[] = {
	{ .name = "words", .type = OPTION_WORD, .offset = offsetof(struct completion_values, words), .argument = "KIND",
		.summary = "print the daemon's words, as the scripts ask for them", .complete = COMPLETE_WORDS,
		.words = word_kinds },
	{ .name = NULL },
};

const struct command command_completion = {
	.name = "completion",
	.operands = "SHELL",
	.summary = "Print a completion script for bash, zsh or fish",
	.help = "For the shell that runs:  source <(taskctl completion bash)\n"
		"                          source <(taskctl completion zsh)\n"
		"                          taskctl completion fish | source",
	.options = options,
	.values_size = sizeof(struct completion_values),
	.max_operands = 1,
	.first = COMPLETE_WORDS,
	.words = shells,
	.run = run_completion,
};
