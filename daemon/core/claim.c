/* What tasks must have before they start: locks, and permits of semaphores. It is asked for when a slot is about to get
 * the task, and not before: so who waits for a slot, a limit, a rate or a time holds nothing. Where it cannot be had the
 * task leaves its queue and is blocked, out of the way of those behind it.
 *
 * Those of one queue that wait for one object are a group, in the order of the queue, and what the first of them cannot
 * start with is of no use to the others. So only one speaks for the group: the first, by its ticket with the objects, or
 * its scout, which was told that another try may be worth it, and is back in the queue for that. When the scout has
 * tried, or is gone, the next is; so what is released costs one try or two, however many wait for it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/internal.h"

struct claim_group {
	struct core_queue *queue;
	struct heap waiting;         /* struct task_claims of blocked tasks; on top the first by the order of the queue */
	struct task_claims *scout;   /* NULL: the first of those has its ticket on, or there is none */
	LIST_ENTRY(claim_group) link; /* queue->groups */
	uint64_t hash;
	size_t key_length;
	char key[]; /* see struct key */
};

struct task_claims {
	struct task *task;
	struct object_ticket ticket;
	struct claim_group *group; /* where it waits, or whose scout it is; NULL: none */
	const struct object_claim *missing; /* … and for what, while it waits there */
	struct heap_node node;     /* group->waiting */
	bool held;                 /* it has all of them */
	bool had;                  /* it had, the last time that it was tried */
	bool blocked;              /* TASK_BLOCKED because of them, or about to be */
	bool back;                 /* it comes from there to its old place */
	size_t n;
	struct object_claim of[]; /* and behind them the names */
};

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

static void ready(struct object_ticket *ticket);

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
	claims->ticket.ready = ready;
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

/* --- groups --- */

/* The name of a group in core->claim_groups: its queue, and the object's kind and name. */
struct key {
	size_t length;
	char data[sizeof(struct core_queue *) + 1 + OBJECT_NAME_LIMIT];
};

static void key_make(struct key *key, const struct core_queue *queue, const struct object_claim *claim)
{
	char *end = mempcpy(key->data, &queue, sizeof(queue));

	*end++ = (char)claim->kind;
	end = mempcpy(end, claim->name.data, claim->name.length);
	key->length = (size_t)(end - key->data);
}

static uint64_t group_hash(const void *value)
{
	return ((const struct claim_group *)value)->hash;
}

static bool group_equals(const void *value, const char *name, size_t length)
{
	const struct claim_group *group = value;

	return group->key_length == length && !memcmp(group->key, name, length);
}

/* NULL: nobody of the queue waits for it. */
static struct claim_group *group_find(const struct core_queue *queue, const struct object_claim *claim)
{
	struct key key;

	key_make(&key, queue, claim);
	return names_get(&queue->core->claim_groups, key.data, key.length);
}

static struct claim_group *group_new(struct core_queue *queue, const struct object_claim *claim)
{
	struct key key;

	key_make(&key, queue, claim);
	struct claim_group *group = xcalloc(1, sizeof(*group) + key.length);
	group->queue = queue;
	heap_init(&group->waiting);
	memcpy(group->key, key.data, key.length);
	group->key_length = key.length;
	group->hash = table_hash(key.data, key.length);
	names_put(&queue->core->claim_groups, group);
	LIST_INSERT_HEAD(&queue->groups, group, link);
	return group;
}

static void group_free(struct claim_group *group)
{
	names_remove(&group->queue->core->claim_groups, group->key, group->key_length);
	LIST_REMOVE(group, link);
	heap_fini(&group->waiting);
	free(group);
}

void claim_free_groups(struct core_queue *queue)
{
	struct claim_group *group;

	while ((group = LIST_FIRST(&queue->groups)))
		group_free(group);
}

static struct task_claims *first_of(const struct claim_group *group)
{
	struct heap_node *top = heap_top(&group->waiting);

	return top ? heap_entry(top, struct task_claims, node) : NULL;
}

/* Where it came among all who wait for the object, tasks or not, it keeps. */
static void take_ticket_off(struct task_claims *claims)
{
	uint64_t arrival = claims->ticket.arrival;

	if (claims->ticket.object)
		object_ticket_drop(&claims->ticket);
	claims->ticket.arrival = arrival;
}

/* Back to the queue, to try again for its group. */
static void send(struct task_claims *claims)
{
	heap_remove(&claims->group->waiting, &claims->node);
	claims->group->scout = claims;
	claims->back = true;
	task_set_state(claims->task, TASK_QUEUED);
	claims->back = false;
}

/* Sees to it that somebody speaks for the group, where there is anybody. */
static void group_check(struct claim_group *group)
{
	struct task_claims *first = first_of(group);

	if (group->scout)
		return;
	if (!first)
		group_free(group);
	else if (!first->ticket.object)
		send(first);
}

static void ready(struct object_ticket *ticket)
{
	struct task_claims *claims = heap_entry(ticket, struct task_claims, ticket);

	assert(claims->blocked && !claims->group->scout);
	send(claims);
}

/* It is its group's scout no more. */
static void resign(struct task_claims *claims)
{
	struct claim_group *group = claims->group;

	claims->group = NULL;
	if (!group)
		return;
	group->scout = NULL;
	group_check(group);
}

static bool goes_before(const struct task_claims *claims, const struct task_claims *other)
{
	int64_t key, other_key;
	uint64_t tie, other_tie;

	queue_rank(claims->task->queue, claims->task, &key, &tie);
	queue_rank(other->task->queue, other->task, &other_key, &other_tie);
	return key != other_key ? key < other_key : tie < other_tie;
}

/* Whoever spoke for the group goes on to, unless this one comes before. */
static void join(struct claim_group *group, struct task_claims *claims)
{
	struct task_claims *first = first_of(group), *scout = group->scout;
	int64_t key;
	uint64_t tie;

	claims->group = group;
	queue_rank(group->queue, claims->task, &key, &tie);
	heap_set(&group->waiting, &claims->node, key, tie);
	if (first_of(group) != claims || (scout && !goes_before(claims, scout))) {
		take_ticket_off(claims);
		group_check(group);
		return;
	}
	if (first)
		take_ticket_off(first);
	if (scout)
		scout->group = NULL; /* it is in the queue as any other */
	group->scout = NULL;
}

/* --- the state --- */

bool claim_is_blocked(const struct task *task)
{
	return task->extra->claims->blocked;
}

bool claim_is_back(const struct task *task)
{
	return task->extra->claims->back;
}

/* Which of its claims its ticket is for. */
static const struct object_claim *claim_of(const struct task_claims *claims)
{
	struct object_view view;
	size_t i = 0;

	object_look(claims->ticket.object, &view);
	while (i + 1 < claims->n && (claims->of[i].kind != view.kind || claims->of[i].name.length != view.name.length ||
		memcmp(claims->of[i].name.data, view.name.data, view.name.length)))
		i++;
	return &claims->of[i];
}

void claim_enter(struct task *task)
{
	struct task_claims *claims = task->extra->claims;

	TAILQ_INSERT_TAIL(&task_core(task)->blocked, task, link);
	struct claim_group *group = group_find(task->queue, claims->missing);
	join(group ? group : group_new(task->queue, claims->missing), claims);
}

void claim_leave(struct task *task)
{
	struct task_claims *claims = task->extra->claims;
	struct claim_group *group = claims->group;

	TAILQ_REMOVE(&task_core(task)->blocked, task, link);
	claims->blocked = false;
	if (!heap_has(&claims->node)) /* it goes as scout */
		return;
	heap_remove(&group->waiting, &claims->node);
	take_ticket_off(claims);
	claims->group = NULL;
	group_check(group);
}

void claim_reorder(struct core_queue *queue)
{
	struct claim_group *group, *next;

	for (group = LIST_FIRST(&queue->groups); group; group = next) {
		struct heap old = group->waiting;
		struct heap_node *node;

		next = LIST_NEXT(group, link);
		heap_init(&group->waiting);
		while ((node = heap_pop(&old))) {
			struct task_claims *claims = heap_entry(node, struct task_claims, node);
			int64_t key;
			uint64_t tie;

			take_ticket_off(claims);
			queue_rank(queue, claims->task, &key, &tie);
			heap_set(&group->waiting, node, key, tie);
		}
		heap_fini(&old);
		if (group->scout)
			group->scout->group = NULL;
		group->scout = NULL;
		group_check(group);
	}
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
	task_end(task, &(struct task_outcome){
		.state = TASK_CANCELLED,
		.kind = status == OBJECT_TOO_MANY ? "too_many" : "mismatch",
		.message = xstrdup(problem->text[0] ? problem->text : "what it claims cannot be had"),
	});
}

/* A place among all who wait for an object belongs to the group, and in it to the first: where CLAIMS, whose ticket is
 * on, comes before who has spoken for GROUP, and that one came earlier, they change places. True: they have, and another
 * try may be worth it. */
static bool change_places(struct claim_group *group, struct task_claims *claims)
{
	struct task_claims *other = group->scout ? group->scout : first_of(group);
	uint64_t arrival = claims->ticket.arrival;

	if (!other || other == claims || other->ticket.arrival == 0 || other->ticket.arrival > arrival ||
		!goes_before(claims, other))
		return false;
	take_ticket_off(claims);
	take_ticket_off(other);
	claims->ticket.arrival = other->ticket.arrival;
	other->ticket.arrival = arrival;
	return true;
}

/* One of its claims for which somebody waits who comes before it in its queue; NULL: there is none. */
static const struct object_claim *find_line(const struct task_claims *claims)
{
	const struct core_queue *queue = claims->task->queue;

	for (size_t i = 0; i < claims->n && !LIST_EMPTY(&queue->groups); i++) {
		const struct claim_group *group = group_find(queue, &claims->of[i]);
		const struct task_claims *first = group ? first_of(group) : NULL;

		if (first && goes_before(first, claims))
			return &claims->of[i];
	}
	return NULL;
}

static int ask(struct task_claims *claims, struct object_problem *problem)
{
	struct task *task = claims->task;
	struct claim_group *group, *changed = NULL;
	int status;

	claims->ticket.level = queue_level(task->queue, task);
	claims->ticket.place = task->place;
	for (;;) {
		status = claims_take(task_core(task)->objects, owner_of(task), claims->of, claims->n, &claims->ticket,
			problem);
		claims->missing = status == OBJECT_WAITING ? claim_of(claims) : NULL;
		group = claims->missing ? group_find(task->queue, claims->missing) : NULL;
		if (changed && changed != group)
			group_check(changed);
		if (!group || !change_places(group, claims))
			return status;
		changed = group;
	}
}

/* As claims_take. */
static int try(struct task_claims *claims, struct object_problem *problem)
{
	claims->held = claims->had = false;
	claims->missing = find_line(claims);
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
		resign(claims);
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
		group_check(group);
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
		resign(claims);
		claims->held = false;
		claims->ticket.arrival = 0;
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

/* The first ROOM of HEAP, in order: whoever has been taken out leaves two that may be next. */
static size_t first_waiters(const struct heap *heap, struct claim_waiter *out, size_t room)
{
	size_t *next = xreallocarray(NULL, room + 1, sizeof(*next)), n_next = 0, n = 0;

	if (heap->count)
		next[n_next++] = 0;
	while (n < room && n_next) {
		size_t best = 0;

		for (size_t i = 1; i < n_next; i++) {
			const struct heap_node *a = heap->nodes[next[i]], *b = heap->nodes[next[best]];

			if (a->key != b->key ? a->key < b->key : a->tie < b->tie)
				best = i;
		}
		size_t at = next[best];
		const struct task_claims *claims = heap_entry(heap->nodes[at], struct task_claims, node);
		out[n++] = (struct claim_waiter){
			.task = claims->task, .claim = claims->missing, .since_ns = claims->ticket.since_ns,
		};
		next[best] = next[--n_next];
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count && n_next <= room; child++)
			next[n_next++] = child;
	}
	free(next);
	return n;
}

size_t core_claim_waiters(const struct core *core, const struct object *object, struct claim_waiter *out, size_t room)
{
	const struct core_queue *queue;
	struct object_view view;
	size_t all = 0, n = 0;

	object_look(object, &view);
	const struct object_claim claim = { .kind = view.kind, .name = view.name };
	TAILQ_FOREACH(queue, &core->queue_list, link) {
		const struct claim_group *group = group_find(queue, &claim);

		if (!group)
			continue;
		all += group->waiting.count;
		if (n < room)
			n += first_waiters(&group->waiting, out + n, room - n);
	}
	return all;
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
	names_init(&core->claim_groups, group_hash, group_equals);
}

void claim_fini(struct core *core)
{
	names_fini(&core->claim_groups);
	objects_free(core->objects);
}
