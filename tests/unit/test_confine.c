/* What is given up, each time by a child, since it is for good. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "worker/confine.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define NO_PID 0x7ffffff0
#define TRIES_MOST 24

/* --- a child that has given it up --- */

struct tried {
	const char *what;
	int (*run)(void); /* 0, or an errno */
	int wanted;
};
static char folder[64];

static int outcome_of(long result)
{
	return result < 0 ? errno : 0;
}

/* What came of each, tried by a child that does without what CONFINE says. */
static void tried_by_child(const struct confine *confine, const struct confine_needs *needs, const struct tried *tries, size_t n)
{
	int pair[2], outcomes[TRIES_MOST], status;
	ck_assert_uint_le(n, TRIES_MOST);
	ck_assert_int_eq(pipe(pair), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		for (size_t i = 0; i < n; i++)
			outcomes[i] = -1;
		if (confine_apply(confine, needs) == 0)
			for (size_t i = 0; i < n; i++)
				outcomes[i] = tries[i].run();
		_exit(write(pair[1], outcomes, n * sizeof(*outcomes)) == (ssize_t)(n * sizeof(*outcomes)) ? 0 : 1);
	}
	close(pair[1]);
	ssize_t length = read(pair[0], outcomes, n * sizeof(*outcomes));
	close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %x", (unsigned)status);
	ck_assert_int_eq(length, (ssize_t)(n * sizeof(*outcomes)));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(outcomes[i] == tries[i].wanted, "%s: %s, not %s", tries[i].what, strerror(outcomes[i]),
			strerror(tries[i].wanted));
}
/* As a service manager's filter may have it. */
static void deny(unsigned call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

#define TRY(confine, needs, tries) tried_by_child(confine, needs, tries, sizeof(tries) / sizeof(*(tries)))
static const struct confine_needs nothing;

/* --- what is tried --- */

static int try_ptrace(void)
{
	return outcome_of(ptrace(PTRACE_ATTACH, NO_PID, NULL, NULL));
}
static int try_mount(void)
{
	return outcome_of(mount("none", "/proc/nosuch", "tmpfs", 0, NULL));
}
static int try_user_namespace(void)
{
	return outcome_of(unshare(CLONE_NEWUSER));
}
static int try_clone_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
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
static int try_time_namespace(void)
{
	return outcome_of(unshare(0x80)); /* CLONE_NEWTIME, younger than some headers */
}
#ifdef __x86_64__
/* Of programs with 32 bits for a pointer, whose numbers are others. */
static int try_x32(void)
{
	return outcome_of(syscall(0x40000000 | SYS_getppid));
}
#endif
static int try_setns(void)
{
	return outcome_of(setns(-1, 0));
}
static int try_harmless_unshare(void)
{
	return outcome_of(unshare(CLONE_FILES));
}
static int try_io_uring(void)
{
	return outcome_of(syscall(SYS_io_uring_setup, 1, NULL));
}
static int try_keyctl(void)
{
	return outcome_of(syscall(SYS_keyctl, 0, -3, 0));
}
static int try_bpf(void)
{
	return outcome_of(syscall(SYS_bpf, 0, NULL, 0));
}
static int try_foreign_memory(void)
{
	return outcome_of(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
}
static int try_typing(void)
{
	return outcome_of(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}
/* The kernel looks at the lower half only. */
static int try_typing_wide(void)
{
	return outcome_of(syscall(SYS_ioctl, STDIN_FILENO, UINT64_C(0x100000000) | TIOCSTI, "x"));
}
static int try_fork(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : outcome_of(waitpid(pid, NULL, 0));
}
static int try_execute(void)
{
	char *argv[] = { (char *)(uintptr_t)"/nosuch", NULL };
	return outcome_of(execve(argv[0], argv, NULL));
}
static int try_internet(void)
{
	return outcome_of(socket(AF_INET, SOCK_STREAM, 0));
}
static int try_netlink(void)
{
	return outcome_of(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int try_unix(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/nosuch/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	return outcome_of(connect(fd, (struct sockaddr *)&address, sizeof(address))) == ENOENT ? 0 : errno;
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
static int try_kill_parent(void)
{
	return outcome_of(kill(getppid(), 0));
}
static int try_kill_self(void)
{
	return outcome_of(kill(getpid(), 0));
}
static int try_signal_thread(void)
{
	return outcome_of(syscall(SYS_tgkill, getppid(), getppid(), 0));
}
static int try_place_others(void)
{
	unsigned long everywhere = ~0UL;
	return outcome_of(syscall(SYS_sched_setaffinity, getppid(), sizeof(everywhere), &everywhere));
}
static int try_own_others(void)
{
	return outcome_of(fcntl(STDIN_FILENO, F_SETOWN, getppid()));
}
static int try_limit_others(void)
{
	struct rlimit limit;
	return outcome_of(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit));
}
static int try_files(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/made", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) < 0 || fsync(fd) < 0 || unlink(path) < 0)
		return errno;
	return outcome_of(close(fd));
}
static int try_no_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : EPERM;
}

/* --- calls --- */

START_TEST(the_default_denies_what_no_task_needs)
{
	const struct confine confine = { .calls = CONFINE_CALLS_DEFAULT };
	const struct tried tries[] = {
		{ "ptrace", try_ptrace, SANITIZED ? ESRCH : EPERM },
		{ "mount", try_mount, EPERM },
		{ "a user namespace", try_user_namespace, EPERM },
		{ "a process in a user namespace", try_clone_namespace, EPERM },
		{ "a time namespace", try_time_namespace, EPERM },
		{ "setns", try_setns, EPERM },
#ifdef __x86_64__
		{ "a call of another kind of program", try_x32, EPERM },
#endif
		{ "clone3", try_clone3, ENOSYS },
		{ "unshare of what is its own", try_harmless_unshare, 0 },
		{ "io_uring", try_io_uring, EPERM },
		{ "keyctl", try_keyctl, EPERM },
		{ "bpf", try_bpf, EPERM },
		{ "process_vm_readv", try_foreign_memory, EPERM },
		{ "TIOCSTI", try_typing, EPERM },
		{ "TIOCSTI with more bits", try_typing_wide, EPERM },
		{ "fork", try_fork, 0 },
		{ "execve", try_execute, ENOENT },
		{ "a thread", try_thread, 0 },
		{ "files", try_files, 0 },
		{ "no_new_privs", try_no_new_privs, 0 }, /* the filter needs it */
	};
	TRY(&confine, &nothing, tries);
}
END_TEST

/* systemd's @system-service has no seccomp(2), but prctl(2). */
START_TEST(a_filter_that_does_not_let_seccomp_pass_is_no_hindrance)
{
	const struct confine confine = { .calls = CONFINE_CALLS_DEFAULT };
	const struct tried tries[] = {
		{ "mount", try_mount, EPERM },
		{ "a user namespace", try_user_namespace, EPERM },
		{ "unshare of what is its own", try_harmless_unshare, 0 },
	};
	deny(SYS_seccomp);
	TRY(&confine, &nothing, tries);
}
END_TEST

#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
START_TEST(paths_that_a_filter_does_not_let_be_limited_are_no_reason_to_run)
{
	char paths[] = "/usr";
	const struct confine confine = { .read_paths = paths };
	const struct tried tries[] = { { "nothing, as it was not given up", try_files, -1 } };
	deny(SYS_landlock_create_ruleset);
	TRY(&confine, &nothing, tries);
}
END_TEST
#endif

START_TEST(strict_leaves_what_computing_takes)
{
	const struct confine confine = { .calls = CONFINE_CALLS_STRICT };
	const struct tried tries[] = {
		{ "a thread", try_thread, 0 },
		{ "files", try_files, 0 },
		{ "a Unix socket", try_unix, 0 },
		{ "a signal for itself", try_kill_self, 0 },
		{ "fork", try_fork, EPERM },
		{ "clone3", try_clone3, ENOSYS },
		{ "execve", try_execute, EPERM },
		{ "a TCP socket", try_internet, EPERM },
		{ "a netlink socket", try_netlink, EPERM },
		{ "a signal for another", try_kill_parent, EPERM },
		{ "signals for another by F_SETOWN", try_own_others, EPERM },
		{ "a signal for another's thread", try_signal_thread, EPERM },
		{ "another's processors", try_place_others, EPERM },
		{ "another's limits", try_limit_others, EPERM },
		{ "ptrace", try_ptrace, SANITIZED ? ESRCH : EPERM },
		{ "mount", try_mount, EPERM },
		{ "unshare", try_harmless_unshare, EPERM },
		{ "TIOCSTI", try_typing, EPERM },
	};
	TRY(&confine, &nothing, tries);
}
END_TEST

START_TEST(one_that_aborts_dies_by_that_also_where_it_is_strict)
{
	const struct confine confine = { .calls = CONFINE_CALLS_STRICT };
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (confine_apply(&confine, &nothing) == 0)
			abort();
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

static int try_has_no_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

START_TEST(where_nothing_is_said_nothing_is_given_up)
{
	const struct confine off = { 0 }, privs = { .no_new_privs = true };
	const struct tried tries[] = {
		{ "no_new_privs", try_has_no_new_privs, 0 },
		{ "fork", try_fork, 0 },
		{ "io_uring", try_io_uring, EFAULT },
	};
	const struct tried one[] = { { "no_new_privs", try_has_no_new_privs, 1 }, { "io_uring", try_io_uring, EFAULT } };
	TRY(&off, &nothing, tries);
	TRY(&privs, &nothing, one);
}
END_TEST

START_TEST(the_start_message_is_read)
{
	struct confine confine;
	json_t *object = json_pack("{s:b, s:s, s:s, s:n, s:b}", "no_new_privs", 1, "seccomp", "strict", "read_paths",
		"/usr /lib", "write_paths", "private_directory", 1);
	confine_read(object, &confine);
	ck_assert(confine.no_new_privs && confine.private_directory);
	ck_assert_int_eq(confine.calls, CONFINE_CALLS_STRICT);
	ck_assert_str_eq(confine.read_paths, "/usr /lib");
	ck_assert_ptr_null(confine.write_paths);
	confine_free(&confine);
	json_decref(object);
	confine_read(NULL, &confine);
	ck_assert(!confine.no_new_privs && !confine.private_directory && !confine.read_paths && !confine.write_paths);
	ck_assert_int_eq(confine.calls, CONFINE_CALLS_OFF);
	confine_free(&confine);
}
END_TEST

/* --- paths --- */

static bool has_landlock(void)
{
#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
	if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) > 0)
		return true;
#endif
	puts("skipped: this kernel has no Landlock");
	return false;
}

static char *below(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void make_file(const char *name, const char *text)
{
	char *path = below(name);
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	free(path);
}

static void make_folder(const char *name)
{
	char *path = below(name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	free(path);
}

static int open_below(const char *name, int flags)
{
	char *path = below(name);
	int fd = open(path, flags | O_CLOEXEC, 0600), error = fd < 0 ? errno : 0;
	free(path);
	if (fd >= 0)
		close(fd);
	return error;
}
static int try_read_inside(void)
{
	return open_below("read/file", O_RDONLY);
}
static int try_write_inside(void)
{
	return open_below("write/new", O_RDWR | O_CREAT);
}
static int try_write_where_read(void)
{
	return open_below("read/new", O_RDWR | O_CREAT);
}
static int try_truncate_where_read(void)
{
	return open_below("read/file", O_WRONLY | O_TRUNC);
}
static int try_read_outside(void)
{
	return open_below("other/file", O_RDONLY);
}
static int try_read_by_link(void)
{
	return open_below("read/link", O_RDONLY);
}
static int try_write_outside(void)
{
	return open_below("other/new", O_WRONLY | O_CREAT);
}
static int try_own(void)
{
	return open_below("own/new", O_RDWR | O_CREAT);
}
static int try_plugin(void)
{
	return open_below("plugin.so", O_RDONLY);
}
static int try_write_plugin(void)
{
	return open_below("plugin.so", O_WRONLY);
}
static int try_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return outcome_of(fd);
}
static int try_random(void)
{
	return outcome_of(open("/dev/urandom", O_RDONLY | O_CLOEXEC));
}
static int execute(const char *name)
{
	char *path = below(name), *argv[] = { path, NULL };
	int error = outcome_of(execve(path, argv, NULL));
	free(path);
	return error;
}
/* What may be executed is no program, so that this one goes on. */
static int try_execute_inside(void)
{
	return execute("read/program");
}
static int try_execute_where_written(void)
{
	return execute("write/program");
}
static int try_read_outside_in_thread(void);

static void make_paths(void)
{
	static const char *const folders[] = { "read", "write", "other", "own" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		make_folder(folders[i]);
	make_file("read/file", "x");
	make_file("other/file", "x");
	make_file("plugin.so", "x");
	make_file("read/program", "no program\n");
	make_file("write/program", "no program\n");
	char *program = below("read/program"), *written = below("write/program"), *link = below("read/link");
	ck_assert_int_eq(chmod(program, 0755), 0);
	ck_assert_int_eq(chmod(written, 0755), 0);
	ck_assert_int_eq(symlink("../other/file", link), 0);
	free(program);
	free(written);
	free(link);
}

static void *read_outside(void *user)
{
	*(int *)user = try_read_outside();
	return NULL;
}
static int try_read_outside_in_thread(void)
{
	pthread_t thread;
	int error = 0;
	if (pthread_create(&thread, NULL, read_outside, &error) != 0)
		return EAGAIN;
	pthread_join(thread, NULL);
	return error;
}

START_TEST(only_what_is_named_can_be_reached)
{
	if (!has_landlock())
		return;
	make_paths();
	char *read_paths = xasprintf("%s/read  /nosuch", folder), *write_paths = below("write"), *own = below("own");
	char *plugin = below("plugin.so");
	const char *const files[] = { plugin, NULL };
	const struct confine confine = { .read_paths = read_paths, .write_paths = write_paths };
	const struct confine_needs needs = { .files = files, .directory = own };
	const struct tried tries[] = {
		{ "reading inside", try_read_inside, 0 },
		{ "writing inside", try_write_inside, 0 },
		{ "a program inside", try_execute_inside, ENOEXEC },
		{ "a program where it may write", try_execute_where_written, EACCES },
		{ "its own folder", try_own, 0 },
		{ "its plugin", try_plugin, 0 },
		{ "writing to its plugin", try_write_plugin, EACCES },
		{ "/dev/null", try_null, 0 },
		{ "/dev/urandom", try_random, 0 },
		{ "writing where it may read", try_write_where_read, EACCES },
		{ "emptying what it may read", try_truncate_where_read, EACCES },
		{ "reading outside", try_read_outside, EACCES },
		{ "reading outside by a link", try_read_by_link, EACCES },
		{ "reading outside, of a thread", try_read_outside_in_thread, EACCES },
		{ "writing outside", try_write_outside, EACCES },
		{ "no_new_privs", try_no_new_privs, 0 },
	};
	TRY(&confine, &needs, tries);
	free(read_paths);
	free(write_paths);
	free(own);
	free(plugin);
}
END_TEST

START_TEST(where_only_writing_is_limited_everything_can_be_read)
{
	if (!has_landlock())
		return;
	make_paths();
	char *write_paths = below("write");
	const struct confine confine = { .write_paths = write_paths };
	const struct tried tries[] = {
		{ "reading outside", try_read_outside, 0 },
		{ "a program where it may write", try_execute_where_written, ENOEXEC },
		{ "writing inside", try_write_inside, 0 },
		{ "writing outside", try_write_outside, EACCES },
		{ "/dev/null", try_null, 0 },
	};
	TRY(&confine, &nothing, tries);
	free(write_paths);
}
END_TEST

/* --- */

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/confine-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(setenv("TMPDIR", folder, 1), 0);
}

static void tear_down(void)
{
	char command[192];
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", folder, folder);
	(void)!system(command);
}

int main(void)
{
	Suite *suite = suite_create("confine");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_default_denies_what_no_task_needs);
	tcase_add_test(tcase, a_filter_that_does_not_let_seccomp_pass_is_no_hindrance);
#if defined(HAVE_LINUX_LANDLOCK_H) && defined(SYS_landlock_create_ruleset)
	tcase_add_test(tcase, paths_that_a_filter_does_not_let_be_limited_are_no_reason_to_run);
#endif
	tcase_add_test(tcase, strict_leaves_what_computing_takes);
	tcase_add_test(tcase, one_that_aborts_dies_by_that_also_where_it_is_strict);
	tcase_add_test(tcase, where_nothing_is_said_nothing_is_given_up);
	tcase_add_test(tcase, the_start_message_is_read);
	tcase_add_test(tcase, only_what_is_named_can_be_reached);
	tcase_add_test(tcase, where_only_writing_is_limited_everything_can_be_read);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
