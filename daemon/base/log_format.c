/* The two ways to write a message down. Apart from log.c so that they can be tested without a journal. */
#include "base/log_format.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIELD_PREFIX "TASKD_"

struct out {
	char *data;
	size_t length;
	size_t room;
};

static void put(struct out *out, const char *data, size_t size)
{
	if (size > out->room - out->length)
		size = out->room - out->length;
	memcpy(out->data + out->length, data, size);
	out->length += size;
}

static void put_text(struct out *out, const char *text)
{
	put(out, text, strlen(text));
}

/* TEXT without anything that could start a line or move a terminal's cursor. An escape is whole or absent. */
static void put_escaped(struct out *out, const char *text, bool quoted)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		char escape[8] = { (char)*p, '\0' };

		if (*p == '\n')
			strcpy(escape, "\\n");
		else if (*p == '\t')
			strcpy(escape, "\\t");
		else if (*p < 0x20 || *p == 0x7f)
			snprintf(escape, sizeof(escape), "\\x%02x", *p);
		else if (quoted && (*p == '"' || *p == '\\'))
			snprintf(escape, sizeof(escape), "\\%c", *p);
		if (strlen(escape) > out->room - out->length)
			return;
		put_text(out, escape);
	}
}

static void put_key(struct out *out, const char *name)
{
	if (!strncmp(name, FIELD_PREFIX, strlen(FIELD_PREFIX)))
		name += strlen(FIELD_PREFIX);
	for (; *name; name++) {
		char lower = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;

		put(out, &lower, 1);
	}
}

size_t log_format_line(char buf[LOG_TEXT_SIZE], const struct log_message *message, bool priority)
{
	struct out out = { .data = buf, .room = LOG_TEXT_SIZE - 1 }; /* the newline always fits */

	if (priority) {
		char mark[] = { '<', (char)('0' + message->level), '>' };

		put(&out, mark, sizeof(mark));
	}
	if (message->prefix)
		put_escaped(&out, message->prefix, false);
	put_escaped(&out, message->text, false);
	for (size_t i = 0; i < message->n_fields; i++) {
		const char *value = message->fields[i].value;
		bool quoted = !*value || strpbrk(value, " \"=\\");

		put_text(&out, " ");
		put_key(&out, message->fields[i].name);
		put_text(&out, quoted ? "=\"" : "=");
		put_escaped(&out, value, quoted);
		if (quoted)
			put_text(&out, "\"");
	}
	buf[out.length++] = '\n';
	return out.length;
}

/* A value with a newline takes the form NAME\n, its length in 64 bits little-endian, the value, \n. A field that does
 * not fit is cut, or left out where not even its frame fits: half a field would spoil the datagram. */
static void put_field(struct out *out, const char *name, const char *lead, const char *value)
{
	size_t lead_length = strlen(lead);
	size_t length = lead_length + strlen(value);
	size_t frame = strlen(name) + 1 + sizeof(uint64_t) + 1;
	size_t room = out->room - out->length;

	if (room < frame)
		return;
	if (length > room - frame)
		length = room - frame;
	if (lead_length > length)
		lead_length = length;
	put_text(out, name);
	if (memchr(lead, '\n', lead_length) || memchr(value, '\n', length - lead_length)) {
		char size[sizeof(uint64_t)];

		for (size_t i = 0; i < sizeof(size); i++)
			size[i] = (char)((uint64_t)length >> (8 * i) & 0xff);
		put_text(out, "\n");
		put(out, size, sizeof(size));
	} else {
		put_text(out, "=");
	}
	put(out, lead, lead_length);
	put(out, value, length - lead_length);
	put_text(out, "\n");
}

size_t log_format_journal(char buf[LOG_TEXT_SIZE], const struct log_message *message)
{
	struct out out = { .data = buf, .room = LOG_TEXT_SIZE };
	char priority[] = { (char)('0' + message->level), '\0' };

	put_field(&out, "PRIORITY", "", priority);
	if (message->identifier)
		put_field(&out, "SYSLOG_IDENTIFIER", "", message->identifier);
	put_field(&out, "MESSAGE", message->prefix ? message->prefix : "", message->text);
	for (size_t i = 0; i < message->n_fields; i++)
		put_field(&out, message->fields[i].name, "", message->fields[i].value);
	return out.length;
}
