/* Parameters' single values, by their types: what each may look like on the wire, and what is said where it does not. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/param_reader.h"
#include "proto/suggest.h"
#include "proto/units.h"

/* What each type is for documents, and what a wrong value should have been. */
static const struct {
	const char *name;
	const char *expected;
} types[] = {
	[PARAM_STRING] = { "string", "a string" },
	[PARAM_BOOL] = { "bool", "true or false" },
	[PARAM_INT] = { "int", "an integer" },
	[PARAM_DURATION] = { "duration", "a duration: seconds, or a string such as \"1.5s\" or \"2m\"" },
	[PARAM_SIZE] = { "size", "a size: bytes, or a string such as \"64M\"" },
	[PARAM_ID] = { "id", "an id, such as \"17\"" },
	[PARAM_IDS] = { "id or ids", "a task's id, such as \"17\", or an array of them" },
	[PARAM_STRINGS] = { "string or strings", "a string, or an array of strings" },
	[PARAM_ENUM] = { "word", "one of" },
	[PARAM_ARGS] = { "array or object", "an array or an object" },
	[PARAM_ARRAY] = { "array", "an array" },
	[PARAM_ANY] = { "any", "a value" },
	[PARAM_NUMBER] = { "number", "a number" },
	[PARAM_TIME] = { "time", "a time such as \"2026-11-22T18:00:00+01:00\"" },
	[PARAM_MOMENT] = { "time or duration",
		"a time such as \"2026-11-22T18:00:00Z\", or a duration: seconds, or a string such as \"30s\"" },
	[PARAM_REFS] = { "id, label or several", "a task's id, such as \"17\", a label, or an array of them" },
	[PARAM_COUNT] = { "count", "an integer of 0 or more" },
	[PARAM_TEXT] = { "string", "a string" },
	[PARAM_OBJECT] = { "object", "an object" },
	[PARAM_NAME] = { "string", "a string" },
	[PARAM_MAYBE] = { "bool", "true or false" },
	[PARAM_PERMITS] = { "names, or counts by name", "an object such as {\"gpu\":1}, or an array of names" },
};

const char *param_type_name(enum param_type type)
{
	return types[type].name;
}

int param_refuse(struct param_reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->error, reader->error_size, format, args);
	va_end(args);
	return -1;
}

int param_no_memory(struct param_reader *reader)
{
	return param_refuse(reader, "out of memory");
}

const char *param_describe(const struct json_span *value, char buf[PARAM_SHOWN + 8])
{
	switch (value->kind) {
	case JSON_NONE:
	case JSON_SPAN_NULL:
		return "null";
	case JSON_SPAN_ARRAY:
		return "an array";
	case JSON_SPAN_OBJECT:
		return "an object";
	case JSON_SPAN_BOOL:
	case JSON_SPAN_INTEGER:
	case JSON_SPAN_REAL:
	case JSON_SPAN_STRING:
		break;
	}
	snprintf(buf, PARAM_SHOWN + 8, "%.*s%s", value->length > PARAM_SHOWN ? PARAM_SHOWN : (int)value->length,
		value->text, value->length > PARAM_SHOWN ? "…" : "");
	return buf;
}

int param_wrong_value(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value)
{
	char buf[PARAM_SHOWN + 8];

	return param_refuse(reader, "parameter \"%s\" must be %s, not %s", spec->name, types[spec->type].expected,
		param_describe(value, buf));
}

/* --- single values --- */

int param_read_string(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, char **out)
{
	size_t length;

	if (value->kind != JSON_SPAN_STRING)
		return param_wrong_value(reader, spec, value);
	*out = json_string_dup(value, &length);
	if (!*out)
		return param_no_memory(reader);
	bool whole = strlen(*out) == length;
	if (whole && (spec->max == 0 || length <= (size_t)spec->max))
		return 0;
	free(*out);
	*out = NULL;
	if (!whole)
		return param_refuse(reader, "parameter \"%s\" must not have a NUL byte", spec->name);
	return param_refuse(reader, "parameter \"%s\" must have at most %lld bytes, not %zu", spec->name,
		(long long)spec->max, length);
}

static bool has_control(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0))
			return true;
	}
	return false;
}

int param_check_name(struct param_reader *reader, const struct param_spec *spec, const char *text, size_t length)
{
	if (length == 0)
		return param_refuse(reader, "parameter \"%s\" must not be empty", spec->name);
	if (length > (size_t)spec->max)
		return param_refuse(reader, "parameter \"%s\" must have at most %lld bytes, not %zu", spec->name,
			(long long)spec->max, length);
	if (has_control(text, length))
		return param_refuse(reader, "parameter \"%s\" must not have control characters", spec->name);
	return 0;
}

/* Copied only where it has escapes. */
static int read_name(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_name *out)
{
	if (value->kind != JSON_SPAN_STRING)
		return param_wrong_value(reader, spec, value);
	out->data = value->text + 1;
	out->length = value->length - 2;
	if (memchr(out->data, '\\', out->length)) {
		out->data = out->owned = json_string_dup(value, &out->length);
		if (!out->data)
			return param_no_memory(reader);
	}
	return param_check_name(reader, spec, out->data, out->length);
}

static int read_int(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	char buf[PARAM_SHOWN + 8];
	long long number;

	if (!json_span_integer(value, &number))
		return param_wrong_value(reader, spec, value);
	if ((spec->min || spec->max) && (number < spec->min || number > spec->max))
		return param_refuse(reader, "parameter \"%s\" must be from %lld to %lld, not %s", spec->name,
			(long long)spec->min, (long long)spec->max, param_describe(value, buf));
	*out = number;
	return 0;
}

static bool read_double(const struct json_span *value, double *out)
{
	char text[64];

	if ((value->kind != JSON_SPAN_INTEGER && value->kind != JSON_SPAN_REAL) || value->length >= sizeof(text))
		return false;
	memcpy(text, value->text, value->length);
	text[value->length] = '\0';
	*out = strtod(text, NULL);
	return true;
}

/* A duration's number of seconds. */
static int seconds_to_ns(const struct json_span *value, int64_t *ns)
{
	long long whole;
	double seconds;

	if (value->kind == JSON_SPAN_INTEGER)
		return !json_span_integer(value, &whole) || whole < 0 ||
				__builtin_mul_overflow(whole, INT64_C(1000000000), ns)
			? -1
			: 0;
	if (!read_double(value, &seconds) || seconds < 0 || seconds >= 9.2e9)
		return -1;
	*ns = (int64_t)(seconds * 1e9 + 0.5);
	return 0;
}

static int read_number(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, double *out)
{
	char buf[PARAM_SHOWN + 8];
	double number;

	if (!read_double(value, &number))
		return param_wrong_value(reader, spec, value);
	if ((spec->min || spec->max) && !(number >= (double)spec->min && number <= (double)spec->max))
		return param_refuse(reader, "parameter \"%s\" must be from %lld to %lld, not %s", spec->name,
			(long long)spec->min, (long long)spec->max, param_describe(value, buf));
	*out = number;
	return 0;
}

static int read_count(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	char buf[PARAM_SHOWN + 8];
	long long number;

	if (!json_span_integer(value, &number) || number < 0)
		return param_wrong_value(reader, spec, value);
	if (spec->max && number > spec->max)
		return param_refuse(reader, "parameter \"%s\" must be from 0 to %lld, not %s", spec->name,
			(long long)spec->max, param_describe(value, buf));
	*out = number;
	return 0;
}

/* PARAM_DURATION, PARAM_SIZE, or a PARAM_MOMENT's duration. */
static int read_quantity(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	bool duration = spec->type != PARAM_SIZE;
	char text[64];
	long long number;
	int result = -1;

	if (value->kind == JSON_SPAN_STRING) {
		if (json_string_copy(value, text, sizeof(text), NULL))
			result = duration ? units_parse_duration(text, out) : units_parse_size(text, out);
	} else if (duration && (value->kind == JSON_SPAN_INTEGER || value->kind == JSON_SPAN_REAL)) {
		result = seconds_to_ns(value, out);
	} else if (json_span_integer(value, &number) && number >= 0) {
		*out = number;
		result = 0;
	}
	if (result == 0 && *out < spec->min)
		return param_refuse(reader, "parameter \"%s\" must be more than 0", spec->name);
	return result == 0 ? 0 : param_wrong_value(reader, spec, value);
}

/* The index of the word that VALUE is; -1: none of them, and the error says so. */
static int read_word(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value)
{
	char words[256], word[PARAM_SHOWN], buf[PARAM_SHOWN + 8];
	struct suggest suggest;
	size_t used = 0;

	if (value->kind == JSON_SPAN_STRING)
		for (int i = 0; spec->words[i]; i++)
			if (json_string_is(value, spec->words[i]))
				return i;
	for (int i = 0; spec->words[i] && used < sizeof(words); i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s\"%s\"", i ? ", " : "", spec->words[i]);
	if (value->kind != JSON_SPAN_STRING || !json_string_copy(value, word, sizeof(word), NULL))
		return param_refuse(reader, "parameter \"%s\" must be one of %s, not %s", spec->name, words,
			param_describe(value, buf));
	suggest_begin(&suggest, word);
	for (int i = 0; spec->words[i]; i++)
		suggest_offer(&suggest, spec->words[i]);
	return param_refuse(reader, "parameter \"%s\" must be one of %s, not %s%s%s%s", spec->name, words,
		param_describe(value, buf), suggest.best ? ": did you mean \"" : "", suggest.best ? suggest.best : "",
		suggest.best ? "\"?" : "");
}

static int read_enum(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, int *out)
{
	int word = read_word(reader, spec, value);

	if (word < 0)
		return -1;
	*out = word;
	return 0;
}

/* --- times --- */

/* As a wall clock's time; what is wrong with a string is told where it began like a date. */
static int read_wall(
	struct param_reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	char text[64], buf[PARAM_SHOWN + 8];
	const char *error;

	if (value->kind != JSON_SPAN_STRING || !json_string_copy(value, text, sizeof(text), NULL))
		return param_wrong_value(reader, spec, value);
	if (units_parse_time(text, out, &error) == 0)
		return 0;
	return param_refuse(reader, "parameter \"%s\" must be %s, not %s: %s", spec->name, types[spec->type].expected,
		param_describe(value, buf), error);
}

/* A time has such signs, a duration has none. */
static bool looks_like_time(const struct json_span *value)
{
	return value->kind == JSON_SPAN_STRING &&
		(memchr(value->text, '-', value->length) || memchr(value->text, ':', value->length));
}

static int read_moment(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_moment *out)
{
	out->wall = looks_like_time(value);
	out->given = true;
	return out->wall ? read_wall(reader, spec, value, &out->ns) : read_quantity(reader, spec, value, &out->ns);
}

/* --- one or several --- */

static int read_strings(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_strings *out)
{
	bool several = value->kind == JSON_SPAN_ARRAY;
	size_t count = several ? json_count(value) : 1, cursor = 0, limit = spec->count ? spec->count : PARAM_STRINGS_LIMIT;
	struct json_span item = *value;
	char buf[PARAM_SHOWN + 8];

	if (spec->array && !several)
		return param_refuse(reader, "parameter \"%s\" must be an array of strings, not %s", spec->name,
			param_describe(value, buf));
	if (count > limit)
		return param_refuse(reader, "parameter \"%s\" must have at most %zu strings, not %zu", spec->name, limit,
			count);
	out->strings = calloc(count ? count : 1, sizeof(out->strings[0]));
	if (!out->strings)
		return param_no_memory(reader);
	for (; out->count < count; out->count++) {
		if (several)
			json_next(value, &cursor, NULL, &item);
		if (spec->words && read_word(reader, spec, &item) < 0)
			return -1;
		if (spec->array && item.kind != JSON_SPAN_STRING)
			return param_refuse(reader, "parameter \"%s\" must be an array of strings, not of %s", spec->name,
				param_describe(&item, buf));
		char **string = &out->strings[out->count];
		if (param_read_string(reader, spec, &item, string) < 0)
			return -1;
		if (spec->names && param_check_name(reader, spec, *string, strlen(*string)) < 0) {
			free(*string);
			return -1;
		}
	}
	return 0;
}

bool param_is_label(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";

	return text[0] && text[0] != '-' && (text[0] < '0' || text[0] > '9') && strspn(text, letters) == strlen(text);
}

/* A label that a batch may have: what has the form of neither is told here, and not as a label that is not there. */
static int read_ref(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_ref *out)
{
	if (param_id_parse(value, &out->id))
		return 0;
	out->id = 0;
	if (value->kind != JSON_SPAN_STRING)
		return param_wrong_value(reader, spec, value);
	out->label = json_string_dup(value, NULL);
	if (!out->label)
		return param_no_memory(reader);
	if (param_is_label(out->label))
		return 0;
	free(out->label);
	out->label = NULL;
	return param_wrong_value(reader, spec, value);
}

static int read_refs(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_refs *out)
{
	bool several = value->kind == JSON_SPAN_ARRAY;
	size_t count = several ? json_count(value) : 1, cursor = 0;
	struct json_span item = *value;

	if (spec->max && count > (size_t)spec->max)
		return param_refuse(reader, "parameter \"%s\" must have at most %lld tasks, not %zu", spec->name,
			(long long)spec->max, count);
	out->refs = calloc(count ? count : 1, sizeof(out->refs[0]));
	if (!out->refs)
		return param_no_memory(reader);
	for (; out->count < count; out->count++) {
		if (several)
			json_next(value, &cursor, NULL, &item);
		if (read_ref(reader, spec, &item, &out->refs[out->count]) < 0)
			return -1;
	}
	return 0;
}

int param_value_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value)
{
	void *at = (char *)reader->out + spec->offset;

	switch (spec->type) {
	case PARAM_STRING:
		return param_read_string(reader, spec, value, at);
	case PARAM_BOOL:
		if (value->kind != JSON_SPAN_BOOL)
			return param_wrong_value(reader, spec, value);
		*(bool *)at = value->text[0] == 't';
		return 0;
	case PARAM_MAYBE:
		if (value->kind != JSON_SPAN_BOOL)
			return param_wrong_value(reader, spec, value);
		*(int *)at = value->text[0] == 't';
		return 0;
	case PARAM_NAME:
		return read_name(reader, spec, value, at);
	case PARAM_INT:
		return read_int(reader, spec, value, at);
	case PARAM_DURATION:
	case PARAM_SIZE:
		return read_quantity(reader, spec, value, at);
	case PARAM_ID:
		return param_id_parse(value, at) ? 0 : param_wrong_value(reader, spec, value);
	case PARAM_IDS:
		return param_ids_read(reader, spec, value, at);
	case PARAM_STRINGS:
		return read_strings(reader, spec, value, at);
	case PARAM_ENUM:
		return read_enum(reader, spec, value, at);
	case PARAM_ARGS:
	case PARAM_ARRAY:
		if (value->kind != JSON_SPAN_ARRAY && (spec->type == PARAM_ARRAY || value->kind != JSON_SPAN_OBJECT))
			return param_wrong_value(reader, spec, value);
		*(struct json_span *)at = *value;
		return 0;
	case PARAM_ANY:
		*(struct json_span *)at = *value;
		return 0;
	case PARAM_NUMBER:
		return read_number(reader, spec, value, at);
	case PARAM_TIME:
		return read_wall(reader, spec, value, at);
	case PARAM_MOMENT:
		return read_moment(reader, spec, value, at);
	case PARAM_REFS:
		return read_refs(reader, spec, value, at);
	case PARAM_COUNT:
		return read_count(reader, spec, value, at);
	case PARAM_PERMITS:
		return param_permits_read(reader, spec, value, at);
	case PARAM_TEXT:
	case PARAM_OBJECT:
		if (value->kind != (spec->type == PARAM_TEXT ? JSON_SPAN_STRING : JSON_SPAN_OBJECT))
			return param_wrong_value(reader, spec, value);
		*(struct json_span *)at = *value;
		return 0;
	}
	return -1;
}
