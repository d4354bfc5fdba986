/* The model: see model.h. */
#include "model.h"

#include <stdlib.h>

#include "base/xmalloc.h"

#define MS NS_PER_MS

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

size_t model_cost(const struct model *model, const struct model_spec *spec)
{
	size_t n = spec->n_after + spec->n_any, n_claims = 0;

	for (int object = 0; object < MODEL_OBJECTS; object++)
		n_claims += spec->claims[object] > 0;
	return (spec->size ? spec->size + model->overhead : 0) + (n ? model->links_overhead + n * model->link_cost : 0) +
		(n_claims ? model->claims_overhead + n_claims * model->claim_cost : 0);
}

/* --- shares --- */

bool model_is_exempt(const struct model *model, uint32_t owner)
{
	for (size_t i = 0; i < model->shares.n_exempt; i++)
		if (model->shares.exempt[i] == owner)
			return true;
	return false;
}

struct core_user_figures model_user(const struct model *model, uint32_t owner)
{
	struct core_user_figures user = { .uid = owner };
	size_t waiting = 0;

	for (size_t i = 0; i < model->n_live; i++) {
		const struct model_task *task = &model->tasks[model->live[i]];

		if (task->spec.owner != owner)
			continue;
		user.kept += model_over(task);
		user.running += task->slot >= 0;
		if (task->slot >= 0 || model_over(task))
			continue;
		user.queued++;
		user.queued_bytes += model_cost(model, &task->spec);
		waiting += task->state == TASK_QUEUED;
	}
	if (model->shares.running && user.running >= model->shares.running && !model_is_exempt(model, owner))
		user.held = waiting;
	return user;
}

bool model_is_held(const struct model *model, const struct model_task *task)
{
	return model->shares.running && !model_is_exempt(model, task->spec.owner) &&
		model_user(model, task->spec.owner).running >= model->shares.running;
}

bool model_is_divided(const struct model *model, int queue)
{
	return model->queues[queue].options.fair || model->shares.running;
}

/* --- states --- */

static void end(struct model *model, struct model_task *task, enum task_state state, const char *kind)
{
	task->state = state;
	task->kind = kind;
	task->slot = -1;
	task->missing = false;
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
	} else if (started_ns < task->started_ns) {
		task->started_ns = clamp(started_ns, task->given_ns, task->started_ns);
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

bool model_is_ready(const struct model *model, const struct model_task *task, bool *failed)
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

bool model_gather(const struct model *model, struct model_task *task)
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

void model_release(const struct model *model, struct model_task *task)
{
	task->state = is_due(model, task) ? TASK_QUEUED : TASK_SCHEDULED;
}

static bool settle_one(struct model *model, struct model_task *task)
{
	bool failed;

	if (task->state != TASK_BLOCKED || task->missing)
		return false;
	if (model_is_ready(model, task, &failed)) {
		if (model_gather(model, task))
			model_release(model, task);
		else
			end(model, task, TASK_CANCELLED, "too_large");
		return true;
	}
	if (failed)
		end(model, task, TASK_CANCELLED, "dependency_failed");
	return failed;
}

void model_settle(struct model *model)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < model->n_live; i++)
			again |= settle_one(model, &model->tasks[model->live[i]]);
	}
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
		model_known(model, model_id(model, task));
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
	model_settle(model);
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
