/* Reading in text that the scanner has passed: the parts of a container, and what a string or a number says. Nothing is
 * checked a second time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_scan.h"
#include "proto/utf8.h"

#define GAP_LEAST 256 /* a gap is looked up once so much of it has been seen */

/* --- what a scan in pieces has noted --- */

static _Thread_local struct {
	const char *text; /* NULL: none is in use */
	size_t length;
	const struct json_longs *longs;
} noted;

void json_longs_use(const struct json_scan *scan, const char *text)
{
	noted.text = scan && scan->longs.n ? text : NULL;
	noted.length = scan ? scan->length : 0;
	noted.longs = scan ? &scan->longs : NULL;
}

/* Behind what begins at P; NULL: it is not known. */
static const char *long_end(const char *p)
{
	size_t offset = (size_t)(p - noted.text), low = 0;

	if (!noted.text || p < noted.text || offset >= noted.length)
		return NULL;
	const struct json_long *list = noted.longs->list;
	for (size_t high = noted.longs->n; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (list[middle].begin < offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == noted.longs->n || list[low].begin != offset || list[low].end == offset)
		return NULL;
	return noted.text + list[low].end;
}

/* --- the parts of a container --- */

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *skip_gap(const char *p)
{
	const char *begin = p;

	while (is_space(*p)) {
		if (++p - begin == GAP_LEAST) {
			const char *behind = long_end(begin);
			if (behind)
				return behind;
		}
	}
	return p;
}

static inline const char *skip_space(const char *p)
{
	return is_space(*p) ? skip_gap(p) : p;
}

/* P is behind the opening quote; what follows the closing one. The scanned text has one, so END is never reached. */
static const char *skip_string(const char *p, const char *end)
{
	for (;;) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		const uint64_t ones = UINT64_C(0x0101010101010101);
		while (end - p >= 8) {
			uint64_t word;
			memcpy(&word, p, 8);
			uint64_t quotes = word ^ (ones * '"'), escapes = word ^ (ones * '\\');
			uint64_t found = ((quotes - ones) & ~quotes) | ((escapes - ones) & ~escapes);
			found &= ones * 0x80;
			if (found) {
				p += __builtin_ctzll(found) >> 3;
				break;
			}
			p += 8;
		}
#endif
		while (*p != '"' && *p != '\\')
			p++;
		if (*p == '"')
			return p + 1;
		p += 2;
	}
}

/* P is behind the opening bracket; what follows the one that closes it. */
static const char *skip_container(const char *p, const char *end)
{
	static const signed char change[256] = { ['['] = 1, ['{'] = 1, [']'] = -1, ['}'] = -1, ['"'] = 2 };
	int depth = 1;

	for (;;) {
		int step;
		while ((step = change[(unsigned char)*p++]) == 0)
			;
		if (step == 2)
			p = skip_string(p, end);
		else if ((depth += step) == 0)
			return p;
	}
}

/* What follows the string or the container at P, where that is known. Neither is long where little is left. */
static inline const char *known_end(const char *p, const char *end)
{
	return __builtin_expect(end - p >= JSON_LONG_LEAST, 0) ? long_end(p) : NULL;
}

static const char *skip_value(const char *p, const char *end, enum json_kind *kind)
{
	const char *behind;

	switch (*p) {
	case '"':
		*kind = JSON_SPAN_STRING;
		behind = known_end(p, end);
		return behind ? behind : skip_string(p + 1, end);
	case '[':
		*kind = JSON_SPAN_ARRAY;
		behind = known_end(p, end);
		return behind ? behind : skip_container(p + 1, end);
	case '{':
		*kind = JSON_SPAN_OBJECT;
		behind = known_end(p, end);
		return behind ? behind : skip_container(p + 1, end);
	case 't':
		*kind = JSON_SPAN_BOOL;
		return p + 4;
	case 'f':
		*kind = JSON_SPAN_BOOL;
		return p + 5;
	case 'n':
		*kind = JSON_SPAN_NULL;
		return p + 4;
	default:
		*kind = JSON_SPAN_INTEGER;
		for (; *p == '-' || *p == '+' || *p == '.' || (*p | 0x20) == 'e' || (*p >= '0' && *p <= '9'); p++)
			if (*p == '.' || (*p | 0x20) == 'e')
				*kind = JSON_SPAN_REAL;
		return p;
	}
}

int json_next(const struct json_span *container, size_t *cursor, struct json_span *name, struct json_span *value)
{
	const char *end = container->text + container->length;
	const char *p = skip_space(container->text + (*cursor ? *cursor : 1));

	if (*p == ',')
		p = skip_space(p + 1);
	if (*p == ']' || *p == '}')
		return 0;
	if (container->kind == JSON_SPAN_OBJECT) {
		const char *start = p;
		const char *behind = known_end(p, end);
		p = behind ? behind : skip_string(p + 1, end);
		if (name)
			*name = (struct json_span){ start, (size_t)(p - start), JSON_SPAN_STRING };
		p = skip_space(skip_space(p) + 1);
	}
	value->text = p;
	p = skip_value(p, end, &value->kind);
	value->length = (size_t)(p - value->text);
	*cursor = (size_t)(p - container->text);
	return 1;
}

size_t json_count(const struct json_span *container)
{
	struct json_span name, value;
	size_t cursor = 0, count = 0;

	while (json_next(container, &cursor, &name, &value))
		count++;
	return count;
}

static unsigned hex(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return value;
}

/* The bytes that the escape at *P stands for, into OUT; *P goes behind it. */
static size_t unescape(const char **p, char out[4])
{
	const char *at = *p + 1;
	unsigned code;

	*p += 2;
	switch (*at) {
	case 'b':
		code = '\b';
		break;
	case 'f':
		code = '\f';
		break;
	case 'n':
		code = '\n';
		break;
	case 'r':
		code = '\r';
		break;
	case 't':
		code = '\t';
		break;
	case 'u':
		code = hex(at + 1);
		*p += 4;
		if (code >= 0xd800 && code <= 0xdbff) {
			code = 0x10000 + ((code - 0xd800) << 10) + (hex(at + 7) - 0xdc00);
			*p += 6;
		}
		break;
	default:
		code = (unsigned char)*at;
	}
	return utf8_encode(code, out);
}

bool json_string_copy(const struct json_span *string, char *out, size_t room, size_t *length)
{
	const char *p = string->text + 1, *end = string->text + string->length - 1;
	size_t used = 0;

	while (p < end) {
		const char *escape = memchr(p, '\\', (size_t)(end - p));
		size_t run = (size_t)((escape ? escape : end) - p);
		if (run >= room - used)
			return false;
		memcpy(out + used, p, run);
		used += run;
		p += run;
		if (!escape)
			break;
		char bytes[4];
		size_t n = unescape(&p, bytes);
		if (n >= room - used)
			return false;
		memcpy(out + used, bytes, n);
		used += n;
	}
	if (room == 0)
		return false;
	out[used] = '\0';
	if (length)
		*length = used;
	return true;
}

char *json_string_dup(const struct json_span *string, size_t *length)
{
	size_t room = string->length; /* the quotes are two bytes, the terminator is one */
	char *out = malloc(room);

	if (out)
		json_string_copy(string, out, room, length);
	return out;
}

bool json_string_is(const struct json_span *string, const char *name)
{
	const char *p = string->text + 1, *end = string->text + string->length - 1;

	if (p < end && *p != *name && *p != '\\') /* as nearly always, where a name is looked for among many */
		return false;
	size_t length = strlen(name);
	if ((size_t)(end - p) == length && memcmp(p, name, length) == 0)
		return !memchr(p, '\\', length);
	if ((size_t)(end - p) <= length || !memchr(p, '\\', (size_t)(end - p)))
		return false; /* an escape is longer than what it stands for */
	while (p < end) {
		char bytes[4];
		size_t n = 1;
		if (*p == '\\')
			n = unescape(&p, bytes);
		else
			bytes[0] = *p++;
		if (n > length || memcmp(bytes, name, n) != 0)
			return false;
		name += n;
		length -= n;
	}
	return length == 0;
}

bool json_span_integer(const struct json_span *span, long long *value)
{
	const char *p = span->text, *end = p + span->length;
	long long sum = 0;

	if (span->kind != JSON_SPAN_INTEGER)
		return false;
	bool negative = *p == '-';
	/* Downwards, where there is one more. */
	for (p += negative; p < end; p++)
		if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *p - '0', &sum))
			return false;
	if (!negative && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*value = sum;
	return true;
}
