/* What dies takes only itself: workers killed, crashing, leaving, scribbling; and the master, whose workers go with it. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;

static void start(const char *config)
{
	char text[2048];
	const char *build = getenv("top_builddir");
	snprintf(text, sizeof(text), "%s\n[plugin nasty]\npath = %s/tests/plugins/nasty.so\n", config, build ? build : ".");
	daemon_start(&daemon_, text);
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

static struct taskd_future *submit(const char *task, const char *args)
{
	struct taskd_future *f = taskd_submit(c, task, args, NULL);
	ck_assert_ptr_nonnull(f);
	return f;
}

static void assert_works(void)
{
	struct taskd_future *f = submit("fib", "[20]");
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), "6765");
	taskd_future_free(f);
}

/* --- each way to die --- */

static const struct way {
	const char *task, *args;
	int signal, status;
} ways[] = {
	{ "crash", "[]", SIGSEGV, 0 },
	{ "abort", "[]", SIGABRT, 0 },
	{ "exit", "[3]", 0, 3 },
	{ "exit", "[0]", 0, 0 },
};

START_TEST(a_death_is_told_with_its_details)
{
	const struct way *way = &ways[_i];
	start("");
	struct taskd_future *f = submit(way->task, way->args);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_CRASHED);
	const struct taskd_failure *failure = taskd_exception(f);
	ck_assert_str_eq(failure->kind, "crashed");
	ck_assert_int_gt(failure->pid, 0);
	ck_assert_int_eq(failure->signal, way->signal);
	ck_assert_int_eq(failure->status, way->status);
	ck_assert_int_gt(failure->usage.ru_maxrss, 0);
	taskd_future_free(f);
	assert_works();
	ck_assert(daemon_logged(&daemon_, "while running"));
	stop();
}
END_TEST

START_TEST(closing_all_descriptors_costs_only_that_worker)
{
	start("");
	struct taskd_future *f = submit("close_fds", "[]");
	ck_assert_int_ne(taskd_result(f, PATIENCE_NS), TASKD_E_TIMEOUT);
	taskd_future_free(f);
	for (int i = 0; i < 20; i++)
		assert_works();
	stop();
}
END_TEST

START_TEST(scribbling_over_the_lane_costs_only_that_worker)
{
	start("");
	for (int i = 0; i < 10; i++) {
		struct taskd_future *f = submit("scribble", "[]");
		ck_assert_int_ne(taskd_result(f, PATIENCE_NS), TASKD_E_TIMEOUT);
		taskd_future_free(f);
		assert_works();
	}
	stop();
}
END_TEST

/* It has said all that it may say when it is ready: what comes then is a broken one's, and is not listened to. */
START_TEST(a_worker_that_talks_out_of_turn_is_killed)
{
	start("\n[pool default]\nprocesses = 1\n");
	struct taskd_future *f = submit("chatter", "[]");
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_CRASHED);
	ck_assert_ptr_nonnull(strstr(taskd_exception(f)->message, "made no sense"));
	taskd_future_free(f);
	assert_works();
	ck_assert_uint_eq(daemon_log_count(&daemon_, "cannot initialise handler h"), 0);
	stop();
}
END_TEST

START_TEST(running_out_of_memory_costs_only_that_worker)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return; /* they reserve more address space than any limit */
#endif
	start("\n[pool default]\nlimit_memory = 256M\n");
	struct taskd_future *f = submit("oom", "[]");
	enum taskd_error error = taskd_result(f, PATIENCE_NS);
	ck_assert(error == TASKD_E_CRASHED || error == TASKD_E_FAILED);
	taskd_future_free(f);
	assert_works();
	stop();
}
END_TEST

START_TEST(the_limit_of_cpu_time_is_told_by_its_signal)
{
	start("\n[pool default]\nprocesses = 1\nlimit_cpu = 1s\n");
	struct taskd_future *f = submit("spin", "[]");
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_CRASHED);
	ck_assert_int_eq(taskd_exception(f)->signal, SIGXCPU);
	taskd_future_free(f);
	assert_works();
	stop();
}
END_TEST

/* --- killed in the middle --- */

START_TEST(a_kill_fails_the_running_one_and_returns_the_rest)
{
	struct taskd_future *waiting[200];
	pid_t pid;
	start("\n[pool default]\nprocesses = 1\n");
	assert_works(); /* so that fib's estimate is small, and many go into the lane at once */
	struct taskd_future *running = submit("spin", "[]");
	ck_assert_int_eq(taskd_flush(c, PATIENCE_NS), TASKD_OK);
	ck_assert(wait_until(something_runs, c));
	for (size_t i = 0; i < 200; i++)
		waiting[i] = submit("fib", "[5]");
	ck_assert_uint_eq(worker_pids(c, &pid, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(taskd_result(running, PATIENCE_NS), TASKD_E_CRASHED);
	ck_assert_int_eq(taskd_exception(running)->signal, SIGKILL);
	ck_assert_int_eq(taskd_exception(running)->pid, pid);
	for (size_t i = 0; i < 200; i++) {
		ck_assert_int_eq(taskd_result(waiting[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(waiting[i]);
	}
	taskd_future_free(running);
	stop();
}
END_TEST

/* 100,000 tasks, a worker killed every 50 ms: each ends once. */
struct tally {
	unsigned char *ends; /* how often each ended */
	size_t succeeded, crashed, other, ended;
};
struct one {
	struct tally *tally;
	size_t index;
};

static void count_end(struct taskd_future *f, void *user)
{
	struct one *one = user;
	struct tally *tally = one->tally;
	tally->ends[one->index]++;
	tally->ended++;
	const struct taskd_failure *failure = taskd_exception(f);
	if (!failure)
		tally->succeeded++;
	else if (failure->error == TASKD_E_CRASHED)
		tally->crashed++;
	else
		tally->other++;
}

START_TEST(a_hundred_thousand_tasks_while_workers_are_killed)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	enum { N = 20000 }; /* each takes several times as long, and is the same */
#else
	enum { N = 100000 };
#endif
	enum { IN_FLIGHT = 500, EACH = 250 };
	struct tally tally = { .ends = calloc(N, 1) };
	struct one *ones = calloc(N, sizeof(*ones));
	struct taskd_future **futures = calloc(N, sizeof(*futures));
	size_t submitted = 0, kills = 0, turn = 0, calm_until = 0;
	int64_t next_kill = test_now_ns(), end = test_now_ns() + 20 * PATIENCE_NS;
	start("\n[pool default]\nprocesses = 2\n");
	pid_t master = daemon_.pid;
	while (tally.ended < N) {
		ck_assert_int_lt(test_now_ns(), end);
		for (; submitted < N && submitted < tally.ended + IN_FLIGHT; submitted++) {
			ones[submitted] = (struct one){ &tally, submitted };
			futures[submitted] = submit("fib", submitted % 3 ? "[20]" : "[24]");
			taskd_add_done_callback(futures[submitted], count_end, &ones[submitted]);
		}
		taskd_dispatch(c, 10 * TASKD_MS);
		/* Not before something was done: where workers take long to start, nothing else would be. */
		if (test_now_ns() >= next_kill && tally.ended >= calm_until) {
			pid_t pids[2];
			size_t n = worker_pids(c, pids, 2);
			if (n && kill(pids[turn++ % n], SIGKILL) == 0)
				kills++;
			next_kill = test_now_ns() + 50 * TASKD_MS;
			calm_until = tally.ended + EACH;
		}
	}
	for (size_t i = 0; i < N; i++) {
		ck_assert_uint_eq(tally.ends[i], 1);
		taskd_future_free(futures[i]);
	}
	printf("%d tasks, %zu kills: %zu succeeded, %zu crashed, %zu otherwise\n", N, kills, tally.succeeded, tally.crashed,
		tally.other);
	ck_assert_uint_eq(tally.other, 0);
	ck_assert_uint_eq(tally.succeeded + tally.crashed, N);
	ck_assert_uint_gt(kills, 3);
	ck_assert_uint_le(tally.crashed, kills);
	ck_assert_int_eq(kill(master, 0), 0);
	char *stats = request(c, "server.stats", "{}");
	ck_assert_uint_eq((size_t)number_in(stats, "queued"), 0);
	ck_assert_uint_eq((size_t)number_in(stats, "running"), 0);
	free(stats);
	free(futures);
	free(ones);
	free(tally.ends);
	stop();
}
END_TEST

/* --- the master --- */

static bool all_gone(void *user)
{
	const pid_t *pids = user;
	return kill(pids[0], 0) < 0 && kill(pids[1], 0) < 0;
}

START_TEST(workers_die_with_a_killed_master)
{
	pid_t pids[2];
	start("\n[pool default]\nprocesses = 2\n");
	struct taskd_future *f = submit("spin", "[]");
	taskd_flush(c, PATIENCE_NS);
	ck_assert(wait_until(something_runs, c));
	ck_assert_uint_eq(worker_pids(c, pids, 2), 2);
	kill(daemon_.pid, SIGKILL);
	ck_assert_int_ne(daemon_wait(&daemon_), -1);
	ck_assert(wait_until(all_gone, pids));
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

/* Gone, or a zombie that waits for its new parent. */
static bool is_dead(void *user)
{
	char path[64], state = 'Z';
	snprintf(path, sizeof(path), "/proc/%d/stat", *(const int *)user);
	FILE *file = fopen(path, "r");
	if (file) {
		(void)!fscanf(file, "%*d (%*[^)]) %c", &state);
		fclose(file);
	}
	return state == 'Z' || state == 'X';
}

START_TEST(what_a_handler_has_forked_goes_with_its_worker)
{
	pid_t worker;
	start("\n[pool default]\nprocesses = 1\n");
	struct taskd_future *f = submit("leave_child", "[]");
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	int child = atoi(taskd_future_result(f, NULL));
	ck_assert_int_gt(child, 0);
	ck_assert(!is_dead(&child));
	taskd_future_free(f);
	ck_assert_uint_eq(worker_pids(c, &worker, 1), 1);
	kill(worker, SIGKILL);
	ck_assert(wait_until(is_dead, &child));
	stop();
}
END_TEST

/* --- handlers that cannot begin, and recycling --- */

START_TEST(a_failing_init_is_told_and_does_not_spin)
{
	start("\n[pool default]\nprocesses = 1\n");
	struct taskd_future *f = submit("initfail", "[]");
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_UNAVAILABLE);
	taskd_future_free(f);
	char *list = request(c, "worker.list", "{}");
	ck_assert_ptr_nonnull(strstr(list, "\"handler\":\"initfail\""));
	ck_assert_uint_eq((size_t)number_in(list, "starts"), 1);
	free(list);
	ck_assert_uint_eq(daemon_log_count(&daemon_, "cannot initialise handler initfail"), 1);
	assert_works();
	stop();
}
END_TEST

START_TEST(a_worker_that_keeps_dying_young_starts_ever_more_rarely)
{
	static const char *const environment[] = { "TASKD_WORKER=/bin/false", NULL };
	daemon_start_with(&daemon_, "exec_users = nobody\n[pool default]\nprocesses = 1\n", environment);
	ck_assert(daemon_logged(&daemon_, "its next start is in 0.1 s"));
	ck_assert(daemon_logged(&daemon_, "its next start is in 0.2 s"));
	ck_assert(daemon_logged(&daemon_, "its next start is in 0.4 s"));
	ck_assert_uint_le(daemon_log_count(&daemon_, "exit status 1"), 5);
	c = daemon_connect(&daemon_);
	char *list = request(c, "worker.list", "{}");
	ck_assert_ptr_nonnull(strstr(list, "\"state\":\"waiting\""));
	ck_assert_ptr_nonnull(strstr(list, "exit status 1"));
	free(list);
	stop();
}
END_TEST

/* SIGSTOP stops the thread that it is handed to, which then tells the others: all of them must have heard of it. Until
 * then one of them may still take a task, and stop with it. */
static bool all_threads_stopped(void *user)
{
	char path[96], state;
	bool stopped = true;
	int pid = *(const int *)user;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	if (!threads)
		return false;
	for (struct dirent *entry; stopped && (entry = readdir(threads));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/stat", pid, entry->d_name);
		FILE *file = fopen(path, "r");
		stopped = file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'T';
		if (file)
			fclose(file);
	}
	closedir(threads);
	return stopped;
}

START_TEST(nothing_waits_for_a_stopped_worker_while_another_is_free)
{
	pid_t pids[2];
	start("\n[pool default]\nprocesses = 2\n");
	ck_assert_uint_eq(worker_pids(c, pids, 2), 2);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGSTOP);
		ck_assert(wait_until(all_threads_stopped, &pids[i]));
		for (int j = 0; j < 10; j++)
			assert_works();
		kill(pids[i], SIGCONT);
	}
	stop();
}
END_TEST

static char flags[64]; /* the folder that NASTY_FLAGS names */

static void start_with_flags(const char *config)
{
	static char variable[96];
	static const char *const environment[] = { variable, NULL };
	char text[2048];
	const char *build = getenv("top_builddir");
	strcpy(flags, "/tmp/taskd-flags-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(flags));
	snprintf(variable, sizeof(variable), "NASTY_FLAGS=%s", flags);
	snprintf(text, sizeof(text), "%s\n[plugin nasty]\npath = %s/tests/plugins/nasty.so\n", config, build ? build : ".");
	daemon_start_with(&daemon_, text, environment);
	c = daemon_connect(&daemon_);
}

static void flag_set(const char *name, bool on)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", flags, name);
	if (on)
		ck_assert_int_eq(fclose(fopen(path, "w")), 0);
	else
		ck_assert_int_eq(unlink(path), 0);
}

START_TEST(a_fini_that_hangs_does_not_cost_the_place)
{
	start_with_flags("kill_grace = 10ms\n[pool default]\nprocesses = 1\nrecycle_tasks = 1\n");
	flag_set("fini", true);
	assert_works();
	assert_works();
	ck_assert(daemon_logged(&daemon_, "it did not leave in time"));
	flag_set("fini", false);
	stop();
	ck_assert_int_eq(rmdir(flags), 0);
}
END_TEST

static bool one_starts(void *user)
{
	(void)user;
	char *list = request(c, "worker.list", "{}");
	bool starts = strstr(list, "\"state\":\"starting\"") != NULL;
	free(list);
	return starts;
}

/* Whoever mends the plugin and reloads has a worker then, though the one before never got ready. */
START_TEST(a_reload_replaces_what_hangs_in_init)
{
	pid_t pid;
	char text[1024];
	const char *build = getenv("top_builddir");
	start_with_flags("kill_grace = 10ms\n[pool default]\nprocesses = 1\n");
	flag_set("init", true);
	ck_assert_uint_eq(worker_pids(c, &pid, 1), 1);
	kill(pid, SIGKILL);
	ck_assert(wait_until(one_starts, NULL));
	flag_set("init", false);
	snprintf(text, sizeof(text), "start_timeout = 1h\n[pool default]\nprocesses = 1\nthreads = 2\n"
		"[plugin nasty]\npath = %s/tests/plugins/nasty.so\n", build ? build : ".");
	daemon_write_config(&daemon_, text);
	free(request(c, "server.reload", "{}"));
	assert_works();
	stop();
	ck_assert_int_eq(rmdir(flags), 0);
}
END_TEST

START_TEST(recycled_workers_lose_nothing)
{
	enum { N = 5000 };
	static struct taskd_future *futures[N];
	start("\n[pool default]\nprocesses = 2\nrecycle_tasks = 100\n");
	for (size_t i = 0; i < N; i++)
		futures[i] = submit("fib", "[10]");
	for (size_t i = 0; i < N; i++) {
		ck_assert_int_eq(taskd_result(futures[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(futures[i]);
	}
	char *list = request(c, "worker.list", "{}");
	ck_assert_uint_ge((size_t)number_in(list, "starts"), 5);
	ck_assert_uint_eq((size_t)number_in(list, "deaths"), 0);
	free(list);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crash");
	TCase *deaths = tcase_create("deaths");
	tcase_set_timeout(deaths, 300);
	tcase_add_loop_test(deaths, a_death_is_told_with_its_details, 0, (int)(sizeof(ways) / sizeof(*ways)));
	tcase_add_test(deaths, closing_all_descriptors_costs_only_that_worker);
	tcase_add_test(deaths, scribbling_over_the_lane_costs_only_that_worker);
	tcase_add_test(deaths, running_out_of_memory_costs_only_that_worker);
	tcase_add_test(deaths, a_kill_fails_the_running_one_and_returns_the_rest);
	tcase_add_test(deaths, a_hundred_thousand_tasks_while_workers_are_killed);
	tcase_add_test(deaths, workers_die_with_a_killed_master);
	tcase_add_test(deaths, what_a_handler_has_forked_goes_with_its_worker);
	tcase_add_test(deaths, a_failing_init_is_told_and_does_not_spin);
	tcase_add_test(deaths, a_worker_that_keeps_dying_young_starts_ever_more_rarely);
	tcase_add_test(deaths, recycled_workers_lose_nothing);
	tcase_add_test(deaths, a_worker_that_talks_out_of_turn_is_killed);
	tcase_add_test(deaths, the_limit_of_cpu_time_is_told_by_its_signal);
	tcase_add_test(deaths, nothing_waits_for_a_stopped_worker_while_another_is_free);
	tcase_add_test(deaths, a_fini_that_hangs_does_not_cost_the_place);
	tcase_add_test(deaths, a_reload_replaces_what_hangs_in_init);
	suite_add_tcase(suite, deaths);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
