/* Opening the store's file: new, as it was, and everything that it must not be opened as. What is refused is left as it
 * is, to the byte. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "store/open_file.h"
#include "store_world.h"

static struct world world;

static void setup(void)
{
	world_init(&world);
	file_lock_wait_ns = 50 * NS_PER_MS;
}

static void teardown(void)
{
	world_fini(&world);
}

/* A file with tasks in it, closed: all is in the file itself. */
static void make_file(void)
{
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	for (uint64_t id = 1; id <= 50; id++)
		world_put(&world, id);
	world_close(&world);
}

static void ck_says(const char *what)
{
	ck_assert_ptr_nonnull(world.text);
	if (!strstr(world.text, what))
		ck_abort_msg("\"%s\" does not say \"%s\"", world.text, what);
}

/* It is refused so, named, and not changed; and where it may be put aside it is kept, and another one begins. */
static void ck_damaged(const char *why)
{
	size_t length, length_after;
	char *before = world_read(world.file, &length), *after, *name = NULL;

	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_DAMAGED);
	ck_says(world.file);
	ck_says(why);
	ck_says("store_damaged = aside");
	ck_assert_ptr_null(world.db.handle);
	after = world_read(world.file, &length_after);
	ck_assert(length == length_after && !before == !after && (!before || memcmp(before, after, length) == 0));
	free(after);

	ck_assert_int_eq(world_open(&world, true), STORE_OPEN_ASIDE);
	ck_says(why);
	ck_says(".damaged-");
	world_close(&world);
	ck_assert_int_eq(world_sql(&world, "SELECT count(*) FROM tasks"), 0);
	if (before) {
		ck_assert_int_ge(world_files(&world, STORE_FILE ".damaged-", &name), 1);
		*(strstr(name, "-wal")                 ? strstr(name, "-wal")
				: strstr(name, "-shm") ? strstr(name, "-shm")
						       : name + strlen(name)) = 0;
		after = world_read(name, &length_after);
		ck_assert(after && length == length_after && memcmp(before, after, length) == 0);
		free(after);
		free(name);
	}
	free(before);
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
}

START_TEST(a_new_file_is_its_users_alone)
{
	struct stat info;
	mode_t mask = umask(0);

	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	umask(mask);
	ck_assert_ptr_null(world.text);
	world_put(&world, 1);
	ck_assert_int_eq(stat(world.file, &info), 0);
	ck_assert_int_eq(info.st_mode & 0777, 0600);
	for (int i = 0; i < 2; i++) {
		char *path = xasprintf("%s%s", world.file, i ? "-wal" : ".lock");

		ck_assert_int_eq(stat(path, &info), 0);
		ck_assert_int_eq(info.st_mode & 0777, 0600);
		free(path);
	}
}
END_TEST

START_TEST(what_was_there_is_there_again)
{
	make_file();
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	world_close(&world);
	ck_assert_int_eq(world_sql(&world, "SELECT count(*) FROM tasks"), 50);
}
END_TEST

START_TEST(what_only_the_log_has_is_there_again)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		make_file();
		world_open(&world, false);
		world_put(&world, 51);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	world_close(&world);
	ck_assert_int_eq(world_sql(&world, "SELECT count(*) FROM tasks"), 51);
}
END_TEST

START_TEST(what_others_have_added_does_no_harm)
{
	make_file();
	world_sql(&world, "CREATE INDEX mine ON tasks (type)");
	world_sql(&world, "ALTER TABLE queues ADD COLUMN mine TEXT");
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
}
END_TEST

/* --- whose it is --- */
/* A process that has it open until it is told to go. */
static pid_t holder_start(int *tell)
{
	int word[2], ready[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe2(word, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(word[1]);
		if (world_open(&world, false) != STORE_OPEN_FINE || write(ready[1], "", 1) != 1)
			_exit(1);
		(void)!read(word[0], &byte, 1);
		_exit(0);
	}
	close(word[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*tell = word[1];
	return child;
}

START_TEST(a_file_that_another_process_has_is_refused)
{
	int tell, status;
	pid_t child = holder_start(&tell);

	ck_assert_int_eq(world_open(&world, true), STORE_OPEN_LOCKED);
	ck_says(world.file);
	ck_assert_int_eq(world_files(&world, STORE_FILE ".damaged", NULL), 0);
	close(tell);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
}
END_TEST

/* Waits until PID has the lock's file open, and so tries to have the lock. */
static void wait_for_trying(pid_t pid)
{
	char path[64], target[128], *lock = xasprintf("%s.lock", world.file);
	bool tries = false;

	while (!tries) {
		for (int fd = 0; fd < 64 && !tries; fd++) {
			ssize_t length;

			snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
			length = readlink(path, target, sizeof(target) - 1);
			target[length > 0 ? length : 0] = 0;
			tries = strcmp(target, lock) == 0;
		}
	}
	free(lock);
}

START_TEST(a_process_that_is_about_to_leave_is_waited_for)
{
	int tell, status;
	pid_t child = holder_start(&tell), killer;

	file_lock_wait_ns = 60 * NS_PER_S;
	killer = fork();
	if (killer == 0) {
		wait_for_trying(getppid());
		kill(child, SIGKILL);
		_exit(0);
	}
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
	close(tell);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(waitpid(killer, &status, 0), killer);
}
END_TEST

START_TEST(a_file_that_a_person_has_locked_is_refused)
{
	struct db person = { 0 };

	make_file();
	ck_assert_int_eq(sqlite3_open_v2(world.file, &person.handle, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_int_eq(db_exec(&person, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"), DB_OK);
	ck_assert_int_eq(world_open(&world, true), STORE_OPEN_LOCKED);
	ck_says(world.file);
	db_close(&person);
}
END_TEST

/* --- what cannot be believed --- */
START_TEST(a_later_version_is_refused_and_left_alone)
{
	size_t length, length_after;
	char *before, *after;

	make_file();
	world_sql(&world, "PRAGMA user_version = 9");
	before = world_read(world.file, &length);
	ck_assert_int_eq(world_open(&world, true), STORE_OPEN_NEWER);
	ck_says(world.file);
	ck_says("version 9");
	ck_says("up to 2");
	after = world_read(world.file, &length_after);
	ck_assert(length == length_after && memcmp(before, after, length) == 0);
	ck_assert_int_eq(world_files(&world, STORE_FILE ".damaged", NULL), 0);
	free(before);
	free(after);
}
END_TEST

START_TEST(what_is_no_database_is_damaged)
{
	char noise[8192];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7 + 3);
	world_write(world.file, noise, sizeof(noise));
	ck_damaged("not a database");
}
END_TEST

START_TEST(a_few_bytes_are_damaged)
{
	world_write(world.file, "xy", _i == 0 ? 1 : 2);
	ck_damaged("not a database");
}
END_TEST

START_TEST(another_programs_database_is_not_written_to)
{
	struct db other = { 0 };

	ck_assert_int_eq(sqlite3_open_v2(world.file, &other.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
		SQLITE_OK);
	ck_assert_int_eq(db_exec(&other, "CREATE TABLE moz_bookmarks (id)"), DB_OK);
	db_close(&other);
	ck_damaged("not taskd's");
}
END_TEST

START_TEST(a_shortened_file_is_damaged)
{
	struct stat info;

	make_file();
	ck_assert_int_eq(stat(world.file, &info), 0);
	ck_assert_int_eq(truncate(world.file, info.st_size / 2), 0);
	ck_damaged("malformed");
}
END_TEST

START_TEST(a_page_of_noise_is_damaged)
{
	int fd;
	char noise[4096];
	int64_t page;

	make_file();
	page = world_sql(&world, "SELECT rootpage FROM sqlite_schema WHERE name = 'tasks'");
	memset(noise, 0xa5, sizeof(noise));
	fd = open(world.file, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, noise, sizeof(noise), (page - 1) * 4096), sizeof(noise));
	close(fd);
	ck_damaged("damaged (");
}
END_TEST

START_TEST(a_missing_table_is_damage)
{
	make_file();
	world_sql(&world, "DROP TABLE obituaries");
	ck_damaged("obituaries");
}
END_TEST

START_TEST(a_lost_row_of_numbers_is_damage)
{
	make_file();
	world_sql(&world, "DELETE FROM meta");
	ck_damaged("meta");
}
END_TEST

START_TEST(an_emptied_file_is_not_taken_for_a_new_one)
{
	make_file();
	ck_assert_int_eq(truncate(world.file, 0), 0);
	ck_damaged("was not before");
}
END_TEST

/* A log that belongs to a file of which nothing is left: SQLite would throw it away. */
static void leave_log(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		world_open(&world, false);
		world_put(&world, 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
}

START_TEST(a_log_beside_an_empty_file_is_kept)
{
	char *lock = xasprintf("%s.lock", world.file), *name = NULL;

	leave_log();
	unlink(lock); /* nobody says that there was something */
	free(lock);
	ck_assert_int_eq(truncate(world.file, 0), 0);
	ck_damaged("-wal");
	world_files(&world, STORE_FILE ".damaged-", &name);
	free(name);
	ck_assert_int_ge(world_files(&world, STORE_FILE ".damaged-", NULL), 2);
}
END_TEST

START_TEST(a_log_without_a_file_is_kept)
{
	leave_log();
	unlink(world.file);
	ck_damaged("-wal");
	ck_assert_int_ge(world_files(&world, STORE_FILE ".damaged-", NULL), 1);
}
END_TEST

START_TEST(a_file_that_was_removed_with_its_log_begins_anew)
{
	make_file();
	unlink(world.file);
	ck_assert_int_eq(world_open(&world, false), STORE_OPEN_FINE);
}
END_TEST

START_TEST(nothing_that_was_put_aside_is_replaced)
{
	clock_fake(1, INT64_C(1795000000) * NS_PER_S);
	for (int i = 1; i <= 3; i++) {
		world_write(world.file, "damaged thrice", (size_t)(10 + i));
		ck_assert_int_eq(world_open(&world, true), STORE_OPEN_ASIDE);
		world_close(&world);
		ck_assert_int_eq(world_files(&world, STORE_FILE ".damaged-20261118-110640", NULL), i);
	}
	clock_fake_end();
}
END_TEST

/* --- what cannot be opened --- */
START_TEST(no_directory_is_an_error_that_names_it)
{
	struct store_open open = { .directory = text("/nonexistent/taskd") };

	ck_assert_int_eq(open_writer(&world.db, &open, &world.text), STORE_OPEN_ERROR);
	ck_says("/nonexistent/taskd");
	ck_says("No such file or directory");
}
END_TEST

START_TEST(a_directory_in_its_place_is_an_error)
{
	ck_assert_int_eq(mkdir(world.file, 0700), 0);
	ck_assert_int_eq(world_open(&world, true), STORE_OPEN_ERROR);
	ck_says("not a regular file");
}
END_TEST

START_TEST(a_file_that_may_not_be_written_is_an_error)
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		return; /* there is nobody else to be */
	make_file();
	ck_assert_int_eq(chmod(world.directory, 0755), 0);
	child = fork();
	if (child == 0) {
		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		_exit(world_open(&world, true) == STORE_OPEN_ERROR && strstr(world.text, "Permission denied") ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store_open");
	TCase *c = tcase_create("open");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_new_file_is_its_users_alone);
	tcase_add_test(c, what_was_there_is_there_again);
	tcase_add_test(c, what_only_the_log_has_is_there_again);
	tcase_add_test(c, what_others_have_added_does_no_harm);
	tcase_add_test(c, a_file_that_another_process_has_is_refused);
	tcase_add_test(c, a_process_that_is_about_to_leave_is_waited_for);
	tcase_add_test(c, a_file_that_a_person_has_locked_is_refused);
	tcase_add_test(c, a_later_version_is_refused_and_left_alone);
	tcase_add_test(c, what_is_no_database_is_damaged);
	tcase_add_loop_test(c, a_few_bytes_are_damaged, 0, 2);
	tcase_add_test(c, another_programs_database_is_not_written_to);
	tcase_add_test(c, a_shortened_file_is_damaged);
	tcase_add_test(c, a_page_of_noise_is_damaged);
	tcase_add_test(c, a_missing_table_is_damage);
	tcase_add_test(c, a_lost_row_of_numbers_is_damage);
	tcase_add_test(c, an_emptied_file_is_not_taken_for_a_new_one);
	tcase_add_test(c, a_log_beside_an_empty_file_is_kept);
	tcase_add_test(c, a_log_without_a_file_is_kept);
	tcase_add_test(c, a_file_that_was_removed_with_its_log_begins_anew);
	tcase_add_test(c, nothing_that_was_put_aside_is_replaced);
	tcase_add_test(c, no_directory_is_an_error_that_names_it);
	tcase_add_test(c, a_directory_in_its_place_is_an_error);
	tcase_add_test(c, a_file_that_may_not_be_written_is_an_error);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
