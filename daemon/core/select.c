/* Walking over tasks, for listings, cancellations and watches. A walk goes by id, along the shortest list that has all
 * that it looks for: of all tasks, or of those of a type, a queue, an owner or a tag. Where it is about states of which
 * there are few tasks, these are collected and sorted. Since it remembers nothing but an id, tasks may come, end and
 * vanish between two calls, and each call may choose anew. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/internal.h"

#define COLLECT_MOST 10000 /* tasks that are collected and sorted in one call */
#define COLLECT_ANYWAY 1000 /* … where walking would do as well, as it might find them only at its end */
#define NEAR 4096 /* ids that are tried one by one before walking */

#define ALL_STATES (TASK_STATE_BIT(TASK_N_STATES) - 1)
#define LANE_STATES (TASK_STATE_BIT(TASK_QUEUED) | TASK_STATE_BIT(TASK_RUNNING) | TASK_STATE_BIT(TASK_CANCELLING))

/* --- filters --- */

static unsigned states_of(const struct task_filter *filter)
{
	return filter->states ? filter->states & ALL_STATES : ALL_STATES;
}

static bool has_tag(const struct task *task, const char *name, size_t length)
{
	const struct task_tag *tag = task->extra ? task->extra->tag : NULL;

	return tag && tag->length == length && !memcmp(tag->name, name, length);
}

/* Moments of before the boot are negative. */
static bool is_before(const struct task_filter *filter, const struct task *task)
{
	return filter->since_ns && task->submitted_ns < filter->since_ns;
}

bool task_filter_matches(const struct task_filter *filter, struct task *task)
{
	if ((filter->queue && task->queue != filter->queue) || (filter->type && task->type != filter->type) ||
		(filter->by_owner && task->owner->uid != filter->owner) || is_before(filter, task) ||
		(filter->tag && !has_tag(task, filter->tag, filter->tag_length)))
		return false;
	core_task_look(task);
	return states_of(filter) & TASK_STATE_BIT(task->state);
}

/* --- lists --- */

/* A list of tasks in the order of their ids. */
struct road {
	enum { BY_ALL, BY_TYPE, BY_QUEUE, BY_OWNER, BY_TAG } by;
	const struct core *core;
	const void *of; /* the type, queue, owner or tag; NULL: there is no such thing, so the list is empty */
	size_t count;
};

static bool road_has(const struct road *road, const struct task *task)
{
	switch (road->by) {
	case BY_ALL:
		return true;
	case BY_TYPE:
		return task->type == road->of;
	case BY_QUEUE:
		return task->queue == road->of;
	case BY_OWNER:
		return task->owner == road->of;
	case BY_TAG:
		return task->extra && task->extra->tag && task->extra->tag == road->of;
	}
	return false;
}

static struct task *task_of(const struct task_extra *extra)
{
	return extra ? extra->task : NULL;
}

static struct task *road_begin(const struct road *road, bool oldest_first)
{
	const struct task_list *tasks = NULL;

	if (!road->of)
		return NULL;
	switch (road->by) {
	case BY_ALL:
		tasks = &road->core->all;
		break;
	case BY_TYPE:
		tasks = &((const struct task_type *)road->of)->tasks.tasks;
		break;
	case BY_QUEUE:
		tasks = &((const struct core_queue *)road->of)->tasks.tasks;
		break;
	case BY_OWNER:
		tasks = &((const struct task_owner *)road->of)->tasks.tasks;
		break;
	case BY_TAG: {
		const struct task_tag *tag = road->of;

		return task_of(oldest_first ? TAILQ_FIRST(&tag->tasks) : TAILQ_LAST(&tag->tasks, tagged_list));
	}
	}
	return oldest_first ? TAILQ_FIRST(tasks) : TAILQ_LAST(tasks, task_list);
}

/* The one behind TASK, which is on it. */
static struct task *road_step(const struct road *road, const struct task *task, bool oldest_first)
{
	switch (road->by) {
	case BY_ALL:
		return oldest_first ? TAILQ_NEXT(task, all) : TAILQ_PREV(task, task_list, all);
	case BY_TYPE:
		return oldest_first ? TAILQ_NEXT(task, by_type) : TAILQ_PREV(task, task_list, by_type);
	case BY_QUEUE:
		return oldest_first ? TAILQ_NEXT(task, by_queue) : TAILQ_PREV(task, task_list, by_queue);
	case BY_OWNER:
		return oldest_first ? TAILQ_NEXT(task, by_owner) : TAILQ_PREV(task, task_list, by_owner);
	case BY_TAG:
		return task_of(oldest_first ? TAILQ_NEXT(task->extra, by_tag) :
						      TAILQ_PREV(task->extra, tagged_list, by_tag));
	}
	return NULL;
}

static size_t count_all(const struct core *core)
{
	const struct core_totals *totals = &core->totals;

	return totals->scheduled + totals->blocked + totals->waiting + totals->in_lanes + totals->recording +
		totals->kept;
}

static void prefer(struct road *best, const struct road *other)
{
	if (other->count < best->count)
		*best = *other;
}

/* The shortest of those that have everything that FILTER matches. */
static struct road road_for(const struct core *core, const struct task_filter *filter)
{
	struct road road = { .by = BY_ALL, .core = core, .of = core, .count = count_all(core) };

	if (filter->type)
		prefer(&road, &(struct road){ BY_TYPE, core, filter->type, filter->type->tasks.count });
	if (filter->queue)
		prefer(&road, &(struct road){ BY_QUEUE, core, filter->queue, filter->queue->tasks.count });
	if (filter->by_owner) {
		const struct task_owner *owner = table_get(&core->owners, filter->owner);

		prefer(&road, &(struct road){ BY_OWNER, core, owner, owner ? owner->tasks.count : 0 });
	}
	if (filter->tag) {
		const struct task_tag *tag = names_get(&core->tags, filter->tag, filter->tag_length);

		prefer(&road, &(struct road){ BY_TAG, core, tag, tag ? tag->count : 0 });
	}
	return road;
}

/* --- walking --- */

static bool lies_behind(uint64_t id, uint64_t than, bool oldest_first)
{
	return oldest_first ? id > than : id < than;
}

/* The first of all tasks whose id lies behind ID, which is of none. */
static struct task *nearest_behind(const struct core *core, uint64_t id, bool oldest_first)
{
	struct task *first = TAILQ_FIRST(&core->all), *last = TAILQ_LAST(&core->all, task_list);

	if (!first || !lies_behind(oldest_first ? last->id : first->id, id, oldest_first))
		return NULL;
	if (!lies_behind(id, oldest_first ? first->id : last->id, oldest_first))
		return oldest_first ? first : last;
	for (uint64_t near = 1; near <= NEAR; near++) { /* ID lies between two tasks, so this does not run over */
		struct task *task = idmap_get(&core->tasks, oldest_first ? id + near : id - near);

		if (task)
			return task;
	}
	struct task *task = id - first->id < last->id - id ? first : last;
	while (task->id < id)
		task = TAILQ_NEXT(task, all);
	while (task->id > id)
		task = TAILQ_PREV(task, task_list, all);
	return oldest_first ? TAILQ_NEXT(task, all) : task; /* the last one before ID */
}

static bool is_too_old(const struct task_filter *filter, const struct task_walk *walk, const struct task *task)
{
	/* And so are all behind it, unless the wall clock was set, by which times of before a restart are known. */
	return !walk->oldest_first && is_before(filter, task) && !task->recovered;
}

/* Where the walk goes on. A walk that stands at a task which is not on ROAD, or not at all any more, goes along all
 * tasks until it meets one that is. */
static struct task *resume(struct road *road, const struct task_walk *walk, bool *detour)
{
	struct task *task;

	*detour = false;
	if (walk->id == 0 || !road->of)
		return road_begin(road, walk->oldest_first);
	task = idmap_get(&road->core->tasks, walk->id);
	if (task && road_has(road, task))
		return road_step(road, task, walk->oldest_first);
	*detour = true;
	if (!task)
		return nearest_behind(road->core, walk->id, walk->oldest_first);
	return walk->oldest_first ? TAILQ_NEXT(task, all) : TAILQ_PREV(task, task_list, all);
}

static size_t walk_road(struct road *road, const struct task_filter *filter, struct task_walk *walk, size_t max_visits,
	struct task **out, size_t room)
{
	const struct road all = { .by = BY_ALL, .core = road->core, .of = road->core };
	size_t n = 0, visits = 0;
	bool detour;
	struct task *task = resume(road, walk, &detour);

	while (task && n < room && (visits < max_visits || visits == 0)) {
		visits++;
		walk->id = task->id;
		if (is_too_old(filter, walk, task)) {
			task = NULL;
			break;
		}
		detour = detour && !road_has(road, task);
		if (!detour && task_filter_matches(filter, task))
			out[n++] = task;
		task = road_step(detour ? &all : road, task, walk->oldest_first);
	}
	walk->visited += visits;
	walk->over = !task;
	return n;
}

/* --- collecting --- */

struct basket {
	const struct task_filter *filter;
	const struct task_walk *walk;
	struct task **tasks;
	size_t count;
	size_t room;
	size_t visits;
};

static void consider(struct basket *basket, struct task *task)
{
	basket->visits++;
	if (basket->walk->id && !lies_behind(task->id, basket->walk->id, basket->walk->oldest_first))
		return;
	if (!task_filter_matches(basket->filter, task))
		return;
	if (basket->count == basket->room) {
		basket->room = basket->room ? basket->room * 2 : 64;
		basket->tasks = xreallocarray(basket->tasks, basket->room, sizeof(struct task *));
	}
	basket->tasks[basket->count++] = task;
}

static void consider_list(struct basket *basket, const struct task_list *tasks)
{
	struct task *task;

	TAILQ_FOREACH(task, tasks, link)
		consider(basket, task);
}

static void consider_scheduled(struct basket *basket, const struct core *core)
{
	for (int i = 0; i < 2; i++) {
		const struct heap *days = &core->calendars[i].order;

		for (size_t at = 0; at < days->count; at++)
			consider_list(basket, &heap_entry(days->nodes[at], struct day, node)->tasks);
	}
}

static void consider_waiting(struct basket *basket, const struct core *core)
{
	const struct core_queue *queue;
	const struct line *line;

	TAILQ_FOREACH(queue, &core->queue_list, link)
		LIST_FOREACH(line, &queue->lines, of_queue)
			for (size_t at = 0; at < line->order.count; at++)
				consider_list(basket, &heap_entry(line->order.nodes[at], struct bucket, node)->tasks);
}

static void consider_lanes(struct basket *basket, const struct core *core)
{
	const struct core_pool *pool;
	const struct core_slot *slot;

	TAILQ_FOREACH(pool, &core->pools, link)
		TAILQ_FOREACH(slot, &pool->slots, all)
			consider_list(basket, &slot->tasks);
}

static void consider_states(struct basket *basket, const struct core *core, unsigned states)
{
	if (states & TASK_STATE_BIT(TASK_SCHEDULED))
		consider_scheduled(basket, core);
	if (states & TASK_STATE_BIT(TASK_BLOCKED)) {
		consider_list(basket, &core->blocked);
		consider_list(basket, &core->settling);
	}
	if (states & TASK_STATE_BIT(TASK_QUEUED))
		consider_waiting(basket, core);
	if (states & LANE_STATES)
		consider_lanes(basket, core);
	if (states & TASK_STATE_BIT(TASK_RECORDING))
		consider_list(basket, &core->recording);
	for (int state = TASK_SUCCEEDED; state < TASK_N_STATES; state++)
		for (int fetched = 0; states & TASK_STATE_BIT(state) && fetched < 2; fetched++)
			consider_list(basket, &core->kept[state][fetched]);
}

/* How many would have to be looked at. */
static size_t count_states(const struct core *core, unsigned states)
{
	const struct core_totals *totals = &core->totals;
	size_t count = 0;

	count += states & TASK_STATE_BIT(TASK_SCHEDULED) ? totals->scheduled : 0;
	count += states & TASK_STATE_BIT(TASK_BLOCKED) ? totals->blocked : 0;
	count += states & TASK_STATE_BIT(TASK_QUEUED) ? totals->waiting : 0;
	count += states & LANE_STATES ? totals->in_lanes : 0;
	count += states & TASK_STATE_BIT(TASK_RECORDING) ? totals->recording : 0;
	for (int state = TASK_SUCCEEDED; state < TASK_N_STATES; state++)
		count += states & TASK_STATE_BIT(state) ? core->n_kept[state] : 0;
	return count;
}

static int by_id(const void *a, const void *b)
{
	uint64_t id_a = (*(struct task *const *)a)->id, id_b = (*(struct task *const *)b)->id;

	return id_a < id_b ? -1 : id_a > id_b;
}

static size_t collect(const struct core *core, const struct task_filter *filter, struct task_walk *walk,
	struct task **out, size_t room)
{
	struct basket basket = { .filter = filter, .walk = walk };
	size_t n;

	consider_states(&basket, core, states_of(filter));
	if (basket.count)
		qsort(basket.tasks, basket.count, sizeof(struct task *), by_id);
	for (n = 0; n < basket.count && n < room; n++)
		out[n] = basket.tasks[walk->oldest_first ? n : basket.count - 1 - n];
	walk->visited += basket.visits;
	walk->over = n == basket.count;
	if (n)
		walk->id = out[n - 1]->id;
	free(basket.tasks);
	return n;
}

/* --- the whole --- */

size_t core_select(struct core *core, const struct task_filter *filter, struct task_walk *walk, size_t max_visits,
	struct task **out, size_t room)
{
	struct road road = road_for(core, filter);
	unsigned states = states_of(filter);
	size_t of_states = states == ALL_STATES ? SIZE_MAX : count_states(core, states);

	if (walk->over)
		return 0;
	/* Where most of the road is of these states, walking finds a page of them sooner. */
	if (of_states <= COLLECT_MOST && of_states < road.count &&
		(of_states <= COLLECT_ANYWAY || of_states <= road.count / 4))
		return collect(core, filter, walk, out, room);
	return walk_road(&road, filter, walk, max_visits, out, room);
}
