/* What channel.c and channel_end.c share, and their tests. */
#ifndef LANE_CHANNEL_MEMORY_H
#define LANE_CHANNEL_MEMORY_H

#include "lane/channel.h"
#include "lane/records.h"

const struct lane_memory *channel_memory_of(const struct channel *channel);
/* The child's side in the same mapping as the master's, for tests whose threads are watched by a sanitizer. Does not own the
 * memory, but takes over DOORBELL_FD. */
struct channel_end *channel_end_attach(const struct lane_memory *memory, int doorbell_fd);

#endif
