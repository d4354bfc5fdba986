/* Which task starts when, with the real daemon: priorities and orders, pauses, limits and rates; and that a lane never
 * keeps a task from a slot that is free. */
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

static void start(const char *config)
{
	daemon_start_with_plugins(&daemon_, "life", config);
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

/* What runs until open_gate. */
static unsigned long long close_gate(void)
{
	unlink(gate_path);
	unsigned long long id = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"]}", gate_path);
	wait_for_state(c, id, "running");
	return id;
}

static struct taskd_future *submit(const char *task, const struct taskd_options *options)
{
	struct taskd_future *f = taskd_submit(c, task, NULL, options);
	ck_assert_ptr_nonnull(f);
	return f;
}

/* Its result, a number. */
static long long number_of(struct taskd_future *f)
{
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	long long number = atoll(taskd_future_result(f, NULL));
	taskd_future_free(f);
	return number;
}

static unsigned next_random(void)
{
	static unsigned long long state = 88172645463325252ULL;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33);
}

/* --- order --- */

/* One slot, and a thousand tasks that are submitted while it is busy: each says the how manieth it was. */
START_TEST(a_thousand_random_priorities_start_in_exact_order)
{
	enum { N = 1000 };
	static struct taskd_future *futures[N];
	static int priorities[N];
	static long long places[N];
	start("\n[pool default]\nprocesses = 1\n");
	/* So that many go into the lane at once: it is known how little they take. */
	for (int i = 0; i < 100; i++)
		number_of(submit("count", NULL));
	close_gate();
	for (int i = 0; i < N; i++) {
		priorities[i] = (int)(next_random() % 101) - 50;
		futures[i] = submit("count", &(struct taskd_options){ .priority = priorities[i] });
		if (i % 97 == 0)
			free(request(c, "server.ping", "{}"));
	}
	free(request(c, "server.ping", "{}"));
	open_gate();
	for (int i = 0; i < N; i++)
		places[i] = number_of(futures[i]) - 100;
	for (int i = 0; i < N; i++) {
		long long before = 1;
		for (int k = 0; k < N; k++)
			before += priorities[k] > priorities[i] || (priorities[k] == priorities[i] && k < i);
		ck_assert_int_eq(places[i], before);
	}
	stop();
}
END_TEST

START_TEST(a_queue_may_be_first_or_last_come_first_served)
{
	enum { N = 20 };
	struct taskd_future *futures[N];
	bool lifo = _i == 1;
	start(lifo ? "\n[pool default]\nprocesses = 1\n[queue q]\norder = lifo\n"
		   : "\n[pool default]\nprocesses = 1\n[queue q]\norder = fifo\n");
	close_gate();
	for (int i = 0; i < N; i++)
		futures[i] = submit("count", &(struct taskd_options){ .queue = "q", .priority = i % 3 });
	free(request(c, "server.ping", "{}"));
	open_gate();
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(number_of(futures[i]), lifo ? N - i : i + 1);
	stop();
}
END_TEST

START_TEST(queues_of_equal_priority_share_by_weight)
{
	enum { N = 100 };
	struct taskd_future *futures[2][N];
	long long first_half = 0;
	start("\n[pool default]\nprocesses = 1\n[queue a]\nweight = 3\n[queue b]\n");
	close_gate();
	for (int i = 0; i < N; i++)
		for (int q = 0; q < 2; q++)
			futures[q][i] = submit("count", &(struct taskd_options){ .queue = q ? "b" : "a" });
	free(request(c, "server.ping", "{}"));
	open_gate();
	for (int i = 0; i < N; i++) {
		first_half += number_of(futures[0][i]) <= N;
		number_of(futures[1][i]);
	}
	ck_assert_int_ge(first_half, 70);
	ck_assert_int_le(first_half, 80);
	stop();
}
END_TEST

/* --- lanes --- */

/* Two slots, one of them held. Nothing may wait behind what holds it while the other slot is idle: so all tiny tasks end
 * although the long one does not. What holds the slot looks tiny to the estimate, so that many are put in behind it. */
START_TEST(a_tiny_task_never_waits_for_a_long_one_while_a_slot_is_idle)
{
	enum { ROUNDS = 20, TINY = 500 };
	static struct taskd_future *tiny[TINY];
	char args[160];
	start("\n[pool default]\nprocesses = 2\n");
	snprintf(args, sizeof(args), "[\"%s\"]", gate_path);
	for (int round = 0; round < ROUNDS; round++) {
		open_gate();
		for (int i = 0; i < 200; i++) {
			struct taskd_future *f = taskd_submit(c, "gate", args, NULL);
			ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
			taskd_future_free(f);
		}
		unlink(gate_path);
		struct taskd_future *held = NULL;
		int at = (int)(next_random() % TINY);
		for (int i = 0; i < TINY; i++) {
			if (i == at)
				held = taskd_submit(c, "gate", args, NULL);
			tiny[i] = submit("noop", NULL);
		}
		for (int i = 0; i < TINY; i++) {
			ck_assert_int_eq(taskd_result(tiny[i], PATIENCE_NS), TASKD_OK);
			taskd_future_free(tiny[i]);
		}
		ck_assert(!taskd_done(held));
		open_gate();
		ck_assert_int_eq(taskd_result(held, PATIENCE_NS), TASKD_OK);
		taskd_future_free(held);
	}
	stop();
}
END_TEST

/* The same by the records, with sleepers of 100 ms among thousands: one at a time, so that a slot is always free for the
 * tiny ones. Those that were submitted before a sleeper began have all ended when it ends. */
START_TEST(tiny_tasks_overtake_sleepers_under_load)
{
	enum { SLEEPERS = 10, TINY = 300 };
	static unsigned long long tiny[SLEEPERS][TINY];
	unsigned long long sleepers[SLEEPERS];
	start("\n[pool default]\nprocesses = 2\n[queue sleepers]\nlimit_running = 1\n");
	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = submit_task(c, "{\"task\":\"sleep\",\"args\":[0.1],\"queue\":\"sleepers\"}");
		for (int k = 0; k < TINY; k++)
			tiny[i][k] = submit_task(c, "{\"task\":\"noop\"}");
	}
	for (int i = 0; i < SLEEPERS; i++) {
		char *sleeper = record_at_end(c, sleepers[i]);
		int64_t began = time_in(sleeper, "started_at"), ended = time_in(sleeper, "ended_at");
		for (int k = 0; k < TINY; k += 7) {
			char *record = record_at_end(c, tiny[i][k]);
			if (time_in(record, "submitted_at") <= began)
				ck_assert_msg(time_in(record, "ended_at") <= ended, "%s\nwaited for\n%s", record, sleeper);
			free(record);
		}
		free(sleeper);
	}
	stop();
}
END_TEST

/* --- pauses, limits, rates --- */

static void assert_queue(const char *name, const char *key, int wanted)
{
	char *list = request(c, "queue.list", "{}");
	char text[96];
	snprintf(text, sizeof(text), "\"name\":\"%s\"", name);
	const char *entry = strstr(list, text);
	ck_assert_msg(entry != NULL, "no queue %s: %s", name, list);
	ck_assert_msg((int)number_in(entry, key) == wanted, "%s of %s is not %d: %s", key, name, wanted, list);
	free(list);
}

START_TEST(a_paused_queue_starts_nothing_until_it_is_resumed)
{
	start("\n[pool default]\nprocesses = 1\n[queue q]\n");
	free(request(c, "queue.pause", "{\"queue\":\"q\"}"));
	unsigned long long held = submit_task(c, "{\"task\":\"noop\",\"queue\":\"q\"}");
	unsigned long long other = submit_task(c, "{\"task\":\"noop\"}");
	free(record_at_end(c, other));
	char *record = record_of(c, held);
	ck_assert_str_eq(text_in(record, "state"), "queued");
	free(record);
	free(request(c, "queue.resume", "{\"queue\":\"q\"}"));
	record = record_at_end(c, held);
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	free(record);
	stop();
}
END_TEST

START_TEST(a_pause_waits_for_what_runs_where_asked)
{
	start("\n[pool default]\nprocesses = 1\n");
	unsigned long long gate = close_gate();
	struct taskd_future *paused = taskd_request(c, "queue.pause", "{\"queue\":\"default\",\"wait\":true}");
	taskd_flush(c, PATIENCE_NS);
	unsigned long long held = submit_task(c, "{\"task\":\"noop\"}");
	ck_assert(!taskd_done(paused));
	open_gate();
	ck_assert_int_eq(taskd_result(paused, PATIENCE_NS), TASKD_OK);
	taskd_future_free(paused);
	char *record = record_of(c, gate);
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	free(record);
	assert_queue("default", "running", 0);
	record = record_of(c, held);
	ck_assert_str_eq(text_in(record, "state"), "queued");
	free(record);
	stop();
}
END_TEST

START_TEST(a_drained_queue_takes_nothing_in_and_ends_what_it_has)
{
	start("\n[pool default]\nprocesses = 1\n[queue q]\n");
	close_gate();
	unsigned long long ids[10];
	for (int i = 0; i < 10; i++)
		ids[i] = submit_task(c, "{\"task\":\"noop\",\"queue\":\"q\"}");
	struct taskd_future *drained = taskd_request(c, "queue.drain", "{\"queue\":\"q\",\"wait\":true}");
	taskd_flush(c, PATIENCE_NS);
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"noop\",\"queue\":\"q\"}"), "queue_draining");
	ck_assert(!taskd_done(drained));
	open_gate();
	ck_assert_int_eq(taskd_result(drained, PATIENCE_NS), TASKD_OK);
	taskd_future_free(drained);
	for (int i = 0; i < 10; i++) {
		char *record = record_of(c, ids[i]);
		ck_assert_str_eq(text_in(record, "state"), "succeeded");
		free(record);
	}
	free(request(c, "queue.resume", "{\"queue\":\"q\"}"));
	free(record_at_end(c, submit_task(c, "{\"task\":\"noop\",\"queue\":\"q\"}")));
	stop();
}
END_TEST

/* How many of these ran at once, at most, by their records. */
static int most_at_once(const unsigned long long *ids, int n)
{
	int64_t began[64], ended[64];
	int most = 0;
	ck_assert_int_le(n, 64);
	for (int i = 0; i < n; i++) {
		char *record = record_at_end(c, ids[i]);
		began[i] = time_in(record, "started_at");
		ended[i] = time_in(record, "ended_at");
		free(record);
	}
	for (int i = 0; i < n; i++) {
		int at_once = 0;
		for (int k = 0; k < n; k++)
			at_once += began[k] <= began[i] && began[i] < ended[k];
		most = at_once > most ? at_once : most;
	}
	return most;
}

START_TEST(no_more_of_a_queue_run_than_its_limit)
{
	unsigned long long ids[24];
	start("\n[pool default]\nprocesses = 1\nthreads = 6\n[queue q]\nlimit_running = 2\n");
	for (int i = 0; i < 24; i++)
		ids[i] = submit_task(c, "{\"task\":\"sleep\",\"args\":[0.01],\"queue\":\"q\"}");
	ck_assert_int_le(most_at_once(ids, 24), 2);
	/* Live, by its method and by a reload. */
	unlink(gate_path);
	for (int i = 0; i < 6; i++)
		ids[i] = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s\"],\"queue\":\"q\"}", gate_path);
	wait_for_state(c, ids[1], "running");
	assert_queue("q", "running", 2);
	free(request(c, "queue.set", "{\"name\":\"q\",\"limit_running\":4}"));
	wait_for_state(c, ids[3], "running");
	assert_queue("q", "running", 4);
	daemon_reload_with_plugins(&daemon_, c, "life",
		"\n[pool default]\nprocesses = 1\nthreads = 6\n[queue q]\nlimit_running = none\n");
	wait_for_state(c, ids[5], "running");
	free(request(c, "queue.set", "{\"name\":\"q\",\"limit_running\":1}")); /* stops none */
	assert_queue("q", "running", 6);
	open_gate();
	for (int i = 0; i < 6; i++) {
		char *record = record_at_end(c, ids[i]);
		ck_assert_str_eq(text_in(record, "state"), "succeeded");
		free(record);
	}
	stop();
}
END_TEST

START_TEST(a_rate_spaces_what_a_burst_does_not_cover)
{
	enum { N = 12, BURST = 3 };
	unsigned long long ids[N];
	int64_t first = INT64_MAX, last = 0;
	start("\n[pool default]\nprocesses = 1\n[queue q]\nrate = 50\nburst = 3\n");
	for (int i = 0; i < N; i++)
		ids[i] = submit_task(c, "{\"task\":\"noop\",\"queue\":\"q\"}");
	for (int i = 0; i < N; i++) {
		char *record = record_at_end(c, ids[i]);
		int64_t submitted = time_in(record, "submitted_at"), began = time_in(record, "started_at");
		first = submitted < first ? submitted : first;
		last = began > last ? began : last;
		free(record);
	}
	ck_assert_int_ge(last - first, (N - BURST) * 20 * TASKD_MS - TASKD_MS);
	stop();
}
END_TEST

/* --- queues at run time --- */

START_TEST(a_queue_made_at_run_time_survives_a_reload_and_then_the_configuration_counts)
{
	static const char pool[] = "\n[pool default]\nprocesses = 1\n";
	start(pool);
	free(request(c, "queue.create", "{\"name\":\"q\",\"limit_running\":3,\"order\":\"lifo\"}"));
	ck_assert_str_eq(refusal(c, "queue.create", "{\"name\":\"no.name\"}"), "invalid_params");
	daemon_reload_with_plugins(&daemon_, c, "life", pool);
	assert_queue("q", "limit_running", 3);
	daemon_reload_with_plugins(&daemon_, c, "life", "\n[pool default]\nprocesses = 1\n[queue q]\nlimit_running = 5\n");
	assert_queue("q", "limit_running", 5);
	ck_assert_str_eq(refusal(c, "queue.remove", "{\"name\":\"q\"}"), "queue_busy");
	daemon_reload_with_plugins(&daemon_, c, "life", pool);
	assert_queue("q", "limit_running", 5);
	unsigned long long scheduled = submit_task(c, "{\"task\":\"noop\",\"queue\":\"q\",\"delay\":3600}");
	ck_assert_str_eq(refusal(c, "queue.remove", "{\"name\":\"q\"}"), "queue_busy");
	free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", scheduled));
	free(request(c, "schedule.add", "{\"name\":\"s\",\"task\":\"noop\",\"every\":3600,\"queue\":\"q\"}"));
	ck_assert_str_eq(refusal(c, "queue.remove", "{\"name\":\"q\"}"), "queue_busy");
	free(request(c, "schedule.remove", "{\"name\":\"s\"}"));
	free(request(c, "queue.remove", "{\"name\":\"q\"}"));
	ck_assert_str_eq(refusal(c, "task.submit", "{\"task\":\"noop\",\"queue\":\"q\"}"), "invalid_params");
	char *record = record_of(c, scheduled); /* goes on naming it */
	ck_assert_str_eq(text_in(record, "queue"), "q");
	free(record);
	ck_assert_str_eq(refusal(c, "queue.remove", "{\"name\":\"default\"}"), "queue_busy");
	stop();
}
END_TEST

static bool has_workers(void *user)
{
	pid_t pids[8];
	return worker_pids(c, pids, 8) == *(size_t *)user;
}

START_TEST(a_pool_is_resized_at_run_time_until_the_next_reload)
{
	static const char pool[] = "exec_users = nobody\n[pool default]\nprocesses = 2\n";
	size_t wanted = 4;
	start(pool);
	free(request(c, "pool.resize", "{\"pool\":\"default\",\"processes\":4}"));
	ck_assert(wait_until(has_workers, &wanted));
	free(request(c, "pool.resize", "{\"pool\":\"default\",\"processes\":1}"));
	wanted = 1;
	ck_assert(wait_until(has_workers, &wanted));
	free(record_at_end(c, submit_task(c, "{\"task\":\"noop\"}")));
	daemon_reload_with_plugins(&daemon_, c, "life", pool);
	wanted = 2;
	ck_assert(wait_until(has_workers, &wanted));
	ck_assert_str_eq(refusal(c, "pool.resize", "{\"pool\":\"default\",\"processes\":0}"), "invalid_params");
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("order");
	TCase *tcase = tcase_create("order");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_thousand_random_priorities_start_in_exact_order);
	tcase_add_loop_test(tcase, a_queue_may_be_first_or_last_come_first_served, 0, 2);
	tcase_add_test(tcase, queues_of_equal_priority_share_by_weight);
	tcase_add_test(tcase, a_tiny_task_never_waits_for_a_long_one_while_a_slot_is_idle);
	tcase_add_test(tcase, tiny_tasks_overtake_sleepers_under_load);
	tcase_add_test(tcase, a_paused_queue_starts_nothing_until_it_is_resumed);
	tcase_add_test(tcase, a_pause_waits_for_what_runs_where_asked);
	tcase_add_test(tcase, a_drained_queue_takes_nothing_in_and_ends_what_it_has);
	tcase_add_test(tcase, no_more_of_a_queue_run_than_its_limit);
	tcase_add_test(tcase, a_rate_spaces_what_a_burst_does_not_cover);
	tcase_add_test(tcase, a_queue_made_at_run_time_survives_a_reload_and_then_the_configuration_counts);
	tcase_add_test(tcase, a_pool_is_resized_at_run_time_until_the_next_reload);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
