/* What lies in a capture's shared memory. Only capture.c and its tests know. */
#ifndef LANE_CAPTURE_MEMORY_H
#define LANE_CAPTURE_MEMORY_H

#include "lane/capture.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_LIMIT_MAX ((size_t)1 << 30)

/* Of one stream. `kept` is stored behind the bytes that it counts, and behind the `total` that it is part of. */
struct capture_flow {
	_Alignas(64) _Atomic uint64_t kept;
	_Atomic uint64_t total;
};

/* A cache line for each group that one side writes. */
struct capture_head {
	/* The worker's. */
	_Atomic uint64_t generation;
	_Atomic uint64_t task_id;
	_Atomic uint32_t attempt;
	_Atomic int32_t pid;
	_Atomic uint32_t suspended;
	struct capture_flow flows[CAPTURE_N_STREAMS];

	/* The master's: `followed_attempt` is stored before `followed_id`. */
	_Alignas(64) _Atomic uint64_t followed_id;
	_Atomic uint32_t followed_attempt;
};
static_assert(sizeof(struct capture_head) <= 4096, "the head fits into the smallest page");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "atomics are shared between processes");

/* One side's mapping of it. */
struct capture_memory {
	uint8_t *base;
	size_t limit;
	struct capture_head *head;
	uint8_t *data[CAPTURE_N_STREAMS];
};

/* The worker's side in the same mapping as the master's, for tests whose threads are watched by a sanitizer. Does not own
 * the memory. */
struct capture_end *capture_end_attach(const struct capture_memory *memory);
const struct capture_memory *capture_memory_of(const struct capture *capture);

#endif
