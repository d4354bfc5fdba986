/* What the daemon says. The reader takes a batch of messages apart without the mutex, with all copies and allocations
 * that they need; then it takes the mutex once and hands each to its future. */
#include <stdlib.h>
#include <string.h>

#include "client/reconnect.h"
#include "proto/jsonrpc.h"

#define BATCH 64

struct reply {
	enum reply_kind {
		REPLY_ANSWER,   /* to the request `number` */
		REPLY_FINISHED, /* the task `number`, which was submitted detached */
		REPLY_REFUSED,  /* an error that belongs to no request: the daemon could not read one */
		REPLY_EVENT,    /* for the watch `number` */
		REPLY_OUTPUT,   /* for the follow `number` */
		REPLY_OTHER,    /* a notification that this library does not know */
		REPLY_NONSENSE,
	} kind;
	uint64_t number;
	struct json_span result; /* JSON_NONE: it failed */
	char *copy;              /* of the result, where it is too long for a future's own room; NULL without memory */
	struct failure *failure; /* NULL without memory */
	struct event *event;     /* NULL without memory */
};

struct json_span reply_member(const struct json_span *object, const char *wanted)
{
	struct json_span name, value;
	size_t cursor = 0;

	if (object->kind == JSON_SPAN_OBJECT)
		while (json_next(object, &cursor, &name, &value))
			if (json_string_is(&name, wanted))
				return value;
	return (struct json_span){ 0 };
}

static void keep_result(struct reply *reply, const struct json_span *result)
{
	reply->result = *result;
	if (result->length < FUTURE_OWN_ROOM)
		return;
	reply->copy = malloc(result->length + 1);
	if (!reply->copy)
		return;
	memcpy(reply->copy, result->text, result->length);
	reply->copy[result->length] = '\0';
}

/* task.finished: the task's record, and its result. */
static void read_finished(struct reply *reply, const struct json_span *record)
{
	static const struct json_span null = { "null", 4, JSON_SPAN_NULL };
	struct json_span name, value, id = { 0 }, state = { 0 }, result = { 0 }, error = { 0 };
	char text[TASK_ID_ROOM];
	size_t cursor = 0;

	if (record->kind != JSON_SPAN_OBJECT)
		return;
	while (json_next(record, &cursor, &name, &value)) {
		if (json_string_is(&name, "id"))
			id = value;
		else if (json_string_is(&name, "state"))
			state = value;
		else if (json_string_is(&name, "result"))
			result = value;
		else if (json_string_is(&name, "error"))
			error = value;
	}
	if (state.kind != JSON_SPAN_STRING || !failure_read_id(&id, text, &reply->number))
		return;
	reply->kind = REPLY_FINISHED;
	if (json_string_is(&state, "succeeded"))
		keep_result(reply, result.kind == JSON_NONE ? &null : &result);
	else
		reply->failure = error.kind == JSON_SPAN_OBJECT ? failure_read(&error) : failure_of_state(&state);
}

static void read_notification(struct reply *reply, const struct json_span *method, const struct json_span *params)
{
	if (json_string_is(method, "task.finished")) {
		read_finished(reply, params);
		return;
	}
	enum reply_kind kind = REPLY_EVENT;
	if (json_string_is(method, "task.event")) {
		reply->event = event_read(params, &reply->number);
	} else if (json_string_is(method, "task.missed")) {
		reply->event = event_read_missed(params, &reply->number);
	} else if (json_string_is(method, "task.output")) {
		reply->event = event_read_output(params, &reply->number);
		kind = REPLY_OUTPUT;
	} else {
		reply->kind = REPLY_OTHER;
	}
	if (reply->number)
		reply->kind = kind;
}

static void read_reply(struct reply *reply, const char *text, size_t length)
{
	struct rpc_response response;
	long long number;

	*reply = (struct reply){ .kind = REPLY_NONSENSE };
	if (rpc_read_response(text, length, &response) < 0)
		return;
	if (response.method.kind != JSON_NONE) {
		read_notification(reply, &response.method, &response.params);
		return;
	}
	if (response.error.kind != JSON_NONE)
		reply->failure = failure_read(&response.error);
	if (response.id.kind == JSON_NONE || response.id.kind == JSON_SPAN_NULL) {
		reply->kind = response.error.kind != JSON_NONE ? REPLY_REFUSED : REPLY_NONSENSE;
	} else if (json_integer(&response.id, &number) && number > 0) {
		reply->kind = REPLY_ANSWER;
		reply->number = (uint64_t)number;
		if (response.error.kind == JSON_NONE)
			keep_result(reply, &response.result);
	}
}

/* --- locked --- */

/* It takes what the reply has. */
static void settle_outcome(struct taskd_future *f, struct reply *reply)
{
	if (reply->result.kind == JSON_NONE) {
		future_fail(f, reply->failure);
		reply->failure = NULL;
	} else if (!reply->copy && reply->result.length >= FUTURE_OWN_ROOM) {
		future_fail_with(f, &failure_memory);
	} else {
		future_succeed(f, reply->result.text, reply->result.length, reply->copy);
		reply->copy = NULL;
	}
}

/* What the daemon says of a task that it has taken. */
struct acknowledgement {
	struct json_span id, error; /* JSON_NONE: it is not there */
	bool duplicate, on_disk;
};

static struct acknowledgement read_acknowledgement(const struct json_span *object, const char *id)
{
	struct acknowledgement read = { 0 };
	struct json_span name, value;
	size_t cursor = 0;

	if (object->kind != JSON_SPAN_OBJECT)
		return read;
	while (json_next(object, &cursor, &name, &value)) {
		if (json_string_is(&name, id))
			read.id = value;
		else if (json_string_is(&name, "durability"))
			read.on_disk = value.kind == JSON_SPAN_STRING && json_string_is(&value, "disk");
		else if (json_string_is(&name, "duplicate"))
			read.duplicate = value.kind == JSON_SPAN_BOOL;
		else if (json_string_is(&name, "error"))
			read.error = value;
	}
	return read;
}

/* {"id":"17","state":"queued","durability":"disk"}, and where a key has led to another's task "duplicate":true. Each
 * submission is told of the end by a notification of its own, so as many futures as there are notifications may have one
 * task. */
void reply_submitted(struct taskd_future *f, const struct json_span *result)
{
	struct taskd *c = f->connection;
	const struct acknowledgement read = read_acknowledgement(result, "id");
	uint64_t id;
	bool found = failure_read_id(&read.id, f->id, &id);

	if (found) {
		f->durable = read.on_disk;
		resend_forget(f);
	}
	if (found && !f->owned) {
		f->outstanding = false;
		future_release(f);
		return;
	}
	if (found && read.duplicate)
		f->peer = futures_take(&c->tasks, id);
	/* The one before it in a batch may have ended the connection. */
	if (found && !c->error && futures_put(&c->tasks, id, f) == 0)
		return;
	f->id[0] = '\0';
	connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: a submitted task without an id of its own");
	future_fail_with(f, &c->ended);
}

/* [{"id":"17","retried_as":"42"}]: from now on it is about the new one. */
static void settle_retried(struct taskd *c, struct taskd_future *f, const struct json_span *result)
{
	struct json_span record = { 0 };
	size_t cursor = 0;
	uint64_t id;

	if (result->kind == JSON_SPAN_ARRAY)
		json_next(result, &cursor, NULL, &record);
	const struct acknowledgement read = read_acknowledgement(&record, "retried_as");
	if (read.error.kind == JSON_SPAN_OBJECT) {
		future_fail(f, failure_read(&read.error));
	} else if (!failure_read_id(&read.id, f->id, &id)) {
		f->id[0] = '\0';
		connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: a retry without an id");
		future_fail_with(f, &c->ended);
	} else if (f->owned) {
		f->durable = read.on_disk;
		request_result(f);
	} else {
		f->outstanding = false;
		future_release(f);
	}
}

void reply_refused(struct taskd_future *f, struct failure **failure)
{
	const struct json_span nothing = { 0 };

	switch (f->kind) {
	case FUTURE_CALL:
	case FUTURE_REQUEST:
	case FUTURE_WAIT:
	case FUTURE_QUESTION:
	case FUTURE_DETACHED:
	case FUTURE_RETRY:
		future_fail(f, *failure);
		*failure = NULL;
		break;
	case FUTURE_BATCH:
		batch_fail(f, *failure);
		break;
	case FUTURE_WATCH:
		watch_answered(f, &nothing, failure);
		break;
	case FUTURE_FOLLOW:
		follow_answered(f, &nothing, failure);
		break;
	case FUTURE_IDENTITY:
		identity_answered(f, &nothing);
		break;
	}
}

static void settle_accepted(struct taskd *c, struct taskd_future *f, struct reply *reply)
{
	switch (f->kind) {
	case FUTURE_CALL:
	case FUTURE_REQUEST:
	case FUTURE_WAIT:
	case FUTURE_QUESTION:
		settle_outcome(f, reply);
		break;
	case FUTURE_DETACHED:
		reply_submitted(f, &reply->result);
		break;
	case FUTURE_BATCH:
		batch_submitted(c, f, &reply->result);
		break;
	case FUTURE_RETRY:
		settle_retried(c, f, &reply->result);
		break;
	case FUTURE_WATCH:
		watch_answered(f, &reply->result, &reply->failure);
		break;
	case FUTURE_FOLLOW:
		follow_answered(f, &reply->result, &reply->failure);
		break;
	case FUTURE_IDENTITY:
		identity_answered(f, &reply->result);
		break;
	}
}

static void settle_answer(struct taskd *c, struct reply *reply)
{
	struct taskd_future *f = futures_take(&c->requests, reply->number);

	if (!f)
		connection_fail(c, TASKD_E_PROTOCOL,
			"the daemon sent nonsense: an answer to the request %llu, which has none due",
			(unsigned long long)reply->number);
	else if (reply->result.kind != JSON_NONE)
		settle_accepted(c, f, reply);
	else if (!c->reconnect || !reply->failure || !resend_hold(c, f, &reply->failure))
		reply_refused(f, &reply->failure);
}

/* One of those that have the task. */
static void settle_finished(struct taskd *c, struct reply *reply)
{
	struct taskd_future *f = futures_take(&c->tasks, reply->number);

	if (!f) /* its future was freed, and the daemon not told */
		return;
	if (f->peer && futures_put(&c->tasks, reply->number, f->peer) == 0) /* there is room: it was just taken out */
		f->peer = NULL;
	settle_outcome(f, reply);
}

/* Who has as many connections as one user may is told so at once, and that is to be known from a daemon that went away. */
static enum taskd_error refusal(const struct failure *failure)
{
	enum taskd_error error = failure ? failure->told.error : TASKD_E_DISCONNECTED;

	return error == TASKD_E_PROTOCOL || error == TASKD_E_OVER_SHARE ? error : TASKD_E_DISCONNECTED;
}

static void settle_event(struct taskd *c, enum subscription_kind kind, struct reply *reply)
{
	if (reply->event)
		subscription_tell(subscription_find(c, kind, reply->number), reply->event);
	else
		connection_fail(c, TASKD_E_MEMORY, "no memory for an event of the daemon's");
}

static void settle(struct taskd *c, struct reply *reply)
{
	switch (reply->kind) {
	case REPLY_ANSWER:
		settle_answer(c, reply);
		break;
	case REPLY_FINISHED:
		settle_finished(c, reply);
		break;
	case REPLY_EVENT:
		settle_event(c, SUBSCRIPTION_WATCH, reply);
		break;
	case REPLY_OUTPUT:
		settle_event(c, SUBSCRIPTION_FOLLOW, reply);
		break;
	case REPLY_REFUSED:
		/* Which request it was is not known, and that one would be waited for for ever. */
		connection_fail(c, refusal(reply->failure), "the daemon ended the connection: %s",
			reply->failure ? reply->failure->told.message : failure_memory.message);
		break;
	case REPLY_OTHER:
		break;
	case REPLY_NONSENSE:
		connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: no JSON-RPC 2.0 message");
		break;
	}
	failure_free(reply->failure);
	free(reply->copy);
}

/* --- the reader --- */

/* Takes apart up to BATCH messages; *bad where the stream itself makes no sense from here on. */
static size_t read_batch(struct taskd *c, struct reply replies[BATCH], const char **bad)
{
	size_t n = 0;

	while (n < BATCH) {
		const char *message;
		size_t length, used = 0;
		enum framing_result result = framing_next(
			&c->framing, c->in + c->in_start, c->in_end - c->in_start, &message, &length, &used);
		c->in_start += used;
		switch (result) {
		case FRAMING_MESSAGE:
			read_reply(&replies[n++], message, length);
			continue;
		case FRAMING_INCOMPLETE:
			return n;
		case FRAMING_TOO_LONG:
			*bad = "a message over the limit for its size";
			return n;
		case FRAMING_BAD_HEADER:
		case FRAMING_BAD_START:
			*bad = "no line of JSON";
			return n;
		}
	}
	return n;
}

void replies_consume(struct taskd *c)
{
	struct reply replies[BATCH];
	const char *bad = NULL;
	bool ended = false;
	size_t n;

	do {
		n = read_batch(c, replies, &bad);
		if (n == 0 && !bad)
			return;
		pthread_mutex_lock(&c->lock);
		for (size_t i = 0; i < n; i++)
			settle(c, &replies[i]);
		c->received += n;
		if (bad)
			connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: %s", bad);
		ended = c->error != TASKD_OK;
		reader_wake_waiters(c);
		pthread_mutex_unlock(&c->lock);
	} while (n == BATCH && !ended);
}
