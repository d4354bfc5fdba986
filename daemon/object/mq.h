/* Message queues, to the files that they are made of. */
#ifndef OBJECT_MQ_H
#define OBJECT_MQ_H

#include "object/internal.h"
#include "object/messages.h"

TAILQ_HEAD(mq_receipt_queue, mq_receipt);

/* In its object's own line are those who wait for a message. They and the putters never wait at the same time: there is
 * room in every empty queue. */
struct mq {
	struct object object;
	struct object_line putters, joiners;
	struct messages messages;
	/* A message's place is told when it is put, and is the same when it is given back. */
	int64_t head;              /* the smallest place that was given */
	int64_t tail;              /* the next one behind all */
	struct mq_options options; /* -1: nobody has said it */
	bool created;
	uint64_t unfinished;
	struct mq_receipt_queue receipts; /* in the order in which they were given */
	size_t n_receipts;
};

static inline struct mq *mq_of(struct object *object)
{
	return (struct mq *)object;
}

static inline const struct mq *mq_of_const(const struct object *object)
{
	return (const struct mq *)object;
}

static inline struct mq *mq_find(const struct objects *objects, const struct object_name *name)
{
	return mq_of(object_find(objects, OBJECT_MQ, name));
}

/* --- mq.c --- */

extern const struct mq_options mq_unsaid;
enum mq_order mq_order(const struct mq_options *options);
/* What MQ, or NULL: one that is made now, will be if SAID (may be NULL) comes to what was said before. OBJECT_DONE or
 * OBJECT_MISMATCH. */
int mq_agree(const struct mq *mq, const struct object_name *name, const struct mq_options *said, struct mq_options *out,
	struct object_problem *problem);
/* OPTIONS: what mq_agree has said. */
void mq_set(struct mq *mq, const struct mq_options *options);
/* OWNER NULL: it is nobody's. */
struct mq *mq_new(struct objects *objects, const struct object_name *name, const struct mq_options *options,
	const struct object_owner *owner, struct object_problem *problem);
/* MQ is OWNER's, unless it is somebody's already; who waits and may not go on then is answered. OPTIONS: what mq_agree has
 * said. False: his account has no room for it. */
bool mq_take(struct mq *mq, const struct object_owner *owner, const struct mq_options *options,
	struct object_problem *problem);
/* What VALUE is on its user's account: what it takes in memory, so that many small ones are not for nothing. */
size_t mq_cost(const struct bytes *value);
/* …for a message of SIZE bytes, were its options these. An empty one always has. */
bool mq_has_room(const struct mq *mq, const struct mq_options *options, size_t size);
/* The message is nobody's any more: off its user's account, and freed. */
void mq_forget(struct mq *mq, struct message *message);
/* N messages are done with. */
void mq_finish(struct mq *mq, uint64_t n);

/* --- mq_put.c --- */

/* Into the queue. Takes the reference. */
void mq_insert(struct mq *mq, const struct mq_message *message, struct object_user *payer);

/* --- mq_get.c --- */

/* The first message, or with TAIL the last, is OWNER's now: *GRANT. There must be one. */
void mq_deliver(struct mq *mq, struct object_owner *owner, bool tail, bool ack, struct object_grant *grant);

/* --- mq_wait.c --- */

/* Gives messages to those who wait for them, room to those who wait for that, and the word to those who join. */
void mq_serve(struct object *object);
void mq_left(struct object *object, struct object_wait *wait);
bool mq_waits(const struct object *object, bool (*visit)(void *user, const struct object_wait *wait, const char *what),
	void *user);
/* All who wait get STATUS. */
void mq_answer_all(struct mq *mq, enum object_status status);
/* MQ is its maker's alone from now on: who waits for a message, and may not have his, gets OBJECT_DENIED. */
void mq_deny_others(struct mq *mq);

/* --- mq_receipt.c --- */

/* OWNER has MESSAGE, and is to acknowledge it by the number that this returns. */
uint64_t receipt_new(struct mq *mq, struct object_owner *owner, const struct message *message);
void mq_put_back(struct object *object, struct object_receipt *receipt);
bool mq_holds(const struct object *object, bool (*visit)(void *user, const struct object_party *party), void *user);
/* What was taken and not acknowledged has nowhere to go back to. */
void mq_receipts_forget(struct mq *mq);

#endif
