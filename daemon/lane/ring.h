/* A byte ring for one producer and one consumer in different processes: variable-length records, 8-byte aligned, never
 * split (a pad record fills the end). Pure: it is given the indices' and the data's addresses, and makes no system call.
 *
 * Invariants
 *   tail - head (mod 2^32) is at most `size`; size is a power of two, at least 4096 and at most 2^30
 *   only the producer stores tail, only the consumer stores head; each keeps its own copy in private memory and never
 *   reads its own index back from shared memory
 *   bytes in [head, tail) belong to the consumer, all others to the producer
 *   a record is visible only by a tail stored after all of its bytes. Indices are stored and loaded in the total order
 *   (seq_cst), so that who publishes or releases and then finds a sleeper's flag down knows that the sleeper will see it
 *   what the other side wrote is hostile: an index that breaks the first line, a length below the header, above what
 *   is there or across the end, is RING_BROKEN, and the ring is never used again */
#ifndef LANE_RING_H
#define LANE_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_OK = 0, RING_EMPTY = -1, RING_FULL = -2, RING_BROKEN = -3, RING_TOO_LARGE = -4 };

#define RING_HEADER 8u /* bytes before each record's own: its length and a pad mark */

struct ring_shared {
	_Alignas(64) _Atomic uint32_t tail;
	_Alignas(64) _Atomic uint32_t head;
};

/* One side's private view. */
struct ring {
	struct ring_shared *shared;
	uint8_t *data;
	uint32_t size;
	uint32_t mine;   /* producer: tail; consumer: head */
	uint32_t theirs; /* the last value of the other index that was checked */
	uint32_t staged; /* producer: bytes reserved and not yet published; consumer: bytes peeked and not yet released */
};

/* Where indices begin: so near their end that each ring meets the wrap of its counters in its first minutes. */
#define RING_FIRST 0xffff0000u

/* By the one that makes the memory, before anyone else sees it. */
void ring_shared_init(struct ring_shared *shared);
void ring_init(struct ring *ring, struct ring_shared *shared, uint8_t *data, uint32_t size);
/* The largest record that a ring of SIZE takes, without its header. */
uint32_t ring_record_limit(uint32_t size);

/* Producer: room for a record of LENGTH bytes at *record (8-byte aligned), not yet visible. The last KEEP bytes before
 * `mine` are not overwritten, even where the consumer has passed them. *position (if not NULL) is the record's offset
 * in data. Nothing happens where it is reserved again, or never published. RING_FULL, RING_TOO_LARGE, RING_BROKEN. */
int ring_reserve(struct ring *ring, uint32_t length, uint32_t keep, void **record, uint32_t *position)
	__attribute__((warn_unused_result));
/* Producer: makes what was reserved visible. */
void ring_publish(struct ring *ring);

/* Consumer: the next record, still in shared memory: copy what you check. Until it is released it is the next one
 * again. RING_EMPTY, RING_BROKEN. */
int ring_peek(struct ring *ring, void **record, uint32_t *length) __attribute__((warn_unused_result));
/* Consumer: gives the peeked record's room back. */
void ring_release(struct ring *ring);

/* Producer: how far the consumer says it has come, checked; RING_BROKEN where that makes no sense. */
int ring_consumed(struct ring *ring, uint32_t *head) __attribute__((warn_unused_result));

#endif
