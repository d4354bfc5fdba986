/* The array that a chunk becomes. While all goes well an item costs a comma; only where one fails does the array
 * change its form, for those before it, too. */
#include "worker/chunk.h"

#include <string.h>

#include "proto/json_scan.h"
#include "proto/strbuf.h"

#define RESULT_OPENS "{\"result\":"

void chunk_begin(struct chunk *chunk, struct strbuf *out)
{
	*chunk = (struct chunk){ .out = out };
	strbuf_add(out, "[", 1);
}

void chunk_item(struct chunk *chunk)
{
	if (chunk->begun)
		strbuf_add(chunk->out, ",", 1);
	chunk->begun = true;
	chunk->start = chunk->out->length;
	if (chunk->mixed)
		strbuf_add(chunk->out, RESULT_OPENS, strlen(RESULT_OPENS));
}

void chunk_succeeded(struct chunk *chunk)
{
	if (chunk->mixed)
		strbuf_add(chunk->out, "}", 1);
}

/* Gives each result so far its wrapping. */
static bool widen(struct chunk *chunk)
{
	struct strbuf wide = STRBUF_INIT;
	struct json_span name, value;
	size_t cursor = 0;
	chunk->out->length = chunk->start;
	strbuf_add(chunk->out, "]", 1); /* in place of what the failed item has left */
	struct json_span narrow = { .text = chunk->out->data, .length = chunk->out->length, .kind = JSON_SPAN_ARRAY };
	strbuf_add(&wide, "[", 1);
	while (!strbuf_failed(chunk->out) && json_next(&narrow, &cursor, &name, &value)) {
		strbuf_add(&wide, RESULT_OPENS, strlen(RESULT_OPENS));
		strbuf_add(&wide, value.text, value.length);
		strbuf_add(&wide, "},", 2);
	}
	if (strbuf_failed(&wide) || strbuf_failed(chunk->out)) {
		strbuf_free(&wide);
		return false;
	}
	strbuf_free(chunk->out);
	*chunk->out = wide;
	chunk->start = wide.length;
	chunk->mixed = true;
	return true;
}

bool chunk_failed(struct chunk *chunk, int code, const char *message, const char *data, size_t data_length)
{
	struct strbuf *out = chunk->out;
	if (strbuf_failed(out) || (!chunk->mixed && !widen(chunk)))
		return false;
	out->length = chunk->start;
	strbuf_printf(out, "{\"error\":{\"code\":%d,\"message\":", code);
	strbuf_json_string(out, message, strlen(message));
	if (data_length) {
		strbuf_puts(out, ",\"data\":");
		strbuf_add(out, data, data_length);
	}
	strbuf_add(out, "}}", 2);
	return true;
}

void chunk_end(struct chunk *chunk)
{
	strbuf_add(chunk->out, "]", 1);
}
