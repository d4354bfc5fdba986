/* The model: how tasks come in. See model.h. */
#include "model.h"

/* --- coming in --- */

/* Only the latest task that was given a key has it, and only while there is a record of that. */
static struct model_task *holder(struct model *model, const struct model_spec *spec)
{
	for (uint64_t id = model->last_id; spec->key && id > 0; id--) {
		struct model_task *task = &model->tasks[id];

		if (task->spec.owner == spec->owner && task->spec.key == spec->key)
			return task->exists ? task : NULL;
	}
	return NULL;
}

static int check_key(const struct model_spec *spec, struct model_task *other)
{
	if (!other)
		return CORE_OK;
	switch (spec->key_mode) {
	case KEY_REJECT:
		return model_over(other) ? CORE_OK : CORE_DUPLICATE;
	case KEY_ATTACH:
		return model_over(other) ? CORE_OK : CORE_ATTACHED;
	case KEY_REPLACE:
		return CORE_OK;
	case KEY_ONCE:
		return CORE_ATTACHED;
	}
	return CORE_OK;
}

static int check_refs(const struct model *model, const struct task_ref *refs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (refs[i].id > model->last_id)
			return CORE_NO_DEPENDENCY;
		if (refs[i].id && !model->tasks[refs[i].id].exists)
			return CORE_LOST_DEPENDENCY;
	}
	return CORE_OK;
}

static int check_dependencies(const struct model *model, const struct model_spec *spec)
{
	int status = check_refs(model, spec->after, spec->n_after);

	return status ? status : check_refs(model, spec->any, spec->n_any);
}

/* Whether there is room for so much more, once REPLACED (NULL: nobody) have gone. */
static int check_room(const struct model *model, int queue, size_t count, size_t bytes,
	struct model_task *const *replaced, size_t n_replaced)
{
	const struct model_queue *into = &model->queues[queue];

	if (into->draining)
		return CORE_DRAINING;
	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];
		bool goes = false;

		for (size_t k = 0; k < n_replaced; k++)
			goes |= task == replaced[k];
		if (model_waits(task, queue) && !goes) {
			count++;
			bytes += model_cost(model, &task->spec);
		}
	}
	if (into->options.limit_queued && count > into->options.limit_queued)
		return CORE_QUEUE_FULL;
	return into->options.limit_bytes && bytes > into->options.limit_bytes ? CORE_QUEUE_FULL : CORE_OK;
}

/* The same of the share of OWNER. */
static int check_share(const struct model *model, uint32_t owner, size_t count, size_t bytes,
	struct model_task *const *replaced, size_t n_replaced)
{
	struct core_user_figures user = model_user(model, owner);

	if (model_is_exempt(model, owner))
		return CORE_OK;
	count += user.queued;
	bytes += user.queued_bytes;
	for (size_t i = 0; i < n_replaced; i++)
		if (replaced[i] && replaced[i]->slot < 0) {
			count--;
			bytes -= model_cost(model, &replaced[i]->spec);
		}
	if (model->shares.queued && count > model->shares.queued)
		return CORE_OVER_SHARE;
	return model->shares.queued_bytes && bytes > model->shares.queued_bytes ? CORE_OVER_SHARE : CORE_OK;
}

static uint64_t create(struct model *model, const struct model_spec *spec)
{
	uint64_t id = ++model->last_id;
	struct model_task *task = &model->tasks[id];

	*task = (struct model_task){
		.spec = *spec, .exists = true, .attempt = 1, .submitted_ns = model->now_ns, .due_ns = spec->due_ns,
		.wall = spec->wall, .slot = -1, .progress = -1, .state = TASK_BLOCKED,
	};
	model->live[model->n_live++] = id;
	model->queues[spec->queue].submitted++;
	return id;
}

/* True: it has failed already. */
static bool enter(struct model *model, struct model_task *task)
{
	bool failed;

	if (task->spec.n_after + task->spec.n_any == 0) {
		model_release(model, task);
		return false;
	}
	if (!model_is_ready(model, task, &failed))
		return failed;
	if (!model_gather(model, task))
		return true;
	model_release(model, task);
	return false;
}

static struct model_task *replaced_by(struct model *model, const struct model_spec *spec)
{
	struct model_task *other = spec->key_mode == KEY_REPLACE ? holder(model, spec) : NULL;

	return other && !model_over(other) ? other : NULL;
}

int model_submit(struct model *model, const struct model_spec *spec, uint64_t *id)
{
	struct model_task *other = holder(model, spec);
	struct model_task *replaced = replaced_by(model, spec);
	int status = check_key(spec, other);

	*id = 0;
	if (status) {
		*id = model_id(model, other);
		return status;
	}
	if ((status = check_dependencies(model, spec)) ||
		(status = check_share(model, spec->owner, 1, model_cost(model, spec), &replaced, 1)) ||
		(status = check_room(model, spec->queue, 1, model_cost(model, spec), &replaced, 1)))
		return status;
	*id = create(model, spec);
	if (enter(model, &model->tasks[*id]))
		model_settle(model);
	if (replaced)
		model_cancel(model, model_id(model, replaced));
	return CORE_OK;
}

int model_retry(struct model *model, uint64_t id, uint64_t *out)
{
	struct model_task *task = &model->tasks[id];
	struct model_spec spec = task->spec;
	int status;

	*out = 0;
	if (!model_over(task))
		return CORE_NOT_OVER;
	if (task->state == TASK_SUCCEEDED)
		return CORE_NOT_FAILED;
	if (task->retried_as && model->tasks[task->retried_as].exists) {
		*out = task->retried_as;
		return CORE_ATTACHED;
	}
	if (!model->queues[spec.queue].exists)
		return CORE_NO_QUEUE;
	spec.n_after = spec.n_any = 0;
	spec.due_ns = spec.expires_ns = 0;
	spec.wall = spec.pass_results = false;
	spec.key_mode = KEY_REJECT;
	status = model_submit(model, &spec, out);
	if (status)
		return status;
	task->retried_as = *out;
	model->tasks[*out].retry_of = id;
	return CORE_OK;
}

/* --- batches --- */

/* The one in whose place that at AT is: the first of the batch with the same key. */
static size_t first_with_key(const struct model_spec *specs, size_t at)
{
	for (size_t i = 0; specs[at].key && i < at; i++)
		if (specs[i].key == specs[at].key && specs[i].owner == specs[at].owner)
			return i;
	return at;
}

static bool attaches(const struct model_spec *spec)
{
	return spec->key_mode == KEY_ATTACH || spec->key_mode == KEY_ONCE;
}

/* Whether that at AT becomes a task of its own. */
static bool is_new(struct model *model, const struct model_spec *specs, size_t at)
{
	return first_with_key(specs, at) == at && check_key(&specs[at], holder(model, &specs[at])) == CORE_OK;
}

static bool points_to(struct model *model, const struct model_spec *specs, size_t from, size_t to)
{
	bool points = false;

	if (!is_new(model, specs, from) || !is_new(model, specs, to))
		return false;
	for (size_t i = 0; i < specs[from].n_after; i++)
		points |= !specs[from].after[i].id && first_with_key(specs, specs[from].after[i].index) == to;
	for (size_t i = 0; i < specs[from].n_any; i++)
		points |= !specs[from].any[i].id && first_with_key(specs, specs[from].any[i].index) == to;
	return points;
}

bool model_in_circle(const struct model *model, const struct model_spec *specs, size_t count, size_t at)
{
	struct model *scanned = (struct model *)(uintptr_t)model; /* only looked at */
	bool reached[16] = { false };

	for (size_t round = 0; round < count; round++)
		for (size_t from = 0; from < count; from++)
			for (size_t to = 0; to < count; to++)
				if ((from == at || reached[from]) && points_to(scanned, specs, from, to))
					reached[to] = true;
	return reached[at];
}

/* Of all up to that at AT, those of its queue, or those of its owner. */
static int check_load(struct model *model, const struct model_spec *specs, size_t at, bool by_owner)
{
	struct model_task *replaced[16];
	size_t n_replaced = 0, n = 0, bytes = 0;

	for (size_t i = 0; i <= at; i++) {
		bool counts = by_owner ? specs[i].owner == specs[at].owner : specs[i].queue == specs[at].queue;

		if (!counts || !is_new(model, specs, i))
			continue;
		n++;
		bytes += model_cost(model, &specs[i]);
		if (replaced_by(model, &specs[i]))
			replaced[n_replaced++] = replaced_by(model, &specs[i]);
	}
	if (by_owner)
		return check_share(model, specs[at].owner, n, bytes, replaced, n_replaced);
	return check_room(model, specs[at].queue, n, bytes, replaced, n_replaced);
}

static int check_member(struct model *model, const struct model_spec *specs, size_t at)
{
	int status;

	if (first_with_key(specs, at) != at)
		return attaches(&specs[at]) ? CORE_OK : CORE_DUPLICATE;
	status = check_key(&specs[at], holder(model, &specs[at]));
	if (status)
		return status == CORE_ATTACHED ? CORE_OK : status;
	if ((status = check_dependencies(model, &specs[at])) || (status = check_load(model, specs, at, true)))
		return status;
	return check_load(model, specs, at, false);
}

static void resolve(struct model *model, struct task_ref *refs, size_t count, const uint64_t *ids)
{
	(void)model;
	for (size_t i = 0; i < count; i++)
		if (!refs[i].id)
			refs[i].id = ids[refs[i].index];
}

int model_batch(struct model *model, const struct model_spec *specs, size_t count, uint64_t *ids, size_t *culprit)
{
	struct model_task *replaced[16] = { NULL };
	bool new[16], failed = false;

	for (*culprit = 0; *culprit < count; ++*culprit) {
		int status = check_member(model, specs, *culprit);

		if (status)
			return status;
	}
	for (*culprit = 0; *culprit < count; ++*culprit)
		if (model_in_circle(model, specs, count, *culprit))
			return CORE_CYCLE;
	for (size_t i = 0; i < count; i++) {
		new[i] = is_new(model, specs, i);
		replaced[i] = new[i] ? replaced_by(model, &specs[i]) : NULL;
		ids[i] = first_with_key(specs, i) != i || new[i] ? 0 : model_id(model, holder(model, &specs[i]));
	}
	for (size_t i = 0; i < count; i++)
		ids[i] = new[i] ? create(model, &specs[i]) : ids[i] ? ids[i] : ids[first_with_key(specs, i)];
	for (size_t i = 0; i < count; i++)
		if (new[i]) {
			struct model_task *task = &model->tasks[ids[i]];

			resolve(model, task->spec.after, task->spec.n_after, ids);
			resolve(model, task->spec.any, task->spec.n_any, ids);
		}
	for (size_t i = 0; i < count; i++)
		if (new[i])
			failed |= enter(model, &model->tasks[ids[i]]);
	if (failed)
		model_settle(model);
	for (size_t i = 0; i < count; i++)
		if (replaced[i])
			model_cancel(model, model_id(model, replaced[i]));
	return CORE_OK;
}
