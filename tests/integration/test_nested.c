/* Tasks that wait for tasks: handlers that are clients of the taskd that they run in. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;
static char gate_path[128];

/* So that workers of commands need not be told from others. */
#define WITHOUT_COMMANDS "exec_users = nobody\n"

static void start(const char *config)
{
	char text[1024];
	snprintf(text, sizeof(text), WITHOUT_COMMANDS "%s", config);
	daemon_start_with_plugins(&daemon_, "nested life nasty", text);
	c = daemon_connect(&daemon_);
	snprintf(gate_path, sizeof(gate_path), "%s/gate", daemon_.folder);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

static void open_gate(void)
{
	FILE *file = fopen(gate_path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
}

static void assert_call(const char *task, const char *args, const char *wanted)
{
	struct taskd_future *f = taskd_submit(c, task, args, NULL);
	enum taskd_error error = taskd_result(f, PATIENCE_NS);
	ck_assert_msg(error == TASKD_OK, "%s %s: %s", task, args, taskd_future_error(f)->message);
	ck_assert_str_eq(taskd_future_result(f, NULL), wanted);
	taskd_future_free(f);
}

/* It fails, and the reason from within is a deadlock. */
static void assert_deadlock(struct taskd_future *f)
{
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_FAILED);
	const struct taskd_failure *failure = taskd_exception(f);
	ck_assert_str_eq(failure->message, "deadlock");
	taskd_future_free(f);
}

static size_t running(void)
{
	char *stats = request(c, "server.stats", "{}");
	size_t n = (size_t)number_in(stats, "running");
	free(stats);
	return n;
}

static bool two_run(void *user)
{
	(void)user;
	return running() == 2;
}

static bool nothing_runs(void *user)
{
	(void)user;
	return running() == 0;
}

static bool has_workers(void *user)
{
	pid_t pids[64];
	return worker_pids(c, pids, 64) == *(size_t *)user;
}

/* The time that the daemon itself needs to notice things, by its own clock. */
static void let_pass(double seconds)
{
	char *record = record_at_end(c, submit_task(c, "{\"task\":\"moment\",\"delay\":%g}", seconds));
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	free(record);
}
#define CLOCK_POOL "[pool clock]\nprocesses = 1\ntasks = moment\n"

START_TEST(a_handler_finds_its_own_daemon)
{
	char wanted[128];
	start("\n[pool default]\nprocesses = 1\n");
	snprintf(wanted, sizeof(wanted), "\"%s\"", daemon_.socket);
	assert_call("env", "[\"TASKD_SOCKET\"]", wanted);
	assert_call("relay", "[\"fib\",[20],\"default\"]", "6765");
	stop();
}
END_TEST

START_TEST(recursion_goes_deeper_than_there_are_slots)
{
	size_t wanted = 1;
	start("\n[pool default]\nprocesses = 1\n");
	assert_call("nest", "[0]", "0");
	assert_call("nest", "[16]", "16");
	ck_assert(wait_until(has_workers, &wanted)); /* those that are not needed any more have left */
	assert_call("nest", "[5]", "5");
	stop();
}
END_TEST

START_TEST(recursion_goes_deeper_than_there_are_threads)
{
	start("\n[pool default]\nprocesses = 1\nthreads = 3\nnested_processes = 2\n");
	assert_call("nest", "[8]", "8");
	stop();
}
END_TEST

START_TEST(a_tree_of_tasks_is_walked)
{
	start("\n[pool default]\nprocesses = 2\n");
	for (int i = 0; i < 3; i++)
		assert_call("tree", "[4]", "31");
	stop();
}
END_TEST

/* Whatever the limit: as deep as there are processes it succeeds, deeper it fails and nothing hangs. */
START_TEST(beyond_the_limit_it_is_told_as_a_deadlock)
{
	char config[128], args[16];
	int extra = _i;
	start("");
	snprintf(config, sizeof(config), WITHOUT_COMMANDS "\n[pool default]\nprocesses = 2\nnested_processes = %d\n",
		extra);
	daemon_reload_with_plugins(&daemon_, c, "nested life nasty", config);
	size_t wanted = 2;
	ck_assert(wait_until(has_workers, &wanted));
	for (int i = 0; i < 2; i++) {
		snprintf(args, sizeof(args), "[%d]", 1 + extra);
		struct taskd_future *fits = taskd_submit(c, "nest", args, NULL);
		ck_assert_int_eq(taskd_result(fits, PATIENCE_NS), TASKD_OK);
		taskd_future_free(fits);
		snprintf(args, sizeof(args), "[%d]", 2 + extra);
		struct taskd_future *f = taskd_submit(c, "nest", args, NULL);
		ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_FAILED);
		ck_assert_ptr_nonnull(strstr(taskd_exception(f)->data, "\"cycle\":["));
		assert_deadlock(f);
	}
	ck_assert(wait_until(nothing_runs, NULL));
	/* Several at once. */
	struct taskd_future *many[10];
	for (int i = 0; i < 10; i++)
		many[i] = taskd_submit(c, "nest", "[30]", NULL);
	for (int i = 0; i < 10; i++)
		assert_deadlock(many[i]);
	ck_assert(wait_until(nothing_runs, NULL));
	char *list = request(c, "task.list", "{\"state\":[\"queued\",\"running\",\"cancelling\"]}");
	ck_assert_ptr_null(strstr(list, "\"id\""));
	free(list);
	stop();
}
END_TEST

START_TEST(pools_that_wait_for_each_other_go_on)
{
	static const char args[] = "[\"relay\",[\"relay\",[\"relay\",[\"fib\",[10],\"b\"],\"a\"],\"b\"],\"a\"]";
	start("\n[pool a]\nprocesses = 1\n[pool b]\nprocesses = 1\ntasks = relay fib\n");
	assert_call("relay", args, "55");
	daemon_reload_with_plugins(&daemon_, c, "nested life nasty", WITHOUT_COMMANDS
		"\n[pool a]\nprocesses = 1\nnested_processes = 0\n[pool b]\nprocesses = 1\ntasks = relay fib\nnested_processes = 0\n");
	size_t wanted = 2;
	ck_assert(wait_until(has_workers, &wanted));
	assert_deadlock(taskd_submit(c, "relay", args, NULL));
	ck_assert(wait_until(nothing_runs, NULL));
	stop();
}
END_TEST

START_TEST(a_queue_that_waits_for_itself_is_told)
{
	start("\n[pool default]\nprocesses = 4\n[queue q]\nlimit_running = 1\n");
	assert_deadlock(taskd_submit(c, "relay", "[\"noop\",[],\"q\"]", &(struct taskd_options){ .queue = "q" }));
	ck_assert(wait_until(nothing_runs, NULL));
	assert_call("relay", "[\"fib\",[10],\"q\"]", "55");
	stop();
}
END_TEST

/* All slots wait, and others wait for them: but what they wait for runs elsewhere, and ends. That is no deadlock. */
START_TEST(waiting_for_what_will_end_does_not_fail)
{
	char args[192];
	start("\n[pool default]\nprocesses = 1\nnested_processes = 0\n[pool other]\nprocesses = 1\ntasks = gate\n" CLOCK_POOL);
	snprintf(args, sizeof(args), "[\"gate\",[\"%s\"]]", gate_path);
	struct taskd_future *outer = taskd_submit(c, "relay", args, NULL);
	struct taskd_future *behind = taskd_submit(c, "noop", NULL, NULL);
	taskd_flush(c, PATIENCE_NS);
	let_pass(0.5);
	ck_assert(!taskd_done(outer) && !taskd_done(behind));
	open_gate();
	ck_assert_int_eq(taskd_result(outer, PATIENCE_NS), TASKD_OK);
	ck_assert_int_eq(taskd_result(behind, PATIENCE_NS), TASKD_OK);
	taskd_future_free(outer);
	taskd_future_free(behind);
	stop();
}
END_TEST

/* A handler that computes holds its slot, however many wait: no process is started for that. */
START_TEST(a_pool_that_is_only_busy_gets_no_more_processes)
{
	char args[192];
	size_t wanted = 3;
	pid_t pids[8];
	start("\n[pool default]\nprocesses = 2\n" CLOCK_POOL);
	snprintf(args, sizeof(args), "[\"gate\",[\"%s\"]]", gate_path);
	struct taskd_future *outer = taskd_submit(c, "relay", args, NULL); /* one slot waits for what the other does */
	taskd_flush(c, PATIENCE_NS);
	ck_assert(wait_until(two_run, NULL));
	struct taskd_future *behind = taskd_submit(c, "noop", NULL, NULL);
	taskd_flush(c, PATIENCE_NS);
	let_pass(0.3);
	ck_assert(!taskd_done(behind));
	ck_assert_uint_eq(worker_pids(c, pids, 8), wanted);
	open_gate();
	ck_assert_int_eq(taskd_result(outer, PATIENCE_NS), TASKD_OK);
	ck_assert_int_eq(taskd_result(behind, PATIENCE_NS), TASKD_OK);
	taskd_future_free(outer);
	taskd_future_free(behind);
	stop();
}
END_TEST

START_TEST(what_a_dying_handler_waited_for_is_cancelled)
{
	pid_t pid;
	char args[192];
	start("\n[pool default]\nprocesses = 1\n[pool other]\nprocesses = 1\ntasks = gate\n");
	snprintf(args, sizeof(args), "[\"gate\",[\"%s\"]]", gate_path);
	struct taskd_future *outer = taskd_submit(c, "relay", args, NULL);
	taskd_flush(c, PATIENCE_NS);
	ck_assert(wait_until(two_run, NULL));
	ck_assert_uint_eq(worker_pids(c, &pid, 1), 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(taskd_result(outer, PATIENCE_NS), TASKD_E_CRASHED);
	taskd_future_free(outer);
	ck_assert(wait_until(nothing_runs, NULL));
	assert_call("nest", "[4]", "4"); /* its waits are forgotten with it, and counted anew */
	stop();
}
END_TEST

/* However many wait in the queue, and however urgent they are: what running ones wait for goes first, and extra processes
 * are for that alone. So as many are enough as the recursion is deep. */
START_TEST(a_long_queue_needs_no_more_processes_than_its_tasks_are_deep)
{
	enum { N = 300 };
	static struct taskd_future *futures[N];
	start("\n[pool default]\nprocesses = 2\nnested_processes = 3\n");
	for (int i = 0; i < N; i++)
		futures[i] = taskd_submit(c, "nest", "[3]", &(struct taskd_options){ .priority = 10 });
	for (int i = 0; i < N; i++) {
		ck_assert_msg(taskd_result(futures[i], PATIENCE_NS) == TASKD_OK, "%s", taskd_future_error(futures[i])->message);
		taskd_future_free(futures[i]);
	}
	stop();
}
END_TEST

/* What a task that is waited for waits for itself, by `after`, is as urgent. */
START_TEST(what_the_awaited_one_comes_after_goes_first_too)
{
	char args[64];
	start("\n[pool default]\nprocesses = 1\nnested_processes = 1\n");
	unsigned long long first = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", gate_path);
	wait_for_state(c, first, "running");
	struct taskd_future *busy[50];
	unsigned long long a = submit_task(c, "{\"task\":\"fib\",\"args\":[10]}");
	unsigned long long b = submit_task(c, "{\"task\":\"echo\",\"after\":%llu,\"pass_results\":true}", a);
	snprintf(args, sizeof(args), "[\"%llu\"]", b);
	struct taskd_future *waits = taskd_submit(c, "await", args, &(struct taskd_options){ .priority = 9 });
	for (int i = 0; i < 50; i++)
		busy[i] = taskd_submit(c, "nest", "[1]", &(struct taskd_options){ .priority = 5 });
	taskd_flush(c, PATIENCE_NS);
	open_gate();
	ck_assert_int_eq(taskd_result(waits, PATIENCE_NS), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(waits, NULL), "[55]");
	taskd_future_free(waits);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(taskd_result(busy[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(busy[i]);
	}
	stop();
}
END_TEST

/* Far more nested tasks than there can be processes, of all depths, in two pools and a queue with a limit, while workers
 * are killed: some succeed, some are told that they cannot, some crash; all end. */
START_TEST(nothing_hangs_whatever_waits_for_whatever)
{
	enum { N = 60 };
	static const char *const queues[] = { "a", "b", "q" };
	struct taskd_future *futures[N];
	int succeeded = 0, deadlocks = 0, others = 0;
	start("log_level = error\n[pool a]\nprocesses = 2\nthreads = 2\nnested_processes = 3\n"
	      "[pool b]\nprocesses = 1\nnested_processes = 1\ntasks = relay nest noop\n[queue q]\npool = a\nlimit_running = 2\n");
	for (int i = 0; i < N; i++) {
		const struct taskd_options options = { .queue = queues[i % 3], .priority = i % 5 };
		char args[128];
		snprintf(args, sizeof(args), "[\"relay\",[\"nest\",[%d],\"%s\"],\"%s\"]", i % 7, queues[i / 3 % 3], queues[i / 9 % 3]);
		futures[i] = taskd_submit(c, "relay", args, &options);
	}
	for (int i = 0; i < N; i++) {
		pid_t pids[16];
		enum taskd_error error = taskd_result(futures[i], PATIENCE_NS);
		ck_assert_int_ne(error, TASKD_E_TIMEOUT);
		succeeded += error == TASKD_OK;
		deadlocks += error == TASKD_E_FAILED && strcmp(taskd_exception(futures[i])->message, "deadlock") == 0;
		others += error != TASKD_OK && error != TASKD_E_FAILED;
		taskd_future_free(futures[i]);
		size_t n = worker_pids(c, pids, 16);
		if (i % 10 == 9 && n)
			kill(pids[(size_t)i / 10 % n], SIGKILL);
	}
	printf("%d succeeded, %d deadlocks, %d crashed\n", succeeded, deadlocks, others);
	ck_assert(wait_until(nothing_runs, NULL));
	size_t wanted = 3;
	ck_assert(wait_until(has_workers, &wanted));
	assert_call("nest", "[1]", "1");
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nested");
	TCase *tcase = tcase_create("nested");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_handler_finds_its_own_daemon);
	tcase_add_test(tcase, recursion_goes_deeper_than_there_are_slots);
	tcase_add_test(tcase, recursion_goes_deeper_than_there_are_threads);
	tcase_add_test(tcase, a_tree_of_tasks_is_walked);
	tcase_add_loop_test(tcase, beyond_the_limit_it_is_told_as_a_deadlock, 0, 3);
	tcase_add_test(tcase, pools_that_wait_for_each_other_go_on);
	tcase_add_test(tcase, a_queue_that_waits_for_itself_is_told);
	tcase_add_test(tcase, waiting_for_what_will_end_does_not_fail);
	tcase_add_test(tcase, a_pool_that_is_only_busy_gets_no_more_processes);
	tcase_add_test(tcase, what_a_dying_handler_waited_for_is_cancelled);
	tcase_add_test(tcase, a_long_queue_needs_no_more_processes_than_its_tasks_are_deep);
	tcase_add_test(tcase, what_the_awaited_one_comes_after_goes_first_too);
	tcase_add_test(tcase, nothing_hangs_whatever_waits_for_whatever);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
