/* Peer credentials: the kernel's word for who connected, which is all that access rights may rest on. */
#include "edge/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* With no room it says how much it needs. */
static void read_groups(int fd, struct peer *peer)
{
	socklen_t length = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &length) == 0 || errno != ERANGE)
		return;
	gid_t *groups = xmalloc(length);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0) {
		free(groups);
		return;
	}
	peer->groups = groups;
	peer->n_groups = length / sizeof(groups[0]);
}

int peer_of(int fd, struct peer *peer)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);
	struct timespec now;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return -1;
	if (length != sizeof(credentials) || credentials.uid == (uid_t)-1 || credentials.gid == (gid_t)-1) {
		errno = EINVAL;
		return -1;
	}
	*peer = (struct peer){ .uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid };
	if (clock_gettime(CLOCK_BOOTTIME, &now) == 0)
		peer->since_ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
	read_groups(fd, peer);
	return 0;
}

void peer_free(struct peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	peer->n_groups = 0;
}

/* --- whether it is there --- */

bool process_is_since(pid_t pid, int64_t since_ns)
{
	char path[32], text[512];
	unsigned long long ticks;
	long second = sysconf(_SC_CLK_TCK);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	ssize_t length = read(file, text, sizeof(text) - 1);
	close(file);
	text[length > 0 ? length : 0] = '\0';
	const char *rest = strrchr(text, ')'); /* the name before may have blanks */
	if (!rest || second <= 0 ||
		sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
		return false;
	return since_ns > 0 && ticks <= (unsigned long long)since_ns / (unsigned long long)(NS_PER_S / second);
}

bool peer_is_there(int fd, const struct peer *peer)
{
	int process;
	socklen_t length = sizeof(process);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &process, &length) < 0)
		return errno == ENOPROTOOPT && process_is_since(peer->pid, peer->since_ns);
	struct pollfd end = { .fd = process, .events = POLLIN };
	bool there = poll(&end, 1, 0) == 0;
	close(process);
	return there;
}

bool peer_is_in_group(const struct peer *peer, gid_t group)
{
	bool found = peer->gid == group;
	for (size_t i = 0; i < peer->n_groups && !found; i++)
		found = peer->groups[i] == group;
	return found;
}

bool peer_is_admin(const struct peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}
