/* The master's side of the store: starts taskd-store, keeps every operation until it is on disk, and tells when it is.
 * One thread, never blocks. Knows nothing of tasks but their ids.
 *
 *   closed ──open──▶ opening ──(STORE_OPENED)──▶ working ◀──▶ full
 *      opening, working, full ──(the process dies)──▶ respawning ──▶ opening (all that was not committed is sent again)
 *      any ──(STORE_FAILED, refused at opening, died too often without committing anything)──▶ failed, for good
 *      any ──store_client_stop──▶ stopping ──(the process has gone)──▶ closed
 *
 * A death does not count among those in a row after ten seconds of work. Where the disk is so full that a store cannot even be
 * opened again, the state is full, and that is tried each second. */
#ifndef STORE_CLIENT_H
#define STORE_CLIENT_H

#include "store/record.h"

struct store_client;

enum store_state {
	STORE_CLOSED,
	STORE_OPENING,    /* also while it is being started again */
	STORE_WORKING,
	STORE_FULL,       /* as working, but new tasks are refused; what else there is is tried again each second */
	STORE_BROKEN,     /* failed */
	STORE_STOPPING,
};
const char *store_state_name(enum store_state state); /* "closed", "opening", "ok", "full", "failed", "stopping" */

/* Called from store_client_turn only. They may put operations; they must not free the client. */
struct store_events {
	void *context;
	/* Once, after the first opening; what was loaded comes after it. A refusal (status is neither FINE nor ASIDE) is told
	 * here, too, and the client has failed then. */
	void (*opened)(void *context, const struct store_opened *opened);
	void (*row)(void *context, const struct store_row *row);
	void (*loaded)(void *context);
	/* All operations up to SEQ are on disk. */
	void (*committed)(void *context, uint64_t seq);
	/* A STORE_TASK_PUT has been given up, since the disk is full or the store has failed, and with it all other operations about that task.
	 * Those of a chain are told one after the other. */
	void (*refused)(void *context, uint64_t id, enum store_state why);
	/* Its state has changed; TEXT says why, for people; may be NULL. */
	void (*changed)(void *context, enum store_state state, const char *text);
};
struct store_client_options {
	const char *program;   /* NULL: taskd-store beside taskd, or in libexec, or what $TASKD_STORE names */
	struct store_open open; /* copied; version is filled in */
	int alive_fd;          /* becomes STORE_ALIVE_FD; borrowed; -1: none */
	bool core_dumps;       /* its process may leave one */
	size_t backlog_limit;  /* bytes that may wait to be committed before store_client_has_room says no */
};
/* NULL with errno set. */
struct store_client *store_client_new(const struct store_client_options *options, const struct store_events *events);
/* What was not committed is forgotten here; the process ends by itself. */
void store_client_free(struct store_client *client);
/* Asks for what lives: `row` for each, then `loaded`. Once, after `opened`. */
void store_client_load(struct store_client *client);
enum store_state store_client_state(const struct store_client *client);

/* Adds an operation (copied) that the store will commit; its sequence number. CHAINED: the next one belongs to it. 0, and nothing is
 * kept: the client has failed or was told to stop, or there is no memory for so large a one. Numbers that were given out and
 * are not committed any more, since their task was refused, are passed by: `committed` of a later one counts for them. */
uint64_t store_client_put(struct store_client *client, enum store_message message, uint64_t id, const void *body, bool chained);
/* Whether a new task may come in: its state is opening or working, and no more waits than backlog_limit. */
bool store_client_has_room(const struct store_client *client);
/* The last number that was given out, and the last that is on disk. */
uint64_t store_client_last(const struct store_client *client);
uint64_t store_client_committed(const struct store_client *client);
size_t store_client_backlog(const struct store_client *client); /* bytes that wait */

/* A question; ANSWERED is called from store_client_turn, once, with rows (FOUND, may be NULL) before it. Where the store dies meanwhile it
 * is asked again after its return; where it fails, or the client is freed, ANSWERED gets STORE_ANSWER_ERROR. Returns a
 * number to take the question back by (neither is called then). */
typedef void store_found(void *user, const struct store_task *task);
typedef void store_answered(void *user, const struct store_answer *answer);
uint64_t store_client_ask(struct store_client *client, const struct store_query *query, store_found *found,
	store_answered *answered, void *user);
void store_client_unask(struct store_client *client, uint64_t number);
void store_client_set_limits(struct store_client *client, const struct store_limits *limits);

/* --- the loop --- */
/* Sends what there is to send and takes what has come, within bounds. True: there is more to do at once. */
bool store_client_turn(struct store_client *client);
/* When it wants its turn at the latest: monotonic ns, CLOCK_NEVER. */
int64_t store_client_next_ns(const struct store_client *client);
/* Descriptors to be polled for reading, both owned by the client: the doorbell, which lives as long as the client, and
 * the process's pidfd, which changes with the process (-1: there is none now). */
int store_client_doorbell_fd(const struct store_client *client);
int store_client_process_fd(const struct store_client *client);
/* To be called before and after the sleep. False: do not sleep. */
bool store_client_sleep(struct store_client *client);
void store_client_wake(struct store_client *client);
/* Commits what there is and ends the process. store_client_state is STORE_CLOSED when it is gone. */
void store_client_stop(struct store_client *client);
int store_client_pid(const struct store_client *client); /* 0: no process now */
uint64_t store_client_respawns(const struct store_client *client);

#endif
