/* Long texts: see pieces.h. A buffer that doubles would be copied as a whole each time, and be given back as a whole. */
#include "edge/pieces.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/xmalloc.h"

#define PIECE_ROOM (64u * 1024) /* as buffers grow, by doubling */
#define PIECE_LEAST (PIECE_ROOM - 4096)

static void free_text(void *owner, const char *data, size_t size)
{
	(void)data;
	(void)size;
	free(owner);
}

static void add(struct pieces *pieces, struct bytes *piece)
{
	if (pieces->n == pieces->room) {
		pieces->room = pieces->room ? 2 * pieces->room : 8;
		pieces->list = xreallocarray(pieces->list, pieces->room, sizeof(struct bytes *));
	}
	pieces->list[pieces->n++] = piece;
	pieces->length += piece->size;
}

void pieces_close(struct pieces *pieces)
{
	size_t length = 0;
	if (!pieces->open.length && !strbuf_failed(&pieces->open))
		return;
	char *text = strbuf_failed(&pieces->open) ? NULL : strbuf_take(&pieces->open, &length);
	struct bytes *piece = text ? bytes_new_foreign(text, length, free_text, text) : NULL;
	strbuf_free(&pieces->open);
	if (piece) {
		add(pieces, piece);
		return;
	}
	free(text);
	pieces->failed = true;
}

void pieces_turn(struct pieces *pieces)
{
	if (pieces->open.length >= PIECE_LEAST)
		pieces_close(pieces);
}

void pieces_join(struct pieces *pieces, struct pieces *more)
{
	pieces_close(pieces);
	pieces_close(more);
	for (size_t i = 0; i < more->n; i++)
		add(pieces, more->list[i]);
	pieces->failed |= more->failed;
	free(more->list);
	*more = (struct pieces){ 0 };
}

void pieces_free(struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->n; i++)
		bytes_unref(pieces->list[i]);
	free(pieces->list);
	strbuf_free(&pieces->open);
	*pieces = (struct pieces){ 0 };
}
