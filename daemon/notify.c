/* The service manager's two protocols are a datagram of a line and a handful of environment variables: a library would
 * be more to carry than they are. */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_START 3

void notify_send(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	size_t length = strlen(path);
	memcpy(address.sun_path, path, length);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';

	char message[512];
	va_list arguments;
	va_start(arguments, format);
	int size = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= sizeof(message))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, message, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

static int64_t environment_number(const char *name)
{
	const char *text = getenv(name);
	if (!text || !*text)
		return -1;
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return errno || *end || value < 0 ? -2 : value;
}

int64_t notify_watchdog_ns(void)
{
	int64_t pid = environment_number("WATCHDOG_PID");
	int64_t usec = environment_number("WATCHDOG_USEC");
	if (usec <= 0 || (pid != -1 && pid != getpid()))
		return 0;
	return usec * 1000;
}

int notify_listen_fds(int *first)
{
	int64_t pid = environment_number("LISTEN_PID");
	int64_t count = environment_number("LISTEN_FDS");
	*first = LISTEN_FDS_START;
	if (pid == -1 && count == -1)
		return 0;
	if (pid != getpid())
		return pid == -2 ? -1 : 0;
	if (count < 0 || count > 64)
		return -1;
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + (int)count; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return -1;
	return (int)count;
}

static int socket_number(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

int notify_check_listener(int fd, const char **reason)
{
	if (socket_number(fd, SO_DOMAIN) < 0)
		*reason = "it is not a socket";
	else if (socket_number(fd, SO_DOMAIN) != AF_UNIX)
		*reason = "it is not a Unix socket";
	else if (socket_number(fd, SO_TYPE) != SOCK_STREAM)
		*reason = "it is not a stream socket (ListenStream=)";
	else if (socket_number(fd, SO_ACCEPTCONN) != 1)
		*reason = "it does not listen (Accept=no)";
	else
		return 0;
	return -1;
}

char *notify_listener_path(int fd)
{
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 || size <= offsetof(struct sockaddr_un, sun_path))
		return NULL;
	size_t length = size - offsetof(struct sockaddr_un, sun_path);
	if (address.sun_path[0] == '\0')
		address.sun_path[0] = '@';
	return strndup(address.sun_path, length < sizeof(address.sun_path) ? length : sizeof(address.sun_path));
}
