/* A B+ tree of which only the ends are ever taken away, so that nothing has to be balanced after a removal: a node goes
 * when it is empty. Nodes that fill up at an end are left full rather than split in the middle, so a queue that is used
 * as a fifo, a lifo or a deque has full nodes. Leaves hold messages; in the other nodes, an entry's place and priority
 * are not after those of anything below its child, and after all that is below the child before. */
#include "object/messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"

#define NODE_ROOM 31 /* makes a kilobyte, and an idle queue keeps one of them */

struct messages_node {
	uint16_t level; /* 0: a leaf */
	uint16_t first; /* where the entries begin: nothing is moved where one is taken from the front */
	uint16_t count;
	struct message at[NODE_ROOM];
};

void messages_init(struct messages *messages, bool by_priority)
{
	*messages = (struct messages){ .by_priority = by_priority };
}

void messages_fini(struct messages *messages)
{
	free(messages->root);
	messages->root = NULL;
}

/* --- nodes --- */
static struct messages_node *node_new(uint16_t level, uint16_t first)
{
	struct messages_node *node = xmalloc(sizeof(*node));

	node->level = level;
	node->first = first;
	node->count = 0;
	return node;
}

static struct message *node_at(struct messages_node *node, size_t i)
{
	return &node->at[node->first + i];
}

static bool is_before(const struct messages *messages, const struct message *a, const struct message *b)
{
	if (messages->by_priority && a->priority != b->priority)
		return a->priority > b->priority;
	return a->place < b->place;
}

/* How many entries of NODE are not after MESSAGE. It is looked for at the ends first, where most of them go. */
static size_t node_find(const struct messages *messages, struct messages_node *node, const struct message *message)
{
	size_t low = 0, high = node->count;

	if (high == 0 || !is_before(messages, message, node_at(node, high - 1)))
		return high;
	if (is_before(messages, message, node_at(node, 0)))
		return 0;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (is_before(messages, message, node_at(node, middle)))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void node_slide(struct messages_node *node, size_t first)
{
	memmove(&node->at[first], node_at(node, 0), node->count * sizeof(node->at[0]));
	node->first = (uint16_t)first;
}

/* There is room. At an end where there is none, all of it is made free at once, so that this is rare. */
static void node_insert(struct messages_node *node, size_t i, const struct message *entry)
{
	size_t end = (size_t)node->first + node->count;

	if (i == node->count) {
		if (end == NODE_ROOM)
			node_slide(node, 0);
	} else if (i == 0) {
		if (node->first == 0)
			node_slide(node, NODE_ROOM - node->count);
		node->first--;
	} else if (end < NODE_ROOM) {
		memmove(node_at(node, i + 1), node_at(node, i), (node->count - i) * sizeof(*entry));
	} else {
		node->first--;
		memmove(node_at(node, 0), node_at(node, 1), i * sizeof(*entry));
	}
	*node_at(node, i) = *entry;
	node->count++;
}

/* Moves what NODE has from I on into a new node. */
static struct messages_node *node_split(struct messages_node *node, size_t i)
{
	struct messages_node *right = node_new(node->level, 0);

	right->count = (uint16_t)(node->count - i);
	memcpy(right->at, node_at(node, i), right->count * sizeof(right->at[0]));
	node->count = (uint16_t)i;
	return right;
}

/* Inserts, and returns the right neighbour that NODE has got where it was full; else NULL. */
static struct messages_node *node_add(struct messages_node *node, size_t i, const struct message *entry)
{
	if (node->count < NODE_ROOM) {
		node_insert(node, i, entry);
		return NULL;
	}
	size_t at = i == 0 || i == NODE_ROOM ? i : NODE_ROOM / 2;
	struct messages_node *right = node_split(node, at);

	if (at == 0)
		node->first = NODE_ROOM - 1;
	if (i > at || i == NODE_ROOM)
		node_insert(right, i - at, entry);
	else
		node_insert(node, i, entry);
	return right;
}

/* --- the tree --- */
/* The right neighbour that NODE has got, or NULL. */
static struct messages_node *tree_insert(
	const struct messages *messages, struct messages_node *node, const struct message *message)
{
	size_t i = node_find(messages, node, message);

	if (node->level == 0)
		return node_add(node, i, message);
	if (i == 0) {
		node_at(node, 0)->place = message->place;
		node_at(node, 0)->priority = message->priority;
		i = 1;
	}
	struct messages_node *right = tree_insert(messages, node_at(node, i - 1)->child, message);

	if (!right)
		return NULL;
	struct message entry = *node_at(right, 0);

	entry.child = right;
	return node_add(node, i, &entry);
}

void messages_put(struct messages *messages, const struct message *message)
{
	if (!messages->root)
		messages->root = node_new(0, NODE_ROOM / 2);

	struct messages_node *left = messages->root, *right = tree_insert(messages, left, message);

	if (right) {
		struct message entry = *node_at(left, 0);

		messages->root = node_new(left->level + 1, NODE_ROOM / 2);
		entry.child = left;
		node_insert(messages->root, 0, &entry);
		entry = *node_at(right, 0);
		entry.child = right;
		node_insert(messages->root, 1, &entry);
	}
	messages->count++;
	messages->bytes += message->value->size;
}

/* Whether NODE is empty now. */
static bool tree_take(struct messages_node *node, bool last, struct message *out)
{
	struct message *entry = node_at(node, last ? node->count - 1u : 0);

	if (node->level == 0)
		*out = *entry;
	else if (tree_take(entry->child, last, out))
		free(entry->child);
	else
		return false;
	node->count--;
	if (!last)
		node->first++;
	return node->count == 0;
}

bool messages_take(struct messages *messages, bool last, struct message *out)
{
	if (messages->count == 0)
		return false;
	if (tree_take(messages->root, last, out))
		messages->root->first = NODE_ROOM / 2;
	while (messages->root->level > 0 && messages->root->count == 1) {
		struct messages_node *root = messages->root;

		messages->root = node_at(root, 0)->child;
		free(root);
	}
	messages->count--;
	messages->bytes -= out->value->size;
	return true;
}

static size_t tree_peek(struct messages_node *node, bool last, struct bytes **out, size_t count)
{
	size_t n = 0;

	for (size_t k = 0; k < node->count && n < count; k++) {
		struct message *entry = node_at(node, last ? node->count - 1 - k : k);

		if (node->level == 0)
			out[n++] = entry->value;
		else
			n += tree_peek(entry->child, last, out + n, count - n);
	}
	return n;
}

size_t messages_peek(const struct messages *messages, bool last, struct bytes **out, size_t count)
{
	return messages->root ? tree_peek(messages->root, last, out, count) : 0;
}

static void tree_clear(struct messages_node *node, void (*forget)(void *user, struct message *message), void *user)
{
	for (size_t i = 0; i < node->count; i++)
		if (node->level == 0)
			forget(user, node_at(node, i));
		else
			tree_clear(node_at(node, i)->child, forget, user);
	free(node);
}

void messages_clear(struct messages *messages, void (*forget)(void *user, struct message *message), void *user)
{
	struct messages_node *root = messages->root;

	messages->root = NULL;
	messages->count = 0;
	messages->bytes = 0;
	if (root)
		tree_clear(root, forget, user);
}
