/* Runs a handler over the items of a chunk. An item costs no more than finding where it ends: its result is written
 * where it is to stand in the array of all. Only where an item fails does the array change its form: from then on, and
 * for those before, each element says which of the two it is. */
#include "worker/map.h"

#include <string.h>

#include "lane/lane.h"
#include "proto/errors.h"
#include "worker/call.h"

struct map {
	struct taskd_call *call;
	size_t start; /* where the item that runs has its place in call->result */
	bool mixed;
};

#define RESULT_OPENS "{\"result\":"

/* Gives each result so far its wrapping. */
static bool widen(struct map *map)
{
	struct taskd_call *call = map->call;
	struct strbuf wide = STRBUF_INIT;
	struct json_span name, value;
	size_t cursor = 0;
	call->result.length = map->start;
	strbuf_add(&call->result, "]", 1); /* in place of what the failed item has left */
	struct json_span narrow = { .text = call->result.data, .length = call->result.length, .kind = JSON_SPAN_ARRAY };
	strbuf_add(&wide, "[", 1);
	while (!strbuf_failed(&call->result) && json_next(&narrow, &cursor, &name, &value)) {
		strbuf_add(&wide, RESULT_OPENS, strlen(RESULT_OPENS));
		strbuf_add(&wide, value.text, value.length);
		strbuf_add(&wide, "},", 2);
	}
	if (strbuf_failed(&wide) || strbuf_failed(&call->result)) {
		strbuf_free(&wide);
		return false;
	}
	strbuf_free(&call->result);
	call->result = wide;
	map->start = wide.length;
	map->mixed = true;
	return true;
}

/* The code that the error has on the wire: nobody behind this looks into the elements. */
static int wire_code(const struct taskd_call *call)
{
	if (call->flags & LANE_FLAG_BAD_ARGS)
		return proto_error_info(PROTO_INVALID_PARAMS)->code;
	if (call->flags & LANE_FLAG_TOO_LARGE)
		return proto_error_info(PROTO_TOO_LARGE)->code;
	return call->code ? call->code : proto_error_info(PROTO_FAILED)->code;
}

static bool add_failure(struct map *map)
{
	struct taskd_call *call = map->call;
	if (!map->mixed && !widen(map))
		return false;
	call->result.length = map->start;
	strbuf_printf(&call->result, "{\"error\":{\"code\":%d,\"message\":", wire_code(call));
	strbuf_json_string(&call->result, call->message, strlen(call->message));
	if (call->data.length) {
		strbuf_puts(&call->result, ",\"data\":");
		strbuf_add(&call->result, call->data.data, call->data.length);
	}
	strbuf_add(&call->result, "}}", 2);
	return true;
}

/* False: the chunk is over, and the call's failure says why. */
static bool run_item(struct map *map, const struct taskd_handler *handler, const struct json_span *item, uint32_t index)
{
	struct taskd_call *call = map->call;
	map->start = call->result.length;
	if (map->mixed)
		strbuf_add(&call->result, RESULT_OPENS, strlen(RESULT_OPENS));
	call_begin_item(call, item, index);
	call_run(call, handler);
	if (call->outcome == CALL_RESULT) {
		if (map->mixed)
			strbuf_add(&call->result, "}", 1);
	} else if (call->flags & LANE_FLAG_CANCELLED) {
		return false;
	} else if (strbuf_failed(&call->result) || !add_failure(map)) {
		call_fail_memory(call);
		return false;
	}
	if (call->result.length > call->payload_limit) {
		call_fail(call, LANE_FLAG_TOO_LARGE, "the results of the items up to %u have %zu bytes; the limit is %zu", index,
			call->result.length, call->payload_limit);
		return false;
	}
	return true;
}

void map_run(struct taskd_call *call, const struct taskd_handler *handler)
{
	const struct json_span items = call->args;
	struct json_span name, item;
	struct map map = { .call = call };
	size_t cursor = 0;
	uint32_t index = 0;
	strbuf_add(&call->result, "[", 1);
	while (json_next(&items, &cursor, &name, &item)) {
		if (taskd_cancelled(call)) {
			call_fail(call, LANE_FLAG_CANCELLED, "%s", "");
			return;
		}
		if (index)
			strbuf_add(&call->result, ",", 1);
		if (!run_item(&map, handler, &item, index++))
			return;
	}
	strbuf_add(&call->result, "]", 1);
	call->outcome = CALL_RESULT;
	call->flags = map.mixed ? LANE_FLAG_MIXED : 0;
	if (strbuf_failed(&call->result))
		call_fail_memory(call);
}
