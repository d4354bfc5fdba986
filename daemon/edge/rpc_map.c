/* task.map: one request, a list of items, a task for each chunk of them, the results in the items' order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge/command.h"
#include "edge/map_result.h"

#define REPLY_FRAME (REQUEST_ID_LIMIT + 128u) /* what stands around a result in its message, at most */

struct map_chunk {
	struct task_waiter waiter;
	struct map *map;
	struct task *task; /* NULL once it has ended */
	struct chunk_end end;
};

struct map {
	struct edge *edge;
	struct request *request; /* NULL once it was answered */
	STAILQ_ENTRY(map) link;  /* edge->doomed_maps, then */
	size_t held;             /* bytes that the connection is charged with */
	size_t per_chunk;
	size_t n_open; /* chunks that have not ended */
	bool return_exceptions;
	bool cancelling; /* the client has cancelled it: it is answered when all is over */
	bool busy;       /* its chunks are being walked through */
	size_t n;
	struct map_chunk chunks[];
};

static void map_free(struct map *map)
{
	for (size_t i = 0; i < map->n; i++)
		chunk_end_free(&map->chunks[i].end);
	free(map);
}

static void cancel_open(struct map *map)
{
	for (size_t i = 0; i < map->n; i++) {
		struct task *task = map->chunks[i].task;
		if (!task)
			continue;
		map->chunks[i].task = NULL;
		task_unwait(&map->chunks[i].waiter);
		core_cancel(task);
	}
}

bool maps_sweep(struct edge *edge)
{
	struct map *map;
	bool any = false;
	while ((map = STAILQ_FIRST(&edge->doomed_maps))) {
		STAILQ_REMOVE_HEAD(&edge->doomed_maps, link);
		cancel_open(map);
		map_free(map);
		any = true;
	}
	return any;
}

/* The request was answered. Chunks that are still open are cancelled at the end of the turn: this may be running within
 * the core's own loop over tasks that end. */
static void map_answered(struct map *map)
{
	request_free(map->request);
	map->request = NULL;
	if (map->n_open)
		STAILQ_INSERT_TAIL(&map->edge->doomed_maps, map, link);
	else
		map_free(map);
}

/* Where its answer goes. From here on that counts, and the parts that it is made of do not. */
static struct reply_to map_reply_to(struct map *map)
{
	connection_unhold(map->request->connection, map->held);
	map->held = 0;
	return request_reply_to(map->request);
}

static void map_fail(struct map *map, const struct strbuf *object)
{
	const struct reply_to to = map_reply_to(map);
	reply_error_object(&to, object);
	map_answered(map);
}

static void too_much(struct map *map)
{
	const struct reply_to to = map_reply_to(map);
	reply_error(&to, PROTO_TOO_LARGE, "the results are more than output_limit in all", NULL);
	map_answered(map);
}

static void map_succeed(struct map *map)
{
	const struct reply_to to = map_reply_to(map);
	struct strbuf out = STRBUF_INIT;
	strbuf_puts(&out, "[");
	for (size_t i = 0; i < map->n; i++) {
		if (i)
			strbuf_puts(&out, ",");
		chunk_end_write(&out, &map->chunks[i].end, map->return_exceptions);
	}
	strbuf_puts(&out, "]");
	if (!connection_has_room(to.connection, out.length + REPLY_FRAME)) {
		strbuf_free(&out);
		too_much(map);
		return;
	}
	reply_buffer(&to, &out);
	map_answered(map);
}

static void map_was_cancelled(struct map *map)
{
	const struct reply_to to = map_reply_to(map);
	reply_error(&to, PROTO_CANCELLED, "the map was cancelled", NULL);
	map_answered(map);
}

/* Results that are kept until the reply is complete count like output. False: that would be too much. */
static bool map_hold(struct map *map, size_t bytes)
{
	if (!connection_has_room(map->request->connection, bytes))
		return false;
	map->held += bytes;
	connection_hold(map->request->connection, bytes);
	return true;
}

static void chunk_ended(struct task_waiter *waiter, struct task *task)
{
	struct map_chunk *chunk = heap_entry(waiter, struct map_chunk, waiter);
	struct map *map = chunk->map;
	struct strbuf error = STRBUF_INIT;
	chunk->task = NULL;
	map->n_open--;
	if (!map->request)
		return;
	if (map->cancelling) {
		if (!map->n_open && !map->busy)
			map_was_cancelled(map);
		return;
	}
	chunk_end_take(&chunk->end, task);
	if (task->state == TASK_SUCCEEDED)
		core_forget(task); /* its result is here, and nobody else knows of it */
	if (!map->return_exceptions && chunk_end_error(&chunk->end, &error)) {
		map_fail(map, &error);
		strbuf_free(&error);
		return;
	}
	if (!map_hold(map, chunk_end_cost(&chunk->end, map->return_exceptions)))
		too_much(map);
	else if (!map->n_open)
		map_succeed(map);
}

/* --- as a request --- */

static void map_abandon(struct request *request)
{
	struct map *map = request->state;
	connection_unhold(request->connection, map->held);
	cancel_open(map);
	map_free(map);
}

static void map_cancel(struct request *request, struct strbuf *out)
{
	struct map *map = request->state;
	bool first = true;
	map->cancelling = map->busy = true;
	for (size_t i = 0; i < map->n; i++) {
		struct task *task = map->chunks[i].task;
		if (!task)
			continue;
		core_cancel(task);
		if (!out)
			continue;
		if (!first)
			strbuf_puts(out, ",");
		first = false;
		record_write_state(out, task->id, task_state_name(task->state));
	}
	map->busy = false;
	if (!map->n_open)
		map_was_cancelled(map);
}

static void map_status(struct request *request, struct strbuf *out)
{
	const struct map *map = request->state;
	strbuf_printf(out, "{\"state\":\"%s\",\"tasks\":%zu,\"ended\":%zu}", map->cancelling ? "cancelling" : "running",
		map->n, map->n - map->n_open);
}

static bool map_each(const struct request *request, bool (*visit)(void *user, struct task *task), void *user)
{
	const struct map *map = request->state;
	for (size_t i = 0; i < map->n; i++)
		if (map->chunks[i].task && !visit(user, map->chunks[i].task))
			return false;
	return true;
}

static const struct request_kind map_kind = {
	.abandon = map_abandon,
	.cancel = map_cancel,
	.status = map_status,
	.each = map_each,
};

/* --- its beginning --- */

/* The next chunk's items as they stand in the request, commas included. */
static size_t next_items(const struct json_span *items, size_t *cursor, size_t at_most, struct json_span *text)
{
	struct json_span item;
	size_t count = 0;
	while (count < at_most && json_next(items, cursor, NULL, &item) == 1) {
		if (count++ == 0)
			text->text = item.text;
		text->length = (size_t)(item.text + item.length - text->text);
	}
	return count;
}

/* Puts brackets around ITEMS, which may not be there for want of memory (FAILED): a chunk's arguments. NULL: that
 * has been answered. */
static struct bytes *chunk_args(const struct call *call, const struct json_span *items, bool failed)
{
	size_t limit = call->edge->limits.payload;
	char *room;
	if (items->length + 2 > limit) {
		reply_errorf(&call->to, PROTO_TOO_LARGE, "a chunk's items have %zu bytes; payload_limit is %zu", items->length, limit);
		return NULL;
	}
	struct bytes *args = failed ? NULL : bytes_new_room(items->length + 2, &room);
	if (!args) {
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for the items", NULL);
		return NULL;
	}
	room[0] = '[';
	memcpy(room + 1, items->text, items->length);
	room[1 + items->length] = ']';
	return args;
}

/* The same for a command: each as what it becomes, appended to OUT. 0: that has been answered. */
static size_t next_commands(const struct call *call, const struct task_type *type, const struct json_span *items,
	size_t *cursor, size_t at_most, struct strbuf *out)
{
	struct json_span item;
	size_t count = 0;
	char reason[320];
	while (count < at_most && json_next(items, cursor, NULL, &item) == 1) {
		strbuf_puts(out, count++ ? "," : "");
		if (command_item(call->edge, type, &item, out, reason, sizeof(reason)) == 0)
			continue;
		reply_error(&call->to, PROTO_INVALID_PARAMS, reason, NULL);
		return 0;
	}
	return count;
}

/* The task of the next AT_MOST of ITEMS; NULL: there is none, which has been answered. */
static struct task *submit_chunk(const struct call *call, struct task_spec *spec, const struct json_span *items,
	size_t *cursor, size_t at_most)
{
	struct edge *edge = call->edge;
	struct json_span text = { 0 };
	struct strbuf commands = STRBUF_INIT;
	struct task *task;
	if (spec->type->command) {
		spec->items = (uint32_t)next_commands(call, spec->type, items, cursor, at_most, &commands);
		text = (struct json_span){ .text = commands.data, .length = commands.length };
	} else {
		spec->items = (uint32_t)next_items(items, cursor, at_most, &text);
	}
	spec->args = spec->items ? chunk_args(call, &text, strbuf_failed(&commands)) : NULL;
	strbuf_free(&commands);
	if (!spec->args)
		return NULL;
	int refusal = core_submit(edge->core, spec, &task);
	bytes_unref(spec->args);
	spec->args = NULL;
	if (refusal != CORE_OK) {
		submission_refused(&call->to, refusal, spec, wanted_of(spec), NULL);
		return NULL;
	}
	return task;
}

/* False: one was refused, which has been answered. */
static bool submit_chunks(const struct call *call, struct map *map, const struct json_span *items, struct task_spec *spec)
{
	size_t cursor = 0, first = 0;
	for (size_t i = 0; i < map->n; i++) {
		struct map_chunk *chunk = &map->chunks[i];
		struct task *task = submit_chunk(call, spec, items, &cursor, map->per_chunk);
		if (!task)
			return false;
		chunk->map = map;
		chunk->end.first = first;
		chunk->end.count = spec->items;
		first += spec->items;
		if (!call->to.id)
			continue; /* a notification: nobody waits */
		chunk->task = task;
		chunk->waiter.ended = chunk_ended;
		task_wait(task, &chunk->waiter);
		map->n_open++;
	}
	return true;
}

/* A map as it was asked for, which may have to wait for room. */
struct wanted_map {
	struct map_params params;
	struct submission submission;
	char *items; /* a copy of the text, where it outlives its message */
	size_t per_chunk;
	size_t n; /* chunks */
	size_t size; /* bytes of the items; of a command's, of what they become */
};

/* At most so much, as the core counts it. */
static size_t bytes_of(const struct wanted_map *wanted)
{
	return wanted->size + wanted->n * (sizeof(struct bytes) + 2);
}

static struct wanted share_of(const struct wanted_map *wanted)
{
	return (struct wanted){ .count = wanted->n, .bytes = bytes_of(wanted) };
}

/* NULL: that has been answered. */
static struct map *map_new(const struct call *call, const struct wanted_map *wanted, size_t size)
{
	if (!connection_has_room(call->to.connection, size)) {
		reply_error(&call->to, PROTO_TOO_LARGE, "the map has more chunks than output_limit has room for; make them larger", NULL);
		return NULL;
	}
	struct map *map = calloc(1, size);
	if (!map) {
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for so many chunks", NULL);
		return NULL;
	}
	map->edge = call->edge;
	map->n = wanted->n;
	map->per_chunk = wanted->per_chunk;
	map->return_exceptions = wanted->params.return_exceptions;
	return map;
}

/* False: the queue is full, and nothing was done. */
static bool start(const struct call *call, struct wanted_map *wanted)
{
	struct map *map;
	size_t size = sizeof(*map) + wanted->n * sizeof(map->chunks[0]);
	if (!room_is_there(wanted->submission.spec.queue, share_of(wanted)))
		return false;
	map = map_new(call, wanted, size);
	if (!map)
		return true;
	if (!submit_chunks(call, map, &wanted->params.items, &wanted->submission.spec)) {
		cancel_open(map);
		map_free(map);
	} else if (!call->to.id) {
		map_free(map);
	} else {
		map->request = request_new(&call->to, &map_kind);
		map->request->state = map;
		nested_await(map->request);
		request_charge(map->request, wanted->size);
		map->held = size;
		connection_hold(call->to.connection, size);
	}
	return true;
}

static void wanted_free(void *state)
{
	struct wanted_map *wanted = state;
	submission_free(&wanted->submission);
	params_free(method_info(METHOD_TASK_MAP)->params, &wanted->params);
	free(wanted->items);
	free(wanted);
}

static bool parked_start(const struct call *call, void *state)
{
	return start(call, state);
}

/* Takes over WANTED. */
static void park(const struct call *call, struct wanted_map *wanted)
{
	static const struct parked_kind kind = { .submit = parked_start, .free = wanted_free };
	struct json_span *items = &wanted->params.items;
	wanted->items = malloc(items->length);
	if (!wanted->items) {
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for the items", NULL);
		wanted_free(wanted);
		return;
	}
	memcpy(wanted->items, items->text, items->length);
	items->text = wanted->items;
	const struct parking parking = {
		.kind = &kind,
		.state = wanted,
		.spec = &wanted->submission.spec,
		.wanted = share_of(wanted),
		.timeout_ns = wanted->params.options.wait_for_room,
	};
	room_wait(call, &parking);
}

/* Adds up how large ITEMS are as commands. False: one of them is none, or they are too much; that has been answered. */
static bool measure_commands(
	const struct call *call, const struct task_type *type, const struct json_span *items, size_t *size)
{
	size_t limit = call->edge->limits.frame, cursor = 0;
	struct strbuf text = STRBUF_INIT;
	struct json_span item;
	char reason[320];
	bool good = true;
	*size = 0;
	for (size_t i = 0; good && *size <= limit && json_next(items, &cursor, NULL, &item) == 1; i++) {
		strbuf_reset(&text);
		good = command_item(call->edge, type, &item, &text, reason, sizeof(reason)) == 0;
		*size += text.length + 1;
		if (!good)
			reply_errorf(&call->to, PROTO_INVALID_PARAMS, "item %zu: %s", i, reason);
	}
	strbuf_free(&text);
	if (good && *size > limit)
		reply_errorf(&call->to, PROTO_TOO_LARGE, "the commands of the map have more than frame_limit (%zu bytes) in all",
			limit);
	return good && *size <= limit;
}

/* Before anything is submitted: so what is wrong with one item is told of it, and items of a few bytes that become long
 * commands take no more memory than a client could have sent. False: that has been answered. */
static bool prepare_commands(const struct call *call, struct wanted_map *wanted)
{
	struct task_spec *spec = &wanted->submission.spec;
	if (!command_may_submit(call, spec->type) ||
		!measure_commands(call, spec->type, &wanted->params.items, &wanted->size))
		return false;
	spec->timeout_ns = command_timeout(call->edge, spec, wanted->per_chunk);
	return true;
}

/* Takes over WANTED. */
static void start_or_park(const struct call *call, struct wanted_map *wanted, size_t n_items)
{
	wanted->per_chunk = wanted->params.chunk > 0 ? (size_t)wanted->params.chunk : 1;
	wanted->n = (n_items - 1) / wanted->per_chunk + 1;
	wanted->size = wanted->params.items.length;
	if (wanted->submission.spec.type->command && !prepare_commands(call, wanted)) {
		wanted_free(wanted);
		return;
	}
	if (start(call, wanted)) {
		wanted_free(wanted);
		return;
	}
	if (wanted->params.options.wait_for_room > 0) {
		park(call, wanted);
		return;
	}
	submission_refused(&call->to, CORE_QUEUE_FULL, &wanted->submission.spec, share_of(wanted), NULL);
	wanted_free(wanted);
}

void rpc_task_map(const struct call *call)
{
	struct wanted_map *wanted = xcalloc(1, sizeof(*wanted));
	struct map_params *params = &wanted->params;
	/* What a map cannot be told, and so nobody reads. */
	params->options = (struct submit_options){ .delay = -1, .at = INT64_MIN, .key_mode = -1, .on_interrupt = -1 };
	if (!call_params(call, params)) {
		free(wanted);
		return;
	}
	size_t n_items = json_count(&params->items);
	if (!submission_prepare(call, params->task, &params->options, &wanted->submission)) {
		wanted_free(wanted);
	} else if (n_items == 0) {
		reply_text(&call->to, "[]", 2);
		wanted_free(wanted);
	} else {
		start_or_park(call, wanted, n_items);
	}
}
