/* Strings that a handler asks for must not move while it runs, and go all at once afterwards. The first two kilobytes
 * cost nothing; what does not fit gets a block of its own. */
#include <stdlib.h>

#include "worker/call.h"

struct arena_block {
	struct arena_block *next;
	char data[];
};

void arena_init(struct arena *arena)
{
	arena->blocks = NULL;
	arena->used = 0;
}

char *arena_alloc(struct arena *arena, size_t size)
{
	if (size <= sizeof(arena->first) - arena->used) {
		char *room = arena->first + arena->used;
		arena->used += size;
		return room;
	}
	if (size > SIZE_MAX - sizeof(struct arena_block))
		return NULL;
	struct arena_block *block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

void arena_reset(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;
		arena->blocks = block->next;
		free(block);
	}
	arena->used = 0;
}
