/* What list and history show, once or again and again. */
#ifndef TASKCTL_LISTING_H
#define TASKCTL_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/taskctl/command.h"
#include "proto/methods.h"

#define LISTING_DEFAULT 100

struct field;
struct filter;
struct taskctl;

struct listing {
	enum method method; /* that gives a page */
	const struct filter *filter;
	const json_t *more_filter; /* further parameters, or NULL */
	bool oldest;               /* those first */
	size_t limit;
	const struct field *columns;
	const char *sort; /* a column, or NULL */
};

/* The options that say how it looks. */
struct listing_values {
	struct option_integer limit;
	int order; /* 1 + index of listing_orders */
	struct option_list columns;
	const char *sort;
};
extern const char *const listing_orders[];

#define LISTING_OPTION(VALUES, MEMBER, FIELD, NAME, TYPE, ARGUMENT, SUMMARY, ...)                                      \
	{ .name = NAME, .type = TYPE, .offset = offsetof(VALUES, MEMBER.FIELD), .argument = ARGUMENT,                  \
		.summary = SUMMARY, __VA_ARGS__ }
/* Needs records.h. */
#define LISTING_OPTIONS(VALUES, MEMBER)                                                                                \
	LISTING_OPTION(VALUES, MEMBER, limit, "limit", OPTION_INTEGER, "N", "at most so many (100); 0: all",           \
		.letter = 'n', .min = 0, .max = INT32_MAX),                                                            \
	LISTING_OPTION(VALUES, MEMBER, order, "order", OPTION_WORD, "ORDER", "newest (default) or oldest first",       \
		.complete = COMPLETE_WORDS, .words = listing_orders),                                                  \
	LISTING_OPTION(VALUES, MEMBER, columns, "columns", OPTION_LIST, "COLUMN",                                      \
		"these columns, with commas; \"help\" lists them", .letter = 'c', .complete = COMPLETE_WORDS,          \
		.words = column_names),                                                                                \
	LISTING_OPTION(VALUES, MEMBER, sort, "sort", OPTION_TEXT, "COLUMN",                                            \
		"sort what is shown by a column; -COLUMN: downwards", .complete = COMPLETE_WORDS,                      \
		.words = column_names)

/* Takes what VALUES say into LISTING, whose method, filters and usual columns the caller sets; listing_end frees what that
 * has made. EXIT_FINE, or it has been reported. */
int listing_begin(const struct taskctl *ctl, const struct listing_values *values, struct listing *listing);
void listing_end(const struct listing_values *values, struct listing *listing);
/* "help" was asked for: the columns are told, and that is all. */
bool listing_helps(const struct listing_values *values);
/* As many as that, and whether there are more. EXIT_FINE: *RECORDS is the caller's; else it has been reported. */
int listing_fetch(struct taskctl *ctl, const struct listing *listing, json_t **records, bool *more);
/* That as a table. */
int listing_print(struct taskctl *ctl, const struct listing *listing);
/* listing_watch.c: on a terminal, until Ctrl-C. LIMITED: the limit was asked for; else the screen's height is. */
int listing_watch(struct taskctl *ctl, const struct listing *listing, bool limited);

#endif
