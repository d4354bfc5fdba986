/* Operations that become one transaction. */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "store/record.h"

struct batch_entry {
	struct store_header header;
	size_t body; /* where in the inbox */
};
struct batch { /* zeroed: empty */
	struct batch_entry *entries;
	size_t n, room;
	size_t bytes;
	uint64_t *ends; /* a set of the tasks that have their END in here; 0: a free place */
	size_t n_ends, ends_room;
};

void batch_free(struct batch *batch);
void batch_clear(struct batch *batch);
void batch_add(struct batch *batch, const struct store_header *header, size_t body);
/* The last one belongs to one that has not come yet. */
bool batch_is_open(const struct batch *batch);
/* That one, and those that it belongs to, leave again. */
void batch_drop_open(struct batch *batch);
/* Nothing would ever see that ENTRY was done: the start of a task whose end is in here, too. */
bool batch_is_idle(const struct batch *batch, const struct batch_entry *entry);

#endif
