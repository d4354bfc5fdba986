/* Checks JSON text (RFC 8259) without building anything, and hands out where the parts of its top level are. So
 * arguments and results pass through the daemon as the bytes that they are: no tree, no memory, one pass.
 *
 * Strict: UTF-8 (no surrogates, no overlong forms), no NUL in strings (neither raw nor \u0000), numbers that fit 64
 * bits (signed integers) or a finite double, nesting up to a limit without recursion. Duplicate keys pass: who looks for
 * members by name (rpc_read, params_read) refuses them. Nothing here allocates but json_string_dup. */
#ifndef PROTO_JSON_SCAN_H
#define PROTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_LIMIT 512 /* of what others send */
#define JSON_DEPTH_MAX 1024  /* of what taskd sends: their values, with something around them */

enum json_kind {
	JSON_NONE,
	JSON_SPAN_NULL,
	JSON_SPAN_BOOL,
	JSON_SPAN_INTEGER,
	JSON_SPAN_REAL,
	JSON_SPAN_STRING,
	JSON_SPAN_ARRAY,
	JSON_SPAN_OBJECT
};

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

/* The same with a limit on nesting of its own, up to JSON_DEPTH_MAX, and numbers of any size let through where they are
 * so many levels deep (-1: nowhere): a request's id need not be a number that anyone could count with. */
int json_scan_with(const char *text, size_t length, int depth_limit, int any_number_depth, struct json_span *value,
	size_t *used, struct json_error *error);

/* Walks an array or an object that nobody has scanned yet, scanning each value on the way. Values that are numbers
 * may be of any size; nested ones may not. */
struct json_walk {
	const char *text; /* offsets count from here */
	const char *at;
	const char *end;
	int depth_limit; /* of each value */
	bool object;
	bool begun;
};
/* Finds the bracket behind white space. 0; -1 with *error set where there is none. */
int json_walk_begin(struct json_walk *walk, const char *text, size_t length, int depth_limit, struct json_error *error);
/* 1: one more (`name` only for objects; may be NULL for arrays); 0: the end, and nothing but white space behind it;
 * -1 with *error set. */
int json_walk_next(struct json_walk *walk, struct json_span *name, struct json_span *value, struct json_error *error);

/* Walks the elements of an array, or the members of an object, that was scanned: *cursor starts at 0. 1: one more;
 * 0: the end. `name` is the member's string with its quotes and escapes; NULL may be given for arrays. The text is
 * trusted (json_scan has passed it). */
int json_next(const struct json_span *container, size_t *cursor, struct json_span *name, struct json_span *value);
size_t json_count(const struct json_span *container);
/* Whether a string span, unescaped, is NAME. */
bool json_string_is(const struct json_span *string, const char *name);
/* Unescapes a string span into ROOM bytes at OUT and terminates it; false where they are too few. */
bool json_string_copy(const struct json_span *string, char *out, size_t room, size_t *length);
/* A string span's text, unescaped; malloc'ed and terminated; NULL without memory. `length` may be NULL. */
char *json_string_dup(const struct json_span *string, size_t *length);
/* An integer span's value; false where it is no integer. The short name is jansson's too: both in one program would be one
 * function, so it is here only for files that do not use jansson (which they include first). */
bool json_span_integer(const struct json_span *span, long long *value);
#ifndef JANSSON_H
#define json_integer json_span_integer
#endif

#endif
