/* The byte ring under a lane. It stands alone, without system calls or sleeping, so that each thing that a hostile or
 * dead peer can leave behind is a line in a test. */
#include "lane/ring.h"

#include <assert.h>
#include <stdbool.h>

#define MARK_RECORD 0x52454331u
#define MARK_PAD 0x50414431u

/* Before each record. `volatile` where it is read: once, since the other side may change it at any time. */
struct record_header {
	uint32_t length;
	uint32_t mark;
};
static_assert(sizeof(struct record_header) == RING_HEADER, "the header is what ring.h says");
static_assert(offsetof(struct ring_shared, head) == 64, "each index has a cache line of its own");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "indices are shared between processes");

void ring_shared_init(struct ring_shared *shared)
{
	atomic_store(&shared->tail, RING_FIRST);
	atomic_store(&shared->head, RING_FIRST);
}

void ring_init(struct ring *ring, struct ring_shared *shared, uint8_t *data, uint32_t size)
{
	assert(size >= 4096 && size <= UINT32_C(1) << 30 && (size & (size - 1)) == 0);
	*ring = (struct ring){ .shared = shared, .data = data, .size = size, .mine = RING_FIRST, .theirs = RING_FIRST };
}

uint32_t ring_record_limit(uint32_t size)
{
	/* With at most half of the ring it fits once the ring is empty, wherever the end is: the pad is smaller than it. */
	return size / 2 - RING_HEADER;
}

static uint32_t bytes_taken(uint32_t length)
{
	return RING_HEADER + ((length + 7u) & ~7u);
}

static void header_write(uint8_t *at, uint32_t length, uint32_t mark)
{
	*(struct record_header *)at = (struct record_header){ .length = length, .mark = mark };
}

static struct record_header header_read(const uint8_t *at)
{
	const volatile struct record_header *header = (const volatile struct record_header *)at;
	return (struct record_header){ .length = header->length, .mark = header->mark };
}

static bool has_room(const struct ring *ring, uint32_t bytes, uint32_t keep)
{
	uint32_t used = ring->mine - ring->theirs;
	return bytes <= ring->size - (used > keep ? used : keep);
}

int ring_consumed(struct ring *ring, uint32_t *head)
{
	uint32_t now = atomic_load(&ring->shared->head);
	/* It only moves forward, from what was checked last up to what was published. */
	if (ring->mine - now > ring->mine - ring->theirs || now % 8 != 0)
		return RING_BROKEN;
	ring->theirs = now;
	*head = now;
	return RING_OK;
}

int ring_reserve(struct ring *ring, uint32_t length, uint32_t keep, void **record, uint32_t *position)
{
	assert(keep <= ring->size);
	if (length > ring_record_limit(ring->size))
		return RING_TOO_LARGE;
	uint32_t at = ring->mine & (ring->size - 1);
	uint32_t need = bytes_taken(length);
	uint32_t pad = need > ring->size - at ? ring->size - at : 0;
	if (!has_room(ring, pad + need, keep)) {
		uint32_t head;
		if (ring_consumed(ring, &head) != RING_OK)
			return RING_BROKEN;
		if (!has_room(ring, pad + need, keep))
			return RING_FULL;
	}
	if (pad) {
		header_write(ring->data + at, pad - RING_HEADER, MARK_PAD);
		at = 0;
	}
	header_write(ring->data + at, length, MARK_RECORD);
	ring->staged = pad + need;
	*record = ring->data + at + RING_HEADER;
	if (position)
		*position = at + RING_HEADER;
	return RING_OK;
}

void ring_publish(struct ring *ring)
{
	ring->mine += ring->staged;
	ring->staged = 0;
	atomic_store(&ring->shared->tail, ring->mine);
}

int ring_peek(struct ring *ring, void **record, uint32_t *length)
{
	if (ring->theirs == ring->mine) {
		uint32_t tail = atomic_load(&ring->shared->tail);
		if (tail == ring->mine)
			return RING_EMPTY;
		if (tail - ring->mine > ring->size || tail % 8 != 0)
			return RING_BROKEN;
		ring->theirs = tail;
	}
	uint32_t there = ring->theirs - ring->mine;
	uint32_t at = ring->mine & (ring->size - 1);
	uint32_t pad = 0;
	struct record_header header = header_read(ring->data + at);
	if (header.mark == MARK_PAD) {
		/* A pad reaches exactly to the end, and is published with the record behind it. */
		pad = ring->size - at;
		if (header.length != pad - RING_HEADER || pad >= there)
			return RING_BROKEN;
		there -= pad;
		at = 0;
		header = header_read(ring->data);
	}
	if (header.mark != MARK_RECORD || header.length > ring_record_limit(ring->size))
		return RING_BROKEN;
	uint32_t taken = bytes_taken(header.length);
	if (taken > there || taken > ring->size - at)
		return RING_BROKEN;
	ring->staged = pad + taken;
	*record = ring->data + at + RING_HEADER;
	*length = header.length;
	return RING_OK;
}

void ring_release(struct ring *ring)
{
	ring->mine += ring->staged;
	ring->staged = 0;
	atomic_store(&ring->shared->head, ring->mine);
}
