/* What every submission can say: one table of options, of which submit and call take all, map and schedule add a part. */
#ifndef TASKCTL_SUBMISSION_H
#define TASKCTL_SUBMISSION_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "client/taskctl/command.h"
#include "client/taskd.h"
#include "proto/methods.h"

struct taskctl;

struct submission {
	/* everywhere */
	const char *queue;
	struct option_integer priority;
	int64_t timeout_ns;
	const char *tag;
	const char *expires;
	struct option_integer retries;
	struct option_integer backoff_ns;
	int64_t backoff_max_ns;
	struct option_number backoff_factor;
	struct option_number jitter;
	struct option_list retry_on;
	/* not a schedule's */
	int64_t wait_for_room_ns;
	/* one task's only */
	struct option_integer delay_ns;
	const char *at;
	struct option_list after;
	struct option_list after_any;
	bool pass_results;
	const char *key;
	int key_mode; /* 1 + index of submission_key_modes; 0: absent */
	/* not a map's */
	struct option_list locks;
	struct option_list shared_locks;
	struct option_list semaphores; /* "gpu", "gpu=2", "gpu=1/4" */
	bool durable, no_durable;
	int on_interrupt; /* 1 + index of submission_interrupts; 0: absent */
};

enum submission_key_mode { SUBMISSION_REJECT = 1, SUBMISSION_ATTACH, SUBMISSION_REPLACE, SUBMISSION_ONCE };
extern const char *const submission_outcomes[], *const submission_key_modes[], *const submission_interrupts[];

/* What was said, as members of a method's parameters. NULL: reported. */
json_t *submission_params(const struct taskctl *ctl, const struct submission *submission);
/* The same for the library, in OUT; it points into SUBMISSION. EXIT_FINE, or it has been reported. */
int submission_options(
	const struct taskctl *ctl, const struct submission *submission, bool detached, struct taskd_options *out);
/* Whether anything was said. */
bool submission_given(const struct submission *submission);
/* Whether anything was of what outlives the daemon. */
bool submission_says_durable(const struct submission *submission);

/* Their records, for a struct VALUES that has them as its member MEMBER. */
#define SUBMISSION_OPTION(VALUES, MEMBER, FIELD, NAME, TYPE, ARGUMENT, SUMMARY, ...)                                   \
	{ .name = NAME, .type = TYPE, .offset = offsetof(VALUES, MEMBER.FIELD), .argument = ARGUMENT,                  \
		.summary = SUMMARY, __VA_ARGS__ }

/* The letters are a command's own business: 0 is none. */
#define SUBMISSION_OPTIONS(VALUES, MEMBER) SUBMISSION_OPTIONS_WITH(VALUES, MEMBER, 't')
#define SUBMISSION_OPTIONS_WITH(VALUES, MEMBER, TIMEOUT_LETTER)                                                        \
	SUBMISSION_OPTION(VALUES, MEMBER, priority, "priority", OPTION_INTEGER, "N",                                   \
		"higher is more urgent; the default is 0", .letter = 'p', .min = INT32_MIN, .max = INT32_MAX),         \
	SUBMISSION_OPTION(VALUES, MEMBER, queue, "queue", OPTION_TEXT, "QUEUE", "instead of the task's own queue",     \
		.letter = 'Q', .complete = COMPLETE_QUEUE),                                                            \
	SUBMISSION_OPTION(VALUES, MEMBER, timeout_ns, "timeout", OPTION_DURATION, "DURATION",                          \
		"end it when it has run for so long: 30s, 1.5h", .letter = TIMEOUT_LETTER),                            \
	SUBMISSION_OPTION(VALUES, MEMBER, tag, "tag", OPTION_TEXT, "TAG",                                              \
		"a name to find it by: \"taskctl list --tag TAG\"", .letter = 0),                                      \
	SUBMISSION_OPTION(VALUES, MEMBER, expires, "expires", OPTION_TEXT, "WHEN",                                     \
		"give up what has not started by then: 10m, or a time", .letter = 0),                                  \
	SUBMISSION_OPTION(VALUES, MEMBER, retries, "retries", OPTION_INTEGER, "N",                                     \
		"try it so many times again where it fails (0)", .min = 0, .max = RETRIES_MAX),                        \
	SUBMISSION_OPTION(VALUES, MEMBER, backoff_ns, "backoff", OPTION_SPAN, "DURATION",                              \
		"wait so long before the second attempt (1s)", .letter = 0),                                           \
	SUBMISSION_OPTION(VALUES, MEMBER, backoff_factor, "backoff-factor", OPTION_NUMBER, "N",                        \
		"and so many times longer before each one after it (2)", .min = 1, .max = 1000),                       \
	SUBMISSION_OPTION(VALUES, MEMBER, backoff_max_ns, "backoff-max", OPTION_DURATION, "DURATION",                  \
		"but never longer than that (1h)", .letter = 0),                                                       \
	SUBMISSION_OPTION(VALUES, MEMBER, jitter, "jitter", OPTION_NUMBER, "N",                                        \
		"more or less by up to this part, 0 to 1 (0.1)", .min = 0, .max = 1),                                  \
	SUBMISSION_OPTION(VALUES, MEMBER, retry_on, "retry-on", OPTION_LIST, "OUTCOME",                                \
		"only after these: failed, timed_out, crashed (all)", .complete = COMPLETE_WORDS,                      \
		.words = submission_outcomes)

#define SUBMISSION_ROOM_OPTION(VALUES, MEMBER)                                                                         \
	SUBMISSION_OPTION(VALUES, MEMBER, wait_for_room_ns, "wait-for-room", OPTION_DURATION, "DURATION",              \
		"where the queue is full, wait so long for a place", .letter = 0)

/* What it must have before it starts. */
#define SUBMISSION_OBJECT_OPTIONS(VALUES, MEMBER)                                                                      \
	SUBMISSION_OPTION(VALUES, MEMBER, locks, "lock", OPTION_ITEMS, "NAME",                                         \
		"it has this lock from its start to its end", .complete = COMPLETE_LOCK),                              \
	SUBMISSION_OPTION(VALUES, MEMBER, shared_locks, "shared-lock", OPTION_ITEMS, "NAME",                           \
		"the same, together with others who share it", .complete = COMPLETE_LOCK),                             \
	SUBMISSION_OPTION(VALUES, MEMBER, semaphores, "semaphore", OPTION_ITEMS, "NAME[=N[/M]]",                       \
		"and permits of a semaphore: gpu; gpu=2; gpu=1/4: of four", .complete = COMPLETE_SEMAPHORE)

/* What becomes of it when the daemon dies. */
#define SUBMISSION_DURABLE_OPTIONS(VALUES, MEMBER)                                                                     \
	SUBMISSION_OPTION(VALUES, MEMBER, durable, "durable", OPTION_FLAG, NULL,                                       \
		"keep it on disk: it outlives the daemon", .letter = 0),                                               \
	SUBMISSION_OPTION(VALUES, MEMBER, no_durable, "no-durable", OPTION_FLAG, NULL,                                 \
		"do not, though its queue or the daemon would", .letter = 0),                                          \
	SUBMISSION_OPTION(VALUES, MEMBER, on_interrupt, "on-interrupt", OPTION_WORD, "WHAT",                           \
		"where the daemon dies while it runs: requeue, or crash", .complete = COMPLETE_WORDS,                  \
		.words = submission_interrupts)

#define SUBMISSION_TASK_OPTIONS(VALUES, MEMBER)                                                                        \
	SUBMISSION_WHEN_OPTIONS(VALUES, MEMBER, 'a'),                                                                  \
	SUBMISSION_OPTION(VALUES, MEMBER, pass_results, "pass-results", OPTION_FLAG, NULL,                             \
		"the results of --after's tasks, an array, as the last argument", .letter = 0),                        \
	SUBMISSION_KEY_OPTIONS(VALUES, MEMBER, 'k'),                                                                   \
	SUBMISSION_OBJECT_OPTIONS(VALUES, MEMBER),                                                                     \
	SUBMISSION_DURABLE_OPTIONS(VALUES, MEMBER)

#define SUBMISSION_WHEN_OPTIONS(VALUES, MEMBER, AFTER_LETTER)                                                          \
	SUBMISSION_OPTION(VALUES, MEMBER, delay_ns, "delay", OPTION_SPAN, "DURATION", "not before so long from now",   \
		.letter = 'd'),                                                                                        \
	SUBMISSION_OPTION(VALUES, MEMBER, at, "at", OPTION_TEXT, "TIME",                                               \
		"not before this time: 2027-01-31T18:00:00Z", .letter = 0),                                            \
	SUBMISSION_OPTION(VALUES, MEMBER, after, "after", OPTION_LIST, "ID",                                           \
		"when these tasks have succeeded; with commas", .letter = AFTER_LETTER, .complete = COMPLETE_ID),      \
	SUBMISSION_OPTION(VALUES, MEMBER, after_any, "after-any", OPTION_LIST, "ID",                                   \
		"when these have ended, however they did", .complete = COMPLETE_ID)

#define SUBMISSION_KEY_OPTIONS(VALUES, MEMBER, KEY_LETTER)                                                             \
	SUBMISSION_OPTION(VALUES, MEMBER, key, "key", OPTION_TEXT, "KEY",                                              \
		"one task of this key at a time", .letter = KEY_LETTER),                                               \
	SUBMISSION_OPTION(VALUES, MEMBER, key_mode, "key-mode", OPTION_WORD, "MODE",                                   \
		"where there is one: reject (default), attach, replace, once", .complete = COMPLETE_WORDS,             \
		.words = submission_key_modes)

#endif
