/* The messages of one queue in the order in which they are taken: a tree of small sorted arrays. Put anywhere, take
 * from both ends; each is logarithmic with a base of dozens, and close to constant at the ends. What was taken can be
 * put again and comes to its very place, since that is its key. 36 bytes a message beside its value, 72 at worst. */
#ifndef OBJECT_MESSAGES_H
#define OBJECT_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes;
struct messages_node;

struct message {
	union {
		struct bytes *value;         /* a reference, of whoever has the message */
		struct messages_node *child; /* messages.c only */
	};
	void *payer; /* whose account it is on; not looked at here */
	int64_t place;
	int32_t priority;
	uint32_t deliveries;
};

struct messages {
	struct messages_node *root; /* NULL: there has been none yet */
	size_t count;
	size_t bytes;     /* of their values */
	bool by_priority; /* the highest priority first, then the smallest place; else the smallest place alone */
};

void messages_init(struct messages *messages, bool by_priority);
/* Takes the reference. No other message in there may have its place. */
void messages_put(struct messages *messages, const struct message *message);
/* The first, or with LAST the last, into *OUT, whose reference is the caller's now. False: there is none. */
bool messages_take(struct messages *messages, bool last, struct message *out);
/* The values of the first COUNT, or from the last backwards, borrowed; how many there are. */
size_t messages_peek(const struct messages *messages, bool last, struct bytes **out, size_t count);
/* Takes all out: FORGET is called for each, in order, and has its reference. */
void messages_clear(struct messages *messages, void (*forget)(void *user, struct message *message), void *user);
/* Frees the tree; the messages must have been taken. */
void messages_fini(struct messages *messages);

#endif
