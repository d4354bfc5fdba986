/* Folders that are a worker's own, and what becomes of them; and a thread that is another user for a moment, as who
 * removes them may have to be. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "worker/confine.h"
#include "worker/run_as.h"

#define NOBODY 65534

static char folder[64];

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

/* --- directories --- */

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
	char *link = below("taskd-private-link"), *path = NULL;
	ck_assert_int_eq(symlink("kept", link), 0);
	if (_i)
		confine_directory_sweep();
	else
		path = confine_directory("next/0", false);
	ck_assert(!is_there(left));
	char *kept = below("kept/file"), *other = below("taskd-other");
	ck_assert(is_there(kept) && is_there(other) && is_there(link) && (_i || is_there(path)));
	if (path)
		confine_directory_remove(path);
	free(link);
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
	Suite *suite = suite_create("confine_directory");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_directory_is_its_owners_alone);
	tcase_add_loop_test(tcase, what_a_dead_worker_has_left_is_removed_by_the_next, 0, 2);
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
