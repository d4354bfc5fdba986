/* The core: tasks, their states, queues, the scheduler. It knows no sockets, processes, JSON or clock of its own: the
 * server tells it what happened and what time it is, and it answers through `struct core_ops`. One thread.
 *
 * Vocabulary
 *   type   what a task is an instance of: a name such as "fib", with what has been learned about it
 *   queue  where tasks wait, in order; belongs to one pool
 *   pool   a set of slots that serve some types
 *   slot   one thread of one worker process: runs one task at a time, and may hold a few more that wait in its lane
 *   claim  a lock, or permits of a semaphore, that a task must have before it starts (see object/object.h)
 *
 * Nothing but core_turn starts tasks; core_turn is called once at the end of every turn of the event loop. Tasks that
 * end stay valid until the end of that turn, also when their record is dropped. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include "core/task.h"

struct core;
struct core_pool;
struct object;
struct object_claim;
struct object_owner;
struct objects;
struct core_schedule;
struct core_slot;

/* What is recorded of a durable task. */
enum core_record {
	RECORD_SUBMITTED, /* it has come in; its state is TASK_RECORDING until core_recorded */
	/* A slot has taken it, and runs it now: TASK_RUNNING. Not told where that is learned by its end only, so that tiny
	 * tasks cost nothing; nor when it is merely given to a slot: what lies in a lane unstarted must not count as
	 * interrupted. (A START record of on_interrupt_crash tasks has been written before, see durable_holds_start; of others
	 * it is written now, lazily.) */
	RECORD_STARTED,
	RECORD_STATE,     /* it waits: in another state, or at another place, than was recorded last. Or it runs, and has
			   * been cancelled: TASK_CANCELLING, and a restart ends it */
	RECORD_ATTEMPT,   /* the same, and the attempt before this one is over: extra->attempts has it */
	RECORD_ENDED,     /* it has an outcome; its state is TASK_RECORDING until core_recorded */
	RECORD_FORGOTTEN, /* somebody has forgotten it, by core_forget */
};

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
	/* Makes the arguments of a task that asked for the results of the tasks it waited for: ARGS, a JSON array or
	 * object, with RESULTS (JSON values, in the order in which they were named) added to it. Their size, and a new
	 * reference in *out where OUT is not NULL; negative where that would be too large. */
	int64_t (*gather)(void *context, const struct bytes *args, struct bytes *const *results, size_t count,
		struct bytes **out);
	/* TASK has come into the state that it is in, or has reported progress. Only called while somebody observes;
	 * see core_observe. It must not change anything. NULL is allowed. */
	void (*changed)(void *context, struct task *task, bool progress);
	/* Why a run of SCHEDULE cannot be submitted now, for what the core does not know of: CORE_DENIED, its owner has no right
	 * to it (*why, static, tells which); CORE_STORE_FULL and so on, where it is durable; CORE_OK. NULL is allowed. */
	int (*refuses)(void *context, const struct core_schedule *schedule, const char **why);
	/* A run of SCHEDULE was due and could not be submitted: a core_refusal, or CORE_OVERLAP. Of those that are denied one
	 * after the other, for the same reason, this is told of the first one. NULL is allowed. */
	void (*skipped)(void *context, const struct core_schedule *schedule, int refusal);
	/* TASK is durable, and this is to be recorded of it; in this order, with all that TASK says now. MORE: what comes
	 * next belongs to it, all or none (the tasks of a batch). That it has been given to a slot is not told: `start` knows.
	 * It must not call the core back. NULL: nothing can be durable, and core_submit takes no such task. */
	void (*record)(void *context, struct task *task, enum core_record what, bool more);
	/* TASK is durable and has been recorded, and the INDEXth that it waits for (core_dependency) has ended as it was to, but of
	 * that one nothing is on disk. NULL is allowed. */
	void (*met)(void *context, const struct task *task, size_t index);
	/* QUEUE has been made, set, paused, drained, resumed, or (GONE) is about to go. NULL is allowed. */
	void (*queue_changed)(void *context, struct core_queue *queue, bool gone);
	/* SCHEDULE has been added, has RUN (or skipped a run), or (GONE) is about to go. NULL is allowed. */
	void (*schedule_changed)(void *context, const struct core_schedule *schedule, bool run, bool gone);
};

struct core_limits {
	int64_t result_ttl_ns;  /* how long a success is kept; where it was fetched, at most so long after that */
	int64_t failure_ttl_ns; /* how long any other outcome is kept */
	size_t result_bytes;    /* how much the kept records may take in all; fetched ones, then the oldest go first */
	size_t result_count;
	int64_t kill_grace_ns; /* between interrupt and kill */
	uint32_t crash_limit;  /* a task that has killed so many workers is not tried again; 0: no limit */
};

struct core_totals {
	uint64_t submitted;
	uint64_t ended[TASK_N_STATES]; /* by terminal state; the other entries are 0 */
	size_t scheduled;
	size_t blocked;
	size_t waiting;                /* queued, in no lane */
	size_t durable;                /* … of them, those that are durable */
	size_t in_lanes;               /* given to a slot: unstarted or running */
	size_t recording;              /* not come in yet, or not over yet, but for the disk; or held by core_hold */
	size_t kept;                   /* ended, record kept */
	size_t kept_bytes;
	size_t queued_bytes;           /* of scheduled, blocked and waiting ones, as limit_bytes counts them; and of those
					* that are recording, and have no outcome */
};

/* The two clocks as they stand: see core_set_now and core_set_wall. */
struct core *core_new(const struct core_ops *ops, const struct core_limits *limits, int64_t now_ns, int64_t wall_ns);
void core_free(struct core *core);
/* The named objects, which are the core's, without limits at first. Who holds or waits for some of them has ended before
 * core_free. */
struct objects *core_objects(const struct core *core);
/* The context that ops are called with, for one that is made after the core. */
void core_set_context(struct core *core, void *context);
void core_set_limits(struct core *core, const struct core_limits *limits);
const struct core_totals *core_totals(const struct core *core);

/* The time until the next core_set_now; every function that stamps a time uses this one. */
void core_set_now(struct core *core, int64_t now_ns);
int64_t core_now(const struct core *core);
/* The wall clock's time, at the same moment: only what was said to be `at` a time, and cron, go by it. It may go
 * backwards, and forwards by any step; who sets it sees to it that core_turn is called after a step. */
void core_set_wall(struct core *core, int64_t wall_ns);
int64_t core_wall(const struct core *core);
/* Of the random parts of pauses between attempts. */
void core_seed(struct core *core, uint64_t seed);
/* Whether somebody wants ops.changed to be called. */
void core_observe(struct core *core, bool on);

/* Whether some are still to be told of ends that came in earlier turns. */
bool core_is_telling(const struct core *core);
/* Runs what is due, starts what can be started, drops what is old, frees what this turn freed. Returns when it wants
 * to be called again at the latest (monotonic ns; CLOCK_NEVER for never). */
int64_t core_turn(struct core *core);
/* The next core_turn has something to do at once: some object that tasks wait for may be had since the last one. */
bool core_is_due(const struct core *core);

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
/* So much estimated work may lie in a lane of its slots; a millisecond where nothing is said. While something waits in
 * one, it is looked at a few times before that is over. */
void core_pool_set_window(struct core_pool *pool, int64_t window_ns);
/* Whether an awaited task waits in it that may start now: see core_task_await. */
bool core_pool_awaits(const struct core_pool *pool);
/* One of its reserved slots may take a task in the next turn. False where that was so already. */
bool core_pool_admit(struct core_pool *pool);
/* Its slots must be gone, and its queues freed. */
void core_pool_free(struct core_pool *pool);
/* A slot of POOL that cannot run anything until core_slot_ready. `user` is handed back by core_slot_user. */
struct core_slot *core_slot_new(struct core_pool *pool, void *user);
void *core_slot_user(const struct core_slot *slot);
struct core_pool *core_slot_pool(const struct core_slot *slot);
void core_slot_ready(struct core_slot *slot);
/* From now on it is only for awaited tasks, one for each core_pool_admit; or for all again. */
void core_slot_reserve(struct core_slot *slot, bool reserved);
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
enum queue_order {
	QUEUE_PRIORITY, /* the highest priority first, equal ones first come first served */
	QUEUE_FIFO,     /* first come first served; priorities count for nothing */
	QUEUE_LIFO,     /* last come first served; so do they here */
};
struct core_queue_options {
	size_t limit_queued;  /* scheduled, blocked and waiting tasks; 0: no limit */
	size_t limit_bytes;   /* of their arguments, and of what they are to wait for; 0: no limit */
	size_t limit_running; /* in lanes; 0: no limit. Lowering it stops nothing */
	enum queue_order order;
	double rate;        /* starts a second; 0: no limit */
	uint32_t burst;     /* so many may start at once after a pause; 0: 1 */
	int64_t ageing_ns;  /* QUEUE_PRIORITY: who has waited so long counts for one priority more; 0: no ageing */
	uint32_t weight;    /* its share of its pool among queues whose next tasks have equal priorities; 0: 1 */
	bool fair;          /* at each priority the owners of what waits take turns, each with his own tasks in the queue's
			     * order; who comes to it has saved nothing up */
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
/* Nothing of it is started: what lanes hold of it unstarted comes back, what runs goes on. Idempotent, as the others. */
void core_queue_pause(struct core_queue *queue);
/* Nothing more is taken in: core_submit answers CORE_DRAINING. What it has goes on. */
void core_queue_drain(struct core_queue *queue);
/* The end of both. */
void core_queue_resume(struct core_queue *queue);
struct core_queue_figures {
	size_t scheduled;
	size_t blocked;
	size_t waiting;
	size_t durable;       /* of those that are `waiting` */
	size_t waiting_bytes; /* of all three, as limit_bytes counts them; and of those recording */
	size_t running; /* in lanes */
	size_t recording; /* not come in yet, or held: they count for the limits as those that wait */
	bool paused;
	bool draining;
	uint64_t submitted;
	uint64_t ended;
	struct core_queue_options options;
};
void core_queue_figures(const struct core_queue *queue, struct core_queue_figures *out);

/* --- tasks --- */
enum core_refusal {
	CORE_OK = 0,
	CORE_ATTACHED = 1,        /* no new task: *out is the one that has the key */
	CORE_QUEUE_FULL = -1,
	CORE_CLOSED = -2,         /* core_close was called */
	CORE_DRAINING = -3,       /* its queue is */
	CORE_DUPLICATE = -4,      /* another task has the key */
	CORE_NO_DEPENDENCY = -5,  /* a task that it is to wait for never was */
	CORE_LOST_DEPENDENCY = -6, /* … has been forgotten */
	CORE_CYCLE = -7,          /* tasks of a batch wait for each other in a circle */
	CORE_NOT_OVER = -8,       /* core_retry: it has not ended */
	CORE_NOT_FAILED = -9,     /* core_retry: it succeeded */
	CORE_NO_QUEUE = -10,      /* core_retry: its queue, who could run it, or its arguments are gone */
	CORE_OVERLAP = -11,       /* a schedule's last run has not ended */
	CORE_EXISTS = -12,        /* a schedule of that name, of the same owner */
	CORE_OVER_SHARE = -13,    /* its owner would have more than one user may: see core_over_share */
	CORE_DENIED = -14,        /* a schedule's owner has no right to it any more */
	CORE_STORE_FULL = -15,    /* a schedule's run is durable, and the store takes nothing in: its disk is full, */
	CORE_STORE_FAILED = -16,  /* …it is out of order, */
	CORE_STORE_BEHIND = -17,  /* …or too much waits for it */
};
/* What becomes of a task whose key another task of the same owner has. */
enum key_mode {
	KEY_REJECT,  /* CORE_DUPLICATE while the other has not ended */
	KEY_ATTACH,  /* CORE_ATTACHED while it has not */
	KEY_REPLACE, /* the other is cancelled, as by core_cancel; by one that is durable, when that is on disk */
	KEY_ONCE,    /* CORE_ATTACHED as long as there is a record of the other, ended or not: for a submission that may
		      * have been made before */
};
/* A task that another waits for: by its id, or, where id is 0, by its index in the same batch. */
struct task_ref {
	uint64_t id;
	size_t index;
};
struct task_spec {
	struct task_type *type;
	struct core_queue *queue;
	struct bytes *args; /* a reference is taken */
	int32_t priority;
	uint32_t owner;      /* uid */
	uint32_t items;      /* 0, or the number of items of a map's chunk */
	int64_t timeout_ns;  /* from each start; 0: none */
	int64_t expires_ns;  /* monotonic moment by which it must have started; 0: none */
	int64_t due_ns;      /* not before this moment; 0: none */
	bool wall;           /* due_ns is of the wall clock */
	bool pass_results;   /* the results of `after` are added to its arguments: see core_ops.gather */
	const char *tag;     /* copied; NULL: none */
	size_t tag_length;
	const char *key;     /* copied; NULL: none */
	size_t key_length;
	enum key_mode key_mode;
	const struct task_retry *retry; /* copied; NULL: none */
	const struct task_ref *after;   /* it waits until these have succeeded, and ends where one does not; read, not kept */
	size_t n_after;
	const struct task_ref *after_any; /* it waits until these have ended */
	size_t n_after_any;
	const struct object_claim *claims; /* copied; claims_check has found nothing wrong with them */
	size_t n_claims;
	struct core_schedule *schedule; /* the core's own */
	uint64_t retry_of; /* the core's own */
	bool detached; /* task.detached: nobody's leaving cancels it; set here, it is recorded with it */
	bool durable;
	bool on_interrupt_crash;
};
/* A new task: blocked, scheduled or queued, or even ended, where one that it is to wait for has failed already. On
 * refusal *out is NULL; but CORE_DUPLICATE and CORE_ATTACHED give the task that is there. What it says of `index` must
 * not be used. */
int core_submit(struct core *core, const struct task_spec *spec, struct task **out) __attribute__((warn_unused_result));
/* What core_submit would say of SPEC's key alone: CORE_OK, or CORE_DUPLICATE or CORE_ATTACHED with *out. */
int core_submit_key(const struct core *core, const struct task_spec *spec, struct task **out);
/* How many bytes its queue's limit_bytes counts for it. */
size_t core_submit_cost(const struct task_spec *spec);
/* COUNT of them, all or none, with ids in their order; they may wait for each other by index, in any order that is no
 * circle. OUT has room for COUNT. A refusal is of the one at *culprit, with OUT[*culprit] as with core_submit (but NULL
 * where it is a duplicate of another of the batch; for CORE_NO_DEPENDENCY and CORE_LOST_DEPENDENCY: *id is that task's;
 * for CORE_CYCLE: it is on a circle); CORE_ATTACHED is none: that place of OUT is a task that was there, or the same as
 * an earlier place. */
int core_submit_batch(struct core *core, const struct task_spec *specs, size_t count, struct task **out,
	size_t *culprit, uint64_t *id) __attribute__((warn_unused_result));
/* What TASK waits for, or waited for: the INDEXth, those of `after` before those of `after_any`. */
struct task_dependency {
	uint64_t id;
	bool any; /* of after_any */
	bool done; /* nothing is expected of it any more */
	bool met; /* … since it has ended as it was to */
	const struct bytes *result; /* done, and it is to be passed on; borrowed. NULL: there is none */
};
/* False: there is no INDEXth. */
bool core_dependency(const struct task *task, size_t index, struct task_dependency *out);
/* Whether the results of what TASK waits for are added to its arguments. */
bool core_passes_results(const struct task *task);
/* How large TASK's arguments are, with the results that have been passed to it. */
size_t core_args_size(const struct task *task);
/* How many TASK still waits for. */
size_t core_dependencies_open(const struct task *task);
/* What TASK must have before it starts: *n of them; NULL: nothing. */
const struct object_claim *core_claims(const struct task *task, size_t *n);
/* False: TASK's last attempt, if there was one, did not come to have them. *fence: the largest of the numbers that came with
 * them; *holder_died: the one before had one of them, and died. */
bool core_claims_had(const struct task *task, uint64_t *fence, bool *holder_died);
/* The one of them because of which TASK is blocked; NULL: it is not, or because of tasks. */
const struct object_claim *core_waits_for(const struct task *task);
/* The tasks that are blocked by OBJECT, at most ROOM of them, those of each queue in its order; how many there are in all.
 * Not all of them have a ticket there. */
struct claim_waiter {
	const struct task *task;
	const struct object_claim *claim;
	int64_t since_ns;
};
size_t core_claim_waiters(const struct core *core, const struct object *object, struct claim_waiter *out, size_t room);
/* TASK as one who holds and waits for named objects: for what is asked for in its name. Made on demand; it ends with the
 * attempt, however that does. NULL: TASK does not run. */
struct object_owner *core_task_owner(struct task *task);
/* Once more, as a new task, what TASK was, which has ended without success; it keeps its key, tag, claims, limits and
 * retries, and waits for nothing: no task, no time, no deadline. A task that was retried gives its retry again (CORE_ATTACHED) as
 * long as there is a record; one whose key another task has by now gives that one (CORE_DUPLICATE). */
int core_retry(struct task *task, struct task **out) __attribute__((warn_unused_result));
/* Nothing more is taken in: core_submit answers CORE_CLOSED. Nothing more is started either where START is false:
 * what slots have not begun comes back to its queue. */
void core_close(struct core *core, bool start);

/* --- shares: what one user may have of it all --- */
#define CORE_EXEMPT_LIMIT 2
struct core_shares { /* 0: no limit */
	size_t queued;       /* tasks that have not started: scheduled, blocked, waiting, or recorded before they are */
	size_t queued_bytes; /* …as limit_bytes of a queue counts them */
	size_t running;      /* tasks in lanes. What is beyond waits, and holds up nobody else's, whatever the queue's order; but an
			      * awaited task (core_task_await) may always start */
	size_t result_bytes; /* kept records: the owner's fetched ones, then his oldest, go first where he has more */
	uint32_t exempt[CORE_EXEMPT_LIMIT]; /* uids whom all this does not bind */
	size_t n_exempt;
};
/* What is there already stays. */
void core_set_shares(struct core *core, const struct core_shares *shares);
enum core_share { CORE_SHARE_QUEUED, CORE_SHARE_QUEUED_BYTES };
/* Which share the submission of SPEC and of COUNT tasks in all, which count for BYTES in all, is over: after
 * CORE_OVER_SHARE. What the owner has of it, and how much he may have. */
enum core_share core_over_share(const struct core *core, const struct task_spec *spec, size_t count, size_t bytes,
	size_t *has, size_t *may);
struct core_user_figures {
	uint32_t uid;
	size_t queued, queued_bytes; /* as shares count them */
	size_t running;              /* in lanes */
	size_t held;                 /* of `queued`: those that wait for their owner's others to end (shares.running) */
	size_t kept, kept_bytes;     /* ended, record kept */
	size_t descriptors;          /* that came along with those that have not ended */
};
/* Zeroed but for uid where he has no tasks. */
void core_user_figures(const struct core *core, uint32_t uid, struct core_user_figures *out);
/* So many descriptors came along with TASK, which has not ended, and are kept until it has: once for a task. */
void core_task_keeps(struct task *task, size_t descriptors);
/* The owners of tasks, in no order; CURSOR is 0 at first. False: no more. */
bool core_user_next(const struct core *core, size_t *cursor, struct core_user_figures *out);

/* --- durable tasks --- */
/* A task with the `durable` bit is TASK_RECORDING twice in its life: from its submission, which has all its checks and its
 * place behind it, until that is on disk; and from the moment in which its outcome is decided (slot, locks and time
 * limits are behind it then) until that is. Meanwhile nobody is told, it keeps its key, and a cancel of the first is
 * remembered (`final`), one of the second (`outcome`) comes too late. In both cases core_cancel gives false. */
/* What was recorded last of that task, by RECORD_SUBMITTED or RECORD_ENDED (and not by others), is on disk: it goes on
 * to its calendar or queue, to its place; or it has ended now. Nothing happens where there is no such task, or it does
 * not wait for that. */
void core_recorded(struct core *core, uint64_t id);
/* Its submission could not be recorded: it never was, and whom it was to replace has the key again. Its waiters are told of
 * an outcome of TASK_CANCELLED with KIND (static) and MESSAGE (copied), its dependents as of any other, and there is no record of it. */
void core_refused(struct core *core, uint64_t id, const char *kind, const char *message);
/* Durable tasks are not started any more (they become TASK_RECORDING when it would be their turn), or go on. */
void core_hold(struct core *core, bool hold);
/* TASK, which is in a slot's lane as far as the core knows, but which ops.start has kept back until now, cannot be
 * started after all: it goes back to its place, and its slot gets nothing for a moment. */
void core_unstart(struct task *task);
/* Every durable task that runs and is not on_interrupt_crash goes back to wait once its slot is lost, as interrupted by
 * a planned stop (its attempt counts, its crashes do not); others crash. Before the last slots are killed, and after
 * core_hold or core_close, as it would be started again. */
void core_interrupt_all(struct core *core);

/* What is given out next. On a restart: no less than these, before anything is submitted. Places follow the monotonic
 * clock, ns, so they leap where nothing was submitted for a while: what is recorded with a place shows how far they
 * are. */
struct core_numbers {
	uint64_t id, place, fence;
};
void core_numbers(const struct core *core, struct core_numbers *out);
void core_set_numbers(struct core *core, const struct core_numbers *numbers);

/* A task as it was recorded. Times are monotonic; those of before the boot are negative, and 0 is still "none". */
struct core_restored {
	uint64_t id, place, retry_of, retried_as;
	/* Everything of it counts but key_mode, `after`, `after_any`, `durable` and `detached` (which all are from now
	 * on). SPEC.queue may be NULL; so may SPEC.schedule though schedule_name is not: then the name alone is kept. */
	struct task_spec spec;
	const char *schedule_name; /* NULL: none */
	/* TASK_SCHEDULED, _BLOCKED, _QUEUED: where it waited; TASK_RUNNING: a slot had it; TASK_CANCELLING: so, and it
	 * was to be cancelled; or terminal. */
	enum task_state state;
	uint16_t attempt;
	uint8_t crashes;
	bool detached, tried, final;
	int64_t submitted_ns, started_ns, ended_ns;
	struct task_attempt *attempts; /* attempt - 1 of them, taken over with their messages; NULL: nothing is known of them */
	const struct core_restored_link *links;
	size_t n_links;
	struct task_outcome *outcome;  /* terminal: taken over */
};
/* DONE: nothing is expected of it any more, and it is not why the task did not go on: it has succeeded, or just ended
 * where that is enough. */
struct core_restored_link {
	uint64_t id;
	bool any, done;
	struct bytes *result; /* a reference is taken; NULL: none, or not known yet */
};
/* Puts it where it was, before anything else knows of it; no queue's limit keeps it out. One that waited and is `final` is
 * cancelled. One that ran is interrupted:
 * it is cancelled where it was to be; it crashes (and may be tried again, where its retries say so) for
 * on_interrupt_crash, or where that makes crash_limit; else it waits for its next attempt, at its old place; which is
 * recorded (RECORD_ENDED, RECORD_ATTEMPT). One whose queue has gone is put into its type's queue, or the one named
 * "default". Ended ones do not push out others: false where result_count or result_bytes is reached, or its time to be
 * kept is over. One that is there already is left alone. */
bool core_restore(struct core *core, struct core_restored *restored);
/* All are there. What has come in meanwhile joins them now, behind them. Those that wait for others find them now: who
 * is not there has been forgotten, which is as if it had not succeeded. (A link that is not `done` of a task that waited
 * no more counts only where its result is to be passed on.) */
void core_restore_done(struct core *core);
/* Between core_set_numbers and core_restore_done: an id that is not found may yet come. Schedules have no runs, and no
 * record is dropped for its age or for room. */
bool core_is_restoring(const struct core *core);

enum core_found { CORE_FOUND, CORE_NOT_FOUND, CORE_FORGOTTEN };
enum core_found core_find(const struct core *core, uint64_t id, struct task **out);

/* The slot says that TASK has begun to report: `fraction` in 0…1 or negative for unknown. TASK must be in a lane. */
void core_task_progress(struct task *task, double fraction, const char *text, size_t length);
/* The slot's word that TASK has ended. The outcome's bytes are taken over. STARTED and ENDED are the slot's clock
 * readings and are clamped to what is possible. */
void core_task_done(struct task *task, const struct task_outcome *outcome, int64_t started_ns, int64_t ended_ns);
/* Ends TASK as cancelled: at once where it has not started, else by interrupt and, after the grace, kill; whatever it
 * ends as, it is not tried again. True where it is over now, or was over before. */
bool core_cancel(struct task *task);
/* Drops the record of a task that has ended; false where it has not. */
bool core_forget(struct task *task);
/* Somebody was given the outcome of TASK, which has ended: where room is needed, its record goes before others. */
void core_task_fetched(struct task *task);

/* Somebody's slot stands still until TASK has ended: from now on it goes before all others of its queue that are not
 * awaited, or less deeply, whatever the queue's order; and so does what it waits for itself. DEPTH: 1, or one more than
 * that of the task that waits. Those of one depth go in the order in which they were awaited, or joined. */
void core_task_await(struct task *task, unsigned depth);
/* Makes sure that the state of a task in a lane says what is true now (queued or running). */
void core_task_look(struct task *task);

/* What a listing, a cancellation or a watch is about. Zeroed: everything. */
struct task_filter {
	unsigned states;               /* TASK_STATE_BITs; 0: all */
	const struct core_queue *queue; /* NULL: any */
	const struct task_type *type;   /* NULL: any */
	const char *tag;                /* NULL: any */
	size_t tag_length;
	bool by_owner; /* only tasks of `owner` */
	uint32_t owner;
	int64_t since_ns; /* submitted at this monotonic moment or later; 0: any */
};
#define TASK_STATE_BIT(state) (1u << (state))
/* Looks at TASK first, where it is in a lane. */
bool task_filter_matches(const struct task_filter *filter, struct task *task);

/* Where a walk over tasks stands. Zeroed it begins with the newest, or with the oldest where that is said. */
struct task_walk {
	bool oldest_first;
	bool over;      /* there are no more */
	uint64_t id;    /* goes on behind this one; 0: begins */
	size_t visited; /* tasks looked at so far */
};
/* The next tasks that FILTER matches, in the order of their ids, at most ROOM, after looking at some MAX_VISITS at most.
 * How many; fewer than ROOM does not mean that there are no more, but walk->over does. It looks at as few tasks as the lists allow that
 * there are: of a state, a type, a queue, an owner, a tag; what takes longer than that comes with the next call. */
size_t core_select(struct core *core, const struct task_filter *filter, struct task_walk *walk, size_t max_visits,
	struct task **out, size_t room);

/* --- recurring tasks --- */
struct cron;
struct core_schedule_spec {
	const char *name; /* unique among those of the task's owner; copied */
	const uint32_t *groups; /* that the owner is in, the first his own one, as they were when it was made; copied. None: not known */
	size_t n_groups;
	struct task_spec task; /* no key, no dependencies, no due_ns; args referenced, tag, claims and retry copied */
	int64_t expires_ns;    /* of each run: so long after it is due; 0: none */
	int64_t every_ns;      /* the interval, of the monotonic clock; 0: by cron */
	const struct cron *cron; /* copied; by the wall clock */
	const char *text;        /* what it was said as; copied */
	int64_t next_ns;         /* of its own clock: when it is next due; 0: as it follows from now */
	uint64_t runs, skipped, last_id; /* of before a restart, as OWED */
	uint32_t owed;
	bool catch_up; /* runs that were missed, by a step of the clock or in a sleep, are made up for; else the next is next.
			* Without `overlap` that is one after the other; the time that they have to start counts from then */
	bool overlap;  /* a run may be submitted while the last one has not ended */
};
/* What others may read of one. */
struct core_schedule {
	char *key;        /* OWNER/NAME: of no other */
	const char *name; /* the latter */
	uint32_t *groups;
	size_t n_groups;
	char *text;
	struct task_spec task;
	struct task_retry retry;
	int64_t expires_ns;
	int64_t every_ns;
	struct cron *cron;
	bool catch_up;
	bool overlap;
	int64_t next_ns; /* of its own clock; CLOCK_NEVER: never again */
	uint64_t runs;   /* submitted */
	uint64_t skipped; /* due, and not submitted; of what one step of the clock went over, SCHEDULE_CATCH_UP or so are counted */
	uint64_t last_id; /* its last run; 0: none yet */
	int refusal;     /* why the last run that was due was not submitted, a core_refusal; CORE_OK: it was, or would overlap */
	const char *denied; /* CORE_DENIED: for that reason; static */
	int64_t refused_ns; /* … of the wall clock: then */
	struct task *running; /* its last run while that has not ended */
	uint32_t owed;        /* missed runs that are still to be made up for */
	size_t references;    /* the core's, and those of the tasks that are its runs */
	struct task_waiter waiter;
	struct heap_node node;
	uint64_t name_hash;
	TAILQ_ENTRY(core_schedule) link;
};
#define SCHEDULE_CATCH_UP 1000 /* at most so many missed runs are made up for at once */
/* CORE_EXISTS where its owner has one of that name; CORE_CLOSED. */
int core_schedule_add(struct core *core, const struct core_schedule_spec *spec, struct core_schedule **out)
	__attribute__((warn_unused_result));
/* Its runs go on, and their records still name it. */
void core_schedule_remove(struct core *core, struct core_schedule *schedule);
struct core_schedule *core_schedule_find(const struct core *core, uint32_t owner, const char *name);
/* In words, why a run of it was not submitted: REFUSAL, or CORE_OVERLAP. */
const char *core_schedule_refusal(const struct core_schedule *schedule, int refusal);
/* In the order of their making; NULL at the end. */
struct core_schedule *core_schedule_next(const struct core *core, const struct core_schedule *after);

#endif
