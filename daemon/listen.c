/* A server listens on what its service manager hands over, else on a socket that it makes itself. */
#include "listen.h"

#include <stdlib.h>

#include "base/xmalloc.h"
#include "config/config.h"
#include "edge/edge.h"
#include "notify.h"

static int listen_inherited(struct edge *edge, int first, int count, char **socket, char **error)
{
	for (int fd = first; fd < first + count; fd++) {
		const char *reason;
		if (notify_check_listener(fd, &reason) < 0) {
			*error = xasprintf("inherited descriptor %d cannot be listened on: %s", fd, reason);
			return -1;
		}
		if (edge_add_listener(edge, fd) < 0) {
			*error = xasprintf("inherited descriptor %d cannot be listened on", fd);
			return -1;
		}
	}
	char *path = notify_listener_path(first);
	if (path) {
		free(*socket);
		*socket = path;
	}
	return 0;
}

int listen_all(struct edge *edge, const struct config *config, char **socket, bool *made, char **error)
{
	int first;
	int count = notify_listen_fds(&first);
	if (count < 0) {
		*error = xstrdup("LISTEN_FDS or LISTEN_PID in the environment makes no sense");
		return -1;
	}
	if (count > 0)
		return listen_inherited(edge, first, count, socket, error);
	int fd = edge_listen_path(*socket, (unsigned)config->socket_mode, config->socket_group, error);
	if (fd < 0)
		return -1;
	*made = true;
	return edge_add_listener(edge, fd);
}
