/* Tokens: strings, numbers and literals, each looked at once. Strings go by eight bytes at a time; numbers are measured
 * only when they are long. */
#include <stdint.h>
#include <string.h>

#include "proto/json_scanner.h"
#include "proto/utf8.h"

/* Bytes that a string holds as they are; all others need a look. */
static const bool plain[256] = { [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7f] = true };

const char *json_unexpected(struct scanner *scanner, const char *p)
{
	if (p == scanner->end)
		return json_fail(scanner, p, "unexpected end");
	if (*p == '\0')
		return json_fail(scanner, p, "NUL byte");
	if ((unsigned char)*p >= 0x80 && utf8_sequence(p, (size_t)(scanner->end - p)) == 0)
		return json_fail(scanner, p, "invalid UTF-8");
	return json_fail(scanner, p, "unexpected character");
}

const char *json_stopped(struct scanner *scanner, const char *p, enum json_place place)
{
	if (p == scanner->end)
		return json_unexpected(scanner, p);
	scanner->place = place;
	return json_fail(scanner, p, NULL);
}

/* --- strings --- */

/* The first byte from P on that is not plain, or the end. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;

	while (end - p >= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		uint64_t quotes = word ^ (ones * '"'), escapes = word ^ (ones * '\\');
		/* A top bit for each byte that is not plain. A borrow may set one too many, but only above a true one. */
		uint64_t found = ((word - ones * 0x20) | (quotes - ones) | (escapes - ones)) & ~word;
		found = (found | word) & tops;
		if (found)
			return p + (__builtin_ctzll(found) >> 3);
		p += 8;
	}
#endif
	while (p < end && plain[(unsigned char)*p])
		p++;
	return p;
}

/* Four hexadecimal digits, or -1. */
static int scan_hex(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i], lower = (char)(c | 0x20);
		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (lower - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* P is at a backslash; what follows the escape. */
static const char *scan_escape(struct scanner *scanner, const char *p)
{
	const char *end = scanner->end;

	if (p + 1 == end)
		return json_fail(scanner, end, "unexpected end");
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return json_fail(scanner, p, "invalid escape");
	}

	int code = scan_hex(p + 2, end);
	if (code < 0)
		return json_fail(scanner, p, "invalid escape");
	if (code == 0)
		return json_fail(scanner, p, "NUL in a string");
	if (code < 0xd800 || code > 0xdfff)
		return p + 6;
	if (code <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
		int second = scan_hex(p + 8, end);
		if (second >= 0xdc00 && second <= 0xdfff)
			return p + 12;
	}
	return json_fail(scanner, p, "lone surrogate");
}

const char *json_token_string(struct scanner *scanner, const char *p, enum json_place place)
{
	const char *end = scanner->end, *stop = scanner->stop;

	for (;;) {
		p = skip_plain(p, stop);
		if (p >= stop)
			return json_stopped(scanner, p, place);
		unsigned char c = (unsigned char)*p;
		if (c == '"')
			return p + 1;
		if (c == '\\') {
			p = scan_escape(scanner, p);
			if (!p)
				return NULL;
		} else if (c < 0x20) {
			return json_fail(scanner, p, c ? "control character in a string" : "NUL in a string");
		} else {
			do { /* such bytes rarely come alone */
				size_t length = utf8_sequence(p, (size_t)(end - p));
				if (length == 0)
					return json_fail(scanner, p, "invalid UTF-8");
				p += length;
			} while (p < stop && (unsigned char)*p >= 0x80);
		}
	}
}

/* --- numbers --- */

/* Half way between the largest double and the power of two above it: what is as large as this is rounded to infinity. */
static const char infinite[] =
	"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070963"
	"3028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447573027"
	"0069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904174497792";
#define INFINITE_DIGITS ((int64_t)sizeof(infinite) - 1)
_Static_assert(sizeof(infinite) - 1 == 309, "2^1024 - 2^970 has 309 digits");

/* Whether the real number in P…END (of correct grammar) is finite as a double. Compares digits, since strtod would want
 * a terminated copy, and the C locale's decimal point. */
static bool real_fits(const char *p, const char *end)
{
	int64_t exponent = 0; /* the first digit that is not zero stands for itself times ten to the power of this */
	const char *first = NULL, *mantissa_end = end;
	bool behind_point = false;

	for (const char *q = p; q < end; q++) {
		if (*q == 'e' || *q == 'E') {
			bool negative = q[1] == '-';
			int64_t value = 0;
			mantissa_end = q;
			for (q += 1 + (q[1] == '-' || q[1] == '+'); q < end; q++)
				if (value < INT64_C(1000000000000000))
					value = value * 10 + (*q - '0');
			exponent += negative ? -value : value;
			break;
		}
		if (*q == '.') {
			behind_point = true;
		} else if (*q != '-') {
			if (!first && *q != '0')
				first = q;
			else if (first && !behind_point)
				exponent++;
			if (behind_point && (!first || first == q))
				exponent--;
		}
	}
	if (!first || exponent != INFINITE_DIGITS - 1)
		return !first || exponent < INFINITE_DIGITS - 1;

	const char *limit = infinite;
	for (const char *q = first; q < mantissa_end && *limit; q++) {
		if (*q == '.')
			continue;
		if (*q != *limit)
			return *q < *limit;
		limit++;
	}
	return strspn(limit, "0") != strlen(limit); /* what is left of the limit is more than nothing */
}

bool json_integer_fits(const char *digits, size_t length, bool negative)
{
	return length < 19 ||
		(length == 19 && memcmp(digits, negative ? "9223372036854775808" : "9223372036854775807", 19) <= 0);
}

const char *json_too_long(struct scanner *scanner, const char *start)
{
	return json_fail(scanner, start, "number too long");
}

const char *json_token_fraction(
	struct scanner *scanner, const char *p, const char *start, const char *limit, bool measured)
{
	const char *end = scanner->end;
	bool exponent_long = false;

	if (p < end && *p == '.') {
		if (!json_is_digit(++p, end))
			return json_unexpected(scanner, p);
		p = json_skip_digits(p, limit);
	}
	if (p - start >= JSON_NUMBER_LIMIT)
		return json_too_long(scanner, start);
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!json_is_digit(p, end))
			return json_unexpected(scanner, p);
		const char *exponent = p;
		p = json_skip_digits(p, limit);
		if (p - start >= JSON_NUMBER_LIMIT)
			return json_too_long(scanner, start);
		exponent_long = p - exponent > 2;
	}
	/* A number of 200 characters with an exponent of two digits is below 1e300. */
	if (measured && (exponent_long || p - start > 200) && !real_fits(start, p))
		return json_fail(scanner, start, "number too large");
	return p;
}

/* --- literals --- */

const char *json_token_literal(struct scanner *scanner, const char *p, const char *literal, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (p + i == scanner->end || p[i] != literal[i])
			return json_unexpected(scanner, p + i);
	return p + length;
}
