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
struct core_schedule;
struct core_slot;
struct object_owner;
struct task_claims;
struct task_links;

/* Each comment names the list that a task of this state is on. */
enum task_state {
	TASK_SCHEDULED,  /* a day of one of the core's two calendars: its time has not come */
	TASK_BLOCKED,    /* the core's list of blocked ones: it waits for other tasks, or for what it must have to start */
	TASK_QUEUED,     /* its owner's bucket of its priority in its queue; or its slot's list while it waits in a lane */
	TASK_RUNNING,    /* its slot's list */
	TASK_CANCELLING, /* its slot's list: interrupted, not over yet */
	TASK_RECORDING,  /* the core's list of those that wait for the disk: to have come in (without an outcome), or to have
			  * ended (with one), see core_ops.record; or, where the disk has failed, to be started */
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

/* A task may be found by its type, its queue, its owner and its tag: each of those has a list of its tasks, in the order
 * of their ids, from their submission until their record is dropped. */
TAILQ_HEAD(task_list, task);
TAILQ_HEAD(tagged_list, task_extra);
struct task_facet {
	struct task_list tasks;
	size_t count;
};

struct task_type {
	char *name;
	size_t name_length;
	uint64_t name_hash;
	int64_t mean_run_ns; /* a running mean; 0 until the first one has ended */
	uint64_t ended[TASK_N_STATES];
	bool known;                     /* some worker has, or had, a handler for it */
	bool command;                   /* it is a command: only pools of commands run it */
	struct core_queue *queue;       /* where its tasks go unless they say otherwise; NULL: nobody serves it */
	void *user;                     /* the pool's: what the handler says of itself */
	struct task_facet tasks;
	STAILQ_ENTRY(task_type) link;
};

/* A user who has tasks, and what he has of all that is shared: see core_set_shares. */
struct task_owner {
	uint32_t uid;
	size_t records; /* tasks that point here: those below, and those that were dropped in this turn */
	struct task_facet tasks;
	size_t queued, queued_bytes; /* that have not started, by the books of queue_count */
	size_t waiting;              /* of those: in queues, and not awaited */
	size_t running;              /* in lanes */
	size_t descriptors;          /* see core_task_keeps */
	size_t may_run;              /* so many; SIZE_MAX: any number */
	LIST_HEAD(, line) lines;     /* line.c's: one for each queue where some of his wait */
	size_t kept, kept_bytes;
	size_t may_keep;             /* so many bytes; SIZE_MAX: any number */
	struct task_list kept_tasks[2]; /* keep.c's: his records, [0] as they ended, [1] as they were fetched */
	bool keeps_too_much;         /* … and he is on core->hoarders */
	LIST_ENTRY(task_owner) hoarder;
};

/* Tasks that share a tag. */
struct task_tag {
	char *name;
	size_t length;
	uint64_t hash;
	size_t records; /* as of an owner */
	struct tagged_list tasks; /* in the order of their ids */
	size_t count;
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
	size_t dropped;        /* succeeded: the size of a result that was too large to be kept; then there is none.
	                        * Else: of the arguments, and then the data, that were */
	int32_t code;          /* failed: the handler's code */
	char *message;         /* failed, crashed, cancelled: for people. malloc'ed */
	struct bytes *data;    /* failed: the handler's JSON, or NULL */
	bool keeps_data;       /* also where it was told to stop, and so is cancelled or timed out */
	bool killed;           /* by the slot's word, but what ran was killed: whoever has next what it held is told so */
	const char *kind;      /* failed, cancelled: an error kind that is more exact than the state, static; or NULL */
	uint64_t because_of;   /* cancelled as "dependency_failed": the task that did not succeed; else 0 */
	struct task_obituary *obituary; /* crashed; malloc'ed */
};

struct task;

/* Someone who wants to know when a task ends. Lives inside the waiter's own structure. */
struct task_waiter {
	void (*ended)(struct task_waiter *waiter, struct task *task); /* the waiter is off the list already */
	/* NULL, or: the task has come in for good (see core_ops.record), and the waiter is off the list; `ended` comes instead
	 * where that did not happen. Only for tasks that are being recorded. */
	void (*recorded)(struct task_waiter *waiter, struct task *task);
	LIST_ENTRY(task_waiter) link;
};

/* An attempt that was followed by another. */
struct task_attempt {
	int64_t started_ns;
	int64_t ended_ns;
	enum task_state state; /* failed, timed_out or crashed */
	int32_t code;          /* failed: the handler's */
	const char *kind;      /* failed: as the outcome's */
	char *message;         /* malloc'ed, cut to TASK_ATTEMPT_MESSAGE bytes */
	int pid;               /* crashed: its worker's; else 0 */
};
#define TASK_ATTEMPT_MESSAGE 512

/* Which outcomes are tried again: bits of task_retry.on. */
#define RETRY_FAILED 1u
#define RETRY_TIMED_OUT 2u
#define RETRY_CRASHED 4u
#define RETRY_ALL (RETRY_FAILED | RETRY_TIMED_OUT | RETRY_CRASHED)

/* How a task is tried again: attempt n + 1 begins backoff_ns * factor^(n-1) after attempt n has ended, at most
 * backoff_max_ns, the whole less or more by up to the fraction `jitter`. */
struct task_retry {
	uint32_t retries; /* attempts after the first; 0: none */
	unsigned on;      /* RETRY_… */
	int64_t backoff_ns;
	int64_t backoff_max_ns;
	double factor; /* 1… */
	double jitter; /* 0…1 */
};

/* What few tasks have. */
struct task_extra {
	struct task *task;
	struct task_tag *tag; /* NULL: none */
	TAILQ_ENTRY(task_extra) by_tag;
	char *key; /* unique.c's; NULL: none */
	uint32_t key_length;
	uint64_t key_hash;
	uint64_t replaces; /* unique.c's: the task that had the key, to be cancelled when this one is on disk; 0: none */
	int64_t timeout_ns;
	double progress; /* 0…1, or negative */
	char *progress_text;
	struct task_retry retry;
	struct task_attempt *attempts; /* those before the one that runs, or was the last; task->attempt - 1 of them */
	struct task_links *links;      /* depend.c's: what it waits for, or waited for; NULL: nothing */
	struct task_claims *claims;    /* claim.c's: what it must have before it starts; NULL: nothing */
	struct object_owner *holdings; /* claim.c's: what it has of named objects, or waits for; NULL: nothing */
	uint64_t retry_of;             /* the task whose retry this is; 0: none */
	uint64_t retried_as;           /* the task that is its retry; 0: none */
	struct core_schedule *schedule; /* the one whose run this is, of which the name at least is there; NULL: none */
	size_t descriptors;             /* share.c's: that its owner has by it */
};

struct task {
	uint64_t id; /* never used again; also its place among equals */
	struct task_type *type;
	struct core_queue *queue;
	struct core_slot *slot; /* set while it is in a lane */
	struct task_owner *owner;
	struct bytes *args;     /* dropped when it succeeds; others may be retried */
	struct task_outcome *outcome;
	struct task_extra *extra; /* NULL: all defaults */
	LIST_HEAD(, task_waiter) waiters;
	LIST_HEAD(, task_waiter) patient; /* those who have come by task_wait_patiently */
	TAILQ_ENTRY(task) link; /* on the list that its state names */
	TAILQ_ENTRY(task) all;  /* every task that core_find finds, in the order of their ids */
	TAILQ_ENTRY(task) by_type, by_queue, by_owner; /* those in their facets */
	int64_t submitted_ns;
	union {
		int64_t given_ns; /* in a lane: when it was put there */
		int64_t due_ns;   /* before it is queued: not before this moment, of the wall clock where `wall` is set */
	};
	int64_t started_ns; /* 0: not yet */
	int64_t ended_ns;   /* 0: not yet */
	uint64_t place;     /* its place among equals in its queue: the lower came first */
	union {
		struct heap_node timer; /* not started: its deadline; running: its time limit; cancelling: the end of its grace */
		TAILQ_ENTRY(task) by_kept; /* ended: its owner's records */
	};
	int32_t priority;
	uint32_t lane_seq; /* the pool's: its number in the lane */
	uint32_t items;    /* a chunk of a map: args is an array of so many items; 0: a plain task */
	uint32_t estimate_ns; /* the core's: what it counts for in its lane */
	uint16_t attempt; /* 1 until the second one begins to wait for its start */
	uint8_t crashes;  /* workers that it has killed, and masters that it was interrupted by */
	uint8_t awaited;  /* a slot stands still until it has ended: how deeply, see core_task_await; 0: no */
	uint8_t state;    /* enum task_state; assigned by task_set_state only */
	bool fetched;     /* somebody has been given its outcome: see core_task_fetched */
	bool kept_behind; /* the core's: on the list of fetched records, which go first */
	bool timed_out;   /* interrupted because of its time limit, not by a cancel */
	bool final;       /* cancelled meanwhile: whatever comes, it is not tried again */
	bool wall;        /* due_ns is of the wall clock */
	bool tried;       /* it has been started, so its deadline is met */
	bool detached;    /* it goes on though nobody waits for it: the edge's */
	bool durable;     /* it and what becomes of it are recorded: see core_ops.record */
	bool on_disk;     /* durable: it has come in for good; what was not may be refused yet */
	uint8_t becomes;  /* TASK_RECORDING without an outcome: enum task_state, what it goes on to and is recorded as */
	bool placed;      /* the core's: it joins its queue at its place, and not behind its equals */
	bool on_interrupt_crash; /* taskd's own end while it runs is the task's, too; else it is run again */
	bool telling;     /* the core's: it has ended, and some are still to be told */
	bool recovered;   /* it was there before this daemon was started */
	uint16_t holders; /* the edge's: calls that it is attached to */
};

/* "" where it has none. */
static inline const char *task_tag(const struct task *task)
{
	return task->extra && task->extra->tag ? task->extra->tag->name : "";
}

/* Adds WAITER. The task must not have ended. */
void task_wait(struct task *task, struct task_waiter *waiter);
/* The same for one whose `ended` may come some turns after the end, where there are many; the task is there until then,
 * though core_find may not find it any more. It has no `recorded`. */
void task_wait_patiently(struct task *task, struct task_waiter *waiter);
/* Takes WAITER off; it must be on a list. */
void task_unwait(struct task_waiter *waiter);

#endif
