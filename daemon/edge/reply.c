/* Puts answers together and hands them to the connection, or to the batch that they are a part of. */
#include "edge/reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "proto/jsonrpc.h"

#define REPLY_TAIL 256

/* The one way out: HEAD is the edge's scratch buffer. */
static void deliver(const struct reply_to *to, struct strbuf *head, struct bytes *body, const char *tail)
{
	if (to->batch) {
		batch_add(to->batch, head, body, tail);
		batch_release(to->batch);
	} else {
		connection_send(to->connection, head, body, tail);
	}
}

static struct strbuf *begin(const struct reply_to *to)
{
	struct strbuf *head = &to->connection->edge->scratch;
	strbuf_reset(head);
	return head;
}

void reply_text(const struct reply_to *to, const char *text, size_t length)
{
	if (!to->id)
		return;
	struct strbuf *head = begin(to);
	rpc_begin_result(head, to->id, to->id_length);
	strbuf_add(head, text, length);
	deliver(to, head, NULL, "}");
}

void reply_bytes(const struct reply_to *to, struct bytes *result)
{
	if (!to->id)
		return;
	struct strbuf *head = begin(to);
	rpc_begin_result(head, to->id, to->id_length);
	deliver(to, head, result, "}");
}

void reply_around(const struct reply_to *to, const char *before, struct bytes *result, const char *behind)
{
	char tail[REPLY_TAIL];
	if (!to->id)
		return;
	struct strbuf *head = begin(to);
	rpc_begin_result(head, to->id, to->id_length);
	strbuf_puts(head, before);
	snprintf(tail, sizeof(tail), "%s}", behind);
	deliver(to, head, result, tail);
}

static void release_text(void *owner, const char *data, size_t size)
{
	(void)data;
	(void)size;
	free(owner);
}

void reply_buffer(const struct reply_to *to, struct strbuf *result)
{
	size_t length;
	struct bytes *bytes = NULL;
	char *text;
	if (!to->id) {
		strbuf_free(result);
		return;
	}
	if (!strbuf_failed(result) && result->length <= EDGE_COPY_LIMIT) {
		reply_text(to, result->data, result->length);
		strbuf_free(result);
		return;
	}
	text = strbuf_take(result, &length);
	if (text)
		bytes = bytes_new_foreign(text, length, release_text, text);
	if (!bytes) {
		free(text);
		reply_error(to, PROTO_INTERNAL_ERROR, "no memory for the answer", NULL);
		return;
	}
	reply_bytes(to, bytes);
	bytes_unref(bytes);
}

/* The same, of an element of the parameters: the message begins with it, and the data has its index and label. */
static void reply_error_of_place(const struct reply_to *to, enum proto_error error, const char *message, const char *data)
{
	const struct reply_place *place = to->place;
	struct strbuf text = STRBUF_INIT, object = STRBUF_INIT;
	strbuf_printf(&text, "task %zu", place->index);
	if (place->label)
		strbuf_printf(&text, " (\"%.64s\")", place->label);
	strbuf_printf(&text, ": %s", message ? message : proto_error_info(error)->text);
	if (data)
		strbuf_add(&object, data, strlen(data) - 1);
	else
		error_data_begin(&object, error);
	strbuf_printf(&object, ",\"index\":%zu", place->index);
	if (place->label) {
		strbuf_puts(&object, ",\"label\":");
		strbuf_json_string(&object, place->label, strlen(place->label));
	}
	strbuf_puts(&object, "}");
	struct strbuf *head = begin(to);
	rpc_error(head, to->id, to->id_length, error, text.data, object.data);
	deliver(to, head, NULL, "");
	strbuf_free(&text);
	strbuf_free(&object);
}

void reply_error(const struct reply_to *to, enum proto_error error, const char *message, const char *data)
{
	if (!to->id)
		return;
	if (to->place) {
		reply_error_of_place(to, error, message, data);
		return;
	}
	struct strbuf *head = begin(to);
	rpc_error(head, to->id, to->id_length, error, message, data);
	deliver(to, head, NULL, "");
}

void reply_errorf(const struct reply_to *to, enum proto_error error, const char *format, ...)
{
	char message[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	reply_error(to, error, message, NULL);
}

void reply_unknown(const struct reply_to *to, enum proto_error error, const char *what, const char *name,
	const char *suggestion)
{
	struct strbuf message = STRBUF_INIT, data = STRBUF_INIT;
	strbuf_printf(&message, "unknown %s \"%.100s\"", what, name);
	error_data_begin(&data, error);
	if (suggestion) {
		strbuf_printf(&message, ": did you mean \"%s\"?", suggestion);
		strbuf_puts(&data, ",\"did_you_mean\":");
		strbuf_json_string(&data, suggestion, strlen(suggestion));
	}
	strbuf_puts(&data, "}");
	reply_error(to, error, message.data, data.data);
	strbuf_free(&message);
	strbuf_free(&data);
}

/* Those of a batch are one text in the end. */
static void add_pieces(const struct reply_to *to, struct pieces *result)
{
	struct strbuf whole = STRBUF_INIT;
	for (size_t i = 0; i < result->n; i++)
		strbuf_add(&whole, result->list[i]->data, result->list[i]->size);
	strbuf_add(&whole, result->open.data, result->open.length);
	reply_buffer(to, &whole);
}

void reply_pieces(const struct reply_to *to, struct pieces *result)
{
	if (!result->n && !result->failed) {
		reply_buffer(to, &result->open);
	} else if (result->failed || strbuf_failed(&result->open)) {
		reply_error(to, PROTO_INTERNAL_ERROR, "no memory for the answer", NULL);
	} else if (to->batch) {
		add_pieces(to, result);
	} else if (to->id) {
		struct strbuf *head = begin(to);
		pieces_close(result);
		rpc_begin_result(head, to->id, to->id_length);
		connection_send_pieces(to->connection, head, result->list, result->n, "}");
	}
	pieces_free(result);
}

void reply_error_object(const struct reply_to *to, const struct strbuf *object)
{
	if (!to->id)
		return;
	struct strbuf *head = begin(to);
	strbuf_puts(head, "{\"jsonrpc\":\"2.0\",\"id\":");
	strbuf_add(head, to->id, to->id_length);
	strbuf_puts(head, ",\"error\":");
	strbuf_add(head, object->data, object->length);
	deliver(to, head, NULL, "}");
}

void reply_outcome(const struct reply_to *to, struct task *task)
{
	if (!to->id)
		return;
	if (!task->durable || task->on_disk) /* else it was refused, and there is no record of it */
		core_task_fetched(task);
	if (task->state == TASK_SUCCEEDED && task->outcome && task->outcome->result) {
		reply_bytes(to, task->outcome->result);
		return;
	}
	struct strbuf object = STRBUF_INIT;
	outcome_error(&object, task, -1);
	reply_error_object(to, &object);
	strbuf_free(&object);
}

void reply_not_there(const struct reply_to *to, uint64_t id, enum core_found found)
{
	enum proto_error error = found == CORE_FORGOTTEN ? PROTO_FORGOTTEN : PROTO_NOT_FOUND;
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, error);
	strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\"}", id);
	reply_error(to, error, NULL, data.data);
	strbuf_free(&data);
}
