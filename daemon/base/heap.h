/* A binary heap of nodes that live inside other structures and know their index, so that any one of them can be
 * removed or moved in logarithmic time. The smallest key is on top; equal keys come out in an unspecified order,
 * so callers who need first come first served put a sequence number into `tie`. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint64_t tie;
	uint32_t index; /* 0: in no heap; else position + 1 */
};

struct heap {
	struct heap_node **nodes;
	size_t count;
	size_t room;
};

void heap_init(struct heap *heap);
/* Frees the array, not the nodes. */
void heap_fini(struct heap *heap);
static inline bool heap_has(const struct heap_node *node) { return node->index != 0; }
/* NULL when empty. */
static inline struct heap_node *heap_top(const struct heap *heap) { return heap->count ? heap->nodes[0] : NULL; }
/* The node must be in no heap. */
void heap_push(struct heap *heap, struct heap_node *node);
/* Takes the top out; NULL when empty. */
struct heap_node *heap_pop(struct heap *heap);
/* The node must be in this heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* Changes key and tie of a node, which may or may not be in the heap yet. */
void heap_set(struct heap *heap, struct heap_node *node, int64_t key, uint64_t tie);

#define heap_entry(node, type, member) ((type *)((char *)(node) - offsetof(type, member)))

#endif
