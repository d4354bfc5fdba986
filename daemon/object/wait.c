/* Waits: how they come into an object's line, are answered, moved, dropped, and told.
 *
 * Whoever is answered is off the lists at once, but hears of it only when the operation has changed all that it changes:
 * what he does then meets objects that are as they should be. */
#include <assert.h>

#include "base/bytes.h"
#include "object/internal.h"

void line_init(struct object_line *line)
{
	TAILQ_INIT(&line->waits);
	line->count = 0;
}

/* WAIT has another behind it now, or none. */
static void line_update(struct object_wait *wait)
{
	const struct object_wait *next = TAILQ_NEXT(wait, link);
	bool is_followed = next && next->who != wait->who;

	wait->who->n_followed += is_followed;
	wait->who->n_followed -= wait->is_followed;
	wait->is_followed = is_followed;
}

static void line_join(struct object_line *line, struct object *object, struct object_wait *wait)
{
	wait->object = object;
	wait->line = line;
	wait->arrival = ++object->objects->arrival;
	wait->is_followed = false;
	if (!TAILQ_EMPTY(&line->waits)) {
		struct object_wait *last = TAILQ_LAST(&line->waits, object_wait_queue);

		TAILQ_INSERT_TAIL(&line->waits, wait, link);
		line_update(last);
	} else {
		TAILQ_INSERT_TAIL(&line->waits, wait, link);
	}
	line->count++;
	object->n_waits++;
}

static void line_part(struct object_wait *wait)
{
	struct object_wait *before = TAILQ_PREV(wait, object_wait_queue, link);

	TAILQ_REMOVE(&wait->line->waits, wait, link);
	if (before)
		line_update(before);
	wait->who->n_followed -= wait->is_followed;
	wait->is_followed = false;
	wait->line->count--;
	wait->object->n_waits--;
	wait->object = NULL;
	wait->line = NULL;
}

int wait_park(struct object *object, struct object_line *line, const struct object_holder *holder,
	struct object_wait *wait, struct object_problem *problem)
{
	struct objects *objects = object->objects;
	struct object_user *user = holder->owner->user;

	assert(!object_wait_is_on(wait));
	if (objects->limits.waits && user->n_waits >= objects->limits.waits) {
		problem_say(problem, "%zu of this user's requests wait for named objects already, which is his limit",
			user->n_waits);
		return OBJECT_TOO_MANY;
	}
	wait->who = who_of(holder);
	wait->is_answered = false;
	wait->run = 0;
	wait->since_ns = objects->now_ns;
	LIST_INSERT_HEAD(&wait->who->waits, wait, by_who);
	user->n_waits++;
	line_join(line, object, wait);
	return OBJECT_WAITING;
}

void wait_move(struct object_wait *wait, struct object *object, struct object_line *line)
{
	line_part(wait);
	line_join(line, object, wait);
}

void wait_answer(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	struct objects *objects = wait->object->objects;

	line_part(wait);
	wait->is_answered = true;
	wait->status = status;
	wait->grant = grant ? *grant : (struct object_grant){ 0 };
	TAILQ_INSERT_TAIL(&objects->answered, wait, link);
}

/* Off its who's list. */
static void wait_end(struct object_wait *wait)
{
	struct object_who *who = wait->who;

	LIST_REMOVE(wait, by_who);
	wait->who = NULL;
	who->owner->user->n_waits--;
	who_settle(who);
}

void wait_leave(struct object_wait *wait)
{
	if (wait->is_answered) { /* somebody who was told about something else drops it: it has what it has got */
		TAILQ_REMOVE(&wait->who->owner->objects->answered, wait, link);
		wait->is_answered = false;
		bytes_unref(wait->grant.value);
	} else {
		line_part(wait);
	}
	wait_end(wait);
}

void objects_tell(struct objects *objects)
{
	struct object_wait *wait;

	if (objects->is_telling)
		return; /* below us on the stack somebody is at it */
	objects->is_telling = true;
	while ((wait = TAILQ_FIRST(&objects->answered))) {
		struct object_grant grant = wait->grant;

		TAILQ_REMOVE(&objects->answered, wait, link);
		wait->is_answered = false;
		wait_end(wait);
		wait->done(wait, wait->status, &grant);
	}
	objects->is_telling = false;
}

void object_wait_drop(struct object_wait *wait)
{
	struct object *object = wait->object;

	assert(object_wait_is_on(wait));
	wait_leave(wait);
	if (!object)
		return;
	if (object->class->left)
		object->class->left(object, wait);
	object_serve(object);
	object_finish(object);
}

bool object_wait_expire(struct object_wait *wait)
{
	struct object *object = wait->object;
	struct objects *objects;

	if (!object)
		return false; /* it is about to be told */
	objects = object->objects;
	if (object->class->expire && object->class->expire(object, wait)) {
		objects_finish(objects);
		return false;
	}
	object_wait_drop(wait);
	return true;
}
