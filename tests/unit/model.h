/* A model of the core for test_core_model: what core.h and task.h say a task's life is, written down once more in the
 * plainest way there is. Tasks are an array by id; whoever wants to know something scans it. It knows nothing of lists,
 * windows, estimates or sweeps: which slot gets what and when is the core's choice, and the model says whether it may.
 * Deliberately slow. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "base/clock.h"
#include "core/core.h"

#define MODEL_TASKS 40000
#define MODEL_QUEUES 64
#define MODEL_POOLS 2
#define MODEL_REFS 3
#define MODEL_OWNERS 3 /* 1000…; the last of them is exempt */
#define MODEL_STARTS 256
#define MODEL_LOCKS 4 /* objects 0… */
#define MODEL_OBJECTS 6 /* the rest are semaphores */
#define MODEL_SHARED 1
#define MODEL_EXCLUSIVE 2
#define MODEL_CROWD 3 /* so many who are no tasks want locks, each one at a time */
#define MODEL_GATHER 500 /* bytes of arguments with results in them that are too many */

struct model_spec {
	int queue;
	int type;
	uint32_t owner;
	int32_t priority;
	size_t size; /* of its arguments; 0: none */
	int64_t timeout_ns, expires_ns, due_ns;
	bool wall, pass_results;
	int key, tag; /* 0: none */
	enum key_mode key_mode;
	struct task_retry retry;
	struct task_ref after[MODEL_REFS], any[MODEL_REFS];
	size_t n_after, n_any;
	uint8_t claims[MODEL_OBJECTS]; /* 0: none; of a lock: MODEL_SHARED or _EXCLUSIVE; of a semaphore: permits */
};

struct model_task {
	struct model_spec spec; /* its size and the references are as they became */
	bool exists;            /* there is a record */
	enum task_state state;
	unsigned attempt, crashes;
	int64_t submitted_ns, started_ns, ended_ns, due_ns, kill_ns;
	int64_t over_ns;        /* when it was known that it had ended */
	bool wall;
	int64_t earliest_ns, latest_ns; /* between which its next attempt has to be due */
	bool final, timed_out, tried;
	int slot;             /* in whose lane it is, or -1 */
	int64_t given_ns;     /* since when */
	int64_t taken_ns;     /* 0: not taken by the slot */
	uint64_t place;       /* when it joined its queue, among all that did */
	int64_t joined_ns;
	double progress;
	size_t result_size;
	const char *kind;
	bool fetched;
	int64_t fetched_ns;
	uint64_t retry_of, retried_as;
	bool missing; /* blocked by what it claims: */
	int missed;   /* this object */
	bool told_interrupt, told_kill, told_end; /* the driver's */
};

struct model_queue {
	bool exists;
	int pool;
	struct core_queue_options options;
	bool paused, draining;
	uint64_t submitted, ended;
	int64_t changed_ns; /* the last change of its options */
	struct {
		int64_t at_ns;
		int count; /* 1; -1: one was given back unstarted, and may be had again */
	} starts[MODEL_STARTS]; /* the latest ones */
	size_t n_starts;
};

struct model_one {
	int lock, mode; /* what it has; mode 0: nothing */
	bool waits;
	int lock_wanted;
};

struct model {
	int64_t now_ns, wall_ns;
	struct core_limits limits;
	struct core_shares shares;
	size_t overhead; /* what a payload costs beyond its size */
	size_t links_overhead, link_cost; /* what it costs to wait for any tasks, and for each */
	size_t claims_overhead, claim_cost; /* … to claim anything, and each */
	struct model_one crowd[MODEL_CROWD];
	struct model_task *tasks;
	uint64_t last_id;
	uint64_t *live; /* ids of tasks that have a record, ascending */
	size_t n_live;
	struct model_queue queues[MODEL_QUEUES];
	int n_queues;
	uint64_t last_place;
	uint64_t ended[TASK_N_STATES];
	const char *why; /* what the last answer "no" was about */
	int which;       /* the queue that the last "must" or "may not" was about */
};

void model_init(struct model *model);
void model_fini(struct model *model);
static inline bool model_over(const struct model_task *task) { return task->state >= TASK_SUCCEEDED; }
static inline uint64_t model_id(const struct model *model, const struct model_task *task)
{
	return (uint64_t)(task - model->tasks);
}
/* In one of the three states that wait, and in no lane. */
static inline bool model_waits(const struct model_task *task, int queue)
{
	return task->spec.queue == queue && task->state <= TASK_QUEUED && task->slot < 0;
}
size_t model_cost(const struct model *model, const struct model_spec *spec);
/* Whether his shares bind him; what he has. */
bool model_is_exempt(const struct model *model, uint32_t owner);
struct core_user_figures model_user(const struct model *model, uint32_t owner);
/* Its owner has as much running as he may. */
bool model_is_held(const struct model *model, const struct model_task *task);
/* Tasks of different owners wait for objects each for himself in that queue. */
bool model_is_divided(const struct model *model, int queue);

/* For the model's own files. Whether all that TASK waits for is as it wants it; *failed: that will never be. */
bool model_is_ready(const struct model *model, const struct model_task *task, bool *failed);
/* Adds the results of what it waited for to its arguments. False: that would be too much. */
bool model_gather(const struct model *model, struct model_task *task);
/* It waits for nobody (any more). */
void model_release(const struct model *model, struct model_task *task);
/* Lets go, or ends, those about whom it is decided. */
void model_settle(struct model *model);

/* As core_submit; *id is the new task, or the one that has the key. */
int model_submit(struct model *model, const struct model_spec *spec, uint64_t *id);
int model_batch(struct model *model, const struct model_spec *specs, size_t count, uint64_t *ids, size_t *culprit);
/* Whether the one at AT waits for itself, by way of others or not. */
bool model_in_circle(const struct model *model, const struct model_spec *specs, size_t count, size_t at);
int model_retry(struct model *model, uint64_t id, uint64_t *out);
bool model_cancel(struct model *model, uint64_t id);
/* The record goes. */
void model_drop(struct model *model, uint64_t id);
/* It came into its queue just now: the core says in which order. */
void model_joined(struct model *model, uint64_t id);

/* What a turn does at this time but for starts. */
void model_turn(struct model *model, int64_t now_ns, int64_t wall_ns);
/* When the model wants the next turn at the latest. */
int64_t model_next_ns(const struct model *model);

/* Whether TASK may be given to a slot of POOL now. */
bool model_may_start(struct model *model, uint64_t id, int pool);
/* Whether something of POOL has to be started where a slot is idle. */
bool model_must_start(struct model *model, int pool);
void model_given(struct model *model, uint64_t id, int slot);
/* It came back from its lane, or ended there without having been taken. */
void model_back(struct model *model, uint64_t id);
/* It is known that its slot has taken it. */
void model_known(struct model *model, uint64_t id);
/* Its slot's word and clock readings. */
void model_done(struct model *model, uint64_t id, enum task_state word, int64_t started_ns, int64_t ended_ns,
	size_t result_size);
void model_crashed(struct model *model, uint64_t id);

/* --- model_claims.c --- */
bool model_claims_anything(const struct model_spec *spec);
static inline int model_slots(int object) { return object - MODEL_LOCKS + 2; }
bool model_lock_is_free(const struct model *model, int lock, int mode);
/* Whether TASK could have all that it claims if nobody else waited. */
bool model_has_claims_free(const struct model *model, const struct model_task *task);
/* Whether TASK may be blocked by what it claims. */
bool model_may_miss(const struct model *model, const struct model_task *task);
/* A task that should have had what TASK has; 0: none. */
uint64_t model_passed_over(struct model *model, const struct model_task *task);
/* A task that waits for what it could have, and nobody will tell it; 0: none. */
uint64_t model_forgotten(struct model *model);
/* Whether B, of the same queue, must not be started while A waits. */
bool model_comes_before(const struct model *model, const struct model_task *a, const struct model_task *b);

/* Whether TASK's record may be kept, and has to be. */
bool model_may_keep(const struct model *model, const struct model_task *task);
bool model_must_keep(const struct model *model, const struct model_task *task);

#endif
