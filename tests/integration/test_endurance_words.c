/* Hostile or broken clients, by what they say: messages that are too long, lie about their length, or are made to be hard to
 * read; very many requests at once, cancelled at once, or about very many ids. In each test a victim's requests all succeed
 * meanwhile, and the daemon has no more memory and descriptors afterwards than before. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "endurance.h"

#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":"

static struct siege siege;
static struct wire wire;

/* A text that is put together. */
struct text {
	char *data;
	size_t length;
	FILE *stream;
};

static FILE *text_begin(struct text *text)
{
	text->stream = open_memstream(&text->data, &text->length);
	ck_assert_ptr_nonnull(text->stream);
	return text->stream;
}

/* Sends it from another process, so that it can be answered meanwhile; end it with sent. */
static pid_t text_send(struct text *text)
{
	ck_assert_int_eq(fclose(text->stream), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(wire_send(&wire, text->data, text->length) ? 0 : 1);
	free(text->data);
	return pid;
}

static bool sent(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* --- long ones, and lies --- */

START_TEST(messages_that_are_too_long_or_lie_about_it_end_their_connection)
{
	static const char *const lies[] = {
		"Content-Length: 999999999999999999\r\n\r\n{",
		"Content-Length: 99999999999999999999999\r\n\r\n{",
		"Content-Length: -1\r\n\r\n{",
		"Content-Length: 0\r\n\r\n{",
		"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
		"Content-Length: 4194305\r\n\r\n{",
	};
	enum { LIES = sizeof(lies) / sizeof(lies[0]), PROMISES = 50 };
	static char piece[1 << 16];
	struct wire promises[PROMISES];
	size_t said = 0;
	siege_begin(&siege, "frame_limit = 4M\npayload_limit = 2M\n", 0);
	for (int i = 0; i < LIES; i++) {
		hostile_open(&siege, &wire);
		wire_puts(&wire, lies[i]);
		ck_assert_msg(wire_closed(&wire), "%s", lies[i]);
		wire_close(&wire);
	}
	memset(piece, '[', sizeof(piece));
	for (int i = 0; i < 5; i++) {
		hostile_open(&siege, &wire);
		said += hostile_pour(&wire, piece, sizeof(piece), 64u << 20);
		ck_assert(wire_closed(&wire));
		wire_close(&wire);
	}
	/* What a header promises takes no memory before it comes. */
	for (int i = 0; i < PROMISES; i++) {
		hostile_open(&siege, &promises[i]);
		wire_puts(&promises[i], "Content-Length: 4000000\r\n\r\n{\"jsonrpc\":");
	}
	siege_go_on(&siege, 100);
	long growth = siege_growth(&siege);
	printf("giant frames: %zu KiB of each of 5 were taken; %d promises of 4 MB: %ld KiB of memory\n", said / 5 / 1024,
		PROMISES, growth);
	ck_assert_uint_lt(said, 5 * (6u << 20));
	ck_assert_msg(growth < 16384 || !MEASURES_MEMORY, "%ld KiB", growth);
	for (int i = 0; i < PROMISES; i++)
		wire_close(&promises[i]);
	siege_end(&siege, "giant frames", 16384);
}
END_TEST

static void repeat(FILE *stream, const char *piece, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fputs(piece, stream);
}

static void put_bomb(FILE *stream, int kind)
{
	fputs(CALL, stream);
	switch (kind) {
	case 0:
		repeat(stream, "[", 200000);
		repeat(stream, "]", 200000);
		break;
	case 1:
		repeat(stream, "{\"a\":", 100000);
		break;
	case 2:
		fputs("[", stream);
		repeat(stream, "9", 1000000);
		fputs("]", stream);
		break;
	case 3:
		fputs("[1e", stream);
		repeat(stream, "9", 100000);
		fputs("]", stream);
		break;
	case 4:
		fputs("[\"", stream);
		repeat(stream, "\\u00e4\\\\\\\"", 100000);
		fputs("\"]", stream);
		break;
	case 5:
		fputs("{\"k\":0", stream);
		for (int i = 0; i < 100000; i++)
			fprintf(stream, ",\"k%d\":%d", i, i);
		fputs("}", stream);
		break;
	case 6:
		fputs("[0", stream);
		repeat(stream, ",[],{}", 200000);
		fputs("]", stream);
		break;
	case 7:
		fputs("[\"\xff\xfe\"]", stream);
		break;
	case 8:
		fputs("[]", stream);
		for (int i = 0; i < 50000; i++)
			fprintf(stream, ",\"method\":\"m%d\"", i);
		break;
	}
	fputs("}\n", stream);
}

START_TEST(what_is_hard_to_read_is_read_or_refused)
{
	enum { KINDS = 9, ROUNDS = OFTEN(30) };
	size_t errors = 0, results = 0, bytes = 0;
	siege_begin(&siege, "", 0);
	hostile_open(&siege, &wire);
	for (int round = 0; round < ROUNDS; round++) {
		struct text bombs;
		text_begin(&bombs);
		for (int kind = 0; kind < KINDS; kind++)
			put_bomb(bombs.stream, kind);
		fflush(bombs.stream);
		bytes += bombs.length;
		pid_t sender = text_send(&bombs);
		for (int kind = 0; kind < KINDS; kind++) {
			const char *line = wire_line(&wire);
			ck_assert_msg(line && strncmp(line, "{\"jsonrpc\":\"2.0\",\"id\":", 22) == 0, "bomb %d", kind);
			errors += strstr(line, "\"error\":") != NULL;
			results += strstr(line, "\"result\":") != NULL;
		}
		ck_assert(sent(sender));
	}
	printf("parse bombs: %zu bytes, %zu refused, %zu read\n", bytes, errors, results);
	ck_assert_uint_eq(errors, ROUNDS * 6);
	ck_assert_uint_eq(results, ROUNDS * 3);
	wire_close(&wire);
	siege_end(&siege, "parse bombs", 32768);
}
END_TEST

/* --- very many --- */

START_TEST(a_hundred_thousand_requests_in_one_write_go_with_others)
{
	enum { N = OFTEN(100000), ROUNDS = 3 };
	static unsigned char seen[N];
	siege_begin(&siege, "user_requests = 0\n", 0);
	hostile_open(&siege, &wire);
	for (int round = 0; round < ROUNDS; round++) {
		struct text text;
		text_begin(&text);
		for (int i = 0; i < N; i++)
			fprintf(text.stream, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"server.ping\"}\n", i);
		pid_t sender = text_send(&text);
		size_t answers = 0;
		memset(seen, 0, sizeof(seen));
		for (int i = 0, id = -1; i < N; i++) {
			const char *line = wire_line(&wire);
			if (line && sscanf(line, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":", &id) == 1 && id >= 0 && id < N)
				answers += !seen[id]++;
		}
		ck_assert(sent(sender));
		ck_assert_uint_eq(answers, N);
	}
	printf("many requests: %d in one write, %d times, all answered\n", N, ROUNDS);
	wire_close(&wire);
	siege_end(&siege, "many requests", 32768);
}
END_TEST

START_TEST(requests_that_are_cancelled_at_once_are_over_at_once)
{
	enum { N = OFTEN(20000) };
	struct text text;
	size_t cancelled = 0;
	siege_begin(&siege, "user_requests = 0\n", 0);
	hostile_open(&siege, &wire);
	text_begin(&text);
	for (int i = 0; i < N; i++)
		fprintf(text.stream,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"sleep\",\"params\":[300]}\n"
			"{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":%d}}\n",
			i, i);
	pid_t sender = text_send(&text);
	for (int i = 0; i < N; i++) {
		const char *line = wire_line(&wire);
		cancelled += line && strstr(line, "\"kind\":\"cancelled\"");
	}
	ck_assert(sent(sender));
	printf("cancelled at once: %zu of %d\n", cancelled, N);
	ck_assert_uint_eq(cancelled, N);
	wire_close(&wire);
	siege_end(&siege, "cancelled at once", 32768);
}
END_TEST

START_TEST(millions_of_ids_are_looked_for)
{
	enum { N = OFTEN(100000), ROUNDS = 10 };
	static const char *const methods[] = { "task.cancel", "task.forget", "task.retry", "task.wait", "task.watch" };
	enum { METHODS = sizeof(methods) / sizeof(methods[0]) };
	size_t ids = 0, answers = 0;
	siege_begin(&siege, "", 0);
	hostile_open(&siege, &wire);
	for (int round = 0; round < ROUNDS; round++) {
		struct text text;
		text_begin(&text);
		for (int method = 0; method < METHODS; method++) {
			fprintf(text.stream, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"ids\":[1000000000", methods[method]);
			for (int i = 1; i < N; i++)
				fprintf(text.stream, ",%d", 1000000000 + i);
			fputs("]}}\n", text.stream);
			ids += N;
		}
		pid_t sender = text_send(&text);
		for (int method = 0; method < METHODS; method++) {
			const char *line = wire_line(&wire);
			answers += line && strstr(line, "not_found");
		}
		ck_assert(sent(sender));
	}
	printf("ids: %zu, in requests for %d each\n", ids, N);
	ck_assert_uint_eq(answers, METHODS * ROUNDS);
	wire_close(&wire);
	siege_end(&siege, "ids", 65536);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endurance_words");
	TCase *tests = tcase_create("words");
	tcase_set_timeout(tests, 240);
	tcase_add_test(tests, messages_that_are_too_long_or_lie_about_it_end_their_connection);
	tcase_add_test(tests, what_is_hard_to_read_is_read_or_refused);
	tcase_add_test(tests, a_hundred_thousand_requests_in_one_write_go_with_others);
	tcase_add_test(tests, requests_that_are_cancelled_at_once_are_over_at_once);
	tcase_add_test(tests, millions_of_ids_are_looked_for);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
