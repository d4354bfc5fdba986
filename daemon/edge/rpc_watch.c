/* task.watch, task.unwatch, and the events that they are about. Somebody who watches is told what becomes of tasks as
 * it happens, and can hold up nothing by not reading: what he has no room for is counted, not kept.
 *
 * While nobody watches, the core is not even asked. A watch over chosen ids is found by a task's id, and one by a filter
 * over its own user's tasks by their owner; only the others, of those who may read all, are looked through, one by one, at
 * each event. A watch over very many ids takes some turns to begin, and to be let go of. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/follow.h"
#include "edge/many.h"
#include "edge/tally.h"
#include "proto/jsonrpc.h"

#define WATCHES_MAX 100  /* of one connection */
#define WATCHES_EACH 256 /* by a filter, of a user: all of them are looked through at each event of his */
#define LIMIT_DEFAULT 1000
#define FRAME 256 /* what stands around an event in its message, at most */

/* One id of one watch. */
struct watched {
	struct watch *watch;
	struct watched_task *task; /* NULL: it has ended */
	LIST_ENTRY(watched) link;
};

/* A task that is watched by its id, and has not ended. */
struct watched_task {
	uint64_t id;
	LIST_HEAD(, watched) watched;
};

struct watch {
	struct many many;              /* its beginning, or its end */
	struct connection *connection; /* NULL: it is let go of */
	bool begun;
	bool failed;             /* an id is not there; that has been answered */
	struct param_ids wanted; /* while it begins */
	size_t next;             /* … or ends: where that stands */
	uint64_t number;
	struct task_filter filter; /* without states and queue */
	unsigned states;           /* a bit for each that is told of; 0: all */
	char *queue; /* by name: the queue may go, and come again */
	char *tag;
	bool progress;
	size_t limit;
	size_t missed;
	struct tally tally;
	LIST_ENTRY(watch) link;   /* its connection's */
	LIST_ENTRY(watch) others; /* its user's watches, or watches->by_filter, where it has no ids */
	bool by_id;
	size_t held; /* bytes that the connection is charged with */
	size_t n_ids;
	struct watched ids[];
};

/* Of one connection. */
struct watching {
	LIST_HEAD(, watch) list;
	size_t count;
	uint64_t last_number;
};

/* Of all of them. */
struct watches {
	LIST_HEAD(, watch) by_filter; /* of tasks that may be another user's than the watch is */
	struct table by_id; /* struct watched_task */
	size_t count;
};

static uint64_t id_of(const void *value)
{
	const struct watched_task *task = value;
	return task->id;
}

/* --- events --- */

struct happening {
	struct edge *edge;
	struct task *task;
	const char *name;
	enum task_state state;
	bool progress;
	struct strbuf text; /* what all who watch are told; made for the first */
};

static const char *text_of(struct happening *happening)
{
	if (happening->text.length)
		return happening->text.data;
	strbuf_printf(&happening->text, ",\"event\":\"%s\"", happening->name);
	record_write_time(&happening->text, "at", core_now(happening->edge->core));
	strbuf_puts(&happening->text, ",\"task\":");
	record_write(&happening->text, happening->task, false);
	return strbuf_failed(&happening->text) ? NULL : happening->text.data;
}

/* Events take no more than half of what may wait for a client, so that the rest is there for its replies. */
static bool watch_has_room(struct watch *watch, size_t length)
{
	const struct connection *connection = watch->connection;
	return tally_count(&watch->tally, connection->written) < watch->limit &&
		connection->output_size + connection->held + length + FRAME <= connection->edge->limits.output / 2;
}

/* {"watch":"1" and what follows. */
static void send_notification(struct watch *watch, const char *method, const char *text)
{
	struct strbuf message = STRBUF_INIT;
	rpc_begin_notification(&message, method);
	strbuf_printf(&message, "{\"watch\":\"%" PRIu64 "\"", watch->number);
	strbuf_puts(&message, text);
	connection_send(watch->connection, &message, NULL, "}}");
	strbuf_free(&message);
}

static void tell_missed(struct watch *watch)
{
	char text[64];
	if (!watch->missed || connection_is_closed(watch->connection))
		return;
	snprintf(text, sizeof(text), ",\"missed\":%zu", watch->missed);
	watch->missed = 0;
	send_notification(watch, "task.missed", text);
}

static bool watch_is_about(const struct watch *watch, const struct happening *happening)
{
	struct task *task = happening->task;
	if (happening->progress ? !watch->progress : watch->states && !(watch->states & TASK_STATE_BIT(happening->state)))
		return false;
	if (watch->queue && strcmp(watch->queue, core_queue_name(task->queue)) != 0)
		return false;
	/* Asked each time: the right may have gone since the watch began. */
	return task_filter_matches(&watch->filter, task) && access_sees(watch->connection, task);
}

static void tell(struct watch *watch, struct happening *happening)
{
	const struct connection *connection = watch->connection;
	if (!watch->begun || connection_is_closed(connection) || !watch_is_about(watch, happening))
		return;
	/* What there is no room for anyhow is not even written. */
	const char *text = watch_has_room(watch, 0) ? text_of(happening) : NULL;
	if (!text || !watch_has_room(watch, happening->text.length)) {
		watch->missed++;
		return;
	}
	tell_missed(watch);
	send_notification(watch, "task.event", text);
	tally_add(&watch->tally, 1, connection->written + connection->output_size);
}

static void watched_task_drop(struct watches *watches, struct watched_task *task)
{
	struct watched *watched;
	while ((watched = LIST_FIRST(&task->watched))) {
		LIST_REMOVE(watched, link);
		watched->task = NULL;
	}
	table_remove(&watches->by_id, task->id);
	free(task);
}

void edge_changed(void *context, struct task *task, bool progress)
{
	struct edge *edge = context;
	struct watches *watches = edge->watches;
	struct happening happening = { .edge = edge, .task = task, .state = task->state, .progress = progress };
	struct watch *watch;
	if (edge->follows && !progress)
		follows_changed(edge, task);
	if (!watches)
		return;
	happening.name = progress ? "progress" : task_state_name(happening.state);
	struct watched_task *by_id = table_get(&watches->by_id, task->id);
	if (by_id) {
		struct watched *watched;
		LIST_FOREACH(watched, &by_id->watched, link)
			tell(watched->watch, &happening);
		if (task_state_is_terminal(happening.state))
			watched_task_drop(watches, by_id);
	}
	const struct user *owner = user_of(edge, task->owner->uid);
	if (owner)
		LIST_FOREACH(watch, &owner->watches, others)
			tell(watch, &happening);
	LIST_FOREACH(watch, &watches->by_filter, others)
		tell(watch, &happening);
	strbuf_free(&happening.text);
}

/* --- the end of a watch --- */

static void unlink_id(struct watches *watches, struct watched *watched)
{
	if (!watched->task)
		return;
	LIST_REMOVE(watched, link);
	if (LIST_EMPTY(&watched->task->watched))
		watched_task_drop(watches, watched->task);
}

static void watches_free(struct edge *edge)
{
	table_fini(&edge->watches->by_id);
	free(edge->watches);
	edge->watches = NULL;
	edge_observe(edge);
}

static struct watch *watch_of(const struct many *many)
{
	return heap_entry(many, struct watch, many);
}

static bool leave(struct many *many)
{
	struct watch *watch = watch_of(many);
	while (watch->next < watch->n_ids) {
		unlink_id(many->edge->watches, &watch->ids[watch->next++]);
		if (!many_has_time(many))
			break;
	}
	return watch->next == watch->n_ids;
}

static void left(struct many *many)
{
	struct watch *watch = watch_of(many);
	struct edge *edge = many->edge;
	free(watch->wanted.ids);
	free(watch->queue);
	free(watch->tag);
	free(watch);
	if (--edge->watches->count == 0)
		watches_free(edge);
}

/* It is on none of its connection's books. */
static void watch_leave(struct watch *watch)
{
	static const struct many_kind leaving = { .go_on = leave, .finish = left };
	struct connection *connection = watch->connection;
	watch->connection = NULL;
	watch->begun = false;
	watch->next = 0;
	if (watch->n_ids > MANY_SHORT) {
		many_leave(&watch->many, &leaving, connection->edge, &connection->peer);
		return;
	}
	watch->many.edge = connection->edge;
	for (size_t i = 0; i < watch->n_ids; i++)
		unlink_id(connection->edge->watches, &watch->ids[i]);
	left(&watch->many);
}

static void watch_free(struct watch *watch)
{
	struct connection *connection = watch->connection;
	if (!watch->by_id) {
		LIST_REMOVE(watch, others);
		connection->user->n_watches--;
	}
	LIST_REMOVE(watch, link);
	connection_unhold(connection, watch->held);
	watch_leave(watch);
	if (--connection->watching->count > 0)
		return;
	free(connection->watching);
	connection->watching = NULL;
	connection_touch(connection);
}

void watching_free(struct connection *connection)
{
	while (connection->watching)
		watch_free(LIST_FIRST(&connection->watching->list));
}

void watching_drained(struct connection *connection)
{
	struct watch *watch;
	LIST_FOREACH(watch, &connection->watching->list, link)
		tell_missed(watch);
}

/* --- its beginning --- */

static void register_filter(struct watch *watch)
{
	struct user *user = watch->connection->user;
	user->n_watches++;
	if (watch->filter.by_owner && watch->filter.owner == user->uid)
		LIST_INSERT_HEAD(&user->watches, watch, others);
	else
		LIST_INSERT_HEAD(&watch->connection->edge->watches->by_filter, watch, others);
}

static void watches_join(struct edge *edge)
{
	if (!edge->watches) {
		edge->watches = xcalloc(1, sizeof(*edge->watches));
		LIST_INIT(&edge->watches->by_filter);
		table_init(&edge->watches->by_id, id_of);
		edge_observe(edge);
	}
	edge->watches->count++;
}

/* Numbered among its own, so that a client's first watch is "1" whoever else watches. Numbers do not come again while any
 * is left. */
static void watch_register(struct watch *watch)
{
	struct connection *connection = watch->connection;
	if (!connection->watching) {
		connection->watching = xcalloc(1, sizeof(*connection->watching));
		LIST_INIT(&connection->watching->list);
	}
	watch->begun = true;
	watch->number = ++connection->watching->last_number;
	connection->watching->count++;
	LIST_INSERT_HEAD(&connection->watching->list, watch, link);
	if (!watch->by_id)
		register_filter(watch);
	connection_hold(connection, watch->held);
}

/* What has ended will not change any more; an id that is named twice is watched once. */
static void watch_id(struct watch *watch, uint64_t id)
{
	struct edge *edge = watch->connection->edge;
	struct watched *watched = &watch->ids[watch->n_ids], *other;
	struct task *task;
	if (core_find(edge->core, id, &task) != CORE_FOUND || task_state_is_terminal(task->state))
		return;
	struct watched_task *by_id = table_get(&edge->watches->by_id, id);
	if (!by_id) {
		by_id = xcalloc(1, sizeof(*by_id));
		by_id->id = id;
		LIST_INIT(&by_id->watched);
		table_put(&edge->watches->by_id, by_id);
	}
	LIST_FOREACH(other, &by_id->watched, link)
		if (other->watch == watch)
			return;
	*watched = (struct watched){ .watch = watch, .task = by_id };
	LIST_INSERT_HEAD(&by_id->watched, watched, link);
	watch->n_ids++;
}

static bool watch_is_one_more(const struct reply_to *to)
{
	const struct watching *watching = to->connection->watching;
	if (!watching || watching->count < WATCHES_MAX)
		return true;
	reply_errorf(to, PROTO_TOO_MANY, "a connection has at most %d watches", WATCHES_MAX);
	return false;
}

static void watch_answer(struct watch *watch, const struct reply_to *to)
{
	char text[64];
	watch_register(watch);
	int length = snprintf(text, sizeof(text), "{\"watch\":\"%" PRIu64 "\"}", watch->number);
	reply_text(to, text, (size_t)length);
}

static bool begin(struct many *many)
{
	struct watch *watch = watch_of(many);
	const struct call call = { .edge = many->edge, .to = request_reply_to(many->request), .method = METHOD_TASK_WATCH };
	struct task *task;
	while (watch->next < watch->wanted.count) {
		uint64_t id = watch->wanted.ids[watch->next++];
		watch->failed = !access_finds(&call, id, RIGHT_READ, &task);
		if (watch->failed)
			return true;
		watch_id(watch, id);
		if (!many_has_time(many))
			break;
	}
	many->done = watch->next;
	return watch->next == watch->wanted.count;
}

static void begun(struct many *many)
{
	struct watch *watch = watch_of(many);
	struct request *request = many->request;
	const struct reply_to to = request_reply_to(request);
	if (watch->failed || !watch_is_one_more(&to)) {
		many_end(many);
		return;
	}
	many_pause(many);
	free(watch->wanted.ids);
	watch->wanted = (struct param_ids){ 0 };
	watch_answer(watch, &to);
	request_free(request);
}

static void begins_no_more(struct many *many)
{
	watch_leave(watch_of(many));
}

static bool may_watch(const struct call *call, const struct watch_params *params, size_t held)
{
	const struct connection *connection = call->to.connection;
	if (!watch_is_one_more(&call->to))
		return false;
	if (!params->ids.ids && !connection->user->exempt && connection->user->n_watches >= WATCHES_EACH) {
		reply_errorf(&call->to, PROTO_TOO_MANY, "a user has at most %d watches that are not of chosen tasks", WATCHES_EACH);
		return false;
	}
	if (connection_has_room(connection, held))
		return true;
	reply_error(&call->to, PROTO_TOO_MANY, "this connection watches more than output_limit has room for", NULL);
	return false;
}

/* Takes over the ids of PARAMS. What there is for each of them is filled in when it is its turn. */
static struct watch *watch_new(
	struct connection *connection, struct watch_params *params, const struct task_filter *filter, size_t held)
{
	struct watch *watch = xmalloc(sizeof(*watch) + params->ids.count * sizeof(watch->ids[0]));
	memset(watch, 0, sizeof(*watch));
	watch->connection = connection;
	watch->filter = *filter;
	watch->states = filter->states;
	watch->queue = params->filter.queue ? xstrdup(params->filter.queue) : NULL;
	watch->tag = filter->tag ? xstrndup(filter->tag, filter->tag_length) : NULL;
	watch->filter.states = 0;
	watch->filter.queue = NULL;
	watch->filter.tag = watch->tag;
	watch->progress = params->progress;
	watch->limit = params->limit > 0 ? (size_t)params->limit : LIMIT_DEFAULT;
	watch->by_id = params->ids.ids;
	watch->held = held;
	watch->wanted = params->ids;
	params->ids = (struct param_ids){ 0 };
	watches_join(connection->edge);
	return watch;
}

static void watch_begin(const struct call *call, struct watch_params *params, const struct task_filter *filter)
{
	static const struct many_kind beginning = {
		.go_on = begin, .finish = begun, .free = begins_no_more, .cancelled = "the request was cancelled"
	};
	size_t n = params->ids.count;
	size_t held = sizeof(struct watch) + n * (sizeof(struct watched) + sizeof(struct watched_task));
	if (!may_watch(call, params, held))
		return;
	struct watch *watch = watch_new(call->to.connection, params, filter, held);
	watch->many.own = held;
	many_begin(&watch->many, &beginning, &call->to, n);
}

void rpc_task_watch(const struct call *call)
{
	struct watch_params params = { 0 };
	struct task_filter filter;
	if (!call_params(call, &params))
		return;
	if (call_takes_ids(call, &params.ids) &&
		filter_prepare(call, &params.filter, RIGHT_READ, &filter) && call->to.id)
		watch_begin(call, &params, &filter);
	call_params_free(call, &params);
}

void rpc_task_unwatch(const struct call *call)
{
	struct unwatch_params params = { 0 };
	const struct watching *watching = call->to.connection->watching;
	struct watch *watch = NULL;
	char text[64];
	if (!call_params(call, &params))
		return;
	if (watching)
		LIST_FOREACH(watch, &watching->list, link)
			if (watch->number == params.watch)
				break;
	if (watch) {
		int length = snprintf(text, sizeof(text), "{\"watch\":\"%" PRIu64 "\"}", watch->number);
		watch_free(watch);
		reply_text(&call->to, text, (size_t)length);
	} else {
		reply_error(&call->to, PROTO_NOT_FOUND, "this connection has no such watch", NULL);
	}
	call_params_free(call, &params);
}
