/* What is put into a message queue, at once or when there is room. */
#include "base/bytes.h"
#include "object/mq.h"

void mq_insert(struct mq *mq, const struct mq_message *message, struct object_user *payer)
{
	bool at_head = message->head || mq_order(&mq->options) == MQ_LIFO;

	messages_put(&mq->messages,
		&(struct message){
			.value = message->value,
			.payer = payer,
			.place = at_head ? --mq->head : mq->tail++,
			.priority = message->priority,
		});
	mq->unfinished++;
}

/* Whether MESSAGE will ever come in. */
static int message_fits(struct objects *objects, const struct object_name *name, const struct mq_options *options,
	const struct mq_message *message, struct object_problem *problem)
{
	size_t size = message->value->size, limit = objects->limits.mq_bytes;
	int length = (int)name->length;

	if (message->head && mq_order(options) == MQ_PRIORITY) {
		problem_say(problem, "message queue \"%.*s\" goes by priority: it has no head to put at", length,
			name->data);
		return OBJECT_MISMATCH;
	}
	if (options->limit_bytes > 0 && size > (uint64_t)options->limit_bytes) {
		problem_say(problem, "the message has %zu bytes, and message queue \"%.*s\" holds %lld at most", size,
			length, name->data, (long long)options->limit_bytes);
		return OBJECT_TOO_LARGE;
	}
	if (limit && mq_cost(message->value) > limit) {
		problem_say(problem, "the message takes %zu bytes, and all of this user's may take %zu",
			mq_cost(message->value), limit);
		return OBJECT_TOO_LARGE;
	}
	return OBJECT_DONE;
}

static void say_full(const struct mq *mq, struct object_problem *problem)
{
	problem_say(problem, "message queue \"%s\" is full: %zu messages of %zu bytes, and %zu wait to put more",
		mq->object.name, mq->messages.count, mq->messages.bytes, mq->putters.count);
}

/* Into MQ's line of those who wait for room. Takes the reference if it returns OBJECT_WAITING. */
static int put_later(struct mq *mq, const struct object_holder *holder, const struct mq_message *message,
	struct object_wait *wait, struct object_problem *problem)
{
	int status = wait_park(&mq->object, &mq->putters, holder, wait, problem);

	if (status != OBJECT_WAITING)
		return status;
	wait->mq.value = message->value;
	wait->mq.priority = message->priority;
	wait->mq.head = message->head;
	wait->mq.put = true;
	wait->mq.payer = holder->owner->user;
	return OBJECT_WAITING;
}

int mq_put(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	const struct mq_options *options, const struct mq_message *message, struct object_wait *wait,
	struct object_problem *problem)
{
	problem_clear(problem);
	struct mq *mq = mq_find(objects, name);
	struct object_user *payer = holder->owner->user;
	size_t cost = mq_cost(message->value);
	struct mq_options agreed;
	int status = mq_agree(mq, name, options, &agreed, problem);

	if (!status)
		status = message_fits(objects, name, &agreed, message, problem);
	if (status)
		return status;
	bool room = !mq || (mq->putters.count == 0 && mq_has_room(mq, &agreed, message->value->size));

	if (!room && !wait) {
		say_full(mq, problem);
		return OBJECT_FULL;
	}
	if (!user_bytes_take(objects, payer, cost, problem))
		return OBJECT_TOO_MANY;
	if (mq ? !mq_take(mq, holder->owner, &agreed, problem)
	       : !(mq = mq_new(objects, name, &agreed, holder->owner, problem))) {
		user_bytes_give(objects, payer, cost);
		return OBJECT_TOO_MANY;
	}
	mq_set(mq, &agreed);
	bytes_ref(message->value);
	if (room) {
		mq_insert(mq, message, payer);
		mq_serve(&mq->object);
	} else {
		status = put_later(mq, holder, message, wait, problem);
		if (status != OBJECT_WAITING) {
			user_bytes_give(objects, payer, cost);
			bytes_unref(message->value);
		}
	}
	object_finish(&mq->object);
	return status;
}
