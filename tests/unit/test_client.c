/* libtaskd over one connection and one thread: what it writes for each call, and what it makes of each answer. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "client/taskd.h"
#include "client_fake.h"
#include "proto/errors.h"

static struct fake fake;
static struct taskd *c;

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
}

/* Futures that a test has no more to do with, and that are not to be cancelled meanwhile. */
static struct taskd_future *kept[8];
static size_t n_kept;

static void keep(struct taskd_future *f)
{
	ck_assert_ptr_nonnull(f);
	kept[n_kept++] = f;
}

static void teardown(void)
{
	taskd_close(c);
	while (n_kept > 0)
		taskd_future_free(kept[--n_kept]);
	fake_end(&fake);
}

static const char *last_text(void)
{
	const char *text;

	taskd_last_error(&text);
	return text;
}

/* --- errors --- */

START_TEST(every_error_has_a_text_of_its_own)
{
	for (int a = TASKD_OK; a <= TASKD_E_OTHER; a++) {
		ck_assert(taskd_strerror((enum taskd_error)a)[0] != '\0');
		for (int b = TASKD_OK; b < a; b++)
			ck_assert_str_ne(taskd_strerror((enum taskd_error)a), taskd_strerror((enum taskd_error)b));
	}
	ck_assert_ptr_nonnull(taskd_strerror((enum taskd_error)1000));
	ck_assert_ptr_nonnull(taskd_strerror((enum taskd_error) - 1));
}
END_TEST

/* The table in proto/ names them for the manual; here is what they are. */
static const struct {
	const char *name;
	enum taskd_error error;
} names[] = {
	{ "TASKD_E_TIMEOUT", TASKD_E_TIMEOUT },
	{ "TASKD_E_FAILED", TASKD_E_FAILED },
	{ "TASKD_E_CRASHED", TASKD_E_CRASHED },
	{ "TASKD_E_TIMED_OUT", TASKD_E_TIMED_OUT },
	{ "TASKD_E_CANCELLED", TASKD_E_CANCELLED },
	{ "TASKD_E_EXPIRED", TASKD_E_EXPIRED },
	{ "TASKD_E_UNKNOWN_TASK", TASKD_E_UNKNOWN_TASK },
	{ "TASKD_E_NOT_FOUND", TASKD_E_NOT_FOUND },
	{ "TASKD_E_FORGOTTEN", TASKD_E_FORGOTTEN },
	{ "TASKD_E_QUEUE_FULL", TASKD_E_QUEUE_FULL },
	{ "TASKD_E_TOO_LARGE", TASKD_E_TOO_LARGE },
	{ "TASKD_E_DENIED", TASKD_E_DENIED },
	{ "TASKD_E_UNAVAILABLE", TASKD_E_UNAVAILABLE },
	{ "TASKD_E_INVALID", TASKD_E_INVALID },
	{ "TASKD_E_PROTOCOL", TASKD_E_PROTOCOL },
	{ "TASKD_E_DUPLICATE", TASKD_E_DUPLICATE },
	{ "TASKD_E_DEPENDENCY_FAILED", TASKD_E_DEPENDENCY_FAILED },
	{ "TASKD_E_DEPENDENCY_CYCLE", TASKD_E_DEPENDENCY_CYCLE },
	{ "TASKD_E_QUEUE_DRAINING", TASKD_E_QUEUE_DRAINING },
	{ "TASKD_E_QUEUE_BUSY", TASKD_E_QUEUE_BUSY },
	{ "TASKD_E_NOT_OVER", TASKD_E_NOT_OVER },
	{ "TASKD_E_NOT_FAILED", TASKD_E_NOT_FAILED },
	{ "TASKD_E_EXISTS", TASKD_E_EXISTS },
	{ "TASKD_E_DEADLOCK", TASKD_E_DEADLOCK },
	{ "TASKD_E_NOT_STARTED", TASKD_E_NOT_STARTED },
	{ "TASKD_E_NOT_RUNNING", TASKD_E_NOT_RUNNING },
	{ "TASKD_E_INPUT_CLOSED", TASKD_E_INPUT_CLOSED },
	{ "TASKD_E_NOT_HELD", TASKD_E_NOT_HELD },
	{ "TASKD_E_NOT_OWNER", TASKD_E_NOT_OWNER },
	{ "TASKD_E_OVER_RELEASED", TASKD_E_OVER_RELEASED },
	{ "TASKD_E_BARRIER_BROKEN", TASKD_E_BARRIER_BROKEN },
	{ "TASKD_E_MISMATCH", TASKD_E_MISMATCH },
	{ "TASKD_E_STORE_FULL", TASKD_E_STORE_FULL },
	{ "TASKD_E_STORE_FAILED", TASKD_E_STORE_FAILED },
	{ "TASKD_E_NOT_DURABLE", TASKD_E_NOT_DURABLE },
	{ "TASKD_E_OVER_SHARE", TASKD_E_OVER_SHARE },
	{ "TASKD_E_OTHER", TASKD_E_OTHER },
};

static enum taskd_error error_named(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].error;
	ck_abort_msg("an unknown name: %s", name);
}

START_TEST(each_kind_of_the_table_becomes_its_error)
{
	const struct proto_error_info *info = proto_error_info((enum proto_error)_i);
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":%d,\"message\":\"why\",\"data\":{\"kind\":\"%s\"}}}",
		info->code, info->kind);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), error_named(info->library));
	ck_assert_str_eq(last_text(), "why");
	const struct taskd_failure *failure = taskd_exception(f);
	ck_assert_int_eq(failure->error, error_named(info->library));
	ck_assert_int_eq(failure->code, info->code);
	ck_assert_str_eq(failure->kind, info->kind);
	ck_assert_str_eq(failure->message, "why");
	ck_assert_ptr_null(failure->hint);
	ck_assert_ptr_eq(failure, taskd_future_error(f));
	ck_assert_ptr_null(taskd_future_result(f, NULL));
	taskd_future_free(f);
}
END_TEST

START_TEST(an_unknown_kind_is_told_by_its_code)
{
	static const struct {
		const char *error;
		enum taskd_error expected;
		const char *kind;
	} cases[] = {
		{ "{\"code\":7,\"message\":\"m\"}", TASKD_E_FAILED, "" },
		{ "{\"code\":-32050,\"message\":\"m\",\"data\":{\"kind\":\"odd\"}}", TASKD_E_OTHER, "odd" },
		{ "{\"code\":-31999,\"message\":\"m\",\"data\":{\"kind\":\"odd\"}}", TASKD_E_FAILED, "odd" },
		{ "{\"code\":-32769,\"message\":\"m\",\"data\":5}", TASKD_E_FAILED, "" },
		{ "{\"code\":-32768,\"message\":\"m\",\"data\":[{\"kind\":\"crashed\"}]}", TASKD_E_OTHER, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"error\":%s}", i + 1, cases[i].error);
		ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), cases[i].expected);
		ck_assert_str_eq(taskd_exception(f)->kind, cases[i].kind);
		ck_assert_str_eq(taskd_exception(f)->message, "m");
		taskd_future_free(f);
	}
}
END_TEST

START_TEST(a_crash_is_told_with_its_details)
{
	static const char data[] =
		"{\"kind\":\"crashed\",\"hint\":\"look \\\"there\\\"\",\"id\":\"17\",\"pid\":4711,\"signal\":11,"
		"\"signal_name\":\"SIGSEGV\",\"rusage\":{\"user\":1.5,\"system\":2,\"maxrss\":1048576}}";
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,\"message\":\"the worker\\u00e9\",\"data\":%s}}",
		data);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_CRASHED);
	const struct taskd_failure *failure = taskd_exception(f);
	ck_assert_str_eq(failure->message, "the worker\303\251");
	ck_assert_str_eq(failure->hint, "look \"there\"");
	ck_assert_str_eq(failure->data, data);
	ck_assert_int_eq(failure->pid, 4711);
	ck_assert_int_eq(failure->signal, 11);
	ck_assert_int_eq(failure->status, 0);
	ck_assert_int_eq(failure->usage.ru_utime.tv_sec, 1);
	ck_assert_int_eq(failure->usage.ru_utime.tv_usec, 500000);
	ck_assert_int_eq(failure->usage.ru_stime.tv_sec, 2);
	ck_assert_int_eq(failure->usage.ru_maxrss, 1024);
	ck_assert_str_eq(taskd_future_id(f), "17");
	taskd_future_free(f);
}
END_TEST

START_TEST(a_failure_can_be_handed_on)
{
	struct taskd *none = taskd_connect("/nonexistent/socket", NULL);
	struct taskd_future *f = taskd_submit(none, "t", NULL, NULL);

	ck_assert_ptr_null(none);
	ck_assert_ptr_null(f);
	ck_assert_int_eq(taskd_result(f, TASKD_FOREVER), TASKD_E_CONNECT);
	ck_assert_int_eq(taskd_dispatch(none, 0), TASKD_E_CONNECT);
	ck_assert_int_eq(taskd_map(none, "t", NULL, NULL, NULL, NULL, 0), TASKD_E_CONNECT);
	ck_assert_str_eq(taskd_future_error(f)->message,
		"cannot connect to /nonexistent/socket: No such file or directory (is taskd running?)");
	taskd_future_free(f);
	taskd_close(none);
}
END_TEST

/* --- the table of futures --- */

/* Against an array that says what is in it: consecutive numbers, and some far between. */
START_TEST(numbers_lead_to_their_futures)
{
	enum { N = 3000 };
	static char futures_of[N];
	static bool there[N];
	struct futures futures = { 0 };
	unsigned random = 1;

	ck_assert_ptr_null(futures_take(&futures, 5));
	for (int i = 0; i < 200000; i++) {
		random = random * 1664525 + 1013904223;
		size_t k = (random >> 8) % N;
		uint64_t number = k < N / 2 ? k + 1 : (uint64_t)k << (_i * 8 + 4);
		struct taskd_future *f = (struct taskd_future *)(void *)&futures_of[k];
		if (random >> 31) {
			ck_assert_int_eq(futures_put(&futures, number, f), there[k] ? -1 : 0);
			there[k] = true;
		} else {
			ck_assert_ptr_eq(futures_take(&futures, number), there[k] ? f : NULL);
			there[k] = false;
		}
	}
	size_t count = 0;
	for (size_t k = 0; k < N; k++)
		count += there[k];
	ck_assert_uint_eq(futures.count, count);
	ck_assert_uint_lt(futures.mask, 8 * N);
	futures_free(&futures);
}
END_TEST

/* --- connecting --- */

START_TEST(the_socket_is_the_argument_or_the_variable_or_the_usual_place)
{
	char *path = taskd_socket_path("/some/where");
	ck_assert_str_eq(path, "/some/where");
	free(path);
	setenv("TASKD_SOCKET", fake.path, 1);
	path = taskd_socket_path(NULL);
	ck_assert_str_eq(path, fake.path);
	free(path);
	struct taskd *d = taskd_connect(NULL, NULL);
	ck_assert_ptr_nonnull(d);
	taskd_close(d);

	setenv("TASKD_SOCKET", "", 1);
	setenv("XDG_RUNTIME_DIR", fake.dir, 1);
	path = taskd_socket_path(NULL);
	ck_assert_str_eq(path, "/run/taskd/taskd.sock"); /* nobody has made one in XDG_RUNTIME_DIR */
	free(path);
}
END_TEST

START_TEST(a_users_own_socket_is_found)
{
	char file[64], *path;

	snprintf(file, sizeof(file), "%s/taskd.sock", fake.dir);
	ck_assert_int_eq(rename(fake.path, file), 0);
	ck_assert_int_eq(chmod(fake.dir, 0755), 0);
	unsetenv("TASKD_SOCKET");
	setenv("XDG_RUNTIME_DIR", fake.dir, 1);
	if (geteuid() == 0) {
		path = taskd_socket_path(NULL);
		ck_assert_str_eq(path, "/run/taskd/taskd.sock");
		free(path);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	path = taskd_socket_path(NULL);
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_str_eq(path, file);
	free(path);
	ck_assert_int_eq(rename(file, fake.path), 0);
}
END_TEST

START_TEST(paths_that_do_not_fit_are_invalid)
{
	char path[200];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	ck_assert_ptr_null(taskd_connect(path, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	ck_assert_ptr_nonnull(strstr(last_text(), "107 bytes"));
	path[107] = '\0';
	ck_assert_ptr_null(taskd_connect(path, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_CONNECT);
	ck_assert_ptr_null(taskd_connect("", NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
}
END_TEST

START_TEST(a_daemon_that_does_not_accept_is_given_up)
{
	struct taskd_connect_options options = { .timeout_ns = 10 * TASKD_MS };
	struct taskd *many[64];
	size_t n = 0;

	/* Nobody accepts, so the backlog fills. */
	while (n < 64 && (many[n] = taskd_connect(fake.path, &options)))
		n++;
	ck_assert_uint_lt(n, 64);
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_CONNECT);
	ck_assert_ptr_nonnull(strstr(last_text(), "did not accept in time"));
	while (n > 0)
		taskd_close(many[--n]);
}
END_TEST

START_TEST(a_socket_that_nobody_listens_on)
{
	close(fake.listener);
	ck_assert_ptr_null(taskd_connect(fake.path, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_CONNECT);
	ck_assert_ptr_nonnull(strstr(last_text(), "Connection refused (is taskd running?)"));
	fake.listener = -1;
}
END_TEST

/* --- what is written --- */

START_TEST(a_plain_task_is_a_method)
{
	taskd_future_free(taskd_submit(c, "fib", "[30]", NULL));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[30]}");
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	struct taskd_options none = { 0 };
	keep(taskd_submit(c, "fib", NULL, &none));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"fib\",\"params\":[]}");
	keep(taskd_submit(c, "a_b-C9", "{\"x\":\r\n [1,\n2]}", NULL));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"a_b-C9\",\"params\":{\"x\":   [1, 2]}}");
}
END_TEST

START_TEST(a_name_that_no_task_can_have_is_no_method)
{
	keep(taskd_submit(c, "server.shutdown", "[]", NULL));
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.call\",\"params\":{\"task\":\"server.shutdown\",\"args\":[]}}");
	keep(taskd_submit(c, "a\",\"b\":\"", "[]", NULL));
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.call\",\"params\":{\"task\":\"a\\\",\\\"b\\\":\\\"\",\"args\":[]}}");
	keep(taskd_submit(c, "9a", "[]", NULL));
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_ptr_nonnull(strstr(fake_read(&fake), "\"method\":\"task.call\""));
}
END_TEST

START_TEST(options_are_told)
{
	struct taskd_options options = {
		.queue = "q\"", .priority = -3, .timeout_ns = 1500 * TASKD_MS, .tag = "my tag"
	};

	keep(taskd_submit(c, "fib", "[30]", &options));
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.call\",\"params\":{\"task\":\"fib\",\"args\":[30],"
		"\"queue\":\"q\\\"\",\"priority\":-3,\"timeout\":\"1.5s\",\"tag\":\"my tag\"}}");
	options = (struct taskd_options){ .detached = true };
	keep(taskd_submit(c, "fib", "[30]", &options));
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.submit\",\"params\":{\"task\":\"fib\",\"args\":[30],\"watch\":true}}");
}
END_TEST

START_TEST(what_is_no_json_is_never_written)
{
	static const char *const bad[] = { "", "30", "\"x\"", "[1,", "[1] [2]", "[1]\n[2]", "{\"a\":1,}",
		"[\"\xff\"]" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_ptr_null(taskd_submit(c, "t", bad[i], NULL));
		ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
		ck_assert_ptr_null(taskd_request(c, "server.info", bad[i]));
		ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	}
	ck_assert_ptr_null(taskd_submit(c, "", "[]", NULL));
	ck_assert_ptr_null(taskd_submit(c, NULL, "[]", NULL));
	ck_assert_ptr_null(taskd_request(c, NULL, "[]"));
	ck_assert_ptr_null(taskd_attach(c, "123456789012345678901234567890"));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	ck_assert(!taskd_wants_write(c));
}
END_TEST

START_TEST(requests_are_gathered_until_someone_waits_or_they_are_many)
{
	char byte;
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	ck_assert(taskd_wants_write(c));
	ck_assert_int_eq(recv(fake.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_TIMEOUT);
	ck_assert(!taskd_wants_write(c));
	ck_assert_uint_eq(fake_id(fake_read(&fake)), 1);
	taskd_future_free(f);
	ck_assert_ptr_nonnull(strstr(fake_read(&fake), "cancelRequest")); /* at once */

	struct taskd_future *futures[4000];
	for (int i = 0; i < 4000; i++)
		futures[i] = taskd_submit(c, "t", NULL, NULL);
	for (int i = 0; i < 1000; i++) /* 64 KiB are about 1,100 of them */
		ck_assert_uint_eq(fake_id(fake_read(&fake)), (unsigned long)i + 2);
	taskd_close(c);
	for (int i = 0; i < 4000; i++)
		taskd_future_free(futures[i]);
	c = NULL;
}
END_TEST

START_TEST(closing_writes_what_it_can)
{
	struct taskd_options detached = { .detached = true };
	struct taskd_future *f = taskd_submit(c, "t", NULL, &detached);

	taskd_close(c);
	c = NULL;
	ck_assert_ptr_nonnull(strstr(fake_read(&fake), "task.submit"));
	ck_assert_ptr_null(fake_read(&fake));
	ck_assert(taskd_done(f));
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_DISCONNECTED);
	ck_assert_str_eq(taskd_exception(f)->message, "this program closed the connection");
	taskd_future_free(f);
}
END_TEST

/* --- what is answered --- */

START_TEST(a_result_is_the_text_that_came)
{
	struct taskd_future *f = taskd_submit(c, "fib", "[30]", NULL);
	size_t length = 99;

	ck_assert(!taskd_done(f));
	ck_assert_ptr_null(taskd_future_result(f, &length));
	ck_assert_uint_eq(length, 0);
	ck_assert_ptr_null(taskd_exception(f));
	ck_assert_int_eq(taskd_future_error(f)->error, TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_result(f, TASKD_MS), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_result(f, -5), TASKD_E_TIMEOUT);
	fake_say(&fake, " {\"result\" : { \"x\": [1 ,2]} , \"id\":1,\"jsonrpc\":\"2.0\"} ");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert(taskd_done(f));
	ck_assert_str_eq(taskd_future_result(f, &length), "{ \"x\": [1 ,2]}");
	ck_assert_uint_eq(length, strlen("{ \"x\": [1 ,2]}"));
	ck_assert_ptr_null(taskd_exception(f));
	ck_assert_int_eq(taskd_future_error(f)->error, TASKD_OK);
	ck_assert_int_eq(taskd_result(f, 0), TASKD_OK);
	taskd_future_free(f);
}
END_TEST

START_TEST(results_of_every_length)
{
	for (size_t length = 0; length < 200; length++) {
		struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
		char text[256] = "\"";
		memset(text + 1, 'x', length);
		strcpy(text + 1 + length, "\"");
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":%s}", length + 1, text);
		ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
		ck_assert_str_eq(taskd_future_result(f, NULL), text);
		taskd_future_free(f);
	}
}
END_TEST

START_TEST(replies_find_their_futures_in_any_order)
{
	enum { N = 5000 };
	static struct taskd_future *futures[N];

	for (int i = 0; i < N; i++)
		futures[i] = taskd_submit(c, "t", NULL, NULL);
	for (int i = 0; i < N; i++) {
		int k = (int)((long)i * 2749 % N); /* each once */
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%d}", k + 1, k);
		if (i % 100 == 0)
			taskd_dispatch(c, 0);
	}
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(taskd_result(futures[i], FAKE_PATIENCE), TASKD_OK);
		ck_assert_int_eq(atoi(taskd_future_result(futures[i], NULL)), i);
		taskd_future_free(futures[i]);
	}
}
END_TEST

START_TEST(an_old_request_is_found_among_thousands_of_newer_ones)
{
	struct taskd_future *old = taskd_attach(c, "1");

	for (int i = 0; i < 3000; i++) {
		struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%d}", i + 2, i);
		ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
		ck_assert_int_eq(atoi(taskd_future_result(f, NULL)), i);
		taskd_future_free(f);
		fake_read(&fake);
	}
	ck_assert(!taskd_done(old));
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"old\"}");
	ck_assert_int_eq(taskd_result(old, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(old, NULL), "\"old\"");
	taskd_future_free(old);
}
END_TEST

START_TEST(a_large_result_arrives_whole)
{
	size_t length = (size_t)5 << 20;
	char *text = malloc(length + 3);
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	memset(text, 'x', length + 2);
	text[0] = text[length + 1] = '"';
	text[length + 2] = '\0';
	pid_t child = fork();
	if (child == 0) {
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", text);
		_exit(0);
	}
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), text);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	taskd_future_free(f);
	f = taskd_submit(c, "t", NULL, NULL);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f);
	free(text);
}
END_TEST

START_TEST(a_freed_tasks_reply_is_dropped)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
	taskd_future_free(f);
	f = taskd_submit(c, "t", NULL, NULL);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"a long one, which has memory of its own, that must go, too: %060d\"}",
		1);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f);
	f = taskd_submit(c, "t", NULL, NULL);
	taskd_future_free(f);
	f = taskd_submit(c, "t", NULL, NULL);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32003,\"message\":\"m\",\"data\":{\"kind\":\"cancelled\"}}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":4}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f);
}
END_TEST

/* --- detached, attached, any method --- */

START_TEST(a_detached_task_has_an_id_and_then_a_result)
{
	struct taskd_options detached = { .detached = true };
	struct taskd_future *f = taskd_submit(c, "fib", "[30]", &detached);

	ck_assert_ptr_null(taskd_future_id(f));
	ck_assert_int_eq(taskd_acknowledged(f, 0), TASKD_E_TIMEOUT);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"id\":\"17\",\"state\":\"queued\"}}");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_id(f), "17");
	ck_assert(!taskd_done(f));
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_TIMEOUT);
	/* Others' notifications change nothing. */
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"18\",\"state\":\"succeeded\",\"result\":1}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"something.else\",\"params\":[1]}");
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_TIMEOUT);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"17\",\"task\":\"fib\",\"state\":\"succeeded\","
		"\"result\":832040}}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), "832040");
	ck_assert_str_eq(taskd_future_id(f), "17");
	taskd_future_free(f);
}
END_TEST

START_TEST(a_detached_task_can_fail_in_each_way)
{
	static const struct {
		const char *rest;
		enum taskd_error error;
		const char *message;
	} cases[] = {
		{ "\"state\":\"failed\",\"error\":{\"code\":3,\"message\":\"no\",\"data\":{\"kind\":\"failed\"}}",
			TASKD_E_FAILED, "no" },
		{ "\"state\":\"cancelled\"", TASKD_E_CANCELLED, "the task was cancelled" },
		{ "\"state\":\"crashed\"", TASKD_E_CRASHED, "the task's worker died" },
		{ "\"state\":\"timed_out\"", TASKD_E_TIMED_OUT, "the task ran longer than its time limit" },
		{ "\"state\":\"vanished\"", TASKD_E_OTHER, "an error of the daemon that this library does not know" },
	};
	struct taskd_options detached = { .detached = true };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_future *f = taskd_submit(c, "t", NULL, &detached);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":{\"id\":\"%zu\",\"state\":\"queued\"}}",
			i + 1, i + 100);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"%zu\",%s}}",
			i + 100, cases[i].rest);
		ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), cases[i].error);
		ck_assert_str_eq(taskd_exception(f)->message, cases[i].message);
		taskd_future_free(f);
	}
	struct taskd_future *f = taskd_submit(c, "t", NULL, &detached);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32007,\"message\":\"full\",\"data\":{\"kind\":\"queue_full\"}}}");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_E_QUEUE_FULL);
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_QUEUE_FULL);
	taskd_future_free(f);
}
END_TEST

START_TEST(a_detached_task_is_not_cancelled_by_freeing)
{
	struct taskd_options detached = { .detached = true };
	struct taskd_future *before = taskd_submit(c, "t", NULL, &detached),
			    *after = taskd_submit(c, "t", NULL, &detached);

	taskd_future_free(before);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"id\":\"1\",\"state\":\"queued\"}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"id\":\"2\",\"state\":\"queued\"}}");
	ck_assert_int_eq(taskd_acknowledged(after, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(after);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"1\",\"state\":\"succeeded\",\"result\":1}}");
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"2\",\"state\":\"failed\"}}");
	taskd_future_free(taskd_attach(c, "1"));
	taskd_future_free(taskd_request(c, "server.info", NULL));
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_OK);
	taskd_close(c);
	c = NULL;
	for (const char *line; (line = fake_read(&fake));)
		ck_assert_ptr_null(strstr(line, "cancel"));
}
END_TEST

START_TEST(attaching_asks_for_a_result)
{
	struct taskd_future *f = taskd_attach(c, "17"), *g = taskd_attach(c, "18");

	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.result\",\"params\":{\"id\":\"17\"}}");
	ck_assert_str_eq(taskd_future_id(f), "17");
	ck_assert_int_eq(taskd_acknowledged(f, 0), TASKD_OK);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32006,\"message\":\"m\",\"data\":{\"kind\":\"forgotten\"}}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_result(g, FAKE_PATIENCE), TASKD_E_FORGOTTEN);
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

START_TEST(any_method_can_be_called)
{
	struct taskd_future *f = taskd_request(c, "server.stats", NULL),
			    *g = taskd_request(c, "task.list", "{\"limit\":\n5}");

	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.stats\"}");
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.list\",\"params\":{\"limit\": 5}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":[]}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), "null");
	ck_assert_str_eq(taskd_future_result(g, NULL), "[]");
	struct taskd_future *h = taskd_request(c, "server.info", NULL);
	ck_assert_int_eq(taskd_cancel(h, 0), TASKD_E_INVALID); /* it is no task */
	ck_assert(!taskd_running(h, 0));
	taskd_future_free(h);
	taskd_future_free(f);
	taskd_future_free(g);
	taskd_future_free(taskd_request(c, "task.map", "{\"task\":\"t\",\"items\":[1]}"));
	while (!strstr(fake_read(&fake), "cancelRequest"))
		;
}
END_TEST

/* --- while it is on its way --- */

START_TEST(whether_an_attached_task_runs)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"id\":\"9\",\"state\":\"queued\"}}");
	ck_assert(!taskd_running(f, FAKE_PATIENCE));
	ck_assert_str_eq(taskd_future_id(f), "9");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"id\":\"9\",\"state\":\"running\"}}");
	ck_assert(taskd_running(f, FAKE_PATIENCE));
	ck_assert(!taskd_running(f, 0)); /* no answer */
	fake_read(&fake);
	ck_assert_str_eq(
		fake_read(&fake), "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.status\",\"params\":{\"call\":1}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert(!taskd_running(f, FAKE_PATIENCE));
	taskd_future_free(f);
}
END_TEST

START_TEST(whether_a_detached_task_runs)
{
	struct taskd_options detached = { .detached = true };
	struct taskd_future *f = taskd_submit(c, "t", NULL, &detached);

	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"id\":\"17\",\"state\":\"queued\"}}");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_OK);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"id\":\"17\",\"state\":\"running\"}}");
	ck_assert(taskd_running(f, FAKE_PATIENCE));
	fake_read(&fake);
	ck_assert_str_eq(fake_read(&fake),
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.status\",\"params\":{\"id\":\"17\"}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":[{\"id\":\"17\",\"state\":\"cancelling\"}]}");
	ck_assert_int_eq(taskd_cancel(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(fake_read(&fake),
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"task.cancel\",\"params\":{\"ids\":\"17\"}}");
	ck_assert(!taskd_done(f));
	taskd_future_free(f);
}
END_TEST

START_TEST(an_attached_tasks_id_can_be_asked_for)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"id\":\"9\",\"state\":\"queued\"}}");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_id(f), "9");
	ck_assert_int_eq(taskd_acknowledged(f, 0), TASKD_OK);
	taskd_future_free(f);
	f = taskd_submit(c, "t", NULL, NULL);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":1}");
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32005,\"message\":\"m\",\"data\":{\"kind\":\"not_found\"}}}");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_E_NOT_FOUND);
	taskd_future_free(f);
}
END_TEST

START_TEST(cancelling_asks_and_tells_what_came_of_it)
{
	static const struct {
		const char *answer;
		enum taskd_error error;
	} cases[] = {
		{ "\"result\":[{\"id\":\"1\",\"state\":\"cancelled\"}]", TASKD_OK },
		{ "\"result\":[{\"id\":\"1\",\"state\":\"cancelling\"}]", TASKD_OK },
		{ "\"result\":[{\"id\":\"1\",\"state\":\"succeeded\"}]", TASKD_E_NOT_FOUND },
		{ "\"result\":[]", TASKD_E_NOT_FOUND },
		{ "\"result\":7", TASKD_E_NOT_FOUND },
		{ "\"error\":{\"code\":-32009,\"message\":\"m\",\"data\":{\"kind\":\"denied\"}}", TASKD_E_DENIED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,%s}", 2 * i + 2, cases[i].answer);
		ck_assert_int_eq(taskd_cancel(f, FAKE_PATIENCE), cases[i].error);
		taskd_future_free(f);
		char expected[128];
		snprintf(expected, sizeof(expected),
			"{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"task.cancel\",\"params\":{\"call\":%zu}}",
			2 * i + 2, 2 * i + 1);
		fake_read(&fake);
		ck_assert_str_eq(fake_read(&fake), expected);
		fake_read(&fake);
	}
}
END_TEST

START_TEST(cancelling_what_has_ended)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL), *g = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(taskd_cancel(f, 0), TASKD_E_TIMEOUT);
	/* The end overtakes the answer. */
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32003,\"message\":\"m\",\"data\":{\"kind\":\"cancelled\"}}}");
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32005,\"message\":\"m\",\"data\":{\"kind\":\"not_found\"}}}");
	ck_assert_int_eq(taskd_cancel(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_cancel(f, 0), TASKD_OK);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}");
	ck_assert_int_eq(taskd_result(g, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_cancel(g, FAKE_PATIENCE), TASKD_E_NOT_FOUND);
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

static Suite *client_suite(void)
{
	Suite *suite = suite_create("client");
	TCase *tests = tcase_create("one thread");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, every_error_has_a_text_of_its_own);
	tcase_add_loop_test(tests, each_kind_of_the_table_becomes_its_error, 0, PROTO_N_ERRORS);
	tcase_add_test(tests, an_unknown_kind_is_told_by_its_code);
	tcase_add_test(tests, a_crash_is_told_with_its_details);
	tcase_add_test(tests, a_failure_can_be_handed_on);
	tcase_add_loop_test(tests, numbers_lead_to_their_futures, 1, 6);
	tcase_add_test(tests, the_socket_is_the_argument_or_the_variable_or_the_usual_place);
	tcase_add_test(tests, a_users_own_socket_is_found);
	tcase_add_test(tests, paths_that_do_not_fit_are_invalid);
	tcase_add_test(tests, a_daemon_that_does_not_accept_is_given_up);
	tcase_add_test(tests, a_socket_that_nobody_listens_on);
	tcase_add_test(tests, a_plain_task_is_a_method);
	tcase_add_test(tests, a_name_that_no_task_can_have_is_no_method);
	tcase_add_test(tests, options_are_told);
	tcase_add_test(tests, what_is_no_json_is_never_written);
	tcase_add_test(tests, requests_are_gathered_until_someone_waits_or_they_are_many);
	tcase_add_test(tests, closing_writes_what_it_can);
	tcase_add_test(tests, a_result_is_the_text_that_came);
	tcase_add_test(tests, results_of_every_length);
	tcase_add_test(tests, replies_find_their_futures_in_any_order);
	tcase_add_test(tests, an_old_request_is_found_among_thousands_of_newer_ones);
	tcase_add_test(tests, a_large_result_arrives_whole);
	tcase_add_test(tests, a_freed_tasks_reply_is_dropped);
	tcase_add_test(tests, a_detached_task_has_an_id_and_then_a_result);
	tcase_add_test(tests, a_detached_task_can_fail_in_each_way);
	tcase_add_test(tests, a_detached_task_is_not_cancelled_by_freeing);
	tcase_add_test(tests, attaching_asks_for_a_result);
	tcase_add_test(tests, any_method_can_be_called);
	tcase_add_test(tests, whether_an_attached_task_runs);
	tcase_add_test(tests, whether_a_detached_task_runs);
	tcase_add_test(tests, an_attached_tasks_id_can_be_asked_for);
	tcase_add_test(tests, cancelling_asks_and_tells_what_came_of_it);
	tcase_add_test(tests, cancelling_what_has_ended);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(client_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
