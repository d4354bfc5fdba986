/* How a chunk of a map ended, and its part of the map's result. */
#ifndef EDGE_MAP_RESULT_H
#define EDGE_MAP_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct strbuf;
struct task;

struct chunk_end {
	size_t first; /* the index of its first item in the map */
	size_t count;
	uint64_t id;          /* its task's */
	struct bytes *result; /* an array of COUNT elements; NULL: it has not ended, or not well */
	char *error;          /* the error object's text, for all of its items */
	bool mixed;           /* the result's elements are {"result":…} or {"error":…} */
};

/* Notes how TASK, which has ended, did so. */
void chunk_end_take(struct chunk_end *end, const struct task *task);
void chunk_end_free(struct chunk_end *end);
/* The bytes that it keeps, or will have in a result with its errors in it (WRAPPED), whichever is known to be more. */
size_t chunk_end_cost(const struct chunk_end *end, bool wrapped);
/* Whether one of its items failed: then the first such error's object is put into ERROR. */
bool chunk_end_error(const struct chunk_end *end, struct strbuf *error);
/* Its elements of the result, with commas between them; WRAPPED: each as {"result":…} or {"error":…}. */
void chunk_end_write(struct strbuf *out, const struct chunk_end *end, bool wrapped);

#endif
