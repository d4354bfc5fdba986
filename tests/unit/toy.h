/* A toy for the core's tests and its benchmark: lanes as plain arrays, a clock that the test moves, and slots that do
 * what they are told and when. */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "core/core.h"

#define TOY_LANE 128
#define TOY_LOG 4096
#define TOY_START NS_PER_S /* the clock's first moment */
#define TOY_WALL (1000000000 * NS_PER_S) /* the wall clock's */

struct toy_record {
	struct task *task;
	int64_t started_ns; /* 0: not taken */
	bool interrupted;
};

struct toy_told {
	uint64_t id;
	enum core_record what;
	bool more;
	enum task_state state;
};

struct toy_slot {
	struct toy *toy;
	struct core_slot *slot;
	struct toy_record lane[TOY_LANE];
	int count;
	int room; /* start is refused beyond */
};

struct toy {
	struct core *core;
	struct core_pool *pool;
	struct core_queue *queue;
	struct task_type *type;
	int64_t now_ns;
	int64_t wall_ns;
	int64_t next_ns;          /* what the last turn answered */
	uint64_t given[TOY_LOG];  /* ids, in the order of ops->start */
	int n_given;
	int n_refused;
	int n_revoked;
	int n_looked;             /* calls of ops->started */
	int n_ended;
	uint64_t last_ended;
	struct task *killed;
	int n_killed;
	size_t gather_limit;      /* ops->gather refuses what would be larger */
	int n_skipped;            /* runs of schedules that were refused */
	int refusal;              /* the last one's */
	const char *denied;       /* why no schedule may run; NULL: all may */
	int refuses;              /* … a core_refusal, for another reason; CORE_OK: none */
	struct toy_told told[TOY_LOG]; /* ops->record */
	int n_told;
	int n_queue_changed, n_queue_gone, n_schedule_changed, n_schedule_ran, n_schedule_gone;
	/* NULL: nobody listens */
	void (*on_start)(struct toy *toy, const struct task *task, bool refused);
	void (*on_revoked)(struct toy *toy, const struct task *task);
	void (*on_ended)(struct toy *toy, const struct task *task);
	void (*on_changed)(struct toy *toy, const struct task *task, bool progress);
	void (*on_record)(struct toy *toy, const struct task *task, enum core_record what, bool more);
};

void toy_init(struct toy *toy);
void toy_fini(struct toy *toy);
/* A slot that is ready. */
struct toy_slot *toy_slot_new(struct toy *toy);
void toy_slot_free(struct toy_slot *slot);
struct core_queue *toy_queue_new(struct toy *toy, const char *name, size_t limit_queued, size_t limit_bytes);
/* What the core is told of a type's run time. */
void toy_teach(struct toy *toy, int64_t run_ns);

/* Dies where the core refuses. */
struct task *toy_submit(struct toy *toy, int32_t priority);
struct task *toy_submit_timeout(struct toy *toy, int64_t timeout_ns);
/* Of the toy's type, in its queue unless SPEC says otherwise; what the core answers. */
int toy_try(struct toy *toy, struct task_spec spec, struct task **out);
struct task *toy_submit_spec(struct toy *toy, struct task_spec spec);
void toy_turn(struct toy *toy);
/* Moves the monotonic clock and takes a turn. */
void toy_advance(struct toy *toy, int64_t delta_ns);
/* … the wall clock. */
void toy_step_wall(struct toy *toy, int64_t delta_ns);

/* The slot takes the oldest task that it has not taken; NULL when there is none. */
struct task *toy_take(struct toy_slot *slot);
/* The slot ends the oldest task of its lane, which it takes first where it has not. */
void toy_finish(struct toy_slot *slot, enum task_state state);
/* … with this JSON as its result. */
void toy_finish_result(struct toy_slot *slot, const char *result);
void toy_die(struct toy_slot *slot, int signal_number);

#endif
