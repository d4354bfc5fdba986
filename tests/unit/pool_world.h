/* Pools with real processes, for tests: their workers are the test's own program once more, and do what a task's arguments
 * say. Its main begins with worker_main. */
#ifndef TESTS_UNIT_POOL_WORLD_H
#define TESTS_UNIT_POOL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "core/core.h"
#include "pool/command.h"
#include "pool/pool.h"

struct event;
struct event_base;

/* Where this process was started as a worker: does what one does, and does not return. Its tasks' arguments are [VERB, …]:
 *
 *   done            succeeds, with {}
 *   start           succeeds, with the start message
 *   orders N        waits for N messages on the control socket, answers each with "done", and succeeds with them as an array
 *   page WORD TOTAL TEXT  …for a log request, which it answers so; TEXT is base64
 *   twice           answers an order twice
 *   unasked         answers what nobody asked
 *   ready           says once more that it is ready
 *   fds             writes "x" to each descriptor that came along, and succeeds with their number
 *   gate            waits until the first of them can be read, then waits for orders as above, N of them
 *   say             waits for an order, says "out" and "err", and waits for another
 *   capture         has "hello" captured and 42 as its command's pid, then waits for an order
 *   fail FLAGS      fails with these flags and the data {"status":3}; after an order where FLAGS has LANE_FLAG_CANCELLED
 *   chatter N       says N times how far it is, without a pause, and succeeds
 *   hold            does nothing any more
 *   stray           starts a process, says its pid as progress, and does nothing any more
 *   family N        N generations in sessions of their own, each the child of the one before; says the last one's pid, as stray
 *   leave           starts a process whose parent ends, and succeeds with its pid
 */
void worker_main(int argc, char **argv);

struct pool_world {
	struct event_base *base;
	struct event *tick;
	struct core *core;
	struct pools *pools;
	struct config config;
	struct config_pool handlers, commands;
	struct task_type *handler; /* "work": of the pool of handlers */
	struct task_type *exec;
	bool hears_little; /* a word in a turn, as where somebody waits whom more would keep waiting */
	unsigned behind;   /* so often there was more */
};

/* A pool "default" of one process, and "commands" of two; both are ready. */
void pool_world_init(struct pool_world *world);
void pool_world_fini(struct pool_world *world);
/* Once round the loop; sleeps a little where there is nothing to do. */
void pool_world_turn(struct pool_world *world);
/* Goes round until CONDITION holds, or the test fails. */
#define world_until(world, condition)                                                                                  \
	do {                                                                                                           \
		for (int64_t until_ns = world_deadline(); !(condition); pool_world_turn(world))                        \
			ck_assert_msg(world_now() < until_ns, "in vain: %s", #condition);                              \
	} while (0)
int64_t world_now(void);
int64_t world_deadline(void);

/* A task that does what ARGS say; its record stays. */
struct task *world_submit(struct pool_world *world, struct task_type *type, const char *args);
/* The same, until it runs. */
struct task *world_start(struct pool_world *world, struct task_type *type, const char *args);
/* Until it has ended. */
void world_end(struct pool_world *world, struct task *task);
const char *world_result(const struct task *task);
const char *world_data(const struct task *task);
struct worker *world_worker(struct pool_world *world, const struct task *task);
/* How many descriptors this process has. */
int world_descriptors(void);
bool world_is_alive(int pid);

#endif
