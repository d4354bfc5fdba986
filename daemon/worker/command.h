/* One command's life in its slot: from the request to the reply. A worker of a pool of commands has one slot and is the
 * subreaper of all that its command starts, so whatever is left of the command's tree is a child of this process sooner or
 * later, and belongs to nobody else. Nothing of it survives the reply.
 *
 *   starting ──(could not)──────────────────────────────────────────────▶ over (not started)
 *      │
 *      ▼
 *   running ──(told to stop: TERM to the tree; told to kill: KILL)──▶ running
 *      │
 *      ▼ (its process has ended)
 *   leaving: what it left behind may end by itself for COMMAND_LINGER_NS, then TERM, then, COMMAND_LAST_NS later, KILL;
 *      │     its output is read meanwhile, and what is attached gets the rest
 *      ▼ (no process is left, what can be read has been read, and written)
 *   over
 */
#ifndef WORKER_COMMAND_H
#define WORKER_COMMAND_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "lane/capture.h"
#include "proto/command.h"
#include "worker/confine.h"
#include "worker/run_as.h"

struct command_slot;
struct inbox;
struct lane_end;
struct lane_reply;
struct lane_request;
struct strbuf;
struct streams;
struct tree;
struct user_identity;

#define COMMAND_LINGER_NS (250 * INT64_C(1000000))
#define COMMAND_LAST_NS (250 * INT64_C(1000000))

/* What the start message says about a worker of commands. */
struct command_setting {
	int slot;              /* TASKD_SLOT: the worker's index in its pool */
	char *log_dir;         /* NULL: no logs on disk */
	int64_t log_ttl_ns;    /* a log is kept so long after its last byte; 0: for ever */
	int64_t log_bytes;     /* all logs together; 0: no limit */
	char *cgroup;          /* the folder in which this worker may make its own cgroup; NULL: none */
	size_t payload_limit;
	bool as_submitter;     /* this process is root, and each command is run as its request says, or as `user` */
	int64_t user;          /* -1: nobody */
	struct confine confine; /* of each command */
	char *directory;       /* in which each has a folder of its own; NULL: none has */
	int64_t linger_ns, last_ns; /* 0: COMMAND_LINGER_NS, COMMAND_LAST_NS */
};

/* --- command.c --- */
/* Makes this process fit for commands: a subreaper, SIGCHLD blocked and SIGPIPE ignored. In the thread that starts the
 * slot's, before it does; END, CAPTURE and INBOX are borrowed. NULL with errno. */
struct command_slot *command_slot_new(const struct command_setting *setting, struct lane_end *end, struct capture_end *capture,
	struct inbox *inbox);
void command_slot_free(struct command_slot *slot);
/* What is worth doing between two commands, and takes no longer than a look most often: old logs are removed. */
void command_slot_tidy(const struct command_slot *slot);
/* Runs REQUEST, whatever its task's name, to its end, and fills in REPLY and PAYLOAD. REQUEST's descriptors are taken over.
 * False: the master is gone, or something of the command's tree could not be ended: the slot is to take no other. */
bool command_run(struct command_slot *slot, const struct lane_request *request, struct lane_reply *reply,
	struct strbuf *payload) __attribute__((warn_unused_result));

/* --- inbox.c: what the main thread hears for the slot's thread, and what that answers --- */
enum inbox_kind { INBOX_TERM, INBOX_KILL, INBOX_SIGNAL, INBOX_SUSPEND, INBOX_RESUME, INBOX_WINDOW, INBOX_SEND };
struct inbox_message {
	enum inbox_kind kind;
	uint64_t task_id;
	uint32_t attempt;
	uint64_t ask; /* to be answered under this number; 0: no answer */
	int signal;
	int rows, columns;
	bool eof;
	size_t length;
	char *data; /* malloc'ed, the message's */
	struct inbox_message *next;
};
/* CONTROL_FD and END are borrowed. NULL with errno. */
struct inbox *inbox_new(int control_fd, const struct lane_end *end);
void inbox_free(struct inbox *inbox);
/* An eventfd, readable while something is there. */
int inbox_fd(const struct inbox *inbox);
/* The main thread; takes MESSAGE over. Where the slot has no task, and none is on its way, it is answered at once. */
void inbox_put(struct inbox *inbox, struct inbox_message *message);
/* The slot has taken a task up. False: the master is gone, nothing is to be started any more. */
bool inbox_begin(struct inbox *inbox);
/* The oldest one for that attempt of that task, the slot's; those for others are answered with "not running". NULL. */
struct inbox_message *inbox_take(struct inbox *inbox, uint64_t task_id, uint32_t attempt);
/* Whether a TERM or a KILL for it is among what was not taken yet. */
bool inbox_has_stop(struct inbox *inbox, uint64_t task_id, uint32_t attempt);
/* Nothing runs any more. */
void inbox_end(struct inbox *inbox);
/* The slot has given its reply: what came too late is answered. */
void inbox_settle(struct inbox *inbox);
void inbox_message_free(struct inbox_message *message);
/* From any thread. WORD: "done", "not_running", "no_input" or "refused" with a REASON. Nothing for ask 0. */
void inbox_answer(struct inbox *inbox, uint64_t ask, const char *word, const char *reason);
/* The master is gone: the slot is to end what it runs. Waits for that, PATIENCE_NS at most; false: it still runs. */
bool inbox_orphan(struct inbox *inbox, int64_t patience_ns);
bool inbox_is_orphaned(struct inbox *inbox);

/* What could not be done, where it is about something with a name. */
#define COMMAND_STEP_EXECUTE "execute"
#define COMMAND_STEP_DIRECTORY "change to the directory"
#define COMMAND_STEP_STDIN "open the file for standard input"
#define COMMAND_STEP_USER "become the user"
#define COMMAND_STEP_CGROUP "join its cgroup"

/* --- spawn_command.c --- */
/* What a command has of rights, and what is opened for it, too. */
struct command_rights {
	const struct run_as *as;       /* NULL: who the worker is */
	const struct confine_kit *kit; /* NULL: nothing is given up */
};
struct command_start {
	char **argv;
	char **environment;
	const char *program; /* a path */
	const char *cwd;     /* NULL: "/" */
	const int *fds;      /* of 0, 1, 2 */
	bool tty;            /* fds[0] becomes its controlling terminal, in a session of its own; else it heads a process group */
	mode_t umask;
	int nice;            /* added */
	const struct command_params *limits;
	int cgroup_fd;       /* where it is to start; -1: here. A folder of cgroup2 */
	struct command_rights rights;
	bool cgroup_limits;  /* …which sees to limit_memory and limit_processes; else each process is limited */
};
/* Starts it, without copying this process (CLONE_VM | CLONE_VFORK). 0 with pid, or -1: *step (static) is what
 * could not be done, "execute", "change to the directory", …, and errno why. */
int command_spawn(const struct command_start *start, int *pid, const char **step);

/* --- tree.c: everything that descends from this process --- */
/* Whether there are children at all, those that have ended included; one system call. */
bool tree_is_empty(void);
/* Sends SIGNAL to every process of the tree; TERM with CONT behind it, since what is stopped takes it when it goes on, and
 * does nothing else before. For STOP and KILL that is every one, however they fork: all are stopped, until a
 * pass finds nobody new. How many there were. Processes are found by their parents in /proc. */
size_t tree_signal(int signal_number);
/* Collects children that have ended, but for PID. How many. */
size_t tree_reap(int pid);
/* What wait(2) would say of PID, which has ended, where another process has to be told first; 0 where that is not known. */
int tree_status(int pid);

/* --- environment.c --- */
struct environment_own {
	const struct user_identity *user; /* whose HOME, USER, LOGNAME and SHELL; NULL: the worker's, and XDG_RUNTIME_DIR */
	const char *directory;            /* TMPDIR; NULL: none */
};
/* The command's: the worker's own PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, TZ and XDG_RUNTIME_DIR, or what OWN says,
 * over them what PARAMS say, over those TASKD_TASK_ID, TASKD_ATTEMPT, TASKD_SLOT and TASKD_SOCKET. One block, for free(3). */
char **environment_make(const struct command_params *params, const struct environment_own *own, uint64_t task_id,
	uint32_t attempt, int slot);
/* The program that NAME means: a path as it is (relative to CWD), else searched in ENVIRONMENT's PATH. malloc'ed; NULL with
 * errno: ENOENT, EACCES (it is there, and may not be executed), … */
char *program_find(const char *name, const char *cwd, char *const *environment);

/* --- streams.c and its kin: what flows in and out --- */
#define STREAMS_POLL_MAX 6
/* Opens what the command reads and writes: pipes, a terminal, /dev/null, a file, what came along (FDS, in the order of
 * params->fds, taken over also where it fails), with the command's RIGHTS. LOG_DIR NULL: no logs; they are the worker's.
 * NULL: *step and errno as of command_spawn. After capture_begin; SIGPIPE is ignored. END is for LANE_OUTPUT alone. */
struct streams *streams_new(const struct command_params *params, const struct command_rights *rights, const int *fds,
	struct lane_end *end, struct capture_end *capture, const char *log_dir, uint64_t task_id, uint32_t attempt,
	const char **step);
void streams_free(struct streams *streams);
/* The three descriptors that become the command's 0, 1 and 2; the same one may be there several times. */
const int *streams_child(const struct streams *streams);
/* The command has them now: this side's copies are closed. */
void streams_started(struct streams *streams);
/* What is worth waiting for; how many entries of POLL (STREAMS_POLL_MAX) it took. 0: nothing moves any more. */
size_t streams_poll(struct streams *streams, struct pollfd *poll);
/* Moves what can be moved without waiting; bounded, so that others have their turn. POLL as streams_poll has filled it in. */
void streams_move(struct streams *streams, const struct pollfd *poll, size_t n);
/* The command's tree is gone: takes what is still in the pipes, of which there will be no end where somebody else holds
 * them open; then streams_poll tells only what attached readers have yet to take. Its input is closed. */
void streams_drain(struct streams *streams);
/* Attached readers get nothing more: it was cancelled. */
void streams_abandon(struct streams *streams);
/* Live input; into a terminal always. TAKEN: the command has it, or there was room; FULL: it must wait (nothing was kept):
 * at most 64 KiB wait here; CLOSED: there is none, or the command has closed it, or its end was said before. */
enum streams_input { STREAMS_TAKEN, STREAMS_FULL, STREAMS_CLOSED };
enum streams_input streams_send(struct streams *streams, const char *data, size_t length, bool eof);
/* 0, or -1 with errno; ENOTTY where there is no terminal. */
int streams_window(struct streams *streams, int rows, int columns);
/* What could not be written to its log, as errno; 0: nothing. */
int streams_log_error(const struct streams *streams);

/* --- command_log.c: logs on disk --- */
/* DIR/ID.ATTEMPT.stdout and .stderr. Opens an empty one for writing; -1 with errno. It is locked while it is open. */
int command_log_create(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream);
void command_log_remove(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream);
/* A page of one: how many bytes, and *total; -1 with errno, ENOENT where there is none. */
ssize_t command_log_read(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream, uint64_t offset,
	void *room, size_t size, uint64_t *total);
/* Removes what is too old or too much, the oldest first; looks at most once a minute (FORCE: now). */
void command_log_prune(const struct command_setting *setting, bool force);

/* --- cgroup_slot.c: this worker's own cgroup --- */
struct cgroup_slot;
/* Makes PARENT/slot-INDEX anew, and PARENT where it is the first. PARENT NULL: NULL. NULL: there is none, which is logged
 * once. */
struct cgroup_slot *cgroup_slot_new(const char *parent, int index);
void cgroup_slot_free(struct cgroup_slot *cgroup);
/* For a new command: sees to it that the cgroup is as it was made, and sets the limits (-1: none). 0, or -1 with errno: one of those that are wanted cannot be set here, and the
 * command is to be limited by other means; ENOTSUP: the kernel does not count that here. */
int cgroup_slot_begin(struct cgroup_slot *cgroup, int64_t memory, int64_t processes);
/* For command_spawn, after that; -1: there is none, at least for now. */
int cgroup_slot_fd(const struct cgroup_slot *cgroup);
/* A command could not join it, for that ERROR: the next one is to have another. */
void cgroup_slot_spoilt(struct cgroup_slot *cgroup, int error);
/* Whether the kernel has killed something in it for want of memory since it began. */
bool cgroup_slot_oom_killed(const struct cgroup_slot *cgroup);
/* KILL to everything in it. 0, or -1. */
int cgroup_slot_kill(const struct cgroup_slot *cgroup);

/* --- command_result.c --- */
struct command_end {
	int wait_status; /* as wait(2) gives it */
	struct rusage usage; /* of the command and what it has waited for */
	int64_t started_ns;
	int64_t ended_ns;
	bool oom_killed;
	bool maybe_oom;  /* killed by a SIGKILL that was not taskd's while the kernel killed something for want of memory */
	int pid;
	int log_error; /* errno; 0: none */
};
/* The result's JSON: see taskd-protocol(7). */
void command_result(struct strbuf *out, const struct command_params *params, const struct lane_request *request,
	const struct command_end *end, const struct capture_end *capture);
/* "exit status 3", "killed by SIGTERM". */
void command_describe(char *room, size_t size, const struct command_end *end);

#endif
