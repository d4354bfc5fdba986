/* What the files of the scanner share: the state of a scan, its tokens, and what is noted of long ones. */
#ifndef PROTO_JSON_SCANNER_H
#define PROTO_JSON_SCANNER_H

#include "proto/json_scan.h"

#define JSON_NUMBER_LIMIT 4096 /* characters; the longest exact double has less than 1100 */
#define JSON_SHORT_GAP 64      /* white space that is not worth a note */

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

static inline const char *json_fail(struct scanner *scanner, const char *where, const char *reason)
{
	scanner->where = where;
	scanner->reason = reason;
	return NULL;
}

static inline const char *json_skip_space(struct scanner *scanner, const char *p)
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

static inline bool json_is_digit(const char *p, const char *end)
{
	return p < end && (unsigned char)(*p - '0') < 10;
}

static inline const char *json_skip_digits(const char *p, const char *end)
{
	while (json_is_digit(p, end))
		p++;
	return p;
}

/* --- json_token.c --- */

/* Why the byte at P is not what the grammar wants there. NULL, as from all that fails. */
const char *json_unexpected(struct scanner *scanner, const char *p);
/* The stop has been reached: a pause, unless that is the end, where something was to come. */
const char *json_stopped(struct scanner *scanner, const char *p, enum json_place place);
/* A number that begins at START has too many characters. */
const char *json_too_long(struct scanner *scanner, const char *start);
/* P is behind the opening quote, or further on; what follows the closing one. PLACE: where to go on after a pause. */
const char *json_token_string(struct scanner *scanner, const char *p, enum json_place place);
/* P is behind the digits before the point. No more than up to LIMIT need be looked at. */
const char *json_token_fraction(struct scanner *scanner, const char *p, const char *start, const char *limit, bool measured);
const char *json_token_literal(struct scanner *scanner, const char *p, const char *literal, size_t length);
/* So many digits are a number of 64 bits. */
bool json_integer_fits(const char *digits, size_t length, bool negative);

/* --- json_note.c: what is long, in a scan of pieces --- */

/* False without memory: it will be skipped the long way. */
bool json_note(struct json_scan *scan, size_t begin, size_t end);
/* A bracket at OFFSET, so many levels deep. What lies in it is noted behind it. */
void json_note_open(struct json_scan *scan, int depth, size_t offset);
void json_note_close(struct json_scan *scan, int depth, size_t offset);
/* White space from P to BEHIND, which may go on. */
void json_note_gap(struct json_scan *scan, const struct scanner *scanner, const char *p, const char *behind);

#endif
