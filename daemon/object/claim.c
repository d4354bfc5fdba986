/* What tasks must have before they start: all of it at once, or they wait for the first thing that is missing, and hold
 * nothing meanwhile. So a task never is in a circle before it runs. */
#include <string.h>

#include "object/internal.h"

static struct semaphore_request claim_request(const struct object_claim *claim, struct object_owner *owner)
{
	return (struct semaphore_request){
		.name = claim->name,
		.holder = { .owner = owner },
		.slots = claim->slots,
		.bounded = -1,
		.count = claim->count,
	};
}

/* Whether it ever can be had, as things are. */
static int claim_suits(const struct object *object, const struct object_claim *claim, struct object_problem *problem)
{
	struct semaphore_request request = claim_request(claim, NULL);

	return claim->kind == OBJECT_SEMAPHORE ? semaphore_suits(object, &request, problem) : OBJECT_DONE;
}

static bool claim_equals(const struct object_claim *a, const struct object_claim *b)
{
	return a->kind == b->kind && a->name.length == b->name.length &&
		!memcmp(a->name.data, b->name.data, a->name.length);
}

int claims_check(
	const struct objects *objects, const struct object_claim *claims, size_t n, struct object_problem *problem)
{
	problem_clear(problem);
	for (size_t i = 0; i < n; i++) {
		int status = claim_suits(object_find(objects, claims[i].kind, &claims[i].name), &claims[i], problem);

		if (status)
			return status;
		for (size_t k = 0; k < i; k++)
			if (claim_equals(&claims[i], &claims[k])) {
				problem_say(problem, "the %s \"%.*s\" is named twice", object_kind_name(claims[i].kind),
					(int)claims[i].name.length, claims[i].name.data);
				return OBJECT_MISMATCH;
			}
	}
	return OBJECT_DONE;
}

/* --- take --- */

static bool claim_is_held(const struct object *object, const struct object_owner *owner)
{
	return holding_find(object, owner->self) != NULL;
}

/* Whether CLAIM can be had now; else the ticket waits for it, or it never can. *MAKES: how many objects have to be made, and
 * how many are there only until room is needed. */
static int claim_try(struct objects *objects, struct object_owner *owner, const struct object_claim *claim,
	struct object_ticket *ticket, size_t *makes, struct object_problem *problem)
{
	struct object *object = object_find(objects, claim->kind, &claim->name);
	int status = claim_suits(object, claim, problem);

	if (status)
		return status;
	if (claim->kind == OBJECT_SEMAPHORE)
		semaphore_renew(object, &(struct semaphore_request){ .slots = claim->slots, .bounded = -1 });
	if (!object || (object->is_mark && object->maker == owner->user))
		++*makes;
	if (!object || (claim->kind == OBJECT_LOCK && claim_is_held(object, owner)))
		return OBJECT_DONE;
	ticket->shared = claim->kind == OBJECT_LOCK && claim->shared;
	ticket->count = claim->kind == OBJECT_LOCK ? 1 : claim->count;
	if (ticket_might_have(object, ticket))
		return OBJECT_DONE;
	ticket_park(ticket, object);
	return OBJECT_WAITING;
}

static void claim_grant(struct object *object, struct object_owner *owner, const struct object_claim *claim,
	struct object_ticket *ticket)
{
	struct object_holder holder = { .owner = owner };
	struct object_holding *holding = holding_find(object, owner->self);
	struct object_grant grant;

	if (claim->kind == OBJECT_SEMAPHORE) {
		semaphore_grant(object, who_of(&holder), claim->count, &grant);
	} else if (holding) {
		grant = (struct object_grant){ .fence = holding->fence, .depth = ++holding->count };
	} else {
		lock_grant(object, who_of(&holder), claim->shared, 1, &grant);
	}
	if (ticket->fence < grant.fence)
		ticket->fence = grant.fence;
	ticket->holder_died |= grant.holder_died;
	object_touch(object);
}

static struct object *claim_make(struct objects *objects, struct object_owner *owner, const struct object_claim *claim)
{
	struct semaphore_request request = claim_request(claim, owner);

	return claim->kind == OBJECT_SEMAPHORE ? semaphore_new(objects, &request, NULL)
					       : object_new(objects, &lock_class, &claim->name, owner, NULL);
}

/* What is there first: then no room is made of it for the others. */
static void claims_grant(struct objects *objects, struct object_owner *owner, const struct object_claim *claims,
	size_t n, struct object_ticket *ticket)
{
	struct object *object;

	for (size_t i = 0; i < n; i++)
		if ((object = object_find(objects, claims[i].kind, &claims[i].name)))
			claim_grant(object, owner, &claims[i], ticket);
	for (size_t i = 0; i < n; i++)
		if (!object_find(objects, claims[i].kind, &claims[i].name))
			claim_grant(claim_make(objects, owner, &claims[i]), owner, &claims[i], ticket);
}

int claims_take(struct objects *objects, struct object_owner *owner, const struct object_claim *claims, size_t n,
	struct object_ticket *ticket, struct object_problem *problem)
{
	size_t makes = 0;
	int status = OBJECT_DONE;

	problem_clear(problem);
	ticket_leave(ticket);
	ticket->owner = owner;
	ticket->fence = 0;
	ticket->holder_died = false;
	for (size_t i = 0; i < n && status == OBJECT_DONE; i++)
		status = claim_try(objects, owner, &claims[i], ticket, &makes, problem);
	if (status == OBJECT_DONE && makes > 0 && !object_new_is_allowed(objects, owner, makes, problem))
		status = OBJECT_TOO_MANY;
	if (status == OBJECT_DONE) {
		claims_grant(objects, owner, claims, n, ticket);
		ticket->arrival = 0;
	}
	objects_finish(objects);
	return status;
}

/* --- release --- */

static void claim_release(struct object *object, struct object_owner *owner, const struct object_claim *claim)
{
	struct object_holding *holding = holding_find(object, owner->self);

	if (!holding)
		return;
	object_stir(object);
	if (claim->kind == OBJECT_SEMAPHORE)
		semaphore_return(object, owner->self, claim->count);
	else if (--holding->count == 0)
		holding_free(holding);
}

void claims_release(struct objects *objects, struct object_owner *owner, const struct object_claim *claims, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct object *object = object_find(objects, claims[i].kind, &claims[i].name);

		if (object)
			claim_release(object, owner, &claims[i]);
	}
	objects_finish(objects);
}
