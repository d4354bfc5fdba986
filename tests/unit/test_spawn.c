/* What a child is given, and what it is not. */
#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs SCRIPT with FDS. Its exit status. */
static int run(const char *script, const int *fds, size_t n_fds, const char *variable)
{
	char *argv[] = { (char *)"title", (char *)"-c", (char *)(uintptr_t)script, NULL };
	const struct spawn spawn = {
		.path = "/bin/sh", .argv = argv, .fds = fds, .n_fds = n_fds, .variable = variable
	};
	int status, pid = spawn_child(&spawn);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A pipe that has TEXT in it, at descriptor AT. */
static int pipe_with(const char *text, int at)
{
	int fds[2];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
	close(fds[1]);
	if (fds[0] != at) {
		ck_assert_int_eq(dup3(fds[0], at, O_CLOEXEC), at);
		close(fds[0]);
	}
	return at;
}

START_TEST(descriptors_arrive_in_their_places_wherever_they_were)
{
	static const int places[][3] = { { 3, 4, 5 }, { 5, 3, 4 }, { 4, 3, 20 }, { 30, 5, 3 }, { 50, 40, 60 } };
	const int *at = places[_i];
	/* What the test itself has open there, a log, say, has to go on being there. */
	int kept[3];
	for (int i = 0; i < 3; i++)
		kept[i] = fcntl(3 + i, F_DUPFD_CLOEXEC, 200);
	const int fds[] = { pipe_with("one\n", at[0]), pipe_with("two\n", at[1]), pipe_with("three\n", at[2]) };
	ck_assert_int_eq(run("read a <&3; read b <&4; read c <&5; test $a$b$c = onetwothree", fds, 3, NULL), 0);
	for (int i = 0; i < 3; i++) {
		/* They are still this process's. */
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	for (int i = 0; i < 3; i++)
		if (kept[i] >= 0) {
			dup3(kept[i], 3 + i, O_CLOEXEC);
			close(kept[i]);
		}
}
END_TEST

START_TEST(nothing_else_is_open)
{
	int null = open("/dev/null", O_RDWR); /* not CLOEXEC */
	int high = fcntl(null, F_DUPFD, 100);
	const int fds[] = { null, -1, null };
	ck_assert_int_eq(high, 100);
	ck_assert_int_eq(run("test -e /proc/$$/fd/3 && test -e /proc/$$/fd/5 || exit 1\n"
			     "for fd in 4 6 7 8 9 100; do test ! -e /proc/$$/fd/$fd || exit $fd; done",
				 fds, 3, NULL),
		0);
	close(null);
	close(high);
}
END_TEST

START_TEST(environment_has_nothing_of_this_process_alone)
{
	static const char *const ours[] = { "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID",
		"LISTEN_FDS", "LISTEN_FDNAMES", "TASKD_WORKER", "TASKD_STORE", "TASKD_TASK_ID", "TASKD_ATTEMPT",
		"TASKD_SLOT" };
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		setenv(ours[i], "1", 1);
	setenv("TASKD_SOCKET", "before", 1);
	setenv("TASKD_OTHER", "other", 1);
	ck_assert_int_eq(
		run("test $TASKD_SOCKET = now && test $TASKD_OTHER = other &&"
		    "! env | grep -qE '^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|TASKD_(WORKER|STORE|TASK_ID|ATTEMPT|SLOT)=)'",
			NULL, 0, "TASKD_SOCKET=now"),
		0);
	ck_assert_int_eq(run("test $TASKD_SOCKET = before", NULL, 0, NULL), 0);
}
END_TEST

START_TEST(signals_are_as_a_child_wants_them)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* But for 32 and 33, which are the libc's own. */
	ck_assert_int_eq(run("while read name value; do case $name$value in\n"
			     "SigBlk:0000000000000000|SigIgn:0000000[01][08]0000000) ;;\n"
			     "SigBlk:*|SigIgn:*) exit 1;; esac; done </proc/$$/status",
				 NULL, 0, NULL),
		0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}
END_TEST

START_TEST(what_is_not_there_is_an_error)
{
	char *argv[] = { (char *)"none", NULL };
	const struct spawn spawn = { .path = "/nonexistent/none", .argv = argv };
	ck_assert_int_eq(spawn_child(&spawn), -ENOENT);
}
END_TEST

START_TEST(program_is_found_by_its_variable_or_beside_or_in_libexec)
{
	setenv("TASKD_STORE", "/some/where", 1);
	char *path = spawn_find("TASKD_STORE", "taskd-store");
	ck_assert_str_eq(path, "/some/where");
	free(path);
	setenv("TASKD_STORE", "", 1);
	path = spawn_find("TASKD_STORE", "taskd-no-such-program");
	ck_assert_str_eq(path, LIBEXECDIR "/taskd/taskd-no-such-program");
	free(path);
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	ck_assert_int_gt(length, 0);
	self[length] = '\0';
	path = spawn_find("TASKD_STORE", strrchr(self, '/') + 1);
	ck_assert_str_eq(path, self);
	free(path);
	unsetenv("TASKD_STORE");
}
END_TEST

/* --- the same by spawners --- */

static const char *const programs[] = { "/bin/sh", "/nonexistent/none" };

static void start_spawners(void)
{
	const struct spawn_rules rules = { .programs = programs, .n_programs = 2 };
	int low[20];
	/* The first numbers are the tests' own. */
	for (size_t i = 0; i < 20; i++)
		low[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(spawners_start(&rules), 0);
	for (size_t i = 0; i < 20; i++)
		close(low[i]);
	log_set_level(LOG_LEVEL_WARNING); /* every death is told of */
}

static void stop_spawners(void)
{
	spawners_stop();
	ck_assert(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

START_TEST(spawners_start_what_they_were_told_of_and_nothing_else)
{
	char *argv[] = { (char *)"true", NULL };
	const struct spawn other = { .path = "/bin/true", .argv = argv };
	const struct spawn user = { .path = "/bin/sh", .argv = argv, .as_other = true, .uid = 65533 };
	ck_assert_int_eq(spawn_child(&other), -EPERM);
	ck_assert_int_eq(spawn_child(&user), -EPERM);
	ck_assert_int_eq(run("exit 9", NULL, 0, NULL), 9);
}
END_TEST

START_TEST(who_may_be_whom_goes_by_the_capabilities_too)
{
	const gid_t groups[] = { 0 };
	const struct spawn_user users[] = {
		{ .uid = 0, .groups = groups, .n_groups = 1, .capabilities = 0xc0, .name = "root" },
		{ .uid = 65534, .groups = groups, .n_groups = 1, .name = "nobody" },
	};
	const struct spawn_rules rules = { .programs = programs, .n_programs = 2, .users = users, .n_users = 2 };
	stop_spawners();
	ck_assert_int_eq(spawners_start(&rules), 0);
	ck_assert(spawners_may_be(0, 0xc0) && spawners_may_be(65534, 0));
	ck_assert(!spawners_may_be(0, 0x80) && !spawners_may_be(0, 0) && !spawners_may_be(65534, 0xc0));
	ck_assert(!spawners_may_be(65533, 0));
}
END_TEST

/* The spawners among this process's children; how many. */
static size_t find_spawners(int *pids, size_t room)
{
	char path[64];
	size_t n = 0;
	int pid;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *list = fopen(path, "re");
	ck_assert_ptr_nonnull(list);
	while (n < room && fscanf(list, "%d", &pid) == 1)
		if (spawners_include(pid))
			pids[n++] = pid;
	fclose(list);
	return n;
}

/* There may be a pause before. */
static void await_two(int *pids)
{
	while (find_spawners(pids, 4) < 2 && !spawners_lost())
		if (clock_mono_ns() >= spawners_next_ns())
			spawners_timer();
	ck_assert_uint_eq(find_spawners(pids, 4), 2);
}

/* Kills one, or both, and tells of it as whoever reaps children does. */
static void kill_spawners(size_t how_many)
{
	int pids[4];
	await_two(pids);
	for (size_t i = 0; i < how_many; i++)
		kill(pids[i], SIGKILL);
	for (size_t i = 0; i < how_many; i++) {
		ck_assert(spawners_include(pids[i]));
		ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
		ck_assert(spawners_reaped(pids[i]));
		ck_assert(!spawners_include(pids[i]));
	}
}

START_TEST(one_spawner_s_death_is_mended_by_the_other)
{
	for (int i = 0; i < 100; i++) {
		kill_spawners(1);
		ck_assert(!spawners_lost());
		ck_assert_int_eq(run("exit 3", NULL, 0, NULL), 3);
	}
	int pids[4];
	ck_assert_uint_eq(find_spawners(pids, 4), 2);
	ck_assert(!spawners_reaped(1));
}
END_TEST

#define KILLING_NS (600 * NS_PER_S)

/* Whoever kills them, or whatever they die of: one that is of no use before is not started over and over. */
START_TEST(one_that_dies_young_again_and_again_is_started_with_pauses)
{
	int pids[4], last = 0, starts = 0;
	int64_t longest_ns = 0;
	clock_fake(NS_PER_S, 0);
	log_set_level(LOG_LEVEL_ERROR);
	const int64_t end_ns = clock_mono_ns() + KILLING_NS;
	while (clock_mono_ns() < end_ns) {
		ck_assert_uint_eq(find_spawners(pids, 4), 2);
		last = pids[1] > pids[0] ? pids[1] : pids[0]; /* the other one does something: it starts this one's successor */
		kill(last, SIGKILL);
		ck_assert_int_eq(waitpid(last, NULL, 0), last);
		ck_assert(spawners_reaped(last));
		ck_assert_int_le(++starts, 21);
		if (spawners_next_ns() == CLOCK_NEVER)
			continue;
		int64_t pause_ns = spawners_next_ns() - clock_mono_ns();
		clock_fake_advance(pause_ns - 1, 0);
		spawners_timer();
		ck_assert_uint_eq(find_spawners(pids, 4), 1); /* not before */
		clock_fake_advance(1, 0);
		spawners_timer();
		longest_ns = pause_ns > longest_ns ? pause_ns : longest_ns;
	}
	ck_assert_int_eq(spawners_next_ns(), CLOCK_NEVER);
	printf("%d starts in %.0f s\n", starts, (double)KILLING_NS / 1e9);
	ck_assert_int_eq(longest_ns, 60 * NS_PER_S);
	/* One that was of use has its successor at once. */
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(run("exit 3", NULL, 0, NULL), 3);
	kill_spawners(1);
	ck_assert_uint_eq(find_spawners(pids, 4), 2);
	clock_fake_end();
}
END_TEST

START_TEST(without_any_spawner_nothing_is_started)
{
	char *argv[] = { (char *)"sh", NULL };
	const struct spawn spawn = { .path = "/bin/sh", .argv = argv };
	kill_spawners(2);
	ck_assert(spawners_lost());
	ck_assert_int_eq(spawn_child(&spawn), -EPIPE);
}
END_TEST

/* One that was killed while it was asked: nobody knows. One that was dead before: the other does it. */
START_TEST(no_child_comes_twice_when_spawners_are_killed_at_any_moment)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 0", NULL };
	const struct spawn spawn = { .path = "/bin/sh", .argv = argv };
	int pids[4], known = 0, unknown = 0, reaped = 0, wrong = 0;
	for (int i = 0; i < 200; i++) {
		await_two(pids);
		int killer = fork();
		if (killer == 0) {
			for (volatile int wait = 0; wait < i * 2000; wait++)
				;
			kill(pids[i % 2], SIGKILL);
			_exit(0);
		}
		int pid = spawn_child(&spawn);
		known += pid > 0;
		unknown += pid == -ECONNRESET;
		wrong += pid <= 0 && pid != -ECONNRESET;
		ck_assert_int_eq(waitpid(killer, NULL, 0), killer);
		ck_assert_int_eq(waitpid(pids[i % 2], NULL, 0), pids[i % 2]);
		spawners_reaped(pids[i % 2]);
		if (pid > 0)
			reaped += waitpid(pid, NULL, 0) == pid;
		ck_assert(!spawners_lost());
	}
	spawners_stop();
	int left = 0;
	while (waitpid(-1, NULL, 0) > 0)
		left++;
	printf("200 spawners were killed: %d children came, of %d nothing was known, and %d of these had come\n", known, unknown,
		left);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_eq(reaped, known);
	ck_assert_int_le(left, unknown);
}
END_TEST

int main(void)
{
	setenv("TASKD_SPAWN", "./taskd-spawn", 0);
	Suite *suite = suite_create("spawn");
	TCase *tcase = tcase_create("spawn");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, descriptors_arrive_in_their_places_wherever_they_were, 0, 5);
	tcase_add_test(tcase, nothing_else_is_open);
	tcase_add_test(tcase, environment_has_nothing_of_this_process_alone);
	tcase_add_test(tcase, signals_are_as_a_child_wants_them);
	tcase_add_test(tcase, what_is_not_there_is_an_error);
	tcase_add_test(tcase, program_is_found_by_its_variable_or_beside_or_in_libexec);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("spawners");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start_spawners, stop_spawners);
	tcase_add_loop_test(tcase, descriptors_arrive_in_their_places_wherever_they_were, 0, 5);
	tcase_add_test(tcase, nothing_else_is_open);
	tcase_add_test(tcase, signals_are_as_a_child_wants_them);
	tcase_add_test(tcase, what_is_not_there_is_an_error);
	tcase_add_test(tcase, spawners_start_what_they_were_told_of_and_nothing_else);
	tcase_add_test(tcase, who_may_be_whom_goes_by_the_capabilities_too);
	tcase_add_test(tcase, one_spawner_s_death_is_mended_by_the_other);
	tcase_add_test(tcase, one_that_dies_young_again_and_again_is_started_with_pauses);
	tcase_add_test(tcase, without_any_spawner_nothing_is_started);
	tcase_add_test(tcase, no_child_comes_twice_when_spawners_are_killed_at_any_moment);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
