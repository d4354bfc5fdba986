/* Circles: a wait that would never end, because those whom it waits for wait for the one who waits.
 *
 * A holder is lost if it waits for something that it never gets. The question is whether the one who wants to wait, assumed
 * lost, is why it would be. So the search goes backwards from there: who waits for what a lost one holds is lost, too, and
 * so on, until the wait itself is met, or nobody is left. Backwards, because that is how "several permits of several
 * holders" can be told: a semaphore's wait is lost when what the lost ones keep leaves too few for it.
 *
 * A line is served from its front, so those who are stuck in it are its end: for each object, the first of them is known,
 * and each wait is visited once. */
#include "object/internal.h"

#define GLANCE 32         /* steps */
#define GLANCE_OBJECTS 16 /* …and objects */

STAILQ_HEAD(object_who_todo, object_who);
STAILQ_HEAD(object_due, object);

struct search {
	uint64_t mark;
	struct object *object; /* what WAIT is about to wait for */
	struct object_wait *wait;
	struct object_who *parent;   /* why WAIT is stuck; NULL: it is not, so far */
	struct object_who_todo todo; /* lost; what follows from it has not been looked at */
	struct object_due due;       /* semaphores with fewer permits than before */
};

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

/* Whether nobody can wait for WAIT's who: it has nothing, and waits for nothing else, behind which somebody could stand. */
static bool nobody_follows(const struct object_wait *wait)
{
	const struct object_owner *owner = wait->who->owner;
	const struct object_owner *task;

	if (!LIST_EMPTY(&wait->who->holdings) || LIST_FIRST(&wait->who->waits) != wait || LIST_NEXT(wait, by_who))
		return false;
	if (owner->kind != OWNER_CONNECTION || !owner->task)
		return true;
	task = table_get(&owner->objects->tasks, owner->task);
	return !task || LIST_EMPTY(&task->whos);
}

/* --- the search --- */

static struct object_search *search_at(const struct search *search, struct object *object)
{
	if (object->search.mark != search->mark)
		object->search = (struct object_search){ .mark = search->mark, .scanned = UINT64_MAX };
	return &object->search;
}

static bool is_lost(const struct search *search, const struct object_who *who)
{
	return who->mark == search->mark;
}

/* WHO never gets BECAUSE, which PARENT has or comes to before it. */
static void lose(struct search *search, struct object_who *who, struct object_who *parent, struct object *because)
{
	if (is_lost(search, who))
		return;
	who->mark = search->mark;
	who->parent = parent;
	who->because = because;
	STAILQ_INSERT_TAIL(&search->todo, who, todo);
}

/* WAIT and all behind it are stuck, because of CAUSE. */
static void stick(struct search *search, struct object *object, struct object_wait *wait, struct object_who *cause)
{
	struct object_search *at = search_at(search, object);
	struct object_wait *end = at->stuck;

	at->stuck = wait;
	for (; wait != end; wait = TAILQ_NEXT(wait, link)) {
		if (wait == search->wait)
			search->parent = cause;
		else
			lose(search, wait->who, cause, object);
	}
}

/* CAUSE is lost, and has LOCK, or comes to it before START: who is the first from START on who has to wait for him? */
static void spread_lock(
	struct search *search, struct object *lock, struct object_who *cause, bool shared, struct object_wait *start)
{
	struct object_search *at = search_at(search, lock);
	struct object_wait *wait = start;

	if (shared) { /* whoever does not share it; where they were looked for already, they are stuck */
		while (wait && wait != at->stuck && wait->arrival < at->scanned && wait->lock.shared)
			wait = TAILQ_NEXT(wait, link);
		if (wait && wait->arrival >= at->scanned)
			wait = NULL;
		if (start && start->arrival < at->scanned)
			at->scanned = start->arrival;
	} else {
		while (wait && wait != at->stuck && wait->who == cause && wait->lock.reentrant)
			wait = TAILQ_NEXT(wait, link);
	}
	if (wait && wait != at->stuck && (!at->stuck || wait->arrival < at->stuck->arrival))
		stick(search, lock, wait, cause);
}

static void semaphore_is_due(struct search *search, struct object *semaphore, int64_t lost)
{
	struct object_search *at;

	if (semaphore->class->permits(semaphore) == 0)
		return;
	at = search_at(search, semaphore);
	at->lost += lost;
	if (!at->is_due)
		STAILQ_INSERT_TAIL(&search->due, semaphore, search.due);
	at->is_due = true;
}

/* Somebody lost who has permits of SEMAPHORE, or comes to them before WAIT. */
static struct object_who *semaphore_culprit(
	const struct search *search, const struct object *semaphore, const struct object_wait *wait)
{
	struct object_holding *holding;

	TAILQ_FOREACH (holding, &semaphore->holdings, link)
		if (is_lost(search, holding->who))
			return holding->who;
	while ((wait = TAILQ_PREV(wait, object_wait_queue, link)))
		if (is_lost(search, wait->who))
			return wait->who;
	return NULL;
}

/* Those in line, one after the other: who has hope gives back what he gets, the lost keep it. The one who asks may have
 * asked for more already, and does not wait for himself because of that. */
static void spread_semaphore(struct search *search, struct object *semaphore)
{
	struct object_search *at = search_at(search, semaphore);
	int64_t left = semaphore->class->permits(semaphore) - at->lost, own = 0;
	struct object_wait *wait;

	at->is_due = false;
	for (wait = TAILQ_FIRST(&semaphore->line.waits); wait && wait != at->stuck; wait = TAILQ_NEXT(wait, link)) {
		bool is_own = wait->who == search->wait->who;

		if (wait->semaphore.count > left + (is_own ? own : 0)) {
			struct object_who *culprit = semaphore_culprit(search, semaphore, wait);

			if (culprit) /* else it is a wait for more than there is, since the configuration made it smaller */
				stick(search, semaphore, wait, culprit);
			return;
		}
		if (is_lost(search, wait->who))
			left -= wait->semaphore.count;
		if (is_own)
			own += wait->semaphore.count;
	}
}

/* The task within which WHO runs gives nothing back while it waits. */
static void spread_task(struct search *search, struct object_who *who)
{
	bool first = who == search->wait->who;
	struct object_who *parent = first ? who : who->parent;
	struct object *because = first ? search->object : who->because;
	const struct object_owner *task;

	if (who->owner->kind != OWNER_CONNECTION || !who->owner->task)
		return;
	task = table_get(&who->owner->objects->tasks, who->owner->task);
	if (!task)
		return;
	LIST_FOREACH (who, &task->whos, link)
		lose(search, who, parent, because);
}

/* What follows from WHO's being lost. */
static void spread(struct search *search, struct object_who *who)
{
	struct object_holding *holding;
	struct object_wait *wait;

	LIST_FOREACH (holding, &who->holdings, by_who)
		if (holding->object->class == &lock_class)
			spread_lock(search, holding->object, who, holding->shared,
				TAILQ_FIRST(&holding->object->line.waits));
		else if (holding->object->class->permits)
			semaphore_is_due(search, holding->object, holding->count);
	LIST_FOREACH (wait, &who->waits, by_who)
		if (!wait->object)
			continue;
		else if (wait->object->class == &lock_class)
			spread_lock(search, wait->object, who, wait->lock.shared, TAILQ_NEXT(wait, link));
		else if (wait->object->class->permits)
			semaphore_is_due(search, wait->object, 0);
	spread_task(search, who);
}

static void search_run(struct search *search)
{
	struct object_who *who;
	struct object *semaphore;

	while (!search->parent) {
		if ((who = STAILQ_FIRST(&search->todo))) {
			STAILQ_REMOVE_HEAD(&search->todo, todo);
			spread(search, who);
		} else if ((semaphore = STAILQ_FIRST(&search->due))) {
			STAILQ_REMOVE_HEAD(&search->due, search.due);
			spread_semaphore(search, semaphore);
		} else {
			return;
		}
	}
}

int deadlock_check(struct object *object, struct object_wait *wait, struct object_problem *problem)
{
	struct search search = { .object = object, .wait = wait };

	if (nobody_follows(wait) || glance_clears(object, wait))
		return OBJECT_WAITING;
	search.mark = ++object->objects->search;
	STAILQ_INIT(&search.todo);
	STAILQ_INIT(&search.due);
	lose(&search, wait->who, NULL, NULL);
	search_run(&search);
	if (!search.parent)
		return OBJECT_WAITING;
	problem_add(problem, wait->who, object);
	for (const struct object_who *who = search.parent; who != wait->who; who = who->parent)
		problem_add(problem, who, who->because);
	problem_say(problem, "to wait for the %s \"%s\" would never end: %s", object_kind_name(object->class->kind),
		object->name,
		search.parent == wait->who ? "it waits for itself" : "who has it waits for the one who asks");
	return OBJECT_DEADLOCK;
}
