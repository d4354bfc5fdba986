/* Acknowledgements. A durable task is acknowledged when it is on disk, so the answer to its submission waits for that; that
 * of several waits for all of them. What could not be recorded was not taken, and the answer is that error instead. */
#include "edge/acceptance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "proto/jsonrpc.h"

#define BLOCK 256 /* items that come and go at once */

struct acceptance {
	struct many many;        /* the answer, or what is left of it, where that takes some turns */
	size_t next;             /* … where it stands */
	struct request *request; /* NULL until it waits */
	enum acceptance_form form;
	size_t asked;            /* bytes of arguments that the request is charged with while it waits */
	bool watched;            /* some are */
	bool cancelled;       /* by its client */
	enum proto_error why; /* some were refused: for that */
	char *message;        /* malloc'ed */
	size_t n, left;       /* so many are waited for */
	struct acceptance_item *blocks[]; /* each of BLOCK, malloc'ed */
};

static size_t count_blocks(size_t n)
{
	return (n + BLOCK - 1) / BLOCK;
}

struct acceptance *acceptance_new(enum acceptance_form form, size_t n)
{
	struct acceptance *acceptance =
		xcalloc(1, sizeof(*acceptance) + count_blocks(n) * sizeof(acceptance->blocks[0]));
	acceptance->form = form;
	acceptance->n = n;
	return acceptance;
}

static struct acceptance_item *item_of(const struct acceptance *acceptance, size_t index)
{
	return &acceptance->blocks[index / BLOCK][index % BLOCK];
}

struct acceptance_item *acceptance_item(struct acceptance *acceptance, size_t index)
{
	size_t at = index / BLOCK * BLOCK, count = acceptance->n - at < BLOCK ? acceptance->n - at : BLOCK;
	if (!acceptance->blocks[index / BLOCK])
		acceptance->blocks[index / BLOCK] = xcalloc(count, sizeof(struct acceptance_item));
	return item_of(acceptance, index);
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

static void came_in(struct task_waiter *waiter, struct task *task);
static void was_refused(struct task_waiter *waiter, struct task *task);

/* What is not on disk yet is waited for from now on: others may come before the answer, and it may be gone by then. */
struct acceptance_item *acceptance_set(struct acceptance *acceptance, size_t index, struct task *task, bool duplicate)
{
	struct acceptance_item *item = acceptance_item(acceptance, index);
	item->acceptance = acceptance;
	item->duplicate = duplicate;
	if (!task)
		return item;
	settle(item, task);
	if (!task->durable || task->on_disk)
		return item;
	item->task = task;
	item->waiter = (struct task_waiter){ .ended = was_refused, .recorded = came_in };
	acceptance->left++;
	acceptance->asked += duplicate ? 0 : core_args_size(task);
	task_wait(task, &item->waiter);
	return item;
}

void acceptance_watch(struct acceptance *acceptance, struct acceptance_item *item, bool watch)
{
	item->watch = watch;
	acceptance->watched |= watch;
}

/* --- the end of it --- */

static void stop_waiting(struct acceptance_item *item)
{
	struct task *task = item->task;
	task_unwait(&item->waiter);
	settle(item, task);
	item->acceptance->left--;
}

static void item_free(struct acceptance_item *item)
{
	if (item->task)
		stop_waiting(item);
	free(item->label);
	free(item->error);
}

/* The next one; its block goes with the last one of it. */
static void drop_next(struct acceptance *acceptance)
{
	size_t index = acceptance->next++;
	struct acceptance_item *block = acceptance->blocks[index / BLOCK];
	if (block)
		item_free(&block[index % BLOCK]);
	if (acceptance->next % BLOCK == 0 || acceptance->next == acceptance->n)
		free(block);
}

static bool leave(struct many *many)
{
	struct acceptance *acceptance = heap_entry(many, struct acceptance, many);
	while (acceptance->next < acceptance->n) {
		drop_next(acceptance);
		if (!many_has_time(many))
			break;
	}
	return acceptance->next == acceptance->n;
}

static void left(struct many *many)
{
	struct acceptance *acceptance = heap_entry(many, struct acceptance, many);
	free(acceptance->message);
	free(acceptance);
}

void acceptance_drop(struct acceptance *acceptance, struct edge *edge, const struct peer *peer)
{
	static const struct many_kind leaving = { .go_on = leave, .finish = left };
	acceptance->request = NULL;
	acceptance->next = 0;
	if (acceptance->n > MANY_SHORT) {
		many_leave(&acceptance->many, &leaving, edge, peer);
		return;
	}
	while (acceptance->next < acceptance->n)
		drop_next(acceptance);
	left(&acceptance->many);
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

static void put_begin(struct strbuf *out, const struct acceptance *acceptance)
{
	switch (acceptance->form) {
	case ACCEPTANCE_TASK:
		break;
	case ACCEPTANCE_BATCH:
		strbuf_puts(out, "{\"tasks\":[");
		break;
	case ACCEPTANCE_RETRIES:
		strbuf_puts(out, "[");
		break;
	}
}

static void put_item(struct strbuf *out, const struct acceptance *acceptance, size_t index)
{
	if (index)
		strbuf_puts(out, ",");
	else
		put_begin(out, acceptance);
	if (acceptance->form == ACCEPTANCE_RETRIES)
		put_retry(out, item_of(acceptance, index));
	else
		put_task(out, item_of(acceptance, index));
}

static void put_end(struct strbuf *out, const struct acceptance *acceptance)
{
	switch (acceptance->form) {
	case ACCEPTANCE_TASK:
		break;
	case ACCEPTANCE_BATCH:
		strbuf_puts(out, "]}");
		break;
	case ACCEPTANCE_RETRIES:
		strbuf_puts(out, "]");
		break;
	}
}

/* There is one at least. */
static void put(struct strbuf *out, const struct acceptance *acceptance)
{
	for (size_t i = 0; i < acceptance->n; i++)
		put_item(out, acceptance, i);
	put_end(out, acceptance);
}

/* What was refused never was. Of a batch that is all or none; but a task that it was given by its key is another's. */
static bool was_taken(const struct acceptance *acceptance)
{
	bool refused = false;
	for (size_t i = 0; i < acceptance->n; i++) {
		if (!item_of(acceptance, i)->refused && !item_of(acceptance, i)->duplicate)
			return true;
		refused |= item_of(acceptance, i)->refused;
	}
	return !refused;
}

static void reply_cancelled(const struct acceptance *acceptance, const struct reply_to *to)
{
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, PROTO_CANCELLED);
	if (acceptance->form == ACCEPTANCE_TASK)
		strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\"", item_of(acceptance, 0)->id);
	strbuf_puts(&data, "}");
	reply_error(to, PROTO_CANCELLED, "the request was cancelled, and what it had submitted", data.data);
	strbuf_free(&data);
}

static void reply(const struct acceptance *acceptance, const struct reply_to *to)
{
	struct strbuf out = STRBUF_INIT;
	bool retries = acceptance->form == ACCEPTANCE_RETRIES;
	if (retries && acceptance->n == 1 && item_of(acceptance, 0)->error) {
		strbuf_puts(&out, item_of(acceptance, 0)->error);
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

static void watch(const struct acceptance_item *item, struct connection *connection)
{
	struct task *task;
	if (item->watch && !item->refused && core_find(connection->edge->core, item->id, &task) == CORE_FOUND)
		call_watch(connection, task);
}

static void watch_all(const struct acceptance *acceptance, struct connection *connection)
{
	for (size_t i = 0; acceptance->watched && i < acceptance->n; i++)
		watch(item_of(acceptance, i), connection);
}

static bool is_told_in_turns(const struct acceptance *acceptance)
{
	return acceptance->n > MANY_SHORT && !acceptance->cancelled &&
		(acceptance->form == ACCEPTANCE_RETRIES || was_taken(acceptance));
}

static void reply_at_once(struct acceptance *acceptance, const struct reply_to *to)
{
	reply(acceptance, to);
	watch_all(acceptance, to->connection);
	acceptance_drop(acceptance, to->connection->edge, &to->connection->peer);
}

/* First what there is to tell, then, when that has been told, the watches. */
static bool tell(struct many *many)
{
	struct acceptance *acceptance = heap_entry(many, struct acceptance, many);
	while (acceptance->next < acceptance->n) {
		put_item(&many->out.open, acceptance, acceptance->next++);
		if (!many_has_time(many))
			break;
	}
	return acceptance->next == acceptance->n;
}

static void told(struct many *many)
{
	struct acceptance *acceptance = heap_entry(many, struct acceptance, many);
	struct connection *connection = many->request->connection;
	put_end(&many->out.open, acceptance);
	many_reply(many);
	watch_all(acceptance, connection);
	many_end(many);
}

static void tell_no_more(struct many *many)
{
	acceptance_drop(heap_entry(many, struct acceptance, many), many->edge, &many->peer);
}

/* Nothing is waited for any more. */
static void finish(struct acceptance *acceptance)
{
	static const struct many_kind telling = { .go_on = tell, .finish = told, .free = tell_no_more };
	struct request *request = acceptance->request;
	if (is_told_in_turns(acceptance)) {
		acceptance->many.settled = true;
		acceptance->request = NULL;
		many_go_on(&acceptance->many, &telling, request, acceptance->n);
		return;
	}
	const struct reply_to to = request_reply_to(request);
	reply_at_once(acceptance, &to);
	request_free(request);
}

/* --- waiting --- */

/* It has come in, or is over where that was waited for. */
static void came_in(struct task_waiter *waiter, struct task *task)
{
	struct acceptance_item *item = heap_entry(waiter, struct acceptance_item, waiter);
	struct acceptance *acceptance = item->acceptance;
	settle(item, task);
	if (--acceptance->left == 0 && acceptance->request)
		finish(acceptance);
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
	if (--acceptance->left == 0 && acceptance->request)
		finish(acceptance);
}

static void acceptance_abandon(struct request *request)
{
	acceptance_drop(request->state, request->connection->edge, &request->connection->peer);
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
		struct acceptance_item *item = item_of(acceptance, i);
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
		struct task *task = acceptance->cancelled ? item_of(acceptance, i)->task : NULL;
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

void acceptance_wait(struct acceptance *acceptance, struct request *request)
{
	acceptance->request = request;
	request_become(request, &acceptance_kind);
	request->state = acceptance;
	request_charge(request, acceptance->asked);
	if (acceptance->left == 0)
		finish(acceptance);
}

void acceptance_send(struct acceptance *acceptance, const struct reply_to *to)
{
	if ((to->id || acceptance->watched) && (acceptance->left || is_told_in_turns(acceptance)))
		acceptance_wait(acceptance, request_new(to, &acceptance_kind));
	else
		reply_at_once(acceptance, to);
}
