/* What comes of a map's chunk: an array of results, or, from the first failure on, of objects that say which of the two
 * they are (LANE_FLAG_MIXED). */
#ifndef WORKER_CHUNK_H
#define WORKER_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf;

struct chunk {
	struct strbuf *out; /* borrowed */
	size_t start; /* where the item that runs has its place */
	bool begun;
	bool mixed;
};

/* OUT is empty. */
void chunk_begin(struct chunk *chunk, struct strbuf *out);
/* One more item: its result is to be written to `out`, and then one of the next two called. */
void chunk_item(struct chunk *chunk);
void chunk_succeeded(struct chunk *chunk);
/* What it has written is forgotten. CODE as on the wire, since nobody behind this looks into the elements; DATA is JSON, or
 * length 0. False: there is no memory. */
bool chunk_failed(struct chunk *chunk, int code, const char *message, const char *data, size_t data_length)
	__attribute__((warn_unused_result));
void chunk_end(struct chunk *chunk);

#endif
