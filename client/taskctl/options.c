/* The values of options: each type's own reading, and what is said of a word that will not do. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/command.h"
#include "client/taskctl/taskctl.h"
#include "proto/suggest.h"
#include "proto/units.h"

static int will_not_do(const struct taskctl *ctl, const struct option_spec *spec, const char *text, const char *hint)
{
	return report_usage(ctl, hint, "--%s: \"%s\" will not do", spec->name, text);
}

static int set_integer(
	const struct taskctl *ctl, const struct option_spec *spec, const char *text, struct option_integer *out)
{
	long long value;
	char hint[96], *end;

	value = strtoll(text, &end, 10);
	if (end == text || *end || value < spec->min || value > spec->max) {
		snprintf(hint, sizeof hint, "an integer from %lld to %lld", (long long)spec->min, (long long)spec->max);
		return will_not_do(ctl, spec, text, hint);
	}
	*out = (struct option_integer){ .given = true, .value = value };
	return EXIT_FINE;
}

static int set_number(
	const struct taskctl *ctl, const struct option_spec *spec, const char *text, struct option_number *out)
{
	char hint[96], *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value) || value < (double)spec->min || value > (double)spec->max) {
		snprintf(hint, sizeof hint, "a number from %lld to %lld", (long long)spec->min, (long long)spec->max);
		return will_not_do(ctl, spec, text, hint);
	}
	*out = (struct option_number){ .given = true, .value = value };
	return EXIT_FINE;
}

static int set_size(
	const struct taskctl *ctl, const struct option_spec *spec, const char *text, struct option_integer *out)
{
	if (units_parse_size(text, &out->value) < 0)
		return report_usage(ctl, "write it like 64M, 10k or 4096", "--%s: \"%s\" is no size", spec->name, text);
	out->given = true;
	return EXIT_FINE;
}

static int set_duration(const struct taskctl *ctl, const struct option_spec *spec, const char *text, int64_t *out)
{
	bool zero_too = spec->type == OPTION_SPAN;

	if (units_parse_duration(text, out) < 0 || (*out == 0 && !zero_too))
		return report_usage(ctl,
			zero_too ? "write it like 30s, 1.5h or 250ms"
				 : "write it like 30s, 1.5h or 250ms, and more than 0",
			"--%s: \"%s\" is no duration", spec->name, text);
	return EXIT_FINE;
}

static int set_word(const struct taskctl *ctl, const struct option_spec *spec, const char *text, int *out)
{
	struct suggest suggest;
	char hint[512];
	int length = 0;

	suggest_begin(&suggest, text);
	for (int i = 0; spec->words[i]; i++) {
		if (strcmp(spec->words[i], text) == 0) {
			*out = i + 1;
			return EXIT_FINE;
		}
		suggest_offer(&suggest, spec->words[i]);
	}
	if (suggest.best) {
		snprintf(hint, sizeof hint, "did you mean %s?", suggest.best);
	} else {
		length = snprintf(hint, sizeof hint, "one of");
		for (int i = 0; spec->words[i] && length < (int)sizeof hint; i++)
			length += snprintf(
				hint + length, sizeof hint - (size_t)length, "%s %s", i > 0 ? "," : "", spec->words[i]);
	}
	return will_not_do(ctl, spec, text, hint);
}

static int add_item(struct option_list *list, char *item)
{
	list->items = must(reallocarray(list->items, (size_t)list->n + 1, sizeof *list->items));
	list->items[list->n++] = must(item);
	return EXIT_FINE;
}

/* "a,b" is two items; where the option has words, each must be one of them. */
static int add_items(
	const struct taskctl *ctl, const struct option_spec *spec, const char *text, struct option_list *list)
{
	int ignored, status;

	for (;;) {
		size_t length = strcspn(text, ",");
		char *item = strndup(text, length);

		add_item(list, item);
		status = spec->words ? set_word(ctl, spec, item, &ignored) : EXIT_FINE;
		if (status != EXIT_FINE || !text[length])
			return status;
		text += length + 1;
	}
}

int option_set(const struct taskctl *ctl, const struct option_spec *spec, void *values, const char *text)
{
	void *value = (char *)values + spec->offset;

	/* A path may be any bytes; all else goes into JSON. */
	if (text && spec->complete != COMPLETE_FILE && !text_is_utf8(text))
		return report_usage(ctl, NULL, "--%s: what it was given is not UTF-8", spec->name);
	switch (spec->type) {
	case OPTION_FLAG:
		*(bool *)value = true;
		return EXIT_FINE;
	case OPTION_TEXT:
		*(const char **)value = text;
		return EXIT_FINE;
	case OPTION_INTEGER:
		return set_integer(ctl, spec, text, value);
	case OPTION_NUMBER:
		return set_number(ctl, spec, text, value);
	case OPTION_SIZE:
		return set_size(ctl, spec, text, value);
	case OPTION_DURATION:
		return set_duration(ctl, spec, text, value);
	case OPTION_SPAN:
		((struct option_integer *)value)->given = true;
		return set_duration(ctl, spec, text, &((struct option_integer *)value)->value);
	case OPTION_WORD:
		return set_word(ctl, spec, text, value);
	case OPTION_LIST:
		return add_items(ctl, spec, text, value);
	case OPTION_ITEMS:
		return add_item(value, strdup(text));
	}
	return EXIT_FINE;
}

void options_free(const struct option_spec *specs, void *values)
{
	for (const struct option_spec *s = specs; s && s->name; s++) {
		struct option_list *list = (struct option_list *)(void *)((char *)values + s->offset);

		if (s->type != OPTION_LIST && s->type != OPTION_ITEMS)
			continue;
		for (int i = 0; i < list->n; i++)
			free(list->items[i]);
		free(list->items);
	}
}
