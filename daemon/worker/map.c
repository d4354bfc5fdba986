/* Runs a handler over the items of a chunk. An item costs no more than finding where it ends: its result is written
 * where it is to stand in the array of all. */
#include "worker/map.h"

#include "lane/lane.h"
#include "proto/errors.h"
#include "worker/call.h"
#include "worker/chunk.h"

/* The code that the error has on the wire. */
static int wire_code(const struct taskd_call *call)
{
	if (call->flags & LANE_FLAG_BAD_ARGS)
		return proto_error_info(PROTO_INVALID_PARAMS)->code;
	if (call->flags & LANE_FLAG_TOO_LARGE)
		return proto_error_info(PROTO_TOO_LARGE)->code;
	return call->code ? call->code : proto_error_info(PROTO_FAILED)->code;
}

/* False: the chunk is over, and the call's failure says why. */
static bool run_item(struct taskd_call *call, struct chunk *chunk, const struct taskd_handler *handler,
	const struct json_span *item, uint32_t index)
{
	chunk_item(chunk);
	call_begin_item(call, item, index);
	call_run(call, handler);
	if (call->outcome == CALL_RESULT) {
		chunk_succeeded(chunk);
	} else if (call->flags & LANE_FLAG_CANCELLED) {
		return false;
	} else if (!chunk_failed(chunk, wire_code(call), call->message, call->data.data, call->data.length)) {
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
	struct chunk chunk;
	size_t cursor = 0;
	uint32_t index = 0;
	chunk_begin(&chunk, &call->result);
	while (json_next(&items, &cursor, &name, &item)) {
		if (taskd_cancelled(call)) {
			call_fail(call, LANE_FLAG_CANCELLED, "%s", "");
			return;
		}
		if (!run_item(call, &chunk, handler, &item, index++))
			return;
	}
	chunk_end(&chunk);
	call->outcome = CALL_RESULT;
	call->flags = chunk.mixed ? LANE_FLAG_MIXED : 0;
	if (strbuf_failed(&call->result))
		call_fail_memory(call);
}
