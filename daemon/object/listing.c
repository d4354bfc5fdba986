/* What can be seen of the objects: all of a kind in the order of their making, what each is, who holds it and who waits. */
#include <stdlib.h>

#include "base/xmalloc.h"
#include "object/internal.h"

struct object *object_next(const struct objects *objects, enum object_kind kind, const struct object *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&objects->kinds[kind].all);
}

void object_look(const struct object *object, struct object_view *out)
{
	*out = (struct object_view){
		.kind = object->class->kind,
		.name = { object->name, object->name_length },
		.maker = object->maker ? object->maker->uid : 0,
		.since_ns = object->since_ns,
		.holders = object->n_holdings,
		.waits = object->n_waits,
		.claims = object->tickets.count,
		.holder_died = object->holder_died,
	};
	if (object->class->look)
		object->class->look(object, out);
}

/* A visit, with the tasks' tickets that come before the next wait. */
struct visit {
	bool (*visit)(void *user, const struct object_party *party);
	void *user;
	struct object_ticket **tickets; /* in the order of their arrival */
	size_t n, at;
};

static int compare_arrivals(const void *a, const void *b)
{
	const struct object_ticket *const *left = a, *const *right = b;

	return ((*left)->arrival > (*right)->arrival) - ((*left)->arrival < (*right)->arrival);
}

static bool visit_tickets(struct visit *visit, uint64_t before)
{
	while (visit->at < visit->n && visit->tickets[visit->at]->arrival < before) {
		const struct object_ticket *ticket = visit->tickets[visit->at++];

		if (!visit->visit(visit->user,
			    &(struct object_party){
				    .waits = true,
				    .owner = ticket->owner,
				    .shared = ticket->shared,
				    .count = ticket->count,
				    .since_ns = ticket->since_ns,
			    }))
			return false;
	}
	return true;
}

static bool visit_wait(void *user, const struct object_wait *wait, const char *what)
{
	struct visit *visit = user;
	bool lock = wait->object->class->kind == OBJECT_LOCK;

	if (!visit_tickets(visit, wait->arrival))
		return false;
	return visit->visit(visit->user,
		&(struct object_party){
			.waits = true,
			.owner = wait->who->owner,
			.token = { wait->who->token, wait->who->token_length },
			.shared = lock && wait->lock.shared,
			.count = wait->object->class->kind == OBJECT_SEMAPHORE ? wait->semaphore.count
				: lock                                         ? 1
									       : 0,
			.what = what,
			.since_ns = wait->since_ns,
		});
}

static bool visit_holdings(const struct visit *visit, const struct object *object)
{
	const struct object_holding *holding;

	if (object->class->holds)
		return object->class->holds(object, visit->visit, visit->user);
	TAILQ_FOREACH (holding, &object->holdings, link)
		if (!visit->visit(visit->user,
			    &(struct object_party){
				    .owner = holding->who->owner,
				    .token = { holding->who->token, holding->who->token_length },
				    .shared = holding->shared,
				    .count = holding->count,
				    .fence = holding->fence,
				    .since_ns = holding->since_ns,
			    }))
			return false;
	return true;
}

static bool visit_waits(struct visit *visit, const struct object *object)
{
	const struct object_wait *wait;

	if (object->class->waits)
		return object->class->waits(object, visit_wait, visit);
	TAILQ_FOREACH (wait, &object->line.waits, link)
		if (!visit_wait(visit, wait, NULL))
			return false;
	return true;
}

void object_parties(
	const struct object *object, bool (*visit)(void *user, const struct object_party *party), void *user)
{
	struct visit v = { .visit = visit, .user = user, .n = object->tickets.count };

	if (!visit_holdings(&v, object))
		return;
	if (v.n > 0) {
		v.tickets = xcalloc(v.n, sizeof(struct object_ticket *));
		for (size_t i = 0; i < v.n; i++)
			v.tickets[i] = heap_entry(object->tickets.nodes[i], struct object_ticket, by_rank);
		qsort(v.tickets, v.n, sizeof(struct object_ticket *), compare_arrivals);
	}
	if (visit_waits(&v, object))
		visit_tickets(&v, UINT64_MAX);
	free(v.tickets);
}
