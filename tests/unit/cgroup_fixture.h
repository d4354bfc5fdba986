/* A folder that looks like a cgroup's, and the real ones, for tests. */
#ifndef TESTS_UNIT_CGROUP_FIXTURE_H
#define TESTS_UNIT_CGROUP_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path made by printf, in one of a few buffers that take turns. */
__attribute__((format(printf, 1, 2))) static inline const char *path_of(const char *format, ...)
{
	static char rooms[8][512];
	static int turn;
	char *room = rooms[turn++ % 8];
	va_list args;
	va_start(args, format);
	vsnprintf(room, sizeof(rooms[0]), format, args);
	va_end(args);
	return room;
}

static inline char *folder_make(void)
{
	char *path = strdup("/tmp/taskd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	ck_assert_int_eq(chmod(path, 0755), 0);
	return path;
}

static inline void folder_remove_all(char *path)
{
	ck_assert_int_eq(system(path_of("rm -rf '%s'", path)), 0);
	free(path);
}

static inline void file_put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	ck_assert_msg(file, "%s", path);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static inline bool file_says(const char *path, const char *text)
{
	char got[512] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_ge(read(fd, got, sizeof(got) - 1), 0);
	close(fd);
	if (strcmp(got, text) != 0)
		fprintf(stderr, "%s says \"%s\"\n", path, got);
	return strcmp(got, text) == 0;
}

/* A new cgroup of the real tree; NULL where this process may make none, which is said. */
static inline char *real_make(void)
{
	char line[1024], point[512], *path = NULL;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	while (!path && mounts && fgets(line, sizeof(line), mounts))
		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s / %511s", point) == 1)
			path = strdup(path_of("%s/taskd-test-%d", point, getpid()));
	if (mounts)
		fclose(mounts);
	if (path && (mkdir(path, 0755) < 0 || access(path_of("%s/cgroup.kill", path), W_OK) < 0)) {
		rmdir(path);
		free(path);
		path = NULL;
	}
	if (!path)
		fprintf(stderr, "SKIP: no cgroup v2 that can be written\n");
	return path;
}

#endif
