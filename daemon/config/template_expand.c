/* The arguments of a submission put into a template. What they say is text in its place and never anything else: it is
 * not cut into words, and a path does not become an option. */
#include "config/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "config/template_parts.h"
#include "proto/command.h"
#include "proto/json_scan.h"
#include "proto/suggest.h"

#define SHOWN 60
#define LIST_MAX 500000 /* elements; execve(2) would not take so many */

/* The texts that a parameter has: one, or those of a list. */
struct binding {
	bool given;
	char **texts;
	size_t n;
};
struct expansion {
	const struct template *template;
	struct binding *bindings; /* by parameter */
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct expansion *expansion, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(expansion->error, expansion->error_size, format, args);
	va_end(args);
	return -1;
}

/* --- what is given --- */

/* Text as it stands in its place; NULL: the value is no text. Numbers are taken where a string is wanted, since a command
 * line does not tell the two apart; not the other way round. */
static char *value_text(const struct parameter *parameter, const struct json_span *value)
{
	char *text;

	switch (value->kind) {
	case JSON_SPAN_STRING:
		if (parameter->type == PARAMETER_INTEGER || parameter->type == PARAMETER_NUMBER)
			return NULL;
		text = json_string_dup(value, NULL);
		return text ? text : xstrdup("");
	case JSON_SPAN_INTEGER:
	case JSON_SPAN_REAL:
	case JSON_SPAN_BOOL:
		return xstrndup(value->text, value->length);
	case JSON_NONE:
	case JSON_SPAN_NULL:
	case JSON_SPAN_ARRAY:
	case JSON_SPAN_OBJECT:
		break;
	}
	return NULL;
}

static const char *wanted_of(const struct parameter *parameter)
{
	switch (parameter->type) {
	case PARAMETER_STRING:
		return "a string";
	case PARAMETER_INTEGER:
		return "an integer";
	case PARAMETER_NUMBER:
		return "a number";
	case PARAMETER_PATH:
		return "a path";
	case PARAMETER_WORD:
		break;
	}
	return "a word";
}

static int bind_one(struct expansion *expansion, size_t index, const struct json_span *value)
{
	const struct parameter *parameter = &expansion->template->parameters[index];
	struct binding *binding = &expansion->bindings[index];
	char *text = value_text(parameter, value), reason[320];

	if (!text && parameter->secret)
		return refuse(expansion, "parameter \"%s\" must be %s", parameter->name, wanted_of(parameter));
	if (!text)
		return refuse(expansion, "parameter \"%s\" must be %s, not %.*s", parameter->name, wanted_of(parameter),
			value->length > SHOWN ? SHOWN : (int)value->length, value->text);
	binding->texts[binding->n++] = text;
	if (strlen(text) > COMMAND_ARG_LIMIT)
		return refuse(expansion, "parameter \"%s\" has %zu bytes: the kernel takes %u at most", parameter->name,
			strlen(text), COMMAND_ARG_LIMIT);
	if (parameter_check(parameter, text, reason, sizeof(reason)) == 0)
		return 0;
	return parameter->secret ? refuse(expansion, "parameter \"%s\" must be %s", parameter->name, wanted_of(parameter))
				 : refuse(expansion, "parameter \"%s\" must be %s", parameter->name, reason);
}

/* To a list goes all of an array that is LEFT behind CURSOR. */
static int bind_rest(struct expansion *expansion, size_t index, const struct json_span *array, size_t cursor, size_t left)
{
	struct binding *binding = &expansion->bindings[index];
	struct json_span value;

	if (left > LIST_MAX)
		return refuse(expansion, "parameter \"%s\" must have at most %d elements, not %zu",
			expansion->template->parameters[index].name, LIST_MAX, left);
	binding->given = true;
	binding->texts = xcalloc(left + 1, sizeof(binding->texts[0]));
	while (json_next(array, &cursor, NULL, &value))
		if (bind_one(expansion, index, &value) < 0)
			return -1;
	return 0;
}

/* The value of one parameter; null is as absent. */
static int bind(struct expansion *expansion, size_t index, const struct json_span *value)
{
	const struct parameter *parameter = &expansion->template->parameters[index];
	struct binding *binding = &expansion->bindings[index];

	if (binding->given)
		return refuse(expansion, "parameter \"%s\" is given twice", parameter->name);
	if (value->kind == JSON_SPAN_NULL)
		return 0;
	if (parameter->list && value->kind == JSON_SPAN_ARRAY)
		return bind_rest(expansion, index, value, 0, json_count(value));
	binding->given = true;
	binding->texts = xcalloc(1, sizeof(binding->texts[0]));
	return bind_one(expansion, index, value);
}

static int unknown(struct expansion *expansion, const char *name)
{
	const struct template *template = expansion->template;
	struct suggest suggest;

	suggest_begin(&suggest, name);
	for (size_t i = 0; i < template->n_parameters; i++)
		suggest_offer(&suggest, template->parameters[i].name);
	if (suggest.best)
		return refuse(expansion, "unknown parameter \"%.*s\": did you mean \"%s\"?", SHOWN, name, suggest.best);
	return refuse(expansion, "unknown parameter \"%.*s\"%s", SHOWN, name,
		template->n_parameters == 0 ? ": this command takes none" : "");
}

static int bind_object(struct expansion *expansion, const struct json_span *object)
{
	struct json_span name, value;
	char word[SHOWN * 2];
	size_t cursor = 0, length = 0;

	while (json_next(object, &cursor, &name, &value)) {
		if (!json_string_copy(&name, word, sizeof(word), &length))
			return refuse(expansion, "unknown parameter %.*s…", SHOWN, name.text);
		long index = parameter_find(expansion->template, word, length);
		if (index < 0)
			return unknown(expansion, word);
		if (bind(expansion, (size_t)index, &value) < 0)
			return -1;
	}
	return 0;
}

static int bind_array(struct expansion *expansion, const struct json_span *array)
{
	const struct template *template = expansion->template;
	size_t count = json_count(array), cursor = 0;
	struct json_span value;

	for (size_t i = 0; i < count; i++) {
		if (i == template->n_parameters)
			return refuse(expansion, "%zu arguments are too many: there are %zu at most", count, i);
		if (template->parameters[i].list)
			return bind_rest(expansion, i, array, cursor, count - i);
		json_next(array, &cursor, NULL, &value);
		if (bind(expansion, i, &value) < 0)
			return -1;
	}
	return 0;
}

/* Arguments may be an array of one such array or object: so is an item of a map. */
static int bind_all(struct expansion *expansion, const struct json_span *args)
{
	struct json_span inner = *args;
	size_t cursor = 0;

	if (args->kind == JSON_SPAN_ARRAY && json_count(args) == 1) {
		json_next(args, &cursor, NULL, &inner);
		if (inner.kind != JSON_SPAN_ARRAY && inner.kind != JSON_SPAN_OBJECT)
			inner = *args;
	}
	if (inner.kind == JSON_SPAN_OBJECT)
		return bind_object(expansion, &inner);
	return inner.kind == JSON_SPAN_ARRAY ? bind_array(expansion, &inner) : 0;
}

/* Defaults, and what is missing. */
static int bind_absent(struct expansion *expansion)
{
	for (size_t i = 0; i < expansion->template->n_parameters; i++) {
		const struct parameter *parameter = &expansion->template->parameters[i];
		struct binding *binding = &expansion->bindings[i];
		if (binding->given && (binding->n > 0 || parameter->optional))
			continue;
		if (!parameter->optional)
			return refuse(expansion, "parameter \"%s\" is %s", parameter->name, binding->given ? "empty" : "missing");
		if (!parameter->initial)
			continue;
		binding->texts = xcalloc(1, sizeof(binding->texts[0]));
		binding->texts[binding->n++] = xstrdup(parameter->initial);
	}
	return 0;
}

/* --- what becomes of it --- */

/* A path that begins with a dash would be an option, were it the beginning of its word. */
static void place_add(struct strbuf *plain, const struct parameter *parameter, const char *text)
{
	if (parameter->type == PARAMETER_PATH && text[0] == '-' && plain->length == 0)
		strbuf_puts(plain, "./");
	strbuf_puts(plain, text);
}

static void word_add(struct expansion *expansion, struct strbuf *out, const struct word *word)
{
	struct strbuf plain = STRBUF_INIT;

	strbuf_puts(&plain, "");
	for (size_t i = 0; i < word->n_pieces; i++) {
		const struct piece *piece = &word->pieces[i];
		if (piece->text)
			strbuf_puts(&plain, piece->text);
		else
			place_add(&plain, &expansion->template->parameters[piece->parameter],
				expansion->bindings[piece->parameter].texts[0]);
	}
	strbuf_json_string(out, plain.data, plain.length);
	strbuf_free(&plain);
}

static void list_add(struct expansion *expansion, struct strbuf *out, size_t index)
{
	const struct binding *binding = &expansion->bindings[index];
	struct strbuf plain = STRBUF_INIT;

	for (size_t i = 0; i < binding->n; i++) {
		strbuf_reset(&plain);
		strbuf_puts(&plain, "");
		place_add(&plain, &expansion->template->parameters[index], binding->texts[i]);
		strbuf_puts(out, ",");
		strbuf_json_string(out, plain.data, plain.length);
	}
	strbuf_free(&plain);
}

static bool word_is_secret(const struct template *template, const struct word *word)
{
	bool secret = false;

	for (size_t i = 0; i < word->n_pieces; i++)
		secret |= !word->pieces[i].text && template->parameters[word->pieces[i].parameter].secret;
	return secret;
}

/* Their places, before all else: see command_hide. */
static void secrets_add(struct expansion *expansion, struct strbuf *out)
{
	const struct template *template = expansion->template;
	size_t place = 0;
	bool any = false;

	for (size_t i = 0; i < template->n_argv; i++) {
		const struct word *word = &template->argv[i];
		size_t n = word->list ? expansion->bindings[word->pieces[0].parameter].n : 1;
		for (size_t k = 0; k < n && word_is_secret(template, word); k++, any = true)
			strbuf_printf(out, "%s%zu", any ? "," : "\"secret\":[", place + k);
		place += n;
	}
	strbuf_puts(out, any ? "]," : "");
}

static void exec_add(struct expansion *expansion, struct strbuf *out)
{
	const struct template *template = expansion->template;

	strbuf_puts(out, "{");
	secrets_add(expansion, out);
	strbuf_puts(out, "\"argv\":[");
	for (size_t i = 0; i < template->n_argv; i++) {
		const struct word *word = &template->argv[i];
		if (word->list) {
			list_add(expansion, out, word->pieces[0].parameter);
			continue;
		}
		strbuf_puts(out, i > 0 ? "," : "");
		word_add(expansion, out, word);
	}
	strbuf_puts(out, "]");
	if (template->cwd.n_pieces > 0) {
		strbuf_puts(out, ",\"cwd\":");
		word_add(expansion, out, &template->cwd);
	}
	for (size_t i = 0; i < template->n_env; i++) {
		strbuf_puts(out, i > 0 ? "," : ",\"env\":{");
		strbuf_json_string(out, template->env[i].name, strlen(template->env[i].name));
		strbuf_puts(out, ":");
		word_add(expansion, out, &template->env[i].value);
	}
	strbuf_puts(out, template->n_env > 0 ? "}" : "");
	if (template->stdin_file.n_pieces > 0) {
		strbuf_puts(out, ",\"stdin_file\":");
		word_add(expansion, out, &template->stdin_file);
	}
	strbuf_printf(out, "%s}", template->fixed);
}

/* Whether exec would take it: words may have become too long. */
static int check(struct expansion *expansion, const struct strbuf *out, size_t start)
{
	struct command_params params;
	struct json_span args;

	if (strbuf_failed(out))
		return refuse(expansion, "out of memory");
	if (json_scan(out->data + start, out->length - start, &args, NULL, NULL) < 0)
		return refuse(expansion, "the configuration's texts are not UTF-8");
	if (command_read(&args, &params, expansion->error, expansion->error_size) < 0)
		return -1;
	command_free(&params);
	return 0;
}

static void bindings_free(struct expansion *expansion)
{
	for (size_t i = 0; i < expansion->template->n_parameters; i++) {
		for (size_t k = 0; k < expansion->bindings[i].n; k++)
			free(expansion->bindings[i].texts[k]);
		free(expansion->bindings[i].texts);
	}
	free(expansion->bindings);
}

int template_expand(const struct template *template, const struct json_span *args, struct strbuf *out, char *error,
	size_t error_size)
{
	struct expansion expansion = {
		.template = template,
		.bindings = xcalloc(template->n_parameters + 1, sizeof(struct binding)),
		.error = error,
		.error_size = error_size,
	};
	size_t start = out->length;
	int result = bind_all(&expansion, args);

	if (result == 0)
		result = bind_absent(&expansion);
	if (result == 0) {
		exec_add(&expansion, out);
		result = check(&expansion, out, start);
	}
	bindings_free(&expansion);
	return result;
}
