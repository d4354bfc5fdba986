/* What lies in a lane's shared memory, and what the records in its rings look like. Only lane.c, lane_end.c and
 * memory.c know. Both ends are of the same build on the same machine, so these are plain structs.
 *
 *   page 0    struct lane_shared, and at the page's very end the first 8 bytes of the requests' semaphore
 *   page 1    the rest of that semaphore
 *   page 2    at its very end the first 8 bytes of the room's semaphore
 *   page 3    the rest of it
 *   page 4…   the data of the ring of requests, then that of the ring of completions
 *
 * Why semaphores lie across pages: a libc keeps in a sem_t, behind the count, how waiters are to be woken, and
 * sem_post believes it: glibc's aborts, or waits, where a worker has scribbled there. So the master has pages 1 and 3
 * to itself (memory.c); of what it shares, sem_post reads nothing but the count. */
#ifndef LANE_RECORDS_H
#define LANE_RECORDS_H

#include "lane/lane.h"
#include "lane/ring.h"

#include <assert.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LANE_MAGIC 0x314b5354u
#define LANE_SEMAPHORE_SHARED 8u /* bytes of a sem_t that both sides may write */

/* A cache line for each group that one side writes. */
struct lane_shared {
	/* Written by the master before the worker exists. */
	uint32_t magic;
	uint32_t request_ring;
	uint32_t completion_ring;

	struct ring_shared requests;
	struct ring_shared completions;

	/* The master's. */
	_Alignas(64) _Atomic uint64_t interrupt; /* 1 + the seq that is to stop; 0: none */
	_Atomic uint32_t stop;

	/* The slot's: what it took last, and when. `started_ns` is stored before `current`. */
	_Alignas(64) _Atomic uint64_t current; /* 1 + its seq; 0: none yet */
	_Atomic int64_t started_ns;

	/* Flags of who sleeps or waits. The sleeper raises its own, then looks again at what it would sleep for; who
	 * has changed that, then takes the flag down by an exchange, and whoever gets a 1 there wakes. */
	_Alignas(64) _Atomic uint32_t master_asleep; /* MASTER_… */
	_Atomic uint32_t master_wants_room; /* for requests */
	_Alignas(64) _Atomic uint32_t slot_asleep;
	_Atomic uint32_t slot_wants_room; /* for completions */
};
static_assert(sizeof(struct lane_shared) <= 4096 - LANE_SEMAPHORE_SHARED, "the header fits into the smallest page");
static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "atomics are shared between processes");

enum {
	MASTER_AWAKE = 0,
	MASTER_ASLEEP = 1,
	MASTER_DOZING = 2, /* to be woken as one that is asleep, but not for an answer that has a request behind it */
};

enum { REQUEST_QUEUED = 1, REQUEST_TAKEN = 2, REQUEST_REVOKED = 3 };
static inline uint64_t request_state(uint32_t seq, uint32_t state)
{
	return (uint64_t)seq << 32 | state;
}

/* Followed by the name, a NUL, and the arguments where they are not in a memfd. */
struct request_record {
	_Atomic uint64_t state;
	uint64_t task_id;
	int64_t timeout_ns;
	uint64_t args_length;
	uint32_t attempt;
	uint32_t items;
	uint32_t run_as;
	uint16_t name_length;
	uint8_t large; /* the arguments come as a memfd */
	uint8_t n_fds; /* so many descriptors come along */
};
static_assert(sizeof(struct request_record) == 48, "no padding");

/* Followed by the message and the payload where it is not in a memfd. */
struct reply_record {
	uint64_t payload_length;
	int64_t started_ns;
	int64_t ended_ns;
	union {
		double progress;
		uint64_t offset; /* LANE_OUTPUT */
	};
	uint32_t word;
	uint32_t seq;
	int32_t code;
	uint32_t flags;
	uint32_t rss_kib;
	uint32_t message_length;
	uint32_t large;
	uint32_t zero;
};
static_assert(sizeof(struct reply_record) == 64, "no padding");

/* Names of tasks have at most 64 bytes; so a record of LANE_INLINE_LIMIT fits into the smallest ring (the limit is
 * half of it). */
#define LANE_NAME_LIMIT 255u
#define LANE_RING_MIN (64u * 1024)
#define LANE_RING_MAX (64u * 1024 * 1024)
static_assert(sizeof(struct request_record) + LANE_NAME_LIMIT + 1 + LANE_INLINE_LIMIT <= LANE_RING_MIN / 2 - RING_HEADER,
	"the largest request fits");
static_assert(sizeof(struct reply_record) + sizeof((struct lane_reply *)0)->message + LANE_INLINE_LIMIT <=
		LANE_RING_MIN / 2 - RING_HEADER,
	"the largest reply fits");

/* One side's mapping of the memory. */
struct lane_memory {
	uint8_t *base;
	size_t size;
	struct lane_shared *shared;
	sem_t *requests_posted;
	sem_t *room_posted;
	uint8_t *request_data;
	uint8_t *completion_data;
	uint32_t request_ring;
	uint32_t completion_ring;
};

/* Makes the memory; *fd is CLOEXEC and sealed in its size. 0, or -1 with errno set. */
int lane_memory_new(struct lane_memory *memory, uint32_t request_ring, uint32_t completion_ring, int *fd);
/* The worker's side: maps what FD is. 0, or -1 with errno set. */
int lane_memory_open(struct lane_memory *memory, int fd);
void lane_memory_close(struct lane_memory *memory);

/* The slot's side in the same mapping as the master's, for tests whose threads are watched by a sanitizer. Does not
 * own the memory. */
struct lane_end *lane_end_attach(const struct lane_memory *memory, int socket_fd, int doorbell_fd, size_t payload_limit);
const struct lane_memory *lane_memory_of(const struct lane *lane);
const struct lane_memory *lane_end_memory(const struct lane_end *end);

#endif
