/* Who is at the other end of a socket. */
#ifndef EDGE_PEER_H
#define EDGE_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid; /* in this process's PID namespace; 0: outside of it */
};

/* As they were when the peer connected. 0, or -1 with errno set: then nothing is known, and nothing may be granted. */
int peer_of(int fd, struct peer *peer) __attribute__((warn_unused_result));

/* Whether it was in the group when it connected, by its primary or a supplementary one. What is not known is no. */
bool peer_is_in_group(int fd, const struct peer *peer, gid_t group);

/* Root, or the daemon's own user. */
bool peer_is_admin(const struct peer *peer);

#endif
