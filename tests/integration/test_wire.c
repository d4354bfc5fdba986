/* The wire: what goes in and what comes out, as the transcripts beside this file tell it; and input of the worst kind,
 * which must get its error and hurt nobody else. */
#include <check.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;

static void start(const char *config)
{
	daemon_start(&daemon_, config);
}

static void stop(void)
{
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

/* --- transcripts --- */

/* Whether LINE is PATTERN, in which "…" stands for anything. */
static bool matches(const char *line, const char *pattern)
{
	const char *gap = strstr(pattern, "…");
	if (!gap)
		return strcmp(line, pattern) == 0;
	size_t before = (size_t)(gap - pattern);
	if (strncmp(line, pattern, before) != 0)
		return false;
	const char *rest = gap + strlen("…");
	for (const char *at = line + before;; at++) {
		if (matches(at, rest))
			return true;
		if (!*at)
			return false;
	}
}

/* "\r", "\n", "\xHH" and "\\" in a transcript's raw line. */
static size_t unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		unsigned byte;
		if (*from != '\\') {
			*to++ = *from;
		} else if (from[1] == 'x' && sscanf(from + 2, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			from += 3;
		} else {
			from++;
			*to++ = *from == 'r' ? '\r' : *from == 'n' ? '\n' : *from;
		}
	}
	return (size_t)(to - text);
}

static void play_line(struct wire *wire, char *line, const char *where)
{
	size_t length = strlen(line);
	if (length && line[length - 1] == '\n')
		line[--length] = '\0';
	if (!length || line[0] == '#')
		return;
	char *text = line + 2;
	switch (line[0]) {
	case '>': /* a line to send */
		ck_assert_msg(wire_send(wire, text, length - 2) && wire_puts(wire, "\n"), "%s: closed at: %s", where, line);
		break;
	case '}': /* raw bytes to send */
		ck_assert_msg(wire_send(wire, text, unescape(text)), "%s: closed at: %s", where, line);
		break;
	case '<': { /* a line to come */
		const char *got = wire_line(wire);
		ck_assert_msg(got != NULL, "%s: nothing came for: %s", where, line);
		size_t n = strlen(got);
		char *copy = strndup(got, n && got[n - 1] == '\r' ? n - 1 : n);
		ck_assert_msg(matches(copy, text), "%s: wanted %s\n got %s", where, text, copy);
		free(copy);
		break;
	}
	case '{': { /* a message after a Content-Length header to come */
		size_t size = 0;
		const char *header = wire_line(wire);
		ck_assert_msg(header && sscanf(header, "Content-Length: %zu", &size) == 1, "%s: no header for: %s", where, line);
		ck_assert_ptr_nonnull(wire_line(wire));
		const char *body = wire_bytes(wire, size);
		ck_assert_msg(body != NULL, "%s: closed within: %s", where, line);
		ck_assert_msg(matches(body, text), "%s: wanted %s\n got %s", where, text, body);
		break;
	}
	case '!': /* an end: "closed" that the server closes, "shut" that we send no more */
		if (strcmp(text, "shut") == 0)
			shutdown(wire->fd, SHUT_WR);
		else
			ck_assert_msg(wire_closed(wire), "%s: not closed", where);
		break;
	default:
		ck_abort_msg("%s: not a transcript's line: %s", where, line);
	}
}

static void play(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL, where[1200];
	size_t room = 0;
	struct wire wire;
	ck_assert_msg(file != NULL, "cannot read %s", path);
	wire_open(&wire, &daemon_);
	for (int n = 1; getline(&line, &room, file) > 0; n++) {
		snprintf(where, sizeof(where), "%s:%d", path, n);
		play_line(&wire, line, where);
	}
	free(line);
	fclose(file);
	wire_close(&wire);
}

START_TEST(transcripts_come_out_as_written)
{
	char folder[512], path[1024];
	const char *source = getenv("top_srcdir");
	struct dirent **entries;
	snprintf(folder, sizeof(folder), "%s/tests/integration/transcripts", source ? source : ".");
	int n = scandir(folder, &entries, NULL, alphasort), played = 0;
	ck_assert_int_gt(n, 0);
	start("frame_limit = 1M\npayload_limit = 512K\n");
	for (int i = 0; i < n; i++) {
		if (strstr(entries[i]->d_name, ".txt")) {
			snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
			play(path);
			played++;
		}
		free(entries[i]);
	}
	free(entries);
	ck_assert_int_ge(played, 5);
	stop();
}
END_TEST

/* --- others are not hurt --- */

static void assert_works(void)
{
	struct wire wire;
	wire_open(&wire, &daemon_);
	ck_assert(wire_puts(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[10]}\n"));
	ck_assert_str_eq(wire_line(&wire), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":55}");
	wire_close(&wire);
}

static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

START_TEST(half_a_message_and_silence_or_the_end_hurt_nobody)
{
	struct wire silent[50];
	start("");
	for (int i = 0; i < 50; i++) {
		wire_open(&silent[i], &daemon_);
		wire_puts(&silent[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fi");
	}
	assert_works();
	for (int i = 0; i < 50; i++)
		wire_close(&silent[i]);
	assert_works();
	ck_assert_uint_eq(daemon_log_count(&daemon_, "\n"), daemon_log_count(&daemon_, "serves on"));
	stop();
}
END_TEST

START_TEST(deep_nesting_is_an_error_and_no_more)
{
	struct wire wire;
	start("");
	wire_open(&wire, &daemon_);
	wire_puts(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":");
	for (int i = 0; i < 100000; i++)
		wire_puts(&wire, "[");
	for (int i = 0; i < 100000; i++)
		wire_puts(&wire, "]");
	wire_puts(&wire, "}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"fib\",\"params\":[10]}\n");
	ck_assert_ptr_nonnull(strstr(wire_line(&wire), "-32700"));
	ck_assert_str_eq(wire_line(&wire), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":55}");
	wire_close(&wire);
	stop();
}
END_TEST

/* It asks and asks and never reads: the daemon stops reading from it, and does not grow. */
START_TEST(a_client_that_never_reads_is_not_read_from)
{
	static char request_text[16384];
	start("output_limit = 64M\n");
	memset(request_text, 'a', sizeof(request_text));
	memcpy(request_text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[\"", 51);
	memcpy(request_text + sizeof(request_text) - 4, "\"]}\n", 4);
	struct wire wire;
	wire_open(&wire, &daemon_);
	long before = resident_kib(daemon_.pid);
	size_t sent = 0;
	struct pollfd writable = { .fd = wire.fd, .events = POLLOUT };
	while (sent < (256u << 20)) {
		if (poll(&writable, 1, 1000) <= 0)
			break;
		ssize_t n = send(wire.fd, request_text + sent % sizeof(request_text),
			sizeof(request_text) - sent % sizeof(request_text), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	assert_works();
	ck_assert_uint_lt(sent, 64u << 20);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	ck_assert_int_lt(resident_kib(daemon_.pid) - before, 64 << 10);
#else
	(void)before;
#endif
	wire_close(&wire);
	assert_works();
	stop();
}
END_TEST

START_TEST(a_stream_of_nonsense_floods_neither_log_nor_memory)
{
	struct wire wire;
	start("");
	wire_open(&wire, &daemon_);
	long before = resident_kib(daemon_.pid);
	for (int i = 0; i < 20000; i++) {
		if (!wire_puts(&wire, "{nonsense\n"))
			break;
		ck_assert_ptr_nonnull(strstr(wire_line(&wire), "-32700"));
	}
	assert_works();
	ck_assert_uint_lt(daemon_log_count(&daemon_, "\n"), 20);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	ck_assert_int_lt(resident_kib(daemon_.pid) - before, 8 << 10);
#else
	(void)before;
#endif
	wire_close(&wire);
	stop();
}
END_TEST

START_TEST(a_hundred_thousand_requests_in_one_write_are_all_answered)
{
	enum { N = 100000 };
	static char text[N * 64];
	size_t length = 0;
	struct wire wire;
	start("");
	for (int i = 0; i < N; i++)
		length += (size_t)sprintf(text + length, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"noop\"}\n", i);
	wire_open(&wire, &daemon_);
	pid_t writer = fork();
	if (writer == 0)
		_exit(wire_send(&wire, text, length) ? 0 : 1);
	static unsigned char seen[N];
	for (int i = 0; i < N; i++) {
		int id = -1;
		const char *line = wire_line(&wire);
		ck_assert_ptr_nonnull(line);
		ck_assert_int_eq(sscanf(line, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":null}", &id), 1);
		ck_assert(id >= 0 && id < N && !seen[id]);
		seen[id] = 1;
	}
	wire_close(&wire);
	stop();
}
END_TEST

START_TEST(clients_that_die_in_the_middle_leave_nothing_behind)
{
	start("");
	for (int round = 0; round < 200; round++) {
		struct wire wire;
		wire_open(&wire, &daemon_);
		for (int i = 0; i < 10; i++)
			wire_puts(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sleep\",\"params\":[300]}\n");
		wire_close(&wire);
	}
	struct taskd *c = daemon_connect(&daemon_);
	int64_t end = test_now_ns() + PATIENCE_NS;
	for (;;) {
		char *stats = request(c, "server.stats", "{}");
		bool clean = number_in(stats, "queued") == 0 && number_in(stats, "running") == 0;
		free(stats);
		if (clean)
			break;
		ck_assert_int_lt(test_now_ns(), end);
		pause_briefly();
	}
	taskd_close(c);
	assert_works();
	stop();
}
END_TEST

/* A connection over which nothing goes any more, and which its end is to wait for. */
static int lingering(int *other)
{
	static const char bytes[4096];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = 600 };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	*other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(*other, 0);
	close(listener);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static bool send_copies(const struct wire *wire, const char *text, int fd, size_t copies)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(copies * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	*rights = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(copies * sizeof(int))
	};
	for (size_t i = 0; i < copies; i++)
		memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(fd));
	return sendmsg(wire->fd, &message, MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* With TEXT the daemon gets so many copies of a descriptor. Should it be done with them before we are, it would be we
 * who wait, were it not for a process that ends: the kernel lets that one go. False: the daemon has hung up. */
static bool send_lingering(const struct wire *wire, const char *text, size_t copies, int *other)
{
	int fd = lingering(other), ready[2], status;
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) != 0 || !send_copies(wire, text, fd, copies));
	}
	close(fd);
	close(ready[0]);
	close(ready[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* Nobody asked for it; it is one of far too many; it is a command's, which ends; it is not even read. */
START_TEST(a_descriptor_that_takes_long_to_close_holds_nobody_up)
{
	static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\"}\n";
	static const char exec[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"exec\",\"params\":{\"argv\":[\"true\"],"
				   "\"fds\":[\"stdin\"]}}\n";
	struct wire wire;
	int others[4];
	start("");
	wire_open(&wire, &daemon_);
	ck_assert(send_lingering(&wire, ping, 1, &others[0]));
	ck_assert_ptr_nonnull(strstr(wire_line(&wire), "\"result\""));
	ck_assert(send_lingering(&wire, exec, 1, &others[1]));
	ck_assert_ptr_nonnull(strstr(wire_line(&wire), "\"status\":0"));
	ck_assert(send_lingering(&wire, ping, 253, &others[2]));
	ck_assert_ptr_nonnull(strstr(wire_line(&wire), "too_many"));
	ck_assert(wire_closed(&wire));
	wire_close(&wire);
	wire_open(&wire, &daemon_);
	wire_puts(&wire, "nonsense\n");
	(void)send_lingering(&wire, "more", 1, &others[3]); /* it may have closed already */
	wire_close(&wire);
	assert_works();
	for (int i = 0; i < 4; i++)
		close(others[i]);
	stop();
}
END_TEST

/* Not read from, since it has said all, or too much at once; and what it was answered it has not read. */
static void leave_unread(struct taskd *c, bool half)
{
	struct wire wire;
	char *stats = NULL;
	int64_t end = test_now_ns() + PATIENCE_NS;
	wire_open(&wire, &daemon_);
	wire_puts(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"lock.acquire\",\"params\":{\"name\":\"its\"}}\n");
	for (int i = 0; i < (half ? 1 : 20); i++)
		wire_puts(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"event.wait\",\"params\":{\"name\":\"never\"}}\n");
	if (half)
		shutdown(wire.fd, SHUT_WR);
	free(request(c, "server.ping", "{}")); /* by the answer to the second, the first one's turn is over */
	do {
		free(stats);
		stats = request(c, "server.stats", "{}");
		ck_assert_int_lt(test_now_ns(), end);
	} while (number_in(stats, "event") != 1);
	free(stats);
	wire_close(&wire);
}

START_TEST(who_leaves_without_having_read_its_answers_is_gone)
{
	start("max_requests = 10");
	struct taskd *c = daemon_connect(&daemon_);
	leave_unread(c, _i);
	free(ask(c, "lock.acquire", "{\"name\":\"its\",\"timeout\":30}"));
	taskd_close(c);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *wire = tcase_create("wire");
	tcase_set_timeout(wire, 120);
	tcase_add_test(wire, transcripts_come_out_as_written);
	tcase_add_test(wire, half_a_message_and_silence_or_the_end_hurt_nobody);
	tcase_add_test(wire, deep_nesting_is_an_error_and_no_more);
	tcase_add_test(wire, a_client_that_never_reads_is_not_read_from);
	tcase_add_test(wire, a_stream_of_nonsense_floods_neither_log_nor_memory);
	tcase_add_test(wire, a_hundred_thousand_requests_in_one_write_are_all_answered);
	tcase_add_test(wire, clients_that_die_in_the_middle_leave_nothing_behind);
	tcase_add_test(wire, a_descriptor_that_takes_long_to_close_holds_nobody_up);
	tcase_add_loop_test(wire, who_leaves_without_having_read_its_answers_is_gone, 0, 2);
	suite_add_tcase(suite, wire);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
