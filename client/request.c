/* What the library asks of the daemon: submissions, and any method. A request is written as text from its parts, a line
 * each; nothing is built first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/reconnect.h"

#define TASK_NAME_LIMIT 64

/* The digits of NUMBER, at the end of BUF. */
static struct piece digits(uint64_t number, char buf[24])
{
	char *p = buf + 24;

	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	return (struct piece){ p, (size_t)(buf + 24 - p) };
}

static void add(struct taskd *c, struct piece piece)
{
	strbuf_add(&c->out, piece.text, piece.length);
}

enum taskd_error request_write_passing(struct taskd *c, struct taskd_future *f, const struct piece *pieces, size_t n,
	bool newlines, struct passing *passing)
{
	size_t start = c->out.length;
	char buf[24];

	if (c->error)
		return error_set(c->error, "%s", c->reason);
	f->request = ++c->last_request;
	add(c, REQUEST_FRONT);
	add(c, digits(f->request, buf));
	add(c, REQUEST_MIDDLE);
	for (size_t i = 0; i < n; i++)
		add(c, pieces[i]);
	add(c, PIECE("}\n"));
	if (strbuf_failed(&c->out) || futures_put(&c->requests, f->request, f) < 0) {
		c->out.length = start;
		c->out.failed = false;
		return error_set(TASKD_E_MEMORY, NULL);
	}
	f->outstanding = true;
	/* Between the tokens of JSON text any space will do; within its strings there are none of these. */
	if (newlines)
		for (char *p = c->out.data + start; p < c->out.data + c->out.length - 1; p++)
			if (*p == '\n' || *p == '\r')
				*p = ' ';
	if (passing) {
		passing->at = c->written + (start - c->out_start);
		passing->end = c->written + (c->out.length - c->out_start);
		STAILQ_INSERT_TAIL(&c->passings, passing, link);
		c->n_passing++;
	}
	if (c->out.length - c->out_start >= c->out_enough || (passing && c->n_passing >= PASSING_ENOUGH))
		output_write(c);
	return TASKD_OK;
}

enum taskd_error request_write(
	struct taskd *c, struct taskd_future *f, const struct piece *pieces, size_t n, bool newlines)
{
	return request_write_passing(c, f, pieces, n, newlines, NULL);
}

/* The request of a submission is kept until it is acknowledged, as far as it can be written again. */
enum keeping { KEEP_NOT, KEEP_UNTAKEN, KEEP_REPEATABLE };

static struct taskd_future *add_passing(struct taskd *c, enum future_kind kind, const struct piece *pieces, size_t n,
	bool newlines, struct passing *passing, enum keeping keeping)
{
	if (keeping)
		identity_ask(c);
	struct taskd_future *f = future_new(c, kind);

	if (!f || (keeping && !resend_keep(f, pieces, n, keeping == KEEP_REPEATABLE)))
		error_set(TASKD_E_MEMORY, NULL);
	else if (request_write_passing(c, f, pieces, n, newlines, passing) == TASKD_OK)
		return f;
	if (f) {
		f->owned = false;
		future_release(f);
	}
	return NULL;
}

struct taskd_future *request_add(
	struct taskd *c, enum future_kind kind, const struct piece *pieces, size_t n, bool newlines)
{
	return add_passing(c, kind, pieces, n, newlines, NULL, KEEP_NOT);
}

void request_cancel(struct taskd *c, uint64_t request)
{
	size_t start = c->out.length;
	char buf[24];

	if (c->error)
		return;
	add(c, PIECE("{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":"));
	add(c, digits(request, buf));
	add(c, PIECE("}}\n"));
	if (strbuf_failed(&c->out)) {
		c->out.length = start;
		c->out.failed = false;
	}
}

bool request_is_task_name(const char *name)
{
	const char *p = name;

	for (; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
			    (p > name && ((*p >= '0' && *p <= '9') || *p == '-'))))
			return false;
	return p > name && p - name <= TASK_NAME_LIMIT;
}

enum taskd_error request_check_json(const char *what, const char *text, size_t length, bool container, bool *newlines)
{
	struct json_span value;
	struct json_error error;

	if (json_scan(text, length, &value, newlines, &error) < 0)
		return error_set(TASKD_E_INVALID, "%s: not JSON: %s at byte %zu", what, error.reason, error.offset);
	if (container && value.kind != JSON_SPAN_ARRAY && value.kind != JSON_SPAN_OBJECT)
		return error_set(TASKD_E_INVALID, "%s: neither a JSON array nor an object", what);
	return TASKD_OK;
}

/* Adds a request with the mutex taken for it. PASSING (or NULL) is taken over. */
static struct taskd_future *submit(struct taskd *c, enum future_kind kind, const struct piece *pieces, size_t n,
	bool newlines, struct passing *passing, enum keeping keeping)
{
	connection_lock(c);
	struct taskd_future *f = add_passing(c, kind, pieces, n, newlines, passing, keeping);
	connection_unlock(c);
	if (!f)
		passing_free(passing);
	return f;
}

/* The long form: {"task":…,"args":…, and the options. */
static struct taskd_future *submit_with_options(struct taskd *c, const char *task, struct piece args,
	const struct strbuf *options, bool detached, bool newlines, struct passing *passing, enum keeping keeping)
{
	struct strbuf front = STRBUF_INIT;
	struct taskd_future *f = NULL;

	strbuf_puts(&front, detached ? "task.submit" : "task.call");
	strbuf_puts(&front, "\",\"params\":{\"task\":");
	strbuf_json_string(&front, task, strlen(task));
	strbuf_puts(&front, ",\"args\":");
	if (strbuf_failed(&front) || strbuf_failed(options)) {
		error_set(TASKD_E_MEMORY, NULL);
		passing_free(passing);
	} else {
		struct piece pieces[] = {
			{ front.data, front.length },
			args,
			{ ",\"watch\":true", detached ? 13 : 0 },
			{ options->data, options->length },
			PIECE("}"),
		};
		f = submit(c, detached ? FUTURE_DETACHED : FUTURE_CALL, pieces, 5, newlines, passing, keeping);
	}
	strbuf_free(&front);
	return f;
}

bool request_may_submit(const struct taskd *c, const char *name, const char *what)
{
	if (!c) {
		error_of_null("connection");
		return false;
	}
	if (!connection_usable(c))
		return false;
	if (!name || !name[0]) {
		error_set(TASKD_E_INVALID, "no %s was given", what);
		return false;
	}
	return true;
}

/* Descriptors are gone once they were sent. */
static enum keeping keeping_of(
	const struct taskd *c, const struct taskd_options *options, const struct passing *passing)
{
	return c->reconnect && options->detached && !passing ? KEEP_UNTAKEN : KEEP_NOT;
}

struct taskd_future *request_submit(struct taskd *c, const char *task, struct piece args, bool newlines,
	const struct taskd_options *options, struct passing *passing)
{
	static const struct taskd_options none;
	struct strbuf given = STRBUF_INIT;
	enum keeping keeping;
	struct keyed keyed;
	struct taskd_future *f;

	if (!options)
		options = &none;
	keeping = keeping_of(c, options, passing);
	if (options_check(options) != TASKD_OK || (keeping && resend_key(c, options, &keyed) != TASKD_OK)) {
		passing_free(passing);
		return NULL;
	}
	if (keeping) {
		options = keyed.options;
		keeping = keyed.repeatable ? KEEP_REPEATABLE : KEEP_UNTAKEN;
	}
	options_write(&given, options);
	if (given.length > 0 || strbuf_failed(&given) || options->detached || !request_is_task_name(task)) {
		f = submit_with_options(c, task, args, &given, options->detached, newlines, passing, keeping);
	} else {
		struct piece pieces[] = { { task, strlen(task) }, PIECE("\",\"params\":"), args };
		f = submit(c, FUTURE_CALL, pieces, 3, newlines, passing, KEEP_NOT);
	}
	strbuf_free(&given);
	return f;
}

struct taskd_future *taskd_submit(
	struct taskd *c, const char *task, const char *args, const struct taskd_options *options)
{
	struct piece arguments = args ? (struct piece){ args, strlen(args) } : PIECE("[]");
	bool newlines = false;

	if (!request_may_submit(c, task, "task"))
		return NULL;
	if (args && request_check_json("the arguments", args, arguments.length, true, &newlines) != TASKD_OK)
		return NULL;
	return request_submit(c, task, arguments, newlines, options, NULL);
}

/* METHOD with one parameter, a task's id. Locked. */
static enum taskd_error write_about(struct taskd_future *f, const char *method, const char *name, const char *id)
{
	struct strbuf text = STRBUF_INIT;
	enum taskd_error error;

	strbuf_printf(&text, "%s\",\"params\":{\"%s\":", method, name);
	strbuf_json_string(&text, id, strlen(id));
	strbuf_puts(&text, "}");
	struct piece piece = { text.data, text.length };
	/* A retry that was made before is given again. */
	bool kept = f->kind == FUTURE_RETRY && f->connection->reconnect;
	if (strbuf_failed(&text) || (kept && !resend_keep(f, &piece, 1, true)))
		error = error_set(TASKD_E_MEMORY, NULL);
	else
		error = request_write(f->connection, f, &piece, 1, false);
	strbuf_free(&text);
	return error;
}

/* A future of a task that is not submitted here. */
static struct taskd_future *ask_about(
	struct taskd *c, enum future_kind kind, const char *method, const char *name, const char *id)
{
	if (!request_may_submit(c, id, "id"))
		return NULL;
	if (strlen(id) >= TASK_ID_ROOM) {
		error_set(TASKD_E_INVALID, "no task's id is as long as that: %s", id);
		return NULL;
	}
	connection_lock(c);
	identity_ask(c);
	struct taskd_future *f = future_new(c, kind);
	if (!f) {
		error_set(TASKD_E_MEMORY, NULL);
	} else if (write_about(f, method, name, id) != TASKD_OK) {
		f->owned = false;
		future_release(f);
		f = NULL;
	}
	if (f && kind == FUTURE_REQUEST)
		memcpy(f->id, id, strlen(id) + 1);
	connection_unlock(c);
	return f;
}

struct taskd_future *taskd_attach(struct taskd *c, const char *id)
{
	return ask_about(c, FUTURE_REQUEST, "task.result", "id", id);
}

struct taskd_future *taskd_retry(struct taskd *c, const char *id)
{
	return ask_about(c, FUTURE_RETRY, "task.retry", "ids", id);
}

void request_result(struct taskd_future *f)
{
	f->kind = FUTURE_REQUEST;
	f->outstanding = false;
	resend_forget(f);
	if (write_about(f, "task.result", "id", f->id) != TASKD_OK)
		future_fail_with(f, f->connection->error ? &f->connection->ended : &failure_memory);
}

/* What freeing its future does to the request: a task is cancelled; who waits for a named object is not to be given it
 * when nobody knows any more. */
static enum future_kind kind_of(const char *method)
{
	static const char *const waits[] = { "lock.acquire", "semaphore.acquire", "event.wait", "condition.wait",
		"barrier.wait", "mq.get", "mq.join" };

	if (request_is_task_name(method) || strcmp(method, "task.call") == 0 || strcmp(method, "task.map") == 0)
		return FUTURE_CALL;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (strcmp(method, waits[i]) == 0)
			return FUTURE_WAIT;
	return FUTURE_REQUEST;
}

struct taskd_future *taskd_request(struct taskd *c, const char *method, const char *params)
{
	struct strbuf name = STRBUF_INIT;
	struct taskd_future *f = NULL;
	bool newlines = false;

	if (!request_may_submit(c, method, "method"))
		return NULL;
	if (params && request_check_json("the parameters", params, strlen(params), true, &newlines) != TASKD_OK)
		return NULL;
	strbuf_json_string(&name, method, strlen(method));
	if (strbuf_failed(&name)) {
		error_set(TASKD_E_MEMORY, NULL);
	} else {
		struct piece pieces[] = {
			{ name.data + 1, name.length - 1 }, /* the opening quote is there already */
			PIECE(",\"params\":"),
			{ params, params ? strlen(params) : 0 },
		};
		f = submit(c, kind_of(method), pieces, params ? 3 : 1, newlines, NULL, KEEP_NOT);
	}
	strbuf_free(&name);
	return f;
}
