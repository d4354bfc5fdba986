/* Tasks with claims for the core's tests: toy slots, and somebody else who holds and waits. */
#ifndef TESTS_CLAIMS_WORLD_H
#define TESTS_CLAIMS_WORLD_H

#include <check.h>

#include "core/internal.h"
#include "object/object.h"
#include "toy.h"

extern struct toy toy;
extern struct toy_slot *slots[4]; /* as many as claims_slots has made */
extern struct object_owner other; /* a connection */

void claims_fresh(void);
void claims_finish(void);
/* N more slots. */
void claims_slots(int n);

/* What claims a lock or two; a name that begins with "+" is of a semaphore of 2, of which one permit is claimed, one
 * with "~" of a lock that is shared. SECOND may be NULL. */
struct task_spec claims_spec(const char *first, const char *second);
struct task *claims_submit(const char *first, const char *second);
struct task *claims_submit_priority(const char *name, int32_t priority);

/* `other` has the lock from now on. */
void other_takes(const char *name);
void other_releases(const char *name);
/* Nobody has it; *died: the last who had it has died. */
bool lock_is_free(const char *name, bool *died);
size_t lock_holders(const char *name);

/* The slot ends the task that it was given, whichever slot that is. */
void claims_end(struct task *task, enum task_state state);
/* It is given to a slot that has begun it. */
void claims_run(struct task *task);
bool is_blocked_by(const struct task *task, const char *name);

#endif
