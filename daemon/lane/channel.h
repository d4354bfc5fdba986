/* A channel: a byte stream in each direction between the master and a process that it has started, in shared memory
 * (two rings of lane/ring.h in one sealed-size memfd), for what is no task: the store. Semaphores in the memory only
 * hint; the truth is in the ring indices. What the other side wrote is hostile to the master, as with a lane; the child
 * believes the master's indices no more.
 *
 * Master side: struct channel, never blocks; it sleeps in its event loop, and is woken by an eventfd only where it has
 * said that it sleeps. Child's side: struct channel_end, blocks; one thread reads, any thread writes.
 *
 * What the master has written before its death is there to be read after it: the memory lives as long as the child. */
#ifndef LANE_CHANNEL_H
#define LANE_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane/lane.h" /* LANE_OK, LANE_NONE, LANE_BROKEN */

struct channel;
struct channel_end;

/* --- the master's side --- */
/* Rings of so many bytes, powers of two from 64 KiB to 64 MiB. NULL with errno set. */
struct channel *channel_new(uint32_t to_child, uint32_t to_master) __attribute__((warn_unused_result));
/* For another child, after the last one's death: the memory is new, and nothing is in it; the doorbell is the same. 0; -1 with errno
 * set: nothing has changed. */
int channel_renew(struct channel *channel) __attribute__((warn_unused_result));
void channel_free(struct channel *channel);
/* CLOEXEC; for the child, as STORE_MEMORY_FD and STORE_DOORBELL_FD. The master polls the second for reading. */
int channel_memory_fd(const struct channel *channel);
int channel_doorbell_fd(const struct channel *channel);
/* Writes as much of DATA as there is room for, and says how much; 0: none; LANE_BROKEN. */
int64_t channel_write(struct channel *channel, const void *data, size_t length);
/* Wakes the child if it sleeps and something was written. Before the master itself sleeps. */
void channel_kick(struct channel *channel);
/* Copies at most SIZE bytes of what the child has written; how many; 0: nothing is there; LANE_BROKEN. */
int64_t channel_read(struct channel *channel, void *data, size_t size);
/* Asks for the doorbell, at the child's next word, and where it has made room for what found none. False: there is
 * something to read, or room, already: do not sleep. */
bool channel_sleep(struct channel *channel);
/* After the sleep: takes the doorbell's ring. */
void channel_wake(struct channel *channel);

/* --- the child's side --- */
/* Takes over the descriptors, also where it fails. NULL with errno set. */
struct channel_end *channel_end_new(int memory_fd, int doorbell_fd) __attribute__((warn_unused_result));
void channel_end_free(struct channel_end *end);
/* Copies at most SIZE bytes of what the master has written. WAIT: sleeps while there are none. How many; 0: none (WAIT:
 * channel_end_leave was called, and nothing more is there: what was begun and is not there in full never comes); LANE_BROKEN. */
int64_t channel_end_read(struct channel_end *end, void *data, size_t size, bool wait);
/* Writes all of DATA, in one piece as the master sees it whichever threads write; waits for room. LANE_OK; LANE_BROKEN:
 * nonsense, or channel_end_leave was called while there was no room. */
int channel_end_write(struct channel_end *end, const void *data, size_t length);
/* The master is gone (any thread says so): reading no longer sleeps, writing no longer waits. */
void channel_end_leave(struct channel_end *end);

#endif
