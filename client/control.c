/* What can be asked about a task while it is on its way: its id, whether it runs, that it be cancelled. An attached task
 * has no id that this side knows, so it is named by its request. */
#include <string.h>

#include "client/reconnect.h"

/* The mutex for a call that asks the daemon about a task; false with error_set called. */
static bool begin(struct taskd_future *f)
{
	if (!f) {
		error_of_null("future");
		return false;
	}
	if (!connection_usable(f->connection) || !connection_may_wait(f->connection))
		return false;
	connection_lock(f->connection);
	if ((f->kind != FUTURE_REQUEST && f->kind != FUTURE_WAIT) || f->id[0])
		return true;
	connection_unlock(f->connection);
	error_set(TASKD_E_INVALID, "this request is not a task");
	return false;
}

static bool knows_id(void *future)
{
	const struct taskd_future *f = future;

	return f->id[0] || f->done;
}

/* Its number is good for the daemon that is asked. */
static bool can_be_asked_about(void *future)
{
	const struct taskd_future *f = future;
	const struct reconnect *reconnect = f->connection->reconnect;

	return f->done || (knows_id(future) && (!reconnect || reconnect->settled));
}

static struct taskd_future *send_question(struct taskd_future *f, const char *method, const char *id_name)
{
	struct strbuf text = STRBUF_INIT;
	struct taskd_future *answer = NULL;

	strbuf_printf(&text, "%s\",\"params\":{", method);
	if (f->kind == FUTURE_CALL)
		strbuf_printf(&text, "\"call\":%llu}", (unsigned long long)f->request);
	else {
		strbuf_printf(&text, "\"%s\":", id_name);
		strbuf_json_string(&text, f->id, strlen(f->id));
		strbuf_puts(&text, "}");
	}
	if (strbuf_failed(&text)) {
		error_set(TASKD_E_MEMORY, NULL);
	} else {
		struct piece piece = { text.data, text.length };
		answer = request_add(f->connection, FUTURE_QUESTION, &piece, 1, false);
	}
	strbuf_free(&text);
	return answer;
}

static enum taskd_error ask_once(
	struct taskd_future *f, const char *method, const char *id_name, int64_t deadline, struct taskd_future **answer)
{
	struct taskd *c = f->connection;
	enum taskd_error error = TASKD_OK;

	*answer = NULL;
	if (f->kind != FUTURE_CALL)
		error = reader_wait(c, can_be_asked_about, f, deadline);
	if (error == TASKD_OK && f->done)
		return error_set(TASKD_E_NOT_FOUND, "the task has ended already");
	if (error != TASKD_OK)
		return error_set(error, error == c->error ? "%s" : NULL, c->reason);
	struct taskd_future *asked = send_question(f, method, id_name);
	if (!asked)
		return error_failure()->error;
	error = reader_wait(c, reader_future_done, asked, deadline);
	if (asked->done)
		error = asked->error;
	*answer = asked;
	return error;
}

/* Locked: asks METHOD about the task, and waits. TASKD_OK: *answer has succeeded, and is to be dropped. */
static enum taskd_error ask(
	struct taskd_future *f, const char *method, const char *id_name, int64_t deadline, struct taskd_future **answer)
{
	for (;;) {
		enum taskd_error error = ask_once(f, method, id_name, deadline, answer);
		struct taskd_future *asked = *answer;
		if (!error || !asked)
			return error;
		bool lost = failure_is_lost(asked->failure);
		error_set(error, asked->failure ? "%s" : NULL, asked->failure ? asked->failure->message : "");
		future_drop(asked);
		if (!lost || f->done) /* its end may be why */
			return error;
	}
}

static struct json_span answer_span(const struct taskd_future *answer)
{
	struct json_span span = { 0 };
	struct json_error error;

	json_scan(answer->text, answer->length, &span, NULL, &error);
	return span;
}

static bool state_is(const struct json_span *record, const char *wanted)
{
	struct json_span state = reply_member(record, "state");

	return state.kind == JSON_SPAN_STRING && json_string_is(&state, wanted);
}

/* Asks for the task's record, which also has its id. TASKD_OK: *answer is to be dropped, and *record is of its text. */
static enum taskd_error ask_status(
	struct taskd_future *f, int64_t deadline, struct taskd_future **answer, struct json_span *record)
{
	enum taskd_error error = ask(f, "task.status", "id", deadline, answer);
	char text[TASK_ID_ROOM];
	uint64_t number;

	if (error != TASKD_OK)
		return error;
	*record = answer_span(*answer);
	struct json_span id = reply_member(record, "id");
	if (!f->id[0] && failure_read_id(&id, text, &number))
		memcpy(f->id, text, sizeof(text));
	return TASKD_OK;
}

bool taskd_running(struct taskd_future *f, int64_t timeout_ns)
{
	struct taskd_future *answer;
	struct json_span record;
	bool running = false;

	if (!begin(f))
		return false;
	struct taskd *c = f->connection;
	if (!f->done && ask_status(f, deadline_after(timeout_ns), &answer, &record) == TASKD_OK) {
		running = state_is(&record, "running") && !f->done;
		future_drop(answer);
	}
	connection_unlock(c);
	return running;
}

enum taskd_error taskd_future_progress(struct taskd_future *f, int64_t timeout_ns, double *fraction, char **text)
{
	struct taskd_future *answer;
	struct json_span record;

	if (fraction)
		*fraction = -1;
	if (text)
		*text = NULL;
	if (!begin(f))
		return error_failure()->error;
	struct taskd *c = f->connection;
	enum taskd_error error = ask_status(f, deadline_after(timeout_ns), &answer, &record);
	if (error == TASKD_OK) {
		struct json_span progress = reply_member(&record, "progress");
		struct json_span number = reply_member(&progress, "fraction"), said = reply_member(&progress, "text");
		if (fraction && !failure_read_number(&number, fraction))
			*fraction = -1;
		if (text && said.kind == JSON_SPAN_STRING && !(*text = json_string_dup(&said, NULL)))
			error = error_set(TASKD_E_MEMORY, NULL);
		future_drop(answer);
	}
	connection_unlock(c);
	return error;
}

enum taskd_error taskd_acknowledged(struct taskd_future *f, int64_t timeout_ns)
{
	int64_t deadline = deadline_after(timeout_ns);
	enum taskd_error error = TASKD_OK;
	struct taskd_future *answer;
	struct json_span record;

	if (!begin(f))
		return error_failure()->error;
	struct taskd *c = f->connection;
	if (!knows_id(f)) {
		if (f->kind == FUTURE_CALL) {
			error = ask_status(f, deadline, &answer, &record);
			if (error == TASKD_OK)
				future_drop(answer);
		} else if ((error = reader_wait(c, knows_id, f, deadline)) != TASKD_OK) {
			error_set(error, error == c->error ? "%s" : NULL, c->reason);
		}
	}
	if (f->id[0])
		error = TASKD_OK;
	else if (f->done && f->error)
		error = error_set(f->error, "%s", f->failure->message);
	else if (error == TASKD_OK)
		error = error_set(TASKD_E_NOT_FOUND, "the task has ended without telling its id");
	connection_unlock(c);
	return error;
}

enum taskd_error taskd_cancel(struct taskd_future *f, int64_t timeout_ns)
{
	struct taskd_future *answer;

	if (!begin(f))
		return error_failure()->error;
	struct taskd *c = f->connection;
	enum taskd_error error = ask(f, "task.cancel", "ids", deadline_after(timeout_ns), &answer);
	if (error == TASKD_OK) {
		struct json_span list = answer_span(answer), record;
		size_t cursor = 0;
		bool cancelled = false;
		if (list.kind == JSON_SPAN_ARRAY)
			while (!cancelled && json_next(&list, &cursor, NULL, &record))
				cancelled = state_is(&record, "cancelled") || state_is(&record, "cancelling");
		if (!cancelled)
			error = error_set(TASKD_E_NOT_FOUND, "the task has ended already");
		future_drop(answer);
	}
	/* Its end may have overtaken the answer, or have been there before the question. */
	if (f->done && f->error == TASKD_E_CANCELLED)
		error = TASKD_OK;
	connection_unlock(c);
	return error;
}
