/* Large payloads as sealed memfds, and descriptors. The receiver believes nothing: a file that its sender could still write or shorten
 * would be a way to change what was checked, or to kill the reader with SIGBUS. */
#include "lane/payload.h"
#include "base/closer.h"
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
	uint32_t n_fds; /* beside the memfd, which is the first where there is a size */
	uint64_t size;
};
static_assert(sizeof(struct payload_header) == 16, "no padding");

static const int seals_of[] = {
	[PAYLOAD_OF_MASTER] = F_SEAL_SHRINK | F_SEAL_GROW,
	[PAYLOAD_OF_SLOT] = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

#define DESCRIPTORS_MAX (1 + LANE_FDS_LIMIT)
union descriptors {
	struct cmsghdr aligned;
	char room[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
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

static int message_send(int socket, const struct payload_header *header, const int *fds, size_t n, int flags)
{
	union descriptors control = { .room = { 0 } };
	struct iovec part = { .iov_base = (void *)(uintptr_t)header, .iov_len = sizeof *header };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_SPACE(n * sizeof *fds) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof *fds);
	memcpy(CMSG_DATA(c), fds, n * sizeof *fds);
	ssize_t sent;
	do
		sent = sendmsg(socket, &message, flags);
	while (sent < 0 && errno == EINTR);
	if (sent == (ssize_t)sizeof *header)
		return LANE_OK;
	if (sent >= 0)
		return LANE_BROKEN;
	switch (errno) {
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

int payload_send(int socket, uint32_t seq, const struct payload *payload, enum payload_sender sender)
{
	const struct payload_header header = { .seq = seq, .n_fds = payload->n_fds, .size = payload->size };
	int fds[DESCRIPTORS_MAX];
	size_t n = 0;
	assert(payload->n_fds <= LANE_FDS_LIMIT && (payload->size || payload->n_fds));
	if (payload->size) {
		fds[n] = memfd_of(payload->data, payload->size, seals_of[sender]);
		if (fds[n++] < 0)
			return LANE_NO_MEMORY;
	}
	memcpy(fds + n, payload->fds, payload->n_fds * sizeof *fds);
	n += payload->n_fds;
	int status = message_send(socket, &header, fds, n, MSG_NOSIGNAL | (sender == PAYLOAD_OF_SLOT ? 0 : MSG_DONTWAIT));
	int reason = errno;
	if (payload->size)
		close(fds[0]);
	errno = reason;
	return status;
}

/* What is no memory may take as long to close as its sender wants. */
static void fds_close(const int *fds, size_t n, enum payload_sender sender)
{
	for (size_t i = 0; i < n; i++)
		if (sender == PAYLOAD_OF_SLOT)
			closer_close(fds[i]);
		else
			close(fds[i]);
}

/* The N descriptors of the next message: LANE_OK, LANE_BROKEN where it is not a proper one, LANE_NO_MEMORY where this
 * process has not so many free. With MSG_PEEK among the FLAGS it stays where it is. */
static int message_look(int socket, struct payload_header *header, int *fds, size_t n, enum payload_sender sender, int flags)
{
	/* CMSG_LEN, not CMSG_SPACE, which may have room for one more: the kernel closes what does not fit, and says so. */
	union descriptors control;
	struct iovec part = { .iov_base = header, .iov_len = sizeof *header };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
		.msg_controllen = CMSG_LEN(n * sizeof *fds) };
	ssize_t size;
	do
		size = recvmsg(socket, &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return LANE_BROKEN;
	size_t came = 0;
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	if (c && (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS))
		return LANE_BROKEN;
	if (c)
		came = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
	if (came)
		memcpy(fds, CMSG_DATA(c), came * sizeof *fds);
	bool cut = message.msg_flags & MSG_CTRUNC;
	if (came == n && !cut && size == (ssize_t)sizeof *header && !(message.msg_flags & MSG_TRUNC))
		return LANE_OK;
	fds_close(fds, came, sender);
	return came < n && cut ? LANE_NO_MEMORY : LANE_BROKEN;
}

/* Of a slot's message the kernel closes what does not fit, here and now, however long that takes. So it is looked at first,
 * and left there where it is not a proper one: who closes the socket closes that, too. */
static int message_receive(int socket, struct payload_header *header, int *fds, size_t n, enum payload_sender sender)
{
	if (sender == PAYLOAD_OF_MASTER)
		return message_look(socket, header, fds, n, sender, 0);
	int status = message_look(socket, header, fds, n, sender, MSG_PEEK);
	if (status != LANE_BROKEN && payload_discard(socket, header->seq) != LANE_OK) {
		if (status == LANE_OK)
			fds_close(fds, n, sender);
		return LANE_BROKEN;
	}
	return status;
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

/* MAP_PRIVATE: a sealed file cannot be mapped shared by a descriptor that could once write. */
static int memory_map(int fd, size_t size, enum payload_sender sender, const char **data)
{
	if (!is_sealed_memory(fd, size, seals_of[sender]))
		return LANE_BROKEN;
	void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return LANE_NO_MEMORY;
	*data = at;
	return LANE_OK;
}

int payload_receive(int socket, uint32_t seq, struct payload *payload, enum payload_sender sender)
{
	struct payload_header header = { 0 };
	int fds[DESCRIPTORS_MAX];
	size_t memory = payload->size ? 1 : 0;
	int status = message_receive(socket, &header, fds, memory + payload->n_fds, sender);
	if (status != LANE_OK)
		return status;
	if (header.seq != seq || header.size != payload->size || header.n_fds != payload->n_fds)
		status = LANE_BROKEN;
	else if (memory)
		status = memory_map(fds[0], payload->size, sender, &payload->data);
	if (status != LANE_OK) {
		fds_close(fds, memory + payload->n_fds, sender);
		return status;
	}
	if (memory) /* that is what it is */
		close(fds[0]);
	memcpy(payload->fds, fds + memory, payload->n_fds * sizeof *fds);
	return status;
}

bool payload_is_waiting(int socket)
{
	struct msghdr message = { 0 };
	ssize_t size = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
	/* What has neither bytes nor descriptors is none. */
	return size >= 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
}

void payload_unmap(const char *data, size_t size)
{
	munmap((void *)(uintptr_t)data, size);
}

int payload_discard(int socket, uint32_t seq)
{
	struct payload_header header;
	ssize_t size;
	/* Without room for descriptors the kernel lets go of them. */
	do
		size = recv(socket, &header, sizeof header, MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	return size == (ssize_t)sizeof header && header.seq == seq ? LANE_OK : LANE_BROKEN;
}
