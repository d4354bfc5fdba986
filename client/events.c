/* Watches: the daemon's notifications of what becomes of tasks. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

struct taskd_watch {
	struct subscription base;
	taskd_event_callback *callback;
	void *user;
	struct event begin; /* so that there is always memory for it */
};

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

/* --- the watch, locked --- */

void watch_end_event(struct subscription *subscription, const struct taskd_failure *failure)
{
	subscription->end.told = (struct taskd_event){ .kind = TASKD_EVENT_END, .name = "end", .failure = failure };
}

void watch_answered(struct taskd_future *f, const struct json_span *result, struct failure **failure)
{
	struct subscription *base = subscription_answered(f, "watch", result);
	struct taskd_watch *watch = (struct taskd_watch *)base;

	if (!watch)
		return;
	bool again = base->begun;
	base->begun = true;
	if (result->kind == JSON_NONE) {
		base->refusal = *failure;
		*failure = NULL;
		watch_end_event(base, base->refusal ? &base->refusal->told : &failure_memory);
		subscription_tell(base, &base->end);
		subscription_over(base);
	} else {
		/* Whatever happened between the connections. That it has begun was told long before. */
		watch->begin.told = again ? (struct taskd_event){ .kind = TASKD_EVENT_MISSED, .name = "missed" }
					  : (struct taskd_event){ .kind = TASKD_EVENT_BEGIN, .name = "begin" };
		subscription_tell(base, &watch->begin);
	}
}

static void tell(struct subscription *subscription, const struct event *event)
{
	struct taskd_watch *watch = (struct taskd_watch *)subscription;

	watch->callback(watch->user, &event->told);
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
	watch->base.tell = tell;
	watch->callback = callback;
	watch->user = user;
	watch->begin.lasting = true;
	struct piece pieces[] = { PIECE("task.watch\",\"params\":"), { filter, strlen(filter) } };
	connection_lock(c);
	bool begun = subscription_begin(&watch->base, c, SUBSCRIPTION_WATCH, pieces, 2, newlines);
	connection_unlock(c);
	if (begun)
		return watch;
	free(watch);
	return NULL;
}

void taskd_unwatch(struct taskd_watch *watch)
{
	if (!watch || !connection_usable(watch->base.connection))
		return;
	struct taskd *c = watch->base.connection;
	connection_lock(c);
	subscription_drop(&watch->base);
	connection_unlock(c);
}
