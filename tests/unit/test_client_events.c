/* Watches: what is asked for, what is made of events, in which order they are told, and how they end. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;

/* What was told, a word each. */
static char told[65536];

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
	told[0] = '\0';
}

static void teardown(void)
{
	taskd_close(c);
	fake_end(&fake);
}

static void tell(const char *word)
{
	ck_assert_uint_lt(strlen(told) + strlen(word) + 2, sizeof(told));
	strcat(strcat(told, word), " ");
}

static void note(void *user, const struct taskd_event *event)
{
	char word[256] = "";

	switch (event->kind) {
	case TASKD_EVENT_BEGIN:
	case TASKD_EVENT_END:
		snprintf(word, sizeof(word), "%s%s%s", (const char *)user, event->name,
			event->failure ? taskd_strerror(event->failure->error) : "");
		break;
	case TASKD_EVENT_TASK:
		snprintf(word, sizeof(word), "%s%s:%s@%s", (const char *)user, event->id, event->name, event->at);
		ck_assert_uint_eq(strlen(event->record), event->length);
		break;
	case TASKD_EVENT_MISSED:
		snprintf(word, sizeof(word), "%smissed:%llu", (const char *)user, (unsigned long long)event->missed);
		break;
	}
	ck_assert(event->kind == TASKD_EVENT_TASK || (!event->id && !event->record && !event->at));
	ck_assert((event->kind == TASKD_EVENT_END) == (event->failure != NULL));
	tell(word);
}

static void say_event(int watch, const char *name, const char *id)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":{\"watch\":\"%d\",\"event\":\"%s\",\"at\":\"T\","
		"\"task\":{\"id\":\"%s\",\"state\":\"%s\"}}}",
		watch, name, id, name);
}

static void answer_watch(unsigned long request, int watch)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"watch\":\"%d\"}}", request, watch);
}

/* Reads until nothing more comes. */
static void read_all(void)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"last\",\"params\":[]}");
	while (taskd_dispatch(c, 0) == TASKD_OK)
		;
}

START_TEST(events_are_told_as_they_come)
{
	struct taskd_watch *w = taskd_watch(c, "{\"tag\":\n\"t\",\"progress\":true}", note, (void *)"");

	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.watch\",\"params\":{\"tag\": \"t\",\"progress\":true}}");
	ck_assert_str_eq(told, "");
	answer_watch(1, 5);
	read_all();
	ck_assert_str_eq(told, "begin ");
	say_event(5, "queued", "17");
	say_event(5, "running", "17");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"task.missed\",\"params\":{\"watch\":\"5\",\"missed\":3}}");
	say_event(5, "progress", "17");
	say_event(6, "queued", "18"); /* nobody's */
	say_event(5, "succeeded", "17");
	read_all();
	ck_assert_str_eq(told, "begin 17:queued@T 17:running@T missed:3 17:progress@T 17:succeeded@T ");
	taskd_unwatch(w);
	fake_expect(
		&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.unwatch\",\"params\":{\"watch\":\"5\"}}");
	say_event(5, "queued", "19"); /* the daemon did not know yet */
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"watch\":\"5\"}}");
	read_all();
	ck_assert_str_eq(told, "begin 17:queued@T 17:running@T missed:3 17:progress@T 17:succeeded@T ");
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
}
END_TEST

static void check_record(void *user, const struct taskd_event *event)
{
	if (event->kind == TASKD_EVENT_TASK) {
		ck_assert_str_eq(event->record, user);
		ck_assert_str_eq(event->id, "18446744073709551615");
		tell("record");
	}
}

START_TEST(an_event_has_the_tasks_record_to_the_letter)
{
	static const char record[] =
		"{ \"task\":\"\\u00e9\", \"id\":\"18446744073709551615\",\"x\":[1,{\"id\":\"5\"}] }";
	struct taskd_watch *w = taskd_watch(c, NULL, check_record, (void *)record);

	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.watch\",\"params\":{}}");
	answer_watch(1, 1);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":{\"task\":%s,\"at\":\"2026-11-22T18:00:00Z\","
		"\"event\":\"running\",\"watch\":\"1\"}}",
		record);
	read_all();
	ck_assert_str_eq(told, "record ");
	taskd_unwatch(w);
}
END_TEST

START_TEST(each_watch_has_its_own_events)
{
	struct taskd_watch *a = taskd_watch(c, NULL, note, (void *)"a"), *b = taskd_watch(c, NULL, note, (void *)"b");

	answer_watch(2, 1);
	answer_watch(1, 2);
	say_event(1, "queued", "7");
	say_event(2, "queued", "8");
	say_event(1, "running", "7");
	read_all();
	ck_assert_str_eq(told, "bbegin abegin b7:queued@T a8:queued@T b7:running@T ");
	taskd_unwatch(b);
	say_event(1, "succeeded", "7");
	say_event(2, "running", "8");
	read_all();
	ck_assert_str_eq(strrchr(told, 'a'), "a8:running@T ");
	ck_assert_ptr_null(strstr(told, "b7:succeeded"));
	taskd_unwatch(a);
}
END_TEST

static void done(struct taskd_future *f, void *user)
{
	(void)user;
	tell(taskd_future_result(f, NULL));
}

START_TEST(events_and_ends_are_told_in_the_order_in_which_they_came)
{
	struct taskd_watch *w = taskd_watch(c, NULL, note, (void *)"");
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL), *g = taskd_submit(c, "t", NULL, NULL);

	taskd_add_done_callback(f, done, NULL);
	taskd_add_done_callback(g, done, NULL);
	answer_watch(1, 1);
	say_event(1, "queued", "7");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"g\"}");
	say_event(1, "queued", "8");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"f\"}");
	say_event(1, "queued", "9");
	read_all();
	ck_assert_str_eq(told, "begin 7:queued@T \"g\" 8:queued@T \"f\" 9:queued@T ");
	taskd_future_free(f);
	taskd_future_free(g);
	taskd_unwatch(w);
}
END_TEST

/* --- the end --- */

START_TEST(the_connections_end_is_told_once)
{
	struct taskd_watch *a = taskd_watch(c, NULL, note, (void *)"a"), *b = taskd_watch(c, NULL, note, (void *)"b");

	answer_watch(1, 1);
	say_event(1, "queued", "7");
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_read(&fake);
	fake_read(&fake);
	fake_close(&fake);
	while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
		;
	ck_assert_uint_eq(
		strlen(told), strlen("abegin a7:queued@T ") + 2 * strlen("aendthe connection to the daemon ended "));
	ck_assert_ptr_nonnull(strstr(told, "abegin a7:queued@T "));
	ck_assert_ptr_nonnull(strstr(told, "aendthe connection to the daemon ended "));
	ck_assert_ptr_nonnull(strstr(told, "bendthe connection to the daemon ended "));
	told[0] = '\0';
	taskd_close(c);
	c = NULL;
	ck_assert_str_eq(told, "");
	taskd_unwatch(a);
	taskd_unwatch(b);
}
END_TEST

START_TEST(closing_tells_of_the_end)
{
	struct taskd_watch *w = taskd_watch(c, NULL, note, (void *)"");

	answer_watch(1, 1);
	read_all();
	taskd_close(c);
	c = NULL;
	ck_assert_str_eq(told, "begin endthe connection to the daemon ended ");
	taskd_unwatch(w);
}
END_TEST

START_TEST(a_watch_that_is_refused)
{
	struct taskd_watch *w = taskd_watch(c, "{\"stat\":1}", note, (void *)"");

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,\"message\":\"no\",\"data\":{\"kind\":\"invalid_params\"}}}");
	read_all();
	ck_assert_str_eq(told, "endan argument makes no sense ");
	taskd_unwatch(w);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	taskd_close(c);
	c = NULL;
	ck_assert_str_eq(told, "endan argument makes no sense ");
}
END_TEST

START_TEST(a_watch_that_cannot_be)
{
	ck_assert_ptr_null(taskd_watch(c, NULL, NULL, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	ck_assert_ptr_null(taskd_watch(c, "{", note, NULL));
	ck_assert_ptr_null(taskd_watch(c, "[1]", note, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
	fake_close(&fake);
	while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
		;
	ck_assert_ptr_null(taskd_watch(c, NULL, note, NULL));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_DISCONNECTED);
	ck_assert_ptr_null(taskd_watch(NULL, NULL, note, NULL));
	taskd_unwatch(NULL);
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(a_watch_that_is_ended_before_it_began)
{
	taskd_unwatch(taskd_watch(c, NULL, note, (void *)""));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.watch\",\"params\":{}}");
	answer_watch(1, 4);
	say_event(4, "queued", "1");
	read_all();
	fake_expect(
		&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.unwatch\",\"params\":{\"watch\":\"4\"}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"watch\":\"4\"}}");
	read_all();
	/* Refused, and the connection's end: neither is told. */
	taskd_unwatch(taskd_watch(c, NULL, note, (void *)""));
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602,\"message\":\"no\"}}");
	read_all();
	taskd_unwatch(taskd_watch(c, NULL, note, (void *)""));
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	taskd_close(c);
	c = NULL;
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(nonsense_about_watches_ends_the_connection)
{
	static const char *const lines[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"watch\":\"0\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":[]}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":{\"watch\":\"1\",\"event\":\"e\",\"at\":\"t\","
		"\"task\":{}}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":{\"watch\":\"1\",\"event\":5,\"at\":\"t\","
		"\"task\":{\"id\":\"1\"}}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.event\",\"params\":{\"watch\":\"x\",\"event\":\"e\",\"at\":\"t\","
		"\"task\":{\"id\":\"1\"}}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.missed\",\"params\":{\"watch\":\"1\"}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.missed\",\"params\":{\"missed\":1}}",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct taskd_watch *w = taskd_watch(c, NULL, note, (void *)"");
		told[0] = '\0';
		fake_say(&fake, "%s", lines[i]);
		while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
			;
		ck_assert_int_eq(taskd_connection_error(c), TASKD_E_PROTOCOL);
		ck_assert_str_eq(told, "endthe daemon and the library do not understand each other ");
		taskd_unwatch(w);
		taskd_close(c);
		fake_close(&fake);
		c = fake_connect(&fake);
	}
}
END_TEST

/* --- in callbacks --- */

static struct taskd_watch *own;

static void unwatch_own(void *user, const struct taskd_event *event)
{
	note(user, event);
	if (event->kind == TASKD_EVENT_TASK) {
		ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_INVALID);
		taskd_unwatch(own);
		tell(event->record);
	}
}

START_TEST(a_callback_may_end_its_watch_but_not_wait)
{
	own = taskd_watch(c, NULL, unwatch_own, (void *)"");
	answer_watch(1, 1);
	say_event(1, "queued", "7");
	say_event(1, "running", "7");
	read_all();
	ck_assert_str_eq(told, "begin 7:queued@T {\"id\":\"7\",\"state\":\"queued\"} ");
	taskd_close(c);
	c = NULL;
	ck_assert_str_eq(told, "begin 7:queued@T {\"id\":\"7\",\"state\":\"queued\"} ");
}
END_TEST

static void submit_more(void *user, const struct taskd_event *event)
{
	struct taskd_future **f = user;

	if (event->kind == TASKD_EVENT_TASK && !*f)
		*f = taskd_submit(c, "next", NULL, NULL);
}

START_TEST(a_callback_may_submit)
{
	struct taskd_future *f = NULL;
	struct taskd_watch *w = taskd_watch(c, NULL, submit_more, &f);

	answer_watch(1, 1);
	say_event(1, "succeeded", "7");
	read_all();
	ck_assert_ptr_nonnull(f);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f);
	taskd_unwatch(w);
}
END_TEST

/* --- threads --- */

static sem_t entered, go_on;
static int n_entered, n_returned; /* only the connection's callbacks change them, and unwatch waits for these */

static void slow(void *user, const struct taskd_event *event)
{
	(void)user;
	if (event->kind != TASKD_EVENT_TASK)
		return;
	n_entered++;
	sem_post(&entered);
	sem_wait(&go_on);
	n_returned++;
}

static void *dispatch(void *arg)
{
	(void)arg;
	while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
		;
	return NULL;
}

/* Until that thread of ours sleeps. */
static void wait_until_asleep(pid_t thread)
{
	char path[64], line[512];
	char state = 'R';

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	while (state == 'R') {
		sched_yield();
		FILE *file = fopen(path, "re");
		ck_assert_ptr_nonnull(file);
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
		fclose(file);
		state = strrchr(line, ')')[2];
	}
}

/* Lets both callbacks go: the second may be called as well where the first ends before taskd_unwatch begins. */
static void *release(void *thread)
{
	wait_until_asleep(*(pid_t *)thread);
	sem_post(&go_on);
	sem_post(&go_on);
	return NULL;
}

/* The caller may free what its callback uses as soon as taskd_unwatch has returned. */
START_TEST(ending_a_watch_waits_for_its_callback)
{
	pid_t self = gettid();
	pthread_t reader, releaser;
	struct taskd_watch *w = taskd_watch(c, NULL, slow, NULL);

	sem_init(&entered, 0, 0);
	sem_init(&go_on, 0, 0);
	answer_watch(1, 1);
	say_event(1, "queued", "1");
	say_event(1, "running", "1");
	ck_assert_int_eq(pthread_create(&reader, NULL, dispatch, NULL), 0);
	sem_wait(&entered);
	ck_assert_int_eq(pthread_create(&releaser, NULL, release, &self), 0);
	taskd_unwatch(w);
	int entered_before = n_entered;
	ck_assert_int_ge(entered_before, 1);
	ck_assert_int_eq(n_returned, entered_before);
	pthread_join(releaser, NULL);
	fake_close(&fake);
	pthread_join(reader, NULL);
	ck_assert_int_eq(n_entered, entered_before); /* nothing was told after the watch had ended */
}
END_TEST

static size_t n_events;

static void count(void *user, const struct taskd_event *event)
{
	(void)user;
	n_events += event->kind == TASKD_EVENT_TASK;
}

static void *come_and_go(void *arg)
{
	size_t *local = arg;

	for (int i = 0; i < 200; i++) {
		struct taskd_watch *w = taskd_watch(c, NULL, count, local);
		ck_assert_ptr_nonnull(w);
		if (i % 3 == 0)
			taskd_flush(c, FAKE_PATIENCE);
		taskd_unwatch(w);
	}
	return NULL;
}

/* Answers each watch, with events for it that may come too late. */
static void *serve(void *arg)
{
	const char *line;
	int number = 1;

	(void)arg;
	while ((line = fake_read(&fake))) {
		unsigned long id = fake_id(line);
		if (strstr(line, "\"task.watch\"")) {
			answer_watch(id, ++number);
			say_event(number, "queued", "1");
			say_event(1, "queued", "1");
		} else {
			fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"watch\":\"1\"}}", id);
		}
	}
	return NULL;
}

START_TEST(watches_come_and_go_in_several_threads)
{
	pthread_t threads[4], server;
	struct taskd_watch *all = taskd_watch(c, NULL, count, NULL);

	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	fake_read(&fake);
	answer_watch(1, 1);
	read_all();
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	/* All 800 watches have been asked for; an answer to what was written last comes after all events. */
	struct taskd_future *last = taskd_request(c, "server.ping", NULL);
	ck_assert_int_eq(taskd_result(last, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(last);
	ck_assert_uint_ge(n_events, 800);
	taskd_unwatch(all);
	ck_assert_int_eq(taskd_connection_error(c), TASKD_OK);
	taskd_close(c);
	c = NULL;
	pthread_join(server, NULL);
}
END_TEST

static Suite *client_suite(void)
{
	Suite *suite = suite_create("client: watches");
	TCase *tests = tcase_create("events");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, events_are_told_as_they_come);
	tcase_add_test(tests, an_event_has_the_tasks_record_to_the_letter);
	tcase_add_test(tests, each_watch_has_its_own_events);
	tcase_add_test(tests, events_and_ends_are_told_in_the_order_in_which_they_came);
	tcase_add_test(tests, the_connections_end_is_told_once);
	tcase_add_test(tests, closing_tells_of_the_end);
	tcase_add_test(tests, a_watch_that_is_refused);
	tcase_add_test(tests, a_watch_that_cannot_be);
	tcase_add_test(tests, a_watch_that_is_ended_before_it_began);
	tcase_add_test(tests, nonsense_about_watches_ends_the_connection);
	tcase_add_test(tests, a_callback_may_end_its_watch_but_not_wait);
	tcase_add_test(tests, a_callback_may_submit);
	tcase_add_test(tests, ending_a_watch_waits_for_its_callback);
	tcase_add_test(tests, watches_come_and_go_in_several_threads);
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
