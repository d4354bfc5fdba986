/* Batches: several requests in one array, whose answers go out as one array when the last of them is there. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge/request.h"

struct batch {
	struct connection *connection;
	struct strbuf answers; /* "[", then the answers so far */
	size_t expected;       /* answers that are still to come, and one while its elements are being read */
};

struct batch *batch_new(struct connection *connection)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));
	batch->connection = connection;
	batch->expected = 1;
	return batch;
}

void batch_expect(struct batch *batch)
{
	batch->expected++;
}

void batch_add(struct batch *batch, const struct strbuf *head, const struct bytes *body, const char *tail)
{
	size_t before = batch->answers.length;
	if (connection_is_closed(batch->connection))
		return;
	strbuf_puts(&batch->answers, before ? "," : "[");
	strbuf_add(&batch->answers, head->data, head->length);
	if (body)
		strbuf_add(&batch->answers, body->data, body->size);
	strbuf_puts(&batch->answers, tail);
	connection_hold(batch->connection, batch->answers.length - before);
	if (strbuf_failed(&batch->answers) || strbuf_failed(head))
		connection_close(batch->connection, "no memory for its replies");
}

static void free_text(void *owner, const char *data, size_t size)
{
	(void)data;
	(void)size;
	free(owner);
}

/* Large arrays are handed over as they are. */
static void send_answers(struct batch *batch)
{
	struct strbuf *head = &batch->connection->edge->scratch;
	size_t length;
	strbuf_reset(head);
	if (batch->answers.length <= EDGE_COPY_LIMIT) {
		strbuf_add(head, batch->answers.data, batch->answers.length);
		connection_send(batch->connection, head, NULL, "]");
		return;
	}
	char *text = strbuf_take(&batch->answers, &length);
	struct bytes *bytes = text ? bytes_new_foreign(text, length, free_text, text) : NULL;
	if (!bytes) {
		free(text);
		connection_close(batch->connection, "no memory for its replies");
		return;
	}
	connection_send(batch->connection, head, bytes, "]");
	bytes_unref(bytes);
}

void batch_release(struct batch *batch)
{
	if (--batch->expected > 0)
		return;
	connection_unhold(batch->connection, batch->answers.length);
	if (batch->answers.length && !connection_is_closed(batch->connection))
		send_answers(batch);
	strbuf_free(&batch->answers);
	free(batch);
}
