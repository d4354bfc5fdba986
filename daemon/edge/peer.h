/* Who is at the other end of a socket. */
#ifndef EDGE_PEER_H
#define EDGE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As the kernel knew it in the moment in which it connected. Values: what happens to the process later, or to its pid,
 * changes nothing. */
struct peer {
	uid_t uid;
	gid_t gid;
	/* In this process's PID namespace; 0: outside of it. No right follows from it: it is for people, and for whose waits hold up
	 * which worker. */
	pid_t pid;
	int64_t since_ns; /* when this was found out, by the clock that the machine's start began; 0: not known */
	gid_t *groups; /* supplementary ones, malloc'ed; NULL: there are none, or they are not known */
	size_t n_groups;
};

/* 0, or -1 with errno set: then nothing is known, and nothing may be granted. Groups that cannot be had are none.
 * After 0, peer_free. */
int peer_of(int fd, struct peer *peer) __attribute__((warn_unused_result));
void peer_free(struct peer *peer);

/* Whether GROUP is its primary or one of its supplementary ones. */
bool peer_is_in_group(const struct peer *peer, gid_t group);

/* Whether the process that connected by FD is still there, so that PEER's pid is not another's by now. */
bool peer_is_there(int fd, const struct peer *peer);
/* Whether there is a process PID that was there at SINCE_NS, as peer_is_there asks where the kernel cannot tell (before Linux
 * 6.5): to a tick of its clock. */
bool process_is_since(pid_t pid, int64_t since_ns);

/* Root, or the daemon's own user. */
bool peer_is_admin(const struct peer *peer);

#endif
