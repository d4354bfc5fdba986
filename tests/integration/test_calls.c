/* What tasks do when all goes well: results, order, windows, large payloads, threads, time limits, cancellation. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;

static void start(const char *config)
{
	char text[2048];
	const char *build = getenv("top_builddir");
	snprintf(text, sizeof(text), "%s\n[plugin nasty]\npath = %s/tests/plugins/nasty.so\n"
		"[plugin example]\npath = %s/tests/plugins/example.so\n", config, build ? build : ".", build ? build : ".");
	daemon_start(&daemon_, text);
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

static struct taskd_future *submit(const char *task, const char *args, const struct taskd_options *options)
{
	struct taskd_future *f = taskd_submit(c, task, args, options);
	ck_assert_ptr_nonnull(f);
	return f;
}

static void assert_result(const char *task, const char *args, const char *expected)
{
	struct taskd_future *f = submit(task, args, NULL);
	enum taskd_error error = taskd_result(f, PATIENCE_NS);
	ck_assert_msg(error == TASKD_OK, "%s %s: %s", task, args,
		error == TASKD_E_TIMEOUT ? "no answer" : taskd_future_error(f)->message);
	ck_assert_str_eq(taskd_future_result(f, NULL), expected);
	taskd_future_free(f);
}

START_TEST(built_in_handlers_and_plugins_give_results)
{
	start("");
	assert_result("fib", "[30]", "832040");
	assert_result("noop", "[]", "null");
	assert_result("echo", "[{\"a\":[1,2.5,\"\\u00e9\",null,true]}]", "{\"a\":[1,2.5,\"\\u00e9\",null,true]}");
	assert_result("sleep", "[0]", "null");
	assert_result("add", "[2,3]", "5");
	assert_result("add", "{\"a\":2,\"b\":3}", "5");
	stop();
}
END_TEST

START_TEST(an_unknown_task_is_told_with_the_nearest_name)
{
	start("");
	struct taskd_future *f = submit("fibb", "[1]", NULL);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_UNKNOWN_TASK);
	ck_assert_ptr_nonnull(strstr(taskd_exception(f)->data, "\"fib\""));
	taskd_future_free(f);
	stop();
}
END_TEST

/* --- large payloads --- */

static char *large_args(size_t size)
{
	char *args = malloc(size + 8);
	args[0] = '[';
	args[1] = '"';
	for (size_t i = 0; i < size; i++)
		args[2 + i] = (char)('a' + i % 26);
	strcpy(args + 2 + size, "\"]");
	return args;
}

START_TEST(payloads_of_every_size_come_back_as_they_went)
{
	static const size_t sizes[] = { 0, 1, 1000, 16 * 1024 - 8, 16 * 1024 - 4, 16 * 1024 - 3, 16 * 1024, 16 * 1024 + 1,
		100000, 256 * 1024, 1 << 20, (64 << 20) - 64 };
	start("");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *args = large_args(sizes[i]);
		struct taskd_future *f = submit("echo", args, NULL);
		size_t length;
		ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
		const char *result = taskd_future_result(f, &length);
		ck_assert_uint_eq(length, sizes[i] + 2);
		ck_assert(memcmp(result, args + 1, length) == 0);
		taskd_future_free(f);
		free(args);
	}
	stop();
}
END_TEST

START_TEST(many_large_payloads_at_once_come_back)
{
	enum { N = 60 };
	struct taskd_future *futures[N];
	char *args = large_args(300000);
	start("");
	for (int i = 0; i < N; i++)
		futures[i] = submit("echo", args, NULL);
	for (int i = 0; i < N; i++) {
		size_t length;
		ck_assert_int_eq(taskd_result(futures[i], PATIENCE_NS), TASKD_OK);
		ck_assert_ptr_nonnull(taskd_future_result(futures[i], &length));
		ck_assert_uint_eq(length, 300002);
		taskd_future_free(futures[i]);
	}
	free(args);
	stop();
}
END_TEST

START_TEST(a_payload_over_the_limit_is_an_error_and_no_more)
{
	start("payload_limit = 1M\n");
	char *args = large_args(2 << 20);
	struct taskd_future *f = submit("echo", args, NULL);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_TOO_LARGE);
	taskd_future_free(f);
	free(args);
	f = submit("big", "[2000000]", NULL);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_TOO_LARGE);
	taskd_future_free(f);
	assert_result("fib", "[10]", "55");
	stop();
}
END_TEST

/* --- order and concurrency --- */

struct order {
	int ended[64];
	int n;
};
struct place {
	struct order *order;
	int priority;
};

static void note_end(struct taskd_future *f, void *user)
{
	struct place *place = user;
	(void)f;
	place->order->ended[place->order->n++] = place->priority;
}

START_TEST(higher_priorities_go_first_and_equal_ones_in_order)
{
	enum { N = 40 };
	struct order order = { .n = 0 };
	struct place places[N];
	struct taskd_future *futures[N];
	start("\n[pool default]\nprocesses = 1\n");
	struct taskd_future *busy = submit("spin", "[]", NULL);
	taskd_flush(c, PATIENCE_NS);
	ck_assert(wait_until(something_runs, c));
	for (int i = 0; i < N; i++) {
		struct taskd_options options = { .priority = i * 7 % 5 };
		places[i] = (struct place){ &order, options.priority };
		futures[i] = submit("sleep", "[0.001]", &options);
		taskd_add_done_callback(futures[i], note_end, &places[i]);
	}
	ck_assert_int_eq(taskd_cancel(busy, PATIENCE_NS), TASKD_OK);
	taskd_wait(futures, N, TASKD_ALL_COMPLETED, 2 * PATIENCE_NS, NULL);
	ck_assert_int_eq(order.n, N);
	for (int i = 1; i < N; i++)
		ck_assert_int_ge(order.ended[i - 1], order.ended[i]);
	for (int i = 0; i < N; i++)
		taskd_future_free(futures[i]);
	taskd_future_free(busy);
	stop();
}
END_TEST

static bool all_32_run(void *user)
{
	(void)user;
	char *stats = request(c, "server.stats", "{}");
	int running = (int)number_in(stats, "running");
	free(stats);
	return running == 32;
}

START_TEST(one_process_of_32_threads_runs_32_at_once)
{
	struct taskd_future *futures[32];
	start("\n[pool default]\nprocesses = 1\nthreads = 32\n");
	for (int i = 0; i < 32; i++)
		futures[i] = submit("sleep", "[300]", NULL);
	taskd_flush(c, PATIENCE_NS);
	ck_assert(wait_until(all_32_run, NULL));
	for (int i = 0; i < 32; i++) {
		ck_assert_int_eq(taskd_cancel(futures[i], PATIENCE_NS), TASKD_OK);
		ck_assert_int_eq(taskd_result(futures[i], PATIENCE_NS), TASKD_E_CANCELLED);
		taskd_future_free(futures[i]);
	}
	stop();
}
END_TEST

/* Tiny tasks that were put behind one that turns out to be long go to the other slot. */
START_TEST(nothing_waits_behind_a_long_task_while_a_slot_is_free)
{
	enum { N = 400 };
	static struct taskd_future *futures[N];
	start("\n[pool default]\nprocesses = 2\n");
	for (int i = 0; i < 50; i++)
		assert_result("sleep", "[0]", "null"); /* the estimate is small now */
	struct taskd_future *longest = submit("sleep", "[300]", NULL);
	for (int i = 0; i < N; i++)
		futures[i] = submit("sleep", "[0]", NULL);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(taskd_result(futures[i], PATIENCE_NS), TASKD_OK);
		taskd_future_free(futures[i]);
	}
	ck_assert(!taskd_done(longest));
	taskd_future_free(longest); /* attached: that cancels it */
	stop();
}
END_TEST

/* --- ends that are asked for --- */

START_TEST(a_time_limit_ends_what_never_looks)
{
	struct taskd_options options = { .timeout_ns = 100 * TASKD_MS };
	start("kill_grace = 100ms\n");
	struct taskd_future *f = submit("stubborn", "[300]", &options);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_TIMED_OUT);
	taskd_future_free(f);
	f = submit("sleep", "[300]", &options);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_E_TIMED_OUT);
	taskd_future_free(f);
	assert_result("fib", "[10]", "55");
	stop();
}
END_TEST

START_TEST(cancel_works_in_every_state)
{
	start("kill_grace = 100ms\n[pool default]\nprocesses = 1\n");
	struct taskd_future *running = submit("stubborn", "[300]", NULL);
	taskd_flush(c, PATIENCE_NS);
	ck_assert(wait_until(something_runs, c));
	struct taskd_future *queued = submit("fib", "[10]", NULL);
	ck_assert_int_eq(taskd_cancel(queued, PATIENCE_NS), TASKD_OK);
	ck_assert_int_eq(taskd_result(queued, PATIENCE_NS), TASKD_E_CANCELLED);
	ck_assert(!taskd_done(running));
	ck_assert_int_eq(taskd_cancel(running, PATIENCE_NS), TASKD_OK);
	ck_assert_int_eq(taskd_cancel(running, PATIENCE_NS), TASKD_OK);
	ck_assert_int_eq(taskd_result(running, PATIENCE_NS), TASKD_E_CANCELLED);
	taskd_future_free(running);
	taskd_future_free(queued);
	struct taskd_future *done = submit("fib", "[10]", NULL);
	ck_assert_int_eq(taskd_result(done, PATIENCE_NS), TASKD_OK);
	ck_assert_int_eq(taskd_cancel(done, PATIENCE_NS), TASKD_E_NOT_FOUND); /* it has ended already */
	ck_assert_str_eq(taskd_future_result(done, NULL), "55");
	taskd_future_free(done);
	stop();
}
END_TEST

static bool none_runs(void *user)
{
	return !something_runs(user);
}

START_TEST(attached_tasks_go_with_their_connection_and_detached_ones_stay)
{
	struct taskd_options detached = { .detached = true };
	start("\n[pool default]\nprocesses = 1\n");
	struct taskd *other = daemon_connect(&daemon_);
	struct taskd_future *attached = taskd_submit(other, "sleep", "[300]", NULL);
	taskd_flush(other, PATIENCE_NS);
	ck_assert(wait_until(something_runs, c));
	struct taskd_future *stays = taskd_submit(other, "fib", "[20]", &detached);
	ck_assert_int_eq(taskd_acknowledged(stays, PATIENCE_NS), TASKD_OK);
	char *id = strdup(taskd_future_id(stays));
	taskd_close(other);
	ck_assert_int_eq(taskd_result(attached, 0), TASKD_E_DISCONNECTED);
	taskd_future_free(attached);
	taskd_future_free(stays);
	ck_assert(wait_until(none_runs, c));
	struct taskd_future *f = taskd_attach(c, id);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), "6765");
	taskd_future_free(f);
	free(id);
	stop();
}
END_TEST

/* --- map --- */

struct numbers {
	int given, got, failed;
	char text[16];
	bool ordered;
};

static const char *next_number(void *user, size_t *length)
{
	struct numbers *numbers = user;
	if (numbers->given == 5000)
		return NULL;
	*length = (size_t)sprintf(numbers->text, "%d", numbers->given++);
	return numbers->text;
}

static bool got_number(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	struct numbers *numbers = user;
	(void)length;
	if (failure)
		numbers->failed++;
	else
		ck_assert_int_eq(atoi(result), (int)index);
	numbers->ordered = numbers->ordered && (int)index == numbers->got;
	numbers->got++;
	return true;
}

START_TEST(a_map_gives_every_result_in_order)
{
	static const size_t chunks[] = { 1, 7, 1000 };
	start("");
	for (size_t i = 0; i < 3; i++) {
		struct numbers numbers = { .ordered = true };
		struct taskd_map_options options = { .chunk = chunks[i] };
		ck_assert_int_eq(taskd_map(c, "echo", next_number, got_number, &numbers, &options, PATIENCE_NS), TASKD_OK);
		ck_assert_int_eq(numbers.got, 5000);
		ck_assert_int_eq(numbers.failed, 0);
		ck_assert(numbers.ordered);
	}
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("calls");
	TCase *calls = tcase_create("calls");
	tcase_set_timeout(calls, 120);
	tcase_add_test(calls, built_in_handlers_and_plugins_give_results);
	tcase_add_test(calls, an_unknown_task_is_told_with_the_nearest_name);
	tcase_add_test(calls, payloads_of_every_size_come_back_as_they_went);
	tcase_add_test(calls, many_large_payloads_at_once_come_back);
	tcase_add_test(calls, a_payload_over_the_limit_is_an_error_and_no_more);
	tcase_add_test(calls, higher_priorities_go_first_and_equal_ones_in_order);
	tcase_add_test(calls, one_process_of_32_threads_runs_32_at_once);
	tcase_add_test(calls, nothing_waits_behind_a_long_task_while_a_slot_is_free);
	tcase_add_test(calls, a_time_limit_ends_what_never_looks);
	tcase_add_test(calls, cancel_works_in_every_state);
	tcase_add_test(calls, attached_tasks_go_with_their_connection_and_detached_ones_stay);
	tcase_add_test(calls, a_map_gives_every_result_in_order);
	suite_add_tcase(suite, calls);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
