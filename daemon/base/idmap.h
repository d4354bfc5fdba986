/* From numbers that are given out one after the other to pointers: for ids, of which most of a neighbourhood live at the
 * same time. Numbers stand in pages of 32, found through a table; neighbours share a cache line, nothing is probed, and
 * what a number stands for is never looked at. About 9 bytes an element where they stand close, at most about 300. */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include "base/table.h"

struct idmap_page;

struct idmap {
	struct table pages;
	struct idmap_page *last; /* the page that was used last, or NULL */
};

void idmap_init(struct idmap *map);
/* Frees the map's own memory. */
void idmap_fini(struct idmap *map);
/* NULL where ID is not in the map. */
void *idmap_get(const struct idmap *map, uint64_t id);
/* ID must not be in the map; VALUE is not NULL. */
void idmap_put(struct idmap *map, uint64_t id, void *value);
/* ID must be in the map. */
void idmap_remove(struct idmap *map, uint64_t id);

#endif
