/* The model: who may be started, and who must be. See model.h. */
#include <string.h>

#include "model.h"

#define NEAR_NS (100 * NS_PER_US) /* aged tasks that stand so close may change places */

/* --- who is next --- */

void model_joined(struct model *model, uint64_t id)
{
	model->tasks[id].place = ++model->last_place;
	model->tasks[id].joined_ns = model->now_ns;
}

static bool waits(const struct model_task *task, int queue)
{
	return model_waits(task, queue) && task->state == TASK_QUEUED;
}

static int32_t rank(const struct model *model, const struct model_task *task)
{
	return model->queues[task->spec.queue].options.order == QUEUE_PRIORITY ? task->spec.priority : 0;
}

bool model_comes_before(const struct model *model, const struct model_task *a, const struct model_task *b)
{
	const struct core_queue_options *options = &model->queues[a->spec.queue].options;
	int32_t ahead = rank(model, a) - rank(model, b);

	if (options->fair && a->spec.owner != b->spec.owner) /* equal ones take turns */
		return ahead > 0 && (options->order != QUEUE_PRIORITY || options->ageing_ns == 0);
	if (options->order == QUEUE_LIFO)
		return a->place > b->place;
	if (ahead == 0)
		return a->place < b->place;
	if (options->ageing_ns == 0)
		return ahead > 0;
	return a->joined_ns - ahead * options->ageing_ns + NEAR_NS < b->joined_ns;
}

static bool may_be_first(const struct model *model, const struct model_task *task)
{
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *other = &model->tasks[model->live[i]];

		if (other != task && waits(other, task->spec.queue) && model_comes_before(model, other, task) &&
			!model_is_held(model, other))
			return false;
	}
	return true;
}

static size_t n_in_lanes(const struct model *model, int queue)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n_live; i++)
		n += model->tasks[model->live[i]].spec.queue == queue && model->tasks[model->live[i]].slot >= 0;
	return n;
}

/* Whether one start more is within the rate: in no span of time more than the burst and what the rate gives. */
static bool rate_allows(const struct model *model, int queue)
{
	const struct model_queue *from = &model->queues[queue];
	double burst = from->options.burst ? from->options.burst : 1;
	int count = 1;

	for (size_t i = from->n_starts; from->options.rate > 0 && i > 0; i--) {
		double seconds = (double)(model->now_ns - from->starts[i - 1].at_ns) / (double)NS_PER_S;

		count += from->starts[i - 1].count;
		if (count > burst + from->options.rate * seconds + 1e-6)
			return false;
	}
	return true;
}

/* Whether its rate cannot be what keeps it back. */
static bool rate_is_idle(const struct model *model, int queue)
{
	const struct model_queue *from = &model->queues[queue];
	double pause_ns = from->options.rate > 0 ? (double)NS_PER_S / from->options.rate : 0;
	int64_t last_ns = from->changed_ns;

	if (from->n_starts && from->starts[from->n_starts - 1].at_ns > last_ns)
		last_ns = from->starts[from->n_starts - 1].at_ns;
	return from->options.rate <= 0 || (double)(model->now_ns - last_ns) > pause_ns + 1000;
}

static bool is_open(const struct model *model, int queue)
{
	const struct model_queue *from = &model->queues[queue];

	return from->exists && !from->paused &&
		(!from->options.limit_running || n_in_lanes(model, queue) < from->options.limit_running);
}

/* The lowest priority that the next task of QUEUE may have. False: there is none, or it may have to wait. */
static bool lowest_first(const struct model *model, int queue, int32_t *priority)
{
	bool found = false;

	if (!is_open(model, queue) || !rate_is_idle(model, queue))
		return false;
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];

		if (!waits(task, queue) || model_is_held(model, task) || !may_be_first(model, task))
			continue;
		if (!found || rank(model, task) < *priority)
			*priority = rank(model, task);
		found = true;
	}
	return found;
}

static bool no(struct model *model, const char *why)
{
	model->why = why;
	return false;
}

bool model_may_start(struct model *model, uint64_t id, int pool)
{
	struct model_task *task = &model->tasks[id];
	int32_t priority;

	if (!task->exists || !waits(task, task->spec.queue))
		return no(model, "it does not wait");
	if (model->queues[task->spec.queue].pool != pool)
		return no(model, "it is of another pool");
	if (!is_open(model, task->spec.queue))
		return no(model, "its queue is paused or at its limit");
	if (model_is_held(model, task))
		return no(model, "its owner has as much running as he may");
	if (!rate_allows(model, task->spec.queue))
		return no(model, "that is faster than the rate of its queue");
	if (!may_be_first(model, task))
		return no(model, "another of its queue comes first");
	if (!model_has_claims_free(model, task))
		return no(model, "it claims what somebody else has");
	if ((model->which = (int)model_passed_over(model, task)))
		return no(model, "another that waits for the same comes first");
	for (int queue = 0; queue < model->n_queues; queue++)
		if (queue != task->spec.queue && model->queues[queue].pool == pool &&
			lowest_first(model, queue, &priority) && priority > rank(model, task)) {
			model->which = queue;
			return no(model, "another queue has one of higher priority");
		}
	return true;
}

bool model_must_start(struct model *model, int pool)
{
	int32_t priority;

	for (int queue = 0; queue < model->n_queues; queue++)
		if (model->queues[queue].pool == pool && lowest_first(model, queue, &priority)) {
			model->which = queue;
			return true;
		}
	return false;
}

static void count_start(struct model *model, struct model_queue *queue, int count)
{
	if (queue->n_starts == MODEL_STARTS)
		memmove(&queue->starts[0], &queue->starts[1], --queue->n_starts * sizeof(queue->starts[0]));
	queue->starts[queue->n_starts].at_ns = model->now_ns;
	queue->starts[queue->n_starts++].count = count;
}

void model_given(struct model *model, uint64_t id, int slot)
{
	struct model_task *task = &model->tasks[id];

	task->slot = slot;
	task->given_ns = model->now_ns;
	task->taken_ns = 0;
	count_start(model, &model->queues[task->spec.queue], 1);
}

void model_back(struct model *model, uint64_t id)
{
	struct model_task *task = &model->tasks[id];

	task->slot = -1;
	task->taken_ns = 0;
	count_start(model, &model->queues[task->spec.queue], -1);
}
