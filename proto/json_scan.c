/* The scanner. Every message passes through it, and a task's arguments several times, so it is written for speed where
 * that pays: strings go by eight bytes at a time, numbers are measured only when they are long, and the only memory is
 * one bit for each open bracket. Text that it lets through is trusted by json_span.c. */
#include "proto/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "proto/utf8.h"

struct scanner {
	const char *end;
	const char *reason; /* set with every failure… */
	const char *where;  /* …and the place of it */
	int depth_limit;
	int any_number_depth; /* numbers so deep are not measured; -1: all are */
	bool newline;         /* there was one between tokens */
};

/* Bytes that a string holds as they are; all others need a look. */
static const bool plain[256] = { [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7f] = true };

static const char *fail(struct scanner *scanner, const char *where, const char *reason)
{
	scanner->where = where;
	scanner->reason = reason;
	return NULL;
}

/* Why the byte at P is not what the grammar wants there. */
static const char *unexpected(struct scanner *scanner, const char *p)
{
	if (p == scanner->end)
		return fail(scanner, p, "unexpected end");
	if (*p == '\0')
		return fail(scanner, p, "NUL byte");
	if ((unsigned char)*p >= 0x80 && utf8_sequence(p, (size_t)(scanner->end - p)) == 0)
		return fail(scanner, p, "invalid UTF-8");
	return fail(scanner, p, "unexpected character");
}

static inline const char *skip_space(struct scanner *scanner, const char *p)
{
	while (p < scanner->end && (unsigned char)*p <= ' ') {
		if (*p == '\n' || *p == '\r')
			scanner->newline = true;
		else if (*p != ' ' && *p != '\t')
			break;
		p++;
	}
	return p;
}

static inline bool is_digit(const char *p, const char *end)
{
	return p < end && (unsigned char)(*p - '0') < 10;
}

static inline const char *skip_digits(const char *p, const char *end)
{
	while (is_digit(p, end))
		p++;
	return p;
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
		return fail(scanner, end, "unexpected end");
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
		return fail(scanner, p, "invalid escape");
	}

	int code = scan_hex(p + 2, end);
	if (code < 0)
		return fail(scanner, p, "invalid escape");
	if (code == 0)
		return fail(scanner, p, "NUL in a string");
	if (code < 0xd800 || code > 0xdfff)
		return p + 6;
	if (code <= 0xdbff && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
		int second = scan_hex(p + 8, end);
		if (second >= 0xdc00 && second <= 0xdfff)
			return p + 12;
	}
	return fail(scanner, p, "lone surrogate");
}

/* P is behind the opening quote; what follows the closing one. */
static const char *scan_string(struct scanner *scanner, const char *p)
{
	const char *end = scanner->end;

	for (;;) {
		p = skip_plain(p, end);
		if (p == end)
			return fail(scanner, p, "unexpected end");
		unsigned char c = (unsigned char)*p;
		if (c == '"')
			return p + 1;
		if (c == '\\') {
			p = scan_escape(scanner, p);
			if (!p)
				return NULL;
		} else if (c < 0x20) {
			return fail(scanner, p, c ? "control character in a string" : "NUL in a string");
		} else {
			do { /* such bytes rarely come alone */
				size_t length = utf8_sequence(p, (size_t)(end - p));
				if (length == 0)
					return fail(scanner, p, "invalid UTF-8");
				p += length;
			} while (p < end && (unsigned char)*p >= 0x80);
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

static bool integer_fits(const char *digits, size_t length, bool negative)
{
	return length < 19 ||
		(length == 19 && memcmp(digits, negative ? "9223372036854775808" : "9223372036854775807", 19) <= 0);
}

static const char *scan_fraction(struct scanner *scanner, const char *p, const char *start, bool measured)
{
	const char *end = scanner->end;
	bool exponent_long = false;

	if (p < end && *p == '.') {
		if (!is_digit(++p, end))
			return unexpected(scanner, p);
		p = skip_digits(p, end);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!is_digit(p, end))
			return unexpected(scanner, p);
		const char *exponent = p;
		p = skip_digits(p, end);
		exponent_long = p - exponent > 2;
	}
	/* A number of 200 characters with an exponent of two digits is below 1e300. */
	if (measured && (exponent_long || p - start > 200) && !real_fits(start, p))
		return fail(scanner, start, "number too large");
	return p;
}

/* P is at a digit or a minus sign; what follows the number. */
static inline const char *scan_number(struct scanner *scanner, const char *p, bool measured, enum json_kind *kind)
{
	const char *start = p, *end = scanner->end;

	if (*p == '-')
		p++;
	const char *digits = p;
	if (!is_digit(p, end))
		return unexpected(scanner, p);
	if (*p == '0') {
		if (is_digit(++p, end))
			return fail(scanner, digits, "number with a leading zero");
	} else {
		p = skip_digits(p, end);
	}
	if (p < end && (*p == '.' || *p == 'e' || *p == 'E')) {
		*kind = JSON_SPAN_REAL;
		return scan_fraction(scanner, p, start, measured);
	}
	*kind = JSON_SPAN_INTEGER;
	if (p - digits > 18 && measured && !integer_fits(digits, (size_t)(p - digits), digits != start))
		return fail(scanner, start, "integer beyond 64 bits");
	return p;
}

/* --- values --- */

static const char *scan_literal(struct scanner *scanner, const char *p, const char *literal, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (p + i == scanner->end || p[i] != literal[i])
			return unexpected(scanner, p + i);
	return p + length;
}

/* A value that is no container; P is at its first byte. */
static inline const char *scan_scalar(struct scanner *scanner, const char *p, bool measured, enum json_kind *kind)
{
	if (*p == '"') {
		*kind = JSON_SPAN_STRING;
		return scan_string(scanner, p + 1);
	}
	if (is_digit(p, scanner->end) || *p == '-')
		return scan_number(scanner, p, measured, kind);
	switch (*p) {
	case 't':
		*kind = JSON_SPAN_BOOL;
		return scan_literal(scanner, p, "true", 4);
	case 'f':
		*kind = JSON_SPAN_BOOL;
		return scan_literal(scanner, p, "false", 5);
	case 'n':
		*kind = JSON_SPAN_NULL;
		return scan_literal(scanner, p, "null", 4);
	default:
		return unexpected(scanner, p);
	}
}

/* P is behind white space where a member's name has to be; what follows its colon, and the white space there. */
static inline const char *scan_name(struct scanner *scanner, const char *p, struct json_span *name)
{
	if (p == scanner->end || *p != '"')
		return unexpected(scanner, p);
	const char *start = p;
	p = scan_string(scanner, p + 1);
	if (!p)
		return NULL;
	if (name)
		*name = (struct json_span){ start, (size_t)(p - start), JSON_SPAN_STRING };
	p = skip_space(scanner, p);
	if (p == scanner->end || *p != ':')
		return unexpected(scanner, p);
	return skip_space(scanner, p + 1);
}

/* One value; P is behind white space. What follows it. Without recursion: a bit for each open bracket says which. */
static const char *scan_value(struct scanner *scanner, const char *p, enum json_kind *kind)
{
	uint64_t objects[JSON_DEPTH_MAX / 64];
	int depth = 0;
	bool object = false; /* the innermost open bracket is a brace */
	const char *end = scanner->end;
	enum json_kind ignored;

	for (;;) {
		if (p == end)
			return unexpected(scanner, p);
		if (*p == '[' || *p == '{') {
			if (depth == scanner->depth_limit)
				return fail(scanner, p, "nested too deeply");
			uint64_t bit = UINT64_C(1) << (depth & 63);
			objects[depth >> 6] = depth & 63 ? (objects[depth >> 6] & ~bit) | (object ? bit : 0) : object;
			object = *p == '{';
			if (depth++ == 0)
				*kind = object ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY;
			p = skip_space(scanner, p + 1);
			if (p < end && *p == (object ? '}' : ']'))
				goto close;
			if (object && !(p = scan_name(scanner, p, NULL)))
				return NULL;
			continue;
		}
		p = scan_scalar(scanner, p, depth != scanner->any_number_depth, depth ? &ignored : kind);
		if (!p || depth == 0)
			return p;
behind:
		p = skip_space(scanner, p);
		if (p == end)
			return unexpected(scanner, p);
		if (*p == ',') {
			p = skip_space(scanner, p + 1);
			if (object && !(p = scan_name(scanner, p, NULL)))
				return NULL;
			continue;
		}
		if (*p != (object ? '}' : ']'))
			return unexpected(scanner, p);
close:
		p++;
		if (--depth == 0)
			return p;
		object = objects[depth >> 6] >> (depth & 63) & 1;
		goto behind;
	}
}

static int scan_failed(const struct scanner *scanner, const char *text, struct json_error *error)
{
	if (error)
		*error = (struct json_error){ (size_t)(scanner->where - text), scanner->reason };
	return -1;
}

/* One value at the start of the text. */
static int scan_first(struct scanner *scanner, const char *text, struct json_span *value, const char **behind,
	struct json_error *error)
{
	const char *start = skip_space(scanner, text);

	scanner->newline = false;
	const char *p = scan_value(scanner, start, &value->kind);
	if (!p)
		return scan_failed(scanner, text, error);
	value->text = start;
	value->length = (size_t)(p - start);
	*behind = p;
	return 0;
}

int json_scan_with(const char *text, size_t length, int depth_limit, int any_number_depth, struct json_span *value,
	size_t *used, struct json_error *error)
{
	struct scanner scanner = {
		.end = text + length, .depth_limit = depth_limit, .any_number_depth = any_number_depth
	};
	const char *behind;

	if (scan_first(&scanner, text, value, &behind, error) < 0)
		return -1;
	*used = (size_t)(behind - text);
	return 0;
}

int json_scan_prefix(const char *text, size_t length, struct json_span *value, size_t *used, struct json_error *error)
{
	return json_scan_with(text, length, JSON_DEPTH_LIMIT, -1, value, used, error);
}

int json_scan(const char *text, size_t length, struct json_span *value, bool *has_newline, struct json_error *error)
{
	struct scanner scanner = { .end = text + length, .depth_limit = JSON_DEPTH_LIMIT, .any_number_depth = -1 };
	const char *behind;

	if (scan_first(&scanner, text, value, &behind, error) < 0)
		return -1;
	if (has_newline)
		*has_newline = scanner.newline;
	behind = skip_space(&scanner, behind);
	if (behind < scanner.end) {
		unexpected(&scanner, behind);
		return scan_failed(&scanner, text, error);
	}
	return 0;
}

/* --- walking --- */

int json_walk_begin(struct json_walk *walk, const char *text, size_t length, int depth_limit, struct json_error *error)
{
	struct scanner scanner = { .end = text + length };
	const char *p = skip_space(&scanner, text);

	if (p == scanner.end || (*p != '[' && *p != '{')) {
		unexpected(&scanner, p);
		return scan_failed(&scanner, text, error);
	}
	*walk = (struct json_walk){
		.text = text, .at = p + 1, .end = scanner.end, .depth_limit = depth_limit, .object = *p == '{'
	};
	return 0;
}

int json_walk_next(struct json_walk *walk, struct json_span *name, struct json_span *value, struct json_error *error)
{
	struct scanner scanner = { .end = walk->end, .depth_limit = walk->depth_limit, .any_number_depth = 0 };
	const char *p = skip_space(&scanner, walk->at);

	if (p < walk->end && *p == (walk->object ? '}' : ']')) {
		p = skip_space(&scanner, p + 1);
		if (p == walk->end)
			return 0;
		unexpected(&scanner, p);
		goto fail;
	}
	if (walk->begun) {
		if (p == walk->end || *p != ',') {
			unexpected(&scanner, p);
			goto fail;
		}
		p = skip_space(&scanner, p + 1);
	}
	walk->begun = true;
	if (walk->object && !(p = scan_name(&scanner, p, name)))
		goto fail;
	const char *start = p;
	p = scan_value(&scanner, p, &value->kind);
	if (!p)
		goto fail;
	value->text = start;
	value->length = (size_t)(p - start);
	walk->at = p;
	return 1;
fail:
	return scan_failed(&scanner, walk->text, error);
}
