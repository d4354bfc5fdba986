/* What the master has said, as it comes out of the channel: bytes that become messages. */
#ifndef STORE_INBOX_H
#define STORE_INBOX_H

#include "store/record.h"

struct channel_end;

/* Zeroed: empty. What was looked at ends at `next`, all that came at `length`. Nothing is moved but by inbox_forget; but DATA may be
 * another after inbox_fill. */
struct inbox {
	char *data;
	size_t next, length, room;
};
enum inbox_came { INBOX_SOMETHING, INBOX_NOTHING, INBOX_END, INBOX_BROKEN };

void inbox_free(struct inbox *inbox);
/* Reads what there is, at least a whole message where one was begun and it fits at once. WAIT: sleeps where there is
 * nothing. INBOX_END: the master is gone, and so is all that it said. BROKEN: it makes no sense, or there is no memory. */
enum inbox_came inbox_fill(struct inbox *inbox, struct channel_end *end, bool wait);
/* The next message, if all of it is there: the body lies at *body from inbox->data on. False: it is not; *broken: it never
 * will be. */
bool inbox_next(struct inbox *inbox, struct store_header *header, size_t *body, bool *broken);
/* What was looked at is done with. */
void inbox_forget(struct inbox *inbox);

#endif
