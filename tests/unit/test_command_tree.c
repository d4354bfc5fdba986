/* The tree of processes below this one: who belongs to it, that nobody gets away, and that all are collected. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command_world.h"

#define NOBODY 65534
#define QUOTA 60

static void set_up(void)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert(tree_is_empty());
}

static void __attribute__((noreturn)) wait_for_ever(void)
{
	for (;;)
		pause();
}

static void ck_all_end(void)
{
	WORLD_UNTIL((tree_reap(0), tree_is_empty()))
	ck_assert_uint_eq(tree_signal(0), 0);
}

/* N generations, each the child of the one before; the pids of all in PIDS. In between some die, so that what they
 * leave becomes ours. */
static void beget(int *pids, int n)
{
	for (int i = 0; i < n; i++) {
		if (fork() != 0) {
			if (i % 3 == 1)
				_exit(0);
			wait_for_ever();
		}
		pids[i] = getpid();
	}
	wait_for_ever();
}

START_TEST(all_generations_are_found)
{
	enum { N = 10 };
	int *pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fork() == 0)
		beget(pids, N);
	WORLD_UNTIL(((volatile int *)pids)[N - 1] != 0)
	ck_assert(!tree_is_empty());
	/* Those that end on the way are collected, the others stay. */
	WORLD_UNTIL((tree_reap(0), tree_signal(0) == 1 + N - 3))
	ck_assert_uint_eq(tree_signal(SIGSTOP), 1 + N - 3);
	WORLD_UNTIL(world_state(pids[N - 1]) == 'T')
	ck_assert_uint_eq(tree_signal(SIGCONT), 1 + N - 3);
	WORLD_UNTIL(world_state(pids[N - 1]) == 'S')
	ck_assert_uint_eq(tree_signal(SIGKILL), 1 + N - 3);
	ck_all_end();
}
END_TEST

START_TEST(who_does_not_descend_is_let_alone)
{
	int status, gate[2];
	ck_assert_int_eq(pipe(gate), 0);
	pid_t other = fork();
	if (other == 0)
		wait_for_ever();
	pid_t middle = fork();
	if (middle == 0) {
		/* Its tree has one; its sibling is none of it. */
		if (fork() == 0)
			wait_for_ever();
		size_t n = tree_signal(SIGKILL);
		waitpid(-1, NULL, 0);
		(void)!write(gate[1], &n, sizeof(n));
		_exit(0);
	}
	size_t n = 0;
	ck_assert_int_eq(read(gate[0], &n, sizeof(n)), sizeof(n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(waitpid(middle, &status, 0), middle);
	ck_assert_int_eq(kill(other, 0), 0);
	ck_assert_int_eq(waitpid(other, &status, WNOHANG), 0);
	tree_signal(SIGKILL);
	ck_all_end();
}
END_TEST

/* The next process has a number that is below that of this one. */
static bool begin_numbers_anew(void)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", (int)getpid() / 2);
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, (size_t)length) == length;
	if (fd >= 0)
		close(fd);
	return done;
}

/* Numbers begin anew when all have been given: then a child's is the lower one. No signal at all is sent here, since
 * whoever is taken for one of the tree by mistake would be the one who runs the tests. */
START_TEST(who_is_older_does_not_descend_though_its_number_is_higher)
{
	pid_t child = 0;
	for (int i = 0; i < 100 && (child == 0 || child > getpid()); i++) {
		if (!begin_numbers_anew()) {
			fprintf(stderr, "not tried: the numbers of processes cannot be set here\n");
			return;
		}
		child = fork();
		if (child == 0)
			wait_for_ever();
		if (child > getpid()) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
		}
	}
	ck_assert_int_lt(child, getpid());
	ck_assert_uint_eq(tree_signal(0), 1);
	kill(child, SIGKILL);
	ck_all_end();
}
END_TEST

/* What stands for the name of a program in /proc may look like the rest of the line. */
START_TEST(names_deceive_nobody)
{
	static const char *const names[] = { ") S 1 1 1 1", "a) Z 0 (b", "()()()", ")\n1 (x) S 1", "" };
	int ready[2];
	char c;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_NAME, names[_i]);
		if (fork() == 0) {
			prctl(PR_SET_NAME, names[_i]);
			(void)!write(ready[1], "x", 1);
		}
		wait_for_ever();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_uint_eq(tree_signal(SIGKILL), 2);
	ck_all_end();
}
END_TEST

START_TEST(one_is_left_for_who_waits_for_it)
{
	pid_t kept = fork();
	if (kept == 0)
		_exit(3);
	WORLD_UNTIL(world_state(kept) == 'Z')
	ck_assert_uint_eq(tree_reap(kept), 0);
	ck_assert(!tree_is_empty());
	int status;
	ck_assert_int_eq(waitpid(kept, &status, 0), kept);
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	ck_assert(tree_is_empty());
}
END_TEST

/* Each child forks on and ends: whoever signals them one by one is always late. */
static void __attribute__((noreturn)) run_away(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		if (fork() > 0)
			_exit(0);
}

static void __attribute__((noreturn)) multiply(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;)
		fork();
}

START_TEST(who_forks_without_end_is_caught)
{
	if (geteuid() != 0)
		return; /* the limit counts what the user has */
	ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &(struct rlimit){ .rlim_cur = QUOTA, .rlim_max = QUOTA }), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	pid_t child = fork();
	if (child == 0 && _i)
		run_away();
	if (child == 0)
		multiply();
	ck_assert_int_gt(child, 0);
	WORLD_UNTIL(_i || tree_signal(0) > QUOTA / 4) /* threads count, too, and a sanitizer may have one in each */
	/* Nobody moves any more: whoever is there after the STOP was there before. */
	size_t n = tree_signal(SIGSTOP);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_eq(tree_signal(SIGSTOP), n);
	tree_signal(SIGCONT);
	/* Who runs on may be another by the time that it is killed: so it is done as a command's end does it, until nobody is
	 * left. */
	WORLD_UNTIL((tree_signal(SIGKILL), tree_reap(0), tree_is_empty()))
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_tree");
	TCase *tests = tcase_create("tree");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, all_generations_are_found);
	tcase_add_test(tests, who_does_not_descend_is_let_alone);
	tcase_add_test(tests, who_is_older_does_not_descend_though_its_number_is_higher);
	tcase_add_loop_test(tests, names_deceive_nobody, 0, 5);
	tcase_add_test(tests, one_is_left_for_who_waits_for_it);
	tcase_add_loop_test(tests, who_forks_without_end_is_caught, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
