/* Starts worker processes by posix_spawn of their own binary, so that a start costs the same whatever the master holds,
 * and a worker gets none of it. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "pool/internal.h"
#include "worker/heritage.h"

char *spawn_worker_path(void)
{
	const char *named = secure_getenv("TASKD_WORKER");
	if (named && *named)
		return xstrdup(named);
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length > 0) {
		self[length] = '\0';
		char *slash = strrchr(self, '/');
		if (slash) {
			*slash = '\0';
			char *beside = xasprintf("%s/taskd-worker", self);
			if (access(beside, X_OK) == 0)
				return beside;
			free(beside);
		}
	}
	return xstrdup(LIBEXECDIR "/taskd/taskd-worker");
}

/* What speaks of this process alone is not for its children; what says of it that it is another taskd's command is not
 * true of them. */
static bool environment_is_ours(const char *entry)
{
	static const char *const ours[] = { "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=", "LISTEN_FDS=",
		"LISTEN_FDNAMES=", "TASKD_WORKER=", "TASKD_TASK_ID=", "TASKD_ATTEMPT=", "TASKD_SLOT=" };
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (strncmp(entry, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

/* ADDED, "NAME=value" or NULL, takes the place of what was there of that name. */
static char **environment_for_children(char *added)
{
	size_t n = 0, kept = 0, name_length = added ? (size_t)(strchr(added, '=') - added) + 1 : 0;
	while (environ[n])
		n++;
	char **copy = xcalloc(n + 2, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		if (!environment_is_ours(environ[i]) && !(added && strncmp(environ[i], added, name_length) == 0))
			copy[kept++] = environ[i];
	copy[kept] = added;
	return copy;
}

int spawn_worker(const char *path, const char *title, const char *socket, int control_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	if (posix_spawn_file_actions_init(&actions) || posix_spawnattr_init(&attributes))
		abort();
	int error = posix_spawn_file_actions_adddup2(&actions, control_fd, WORKER_CONTROL_FD);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, WORKER_CONTROL_FD + 1);

	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

	char parent[16];
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	char *argv[] = { (char *)(uintptr_t)title, parent, NULL };
	char *variable = socket ? xasprintf("TASKD_SOCKET=%s", socket) : NULL;
	char **environment = environment_for_children(variable);
	pid_t pid = -1;
	if (!error)
		error = posix_spawn(&pid, path, &actions, &attributes, argv, environment);
	free(environment);
	free(variable);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error ? -error : pid;
}
