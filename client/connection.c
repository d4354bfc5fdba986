/* The connection as its user has it: made, driven, flushed, closed. A copy of it in a forked child would mix both
 * processes' requests into one stream, so every way in looks whether this is still the process that connected. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/reconnect.h"

#define CONNECT_TIMEOUT_NS (5 * TASKD_SECOND)
#define FRAME_LIMIT ((size_t)256 << 20)

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * TASKD_SECOND + now.tv_nsec;
}

int64_t deadline_after(int64_t timeout_ns)
{
	int64_t deadline;

	if (timeout_ns == TASKD_FOREVER)
		return INT64_MAX;
	if (timeout_ns <= 0)
		return 0; /* long ago */
	return __builtin_add_overflow(now_ns(), timeout_ns, &deadline) ? INT64_MAX : deadline;
}

/* --- forks --- */

static unsigned generation; /* written in a new child only, while it has one thread */

static void count_fork(void)
{
	generation++;
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}

bool connection_usable(const struct taskd *c)
{
	if (c->generation == generation)
		return true;
	error_set(TASKD_E_INVALID, "this connection belongs to the process that forked this one: connect anew");
	return false;
}

bool connection_may_wait(const struct taskd *c)
{
	if (!callbacks_running(c))
		return true;
	error_set(TASKD_E_INVALID, "a callback must not wait on its own connection");
	return false;
}

/* --- made --- */

static struct taskd *connection_new(int fd, size_t frame_limit)
{
	struct taskd *c = calloc(1, sizeof(*c));

	if (!c) {
		error_set(TASKD_E_MEMORY, NULL);
		return NULL;
	}
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake < 0) {
		error_set(TASKD_E_SYSTEM, "cannot make an eventfd: %s", strerror(errno));
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	c->fd = fd;
	c->generation = generation;
	c->references = 1;
	framing_init(&c->framing, FRAMING_LINES, frame_limit ? frame_limit : FRAME_LIMIT);
	c->out_enough = OUT_ENOUGH;
	TAILQ_INIT(&c->waiters);
	c->callable_last = &c->callable;
	c->events_last = &c->events;
	STAILQ_INIT(&c->passings);
	for (int i = 0; i < N_SUBSCRIPTIONS; i++)
		LIST_INIT(&c->subscriptions[i]);
	return c;
}

/* Connected to PATH; NULL with error_set called. */
static struct taskd *connection_open(const char *path, const struct taskd_connect_options *options)
{
	int fd = socket_open(path, options->timeout_ns ? options->timeout_ns : CONNECT_TIMEOUT_NS);
	struct reconnect *reconnect = NULL;
	struct taskd *c = NULL;

	if (fd < 0)
		return NULL;
	if (options->reconnect_ns <= 0 || (reconnect = reconnect_new(path, options)))
		c = connection_new(fd, options->frame_limit);
	if (!c) {
		reconnect_free(reconnect);
		close(fd);
		return NULL;
	}
	c->reconnect = reconnect;
	return c;
}

struct taskd *taskd_connect(const char *socket, const struct taskd_connect_options *options)
{
	static const struct taskd_connect_options none;
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char *path = taskd_socket_path(socket);

	if (!path)
		return NULL;
	pthread_once(&once, watch_forks);
	struct taskd *c = connection_open(path, options ? options : &none);
	free(path);
	return c;
}

/* --- ended --- */

static void connection_free(struct taskd *c)
{
	while (c->spare) {
		struct taskd_future *f = c->spare;
		c->spare = f->next;
		free(f);
	}
	reconnect_free(c->reconnect);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void connection_lock(struct taskd *c)
{
	pthread_mutex_lock(&c->lock);
}

void connection_unlock(struct taskd *c)
{
	bool last = c->references == 0;

	pthread_mutex_unlock(&c->lock);
	if (last)
		connection_free(c);
}

static void fail_all(struct taskd *c, struct futures *futures)
{
	size_t n = futures_sort(futures);

	for (size_t i = 0; i < n; i++) {
		struct taskd_future *f = futures->slots[i].future, *peer;
		if (f->kind == FUTURE_WATCH || f->kind == FUTURE_FOLLOW) { /* whose end is told by subscriptions_end */
			if (f->subscription)
				f->subscription->request = NULL;
			f->outstanding = false;
			future_release(f);
			continue;
		}
		for (; f; f = peer) {
			peer = f->peer;
			future_fail_with(f, &c->ended);
		}
	}
	futures_free(futures);
}

void connection_fail(struct taskd *c, enum taskd_error error, const char *format, ...)
{
	va_list args;

	if (c->error)
		return;
	va_start(args, format);
	vsnprintf(c->reason, sizeof(c->reason), format, args);
	va_end(args);
	c->error = error;
	c->ended = (struct taskd_failure){ .error = error, .kind = "", .message = c->reason };
	fail_all(c, &c->requests);
	if (c->reconnect)
		identity_end(c);
	fail_all(c, &c->tasks);
	subscriptions_end(c);
	output_drop(c);
	/* The daemon hears of it now; the number stays taken while the user's loop may have it. */
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
	reconnect_loop(c);
	reader_wake_waiters(c);
}

static void close_descriptors(struct taskd *c)
{
	if (c->fd >= 0)
		close(c->fd);
	close(c->wake);
	if (c->reconnect)
		reconnect_close(c->reconnect);
}

void taskd_close(struct taskd *c)
{
	if (!c)
		return;
	if (c->generation != generation) {
		close_descriptors(c); /* the child's; the rest is a copy of what nobody knows the state of */
		return;
	}
	connection_lock(c);
	output_write(c);
	connection_fail(c, TASKD_E_DISCONNECTED, "this program closed the connection");
	callbacks_run(c);
	c->closed = true;
	close_descriptors(c);
	free(c->in);
	c->in = NULL;
	c->references--;
	connection_unlock(c);
}

enum taskd_error taskd_connection_error(const struct taskd *c)
{
	if (!c || !connection_usable(c))
		return error_failure()->error;
	struct taskd *connection = (struct taskd *)c;
	connection_lock(connection);
	enum taskd_error error = c->error;
	if (error)
		error_set(error, "%s", c->reason);
	connection_unlock(connection);
	return error;
}

/* --- driven --- */

int taskd_fd(const struct taskd *c)
{
	if (!c)
		return -1;
	if (!c->reconnect)
		return c->fd;
	if (!connection_usable(c))
		return -1;
	struct taskd *connection = (struct taskd *)c;
	connection_lock(connection);
	int fd = reconnect_fd(connection);
	connection_unlock(connection);
	return fd;
}

bool taskd_wants_write(const struct taskd *c)
{
	if (!c || !connection_usable(c))
		return false;
	struct taskd *connection = (struct taskd *)c;
	connection_lock(connection);
	bool wants = output_pending(c) && c->fd >= 0;
	reconnect_loop(connection);
	connection_unlock(connection);
	return wants;
}

struct since {
	const struct taskd *connection;
	uint64_t received;
};

static bool something_came(void *arg)
{
	const struct since *since = arg;

	return since->connection->received != since->received;
}

/* What others submit meanwhile is not waited for: that might never end. But for what is written anew, of which nobody
 * knows what of it was meant. */
struct goal {
	const struct taskd *connection;
	uint64_t written;
	uint64_t losses;
};

static uint64_t losses(const struct taskd *c)
{
	return c->reconnect ? c->reconnect->losses : 0;
}

static bool is_written(void *arg)
{
	const struct goal *goal = arg;
	const struct taskd *c = goal->connection;

	return c->written >= (losses(c) == goal->losses ? goal->written : c->reconnect->rewritten);
}

/* The usual questions before a wait: false with error_set called. */
static bool may_drive(struct taskd *c)
{
	if (c)
		return connection_usable(c) && connection_may_wait(c);
	if (!error_failure()->error)
		error_set(TASKD_E_INVALID, "no connection was given");
	return false;
}

/* Locked: waits for READY. */
static enum taskd_error drive(struct taskd *c, bool (*ready)(void *arg), void *arg, int64_t timeout_ns)
{
	enum taskd_error error = c->error;

	if (!error)
		error = reader_wait(c, ready, arg, deadline_after(timeout_ns));
	if (error)
		error_set(error, error == c->error ? "%s" : NULL, c->reason);
	return error;
}

enum taskd_error taskd_dispatch(struct taskd *c, int64_t timeout_ns)
{
	if (!may_drive(c))
		return error_failure()->error;
	connection_lock(c);
	struct since since = { c, c->received };
	enum taskd_error error = drive(c, something_came, &since, timeout_ns);
	reconnect_loop(c);
	connection_unlock(c);
	return error;
}

enum taskd_error taskd_flush(struct taskd *c, int64_t timeout_ns)
{
	if (!may_drive(c))
		return error_failure()->error;
	connection_lock(c);
	/* After a failed write the connection's end is still to be read, and is the answer. */
	struct goal goal = { c, c->written + (c->out.length - c->out_start), losses(c) };
	if (c->out_error)
		goal.written = UINT64_MAX;
	enum taskd_error error = drive(c, is_written, &goal, timeout_ns);
	reconnect_loop(c);
	connection_unlock(c);
	return error;
}
