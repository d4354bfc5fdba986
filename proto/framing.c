/* Where one message ends and the next begins. A client chooses by its first byte, so that `echo '{…}' | socat` and an
 * editor's LSP library both work against the same socket. What was looked at is remembered: a message that comes a byte
 * at a time costs as much as one that comes whole. */
#include "proto/framing.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_BLOCK_LIMIT 8192
#define LENGTH_DIGITS 18 /* so many fit a size_t; more are absurd */

void framing_init(struct framing *framing, enum framing_mode mode, size_t limit)
{
	*framing = (struct framing){ .mode = mode, .limit = limit };
}

static void framing_restart(struct framing *framing)
{
	framing->scanned = framing->expected = framing->header = 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* --- lines --- */

static enum framing_result next_line(struct framing *framing, const char *data, size_t length, const char **message,
	size_t *message_length, size_t *used)
{
	const char *newline = memchr(data + framing->scanned, '\n', length - framing->scanned);
	size_t line = newline ? (size_t)(newline - data) : length;

	/* A '\r' at the end of what is there may belong to the newline. */
	size_t text = line > 0 && data[line - 1] == '\r' ? line - 1 : line;
	if (text > framing->limit)
		return FRAMING_TOO_LONG;
	if (!newline) {
		framing->scanned = length;
		return FRAMING_INCOMPLETE;
	}
	*message = data;
	*message_length = text;
	*used += line + 1;
	framing_restart(framing);
	return FRAMING_MESSAGE;
}

/* --- headers --- */

static bool is_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] >= 0x7f) /* where char is signed, bytes above 0x7f are negative */
			return false;
	return length > 0;
}

/* Of one header's line, without its end: its length where it is Content-Length. */
static enum framing_result read_header(struct framing *framing, const char *line, size_t length)
{
	static const char wanted[] = "content-length";
	const char *colon = memchr(line, ':', length);

	if (!colon || !is_name(line, (size_t)(colon - line)))
		return FRAMING_BAD_HEADER;
	if ((size_t)(colon - line) != sizeof(wanted) - 1 || strncasecmp(line, wanted, sizeof(wanted) - 1) != 0)
		return FRAMING_MESSAGE;

	const char *p = colon + 1, *end = line + length;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (p == end || end - p > LENGTH_DIGITS || framing->expected > 0)
		return FRAMING_BAD_HEADER;
	size_t value = 0;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return FRAMING_BAD_HEADER;
		value = value * 10 + (size_t)(*p - '0');
	}
	if (value == 0)
		return FRAMING_BAD_HEADER;
	framing->expected = value;
	return FRAMING_MESSAGE;
}

/* The block's lines, the empty one excepted. Headers that are not known here are ignored, as HTTP does. */
static enum framing_result read_headers(struct framing *framing, const char *block, size_t length)
{
	const char *end = block + length;

	for (const char *line = block; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t text = (size_t)(newline - line);
		if (text > 0 && line[text - 1] == '\r')
			text--;
		enum framing_result result = read_header(framing, line, text);
		if (result != FRAMING_MESSAGE)
			return result;
		line = newline + 1;
	}
	if (framing->expected == 0)
		return FRAMING_BAD_HEADER;
	return framing->expected > framing->limit ? FRAMING_TOO_LONG : FRAMING_MESSAGE;
}

/* Looks for the empty line that ends the block. Unlike LSP, "\n" alone will do for an end of line. */
static enum framing_result find_headers(struct framing *framing, const char *data, size_t length)
{
	size_t at = framing->scanned;

	for (;;) {
		const char *newline = at < length ? memchr(data + at, '\n', length - at) : NULL;
		size_t next = newline ? (size_t)(newline - data) + 1 : length;
		if (next > HEADER_BLOCK_LIMIT)
			return FRAMING_BAD_HEADER;
		if (!newline)
			break;
		/* Where the next line begins; it is not known yet whether that is the empty one. */
		framing->scanned = next - 1;
		if (next == length || (data[next] == '\r' && next + 1 == length))
			return FRAMING_INCOMPLETE;
		size_t blank = data[next] == '\n' ? 1 : data[next] == '\r' && data[next + 1] == '\n' ? 2 : 0;
		if (blank) {
			enum framing_result result = read_headers(framing, data, next);
			if (result == FRAMING_MESSAGE)
				framing->header = next + blank;
			return result;
		}
		at = next;
	}
	framing->scanned = length;
	return FRAMING_INCOMPLETE;
}

static enum framing_result next_body(struct framing *framing, const char *data, size_t length, const char **message,
	size_t *message_length, size_t *used)
{
	if (framing->header == 0) {
		enum framing_result result = find_headers(framing, data, length);
		if (result != FRAMING_MESSAGE)
			return result;
	}
	if (length - framing->header < framing->expected)
		return FRAMING_INCOMPLETE;
	*message = data + framing->header;
	*message_length = framing->expected;
	*used += framing->header + framing->expected;
	framing_restart(framing);
	return FRAMING_MESSAGE;
}

/* --- both --- */

enum framing_result framing_next(struct framing *framing, const char *data, size_t length, const char **message,
	size_t *message_length, size_t *used)
{
	size_t blank = 0;

	if (framing->scanned == 0)
		while (blank < length && is_space(data[blank]))
			blank++;
	*used = blank;
	if (blank == length)
		return FRAMING_INCOMPLETE;
	data += blank;
	length -= blank;

	if (framing->mode == FRAMING_UNKNOWN) {
		if (*data == '{' || *data == '[')
			framing->mode = FRAMING_LINES;
		else if (*data == 'C' || *data == 'c')
			framing->mode = FRAMING_HEADERS;
	}
	switch (framing->mode) {
	case FRAMING_UNKNOWN:
		break;
	case FRAMING_LINES:
		return next_line(framing, data, length, message, message_length, used);
	case FRAMING_HEADERS:
		return next_body(framing, data, length, message, message_length, used);
	}
	return FRAMING_BAD_START;
}

size_t framing_wants(const struct framing *framing)
{
	return framing->header ? framing->header + framing->expected : 0;
}

size_t framing_header(const struct framing *framing, size_t length, char buf[FRAMING_HEADER_SIZE])
{
	if (framing->mode != FRAMING_HEADERS)
		return 0;
	return (size_t)snprintf(buf, FRAMING_HEADER_SIZE, "Content-Length: %zu\r\n\r\n", length);
}
