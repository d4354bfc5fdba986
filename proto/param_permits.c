/* The parameter that says how many permits of which semaphores: names, for one permit of each, or an object in which
 * each name has a number, or an object that says more. */
#include <stdlib.h>
#include <string.h>

#include "proto/object_params.h"
#include "proto/param_reader.h"
#include "proto/suggest.h"

static int read_amount(struct param_reader *reader, const struct param_spec *spec, const char *what,
	const struct json_span *value, int64_t *out)
{
	char buf[PARAM_SHOWN + 8];
	long long number;

	if (!json_span_integer(value, &number) || number < 1 || number > SLOTS_MAX)
		return param_refuse(reader, "parameter \"%s\": %s must be an integer from 1 to %lld, not %s",
			spec->name, what, (long long)SLOTS_MAX, param_describe(value, buf));
	*out = number;
	return 0;
}

static int unknown_member(struct param_reader *reader, const struct param_spec *spec, const struct json_span *name)
{
	char word[PARAM_SHOWN], buf[PARAM_SHOWN + 8];
	struct suggest suggest;

	if (!json_string_copy(name, word, sizeof(word), NULL))
		return param_refuse(
			reader, "parameter \"%s\": unknown member %s", spec->name, param_describe(name, buf));
	suggest_begin(&suggest, word);
	suggest_offer(&suggest, "count");
	suggest_offer(&suggest, "slots");
	return param_refuse(reader, "parameter \"%s\": unknown member \"%s\"%s%s%s", spec->name, word,
		suggest.best ? ": did you mean \"" : "", suggest.best ? suggest.best : "", suggest.best ? "\"?" : "");
}

/* What is said of one semaphore: a number, or {"count", "slots"}. */
static int read_what(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_permit *out)
{
	struct json_span name, member;
	size_t cursor = 0;

	if (value->kind != JSON_SPAN_OBJECT)
		return read_amount(reader, spec, "a number of permits", value, &out->count);
	while (json_next(value, &cursor, &name, &member) == 1) {
		bool is_count = json_string_is(&name, "count");

		if (!is_count && !json_string_is(&name, "slots"))
			return unknown_member(reader, spec, &name);
		if (read_amount(reader, spec, is_count ? "\"count\"" : "\"slots\"", &member,
			    is_count ? &out->count : &out->slots) < 0)
			return -1;
	}
	return 0;
}

static int read_one(struct param_reader *reader, const struct param_spec *spec, const struct json_span *name,
	const struct json_span *what, struct param_permit *out)
{
	*out = (struct param_permit){ .count = 1, .slots = -1 };
	if (name->kind != JSON_SPAN_STRING)
		return param_wrong_value(reader, spec, name);
	if (param_read_string(reader, spec, name, &out->name) < 0)
		return -1;
	if (param_check_name(reader, spec, out->name, strlen(out->name)) == 0 &&
		(!what || read_what(reader, spec, what, out) == 0))
		return 0;
	free(out->name);
	return -1;
}

int param_permits_read(struct param_reader *reader, const struct param_spec *spec, const struct json_span *value,
	struct param_permits *out)
{
	bool object = value->kind == JSON_SPAN_OBJECT, several = object || value->kind == JSON_SPAN_ARRAY;
	size_t count = several ? json_count(value) : 1, limit = spec->count ? spec->count : PARAM_STRINGS_LIMIT,
	       cursor = 0;
	struct json_span name = *value, item;

	if (!several && value->kind != JSON_SPAN_STRING)
		return param_wrong_value(reader, spec, value);
	if (count > limit)
		return param_refuse(
			reader, "parameter \"%s\" must have at most %zu semaphores, not %zu", spec->name, limit, count);
	out->permits = calloc(count ? count : 1, sizeof(out->permits[0]));
	if (!out->permits)
		return param_refuse(reader, "out of memory");
	for (; out->count < count; out->count++) {
		if (object)
			json_next(value, &cursor, &name, &item);
		else if (several)
			json_next(value, &cursor, NULL, &name);
		if (read_one(reader, spec, &name, object ? &item : NULL, &out->permits[out->count]) < 0)
			return -1;
	}
	return 0;
}

void param_permits_free(struct param_permits *permits)
{
	for (size_t i = 0; i < permits->count; i++)
		free(permits->permits[i].name);
	free(permits->permits);
	*permits = (struct param_permits){ 0 };
}
