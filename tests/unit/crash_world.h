/* What the model test of durable tasks shares: the daemon, its disk, what was said to whom, and what all that has to be
 * to each other. */
#ifndef TESTS_CRASH_WORLD_H
#define TESTS_CRASH_WORLD_H

#include <check.h>
#include <stdlib.h>

#include "core/internal.h"
#include "disk_model.h"
#include "object/object.h"

#define SLOTS 3
#define QUEUES 2
#define KEYS 6
#define CRASH_LIMIT 3

/* What was said to whom. */
struct promise {
	bool acknowledged, refused, told;
	enum task_state state; /* told */
	int starts;
};

extern struct toy toy;
extern struct toy_slot *slots[SLOTS];
extern struct core_queue *queues[QUEUES];
extern struct disk disk;
extern struct promise *promises; /* by id */
extern uint64_t last_id;
extern int64_t base_ns; /* of the clock that goes on, when the daemon's began */
extern size_t n_interrupted;
extern const char *const keys[KEYS + 1];
extern const struct object_claim lock;
extern const struct task_retry retry;

#define CHECK(condition, id)                                                                          \
	do {                                                                                          \
		if (!(condition))                                                                     \
			ck_abort_msg("task %llu: " #condition, (unsigned long long)(id)); \
	} while (0)

static inline long pick(long n) { return random() % n; }
static inline bool chance(int percent) { return pick(100) < percent; }

void start_daemon(void);
void stop_daemon(void);
/* What the disk has of that task comes back. */
void restore(uint64_t id);
/* What became of what the disk says in the core that was given it. */
void check_restored(uint64_t id);

/* All that will be recorded is what the core says. */
void compare_all(void);
/* What is on the disk is what was promised. */
void check_promises(void);
/* Places are compared with the disk's elsewhere. */
void check_order(void);

#endif
