/* What the master has to tell the store and does not know to be on disk: messages of operations as they go over the channel, one
 * behind the other, in chunks. Sent from one end, dropped from the other when committed, sent again from the beginning where
 * the store died. Pure: it knows neither processes nor channels. */
#ifndef STORE_OPLOG_H
#define STORE_OPLOG_H

#include <sys/queue.h>

#include "store/record.h"

struct oplog_chunk;
struct oplog {
	TAILQ_HEAD(oplog_chunks, oplog_chunk) chunks;
	size_t bytes; /* of messages in it */
	/* How far it has been sent: an offset in a chunk; NULL: there is none. `mark` is where some message begins at or before
	 * it, perhaps one that was dropped. */
	struct oplog_chunk *sent;
	size_t sent_at, mark;
};

void oplog_init(struct oplog *log);
void oplog_clear(struct oplog *log);
/* False: no memory, or what store_write does not write; nothing was added. */
bool oplog_add(struct oplog *log, const struct store_header *header, const void *body)
	__attribute__((warn_unused_result));
/* What is to be sent next, in one piece, and how much; 0: nothing. */
size_t oplog_unsent(const struct oplog *log, const char **data);
void oplog_sent(struct oplog *log, size_t length);
/* How much of the message is still to be sent of which the beginning was; 0: there is none. */
size_t oplog_torn(struct oplog *log);
/* Drops all up to number SEQ. False: that makes no sense, as not all of them were sent, or as a transaction does not end
 * there. */
bool oplog_commit(struct oplog *log, uint64_t seq) __attribute__((warn_unused_result));
/* From the beginning. */
void oplog_rewind(struct oplog *log);
/* Drops all STORE_TASK_PUT, and every other operation about their tasks; *IDS (malloc'ed) are those, in their order, and how
 * many. What is left is sent from the beginning. */
size_t oplog_drop_tasks(struct oplog *log, uint64_t **ids);

#endif
