/* Receipts: what was taken and is not acknowledged. It is its reader's to do with, the queue's to have back. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "object/mq.h"

struct mq_receipt {
	struct object_receipt head;
	TAILQ_ENTRY(mq_receipt) link; /* its queue's */
	uint64_t number;
	int64_t since_ns;
	struct message message;
};

uint64_t receipt_new(struct mq *mq, struct object_owner *owner, const struct message *message)
{
	struct objects *objects = mq->object.objects;
	struct mq_receipt *receipt = xmalloc(sizeof(*receipt));

	*receipt = (struct mq_receipt){
		.head = { .object = &mq->object, .owner = owner },
		.number = ++objects->receipt,
		.since_ns = objects->now_ns,
		.message = *message,
	};
	LIST_INSERT_HEAD(&owner->receipts, &receipt->head, by_owner);
	TAILQ_INSERT_TAIL(&mq->receipts, receipt, link);
	mq->n_receipts++;
	idmap_put(&objects->receipts, receipt->number, receipt);
	return receipt->number;
}

/* The message is whose it was to become. */
static void receipt_free(struct mq_receipt *receipt)
{
	struct mq *mq = mq_of(receipt->head.object);

	idmap_remove(&mq->object.objects->receipts, receipt->number);
	LIST_REMOVE(&receipt->head, by_owner);
	TAILQ_REMOVE(&mq->receipts, receipt, link);
	mq->n_receipts--;
	free(receipt);
}

static struct mq_receipt *receipt_find(
	struct objects *objects, const struct object_owner *owner, uint64_t number, struct object_problem *problem)
{
	struct mq_receipt *receipt = idmap_get(&objects->receipts, number);

	if (receipt && receipt->head.owner == owner)
		return receipt;
	problem_say(problem, "there is no message with receipt %llu to acknowledge", (unsigned long long)number);
	return NULL;
}

int mq_ack(struct objects *objects, struct object_owner *owner, uint64_t number, struct object_problem *problem)
{
	problem_clear(problem);
	struct mq_receipt *receipt = receipt_find(objects, owner, number, problem);

	if (!receipt)
		return OBJECT_NOT_FOUND;
	struct mq *mq = mq_of(receipt->head.object);

	mq_forget(mq, &receipt->message);
	receipt_free(receipt);
	mq_finish(mq, 1);
	mq_serve(&mq->object);
	object_finish(&mq->object);
	return OBJECT_DONE;
}

void mq_put_back(struct object *object, struct object_receipt *head)
{
	struct mq_receipt *receipt = (struct mq_receipt *)head;

	messages_put(&mq_of(object)->messages, &receipt->message);
	receipt_free(receipt);
}

int mq_nack(struct objects *objects, struct object_owner *owner, uint64_t number, struct object_problem *problem)
{
	problem_clear(problem);
	struct mq_receipt *receipt = receipt_find(objects, owner, number, problem);

	if (!receipt)
		return OBJECT_NOT_FOUND;
	struct object *object = receipt->head.object;

	mq_put_back(object, &receipt->head);
	mq_serve(object);
	object_finish(object);
	return OBJECT_DONE;
}

void mq_receipts_forget(struct mq *mq)
{
	struct mq_receipt *receipt;

	while ((receipt = TAILQ_FIRST(&mq->receipts))) {
		mq_finish(mq, 1);
		mq_forget(mq, &receipt->message);
		receipt_free(receipt);
	}
}

bool mq_holds(const struct object *object, bool (*visit)(void *user, const struct object_party *party), void *user)
{
	const struct mq_receipt *receipt;

	TAILQ_FOREACH (receipt, &mq_of_const(object)->receipts, link)
		if (!visit(user,
			    &(struct object_party){
				    .owner = receipt->head.owner,
				    .since_ns = receipt->since_ns,
			    }))
			return false;
	return true;
}
