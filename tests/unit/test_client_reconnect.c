/* The loss of a connection that is made again, at each moment of a request's life: what is written again, what is asked
 * for again, what has ended. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/reconnect.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;
static const struct taskd_options detached = { .detached = true };

static void setup(void)
{
	const struct taskd_connect_options options = { .reconnect_ns = FAKE_PATIENCE };

	fake_begin(&fake);
	c = fake_connect_with(&fake, &options);
}

static void teardown(void)
{
	taskd_close(c);
	fake_end(&fake);
}

static struct taskd_future *submit(const char *task, const struct taskd_options *options)
{
	struct taskd_future *f = taskd_submit(c, task, NULL, options);

	ck_assert_msg(f != NULL, "%s", taskd_future_error(NULL)->message);
	return f;
}

/* The next line that the client writes, which has to be of METHOD; valid until the next. */
static const char *read_line(const char *method)
{
	char wanted[64];

	const char *line = fake_read_from(&fake, c);
	snprintf(wanted, sizeof(wanted), "\"method\":\"%s\"", method);
	ck_assert_msg(strstr(line, wanted) != NULL, "%s: %.200s", wanted, line);
	return line;
}

/* The same of a submission of TASK; its id, and its key in KEY. */
static unsigned long read_submission(const char *task, char key[64])
{
	const char *line = read_line("task.submit");
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "\"task\":\"%s\"", task);
	ck_assert_ptr_nonnull(strstr(line, wanted));
	key[0] = '\0';
	sscanf(fake_member(line, "key"), "\"%63[^\"]", key);
	return fake_id(line);
}

/* Whatever is written behind it comes behind what was there before. */
static void expect_no_more(void)
{
	struct taskd_future *f = taskd_request(c, "server.ping", NULL);

	read_line("server.ping");
	taskd_future_free(f);
}

static void acknowledge(unsigned long id, int task)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"id\":\"%d\",\"state\":\"queued\",\"durability\":\"memory\"}}",
		id, task);
}

static void refuse(unsigned long id, int code, const char *kind)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":%d,\"message\":\"no\",\"data\":{\"kind\":\"%s\"}}}",
		id, code, kind);
}

static void say_result(unsigned long id, int result)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%d}", id, result);
}

static void finish(int task, int result)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"%d\",\"state\":\"succeeded\",\"result\":%d}}",
		task, result);
}

static void expect_result(struct taskd_future *f, const char *result)
{
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), result);
	taskd_future_free(f);
}

static void expect_lost(struct taskd_future *f)
{
	ck_assert(taskd_done(f));
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	taskd_future_free(f);
}

/* The daemon's connection is lost, and there again, as that of a new daemon. */
static void lose(int number)
{
	fake_lose(&fake, c);
	fake_identify(&fake, c, number);
}

/* A detached task that was submitted and acknowledged as TASK by the daemon 1. */
static struct taskd_future *acknowledged(int task)
{
	struct taskd_future *f = submit("fib", &detached);
	char key[64];

	fake_identify(&fake, c, 1);
	acknowledge(read_submission("fib", key), task);
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_OK);
	return f;
}

/* --- keys --- */

START_TEST(submissions_have_keys_of_their_own)
{
	static const struct taskd_options own = { .detached = true, .key = "mine" };
	static const struct taskd_options replace = { .detached = true, .key = "mine", .key_mode = TASKD_KEY_REPLACE };
	char keys[2][64], key[64];

	struct taskd_future *f[] = { submit("a", &detached), submit("b", &detached), submit("c", &own),
		submit("d", &replace) };
	fake_identify(&fake, c, 1);
	read_submission("a", keys[0]);
	ck_assert_ptr_nonnull(strstr(fake.line, "\"key_mode\":\"once\""));
	read_submission("b", keys[1]);
	ck_assert_uint_eq(strlen(keys[0]), 32);
	ck_assert_str_ne(keys[0], keys[1]);
	read_submission("c", key);
	ck_assert_str_eq(key, "mine");
	ck_assert_ptr_null(strstr(fake.line, "key_mode"));
	read_submission("d", key);
	ck_assert_str_eq(key, "mine");
	ck_assert_ptr_nonnull(strstr(fake.line, "\"key_mode\":\"replace\""));
	for (int i = 0; i < 4; i++)
		taskd_future_free(f[i]);
}
END_TEST

START_TEST(what_is_attached_has_no_key)
{
	struct taskd_future *f = submit("fib", NULL);

	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[]}");
	taskd_future_free(f);
}
END_TEST

START_TEST(nothing_is_added_where_a_loss_is_the_end)
{
	struct taskd *plain = fake_connect(&fake);
	struct taskd_future *f = taskd_submit(plain, "fib", NULL, &detached);

	fake_expect(&fake, plain,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"fib\",\"args\":[],\"watch\":true}}");
	fake_close(&fake);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_connection_error(plain), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	taskd_close(plain);
}
END_TEST

START_TEST(what_was_kept_goes_with_the_acknowledgement)
{
	struct taskd_future *f = submit("fib", &detached);
	char key[64];

	ck_assert_ptr_nonnull(f->text);
	fake_identify(&fake, c, 1);
	acknowledge(read_submission("fib", key), 7);
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_ptr_null(f->text);
	finish(7, 55);
	expect_result(f, "55");
}
END_TEST

START_TEST(the_acknowledgement_says_whether_it_is_on_disk)
{
	struct taskd_future *f[] = { submit("a", &detached), submit("b", &detached), taskd_retry(c, "5") };
	char key[64];

	fake_identify(&fake, c, 1);
	acknowledge(read_submission("a", key), 7);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"id\":\"8\",\"state\":\"queued\",\"durability\":\"disk\"}}",
		read_submission("b", key));
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":[{\"id\":\"5\",\"retried_as\":\"9\",\"durability\":\"disk\"}]}",
		fake_id(read_line("task.retry")));
	ck_assert(!taskd_future_durable(f[1]));
	fake_answered(&fake, c);
	ck_assert(!taskd_future_durable(f[0]));
	ck_assert(taskd_future_durable(f[1]));
	ck_assert(taskd_future_durable(f[2]));
	ck_assert(!taskd_future_durable(NULL));
	for (int i = 0; i < 3; i++)
		taskd_future_free(f[i]);
}
END_TEST

/* --- not written --- */

START_TEST(what_was_not_written_goes_to_the_next_connection)
{
	static const struct taskd_batch_task tasks[] = { { .task = "x" }, { .task = "y", .options = { .key = "k" } } };
	static const struct taskd_options own = { .detached = true, .key = "mine" };
	struct taskd_future *batch[2], *attached = submit("fib", NULL), *f = submit("a", &own), *dropped;
	char key[64];

	struct taskd_future *request = taskd_request(c, "queue.list", NULL), *again = taskd_retry(c, "5");
	struct taskd_future *old = taskd_attach(c, "9");
	ck_assert_int_eq(taskd_submit_batch(c, tasks, 2, batch), TASKD_OK);
	dropped = submit("dropped", NULL);
	taskd_future_free(submit("forgotten", &detached));
	fake_close(&fake); /* and so it cannot be written */
	taskd_future_free(dropped);
	ck_assert(!taskd_done(attached));
	lose(1);

	unsigned long fib = fake_id(read_line("fib")), a = read_submission("a", key);
	ck_assert_str_eq(key, "mine");
	unsigned long list = fake_id(read_line("queue.list"));
	read_line("task.retry");
	read_line("task.submit_batch");
	ck_assert_ptr_nonnull(strstr(fake.line, "\"task\":\"x\""));
	read_submission("forgotten", key);
	fake_answered(&fake, c); /* only now it is known that the ids are good */
	unsigned long nine = fake_id(read_line("task.result"));
	expect_no_more();
	say_result(fib, 1);
	acknowledge(a, 2);
	finish(2, 2);
	say_result(list, 3);
	say_result(nine, 4);
	expect_result(attached, "1");
	expect_result(f, "2");
	expect_result(request, "3");
	expect_result(old, "4");
	taskd_future_free(again);
	for (int i = 0; i < 2; i++)
		taskd_future_free(batch[i]);
}
END_TEST

/* Descriptors of the first go nowhere, those of the second with it: N of them. */
START_TEST(descriptors_go_with_what_was_not_written)
{
	static const char *const argv[] = { "true", NULL };
	const int in[] = { STDIN_FILENO, -1, -1 }, both[] = { STDIN_FILENO, STDOUT_FILENO, -1 };
	const struct taskd_command one = { .argv = argv, .cwd = "/", .clean_env = true, .fds = in };
	const struct taskd_command two = { .argv = argv, .cwd = "/", .clean_env = true, .fds = both };
	int fds[3];

	struct taskd_future *sent = taskd_exec(c, &one, &detached);
	read_line("task.submit");
	ck_assert_ptr_null(strstr(fake.line, "\"key\""));
	struct taskd_future *dropped = taskd_exec(c, &one, NULL), *f = taskd_exec(c, &two, &detached);
	fake_close(&fake);
	taskd_future_free(dropped);
	lose(1);
	expect_lost(sent);
	read_line("task.submit");
	ck_assert_uint_eq(fake_fds(&fake, fds), 2);
	close(fds[0]);
	close(fds[1]);
	expect_no_more();
	taskd_future_free(f);
}
END_TEST

/* What is left of it may look like a request: the line is full of such, and is cut at a place that depends on what is in
 * front of them. The second is not begun. */
#define ELEMENT "{\"jsonrpc\":\"2.0\",\"id\":2}"
#define ELEMENTS 5000

static char *full_of_requests(int shift)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_printf(&text, "[%*s1", shift, "");
	for (int i = 0; i < ELEMENTS; i++)
		strbuf_puts(&text, "," ELEMENT);
	strbuf_puts(&text, "]");
	return strbuf_take(&text, NULL);
}

START_TEST(half_a_line_is_written_again_as_a_whole)
{
	char *args = full_of_requests(_i / 2), before[64], after[64], room[4000];
	bool much = _i % 2; /* so that the client has thrown away what it has written */
	int little = 4096;

	ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
	struct taskd_future *big = taskd_submit(c, "big", args, &detached);
	ck_assert_ptr_nonnull(big);
	struct taskd_future *small = submit("small", &detached), *attached = submit("attached", NULL);
	ck_assert_int_eq(taskd_flush(c, 0), TASKD_E_TIMEOUT); /* the socket takes no more */
	do {
		ck_assert_int_gt(recv(fake.fd, room, sizeof(room), 0), 0);
		ck_assert_int_eq(taskd_flush(c, 0), TASKD_E_TIMEOUT);
	} while (much && c->out_start > 0);
	lose(1);
	read_submission("big", before);
	ck_assert_uint_eq(strlen(before), 32);
	ck_assert_uint_gt(strlen(fake.line), strlen(args));
	read_submission("small", after);
	ck_assert_uint_eq(strlen(after), 32);
	ck_assert_str_ne(before, after);
	say_result(fake_id(read_line("attached")), 5);
	expect_result(attached, "5");
	expect_no_more();
	taskd_future_free(big);
	taskd_future_free(small);
	free(args);
}
END_TEST

/* --- written, not answered --- */

START_TEST(what_was_not_acknowledged_is_submitted_again_with_its_key)
{
	struct taskd_future *f[2] = { submit("a", &detached), submit("b", &detached) };
	char keys[2][64], again[64];
	unsigned long ids[2];

	fake_identify(&fake, c, 1);
	read_submission("a", keys[0]);
	read_submission("b", keys[1]);
	for (int round = 2; round < 5; round++) {
		lose(round);
		ids[0] = read_submission("a", again);
		ck_assert_str_eq(again, keys[0]);
		ids[1] = read_submission("b", again);
		ck_assert_str_eq(again, keys[1]);
		expect_no_more();
	}
	for (int i = 0; i < 2; i++) {
		fake_say(&fake,
			"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"id\":\"%d\",\"state\":\"running\",\"duplicate\":true}}",
			ids[i], 70 + i);
		finish(70 + i, i);
	}
	expect_result(f[0], "0");
	expect_result(f[1], "1");
}
END_TEST

START_TEST(a_key_of_the_users_is_used_again_where_its_mode_allows_it)
{
	char key[64];
	struct taskd_future *f[4];

	for (int mode = TASKD_KEY_REJECT; mode <= TASKD_KEY_ONCE; mode++) {
		const struct taskd_options options = {
			.detached = true, .key = "mine", .key_mode = (enum taskd_key_mode)mode
		};
		f[mode] = submit("a", &options);
	}
	fake_identify(&fake, c, 1);
	for (int i = 0; i < 4; i++)
		read_submission("a", key);
	lose(2);
	expect_lost(f[TASKD_KEY_REJECT]);
	expect_lost(f[TASKD_KEY_REPLACE]);
	read_submission("a", key);
	ck_assert_ptr_nonnull(strstr(fake.line, "\"key\":\"mine\",\"key_mode\":\"attach\""));
	read_submission("a", key);
	ck_assert_ptr_nonnull(strstr(fake.line, "\"key\":\"mine\",\"key_mode\":\"once\""));
	expect_no_more();
	taskd_future_free(f[TASKD_KEY_ATTACH]);
	taskd_future_free(f[TASKD_KEY_ONCE]);
}
END_TEST

START_TEST(a_batch_is_submitted_again)
{
	static const char *const after[] = { "one" };
	static const struct taskd_batch_task tasks[] = { { .label = "one", .task = "x" },
		{ .task = "y", .args = "[\n1]", .options = { .after = after, .n_after = 1 } } };
	static const struct taskd_batch_task rejecting[] = { { .task = "x" },
		{ .task = "y", .options = { .key = "k" } } };
	struct taskd_future *f[2], *g[2];
	char *before;

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 2, f), TASKD_OK);
	ck_assert_int_eq(taskd_submit_batch(c, rejecting, 2, g), TASKD_OK);
	fake_identify(&fake, c, 1);
	before = strdup(strstr(read_line("task.submit_batch"), "method"));
	ck_assert_ptr_nonnull(strstr(before, "\"key_mode\":\"once\""));
	read_line("task.submit_batch");
	lose(2);
	expect_lost(g[0]);
	expect_lost(g[1]);
	read_line("task.submit_batch");
	ck_assert_str_eq(strstr(fake.line, "method"), before);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"tasks\":[{\"id\":\"3\",\"state\":\"queued\",\"durability\":\"disk\"},"
		"{\"id\":\"4\",\"state\":\"blocked\",\"durability\":\"disk\"}]}}",
		fake_id(fake.line));
	finish(3, 30);
	finish(4, 40);
	expect_no_more();
	ck_assert_int_eq(taskd_acknowledged(f[0], FAKE_PATIENCE), TASKD_OK);
	ck_assert(taskd_future_durable(f[0]));
	expect_result(f[0], "30");
	expect_result(f[1], "40");
	free(before);
}
END_TEST

START_TEST(a_retry_is_asked_for_again)
{
	struct taskd_future *f = taskd_retry(c, "5");

	fake_identify(&fake, c, 1);
	read_line("task.retry");
	lose(1);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":[{\"id\":\"5\",\"retried_as\":\"6\"}]}",
		fake_id(read_line("task.retry")));
	fake_answered(&fake, c);
	read_line("task.result");
	ck_assert_ptr_nonnull(strstr(fake.line, "{\"id\":\"6\"}"));
	say_result(fake_id(fake.line), 8);
	expect_result(f, "8");
}
END_TEST

START_TEST(what_belongs_to_the_connection_ends_with_it)
{
	struct taskd_future *attached = submit("fib", NULL), *request = taskd_request(c, "queue.list", NULL);
	struct taskd_future *lock = taskd_request(c, "lock.acquire", "{\"name\":\"x\"}");

	read_line("fib");
	read_line("queue.list");
	read_line("lock.acquire");
	fake_lose(&fake, c);
	expect_lost(attached);
	expect_lost(request);
	expect_lost(lock);
	fake_identify(&fake, c, 1);
	expect_no_more();
}
END_TEST

static void grant_to(unsigned long id)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"fence\":17,\"value\":1,\"receipt\":\"1\"}}", id);
}

/* The answer had come, but whom it was for has not yet heard of it. */
START_TEST(what_was_granted_is_gone_with_the_connection)
{
	static const struct taskd_mq_get_options with_ack = { .ack = true };
	struct taskd_grant grant = { .fence = 1 };
	struct taskd_message message;

	c->reconnect->lost_ends = UINT64_MAX; /* as if it had been lost since */
	grant_to(1);
	ck_assert_int_eq(taskd_lock_acquire(c, "x", NULL, 0, &grant), TASKD_E_DISCONNECTED);
	ck_assert_uint_eq(grant.fence, 0);
	grant_to(2);
	ck_assert_int_eq(taskd_mq_get(c, "x", &with_ack, 0, &message), TASKD_E_DISCONNECTED);
	c->reconnect->lost_ends = 0;
	grant_to(3);
	ck_assert_int_eq(taskd_lock_acquire(c, "x", NULL, 0, &grant), TASKD_OK);
	ck_assert_uint_eq(grant.fence, 17);
}
END_TEST

/* An item that was sent and not answered ends the map. */
static const char *next_item(void *user, size_t *length)
{
	int *left = user;

	(void)length;
	if (--*left == 0)
		fake_close(&fake);
	return *left >= 0 ? "1" : NULL;
}

static bool take_result(
	void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	(void)user;
	(void)index;
	(void)result;
	(void)length;
	(void)failure;
	ck_abort_msg("no item has an outcome");
}

START_TEST(a_map_ends_with_the_connection)
{
	const struct taskd_map_options options = { .in_flight = 64 << 10 };
	int left = 20000; /* some are written, others are not */

	ck_assert_int_eq(
		taskd_map(c, "fib", next_item, take_result, &left, &options, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	fake_lose(&fake, c);
	fake_identify(&fake, c, 1);
	expect_no_more();
}
END_TEST

START_TEST(what_nobody_holds_is_submitted_again_too)
{
	char before[64], after[64];

	taskd_future_free(submit("fib", &detached));
	fake_identify(&fake, c, 1);
	read_submission("fib", before);
	lose(2);
	acknowledge(read_submission("fib", after), 3);
	ck_assert_str_eq(before, after);
	finish(3, 1);
	fake_answered(&fake, c);
	ck_assert_uint_eq(c->requests.count + c->tasks.count, 0);
}
END_TEST

/* --- acknowledged --- */

START_TEST(an_acknowledged_task_is_asked_for_by_its_id)
{
	struct taskd_future *f = acknowledged(17);

	for (int i = 0; i < 3; i++) {
		lose(1);
		fake_answered(&fake, c);
		read_line("task.result");
		ck_assert_ptr_nonnull(strstr(fake.line, "{\"id\":\"17\"}"));
		ck_assert_str_eq(taskd_future_id(f), "17");
	}
	say_result(fake_id(fake.line), 55);
	expect_no_more();
	expect_result(f, "55");
}
END_TEST

START_TEST(one_that_the_daemon_does_not_know_has_failed)
{
	struct taskd_future *f = acknowledged(17);

	lose(1);
	fake_answered(&fake, c);
	refuse(fake_id(read_line("task.result")), -32005, "not_found");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_NOT_FOUND);
	taskd_future_free(f);
}
END_TEST

START_TEST(another_daemons_task_of_the_same_id_is_not_taken_for_it)
{
	struct taskd_future *f = acknowledged(17), *g = submit("new", &detached);
	char key[64];

	read_submission("new", key);
	lose(2);
	acknowledge(read_submission("new", key), 17);
	finish(17, 99);
	expect_result(g, "99");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_FORGOTTEN);
	expect_no_more();
	taskd_future_free(f);
}
END_TEST

/* Whoever has the same store has its ids. */
START_TEST(a_store_outlives_the_daemon)
{
	static const char *const second[] = { "{\"state\":\"loading\",\"directory\":\"/x\"}",
		"{\"state\":\"ok\",\"directory\":\"/y\"}", "{\"state\":\"none\"}" };
	struct taskd_future *f = submit("fib", &detached);
	char key[64];

	for (int daemon = 1; daemon <= 2; daemon++) {
		if (daemon == 2)
			fake_lose(&fake, c);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"pid\":%d,\"store\":%s}}",
			fake_id(read_line("server.info")), daemon,
			daemon == 1 ? "{\"state\":\"ok\",\"directory\":\"/x\"}" : second[_i]);
		if (daemon == 1)
			acknowledge(read_submission("fib", key), 17);
		fake_answered(&fake, c);
	}
	if (_i == 0) {
		say_result(fake_id(read_line("task.result")), 3);
		expect_result(f, "3");
	} else {
		ck_assert_int_eq(taskd_result(f, 0), TASKD_E_FORGOTTEN);
		taskd_future_free(f);
		expect_no_more();
	}
}
END_TEST

START_TEST(a_result_that_was_on_its_way_is_asked_for)
{
	struct taskd_future *f = acknowledged(17);

	fake_write(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"task.fin", 36);
	lose(1);
	fake_answered(&fake, c);
	say_result(fake_id(read_line("task.result")), 4);
	expect_result(f, "4");
}
END_TEST

START_TEST(a_result_that_has_come_is_the_result)
{
	struct taskd_future *f = acknowledged(17);

	finish(17, 6);
	lose(1);
	fake_answered(&fake, c);
	expect_no_more();
	expect_result(f, "6");
}
END_TEST

START_TEST(several_futures_of_one_task_go_on)
{
	static const struct taskd_options keyed = { .detached = true, .key = "k", .key_mode = TASKD_KEY_ONCE };
	struct taskd_future *f[3];
	char key[64];

	for (int i = 0; i < 3; i++)
		f[i] = submit("fib", &keyed);
	fake_identify(&fake, c, 1);
	for (int i = 0; i < 3; i++)
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"id\":\"17\",\"state\":\"queued\"%s}}",
			read_submission("fib", key), i > 0 ? ",\"duplicate\":true" : "");
	fake_answered(&fake, c);
	taskd_future_free(f[1]);
	lose(1);
	fake_answered(&fake, c);
	for (int i = 0; i < 2; i++)
		say_result(fake_id(read_line("task.result")), 4);
	expect_no_more();
	expect_result(f[0], "4");
	expect_result(f[2], "4");
}
END_TEST

START_TEST(what_is_adrift_fails_with_the_connection)
{
	struct taskd_future *f = acknowledged(17);

	fake_lose(&fake, c); /* and nobody says which daemon it is now */
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_TIMEOUT);
	taskd_close(c);
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
	c = NULL;
}
END_TEST

#define MANY 100000
#define ROUND 100 /* so many answers at a time: the socket has no room for more */

static void count_done(struct taskd_future *f, void *user)
{
	size_t *count = user;

	*count += taskd_future_result(f, NULL) != NULL;
}

/* Quadratic, this would be minutes. */
START_TEST(a_hundred_thousand_futures_go_on)
{
	struct taskd_future **f = calloc(MANY, sizeof(struct taskd_future *));
	size_t done = 0, bad = 0;
	char key[64];

	for (int i = 0; i < MANY; i++) {
		f[i] = submit("fib", &detached);
		taskd_add_done_callback(f[i], count_done, &done);
		if (i == 0)
			fake_identify(&fake, c, 1);
		if (i % ROUND != ROUND - 1)
			continue;
		for (int id = i + 2 - ROUND; id <= i + 1; id++)
			acknowledge(read_submission("fib", key), id);
		while (taskd_dispatch(c, 0) == TASKD_OK)
			;
	}
	fake_answered(&fake, c);
	lose(1);
	fake_answered(&fake, c);
	for (int i = 0; i < MANY; i++) {
		const char *line = fake_read_from(&fake, c);
		bad += strstr(line, "task.result") == NULL;
		say_result(fake_id(line), 1);
		if (i % ROUND == ROUND - 1)
			while (taskd_dispatch(c, 0) == TASKD_OK)
				;
	}
	fake_answered(&fake, c);
	ck_assert_uint_eq(bad, 0);
	ck_assert_uint_eq(done, MANY);
	for (int i = 0; i < MANY; i++)
		taskd_future_free(f[i]);
	free(f);
}
END_TEST

/* --- a daemon that stops --- */

START_TEST(what_a_stopping_daemon_refuses_waits_for_the_next)
{
	static const struct taskd_options own = { .detached = true, .key = "mine" };
	static const struct taskd_batch_task tasks[] = { { .task = "x" }, { .task = "y", .options = { .key = "k" } } };
	struct taskd_future *f[] = { submit("a", &detached), submit("b", &own), taskd_attach(c, "9"),
		taskd_retry(c, "5") };
	struct taskd_future *batch[2], *attached = submit("fib", NULL);
	char keys[2][64], again[64];

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 2, batch), TASKD_OK);
	fake_identify(&fake, c, 1);
	refuse(read_submission("a", keys[0]), -32010, "shutting_down");
	refuse(read_submission("b", keys[1]), -32010, "shutting_down");
	refuse(fake_id(read_line("task.result")), -32010, "shutting_down");
	refuse(fake_id(read_line("task.retry")), -32010, "shutting_down");
	refuse(fake_id(read_line("fib")), -32010, "shutting_down");
	refuse(fake_id(read_line("task.submit_batch")), -32010, "shutting_down");
	fake_answered(&fake, c);
	ck_assert_int_eq(taskd_result(attached, 0), TASKD_E_UNAVAILABLE);
	for (int i = 0; i < 4; i++)
		ck_assert(!taskd_done(f[i]));
	lose(1);
	read_submission("a", again);
	ck_assert_str_eq(again, keys[0]);
	read_submission("b", again);
	ck_assert_str_eq(again, "mine");
	read_line("task.retry");
	read_line("task.submit_batch");
	fake_answered(&fake, c);
	read_line("task.result");
	expect_no_more();
	for (int i = 0; i < 4; i++)
		taskd_future_free(f[i]);
	for (int i = 0; i < 2; i++)
		taskd_future_free(batch[i]);
	taskd_future_free(attached);
}
END_TEST

START_TEST(another_refusal_is_final)
{
	struct taskd_future *f = submit("a", &detached);
	char key[64];

	fake_identify(&fake, c, 1);
	refuse(read_submission("a", key), -32007, "queue_full");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_QUEUE_FULL);
	taskd_future_free(f);
	lose(1);
	expect_no_more();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: reconnecting");
	TCase *tests = tcase_create("moments");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, submissions_have_keys_of_their_own);
	tcase_add_test(tests, what_is_attached_has_no_key);
	tcase_add_test(tests, nothing_is_added_where_a_loss_is_the_end);
	tcase_add_test(tests, what_was_kept_goes_with_the_acknowledgement);
	tcase_add_test(tests, the_acknowledgement_says_whether_it_is_on_disk);
	tcase_add_test(tests, what_was_not_written_goes_to_the_next_connection);
	tcase_add_test(tests, descriptors_go_with_what_was_not_written);
	tcase_add_loop_test(tests, half_a_line_is_written_again_as_a_whole, 0, 2 * sizeof(ELEMENT));
	tcase_add_test(tests, what_was_not_acknowledged_is_submitted_again_with_its_key);
	tcase_add_test(tests, a_key_of_the_users_is_used_again_where_its_mode_allows_it);
	tcase_add_test(tests, a_batch_is_submitted_again);
	tcase_add_test(tests, a_retry_is_asked_for_again);
	tcase_add_test(tests, what_belongs_to_the_connection_ends_with_it);
	tcase_add_test(tests, what_was_granted_is_gone_with_the_connection);
	tcase_add_test(tests, a_map_ends_with_the_connection);
	tcase_add_test(tests, what_nobody_holds_is_submitted_again_too);
	tcase_add_test(tests, an_acknowledged_task_is_asked_for_by_its_id);
	tcase_add_test(tests, one_that_the_daemon_does_not_know_has_failed);
	tcase_add_test(tests, another_daemons_task_of_the_same_id_is_not_taken_for_it);
	tcase_add_loop_test(tests, a_store_outlives_the_daemon, 0, 3);
	tcase_add_test(tests, a_result_that_was_on_its_way_is_asked_for);
	tcase_add_test(tests, a_result_that_has_come_is_the_result);
	tcase_add_test(tests, several_futures_of_one_task_go_on);
	tcase_add_test(tests, what_is_adrift_fails_with_the_connection);
	tcase_add_test(tests, a_hundred_thousand_futures_go_on);
	tcase_add_test(tests, what_a_stopping_daemon_refuses_waits_for_the_next);
	tcase_add_test(tests, another_refusal_is_final);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
