/* A task, and what others may read of it. Only core/task.c assigns `state`; see task_set_state there. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "base/heap.h"

struct bytes;
struct core_queue;
struct core_slot;

/* Each comment names the list that a task of this state is on. */
enum task_state {
	TASK_QUEUED,     /* its queue's bucket of its priority; or its slot's list while it waits in a lane */
	TASK_RUNNING,    /* its slot's list */
	TASK_CANCELLING, /* its slot's list: interrupted, not over yet */
	TASK_SUCCEEDED,  /* this and all below: the core's lists of kept records, two for each state */
	TASK_FAILED,
	TASK_TIMED_OUT,
	TASK_CRASHED,
	TASK_CANCELLED,
	TASK_EXPIRED,
	TASK_N_STATES,
};
static inline bool task_state_is_terminal(enum task_state state) { return state >= TASK_SUCCEEDED; }
/* "queued", "running", …; never NULL. */
const char *task_state_name(enum task_state state);
/* Whether the state machine allows it; the table of core/task.c. */
bool task_state_may_become(enum task_state from, enum task_state to);

struct task_type {
	char *name;
	size_t name_length;
	uint64_t name_hash;
	int64_t mean_run_ns; /* a running mean; 0 until the first one has ended */
	uint64_t ended[TASK_N_STATES];
	bool known;                     /* some worker has, or had, a handler for it */
	struct core_queue *queue;       /* where its tasks go unless they say otherwise; NULL: nobody serves it */
	void *user;                     /* the pool's: what the handler says of itself */
	STAILQ_ENTRY(task_type) link;
};

/* How a worker died. */
struct task_obituary {
	int pid;
	int wait_status; /* as wait(2) gives it */
	struct rusage usage;
	const char *reason; /* what taskd itself killed it for, or NULL */
};

/* How a task ended. Zeroed parts are absent. */
struct task_outcome {
	enum task_state state;
	struct bytes *result;  /* succeeded: its JSON */
	int32_t code;          /* failed: the handler's code */
	char *message;         /* failed, crashed, cancelled: for people. malloc'ed */
	struct bytes *data;    /* failed: the handler's JSON, or NULL */
	const char *kind;      /* failed: an error kind that is more exact than "failed", static; or NULL */
	struct task_obituary *obituary; /* crashed; malloc'ed */
};

struct task;

/* Someone who wants to know when a task ends. Lives inside the waiter's own structure. */
struct task_waiter {
	void (*ended)(struct task_waiter *waiter, struct task *task); /* the waiter is off the list already */
	LIST_ENTRY(task_waiter) link;
};

/* What few tasks have. */
struct task_extra {
	char *tag;
	int64_t timeout_ns;
	double progress; /* 0…1, or negative */
	char *progress_text;
};

struct task {
	uint64_t id; /* never used again; also its place among equals */
	struct task_type *type;
	struct core_queue *queue;
	struct core_slot *slot; /* set while it is in a lane */
	struct bytes *args;     /* dropped when it ends */
	struct task_outcome *outcome;
	struct task_extra *extra; /* NULL: all defaults */
	LIST_HEAD(, task_waiter) waiters;
	TAILQ_ENTRY(task) link; /* on the list that its state names */
	TAILQ_ENTRY(task) all;  /* every task that core_find finds, in the order of their ids */
	int64_t submitted_ns;
	int64_t given_ns;   /* when it was put into its lane */
	int64_t started_ns; /* 0: not yet */
	int64_t ended_ns;   /* 0: not yet */
	struct heap_node timer;
	int32_t priority;
	uint32_t owner; /* uid */
	uint32_t lane_seq; /* the pool's: its number in the lane */
	uint32_t items;    /* a chunk of a map: args is an array of so many items; 0: a plain task */
	uint32_t estimate_ns; /* the core's: what it counts for in its lane */
	uint16_t attempt; /* 1 while the first runs */
	uint8_t state;    /* enum task_state; assigned by task_set_state only */
	bool fetched;     /* somebody has been given its outcome: see core_task_fetched */
	bool kept_behind; /* the core's: on the list of fetched records, which go first */
	bool timed_out;   /* interrupted because of its time limit, not by a cancel */
};

/* Adds WAITER. The task must not have ended. */
void task_wait(struct task *task, struct task_waiter *waiter);
/* Takes WAITER off; it must be on a list. */
void task_unwait(struct task_waiter *waiter);

#endif
