/* A filesystem of 16 MiB that is filled up and emptied again: what does not fit is refused, what was acknowledged stays, and
 * where there is room again it goes on. The filesystem is this program's own, in a namespace; where none is to be had the
 * test is skipped. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/db.h"
#include "store_served.h"
#include "store_world.h"

#define SKIPPED 77
#define DISK_MIB 16
#define FILLER_BYTES (6 << 20)
#define ARGS_BYTES 8192
#define TASKS_MOST (DISK_MIB << 20) / ARGS_BYTES /* more do not fit */

static char disk[] = "/tmp/store-small-XXXXXX"; /* where it is mounted */
static struct served served;
static char filler[192];
static char args[ARGS_BYTES];

/* --- a filesystem of our own --- */
static bool write_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool be_root_here(void)
{
	char map[64];
	unsigned user = geteuid(), group = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1", user);
	if (!write_line("/proc/self/setgroups", "deny") || !write_line("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", group);
	return write_line("/proc/self/gid_map", map);
}

static bool disk_make(void)
{
	char options[32];

	if (geteuid() == 0 ? unshare(CLONE_NEWNS) < 0 && !be_root_here() : !be_root_here())
		return false;
	snprintf(options, sizeof(options), "size=%dm", DISK_MIB);
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdtemp(disk) &&
		mount("tmpfs", disk, "tmpfs", 0, options) == 0;
}

static void fill(size_t bytes)
{
	int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)bytes), 0);
	close(fd);
}

/* To the last page. */
static void fill_up(void)
{
	struct statvfs info;
	struct stat before;

	ck_assert_int_eq(statvfs(disk, &info), 0);
	if (info.f_bavail == 0)
		return;
	ck_assert_int_eq(stat(filler, &before), 0);
	fill((size_t)before.st_size + info.f_bavail * info.f_frsize);
}

/* --- the store's master --- */
static void start(void)
{
	struct store_open order = { .session = 5 };

	served_start(&served, &order);
}

static void setup(void)
{
	memset(args, '1', sizeof(args));
	served_make(&served, disk);
	snprintf(filler, sizeof(filler), "%s/filler", disk);
	fill(FILLER_BYTES);
	start();
	ck_assert_int_eq(served.opened.status, STORE_OPEN_FINE);
}

static void teardown(void)
{
	served_free(&served);
	unlink(filler);
}

static enum store_message put(uint64_t id)
{
	struct store_task task = world_task(id);
	struct store_header header;
	union served_body body;

	task.args = store_text_of(args, sizeof(args));
	served_put(&served, STORE_TASK_PUT, id, id, 0, &task);
	ck_assert(served_hear(&served, &header, &body));
	if (header.message == STORE_FAILED)
		ck_abort_msg("%.*s", (int)body.text.length, body.text.data);
	ck_assert_uint_eq(header.number, id);
	return (enum store_message)header.message;
}

/* From the task ID on until one is refused, which is its number. */
static uint64_t put_until_full(uint64_t id)
{
	enum store_message said = STORE_COMMITTED;

	while (said == STORE_COMMITTED) {
		ck_assert_uint_lt(id, TASKS_MOST);
		said = put(id);
		id += said == STORE_COMMITTED;
	}
	ck_assert_int_eq(said, STORE_REFUSED);
	return id;
}

static enum store_message try_again(uint64_t id)
{
	served_put(&served, STORE_AGAIN, 0, 0, 0, NULL);
	return put(id);
}

static uint8_t ask(const struct store_query *query, char *said, size_t size)
{
	struct store_header header = { 0 };
	union served_body body;

	served_put(&served, STORE_QUERY, 9, 0, 0, query);
	while (header.message != STORE_ANSWERED)
		ck_assert(served_hear(&served, &header, &body));
	snprintf(said, size, "%.*s", (int)body.answer.text.length, body.answer.text.data ? body.answer.text.data : "");
	return body.answer.status;
}

/* All tasks below END are there, and nothing else. */
static void ck_tasks(uint64_t end)
{
	ck_assert_int_eq(served_stop(&served), 0);
	ck_assert_int_eq(served_number(&served, "SELECT count(*) FROM tasks"), (int64_t)end - 1);
	ck_assert_int_eq(served_number(&served, "SELECT max(id) FROM tasks"), (int64_t)end - 1);
	ck_assert_int_eq(
		served_number(&served, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

START_TEST(what_does_not_fit_is_refused_until_there_is_room)
{
	uint64_t id = put_until_full(1);

	ck_assert_uint_gt(id, 50);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(try_again(id), STORE_REFUSED);
	ck_assert_int_eq(unlink(filler), 0);
	ck_assert_int_eq(try_again(id), STORE_COMMITTED);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(put(++id), STORE_COMMITTED);
	ck_tasks(id + 1);
}
END_TEST

START_TEST(it_fills_up_and_is_emptied_again_and_again)
{
	uint64_t id = 1;

	for (int round = 0; round < 3; round++) {
		id = put_until_full(id);
		ck_assert_int_eq(truncate(filler, (2 - round) * (FILLER_BYTES / 3)), 0);
		ck_assert_int_eq(try_again(id++), STORE_COMMITTED);
	}
	ck_tasks(id);
}
END_TEST

START_TEST(questions_are_answered_on_a_full_disk)
{
	uint64_t id = put_until_full(1);
	struct store_query backup = { .question = STORE_ASK_BACKUP };
	char said[512], path[192];

	ck_assert_int_eq(ask(&(struct store_query){ .question = STORE_ASK_TASK, .id = id - 1 }, said, sizeof(said)),
		STORE_ANSWER_FINE);
	ck_assert_int_eq(
		ask(&(struct store_query){ .question = STORE_ASK_CHECK }, said, sizeof(said)), STORE_ANSWER_FINE);
	snprintf(path, sizeof(path), "%s/copy", disk);
	backup.path = text(path);
	ck_assert_int_eq(ask(&backup, said, sizeof(said)), STORE_ANSWER_ERROR);
	ck_assert(strstr(said, "full") || strstr(said, strerror(ENOSPC)));
	ck_assert_int_lt(access(path, F_OK), 0);
	ck_tasks(id);
}
END_TEST

START_TEST(nothing_is_lost_where_it_is_killed_on_a_full_disk)
{
	uint64_t id = put_until_full(1);

	fill_up();
	served_kill(&served);
	start();
	/* Either there was room enough for the little that an opening writes, or it says why not. */
	if (served.opened.status != STORE_OPEN_FINE) {
		ck_assert_int_eq(served.opened.status, STORE_OPEN_FULL);
		ck_assert(strstr(served.opened_text, STORE_FILE) && strstr(served.opened_text, "full"));
		served_kill(&served);
		ck_assert_int_eq(unlink(filler), 0);
		start();
	}
	ck_assert_int_eq(served.opened.status, STORE_OPEN_FINE);
	unlink(filler);
	ck_assert_int_eq(put(id), STORE_COMMITTED);
	ck_tasks(id + 1);
}
END_TEST

START_TEST(there_is_no_room_for_a_new_file)
{
	char path[192];

	ck_assert_int_eq(served_stop(&served), 0);
	snprintf(path, sizeof(path), "%s/" STORE_FILE, served.directory);
	ck_assert_int_eq(unlink(path), 0);
	fill_up();
	start();
	ck_assert_int_eq(served.opened.status, STORE_OPEN_FULL);
	ck_assert(strstr(served.opened_text, STORE_FILE) && strstr(served.opened_text, "full"));
	served_kill(&served);
	ck_assert_int_eq(unlink(filler), 0);
	start();
	ck_assert_int_eq(served.opened.status, STORE_OPEN_FINE);
	ck_assert_int_eq(put(1), STORE_COMMITTED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_small");
	TCase *c = tcase_create("small");
	SRunner *runner;

	if (!disk_make()) {
		printf("skipped: no filesystem of its own is to be had here (%s)\n", strerror(errno));
		return SKIPPED;
	}
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_does_not_fit_is_refused_until_there_is_room);
	tcase_add_test(c, it_fills_up_and_is_emptied_again_and_again);
	tcase_add_test(c, questions_are_answered_on_a_full_disk);
	tcase_add_test(c, nothing_is_lost_where_it_is_killed_on_a_full_disk);
	tcase_add_test(c, there_is_no_room_for_a_new_file);
	suite_add_tcase(s, c);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	umount(disk);
	rmdir(disk);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
