/* What a command says, where nobody but taskd listens: the capture, its limit, logs, followers, and the end. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lane_fixture.h"
#include "streams_world.h"

#define KEEP ((size_t)64 * 1024)
#define MIB ((uint64_t)1024 * 1024)
#define SOME_KIB (16 * 1024) /* libcheck's own memory, under a sanitizer that gives nothing back */

static struct world world;

static void set_up(void)
{
	world_set_up(&world, KEEP);
}

static void tear_down(void)
{
	world_tear_down(&world);
}

START_TEST(both_outputs_are_kept_apart)
{
	int status = world_run(&world, "{\"shell\":\"echo out; echo err >&2; echo more\"}", NULL);
	ck_assert_int_eq(status, 0);
	world_assert_text(&world, CAPTURE_STDOUT, "out\nmore\n");
	world_assert_text(&world, CAPTURE_STDERR, "err\n");
}
END_TEST

START_TEST(merged_outputs_keep_their_order)
{
	world_run(&world, "{\"shell\":\"echo a; echo b >&2; echo c\",\"merge\":true}", NULL);
	world_assert_text(&world, CAPTURE_STDOUT, "a\nb\nc\n");
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDERR), 0);
}
END_TEST

START_TEST(bytes_of_any_kind_survive)
{
	char all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	world_run(&world,
		"{\"shell\":\"i=0; while [ $i -lt 256 ]; do printf \\\"\\\\\\\\$(printf %03o $i)\\\"; "
		"i=$((i+1)); done\"}",
		NULL);
	world_assert_said(&world, CAPTURE_STDOUT, all, sizeof(all));
}
END_TEST

START_TEST(what_is_over_the_limit_is_counted_and_not_kept)
{
	size_t kept;
	uint64_t total;
	world_run(&world, "{\"shell\":\"printf begin; head -c 5M /dev/zero\"}", NULL);
	const char *said = capture_data(world.end, CAPTURE_STDOUT, &kept, &total);
	ck_assert_uint_eq(total, 5 * MIB + 5);
	ck_assert_uint_eq(kept, KEEP);
	ck_assert_mem_eq(said, "begin\0\0", 7);
}
END_TEST

/* A stand-in for 10 GiB. */
START_TEST(output_that_nobody_wants_costs_no_memory)
{
	world_start(&world, "{\"argv\":[\"head\",\"-c\",\"384M\",\"/dev/zero\"]}", NULL);
	world_flow_until(&world, CAPTURE_STDOUT, 4 * MIB);
	long before = world_rss();
	world_flow(&world);
	ck_assert_int_le(world_rss(), before + SOME_KIB);
	ck_assert_int_eq(world_wait(&world), 0);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 384 * MIB);
}
END_TEST

START_TEST(a_command_may_close_its_outputs_and_live_on)
{
	world_start(&world, "{\"shell\":\"echo bye; exec >&- 2>&-; read x\",\"stdin_live\":true}", NULL);
	world_flow(&world);
	world_assert_text(&world, CAPTURE_STDOUT, "bye\n");
	ck_assert_int_eq(waitpid(world.pid, NULL, WNOHANG), 0);
	ck_assert_int_eq(streams_send(world.streams, "x\n", 2, false), STREAMS_TAKEN);
	ck_assert_int_eq(world_wait(&world), 0);
}
END_TEST

/* The pid that it has printed. */
static pid_t said_pid(void)
{
	size_t length;
	uint64_t total;
	return (pid_t)atoi(capture_data(world.end, CAPTURE_STDOUT, &length, &total));
}

START_TEST(what_is_held_open_after_the_end_is_taken_and_left)
{
	world_start(&world, "{\"shell\":\"sleep 1000 & echo $!; printf a >&2\"}", NULL);
	ck_assert_int_eq(world_wait(&world), 0);
	streams_drain(world.streams);
	pid_t holder = said_pid();
	struct pollfd entries[STREAMS_POLL_MAX];
	ck_assert_uint_eq(streams_poll(world.streams, entries), 0);
	ck_assert_int_eq(kill(holder, SIGKILL), 0);
	world_assert_text(&world, CAPTURE_STDERR, "a");
}
END_TEST

START_TEST(what_is_still_in_the_pipe_at_the_end_is_taken)
{
	world_start(&world, "{\"argv\":[\"head\",\"-c\",\"50000\",\"/dev/zero\"]}", NULL);
	ck_assert_int_eq(world_wait(&world), 0);
	streams_drain(world.streams);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 50000);
}
END_TEST

/* --- followers --- */

static struct both both;

static void follow(uint32_t ring)
{
	struct lane_request request;
	both = both_make(ring);
	(void)send_ok(both.lane, "[]");
	ck_assert_int_eq(lane_end_take(both.end, &request), LANE_OK);
	world.lane_end = both.end;
	capture_follow(world.capture, TASK_ID, ATTEMPT, true);
}

struct heard {
	uint64_t bytes;
	uint64_t gaps;
	uint64_t at[CAPTURE_N_STREAMS];
};

/* What has come so far; each byte has to be what `seq -w` says at its offset. */
static void listen_to(struct heard *heard)
{
	struct lane_reply reply;
	while (lane_receive(both.lane, &reply) == LANE_OK) {
		ck_assert_int_eq(reply.word, LANE_OUTPUT);
		ck_assert_uint_le(reply.payload->size, LANE_INLINE_LIMIT);
		ck_assert_uint_ge(reply.offset, heard->at[reply.code]);
		heard->gaps += reply.offset > heard->at[reply.code];
		heard->at[reply.code] = reply.offset + reply.payload->size;
		heard->bytes += reply.payload->size;
		char said[LANE_INLINE_LIMIT];
		for (size_t i = 0; i < reply.payload->size; i++) {
			char line[16];
			uint64_t offset = reply.offset + i;
			snprintf(line, sizeof(line), "%07u\n", (unsigned)(offset / 8 + 1));
			said[i] = line[offset % 8];
		}
		ck_assert_mem_eq(reply.payload->data, said, reply.payload->size);
		bytes_unref(reply.payload);
	}
}

START_TEST(followers_are_told_what_comes)
{
	struct heard heard = { 0 };
	follow(1 << 20);
	world_start(&world, "{\"shell\":\"seq -w 1 1000000 | head -c 400000\"}", NULL);
	while (world_step(&world))
		listen_to(&heard);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 400000); /* of which the capture keeps the first */
	ck_assert_uint_eq(heard.bytes, 400000);
	ck_assert_uint_eq(heard.gaps, 0);
	both_free(&both);
}
END_TEST

START_TEST(what_has_no_room_for_followers_is_left_out)
{
	struct heard heard = { 0 };
	follow(1 << 17);
	world_start(&world, "{\"argv\":[\"seq\",\"-w\",\"1\",\"1000000\"]}", NULL);
	for (int i = 0; world_step(&world); i++)
		if (i % 32 == 0)
			listen_to(&heard);
	ck_assert_int_eq(world_wait(&world), 0);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 8000000);
	ck_assert_uint_gt(heard.bytes, 0);
	ck_assert_uint_lt(heard.bytes, 8000000);
	ck_assert_uint_gt(heard.gaps, 0);
	both_free(&both);
}
END_TEST

/* --- logs --- */

static void limit_files(rlim_t bytes)
{
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ .rlim_cur = bytes, .rlim_max = RLIM_INFINITY }), 0);
}

static uint64_t log_size(const char *folder, enum capture_stream stream)
{
	char byte;
	uint64_t total = UINT64_MAX;
	ssize_t n = command_log_read(folder, TASK_ID, ATTEMPT, stream, 0, &byte, 1, &total);
	return n < 0 ? UINT64_MAX : total;
}

START_TEST(a_log_has_all_of_it)
{
	char *folder = world_folder(), page[20] = "";
	uint64_t total;
	world.log_dir = folder;
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"seq\",\"-w\",\"1\",\"1000000\"]}", NULL), 0);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 8000000);
	ck_assert_uint_eq(log_size(folder, CAPTURE_STDOUT), 8000000);
	for (uint64_t line = 0; line < 1000000; line += 997) {
		ck_assert_int_eq(
			command_log_read(folder, TASK_ID, ATTEMPT, CAPTURE_STDOUT, line * 8, page, 8, &total), 8);
		ck_assert_uint_eq((uint64_t)atol(page), line + 1);
	}
	ck_assert_int_eq(streams_log_error(world.streams), 0);
	streams_free(world.streams);
	world.streams = NULL;
	ck_assert_uint_eq(log_size(folder, CAPTURE_STDOUT), 8000000);
	ck_assert_uint_eq(log_size(folder, CAPTURE_STDERR), UINT64_MAX); /* nothing was said */
	world_remove_folder(folder);
}
END_TEST

START_TEST(a_log_that_is_full_does_not_hold_anything_up)
{
	char *folder = world_folder();
	world.log_dir = folder;
	limit_files(200000);
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"seq\",\"-w\",\"1\",\"1000000\"]}", NULL), 0);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(streams_log_error(world.streams), EFBIG);
	ck_assert_uint_eq(world_total(&world, CAPTURE_STDOUT), 8000000);
	ck_assert_uint_eq(log_size(folder, CAPTURE_STDOUT), 200000);
	world_remove_folder(folder);
}
END_TEST

/* From here on those who wait for us go first, on the one processor that all of us have. */
static void stand_back(bool back)
{
	const struct sched_param none = { .sched_priority = 0 };
	ck_assert_int_eq(sched_setscheduler(0, back ? SCHED_IDLE : SCHED_OTHER, &none), 0);
}

static void share_a_processor(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* They are faster than we, who have a log to write. That comes to its end even where the test would not. */
START_TEST(those_who_go_on_writing_after_the_end_are_left_alone)
{
	struct pollfd entries[STREAMS_POLL_MAX];
	char *folder = world_folder();
	int status, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	world.log_dir = folder;
	limit_files(16 * MIB);
	share_a_processor();
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that they become ours */
	world_start(
		&world, "{\"shell\":\"for i in 1 2 3 4; do cat /dev/zero >&2 & done\",\"fds\":[\"stderr\"]}", &null);
	ck_assert_int_eq(world_wait(&world), 0);
	world_flow_until(&world, CAPTURE_STDERR, 2 * MIB);
	uint64_t before = world_total(&world, CAPTURE_STDERR);
	stand_back(true);
	streams_drain(world.streams);
	stand_back(false);
	ck_assert_uint_le(world_total(&world, CAPTURE_STDERR) - before, MIB); /* what a pipe holds */
	ck_assert_uint_eq(streams_poll(world.streams, entries), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGPIPE);
	}
	world_remove_folder(folder);
}
END_TEST

START_TEST(a_log_that_cannot_be_made_is_told)
{
	world.log_dir = "/nonexistent";
	ck_assert_int_eq(world_run(&world, "{\"argv\":[\"echo\",\"a\"]}", NULL), 0);
	ck_assert_int_eq(streams_log_error(world.streams), ENOENT);
	world_assert_text(&world, CAPTURE_STDOUT, "a\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("streams");
	TCase *tests = tcase_create("output");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, both_outputs_are_kept_apart);
	tcase_add_test(tests, merged_outputs_keep_their_order);
	tcase_add_test(tests, bytes_of_any_kind_survive);
	tcase_add_test(tests, what_is_over_the_limit_is_counted_and_not_kept);
	tcase_add_test(tests, output_that_nobody_wants_costs_no_memory);
	tcase_add_test(tests, a_command_may_close_its_outputs_and_live_on);
	tcase_add_test(tests, what_is_held_open_after_the_end_is_taken_and_left);
	tcase_add_test(tests, those_who_go_on_writing_after_the_end_are_left_alone);
	tcase_add_test(tests, what_is_still_in_the_pipe_at_the_end_is_taken);
	tcase_add_test(tests, followers_are_told_what_comes);
	tcase_add_test(tests, what_has_no_room_for_followers_is_left_out);
	tcase_add_test(tests, a_log_has_all_of_it);
	tcase_add_test(tests, a_log_that_is_full_does_not_hold_anything_up);
	tcase_add_test(tests, a_log_that_cannot_be_made_is_told);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
