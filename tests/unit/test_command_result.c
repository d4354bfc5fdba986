/* How a command ended, as its result says it. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lane/lane.h"
#include "proto/base64.h"
#include "proto/strbuf.h"
#include "worker/command.h"

#define KEEP 4096

static struct capture *capture;
static struct capture_end *said;
static struct command_end end;
static struct strbuf text;
static json_t *result;

static void set_up(void)
{
	capture = capture_new(KEEP);
	said = capture_end_new(dup(capture_fd(capture)));
	capture_begin(said, 7, 1, KEEP);
	end = (struct command_end){
		.wait_status = W_EXITCODE(3, 0), .pid = 1234, .started_ns = 1000, .ended_ns = 1234568999
	};
}

static void tear_down(void)
{
	json_decref(result);
	result = NULL;
	strbuf_free(&text);
	capture_end_free(said);
	capture_free(capture);
}

static void make(const char *args)
{
	struct json_span span;
	struct json_error where;
	struct command_params params;
	char error[300];
	const struct lane_request request = { .args = args, .args_length = strlen(args) };
	ck_assert_int_eq(json_scan(args, strlen(args), &span, NULL, &where), 0);
	ck_assert_int_eq(command_read(&span, &params, error, sizeof(error)), 0);
	command_result(&text, &params, &request, &end, said);
	command_free(&params);
	ck_assert(!strbuf_failed(&text));
	ck_assert_int_eq(json_scan(text.data, text.length, &span, NULL, &where), 0);
	result = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	ck_assert_ptr_nonnull(result);
}

static const char *string(const char *name)
{
	return json_string_value(json_object_get(result, name));
}

static json_int_t integer(const char *name)
{
	const json_t *value = json_object_get(result, name);
	ck_assert(json_is_integer(value));
	return json_integer_value(value);
}

static bool has(const char *name)
{
	return json_object_get(result, name);
}

static void say(enum capture_stream stream, const char *data)
{
	capture_put(said, stream, data, strlen(data));
}

START_TEST(all_of_it_is_told)
{
	end.usage = (struct rusage){ .ru_utime = { 1, 500000 },
		.ru_stime = { 0, 7 },
		.ru_maxrss = 2,
		.ru_minflt = 3,
		.ru_majflt = 4,
		.ru_inblock = 5,
		.ru_oublock = 6,
		.ru_nvcsw = 7,
		.ru_nivcsw = 8 };
	say(CAPTURE_STDOUT, "hello \"you\"\n");
	make("{\"argv\":[\"ls\",\"-l\"]}");
	ck_assert_str_eq(text.data,
		"{\"command\":\"ls -l\",\"status\":3,\"pid\":1234,\"duration\":1.234567,\"rusage\":{\"user\":1.500000,"
		"\"system\":0.000007,\"max_rss\":2048,\"minor_faults\":3,\"major_faults\":4,\"in_blocks\":5,"
		"\"out_blocks\":6,\"voluntary_switches\":7,\"involuntary_switches\":8},"
		"\"stdout\":\"hello \\\"you\\\"\\n\",\"stdout_bytes\":12,\"stderr\":\"\",\"stderr_bytes\":0}");
}
END_TEST

START_TEST(a_signal_is_told)
{
	end.wait_status = W_EXITCODE(0, SIGSEGV) | WCOREFLAG;
	make("{\"argv\":[\"a\"]}");
	ck_assert(json_is_null(json_object_get(result, "status")));
	ck_assert_str_eq(string("signal"), "SIGSEGV");
	ck_assert(json_is_true(json_object_get(result, "core_dumped")));
	ck_assert(!has("oom_killed"));
	ck_assert(!has("log_error"));
}
END_TEST

START_TEST(what_the_kernel_killed_for_memory_is_told)
{
	end.wait_status = W_EXITCODE(0, SIGKILL);
	end.oom_killed = true;
	make("{\"argv\":[\"a\"]}");
	ck_assert(json_is_true(json_object_get(result, "oom_killed")));
	ck_assert(!has("core_dumped"));
}
END_TEST

START_TEST(bytes_that_are_no_text_are_base64)
{
	capture_put(said, CAPTURE_STDOUT, "\377\0a", 3);
	capture_put(said, CAPTURE_STDERR, "a\0b", 3);
	make("{\"argv\":[\"a\"]}");
	ck_assert(!has("stdout"));
	ck_assert_str_eq(string("stdout_base64"), "/wBh");
	ck_assert_int_eq(integer("stdout_bytes"), 3);
	ck_assert(!has("stderr"));
	ck_assert_str_eq(string("stderr_base64"), "YQBi");
	ck_assert(!has("stdout_truncated"));
}
END_TEST

START_TEST(what_was_cut_is_told)
{
	char data[KEEP];
	memset(data, 'x', sizeof(data));
	capture_put(said, CAPTURE_STDOUT, data, sizeof(data));
	capture_put(said, CAPTURE_STDOUT, "more", 4);
	make("{\"argv\":[\"a\"]}");
	ck_assert_uint_eq(strlen(string("stdout")), KEEP);
	ck_assert_int_eq(integer("stdout_bytes"), KEEP + 4);
	ck_assert(json_is_true(json_object_get(result, "stdout_truncated")));
	ck_assert(!has("stderr_truncated"));
}
END_TEST

START_TEST(text_that_was_cut_in_a_character_is_text)
{
	char data[KEEP + 1];
	memset(data, 'x', sizeof(data));
	memcpy(data + KEEP - 2, "\342\202\254", 3); /* the euro sign */
	capture_put(said, CAPTURE_STDOUT, data, sizeof(data));
	/* The same bytes at the end of what is not cut are no text. */
	capture_put(said, CAPTURE_STDERR, data, KEEP);
	make("{\"argv\":[\"a\"]}");
	ck_assert_uint_eq(strlen(string("stdout")), KEEP - 2);
	ck_assert_int_eq(integer("stdout_bytes"), KEEP + 1);
	ck_assert(json_is_true(json_object_get(result, "stdout_truncated")));
	ck_assert(has("stderr_base64"));
	ck_assert(!has("stderr_truncated"));
}
END_TEST

START_TEST(bytes_that_were_cut_lose_none)
{
	char data[KEEP + 1];
	memset(data, 0xff, sizeof(data));
	memcpy(data + KEEP - 2, "\342\202\254", 3);
	capture_put(said, CAPTURE_STDOUT, data, sizeof(data));
	make("{\"argv\":[\"a\"]}");
	char decoded[KEEP + 8];
	const char *letters = string("stdout_base64");
	ck_assert_int_eq(base64_decode(decoded, letters, strlen(letters)), KEEP);
	ck_assert_mem_eq(decoded, data, KEEP);
}
END_TEST

START_TEST(streams_that_are_none_are_absent)
{
	static const char *const args[] = {
		"{\"argv\":[\"a\"],\"merge\":true}",
		"{\"argv\":[\"a\"],\"tty\":true}",
		"{\"argv\":[\"a\"],\"fds\":[\"stderr\"],\"direct\":true}",
	};
	say(CAPTURE_STDOUT, "x");
	make(args[_i]);
	ck_assert_str_eq(string("stdout"), "x");
	ck_assert(!has("stderr"));
	ck_assert(!has("stderr_bytes"));
}
END_TEST

START_TEST(attached_streams_are_told_all_the_same)
{
	say(CAPTURE_STDOUT, "x");
	make("{\"argv\":[\"a\"],\"fds\":[\"stdout\"]}");
	ck_assert_str_eq(string("stdout"), "x");
	ck_assert_str_eq(string("stderr"), "");
}
END_TEST

START_TEST(a_log_that_failed_is_told)
{
	end.log_error = ENOSPC;
	make("{\"argv\":[\"a\"]}");
	ck_assert_str_eq(string("log_error"), "ENOSPC");
}
END_TEST

START_TEST(a_clock_that_went_back_makes_no_nonsense)
{
	end.ended_ns = 0;
	make("{\"argv\":[\"a\"]}");
	ck_assert(json_is_real(json_object_get(result, "duration")));
	ck_assert(json_real_value(json_object_get(result, "duration")) == 0.0);
}
END_TEST

START_TEST(the_end_is_described)
{
	const struct {
		struct command_end end;
		const char *text;
	} ends[] = {
		{ { .wait_status = W_EXITCODE(3, 0) }, "exit status 3" },
		{ { .wait_status = W_EXITCODE(0, SIGKILL) }, "killed by SIGKILL" },
		{ { .wait_status = W_EXITCODE(0, SIGTERM) | WCOREFLAG }, "killed by SIGTERM" },
		{ { .wait_status = W_EXITCODE(0, SIGKILL), .oom_killed = true }, "killed by SIGKILL: out of memory" },
		{ { .wait_status = W_EXITCODE(0, SIGKILL), .maybe_oom = true },
			"killed by SIGKILL (the kernel killed a process for want of memory meanwhile)" },
		{ { .wait_status = W_EXITCODE(137, 0), .oom_killed = true },
			"exit status 137 (the kernel killed one of its processes: out of memory)" },
		{ { .wait_status = W_EXITCODE(0, 33) }, "killed by signal 33" }, /* libc's own */
	};
	char room[200];
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		command_describe(room, sizeof(room), &ends[i].end);
		ck_assert_str_eq(room, ends[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_result");
	TCase *tests = tcase_create("result");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, all_of_it_is_told);
	tcase_add_test(tests, a_signal_is_told);
	tcase_add_test(tests, what_the_kernel_killed_for_memory_is_told);
	tcase_add_test(tests, bytes_that_are_no_text_are_base64);
	tcase_add_test(tests, what_was_cut_is_told);
	tcase_add_test(tests, text_that_was_cut_in_a_character_is_text);
	tcase_add_test(tests, bytes_that_were_cut_lose_none);
	tcase_add_loop_test(tests, streams_that_are_none_are_absent, 0, 3);
	tcase_add_test(tests, attached_streams_are_told_all_the_same);
	tcase_add_test(tests, a_log_that_failed_is_told);
	tcase_add_test(tests, a_clock_that_went_back_makes_no_nonsense);
	tcase_add_test(tests, the_end_is_described);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
