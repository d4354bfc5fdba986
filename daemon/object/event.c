/* Events. One that is set is there until it is cleared; one that is not is there while somebody waits for it. */
#include "object/internal.h"

struct event {
	struct object object;
	bool set;
};

static const struct object_class event_class;

int event_raise(struct objects *objects, const struct object_name *name, struct object_owner *owner,
	struct object_problem *problem)
{
	problem_clear(problem);
	struct object *object = object_find(objects, OBJECT_EVENT, name);
	struct object_wait *wait;

	if (!object && !(object = object_new(objects, &event_class, name, owner, problem)))
		return OBJECT_TOO_MANY;
	((struct event *)object)->set = true;
	while ((wait = TAILQ_FIRST(&object->line.waits)))
		wait_answer(wait, OBJECT_DONE, NULL);
	object_finish(object);
	return OBJECT_DONE;
}

void event_clear(struct objects *objects, const struct object_name *name)
{
	struct object *object = object_find(objects, OBJECT_EVENT, name);

	if (!object)
		return;
	((struct event *)object)->set = false;
	object_touch(object);
}

bool event_is_set(const struct objects *objects, const struct object_name *name)
{
	const struct object *object = object_find(objects, OBJECT_EVENT, name);

	return object && ((const struct event *)object)->set;
}

int event_wait(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	struct object_wait *wait, struct object_problem *problem)
{
	problem_clear(problem);
	struct object *object = object_find(objects, OBJECT_EVENT, name);

	if (object && ((struct event *)object)->set)
		return OBJECT_DONE;
	if (!wait)
		return OBJECT_WOULD_WAIT;
	if (!object && !(object = object_new(objects, &event_class, name, holder->owner, problem)))
		return OBJECT_TOO_MANY;
	int status = wait_park(object, &object->line, holder, wait, problem);

	object_touch(object);
	return status;
}

static enum object_rest event_rest(const struct object *object)
{
	return ((const struct event *)object)->set ? REST_KEEP : REST_NOTHING;
}

static void event_look(const struct object *object, struct object_view *view)
{
	view->set = ((const struct event *)object)->set;
}

static const struct object_class event_class = {
	.kind = OBJECT_EVENT,
	.size = sizeof(struct event),
	.rest = event_rest,
	.look = event_look,
};
