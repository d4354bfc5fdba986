/* What tasks must have before they start, with the real daemon: no two have a lock, whatever happens to their workers;
 * who waits occupies none; and whoever has it next is told that the one before died. */
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
static char place[96]; /* what nobody else may have at the same time: see "alone" in tests/plugins/nasty.c */

static void start(const char *config)
{
	daemon_start_with_plugins(&daemon_, "nasty", config);
	c = daemon_connect(&daemon_);
	snprintf(place, sizeof(place), "%s/place", daemon_.folder);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

#define THREE_POOLS                                                     \
	"crash_limit = 0\n[pool default]\nprocesses = 2\nthreads = 2\n" \
	"[pool second]\nprocesses = 2\n[pool commands]\nprocesses = 2\n"
#define AGAIN "\"retries\":1000,\"retry_on\":[\"crashed\"],\"backoff\":0"

/* One that must have LOCKS, and finds out whether there are more than PLACES of its kind. */
static void submit_alone(int i, const char *what, int places)
{
	if (i % 3 == 2)
		submit_task(c,
			"{\"task\":\"exec\",\"args\":{\"argv\":[\"flock\",\"-n\",\"%s.0\",\"sleep\",\"0.01\"]},\"priority\":%d,%s," AGAIN
			",\"tag\":\"alone\"}",
			place, i % 4, what);
	else
		submit_task(c,
			"{\"task\":\"alone\",\"args\":[\"%s\",%d,%d],\"queue\":\"%s\",\"priority\":%d,%s," AGAIN
			",\"tag\":\"alone\"}",
			place, places, i % 5 * 500, i % 3 ? "second" : "default", i % 4, what);
}

/* Kills one worker after another while the tasks go on; some of what each leaves is to be tried again. How many. */
static size_t kill_workers_until_done(size_t total)
{
	size_t kills = 0, calm_until = 0;
	int64_t end = test_now_ns() + 10 * PATIENCE_NS;
	for (;;) {
		pid_t pids[8];
		char *stats = request(c, "server.stats", "{}");
		size_t done = (size_t)number_in(stats, "succeeded"), failed = (size_t)number_in(stats, "failed");
		free(stats);
		if (done + failed >= total)
			return kills;
		ck_assert_int_lt(test_now_ns(), end);
		if (done < calm_until) {
			pause_briefly();
			continue;
		}
		size_t n = worker_pids(c, pids, 8);
		if (n && kill(pids[kills % n], SIGKILL) == 0)
			kills++;
		calm_until = done + 5;
	}
}

static size_t count_records(const char *params)
{
	char *listing = ask(c, "task.list", "%s", params);
	size_t n = 0;
	for (const char *at = listing; (at = strstr(at, "\"submitted_at\"")); at++)
		n++;
	free(listing);
	return n;
}

/* _i: 0: one lock, over three pools; 1: each needs two locks of three; 2: two permits, and handlers alone */
START_TEST(no_more_run_than_may_though_their_workers_are_killed)
{
	static const char *const whats[3][3] = {
		{ "\"locks\":[\"db\"]", "\"locks\":[\"db\"]", "\"locks\":[\"db\"]" },
		{ "\"locks\":[\"db\",\"x\"]", "\"locks\":[\"y\",\"db\"]",
			"\"locks\":[\"db\"],\"shared_locks\":[\"x\",\"y\"]" },
		{ "\"semaphores\":{\"two\":{\"slots\":2}}", "\"semaphores\":[\"two\"]", "\"semaphores\":{\"two\":1}" },
	};
	enum { N = 300 };
	start(THREE_POOLS "[semaphore two]\nslots = 2\n");
	for (int i = 0; i < N; i++)
		submit_alone(_i == 2 ? i * 3 + i % 2 : i, whats[_i][i % 3], _i == 2 ? 2 : 1);
	size_t kills = kill_workers_until_done(N);
	char *stats = request(c, "server.stats", "{}");
	printf("%d tasks, %zu kills: %.0f succeeded\n", N, kills, number_in(stats, "succeeded"));
	ck_assert_uint_eq((size_t)number_in(stats, "succeeded"), N);
	ck_assert_uint_eq((size_t)number_in(stats, "blocked"), 0);
	free(stats);
	ck_assert_uint_gt(kills, 5);
	ck_assert_uint_eq(count_records("{\"tag\":\"alone\",\"limit\":1000}"), N);
	char *records = ask(c, "task.list", "{\"tag\":\"alone\",\"limit\":1000}");
	ck_assert_ptr_nonnull(strstr(records, "\"holder_died\":true"));
	ck_assert_ptr_nonnull(strstr(records, "\"attempt\":2"));
	free(records);
	char *locks = ask(c, _i == 2 ? "semaphore.list" : "lock.list", "{}");
	ck_assert_ptr_null(strstr(locks, "\"task\""));
	free(locks);
	stop();
}
END_TEST

START_TEST(who_waits_occupies_no_worker)
{
	start("[pool default]\nprocesses = 1\n");
	free(ask(c, "lock.acquire", "{\"name\":\"db\"}"));
	unsigned long long ids[20];
	for (int i = 0; i < 20; i++)
		ids[i] = submit_task(c, "{\"task\":\"slow\",\"args\":[0],\"locks\":[\"db\"]}");
	char *result = ask(c, "task.call", "{\"task\":\"fib\",\"args\":[20]}");
	ck_assert_str_eq(result, "6765");
	free(result);
	wait_for_state(c, ids[19], "blocked");
	char *record = record_of(c, ids[0]);
	ck_assert_ptr_nonnull(strstr(record, "\"waits_for\":{\"lock\":\"db\"}"));
	free(record);
	free(ask(c, "lock.release", "{\"name\":\"db\"}"));
	for (int i = 0; i < 20; i++) {
		record = record_at_end(c, ids[i]);
		ck_assert_str_eq(text_in(record, "state"), "succeeded");
		free(record);
	}
	stop();
}
END_TEST

START_TEST(a_client_that_is_gone_gives_the_lock_to_a_task)
{
	struct wire wire;
	start("");
	wire_open(&wire, &daemon_);
	ck_assert(wire_puts(
		&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"lock.acquire\",\"params\":{\"name\":\"db\"}}\n"));
	ck_assert_ptr_nonnull(strstr(wire_line(&wire), "\"fence\""));
	unsigned long long id = submit_task(c, "{\"task\":\"slow\",\"args\":[0],\"locks\":[\"db\"]}");
	wait_for_state(c, id, "blocked");
	wire_close(&wire);
	char *record = record_at_end(c, id);
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	ck_assert_ptr_nonnull(strstr(record, "\"holder_died\":true"));
	free(record);
	stop();
}
END_TEST

/* _i: how it ends: well; told to stop, and stops; killed by somebody; killed since it did not stop */
START_TEST(a_command_that_is_killed_is_a_holder_that_died)
{
	static const char *const commands[] = { "exit 3", "sleep 100", "kill -9 $$",
		"trap '' TERM; while :; do sleep 0.01; done" };
	start("kill_grace = 100ms\n");
	unsigned long long id = submit_task(
		c, "{\"task\":\"exec\",\"args\":{\"argv\":[\"sh\",\"-c\",\"%s\"]},\"locks\":[\"db\"]}", commands[_i]);
	if (_i % 2) {
		wait_for_state(c, id, "running");
		if (_i == 3) /* until it does not listen any more */
			for (int i = 0; i < 200; i++)
				pause_briefly();
		free(ask(c, "task.cancel", "{\"ids\":\"%llu\"}", id));
	}
	free(record_at_end(c, id));
	char *grant = ask(c, "lock.acquire", "{\"name\":\"db\"}");
	ck_assert_msg(strstr(grant, _i < 2 ? "\"holder_died\":false" : "\"holder_died\":true") != NULL, "%s", grant);
	free(grant);
	stop();
}
END_TEST

START_TEST(the_configuration_s_semaphores_are_there_and_change_by_a_reload)
{
	start("[semaphore gpu]\nslots = 2\n[semaphore disk]\n");
	char *list = ask(c, "semaphore.list", "{}");
	ck_assert_ptr_nonnull(strstr(list, "\"disk\""));
	ck_assert_int_eq((int)number_in(strstr(list, "\"gpu\""), "slots"), 2);
	free(list);
	ck_assert_str_eq(
		refusal(c, "task.submit", "{\"task\":\"fib\",\"args\":[1],\"semaphores\":{\"gpu\":3}}"), "mismatch");
	daemon_write_config(&daemon_, "[semaphore gpu]\nslots = 3\n");
	char *report = ask(c, "server.reload", "{}");
	ck_assert_ptr_nonnull(strstr(report, "[semaphore gpu] slots"));
	ck_assert_ptr_nonnull(strstr(report, "[semaphore disk] (removed)"));
	free(report);
	list = ask(c, "semaphore.list", "{}");
	ck_assert_ptr_null(strstr(list, "\"disk\""));
	ck_assert_int_eq((int)number_in(list, "slots"), 3);
	free(list);
	char *result = ask(c, "task.call", "{\"task\":\"fib\",\"args\":[20],\"semaphores\":{\"gpu\":3}}");
	ck_assert_str_eq(result, "6765");
	free(result);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("claims");
	TCase *tcase = tcase_create("claims");
	tcase_set_timeout(tcase, 400);
	tcase_add_loop_test(tcase, no_more_run_than_may_though_their_workers_are_killed, 0, 3);
	tcase_add_test(tcase, who_waits_occupies_no_worker);
	tcase_add_test(tcase, a_client_that_is_gone_gives_the_lock_to_a_task);
	tcase_add_loop_test(tcase, a_command_that_is_killed_is_a_holder_that_died, 0, 4);
	tcase_add_test(tcase, the_configuration_s_semaphores_are_there_and_change_by_a_reload);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
