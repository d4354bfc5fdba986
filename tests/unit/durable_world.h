/* A core with toy slots, and what is durable of it in a real store, in a directory of its own. Both clocks are moved by
 * hand. The daemon may end, in order or not, and begin again, perhaps after a reboot. */
#ifndef TESTS_DURABLE_WORLD_H
#define TESTS_DURABLE_WORLD_H

#include <check.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "config/config.h"
#include "core/core.h"
#include "durable/durable.h"

#define WORLD_SLOTS 4
#define WORLD_LOG 256

struct world_slot {
	struct core_slot *slot;
	struct task *runs; /* taken; NULL: nothing */
};

struct world {
	char directory[64];
	const char *program; /* the store's; NULL: the real one */
	struct config *config;
	struct core *core;
	struct durable *durable; /* NULL: ended */
	struct core_pool *pool;
	struct core_queue *queue;
	struct task_type *type;
	struct world_slot slots[WORLD_SLOTS];
	int n_slots;
	uint64_t started[WORLD_LOG]; /* ids, as they came into lanes */
	int n_started;
	bool lanes_are_full; /* pools_op_start refuses */
	enum store_state state; /* as was told last */
};
extern struct world world;

/* A directory; nothing runs yet. */
void world_make(void);
void world_remove(void);
/* The daemon begins, and its store is open; world_load: all is there again, too. */
void world_begin(void);
void world_load(void);
/* It ends in order; or is killed, with what the store does not have yet. */
void world_end(void);
void world_crash(void);
/* So much time passes; REBOOT: the monotonic clock begins anew. */
void world_pass(int64_t ns);
void world_reboot(void);

/* Turns of the loop, until IS(USER); fails where it takes too long. */
void world_until(bool (*is)(const void *user), const void *user);
void world_turn(void);
/* All that was put is on disk; world_settle: and so has come in, or ended. */
void world_commit(void);
void world_settle(void);

struct world_slot *world_slot(void); /* one more that is ready */
/* The slot takes the task that lies in its lane, and ends it. */
void world_take(struct world_slot *slot);
void world_done(struct world_slot *slot, enum task_state state, const char *json);

struct task_spec world_spec(void);
struct task *world_submit(const struct task_spec *spec);
/* NULL: there is none. */
struct task *world_find(uint64_t id);
bool world_has_state(const void *state_of_task); /* struct world_expected */
struct world_expected {
	uint64_t id;
	enum task_state state;
};
void world_until_state(uint64_t id, enum task_state state);
/* All that a task is, with its times of the wall clock; malloc'ed. */
char *world_describe(uint64_t id);

#endif
