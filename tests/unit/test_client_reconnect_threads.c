/* Several threads on one connection to a daemon that leaves at all the wrong moments, with a store: what it has taken by a
 * key it knows ever after. Each detached task has to be taken once, and each future to have its result. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskd.h"
#include "client_fake.h"

#define THREADS 4
#define TASKS 300 /* a thread */
#define WINDOW 16 /* of them at a time */
#define KEY_LENGTH 32

/* --- the daemon, a thread --- */

/* What becomes of a request: at one in so many it is one of these. */
enum mishap { UNREAD, UNTAKEN, UNACKNOWLEDGED, ACKNOWLEDGED, HALF_TOLD, STOPPING, N_MISHAPS };
#define MISHAP_EVERY 25

struct taken {
	char key[KEY_LENGTH + 1];
	int value;
};

static struct fake fake;
static struct taken taken[THREADS * TASKS * 2];
static int n_taken, bad, losses;
static bool stopping;
static bool leaves; /* it has refused something, and will not be here for long */
static unsigned seed;

static int random_below(int n)
{
	seed = seed * 1103515245u + 12345u;
	return (int)(seed >> 16) % n;
}

static int value_of(const char *line, const char *member)
{
	const char *at = fake_member(line, member);

	return atoi(at + strspn(at, "[\""));
}

/* The task of that key, which may be new. */
static int take(const char *line, bool *duplicate)
{
	const char *key = fake_member(line, "key") + 1;

	for (int i = 0; i < n_taken; i++) {
		if (strncmp(taken[i].key, key, KEY_LENGTH) == 0) {
			*duplicate = true;
			return i;
		}
	}
	snprintf(taken[n_taken].key, sizeof(taken[0].key), "%s", key);
	taken[n_taken].value = value_of(line, "args");
	*duplicate = false;
	return n_taken++;
}

static void say_outcome(unsigned long id, int value)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%d}", id, value);
}

/* False: and then it left. */
static bool submitted(const char *line, enum mishap mishap)
{
	unsigned long id = fake_id(line);
	bool duplicate;

	if (mishap == STOPPING) {
		fake_say(&fake,
			"{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":-32010,\"message\":\"\",\"data\":{\"kind\":"
			"\"shutting_down\"}}}",
			id);
		leaves = true;
		return random_below(3) > 0; /* it may go on for some requests */
	}
	int task = take(line, &duplicate);
	if (mishap == UNACKNOWLEDGED)
		return false;
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"id\":\"%d\",\"durability\":\"disk\"%s}}", id,
		task + 1, duplicate ? ",\"duplicate\":true" : "");
	if (mishap == ACKNOWLEDGED)
		return false;
	if (mishap == HALF_TOLD) {
		fake_write(&fake, "{\"jsonrpc\":\"2.0\",\"meth", 23);
		return false;
	}
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"%d\",\"state\":\"succeeded\",\"result\":%d}}",
		task + 1, taken[task].value);
	return true;
}

static bool answered(const char *line)
{
	enum mishap mishap = random_below(MISHAP_EVERY) ? N_MISHAPS : (enum mishap)random_below(N_MISHAPS);
	unsigned long id = fake_id(line);

	if (mishap == UNTAKEN)
		return false;
	if (!id)
		return true;
	if (strstr(line, "\"method\":\"task.submit\""))
		return submitted(line, mishap);
	if (strstr(line, "\"method\":\"server.info\""))
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"pid\":1,\"store\":{\"state\":\"ok\"}}}",
			id);
	else if (strstr(line, "\"method\":\"task.result\""))
		say_outcome(id, taken[atoi(strstr(line, "{\"id\":\"") + 7) - 1].value);
	else if (strstr(line, "\"method\":\"task.status\""))
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":{\"id\":\"1\",\"state\":\"running\"}}", id);
	else if (strstr(line, "\"method\":\"echo\""))
		say_outcome(id, value_of(line, "params"));
	else
		bad++;
	return true;
}

static bool is_idle(void)
{
	struct pollfd coming = { .fd = fake.fd, .events = POLLIN };

	return fake.in_length == 0 && poll(&coming, 1, 5) == 0;
}

/* Until it leaves, or the client does. */
static void serve_one(void)
{
	leaves = false;
	while (random_below(MISHAP_EVERY * N_MISHAPS)) { /* UNREAD */
		if (leaves && is_idle())
			break;
		const char *line = fake_read(&fake);
		if (!line || !answered(line))
			break;
	}
	fake_close(&fake);
}

static void *serve(void *arg)
{
	struct pollfd coming = { .events = POLLIN };

	(void)arg;
	while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE)) {
		coming.fd = fake.listener;
		if (poll(&coming, 1, 20) != 1)
			continue;
		fake_accept(&fake);
		serve_one();
		losses++;
		if (random_below(4) == 0) {
			fake_leave(&fake, random_below(2));
			fake_return(&fake);
		}
	}
	return NULL;
}

/* --- the client's threads --- */

static struct taskd *c;

struct user {
	int number;
	int wrong, ended; /* what failed; what was attached and ended with its connection */
	pthread_t thread;
};

static void begin(const struct user *user, int i, struct taskd_future *window[WINDOW])
{
	static const struct taskd_options detached = { .detached = true };
	char args[32];

	snprintf(args, sizeof(args), "[%d]", user->number * TASKS + i);
	window[i % WINDOW] = taskd_submit(c, "echo", args, i % 8 == 7 ? NULL : &detached);
	if (i % 16 == 3)
		taskd_running(window[i % WINDOW], TASKD_FOREVER);
}

/* Waits as a loop of one's own does, while others wait, too. */
static void drive_until_done(struct taskd_future *f)
{
	while (!taskd_done(f)) {
		struct pollfd fds = { .fd = taskd_fd(c),
			.events = (short)(POLLIN | (taskd_wants_write(c) ? POLLOUT : 0)) };
		poll(&fds, 1, 5);
		taskd_dispatch(c, 0);
	}
}

static void end(struct user *user, int i, struct taskd_future *window[WINDOW])
{
	struct taskd_future *f = window[i % WINDOW];

	if (user->number == 0)
		drive_until_done(f);
	enum taskd_error error = taskd_result(f, TASKD_FOREVER);
	if (i % 8 == 7 && error == TASKD_E_DISCONNECTED)
		user->ended++;
	else
		user->wrong += error || atoi(taskd_future_result(f, NULL)) != user->number * TASKS + i;
	taskd_future_free(f);
}

static void *use(void *arg)
{
	struct taskd_future *window[WINDOW];
	struct user *user = arg;

	for (int i = 0; i < TASKS + WINDOW; i++) {
		if (i >= WINDOW)
			end(user, i - WINDOW, window);
		if (i < TASKS)
			begin(user, i, window);
	}
	return NULL;
}

START_TEST(each_task_is_taken_once_and_each_future_has_its_result)
{
	const struct taskd_connect_options options = { .reconnect_ns = 60 * TASKD_SECOND };
	struct user users[THREADS];
	int wrong = 0, detached = THREADS * (TASKS - TASKS / 8);
	pthread_t daemon;

	seed = (unsigned)_i;
	fake_begin(&fake);
	pthread_create(&daemon, NULL, serve, NULL);
	c = taskd_connect(fake.path, &options);
	ck_assert_ptr_nonnull(c);
	for (int i = 0; i < THREADS; i++) {
		users[i] = (struct user){ .number = i };
		pthread_create(&users[i].thread, NULL, use, &users[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(users[i].thread, NULL);
		wrong += users[i].wrong;
	}
	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	taskd_close(c);
	pthread_join(daemon, NULL);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_eq(bad, 0);
	ck_assert_int_eq(n_taken, detached);
	ck_assert_int_gt(losses, 10);
	fake_end(&fake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client: reconnecting, threads");
	TCase *tests = tcase_create("threads");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, each_task_is_taken_once_and_each_future_has_its_result, 1, 4);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
