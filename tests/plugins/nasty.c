/* Handlers that do to their process whatever a broken one might do, for the tests that show what it costs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <taskd-plugin.h>
#include <time.h>
#include <unistd.h>

/* A whole number that may be left out. */
static int number_or(struct taskd_call *call, size_t index, const char *name, long long initial, long long *value)
{
	*value = initial;
	return taskd_arg_has(call, index, name) ? taskd_arg_int(call, index, name, value) : TASKD_OK;
}

static void pause_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* --- deaths --- */

static int crash(struct taskd_call *call)
{
	long long number;

	if (number_or(call, 0, "signal", SIGSEGV, &number))
		return TASKD_BAD_ARGS;
	if (number != SIGSEGV) {
		raise((int)number);
		return TASKD_OK;
	}
	signal(SIGSEGV, SIG_DFL); /* a sanitizer's own handler would turn it into an exit */
	*(volatile int *)(uintptr_t)8 = 1;
	return TASKD_OK;
}

static int abort_task(struct taskd_call *call)
{
	(void)call;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static int exit_task(struct taskd_call *call)
{
	long long status;

	if (number_or(call, 0, "status", 0, &status))
		return TASKD_BAD_ARGS;
	exit((int)status);
}

/* Takes memory, and uses it, until there is no more. MIB bounds it for pools without a limit. */
static int oom(struct taskd_call *call)
{
	long long mib, taken;
	void *last = NULL;

	if (number_or(call, 0, "mib", 1024, &mib))
		return TASKD_BAD_ARGS;
	for (taken = 0; taken < mib; taken++) {
		void **block = malloc(1 << 20);

		if (!block)
			abort(); /* what most programs do then, one way or another */
		memset(block, 0x5a, 1 << 20);
		*block = last;
		last = block;
	}
	while (last) {
		void *next = *(void **)last;

		free(last);
		last = next;
	}
	return taskd_return_int(call, taken);
}

static int stack(struct taskd_call *call)
{
	volatile char room[4096];

	room[0] = (char)taskd_attempt(call);
	return taskd_attempt(call) ? stack(call) + room[0] : 0;
}

/* --- vandalism --- */

static int close_fds(struct taskd_call *call)
{
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	return taskd_return_bool(call, true);
}

/* Writes over the lanes: all that is mapped of memfds. */
static int scribble(struct taskd_call *call)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[8];
	unsigned long from[64], to[64];
	long long initial, found = 0;

	if (number_or(call, 0, "seed", 1, &initial))
		return TASKD_BAD_ARGS;
	unsigned long long seed = (unsigned long long)initial | 1, random = seed;
	if (!maps)
		return taskd_fail(call, 1, "/proc/self/maps: %s", strerror(errno));
	while (found < 64 && fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:") && sscanf(line, "%lx-%lx %7s", &from[found], &to[found], rights) == 3 &&
			rights[1] == 'w')
			found++;
	fclose(maps);
	for (long long i = 0; i < found; i++)
		for (unsigned char *p = (void *)from[i]; p < (unsigned char *)to[i]; p++)
			*p = (unsigned char)((random = random * 6364136223846793005ULL + seed) >> 56);
	return taskd_return_int(call, found);
}

/* Tells the master over the control socket, for as long as that takes it, of inits that failed. */
static int chatter(struct taskd_call *call)
{
	char text[128];

	for (long long i = 0; !taskd_cancelled(call); i++) {
		int length = snprintf(text, sizeof(text), "{\"init_failed\":{\"slot\":0,\"handler\":\"h%lld\",\"error\":\"%lld\"}}", i, i);

		if (send(3, text, (size_t)length, MSG_NOSIGNAL) < 0)
			return taskd_fail(call, 1, "%s", strerror(errno));
	}
	return TASKD_CANCELLED;
}

static int bad_json(struct taskd_call *call)
{
	return taskd_return_json(call, "{\"a\":", 5);
}

static int bad_string(struct taskd_call *call)
{
	return taskd_return_string(call, "caf\xe9", 4);
}

static int big(struct taskd_call *call)
{
	long long size;
	char *text;
	int code;

	if (taskd_arg_int(call, 0, "bytes", &size) || size < 2)
		return TASKD_BAD_ARGS;
	text = malloc((size_t)size);
	if (!text)
		return taskd_fail(call, 1, "no memory");
	memset(text, 'x', (size_t)size);
	text[0] = text[size - 1] = '"';
	code = taskd_return_json(call, text, (size_t)size);
	free(text);
	return code;
}

static int fail_task(struct taskd_call *call)
{
	long long code;
	const char *message = "as it was told to", *data = NULL;

	if (number_or(call, 0, "code", 1, &code) ||
		(taskd_arg_has(call, 1, "message") && taskd_arg_string(call, 1, "message", &message, NULL)) ||
		(taskd_arg_has(call, 2, "data") && taskd_arg_json(call, 2, "data", &data, NULL)))
		return TASKD_BAD_ARGS;
	return taskd_fail_data(call, (int)code, data, "%s", message);
}

static int even(struct taskd_call *call)
{
	long long n;

	if (taskd_arg_int(call, 0, "n", &n))
		return TASKD_BAD_ARGS;
	return n % 2 ? taskd_fail_data(call, 7, "[1]", "%lld is odd", n) : taskd_return_int(call, n);
}

/* --- time --- */

static int spin(struct taskd_call *call)
{
	volatile unsigned long turns = 0;

	(void)call;
	do
		turns++;
	while (turns);
	return TASKD_OK;
}

/* Ignores that it was cancelled, for SECONDS. */
static int stubborn(struct taskd_call *call)
{
	double seconds;

	if (taskd_arg_number(call, 0, "seconds", &seconds))
		return TASKD_BAD_ARGS;
	pause_ms((long)(seconds * 1000));
	return taskd_return_string(call, "slept", 5);
}

/* Uses a CPU for so many milliseconds of its own time, unless cancelled. */
static int slow(struct taskd_call *call)
{
	struct timespec now;
	double begin, ms;

	if (taskd_arg_number(call, 0, "ms", &ms))
		return TASKD_BAD_ARGS;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	begin = (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
	do {
		if (taskd_cancelled(call))
			return TASKD_CANCELLED;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6 - begin < ms);
	return taskd_return_null(call);
}

/* Reports STEPS times, with STEP_MS between. */
static int progress(struct taskd_call *call)
{
	long long steps, step_ms;
	char text[64];

	if (number_or(call, 0, "steps", 4, &steps) || number_or(call, 1, "step_ms", 15, &step_ms))
		return TASKD_BAD_ARGS;
	for (long long i = 1; i <= steps; i++) {
		if (taskd_cancelled(call))
			return TASKD_CANCELLED;
		snprintf(text, sizeof(text), "step %lld of %lld", i, steps);
		taskd_progress(call, (double)i / (double)steps, text);
		pause_ms((long)step_ms);
	}
	return taskd_return_int(call, steps);
}

/* --- what a task sees --- */

static int pid(struct taskd_call *call)
{
	return taskd_return_int(call, getpid());
}

/* A child that stays; its pid. */
static int leave_child(struct taskd_call *call)
{
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	return taskd_return_int(call, child);
}

static int thread_id(struct taskd_call *call)
{
	return taskd_return_int(call, syscall(SYS_gettid));
}

static int env(struct taskd_call *call)
{
	const char *name, *value;

	if (taskd_arg_string(call, 0, "name", &name, NULL))
		return TASKD_BAD_ARGS;
	value = getenv(name);
	return value ? taskd_return_string(call, value, strlen(value)) : taskd_return_null(call);
}

static int fds(struct taskd_call *call)
{
	DIR *dir = opendir("/proc/self/fd");
	long long count = 0;

	if (!dir)
		return taskd_fail(call, 1, "/proc/self/fd: %s", strerror(errno));
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return taskd_return_int(call, count - 1); /* without the directory's own */
}

static int about(struct taskd_call *call)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"id\":%llu,\n \"attempt\":%u,\n \"deadline\":%s}",
		(unsigned long long)taskd_task_id(call), taskd_attempt(call), taskd_deadline_ns(call) ? "true" : "false");

	return taskd_return_json(call, text, (size_t)length);
}

/* --- classes --- */

static int initfail_init(void **state, char *error, size_t size)
{
	(void)state;
	snprintf(error, size, "the model is not there");
	return -1;
}

/* Leaves a line in the file that NASTY_FINI names, so that a test sees that it was called. */
static int tidy_init(void **state, char *error, size_t size)
{
	(void)error;
	(void)size;
	*state = getenv("NASTY_FINI");
	return 0;
}

static int tidy_run(struct taskd_call *call)
{
	return taskd_return_bool(call, taskd_state(call) != NULL);
}

static void tidy_fini(void *state)
{
	FILE *file = state ? fopen(state, "a") : NULL;

	if (!file)
		return;
	fputs("fini\n", file);
	fclose(file);
}

/* Whether the folder that NASTY_FLAGS names has a file NAME. */
static bool flag(const char *name)
{
	const char *folder = getenv("NASTY_FLAGS");
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "/nonexistent", name);
	return access(path, F_OK) == 0;
}

static int hanging_init(void **state, char *error, size_t size)
{
	(void)state;
	(void)error;
	(void)size;
	if (flag("init"))
		for (;;)
			pause_ms(1000);
	return 0;
}

static void hanging_fini(void *state)
{
	(void)state;
	while (flag("fini"))
		pause_ms(1000);
}

/* --- what must not be two --- */

/* One of PLACES files PATH.0, …, that nobody else has: the kernel's locks, which go with their process however it dies. */
static int find_place(const char *path, long long places)
{
	char name[256];

	for (long long i = 0; i < places; i++) {
		snprintf(name, sizeof(name), "%s.%lld", path, i);
		int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* Fails where as many are there as there may be. */
static int alone(struct taskd_call *call)
{
	long long places, us;
	const char *path;
	size_t length;

	if (taskd_arg_string(call, 0, "path", &path, &length) || number_or(call, 1, "places", 1, &places) ||
		number_or(call, 2, "us", 1000, &us))
		return TASKD_BAD_ARGS;
	int fd = find_place(path, places);
	if (fd < 0)
		return taskd_fail(call, 1, "somebody else is there");
	struct timespec left = { .tv_nsec = us * 1000 };
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	close(fd);
	return taskd_return_null(call);
}

static const struct taskd_handler handlers[] = {
	{ .name = "crash", .run = crash, .parameters = "signal:int?" },
	{ .name = "abort", .run = abort_task },
	{ .name = "exit", .run = exit_task, .parameters = "status:int?" },
	{ .name = "oom", .run = oom, .parameters = "mib:int?" },
	{ .name = "stack", .run = stack },
	{ .name = "close_fds", .run = close_fds },
	{ .name = "scribble", .run = scribble, .parameters = "seed:int?" },
	{ .name = "chatter", .run = chatter },
	{ .name = "bad_json", .run = bad_json },
	{ .name = "bad_string", .run = bad_string },
	{ .name = "big", .run = big, .parameters = "bytes:int" },
	{ .name = "fail", .run = fail_task, .parameters = "code:int? message:string? data:any?" },
	{ .name = "even", .run = even, .parameters = "n:int" },
	{ .name = "spin", .run = spin },
	{ .name = "stubborn", .run = stubborn, .parameters = "seconds:number" },
	{ .name = "slow", .run = slow, .parameters = "ms:number" },
	{ .name = "progress", .run = progress, .parameters = "steps:int? step_ms:int?" },
	{ .name = "pid", .run = pid },
	{ .name = "leave_child", .run = leave_child },
	{ .name = "thread_id", .run = thread_id },
	{ .name = "env", .run = env, .parameters = "name:string" },
	{ .name = "fds", .run = fds },
	{ .name = "about", .run = about },
	{ .name = "hanging", .run = pid, .init = hanging_init, .fini = hanging_fini },
	{ .name = "initfail", .init = initfail_init, .run = pid },
	{ .name = "alone", .run = alone, .parameters = "path:string places:int? us:int?" },
	{ .name = "tidy", .init = tidy_init, .run = tidy_run, .fini = tidy_fini },
	{ 0 },
};
TASKD_PLUGIN(handlers)
