/* The daemon as a service: start, readiness, activation, reload, stop; and what it does when there is nothing to do. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;

static const char *build_dir(void)
{
	const char *dir = getenv("top_builddir");
	return dir ? dir : ".";
}

/* A command's output and exit status; the text is valid until the next call. */
static const char *run(int *status, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *run(int *status, const char *format, ...)
{
	static char output[16384];
	char command[4096];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	size_t length = fread(output, 1, sizeof(output) - 1, pipe);
	output[length] = '\0';
	int code = pclose(pipe);
	*status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
	return output;
}

static void assert_works(struct taskd *c)
{
	struct taskd_future *f = taskd_submit(c, "fib", "[20]", NULL);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	taskd_future_free(f);
}

/* --- configuration --- */

START_TEST(check_tells_file_line_and_reason)
{
	int status;
	daemon_start(&daemon_, "");
	const char *out = run(&status, "%s/taskd -c %s --check 2>&1", build_dir(), daemon_.config);
	ck_assert_msg(status == 0, "%s", out);
	daemon_write_config(&daemon_, "\n[pool default]\nproceses = 2\n");
	out = run(&status, "%s/taskd -c %s --check 2>&1", build_dir(), daemon_.config);
	ck_assert_int_eq(status, 1);
	ck_assert_msg(strstr(out, "taskd.conf:4:") && strstr(out, "processes"), "%s", out);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(a_wrong_configuration_is_refused_whole_and_a_right_one_taken_over)
{
	daemon_start(&daemon_, "\n[pool default]\nprocesses = 1\n");
	struct taskd *c = daemon_connect(&daemon_);
	daemon_write_config(&daemon_, "kill_grace = 1s\n[pool default]\nprocesses = some\n");
	struct taskd_future *f = taskd_request(c, "server.reload", NULL);
	ck_assert_int_ne(taskd_result(f, PATIENCE_NS), TASKD_OK);
	ck_assert_str_eq(taskd_exception(f)->kind, "bad_config");
	ck_assert_ptr_nonnull(strstr(taskd_exception(f)->data, "\"line\":4"));
	taskd_future_free(f);
	kill(daemon_.pid, SIGHUP);
	ck_assert(daemon_logged(&daemon_, "taskd.conf:4:"));

	daemon_write_config(&daemon_, "socket_mode = 0600\n[pool default]\nprocesses = 3\nthreads = 2\n");
	char *report = request(c, "server.reload", NULL);
	ck_assert_ptr_nonnull(strstr(report, "[pool default] processes"));
	ck_assert_ptr_nonnull(strstr(strstr(report, "needs_restart"), "[taskd] socket_mode"));
	free(report);
	ck_assert(daemon_notified(&daemon_, "RELOADING=1"));
	int64_t end = test_now_ns() + PATIENCE_NS;
	for (bool done = false; !done;) {
		char *pools = request(c, "pool.list", NULL);
		done = number_in(pools, "ready") == 3 && number_in(pools, "slots") == 6;
		free(pools);
		ck_assert_int_lt(test_now_ns(), end);
		pause_briefly();
	}
	assert_works(c);
	daemon_write_config(&daemon_, "\n[pool default]\nprocesses = 1\n");
	free(request(c, "server.reload", NULL));
	for (bool done = false; !done;) {
		char *pools = request(c, "pool.list", NULL);
		done = number_in(pools, "ready") == 1 && number_in(pools, "slots") == 1;
		free(pools);
		ck_assert_int_lt(test_now_ns(), end + PATIENCE_NS);
		pause_briefly();
	}
	assert_works(c);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(a_reload_loses_no_task)
{
	enum { N = 3000 };
	static struct taskd_future *futures[N];
	daemon_start(&daemon_, "\n[pool default]\nprocesses = 2\n");
	struct taskd *c = daemon_connect(&daemon_);
	for (int i = 0; i < N; i++) {
		futures[i] = taskd_submit(c, "fib", "[15]", NULL);
		if (i % 500 == 0) {
			char config[128];
			snprintf(config, sizeof(config), "\n[pool default]\nprocesses = 2\nthreads = %d\n", 1 + i / 500 % 3);
			daemon_write_config(&daemon_, config);
			free(request(c, "server.reload", NULL));
		}
	}
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(taskd_result(futures[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(futures[i]);
	}
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* --- stop --- */

START_TEST(a_stop_lets_what_was_accepted_end)
{
	enum { N = 20 };
	struct taskd_future *futures[N];
	daemon_start(&daemon_, "\n[pool default]\nprocesses = 1\n");
	struct taskd *c = daemon_connect(&daemon_);
	for (int i = 0; i < N; i++)
		futures[i] = taskd_submit(c, "sleep", "[0.02]", NULL);
	ck_assert_int_eq(taskd_result(futures[0], PATIENCE_NS), TASKD_OK);
	kill(daemon_.pid, SIGTERM);
	ck_assert(daemon_notified(&daemon_, "STOPPING=1"));
	struct taskd_future *late = taskd_submit(c, "fib", "[1]", NULL);
	ck_assert_int_eq(taskd_result(late, PATIENCE_NS), TASKD_E_UNAVAILABLE);
	taskd_future_free(late);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(taskd_result(futures[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(futures[i]);
	}
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(a_stop_is_bounded_and_says_what_it_left)
{
	daemon_start(&daemon_, "drain_timeout = 100ms\nkill_grace = 100ms\n[pool default]\nprocesses = 1\n");
	struct taskd *c = daemon_connect(&daemon_);
	struct taskd_future *a = taskd_submit(c, "sleep", "[300]", NULL), *b = taskd_submit(c, "sleep", "[300]", NULL);
	taskd_flush(c, PATIENCE_NS);
	free(request(c, "server.ping", NULL));
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	ck_assert(daemon_logged(&daemon_, "stopped with 1 queued and 1 started"));
	ck_assert_int_ne(taskd_result(a, PATIENCE_NS), TASKD_OK);
	ck_assert_int_ne(taskd_result(b, PATIENCE_NS), TASKD_OK);
	taskd_future_free(a);
	taskd_future_free(b);
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(a_second_signal_does_not_wait)
{
	daemon_start(&daemon_, "drain_timeout = 1h\n");
	struct taskd *c = daemon_connect(&daemon_);
	struct taskd_future *f = taskd_submit(c, "sleep", "[3000]", NULL);
	taskd_flush(c, PATIENCE_NS);
	free(request(c, "server.ping", NULL));
	kill(daemon_.pid, SIGTERM);
	ck_assert(daemon_notified(&daemon_, "STOPPING=1"));
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	taskd_future_free(f);
	taskd_close(c);
	ck_assert_int_eq(access(daemon_.socket, F_OK), -1);
	daemon_stop(&daemon_);
}
END_TEST

/* --- the socket --- */

START_TEST(a_second_daemon_is_refused_and_a_stale_socket_replaced)
{
	int status;
	daemon_start(&daemon_, "socket_mode = 0600\n");
	struct stat st;
	ck_assert_int_eq(stat(daemon_.socket, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	const char *out = run(&status, "%s/taskd -c %s -s %s 2>&1", build_dir(), daemon_.config, daemon_.socket);
	ck_assert_int_eq(status, 1);
	ck_assert_msg(strstr(out, daemon_.socket), "%s", out);
	kill(daemon_.pid, SIGKILL);
	daemon_wait(&daemon_);
	ck_assert_int_eq(access(daemon_.socket, F_OK), 0);
	out = run(&status, "timeout 10 %s/taskd -c %s -s %s 2>&1 & pid=$!; "
		"timeout 10 sh -c 'until TASKD_SOCKET=%s %s/taskctl -q ping >/dev/null 2>&1; do :; done'; "
		"TASKD_SOCKET=%s %s/taskctl call fib 20; kill $pid; wait $pid",
		build_dir(), daemon_.config, daemon_.socket, daemon_.socket, build_dir(), daemon_.socket, build_dir());
	ck_assert_msg(strstr(out, "6765"), "%s", out);
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(an_inherited_socket_is_served)
{
	char folder[] = "/tmp/taskd-test-XXXXXX", text[256];
	int status;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char number[16], program[512];
		dup2(fd, 3);
		snprintf(number, sizeof(number), "%d", (int)getpid());
		setenv("LISTEN_FDS", "1", 1);
		setenv("LISTEN_PID", number, 1);
		snprintf(program, sizeof(program), "%s/taskd", build_dir());
		execl(program, "taskd", (char *)NULL);
		_exit(127);
	}
	/* The connection waits in the socket's queue until the daemon accepts it. */
	struct taskd *c = taskd_connect(address.sun_path, NULL);
	ck_assert_ptr_nonnull(c);
	assert_works(c);
	taskd_close(c);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(access(address.sun_path, F_OK), 0); /* it is not ours to remove */
	close(fd);
	snprintf(text, sizeof(text), "rm -r %s", folder);
	(void)!system(text);
}
END_TEST

START_TEST(systemd_socket_activate_hands_it_over)
{
	int status;
	if (system("command -v systemd-socket-activate >/dev/null") != 0) {
		printf("systemd-socket-activate is not installed: left out\n");
		return;
	}
	char folder[] = "/tmp/taskd-test-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(folder));
	const char *out = run(&status, "systemd-socket-activate -l %s/s -E TASKD_WORKER=%s/taskd-worker %s/taskd 2>&1 & pid=$!; "
		"timeout 10 sh -c 'until [ -S %s/s ]; do :; done'; "
		"%s/taskctl -s %s/s call fib 20; kill $pid; wait $pid; rm -r %s",
		folder, build_dir(), build_dir(), folder, build_dir(), folder, folder);
	ck_assert_msg(strstr(out, "6765"), "%s", out);
}
END_TEST

START_TEST(what_is_inherited_is_checked)
{
	int status;
	const char *out = run(&status, "sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec %s/taskd 3</dev/null' 2>&1", build_dir());
	ck_assert_int_eq(status, 1);
	ck_assert_msg(strstr(out, "not a socket"), "%s", out);
	out = run(&status, "sh -c 'LISTEN_FDS=x LISTEN_PID=$$ exec %s/taskd' 2>&1", build_dir());
	ck_assert_int_eq(status, 1);
	ck_assert_msg(strstr(out, "LISTEN_FDS"), "%s", out);
}
END_TEST

/* Where no worker runs, none can end the wait. */
START_TEST(a_stop_does_not_wait_for_workers_that_are_not_there)
{
	static const char *const environment[] = { "TASKD_WORKER=/bin/false", NULL };
	daemon_start_with(&daemon_, "kill_grace = 1h\n[pool default]\nprocesses = 1\n", environment);
	ck_assert(daemon_logged(&daemon_, "its next start is in 0.4 s"));
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(what_stops_does_not_say_that_it_is_ready)
{
	char text[1024];
	daemon_start(&daemon_, "\n[pool default]\nprocesses = 1\n");
	struct taskd *c = daemon_connect(&daemon_);
	struct taskd_future *f = taskd_submit(c, "sleep", "[60]", NULL);
	ck_assert_ptr_nonnull(f);
	free(request(c, "server.ping", NULL));
	kill(daemon_.pid, SIGTERM);
	ck_assert(daemon_notified(&daemon_, "STOPPING=1"));
	kill(daemon_.pid, SIGHUP);
	ck_assert(daemon_logged(&daemon_, "configuration read again"));
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	while (daemon_notification(&daemon_, text, sizeof(text), 0))
		ck_assert_msg(!strstr(text, "READY=1"), "%s", text);
	taskd_future_free(f);
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(a_stop_at_once_is_told_to_the_service_manager)
{
	daemon_start(&daemon_, "");
	struct taskd *c = daemon_connect(&daemon_);
	free(request(c, "server.shutdown", "{\"now\":true}"));
	ck_assert(daemon_notified(&daemon_, "STOPPING=1"));
	taskd_close(c);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	daemon_stop(&daemon_);
}
END_TEST

/* --- the size of a pool --- */

/* Without a pool of commands, so that its workers need not be told from others. */
#define ALONE "exec_users = nobody\n"

static bool pool_has(struct taskd *c, size_t workers, int ready)
{
	char *list = request(c, "worker.list", "{}");
	char *pools = request(c, "pool.list", "{}");
	size_t n = 0;
	for (const char *at = list; (at = strstr(at, "\"index\":")); at++)
		n++;
	bool has = n == workers && (int)number_in(pools, "ready") == ready;
	free(list);
	free(pools);
	return has;
}

static void wait_for_pool(struct taskd *c, size_t workers, int ready)
{
	int64_t end = test_now_ns() + PATIENCE_NS;
	while (!pool_has(c, workers, ready)) {
		ck_assert_msg(test_now_ns() < end, "there are not %zu workers, %d of them ready", workers, ready);
		pause_briefly();
	}
}

static void resize(struct taskd *c, int processes)
{
	char config[64];
	snprintf(config, sizeof(config), ALONE "[pool default]\nprocesses = %d\n", processes);
	daemon_write_config(&daemon_, config);
	free(request(c, "server.reload", NULL));
}

/* Made smaller under load, and larger again when some of those that were to leave have left and others have not. */
START_TEST(a_pool_that_shrank_and_grows_again_has_all_its_workers)
{
	enum { N = 4 };
	struct taskd_future *futures[N];
	char params[32], *list;
	int id;
	daemon_start(&daemon_, ALONE "[pool default]\nprocesses = 4\n");
	struct taskd *c = daemon_connect(&daemon_);
	for (int i = 0; i < N; i++)
		futures[i] = taskd_submit(c, "sleep", "[600]", NULL);
	do
		list = request(c, "worker.list", "{}");
	while (strstr(list, "\"running\":[]") && (free(list), true));
	/* the task of the one with index 1 */
	ck_assert_int_eq(sscanf(strstr(strstr(list, "\"index\":1"), "\"running\":[\""), "\"running\":[\"%d\"", &id), 1);
	free(list);
	resize(c, 1);
	snprintf(params, sizeof(params), "{\"ids\":[\"%d\"]}", id);
	free(request(c, "task.cancel", params));
	wait_for_pool(c, 3, 1);
	resize(c, 3);
	for (int i = 0; i < N; i++) {
		(void)taskd_cancel(futures[i], PATIENCE_NS);
		(void)taskd_result(futures[i], PATIENCE_NS);
		taskd_future_free(futures[i]);
	}
	wait_for_pool(c, 3, 3);
	assert_works(c);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* --- the service manager --- */

START_TEST(status_has_figures_and_the_watchdog_is_fed)
{
	static const char *const environment[] = { "WATCHDOG_USEC=200000", NULL };
	daemon_start_with(&daemon_, "", environment);
	for (int i = 0; i < 3; i++)
		ck_assert(daemon_notified(&daemon_, "WATCHDOG=1"));
	struct taskd *c = daemon_connect(&daemon_);
	assert_works(c);
	ck_assert(daemon_notified(&daemon_, "1 submitted"));
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* A daemon without workers is not well: systemd is to restart it. */
START_TEST(the_watchdog_starves_when_no_worker_is_ready)
{
	static const char *const environment[] = { "WATCHDOG_USEC=200000", "TASKD_WORKER=/nonexistent/taskd-worker", NULL };
	char text[1024];
	daemon_start_with(&daemon_, "", environment);
	ck_assert(daemon_logged(&daemon_, "cannot start /nonexistent/taskd-worker"));
	while (daemon_notification(&daemon_, text, sizeof(text), 1500 * TASKD_MS))
		ck_assert_ptr_null(strstr(text, "WATCHDOG=1"));
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* A reload waits for what runs; that is no reason to restart the daemon. */
START_TEST(a_long_task_that_delays_a_replacement_does_not_starve_the_watchdog)
{
	static const char *const environment[] = { "WATCHDOG_USEC=200000", NULL };
	char text[1024];
	daemon_start_with(&daemon_, ALONE "[pool default]\nprocesses = 1\n", environment);
	struct taskd *c = daemon_connect(&daemon_);
	struct taskd_future *f = taskd_submit(c, "sleep", "[600]", NULL);
	char *list;
	while (strstr(list = request(c, "worker.list", "{}"), "\"running\":[]"))
		free(list);
	free(list);
	daemon_write_config(&daemon_, ALONE "[pool default]\nprocesses = 1\nthreads = 2\n");
	free(request(c, "server.reload", NULL));
	wait_for_pool(c, 1, 0);
	while (daemon_notification(&daemon_, text, sizeof(text), 0))
		;
	ck_assert(daemon_notified(&daemon_, "WATCHDOG=1"));
	ck_assert(daemon_notified(&daemon_, "WATCHDOG=1"));
	ck_assert_int_eq(taskd_cancel(f, PATIENCE_NS), TASKD_OK);
	taskd_future_free(f);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* --- nothing to do --- */

/* What waits for a time, for another task, or for a queue to be resumed, is nothing to do either. */
static void wait_for_times(struct taskd *c)
{
	unsigned long long delayed = submit_task(c, "{\"task\":\"noop\",\"delay\":\"1h\",\"expires\":\"2h\"}");
	submit_task(c, "{\"task\":\"noop\",\"at\":\"2099-01-01T00:00:00Z\"}");
	submit_task(c, "{\"task\":\"noop\",\"after\":%llu}", delayed);
	free(request(c, "queue.create", "{\"name\":\"held\",\"rate\":1000,\"ageing\":0.001}"));
	free(request(c, "queue.pause", "{\"queue\":\"held\"}"));
	submit_task(c, "{\"task\":\"noop\",\"queue\":\"held\"}");
	free(request(c, "schedule.add", "{\"name\":\"yearly\",\"task\":\"noop\",\"cron\":\"@yearly\"}"));
}

/* Whether PID has a timer of the wall clock that a step of that clock cancels. */
static bool watches_wall_clock(pid_t pid)
{
	char path[64], line[128];
	bool wall = false, cancels = false;
	for (int fd = 3; fd < 64 && !(wall && cancels); fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
		FILE *file = fopen(path, "r");
		wall = cancels = false;
		while (file && fgets(line, sizeof(line), file)) {
			wall |= strcmp(line, "clockid: 0\n") == 0;
			cancels |= strcmp(line, "settime flags: 03\n") == 0;
		}
		if (file)
			fclose(file);
	}
	return wall && cancels;
}

START_TEST(a_step_of_the_wall_clock_would_end_the_sleep)
{
	daemon_start(&daemon_, "\n[pool default]\nprocesses = 1\n");
	ck_assert(watches_wall_clock(daemon_.pid));
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(idle_is_idle)
{
	struct wire idle[5];
	int status;
	char pids[256];
#ifdef __SANITIZE_THREAD__
	return; /* its runtime has a thread of its own, which is never idle */
#endif
	if (system("command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null") != 0) {
		printf("strace is not here or may not trace: left out\n");
		return;
	}
	daemon_start(&daemon_, "\n[pool default]\nprocesses = 2\n");
	for (int i = 0; i < 5; i++)
		wire_open(&idle[i], &daemon_);
	struct taskd *c = daemon_connect(&daemon_);
	for (int i = 0; i < 10; i++)
		assert_works(c);
	pid_t workers[2];
	ck_assert_uint_eq(worker_pids(c, workers, 2), 2);
	/* The figures for the service manager follow the last task after a while; then there is nothing left to say. */
	wait_for_times(c);
	ck_assert(daemon_notified(&daemon_, "14 submitted"));
	pid_t spawners[2];
	ck_assert_uint_eq(daemon_children(&daemon_, "taskd-spawn", spawners, 2), 2);
	snprintf(pids, sizeof(pids), "-p %d -p %d -p %d -p %d -p %d", (int)daemon_.pid, (int)workers[0], (int)workers[1],
		(int)spawners[0], (int)spawners[1]);
	run(&status, "timeout -s INT 10 strace -f -qq %s -o %s/trace 2>/dev/null", pids, daemon_.folder);
	/* What was under way when the trace began is shown as unfinished or resumed; a new call is a line with its name. */
	const char *out = run(&status, "grep -vE 'detached|resumed|restart_syscall|(epoll_wait|futex|recvmsg)\\(' %s/trace | wc -l; "
		"grep -cE '(epoll_wait|futex|recvmsg)\\(' %s/trace", daemon_.folder, daemon_.folder);
	int others = -1, waits = -1;
	ck_assert_int_eq(sscanf(out, "%d %d", &others, &waits), 2);
	ck_assert_int_eq(others, 0);
	ck_assert_int_le(waits, 16); /* one wait of each thread, seen as it was entered */
	for (int i = 0; i < 5; i++)
		wire_close(&idle[i]);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("service");
	TCase *service = tcase_create("service");
	tcase_set_timeout(service, 120);
	tcase_add_test(service, check_tells_file_line_and_reason);
	tcase_add_test(service, a_wrong_configuration_is_refused_whole_and_a_right_one_taken_over);
	tcase_add_test(service, a_reload_loses_no_task);
	tcase_add_test(service, a_stop_lets_what_was_accepted_end);
	tcase_add_test(service, a_stop_is_bounded_and_says_what_it_left);
	tcase_add_test(service, a_second_signal_does_not_wait);
	tcase_add_test(service, a_second_daemon_is_refused_and_a_stale_socket_replaced);
	tcase_add_test(service, an_inherited_socket_is_served);
	tcase_add_test(service, systemd_socket_activate_hands_it_over);
	tcase_add_test(service, what_is_inherited_is_checked);
	tcase_add_test(service, status_has_figures_and_the_watchdog_is_fed);
	tcase_add_test(service, the_watchdog_starves_when_no_worker_is_ready);
	tcase_add_test(service, a_stop_does_not_wait_for_workers_that_are_not_there);
	tcase_add_test(service, what_stops_does_not_say_that_it_is_ready);
	tcase_add_test(service, a_stop_at_once_is_told_to_the_service_manager);
	tcase_add_test(service, a_pool_that_shrank_and_grows_again_has_all_its_workers);
	tcase_add_test(service, a_long_task_that_delays_a_replacement_does_not_starve_the_watchdog);
	tcase_add_test(service, a_step_of_the_wall_clock_would_end_the_sleep);
	tcase_add_test(service, idle_is_idle);
	suite_add_tcase(suite, service);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
