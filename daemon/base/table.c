/* Finding things by number or by name. Both tables are the same open addressing over one array of pointers: the keys
 * are read out of the values, so that an element costs no allocation and no more than its pointer. */
#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/xmalloc.h"

#define FIRST_ROOM 16
#define NOWHERE SIZE_MAX

/* --- the array that both share; KEY_OF gives the number or the hash --- */

/* Where a key would like to be: the top bits of its multiple by the golden ratio, which spreads consecutive numbers
 * evenly. */
static size_t home_of(uint64_t key, size_t room)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (__builtin_clzll(room) + 1));
}

static void slots_place(void **slots, size_t room, void *value, uint64_t key)
{
	size_t at = home_of(key, room);

	while (slots[at])
		at = (at + 1) & (room - 1);
	slots[at] = value;
}

static void slots_resize(void ***slots, size_t *room, size_t new_room, table_key_fn *key_of)
{
	void **fresh = xcalloc(new_room, sizeof(*fresh));

	for (size_t i = 0; i < *room; i++) {
		void *value = (*slots)[i];

		if (value)
			slots_place(fresh, new_room, value, key_of(value));
	}
	free(*slots);
	*slots = fresh;
	*room = new_room;
}

static void slots_grow(void ***slots, size_t *room, size_t count, table_key_fn *key_of)
{
	if (*room == 0)
		slots_resize(slots, room, FIRST_ROOM, key_of);
	else if (count >= *room / 4 * 3)
		slots_resize(slots, room, *room * 2, key_of);
}

/* Empties position AT, and moves back what had to step over it. */
static void slots_empty(void **slots, size_t room, size_t at, table_key_fn *key_of)
{
	for (size_t next = (at + 1) & (room - 1); slots[next]; next = (next + 1) & (room - 1)) {
		size_t home = home_of(key_of(slots[next]), room);

		/* It may move to AT unless its home lies behind AT, cyclically. */
		if (((next - home) & (room - 1)) >= ((next - at) & (room - 1))) {
			slots[at] = slots[next];
			at = next;
		}
	}
	slots[at] = NULL;
}

/* A table that held a million once does not keep their room for ever. */
static void slots_shrink(void ***slots, size_t *room, size_t count, table_key_fn *key_of)
{
	if (*room > FIRST_ROOM && count < *room / 8)
		slots_resize(slots, room, *room / 2, key_of);
}

static void *slots_next(void **slots, size_t room, size_t *cursor)
{
	while (*cursor < room) {
		void *value = slots[(*cursor)++];

		if (value)
			return value;
	}
	return NULL;
}

/* --- by number --- */

void table_init(struct table *table, table_key_fn *key_of)
{
	*table = (struct table){ .key_of = key_of };
}

void table_fini(struct table *table)
{
	free(table->slots);
	table_init(table, table->key_of);
}

static size_t table_at(const struct table *table, uint64_t key)
{
	if (table->count == 0)
		return NOWHERE;
	for (size_t at = home_of(key, table->room); table->slots[at]; at = (at + 1) & (table->room - 1))
		if (table->key_of(table->slots[at]) == key)
			return at;
	return NOWHERE;
}

void *table_get(const struct table *table, uint64_t key)
{
	size_t at = table_at(table, key);

	return at == NOWHERE ? NULL : table->slots[at];
}

void table_put(struct table *table, void *value)
{
	slots_grow(&table->slots, &table->room, table->count, table->key_of);
	slots_place(table->slots, table->room, value, table->key_of(value));
	table->count++;
}

void *table_remove(struct table *table, uint64_t key)
{
	size_t at = table_at(table, key);

	if (at == NOWHERE)
		return NULL;
	void *value = table->slots[at];
	slots_empty(table->slots, table->room, at, table->key_of);
	table->count--;
	slots_shrink(&table->slots, &table->room, table->count, table->key_of);
	return value;
}

void *table_next(const struct table *table, size_t *cursor)
{
	return slots_next(table->slots, table->room, cursor);
}

/* --- by name --- */

void names_init(struct names *names, names_hash_fn *hash_of, names_equal_fn *equals)
{
	*names = (struct names){ .hash_of = hash_of, .equals = equals };
}

void names_fini(struct names *names)
{
	free(names->slots);
	names_init(names, names->hash_of, names->equals);
}

static size_t names_at(const struct names *names, const char *name, size_t length)
{
	if (names->count == 0)
		return NOWHERE;
	uint64_t hash = table_hash(name, length);
	for (size_t at = home_of(hash, names->room); names->slots[at]; at = (at + 1) & (names->room - 1))
		if (names->hash_of(names->slots[at]) == hash && names->equals(names->slots[at], name, length))
			return at;
	return NOWHERE;
}

void *names_get(const struct names *names, const char *name, size_t length)
{
	size_t at = names_at(names, name, length);

	return at == NOWHERE ? NULL : names->slots[at];
}

void names_put(struct names *names, void *value)
{
	slots_grow(&names->slots, &names->room, names->count, names->hash_of);
	slots_place(names->slots, names->room, value, names->hash_of(value));
	names->count++;
}

void *names_remove(struct names *names, const char *name, size_t length)
{
	size_t at = names_at(names, name, length);

	if (at == NOWHERE)
		return NULL;
	void *value = names->slots[at];
	slots_empty(names->slots, names->room, at, names->hash_of);
	names->count--;
	slots_shrink(&names->slots, &names->room, names->count, names->hash_of);
	return value;
}

void *names_next(const struct names *names, size_t *cursor)
{
	return slots_next(names->slots, names->room, cursor);
}

/* --- the hash: SipHash-1-3, seeded once per process --- */

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t seed[2];

/* Before main, so that threads never race for it. */
static void __attribute__((constructor)) draw_seed(void)
{
	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
		struct timespec now; /* early at boot: weak, but not the same everywhere */

		clock_gettime(CLOCK_REALTIME, &now);
		seed[0] = (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)(uintptr_t)&now;
		seed[1] = (uint64_t)now.tv_sec;
	}
}

uint64_t table_hash(const void *data, size_t size)
{
	const unsigned char *p = data;
	uint64_t v[4] = {
		seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573),
	};
	uint64_t word;
	size_t left = size;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	if (left)
		memcpy(&word, p, left);
	word |= (uint64_t)size << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
