/* Over a restart: tasks that wait for others, whatever has become of those; who replaces another; runs of schedules that
 * were missed. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
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
	daemon_start_durable(&daemon_, "life", config);
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

static void kill_it(void)
{
	daemon_kill(&daemon_);
}

static void stop_it(void)
{
	kill(daemon_.pid, SIGTERM);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
}

static void (*const ways[])(void) = { kill_it, stop_it };

static void start_again(void)
{
	taskd_close(c);
	daemon_again(&daemon_);
	c = daemon_connect(&daemon_);
}

static void touch(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", daemon_.folder, name);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static unsigned long long submit_gate(void)
{
	return submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s/gate\"]}", daemon_.folder);
}

/* All that was to be written before this is on disk when it is. */
static void write_all(void)
{
	free(record_at_end(c, submit_task(c, "{\"task\":\"fib\",\"args\":[1]}")));
}

static char *state_of(unsigned long long id)
{
	static char state[32];
	char *record = record_of(c, id);
	snprintf(state, sizeof(state), "%s", text_in(record, "state"));
	free(record);
	return state;
}

/* --- tasks that wait for tasks --- */

enum fate { FATE_NOT_LOADED, FATE_PRUNED, FATE_FORGOTTEN, FATE_NOT_DURABLE, N_FATES };

/* _i: how it ends, and what has become of what was met. */
START_TEST(what_was_met_is_met_and_passed_on)
{
	enum fate fate = (enum fate)(_i / 2);
	const char *durable = fate == FATE_NOT_DURABLE ? "false" : "true";
	start(fate == FATE_PRUNED ? "on_stop = interrupt\nresult_count = 1\nhistory_count = 2\n"
				  : "on_stop = interrupt\nresult_count = 1\n");
	unsigned long long gate = submit_gate(),
			   begun = submit_task(c, "{\"task\":\"gate\",\"args\":[\"%s/begun\"],\"durable\":%s}",
				   daemon_.folder, durable);
	unsigned long long met = submit_task(
		c, "{\"task\":\"fib\",\"args\":[20],\"durable\":%s,\"after_any\":[\"%llu\"]}", durable, begun);
	unsigned long long bad = submit_task(
		c, "{\"task\":\"flaky\",\"args\":[9],\"durable\":%s,\"after_any\":[\"%llu\"]}", durable, begun);
	unsigned long long id = submit_task(c,
		"{\"task\":\"echo\",\"args\":[],\"after\":[\"%llu\",\"%llu\"],\"after_any\":[\"%llu\"],\"pass_results\":true}",
		met, gate, bad);
	struct taskd_future *ends = taskd_request(c, "task.wait", "{\"ids\":[3,4]}");
	taskd_dispatch(c, 0);
	touch("begun");
	ck_assert_int_eq(taskd_result(ends, PATIENCE_NS), TASKD_OK);
	taskd_future_free(ends);
	if (fate == FATE_FORGOTTEN)
		free(request(c, "task.forget", "{\"ids\":[3,4]}"));
	for (int i = 0; i < 4; i++)
		write_all();
	ways[_i % 2]();
	start_again();
	ck_assert_str_eq(state_of(id), "blocked");
	if (fate == FATE_NOT_LOADED)
		ck_assert_str_eq(state_of(met), "succeeded");
	else
		ck_assert_str_eq(refusal(c, "task.status", "{\"id\":\"%llu\"}", met), "forgotten");
	touch("gate");
	char *result = ask(c, "task.result", "{\"id\":\"%llu\",\"timeout\":30}", id);
	ck_assert_str_eq(result, "[6765,null]");
	free(result);
	stop();
}
END_TEST

/* --- one in the place of another --- */

START_TEST(of_one_and_who_replaces_it_one_is_run)
{
	start("");
	free(request(c, "queue.pause", "{\"queue\":[\"default\"]}"));
	unsigned long long last =
		submit_task(c, "{\"task\":\"mark\",\"args\":[\"%s/marks\"],\"key\":\"k\"}", daemon_.folder);
	for (int round = 0; round < 5; round++) {
		unsigned long long id = submit_task(c,
			"{\"task\":\"mark\",\"args\":[\"%s/marks\"],\"key\":\"k\",\"key_mode\":\"replace\"}",
			daemon_.folder);
		kill_it(); /* it was acknowledged; what became of the other may not be on disk */
		start_again();
		free(record_at_end(c, last));
		ck_assert_str_eq(state_of(last), "cancelled");
		ck_assert_str_eq(state_of(id), "queued");
		last = id;
	}
	free(request(c, "queue.resume", "{\"queue\":[\"default\"]}"));
	free(record_at_end(c, last));
	ck_assert_str_eq(state_of(last), "succeeded");
	stop();
}
END_TEST

/* --- schedules --- */

static int64_t began_ns;
#define EVERY_NS (TASKD_SECOND / 5)

/* Each moment in which it was due is one, whether there was a run or not. */
static bool are_all_accounted_for(void *unused)
{
	int64_t due = (test_now_ns() - began_ns) / EVERY_NS;
	(void)unused;
	char *schedules = request(c, "schedule.list", "{}");
	double seen = number_in(schedules, "runs") + number_in(schedules, "skipped");
	free(schedules);
	return seen >= (double)(due - 2);
}

static bool has_run(void *unused)
{
	(void)unused;
	char *schedules = request(c, "schedule.list", "{}");
	bool has = number_in(schedules, "runs") > 0;
	free(schedules);
	return has;
}

static bool has_passed(void *moment)
{
	return test_now_ns() > *(int64_t *)moment;
}

START_TEST(runs_that_were_missed_are_made_up_for_after_another_restart)
{
	start("");
	char *added = ask(c, "schedule.add",
		"{\"name\":\"often\",\"task\":\"gate\",\"args\":[\"%s/gate\"],\"every\":0.2,\"catch_up\":true}",
		daemon_.folder);
	began_ns = test_now_ns();
	free(added);
	kill_it();
	int64_t moment = test_now_ns() + 15 * EVERY_NS; /* that is what it is to miss */
	ck_assert(wait_until(has_passed, &moment));
	start_again();
	ck_assert(wait_until(has_run, NULL)); /* that one waits at the gate, and the others for it */
	write_all();
	kill_it();
	start_again();
	touch("gate");
	ck_assert_msg(wait_until(are_all_accounted_for, NULL), "some runs were forgotten");
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("durable links");
	TCase *tcase = tcase_create("links");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, what_was_met_is_met_and_passed_on, 0, 2 * N_FATES);
	tcase_add_test(tcase, of_one_and_who_replaces_it_one_is_run);
	tcase_add_test(tcase, runs_that_were_missed_are_made_up_for_after_another_restart);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
