/* Requests for named objects without rhyme or reason, from clients that leave when it suits them: without having read
 * what they were answered, half-closed, in the middle of a request. What they are answered does not matter here. When
 * all are gone nobody holds or waits for anything, and the daemon ends in order, which it does not where its books are
 * wrong. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/taskd.h"
#include "harness.h"

#define CLIENTS 12
#define STEPS 1500
#define SEEDS 4

static struct daemon daemon_;
static struct taskd *c;
static unsigned seed_;

static unsigned any(unsigned below)
{
	return (unsigned)rand_r(&seed_) % below;
}

static const char *one_of(const char *const *words, size_t n)
{
	return words[any((unsigned)n)];
}
#define ONE_OF(...) \
	one_of((const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

#define LOCK "\"lock\":\"L%u\""

/* What follows a name: most of it suits no method but a few, and then it is an error, which is as good. */
static const char *rest_of(char buffer[64], const char *method)
{
	if (!strncmp(method, "condition", 9))
		snprintf(buffer, 64, "," LOCK "%s", any(3), ONE_OF("", "", ",\"holder\":\"h\"", ",\"timeout\":0.01"));
	else if (!strcmp(method, "lock.acquire"))
		snprintf(buffer, 64, "%s%s", ONE_OF("", ",\"shared\":true", ",\"reentrant\":true", ",\"holder\":\"h\""),
			ONE_OF("", "", ",\"timeout\":0", ",\"timeout\":0.01"));
	else if (!strncmp(method, "semaphore", 9))
		snprintf(buffer, 64, ",\"count\":%u%s", 1 + any(3),
			ONE_OF(",\"slots\":3", ",\"slots\":3", "", ",\"holder\":\"h\"",
				",\"bounded\":true,\"slots\":2"));
	else if (!strcmp(method, "barrier.wait"))
		snprintf(buffer, 64, "%s%s", ONE_OF("", ",\"parties\":3"), ONE_OF("", "", ",\"timeout\":0.01"));
	else if (!strcmp(method, "mq.put"))
		snprintf(buffer, 64, ",\"value\":[%u]%s", any(1000),
			ONE_OF("", ",\"limit_count\":2", ",\"end\":\"head\"", ",\"timeout\":0.01"));
	else if (!strcmp(method, "mq.get"))
		snprintf(buffer, 64, "%s",
			ONE_OF("", ",\"ack\":true", ",\"ack\":true", ",\"end\":\"tail\"", ",\"timeout\":0"));
	else
		snprintf(buffer, 64, "%s", ONE_OF("", "", "", ",\"holder\":\"h\""));
	return buffer;
}

static int put_request(char *out, size_t room)
{
	char buffer[64];
	const char *method = ONE_OF("lock.acquire", "lock.acquire", "lock.release", "lock.release", "semaphore.acquire",
		"semaphore.release", "event.wait", "event.set", "event.clear", "condition.wait", "condition.wait",
		"condition.notify", "barrier.wait", "barrier.reset", "barrier.abort", "mq.put", "mq.put", "mq.get",
		"mq.get", "mq.join", "mq.clear", "mq.delete", "mq.create", "lock.list", "$/cancelRequest", "mq.ack");
	if (!strcmp(method, "$/cancelRequest"))
		return snprintf(out, room, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{\"id\":%u}}\n", method,
			any(100));
	if (!strcmp(method, "mq.ack"))
		return snprintf(out, room,
			"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"mq.%s\",\"params\":{\"receipt\":\"%u\"}}\n",
			any(100), ONE_OF("ack", "nack"), 1 + any(500));
	return snprintf(out, room,
		"{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":{\"name\":\"%c%u\"%s}}\n", any(100),
		method, method[0] == 'l' ? 'L' : 'n', any(3), rest_of(buffer, method));
}

/* A few at once, of which the last may be cut off. */
static void send_some(struct wire *wire)
{
	char text[8192];
	size_t length = 0;
	for (unsigned n = 1 + any(20); n; n--)
		length += (size_t)put_request(text + length, sizeof(text) - length);
	if (any(50) == 0)
		length -= any(30);
	(void)send(wire->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void read_some(struct wire *wire)
{
	char text[65536];
	while (recv(wire->fd, text, sizeof(text), MSG_DONTWAIT) == (ssize_t)sizeof(text))
		;
}

static bool all_is_over(void *user)
{
	static const char *const lists[] = { "lock.list", "semaphore.list", "event.list", "condition.list",
		"barrier.list", "mq.list" };
	char *stats = request(c, "server.stats", "{}");
	bool over = strstr(strstr(stats, "\"objects\""), "\"waiting\":0}") != NULL;
	(void)user;
	free(stats);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		char *list = request(c, lists[i], "{}");
		over = over && !strstr(list, "\"connection\":");
		free(list);
	}
	return over;
}

START_TEST(nothing_is_left_of_clients_that_left)
{
	struct wire clients[CLIENTS];
	daemon_start(&daemon_, "max_requests = 60\noutput_limit = 1M\nobject_limit = 9\nwaiter_limit = 200\n");
	c = daemon_connect(&daemon_);
	seed_ = (unsigned)_i + 1;
	for (int i = 0; i < CLIENTS; i++)
		wire_open(&clients[i], &daemon_);
	for (int step = 0; step < STEPS; step++) {
		struct wire *wire = &clients[any(CLIENTS)];
		send_some(wire);
		if (any(2))
			read_some(wire);
		if (any(30) == 0)
			shutdown(wire->fd, any(2) ? SHUT_WR : SHUT_RD);
		if (any(15) == 0) {
			wire_close(wire);
			wire_open(wire, &daemon_);
		}
		if (step % 100 == 0)
			free(request(c, "server.ping", "{}"));
	}
	for (int i = 0; i < CLIENTS; i++)
		wire_close(&clients[i]);
	ck_assert(wait_until(all_is_over, NULL));
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("objects chaos");
	TCase *chaos = tcase_create("chaos");
	tcase_set_timeout(chaos, 300);
	tcase_add_loop_test(chaos, nothing_is_left_of_clients_that_left, 0, SEEDS);
	suite_add_tcase(suite, chaos);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
