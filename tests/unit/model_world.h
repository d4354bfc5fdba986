/* What the model test's files share: the core, the model of it, and the lanes between them. */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include <check.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "model.h"

#define SLOTS 5
#define LANE 70
#define TYPES 2
#define ACTIVE 250 /* nothing is submitted beyond */
#define MS NS_PER_MS
#define NEAR_NS (50 * NS_PER_US) /* ends that are so close may be taken for each other's */

struct record {
	uint64_t id;
	struct task *task;
	int64_t taken_ns; /* 0: not taken */
};

struct lane {
	struct core_slot *slot;
	int pool;
	bool ready;
	bool doomed; /* the core wants its worker to be killed */
	int room;
	int64_t refused_ns;
	struct record records[LANE];
	int count;
};

struct world {
	int seed;
	struct core *core;
	struct core_pool *pools[MODEL_POOLS];
	struct core_queue *queues[MODEL_QUEUES];
	struct task_type *types[TYPES];
	struct lane lanes[SLOTS];
	uint8_t *announced; /* by id: the state that was told last; NOTHING: none */
	bool in_turn;
	uint64_t last_joined; /* of those that are said to join in the order of their ids */
	size_t n_revoked, n_killed, n_stolen, n_retried, n_failed_dependents, n_dropped, n_missed, n_held;
};
#define NOTHING 255

extern struct model model;
extern struct world world;

/* --- model_world.c --- */

void world_init(int seed);
void world_fini(void);
void add_queue(int pool, const struct core_queue_options *options);

/* A line of what was done, for whom a difference is found. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_log(void);
#define CHECK(condition, ...) \
	do { \
		if (!(condition)) { \
			print_log(); \
			ck_abort_msg(#condition ": " __VA_ARGS__); \
		} \
	} while (0)
#define SAME(got, wanted, what, id) \
	CHECK((long long)(got) == (long long)(wanted), "%s of %llu is %lld, not %lld", what, (unsigned long long)(id), \
		(long long)(got), (long long)(wanted))

static inline long pick(long n) { return random() % n; }
static inline bool chance(int percent) { return pick(100) < percent; }
int random_queue(void);
static inline int index_of(const struct lane *lane) { return (int)(lane - world.lanes); }
void take_out(struct lane *lane, struct record *record);
struct bytes *make_bytes(size_t size);
/* NULL: there is no record. */
struct task *find_task(uint64_t id);
size_t n_active(void);

/* --- model_compare.c --- */

bool depends_on(const struct task_ref *refs, size_t count, uint64_t id);
/* After a turn: nothing may differ. */
void compare(void);

/* --- model_crowd.c --- */

#define OBJECT_NAME 8
void name_object(char name[OBJECT_NAME], int object);
void crowd_begin(int number);
void crowd_end(int number);
void do_crowd(void);
void compare_crowd(void);

/* --- model_tasks.c: operations on both, and what they answer --- */

uint64_t random_id(void);
void do_submit(void);
void do_batch(void);
void do_retry(uint64_t id);
void do_cancel(uint64_t id);
void do_forget(uint64_t id);
void do_fetch(uint64_t id);
/* The core draws lots for pauses: within what the model allows. */
void follow_retry(uint64_t id);

#endif
