/* Locks: one holder, or several who share it; each as often as it likes, if it says that it may.
 *
 * A lock has nothing beside what every object has: who holds it, how often, and whether they share it, are its holdings. */
#include "object/internal.h"

static bool lock_has_room(const struct object *lock, bool shared, int64_t count)
{
	const struct object_holding *holding = TAILQ_FIRST(&lock->holdings);

	(void)count;
	return !holding || (shared && holding->shared);
}

/* Whether one who has it may have it once more, and need not wait for himself. */
static bool lock_again_is_allowed(const struct object_holding *holding, bool shared, bool reentrant)
{
	return reentrant && (shared || !holding->shared);
}

struct object_holding *lock_grant(
	struct object *lock, struct object_who *who, bool shared, int64_t depth, struct object_grant *grant)
{
	struct object_holding *holding = holding_new(lock, who);

	holding->shared = shared;
	holding->count = depth;
	*grant = (struct object_grant){
		.fence = holding->fence,
		.holder_died = lock->holder_died,
		.depth = depth,
	};
	lock->holder_died = false;
	return holding;
}

/* The fence stays: what the outer acquisition does must not be refused because of the inner one. */
static void lock_grant_again(struct object_holding *holding, struct object_grant *grant)
{
	*grant = (struct object_grant){ .fence = holding->fence, .depth = ++holding->count };
}

static bool lock_serve_one(struct object *lock, struct object_wait *wait)
{
	struct object_holding *holding = holding_find(lock, wait->who);
	struct object_grant grant;

	if (holding) {
		if (!lock_again_is_allowed(holding, wait->lock.shared, wait->lock.reentrant))
			return false;
		lock_grant_again(holding, &grant);
	} else {
		if (!lock_has_room(lock, wait->lock.shared, 1) ||
			ticket_goes_first(lock, wait->arrival, wait->lock.shared))
			return false;
		lock_grant(lock, wait->who, wait->lock.shared, wait->lock.comes_back ? wait->lock.depth : 1, &grant);
	}
	grant.notified = wait->lock.comes_back && wait->lock.notified;
	wait_answer(wait, OBJECT_DONE, &grant);
	return true;
}

static void lock_serve(struct object *lock)
{
	struct object_wait *wait;

	while ((wait = TAILQ_FIRST(&lock->line.waits)) && lock_serve_one(lock, wait))
		;
}

/* One who has waited for his condition has the lock again before he hears that his time is over. */
static bool lock_expire(struct object *lock, struct object_wait *wait)
{
	(void)lock;
	return wait->lock.comes_back;
}

const struct object_class lock_class = {
	.kind = OBJECT_LOCK,
	.size = sizeof(struct object),
	.serve = lock_serve,
	.expire = lock_expire,
	.has_room = lock_has_room,
};

/* --- acquire --- */

static int lock_acquire_again(const struct lock_request *request, struct object_holding *holding, bool may_wait,
	struct object_grant *grant, struct object_problem *problem)
{
	if (lock_again_is_allowed(holding, request->shared, request->reentrant)) {
		if (holding->count >= LOCK_DEPTH_MAX) {
			problem_say(problem, "the lock \"%s\" is held %lld times by the one who asks for it already",
				holding->object->name, (long long)holding->count);
			return OBJECT_TOO_MANY;
		}
		lock_grant_again(holding, grant);
		return OBJECT_DONE;
	}
	if (!may_wait)
		return OBJECT_WOULD_WAIT;
	problem_say(problem, "the lock \"%s\" is held%s by the one who asks for it%s", holding->object->name,
		holding->shared ? " shared" : "", request->shared || !holding->shared ? "" : " exclusively");
	problem_add(problem, holding->who, holding->object);
	return OBJECT_DEADLOCK;
}

static int lock_wait(struct object *lock, const struct lock_request *request, struct object_wait *wait,
	struct object_problem *problem)
{
	int status;

	wait->lock.shared = request->shared;
	wait->lock.reentrant = request->reentrant;
	wait->lock.comes_back = false;
	wait->lock.notified = false;
	wait->lock.depth = 1;
	status = wait_park(lock, &lock->line, &request->holder, wait, problem);
	if (status != OBJECT_WAITING)
		return status;
	status = deadlock_check(lock, wait, problem);
	if (status != OBJECT_WAITING)
		wait_leave(wait);
	return status;
}

int lock_acquire(struct objects *objects, const struct lock_request *request, struct object_wait *wait,
	struct object_grant *grant, struct object_problem *problem)
{
	struct object *lock = object_find(objects, OBJECT_LOCK, &request->name);

	problem_clear(problem);
	if (!lock) {
		lock = object_new(objects, &lock_class, &request->name, request->holder.owner, problem);
		if (!lock)
			return OBJECT_TOO_MANY;
	} else {
		struct object_holding *holding = holding_find(lock, who_find(&request->holder));

		if (holding)
			return lock_acquire_again(request, holding, wait != NULL, grant, problem);
		if (!lock_has_room(lock, request->shared, 1) || !TAILQ_EMPTY(&lock->line.waits) ||
			ticket_goes_first(lock, UINT64_MAX, request->shared))
			return wait ? lock_wait(lock, request, wait, problem) : OBJECT_WOULD_WAIT;
	}
	lock_grant(lock, who_of(&request->holder), request->shared, 1, grant);
	object_touch(lock); /* it may have been there for its mark alone */
	return OBJECT_DONE;
}

/* --- release --- */

int lock_held(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	struct object_holding **out, struct object_problem *problem)
{
	struct object *lock = object_find(objects, OBJECT_LOCK, name);
	const struct object_holding *other = lock ? TAILQ_FIRST(&lock->holdings) : NULL;

	*out = lock ? holding_find(lock, who_find(holder)) : NULL;
	if (*out)
		return OBJECT_DONE;
	if (!other) {
		problem_say(problem, "nobody holds the lock \"%.*s\"", (int)name->length, name->data);
		return OBJECT_NOT_HELD;
	}
	problem_say(problem, "the lock \"%s\" is held by another", lock->name);
	problem_add(problem, other->who, lock);
	return OBJECT_NOT_OWNER;
}

void lock_let_go(struct object_holding *holding)
{
	struct object *lock = holding->object;

	holding_free(holding);
	object_serve(lock);
}

int lock_release(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	int64_t *depth, struct object_problem *problem)
{
	struct object_holding *holding;
	struct object *lock;
	int status;

	problem_clear(problem);
	status = lock_held(objects, name, holder, &holding, problem);
	if (status)
		return status;
	if (depth)
		*depth = holding->count - 1;
	if (--holding->count > 0)
		return OBJECT_DONE;
	lock = holding->object;
	lock_let_go(holding);
	object_finish(lock);
	return OBJECT_DONE;
}
