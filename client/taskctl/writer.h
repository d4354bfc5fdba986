/* The one way to stdout. A command says what it has; the writer puts it as text for people, or as JSON for programs:
 * with --json one value, or one value a line where it streams. */
#ifndef TASKCTL_WRITER_H
#define TASKCTL_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* How a member of a record is shown to people. */
enum cell {
	CELL_TEXT,     /* a string as it is; an array's elements with commas between them */
	CELL_NUMBER,   /* to the right */
	CELL_STATE,    /* a word that has a colour */
	CELL_AGO,      /* a time: "3s ago" */
	CELL_ELAPSED,  /* from the time there to the record's "ended_at", or to now */
	CELL_SECONDS,  /* "1.23s" */
	CELL_SIZE,     /* bytes: "1.5 MiB" */
	CELL_FRACTION, /* 0…1: "50%" */
	CELL_TASKS,    /* "2 tasks" */
	CELL_OBJECT,   /* {"lock": "db"}: "lock db"; {"gpu": {"count": 2, "slots": 4}}: "gpu=2/4" */
	CELL_JSON,     /* compact JSON */
};

struct field {
	const char *title; /* NULL ends the list */
	const char *path;  /* the member, or "member.member" */
	enum cell cell;
	bool shrinks;  /* the column that gives way where the terminal is narrow */
	bool optional; /* the column is left out where no record has it */
};

struct writer {
	const struct writer_ops *ops;
	bool terminal; /* stdout is one */
	bool color;
	bool raw; /* strings that are results go without quotes */
};

struct writer_ops {
	/* A task's result: JSON text, on a line of its own. */
	void (*value)(const struct writer *writer, const char *json, size_t length);
	/* The result of a map's item. */
	void (*item)(const struct writer *writer, size_t index, const char *json, size_t length);
	/* TEXT for people, VALUE for programs. Borrows both. */
	void (*sentence)(const struct writer *writer, const json_t *value, const char *text);
	/* One object, a member a line. */
	void (*record)(const struct writer *writer, const struct field *fields, const json_t *record);
	/* An array of objects, one a line. */
	void (*table)(const struct writer *writer, const struct field *fields, const json_t *records);
};
extern const struct writer_ops writer_text, writer_json;

/* Writes JSON text without the white space between its tokens. */
void write_compact(const char *json, size_t length);
/* Everything is flushed at the end of a value, as it may be the last for a long time. Where stdout is gone, the program
 * ends: quietly where its reader went away, with an error where it could not be written. */
void write_flush(void);

/* cell.c: a member as people read it: malloc'ed; NULL where the record does not have it. */
char *cell_text(const struct field *field, const json_t *record);
/* The member itself; NULL where the record does not have it. */
const json_t *cell_value(const struct field *field, const json_t *record);
/* How the members of two records that have them are in order: negative, 0, positive. */
int cell_compare(const struct field *field, const json_t *a, const json_t *b);
/* The escape sequence to show it in, or NULL. */
const char *cell_color(const struct field *field, const json_t *record);
/* "3s", "2h" since a time in RFC 3339, or until it; -1 where it is none. */
int64_t time_parse_ns(const char *text);

#endif
