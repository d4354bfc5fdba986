/* Semaphores. What has been granted is on its holder's books; a bounded one's permits are all either free or there, so
 * nobody can release what he does not hold. An unbounded one's permits can be released by anybody: then it may be a
 * permit that somebody else still has on his books that comes back, or one more, and only the former can be known. */
#include <string.h>

#include "object/internal.h"

struct semaphore {
	struct object object;
	int64_t slots;
	int64_t value; /* free permits; below 0 where those who hold have more than a smaller configuration allows */
	bool bounded;
	bool configured;
};

static const struct object_class semaphore_class;

static struct semaphore *semaphore_of(struct object *object)
{
	return (struct semaphore *)object;
}

static const struct semaphore *semaphore_of_const(const struct object *object)
{
	return (const struct semaphore *)object;
}

/* --- what it is, and what is asked for --- */
static const char *boundedness(bool bounded)
{
	return bounded ? "bounded" : "unbounded";
}

static void request_say(const struct semaphore_request *request, int64_t *slots, bool *bounded)
{
	if (request->slots >= 0)
		*slots = request->slots;
	if (request->bounded >= 0)
		*bounded = request->bounded != 0;
}

int semaphore_suits(
	const struct object *object, const struct semaphore_request *request, struct object_problem *problem)
{
	int64_t slots = object ? semaphore_of_const(object)->slots : 1;
	bool bounded = object ? semaphore_of_const(object)->bounded : true;
	int length = (int)request->name.length;

	if (!object || object->is_mark) /* then it is made, or becomes, what is asked for */
		request_say(request, &slots, &bounded);
	if (request->slots >= 0 && request->slots != slots)
		problem_say(problem, "semaphore \"%.*s\" has %lld slots, not %lld", length, request->name.data,
			(long long)slots, (long long)request->slots);
	else if (request->bounded >= 0 && (request->bounded != 0) != bounded)
		problem_say(problem, "semaphore \"%.*s\" is %s, not %s", length, request->name.data,
			boundedness(bounded), boundedness(!bounded));
	else if (bounded && request->count > slots)
		problem_say(problem, "semaphore \"%.*s\" has %lld slots: nobody can have %lld", length,
			request->name.data, (long long)slots, (long long)request->count);
	else
		return OBJECT_DONE;
	return OBJECT_MISMATCH;
}

void semaphore_renew(struct object *object, const struct semaphore_request *request)
{
	struct semaphore *semaphore = semaphore_of(object);

	if (!object || !object->is_mark)
		return;
	request_say(request, &semaphore->slots, &semaphore->bounded);
	semaphore->value = semaphore->slots;
}

struct object *semaphore_new(
	struct objects *objects, const struct semaphore_request *request, struct object_problem *problem)
{
	struct object *object = object_new(objects, &semaphore_class, &request->name, request->holder.owner, problem);

	if (!object)
		return NULL;
	struct semaphore *semaphore = semaphore_of(object);

	semaphore->slots = 1;
	semaphore->bounded = true;
	request_say(request, &semaphore->slots, &semaphore->bounded);
	semaphore->value = semaphore->slots;
	return object;
}

/* --- who has its permits --- */
void semaphore_grant(struct object *object, struct object_who *who, int64_t count, struct object_grant *grant)
{
	struct object_holding *holding = holding_find(object, who);

	if (holding) {
		holding->fence = fence_next(object->objects);
		holding->count += count;
	} else {
		holding = holding_new(object, who);
		holding->count = count;
	}
	semaphore_of(object)->value -= count;
	*grant = (struct object_grant){ .fence = holding->fence, .holder_died = object->holder_died };
	object->holder_died = false;
}

/* Off the holder's books; the permits are the caller's to give. */
static void holding_reduce(struct object_holding *holding, int64_t count)
{
	holding->count -= count;
	if (holding->count == 0)
		holding_free(holding);
}

void semaphore_return(struct object *object, struct object_who *who, int64_t count)
{
	struct object_holding *holding = holding_find(object, who);

	if (!holding)
		return;
	if (count > holding->count)
		count = holding->count;
	semaphore_of(object)->value += count;
	holding_reduce(holding, count);
}

static void semaphore_give_back(struct object *object, struct object_holding *holding)
{
	semaphore_of(object)->value += holding->count;
}

static bool semaphore_has_room(const struct object *object, bool shared, int64_t count)
{
	(void)shared;
	return semaphore_of_const(object)->value >= count;
}

static void semaphore_serve(struct object *object)
{
	struct semaphore *semaphore = semaphore_of(object);
	struct object_wait *wait;

	while ((wait = TAILQ_FIRST(&object->line.waits)) && !ticket_goes_first(object, wait->arrival, false)) {
		int64_t count = wait->semaphore.count;
		struct object_grant grant;

		if (semaphore->bounded && count > semaphore->slots) {
			wait_answer(wait, OBJECT_MISMATCH, NULL);
			continue;
		}
		if (semaphore->value < count)
			return;
		semaphore_grant(object, wait->who, count, &grant);
		wait_answer(wait, OBJECT_DONE, &grant);
	}
}

int semaphore_acquire(struct objects *objects, const struct semaphore_request *request, struct object_wait *wait,
	struct object_grant *grant, struct object_problem *problem)
{
	problem_clear(problem);
	struct object *object = object_find(objects, OBJECT_SEMAPHORE, &request->name);
	int status = semaphore_suits(object, request, problem);

	if (status)
		return status;
	if (!object && !(object = semaphore_new(objects, request, problem)))
		return OBJECT_TOO_MANY;
	semaphore_renew(object, request);
	if (semaphore_of(object)->value >= request->count && object->line.count == 0 &&
		!ticket_goes_first(object, UINT64_MAX, false)) {
		semaphore_grant(object, who_of(&request->holder), request->count, grant);
		status = OBJECT_DONE;
	} else if (!wait) {
		status = OBJECT_WOULD_WAIT;
	} else {
		wait->semaphore.count = request->count;
		status = wait_park(object, &object->line, &request->holder, wait, problem);
	}
	if (status == OBJECT_WAITING && semaphore_of(object)->bounded) {
		status = deadlock_check(object, wait, problem);
		if (status != OBJECT_WAITING)
			wait_leave(wait);
	}
	object_touch(object);
	return status;
}

/* --- release --- */
static int release_bounded(
	struct object *object, const struct semaphore_request *request, struct object_problem *problem)
{
	struct object_holding *holding = object ? holding_find(object, who_find(&request->holder)) : NULL;
	struct object_holding *other = object ? TAILQ_FIRST(&object->holdings) : NULL;
	int length = (int)request->name.length;

	if (!holding && !other) {
		problem_say(problem, "nobody holds a permit of semaphore \"%.*s\"", length, request->name.data);
		return OBJECT_NOT_HELD;
	}
	if (!holding) {
		problem_say(problem, "another holds what semaphore \"%.*s\" has given out", length, request->name.data);
		problem_add(problem, other->who, object);
		return OBJECT_NOT_OWNER;
	}
	if (request->count > holding->count) {
		problem_say(problem, "%lld permits of semaphore \"%.*s\" are held, and %lld were to be released",
			(long long)holding->count, length, request->name.data, (long long)request->count);
		return OBJECT_OVER_RELEASED;
	}
	semaphore_of(object)->value += request->count;
	holding_reduce(holding, request->count);
	return OBJECT_DONE;
}

/* The releaser's own permits, then those that others have had for the longest time, then new ones. */
static int release_unbounded(
	struct object *object, const struct semaphore_request *request, struct object_problem *problem)
{
	struct semaphore *semaphore = semaphore_of(object);
	struct object_holding *holding = holding_find(object, who_find(&request->holder));
	int64_t count = request->count;

	if (count > SEMAPHORE_SLOTS_MAX - semaphore->value) {
		problem_say(problem, "semaphore \"%.*s\" can have %lld free permits at most", (int)request->name.length,
			request->name.data, (long long)SEMAPHORE_SLOTS_MAX);
		return OBJECT_OVER_RELEASED;
	}
	semaphore->value += count;
	for (; count > 0 && (holding || (holding = TAILQ_FIRST(&object->holdings))); holding = NULL) {
		int64_t part = count < holding->count ? count : holding->count;

		holding_reduce(holding, part);
		count -= part;
	}
	return OBJECT_DONE;
}

int semaphore_release(struct objects *objects, const struct semaphore_request *request, int64_t *value,
	struct object_problem *problem)
{
	problem_clear(problem);
	struct object *object = object_find(objects, OBJECT_SEMAPHORE, &request->name);
	struct semaphore_request kind = *request;

	kind.count = 0; /* how many there can be is another matter here */
	int status = semaphore_suits(object, &kind, problem);

	if (status)
		return status;
	if (!object && request->bounded == 0 && !(object = semaphore_new(objects, request, problem)))
		return OBJECT_TOO_MANY;
	semaphore_renew(object, request);
	status = !object || semaphore_of(object)->bounded ? release_bounded(object, request, problem)
							  : release_unbounded(object, request, problem);
	if (status == OBJECT_DONE)
		object_serve(object);
	if (value && object)
		*value = semaphore_of(object)->value;
	if (object)
		object_finish(object);
	return status;
}

/* --- the configuration's --- */
void semaphore_configure(struct objects *objects, const char *name, int64_t slots)
{
	struct object_name wanted = { .data = name, .length = strlen(name) };
	struct object *object = object_find(objects, OBJECT_SEMAPHORE, &wanted);

	if (!object && slots == 0)
		return;
	if (!object)
		object = object_new(objects, &semaphore_class, &wanted, NULL, NULL);
	struct semaphore *semaphore = semaphore_of(object);
	struct object_holding *holding;

	semaphore->configured = slots > 0;
	if (slots > 0) {
		semaphore->bounded = true;
		semaphore->slots = semaphore->value = slots;
		TAILQ_FOREACH (holding, &object->holdings, link)
			semaphore->value -= holding->count;
	}
	tickets_call(object, semaphore->slots);
	object_serve(object);
	object_finish(object);
}

static enum object_rest semaphore_rest(const struct object *object)
{
	const struct semaphore *semaphore = semaphore_of_const(object);
	bool filled = !semaphore->bounded && semaphore->value != semaphore->slots;

	return semaphore->configured || filled ? REST_KEEP : REST_NOTHING;
}

static int64_t semaphore_permits(const struct object *object)
{
	const struct semaphore *semaphore = semaphore_of_const(object);

	return semaphore->bounded ? semaphore->slots : 0;
}

static void semaphore_look(const struct object *object, struct object_view *view)
{
	const struct semaphore *semaphore = semaphore_of_const(object);

	view->bounded = semaphore->bounded;
	view->slots = semaphore->slots;
	view->value = semaphore->value;
}

static const struct object_class semaphore_class = {
	.kind = OBJECT_SEMAPHORE,
	.size = sizeof(struct semaphore),
	.rest = semaphore_rest,
	.serve = semaphore_serve,
	.give_back = semaphore_give_back,
	.has_room = semaphore_has_room,
	.permits = semaphore_permits,
	.look = semaphore_look,
};
