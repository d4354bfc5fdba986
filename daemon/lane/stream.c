/* Bytes through a ring: what a channel has in each of its directions. */
#include "lane/stream.h"

#include <string.h>

/* So that the reader can begin before the writer has ended. */
#define PIECE_MOST (64u * 1024)
/* Smaller pieces are not cut off something longer: each costs a header. */
#define PIECE_LEAST 64u

void stream_inlet_init(struct stream_inlet *inlet, struct ring_shared *shared, uint8_t *data, uint32_t size)
{
	*inlet = (struct stream_inlet){ 0 };
	ring_init(&inlet->ring, shared, data, size);
}

static uint32_t least(uint32_t a, size_t b)
{
	return a < b ? a : (uint32_t)b;
}

/* How long a piece may be: up to the ring's end, where that is not too little, since what does not fit there is padded. */
static uint32_t piece_length(const struct ring *ring, size_t left)
{
	uint32_t length = least(least(PIECE_MOST, ring_record_limit(ring->size)), left);
	uint32_t to_end = ring->size - (ring->mine & (ring->size - 1));
	return to_end >= RING_HEADER + PIECE_LEAST ? least(to_end - RING_HEADER, length) : length;
}

/* The same where the ring has no room for so much: 0: none at all. */
static uint32_t piece_that_fits(const struct ring *ring, uint32_t length)
{
	uint32_t to_end = ring->size - (ring->mine & (ring->size - 1)), room = ring->size - (ring->mine - ring->theirs);
	uint32_t pad = to_end < RING_HEADER + least(PIECE_LEAST, length) ? to_end : 0;
	if (room < pad + RING_HEADER + PIECE_LEAST)
		return 0;
	return least(room - pad - RING_HEADER, length);
}

int64_t stream_write(struct ring *ring, const void *data, size_t length)
{
	size_t written = 0;
	while (written < length) {
		uint32_t piece = piece_length(ring, length - written);
		void *room;
		int status = ring_reserve(ring, piece, 0, &room, NULL);
		if (status == RING_FULL) {
			piece = piece_that_fits(ring, piece);
			status = piece ? ring_reserve(ring, piece, 0, &room, NULL) : RING_FULL;
		}
		if (status == RING_FULL)
			break;
		if (status != RING_OK)
			return RING_BROKEN;
		memcpy(room, (const char *)data + written, piece);
		ring_publish(ring);
		written += piece;
	}
	return (int64_t)written;
}

/* Finds the record that is read next: RING_OK, RING_EMPTY, RING_BROKEN. */
static int inlet_open(struct stream_inlet *inlet)
{
	void *record;
	if (inlet->record)
		return RING_OK;
	int status = ring_peek(&inlet->ring, &record, &inlet->length);
	if (status != RING_OK)
		return status;
	if (inlet->length == 0) /* never written; and reading such ones would be without end */
		return RING_BROKEN;
	inlet->record = record;
	inlet->taken = 0;
	return RING_OK;
}

int64_t stream_read(struct stream_inlet *inlet, void *data, size_t size, bool *released)
{
	size_t copied = 0;
	*released = false;
	while (copied < size) {
		int status = inlet_open(inlet);
		if (status == RING_EMPTY)
			break;
		if (status != RING_OK)
			return RING_BROKEN;
		uint32_t n = least(inlet->length - inlet->taken, size - copied);
		memcpy((char *)data + copied, inlet->record + inlet->taken, n);
		copied += n;
		inlet->taken += n;
		if (inlet->taken == inlet->length) {
			ring_release(&inlet->ring);
			inlet->record = NULL;
			*released = true;
		}
	}
	return (int64_t)copied;
}

bool stream_is_readable(struct stream_inlet *inlet)
{
	void *record;
	uint32_t length;
	return inlet->record || ring_peek(&inlet->ring, &record, &length) != RING_EMPTY;
}
