/* Listening sockets: made, or taken over from whoever started taskd; and when they are accepted from. */
#include <errno.h>
#include <signal.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/internal.h"

#define LISTEN_BACKLOG 1024
#define ACCEPT_LIMIT 64 /* so many in one turn of the loop */
#define ACCEPT_NS (10 * NS_PER_US) /* then others are served in between, if they ask little */
#define ACCEPT_PAUSE_NS (NS_PER_S / 2)

struct listener {
	struct edge *edge;
	struct event *event;
	int fd;
	bool watched;
	bool due; /* somebody waits to be accepted, and is not watched for */
	TAILQ_ENTRY(listener) link;
};

/* --- making one --- */

/* Who listens at FD's other end is gone, whoever has inherited the socket: a child that was just being started keeps it
 * open for a moment. */
static bool listener_is_gone(int fd)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid > 0 && kill(who.pid, 0) < 0 &&
		errno == ESRCH;
}

/* Connects, to see whether anybody listens at ADDRESS: 0 yes, else an errno. */
static int try_connect(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	int code = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	if (code == 0 && listener_is_gone(fd))
		code = ECONNREFUSED;
	close(fd);
	return code == EAGAIN ? 0 : code; /* EAGAIN: its backlog is full, so there is somebody */
}

/* Makes way at PATH. NULL, or why not (malloc'ed). */
static char *clear_path(const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat status;
	if (lstat(path, &status) < 0)
		return errno == ENOENT ? NULL : xasprintf("%s: %s", path, strerror(errno));
	if (!S_ISSOCK(status.st_mode))
		return xasprintf("%s: exists and is not a socket", path);
	int code = try_connect(address);
	if (code == 0)
		return xasprintf("%s: another daemon answers there already", path);
	if (code != ECONNREFUSED && code != ENOENT)
		return xasprintf("%s: cannot see whether another daemon is there: %s", path, strerror(code));
	if (unlink(path) < 0 && errno != ENOENT)
		return xasprintf("%s: cannot remove the stale socket: %s", path, strerror(errno));
	return NULL;
}

/* Two daemons that start at once must not remove each other's new socket, so looking and binding happen under a lock on
 * the directory. Others lock directories too, for longer: then the lock is done without. */
static int lock_folder(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK && i < 100; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10 * NS_PER_MS }, NULL);
	return fd;
}

static char *set_access(const char *path, unsigned mode, const char *group_name)
{
	if (group_name) {
		const struct group *group = getgrnam(group_name);
		if (!group)
			return xasprintf("%s: there is no group \"%s\"", path, group_name);
		if (lchown(path, (uid_t)-1, group->gr_gid) < 0)
			return xasprintf("%s: cannot give it to group \"%s\": %s", path, group_name, strerror(errno));
	}
	if (chmod(path, mode) < 0)
		return xasprintf("%s: %s", path, strerror(errno));
	return NULL;
}

static char *bind_and_listen(int fd, const struct sockaddr_un *address, unsigned mode, const char *group)
{
	char *error = clear_path(address);
	if (error)
		return error;
	mode_t before = umask(0177); /* nobody else gets in before its mode is set */
	int code = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	umask(before);
	if (code)
		return xasprintf("%s: %s", address->sun_path, strerror(code));
	error = set_access(address->sun_path, mode, group);
	if (!error && listen(fd, LISTEN_BACKLOG) < 0)
		error = xasprintf("%s: %s", address->sun_path, strerror(errno));
	if (error)
		unlink(address->sun_path);
	return error;
}

int edge_listen_path(const char *path, unsigned mode, const char *group, char **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(address.sun_path)) {
		*error = xasprintf("%s: a socket's path has 1 to %zu bytes", path, sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		*error = xasprintf("%s: %s", path, strerror(errno));
		return -1;
	}
	int lock = lock_folder(path);
	*error = bind_and_listen(fd, &address, mode, group);
	if (lock >= 0)
		close(lock);
	if (!*error)
		return fd;
	close(fd);
	return -1;
}

/* --- accepting --- */

static void listener_watch(struct listener *listener, bool watch)
{
	if (watch == listener->watched)
		return;
	if (watch ? event_add(listener->event, NULL) : event_del(listener->event))
		log_error("the listening socket cannot be watched");
	else
		listener->watched = watch;
}

static void watch_all(struct edge *edge, bool watch)
{
	struct listener *listener;
	TAILQ_FOREACH(listener, &edge->listeners, link)
		listener_watch(listener, watch);
}

static void accept_again(struct edge_timer *timer)
{
	struct edge *edge = heap_entry(timer, struct edge, accept_timer.node);
	reserve_fill(edge);
	watch_all(edge, edge->open);
}

void listeners_resume(struct edge *edge)
{
	reserve_fill(edge);
	if (!heap_has(&edge->accept_timer.node))
		return;
	edge_timer_cancel(edge, &edge->accept_timer);
	watch_all(edge, edge->open);
}

/* Out of descriptors or memory: the socket stays readable, so looking at it again at once would spin. */
static void pause_accepting(struct edge *edge, int code)
{
	unsigned long kept_back = 0;
	if (log_limit_pass(&edge->refused, &kept_back))
		log_warning("no new clients for now: %s", strerror(code));
	watch_all(edge, false);
	edge->accept_timer.fire = accept_again;
	edge_timer_set(edge, &edge->accept_timer, core_now(edge->core) + ACCEPT_PAUSE_NS);
}

/* Whoever asks little does not wait for many who come. */
static bool is_late(const struct edge *edge, int64_t end_ns)
{
	return slices_are_small(edge) && clock_mono_ns() >= end_ns;
}

static void accept_some(struct listener *listener)
{
	int64_t end_ns = clock_mono_ns() + ACCEPT_NS;
	for (int i = 0; i < ACCEPT_LIMIT && !is_late(listener->edge, end_ns); i++) {
		if (admit_next(listener->edge, listener->fd))
			continue;
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(listener->edge, errno);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* Who comes is seen to behind those who are there, if any of these asks little. */
static void on_readable(evutil_socket_t socket, short what, void *user)
{
	struct listener *listener = user;
	(void)socket;
	(void)what;
	core_set_now(listener->edge->core, clock_mono_ns());
	core_set_wall(listener->edge->core, clock_wall_ns());
	if (!slices_are_small(listener->edge)) {
		accept_some(listener);
		return;
	}
	listener->due = listener->edge->accept_due = true;
	listener_watch(listener, false);
}

void listeners_turn(struct edge *edge)
{
	struct listener *listener;
	edge->accept_due = false;
	TAILQ_FOREACH(listener, &edge->listeners, link) {
		if (!listener->due)
			continue;
		listener->due = false;
		accept_some(listener);
		listener_watch(listener, edge->open && !heap_has(&edge->accept_timer.node));
	}
}

/* --- the edge's list of them --- */

int edge_add_listener(struct edge *edge, int fd)
{
	int domain = 0, type = 0, listening = 0;
	socklen_t length = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0 || domain != AF_UNIX ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || type != SOCK_STREAM ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0 || !listening)
		return -1;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	struct listener *listener = xcalloc(1, sizeof(*listener));
	listener->edge = edge;
	listener->fd = fd;
	listener->event = event_new(edge->base, fd, EV_READ | EV_PERSIST, on_readable, listener);
	if (!listener->event) {
		free(listener);
		return -1;
	}
	TAILQ_INSERT_TAIL(&edge->listeners, listener, link);
	rules_add_socket(&edge->rules, fd);
	listener_watch(listener, edge->open);
	return 0;
}

void edge_open(struct edge *edge)
{
	edge->open = true;
	watch_all(edge, true);
}

void edge_close_listeners(struct edge *edge)
{
	edge->open = false;
	edge->closing = true; /* who waits for room hears from the core that there will be none */
	edge_timer_cancel(edge, &edge->accept_timer);
	listeners_free(edge);
}

void listeners_free(struct edge *edge)
{
	struct listener *listener;
	while ((listener = TAILQ_FIRST(&edge->listeners))) {
		TAILQ_REMOVE(&edge->listeners, listener, link);
		event_free(listener->event);
		close(listener->fd);
		free(listener);
	}
}
