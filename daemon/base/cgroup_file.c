/* For the master, which divides the cgroup that it was given, and for workers, which make theirs in it. */
#include "base/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Controllers that exist are few. */
#define CONTROLLERS_SIZE 256

int cgroup_file_write(int folder_fd, const char *name, const char *text)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -1;
	size_t length = strlen(text);
	ssize_t n;
	do
		n = write(fd, text, length);
	while (n < 0 && errno == EINTR);
	int reason = n < 0 ? errno : EIO;
	close(fd);
	errno = reason;
	return n == (ssize_t)length ? 0 : -1;
}

int cgroup_file_read(int folder_fd, const char *name, char *text, size_t size)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n;
	do
		n = read(fd, text, size - 1);
	while (n < 0 && errno == EINTR);
	int reason = errno;
	close(fd);
	errno = reason;
	if (n < 0)
		return -1;
	text[n] = '\0';
	return 0;
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at += length)
		if ((at == text || at[-1] == ' ') && strchr(" \n", at[length]))
			return true;
	return false;
}

/* By itself, since a text that names several is refused as a whole. */
static bool enable(int folder_fd, const char *controllers, const char *name, const char *text)
{
	return has_word(controllers, name) && cgroup_file_write(folder_fd, "cgroup.subtree_control", text) == 0;
}

void cgroup_file_enable(int folder_fd, bool *memory, bool *processes)
{
	char controllers[CONTROLLERS_SIZE] = "";
	if (cgroup_file_read(folder_fd, "cgroup.controllers", controllers, sizeof(controllers)) < 0)
		controllers[0] = '\0';
	bool enabled = enable(folder_fd, controllers, "memory", "+memory");
	if (memory)
		*memory = enabled;
	enabled = enable(folder_fd, controllers, "pids", "+pids");
	if (processes)
		*processes = enabled;
}
