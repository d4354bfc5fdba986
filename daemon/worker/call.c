/* A handler's run from its begin to its outcome, and the functions by which it says what came of it. Whatever the
 * handler does within its own process, the outcome is one of two: JSON that fits a line, or a failure with a text. */
#include "worker/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "lane/lane.h"
#include "worker/keys.h"
#include "worker/text.h"

/* Buffers above this are not kept from one task to the next. */
#define KEEP_LIMIT (256 * 1024)
#define PROGRESS_PAUSE_NS (10 * NS_PER_MS)
#define PROGRESS_TEXT_LIMIT 256

void call_init(struct taskd_call *call, struct lane_end *end, size_t payload_limit)
{
	call->end = end;
	call->payload_limit = payload_limit;
	call->result = (struct strbuf)STRBUF_INIT;
	call->data = (struct strbuf)STRBUF_INIT;
	arena_init(&call->arena);
}

void call_fini(struct taskd_call *call)
{
	strbuf_free(&call->result);
	strbuf_free(&call->data);
	arena_reset(&call->arena);
}

/* --- a run --- */

static void begin(struct taskd_call *call)
{
	call->count = SIZE_MAX;
	call->cursor = 0;
	call->next_index = 0;
	call->value.kind = JSON_NONE;
	call->reason[0] = '\0';
	call->outcome = CALL_NOTHING;
	call->result_start = call->result.length;
	call->code = 0;
	call->flags = 0;
	call->message[0] = '\0';
	call->data.length = 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void call_begin(struct taskd_call *call, const struct lane_request *request)
{
	const char *text = request->args;
	size_t length = request->args_length;
	while (length && is_space(text[0])) {
		text++;
		length--;
	}
	while (length && is_space(text[length - 1]))
		length--;
	call->task_id = request->task_id;
	call->attempt = request->attempt;
	/* From the moment that the slot took it, which is now. */
	if (__builtin_add_overflow(clock_mono_ns(), request->timeout_ns, &call->deadline_ns) || !request->timeout_ns)
		call->deadline_ns = 0; /* none, or none that will come */
	call->args.text = length ? text : "[]";
	call->args.length = length ? length : 2;
	call->args.kind = call->args.text[0] == '{' ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY;
	call->is_item = false;
	call->map_index = 0;
	call->map_items = request->items;
	call->progress_ns = 0;
	call->progress_said = -1;
	strbuf_reset(&call->result);
	begin(call);
}

void call_begin_item(struct taskd_call *call, const struct json_span *item, uint32_t index)
{
	arena_reset(&call->arena);
	call->args = *item;
	call->is_item = true;
	call->map_index = index;
	begin(call);
}

static bool keys_are_unique(struct taskd_call *call)
{
	switch (keys_check(call->args.text, call->args.length)) {
	case KEYS_UNIQUE:
		return true;
	case KEYS_DUPLICATE:
		call_fail(call, LANE_FLAG_BAD_ARGS, "duplicate object key");
		return false;
	case KEYS_NO_MEMORY:
		call_fail_memory(call);
		return false;
	case KEYS_NOT_JSON:
		call_fail(call, LANE_FLAG_BAD_ARGS, "the arguments are not JSON");
		return false;
	}
	return false;
}

static void fail_silently(struct taskd_call *call, uint32_t flags, int code, const char *message)
{
	if (call->outcome != CALL_FAILURE) /* else its own words are better */
		call_fail(call, 0, "%s", message);
	call->flags |= flags;
	if (code)
		call->code = code;
}

/* Codes of JSON-RPC and of taskd are not a handler's to give. */
static int own_code(int code)
{
	return code >= -32768 && code <= -32000 ? 1 : code;
}

void call_run(struct taskd_call *call, const struct taskd_handler *handler)
{
	if (!keys_are_unique(call))
		return;
	int returned = handler->run(call);
	switch (returned) {
	case TASKD_OK:
		if (call->outcome == CALL_NOTHING)
			taskd_return_null(call);
		break;
	case TASKD_FAILED:
		fail_silently(call, 0, 0, "the handler failed and did not say why");
		break;
	case TASKD_BAD_ARGS:
		fail_silently(call, LANE_FLAG_BAD_ARGS, 0, call->reason[0] ? call->reason :
			"the handler does not take these arguments");
		break;
	case TASKD_CANCELLED:
		fail_silently(call, LANE_FLAG_CANCELLED, 0, "");
		break;
	default:
		fail_silently(call, 0, own_code(returned), "");
	}
}

static void release_large(struct strbuf *sb)
{
	if (sb->room > KEEP_LIMIT || sb->failed)
		strbuf_free(sb);
}

void call_end(struct taskd_call *call)
{
	arena_reset(&call->arena);
	release_large(&call->result);
	release_large(&call->data);
}

/* --- what a handler may know --- */

uint64_t taskd_task_id(const struct taskd_call *call)
{
	return call->task_id;
}

unsigned taskd_attempt(const struct taskd_call *call)
{
	return call->attempt;
}

int64_t taskd_deadline_ns(const struct taskd_call *call)
{
	return call->deadline_ns;
}

bool taskd_cancelled(const struct taskd_call *call)
{
	return lane_end_interrupted(call->end);
}

void *taskd_state(const struct taskd_call *call)
{
	return call->state;
}

/* --- its failure --- */

/* Where there is no memory for the data, the failure is told without it. */
static void forget_result(struct taskd_call *call)
{
	if (call->result.length > call->result_start)
		call->result.length = call->result_start;
	if (call->data.failed)
		strbuf_free(&call->data);
	strbuf_reset(&call->data);
}

static void set_failure(struct taskd_call *call, uint32_t flags, int code, const char *format, va_list values)
	__attribute__((format(printf, 4, 0)));
static void set_failure(struct taskd_call *call, uint32_t flags, int code, const char *format, va_list values)
{
	/* Not in place: the values may be parts of the last message. */
	char message[sizeof(call->message)];
	int length = vsnprintf(message, sizeof(message), format, values);
	if (length < 0)
		length = 0;
	if ((size_t)length >= sizeof(message))
		length = (int)text_whole(message, sizeof(message) - 1);
	message[length] = '\0';
	memcpy(call->message, message, (size_t)length + 1);
	forget_result(call);
	call->outcome = CALL_FAILURE;
	call->flags = flags;
	call->code = own_code(code);
}

int call_fail(struct taskd_call *call, uint32_t flags, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	set_failure(call, flags, 0, format, values);
	va_end(values);
	return TASKD_FAILED;
}

int call_fail_memory(struct taskd_call *call)
{
	return call_fail(call, 0, "the worker is out of memory");
}

int taskd_fail(struct taskd_call *call, int code, const char *format, ...)
{
	va_list values;
	va_start(values, format);
	set_failure(call, 0, code, format, values);
	va_end(values);
	return TASKD_FAILED;
}

static void add_message(struct taskd_call *call, const char *text)
{
	size_t length = strlen(call->message);
	snprintf(call->message + length, sizeof(call->message) - length, "%s", text);
}

int taskd_fail_data(struct taskd_call *call, int code, const char *data_json, const char *format, ...)
{
	struct json_span value;
	bool newline = false;
	va_list values;
	va_start(values, format);
	set_failure(call, 0, code, format, values);
	va_end(values);
	if (!data_json)
		return TASKD_FAILED;
	size_t length = strlen(data_json);
	if (length > call->payload_limit) {
		add_message(call, " (with data over the limit)");
	} else if (json_scan(data_json, length, &value, &newline, NULL) < 0) {
		add_message(call, " (with data that are not JSON)");
	} else {
		strbuf_add(&call->data, value.text, value.length);
		if (newline && !call->data.failed)
			text_flatten(call->data.data, call->data.length);
	}
	return TASKD_FAILED;
}

/* --- its progress --- */

void taskd_progress(struct taskd_call *call, double fraction, const char *text)
{
	char line[PROGRESS_TEXT_LIMIT];
	int64_t now_ns = clock_mono_ns();
	if (!(fraction >= 0))
		fraction = -1;
	else if (fraction > 1)
		fraction = 1;
	if (call->is_item && fraction >= 0) /* of one item; the task is all of them */
		fraction = (call->map_index + fraction) / call->map_items;
	bool is_last = fraction >= 1 && call->progress_said < 1;
	if (call->progress_ns && now_ns - call->progress_ns < PROGRESS_PAUSE_NS && !is_last)
		return;
	call->progress_ns = now_ns;
	call->progress_said = fraction;

	struct lane_reply reply = { .word = LANE_PROGRESS, .task_id = call->task_id, .progress = fraction };
	size_t length = text ? text_line(line, sizeof(line), text, strlen(text)) : 0;
	/* A lane that is broken shows again when the task's end is told. */
	(void)lane_end_reply(call->end, &reply, line, length);
}
