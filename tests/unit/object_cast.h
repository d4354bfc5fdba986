/* Who plays in the tests of semaphores, events, barriers and message queues: some owners, and waits that remember what they
 * were told. Names and values are words. */
#ifndef TESTS_OBJECT_CAST_H
#define TESTS_OBJECT_CAST_H

#include "object/object.h"

#define CAST 8 /* connections 0…; the first half are uid 1's, the others uid 2's */

struct waiter {
	struct object_wait wait;
	int told; /* how often */
	enum object_status status;
	struct object_grant grant; /* a value in it is let go of by waiter_forget */
};

extern struct objects *all;
extern struct object_owner owners[CAST];
extern struct object_problem problem; /* of the call that was last */

void cast_open(void);
/* All owners end, and with them all that does not stay by itself. */
void cast_close(void);
/* That owner ends, and another comes in its place. */
void cast_kill(int owner);
/* NULL, or which invariant of the objects does not hold. */
const char *cast_broken(void);

struct object_name named(const char *name);
/* Owner N; TOKEN: NULL, or that part of it. */
struct object_holder who(int owner, const char *token);
/* A fresh one, which has been told nothing. */
struct object_wait *waiter_set(struct waiter *waiter);
void waiter_forget(struct waiter *waiter);
/* It was told once, and this. */
bool waiter_got(const struct waiter *waiter, enum object_status status);
/* False: it is not there. */
bool look_at(enum object_kind kind, const char *name, struct object_view *out);
/* "0 1/t=2 | 3=1 4 get": holders, then those who wait, each with its token and its count where it has one; "-": not there. */
const char *parties_at(enum object_kind kind, const char *name);

uint32_t random_below(uint64_t *seed, uint32_t below);

#endif
