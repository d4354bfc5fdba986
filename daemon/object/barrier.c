/* Barriers. One is there while somebody waits at it, and when it is broken: that is told to all who come until somebody
 * resets it. Each time that all its parties have come it is as new, which is why nothing is left of it then. */
#include "object/internal.h"

struct barrier {
	struct object object;
	int64_t parties; /* 0: nobody has said it yet; it is broken */
	bool broken;
};

static const struct object_class barrier_class;

static void barrier_answer_all(struct object *object, enum object_status status)
{
	struct object_wait *wait;

	while ((wait = TAILQ_FIRST(&object->line.waits))) {
		struct object_grant grant = { .index = wait->barrier.index };

		wait_answer(wait, status, status == OBJECT_DONE ? &grant : NULL);
	}
}

static void barrier_break(struct object *object)
{
	((struct barrier *)object)->broken = true;
	barrier_answer_all(object, OBJECT_BROKEN);
}

static void barrier_left(struct object *object, struct object_wait *wait)
{
	(void)wait;
	barrier_break(object);
}

/* Whether one who says PARTIES may come to BARRIER, or NULL. */
static int barrier_suits(
	const struct barrier *barrier, const struct object_name *name, int64_t parties, struct object_problem *problem)
{
	int length = (int)name->length;

	if (!barrier && parties == 0) {
		problem_say(problem, "there is no barrier \"%.*s\", and nothing says how many parties it has", length,
			name->data);
		return OBJECT_NOT_FOUND;
	}
	if (barrier && barrier->broken) {
		problem_say(problem, "barrier \"%.*s\" is broken", length, name->data);
		return OBJECT_BROKEN;
	}
	if (barrier && parties != 0 && parties != barrier->parties) {
		problem_say(problem, "barrier \"%.*s\" has %lld parties, not %lld", length, name->data,
			(long long)barrier->parties, (long long)parties);
		return OBJECT_MISMATCH;
	}
	return OBJECT_DONE;
}

int barrier_wait(struct objects *objects, const struct object_name *name, int64_t parties,
	const struct object_holder *holder, struct object_wait *wait, struct object_grant *grant,
	struct object_problem *problem)
{
	problem_clear(problem);
	struct object *object = object_find(objects, OBJECT_BARRIER, name);
	struct barrier *barrier = (struct barrier *)object;
	int status = barrier_suits(barrier, name, parties, problem);

	if (status)
		return status;
	int64_t index = object ? (int64_t)object->line.count : 0;

	if (index + 1 == (barrier ? barrier->parties : parties)) {
		*grant = (struct object_grant){ .index = index };
		if (object) {
			barrier_answer_all(object, OBJECT_DONE);
			object_finish(object);
		}
		return OBJECT_DONE;
	}
	if (!wait)
		return OBJECT_WOULD_WAIT;
	if (!object) {
		object = object_new(objects, &barrier_class, name, holder->owner, problem);
		if (!object)
			return OBJECT_TOO_MANY;
		((struct barrier *)object)->parties = parties;
	}
	wait->barrier.index = index;
	status = wait_park(object, &object->line, holder, wait, problem);
	object_touch(object);
	return status;
}

int barrier_abort(struct objects *objects, const struct object_name *name, struct object_owner *owner,
	struct object_problem *problem)
{
	problem_clear(problem);
	struct object *object = object_find(objects, OBJECT_BARRIER, name);

	if (!object && !(object = object_new(objects, &barrier_class, name, owner, problem)))
		return OBJECT_TOO_MANY;
	barrier_break(object);
	object_finish(object);
	return OBJECT_DONE;
}

void barrier_reset(struct objects *objects, const struct object_name *name)
{
	struct object *object = object_find(objects, OBJECT_BARRIER, name);

	if (!object)
		return;
	((struct barrier *)object)->broken = false;
	barrier_answer_all(object, OBJECT_BROKEN);
	object_finish(object);
}

static enum object_rest barrier_rest(const struct object *object)
{
	return ((const struct barrier *)object)->broken ? REST_MARK : REST_NOTHING;
}

static void barrier_look(const struct object *object, struct object_view *view)
{
	view->slots = ((const struct barrier *)object)->parties;
	view->set = ((const struct barrier *)object)->broken;
}

static const struct object_class barrier_class = {
	.kind = OBJECT_BARRIER,
	.size = sizeof(struct barrier),
	.rest = barrier_rest,
	.left = barrier_left,
	.look = barrier_look,
};
