/* Commands that run, and that have run: how they ended, what is sent to them, what they have said. The daemon's
 * answers are there before they are asked for, so mostly one thread is enough. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;
static struct taskd_ran ran;

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
}

static void teardown(void)
{
	taskd_close(c);
	fake_end(&fake);
}

static void answer(int id, const char *result)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}", id, result);
}

static void answer_error(int id, const char *kind, const char *members)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-32099,\"message\":\"so it is\",\"data\":"
		"{\"kind\":\"%s\"%s}}}",
		id, kind, members);
}

static void check_last(enum taskd_error error, const char *text)
{
	const char *why;

	ck_assert_int_eq(taskd_last_error(&why), error);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
}

/* --- how it ended --- */

#define RESULT(MEMBERS) "{\"command\":\"ls\"," MEMBERS "}"

/* A command's future that is done. */
static struct taskd_future *done_with(const char *result)
{
	struct taskd_future *f = taskd_submit(c, "exec", "{}", NULL);

	answer(1, result);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	return f;
}

static struct taskd_future *failed_with(const char *kind, const char *data)
{
	struct taskd_future *f = taskd_submit(c, "exec", "{}", NULL);

	answer_error(1, kind, data);
	ck_assert_int_ne(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	return f;
}

START_TEST(a_result_is_read_into_its_parts)
{
	struct taskd_future *f = done_with(RESULT(
		"\"status\":3,\"pid\":42,\"duration\":1.234567,\"rusage\":{\"user\":1.5,\"system\":0.25,\"max_rss\":2048,"
		"\"minor_faults\":1,\"major_faults\":2,\"in_blocks\":3,\"out_blocks\":4,\"voluntary_switches\":5,"
		"\"involuntary_switches\":6,\"later\":7},\"stdout\":\"a\\u00e9\\n\",\"stdout_bytes\":4,"
		"\"stderr\":\"\",\"stderr_bytes\":0,\"later\":[]"));

	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_OK);
	ck_assert_int_eq(ran.status, 3);
	ck_assert_int_eq(ran.signal, 0);
	ck_assert(!ran.core_dumped && !ran.oom_killed);
	ck_assert_int_eq(ran.pid, 42);
	ck_assert_int_eq(ran.duration_ns, 1234567000);
	ck_assert_int_eq(ran.usage.ru_utime.tv_sec, 1);
	ck_assert_int_eq(ran.usage.ru_utime.tv_usec, 500000);
	ck_assert_int_eq(ran.usage.ru_stime.tv_usec, 250000);
	ck_assert_int_eq(ran.usage.ru_maxrss, 2);
	ck_assert_int_eq(ran.usage.ru_minflt, 1);
	ck_assert_int_eq(ran.usage.ru_majflt, 2);
	ck_assert_int_eq(ran.usage.ru_inblock, 3);
	ck_assert_int_eq(ran.usage.ru_oublock, 4);
	ck_assert_int_eq(ran.usage.ru_nvcsw, 5);
	ck_assert_int_eq(ran.usage.ru_nivcsw, 6);
	ck_assert_str_eq(ran.out, "aé\n");
	ck_assert_uint_eq(ran.out_length, 4);
	ck_assert_uint_eq(ran.out_total, 4);
	ck_assert_str_eq(ran.err, "");
	taskd_ran_free(&ran);
	ck_assert_ptr_null(ran.out);
	taskd_ran_free(&ran);
	taskd_ran_free(NULL);
	taskd_future_free(f);
}
END_TEST

START_TEST(bytes_that_are_no_text_survive)
{
	struct taskd_future *f =
		done_with(RESULT("\"status\":0,\"stdout_base64\":\"AP9hCg==\",\"stdout_bytes\":9000000000,"
				 "\"stdout_truncated\":true,\"stderr_base64\":\"\\/w==\""));

	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_OK);
	ck_assert_uint_eq(ran.out_length, 4);
	ck_assert_mem_eq(ran.out,
		"\0\xff"
		"a\n\0",
		5);
	ck_assert_uint_eq(ran.out_total, 9000000000);
	ck_assert_str_eq(ran.err, "\xff");
	ck_assert_uint_eq(ran.err_total, 1);
	taskd_ran_free(&ran);
	taskd_future_free(f);
}
END_TEST

START_TEST(a_command_that_was_killed_has_a_signal_and_no_status)
{
	struct taskd_future *f = failed_with("command_failed",
		",\"result\":" RESULT(
			"\"status\":null,\"signal\":\"SIGKILL\",\"core_dumped\":true,\"oom_killed\":true,\"stdout\":\"x\""));

	ck_assert_int_eq(taskd_future_error(f)->error, TASKD_E_FAILED);
	ck_assert_str_eq(taskd_future_error(f)->kind, "command_failed");
	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_OK);
	ck_assert_int_eq(ran.status, -1);
	ck_assert_int_eq(ran.signal, SIGKILL);
	ck_assert(ran.core_dumped && ran.oom_killed);
	ck_assert_str_eq(ran.out, "x");
	ck_assert_str_eq(ran.err, "");
	taskd_ran_free(&ran);
	taskd_future_free(f);
}
END_TEST

START_TEST(whatever_had_started_has_run)
{
	static const char *const kinds[] = { "command_failed", "cancelled", "timed_out" };
	struct taskd_future *f = failed_with(kinds[_i], ",\"result\":" RESULT("\"status\":0"));

	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_OK);
	ck_assert_int_eq(ran.status, 0);
	ck_assert_str_eq(ran.out, "");
	taskd_ran_free(&ran);
	taskd_future_free(f);
}
END_TEST

START_TEST(what_had_not_has_its_own_error)
{
	static const struct {
		const char *kind;
		enum taskd_error error;
	} kinds[] = {
		{ "not_started", TASKD_E_NOT_STARTED },
		{ "cancelled", TASKD_E_CANCELLED },
		{ "crashed", TASKD_E_CRASHED },
		{ "denied", TASKD_E_DENIED },
	};
	struct taskd_future *f = failed_with(kinds[_i].kind, ",\"errno\":\"ENOENT\"");

	ck_assert_int_eq(taskd_ran(f, &ran), kinds[_i].error);
	check_last(kinds[_i].error, "so it is");
	ck_assert_ptr_null(ran.out);
	taskd_future_free(f);
}
END_TEST

START_TEST(what_is_no_command_has_not_run)
{
	static const char *const results[] = { "17", "{\"status\":0}", "null", "{\"command\":\"x\"}", "[]" };
	struct taskd_future *f = done_with(results[_i]);

	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_E_INVALID);
	check_last(TASKD_E_INVALID, "not a command");
	taskd_future_free(f);
}
END_TEST

START_TEST(what_is_not_over_has_not_run)
{
	struct taskd_future *f = taskd_submit(c, "exec", "{}", NULL);

	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_E_TIMEOUT);
	ck_assert_int_eq(ran.status, -1);
	taskd_future_free(f);
	ck_assert_int_ne(taskd_ran(NULL, &ran), TASKD_OK);
}
END_TEST

START_TEST(output_that_is_no_base64_is_nonsense)
{
	struct taskd_future *f = done_with(RESULT("\"status\":0,\"stdout\":\"x\",\"stderr_base64\":\"?\""));

	ck_assert_int_eq(taskd_ran(f, &ran), TASKD_E_PROTOCOL);
	ck_assert_ptr_null(ran.out);
	taskd_future_free(f);
}
END_TEST

static const struct taskd_command ls = { .argv = (const char *const[]){ "ls", NULL }, .cwd = "/", .clean_env = true };

START_TEST(a_run_waits_and_reads)
{
	answer(1, RESULT("\"status\":0,\"stdout\":\"x\""));
	ck_assert_int_eq(taskd_run(c, &ls, NULL, FAKE_PATIENCE, &ran), TASKD_OK);
	ck_assert_str_eq(ran.out, "x");
	taskd_ran_free(&ran);
	answer_error(2, "command_failed", ",\"result\":" RESULT("\"status\":9"));
	ck_assert_int_eq(taskd_run(c, &ls, NULL, FAKE_PATIENCE, &ran), TASKD_OK);
	ck_assert_int_eq(ran.status, 9);
	taskd_ran_free(&ran);
	answer_error(3, "not_started", "");
	ck_assert_int_eq(taskd_run(c, &ls, NULL, FAKE_PATIENCE, &ran), TASKD_E_NOT_STARTED);
	ck_assert_int_eq(taskd_run(c, NULL, NULL, FAKE_PATIENCE, &ran), TASKD_E_INVALID);
	ck_assert_int_eq(ran.status, -1);
}
END_TEST

START_TEST(a_run_that_is_given_up_is_cancelled)
{
	ck_assert_int_eq(taskd_run(c, &ls, NULL, 1, &ran), TASKD_E_TIMEOUT);
	ck_assert_int_eq(ran.status, -1);
	ck_assert_ptr_nonnull(strstr(fake_read(&fake), "\"exec\""));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
}
END_TEST

/* --- to it --- */

START_TEST(bytes_are_sent_in_one_piece_where_they_fit)
{
	answer(1, "true");
	ck_assert_int_eq(taskd_send(c, "17", "a\n", 2, false, TASKD_FOREVER), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.send\",\"params\":{\"id\":\"17\",\"data\":\"a\\n\"}}");
	answer(2, "true");
	ck_assert_int_eq(taskd_send(c, "17", "\0", 1, true, TASKD_FOREVER), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.send\",\"params\":{\"id\":\"17\",\"data_base64\":\"AA==\","
		"\"eof\":true}}");
	answer(3, "true");
	ck_assert_int_eq(taskd_send(c, "17", NULL, 0, true, TASKD_FOREVER), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"task.send\",\"params\":{\"id\":\"17\",\"data\":\"\",\"eof\":true}}");
}
END_TEST

/* A daemon that takes three pieces, or refuses the second. */
static pthread_t server;
static char *served[3];

static void *answer_pieces(void *arg)
{
	const char *refusal = arg;

	for (int i = 0; i < 3; i++) {
		served[i] = strdup(fake_read(&fake));
		if (i == 1 && refusal) {
			answer_error(2, refusal, "");
			return NULL;
		}
		answer(i + 1, "true");
	}
	return NULL;
}

static void serve(const char *refusal)
{
	ck_assert_int_eq(pthread_create(&server, NULL, answer_pieces, (void *)refusal), 0);
}

/* The bytes of a piece. */
static size_t piece_length(const char *line)
{
	const char *data = fake_member(line, "data");

	ck_assert_int_eq(data[0], '"');
	return (size_t)(strchr(data + 1, '"') - data - 1);
}

START_TEST(many_bytes_are_cut_and_no_character_is)
{
	size_t length = 2 * 32768, sum = 0;
	char *text = malloc(length + 2);

	text[0] = 'x'; /* so that a character lies over the edge of a piece */
	for (size_t i = 1; i < length; i += 2)
		memcpy(text + i, "é", 2);
	text[length + 1] = '\0';
	serve(NULL);
	ck_assert_int_eq(taskd_send(c, "17", text, length + 1, true, FAKE_PATIENCE), TASKD_OK);
	pthread_join(server, NULL);
	for (int i = 0; i < 3; i++) {
		const char *line = served[i];
		size_t n = piece_length(line);
		ck_assert_uint_le(n, 32768);
		ck_assert_mem_eq(fake_member(line, "data") + 1, text + sum, n);
		sum += n;
		ck_assert_int_eq(strstr(line, "\"eof\":true") != NULL, i == 2);
		ck_assert_ptr_nonnull(strstr(line, "\"timeout\":\""));
	}
	ck_assert_uint_eq(sum, length + 1);
	free(text);
	for (int i = 0; i < 3; i++)
		free(served[i]);
}
END_TEST

START_TEST(a_piece_that_is_refused_is_the_last)
{
	static char text[100000];

	memset(text, 'x', sizeof(text));
	serve("input_closed");
	ck_assert_int_eq(taskd_send(c, "17", text, sizeof(text), false, FAKE_PATIENCE), TASKD_E_INPUT_CLOSED);
	check_last(TASKD_E_INPUT_CLOSED, "so it is");
	pthread_join(server, NULL);
	free(served[0]);
	free(served[1]);
	ck_assert(!taskd_wants_write(c));
	answer_error(3, "wait_timed_out", "");
	ck_assert_int_eq(taskd_send(c, "17", "x", 1, false, FAKE_PATIENCE), TASKD_E_TIMEOUT);
	answer_error(4, "not_a_command", "");
	ck_assert_int_eq(taskd_send(c, "17", "x", 1, false, FAKE_PATIENCE), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_send(c, "17", "x", 1, false, 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_send(c, "", "x", 1, false, 0), TASKD_E_INVALID);
}
END_TEST

START_TEST(orders_are_requests)
{
	answer(1, "[]");
	ck_assert_int_eq(taskd_signal(c, "17", SIGUSR1, FAKE_PATIENCE), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.signal\",\"params\":{\"ids\":\"17\",\"signal\":\"10\"}}");
	answer(2, "[]");
	ck_assert_int_eq(taskd_suspend(c, "17", FAKE_PATIENCE), TASKD_OK);
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.suspend\",\"params\":{\"ids\":\"17\"}}");
	answer(3, "[]");
	ck_assert_int_eq(taskd_resume(c, "17", FAKE_PATIENCE), TASKD_OK);
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"task.resume\",\"params\":{\"ids\":\"17\"}}");
	answer(4, "true");
	ck_assert_int_eq(taskd_window(c, "17", 50, 132, FAKE_PATIENCE), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"task.window\",\"params\":{\"id\":\"17\",\"rows\":50,\"columns\":132}}");
	answer_error(5, "not_running", "");
	ck_assert_int_eq(taskd_signal(c, "17", SIGTERM, FAKE_PATIENCE), TASKD_E_NOT_RUNNING);
	check_last(TASKD_E_NOT_RUNNING, "so it is");
	ck_assert_int_eq(taskd_suspend(c, "17", 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_resume(NULL, "17", 0), TASKD_E_TIMEOUT); /* the last failure, handed on */
	fake_close(&fake);
	ck_assert_int_eq(taskd_window(c, "17", 1, 1, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
}
END_TEST

/* --- what it has said --- */

static enum taskd_error page(
	enum taskd_stream stream, uint64_t offset, size_t size, char *room, size_t *n, uint64_t *total)
{
	return taskd_log(c, "17", stream, offset, room, size, n, total, FAKE_PATIENCE);
}

START_TEST(a_log_comes_in_pages)
{
	char room[100000];
	uint64_t total;
	size_t n;

	answer(1, "{\"id\":\"17\",\"data\":\"ab\\n\",\"next\":13,\"total\":50,\"over\":false,\"kept\":true}");
	ck_assert_int_eq(page(TASKD_STDOUT, 10, sizeof(room), room, &n, &total), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.log\",\"params\":{\"id\":\"17\",\"stream\":\"stdout\","
		"\"offset\":10,\"limit\":32768}}");
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(total, 50);
	ck_assert_mem_eq(room, "ab\n", 3);
	answer(2, "{\"data_base64\":\"AP8=\",\"total\":2}");
	ck_assert_int_eq(page(TASKD_STDERR, 0, 2, room, &n, NULL), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.log\",\"params\":{\"id\":\"17\",\"stream\":\"stderr\","
		"\"offset\":0,\"limit\":2}}");
	ck_assert_uint_eq(n, 2);
	ck_assert_mem_eq(room, "\0\xff", 2);
	answer(3, "{\"data\":\"\",\"total\":2,\"over\":true,\"kept\":false}");
	ck_assert_int_eq(page(TASKD_STDERR, 2, 2, room, &n, &total), TASKD_OK);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(total, 2);
}
END_TEST

START_TEST(a_page_that_makes_no_sense_is_an_error)
{
	static const char *const pages[] = {
		"true",
		"{\"total\":3}",
		"{\"data\":\"x\"}",
		"{\"data\":7,\"total\":3}",
		"{\"data\":\"x\",\"total\":-1}",
		"{\"data\":\"longer than there is room for\",\"total\":3}",
		"{\"data_base64\":\"?\",\"total\":3}",
	};
	char room[4] = "abc";
	uint64_t total;
	size_t n;

	answer(1, pages[_i]);
	ck_assert_int_eq(page(TASKD_STDOUT, 0, 3, room, &n, &total), TASKD_E_PROTOCOL);
	ck_assert_uint_eq(n, 0);
	ck_assert_str_eq(room, "abc");
	ck_assert_int_eq(page((enum taskd_stream)3, 0, 3, room, &n, &total), TASKD_E_INVALID);
	ck_assert_int_eq(page(TASKD_STDOUT, 0, 0, room, &n, &total), TASKD_E_INVALID);
	ck_assert_int_eq(page(TASKD_STDOUT, UINT64_MAX, 3, room, &n, &total), TASKD_E_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: commands");
	TCase *tests = tcase_create("commands");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_result_is_read_into_its_parts);
	tcase_add_test(tests, bytes_that_are_no_text_survive);
	tcase_add_test(tests, a_command_that_was_killed_has_a_signal_and_no_status);
	tcase_add_loop_test(tests, whatever_had_started_has_run, 0, 3);
	tcase_add_loop_test(tests, what_had_not_has_its_own_error, 0, 4);
	tcase_add_loop_test(tests, what_is_no_command_has_not_run, 0, 5);
	tcase_add_test(tests, what_is_not_over_has_not_run);
	tcase_add_test(tests, output_that_is_no_base64_is_nonsense);
	tcase_add_test(tests, a_run_waits_and_reads);
	tcase_add_test(tests, a_run_that_is_given_up_is_cancelled);
	tcase_add_test(tests, bytes_are_sent_in_one_piece_where_they_fit);
	tcase_add_test(tests, many_bytes_are_cut_and_no_character_is);
	tcase_add_test(tests, a_piece_that_is_refused_is_the_last);
	tcase_add_test(tests, orders_are_requests);
	tcase_add_test(tests, a_log_comes_in_pages);
	tcase_add_loop_test(tests, a_page_that_makes_no_sense_is_an_error, 0, 7);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
