/* What the event loop tells of the children: that one died, that one says something, that one rings its doorbell. */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "pool/internal.h"

struct child_watch {
	struct event *event;
	void (*ready)(void *user);
	void *user;
};

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	const struct child_watch *watch = arg;
	watch->ready(watch->user);
}

static struct child_watch *watch_new(struct event_base *base, int fd, short what, void (*ready)(void *), void *user)
{
	struct child_watch *watch = xcalloc(1, sizeof(*watch));
	watch->ready = ready;
	watch->user = user;
	watch->event = event_new(base, fd, what, on_event, watch);
	if (!watch->event || event_add(watch->event, NULL) < 0)
		abort();
	return watch;
}

struct child_watch *watch_fd(struct event_base *base, int fd, bool edge, void (*ready)(void *user), void *user)
{
	return watch_new(base, fd, (short)(EV_READ | EV_PERSIST | (edge ? EV_ET : 0)), ready, user);
}

struct child_watch *watch_writable(struct event_base *base, int fd, void (*ready)(void *user), void *user)
{
	return watch_new(base, fd, EV_WRITE | EV_PERSIST, ready, user);
}

struct child_watch *watch_deaths(struct event_base *base, void (*died)(void *user), void *user)
{
	return watch_new(base, SIGCHLD, EV_SIGNAL | EV_PERSIST, died, user);
}

void watch_free(struct child_watch *watch)
{
	if (!watch)
		return;
	event_free(watch->event);
	free(watch);
}
