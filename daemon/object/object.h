/* Named objects: locks, semaphores, events, conditions, barriers and message queues, for every program on the host. Pure:
 * no sockets, no tasks, no clock of its own. One thread.
 *
 * Vocabulary
 *   object  what has a kind and a name; the six kinds have names of their own. It is made by its first use, and goes when
 *           nobody holds it, waits for it, or has left something in it that has to be told (see each kind)
 *   owner   who holds and waits: a connection or a task. What it holds is released when it ends, however it does
 *   holder  an owner, or a part of one that holds for itself, such as a thread: the owner with a token of its choice
 *   wait    a request that could not be granted at once: it lives in its requester's own structure
 *   fence   a number that each grant of a lock, a semaphore or a condition's lock has, larger than all before it of
 *           whatever object: what a holder does to others can carry it, and they can refuse what comes too late
 *
 * Who waits is served first come, first served, for each object. A request that can be granted at once is never granted
 * before one that came earlier and waits for the same object; but see the claims of tasks, below.
 *
 *   object.c     the table, limits, fences: the objects' lives
 *   owner.c      owners and holders: their lives, and what ends with them
 *   wait.c       waits: how they come on, are answered, dropped and told
 *   listing.c    what can be seen of all this
 *   lock.c       locks, exclusive and shared, reentrant or not
 *   semaphore.c  semaphores, bounded and not
 *   event.c      events
 *   condition.c  conditions, which belong to a lock
 *   barrier.c    barriers
 *   mq.c         message queues; messages.c: what is in them, in order
 *   mq_put.c     what comes in; mq_get.c: what goes out
 *   mq_wait.c    those who wait at them
 *   mq_receipt.c what was taken and not acknowledged
 *   deadlock.c   circles of holders who wait for each other; hope.c: who will get what he waits for all the same
 *   ticket.c     tasks that wait for an object: whose turn it is
 *   claim.c      what tasks must have before they start */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/heap.h"

struct bytes;
struct object; /* its head; each kind's own structure begins with it */
struct objects;
struct object_line; /* those who wait for an object, first come first */
struct object_owner;
struct object_user; /* an account of what a user has */
struct object_wait;
struct object_who; /* a holder, as long as it holds or waits */

#define OBJECT_NAME_LIMIT 255 /* bytes */
#define OBJECT_TOKEN_LIMIT 64 /* bytes of a holder's token */
#define SEMAPHORE_SLOTS_MAX INT32_MAX
#define BARRIER_PARTIES_MAX 1000000
#define LOCK_DEPTH_MAX INT32_MAX

enum object_kind {
	OBJECT_LOCK,
	OBJECT_SEMAPHORE,
	OBJECT_EVENT,
	OBJECT_CONDITION,
	OBJECT_BARRIER,
	OBJECT_MQ,
	OBJECT_N_KINDS,
};
/* "lock", …, "mq". */
const char *object_kind_name(enum object_kind kind);

enum object_status {
	OBJECT_DONE = 0,           /* granted, put, got: *grant, or what the function says, is filled in */
	OBJECT_WAITING = 1,        /* the wait is registered; its `done` comes, unless it is dropped */
	OBJECT_WOULD_WAIT = -1,    /* no wait was given, and it cannot be had now */
	OBJECT_NOT_HELD = -2,      /* release of what nobody holds, or this owner does not */
	OBJECT_NOT_OWNER = -3,     /* …of what another holder holds: problem->links[0] */
	OBJECT_OVER_RELEASED = -4, /* more permits than the bounded semaphore has; task_done more often than put */
	OBJECT_BROKEN = -5,        /* the barrier is broken */
	OBJECT_MISMATCH = -6,      /* it is there with another size, order, limit, lock or boundedness: problem->text */
	OBJECT_DEADLOCK = -7,      /* the wait would close a circle: problem->links */
	OBJECT_TOO_MANY = -8,      /* a limit of this user's: problem->text says which */
	OBJECT_NOT_FOUND = -9,     /* there is no such object, or no such receipt */
	OBJECT_FULL = -10,         /* the message queue is, and no wait was given */
	OBJECT_TOO_LARGE = -11,    /* the message is larger than its queue, or than the user may ever have */
	OBJECT_DELETED = -12,      /* to a wait: the message queue was deleted */
	OBJECT_DENIED = -13,       /* to a wait: the message queue is another user's from now on: grant->owner */
};

/* --- owners --- */
enum object_owner_kind { OWNER_CONNECTION, OWNER_TASK };
LIST_HEAD(object_who_list, object_who);
LIST_HEAD(object_wait_list, object_wait);
LIST_HEAD(object_receipt_list, object_receipt);
/* Lives in its owner's own structure. */
struct object_owner {
	struct objects *objects; /* NULL: not begun, or ended */
	enum object_owner_kind kind;
	uint64_t id; /* the connection's number; the task's id */
	uint32_t uid;
	int pid; /* for people; 0: not known */
	uint64_t
		task; /* of a connection: the only task that the worker runs within which its peer is, as far as is known
			* when it waits; else 0. What that task holds is not released while this connection waits */
	/* The rest is the objects' own. */
	struct object_user *user;
	struct object_who *self; /* the owner as a holder, without a token; NULL: it never held or waited */
	struct object_who_list whos;
	struct object_receipt_list receipts;
};
void object_owner_begin(struct objects *objects, struct object_owner *owner, enum object_owner_kind kind, uint64_t id,
	uint32_t uid, int pid);
/* It has ended: its waits are dropped, in silence; its messages that were not acknowledged go back to their places; what
 * it holds is released, and whoever has it next is told that its holder died. A barrier that it waited at is broken.
 * Idempotent; for one that has never begun, too (all zero). */
void object_owner_end(struct object_owner *owner);
/* It has nothing and waits for nothing. */
bool object_owner_is_idle(const struct object_owner *owner);

/* Who asks: OWNER, or, with a token, that part of it. The token is borrowed (kept ones are copied); length 0: none. */
struct object_holder {
	struct object_owner *owner;
	const char *token;
	size_t token_length;
};
struct object_name {
	const char *data;
	size_t length; /* 1…OBJECT_NAME_LIMIT; the edge has checked that it is UTF-8 without control characters */
};

/* --- answers --- */
struct object_grant {
	uint64_t fence;
	bool holder_died;    /* the last holder did not release it, but ended */
	bool notified;       /* condition.wait: it was notified; false: its time was over */
	int64_t depth;       /* lock: how often its holder has acquired it */
	int64_t index;       /* barrier: 0 for the first who came … parties - 1 for the last */
	struct bytes *value; /* mq: the message, a reference that is the receiver's now */
	int32_t priority;    /* mq: the message's */
	uint64_t receipt;    /* mq: what to acknowledge it by; 0: nothing is to be acknowledged */
	uint32_t deliveries; /* mq: how often it has been given out, this time included */
	uint32_t owner;      /* of what was denied: the uid */
};

/* One of those who wait for each other, or hold something up: HOLDER (its owner's kind and id, and token) waits for the
 * object, which the next one holds. */
struct object_link {
	enum object_owner_kind owner_kind;
	uint64_t owner_id;
	uint32_t uid;
	int pid;
	char token[OBJECT_TOKEN_LIMIT + 1];
	enum object_kind kind;
	char name[OBJECT_NAME_LIMIT + 1];
};
#define OBJECT_LINKS 16 /* longer circles are told by their first ones */
struct object_problem {
	char text[400]; /* one line for people: what is wrong, with names; "" where the status says it all */
	size_t n_links; /* of the whole circle; only OBJECT_LINKS of them are here */
	struct object_link links[OBJECT_LINKS];
};

/* Somebody who waits. To be zeroed but for what comes first before its first use. */
struct object_wait {
	/* What it waited for has come, or never will. The wait is off all lists already, and may be freed. It must not call
	 * back into the objects. It is called by the function that brought it about, at that function's end. */
	void (*done)(struct object_wait *wait, enum object_status status, const struct object_grant *grant);
	/* Whether it may go on where the message queue that nobody owned becomes that user's, who does not share it; else it gets
	 * OBJECT_DENIED. NULL: it may. It must not call back into the objects. */
	bool (*may_stay)(const struct object_wait *wait, uint32_t owner);
	void *user;
	/* The rest is the objects' own. */
	struct object *object;    /* what it waits for; NULL: nothing, or it is answered */
	struct object_line *line; /* the one of the object's lines that it stands in */
	struct object_who *who;   /* NULL: it is not on */
	LIST_ENTRY(object_wait) by_who;
	TAILQ_ENTRY(object_wait) link; /* the line; once it is answered: those who are to be told */
	int64_t since_ns;
	uint64_t arrival; /* when it came: the smaller the earlier */
	bool is_followed; /* the next in its line is another holder's */
	int64_t run; /* permits that its holder wants in all, here and right before it in the line, or more; 0: not known */
	bool is_answered; /* `done` is to be called with: */
	enum object_status status;
	struct object_grant grant;
	union {
		struct { /* of a lock, or of a condition, from which it comes back to the lock */
			bool shared, reentrant;
			bool comes_back; /* it held the lock DEPTH times, and has waited for its condition */
			bool notified;
			int64_t depth;
		} lock;
		struct {
			int64_t count;
		} semaphore;
		struct {
			int64_t index;
		} barrier;
		struct {
			struct bytes *value;
			struct object_user *payer;
			int32_t priority;
			bool head, ack, put;
		} mq;
	};
};
static inline bool object_wait_is_on(const struct object_wait *wait)
{
	return wait->who != NULL;
}
/* Nobody wants it any more (a request that is cancelled, a connection that ends). It must be on. At a barrier it breaks
 * the barrier; at a condition it leaves without the lock. `done` is not called for it. */
void object_wait_drop(struct object_wait *wait);
/* Its time is over. True: `done` is not called, it is off, and the answer is that it timed out. False: it goes on, because
 * it waits for its condition's lock from now on (or has been waiting for that already), and `done` will come, or has been
 * called just now, where the lock was free. A barrier is broken by it, and OBJECT_BROKEN is what the others hear. */
bool object_wait_expire(struct object_wait *wait);

/* --- the whole --- */
struct object_limits { /* per user; 0: no limit */
	size_t objects; /* that he has made and that are still there; a bounded one that somebody else uses counts for its maker */
	size_t waits;
	size_t mq_bytes; /* of messages that he has put, with some 70 that each takes beside: waiting in a queue or for
			  * room there, or not acknowledged */
};
/* FIRST_FENCE: larger than any that was given before, by this daemon or one before it. */
struct objects *objects_new(const struct object_limits *limits, uint64_t first_fence);
/* Owners must have ended. */
void objects_free(struct objects *objects);
/* The next one that is given; and that it is no less than this. */
uint64_t objects_next_fence(const struct objects *objects);
void objects_raise_fence(struct objects *objects, uint64_t next);
void objects_set_limits(struct objects *objects, const struct object_limits *limits);
/* The monotonic time until the next call. */
void objects_set_now(struct objects *objects, int64_t now_ns);
size_t objects_count(const struct objects *objects, enum object_kind kind);
/* What one user has, as the limits count it. */
struct object_user_figures {
	uint32_t uid;
	size_t objects, waits, mq_bytes;
};
/* Zeroed but for uid where he has no account. */
void objects_user_figures(const struct objects *objects, uint32_t uid, struct object_user_figures *out);
/* Those who have an account, in no order; CURSOR is 0 at first. False: no more. */
bool objects_user_next(const struct objects *objects, size_t *cursor, struct object_user_figures *out);

/* --- locks --- */
struct lock_request {
	struct object_name name;
	struct object_holder holder;
	bool shared; /* several shared holders at a time; one who asks for it exclusively waits for all of them, and those
			 * who come after him wait for him */
	bool reentrant; /* a holder who has it already has it once more; without, that is OBJECT_DEADLOCK (it would wait for
			 * itself), or OBJECT_WOULD_WAIT without a wait. The mode is the first acquisition's: asking
			 * exclusively for what one holds shared is OBJECT_DEADLOCK; shared for what one holds exclusively
			 * is granted, once more exclusively */
};
/* WAIT NULL: does not wait. */
int lock_acquire(struct objects *objects, const struct lock_request *request, struct object_wait *wait,
	struct object_grant *grant, struct object_problem *problem) __attribute__((warn_unused_result));
/* *depth (may be NULL): how often the holder still has it. */
int lock_release(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	int64_t *depth, struct object_problem *problem) __attribute__((warn_unused_result));

/* --- semaphores --- */
struct semaphore_request {
	struct object_name name;
	struct object_holder holder;
	int64_t slots; /* how many permits it has where it is made now; else as it is there, or OBJECT_MISMATCH.
			* -1: as it is there; made: 1 */
	int bounded; /* 1: permits belong to their holders, who alone can release them; 0: anybody may release, and so add
			* some; -1: as it is there; made: 1 */
	int64_t count; /* permits, 1…; all at once or none */
};
int semaphore_acquire(struct objects *objects, const struct semaphore_request *request, struct object_wait *wait,
	struct object_grant *grant, struct object_problem *problem) __attribute__((warn_unused_result));
/* *value (may be NULL): how many permits are free now. An unbounded one that is not there is made. Of an unbounded one
 * the releaser's own permits go first, then those that others have had for the longest time: each may be released for its
 * holder, and is not on his books then any more. What is more than all that is new, and the object stays for it. */
int semaphore_release(struct objects *objects, const struct semaphore_request *request, int64_t *value,
	struct object_problem *problem) __attribute__((warn_unused_result));
/* One of the configuration: it is there though nobody uses it. Another size: those who hold keep what they hold. SLOTS 0:
 * no longer the configuration's. Who waits for more than there are gets OBJECT_MISMATCH. */
void semaphore_configure(struct objects *objects, const char *name, int64_t slots);

/* --- events: one that is set stays there until it is cleared (libevent has an event_set of its own) --- */
int event_raise(struct objects *objects, const struct object_name *name, struct object_owner *owner,
	struct object_problem *problem) __attribute__((warn_unused_result));
void event_clear(struct objects *objects, const struct object_name *name);
bool event_is_set(const struct objects *objects, const struct object_name *name);
int event_wait(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	struct object_wait *wait, struct object_problem *problem) __attribute__((warn_unused_result));

/* --- conditions: there while somebody waits at them; all who do name the same lock --- */
/* HOLDER must hold LOCK exclusively: it is released, however often it was acquired, and acquired again as often before
 * `done` comes, with OBJECT_DONE and the lock's new fence. WAIT is needed. Where the holder has released a lock that others
 * wait for, they go first. */
int condition_wait(struct objects *objects, const struct object_name *name, const struct object_name *lock,
	const struct object_holder *holder, struct object_wait *wait, struct object_problem *problem)
	__attribute__((warn_unused_result));
/* The first COUNT of those who wait (-1: all) go on as soon as they have the lock. HOLDER must hold LOCK. *notified: how
 * many there were. */
int condition_notify(struct objects *objects, const struct object_name *name, const struct object_name *lock,
	const struct object_holder *holder, int64_t count, size_t *notified, struct object_problem *problem)
	__attribute__((warn_unused_result));

/* --- barriers: there while somebody waits, or they are broken --- */
/* PARTIES 0: as it is there. When the last of them comes, all go. One that leaves before breaks it: the others, and all
 * who come, get OBJECT_BROKEN until somebody resets it. */
int barrier_wait(struct objects *objects, const struct object_name *name, int64_t parties,
	const struct object_holder *holder, struct object_wait *wait, struct object_grant *grant,
	struct object_problem *problem) __attribute__((warn_unused_result));
/* Breaks it, as if one had left. One that is not there is made, for PARTIES 0 too. */
int barrier_abort(struct objects *objects, const struct object_name *name, struct object_owner *owner,
	struct object_problem *problem) __attribute__((warn_unused_result));
/* As new: those who wait get OBJECT_BROKEN. */
void barrier_reset(struct objects *objects, const struct object_name *name);

/* --- message queues --- */
enum mq_order { MQ_FIFO, MQ_LIFO, MQ_PRIORITY };
struct mq_options {          /* what is not said is as it is there, or the default where nobody has said it yet */
	int order;           /* enum mq_order; -1: not said; default MQ_FIFO */
	int64_t limit_count; /* messages that wait; -1: not said; 0, the default: no limit */
	int64_t limit_bytes; /* …their bytes */
	int shared;          /* 1: it is for all users, and not for its owner alone; -1: not said; default 0. Who may use
			      * it is the edge's business */
};
struct mq_message {
	struct bytes *value; /* JSON; a reference is taken */
	int32_t priority;    /* only MQ_PRIORITY goes by it: the highest first, equal ones in their order */
	bool head; /* put at the end that is taken from first, where MQ_LIFO always puts; not where order is MQ_PRIORITY:
		    * OBJECT_MISMATCH */
};
/* Makes it, and it stays until it is deleted. *created (may be NULL): it was not there, or not so. */
int mq_create(struct objects *objects, const struct object_name *name, const struct mq_options *options,
	struct object_owner *owner, bool *created, struct object_problem *problem) __attribute__((warn_unused_result));
/* Whoever creates it first, or puts first, owns it as long as it is there, and it is on his account. One that is only waited
 * for is nobody's: so nobody keeps others off a name by waiting.
 *
 * One that a put or a get has made goes when it is empty, nobody waits at it, and all that was taken is acknowledged (what
 * was taken without is forgotten: to count it by mq_task_done, create the queue).
 * A put waits where it is full (its own limits; the user's limit of bytes is OBJECT_TOO_MANY at once), behind those who
 * wait already. OBJECT_FULL where WAIT is NULL. */
int mq_put(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	const struct mq_options *options, const struct mq_message *message, struct object_wait *wait,
	struct object_problem *problem) __attribute__((warn_unused_result));
struct mq_get {
	bool tail; /* from the other end; not where order is MQ_PRIORITY: OBJECT_MISMATCH */
	bool ack;  /* it is given back to its place unless HOLDER's owner acknowledges it before it ends */
};
int mq_get(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	const struct mq_get *how, struct object_wait *wait, struct object_grant *grant, struct object_problem *problem)
	__attribute__((warn_unused_result));
/* Of a get of OWNER's: done with; counts as task_done. */
int mq_ack(struct objects *objects, struct object_owner *owner, uint64_t receipt, struct object_problem *problem)
	__attribute__((warn_unused_result));
/* Back to its place at once, before all that came after it. */
int mq_nack(struct objects *objects, struct object_owner *owner, uint64_t receipt, struct object_problem *problem)
	__attribute__((warn_unused_result));
/* The next COUNT, in the order in which they would be taken, as borrowed bytes; how many there are. */
size_t mq_peek(
	const struct objects *objects, const struct object_name *name, bool tail, struct bytes **out, size_t count);
/* How many were thrown away; what was taken and not acknowledged is not among them. They count as done. */
size_t mq_clear(struct objects *objects, const struct object_name *name);
/* Waits until as many are done (mq_task_done, mq_ack) as were put. OBJECT_DONE where it is not there. */
int mq_join(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	struct object_wait *wait, struct object_problem *problem) __attribute__((warn_unused_result));
/* *unfinished (may be NULL): how many are left. */
int mq_task_done(struct objects *objects, const struct object_name *name, int64_t count, uint64_t *unfinished,
	struct object_problem *problem) __attribute__((warn_unused_result));
/* With all that is in it; who waits gets OBJECT_DELETED, also a join. Not acknowledged ones have nowhere to go back to: their
 * receipts are void. */
int mq_delete(struct objects *objects, const struct object_name *name) __attribute__((warn_unused_result));
/* The same for that user's waits alone; OBJECT_NOT_FOUND where there are none. For one that nobody owns. */
int mq_delete_waits(struct objects *objects, const struct object_name *name, uint32_t uid)
	__attribute__((warn_unused_result));
struct mq_figures {
	size_t length;
	size_t bytes;
	size_t unacked;
	uint64_t unfinished;
	size_t getters, putters;   /* who wait */
	bool created;              /* by mq_create */
	bool owned;                /* somebody has created it, or put something into it */
	uint32_t owner;            /* …and he is it: his uid */
	struct mq_options options; /* as they are in force */
};
/* False: it is not there. */
bool mq_figures(const struct objects *objects, const struct object_name *name, struct mq_figures *out);

/* --- listings --- */
/* The objects of a kind, in the order of their making; NULL at the end. */
struct object *object_next(const struct objects *objects, enum object_kind kind, const struct object *after);
struct object *object_find(const struct objects *objects, enum object_kind kind, const struct object_name *name);
/* What can be said of any; what a kind does not have is 0. */
struct object_view {
	enum object_kind kind;
	struct object_name name;
	uint32_t maker;   /* uid */
	int64_t since_ns; /* since when it is there */
	size_t holders, waits, claims;
	bool holder_died;
	bool set; /* event; barrier: broken */
	bool bounded;
	int64_t slots;           /* semaphore; barrier: parties */
	int64_t value;           /* semaphore: free permits */
	struct object_name lock; /* condition: its lock's */
	struct mq_figures mq;
};
void object_look(const struct object *object, struct object_view *out);
/* Those who hold it, in the order in which they came to it, then those who wait, first come first. */
struct object_party {
	bool waits;
	const struct object_owner *owner;
	struct object_name token;
	bool shared;
	int64_t count;    /* lock: depth; semaphore: permits; mq: 0 */
	const char *what; /* of an mq's wait: "put", "get", "join"; else NULL */
	uint64_t fence;
	int64_t since_ns;
};
/* Calls VISIT for each, until that says false. */
void object_parties(
	const struct object *object, bool (*visit)(void *user, const struct object_party *party), void *user);

/* --- what tasks must have before they start --- */
struct object_claim {
	enum object_kind kind;   /* OBJECT_LOCK or OBJECT_SEMAPHORE */
	struct object_name name; /* not terminated, borrowed */
	bool shared;             /* of a lock */
	int64_t count;           /* of a semaphore */
	int64_t slots;           /* …as semaphore_request has it */
};
/* A task that waits for its claims. It waits for one object at a time, holds nothing meanwhile, and tries anew when that
 * might be had. */
struct object_ticket {
	/* It may be worth another claims_take. Called by objects_turn only. The ticket is off the lists already. It must
	 * not call back into the objects. */
	void (*ready)(struct object_ticket *ticket);
	int32_t level; /* the higher goes first; equal ones by place, the smaller first */
	uint64_t place;
	/* What claims_take says when it is done: */
	bool holder_died; /* the last holder of one of the claims did, or several */
	uint64_t fence;   /* the largest of the claims' */
	/* The rest is the objects' own. */
	struct object *object; /* what it waits for; NULL: nothing */
	bool shared;           /* …and how much of it */
	int64_t count;
	struct heap_node by_rank, by_arrival; /* the object's tickets */
	uint64_t arrival;                     /* kept over attempts; 0: it never waited */
	int64_t since_ns;
	struct object_owner *owner;
	bool is_ready; /* on the objects' list of those whose `ready` is to be called */
	TAILQ_ENTRY(object_ticket) link;
};
/* Whether it can ever be had: OBJECT_DONE, or why not (OBJECT_MISMATCH: more permits than there are; the same object
 * twice). For when a task is submitted. */
int claims_check(const struct objects *objects, const struct object_claim *claims, size_t n,
	struct object_problem *problem) __attribute__((warn_unused_result));
/* All of them for OWNER, or none: OBJECT_DONE; OBJECT_WAITING (the ticket is on); or OBJECT_TOO_MANY, OBJECT_MISMATCH: what
 * was possible when it was checked no longer is. What is had is released by object_owner_end, or claims_release.
 *
 * Between tasks and others who wait for one object: who came first. A task that is ready, but that nobody starts (its
 * queue is paused, no slot is free), keeps nobody waiting: what is free after the turn goes to the others. */
int claims_take(struct objects *objects, struct object_owner *owner, const struct object_claim *claims, size_t n,
	struct object_ticket *ticket, struct object_problem *problem) __attribute__((warn_unused_result));
/* Releases what claims_take has given, as a holder does who does not die. */
void claims_release(struct objects *objects, struct object_owner *owner, const struct object_claim *claims, size_t n);
/* Its place among all who wait is as if it waited from now on, unless it has one: for who waits behind another task. */
void object_ticket_arrive(struct objects *objects, struct object_ticket *ticket);
/* It does not wait any more, whether it did or not; its place among the others is forgotten. */
void object_ticket_drop(struct object_ticket *ticket);
/* A turn is
 *
 *     do
 *             while (objects_turn(objects))
 *                     start tasks;
 *     while (objects_settle(objects));
 *
 * Calls `ready` of those who might have what they wait for now: the first ones of each object. True: there were some, and
 * others may follow when tasks have been started. */
bool objects_turn(struct objects *objects);
/* Something that tasks wait for may be had since the last turn; others who wait for it are kept waiting until the next. */
bool objects_turn_is_due(const struct objects *objects);
/* After tasks were started: what these have left is given to the others. True: and behind those, there may be something
 * for tasks once more. */
bool objects_settle(struct objects *objects);

#endif
