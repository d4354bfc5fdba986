/* Large payloads as sealed memfds. The receiver believes nothing: a file that its sender could still write or shorten
 * would be a way to change what was checked, or to kill the reader with SIGBUS. */
#include "lane/payload.h"
#include "lane/lane.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct payload_header {
	uint32_t seq;
	uint32_t zero;
	uint64_t size;
};
static_assert(sizeof(struct payload_header) == 16, "no padding");

static const int seals_of[] = {
	[PAYLOAD_OF_MASTER] = F_SEAL_SHRINK | F_SEAL_GROW,
	[PAYLOAD_OF_SLOT] = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

union one_descriptor {
	struct cmsghdr aligned;
	char room[CMSG_SPACE(sizeof(int))];
};

int payload_socket_pair(int *master, int *slot)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	*master = pair[0];
	*slot = pair[1];
	return 0;
}

static int memfd_of(const char *data, size_t size, int seals)
{
	int fd = memfd_create("taskd-payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, data + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto fail;
		done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL) < 0)
		goto fail;
	return fd;
fail:;
	int reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

int payload_send(int socket, uint32_t seq, const char *data, size_t size, enum payload_sender sender)
{
	int fd = memfd_of(data, size, seals_of[sender]);
	if (fd < 0)
		return LANE_NO_MEMORY;
	struct payload_header header = { .seq = seq, .size = size };
	union one_descriptor control = { .room = { 0 } };
	struct iovec part = { .iov_base = &header, .iov_len = sizeof header };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = sizeof control.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	ssize_t sent;
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL | (sender == PAYLOAD_OF_SLOT ? 0 : MSG_DONTWAIT));
	while (sent < 0 && errno == EINTR);
	int reason = errno;
	close(fd);
	errno = reason;
	if (sent == (ssize_t)sizeof header)
		return LANE_OK;
	if (sent >= 0)
		return LANE_BROKEN;
	switch (reason) {
	case EAGAIN:
		return LANE_NONE;
	case ENOMEM:
	case ENOBUFS:
	case ETOOMANYREFS: /* descriptors on their way count against the user's limit */
		return LANE_NO_MEMORY;
	default:
		return LANE_BROKEN;
	}
}

/* The descriptor of the next message: LANE_OK, LANE_BROKEN where it is not a proper one, LANE_NO_MEMORY where this
 * process has none free. */
static int descriptor_receive(int socket, struct payload_header *header, int *fd)
{
	/* CMSG_LEN, not CMSG_SPACE, which has room for a second one: the kernel closes what does not fit, and says so. */
	union one_descriptor control;
	struct iovec part = { .iov_base = header, .iov_len = sizeof *header };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_LEN(sizeof *fd) };
	ssize_t n;
	do
		n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return LANE_BROKEN;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (!c)
		return message.msg_flags & MSG_CTRUNC ? LANE_NO_MEMORY : LANE_BROKEN;
	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof *fd))
		return LANE_BROKEN;
	memcpy(fd, CMSG_DATA(c), sizeof *fd);
	if (n == (ssize_t)sizeof *header && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return LANE_OK;
	close(*fd);
	return LANE_BROKEN;
}

/* Of plain memory (huge pages can run out under the reader's feet), of that size, and sealed. */
static bool is_sealed_memory(int fd, size_t size, int wanted)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;
	struct statfs system;
	return seals >= 0 && (seals & wanted) == wanted && fstat(fd, &about) == 0 && about.st_size >= 0 &&
		(uint64_t)about.st_size == size && fstatfs(fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

int payload_receive(int socket, uint32_t seq, size_t size, enum payload_sender sender, const char **data)
{
	struct payload_header header;
	int fd;
	int status = descriptor_receive(socket, &header, &fd);
	if (status != LANE_OK)
		return status;
	if (header.seq != seq || header.size != size || size == 0 || !is_sealed_memory(fd, size, seals_of[sender])) {
		close(fd);
		return LANE_BROKEN;
	}
	/* MAP_PRIVATE: a sealed file cannot be mapped shared by a descriptor that could once write. */
	void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return LANE_NO_MEMORY;
	*data = at;
	return LANE_OK;
}

void payload_unmap(const char *data, size_t size)
{
	munmap((void *)(uintptr_t)data, size);
}

int payload_discard(int socket, uint32_t seq)
{
	struct payload_header header;
	int fd;
	int status = descriptor_receive(socket, &header, &fd);
	if (status != LANE_OK)
		return status;
	close(fd);
	return header.seq == seq ? LANE_OK : LANE_BROKEN;
}
