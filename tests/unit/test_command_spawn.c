/* command_spawn: what a program finds when it starts, and what is told where it does not. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/command.h"


static struct command_params params;
static struct command_start start;
static char path_variable[] = "PATH=/usr/bin:/bin", one_variable[] = "ONE=1", sh[] = "sh", c[] = "-c";
static char *argv[] = { sh, c, NULL, NULL };
static char *environment[] = { path_variable, one_variable, NULL };
static int fds[3], output, pid;
static const char *step;
static char said[8192];

static void set_up(void)
{
	int pair[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	output = pair[0];
	fds[0] = null;
	fds[1] = fds[2] = pair[1];
	params = (struct command_params){ .limit_memory = -1,
		.limit_processes = -1,
		.limit_cpu = -1,
		.limit_files = -1,
		.limit_core = -1,
		.limit_file_size = -1 };
	start = (struct command_start){ .argv = argv,
		.environment = environment,
		.program = "/bin/sh",
		.fds = fds,
		.umask = 022,
		.limits = &params,
		.cgroup_fd = -1 };
}

static void tear_down(void)
{
	ck_assert(tree_is_empty());
}

static int spawn(const char *line)
{
	argv[2] = (char *)(uintptr_t)line;
	return command_spawn(&start, &pid, &step);
}

/* All that LINE says, and its wait status. */
static int run(const char *line)
{
	int status;
	size_t length = 0;
	ck_assert_msg(spawn(line) == 0, "%s: %s", step, strerror(errno));
	close(fds[1]);
	for (ssize_t n; (n = read(output, said + length, sizeof(said) - 1 - length)) > 0;)
		length += (size_t)n;
	said[length] = '\0';
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void ck_says(const char *line, const char *text)
{
	ck_assert_int_eq(run(line), 0);
	ck_assert_str_eq(said, text);
}

START_TEST(it_has_its_environment_and_its_directory)
{
	start.cwd = "/usr";
	ck_says("echo $ONE; pwd; umask", "1\n/usr\n0022\n");
}
END_TEST

START_TEST(it_is_in_the_root_where_nothing_is_said)
{
	start.umask = 077;
	ck_says("pwd; umask", "/\n0077\n");
}
END_TEST

START_TEST(it_has_three_descriptors)
{
	int more = dup(output);
	ck_assert_int_eq(fcntl(more, F_SETFD, 0), 0); /* one that would be inherited */
	ck_says("for i in /proc/self/fd/*; do [ -e $i ] && echo ${i##*/}; done; echo", "0\n1\n2\n\n");
	close(more);
}
END_TEST

/* Also those whose numbers are each other's places. */
START_TEST(its_descriptors_may_be_anywhere)
{
	int saved[3];
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	dup2(fds[0], 2);
	dup2(fds[1], 0);
	dup2(fds[1], 1);
	const int turned[] = { 2, 0, 1 };
	start.fds = turned;
	int status = spawn("read x || echo empty; echo more >&2");
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	ck_assert_int_eq(status, 0);
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(read(output, said, sizeof(said)), 11);
	ck_assert_mem_eq(said, "empty\nmore\n", 11);
}
END_TEST

START_TEST(it_heads_a_process_group)
{
	char wanted[64];
	ck_assert_int_eq(run("echo $$; cut -d ' ' -f 5,6 /proc/$$/stat"), 0);
	snprintf(wanted, sizeof(wanted), "%d\n%d %d\n", pid, pid, (int)getsid(0));
	ck_assert_str_eq(said, wanted);
}
END_TEST

START_TEST(signals_are_as_new)
{
	sigset_t all, before;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	ck_says("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'",
		"SigBlk:0000000000000000\nSigIgn:0000000000000000\n");
	sigset_t now;
	sigprocmask(SIG_SETMASK, &before, &now);
	ck_assert_int_eq(sigismember(&now, SIGUSR2), 1); /* the caller's own mask is as it was */
}
END_TEST

START_TEST(it_has_its_limits)
{
	struct rlimit core;
	char wanted[64];
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0); /* the hard limit is 0 here and there */
	params.limit_files = 20;
	params.limit_core = 4096;
	params.limit_file_size = 8192;
	params.limit_cpu = 1500 * NS_PER_MS;
	params.limit_memory = INT64_C(1) << 30;
	params.limit_processes = 77;
	snprintf(wanted, sizeof(wanted), "20\n%d\n16\n2\n3\n1048576\n77\n",
		core.rlim_max < 4096 ? (int)core.rlim_max / 512 : 8);
	ck_says("ulimit -n; ulimit -c; ulimit -f; ulimit -t; ulimit -H -t; ulimit -v; ulimit -p", wanted);
}
END_TEST

START_TEST(a_cgroup_takes_the_place_of_some_limits)
{
	struct rlimit now;
	char wanted[64];
	ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &now), 0);
	params.limit_memory = INT64_C(1) << 30;
	params.limit_processes = 77;
	start.cgroup_limits = true;
	snprintf(wanted, sizeof(wanted),
		now.rlim_cur == RLIM_INFINITY ? "unlimited\nunlimited\n0\n" : "unlimited\n%llu\n0\n",
		(unsigned long long)now.rlim_cur);
	ck_says("ulimit -v; ulimit -p; ulimit -c", wanted);
}
END_TEST

START_TEST(a_limit_above_the_hard_limit_is_the_hard_limit)
{
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_cur = 50, .rlim_max = 60 }), 0);
	params.limit_files = 1000;
	ck_says("ulimit -n", "60\n");
}
END_TEST

START_TEST(it_stands_back)
{
	char wanted[16];
	start.nice = 3;
	int nice = getpriority(PRIO_PROCESS, 0) + 3;
	snprintf(wanted, sizeof(wanted), "%d\n", nice < 19 ? nice : 19);
	ck_says("cut -d ' ' -f 19 /proc/self/stat", wanted);
}
END_TEST

START_TEST(its_terminal_is_its_own)
{
	int master, slave;
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	const int terminal[] = { slave, fds[1], fds[2] };
	char wanted[64];
	start.fds = terminal;
	start.tty = true;
	ck_assert_int_eq(run("exec 3</dev/tty && echo open; cut -d ' ' -f 5,6 /proc/$$/stat"), 0);
	snprintf(wanted, sizeof(wanted), "open\n%d %d\n", pid, pid);
	ck_assert_str_eq(said, wanted);
	close(master);
	close(slave);
}
END_TEST

/* --- where it does not start --- */

static void ck_refused(const char *what, int error)
{
	ck_assert_int_eq(spawn("exit 0"), -1);
	ck_assert_int_eq(errno, error);
	ck_assert_str_eq(step, what);
	ck_assert_int_eq(pid, -1);
	ck_assert(tree_is_empty());
}

START_TEST(it_says_what_could_not_be_done)
{
	start.cwd = "/nosuch";
	ck_refused("change to the directory", ENOENT);
	start.cwd = "/etc/passwd";
	ck_refused("change to the directory", ENOTDIR);
	start.cwd = NULL;
	start.program = "/nosuch";
	ck_refused("execute", ENOENT);
	start.program = "/etc/passwd";
	ck_refused("execute", EACCES);
	start.program = "/bin/sh";
	start.cgroup_fd = fds[0];
	ck_refused("join its cgroup", ENOTDIR);
	start.cgroup_fd = -1;
	start.tty = true;
	ck_refused("take its terminal", ENOTTY);
	start.tty = false;
	const int closed[] = { 1000, 1000, 1000 };
	start.fds = closed;
	ck_refused("place its descriptors", EBADF);
	start.fds = fds;
	ck_says("echo fine", "fine\n");
}
END_TEST

START_TEST(a_relative_program_is_found_from_its_directory)
{
	char directory[] = "/tmp/taskd-spawn-XXXXXX", path[64];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/it", directory);
	ck_assert_int_eq(symlink("/bin/sh", path), 0);
	start.cwd = directory;
	start.program = "./it";
	ck_says("echo here", "here\n");
	unlink(path);
	rmdir(directory);
}
END_TEST

/* The tie is to the thread that started it, which in a worker is the slot's. */
START_TEST(it_dies_with_its_parent)
{
	int pair[2], child, status;
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid_t parent = fork();
	if (parent == 0) {
		if (spawn("exec sleep 1000") == 0)
			(void)!write(pair[1], &pid, sizeof(pid));
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(pair[0], &child, sizeof(child)), sizeof(child));
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_spawn");
	TCase *tests = tcase_create("spawn");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_has_its_environment_and_its_directory);
	tcase_add_test(tests, it_is_in_the_root_where_nothing_is_said);
	tcase_add_test(tests, it_has_three_descriptors);
	tcase_add_test(tests, its_descriptors_may_be_anywhere);
	tcase_add_test(tests, it_heads_a_process_group);
	tcase_add_test(tests, signals_are_as_new);
	tcase_add_test(tests, it_has_its_limits);
	tcase_add_test(tests, a_cgroup_takes_the_place_of_some_limits);
	tcase_add_test(tests, a_limit_above_the_hard_limit_is_the_hard_limit);
	tcase_add_test(tests, it_stands_back);
	tcase_add_test(tests, its_terminal_is_its_own);
	tcase_add_test(tests, it_says_what_could_not_be_done);
	tcase_add_test(tests, a_relative_program_is_found_from_its_directory);
	tcase_add_test(tests, it_dies_with_its_parent);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
