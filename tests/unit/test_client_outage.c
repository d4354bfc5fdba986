/* While there is no connection: who waits, dispatches and flushes meanwhile, a caller's own loop, the end of the time for
 * it; and what goes on by itself once it is there again, watches and follows. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "client/reconnect.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;
static const struct taskd_options detached = { .detached = true };

/* What was told, a word each. */
static char told[4096];
static unsigned lost, made;
static int64_t last_ns; /* what was told of the time since the loss */

static void note(const char *word)
{
	strncat(told, word, sizeof(told) - strlen(told) - 1);
}

static void reconnecting(void *user, bool connected, int64_t lost_ns)
{
	ck_assert_ptr_eq(user, &fake);
	if (!connected && lost == 0)
		ck_assert_int_eq(lost_ns, 0);
	else
		ck_assert_int_ge(lost_ns, last_ns);
	last_ns = lost_ns;
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_INVALID); /* as in any callback */
	if (connected)
		made++;
	else
		lost++;
}

static void connect_for(int64_t reconnect_ns)
{
	const struct taskd_connect_options options = {
		.reconnect_ns = reconnect_ns,
		.reconnecting = reconnecting,
		.user = &fake,
	};

	c = fake_connect_with(&fake, &options);
}

static void setup(void)
{
	fake_begin(&fake);
	connect_for(FAKE_PATIENCE);
	told[0] = '\0';
	lost = made = 0;
}

/* With so little time that it is over at once. */
static void setup_short(void)
{
	fake_begin(&fake);
	connect_for(TASKD_MS);
	lost = made = 0;
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

static unsigned long read_request(const char *method)
{
	char wanted[64];
	const char *line = fake_read_from(&fake, c);

	snprintf(wanted, sizeof(wanted), "\"method\":\"%s\"", method);
	ck_assert_msg(strstr(line, wanted) != NULL, "%s: %s", wanted, line);
	return fake_id(line);
}

static void say_result(unsigned long id, const char *result)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%s}", id, result);
}

/* The loss is noticed, and the first attempt has failed. */
static void be_lost(void)
{
	unsigned before = lost;

	while (lost < before + 2)
		ck_assert_int_eq(taskd_dispatch(c, TASKD_MS), TASKD_E_TIMEOUT);
}

/* --- the outage --- */

/* Where the socket is gone, and where nobody listens at it. */
START_TEST(it_is_tried_until_the_daemon_is_there_again)
{
	struct taskd_future *f = submit("fib", &detached);

	fake_leave(&fake, _i);
	for (int i = 0; i < 2; i++)
		be_lost();
	ck_assert_uint_eq(made, 0);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	struct taskd_future *g = submit("later", NULL);
	ck_assert_int_eq(taskd_flush(c, TASKD_MS), TASKD_E_TIMEOUT);
	ck_assert_int_eq(taskd_result(f, TASKD_MS), TASKD_E_TIMEOUT);
	ck_assert(!taskd_wants_write(c));
	fake_return(&fake);
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_uint_eq(made, 0);
	fake_accept(&fake);
	fake_identify(&fake, c, 1);
	fake_answered(&fake, c);
	ck_assert_uint_eq(made, 1);
	read_request("task.submit");
	say_result(read_request("later"), "1");
	ck_assert_int_eq(taskd_result(g, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

START_TEST(the_pauses_are_from_10_ms_to_1_s)
{
	int64_t least = INT64_MAX, most = 0, first = 0;

	fake_leave(&fake, true);
	be_lost();
	/* As if each pause had passed: what counts is how long it would be. */
	for (int i = 0; i < 200; i++) {
		unsigned before = lost;
		int64_t from = now_ns();
		c->reconnect->try_ns = from;
		while (lost == before)
			taskd_dispatch(c, 0);
		int64_t pause = c->reconnect->try_ns - from;
		first = i == 0 ? pause : first;
		least = pause < least ? pause : least;
		most = c->reconnect->try_ns - now_ns() > most ? c->reconnect->try_ns - now_ns() : most;
	}
	ck_assert_int_ge(least, 10 * TASKD_MS);
	ck_assert_int_lt(first, most);
	ck_assert_int_gt(most, TASKD_SECOND / 2);
	ck_assert_int_le(most, TASKD_SECOND);
}
END_TEST

START_TEST(the_time_for_it_ends)
{
	struct taskd_future *f = submit("fib", &detached), *g = submit("fib", NULL);
	enum taskd_error error = TASKD_OK;

	fake_leave(&fake, true);
	while (!error || error == TASKD_E_TIMEOUT)
		error = taskd_dispatch(c, TASKD_SECOND);
	ck_assert_int_eq(error, TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_E_DISCONNECTED);
	ck_assert_ptr_nonnull(strstr(taskd_future_error(NULL)->message, "could not be reached again: No such file"));
	ck_assert_int_eq(taskd_result(f, 0), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_result(g, 0), TASKD_E_DISCONNECTED);
	ck_assert_ptr_null(taskd_submit(c, "fib", NULL, NULL));
	struct pollfd loop = { .fd = taskd_fd(c), .events = POLLIN };
	ck_assert_int_eq(poll(&loop, 1, 0), 1); /* for those who have not heard of it */
	taskd_future_free(f);
	taskd_future_free(g);
}
END_TEST

START_TEST(what_is_noticed_late_is_tried_all_the_same)
{
	fake_leave(&fake, true);
	while (lost == 0)
		taskd_dispatch(c, 0);
	c->reconnect->try_ns = c->reconnect->until_ns = now_ns() - TASKD_SECOND; /* nobody was here for long */
	fake_return(&fake);
	ck_assert_int_eq(taskd_dispatch(c, TASKD_MS), TASKD_E_TIMEOUT);
	ck_assert_int_ge(c->fd, 0);
	fake_accept(&fake);
}
END_TEST

START_TEST(a_daemon_that_ends_each_connection_is_given_up)
{
	struct taskd_future *f = submit("fib", &detached);
	struct pollfd coming = { .fd = fake.listener, .events = POLLIN };
	enum taskd_error error = TASKD_OK;

	while (!error || error == TASKD_E_TIMEOUT) {
		fake_close(&fake);
		error = taskd_dispatch(c, TASKD_MS);
		if (poll(&coming, 1, 0) == 1)
			fake_accept(&fake);
	}
	ck_assert_int_eq(error, TASKD_E_DISCONNECTED);
	ck_assert_uint_ge(c->reconnect->losses, 2);
	taskd_future_free(f);
}
END_TEST

START_TEST(a_stopping_daemon_that_stays_has_refused)
{
	const char *answer = "{\"code\":-32010,\"message\":\"it stops\",\"data\":{\"kind\":\"shutting_down\"}}";
	static const struct taskd_batch_task tasks[] = { { .task = "x" }, { .task = "y" } };
	struct taskd_future *f[3];

	f[0] = submit("fib", &detached);
	ck_assert_int_eq(taskd_submit_batch(c, tasks, 2, f + 1), TASKD_OK);
	fake_identify(&fake, c, 1);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":%s}", read_request("task.submit"), answer);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":%s}", read_request("task.submit_batch"), answer);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(taskd_result(f[i], FAKE_PATIENCE), TASKD_E_UNAVAILABLE);
		ck_assert_str_eq(taskd_future_error(f[i])->message, "it stops");
		taskd_future_free(f[i]);
	}
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
}
END_TEST

START_TEST(nonsense_is_the_end)
{
	fake_say(&fake, "hello");
	taskd_dispatch(c, FAKE_PATIENCE);
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_E_PROTOCOL);
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(it_can_be_closed_meanwhile)
{
	struct taskd_future *f = submit("fib", &detached);

	fake_leave(&fake, true);
	be_lost();
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
}
END_TEST

START_TEST(a_forked_child_leaves_it_alone)
{
	int status;

	fake_leave(&fake, true);
	be_lost();
	pid_t child = fork();
	if (child == 0) {
		bool refused = taskd_dispatch(c, 0) == TASKD_E_INVALID && taskd_fd(c) == -1;
		taskd_close(c);
		_exit(refused ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	fake_return(&fake);
	fake_lose(&fake, c);
	ck_assert_int_ge(c->fd, 0);
}
END_TEST

START_TEST(it_is_not_tried_at_the_first_time)
{
	const struct taskd_connect_options options = { .reconnect_ns = FAKE_PATIENCE };

	fake_leave(&fake, true);
	ck_assert_ptr_null(taskd_connect(fake.path, &options));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_CONNECT);
	ck_assert_ptr_null(taskd_connect("", &options));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
}
END_TEST

/* --- a loop of one's own --- */

static int ready(int loop)
{
	struct pollfd fds = { .fd = loop, .events = POLLIN };

	return poll(&fds, 1, 0);
}

/* A loop that registered the descriptor once, as epoll(7) has it, and waits for nothing but reading. */
START_TEST(the_descriptor_stays_the_same)
{
	int fd = taskd_fd(c), loop = epoll_create1(EPOLL_CLOEXEC), turns = 0;
	struct epoll_event event = { .events = EPOLLIN };
	struct taskd_future *f = submit("fib", &detached);

	ck_assert_int_eq(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event), 0);
	fake_leave(&fake, true);
	for (; lost == 0 || c->fd < 0; turns++) {
		if (lost >= 4 && fake.listener < 0)
			fake_return(&fake);
		taskd_wants_write(c);
		ck_assert_int_eq(epoll_wait(loop, &event, 1, (int)(FAKE_PATIENCE / TASKD_MS)), 1);
		ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_TIMEOUT);
	}
	ck_assert_int_lt(turns, 100); /* it slept in between */
	ck_assert_int_eq(taskd_fd(c), fd);
	fake_accept(&fake);
	ck_assert_ptr_nonnull(strstr(fake_read(&fake), "server.info"));
	ck_assert_ptr_nonnull(strstr(fake_read(&fake), "task.submit"));
	ck_assert_int_eq(ready(loop), 0);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":1,\"message\":\"no\"}}",
		fake_id(fake.line));
	ck_assert_int_eq(ready(loop), 1);
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_OK);
	ck_assert(taskd_done(f));
	ck_assert_int_eq(ready(loop), 0);
	taskd_future_free(f);
	close(loop);
}
END_TEST

START_TEST(the_descriptor_tells_of_room_to_write)
{
	int fd = taskd_fd(c);
	struct taskd_future *f = submit("fib", NULL);

	ck_assert_int_eq(ready(fd), 0);
	ck_assert(taskd_wants_write(c));
	ck_assert_int_eq(ready(fd), 1);
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(ready(fd), 0);
	ck_assert(!taskd_wants_write(c));
	say_result(read_request("fib"), "5");
	ck_assert_int_eq(ready(fd), 1);
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_OK);
	taskd_future_free(f);
}
END_TEST

/* Who has the old socket, too, is told nothing of it. */
START_TEST(a_forked_child_does_not_keep_the_descriptor_readable)
{
	int fd = taskd_fd(c), hold[2], status;
	char byte;

	ck_assert_int_eq(pipe(hold), 0);
	pid_t child = fork();
	if (child == 0) {
		close(hold[1]);
		close(fake.fd); /* the client's end is what it is about */
		_exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	fake_lose(&fake, c);
	fake_answered(&fake, c);
	fake_identify(&fake, c, 1);
	fake_answered(&fake, c);
	ck_assert_int_eq(ready(fd), 0);
	close(hold[1]);
	close(hold[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
}
END_TEST

/* --- what goes on --- */

static void note_event(void *user, const struct taskd_event *event)
{
	char word[64];

	(void)user;
	snprintf(word, sizeof(word), "%s:%s:%llu ", event->name, event->id ? event->id : "",
		(unsigned long long)event->missed);
	note(word);
}

static void say_event(int watch, int task)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":{\"watch\":\"%d\",\"event\":\"queued\",\"at\":\"now\","
		"\"task\":{\"id\":\"%d\"}}}",
		watch, task);
}

START_TEST(a_watch_goes_on_and_tells_of_the_gap)
{
	struct taskd_watch *watch = taskd_watch(c, "{\"tag\":\"x\"}", note_event, NULL);
	struct taskd_watch *other = taskd_watch(c, NULL, note_event, NULL);

	say_result(read_request("task.watch"), "{\"watch\":\"1\"}");
	read_request("task.watch");
	fake_answered(&fake, c);
	taskd_unwatch(other); /* before it was answered */
	say_event(1, 17);
	fake_answered(&fake, c);
	fake_lose(&fake, c);
	fake_identify(&fake, c, 1);
	say_event(1, 18); /* another's, or nobody's: it has no number yet */
	unsigned long id = read_request("task.watch");
	ck_assert_ptr_nonnull(strstr(fake.line, "{\"tag\":\"x\"}"));
	fake_answered(&fake, c);
	say_result(id, "{\"watch\":\"4\"}");
	say_event(4, 19);
	fake_answered(&fake, c);
	ck_assert_str_eq(told, "begin::0 queued:17:0 missed::0 queued:19:0 ");
	taskd_unwatch(watch);
	read_request("task.unwatch");
	ck_assert_ptr_nonnull(strstr(fake.line, "\"4\""));
}
END_TEST

START_TEST(a_watch_that_is_refused_then_has_ended)
{
	struct taskd_watch *watch = taskd_watch(c, "{\"ids\":[\"17\"]}", note_event, NULL);

	say_result(read_request("task.watch"), "{\"watch\":\"1\"}");
	fake_answered(&fake, c);
	fake_lose(&fake, c);
	fake_identify(&fake, c, 1);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":-32005,\"message\":\"no\"}}",
		read_request("task.watch"));
	fake_answered(&fake, c);
	ck_assert_str_eq(told, "begin::0 end::0 ");
	taskd_unwatch(watch);
}
END_TEST

/* Its end is of the connection that it was on. */
START_TEST(what_is_not_watched_any_more_is_not_watched_again)
{
	struct taskd_watch *watch = taskd_watch(c, NULL, note_event, NULL);

	say_result(read_request("task.watch"), "{\"watch\":\"1\"}");
	fake_answered(&fake, c);
	fake_close(&fake);
	taskd_unwatch(watch);
	fake_lose(&fake, c);
	fake_identify(&fake, c, 1);
	struct taskd_future *f = submit("fib", NULL);
	read_request("fib");
	taskd_future_free(f);
}
END_TEST

static void note_output(void *user, const struct taskd_output *output)
{
	char word[64];

	(void)user;
	if (output->stream)
		snprintf(word, sizeof(word), "%llu:%s ", (unsigned long long)output->offset, output->data);
	else
		snprintf(word, sizeof(word), "end:%s ", output->state ? output->state : "-");
	note(word);
}

static void say_output(int follow, int offset, const char *data)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.output\",\"params\":{\"follow\":\"%d\",\"stream\":\"stdout\",\"offset\":%d,"
		"\"data\":\"%s\"}}",
		follow, offset, data);
}

/* As far as it was not over meanwhile. */
START_TEST(a_follow_goes_on)
{
	static const char *const ends[] = { NULL, "{\"kind\":\"not_running\",\"state\":\"crashed\"}",
		"{\"kind\":\"forgotten\"}" };
	static const char *const expected[] = { "0:a 7:b ", "0:a end:crashed ", "0:a end:- " };

	say_result(1, "{\"follow\":\"1\",\"stdout\":0,\"stderr\":0}");
	struct taskd_follow *follow = taskd_follow(c, "17", note_output, NULL, NULL, FAKE_PATIENCE);
	ck_assert_ptr_nonnull(follow);
	read_request("task.follow");
	say_output(1, 0, "a");
	fake_answered(&fake, c);
	fake_lose(&fake, c);
	fake_identify(&fake, c, 1);
	unsigned long id = read_request("task.follow");
	if (ends[_i])
		fake_say(&fake,
			"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":-32026,\"message\":\"no\",\"data\":%s}}",
			id, ends[_i]);
	else
		say_result(id, "{\"follow\":\"3\",\"stdout\":7,\"stderr\":0}");
	if (!ends[_i])
		say_output(3, 7, "b");
	fake_answered(&fake, c);
	ck_assert_str_eq(told, expected[_i]);
	taskd_unfollow(follow);
}
END_TEST

/* What asks a question about a task, and does so again, in a thread of its own. */
struct question {
	struct taskd_future *f;
	enum taskd_error error;
	double fraction;
	char log[8];
};

static void *ask_progress(void *user)
{
	struct question *question = user;

	question->error = taskd_future_progress(question->f, FAKE_PATIENCE, &question->fraction, NULL);
	return NULL;
}

static void *ask_log(void *user)
{
	struct question *question = user;

	question->error = taskd_log(
		c, "17", TASKD_STDOUT, 0, question->log, sizeof(question->log) - 1, NULL, NULL, FAKE_PATIENCE);
	return NULL;
}

static void *ask_signal(void *user)
{
	struct question *question = user;

	question->error = taskd_signal(c, "17", 15, FAKE_PATIENCE);
	return NULL;
}

/* Those that do no harm. */
START_TEST(questions_are_asked_again)
{
	static const struct {
		void *(*ask)(void *user);
		const char *method, *answer; /* NULL: it is not asked again */
	} questions[] = {
		{ ask_progress, "task.status",
			"{\"id\":\"17\",\"state\":\"running\",\"progress\":{\"fraction\":0.5}}" },
		{ ask_log, "task.log", "{\"data\":\"abc\",\"total\":3}" },
		{ ask_signal, "task.signal", NULL },
	};
	struct question question = { .f = submit("fib", &detached) };
	pthread_t thread;

	fake_identify(&fake, c, 1);
	say_result(read_request("task.submit"), "{\"id\":\"17\",\"state\":\"queued\"}");
	ck_assert_int_eq(taskd_acknowledged(question.f, FAKE_PATIENCE), TASKD_OK);
	pthread_create(&thread, NULL, questions[_i].ask, &question);
	fake_read(&fake);
	ck_assert_ptr_nonnull(strstr(fake.line, questions[_i].method));
	fake_close(&fake);
	if (questions[_i].answer) {
		fake_accept(&fake); /* the thread connects */
		fake_read(&fake);
		ck_assert_ptr_nonnull(strstr(fake.line, "server.info"));
		if (_i == 0) /* about the task, and so behind it */
			say_result(
				fake_id(fake.line), "{\"pid\":1,\"started_at\":\"1\",\"store\":{\"state\":\"none\"}}");
		do
			fake_read(&fake);
		while (!strstr(fake.line, questions[_i].method));
		say_result(fake_id(fake.line), questions[_i].answer);
	}
	pthread_join(thread, NULL);
	ck_assert_int_eq(question.error, questions[_i].answer ? TASKD_OK : TASKD_E_DISCONNECTED);
	ck_assert(_i != 0 || (question.fraction > 0.4 && question.fraction < 0.6));
	ck_assert_str_eq(question.log, _i == 1 ? "abc" : "");
	taskd_future_free(question.f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: outages");
	TCase *tests = tcase_create("outage"), *brief = tcase_create("little time");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, it_is_tried_until_the_daemon_is_there_again, 0, 2);
	tcase_add_test(tests, the_pauses_are_from_10_ms_to_1_s);
	tcase_add_test(tests, what_is_noticed_late_is_tried_all_the_same);
	tcase_add_test(tests, nonsense_is_the_end);
	tcase_add_test(tests, it_can_be_closed_meanwhile);
	tcase_add_test(tests, a_forked_child_leaves_it_alone);
	tcase_add_test(tests, it_is_not_tried_at_the_first_time);
	tcase_add_test(tests, the_descriptor_stays_the_same);
	tcase_add_test(tests, the_descriptor_tells_of_room_to_write);
	tcase_add_test(tests, a_forked_child_does_not_keep_the_descriptor_readable);
	tcase_add_test(tests, a_watch_goes_on_and_tells_of_the_gap);
	tcase_add_test(tests, a_watch_that_is_refused_then_has_ended);
	tcase_add_test(tests, what_is_not_watched_any_more_is_not_watched_again);
	tcase_add_loop_test(tests, a_follow_goes_on, 0, 3);
	tcase_add_loop_test(tests, questions_are_asked_again, 0, 3);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(brief, setup_short, teardown);
	tcase_set_timeout(brief, 60);
	tcase_add_test(brief, the_time_for_it_ends);
	tcase_add_test(brief, a_daemon_that_ends_each_connection_is_given_up);
	tcase_add_test(brief, a_stopping_daemon_that_stays_has_refused);
	suite_add_tcase(suite, brief);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
