/* What comes from handlers is C strings of unknown origin; what leaves the worker is UTF-8 on one line. The line
 * between the two is drawn here. */
#include "worker/text.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

#define NAME_LIMIT 64

/* The length of the character at P, of which LEFT bytes are there; 0 where it is none, or NUL. */
static size_t character_length(const char *p, size_t left)
{
	unsigned char c = (unsigned char)*p;
	return c == 0 ? 0 : c < 0x80 ? 1 : utf8_sequence(p, left);
}

size_t text_valid(const char *text, size_t length)
{
	size_t at = 0;
	while (at < length) {
		size_t step = character_length(text + at, length - at);
		if (step == 0)
			break;
		at += step;
	}
	return at;
}

size_t text_whole(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t back = 0;
	while (back < 3 && back < length && (p[length - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back == length)
		return length;
	unsigned char first = p[length - 1 - back];
	size_t wanted = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	return wanted > back + 1 ? length - 1 - back : length;
}

size_t text_line(char *line, size_t size, const char *text, size_t length)
{
	size_t out = 0;
	for (size_t at = 0; at < length;) {
		size_t step = character_length(text + at, length - at);
		unsigned char c = (unsigned char)text[at];
		if (out + (step ? step : 1) >= size)
			break;
		if (step == 0 && c)
			line[out++] = '?';
		else if (step <= 1 && (c < 0x20 || c == 0x7f))
			line[out++] = ' ';
		else
			for (size_t i = 0; i < step; i++)
				line[out++] = text[at + i];
		at += step ? step : 1;
	}
	line[out] = '\0';
	return out;
}

void text_flatten(char *json, size_t length)
{
	char *end = json + length;
	for (char *p = json; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		*p = ' ';
	for (char *p = json; (p = memchr(p, '\r', (size_t)(end - p))); p++)
		*p = ' ';
}

static locale_t c_locale;

static void __attribute__((constructor)) make_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double text_number(const char *text)
{
	return strtod_l(text, NULL, c_locale);
}

size_t text_format_number(double value, char buf[TEXT_NUMBER_SIZE])
{
	locale_t before = uselocale(c_locale);
	int length = 0;
	for (int precision = 15; precision <= 17; precision++) {
		length = snprintf(buf, TEXT_NUMBER_SIZE - 2, "%.*g", precision, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	uselocale(before);
	if (!strpbrk(buf, ".e")) { /* so that it stays a real number for those who tell the two apart */
		memcpy(buf + length, ".0", 3);
		length += 2;
	}
	return (size_t)length;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool text_is_task_name(const char *name)
{
	if (!is_letter(name[0]))
		return false;
	for (size_t i = 1; name[i]; i++)
		if (i >= NAME_LIMIT || !(is_letter(name[i]) || (name[i] >= '0' && name[i] <= '9') || name[i] == '-'))
			return false;
	return true;
}
