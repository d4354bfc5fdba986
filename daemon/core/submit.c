/* How a task comes in: for the first time, or once more where it has not succeeded. All that may refuse it is asked
 * before it exists. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

/* --- what may refuse --- */

int submit_key(const struct core *core, const struct task_spec *spec, struct task **other)
{
	*other = unique_find(core, spec->owner, spec->key, spec->key_length);
	if (!*other)
		return CORE_OK;
	if (spec->key_mode == KEY_ONCE)
		return CORE_ATTACHED;
	if (task_state_is_terminal((*other)->state)) {
		*other = NULL;
		return CORE_OK;
	}
	switch (spec->key_mode) {
	case KEY_REJECT:
		return CORE_DUPLICATE;
	case KEY_ATTACH:
	case KEY_ONCE:
		return CORE_ATTACHED;
	case KEY_REPLACE:
		break;
	}
	return CORE_OK;
}

int core_submit_key(const struct core *core, const struct task_spec *spec, struct task **out)
{
	*out = NULL;
	if (!spec->key)
		return CORE_OK;
	int status = submit_key(core, spec, out);
	if (!status)
		*out = NULL;
	return status;
}

size_t core_submit_cost(const struct task_spec *spec)
{
	return bytes_cost(spec->args) + depend_cost_of(spec->n_after + spec->n_after_any) +
		(spec->n_claims ? claim_cost_of(spec->claims, spec->n_claims) : 0);
}

void submit_load(struct load *load, const struct task_spec *spec, const struct task *replaced)
{
	load->count++;
	load->bytes += core_submit_cost(spec);
	if (!replaced || (load->queue && replaced->queue != load->queue) || replaced->slot || replaced->outcome)
		return;
	load->less_count++;
	load->less_bytes += queue_cost(replaced);
}

int submit_room(const struct load *load)
{
	if (load->queue->figures.draining)
		return CORE_DRAINING;
	return queue_has_room(load->queue, load->count, load->bytes, load->less_count, load->less_bytes) ? CORE_OK :
													CORE_QUEUE_FULL;
}

static int check_share(const struct core *core, const struct task_spec *spec, const struct task *replaced)
{
	struct load load = { .uid = spec->owner };

	submit_load(&load, spec, replaced);
	return share_room(core, &load);
}

/* Of this one alone. */
static int check_room(const struct core *core, const struct task_spec *spec, const struct task *replaced)
{
	int status = share_is_limited(core) ? check_share(core, spec, replaced) : CORE_OK;
	struct load load = { .queue = spec->queue };

	if (status)
		return status;
	submit_load(&load, spec, replaced);
	return submit_room(&load);
}

static int find_ref(const struct core *core, const struct task_ref *ref, struct task **task, uint64_t *id)
{
	if (ref->id == 0)
		return CORE_OK;
	*id = ref->id;
	switch (core_find(core, ref->id, task)) {
	case CORE_FOUND:
		return CORE_OK;
	case CORE_NOT_FOUND:
		return CORE_NO_DEPENDENCY;
	case CORE_FORGOTTEN:
		break;
	}
	return CORE_LOST_DEPENDENCY;
}

int submit_find(const struct core *core, const struct task_spec *spec, struct task ***tasks, uint64_t *id)
{
	size_t count = spec->n_after + spec->n_after_any;
	int status = CORE_OK;

	*tasks = xcalloc(count, sizeof(struct task *));
	for (size_t i = 0; i < count && !status; i++)
		status = find_ref(core, submit_ref(spec, i), *tasks + i, id);
	return status;
}

/* --- coming in --- */

struct task *submit_create(struct core *core, const struct task_spec *spec)
{
	struct task *task = task_new(core, spec, core->next_id++);

	idmap_put(&core->tasks, task->id, task);
	TAILQ_INSERT_TAIL(&core->all, task, all);
	facets_add(core, task);
	if (spec->key)
		unique_put(core, task);
	if (spec->expires_ns)
		heap_set(&core->timers, &task->timer, spec->expires_ns, task->id);
	spec->queue->figures.submitted++;
	core->totals.submitted++;
	return task;
}

enum task_state submit_state(const struct core *core, const struct task *task)
{
	return task->due_ns > (task->wall ? core->wall_ns : core->now_ns) ? TASK_SCHEDULED : TASK_QUEUED;
}

void submit_enter(struct core *core, struct task *task, const struct task_spec *spec, struct task *const *tasks)
{
	bool waits = spec->n_after + spec->n_after_any > 0 &&
		depend_link(task, tasks, spec->n_after, tasks + spec->n_after, spec->n_after_any, spec->pass_results);
	enum task_state state = waits ? TASK_BLOCKED : submit_state(core, task);

	if (task->durable)
		record_begin(task, state);
	else
		task_enter(task, state);
}

/* With dependencies; what else refuses a task is asked before. */
static int submit_dependent(struct core *core, const struct task_spec *spec, const struct task *replaced,
	struct task **out)
{
	uint64_t id;
	struct task **tasks;
	int status = submit_find(core, spec, &tasks, &id);

	if (!status)
		status = check_room(core, spec, replaced);
	if (!status) {
		*out = submit_create(core, spec);
		if (replaced)
			unique_replace(*out, replaced);
		submit_enter(core, *out, spec, tasks);
		if (spec->durable)
			record_tell(*out, RECORD_SUBMITTED, false);
		if (depend_is_decided(*out))
			depend_settle(core);
	}
	free(tasks);
	return status;
}

static int submit_plain(struct core *core, const struct task_spec *spec, const struct task *replaced, struct task **out)
{
	int status = check_room(core, spec, replaced);

	if (status)
		return status;
	*out = submit_create(core, spec);
	if (replaced)
		unique_replace(*out, replaced);
	if (spec->durable) {
		record_begin(*out, submit_state(core, *out));
		record_tell(*out, RECORD_SUBMITTED, false);
	} else {
		task_enter(*out, submit_state(core, *out));
	}
	return CORE_OK;
}

static int submit(struct core *core, const struct task_spec *spec, const struct task *replaced, struct task **out)
{
	if (spec->n_after + spec->n_after_any > 0)
		return submit_dependent(core, spec, replaced, out);
	return submit_plain(core, spec, replaced, out);
}

int core_submit(struct core *core, const struct task_spec *spec, struct task **out)
{
	struct task *other;

	*out = NULL;
	if (core->closed)
		return CORE_CLOSED;
	if (!spec->key)
		return submit(core, spec, NULL, out);
	int status = submit_key(core, spec, &other);
	if (status) {
		*out = other;
		return status;
	}
	status = submit(core, spec, other, out);
	if (!status && other)
		unique_replaced(*out, other);
	return status;
}

/* --- once more --- */

static struct task *retried_as(const struct core *core, const struct task *task)
{
	struct task *retry = NULL;

	if (task->extra && task->extra->retried_as)
		core_find(core, task->extra->retried_as, &retry);
	return retry;
}

static struct task_spec spec_again(const struct task *task)
{
	const struct task_extra *extra = task->extra;
	struct task_spec spec = {
		.type = task->type,
		.queue = task->queue,
		.priority = task->priority,
		.owner = task->owner->uid,
		.items = task->items,
		.detached = true,
		.durable = task->durable,
		.on_interrupt_crash = task->on_interrupt_crash,
		.retry_of = task->id,
	};

	if (!extra)
		return spec;
	spec.timeout_ns = extra->timeout_ns;
	spec.retry = &extra->retry;
	spec.tag = extra->tag ? extra->tag->name : NULL;
	spec.tag_length = extra->tag ? extra->tag->length : 0;
	spec.key = extra->key;
	spec.key_length = extra->key_length;
	spec.claims = core_claims(task, &spec.n_claims);
	return spec;
}

int core_retry(struct task *task, struct task **out)
{
	struct core *core = task_core(task);

	*out = NULL;
	if (!task_state_is_terminal(task->state))
		return CORE_NOT_OVER;
	if (task->state == TASK_SUCCEEDED)
		return CORE_NOT_FAILED;
	*out = retried_as(core, task);
	if (*out)
		return CORE_ATTACHED;
	bool is_cut = !task->args && task->outcome->dropped; /* its arguments were too large to be kept */
	if (!task->queue->pool || !task->type->queue || is_cut)
		return CORE_NO_QUEUE;
	struct task_spec spec = spec_again(task);
	if (depend_args(task, &spec.args) < 0) /* with the results that it got they would be too large by now */
		return CORE_NO_QUEUE;
	int status = core_submit(core, &spec, out);
	bytes_unref(spec.args);
	if (status)
		return status;
	task_extra(task)->retried_as = (*out)->id;
	return CORE_OK;
}
