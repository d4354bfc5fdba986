/* Waiting. A thread that has to wait takes the reader's place if it is free: it polls and reads for everybody until what
 * it waits for itself has come, then leaves the place to the next. So there is no thread that nobody asked for, and a
 * program of one thread never pays for a second one. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "client/reconnect.h"

#define IN_ROOM ((size_t)64 << 10)
#define IN_KEEP ((size_t)1 << 20) /* a larger buffer is given back once it is empty */

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / TASKD_SECOND, .tv_nsec = ns % TASKD_SECOND };
}

/* --- the socket --- */

/* Room for more behind what is there; false without memory. */
static bool make_room(struct taskd *c)
{
	if (c->in_start == c->in_end) {
		c->in_start = c->in_end = 0;
		if (c->in_room > IN_KEEP) {
			free(c->in);
			c->in = NULL;
			c->in_room = 0;
		}
	}
	if (c->in && c->in_room - c->in_end >= IN_ROOM / 2)
		return true;
	if (c->in_start > 0) {
		memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
		c->in_end -= c->in_start;
		c->in_start = 0;
		if (c->in_room - c->in_end >= IN_ROOM / 2)
			return true;
	}
	size_t room = c->in_room ? c->in_room * 2 : IN_ROOM;
	char *in = realloc(c->in, room);
	if (!in)
		return false;
	c->in = in;
	c->in_room = room;
	return true;
}

/* 1: something came; 0: the end; or -errno. */
static int receive(struct taskd *c)
{
	if (!make_room(c))
		return -ENOMEM;
	ssize_t n = recv(c->fd, c->in + c->in_end, c->in_room - c->in_end, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	c->in_end += (size_t)n;
	return n > 0;
}

/* Waits for the socket, until the deadline; false where it does not even have to be looked at. */
static bool poll_socket(struct taskd *c, bool output, int64_t deadline)
{
	struct pollfd fds[2] = {
		{ .fd = c->fd, .events = (short)(POLLIN | (output ? POLLOUT : 0)) },
		{ .fd = c->wake, .events = POLLIN },
	};
	struct timespec limit, *forever = NULL;
	eventfd_t woken;

	if (deadline != INT64_MAX) {
		int64_t left = deadline - now_ns();
		limit = timespec_of(left > 0 ? left : 0);
		forever = &limit;
	}
	if (ppoll(fds, 2, forever, NULL) <= 0)
		return false; /* the time is over, or a signal came: the caller goes round */
	if (fds[1].revents)
		eventfd_read(c->wake, &woken);
	return (fds[0].revents & ~POLLOUT) != 0;
}

static void connection_lost(struct taskd *c, const char *why, const char *reason)
{
	if (c->reconnect)
		reconnect_lost(c, "%s%s", why, reason);
	else
		connection_fail(c, TASKD_E_DISCONNECTED, "%s%s", why, reason);
}

static void connection_ended(struct taskd *c, int result)
{
	if (c->error) /* what had come before its end has ended it for good */
		return;
	if (result == -ENOMEM)
		connection_fail(c, TASKD_E_MEMORY, "no memory for a message of the daemon's");
	else if (c->out_error && c->out_error != EPIPE && c->out_error != ECONNRESET)
		connection_lost(c, "cannot write to the daemon: ", strerror(c->out_error));
	else if (result < 0 && result != -ECONNRESET)
		connection_lost(c, "cannot read from the daemon: ", strerror(-result));
	else if (c->in_end > c->in_start)
		connection_lost(c, "the daemon closed the connection in the middle of a message", "");
	else
		connection_lost(c, "the daemon closed the connection", "");
}

/* The same while there is no socket: waits for the next attempt, and makes it. */
static void turn_without(struct taskd *c, int64_t deadline)
{
	int64_t next = c->reconnect->try_ns;

	if (deadline != 0 && now_ns() < next) {
		pthread_mutex_unlock(&c->lock);
		poll_socket(c, false, deadline < next ? deadline : next);
		pthread_mutex_lock(&c->lock);
	}
	reconnect_try(c);
	callbacks_run(c);
}

/* What a reader does once: wait for something, read it, settle it, write on, run callbacks. Locked, with the mutex given
 * up in between. */
static void turn(struct taskd *c, int64_t deadline)
{
	bool output = output_pending(c), held = c->out_held;
	/* With several tasks on their way the next replies are likely to be there. */
	bool likely = deadline == 0 || c->requests.count + c->tasks.count > 1;
	int result = -EAGAIN;

	c->reader_polls_output = output;
	pthread_mutex_unlock(&c->lock);
	if (likely && !output)
		result = receive(c);
	if (c->reconnect && deadline > c->reconnect->held_ns)
		deadline = c->reconnect->held_ns;
	if (held && deadline > now_ns() + OUT_HELD_NS)
		deadline = now_ns() + OUT_HELD_NS;
	if (result == -EAGAIN && (deadline != 0 || output) && poll_socket(c, output && !held, deadline))
		result = receive(c);
	if (result > 0)
		replies_consume(c);
	pthread_mutex_lock(&c->lock);

	if (result <= 0 && result != -EAGAIN && result != -EINTR)
		connection_ended(c, result);
	else if (output)
		output_write(c);
	if (c->reconnect)
		resend_release(c);
	callbacks_run(c);
}

/* --- the threads --- */

void reader_wake_waiters(struct taskd *c)
{
	struct waiter *waiter;

	TAILQ_FOREACH (waiter, &c->waiters, entry)
		if (c->error || waiter->ready(waiter->arg))
			pthread_cond_signal(&waiter->wake);
}

/* There is no reader: one of those that still wait is to be it. */
static void hand_over(struct taskd *c)
{
	struct waiter *waiter;

	TAILQ_FOREACH (waiter, &c->waiters, entry) {
		if (!waiter->ready(waiter->arg)) {
			pthread_cond_signal(&waiter->wake);
			return;
		}
	}
}

/* Sleeps until it is woken, or until the deadline. */
static void sleep_for_reader(struct taskd *c, bool (*ready)(void *arg), void *arg, int64_t deadline)
{
	struct waiter waiter = { .ready = ready, .arg = arg };
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&waiter.wake, &attributes);
	pthread_condattr_destroy(&attributes);
	TAILQ_INSERT_TAIL(&c->waiters, &waiter, entry);
	struct timespec limit = timespec_of(deadline);
	if (deadline == INT64_MAX)
		pthread_cond_wait(&waiter.wake, &c->lock);
	else
		pthread_cond_timedwait(&waiter.wake, &c->lock, &limit);
	TAILQ_REMOVE(&c->waiters, &waiter, entry);
	pthread_cond_destroy(&waiter.wake);
}

enum taskd_error reader_wait(struct taskd *c, bool (*ready)(void *arg), void *arg, int64_t deadline)
{
	enum taskd_error error = TASKD_OK;
	bool tried = false;

	while (!ready(arg)) {
		if ((error = c->error))
			break;
		if (tried && deadline != INT64_MAX && (deadline == 0 || now_ns() >= deadline)) {
			error = TASKD_E_TIMEOUT;
			break;
		}
		tried = true;
		output_write(c);
		if (ready(arg)) /* it waited for no more than that */
			break;
		if (c->reading) {
			sleep_for_reader(c, ready, arg, deadline);
			continue;
		}
		c->reading = true;
		if (c->fd < 0)
			turn_without(c, deadline);
		else
			turn(c, deadline);
		if (c->reconnect)
			reconnect_tell(c);
		c->reading = false;
		c->reader_polls_output = false;
	}
	/* Also where this thread was woken for the place, but had to go. */
	if (!c->reading)
		hand_over(c);
	return error;
}
