/* What is left of a worker that has died, and who waits for tasks within a command: both are found by whose children
 * processes are. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool_world.h"

static struct pool_world world;

static void set_up(void)
{
	pool_world_init(&world);
}

/* taskd may itself be what a command of another taskd runs. */
static void set_up_in_a_command(void)
{
	setenv("TASKD_TASK_ID", "7", 1);
	setenv("TASKD_ATTEMPT", "1", 1);
	setenv("TASKD_SLOT", "0", 1);
	set_up();
}

/* One that was a child of this process before it was taskd, and which leaves a child of its own behind when it is told. */
static int elder_in, elder_out;

static void set_up_with_an_elder(void)
{
	int in[2], out[2], pid;
	char byte;
	ck_assert(pipe(in) == 0 && pipe(out) == 0);
	if (fork() == 0) {
		close(in[1]);
		if (read(in[0], &byte, 1) == 1 && (pid = fork()) > 0)
			_exit(write(out[1], &pid, sizeof(pid)) != sizeof(pid));
		execl("/bin/sleep", "sleep", "1000", (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	elder_in = in[1];
	elder_out = out[0];
	set_up();
}

static void tear_down(void)
{
	pool_world_fini(&world);
}

/* The pid that TASK has told. */
static int told_pid(struct task *task)
{
	world_until(&world, task->extra && task->extra->progress_text);
	return atoi(task->extra->progress_text);
}

static void kill_worker(struct task *task)
{
	kill(world_worker(&world, task)->pid, SIGKILL);
	world_end(&world, task);
}

/* --- strays --- */

START_TEST(what_a_dead_worker_leaves_behind_is_killed)
{
	struct task *task = world_start(&world, world.exec, "[\"stray\"]");
	int pid = told_pid(task);
	ck_assert(world_is_alive(pid));
	kill_worker(task);
	world_until(&world, !world_is_alive(pid));
}
END_TEST

/* What it had, a lock, say, is another's only then. */
START_TEST(the_task_is_over_when_nothing_is_left_of_it)
{
	struct task *task = world_start(&world, world.exec, "[\"family\",6]");
	int pid = told_pid(task);
	kill_worker(task);
	ck_assert(!world_is_alive(pid));
	ck_assert_int_eq(task->state, TASK_CRASHED);
}
END_TEST

START_TEST(so_is_what_descends_from_it_in_whatever_session)
{
	struct task *task = world_start(&world, world.exec, "[\"family\",6]");
	int pid = told_pid(task);
	kill_worker(task);
	world_until(&world, !world_is_alive(pid));
	world_until(&world, pools_next_ns(world.pools) == CLOCK_NEVER); /* and the hunt ends */
}
END_TEST

START_TEST(it_is_killed_when_the_daemon_ends_too)
{
	int pid = told_pid(world_start(&world, world.exec, "[\"family\",3]"));
	pools_stop(world.pools);
	pools_kill(world.pools);
	world_until(&world, pools_gone(world.pools));
	ck_assert(!world_is_alive(pid));
}
END_TEST

START_TEST(it_is_killed_when_the_pools_are_freed)
{
	int pid = told_pid(world_start(&world, world.exec, "[\"family\",3]"));
	pool_world_fini(&world);
	ck_assert(!world_is_alive(pid));
	pool_world_init(&world);
}
END_TEST

START_TEST(what_other_workers_run_goes_on)
{
	struct task *one = world_start(&world, world.exec, "[\"stray\"]");
	struct task *other = world_start(&world, world.exec, "[\"family\",2]");
	int pid = told_pid(one), spared = told_pid(other);
	kill_worker(one);
	world_until(&world, !world_is_alive(pid));
	world_until(&world, pools_next_ns(world.pools) == CLOCK_NEVER);
	ck_assert(world_is_alive(spared));
	ck_assert_int_eq(other->state, TASK_RUNNING);
}
END_TEST

START_TEST(what_a_handler_has_left_behind_lives_on_and_is_reaped_when_it_ends)
{
	struct task *handler = world_submit(&world, world.handler, "[\"leave\"]");
	world_end(&world, handler);
	int spared = atoi(world_result(handler));
	struct task *task = world_start(&world, world.exec, "[\"stray\"]");
	int pid = told_pid(task);
	kill_worker(task);
	world_until(&world, !world_is_alive(pid));
	world_until(&world, pools_next_ns(world.pools) == CLOCK_NEVER);
	ck_assert(world_is_alive(spared));
	kill(spared, SIGKILL);
	world_until(&world, kill(spared, 0) < 0); /* no zombie either */
}
END_TEST

START_TEST(what_others_have_left_behind_is_not_touched)
{
	struct task *task = world_start(&world, world.exec, "[\"family\",3]");
	int pid = told_pid(task), spared;
	ck_assert_int_eq(write(elder_in, "", 1), 1);
	ck_assert_int_eq(read(elder_out, &spared, sizeof(spared)), sizeof(spared));
	kill_worker(task);
	world_until(&world, !world_is_alive(pid));
	world_until(&world, pools_next_ns(world.pools) == CLOCK_NEVER);
	ck_assert(world_is_alive(spared));
	kill(spared, SIGKILL);
}
END_TEST

START_TEST(a_worker_that_leaves_orderly_leaves_nothing_behind_to_be_looked_for)
{
	char *error = NULL;
	struct pool *pool = pools_find(world.pools, "commands");
	ck_assert_int_eq(pools_resize(world.pools, pool, 1, &error), 0);
	world_until(&world, TAILQ_NEXT(TAILQ_FIRST(&pool->workers), link) == NULL);
	ck_assert_int_eq(pools_next_ns(world.pools), CLOCK_NEVER);
}
END_TEST

/* --- who waits --- */

START_TEST(a_process_of_a_command_is_its_workers)
{
	struct task *task = world_start(&world, world.exec, "[\"family\",5]");
	int worker = world_worker(&world, task)->pid, pid = told_pid(task);
	ck_assert_int_eq(pools_nested_pid(world.pools, pid), worker);
	ck_assert_int_eq(pools_nested_pid(world.pools, worker), worker);
	ck_assert(pools_nested(world.pools, worker, 1));
	ck_assert(pools_nested(world.pools, worker, -1));
	ck_assert_int_eq(pools_nested_pid(world.pools, getpid()), 0);
	ck_assert_int_eq(pools_nested_pid(world.pools, 1), 0);
	ck_assert_int_eq(pools_nested_pid(world.pools, 0), 0);
}
END_TEST

START_TEST(a_process_that_is_too_far_away_is_not)
{
	struct task *task = world_start(&world, world.exec, "[\"family\",40]");
	ck_assert_int_eq(pools_nested_pid(world.pools, told_pid(task)), 0);
}
END_TEST

START_TEST(a_child_of_a_handler_is_not_its_worker)
{
	struct task *task = world_start(&world, world.handler, "[\"stray\"]");
	int worker = world_worker(&world, task)->pid, pid = told_pid(task);
	world_start(&world, world.exec, "[\"hold\"]");
	ck_assert_int_eq(pools_nested_pid(world.pools, pid), 0);
	ck_assert_int_eq(pools_nested_pid(world.pools, worker), worker);
	kill(pid, SIGKILL);
}
END_TEST

int main(int argc, char **argv)
{
	worker_main(argc, argv);
	Suite *suite = suite_create("pool_strays");
	TCase *all = tcase_create("strays"), *in_a_command = tcase_create("in_a_command"),
	      *with_an_elder = tcase_create("with_an_elder");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, what_a_dead_worker_leaves_behind_is_killed);
	tcase_add_test(all, the_task_is_over_when_nothing_is_left_of_it);
	tcase_add_test(all, so_is_what_descends_from_it_in_whatever_session);
	tcase_add_test(all, it_is_killed_when_the_daemon_ends_too);
	tcase_add_test(all, it_is_killed_when_the_pools_are_freed);
	tcase_add_test(all, what_other_workers_run_goes_on);
	tcase_add_test(all, what_a_handler_has_left_behind_lives_on_and_is_reaped_when_it_ends);
	tcase_add_test(all, a_worker_that_leaves_orderly_leaves_nothing_behind_to_be_looked_for);
	tcase_add_test(all, a_process_of_a_command_is_its_workers);
	tcase_add_test(all, a_process_that_is_too_far_away_is_not);
	tcase_add_test(all, a_child_of_a_handler_is_not_its_worker);
	tcase_add_checked_fixture(in_a_command, set_up_in_a_command, tear_down);
	tcase_set_timeout(in_a_command, 60);
	tcase_add_test(in_a_command, what_a_handler_has_left_behind_lives_on_and_is_reaped_when_it_ends);
	tcase_add_checked_fixture(with_an_elder, set_up_with_an_elder, tear_down);
	tcase_set_timeout(with_an_elder, 60);
	tcase_add_test(with_an_elder, what_others_have_left_behind_is_not_touched);
	suite_add_tcase(suite, all);
	suite_add_tcase(suite, with_an_elder);
	suite_add_tcase(suite, in_a_command);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
