/* Threads of one program that wait for named objects on one connection, each for its own: whichever reads does so for all,
 * and nobody is told what was meant for another, or that he holds what he does not. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "client_fake.h"

#define THREADS 6
#define ROUNDS 200

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

/* A thread's own lock is called by its number, and its fences begin with that. */
struct waiter {
	pthread_t thread;
	int number;
	size_t granted, timed_out;
	enum taskd_error error; /* its last */
	bool strange;           /* it was told something that cannot be */
};
static struct waiter waiters[THREADS];

static void begin(struct waiter *waiter, int number, void *(*run)(void *))
{
	*waiter = (struct waiter){ .number = number };
	ck_assert_int_eq(pthread_create(&waiter->thread, NULL, run, waiter), 0);
}

/* The lock that a request's line is about. */
static int lock_of(const char *line)
{
	return atoi(fake_member(line, "name") + 1);
}

static void grant_to(unsigned long id, int lock)
{
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"fence\":%d%06lu,\"holder_died\":false,\"depth\":1}}", id,
		lock + 1, id);
}

static void *acquire_once(void *arg)
{
	struct waiter *waiter = arg;
	struct taskd_grant grant;
	char name[16];

	snprintf(name, sizeof(name), "%d", waiter->number);
	waiter->error = taskd_lock_acquire(c, name, NULL, TASKD_FOREVER, &grant);
	waiter->granted = waiter->error == TASKD_OK;
	waiter->strange = waiter->error ? grant.fence != 0 : (int)(grant.fence / 1000000) != waiter->number + 1;
	return NULL;
}

START_TEST(each_thread_is_told_of_its_own)
{
	unsigned long ids[THREADS];

	for (int i = 0; i < THREADS; i++)
		begin(&waiters[i], i, acquire_once);
	for (int i = 0; i < THREADS; i++) {
		const char *line = fake_read(&fake);
		ids[lock_of(line)] = fake_id(line);
	}
	/* All wait. The last lock is granted first, and so on: the reader's place goes round. */
	for (int i = THREADS; i-- > 0;) {
		grant_to(ids[i], i);
		pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].error, TASKD_OK);
		ck_assert(!waiters[i].strange);
	}
}
END_TEST

START_TEST(nobody_holds_anything_when_the_connection_ends)
{
	unsigned long ids[THREADS];

	for (int i = 0; i < THREADS; i++)
		begin(&waiters[i], i, acquire_once);
	for (int i = 0; i < THREADS; i++) {
		const char *line = fake_read(&fake);
		ids[lock_of(line)] = fake_id(line);
	}
	grant_to(ids[2], 2);
	pthread_join(waiters[2].thread, NULL);
	fake_close(&fake);
	for (int i = 0; i < THREADS; i++) {
		if (i != 2)
			pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].error, i == 2 ? TASKD_OK : TASKD_E_DISCONNECTED);
		ck_assert(!waiters[i].strange);
	}
}
END_TEST

/* --- many rounds --- */

/* Grants, or lets the time run out, three requests late, so that those overtake each other; ends after TO of them. */
struct server {
	pthread_t thread;
	size_t to;
};

static void *serve(void *arg)
{
	const struct server *server = arg;
	struct {
		unsigned long id;
		int lock;
	} late[3];
	size_t n_late = 0;

	for (size_t n = 0; n < server->to; n++) {
		const char *line = fake_read(&fake);
		if (!line)
			return NULL;
		late[n_late].id = fake_id(line);
		late[n_late++].lock = lock_of(line);
		if (n_late < 3)
			continue;
		while (n_late-- > 0) {
			if (late[n_late].id % 5)
				grant_to(late[n_late].id, late[n_late].lock);
			else
				fake_say(&fake,
					"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":-32011,\"message\":\"no\","
					"\"data\":{\"kind\":\"wait_timed_out\"}}}",
					late[n_late].id);
		}
		n_late = 0;
	}
	fake_close(&fake);
	return NULL;
}

static void *acquire_often(void *arg)
{
	struct waiter *waiter = arg;
	struct taskd_grant grant;
	char name[16];

	snprintf(name, sizeof(name), "%d", waiter->number);
	for (;;) {
		waiter->error = taskd_lock_acquire(c, name, NULL, FAKE_PATIENCE, &grant);
		if (waiter->error == TASKD_OK) {
			waiter->granted++;
			waiter->strange |= (int)(grant.fence / 1000000) != waiter->number + 1;
		} else if (waiter->error == TASKD_E_TIMEOUT) {
			waiter->timed_out++;
			waiter->strange |= grant.fence != 0;
		} else {
			waiter->strange |= grant.fence != 0;
			return NULL;
		}
	}
}

START_TEST(threads_take_turns_until_the_daemon_goes)
{
	struct server server = { .to = THREADS * ROUNDS };
	size_t granted = 0, timed_out = 0;

	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, &server), 0);
	for (int i = 0; i < THREADS; i++)
		begin(&waiters[i], i, acquire_often);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].error, TASKD_E_DISCONNECTED);
		ck_assert(!waiters[i].strange);
		granted += waiters[i].granted;
		timed_out += waiters[i].timed_out;
	}
	pthread_join(server.thread, NULL);
	/* Where the socket's end is reset, the last answers may be lost; each that was told was told once. */
	ck_assert_uint_le(granted + timed_out, THREADS * ROUNDS);
	ck_assert_uint_gt(granted, THREADS * ROUNDS / 2);
	ck_assert_uint_gt(timed_out, 0);
}
END_TEST

/* One thread's answer makes no sense, while another reads, or is about to. */
static void *ask_length(void *arg)
{
	struct waiter *waiter = arg;
	int64_t length;

	waiter->error = taskd_mq_length(c, "9", &length);
	return NULL;
}

START_TEST(nonsense_for_one_is_the_end_for_all)
{
	unsigned long ids[2] = { 0 };

	begin(&waiters[0], 0, acquire_once);
	begin(&waiters[1], 1, ask_length);
	for (int i = 0; i < 2; i++) {
		const char *line = fake_read(&fake);
		ids[lock_of(line) == 9] = fake_id(line);
	}
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":[]}", ids[1]);
	for (int i = 0; i < 2; i++) {
		pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].error, TASKD_E_PROTOCOL);
		ck_assert(!waiters[i].strange);
	}
	ck_assert_ptr_null(fake_read(&fake));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: named objects, threads");
	TCase *tests = tcase_create("threads");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, each_thread_is_told_of_its_own, 0, 10);
	tcase_add_loop_test(tests, nobody_holds_anything_when_the_connection_ends, 0, 10);
	tcase_add_test(tests, threads_take_turns_until_the_daemon_goes);
	tcase_add_loop_test(tests, nonsense_for_one_is_the_end_for_all, 0, 10);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
