/* Futures by number: what a reply's id, or a finished task's, leads to. Open addressing, with the number itself for a
 * hash: request ids are consecutive, so they lie side by side and hardly ever meet, and one that stays outstanding for
 * hours costs its neighbours a step. */
#include <stdlib.h>

#include "client/client.h"

#define FIRST_SLOTS 64

static size_t place(const struct futures *futures, uint64_t number)
{
	size_t at = (size_t)number & futures->mask;

	while (futures->slots[at].future && futures->slots[at].number != number)
		at = (at + 1) & futures->mask;
	return at;
}

/* Never more than half full. */
static int grow(struct futures *futures)
{
	size_t old = futures->slots ? futures->mask + 1 : 0;
	size_t room = old ? old * 2 : FIRST_SLOTS;
	struct futures bigger = { .mask = room - 1, .count = futures->count };

	bigger.slots = calloc(room, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < old; i++)
		if (futures->slots[i].future)
			bigger.slots[place(&bigger, futures->slots[i].number)] = futures->slots[i];
	free(futures->slots);
	*futures = bigger;
	return 0;
}

int futures_put(struct futures *futures, uint64_t number, struct taskd_future *f)
{
	if ((!futures->slots || futures->count > futures->mask / 2) && grow(futures) < 0)
		return -1;
	struct futures_slot *slot = &futures->slots[place(futures, number)];
	if (slot->future)
		return -1;
	*slot = (struct futures_slot){ number, f };
	futures->count++;
	return 0;
}

struct taskd_future *futures_take(struct futures *futures, uint64_t number)
{
	if (!futures->slots)
		return NULL;
	size_t hole = place(futures, number);
	struct taskd_future *f = futures->slots[hole].future;
	if (!f)
		return NULL;
	/* Those behind it that were pushed on by others move up, so that no search stops short of them. */
	for (size_t at = (hole + 1) & futures->mask; futures->slots[at].future; at = (at + 1) & futures->mask) {
		size_t home = (size_t)futures->slots[at].number & futures->mask;
		if (((at - home) & futures->mask) >= ((at - hole) & futures->mask)) {
			futures->slots[hole] = futures->slots[at];
			hole = at;
		}
	}
	futures->slots[hole].future = NULL;
	futures->count--;
	return f;
}

void futures_free(struct futures *futures)
{
	free(futures->slots);
	*futures = (struct futures){ 0 };
}
