/* A search for circles, of deadlock.c and hope.c. */
#ifndef OBJECT_SEARCH_H
#define OBJECT_SEARCH_H

#include "object/internal.h"

STAILQ_HEAD(object_who_queue, object_who);
STAILQ_HEAD(object_search_queue, object);

struct search {
	uint64_t mark;
	int round;
	struct object *object; /* what WAIT is to wait for: it stands in its line, at the end */
	struct object_wait *wait;
	struct object_who *parent;          /* who keeps WAIT waiting; NULL: nobody who waits for WAIT's, so far */
	bool is_certain;                    /* only locks were met */
	struct object_who_queue todo;       /* they are lost: what follows from that has not been looked at */
	struct object_who_queue found;      /* all of the first round */
	struct object_search_queue objects; /* what these have or wait for */
};

struct object_search *search_at(struct search *search, struct object *object);
/* The task within which WHO's owner runs, or NULL. */
const struct object_owner *search_task(const struct object_who *who);
/* Tells of those who were found whether they have hope, and up to whom each line will be served. True: WAIT will be. */
bool search_hope(struct search *search);

#endif
