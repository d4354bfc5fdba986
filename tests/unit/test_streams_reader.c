/* What a command says, where a descriptor is attached: all of it gets there, the command waits for a reader that is
 * slow, and is told when it has gone. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "streams_world.h"

#define KEEP ((size_t)64 * 1024)
#define LINES 250000 /* of 7 bytes: more than all pipes hold */
#define SEQ "{\"argv\":[\"seq\",\"-w\",\"1\",\"250000\"],\"fds\":[\"stdout\"]}"
#define HELD ((uint64_t)4 * 1024 * 1024) /* what a pipe on either side and the buffer hold at most, and more */
#define SOME_KIB (16 * 1024)

static struct world world;

static void set_up(void)
{
	world_set_up(&world, KEEP);
}

static void tear_down(void)
{
	world_tear_down(&world);
}

/* --- readers --- */

struct reading {
	pthread_t thread;
	int fd;
	uint64_t bytes;
	bool wrong; /* something else than what `seq -w` says */
	bool any;   /* it is not looked at */
};

static void *read_all(void *user)
{
	static _Thread_local char piece[65536];
	struct reading *reading = user;
	for (;;) {
		ssize_t n = read(reading->fd, piece, sizeof(piece));
		if (n <= 0)
			return NULL;
		for (ssize_t i = 0; i < n && !reading->any; i++) {
			char line[16];
			uint64_t at = reading->bytes + (uint64_t)i;
			snprintf(line, sizeof(line), "%06u\n", (unsigned)(at / 7 + 1));
			reading->wrong = reading->wrong || piece[i] != line[at % 7];
		}
		reading->bytes += (uint64_t)n;
	}
}

static void start_reading(struct reading *reading, int fd)
{
	*reading = (struct reading){ .fd = fd };
	ck_assert_int_eq(pthread_create(&reading->thread, NULL, read_all, reading), 0);
}

static void assert_all_was_read(struct reading *reading)
{
	ck_assert_int_eq(pthread_join(reading->thread, NULL), 0);
	ck_assert(!reading->wrong);
	ck_assert_uint_eq(reading->bytes, (uint64_t)LINES * 7);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), (uint64_t)LINES * 7);
	close(reading->fd);
}

static void two_ends(bool socket, int ends[2])
{
	if (socket)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	else
		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	if (socket) { /* of a pipe, the first is the one that is read */
		int first = ends[0];
		ends[0] = ends[1];
		ends[1] = first;
	}
}

/* --- everything gets there --- */

START_TEST(a_reader_gets_all_of_it)
{
	struct reading reading;
	int ends[2];
	two_ends(_i == 1, ends);
	start_reading(&reading, ends[0]);
	ck_assert_int_eq(world_run(&world, SEQ, &ends[1]), 0);
	assert_all_was_read(&reading);
}
END_TEST

START_TEST(a_reader_and_a_log_get_all_of_it)
{
	struct reading reading;
	char *folder = world_folder(), byte;
	uint64_t total;
	int ends[2];
	two_ends(false, ends);
	world.log_dir = folder;
	start_reading(&reading, ends[0]);
	ck_assert_int_eq(world_run(&world, SEQ, &ends[1]), 0);
	assert_all_was_read(&reading);
	ck_assert_int_eq(command_log_read(folder, TASK_ID, ATTEMPT, CAPTURE_STDOUT, 0, &byte, 1, &total), 1);
	ck_assert_uint_eq(total, (uint64_t)LINES * 7);
	world_remove_folder(folder);
}
END_TEST

/* Splicing to a file that is appended to is refused. */
START_TEST(a_file_gets_all_of_it)
{
	struct reading reading;
	char *folder = world_folder(), path[100];
	snprintf(path, sizeof(path), "%s/out", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (_i == 1 ? O_APPEND : 0), 0600);
	ck_assert_int_ge(fd, 0);
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	ck_assert_int_eq(world_run(&world, SEQ, &fd), 0);
	ck_assert_int_eq(lseek(kept, 0, SEEK_SET), 0);
	start_reading(&reading, kept);
	assert_all_was_read(&reading);
	world_remove_folder(folder);
}
END_TEST

START_TEST(a_terminal_gets_all_of_it)
{
	struct reading reading;
	struct termios mode;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(unlockpt(master), 0);
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(tcgetattr(slave, &mode), 0);
	cfmakeraw(&mode);
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &mode), 0);
	start_reading(&reading, master);
	ck_assert_int_eq(world_run(&world, SEQ, &slave), 0);
	assert_all_was_read(&reading);
}
END_TEST

START_TEST(both_outputs_have_readers_of_their_own)
{
	char text[20] = "";
	int out[2], err[2];
	two_ends(false, out);
	two_ends(false, err);
	const int fds[] = { err[1], out[1] };
	ck_assert_int_eq(
		world_run(&world, "{\"shell\":\"echo a; echo b >&2\",\"fds\":[\"stderr\",\"stdout\"]}", fds), 0);
	ck_assert_int_eq(read(out[0], text, sizeof(text)), 2);
	ck_assert_str_eq(text, "a\n");
	ck_assert_int_eq(read(err[0], text, sizeof(text)), 2);
	ck_assert_str_eq(text, "b\n");
	ck_assert_int_eq(read(err[0], text, sizeof(text)), 0); /* nobody has it open any more */
	world_assert_text(&world, CAPTURE_STDOUT, "a\n");
	world_assert_text(&world, CAPTURE_STDERR, "b\n");
	close(out[0]);
	close(err[0]);
}
END_TEST

/* A stand-in for 10 GiB. */
START_TEST(what_passes_to_a_reader_costs_no_memory)
{
	struct reading reading = { .any = true };
	int ends[2];
	two_ends(_i == 1, ends);
	reading.fd = ends[0];
	ck_assert_int_eq(pthread_create(&reading.thread, NULL, read_all, &reading), 0);
	world_start(&world, "{\"argv\":[\"head\",\"-c\",\"256M\",\"/dev/zero\"],\"fds\":[\"stdout\"]}", &ends[1]);
	world_flow_until(&world, CAPTURE_STDOUT, HELD);
	long before = world_rss();
	world_flow(&world);
	ck_assert_int_le(world_rss(), before + SOME_KIB);
	ck_assert_int_eq(world_wait(&world), 0);
	ck_assert_int_eq(pthread_join(reading.thread, NULL), 0);
	ck_assert_uint_eq(reading.bytes, (uint64_t)256 << 20);
	close(ends[0]);
}
END_TEST

START_TEST(direct_descriptors_are_the_commands_own)
{
	char text[20] = "";
	int ends[2];
	two_ends(false, ends);
	ck_assert_int_eq(
		world_run(&world, "{\"shell\":\"echo a; echo b >&2\",\"fds\":[\"stdout\"],\"direct\":true}", &ends[1]),
		0);
	ck_assert_int_eq(read(ends[0], text, sizeof(text)), 2);
	ck_assert_str_eq(text, "a\n");
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 0);
	world_assert_text(&world, CAPTURE_STDERR, "b\n");
	close(ends[0]);
}
END_TEST

/* --- slow ones --- */

START_TEST(the_command_waits_for_a_reader_that_stalls)
{
	struct reading reading;
	int ends[2];
	two_ends(_i == 1, ends);
	int kept = fcntl(ends[1], F_DUPFD_CLOEXEC, 0);
	world_start(&world, SEQ, &ends[1]);
	world_flow_until_stalled(&world);
	ck_assert_int_eq(fcntl(kept, F_GETFL) & O_NONBLOCK, 0); /* whose it is, too, finds it as it was */
	close(kept);
	ck_assert_uint_lt(world_total(&world, CAPTURE_STDOUT), (uint64_t)LINES * 7);
	ck_assert_int_eq(waitpid(world.pid, NULL, WNOHANG), 0);
	start_reading(&reading, ends[0]);
	world_flow(&world);
	ck_assert_int_eq(world_wait(&world), 0);
	assert_all_was_read(&reading);
}
END_TEST

START_TEST(a_reader_that_stalls_holds_up_its_own_stream_only)
{
	int ends[2];
	two_ends(false, ends);
	world_start(&world, "{\"shell\":\"yes & seq 1 100000 >&2; kill $!\",\"fds\":[\"stdout\"]}", &ends[1]);
	while (world_total(&world, CAPTURE_STDERR) < 588895)
		ck_assert(world_step(&world));
	ck_assert_uint_lt(world_total(&world, CAPTURE_STDOUT), HELD);
	ck_assert_int_eq(world_wait(&world), 0);
	close(ends[0]);
}
END_TEST

START_TEST(a_slow_reader_gets_the_rest_when_the_command_has_ended)
{
	struct reading reading;
	int ends[2];
	two_ends(false, ends);
	/* What two pipes hold, and one does not. */
	world_start(&world, "{\"shell\":\"seq -w 1 250000 | head -c 100000\",\"fds\":[\"stdout\"]}", &ends[1]);
	world_flow_until_stalled(&world);
	ck_assert_int_eq(world_wait(&world), 0);
	streams_drain(world.streams);
	ck_assert(world_is_stalled(&world));
	start_reading(&reading, ends[0]);
	world_flow(&world);
	ck_assert_int_eq(pthread_join(reading.thread, NULL), 0);
	ck_assert(!reading.wrong);
	ck_assert_uint_eq(reading.bytes, 100000);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 100000);
	close(ends[0]);
}
END_TEST

START_TEST(a_reader_that_is_given_up_holds_up_nothing)
{
	struct pollfd entries[STREAMS_POLL_MAX];
	int ends[2];
	two_ends(false, ends);
	world_start(&world, SEQ, &ends[1]);
	world_flow_until_stalled(&world);
	kill(world.pid, SIGKILL);
	ck_assert(WIFSIGNALED(world_wait(&world)));
	streams_drain(world.streams);
	ck_assert(world_is_stalled(&world));
	streams_abandon(world.streams);
	ck_assert_uint_eq(streams_poll(world.streams, entries), 0);
	close(ends[0]);
}
END_TEST

START_TEST(a_command_whose_reader_is_given_up_goes_on)
{
	int ends[2];
	two_ends(false, ends);
	world_start(&world, SEQ, &ends[1]);
	world_flow_until_stalled(&world);
	streams_abandon(world.streams);
	world_flow(&world);
	ck_assert_int_eq(world_wait(&world), 0);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), (uint64_t)LINES * 7);
	close(ends[0]);
}
END_TEST

/* --- those that go away --- */

START_TEST(a_command_whose_reader_goes_away_is_told)
{
	int ends[2];
	two_ends(_i == 1, ends);
	world_start(&world, "{\"argv\":[\"yes\"],\"fds\":[\"stdout\"]}", &ends[1]);
	world_flow_until_stalled(&world);
	close(ends[0]);
	world_flow(&world);
	int status = world_wait(&world);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGPIPE);
}
END_TEST

START_TEST(the_first_write_after_the_reader_has_gone_fails)
{
	int ends[2];
	two_ends(_i == 1, ends);
	world_start(&world, "{\"shell\":\"read x; echo in vain\",\"stdin_live\":true,\"fds\":[\"stdout\"]}", &ends[1]);
	close(ends[0]);
	ck_assert(world_step(&world)); /* stderr is still open, and silent: it is the reader's end that wakes us */
	ck_assert_int_eq(streams_send(world.streams, "x\n", 2, false), STREAMS_TAKEN);
	int status = world_wait(&world);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGPIPE);
}
END_TEST

START_TEST(what_is_left_is_captured_though_the_reader_has_gone)
{
	struct pollfd entries[STREAMS_POLL_MAX];
	int ends[2];
	two_ends(false, ends);
	capture_begin(world.end, TASK_ID, ATTEMPT, 1000); /* so that it is not taken at once */
	world_start(&world, "{\"argv\":[\"head\",\"-c\",\"50000\",\"/dev/zero\"],\"fds\":[\"stdout\"]}", &ends[1]);
	ck_assert_int_eq(world_wait(&world), 0);
	close(ends[0]);
	streams_drain(world.streams);
	ck_assert_uint_eq(streams_poll(world.streams, entries), 0);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 50000);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_as_a_reader_that_has_gone)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int status = world_run(&world, "{\"argv\":[\"yes\"],\"fds\":[\"stdout\"]}", &full);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGPIPE);
}
END_TEST

/* --- others' descriptors --- */

START_TEST(a_descriptor_that_is_only_read_from_does_not_become_more)
{
	int ends[2];
	two_ends(false, ends);
	ck_assert(!world_open(&world, "{\"argv\":[\"true\"],\"fds\":[\"stdout\"]}", &ends[0]));
	ck_assert_int_eq(errno, EBADF);
	ck_assert_str_eq(world.step, "write to the descriptor for standard output");
	ck_assert_int_lt(fcntl(ends[0], F_GETFD), 0); /* it was taken over all the same */
	close(ends[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams_reader");
	TCase *tests = tcase_create("reader");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, a_reader_gets_all_of_it, 0, 2);
	tcase_add_test(tests, a_reader_and_a_log_get_all_of_it);
	tcase_add_loop_test(tests, a_file_gets_all_of_it, 0, 2);
	tcase_add_test(tests, a_terminal_gets_all_of_it);
	tcase_add_test(tests, both_outputs_have_readers_of_their_own);
	tcase_add_loop_test(tests, what_passes_to_a_reader_costs_no_memory, 0, 2);
	tcase_add_test(tests, direct_descriptors_are_the_commands_own);
	tcase_add_loop_test(tests, the_command_waits_for_a_reader_that_stalls, 0, 2);
	tcase_add_test(tests, a_reader_that_stalls_holds_up_its_own_stream_only);
	tcase_add_test(tests, a_slow_reader_gets_the_rest_when_the_command_has_ended);
	tcase_add_test(tests, a_reader_that_is_given_up_holds_up_nothing);
	tcase_add_test(tests, a_command_whose_reader_is_given_up_goes_on);
	tcase_add_loop_test(tests, a_command_whose_reader_goes_away_is_told, 0, 2);
	tcase_add_loop_test(tests, the_first_write_after_the_reader_has_gone_fails, 0, 2);
	tcase_add_test(tests, what_is_left_is_captured_though_the_reader_has_gone);
	tcase_add_test(tests, a_file_that_cannot_be_written_is_as_a_reader_that_has_gone);
	tcase_add_test(tests, a_descriptor_that_is_only_read_from_does_not_become_more);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
