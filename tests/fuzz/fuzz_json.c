/* A JSON text, beside jansson: both take it or neither does, and what they find in it is the same; in pieces, too. */
#include <jansson.h>

#include "fuzz.h"
#include "pieces.h"
#include "proto/json_scan.h"
#include "proto/strbuf.h"

const char fuzz_name[] = "json";
const unsigned fuzz_runs = 60000;

static bool is_stricter(const struct json_error *error)
{
	return !strcmp(error->reason, "nested too deeply") || !strcmp(error->reason, "number too long");
}

static void compare_string(const struct json_span *span, const char *theirs, size_t length)
{
	size_t our_length;
	char *ours = json_string_dup(span, &our_length);
	struct strbuf written = STRBUF_INIT;
	struct json_span again;
	FUZZ_CHECK(ours && our_length == length && !memcmp(ours, theirs, length) && ours[length] == '\0');
	FUZZ_CHECK(json_string_is(span, ours));
	char *room = malloc(length + 1);
	FUZZ_CHECK(room && json_string_copy(span, room, length + 1, &our_length) && !memcmp(room, ours, length + 1));
	FUZZ_CHECK(length == 0 || !json_string_copy(span, room, length, &our_length));
	free(room);
	strbuf_json_string(&written, ours, length);
	FUZZ_CHECK(json_scan(written.data, written.length, &again, NULL, NULL) == 0);
	char *same = json_string_dup(&again, &our_length);
	FUZZ_CHECK(same && our_length == length && !memcmp(same, theirs, length));
	free(same);
	free(ours);
	strbuf_free(&written);
}

static void compare(const struct json_span *ours, const json_t *theirs);

static void compare_array(const struct json_span *ours, const json_t *theirs)
{
	struct json_span value;
	size_t cursor = 0, count = 0;
	FUZZ_CHECK(json_count(ours) == json_array_size(theirs));
	while (json_next(ours, &cursor, NULL, &value))
		compare(&value, json_array_get(theirs, count++));
	FUZZ_CHECK(count == json_array_size(theirs));
}

static void compare_object(const struct json_span *ours, const json_t *theirs)
{
	struct json_span name, value;
	size_t cursor = 0, count = 0, length;
	bool alike =
		json_count(ours) == json_object_size(theirs); /* else a name is there twice, and jansson has the last */
	FUZZ_CHECK(json_count(ours) >= json_object_size(theirs));
	for (; json_next(ours, &cursor, &name, &value); count++) {
		char *text = json_string_dup(&name, &length);
		const json_t *member = text ? json_object_getn(theirs, text, length) : NULL;
		FUZZ_CHECK(member);
		if (alike)
			compare(&value, member);
		free(text);
	}
	FUZZ_CHECK(count == json_count(ours));
}

static void compare(const struct json_span *ours, const json_t *theirs)
{
	long long number;
	FUZZ_CHECK(json_span_integer(ours, &number) == json_is_integer(theirs));
	switch (ours->kind) {
	case JSON_NONE:
		FUZZ_CHECK(!"a value of no kind");
		break;
	case JSON_SPAN_NULL:
		FUZZ_CHECK(json_is_null(theirs));
		break;
	case JSON_SPAN_BOOL:
		FUZZ_CHECK(json_is_boolean(theirs) && json_is_true(theirs) == (*ours->text == 't'));
		break;
	case JSON_SPAN_INTEGER:
		FUZZ_CHECK(json_is_integer(theirs) && json_integer_value(theirs) == number);
		break;
	case JSON_SPAN_REAL:
		FUZZ_CHECK(json_is_real(theirs));
		break;
	case JSON_SPAN_STRING:
		FUZZ_CHECK(json_is_string(theirs));
		compare_string(ours, json_string_value(theirs), json_string_length(theirs));
		break;
	case JSON_SPAN_ARRAY:
		FUZZ_CHECK(json_is_array(theirs));
		compare_array(ours, theirs);
		break;
	case JSON_SPAN_OBJECT:
		FUZZ_CHECK(json_is_object(theirs));
		compare_object(ours, theirs);
		break;
	}
}

/* Who walks over it without scanning it first finds the same. */
static void compare_walk(const char *text, size_t size, const struct json_span *value)
{
	struct json_span name, one, their_name, other;
	struct json_error error;
	struct json_walk walk;
	size_t cursor = 0;
	FUZZ_CHECK(json_walk_begin(&walk, text, size, JSON_DEPTH_LIMIT, &error) == 0);
	while (json_next(value, &cursor, &name, &one)) {
		FUZZ_CHECK(json_walk_next(&walk, &their_name, &other, &error) == 1);
		FUZZ_CHECK(one.text == other.text && one.length == other.length && one.kind == other.kind);
		FUZZ_CHECK(value->kind == JSON_SPAN_ARRAY || name.text == their_name.text);
	}
	FUZZ_CHECK(json_walk_next(&walk, &their_name, &other, &error) == 0);
}

/* What it lets through that the scanner does not is numbers, and what stands behind the nonsense. */
static void walk_nonsense(const char *text, size_t size)
{
	struct json_span name, value;
	struct json_error error;
	struct json_walk walk;
	if (json_walk_begin(&walk, text, size, JSON_DEPTH_LIMIT, &error) < 0)
		return;
	int status;
	while ((status = json_walk_next(&walk, &name, &value, &error)) == 1)
		FUZZ_CHECK(value.text >= text && value.text + value.length <= text + size && value.length > 0);
	FUZZ_CHECK(status == 0 || error.offset <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_span value, prefix;
	struct json_error error;
	bool newline = false;
	size_t used;
	const char *text = (const char *)data;
	/* jansson passes over a NUL behind a number. */
	json_t *theirs = size && memchr(text, '\0', size) ? NULL : json_loadb(text, size, JSON_DECODE_ANY, NULL);
	if (json_scan(text, size, &value, &newline, &error) == 0) {
		FUZZ_CHECK(theirs && value.text >= text && value.text + value.length <= text + size);
		compare(&value, theirs);
		FUZZ_CHECK(newline ||
			(!memchr(value.text, '\n', value.length) && !memchr(value.text, '\r', value.length)));
		FUZZ_CHECK(json_scan_prefix(text, size, &prefix, &used, &error) == 0 && used <= size);
		FUZZ_CHECK(prefix.text == value.text && prefix.length == value.length && prefix.kind == value.kind);
		if (value.kind == JSON_SPAN_ARRAY || value.kind == JSON_SPAN_OBJECT)
			compare_walk(text, size, &value);
	} else {
		FUZZ_CHECK(error.reason && error.offset <= size && (!theirs || is_stricter(&error)));
		walk_nonsense(text, size);
		/* Something may follow, then. */
		if (json_scan_prefix(text, size, &prefix, &used, &error) == 0)
			FUZZ_CHECK(used <= size && json_scan(prefix.text, prefix.length, &value, NULL, &error) == 0);
	}
	json_decref(theirs);
	pieces_json(text, size, 0, size + (size ? data[size / 2] : 0));
	return 0;
}
