/* Requests about named objects: built, sent, waited for, read. Several threads may wait at once on one connection, each
 * for an answer of its own; whichever of them reads does so for all. */
#include "client/object.h"

#include <stdio.h>
#include <string.h>

#include "client/reconnect.h"

/* --- the request --- */

void object_ask_refuse(struct object_ask *ask, const char *why)
{
	if (!ask->error)
		ask->error = error_set(TASKD_E_INVALID, "%s", why);
}

void object_ask_place(struct object_ask *ask, const void *place)
{
	if (!place)
		object_ask_refuse(ask, "there is no place for the answer");
}

/* A name that is no UTF-8 would reach the daemon as another one, perhaps the same as the next such. */
static void add_text(struct object_ask *ask, const char *key, const char *text)
{
	if (ask->error)
		return;
	if (!bytes_are_utf8(text)) {
		ask->error = error_set(TASKD_E_INVALID, "the %s is not UTF-8", key);
		return;
	}
	strbuf_puts(&ask->text, "\"");
	strbuf_puts(&ask->text, key);
	strbuf_puts(&ask->text, "\":");
	strbuf_json_string(&ask->text, text, strlen(text));
}

void object_ask_begin(struct object_ask *ask, struct taskd *c, const char *method, const char *key, const char *text)
{
	*ask = (struct object_ask){ .connection = c };
	if (!request_may_submit(c, text, key) || !connection_may_wait(c)) {
		ask->error = error_failure()->error;
		return;
	}
	strbuf_puts(&ask->text, method);
	strbuf_puts(&ask->text, "\",\"params\":{");
	add_text(ask, key, text);
}

void object_ask_string(struct object_ask *ask, const char *key, const char *text)
{
	if (ask->error)
		return;
	if (!text) {
		ask->error = error_set(TASKD_E_INVALID, "no %s was given", key);
		return;
	}
	strbuf_puts(&ask->text, ",");
	add_text(ask, key, text);
}

void object_ask_integer(struct object_ask *ask, const char *key, int64_t number)
{
	if (!ask->error)
		strbuf_printf(&ask->text, ",\"%s\":%lld", key, (long long)number);
}

void object_ask_flag(struct object_ask *ask, const char *key, bool flag)
{
	if (!ask->error && flag)
		strbuf_printf(&ask->text, ",\"%s\":true", key);
}

void object_ask_timeout(struct object_ask *ask, int64_t timeout_ns)
{
	if (!ask->error && timeout_ns != TASKD_FOREVER)
		options_add_duration(&ask->text, "timeout", timeout_ns > 0 ? timeout_ns : 0);
}

void object_ask_holder(struct object_ask *ask, const struct taskd_holder *who)
{
	if (who && who->holder)
		object_ask_string(ask, "holder", who->holder);
	if (who && who->task)
		object_ask_string(ask, "task", who->task);
}

void object_ask_json(struct object_ask *ask, const char *key, const char *text)
{
	if (ask->error)
		return;
	if (!text) {
		ask->error = error_set(TASKD_E_INVALID, "no %s was given", key);
		return;
	}
	char what[32];
	snprintf(what, sizeof(what), "the %s", key);
	ask->json = (struct piece){ text, strlen(text) };
	ask->error = request_check_json(what, text, ask->json.length, false, &ask->newlines);
	strbuf_printf(&ask->text, ",\"%s\":", key);
}

/* --- the answer --- */

/* Locked. The future is done: by its answer, or by the connection's end. */
static enum taskd_error outcome(const struct object_ask *ask, const struct taskd_future *f)
{
	const struct taskd *c = ask->connection;

	if (f->error)
		return error_set_failure(f->failure);
	if (ask->holds && c->error)
		return error_set(c->error, "%s", c->reason);
	if (ask->holds && c->reconnect && f->ended <= c->reconnect->lost_ends)
		return error_set(TASKD_E_DISCONNECTED, "the connection was lost, and with it what had been granted");
	return TASKD_OK;
}

void object_ask_send(struct object_ask *ask)
{
	struct taskd *c = ask->connection;
	struct piece pieces[] = { { ask->text.data, ask->text.length }, ask->json, PIECE("}") };

	if (ask->error)
		return;
	if (strbuf_failed(&ask->text)) {
		ask->error = error_set(TASKD_E_MEMORY, NULL);
		return;
	}
	connection_lock(c);
	struct taskd_future *f = request_add(c, FUTURE_REQUEST, pieces, 3, ask->newlines);
	if (!f) {
		ask->error = error_failure()->error;
	} else {
		reader_wait(c, reader_future_done, f, INT64_MAX);
		ask->error = outcome(ask, f);
		if (ask->error) {
			future_drop(f);
		} else {
			ask->answer = f;
			/* It was scanned when it came: the first character says what it is. */
			ask->result = (struct json_span){ f->text, f->length, JSON_NONE };
			if (f->text[0] == '{')
				ask->result.kind = JSON_SPAN_OBJECT;
			else if (f->text[0] == '[')
				ask->result.kind = JSON_SPAN_ARRAY;
		}
	}
	connection_unlock(c);
}

void object_ask_nonsense(struct object_ask *ask, const char *what)
{
	struct taskd *c = ask->connection;

	if (ask->error)
		return;
	connection_lock(c);
	connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: %s", what);
	if (!c->reading) /* whom the end of the socket wakes, to do this */
		callbacks_run(c);
	ask->error = error_set(c->error, "%s", c->reason);
	connection_unlock(c);
}

int64_t object_ask_number(struct object_ask *ask, const char *key)
{
	struct json_span span;
	long long number;
	char what[64];

	if (ask->error)
		return 0;
	span = reply_member(&ask->result, key);
	if (json_integer(&span, &number))
		return number;
	snprintf(what, sizeof(what), "an answer without \"%s\"", key);
	object_ask_nonsense(ask, what);
	return 0;
}

bool object_ask_true(const struct object_ask *ask, const char *key)
{
	struct json_span span;

	if (ask->error)
		return false;
	span = reply_member(&ask->result, key);
	return span.kind == JSON_SPAN_BOOL && span.text[0] == 't';
}

void object_ask_grant(struct object_ask *ask, struct taskd_grant *grant)
{
	struct taskd_grant granted = { .fence = (uint64_t)object_ask_number(ask, "fence") };
	struct json_span depth;
	long long number;

	if (ask->error)
		return;
	granted.holder_died = object_ask_true(ask, "holder_died");
	depth = reply_member(&ask->result, "depth");
	if (json_integer(&depth, &number))
		granted.depth = number;
	if (grant)
		*grant = granted;
}

enum taskd_error object_ask_end(struct object_ask *ask)
{
	if (ask->answer) {
		connection_lock(ask->connection);
		future_drop(ask->answer);
		connection_unlock(ask->connection);
	}
	strbuf_free(&ask->text);
	return ask->error;
}
