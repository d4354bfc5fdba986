/* What systemd is told (sd_notify(3)) and what it hands over (sd_listen_fds(3)), without its library. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

/* One datagram to $NOTIFY_SOCKET; nothing where there is none. Never blocks. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often the watchdog wants to be fed, ns; 0: not at all. */
int64_t notify_watchdog_ns(void);
/* The descriptors that were inherited for listening, by $LISTEN_FDS and $LISTEN_PID: the first, and how many. They are
 * made CLOEXEC. -1 where the variables make no sense. */
int notify_listen_fds(int *first);
/* Whether FD is a listening Unix stream socket; else *reason says what is wrong. */
int notify_check_listener(int fd, const char **reason);
/* The path that FD is bound to; malloc'ed, NULL where it has none. */
char *notify_listener_path(int fd);

#endif
