/* Commands' outputs on disk, a file each: DIR/ID.ATTEMPT.stdout, DIR/ID.ATTEMPT.stderr. A log that is being written
 * is locked (flock) by its worker, and the lock ends with the descriptor, however the worker ends: so whoever makes
 * room knows which ones to leave alone. All workers make room, each when it has run something; a file, locked as
 * well, says when that was done last, so that it is done once a minute by all of them together. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "worker/command.h"

#define MODE 0640
#define PERIOD_NS (60 * NS_PER_S)
#define STAMP ".pruned"

static const char *const ends[CAPTURE_N_STREAMS] = { "stdout", "stderr" };

static char *path_of(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream)
{
	return xasprintf("%s/%" PRIu64 ".%" PRIu32 ".%s", dir, task_id, attempt, ends[stream]);
}

/* --- writing and reading --- */

static void close_keeping_errno(int fd)
{
	int error = errno;
	close(fd);
	errno = error;
}

/* A worker that is root makes it for whoever the folder belongs to: workers that are not root read it, too. False only with
 * errno. */
static bool give_away(int fd, const char *path)
{
	struct stat folder;
	char *copy = geteuid() == 0 ? xstrdup(path) : NULL;
	bool good = !copy || (stat(dirname(copy), &folder) == 0 && fchown(fd, folder.st_uid, folder.st_gid) == 0);
	free(copy);
	return good;
}

/* Locked before it has its name: so nobody finds it unlocked. */
static int create(const char *path, const char *hidden)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(hidden, flags, MODE);
	if (fd < 0 && errno == EEXIST && unlink(hidden) == 0) /* a worker died in the middle of this */
		fd = open(hidden, flags, MODE);
	if (fd < 0)
		return -1;
	/* A taskd that forgets its tasks counts anew: there may be one of that name. Who reads that goes on. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && give_away(fd, path) && rename(hidden, path) == 0)
		return fd;
	close_keeping_errno(fd);
	return -1;
}

int command_log_create(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream)
{
	char *path = path_of(dir, task_id, attempt, stream);
	char *hidden = xasprintf("%s/.%" PRIu64 ".%" PRIu32 ".%s", dir, task_id, attempt, ends[stream]);
	int fd = create(path, hidden), error = errno;
	free(hidden);
	free(path);
	errno = error;
	return fd;
}

void command_log_remove(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream)
{
	char *path = path_of(dir, task_id, attempt, stream);
	(void)unlink(path);
	free(path);
}

ssize_t command_log_read(const char *dir, uint64_t task_id, uint32_t attempt, enum capture_stream stream,
	uint64_t offset, void *room, size_t size, uint64_t *total)
{
	struct stat about;
	char *path = path_of(dir, task_id, attempt, stream);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), error = errno;
	free(path);
	if (fd < 0) {
		errno = error;
		return -1;
	}
	ssize_t n = fstat(fd, &about);
	if (n == 0) {
		*total = (uint64_t)about.st_size;
		n = offset >= *total ? 0 : pread(fd, room, size, (off_t)offset);
	}
	close_keeping_errno(fd);
	return n;
}

/* --- making room --- */

struct found {
	struct timespec written; /* the last time */
	int64_t size;
	uint64_t task_id;
	uint32_t attempt;
	enum capture_stream stream;
};
struct folder {
	int fd;
	struct found *found;
	size_t n, room;
	int64_t bytes;
};

/* Of NAME, the task, attempt and stream; false: it is not one of ours. */
static bool read_name(const char *name, struct found *out)
{
	char *end;
	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	out->task_id = strtoull(name, &end, 10);
	if (errno || end[0] != '.' || end[1] < '0' || end[1] > '9')
		return false;
	out->attempt = (uint32_t)strtoul(end + 1, &end, 10);
	for (int i = 0; i < CAPTURE_N_STREAMS; i++) {
		out->stream = (enum capture_stream)i;
		if (end[0] == '.' && strcmp(end + 1, ends[i]) == 0)
			return true;
	}
	return false;
}

static void look_at(struct folder *folder, const char *name)
{
	struct stat about;
	struct found found;
	if (!read_name(name, &found) || fstatat(folder->fd, name, &about, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(about.st_mode))
		return;
	found.written = about.st_mtim;
	found.size = about.st_size;
	folder->bytes += found.size;
	if (folder->n == folder->room) {
		folder->room = folder->room ? folder->room * 2 : 64;
		folder->found = xreallocarray(folder->found, folder->room, sizeof(*folder->found));
	}
	folder->found[folder->n++] = found;
}

static int older_first(const void *left, const void *right)
{
	const struct found *a = left, *b = right;
	if (a->written.tv_sec != b->written.tv_sec)
		return a->written.tv_sec < b->written.tv_sec ? -1 : 1;
	if (a->written.tv_nsec != b->written.tv_nsec)
		return a->written.tv_nsec < b->written.tv_nsec ? -1 : 1;
	return a->task_id < b->task_id ? -1 : a->task_id > b->task_id;
}

/* Unless it is being written. */
static void remove_log(struct folder *folder, const struct found *found)
{
	char name[64];
	snprintf(name, sizeof(name), "%" PRIu64 ".%" PRIu32 ".%s", found->task_id, found->attempt, ends[found->stream]);
	int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(folder->fd, name, 0) == 0)
		folder->bytes -= found->size;
	close(fd);
}

static void remove_surplus(struct folder *folder, const struct command_setting *setting)
{
	int64_t now_ns = clock_wall_ns();
	qsort(folder->found, folder->n, sizeof(*folder->found), older_first);
	for (size_t i = 0; i < folder->n; i++) {
		const struct found *found = &folder->found[i];
		int64_t age_ns = now_ns - ((int64_t)found->written.tv_sec * NS_PER_S + found->written.tv_nsec);
		bool too_old = setting->log_ttl_ns > 0 && age_ns > setting->log_ttl_ns;
		bool too_much = setting->log_bytes > 0 && folder->bytes > setting->log_bytes;
		if (!too_old && !too_much)
			return; /* all others are younger */
		remove_log(folder, found);
	}
}

static void prune(int folder_fd, const struct command_setting *setting)
{
	struct folder folder = { .fd = folder_fd };
	const struct dirent *entry;
	DIR *dir = fdopendir(folder_fd);
	if (!dir) {
		close(folder_fd);
		return;
	}
	while ((entry = readdir(dir)))
		look_at(&folder, entry->d_name);
	if (folder.n)
		remove_surplus(&folder, setting);
	free(folder.found);
	closedir(dir);
}

/* Whether it is for us to do it now: nobody else is at it, nor was a minute ago. *STAMP_FD is locked then. */
static bool is_due(int folder_fd, bool force, int *stamp_fd)
{
	struct stat about;
	*stamp_fd = openat(folder_fd, STAMP, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (*stamp_fd < 0)
		return false;
	if (flock(*stamp_fd, LOCK_EX | LOCK_NB) == 0 && fstat(*stamp_fd, &about) == 0) {
		int64_t age_ns = clock_wall_ns() - ((int64_t)about.st_mtim.tv_sec * NS_PER_S + about.st_mtim.tv_nsec);
		/* Its size says whether it has been done at all: a new one is as old as a moment. */
		if (force || about.st_size == 0 || age_ns >= PERIOD_NS || age_ns <= -PERIOD_NS)
			return true;
	}
	close(*stamp_fd);
	return false;
}

void command_log_prune(const struct command_setting *setting, bool force)
{
	static int64_t looked_ns; /* the slot's thread alone comes here */
	int64_t now_ns = clock_mono_ns();
	int stamp_fd;
	if (!setting->log_dir || (setting->log_ttl_ns <= 0 && setting->log_bytes <= 0))
		return;
	if (!force && looked_ns && now_ns - looked_ns < PERIOD_NS)
		return;
	looked_ns = now_ns;
	int folder_fd = open(setting->log_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0) {
		log_warning("command_log_dir %s: %s", setting->log_dir, strerror(errno));
		return;
	}
	if (!is_due(folder_fd, force, &stamp_fd)) {
		close(folder_fd);
		return;
	}
	prune(folder_fd, setting);
	if (ftruncate(stamp_fd, 0) < 0 || pwrite(stamp_fd, "\n", 1, 0) < 0)
		log_warning("%s/%s: %s", setting->log_dir, STAMP, strerror(errno));
	close(stamp_fd);
}
