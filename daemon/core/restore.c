/* After a restart: what had been given out is not given out again, and what was recorded of tasks becomes tasks again.
 * They come one by one, in any order, while others are submitted and run already; so what needs all of them, the order
 * of the lists by which they are found and what they wait for, comes when they are all there. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

/* --- numbers --- */

/* Below this no place is given any more. */
static uint64_t place_now(const struct core *core)
{
	return core->now_ns > 0 ? (uint64_t)core->now_ns + core->place_lead : 0;
}

void core_numbers(const struct core *core, struct core_numbers *out)
{
	uint64_t now = place_now(core);

	*out = (struct core_numbers){
		.id = core->next_id,
		.place = core->next_place < now ? now : core->next_place,
		.fence = objects_next_fence(core->objects),
	};
}

static void raise_place(struct core *core, uint64_t place)
{
	uint64_t now = place_now(core);

	if (core->next_place < place)
		core->next_place = place;
	if (now && core->next_place > now)
		core->place_lead += core->next_place - now;
}

void core_set_numbers(struct core *core, const struct core_numbers *numbers)
{
	if (core->next_id < numbers->id)
		core->next_id = numbers->id;
	raise_place(core, numbers->place);
	objects_raise_fence(core->objects, numbers->fence);
	core->restoring = true;
}

bool core_is_restoring(const struct core *core)
{
	return core->restoring;
}

/* --- a task --- */

static struct core_queue *queue_for(const struct core *core, const struct task_spec *spec)
{
	struct core_queue *queue = spec->queue ? spec->queue : spec->type->queue;

	if (!queue)
		queue = core_queue_find(core, "default");
	if (!queue)
		queue = core_queue_next(core, NULL);
	assert(queue);
	return queue;
}

/* Where its schedule has gone; most of them come one behind the other. */
static struct core_schedule *gone_schedule(struct core *core, const char *name)
{
	if (core->gone && strcmp(core->gone->name, name) == 0)
		return core->gone;
	schedule_unref(core->gone);
	return core->gone = schedule_name_only(name);
}

static void free_attempts(struct task_attempt *attempts, unsigned n)
{
	for (unsigned i = 0; attempts && i < n; i++)
		free(attempts[i].message);
	free(attempts);
}

static void free_outcome(struct task_outcome *outcome)
{
	if (outcome)
		outcome_release(outcome);
	free(outcome);
}

static void fill(struct task *task, const struct core_restored *restored)
{
	task->place = restored->place;
	task->submitted_ns = restored->submitted_ns;
	task->started_ns = restored->started_ns;
	task->ended_ns = restored->ended_ns;
	task->attempt = restored->attempt ? restored->attempt : 1;
	task->crashes = restored->crashes;
	task->detached = true; /* nobody's connection is there any more */
	task->tried = restored->tried;
	task->final = restored->final;
	task->outcome = restored->outcome;
	task->on_disk = true;
	task->recovered = true;
	if (restored->attempts && restored->attempt > 1)
		task_extra(task)->attempts = restored->attempts;
	else
		free(restored->attempts);
	if (restored->retried_as)
		task_extra(task)->retried_as = restored->retried_as;
}

static void remember(struct core *core, uint64_t id)
{
	if (core->n_restored == core->restored_room) {
		core->restored_room = core->restored_room ? core->restored_room * 2 : 1024;
		core->restored = xreallocarray(core->restored, core->restored_room, sizeof(*core->restored));
	}
	core->restored[core->n_restored++] = id;
}

/* Found, but in no state yet. */
static struct task *create(struct core *core, const struct core_restored *restored)
{
	struct task_spec spec = restored->spec;

	spec.queue = queue_for(core, &spec);
	spec.durable = true;
	spec.retry_of = restored->retry_of;
	if (!spec.schedule && restored->schedule_name)
		spec.schedule = gone_schedule(core, restored->schedule_name);
	struct task *task = task_new(core, &spec, restored->id);
	fill(task, restored);
	idmap_put(&core->tasks, task->id, task);
	TAILQ_INSERT_TAIL(&core->all, task, all);
	facets_add(core, task);
	if (spec.key)
		unique_restore(core, task);
	remember(core, task->id);
	if (core->next_id <= task->id)
		core->next_id = task->id + 1;
	if (core->next_place <= task->place)
		raise_place(core, task->place + 1);
	return task;
}

/* --- one that ran --- */

/* It has an outcome by that, which is to be recorded. */
static void end(struct task *task, enum task_state state, const char *message)
{
	task->outcome = xcalloc(1, sizeof(*task->outcome));
	task->outcome->state = state;
	task->outcome->message = xstrdup(message);
	task->ended_ns = 0; /* of no attempt before this */
	depend_restore_over(task);
	task_enter(task, TASK_RECORDING);
}

/* As one whose worker has died, with no more known of that. */
static void crash(struct task *task, bool is_blocked)
{
	struct task_outcome outcome = { .state = TASK_CRASHED, .message = xstrdup("taskd ended while it ran") };

	task->placed = false;
	if (retry_prepare(task, &outcome)) {
		task_enter(task, is_blocked ? TASK_BLOCKED : TASK_SCHEDULED);
		record_tell(task, RECORD_ATTEMPT, false);
		return;
	}
	end(task, TASK_CRASHED, outcome.message);
	outcome_release(&outcome);
}

static void interrupt(struct task *task, bool is_blocked)
{
	uint32_t limit = task_core(task)->limits.crash_limit;

	task->ended_ns = 0;
	if (task->final) {
		end(task, TASK_CANCELLED, "cancelled while it ran; taskd ended before it had stopped");
		return;
	}
	if (task->on_interrupt_crash || (limit && task->crashes + 1u >= limit) ||
		!retry_interrupted(task, "taskd ended while it ran")) {
		crash(task, is_blocked);
		return;
	}
	if (task->crashes < UINT8_MAX)
		task->crashes++;
	task_enter(task, is_blocked ? TASK_BLOCKED : TASK_QUEUED);
	record_tell(task, RECORD_ATTEMPT, false);
}

/* --- one that waited, or has ended --- */

static bool restore_ended(struct core *core, struct core_restored *restored)
{
	if (!keep_may_restore(core, restored->outcome->state, restored->ended_ns)) {
		free_outcome(restored->outcome);
		free_attempts(restored->attempts, restored->attempt - 1u);
		return false;
	}
	struct task *task = create(core, restored);
	if (restored->n_links) {
		depend_restore(task, restored, true);
		depend_restore_over(task);
	}
	return task_enter_ended(task);
}

static void restore_live(struct core *core, const struct core_restored *restored)
{
	bool waited = restored->state == TASK_SCHEDULED || restored->state == TASK_BLOCKED;
	struct task *task = create(core, restored);
	bool is_blocked = restored->n_links && depend_restore(task, restored, restored->state != TASK_BLOCKED);

	task->placed = !waited;
	if (!waited)
		task->due_ns = 0;
	if (restored->spec.expires_ns && !task->tried)
		heap_set(&core->timers, &task->timer, restored->spec.expires_ns, task->id);
	if (restored->state == TASK_RUNNING || restored->state == TASK_CANCELLING) {
		task->final |= restored->state == TASK_CANCELLING;
		task->tried = true;
		interrupt(task, is_blocked);
	} else if (task->final) { /* it was to be cancelled, or replaced */
		end(task, TASK_CANCELLED, life_cancelled_message(task));
	} else if (is_blocked) {
		task_enter(task, TASK_BLOCKED);
	} else {
		task_enter(task, restored->state == TASK_SCHEDULED ? TASK_SCHEDULED : TASK_QUEUED);
	}
}

bool core_restore(struct core *core, struct core_restored *restored)
{
	struct core_schedule *schedule = restored->spec.schedule;

	if (idmap_get(&core->tasks, restored->id)) {
		free_outcome(restored->outcome);
		free_attempts(restored->attempts, restored->attempt - 1u);
		return true;
	}
	if (restored->outcome && !restore_ended(core, restored))
		return false;
	if (!restored->outcome)
		restore_live(core, restored);
	if (schedule)
		schedule_restore_run(core, schedule, idmap_get(&core->tasks, restored->id));
	return true;
}

/* --- when all are there --- */

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* All that came meanwhile otherwise have higher ids, so these go before them. */
static void put_in_order(struct core *core)
{
	if (core->n_restored)
		qsort(core->restored, core->n_restored, sizeof(*core->restored), compare_ids);
	for (size_t i = core->n_restored; i-- > 0;) {
		struct task *task = idmap_get(&core->tasks, core->restored[i]);

		if (!task)
			continue;
		TAILQ_REMOVE(&core->all, task, all);
		TAILQ_INSERT_HEAD(&core->all, task, all);
		facets_move_first(task);
	}
}

/* What each of them is to others. */
static void connect_all(struct core *core)
{
	for (size_t i = 0; i < core->n_restored; i++) {
		struct task *task = idmap_get(&core->tasks, core->restored[i]), *other;

		if (!task || !task->extra)
			continue;
		other = task->extra->retry_of ? idmap_get(&core->tasks, task->extra->retry_of) : NULL;
		if (other)
			task_extra(other)->retried_as = task->id;
		if (task->extra->links)
			depend_resolve(task);
	}
}

void core_restore_done(struct core *core)
{
	put_in_order(core);
	connect_all(core);
	free(core->restored);
	core->restored = NULL;
	core->n_restored = core->restored_room = 0;
	schedule_unref(core->gone);
	core->gone = NULL;
	core->restoring = false;
	record_let_go(core);
}
