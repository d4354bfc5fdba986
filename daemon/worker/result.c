/* A handler's result, as JSON text in the call's buffer. The last one that is set counts; in a map each item's follows
 * the one before. */
#include <math.h>

#include "lane/lane.h"
#include "worker/call.h"
#include "worker/text.h"

static void begin(struct taskd_call *call)
{
	if (call->result.length > call->result_start)
		call->result.length = call->result_start;
	call->outcome = CALL_RESULT;
	call->flags = 0;
	call->code = 0;
}

static int fail_size(struct taskd_call *call, size_t size)
{
	return call_fail(call, LANE_FLAG_TOO_LARGE, "the result has %zu bytes; the limit is %zu", size, call->payload_limit);
}

static int finish(struct taskd_call *call)
{
	if (strbuf_failed(&call->result))
		return call_fail_memory(call);
	size_t size = call->result.length - call->result_start;
	return size > call->payload_limit ? fail_size(call, size) : TASKD_OK;
}

static int set(struct taskd_call *call, const char *text, size_t length)
{
	begin(call);
	strbuf_add(&call->result, text, length);
	return finish(call);
}

int call_return_span(struct taskd_call *call, const char *text, size_t length)
{
	if (length > call->payload_limit)
		return fail_size(call, length);
	int code = set(call, text, length);
	if (code == TASKD_OK)
		text_flatten(call->result.data + call->result_start, length);
	return code;
}

int taskd_return_null(struct taskd_call *call)
{
	return set(call, "null", 4);
}

int taskd_return_bool(struct taskd_call *call, bool value)
{
	return value ? set(call, "true", 4) : set(call, "false", 5);
}

int taskd_return_int(struct taskd_call *call, long long value)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--p = '-';
	return set(call, p, (size_t)(digits + sizeof(digits) - p));
}

int taskd_return_number(struct taskd_call *call, double value)
{
	char digits[TEXT_NUMBER_SIZE];
	if (!isfinite(value))
		return call_fail(call, 0, "the result is %s, which JSON does not have", isnan(value) ? "not a number" : "infinite");
	return set(call, digits, text_format_number(value, digits));
}

int taskd_return_string(struct taskd_call *call, const char *value, size_t length)
{
	if (length > call->payload_limit)
		return fail_size(call, length);
	size_t valid = text_valid(value, length);
	if (valid < length && value[valid] == '\0')
		return call_fail(call, 0, "the result is a string with a NUL byte at %zu", valid);
	if (valid < length)
		return call_fail(call, 0, "the result is a string that is not UTF-8 (byte %zu)", valid);
	begin(call);
	strbuf_json_string(&call->result, value, length);
	return finish(call);
}

int taskd_return_json(struct taskd_call *call, const char *text, size_t length)
{
	struct json_span value;
	struct json_error error;
	bool newline = false;
	if (length > call->payload_limit)
		return fail_size(call, length);
	if (json_scan(text, length, &value, &newline, &error) < 0)
		return call_fail(call, 0, "the result is not JSON: %s (byte %zu)", error.reason, error.offset);
	int code = set(call, value.text, value.length);
	if (code == TASKD_OK && newline)
		text_flatten(call->result.data + call->result_start, value.length);
	return code;
}
