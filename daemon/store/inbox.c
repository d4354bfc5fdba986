/* A message may be as long as a gigabyte, and come in pieces; thousands may come at once. So the room grows with the
 * message that is on its way, and what is left in it is moved to its front when what came before has been done. */
#include "store/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "lane/channel.h"

#define INBOX_LEAST ((size_t)1 << 20)
#define INBOX_KEPT ((size_t)8 << 20) /* an empty one that is larger is made small again */

void inbox_free(struct inbox *inbox)
{
	free(inbox->data);
	*inbox = (struct inbox){ 0 };
}

/* How much must fit behind `next`: the message that has begun there, or the least. */
static size_t wanted(const struct inbox *inbox, bool *broken)
{
	struct store_header header;

	if (inbox->length - inbox->next < STORE_HEADER_SIZE)
		return STORE_HEADER_SIZE;
	*broken = !store_read_header(inbox->data + inbox->next, &header);
	return *broken ? 0 : STORE_HEADER_SIZE + (size_t)header.length;
}

static bool make_room(struct inbox *inbox)
{
	bool broken = false;
	size_t need = inbox->next + wanted(inbox, &broken), room = inbox->room ? inbox->room : INBOX_LEAST;

	if (broken)
		return false;
	/* Half empty at least, so that one read takes much. */
	if (inbox->length > room / 2 && need < inbox->length + room / 2)
		need = inbox->length + room / 2;
	while (room < need)
		room *= 2;
	if (room == inbox->room)
		return true;
	char *data = realloc(inbox->data, room);
	if (!data)
		return false;
	inbox->data = data;
	inbox->room = room;
	return true;
}

enum inbox_came inbox_fill(struct inbox *inbox, struct channel_end *end, bool wait)
{
	int64_t got;

	if (!make_room(inbox))
		return INBOX_BROKEN;
	if (inbox->length == inbox->room)
		return INBOX_NOTHING;
	got = channel_end_read(end, inbox->data + inbox->length, inbox->room - inbox->length, wait);
	if (got < 0)
		return INBOX_BROKEN;
	inbox->length += (size_t)got;
	return got > 0 ? INBOX_SOMETHING : wait ? INBOX_END : INBOX_NOTHING;
}

bool inbox_next(struct inbox *inbox, struct store_header *header, size_t *body, bool *broken)
{
	size_t there = inbox->length - inbox->next;

	if (there < STORE_HEADER_SIZE)
		return false;
	*broken = !store_read_header(inbox->data + inbox->next, header);
	if (*broken || there - STORE_HEADER_SIZE < header->length)
		return false;
	*body = inbox->next + STORE_HEADER_SIZE;
	inbox->next = *body + header->length;
	return true;
}

void inbox_forget(struct inbox *inbox)
{
	size_t left = inbox->length - inbox->next;

	if (left)
		memmove(inbox->data, inbox->data + inbox->next, left);
	inbox->length = left;
	inbox->next = 0;
	if (left == 0 && inbox->room > INBOX_KEPT)
		inbox_free(inbox);
}
