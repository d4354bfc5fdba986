/* Two locks, since two questions have different answers: whether another daemon lives, and whether all that the last one
 * had started is gone. Both are flock(2)'s: they belong to the open file, whoever has it, and the kernel gives them up
 * with the last process that does, however that ends. The files stay; a lock file that is removed locks nobody out. */
#include "durable/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xmalloc.h"

/* FD, or -1 with errno. */
static int open_in(const char *directory, const char *name)
{
	char *path = xasprintf("%s/%s", directory, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int saved = errno;
	free(path);
	errno = saved;
	return fd;
}

/* 1: it is ours, 0: it is somebody else's, -1 with errno. */
static int try_lock(int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	return 1;
}

/* What the other one has written there; 0: nothing that makes sense. */
static pid_t read_pid(int fd)
{
	char text[16];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	long pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* For people: that it cannot be written is no reason not to go on. */
static void write_pid(int fd)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)length, 0);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static enum lock_status take_master(struct lock *lock, const char *directory, pid_t *pid)
{
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return LOCK_ERROR;
	int fd = open_in(directory, "lock");
	if (fd < 0)
		return LOCK_ERROR;
	int taken = try_lock(fd);
	if (taken == 1) {
		write_pid(fd);
		lock->master_fd = fd;
		return LOCK_MINE;
	}
	int saved = errno;
	*pid = taken == 0 ? read_pid(fd) : 0;
	close(fd);
	errno = saved;
	return taken == 0 ? LOCK_DAEMON : LOCK_ERROR;
}

enum lock_status lock_take(struct lock *lock, const char *directory, pid_t *pid)
{
	*pid = 0;
	if (lock->master_fd < 0) {
		enum lock_status status = take_master(lock, directory, pid);
		if (status != LOCK_MINE)
			return status;
	}
	if (lock->children_fd < 0)
		lock->children_fd = open_in(directory, "children.lock");
	int taken = lock->children_fd < 0 ? -1 : try_lock(lock->children_fd);
	if (taken >= 0)
		return taken ? LOCK_MINE : LOCK_CHILDREN;
	int saved = errno;
	lock_drop(lock);
	errno = saved;
	return LOCK_ERROR;
}

/* --- who has it --- */

static bool has_open(pid_t pid, const struct stat *file)
{
	char path[64];
	struct stat other;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool has = false;
	while (folder && !has && (entry = readdir(folder)))
		has = fstatat(dirfd(folder), entry->d_name, &other, 0) == 0 && other.st_dev == file->st_dev &&
			other.st_ino == file->st_ino;
	if (folder)
		closedir(folder);
	return has;
}

size_t lock_holders(const struct lock *lock, pid_t *pids, size_t room)
{
	struct stat file;
	const struct dirent *entry;
	size_t n = 0;
	DIR *folder = fstat(lock->children_fd, &file) == 0 ? opendir("/proc") : NULL;
	while (folder && n < room && (entry = readdir(folder))) {
		long pid = strtol(entry->d_name, NULL, 10);
		if (pid > 0 && pid != getpid() && has_open((pid_t)pid, &file))
			pids[n++] = (pid_t)pid;
	}
	if (folder)
		closedir(folder);
	return n;
}

void lock_drop(struct lock *lock)
{
	close_one(&lock->children_fd);
	close_one(&lock->master_fd);
}
