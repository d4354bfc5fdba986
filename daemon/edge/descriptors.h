/* Descriptors that clients send along with their requests (SCM_RIGHTS), from their arrival until a request claims
 * them. */
#ifndef EDGE_DESCRIPTORS_H
#define EDGE_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct connection;

/* So many of one connection may wait to be claimed. */
#define DESCRIPTORS_MAX 16
/* Of all that clients may have in all, such a part may wait to be named on one user's connections, and such a part commands of
 * his may have by default. */
#define DESCRIPTORS_SHARE 4

/* The kernel's SCM_MAX_FD: so many may come at once. What there is no room for it closes itself, and this process would
 * wait for that (see base/closer.h). */
#define DESCRIPTORS_COME 253

/* Room for what one recvmsg(2) brings. */
union descriptors_room {
	struct cmsghdr header;
	char space[CMSG_SPACE(DESCRIPTORS_COME * sizeof(int))];
};

/* Takes what came along with the bytes that were received last. NULL, or why the connection is to end (static): then
 * they are closed. */
const char *descriptors_take(struct connection *connection, struct msghdr *message);
/* The message that ends with the connection's ENDth byte has been handled: what it could have claimed, and did not, is
 * closed. There are some. */
void descriptors_expire(struct connection *connection, uint64_t end);
/* How many the message that is handled now can claim. */
size_t descriptors_count(const struct connection *connection);
/* Its first N, of as many as it can claim at least; the caller's from now on. */
void descriptors_claim(struct connection *connection, int *fds, size_t n);
void descriptors_free(struct connection *connection);

#endif
