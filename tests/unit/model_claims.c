/* The model: what tasks must have before they start. Whoever is in a lane has what it claims, and nobody else has. See
 * model.h. */
#include "model.h"

bool model_claims_anything(const struct model_spec *spec)
{
	for (int object = 0; object < MODEL_OBJECTS; object++)
		if (spec->claims[object])
			return true;
	return false;
}

static bool is_lock(int object)
{
	return object < MODEL_LOCKS;
}

/* What of OBJECT is had by all but EXCEPT (NULL: nobody): permits; of a lock MODEL_EXCLUSIVE, MODEL_SHARED or 0. */
static int had(const struct model *model, int object, const struct model_task *except)
{
	int sum = 0;

	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];
		int claim = task->spec.claims[object];

		if (task == except || task->slot < 0)
			continue;
		if (!is_lock(object))
			sum += claim;
		else if (claim > sum)
			sum = claim;
	}
	for (int i = 0; i < MODEL_CROWD && is_lock(object); i++)
		if (model->crowd[i].lock == object && model->crowd[i].mode > sum)
			sum = model->crowd[i].mode;
	return sum;
}

static bool can_have(const struct model *model, int object, int claim, const struct model_task *except)
{
	int sum = had(model, object, except);

	if (!is_lock(object))
		return sum + claim <= model_slots(object);
	return sum == 0 || (sum == MODEL_SHARED && claim == MODEL_SHARED);
}

bool model_lock_is_free(const struct model *model, int lock, int mode)
{
	return can_have(model, lock, mode, NULL);
}

bool model_has_claims_free(const struct model *model, const struct model_task *task)
{
	for (int object = 0; object < MODEL_OBJECTS; object++)
		if (task->spec.claims[object] && !can_have(model, object, task->spec.claims[object], task))
			return false;
	return true;
}

static bool somebody_waits_for(const struct model *model, int object, const struct model_task *except)
{
	for (int i = 0; i < MODEL_CROWD; i++)
		if (model->crowd[i].waits && model->crowd[i].lock_wanted == object)
			return true;
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];

		if (task != except && task->missing && task->spec.claims[object])
			return true;
	}
	return false;
}

/* It cannot have one of them, or somebody who waits for one may come before it. */
bool model_may_miss(const struct model *model, const struct model_task *task)
{
	if (!model_claims_anything(&task->spec))
		return false;
	for (int object = 0; object < MODEL_OBJECTS; object++)
		if (task->spec.claims[object] && somebody_waits_for(model, object, task))
			return true;
	return !model_has_claims_free(model, task);
}

/* … where what comes first in the queue need not for objects. */
static bool take_turns(const struct model *model, const struct model_task *task, const struct model_task *other)
{
	const struct core_queue_options *options = &model->queues[task->spec.queue].options;

	return model_is_divided(model, task->spec.queue) && task->spec.owner != other->spec.owner &&
		(options->fair || options->order == QUEUE_LIFO || options->ageing_ns);
}

/* It waits for one that TASK, of the same queue, has, though it comes first and could have all now. */
uint64_t model_passed_over(struct model *model, const struct model_task *task)
{
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *other = &model->tasks[model->live[i]];
		bool contested = false;

		if (!other->missing || other->spec.queue != task->spec.queue || !task->spec.claims[other->missed] ||
			!model_comes_before(model, other, task) || model_is_held(model, other) ||
			take_turns(model, task, other))
			continue;
		for (int object = 0; object < MODEL_OBJECTS; object++)
			contested |= other->spec.claims[object] && somebody_waits_for(model, object, other);
		if (!contested && model_has_claims_free(model, other))
			return model_id(model, other);
	}
	return 0;
}

/* Whether somebody of WAITER's queue is on its way with a claim of OBJECT, and so will tell the others. */
static bool has_scout(const struct model *model, const struct model_task *waiter, int object)
{
	int queue = waiter->spec.queue;

	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];

		if (task->spec.queue == queue && task->state == TASK_QUEUED && task->slot < 0 &&
			task->spec.claims[object] &&
			(!model_is_divided(model, queue) || task->spec.owner == waiter->spec.owner))
			return true;
	}
	return false;
}

/* All who wait for OBJECT could have it. */
static bool is_idle(const struct model *model, int object)
{
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];

		if (task->missing && task->missed == object &&
			!can_have(model, object, task->spec.claims[object], task))
			return false;
	}
	for (int i = 0; i < MODEL_CROWD; i++)
		if (model->crowd[i].waits && model->crowd[i].lock_wanted == object)
			return false;
	return true;
}

uint64_t model_forgotten(struct model *model)
{
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];

		if (task->missing && is_idle(model, task->missed) && !has_scout(model, task, task->missed))
			return model_id(model, task);
	}
	return 0;
}
