/* The core: tasks, their states, queues, the scheduler. It knows no sockets, processes, JSON or clock of its own: the
 * server tells it what happened and what time it is, and it answers through `struct core_ops`. One thread.
 *
 * Vocabulary
 *   type   what a task is an instance of: a name such as "fib", with what has been learned about it
 *   queue  where tasks wait, in order; belongs to one pool
 *   pool   a set of slots that serve some types
 *   slot   one thread of one worker process: runs one task at a time, and may hold a few more that wait in its lane
 *
 * Nothing but core_turn starts tasks; core_turn is called once at the end of every turn of the event loop. Tasks that
 * end stay valid until the end of that turn, also when their record is dropped. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/task.h"

struct core;
struct core_pool;
struct core_slot;

/* What the core asks of its surroundings. Every function gets `context`. */
struct core_ops {
	void *context;
	/* Put TASK into SLOT's lane. 0, or negative when the lane has no room: the core tries again after the slot's
	 * next completion. */
	int (*start)(void *context, struct core_slot *slot, struct task *task);
	/* Take TASK back out of SLOT's lane. True: it never ran there and never will. False: the slot has it. */
	bool (*revoke)(void *context, struct core_slot *slot, struct task *task);
	/* When the slot took TASK, as far as can be seen from here; 0 when it has not. Monotonic ns. */
	int64_t (*started)(void *context, struct core_slot *slot, struct task *task);
	/* Raise TASK's cancel flag. */
	void (*interrupt)(void *context, struct core_slot *slot, struct task *task);
	/* TASK was interrupted and did not stop within its grace: end the process that runs it, without harm to other
	 * tasks where that is possible. core_slot_lost follows, now or later. */
	void (*kill)(void *context, struct core_slot *slot, struct task *task);
	/* TASK has reached a terminal state; called once a task, before its waiters. */
	void (*ended)(void *context, const struct task *task);
};

struct core_limits {
	int64_t result_ttl_ns;  /* how long a success is kept; where it was fetched, at most so long after that */
	int64_t failure_ttl_ns; /* how long any other outcome is kept */
	size_t result_bytes;    /* how much the kept records may take in all; fetched ones, then the oldest go first */
	size_t result_count;
	int64_t kill_grace_ns; /* between interrupt and kill */
};

struct core_totals {
	uint64_t submitted;
	uint64_t ended[TASK_N_STATES]; /* by terminal state; the other entries are 0 */
	size_t waiting;                /* queued, in no lane */
	size_t in_lanes;               /* given to a slot: unstarted or running */
	size_t kept;                   /* ended, record kept */
	size_t kept_bytes;
	size_t queued_bytes;
};

struct core *core_new(const struct core_ops *ops, const struct core_limits *limits, int64_t now_ns);
void core_free(struct core *core);
/* The context that ops are called with, for one that is made after the core. */
void core_set_context(struct core *core, void *context);
void core_set_limits(struct core *core, const struct core_limits *limits);
const struct core_totals *core_totals(const struct core *core);

/* The time until the next core_set_now; every function that stamps a time uses this one. */
void core_set_now(struct core *core, int64_t now_ns);
int64_t core_now(const struct core *core);

/* Runs what is due, starts what can be started, drops what is old, frees what this turn freed. Returns when it wants
 * to be called again at the latest (monotonic ns; CLOCK_NEVER for never). */
int64_t core_turn(struct core *core);

/* --- types --- */
/* The type of that name; made on first use. Types are never freed: names come from the workers' handlers and from the
 * configuration, not from clients. */
struct task_type *core_type(struct core *core, const char *name, size_t length);
/* NULL where no such type has been made. */
struct task_type *core_type_find(const struct core *core, const char *name, size_t length);
/* In the order of their making; NULL at the end. */
struct task_type *core_type_next(const struct core *core, const struct task_type *after);

/* --- pools and slots --- */
/* `user` is handed back by core_pool_user. */
struct core_pool *core_pool_new(struct core *core, const char *name, void *user);
void *core_pool_user(const struct core_pool *pool);
/* Its slots must be gone, and its queues freed. */
void core_pool_free(struct core_pool *pool);
/* A slot of POOL that cannot run anything until core_slot_ready. `user` is handed back by core_slot_user. */
struct core_slot *core_slot_new(struct core_pool *pool, void *user);
void *core_slot_user(const struct core_slot *slot);
struct core_pool *core_slot_pool(const struct core_slot *slot);
void core_slot_ready(struct core_slot *slot);
/* Give it nothing more, and take back what it has not started. What it runs goes on. */
void core_slot_retire(struct core_slot *slot);
/* The slot's worker is dead. Each task that it had taken ends as `crashed` with OBITUARY (as cancelled or timed_out
 * where that is what it was killed for); each that it had not goes back to its place. `taken` is asked for each. The
 * slot is then as new: core_slot_ready or core_slot_free comes next. OBITUARY is borrowed. */
void core_slot_lost(struct core_slot *slot, const struct task_obituary *obituary);
/* The slot must have no tasks. */
void core_slot_free(struct core_slot *slot);
/* The tasks in its lane, oldest first; NULL at the end. */
struct task *core_slot_task_next(const struct core_slot *slot, const struct task *after);
size_t core_slot_in_flight(const struct core_slot *slot);
/* The task it is known to run, or NULL. Asks ops->started for those it does not know about. */
struct task *core_slot_running(struct core_slot *slot);

/* --- queues --- */
struct core_queue_options {
	size_t limit_queued; /* tasks that wait; 0: no limit */
	size_t limit_bytes;  /* of their arguments; 0: no limit */
};
struct core_queue *core_queue_new(struct core *core, const char *name, struct core_pool *pool,
	const struct core_queue_options *options);
/* No task of it may be waiting or in a lane. It is no longer found; records that are kept go on naming it, and then its
 * pool is NULL. */
void core_queue_free(struct core_queue *queue);
void core_queue_set(struct core_queue *queue, const struct core_queue_options *options);
struct core_queue *core_queue_find(const struct core *core, const char *name);
struct core_queue *core_queue_next(const struct core *core, const struct core_queue *after);
const char *core_queue_name(const struct core_queue *queue);
struct core_pool *core_queue_pool(const struct core_queue *queue);
const char *core_pool_name(const struct core_pool *pool);
struct core_queue_figures {
	size_t waiting;
	size_t waiting_bytes;
	size_t running; /* in lanes */
	uint64_t submitted;
	uint64_t ended;
	struct core_queue_options options;
};
void core_queue_figures(const struct core_queue *queue, struct core_queue_figures *out);

/* --- tasks --- */
enum core_refusal {
	CORE_OK = 0,
	CORE_QUEUE_FULL = -1,
	CORE_CLOSED = -2, /* core_close was called */
};
struct task_spec {
	struct task_type *type;
	struct core_queue *queue;
	struct bytes *args; /* a reference is taken */
	int32_t priority;
	uint32_t owner;      /* uid */
	uint32_t items;      /* 0, or the number of items of a map's chunk */
	int64_t timeout_ns;  /* from its start; 0: none */
	const char *tag;     /* copied; NULL: none */
	size_t tag_length;
};
/* A new task, queued. On refusal *out is NULL. */
int core_submit(struct core *core, const struct task_spec *spec, struct task **out) __attribute__((warn_unused_result));
/* Nothing more is taken in: core_submit answers CORE_CLOSED. Nothing more is started either where START is false:
 * what slots have not begun comes back to its queue. */
void core_close(struct core *core, bool start);

enum core_found { CORE_FOUND, CORE_NOT_FOUND, CORE_FORGOTTEN };
enum core_found core_find(const struct core *core, uint64_t id, struct task **out);

/* The slot says that TASK has begun to report: `fraction` in 0…1 or negative for unknown. TASK must be in a lane. */
void core_task_progress(struct task *task, double fraction, const char *text, size_t length);
/* The slot's word that TASK has ended. The outcome's bytes are taken over. STARTED and ENDED are the slot's clock
 * readings and are clamped to what is possible. */
void core_task_done(struct task *task, const struct task_outcome *outcome, int64_t started_ns, int64_t ended_ns);
/* Ends TASK as cancelled: at once where it has not started, else by interrupt and, after the grace, kill. True where
 * it is over now, or was over before. */
bool core_cancel(struct task *task);
/* Drops the record of a task that has ended; false where it has not. */
bool core_forget(struct task *task);
/* Somebody was given the outcome of TASK, which has ended: where room is needed, its record goes before others. */
void core_task_fetched(struct task *task);

/* Makes sure that the state of a task in a lane says what is true now (queued or running). */
void core_task_look(struct task *task);

/* The tasks that are in STATE; NULL at the end. TASK_RUNNING includes what core_task_look would find. For listings:
 * linear only in what is visited (and the number of slots). The order: ended ones newest first, with those that were
 * fetched behind the others; queued ones by queue, within it by priority in no order, oldest first, and last those in
 * lanes; running and cancelling ones by slot. Nothing may be submitted, started or ended between two calls. */
struct task *core_task_next(const struct core *core, enum task_state state, const struct task *after);
/* The newest task of any state whose id is below ID, or NULL: for pages of a listing, newest first. UINT64_MAX gives
 * the newest of all. Quick where ID is a task's, or near one. */
struct task *core_task_below(const struct core *core, uint64_t id);

#endif
