/* A handler's arguments. Nothing is parsed before it is asked for: a look-up walks the text that the client sent, and
 * remembers where it was, so that asking in order is one pass in all. The master has checked the text. */
#include <stdio.h>
#include <string.h>

#include "worker/call.h"
#include "worker/text.h"

static bool find_by_index(struct taskd_call *call, size_t index)
{
	if (call->is_item) {
		call->value = call->args;
		return index == 0;
	}
	if (index + 1 == call->next_index && call->value.kind != JSON_NONE)
		return true;
	if (index < call->next_index) {
		call->cursor = 0;
		call->next_index = 0;
	}
	while (json_next(&call->args, &call->cursor, &call->name, &call->value))
		if (call->next_index++ == index)
			return true;
	/* Behind the end: next_index counts what is there, and no value stands before the cursor. */
	call->value.kind = JSON_NONE;
	return false;
}

static bool find_by_name(struct taskd_call *call, const char *name)
{
	if (call->value.kind != JSON_NONE && json_string_is(&call->name, name))
		return true;
	size_t start = call->cursor;
	while (json_next(&call->args, &call->cursor, &call->name, &call->value))
		if (json_string_is(&call->name, name))
			return true;
	call->cursor = 0;
	while (call->cursor < start && json_next(&call->args, &call->cursor, &call->name, &call->value))
		if (json_string_is(&call->name, name))
			return true;
	call->value.kind = JSON_NONE;
	return false;
}

/* The value that was asked for is call->value then. */
static bool find(struct taskd_call *call, size_t index, const char *name)
{
	if (call->is_item || call->args.kind == JSON_SPAN_ARRAY)
		return find_by_index(call, index);
	return name && find_by_name(call, name);
}

static const char *kind_name(enum json_kind kind)
{
	switch (kind) {
	case JSON_NONE:
		return "nothing";
	case JSON_SPAN_NULL:
		return "null";
	case JSON_SPAN_BOOL:
		return "a bool";
	case JSON_SPAN_INTEGER:
		return "an integer";
	case JSON_SPAN_REAL:
		return "a real number";
	case JSON_SPAN_STRING:
		return "a string";
	case JSON_SPAN_ARRAY:
		return "an array";
	case JSON_SPAN_OBJECT:
		return "an object";
	}
	return "nothing";
}

/* "argument 0 (\"n\") must be an integer, not a string" */
static int refuse(struct taskd_call *call, size_t index, const char *name, const char *wanted)
{
	char *reason = call->reason;
	size_t size = sizeof(call->reason);
	bool by_name = !call->is_item && call->args.kind == JSON_SPAN_OBJECT;
	int n;
	if (by_name && !name) {
		snprintf(reason, size, "argument %zu has no name to be found by among named ones", index);
		return TASKD_BAD_ARGS;
	}
	if (by_name)
		n = snprintf(reason, size, "argument \"%.100s\"", name);
	else if (name)
		n = snprintf(reason, size, "argument %zu (\"%.100s\")", index, name);
	else
		n = snprintf(reason, size, "argument %zu", index);
	if (n < 0 || (size_t)n >= size)
		return TASKD_BAD_ARGS;
	if (wanted)
		snprintf(reason + n, size - (size_t)n, " must be %s, not %s", wanted, kind_name(call->value.kind));
	else
		snprintf(reason + n, size - (size_t)n, " is missing");
	return TASKD_BAD_ARGS;
}

static int refuse_memory(struct taskd_call *call)
{
	call_fail_memory(call);
	return TASKD_BAD_ARGS;
}

const char *taskd_args(const struct taskd_call *call, size_t *length)
{
	if (!call->is_item) {
		*length = call->args.length;
		return call->args.text;
	}
	/* An item stands for an array of one. Its text is made where it is asked for, which few handlers do; the arena
	 * is memory behind the call and no part of what it tells. */
	struct taskd_call *own = (struct taskd_call *)(uintptr_t)call;
	char *text = arena_alloc(&own->arena, call->args.length + 3);
	if (!text) {
		*length = 0;
		return NULL;
	}
	text[0] = '[';
	memcpy(text + 1, call->args.text, call->args.length);
	text[call->args.length + 1] = ']';
	text[call->args.length + 2] = '\0';
	*length = call->args.length + 2;
	return text;
}

size_t taskd_arg_count(struct taskd_call *call)
{
	if (call->is_item)
		return 1;
	if (call->count == SIZE_MAX)
		call->count = json_count(&call->args);
	return call->count;
}

bool taskd_arg_has(struct taskd_call *call, size_t index, const char *name)
{
	return find(call, index, name);
}

int taskd_arg_int(struct taskd_call *call, size_t index, const char *name, long long *value)
{
	if (!find(call, index, name))
		return refuse(call, index, name, NULL);
	if (!json_span_integer(&call->value, value))
		return refuse(call, index, name, "an integer");
	return TASKD_OK;
}

int taskd_arg_number(struct taskd_call *call, size_t index, const char *name, double *value)
{
	long long integer;
	if (!find(call, index, name))
		return refuse(call, index, name, NULL);
	if (json_span_integer(&call->value, &integer)) {
		*value = (double)integer;
		return TASKD_OK;
	}
	if (call->value.kind != JSON_SPAN_REAL)
		return refuse(call, index, name, "a number");
	/* Inside an array or an object, what stands behind a number ends it. */
	*value = text_number(call->value.text);
	return TASKD_OK;
}

int taskd_arg_bool(struct taskd_call *call, size_t index, const char *name, bool *value)
{
	if (!find(call, index, name))
		return refuse(call, index, name, NULL);
	if (call->value.kind != JSON_SPAN_BOOL)
		return refuse(call, index, name, "a bool");
	*value = call->value.text[0] == 't';
	return TASKD_OK;
}

int taskd_arg_string(struct taskd_call *call, size_t index, const char *name, const char **value, size_t *length)
{
	if (!find(call, index, name))
		return refuse(call, index, name, NULL);
	if (call->value.kind != JSON_SPAN_STRING)
		return refuse(call, index, name, "a string");
	/* Unescaped, it is shorter; without its quotes, there is room for the terminator. */
	size_t size = call->value.length - 2;
	char *copy = arena_alloc(&call->arena, call->value.length);
	if (!copy || !json_string_copy(&call->value, copy, call->value.length, &size))
		return refuse_memory(call);
	*value = copy;
	if (length)
		*length = size;
	return TASKD_OK;
}

int taskd_arg_json(struct taskd_call *call, size_t index, const char *name, const char **text, size_t *length)
{
	if (!find(call, index, name))
		return refuse(call, index, name, NULL);
	char *copy = arena_alloc(&call->arena, call->value.length + 1);
	if (!copy)
		return refuse_memory(call);
	memcpy(copy, call->value.text, call->value.length);
	copy[call->value.length] = '\0';
	*text = copy;
	if (length)
		*length = call->value.length;
	return TASKD_OK;
}
