/* Peer credentials: the kernel's word for who connected, which is all that access rights may rest on. */
#include "edge/peer.h"

#include <errno.h>
#include <sys/socket.h>

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
	return 0;
}
