/* The descriptors that a command's streams are made of. What came along from a client is its own, and perhaps other
 * processes' too, which must not find it changed: O_NONBLOCK is a flag of the open file that all of them share. So pipes
 * and sockets are asked at each call not to wait, and a terminal is opened anew by way of /proc, which gives this process
 * an open file of its own. */
#include "worker/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "worker/confine.h"

void streams_close(int *fd)
{
	int error = errno;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = error;
}

static int reopen(int fd, int flags)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC | O_NOCTTY);
}

int streams_open_null(int flags)
{
	return open("/dev/null", flags | O_CLOEXEC);
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

int streams_open_bytes(const char *data, size_t length)
{
	/* Not a pipe: a command that never reads would leave us with what does not fit. */
	int memory = memfd_create("stdin", MFD_CLOEXEC);
	if (memory < 0)
		return -1;
	int fd = write_all(memory, data, length) < 0 ? -1 : reopen(memory, O_RDONLY);
	streams_close(&memory);
	return fd;
}

static int open_file(const char *path)
{
	struct stat about;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode))
		errno = EISDIR;
	else if (fcntl(fd, F_SETFL, O_RDONLY) == 0)
		return fd;
	streams_close(&fd);
	return -1;
}

/* What a thread gives up it gives up for good: so it is one that has nothing else to do. */
struct opening {
	const char *path;
	const struct confine_kit *kit;
	int fd;
	int error;
};
static void *open_confined(void *user)
{
	struct opening *opening = user;
	opening->fd = confine_put_paths(opening->kit) ? -1 : open_file(opening->path);
	opening->error = errno;
	return NULL;
}

int streams_open_file(const char *path, const struct confine_kit *kit)
{
	struct opening opening = { .path = path, .kit = kit };
	pthread_t thread;
	if (!kit || kit->ruleset_fd < 0)
		return open_file(path);
	errno = pthread_create(&thread, NULL, open_confined, &opening);
	if (errno)
		return -1;
	pthread_join(thread, NULL);
	errno = opening.error;
	return opening.fd;
}

int streams_open_pipe(bool reads, int *mine, int *childs)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*mine = ends[reads ? 0 : 1];
	*childs = ends[reads ? 1 : 0];
	return fcntl(*mine, F_SETFL, O_NONBLOCK);
}

int streams_open_terminal(int rows, int columns, int *master, int *slave)
{
	const struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (*master < 0)
		return -1;
	if (grantpt(*master) == 0 && unlockpt(*master) == 0 && ioctl(*master, TIOCSWINSZ, &size) == 0 &&
		(*slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) >= 0)
		return 0;
	streams_close(master);
	return -1;
}

/* The other end of a terminal cannot be opened anew: that would be another terminal. */
static bool is_terminal(int fd)
{
	unsigned int number;
	return isatty(fd) && ioctl(fd, TIOCGPTN, &number) < 0;
}

static int open_peer(int fd, bool reads, struct peer *peer)
{
	struct stat about;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &about) < 0)
		return -1;
	/* To be asked here: opened anew, it could become more than the client had. */
	if ((flags & O_ACCMODE) == (reads ? O_WRONLY : O_RDONLY) || (flags & O_PATH)) {
		errno = EBADF;
		return -1;
	}
	peer->fd = fd;
	peer->kind = S_ISFIFO(about.st_mode) ? PEER_PIPE : S_ISSOCK(about.st_mode) ? PEER_SOCKET : PEER_FILE;
	int own = is_terminal(fd) ? reopen(fd, (reads ? O_RDONLY : O_WRONLY) | O_NONBLOCK) : -1;
	if (own >= 0) {
		peer->fd = own;
		close(fd);
	}
	return 0;
}

int streams_open_peer(int fd, bool reads, struct peer *peer)
{
	if (open_peer(fd, reads, peer) == 0)
		return 0;
	*peer = (struct peer){ .fd = -1 };
	streams_close(&fd);
	return -1;
}

/* Before Linux 6.4, that is the only way. */
static void stop_waiting(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

ssize_t peer_write(const struct peer *peer, const char *data, size_t length)
{
	const struct iovec piece = { .iov_base = (void *)(uintptr_t)data, .iov_len = length };
	if (peer->kind == PEER_SOCKET)
		return send(peer->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (peer->kind == PEER_PIPE) {
		ssize_t n = pwritev2(peer->fd, &piece, 1, -1, RWF_NOWAIT);
		if (n >= 0 || errno != EOPNOTSUPP)
			return n;
		stop_waiting(peer->fd);
	}
	return write(peer->fd, data, length);
}

ssize_t peer_read(const struct peer *peer, char *room, size_t size)
{
	const struct iovec piece = { .iov_base = room, .iov_len = size };
	if (peer->kind == PEER_SOCKET)
		return recv(peer->fd, room, size, MSG_DONTWAIT);
	if (peer->kind == PEER_PIPE) {
		ssize_t n = preadv2(peer->fd, &piece, 1, -1, RWF_NOWAIT);
		if (n >= 0 || errno != EOPNOTSUPP)
			return n;
		stop_waiting(peer->fd);
	}
	return read(peer->fd, room, size);
}
