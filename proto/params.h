/* Typed parameters: a table says what a method takes, one function reads it, and rpc.discover, the completion and the
 * lints tell it on. */
#ifndef PROTO_PARAMS_H
#define PROTO_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/json_scan.h"

enum param_type {
	PARAM_STRING,   /* char * (malloc'ed); NULL when absent */
	PARAM_BOOL,     /* bool */
	PARAM_INT,      /* int64_t, within min…max */
	PARAM_DURATION, /* int64_t ns: a number of seconds, or "1.5s", "30m"; absent: -1 */
	PARAM_SIZE,     /* int64_t bytes: a number, or "64M"; absent: -1 */
	PARAM_ID,       /* uint64_t: a task's id, as a string or a number; absent: 0 */
	PARAM_IDS,      /* struct param_ids: one id or an array of them */
	PARAM_STRINGS,  /* struct param_strings: one string or an array of them */
	PARAM_ENUM,     /* int: the index of one of `words`; absent: -1 */
	PARAM_ARGS,     /* struct json_span: an array or an object, unread */
	PARAM_ARRAY,    /* struct json_span: an array, unread */
	PARAM_ANY,      /* struct json_span: any value, unread */
	PARAM_NUMBER,   /* double, within min…max; absent: what `otherwise` says */
	PARAM_TIME,     /* int64_t ns since 1970: an RFC 3339 time, "2026-11-22T18:00:00+01:00"; absent: INT64_MIN */
	PARAM_MOMENT,   /* struct param_moment: an RFC 3339 time, or a duration from or before now */
	PARAM_REFS,     /* struct param_refs: one of, or an array of ids and labels */
	PARAM_COUNT,    /* int64_t, 0…max; absent: -1 */
	PARAM_TEXT,     /* struct json_span: a string, unread */
	PARAM_OBJECT,   /* struct json_span: an object, unread */
	PARAM_NAME,     /* struct param_name: a string of 1…max bytes without control characters; absent: length 0 */
	PARAM_MAYBE,    /* int: 1 for true, 0 for false; absent: -1 */
	PARAM_PERMITS,  /* struct param_permits: names, or an object of names and how many permits */
};

struct param_moment {
	bool given;
	bool wall;  /* ns since 1970; else a duration */
	int64_t ns;
};
/* A task that was submitted before, or a label in the same batch. */
struct param_ref {
	uint64_t id; /* 0: label */
	char *label; /* malloc'ed; NULL: id */
};
struct param_refs {
	struct param_ref *refs; /* malloc'ed */
	size_t count;
};
/* Whether TEXT can name a task in a batch: a letter or "_", then letters, digits, "_" and "-"; so it is no id. */
bool param_is_label(const char *text);

/* So many are read: up to one more than any method takes. */
#define PARAM_IDS_MOST 100001
struct param_ids {
	uint64_t *ids; /* malloc'ed */
	size_t count;
};
struct param_strings {
	char **strings; /* malloc'ed, and each */
	size_t count;
};

struct param_name {
	const char *data; /* within the text of the parameters, or: */
	size_t length;
	char *owned; /* malloc'ed, where that has escapes */
};

/* Permits of a semaphore. */
struct param_permit {
	char *name;    /* malloc'ed */
	int64_t count; /* 1… */
	int64_t slots; /* how many there are; -1: not said */
};
struct param_permits {
	struct param_permit *permits; /* malloc'ed */
	size_t count;
};

struct param_spec {
	const char *name; /* NULL ends a table */
	enum param_type type;
	bool required;
	size_t offset;            /* in the method's struct of parameters */
	int64_t min, max;         /* PARAM_INT, PARAM_NUMBER: both 0: no bounds; PARAM_COUNT: max, 0: none; PARAM_NAME,
				   * PARAM_PERMITS, PARAM_STRING, PARAM_STRINGS: max in bytes, 0: none; PARAM_REFS: how many; PARAM_DURATION, PARAM_SIZE: min 1:
				   * more than 0 */
	const char *const *words; /* PARAM_ENUM, and PARAM_STRINGS that are such words: ends with NULL */
	size_t count;             /* PARAM_STRINGS, PARAM_PERMITS: at most so many; 0: 64 */
	bool array;               /* PARAM_STRINGS: one alone has to be in an array, too */
	bool names;               /* PARAM_STRINGS: each as a PARAM_NAME */
	double otherwise;         /* PARAM_NUMBER: when absent */
	const char *summary;      /* one line */
};

/* Reads PARAMS (an object, or an array in the table's order, or kind JSON_NONE for none) into the zeroed struct at OUT,
 * absent ones as told above; null is as absent, where the parameter may be and is not PARAM_ANY. -1: the reason is in
 * ERROR ("unknown parameter \"prioritty\": did you mean \"priority\"?"), and OUT is freed already. Spans point into
 * the text of PARAMS. */
int params_read(
	const struct param_spec *specs, const struct json_span *params, void *out, char *error, size_t error_size);
/* Frees what params_read allocated in OUT. */
void params_free(const struct param_spec *specs, void *out);
/* "string", "duration", … for documents; never NULL. */
const char *param_type_name(enum param_type type);
/* The JSON Schema of what a parameter may be. */
struct strbuf;
void param_schema(struct strbuf *out, const struct param_spec *spec);

#endif
