/* The parts that a map's result is made of. A worker wrote them: they are known to be arrays of the right length, and
 * nothing more is believed. */
#include "edge/map_result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "edge/reply.h"

void chunk_end_take(struct chunk_end *end, const struct task *task)
{
	const struct task_outcome *outcome = task->outcome;
	struct strbuf error = STRBUF_INIT;
	end->id = task->id;
	if (task->state == TASK_SUCCEEDED && outcome && outcome->result) {
		end->result = bytes_ref(outcome->result);
		end->mixed = outcome->kind && strcmp(outcome->kind, "mixed") == 0;
		return;
	}
	outcome_error(&error, task, (int64_t)end->first);
	end->error = strbuf_take(&error, &(size_t){ 0 });
	strbuf_free(&error);
}

void chunk_end_free(struct chunk_end *end)
{
	bytes_unref(end->result);
	free(end->error);
	end->result = NULL;
	end->error = NULL;
}

size_t chunk_end_cost(const struct chunk_end *end, bool wrapped)
{
	size_t size = end->result ? end->result->size : end->error ? strlen(end->error) : 0;
	return end->error && wrapped ? end->count * (size + strlen("{\"error\":},")) : size;
}

static bool member(const struct json_span *object, const char *wanted, struct json_span *value)
{
	struct json_span name;
	size_t cursor = 0;
	if (object->kind != JSON_SPAN_OBJECT)
		return false;
	while (json_next(object, &cursor, &name, value) == 1)
		if (json_string_is(&name, wanted))
			return true;
	return false;
}

/* A handler's own codes are elsewhere. */
static enum proto_error error_of_code(long long code)
{
	static const enum proto_error workers[] = { PROTO_INVALID_PARAMS, PROTO_TOO_LARGE, PROTO_COMMAND_FAILED,
		PROTO_NOT_STARTED };
	for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
		if (code == proto_error_info(workers[i])->code)
			return workers[i];
	return PROTO_FAILED;
}

/* What a worker says of an item, {"code", "message", "data"}, as the error object that clients get. */
static void write_item_error(struct strbuf *out, const struct chunk_end *end, size_t index, const struct json_span *error)
{
	const struct proto_error_info *info = proto_error_info(PROTO_FAILED);
	struct json_span part;
	long long code = 0;
	if (!member(error, "code", &part) || !json_span_integer(&part, &code) || code == 0 || code != (int32_t)code)
		code = info->code;
	enum proto_error kind = error_of_code(code);
	info = proto_error_info(kind);
	strbuf_printf(out, "{\"code\":%lld,\"message\":", code);
	if (member(error, "message", &part) && part.kind == JSON_SPAN_STRING && part.length > strlen("\"\""))
		strbuf_add(out, part.text, part.length);
	else
		strbuf_json_string(out, info->text, strlen(info->text));
	strbuf_printf(out, ",\"data\":{\"kind\":\"%s\",\"id\":\"%" PRIu64 "\",\"index\":%zu", info->kind, end->id,
		end->first + index);
	bool command = kind == PROTO_COMMAND_FAILED || kind == PROTO_NOT_STARTED;
	if (member(error, "data", &part) && part.kind != JSON_SPAN_NULL) {
		struct json_span result; /* a command's data are as the whole error's */
		if (kind == PROTO_COMMAND_FAILED && member(&part, "result", &result))
			part = result;
		outcome_data(out, kind, &part, command);
	}
	strbuf_puts(out, "}}");
}

static struct json_span result_array(const struct chunk_end *end)
{
	const char *text = end->result->data;
	size_t length = end->result->size;
	const char *open = memchr(text, '[', length), *close = memrchr(text, ']', length);
	return (struct json_span){ .text = open, .length = (size_t)(close - open) + 1, .kind = JSON_SPAN_ARRAY };
}

bool chunk_end_error(const struct chunk_end *end, struct strbuf *error)
{
	struct json_span element, part;
	size_t cursor = 0;
	if (end->error)
		strbuf_puts(error, end->error);
	if (end->error || !end->mixed)
		return end->error;
	struct json_span array = result_array(end);
	for (size_t i = 0; json_next(&array, &cursor, NULL, &element) == 1; i++) {
		if (member(&element, "result", &part))
			continue;
		if (!member(&element, "error", &part))
			part = (struct json_span){ .kind = JSON_NONE };
		write_item_error(error, end, i, &part);
		return true;
	}
	return false;
}

static void write_error_for_all(struct strbuf *out, const struct chunk_end *end)
{
	for (size_t i = 0; i < end->count; i++) {
		strbuf_puts(out, i ? ",{\"error\":" : "{\"error\":");
		strbuf_puts(out, end->error);
		strbuf_puts(out, "}");
	}
}

static void write_element(struct strbuf *out, const struct chunk_end *end, size_t index, const struct json_span *element,
	bool wrapped)
{
	struct json_span part = *element;
	if (!end->mixed || member(element, "result", &part)) {
		strbuf_puts(out, wrapped ? "{\"result\":" : "");
		strbuf_add(out, part.text, part.length);
		strbuf_puts(out, wrapped ? "}" : "");
		return;
	}
	if (!member(element, "error", &part))
		part = (struct json_span){ .kind = JSON_NONE };
	strbuf_puts(out, "{\"error\":");
	write_item_error(out, end, index, &part);
	strbuf_puts(out, "}");
}

void chunk_end_write(struct strbuf *out, const struct chunk_end *end, bool wrapped)
{
	struct json_span element;
	size_t cursor = 0;
	if (end->error) {
		write_error_for_all(out, end);
		return;
	}
	struct json_span array = result_array(end);
	if (!wrapped && !end->mixed) {
		strbuf_add(out, array.text + 1, array.length - 2);
		return;
	}
	for (size_t i = 0; json_next(&array, &cursor, NULL, &element) == 1; i++) {
		if (i)
			strbuf_puts(out, ",");
		write_element(out, end, i, &element, wrapped);
	}
}
