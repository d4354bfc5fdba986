/* client.h - what libtaskd's files share, and the order of things between threads.
 *
 * One mutex for each connection guards all of it and of its futures, but what only the reader touches. The reader is the
 * one thread at a time that polls and reads the socket: whoever has to wait while there is none. It reads and parses
 * without the mutex, then completes futures under it, a batch at a time. The other threads that wait sleep on conditions
 * of their own, until what they wait for has come or the reader's place is free. Writing never blocks and is done under
 * the mutex by whoever has something to write; what the socket does not take is left to the reader.
 *
 * Functions say whether the mutex has to be held: "locked". */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "client/taskd.h"
#include "proto/command.h"
#include "proto/framing.h"
#include "proto/json_scan.h"
#include "proto/strbuf.h"

/* Text, not terminated. */
struct piece {
	const char *text;
	size_t length;
};
#define PIECE(literal) ((struct piece){ (literal), sizeof(literal) - 1 })

/* --- errors (error.c, failure.c) --- */
/* Notes the calling thread's last failure and returns ERROR. FORMAT NULL: its usual text. */
enum taskd_error error_set(enum taskd_error error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with all that FAILURE says. */
enum taskd_error error_set_failure(const struct taskd_failure *failure);
/* For a NULL that should have been a WHAT: why there is none is the thread's last failure, if it has had any. */
enum taskd_error error_of_null(const char *what);
/* The calling thread's last failure as one; valid until the next. */
const struct taskd_failure *error_failure(void);

#define TASK_ID_ROOM 24 /* "18446744073709551615" and some */

/* An error that came over the wire, with what its texts point into. */
struct failure {
	struct taskd_failure told;
	char *kind; /* where it is not one of ours */
	char *message;
	char *hint;
	char *data;
	char id[TASK_ID_ROOM]; /* the task's; "" where it was not told */
	size_t sharers;        /* others that have it too; under the connection's mutex */
};
/* Of an error object's text. NULL without memory. */
struct failure *failure_read(const struct json_span *object);
/* Of a record that says how a task ended without saying why. */
struct failure *failure_of_state(const struct json_span *state);
void failure_free(struct failure *failure);
/* One more who has it, and frees it. NULL is allowed. */
struct failure *failure_share(struct failure *failure);
extern const struct taskd_failure failure_memory; /* where there is none for a better one */
/* Whether it is that of what a connection took with it that was made again. */
bool failure_is_lost(const struct taskd_failure *failure);
/* A task's id: up to 20 digits in a JSON string (or a number) that fit 64 bits. */
bool failure_read_id(const struct json_span *span, char text[TASK_ID_ROOM], uint64_t *id);
/* A number of either kind, whatever the program's locale has for a point; false where it is none. */
bool failure_read_number(const struct json_span *span, double *number);

/* --- futures by number (futures.c) --- */
struct futures {
	struct futures_slot *slots;
	size_t mask; /* the number of slots less one */
	size_t count;
};
struct futures_slot {
	uint64_t number;
	struct taskd_future *future; /* NULL: free */
};
/* 0; -1 without memory, or where the number is taken. */
int futures_put(struct futures *futures, uint64_t number, struct taskd_future *f);
/* Removes it; NULL where there is none. */
struct taskd_future *futures_take(struct futures *futures, uint64_t number);
/* Sorts them by their numbers, to the front of `slots`; how many there are. It is good only for futures_free then. */
size_t futures_sort(struct futures *futures);
void futures_free(struct futures *futures);

/* --- a future (future.c, callback.c) --- */
enum future_kind {
	FUTURE_CALL,     /* the reply is the outcome; freeing it cancels the task */
	FUTURE_DETACHED, /* the reply is the id, a notification the outcome */
	FUTURE_REQUEST,  /* the reply is the outcome, and nothing is cancelled */
	FUTURE_WAIT,     /* the reply is the outcome; freeing it takes the request back */
	FUTURE_BATCH,    /* the reply is its id and its peers': then they are detached ones */
	FUTURE_RETRY,    /* the reply is a new task's id: then it is the request for that one's result */
	FUTURE_WATCH,    /* the reply is a watch's number; it is never the user's */
	FUTURE_FOLLOW,   /* the same of a command's output */
	FUTURE_QUESTION, /* as a request; whoever waits for it asks again where the connection was lost */
	FUTURE_IDENTITY, /* the reply tells which daemon it is; it is never the user's */
};

/* Somebody who waits for several futures: those that have ended, in the order of their ends. */
struct group {
	struct watch *first;
	struct watch **last;
	size_t done;
	size_t failed;
};
struct watch {
	struct watch *next;          /* in the future's list, or the group's */
	struct taskd_future *future; /* NULL once it is done */
	struct group *group;
	size_t index;
};

struct callback {
	struct callback *next;
	taskd_callback *function;
	void *user;
};

#define FUTURE_OWN_ROOM 64

struct taskd_future {
	struct taskd *connection;
	struct taskd_future *next; /* in `spare` or `callable`, or of those that are adrift */
	union {
		struct taskd_future *peer; /* the next of the same batch, or, in `tasks`, of the same task */
		struct subscription *subscription; /* FUTURE_WATCH, _FOLLOW: whose; NULL once it was freed */
	};
	enum future_kind kind;
	bool owned;       /* the user has it */
	bool outstanding; /* `requests` or `tasks` has it */
	bool calling;     /* its callbacks are running, or about to */
	bool done;
	bool durable;    /* acknowledged as on disk */
	bool repeatable; /* its request may be written again though it may have arrived */
	bool brief;      /* it fails with the connection, also where it was not written yet */
	bool held;       /* a stopping daemon has refused it: the next one is to be asked; `failure_own` says how */
	enum taskd_error error;
	uint64_t request; /* its request's id */
	uint64_t ended;   /* counts the connection's ends */
	char *text;       /* the result: `own`, or malloc'ed; before, a submission that is not acknowledged, or NULL */
	size_t length;
	const struct taskd_failure *failure;
	struct failure *failure_own; /* the same, where it is nobody else's */
	struct callback *callbacks;
	struct watch *watches;
	char id[TASK_ID_ROOM]; /* "" while it is not known */
	char own[FUTURE_OWN_ROOM];
};

/* Locked, all of these. NULL without memory. */
struct taskd_future *future_new(struct taskd *c, enum future_kind kind);
/* What taskd_future_free does; the caller writes afterwards what that has to tell the daemon. */
void future_drop(struct taskd_future *f);
/* Its end: with TEXT, a result of which COPY (or NULL, where it is short) is a malloc'ed copy that it takes over. */
void future_succeed(struct taskd_future *f, const char *text, size_t length, char *copy);
/* Takes OWN, NULL: there was no memory for it. */
void future_fail(struct taskd_future *f, struct failure *own);
/* With a failure that outlives the future. */
void future_fail_with(struct taskd_future *f, const struct taskd_failure *failure);
/* When nobody needs it any more. */
void future_release(struct taskd_future *f);

void group_init(struct group *group);
void watch_begin(struct watch *watch, struct taskd_future *f, struct group *group, size_t index);
void watch_end(struct watch *watch);
/* The next that has ended, or NULL. */
struct watch *group_take(struct group *group);

/* --- what the daemon tells by itself (subscription.c, events.c, follow.c) --- */
struct event {
	struct event *next;
	struct subscription *subscription;
	uint64_t when; /* among the futures' ends */
	bool lasting;  /* it is part of its subscription */
	union {        /* what these point to is behind this struct */
		struct taskd_event told;
		struct taskd_output output;
	};
};
enum subscription_kind { SUBSCRIPTION_WATCH, SUBSCRIPTION_FOLLOW, N_SUBSCRIPTIONS };
struct subscription {
	LIST_ENTRY(subscription) link; /* in `subscriptions`, until it is over */
	struct taskd *connection;
	enum subscription_kind kind;
	void (*tell)(struct subscription *subscription, const struct event *event); /* calls the user's function */
	struct taskd_future *request; /* NULL once that was answered */
	uint64_t number;              /* the daemon's; 0 while it is not known */
	bool begun;                   /* the daemon had it, be it the one before */
	bool over;                    /* no more events come */
	bool calling;                 /* its function is running */
	bool abandoned;               /* freed meanwhile, in a callback */
	pthread_cond_t idle;
	struct failure *refusal;
	struct piece text; /* the request, malloc'ed, where the connection can be made again; else NULL */
	struct event end;  /* so that there is always memory for it */
};
/* Locked, all of these. Begins it by the request PIECES; false with error_set called, and nothing to undo. */
bool subscription_begin(struct subscription *subscription, struct taskd *c, enum subscription_kind kind,
	const struct piece *pieces, size_t n, bool newlines);
/* Hands EVENT to its owner, or frees it. */
void subscription_tell(struct subscription *subscription, struct event *event);
/* The one of that number; NULL: it was ended, and the daemon did not know yet. */
struct subscription *subscription_find(struct taskd *c, enum subscription_kind kind, uint64_t number);
/* What the answer to F's request says: its number, under NAME. NULL: it has failed, or there is no one any more. */
struct subscription *subscription_answered(struct taskd_future *f, const char *name, const struct json_span *result);
/* No more comes for it. */
void subscription_over(struct subscription *subscription);
/* The connection has ended: so have all subscriptions. */
void subscriptions_end(struct taskd *c);
/* It was lost: they are asked for again. */
void subscriptions_again(struct taskd *c);
/* What taskd_unwatch does. */
void subscription_drop(struct subscription *subscription);
/* Its function has returned. */
void subscription_told(struct subscription *subscription);
/* The next one to be told; there must be one. */
struct event *event_take(struct taskd *c);
void event_free(struct event *event);

/* task.event, task.missed and task.output; by the reader, without the mutex. NULL: nonsense, or, with *number set, no
 * memory. */
struct event *event_read(const struct json_span *params, uint64_t *number);
struct event *event_read_missed(const struct json_span *params, uint64_t *number);
struct event *event_read_output(const struct json_span *params, uint64_t *number);
/* Locked: the answer to task.watch: RESULT, or, where that is of kind JSON_NONE, *failure, which it takes. The same of
 * task.follow. */
void watch_answered(struct taskd_future *f, const struct json_span *result, struct failure **failure);
void follow_answered(struct taskd_future *f, const struct json_span *result, struct failure **failure);
/* Makes its `end` what tells of a failure. */
void watch_end_event(struct subscription *subscription, const struct taskd_failure *failure);

/* Runs what has gathered in `callable` and `events`; the mutex is given up for each callback. */
void callbacks_run(struct taskd *c);
void callbacks_drop(struct taskd_future *f);
/* The same for what is told of the connection itself. */
void callbacks_run_reconnecting(struct taskd *c, bool connected, int64_t lost_ns);
/* Whether the calling thread is in a callback of this connection. No lock. */
bool callbacks_running(const struct taskd *c);

/* --- the connection (connection.c, output.c, reader.c) --- */
/* Descriptors that travel with a request: with its first byte. They are ours, and closed once they were sent. */
struct passing {
	STAILQ_ENTRY(passing) link;
	uint64_t at, end; /* where the request begins and ends, as `written` counts */
	size_t n;
	int fds[COMMAND_FDS];
};
/* Duplicates of FDS. Not locked. NULL with error_set called. */
struct passing *passing_new(struct taskd *c, const int *fds, size_t n);
void passing_free(struct passing *passing);

struct waiter {
	TAILQ_ENTRY(waiter) entry;
	pthread_cond_t wake;
	bool (*ready)(void *arg);
	void *arg;
};

struct reconnect;

struct taskd {
	pthread_mutex_t lock;
	int fd;                      /* -1 while it is being made again: changed by the reader alone */
	struct reconnect *reconnect; /* NULL: it ends with its first loss */
	int wake;                    /* an eventfd: the reader is to look again at what it polls for */
	unsigned generation;         /* counts forks: another one than the process's means that this is a copy */
	size_t references;           /* by its user, its futures, and cursors over these */
	bool closed;

	enum taskd_error error; /* why it ended */
	struct taskd_failure ended;
	char reason[320];

	struct strbuf out; /* requests, from out_start on not yet written */
	size_t out_start;
	bool out_cut;      /* with out_start 0: the first is a part of one */
	uint64_t written;  /* bytes in all, that the socket has taken */
	size_t out_enough; /* once so much is not written, a submission tries to */
	int out_error;     /* errno of the write that failed; what is left to read is read all the same */
	STAILQ_HEAD(, passing) passings; /* descriptors that go with requests, in their order */
	size_t n_passing;
	bool out_held; /* there is room in the socket, but too many descriptors are on their way */

	/* The reader's alone. */
	char *in;
	size_t in_room, in_start, in_end;
	struct framing framing;

	bool reading;             /* there is a reader */
	bool reader_polls_output; /* and it waits for room in the socket too */
	uint64_t received;        /* counts messages */
	TAILQ_HEAD(, waiter) waiters;

	struct futures requests; /* by the id of the request that is not answered yet */
	struct futures tasks;    /* detached, by the task's id; several of one task are each other's peers */
	uint64_t last_request;
	uint64_t ends;
	struct taskd_future *spare;
	size_t n_spare;
	struct taskd_future *callable; /* done, with callbacks to run */
	struct taskd_future **callable_last;
	struct event *events; /* to be told */
	struct event **events_last;
	LIST_HEAD(, subscription) subscriptions[N_SUBSCRIPTIONS];
};

/* A connected socket, or -1 with error_set called. */
int socket_open(const char *path, int64_t timeout_ns);
/* The same without waiting, in which it stays; -errno. */
int socket_try(const char *path);

int64_t now_ns(void);
/* The time at which so much will have passed; INT64_MAX: never. */
int64_t deadline_after(int64_t timeout_ns);

/* Whether it can be used at all; if not, error_set has been called. No lock. */
bool connection_usable(const struct taskd *c);
/* The same for a function that may wait, which callbacks must not. */
bool connection_may_wait(const struct taskd *c);
void connection_lock(struct taskd *c);
/* Also frees it, where nobody needs it any more. */
void connection_unlock(struct taskd *c);
/* Locked: it ends, with everything that is outstanding; the callbacks are left to callbacks_run. */
void connection_fail(struct taskd *c, enum taskd_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define OUT_ENOUGH ((size_t)64 << 10) /* so much is worth a system call of its own */
#define PASSING_ENOUGH 32             /* so are so many requests with descriptors, which are open meanwhile */
/* Locked: writes what the socket takes; the rest is the reader's. */
void output_write(struct taskd *c);
bool output_pending(const struct taskd *c);
/* Locked: forgets what is not written, and closes the descriptors that were to go with it. */
void output_drop(struct taskd *c);

/* How long output that is held waits before it is tried again: nothing tells when the daemon has taken descriptors. */
#define OUT_HELD_NS (10 * TASKD_MS)
/* Locked: waits until READY says so (it is asked with the mutex held, by any thread), the connection ends, or time runs
 * out; reads where nobody else does, and runs callbacks. TASKD_OK, TASKD_E_TIMEOUT, or the connection's error. */
enum taskd_error reader_wait(struct taskd *c, bool (*ready)(void *arg), void *arg, int64_t deadline);
bool reader_future_done(void *future);
/* Locked: tells those that wait what has changed. */
void reader_wake_waiters(struct taskd *c);
/* Parses and settles all whole messages in the input buffer. Not locked; by the reader. */
void replies_consume(struct taskd *c);
/* Locked: a detached task's acknowledgement: from now on its id leads to the future. */
void reply_submitted(struct taskd_future *f, const struct json_span *result);
/* Locked: F's request has failed so, which it takes; NULL: there was no memory for it. */
void reply_refused(struct taskd_future *f, struct failure **failure);
/* The member NAME of an object; of kind JSON_NONE where there is none. */
struct json_span reply_member(const struct json_span *object, const char *name);

/* --- requests (request.c) --- */
#define REQUEST_FRONT PIECE("{\"jsonrpc\":\"2.0\",\"id\":")
#define REQUEST_MIDDLE PIECE(",\"method\":\"")
/* Locked: {"jsonrpc":"2.0","id":N,"method":" and the pieces, which close the quote, the object and nothing else. NULL
 * without memory or after the connection's end; error_set has been called. */
struct taskd_future *request_add(
	struct taskd *c, enum future_kind kind, const struct piece *pieces, size_t n, bool newlines);
/* The same for a future that is there. TASKD_OK, or why not; then the future is as it was. */
enum taskd_error request_write(
	struct taskd *c, struct taskd_future *f, const struct piece *pieces, size_t n, bool newlines);
/* The same with descriptors, which are the connection's then. */
enum taskd_error request_write_passing(struct taskd *c, struct taskd_future *f, const struct piece *pieces, size_t n,
	bool newlines, struct passing *passing);
/* What taskd_submit does, but ARGS has been checked. PASSING (or NULL) is taken over. */
struct taskd_future *request_submit(struct taskd *c, const char *task, struct piece args, bool newlines,
	const struct taskd_options *options, struct passing *passing);
/* What is asked before: NAME, which is a WHAT, is there. False with error_set called. */
bool request_may_submit(const struct taskd *c, const char *name, const char *what);
/* Locked: the future is to be what the result of the task with its id is. */
void request_result(struct taskd_future *f);
/* Locked: {"jsonrpc":"2.0","method":"$/cancelRequest", …} */
void request_cancel(struct taskd *c, uint64_t request);
/* Whether a task can have this name, and so be called as a method. */
bool request_is_task_name(const char *name);
/* 0: JSON; *newlines, whether some are between its tokens. WHAT is for the error's text. */
enum taskd_error request_check_json(const char *what, const char *text, size_t length, bool container, bool *newlines);

/* --- what is said of tasks (options.c, batch.c) --- */
/* TASKD_OK, or TASKD_E_INVALID with error_set called. */
enum taskd_error options_check(const struct taskd_options *options);
enum taskd_error options_check_map(const struct taskd_options *options);
/* ,"queue":… for each option that is given, but for `detached`. They were checked. */
void options_write(struct strbuf *out, const struct taskd_options *options);
/* ,"NAME":"1.5s" */
void options_add_duration(struct strbuf *out, const char *name, int64_t ns);

/* --- commands (environment.c, bytes.c) --- */
/* ,"env":{…}: what a command's environment gets from this process's and from COMMAND. */
enum taskd_error environment_write(struct strbuf *out, const struct taskd_command *command);
bool bytes_are_utf8(const char *text);
/* Bytes as the wire has them: a string, or one in base64. */
struct bytes {
	struct json_span text, base64; /* one of them is a string */
};
/* Notes VALUE where NAME is "STREAM" or "STREAM_base64". */
void bytes_note(struct bytes *bytes, const char *stream, const struct json_span *name, const struct json_span *value);
/* Room for them, terminated; 0: they are not there. */
size_t bytes_room(const struct bytes *bytes);
/* Into ROOM, of bytes_room; terminated. False: that is not base64, or there is no memory. */
bool bytes_copy(const struct bytes *bytes, char *room, size_t *length);

/* Locked: the answer to a batch of which FIRST is the first. FAILURE is shared; NULL: there was no memory for it. */
void batch_submitted(struct taskd *c, struct taskd_future *first, const struct json_span *result);
void batch_fail(struct taskd_future *first, struct failure *failure);

#endif
