/* The model: see model.h. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define MS NS_PER_MS
#define NEAR_NS (100 * NS_PER_US) /* aged tasks that stand so close may change places */

void model_init(struct model *model)
{
	*model = (struct model){ 0 };
	model->tasks = xcalloc(MODEL_TASKS, sizeof(*model->tasks));
	model->live = xcalloc(MODEL_TASKS, sizeof(*model->live));
}

void model_fini(struct model *model)
{
	free(model->tasks);
	free(model->live);
}

size_t model_cost(const struct model *model, size_t size)
{
	return size ? size + model->overhead : 0;
}

/* --- states --- */

static void end(struct model *model, struct model_task *task, enum task_state state, const char *kind)
{
	task->state = state;
	task->kind = kind;
	task->slot = -1;
	task->over_ns = model->now_ns;
	if (!task->ended_ns)
		task->ended_ns = model->now_ns;
	if (state == TASK_SUCCEEDED)
		task->spec.size = 0;
	model->ended[state]++;
	model->queues[task->spec.queue].ended++;
}

static bool is_due(const struct model *model, const struct model_task *task)
{
	return task->due_ns <= (task->wall ? model->wall_ns : model->now_ns);
}

static void interrupt(struct model *model, struct model_task *task, bool timed_out)
{
	task->state = TASK_CANCELLING;
	task->timed_out = timed_out;
	task->kill_ns = model->now_ns + model->limits.kill_grace_ns;
	task->told_interrupt = task->told_kill = false;
}

void model_known(struct model *model, uint64_t id)
{
	struct model_task *task = &model->tasks[id];

	(void)model;
	if (task->state != TASK_QUEUED)
		return;
	task->state = TASK_RUNNING;
	task->started_ns = task->taken_ns;
	task->tried = true;
}

/* --- attempts --- */

static unsigned retry_bit(enum task_state state)
{
	return state == TASK_FAILED ? RETRY_FAILED : state == TASK_TIMED_OUT ? RETRY_TIMED_OUT :
		state == TASK_CRASHED ? RETRY_CRASHED : 0;
}

static void try_again(struct model_task *task)
{
	const struct task_retry *retry = &task->spec.retry;
	double pause = (double)retry->backoff_ns;

	for (unsigned n = 1; n < task->attempt; n++)
		pause *= retry->factor;
	if (pause > (double)retry->backoff_max_ns)
		pause = (double)retry->backoff_max_ns;
	task->earliest_ns = task->ended_ns + (int64_t)(pause * (1 - retry->jitter)) - 1;
	task->latest_ns = task->ended_ns + (int64_t)(pause * (1 + retry->jitter)) + 1;
	task->state = TASK_SCHEDULED;
	task->slot = -1;
	task->taken_ns = task->started_ns = task->ended_ns = 0;
	task->wall = task->timed_out = false;
	task->progress = -1;
	task->attempt++;
}

static void attempt_end(struct model *model, struct model_task *task, enum task_state state)
{
	uint32_t limit = model->limits.crash_limit;

	task->crashes += state == TASK_CRASHED;
	if (!task->final && task->attempt <= task->spec.retry.retries && task->spec.retry.on & retry_bit(state) &&
		!(state == TASK_CRASHED && limit && task->crashes >= limit))
		try_again(task);
	else
		end(model, task, state, NULL);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

void model_done(struct model *model, uint64_t id, enum task_state word, int64_t started_ns, int64_t ended_ns,
	size_t result_size)
{
	struct model_task *task = &model->tasks[id];

	if (task->state == TASK_QUEUED) {
		model_known(model, id);
		task->started_ns = clamp(started_ns, task->given_ns, model->now_ns);
	}
	task->ended_ns = clamp(ended_ns, task->started_ns, model->now_ns);
	if (word == TASK_SUCCEEDED)
		task->result_size = result_size;
	else if (task->state == TASK_CANCELLING)
		word = task->timed_out ? TASK_TIMED_OUT : TASK_CANCELLED;
	else
		word = TASK_FAILED;
	attempt_end(model, task, word);
}

void model_crashed(struct model *model, uint64_t id)
{
	struct model_task *task = &model->tasks[id];

	if (!task->taken_ns) {
		model_back(model, id);
		return;
	}
	model_known(model, id);
	task->ended_ns = model->now_ns;
	attempt_end(model, task, task->state == TASK_RUNNING ? TASK_CRASHED :
			task->timed_out ? TASK_TIMED_OUT : TASK_CANCELLED);
}

bool model_cancel(struct model *model, uint64_t id)
{
	struct model_task *task = &model->tasks[id];

	if (model_over(task))
		return true;
	task->final = true;
	if (task->state == TASK_CANCELLING)
		return false;
	if (task->taken_ns) {
		model_known(model, id);
		interrupt(model, task, false);
		return false;
	}
	end(model, task, TASK_CANCELLED, NULL);
	return true;
}

void model_drop(struct model *model, uint64_t id)
{
	size_t kept = 0;

	model->tasks[id].exists = false;
	for (size_t i = 0; i < model->n_live; i++)
		if (model->live[i] != id)
			model->live[kept++] = model->live[i];
	model->n_live = kept;
}

/* --- dependencies --- */

/* Whether all that TASK waits for is as it wants it; *failed: that will never be. */
static bool is_ready(const struct model *model, const struct model_task *task, bool *failed)
{
	bool ready = true;

	*failed = false;
	for (size_t i = 0; i < task->spec.n_after; i++) {
		const struct model_task *other = &model->tasks[task->spec.after[i].id];

		ready &= other->state == TASK_SUCCEEDED;
		*failed |= model_over(other) && other->state != TASK_SUCCEEDED;
	}
	for (size_t i = 0; i < task->spec.n_any; i++)
		ready &= model_over(&model->tasks[task->spec.any[i].id]);
	return ready;
}

/* False: that would be too much. */
static bool gather(const struct model *model, struct model_task *task)
{
	size_t size = task->spec.size;

	if (!task->spec.pass_results)
		return true;
	for (size_t i = 0; i < task->spec.n_after; i++)
		size += model->tasks[task->spec.after[i].id].result_size;
	if (size > MODEL_GATHER)
		return false;
	task->spec.size = size;
	return true;
}

static void release(const struct model *model, struct model_task *task)
{
	task->state = is_due(model, task) ? TASK_QUEUED : TASK_SCHEDULED;
}

static bool settle_one(struct model *model, struct model_task *task)
{
	bool failed;

	if (task->state != TASK_BLOCKED)
		return false;
	if (is_ready(model, task, &failed)) {
		if (gather(model, task))
			release(model, task);
		else
			end(model, task, TASK_CANCELLED, "too_large");
		return true;
	}
	if (failed)
		end(model, task, TASK_CANCELLED, "dependency_failed");
	return failed;
}

static void settle(struct model *model)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < model->n_live; i++)
			again |= settle_one(model, &model->tasks[model->live[i]]);
	}
}

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

static uint64_t id_of(const struct model *model, const struct model_task *task)
{
	return (uint64_t)(task - model->tasks);
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

static bool waits_here(const struct model_task *task, int queue)
{
	return task->spec.queue == queue && task->state <= TASK_QUEUED && task->slot < 0;
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
		if (waits_here(task, queue) && !goes) {
			count++;
			bytes += model_cost(model, task->spec.size);
		}
	}
	if (into->options.limit_queued && count > into->options.limit_queued)
		return CORE_QUEUE_FULL;
	return into->options.limit_bytes && bytes > into->options.limit_bytes ? CORE_QUEUE_FULL : CORE_OK;
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
		release(model, task);
		return false;
	}
	if (!is_ready(model, task, &failed))
		return failed;
	if (!gather(model, task))
		return true;
	release(model, task);
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
		*id = id_of(model, other);
		return status;
	}
	if ((status = check_dependencies(model, spec)) || (status = check_room(model, spec->queue, 1,
			model_cost(model, spec->size), &replaced, 1)))
		return status;
	*id = create(model, spec);
	if (enter(model, &model->tasks[*id]))
		settle(model);
	if (replaced)
		model_cancel(model, id_of(model, replaced));
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

static int check_member(struct model *model, const struct model_spec *specs, size_t at)
{
	struct model_task *replaced[16];
	size_t n_replaced = 0, n = 0, bytes = 0;
	int status;

	if (first_with_key(specs, at) != at)
		return attaches(&specs[at]) ? CORE_OK : CORE_DUPLICATE;
	status = check_key(&specs[at], holder(model, &specs[at]));
	if (status)
		return status == CORE_ATTACHED ? CORE_OK : status;
	if ((status = check_dependencies(model, &specs[at])))
		return status;
	for (size_t i = 0; i <= at; i++) {
		if (specs[i].queue != specs[at].queue || !is_new(model, specs, i))
			continue;
		n++;
		bytes += model_cost(model, specs[i].size);
		if (replaced_by(model, &specs[i]))
			replaced[n_replaced++] = replaced_by(model, &specs[i]);
	}
	return check_room(model, specs[at].queue, n, bytes, replaced, n_replaced);
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
		ids[i] = first_with_key(specs, i) != i || new[i] ? 0 : id_of(model, holder(model, &specs[i]));
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
		settle(model);
	for (size_t i = 0; i < count; i++)
		if (replaced[i])
			model_cancel(model, id_of(model, replaced[i]));
	return CORE_OK;
}

/* --- time --- */

/* The millisecond that does not begin before its time is when it joins its queue. */
static int64_t day_ns(int64_t due_ns)
{
	return (due_ns + MS - 1) / MS * MS;
}

static int64_t deadline_ns(const struct model_task *task)
{
	if (task->state <= TASK_QUEUED)
		return task->spec.expires_ns && !task->tried ? task->spec.expires_ns : CLOCK_NEVER;
	if (task->state == TASK_RUNNING)
		return task->spec.timeout_ns ? task->started_ns + task->spec.timeout_ns : CLOCK_NEVER;
	return task->state == TASK_CANCELLING && task->kill_ns ? task->kill_ns : CLOCK_NEVER;
}

static struct model_task *next_deadline(const struct model *model)
{
	struct model_task *next = NULL;

	for (size_t i = 0; i < model->n_live; i++) {
		struct model_task *task = &model->tasks[model->live[i]];

		if (deadline_ns(task) != CLOCK_NEVER && (!next || deadline_ns(task) < deadline_ns(next)))
			next = task;
	}
	return next;
}

static void pass_deadline(struct model *model, struct model_task *task)
{
	if (task->state == TASK_QUEUED && task->taken_ns)
		model_known(model, id_of(model, task));
	else if (task->state <= TASK_QUEUED)
		end(model, task, TASK_EXPIRED, NULL);
	else if (task->state == TASK_RUNNING)
		interrupt(model, task, true);
	else
		task->kill_ns = 0;
}

void model_turn(struct model *model, int64_t now_ns, int64_t wall_ns)
{
	struct model_task *task;

	model->now_ns = now_ns;
	model->wall_ns = wall_ns;
	for (size_t i = 0; i < model->n_live; i++) {
		task = &model->tasks[model->live[i]];
		if (task->state == TASK_SCHEDULED && day_ns(task->due_ns) <= (task->wall ? wall_ns : now_ns))
			task->state = TASK_QUEUED;
	}
	while ((task = next_deadline(model)) && deadline_ns(task) <= now_ns)
		pass_deadline(model, task);
	settle(model);
}

int64_t model_next_ns(const struct model *model)
{
	int64_t next_ns = CLOCK_NEVER;

	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];
		int64_t moment_ns = deadline_ns(task);

		if (task->state == TASK_QUEUED && task->taken_ns)
			continue; /* the core may have looked and know that it runs */
		if (moment_ns < next_ns)
			next_ns = moment_ns;
		moment_ns = day_ns(task->due_ns) - (task->wall ? model->wall_ns - model->now_ns : 0);
		if (task->state == TASK_SCHEDULED && moment_ns < next_ns)
			next_ns = moment_ns;
	}
	return next_ns;
}

/* --- who is next --- */

void model_joined(struct model *model, uint64_t id)
{
	model->tasks[id].place = ++model->last_place;
	model->tasks[id].joined_ns = model->now_ns;
}

static bool waits(const struct model_task *task, int queue)
{
	return waits_here(task, queue) && task->state == TASK_QUEUED;
}

static int32_t rank(const struct model *model, const struct model_task *task)
{
	return model->queues[task->spec.queue].options.order == QUEUE_PRIORITY ? task->spec.priority : 0;
}

/* Whether B, of the same queue, must not be started while A waits. */
static bool comes_before(const struct model *model, const struct model_task *a, const struct model_task *b)
{
	const struct core_queue_options *options = &model->queues[a->spec.queue].options;
	int32_t ahead = rank(model, a) - rank(model, b);

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

		if (other != task && waits(other, task->spec.queue) && comes_before(model, other, task))
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

		if (!waits(task, queue) || !may_be_first(model, task))
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
	if (!rate_allows(model, task->spec.queue))
		return no(model, "that is faster than the rate of its queue");
	if (!may_be_first(model, task))
		return no(model, "another of its queue comes first");
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

/* --- records --- */

static int64_t ttl_ns(const struct model *model, const struct model_task *task)
{
	return task->state == TASK_SUCCEEDED ? model->limits.result_ttl_ns : model->limits.failure_ttl_ns;
}

bool model_may_keep(const struct model *model, const struct model_task *task)
{
	int64_t from_ns = task->fetched ? task->fetched_ns : task->over_ns;

	return !model_over(task) || model->now_ns - from_ns < ttl_ns(model, task);
}

bool model_must_keep(const struct model *model, const struct model_task *task)
{
	return !model_over(task) || model->now_ns - task->ended_ns < ttl_ns(model, task);
}
