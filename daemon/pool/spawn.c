/* Starts worker processes. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/spawn.h"
#include "base/xmalloc.h"
#include "pool/internal.h"
#include "worker/heritage.h"

char *spawn_worker_path(void)
{
	return spawn_find("TASKD_WORKER", "taskd-worker");
}

int spawn_worker(const char *path, const char *title, const char *socket, const int fds[SPAWN_WORKER_FDS])
{
	static_assert(WORKER_CONTROL_FD == 3 && WORKER_ALIVE_FD == 4, "where spawn_child's first two go");
	char parent[16];
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	char *argv[] = { (char *)(uintptr_t)title, parent, NULL };
	char *variable = socket ? xasprintf("TASKD_SOCKET=%s", socket) : NULL;
	const struct spawn spawn = { .path = path, .argv = argv, .fds = fds, .n_fds = SPAWN_WORKER_FDS, .variable = variable };
	int pid = spawn_child(&spawn);
	free(variable);
	return pid;
}
