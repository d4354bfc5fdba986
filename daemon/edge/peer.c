/* Peer credentials: the kernel's word for who connected, which is all that access rights may rest on. */
#include "edge/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/xmalloc.h"

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
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return -1;
	if (length != sizeof(credentials) || credentials.uid == (uid_t)-1 || credentials.gid == (gid_t)-1) {
		errno = EINVAL;
		return -1;
	}
	*peer = (struct peer){ .uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid };
	read_groups(fd, peer);
	return 0;
}

void peer_free(struct peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	peer->n_groups = 0;
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
