/* Waiting: callbacks, several futures, several threads, and a loop of the caller's own. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void answer_well(unsigned long id)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%lu}", id, id);
}

static void answer_badly(unsigned long id)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":1,\"message\":\"m\"}}", id);
}

static void submit(struct taskd_future **futures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_ptr_nonnull(futures[i] = taskd_submit(c, "t", NULL, NULL));
}

static void free_all(struct taskd_future **futures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		taskd_future_free(futures[i]);
}

/* --- callbacks --- */

static char trace[256];

static void note(struct taskd_future *f, void *user)
{
	ck_assert(taskd_done(f));
	strcat(trace, user);
}

static void when_done(struct taskd_future *f, taskd_callback *callback, const char *text)
{
	ck_assert_int_eq(taskd_add_done_callback(f, callback, (char *)text), TASKD_OK);
}

START_TEST(callbacks_run_in_order)
{
	struct taskd_future *f[3];

	submit(f, 3);
	when_done(f[0], note, "a");
	when_done(f[1], note, "b");
	when_done(f[0], note, "c");
	when_done(f[2], note, "d");
	answer_well(3);
	answer_badly(1);
	answer_well(2);
	ck_assert_int_eq(taskd_result(f[1], FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(trace, "dacb");
	when_done(f[1], note, "e"); /* at once */
	ck_assert_str_eq(trace, "dacbe");
	ck_assert_int_eq(taskd_add_done_callback(f[1], NULL, NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_add_done_callback(NULL, note, NULL), TASKD_E_INVALID);
	free_all(f, 3);
}
END_TEST

static struct taskd_future *made;

static void submit_more(struct taskd_future *f, void *user)
{
	size_t index;

	made = taskd_submit(c, "t", NULL, NULL);
	ck_assert_ptr_nonnull(made);
	/* What would wait says so. */
	ck_assert_int_eq(taskd_result(made, TASKD_FOREVER), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_result(f, TASKD_FOREVER), TASKD_OK);
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_flush(c, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_cancel(made, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_acknowledged(made, 0), TASKD_E_INVALID);
	ck_assert(!taskd_running(made, 0));
	ck_assert_int_eq(taskd_wait(&made, 1, TASKD_ALL_COMPLETED, 0, NULL), TASKD_E_INVALID);
	struct taskd_completed *cursor = NULL;
	ck_assert_int_eq(taskd_as_completed(&made, 1, &cursor, 0, &index), TASKD_E_INVALID);
	taskd_as_completed_end(&cursor);
	ck_assert_int_eq(taskd_map(c, "t", NULL, NULL, NULL, NULL, 0), TASKD_E_INVALID);
	when_done(f, note, "later");
	strcat(trace, user);
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
}

START_TEST(a_callback_may_submit_but_not_wait)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	when_done(f, submit_more, "first ");
	answer_well(1);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(trace, "first later");
	answer_well(2);
	ck_assert_int_eq(taskd_result(made, FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(made);
	trace[0] = '\0';
	when_done(f, submit_more, "again "); /* outside the reader it is the same */
	ck_assert_str_eq(trace, "again later");
	taskd_future_free(made);
	taskd_future_free(f);
}
END_TEST

static void free_it(struct taskd_future *f, void *user)
{
	strcat(trace, user);
	taskd_future_free(f);
}

static void free_another(struct taskd_future *f, void *user)
{
	(void)f;
	taskd_future_free(user);
}

START_TEST(a_callback_may_free)
{
	struct taskd_future *f[4];

	submit(f, 4);
	when_done(f[0], free_it, "own ");
	when_done(f[0], note, "never ");
	taskd_add_done_callback(f[1], free_another, f[2]);
	when_done(f[2], note, "never ");
	answer_well(1);
	answer_well(2);
	answer_well(3);
	answer_well(4);
	ck_assert_int_eq(taskd_result(f[3], FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(trace, "own ");
	taskd_future_free(f[1]);
	taskd_future_free(f[3]);
}
END_TEST

START_TEST(closing_runs_callbacks)
{
	struct taskd_future *f[2];

	submit(f, 2);
	when_done(f[0], free_it, "freed ");
	when_done(f[1], note, "noted");
	taskd_close(c);
	c = NULL;
	ck_assert_str_eq(trace, "freed noted");
	when_done(f[1], free_it, ", freed");
	ck_assert_str_eq(trace, "freed noted, freed");
}
END_TEST

/* --- several futures --- */

START_TEST(waiting_for_all)
{
	struct taskd_future *f[3];
	size_t n = 99;

	ck_assert_int_eq(taskd_wait(NULL, 0, TASKD_ALL_COMPLETED, TASKD_FOREVER, &n), TASKD_OK);
	ck_assert_uint_eq(n, 0);
	submit(f, 3);
	answer_well(2);
	answer_badly(1);
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_ALL_COMPLETED, TASKD_MS, &n), TASKD_E_TIMEOUT);
	ck_assert_uint_eq(n, 2);
	answer_well(3);
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_ALL_COMPLETED, FAKE_PATIENCE, NULL), TASKD_OK);
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_ALL_COMPLETED, 0, &n), TASKD_OK);
	ck_assert_uint_eq(n, 3);
	free_all(f, 3);
}
END_TEST

START_TEST(waiting_for_the_first)
{
	struct taskd_future *f[3];
	size_t n;

	submit(f, 3);
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_FIRST_COMPLETED, 0, &n), TASKD_E_TIMEOUT);
	ck_assert_uint_eq(n, 0);
	answer_badly(2);
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_FIRST_COMPLETED, FAKE_PATIENCE, &n), TASKD_OK);
	ck_assert_uint_eq(n, 1);
	ck_assert(taskd_done(f[1]));
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_FIRST_COMPLETED, 0, &n), TASKD_OK);
	free_all(f, 3);
}
END_TEST

START_TEST(waiting_for_the_first_failure)
{
	struct taskd_future *f[4];
	size_t n;

	submit(f, 4);
	answer_well(1);
	answer_well(3);
	ck_assert_int_eq(taskd_wait(f, 4, TASKD_FIRST_EXCEPTION, TASKD_MS, &n), TASKD_E_TIMEOUT);
	ck_assert_uint_eq(n, 2);
	answer_badly(4);
	ck_assert_int_eq(taskd_wait(f, 4, TASKD_FIRST_EXCEPTION, FAKE_PATIENCE, &n), TASKD_OK);
	ck_assert_uint_eq(n, 3);
	answer_well(2);
	ck_assert_int_eq(taskd_wait(f, 3, TASKD_FIRST_EXCEPTION, FAKE_PATIENCE, &n), TASKD_OK); /* none of these */
	ck_assert_uint_eq(n, 3);
	free_all(f, 4);
}
END_TEST

START_TEST(waiting_tells_of_the_connections_end)
{
	struct taskd_future *f[2];

	submit(f, 2);
	answer_well(1);
	ck_assert_int_eq(taskd_result(f[0], FAKE_PATIENCE), TASKD_OK);
	fake_close(&fake);
	ck_assert_int_eq(taskd_wait(f, 2, TASKD_ALL_COMPLETED, FAKE_PATIENCE, NULL), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_wait(f, 2, TASKD_ALL_COMPLETED, FAKE_PATIENCE, NULL), TASKD_E_DISCONNECTED);
	ck_assert_int_eq(taskd_wait(f, 1, TASKD_ALL_COMPLETED, FAKE_PATIENCE, NULL), TASKD_OK);
	free_all(f, 2);
}
END_TEST

START_TEST(futures_of_two_connections_do_not_mix)
{
	int first = fake.fd;
	struct taskd *d = fake_connect(&fake);
	struct taskd_future *f[2] = { taskd_submit(c, "t", NULL, NULL), taskd_submit(d, "t", NULL, NULL) };
	struct taskd_completed *cursor = NULL;
	size_t index;

	ck_assert_int_eq(taskd_wait(f, 2, TASKD_ALL_COMPLETED, 0, NULL), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_as_completed(f, 2, &cursor, 0, &index), TASKD_E_INVALID);
	ck_assert_ptr_null(cursor);
	taskd_future_free(f[1]);
	f[1] = NULL;
	ck_assert_int_eq(taskd_wait(f, 2, TASKD_ALL_COMPLETED, 0, NULL), TASKD_E_INVALID);
	taskd_future_free(f[0]);
	taskd_close(d);
	close(first);
}
END_TEST

START_TEST(as_completed_gives_each_once_in_the_order_of_the_ends)
{
	static const size_t order[] = { 3, 0, 5, 1, 4, 2 };
	struct taskd_future *f[6];
	struct taskd_completed *cursor = NULL;
	size_t index;

	submit(f, 6);
	for (size_t i = 0; i < 3; i++) /* three before it starts */
		answer_well(order[i] + 1);
	ck_assert_int_eq(taskd_result(f[order[2]], FAKE_PATIENCE), TASKD_OK);
	for (size_t i = 0; i < 6; i++) {
		if (i == 3)
			ck_assert_int_eq(taskd_as_completed(f, 6, &cursor, TASKD_MS, &index), TASKD_E_TIMEOUT);
		for (size_t k = i; i == 3 && k < 6; k++)
			(k % 2 ? answer_well : answer_badly)(order[k] + 1);
		ck_assert_int_eq(taskd_as_completed(f, 6, &cursor, FAKE_PATIENCE, &index), TASKD_OK);
		ck_assert_uint_eq(index, order[i]);
		taskd_future_free(f[index]); /* allowed from now on */
		f[index] = NULL;
	}
	ck_assert_int_eq(taskd_as_completed(f, 6, &cursor, TASKD_FOREVER, &index), TASKD_OK);
	ck_assert_uint_eq(index, 6);
	ck_assert_ptr_null(cursor);
	ck_assert_int_eq(taskd_as_completed(NULL, 0, &cursor, TASKD_FOREVER, &index), TASKD_OK);
	ck_assert_uint_eq(index, 0);
}
END_TEST

START_TEST(as_completed_can_be_left_early)
{
	struct taskd_future *f[3];
	struct taskd_completed *cursor = NULL, *other = NULL;
	size_t index;

	submit(f, 3);
	answer_well(2);
	ck_assert_int_eq(taskd_as_completed(f, 3, &cursor, FAKE_PATIENCE, &index), TASKD_OK);
	ck_assert_int_eq(taskd_as_completed(f, 3, &other, FAKE_PATIENCE, &index), TASKD_OK);
	taskd_as_completed_end(&cursor);
	ck_assert_ptr_null(cursor);
	taskd_as_completed_end(&cursor);
	answer_well(1);
	answer_well(3);
	ck_assert_int_eq(taskd_as_completed(f, 3, &other, FAKE_PATIENCE, &index), TASKD_OK);
	ck_assert_uint_eq(index, 0);
	taskd_as_completed_end(&other);
	free_all(f, 3);
}
END_TEST

/* --- a loop of the caller's own --- */

START_TEST(a_loop_of_the_callers_own)
{
	struct taskd_future *f[3];
	size_t n_served = 0, rounds = 0;

	submit(f, 3);
	for (size_t i = 0; i < 3; i++)
		when_done(f[i], note, "x");
	while (strlen(trace) < 3) {
		struct pollfd fds[2] = {
			{ .fd = taskd_fd(c), .events = (short)(POLLIN | (taskd_wants_write(c) ? POLLOUT : 0)) },
			{ .fd = fake.fd, .events = POLLIN },
		};
		ck_assert_int_gt(poll(fds, 2, 20000), 0);
		if (fds[0].revents) {
			enum taskd_error error = taskd_dispatch(c, 0);
			ck_assert(error == TASKD_OK || error == TASKD_E_TIMEOUT);
		}
		if (fds[1].revents && n_served++ < 3)
			answer_well(fake_id(fake_read(&fake)));
		while (n_served > 0 && n_served < 3) /* they came together */
			answer_well(fake_id(fake_read(&fake))), n_served++;
		ck_assert_uint_lt(rounds++, 100);
	}
	ck_assert(!taskd_wants_write(c));
	ck_assert_int_eq(taskd_dispatch(c, 0), TASKD_E_TIMEOUT);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(taskd_result(f[i], 0), TASKD_OK);
	free_all(f, 3);
}
END_TEST

START_TEST(dispatch_waits_for_a_message)
{
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	ck_assert_int_eq(taskd_dispatch(c, TASKD_MS), TASKD_E_TIMEOUT);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"whatever\"}");
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert(!taskd_done(f));
	answer_well(1);
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert(taskd_done(f));
	fake_close(&fake);
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	taskd_future_free(f);
}
END_TEST

/* --- threads --- */

/* Answers each request with its own parameters, several at once and the newest first, in pieces that end anywhere.
 * Notes cancellations, and does nothing else with them. */
static void *serve(void *unused)
{
	enum { HELD = 7 };
	char *held[HELD];
	size_t n = 0, piece = 1;
	char *text = NULL;
	const char *line;

	(void)unused;
	while ((line = fake_read(&fake))) {
		if (fake_id(line) == 0)
			continue;
		const char *params = fake_member(line, "params");
		int length = (int)strlen(params) - 1;
		ck_assert_int_ge(asprintf(&held[n++], "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%.*s}\n",
					 fake_id(line), length, params),
			0);
		if (n < HELD && fake.in_length > 0)
			continue;
		while (n > 0) {
			text = held[--n];
			size_t left = strlen(text);
			for (const char *p = text; left > 0; piece = piece % 97 + 1) {
				size_t now = piece < left ? piece : left;
				fake_write(&fake, p, now);
				p += now;
				left -= now;
			}
			free(text);
		}
	}
	return NULL;
}

enum { THREADS = 6, ROUNDS = 300, WIDTH = 8 };

static void *work(void *arg)
{
	size_t me = (size_t)arg;

	for (size_t round = 0; round < ROUNDS; round++) {
		struct taskd_future *f[WIDTH];
		struct taskd_completed *cursor = NULL;
		char args[64];
		size_t n, index;

		for (size_t i = 0; i < WIDTH; i++) {
			snprintf(args, sizeof(args), "[%zu,%zu,%zu]", me, round, i);
			ck_assert_ptr_nonnull(f[i] = taskd_submit(c, "t", args, NULL));
		}
		switch ((me + round) % 5) {
		case 0:
			ck_assert_int_eq(taskd_wait(f, WIDTH, TASKD_ALL_COMPLETED, TASKD_FOREVER, &n), TASKD_OK);
			break;
		case 1:
			for (size_t i = 0; i < WIDTH; i++)
				ck_assert_int_eq(
					taskd_as_completed(f, WIDTH, &cursor, FAKE_PATIENCE, &index), TASKD_OK);
			taskd_as_completed_end(&cursor);
			break;
		case 2:
			while (!taskd_done(f[0]))
				taskd_dispatch(c, FAKE_PATIENCE);
			break;
		case 3:
			ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
			taskd_result(f[0], 0);
			break;
		}
		if (round % 10 == 9) { /* some are dropped on the way */
			taskd_future_free(f[3]);
			f[3] = taskd_submit(c, "t", "[0]", NULL);
		}
		for (size_t i = 0; i < WIDTH; i++) {
			ck_assert_int_eq(taskd_result(f[i], FAKE_PATIENCE), TASKD_OK);
			snprintf(args, sizeof(args), "[%zu,%zu,%zu]", me, round, i);
			if (i != 3)
				ck_assert_str_eq(taskd_future_result(f[i], NULL), args);
			taskd_future_free(f[i]);
		}
	}
	return NULL;
}

static void join_all(pthread_t *threads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(several_threads_share_a_connection)
{
	pthread_t server, threads[THREADS];

	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)i), 0);
	join_all(threads, THREADS);
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(pthread_join(server, NULL), 0);
}
END_TEST

static struct taskd_future *shared[THREADS];

static void *wait_for_mine(void *arg)
{
	return (void *)(size_t)taskd_result(shared[(size_t)arg], TASKD_FOREVER);
}

/* The reader leaves first, over and over: somebody must take its place each time. */
START_TEST(the_readers_place_is_handed_over)
{
	pthread_t threads[THREADS];

	for (unsigned long round = 0; round < 50; round++) {
		submit(shared, THREADS);
		for (size_t i = 0; i < THREADS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_mine, (void *)i), 0);
		for (size_t i = 0; i < THREADS; i++)
			answer_well(fake_id(fake_read(&fake)));
		join_all(threads, THREADS);
		free_all(shared, THREADS);
	}
}
END_TEST

START_TEST(a_disconnect_wakes_every_thread)
{
	pthread_t threads[THREADS];

	submit(shared, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_mine, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		fake_read(&fake);
	fake_close(&fake);
	for (size_t i = 0; i < THREADS; i++) {
		void *error;
		ck_assert_int_eq(pthread_join(threads[i], &error), 0);
		ck_assert_uint_eq((size_t)error, TASKD_E_DISCONNECTED);
	}
	free_all(shared, THREADS);
}
END_TEST

/* A daemon that answers before it reads on, and a client with more to say than both sockets hold: each waits for the
 * other unless the client reads while it writes. */
static void *answer_before_reading(void *arg)
{
	size_t n = (size_t)arg;
	char *large = malloc(100001);

	memset(large, 'y', 100000);
	large[100000] = '\0';
	for (size_t i = 1; i <= n; i++) {
		ck_assert_uint_eq(fake_id(fake_read(&fake)), i);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":\"%s\"}", i, large);
	}
	free(large);
	return NULL;
}

START_TEST(full_buffers_on_both_sides)
{
	enum { N = 60 };
	struct taskd_future *f[N];
	pthread_t server;
	char *args = malloc(100005);

	memset(args, 'x', 100004);
	memcpy(args, "[\"", 2);
	memcpy(args + 100002, "\"]", 3);
	for (size_t i = 0; i < N; i++)
		ck_assert_ptr_nonnull(f[i] = taskd_submit(c, "t", args, NULL));
	ck_assert(taskd_wants_write(c)); /* the socket did not take it all */
	ck_assert_int_eq(taskd_flush(c, 0), TASKD_E_TIMEOUT);
	ck_assert_int_eq(pthread_create(&server, NULL, answer_before_reading, (void *)(size_t)N), 0);
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_wait(f, N, TASKD_ALL_COMPLETED, FAKE_PATIENCE, NULL), TASKD_OK);
	ck_assert_int_eq(pthread_join(server, NULL), 0);
	free_all(f, N);
	free(args);
}
END_TEST

static void *flush_a_lot(void *arg)
{
	return (void *)(size_t)taskd_flush(arg, FAKE_PATIENCE);
}

/* The reader sleeps until something comes; another thread has more to write than the socket takes. */
START_TEST(a_sleeping_reader_writes_for_others)
{
	enum { N = 60 };
	struct taskd_future *f[N];
	pthread_t reader, writer;
	char *args = malloc(100005);
	void *error;

	memset(args, 'x', 100004);
	memcpy(args, "[\"", 2);
	memcpy(args + 100002, "\"]", 3);
	shared[0] = taskd_submit(c, "t", NULL, NULL);
	ck_assert_int_eq(pthread_create(&reader, NULL, wait_for_mine, (void *)0), 0);
	ck_assert_uint_eq(fake_id(fake_read(&fake)), 1); /* so it has written, and is about to sleep */
	for (size_t i = 0; i < N; i++)
		ck_assert_ptr_nonnull(f[i] = taskd_submit(c, "t", args, NULL));
	ck_assert_int_eq(pthread_create(&writer, NULL, flush_a_lot, c), 0);
	for (size_t i = 0; i < N; i++) /* nothing is answered: only room in the socket wakes it */
		ck_assert_uint_eq(fake_id(fake_read(&fake)), i + 2);
	ck_assert_int_eq(pthread_join(writer, &error), 0);
	ck_assert_uint_eq((size_t)error, TASKD_OK);
	answer_well(1);
	ck_assert_int_eq(pthread_join(reader, &error), 0);
	ck_assert_uint_eq((size_t)error, TASKD_OK);
	fake_close(&fake);
	taskd_future_free(shared[0]);
	free_all(f, N);
	free(args);
}
END_TEST

/* --- flushing --- */

#define CHAIN 40

static char *chain_args;
static int chained; /* submissions from callbacks */

static void submit_the_next(struct taskd_future *f, void *user)
{
	struct taskd_future *next = chained < CHAIN ? taskd_submit(c, "t", chain_args, NULL) : NULL;

	(void)user;
	chained++;
	taskd_future_free(f);
	if (next)
		ck_assert_int_eq(taskd_add_done_callback(next, submit_the_next, NULL), TASKD_OK);
}

/* Two chains: while the one's request is answered, the other's is being written, so something always is. */
START_TEST(a_flush_does_not_wait_for_what_callbacks_submit)
{
	pthread_t server;

	chain_args = malloc(2000005);
	memset(chain_args, 'x', 2000004);
	memcpy(chain_args, "[\"", 2);
	memcpy(chain_args + 2000002, "\"]", 3);
	for (int i = 0; i < 2; i++) {
		struct taskd_future *f = taskd_submit(c, "t", chain_args, NULL);
		ck_assert_int_eq(taskd_add_done_callback(f, submit_the_next, NULL), TASKD_OK);
	}
	ck_assert_int_eq(pthread_create(&server, NULL, answer_before_reading, (void *)(size_t)(CHAIN + 2)), 0);
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_lt(chained, 4);
	while (chained < CHAIN + 2)
		ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(pthread_join(server, NULL), 0);
	free(chain_args);
}
END_TEST

static Suite *wait_suite(void)
{
	Suite *suite = suite_create("client: waiting");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, callbacks_run_in_order);
	tcase_add_test(tests, a_callback_may_submit_but_not_wait);
	tcase_add_test(tests, a_callback_may_free);
	tcase_add_test(tests, closing_runs_callbacks);
	tcase_add_test(tests, waiting_for_all);
	tcase_add_test(tests, waiting_for_the_first);
	tcase_add_test(tests, waiting_for_the_first_failure);
	tcase_add_test(tests, waiting_tells_of_the_connections_end);
	tcase_add_test(tests, futures_of_two_connections_do_not_mix);
	tcase_add_test(tests, as_completed_gives_each_once_in_the_order_of_the_ends);
	tcase_add_test(tests, as_completed_can_be_left_early);
	tcase_add_test(tests, a_loop_of_the_callers_own);
	tcase_add_test(tests, dispatch_waits_for_a_message);
	tcase_add_test(tests, several_threads_share_a_connection);
	tcase_add_test(tests, the_readers_place_is_handed_over);
	tcase_add_test(tests, a_disconnect_wakes_every_thread);
	tcase_add_test(tests, full_buffers_on_both_sides);
	tcase_add_test(tests, a_sleeping_reader_writes_for_others);
	tcase_add_test(tests, a_flush_does_not_wait_for_what_callbacks_submit);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(wait_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
