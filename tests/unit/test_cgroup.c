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

/* --- parts for others --- */

#define MASTER 5
#define NOBODY 65534

static bool is_of(const char *path, uid_t uid, gid_t gid)
{
	struct stat about;
	ck_assert_msg(stat(path, &about) == 0, "%s", path);
	if (about.st_uid != uid || about.st_gid != gid)
		fprintf(stderr, "%s is %u:%u's\n", path, about.st_uid, about.st_gid);
	return about.st_uid == uid && about.st_gid == gid;
}

/* The kernel makes the files; what limits the part is not its user's. */
START_TEST(who_a_part_is_given_to_divides_it_and_does_not_limit_it)
{
	static const char *const given[] = { "", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control" };
	static const char *const kept[] = { "/memory.max", "/pids.max", "/cgroup.type", "/workers" };
	if (geteuid() != 0)
		return;
	mkdir(path_of("%s/tree/pool-jobs", folder), 0755);
	mkdir(path_of("%s/tree/pool-jobs/workers", folder), 0755);
	for (size_t i = 1; i < 4; i++)
		file_put(path_of("%s/tree/pool-jobs%s", folder, given[i]), "");
	for (size_t i = 0; i < 3; i++)
		file_put(path_of("%s/tree/pool-jobs%s", folder, kept[i]), "");
	file_put(path_of("%s/tree/pool-jobs/workers/cgroup.procs", folder), "");
	ck_assert_int_eq(cgroup_give_pool(path_of("%s/tree", folder), "jobs", NOBODY, 7, MASTER), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert(is_of(path_of("%s/tree/pool-jobs%s", folder, given[i]), NOBODY, 7));
	for (size_t i = 0; i < 4; i++)
		ck_assert(is_of(path_of("%s/tree/pool-jobs%s", folder, kept[i]), 0, 0));
	ck_assert(is_of(path_of("%s/tree/pool-jobs/workers/cgroup.procs", folder), MASTER, 0));
	ck_assert(is_of(path_of("%s/tree/cgroup.procs", folder), 0, 0));
}
END_TEST

START_TEST(a_link_is_not_followed_when_a_part_is_given)
{
	if (geteuid() != 0)
		return;
	file_put(path_of("%s/kept", folder), "");
	ck_assert_int_eq(symlink(path_of("%s/kept", folder), path_of("%s/tree/cgroup.threads", folder)), 0);
	ck_assert_int_eq(cgroup_give(path_of("%s/tree", folder), NOBODY, NOBODY), 0);
	ck_assert(is_of(path_of("%s/kept", folder), 0, 0));
}
END_TEST

START_TEST(what_an_earlier_daemon_has_left_goes)
{
	mkdir(path_of("%s/tree/pool-jobs", folder), 0755);
	mkdir(path_of("%s/tree/pool-jobs/slot-0", folder), 0755);
	mkdir(path_of("%s/tree/pool-jobs/workers", folder), 0755);
	cgroup_clear_pool(path_of("%s/tree", folder), "jobs");
	cgroup_clear_pool(path_of("%s/tree", folder), "never-there");
	ck_assert_int_lt(access(path_of("%s/tree/pool-jobs", folder), F_OK), 0);
	ck_assert_int_eq(access(path_of("%s/tree/taskd", folder), F_OK), 0);
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

static void become(uid_t uid)
{
	if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(9);
}

/* Writes TEXT into the file at PATH. 0 or an errno. */
static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = fd < 0 || write(fd, text, strlen(text)) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return error;
}

/* As a worker of that user does once it is where it belongs, and as it cannot before. */
static void act_as_worker(const char *path, int told, int say)
{
	char byte = 0;
	become(NOBODY);
	if (mkdir(path_of("%s/pool-jobs/slot-0", path), 0755) < 0)
		_exit(1);
	if (put(path_of("%s/pool-jobs/slot-0/cgroup.procs", path), "0") != EACCES)
		_exit(2);
	if (write(say, &byte, 1) != 1 || read(told, &byte, 1) != 1 || !am_in("/pool-jobs/workers"))
		_exit(3);
	int joined[2];
	if (pipe(joined) < 0)
		_exit(7);
	pid_t command = fork();
	if (command == 0) {
		bool is_in = put(path_of("%s/pool-jobs/slot-0/cgroup.procs", path), "0") == 0 && am_in("/slot-0");
		_exit(is_in && write(joined[1], &byte, 1) == 1 ? pause() : 1);
	}
	close(joined[1]);
	if (read(joined[0], &byte, 1) != 1)
		_exit(8);
	int status = 0;
	if (put(path_of("%s/pool-jobs/slot-0/cgroup.kill", path), "1") != 0 || waitpid(command, &status, 0) != command ||
		!WIFSIGNALED(status))
		_exit(4);
	if (put(path_of("%s/taskd/cgroup.procs", path), "0") != EACCES)
		_exit(5);
	_exit(rmdir(path_of("%s/pool-jobs/slot-0", path)) == 0 ? 0 : 6);
}

static int gives(const char *path)
{
	char *got = cgroup_claim(NULL), byte = 0;
	int say[2], told[2], status;
	if (!got || cgroup_give(got, MASTER, MASTER) < 0 || cgroup_give_pool(got, "jobs", NOBODY, NOBODY, MASTER) < 0 ||
		pipe(say) < 0 || pipe(told) < 0)
		return 10;
	free(got);
	pid_t worker = fork();
	if (worker == 0)
		act_as_worker(path, told[0], say[1]);
	become(MASTER);
	if (read(say[0], &byte, 1) != 1 || put(path_of("%s/pool-jobs/workers/cgroup.procs", path), path_of("%d", worker)) != 0 ||
		write(told[1], &byte, 1) != 1)
		return 11;
	return waitpid(worker, &status, 0) == worker && WIFEXITED(status) ? WEXITSTATUS(status) : 12;
}

START_TEST(a_worker_of_another_user_has_cgroups_in_the_real_tree)
{
	char *path = geteuid() == 0 ? real_make() : NULL;
	if (!path)
		return;
	if (setxattr(path, "user.delegate", "1", 1, 0) == 0 || setxattr(path, "trusted.delegate", "1", 1, 0) == 0)
		ck_assert_int_eq(run_in(path, gives), 0);
	else
		fprintf(stderr, "SKIP: a cgroup cannot be marked: %s\n", strerror(errno));
	cgroup_clear_pool(path, "jobs");
	ck_assert_int_lt(access(path_of("%s/pool-jobs", path), F_OK), 0);
	rmdir(path_of("%s/taskd", path));
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
	tcase_add_test(tcase, who_a_part_is_given_to_divides_it_and_does_not_limit_it);
	tcase_add_test(tcase, a_link_is_not_followed_when_a_part_is_given);
	tcase_add_test(tcase, what_an_earlier_daemon_has_left_goes);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("tree");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, process_moves_in_the_real_tree_where_that_is_marked_as_delegated);
	tcase_add_test(tcase, a_worker_of_another_user_has_cgroups_in_the_real_tree);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
