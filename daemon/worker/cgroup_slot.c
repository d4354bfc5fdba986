/* The cgroup of a worker of commands: each of its commands starts in it, so that limits hold for all that comes of one,
 * and that a KILL reaches all of it at once. Where a kernel has no such controller, or no cgroup.kill, the caller is told
 * and does it by other means. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup_file.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "worker/command.h"

#define EMPTY_WAIT_MS 1000 /* for what was killed to be gone */
#define NEVER_SET (-2)     /* a limit that is neither a number nor -1 */

struct cgroup_slot {
	char *parent;
	char *path;
	int fd;
	int events_fd; /* -1: memory is not counted here */
	uint64_t killed_before;
	/* What was set last: most commands want the same. */
	int64_t memory;
	int64_t processes;
};

static int folder_make(const char *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The worker that was here before may have left something, or be about to; it leads nobody any more. */
static void leftovers_kill(const struct cgroup_slot *cgroup)
{
	char text[64];
	if (cgroup_file_read(cgroup->fd, "cgroup.procs", text, sizeof(text)) == 0 && text[0])
		cgroup_slot_kill(cgroup);
}

struct cgroup_slot *cgroup_slot_new(const char *parent, int index)
{
	if (!parent)
		return NULL;
	struct cgroup_slot *cgroup = xcalloc(1, sizeof(*cgroup));
	cgroup->parent = xstrdup(parent);
	cgroup->path = xasprintf("%s/slot-%d", parent, index);
	cgroup->fd = cgroup->events_fd = -1;
	cgroup->memory = cgroup->processes = NEVER_SET;
	int parent_fd = folder_make(parent);
	if (parent_fd >= 0) {
		cgroup_file_enable(parent_fd, NULL, NULL);
		close(parent_fd);
		cgroup->fd = folder_make(cgroup->path);
	}
	if (cgroup->fd < 0) {
		log_warning("commands get no cgroup: %s: %s", cgroup->path, strerror(errno));
		cgroup_slot_free(cgroup);
		return NULL;
	}
	leftovers_kill(cgroup);
	cgroup->events_fd = openat(cgroup->fd, "memory.events", O_RDONLY | O_CLOEXEC);
	/* A command that loses some process to want of memory is not a command any more. */
	if (cgroup->events_fd >= 0 && cgroup_file_write(cgroup->fd, "memory.oom.group", "1") < 0)
		log_debug("%s/memory.oom.group: %s", cgroup->path, strerror(errno));
	return cgroup;
}

/* Whether nobody is in it any more; waits for a moment. */
static bool wait_until_empty(const struct cgroup_slot *cgroup)
{
	char text[128];
	int fd = openat(cgroup->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	bool empty = false;
	if (fd < 0)
		return true;
	for (;;) {
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		empty = n < 0 || strstr(text, "populated 0");
		struct pollfd change = { .fd = fd, .events = POLLPRI };
		if (empty || poll(&change, 1, EMPTY_WAIT_MS) <= 0)
			break;
	}
	close(fd);
	return empty;
}

static void folder_remove(const struct cgroup_slot *cgroup)
{
	if (rmdir(cgroup->path) < 0 && errno == EBUSY && cgroup_slot_kill(cgroup) == 0 && wait_until_empty(cgroup))
		rmdir(cgroup->path);
	rmdir(cgroup->parent); /* the last one's part; the others are told that it is not empty */
}

void cgroup_slot_free(struct cgroup_slot *cgroup)
{
	if (!cgroup)
		return;
	if (cgroup->fd >= 0) {
		folder_remove(cgroup);
		close(cgroup->fd);
	}
	if (cgroup->events_fd >= 0)
		close(cgroup->events_fd);
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

int cgroup_slot_begin(struct cgroup_slot *cgroup, int64_t memory, int64_t processes)
{
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

bool cgroup_slot_oom_killed(const struct cgroup_slot *cgroup)
{
	return oom_kills(cgroup) > cgroup->killed_before;
}

int cgroup_slot_kill(const struct cgroup_slot *cgroup)
{
	return cgroup_file_write(cgroup->fd, "cgroup.kill", "1");
}
