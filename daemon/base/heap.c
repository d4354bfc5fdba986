/* Timers and priorities: a binary heap whose nodes know their place, so that any of them can leave from the middle. */
#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "base/xmalloc.h"

#define HEAP_FIRST_ROOM 16

static bool goes_before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void place(struct heap *heap, struct heap_node *node, size_t at)
{
	heap->nodes[at] = node;
	node->index = (uint32_t)at + 1;
}

/* Moves NODE, for which position AT is free, up or down to where it belongs. */
static void settle(struct heap *heap, struct heap_node *node, size_t at)
{
	while (at > 0 && goes_before(node, heap->nodes[(at - 1) / 2])) {
		place(heap, heap->nodes[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < heap->count && goes_before(heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (child >= heap->count || !goes_before(heap->nodes[child], node))
			break;
		place(heap, heap->nodes[child], at);
		at = child;
	}
	place(heap, node, at);
}

void heap_init(struct heap *heap)
{
	*heap = (struct heap){ 0 };
}

void heap_fini(struct heap *heap)
{
	free(heap->nodes);
	heap_init(heap);
}

void heap_push(struct heap *heap, struct heap_node *node)
{
	assert(!heap_has(node));
	if (heap->count == heap->room) {
		heap->room = heap->room ? heap->room * 2 : HEAP_FIRST_ROOM;
		heap->nodes = xreallocarray(heap->nodes, heap->room, sizeof(*heap->nodes));
	}
	heap->count++;
	settle(heap, node, heap->count - 1);
}

struct heap_node *heap_pop(struct heap *heap)
{
	struct heap_node *top = heap_top(heap);

	if (top)
		heap_remove(heap, top);
	return top;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t at = (size_t)node->index - 1;

	assert(heap_has(node) && at < heap->count && heap->nodes[at] == node);
	struct heap_node *last = heap->nodes[--heap->count];
	node->index = 0;
	if (last != node)
		settle(heap, last, at);
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t key, uint64_t tie)
{
	node->key = key;
	node->tie = tie;
	if (heap_has(node))
		settle(heap, node, (size_t)node->index - 1);
	else
		heap_push(heap, node);
}
