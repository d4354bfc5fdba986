/* Where tasks wait: a list for each priority in use, first come first served, and a heap of those lists. So a task goes
 * in and out without a step that depends on how many wait. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/bytes.h"
#include "core/internal.h"

static uint64_t priority_key(int32_t priority)
{
	return (uint32_t)priority;
}

static uint64_t bucket_key(const void *value)
{
	return priority_key(((const struct bucket *)value)->priority);
}

/* --- buckets --- */

static struct bucket *bucket_of(struct core_queue *queue, int32_t priority)
{
	struct bucket *bucket = table_get(&queue->buckets, priority_key(priority));

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
	heap_set(&queue->order, &bucket->node, -(int64_t)priority, 0);
	return bucket;
}

static void bucket_drop(struct core_queue *queue, struct bucket *bucket)
{
	table_remove(&queue->buckets, priority_key(bucket->priority));
	heap_remove(&queue->order, &bucket->node);
	if (queue->spare)
		free(bucket);
	else
		queue->spare = bucket;
}

/* --- the queue among those of its pool --- */

static void reorder(struct core_queue *queue)
{
	const struct task *first = queue_first(queue);

	if (first)
		heap_set(&queue->pool->waiting, &queue->node, -(int64_t)first->priority, first->id);
	else if (heap_has(&queue->node))
		heap_remove(&queue->pool->waiting, &queue->node);
}

static void count(struct core_queue *queue, const struct task *task, bool in)
{
	size_t cost = bytes_cost(task->args);
	struct core_totals *totals = &queue->core->totals;

	if (in) {
		queue->figures.waiting++;
		queue->figures.waiting_bytes += cost;
		totals->waiting++;
		totals->queued_bytes += cost;
	} else {
		queue->figures.waiting--;
		queue->figures.waiting_bytes -= cost;
		totals->waiting--;
		totals->queued_bytes -= cost;
	}
}

/* --- tasks in and out --- */

struct task *queue_first(const struct core_queue *queue)
{
	struct heap_node *top = heap_top(&queue->order);

	return top ? TAILQ_FIRST(&heap_entry(top, struct bucket, node)->tasks) : NULL;
}

void queue_push(struct core_queue *queue, struct task *task)
{
	struct bucket *bucket = bucket_of(queue, task->priority);

	TAILQ_INSERT_TAIL(&bucket->tasks, task, link);
	count(queue, task, true);
	if (TAILQ_FIRST(&bucket->tasks) == task)
		reorder(queue);
}

void queue_push_back(struct core_queue *queue, struct task *task)
{
	struct bucket *bucket = bucket_of(queue, task->priority);
	struct task *later;

	/* From the head: what comes back is older than nearly all that waits. */
	TAILQ_FOREACH(later, &bucket->tasks, link)
		if (later->id > task->id)
			break;
	if (later)
		TAILQ_INSERT_BEFORE(later, task, link);
	else
		TAILQ_INSERT_TAIL(&bucket->tasks, task, link);
	count(queue, task, true);
	reorder(queue);
}

void queue_remove(struct core_queue *queue, struct task *task)
{
	struct bucket *bucket = table_get(&queue->buckets, priority_key(task->priority));

	assert(bucket);
	bool was_first = TAILQ_FIRST(&bucket->tasks) == task;
	TAILQ_REMOVE(&bucket->tasks, task, link);
	count(queue, task, false);
	if (TAILQ_EMPTY(&bucket->tasks))
		bucket_drop(queue, bucket);
	if (was_first)
		reorder(queue);
}

bool queue_has_room(const struct core_queue *queue, size_t bytes)
{
	const struct core_queue_figures *figures = &queue->figures;
	const struct core_queue_options *options = &figures->options;

	if (options->limit_queued && figures->waiting >= options->limit_queued)
		return false;
	return !options->limit_bytes ||
		(bytes <= options->limit_bytes && figures->waiting_bytes <= options->limit_bytes - bytes);
}

/* --- queues --- */

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
	names_put(&core->queues, queue);
	TAILQ_INSERT_TAIL(&core->queue_list, queue, link);
	return queue;
}

void queue_destroy(struct core_queue *queue)
{
	struct heap_node *node;

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
	assert(queue->figures.waiting == 0 && queue->figures.running == 0);
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

void core_queue_set(struct core_queue *queue, const struct core_queue_options *options)
{
	queue->figures.options = *options;
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
