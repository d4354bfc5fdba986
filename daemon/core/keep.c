/* Records of tasks that have ended, until somebody forgets them, they are too old, or there is too much of them. They
 * are on lists by state, in the order of their ends; those that somebody has fetched are on lists of their own, in the
 * order of that, and go first where room is needed. One that alone is more than the room there is stays without its
 * largest part: those who waited for it have it already. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/internal.h"

#define KEEP_GRAIN_NS NS_PER_S /* records are dropped at most so late, so that they do not wake an idle daemon singly */

/* Nothing that counts here changes after a task's end, but for what shrink does. */
static size_t cost(const struct task *task)
{
	const struct task_outcome *outcome = task->outcome;
	const struct task_extra *extra = task->extra;
	size_t size = sizeof(*task) + depend_args_cost(task);

	if (outcome) {
		size += sizeof(*outcome) + bytes_cost(outcome->result) + bytes_cost(outcome->data);
		size += outcome->message ? strlen(outcome->message) + 1 : 0;
		size += outcome->obituary ? sizeof(*outcome->obituary) : 0;
	}
	if (extra || task->state != TASK_SUCCEEDED) /* others get one when they are retried */
		size += sizeof(*extra);
	if (extra) {
		size += extra->tag ? extra->tag->length + 1 : 0;
		size += extra->key ? extra->key_length + 1 : 0;
		size += extra->progress_text ? strlen(extra->progress_text) + 1 : 0;
		size += retry_cost(task) + depend_cost(task) + claim_cost(task);
	}
	return size;
}

static int64_t ttl_of(const struct core *core, enum task_state state)
{
	return state == TASK_SUCCEEDED ? core->limits.result_ttl_ns : core->limits.failure_ttl_ns;
}

/* --- books --- */

/* So much one record may take. */
static size_t room_of(const struct core *core, const struct task *task)
{
	return task->owner->may_keep < core->limits.result_bytes ? task->owner->may_keep : core->limits.result_bytes;
}

/* So many records OWNER may have: where his share is limited, half of all, so that nobody's many small ones push out
 * another's. */
static size_t most_of(const struct core *core, const struct task_owner *owner)
{
	return owner->may_keep == SIZE_MAX ? SIZE_MAX : core->limits.result_count - core->limits.result_count / 2;
}

static bool has_too_much(const struct core *core, const struct task_owner *owner)
{
	return owner->kept_bytes > owner->may_keep || owner->kept > most_of(core, owner);
}

static void count_in(struct core *core, struct task *task, size_t size)
{
	struct task_owner *owner = task->owner;

	core->n_kept[task->state]++;
	core->totals.kept++;
	core->totals.kept_bytes += size;
	owner->kept++;
	owner->kept_bytes += size;
	if (!has_too_much(core, owner) || owner->keeps_too_much)
		return;
	owner->keeps_too_much = true;
	LIST_INSERT_HEAD(&core->hoarders, owner, hoarder);
}

static void count_out(struct core *core, struct task *task, size_t size)
{
	core->n_kept[task->state]--;
	core->totals.kept--;
	core->totals.kept_bytes -= size;
	task->owner->kept--;
	task->owner->kept_bytes -= size;
}

/* --- in and out --- */

void keep_add(struct core *core, struct task *task)
{
	size_t size = cost(task);

	TAILQ_INSERT_TAIL(&core->kept[task->state][task->kept_behind], task, link);
	TAILQ_INSERT_TAIL(&task->owner->kept_tasks[task->kept_behind], task, by_kept);
	count_in(core, task, size);
	if (size <= room_of(core, task))
		return;
	if (core->n_large == core->large_room) {
		core->large_room = core->large_room ? core->large_room * 2 : 16;
		core->large = xreallocarray(core->large, core->large_room, sizeof(*core->large));
	}
	core->large[core->n_large++] = task->id;
}

/* False: it was dropped before. */
static bool drop(struct core *core, struct task *task)
{
	if (!idmap_get(&core->tasks, task->id))
		return false;
	idmap_remove(&core->tasks, task->id);
	TAILQ_REMOVE(&core->all, task, all);
	TAILQ_REMOVE(&core->kept[task->state][task->kept_behind], task, link);
	TAILQ_REMOVE(&task->owner->kept_tasks[task->kept_behind], task, by_kept);
	count_out(core, task, cost(task));
	if (task->extra)
		unique_drop(core, task);
	facets_remove(core, task);
	TAILQ_INSERT_TAIL(&core->graveyard, task, link);
	return true;
}

bool keep_may_restore(const struct core *core, enum task_state state, int64_t ended_ns)
{
	const struct core_totals *totals = &core->totals;

	return totals->kept < core->limits.result_count && totals->kept_bytes < core->limits.result_bytes &&
		core->now_ns - ended_ns < ttl_of(core, state);
}

/* They come with the latest first, so its places are at the beginnings. */
static void restore_places(struct core *core, struct task *task)
{
	struct task_list *list = &core->kept[task->state][false], *own = &task->owner->kept_tasks[false];
	struct task *later = TAILQ_FIRST(list);

	while (later && later->ended_ns < task->ended_ns)
		later = TAILQ_NEXT(later, link);
	if (later)
		TAILQ_INSERT_BEFORE(later, task, link);
	else
		TAILQ_INSERT_TAIL(list, task, link);
	later = TAILQ_FIRST(own);
	while (later && later->ended_ns < task->ended_ns)
		later = TAILQ_NEXT(later, by_kept);
	if (later)
		TAILQ_INSERT_BEFORE(later, task, by_kept);
	else
		TAILQ_INSERT_TAIL(own, task, by_kept);
}

/* What is more than its owner may have goes when all are there: his others may come yet. */
bool keep_restore(struct core *core, struct task *task)
{
	restore_places(core, task);
	count_in(core, task, cost(task));
	if (core->totals.kept_bytes <= core->limits.result_bytes)
		return true;
	drop(core, task);
	return false;
}

bool core_forget(struct task *task)
{
	if (!task_state_is_terminal(task->state))
		return false;
	if (task->on_disk && idmap_get(&task_core(task)->tasks, task->id))
		record_tell(task, RECORD_FORGOTTEN, false);
	drop(task_core(task), task);
	return true;
}

void core_task_fetched(struct task *task)
{
	struct core *core = task_core(task);

	task->fetched = true;
	if (task->kept_behind || !task_state_is_terminal(task->state) || !idmap_get(&core->tasks, task->id))
		return;
	TAILQ_REMOVE(&core->kept[task->state][false], task, link);
	TAILQ_REMOVE(&task->owner->kept_tasks[false], task, by_kept);
	task->kept_behind = true;
	TAILQ_INSERT_TAIL(&core->kept[task->state][true], task, link);
	TAILQ_INSERT_TAIL(&task->owner->kept_tasks[true], task, by_kept);
}

static struct task *oldest(const struct core *core, bool fetched)
{
	struct task *found = NULL;

	for (int state = TASK_SUCCEEDED; state < TASK_N_STATES; state++) {
		struct task *task = TAILQ_FIRST(&core->kept[state][fetched]);

		if (task && (!found || task->ended_ns < found->ended_ns))
			found = task;
	}
	return found;
}

static void drop_old(struct core *core, struct task_list *list, int64_t ttl_ns)
{
	struct task *task;

	while ((task = TAILQ_FIRST(list)) && core->now_ns - task->ended_ns >= ttl_ns)
		drop(core, task);
}

/* --- what is too large --- */

static void shed_args(struct task *task)
{
	task->outcome->dropped += core_args_size(task);
	depend_drop_args(task);
}

static void shed(struct task_outcome *outcome, struct bytes **part)
{
	if (!*part)
		return;
	outcome->dropped += (*part)->size;
	bytes_unref(*part);
	*part = NULL;
}

/* Leaves away of TASK's record what it takes for it to be kept, as far as that is possible. False: of nothing. */
static bool shrink(struct core *core, struct task *task)
{
	struct task_outcome *outcome = task->outcome;
	size_t before = cost(task), room = room_of(core, task), size;

	if (before > room)
		shed(outcome, &outcome->result);
	if (cost(task) > room)
		shed_args(task);
	if (cost(task) > room)
		shed(outcome, &outcome->data);
	size = cost(task);
	core->totals.kept_bytes -= before - size;
	task->owner->kept_bytes -= before - size;
	return size < before;
}

static void shrink_large(struct core *core)
{
	for (size_t i = 0; i < core->n_large; i++) {
		struct task *task = idmap_get(&core->tasks, core->large[i]);

		if (task)
			shrink(core, task);
	}
}

static bool is_too_much(const struct core *core)
{
	const struct core_totals *totals = &core->totals;

	/* One is always kept, or what became of a task could never be told. */
	return totals->kept > 1 &&
		(totals->kept > core->limits.result_count || totals->kept_bytes > core->limits.result_bytes);
}

/* Of OWNER's own. One is always kept here, too. */
static void trim_owner(struct core *core, const struct task_owner *owner)
{
	while (owner->kept > 1 && has_too_much(core, owner)) {
		struct task *task = TAILQ_FIRST(&owner->kept_tasks[true]);

		if (!task)
			task = TAILQ_FIRST(&owner->kept_tasks[false]);
		if (owner->kept > most_of(core, owner) || !shrink(core, task))
			drop(core, task);
	}
}

static void trim_owners(struct core *core)
{
	struct task_owner *owner;

	while ((owner = LIST_FIRST(&core->hoarders))) {
		trim_owner(core, owner);
		LIST_REMOVE(owner, hoarder);
		owner->keeps_too_much = false;
	}
}

void keep_trim(struct core *core)
{
	if (core->totals.kept == 0 || core->restoring) /* who waits for it may not be there yet */
		return;
	shrink_large(core);
	for (int state = TASK_SUCCEEDED; state < TASK_N_STATES; state++)
		for (int fetched = 0; fetched < 2; fetched++)
			drop_old(core, &core->kept[state][fetched], ttl_of(core, (enum task_state)state));
	trim_owners(core);
	while (is_too_much(core)) {
		struct task *task = oldest(core, true);

		if (!task)
			task = oldest(core, false);
		if (!shrink(core, task)) /* it may have been within limits that were higher */
			drop(core, task);
	}
}

int64_t keep_next_ns(const struct core *core)
{
	int64_t next_ns = CLOCK_NEVER;

	if (core->totals.kept == 0 || core->restoring)
		return next_ns;
	for (int state = TASK_SUCCEEDED; state < TASK_N_STATES; state++) {
		int64_t ttl_ns = ttl_of(core, (enum task_state)state);

		for (int fetched = 0; fetched < 2; fetched++) {
			const struct task *task = TAILQ_FIRST(&core->kept[state][fetched]);

			if (task && clock_after(task->ended_ns, ttl_ns) < next_ns)
				next_ns = clock_after(task->ended_ns, ttl_ns);
		}
	}
	return next_ns >= CLOCK_NEVER - KEEP_GRAIN_NS ? CLOCK_NEVER : (next_ns / KEEP_GRAIN_NS + 1) * KEEP_GRAIN_NS;
}

void keep_bury(struct core *core)
{
	struct task *task, *next;

	for (task = TAILQ_FIRST(&core->graveyard); task; task = next) {
		next = TAILQ_NEXT(task, link);
		if (task->telling)
			continue;
		TAILQ_REMOVE(&core->graveyard, task, link);
		facets_unref(core, task);
		task_free(task);
	}
	free(core->large);
	core->large = NULL;
	core->n_large = core->large_room = 0;
}
