/* What every submission can say, shared by submit, call and map. */
#ifndef TASKCTL_SUBMISSION_H
#define TASKCTL_SUBMISSION_H

#include <stddef.h>
#include <stdint.h>

#include "client/taskctl/command.h"
#include "client/taskd.h"

struct submission {
	const char *queue;
	struct option_integer priority;
	int64_t timeout_ns;
	const char *tag;
};

static inline struct taskd_options submission_options(const struct submission *submission, bool detached)
{
	return (struct taskd_options){
		.queue = submission->queue,
		.priority = (int)submission->priority.value,
		.timeout_ns = submission->timeout_ns,
		.tag = submission->tag,
		.detached = detached,
	};
}

/* Their records, for a struct VALUES that has them as its member MEMBER. */
#define SUBMISSION_OPTIONS(VALUES, MEMBER)                                                                             \
	{ .name = "priority", .letter = 'p', .type = OPTION_INTEGER, .offset = offsetof(VALUES, MEMBER.priority),      \
		.argument = "N", .summary = "higher is more urgent; the default is 0", .min = INT32_MIN,               \
		.max = INT32_MAX },                                                                                    \
	{ .name = "queue", .letter = 'Q', .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.queue),               \
		.argument = "QUEUE", .summary = "instead of the task's own queue", .complete = COMPLETE_QUEUE },       \
	{ .name = "timeout", .letter = 't', .type = OPTION_DURATION, .offset = offsetof(VALUES, MEMBER.timeout_ns),    \
		.argument = "DURATION", .summary = "end it when it has run for so long: 30s, 1.5h" },                  \
	{ .name = "tag", .type = OPTION_TEXT, .offset = offsetof(VALUES, MEMBER.tag), .argument = "TAG",               \
		.summary = "a name to find it by: \"taskctl list --tag TAG\"" }

#endif
