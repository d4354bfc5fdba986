/* Requests gather in one buffer and go out together: a thousand submissions are a few system calls. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "client/client.h"

#define OUT_KEEP ((size_t)1 << 20) /* a larger buffer is given back once it is empty */

bool output_pending(const struct taskd *c)
{
	return c->out.length > c->out_start;
}

/* What it has not taken so far will never be read. What it has answered before will still be: so the end is left to the
 * reader, whom the shutdown spares from waiting. */
static void give_up(struct taskd *c, int error)
{
	c->out_error = error;
	strbuf_free(&c->out);
	c->out_start = 0;
	shutdown(c->fd, SHUT_RDWR);
}

void output_write(struct taskd *c)
{
	uint64_t before = c->written;

	c->out_enough = OUT_ENOUGH;
	while (output_pending(c)) {
		ssize_t n = send(
			c->fd, c->out.data + c->out_start, c->out.length - c->out_start, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			c->out_start += (size_t)n;
			c->written += (uint64_t)n;
		} else if (errno == EAGAIN) {
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
			c->out.length -= c->out_start;
			memmove(c->out.data, c->out.data + c->out_start, c->out.length);
			c->out_start = 0;
		}
		/* While the daemon reads nothing, not every submission is to ask the socket again. */
		c->out_enough += c->out.length - c->out_start;
		return;
	}
	c->out_start = 0;
	strbuf_reset(&c->out);
	if (c->out.room > OUT_KEEP)
		strbuf_free(&c->out);
}
