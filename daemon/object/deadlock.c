/* Circles: a wait that would never end, because those whom it waits for wait for the one who waits.
 *
 * In three steps, each of which most waits do not need:
 *
 *   1. a glance: nobody can wait for the one who asks; or those for whom he waits wait for nobody
 *   2. backwards from the one who asks, all who wait for him, for one who does, and so on. Where that does not meet the wait
 *      itself there is no circle; and where only locks were on the way, there is one
 *   3. several may bring a permit of a semaphore, and one of them is enough. So, of those whom step 2 has found, who has
 *      hope: whoever waits for nothing, or only for what those with hope bring (hope.c). Then step 2 once more among those
 *      who have none: what it meets is the circle that is told
 *
 * A line is served from its front, so those who are stuck in it are its end: for each object the first of them is known, and
 * each wait is visited once. Circles that are there already, since who comes back to his condition's lock is not refused,
 * are nobody else's. Tasks that wait for their claims hold nothing, and may be cancelled by anybody: they are not looked at,
 * nor is who waits for nobody but such a task. */
#include "object/search.h"

#define GLANCE 32         /* steps */
#define GLANCE_OBJECTS 16 /* …and objects */

/* --- a glance forward: most waits are for somebody who waits for nobody --- */

struct glance {
	struct object *objects[GLANCE_OBJECTS];
	size_t n;
	size_t steps;
	const struct object_wait *wait;
};

static bool glance_add(struct glance *glance, struct object *object)
{
	for (size_t i = 0; i < glance->n; i++)
		if (glance->objects[i] == object)
			return true;
	if (glance->n == GLANCE_OBJECTS)
		return false;
	glance->objects[glance->n++] = object;
	return true;
}

/* False: more than a glance is needed. */
static bool glance_who(struct glance *glance, const struct object_who *who)
{
	const struct object_wait *wait;

	if (glance->steps++ >= GLANCE || who == glance->wait->who || who->owner->kind == OWNER_TASK)
		return false;
	LIST_FOREACH (wait, &who->waits, by_who)
		if (glance->steps++ >= GLANCE || (wait->object && !glance_add(glance, wait->object)))
			return false;
	return true;
}

/* Whether nobody from whom OBJECT has to come waits for anything that leads anywhere. */
static bool glance_clears(struct object *object, const struct object_wait *new)
{
	struct glance glance = { .wait = new };

	glance_add(&glance, object);
	for (size_t i = 0; i < glance.n; i++) {
		const struct object_holding *holding;
		const struct object_wait *wait;

		TAILQ_FOREACH (holding, &glance.objects[i]->holdings, link)
			if (!glance_who(&glance, holding->who))
				return false;
		TAILQ_FOREACH (wait, &glance.objects[i]->line.waits, link)
			if (wait != new && !glance_who(&glance, wait->who))
				return false;
	}
	return true;
}

/* Whether WAIT goes with what its holder asks for right before it. */
static bool goes_with_own(const struct object *object, struct object_wait *wait)
{
	const struct object_wait *before = TAILQ_PREV(wait, object_wait_queue, link);
	bool own = before && before->who == wait->who;

	if (object->class == &lock_class)
		return !own || (wait->lock.reentrant && (wait->lock.shared || !before->lock.shared));
	if (own && before->run == 0)
		return false;
	wait->run = wait->semaphore.count + (own ? before->run : 0);
	return wait->run <= object->class->permits(object);
}

/* Whether nobody waits for WAIT's who, himself included: he has nothing, and nobody stands behind what else he waits for. */
static bool nobody_follows(const struct object *object, struct object_wait *wait)
{
	const struct object_owner *task = search_task(wait->who);

	return goes_with_own(object, wait) && LIST_EMPTY(&wait->who->holdings) && wait->who->n_followed == 0 &&
		(!task || LIST_EMPTY(&task->whos));
}

/* Whether it stands behind another request of the same holder that it does not go with. */
static bool waits_for_itself(const struct object *object, const struct object_wait *new)
{
	const struct object_wait *wait;

	if (object->class != &lock_class)
		return false;
	LIST_FOREACH (wait, &new->who->waits, by_who)
		if (wait != new && wait->object == object &&
			!(new->lock.reentrant && (new->lock.shared || !wait->lock.shared)))
			return true;
	return false;
}

/* --- the search --- */

struct object_search *search_at(struct search *search, struct object *object)
{
	struct object_search *at = &object->search;

	if (at->mark != search->mark) {
		*at = (struct object_search){ .mark = search->mark };
		STAILQ_INSERT_TAIL(&search->objects, object, search.link);
	}
	if (at->round != search->round) {
		at->round = search->round;
		at->stuck = NULL;
		at->scanned = UINT64_MAX;
	}
	return at;
}

/* WHO never gets BECAUSE, which PARENT has or comes to before it. */
static void lose(struct search *search, struct object_who *who, struct object_who *parent, struct object *because)
{
	if (who->mark != search->mark && search->round == 1) {
		who->mark = search->mark;
		who->has_hope = false;
		STAILQ_INSERT_TAIL(&search->found, who, found);
	} else if (who->mark != search->mark || who->has_hope || who->round == search->round) {
		return;
	}
	who->round = search->round;
	who->parent = parent;
	who->because = because;
	STAILQ_INSERT_TAIL(&search->todo, who, todo);
}

/* WAIT and all behind it are stuck, because of CAUSE; those whom CAUSE would not keep waiting, because of WAIT's. */
static void stick(
	struct search *search, struct object *object, struct object_wait *wait, struct object_who *cause, bool shared)
{
	struct object_search *at = search_at(search, object);
	struct object_wait *first = wait, *end = at->stuck;
	bool lock = object->class == &lock_class;

	at->stuck = wait;
	for (; wait != end; wait = TAILQ_NEXT(wait, link)) {
		bool direct = wait == first ||
			(lock && (wait->who == cause ? !wait->lock.reentrant : !(shared && wait->lock.shared)));
		struct object_who *parent = direct ? cause : first->who;

		if (wait == search->wait)
			search->parent = parent;
		else
			lose(search, wait->who, parent, object);
	}
}

/* Whether WAIT, or one behind it, is stuck and is not known to be. */
static bool is_news(const struct object_search *at, const struct object_wait *wait)
{
	return wait && (!at->stuck || wait->arrival < at->stuck->arrival);
}

/* CAUSE is lost, and has LOCK, or comes to it before START: who is the first from START on who has to wait for him? */
static void spread_lock(
	struct search *search, struct object *lock, struct object_who *cause, bool shared, struct object_wait *start)
{
	struct object_search *at = search_at(search, lock);
	struct object_wait *wait = start;

	if (shared) { /* whoever does not share it; from AT->scanned on they have been looked for */
		while (wait && wait->arrival < at->scanned && wait->lock.shared)
			wait = TAILQ_NEXT(wait, link);
		if (wait && wait->arrival >= at->scanned)
			wait = NULL;
		if (start && start->arrival < at->scanned)
			at->scanned = start->arrival;
	} else {
		while (is_news(at, wait) && wait->who == cause && wait->lock.reentrant)
			wait = TAILQ_NEXT(wait, link);
	}
	if (is_news(at, wait))
		stick(search, lock, wait, cause, shared);
}

/* The same of a semaphore. That somebody else may bring permits is seen to later: in the second round, those who get some
 * before AT->front. */
static void spread_semaphore(
	struct search *search, struct object *semaphore, struct object_who *cause, struct object_wait *start)
{
	struct object_search *at;

	if (semaphore->class->permits(semaphore) == 0)
		return;
	at = search_at(search, semaphore);
	search->is_certain = false;
	if (search->round == 2 && start && (!at->front || start->arrival < at->front->arrival))
		start = at->front;
	if (is_news(at, start))
		stick(search, semaphore, start, cause, false);
}

/* The task within which WHO runs gives nothing back while it waits. */
static void spread_task(struct search *search, const struct object_who *who)
{
	const struct object_owner *task = search_task(who);
	bool first = who == search->wait->who;
	struct object_who *each;

	if (!task)
		return;
	LIST_FOREACH (each, &task->whos, link)
		lose(search, each, first ? search->wait->who : who->parent, first ? search->object : who->because);
}

/* What follows from WHO's being lost. */
static void spread(struct search *search, struct object_who *who)
{
	struct object_holding *holding;
	struct object_wait *wait;

	LIST_FOREACH (holding, &who->holdings, by_who) {
		struct object *object = holding->object;

		if (object->class == &lock_class)
			spread_lock(search, object, who, holding->shared, TAILQ_FIRST(&object->line.waits));
		else if (object->class->permits)
			spread_semaphore(search, object, who, TAILQ_FIRST(&object->line.waits));
	}
	LIST_FOREACH (wait, &who->waits, by_who) {
		if (!wait->object)
			continue;
		if (wait->object->class == &lock_class)
			spread_lock(search, wait->object, who, wait->lock.shared, TAILQ_NEXT(wait, link));
		else if (wait->object->class->permits)
			spread_semaphore(search, wait->object, who, TAILQ_NEXT(wait, link));
	}
	spread_task(search, who);
}

/* All who wait for the one who asks, as far as it takes. True: he is among them. */
static bool search_round(struct search *search)
{
	struct object_who *who;

	search->round++;
	search->parent = NULL;
	STAILQ_INIT(&search->todo);
	lose(search, search->wait->who, NULL, NULL);
	while ((who = STAILQ_FIRST(&search->todo)) && !(search->parent && search->is_certain)) {
		STAILQ_REMOVE_HEAD(&search->todo, todo);
		spread(search, who);
	}
	return search->parent != NULL;
}

const struct object_owner *search_task(const struct object_who *who)
{
	const struct object_owner *owner = who->owner;

	return owner->kind == OWNER_CONNECTION && owner->task ? table_get(&owner->objects->tasks, owner->task) : NULL;
}

static bool search_circle(struct search *search)
{
	search->mark = ++search->object->objects->search;
	search->is_certain = true;
	STAILQ_INIT(&search->found);
	STAILQ_INIT(&search->objects);
	if (!search_round(search))
		return false;
	if (search->is_certain)
		return true;
	if (search_hope(search))
		return false;
	return search_round(search);
}

int deadlock_check(struct object *object, struct object_wait *wait, struct object_problem *problem)
{
	struct search search = { .object = object, .wait = wait };
	const struct object_who *who;

	if (nobody_follows(object, wait))
		return OBJECT_WAITING;
	if (waits_for_itself(object, wait))
		search.parent = wait->who;
	else if (glance_clears(object, wait) || !search_circle(&search))
		return OBJECT_WAITING;
	problem_add(problem, wait->who, object);
	for (who = search.parent; who != wait->who; who = who->parent)
		problem_add(problem, who, who->because);
	problem_say(problem, "a wait for the %s \"%s\" would never end: %s", object_kind_name(object->class->kind),
		object->name,
		search.parent == wait->who ? "it would wait for itself" : "who has it waits for the one who asks");
	return OBJECT_DEADLOCK;
}
