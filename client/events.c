/* Watches: the daemon's notifications of what becomes of tasks, each handed to the function of its watch in the order in
 * which they came. They wait in one list of the connection, which is never longer than what was read at once: while the
 * functions run nothing is read, so what is too much piles up at the daemon, which counts what it does not keep. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

/* --- reading, without the mutex --- */

static char *put(char **at, const char *text, size_t length)
{
	char *copy = *at;

	memcpy(copy, text, length);
	copy[length] = '\0';
	*at += length + 1;
	return copy;
}

/* A string without escapes: a state's name, a time. */
static char *put_plain(char **at, const struct json_span *string)
{
	return put(at, string->text + 1, string->length - 2);
}

/* Of the watch's number; false where there is none. */
static bool read_watch(const struct json_span *params, uint64_t *watch)
{
	struct json_span number = reply_member(params, "watch");
	char text[TASK_ID_ROOM];

	if (failure_read_id(&number, text, watch) && *watch > 0)
		return true;
	*watch = 0;
	return false;
}

struct event *event_read(const struct json_span *params, uint64_t *watch)
{
	struct json_span name = reply_member(params, "event"), when = reply_member(params, "at");
	struct json_span record = reply_member(params, "task"), id = reply_member(&record, "id");
	char text[TASK_ID_ROOM];
	uint64_t task;

	if (name.kind != JSON_SPAN_STRING || when.kind != JSON_SPAN_STRING || !failure_read_id(&id, text, &task) ||
		!read_watch(params, watch))
		return NULL;
	struct event *event = malloc(sizeof(*event) + name.length + when.length + sizeof(text) + record.length + 1);
	if (!event)
		return NULL;
	char *at = (char *)(event + 1);
	*event = (struct event){ 0 };
	event->told = (struct taskd_event){ .kind = TASKD_EVENT_TASK, .length = record.length };
	event->told.name = put_plain(&at, &name);
	event->told.at = put_plain(&at, &when);
	event->told.id = put(&at, text, strlen(text));
	event->told.record = put(&at, record.text, record.length);
	return event;
}

struct event *event_read_missed(const struct json_span *params, uint64_t *watch)
{
	struct json_span missed = reply_member(params, "missed");
	char text[TASK_ID_ROOM];
	uint64_t count;

	if (!failure_read_id(&missed, text, &count) || !read_watch(params, watch))
		return NULL;
	struct event *event = calloc(1, sizeof(*event));
	if (event)
		event->told = (struct taskd_event){ .kind = TASKD_EVENT_MISSED, .name = "missed", .missed = count };
	return event;
}

/* --- what waits to be told, locked --- */

static void tell(struct taskd_watch *watch, struct event *event)
{
	struct taskd *c = watch->connection;

	event->watch = watch;
	event->when = ++c->ends;
	event->next = NULL;
	*c->events_last = event;
	c->events_last = &event->next;
}

void event_free(struct event *event)
{
	if (event && !event->lasting)
		free(event);
}

void events_tell(struct taskd *c, uint64_t number, struct event *event)
{
	struct taskd_watch *watch;

	LIST_FOREACH (watch, &c->watches, link) {
		if (watch->number == number) {
			tell(watch, event);
			return;
		}
	}
	event_free(event); /* its watch was ended, and the daemon did not know yet */
}

static void end(struct taskd_watch *watch, const struct taskd_failure *failure)
{
	LIST_REMOVE(watch, link);
	watch->over = true;
	watch->request = NULL;
	watch->end.told = (struct taskd_event){ .kind = TASKD_EVENT_END, .name = "end", .failure = failure };
	tell(watch, &watch->end);
}

void events_end(struct taskd *c)
{
	while (!LIST_EMPTY(&c->watches))
		end(LIST_FIRST(&c->watches), &c->ended);
}

struct event *event_take(struct taskd *c)
{
	struct event *event = c->events;

	c->events = event->next;
	if (!c->events)
		c->events_last = &c->events;
	return event;
}

static void drop_events(struct taskd_watch *watch)
{
	struct taskd *c = watch->connection;
	struct event **at = &c->events, *event;

	while ((event = *at)) {
		if (event->watch == watch) {
			*at = event->next;
			event_free(event);
		} else {
			at = &event->next;
		}
	}
	c->events_last = at;
}

/* --- the watch --- */

static void send_unwatch(struct taskd *c, uint64_t number)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "task.unwatch\",\"params\":{\"watch\":\"%llu\"}", (unsigned long long)number);
	if (!strbuf_failed(&text) && !c->error) {
		struct piece piece = { text.data, text.length };
		struct taskd_future *f = request_add(c, FUTURE_REQUEST, &piece, 1, false);
		if (f)
			f->owned = false;
		output_write(c); /* at once: nobody may ever wait here again */
	}
	strbuf_free(&text);
}

void watch_answered(struct taskd_future *f, const struct json_span *result, struct failure **failure)
{
	struct taskd *c = f->connection;
	struct taskd_watch *watch = f->watch;
	struct json_span span = reply_member(result, "watch");
	char text[TASK_ID_ROOM];
	uint64_t number = 0;

	f->outstanding = false;
	future_release(f);
	if (result->kind == JSON_NONE) {
		if (!watch)
			return;
		watch->refusal = *failure;
		*failure = NULL;
		end(watch, watch->refusal ? &watch->refusal->told : &failure_memory);
	} else if (!failure_read_id(&span, text, &number) || number == 0) {
		connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: a watch without a number");
	} else if (!watch) {
		send_unwatch(c, number);
	} else {
		watch->request = NULL;
		watch->number = number;
		watch->begin.told = (struct taskd_event){ .kind = TASKD_EVENT_BEGIN, .name = "begin" };
		tell(watch, &watch->begin);
	}
}

struct taskd_watch *taskd_watch(struct taskd *c, const char *filter, taskd_event_callback *callback, void *user)
{
	bool newlines = false;

	if (!c) {
		error_of_null("connection");
		return NULL;
	}
	if (!connection_usable(c))
		return NULL;
	if (!callback) {
		error_set(TASKD_E_INVALID, "no function for the events was given");
		return NULL;
	}
	if (!filter)
		filter = "{}";
	if (request_check_json("the filter", filter, strlen(filter), true, &newlines) != TASKD_OK)
		return NULL;
	if (filter[strspn(filter, " \t\r\n")] != '{') {
		error_set(TASKD_E_INVALID, "the filter: no JSON object");
		return NULL;
	}
	struct taskd_watch *watch = calloc(1, sizeof(*watch));
	if (!watch) {
		error_set(TASKD_E_MEMORY, NULL);
		return NULL;
	}
	pthread_cond_init(&watch->idle, NULL);
	watch->connection = c;
	watch->callback = callback;
	watch->user = user;
	watch->begin.lasting = watch->end.lasting = true;
	struct piece pieces[] = { PIECE("task.watch\",\"params\":"), { filter, strlen(filter) } };
	connection_lock(c);
	watch->request = request_add(c, FUTURE_WATCH, pieces, 2, newlines);
	if (watch->request) {
		watch->request->owned = false;
		watch->request->watch = watch;
		LIST_INSERT_HEAD(&c->watches, watch, link);
		c->references++;
	}
	connection_unlock(c);
	if (watch->request)
		return watch;
	pthread_cond_destroy(&watch->idle);
	free(watch);
	return NULL;
}

static void watch_free(struct taskd_watch *watch)
{
	watch->connection->references--;
	failure_free(watch->refusal);
	pthread_cond_destroy(&watch->idle);
	free(watch);
}

void watch_told(struct taskd_watch *watch)
{
	watch->calling = false;
	pthread_cond_broadcast(&watch->idle);
	if (watch->abandoned)
		watch_free(watch);
}

void taskd_unwatch(struct taskd_watch *watch)
{
	if (!watch || !connection_usable(watch->connection))
		return;
	struct taskd *c = watch->connection;
	connection_lock(c);
	drop_events(watch);
	if (!watch->over) {
		LIST_REMOVE(watch, link);
		watch->over = true;
		if (watch->request)
			watch->request->watch = NULL;
		else
			send_unwatch(c, watch->number);
	}
	if (watch->calling && callbacks_running(c)) {
		watch->abandoned = true; /* watch_told frees it */
	} else {
		while (watch->calling)
			pthread_cond_wait(&watch->idle, &c->lock);
		watch_free(watch);
	}
	connection_unlock(c);
}
