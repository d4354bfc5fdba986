/* Tasks that wait for an object: among themselves by rank, between them and others by who came first.
 *
 * A place in the line belongs to the tasks as a whole: when it comes to a task's, the first by rank takes it, and the two
 * exchange their places. So a stream of urgent tasks keeps nobody else waiting for ever.
 *
 * A task is not given anything here: when it might have what it waits for, its object is held back from the others (nobody
 * is served) until objects_settle, and meanwhile the task may come and take it, or be found to need more, or not to be
 * startable at all. */
#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "object/internal.h"

static struct object_ticket *ticket_best(const struct object *object)
{
	struct heap_node *node = heap_top(&object->tickets);

	return node ? heap_entry(node, struct object_ticket, by_rank) : NULL;
}

static struct object_ticket *ticket_earliest(const struct object *object)
{
	struct heap_node *node = heap_top(&object->arrivals);

	return node ? heap_entry(node, struct object_ticket, by_arrival) : NULL;
}

bool ticket_goes_first(const struct object *object, uint64_t arrival, bool shared)
{
	if (object->turn_state == TURN_OFFER)
		return true;
	if (!object_has_tickets(object) || ticket_earliest(object)->arrival > arrival)
		return false;
	return !(shared && ticket_best(object)->shared);
}

static bool wait_goes_first(const struct object *object, uint64_t arrival)
{
	const struct object_wait *wait = TAILQ_FIRST(&object->line.waits);

	return wait && wait->arrival < arrival;
}

static bool ticket_outranks(const struct object_ticket *ticket, const struct object_ticket *other)
{
	return ticket->level != other->level ? ticket->level > other->level : ticket->place < other->place;
}

bool ticket_might_have(const struct object *object, const struct object_ticket *ticket)
{
	const struct object_ticket *best = ticket_best(object);

	if (!object->class->has_room(object, ticket->shared, ticket->count))
		return false;
	if (best && ticket_outranks(best, ticket) && !(best->shared && ticket->shared))
		return false;
	return !wait_goes_first(object, ticket->arrival ? ticket->arrival : UINT64_MAX);
}

void object_ticket_arrive(struct objects *objects, struct object_ticket *ticket)
{
	if (ticket->arrival)
		return;
	ticket->arrival = ++objects->arrival;
	ticket->since_ns = objects->now_ns;
}

static void ticket_unpark(struct object_ticket *ticket)
{
	heap_remove(&ticket->object->tickets, &ticket->by_rank);
	heap_remove(&ticket->object->arrivals, &ticket->by_arrival);
	ticket->object = NULL;
}

/* Off its object; objects_turn calls `ready`. */
static void ticket_call(struct object_ticket *ticket)
{
	struct objects *objects = ticket->object->objects;

	ticket_unpark(ticket);
	ticket->is_ready = true;
	TAILQ_INSERT_TAIL(&objects->ready, ticket, link);
}

/* The first by rank, if it might have what it wants while as much as OFFERED has been offered already. */
static struct object_ticket *ticket_first(const struct object *object, int64_t offered)
{
	struct object_ticket *ticket = ticket_best(object);

	if (!ticket || !object->class->has_room(object, ticket->shared, offered + ticket->count))
		return NULL;
	if (object->class->kind == OBJECT_LOCK && offered && !ticket->shared)
		return NULL;
	return wait_goes_first(object, ticket_earliest(object)->arrival) ? NULL : ticket;
}

static void turn_set(struct object *object, enum object_turn_state state)
{
	struct object_queue *turns = &object->objects->turns;

	if (object->turn_state == TURN_NONE && state != TURN_NONE)
		TAILQ_INSERT_TAIL(turns, object, turn);
	if (object->turn_state != TURN_NONE && state == TURN_NONE)
		TAILQ_REMOVE(turns, object, turn);
	object->turn_state = state;
}

void ticket_look(struct object *object)
{
	if (object->turn_state == TURN_NONE && ticket_first(object, 0))
		turn_set(object, TURN_LOOK);
}

void ticket_park(struct object_ticket *ticket, struct object *object)
{
	assert(!ticket->object && !ticket->is_ready);
	object_ticket_arrive(object->objects, ticket);
	ticket->object = object;
	heap_set(&object->tickets, &ticket->by_rank, -(int64_t)ticket->level, ticket->place);
	heap_set(&object->arrivals, &ticket->by_arrival, (int64_t)ticket->arrival, 0);
	object_stir(object); /* it may be first by rank, and have an earlier one's place */
}

void tickets_call(struct object *object, int64_t count)
{
	size_t n = object->tickets.count, n_called = 0;
	struct object_ticket **called = n ? xcalloc(n, sizeof(struct object_ticket *)) : NULL;

	for (size_t i = 0; i < n; i++) {
		struct object_ticket *ticket = heap_entry(object->tickets.nodes[i], struct object_ticket, by_rank);

		if (ticket->count > count)
			called[n_called++] = ticket;
	}
	for (size_t i = 0; i < n_called; i++)
		ticket_call(called[i]);
	free(called);
}

/* The earliest place is TICKET's now, and that one has TICKET's. */
static void ticket_advance(struct object *object, struct object_ticket *ticket)
{
	struct object_ticket *earliest = ticket_earliest(object);
	uint64_t arrival = earliest->arrival;

	if (earliest == ticket)
		return;
	earliest->arrival = ticket->arrival;
	ticket->arrival = arrival;
	heap_set(&object->arrivals, &earliest->by_arrival, (int64_t)earliest->arrival, 0);
	heap_set(&object->arrivals, &ticket->by_arrival, (int64_t)ticket->arrival, 0);
}

static void object_offer(struct object *object)
{
	struct object_ticket *ticket;
	int64_t offered = 0;

	while ((ticket = ticket_first(object, offered))) {
		bool alone = object->class->kind == OBJECT_LOCK && !ticket->shared;

		offered += ticket->count;
		ticket_advance(object, ticket);
		ticket_call(ticket);
		if (alone)
			break;
	}
	if (offered > 0) {
		turn_set(object, TURN_OFFER);
	} else if (object->turn_state == TURN_LOOK) {
		turn_set(object, TURN_NONE);
		object_stir(object);
	}
}

bool objects_turn(struct objects *objects)
{
	struct object_ticket *ticket;
	struct object *object, *next;
	bool any;

	for (object = TAILQ_FIRST(&objects->turns); object; object = next) {
		next = TAILQ_NEXT(object, turn);
		object_offer(object);
	}
	objects_finish(objects);
	any = !TAILQ_EMPTY(&objects->ready);
	while ((ticket = TAILQ_FIRST(&objects->ready))) {
		TAILQ_REMOVE(&objects->ready, ticket, link);
		ticket->is_ready = false;
		ticket->ready(ticket);
	}
	return any;
}

bool objects_turn_is_due(const struct objects *objects)
{
	return !TAILQ_EMPTY(&objects->turns) || !TAILQ_EMPTY(&objects->ready);
}

bool objects_settle(struct objects *objects)
{
	struct object *object, *next;

	for (object = TAILQ_FIRST(&objects->turns); object; object = next) {
		next = TAILQ_NEXT(object, turn);
		if (object->turn_state != TURN_OFFER)
			continue;
		turn_set(object, TURN_NONE);
		object_stir(object);
	}
	objects_finish(objects);
	return !TAILQ_EMPTY(&objects->turns);
}

void ticket_leave(struct object_ticket *ticket)
{
	struct object *object = ticket->object;

	if (ticket->is_ready)
		TAILQ_REMOVE(&ticket->owner->objects->ready, ticket, link);
	ticket->is_ready = false;
	if (!object)
		return;
	ticket_unpark(ticket);
	object_stir(object);
}

void object_ticket_drop(struct object_ticket *ticket)
{
	struct objects *objects = ticket->object ? ticket->object->objects : NULL;

	ticket_leave(ticket);
	ticket->arrival = 0;
	if (objects)
		objects_finish(objects);
}
