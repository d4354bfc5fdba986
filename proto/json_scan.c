/* The scanner. Every message passes through it, and a task's arguments several times, so it is written for speed where
 * that pays; the only memory is one bit for each open bracket. Text that it lets through is trusted by json_span.c. */
#include <stdlib.h>

#include "proto/json_scanner.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* --- values, in one go (SCAN is NULL) or in pieces --- */

/* P is at a digit or a minus sign; what follows the number. In one go, all digits are passed before they are found to be
 * too many. */
static ALWAYS_INLINE const char *scan_number(
	struct scanner *scanner, const char *p, bool measured, enum json_kind *kind, bool in_pieces)
{
	const char *start = p, *end = scanner->end;
	const char *limit = in_pieces && end - p > JSON_NUMBER_LIMIT ? p + JSON_NUMBER_LIMIT : end;

	if (*p == '-')
		p++;
	const char *digits = p;
	if (!json_is_digit(p, end))
		return json_unexpected(scanner, p);
	if (*p == '0') {
		if (json_is_digit(++p, end))
			return json_fail(scanner, digits, "number with a leading zero");
	} else {
		p = json_skip_digits(p, limit);
	}
	if (p < end && (*p == '.' || *p == 'e' || *p == 'E')) {
		*kind = JSON_SPAN_REAL;
		if (p - start >= JSON_NUMBER_LIMIT)
			return json_too_long(scanner, start);
		return json_token_fraction(scanner, p, start, limit, measured);
	}
	*kind = JSON_SPAN_INTEGER;
	if (p - digits > 18) {
		if (p - start >= JSON_NUMBER_LIMIT)
			return json_too_long(scanner, start);
		if (measured && !json_integer_fits(digits, (size_t)(p - digits), digits != start))
			return json_fail(scanner, start, "integer beyond 64 bits");
	}
	return p;
}

static ALWAYS_INLINE const char *skip_gap(struct scanner *scanner, const char *p, struct json_scan *scan)
{
	const char *behind = json_skip_space(scanner, p);

	if (scan && (scan->gap || behind - p > JSON_SHORT_GAP || behind >= scanner->stop))
		json_note_gap(scan, scanner, p, behind);
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
	p = json_token_string(scanner, p, place);
	if (scan && p && (size_t)(p - scan->text) - scan->string >= scan->long_least)
		json_note(scan, scan->string, (size_t)(p - scan->text));
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
	if (json_is_digit(p, scanner->end) || *p == '-')
		return scan_number(scanner, p, measured, kind, scan != NULL);
	switch (*p) {
	case 't':
		*kind = JSON_SPAN_BOOL;
		return json_token_literal(scanner, p, "true", 4);
	case 'f':
		*kind = JSON_SPAN_BOOL;
		return json_token_literal(scanner, p, "false", 5);
	case 'n':
		*kind = JSON_SPAN_NULL;
		return json_token_literal(scanner, p, "null", 4);
	default:
		return json_unexpected(scanner, p);
	}
}

/* A member's name and its colon; what follows, and the white space there. PLACE: how far it has come. */
static ALWAYS_INLINE const char *scan_name(
	struct scanner *scanner, const char *p, enum json_place place, struct json_span *name, struct json_scan *scan)
{
	if (place == JSON_AT_NAME) {
		p = skip_gap(scanner, p, scan);
		if (p >= scanner->stop)
			return json_stopped(scanner, p, JSON_AT_NAME);
		if (*p != '"')
			return json_unexpected(scanner, p);
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
		return json_stopped(scanner, p, JSON_AT_COLON);
	if (*p != ':')
		return json_unexpected(scanner, p);
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
			p = json_stopped(scanner, p, JSON_AT_VALUE);
			break;
		}
		if (*p == '[' || *p == '{') {
			if (depth == scanner->depth_limit) {
				p = json_fail(scanner, p, "nested too deeply");
				break;
			}
			uint64_t bit = UINT64_C(1) << (depth & 63);
			objects[depth >> 6] = depth & 63 ? (objects[depth >> 6] & ~bit) | (object ? bit : 0) : object;
			object = *p == '{';
			if (scan && depth < JSON_LONG_LEVELS)
				json_note_open(scan, depth, (size_t)(p - scan->text));
			if (depth++ == 0)
				*kind = object ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY;
			p++;
first:
			p = skip_gap(scanner, p, scan);
			if (p >= stop) {
				p = json_stopped(scanner, p, JSON_AT_FIRST);
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
			p = json_stopped(scanner, p, JSON_BEHIND);
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
			p = json_unexpected(scanner, p);
			break;
		}
close:
		p++;
		depth--;
		if (scan && depth < JSON_LONG_LEVELS)
			json_note_close(scan, depth, (size_t)(p - scan->text));
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
	const char *start = json_skip_space(scanner, text);

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
	behind = json_skip_space(&scanner, behind);
	if (behind < scanner.end) {
		json_unexpected(&scanner, behind);
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
		p = json_skip_space(scanner, p);
		if (p >= scanner->stop)
			return json_stopped(scanner, p, JSON_AT_START);
		scan->begin = (size_t)(p - scan->text);
	}
	if (scan->place != JSON_AT_END) {
		p = scan_parts(scanner, p, &scan->kind, scan);
		if (!p)
			return NULL;
		scan->value_length = (size_t)(p - scan->text) - scan->begin;
		scan->place = JSON_AT_END;
	}
	p = json_skip_space(scanner, p);
	if (p == scanner->end)
		return p;
	return p >= scanner->stop ? json_stopped(scanner, p, JSON_AT_END) : json_unexpected(scanner, p);
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
	const char *p = json_skip_space(&scanner, text);

	if (p == scanner.end || (*p != '[' && *p != '{')) {
		json_unexpected(&scanner, p);
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
	const char *p = json_skip_space(&scanner, walk->at);

	if (p < walk->end && *p == (walk->object ? '}' : ']')) {
		p = json_skip_space(&scanner, p + 1);
		if (p == walk->end)
			return 0;
		json_unexpected(&scanner, p);
		goto fail;
	}
	if (walk->begun) {
		if (p == walk->end || *p != ',') {
			json_unexpected(&scanner, p);
			goto fail;
		}
		p = json_skip_space(&scanner, p + 1);
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
