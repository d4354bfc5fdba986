/* One of a command's outputs, from the pipe (or the terminal) that the command writes to, its source, to all who want
 * it: the capture, those who follow, the log, and the reader that is attached.
 *
 *   reading ◀──▶ stalled      reading: the source is waited for; stalled: the reader is
 *      └──▶ over ◀──┘
 *
 * What holds between two calls:
 *  1. A byte leaves the source once there is a place for it with everybody who wants it: the capture's memory, the
 *     log's file, and the reader or the one buffer here. So nothing is taken while something is pending, the command
 *     waits where the reader is slow, and an outlet has at most BUFFER_SIZE of its own.
 *  2. What is pending is the reader's: without one there is nothing pending.
 *  3. Each byte that leaves the source is counted, in `total` and in the capture, once, when it does.
 *  4. The source is closed once and for all: at its end, when the reader is gone (the command's next write then
 *     fails, as in a shell's pipe), or when what was left at the end of the command's tree has been taken.
 *  5. Over means: no descriptor and no memory are held.
 *  6. Followers and the log never make anybody wait but for the disk: what followers have no room for is left out,
 *     and a log that failed is not written again, so that it has no holes.
 *
 * `state` follows from the rest, and settle() alone assigns it. Where nobody wants to see the bytes, but the reader
 * alone, the log alone, or nobody at all, they go there by splice(2), without coming by here. */
#include "worker/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "lane/lane.h"

#define BUFFER_SIZE ((size_t)64 * 1024)
#define PIECE ((size_t)1024 * 1024)    /* the most that goes at once */
#define TURN ((size_t)4 * 1024 * 1024) /* the most in one outlet_move */
#define WIDE (1024 * 1024)             /* a source of which much comes is given so much room */
#define MUCH (256u * 1024)
#define TERMINAL_HOLDS ((int64_t)256 * 1024) /* more than the kernel keeps of what was written to a terminal */

void outlet_init(struct outlet *outlet, enum capture_stream stream, struct lane_end *end, struct capture_end *capture)
{
	*outlet = (struct outlet){ .stream = stream,
		.end = end,
		.capture = capture,
		.source = -1,
		.reader = { .fd = -1 },
		.log = -1,
		.null = -1,
		.left = -1,
		.poll_source = -1,
		.poll_reader = -1 };
}

static void drop_reader(struct outlet *outlet)
{
	streams_close(&outlet->reader.fd);
	outlet->reader.kind = PEER_NONE;
	outlet->n_pending = 0;
	outlet->full = false;
}

static void end_source(struct outlet *outlet)
{
	if (outlet->terminal)
		outlet->source = -1;
	else
		streams_close(&outlet->source);
	outlet->full = false;
}

void outlet_close(struct outlet *outlet)
{
	end_source(outlet);
	drop_reader(outlet);
	streams_close(&outlet->log);
	streams_close(&outlet->null);
	free(outlet->buffer);
	outlet->buffer = NULL;
	outlet->state = OUTLET_OVER;
}

static void settle(struct outlet *outlet)
{
	if (outlet->n_pending || outlet->full)
		outlet->state = OUTLET_STALLED;
	else if (outlet->source >= 0)
		outlet->state = OUTLET_READING;
	else
		outlet_close(outlet);
}

void outlet_open(struct outlet *outlet)
{
	outlet->copies = outlet->terminal;
	settle(outlet);
}

/* --- the reader --- */

static void lose_reader(struct outlet *outlet)
{
	outlet->reader_gone = true;
	drop_reader(outlet);
	if (outlet->left < 0) /* else nobody is there whom it would tell anything, and the capture may have the rest */
		end_source(outlet);
}

/* True: nothing is pending. */
static bool flush(struct outlet *outlet)
{
	while (outlet->n_pending) {
		ssize_t n = peer_write(&outlet->reader, outlet->pending, outlet->n_pending);
		if (n >= 0) {
			outlet->pending += n;
			outlet->n_pending -= (size_t)n;
		} else if (errno == EAGAIN) {
			return false;
		} else if (errno != EINTR) {
			lose_reader(outlet);
		}
	}
	return true;
}

/* --- the others --- */

static void fail_log(struct outlet *outlet)
{
	outlet->log_error = errno;
	streams_close(&outlet->log);
}

static void write_log(struct outlet *outlet, const char *data, size_t length)
{
	while (outlet->log >= 0 && length > 0) {
		ssize_t n = write(outlet->log, data, length);
		if (n >= 0) {
			data += n;
			length -= (size_t)n;
		} else if (errno != EINTR) {
			fail_log(outlet);
		}
	}
}

static void tell_followers(const struct outlet *outlet, uint64_t offset, const char *data, size_t length)
{
	if (!capture_followed(outlet->capture))
		return;
	for (size_t at = 0, piece; at < length; at += piece) {
		piece = length - at < LANE_INLINE_LIMIT ? length - at : LANE_INLINE_LIMIT;
		if (!lane_end_output(outlet->end, (int)outlet->stream, offset + at, data + at, piece))
			return;
	}
}

/* --- the source --- */

static bool capture_has_room(const struct outlet *outlet)
{
	void *room;
	size_t size;
	capture_room(outlet->capture, outlet->stream, &room, &size);
	return size > 0;
}

/* Whether the bytes have to be seen, or are for several. */
static bool wants_bytes(const struct outlet *outlet)
{
	return outlet->copies || (outlet->reader.fd >= 0 && (outlet->log >= 0 || outlet->reader.kind == PEER_SOCKET)) ||
		capture_has_room(outlet) || capture_followed(outlet->capture);
}

static size_t most(const struct outlet *outlet, size_t size)
{
	if (size > PIECE)
		size = PIECE;
	return outlet->left >= 0 && size > (size_t)outlet->left ? (size_t)outlet->left : size;
}

static void count(struct outlet *outlet, size_t n, size_t kept)
{
	capture_add(outlet->capture, outlet->stream, n, kept);
	outlet->total += n;
	if (outlet->left >= 0)
		outlet->left -= (int64_t)n;
	if (outlet->total >= MUCH && !outlet->widened && !outlet->terminal && outlet->left < 0) {
		outlet->widened = true;
		/* At best: unprivileged users may have used up what they may. */
		(void)fcntl(outlet->source, F_SETPIPE_SZ, WIDE);
	}
}

/* Reading or splicing has given N, which is not a number of bytes. False: there is nothing to be had now. */
static bool stop(struct outlet *outlet, ssize_t n)
{
	if (n < 0 && errno == EINTR)
		return true;
	if (n == 0 || errno != EAGAIN || outlet->left >= 0)
		end_source(outlet); /* EIO is how a terminal ends */
	return false;
}

/* By way of memory: the capture's where it has room. */
static bool copy(struct outlet *outlet, size_t *moved)
{
	void *room;
	size_t size;
	capture_room(outlet->capture, outlet->stream, &room, &size);
	bool kept = size > 0;
	if (!kept) {
		if (!outlet->buffer)
			outlet->buffer = xmalloc(BUFFER_SIZE);
		room = outlet->buffer;
		size = BUFFER_SIZE;
	}
	ssize_t n = read(outlet->source, room, most(outlet, size));
	if (n <= 0)
		return stop(outlet, n);
	size_t length = (size_t)n;
	uint64_t offset = outlet->total;
	count(outlet, length, kept ? length : 0);
	tell_followers(outlet, offset, room, length);
	write_log(outlet, room, length);
	if (outlet->reader.fd >= 0) {
		outlet->pending = room;
		outlet->n_pending = length;
	}
	*moved += length;
	return flush(outlet);
}

/* Splicing to TO failed. */
static bool fail_splice(struct outlet *outlet, int to)
{
	int waiting = 0;
	switch (errno) {
	case EAGAIN: /* which of the two ends is it? */
		outlet->full = to == outlet->reader.fd && ioctl(outlet->source, FIONREAD, &waiting) == 0 && waiting > 0;
		if (!outlet->full && outlet->left >= 0)
			end_source(outlet);
		return false;
	case EINTR:
		return true;
	case EINVAL: /* a file that is appended to, a device */
		outlet->copies = true;
		return true;
	default:
		if (to == outlet->reader.fd)
			lose_reader(outlet);
		else if (to == outlet->log)
			fail_log(outlet);
		else
			outlet->copies = true;
		return true;
	}
}

/* Past this process. */
static bool pass(struct outlet *outlet, size_t *moved)
{
	int to = outlet->reader.fd >= 0 ? outlet->reader.fd : outlet->log;
	if (to < 0) {
		if (outlet->null < 0 && (outlet->null = streams_open_null(O_WRONLY)) < 0) {
			outlet->copies = true;
			return true;
		}
		to = outlet->null;
	}
	ssize_t n = splice(outlet->source, NULL, to, NULL, most(outlet, PIECE), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0)
		return fail_splice(outlet, to);
	if (n == 0)
		return stop(outlet, 0);
	count(outlet, (size_t)n, 0);
	*moved += (size_t)n;
	return true;
}

/* Bounded: by TURN, or by what is left. */
static void move(struct outlet *outlet)
{
	size_t moved = 0;
	outlet->full = false;
	bool goes_on = flush(outlet);
	while (goes_on && outlet->source >= 0 && (moved < TURN || outlet->left >= 0)) {
		if (outlet->left == 0)
			end_source(outlet);
		else
			goes_on = wants_bytes(outlet) ? copy(outlet, &moved) : pass(outlet, &moved);
	}
	settle(outlet);
}

/* --- for streams.c --- */

static int add(struct pollfd *poll, size_t *n, int fd, short events)
{
	poll[*n] = (struct pollfd){ .fd = fd, .events = events };
	return (int)(*n)++;
}

size_t outlet_poll(struct outlet *outlet, struct pollfd *poll, size_t n)
{
	outlet->poll_source = outlet->poll_reader = -1;
	switch (outlet->state) {
	case OUTLET_OVER:
		break;
	case OUTLET_READING:
		outlet->poll_source = add(poll, &n, outlet->source, POLLIN);
		/* So that a reader that goes away is not noticed only after the command has written in vain. */
		if (outlet->reader.kind == PEER_PIPE || outlet->reader.kind == PEER_SOCKET)
			outlet->poll_reader = add(poll, &n, outlet->reader.fd, 0);
		break;
	case OUTLET_STALLED:
		outlet->poll_reader = add(poll, &n, outlet->reader.fd, POLLOUT);
		break;
	}
	return n;
}

static short found(const struct pollfd *poll, size_t n, int place)
{
	return place >= 0 && (size_t)place < n ? poll[place].revents : 0;
}

void outlet_move(struct outlet *outlet, const struct pollfd *poll, size_t n)
{
	short reader = found(poll, n, outlet->poll_reader);
	if (outlet->state == OUTLET_OVER)
		return;
	if (outlet->state == OUTLET_READING && reader) {
		lose_reader(outlet);
		settle(outlet);
	} else if (reader || found(poll, n, outlet->poll_source)) {
		move(outlet);
	}
}

void outlet_drain(struct outlet *outlet)
{
	int waiting = 0;
	if (outlet->source < 0)
		return;
	if (outlet->terminal)
		outlet->left = TERMINAL_HOLDS;
	else
		outlet->left = ioctl(outlet->source, FIONREAD, &waiting) == 0 ? waiting : 0;
	move(outlet);
}

void outlet_abandon(struct outlet *outlet)
{
	if (outlet->state == OUTLET_OVER || outlet->reader.fd < 0)
		return;
	drop_reader(outlet);
	if (outlet->left >= 0)
		move(outlet);
	else
		settle(outlet);
}
