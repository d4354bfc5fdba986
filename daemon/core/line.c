/* The tasks of one owner in one queue: a line. It has a list for each priority in use, by the order of joining, and a heap
 * of those lists; and the queue has a heap of its lines. So a task goes in and out without a step that depends on how many
 * wait; and an owner who may have nothing started now has one line taken out of each heap, whatever is in it.
 *
 * What always holds:
 *   1. A queue has a line of an owner if, and only if, something of his waits there (in no lane). No bucket is empty.
 *   2. A line is in its queue's heap unless its owner has as much running as he may (shares.running) and what is next of
 *      it is not awaited. Nothing else decides that; and a queue whose lines are all out has nothing that may start.
 *   3. What is next of a line is what would be next of the queue if nothing of anybody else were there, fair or not.
 *   4. Lines stand by what is next of each, exactly as those tasks would in one list; so where a queue is not fair and
 *      nobody is held, who owns what makes no difference.
 *   5. In a fair queue they stand by priority, and within one by their turns: the place (see queue_next_place) at which
 *      the owner came, with nothing waiting there, or had something started there last. So who comes goes behind all who
 *      wait, and before any of them has had two started; who was away, or held, has his old turn or a new one, and no
 *      more. What comes back from a lane gives back the last turn only. Where tasks age, an owner ages by his turn, and
 *      stands by the most urgent that he has, whichever of his own goes then.
 *   6. Awaited tasks go before all others, by depth and place, fair or not, held or not. */
#include <assert.h>
#include <stdlib.h>

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

static struct bucket *bucket_on_top(const struct line *line)
{
	struct heap_node *top = heap_top(&line->order);

	return top ? heap_entry(top, struct bucket, node) : NULL;
}

/* --- buckets --- */

/* Nearly always it is the one on top. */
static struct bucket *bucket_find(const struct line *line, int32_t priority)
{
	struct bucket *bucket = bucket_on_top(line);

	return !bucket || bucket->priority == priority ? bucket : table_get(&line->buckets, priority_key(priority));
}

/* One that is alone is not in the table. */
static struct bucket *bucket_of(struct line *line, int32_t priority)
{
	struct bucket *bucket = bucket_find(line, priority);

	if (bucket)
		return bucket;
	bucket = line->queue->spare;
	line->queue->spare = NULL;
	if (!bucket) {
		bucket = xcalloc(1, sizeof(*bucket));
		TAILQ_INIT(&bucket->tasks);
	}
	bucket->priority = priority;
	if (line->order.count) {
		if (line->buckets.count == 0)
			table_put(&line->buckets, bucket_on_top(line));
		table_put(&line->buckets, bucket);
	}
	return bucket;
}

static void bucket_drop(struct line *line, struct bucket *bucket)
{
	if (line->buckets.count)
		table_remove(&line->buckets, priority_key(bucket->priority));
	if (heap_has(&bucket->node))
		heap_remove(&line->order, &bucket->node);
	if (heap_has(&bucket->by_level))
		heap_remove(&line->levels, &bucket->by_level);
	bucket->last_back = NULL;
	if (line->queue->spare)
		free(bucket);
	else
		line->queue->spare = bucket;
}

/* To its place among those of its line, which goes by its first task where tasks age. */
static void bucket_rank(struct line *line, struct bucket *bucket)
{
	uint64_t place = TAILQ_FIRST(&bucket->tasks)->place;

	heap_set(&line->order, &bucket->node, queue_rank_key(line->queue, bucket->priority, place), place);
	if (queue_is_ageing(line->queue) && !heap_has(&bucket->by_level))
		heap_set(&line->levels, &bucket->by_level, -(int64_t)bucket->priority, 0);
}

static struct task *bucket_next(const struct line *line, const struct bucket *bucket)
{
	bool last_first = line->queue->figures.options.order == QUEUE_LIFO && bucket->priority <= LEVEL_AWAITED;

	return last_first ? TAILQ_LAST(&bucket->tasks, task_list) : TAILQ_FIRST(&bucket->tasks);
}

/* --- lines --- */

static uint64_t line_key(const void *value)
{
	return ((const struct line *)value)->owner->uid;
}

struct line *line_seek(const struct core_queue *queue, const struct task_owner *owner)
{
	struct line *line = LIST_FIRST(&queue->lines);

	return !line || line->owner == owner ? line : table_get(&queue->owners, owner->uid);
}

static struct line *line_new(struct core_queue *queue)
{
	struct line *line = queue->spare_line;

	queue->spare_line = NULL;
	if (line)
		return line;
	line = xcalloc(1, sizeof(*line));
	line->queue = queue;
	table_init(&line->buckets, bucket_key);
	heap_init(&line->order);
	heap_init(&line->levels);
	return line;
}

/* One that is alone is not in the table, and stands in the heap as it came there: see is_alone. */
struct line *line_open(struct core_queue *queue, struct task_owner *owner, uint64_t turn)
{
	struct line *line = line_new(queue), *first = LIST_FIRST(&queue->lines);

	line->owner = owner;
	line->turn = turn ? turn : queue_next_place(queue->core);
	line->turn_before = 0;
	if (first && !LIST_NEXT(first, of_queue))
		line_rank(first);
	if (first) {
		if (queue->owners.count == 0)
			table_put(&queue->owners, first);
		table_put(&queue->owners, line);
	}
	LIST_INSERT_HEAD(&queue->lines, line, of_queue);
	LIST_INSERT_HEAD(&owner->lines, line, of_owner);
	return line;
}

static void line_free(struct line *line)
{
	heap_fini(&line->order);
	heap_fini(&line->levels);
	table_fini(&line->buckets);
	free(line);
}

static void line_drop(struct line *line)
{
	struct core_queue *queue = line->queue;

	if (queue->owners.count)
		table_remove(&queue->owners, line->owner->uid);
	if (heap_has(&line->node))
		heap_remove(&queue->order, &line->node);
	LIST_REMOVE(line, of_queue);
	LIST_REMOVE(line, of_owner);
	if (queue->spare_line)
		line_free(line);
	else
		queue->spare_line = line;
}

struct task *line_next(const struct line *line)
{
	return bucket_next(line, bucket_on_top(line));
}

/* The priority at which its owner takes turns. */
static int32_t fair_level(const struct line *line, const struct bucket *next)
{
	const struct heap_node *top = heap_top(&line->levels);

	return top ? heap_entry(top, struct bucket, by_level)->priority : next->priority;
}

void line_rank(struct line *line)
{
	struct core_queue *queue = line->queue;
	const struct bucket *bucket = bucket_on_top(line);
	int64_t key;
	uint64_t tie;

	if (share_holds(line->owner) && bucket->priority <= LEVEL_AWAITED) {
		if (heap_has(&line->node))
			heap_remove(&queue->order, &line->node);
		return;
	}
	if (queue->figures.options.fair && bucket->priority <= LEVEL_AWAITED) {
		key = queue_rank_key(queue, fair_level(line, bucket), line->turn);
		tie = line->turn;
	} else {
		queue_rank(queue, bucket_next(line, bucket), &key, &tie);
	}
	heap_set(&queue->order, &line->node, key, tie);
}

/* In the heap, and nobody is there to be before or behind: then what is next makes no difference. */
static bool is_alone(const struct line *line)
{
	bool is_only = !LIST_NEXT(LIST_FIRST(&line->queue->lines), of_queue);

	return is_only && heap_has(&line->node) && !share_holds(line->owner);
}

/* --- tasks in and out --- */

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

/* Not behind all others. */
static void insert(struct bucket *bucket, struct task *task)
{
	struct task *other = last_back(bucket, task);

	if (!other)
		other = find_place(&bucket->tasks, task);
	bucket->last_back = task;
	if (other)
		TAILQ_INSERT_AFTER(&bucket->tasks, other, task, link);
	else
		TAILQ_INSERT_HEAD(&bucket->tasks, task, link);
}

bool line_add(struct line *line, struct task *task)
{
	struct bucket *bucket = bucket_of(line, queue_level(line->queue, task));
	const struct task *last = TAILQ_LAST(&bucket->tasks, task_list);

	if (!last || last->place < task->place) {
		TAILQ_INSERT_TAIL(&bucket->tasks, task, link);
		if (last && line->queue->figures.options.order != QUEUE_LIFO) /* as nearly always */
			return false;
	} else {
		insert(bucket, task);
	}
	if (TAILQ_FIRST(&bucket->tasks) == task)
		bucket_rank(line, bucket);
	if (last && (bucket != bucket_on_top(line) || bucket_next(line, bucket) != task))
		return false;
	if (!is_alone(line))
		line_rank(line);
	return true;
}

bool line_remove(struct line *line, struct task *task)
{
	struct bucket *bucket = bucket_find(line, queue_level(line->queue, task));

	assert(bucket);
	bool was_next = bucket_next(line, bucket) == task, ages = queue_is_ageing(line->queue);
	if (bucket->last_back == task)
		bucket->last_back = NULL;
	TAILQ_REMOVE(&bucket->tasks, task, link);
	if (TAILQ_EMPTY(&bucket->tasks))
		bucket_drop(line, bucket);
	else if (!was_next || (!ages && is_alone(line)))
		return false;
	else if (ages)
		bucket_rank(line, bucket);
	if (!line->order.count)
		line_drop(line);
	else if (!is_alone(line))
		line_rank(line);
	return true;
}

/* --- all of them --- */

void line_empty(struct line *line, struct task_list *out)
{
	struct heap_node *node;
	struct heap heads;

	heap_init(&heads);
	while ((node = heap_pop(&line->order))) {
		struct bucket *bucket = heap_entry(node, struct bucket, node);

		heap_set(&heads, node, (int64_t)TAILQ_FIRST(&bucket->tasks)->place, 0);
	}
	while ((node = heap_top(&heads))) {
		struct bucket *bucket = heap_entry(node, struct bucket, node);
		struct task *task = TAILQ_FIRST(&bucket->tasks);

		TAILQ_REMOVE(&bucket->tasks, task, link);
		TAILQ_INSERT_TAIL(out, task, link);
		if (!TAILQ_EMPTY(&bucket->tasks)) {
			heap_set(&heads, node, (int64_t)TAILQ_FIRST(&bucket->tasks)->place, 0);
			continue;
		}
		heap_remove(&heads, node);
		bucket_drop(line, bucket);
	}
	heap_fini(&heads);
}

void line_remake(struct line *line, struct task_list *tasks)
{
	struct task *task;

	while ((task = TAILQ_FIRST(tasks))) {
		TAILQ_REMOVE(tasks, task, link);
		line_add(line, task);
	}
}

void lines_init(struct core_queue *queue)
{
	LIST_INIT(&queue->lines);
	table_init(&queue->owners, line_key);
	heap_init(&queue->order);
}

void lines_fini(struct core_queue *queue)
{
	struct heap_node *node;
	struct line *line;

	while ((line = LIST_FIRST(&queue->lines))) {
		while ((node = heap_pop(&line->order)))
			free(heap_entry(node, struct bucket, node));
		LIST_REMOVE(line, of_queue);
		line_free(line);
	}
	if (queue->spare_line)
		line_free(queue->spare_line);
	free(queue->spare);
	heap_fini(&queue->order);
	table_fini(&queue->owners);
}
