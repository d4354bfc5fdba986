/* Everything that taskd writes is put together in one of these. The failure is sticky so that the twenty additions
 * which make a message need one check instead of twenty. */
#include "proto/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

/* Room for MORE bytes and the terminator; false when there is none, or when it failed before. */
static bool strbuf_reserve(struct strbuf *sb, size_t more)
{
	if (sb->failed)
		return false;
	if (more < sb->room && sb->length < sb->room - more)
		return true;

	size_t room = sb->room ? sb->room : 128;
	if (more >= SIZE_MAX / 2 - sb->length)
		goto fail;
	while (room <= sb->length + more)
		room *= 2;
	char *data = realloc(sb->data, room);
	if (!data)
		goto fail;
	sb->data = data;
	sb->room = room;
	return true;
fail:
	sb->failed = true;
	return false;
}

void strbuf_free(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf)STRBUF_INIT;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t length)
{
	if (!strbuf_reserve(sb, length))
		return;
	if (length > 0)
		memcpy(sb->data + sb->length, data, length);
	sb->length += length;
	sb->data[sb->length] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *text)
{
	strbuf_add(sb, text, strlen(text));
}

void strbuf_printf(struct strbuf *sb, const char *format, ...)
{
	va_list args;
	int length;

	if (!strbuf_reserve(sb, 64))
		return;
	size_t left = sb->room - sb->length;
	va_start(args, format);
	length = vsnprintf(sb->data + sb->length, left, format, args);
	va_end(args);
	if (length >= 0 && (size_t)length >= left) {
		sb->data[sb->length] = '\0';
		if (!strbuf_reserve(sb, (size_t)length))
			return;
		va_start(args, format);
		length = vsnprintf(sb->data + sb->length, sb->room - sb->length, format, args);
		va_end(args);
	}
	if (length < 0)
		sb->failed = true;
	else
		sb->length += (size_t)length;
}

/* What stands for an ASCII byte that cannot stand for itself in a JSON string. NUL has no place in taskd's strings. */
static void strbuf_json_escape(struct strbuf *sb, unsigned char c)
{
	switch (c) {
	case '"':
		strbuf_add(sb, "\\\"", 2);
		break;
	case '\\':
		strbuf_add(sb, "\\\\", 2);
		break;
	case '\n':
		strbuf_add(sb, "\\n", 2);
		break;
	case '\r':
		strbuf_add(sb, "\\r", 2);
		break;
	case '\t':
		strbuf_add(sb, "\\t", 2);
		break;
	case '\0':
		strbuf_add(sb, "\xef\xbf\xbd", 3);
		break;
	default:
		strbuf_printf(sb, "\\u%04x", c);
	}
}

void strbuf_json_string(struct strbuf *sb, const char *text, size_t length)
{
	size_t plain = 0; /* where the bytes begin that can be copied as they are */
	size_t i = 0;

	strbuf_add(sb, "\"", 1);
	while (i < length) {
		unsigned char c = (unsigned char)text[i];
		size_t sequence = c < 0x80 ? 1 : utf8_sequence(text + i, length - i);
		if (sequence > 0 && c >= 0x20 && c != '"' && c != '\\') {
			i += sequence;
			continue;
		}
		strbuf_add(sb, text + plain, i - plain);
		if (c < 0x80)
			strbuf_json_escape(sb, c);
		else
			strbuf_add(sb, "\xef\xbf\xbd", 3);
		plain = ++i;
	}
	strbuf_add(sb, text + plain, i - plain);
	strbuf_add(sb, "\"", 1);
}

char *strbuf_take(struct strbuf *sb, size_t *length)
{
	char *data = NULL;

	if (strbuf_reserve(sb, 0)) { /* also where nothing was ever added: an empty string */
		data = sb->data;
		data[sb->length] = '\0';
		if (length)
			*length = sb->length;
		sb->data = NULL;
	}
	strbuf_free(sb);
	return data;
}
