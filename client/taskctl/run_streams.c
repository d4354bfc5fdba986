/* Pumps. From a pipe the kernel hands pages over by itself (splice); what cannot take them (a terminal, a file that is
 * appended to) gets copies. Our own descriptors are others' as well, so they are never made non-blocking: poll says
 * when there is room, and a write that waits all the same is interrupted by signals. */
#include "client/taskctl/run_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"

#define PIPE_SIZE (1 << 20)
#define ONE_MOVE ((size_t)1 << 20)
#define MOVES 8 /* in a row, then others have their turn */

int pump_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE); /* smaller does, too */
	return 0;
}

void pump_begin(struct pump *pump, int from, int to)
{
	*pump = (struct pump){ .from = from, .to = to };
}

static size_t unread(int pipe_fd)
{
	int n = 0;

	return ioctl(pipe_fd, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

bool pump_is_held(const struct pump *pump)
{
	return pump->from >= 0 && pump->gentle && pump->start == pump->end && unread(pump->to) > 0;
}

struct pollfd pump_poll(const struct pump *pump)
{
	struct pollfd none = { .fd = -1 };

	if (pump->from < 0 || pump_is_held(pump))
		return none;
	if (pump->blocked || pump->start < pump->end)
		return (struct pollfd){ .fd = pump->to, .events = POLLOUT };
	return (struct pollfd){ .fd = pump->from, .events = POLLIN };
}

bool pump_is_over(const struct pump *pump)
{
	return pump->from < 0;
}

void pump_end(struct pump *pump)
{
	if (pump->from >= 0)
		close(pump->from);
	pump->from = -1;
	free(pump->buffer);
	pump->buffer = NULL;
}

enum moved { MOVED, MOVED_NOTHING, MOVED_INTERRUPTED, MOVED_END };

static enum moved fail(struct pump *pump)
{
	pump->error = errno;
	return MOVED_END;
}

static enum moved move_splice(struct pump *pump)
{
	ssize_t n = splice(pump->from, NULL, pump->to, NULL, ONE_MOVE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	pump->blocked = false;
	if (n > 0)
		return MOVED;
	if (n == 0)
		return MOVED_END;
	switch (errno) {
	case EINTR:
		return MOVED_INTERRUPTED;
	case EAGAIN:
		pump->blocked = unread(pump->from) > 0;
		return MOVED_NOTHING;
	case EINVAL:
		pump->copies = true;
		return MOVED;
	}
	return fail(pump);
}

static enum moved copy_in(struct pump *pump)
{
	struct pollfd ready = { .fd = pump->from, .events = POLLIN };
	ssize_t n;

	if (pump_is_held(pump) || poll(&ready, 1, 0) <= 0)
		return MOVED_NOTHING;
	if (!pump->buffer)
		pump->buffer = must(malloc(PUMP_BUFFER));
	n = read(pump->from, pump->buffer, PUMP_BUFFER);
	if (n > 0) {
		pump->start = 0;
		pump->end = (size_t)n;
		return MOVED;
	}
	if (n < 0 && errno == EAGAIN)
		return MOVED_NOTHING;
	return n < 0 && errno == EINTR ? MOVED_INTERRUPTED : MOVED_END;
}

static enum moved move_copy(struct pump *pump)
{
	struct pollfd room = { .fd = pump->to, .events = POLLOUT };
	ssize_t n;

	if (pump->start == pump->end) {
		enum moved moved = copy_in(pump);

		if (moved != MOVED)
			return moved;
	}
	if (poll(&room, 1, 0) == 0)
		return MOVED_NOTHING;
	n = write(pump->to, pump->buffer + pump->start, pump->end - pump->start);
	if (n >= 0) {
		pump->start += (size_t)n;
		return MOVED;
	}
	if (errno == EAGAIN)
		return MOVED_NOTHING;
	return errno == EINTR ? MOVED_INTERRUPTED : fail(pump);
}

void pump_move(struct pump *pump, bool last)
{
	for (int i = 0; i < MOVES && pump->from >= 0; i++) {
		switch (pump->copies ? move_copy(pump) : move_splice(pump)) {
		case MOVED:
			break;
		case MOVED_NOTHING:
			if (last && !pump->blocked && pump->start == pump->end)
				pump_end(pump);
			return;
		case MOVED_INTERRUPTED:
			return;
		case MOVED_END:
			pump_end(pump);
			return;
		}
	}
}
