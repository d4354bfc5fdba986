/* What the library asks of the daemon: submissions, and any method. A request is written as text from its parts, a line
 * each; nothing is built first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "proto/units.h"

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

struct taskd_future *request_add(
	struct taskd *c, enum future_kind kind, const struct piece *pieces, size_t n, bool newlines)
{
	size_t start = c->out.length;
	char buf[24];

	if (c->error) {
		error_set(c->error, "%s", c->reason);
		return NULL;
	}
	struct taskd_future *f = future_new(c, kind);
	if (!f)
		goto fail;
	f->request = ++c->last_request;
	add(c, PIECE("{\"jsonrpc\":\"2.0\",\"id\":"));
	add(c, digits(f->request, buf));
	add(c, PIECE(",\"method\":\""));
	for (size_t i = 0; i < n; i++)
		add(c, pieces[i]);
	add(c, PIECE("}\n"));
	if (strbuf_failed(&c->out) || futures_put(&c->requests, f->request, f) < 0)
		goto fail;
	f->outstanding = true;
	/* Between the tokens of JSON text any space will do; within its strings there are none of these. */
	if (newlines)
		for (char *p = c->out.data + start; p < c->out.data + c->out.length - 1; p++)
			if (*p == '\n' || *p == '\r')
				*p = ' ';
	if (c->out.length - c->out_start >= c->out_enough)
		output_write(c);
	return f;
fail:
	c->out.length = start;
	c->out.failed = false;
	if (f) {
		f->owned = false;
		future_release(f);
	}
	error_set(TASKD_E_MEMORY, NULL);
	return NULL;
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

void request_add_options(struct strbuf *out, const struct taskd_options *options)
{
	char text[UNITS_TEXT_SIZE];

	if (options->queue) {
		strbuf_puts(out, ",\"queue\":");
		strbuf_json_string(out, options->queue, strlen(options->queue));
	}
	if (options->priority)
		strbuf_printf(out, ",\"priority\":%d", options->priority);
	if (options->timeout_ns > 0 && options->timeout_ns != TASKD_FOREVER) {
		units_format_duration(options->timeout_ns, text);
		strbuf_printf(out, ",\"timeout\":\"%s\"", text);
	}
	if (options->tag) {
		strbuf_puts(out, ",\"tag\":");
		strbuf_json_string(out, options->tag, strlen(options->tag));
	}
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

/* Adds a request with the mutex taken for it. */
static struct taskd_future *submit(
	struct taskd *c, enum future_kind kind, const struct piece *pieces, size_t n, bool newlines)
{
	connection_lock(c);
	struct taskd_future *f = request_add(c, kind, pieces, n, newlines);
	connection_unlock(c);
	return f;
}

/* The long form: {"task":…,"args":…, and the options. */
static struct taskd_future *submit_with_options(
	struct taskd *c, const char *task, struct piece args, const struct taskd_options *options, bool newlines)
{
	struct strbuf front = STRBUF_INIT, back = STRBUF_INIT;
	struct taskd_future *f = NULL;

	strbuf_puts(&front, options->detached ? "task.submit" : "task.call");
	strbuf_puts(&front, "\",\"params\":{\"task\":");
	strbuf_json_string(&front, task, strlen(task));
	strbuf_puts(&front, ",\"args\":");
	if (options->detached)
		strbuf_puts(&back, ",\"watch\":true");
	request_add_options(&back, options);
	strbuf_puts(&back, "}");
	if (strbuf_failed(&front) || strbuf_failed(&back)) {
		error_set(TASKD_E_MEMORY, NULL);
	} else {
		struct piece pieces[] = { { front.data, front.length }, args, { back.data, back.length } };
		f = submit(c, options->detached ? FUTURE_DETACHED : FUTURE_CALL, pieces, 3, newlines);
	}
	strbuf_free(&front);
	strbuf_free(&back);
	return f;
}

static bool has_options(const struct taskd_options *options)
{
	return options &&
		(options->queue || options->priority || options->timeout_ns > 0 || options->tag || options->detached);
}

/* What is asked before anything is submitted; false with error_set called. */
static bool may_submit(const struct taskd *c, const char *name, const char *what)
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

struct taskd_future *taskd_submit(
	struct taskd *c, const char *task, const char *args, const struct taskd_options *options)
{
	static const struct taskd_options none;
	bool newlines = false;

	if (!may_submit(c, task, "task"))
		return NULL;
	struct piece arguments = args ? (struct piece){ args, strlen(args) } : PIECE("[]");
	if (args && request_check_json("the arguments", args, arguments.length, true, &newlines) != TASKD_OK)
		return NULL;
	if (has_options(options) || !request_is_task_name(task))
		return submit_with_options(c, task, arguments, options ? options : &none, newlines);

	struct piece pieces[] = { { task, strlen(task) }, PIECE("\",\"params\":"), arguments };
	return submit(c, FUTURE_CALL, pieces, 3, newlines);
}

struct taskd_future *taskd_attach(struct taskd *c, const char *id)
{
	struct strbuf params = STRBUF_INIT;
	struct taskd_future *f = NULL;

	if (!may_submit(c, id, "id"))
		return NULL;
	if (strlen(id) >= TASK_ID_ROOM) {
		error_set(TASKD_E_INVALID, "no task's id is as long as that: %s", id);
		return NULL;
	}
	strbuf_puts(&params, "task.result\",\"params\":{\"id\":");
	strbuf_json_string(&params, id, strlen(id));
	strbuf_puts(&params, "}");
	if (strbuf_failed(&params)) {
		error_set(TASKD_E_MEMORY, NULL);
	} else {
		struct piece piece = { params.data, params.length };
		connection_lock(c);
		f = request_add(c, FUTURE_REQUEST, &piece, 1, false);
		if (f)
			memcpy(f->id, id, strlen(id) + 1);
		connection_unlock(c);
	}
	strbuf_free(&params);
	return f;
}

/* Whether the request is a task, so that freeing its future cancels it. */
static bool runs_task(const char *method)
{
	return request_is_task_name(method) || strcmp(method, "task.call") == 0 || strcmp(method, "task.map") == 0;
}

struct taskd_future *taskd_request(struct taskd *c, const char *method, const char *params)
{
	struct strbuf name = STRBUF_INIT;
	struct taskd_future *f = NULL;
	bool newlines = false;

	if (!may_submit(c, method, "method"))
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
		f = submit(c, runs_task(method) ? FUTURE_CALL : FUTURE_REQUEST, pieces, params ? 3 : 1, newlines);
	}
	strbuf_free(&name);
	return f;
}
