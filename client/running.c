/* To a command that runs, and what it has said so far: requests about a task by its id, each with a wait for its
 * answer. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "proto/base64.h"
#include "proto/methods.h"

/* METHOD","params":{"NAME":"ID" */
static void begin_request(struct strbuf *text, const char *method, const char *name, const char *id)
{
	strbuf_printf(text, "%s\",\"params\":{\"%s\":", method, name);
	strbuf_json_string(text, id, strlen(id));
}

/* Locked. TASKD_OK: *answer has succeeded, and is to be dropped. KIND: FUTURE_QUESTION where asking twice does no harm. */
static enum taskd_error wait_for_answer(struct taskd *c, enum future_kind kind, const struct strbuf *text,
	int64_t deadline, struct taskd_future **answer)
{
	struct piece pieces[] = { { text->data, text->length }, PIECE("}") };
	struct taskd_future *asked = request_add(c, kind, pieces, 2, false);

	if (!asked)
		return error_failure()->error;
	enum taskd_error error = reader_wait(c, reader_future_done, asked, deadline);
	if (asked->done)
		error = asked->error;
	if (!error) {
		*answer = asked;
		return TASKD_OK;
	}
	if (kind == FUTURE_QUESTION && failure_is_lost(asked->failure)) {
		future_drop(asked);
		return wait_for_answer(c, kind, text, deadline, answer);
	}
	if (asked->failure)
		error_set_failure(asked->failure);
	else
		error_set(error, error == c->error ? "%s" : NULL, c->reason);
	future_drop(asked);
	return error;
}

static bool may_ask(const struct taskd *c, const char *id)
{
	return request_may_submit(c, id, "id") && connection_may_wait(c);
}

/* Sends the request, and frees its TEXT. */
static enum taskd_error ask(struct taskd *c, struct strbuf *text, int64_t deadline)
{
	struct taskd_future *answer;
	enum taskd_error error;

	if (strbuf_failed(text)) {
		error = error_set(TASKD_E_MEMORY, NULL);
	} else {
		connection_lock(c);
		error = wait_for_answer(c, FUTURE_REQUEST, text, deadline, &answer);
		if (!error)
			future_drop(answer);
		connection_unlock(c);
	}
	strbuf_free(text);
	return error;
}

/* --- to it --- */

/* How much of DATA goes in one request: a character is not cut, so that text stays text. */
static size_t share(const char *data, size_t length)
{
	size_t n = length;

	if (n <= LOG_PAGE)
		return n;
	for (n = LOG_PAGE; n > LOG_PAGE - 4 && ((unsigned char)data[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

enum taskd_error taskd_send(
	struct taskd *c, const char *id, const void *data, size_t length, bool eof, int64_t timeout_ns)
{
	int64_t deadline = deadline_after(timeout_ns);
	const char *at = data;
	enum taskd_error error;

	if (!may_ask(c, id))
		return error_failure()->error;
	do {
		size_t n = share(at, length);
		struct strbuf text = STRBUF_INIT;
		begin_request(&text, "task.send", "id", id);
		base64_member(&text, "data", at, n);
		if (eof && n == length)
			strbuf_puts(&text, ",\"eof\":true");
		if (deadline != INT64_MAX) { /* the daemon is not to deliver it when nobody counts on it any more */
			int64_t left = deadline - now_ns();
			strbuf_printf(&text, ",\"timeout\":\"%lldus\"", (long long)(left > 0 ? left / 1000 : 0));
		}
		error = ask(c, &text, deadline);
		at += n;
		length -= n;
	} while (length > 0 && !error);
	return error;
}

enum taskd_error taskd_signal(struct taskd *c, const char *id, int signal, int64_t timeout_ns)
{
	struct strbuf text = STRBUF_INIT;

	if (!may_ask(c, id))
		return error_failure()->error;
	begin_request(&text, "task.signal", "ids", id);
	strbuf_printf(&text, ",\"signal\":\"%d\"", signal);
	return ask(c, &text, deadline_after(timeout_ns));
}

static enum taskd_error ask_about(struct taskd *c, const char *method, const char *id, int64_t timeout_ns)
{
	struct strbuf text = STRBUF_INIT;

	if (!may_ask(c, id))
		return error_failure()->error;
	begin_request(&text, method, "ids", id);
	return ask(c, &text, deadline_after(timeout_ns));
}

enum taskd_error taskd_suspend(struct taskd *c, const char *id, int64_t timeout_ns)
{
	return ask_about(c, "task.suspend", id, timeout_ns);
}

enum taskd_error taskd_resume(struct taskd *c, const char *id, int64_t timeout_ns)
{
	return ask_about(c, "task.resume", id, timeout_ns);
}

enum taskd_error taskd_window(struct taskd *c, const char *id, int rows, int columns, int64_t timeout_ns)
{
	struct strbuf text = STRBUF_INIT;

	if (!may_ask(c, id))
		return error_failure()->error;
	begin_request(&text, "task.window", "id", id);
	strbuf_printf(&text, ",\"rows\":%d,\"columns\":%d", rows, columns);
	return ask(c, &text, deadline_after(timeout_ns));
}

/* --- from it --- */

struct page {
	struct bytes bytes;
	long long total;
};

static bool read_page(struct page *page, const struct taskd_future *answer)
{
	struct json_span span = { 0 }, name, value;
	struct json_error error;
	size_t cursor = 0;

	*page = (struct page){ .total = -1 };
	if (json_scan(answer->text, answer->length, &span, NULL, &error) < 0 || span.kind != JSON_SPAN_OBJECT)
		return false;
	while (json_next(&span, &cursor, &name, &value)) {
		bytes_note(&page->bytes, "data", &name, &value);
		if (json_string_is(&name, "total") && !json_integer(&value, &page->total))
			return false;
	}
	return page->total >= 0 && bytes_room(&page->bytes) > 0;
}

/* Locked: what the answer has, as much as there is room for. */
static enum taskd_error take_page(
	const struct taskd_future *answer, void *buffer, size_t size, size_t *length, uint64_t *total)
{
	struct page page;
	size_t n;

	if (!read_page(&page, answer))
		return error_set(TASKD_E_PROTOCOL, "the daemon sent nonsense: a log's page without its bytes");
	char *room = malloc(bytes_room(&page.bytes));
	if (!room)
		return error_set(TASKD_E_MEMORY, NULL);
	bool fine = bytes_copy(&page.bytes, room, &n) && n <= size;
	if (fine && n > 0)
		memcpy(buffer, room, n);
	free(room);
	if (!fine)
		return error_set(TASKD_E_PROTOCOL, "the daemon sent nonsense: a log's page that is none");
	if (length)
		*length = n;
	if (total)
		*total = (uint64_t)page.total;
	return TASKD_OK;
}

enum taskd_error taskd_log(struct taskd *c, const char *id, enum taskd_stream stream, uint64_t offset, void *buffer,
	size_t size, size_t *length, uint64_t *total, int64_t timeout_ns)
{
	struct strbuf text = STRBUF_INIT;
	struct taskd_future *answer;
	enum taskd_error error;

	if (length)
		*length = 0;
	if (total)
		*total = 0;
	if (!may_ask(c, id))
		return error_failure()->error;
	if ((stream != TASKD_STDOUT && stream != TASKD_STDERR) || size == 0 || offset > INT64_MAX)
		return error_set(TASKD_E_INVALID, "taskd_log needs a stream, an offset that is possible, and a buffer");
	begin_request(&text, "task.log", "id", id);
	strbuf_printf(&text, ",\"stream\":\"%s\",\"offset\":%llu,\"limit\":%zu",
		stream == TASKD_STDOUT ? "stdout" : "stderr", (unsigned long long)offset,
		size < LOG_PAGE ? size : LOG_PAGE);
	if (strbuf_failed(&text)) {
		strbuf_free(&text);
		return error_set(TASKD_E_MEMORY, NULL);
	}
	connection_lock(c);
	error = wait_for_answer(c, FUTURE_QUESTION, &text, deadline_after(timeout_ns), &answer);
	if (!error) {
		error = take_page(answer, buffer, size, length, total);
		future_drop(answer);
	}
	connection_unlock(c);
	strbuf_free(&text);
	return error;
}
