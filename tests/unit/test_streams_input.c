/* What a command reads, and the terminal, which is both ways. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/strbuf.h"
#include "streams_world.h"

#define KEEP ((size_t)1024 * 1024)
#define LIMIT (64 * 1024) /* of what waits for a command that does not read */

static struct world world;

static void set_up(void)
{
	world_set_up(&world, KEEP);
}

static void tear_down(void)
{
	world_tear_down(&world);
}

/* --- what is there from the start --- */

START_TEST(without_input_there_is_nothing_to_read)
{
	ck_assert_int_eq(world_run(&world, "{\"shell\":\"cat; readlink /proc/self/fd/0\"}", NULL), 0);
	world_assert_text(&world, CAPTURE_STDOUT, "/dev/null\n");
}
END_TEST

START_TEST(given_bytes_are_read)
{
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"cat\"],\"stdin_base64\":\"AAEC//4K\"}", NULL), 0);
	world_assert_said(&world, CAPTURE_STDOUT, "\0\1\2\377\376\n", 6);
}
END_TEST

START_TEST(no_bytes_are_bytes_too)
{
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"wc\",\"-c\"],\"stdin\":\"\"}", NULL), 0);
	world_assert_text(&world, CAPTURE_STDOUT, "0\n");
}
END_TEST

START_TEST(bytes_that_nobody_reads_hang_nothing)
{
	struct strbuf args = STRBUF_INIT;
	strbuf_puts(&args, "{\"argv\":[\"true\"],\"stdin\":\"");
	for (int i = 0; i < 1024 * 1024; i++)
		strbuf_puts(&args, "x");
	strbuf_puts(&args, "\"}");
	ck_assert_int_eq(world_run(&world, args.data, NULL), 0);
	strbuf_free(&args);
}
END_TEST

START_TEST(bytes_cannot_be_written)
{
	world_run(&world, "{\"shell\":\"echo y >&0 || cat\",\"stdin\":\"x\"}", NULL);
	world_assert_text(&world, CAPTURE_STDOUT, "x");
}
END_TEST

static const char *args_of_file(const char *path)
{
	static char args[300];
	snprintf(args, sizeof(args), "{\"argv\":[\"cat\"],\"stdin_file\":\"%s\"}", path);
	return args;
}

START_TEST(a_file_is_read)
{
	char *folder = world_folder(), path[100];
	snprintf(path, sizeof(path), "%s/in", folder);
	FILE *file = fopen(path, "we");
	fputs("from a file\n", file);
	fclose(file);
	ck_assert_int_eq(world_run(&world, args_of_file(path), NULL), 0);
	world_assert_text(&world, CAPTURE_STDOUT, "from a file\n");
	world_remove_folder(folder);
}
END_TEST

START_TEST(a_file_that_is_none_is_told)
{
	const struct {
		const char *path;
		int error;
	} wrong[] = { { "/nonexistent", ENOENT }, { "/tmp", EISDIR }, { "/dev/null/x", ENOTDIR } };
	ck_assert(!world_open(&world, args_of_file(wrong[_i].path), NULL));
	ck_assert_int_eq(errno, wrong[_i].error);
	ck_assert_str_eq(world.step, "open the file for standard input");
}
END_TEST

START_TEST(a_fifo_without_writers_hangs_nothing)
{
	char *folder = world_folder(), path[100];
	snprintf(path, sizeof(path), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(world_run(&world, args_of_file(path), NULL), 0);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 0);
	world_remove_folder(folder);
}
END_TEST

START_TEST(a_descriptor_is_the_commands_own)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], "one\ntwo\n", 8), 8);
	close(ends[1]);
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"cat\"],\"fds\":[\"stdin\"]}", ends), 0);
	world_assert_text(&world, CAPTURE_STDOUT, "one\ntwo\n");
	ck_assert_int_lt(fcntl(ends[0], F_GETFD), 0); /* taken over */
}
END_TEST

/* --- live --- */

static void type(const char *text)
{
	ck_assert_int_eq(streams_send(world.streams, text, strlen(text), false), STREAMS_TAKEN);
}

START_TEST(what_is_sent_is_read_as_it_comes)
{
	world_start(&world, "{\"argv\":[\"cat\"],\"stdin_live\":true}", NULL);
	type("one\n");
	world_flow_until(&world, CAPTURE_STDOUT, 4);
	type("two\n");
	world_flow_until(&world, CAPTURE_STDOUT, 8);
	ck_assert_int_eq(streams_send(world.streams, "end", 3, true), STREAMS_TAKEN);
	world_flow(&world);
	world_assert_text(&world, CAPTURE_STDOUT, "one\ntwo\nend");
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
	ck_assert_int_eq(world_wait(&world), 0);
}
END_TEST

START_TEST(only_so_much_waits_for_a_command_that_does_not_read)
{
	static char piece[4096];
	size_t taken = 0;
	memset(piece, 'x', sizeof(piece));
	world_start(&world, "{\"shell\":\"exec 3<&0 </dev/null; kill -STOP $$; wc -c <&3\",\"stdin_live\":true}", NULL);
	while (streams_send(world.streams, piece, sizeof(piece), false) == STREAMS_TAKEN)
		taken += sizeof(piece);
	ck_assert_uint_ge(taken, LIMIT);
	ck_assert_uint_le(taken, LIMIT + 64 * 1024); /* beside it, the pipe's own */
	ck_assert_int_eq(streams_send(world.streams, piece, sizeof(piece), true), STREAMS_FULL);
	ck_assert_int_eq(streams_send(world.streams, NULL, 0, true), STREAMS_TAKEN);
	ck_assert_int_eq(streams_send(world.streams, NULL, 0, true), STREAMS_CLOSED);
	int status;
	ck_assert_int_eq(waitpid(world.pid, &status, WUNTRACED), world.pid);
	ck_assert_int_eq(kill(world.pid, SIGCONT), 0);
	world_flow(&world);
	char expected[20];
	snprintf(expected, sizeof(expected), "%zu\n", taken);
	world_assert_text(&world, CAPTURE_STDOUT, expected);
}
END_TEST

START_TEST(an_input_that_the_command_has_closed_is_told)
{
	world_start(&world, "{\"shell\":\"exec <&-; echo closed; exec sleep 1000\",\"stdin_live\":true}", NULL);
	world_flow_until(&world, CAPTURE_STDOUT, 7);
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
}
END_TEST

START_TEST(an_input_that_is_closed_with_something_waiting_is_over)
{
	static char piece[32 * 1024];
	world_start(&world, "{\"shell\":\"read x; exec <&- >&- 2>&-; sleep 1000\",\"stdin_live\":true}", NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(streams_send(world.streams, piece, sizeof(piece), false), STREAMS_TAKEN);
	type("\n");
	world_flow(&world);
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
}
END_TEST

START_TEST(what_waits_when_the_command_has_ended_is_dropped)
{
	static char piece[32 * 1024];
	struct pollfd entries[STREAMS_POLL_MAX];
	size_t length;
	uint64_t total;
	world_start(&world, "{\"shell\":\"exec 3<&0; sleep 1000 <&3 & echo $!\",\"stdin_live\":true}", NULL);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(streams_send(world.streams, piece, sizeof(piece), false), STREAMS_TAKEN);
	ck_assert_int_eq(world_wait(&world), 0);
	streams_drain(world.streams);
	ck_assert_uint_eq(streams_poll(world.streams, entries), 0);
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
	ck_assert_int_eq(kill((pid_t)atoi(capture_data(world.end, CAPTURE_STDOUT, &length, &total)), SIGKILL), 0);
}
END_TEST

START_TEST(without_a_live_input_nothing_can_be_sent)
{
	world_start(&world, "{\"argv\":[\"sleep\",\"1000\"]}", NULL);
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
	ck_assert_int_eq(streams_window(world.streams, 10, 10), -1);
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

/* --- a terminal --- */

static bool has_said(const char *text)
{
	size_t length;
	uint64_t total;
	const char *said = capture_data(world.end, CAPTURE_STDOUT, &length, &total);
	return memmem(said, length, text, strlen(text));
}

static void flow_until_said(const char *text)
{
	while (!has_said(text))
		ck_assert(world_step(&world));
}

START_TEST(a_terminal_is_one)
{
	world_start(&world,
		"{\"shell\":\"test -t 0 && test -t 1 && test -t 2 && stty size; read x; stty size\",\"tty\":true,"
		"\"rows\":50,\"columns\":132}",
		NULL);
	flow_until_said("50 132\r\n");
	ck_assert_int_eq(streams_window(world.streams, 5, 6), 0);
	type("go\n");
	world_flow(&world);
	world_assert_text(&world, CAPTURE_STDOUT, "50 132\r\ngo\r\n5 6\r\n");
	ck_assert_int_eq(world_wait(&world), 0);
}
END_TEST

START_TEST(a_terminals_size_is_what_it_always_was)
{
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"stty\",\"size\"],\"tty\":true}", NULL), 0);
	world_assert_text(&world, CAPTURE_STDOUT, "24 80\r\n");
}
END_TEST

START_TEST(a_change_of_size_is_signalled)
{
	world_start(&world,
		"{\"shell\":\"trap 'echo changed; exit 0' WINCH; echo ready; while :; do read x; done\",\"tty\":true}",
		NULL);
	flow_until_said("ready");
	ck_assert_int_eq(streams_window(world.streams, 30, 90), 0);
	flow_until_said("changed");
	world_flow(&world);
	ck_assert_int_eq(world_wait(&world), 0);
}
END_TEST

START_TEST(a_terminals_end_is_typed)
{
	static const char *const typed[] = { "a\n", "a" };
	world_start(&world, "{\"argv\":[\"wc\",\"-c\"],\"tty\":true}", NULL);
	ck_assert_int_eq(streams_send(world.streams, typed[_i], strlen(typed[_i]), true), STREAMS_TAKEN);
	world_flow(&world);
	ck_assert_int_eq(world_wait(&world), 0);
	ck_assert(has_said(_i == 0 ? "2\r\n" : "1\r\n"));
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
}
END_TEST

START_TEST(keys_are_the_terminals)
{
	world_start(&world, "{\"shell\":\"echo ready; exec cat\",\"tty\":true}", NULL);
	flow_until_said("ready");
	type("\003"); /* what the interrupt key gives */
	world_flow(&world);
	int status = world_wait(&world);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGINT);
}
END_TEST

START_TEST(a_descriptor_is_typed_into_the_terminal)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	int kept = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
	world_start(&world, "{\"argv\":[\"wc\",\"-l\"],\"tty\":true,\"fds\":[\"stdin\"]}", ends);
	ck_assert_int_eq(fcntl(kept, F_GETFL) & O_NONBLOCK, 0);
	close(kept);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(write(ends[1], "line\n", 5), 5);
	close(ends[1]);
	world_flow(&world);
	ck_assert_int_eq(world_wait(&world), 0);
	ck_assert(has_said("\n100\r\n"));
}
END_TEST

START_TEST(a_terminal_that_is_not_read_from_takes_only_so_much)
{
	static char piece[4096];
	memset(piece, '\n', sizeof(piece));
	world_start(&world, "{\"shell\":\"stty -echo; echo ready; exec sleep 1000\",\"tty\":true}", NULL);
	flow_until_said("ready");
	size_t taken = 0;
	while (streams_send(world.streams, piece, sizeof(piece), false) == STREAMS_TAKEN) {
		taken += sizeof(piece);
		ck_assert_uint_le(taken, 1024 * 1024);
	}
	kill(world.pid, SIGKILL);
	world_flow(&world);
	ck_assert(WIFSIGNALED(world_wait(&world)));
}
END_TEST

START_TEST(a_terminal_whose_reader_goes_away_hangs_up)
{
	int ends[2];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	world_start(&world, "{\"shell\":\"echo ready; exec sleep 1000\",\"tty\":true,\"fds\":[\"stdout\"]}", &ends[1]);
	flow_until_said("ready");
	close(ends[0]);
	world_flow(&world);
	int status = world_wait(&world);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGHUP);
	ck_assert_int_eq(streams_send(world.streams, "x", 1, false), STREAMS_CLOSED);
}
END_TEST

START_TEST(a_command_may_close_its_terminal_and_live_on)
{
	world_start(
		&world, "{\"shell\":\"echo bye; exec 3</dev/zero <&- >&- 2>&-; kill -STOP $$\",\"tty\":true}", NULL);
	world_flow(&world);
	world_assert_text(&world, CAPTURE_STDOUT, "bye\r\n");
	int status;
	ck_assert_int_eq(waitpid(world.pid, &status, WUNTRACED), world.pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(kill(world.pid, SIGCONT), 0);
	ck_assert_int_eq(world_wait(&world), 0);
}
END_TEST

START_TEST(what_a_terminal_has_still_to_show_at_the_end_is_taken)
{
	struct pollfd entries[STREAMS_POLL_MAX];
	world_start(&world, "{\"shell\":\"seq 1 500; trap '' HUP; sleep 1000 & exit 0\",\"tty\":true}", NULL);
	ck_assert_int_eq(world_wait(&world), 0);
	streams_drain(world.streams);
	ck_assert_uint_eq(streams_poll(world.streams, entries), 0);
	ck_assert(has_said("500\r\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams_input");
	TCase *tests = tcase_create("input");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, without_input_there_is_nothing_to_read);
	tcase_add_test(tests, given_bytes_are_read);
	tcase_add_test(tests, no_bytes_are_bytes_too);
	tcase_add_test(tests, bytes_that_nobody_reads_hang_nothing);
	tcase_add_test(tests, bytes_cannot_be_written);
	tcase_add_test(tests, a_file_is_read);
	tcase_add_loop_test(tests, a_file_that_is_none_is_told, 0, 3);
	tcase_add_test(tests, a_fifo_without_writers_hangs_nothing);
	tcase_add_test(tests, a_descriptor_is_the_commands_own);
	tcase_add_test(tests, what_is_sent_is_read_as_it_comes);
	tcase_add_test(tests, only_so_much_waits_for_a_command_that_does_not_read);
	tcase_add_test(tests, an_input_that_the_command_has_closed_is_told);
	tcase_add_test(tests, an_input_that_is_closed_with_something_waiting_is_over);
	tcase_add_test(tests, what_waits_when_the_command_has_ended_is_dropped);
	tcase_add_test(tests, without_a_live_input_nothing_can_be_sent);
	suite_add_tcase(suite, tests);

	tests = tcase_create("terminal");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_terminal_is_one);
	tcase_add_test(tests, a_terminals_size_is_what_it_always_was);
	tcase_add_test(tests, a_change_of_size_is_signalled);
	tcase_add_loop_test(tests, a_terminals_end_is_typed, 0, 2);
	tcase_add_test(tests, keys_are_the_terminals);
	tcase_add_test(tests, a_descriptor_is_typed_into_the_terminal);
	tcase_add_test(tests, a_terminal_that_is_not_read_from_takes_only_so_much);
	tcase_add_test(tests, a_terminal_whose_reader_goes_away_hangs_up);
	tcase_add_test(tests, a_command_may_close_its_terminal_and_live_on);
	tcase_add_test(tests, what_a_terminal_has_still_to_show_at_the_end_is_taken);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
