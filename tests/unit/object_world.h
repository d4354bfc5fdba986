/* A world for the tests of the named objects: some owners, waits that remember what they were told, short ways to ask, and a
 * look at every invariant of internal.h. */
#ifndef TESTS_OBJECT_WORLD_H
#define TESTS_OBJECT_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"

#define WORLD_OWNERS 8
#define WORLD_WAITS 64
#define WORLD_FENCE 1000

struct world_wait {
	struct object_wait wait;
	int told; /* how often `done` was called */
	int status;
	struct object_grant grant;
	size_t turn; /* the how manieth it was that was told */
};

struct object_world {
	struct objects *objects;
	struct object_owner
		owners[WORLD_OWNERS]; /* connections 1…, uid 1000 but for the last, which is 1001; pid 100… */
	struct world_wait waits[WORLD_WAITS];
	struct object_grant grant;     /* the last one */
	struct object_problem problem; /* the last one */
	size_t told;
};
extern struct object_world world;

/* Fixtures: a world without limits; and its end, which looks that nothing is left. */
void world_begin(void);
void world_end(void);

/* NAME terminated; TOKEN terminated or NULL. */
struct object_name name_of(const char *name);
struct object_holder holder_of(int owner, const char *token);
void wait_prepare(struct world_wait *wait);
/* WAIT: a number of world.waits; NONE: without a wait. */
#define NONE (-1)
struct object_wait *wait_at(int wait);

enum { EXCLUSIVE = 0, SHARED = 1, REENTRANT = 2 };
int lock_take(int owner, const char *token, const char *name, int how, int wait);
int lock_give(int owner, const char *token, const char *name);
int semaphore_take(int owner, const char *name, int64_t slots, int64_t count, int wait);
int semaphore_give(int owner, const char *name, int64_t count);
bool object_is_there(enum object_kind kind, const char *name);
struct object_view object_view_of(enum object_kind kind, const char *name);
/* It was told, once, and nothing else was since the last question. */
#define assert_told(which, wanted_status)                       \
	do {                                                    \
		struct world_wait *asked = &world.waits[which]; \
		ck_assert_int_eq(asked->told, 1);               \
		ck_assert_int_eq(asked->status, wanted_status); \
		ck_assert(!object_wait_is_on(&asked->wait));    \
		asked->told = 0;                                \
	} while (0)
#define assert_not_told(which) ck_assert_int_eq(world.waits[which].told, 0)
/* "held by 1, 2/token; waiting 3" as text, from object_parties: "1 2/t | 3". */
const char *parties_of(enum object_kind kind, const char *name);

/* NULL, or which invariant does not hold. */
const char *objects_broken(struct objects *objects);
#define assert_sound() ck_assert_msg(!objects_broken(world.objects), "%s", objects_broken(world.objects))

/* Small, seeded. */
uint32_t world_random(uint32_t *state, uint32_t below);
/* How much of a long test: TASKD_TEST_SEEDS, or NORMAL. */
unsigned world_seeds(unsigned normal);

#endif
