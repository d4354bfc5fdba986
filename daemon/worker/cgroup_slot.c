/* The cgroup of a worker of commands: each of its commands starts in it, so that limits hold for all that comes of one,
 * and that a KILL reaches all of it at once. Where a kernel has no such controller, or no cgroup.kill, the caller is told
 * and does it by other means.
 *
 * Whoever has the worker's user may do with it what he likes: remove it while nobody is in it, freeze it, divide it. What one
 * command has done must not be the next one's trouble, so that is looked for before each. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "worker/command.h"

#define EMPTY_WAIT_MS 1000 /* for what was killed to be gone */
#define OPEN_LEVELS 8      /* descriptors for as many folders in folders */
#define NEVER_SET (-2)     /* a limit that is neither a number nor -1 */

struct cgroup_slot {
	char *parent;
	char *path;
	int fd;        /* -1: it is to be made again, unless */
	bool hopeless; /* there can be none */
	int state_fd;  /* cgroup.events */
	int events_fd; /* memory.events; -1: memory is not counted here */
	uint64_t killed_before;
	/* What was set last: most commands want the same. */
	int64_t memory;
	int64_t processes;
};

/* Whose it is decides about what is in it: another one's is not for commands that are none of his. */
static int folder_open(const char *path)
{
	struct stat about;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fstat(fd, &about) == 0 && (about.st_uid == geteuid() || about.st_uid == 0)))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* Whether nobody is in it any more; waits for a moment. */
static bool wait_until_empty(int folder_fd)
{
	char text[128];
	const int64_t end_ns = clock_mono_ns() + EMPTY_WAIT_MS * NS_PER_MS;
	int fd = openat(folder_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	bool empty = false;
	if (fd < 0)
		return true;
	for (;;) {
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		int64_t left_ns = end_ns - clock_mono_ns();
		text[n > 0 ? n : 0] = '\0';
		empty = n < 0 || strstr(text, "populated 0");
		struct pollfd change = { .fd = fd, .events = POLLPRI };
		if (empty || left_ns <= 0 || poll(&change, 1, (int)(left_ns / NS_PER_MS) + 1) <= 0)
			break;
	}
	close(fd);
	return empty;
}

/* The worker that was here before may have left something, or be about to; it leads nobody any more. */
static void leftovers_kill(int folder_fd)
{
	char procs[64], events[128] = "";
	bool populated = cgroup_file_read(folder_fd, "cgroup.events", events, sizeof(events)) == 0 && strstr(events, "populated 1");
	if (!populated && (cgroup_file_read(folder_fd, "cgroup.procs", procs, sizeof(procs)) < 0 || !procs[0]))
		return;
	if (cgroup_file_write(folder_fd, "cgroup.kill", "1") == 0)
		(void)wait_until_empty(folder_fd);
}

static int folder_remove_empty(const char *path, const struct stat *about, int type, struct FTW *place)
{
	(void)about;
	(void)place;
	if (type == FTW_DP)
		(void)rmdir(path);
	return 0;
}

static void leftovers_remove(const char *path)
{
	int fd = folder_open(path);
	if (fd < 0)
		return;
	leftovers_kill(fd);
	close(fd);
	(void)nftw(path, folder_remove_empty, OPEN_LEVELS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A new one, with nothing set, where what was there can be removed. */
static int folder_new(const char *path)
{
	if (mkdir(path, 0755) < 0 && errno == EEXIST) {
		leftovers_remove(path);
		(void)mkdir(path, 0755);
	}
	return folder_open(path);
}

static void slot_close(struct cgroup_slot *cgroup)
{
	const int fds[] = { cgroup->fd, cgroup->state_fd, cgroup->events_fd };
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cgroup->fd = cgroup->state_fd = cgroup->events_fd = -1;
	cgroup->memory = cgroup->processes = NEVER_SET;
}

/* -1: there can be none, which is logged. */
static int slot_open(struct cgroup_slot *cgroup)
{
	int parent_fd = mkdir(cgroup->parent, 0755) < 0 && errno != EEXIST ? -1 : folder_open(cgroup->parent);
	if (parent_fd >= 0) {
		cgroup_file_enable(parent_fd, NULL, NULL);
		close(parent_fd);
		cgroup->fd = folder_new(cgroup->path);
	}
	if (cgroup->fd < 0) {
		log_warning("commands get no cgroup: %s: %s", cgroup->path, strerror(errno));
		cgroup->hopeless = true;
		return -1;
	}
	cgroup->state_fd = openat(cgroup->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	cgroup->events_fd = openat(cgroup->fd, "memory.events", O_RDONLY | O_CLOEXEC);
	/* A command that loses some process to want of memory is not a command any more. */
	if (cgroup->events_fd >= 0 && cgroup_file_write(cgroup->fd, "memory.oom.group", "1") < 0)
		log_debug("%s/memory.oom.group: %s", cgroup->path, strerror(errno));
	return 0;
}

struct cgroup_slot *cgroup_slot_new(const char *parent, int index)
{
	if (!parent)
		return NULL;
	struct cgroup_slot *cgroup = xcalloc(1, sizeof(*cgroup));
	cgroup->parent = xstrdup(parent);
	cgroup->path = xasprintf("%s/slot-%d", parent, index);
	cgroup->fd = cgroup->state_fd = cgroup->events_fd = -1;
	slot_close(cgroup);
	if (slot_open(cgroup) == 0)
		return cgroup;
	cgroup_slot_free(cgroup);
	return NULL;
}

static void folder_remove(const struct cgroup_slot *cgroup)
{
	if (rmdir(cgroup->path) < 0 && errno != ENOENT)
		leftovers_remove(cgroup->path);
	rmdir(cgroup->parent); /* the last one's part; the others are told that it is not empty */
}

void cgroup_slot_free(struct cgroup_slot *cgroup)
{
	if (!cgroup)
		return;
	if (cgroup->fd >= 0)
		folder_remove(cgroup);
	slot_close(cgroup);
	free(cgroup->path);
	free(cgroup->parent);
	free(cgroup);
}

/* Of memory.events' lines the number of OOM kills. */
static uint64_t oom_kills(const struct cgroup_slot *cgroup)
{
	char text[256];
	ssize_t n = cgroup->events_fd >= 0 ? pread(cgroup->events_fd, text, sizeof(text) - 1, 0) : -1;
	if (n < 0)
		return 0;
	text[n] = '\0';
	const char *line = strstr(text, "oom_kill ");
	return line ? strtoull(line + strlen("oom_kill "), NULL, 10) : 0;
}

/* VALUE -1: no limit, which holds also where the file is not there. */
static int limit_write(const struct cgroup_slot *cgroup, const char *file, int64_t value)
{
	char text[32] = "max";
	if (value >= 0)
		snprintf(text, sizeof(text), "%" PRId64, value);
	int status = cgroup_file_write(cgroup->fd, file, text);
	return status < 0 && value < 0 && errno == ENOENT ? 0 : status;
}

static int memory_limit(struct cgroup_slot *cgroup, int64_t memory)
{
	if (memory == cgroup->memory)
		return 0;
	cgroup->memory = NEVER_SET;
	if (limit_write(cgroup, "memory.max", memory) < 0)
		return -1;
	/* What it may have in memory is what it may have: swap would be a way around, a slow one. Not all kernels count it. */
	if (limit_write(cgroup, "memory.swap.max", memory >= 0 ? 0 : -1) < 0 && errno != ENOENT)
		return -1;
	cgroup->memory = memory;
	return 0;
}

static int processes_limit(struct cgroup_slot *cgroup, int64_t processes)
{
	if (processes == cgroup->processes)
		return 0;
	cgroup->processes = NEVER_SET;
	if (limit_write(cgroup, "pids.max", processes) < 0)
		return -1;
	cgroup->processes = processes;
	return 0;
}

/* As it was made: there, and not frozen. One that is removed has nothing to be read any more. */
static bool is_sound(struct cgroup_slot *cgroup)
{
	char text[128];
	ssize_t n = cgroup->state_fd >= 0 ? pread(cgroup->state_fd, text, sizeof(text) - 1, 0) : 0;
	text[n > 0 ? n : 0] = '\0';
	if (cgroup->fd >= 0 && n >= 0)
		return !strstr(text, "frozen 1") || cgroup_file_write(cgroup->fd, "cgroup.freeze", "0") == 0;
	return false;
}

int cgroup_slot_begin(struct cgroup_slot *cgroup, int64_t memory, int64_t processes)
{
	if (!cgroup->hopeless && !is_sound(cgroup)) {
		slot_close(cgroup);
		(void)slot_open(cgroup);
	}
	if (cgroup->hopeless) {
		errno = ENOTSUP;
		return -1;
	}
	cgroup->killed_before = oom_kills(cgroup);
	int of_memory = memory_limit(cgroup, memory), reason = errno;
	int of_processes = processes_limit(cgroup, processes);
	if (of_processes < 0)
		reason = errno;
	if (of_memory == 0 && of_processes == 0)
		return 0;
	errno = reason == ENOENT ? ENOTSUP : reason;
	return -1;
}

int cgroup_slot_fd(const struct cgroup_slot *cgroup)
{
	return cgroup->fd;
}

void cgroup_slot_spoilt(struct cgroup_slot *cgroup, int error)
{
	log_warning("a command gets no cgroup: %s: %s", cgroup->path, strerror(error));
	slot_close(cgroup);
	cgroup->hopeless = error == EACCES || error == EPERM; /* another one would not be any better */
}

bool cgroup_slot_oom_killed(const struct cgroup_slot *cgroup)
{
	return oom_kills(cgroup) > cgroup->killed_before;
}

int cgroup_slot_kill(const struct cgroup_slot *cgroup)
{
	return cgroup_file_write(cgroup->fd, "cgroup.kill", "1");
}
