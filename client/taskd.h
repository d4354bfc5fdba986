/* taskd.h - libtaskd, the client library of taskd(8)
 *
 *     struct taskd *c = taskd_connect(NULL, NULL);
 *     struct taskd_future *f = taskd_submit(c, "fib", "[30]", NULL);
 *     if (taskd_result(f, TASKD_FOREVER) == TASKD_OK)
 *         puts(taskd_future_result(f, NULL));
 *     else
 *         fprintf(stderr, "%s\n", taskd_future_error(f)->message);
 *     taskd_future_free(f);
 *     taskd_close(c);
 *
 * Every function may be called from any thread, on the same connection too: there is no hidden thread; whoever waits
 * reads the socket for all, one at a time. Two things are the caller's: not to free what another thread still uses,
 * and not to use a connection in a forked child. The library never exits, never logs, and never touches signals.
 *
 * Durations are int64_t nanoseconds. JSON is UTF-8 text. Functions that can fail return an enum taskd_error (0 is
 * fine), or NULL; taskd_last_error tells the calling thread why. See libtaskd(3). */
#ifndef TASKD_H
#define TASKD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct taskd;        /* a connection */
struct taskd_future; /* one task's outcome, now or later */

#define TASKD_FOREVER INT64_MAX
#define TASKD_MS INT64_C(1000000)
#define TASKD_SECOND INT64_C(1000000000)

enum taskd_error {
	TASKD_OK = 0,
	TASKD_E_TIMEOUT,      /* the caller's own time limit ran out; the task goes on */
	TASKD_E_FAILED,       /* the task failed: its handler said so */
	TASKD_E_CRASHED,      /* the task's worker died */
	TASKD_E_TIMED_OUT,    /* the task's time limit ended it */
	TASKD_E_CANCELLED,    /* the task was cancelled */
	TASKD_E_EXPIRED,      /* the task's deadline passed before it started */
	TASKD_E_UNKNOWN_TASK, /* no worker has a handler of that name */
	TASKD_E_NOT_FOUND,    /* no task ever had that id */
	TASKD_E_FORGOTTEN,    /* the task's record is gone */
	TASKD_E_QUEUE_FULL,
	TASKD_E_TOO_LARGE, /* arguments or result over the daemon's limit */
	TASKD_E_DENIED,
	TASKD_E_UNAVAILABLE,  /* the daemon is stopping, or cannot take it now */
	TASKD_E_INVALID,      /* an argument of the call makes no sense, or is not JSON */
	TASKD_E_CONNECT,      /* the daemon cannot be reached */
	TASKD_E_DISCONNECTED, /* the connection ended; what was outstanding will not be answered */
	TASKD_E_PROTOCOL,     /* the other side does not speak as it should */
	TASKD_E_MEMORY,
	TASKD_E_SYSTEM, /* a system call failed: the text has errno's */
	TASKD_E_OTHER,  /* an error of the daemon that this library does not know */
};
/* A static, one-line text; never NULL. */
const char *taskd_strerror(enum taskd_error error);
/* The calling thread's last failure of a function that returned NULL: its code; *text (if not NULL) is valid until the
 * thread's next call into the library. */
enum taskd_error taskd_last_error(const char **text);
/* "1.0.0" */
const char *taskd_version(void);

/* --- connection --- */
struct taskd_connect_options {
	int64_t timeout_ns; /* for connecting; 0: 5 s */
	size_t frame_limit; /* the largest message that is accepted from the daemon; 0: 256 MiB */
};
/* The socket's path that SOCKET stands for: SOCKET itself, else $TASKD_SOCKET, else /run/taskd/taskd.sock for root, else
 * $XDG_RUNTIME_DIR/taskd.sock (where that is unset, or there is none, the system's). malloc'ed; NULL without memory. */
char *taskd_socket_path(const char *socket);
/* Connects. SOCKET NULL: as taskd_socket_path says. OPTIONS may be NULL. NULL on failure. */
struct taskd *taskd_connect(const char *socket, const struct taskd_connect_options *options);
/* Ends the connection: outstanding futures fail with TASKD_E_DISCONNECTED (the daemon cancels those tasks that were not
 * detached), their callbacks run, and the futures stay valid until they are freed. NULL is allowed. */
void taskd_close(struct taskd *c);
/* Whether it has ended, and why. */
enum taskd_error taskd_connection_error(const struct taskd *c);

/* --- from the caller's own loop --- */
/* Readable: call taskd_dispatch. Belongs to the connection. */
int taskd_fd(const struct taskd *c);
/* Whether there is something to write, so that writability is worth waiting for too. */
bool taskd_wants_write(const struct taskd *c);
/* Reads and writes what can be without waiting, or waits up to TIMEOUT_NS for something; runs callbacks in this thread.
 * TASKD_OK, TASKD_E_TIMEOUT where nothing came, or the connection's error. */
enum taskd_error taskd_dispatch(struct taskd *c, int64_t timeout_ns);
/* Writes what is buffered; submissions are buffered until someone dispatches, waits or flushes, or 64 KiB have come
 * together. Waits up to TIMEOUT_NS. */
enum taskd_error taskd_flush(struct taskd *c, int64_t timeout_ns);

/* --- tasks --- */
struct taskd_options {
	const char *queue;  /* NULL: the task's own */
	int priority;       /* higher is more urgent; default 0 */
	int64_t timeout_ns; /* from its start; 0: none */
	const char *tag;    /* a name to find it by, or NULL */
	bool detached;      /* it belongs to the daemon: it goes on when this connection ends */
};
/* Submits a task. ARGS is a JSON array or object (NULL: []). OPTIONS may be NULL. All are copied. NULL only without
 * memory, after the connection's end, or where ARGS is not such JSON; whatever the daemon refuses is the future's
 * error. Free with taskd_future_free. */
struct taskd_future *taskd_submit(struct taskd *c, const char *task, const char *args, const struct taskd_options *options);
/* A future for a task that was submitted detached, also by others. */
struct taskd_future *taskd_attach(struct taskd *c, const char *id);
/* Frees it. An attached task that is still outstanding is cancelled. NULL is allowed. Not from its own callback. */
void taskd_future_free(struct taskd_future *f);

/* Waits for its end. TASKD_OK: succeeded; TASKD_E_TIMEOUT: not yet; else why it has no result. */
enum taskd_error taskd_result(struct taskd_future *f, int64_t timeout_ns);
/* Without waiting or reading. */
bool taskd_done(const struct taskd_future *f);
/* The result's JSON text, terminated; *length may be NULL. NULL where it has not succeeded. Belongs to the future. */
const char *taskd_future_result(const struct taskd_future *f, size_t *length);
/* Asks the daemon whether it runs now. False also where it has ended. */
bool taskd_running(struct taskd_future *f, int64_t timeout_ns);
/* Asks for its cancellation, and waits for the answer (not for its end). TASKD_OK: it is, or will be, cancelled;
 * *cancelled (may be NULL) says whether its end is already known to be that. */
enum taskd_error taskd_cancel(struct taskd_future *f, int64_t timeout_ns);
/* The daemon's id of it; NULL before it is known (a detached task's acknowledgement; an attached task's end). Belongs
 * to the future. taskd_acknowledged waits for it. */
const char *taskd_future_id(const struct taskd_future *f);
enum taskd_error taskd_acknowledged(struct taskd_future *f, int64_t timeout_ns);

/* Why it has no result. */
struct taskd_failure {
	enum taskd_error error;
	int code;            /* as on the wire: the handler's own, or taskd's */
	const char *kind;    /* "failed", "crashed", … as in taskd-protocol(7); "" where the library itself found it */
	const char *message; /* never NULL */
	const char *hint;    /* what to do about it, or NULL */
	const char *data;    /* all of the error's data as JSON text, or NULL */
	int pid;             /* crashed: its worker's, else 0 */
	int signal;          /* crashed: the signal that killed it, or 0 */
	int status;          /* crashed: its exit status */
	struct rusage usage; /* crashed: what the worker had used, as far as told (times, maxrss) */
};
/* NULL while it is not done, or where it has succeeded. Belongs to the future. */
const struct taskd_failure *taskd_exception(const struct taskd_future *f);
/* The same, but never NULL for a done future that has not succeeded. */
const struct taskd_failure *taskd_future_error(const struct taskd_future *f);

/* CALLBACK runs once, when it is done, in the thread that reads the end from the socket, or at once when it is done
 * already. No lock is held: it may submit, but not wait. Several may be added; they run in order. */
typedef void taskd_callback(struct taskd_future *f, void *user);
enum taskd_error taskd_add_done_callback(struct taskd_future *f, taskd_callback *callback, void *user);

/* --- several --- */
enum taskd_return_when { TASKD_ALL_COMPLETED, TASKD_FIRST_COMPLETED, TASKD_FIRST_EXCEPTION };
/* Waits for N futures of one connection. *n_done (may be NULL) is how many are done. TASKD_OK, TASKD_E_TIMEOUT, or the
 * connection's error (the futures are done then). */
enum taskd_error taskd_wait(struct taskd_future *const *futures, size_t n, enum taskd_return_when when,
	int64_t timeout_ns, size_t *n_done);
/* The next of N futures to be done, each once, in the order of their ends: start with *cursor = NULL, and go on until
 * *index is N (TASKD_OK). taskd_as_completed_end frees the cursor earlier. */
struct taskd_completed;
enum taskd_error taskd_as_completed(struct taskd_future *const *futures, size_t n, struct taskd_completed **cursor,
	int64_t timeout_ns, size_t *index);
void taskd_as_completed_end(struct taskd_completed **cursor);

/* Runs TASK for every item. NEXT gives one item at a time as JSON (one argument; NULL at the end; valid until the next
 * call); RESULT gets each outcome, in order unless UNORDERED; either may end the map by returning false. */
struct taskd_map_options {
	struct taskd_options task; /* `detached` is not allowed */
	size_t in_flight;          /* at most so many items on their way; 0: 1024, or 16 chunks where that is more */
	size_t chunk;              /* items that travel and run together; 0: 1 */
	bool unordered;
};
typedef const char *taskd_map_next(void *user, size_t *length);
/* RESULT is JSON text, terminated; NULL where the item failed, then FAILURE says why. INDEX counts items from 0. */
typedef bool taskd_map_result(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure);
enum taskd_error taskd_map(struct taskd *c, const char *task, taskd_map_next *next, taskd_map_result *result, void *user,
	const struct taskd_map_options *options, int64_t timeout_ns);

/* --- any method of the daemon --- */
/* Calls METHOD with PARAMS (JSON array or object, or NULL): a future whose result is the method's. */
struct taskd_future *taskd_request(struct taskd *c, const char *method, const char *params);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
