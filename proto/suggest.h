/* "Did you mean": the nearest of some words. */
#ifndef PROTO_SUGGEST_H
#define PROTO_SUGGEST_H

#include <stddef.h>

/* Offers words one at a time; the best so far is kept. */
struct suggest {
	const char *wanted;
	const char *best; /* NULL while none is near enough (a third of its letters, at least one), or cut off behind its half */
	size_t distance;
};
void suggest_begin(struct suggest *suggest, const char *wanted);
void suggest_offer(struct suggest *suggest, const char *word);

#endif
