/* How a connection ends: at each point, with everything that is outstanding, without anyone left waiting. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;

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

static const char *last_text(void)
{
	const char *text;

	taskd_last_error(&text);
	return text;
}

static void check_ended(enum taskd_error error, const char *text)
{
	ck_assert_int_eq(taskd_connection_error(c), error);
	ck_assert_str_eq(last_text(), text);
	ck_assert_int_eq(taskd_dispatch(c, TASKD_FOREVER), error);
	ck_assert_int_eq(taskd_flush(c, TASKD_FOREVER), error);
	ck_assert_ptr_null(taskd_submit(c, "t", NULL, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), error);
	ck_assert_ptr_null(taskd_attach(c, "1"));
	ck_assert(!taskd_wants_write(c));
	ck_assert_int_ge(taskd_fd(c), 0); /* still ours: the user's loop may have it */
}

/* --- the daemon goes away --- */

START_TEST(before_a_reply)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_read(&fake);
	fake_close(&fake);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(taskd_exception(f)->message, "the daemon closed the connection");
	ck_assert_str_eq(taskd_exception(f)->kind, "");
	ck_assert_int_eq(taskd_cancel(f, FAKE_PATIENCE), TASKD_E_NOT_FOUND);
	ck_assert(!taskd_running(f, FAKE_PATIENCE));
	taskd_future_free(f);
	check_ended(TASKD_E_DISCONNECTED, "the daemon closed the connection");
}
END_TEST

START_TEST(with_requests_unread)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_close(&fake); /* a reset, since it had something to read */
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(taskd_exception(f)->message, "the daemon closed the connection");
	taskd_future_free(f);
}
END_TEST

START_TEST(before_anything_is_written)
{
	struct taskd_future *f;

	fake_close(&fake);
	f = taskd_submit(c, "t", NULL, NULL);
	ck_assert_ptr_nonnull(f); /* it does not know yet */
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	check_ended(TASKD_E_DISCONNECTED, "the daemon closed the connection");
}
END_TEST

/* It keeps its side open, so no end would ever be read. */
START_TEST(when_it_reads_no_more)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(shutdown(fake.fd, SHUT_RD), 0);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	check_ended(TASKD_E_DISCONNECTED, "the daemon closed the connection");
}
END_TEST

START_TEST(what_it_had_answered_before_is_kept)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL), *g = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	fake_close(&fake);
	struct taskd_future *h = taskd_submit(c, "t", NULL, NULL); /* its write will fail */
	ck_assert_int_eq(taskd_result(h, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_result(g, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	taskd_future_free(g);
	taskd_future_free(h);
}
END_TEST

/* After each byte of a reply. */
START_TEST(in_the_middle_of_a_message)
{
	static const char reply[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1,2]}\n";
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	if (_i >= (int)sizeof(reply) - 1)
		_i = (int)sizeof(reply) - 2;
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_write(&fake, reply, (size_t)_i);
	fake_close(&fake);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(taskd_exception(f)->message,
		_i ? "the daemon closed the connection in the middle of a message"
		   : "the daemon closed the connection");
	taskd_future_free(f);
}
END_TEST

static int n_called;

static void count(struct taskd_future *f, void *user)
{
	ck_assert(taskd_done(f));
	ck_assert_ptr_eq(user, &n_called);
	n_called++;
}

START_TEST(in_a_batch_of_thousands)
{
	enum { N = 5000, ANSWERED = 700 };
	static struct taskd_future *futures[N];
	struct taskd_options detached = { .detached = true };
	size_t n_done, n_ok = 0;

	for (int i = 0; i < N; i++) {
		futures[i] = taskd_submit(c, "t", NULL, i % 7 == 0 ? &detached : NULL);
		ck_assert_int_eq(taskd_add_done_callback(futures[i], count, &n_called), TASKD_OK);
	}
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < ANSWERED; i++)
			fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"id\":\"%d\"}}", i + 1, i + 1000);
		_exit(0);
	}
	fake_close(&fake);
	ck_assert_int_eq(taskd_wait(futures, N, TASKD_ALL_COMPLETED, FAKE_PATIENCE, &n_done), TASKD_E_DISCONNECTED);
	ck_assert_uint_eq(n_done, N);
	ck_assert_int_eq(n_called, N);
	for (int i = 0; i < N; i++) {
		enum taskd_error error = taskd_result(futures[i], TASKD_FOREVER);
		ck_assert_int_eq(error, i < ANSWERED && i % 7 ? TASKD_OK : TASKD_E_DISCONNECTED);
		n_ok += error == TASKD_OK;
		if (i < ANSWERED && i % 7 == 0)
			ck_assert_int_eq(atoi(taskd_future_id(futures[i])), i + 1000);
		taskd_future_free(futures[i]);
	}
	ck_assert_uint_eq(n_ok, 600);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(while_its_answer_is_waited_for)
{
	struct taskd_options detached = { .detached = true };
	struct taskd_future *f = taskd_submit(c, "t", NULL, &detached), *g = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_close(&fake);
	ck_assert_int_eq(taskd_cancel(g, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(last_text(), "the daemon closed the connection");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

START_TEST(futures_outlive_their_connection)
{
	struct taskd_future *futures[3];
	struct taskd_completed *cursor = NULL;
	size_t index;

	for (int i = 0; i < 3; i++)
		futures[i] = taskd_submit(c, "t", NULL, NULL);
	ck_assert_int_eq(taskd_as_completed(futures, 3, &cursor, 0, &index), TASKD_E_TIMEOUT);
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(taskd_result(futures[1], TASKD_FOREVER), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_as_completed(futures, 3, &cursor, TASKD_FOREVER, &index), TASKD_OK);
	for (int i = 0; i < 3; i++)
		taskd_future_free(futures[i]);
	taskd_as_completed_end(&cursor);
	ck_assert_ptr_null(cursor);
}
END_TEST

/* --- the daemon says what makes no sense --- */

static const struct {
	const char *text;
	const char *reason;
} nonsense[] = {
	{ "hello", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "Content-Length: 2", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "[]", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"id\":1,\"result\":1}}", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1}", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":1}", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":1}", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":1}", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\xff\"}", "the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":1}",
		"the daemon sent nonsense: an answer to the request 77, which has none due" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":[17]}",
		"the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"x\",\"state\":\"failed\"}}",
		"the daemon sent nonsense: no JSON-RPC 2.0 message" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"state\":\"queued\"}}",
		"the daemon sent nonsense: a submitted task without an id of its own" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":17}",
		"the daemon sent nonsense: a submitted task without an id of its own" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"id\":\"99999999999999999999\"}}",
		"the daemon sent nonsense: a submitted task without an id of its own" },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"bad\",\"data\":{\"kind\":\"parse_error\"}}}",
		"the daemon ended the connection: bad" },
};

START_TEST(nonsense_ends_the_connection)
{
	struct taskd_options detached = { .detached = true };
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL), *g = taskd_submit(c, "t", NULL, &detached);

	fake_say(&fake, "%s", nonsense[_i].text);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_PROTOCOL);
	ck_assert_str_eq(last_text(), nonsense[_i].reason);
	ck_assert_int_eq(taskd_result(g, FAKE_PATIENCE), TASKD_E_PROTOCOL);
	ck_assert_str_eq(taskd_exception(g)->message, nonsense[_i].reason);
	taskd_future_free(f);
	taskd_future_free(g);
	check_ended(TASKD_E_PROTOCOL, nonsense[_i].reason);
	while (fake_read(&fake)) /* the daemon sees the end, too */
		;
}
END_TEST

START_TEST(the_second_answer_to_a_request)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL), *g = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	ck_assert_int_eq(taskd_result(g, FAKE_PATIENCE), TASKD_E_PROTOCOL);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

START_TEST(a_daemon_that_refuses_the_connection)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32009,\"message\":\"not you\",\"data\":{\"kind\":\"denied\"}}}");
	fake_close(&fake);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(taskd_exception(f)->message, "the daemon ended the connection: not you");
	taskd_future_free(f);
}
END_TEST

START_TEST(a_user_with_too_many_connections_is_told_so)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32038,\"message\":\"anna has 8 connections\","
		"\"data\":{\"kind\":\"over_share\",\"limit\":\"user_connections\",\"most\":8}}}");
	fake_close(&fake);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_OVER_SHARE);
	ck_assert_str_eq(taskd_exception(f)->message, "the daemon ended the connection: anna has 8 connections");
	taskd_future_free(f);
	check_ended(TASKD_E_OVER_SHARE, "the daemon ended the connection: anna has 8 connections");
}
END_TEST

START_TEST(a_submission_over_a_share_says_of_what_and_when)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32038,\"message\":\"more than one user may have\","
		"\"data\":{\"kind\":\"over_share\",\"limit\":\"user_queued\",\"most\":10,\"retry_after\":0.5}}}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_OVER_SHARE);
	ck_assert_str_eq(taskd_exception(f)->kind, "over_share");
	ck_assert_ptr_nonnull(strstr(taskd_exception(f)->data, "\"limit\":\"user_queued\""));
	ck_assert_ptr_nonnull(strstr(taskd_exception(f)->data, "\"retry_after\":0.5"));
	taskd_future_free(f);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
}
END_TEST

START_TEST(a_message_over_the_limit)
{
	struct taskd_connect_options options = { .frame_limit = 100 };
	char text[201];
	struct taskd_future *f;

	taskd_close(c);
	fake_close(&fake);
	c = fake_connect_with(&fake, &options);
	memset(text, 'x', 200);
	text[200] = '\0';
	f = taskd_submit(c, "t", NULL, NULL);
	fake_write(&fake, text, 200); /* no newline: it is not waited for */
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_PROTOCOL);
	ck_assert_str_eq(
		taskd_exception(f)->message, "the daemon sent nonsense: a message over the limit for its size");
	taskd_future_free(f);
}
END_TEST

/* --- slowly --- */

START_TEST(a_reply_that_comes_byte_by_byte)
{
	static const char text[] = "\n {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":[1,\"\303\251\"]}\r\n\n"
				   "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":5,\"message\":\"m\"}}\n";
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL), *g = taskd_submit(c, "t", NULL, NULL);

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		ck_assert(!taskd_done(f));
		fake_write(&fake, &text[i], 1);
		taskd_dispatch(c, 0);
	}
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	ck_assert_int_eq(taskd_result(g, 0), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(g, NULL), "[1,\"\303\251\"]");
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_FAILED);
	ck_assert_int_eq(taskd_exception(f)->code, 5);
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

/* --- forks --- */

START_TEST(a_forked_child_gets_errors_and_disturbs_nothing)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
	struct taskd_completed *cursor = NULL;
	size_t index;
	int status;

	ck_assert_int_eq(taskd_as_completed(&f, 1, &cursor, 0, &index), TASKD_E_TIMEOUT);
	pid_t child = fork();
	if (child == 0) {
		bool fine = !taskd_submit(c, "t", NULL, NULL) && taskd_last_error(NULL) == TASKD_E_INVALID;
		fine = fine && strstr(last_text(), "connect anew");
		fine = fine && taskd_result(f, TASKD_FOREVER) == TASKD_E_INVALID;
		fine = fine && taskd_future_error(f)->error == TASKD_E_INVALID;
		fine = fine && taskd_flush(c, 0) == TASKD_E_INVALID && taskd_dispatch(c, 0) == TASKD_E_INVALID;
		fine = fine && taskd_cancel(f, 0) == TASKD_E_INVALID && !taskd_running(f, 0) && !taskd_done(f);
		fine = fine && taskd_wait(&f, 1, TASKD_ALL_COMPLETED, 0, NULL) == TASKD_E_INVALID;
		fine = fine && taskd_as_completed(&f, 1, &cursor, 0, &index) == TASKD_E_INVALID;
		fine = fine && taskd_add_done_callback(f, count, NULL) == TASKD_E_INVALID;
		fine = fine && taskd_connection_error(c) == TASKD_E_INVALID && !taskd_wants_write(c);
		fine = fine && !taskd_exception(f) && !taskd_future_id(f) && !taskd_future_result(f, NULL);
		taskd_as_completed_end(&cursor);
		taskd_future_free(f);
		taskd_close(c);
		/* A connection of its own is fine. */
		struct taskd *own = taskd_connect(fake.path, NULL);
		fine = fine && own && taskd_submit(own, "t", NULL, NULL) && taskd_flush(own, FAKE_PATIENCE) == TASKD_OK;
		_exit(fine ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t\",\"params\":[]}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	ck_assert_int_eq(taskd_as_completed(&f, 1, &cursor, FAKE_PATIENCE, &index), TASKD_OK);
	ck_assert_int_eq(taskd_result(f, 0), TASKD_OK);
	taskd_as_completed_end(&cursor);
	taskd_future_free(f);
}
END_TEST

static Suite *end_suite(void)
{
	Suite *suite = suite_create("client: the end");
	TCase *tests = tcase_create("one thread");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, before_a_reply);
	tcase_add_test(tests, with_requests_unread);
	tcase_add_test(tests, before_anything_is_written);
	tcase_add_test(tests, when_it_reads_no_more);
	tcase_add_test(tests, what_it_had_answered_before_is_kept);
	tcase_add_loop_test(tests, in_the_middle_of_a_message, 0, 40);
	tcase_add_test(tests, in_a_batch_of_thousands);
	tcase_add_test(tests, while_its_answer_is_waited_for);
	tcase_add_test(tests, futures_outlive_their_connection);
	tcase_add_loop_test(tests, nonsense_ends_the_connection, 0, (int)(sizeof(nonsense) / sizeof(nonsense[0])));
	tcase_add_test(tests, the_second_answer_to_a_request);
	tcase_add_test(tests, a_daemon_that_refuses_the_connection);
	tcase_add_test(tests, a_user_with_too_many_connections_is_told_so);
	tcase_add_test(tests, a_submission_over_a_share_says_of_what_and_when);
	tcase_add_test(tests, a_message_over_the_limit);
	tcase_add_test(tests, a_reply_that_comes_byte_by_byte);
	tcase_add_test(tests, a_forked_child_gets_errors_and_disturbs_nothing);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(end_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
