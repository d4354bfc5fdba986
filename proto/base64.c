/* Base64: what commands read and write is bytes, and JSON has only text. */
#include "proto/base64.h"

#include <stdbool.h>
#include <string.h>

#include "proto/strbuf.h"
#include "proto/utf8.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define CHUNK 768 /* bytes that become 1024 letters: so a buffer of the stack is enough */

/* LENGTH bytes, at most CHUNK, as letters at OUT; how many letters. */
static size_t encode(char *out, const unsigned char *data, size_t length)
{
	char *p = out;

	for (; length >= 3; data += 3, length -= 3) {
		unsigned bits = (unsigned)data[0] << 16 | (unsigned)data[1] << 8 | data[2];
		*p++ = letters[bits >> 18];
		*p++ = letters[bits >> 12 & 63];
		*p++ = letters[bits >> 6 & 63];
		*p++ = letters[bits & 63];
	}
	if (length > 0) {
		unsigned bits = (unsigned)data[0] << 16 | (length > 1 ? (unsigned)data[1] << 8 : 0);
		*p++ = letters[bits >> 18];
		*p++ = letters[bits >> 12 & 63];
		*p++ = length > 1 ? letters[bits >> 6 & 63] : '=';
		*p++ = '=';
	}
	return (size_t)(p - out);
}

void base64_encode(struct strbuf *out, const void *data, size_t length)
{
	const unsigned char *p = data;
	char text[CHUNK / 3 * 4];

	while (length > 0) {
		size_t share = length < CHUNK ? length : CHUNK;
		strbuf_add(out, text, encode(text, p, share));
		p += share;
		length -= share;
	}
}

/* -1: no letter of the alphabet. */
static int value_of(char letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52;
	return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

/* Padding, where there is any, has to be all of it. */
static bool strip_padding(const char *text, size_t *length)
{
	size_t padded = *length;

	for (int i = 0; i < 2 && *length > 0 && text[*length - 1] == '='; i++)
		--*length;
	return *length == padded || padded % 4 == 0;
}

ssize_t base64_decode(void *room, const char *text, size_t length)
{
	unsigned char *out = room;
	unsigned bits = 0;
	int n_bits = 0;
	ssize_t decoded = 0;

	if (!strip_padding(text, &length) || length % 4 == 1)
		return -1;
	for (size_t i = 0; i < length; i++) {
		int value = value_of(text[i]);
		if (value < 0)
			return -1;
		bits = (bits << 6 | (unsigned)value) & 0xffff;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			if (room)
				out[decoded] = (unsigned char)(bits >> n_bits);
			decoded++;
		}
	}
	if (bits & ((1u << n_bits) - 1)) /* a byte was begun: something has been cut off */
		return -1;
	return decoded;
}

/* Whether JSON can say it as text. U+0000 is UTF-8, but not welcome there (json_scan.h). */
static bool is_text(const char *data, size_t length)
{
	if (length == 0)
		return true;
	if (memchr(data, '\0', length))
		return false;
	for (size_t i = 0; i < length;) {
		size_t n = (unsigned char)data[i] < 0x80 ? 1 : utf8_sequence(data + i, length - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

void base64_member(struct strbuf *out, const char *name, const void *data, size_t length)
{
	bool text = is_text(data, length);

	if (out->length == 0 || out->data[out->length - 1] != '{')
		strbuf_puts(out, ",");
	strbuf_printf(out, "\"%s%s\":", name, text ? "" : "_base64");
	if (text) {
		strbuf_json_string(out, length > 0 ? data : "", length);
		return;
	}
	strbuf_puts(out, "\"");
	base64_encode(out, data, length);
	strbuf_puts(out, "\"");
}
