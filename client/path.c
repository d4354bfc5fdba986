/* Where the daemon listens, so that programs, taskctl and the daemon agree without being told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"

#define SYSTEM_SOCKET "/run/taskd/taskd.sock"

/* The variable's value, but for programs that run with more rights than who started them. */
static const char *environment(const char *name)
{
	const char *value = secure_getenv(name);

	return value && value[0] ? value : NULL;
}

char *taskd_socket_path(const char *socket)
{
	const char *folder = environment("XDG_RUNTIME_DIR");
	char *path;

	if (!socket)
		socket = environment("TASKD_SOCKET");
	if (!socket && geteuid() != 0 && folder) {
		if (asprintf(&path, "%s/taskd.sock", folder) < 0) {
			error_set(TASKD_E_MEMORY, NULL);
			return NULL;
		}
		if (access(path, F_OK) == 0)
			return path;
		free(path);
	}
	path = strdup(socket ? socket : SYSTEM_SOCKET);
	if (!path)
		error_set(TASKD_E_MEMORY, NULL);
	return path;
}
