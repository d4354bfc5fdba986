/* A hash table from 64-bit numbers, or from byte strings that the values own, to pointers. Open addressing,
 * doubling at 3/4; removal leaves no tombstones (backward shift). 8 to 22 bytes an element. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys are read out of the values: no copy is kept. */
typedef uint64_t table_key_fn(const void *value);

struct table {
	void **slots;
	size_t count;
	size_t room; /* a power of two, or 0 */
	table_key_fn *key_of;
};

void table_init(struct table *table, table_key_fn *key_of);
void table_fini(struct table *table);
void *table_get(const struct table *table, uint64_t key);
/* The key must not be in the table. */
void table_put(struct table *table, void *value);
/* The value taken out; NULL where the key is not in the table. */
void *table_remove(struct table *table, uint64_t key);
/* Visits every value in no order: start with *cursor = 0; NULL at the end. The table must not change meanwhile. */
void *table_next(const struct table *table, size_t *cursor);

/* A 64-bit hash of bytes (seeded per process, so that names cannot be chosen to collide). */
uint64_t table_hash(const void *data, size_t size);

/* The same, keyed by byte strings. Values that share a 64-bit hash are told apart by `equals`. */
typedef bool names_equal_fn(const void *value, const char *name, size_t length);
typedef uint64_t names_hash_fn(const void *value); /* must be table_hash of the value's name */
struct names {
	void **slots;
	size_t count;
	size_t room;
	names_hash_fn *hash_of;
	names_equal_fn *equals;
};
void names_init(struct names *names, names_hash_fn *hash_of, names_equal_fn *equals);
void names_fini(struct names *names);
void *names_get(const struct names *names, const char *name, size_t length);
void names_put(struct names *names, void *value);
void *names_remove(struct names *names, const char *name, size_t length);
void *names_next(const struct names *names, size_t *cursor);

#endif
