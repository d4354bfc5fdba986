/* Logs on disk: writing, pages, and making room. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "worker/command.h"

static char folder[] = "/tmp/taskd-logs-XXXXXX";
static struct command_setting setting;

static void set_up(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	setting = (struct command_setting){ .log_dir = folder };
}

static void tear_down(void)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(folder);
}

static ssize_t page(uint64_t id, uint64_t offset, char *room, size_t size, uint64_t *total)
{
	return command_log_read(folder, id, 1, CAPTURE_STDOUT, offset, room, size, total);
}

static bool is_there(uint64_t id)
{
	char room[1];
	uint64_t total;
	return page(id, 0, room, sizeof(room), &total) >= 0;
}

/* A log of SIZE bytes, last written so many seconds ago; its descriptor. */
static int put_open(uint64_t id, size_t size, int age)
{
	static const char zeros[4096];
	const struct timespec written = { .tv_sec = (time_t)(clock_wall_ns() / NS_PER_S) - age };
	int fd = command_log_create(folder, id, 1, CAPTURE_STDOUT);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, zeros, size), (ssize_t)size);
	ck_assert_int_eq(futimens(fd, (const struct timespec[2]){ written, written }), 0);
	return fd;
}

static void put(uint64_t id, size_t size, int age)
{
	close(put_open(id, size, age));
}

START_TEST(a_log_is_read_in_pages)
{
	char room[4];
	uint64_t total = 0;
	int fd = command_log_create(folder, 17, 1, CAPTURE_STDOUT);
	ck_assert_int_eq(write(fd, "abcdef", 6), 6);
	ck_assert_int_eq(page(17, 0, room, sizeof(room), &total), 4);
	ck_assert_mem_eq(room, "abcd", 4);
	ck_assert_uint_eq(total, 6);
	ck_assert_int_eq(page(17, 4, room, sizeof(room), &total), 2);
	ck_assert_int_eq(page(17, 6, room, sizeof(room), &total), 0);
	ck_assert_int_eq(page(17, UINT64_MAX, room, sizeof(room), &total), 0);
	close(fd);
	ck_assert_int_eq(page(18, 0, room, sizeof(room), &total), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(command_log_read(folder, 17, 1, CAPTURE_STDERR, 0, room, sizeof(room), &total), -1);
	ck_assert_int_eq(command_log_read(folder, 17, 2, CAPTURE_STDOUT, 0, room, sizeof(room), &total), -1);
}
END_TEST

START_TEST(a_log_is_not_for_everybody)
{
	struct stat about;
	umask(0);
	int fd = command_log_create(folder, 17, 1, CAPTURE_STDERR);
	ck_assert_int_eq(fstat(fd, &about), 0);
	ck_assert_uint_eq(about.st_mode & 07777, 0640);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
}
END_TEST

START_TEST(a_number_that_comes_again_begins_anew)
{
	char room[8], path[100], target[100];
	uint64_t total;
	struct stat about;
	put(17, 100, 0);
	int fd = put_open(17, 3, 0);
	ck_assert_int_eq(page(17, 0, room, sizeof(room), &total), 3);
	close(fd);
	/* What is in the way is not written to. */
	snprintf(path, sizeof(path), "%s/18.1.stdout", folder);
	snprintf(target, sizeof(target), "%s/other", folder);
	ck_assert_int_eq(symlink(target, path), 0);
	put(18, 5, 0);
	ck_assert_int_lt(stat(target, &about), 0);
	ck_assert_int_eq(page(18, 0, room, sizeof(room), &total), 5);
}
END_TEST

START_TEST(what_a_worker_left_when_it_died_is_in_nobodys_way)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/.17.1.stdout", folder);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	put(17, 1, 0);
	ck_assert(is_there(17));
	ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(where_there_is_no_folder_there_is_no_log)
{
	ck_assert_int_lt(command_log_create("/nonexistent", 1, 1, CAPTURE_STDOUT), 0);
	ck_assert_int_eq(errno, ENOENT);
	setting.log_dir = (char[]){ "/nonexistent" };
	setting.log_ttl_ns = 1;
	command_log_prune(&setting, true);
}
END_TEST

START_TEST(an_empty_log_can_be_taken_away)
{
	put(17, 0, 0);
	command_log_remove(folder, 17, 1, CAPTURE_STDERR);
	ck_assert(is_there(17));
	command_log_remove(folder, 17, 1, CAPTURE_STDOUT);
	ck_assert(!is_there(17));
}
END_TEST

/* --- making room --- */

START_TEST(what_is_too_old_goes)
{
	put(1, 10, 1000);
	put(2, 10, 100);
	setting.log_ttl_ns = 500 * NS_PER_S;
	command_log_prune(&setting, true);
	ck_assert(!is_there(1));
	ck_assert(is_there(2));
}
END_TEST

START_TEST(what_is_too_much_goes_the_oldest_first)
{
	put(3, 40, 100);
	put(1, 40, 200);
	put(2, 40, 300);
	put(4, 0, 400); /* which makes room for nothing, and is the oldest */
	setting.log_bytes = 80;
	command_log_prune(&setting, true);
	ck_assert(is_there(3));
	ck_assert(is_there(1));
	ck_assert(!is_there(2));
	ck_assert(!is_there(4));
}
END_TEST

START_TEST(what_is_being_written_stays)
{
	int fd = put_open(1, 100, 1000);
	put(2, 50, 900);
	put(3, 10, 0);
	setting.log_ttl_ns = 500 * NS_PER_S;
	setting.log_bytes = 120;
	command_log_prune(&setting, true);
	ck_assert(is_there(1));
	ck_assert(!is_there(2));
	ck_assert(is_there(3));
	close(fd);
	command_log_prune(&setting, true);
	ck_assert(!is_there(1));
}
END_TEST

START_TEST(without_limits_everything_stays)
{
	put(1, 4000, 100000);
	command_log_prune(&setting, true);
	ck_assert(is_there(1));
}
END_TEST

START_TEST(what_is_no_log_stays)
{
	static const char *const names[] = { "README", "17", "17.1", "17.1.stdout.bak", "17.1.stdin", "x17.1.stdout",
		"-1.1.stdout" };
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char path[120];
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		ck_assert_int_eq(write(fd, "x", 1), 1);
		ck_assert_int_eq(futimens(fd, old), 0);
		close(fd);
	}
	setting.log_ttl_ns = 1;
	setting.log_bytes = 1;
	command_log_prune(&setting, true);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		ck_assert_int_eq(access(path, F_OK), 0);
	}
}
END_TEST

START_TEST(it_is_done_once_a_minute_by_all_together)
{
	int64_t mono_ns = clock_mono_ns(), wall_ns = clock_wall_ns();
	setting.log_ttl_ns = 500 * NS_PER_S;
	clock_fake(mono_ns, wall_ns);
	put(1, 1, 1000);
	command_log_prune(&setting, false);
	ck_assert(!is_there(1));
	put(2, 1, 1000);
	command_log_prune(&setting, false);
	ck_assert(is_there(2));
	/* This process looks again, and finds that somebody else has just done it. */
	clock_fake_advance(61 * NS_PER_S, 0);
	command_log_prune(&setting, false);
	ck_assert(is_there(2));
	clock_fake_advance(61 * NS_PER_S, 62 * NS_PER_S);
	command_log_prune(&setting, false);
	ck_assert(!is_there(2));
	clock_fake_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_log");
	TCase *tests = tcase_create("log");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_log_is_read_in_pages);
	tcase_add_test(tests, a_log_is_not_for_everybody);
	tcase_add_test(tests, a_number_that_comes_again_begins_anew);
	tcase_add_test(tests, what_a_worker_left_when_it_died_is_in_nobodys_way);
	tcase_add_test(tests, where_there_is_no_folder_there_is_no_log);
	tcase_add_test(tests, an_empty_log_can_be_taken_away);
	tcase_add_test(tests, what_is_too_old_goes);
	tcase_add_test(tests, what_is_too_much_goes_the_oldest_first);
	tcase_add_test(tests, what_is_being_written_stays);
	tcase_add_test(tests, without_limits_everything_stays);
	tcase_add_test(tests, what_is_no_log_stays);
	tcase_add_test(tests, it_is_done_once_a_minute_by_all_together);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
