/* Private directories: PREFIX and six letters, in TMPDIR or /tmp, one for each worker process. It is locked (flock) as long as
 * somebody of the process lives, so who finds one that is not locked may take it away: the next worker of the same user
 * does, where a worker has died, or, where taskd stops, a process for just that.
 *
 * What is in there was made by somebody else's code: it may be deep, full, without permissions for its own owner, or full
 * of links. So nothing is followed, and a folder in a folder is moved up before it is emptied, which takes as many descriptors
 * for a deep tree as for a flat one. What belongs to another user than this process is removed with the rights of that
 * user, who could otherwise have root remove what he may not, by moving it here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "worker/confine.h"
#include "worker/run_as.h"

#define PREFIX "taskd-private-" /* nobody else's names may begin so: what does is removed */
#define PATIENCE_NS (10 * NS_PER_S)
#define TRIES 10 /* somebody who clears up may take one away before it is locked */
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

/* --- taking away --- */

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* NAME of FD, opened; -1 with errno. Its owner may have left himself out. */
static int folder_open(int fd, const char *name)
{
	int folder = openat(fd, name, FOLDER_FLAGS);
	struct stat about;
	if (folder < 0 && errno == EACCES && fchmodat(fd, name, 0700, 0) == 0)
		folder = openat(fd, name, FOLDER_FLAGS);
	if (folder >= 0 && fstat(folder, &about) == 0 && (about.st_mode & 0700) != 0700)
		(void)fchmod(folder, 0700);
	return folder;
}

struct sweep {
	uid_t owner;       /* what is not his is left where it is, unless it is empty */
	unsigned count;    /* makes names */
	int64_t until_ns;  /* somebody may fill it as fast as it is emptied */
};

/* Empties NAME of TOP and removes it; the folders in it become TOP's. False: something is left. */
static bool folder_flatten(struct sweep *sweep, int top, const char *name)
{
	struct stat about;
	const struct dirent *entry;
	bool his = fstatat(top, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && about.st_uid == sweep->owner;
	int fd = his ? folder_open(top, name) : -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir)) && clock_mono_ns() < sweep->until_ns) {
		char moved[32];
		if (is_dots(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0 ||
			unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
			continue;
		/* Its ".." changes, which takes a permission. */
		if (fchmodat(fd, entry->d_name, 0700, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		do
			snprintf(moved, sizeof(moved), ".%u", sweep->count++);
		while (renameat2(fd, entry->d_name, top, moved, RENAME_NOREPLACE) < 0 && errno == EEXIST);
	}
	if (dir)
		closedir(dir);
	return unlinkat(top, name, AT_REMOVEDIR) == 0;
}

/* Until a pass over it changes nothing any more. FD is taken over. */
static void folder_empty(int fd, uid_t owner)
{
	struct sweep sweep = { .owner = owner, .until_ns = clock_mono_ns() + PATIENCE_NS };
	const struct dirent *entry;
	DIR *dir = fdopendir(fd);
	bool removed = dir != NULL;
	if (!dir)
		close(fd);
	while (removed) {
		removed = false;
		rewinddir(dir);
		while ((entry = readdir(dir)) && clock_mono_ns() < sweep.until_ns)
			if (!is_dots(entry->d_name))
				removed |= unlinkat(fd, entry->d_name, 0) == 0 || folder_flatten(&sweep, fd, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* NAME of FD with all that is in it: that with the rights of who owns it. */
static void folder_remove(int fd, const char *name)
{
	struct stat about;
	if (unlinkat(fd, name, 0) == 0 || fstatat(fd, name, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	const struct run_as owner = { .uid = about.st_uid, .gid = about.st_gid };
	const struct run_as *as = geteuid() == 0 && about.st_uid != 0 ? &owner : NULL;
	if (run_as_enter(as) == 0) {
		int folder = folder_open(fd, name);
		if (folder >= 0)
			folder_empty(folder, about.st_uid);
		run_as_leave(as);
	}
	(void)unlinkat(fd, name, AT_REMOVEDIR);
}

/* FD is taken over, and is PATH. */
static void directory_remove(int fd, const char *path)
{
	const struct dirent *entry;
	DIR *dir = fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		if (!is_dots(entry->d_name))
			folder_remove(fd, entry->d_name);
	if (dir)
		closedir(dir);
	else
		close(fd);
	/* A handler's worker that reaches only some paths may not remove it any more: it is empty, and the next one's to remove. */
	if (rmdir(path) < 0 && errno != ENOENT && errno != EACCES)
		log_warning("%s cannot be removed: %s", path, strerror(errno));
}

void confine_directory_remove(const char *path)
{
	int fd = open(path, FOLDER_FLAGS);
	if (fd >= 0)
		directory_remove(fd, path);
}

void confine_directory_drop(const char *path, const char *name)
{
	int fd = open(path, FOLDER_FLAGS);
	if (fd < 0)
		return;
	folder_remove(fd, name);
	close(fd);
}

static void leftovers_remove(const char *base)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		struct stat about;
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		int fd = openat(dirfd(dir), entry->d_name, FOLDER_FLAGS);
		if (fd < 0)
			continue;
		if (fstat(fd, &about) == 0 && about.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			char *path = xasprintf("%s/%s", base, entry->d_name);
			directory_remove(fd, path);
			free(path);
		} else {
			close(fd);
		}
	}
	if (dir)
		closedir(dir);
}

/* --- making --- */

/* Locked by a descriptor that stays open, as this process's children's copies of it do. False: somebody was faster. */
static bool directory_lock(const char *path)
{
	struct stat about;
	int fd = open(path, FOLDER_FLAGS);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &about) == 0 && about.st_nlink > 0)
		return true;
	if (fd >= 0)
		close(fd);
	return false;
}

static char *directory_new(const char *base, const char *name)
{
	for (int i = 0; i < TRIES; i++) {
		char *path = xasprintf("%s/" PREFIX "%s.XXXXXX", base, name);
		for (char *slash = path + strlen(base) + 1; (slash = strchr(slash, '/'));)
			*slash = '-';
		if (mkdtemp(path) && directory_lock(path))
			return path;
		int error = errno;
		free(path);
		errno = error;
	}
	return NULL;
}

static const char *base_folder(void)
{
	const char *base = getenv("TMPDIR");
	return base && base[0] == '/' ? base : "/tmp";
}

void confine_directory_sweep(void)
{
	leftovers_remove(base_folder());
}

char *confine_directory(const char *name, bool entered)
{
	const char *base = base_folder();
	leftovers_remove(base);
	char *path = directory_new(base, name);
	if (path && chmod(path, entered ? 0711 : 0700) == 0)
		return path;
	log_error("cannot make a private directory in %s: %s", base, strerror(errno));
	if (path)
		(void)rmdir(path);
	free(path);
	return NULL;
}

char *confine_directory_add(const char *path, const char *name, uid_t uid, gid_t gid)
{
	char *folder = xasprintf("%s/%s", path, name);
	if (mkdir(folder, 0700) == 0) {
		if (uid == geteuid() || lchown(folder, uid, gid) == 0)
			return folder;
		int error = errno;
		(void)rmdir(folder);
		errno = error;
	}
	int error = errno;
	free(folder);
	errno = error;
	return NULL;
}
