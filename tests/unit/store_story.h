/* A store that is told of tasks, queues and schedules that are made up, ends, and is followed by another that tells of
 * them. What is compared are the messages themselves, to the byte. */
#ifndef STORE_STORY_H
#define STORE_STORY_H

#include <string.h>

#include "store_served.h"

#define STORY_MANY 300

struct told { /* a row, as a message */
	char *data;
	size_t length;
	uint64_t id; /* of a task */
};
struct story {
	struct served served;
	struct store_open order;
	uint64_t seq; /* of the last operation */
	uint64_t random;
	struct told told[4 * STORY_MANY]; /* what the last store that was started has told */
	size_t n_told;
};
extern struct story story;

/* A test's fixture: a new store; the end of it all. What story_… makes lives until then. */
void story_begin(void);
void story_finish(void);
/* 0 … N - 1, the same in each run. */
uint64_t story_chance(uint64_t n);

/* A task that has not ended, with anything in it; its place is twice its id. */
struct store_task story_task(uint64_t id);
/* An outcome, and TASK as it is with it. */
struct store_task_end story_end(struct store_task *task, int64_t ended_ns);
struct store_queue story_queue(unsigned i);
struct store_schedule story_schedule(unsigned i);
static inline struct store_text story_text(const char *of)
{
	return store_text_of(of, strlen(of));
}

void story_put(enum store_message message, uint64_t id, const void *body);
void story_put_task(const struct store_task *task);
/* All that was put is on disk. */
void story_commit(void);
/* The next daemon's store, and what it tells. */
void story_restart(void);

struct told story_tell(const struct store_row *row);
struct told story_tell_task(const struct store_task *task);
/* The last store has told just these, in this order. */
void story_assert_told(const struct told *expected, size_t n);

#endif
