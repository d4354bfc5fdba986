/* A configuration that is no file of anybody's. For the targets that read one. */
#ifndef TESTS_FUZZ_CONFIG_TEXT_H
#define TESTS_FUZZ_CONFIG_TEXT_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "fuzz.h"

/* As config_load, of these bytes. */
static inline struct config *config_text_load(const void *data, size_t size, char **error)
{
	static char path[32];
	static int fd = -1;
	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	*error = NULL;
	struct config *config = config_load(path, true, error);
	FUZZ_CHECK(!config == !!*error);
	if (config)
		return config;
	/* The error names a line that there is; of an empty file, the first. */
	unsigned long line, lines = 1;
	const uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++)
		lines += bytes[i] == '\n';
	char *end;
	FUZZ_CHECK(strncmp(*error, path, strlen(path)) == 0 && (*error)[strlen(path)] == ':');
	line = strtoul(*error + strlen(path) + 1, &end, 10);
	FUZZ_CHECK(line >= 1 && line <= lines && end[0] == ':' && end[1] == ' ' && end[2]);
	return NULL;
}

#endif
