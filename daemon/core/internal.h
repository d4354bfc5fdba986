/* What the files of the core share with each other and with nobody else.
 *
 *   task.c   the state machine; a task's memory
 *   queue.c  where tasks wait, in order
 *   slot.c   slots, and what is in their lanes
 *   sched.c  who gets what, and when a lane is looked at
 *   life.c   what happens to a task: progress, its end, cancel, its time limit
 *   keep.c   records of tasks that have ended
 *   list.c   walking over tasks
 *   core.c   the whole, its turn, types, submission */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "base/clock.h"
#include "base/heap.h"
#include "base/idmap.h"
#include "base/table.h"
#include "core/core.h"

#define WINDOW_TASKS 64              /* in one lane */
#define WINDOW_NS NS_PER_MS          /* of estimated work in one lane; one task is always allowed */
#define ESTIMATE_UNKNOWN_NS NS_PER_MS /* of a type of which none has ended yet */
#define SWEEP_NS NS_PER_MS           /* from putting something into a lane to looking what became of it */
#define SWEEP_SLOWEST_NS (64 * NS_PER_MS) /* while no slot takes what it has */
#define UNTAKEN_NS (100 * NS_PER_MS) /* until what a slot does not take is given to another, where one is idle */
#define STALL_NS (5 * NS_PER_MS)     /* until a slot that refused a task though it has none is tried again */

TAILQ_HEAD(task_list, task);
TAILQ_HEAD(slot_list, core_slot);

enum slot_state {
	SLOT_NEW,      /* cannot run anything (yet, or any more) */
	SLOT_READY,    /* on one of the lists that enum slot_place names */
	SLOT_RETIRING, /* gets nothing more */
};

enum slot_place {
	PLACE_NONE,    /* not ready, or its window is full */
	PLACE_IDLE,    /* pool->idle: nothing in its lane */
	PLACE_OPEN,    /* pool->open: something in its lane, and room for more */
	PLACE_STALLED, /* core->stalled: refused a task though its lane is empty */
};

struct core_slot {
	struct core_pool *pool;
	void *user;
	struct task_list tasks; /* in its lane, oldest first */
	size_t count;
	int64_t estimate_ns; /* the sum of theirs */
	enum slot_state state;
	enum slot_place place;
	bool full;    /* gets nothing more before its next completion */
	bool watched; /* on core->watched */
	TAILQ_ENTRY(core_slot) all;        /* pool->slots */
	TAILQ_ENTRY(core_slot) place_link; /* the list that `place` names */
	TAILQ_ENTRY(core_slot) watch_link;
};

struct core_pool {
	struct core *core;
	void *user;
	char *name;
	struct slot_list slots;
	struct slot_list idle;
	struct slot_list open;
	struct heap waiting; /* its queues that are not empty: by their first task's priority, then id */
	TAILQ_ENTRY(core_pool) link;
};

/* The tasks of one priority in one queue. */
struct bucket {
	struct heap_node node; /* key: minus the priority */
	int32_t priority;
	struct task_list tasks; /* oldest first; never empty while it is in the queue */
};

struct core_queue {
	struct core *core;
	struct core_pool *pool; /* NULL: freed, and only named by records */
	char *name;
	size_t name_length;
	uint64_t name_hash;
	struct core_queue_figures figures;
	struct table buckets; /* by priority */
	struct heap order;    /* the same; on top what is most urgent */
	struct bucket *spare; /* an empty one, so that a queue that runs dry again and again does not allocate */
	struct heap_node node; /* pool->waiting */
	size_t records;        /* tasks that point here */
	TAILQ_ENTRY(core_queue) link;
};

struct core {
	struct core_ops ops;
	struct core_limits limits;
	struct core_totals totals;
	int64_t now_ns;
	uint64_t next_id;
	bool closed;
	bool start; /* false: nothing is started any more */
	struct idmap tasks;         /* by id */
	struct task_list all;       /* the same, in the order of their ids */
	struct task_list kept[TASK_N_STATES][2]; /* ended: [0] as they ended, [1] as they were fetched */
	struct task_list graveyard; /* dropped in this turn */
	struct names types;
	STAILQ_HEAD(, task_type) type_list;
	struct names queues;
	TAILQ_HEAD(, core_queue) queue_list;
	TAILQ_HEAD(, core_pool) pools;
	struct heap timers;       /* tasks: the time limit of running ones, the grace of cancelling ones */
	struct slot_list watched; /* slots whose lane has to be looked at: see slot_update */
	struct slot_list stalled;
	int64_t sweep_ns;   /* when the watched ones are looked at; CLOCK_NEVER while there are none */
	int64_t sweep_gap_ns;
	int64_t stalled_ns; /* when the stalled ones are tried again */
};

static inline struct core *task_core(const struct task *task) { return task->queue->core; }

/* task.c */
struct task *task_new(struct core *core, const struct task_spec *spec);
void task_free(struct task *task);
struct task_extra *task_extra(struct task *task);
/* The ONE function that assigns `state`. */
void task_set_state(struct task *task, enum task_state to);
/* Gives TASK its outcome, whose parts are taken over, and the state that it says. */
void task_end(struct task *task, const struct task_outcome *outcome);

/* queue.c */
struct task *queue_first(const struct core_queue *queue);
/* A task with the highest id so far. */
void queue_push(struct core_queue *queue, struct task *task);
/* One that has been in a queue before: to its place by id. */
void queue_push_back(struct core_queue *queue, struct task *task);
void queue_remove(struct core_queue *queue, struct task *task);
/* A task no longer points here. */
void queue_unref(struct core_queue *queue);
/* Frees what core_queue_free left for the records' sake. */
void queue_destroy(struct core_queue *queue);
bool queue_has_room(const struct core_queue *queue, size_t bytes);

/* slot.c */
void slot_put(struct core_slot *slot, struct task *task);
/* TASK is over, or goes back to its queue. */
void slot_remove(struct task *task);
/* Puts SLOT on the lists where it belongs now. */
void slot_update(struct core_slot *slot);
void slot_stall(struct core_slot *slot);
/* Where it is idle: the others get something before it does. */
void slot_put_last(struct core_slot *slot);
/* Takes back what SLOT has not started, newest first, to its place in its queue. */
void slot_reclaim(struct core_slot *slot);
void slot_destroy(struct core_slot *slot);
void pool_destroy(struct core_pool *pool);

/* sched.c */
void sched_run(struct core_pool *pool);
/* Looks at the watched slots where that is due. */
void sched_sweep(struct core *core);
void sched_unstall(struct core *core);

/* life.c */
void life_timers(struct core *core);
/* The slot has taken TASK, at started_ns as far as is known. */
void life_taken(struct task *task, int64_t started_ns);
/* How a task that had been taken ends with its worker. */
void life_crashed(struct task *task, const struct task_obituary *obituary);

/* keep.c */
void keep_add(struct core *core, struct task *task);
/* Drops what is too old or too much. */
void keep_trim(struct core *core);
int64_t keep_next_ns(const struct core *core);
void keep_bury(struct core *core);

#endif
