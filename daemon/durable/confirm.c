/* Who waits for the disk, in the order in which what they wait for was put; and other lists of tasks. */
#include <stdlib.h>

#include "base/xmalloc.h"
#include "durable/internal.h"

#define ROOM_LEAST 256

void ids_add(struct ids *ids, uint64_t id)
{
	if (ids->count == ids->room) {
		ids->room = ids->room ? ids->room * 2 : 64;
		ids->list = xreallocarray(ids->list, ids->room, sizeof(*ids->list));
	}
	ids->list[ids->count++] = id;
}

static void grow(struct confirms *confirms)
{
	size_t room = confirms->room ? confirms->room * 2 : ROOM_LEAST;
	struct confirm *list = xcalloc(room, sizeof(*list));
	for (size_t i = 0; i < confirms->count; i++)
		list[i] = confirms->list[(confirms->first + i) & (confirms->room - 1)];
	free(confirms->list);
	confirms->list = list;
	confirms->room = room;
	confirms->first = 0;
}

void confirms_add(struct confirms *confirms, struct confirm confirm)
{
	if (confirms->count == confirms->room)
		grow(confirms);
	confirms->list[(confirms->first + confirms->count++) & (confirms->room - 1)] = confirm;
}

bool confirms_take(struct confirms *confirms, uint64_t seq, struct confirm *out)
{
	if (confirms->count == 0 || confirms->list[confirms->first].seq > seq)
		return false;
	*out = confirms->list[confirms->first];
	confirms->first = (confirms->first + 1) & (confirms->room - 1);
	confirms->count--;
	return true;
}

void confirms_free(struct confirms *confirms)
{
	free(confirms->list);
	*confirms = (struct confirms){ 0 };
}
