/* A command line for people: in listings, in the log, in `ps`-like output. What it is made of is a stranger's: it is kept
 * short without reading all of it, and a terminal does nothing else with it than show it. */
#include "proto/command.h"

#include <stdio.h>
#include <string.h>

#include "proto/strbuf.h"
#include "proto/utf8.h"

#define WORD_ROOM 1536 /* unescaped; more than is shown of it */

struct line {
	char text[COMMAND_TEXT_LIMIT + 1];
	size_t length;
	bool full; /* something did not fit */
};

static void add(struct line *line, const char *text, size_t length)
{
	if (line->full || length > sizeof(line->text) - line->length) {
		line->full = true;
		return;
	}
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

/* So that nothing is cut that would have fitted, there is a byte too many in the buffer. */
static void finish(struct line *line, struct strbuf *out)
{
	static const char dots[] = "…";

	if (line->full || line->length > COMMAND_TEXT_LIMIT) {
		size_t length = line->length;
		while (length > COMMAND_TEXT_LIMIT - strlen(dots) || (length < line->length && (line->text[length] & 0xc0) == 0x80))
			length--;
		strbuf_add(out, line->text, length);
		strbuf_puts(out, dots);
		return;
	}
	strbuf_add(out, line->text, line->length);
}

/* --- single characters --- */

/* C0, DEL, C1, and what turns the direction of writing, so that one word could pass for another. */
static bool is_control(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
		(code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static unsigned decode(const char *p, size_t n)
{
	unsigned code = n == 1 ? (unsigned char)p[0] : (unsigned char)p[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	return code;
}

/* How many bytes the character at P has; the text has passed the scanner. */
static size_t character(const char *p, size_t left, unsigned *code)
{
	size_t n = (unsigned char)*p < 0x80 ? 1 : utf8_sequence(p, left);

	if (n == 0)
		n = 1;
	*code = decode(p, n);
	return n;
}

/* As $'…' of a shell has it. */
static void add_escaped(struct line *line, unsigned code)
{
	static const char letters[] = "abtnvfr"; /* from \a on */
	char text[16];
	int length;

	if (code >= '\a' && code <= '\r')
		length = snprintf(text, sizeof(text), "\\%c", letters[code - '\a']);
	else if (code < 0x80)
		length = snprintf(text, sizeof(text), "\\x%02x", code);
	else
		length = snprintf(text, sizeof(text), "\\u%04x", code);
	add(line, text, (size_t)length);
}

/* --- words --- */

enum quoting { QUOTING_NONE, QUOTING_SINGLE, QUOTING_ESCAPES };

static enum quoting quoting_of(const char *word, size_t length)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-";
	enum quoting quoting = length > 0 ? QUOTING_NONE : QUOTING_SINGLE;
	unsigned code;

	for (size_t i = 0; i < length; i += character(word + i, length - i, &code)) {
		character(word + i, length - i, &code);
		if (is_control(code))
			return QUOTING_ESCAPES;
		if (code < 0x80 && !strchr(plain, (int)code))
			quoting = QUOTING_SINGLE;
	}
	return quoting;
}

/* One character within quotes, or outside. */
static void add_character(struct line *line, const char *p, size_t n, unsigned code, enum quoting quoting)
{
	switch (quoting) {
	case QUOTING_NONE:
		break;
	case QUOTING_SINGLE:
		if (code == '\'') {
			add(line, "'\\''", 4);
			return;
		}
		break;
	case QUOTING_ESCAPES:
		if (is_control(code)) {
			add_escaped(line, code);
			return;
		}
		if (code == '\'' || code == '\\')
			add(line, "\\", 1);
		break;
	}
	add(line, p, n);
}

static void add_word(struct line *line, const char *word, size_t length)
{
	enum quoting quoting = quoting_of(word, length);
	unsigned code;
	size_t n;

	add(line, "$'", quoting == QUOTING_ESCAPES ? 2 : 0);
	add(line, "'", quoting == QUOTING_SINGLE ? 1 : 0);
	for (size_t i = 0; i < length && !line->full; i += n) {
		n = character(word + i, length - i, &code);
		add_character(line, word + i, n, code, quoting);
	}
	add(line, "'", quoting != QUOTING_NONE ? 1 : 0);
}

/* A line of the shell, or one that was made here before: as it is, but for what a terminal would act on. */
static void add_line(struct line *line, const char *text, size_t length)
{
	unsigned code;
	size_t n;

	for (size_t i = 0; i < length && !line->full; i += n) {
		n = character(text + i, length - i, &code);
		if (is_control(code))
			add_escaped(line, code);
		else
			add(line, text + i, n);
	}
}

/* The beginning of a string, unescaped; it may be of many megabytes. What does not fit is more than is shown. */
static size_t unescape_start(const struct json_span *string, char room[WORD_ROOM])
{
	const char *p = string->text + 1, *end = string->text + string->length - 1;
	size_t length = 0;

	while (p < end && p - string->text < WORD_ROOM - 32) {
		size_t n = 1;
		if (p[0] == '\\')
			n = p[1] != 'u' ? 2 : (p[2] | 0x20) == 'd' && p[3] >= '8' ? 12 : 6;
		else if ((unsigned char)p[0] >= 0x80)
			n = utf8_sequence(p, (size_t)(end - p));
		if (n == 0 || n > (size_t)(end - p))
			break;
		p += n;
	}
	const struct json_span start = { string->text, (size_t)(p - string->text) + 1, JSON_SPAN_STRING };
	return json_string_copy(&start, room, WORD_ROOM, &length) ? length : 0;
}

/* --- what is told --- */

/* Which of the words that can be shown are not to be. */
static void read_secrets(const struct json_span *list, bool secret[COMMAND_TEXT_LIMIT])
{
	struct json_span item;
	long long place;
	size_t cursor = 0;

	while (list->kind == JSON_SPAN_ARRAY && json_next(list, &cursor, NULL, &item))
		if (json_integer(&item, &place) && place >= 0 && place < COMMAND_TEXT_LIMIT)
			secret[place] = true;
}

static bool add_argv(struct line *line, const struct json_span *argv, const struct json_span *secrets)
{
	bool secret[COMMAND_TEXT_LIMIT] = { false };
	char word[WORD_ROOM];
	struct json_span item;
	size_t cursor = 0, n = 0;

	read_secrets(secrets, secret);
	for (; argv->kind == JSON_SPAN_ARRAY && !line->full && json_next(argv, &cursor, NULL, &item); n++) {
		if (item.kind != JSON_SPAN_STRING)
			return false;
		add(line, " ", n > 0 ? 1 : 0);
		if (n < COMMAND_TEXT_LIMIT && secret[n])
			add(line, "***", 3);
		else
			add_word(line, word, unescape_start(&item, word));
	}
	return n > 0;
}

static bool add_string(struct line *line, const struct json_span *string)
{
	char text[WORD_ROOM];

	if (string->kind != JSON_SPAN_STRING)
		return false;
	add_line(line, text, unescape_start(string, text));
	return true;
}

/* Any of its members; which of them are there was checked by command_read, and a result begins with "command". */
static bool add_object(struct line *line, const struct json_span *object)
{
	struct json_span name, value, secrets = { .kind = JSON_NONE };
	size_t cursor = 0;

	while (json_next(object, &cursor, &name, &value)) {
		if (json_string_is(&name, "secret"))
			secrets = value;
		if (json_string_is(&name, "argv") && value.kind != JSON_SPAN_NULL)
			return add_argv(line, &value, &secrets);
		if ((json_string_is(&name, "shell") || json_string_is(&name, "command")) && value.kind != JSON_SPAN_NULL)
			return add_string(line, &value);
	}
	return false;
}

static bool add_args(struct line *line, const struct json_span *args)
{
	struct json_span item;
	size_t cursor = 0;

	if (args->kind == JSON_SPAN_OBJECT)
		return add_object(line, args);
	if (args->kind != JSON_SPAN_ARRAY || !json_next(args, &cursor, NULL, &item))
		return false;
	if (item.kind == JSON_SPAN_OBJECT)
		return add_object(line, &item);
	if (item.kind == JSON_SPAN_ARRAY)
		return add_argv(line, &item, &(struct json_span){ .kind = JSON_NONE });
	return item.kind == JSON_SPAN_NULL && json_next(args, &cursor, NULL, &item) && add_string(line, &item);
}

bool command_text(const struct json_span *args, struct strbuf *out)
{
	struct line line = { .length = 0 };

	if (!add_args(&line, args))
		return false;
	finish(&line, out);
	return true;
}
