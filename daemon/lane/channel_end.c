/* The child's side of a channel: one thread that reads and sleeps where there is nothing, any number of threads that
 * write and wait for room. Its lock is among its own threads: nobody outside waits for it. The invariants are in channel.c. */
#include "lane/channel.h"
#include "lane/channel_memory.h"
#include "lane/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct channel_end {
	struct lane_memory memory;
	bool owns_memory;
	int doorbell_fd;
	_Atomic bool left;

	/* The reading thread's. */
	struct stream_inlet from_master;
	bool read_broken;

	/* Who has the lock writes. */
	pthread_mutex_t lock;
	struct ring to_master;
	bool write_broken; /* also where a piece is there of something whose rest is not */
};

struct channel_end *channel_end_attach(const struct lane_memory *memory, int doorbell_fd)
{
	struct channel_end *end = calloc(1, sizeof *end);
	if (!end)
		return NULL;
	end->memory = *memory;
	end->doorbell_fd = doorbell_fd;
	stream_inlet_init(&end->from_master, &memory->shared->requests, memory->request_data, memory->request_ring);
	ring_init(&end->to_master, &memory->shared->completions, memory->completion_data, memory->completion_ring);
	pthread_mutex_init(&end->lock, NULL);
	return end;
}

struct channel_end *channel_end_new(int memory_fd, int doorbell_fd)
{
	struct lane_memory memory;
	int status = lane_memory_open(&memory, memory_fd);
	int reason = errno;
	close(memory_fd);
	if (status == 0) {
		struct channel_end *end = channel_end_attach(&memory, doorbell_fd);
		if (end) {
			end->owns_memory = true;
			return end;
		}
		reason = ENOMEM;
		lane_memory_close(&memory);
	}
	close(doorbell_fd);
	errno = reason;
	return NULL;
}

void channel_end_free(struct channel_end *end)
{
	if (!end)
		return;
	close(end->doorbell_fd);
	pthread_mutex_destroy(&end->lock);
	if (end->owns_memory)
		lane_memory_close(&end->memory);
	free(end);
}

/* Rings where the master sleeps. */
static void master_ring(struct channel_end *end)
{
	struct lane_shared *shared = end->memory.shared;
	if (atomic_load(&shared->master_asleep) == MASTER_AWAKE ||
		atomic_exchange(&shared->master_asleep, MASTER_AWAKE) == MASTER_AWAKE)
		return;
	const uint64_t one = 1;
	/* It cannot fail but where it has been rung 2^64 times. */
	while (write(end->doorbell_fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void semaphore_wait(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

/* Sleeps until there may be something to read. False: it never comes. */
static bool wait_for_data(struct channel_end *end)
{
	struct lane_shared *shared = end->memory.shared;
	atomic_store(&shared->slot_asleep, 1);
	bool left = atomic_load(&end->left), readable = stream_is_readable(&end->from_master);
	if (!readable && !left)
		semaphore_wait(end->memory.requests_posted);
	atomic_store(&shared->slot_asleep, 0);
	return readable || !left;
}

int64_t channel_end_read(struct channel_end *end, void *data, size_t size, bool wait)
{
	struct lane_shared *shared = end->memory.shared;
	bool released;
	int64_t n;
	if (end->read_broken)
		return LANE_BROKEN;
	do
		n = stream_read(&end->from_master, data, size, &released);
	while (n == 0 && size && wait && wait_for_data(end));
	if (n < 0) {
		end->read_broken = true;
		return LANE_BROKEN;
	}
	if (released && atomic_load(&shared->master_wants_room) && atomic_exchange(&shared->master_wants_room, 0))
		master_ring(end);
	return n;
}

/* Sleeps until there may be room. False: nobody makes any. */
static bool wait_for_room(struct channel_end *end, uint32_t head)
{
	struct lane_shared *shared = end->memory.shared;
	uint32_t now;
	master_ring(end);
	atomic_store(&shared->slot_wants_room, 1);
	bool left = atomic_load(&end->left);
	if (ring_consumed(&end->to_master, &now) != RING_OK)
		return false;
	if (now == head && !left)
		semaphore_wait(end->memory.room_posted);
	return now != head || !left;
}

static int write_all(struct channel_end *end, const char *data, size_t length)
{
	for (;;) {
		int64_t n = stream_write(&end->to_master, data, length);
		if (n < 0)
			return LANE_BROKEN;
		data += n;
		length -= (size_t)n;
		if (length == 0)
			return LANE_OK;
		if (!wait_for_room(end, end->to_master.theirs))
			return LANE_BROKEN;
	}
}

int channel_end_write(struct channel_end *end, const void *data, size_t length)
{
	pthread_mutex_lock(&end->lock);
	int status = end->write_broken ? LANE_BROKEN : write_all(end, data, length);
	end->write_broken = status != LANE_OK;
	pthread_mutex_unlock(&end->lock);
	if (status == LANE_OK)
		master_ring(end);
	return status;
}

void channel_end_leave(struct channel_end *end)
{
	atomic_store(&end->left, true);
	/* At most one thread sleeps on each. */
	sem_post(end->memory.requests_posted);
	sem_post(end->memory.room_posted);
}
