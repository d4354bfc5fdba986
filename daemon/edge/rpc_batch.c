/* task.submit_batch: several tasks in one request, which may name each other by labels. All of them are read, and their
 * labels resolved, before the core is asked for all or none. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge/acceptance.h"
#include "edge/store.h"
#include "proto/suggest.h"

struct item {
	struct batch_task_params params;
	struct submission submission;
};

struct task_batch {
	struct item *items;
	size_t count;
	size_t read;         /* so many have something to free */
	struct names labels; /* items */
};

static uint64_t label_hash(const void *value)
{
	const struct item *item = value;
	return table_hash(item->params.label, strlen(item->params.label));
}

static bool label_equals(const void *value, const char *name, size_t length)
{
	const struct item *item = value;
	return strlen(item->params.label) == length && memcmp(item->params.label, name, length) == 0;
}

static void batch_fini(struct task_batch *batch)
{
	for (size_t i = 0; i < batch->read; i++) {
		submission_free(&batch->items[i].submission);
		params_free(batch_task_params(), &batch->items[i].params);
	}
	names_fini(&batch->labels);
	free(batch->items);
}

/* --- reading --- */

static bool add_label(const struct call *call, struct task_batch *batch, struct item *item)
{
	const char *label = item->params.label;
	if (!label)
		return true;
	if (!param_is_label(label)) {
		reply_error(&call->to, PROTO_INVALID_PARAMS,
			"a label is a letter or \"_\", then letters, digits, \"_\" and \"-\"", NULL);
		return false;
	}
	if (names_get(&batch->labels, label, strlen(label))) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "another task of the batch has that label", NULL);
		return false;
	}
	names_put(&batch->labels, item);
	return true;
}

/* CALL, with its errors about item INDEX. */
static struct call call_of(
	const struct call *call, const struct task_batch *batch, size_t index, struct reply_place *place)
{
	struct call of = *call;
	*place = (struct reply_place){ .index = index,
		.label = index < batch->read ? batch->items[index].params.label : NULL };
	of.to.place = place;
	return of;
}

static bool read_params(const struct call *call, struct task_batch *batch, const struct json_span *element)
{
	struct reply_place place;
	const struct call of = call_of(call, batch, batch->read, &place);
	char error[320];
	if (element->kind != JSON_SPAN_OBJECT) {
		reply_error(&of.to, PROTO_INVALID_PARAMS, "it must be an object, with \"task\" and \"args\"", NULL);
		return false;
	}
	if (params_read(batch_task_params(), element, &batch->items[batch->read].params, error, sizeof(error)) < 0) {
		reply_error(&of.to, PROTO_INVALID_PARAMS, error, NULL);
		return false;
	}
	batch->read++;
	return true;
}

static bool read_item(const struct call *call, struct task_batch *batch, const struct json_span *element)
{
	struct item *item = &batch->items[batch->read];
	struct reply_place place;
	if (!read_params(call, batch, element))
		return false;
	const struct call of = call_of(call, batch, batch->read - 1, &place);
	return add_label(&of, batch, item) &&
		submission_prepare(&of, item->params.task, &item->params.options, &item->submission) &&
		submission_args(&of, &item->params.args, false, &item->submission);
}

static bool read_items(const struct call *call, struct task_batch *batch, const struct json_span *tasks)
{
	struct json_span element;
	size_t cursor = 0, count = json_count(tasks);
	if (count > BATCH_TASKS_MAX) {
		reply_errorf(
			&call->to, PROTO_TOO_MANY, "a batch has at most %d tasks, not %zu", BATCH_TASKS_MAX, count);
		return false;
	}
	batch->items = xcalloc(count ? count : 1, sizeof(batch->items[0]));
	batch->count = count;
	for (size_t i = 0; i < count; i++) {
		json_next(tasks, &cursor, NULL, &element);
		if (!read_item(call, batch, &element))
			return false;
	}
	return true;
}

/* --- labels --- */

static void unknown_label(const struct call *call, const struct task_batch *batch, const char *label)
{
	struct suggest suggest;
	suggest_begin(&suggest, label);
	for (size_t i = 0; i < batch->count; i++)
		if (batch->items[i].params.label)
			suggest_offer(&suggest, batch->items[i].params.label);
	reply_unknown(&call->to, PROTO_INVALID_PARAMS, "label", label, suggest.best);
}

static bool resolve(
	const struct call *call, const struct task_batch *batch, const struct param_refs *from, struct task_ref *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *label = from->refs[i].label;
		if (!label)
			continue;
		const struct item *item = names_get(&batch->labels, label, strlen(label));
		if (!item) {
			unknown_label(call, batch, label);
			return false;
		}
		to[i].index = (size_t)(item - batch->items);
	}
	return true;
}

static bool resolve_all(const struct call *call, struct task_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct item *item = &batch->items[i];
		const struct submit_options *options = &item->params.options;
		struct reply_place place;
		const struct call of = call_of(call, batch, i, &place);
		if (!resolve(&of, batch, &options->after, item->submission.refs) ||
			!resolve(&of, batch, &options->after_any, item->submission.refs + options->after.count))
			return false;
	}
	return true;
}

/* --- circles --- */

static uint64_t key_hash(const void *value)
{
	const struct task_spec *spec = &((const struct item *)value)->submission.spec;
	return table_hash(spec->key, spec->key_length);
}

static bool key_equals(const void *value, const char *name, size_t length)
{
	const struct task_spec *spec = &((const struct item *)value)->submission.spec;
	return spec->key_length == length && memcmp(spec->key, name, length) == 0;
}

/* Items of one key are one task: who waits for any of them waits for the first. */
static void merge_keys(const struct task_batch *batch)
{
	size_t *first = xreallocarray(NULL, batch->count, sizeof(first[0]));
	struct names keys;
	names_init(&keys, key_hash, key_equals);
	for (size_t i = 0; i < batch->count; i++) {
		const struct task_spec *spec = &batch->items[i].submission.spec;
		const struct item *item = spec->key ? names_get(&keys, spec->key, spec->key_length) : NULL;
		first[i] = item ? (size_t)(item - batch->items) : i;
		if (spec->key && !item)
			names_put(&keys, &batch->items[i]);
	}
	for (size_t i = 0; i < batch->count; i++) {
		const struct submission *submission = &batch->items[i].submission;
		for (size_t at = 0; at < submission->spec.n_after + submission->spec.n_after_any; at++)
			if (!submission->refs[at].id)
				submission->refs[at].index = first[submission->refs[at].index];
	}
	names_fini(&keys);
	free(first);
}

/* What the INDEXth thing is that item waits for: another item, or -1; -2: there is none. */
static ssize_t waits_for(const struct item *item, size_t index)
{
	const struct task_spec *spec = &item->submission.spec;
	if (index >= spec->n_after + spec->n_after_any)
		return -2;
	const struct task_ref *ref = &item->submission.refs[index];
	return ref->id ? -1 : (ssize_t)ref->index;
}

/* Where a walk along what tasks wait for stands. */
struct step {
	size_t item;
	size_t next; /* of what it waits for */
};

/* Walks until it comes to an item that it is on the way from. The circle is from *first to the last of PATH, of which
 * there are so many; 0: there is none. SEEN: 1: on the path, 2: leads to no circle. */
static size_t walk(const struct task_batch *batch, size_t from, struct step *path, char *seen, size_t *first)
{
	size_t length = 0;
	path[length++] = (struct step){ .item = from };
	seen[from] = 1;
	while (length) {
		struct step *step = &path[length - 1];
		ssize_t other = waits_for(&batch->items[step->item], step->next++);
		if (other == -2) {
			seen[step->item] = 2;
			length--;
		} else if (other >= 0 && !seen[other]) {
			path[length++] = (struct step){ .item = (size_t)other };
			seen[other] = 1;
		} else if (other >= 0 && seen[other] == 1) {
			for (*first = 0; path[*first].item != (size_t)other; (*first)++)
				;
			return length;
		}
	}
	return 0;
}

static void name_item(struct strbuf *out, const struct task_batch *batch, size_t index, bool json)
{
	const char *label = batch->items[index].params.label;
	if (!label)
		strbuf_printf(out, "%zu", index);
	else if (json)
		strbuf_json_string(out, label, strlen(label));
	else
		strbuf_puts(out, label);
}

#define CIRCLE_SHOWN 10 /* in the message; the data has all */

static void answer_circle(
	const struct call *call, const struct task_batch *batch, const struct step *path, size_t length)
{
	struct strbuf message = STRBUF_INIT, data = STRBUF_INIT;
	strbuf_puts(&message, "tasks of the batch wait for each other in a circle: ");
	error_data_begin(&data, PROTO_DEPENDENCY_CYCLE);
	strbuf_puts(&data, ",\"cycle\":[");
	for (size_t i = 0; i < length; i++) {
		strbuf_puts(&data, i ? "," : "");
		name_item(&data, batch, path[i].item, true);
		if (i < CIRCLE_SHOWN) {
			name_item(&message, batch, path[i].item, false);
			strbuf_puts(&message, " → ");
		}
	}
	strbuf_puts(&data, "]}");
	strbuf_puts(&message, length > CIRCLE_SHOWN ? "… → " : "");
	name_item(&message, batch, path[0].item, false);
	reply_error(&call->to, PROTO_DEPENDENCY_CYCLE, message.data, data.data);
	strbuf_free(&message);
	strbuf_free(&data);
}

static void find_circle(const struct call *call, const struct task_batch *batch, size_t from)
{
	struct step *path = xreallocarray(NULL, batch->count, sizeof(path[0]));
	char *seen = xcalloc(batch->count, 1);
	size_t first = 0;
	merge_keys(batch);
	size_t length = walk(batch, from, path, seen, &first);
	if (length)
		answer_circle(call, batch, path + first, length - first);
	else
		reply_error(&call->to, PROTO_DEPENDENCY_CYCLE, NULL, NULL);
	free(path);
	free(seen);
}

/* --- submitting --- */

/* BEFORE: the newest task before the batch came. Ids rise along a batch, so what is not above all before it was there. */
static void answer(const struct call *call, struct task_batch *batch, struct task *const *tasks, uint64_t before)
{
	struct acceptance *acceptance = acceptance_new(ACCEPTANCE_BATCH, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		struct acceptance_item *item = acceptance_set(acceptance, i, tasks[i], tasks[i]->id <= before);
		tasks[i]->detached = true;
		item->label = batch->items[i].params.label;
		batch->items[i].params.label = NULL;
		acceptance_watch(acceptance, item, batch->items[i].params.watch);
		before = tasks[i]->id > before ? tasks[i]->id : before;
	}
	acceptance_send(acceptance, &call->to);
}

/* Each is outstanding until its task ends. */
static bool may_watch(const struct call *call, const struct task_batch *batch)
{
	const struct connection *connection = call->to.connection;
	size_t wanted = 0;
	for (size_t i = 0; i < batch->count; i++)
		wanted += batch->items[i].params.watch;
	if (!wanted)
		return true;
	if (connection->outstanding + wanted <= call->edge->limits.requests)
		return user_may_wait(&call->to, wanted);
	reply_error(&call->to, PROTO_TOO_MANY, "the batch watches more tasks than max_requests", NULL);
	return false;
}

/* All of them are one user's; only those of its queue count for a queue. */
static struct wanted wanted_by(const struct task_batch *batch, const struct core_queue *queue)
{
	struct wanted wanted = { 0 };
	for (size_t i = 0; i < batch->count; i++) {
		const struct task_spec *spec = &batch->items[i].submission.spec;
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
	const struct task_spec *spec = &batch->items[culprit].submission.spec;
	struct reply_place place;
	const struct call of = call_of(call, batch, culprit, &place);
	const struct wanted wanted = wanted_by(batch, refusal == CORE_OVER_SHARE ? NULL : spec->queue);
	if (refusal == CORE_CYCLE) {
		find_circle(call, batch, culprit);
		return;
	}
	submission_refused(refusal == CORE_CLOSED ? &call->to : &of.to, refusal, spec, wanted, task);
}

/* All or none, also on disk: where one is durable, all are. */
static void make_durable(struct task_batch *batch)
{
	bool durable = false;
	for (size_t i = 0; i < batch->count; i++)
		durable |= batch->items[i].submission.spec.durable;
	for (size_t i = 0; i < batch->count; i++)
		batch->items[i].submission.spec.durable = durable;
}

static bool store_takes_all(const struct call *call, const struct task_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (!store_takes(&call->to, &batch->items[i].submission.spec))
			return false;
	return true;
}

static void submit(const struct call *call, struct task_batch *batch)
{
	struct task_spec *specs = xreallocarray(NULL, batch->count, sizeof(specs[0]));
	struct task **tasks = xcalloc(batch->count, sizeof(tasks[0]));
	uint64_t before = tasks_newest(call->edge->core), id;
	size_t culprit;
	for (size_t i = 0; i < batch->count; i++)
		specs[i] = batch->items[i].submission.spec;
	int refusal = core_submit_batch(call->edge->core, specs, batch->count, tasks, &culprit, &id);
	if (refusal < 0)
		refused(call, batch, refusal, culprit, tasks[culprit]);
	else
		answer(call, batch, tasks, before);
	connection_looked(call->to.connection, batch->count);
	free(specs);
	free(tasks);
}

void rpc_task_submit_batch(const struct call *call)
{
	struct batch_params params = { 0 };
	struct task_batch batch = { 0 };
	if (!call_params(call, &params))
		return;
	names_init(&batch.labels, label_hash, label_equals);
	if (read_items(call, &batch, &params.tasks) && resolve_all(call, &batch) && may_watch(call, &batch)) {
		make_durable(&batch);
		if (batch.count && store_takes_all(call, &batch))
			submit(call, &batch);
		else if (!batch.count)
			reply_text(&call->to, "{\"tasks\":[]}", 12);
	}
	batch_fini(&batch);
	call_params_free(call, &params);
}
