/* The core as a whole: its making and its end, its turn, types, and how tasks are found. */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/internal.h"

/* --- keys --- */

static uint64_t type_hash(const void *value)
{
	return ((const struct task_type *)value)->name_hash;
}

static bool type_equals(const void *value, const char *name, size_t length)
{
	const struct task_type *type = value;

	return type->name_length == length && !memcmp(type->name, name, length);
}

static uint64_t queue_hash(const void *value)
{
	return ((const struct core_queue *)value)->name_hash;
}

static bool queue_equals(const void *value, const char *name, size_t length)
{
	const struct core_queue *queue = value;

	return queue->name_length == length && !memcmp(queue->name, name, length);
}

/* --- the whole --- */

struct core *core_new(const struct core_ops *ops, const struct core_limits *limits, int64_t now_ns, int64_t wall_ns)
{
	struct core *core = xcalloc(1, sizeof(*core));

	core->ops = *ops;
	core->limits = *limits;
	core->now_ns = now_ns;
	core->wall_ns = wall_ns;
	core->next_id = 1;
	core->next_place = 1;
	core->start = true;
	core->sweep_ns = CLOCK_NEVER;
	core->sweep_gap_ns = SWEEP_NS;
	core->stalled_ns = CLOCK_NEVER;
	idmap_init(&core->tasks);
	calendar_init(&core->calendars[false]);
	calendar_init(&core->calendars[true]);
	facets_init(core);
	schedules_init(core);
	unique_init(core);
	claim_init(core);
	names_init(&core->types, type_hash, type_equals);
	names_init(&core->queues, queue_hash, queue_equals);
	heap_init(&core->timers);
	heap_init(&core->gates);
	TAILQ_INIT(&core->all);
	TAILQ_INIT(&core->graveyard);
	TAILQ_INIT(&core->blocked);
	TAILQ_INIT(&core->recording);
	TAILQ_INIT(&core->settling);
	for (int state = 0; state < TASK_N_STATES; state++)
		for (int fetched = 0; fetched < 2; fetched++)
			TAILQ_INIT(&core->kept[state][fetched]);
	STAILQ_INIT(&core->type_list);
	TAILQ_INIT(&core->queue_list);
	TAILQ_INIT(&core->pools);
	TAILQ_INIT(&core->watched);
	TAILQ_INIT(&core->stalled);
	return core;
}

static void free_types(struct core *core)
{
	struct task_type *type;

	while ((type = STAILQ_FIRST(&core->type_list))) {
		STAILQ_REMOVE_HEAD(&core->type_list, link);
		free(type->name);
		free(type);
	}
	names_fini(&core->types);
}

void core_free(struct core *core)
{
	struct task *task;
	struct core_queue *queue;
	struct core_pool *pool;
	struct core_slot *slot;

	if (!core)
		return;
	schedules_fini(core);
	schedule_unref(core->gone);
	free(core->restored);
	for (size_t i = 0; i < core->n_telling; i++)
		core->telling[i]->telling = false;
	free(core->telling);
	keep_bury(core);
	while ((task = TAILQ_FIRST(&core->all))) { /* tells nobody: this is not their end but ours */
		TAILQ_REMOVE(&core->all, task, all);
		task_free(task);
	}
	while ((queue = TAILQ_FIRST(&core->queue_list))) {
		TAILQ_REMOVE(&core->queue_list, queue, link);
		queue_destroy(queue);
	}
	while ((pool = TAILQ_FIRST(&core->pools))) {
		while ((slot = TAILQ_FIRST(&pool->slots)))
			slot_destroy(slot);
		pool_destroy(pool);
	}
	free_types(core);
	claim_fini(core);
	facets_fini(core);
	calendar_fini(&core->calendars[false]);
	calendar_fini(&core->calendars[true]);
	names_fini(&core->queues);
	names_fini(&core->keys);
	heap_fini(&core->timers);
	heap_fini(&core->gates);
	idmap_fini(&core->tasks);
	free(core);
}

void core_set_context(struct core *core, void *context)
{
	core->ops.context = context;
}

void core_set_limits(struct core *core, const struct core_limits *limits)
{
	core->limits = *limits;
}

const struct core_totals *core_totals(const struct core *core)
{
	return &core->totals;
}

void core_set_now(struct core *core, int64_t now_ns)
{
	core->now_ns = now_ns;
	objects_set_now(core->objects, now_ns);
}

int64_t core_now(const struct core *core)
{
	return core->now_ns;
}

void core_set_wall(struct core *core, int64_t wall_ns)
{
	core->wall_ns = wall_ns;
}

int64_t core_wall(const struct core *core)
{
	return core->wall_ns;
}

void core_seed(struct core *core, uint64_t seed)
{
	core->random = seed;
}

void core_observe(struct core *core, bool on)
{
	core->observed = on;
}

void core_close(struct core *core, bool start)
{
	struct core_pool *pool;
	struct core_slot *slot;

	core->closed = true;
	core->start = start;
	if (!start)
		TAILQ_FOREACH(pool, &core->pools, link)
			TAILQ_FOREACH(slot, &pool->slots, all)
				slot_reclaim(slot);
}

/* --- the turn --- */

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static int64_t next_turn_ns(const struct core *core)
{
	const struct heap_node *timer = heap_top(&core->timers);
	int64_t next_ns = keep_next_ns(core);

	if (!TAILQ_EMPTY(&core->settling) || core->n_refused >= TURN_MOST)
		return core->now_ns;
	if (timer)
		next_ns = earlier(next_ns, timer->key);
	if (!TAILQ_EMPTY(&core->stalled))
		next_ns = earlier(next_ns, core->stalled_ns);
	next_ns = earlier(next_ns, core->sweep_ns);
	next_ns = earlier(next_ns, calendar_next_ns(core));
	next_ns = earlier(next_ns, schedule_next_ns(core));
	return earlier(next_ns, gate_next_ns(core));
}

static void run_pools(struct core *core)
{
	struct core_pool *pool;

	if (core->start)
		TAILQ_FOREACH(pool, &core->pools, link)
			sched_run(pool);
}

/* What tasks wait for of named objects is offered to them first; what they leave, to the others. */
static void start_tasks(struct core *core)
{
	core->n_refused = 0;
	objects_turn(core->objects);
	do {
		do
			run_pools(core);
		while (objects_turn(core->objects));
	} while (objects_settle(core->objects));
}

bool core_is_due(const struct core *core)
{
	return objects_turn_is_due(core->objects) || core->n_telling > 0;
}

int64_t core_turn(struct core *core)
{
	tell_turn(core);
	calendar_turn(core);
	schedule_turn(core);
	bool in_time = life_timers(core);
	depend_settle(core);
	gate_turn(core);
	sched_sweep(core);
	sched_unstall(core);
	depend_settle(core); /* whatever the sweep has ended: what it frees starts in this turn, too */
	if (in_time)
		start_tasks(core);
	keep_trim(core);
	keep_bury(core);
	return next_turn_ns(core);
}

/* --- types --- */

struct task_type *core_type_find(const struct core *core, const char *name, size_t length)
{
	return names_get(&core->types, name, length);
}

struct task_type *core_type(struct core *core, const char *name, size_t length)
{
	struct task_type *type = core_type_find(core, name, length);

	if (type)
		return type;
	type = xcalloc(1, sizeof(*type));
	type->name = xstrndup(name, length);
	type->name_length = length;
	type->name_hash = table_hash(name, length);
	names_put(&core->types, type);
	facet_init(&type->tasks);
	STAILQ_INSERT_TAIL(&core->type_list, type, link);
	return type;
}

struct task_type *core_type_next(const struct core *core, const struct task_type *after)
{
	return after ? STAILQ_NEXT(after, link) : STAILQ_FIRST(&core->type_list);
}

/* --- finding a task --- */

enum core_found core_find(const struct core *core, uint64_t id, struct task **out)
{
	*out = NULL;
	if (id == 0 || id >= core->next_id)
		return CORE_NOT_FOUND;
	*out = idmap_get(&core->tasks, id);
	return *out ? CORE_FOUND : CORE_FORGOTTEN;
}
