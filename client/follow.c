/* Following a command: what it says, as it says it. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

struct taskd_follow {
	struct subscription base;
	taskd_output_callback *callback;
	void *user;
	uint64_t *offsets; /* NULL, or of who waits for the daemon's answer */
	char state[16];    /* how it had ended by the time that it was asked for again */
};

/* --- reading, without the mutex --- */

struct said {
	struct json_span follow, attempt, stream, offset, state, end;
	struct bytes data;
};

static void read_said(struct said *said, const struct json_span *params)
{
	struct json_span name, value;
	size_t cursor = 0;

	if (params->kind != JSON_SPAN_OBJECT)
		return;
	while (json_next(params, &cursor, &name, &value)) {
		bytes_note(&said->data, "data", &name, &value);
		if (json_string_is(&name, "follow"))
			said->follow = value;
		else if (json_string_is(&name, "attempt"))
			said->attempt = value;
		else if (json_string_is(&name, "stream"))
			said->stream = value;
		else if (json_string_is(&name, "offset"))
			said->offset = value;
		else if (json_string_is(&name, "state"))
			said->state = value;
		else if (json_string_is(&name, "end"))
			said->end = value;
	}
}

static bool is_string(const struct json_span *span, const char *text)
{
	return span->kind == JSON_SPAN_STRING && json_string_is(span, text);
}

/* "state" is a word without escapes. */
static struct event *read_end(const struct said *said)
{
	size_t room = said->state.kind == JSON_SPAN_STRING ? said->state.length : 0;
	struct event *event = calloc(1, sizeof(*event) + room);
	char *text = (char *)(event + 1);

	if (event && room >= 2) {
		memcpy(text, said->state.text + 1, room - 2);
		event->output.state = text;
	}
	return event;
}

struct event *event_read_output(const struct json_span *params, uint64_t *number)
{
	struct said said = { 0 };
	char text[TASK_ID_ROOM];
	long long offset, attempt;
	uint64_t follow;

	read_said(&said, params);
	if (!failure_read_id(&said.follow, text, &follow) || follow == 0)
		return NULL;
	if (said.end.kind == JSON_SPAN_BOOL && said.end.text[0] == 't') {
		*number = follow;
		return read_end(&said);
	}
	bool out = is_string(&said.stream, "stdout");
	size_t room = bytes_room(&said.data);
	if ((!out && !is_string(&said.stream, "stderr")) || !json_integer(&said.offset, &offset) || offset < 0 ||
		room == 0)
		return NULL;
	*number = follow;
	struct event *event = calloc(1, sizeof(*event) + room);
	if (!event)
		return NULL;
	event->output = (struct taskd_output){
		.stream = out ? TASKD_STDOUT : TASKD_STDERR,
		.attempt =
			json_integer(&said.attempt, &attempt) && attempt > 0 && attempt <= INT32_MAX ? (int)attempt : 1,
		.offset = (uint64_t)offset,
		.data = (char *)(event + 1),
	};
	if (bytes_copy(&said.data, (char *)(event + 1), &event->output.length))
		return event;
	*number = 0;
	event_free(event);
	return NULL;
}

/* --- locked --- */

static void read_offset(const struct json_span *result, const char *name, uint64_t *offset)
{
	struct json_span span = reply_member(result, name);
	long long value;

	*offset = json_integer(&span, &value) && value > 0 ? (uint64_t)value : 0;
}

/* It was over, or is not known, when it was asked for again. */
static void tell_end(struct taskd_follow *follow)
{
	const struct failure *refusal = follow->base.refusal;
	struct json_span data, state;
	struct json_error error;
	size_t length;

	if (refusal && refusal->told.data &&
		json_scan(refusal->told.data, strlen(refusal->told.data), &data, NULL, &error) == 0) {
		state = reply_member(&data, "state");
		if (state.kind == JSON_SPAN_STRING &&
			json_string_copy(&state, follow->state, sizeof(follow->state), &length))
			follow->base.end.output.state = follow->state;
	}
	subscription_tell(&follow->base, &follow->base.end);
}

void follow_answered(struct taskd_future *f, const struct json_span *result, struct failure **failure)
{
	struct subscription *subscription = subscription_answered(f, "follow", result);
	struct taskd_follow *follow = (struct taskd_follow *)subscription;

	if (!follow)
		return;
	bool again = subscription->begun;
	subscription->begun |= result->kind != JSON_NONE;
	if (result->kind == JSON_NONE) {
		subscription->refusal = *failure;
		*failure = NULL;
		if (again)
			tell_end(follow);
		else
			subscription_over(subscription);
	} else if (follow->offsets) { /* now, as its function may be called before the one who waits is woken */
		read_offset(result, "stdout", &follow->offsets[0]);
		read_offset(result, "stderr", &follow->offsets[1]);
	}
}

static bool is_answered(void *arg)
{
	const struct subscription *subscription = arg;

	return !subscription->request;
}

static void tell(struct subscription *subscription, const struct event *event)
{
	struct taskd_follow *follow = (struct taskd_follow *)subscription;

	follow->callback(follow->user, &event->output);
}

/* TASKD_OK: it has begun. */
static enum taskd_error begin(struct taskd_follow *follow, int64_t timeout_ns)
{
	struct subscription *base = &follow->base;
	struct taskd *c = base->connection;
	enum taskd_error error = reader_wait(c, is_answered, base, deadline_after(timeout_ns));

	follow->offsets = NULL;
	if (error)
		return error_set(error, error == c->error ? "%s" : NULL, c->reason);
	if (base->number)
		return TASKD_OK;
	if (base->refusal)
		return error_set(base->refusal->told.error, "%s", base->refusal->told.message);
	return c->error ? error_set(c->error, "%s", c->reason) : error_set(TASKD_E_MEMORY, NULL);
}

struct taskd_follow *taskd_follow(struct taskd *c, const char *id, taskd_output_callback *callback, void *user,
	uint64_t offsets[2], int64_t timeout_ns)
{
	struct strbuf text = STRBUF_INIT;
	struct taskd_follow *follow;

	if (!request_may_submit(c, id, "id") || !connection_may_wait(c))
		return NULL;
	if (!callback) {
		error_set(TASKD_E_INVALID, "no function for the output was given");
		return NULL;
	}
	follow = calloc(1, sizeof(*follow));
	strbuf_puts(&text, "task.follow\",\"params\":{\"id\":");
	strbuf_json_string(&text, id, strlen(id));
	strbuf_puts(&text, "}");
	if (!follow || strbuf_failed(&text)) {
		error_set(TASKD_E_MEMORY, NULL);
		strbuf_free(&text);
		free(follow);
		return NULL;
	}
	follow->base.tell = tell;
	follow->callback = callback;
	follow->user = user;
	follow->offsets = offsets;
	struct piece piece = { text.data, text.length };
	connection_lock(c);
	bool asked = subscription_begin(&follow->base, c, SUBSCRIPTION_FOLLOW, &piece, 1, false);
	bool begun = asked && begin(follow, timeout_ns) == TASKD_OK;
	if (asked && !begun)
		subscription_drop(&follow->base);
	connection_unlock(c);
	strbuf_free(&text);
	if (begun)
		return follow;
	if (!asked)
		free(follow);
	return NULL;
}

void taskd_unfollow(struct taskd_follow *follow)
{
	if (!follow || !connection_usable(follow->base.connection))
		return;
	struct taskd *c = follow->base.connection;
	connection_lock(c);
	subscription_drop(&follow->base);
	connection_unlock(c);
}
