/* What the files of the named objects share with each other and with nobody else: what every object has, whatever its kind.
 *
 * Invariants. Between two calls of object.h's functions
 *
 *   - an object is in the table iff somebody holds it, waits for it or needs it (a wait, a ticket, a condition's lock), or
 *     it has something to keep or to tell (object_rest); one that only has something to tell is on its maker's list of those
 *   - a wait is in exactly one line of exactly one object, and on exactly one list of waits: its who's. A line is in the
 *     order of arrival
 *   - the first in a line could not have what it waits for, unless the object is held back for tasks (ticket.c); the others
 *     wait behind it
 *   - a lock is held by one, or by several who all share it; nobody is twice among an object's holdings
 *   - a semaphore's free permits and those held are its slots, if it is bounded
 *   - fences grow, whatever the object: each is given once
 *   - `done` has been called for each wait that was answered; it never is for one that was dropped or expired
 *   - a who with a token is there iff it holds or waits; an account is there iff somebody uses it
 *   - a user's counts are the lengths of what they count
 *
 * How an operation goes: it finds or makes its object; changes it; answers waits, which takes them off the lists; touches
 * the object, which drops it if nothing keeps it; and tells those who were answered. No `done` is called while anything is
 * half changed. Where several objects change at a time (an owner's end) they are stirred, and served one by one at the end.
 *
 * A kind is a struct object_class, a structure that begins with a struct object, and functions that do
 *
 *     object = object_find(…) or object_new(…);
 *     wait_park(…) or holding_new(…) or …;      many may be answered by the way: wait_answer
 *     object_finish(object);                    touches it, and tells */
#ifndef OBJECT_INTERNAL_H
#define OBJECT_INTERNAL_H

#include "base/heap.h"
#include "base/idmap.h"
#include "base/table.h"
#include "object/object.h"

struct object_holding;
struct object_receipt;

/* --- kinds --- */

/* What there is in an object that nobody holds, waits for or needs. */
enum object_rest {
	REST_NOTHING, /* it goes */
	REST_MARK,    /* only something to tell (a broken barrier): it may go when its maker needs room */
	REST_KEEP,    /* it stays */
};

struct object_class {
	enum object_kind kind;
	size_t size; /* of the kind's structure */
	/* All that follow may be NULL: the object's own members have something more to free; */
	void (*fini)(struct object *object);
	/* what is left in it (the mark of a holder who died is looked after here already); */
	enum object_rest (*rest)(const struct object *object);
	/* answers those first in line who can have what they wait for, up to the first before whom a task goes
	 * (ticket_goes_first, where the kind has_room at all); */
	void (*serve)(struct object *object);
	/* a wait that stood in its line has been dropped, or has expired (it is off all lists; it is not told; serve comes
	 * after this); */
	void (*left)(struct object *object, struct object_wait *wait);
	/* the time of one that waits for it is over, and true: it goes on (it may have been put elsewhere); */
	bool (*expire)(struct object *object, struct object_wait *wait);
	/* an owner has ended, and this was its: all of it is given back (the holding is freed afterwards, and the object
	 * knows already that its holder died; serve comes after this); */
	void (*give_back)(struct object *object, struct object_holding *holding);
	/* the same of a message that has not been acknowledged: frees the receipt; */
	void (*put_back)(struct object *object, struct object_receipt *receipt);
	/* whether COUNT permits, or the lock so, could be had at once if nobody else waited; */
	bool (*has_room)(const struct object *object, bool shared, int64_t count);
	/* of what is held by count: how many permits there are, for deadlock.c; 0: nobody can say who might bring some, so nobody
	 * waits for somebody; NULL: as 0. Locks are known there; */
	int64_t (*permits)(const struct object *object);
	/* what the kind has to say of itself; */
	void (*look)(const struct object *object, struct object_view *view);
	/* NULL: those in the line are its waits; else calls VISIT for each of its waits; false as soon as VISIT says so. */
	bool (*waits)(const struct object *object,
		bool (*visit)(void *user, const struct object_wait *wait, const char *what), void *user);
	/* NULL: those who hold it are its holdings; else the same of them. */
	bool (*holds)(
		const struct object *object, bool (*visit)(void *user, const struct object_party *party), void *user);
};

/* --- objects --- */

TAILQ_HEAD(object_wait_queue, object_wait);
struct object_line {
	struct object_wait_queue waits;
	size_t count;
};
TAILQ_HEAD(object_holding_queue, object_holding);
TAILQ_HEAD(object_queue, object);
SLIST_HEAD(object_spares, object);
SLIST_HEAD(object_holding_spares, object_holding);
LIST_HEAD(object_holding_list, object_holding);
TAILQ_HEAD(object_ticket_queue, object_ticket);

enum object_turn_state {
	TURN_NONE,
	TURN_LOOK,  /* the first of its tickets might have what it waits for: objects_turn will see */
	TURN_OFFER, /* objects_turn has called some: objects_settle will see what they have left */
};

struct object {
	const struct object_class *class;
	struct objects *objects;
	uint64_t hash;
	uint16_t name_length;
	char short_name[46];
	char *name;               /* short_name, or malloc'ed */
	TAILQ_ENTRY(object) link; /* the kind's objects, in the order of their making */
	SLIST_ENTRY(object) spare;
	struct object_user *maker; /* NULL: the configuration */
	int64_t since_ns;

	struct object_holding_queue holdings; /* in the order in which they came */
	size_t n_holdings;
	struct object_line line;
	size_t n_waits;  /* in all of its lines */
	size_t n_needed; /* by conditions, whose lock it is */
	bool holder_died;

	bool is_mark; /* there only to tell something: on its maker's list, where it has one */
	TAILQ_ENTRY(object) mark;
	bool is_stirred; /* on the list of those that are to be served */
	TAILQ_ENTRY(object) stirred;

	struct heap tickets;  /* by rank */
	struct heap arrivals; /* the same tickets */
	enum object_turn_state turn_state;
	TAILQ_ENTRY(object) turn;

	struct object_search { /* of deadlock.c and hope.c; void where `mark` is not the search's */
		uint64_t mark;
		int round;
		struct object_wait *stuck; /* it and all behind it wait for somebody lost; void in another round */
		uint64_t scanned; /* …and for sharers, those who do not share were looked for from this arrival on */
		struct object_wait *front;        /* all before it will be served */
		int64_t kept, kept_exclusively;   /* by those without hope */
		const struct object_who *run_who; /* who was served last; what he keeps of it */
		int64_t run, run_exclusively;
		STAILQ_ENTRY(object) link;
	} search;
};

/* LIMIT is kept: NULL, and problem, where OWNER's user has made too many. OWNER NULL: it is on nobody's account. The name must not be
 * there yet. All members after the head are zero. */
struct object *object_new(struct objects *objects, const struct object_class *class, const struct object_name *name,
	const struct object_owner *owner, struct object_problem *problem);
/* OBJECT, which nobody has made, is on OWNER's user's account from now on; false, and problem, where that has no room. */
bool object_take(struct object *object, const struct object_owner *owner, struct object_problem *problem);
/* Whether OWNER's user may make N more. */
bool object_new_is_allowed(
	struct objects *objects, const struct object_owner *owner, size_t n, struct object_problem *problem);
/* It has changed: dropped if nothing keeps it. The pointer is void afterwards. */
void object_touch(struct object *object);
/* object_touch, and tells who was answered: the end of most functions. */
void object_finish(struct object *object);
/* Answers those who can have what they wait for, unless it is held back for tasks. */
void object_serve(struct object *object);
/* It has changed, but is served (and touched) by objects_finish only: many are about to change. */
void object_stir(struct object *object);
/* Serves and touches those that were stirred, and tells who was answered. */
void objects_finish(struct objects *objects);

/* --- users' accounts --- */

struct object_user {
	uint32_t uid;
	size_t references; /* of owners and objects, and one while it has bytes */
	size_t n_objects, n_waits, bytes;
	struct object_queue marks; /* his objects that only have something to tell, the oldest first */
};
struct object_user *user_ref(struct objects *objects, uint32_t uid);
void user_unref(struct objects *objects, struct object_user *user);
/* False, and problem: SIZE bytes more would be too many for him. USER stays there until they are given back. */
bool user_bytes_take(struct objects *objects, struct object_user *user, size_t size, struct object_problem *problem);
void user_bytes_give(struct objects *objects, struct object_user *user, size_t size);

/* --- holders --- */

/* A holder as it is kept. Two holders are the same iff their who is. */
struct object_who {
	struct object_owner *owner;
	LIST_ENTRY(object_who) link; /* the owner's */
	struct object_holding_list holdings;
	struct object_wait_list waits; /* also answered ones that have not been told yet: their object is NULL */
	size_t n_followed;             /* of these, how many another holder's stands right behind */
	uint64_t hash;
	uint64_t mark; /* of the last search that found it: from here on deadlock.c's and hope.c's */
	int round;
	bool has_hope;
	size_t needs; /* before it has hope: waits that are to be served */
	struct object_who *parent;
	struct object *because;
	STAILQ_ENTRY(object_who) todo, found;
	uint8_t token_length;
	char token[OBJECT_TOKEN_LIMIT + 1];
};
/* NULL: it neither holds nor waits. */
struct object_who *who_find(const struct object_holder *holder);
/* Makes it if need be. It is to hold or to wait at once, or who_settle. */
struct object_who *who_of(const struct object_holder *holder);
/* Dropped if it neither holds nor waits. */
void who_settle(struct object_who *who);

/* The parts of objects_new and objects_free that are about holders and holdings. */
void holders_init(struct objects *objects);
void holders_fini(struct objects *objects);

/* --- who holds --- */

struct object_holding {
	struct object *object;
	struct object_who *who;
	TAILQ_ENTRY(object_holding) link; /* the object's */
	LIST_ENTRY(object_holding) by_who;
	SLIST_ENTRY(object_holding) spare;
	int64_t count; /* lock: depth; semaphore: permits */
	bool shared;
	bool is_filed; /* in the table of holdings */
	uint64_t hash;
	uint64_t fence;
	int64_t since_ns;
};
/* Of OBJECT and WHO, who must not hold it yet. Its fence is the next one. */
struct object_holding *holding_new(struct object *object, struct object_who *who);
/* Settles its who, too. */
void holding_free(struct object_holding *holding);
/* NULL: it does not hold it; WHO may be NULL. */
struct object_holding *holding_find(const struct object *object, const struct object_who *who);

/* --- receipts: what mq_receipt.c's structure begins with --- */

struct object_receipt {
	struct object *object;
	struct object_owner *owner;
	LIST_ENTRY(object_receipt) by_owner;
};

/* --- who waits --- */

void line_init(struct object_line *line);
/* At the end of LINE, which is &object->line or another of the object's: OBJECT_WAITING; or OBJECT_TOO_MANY, where HOLDER's
 * user waits too often already. */
int wait_park(struct object *object, struct object_line *line, const struct object_holder *holder,
	struct object_wait *wait, struct object_problem *problem) __attribute__((warn_unused_result));
/* Off the object and its line, to another's end, with a new arrival (a condition's wait, to the lock). */
void wait_move(struct object_wait *wait, struct object *object, struct object_line *line);
/* Off the object. It will be told at the end of the operation. GRANT: NULL, or what is told with OBJECT_DONE. */
void wait_answer(struct object_wait *wait, enum object_status status, const struct object_grant *grant);
/* Off all lists; it is never told. */
void wait_leave(struct object_wait *wait);
/* Calls `done` of those who were answered. */
void objects_tell(struct objects *objects);

/* --- tasks that wait for an object (ticket.c) --- */

/* Whether a task that waits for OBJECT, or is just being offered it, goes before one who came at ARRIVAL (UINT64_MAX: now):
 * that one is not to be served then. SHARED: it shares a lock. */
bool ticket_goes_first(const struct object *object, uint64_t arrival, bool shared);
/* Whether TICKET, were it on, might have what it wants of OBJECT, which is there, now: it has room, and nobody goes first. */
bool ticket_might_have(const struct object *object, const struct object_ticket *ticket);
/* The object is stirred: others may be first now. */
void ticket_park(struct object_ticket *ticket, struct object *object);
/* Those who want more than COUNT never will have it: they are to try, and to hear why not. */
void tickets_call(struct object *object, int64_t count);
/* Off all lists; its object is served by objects_finish. */
void ticket_leave(struct object_ticket *ticket);
/* OBJECT has changed: is it time for its tickets? */
void ticket_look(struct object *object);
static inline bool object_has_tickets(const struct object *object)
{
	return object->tickets.count > 0;
}

/* --- circles (deadlock.c) --- */

/* WAIT has just been parked in OBJECT's line: would it wait for itself? OBJECT_DEADLOCK, with the circle in problem, or
 * OBJECT_WAITING. It stays where it is. */
int deadlock_check(struct object *object, struct object_wait *wait, struct object_problem *problem)
	__attribute__((warn_unused_result));

/* --- locks, for conditions and claims --- */

extern const struct object_class lock_class;
/* WHO has it from now on, DEPTH times, and nobody who excludes it does. */
struct object_holding *lock_grant(
	struct object *lock, struct object_who *who, bool shared, int64_t depth, struct object_grant *grant);
/* HOLDER's holding: OBJECT_DONE, OBJECT_NOT_HELD or OBJECT_NOT_OWNER. */
int lock_held(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	struct object_holding **out, struct object_problem *problem);
/* Gives it back, and serves those who wait; the lock is to be touched. */
void lock_let_go(struct object_holding *holding);

/* --- semaphores, for claims --- */

/* Whether REQUEST suits SEMAPHORE, or NULL: one that is made now. OBJECT_DONE or OBJECT_MISMATCH. */
int semaphore_suits(
	const struct object *semaphore, const struct semaphore_request *request, struct object_problem *problem);
/* One that is only there to tell that its holder died becomes what REQUEST says. OBJECT may be NULL. */
void semaphore_renew(struct object *object, const struct semaphore_request *request);
/* Made as REQUEST has it. */
struct object *semaphore_new(
	struct objects *objects, const struct semaphore_request *request, struct object_problem *problem);
/* WHO has COUNT more, which are free. */
void semaphore_grant(struct object *semaphore, struct object_who *who, int64_t count, struct object_grant *grant);
/* WHO's, all of them, as one does who does not die; the caller serves and touches the object. */
void semaphore_return(struct object *semaphore, struct object_who *who, int64_t count);

/* --- problems; PROBLEM may be NULL --- */

void problem_clear(struct object_problem *problem);
void problem_say(struct object_problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One more link: WHO waits for OBJECT, or holds it. */
void problem_add(struct object_problem *problem, const struct object_who *who, const struct object *object);

/* --- the whole --- */

struct objects {
	struct object_limits limits;
	uint64_t fence;   /* the last one */
	uint64_t arrival; /* the last one */
	int64_t now_ns;
	struct object_kind_table {
		struct names names;
		struct object_queue all;
		struct object_spares spares;
		size_t n_spares;
	} kinds[OBJECT_N_KINDS];
	struct table users;    /* by uid */
	struct table tasks;    /* owners that are tasks, by id */
	struct names whos;     /* with a token */
	struct names holdings; /* of objects that several hold */
	struct object_holding_spares holding_spares;
	struct object_who_list who_spares;
	size_t n_holding_spares, n_who_spares;
	struct object_wait_queue answered; /* …and not told yet */
	bool is_telling;
	struct object_queue stirred;
	struct object_queue turns; /* held back for tasks */
	struct object_ticket_queue ready;
	uint64_t search;       /* deadlock.c's last one */
	struct idmap receipts; /* by number */
	uint64_t receipt;      /* the last one's number */
};
static inline uint64_t fence_next(struct objects *objects)
{
	return ++objects->fence;
}

#endif
