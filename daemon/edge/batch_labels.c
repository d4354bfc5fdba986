/* How the tasks of a batch name each other: their labels, and what is told where they wait for each other in a circle. */
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/table.h"
#include "base/xmalloc.h"
#include "edge/task_batch.h"
#include "proto/suggest.h"

#define OFFERED 1000 /* items whose labels may be what was meant */

/* --- labels --- */

/* Where LABEL is in the table, or would be. There is room for all that there may be, so that it never has to grow, which
 * would take its time with many. */
static uint32_t *find_label(const struct task_batch *batch, const char *label, uint32_t hash)
{
	for (size_t at = hash & (batch->labels_room - 1);; at = (at + 1) & (batch->labels_room - 1)) {
		const struct batch_item *item = batch->labels[at] ? batch_item(batch, batch->labels[at] - 1) : NULL;
		if (!item || (item->label_hash == hash && !strcmp(item->label, label)))
			return &batch->labels[at];
	}
}

static void make_labels(struct task_batch *batch)
{
	batch->labels_room = 16;
	while (batch->labels_room < 2 * batch->count)
		batch->labels_room *= 2;
	batch->labels = xcalloc(batch->labels_room, sizeof(batch->labels[0]));
}

bool batch_add_label(const struct call *call, struct task_batch *batch, size_t index)
{
	struct batch_item *item = batch_item(batch, index);
	if (!item->label)
		return true;
	if (!param_is_label(item->label)) {
		reply_error(&call->to, PROTO_INVALID_PARAMS,
			"a label is a letter or \"_\", then letters, digits, \"_\" and \"-\"", NULL);
		return false;
	}
	if (!batch->labels)
		make_labels(batch);
	item->label_hash = (uint32_t)table_hash(item->label, strlen(item->label));
	uint32_t *place = find_label(batch, item->label, item->label_hash);
	if (*place) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "another task of the batch has that label", NULL);
		return false;
	}
	*place = (uint32_t)index + 1;
	return true;
}

static void unknown_label(const struct call *call, const struct task_batch *batch, const char *label)
{
	struct suggest suggest;
	suggest_begin(&suggest, label);
	for (size_t i = 0; i < batch->count && i < OFFERED; i++)
		if (batch_item(batch, i)->label)
			suggest_offer(&suggest, batch_item(batch, i)->label);
	reply_unknown(&call->to, PROTO_INVALID_PARAMS, "label", label, suggest.best);
}

static bool resolve(
	const struct call *call, const struct task_batch *batch, const struct param_refs *from, struct task_ref *to)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *label = from->refs[i].label;
		if (!label)
			continue;
		uint32_t place = batch->labels ?
			*find_label(batch, label, (uint32_t)table_hash(label, strlen(label))) : 0;
		if (!place) {
			unknown_label(call, batch, label);
			return false;
		}
		to[i].index = place - 1;
	}
	return true;
}

bool batch_resolve(const struct call *call, struct task_batch *batch, size_t index)
{
	struct batch_item *item = batch_item(batch, index);
	const struct submit_options *options = &item->params.options;
	struct reply_place place;
	const struct call of = batch_call(call, batch, index, &place);
	return resolve(&of, batch, &options->after, item->submission.refs) &&
		resolve(&of, batch, &options->after_any, item->submission.refs + options->after.count);
}

/* --- circles --- */

static uint64_t key_hash(const void *value)
{
	const struct task_spec *spec = value;
	return table_hash(spec->key, spec->key_length);
}

static bool key_equals(const void *value, const char *name, size_t length)
{
	const struct task_spec *spec = value;
	return spec->key_length == length && memcmp(spec->key, name, length) == 0;
}

static size_t n_refs(const struct task_spec *spec)
{
	return spec->n_after + spec->n_after_any;
}

/* Items of one key are one task: who waits for any of them waits for the first. */
static void merge_keys(const struct task_batch *batch)
{
	size_t *first = xreallocarray(NULL, batch->count, sizeof(first[0]));
	struct names keys;
	names_init(&keys, key_hash, key_equals);
	for (size_t i = 0; i < batch->count; i++) {
		const struct task_spec *spec = &batch->specs[i];
		const struct task_spec *other = spec->key ? names_get(&keys, spec->key, spec->key_length) : NULL;
		first[i] = other ? (size_t)(other - batch->specs) : i;
		if (spec->key && !other)
			names_put(&keys, &batch->specs[i]);
	}
	for (size_t i = 0; i < batch->count; i++) {
		struct task_ref *refs = batch_item(batch, i)->submission.refs;
		for (size_t at = 0; at < n_refs(&batch->specs[i]); at++)
			if (!refs[at].id)
				refs[at].index = first[refs[at].index];
	}
	names_fini(&keys);
	free(first);
}

/* What the INDEXth thing is that item waits for: another item, or -1; -2: there is none. */
static ssize_t waits_for(const struct task_batch *batch, size_t item, size_t index)
{
	if (index >= n_refs(&batch->specs[item]))
		return -2;
	const struct task_ref *ref = &batch_item(batch, item)->submission.refs[index];
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
		ssize_t other = waits_for(batch, step->item, step->next++);
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
	const char *label = batch_item(batch, index)->label;
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

void batch_answer_circle(const struct call *call, const struct task_batch *batch, size_t from)
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
