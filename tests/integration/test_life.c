/* A task's life with the real daemon, end to end: its time, its attempts, its cancellation, what it waits for, its key.
 * The core's own tests walk every state and event; these show that what clients say gets there, and what workers do. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"
#include "proto/strbuf.h"

static struct daemon daemon_;
static struct taskd *c;
static char gate_path[96], mark_path[96];

static void start(const char *config)
{
	daemon_start_with_plugins(&daemon_, "life nasty", config);
	c = daemon_connect(&daemon_);
	snprintf(gate_path, sizeof(gate_path), "%s/gate", daemon_.folder);
	snprintf(mark_path, sizeof(mark_path), "%s/marks", daemon_.folder);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

#define ONE_SLOT "\n[pool default]\nprocesses = 1\n"

/* What runs until open_gate. */
static unsigned long long close_gate(void)
{
	unsigned long long id = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", gate_path);
	wait_for_state(c, id, "running");
	return id;
}

static void open_gate(void)
{
	FILE *file = fopen(gate_path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
}

static void assert_ends(unsigned long long id, const char *state)
{
	char *record = record_at_end(c, id);
	ck_assert_msg(strcmp(text_in(record, "state"), state) == 0, "not %s: %s", state, record);
	free(record);
}

static void assert_result(unsigned long long id, const char *wanted)
{
	char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", id);
	ck_assert_str_eq(result, wanted);
	free(result);
}

static int64_t wall_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * TASKD_SECOND + now.tv_nsec;
}

static size_t marks(void)
{
	FILE *file = fopen(mark_path, "r");
	size_t lines = 0;
	for (int byte; file && (byte = getc(file)) != EOF;)
		lines += byte == '\n';
	if (file)
		fclose(file);
	return lines;
}

/* --- time --- */

START_TEST(a_delayed_task_does_not_start_early)
{
	start(ONE_SLOT);
	/* The daemon sleeps meanwhile: what comes then must not be taken for having come before. */
	for (int i = 0; i < 100; i++)
		pause_briefly();
	int64_t before = wall_ns();
	unsigned long long id = submit_task(c, "{\"task\":\"noop\",\"delay\":0.15}");
	char *record = record_of(c, id);
	ck_assert_str_eq(text_in(record, "state"), "scheduled");
	ck_assert_int_ge(time_in(record, "submitted_at"), before / 1000 * 1000);
	ck_assert_int_ge(time_in(record, "due_at"), before + 150 * TASKD_MS - 1000);
	free(record);
	record = record_at_end(c, id);
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	ck_assert_int_ge(time_in(record, "started_at"), before + 150 * TASKD_MS - 1000);
	free(record);
	stop();
}
END_TEST

START_TEST(a_time_of_day_is_waited_for_and_a_past_one_is_now)
{
	char at[64];
	start(ONE_SLOT);
	int64_t when = wall_ns() + 150 * TASKD_MS;
	time_t seconds = (time_t)(when / TASKD_SECOND);
	size_t length = strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
	snprintf(at + length, sizeof(at) - length, ".%06dZ", (int)(when % TASKD_SECOND / 1000));
	unsigned long long id = submit_task(c, "{\"task\":\"noop\",\"at\":\"%s\"}", at);
	unsigned long long past = submit_task(c, "{\"task\":\"noop\",\"at\":\"2001-01-01T00:00:00Z\"}");
	assert_ends(past, "succeeded");
	char *record = record_at_end(c, id);
	ck_assert_int_ge(time_in(record, "started_at"), when / 1000 * 1000 - 1000);
	free(record);
	stop();
}
END_TEST

START_TEST(tasks_that_fall_due_together_start_by_priority)
{
	unsigned long long ids[20];
	start(ONE_SLOT);
	close_gate();
	char *batch = ask(c, "task.submit_batch", "{\"tasks\":[{\"task\":\"count\",\"delay\":0.05,\"priority\":-1},"
		"{\"task\":\"count\",\"delay\":0.05},{\"task\":\"count\",\"delay\":0.05,\"priority\":1}]}");
	size_t n = 0;
	for (const char *at = batch; n < 3 && (at = strstr(at, "\"id\":\"")); at++)
		ids[n++] = strtoull(at + 6, NULL, 10);
	free(batch);
	for (size_t i = 0; i < 3; i++)
		wait_for_state(c, ids[i], "queued");
	open_gate();
	assert_result(ids[0], "3");
	assert_result(ids[1], "2");
	assert_result(ids[2], "1");
	stop();
}
END_TEST

START_TEST(what_has_not_started_by_its_deadline_expires)
{
	start(ONE_SLOT);
	unsigned long long gate = close_gate();
	unsigned long long queued = submit_task(c, "{\"task\":\"mark\",\"args\":[\"%s\"],\"expires\":0.03}", mark_path);
	unsigned long long scheduled = submit_task(c, "{\"task\":\"noop\",\"delay\":3600,\"expires\":0.03}");
	unsigned long long blocked = submit_task(c, "{\"task\":\"noop\",\"after\":\"%llu\",\"expires\":0.03}", gate);
	assert_ends(queued, "expired");
	assert_ends(scheduled, "expired");
	assert_ends(blocked, "expired");
	open_gate();
	assert_ends(gate, "succeeded");
	ck_assert_uint_eq(marks(), 0);
	/* To have begun is enough. */
	assert_ends(submit_task(c, "{\"task\":\"sleep\",\"args\":[0.2],\"expires\":0.1}"), "succeeded");
	stop();
}
END_TEST

START_TEST(a_recurring_task_runs_again_and_does_not_overlap)
{
	start("\n[pool default]\nprocesses = 2\n");
	free(ask(c, "schedule.add", "{\"name\":\"tick\",\"task\":\"mark\",\"args\":[\"%s\"],\"every\":0.02}", mark_path));
	free(ask(c, "schedule.add", "{\"name\":\"long\",\"task\":\"gate\",\"args\":[\"%s\"],\"every\":0.02}", gate_path));
	ck_assert(daemon_logged(&daemon_, "schedule long of user "));
	ck_assert(daemon_logged(&daemon_, ": a run was left out: its last run has not ended"));
	int64_t end = test_now_ns() + PATIENCE_NS;
	while (marks() < 3) {
		ck_assert_int_lt(test_now_ns(), end);
		pause_briefly();
	}
	char *list = request(c, "task.list", "{\"task\":\"gate\"}");
	ck_assert_ptr_eq(strstr(strstr(list, "\"schedule\":\"long\"") + 1, "\"schedule\":"), NULL);
	free(list);
	free(request(c, "schedule.remove", "{\"name\":\"tick\"}"));
	free(request(c, "schedule.remove", "{\"name\":\"long\"}"));
	open_gate();
	stop();
}
END_TEST

/* --- attempts --- */

START_TEST(a_failure_is_tried_again_and_each_attempt_is_on_the_record)
{
	start(ONE_SLOT);
	unsigned long long id = submit_task(c, "{\"task\":\"flaky\",\"args\":[2],\"retries\":3,\"backoff\":0.01}");
	char *record = record_at_end(c, id);
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	ck_assert_int_eq((int)number_in(record, "retries"), 3);
	const char *attempts = strstr(record, "\"attempts\":[");
	ck_assert_ptr_nonnull(attempts);
	ck_assert_ptr_nonnull(strstr(attempts, "attempt 1 is to fail"));
	ck_assert_ptr_nonnull(strstr(attempts, "attempt 2 is to fail"));
	free(record);
	assert_result(id, "3");
	stop();
}
END_TEST

START_TEST(out_of_attempts_it_stays_as_failed_and_can_be_retried)
{
	start(ONE_SLOT);
	unsigned long long none = submit_task(c, "{\"task\":\"flaky\",\"args\":[1],\"retries\":0}");
	unsigned long long id = submit_task(c, "{\"task\":\"flaky\",\"args\":[9],\"retries\":1,\"backoff\":0,\"tag\":\"bad\"}");
	char *record = record_at_end(c, none);
	ck_assert_str_eq(text_in(record, "state"), "failed");
	ck_assert_int_eq((int)number_in(record, "attempt"), 1);
	free(record);
	record = record_at_end(c, id);
	ck_assert_str_eq(text_in(record, "state"), "failed");
	ck_assert_ptr_nonnull(strstr(record, "attempt 2 is to fail"));
	free(record);
	char *retried = ask(c, "task.retry", "{\"ids\":[\"%llu\"]}", none);
	unsigned long long again = strtoull(text_in(retried, "retried_as"), NULL, 10);
	ck_assert_uint_gt(again, id);
	free(retried);
	record = record_at_end(c, again);
	ck_assert_uint_eq(strtoull(text_in(record, "retry_of"), NULL, 10), none);
	free(record);
	record = record_of(c, none);
	ck_assert_uint_eq(strtoull(text_in(record, "retried_as"), NULL, 10), again);
	free(record);
	retried = request(c, "task.retry", "{\"tag\":\"bad\"}");
	ck_assert_int_eq((int)number_in(retried, "retried"), 1);
	free(retried);
	stop();
}
END_TEST

START_TEST(only_chosen_outcomes_are_tried_again)
{
	start("kill_grace = 50ms" ONE_SLOT);
	unsigned long long tried = submit_task(c, "{\"task\":\"sleep\",\"args\":[60],\"timeout\":0.03,\"retries\":1,\"backoff\":0}");
	unsigned long long not = submit_task(c,
		"{\"task\":\"sleep\",\"args\":[60],\"timeout\":0.03,\"retries\":1,\"backoff\":0,\"retry_on\":[\"failed\",\"crashed\"]}");
	char *record = record_at_end(c, tried);
	ck_assert_str_eq(text_in(record, "state"), "timed_out");
	ck_assert_ptr_nonnull(strstr(strstr(record, "\"attempts\":["), "\"state\":\"timed_out\""));
	free(record);
	record = record_at_end(c, not);
	ck_assert_str_eq(text_in(record, "state"), "timed_out");
	ck_assert_int_eq((int)number_in(record, "attempt"), 1);
	free(record);
	/* Also for C code that never looks. */
	assert_ends(submit_task(c, "{\"task\":\"spin\",\"timeout\":0.03}"), "timed_out");
	stop();
}
END_TEST

START_TEST(a_killed_worker_s_task_is_tried_again)
{
	start(ONE_SLOT);
	unsigned long long id = submit_task(c, "{\"task\":\"deadly\",\"args\":[2],\"retries\":5,\"backoff\":0}");
	char *record = record_at_end(c, id);
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	ck_assert_int_eq((int)number_in(record, "crashes"), 2);
	ck_assert_int_gt((int)number_in(strstr(record, "\"attempts\":["), "worker_pid"), 0);
	free(record);
	assert_result(id, "3");
	stop();
}
END_TEST

START_TEST(what_has_killed_three_workers_is_not_run_again)
{
	static const int limits[] = { 3, 1, 0 };
	char config[96];
	int limit = limits[_i];
	if (limit == 3)
		snprintf(config, sizeof(config), ONE_SLOT);
	else
		snprintf(config, sizeof(config), "crash_limit = %d" ONE_SLOT, limit);
	start(config);
	char *record = record_at_end(c, submit_task(c, "{\"task\":\"deadly\",\"args\":[9],\"retries\":5,\"backoff\":0}"));
	ck_assert_str_eq(text_in(record, "state"), "crashed");
	ck_assert_int_eq((int)number_in(record, "crashes"), limit ? limit : 6);
	free(record);
	assert_ends(submit_task(c, "{\"task\":\"noop\"}"), "succeeded");
	stop();
}
END_TEST

/* --- cancel --- */

START_TEST(it_is_cancelled_in_every_state)
{
	start("kill_grace = 50ms" ONE_SLOT);
	unsigned long long gate = close_gate();
	const unsigned long long ids[] = {
		submit_task(c, "{\"task\":\"noop\",\"delay\":3600}"),
		submit_task(c, "{\"task\":\"noop\",\"after\":\"%llu\"}", gate),
		submit_task(c, "{\"task\":\"noop\"}"),
		gate,
	};
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", ids[i]));
		assert_ends(ids[i], "cancelled");
		char *again = ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", ids[i]);
		ck_assert_str_eq(text_in(again, "state"), "cancelled");
		free(again);
	}
	/* It does not look at its flag: its worker is killed, and it is cancelled all the same, and not tried again. */
	unsigned long long spin = submit_task(c, "{\"task\":\"spin\",\"retries\":3,\"backoff\":0}");
	wait_for_state(c, spin, "running");
	char *answer = ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", spin);
	ck_assert_str_eq(text_in(answer, "state"), "cancelling");
	free(answer);
	free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", spin));
	char *record = record_at_end(c, spin);
	ck_assert_str_eq(text_in(record, "state"), "cancelled");
	ck_assert_int_eq((int)number_in(record, "attempt"), 1);
	free(record);
	/* Between two attempts. */
	unsigned long long flaky = submit_task(c, "{\"task\":\"flaky\",\"args\":[9],\"retries\":3,\"backoff\":3600}");
	wait_for_state(c, flaky, "scheduled");
	free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", flaky));
	assert_ends(flaky, "cancelled");
	stop();
}
END_TEST

/* Whoever wins, the slot or the cancellation, everybody is told the same: what is cancelled has left no mark. */
START_TEST(a_cancelled_task_never_ran_or_was_told_to_stop)
{
	enum { ROUNDS = 300, EACH = 8 };
	size_t succeeded = 0, cancelled = 0;
	start("\n[pool default]\nprocesses = 2\n");
	for (int i = 0; i < ROUNDS; i++) {
		struct taskd_future *futures[EACH];
		char args[128];
		const struct taskd_options options = { .detached = true };
		snprintf(args, sizeof(args), "[\"%s\"]", mark_path);
		for (int k = 0; k < EACH; k++)
			futures[k] = taskd_submit(c, "mark", args, &options);
		free(request(c, "server.ping", "{}"));
		for (int k = EACH - 1; k >= 0; k--)
			taskd_cancel(futures[k], PATIENCE_NS);
		for (int k = 0; k < EACH; k++) {
			enum taskd_error error = taskd_result(futures[k], PATIENCE_NS);
			ck_assert(error == TASKD_OK || error == TASKD_E_CANCELLED);
			succeeded += error == TASKD_OK;
			cancelled += error == TASKD_E_CANCELLED;
			taskd_future_free(futures[k]);
		}
	}
	ck_assert_uint_eq(marks(), succeeded);
	ck_assert_uint_eq(succeeded + cancelled, ROUNDS * EACH);
	char *stats = request(c, "server.stats", "{}");
	ck_assert_uint_eq((size_t)number_in(stats, "cancelled"), cancelled);
	free(stats);
	stop();
}
END_TEST

START_TEST(many_are_cancelled_by_what_they_have_in_common)
{
	start(ONE_SLOT);
	close_gate();
	for (int i = 0; i < 50; i++)
		submit_task(c, "{\"task\":\"noop\",\"tag\":\"%s\"}", i % 2 ? "odd" : "even");
	char *answer = request(c, "task.cancel", "{\"tag\":\"odd\"}");
	ck_assert_int_eq((int)number_in(answer, "matched"), 25);
	ck_assert_int_eq((int)number_in(answer, "cancelled"), 25);
	free(answer);
	ck_assert_str_eq(refusal(c, "task.cancel", "{}"), "invalid_params");
	answer = request(c, "task.cancel", "{\"all\":true}");
	ck_assert_int_eq((int)number_in(answer, "matched"), 26);
	free(answer);
	stop();
}
END_TEST

/* --- dependencies --- */

START_TEST(results_are_passed_to_who_waited_for_them)
{
	start("\n[pool default]\nprocesses = 2\n");
	unsigned long long a = submit_task(c, "{\"task\":\"fib\",\"args\":[10],\"delay\":0.05}");
	unsigned long long b = submit_task(c, "{\"task\":\"fib\",\"args\":[11]}");
	unsigned long long array = submit_task(c,
		"{\"task\":\"echo\",\"args\":[\"x\"],\"after\":[\"%llu\",%llu],\"pass_results\":true}", a, b);
	unsigned long long object = submit_task(c,
		"{\"task\":\"echo\",\"args\":{\"x\":1},\"after\":[\"%llu\",\"%llu\"],\"pass_results\":true}", b, a);
	assert_result(array, "[\"x\",[55,89]]");
	char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", object);
	ck_assert_ptr_nonnull(strstr(result, "\"results\":[89,55]"));
	free(result);
	stop();
}
END_TEST

START_TEST(a_failed_dependency_ends_all_that_wait_for_it)
{
	start(ONE_SLOT);
	close_gate();
	unsigned long long bad = submit_task(c, "{\"task\":\"flaky\",\"args\":[1]}");
	unsigned long long child = submit_task(c, "{\"task\":\"mark\",\"args\":[\"%s\"],\"after\":\"%llu\"}", mark_path, bad);
	unsigned long long grandchild = submit_task(c, "{\"task\":\"mark\",\"args\":[\"%s\"],\"after\":%llu}", mark_path, child);
	unsigned long long any = submit_task(c, "{\"task\":\"noop\",\"after_any\":[%llu,%llu]}", bad, grandchild);
	char *record = record_of(c, child);
	ck_assert_str_eq(text_in(record, "state"), "blocked");
	free(record);
	open_gate();
	record = record_at_end(c, grandchild);
	ck_assert_str_eq(text_in(record, "state"), "cancelled");
	ck_assert_ptr_nonnull(strstr(record, "dependency_failed"));
	free(record);
	assert_ends(child, "cancelled");
	assert_ends(any, "succeeded");
	ck_assert_uint_eq(marks(), 0);
	/* Of one that is over already, and of one that never was. */
	unsigned long long late = submit_task(c, "{\"task\":\"noop\",\"after\":%llu}", bad);
	assert_ends(late, "cancelled");
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"noop\",\"after\":\"999999\"}"), "not_found");
	stop();
}
END_TEST

START_TEST(a_cancelled_dependency_tells_its_dependents)
{
	start(ONE_SLOT);
	unsigned long long gate = close_gate();
	unsigned long long child = submit_task(c, "{\"task\":\"noop\",\"after\":%llu}", gate);
	free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", gate));
	char *record = record_at_end(c, child);
	char text[32];
	snprintf(text, sizeof(text), "%llu", gate);
	ck_assert_str_eq(text_in(record, "state"), "cancelled");
	ck_assert_ptr_nonnull(strstr(text_in(record, "message"), text));
	free(record);
	stop();
}
END_TEST

START_TEST(a_batch_is_taken_whole_or_not_at_all)
{
	start("\n[pool default]\nprocesses = 2\n");
	char *batch = request(c, "task.submit_batch", "{\"tasks\":["
		"{\"label\":\"sum\",\"task\":\"echo\",\"after\":[\"a\",\"b\"],\"pass_results\":true},"
		"{\"label\":\"a\",\"task\":\"fib\",\"args\":[5]},"
		"{\"label\":\"b\",\"task\":\"echo\",\"after\":\"a\",\"pass_results\":true}]}");
	unsigned long long sum = strtoull(text_in(batch, "id"), NULL, 10);
	free(batch);
	assert_result(sum, "[5,[5]]");
	ck_assert_str_eq(refusal(c, "task.submit_batch", "{\"tasks\":["
		"{\"label\":\"a\",\"task\":\"noop\",\"after\":\"b\"},{\"label\":\"b\",\"task\":\"noop\",\"after\":\"a\"}]}"),
		"dependency_cycle");
	ck_assert_str_eq(refusal(c, "task.submit_batch", "{\"tasks\":[{\"task\":\"noop\"},{\"task\":\"nop\"}]}"), "unknown_task");
	char *list = request(c, "task.list", "{\"task\":\"noop\"}");
	ck_assert_ptr_null(strstr(list, "\"id\""));
	free(list);
	stop();
}
END_TEST

/* --- keys --- */

START_TEST(a_key_is_had_by_one_task_at_a_time)
{
	start(ONE_SLOT);
	unsigned long long gate = close_gate();
	unsigned long long first = submit_task(c, "{\"task\":\"fib\",\"args\":[10],\"key\":\"k\"}");
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"noop\",\"key\":\"k\"}"), "duplicate");
	char *attached = request(c, "task.submit", "{\"task\":\"noop\",\"key\":\"k\",\"key_mode\":\"attach\"}");
	ck_assert_uint_eq(strtoull(text_in(attached, "id"), NULL, 10), first);
	ck_assert_ptr_nonnull(strstr(attached, "\"duplicate\":true"));
	free(attached);
	struct taskd_future *call = taskd_submit(c, "noop", NULL,
		&(struct taskd_options){ .key = "k", .key_mode = TASKD_KEY_ATTACH });
	taskd_flush(c, PATIENCE_NS);
	free(request(c, "server.ping", "{}"));
	open_gate();
	ck_assert_int_eq(taskd_result(call, PATIENCE_NS), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(call, NULL), "55");
	taskd_future_free(call);
	assert_ends(gate, "succeeded");
	unsigned long long next = submit_task(c, "{\"task\":\"noop\",\"delay\":3600,\"key\":\"k\"}");
	ck_assert_uint_ne(next, first);
	unsigned long long replacement = submit_task(c, "{\"task\":\"noop\",\"key\":\"k\",\"key_mode\":\"replace\"}");
	assert_ends(next, "cancelled");
	assert_ends(replacement, "succeeded");
	unsigned long long again = submit_task(c, "{\"task\":\"noop\",\"key\":\"k\",\"key_mode\":\"once\"}");
	ck_assert_uint_eq(again, replacement);
	stop();
}
END_TEST

/* --- workers that are killed --- */

static unsigned next_random(void)
{
	static unsigned long long state = 88172645463325252ULL;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33);
}

/* Chains of tasks, each of which is tried again when its worker dies under it, while workers are killed all the time. */
START_TEST(no_task_is_lost_while_workers_are_killed)
{
	enum { CHAINS = 150, LINKS = 4, BETWEEN = 3 }; /* so many tasks end between two kills */
	unsigned long long last[CHAINS];
	pid_t pids[16];
	int kills = 0, lost = 0;
	start("crash_limit = 0\nlog_level = error\n[pool default]\nprocesses = 3\n");
	for (int i = 0; i < CHAINS; i++) {
		char *batch = request(c, "task.submit_batch", "{\"tasks\":["
			"{\"label\":\"a\",\"task\":\"fib\",\"args\":[27],\"retries\":1000,\"backoff\":0},"
			"{\"label\":\"b\",\"task\":\"fib\",\"args\":[26],\"retries\":1000,\"backoff\":0.001,\"after\":\"a\"},"
			"{\"label\":\"c\",\"task\":\"fib\",\"args\":[25],\"retries\":1000,\"backoff\":0,\"after\":\"a\"},"
			"{\"label\":\"d\",\"task\":\"echo\",\"retries\":1000,\"backoff\":0,\"after\":[\"a\",\"b\",\"c\"],"
			"\"pass_results\":true,\"priority\":1}]}");
		const char *at = batch;
		for (const char *next; (next = strstr(at, "\"id\":\"")); at = next + 1)
			;
		last[i] = strtoull(at + strlen("id\":\""), NULL, 10);
		free(batch);
	}
	int64_t end = test_now_ns() + PATIENCE_NS;
	for (double done = 0, killed_at = -BETWEEN; done < CHAINS * LINKS && test_now_ns() < end;) {
		char *stats = request(c, "server.stats", "{}");
		done = number_in(stats, "succeeded");
		free(stats);
		if (done < killed_at + BETWEEN)
			continue;
		size_t n = worker_pids(c, pids, sizeof(pids) / sizeof(*pids));
		if (n && kill(pids[next_random() % n], SIGKILL) == 0) {
			killed_at = done;
			kills++;
		}
	}
	for (int i = 0; i < CHAINS; i++) {
		char *result = ask(c, "task.result", "{\"id\":\"%llu\",\"timeout\":30}", last[i]);
		lost += strcmp(result, "[196418,121393,75025]") != 0;
		free(result);
	}
	ck_assert_int_eq(lost, 0);
	ck_assert_int_gt(kills, 0);
	printf("%d workers were killed under %d tasks, %d lost\n", kills, CHAINS * LINKS, lost);
	stop();
}
END_TEST

/* --- stop --- */

START_TEST(a_stop_does_not_wait_for_what_is_not_due)
{
	start("drain_timeout = 1h" ONE_SLOT);
	unsigned long long scheduled = submit_task(c, "{\"task\":\"noop\",\"delay\":3600}");
	submit_task(c, "{\"task\":\"noop\",\"after\":\"%llu\"}", scheduled);
	free(request(c, "queue.create", "{\"name\":\"aside\"}"));
	free(request(c, "queue.pause", "{\"queue\":\"aside\"}"));
	submit_task(c, "{\"task\":\"noop\",\"queue\":\"aside\"}");
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	ck_assert(daemon_logged(&daemon_, "1 scheduled and 1 blocked ones are not waited for"));
	ck_assert(daemon_logged(&daemon_, "stopped with 1 queued and 0 started tasks left, 1 scheduled and 1 blocked ones"));
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

/* Of a task that the stop has ended, all who waited hear, however many they are, and one who waited for many. */
START_TEST(a_stop_tells_everybody_of_the_last_ends)
{
	struct taskd_future *waits[100];
	struct strbuf ids = STRBUF_INIT;
	start("drain_timeout = 0s" ONE_SLOT);
	unsigned long long last = close_gate();
	strbuf_printf(&ids, "{\"ids\":[%llu", last);
	for (int i = 0; i < 100; i++)
		strbuf_printf(&ids, ",%llu", submit_task(c, "{\"task\":\"noop\",\"delay\":3600}"));
	strbuf_puts(&ids, "],\"return_when\":\"first_completed\"}");
	for (int i = 0; i < 100; i++)
		waits[i] = taskd_request(c, "task.wait", ids.data);
	strbuf_free(&ids);
	ck_assert_int_eq(taskd_flush(c, PATIENCE_NS), TASKD_OK);
	free(request(c, "server.ping", "{}"));
	kill(daemon_.pid, SIGTERM);
	for (int i = 0; i < 20; i++) /* that is more than a socket takes before it is read */
		pause_briefly();
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(taskd_result(waits[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(waits[i]);
	}
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("life");
	TCase *tcase = tcase_create("life");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_delayed_task_does_not_start_early);
	tcase_add_test(tcase, a_time_of_day_is_waited_for_and_a_past_one_is_now);
	tcase_add_test(tcase, tasks_that_fall_due_together_start_by_priority);
	tcase_add_test(tcase, what_has_not_started_by_its_deadline_expires);
	tcase_add_test(tcase, a_recurring_task_runs_again_and_does_not_overlap);
	tcase_add_test(tcase, a_failure_is_tried_again_and_each_attempt_is_on_the_record);
	tcase_add_test(tcase, out_of_attempts_it_stays_as_failed_and_can_be_retried);
	tcase_add_test(tcase, only_chosen_outcomes_are_tried_again);
	tcase_add_test(tcase, a_killed_worker_s_task_is_tried_again);
	tcase_add_loop_test(tcase, what_has_killed_three_workers_is_not_run_again, 0, 3);
	tcase_add_test(tcase, it_is_cancelled_in_every_state);
	tcase_add_test(tcase, a_cancelled_task_never_ran_or_was_told_to_stop);
	tcase_add_test(tcase, many_are_cancelled_by_what_they_have_in_common);
	tcase_add_test(tcase, results_are_passed_to_who_waited_for_them);
	tcase_add_test(tcase, a_failed_dependency_ends_all_that_wait_for_it);
	tcase_add_test(tcase, a_cancelled_dependency_tells_its_dependents);
	tcase_add_test(tcase, a_batch_is_taken_whole_or_not_at_all);
	tcase_add_test(tcase, a_key_is_had_by_one_task_at_a_time);
	tcase_add_test(tcase, no_task_is_lost_while_workers_are_killed);
	tcase_add_test(tcase, a_stop_does_not_wait_for_what_is_not_due);
	tcase_add_test(tcase, a_stop_tells_everybody_of_the_last_ends);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
