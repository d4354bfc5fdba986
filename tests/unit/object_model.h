/* A model of locks, bounded semaphores, conditions and tasks' claims: what object.h says of them, written down once more in
 * the plainest way there is. Everything is an array; whoever wants to know something scans it. Deliberately slow. */
#ifndef TESTS_OBJECT_MODEL_H
#define TESTS_OBJECT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_CONNECTIONS 5
#define MODEL_TOKENS 2 /* none, and "t" */
#define MODEL_TASKS 4
#define MODEL_HOLDERS (MODEL_CONNECTIONS * MODEL_TOKENS + MODEL_TASKS) /* connections' first, then the tasks */
#define MODEL_LOCKS 4
#define MODEL_SEMAPHORES 3 /* of 1, 2, 3 slots */
#define MODEL_OBJECTS (MODEL_LOCKS + MODEL_SEMAPHORES)
#define MODEL_CONDITIONS 2 /* of the locks 0 and 1; as what is waited for, they come after the objects */
#define MODEL_WAITS 24
#define MODEL_HOLDS 64
#define MODEL_CLAIMS 3
#define NOWHERE (-1)

struct model_hold {
	int object, holder;
	int64_t count;
	bool shared;
	uint64_t fence; /* as the objects gave it */
};
struct model_wait {
	int object; /* NOWHERE: it is off */
	int holder;
	bool shared, reentrant, comes_back, notified;
	int64_t count; /* permits; of one that comes back, how often it had the lock */
	uint64_t arrival;
	/* What it is told: */
	bool told, died, again;
	int got; /* the object */
	int64_t depth;
};
struct model_claim {
	int object;
	bool shared;
	int64_t count;
};
struct model_task {
	struct model_claim claims[MODEL_CLAIMS];
	size_t n;
	bool has;   /* its claims */
	int object; /* that its ticket waits for, or NOWHERE */
	struct model_claim lacks;
	int32_t level;
	uint64_t place;
	uint64_t arrival;
	bool ready;
	bool died; /* what it was told when it took its claims */
};
struct model {
	struct model_hold holds[MODEL_HOLDS]; /* in the order in which they came */
	size_t n_holds;
	struct model_wait waits[MODEL_WAITS];
	struct model_task tasks[MODEL_TASKS];
	bool died[MODEL_OBJECTS];
	bool offered[MODEL_OBJECTS];
	int task_of[MODEL_CONNECTIONS]; /* within which it runs, or NOWHERE */
	uint64_t arrival;
};

void model_init(struct model *model);
int64_t model_slots(int object);
int model_holder_connection(int holder); /* NOWHERE: a task */
struct model_hold *model_hold_of(struct model *model, int object, int holder);
/* The first of those who wait, behind AFTER (NULL: at all). */
struct model_wait *model_next(struct model *model, int object, const struct model_wait *after);

/* Each returns what the function of object.h has to; those who are told are marked. WAIT NULL: without one. */
int model_lock(struct model *model, int object, int holder, bool shared, bool reentrant, struct model_wait *wait);
int model_unlock(struct model *model, int object, int holder);
int model_acquire(struct model *model, int object, int holder, int64_t count, struct model_wait *wait);
int model_release(struct model *model, int object, int holder, int64_t count);
int model_condition_wait(struct model *model, int condition, int holder, struct model_wait *wait);
int model_notify(struct model *model, int condition, int holder, int64_t count, size_t *notified);
void model_drop(struct model *model, struct model_wait *wait);
bool model_expire(struct model *model, struct model_wait *wait);
void model_end(struct model *model, int first_holder, int n_holders);
int model_take(struct model *model, int task);
void model_give(struct model *model, int task);
void model_ticket_drop(struct model *model, int task);
/* Marks those who are ready; how many. */
int model_turn(struct model *model);
/* Whether there may be something for tasks once more. */
bool model_settle(struct model *model);

/* Whether WAIT, which is on, would never be granted, if whoever waits for nothing gave back all he has, again and again. */
bool model_is_stuck(const struct model *model, const struct model_wait *wait);
/* …whether anybody is. */
bool model_anybody_is_stuck(const struct model *model);

#endif
