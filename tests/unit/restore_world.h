/* What the tests of a restart share: a core to which tasks come back, and what they were recorded as. */
#ifndef TESTS_RESTORE_WORLD_H
#define TESTS_RESTORE_WORLD_H

#include <check.h>

#include "core/internal.h"
#include "toy.h"

#define FIRST_NEW 1000 /* ids from here on are new ones */
#define LONG_AGO (-500 * NS_PER_S)

extern struct toy toy;
extern struct toy_slot *slot;

/* A fixture. */
void restore_begin(void);
void restore_end(void);

/* As recorded: one that waits, or that a slot had; and one that has ended. */
struct core_restored waiting(uint64_t id, enum task_state state);
struct core_restored ended(uint64_t id, enum task_state state, int64_t ended_ns);
/* There is room for it. */
struct task *restore(struct core_restored restored);
/* All are there, and a turn. */
void restore_done(void);
/* It is there. */
struct task *find(uint64_t id);

void expect_state(const struct task *task, enum task_state state);
/* N records were told; the last one was that. */
void expect_told(int n, const struct task *task, enum core_record what);

#endif
