/* Words of the command line as JSON: what parses is JSON, what does not is a string. So `taskctl call add 1 2` adds
 * numbers, and `taskctl call echo hello` needs no quotes within quotes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/taskctl.h"
#include "proto/json_scan.h"
#include "proto/strbuf.h"
#include "proto/utf8.h"

char *stream_read(FILE *in, size_t *length)
{
	struct strbuf sb = STRBUF_INIT;
	char chunk[65536];
	size_t got;

	while ((got = fread(chunk, 1, sizeof chunk, in)) > 0)
		strbuf_add(&sb, chunk, got);
	if (ferror(in)) {
		strbuf_free(&sb);
		return NULL;
	}
	strbuf_add(&sb, "", 0);
	if (!sb.data)
		strbuf_puts(&sb, "");
	return must(strbuf_take(&sb, length));
}

char *text_json(const char *text, size_t length)
{
	struct json_span value;
	struct json_error error;
	json_t *string;
	char *json;

	if (json_scan(text, length, &value, NULL, &error) == 0)
		return must(strndup(value.text, value.length));
	string = json_stringn(text, length);
	if (!string)
		return NULL;
	json = must(json_dumps(string, JSON_ENCODE_ANY));
	json_decref(string);
	return json;
}

char *argument_json(const struct taskctl *ctl, const char *word, bool from_stdin)
{
	bool reads = from_stdin && strcmp(word, "-") == 0;
	char *input = NULL, *json;
	size_t length = strlen(word);

	if (reads) {
		input = stream_read(stdin, &length);
		if (!input) {
			report(ctl, EXIT_FAILED, "system", NULL, "cannot read standard input: %s", strerror(errno));
			return NULL;
		}
		/* As $(command) does: the line's end is not part of what was said. */
		if (length > 0 && input[length - 1] == '\n')
			length--;
	}
	json = text_json(reads ? input : word, length);
	if (!json)
		report_usage(ctl, "wrap bytes that are not text in something that is, such as base64", "%s is not UTF-8",
			reads ? "standard input" : "an argument");
	free(input);
	return json;
}

static int add_option(const struct taskctl *ctl, struct strbuf *out, const char *text)
{
	struct json_span value;
	struct json_error error;

	if (json_scan(text, strlen(text), &value, NULL, &error) < 0)
		return report_usage(ctl, "--args takes a JSON array, [1, \"two\"], or an object, {\"n\": 30}",
			"--args: no JSON: %s at byte %zu", error.reason, error.offset);
	if (value.kind == JSON_SPAN_ARRAY)
		strbuf_add(out, value.text + 1, value.length - 2);
	else if (value.kind == JSON_SPAN_OBJECT)
		strbuf_add(out, value.text, value.length);
	else
		return report_usage(ctl, "give a single value as a word of its own", "--args: neither an array nor an object");
	return EXIT_FINE;
}

char *arguments_json(const struct taskctl *ctl, char *const *words, int n, const char *args_option)
{
	struct strbuf out = STRBUF_INIT;
	bool object = args_option && args_option[strspn(args_option, " \t\r\n")] == '{';
	bool stdin_read = false, first = true;

	if (object && n > 0) {
		report_usage(ctl, "put the words into the object, or make --args an array",
			"--args gives arguments by name, and there are %d by position too", n);
		return NULL;
	}
	if (!object)
		strbuf_puts(&out, "[");
	if (args_option) {
		size_t before = out.length;

		if (add_option(ctl, &out, args_option) != EXIT_FINE)
			goto fail;
		first = object || out.length == before || strspn(out.data + before, " \t\r\n") == out.length - before;
	}
	for (int i = 0; i < n; i++) {
		bool reads = strcmp(words[i], "-") == 0;
		char *json;

		if (reads && stdin_read) {
			report_usage(ctl, NULL, "standard input (-) can be read once only");
			goto fail;
		}
		stdin_read |= reads;
		json = argument_json(ctl, words[i], true);
		if (!json)
			goto fail;
		if (!first)
			strbuf_puts(&out, ",");
		first = false;
		strbuf_puts(&out, json);
		free(json);
	}
	if (!object)
		strbuf_puts(&out, "]");
	return must(strbuf_take(&out, NULL));
fail:
	strbuf_free(&out);
	return NULL;
}

char *params_with_args(const json_t *params, const char *args)
{
	char *text = must(json_dumps(params, JSON_COMPACT));
	struct strbuf out = STRBUF_INIT;

	strbuf_add(&out, text, strlen(text) - 1);
	strbuf_puts(&out, json_object_size(params) > 0 ? ",\"args\":" : "\"args\":");
	strbuf_puts(&out, args);
	strbuf_puts(&out, "}");
	free(text);
	return must(strbuf_take(&out, NULL));
}

bool text_is_utf8(const char *text)
{
	size_t left = strlen(text), length;

	for (; left > 0; text += length, left -= length) {
		length = (unsigned char)*text < 0x80 ? 1 : utf8_sequence(text, left);
		if (length == 0)
			return false;
	}
	return true;
}

bool id_is_valid(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 20 && !text[digits];
}

json_t *ids_json(const struct taskctl *ctl, char *const *ids, int n)
{
	json_t *all = must(json_array());

	for (int i = 0; i < n; i++) {
		if (!id_is_valid(ids[i])) {
			report_usage(ctl, "an id is the number that submit printed; \"taskctl list\" shows them",
				"\"%s\" is no task's id", ids[i]);
			json_decref(all);
			return NULL;
		}
		json_array_append_new(all, json_string(ids[i]));
	}
	return all;
}
