/* The scanner. Every message passes through it, and a task's arguments several times, so it is written for speed where
 * that pays: strings go by eight bytes at a time, numbers are measured only when they are long, and the only memory is
 * one bit for each open bracket. Text that it lets through is trusted by json_span.c. */
#include "proto/json_scan.h"

#include <stdlib.h>
#include <string.h>

#include "proto/utf8.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NUMBER_LIMIT 4096 /* characters; the longest exact double has less than 1100 */

/* A scan may stop, to be gone on with later, wherever something can be long: in white space, in strings, and between
 * values. Everything else is short, and read to its end though that is behind the stop. So behind each of the three the
 * question is whether the stop has been reached, as it would be for the text's end, which is where a scan in one go
 * stops. */
struct scanner {
	const char *end;
	const char *stop;   /* END, where it goes on to the end */
	const char *reason; /* set with every failure, NULL where the stop was reached… */
	const char *where;  /* …and the place of it */
	int depth_limit;
	int any_number_depth; /* numbers so deep are not measured; -1: all are */
	bool newline;         /* there was one between tokens */
	enum json_place place; /* that the stop was reached in */
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

/* The stop has been reached: a pause, unless that is the end, where something was to come. */
static const char *stopped(struct scanner *scanner, const char *p, enum json_place place)
{
	if (p == scanner->end)
		return unexpected(scanner, p);
	scanner->place = place;
	return fail(scanner, p, NULL);
}

static inline const char *skip_space(struct scanner *scanner, const char *p)
{
	while (p < scanner->stop && (unsigned char)*p <= ' ') {
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

/* P is behind the opening quote, or further on; what follows the closing one. PLACE: where to go on after a pause. */
static const char *scan_string(struct scanner *scanner, const char *p, enum json_place place)
{
	const char *end = scanner->end, *stop = scanner->stop;

	for (;;) {
		p = skip_plain(p, stop);
		if (p >= stop)
			return stopped(scanner, p, place);
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

static bool integer_fits(const char *digits, size_t length, bool negative)
{
	return length < 19 ||
		(length == 19 && memcmp(digits, negative ? "9223372036854775808" : "9223372036854775807", 19) <= 0);
}

static const char *too_long(struct scanner *scanner, const char *start)
{
	return fail(scanner, start, "number too long");
}

/* P is behind the digits before the point. No more than up to LIMIT need be looked at. */
static const char *scan_fraction(
	struct scanner *scanner, const char *p, const char *start, const char *limit, bool measured)
{
	const char *end = scanner->end;
	bool exponent_long = false;

	if (p < end && *p == '.') {
		if (!is_digit(++p, end))
			return unexpected(scanner, p);
		p = skip_digits(p, limit);
	}
	if (p - start >= NUMBER_LIMIT)
		return too_long(scanner, start);
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!is_digit(p, end))
			return unexpected(scanner, p);
		const char *exponent = p;
		p = skip_digits(p, limit);
		if (p - start >= NUMBER_LIMIT)
			return too_long(scanner, start);
		exponent_long = p - exponent > 2;
	}
	/* A number of 200 characters with an exponent of two digits is below 1e300. */
	if (measured && (exponent_long || p - start > 200) && !real_fits(start, p))
		return fail(scanner, start, "number too large");
	return p;
}

/* P is at a digit or a minus sign; what follows the number. In one go, all digits are passed before they are found to be
 * too many. */
static ALWAYS_INLINE const char *scan_number(
	struct scanner *scanner, const char *p, bool measured, enum json_kind *kind, bool in_pieces)
{
	const char *start = p, *end = scanner->end;
	const char *limit = in_pieces && end - p > NUMBER_LIMIT ? p + NUMBER_LIMIT : end;

	if (*p == '-')
		p++;
	const char *digits = p;
	if (!is_digit(p, end))
		return unexpected(scanner, p);
	if (*p == '0') {
		if (is_digit(++p, end))
			return fail(scanner, digits, "number with a leading zero");
	} else {
		p = skip_digits(p, limit);
	}
	if (p < end && (*p == '.' || *p == 'e' || *p == 'E')) {
		*kind = JSON_SPAN_REAL;
		if (p - start >= NUMBER_LIMIT)
			return too_long(scanner, start);
		return scan_fraction(scanner, p, start, limit, measured);
	}
	*kind = JSON_SPAN_INTEGER;
	if (p - digits > 18) {
		if (p - start >= NUMBER_LIMIT)
			return too_long(scanner, start);
		if (measured && !integer_fits(digits, (size_t)(p - digits), digits != start))
			return fail(scanner, start, "integer beyond 64 bits");
	}
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

/* --- what is long, in a scan of pieces --- */

#define SHORT_GAP 64

/* False without memory: it will be skipped the long way. */
static bool note(struct json_scan *scan, size_t begin, size_t end)
{
	struct json_longs *longs = &scan->longs;

	if (longs->n == longs->room) {
		size_t room = longs->room ? 2 * longs->room : 16;
		struct json_long *list = realloc(longs->list, room * sizeof(list[0]));
		if (!list)
			return false;
		longs->list = list;
		longs->room = room;
	}
	longs->list[longs->n++] = (struct json_long){ begin, end };
	return true;
}

/* A bracket at OFFSET, so many levels deep. What lies in it is noted behind it. */
static void note_open(struct json_scan *scan, int depth, size_t offset)
{
	size_t index = scan->longs.n;

	scan->open[depth] = note(scan, offset, offset) ? index : SIZE_MAX;
}

static void note_close(struct json_scan *scan, int depth, size_t offset)
{
	struct json_longs *longs = &scan->longs;
	size_t index = scan->open[depth];

	if (index == SIZE_MAX)
		return;
	if (offset - longs->list[index].begin >= scan->long_least)
		longs->list[index].end = offset;
	else
		longs->n = index; /* nothing in it is long either */
}

/* White space from P to BEHIND, which may go on. */
static void note_gap(struct json_scan *scan, const struct scanner *scanner, const char *p, const char *behind)
{
	size_t begin = scan->gap ? scan->gap : (size_t)(p - scan->text), end = (size_t)(behind - scan->text);
	bool goes_on = behind >= scanner->stop && behind < scanner->end;

	scan->gap = goes_on ? begin : 0;
	if (!goes_on && end - begin >= scan->long_least)
		note(scan, begin, end);
}

/* --- values, in one go (SCAN is NULL) or in pieces --- */

static ALWAYS_INLINE const char *skip_gap(struct scanner *scanner, const char *p, struct json_scan *scan)
{
	const char *behind = skip_space(scanner, p);

	if (scan && (scan->gap || behind - p > SHORT_GAP || behind >= scanner->stop))
		note_gap(scan, scanner, p, behind);
	return behind;
}

/* P is at the quote. */
static ALWAYS_INLINE void begin_string(struct json_scan *scan, const char *p)
{
	if (scan)
		scan->string = (size_t)(p - scan->text);
}

static ALWAYS_INLINE const char *finish_string(
	struct scanner *scanner, const char *p, enum json_place place, struct json_scan *scan)
{
	p = scan_string(scanner, p, place);
	if (scan && p && (size_t)(p - scan->text) - scan->string >= scan->long_least)
		note(scan, scan->string, (size_t)(p - scan->text));
	return p;
}

/* A value that is no container; P is at its first byte. */
static ALWAYS_INLINE const char *scan_scalar(
	struct scanner *scanner, const char *p, bool measured, enum json_kind *kind, struct json_scan *scan)
{
	if (*p == '"') {
		*kind = JSON_SPAN_STRING;
		begin_string(scan, p);
		return finish_string(scanner, p + 1, JSON_IN_STRING, scan);
	}
	if (is_digit(p, scanner->end) || *p == '-')
		return scan_number(scanner, p, measured, kind, scan != NULL);
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

/* A member's name and its colon; what follows, and the white space there. PLACE: how far it has come. */
static ALWAYS_INLINE const char *scan_name(
	struct scanner *scanner, const char *p, enum json_place place, struct json_span *name, struct json_scan *scan)
{
	if (place == JSON_AT_NAME) {
		p = skip_gap(scanner, p, scan);
		if (p >= scanner->stop)
			return stopped(scanner, p, JSON_AT_NAME);
		if (*p != '"')
			return unexpected(scanner, p);
		begin_string(scan, p);
		if (name)
			name->text = p;
		p++;
	}
	if (place != JSON_AT_COLON) {
		p = finish_string(scanner, p, JSON_IN_NAME, scan);
		if (!p)
			return NULL;
		if (name) {
			name->length = (size_t)(p - name->text);
			name->kind = JSON_SPAN_STRING;
		}
	}
	p = skip_gap(scanner, p, scan);
	if (p >= scanner->stop)
		return stopped(scanner, p, JSON_AT_COLON);
	if (*p != ':')
		return unexpected(scanner, p);
	return skip_gap(scanner, p + 1, scan);
}

/* One value; P is behind white space, or where SCAN has come to. What follows it; NULL: there is an error, or it has
 * stopped. Without recursion: a bit for each open bracket says which. */
static ALWAYS_INLINE const char *scan_parts(
	struct scanner *scanner, const char *p, enum json_kind *kind, struct json_scan *scan)
{
	uint64_t own[JSON_DEPTH_MAX / 64], *objects = scan ? scan->objects : own;
	const char *const stop = scan ? scanner->stop : scanner->end;
	enum json_place name_place = JSON_AT_NAME;
	int depth = scan ? scan->depth : 0;
	bool object = scan && scan->object; /* the innermost open bracket is a brace */
	enum json_kind ignored;

	if (scan) {
		switch (scan->place) {
		case JSON_AT_START:
		case JSON_AT_END:
			break;
		case JSON_AT_VALUE:
			p = skip_gap(scanner, p, scan);
			break;
		case JSON_AT_FIRST:
			goto first;
		case JSON_AT_NAME:
		case JSON_IN_NAME:
		case JSON_AT_COLON:
			name_place = scan->place;
			goto name;
		case JSON_IN_STRING:
			p = finish_string(scanner, p, JSON_IN_STRING, scan);
			goto scalar;
		case JSON_BEHIND:
			goto behind;
		}
	}
	for (;;) {
		if (p >= stop) {
			p = stopped(scanner, p, JSON_AT_VALUE);
			break;
		}
		if (*p == '[' || *p == '{') {
			if (depth == scanner->depth_limit) {
				p = fail(scanner, p, "nested too deeply");
				break;
			}
			uint64_t bit = UINT64_C(1) << (depth & 63);
			objects[depth >> 6] = depth & 63 ? (objects[depth >> 6] & ~bit) | (object ? bit : 0) : object;
			object = *p == '{';
			if (scan && depth < JSON_LONG_LEVELS)
				note_open(scan, depth, (size_t)(p - scan->text));
			if (depth++ == 0)
				*kind = object ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY;
			p++;
first:
			p = skip_gap(scanner, p, scan);
			if (p >= stop) {
				p = stopped(scanner, p, JSON_AT_FIRST);
				break;
			}
			if (*p == (object ? '}' : ']'))
				goto close;
			if (!object)
				continue;
name:
			p = scan_name(scanner, p, name_place, NULL, scan);
			name_place = JSON_AT_NAME;
			if (!p)
				break;
			continue;
		}
		p = scan_scalar(scanner, p, depth != scanner->any_number_depth, depth ? &ignored : kind, scan);
scalar:
		if (!p || depth == 0)
			break;
behind:
		p = skip_gap(scanner, p, scan);
		if (p >= stop) {
			p = stopped(scanner, p, JSON_BEHIND);
			break;
		}
		if (*p == ',') {
			p++;
			if (object)
				goto name;
			p = skip_gap(scanner, p, scan);
			continue;
		}
		if (*p != (object ? '}' : ']')) {
			p = unexpected(scanner, p);
			break;
		}
close:
		p++;
		depth--;
		if (scan && depth < JSON_LONG_LEVELS)
			note_close(scan, depth, (size_t)(p - scan->text));
		if (depth == 0)
			break;
		object = objects[depth >> 6] >> (depth & 63) & 1;
		goto behind;
	}
	if (scan) {
		scan->depth = depth;
		scan->object = object;
	}
	return p;
}

static const char *scan_value(struct scanner *scanner, const char *p, enum json_kind *kind)
{
	return scan_parts(scanner, p, kind, NULL);
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
		.end = text + length,
		.stop = text + length,
		.depth_limit = depth_limit,
		.any_number_depth = any_number_depth,
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
	struct scanner scanner = {
		.end = text + length,
		.stop = text + length,
		.depth_limit = JSON_DEPTH_LIMIT,
		.any_number_depth = -1,
	};
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

/* --- in pieces --- */

void json_scan_begin(struct json_scan *scan, size_t length, int depth_limit, int any_number_depth)
{
	*scan = (struct json_scan){
		.length = length,
		.place = JSON_AT_START,
		.depth_limit = depth_limit,
		.any_number_depth = any_number_depth,
		.long_least = length / JSON_LONG_SHARE > JSON_LONG_LEAST ? length / JSON_LONG_SHARE : JSON_LONG_LEAST,
	};
}

void json_scan_end(struct json_scan *scan)
{
	free(scan->longs.list);
	scan->longs = (struct json_longs){ 0 };
}

/* From where SCAN has come to; what follows the text, or NULL. */
static const char *scan_piece(struct scanner *scanner, struct json_scan *scan)
{
	const char *p = scan->text + scan->offset;

	if (scan->place == JSON_AT_START) {
		p = skip_space(scanner, p);
		if (p >= scanner->stop)
			return stopped(scanner, p, JSON_AT_START);
		scan->begin = (size_t)(p - scan->text);
	}
	if (scan->place != JSON_AT_END) {
		p = scan_parts(scanner, p, &scan->kind, scan);
		if (!p)
			return NULL;
		scan->value_length = (size_t)(p - scan->text) - scan->begin;
		scan->place = JSON_AT_END;
	}
	p = skip_space(scanner, p);
	if (p == scanner->end)
		return p;
	return p >= scanner->stop ? stopped(scanner, p, JSON_AT_END) : unexpected(scanner, p);
}

int json_scan_on(struct json_scan *scan, const char *text, size_t budget, struct json_span *value, struct json_error *error)
{
	struct scanner scanner = {
		.end = text + scan->length,
		.stop = text + (budget < scan->length - scan->offset ? scan->offset + budget : scan->length),
		.depth_limit = scan->depth_limit,
		.any_number_depth = scan->any_number_depth,
	};

	scan->text = text;
	const char *p = scan_piece(&scanner, scan);
	scan->offset = (size_t)((p ? p : scanner.where) - text);
	if (!p && !scanner.reason) {
		scan->place = scanner.place;
		return 1;
	}
	if (!p)
		return scan_failed(&scanner, text, error);
	*value = (struct json_span){ text + scan->begin, scan->value_length, scan->kind };
	return 0;
}

/* --- walking --- */

int json_walk_begin(struct json_walk *walk, const char *text, size_t length, int depth_limit, struct json_error *error)
{
	struct scanner scanner = { .end = text + length, .stop = text + length };
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
	struct scanner scanner = {
		.end = walk->end,
		.stop = walk->end,
		.depth_limit = walk->depth_limit,
		.any_number_depth = 0,
	};
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
	if (walk->object && !(p = scan_name(&scanner, p, JSON_AT_NAME, name, NULL)))
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
