/* What does not go through a ring: payloads that are too large, as sealed memfds, and descriptors that belong to a
 * request. Both go over a lane's socket, in one message with a header that says which request it belongs to. Nobody can
 * shorten a memfd any more, and the master maps only what nobody can change either. (The slot trusts its master, who
 * does not seal writing: the kernel waits there until no CPU holds on to the pages, which is no place to be for an
 * event loop.) */
#ifndef LANE_PAYLOAD_H
#define LANE_PAYLOAD_H

#include "lane/lane.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_sender { PAYLOAD_OF_MASTER, PAYLOAD_OF_SLOT };

struct payload {
	const char *data; /* received: a mapping */
	size_t size;      /* 0: no memfd goes along */
	uint32_t n_fds;
	int fds[LANE_FDS_LIMIT];
};

/* The two ends of a lane's socket, CLOEXEC. 0, or -1 with errno set. */
int payload_socket_pair(int *master, int *slot);
/* Sends PAYLOAD, which has a size or descriptors, and borrows them; the slot waits until there is room in the socket.
 * LANE_OK, LANE_NONE (no room), LANE_BROKEN (nobody there), LANE_NO_MEMORY (or no descriptors; errno says which). */
int payload_send(int socket, uint32_t seq, const struct payload *payload, enum payload_sender sender)
	__attribute__((warn_unused_result));
/* Takes the payload of SEQ, which was sent before: PAYLOAD says what was promised (size, n_fds) and gets the rest.
 * LANE_OK: the caller's until payload_unmap of the data, which is mapped read-only, and its descriptors are CLOEXEC;
 * LANE_BROKEN: it is not there, or not what was promised; LANE_NO_MEMORY: this process has no room or descriptor for
 * it, and it is gone. What is there and not what was promised stays in the socket; that is closed by closer_close_packets,
 * since it may be descriptors that take long to close. */
int payload_receive(int socket, uint32_t seq, struct payload *payload, enum payload_sender sender)
	__attribute__((warn_unused_result));
/* Whether a payload that nobody has taken is in the socket. */
bool payload_is_waiting(int socket);
void payload_unmap(const char *data, size_t size);
/* Takes a payload that nobody wants; none of its descriptors comes into this process. LANE_OK, LANE_BROKEN. */
int payload_discard(int socket, uint32_t seq) __attribute__((warn_unused_result));

#endif
