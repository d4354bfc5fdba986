/* Requests gather in one buffer and go out together: a thousand submissions are a few system calls. Those that bring
 * descriptors along are written alone, so that whoever reads these finds their request with them, and no other. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/reconnect.h"

#define OUT_KEEP ((size_t)1 << 20) /* a larger buffer is given back once it is empty */

/* --- descriptors --- */

void passing_free(struct passing *passing)
{
	if (!passing)
		return;
	for (size_t i = 0; i < passing->n; i++)
		close(passing->fds[i]);
	free(passing);
}

struct passing *passing_new(struct taskd *c, const int *fds, size_t n)
{
	struct passing *passing = calloc(1, sizeof(*passing));

	if (!passing) {
		error_set(TASKD_E_MEMORY, NULL);
		return NULL;
	}
	for (; passing->n < n; passing->n++) {
		int fd = fcntl(fds[passing->n], F_DUPFD_CLOEXEC, 0);
		if (fd < 0 && errno == EMFILE) { /* those that wait to be written may be the ones that are too many */
			connection_lock(c);
			output_write(c);
			connection_unlock(c);
			fd = fcntl(fds[passing->n], F_DUPFD_CLOEXEC, 0);
		}
		if (fd < 0) {
			error_set(errno == EBADF ? TASKD_E_INVALID : TASKD_E_SYSTEM,
				"cannot duplicate the descriptor %d: %s", fds[passing->n], strerror(errno));
			passing_free(passing);
			return NULL;
		}
		passing->fds[passing->n] = fd;
	}
	return passing;
}

static void drop_first(struct taskd *c)
{
	struct passing *passing = STAILQ_FIRST(&c->passings);

	STAILQ_REMOVE_HEAD(&c->passings, link);
	c->n_passing--;
	passing_free(passing);
}

void output_drop(struct taskd *c)
{
	while (!STAILQ_EMPTY(&c->passings))
		drop_first(c);
	strbuf_free(&c->out);
	c->out_start = 0;
	c->out_held = false;
}

/* LENGTH bytes at most, the first with the descriptors. */
static ssize_t send_with(struct taskd *c, const struct passing *passing, size_t length)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(passing->fds))];
	} control = { 0 };
	struct iovec piece = { .iov_base = c->out.data + c->out_start, .iov_len = length };
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = CMSG_SPACE(sizeof(int) * passing->n),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * passing->n);
	memcpy(CMSG_DATA(header), passing->fds, sizeof(int) * passing->n);
	return sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Up to the next request with descriptors; or that one. -1 with errno. */
static ssize_t send_some(struct taskd *c)
{
	struct passing *passing = STAILQ_FIRST(&c->passings);
	size_t length = c->out.length - c->out_start;

	if (!passing)
		return send(c->fd, c->out.data + c->out_start, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (passing->at > c->written)
		return send(c->fd, c->out.data + c->out_start, (size_t)(passing->at - c->written),
			MSG_NOSIGNAL | MSG_DONTWAIT);
	ssize_t n = send_with(c, passing, (size_t)(passing->end - c->written));
	if (n > 0)
		drop_first(c);
	return n;
}

/* --- the buffer --- */

bool output_pending(const struct taskd *c)
{
	return c->out.length > c->out_start;
}

/* What it has not taken so far will never be read. What it has answered before will still be: so the end is left to the
 * reader, whom the shutdown spares from waiting. */
static void give_up(struct taskd *c, int error)
{
	c->out_error = error;
	if (!c->reconnect)
		output_drop(c);
	shutdown(c->fd, SHUT_RDWR);
}

void output_write(struct taskd *c)
{
	uint64_t before = c->written;

	if (c->reconnect && (c->fd < 0 || c->out_error)) /* it is for the next connection */
		return;
	c->out_enough = OUT_ENOUGH;
	c->out_held = false;
	while (output_pending(c)) {
		ssize_t n = send_some(c);
		if (n >= 0) {
			c->out_start += (size_t)n;
			c->written += (uint64_t)n;
		} else if (errno == EAGAIN || errno == ETOOMANYREFS) {
			/* The kernel lets no user have more descriptors on their way than may be open. */
			c->out_held = errno == ETOOMANYREFS;
			/* A reader that sleeps until something comes is to write on, too. */
			if (c->reading && !c->reader_polls_output && eventfd_write(c->wake, 1) == 0)
				c->reader_polls_output = true;
			break;
		} else if (errno != EINTR) {
			give_up(c, errno);
			return;
		}
	}
	if (c->written != before)
		reader_wake_waiters(c); /* for those who flush */
	if (output_pending(c)) {
		/* Move the rest to the front now and then, so that the buffer does not grow by what is long gone. */
		if (c->out_start > c->out.length / 2) {
			c->out_cut = c->out.data[c->out_start - 1] != '\n';
			c->out.length -= c->out_start;
			memmove(c->out.data, c->out.data + c->out_start, c->out.length);
			c->out_start = 0;
		}
		/* While the daemon reads nothing, not every submission is to ask the socket again. */
		c->out_enough += c->out.length - c->out_start;
		return;
	}
	c->out_start = 0;
	c->out_cut = false;
	strbuf_reset(&c->out);
	if (c->out.room > OUT_KEEP)
		strbuf_free(&c->out);
}
