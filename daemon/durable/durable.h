/* What of the core outlives the daemon: turns what the core records (core_ops.record and others) into operations of the
 * store, and what the store loads into tasks, queues and schedules again; knows who waits for the disk, and what
 * starts only after it. One thread. The core's ops reach it through daemon/ops.c. */
#ifndef DURABLE_DURABLE_H
#define DURABLE_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/client.h"

struct config;
struct core;
struct core_queue;
struct core_schedule;
struct core_slot;
struct durable;
struct pools;
struct task;
enum core_record;

/* What durable_new needs; borrowed for as long as it lives. */
struct durable_host {
	struct core *core;
	struct pools *pools;   /* queues of before are made by pools_queue_create; tasks start by pools_op_start */
	void *context;
	/* The store has changed its state: for the log, STATUS, READY. TEXT may be NULL. */
	void (*changed)(void *context, enum store_state state, const char *text);
};
struct durable_options {
	const char *directory; /* the state directory, absolute; made where it is not there (its parent is) */
	const char *program;   /* NULL: as store_client_options has it */
};
struct durable *durable_new(const struct durable_host *host, const struct durable_options *options,
	const struct config *config);
/* Begins to open the store: durable_is_open says when that is done, or durable_failure why not. -1 with *error (malloc'ed)
 * where it cannot even be started. Before, nothing but durable_free, and what reports, may be called. ALIVE_FD: lock.h's,
 * borrowed; -1 in tests. */
int durable_open(struct durable *durable, int alive_fd, char **error) __attribute__((warn_unused_result));
void durable_free(struct durable *durable);
/* The store has been opened, queues and schedules of before are there, and ids can be given out; the tasks are loaded by
 * and by. Nothing may be submitted before. */
bool durable_is_open(const struct durable *durable);
/* Why it was not opened: for people, and then the daemon does not start; NULL: it was, or will be. */
const char *durable_failure(const struct durable *durable);
bool durable_is_loading(const struct durable *durable);
void durable_configure(struct durable *durable, const struct config *config);

/* Whether a submission is durable: what it says itself (-1: nothing), else its queue; else, SUBMIT: it is a task.submit, a
 * batch's or a schedule's, which are; a call is not. DURABLE NULL: nothing is. */
bool durable_wanted(const struct durable *durable, const struct core_queue *queue, int said, bool submit);
/* Whether a durable task that counts for so many bytes may come in now: DURABLE_YES, or why not. Where something waits to be
 * written, none takes more than half of the room that is left for more: so the small find some whatever the large do. */
enum durable_answer { DURABLE_YES, DURABLE_STORE_FULL, DURABLE_STORE_FAILED, DURABLE_STORE_BEHIND };
enum durable_answer durable_may_submit(const struct durable *durable, size_t bytes);
/* What a queue says of it: -1: nothing, 0, 1. */
void durable_queue_set(struct durable *durable, struct core_queue *queue, int said);
int durable_queue_get(const struct durable *durable, const struct core_queue *queue);

/* What the core's ops of the same names call. */
void durable_record(struct durable *durable, struct task *task, enum core_record what, bool more);
void durable_met(struct durable *durable, const struct task *task, size_t index);
void durable_queue_changed(struct durable *durable, struct core_queue *queue, bool gone);
void durable_schedule_changed(struct durable *durable, const struct core_schedule *schedule, bool run, bool gone);
/* Before TASK, durable or not, is given to its slot. True: that has to be on disk first, or lies behind such in its slot;
 * pools_op_start is called here when it is: until then it is as if it lay in the lane untaken. False: go on. */
bool durable_holds_start(struct durable *durable, struct core_slot *slot, struct task *task);
/* TASK is held so: then it is not any more, and it never ran. */
bool durable_revoke_start(struct durable *durable, struct task *task);
/* TASK is held so. */
bool durable_is_held(const struct durable *durable, const struct task *task);
/* Numbers were given out that are not reserved on disk yet: nothing that may name them is to leave until they are, which a
 * turn says; but not for long. */
bool durable_holds_answers(struct durable *durable);

/* Questions to the store; see store_client_ask. */
uint64_t durable_ask(struct durable *durable, const struct store_query *query, store_found *found, store_answered *answered,
	void *user);
void durable_unask(struct durable *durable, uint64_t number);

/* For server.ping, server.info, server.stats and STATUS. */
struct durable_figures {
	enum store_state state;
	const char *text;   /* why it is not "ok"; NULL */
	const char *directory;
	bool loading;
	uint64_t loaded, to_load;   /* tasks that have not ended */
	uint64_t recovered, interrupted; /* tasks: that were there, and of those the ones that ran */
	size_t backlog;     /* bytes that wait for the disk */
	uint64_t committed; /* operations, by this daemon */
	uint64_t respawns;
	int pid;
};
void durable_figures(const struct durable *durable, struct durable_figures *out);

/* --- the loop: as of store/client.h --- */
bool durable_turn(struct durable *durable);
int64_t durable_next_ns(const struct durable *durable);
int durable_doorbell_fd(const struct durable *durable);
int durable_process_fd(const struct durable *durable);
int durable_process_pid(const struct durable *durable); /* whose descriptor that is; 0: there is none */
bool durable_sleep(struct durable *durable);
void durable_wake(struct durable *durable);
/* Durable tasks that have not started are not started any more. */
void durable_drain(struct durable *durable);
/* Writes the numbers down, commits, and ends the store; durable_is_gone when that is over. Nothing is recorded any more
 * after it. */
void durable_stop(struct durable *durable);
bool durable_is_gone(const struct durable *durable);

#endif
