/* Tasks of one queue that wait for one object: a group, in the order of the queue. What the first of them cannot start
 * with is of no use to the others. So only one speaks for the group: the first, by its ticket with the objects, or its
 * scout, which was told that another try may be worth it, and is back in the queue for that. When the scout has tried,
 * or is gone, the next is; so what is released costs one try or two, however many wait for it.
 *
 * Where owners take turns, or may be held (shares.running), what the first of one owner cannot start with, or may not,
 * says nothing about another's: then each owner has a group of his own. Among those the objects go by priority, and by
 * their places, or where the queue is fair by their turns. */
#include "core/claim_group.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

/* The name of a group in core->claim_groups: its queue, its owner's uid, and the object's kind and name. */
struct key {
	size_t length;
	char data[sizeof(struct core_queue *) + sizeof(uint32_t) + 1 + OBJECT_NAME_LIMIT];
};
#define KEY_OBJECT (sizeof(struct core_queue *) + sizeof(uint32_t)) /* where the object begins */

static bool is_divided(const struct core_queue *queue)
{
	return queue->figures.options.fair || queue->core->shares.running;
}

static void key_make(struct key *key, const struct task *task, const struct object_claim *claim)
{
	uint32_t uid = is_divided(task->queue) ? task->owner->uid : 0;
	char *end = mempcpy(key->data, &task->queue, sizeof(task->queue));

	end = mempcpy(end, &uid, sizeof(uid));
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

struct claim_group *claim_group_find(const struct task *task, const struct object_claim *claim)
{
	struct key key;

	if (LIST_EMPTY(&task->queue->groups)) /* of nearly all queues nobody waits for anything */
		return NULL;
	key_make(&key, task, claim);
	return names_get(&task_core(task)->claim_groups, key.data, key.length);
}

static struct claim_group *group_new(struct task *task, const struct object_claim *claim)
{
	struct core_queue *queue = task->queue;
	struct key key;

	key_make(&key, task, claim);
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
	claims->task->placed = true;
	task_set_state(claims->task, TASK_QUEUED);
}

void claim_group_check(struct claim_group *group)
{
	struct task_claims *first = first_of(group);

	if (group->scout)
		return;
	if (!first)
		group_free(group);
	else if (!first->ticket.object)
		send(first);
}

void claim_group_ready(struct object_ticket *ticket)
{
	struct task_claims *claims = heap_entry(ticket, struct task_claims, ticket);

	assert(claims->blocked && !claims->group->scout);
	send(claims);
}

/* A scout's is its group's, however often it tries: else two of them might wait for each other in turn. */
uint64_t claim_group_turn(const struct task_claims *claims)
{
	const struct task *task = claims->task;

	if (claims->group && task->queue->figures.options.fair && !task->awaited)
		return claims->group->turn;
	return queue_turn(task);
}

void claim_group_had(const struct task_claims *claims)
{
	if (claims->group && claims->task->queue->figures.options.fair)
		claims->group->turn = queue_next_place(task_core(claims->task));
}

void claim_group_resign(struct task_claims *claims)
{
	struct claim_group *group = claims->group;

	claims->group = NULL;
	if (!group)
		return;
	group->scout = NULL;
	claim_group_check(group);
}

static bool goes_before(const struct task_claims *claims, const struct task_claims *other)
{
	int64_t key, other_key;
	uint64_t tie, other_tie;

	queue_rank(claims->task->queue, claims->task, &key, &tie);
	queue_rank(other->task->queue, other->task, &other_key, &other_tie);
	return key != other_key ? key < other_key : tie < other_tie;
}

/* The one where CLAIMS waits from now on. */
static struct claim_group *enter(struct task_claims *claims)
{
	struct claim_group *group = claim_group_find(claims->task, claims->missing);
	int64_t key;
	uint64_t tie;

	if (!group)
		group = group_new(claims->task, claims->missing);
	claims->group = group;
	queue_rank(group->queue, claims->task, &key, &tie);
	heap_set(&group->waiting, &claims->node, key, tie);
	return group;
}

void claim_group_join(struct task_claims *claims)
{
	struct claim_group *group = claim_group_find(claims->task, claims->missing);
	struct task_claims *first = group ? first_of(group) : NULL, *scout = group ? group->scout : NULL;

	group = enter(claims);
	if (first_of(group) != claims || (scout && !goes_before(claims, scout))) {
		take_ticket_off(claims);
		claim_group_check(group);
		return;
	}
	group->turn = claims->ticket.place;
	if (first)
		take_ticket_off(first);
	if (scout)
		scout->group = NULL; /* it is in the queue as any other */
	group->scout = NULL;
}

void claim_group_leave(struct task_claims *claims)
{
	struct claim_group *group = claims->group;

	heap_remove(&group->waiting, &claims->node);
	take_ticket_off(claims);
	claims->group = NULL;
	claim_group_check(group);
}

bool claim_group_change_places(struct claim_group *group, struct task_claims *claims)
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

const struct object_claim *claim_group_ahead(const struct task_claims *claims)
{
	const struct core_queue *queue = claims->task->queue;

	for (size_t i = 0; i < claims->n && !LIST_EMPTY(&queue->groups); i++) {
		const struct claim_group *group = claim_group_find(claims->task, &claims->of[i]);
		const struct task_claims *first = group ? first_of(group) : NULL;

		if (first && goes_before(first, claims))
			return &claims->of[i];
	}
	return NULL;
}

/* All who wait in QUEUE, *N of them; the groups are gone, and nobody is a scout. */
static struct task_claims **take_apart(struct core_queue *queue, size_t *n)
{
	struct task_claims **all = NULL;
	struct claim_group *group;
	struct heap_node *node;

	*n = 0;
	while ((group = LIST_FIRST(&queue->groups))) {
		all = xreallocarray(all, *n + group->waiting.count + 1, sizeof(struct task_claims *));
		while ((node = heap_pop(&group->waiting)))
			all[(*n)++] = heap_entry(node, struct task_claims, node);
		if (group->scout)
			group->scout->group = NULL;
		group_free(group);
	}
	return all;
}

void claim_reorder(struct core_queue *queue)
{
	struct claim_group *group, *next;
	size_t n;

	if (LIST_EMPTY(&queue->groups))
		return;
	struct task_claims **all = take_apart(queue, &n);
	for (size_t i = 0; i < n; i++) {
		take_ticket_off(all[i]);
		enter(all[i])->turn = all[i]->ticket.place;
	}
	free(all);
	for (group = LIST_FIRST(&queue->groups); group; group = next) {
		next = LIST_NEXT(group, link);
		claim_group_check(group);
	}
}

/* --- who waits, for people --- */

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
			.task = claims->task,
			.claim = claims->missing,
			.since_ns = claims->ticket.since_ns,
		};
		next[best] = next[--n_next];
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count && n_next <= room; child++)
			next[n_next++] = child;
	}
	free(next);
	return n;
}

/* As object_look names it. */
static bool is_for(const struct claim_group *group, const struct object_view *view)
{
	const char *object = group->key + KEY_OBJECT;

	return group->key_length == KEY_OBJECT + 1 + view->name.length && *object == (char)view->kind &&
		!memcmp(object + 1, view->name.data, view->name.length);
}

size_t core_claim_waiters(const struct core *core, const struct object *object, struct claim_waiter *out, size_t room)
{
	const struct core_queue *queue;
	const struct claim_group *group;
	struct object_view view;
	size_t all = 0, n = 0;

	if (core->claim_groups.count == 0)
		return 0;
	object_look(object, &view);
	TAILQ_FOREACH (queue, &core->queue_list, link)
		LIST_FOREACH (group, &queue->groups, link) {
			if (!is_for(group, &view))
				continue;
			all += group->waiting.count;
			if (n < room)
				n += first_waiters(&group->waiting, out + n, room - n);
		}
	return all;
}

/* --- the whole --- */

void claim_groups_init(struct core *core)
{
	names_init(&core->claim_groups, group_hash, group_equals);
}
