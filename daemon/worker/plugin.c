/* Plugins are code that runs with the daemon's rights, so they come from where only root or the daemon's own user can
 * write. What is checked is the opened file, and what is loaded is that same open file: nobody can put another one in
 * its place between the two. */
#include "worker/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "worker/registry.h"

struct plugin {
	struct registry *registry;
	const char *name;
	const char *path;
};

/* WHAT is what people call it: the path, or its directory. */
static int check_trust(const struct plugin *plugin, int fd, const char *what, mode_t kind)
{
	struct stat status;
	const char *word = kind == S_IFDIR ? "directory" : "file";
	if (fstat(fd, &status) < 0)
		registry_complain(plugin->registry, plugin->name, "%s: %s", what, strerror(errno));
	else if ((status.st_mode & S_IFMT) != kind)
		registry_complain(plugin->registry, plugin->name, "%s: not a %s", what, kind == S_IFDIR ? word : "regular file");
	else if (status.st_uid != 0 && status.st_uid != geteuid())
		registry_complain(plugin->registry, plugin->name, "%s: the %s belongs to uid %u, which is neither root nor taskd's own",
			what, word, (unsigned)status.st_uid);
	else if (status.st_mode & (S_IWGRP | S_IWOTH))
		registry_complain(plugin->registry, plugin->name, "%s: others than its owner may write the %s (mode %04o)", what,
			word, (unsigned)(status.st_mode & 07777));
	else
		return 0;
	return -1;
}

/* The file, opened and checked; -1 where it is not to be trusted. */
static int open_checked(const struct plugin *plugin)
{
	const char *slash = strrchr(plugin->path, '/');
	if (plugin->path[0] != '/' || slash[1] == '\0') {
		registry_complain(plugin->registry, plugin->name, "%s: not an absolute path of a file", plugin->path);
		return -1;
	}
	char *directory = slash == plugin->path ? xstrdup("/") : xstrndup(plugin->path, (size_t)(slash - plugin->path));
	int fd = -1;
	int dir = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC); /* the folder itself may be out of reach: read_paths */
	if (dir < 0) {
		registry_complain(plugin->registry, plugin->name, "%s: %s", directory, strerror(errno));
	} else if (check_trust(plugin, dir, directory, S_IFDIR) == 0) {
		/* No links: what they lead to stands in a directory that nobody has looked at. */
		fd = openat(dir, slash + 1, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			registry_complain(plugin->registry, plugin->name, "%s: %s", plugin->path,
				errno == ELOOP ? "a symbolic link; name the file that it leads to" : strerror(errno));
		else if (check_trust(plugin, fd, plugin->path, S_IFREG) < 0) {
			close(fd);
			fd = -1;
		}
	}
	if (dir >= 0)
		close(dir);
	free(directory);
	return fd;
}

/* The loader's words name the path that it was given, which says nothing to people. */
static void complain_of_loader(const struct plugin *plugin, const char *loaded_as)
{
	const char *reason = dlerror();
	size_t length = strlen(loaded_as);
	if (!reason)
		reason = "cannot be loaded";
	if (strncmp(reason, loaded_as, length) == 0 && reason[length] == ':')
		reason += length + 1 + strspn(reason + length + 1, " ");
	registry_complain(plugin->registry, plugin->name, "%s: %s", plugin->path, reason);
}

static int add_handlers(const struct plugin *plugin, const struct taskd_plugin *object)
{
	int code = -1;
	if (object->abi != TASKD_PLUGIN_ABI) {
		registry_complain(plugin->registry, plugin->name, "%s: made for version %u of the plugin interface; this taskd has %u",
			plugin->path, object->abi, TASKD_PLUGIN_ABI);
		return -1;
	}
	if (!object->handlers || !object->handlers[0].name) {
		registry_complain(plugin->registry, plugin->name, "%s: it has no handlers", plugin->path);
		return -1;
	}
	for (const struct taskd_handler *handler = object->handlers; handler->name; handler++)
		if (registry_add(plugin->registry, handler, plugin->name) == 0)
			code = 0;
	return code;
}

int plugin_load(struct registry *registry, const char *name, const char *path)
{
	const struct plugin plugin = { .registry = registry, .name = name, .path = path };
	char loaded_as[32];
	int fd = open_checked(&plugin);
	if (fd < 0)
		return -1;
	snprintf(loaded_as, sizeof(loaded_as), "/proc/self/fd/%d", fd);
	void *handle = dlopen(loaded_as, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		complain_of_loader(&plugin, loaded_as);
		close(fd);
		return -1;
	}
	/* From here on the descriptor stays open: the loader knows objects by their paths, and would take the next
	 * plugin for this one if it got the same number. */
	const struct taskd_plugin *object = dlsym(handle, "taskd_plugin");
	if (!object) {
		registry_complain(registry, name, "%s: no symbol \"taskd_plugin\"; TASKD_PLUGIN(handlers) makes it", path);
		return -1;
	}
	return add_handlers(&plugin, object);
}
