/* Payloads. Arguments and results are the only things of a size that a client chooses, so running out of memory for
 * them is an error that somebody hears of, and not the daemon's end. */
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

struct bytes *bytes_new_room(size_t size, char **room)
{
	if (size > SIZE_MAX - sizeof(struct bytes))
		return NULL;
	struct bytes *bytes = malloc(sizeof(*bytes) + size);
	if (!bytes)
		return NULL;
	*room = (char *)(bytes + 1);
	*bytes = (struct bytes){ .data = *room, .size = size, .references = 1 };
	return bytes;
}

struct bytes *bytes_new(const void *data, size_t size)
{
	char *room;
	struct bytes *bytes = bytes_new_room(size, &room);

	if (bytes && size)
		memcpy(room, data, size);
	return bytes;
}

struct bytes *bytes_new_foreign(const char *data, size_t size, void (*release)(void *, const char *, size_t), void *owner)
{
	struct bytes *bytes = xmalloc(sizeof(*bytes));

	*bytes = (struct bytes){ .data = data, .size = size, .references = 1, .release = release, .owner = owner };
	return bytes;
}

struct bytes *bytes_ref(struct bytes *bytes)
{
	if (bytes)
		bytes->references++;
	return bytes;
}

void bytes_unref(struct bytes *bytes)
{
	if (!bytes || --bytes->references > 0)
		return;
	if (bytes->release)
		bytes->release(bytes->owner, bytes->data, bytes->size);
	free(bytes);
}

size_t bytes_cost(const struct bytes *bytes)
{
	return bytes ? sizeof(*bytes) + bytes->size : 0;
}
