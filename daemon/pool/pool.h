/* Pools as processes: spawns the workers, gives them their lanes, hears what they say, notices their deaths, and
 * respawns them. It turns what lanes and processes do into calls on the core, and the core's wishes into lane calls. */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct config;
struct config_pool;
struct core;
struct core_pool;
struct core_queue;
struct core_queue_options;
struct core_slot;
struct event_base;
struct pools;
struct task;

enum worker_state {
	WORKER_WAITING,  /* not running: its next start is at start_at_ns */
	WORKER_STARTING, /* spawned, not ready */
	WORKER_READY,
	WORKER_RETIRING, /* gets nothing more, leaves when it is done */
};
const char *worker_state_name(enum worker_state state);

/* Handlers that could not be initialised, as the worker said. */
struct worker_failure {
	char *handler;
	char *reason;
	STAILQ_ENTRY(worker_failure) link;
};

/* What listings may read of a worker. */
struct worker {
	struct pools *pools;
	struct pool *pool;
	int index; /* within its pool */
	bool extra; /* beyond the pool's number, since tasks wait for tasks: see nested.c */
	int pid;   /* 0 while not running */
	enum worker_state state;
	int64_t started_ns;  /* this process's start */
	int64_t start_at_ns; /* WORKER_WAITING */
	uint64_t tasks_done; /* by this process */
	uint64_t starts;     /* processes so far */
	uint64_t deaths;     /* of those, not asked for */
	int young_deaths;    /* in a row */
	uint32_t rss_kib;    /* last known; 0: unknown */
	char last_end[128];  /* "killed by SIGKILL", "exit status 1"; "" while none has ended */
	STAILQ_HEAD(, worker_failure) failures;
	struct process *process; /* pool's own; NULL while not running */
	TAILQ_ENTRY(worker) link;
};

struct pool {
	char *name;
	char *tasks; /* what it serves, as configured */
	int processes;
	int threads;
	struct core_pool *core_pool;
	TAILQ_HEAD(worker_list, worker) workers; /* in the order of their indices */
	TAILQ_ENTRY(pool) link;
};

/* What workers said of a handler, or the configuration of a command; behind task_type.user. */
struct handler_info {
	char *summary;    /* or NULL */
	char *parameters; /* or NULL */
	char *source;     /* "built-in", the plugin's name, or "command" */
	struct handler_info *hidden; /* a command's: the handler of its name, which nobody finds meanwhile; or NULL */
};

/* Whether a queue of that pool runs commands as who submitted them (as_submitter): its workers are root then, with just
 * these capabilities. */
bool pools_as_submitter(const struct config *config, const char *pool);
/* The first such queue; NULL: none. */
const struct config_queue *pools_submitters_queue(const struct config *config, const char *pool);
/* Why POOL's workers would not start where this process, as it is now, started taskd, with its line; malloc'ed, NULL: nothing
 * is known. */
char *pools_user_problem(const struct config *config, const struct config_pool *pool);
/* The first pool whose user there is not, with its line; malloc'ed, NULL: none. */
char *pools_unknown_user(const struct config *config);
/* Whether POOL's workers would be somebody whom they may be only when taskd has been started again. */
bool pools_wait_for_restart(const struct config *config, const struct config_pool *pool);
#define POOLS_CAPABILITY(name) (UINT64_C(1) << (name)) /* linux/capability.h's */
#define POOLS_SUBMITTER_CAPABILITIES \
	(POOLS_CAPABILITY(CAP_SETUID) | POOLS_CAPABILITY(CAP_SETGID) | POOLS_CAPABILITY(CAP_KILL) | \
		POOLS_CAPABILITY(CAP_CHOWN) | POOLS_CAPABILITY(CAP_DAC_OVERRIDE))
#define POOLS_ROOT_CAPABILITIES UINT64_MAX /* of user = root: all that there are */

/* What a pool's section comes to where it says auto, or where one thing takes another. */
struct pool_confinement {
	const char *user; /* NULL: as the daemon */
	bool as_submitter; /* …but commands of some queue, which run as who submitted them */
	bool no_new_privs;
	const char *seccomp; /* "off", "default", "strict" */
	const char *read_paths, *write_paths; /* NULL: no limit */
	bool private_directory;
};
void pool_confinement(const struct pool *pool, struct pool_confinement *out);

/* SOFT_FILES: the soft limit of open files that workers start with; -1: as inherited. */
struct pools *pools_new(struct event_base *base, struct core *core, const struct config *config, long long soft_files);
/* Where the daemon listens: workers find it in their environment. Before pools_start. */
void pools_set_socket(struct pools *pools, const char *path);
/* The folder in which workers of commands may make cgroups, in one for each pool (pool-NAME); NULL: none. Before
 * pools_start. */
void pools_set_cgroup(struct pools *pools, const char *path);
/* What every worker has open as long as it lives (WORKER_ALIVE_FD), and nobody else: borrowed; -1: nothing. Before
 * pools_start. */
void pools_set_alive_fd(struct pools *pools, int fd);
/* The store's process, which is nothing that a worker has left behind; 0: none. */
void pools_set_store(struct pools *pools, int pid);
/* Kills what is left, and frees everything. */
void pools_free(struct pools *pools);
/* Spawns the workers. */
void pools_start(struct pools *pools);
/* Every worker is ready, or has failed at least once. */
bool pools_settled(const struct pools *pools);
/* Workers that are ready, and how many there ought to be. */
void pools_count(const struct pools *pools, int *ready, int *wanted);
/* Some worker is ready, or ends what it has before it is replaced, or starts without having died young before. */
bool pools_well(const struct pools *pools);
/* What a reload may change: numbers of processes, limits, recycling, plugins. Workers whose start would be different
 * now are retired and replaced as they become free. */
void pools_configure(struct pools *pools, const struct config *config);
/* Hears all lanes that may have something to say, until END_NS (CLOCK_NEVER: all of it), and the next time those first
 * that were not heard. *BEHIND: there may be more. True: there was something. */
bool pools_turn(struct pools *pools, int64_t end_ns, bool *behind);
/* Wakes the slots that were given something since the last call; after core_turn. */
void pools_kick(struct pools *pools);
/* Before pools_sleep: where slots have just been given what takes only microseconds, waits for the first answer for a few
 * microseconds without sleeping, which saves both sides a wake-up. True: there is one. */
bool pools_linger(struct pools *pools);
/* Before the event loop sleeps: asks for doorbells. False: something has come meanwhile, do not sleep. */
bool pools_sleep(struct pools *pools);
void pools_wake(struct pools *pools);
/* When pools_timer wants to be called (monotonic ns; CLOCK_NEVER). */
int64_t pools_next_ns(const struct pools *pools);
void pools_timer(struct pools *pools);
/* No worker is started again; those without work are asked to leave. */
void pools_stop(struct pools *pools);
/* Ends the workers that run nothing but durable tasks that may be run again. */
void pools_interrupt(struct pools *pools);
/* No worker is left. */
bool pools_gone(const struct pools *pools);
void pools_kill(struct pools *pools);
/* The same, and nothing is cleared up any more. */
void pools_hurry(struct pools *pools);
struct pool *pools_first(const struct pools *pools);
/* The pool of that name, or NULL. */
struct pool *pools_find(const struct pools *pools, const char *name);
/* So many worker processes from now on, until the configuration is read again. Those that are too many leave when they
 * have done what they took. 0, or -1 with *error (malloc'ed). */
int pools_resize(struct pools *pools, struct pool *pool, int processes, char **error) __attribute__((warn_unused_result));
struct worker *pools_worker_of(const struct core_slot *slot);
int pools_slot_index(const struct core_slot *slot);
/* The slots of a worker that runs, one after the other: NULL at the end. */
struct core_slot *pools_slot_next(const struct worker *worker, int index);

/* Whether POOL's configuration lets it run tasks of that name. */
bool pools_serves(const struct core_pool *pool, const char *task_name);

/* --- queues at run time --- */
/* Makes one. POOL NULL: the pool of its name, else "default". It survives a reload, but where the configuration names it
 * by then, that counts. NULL with *error (malloc'ed): the name is no name or is taken, or there is no such pool. */
struct core_queue *pools_queue_create(struct pools *pools, const char *name, const char *pool,
	const struct core_queue_options *options, char **error) __attribute__((warn_unused_result));
/* Whether the configuration names it, or it is a pool's own. */
bool pools_queue_is_configured(const struct pools *pools, const struct core_queue *queue);
/* Frees QUEUE, which must be empty, made at run time or gone from the configuration, and used by no schedule. 0, or -1
 * with *error (malloc'ed). */
int pools_queue_remove(struct pools *pools, struct core_queue *queue, char **error) __attribute__((warn_unused_result));

/* --- tasks that wait for tasks: see nested.c --- */
/* The process of the worker that the process PID is, or, of commands, descends from; 0: none. To be asked once for each
 * connection, when it first waits: whose child a process is may change, and it takes some system calls while commands run. */
int pools_nested_pid(const struct pools *pools, int pid);
/* A client waits for so many tasks more, or less (0: just asks); PID as pools_nested_pid gives it. True where that is a
 * worker's. */
bool pools_nested(struct pools *pools, int pid, int change);
/* What is called when nothing can go on in POOL any more, and it may have no further process: it ends one wait for a
 * task that waits there. False: there was none. */
void pools_on_deadlock(struct pools *pools, bool (*fail)(void *context, const struct core_pool *pool), void *context);
/* Sees to it that tasks can go on in every pool; once a turn, after core_turn. */
void pools_unblock(struct pools *pools);

/* The core's wishes; see struct core_ops. */
int pools_op_start(void *context, struct core_slot *slot, struct task *task);
bool pools_op_revoke(void *context, struct core_slot *slot, struct task *task);
int64_t pools_op_started(void *context, struct core_slot *slot, struct task *task);
void pools_op_interrupt(void *context, struct core_slot *slot, struct task *task);
void pools_op_kill(void *context, struct core_slot *slot, struct task *task);
void pools_op_ended(void *context, const struct task *task);

#endif
