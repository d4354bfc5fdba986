/* The parameters of a [command]: what each may be, and whether a text is that. A default is held to the same as what comes
 * with a submission. */
#include "config/template_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "proto/json_scan.h"
#include "proto/suggest.h"

#define SHOWN 60

static const char *const type_names[] = {
	[PARAMETER_STRING] = "string",
	[PARAMETER_INTEGER] = "integer",
	[PARAMETER_NUMBER] = "number",
	[PARAMETER_PATH] = "path",
};
#define N_TYPE_NAMES (sizeof(type_names) / sizeof(type_names[0]))

/* --- values --- */

static bool is_number(const char *text, bool whole)
{
	struct json_span value;

	if (json_scan(text, strlen(text), &value, NULL, NULL) < 0 || value.length != strlen(text))
		return false;
	return value.kind == JSON_SPAN_INTEGER || (value.kind == JSON_SPAN_REAL && !whole);
}

static int word_check(const struct parameter *parameter, const char *text, char *error, size_t error_size)
{
	struct suggest suggest;
	size_t used = 0;
	char words[256] = "";

	suggest_begin(&suggest, text);
	for (char **word = parameter->words; *word; word++) {
		if (strcmp(*word, text) == 0)
			return 0;
		suggest_offer(&suggest, *word);
		if (used < sizeof(words))
			used += (size_t)snprintf(words + used, sizeof(words) - used, "%s\"%s\"", used ? ", " : "", *word);
	}
	snprintf(error, error_size, "one of %s, not \"%.*s\"%s%s%s", words, SHOWN, text,
		suggest.best ? ": did you mean \"" : "", suggest.best ? suggest.best : "", suggest.best ? "\"?" : "");
	return -1;
}

int parameter_check(const struct parameter *parameter, const char *text, char *error, size_t error_size)
{
	const char *wanted = NULL;

	switch (parameter->type) {
	case PARAMETER_STRING:
		break;
	case PARAMETER_INTEGER:
		wanted = is_number(text, true) ? NULL : "an integer";
		break;
	case PARAMETER_NUMBER:
		wanted = is_number(text, false) ? NULL : "a number";
		break;
	case PARAMETER_PATH:
		wanted = *text ? NULL : "a path";
		break;
	case PARAMETER_WORD:
		return word_check(parameter, text, error, error_size);
	}
	if (!wanted)
		return 0;
	snprintf(error, error_size, "%s, not \"%.*s\"", wanted, SHOWN, text);
	return -1;
}

/* --- the key's text --- */

static bool name_is_sound(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return *name && (*name < '0' || *name > '9') && strspn(name, letters) == strlen(name);
}

static char *words_parse(struct parameter *parameter, char *text)
{
	char *word;
	size_t n = 0;

	parameter->type = PARAMETER_WORD;
	parameter->words = xcalloc(strlen(text) + 2, sizeof(parameter->words[0]));
	while ((word = strsep(&text, "|"))) {
		for (size_t i = 0; i < n; i++)
			if (strcmp(parameter->words[i], word) == 0)
				return xasprintf("%s: the word %s is there twice", parameter->name, word);
		if (!*word)
			return xasprintf("%s: an empty word beside a |", parameter->name);
		parameter->words[n++] = xstrdup(word);
	}
	return NULL;
}

static char *type_parse(struct parameter *parameter, char *text)
{
	struct suggest suggest;
	size_t length = strlen(text);

	if (strchr(text, '|'))
		return words_parse(parameter, text);
	parameter->list = length > 3 && strcmp(text + length - 3, "...") == 0;
	if (parameter->list)
		text[length - 3] = '\0';
	suggest_begin(&suggest, text);
	for (size_t i = 0; i < N_TYPE_NAMES; i++) {
		suggest_offer(&suggest, type_names[i]);
		if (strcmp(type_names[i], text) != 0)
			continue;
		parameter->type = (enum parameter_type)i;
		if (parameter->list && parameter->type != PARAMETER_STRING && parameter->type != PARAMETER_PATH)
			return xasprintf("%s: a list has the type string... or path...", parameter->name);
		return NULL;
	}
	if (suggest.best)
		return xasprintf("%s: %s is no type; did you mean %s?", parameter->name, text, suggest.best);
	return xasprintf("%s: %s is no type; there are string, integer, number, path, and words with | between them",
		parameter->name, text);
}

/* A list of which nothing is said after the "=" may be empty. */
static char *initial_parse(struct parameter *parameter, const char *text)
{
	char reason[320];

	parameter->optional = true;
	if (parameter->list && !*text)
		return NULL;
	if (parameter_check(parameter, text, reason, sizeof(reason)) < 0)
		return xasprintf("%s: its default must be %s", parameter->name, reason);
	parameter->initial = xstrdup(text);
	return NULL;
}

/* "NAME:TYPE=DEFAULT", which is written into. */
static char *parameter_parse(struct parameter *parameter, char *text)
{
	char *initial = strchr(text, '='), *type, *error = NULL;

	if (initial)
		*initial++ = '\0';
	type = strchr(text, ':');
	if (type)
		*type++ = '\0';
	if (!name_is_sound(text))
		return xasprintf("\"%s\" is no name of a parameter: it has letters, digits and _", text);
	parameter->name = xstrdup(text);
	if (type)
		error = type_parse(parameter, type);
	return !error && initial ? initial_parse(parameter, initial) : error;
}

/* What can only be said beside the others: all of them up to the one that was added last. */
static char *order_check(const struct template *template)
{
	const struct parameter *last = &template->parameters[template->n_parameters - 1];

	for (const struct parameter *other = template->parameters; other < last; other++) {
		if (strcmp(other->name, last->name) == 0)
			return xasprintf("%s is there twice", last->name);
		if (other->list)
			return xasprintf("%s is a list: it comes last", other->name);
		if (other->optional && !last->optional && !last->list)
			return xasprintf("%s has no default, and comes behind %s, which has one", last->name, other->name);
	}
	return NULL;
}

char *parameters_parse(struct template *template, const char *text)
{
	char *error = NULL;
	size_t n;
	char **words = words_split(text, false, &n, &error);

	if (!words)
		return error;
	template->parameters = xcalloc(n + 1, sizeof(template->parameters[0]));
	for (size_t i = 0; i < n && !error; i++) {
		error = parameter_parse(&template->parameters[template->n_parameters++], words[i]);
		if (!error)
			error = order_check(template);
	}
	words_free(words);
	return error;
}

void parameters_free(struct template *template)
{
	for (size_t i = 0; i < template->n_parameters; i++) {
		free(template->parameters[i].name);
		free(template->parameters[i].initial);
		words_free(template->parameters[i].words);
	}
	free(template->parameters);
}

long parameter_find(const struct template *template, const char *name, size_t length)
{
	for (size_t i = 0; i < template->n_parameters; i++)
		if (strlen(template->parameters[i].name) == length && memcmp(template->parameters[i].name, name, length) == 0)
			return (long)i;
	return -1;
}

/* --- for people --- */

static void parameter_show(const struct parameter *parameter, struct strbuf *out)
{
	strbuf_printf(out, "%s: ", parameter->name);
	if (parameter->type == PARAMETER_WORD)
		for (char **word = parameter->words; *word; word++)
			strbuf_printf(out, "%s%s", word == parameter->words ? "" : "|", *word);
	else
		strbuf_printf(out, "%s%s", type_names[parameter->type], parameter->list ? "..." : "");
	if (parameter->initial)
		strbuf_printf(out, " = %s", *parameter->initial ? parameter->initial : "\"\"");
	else if (parameter->optional)
		strbuf_puts(out, " = none");
}

void parameters_show(const struct template *template, struct strbuf *out)
{
	strbuf_puts(out, "");
	for (size_t i = 0; i < template->n_parameters; i++) {
		strbuf_puts(out, i > 0 ? ", " : "");
		parameter_show(&template->parameters[i], out);
	}
}
