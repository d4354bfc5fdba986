/* Handlers that tell what they can do where they are. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <taskd-plugin.h>
#include <unistd.h>

/* As this object was loaded, which is before any handler ran: 0, or an errno. */
static int execute_at_load = -1;

static int outcome_of(long result)
{
	return result < 0 ? errno : 0;
}

static int try_execute(void)
{
	char *argv[] = { "/nosuch", NULL };

	return outcome_of(execve(argv[0], argv, NULL));
}

static void __attribute__((constructor)) loaded(void)
{
	execute_at_load = try_execute();
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : outcome_of(waitpid(pid, NULL, 0));
}

static int try_at_load(void)
{
	return execute_at_load;
}

static int try_ptrace(void)
{
	return outcome_of(ptrace(PTRACE_ATTACH, 1, NULL, NULL));
}

static int try_mount(void)
{
	return outcome_of(mount("none", "/proc/nosuch", "tmpfs", 0, NULL));
}

static int try_internet(void)
{
	return outcome_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int try_unix(void)
{
	return outcome_of(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

/* The name of what came of one try: "OK", "EPERM", … */
static int tries(struct taskd_call *call)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} all[] = { { "execve", try_execute }, { "execve-at-load", try_at_load }, { "fork", try_fork }, { "ptrace", try_ptrace },
		{ "mount", try_mount }, { "internet", try_internet }, { "unix", try_unix } };
	const char *name, *outcome;
	int error;

	if (taskd_arg_string(call, 0, "name", &name, NULL) != 0)
		return TASKD_BAD_ARGS;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(name, all[i].name) == 0) {
			error = all[i].run();
			outcome = error ? strerrorname_np(error) : "OK";
			return taskd_return_string(call, outcome, strlen(outcome));
		}
	return taskd_fail(call, 1, "nobody knows %s", name);
}

/* What opening a file comes to. */
static int opens(struct taskd_call *call)
{
	const char *path, *outcome = "OK";
	bool write = false;
	int fd;

	if (taskd_arg_string(call, 0, "path", &path, NULL) != 0 ||
		(taskd_arg_has(call, 1, "write") && taskd_arg_bool(call, 1, "write", &write) != 0))
		return TASKD_BAD_ARGS;
	fd = open(path, (write ? O_WRONLY | O_CREAT : O_RDONLY) | O_CLOEXEC, 0600);
	if (fd < 0)
		outcome = strerrorname_np(errno);
	else
		close(fd);
	return taskd_return_string(call, outcome, strlen(outcome));
}

/* The value of a line of /proc/self/status. */
static int status(struct taskd_call *call)
{
	char line[256];
	const char *name;
	size_t length;
	FILE *file;
	int code = -1;

	if (taskd_arg_string(call, 0, "name", &name, &length) != 0)
		return TASKD_BAD_ARGS;
	file = fopen("/proc/self/status", "re");
	while (file && code < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			code = taskd_return_string(call, line + length + 2, strcspn(line + length + 2, "\t\n"));
	if (file)
		fclose(file);
	return code < 0 ? taskd_fail(call, 1, "no such line") : code;
}

/* Where it is; "TMPDIR" says something else. */
static int where(struct taskd_call *call)
{
	char here[4096], text[8300];
	const char *tmpdir = getenv("TMPDIR");

	if (!getcwd(here, sizeof(here)))
		return taskd_fail(call, 1, "nowhere");
	snprintf(text, sizeof(text), "%s%s%s", here, tmpdir && strcmp(tmpdir, here) == 0 ? "" : " ",
		tmpdir && strcmp(tmpdir, here) == 0 ? "" : "TMPDIR is another");
	return taskd_return_string(call, text, strlen(text));
}

/* Its process. */
static int pid(struct taskd_call *call)
{
	return taskd_return_int(call, getpid());
}

static const struct taskd_handler handlers[] = {
	{ .name = "tries", .run = tries },
	{ .name = "opens", .run = opens },
	{ .name = "status", .run = status },
	{ .name = "where", .run = where },
	{ .name = "pid", .run = pid },
	{ .name = NULL },
};
TASKD_PLUGIN(handlers)
