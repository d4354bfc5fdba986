/* After a loss of the connection: the pauses between the attempts to make it again, and the descriptor that a caller's own
 * loop goes on to wait for meanwhile. There is no thread for it: whoever waits or dispatches takes the next step when its
 * time has come. What is sent over the new connection is resend.c's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/reconnect.h"

#define PAUSE_FIRST_NS (20 * TASKD_MS) /* each pause is a random part of this, from half of it on */
#define PAUSE_LAST_NS TASKD_SECOND
#define PROVEN_NS TASKD_SECOND /* a connection that lasted so long was one, though nothing came over it */

/* --- made --- */

static bool open_loop(struct reconnect *reconnect)
{
	struct epoll_event event = { .events = EPOLLIN };

	reconnect->epoll = epoll_create1(EPOLL_CLOEXEC);
	reconnect->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (reconnect->epoll >= 0 && reconnect->timer >= 0 &&
		epoll_ctl(reconnect->epoll, EPOLL_CTL_ADD, reconnect->timer, &event) == 0)
		return true;
	error_set(TASKD_E_SYSTEM, "cannot make descriptors for reconnecting: %s", strerror(errno));
	return false;
}

struct reconnect *reconnect_new(const char *path, const struct taskd_connect_options *options)
{
	struct reconnect *reconnect = calloc(1, sizeof(*reconnect));

	if (!reconnect) {
		error_set(TASKD_E_MEMORY, NULL);
		return NULL;
	}
	reconnect->epoll = reconnect->timer = -1;
	reconnect->limit_ns = options->reconnect_ns;
	reconnect->callback = options->reconnecting;
	reconnect->user = options->user;
	reconnect->connected_ns = now_ns();
	reconnect->held_ns = INT64_MAX;
	reconnect->settled = true;
	reconnect->adrift_last = &reconnect->adrift;
	reconnect->path = strdup(path);
	if (!reconnect->path)
		error_set(TASKD_E_MEMORY, NULL);
	else if (open_loop(reconnect))
		return reconnect;
	reconnect_free(reconnect);
	return NULL;
}

void reconnect_close(struct reconnect *reconnect)
{
	if (reconnect->epoll >= 0)
		close(reconnect->epoll);
	if (reconnect->timer >= 0)
		close(reconnect->timer);
	reconnect->epoll = reconnect->timer = -1;
	reconnect->given = false;
}

void reconnect_free(struct reconnect *reconnect)
{
	if (!reconnect)
		return;
	reconnect_close(reconnect);
	free(reconnect->path);
	free(reconnect);
}

/* --- the descriptor --- */

/* Says what the socket is waited for; 0: not at all. It has to be taken out before it is closed: a forked child may have
 * it open, and then the kernel would not. */
static void watch_socket(struct taskd *c, uint32_t events)
{
	struct reconnect *reconnect = c->reconnect;
	struct epoll_event event = { .events = events };
	int how = EPOLL_CTL_MOD;

	if (events == reconnect->watched)
		return;
	if (!events)
		how = EPOLL_CTL_DEL;
	else if (!reconnect->watched)
		how = EPOLL_CTL_ADD;
	if (epoll_ctl(reconnect->epoll, how, c->fd, &event) == 0)
		reconnect->watched = events;
}

static void set_timer(struct reconnect *reconnect, int64_t at_ns)
{
	struct itimerspec when = { 0 };

	if (at_ns == reconnect->timer_ns)
		return;
	if (at_ns != INT64_MAX)
		when.it_value = (struct timespec){ .tv_sec = at_ns / TASKD_SECOND, .tv_nsec = at_ns % TASKD_SECOND };
	timerfd_settime(reconnect->timer, TFD_TIMER_ABSTIME, &when, NULL);
	reconnect->timer_ns = at_ns;
}

void reconnect_loop(struct taskd *c)
{
	struct reconnect *reconnect = c->reconnect;

	if (!reconnect || !reconnect->given)
		return;
	if (c->error) { /* for ever readable, as an ended socket is */
		set_timer(reconnect, 1);
		return;
	}
	if (c->fd >= 0)
		watch_socket(c, EPOLLIN | (output_pending(c) && !c->out_error ? EPOLLOUT : 0));
	set_timer(reconnect, c->fd < 0 ? reconnect->try_ns : reconnect->held_ns);
}

int reconnect_fd(struct taskd *c)
{
	c->reconnect->given = true;
	c->reconnect->timer_ns = 0;
	reconnect_loop(c);
	return c->reconnect->epoll;
}

/* --- lost --- */

static void pause_before_next(struct reconnect *reconnect, int64_t now)
{
	uint32_t random = 0;

	/* Who fails to get any takes the middle. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = UINT32_MAX / 2;
	int64_t half = reconnect->pause_ns / 2;
	reconnect->try_ns = now + half + (int64_t)((double)half * random / UINT32_MAX);
	if (reconnect->pause_ns < PAUSE_LAST_NS)
		reconnect->pause_ns = reconnect->pause_ns * 2 < PAUSE_LAST_NS ? reconnect->pause_ns * 2 : PAUSE_LAST_NS;
}

static void note_news(struct reconnect *reconnect, enum reconnect_news news, int64_t now)
{
	reconnect->news = news;
	reconnect->news_ns = now - reconnect->lost_ns;
}

static void give_up(struct taskd *c, const char *reason)
{
	connection_fail(c, TASKD_E_DISCONNECTED, "%s, and could not be reached again: %s", c->reconnect->why, reason);
	reconnect_loop(c);
}

/* A connection over which nothing came, and which did not last, is but another attempt that failed: else a daemon that
 * accepts and dies would be tried for ever. */
static bool was_proven(const struct taskd *c, int64_t now)
{
	const struct reconnect *reconnect = c->reconnect;

	return reconnect->losses == 0 || c->received != reconnect->received ||
		now - reconnect->connected_ns >= PROVEN_NS;
}

void reconnect_lost(struct taskd *c, const char *format, ...)
{
	struct reconnect *reconnect = c->reconnect;
	int64_t now = now_ns();
	va_list args;

	va_start(args, format);
	vsnprintf(reconnect->why, sizeof(reconnect->why), format, args);
	va_end(args);
	if (was_proven(c, now)) {
		reconnect->lost_ns = now;
		reconnect->until_ns = deadline_after(reconnect->limit_ns);
		reconnect->pause_ns = PAUSE_FIRST_NS;
	}
	pause_before_next(reconnect, now); /* one that dies may listen a moment longer */
	reconnect->losses++;
	reconnect->lost_ends = c->ends;
	watch_socket(c, 0);
	reconnect->watched = 0;
	close(c->fd);
	c->fd = -1;
	c->in_start = c->in_end = 0;
	framing_init(&c->framing, FRAMING_LINES, c->framing.limit);
	resend_all(c);
	note_news(reconnect, RECONNECT_LOST, now);
	if (now >= reconnect->until_ns)
		give_up(c, "it ends each connection at once");
	reconnect_loop(c);
	reader_wake_waiters(c);
}

/* --- made again --- */

static void connected(struct taskd *c, int fd, int64_t now)
{
	struct reconnect *reconnect = c->reconnect;

	c->fd = fd;
	reconnect->connected_ns = now;
	reconnect->received = c->received;
	output_write(c);
	reconnect_loop(c);
}

void reconnect_answered(struct taskd *c)
{
	if (c->reconnect->losses > 0)
		note_news(c->reconnect, RECONNECT_DONE, now_ns());
}

void reconnect_try(struct taskd *c)
{
	struct reconnect *reconnect = c->reconnect;
	int64_t now = now_ns();

	if (c->error || c->fd >= 0 || now < reconnect->try_ns)
		return;
	int fd = socket_try(reconnect->path);
	if (fd >= 0) {
		connected(c, fd, now);
		return;
	}
	note_news(reconnect, RECONNECT_LOST, now);
	pause_before_next(reconnect, now);
	if (now >= reconnect->until_ns)
		give_up(c, strerror(-fd));
	reconnect_loop(c);
}

void reconnect_tell(struct taskd *c)
{
	struct reconnect *reconnect = c->reconnect;
	enum reconnect_news news = reconnect->news;

	reconnect->news = RECONNECT_NOTHING;
	if (news != RECONNECT_NOTHING && reconnect->callback && !c->error)
		callbacks_run_reconnecting(c, news == RECONNECT_DONE, reconnect->news_ns);
}
