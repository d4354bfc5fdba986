/* Checks JSON text (RFC 8259) without building anything, and hands out where the parts of its top level are. So
 * arguments and results pass through the daemon as the bytes that they are: no tree, no memory, one pass.
 *
 * Strict: UTF-8 (no surrogates, no overlong forms), no NUL in strings (neither raw nor \u0000), numbers that fit 64
 * bits (signed integers) or a finite double and are of at most some 4,000 characters, nesting up to a limit without recursion. Duplicate keys pass: who looks for
 * members by name (rpc_read, params_read) refuses them. Nothing here allocates but json_string_dup, and a scan in pieces
 * for what it notes. */
#ifndef PROTO_JSON_SCAN_H
#define PROTO_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* --- the same in pieces --- */

/* Where a scan has stopped: what comes next, if not the end. Where white space may be, it may have begun. */
enum json_place {
	JSON_AT_START, /* the outermost value, not begun */
	JSON_AT_VALUE,
	JSON_AT_FIRST, /* behind an opening bracket */
	JSON_AT_NAME,
	JSON_IN_NAME,
	JSON_AT_COLON,
	JSON_IN_STRING,
	JSON_BEHIND, /* a value that is in something */
	JSON_AT_END, /* behind the outermost value */
};

/* Values, names and white space that take long to skip: JSON_LONG_LEAST bytes, and that share of the text, or more. */
#define JSON_LONG_LEAST 4096
#define JSON_LONG_SHARE 256
#define JSON_LONG_LEVELS 5 /* so deep the outer ones are noted */
struct json_long {
	size_t begin;
	size_t end; /* where the next thing begins; `begin`: it is not known */
};
struct json_longs {
	struct json_long *list; /* by `begin` */
	size_t n;
	size_t room;
};

/* A scan of a complete text that goes on for so many bytes at a time. Between two calls, the following is so:
 *
 * - Everything before `offset` has been looked at, nothing from there on has had an effect.
 * - What `place` says comes next. There are `depth` open brackets; `object`: the innermost is a brace; the outer ones are
 *   bits in `objects`, the innermost's own bit is not there yet.
 * - JSON_IN_STRING, JSON_IN_NAME: `string` is the offset of the opening quote, and the offset is not within an escape or
 *   a sequence of UTF-8. Numbers, literals, escapes and sequences are short, and never stopped in.
 * - `gap`: the offset of the white space that has begun; 0: none has.
 * - Each container of the outer levels that is open has an entry in `longs`, whose index is in `open`.
 * - No pointers into the text are kept: it may move.
 *
 * What comes of it is what json_scan says of the same text, the error and its offset included. */
struct json_scan {
	const char *text; /* of the call that goes on */
	size_t length;
	size_t offset;
	size_t begin;        /* of the value */
	size_t value_length; /* once it is known */
	size_t string;
	size_t gap;
	size_t long_least;
	size_t open[JSON_LONG_LEVELS];
	struct json_longs longs;
	enum json_place place;
	enum json_kind kind;
	int depth_limit;
	int any_number_depth;
	int depth;
	bool object;
	uint64_t objects[JSON_DEPTH_MAX / 64];
};
void json_scan_begin(struct json_scan *scan, size_t length, int depth_limit, int any_number_depth);
/* Goes on for BUDGET bytes (at least 1), and up to one number more. 1: there is more to do; 0: *value is all of the text
 * but white space; -1 with *error set. */
int json_scan_on(
	struct json_scan *scan, const char *text, size_t budget, struct json_span *value, struct json_error *error);
void json_scan_end(struct json_scan *scan);
/* While a text that was scanned in pieces is being read, json_next need not look through what is long in it. It is so in
 * this thread, until SCAN is NULL. */
void json_longs_use(const struct json_scan *scan, const char *text);

/* --- parts --- */

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
