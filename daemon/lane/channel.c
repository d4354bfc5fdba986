/* The master's side of a channel. It never waits.
 *
 * Invariants
 *   the memory is a lane's (records.h): the ring of requests goes to the child, that of completions to the master, the slot
 *   is the child; of the rest only the flags and the semaphores are used
 *   each direction is a stream of bytes, of which a record of the ring is a piece; an index or a record that makes no
 *   sense breaks the channel for good
 *   who sleeps raises a flag of its own and then looks again; who has changed what that one would see takes the flag down
 *   by an exchange, and rings where it was up. So of a write and a sleep at the same time one sees the other
 *   the doorbell is the master's for as long as the channel is there, whatever becomes of the memory: channel_renew */
#include "lane/channel.h"
#include "lane/channel_memory.h"
#include "lane/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define UNREAD_MOST 32u /* wake-ups from one look at a doorbell that should not have been rung to the next */

struct channel {
	struct lane_memory memory;
	struct ring to_child;
	struct stream_inlet to_master;
	int memory_fd;
	int doorbell_fd;
	bool broken;
	bool written;    /* since the last kick */
	bool wants_room; /* something found none, and the child has been asked to say when it makes some */
	bool asleep;
	bool rings; /* the child has taken the flag down, so the doorbell rings, or will */
	unsigned unread;
};

static int memory_make(struct channel *channel, uint32_t to_child, uint32_t to_master)
{
	struct lane_memory memory;
	int fd;
	if (lane_memory_new(&memory, to_child, to_master, &fd) < 0)
		return -1;
	channel->memory = memory;
	channel->memory_fd = fd;
	ring_init(&channel->to_child, &memory.shared->requests, memory.request_data, memory.request_ring);
	stream_inlet_init(
		&channel->to_master, &memory.shared->completions, memory.completion_data, memory.completion_ring);
	return 0;
}

struct channel *channel_new(uint32_t to_child, uint32_t to_master)
{
	struct channel *channel = calloc(1, sizeof *channel);
	if (!channel)
		return NULL;
	channel->doorbell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (channel->doorbell_fd >= 0 && memory_make(channel, to_child, to_master) == 0)
		return channel;
	int reason = errno;
	if (channel->doorbell_fd >= 0)
		close(channel->doorbell_fd);
	free(channel);
	errno = reason;
	return NULL;
}

int channel_renew(struct channel *channel)
{
	struct lane_memory before = channel->memory;
	int fd = channel->memory_fd;
	if (memory_make(channel, before.request_ring, before.completion_ring) < 0)
		return -1;
	lane_memory_close(&before);
	close(fd);
	channel->broken = channel->written = channel->wants_room = channel->asleep = false;
	channel->rings = true; /* perhaps the last child has rung it */
	return 0;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	close(channel->memory_fd);
	close(channel->doorbell_fd);
	lane_memory_close(&channel->memory);
	free(channel);
}

int channel_memory_fd(const struct channel *channel)
{
	return channel->memory_fd;
}

int channel_doorbell_fd(const struct channel *channel)
{
	return channel->doorbell_fd;
}

const struct lane_memory *channel_memory_of(const struct channel *channel)
{
	return &channel->memory;
}

int64_t channel_write(struct channel *channel, const void *data, size_t length)
{
	if (channel->broken)
		return LANE_BROKEN;
	int64_t n = stream_write(&channel->to_child, data, length);
	if (n >= 0 && (size_t)n < length) {
		/* From now on the child says when it makes room; it may have made some just before. */
		channel->wants_room = true;
		atomic_store(&channel->memory.shared->master_wants_room, 1);
		int64_t more = stream_write(&channel->to_child, (const char *)data + n, length - (size_t)n);
		n = more < 0 ? more : n + more;
	}
	if (n < 0) {
		channel->broken = true;
		return LANE_BROKEN;
	}
	channel->written |= n > 0;
	return n;
}

void channel_kick(struct channel *channel)
{
	struct lane_shared *shared = channel->memory.shared;
	if (!channel->written)
		return;
	channel->written = false;
	if (atomic_load(&shared->slot_asleep) && atomic_exchange(&shared->slot_asleep, 0))
		sem_post(channel->memory.requests_posted);
}

int64_t channel_read(struct channel *channel, void *data, size_t size)
{
	struct lane_shared *shared = channel->memory.shared;
	bool released;
	if (channel->broken)
		return LANE_BROKEN;
	int64_t n = stream_read(&channel->to_master, data, size, &released);
	if (n < 0) {
		channel->broken = true;
		return LANE_BROKEN;
	}
	if (released && atomic_load(&shared->slot_wants_room) && atomic_exchange(&shared->slot_wants_room, 0))
		sem_post(channel->memory.room_posted);
	return n;
}

/* Takes the flag down, where the child has not; where it has, it rings, if not yet, then soon. */
static void get_up(struct channel *channel)
{
	if (channel->asleep && atomic_exchange(&channel->memory.shared->master_asleep, MASTER_AWAKE) == MASTER_AWAKE)
		channel->rings = true;
	channel->asleep = false;
}

bool channel_sleep(struct channel *channel)
{
	struct lane_shared *shared = channel->memory.shared;
	if (channel->broken)
		return true;
	atomic_store(&shared->master_asleep, MASTER_ASLEEP);
	channel->asleep = true;
	bool room = channel->wants_room && !atomic_load(&shared->master_wants_room);
	if (!room && !stream_is_readable(&channel->to_master))
		return true;
	if (room)
		channel->wants_room = false;
	get_up(channel);
	return false;
}

void channel_wake(struct channel *channel)
{
	get_up(channel);
	/* No system call where nothing can have rung; but for one that rings without being asked to. */
	if (!channel->rings && ++channel->unread < UNREAD_MOST)
		return;
	uint64_t n;
	struct iovec room = { .iov_base = &n, .iov_len = sizeof n };
	channel->unread = 0;
	/* That it does not wait is said here, for what is said of the descriptor can be changed by the child, whose it is, too. */
	if (preadv2(channel->doorbell_fd, &room, 1, -1, RWF_NOWAIT) == (ssize_t)sizeof n)
		channel->rings = false;
}
