/* What tasks must have before they start: locks, and permits of semaphores. It is asked for when a slot is about to get
 * the task, and not before: so who waits for a slot, a limit, a rate or a time holds nothing. Where it cannot be had,
 * the task leaves its queue and is blocked, out of the way of those behind it: see claim_group.c. */
#include "core/claim_group.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

/* --- memory --- */

static size_t size_of(const struct object_claim *claims, size_t n)
{
	size_t size = n * sizeof(*claims);

	for (size_t i = 0; i < n; i++)
		size += claims[i].name.length;
	return size;
}

size_t claim_cost_of(const struct object_claim *claims, size_t n)
{
	return sizeof(struct task_claims) + sizeof(struct object_owner) + size_of(claims, n);
}

size_t claim_weigh(const struct task *task)
{
	return claim_cost_of(task->extra->claims->of, task->extra->claims->n);
}

/* The names go behind them. */
static void copy(struct object_claim *to, const struct object_claim *from, size_t n)
{
	char *room = (char *)&to[n];

	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		to[i].name.data = room;
		room = mempcpy(room, from[i].name.data, from[i].name.length);
	}
}

struct object_claim *claim_copy(const struct object_claim *claims, size_t n)
{
	struct object_claim *own = xmalloc(size_of(claims, n));

	copy(own, claims, n);
	return own;
}

void claim_set(struct task *task, const struct object_claim *from, size_t n)
{
	struct task_claims *claims = xcalloc(1, sizeof(*claims) + size_of(from, n));

	claims->task = task;
	claims->ticket.ready = claim_group_ready;
	claims->n = n;
	copy(claims->of, from, n);
	task->extra->claims = claims;
}

static void end_owner(struct task_extra *extra)
{
	if (!extra->holdings)
		return;
	object_owner_end(extra->holdings);
	free(extra->holdings);
	extra->holdings = NULL;
}

/* Its group may be gone: either it has left that, or the core is being freed, and the others with it. */
void claim_free(struct task *task)
{
	struct task_claims *claims = task->extra->claims;

	if (claims && claims->ticket.object)
		object_ticket_drop(&claims->ticket);
	end_owner(task->extra);
	free(claims);
}

/* --- the state --- */

bool claim_is_blocked(const struct task *task)
{
	return task->extra->claims->blocked;
}

/* Which of its claims its ticket is for. */
static const struct object_claim *claim_of(const struct task_claims *claims)
{
	struct object_view view;
	size_t i = 0;

	object_look(claims->ticket.object, &view);
	while (i + 1 < claims->n &&
		(claims->of[i].kind != view.kind || claims->of[i].name.length != view.name.length ||
			memcmp(claims->of[i].name.data, view.name.data, view.name.length)))
		i++;
	return &claims->of[i];
}

void claim_enter(struct task *task)
{
	struct task_claims *claims = task->extra->claims;

	TAILQ_INSERT_TAIL(&task_core(task)->blocked, task, link);
	claim_group_join(claims);
}

void claim_leave(struct task *task)
{
	struct task_claims *claims = task->extra->claims;

	TAILQ_REMOVE(&task_core(task)->blocked, task, link);
	claims->blocked = false;
	if (heap_has(&claims->node)) /* else it goes as scout */
		claim_group_leave(claims);
}

/* --- what is asked for, and given up --- */

static struct object_owner *owner_of(struct task *task)
{
	struct task_extra *extra = task_extra(task);

	if (extra->holdings)
		return extra->holdings;
	extra->holdings = xcalloc(1, sizeof(*extra->holdings));
	object_owner_begin(task_core(task)->objects, extra->holdings, OWNER_TASK, task->id, task->owner->uid, 0);
	return extra->holdings;
}

struct object_owner *core_task_owner(struct task *task)
{
	core_task_look(task);
	return task->state == TASK_RUNNING || task->state == TASK_CANCELLING ? owner_of(task) : NULL;
}

/* What was possible when it was submitted no longer is. */
static void refuse(struct task *task, int status, const struct object_problem *problem)
{
	task_end(task,
		&(struct task_outcome){
			.state = TASK_CANCELLED,
			.kind = status == OBJECT_TOO_MANY ? "too_many" : "mismatch",
			.message = xstrdup(problem->text[0] ? problem->text : "what it claims cannot be had"),
		});
}

static int ask(struct task_claims *claims, struct object_problem *problem)
{
	struct task *task = claims->task;
	struct claim_group *group, *changed = NULL;
	int status;

	claims->ticket.level = queue_level(task->queue, task);
	claims->ticket.place = claim_group_turn(claims);
	for (;;) {
		status = claims_take(
			task_core(task)->objects, owner_of(task), claims->of, claims->n, &claims->ticket, problem);
		claims->missing = status == OBJECT_WAITING ? claim_of(claims) : NULL;
		group = claims->missing ? claim_group_find(task, claims->missing) : NULL;
		if (changed && changed != group)
			claim_group_check(changed);
		if (!group || !claim_group_change_places(group, claims))
			return status;
		changed = group;
	}
}

/* As claims_take. */
static int try(struct task_claims *claims, struct object_problem *problem)
{
	claims->held = claims->had = false;
	claims->missing = claim_group_ahead(claims);
	if (claims->missing) {
		object_ticket_arrive(task_core(claims->task)->objects, &claims->ticket);
		return OBJECT_WAITING;
	}
	int status = ask(claims, problem);
	claims->held = claims->had = status == OBJECT_DONE;
	return status;
}

bool claim_take(struct task *task)
{
	struct task_claims *claims = task->extra->claims;
	struct object_problem problem;
	int status = try(claims, &problem);

	if (status != OBJECT_WAITING) {
		claim_group_had(claims);
		claim_group_resign(claims);
		if (!claims->held)
			refuse(task, status, &problem);
		return status == OBJECT_DONE;
	}
	struct claim_group *group = claims->group;
	task_core(task)->n_refused++;
	claims->group = NULL;
	if (group)
		group->scout = NULL;
	claims->blocked = true;
	task_set_state(task, TASK_BLOCKED);
	if (group)
		claim_group_check(group);
	return false;
}

void claim_give_back(struct task *task)
{
	struct task_claims *claims = task->extra->claims;

	if (!claims->held)
		return;
	claims->held = false;
	claims_release(task_core(task)->objects, task->extra->holdings, claims->of, claims->n);
}

void claim_lose(struct task *task)
{
	struct task_claims *claims = task->extra->claims;

	if (claims) {
		claim_group_resign(claims);
		claims->held = false;
	}
	end_owner(task->extra);
}

/* --- what others may know --- */

const struct object_claim *core_claims(const struct task *task, size_t *n)
{
	const struct task_claims *claims = claim_has(task) ? task->extra->claims : NULL;

	*n = claims ? claims->n : 0;
	return claims ? claims->of : NULL;
}

bool core_claims_had(const struct task *task, uint64_t *fence, bool *holder_died)
{
	const struct task_claims *claims = claim_has(task) ? task->extra->claims : NULL;

	if (!claims || !claims->had)
		return false;
	*fence = claims->ticket.fence;
	*holder_died = claims->ticket.holder_died;
	return true;
}

const struct object_claim *core_waits_for(const struct task *task)
{
	return claim_blocks(task) ? task->extra->claims->missing : NULL;
}

/* --- the whole --- */

struct objects *core_objects(const struct core *core)
{
	return core->objects;
}

void claim_init(struct core *core)
{
	const struct object_limits none = { 0 };

	core->objects = objects_new(&none, core->wall_ns > 0 ? (uint64_t)(core->wall_ns / NS_PER_US) : 1);
	objects_set_now(core->objects, core->now_ns);
	claim_groups_init(core);
}

void claim_fini(struct core *core)
{
	names_fini(&core->claim_groups);
	objects_free(core->objects);
}
