/* Futures by number: what a reply's id, or a finished task's, leads to. Open addressing, never more than half full. The
 * numbers are consecutive, or nearly so; multiplying by the golden ratio spreads just such numbers evenly. Taken as they
 * are they would lie side by side, and a removal would have to look through the whole row of them. */
#include <stdlib.h>

#include "client/client.h"

#define FIRST_SLOTS 64

static size_t home_of(const struct futures *futures, uint64_t number)
{
	return (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & futures->mask;
}

static size_t place(const struct futures *futures, uint64_t number)
{
	size_t at = home_of(futures, number);

	while (futures->slots[at].future && futures->slots[at].number != number)
		at = (at + 1) & futures->mask;
	return at;
}

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
		size_t home = home_of(futures, futures->slots[at].number);
		if (((at - home) & futures->mask) >= ((at - hole) & futures->mask)) {
			futures->slots[hole] = futures->slots[at];
			hole = at;
		}
	}
	futures->slots[hole].future = NULL;
	futures->count--;
	return f;
}

static int compare_slots(const void *a, const void *b)
{
	const struct futures_slot *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

size_t futures_sort(struct futures *futures)
{
	size_t n = 0;

	for (size_t i = 0; futures->slots && i <= futures->mask; i++)
		if (futures->slots[i].future)
			futures->slots[n++] = futures->slots[i];
	if (n > 0)
		qsort(futures->slots, n, sizeof(*futures->slots), compare_slots);
	return n;
}

void futures_free(struct futures *futures)
{
	free(futures->slots);
	*futures = (struct futures){ 0 };
}
