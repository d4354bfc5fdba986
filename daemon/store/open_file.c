/* What SQLite does not look after: that two stores do not open one file, that an empty file is not taken for a new one
 * where there was something in it (SQLite throws the write-ahead log of an empty file away), and that a file which cannot
 * be believed is kept. */
#include "store/open_file.h"

#include "base/clock.h"
#include "base/xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRY_NS (20 * NS_PER_MS)
int64_t file_lock_wait_ns = 5 * NS_PER_S;

/* What SQLite keeps beside the file: all that was written last may be in there. The file itself is first: were the
 * process to end between two renames, what is left is seen for what it is. */
static const char *const parts[] = { "", "-wal", "-journal", "-shm" };
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))
#define ASIDE_LIMIT 100 /* in one second */

/* Held until the process ends: whoever has the file open is one process, not one of its connections. */
static struct {
	int fd;
	dev_t device;
	ino_t inode;
} held = { .fd = -1 };

void file_name(struct open_file *file, const struct store_text *directory)
{
	*file = (struct open_file){ .directory = xstrndup(directory->data ? directory->data : "", directory->length) };
	file->path = xasprintf("%s/%s", file->directory, STORE_FILE);
}

void file_free(struct open_file *file)
{
	free(file->directory);
	free(file->path);
	*file = (struct open_file){ 0 };
}

/* By errno. */
static enum store_opening trouble(char **text, const char *what, const char *path)
{
	bool full = errno == ENOSPC || errno == EDQUOT;

	*text = xasprintf("cannot %s %s: %s", what, path, strerror(errno));
	return full ? STORE_OPEN_FULL : STORE_OPEN_ERROR;
}

static int fsync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status;

	if (fd < 0)
		return -1;
	status = fsync(fd);
	close(fd);
	return status;
}

/* --- whose it is --- */
static bool lock_in_time(int fd)
{
	struct timespec pause = { 0, LOCK_TRY_NS };
	int64_t until_ns = clock_mono_ns() + file_lock_wait_ns;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		if (clock_mono_ns() >= until_ns) {
			errno = EWOULDBLOCK;
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static void lock_let_go(void)
{
	if (held.fd >= 0)
		close(held.fd);
	held.fd = -1;
}

enum store_opening file_lock(struct open_file *file, char **text)
{
	char *path = xasprintf("%s/%s", file->directory, STORE_FILE_LOCK);
	enum store_opening status = STORE_OPEN_ERROR;
	struct stat info;
	int fd;

	if (stat(file->directory, &info) < 0) {
		status = trouble(text, "use the state directory", file->directory);
		goto out;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &info) < 0) {
		status = trouble(text, "open", path);
		goto out_fd;
	}
	if (held.fd >= 0 && held.device == info.st_dev && held.inode == info.st_ino) {
		status = STORE_OPEN_FINE;
	} else if (!lock_in_time(fd)) {
		if (errno != EWOULDBLOCK) {
			status = trouble(text, "lock", path);
			goto out_fd;
		}
		*text = xasprintf(
			"%s is open in another process (a taskd-store that holds %s): a state directory is one "
			"daemon's",
			file->path, path);
		status = STORE_OPEN_LOCKED;
	} else {
		lock_let_go();
		held.fd = fd;
		held.device = info.st_dev;
		held.inode = info.st_ino;
		fd = -1;
		status = STORE_OPEN_FINE;
	}
	file->was_made = info.st_size > 0;
out_fd:
	if (fd >= 0)
		close(fd);
out:
	free(path);
	return status;
}

enum store_opening file_mark(struct open_file *file, char **text)
{
	static const char said[] = "tasks.db was made here; taskd-store locks this file while it has it open\n";

	if (!file->was_made && (pwrite(held.fd, said, strlen(said), 0) != (ssize_t)strlen(said) || fsync(held.fd) < 0))
		return trouble(text, "write beside", file->path);
	file->was_made = true;
	if (fsync_directory(file->directory) < 0)
		return trouble(text, "sync the state directory", file->directory);
	return STORE_OPEN_FINE;
}

/* --- what is there --- */
static int64_t part_size(const struct open_file *file, const char *part)
{
	char *path = xasprintf("%s%s", file->path, part);
	struct stat info;
	int64_t size = stat(path, &info) < 0 ? 0 : info.st_size;

	free(path);
	return size;
}

/* Whether a file that SQLite takes for an empty one is not new. */
static bool has_lost_all(const struct open_file *file, bool is_there, int64_t size, char **text)
{
	if (size > 0)
		*text = xasprintf("%s is damaged (it is not a database)", file->path);
	else if (part_size(file, "-wal") > 0)
		*text = xasprintf("%s is %s, but there is %s-wal, which belongs to it", file->path,
			is_there ? "empty" : "not there", file->path);
	else if (is_there && file->was_made && part_size(file, "-journal") == 0)
		*text = xasprintf("%s is empty, and was not before", file->path);
	else
		return false;
	return true;
}

/* What was made here has been taken away: what is empty from now on is new. */
static int unmark(struct open_file *file)
{
	if (file->was_made && (ftruncate(held.fd, 0) < 0 || fsync(held.fd) < 0))
		return -1;
	file->was_made = false;
	return 0;
}

enum store_opening file_look(struct open_file *file, char **text)
{
	struct stat info;
	bool is_there = stat(file->path, &info) == 0;
	int fd;

	if (!is_there && errno != ENOENT)
		return trouble(text, "open", file->path);
	if (is_there && !S_ISREG(info.st_mode)) {
		*text = xasprintf("%s is not a regular file", file->path);
		return STORE_OPEN_ERROR;
	}
	if (!is_there)
		info.st_size = 0;
	/* SQLite knows of a system on which it has to make an empty file one byte long. */
	if (info.st_size <= 1 && has_lost_all(file, is_there, info.st_size, text))
		return STORE_OPEN_DAMAGED;
	if (!is_there && unmark(file) < 0)
		return trouble(text, "write beside", file->path);
	/* SQLite would give a new one the umask's mode, and open one that it may not write for reading. */
	fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return trouble(text, "open", file->path);
	close(fd);
	if (!is_there && fsync_directory(file->directory) < 0)
		return trouble(text, "sync the state directory", file->directory);
	return STORE_OPEN_FINE;
}

/* --- aside --- */
/* ".damaged-20261122-163131", and "-2", … where there is one already. */
static void suffix_make(char *out, size_t size, time_t now, int number)
{
	char stamp[32];
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &utc);
	if (number > 1)
		snprintf(out, size, ".damaged-%s-%d", stamp, number);
	else
		snprintf(out, size, ".damaged-%s", stamp);
}

static bool suffix_is_free(const struct open_file *file, const char *suffix)
{
	bool is_free = true;

	for (size_t i = 0; i < N_PARTS && is_free; i++) {
		char *path = xasprintf("%s%s%s", file->path, suffix, parts[i]);
		struct stat info;

		is_free = lstat(path, &info) < 0 && errno == ENOENT;
		free(path);
	}
	return is_free;
}

/* 0, also where there is no such part. */
static int part_rename(const struct open_file *file, const char *part, const char *suffix)
{
	char *from = xasprintf("%s%s", file->path, part);
	/* "tasks.db.damaged-…-wal": so that SQLite finds the one with the other. */
	char *to = xasprintf("%s%s%s", file->path, suffix, part);
	int status = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

	if (status < 0 && errno == EINVAL) /* a filesystem without that: it was looked for before */
		status = rename(from, to);
	if (status < 0 && errno == ENOENT)
		status = 0;
	free(from);
	free(to);
	return status;
}

enum store_opening file_put_aside(const struct open_file *file, const char *why, char **text)
{
	time_t now = clock_wall_ns() / NS_PER_S;
	char suffix[64];
	int number = 1;

	do {
		suffix_make(suffix, sizeof(suffix), now, number);
	} while (!suffix_is_free(file, suffix) && ++number <= ASIDE_LIMIT);
	if (number > ASIDE_LIMIT) {
		errno = EEXIST;
		return trouble(text, "put aside", file->path);
	}
	for (size_t i = 0; i < N_PARTS; i++) {
		if (part_rename(file, parts[i], suffix) < 0)
			return trouble(text, "put aside", file->path);
	}
	if (fsync_directory(file->directory) < 0)
		return trouble(text, "sync the state directory", file->directory);
	*text = xasprintf("%s: it was put aside as %s%s, and a new one made", why, file->path, suffix);
	return STORE_OPEN_ASIDE;
}
