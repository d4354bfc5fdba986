/* A long text in pieces: it grows, and goes, a piece at a time, so that no part of that takes long. */
#ifndef EDGE_PIECES_H
#define EDGE_PIECES_H

#include "proto/strbuf.h"

struct bytes;

/* Zeroed: empty. */
struct pieces {
	struct strbuf open;  /* the last one */
	struct bytes **list; /* malloc'ed: those before it */
	size_t n, room;
	size_t length; /* … of these */
	bool failed;
};

static inline size_t pieces_length(const struct pieces *pieces)
{
	return pieces->length + pieces->open.length;
}
/* After additions to `open`, each of which is short: where it is long enough, the next one begins. */
void pieces_turn(struct pieces *pieces);
/* Behind PIECES comes what MORE has, which is empty then. */
void pieces_join(struct pieces *pieces, struct pieces *more);
/* `open` is a piece, too, from then on, however short, and empty. */
void pieces_close(struct pieces *pieces);
void pieces_free(struct pieces *pieces);

#endif
