/* Requests that outlive their handler. Their memory is used again, since on the busiest path there is one for each
 * task; they are found by id only where a client cancels or asks, so the index is made when that first happens. */
#include "edge/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define SPARE_LIMIT 1024

static uint64_t hash_of(const void *value)
{
	const struct request *request = value;
	return table_hash(request->id, request->id_length);
}

static bool equals(const void *value, const char *name, size_t length)
{
	const struct request *request = value;
	return request->id_length == length && memcmp(request->id, name, length) == 0;
}

/* An id that is used twice at once means the first of its requests. */
static void index_add(struct connection *connection, struct request *request)
{
	if (!request->id || names_get(connection->index, request->id, request->id_length))
		return;
	names_put(connection->index, request);
	request->indexed = true;
}

static void index_remove(struct connection *connection, struct request *request)
{
	if (request->indexed)
		names_remove(connection->index, request->id, request->id_length);
	request->indexed = false;
}

void request_hide(struct request *request)
{
	index_remove(request->connection, request);
}

void request_show(struct request *request)
{
	if (request->connection->index)
		index_add(request->connection, request);
}

static void timed_out(struct edge_timer *timer)
{
	struct request *request = heap_entry(timer, struct request, timer);
	request->kind->timeout(request);
}

struct request *request_new(const struct reply_to *to, const struct request_kind *kind)
{
	struct connection *connection = to->connection;
	struct edge *edge = connection->edge;
	struct request *request = SLIST_FIRST(&edge->spare_requests);
	if (request) {
		SLIST_REMOVE_HEAD(&edge->spare_requests, spare_link);
		edge->n_spare_requests--;
	} else {
		request = xmalloc(sizeof(*request));
	}
	request->kind = kind;
	request->connection = connection;
	request->batch = to->batch;
	request->task = NULL;
	request->state = NULL;
	request->timer = (struct edge_timer){ .fire = timed_out };
	request->asked = 0;
	request->indexed = false;
	request->id = NULL;
	request->id_length = (uint32_t)to->id_length;
	if (to->id) {
		request->id = to->id_length <= sizeof(request->id_inline) ? request->id_inline : xmalloc(to->id_length);
		memcpy(request->id, to->id, to->id_length);
	}
	LIST_INSERT_HEAD(&connection->requests, request, link);
	connection->outstanding++;
	connection->user->outstanding++;
	edge->outstanding++;
	edge->end_waits += kind->for_tasks;
	if (connection->index)
		index_add(connection, request);
	request->nested = false;
	if (kind->each && connection->nesting != NESTING_NONE)
		nested_begin(request);
	return request;
}

struct reply_to request_reply_to(const struct request *request)
{
	return (struct reply_to){
		.connection = request->connection,
		.batch = request->batch,
		.id = request->id,
		.id_length = request->id_length,
	};
}

void request_become(struct request *request, const struct request_kind *kind)
{
	struct edge *edge = request->connection->edge;
	edge->end_waits -= request->kind->for_tasks;
	edge->end_waits += kind->for_tasks;
	if (request->nested && !kind->each) {
		nested_end(request);
		request->nested = false;
	}
	edge_timer_cancel(edge, &request->timer);
	request->connection->asked -= request->asked;
	request->asked = 0;
	request->kind = kind;
	if (kind->each && !request->nested && request->connection->nesting != NESTING_NONE)
		nested_begin(request);
}

void request_charge(struct request *request, size_t bytes)
{
	request->asked += bytes;
	request->connection->asked += bytes;
}

void request_free(struct request *request)
{
	struct connection *connection = request->connection;
	struct edge *edge = connection->edge;
	index_remove(connection, request);
	if (request->nested)
		nested_end(request);
	edge_timer_cancel(edge, &request->timer);
	LIST_REMOVE(request, link);
	connection->outstanding--;
	connection->user->outstanding--;
	connection->asked -= request->asked;
	edge->outstanding--;
	edge->end_waits -= request->kind->for_tasks;
	if (request->id != request->id_inline)
		free(request->id);
	if (!connection->reading)
		connection_touch(connection);
	if (edge->n_spare_requests >= SPARE_LIMIT) {
		free(request);
		return;
	}
	SLIST_INSERT_HEAD(&edge->spare_requests, request, spare_link);
	edge->n_spare_requests++;
}

void request_abandon(struct request *request)
{
	request->kind->abandon(request);
	if (request->batch)
		batch_release(request->batch);
	request_free(request);
}

void request_set_timeout(struct request *request, int64_t timeout_ns)
{
	struct edge *edge = request->connection->edge;
	int64_t now = core_now(edge->core);
	if (timeout_ns >= 0 && timeout_ns < INT64_MAX - now)
		edge_timer_set(edge, &request->timer, now + timeout_ns);
}

struct request *request_find(struct connection *connection, const struct json_span *id)
{
	struct request *request;
	if (!connection->index) {
		connection->index = xmalloc(sizeof(*connection->index));
		names_init(connection->index, hash_of, equals);
		/* The list begins with the newest. */
		LIST_FOREACH(request, &connection->requests, link) {
			struct request *newer = request->id ? names_get(connection->index, request->id, request->id_length) : NULL;
			if (newer)
				index_remove(connection, newer);
			index_add(connection, request);
		}
	}
	return names_get(connection->index, id->text, id->length);
}

bool request_each_one(const struct request *request, bool (*visit)(void *user, struct task *task), void *user)
{
	return visit(user, request->task);
}

void requests_free_spare(struct edge *edge)
{
	struct request *request;
	while ((request = SLIST_FIRST(&edge->spare_requests))) {
		SLIST_REMOVE_HEAD(&edge->spare_requests, spare_link);
		free(request);
	}
	edge->n_spare_requests = 0;
}
