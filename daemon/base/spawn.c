/* Starts children by posix_spawn of their own binary, so that a start costs the same whatever this process holds, and a
 * child gets none of it; or has a spawner start them (spawners.c). */
#include "base/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn_parts.h"
#include "base/xmalloc.h"

#define FIRST_FD 3

char *spawn_find(const char *variable, const char *name)
{
	const char *named = secure_getenv(variable);
	if (named && *named)
		return xstrdup(named);
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length > 0) {
		self[length] = '\0';
		char *slash = strrchr(self, '/');
		if (slash) {
			*slash = '\0';
			char *beside = xasprintf("%s/%s", self, name);
			if (access(beside, X_OK) == 0)
				return beside;
			free(beside);
		}
	}
	return xasprintf("%s/taskd/%s", LIBEXECDIR, name);
}

/* What speaks of this process alone is not for its children; what says of it that it is another taskd's command is not
 * true of them. */
static bool environment_is_ours(const char *entry)
{
	static const char *const ours[] = { "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=",
		"LISTEN_FDS=", "LISTEN_FDNAMES=", "TASKD_WORKER=", "TASKD_STORE=", "TASKD_SPAWN=", "TASKD_TASK_ID=",
		"TASKD_ATTEMPT=", "TASKD_SLOT=" };
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (strncmp(entry, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

/* ADDED, "NAME=value" or NULL, takes the place of what was there of that name. */
static char **environment_for_children(const char *added)
{
	size_t n = 0, kept = 0, name_length = added ? (size_t)(strchr(added, '=') - added) + 1 : 0;
	while (environ[n])
		n++;
	char **copy = xcalloc(n + 2, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		if (!environment_is_ours(environ[i]) && !(added && strncmp(environ[i], added, name_length) == 0))
			copy[kept++] = environ[i];
	copy[kept] = (char *)(uintptr_t)added;
	return copy;
}

/* A descriptor that has to become 3, 4, … may be one of those numbers itself, and would be overwritten before its turn: it is
 * moved out of the way first. 0 or an errno. */
static int fds_move_up(const struct spawn *spawn, int moved[SPAWN_FDS_LIMIT])
{
	int error = 0;
	for (size_t i = 0; i < spawn->n_fds; i++) {
		int fd = spawn->fds[i];
		moved[i] = fd;
		if (fd < 0 || fd >= FIRST_FD + (int)spawn->n_fds || error)
			continue;
		moved[i] = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)spawn->n_fds);
		if (moved[i] < 0)
			error = errno;
	}
	return error;
}

static void fds_drop(const struct spawn *spawn, const int moved[SPAWN_FDS_LIMIT])
{
	for (size_t i = 0; i < spawn->n_fds; i++)
		if (moved[i] >= 0 && moved[i] != spawn->fds[i])
			close(moved[i]);
}

/* 0 to 2 stay what they are; then come those that are named, and nothing else. */
static int fds_arrange(const struct spawn *spawn, const int moved[SPAWN_FDS_LIMIT], posix_spawn_file_actions_t *actions)
{
	int error = 0;
	for (size_t i = 0; i < spawn->n_fds && !error; i++) {
		int to = FIRST_FD + (int)i;
		if (moved[i] >= 0)
			error = posix_spawn_file_actions_adddup2(actions, moved[i], to);
		else
			error = posix_spawn_file_actions_addclose(actions, to);
	}
	return error ? error : posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FD + (int)spawn->n_fds);
}

int spawn_directly(const struct spawn *spawn)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int moved[SPAWN_FDS_LIMIT];
	assert(spawn->n_fds <= SPAWN_FDS_LIMIT);
	if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attributes))
		abort();
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

	int error = fds_move_up(spawn, moved);
	if (!error)
		error = fds_arrange(spawn, moved, &actions);
	char **environment = environment_for_children(spawn->variable);
	pid_t pid = -1;
	if (!error)
		error = posix_spawn(&pid, spawn->path, &actions, &attributes, spawn->argv, environment);
	free(environment);
	fds_drop(spawn, moved);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : pid;
}

int spawn_child(const struct spawn *spawn)
{
	if (spawners_are_there())
		return spawners_spawn(spawn);
	/* To become somebody else takes code between clone and exec, and rights: both are the spawners'. */
	return spawn->as_other && spawn->uid != geteuid() ? -EPERM : spawn_directly(spawn);
}
