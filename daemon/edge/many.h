/* What concerns many tasks, and takes some turns: cancelling, retrying, forgetting all that a filter matches. */
#ifndef EDGE_MANY_H
#define EDGE_MANY_H

#include "edge/rpc.h"

#define TERMINAL_STATES (TASK_STATE_BIT(TASK_N_STATES) - TASK_STATE_BIT(TASK_SUCCEEDED))
#define ALL_STATES (TASK_STATE_BIT(TASK_N_STATES) - 1)

struct many;

/* What is done with them. */
struct action {
	unsigned states; /* only tasks in these are concerned */
	/* With one of those. */
	void (*act)(struct many *many, struct task *task);
	/* The answer's members. */
	void (*tell)(const struct many *many, struct strbuf *out);
};

/* A retry that is durable counts when it is on disk. */
struct recorded {
	struct task_waiter waiter;
	struct many *many;
	LIST_ENTRY(recorded) link;
};

struct many {
	const struct action *action;
	struct request *request; /* NULL: in its first turn */
	enum method method;
	struct cancel_params params; /* the filter points into them */
	struct task_filter filter;
	struct task_walk walk;
	uint64_t newest;
	size_t matched;
	size_t done;
	size_t begun;                   /* cancelled, but not over yet */
	bool fresh;                     /* has had its share of this turn */
	bool over;                      /* all tasks have been looked at; off the list */
	LIST_HEAD(, recorded) recorded; /* retries that are not on disk yet */
	struct strbuf error;            /* the first reason why one could not be retried; an error object */
	STAILQ_ENTRY(many) link;        /* edge->manies */
};

/* It is waited for no more: off the list. rpc_retry.c's. */
void recorded_free(struct recorded *recorded);
/* Does ACTION to all that PARAMS match, and answers. The first slice is done at once. Takes over PARAMS. */
void many_begin(const struct call *call, struct cancel_params *params, const struct action *action);
/* Answers when all have been looked at, and nothing is waited for any more. */
void many_answer_if_done(struct many *many);
/* Whether it is said in one way which tasks are meant; false: the error has been answered. */
bool many_is_one_way(const struct call *call, const struct cancel_params *params);

#endif
