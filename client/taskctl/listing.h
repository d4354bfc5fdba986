/* What list shows, once or again and again. */
#ifndef TASKCTL_LISTING_H
#define TASKCTL_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define LIST_DEFAULT 100

struct field;
struct filter;
struct taskctl;

struct listing {
	const struct filter *filter;
	bool oldest; /* those first */
	size_t limit;
	const struct field *columns;
	const char *sort; /* a column, or NULL */
};

/* As many as that, and whether there are more. EXIT_FINE: *RECORDS is the caller's; else it has been reported. */
int listing_fetch(struct taskctl *ctl, const struct listing *listing, json_t **records, bool *more);
/* listing_watch.c: on a terminal, until Ctrl-C. LIMITED: the limit was asked for; else the screen's height is. */
int listing_watch(struct taskctl *ctl, const struct listing *listing, bool limited);

#endif
