/* Signals for processes that the master may not send them to itself, since they are another user's. We may send to anyone,
 * so it is ours to see that they are the master's: what we have started is known by its descriptor, and of anything else
 * /proc says whose child it is. */
#include "spawner/spawner.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1UL << 2)
#endif
#define GENERATIONS_MOST 64
#define END_NS (3 * NS_PER_S) /* workers of commands end these first, for which they take two at most */

static bool is_there(int pidfd)
{
	return pidfd_send_signal(pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

void family_add(struct family *family, int pid, int pidfd, bool is_other)
{
	if (family->n == family->room) {
		family->room = family->room ? 2 * family->room : 16;
		family->list = xreallocarray(family->list, family->room, sizeof(*family->list));
	}
	family->list[family->n++] = (struct kin){ .pid = pid, .pidfd = pidfd, .is_other = is_other };
}

void family_purge(struct family *family)
{
	size_t kept = 0;
	for (size_t i = 0; i < family->n; i++) {
		if (is_there(family->list[i].pidfd))
			family->list[kept++] = family->list[i];
		else
			close(family->list[i].pidfd);
	}
	family->n = kept;
}

/* --- whose child it is --- */

struct lineage {
	int parent;
	unsigned long long started;
};

static int lineage_look(int pid, struct lineage *out)
{
	char path[32], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	const char *behind = strrchr(text, ')'); /* a name may contain anything */
	return behind && sscanf(behind, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
				 &out->parent, &out->started) == 2 ? 0 : -1;
}

/* A parent is older than its children: one that is not has the number of one that is gone. */
static bool descends(int pid, int master)
{
	struct lineage look, above;
	if (lineage_look(pid, &look) < 0)
		return false;
	for (int i = 0; i < GENERATIONS_MOST && look.parent > 1; i++) {
		if (look.parent == master)
			return true;
		if (lineage_look(look.parent, &above) < 0 || above.started > look.started)
			return false;
		look = above;
	}
	return false;
}

/* A descriptor of a process that is the master's; or a negative errno. *KEPT: it is not to be closed. */
static int descriptor_of(struct family *family, int master, int pid, bool *kept)
{
	*kept = true;
	for (size_t i = 0; i < family->n; i++)
		if (family->list[i].pid == pid && is_there(family->list[i].pidfd))
			return family->list[i].pidfd;
	*kept = false;
	int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return -errno;
	/* That it is there still, after the look, says that it was it that was looked at. */
	if (descends(pid, master) && is_there(pidfd))
		return pidfd;
	close(pidfd);
	return -EPERM;
}

static int group_signal(int pidfd, int pid, int number)
{
	if (pidfd_send_signal(pidfd, number, NULL, PIDFD_SIGNAL_PROCESS_GROUP) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* A kernel before 6.9. As long as its leader is there, dead or alive, the group is its own. */
	return is_there(pidfd) && getpgid(pid) == pid && kill(-pid, number) == 0 ? 0 : -errno;
}

int family_signal(struct family *family, int master, int pid, int number)
{
	bool kept;
	if (pid < -INT_MAX || number < 0 || number >= NSIG)
		return -EINVAL;
	int leader = abs(pid);
	if (leader <= 1)
		return -EINVAL;
	int pidfd = descriptor_of(family, master, leader, &kept);
	if (pidfd < 0)
		return pidfd;
	int code = pid < 0 ? group_signal(pidfd, leader, number)
			   : pidfd_send_signal(pidfd, number, NULL, 0) < 0 ? -errno : 0;
	if (!kept)
		close(pidfd);
	return code;
}

/* --- the end --- */

void family_end(struct family *family)
{
	int64_t end_ns = clock_mono_ns() + END_NS;
	for (size_t i = 0; i < family->n; i++) {
		struct pollfd poll_fd = { .fd = family->list[i].pidfd, .events = POLLIN };
		int64_t left_ns = end_ns - clock_mono_ns();
		if (!family->list[i].is_other)
			continue;
		if (poll(&poll_fd, 1, left_ns > 0 ? (int)(left_ns / NS_PER_MS) : 0) <= 0)
			pidfd_send_signal(poll_fd.fd, SIGKILL, NULL, 0);
	}
}
