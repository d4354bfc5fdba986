/* Acknowledgements. A durable task is acknowledged when it is on disk, so the answer to its submission waits for that; that
 * of several waits for all of them. What could not be recorded was not taken, and the answer is that error instead. */
#include "edge/acceptance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "proto/jsonrpc.h"

struct acceptance {
	struct request *request; /* NULL until it waits */
	enum acceptance_form form;
	bool cancelled;       /* by its client */
	enum proto_error why; /* some were refused: for that */
	char *message;        /* malloc'ed */
	size_t n, left;       /* so many are waited for */
	struct acceptance_item items[];
};

struct acceptance *acceptance_new(enum acceptance_form form, size_t n)
{
	struct acceptance *acceptance = xcalloc(1, sizeof(*acceptance) + n * sizeof(acceptance->items[0]));
	acceptance->form = form;
	acceptance->n = n;
	return acceptance;
}

/* What is told of it: how it stands now. */
static void settle(struct acceptance_item *item, struct task *task)
{
	if (task->slot)
		core_task_look(task);
	item->task = NULL;
	item->id = task->id;
	item->state = task_state_name(task->state);
	item->disk = task->durable && task->on_disk;
}

struct acceptance_item *acceptance_set(struct acceptance *acceptance, size_t index, struct task *task)
{
	struct acceptance_item *item = &acceptance->items[index];
	item->acceptance = acceptance;
	if (!task)
		return item;
	settle(item, task);
	if (task->durable && !task->on_disk)
		item->task = task;
	return item;
}

static void acceptance_free(struct acceptance *acceptance)
{
	for (size_t i = 0; i < acceptance->n; i++) {
		free(acceptance->items[i].label);
		free(acceptance->items[i].error);
	}
	free(acceptance->message);
	free(acceptance);
}

/* --- the answer --- */

static const char *durability(const struct acceptance_item *item)
{
	return item->disk ? "disk" : "memory";
}

static void put_task(struct strbuf *out, const struct acceptance_item *item)
{
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\",\"state\":\"%s\",\"durability\":\"%s\"", item->id, item->state,
		durability(item));
	if (item->label) {
		strbuf_puts(out, ",\"label\":");
		strbuf_json_string(out, item->label, strlen(item->label));
	}
	strbuf_puts(out, item->duplicate ? ",\"duplicate\":true}" : "}");
}

static void put_retry(struct strbuf *out, const struct acceptance_item *item)
{
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\",", item->of);
	if (item->error)
		strbuf_printf(out, "\"error\":%s}", item->error);
	else
		strbuf_printf(out, "\"retried_as\":\"%" PRIu64 "\",\"durability\":\"%s\"}", item->id, durability(item));
}

static void put(struct strbuf *out, const struct acceptance *acceptance)
{
	bool batch = acceptance->form == ACCEPTANCE_BATCH, retries = acceptance->form == ACCEPTANCE_RETRIES;
	strbuf_puts(out, batch ? "{\"tasks\":[" : retries ? "[" : "");
	for (size_t i = 0; i < acceptance->n; i++) {
		strbuf_puts(out, i ? "," : "");
		if (retries)
			put_retry(out, &acceptance->items[i]);
		else
			put_task(out, &acceptance->items[i]);
	}
	strbuf_puts(out, batch ? "]}" : retries ? "]" : "");
}

/* What was refused never was. Of a batch that is all or none; but a task that it was given by its key is another's. */
static bool was_taken(const struct acceptance *acceptance)
{
	bool refused = false;
	for (size_t i = 0; i < acceptance->n; i++) {
		if (!acceptance->items[i].refused && !acceptance->items[i].duplicate)
			return true;
		refused |= acceptance->items[i].refused;
	}
	return !refused;
}

static void reply_cancelled(const struct acceptance *acceptance, const struct reply_to *to)
{
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, PROTO_CANCELLED);
	if (acceptance->form == ACCEPTANCE_TASK)
		strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\"", acceptance->items[0].id);
	strbuf_puts(&data, "}");
	reply_error(to, PROTO_CANCELLED, "the request was cancelled, and what it had submitted", data.data);
	strbuf_free(&data);
}

static void reply(const struct acceptance *acceptance, const struct reply_to *to)
{
	struct strbuf out = STRBUF_INIT;
	bool retries = acceptance->form == ACCEPTANCE_RETRIES;
	if (retries && acceptance->n == 1 && acceptance->items[0].error) {
		strbuf_puts(&out, acceptance->items[0].error);
		reply_error_object(to, &out);
		strbuf_free(&out);
		return;
	}
	if (acceptance->cancelled) {
		reply_cancelled(acceptance, to);
	} else if (!retries && !was_taken(acceptance)) {
		reply_error(to, acceptance->why, acceptance->message, NULL);
	} else {
		put(&out, acceptance);
		reply_buffer(to, &out);
	}
}

static void watch(const struct acceptance *acceptance, struct connection *connection)
{
	struct task *task;
	for (size_t i = 0; i < acceptance->n; i++)
		if (acceptance->items[i].watch && !acceptance->items[i].refused &&
			core_find(connection->edge->core, acceptance->items[i].id, &task) == CORE_FOUND)
			call_watch(connection, task);
}

/* Nothing is waited for any more. */
static void finish(struct acceptance *acceptance)
{
	struct request *request = acceptance->request;
	const struct reply_to to = request_reply_to(request);
	reply(acceptance, &to);
	watch(acceptance, to.connection);
	acceptance_free(acceptance);
	request_free(request);
}

/* --- waiting --- */

/* It has come in, or is over where that was waited for. */
static void came_in(struct task_waiter *waiter, struct task *task)
{
	struct acceptance_item *item = heap_entry(waiter, struct acceptance_item, waiter);
	settle(item, task);
	if (--item->acceptance->left == 0)
		finish(item->acceptance);
}

/* In words, for a retry, which is answered one by one. */
static void note_error(struct acceptance_item *item, enum proto_error why, const char *message)
{
	struct strbuf error = STRBUF_INIT, data = STRBUF_INIT;
	size_t length;
	error_data_begin(&data, why);
	strbuf_puts(&data, "}");
	rpc_error_object(&error, proto_error_info(why)->code, message, data.data);
	item->error = strbuf_take(&error, &length);
	strbuf_free(&error);
	strbuf_free(&data);
}

static void was_refused(struct task_waiter *waiter, struct task *task)
{
	struct acceptance_item *item = heap_entry(waiter, struct acceptance_item, waiter);
	struct acceptance *acceptance = item->acceptance;
	const struct task_outcome *outcome = task->outcome;
	int kind = outcome && outcome->kind ? proto_error_of_kind(outcome->kind) : -1;
	settle(item, task);
	item->refused = true;
	if (!acceptance->message) {
		acceptance->why = kind < 0 ? PROTO_STORE_FAILED : (enum proto_error)kind;
		acceptance->message = xstrdup(
			outcome && outcome->message ? outcome->message : proto_error_info(acceptance->why)->text);
	}
	if (acceptance->form == ACCEPTANCE_RETRIES)
		note_error(item, acceptance->why, acceptance->message);
	if (--acceptance->left == 0)
		finish(acceptance);
}

static void stop_waiting(struct acceptance_item *item)
{
	struct task *task = item->task;
	task_unwait(&item->waiter);
	settle(item, task);
	item->acceptance->left--;
}

static void acceptance_abandon(struct request *request)
{
	struct acceptance *acceptance = request->state;
	for (size_t i = 0; i < acceptance->n; i++)
		if (acceptance->items[i].task)
			stop_waiting(&acceptance->items[i]);
	acceptance_free(acceptance);
}

/* That TASK is cancelled is certain when its end is on disk, and not when it is itself: it might be run after a restart. */
static void wait_for_end(struct acceptance_item *item, struct task *task)
{
	if (task_state_is_terminal(task->state))
		return;
	if (item->task)
		task_unwait(&item->waiter);
	else
		item->acceptance->left++;
	item->task = task;
	item->waiter = (struct task_waiter){ .ended = came_in };
	task_wait(task, &item->waiter);
}

/* What it has submitted is cancelled, and the answer says so when that much is certain; what it was only given by a key is
 * others' business. */
static void acceptance_cancel(struct request *request, struct strbuf *out)
{
	struct acceptance *acceptance = request->state;
	struct task *task;
	bool first = true;
	acceptance->cancelled = true;
	for (size_t i = 0; i < acceptance->n; i++) {
		struct acceptance_item *item = &acceptance->items[i];
		if (item->duplicate && item->task)
			stop_waiting(item);
		if (item->duplicate || !item->id ||
			core_find(request->connection->edge->core, item->id, &task) != CORE_FOUND)
			continue;
		core_cancel(task);
		wait_for_end(item, task);
		if (out) {
			strbuf_puts(out, first ? "" : ",");
			record_write_state(out, task->id, task_state_name(task->state));
			first = false;
		}
	}
	if (acceptance->left == 0)
		finish(acceptance);
}

static void acceptance_status(struct request *request, struct strbuf *out)
{
	const struct acceptance *acceptance = request->state;
	strbuf_printf(out, "{\"state\":\"recording\",\"tasks\":%zu,\"ended\":0}", acceptance->n);
}

/* Ends are waited for only of those that are cancelled. */
static bool acceptance_each(const struct request *request, bool (*visit)(void *user, struct task *task), void *user)
{
	const struct acceptance *acceptance = request->state;
	for (size_t i = 0; i < acceptance->n; i++) {
		struct task *task = acceptance->cancelled ? acceptance->items[i].task : NULL;
		if (task && task->on_disk && !visit(user, task))
			return false;
	}
	return true;
}

static const struct request_kind acceptance_kind = {
	.abandon = acceptance_abandon,
	.cancel = acceptance_cancel,
	.status = acceptance_status,
	.each = acceptance_each,
};

static void begin_to_wait(struct acceptance *acceptance, const struct reply_to *to)
{
	acceptance->request = request_new(to, &acceptance_kind);
	acceptance->request->state = acceptance;
	for (size_t i = 0; i < acceptance->n; i++) {
		struct acceptance_item *item = &acceptance->items[i];
		if (!item->task)
			continue;
		item->waiter = (struct task_waiter){ .ended = was_refused, .recorded = came_in };
		acceptance->left++;
		request_charge(acceptance->request, item->duplicate ? 0 : core_args_size(item->task));
		task_wait(item->task, &item->waiter);
	}
}

static bool waits(const struct acceptance *acceptance, const struct reply_to *to)
{
	bool watched = false, recording = false;
	for (size_t i = 0; i < acceptance->n; i++) {
		watched |= acceptance->items[i].watch;
		recording |= acceptance->items[i].task != NULL;
	}
	return recording && (to->id || watched);
}

void acceptance_send(struct acceptance *acceptance, const struct reply_to *to)
{
	if (waits(acceptance, to)) {
		begin_to_wait(acceptance, to);
		return;
	}
	reply(acceptance, to);
	watch(acceptance, to->connection);
	acceptance_free(acceptance);
}
