/* See streams_world.h. */
#include "streams_world.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/json_scan.h"

void world_set_up(struct world *world, size_t keep)
{
	*world = (struct world){ .capture = capture_new(keep) };
	ck_assert_ptr_nonnull(world->capture);
	world->end = capture_end_new(dup(capture_fd(world->capture)));
	ck_assert_ptr_nonnull(world->end);
	capture_begin(world->end, TASK_ID, ATTEMPT, keep);
	signal(SIGPIPE, SIG_IGN);
}

void world_tear_down(struct world *world)
{
	streams_free(world->streams);
	if (world->pid > 0) {
		kill(world->pid, SIGKILL);
		waitpid(world->pid, NULL, 0);
	}
	command_free(&world->params);
	capture_end_free(world->end);
	capture_free(world->capture);
	free(world->args);
}

bool world_open(struct world *world, const char *args, const int *fds)
{
	struct json_span span;
	struct json_error where;
	char error[300] = "";
	world->args = strdup(args);
	ck_assert_int_eq(json_scan(world->args, strlen(args), &span, NULL, &where), 0);
	int status = command_read(&span, &world->params, error, sizeof(error));
	ck_assert_msg(status == 0, "%s", error);
	world->streams = streams_new(
		&world->params, &(struct command_rights){ 0 }, fds, world->lane_end, world->end, world->log_dir, TASK_ID, ATTEMPT, &world->step);
	return world->streams;
}

static void __attribute__((noreturn)) become(const struct world *world)
{
	int fds[3];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL); /* which whoever runs the tests may ignore */
	for (int i = 0; i < 3; i++)
		fds[i] = fcntl(streams_child(world->streams)[i], F_DUPFD, 10);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	close_range(3, ~0U, 0);
	if (world->params.tty) {
		setsid();
		ioctl(0, TIOCSCTTY, 0);
	}
	const struct param_strings *words = &world->params.argv;
	char *argv[16] = { NULL };
	for (size_t i = 0; i < words->count && i < 15; i++)
		argv[i] = words->strings[i];
	if (world->params.shell)
		execl("/bin/sh", "sh", "-c", world->params.shell, (char *)NULL);
	else
		execvp(argv[0], argv);
	_exit(127);
}

void world_start(struct world *world, const char *args, const int *fds)
{
	bool opened = world_open(world, args, fds);
	ck_assert_msg(opened, "cannot %s: %s", world->step, strerror(errno));
	world->pid = fork();
	if (world->pid == 0)
		become(world);
	ck_assert_int_gt(world->pid, 0);
	streams_started(world->streams);
}

/* As many steps as there are are not assertions: libcheck writes each down, into a file that a test may limit. */
bool world_step(struct world *world)
{
	struct pollfd entries[STREAMS_POLL_MAX];
	size_t n = streams_poll(world->streams, entries);
	if (n > STREAMS_POLL_MAX)
		ck_abort_msg("%zu entries to poll, of at most %d", n, STREAMS_POLL_MAX);
	if (n == 0)
		return false;
	if (poll(entries, n, PATIENCE_MS) <= 0)
		ck_abort_msg("nothing has come to be moved");
	streams_move(world->streams, entries, n);
	return true;
}

static void must_step(struct world *world)
{
	if (!world_step(world))
		ck_abort_msg("nothing is left to be moved");
}

void world_flow(struct world *world)
{
	while (world_step(world))
		;
}

void world_flow_until(struct world *world, enum capture_stream stream, uint64_t total)
{
	while (world_total(world, stream) < total)
		must_step(world);
}

bool world_is_stalled(struct world *world)
{
	struct pollfd entries[STREAMS_POLL_MAX];
	bool waits = false;
	size_t n = streams_poll(world->streams, entries);
	for (size_t i = 0; i < n; i++)
		waits = waits || (entries[i].events & POLLOUT);
	return waits;
}

void world_flow_until_stalled(struct world *world)
{
	while (!world_is_stalled(world))
		must_step(world);
}

int world_wait(struct world *world)
{
	int status;
	ck_assert_int_eq(waitpid(world->pid, &status, 0), world->pid);
	world->pid = 0;
	return status;
}

int world_run(struct world *world, const char *args, const int *fds)
{
	world_start(world, args, fds);
	world_flow(world);
	return world_wait(world);
}

uint64_t world_total(const struct world *world, enum capture_stream stream)
{
	size_t length;
	uint64_t total;
	(void)capture_data(world->end, stream, &length, &total);
	return total;
}

void world_assert_said(const struct world *world, enum capture_stream stream, const void *data, size_t length)
{
	size_t kept;
	uint64_t total;
	const char *said = capture_data(world->end, stream, &kept, &total);
	ck_assert_uint_eq(total, length);
	ck_assert_uint_eq(kept, length);
	ck_assert_mem_eq(said, data, length);
}

long world_rss(void)
{
	char line[200];
	long size = -1;
	FILE *file = fopen("/proc/self/status", "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld", &size) == 1)
			break;
	fclose(file);
	ck_assert_int_gt(size, 0);
	return size;
}

char *world_folder(void)
{
	char *folder = strdup("/tmp/taskd-streams-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

void world_remove_folder(char *folder)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ck_assert_int_eq(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	closedir(dir);
	ck_assert_int_eq(rmdir(folder), 0);
	free(folder);
}
