/* What outlives the daemon, and how it comes back: after a kill, after a stop, where the disk is full, refuses, or holds
 * something else than it should. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;

static void start(const char *config)
{
	daemon_start_durable(&daemon_, "life", config);
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

static void kill_and_start_again(void)
{
	daemon_kill(&daemon_);
	taskd_close(c);
	daemon_again(&daemon_);
	c = daemon_connect(&daemon_);
}

static void stop_and_start_again(void)
{
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	taskd_close(c);
	daemon_again(&daemon_);
	c = daemon_connect(&daemon_);
}

static void expect_state(unsigned long long id, const char *state)
{
	char *record = record_of(c, id);
	ck_assert_msg(strcmp(text_in(record, "state"), state) == 0, "not %s: %s", state, record);
	free(record);
}

static const char *id_text(unsigned long long id)
{
	static char text[24];
	snprintf(text, sizeof(text), "%llu", id);
	return text;
}

static char *state_of_store(void)
{
	static char state[32];
	char *answer = request(c, "server.ping", "{}");
	snprintf(state, sizeof(state), "%s", text_in(answer, "store"));
	free(answer);
	return state;
}

static void touch(const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", daemon_.folder, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* --- what comes back --- */

static void (*const ways[])(void) = { kill_and_start_again, stop_and_start_again };

START_TEST(what_waited_waits_again_in_its_order)
{
	unsigned long long low[20], high, first = 0;
	int64_t last = 0;
	start("[pool default]\nprocesses = 1\n");
	free(request(c, "queue.pause", "{\"queue\":[\"default\"]}"));
	for (int i = 0; i < 20; i++)
		low[i] = submit_task(c, "{\"task\":\"moment\",\"tag\":\"low\"}");
	high = submit_task(c, "{\"task\":\"moment\",\"priority\":7,\"timeout\":20,\"retries\":2}");
	ways[_i]();
	char *record = record_of(c, high);
	ck_assert_msg(strstr(record, "\"priority\":7,") && strstr(record, "\"timeout\":20") && strstr(record, "\"retries\":2") &&
			strstr(record, "\"durable\":true") && strstr(record, "\"recovered\":true"), "%s", record);
	free(record);
	for (int i = 0; i < 20; i++)
		expect_state(low[i], "queued"); /* its queue is paused still */
	unsigned long long new = submit_task(c, "{\"task\":\"moment\"}");
	ck_assert_uint_gt(new, high);
	free(request(c, "queue.resume", "{\"queue\":[\"default\"]}"));
	for (int i = 0; i < 22; i++) {
		unsigned long long id = i == 0 ? high : i < 21 ? low[i - 1] : new;
		char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", id);
		int64_t moment = strtoll(result, NULL, 10);
		ck_assert_msg(moment > last, "number %d ran before the one before it", i);
		last = moment;
		free(result);
		first += id;
	}
	stop();
}
END_TEST

START_TEST(results_failures_and_attempts_are_there_again)
{
	start("");
	unsigned long long good = submit_task(c, "{\"task\":\"fib\",\"args\":[20]}");
	unsigned long long bad = submit_task(c, "{\"task\":\"flaky\",\"args\":[9],\"retries\":2,\"backoff\":0}");
	unsigned long long keyed = submit_task(c, "{\"task\":\"fib\",\"args\":[10],\"key\":\"k\",\"key_mode\":\"once\"}");
	free(record_at_end(c, good));
	free(record_at_end(c, keyed));
	char *before = record_at_end(c, bad);
	ways[_i]();
	char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", good);
	ck_assert_str_eq(result, "6765");
	char *after = record_of(c, bad);
	ck_assert_ptr_nonnull(strstr(before, "\"message\":\"attempt 2 is to fail\""));
	for (int i = 1; i <= 3; i++) {
		char message[64];
		snprintf(message, sizeof(message), "\"attempt %d is to fail\"", i);
		ck_assert_msg(strstr(after, message) != NULL, "%s\n%s", before, after);
	}
	ck_assert_int_eq((int)number_in(after, "attempt"), 3);
	ck_assert_str_eq(text_in(after, "state"), "failed");
	char *again = request(c, "task.submit", "{\"task\":\"fib\",\"args\":[10],\"key\":\"k\",\"key_mode\":\"once\"}");
	ck_assert_uint_eq(strtoull(text_in(again, "id"), NULL, 10), keyed);
	ck_assert_ptr_nonnull(strstr(again, "\"duplicate\":true"));
	free(result);
	free(before);
	free(after);
	free(again);
	stop();
}
END_TEST

START_TEST(times_and_dependencies_and_schedules_go_on)
{
	char path[128];
	start("on_stop = interrupt\n");
	unsigned long long late = submit_task(c, "{\"task\":\"fib\",\"args\":[11],\"delay\":3600}");
	unsigned long long soon = submit_task(c, "{\"task\":\"fib\",\"args\":[12],\"delay\":0.3}");
	snprintf(path, sizeof(path), "%s/gate", daemon_.folder);
	unsigned long long gate = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", path);
	unsigned long long behind = submit_task(c, "{\"task\":\"fib\",\"args\":[13],\"after\":[\"%llu\"]}", gate);
	char *record = record_of(c, late);
	int64_t due = time_in(record, "due_at");
	free(record);
	free(request(c, "schedule.add", "{\"name\":\"often\",\"task\":\"fib\",\"args\":[3],\"every\":3600}"));
	ways[_i]();
	record = record_of(c, late);
	int64_t shift = time_in(record, "due_at") - due;
	ck_assert_msg(shift > -TASKD_MS && shift < TASKD_MS, "it is due at another time: %s", record);
	free(record);
	expect_state(behind, "blocked");
	touch("gate", path);
	char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", behind);
	ck_assert_str_eq(result, "233");
	free(result);
	result = ask(c, "task.result", "{\"id\":\"%llu\"}", soon);
	ck_assert_str_eq(result, "144");
	free(result);
	char *schedules = request(c, "schedule.list", "{}");
	ck_assert_ptr_nonnull(strstr(schedules, "\"name\":\"often\""));
	free(schedules);
	stop();
}
END_TEST

START_TEST(those_that_were_given_results_are_there_again)
{
	start("");
	unsigned long long one = submit_task(c, "{\"task\":\"fib\",\"args\":[10]}");
	unsigned long long bad = submit_task(c, "{\"task\":\"flaky\",\"args\":[9]}");
	free(record_at_end(c, one));
	free(record_at_end(c, bad));
	unsigned long long good =
		submit_task(c, "{\"task\":\"echo\",\"after\":[\"%llu\"],\"pass_results\":true}", one);
	unsigned long long never = submit_task(c,
		"{\"task\":\"echo\",\"after\":[\"%llu\",\"%llu\"],\"pass_results\":true}", one, bad);
	unsigned long long later = submit_task(c,
		"{\"task\":\"echo\",\"after\":[\"%llu\"],\"pass_results\":true,\"delay\":1}", one);
	free(record_at_end(c, good));
	free(record_at_end(c, never));
	ways[_i]();
	expect_state(never, "cancelled");
	for (int i = 0; i < 2; i++) {
		char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", i ? later : good);
		ck_assert_str_eq(result, "[55]");
		free(result);
	}
	stop();
}
END_TEST

/* --- what ran --- */

START_TEST(what_ran_is_run_again_and_its_attempt_counts)
{
	char path[128];
	start("[pool default]\nprocesses = 2\n");
	snprintf(path, sizeof(path), "%s/gate", daemon_.folder);
	unsigned long long id = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", path);
	wait_for_state(c, id, "running");
	unsigned long long crash = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"],\"on_interrupt\":\"crash\"}", path);
	wait_for_state(c, crash, "running");
	kill_and_start_again();
	char *record = record_at_end(c, crash);
	ck_assert_msg(strcmp(text_in(record, "state"), "crashed") == 0, "%s", record);
	free(record);
	touch("gate", path);
	record = record_at_end(c, id);
	ck_assert_msg(strcmp(text_in(record, "state"), "succeeded") == 0 && number_in(record, "attempt") == 2, "%s", record);
	free(record);
	stop();
}
END_TEST

START_TEST(what_takes_the_daemon_down_again_and_again_is_not_run_for_ever)
{
	start("crash_limit = 3\n[pool default]\nprocesses = 1\n");
	unsigned long long id = submit_task(c, "{\"task\":\"gate\",\"args\":[\"/nonexistent/gate\"]}");
	for (int i = 0; i < 3; i++) {
		wait_for_state(c, id, "running");
		kill_and_start_again();
	}
	char *record = record_at_end(c, id);
	ck_assert_msg(strcmp(text_in(record, "state"), "crashed") == 0, "%s", record);
	free(record);
	stop();
}
END_TEST

START_TEST(a_command_that_ran_is_not_repeated)
{
	char marks[128], text[64] = "";
	start("");
	snprintf(marks, sizeof(marks), "%s/marks", daemon_.folder);
	unsigned long long id = submit_task(c,
		"{\"task\":\"exec\",\"args\":{\"shell\":\"echo run >>%s; exec sleep 600\"}}", marks);
	wait_for_state(c, id, "running");
	while (access(marks, F_OK) < 0)
		pause_briefly();
	kill_and_start_again();
	free(record_at_end(c, id));
	expect_state(id, "crashed");
	int fd = open(marks, O_RDONLY);
	ck_assert_int_eq(read(fd, text, sizeof(text) - 1), 4);
	close(fd);
	stop();
}
END_TEST

/* Those of a planned stop are not held against the task. */
START_TEST(a_stop_that_interrupts_runs_it_again)
{
	char path[128];
	start("on_stop = interrupt\ncrash_limit = 1\n");
	snprintf(path, sizeof(path), "%s/gate", daemon_.folder);
	unsigned long long id = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", path);
	wait_for_state(c, id, "running");
	stop_and_start_again();
	wait_for_state(c, id, "running");
	touch("gate", path);
	char *record = record_at_end(c, id);
	ck_assert_msg(strcmp(text_in(record, "state"), "succeeded") == 0, "%s", record);
	free(record);
	stop();
}
END_TEST

/* --- a planned restart --- */

/* A client with a stream of submissions over five restarts: no connect fails, every submission is run once. */
START_TEST(clients_do_not_notice_a_restart)
{
	enum { N = 400 };
	static struct taskd_future *futures[N];
	const struct taskd_connect_options options = { .reconnect_ns = 20 * TASKD_SECOND };
	const struct taskd_options detached = { .detached = true };
	char path[128], args[160];
	size_t lines = 0;
	daemon_start_activated(&daemon_, "life", "[pool default]\nprocesses = 2\n");
	struct taskd *r = taskd_connect(daemon_.socket, &options);
	ck_assert_ptr_nonnull(r);
	snprintf(path, sizeof(path), "%s/marks", daemon_.folder);
	snprintf(args, sizeof(args), "[\"%s\"]", path);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < N / 5; i++) {
			futures[round * N / 5 + i] = taskd_submit(r, "mark", args, &detached);
			ck_assert_ptr_nonnull(futures[round * N / 5 + i]);
			if (i % 16 == 0)
				taskd_dispatch(r, 0);
		}
		kill(daemon_.pid, SIGTERM);
		taskd_dispatch(r, 2 * TASKD_MS);
		ck_assert_int_eq(daemon_wait(&daemon_), 0);
		taskd_close(taskd_connect(daemon_.socket, NULL)); /* it stands in the socket's queue, or is refused */
		daemon_again(&daemon_);
	}
	for (int i = 0; i < N; i++) {
		enum taskd_error error = taskd_result(futures[i], PATIENCE_NS);
		ck_assert_msg(error == TASKD_OK, "number %d: %s", i, taskd_future_error(futures[i])->message);
		taskd_future_free(futures[i]);
	}
	taskd_close(r);
	FILE *file = fopen(path, "r");
	for (int ch; file && (ch = getc(file)) != EOF;)
		lines += ch == '\n';
	fclose(file);
	ck_assert_uint_eq(lines, N);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* --- when the disk is the trouble --- */

/* A mount namespace of the test's own, with a small filesystem as the state directory's parent. */
static bool small_filesystem(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mkdir(path, 0700) == 0 && mount("tmpfs", path, "tmpfs", 0, "size=16m,mode=0700") == 0;
}

static bool store_is(void *state)
{
	return strcmp(state_of_store(), state) == 0;
}

/* SIZE bytes of the disk are taken. */
static void fill(const char *path, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, size), 0);
	close(fd);
}

/* Submits tasks of 100 KB until the disk is full; the last that was taken. */
static unsigned long long submit_until_full(size_t *taken)
{
	enum { SIZE = 100000 };
	char *params = malloc(SIZE + 64);
	unsigned long long last = 0;
	int length = sprintf(params, "{\"task\":\"echo\",\"args\":[\"");
	memset(params + length, 'x', SIZE);
	strcpy(params + length + SIZE, "\"],\"delay\":3600}");
	for (*taken = 0; *taken < 1000; ++*taken) {
		struct taskd_future *f = taskd_request(c, "task.submit", params);
		enum taskd_error error = taskd_result(f, PATIENCE_NS);
		if (error == TASKD_OK)
			last = strtoull(text_in(taskd_future_result(f, NULL), "id"), NULL, 10);
		else
			ck_assert_str_eq(taskd_future_error(f)->kind, "store_full");
		taskd_future_free(f);
		if (error != TASKD_OK)
			break;
	}
	free(params);
	return last;
}

START_TEST(a_full_disk_refuses_what_is_new_and_recovers)
{
	char config[256], folder[] = "/tmp/taskd-small-XXXXXX", mounted[64], filler[96], path[128];
	size_t taken, more;
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(mounted, sizeof(mounted), "%s/fs", folder);
	if (!small_filesystem(mounted)) {
		fprintf(stderr, "no mounts are allowed here: a full disk is not tried\n");
		rmdir(folder);
		return;
	}
	snprintf(filler, sizeof(filler), "%s/filler", mounted);
	fill(filler, 8 << 20);
	snprintf(config, sizeof(config), "state_directory = %s/state\n", mounted);
	daemon_start_with_plugins(&daemon_, "life", config);
	c = daemon_connect(&daemon_);
	snprintf(path, sizeof(path), "%s/gate", daemon_.folder);
	unsigned long long gate = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", path);
	wait_for_state(c, gate, "running");
	unsigned long long last = submit_until_full(&taken);
	ck_assert_msg(taken > 5 && taken < 100, "%zu taken", taken);
	ck_assert_str_eq(state_of_store(), "full");
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"fib\",\"args\":[3]}"), "store_full");
	/* What needs no disk goes on; what runs may end, and its outcome waits for room. */
	free(request(c, "fib", "[10]"));
	touch("gate", path);
	wait_for_state(c, gate, "recording");
	/* Room is made, and it goes on by itself. */
	ck_assert_int_eq(unlink(filler), 0);
	char *result = ask(c, "task.result", "{\"id\":\"%llu\",\"timeout\":30}", gate);
	ck_assert_str_eq(result, "null");
	free(result);
	ck_assert_msg(wait_until(store_is, (void *)(uintptr_t)"ok"), "it did not recover");
	last = submit_until_full(&more);
	ck_assert_msg(more > 20, "%zu taken after there was room again", more);
	/* A kill while it is full loses nothing that was acknowledged. */
	kill_and_start_again();
	char *record = record_of(c, last);
	ck_assert_str_eq(text_in(record, "state"), "scheduled");
	free(record);
	char *cancelled = request(c, "task.cancel", "{\"state\":[\"scheduled\"]}");
	ck_assert_uint_eq((size_t)number_in(cancelled, "matched"), taken + more);
	free(cancelled);
	stop();
	umount2(mounted, MNT_DETACH);
	rmdir(mounted);
	rmdir(folder);
}
END_TEST

/* No file may grow any more: every write of the store fails, but not for want of room. */
START_TEST(a_failing_disk_stops_durable_work_and_says_so)
{
	const struct rlimit none = { 0, 0 };
	start("");
	unsigned long long kept = submit_task(c, "{\"task\":\"fib\",\"args\":[10],\"delay\":3600}");
	char *stats = request(c, "server.stats", "{}");
	int pid = (int)number_in(strstr(stats, "\"store\":"), "pid");
	free(stats);
	ck_assert_int_gt(pid, 0);
	struct taskd_future *waits = taskd_attach(c, id_text(kept));
	ck_assert_int_eq(taskd_result(waits, 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(prlimit(pid, RLIMIT_FSIZE, &none, NULL), 0);
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"fib\",\"args\":[3]}"), "store_failed");
	ck_assert_int_eq(taskd_result(waits, PATIENCE_NS), TASKD_E_STORE_FAILED);
	taskd_future_free(waits);
	ck_assert_str_eq(state_of_store(), "failed");
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"fib\",\"args\":[3]}"), "store_failed");
	free(request(c, "task.submit", "{\"task\":\"fib\",\"args\":[3],\"durable\":false}"));
	free(request(c, "fib", "[10]"));
	ck_assert(daemon_logged(&daemon_, "store"));
	kill_and_start_again();
	expect_state(kept, "scheduled");
	ck_assert_str_eq(state_of_store(), "ok");
	stop();
}
END_TEST

/* --- files that are not as they should be --- */

/* Starts it again where it is to refuse: its exit status. */
static int start_refused(void)
{
	daemon_launch(&daemon_);
	int status = daemon_wait(&daemon_);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void damage(const char *text, off_t at)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/state/tasks.db", daemon_.folder);
	int fd = open(path, O_WRONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, text, strlen(text), at), (ssize_t)strlen(text));
	close(fd);
}

static void stop_it(void)
{
	taskd_close(c);
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
}

static const char *const configs[] = { "", "store_damaged = aside\n" };

START_TEST(a_damaged_file_is_refused_or_put_aside_and_never_emptied)
{
	char command[160];
	start(configs[_i]);
	submit_task(c, "{\"task\":\"fib\",\"args\":[10],\"delay\":3600}");
	stop_it();
	damage("this is no database any more", 0);
	if (_i == 0) {
		ck_assert_int_eq(start_refused(), 1);
		ck_assert(daemon_logged(&daemon_, "tasks.db"));
		ck_assert(!daemon_logged(&daemon_, "until taskd is restarted")); /* it does not run */
		damage("SQLite format 3", 0); /* it was not touched */
	} else {
		daemon_again(&daemon_);
		ck_assert(daemon_logged(&daemon_, "tasks.db"));
		c = daemon_connect(&daemon_);
		submit_task(c, "{\"task\":\"fib\",\"args\":[10]}");
		snprintf(command, sizeof(command), "grep -q 'this is no database' %s/state/tasks.db?*", daemon_.folder);
		ck_assert_int_eq(system(command), 0);
		taskd_close(c);
	}
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(a_second_daemon_on_the_directory_is_refused)
{
	struct daemon other;
	start("kill_grace = 1h\n"); /* it has nobody to wait for so long */
	other = daemon_;
	snprintf(other.socket, sizeof(other.socket), "%s/other", daemon_.folder);
	snprintf(other.log, sizeof(other.log), "%s/other.log", daemon_.folder);
	daemon_launch(&other);
	int status = daemon_wait(&other);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(daemon_logged(&other, "in use"));
	submit_task(c, "{\"task\":\"fib\",\"args\":[10]}");
	stop();
}
END_TEST

/* --- without a store --- */

START_TEST(an_ephemeral_daemon_says_so)
{
	daemon_start(&daemon_, "");
	c = daemon_connect(&daemon_);
	char *answer = request(c, "task.submit", "{\"task\":\"fib\",\"args\":[3]}");
	ck_assert_str_eq(text_in(answer, "durability"), "memory");
	free(answer);
	ck_assert_str_eq(state_of_store(), "none");
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"fib\",\"args\":[3],\"durable\":true}"), "not_durable");
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("durable");
	TCase *tcase = tcase_create("durable");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, what_waited_waits_again_in_its_order, 0, 2);
	tcase_add_loop_test(tcase, results_failures_and_attempts_are_there_again, 0, 2);
	tcase_add_loop_test(tcase, times_and_dependencies_and_schedules_go_on, 0, 2);
	tcase_add_loop_test(tcase, those_that_were_given_results_are_there_again, 0, 2);
	tcase_add_test(tcase, what_ran_is_run_again_and_its_attempt_counts);
	tcase_add_test(tcase, what_takes_the_daemon_down_again_and_again_is_not_run_for_ever);
	tcase_add_test(tcase, a_command_that_ran_is_not_repeated);
	tcase_add_test(tcase, a_stop_that_interrupts_runs_it_again);
	tcase_add_test(tcase, clients_do_not_notice_a_restart);
	tcase_add_test(tcase, a_full_disk_refuses_what_is_new_and_recovers);
	tcase_add_test(tcase, a_failing_disk_stops_durable_work_and_says_so);
	tcase_add_loop_test(tcase, a_damaged_file_is_refused_or_put_aside_and_never_emptied, 0, 2);
	tcase_add_test(tcase, a_second_daemon_on_the_directory_is_refused);
	tcase_add_test(tcase, an_ephemeral_daemon_says_so);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
