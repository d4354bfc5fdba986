/* Handlers that show what becomes of a task: which attempt this is, in which order they start, until when they wait. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <taskd-plugin.h>
#include <time.h>
#include <unistd.h>

/* Fails so many TIMES; then which attempt it took. */
static int flaky(struct taskd_call *call)
{
	long long times;

	if (taskd_arg_int(call, 0, "times", &times))
		return TASKD_BAD_ARGS;
	if (taskd_attempt(call) <= times)
		return taskd_fail(call, (int)taskd_attempt(call), "attempt %u is to fail", taskd_attempt(call));
	return taskd_return_int(call, taskd_attempt(call));
}

/* Kills its worker so many TIMES; then which attempt it took. */
static int deadly(struct taskd_call *call)
{
	long long times;

	if (taskd_arg_int(call, 0, "times", &times))
		return TASKD_BAD_ARGS;
	if (taskd_attempt(call) <= times)
		raise(SIGKILL);
	return taskd_return_int(call, taskd_attempt(call));
}

/* The how manieth it is that this process runs, from 1 on. */
static int count(struct taskd_call *call)
{
	static atomic_llong counter;

	return taskd_return_int(call, atomic_fetch_add(&counter, 1) + 1);
}

/* Waits until there is a file PATH, or until it is cancelled. */
static int gate(struct taskd_call *call)
{
	const char *path;

	if (taskd_arg_string(call, 0, "path", &path, NULL))
		return TASKD_BAD_ARGS;
	while (access(path, F_OK) < 0) {
		struct timespec step = { .tv_nsec = 1000000 };

		if (taskd_cancelled(call))
			return TASKD_CANCELLED;
		nanosleep(&step, NULL);
	}
	return taskd_return_null(call);
}

/* When it ran, by the monotonic clock, in ns. */
static int moment(struct taskd_call *call)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return taskd_return_int(call, now.tv_sec * 1000000000LL + now.tv_nsec);
}

/* What no other run gives: by which process, when, and the how manieth of it. */
static int stamp(struct taskd_call *call)
{
	static atomic_llong counter;
	struct timespec now;
	char text[96];

	clock_gettime(CLOCK_MONOTONIC, &now);
	int length = snprintf(text, sizeof(text), "%d.%lld.%lld", (int)getpid(), now.tv_sec * 1000000000LL + now.tv_nsec,
		atomic_fetch_add(&counter, 1));
	return taskd_return_string(call, text, (size_t)length);
}

/* Adds a line to the file PATH: one run. */
static int leave_mark(struct taskd_call *call)
{
	const char *path;
	FILE *file;

	if (taskd_arg_string(call, 0, "path", &path, NULL))
		return TASKD_BAD_ARGS;
	file = fopen(path, "a");
	if (!file)
		return taskd_fail(call, errno, "cannot write %s", path);
	fprintf(file, "%llu %u\n", (unsigned long long)taskd_task_id(call), taskd_attempt(call));
	fclose(file);
	return taskd_return_int(call, taskd_attempt(call));
}

static const struct taskd_handler handlers[] = {
	{ .name = "flaky", .run = flaky, .parameters = "times:int" },
	{ .name = "deadly", .run = deadly, .parameters = "times:int" },
	{ .name = "count", .run = count },
	{ .name = "gate", .run = gate, .parameters = "path:string" },
	{ .name = "moment", .run = moment },
	{ .name = "stamp", .run = stamp },
	{ .name = "mark", .run = leave_mark, .parameters = "path:string" },
	{ 0 },
};
TASKD_PLUGIN(handlers)
