/* Where tasks wait: a list for each priority in use, by the order of joining, and a heap of those lists. So a task goes
 * in and out without a step that depends on how many wait. A queue without priorities has one such list, and takes from
 * its beginning or from its end. Tasks that are awaited have lists of their own, before all others. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

static uint64_t priority_key(int32_t priority)
{
	return (uint32_t)priority;
}

static uint64_t bucket_key(const void *value)
{
	return priority_key(((const struct bucket *)value)->priority);
}

static bool has_priorities(const struct core_queue *queue)
{
	return queue->figures.options.order == QUEUE_PRIORITY;
}

static bool is_ageing(const struct core_queue *queue)
{
	return has_priorities(queue) && queue->figures.options.ageing_ns > 0;
}

/* --- buckets --- */

int32_t queue_level(const struct core_queue *queue, const struct task *task)
{
	if (task->awaited)
		return LEVEL_AWAITED + task->awaited;
	if (!has_priorities(queue))
		return 0;
	return task->priority < LEVEL_AWAITED ? task->priority : LEVEL_AWAITED;
}

/* Nearly always it is the one on top. */
static struct bucket *bucket_find(const struct core_queue *queue, int32_t priority)
{
	struct heap_node *top = heap_top(&queue->order);

	if (!top)
		return NULL;
	struct bucket *bucket = heap_entry(top, struct bucket, node);
	return bucket->priority == priority ? bucket : table_get(&queue->buckets, priority_key(priority));
}

static struct bucket *bucket_of(struct core_queue *queue, int32_t priority)
{
	struct bucket *bucket = bucket_find(queue, priority);

	if (bucket)
		return bucket;
	bucket = queue->spare;
	queue->spare = NULL;
	if (!bucket) {
		bucket = xcalloc(1, sizeof(*bucket));
		TAILQ_INIT(&bucket->tasks);
	}
	bucket->priority = priority;
	table_put(&queue->buckets, bucket);
	return bucket;
}

static void bucket_drop(struct core_queue *queue, struct bucket *bucket)
{
	table_remove(&queue->buckets, priority_key(bucket->priority));
	if (heap_has(&bucket->node))
		heap_remove(&queue->order, &bucket->node);
	if (queue->spare)
		free(bucket);
	else
		queue->spare = bucket;
}

/* When a task of that priority that joined at JOINED_NS would have had to join to stand where it stands, were its
 * priority 0. That is so for as long as it waits: all grow older at the same speed. */
static int64_t aged_key(int32_t priority, int64_t joined_ns, int64_t ageing_ns)
{
	int64_t lead_ns, key;

	if (__builtin_mul_overflow((int64_t)priority, ageing_ns, &lead_ns) ||
		__builtin_sub_overflow(joined_ns, lead_ns, &key))
		key = priority > 0 ? INT64_MIN : INT64_MAX;
	return key > INT64_MIN + AWAITED_DEEPEST ? key : INT64_MIN + AWAITED_DEEPEST; /* below are awaited ones */
}

/* The lowest is next, of those of a level and others. */
static int64_t rank_key(const struct core_queue *queue, int32_t level, uint64_t place)
{
	if (level > LEVEL_AWAITED)
		return INT64_MIN + (INT32_MAX - level);
	return is_ageing(queue) ? aged_key(level, (int64_t)place, queue->figures.options.ageing_ns) : -(int64_t)level;
}

void queue_rank(const struct core_queue *queue, const struct task *task, int64_t *key, uint64_t *tie)
{
	*key = rank_key(queue, queue_level(queue, task), task->place);
	*tie = queue->figures.options.order == QUEUE_LIFO && !task->awaited ? ~task->place : task->place;
}

/* To its place among the buckets, which goes by its first task where tasks age. */
static void bucket_rank(struct core_queue *queue, struct bucket *bucket)
{
	uint64_t place = TAILQ_FIRST(&bucket->tasks)->place;

	heap_set(&queue->order, &bucket->node, rank_key(queue, bucket->priority, place), place);
}

/* --- books --- */

size_t queue_cost(const struct task *task)
{
	return depend_args_cost(task) + depend_cost(task) + claim_cost(task);
}

void queue_count(struct core_queue *queue, const struct task *task, enum task_state state, bool in)
{
	struct core_queue_figures *figures = &queue->figures;
	struct core_totals *totals = &queue->core->totals;
	size_t cost = queue_cost(task);
	size_t sign = in ? 1 : (size_t)-1;

	switch (state) {
	case TASK_SCHEDULED:
		figures->scheduled += sign;
		totals->scheduled += sign;
		break;
	case TASK_BLOCKED:
		figures->blocked += sign;
		totals->blocked += sign;
		break;
	case TASK_QUEUED:
		figures->waiting += sign;
		totals->waiting += sign;
		if (task->durable) {
			figures->durable += sign;
			totals->durable += sign;
		}
		break;
	case TASK_RECORDING: /* the core's own figure has those with an outcome, too */
		figures->recording += sign;
		break;
	case TASK_RUNNING:
	case TASK_CANCELLING:
	case TASK_SUCCEEDED:
	case TASK_FAILED:
	case TASK_TIMED_OUT:
	case TASK_CRASHED:
	case TASK_CANCELLED:
	case TASK_EXPIRED:
	case TASK_N_STATES:
		assert(!"a state in which nothing waits");
	}
	figures->waiting_bytes += sign * cost;
	totals->queued_bytes += sign * cost;
}

bool queue_has_room(const struct core_queue *queue, size_t count, size_t bytes, size_t less_count, size_t less_bytes)
{
	const struct core_queue_figures *figures = &queue->figures;
	const struct core_queue_options *options = &figures->options;
	size_t here = figures->scheduled + figures->blocked + figures->waiting + figures->recording - less_count;

	if (options->limit_queued && (count > options->limit_queued || here > options->limit_queued - count))
		return false;
	return !options->limit_bytes ||
		(bytes <= options->limit_bytes && figures->waiting_bytes - less_bytes <= options->limit_bytes - bytes);
}

/* --- tasks in and out --- */

static bool is_last_first(const struct core_queue *queue, const struct bucket *bucket)
{
	return queue->figures.options.order == QUEUE_LIFO && bucket->priority <= LEVEL_AWAITED;
}

struct task *queue_first(const struct core_queue *queue)
{
	struct heap_node *top = heap_top(&queue->order);

	if (!top)
		return NULL;
	struct bucket *bucket = heap_entry(top, struct bucket, node);
	return is_last_first(queue, bucket) ? TAILQ_LAST(&bucket->tasks, task_list) : TAILQ_FIRST(&bucket->tasks);
}

/* TASK is in BUCKET now. */
static void joined(struct core_queue *queue, struct bucket *bucket, struct task *task)
{
	queue_count(queue, task, TASK_QUEUED, true);
	if (TAILQ_FIRST(&bucket->tasks) != task)
		return;
	bucket_rank(queue, bucket);
	gate_update(queue);
}

/* A place is the time of joining, made unique; so those of equal priority stand by their age. */
uint64_t queue_next_place(struct core *core)
{
	if (core->now_ns > 0 && core->next_place < (uint64_t)core->now_ns + core->place_lead)
		core->next_place = (uint64_t)core->now_ns + core->place_lead;
	return core->next_place++;
}

void queue_push(struct core_queue *queue, struct task *task)
{
	struct bucket *bucket = bucket_of(queue, queue_level(queue, task));

	task->place = queue_next_place(queue->core);
	TAILQ_INSERT_TAIL(&bucket->tasks, task, link);
	joined(queue, bucket, task);
}

/* The last of TASKS that came before TASK; NULL: none did. What comes back is near one of the ends nearly always: that
 * from which tasks are taken, or the other, where all that waits has come back. */
static struct task *find_place(const struct task_list *tasks, const struct task *task)
{
	struct task *behind = TAILQ_FIRST(tasks), *ahead = TAILQ_LAST(tasks, task_list);

	while (behind && behind->place < task->place && ahead->place > task->place) {
		behind = TAILQ_NEXT(behind, link);
		ahead = TAILQ_PREV(ahead, task_list, link);
	}
	return behind && behind->place > task->place ? TAILQ_PREV(behind, task_list, link) : ahead;
}

/* The one that came back last, where TASK's place is right behind it: so come many that come back in their order, into
 * the midst of others. */
static struct task *last_back(const struct bucket *bucket, const struct task *task)
{
	struct task *last = bucket->last_back;
	const struct task *next = last ? TAILQ_NEXT(last, link) : NULL;

	return last && last->place < task->place && (!next || next->place > task->place) ? last : NULL;
}

void queue_push_back(struct core_queue *queue, struct task *task)
{
	struct bucket *bucket = bucket_of(queue, queue_level(queue, task));
	struct task *other = last_back(bucket, task);

	if (!other)
		other = find_place(&bucket->tasks, task);
	task->placed = false;
	bucket->last_back = task;
	if (other)
		TAILQ_INSERT_AFTER(&bucket->tasks, other, task, link);
	else
		TAILQ_INSERT_HEAD(&bucket->tasks, task, link);
	joined(queue, bucket, task);
}

void queue_remove(struct core_queue *queue, struct task *task)
{
	struct bucket *bucket = bucket_find(queue, queue_level(queue, task));

	assert(bucket);
	bool was_first = TAILQ_FIRST(&bucket->tasks) == task;
	if (bucket->last_back == task)
		bucket->last_back = NULL;
	TAILQ_REMOVE(&bucket->tasks, task, link);
	queue_count(queue, task, TASK_QUEUED, false);
	if (TAILQ_EMPTY(&bucket->tasks))
		bucket_drop(queue, bucket);
	else if (was_first && is_ageing(queue))
		bucket_rank(queue, bucket);
	else
		return; /* what is first now is of the priority that was first before */
	gate_update(queue);
}

/* --- queues --- */

static void tell_changed(struct core_queue *queue, bool gone)
{
	const struct core_ops *ops = &queue->core->ops;

	if (ops->queue_changed)
		ops->queue_changed(ops->context, queue, gone);
}

struct core_queue *core_queue_new(struct core *core, const char *name, struct core_pool *pool,
	const struct core_queue_options *options)
{
	struct core_queue *queue = xcalloc(1, sizeof(*queue));

	queue->core = core;
	queue->pool = pool;
	queue->name = xstrdup(name);
	queue->name_length = strlen(name);
	queue->name_hash = table_hash(name, queue->name_length);
	queue->figures.options = *options;
	table_init(&queue->buckets, bucket_key);
	heap_init(&queue->order);
	facet_init(&queue->tasks);
	LIST_INIT(&queue->groups);
	names_put(&core->queues, queue);
	TAILQ_INSERT_TAIL(&core->queue_list, queue, link);
	tell_changed(queue, false);
	return queue;
}

void queue_destroy(struct core_queue *queue)
{
	struct heap_node *node;

	claim_free_groups(queue);
	while ((node = heap_pop(&queue->order)))
		free(heap_entry(node, struct bucket, node));
	free(queue->spare);
	heap_fini(&queue->order);
	table_fini(&queue->buckets);
	free(queue->name);
	free(queue);
}

void core_queue_free(struct core_queue *queue)
{
	const struct core_queue_figures *figures = &queue->figures;

	assert(figures->scheduled == 0 && figures->blocked == 0 && figures->waiting == 0 && figures->running == 0 &&
		figures->recording == 0);
	tell_changed(queue, true);
	names_remove(&queue->core->queues, queue->name, queue->name_length);
	TAILQ_REMOVE(&queue->core->queue_list, queue, link);
	queue->pool = NULL;
	if (queue->records == 0)
		queue_destroy(queue);
}

void queue_unref(struct core_queue *queue)
{
	if (--queue->records == 0 && !queue->pool)
		queue_destroy(queue);
}

/* All that waits, by place, and the buckets gone. */
static void empty_by_place(struct core_queue *queue, struct task_list *out)
{
	struct heap_node *node;
	struct bucket *bucket;
	struct heap heads;
	size_t cursor = 0;

	while (heap_pop(&queue->order))
		;
	heap_init(&heads);
	while ((bucket = table_next(&queue->buckets, &cursor)))
		heap_set(&heads, &bucket->node, (int64_t)TAILQ_FIRST(&bucket->tasks)->place, 0);
	while ((node = heap_top(&heads))) {
		bucket = heap_entry(node, struct bucket, node);
		struct task *task = TAILQ_FIRST(&bucket->tasks);

		TAILQ_REMOVE(&bucket->tasks, task, link);
		TAILQ_INSERT_TAIL(out, task, link);
		if (!TAILQ_EMPTY(&bucket->tasks)) {
			heap_set(&heads, node, (int64_t)TAILQ_FIRST(&bucket->tasks)->place, 0);
			continue;
		}
		heap_remove(&heads, node);
		bucket->last_back = NULL;
		bucket_drop(queue, bucket);
	}
	heap_fini(&heads);
}

static void reorder(struct core_queue *queue, const struct core_queue_options *options)
{
	struct task_list tasks = TAILQ_HEAD_INITIALIZER(tasks);
	struct task *task;

	empty_by_place(queue, &tasks);
	queue->figures.options = *options;
	while ((task = TAILQ_FIRST(&tasks))) {
		struct bucket *bucket = bucket_of(queue, queue_level(queue, task));

		TAILQ_REMOVE(&tasks, task, link);
		TAILQ_INSERT_TAIL(&bucket->tasks, task, link);
		if (!heap_has(&bucket->node))
			bucket_rank(queue, bucket);
	}
}

void core_queue_set(struct core_queue *queue, const struct core_queue_options *options)
{
	const struct core_queue_options *old = &queue->figures.options;
	bool is_new_order = old->order != options->order || old->ageing_ns != options->ageing_ns;

	/* Between first and last come first served nothing moves: it is another end that tasks are taken from. */
	if ((old->order == QUEUE_PRIORITY) != (options->order == QUEUE_PRIORITY) || old->ageing_ns != options->ageing_ns)
		reorder(queue, options);
	else
		queue->figures.options = *options;
	if (is_new_order)
		claim_reorder(queue);
	gate_set(queue);
	tell_changed(queue, false);
}

/* --- pause, drain --- */

void core_queue_pause(struct core_queue *queue)
{
	struct core_slot *slot;

	queue->figures.paused = true;
	gate_update(queue);
	if (queue->figures.running)
		TAILQ_FOREACH(slot, &queue->pool->slots, all)
			slot_reclaim(slot);
	tell_changed(queue, false);
}

void core_queue_drain(struct core_queue *queue)
{
	queue->figures.draining = true;
	tell_changed(queue, false);
}

void core_queue_resume(struct core_queue *queue)
{
	queue->figures.paused = false;
	queue->figures.draining = false;
	gate_update(queue);
	tell_changed(queue, false);
}

struct core_queue *core_queue_find(const struct core *core, const char *name)
{
	return names_get(&core->queues, name, strlen(name));
}

struct core_queue *core_queue_next(const struct core *core, const struct core_queue *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&core->queue_list);
}

const char *core_queue_name(const struct core_queue *queue)
{
	return queue->name;
}

struct core_pool *core_queue_pool(const struct core_queue *queue)
{
	return queue->pool;
}

void core_queue_figures(const struct core_queue *queue, struct core_queue_figures *out)
{
	*out = queue->figures;
}
