/* Checks JSON text (RFC 8259) without building anything, and hands out where the parts of its top level are. So
 * arguments and results pass through the daemon as the bytes that they are: no tree, no memory, one pass.
 *
 * Strict: UTF-8 (no surrogates, no overlong forms), no NUL in strings (neither raw nor \u0000), numbers that fit 64
 * bits (integers) or a finite double, nesting up to a limit without recursion. Duplicate keys are found at the top
 * level (json_members) only. */
#ifndef PROTO_JSON_SCAN_H
#define PROTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_LIMIT 512

enum json_kind { JSON_NONE, JSON_SPAN_NULL, JSON_SPAN_BOOL, JSON_SPAN_INTEGER, JSON_SPAN_REAL, JSON_SPAN_STRING, JSON_SPAN_ARRAY, JSON_SPAN_OBJECT };

/* A value's text, within the scanned buffer, without surrounding white space. */
struct json_span {
	const char *text;
	size_t length;
	enum json_kind kind;
};

struct json_error {
	size_t offset;      /* where it went wrong */
	const char *reason; /* static: "unexpected character", "invalid UTF-8", "nested too deeply", … */
};

/* One value, alone but for white space. 0, or -1 with *error set. `has_newline` (may be NULL): whether there is a CR or LF
 * between its tokens, which does not fit a line of its own. */
int json_scan(const char *text, size_t length, struct json_span *value, bool *has_newline, struct json_error *error);

/* One value at the start of the text, followed by anything: *used is how much it takes. */
int json_scan_prefix(const char *text, size_t length, struct json_span *value, size_t *used, struct json_error *error);

/* Walks the elements of an array, or the members of an object, that was scanned: *cursor starts at 0. 1: one more;
 * 0: the end. `name` is the member's string with its quotes and escapes; NULL may be given for arrays. The text is
 * trusted (json_scan has passed it). */
int json_next(const struct json_span *container, size_t *cursor, struct json_span *name, struct json_span *value);
size_t json_count(const struct json_span *container);
/* Whether a string span, unescaped, is NAME. */
bool json_string_is(const struct json_span *string, const char *name);
/* A string span's text, unescaped; malloc'ed and terminated; NULL without memory. */
char *json_string_dup(const struct json_span *string, size_t *length);
/* An integer span's value; false where it is no integer. */
bool json_integer(const struct json_span *span, long long *value);

#endif
