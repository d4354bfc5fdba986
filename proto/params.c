/* One reader for the parameters of every method, so that all of them take objects and arrays, refuse what they do not
 * know, and say what is wrong in the same words. No tree is built: task.call comes through here. */
#include "proto/params.h"

#include <stdlib.h>

#include "proto/param_reader.h"
#include "proto/suggest.h"

/* A table is longer than this in no method; params_read says so by an error, not by a wrong answer. */
#define SPECS_LIMIT 64

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
	case PARAM_MAYBE:
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
	case PARAM_TEXT:
	case PARAM_OBJECT:
	case PARAM_NAME:
	case PARAM_PERMITS:
		break; /* zero */
	}
}

static int read_param(struct param_reader *reader, size_t index, const struct json_span *value)
{
	const struct param_spec *spec = &reader->specs[index];

	if (reader->given & UINT64_C(1) << index)
		return param_refuse(reader, "parameter \"%s\" is given twice", spec->name);
	reader->given |= UINT64_C(1) << index;
	if (value->kind == JSON_SPAN_NULL && !spec->required && spec->type != PARAM_ANY)
		return 0;
	return param_value_read(reader, spec, value);
}

static int unknown_param(struct param_reader *reader, const struct json_span *name)
{
	char word[PARAM_SHOWN], buf[PARAM_SHOWN + 8];
	struct suggest suggest;

	if (reader->specs[0].name == NULL)
		return param_refuse(reader, "unknown parameter %s: this method takes none", param_describe(name, buf));
	if (!json_string_copy(name, word, sizeof(word), NULL))
		return param_refuse(reader, "unknown parameter %s", param_describe(name, buf));
	suggest_begin(&suggest, word);
	for (const struct param_spec *spec = reader->specs; spec->name; spec++)
		suggest_offer(&suggest, spec->name);
	if (suggest.best)
		return param_refuse(reader, "unknown parameter \"%s\": did you mean \"%s\"?", word, suggest.best);
	return param_refuse(reader, "unknown parameter \"%s\"", word);
}

static int read_all(struct param_reader *reader, const struct json_span *params, size_t n_specs)
{
	struct json_span name, value;
	size_t cursor = 0, index = 0;

	if (n_specs > SPECS_LIMIT)
		return param_refuse(reader, "a method of more than %d parameters", SPECS_LIMIT);
	while (params->kind != JSON_NONE && json_next(params, &cursor, &name, &value)) {
		if (params->kind == JSON_SPAN_OBJECT) {
			for (index = 0; index < n_specs && !json_string_is(&name, reader->specs[index].name); index++)
				;
			if (index == n_specs)
				return unknown_param(reader, &name);
		} else if (index == n_specs) {
			if (value.kind ==
				JSON_SPAN_NULL) /* one that is left out, as some clients send it where there are none */
				continue;
			return param_refuse(reader, "too many parameters: there are %zu at most", n_specs);
		}
		if (read_param(reader, index++, &value) < 0)
			return -1;
	}
	for (index = 0; index < n_specs; index++)
		if (reader->specs[index].required && !(reader->given & UINT64_C(1) << index))
			return param_refuse(reader, "parameter \"%s\" is missing", reader->specs[index].name);
	return 0;
}

int params_read(
	const struct param_spec *specs, const struct json_span *params, void *out, char *error, size_t error_size)
{
	struct param_reader reader = { .specs = specs, .out = out, .error = error, .error_size = error_size };
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
		} else if (spec->type == PARAM_NAME) {
			struct param_name *name = at;
			free(name->owned);
			*name = (struct param_name){ 0 };
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
		} else if (spec->type == PARAM_PERMITS) {
			param_permits_free(at);
		} else if (spec->type == PARAM_REFS) {
			struct param_refs *refs = at;
			for (size_t i = 0; i < refs->count; i++)
				free(refs->refs[i].label);
			free(refs->refs);
			*refs = (struct param_refs){ 0 };
		}
	}
}
