/* What a key takes, by its type. A mistake is answered with what would have been right. */
#include "config/value.h"

#include "base/xmalloc.h"
#include "proto/suggest.h"
#include "proto/units.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMANDS_LEAST 4 /* who waits for a command is not a CPU */

static char **string_of(void *target, const struct config_key *key)
{
	return (char **)(void *)((char *)target + key->offset);
}

static int64_t *number_of(void *target, const struct config_key *key)
{
	return (int64_t *)(void *)((char *)target + key->offset);
}

int64_t config_value_auto(bool commands)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
	int64_t least = commands ? COMMANDS_LEAST : 1;
	return n < least ? least : n < CONFIG_PROCESSES_LIMIT ? n : CONFIG_PROCESSES_LIMIT;
}

static int whole_number(const char *text, int base, int64_t *number)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, base);
	if (end == text || *end || errno || text[0] == ' ' || text[0] == '+')
		return -1;
	*number = value;
	return 0;
}

/* What is told when TEXT is none of the words of KEY. */
static char *enum_error(const struct config_key *key, const char *text)
{
	struct suggest suggest;
	char *words = xstrdup("");
	suggest_begin(&suggest, text);
	for (const char *const *word = key->words; *word; word++) {
		suggest_offer(&suggest, *word);
		char *more = xasprintf("%s%s%s", words, *words ? ", " : "", *word);
		free(words);
		words = more;
	}
	char *error = suggest.best ? xasprintf("%s is not one of %s; did you mean %s?", text, words, suggest.best)
				   : xasprintf("%s is not one of %s", text, words);
	free(words);
	return error;
}

static char *bound_text(const struct config_key *key, int64_t value)
{
	char text[UNITS_TEXT_SIZE];
	switch (key->type) {
	case CONFIG_DURATION:
		units_format_duration(value, text);
		return xstrdup(text);
	case CONFIG_SIZE:
		units_format_size(value, text);
		return xstrdup(text);
	case CONFIG_OCTAL:
		return xasprintf("%04" PRIo64, (uint64_t)value);
	case CONFIG_INT:
	case CONFIG_DECIMAL:
	case CONFIG_PROCESSES:
	case CONFIG_STRING:
	case CONFIG_ENUM:
		break;
	}
	return xasprintf("%" PRId64, value);
}

static const char *none_word(const struct config_key *key)
{
	return key->none_word ? key->none_word : "none";
}

static char *bounds_error(const struct config_key *key, const char *text)
{
	char *min = bound_text(key, key->min), *max = bound_text(key, key->max);
	char *error = xasprintf("%s is out of bounds: %s to %s%s%s", text, min, max, key->takes_none ? ", or " : "",
		key->takes_none ? none_word(key) : "");
	free(min);
	free(max);
	return error;
}

static char *bounds_check(const struct config_key *key, const char *text, int64_t value)
{
	if ((key->min || key->max) && (value < key->min || value > key->max))
		return bounds_error(key, text);
	if (key->step && value % key->step) {
		char *step = bound_text(key, key->step);
		char *error = xasprintf("%s is not a multiple of %s", text, step);
		free(step);
		return error;
	}
	return NULL;
}

/* TEXT as a number of KEY's type, where it is one; else what would be one. */
static const char *number_parse(const struct config_key *key, const char *text, int64_t *value)
{
	switch (key->type) {
	case CONFIG_INT:
		return whole_number(text, 10, value) == 0 ? NULL : "a whole number";
	case CONFIG_OCTAL:
		return whole_number(text, 8, value) == 0 ? NULL : "an octal number such as 0660";
	case CONFIG_DURATION:
		return units_parse_duration(text, value) == 0 ? NULL : "a duration such as 30s, 5m or 250ms";
	case CONFIG_SIZE:
		return units_parse_size(text, value) == 0 ? NULL : "a size such as 64M or 4096";
	case CONFIG_PROCESSES:
		return whole_number(text, 10, value) == 0 ? NULL : "a whole number or auto";
	case CONFIG_DECIMAL:
	case CONFIG_STRING:
	case CONFIG_ENUM:
		break;
	}
	return "a number";
}

static char *enum_set(void *target, const struct config_key *key, const char *text)
{
	for (size_t i = 0; key->words[i]; i++)
		if (strcmp(key->words[i], text) == 0) {
			*number_of(target, key) = key->values ? key->values[i] : (int64_t)i;
			return NULL;
		}
	return enum_error(key, text);
}

static char *string_set(void *target, const struct config_key *key, const char *text)
{
	if (key->absolute && text[0] != '/')
		return xasprintf("%s does not begin with a slash", text);
	char **string = string_of(target, key);
	free(*string);
	*string = xstrdup(text);
	return NULL;
}

static char *decimal_set(void *target, const struct config_key *key, const char *text)
{
	double value = (double)key->none;
	if (!key->takes_none || strcmp(text, "none") != 0) {
		char *end;
		value = strtod(text, &end);
		/* strtod knows hexadecimal ones, inf and nan, too. */
		if (text[strspn(text, "0123456789.")] || *end)
			return xasprintf("%s is not a number such as 10 or 0.5%s", text, key->takes_none ? ", or none" : "");
		if (value < (double)key->min || value > (double)key->max)
			return bounds_error(key, text);
	}
	*(double *)(void *)((char *)target + key->offset) = value;
	return NULL;
}

char *config_value_set(void *target, const struct config_key *key, const char *text)
{
	if (!*text)
		return xstrdup("its value is missing");
	if (key->type == CONFIG_STRING)
		return string_set(target, key, text);
	if (key->type == CONFIG_ENUM)
		return enum_set(target, key, text);
	if (key->type == CONFIG_DECIMAL)
		return decimal_set(target, key, text);
	if (key->takes_none && strcmp(text, none_word(key)) == 0) {
		*number_of(target, key) = key->none;
		return NULL;
	}
	if (key->type == CONFIG_PROCESSES && strcmp(text, "auto") == 0) {
		*number_of(target, key) = 0;
		return NULL;
	}
	int64_t value;
	const char *wanted = number_parse(key, text, &value);
	if (wanted)
		return xasprintf("%s is not %s%s%s", text, wanted, key->takes_none ? ", or " : "",
			key->takes_none ? none_word(key) : "");
	char *error = bounds_check(key, text, value);
	if (!error)
		*number_of(target, key) = value;
	return error;
}

void config_value_defaults(void *target, const char *section)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(key->section, section) != 0 || !key->initial)
			continue;
		char *error = config_value_set(target, key, key->initial);
		assert(!error);
		free(error);
	}
}

void config_value_free(void *target, const char *section)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].section, section) == 0 && config_keys[i].type == CONFIG_STRING)
			free(*string_of(target, &config_keys[i]));
}

bool config_value_equal(const void *a, const void *b, const struct config_key *key)
{
	const char *at_a = (const char *)a + key->offset, *at_b = (const char *)b + key->offset;
	if (key->type != CONFIG_STRING)
		return memcmp(at_a, at_b, sizeof(int64_t)) == 0; /* or of a double, which is as large */
	const char *one, *other;
	memcpy(&one, at_a, sizeof(one));
	memcpy(&other, at_b, sizeof(other));
	return one == other || (one && other && strcmp(one, other) == 0);
}
