/* One UTF-8 sequence: shared by the scanner, which refuses bad ones, and by strbuf, which replaces them. */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include <stddef.h>

/* The length (2…4) of the well-formed sequence that starts with the byte >= 0x80 at P, of which LEFT bytes are there;
 * 0 where it is not well-formed: cut off, overlong, a surrogate, or beyond U+10FFFF (Unicode's table 3-7). */
static inline size_t utf8_sequence(const char *p, size_t left)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char lead = u[0], low = 0x80, high = 0xbf;
	size_t length;

	if (lead >= 0xc2 && lead <= 0xdf) {
		length = 2;
	} else if ((lead & 0xf0) == 0xe0) {
		length = 3;
		low = lead == 0xe0 ? 0xa0 : 0x80;
		high = lead == 0xed ? 0x9f : 0xbf;
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		length = 4;
		low = lead == 0xf0 ? 0x90 : 0x80;
		high = lead == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (left < length || u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* Writes CODE (a scalar value) at OUT; the number of bytes, 1…4. */
static inline size_t utf8_encode(unsigned code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

#endif
