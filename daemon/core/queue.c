/* Where tasks wait: in lines, one for each owner who has some there (line.c), and a heap of those. A queue without
 * priorities takes from the beginning of its lines or from their ends. Tasks that are awaited go before all others. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

/* --- order --- */

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

int64_t queue_rank_key(const struct core_queue *queue, int32_t level, uint64_t place)
{
	if (level > LEVEL_AWAITED)
		return INT64_MIN + (INT32_MAX - level);
	return queue_is_ageing(queue) ? aged_key(level, (int64_t)place, queue->figures.options.ageing_ns) : -(int64_t)level;
}

void queue_rank(const struct core_queue *queue, const struct task *task, int64_t *key, uint64_t *tie)
{
	*key = queue_rank_key(queue, queue_level(queue, task), task->place);
	*tie = queue->figures.options.order == QUEUE_LIFO && !task->awaited ? ~task->place : task->place;
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

	task->owner->queued += sign;
	task->owner->queued_bytes += sign * cost;
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
		task->owner->waiting += task->awaited ? 0 : sign;
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

struct task *queue_first(const struct core_queue *queue)
{
	struct heap_node *top = heap_top(&queue->order);

	return top ? line_next(heap_entry(top, struct line, node)) : NULL;
}

/* Its lines have changed. HAD: there was one that might go. Where that is still so, its pool is only interested in the
 * priority of what is next. */
static void changed(struct core_queue *queue, bool had)
{
	bool has = heap_top(&queue->order) != NULL;

	if (had != has || (has && heap_has(&queue->node) && queue->level != queue_first_level(queue)))
		gate_update(queue);
}

void queue_touch(struct line *line)
{
	bool had = heap_top(&line->queue->order) != NULL;

	line_rank(line);
	changed(line->queue, had);
}

/* A place is the time of joining, made unique; so those of equal priority stand by their age. */
uint64_t queue_next_place(struct core *core)
{
	if (core->now_ns > 0 && core->next_place < (uint64_t)core->now_ns + core->place_lead)
		core->next_place = (uint64_t)core->now_ns + core->place_lead;
	return core->next_place++;
}

static void join(struct core_queue *queue, struct task *task, uint64_t turn)
{
	bool had = heap_top(&queue->order) != NULL;
	struct line *line = line_find(queue, task->owner);

	queue_count(queue, task, TASK_QUEUED, true);
	if (!line)
		line = line_open(queue, task->owner, turn);
	if (line_add(line, task))
		changed(queue, had);
}

void queue_push(struct core_queue *queue, struct task *task)
{
	task->place = queue_next_place(queue->core);
	join(queue, task, task->place);
}

void queue_push_back(struct core_queue *queue, struct task *task)
{
	task->placed = false;
	join(queue, task, 0);
}

void queue_remove(struct core_queue *queue, struct task *task)
{
	bool had = heap_top(&queue->order) != NULL;

	queue_count(queue, task, TASK_QUEUED, false);
	if (line_remove(line_find(queue, task->owner), task))
		changed(queue, had);
}

/* --- turns --- */

void queue_take_turn(struct task *task)
{
	struct line *line = line_find(task->queue, task->owner);

	line->turn_before = line->turn;
	line->turn = queue_next_place(task->queue->core);
}

/* Only the last one: who comes meanwhile is not to wait for more than one start of anybody. */
void queue_undo(struct task *task)
{
	struct line *line = task->queue->figures.options.fair ? line_find(task->queue, task->owner) : NULL;

	if (!line || !line->turn_before)
		return;
	line->turn = line->turn_before;
	queue_touch(line);
}

uint64_t queue_turn(const struct task *task)
{
	if (task->awaited || !task->queue->figures.options.fair)
		return task->place;
	return line_find(task->queue, task->owner)->turn;
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
	lines_init(queue);
	facet_init(&queue->tasks);
	LIST_INIT(&queue->groups);
	names_put(&core->queues, queue);
	TAILQ_INSERT_TAIL(&core->queue_list, queue, link);
	tell_changed(queue, false);
	return queue;
}

void queue_destroy(struct core_queue *queue)
{
	claim_free_groups(queue);
	lines_fini(queue);
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

/* Between first and last come first served nothing moves within a line: it is another end that tasks are taken from. */
static void reorder(struct core_queue *queue, const struct core_queue_options *old)
{
	const struct core_queue_options *options = &queue->figures.options;
	bool moves = (old->order == QUEUE_PRIORITY) != (options->order == QUEUE_PRIORITY) ||
		old->ageing_ns != options->ageing_ns;
	struct line *line;

	LIST_FOREACH(line, &queue->lines, of_queue) {
		struct task_list tasks = TAILQ_HEAD_INITIALIZER(tasks);

		if (moves) {
			line_empty(line, &tasks);
			line_remake(line, &tasks);
		} else {
			line_rank(line);
		}
	}
	claim_reorder(queue);
}

void core_queue_set(struct core_queue *queue, const struct core_queue_options *options)
{
	const struct core_queue_options old = queue->figures.options;

	queue->figures.options = *options;
	if (old.order != options->order || old.ageing_ns != options->ageing_ns || old.fair != options->fair)
		reorder(queue, &old);
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
