/* Several tasks in one request, which the daemon takes all or none of. Their futures hang together until it has answered:
 * the first of them stands for all in the table of requests. */
#include <stdio.h>
#include <string.h>

#include "client/reconnect.h"

/* What is found out about all of its tasks. */
struct made {
	struct strbuf text;
	bool newlines;
	bool repeatable; /* every one of them */
};

/* {"label":…,"task":…,"args":…,"watch":true, and the options. */
static enum taskd_error write_task(
	const struct taskd *c, struct made *made, const struct taskd_batch_task *task, size_t index)
{
	struct strbuf *out = &made->text;
	const char *args = task->args ? task->args : "[]";
	enum taskd_error error;
	struct keyed keyed;
	bool some = false;
	char what[64];

	if (!task->task || !task->task[0])
		return error_set(TASKD_E_INVALID, "task %zu of the batch has no name", index);
	if (task->options.wait_for_room_ns > 0)
		return error_set(TASKD_E_INVALID, "task %zu of the batch has wait_for_room_ns", index);
	snprintf(what, sizeof(what), "the arguments of task %zu of the batch", index);
	if ((error = options_check(&task->options)) ||
		(error = request_check_json(what, args, strlen(args), true, &some)) ||
		(error = resend_key(c, &task->options, &keyed)))
		return error;
	made->newlines |= some;
	made->repeatable &= keyed.repeatable;
	strbuf_puts(out, index > 0 ? ",{" : "{");
	if (task->label) {
		strbuf_puts(out, "\"label\":");
		strbuf_json_string(out, task->label, strlen(task->label));
		strbuf_puts(out, ",");
	}
	strbuf_puts(out, "\"task\":");
	strbuf_json_string(out, task->task, strlen(task->task));
	strbuf_puts(out, ",\"args\":");
	strbuf_puts(out, args);
	strbuf_puts(out, ",\"watch\":true");
	options_write(out, keyed.options);
	strbuf_puts(out, "}");
	return TASKD_OK;
}

static void drop_all(struct taskd_future *f)
{
	for (struct taskd_future *next; f; f = next) {
		next = f->peer;
		f->owned = false;
		future_release(f);
	}
}

/* Locked: N futures that hang together, in order; NULL without memory. */
static struct taskd_future *make_futures(struct taskd *c, size_t n, struct taskd_future **futures)
{
	struct taskd_future *next = NULL;

	for (size_t i = n; i-- > 0;) {
		futures[i] = future_new(c, FUTURE_BATCH);
		if (!futures[i]) {
			drop_all(next);
			error_set(TASKD_E_MEMORY, NULL);
			return NULL;
		}
		futures[i]->peer = next;
		next = futures[i];
	}
	return next;
}

/* Locked. */
static enum taskd_error add(struct taskd *c, const struct made *made, size_t n, struct taskd_future **futures)
{
	struct piece piece = { made->text.data, made->text.length };
	enum taskd_error error = TASKD_OK;

	identity_ask(c);
	struct taskd_future *first = make_futures(c, n, futures);
	if (!first)
		return TASKD_E_MEMORY;
	if (c->reconnect && !resend_keep(first, &piece, 1, made->repeatable))
		error = error_set(TASKD_E_MEMORY, NULL);
	if (error || request_write(c, first, &piece, 1, made->newlines) != TASKD_OK) {
		drop_all(first);
		return error_failure()->error;
	}
	for (size_t i = 1; i < n; i++) {
		futures[i]->request = first->request;
		futures[i]->outstanding = true;
	}
	return TASKD_OK;
}

enum taskd_error taskd_submit_batch(
	struct taskd *c, const struct taskd_batch_task *tasks, size_t n, struct taskd_future **futures)
{
	struct made made = { .repeatable = true };
	enum taskd_error error = TASKD_OK;

	for (size_t i = 0; i < n; i++)
		futures[i] = NULL;
	if (!c)
		return error_of_null("connection");
	if (!connection_usable(c))
		return error_failure()->error;
	if (n == 0)
		return TASKD_OK;
	strbuf_puts(&made.text, "task.submit_batch\",\"params\":{\"tasks\":[");
	for (size_t i = 0; i < n && !error; i++)
		error = write_task(c, &made, &tasks[i], i);
	strbuf_puts(&made.text, "]}");
	if (!error && strbuf_failed(&made.text))
		error = error_set(TASKD_E_MEMORY, NULL);
	if (!error) {
		connection_lock(c);
		error = add(c, &made, n, futures);
		connection_unlock(c);
	}
	for (size_t i = 0; i < n && error; i++)
		futures[i] = NULL;
	strbuf_free(&made.text);
	return error;
}

/* --- the daemon's answer, locked --- */

/* Takes the first one out of what hangs together; what is left of it. */
static struct taskd_future *part(struct taskd_future *f)
{
	struct taskd_future *rest = f->peer;

	f->peer = NULL;
	f->kind = FUTURE_DETACHED;
	return rest;
}

void batch_fail(struct taskd_future *first, struct failure *failure)
{
	for (struct taskd_future *f = first, *rest; f; f = rest) {
		rest = part(f);
		f->failure_own = failure_share(failure);
		future_fail_with(f, failure ? &failure->told : &failure_memory);
	}
}

void batch_submitted(struct taskd *c, struct taskd_future *first, const struct json_span *result)
{
	struct json_span list = reply_member(result, "tasks"), record;
	size_t cursor = 0;

	for (struct taskd_future *f = first, *rest; f; f = rest) {
		rest = part(f);
		if (list.kind != JSON_SPAN_ARRAY || !json_next(&list, &cursor, NULL, &record))
			record = (struct json_span){ 0 };
		reply_submitted(f, &record);
	}
	if (list.kind == JSON_SPAN_ARRAY && json_next(&list, &cursor, NULL, &record))
		connection_fail(c, TASKD_E_PROTOCOL, "the daemon sent nonsense: more tasks than were in the batch");
}
