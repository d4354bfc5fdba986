/* The cgroup of a worker of commands: its limits, its count of OOM kills, and that nobody gets away. Where the machine has no
 * memory controller for it, plain files stand for the kernel's. */
#include "base/clock.h"
#include "worker/command.h"

#include "cgroup_fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define BOUND_MS 20000 /* of what must come: only a test that fails waits for so long */

static char *folder;
static char parent[256];
static struct cgroup_slot *cgroup;

static void event_count(int kills)
{
	/* Into the same file, as it is open. */
	int fd = open(path_of("%s/slot-3/memory.events", parent), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	dprintf(fd, "low 0\nhigh 7\nmax 9\noom 8\noom_kill %d\noom_group_kill 6\n", kills);
	close(fd);
}

static void setup(void)
{
	static const char *const files[] = { "memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cgroup.kill",
		"cgroup.procs" };
	folder = folder_make();
	snprintf(parent, sizeof(parent), "%s/pool-a", folder);
	mkdir(parent, 0755);
	mkdir(path_of("%s/slot-3", parent), 0755);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		file_put(path_of("%s/slot-3/%s", parent, files[i]), "");
	file_put(path_of("%s/cgroup.controllers", parent), "pids memory\n");
	file_put(path_of("%s/cgroup.subtree_control", parent), "");
	event_count(2);
	cgroup = NULL;
}

static void teardown(void)
{
	cgroup_slot_free(cgroup);
	folder_remove_all(folder);
}

static void start(void)
{
	cgroup = cgroup_slot_new(parent, 3);
	ck_assert_ptr_nonnull(cgroup);
}

static bool limit_is(const char *file, const char *text)
{
	return file_says(path_of("%s/slot-3/%s", parent, file), text);
}

START_TEST(limits_are_set_and_taken_away)
{
	start();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 64 << 20, 10), 0);
	ck_assert(limit_is("memory.max", "67108864"));
	ck_assert(limit_is("memory.swap.max", "0"));
	ck_assert(limit_is("pids.max", "10"));
	ck_assert_int_eq(cgroup_slot_begin(cgroup, INT64_C(5) << 40, -1), 0);
	ck_assert(limit_is("memory.max", "5497558138880"));
	ck_assert(limit_is("pids.max", "max"));
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, 0), 0);
	ck_assert(limit_is("memory.max", "max"));
	ck_assert(limit_is("memory.swap.max", "max"));
	ck_assert(limit_is("pids.max", "0"));
}
END_TEST

/* What an earlier worker has set is not this one's. */
START_TEST(first_command_sets_all_limits)
{
	file_put(path_of("%s/slot-3/memory.max", parent), "4096");
	file_put(path_of("%s/slot-3/pids.max", parent), "1");
	start();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, -1), 0);
	ck_assert(limit_is("memory.max", "max"));
	ck_assert(limit_is("pids.max", "max"));
}
END_TEST

START_TEST(limit_without_its_controller_is_told)
{
	unlink(path_of("%s/slot-3/memory.max", parent));
	unlink(path_of("%s/slot-3/memory.swap.max", parent));
	start();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, 5), 0);
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, 6), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert(limit_is("pids.max", "6")); /* the other one holds */
	unlink(path_of("%s/slot-3/pids.max", parent));
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, 7), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, -1), 0);
}
END_TEST

START_TEST(memory_is_limited_where_swap_is_not_counted)
{
	unlink(path_of("%s/slot-3/memory.swap.max", parent));
	start();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, -1), 0);
	ck_assert(limit_is("memory.max", "1048576"));
}
END_TEST

/* A limit that could not be set is tried again with the next command. */
START_TEST(limit_that_failed_is_not_taken_for_set)
{
	start();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, 5), 0);
	unlink(path_of("%s/slot-3/pids.max", parent));
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, 6), -1);
	file_put(path_of("%s/slot-3/pids.max", parent), "");
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, 5), 0);
	ck_assert(limit_is("pids.max", "5"));
}
END_TEST

START_TEST(oom_kills_count_from_the_commands_beginning)
{
	start();
	ck_assert(limit_is("memory.oom.group", "1"));
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, -1), 0);
	ck_assert(!cgroup_slot_oom_killed(cgroup));
	event_count(3);
	ck_assert(cgroup_slot_oom_killed(cgroup));
	ck_assert_int_eq(cgroup_slot_begin(cgroup, 1 << 20, -1), 0);
	ck_assert(!cgroup_slot_oom_killed(cgroup));
}
END_TEST

START_TEST(without_a_count_nothing_was_killed_for_memory)
{
	unlink(path_of("%s/slot-3/memory.events", parent));
	start();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, -1), 0);
	ck_assert(!cgroup_slot_oom_killed(cgroup));
}
END_TEST

START_TEST(controllers_are_enabled_for_slots)
{
	start();
	ck_assert(file_says(path_of("%s/cgroup.subtree_control", parent), "+pids")); /* after "+memory" */
}
END_TEST

START_TEST(leftovers_are_killed)
{
	start();
	ck_assert(limit_is("cgroup.kill", ""));
	cgroup_slot_free(cgroup);
	file_put(path_of("%s/slot-3/cgroup.procs", parent), "4711\n");
	start();
	ck_assert(limit_is("cgroup.kill", "1"));
}
END_TEST

START_TEST(kill_without_such_a_file_is_told)
{
	unlink(path_of("%s/slot-3/cgroup.kill", parent));
	start();
	ck_assert_int_eq(cgroup_slot_kill(cgroup), -1);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(where_there_can_be_none_there_is_none)
{
	ck_assert_ptr_null(cgroup_slot_new(NULL, 0));
	ck_assert_ptr_null(cgroup_slot_new("/nonexistent/pool-a", 0));
	ck_assert_ptr_null(cgroup_slot_new("/dev/null", 0));
}
END_TEST

#define NOBODY 65534

/* He could move what is in there, or freeze it. */
START_TEST(what_is_another_users_is_not_taken)
{
	static const char *const folders[] = { "", "/slot-3" };
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path_of("%s%s", parent, folders[_i]), NOBODY, NOBODY), 0);
	ck_assert_ptr_null(cgroup_slot_new(parent, 3));
	ck_assert_int_eq(chown(path_of("%s%s", parent, folders[_i]), 0, 0), 0);
	start();
}
END_TEST

START_TEST(who_may_not_join_does_without)
{
	start();
	cgroup_slot_spoilt(cgroup, EACCES);
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, 5), -1);
	ck_assert_int_eq(cgroup_slot_fd(cgroup), -1);
	ck_assert(!cgroup_slot_oom_killed(cgroup));
	ck_assert_int_eq(cgroup_slot_kill(cgroup), -1);
}
END_TEST

/* --- the real thing --- */

static char *real;

static void setup_real(void)
{
	real = real_make();
	if (real)
		snprintf(parent, sizeof(parent), "%s/pool-a", real);
}

static void teardown_real(void)
{
	if (real)
		ck_assert_msg(rmdir(real) == 0, "%s: %s", real, strerror(errno)); /* so there is nothing in it any more */
	free(real);
}

/* A tree in CGROUP: a process, its child, and a grandchild that nobody waits for. All hold WRITER open; what is read from
 * its other end: one byte from each. */
static pid_t tree_start(const struct cgroup_slot *slot, int writer)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	int fd = openat(cgroup_slot_fd(slot), "cgroup.procs", O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(1);
	if (fork() == 0 && fork() == 0)
		setsid();
	signal(SIGTERM, SIG_IGN);
	if (write(writer, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void tree_wait(int reader)
{
	char byte;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(read(reader, &byte, 1), 1);
}

/* Whether the whole of it is gone. */
static void tree_gone(int reader, pid_t pid)
{
	struct pollfd wait = { .fd = reader, .events = POLLIN };
	char byte;
	int status;
	ck_assert_int_eq(poll(&wait, 1, BOUND_MS), 1);
	ck_assert_int_eq(read(reader, &byte, 1), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(reader);
}

static void pipe_make(int *reader, int *writer)
{
	int pair[2];
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	*reader = pair[0];
	*writer = pair[1];
}

START_TEST(kill_reaches_the_whole_tree)
{
	int reader, writer;
	if (!real)
		return;
	cgroup = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(cgroup);
	for (int i = 0; i < 20; i++) {
		pipe_make(&reader, &writer);
		ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, -1), 0);
		pid_t pid = tree_start(cgroup, writer);
		close(writer);
		tree_wait(reader);
		ck_assert_int_eq(cgroup_slot_kill(cgroup), 0);
		tree_gone(reader, pid);
		ck_assert(!cgroup_slot_oom_killed(cgroup));
	}
	cgroup_slot_free(cgroup);
	ck_assert_int_lt(access(parent, F_OK), 0);
}
END_TEST

START_TEST(what_is_left_at_the_end_is_killed)
{
	int reader, writer;
	if (!real)
		return;
	struct cgroup_slot *other = cgroup_slot_new(parent, 1);
	cgroup = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(cgroup);
	pipe_make(&reader, &writer);
	pid_t pid = tree_start(cgroup, writer);
	close(writer);
	tree_wait(reader);
	cgroup_slot_free(cgroup);
	tree_gone(reader, pid);
	ck_assert_int_lt(access(path_of("%s/slot-0", parent), F_OK), 0);
	ck_assert_int_eq(access(path_of("%s/slot-1", parent), F_OK), 0);
	cgroup_slot_free(other);
}
END_TEST

START_TEST(next_worker_takes_over_without_what_was_left)
{
	int reader, writer;
	if (!real)
		return;
	cgroup = cgroup_slot_new(parent, 0); /* its worker dies: nobody frees it */
	ck_assert_ptr_nonnull(cgroup);
	pipe_make(&reader, &writer);
	pid_t pid = tree_start(cgroup, writer);
	close(writer);
	tree_wait(reader);
	struct cgroup_slot *next = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(next);
	tree_gone(reader, pid);
	cgroup_slot_free(next);
	cgroup_slot_free(cgroup); /* finds nothing, and does not mind */
}
END_TEST

/* --- its user plays with it --- */

static void play(const char *file, const char *text)
{
	int fd = open(path_of("%s/slot-0/%s", parent, file), O_WRONLY | O_CLOEXEC);
	ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s: %s", file, strerror(errno));
	close(fd);
}

static void play_remove(void)
{
	ck_assert_int_eq(rmdir(path_of("%s/slot-0", parent)), 0);
}

static void play_freeze(void)
{
	play("cgroup.freeze", "1");
}

/* Nobody can join what has parts with threads. */
static void play_divide(void)
{
	ck_assert_int_eq(mkdir(path_of("%s/slot-0/a", parent), 0755), 0);
	ck_assert_int_eq(mkdir(path_of("%s/slot-0/a/b", parent), 0755), 0);
	play("a/cgroup.type", "threaded");
}

static void play_turn_into_threads(void)
{
	play("cgroup.type", "threaded");
}

static const struct {
	void (*play)(void);
	bool shows; /* before a command is there */
} games[] = { { play_remove, true }, { play_freeze, true }, { play_divide, true }, { play_turn_into_threads, false } };

/* As a command does. */
static bool can_be_joined(const struct cgroup_slot *slot)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = openat(cgroup_slot_fd(slot), "cgroup.procs", O_WRONLY);
		_exit(fd >= 0 && write(fd, "0", 1) == 1 ? 0 : errno);
	}
	const int64_t end_ns = clock_mono_ns() + BOUND_MS * NS_PER_MS;
	pid_t ended = 0;
	while (ended == 0 && clock_mono_ns() < end_ns)
		ended = waitpid(pid, &status, WNOHANG);
	if (ended == 0)
		(void)cgroup_slot_kill(slot);
	if (ended == 0 || WEXITSTATUS(status) == 0)
		return ended == pid;
	errno = WEXITSTATUS(status);
	return false;
}

START_TEST(the_next_command_has_one_whatever_was_done_to_it)
{
	if (!real)
		return;
	cgroup = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(cgroup);
	games[_i].play();
	ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, -1), 0);
	if (!can_be_joined(cgroup)) {
		ck_assert_msg(!games[_i].shows, "%s", strerror(errno));
		cgroup_slot_spoilt(cgroup, errno);
		ck_assert_int_eq(cgroup_slot_begin(cgroup, -1, -1), 0);
		ck_assert_msg(can_be_joined(cgroup), "%s", strerror(errno));
	}
	cgroup_slot_free(cgroup);
	ck_assert_int_lt(access(parent, F_OK), 0);
}
END_TEST

START_TEST(the_next_worker_has_one_whatever_was_done_to_it)
{
	if (!real)
		return;
	cgroup = cgroup_slot_new(parent, 0); /* its worker dies: nobody frees it */
	ck_assert_ptr_nonnull(cgroup);
	games[_i].play();
	struct cgroup_slot *next = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(next);
	ck_assert_int_eq(cgroup_slot_begin(next, -1, -1), 0);
	ck_assert_msg(can_be_joined(next), "%s", strerror(errno));
	cgroup_slot_free(next);
	cgroup_slot_free(cgroup);
	ck_assert_int_lt(access(parent, F_OK), 0);
}
END_TEST

START_TEST(what_was_left_in_a_part_of_it_is_killed)
{
	int reader, writer;
	if (!real)
		return;
	cgroup = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(cgroup);
	pipe_make(&reader, &writer);
	pid_t pid = tree_start(cgroup, writer);
	close(writer);
	tree_wait(reader);
	ck_assert_int_eq(mkdir(path_of("%s/slot-0/a", parent), 0755), 0);
	play("a/cgroup.procs", path_of("%d", pid));
	struct cgroup_slot *next = cgroup_slot_new(parent, 0);
	ck_assert_ptr_nonnull(next);
	tree_gone(reader, pid);
	ck_assert_int_lt(access(path_of("%s/slot-0/a", parent), F_OK), 0);
	cgroup_slot_free(next);
	cgroup_slot_free(cgroup);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cgroup_slot");
	TCase *tcase = tcase_create("files");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, limits_are_set_and_taken_away);
	tcase_add_test(tcase, first_command_sets_all_limits);
	tcase_add_test(tcase, limit_without_its_controller_is_told);
	tcase_add_test(tcase, memory_is_limited_where_swap_is_not_counted);
	tcase_add_test(tcase, limit_that_failed_is_not_taken_for_set);
	tcase_add_test(tcase, oom_kills_count_from_the_commands_beginning);
	tcase_add_test(tcase, without_a_count_nothing_was_killed_for_memory);
	tcase_add_test(tcase, controllers_are_enabled_for_slots);
	tcase_add_test(tcase, leftovers_are_killed);
	tcase_add_test(tcase, kill_without_such_a_file_is_told);
	tcase_add_test(tcase, where_there_can_be_none_there_is_none);
	tcase_add_loop_test(tcase, what_is_another_users_is_not_taken, 0, 2);
	tcase_add_test(tcase, who_may_not_join_does_without);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("tree");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup_real, teardown_real);
	tcase_add_test(tcase, kill_reaches_the_whole_tree);
	tcase_add_test(tcase, what_is_left_at_the_end_is_killed);
	tcase_add_test(tcase, next_worker_takes_over_without_what_was_left);
	tcase_add_loop_test(tcase, the_next_command_has_one_whatever_was_done_to_it, 0, sizeof(games) / sizeof(*games));
	tcase_add_loop_test(tcase, the_next_worker_has_one_whatever_was_done_to_it, 0, sizeof(games) / sizeof(*games));
	tcase_add_test(tcase, what_was_left_in_a_part_of_it_is_killed);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
