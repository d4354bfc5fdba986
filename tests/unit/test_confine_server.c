/* What the server itself gives up: that it is really gone, tried by a child each time, since it is for good. */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/users.h"
#include "confine.h"

#define NOBODY 65534
#define TRIES_MOST 32

struct tried {
	const char *what;
	int (*run)(void); /* 0, or an errno */
	int wanted;
};

static bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#else
	return false;
#endif
}

static int outcome_of(long result)
{
	return result < 0 ? errno : 0;
}

/* What came of each, in a child that GIVE_UP has made do without. */
static void tried_by_child(int (*give_up)(void), const struct tried *tries, size_t n)
{
	int pair[2], outcomes[TRIES_MOST] = { 0 }, status;
	const size_t size = n * sizeof(*outcomes);
	ck_assert_uint_le(n, TRIES_MOST);
	ck_assert_int_eq(pipe(pair), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (give_up() < 0)
			_exit(2);
		for (size_t i = 0; i < n; i++)
			outcomes[i] = tries[i].run();
		_exit(write(pair[1], outcomes, size) == (ssize_t)size ? 0 : 1);
	}
	close(pair[1]);
	ssize_t length = read(pair[0], outcomes, size);
	close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %x", (unsigned)status);
	ck_assert_int_eq(length, (ssize_t)size);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(outcomes[i] == tries[i].wanted, "%s: %s, not %s", tries[i].what, strerror(outcomes[i]),
			strerror(tries[i].wanted));
}
#define TRY(give_up, tries) tried_by_child(give_up, tries, sizeof(tries) / sizeof(*(tries)))

/* --- system calls --- */

static int give_up_calls(void)
{
	char *error;
	return confine_calls(&error);
}

static int try_execute(void)
{
	char *argv[] = { (char *)"none", NULL };
	return outcome_of(execve("/nosuch", argv, argv));
}
static int try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	return outcome_of(pid);
}
static int try_clone3(void)
{
	struct clone_args arguments = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid == 0)
		_exit(0);
	return outcome_of(pid);
}
static int try_code(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? errno : 0;
}
static int try_make_code(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? EINVAL : outcome_of(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
}
static int try_internet(void)
{
	return outcome_of(socket(AF_INET, SOCK_STREAM, 0));
}
static int try_internet_wide(void)
{
	return outcome_of(syscall(SYS_socket, (UINT64_C(1) << 32) | AF_INET, SOCK_STREAM, 0));
}
static int try_netlink(void)
{
	return outcome_of(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int try_unix(void)
{
	int pair[2];
	return outcome_of(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}
static int try_ptrace(void)
{
	return outcome_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
static int try_set_user(void)
{
	return outcome_of(syscall(SYS_setresuid, -1, -1, -1));
}
static int try_own_file(void)
{
	return outcome_of(syscall(SYS_fchownat, -1, "", 0, 0, 0));
}
static int try_set_limit(void)
{
	const struct rlimit limit = { .rlim_cur = 100, .rlim_max = 100 };
	return outcome_of(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, NULL));
}
static int try_look_at_limit(void)
{
	struct rlimit limit;
	return outcome_of(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit));
}
static int try_be_dumped(void)
{
	return outcome_of(prctl(PR_SET_DUMPABLE, 1));
}
static int try_bpf(void)
{
	return outcome_of(syscall(SYS_bpf, -1, NULL, 0));
}
static int try_io_uring(void)
{
	return outcome_of(syscall(SYS_io_uring_setup, 0, NULL));
}

static void *thread_main(void *user)
{
	*(int *)user = 1;
	return user;
}
static int try_thread(void)
{
	pthread_t thread;
	int ran = 0, error = pthread_create(&thread, NULL, thread_main, &ran);
	if (error)
		return error;
	pthread_join(thread, NULL);
	return ran ? 0 : EINVAL;
}

START_TEST(of_system_calls_it_has_what_it_makes)
{
	const struct tried tries[] = {
		{ "execve", try_execute, EPERM },
		{ "fork", try_fork, EPERM },
		{ "clone3", try_clone3, ENOSYS },
		{ "memory with code", try_code, EPERM },
		{ "code out of memory", try_make_code, EPERM },
		{ "a TCP socket", try_internet, EPERM },
		{ "a TCP socket with more bits", try_internet_wide, EPERM },
		{ "a netlink socket", try_netlink, EPERM },
		{ "ptrace", try_ptrace, EPERM },
		{ "setresuid", try_set_user, EPERM },
		{ "fchownat", try_own_file, EPERM },
		{ "its limits", try_set_limit, EPERM },
		{ "core files", try_be_dumped, EPERM },
		{ "bpf", try_bpf, EPERM },
		{ "io_uring", try_io_uring, EPERM },
		{ "a look at its limits", try_look_at_limit, 0 },
		{ "a Unix socket", try_unix, 0 },
		{ "a thread", try_thread, 0 },
	};
	if (!is_sanitized())
		TRY(give_up_calls, tries);
}
END_TEST

/* --- core files --- */

static int give_up_dumps(void)
{
	struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };
	if (setrlimit(RLIMIT_CORE, &limit) < 0 && geteuid() == 0)
		return -1; /* else there may be nothing left to give up */
	confine_dumps(false);
	return 0;
}

static int look_at_dumps(void)
{
	struct rlimit limit;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return EEXIST;
	return getrlimit(RLIMIT_CORE, &limit) < 0 ? errno : limit.rlim_cur ? EFBIG : 0;
}

START_TEST(a_crash_leaves_nothing)
{
	const struct tried tries[] = { { "core files", look_at_dumps, 0 } };
	TRY(give_up_dumps, tries);
}
END_TEST

/* --- the user --- */

static int become_nobody(void)
{
	gid_t groups[] = { NOBODY, 4242 };
	const gid_t more[] = { 4100, 4200, 4300 };
	const struct user_identity nobody = { .uid = NOBODY, .gid = NOBODY, .groups = groups, .n_groups = 2, .name = (char *)"nobody" };
	char *error;
	if (setgroups(3, more) < 0 || prctl(PR_SET_PDEATHSIG, SIGURG) < 0)
		return -1;
	return confine_user(&nobody, &error);
}

static int look_at_user(void)
{
	uid_t uids[3];
	gid_t gids[3];
	if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
		return errno;
	for (int i = 0; i < 3; i++)
		if (uids[i] != NOBODY || gids[i] != NOBODY)
			return EEXIST;
	return 0;
}

static int look_at_groups(void)
{
	gid_t groups[8];
	return getgroups(8, groups) == 2 && groups[0] + groups[1] == NOBODY + 4242 ? 0 : EEXIST;
}

static int become_root(void)
{
	return outcome_of(setresuid(-1, 0, -1));
}

/* What its parent's end is to it is as before. */
static int look_at_parents_end(void)
{
	int number = 0;
	return prctl(PR_GET_PDEATHSIG, &number) == 0 && number == SIGURG ? 0 : EEXIST;
}

START_TEST(it_becomes_somebody_else_for_good)
{
	const struct tried tries[] = {
		{ "its numbers", look_at_user, 0 },
		{ "its groups", look_at_groups, 0 },
		{ "root once more", become_root, EPERM },
		{ "the end of its parent", look_at_parents_end, 0 },
	};
	if (geteuid() == 0)
		TRY(become_nobody, tries);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("confine: the server");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, of_system_calls_it_has_what_it_makes);
	tcase_add_test(tcase, a_crash_leaves_nothing);
	tcase_add_test(tcase, it_becomes_somebody_else_for_good);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
