/* The socket to the daemon: opened by who waits for it, and tried by who must not wait. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/client.h"

static enum taskd_error connect_error(const char *path, int error)
{
	const char *hint = "";

	if (error == ENOENT || error == ECONNREFUSED)
		hint = " (is taskd running?)";
	else if (error == EACCES)
		hint = " (only those whom the socket's mode lets write may connect)";
	else if (error == EAGAIN)
		return error_set(TASKD_E_CONNECT, "cannot connect to %s: it did not accept in time", path);
	return error_set(TASKD_E_CONNECT, "cannot connect to %s: %s%s", path, strerror(error), hint);
}

static bool path_is_possible(const char *path, size_t room)
{
	if (path[0] == '\0')
		error_set(TASKD_E_INVALID, "the socket's path is empty");
	else if (strlen(path) >= room)
		error_set(TASKD_E_INVALID, "a socket's path has at most %zu bytes: %s", room - 1, path);
	else
		return true;
	return false;
}

/* On a Unix socket connect(2) waits only where the backlog is full, and as long as SO_SNDTIMEO says. */
int socket_open(const char *path, int64_t timeout_ns)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t deadline = deadline_after(timeout_ns);
	int fd;

	if (!path_is_possible(path, sizeof(address.sun_path)))
		return -1;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		error_set(TASKD_E_SYSTEM, "cannot make a socket: %s", strerror(errno));
		return -1;
	}
	for (;;) {
		int64_t left = deadline == INT64_MAX ? 0 : deadline - now_ns(); /* 0 stands for ever there */
		if (deadline != INT64_MAX && left < 1000)
			left = 1000;
		struct timeval limit = { .tv_sec = left / TASKD_SECOND, .tv_usec = left % TASKD_SECOND / 1000 };
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		if (errno != EINTR)
			break;
	}
	connect_error(path, errno);
	close(fd);
	return -1;
}

int socket_try(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	strcpy(address.sun_path, path); /* it fitted before */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}
