/* The parts of mq put and get, and what they have in common with the rest of mq. */
#ifndef TASKCTL_MQ_H
#define TASKCTL_MQ_H

#include <jansson.h>

#include "client/taskctl/command.h"
#include "proto/json_scan.h"
#include "proto/methods.h"

struct taskctl;
struct taskd_future;

/* What a queue is to be like: said by the first put, or by mq create. */
struct mq_kind {
	int order; /* 1 + index of mq_orders; 0: not said */
	struct option_integer limit_count;
	struct option_integer limit_bytes;
};
extern const char *const mq_orders[];

/* {"name": …}, and what PARAMS may have besides. */
json_t *mq_params(const struct invocation *invocation);
void mq_put_kind(json_t *params, const struct mq_kind *kind);
void mq_put_timeout(json_t *params, const struct option_integer *timeout_ns);
/* The member NAME of an answer; JSON_NONE where there is none. */
struct json_span mq_member(const struct json_span *answer, const char *name);
/* A message: its value, or with --json all of the members of MESSAGE but its receipt. */
void mq_print(struct taskctl *ctl, const struct json_span *message);

#define MQ_OPTION(VALUES, FIELD, NAME, TYPE, ARGUMENT, SUMMARY, ...)                                 \
	{                                                                                            \
		.name = NAME, .type = TYPE, .offset = offsetof(VALUES, FIELD), .argument = ARGUMENT, \
		.summary = SUMMARY, __VA_ARGS__                                                      \
	}
#define MQ_KIND_OPTIONS(VALUES, MEMBER)                                                                    \
	MQ_OPTION(VALUES, MEMBER.order, "order", OPTION_WORD, "ORDER", "fifo (default), lifo or priority", \
		.complete = COMPLETE_WORDS, .words = mq_orders),                                           \
		MQ_OPTION(VALUES, MEMBER.limit_count, "limit-count", OPTION_INTEGER, "N",                  \
			"a put waits while so many messages are in it; 0: no limit", .max = INT64_MAX),    \
		MQ_OPTION(VALUES, MEMBER.limit_bytes, "limit-bytes", OPTION_SIZE, "SIZE",                  \
			"a put waits while so many bytes are in it: 64M; 0: no limit", .letter = 0)
#define MQ_TIMEOUT_OPTION(VALUES, MEMBER, SUMMARY) \
	MQ_OPTION(VALUES, MEMBER, "timeout", OPTION_SPAN, "DURATION", SUMMARY, .letter = 't')

#endif
