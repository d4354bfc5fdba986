/* One reader for the parameters of every method, so that all of them take objects and arrays, refuse what they do not
 * know, and say what is wrong in the same words. No tree is built: task.call comes through here. */
#include "proto/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/strbuf.h"
#include "proto/suggest.h"
#include "proto/units.h"

struct reader {
	const struct param_spec *specs;
	void *out;
	char *error;
	size_t error_size;
	uint64_t given; /* a bit for each spec */
};

/* A table is longer than this in no method; params_read says so by an error, not by a wrong answer. */
#define SPECS_LIMIT 64
#define STRINGS_LIMIT 64 /* in an array of them */
#define SHOWN 60 /* so much of a stranger's word is repeated in an error */

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
	[PARAM_ID] = { "id", "a task's id, such as \"17\"" },
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
};

const char *param_type_name(enum param_type type)
{
	return types[type].name;
}

__attribute__((format(printf, 2, 3))) static int refuse(struct reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reader->error, reader->error_size, format, args);
	va_end(args);
	return -1;
}

static int no_memory(struct reader *reader)
{
	return refuse(reader, "out of memory");
}

/* What came, in words: "an array", "\"fast\"", "-5". */
static const char *describe(const struct json_span *value, char buf[SHOWN + 8])
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
	snprintf(buf, SHOWN + 8, "%.*s%s", value->length > SHOWN ? SHOWN : (int)value->length, value->text,
		value->length > SHOWN ? "…" : "");
	return buf;
}

static int wrong_value(struct reader *reader, const struct param_spec *spec, const struct json_span *value)
{
	char buf[SHOWN + 8];

	return refuse(reader, "parameter \"%s\" must be %s, not %s", spec->name, types[spec->type].expected,
		describe(value, buf));
}

/* --- single values --- */

static int read_string(struct reader *reader, const struct param_spec *spec, const struct json_span *value, char **out)
{
	size_t length;

	if (value->kind != JSON_SPAN_STRING)
		return wrong_value(reader, spec, value);
	*out = json_string_dup(value, &length);
	if (!*out)
		return no_memory(reader);
	if (spec->max == 0 || length <= (size_t)spec->max)
		return 0;
	free(*out);
	*out = NULL;
	return refuse(reader, "parameter \"%s\" must have at most %lld bytes, not %zu", spec->name,
		(long long)spec->max, length);
}

static int read_int(struct reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	char buf[SHOWN + 8];
	long long number;

	if (!json_span_integer(value, &number))
		return wrong_value(reader, spec, value);
	if ((spec->min || spec->max) && (number < spec->min || number > spec->max))
		return refuse(reader, "parameter \"%s\" must be from %lld to %lld, not %s", spec->name,
			(long long)spec->min, (long long)spec->max, describe(value, buf));
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

static int read_number(struct reader *reader, const struct param_spec *spec, const struct json_span *value, double *out)
{
	char buf[SHOWN + 8];
	double number;

	if (!read_double(value, &number))
		return wrong_value(reader, spec, value);
	if ((spec->min || spec->max) && !(number >= (double)spec->min && number <= (double)spec->max))
		return refuse(reader, "parameter \"%s\" must be from %lld to %lld, not %s", spec->name,
			(long long)spec->min, (long long)spec->max, describe(value, buf));
	*out = number;
	return 0;
}

static int read_count(struct reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	char buf[SHOWN + 8];
	long long number;

	if (!json_span_integer(value, &number) || number < 0)
		return wrong_value(reader, spec, value);
	if (spec->max && number > spec->max)
		return refuse(reader, "parameter \"%s\" must be from 0 to %lld, not %s", spec->name, (long long)spec->max,
			describe(value, buf));
	*out = number;
	return 0;
}

/* PARAM_DURATION, PARAM_SIZE, or a PARAM_MOMENT's duration. */
static int read_quantity(
	struct reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
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
		return refuse(reader, "parameter \"%s\" must be more than 0", spec->name);
	return result == 0 ? 0 : wrong_value(reader, spec, value);
}

static bool id_parse(const struct json_span *value, uint64_t *id)
{
	const char *p = value->text, *end = p + value->length;
	uint64_t sum = 0;

	if (value->kind == JSON_SPAN_STRING) {
		p++;
		end--;
	} else if (value->kind != JSON_SPAN_INTEGER) {
		return false;
	}
	for (; p < end; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum))
			return false;
	*id = sum;
	return sum != 0;
}

/* The index of the word that VALUE is; -1: none of them, and the error says so. */
static int read_word(struct reader *reader, const struct param_spec *spec, const struct json_span *value)
{
	char words[256], word[SHOWN], buf[SHOWN + 8];
	struct suggest suggest;
	size_t used = 0;

	if (value->kind == JSON_SPAN_STRING)
		for (int i = 0; spec->words[i]; i++)
			if (json_string_is(value, spec->words[i]))
				return i;
	for (int i = 0; spec->words[i] && used < sizeof(words); i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s\"%s\"", i ? ", " : "", spec->words[i]);
	if (value->kind != JSON_SPAN_STRING || !json_string_copy(value, word, sizeof(word), NULL))
		return refuse(
			reader, "parameter \"%s\" must be one of %s, not %s", spec->name, words, describe(value, buf));
	suggest_begin(&suggest, word);
	for (int i = 0; spec->words[i]; i++)
		suggest_offer(&suggest, spec->words[i]);
	return refuse(reader, "parameter \"%s\" must be one of %s, not %s%s%s%s", spec->name, words,
		describe(value, buf), suggest.best ? ": did you mean \"" : "", suggest.best ? suggest.best : "",
		suggest.best ? "\"?" : "");
}

static int read_enum(struct reader *reader, const struct param_spec *spec, const struct json_span *value, int *out)
{
	int word = read_word(reader, spec, value);

	if (word < 0)
		return -1;
	*out = word;
	return 0;
}

/* --- times --- */

/* As a wall clock's time; what is wrong with a string is told where it began like a date. */
static int read_wall(struct reader *reader, const struct param_spec *spec, const struct json_span *value, int64_t *out)
{
	char text[64], buf[SHOWN + 8];
	const char *error;

	if (value->kind != JSON_SPAN_STRING || !json_string_copy(value, text, sizeof(text), NULL))
		return wrong_value(reader, spec, value);
	if (units_parse_time(text, out, &error) == 0)
		return 0;
	return refuse(reader, "parameter \"%s\" must be %s, not %s: %s", spec->name, types[spec->type].expected,
		describe(value, buf), error);
}

/* A time has such signs, a duration has none. */
static bool looks_like_time(const struct json_span *value)
{
	return value->kind == JSON_SPAN_STRING && (memchr(value->text, '-', value->length) || memchr(value->text, ':', value->length));
}

static int read_moment(
	struct reader *reader, const struct param_spec *spec, const struct json_span *value, struct param_moment *out)
{
	out->wall = looks_like_time(value);
	out->given = true;
	return out->wall ? read_wall(reader, spec, value, &out->ns) : read_quantity(reader, spec, value, &out->ns);
}

/* --- one or several --- */

static int read_ids(
	struct reader *reader, const struct param_spec *spec, const struct json_span *value, struct param_ids *out)
{
	bool several = value->kind == JSON_SPAN_ARRAY;
	size_t count = several ? json_count(value) : 1, cursor = 0;
	struct json_span item = *value;

	out->ids = malloc((count ? count : 1) * sizeof(out->ids[0]));
	if (!out->ids)
		return no_memory(reader);
	for (out->count = 0; out->count < count; out->count++) {
		if (several)
			json_next(value, &cursor, NULL, &item);
		if (!id_parse(&item, &out->ids[out->count]))
			return wrong_value(reader, spec, &item);
	}
	return 0;
}

static int read_strings(
	struct reader *reader, const struct param_spec *spec, const struct json_span *value, struct param_strings *out)
{
	bool several = value->kind == JSON_SPAN_ARRAY;
	size_t count = several ? json_count(value) : 1, cursor = 0;
	struct json_span item = *value;

	if (count > STRINGS_LIMIT)
		return refuse(reader, "parameter \"%s\" must have at most %d strings, not %zu", spec->name, STRINGS_LIMIT, count);
	out->strings = calloc(count ? count : 1, sizeof(out->strings[0]));
	if (!out->strings)
		return no_memory(reader);
	for (; out->count < count; out->count++) {
		if (several)
			json_next(value, &cursor, NULL, &item);
		if (spec->words && read_word(reader, spec, &item) < 0)
			return -1;
		if (read_string(reader, spec, &item, &out->strings[out->count]) < 0)
			return -1;
	}
	return 0;
}

bool param_is_label(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";

	return text[0] && text[0] != '-' && (text[0] < '0' || text[0] > '9') && strspn(text, letters) == strlen(text);
}

/* A label that a batch may have: what has the form of neither is told here, and not as a label that is not there. */
static int read_ref(
	struct reader *reader, const struct param_spec *spec, const struct json_span *value, struct param_ref *out)
{
	if (id_parse(value, &out->id))
		return 0;
	out->id = 0;
	if (value->kind != JSON_SPAN_STRING)
		return wrong_value(reader, spec, value);
	out->label = json_string_dup(value, NULL);
	if (!out->label)
		return no_memory(reader);
	if (param_is_label(out->label))
		return 0;
	free(out->label);
	out->label = NULL;
	return wrong_value(reader, spec, value);
}

static int read_refs(
	struct reader *reader, const struct param_spec *spec, const struct json_span *value, struct param_refs *out)
{
	bool several = value->kind == JSON_SPAN_ARRAY;
	size_t count = several ? json_count(value) : 1, cursor = 0;
	struct json_span item = *value;

	if (spec->max && count > (size_t)spec->max)
		return refuse(reader, "parameter \"%s\" must have at most %lld tasks, not %zu", spec->name, (long long)spec->max,
			count);
	out->refs = calloc(count ? count : 1, sizeof(out->refs[0]));
	if (!out->refs)
		return no_memory(reader);
	for (; out->count < count; out->count++) {
		if (several)
			json_next(value, &cursor, NULL, &item);
		if (read_ref(reader, spec, &item, &out->refs[out->count]) < 0)
			return -1;
	}
	return 0;
}

/* --- all of them --- */

static int read_value(struct reader *reader, const struct param_spec *spec, const struct json_span *value)
{
	void *at = (char *)reader->out + spec->offset;

	switch (spec->type) {
	case PARAM_STRING:
		return read_string(reader, spec, value, at);
	case PARAM_BOOL:
		if (value->kind != JSON_SPAN_BOOL)
			return wrong_value(reader, spec, value);
		*(bool *)at = value->text[0] == 't';
		return 0;
	case PARAM_INT:
		return read_int(reader, spec, value, at);
	case PARAM_DURATION:
	case PARAM_SIZE:
		return read_quantity(reader, spec, value, at);
	case PARAM_ID:
		return id_parse(value, at) ? 0 : wrong_value(reader, spec, value);
	case PARAM_IDS:
		return read_ids(reader, spec, value, at);
	case PARAM_STRINGS:
		return read_strings(reader, spec, value, at);
	case PARAM_ENUM:
		return read_enum(reader, spec, value, at);
	case PARAM_ARGS:
	case PARAM_ARRAY:
		if (value->kind != JSON_SPAN_ARRAY && (spec->type == PARAM_ARRAY || value->kind != JSON_SPAN_OBJECT))
			return wrong_value(reader, spec, value);
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
	}
	return -1;
}

static void set_absent(const struct param_spec *spec, void *out)
{
	void *at = (char *)out + spec->offset;

	switch (spec->type) {
	case PARAM_DURATION:
	case PARAM_SIZE:
	case PARAM_COUNT:
		*(int64_t *)at = -1;
		break;
	case PARAM_NUMBER:
		*(double *)at = spec->otherwise;
		break;
	case PARAM_TIME:
		*(int64_t *)at = INT64_MIN;
		break;
	case PARAM_ENUM:
		*(int *)at = -1;
		break;
	case PARAM_STRING:
	case PARAM_BOOL:
	case PARAM_INT:
	case PARAM_ID:
	case PARAM_IDS:
	case PARAM_STRINGS:
	case PARAM_ARGS:
	case PARAM_ARRAY:
	case PARAM_ANY:
	case PARAM_MOMENT:
	case PARAM_REFS:
		break; /* zero */
	}
}

static int read_param(struct reader *reader, size_t index, const struct json_span *value)
{
	const struct param_spec *spec = &reader->specs[index];

	if (reader->given & UINT64_C(1) << index)
		return refuse(reader, "parameter \"%s\" is given twice", spec->name);
	reader->given |= UINT64_C(1) << index;
	if (value->kind == JSON_SPAN_NULL && !spec->required && spec->type != PARAM_ANY)
		return 0;
	return read_value(reader, spec, value);
}

static int unknown_param(struct reader *reader, const struct json_span *name)
{
	char word[SHOWN], buf[SHOWN + 8];
	struct suggest suggest;

	if (reader->specs[0].name == NULL)
		return refuse(reader, "unknown parameter %s: this method takes none", describe(name, buf));
	if (!json_string_copy(name, word, sizeof(word), NULL))
		return refuse(reader, "unknown parameter %s", describe(name, buf));
	suggest_begin(&suggest, word);
	for (const struct param_spec *spec = reader->specs; spec->name; spec++)
		suggest_offer(&suggest, spec->name);
	if (suggest.best)
		return refuse(reader, "unknown parameter \"%s\": did you mean \"%s\"?", word, suggest.best);
	return refuse(reader, "unknown parameter \"%s\"", word);
}

static int read_all(struct reader *reader, const struct json_span *params, size_t n_specs)
{
	struct json_span name, value;
	size_t cursor = 0, index = 0;

	if (n_specs > SPECS_LIMIT)
		return refuse(reader, "a method of more than %d parameters", SPECS_LIMIT);
	while (params->kind != JSON_NONE && json_next(params, &cursor, &name, &value)) {
		if (params->kind == JSON_SPAN_OBJECT) {
			for (index = 0; index < n_specs && !json_string_is(&name, reader->specs[index].name); index++)
				;
			if (index == n_specs)
				return unknown_param(reader, &name);
		} else if (index == n_specs) {
			if (value.kind == JSON_SPAN_NULL) /* one that is left out, as some clients send it where there are none */
				continue;
			return refuse(reader, "too many parameters: there are %zu at most", n_specs);
		}
		if (read_param(reader, index++, &value) < 0)
			return -1;
	}
	for (index = 0; index < n_specs; index++)
		if (reader->specs[index].required && !(reader->given & UINT64_C(1) << index))
			return refuse(reader, "parameter \"%s\" is missing", reader->specs[index].name);
	return 0;
}

int params_read(
	const struct param_spec *specs, const struct json_span *params, void *out, char *error, size_t error_size)
{
	struct reader reader = { .specs = specs, .out = out, .error = error, .error_size = error_size };
	size_t n_specs = 0;

	for (; specs[n_specs].name; n_specs++)
		set_absent(&specs[n_specs], out);
	if (read_all(&reader, params, n_specs) == 0)
		return 0;
	params_free(specs, out);
	return -1;
}

void params_free(const struct param_spec *specs, void *out)
{
	for (const struct param_spec *spec = specs; spec->name; spec++) {
		void *at = (char *)out + spec->offset;
		if (spec->type == PARAM_STRING) {
			char **string = at;
			free(*string);
			*string = NULL;
		} else if (spec->type == PARAM_IDS) {
			struct param_ids *ids = at;
			free(ids->ids);
			*ids = (struct param_ids){ 0 };
		} else if (spec->type == PARAM_STRINGS) {
			struct param_strings *strings = at;
			for (size_t i = 0; i < strings->count; i++)
				free(strings->strings[i]);
			free(strings->strings);
			*strings = (struct param_strings){ 0 };
		} else if (spec->type == PARAM_REFS) {
			struct param_refs *refs = at;
			for (size_t i = 0; i < refs->count; i++)
				free(refs->refs[i].label);
			free(refs->refs);
			*refs = (struct param_refs){ 0 };
		}
	}
}
