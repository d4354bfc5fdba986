/* Which cgroup the daemon takes into use, and which it leaves alone. */
#include "cgroup.h"

#include "cgroup_fixture.h"

#include <errno.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static char *folder;
static struct cgroup_source source;

/* The root of a container's namespace, with nobody but this process in it. */
static void setup(void)
{
	folder = folder_make();
	mkdir(path_of("%s/tree", folder), 0755);
	mkdir(path_of("%s/tree/taskd", folder), 0755);
	file_put(path_of("%s/tree/taskd/cgroup.procs", folder), "");
	file_put(path_of("%s/tree/cgroup.type", folder), "domain\n");
	file_put(path_of("%s/tree/cgroup.procs", folder), path_of("%d\n", getpid()));
	file_put(path_of("%s/tree/cgroup.subtree_control", folder), "");
	file_put(path_of("%s/tree/cgroup.controllers", folder), "cpu memory pids\n");
	file_put(path_of("%s/self", folder), "4:memory:/elsewhere\n0::/\n");
	file_put(path_of("%s/mounts", folder), path_of("31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
		"35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"38 31 0:41 / %s/tree rw,relatime shared:4 - cgroup2 cgroup2 rw\n", folder));
	source.self = strdup(path_of("%s/self", folder));
	source.mounts = strdup(path_of("%s/mounts", folder));
}

static void teardown(void)
{
	free((char *)(uintptr_t)source.self);
	free((char *)(uintptr_t)source.mounts);
	folder_remove_all(folder);
}

/* What it has written where it has moved, and what it was to write where it has not. */
static void expect_claimed(const char *where, const char *controllers)
{
	char *got = cgroup_claim(&source);
	ck_assert_msg(got && strcmp(got, where) == 0, "%s, not %s", got ? got : "none", where);
	ck_assert(file_says(path_of("%s/taskd/cgroup.procs", where), "0"));
	ck_assert(file_says(path_of("%s/cgroup.subtree_control", where), controllers));
	free(got);
}

static void expect_left_alone(void)
{
	ck_assert_ptr_null(cgroup_claim(&source));
	ck_assert(file_says(path_of("%s/tree/taskd/cgroup.procs", folder), ""));
	ck_assert(file_says(path_of("%s/tree/cgroup.subtree_control", folder), ""));
}

START_TEST(what_was_delegated_is_taken_into_use)
{
	expect_claimed(path_of("%s/tree", folder), "+pids"); /* after "+memory" */
}
END_TEST

static const char *const controllers[][2] = { { "memory\n", "+memory" }, { "pids\n", "+pids" }, { "cpu io\n", "" }, { "\n", "" },
	{ "memoryx xpids\n", "" }, { "cpuset memory\n", "+memory" } };
START_TEST(controllers_that_are_there_are_enabled)
{
	file_put(path_of("%s/tree/cgroup.controllers", folder), controllers[_i][0]);
	expect_claimed(path_of("%s/tree", folder), controllers[_i][1]);
}
END_TEST

START_TEST(mount_point_may_have_spaces)
{
	ck_assert_int_eq(rename(path_of("%s/tree", folder), path_of("%s/a tree", folder)), 0);
	file_put(source.mounts, path_of("38 31 0:41 / %s/a\\040tree rw - cgroup2 cgroup2 rw\n", folder));
	expect_claimed(path_of("%s/a tree", folder), "+pids");
}
END_TEST

START_TEST(root_of_all_is_left_alone)
{
	unlink(path_of("%s/tree/cgroup.type", folder));
	expect_left_alone();
}
END_TEST

static const char *const others[] = { "%d\n1\n", "1\n%d\n", "1\n", "", "%d0\n", "-%d\n" };
START_TEST(cgroup_that_others_are_in_is_left_alone)
{
	char text[64];
	FILE *out = fmemopen(text, sizeof(text), "w");
	for (const char *at = others[_i]; *at; at++) {
		if (at[0] == '%' && *++at == 'd')
			fprintf(out, "%d", getpid());
		else
			fputc(*at, out);
	}
	fputc('\0', out);
	fclose(out);
	file_put(path_of("%s/tree/cgroup.procs", folder), text);
	expect_left_alone();
}
END_TEST

static const char *const selves[] = { "", "4:memory:/elsewhere\n", "0::\n", "10::/\n", "0::/gone\n" };
START_TEST(cgroup_that_is_not_there_is_none)
{
	file_put(source.self, selves[_i]);
	expect_left_alone();
}
END_TEST

static const char *const mounts[] = { "", "38 31 0:41 / /tmp rw - cgroup cgroup2 rw\n", "38 31 - cgroup2 cgroup2 rw\n",
	"38 31 0:41 /part /tmp rw - cgroup2 cgroup2 rw\n", "nonsense\n" };
START_TEST(cgroup_that_is_not_mounted_is_none)
{
	file_put(source.mounts, mounts[_i]);
	expect_left_alone();
}
END_TEST

START_TEST(files_that_cannot_be_read_are_none)
{
	const struct cgroup_source nothing = { .self = "/nonexistent", .mounts = source.mounts };
	ck_assert_ptr_null(cgroup_claim(&nothing));
	const struct cgroup_source half = { .self = source.self, .mounts = "/nonexistent" };
	ck_assert_ptr_null(cgroup_claim(&half));
}
END_TEST

/* Another's: this process may read it, and no more. */
START_TEST(cgroup_that_cannot_be_written_is_left_alone)
{
	if (geteuid() != 0) {
		ck_assert_int_eq(chmod(path_of("%s/tree/cgroup.subtree_control", folder), 0444), 0);
		expect_left_alone();
		chmod(path_of("%s/tree/cgroup.subtree_control", folder), 0644);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		file_put(path_of("%s/tree/cgroup.procs", folder), path_of("%d\n", getpid()));
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(3);
		_exit(cgroup_claim(&source) != NULL);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(file_says(path_of("%s/tree/taskd/cgroup.procs", folder), ""));
}
END_TEST

/* --- the real thing --- */

/* In a process of its own that is in the cgroup at PATH: what it says is its exit status. */
static int run_in(const char *path, int (*run)(const char *path))
{
	pid_t pid = fork();
	if (pid == 0) {
		file_put(path_of("%s/cgroup.procs", path), "0");
		_exit(run(path));
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool am_in(const char *end)
{
	char line[512];
	FILE *lines = fopen("/proc/self/cgroup", "re");
	bool found = false;
	while (fgets(line, sizeof(line), lines))
		if (strncmp(line, "0::", 3) == 0) {
			line[strcspn(line, "\n")] = '\0';
			size_t length = strlen(line), n = strlen(end);
			found = length >= n && strcmp(line + length - n, end) == 0;
		}
	fclose(lines);
	return found;
}

static int claims(const char *path)
{
	char *got = cgroup_claim(NULL);
	bool good = got && strcmp(got, path) == 0 && am_in("/taskd");
	free(got);
	/* A process that it starts is where it is. */
	pid_t pid = fork();
	if (pid == 0)
		_exit(!am_in("/taskd"));
	int status;
	waitpid(pid, &status, 0);
	return good && status == 0 ? 0 : 1;
}

static int leaves_alone(const char *path)
{
	return !cgroup_claim(NULL) && am_in(strrchr(path, '/')) && access(path_of("%s/taskd", path), F_OK) < 0 ? 0 : 1;
}

static int leaves_alone_with_another(const char *path)
{
	int pair[2];
	if (pipe(pair) < 0)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		close(pair[1]);
		_exit(read(pair[0], &byte, 1) != 0);
	}
	int code = leaves_alone(path);
	close(pair[1]);
	waitpid(pid, NULL, 0);
	return code;
}

START_TEST(process_moves_in_the_real_tree_where_that_is_marked_as_delegated)
{
	char *path = real_make();
	if (!path)
		return;
	if (geteuid() == 0) {
		ck_assert_int_eq(run_in(path, leaves_alone), 0);
		if (setxattr(path, "user.delegate", "1", 1, 0) < 0 && setxattr(path, "trusted.delegate", "1", 1, 0) < 0) {
			fprintf(stderr, "SKIP: a cgroup cannot be marked: %s\n", strerror(errno));
			rmdir(path);
			free(path);
			return;
		}
	}
	ck_assert_int_eq(run_in(path, leaves_alone_with_another), 0);
	ck_assert_int_eq(run_in(path, claims), 0);
	ck_assert_int_eq(run_in(path, claims), 0); /* and the next daemon finds the folder there */
	ck_assert_int_eq(rmdir(path_of("%s/taskd", path)), 0);
	ck_assert_int_eq(rmdir(path), 0);
	free(path);
}
END_TEST

#define COUNT(list) ((int)(sizeof(list) / sizeof(*(list))))

int main(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *tcase = tcase_create("folder");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_delegated_is_taken_into_use);
	tcase_add_loop_test(tcase, controllers_that_are_there_are_enabled, 0, COUNT(controllers));
	tcase_add_test(tcase, mount_point_may_have_spaces);
	tcase_add_test(tcase, root_of_all_is_left_alone);
	tcase_add_loop_test(tcase, cgroup_that_others_are_in_is_left_alone, 0, COUNT(others));
	tcase_add_loop_test(tcase, cgroup_that_is_not_there_is_none, 0, COUNT(selves));
	tcase_add_loop_test(tcase, cgroup_that_is_not_mounted_is_none, 0, COUNT(mounts));
	tcase_add_test(tcase, files_that_cannot_be_read_are_none);
	tcase_add_test(tcase, cgroup_that_cannot_be_written_is_left_alone);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("tree");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, process_moves_in_the_real_tree_where_that_is_marked_as_delegated);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
