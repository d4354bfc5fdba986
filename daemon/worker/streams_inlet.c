/* What is sent to a running command while it runs: into a pipe that it reads, or typed into its terminal.
 *
 *   open ──(no more is to come)──▶ ending ──(what waited is in; the end is typed)──▶ ended ──▶ closed
 *     └───────────────(nobody reads any more)──────────────────────────────────────────────▶ closed
 *
 * What holds between two calls:
 *  1. At most INLET_LIMIT bytes wait here; what does not fit is refused whole, so that who sends it waits.
 *  2. What comes from a descriptor (for a terminal only) is read when nothing waits, so that a terminal that is not
 *     read from holds that up, too.
 *  3. Bytes go in in the order in which they came; after the end nothing does.
 *  4. Closed means: nothing waits, and a pipe's end is closed, which is what the command sees as the end of its
 *     input.
 * `ended` is for terminals alone: their end is a character, which has to be typed like any other. */
#include "worker/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/xmalloc.h"

#define READ_SIZE 4096

void inlet_init(struct inlet *inlet)
{
	*inlet = (struct inlet){
		.state = INLET_CLOSED, .target = -1, .source = { .fd = -1 }, .poll_target = -1, .poll_source = -1
	};
}

void inlet_open(struct inlet *inlet, int target, bool terminal)
{
	inlet->target = target;
	inlet->terminal = terminal;
	inlet->state = INLET_OPEN;
}

void inlet_close(struct inlet *inlet)
{
	if (inlet->terminal)
		inlet->target = -1;
	else
		streams_close(&inlet->target);
	streams_close(&inlet->source.fd);
	free(inlet->buffer);
	inlet->buffer = NULL;
	inlet->at = inlet->end = 0;
	inlet->state = INLET_CLOSED;
}

static size_t waiting(const struct inlet *inlet)
{
	return inlet->end - inlet->at;
}

/* There is room for it. */
static void append(struct inlet *inlet, const char *data, size_t length)
{
	if (length == 0)
		return;
	if (!inlet->buffer)
		inlet->buffer = xmalloc(INLET_LIMIT);
	if (inlet->at) {
		memmove(inlet->buffer, inlet->buffer + inlet->at, waiting(inlet));
		inlet->end -= inlet->at;
		inlet->at = 0;
	}
	memcpy(inlet->buffer + inlet->end, data, length);
	inlet->end += length;
	inlet->line_begun = data[length - 1] != '\n' && data[length - 1] != '\r';
}

/* A terminal's end is what its user would type. In the middle of a line that hands over the line only: then once
 * more. */
static void type_end(struct inlet *inlet)
{
	struct termios mode;
	if (tcgetattr(inlet->target, &mode) < 0 || mode.c_cc[VEOF] == _POSIX_VDISABLE)
		return;
	const char end[2] = { (char)mode.c_cc[VEOF], (char)mode.c_cc[VEOF] };
	append(inlet, end, (mode.c_lflag & ICANON) && inlet->line_begun ? 2 : 1);
}

/* True: nothing waits. */
static bool flush(struct inlet *inlet)
{
	while (waiting(inlet)) {
		ssize_t n = write(inlet->target, inlet->buffer + inlet->at, waiting(inlet));
		if (n >= 0) {
			inlet->at += (size_t)n;
		} else if (errno == EAGAIN) {
			return false;
		} else if (errno != EINTR) {
			inlet_close(inlet);
		}
	}
	return true;
}

static void move(struct inlet *inlet)
{
	while (inlet->state != INLET_CLOSED && flush(inlet)) {
		if (inlet->state == INLET_OPEN || inlet->state == INLET_CLOSED)
			return;
		if (inlet->state == INLET_ENDING && inlet->terminal) {
			type_end(inlet);
			inlet->state = INLET_ENDED;
		} else {
			inlet_close(inlet);
		}
	}
}

static void pump(struct inlet *inlet)
{
	char piece[READ_SIZE];
	ssize_t n = peer_read(&inlet->source, piece, sizeof(piece));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		append(inlet, piece, (size_t)n);
	} else {
		streams_close(&inlet->source.fd);
		inlet->state = INLET_ENDING;
	}
	move(inlet);
}

bool inlet_put(struct inlet *inlet, const char *data, size_t length, bool eof)
{
	if (length > INLET_LIMIT - waiting(inlet))
		return false;
	append(inlet, data, length);
	if (eof)
		inlet->state = INLET_ENDING;
	move(inlet);
	return true;
}

size_t inlet_poll(struct inlet *inlet, struct pollfd *poll, size_t n)
{
	inlet->poll_target = inlet->poll_source = -1;
	if (inlet->state == INLET_CLOSED)
		return n;
	if (waiting(inlet)) {
		inlet->poll_target = (int)n;
		poll[n++] = (struct pollfd){ .fd = inlet->target, .events = POLLOUT };
	} else if (inlet->source.fd >= 0) {
		inlet->poll_source = (int)n;
		poll[n++] = (struct pollfd){ .fd = inlet->source.fd, .events = POLLIN };
	}
	return n;
}

void inlet_move(struct inlet *inlet, const struct pollfd *poll, size_t n)
{
	if (inlet->state == INLET_CLOSED)
		return;
	if (inlet->poll_target >= 0 && (size_t)inlet->poll_target < n && poll[inlet->poll_target].revents) {
		/* Nobody has the terminal open any more, and it is full: that would be told again and again. */
		bool hopeless = !(poll[inlet->poll_target].revents & POLLOUT);
		move(inlet);
		if (hopeless)
			inlet_close(inlet);
	} else if (inlet->poll_source >= 0 && (size_t)inlet->poll_source < n && poll[inlet->poll_source].revents) {
		pump(inlet);
	}
}
