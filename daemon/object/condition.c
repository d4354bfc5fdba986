/* Conditions: who waits at one gives its lock away meanwhile, and has it again before it hears anything.
 *
 * Once it is notified, or its time is over, a wait moves to the end of the lock's line: from then on it is one of those who
 * wait for the lock, only that it does not give up, and has the lock as often as it had it before. A condition keeps its lock
 * there, so that there is a line to move to. */
#include "object/internal.h"

struct condition {
	struct object object;
	struct object *lock;
};

static void condition_fini(struct object *object)
{
	struct object *lock = ((struct condition *)object)->lock;

	lock->n_needed--;
	object_touch(lock);
}

static void condition_move(struct condition *condition, struct object_wait *wait, bool notified)
{
	wait->lock.notified = notified;
	wait_move(wait, condition->lock, &condition->lock->line);
}

static bool condition_expire(struct object *object, struct object_wait *wait)
{
	struct condition *condition = (struct condition *)object;

	condition_move(condition, wait, false);
	object_stir(condition->lock);
	object_touch(object);
	return true;
}

static void condition_look(const struct object *object, struct object_view *view)
{
	const struct object *lock = ((const struct condition *)object)->lock;

	view->lock = (struct object_name){ lock->name, lock->name_length };
}

static const struct object_class condition_class = {
	.kind = OBJECT_CONDITION,
	.size = sizeof(struct condition),
	.fini = condition_fini,
	.expire = condition_expire,
	.look = condition_look,
};

/* The condition, or NULL where it is not there. */
static int condition_find(struct objects *objects, const struct object_name *name, const struct object *lock,
	struct condition **out, struct object_problem *problem)
{
	*out = (struct condition *)object_find(objects, OBJECT_CONDITION, name);
	if (!*out || (*out)->lock == lock)
		return OBJECT_DONE;
	problem_say(problem, "the condition \"%s\" belongs to the lock \"%s\", not to \"%s\"", (*out)->object.name,
		(*out)->lock->name, lock->name);
	return OBJECT_MISMATCH;
}

int condition_wait(struct objects *objects, const struct object_name *name, const struct object_name *lock_name,
	const struct object_holder *holder, struct object_wait *wait, struct object_problem *problem)
{
	struct object_holding *holding;
	struct condition *condition;
	int status;

	problem_clear(problem);
	status = lock_held(objects, lock_name, holder, &holding, problem);
	if (status)
		return status;
	if (holding->shared) {
		problem_say(problem, "the lock \"%s\" is held shared, and a condition needs it exclusively",
			holding->object->name);
		return OBJECT_MISMATCH;
	}
	status = condition_find(objects, name, holding->object, &condition, problem);
	if (status)
		return status;
	if (!condition) {
		condition = (struct condition *)object_new(objects, &condition_class, name, holder->owner, problem);
		if (!condition)
			return OBJECT_TOO_MANY;
		condition->lock = holding->object;
		condition->lock->n_needed++;
	}
	wait->lock.shared = false;
	wait->lock.reentrant = false;
	wait->lock.comes_back = true;
	wait->lock.notified = false;
	wait->lock.depth = holding->count;
	status = wait_park(&condition->object, &condition->object.line, holder, wait, problem);
	if (status == OBJECT_WAITING)
		lock_let_go(holding);
	object_finish(&condition->object);
	return status;
}

int condition_notify(struct objects *objects, const struct object_name *name, const struct object_name *lock_name,
	const struct object_holder *holder, int64_t count, size_t *notified, struct object_problem *problem)
{
	struct object_holding *holding;
	struct condition *condition;
	struct object_wait *wait;
	int status;

	problem_clear(problem);
	*notified = 0;
	status = lock_held(objects, lock_name, holder, &holding, problem);
	if (status)
		return status;
	status = condition_find(objects, name, holding->object, &condition, problem);
	if (status || !condition)
		return status;
	while ((count < 0 || *notified < (size_t)count) && (wait = TAILQ_FIRST(&condition->object.line.waits))) {
		condition_move(condition, wait, true);
		++*notified;
	}
	object_finish(&condition->object);
	return OBJECT_DONE;
}
