/* From a message to its requests: single ones, and batches. Most are handled where they lie. A connection's backlog is a
 * message that is not: a long one, which is read in slices; what a slice has no time for of a batch; or what waits until
 * the store has loaded. Nothing that comes behind it on its connection is handled before it.
 *
 * A long message's text is the connection's own buffer, taken over; others are copied. It stays where it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge/descriptors.h"
#include "edge/store.h"
#include "proto/jsonrpc.h"

#define BATCH_SHARE 4096 /* so many elements of a batch in one turn */
#define PIECE 2048       /* bytes that are read between two looks at the slice; a few microseconds */

/* Memory that is given back at once takes no longer than a slice… */
#define CLEAR_LEAST (256u * 1024)
/* …and more is, in such pieces, before. */
#define CLEAR_PIECE (64u * 1024)
#define PAGE 4096u /* or less than one, which madvise(2) refuses: then it is not given back before */

enum stage {
	STAGE_READ,    /* rpc_read_on has to go on */
	STAGE_REQUEST, /* it is one, and not handled yet */
	STAGE_BATCH,   /* it is one */
	STAGE_HANDLED, /* the request goes on reading it */
	STAGE_OVER, /* its memory is to be given back */
};

struct backlog {
	enum stage stage;
	struct rpc_reading reading;
	struct rpc_request request;
	struct batch *batch;
	struct json_span elements; /* of the batch */
	size_t cursor;
	char *buffer; /* malloc'ed; TEXT is in it; NULL: `given` has it */
	struct bytes *given;
	const char *text;
	size_t length;
	size_t filled;       /* bytes of the buffer that are not given back, where it is the connection's that was */
	size_t input;        /* bytes that count as its user's input: the buffer is the connection's that was */
	size_t charged;      /* …or as what he waits for */
	bool held;           /* it waits for the store */
	uint64_t end;        /* where it ends in what the connection has said */
};

/* --- batches --- */

/* False: it has to wait. */
static bool dispatch_element(struct connection *connection, struct batch *batch, const struct json_span *element)
{
	struct rpc_request request = { 0 };
	enum proto_error error = PROTO_INVALID_REQUEST;
	const char *reason = NULL;
	switch (rpc_read_value(element, &request, &error, &reason)) {
	case RPC_REQUEST:
		if (dispatch_is_held(connection, &request))
			return false;
		dispatch_request(connection, batch, &request);
		break;
	case RPC_MORE:
	case RPC_BATCH:
	case RPC_BAD:
		dispatch_bad(connection, batch, &request, error, reason);
		break;
	}
	return true;
}

/* A turn's share of a batch's elements. True: there are more. *HELD: the next one has to wait. */
static bool dispatch_elements(struct connection *connection, struct batch *batch, const struct json_span *elements,
	size_t *cursor, bool *held)
{
	struct json_span element;
	size_t last = *cursor;
	for (int i = 0; i < BATCH_SHARE && connection->looked <= EDGE_TURN_LOOKS; i++) {
		size_t here = *cursor;
		if (i && (connection->intake || slice_is_over(connection->edge, *cursor - last)))
			return true;
		last = here;
		if (connection_is_closed(connection) || json_next(elements, cursor, NULL, &element) != 1)
			return false;
		if (!dispatch_element(connection, batch, &element)) {
			*cursor = here;
			*held = true;
			return true;
		}
	}
	return !connection_is_closed(connection);
}

/* --- a backlog's begin and end --- */

static struct backlog *backlog_new(struct connection *connection, char *buffer, const char *text, size_t length)
{
	struct backlog *backlog = xmalloc(sizeof(*backlog));
	*backlog = (struct backlog){ .buffer = buffer, .text = text, .length = length };
	rpc_read_begin(&backlog->reading, length);
	connection->backlog = backlog;
	connection_touch(connection);
	return backlog;
}

/* TEXT will not stay. */
static struct backlog *backlog_copy(struct connection *connection, const char *text, size_t length)
{
	char *buffer = malloc(length);
	if (buffer)
		memcpy(buffer, text, length);
	struct backlog *backlog = backlog_new(connection, buffer, buffer, length);
	if (buffer) {
		backlog->charged = length;
		connection_charge(connection, length);
	} else {
		connection_close(connection, "no memory for its requests");
	}
	return backlog;
}

static void hold(struct connection *connection, struct backlog *backlog)
{
	backlog->held = true;
	connection->edge->held = true;
}

void backlog_free(struct connection *connection)
{
	struct backlog *backlog = connection->backlog;
	if (!backlog)
		return;
	connection->backlog = NULL;
	if (backlog->batch)
		batch_release(backlog->batch);
	if (connection->descriptors)
		descriptors_expire(connection, backlog->end);
	connection_discharge(connection, backlog->charged);
	connection->user->input -= backlog->input;
	rpc_read_end(&backlog->reading);
	bytes_unref(backlog->given);
	free(backlog->buffer);
	free(backlog);
}

static void release_buffer(void *buffer, const char *data, size_t size)
{
	(void)data;
	(void)size;
	free(buffer);
}

bool backlog_has(const struct connection *connection, const struct json_span *part)
{
	const struct backlog *backlog = connection->backlog;
	return backlog && part->text >= backlog->text && part->text < backlog->text + backlog->length;
}

void backlog_use(const struct connection *connection, bool used)
{
	const struct backlog *backlog = used ? connection->backlog : NULL;
	json_longs_use(backlog ? &backlog->reading.scan : NULL, backlog ? backlog->text : NULL);
}

struct bytes *backlog_give(struct connection *connection, const struct json_span *part)
{
	struct backlog *backlog = connection->backlog;
	bool is_request = backlog && (backlog->stage == STAGE_REQUEST || backlog->stage == STAGE_HANDLED);
	if (!is_request || !backlog->buffer || part->length <= backlog->length / 2 || !backlog_has(connection, part))
		return NULL;
	backlog->given = bytes_new_foreign(part->text, part->length, release_buffer, backlog->buffer);
	backlog->buffer = NULL;
	return bytes_ref(backlog->given);
}

void backlog_ends(struct connection *connection, uint64_t end)
{
	connection->backlog->end = end;
}

bool backlog_is_held(const struct connection *connection)
{
	return connection->backlog && connection->backlog->held && store_is_loading(connection->edge);
}

bool backlog_is_read(const struct connection *connection)
{
	return connection->backlog && connection->backlog->stage == STAGE_READ && !connection->backlog->held;
}

void held_turn(struct edge *edge)
{
	struct connection *connection;
	if (store_is_loading(edge))
		return;
	edge->held = false;
	TAILQ_FOREACH(connection, &edge->connections, link)
		if (connection->backlog)
			connection_touch(connection);
}

/* --- going on with it --- */

static void read_on(struct connection *connection, struct backlog *backlog)
{
	enum proto_error error = PROTO_PARSE_ERROR;
	const char *reason = NULL;
	enum rpc_read result;
	do
		result = rpc_read_on(&backlog->reading, backlog->text, PIECE, &backlog->request, &backlog->elements, &error,
			&reason);
	while (!slice_is_over(connection->edge, PIECE) && result == RPC_MORE);
	switch (result) {
	case RPC_MORE:
		break;
	case RPC_REQUEST:
		backlog->stage = STAGE_REQUEST;
		break;
	case RPC_BATCH:
		backlog->batch = batch_new(connection);
		backlog->stage = STAGE_BATCH;
		break;
	case RPC_BAD:
		dispatch_bad(connection, NULL, &backlog->request, error, reason);
		backlog->stage = STAGE_OVER;
		break;
	}
}

static void handle_request(struct connection *connection, struct backlog *backlog)
{
	if (dispatch_is_held(connection, &backlog->request)) {
		hold(connection, backlog);
		return;
	}
	dispatch_request(connection, NULL, &backlog->request);
	backlog->stage = connection->intake ? STAGE_HANDLED : STAGE_OVER;
}

static void handle_elements(struct connection *connection, struct backlog *backlog)
{
	bool held = false;
	if (!dispatch_elements(connection, backlog->batch, &backlog->elements, &backlog->cursor, &held)) {
		batch_release(backlog->batch);
		backlog->batch = NULL;
		backlog->stage = STAGE_OVER;
	}
	if (held)
		hold(connection, backlog);
}

/* False: there is more to give back when its next slice comes. */
static bool clear(const struct connection *connection, struct backlog *backlog)
{
	if (!backlog->buffer || !slices_are_small(connection->edge))
		return true;
	while (backlog->filled > CLEAR_LEAST) {
		uintptr_t end = (uintptr_t)(backlog->buffer + backlog->filled) & ~(uintptr_t)(PAGE - 1);
		backlog->filled = end - CLEAR_PIECE - (uintptr_t)backlog->buffer;
		if (madvise(backlog->buffer + backlog->filled, CLEAR_PIECE, MADV_DONTNEED) < 0)
			return true;
		if (slice_is_over(connection->edge, CLEAR_PIECE))
			return false;
	}
	return true;
}

void backlog_go_on(struct connection *connection)
{
	struct backlog *backlog = connection->backlog;
	if (backlog_is_held(connection) || connection->intake)
		return;
	backlog->held = false;
	if (backlog->stage == STAGE_HANDLED)
		backlog->stage = STAGE_OVER;
	if (backlog->stage == STAGE_READ)
		read_on(connection, backlog);
	backlog_use(connection, true);
	if (backlog->stage == STAGE_REQUEST)
		handle_request(connection, backlog);
	else if (backlog->stage == STAGE_BATCH)
		handle_elements(connection, backlog);
	backlog_use(connection, false);
	if (backlog->stage == STAGE_OVER && clear(connection, backlog))
		backlog_free(connection);
}

/* --- a message --- */

static void dispatch_batch(struct connection *connection, const struct json_span *elements)
{
	struct batch *batch = batch_new(connection);
	size_t cursor = 0;
	bool held = false;
	if (!dispatch_elements(connection, batch, elements, &cursor, &held)) {
		batch_release(batch);
		return;
	}
	struct backlog *backlog = backlog_copy(connection, elements->text, elements->length);
	backlog->stage = STAGE_BATCH;
	backlog->batch = batch;
	backlog->elements = (struct json_span){ backlog->text, elements->length, elements->kind };
	backlog->cursor = cursor;
	if (held)
		hold(connection, backlog);
}

void dispatch_message(struct connection *connection, const char *text, size_t length)
{
	struct rpc_request request = { 0 };
	struct json_span elements;
	enum proto_error error = PROTO_PARSE_ERROR;
	const char *reason = NULL;
	switch (rpc_read(text, length, &request, &elements, &error, &reason)) {
	case RPC_REQUEST:
		if (dispatch_is_held(connection, &request))
			hold(connection, backlog_copy(connection, text, length)); /* and read once more then */
		else
			dispatch_request(connection, NULL, &request);
		break;
	case RPC_BATCH:
		dispatch_batch(connection, &elements);
		break;
	case RPC_BAD:
		dispatch_bad(connection, NULL, &request, error, reason);
		break;
	case RPC_MORE:
		break;
	}
}

void dispatch_long(struct connection *connection, char *buffer, size_t room, const char *text, size_t length)
{
	size_t start = (size_t)(text - buffer), used = start + length;
	char *fitting = realloc(buffer, used); /* it may live as long as a task's arguments */
	if (fitting) {
		connection->user->input -= room - used;
		room = used;
		buffer = fitting;
	}
	struct backlog *backlog = backlog_new(connection, buffer, buffer + start, length);
	backlog->input = room;
	backlog->filled = used;
	backlog_go_on(connection);
}
