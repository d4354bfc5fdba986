/* Hostile or broken clients, as connections: too many of them, slow in reading or writing, gone at once. In each test a
 * victim's requests all succeed meanwhile, and the daemon has no more memory and descriptors afterwards than before. What
 * they may say is test_endurance_words.c's. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/taskd.h"
#include "endurance.h"

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\"}\n"
#define FLOOD 300

static struct siege siege;
static struct wire wires[FLOOD];

static void close_all(size_t n)
{
	for (size_t i = 0; i < n; i++)
		wire_close(&wires[i]);
}

/* Whether who has connected is let in; else it is told why, and what that says is counted. */
static bool is_let_in(struct wire *wire, size_t *told)
{
	(void)wire_puts(wire, PING);
	const char *line = wire_line(wire);
	if (line && strstr(line, "\"result\""))
		return true;
	ck_assert_msg(line && (strstr(line, "\"too_many\"") || strstr(line, "\"over_share\"")), "%s", line ? line : "no line");
	ck_assert(strstr(line, "\"id\":null") && (strstr(line, "\"over_share\"") || strstr(line, "\"retry_after\"")));
	ck_assert(wire_closed(wire));
	(*told)++;
	return false;
}

START_TEST(a_flood_of_connections_with_64_descriptors)
{
	size_t in = 0, told = 0, admins = 0, refused = 0;
	struct wire admin[8];
	siege_begin(&siege, "user_connections = 0\n[pool default]\nprocesses = 1\n", 64);
	for (size_t i = 0; i < FLOOD; i++) {
		hostile_open(&siege, &wires[i]);
		in += is_let_in(&wires[i], &told);
	}
	ck_assert_uint_gt(in, 0);
	ck_assert_uint_lt(in, 64);
	ck_assert_uint_eq(in + told, FLOOD);
	/* Root and the daemon's own user have a reserve; here it may be they who have flooded. */
	for (size_t i = 0; i < 8; i++) {
		wire_open(&admin[i], &siege.daemon);
		admins += is_let_in(&admin[i], &refused);
	}
	ck_assert_uint_eq(admins, hostile_is_other() ? 4 : 0);
	siege_go_on(&siege, 100);
	printf("64 descriptors, %d connections: %zu let in, %zu told why not, then %zu of 8 of an admin's\n", FLOOD, in, told,
		admins);
	for (size_t i = 0; i < 8; i++)
		wire_close(&admin[i]);
	close_all(FLOOD);
	ck_assert(siege_descriptors(&siege, 0));
	hostile_open(&siege, &wires[0]);
	ck_assert(is_let_in(&wires[0], &told));
	wire_close(&wires[0]);
	siege_end(&siege, "flood of connections", 4096);
}
END_TEST

static rlim_t highest_descriptor(void)
{
	char path[64];
	rlim_t highest = 0;
	const struct dirent *entry;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)siege.daemon.pid);
	DIR *folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)))
		if (strtoul(entry->d_name, NULL, 10) > highest)
			highest = strtoul(entry->d_name, NULL, 10);
	closedir(folder);
	return highest;
}

/* None left at all: others are told so, by the one that is held back, which an admin may keep. Then all wait, and are served
 * when there are some again. */
START_TEST(without_descriptors_accepting_pauses_and_resumes)
{
	enum { ADMINS = 40 };
	struct rlimit before, limit;
	size_t told = 0, in = 0;
	siege_begin(&siege, "", 0);
	ck_assert_int_eq(prlimit(siege.daemon.pid, RLIMIT_NOFILE, NULL, &before), 0);
	limit = (struct rlimit){ highest_descriptor() + 1, before.rlim_max };
	ck_assert_int_eq(prlimit(siege.daemon.pid, RLIMIT_NOFILE, &limit, NULL), 0);
	while (hostile_is_other() && !told && in < FLOOD - ADMINS) {
		hostile_open(&siege, &wires[in]);
		in += is_let_in(&wires[in], &told);
	}
	if (told)
		wire_close(&wires[in]);
	ck_assert_uint_eq(told, hostile_is_other());
	for (size_t i = in; i < in + ADMINS; i++)
		wire_open(&wires[i], &siege.daemon);
	ck_assert(daemon_logged(&siege.daemon, "no new clients for now"));
	siege_go_on(&siege, 100);
	ck_assert_int_eq(prlimit(siege.daemon.pid, RLIMIT_NOFILE, &before, NULL), 0);
	for (size_t i = in; i < in + ADMINS; i++)
		ck_assert(is_let_in(&wires[i], &told));
	printf("no descriptors: %zu had the last ones, %zu told why not, %d have waited until there were some\n", in, told, ADMINS);
	close_all(in + ADMINS);
	siege_end(&siege, "no descriptors", 4096);
}
END_TEST

/* A short question, a long answer, again and again, and nothing is read. */
START_TEST(slow_readers_are_not_read_from_and_then_go)
{
	enum { N = 20 };
	static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}\n";
	size_t said = 0;
	siege_begin(&siege, "send_timeout = 500ms\n", 0);
	for (int i = 0; i < N; i++) {
		hostile_open(&siege, &wires[i]);
		said += hostile_pour(&wires[i], ask, sizeof(ask) - 1, 64u << 20);
	}
	long growth = siege_growth(&siege);
	ck_assert_uint_lt(said, (size_t)N << 20);
	ck_assert_msg(growth < N * 4096 || !MEASURES_MEMORY, "%ld KiB for %d readers", growth, N);
	ck_assert(siege_descriptors(&siege, 0));
	ck_assert(daemon_logged(&siege.daemon, "it does not read what is sent to it"));
	printf("slow readers: %zu KiB were taken from each of %d, %ld KiB of memory for all of them, then they were gone\n",
		said / N / 1024, N, growth);
	close_all(N);
	siege_end(&siege, "slow readers", 16384);
}
END_TEST

/* Half a message of either framing, and then a byte from each, again and again: no time limit makes them go, for what they
 * hold is what they have said, and their user's share. */
START_TEST(slow_writers_cost_what_they_say)
{
	enum { N = 200, BYTES = 500 };
	siege_begin(&siege, "", 0);
	for (int i = 0; i < N; i++) {
		hostile_open(&siege, &wires[i]);
		wire_puts(&wires[i], i % 2 ? "Content-Length: 1000000\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":\"" :
					     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ec");
	}
	for (int byte = 0; byte < BYTES; byte++)
		for (int i = 0; i < N; i++)
			wire_puts(&wires[i], "x");
	siege_go_on(&siege, 100);
	long growth = siege_growth(&siege);
	printf("slow writers: %d with a byte at a time: %ld KiB of memory for all of them\n", N, growth);
	ck_assert_msg(growth < N * 8 || !MEASURES_MEMORY, "%ld KiB for %d writers", growth, N);
	ck_assert(siege_descriptors(&siege, N));
	close_all(N);
	siege_end(&siege, "slow writers", 4096);
}
END_TEST

/* Each connection may have one message that is not complete; all of a user's together take no more than a few. */
START_TEST(unfinished_messages_of_one_user_are_bounded)
{
	enum { N = 60 };
	static char text[1 << 20];
	size_t said = 0, closed = 0;
	siege_begin(&siege, "frame_limit = 1M\npayload_limit = 512K\n", 0);
	memset(text, 'x', sizeof(text));
	memcpy(text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"", 34);
	for (int i = 0; i < N; i++) {
		hostile_open(&siege, &wires[i]);
		said += hostile_pour(&wires[i], text, sizeof(text), sizeof(text) - 64);
	}
	siege_go_on(&siege, 100);
	for (int i = 0; i < N; i++) {
		struct pollfd state = { .fd = wires[i].fd };
		closed += poll(&state, 1, 0) == 1 && (state.revents & POLLHUP);
	}
	long growth = siege_growth(&siege);
	printf("unfinished messages: %zu KiB said by %d, %zu of which were closed; %ld KiB of memory\n", said / 1024, N, closed,
		growth);
	ck_assert(!hostile_is_other() || closed > N / 2);
	ck_assert_msg(growth < 16384 || !MEASURES_MEMORY || !hostile_is_other(), "%ld KiB", growth);
	close_all(N);
	siege_end(&siege, "unfinished messages", 8192);
}
END_TEST

/* At once, behind half a message, with tasks under way, with descriptors that nobody asked for, and with a command's. */
START_TEST(who_connects_and_dies_leaves_nothing)
{
	static const char *const last[] = {
		"",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"meth",
		"Content-Length: 100\r\n\r\n{\"js",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sleep\",\"params\":[300]}\n",
		PING "{\"jsonrpc\":\"2.0\",",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"exec\",\"params\":{\"argv\":[\"sleep\",\"300\"],\"fds\":[\"stdin\",\"stdout\"]}}\n",
	};
	enum { KINDS = sizeof(last) / sizeof(last[0]), N = OFTEN(3000) };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	siege_begin(&siege, "exec_users = *\n", 0);
	for (int i = 0; i < N; i++) {
		struct wire wire;
		const char *text = last[i % KINDS];
		hostile_open(&siege, &wire);
		if (*text && (i % KINDS == 5 || i % 4 == 0))
			(void)hostile_send_descriptors(&wire, text, null, i % KINDS == 5 ? 2 : 3);
		else
			(void)wire_puts(&wire, text);
		wire_close(&wire);
	}
	struct taskd *c = daemon_connect(&siege.daemon);
	int64_t end = test_now_ns() + PATIENCE_NS;
	double left;
	do {
		char *stats = request(c, "server.stats", "{}");
		left = number_in(stats, "queued");
		free(stats);
	} while (left > 1 && test_now_ns() < end);
	ck_assert(left <= 1); /* the victim's */
	taskd_close(c);
	close(null);
	printf("connect and die: %d of them\n", N);
	siege_end(&siege, "connect and die", 16384);
}
END_TEST

START_TEST(watchers_that_never_read_are_told_no_more_than_there_is_room_for)
{
	enum { N = 50, EVENTS = OFTEN(10000) };
	siege_begin(&siege, "send_timeout = 1h\n", 0);
	for (int i = 0; i < N; i++) {
		hostile_open(&siege, &wires[i]);
		wire_puts(&wires[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.watch\"}\n");
		ck_assert_ptr_nonnull(wire_line(&wires[i]));
	}
	struct wire busy;
	hostile_open(&siege, &busy);
	for (int i = 0; i < EVENTS; i++) {
		wire_puts(&busy, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"noop\"}\n");
		if (i % 100 == 99)
			for (int j = 0; j < 100; j++)
				ck_assert_ptr_nonnull(wire_line(&busy));
	}
	long growth = siege_growth(&siege);
	printf("watchers: %d that do not read, of %d tasks: %ld KiB of memory\n", N, EVENTS, growth);
	ck_assert_msg(growth < N * 1024 || !MEASURES_MEMORY, "%ld KiB for %d watchers", growth, N);
	ck_assert(siege_descriptors(&siege, N + 1));
	wire_close(&busy);
	close_all(N);
	siege_end(&siege, "watchers", 32768);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endurance");
	TCase *tests = tcase_create("connections");
	tcase_set_timeout(tests, 240);
	tcase_add_test(tests, a_flood_of_connections_with_64_descriptors);
	tcase_add_test(tests, without_descriptors_accepting_pauses_and_resumes);
	tcase_add_test(tests, slow_readers_are_not_read_from_and_then_go);
	tcase_add_test(tests, slow_writers_cost_what_they_say);
	tcase_add_test(tests, unfinished_messages_of_one_user_are_bounded);
	tcase_add_test(tests, who_connects_and_dies_leaves_nothing);
	tcase_add_test(tests, watchers_that_never_read_are_told_no_more_than_there_is_room_for);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
