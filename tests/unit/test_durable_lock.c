/* The locks of a state directory, between processes. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "durable/lock.h"

static char directory[64], parent[64];
static struct lock lock;
static pid_t pid;

static void setup(void)
{
	strcpy(parent, "/tmp/taskd-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(parent));
	snprintf(directory, sizeof(directory), "%.40s/state", parent);
	lock = LOCK_NONE;
}

static void teardown(void)
{
	char command[128];
	lock_drop(&lock);
	snprintf(command, sizeof(command), "rm -rf %s", parent);
	ck_assert_int_eq(system(command), 0);
}

/* Another process that has the directory, with a child of its own that has what children have. Both wait until they are
 * killed. */
struct daemon {
	pid_t master, child;
};

static void be_daemon(int pipe_fd)
{
	struct lock own = LOCK_NONE;
	pid_t other;
	if (lock_take(&own, directory, &other) != LOCK_MINE)
		_exit(1);
	pid_t child = fork();
	if (child == 0) { /* as a worker: that one only */
		close(own.master_fd);
		close(pipe_fd);
		for (;;)
			pause();
	}
	if (write(pipe_fd, &child, sizeof(child)) != sizeof(child))
		_exit(1);
	for (;;)
		pause();
}

static struct daemon daemon_start(void)
{
	struct daemon daemon;
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	daemon.master = fork();
	if (daemon.master == 0)
		be_daemon(fds[1]);
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &daemon.child, sizeof(daemon.child)), sizeof(daemon.child));
	close(fds[0]);
	return daemon;
}

static void end(pid_t victim)
{
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
}

static void until(enum lock_status expected)
{
	enum lock_status status = lock_take(&lock, directory, &pid);
	for (int i = 0; status != expected; i++) {
		ck_assert_msg(i < 30000, "%d, not %d", (int)status, (int)expected);
		usleep(1000);
		status = lock_take(&lock, directory, &pid);
	}
}

START_TEST(it_is_made_where_it_is_not_there)
{
	struct stat status;
	ck_assert_int_eq(lock_take(&lock, directory, &pid), LOCK_MINE);
	ck_assert_int_eq(stat(directory, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777, 0700);
	ck_assert_int_ge(lock.children_fd, 0);
	ck_assert_int_eq(lock_take(&lock, directory, &pid), LOCK_MINE); /* it is still */
}
END_TEST

START_TEST(a_second_daemon_is_told_of_the_first)
{
	struct daemon daemon = daemon_start();
	ck_assert_int_eq(lock_take(&lock, directory, &pid), LOCK_DAEMON);
	ck_assert_int_eq(pid, daemon.master);
	ck_assert_int_eq(lock.master_fd, -1);
	end(daemon.master);
	end(daemon.child);
	until(LOCK_MINE);
}
END_TEST

START_TEST(children_of_a_dead_daemon_are_waited_for)
{
	struct daemon daemon = daemon_start();
	struct lock third = LOCK_NONE;
	pid_t holders[4];
	end(daemon.master);
	until(LOCK_CHILDREN);
	ck_assert_uint_eq(lock_holders(&lock, holders, 4), 1);
	ck_assert_int_eq(holders[0], daemon.child);
	/* Meanwhile it is nobody else's. */
	ck_assert_int_eq(lock_take(&third, directory, &pid), LOCK_DAEMON);
	ck_assert_int_eq(pid, getpid());
	ck_assert_int_eq(lock_take(&lock, directory, &pid), LOCK_CHILDREN);
	end(daemon.child);
	until(LOCK_MINE);
}
END_TEST

START_TEST(what_is_given_up_can_be_had)
{
	struct lock other = LOCK_NONE;
	ck_assert_int_eq(lock_take(&lock, directory, &pid), LOCK_MINE);
	lock_drop(&lock);
	ck_assert_int_eq(lock_take(&other, directory, &pid), LOCK_MINE);
	lock_drop(&other);
	lock_drop(&other);
}
END_TEST

START_TEST(what_cannot_be_had_is_an_error)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/no/such", parent);
	ck_assert_int_eq(lock_take(&lock, path, &pid), LOCK_ERROR);
	ck_assert_int_eq(errno, ENOENT);
	snprintf(path, sizeof(path), "%s/link", parent);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	strcat(path, "/lock");
	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0); /* is not followed */
	path[strlen(path) - 5] = '\0';
	ck_assert_int_eq(lock_take(&lock, path, &pid), LOCK_ERROR);
	ck_assert_int_eq(errno, ELOOP);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("durable_lock");
	TCase *tc = tcase_create("durable_lock");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_made_where_it_is_not_there);
	tcase_add_test(tc, a_second_daemon_is_told_of_the_first);
	tcase_add_test(tc, children_of_a_dead_daemon_are_waited_for);
	tcase_add_test(tc, what_is_given_up_can_be_had);
	tcase_add_test(tc, what_cannot_be_had_is_an_error);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
