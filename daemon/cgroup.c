/* Takes over the cgroup that the daemon was given. Inner nodes of the tree have no processes (cgroups(7)), so the master
 * moves into a child of its own:
 *
 *   …/taskd.service/        what was delegated
 *     taskd/                the master and its workers
 *     pool-NAME/slot-N/     a command, while it runs; made by its worker (worker/cgroup_slot.c)
 *     pool-NAME/workers/    the workers of a pool of another user, whose pool-NAME is: nobody moves a process out of a part
 *                           of the tree that is not his
 *
 * All of it is a service, not a need: where there is nothing, commands do without. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cgroup_file.h"
#include "base/cgroup_tree.h"
#include "base/log.h"
#include "base/xmalloc.h"

#define MASTER_FOLDER "taskd"

/* The first line of FILE for which PART gives something. */
static char *line_find(const char *file, char *(*part)(char *line))
{
	FILE *lines = fopen(file, "re");
	char *line = NULL, *found = NULL;
	size_t size = 0;
	if (!lines)
		return NULL;
	while (!found && getline(&line, &size, lines) >= 0)
		found = part(line);
	free(line);
	fclose(lines);
	return found;
}

/* Of "0::/system.slice/taskd.service" the path. */
static char *path_of_self(char *line)
{
	if (strncmp(line, "0::/", 4) != 0)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line + 3);
}

/* Spaces and the like are \040 and so on there. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		unsigned code;
		if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Of "38 31 0:41 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw" the fifth, where the fourth says that the whole of the
 * tree that this process can name is mounted there. */
static char *mount_of_cgroup2(char *line)
{
	char *root, *point, *rest = strstr(line, " - ");
	if (!rest || strncmp(rest, " - cgroup2 ", 11) != 0)
		return NULL;
	*rest = '\0';
	for (int i = 0; i < 3; i++) {
		line = strchr(line, ' ');
		if (!line++)
			return NULL;
	}
	root = strsep(&line, " ");
	point = strsep(&line, " ");
	if (!point || strcmp(root, "/") != 0)
		return NULL;
	unescape(point);
	return xstrdup(point);
}

/* systemd says so in an attribute; the superuser may write in cgroups that are not his to divide. */
static bool is_marked_delegated(const char *folder)
{
	static const char *const names[] = { "user.delegate", "trusted.delegate" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char value;
		if (getxattr(folder, names[i], &value, 1) == 1 && value == '1')
			return true;
	}
	return false;
}

static bool is_alone(int folder_fd)
{
	char pids[64];
	char *end;
	return cgroup_file_read(folder_fd, "cgroup.procs", pids, sizeof(pids)) == 0 &&
		strtol(pids, &end, 10) == getpid() && strcmp(end, "\n") == 0;
}

/* Why the cgroup at FOLDER, which this process calls PATH, is not one to use; NULL: it is. */
static const char *objection(const char *path, const char *folder, int folder_fd)
{
	if (faccessat(folder_fd, "cgroup.type", F_OK, 0) < 0)
		return "it is the root of all";
	if (faccessat(folder_fd, ".", W_OK, 0) < 0 || faccessat(folder_fd, "cgroup.procs", W_OK, 0) < 0 ||
		faccessat(folder_fd, "cgroup.subtree_control", W_OK, 0) < 0)
		return "it is not delegated: it cannot be written";
	/* The root of a namespace, in a container, was made for who is in there. */
	if (geteuid() == 0 && strcmp(path, "/") != 0 && !is_marked_delegated(folder))
		return "it is not delegated";
	if (!is_alone(folder_fd))
		return "other processes are in it";
	return NULL;
}

/* 0, or -1 with errno, and all is as it was. */
static int move_out(int folder_fd)
{
	if (mkdirat(folder_fd, MASTER_FOLDER, 0755) < 0 && errno != EEXIST)
		return -1;
	if (cgroup_file_write(folder_fd, MASTER_FOLDER "/cgroup.procs", "0") == 0)
		return 0;
	int reason = errno;
	unlinkat(folder_fd, MASTER_FOLDER, AT_REMOVEDIR);
	errno = reason;
	return -1;
}

/* Whether FOLDER is in use now. */
static bool claim(const char *path, const char *folder)
{
	bool memory, processes;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *why_not = fd < 0 ? strerror(errno) : objection(path, folder, fd);
	if (!why_not && move_out(fd) < 0)
		why_not = strerror(errno);
	if (why_not) {
		log_debug("commands have no cgroups of their own: %s: %s", folder, why_not);
	} else {
		cgroup_file_enable(fd, &memory, &processes);
		log_info("commands have cgroups of their own in %s, %s", folder, memory && processes ?
			"with limits of memory and processes" : memory ? "with limits of memory" : processes ?
			"with limits of processes" : "without limits: it has no controllers");
	}
	if (fd >= 0)
		close(fd);
	return !why_not;
}

char *cgroup_claim(const struct cgroup_source *source)
{
	static const struct cgroup_source kernel = { .self = "/proc/self/cgroup", .mounts = "/proc/self/mountinfo" };
	source = source ? source : &kernel;
	char *path = line_find(source->self, path_of_self);
	char *mount = path ? line_find(source->mounts, mount_of_cgroup2) : NULL;
	char *folder = mount ? xasprintf("%s%s", mount, strcmp(path, "/") == 0 ? "" : path) : NULL;
	if (!folder)
		log_debug("commands have no cgroups of their own: cgroup v2 is not mounted");
	if (folder && !claim(path, folder)) {
		free(folder);
		folder = NULL;
	}
	free(mount);
	free(path);
	return folder;
}

/* --- parts of it for others --- */

int cgroup_give(const char *folder, uid_t uid, gid_t gid)
{
	static const char *const files[] = { "cgroup.procs", "cgroup.threads", "cgroup.subtree_control" };
	int status = lchown(folder, uid, gid);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && status == 0; i++) {
		char *path = xasprintf("%s/%s", folder, files[i]);
		status = lchown(path, uid, gid);
		free(path);
	}
	return status;
}

static void empty(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			(void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	if (dir)
		closedir(dir);
}

static int folder_make(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

void cgroup_clear_pool(const char *folder, const char *pool)
{
	char *part = cgroup_tree_pool(folder, pool);
	empty(part);
	(void)rmdir(part);
	free(part);
}

int cgroup_give_pool(const char *folder, const char *pool, uid_t uid, gid_t gid, uid_t master)
{
	char *part = cgroup_tree_pool(folder, pool), *workers = xasprintf("%s/" CGROUP_TREE_WORKERS, part);
	char *door = xasprintf("%s/cgroup.procs", workers);
	int status = folder_make(part) < 0 || folder_make(workers) < 0 || lchown(door, master, (gid_t)-1) < 0 ||
		cgroup_give(part, uid, gid) < 0 ? -1 : 0;
	int error = errno;
	free(door);
	free(workers);
	free(part);
	errno = error;
	return status;
}
