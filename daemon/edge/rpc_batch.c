/* task.submit_batch: several tasks in one request, which may name each other by labels. All of them are read, and their
 * labels resolved, before the core is asked for all or none.
 *
 * They may be very many, so they are read in slices, one user's batches one after the other, since each takes much memory
 * meanwhile. What its connection says behind it waits until it has been submitted, and so does the message that it is in.
 * What may have become otherwise since an item was read, queues and rights and what it waits for, is looked at again before
 * the core is asked; where something has, all is read once more. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge/store.h"
#include "edge/task_batch.h"

#define AGAIN_MOST 3 /* then it is read once more at once, while nothing can change */

static struct task_batch *batch_of(const struct many *many)
{
	return heap_entry(many, struct task_batch, many);
}

struct call batch_call(const struct call *call, const struct task_batch *batch, size_t index, struct reply_place *place)
{
	struct call of = *call;
	*place = (struct reply_place){ .index = index,
		.label = index < batch->read ? batch_item(batch, index)->label : NULL };
	of.to.place = place;
	return of;
}

/* --- reading --- */

static void count_next(const struct call *call, struct task_batch *batch)
{
	struct json_span element;
	if (json_next(&batch->tasks, &batch->cursor, NULL, &element) == 1) {
		batch->count++;
		return;
	}
	batch->cursor = 0;
	batch->phase = BATCH_ANSWERED;
	if (batch->count > BATCH_TASKS_MAX) {
		reply_errorf(&call->to, PROTO_TOO_MANY, "a batch has at most %d tasks, not %zu", BATCH_TASKS_MAX,
			batch->count);
	} else if (!batch->count) {
		reply_text(&call->to, "{\"tasks\":[]}", 12);
	} else {
		batch->phase = BATCH_READS;
		batch->generation = call->edge->rules.generation;
		batch->blocks = xcalloc(batch->count / BATCH_BLOCK + 1, sizeof(batch->blocks[0]));
		batch->specs = xcalloc(batch->count, sizeof(batch->specs[0]));
		batch->acceptance = acceptance_new(ACCEPTANCE_BATCH, batch->count);
		batch->many.total = batch->count;
	}
}

static bool read_params(const struct call *call, struct task_batch *batch, const struct json_span *element)
{
	struct reply_place place;
	const struct call of = batch_call(call, batch, batch->read, &place);
	char error[320];
	if (element->kind != JSON_SPAN_OBJECT) {
		reply_error(&of.to, PROTO_INVALID_PARAMS, "it must be an object, with \"task\" and \"args\"", NULL);
		return false;
	}
	struct batch_item **block = &batch->blocks[batch->read / BATCH_BLOCK], *item;
	size_t left = batch->count - batch->read;
	if (!*block)
		*block = xcalloc(left < BATCH_BLOCK ? left : BATCH_BLOCK, sizeof(*item));
	item = batch_item(batch, batch->read);
	if (params_read(batch_task_params(), element, &item->params, error, sizeof(error)) < 0) {
		reply_error(&of.to, PROTO_INVALID_PARAMS, error, NULL);
		return false;
	}
	batch->read++;
	return true;
}

/* What the answer says of it is kept there from the beginning. */
static void note(struct task_batch *batch, size_t index)
{
	struct batch_item *item = batch_item(batch, index);
	struct acceptance_item *accepted = acceptance_item(batch->acceptance, index);
	const struct submit_options *options = &item->params.options;
	free(accepted->label);
	accepted->label = item->params.label;
	item->label = item->params.label;
	item->params.label = NULL;
	acceptance_watch(batch->acceptance, accepted, item->params.watch);
	batch->n_watched += item->params.watch;
	batch->has_refs |= options->after.count + options->after_any.count > 0;
}

static bool read_item(const struct call *call, struct task_batch *batch, const struct json_span *element)
{
	struct reply_place place;
	size_t index = batch->read;
	if (!read_params(call, batch, element))
		return false;
	struct batch_item *item = batch_item(batch, index);
	note(batch, index);
	const struct call of = batch_call(call, batch, index, &place);
	if (!batch_add_label(&of, batch, index) ||
		!submission_prepare(&of, item->params.task, &item->params.options, &item->submission) ||
		!submission_args(&of, &item->params.args, false, &item->submission))
		return false;
	batch->specs[index] = item->submission.spec;
	batch->durable |= item->submission.spec.durable;
	batch->has_claims |= item->submission.spec.n_claims > 0;
	return true;
}

static void read_next(const struct call *call, struct task_batch *batch)
{
	struct json_span element;
	json_next(&batch->tasks, &batch->cursor, NULL, &element);
	if (!read_item(call, batch, &element)) {
		batch->phase = BATCH_ANSWERED;
	} else if (batch->read == batch->count) {
		batch->phase = batch->has_refs ? BATCH_RESOLVES : BATCH_LOOKS;
		batch->next = 0;
	}
}

static void resolve_next(const struct call *call, struct task_batch *batch)
{
	if (!batch_resolve(call, batch, batch->next))
		batch->phase = BATCH_ANSWERED;
	else if (++batch->next == batch->count)
		batch->phase = BATCH_LOOKS;
}

/* --- looking again --- */

/* What of an item may become otherwise. */
struct stand {
	const struct task_type *type;
	const struct core_queue *queue;
	bool named, said, durable;
};

static struct stand stand_of(const struct task_batch *batch, size_t index)
{
	const struct submit_options *options = &batch_item(batch, index)->params.options;
	const struct task_spec *spec = &batch_item(batch, index)->submission.spec;
	return (struct stand){ spec->type, spec->queue, options->queue, options->durable >= 0, spec->durable };
}

static bool is_same(const struct stand *a, const struct stand *b)
{
	return a->type == b->type && a->queue == b->queue && a->named == b->named && a->said == b->said &&
		a->durable == b->durable;
}

/* Most items are for few queues. */
#define STANDS 64

static bool all_stand(const struct call *call, const struct task_batch *batch)
{
	struct stand stands[STANDS] = { 0 };
	if (batch->generation != call->edge->rules.generation)
		return false;
	for (size_t i = 0; i < batch->count; i++) {
		const struct batch_item *item = batch_item(batch, i);
		const struct stand stand = stand_of(batch, i);
		struct stand *seen = &stands[((uintptr_t)stand.type / 64 + (uintptr_t)stand.queue / 64) % STANDS];
		if (is_same(seen, &stand))
			continue;
		if (!submission_stands(call, &item->params.options, &item->submission))
			return false;
		*seen = stand;
	}
	return true;
}

/* Tasks that have come or gone, and named objects. False: one item cannot be any more, which has been answered. */
static bool find_others(const struct call *call, struct task_batch *batch)
{
	for (size_t i = 0; (batch->has_refs || batch->has_claims) && i < batch->count; i++) {
		struct batch_item *item = batch_item(batch, i);
		struct reply_place place;
		const struct call of = batch_call(call, batch, i, &place);
		submission_find_refs(&of, &item->params.options, &item->submission);
		if (!submission_may_claim(&of, &item->submission))
			return false;
	}
	return true;
}

/* Each is outstanding until its task ends; and so is the batch itself, now. */
static bool may_watch(const struct call *call, const struct task_batch *batch)
{
	const struct connection *connection = call->to.connection;
	if (!batch->n_watched)
		return true;
	if (connection->outstanding - 1 + batch->n_watched <= call->edge->limits.requests)
		return user_may_wait(&call->to, batch->n_watched - 1);
	reply_error(&call->to, PROTO_TOO_MANY, "the batch watches more tasks than max_requests", NULL);
	return false;
}

/* All or none, also on disk: where one is durable, all are. False: the store does not take one, which has been answered. */
static bool store_takes_all(const struct call *call, const struct task_batch *batch)
{
	for (size_t i = 0; batch->durable && i < batch->count; i++) {
		batch->specs[i].durable = true;
		if (!store_takes(&call->to, &batch->specs[i]))
			return false;
	}
	return true;
}

static void look(const struct call *call, struct task_batch *batch)
{
	if (!all_stand(call, batch)) {
		batch->phase = BATCH_DROPS;
		batch->many.is_short |= ++batch->again == AGAIN_MOST;
		return;
	}
	bool good = access_allows(call, RIGHT_SUBMIT) && find_others(call, batch) && may_watch(call, batch) &&
		store_takes_all(call, batch);
	batch->phase = good ? BATCH_READY : BATCH_ANSWERED;
}

/* --- submitting --- */

/* All of them are one user's; only those of its queue count for a queue. */
static struct wanted wanted_by(const struct task_batch *batch, const struct core_queue *queue)
{
	struct wanted wanted = { 0 };
	for (size_t i = 0; i < batch->count; i++) {
		const struct task_spec *spec = &batch->specs[i];
		if (queue && spec->queue != queue)
			continue;
		wanted.count++;
		wanted.bytes += core_submit_cost(spec);
	}
	return wanted;
}

static void refused(
	const struct call *call, const struct task_batch *batch, int refusal, size_t culprit, struct task *task)
{
	const struct task_spec *spec = &batch->specs[culprit];
	struct reply_place place;
	const struct call of = batch_call(call, batch, culprit, &place);
	const struct wanted wanted = wanted_by(batch, refusal == CORE_OVER_SHARE ? NULL : spec->queue);
	if (refusal == CORE_CYCLE) {
		batch_answer_circle(call, batch, culprit);
		return;
	}
	submission_refused(refusal == CORE_CLOSED ? &call->to : &of.to, refusal, spec, wanted, task);
}

/* BEFORE: the newest task before the batch came. Ids rise along a batch, so what is not above all before it was there. */
static void accept(struct task_batch *batch, struct task *const *tasks, uint64_t before)
{
	for (size_t i = 0; i < batch->count; i++) {
		acceptance_set(batch->acceptance, i, tasks[i], tasks[i]->id <= before);
		tasks[i]->detached = true;
		before = tasks[i]->id > before ? tasks[i]->id : before;
	}
}

/* False: it was refused, which has been answered. */
static bool submit(const struct call *call, struct task_batch *batch)
{
	struct task **tasks = xcalloc(batch->count, sizeof(tasks[0]));
	uint64_t before = tasks_newest(call->edge->core), id;
	size_t culprit;
	int refusal = core_submit_batch(call->edge->core, batch->specs, batch->count, tasks, &culprit, &id);
	if (refusal < 0)
		refused(call, batch, refusal, culprit, tasks[culprit]);
	else
		accept(batch, tasks, before);
	free(tasks);
	return refusal >= 0;
}

/* --- letting go of it --- */

/* Of the next one; its block goes with the last one of it. */
static void drop_next(struct task_batch *batch)
{
	size_t index = batch->next++;
	struct batch_item *block = batch->blocks[index / BATCH_BLOCK], *item = &block[index % BATCH_BLOCK];
	submission_free(&item->submission);
	params_free(batch_task_params(), &item->params);
	if (batch->next % BATCH_BLOCK && batch->next < batch->read)
		return;
	batch->blocks[index / BATCH_BLOCK] = NULL;
	free(block);
}

/* To read it again from its beginning. */
static void start_again(const struct call *call, struct task_batch *batch)
{
	free(batch->labels);
	batch->labels = NULL;
	batch->cursor = batch->read = batch->next = batch->n_watched = 0;
	batch->durable = batch->has_refs = batch->has_claims = false;
	batch->generation = call->edge->rules.generation;
	batch->phase = BATCH_READS;
}

static void drop_to_read(const struct call *call, struct task_batch *batch)
{
	if (batch->next < batch->read)
		drop_next(batch);
	else
		start_again(call, batch);
}

static bool leave(struct many *many)
{
	struct task_batch *batch = batch_of(many);
	while (batch->next < batch->read) {
		drop_next(batch);
		if (!many_has_time(many))
			break;
	}
	return batch->next == batch->read;
}

static void left(struct many *many)
{
	struct task_batch *batch = batch_of(many);
	if (batch->blocks && batch->read < batch->count)
		free(batch->blocks[batch->read / BATCH_BLOCK]); /* of one whose parameters made no sense */
	free(batch->blocks);
	free(batch->specs);
	free(batch->labels);
	free(batch);
}

/* Its connection may be on the way out. */
static void batch_free(struct many *many)
{
	static const struct many_kind leaving = { .go_on = leave, .finish = left };
	struct task_batch *batch = batch_of(many);
	struct connection *connection = many->request->connection;
	if (connection->intake == many)
		connection->intake = NULL;
	if (connection->user->intake == many)
		connection->user->intake = NULL;
	connection_touch(connection);
	if (batch->text)
		connection_discharge(connection, batch->tasks.length);
	free(batch->text);
	if (batch->acceptance)
		acceptance_drop(batch->acceptance, many->edge, &many->peer);
	batch->next = 0;
	while (batch->read <= MANY_SHORT && batch->next < batch->read)
		drop_next(batch);
	if (batch->next == batch->read)
		left(many);
	else
		many_leave(many, &leaving, connection->edge, &connection->peer);
}

/* --- as a request --- */

static void step(const struct call *call, struct task_batch *batch)
{
	switch (batch->phase) {
	case BATCH_COUNTS:
		count_next(call, batch);
		break;
	case BATCH_READS:
		read_next(call, batch);
		break;
	case BATCH_RESOLVES:
		resolve_next(call, batch);
		break;
	case BATCH_LOOKS:
		look(call, batch);
		break;
	case BATCH_DROPS:
		drop_to_read(call, batch);
		break;
	case BATCH_READY:
	case BATCH_ANSWERED:
		break;
	}
}

static struct call call_of(const struct task_batch *batch)
{
	return (struct call){ .edge = batch->many.edge, .to = request_reply_to(batch->many.request), .method = batch->method };
}

/* Whether it is the turn of this one of its user's batches. */
static bool is_its_turn(struct many *many)
{
	struct user *user = many->request->connection->user;
	if (many->is_short)
		return true;
	if (!user->intake)
		user->intake = many;
	return user->intake == many;
}

static bool go_on(struct many *many)
{
	struct task_batch *batch = batch_of(many);
	const struct call call = call_of(batch);
	if (!is_its_turn(many))
		return false;
	if (batch->later)
		backlog_use(call.to.connection, true);
	do
		step(&call, batch);
	while (batch->phase < BATCH_READY && many_has_time(many));
	if (batch->later)
		backlog_use(call.to.connection, false);
	many->done = 0;
	return batch->phase >= BATCH_READY;
}

static void finish(struct many *many)
{
	struct task_batch *batch = batch_of(many);
	struct request *request = many->request;
	const struct call call = call_of(batch);
	struct acceptance *acceptance = NULL;
	bool is_told = request->id || batch->n_watched;
	connection_looked(call.to.connection, batch->read);
	if (batch->phase == BATCH_READY && submit(&call, batch) && is_told) {
		acceptance = batch->acceptance;
		batch->acceptance = NULL;
	}
	many_let_go(many);
	if (acceptance)
		acceptance_wait(acceptance, request);
	else
		request_free(request);
}

/* It is not over with its first slice, so the text has to stay. */
static void keep_text(struct connection *connection, struct task_batch *batch)
{
	batch->later = true;
	if (backlog_has(connection, &batch->tasks))
		return;
	batch->text = malloc(batch->tasks.length);
	if (!batch->text) {
		connection_close(connection, "no memory for its requests");
		return;
	}
	memcpy(batch->text, batch->tasks.text, batch->tasks.length);
	batch->tasks.text = batch->text;
	connection_charge(connection, batch->tasks.length);
}

/* As far as it matters. */
static size_t count_few(const struct json_span *tasks)
{
	struct json_span element;
	size_t cursor = 0, count = 0;
	while (count <= MANY_SHORT && json_next(tasks, &cursor, NULL, &element) == 1)
		count++;
	return count <= MANY_SHORT ? count : SIZE_MAX;
}

void rpc_task_submit_batch(const struct call *call)
{
	static const struct many_kind kind = {
		.go_on = go_on,
		.finish = finish,
		.free = batch_free,
		.cancelled = "the request was cancelled; nothing was submitted",
	};
	struct connection *connection = call->to.connection;
	struct batch_params params = { 0 };
	if (!call_params(call, &params))
		return;
	struct task_batch *batch = xcalloc(1, sizeof(*batch));
	batch->method = call->method;
	batch->tasks = params.tasks;
	connection->intake = &batch->many;
	many_begin(&batch->many, &kind, &call->to, count_few(&params.tasks));
	if (connection->intake)
		keep_text(connection, batch);
	call_params_free(call, &params);
}
