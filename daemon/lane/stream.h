/* Bytes through a ring: records of a ring are pieces of a stream, cut as there is room. As pure as the ring, and as
 * suspicious: see ring.h. */
#ifndef LANE_STREAM_H
#define LANE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane/ring.h"

/* The consumer's view of it. The record that is being read was looked at once: its length does not change any more. */
struct stream_inlet {
	struct ring ring;
	const uint8_t *record; /* NULL: none */
	uint32_t length;
	uint32_t taken; /* of it */
};

void stream_inlet_init(struct stream_inlet *inlet, struct ring_shared *shared, uint8_t *data, uint32_t size);
/* Writes as much of DATA as there is room for: how much; RING_BROKEN. */
int64_t stream_write(struct ring *ring, const void *data, size_t length);
/* Copies at most SIZE bytes: how many; RING_BROKEN. *RELEASED: room was made. */
int64_t stream_read(struct stream_inlet *inlet, void *data, size_t size, bool *released);
/* Whether there is something to be read, or nonsense to be found. */
bool stream_is_readable(struct stream_inlet *inlet);

#endif
