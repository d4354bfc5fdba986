/* What is given up, each time by a child, since it is for good; and the folders that are a worker's own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
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
#include "worker/run_as.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define NOBODY 65534
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
#ifdef SYS_landlock_create_ruleset
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

/* --- private directories --- */

static bool is_there(const char *path)
{
	struct stat about;
	return lstat(path, &about) == 0;
}

static mode_t mode_of(const char *path)
{
	struct stat about;
	ck_assert_int_eq(lstat(path, &about), 0);
	return about.st_mode & 07777;
}

START_TEST(a_directory_is_its_owners_alone)
{
	char *path = confine_directory("some pool/3", false), *entered = confine_directory("jobs/0", true);
	ck_assert_ptr_nonnull(path);
	ck_assert_ptr_nonnull(entered);
	ck_assert_int_eq(strncmp(path, folder, strlen(folder)), 0);
	ck_assert_ptr_nonnull(strstr(path, "taskd-private-some pool-3."));
	ck_assert_uint_eq(mode_of(path), 0700);
	ck_assert_uint_eq(mode_of(entered), 0711);
	char *own = confine_directory_add(entered, "17.1", geteuid(), getegid());
	ck_assert_ptr_nonnull(own);
	ck_assert_uint_eq(mode_of(own), 0700);
	ck_assert_ptr_null(confine_directory_add(entered, "17.1", geteuid(), getegid()));
	confine_directory_drop(entered, "17.1");
	ck_assert(!is_there(own));
	confine_directory_remove(path);
	confine_directory_remove(entered);
	ck_assert(!is_there(path) && !is_there(entered));
	free(own);
	free(path);
	free(entered);
}
END_TEST

#define DEEP_10 "deep-deep-"
#define DEEP DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10 DEEP_10
#define DEPTH 50
#define FILES_MOST 24 /* open at once */

/* In the folder FD, a tree as deep as no path is long, with what is hard to remove in it. */
static void plant(int fd)
{
	char *kept = below("kept");
	int at = dup(fd);
	ck_assert_int_eq(symlinkat(kept, fd, "link"), 0);
	ck_assert_int_eq(mkdirat(fd, "closed", 0700), 0);
	ck_assert_int_eq(mkdirat(fd, "closed/inner", 0700), 0);
	ck_assert_int_eq(mkdirat(fd, "closed/inner/most", 0), 0);
	ck_assert_int_eq(fchmodat(fd, "closed/inner", 0, 0), 0);
	ck_assert_int_eq(fchmodat(fd, "closed", 0, 0), 0);
	bool good = true;
	for (int i = 0; i < DEPTH && good; i++) {
		good = mkdirat(at, DEEP, 0700) == 0;
		int next = openat(at, DEEP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
		int file = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0400);
		good = good && file >= 0;
		close(file);
	}
	close(at);
	ck_assert(good);
	free(kept);
}

/* A worker of which nothing is left but its directory. */
static char *die_with_a_directory(uid_t uid, int *hold)
{
	int pair[2], held[2], status;
	static char path[256];
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(held, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(held[1]);
		if (uid && setresuid(uid, uid, uid) < 0)
			_exit(1);
		char *made = confine_directory("dead/0", false);
		int fd = made ? open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (fd < 0)
			_exit(1);
		plant(fd);
		if (hold && fork() == 0) { /* its child, which has its locks */
			close(pair[1]);
			_exit(read(held[0], path, 1) == 0 ? 0 : 1);
		}
		_exit(write(pair[1], made, strlen(made) + 1) > 0 ? 0 : 1);
	}
	close(pair[1]);
	close(held[0]);
	ck_assert_int_gt(read(pair[0], path, sizeof(path)), 0);
	close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	if (hold)
		*hold = held[1];
	else
		close(held[1]);
	return path;
}

START_TEST(what_a_dead_worker_has_left_is_removed_by_the_next)
{
	make_folder("kept");
	make_file("kept/file", "x");
	make_folder("taskd-other");
	const char *left = die_with_a_directory(0, NULL);
	ck_assert(is_there(left));
	const struct rlimit few = { .rlim_cur = FILES_MOST, .rlim_max = FILES_MOST };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	char *path = confine_directory("next/0", false);
	ck_assert(!is_there(left));
	char *kept = below("kept/file"), *other = below("taskd-other");
	ck_assert(is_there(kept) && is_there(other) && is_there(path));
	confine_directory_remove(path);
	free(kept);
	free(other);
	free(path);
}
END_TEST

START_TEST(what_somebody_still_holds_is_left_alone)
{
	int hold;
	const char *left = die_with_a_directory(0, &hold);
	char *path = confine_directory("next/0", false), *deep = xasprintf("%s/" DEEP "/" DEEP "/file", left);
	ck_assert(is_there(left) && is_there(deep));
	confine_directory_remove(path);
	free(path);
	close(hold);
	/* Its holder ends by that, sooner or later. */
	for (int i = 0; i < 10000 && is_there(left); i++) {
		path = confine_directory("next/1", false);
		confine_directory_remove(path);
		free(path);
		usleep(1000);
	}
	ck_assert(!is_there(left));
	free(deep);
}
END_TEST

START_TEST(what_another_user_has_left_is_his)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(folder, 01777), 0);
	const char *left = die_with_a_directory(NOBODY, NULL);
	char *path = confine_directory("next/0", false);
	ck_assert(is_there(left));
	confine_directory_remove(path);
	free(path);
}
END_TEST

/* The submitter's command moves into its folder what he may move and not empty. */
START_TEST(root_removes_nothing_that_the_owner_could_not)
{
	if (geteuid() != 0)
		return;
	char *path = confine_directory("jobs/0", true);
	char *own = confine_directory_add(path, "17.1", NOBODY, NOBODY);
	char *moved = xasprintf("%s/moved", own), *inner = xasprintf("%s/moved/inner", own);
	char *file = xasprintf("%s/moved/inner/file", own);
	ck_assert_int_eq(mkdir(moved, 0777), 0);
	ck_assert_int_eq(chmod(moved, 0777), 0);
	ck_assert_int_eq(mkdir(inner, 0755), 0);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	close(fd);
	confine_directory_drop(path, "17.1");
	ck_assert(is_there(file));
	confine_directory_remove(path);
	ck_assert(is_there(file));
	/* The rest is this test's. */
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(inner), 0);
	ck_assert_int_eq(rmdir(moved), 0);
	confine_directory_remove(path);
	ck_assert(!is_there(path));
	free(file);
	free(inner);
	free(moved);
	free(own);
	free(path);
}
END_TEST

/* --- another user's rights --- */

START_TEST(a_thread_has_anothers_rights_for_a_moment)
{
	const gid_t groups[] = { NOBODY, 4242 };
	const struct run_as as = { .uid = NOBODY, .gid = NOBODY, .groups = groups, .n_groups = 2 };
	struct stat about;
	gid_t now[8];
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(folder, 0777), 0);
	make_file("roots", "x");
	char *path = below("roots"), *made = below("his");
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(run_as_enter(&as), 0);
	int roots = open(path, O_RDONLY | O_CLOEXEC), error = errno;
	int his = open(made, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	int n = getgroups(8, now);
	run_as_leave(&as);
	ck_assert_int_eq(roots, -1);
	ck_assert_int_eq(error, EACCES);
	ck_assert_int_ge(his, 0);
	ck_assert_int_eq(n, 2);
	ck_assert_uint_eq(now[0] + now[1], NOBODY + 4242);
	ck_assert_int_eq(fstat(his, &about), 0);
	ck_assert_uint_eq(about.st_uid, NOBODY);
	ck_assert_uint_eq(about.st_gid, NOBODY);
	close(his);
	roots = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(roots, 0);
	close(roots);
	ck_assert_int_eq(getgroups(8, now), 0);
	ck_assert_int_eq(run_as_enter(NULL), 0);
	run_as_leave(NULL);
	free(path);
	free(made);
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
	tcase_add_test(tcase, strict_leaves_what_computing_takes);
	tcase_add_test(tcase, one_that_aborts_dies_by_that_also_where_it_is_strict);
	tcase_add_test(tcase, where_nothing_is_said_nothing_is_given_up);
	tcase_add_test(tcase, the_start_message_is_read);
	tcase_add_test(tcase, only_what_is_named_can_be_reached);
	tcase_add_test(tcase, where_only_writing_is_limited_everything_can_be_read);
	tcase_add_test(tcase, a_directory_is_its_owners_alone);
	tcase_add_test(tcase, what_a_dead_worker_has_left_is_removed_by_the_next);
	tcase_add_test(tcase, what_somebody_still_holds_is_left_alone);
	tcase_add_test(tcase, what_another_user_has_left_is_his);
	tcase_add_test(tcase, root_removes_nothing_that_the_owner_could_not);
	tcase_add_test(tcase, a_thread_has_anothers_rights_for_a_moment);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
