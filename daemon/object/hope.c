/* Who will get what he waits for, though not everybody will: a part of the search for circles.
 *
 * At first nobody of those who were found has hope. A line is served, in thought, as long as what those without hope have
 * (and keep) leaves enough for its first; who is served is not over with it, but keeps what he gets, until all that he waits
 * for is served: then he has hope, gives everything back, and the lines where he was move on. */
#include "object/search.h"

/* How much of the object WHO keeps: permits; of a lock, one, and whether nobody may share it. */
static void keep(struct object_search *at, int64_t count, bool exclusive, int sign)
{
	at->kept += sign * count;
	if (exclusive)
		at->kept_exclusively += sign;
}

static bool is_lock(const struct object *object)
{
	return object->class == &lock_class;
}

static bool is_counted(const struct object *object)
{
	return is_lock(object) || (object->class->permits && object->class->permits(object) > 0);
}

static int64_t wait_count(const struct object_wait *wait)
{
	return is_lock(wait->object) ? 1 : wait->semaphore.count;
}

static bool wait_is_exclusive(const struct object_wait *wait)
{
	return is_lock(wait->object) && !wait->lock.shared;
}

static bool is_served(const struct object *object, const struct object_wait *wait)
{
	const struct object_search *at = &object->search;

	if (at->kept == 0)
		return true;
	if (!is_lock(object))
		return wait->semaphore.count <= object->class->permits(object) - at->kept;
	/* His own earlier requests are not in the way of one that says that it may have it again. */
	bool own = at->run_who == wait->who && wait->lock.reentrant;
	if (wait->lock.shared)
		return at->kept_exclusively == (own ? at->run_exclusively : 0);
	return at->kept == (own ? at->run : 0);
}

/* The holder of a wait that was served keeps what he gets. */
static void serve_one(struct search *search, struct object *object, const struct object_wait *wait)
{
	struct object_search *at = &object->search;
	struct object_who *who = wait->who;

	if (at->run_who != who) {
		at->run_who = who;
		at->run = at->run_exclusively = 0;
	}
	if (who->mark != search->mark || who->has_hope)
		return;
	keep(at, wait_count(wait), wait_is_exclusive(wait), 1);
	at->run++;
	at->run_exclusively += wait_is_exclusive(wait);
	if (--who->needs == 0)
		STAILQ_INSERT_TAIL(&search->todo, who, todo);
}

static void serve(struct search *search, struct object *object)
{
	struct object_search *at = &object->search;

	while (at->front && is_served(object, at->front)) {
		serve_one(search, object, at->front);
		at->front = TAILQ_NEXT(at->front, link);
	}
}

/* What WHO has and waits for, and what he needs before he has hope. */
static void count(struct search *search, struct object_who *who)
{
	const struct object_holding *holding;
	const struct object_wait *wait;

	LIST_FOREACH (holding, &who->holdings, by_who)
		if (is_counted(holding->object))
			keep(search_at(search, holding->object), is_lock(holding->object) ? 1 : holding->count,
				is_lock(holding->object) && !holding->shared, 1);
	LIST_FOREACH (wait, &who->waits, by_who)
		who->needs += wait->object && is_counted(wait->object);
}

/* Those of the task within which WHO runs need, or no longer need, that he goes on. */
static void count_task(struct search *search, const struct object_who *who, int sign)
{
	const struct object_owner *task = search_task(who);
	struct object_who *each;

	if (!task)
		return;
	LIST_FOREACH (each, &task->whos, link) {
		if (each->mark != search->mark)
			continue;
		each->needs += sign;
		if (sign < 0 && each->needs == 0)
			STAILQ_INSERT_TAIL(&search->todo, each, todo);
	}
}

/* WHO has hope: everything of his comes back. */
static void give_hope(struct search *search, struct object_who *who)
{
	const struct object_holding *holding;
	const struct object_wait *wait;

	who->has_hope = true;
	LIST_FOREACH (holding, &who->holdings, by_who)
		if (is_counted(holding->object))
			keep(&holding->object->search, is_lock(holding->object) ? 1 : holding->count,
				is_lock(holding->object) && !holding->shared, -1);
	LIST_FOREACH (wait, &who->waits, by_who)
		if (wait->object && is_counted(wait->object))
			keep(&wait->object->search, wait_count(wait), wait_is_exclusive(wait), -1);
	LIST_FOREACH (holding, &who->holdings, by_who)
		if (is_counted(holding->object))
			serve(search, holding->object);
	LIST_FOREACH (wait, &who->waits, by_who)
		if (wait->object && is_counted(wait->object))
			serve(search, wait->object);
	count_task(search, who, -1);
}

bool search_hope(struct search *search)
{
	struct object *object;
	struct object_who *who;

	STAILQ_INIT(&search->todo);
	STAILQ_FOREACH (object, &search->objects, search.link)
		object->search.front = TAILQ_FIRST(&object->line.waits);
	STAILQ_FOREACH (who, &search->found, found)
		who->needs = 0;
	STAILQ_FOREACH (who, &search->found, found) {
		count(search, who);
		count_task(search, who, 1);
	}
	STAILQ_FOREACH (object, &search->objects, search.link)
		serve(search, object);
	while ((who = STAILQ_FIRST(&search->todo))) {
		STAILQ_REMOVE_HEAD(&search->todo, todo);
		give_hope(search, who);
	}
	return !search->object->search.front;
}
