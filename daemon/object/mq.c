/* Message queues: what they are, how they come and go, and what can be seen of them. */
#include "object/mq.h"

#include "base/bytes.h"

static const struct object_class mq_class;

const struct mq_options mq_unsaid = { .order = -1, .limit_count = -1, .limit_bytes = -1, .shared = -1 };

/* --- what a queue is --- */
static const char *order_name(enum mq_order order)
{
	switch (order) {
	case MQ_FIFO:
		return "fifo";
	case MQ_LIFO:
		return "lifo";
	case MQ_PRIORITY:
		return "priority";
	}
	return "?";
}

enum mq_order mq_order(const struct mq_options *options)
{
	return options->order < 0 ? MQ_FIFO : (enum mq_order)options->order;
}

static bool limit_agrees(
	const struct object_name *name, const char *what, int64_t *limit, int64_t said, struct object_problem *problem)
{
	if (said < 0 || said == *limit)
		return true;
	if (*limit < 0) {
		*limit = said;
		return true;
	}
	problem_say(problem, "message queue \"%.*s\" has limit_%s %lld, not %lld", (int)name->length, name->data, what,
		(long long)*limit, (long long)said);
	return false;
}

static bool order_agrees(const struct mq *mq, const struct object_name *name, struct mq_options *options, int said,
	struct object_problem *problem)
{
	enum mq_order is = mq_order(options);

	/* Nobody has said it, and what is there has no other order yet. */
	if (said < 0 || (int)is == said || (options->order < 0 && (!mq || mq->messages.count == 0))) {
		if (said >= 0)
			options->order = said;
		return true;
	}
	problem_say(problem, "message queue \"%.*s\" is %s, not %s", (int)name->length, name->data, order_name(is),
		order_name((enum mq_order)said));
	return false;
}

static bool sharing_agrees(const struct object_name *name, int *shared, int said, struct object_problem *problem)
{
	if (said < 0 || said == *shared)
		return true;
	if (*shared < 0) {
		*shared = said;
		return true;
	}
	problem_say(problem, "message queue \"%.*s\" is %s", (int)name->length, name->data,
		*shared ? "shared by all users" : "not shared");
	return false;
}

int mq_agree(const struct mq *mq, const struct object_name *name, const struct mq_options *said, struct mq_options *out,
	struct object_problem *problem)
{
	*out = mq ? mq->options : mq_unsaid;
	if (said &&
		!(order_agrees(mq, name, out, said->order, problem) &&
			limit_agrees(name, "count", &out->limit_count, said->limit_count, problem) &&
			limit_agrees(name, "bytes", &out->limit_bytes, said->limit_bytes, problem) &&
			sharing_agrees(name, &out->shared, said->shared, problem)))
		return OBJECT_MISMATCH;
	return OBJECT_DONE;
}

void mq_set(struct mq *mq, const struct mq_options *options)
{
	mq->options = *options;
	mq->messages.by_priority = mq_order(options) == MQ_PRIORITY;
}

struct mq *mq_new(struct objects *objects, const struct object_name *name, const struct mq_options *options,
	const struct object_owner *owner, struct object_problem *problem)
{
	struct mq *mq = mq_of(object_new(objects, &mq_class, name, owner, problem));

	if (!mq)
		return NULL;
	line_init(&mq->putters);
	line_init(&mq->joiners);
	TAILQ_INIT(&mq->receipts);
	messages_init(&mq->messages, false);
	mq_set(mq, options);
	return mq;
}

bool mq_take(struct mq *mq, const struct object_owner *owner, const struct mq_options *options,
	struct object_problem *problem)
{
	if (mq->object.maker)
		return true;
	if (!object_take(&mq->object, owner, problem))
		return false;
	if (options->shared <= 0)
		mq_deny_others(mq);
	return true;
}

int mq_create(struct objects *objects, const struct object_name *name, const struct mq_options *options,
	struct object_owner *owner, bool *created, struct object_problem *problem)
{
	problem_clear(problem);
	struct mq *mq = mq_find(objects, name);
	struct mq_options agreed;
	int status = mq_agree(mq, name, options, &agreed, problem);

	if (status)
		return status;
	if (mq ? !mq_take(mq, owner, &agreed, problem) : !(mq = mq_new(objects, name, &agreed, owner, problem)))
		return OBJECT_TOO_MANY;
	mq_set(mq, &agreed);
	if (created)
		*created = !mq->created;
	mq->created = true;
	object_finish(&mq->object);
	return OBJECT_DONE;
}

/* --- its messages --- */
size_t mq_cost(const struct bytes *value)
{
	return bytes_cost(value) + sizeof(struct message);
}

bool mq_has_room(const struct mq *mq, const struct mq_options *options, size_t size)
{
	if (mq->messages.count == 0)
		return true;
	if (options->limit_count > 0 && mq->messages.count >= (uint64_t)options->limit_count)
		return false;
	return options->limit_bytes <= 0 || mq->messages.bytes + size <= (uint64_t)options->limit_bytes;
}

void mq_forget(struct mq *mq, struct message *message)
{
	user_bytes_give(mq->object.objects, message->payer, mq_cost(message->value));
	bytes_unref(message->value);
}

void mq_finish(struct mq *mq, uint64_t n)
{
	mq->unfinished -= n < mq->unfinished ? n : mq->unfinished;
}

static void forget(void *user, struct message *message)
{
	mq_forget(user, message);
}

static size_t mq_empty(struct mq *mq)
{
	size_t n = mq->messages.count;

	messages_clear(&mq->messages, forget, mq);
	mq_finish(mq, n);
	return n;
}

size_t mq_clear(struct objects *objects, const struct object_name *name)
{
	struct mq *mq = mq_find(objects, name);

	if (!mq)
		return 0;
	size_t n = mq_empty(mq);

	mq_serve(&mq->object);
	object_finish(&mq->object);
	return n;
}

int mq_delete(struct objects *objects, const struct object_name *name)
{
	struct mq *mq = mq_find(objects, name);

	if (!mq)
		return OBJECT_NOT_FOUND;
	mq_answer_all(mq, OBJECT_DELETED);
	mq_empty(mq);
	mq_receipts_forget(mq);
	mq->created = false;
	object_finish(&mq->object);
	return OBJECT_DONE;
}

/* --- what can be seen of it --- */
size_t mq_peek(
	const struct objects *objects, const struct object_name *name, bool tail, struct bytes **out, size_t count)
{
	const struct mq *mq = mq_find(objects, name);

	return mq ? messages_peek(&mq->messages, tail, out, count) : 0;
}

static void figures_of(const struct mq *mq, struct mq_figures *out)
{
	const struct mq_options *options = &mq->options;

	*out = (struct mq_figures){
		.length = mq->messages.count,
		.bytes = mq->messages.bytes,
		.unacked = mq->n_receipts,
		.unfinished = mq->unfinished,
		.getters = mq->object.line.count,
		.putters = mq->putters.count,
		.created = mq->created,
		.owned = mq->object.maker != NULL,
		.owner = mq->object.maker ? mq->object.maker->uid : 0,
		.options = {
			.order = (int)mq_order(options),
			.limit_count = options->limit_count < 0 ? 0 : options->limit_count,
			.limit_bytes = options->limit_bytes < 0 ? 0 : options->limit_bytes,
			.shared = options->shared > 0,
		},
	};
}

bool mq_figures(const struct objects *objects, const struct object_name *name, struct mq_figures *out)
{
	const struct mq *mq = mq_find(objects, name);

	if (mq)
		figures_of(mq, out);
	return mq != NULL;
}

static void mq_look(const struct object *object, struct object_view *view)
{
	figures_of(mq_of_const(object), &view->mq);
	view->holders = mq_of_const(object)->n_receipts;
}

/* --- the kind --- */
static enum object_rest mq_rest(const struct object *object)
{
	const struct mq *mq = mq_of_const(object);

	return mq->created || mq->messages.count > 0 || mq->n_receipts > 0 ? REST_KEEP : REST_NOTHING;
}

static void mq_fini(struct object *object)
{
	struct mq *mq = mq_of(object);

	mq_empty(mq);
	messages_fini(&mq->messages);
}

static const struct object_class mq_class = {
	.kind = OBJECT_MQ,
	.size = sizeof(struct mq),
	.fini = mq_fini,
	.rest = mq_rest,
	.serve = mq_serve,
	.left = mq_left,
	.put_back = mq_put_back,
	.look = mq_look,
	.waits = mq_waits,
	.holds = mq_holds,
};
