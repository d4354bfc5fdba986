/* Who is at the other end of a socket. */
#ifndef EDGE_PEER_H
#define EDGE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* As the kernel knew it in the moment in which it connected. Values: what happens to the process later, or to its pid,
 * changes nothing. */
struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid; /* in this process's PID namespace; 0: outside of it. For people alone: no right follows from it */
	gid_t *groups; /* supplementary ones, malloc'ed; NULL: there are none, or they are not known */
	size_t n_groups;
};

/* 0, or -1 with errno set: then nothing is known, and nothing may be granted. Groups that cannot be had are none.
 * After 0, peer_free. */
int peer_of(int fd, struct peer *peer) __attribute__((warn_unused_result));
void peer_free(struct peer *peer);

/* Whether GROUP is its primary or one of its supplementary ones. */
bool peer_is_in_group(const struct peer *peer, gid_t group);

/* Root, or the daemon's own user. */
bool peer_is_admin(const struct peer *peer);

#endif
