/* Paths for the daemon, which is in another folder than we are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"

char *path_here(const struct taskctl *ctl, const char *hint)
{
	char *folder = getcwd(NULL, 0);

	if (!folder)
		report(ctl, EXIT_FAILED, "system", hint, "the current folder: %s", strerror(errno));
	return folder;
}

char *path_absolute(const struct taskctl *ctl, const char *path, const char *hint)
{
	char *folder, *out;

	if (*path == '/')
		return must(strdup(path));
	folder = path_here(ctl, hint);
	if (!folder)
		return NULL;
	if (asprintf(&out, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path) < 0)
		out = must(NULL);
	free(folder);
	return out;
}
