/* See idmap.h. With a million tasks queued, a hash table of them costs several cache misses a task, since it has to look
 * into the tasks around to find its way; this costs less than one. */
#include "base/idmap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"

#define PAGE_BITS 5
#define PAGE_SIZE (1u << PAGE_BITS)

struct idmap_page {
	uint64_t number; /* of its ids, without their last bits */
	uint32_t count;
	void *values[PAGE_SIZE];
};

static uint64_t page_number(const void *value)
{
	const struct idmap_page *page = value;
	return page->number;
}

static struct idmap_page *page_find(const struct idmap *map, uint64_t id)
{
	uint64_t number = id >> PAGE_BITS;
	if (map->last && map->last->number == number)
		return map->last;
	return table_get(&map->pages, number);
}

void idmap_init(struct idmap *map)
{
	table_init(&map->pages, page_number);
	map->last = NULL;
}

void idmap_fini(struct idmap *map)
{
	size_t cursor = 0;
	struct idmap_page *page;
	while ((page = table_next(&map->pages, &cursor)))
		free(page);
	table_fini(&map->pages);
	map->last = NULL;
}

void *idmap_get(const struct idmap *map, uint64_t id)
{
	const struct idmap_page *page = page_find(map, id);
	return page ? page->values[id % PAGE_SIZE] : NULL;
}

void idmap_put(struct idmap *map, uint64_t id, void *value)
{
	struct idmap_page *page = page_find(map, id);
	if (!page) {
		page = xcalloc(1, sizeof(*page));
		page->number = id >> PAGE_BITS;
		table_put(&map->pages, page);
	}
	assert(value && !page->values[id % PAGE_SIZE]);
	page->values[id % PAGE_SIZE] = value;
	page->count++;
	map->last = page;
}

void idmap_remove(struct idmap *map, uint64_t id)
{
	struct idmap_page *page = page_find(map, id);
	assert(page && page->values[id % PAGE_SIZE]);
	page->values[id % PAGE_SIZE] = NULL;
	if (--page->count)
		return;
	table_remove(&map->pages, page->number);
	if (map->last == page)
		map->last = NULL;
	free(page);
}
