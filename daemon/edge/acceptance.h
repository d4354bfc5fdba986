/* What a submission is answered with: at once, or, where some of its tasks are durable, when they are on disk. */
#ifndef EDGE_ACCEPTANCE_H
#define EDGE_ACCEPTANCE_H

#include "edge/many.h"

enum acceptance_form {
	ACCEPTANCE_TASK,    /* {"id":…,"state":…} */
	ACCEPTANCE_BATCH,   /* {"tasks":[…]} */
	ACCEPTANCE_RETRIES, /* [{"id":…,"retried_as":…}…] */
};
struct acceptance;
/* One task of it. Zeroed, then: */
struct acceptance_item {
	uint64_t of;    /* ACCEPTANCE_RETRIES: the task whose retry it is */
	char *label;    /* malloc'ed; NULL: none */
	char *error;    /* malloc'ed: an error object instead of a task; NULL: none */
	/* acceptance.c's own: */
	bool duplicate;
	bool watch;
	struct acceptance *acceptance;
	struct task *task; /* waited for; NULL: that is over */
	struct task_waiter waiter;
	uint64_t id;
	const char *state;
	bool disk;
	bool refused;
};
/* Of N tasks. */
struct acceptance *acceptance_new(enum acceptance_form form, size_t n);
/* The INDEXth, before its task is known. They are made one after the other. */
struct acceptance_item *acceptance_item(struct acceptance *acceptance, size_t index);
/* The INDEXth, which TASK is; NULL where there is none but an error. DUPLICATE: it was there before. */
struct acceptance_item *acceptance_set(struct acceptance *acceptance, size_t index, struct task *task, bool duplicate);
/* Of one of these: WATCH: task.finished is to follow. */
void acceptance_watch(struct acceptance *acceptance, struct acceptance_item *item, bool watch);
/* Answers, now or later. Takes over ACCEPTANCE. */
void acceptance_send(struct acceptance *acceptance, const struct reply_to *to);
/* The same for a request that is there already. */
void acceptance_wait(struct acceptance *acceptance, struct request *request);
/* Nobody is to hear of it. PEER pays for that. */
void acceptance_drop(struct acceptance *acceptance, struct edge *edge, const struct peer *peer);

#endif
