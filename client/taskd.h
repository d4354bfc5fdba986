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
 * and not to use a connection in a forked child (there everything fails with TASKD_E_INVALID, but for taskd_close, which
 * closes the child's descriptor). The library never exits, never logs, and never touches signals.
 *
 * Durations are int64_t nanoseconds; 0 or less does not wait at all. JSON is UTF-8 text. Functions that can fail return
 * an enum taskd_error (0 is fine), or NULL; taskd_last_error tells the calling thread why. What failed may be handed on:
 * a NULL connection or future makes the next call fail for the same reason, as the lines above rely on.
 * See libtaskd(3). */
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
#ifndef TASKD_OK /* taskd-plugin.h has it, too: a handler may submit tasks */
	TASKD_OK = 0,
#endif
	TASKD_E_TIMEOUT = 1,  /* the caller's own time limit ran out; a task goes on */
	TASKD_E_FAILED,       /* the task failed: its handler said so */
	TASKD_E_CRASHED,      /* the task's worker died */
	TASKD_E_TIMED_OUT,    /* the task's time limit ended it */
	TASKD_E_CANCELLED,    /* the task was cancelled */
	TASKD_E_EXPIRED,      /* the task's deadline passed before it started */
	TASKD_E_UNKNOWN_TASK, /* no worker has a handler of that name */
	TASKD_E_NOT_FOUND,    /* no task ever had that id; there is no message, no receipt, … */
	TASKD_E_FORGOTTEN,    /* the task's record is gone */
	TASKD_E_QUEUE_FULL,
	TASKD_E_TOO_LARGE, /* arguments or result over the daemon's limit */
	TASKD_E_DENIED, /* this user may not: `data` says "right", "submit", "read", "cancel" or "admin" */
	TASKD_E_UNAVAILABLE,  /* the daemon is stopping, or cannot take it now */
	TASKD_E_INVALID,      /* an argument of the call makes no sense, or is not JSON */
	TASKD_E_CONNECT,      /* the daemon cannot be reached */
	TASKD_E_DISCONNECTED, /* the connection ended; what was outstanding will not be answered */
	TASKD_E_PROTOCOL,     /* the other side does not speak as it should */
	TASKD_E_MEMORY,
	TASKD_E_SYSTEM,            /* a system call failed: the text has errno's */
	TASKD_E_DUPLICATE,         /* another task has the key, and has not ended; taskd_future_id is that one's */
	TASKD_E_DEPENDENCY_FAILED, /* a task that it was to come after did not succeed: it never started */
	TASKD_E_DEPENDENCY_CYCLE,  /* tasks of a batch wait for each other in a circle */
	TASKD_E_QUEUE_DRAINING,    /* the queue takes nothing in until it is resumed */
	TASKD_E_QUEUE_BUSY,        /* the queue is not empty, or is the configuration's: it cannot be removed */
	TASKD_E_NOT_OVER,          /* the task has not ended: it cannot be retried */
	TASKD_E_NOT_FAILED,        /* the task succeeded: nor can that one */
	TASKD_E_EXISTS,            /* something of that name is there already */
	TASKD_E_DEADLOCK,          /* all wait for each other: tasks that have taken all workers; who holds locks */
	TASKD_E_NOT_STARTED,       /* a command could not be started: no such program, no such directory, … */
	TASKD_E_NOT_RUNNING,       /* the command has not started, or is over */
	TASKD_E_INPUT_CLOSED,      /* the command has no live standard input, or has closed it */
	TASKD_E_NOT_HELD,          /* release of what nobody holds */
	TASKD_E_NOT_OWNER,         /* release of what another holds */
	TASKD_E_OVER_RELEASED,     /* more permits, or more done, than there were */
	TASKD_E_BARRIER_BROKEN,    /* somebody has left the barrier before all had come */
	TASKD_E_MISMATCH,          /* it is there with another size, order or limit */
	TASKD_E_STORE_FULL,        /* a durable task was not taken: the disk is full, or too far behind */
	TASKD_E_STORE_FAILED,      /* the daemon cannot record anything any more */
	TASKD_E_NOT_DURABLE,       /* the daemon keeps nothing on disk */
	TASKD_E_OVER_SHARE,        /* more than one user may have of something: tasks that wait, requests a second, …;
				    * `data` says "limit", the key of taskd.conf, "most", and where waiting helps
				    * "retry_after" */
	TASKD_E_OTHER,             /* an error of the daemon that this library does not know */
};
/* A static, one-line text; never NULL. */
const char *taskd_strerror(enum taskd_error error);
/* The calling thread's last failure, of whatever function: its code; *text (may be NULL) says more than taskd_strerror
 * does, and is valid until the thread's next call into the library. A call that succeeds leaves it as it was. */
enum taskd_error taskd_last_error(const char **text);
/* "1.0.0" */
const char *taskd_version(void);

/* --- connection --- */
/* Of a connection that is made again: CONNECTED false: it was lost, or another attempt to connect has failed, LOST_NS after
 * the loss (0: just now); true: a daemon answers again, LOST_NS after it. Runs where done-callbacks do, and may do what they
 * may. */
typedef void taskd_reconnect_callback(void *user, bool connected, int64_t lost_ns);
struct taskd_connect_options {
	int64_t timeout_ns; /* for connecting; 0: 5 s */
	size_t frame_limit; /* a larger message from the daemon ends the connection; 0: 256 MiB */
	/* So long after its loss, as when the daemon is started anew, is tried to make it again, by whoever waits or
	 * dispatches. Detached tasks go on, and so do their futures: what was not acknowledged is submitted again, with a
	 * key, and of the others the outcome is asked for. What belongs to a connection ends with it, as
	 * TASKD_E_DISCONNECTED: attached tasks, maps, and all that is held. See libtaskd(3). 0: a loss is the end. */
	int64_t reconnect_ns;
	taskd_reconnect_callback *reconnecting; /* is told of it; NULL: nobody is */
	void *user;                             /* for that one */
};
/* The socket's path that SOCKET stands for: SOCKET itself, else $TASKD_SOCKET, else /run/taskd/taskd.sock for root, else
 * $XDG_RUNTIME_DIR/taskd.sock (where that is unset, or there is none, the system's). malloc'ed; NULL without memory. */
char *taskd_socket_path(const char *socket);
/* Connects. SOCKET NULL: as taskd_socket_path says; a path has at most 107 bytes. OPTIONS may be NULL. NULL on failure:
 * TASKD_E_CONNECT, TASKD_E_INVALID (the path), TASKD_E_SYSTEM, TASKD_E_MEMORY. */
struct taskd *taskd_connect(const char *socket, const struct taskd_connect_options *options);
/* Ends the connection: what is buffered is written as far as that goes without waiting (taskd_flush makes sure of it);
 * outstanding futures fail with TASKD_E_DISCONNECTED (the daemon cancels those tasks that were not detached), their
 * callbacks run, and the futures stay valid until they are freed. NULL is allowed. Not from a callback, and not while
 * another thread waits on it. */
void taskd_close(struct taskd *c);
/* Whether it has ended, and why. */
enum taskd_error taskd_connection_error(const struct taskd *c);

/* --- from the caller's own loop --- */
/* Whenever it is readable: call taskd_dispatch. For poll(2) and its like, level-triggered. Belongs to the connection, and
 * stays the same as long as that lives. With reconnect_ns it is never writable, but readable also where there is room for
 * what taskd_wants_write was asked about, and when it is time to connect again. */
int taskd_fd(const struct taskd *c);
/* Whether there is something to write, so that writability is worth waiting for too. To be asked each time before the
 * descriptor is waited for. */
bool taskd_wants_write(const struct taskd *c);
/* Reads and writes what can be without waiting, or waits up to TIMEOUT_NS for a message; runs callbacks in this thread.
 * TASKD_OK, TASKD_E_TIMEOUT where none came, or the connection's error. */
enum taskd_error taskd_dispatch(struct taskd *c, int64_t timeout_ns);
/* Writes what is buffered when it is called; submissions are buffered until someone dispatches, waits or flushes, or
 * 64 KiB have come together. (A submission never waits: while the daemon reads nothing, the buffer grows.) Waits up to
 * TIMEOUT_NS, and reads meanwhile. TASKD_OK: that is written, if not what others have submitted since. */
enum taskd_error taskd_flush(struct taskd *c, int64_t timeout_ns);

/* --- tasks --- */
/* Which outcomes are worth another attempt; they can be combined. */
#define TASKD_RETRY_FAILED 1u
#define TASKD_RETRY_TIMED_OUT 2u
#define TASKD_RETRY_CRASHED 4u

/* What happens when another task of this user has the key. */
enum taskd_key_mode {
	TASKD_KEY_REJECT,  /* TASKD_E_DUPLICATE while it has not ended */
	TASKD_KEY_ATTACH,  /* while it has not ended there is no new task: the future is of that one */
	TASKD_KEY_REPLACE, /* that one is cancelled */
	TASKD_KEY_ONCE, /* as attach, also when it has ended, as long as there is a record of it: for a submission that
			    * may have been made before */
};

/* Whether the daemon keeps a task on disk, so that it survives the daemon's end. */
enum taskd_durable {
	TASKD_DURABLE_DEFAULT, /* as its queue says: most often what is detached, where the daemon has a store */
	TASKD_DURABLE_YES,     /* TASKD_E_NOT_DURABLE where it has none */
	TASKD_DURABLE_NO,
};
/* What becomes of a durable task whose attempt a stop or crash of the daemon has cut short. */
enum taskd_on_interrupt {
	TASKD_ON_INTERRUPT_DEFAULT, /* commands: TASKD_E_CRASHED; others are run again */
	TASKD_ON_INTERRUPT_REQUEUE, /* it is run again */
	TASKD_ON_INTERRUPT_CRASH,   /* TASKD_E_CRASHED */
};

/* Make these, and the other structs of options, by designated initializers, or zero them: 0 means the default
 * everywhere, and what later versions add is then that. Times that are 0 or negative are as absent, unless it says
 * otherwise. */
struct taskd_options {
	const char *queue;  /* NULL: the task's own */
	int priority;       /* higher is more urgent; default 0 */
	int64_t timeout_ns; /* from its start, each time that it is tried; 0: none */
	const char *tag;    /* a name to find it by, or NULL */
	bool detached;      /* it belongs to the daemon: it goes on when this connection ends */

	/* When. Not delay_ns and at_ns together. */
	int64_t delay_ns;   /* not before so long after its submission */
	int64_t at_ns;      /* not before this moment of the wall clock: ns since 1970 */
	int64_t expires_ns; /* TASKD_E_EXPIRED where it has not started so long after its submission; not negative */
	int64_t wait_for_room_ns; /* a full queue makes the submission wait so long; 0: TASKD_E_QUEUE_FULL at once */

	/* Further attempts. The n-th pause is backoff_ns * backoff_factor^(n-1), at most backoff_max_ns, give or take a
	 * random part of up to `jitter` of it. */
	int retries;            /* so many attempts after the first */
	unsigned retry_on;      /* TASKD_RETRY_…; 0: all of them */
	int64_t backoff_ns;     /* 0: 1 s; negative: no pause */
	int64_t backoff_max_ns; /* 0: 1 h */
	double backoff_factor;  /* 0: 2 */
	double jitter;          /* 0: 0.1; negative: none; at most 1 */

	/* The tasks that it waits for: ids, as taskd_future_id gives them, or, in a batch, labels. */
	const char *const *after; /* until they have succeeded; where one does not, TASKD_E_DEPENDENCY_FAILED */
	size_t n_after;
	const char *const *after_any; /* until they have ended, however */
	size_t n_after_any;
	bool pass_results; /* the results of `after`, as one array: ARGS' last element, or its member "results" */

	const char *key; /* only one task of this user has it at a time; NULL: none */
	enum taskd_key_mode key_mode;

	/* What it must have before it starts, of the named objects below: all of it or none, without a slot while it
	 * waits, and until it ends. */
	const char *const *locks;
	size_t n_locks;
	const char *const *shared_locks;
	size_t n_shared_locks;
	const char *const *semaphores; /* "gpu", "gpu=2" (so many permits), "gpu=1/4" (of a semaphore of 4) */
	size_t n_semaphores;

	enum taskd_durable durable;
	enum taskd_on_interrupt on_interrupt;
};
/* Submits a task. ARGS is a JSON array or object (NULL: []). OPTIONS may be NULL. All are copied. NULL only without
 * memory, after the connection's end, or where ARGS is not such JSON, TASK is empty or an option makes no sense;
 * whatever the daemon refuses is the future's error. Free with taskd_future_free.
 *
 * Where a key has led to a task that was there, this future is one of several of that task's: it has the same outcome;
 * taskd_cancel cancels the task for all of them, and freeing a future cancels it when no other holds it, and it was not
 * submitted detached. */
struct taskd_future *taskd_submit(
	struct taskd *c, const char *task, const char *args, const struct taskd_options *options);
/* Submits N tasks at once, all or none, each as taskd_submit does a detached one; they may wait for each other by their
 * labels, in any order. FUTURES has room for N. TASKD_OK: they are the tasks', and where the daemon refuses one, all
 * have its error, of which `data` says "index" and "label". Else they are NULL, for the reasons for which
 * taskd_submit gives NULL; one more is wait_for_room_ns, for which a batch has no place. */
struct taskd_batch_task {
	const char *label; /* a letter or _, then these, digits and -, up to 64 bytes; NULL: none */
	const char *task;
	const char *args;             /* NULL: [] */
	struct taskd_options options; /* `detached` goes without saying */
};
enum taskd_error taskd_submit_batch(
	struct taskd *c, const struct taskd_batch_task *tasks, size_t n, struct taskd_future **futures);
/* Once more, as a new task, what has ended without success: a future of that one, which is detached. Where it was
 * retried before, it is the same. TASKD_E_NOT_OVER and TASKD_E_NOT_FAILED are the future's error. */
struct taskd_future *taskd_retry(struct taskd *c, const char *id);
/* A future for a task that was submitted detached, also by others; ID as taskd_future_id gives it. */
struct taskd_future *taskd_attach(struct taskd *c, const char *id);
/* Frees it. An attached task that is still outstanding is cancelled; a detached one goes on. Callbacks of it that have
 * not begun will not run. NULL is allowed, and so is calling it from its own callback; futures may be freed after their
 * connection was closed. */
void taskd_future_free(struct taskd_future *f);

/* Waits for its end. TASKD_OK: succeeded; TASKD_E_TIMEOUT: not yet; else why it has no result. Other threads may be
 * woken before its callbacks have run. */
enum taskd_error taskd_result(struct taskd_future *f, int64_t timeout_ns);
/* Without waiting or reading. */
bool taskd_done(const struct taskd_future *f);
/* The result's JSON text, terminated; *length may be NULL. NULL where it has not succeeded. Belongs to the future. */
const char *taskd_future_result(const struct taskd_future *f, size_t *length);
/* Asks the daemon whether it runs now. False also where it has ended, or where there was no answer in time. */
bool taskd_running(struct taskd_future *f, int64_t timeout_ns);
/* How far its handler says that it is: asks the daemon. *fraction is 0 to 1, or negative where that is not known; *text,
 * for free(3), is what the handler said besides, or NULL. Either may be NULL. TASKD_E_NOT_FOUND where it has ended. */
enum taskd_error taskd_future_progress(struct taskd_future *f, int64_t timeout_ns, double *fraction, char **text);
/* Asks for its cancellation, and waits for the answer (not for its end, which taskd_result does). TASKD_OK: it is, or
 * will be, cancelled; TASKD_E_NOT_FOUND: it has ended in another way. */
enum taskd_error taskd_cancel(struct taskd_future *f, int64_t timeout_ns);
/* The daemon's id of it, or NULL while it is not known: a detached task's comes with the daemon's acknowledgement, an
 * attached one's with its failure, or when taskd_running or taskd_acknowledged have asked. Belongs to the future. */
const char *taskd_future_id(const struct taskd_future *f);
/* Waits until its id is known; for an attached task it asks. TASKD_E_NOT_FOUND where that one has ended by then; its own
 * error where it was refused. */
enum taskd_error taskd_acknowledged(struct taskd_future *f, int64_t timeout_ns);
/* Whether the daemon has acknowledged the submission of this detached task as one that is on disk. */
bool taskd_future_durable(const struct taskd_future *f);

/* Why it has no result. */
struct taskd_failure {
	enum taskd_error error;
	int code;         /* as on the wire: the handler's own, or taskd's */
	const char *kind; /* "failed", "crashed", … as in taskd-protocol(7); "" where the library itself found it */
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
/* The same, but never NULL, so that it can be printed without asking first: while it is not done, a failure with
 * TASKD_E_TIMEOUT; where it has succeeded, one with TASKD_OK; for F = NULL, the calling thread's last failure, such as
 * one of taskd_lock_acquire with its kind, hint and data. */
const struct taskd_failure *taskd_future_error(const struct taskd_future *f);

/* CALLBACK runs once, when it is done, in the thread that reads the end from the socket, or at once when it is done
 * already. No lock is held: it may submit and free, but not wait on this connection (what waits fails with
 * TASKD_E_INVALID there). Several may be added; they run in order, and those of different futures in the order of the
 * futures' ends (at the connection's end: of their submission, detached ones last). Nothing is read while it runs. */
typedef void taskd_callback(struct taskd_future *f, void *user);
enum taskd_error taskd_add_done_callback(struct taskd_future *f, taskd_callback *callback, void *user);

/* --- commands: any program as a task --- */
struct taskd_command {
	const char *const *argv; /* literally, ends with NULL, the first is the program; or: */
	const char *shell;       /* a line for /bin/sh -c */
	const char *cwd;         /* absolute; NULL: this process's own */
	/* Its environment is the daemon's PATH, HOME and so on, over it this process's PATH, HOME, USER, LOGNAME, SHELL,
	 * LANG, LANGUAGE, LC_*, TZ, TERM and TMPDIR unless clean_env, over that what is here: "NAME=value", or "NAME" for
	 * this process's own value (where it has none, it is taken away). Ends with NULL; NULL: nothing more. */
	const char *const *env;
	bool clean_env;
	const char *umask; /* octal; NULL: this process's own is not asked for: "022" */
	int nice;
	int64_t limit_memory, limit_processes, limit_cpu_ns, limit_files, limit_file_size; /* 0: none */
	int64_t limit_core; /* bytes; 0: no core file */
	/* Standard input: bytes, a file, what taskd_send sends, or a descriptor; else nothing. */
	const void *input;
	size_t input_length;
	const char *input_file; /* absolute */
	bool input_live;
	/* Descriptors of this process for the command's standard input, output and error; -1: none of that. NULL: none at
	 * all. They are duplicated before the function returns. What the command writes is captured on the way, and the
	 * command waits where the descriptor is full; DIRECT: they are the command's own, and nothing is captured. */
	const int *fds;
	bool direct;
	int64_t capture; /* how many bytes of each output its result keeps; 0: as the daemon has it; negative: none */
	bool merge;      /* standard error goes where standard output goes */
	bool tty;        /* it runs in a terminal of its own, of so many rows and columns (0: 24, 80) */
	int rows, columns;
	const int *success; /* exit statuses that are success; NULL: 0 alone */
	size_t n_success;
	/* Arguments that nobody is to see: "***" in records, listings and logs. Indexes in argv, from 1 on: not the program. (In /proc
	 * the host's users see them while the command runs: what has to be hid from them belongs into env or input, which
	 * the daemon shows to nobody.) */
	const int *secret;
	size_t n_secret;
};
/* Submits COMMAND as the task "exec": a future whose result is the command's, of which taskd_ran reads the parts. As
 * taskd_submit; TASKD_E_INVALID also where COMMAND makes no sense. */
struct taskd_future *taskd_exec(struct taskd *c, const struct taskd_command *command, const struct taskd_options *options);

/* How a command ended. */
struct taskd_ran {
	int status; /* its exit status; -1: it was killed */
	int signal; /* what killed it, or 0 */
	bool core_dumped;
	bool oom_killed;    /* the kernel killed it, or a part of it, for want of memory */
	int pid;
	int64_t duration_ns;
	struct rusage usage; /* of it and all that it has waited for, as far as told (times, maxrss) */
	char *out, *err;     /* what it has said; terminated, of any bytes */
	size_t out_length, err_length;
	uint64_t out_total, err_total; /* so much in all: more than the length where that was over the limit */
};
/* Of a future that is done: TASKD_OK, also where the command did not succeed (exit status, signal, cancelled, its time
 * limit) as long as it had started; else the future's own error. To be freed with taskd_ran_free. */
enum taskd_error taskd_ran(const struct taskd_future *f, struct taskd_ran *ran);
void taskd_ran_free(struct taskd_ran *ran);
/* Runs COMMAND and waits: taskd_exec, taskd_result and taskd_ran in one. TASKD_OK as of taskd_ran. After
 * TASKD_E_TIMEOUT it is cancelled, unless it was detached. */
enum taskd_error taskd_run(struct taskd *c, const struct taskd_command *command, const struct taskd_options *options,
	int64_t timeout_ns, struct taskd_ran *ran);

/* To a command that runs, also another's, by its task's id. Each waits for the daemon's answer. */
/* Bytes for its live standard input; EOF: and that was all. TASKD_E_TIMEOUT: it does not read; some of DATA may have
 * gone. */
enum taskd_error taskd_send(
	struct taskd *c, const char *id, const void *data, size_t length, bool eof, int64_t timeout_ns);
/* SIGNAL, a number, goes to its process group. */
enum taskd_error taskd_signal(struct taskd *c, const char *id, int signal, int64_t timeout_ns);
/* All of its processes stop, and go on. Its time limit does not stop. */
enum taskd_error taskd_suspend(struct taskd *c, const char *id, int64_t timeout_ns);
enum taskd_error taskd_resume(struct taskd *c, const char *id, int64_t timeout_ns);
enum taskd_error taskd_window(struct taskd *c, const char *id, int rows, int columns, int64_t timeout_ns);

enum taskd_stream { TASKD_STDOUT = 1, TASKD_STDERR = 2 };
/* What a command has said so far, also when it is over: up to SIZE bytes (and 32 KiB) from OFFSET on, in BUFFER. *length
 * is how many, 0 where there are none there; *total how many there have been in all; where *length is 0 and *total is
 * more than OFFSET, what is there was not kept. Either may be NULL. */
enum taskd_error taskd_log(struct taskd *c, const char *id, enum taskd_stream stream, uint64_t offset, void *buffer,
	size_t size, size_t *length, uint64_t *total, int64_t timeout_ns);
/* Has CALLBACK told what a command says from now on, as events of a watch are told; of one that has not started, from its
 * start. CALLBACK may be called before this returns, but not before OFFSETS are there. */
struct taskd_follow;
struct taskd_output {
	enum taskd_stream stream; /* 0: it has ended, or the connection has; nothing follows */
	int attempt;              /* of a task that is tried again; each begins at offset 0 */
	uint64_t offset;          /* of the first byte; where that is not the end of the last, what is between was missed */
	const char *data;         /* terminated, of any bytes; NULL with stream 0 */
	size_t length;
	const char *state; /* stream 0: how it has ended, as in taskd-protocol(7); NULL: the connection has */
};
typedef void taskd_output_callback(void *user, const struct taskd_output *output);
/* Waits for the daemon's answer; OFFSETS (may be NULL) gets how much there was of stdout and stderr before. NULL:
 * taskd_last_error. End it with taskd_unfollow. */
struct taskd_follow *taskd_follow(struct taskd *c, const char *id, taskd_output_callback *callback, void *user,
	uint64_t offsets[2], int64_t timeout_ns);
/* As taskd_unwatch. */
void taskd_unfollow(struct taskd_follow *follow);

/* --- several --- */
enum taskd_return_when { TASKD_ALL_COMPLETED, TASKD_FIRST_COMPLETED, TASKD_FIRST_EXCEPTION };
/* Waits for N futures of one connection. *n_done (may be NULL) is how many are done. TASKD_OK, TASKD_E_TIMEOUT, or the
 * connection's error where its end was that of one of them (all are done then). */
enum taskd_error taskd_wait(
	struct taskd_future *const *futures, size_t n, enum taskd_return_when when, int64_t timeout_ns, size_t *n_done);
/* The next of N futures to be done, each once, in the order of their ends: start with *cursor = NULL, and go on until
 * *index is N (TASKD_OK; the cursor is freed). FUTURES is read at the start only; a future may be freed once it was
 * given out. After TASKD_E_TIMEOUT it can be called again. taskd_as_completed_end frees the cursor earlier. A future
 * that fails is given out like any other, also when the connection ends. */
struct taskd_completed;
enum taskd_error taskd_as_completed(struct taskd_future *const *futures, size_t n, struct taskd_completed **cursor,
	int64_t timeout_ns, size_t *index);
void taskd_as_completed_end(struct taskd_completed **cursor);

/* Runs TASK for every item. NEXT gives one item at a time as JSON, one argument; valid until its next call; NULL at the
 * end. It sets *length, or leaves it alone where the text is terminated. RESULT gets each outcome, in order unless
 * UNORDERED, and ends the map early by returning false. Both run in the calling thread, and no lock is held.
 *
 * TASKD_OK: RESULT has had every outcome, failures included, or has ended the map; TASKD_E_TIMEOUT; TASKD_E_INVALID: an
 * item is not JSON; the connection's error; TASKD_E_MEMORY. What is on its way then is cancelled.
 *
 * In chunks, the options are the chunk's: so is the time limit. */
struct taskd_map_options {
	struct taskd_options
		task;     /* not detached, delay_ns, at_ns, after, after_any, pass_results, key, locks, shared_locks,
			   * semaphores, durable, on_interrupt: TASKD_E_INVALID */
	size_t in_flight; /* at most so many items on their way; 0: 1024, or 16 chunks where that is more */
	size_t chunk;     /* items that travel and run together, at most in_flight of them; 0: 1 */
	bool unordered;
};
typedef const char *taskd_map_next(void *user, size_t *length);
/* RESULT is JSON text, terminated; NULL where the item failed, then FAILURE says why. Both are valid until it returns.
 * INDEX counts items from 0. */
typedef bool taskd_map_result(
	void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure);
enum taskd_error taskd_map(struct taskd *c, const char *task, taskd_map_next *next, taskd_map_result *result,
	void *user, const struct taskd_map_options *options, int64_t timeout_ns);

/* --- events --- */
struct taskd_watch;
enum taskd_event_kind {
	TASKD_EVENT_BEGIN,  /* first: the daemon has the watch, and whatever happens from now on is told */
	TASKD_EVENT_TASK,   /* a task has come into a state, or has made progress */
	TASKD_EVENT_MISSED, /* so many were not kept, because they were not read as fast as they came; 0: the connection
			     * was lost, and is there again; what came in between nobody knows */
	TASKD_EVENT_END,    /* last, once: the connection has ended, or the daemon has refused the watch */
};
struct taskd_event {
	enum taskd_event_kind kind;
	const char *name;   /* TASK: the state, as in taskd-protocol(7), or "progress"; else "begin", "missed", "end" */
	const char *at;     /* TASK: when, as RFC 3339 has it, else NULL */
	const char *id;     /* TASK: the task's, else NULL */
	const char *record; /* TASK: its record as JSON text, terminated, else NULL */
	size_t length;      /* of that */
	uint64_t missed;    /* MISSED: how many, where that is known, else 0 */
	const struct taskd_failure *failure; /* END: why, else NULL */
};
/* All that EVENT points to is valid until it returns. It runs where done-callbacks do, and may do what they may; events
 * and done-callbacks come in the order in which the daemon told them. */
typedef void taskd_event_callback(void *user, const struct taskd_event *event);
/* Has CALLBACK told of what becomes of tasks from now on. FILTER: which, a JSON object as task.watch of
 * taskd-protocol(7) takes it, such as {"tag":"nightly","progress":true}; NULL: all. NULL only without memory, after the
 * connection's end, or where FILTER is no JSON object. End it with taskd_unwatch, also after the connection's end. */
struct taskd_watch *taskd_watch(struct taskd *c, const char *filter, taskd_event_callback *callback, void *user);
/* Ends it, and frees it. CALLBACK is not called any more, and has returned: where another thread is in it, this waits for
 * that, unless it is itself called from a callback. NULL is allowed. */
void taskd_unwatch(struct taskd_watch *watch);

/* --- locks, semaphores, events, conditions, barriers and message queues, by name, for all programs of the host --- */
/* A name is 1 to 255 bytes of UTF-8 without control characters; each of the six kinds has names of its own. What is
 * asked for and is not there is made, and goes when nobody has use for it any more.
 *
 * What is held belongs to this connection, and is released when it ends, also by the death of its process; whoever has
 * it next is told so. Threads of one program that are to hold apart say who they are (HOLDER, up to 64 bytes); what is to
 * be held until a task ends names that task, from within it (TASK, its id, as $TASKD_TASK_ID has it). NULL: neither.
 *
 * Each of these waits for the daemon's answer; several threads may do so on one connection at a time, but no callback.
 * TIMEOUT_NS: TASKD_E_TIMEOUT where it was not to be had in time; 0 or less: that is said at once. Those who wait are
 * served first come, first served. TASKD_E_DEADLOCK: the wait would never end, because who has it waits, over however
 * many others, for what this holder has; taskd_last_error tells the circle. TASKD_E_UNAVAILABLE: it would be more than
 * this user may have. After TASKD_E_DISCONNECTED nothing is held, whatever was on its way. */
struct taskd_holder {
	const char *holder;
	const char *task;
};
/* What was granted; all 0 where nothing was. */
struct taskd_grant {
	uint64_t fence;   /* larger than that of any grant before, of whatever name: what is done under a lock can carry
			   * it, and whoever is done to can refuse what comes with a smaller one than it has seen */
	bool holder_died; /* the last holder ended without releasing it: what it guarded may be half done */
	int64_t depth;    /* of taskd_lock_acquire: how often its holder has it now */
};

/* GRANT may be NULL, and so may OPTIONS. */
struct taskd_lock_options {
	bool shared;    /* several may have it so at a time */
	bool reentrant; /* its holder may have it several times, and releases it as often; else: TASKD_E_DEADLOCK */
	struct taskd_holder who;
};
enum taskd_error taskd_lock_acquire(struct taskd *c, const char *name, const struct taskd_lock_options *options,
	int64_t timeout_ns, struct taskd_grant *grant);
/* WHO (may be NULL) as it was acquired. TASKD_E_NOT_HELD, TASKD_E_NOT_OWNER. */
enum taskd_error taskd_lock_release(struct taskd *c, const char *name, const struct taskd_holder *who);
/* Whether anybody has it. */
enum taskd_error taskd_lock_locked(struct taskd *c, const char *name, bool *locked);

struct taskd_semaphore_options {
	int64_t slots;  /* where it is not there yet: how many permits it has; where it is: TASKD_E_MISMATCH if it has not
			 * so many. 0: as it is, or 1; negative: none, until they are released */
	bool unbounded; /* anybody may release, and there may be more permits than there were at first (TASKD_E_MISMATCH
			 * where it is there otherwise); false: as it is, or permits belong to those who acquire them */
	int64_t count;  /* so many permits at once; 0: 1 */
	struct taskd_holder who;
};
enum taskd_error taskd_semaphore_acquire(struct taskd *c, const char *name,
	const struct taskd_semaphore_options *options, int64_t timeout_ns, struct taskd_grant *grant);
/* OPTIONS (may be NULL) as it was acquired. TASKD_E_OVER_RELEASED, TASKD_E_NOT_HELD, TASKD_E_NOT_OWNER. */
enum taskd_error taskd_semaphore_release(
	struct taskd *c, const char *name, const struct taskd_semaphore_options *options);

/* Stays set, also when this connection ends, until it is cleared. */
enum taskd_error taskd_event_set(struct taskd *c, const char *name);
enum taskd_error taskd_event_clear(struct taskd *c, const char *name);
enum taskd_error taskd_event_is_set(struct taskd *c, const char *name, bool *set);
enum taskd_error taskd_event_wait(struct taskd *c, const char *name, int64_t timeout_ns);

/* WHO has LOCK, not shared; it is released while this waits, and had again when this returns TASKD_OK or TASKD_E_TIMEOUT
 * (the time without a notification; having the lock again may take longer), as GRANT (may be NULL) says. Any other error
 * but the connection's end comes at once, and the lock is held as before. All who use one condition name the same lock. */
enum taskd_error taskd_condition_wait(struct taskd *c, const char *name, const char *lock,
	const struct taskd_holder *who, int64_t timeout_ns, struct taskd_grant *grant);
/* The first N of those who wait go on as soon as they have the lock, which WHO has; 0 or less: all. *notified (may be
 * NULL): how many there were. */
enum taskd_error taskd_condition_notify(struct taskd *c, const char *name, const char *lock,
	const struct taskd_holder *who, int64_t n, int64_t *notified);

/* Waits until PARTIES have come (0: as many as those who came first have said). *index (may be NULL): 0 for the first …
 * PARTIES - 1 for the last to come. Whoever goes before, by its time limit or its end, breaks it: for all others it is
 * TASKD_E_BARRIER_BROKEN, until it is reset. TASKD_E_MISMATCH: it is there for another number. */
enum taskd_error taskd_barrier_wait(
	struct taskd *c, const char *name, int64_t parties, int64_t timeout_ns, int64_t *index);
/* Breaks it. */
enum taskd_error taskd_barrier_abort(struct taskd *c, const char *name);
/* As new; for those who wait it breaks. */
enum taskd_error taskd_barrier_reset(struct taskd *c, const char *name);

enum taskd_mq_order {
	TASKD_MQ_ANY, /* as it is, or first in, first out */
	TASKD_MQ_FIFO,
	TASKD_MQ_LIFO,
	TASKD_MQ_PRIORITY, /* the highest first, equal ones as they came */
};
/* Of one that is there otherwise: TASKD_E_MISMATCH. */
struct taskd_mq_options {
	enum taskd_mq_order order;
	int64_t limit_count, limit_bytes; /* a put waits while it has so much; 0: as it is, or no limit */
	bool shared; /* of taskd_mq_create only: other users may use it, too; else it is its maker's alone */
};
/* Made so, it stays until it is deleted, also empty; it may be there, the same, already. Others are made by their first
 * put or get, and go when they are empty and nobody waits. Who makes it so or puts first has it for himself, unless it is
 * made shared: for other users all that is done with it is TASKD_E_DENIED, also what waited before. OPTIONS may be NULL. */
enum taskd_error taskd_mq_create(struct taskd *c, const char *name, const struct taskd_mq_options *options);
/* VALUE: JSON text. OPTIONS may be NULL. TASKD_E_QUEUE_FULL: there was no room in time. To put many without waiting for
 * each answer: taskd_request, as taskd-protocol(7) has mq.put. */
struct taskd_mq_put_options {
	int priority; /* where the order is TASKD_MQ_PRIORITY; higher is more urgent */
	bool head;    /* it is the next to be got */
	struct taskd_mq_options mq;
};
enum taskd_error taskd_mq_put(struct taskd *c, const char *name, const char *value,
	const struct taskd_mq_put_options *options, int64_t timeout_ns);
struct taskd_message {
	char *value; /* JSON text, terminated; free it with taskd_message_free; NULL where there is none */
	size_t length;
	int priority;
	int deliveries;   /* how often it was given to somebody; 1 the first time */
	char receipt[24]; /* what to acknowledge it by; "" where it has not to be */
};
struct taskd_mq_get_options {
	bool tail; /* from the end that puts go to */
	bool ack;  /* it goes back to its place unless it is acknowledged before this connection ends */
};
/* OPTIONS may be NULL. TASKD_E_NOT_FOUND: the queue was deleted meanwhile. */
enum taskd_error taskd_mq_get(struct taskd *c, const char *name, const struct taskd_mq_get_options *options,
	int64_t timeout_ns, struct taskd_message *message);
/* Frees its value; its receipt stays good. NULL is allowed. */
void taskd_message_free(struct taskd_message *message);
/* Done with it; counts as taskd_mq_task_done. TASKD_E_NOT_FOUND: not a receipt of this connection's, or no longer. */
enum taskd_error taskd_mq_ack(struct taskd *c, const char *receipt);
/* Back to its place, at once. */
enum taskd_error taskd_mq_nack(struct taskd *c, const char *receipt);
/* The next to be got (TAIL: from the other end), without taking it; only its value and length are told.
 * TASKD_E_NOT_FOUND where there is none. */
enum taskd_error taskd_mq_peek(struct taskd *c, const char *name, bool tail, struct taskd_message *message);
/* How many wait in it: 0 also where it is not there. */
enum taskd_error taskd_mq_length(struct taskd *c, const char *name, int64_t *length);
/* *cleared (may be NULL): how many were thrown away. */
enum taskd_error taskd_mq_clear(struct taskd *c, const char *name, int64_t *cleared);
/* Waits until as many were done, by taskd_mq_task_done or taskd_mq_ack, as were put. */
enum taskd_error taskd_mq_join(struct taskd *c, const char *name, int64_t timeout_ns);
/* COUNT, 1 or more, of those that were got without acknowledgement. TASKD_E_OVER_RELEASED: more than were put. */
enum taskd_error taskd_mq_task_done(struct taskd *c, const char *name, int64_t count);
/* With all that is in it; whoever waits at it gets TASKD_E_NOT_FOUND, as this does where it is not there. */
enum taskd_error taskd_mq_delete(struct taskd *c, const char *name);

/* --- any method of the daemon --- */
/* Calls METHOD with PARAMS (JSON array or object, or NULL for none): a future whose result is the method's. NULL as
 * taskd_submit. Freed before its answer, it cancels what it had started where METHOD is task.call, task.map or a task,
 * and waits no longer where it is lock.acquire, mq.get or the like; what was granted before the daemon heard of that is
 * this connection's all the same. */
struct taskd_future *taskd_request(struct taskd *c, const char *method, const char *params);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
