/* Those who wait at message queues: for a message, for room, or for all that was put to be done. */
#include "base/bytes.h"
#include "object/mq.h"

static void serve_getter(struct mq *mq, struct object_wait *wait)
{
	struct object_grant grant;

	mq_deliver(mq, wait->who->owner, !wait->mq.head, wait->mq.ack, &grant);
	wait_answer(wait, OBJECT_DONE, &grant);
}

static void serve_putter(struct mq *mq, struct object_wait *wait)
{
	struct mq_message message = { .value = wait->mq.value, .priority = wait->mq.priority, .head = wait->mq.head };

	mq_insert(mq, &message, wait->mq.payer);
	wait->mq.value = NULL;
	wait_answer(wait, OBJECT_DONE, NULL);
}

static void answer_line(struct object_line *line, enum object_status status)
{
	struct object_wait *wait;

	while ((wait = TAILQ_FIRST(&line->waits)))
		wait_answer(wait, status, NULL);
}

void mq_serve(struct object *object)
{
	struct mq *mq = mq_of(object);

	for (;;) {
		struct object_wait *getter = TAILQ_FIRST(&object->line.waits);
		struct object_wait *putter = TAILQ_FIRST(&mq->putters.waits);

		if (getter && mq->messages.count > 0)
			serve_getter(mq, getter);
		else if (putter && mq_has_room(mq, &mq->options, putter->mq.value->size))
			serve_putter(mq, putter);
		else
			break;
	}
	if (mq->unfinished == 0)
		answer_line(&mq->joiners, OBJECT_DONE);
}

/* What WAIT was to put will not be put. */
static void putter_forget(struct mq *mq, struct object_wait *wait)
{
	user_bytes_give(mq->object.objects, wait->mq.payer, mq_cost(wait->mq.value));
	bytes_unref(wait->mq.value);
	wait->mq.value = NULL;
}

void mq_left(struct object *object, struct object_wait *wait)
{
	if (wait->mq.put)
		putter_forget(mq_of(object), wait);
}

void mq_answer_all(struct mq *mq, enum object_status status)
{
	struct object_wait *wait;

	TAILQ_FOREACH (wait, &mq->putters.waits, link)
		putter_forget(mq, wait);
	answer_line(&mq->object.line, status);
	answer_line(&mq->putters, status);
	answer_line(&mq->joiners, status);
}

void mq_deny_others(struct mq *mq)
{
	const struct object_grant grant = { .owner = mq->object.maker->uid };
	struct object_wait *wait = TAILQ_FIRST(&mq->object.line.waits), *next;

	for (; wait; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (wait->may_stay && !wait->may_stay(wait, grant.owner))
			wait_answer(wait, OBJECT_DENIED, &grant);
	}
}

int mq_delete_waits(struct objects *objects, const struct object_name *name, uint32_t uid)
{
	struct mq *mq = mq_find(objects, name);
	struct object_wait *wait = mq ? TAILQ_FIRST(&mq->object.line.waits) : NULL, *next;
	int status = OBJECT_NOT_FOUND;

	for (; wait; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (wait->who->owner->uid != uid)
			continue;
		wait_answer(wait, OBJECT_DELETED, NULL);
		status = OBJECT_DONE;
	}
	if (mq)
		object_finish(&mq->object);
	return status;
}

bool mq_waits(const struct object *object, bool (*visit)(void *user, const struct object_wait *wait, const char *what),
	void *user)
{
	static const char *const names[] = { "get", "put", "join" };
	const struct mq *mq = mq_of_const(object);
	const struct object_wait *next[] = { TAILQ_FIRST(&object->line.waits), TAILQ_FIRST(&mq->putters.waits),
		TAILQ_FIRST(&mq->joiners.waits) };

	for (;;) {
		int first = -1;

		for (int i = 0; i < 3; i++)
			if (next[i] && (first < 0 || next[i]->arrival < next[first]->arrival))
				first = i;
		if (first < 0)
			return true;
		if (!visit(user, next[first], names[first]))
			return false;
		next[first] = TAILQ_NEXT(next[first], link);
	}
}

/* --- join --- */
int mq_join(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	struct object_wait *wait, struct object_problem *problem)
{
	problem_clear(problem);
	struct mq *mq = mq_find(objects, name);

	if (!mq || mq->unfinished == 0)
		return OBJECT_DONE;
	if (!wait)
		return OBJECT_WOULD_WAIT;
	wait->mq.value = NULL;
	wait->mq.put = false;
	return wait_park(&mq->object, &mq->joiners, holder, wait, problem);
}

int mq_task_done(struct objects *objects, const struct object_name *name, int64_t count, uint64_t *unfinished,
	struct object_problem *problem)
{
	problem_clear(problem);
	struct mq *mq = mq_find(objects, name);

	if (!mq) {
		problem_say(problem, "there is no message queue \"%.*s\"", (int)name->length, name->data);
		return OBJECT_NOT_FOUND;
	}
	if ((uint64_t)count > mq->unfinished) {
		problem_say(problem, "%llu messages of message queue \"%s\" are not done yet, and %lld were said to be",
			(unsigned long long)mq->unfinished, mq->object.name, (long long)count);
		return OBJECT_OVER_RELEASED;
	}
	mq_finish(mq, (uint64_t)count);
	if (unfinished)
		*unfinished = mq->unfinished;
	mq_serve(&mq->object);
	object_finish(&mq->object);
	return OBJECT_DONE;
}
