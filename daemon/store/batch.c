/* What has come while the last transaction was being written. A task that is short starts and ends within one: then
 * its row need not be written twice. */
#include "store/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

void batch_free(struct batch *batch)
{
	free(batch->entries);
	free(batch->ends);
	*batch = (struct batch){ 0 };
}

static void ends_clear(struct batch *batch)
{
	if (batch->n_ends)
		memset(batch->ends, 0, batch->ends_room * sizeof(*batch->ends));
	batch->n_ends = 0;
}

void batch_clear(struct batch *batch)
{
	ends_clear(batch);
	batch->n = 0;
	batch->bytes = 0;
}

/* Where ID is in the set, or belongs. */
static uint64_t *place_of(const struct batch *batch, uint64_t id)
{
	size_t mask = batch->ends_room - 1, i = (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & mask;

	while (batch->ends[i] && batch->ends[i] != id)
		i = (i + 1) & mask;
	return &batch->ends[i];
}

static void ends_grow(struct batch *batch)
{
	struct batch larger = { .ends_room = batch->ends_room ? batch->ends_room * 2 : 512 };

	larger.ends = xcalloc(larger.ends_room, sizeof(*larger.ends));
	for (size_t i = 0; i < batch->ends_room; i++)
		if (batch->ends[i])
			*place_of(&larger, batch->ends[i]) = batch->ends[i];
	free(batch->ends);
	batch->ends = larger.ends;
	batch->ends_room = larger.ends_room;
}

static void ends_add(struct batch *batch, uint64_t id)
{
	if (batch->n_ends * 2 >= batch->ends_room)
		ends_grow(batch);
	uint64_t *place = place_of(batch, id);
	batch->n_ends += !*place;
	*place = id;
}

static bool is_end(const struct store_header *header)
{
	return header->message == STORE_TASK_END && header->id;
}

void batch_add(struct batch *batch, const struct store_header *header, size_t body)
{
	if (batch->n == batch->room) {
		batch->room = batch->room ? batch->room * 2 : 256;
		batch->entries = xreallocarray(batch->entries, batch->room, sizeof(*batch->entries));
	}
	batch->entries[batch->n++] = (struct batch_entry){ *header, body };
	batch->bytes += STORE_HEADER_SIZE + (size_t)header->length;
	if (is_end(header))
		ends_add(batch, header->id);
}

bool batch_is_open(const struct batch *batch)
{
	return batch->n && batch->entries[batch->n - 1].header.flags & STORE_CHAINED;
}

void batch_drop_open(struct batch *batch)
{
	if (!batch_is_open(batch))
		return;
	while (batch_is_open(batch))
		batch->n--;
	ends_clear(batch);
	for (size_t i = 0; i < batch->n; i++)
		if (is_end(&batch->entries[i].header))
			ends_add(batch, batch->entries[i].header.id);
}

bool batch_is_idle(const struct batch *batch, const struct batch_entry *entry)
{
	return entry->header.message == STORE_TASK_START && batch->n_ends &&
		*place_of(batch, entry->header.id) == entry->header.id;
}
