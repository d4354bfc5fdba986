/* The store as requests meet it: whether something can be durable, what waits until all is loaded, answers that wait for
 * the disk, and questions to it. Everything is asked through durable/durable.h. */
#ifndef EDGE_STORE_H
#define EDGE_STORE_H

#include "edge/rpc.h"

struct store_answer;
struct store_query;
struct store_task;

/* --- store.c --- */
/* "ok", "loading", "none", …: as server.ping says it. */
const char *store_state(const struct edge *edge);
/* "store":{…}; FIGURES: as server.stats has it. */
void store_put(struct strbuf *out, const struct edge *edge, bool figures);
/* Some tasks may not be known yet. */
bool store_is_loading(const struct edge *edge);
/* Nothing is recorded any more. */
bool store_has_failed(const struct edge *edge);
/* False: there is no store, and that has been answered. */
bool call_has_store(const struct call *call);
/* Why no durable task that counts for so many bytes may come in now; -1: it may. */
int store_refusal(const struct edge *edge, size_t bytes);
/* The same for what SPEC would add, if it is durable and would add something. False: why not has been answered. */
bool store_takes(const struct reply_to *to, const struct task_spec *spec) __attribute__((warn_unused_result));
/* False: TASK's end will never be known, and that has been answered. */
bool store_lets_wait(const struct reply_to *to, const struct task *task) __attribute__((warn_unused_result));

/* --- loading.c --- */
/* Whether the request cannot be handled before all tasks are there: METHOD names or looks for some. */
bool loading_holds(enum method method, const struct json_span *params);

/* --- ask.c: questions to the store --- */
struct ask {
	struct request *request;
	const struct ask_kind *kind;
	uint64_t number;
	uint64_t id;       /* of a single task */
	struct strbuf out; /* what the rows made of it */
	bool is_error;     /* OUT is an error object, not a result */
	bool is_cut;       /* there was no room for all rows */
	size_t n_rows;
};
struct ask_kind {
	void (*row)(struct ask *ask, const struct store_task *task); /* NULL: there are none */
	/* Answers; OUT may be taken. ANSWER is no error. */
	void (*answer)(struct ask *ask, const struct reply_to *to, const struct store_answer *answer);
};
/* Asks, and answers CALL when the store has. */
void ask_store(const struct call *call, const struct store_query *query, const struct ask_kind *kind);
/* task.result and task.status of a task that memory has forgotten. */
void ask_result(const struct call *call, uint64_t id);
void ask_status(const struct call *call, uint64_t id);

/* --- stored.c --- */
/* The record of a row; RESULT: with its result where it succeeded. */
void stored_record(struct strbuf *out, const struct store_task *task, bool result);
/* The result's text, or (true) the error object of a task that has ended. */
bool stored_outcome(struct strbuf *out, const struct store_task *task);

#endif
