/* What is taken out of a message queue, at once or when there is something. */
#include "base/bytes.h"
#include "object/mq.h"

void mq_deliver(struct mq *mq, struct object_owner *owner, bool tail, bool ack, struct object_grant *grant)
{
	struct message message = { 0 };

	messages_take(&mq->messages, tail, &message);
	message.deliveries++;
	*grant = (struct object_grant){
		.value = bytes_ref(message.value),
		.priority = message.priority,
		.deliveries = message.deliveries,
	};
	if (ack)
		grant->receipt = receipt_new(mq, owner, &message);
	else
		mq_forget(mq, &message);
}

/* Into MQ's line of those who wait for a message. */
static int get_later(struct mq *mq, const struct object_holder *holder, const struct mq_get *how,
	struct object_wait *wait, struct object_problem *problem)
{
	wait->mq.value = NULL;
	wait->mq.priority = 0;
	wait->mq.head = !how->tail;
	wait->mq.ack = how->ack;
	wait->mq.put = false;
	return wait_park(&mq->object, &mq->object.line, holder, wait, problem);
}

int mq_get(struct objects *objects, const struct object_name *name, const struct object_holder *holder,
	const struct mq_get *how, struct object_wait *wait, struct object_grant *grant, struct object_problem *problem)
{
	problem_clear(problem);
	struct mq *mq = mq_find(objects, name);
	int status;

	if (mq && how->tail && mq_order(&mq->options) == MQ_PRIORITY) {
		problem_say(
			problem, "message queue \"%s\" goes by priority: it has no tail to get from", mq->object.name);
		return OBJECT_MISMATCH;
	}
	bool is_empty = !mq || mq->messages.count == 0;

	if (is_empty && !wait)
		return OBJECT_WOULD_WAIT;
	if (!mq)
		mq = mq_new(objects, name, &mq_unsaid, NULL, problem);
	if (is_empty) {
		status = get_later(mq, holder, how, wait, problem);
	} else {
		mq_deliver(mq, holder->owner, how->tail, how->ack, grant);
		mq_serve(&mq->object);
		status = OBJECT_DONE;
	}
	object_finish(&mq->object);
	return status;
}
