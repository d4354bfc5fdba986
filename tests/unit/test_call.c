/* What a handler sees of its task, and what becomes of what it says: taskd-plugin.h's functions over a lane whose two
 * ends are both in this process. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "lane/lane.h"
#include "worker/call.h"
#include "worker/map.h"
#include "worker/registry.h"
#include "worker/text.h"

#define LIMIT 4096

static struct lane *lane;
static struct lane_end *end;
static int doorbell;
static struct taskd_call call;
static uint32_t seq;
static char *sent; /* the arguments, in memory of their own size, so that a sanitizer sees a look beyond */

static void set_up(void)
{
	const struct lane_options options = { .request_ring = 65536, .completion_ring = 65536, .payload_limit = 1 << 20 };
	lane = lane_new(&options);
	doorbell = eventfd(0, EFD_CLOEXEC);
	end = lane_end_new(dup(lane_memory_fd(lane)), dup(lane_socket_fd(lane)), doorbell, 1 << 20);
	ck_assert_ptr_nonnull(end);
	call_init(&call, end, LIMIT);
	sent = NULL;
}

static void tear_down(void)
{
	call_fini(&call);
	lane_end_free(end);
	lane_free(lane);
	close(doorbell);
	free(sent);
}

/* Makes a task of ARGS the one that runs. */
static void begin(const char *args, uint32_t items)
{
	struct lane_request request = { .task_id = 17, .attempt = 2, .items = items, .name = "x", .name_length = 1, .args = args,
		.args_length = strlen(args) };
	ck_assert_int_eq(lane_send(lane, &request, &seq), LANE_OK);
	lane_kick(lane);
	ck_assert_int_eq(lane_end_take(end, &request), LANE_OK);
	free(sent);
	sent = malloc(request.args_length);
	memcpy(sent, request.args, request.args_length);
	request.args = sent;
	call_begin(&call, &request);
}

static void run(int (*function)(struct taskd_call *call), const char *args)
{
	begin(args, 0);
	call_run(&call, &(const struct taskd_handler){ .name = "x", .run = function });
}

static const struct taskd_handler *builtin(const char *name)
{
	const struct taskd_handler *handler = builtin_handlers;
	while (strcmp(handler->name, name) != 0)
		handler++;
	return handler;
}

static void ck_result(const char *json)
{
	ck_assert_msg(call.outcome == CALL_RESULT, "failed: %s", call.message);
	ck_assert_str_eq(call.result.data, json);
}

static void ck_failure(uint32_t flags, int code, const char *message)
{
	ck_assert_int_eq(call.outcome, CALL_FAILURE);
	ck_assert_str_eq(call.message, message);
	ck_assert_uint_eq(call.flags, flags);
	ck_assert_int_eq(call.code, code);
}

/* --- arguments --- */

static size_t wanted_index;
static const char *wanted_name;

static int get_int(struct taskd_call *c)
{
	long long value;
	return taskd_arg_int(c, wanted_index, wanted_name, &value) ? TASKD_BAD_ARGS : taskd_return_int(c, value);
}
static int get_number(struct taskd_call *c)
{
	double value;
	return taskd_arg_number(c, wanted_index, wanted_name, &value) ? TASKD_BAD_ARGS : taskd_return_number(c, value);
}
static int get_bool(struct taskd_call *c)
{
	bool value;
	return taskd_arg_bool(c, wanted_index, wanted_name, &value) ? TASKD_BAD_ARGS : taskd_return_bool(c, value);
}
static int get_string(struct taskd_call *c)
{
	const char *value;
	size_t length;
	if (taskd_arg_string(c, wanted_index, wanted_name, &value, &length))
		return TASKD_BAD_ARGS;
	ck_assert_uint_eq(strlen(value), length);
	return taskd_return_string(c, value, length);
}
static int get_json(struct taskd_call *c)
{
	const char *value;
	size_t length;
	if (taskd_arg_json(c, wanted_index, wanted_name, &value, &length))
		return TASKD_BAD_ARGS;
	ck_assert_uint_eq(strlen(value), length);
	return taskd_return_json(c, value, length);
}
static int get_count(struct taskd_call *c)
{
	return taskd_return_int(c, (long long)taskd_arg_count(c));
}
static int get_has(struct taskd_call *c)
{
	return taskd_return_bool(c, taskd_arg_has(c, wanted_index, wanted_name));
}

static const struct access {
	int (*get)(struct taskd_call *call);
	const char *args;
	size_t index;
	const char *name;
	const char *result; /* or NULL, and… */
	const char *reason;
} accesses[] = {
	{ get_int, "[1,2]", 0, "a", "1", NULL },
	{ get_int, "[1,2]", 1, "b", "2", NULL },
	{ get_int, " [ 1 , -9223372036854775808 ] ", 1, NULL, "-9223372036854775808", NULL },
	{ get_int, "{\"a\":1,\"b\":2}", 1, "a", "1", NULL },
	{ get_int, "{\"a\":1,\"b\":2}", 0, "b", "2", NULL },
	{ get_int, "{\"\\u0061\":5}", 0, "a", "5", NULL },
	{ get_int, "[1]", 1, "b", NULL, "argument 1 (\"b\") is missing" },
	{ get_int, "[]", 0, NULL, NULL, "argument 0 is missing" },
	{ get_int, "{}", 0, "a", NULL, "argument \"a\" is missing" },
	{ get_int, "{\"a\":1}", 0, NULL, NULL, "argument 0 has no name to be found by among named ones" },
	{ get_int, "[1.0]", 0, "n", NULL, "argument 0 (\"n\") must be an integer, not a real number" },
	{ get_int, "[\"1\"]", 0, "n", NULL, "argument 0 (\"n\") must be an integer, not a string" },
	{ get_int, "{\"n\":null}", 0, "n", NULL, "argument \"n\" must be an integer, not null" },
	{ get_number, "[1]", 0, "x", "1.0", NULL },
	{ get_number, "[0.1]", 0, "x", "0.1", NULL },
	{ get_number, "[1e300]", 0, "x", "1e+300", NULL },
	{ get_number, "[-2.5E-3]", 0, "x", "-0.0025", NULL },
	{ get_number, "[[]]", 0, "x", NULL, "argument 0 (\"x\") must be a number, not an array" },
	{ get_number, "[]", 0, "x", NULL, "argument 0 (\"x\") is missing" },
	{ get_bool, "[true]", 0, "x", "true", NULL },
	{ get_bool, "[false]", 0, "x", "false", NULL },
	{ get_bool, "[0]", 0, "x", NULL, "argument 0 (\"x\") must be a bool, not an integer" },
	{ get_string, "[\"caf\xc3\xa9\"]", 0, "x", "\"caf\xc3\xa9\"", NULL },
	{ get_string, "[\"\"]", 0, "x", "\"\"", NULL },
	{ get_string, "[\"a\\n\\\"\\u00e9\\ud83d\\ude00\"]", 0, "x", "\"a\\n\\\"\xc3\xa9\xf0\x9f\x98\x80\"", NULL },
	{ get_string, "[{}]", 0, "x", NULL, "argument 0 (\"x\") must be a string, not an object" },
	{ get_string, "[false]", 0, "x", NULL, "argument 0 (\"x\") must be a string, not a bool" },
	{ get_json, "[1, {\"a\": [1, 2]} ]", 1, "x", "{\"a\": [1, 2]}", NULL },
	{ get_json, "[]", 0, "x", NULL, "argument 0 (\"x\") is missing" },
	{ get_count, "[]", 0, NULL, "0", NULL },
	{ get_count, "", 0, NULL, "0", NULL },
	{ get_count, "[1,[2,3],4]", 0, NULL, "3", NULL },
	{ get_count, "{\"a\":1,\"b\":{\"c\":2}}", 0, NULL, "2", NULL },
	{ get_has, "[null]", 0, "x", "true", NULL },
	{ get_has, "[null]", 1, "x", "false", NULL },
	{ get_has, "{\"x\":1}", 5, "x", "true", NULL },
	{ get_has, "{\"x\":1}", 0, "y", "false", NULL },
};

START_TEST(an_argument_is_read_or_refused_with_its_reason)
{
	const struct access *access = &accesses[_i];
	wanted_index = access->index;
	wanted_name = access->name;
	run(access->get, access->args);
	if (access->result)
		ck_result(access->result);
	else
		ck_failure(LANE_FLAG_BAD_ARGS, 0, access->reason);
}
END_TEST

static int in_any_order(struct taskd_call *c)
{
	static const size_t order[] = { 0, 1, 2, 3, 2, 2, 0, 3, 9, 3, 0, 9, 9, 1 };
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		char name[] = { (char)('a' + order[i]), '\0' };
		long long value = -1;
		int code = taskd_arg_int(c, order[i], name, &value);
		ck_assert_int_eq(code, order[i] == 9 ? TASKD_BAD_ARGS : 0);
		ck_assert_int_eq(value, order[i] == 9 ? -1 : (long long)order[i]);
	}
	return TASKD_OK;
}

START_TEST(arguments_may_be_asked_for_in_any_order)
{
	run(in_any_order, "[0,1,2,3]");
	ck_result("null");
	lane_end_reply(end, &(struct lane_reply){ .word = LANE_SUCCEEDED }, "null", 4);
	run(in_any_order, "{\"a\":0,\"b\":1,\"c\":2,\"d\":3}");
	ck_result("null");
}
END_TEST

static int keeps_strings(struct taskd_call *c)
{
	const char *strings[300];
	for (size_t i = 0; i < 300; i++)
		ck_assert_int_eq(taskd_arg_string(c, i % 3, NULL, &strings[i], NULL), 0);
	for (size_t i = 0; i < 300; i++)
		ck_assert_str_eq(strings[i], i % 3 == 0 ? "first one" : i % 3 == 1 ? "se\tcond" : "");
	return TASKD_OK;
}

START_TEST(strings_stay_valid_until_the_handler_returns)
{
	run(keeps_strings, "[\"first one\",\"se\\tcond\",\"\"]");
	ck_result("null");
}
END_TEST

static int never_runs(struct taskd_call *c)
{
	ck_abort_msg("it ran");
	return taskd_return_null(c);
}

START_TEST(duplicate_keys_at_any_depth_are_refused_before_the_handler_runs)
{
	run(never_runs, "[1,{\"a\":[{\"b\":1,\"b\":2}]}]");
	ck_failure(LANE_FLAG_BAD_ARGS, 0, "duplicate object key");
}
END_TEST

static int tells_itself(struct taskd_call *c)
{
	size_t length;
	const char *text = taskd_args(c, &length);
	ck_assert_uint_eq(taskd_task_id(c), 17);
	ck_assert_uint_eq(taskd_attempt(c), 2);
	ck_assert_int_eq(taskd_deadline_ns(c), 0);
	ck_assert(!taskd_cancelled(c));
	return taskd_return_json(c, text, length);
}

START_TEST(a_handler_knows_its_task)
{
	run(tells_itself, " [1, 2] ");
	ck_result("[1, 2]");
}
END_TEST

START_TEST(a_time_limit_that_never_comes_is_no_deadline)
{
	struct lane_request request = { .task_id = 17, .attempt = 1, .timeout_ns = INT64_MAX, .args = "[]", .args_length = 2 };
	call_begin(&call, &request);
	ck_assert_int_eq(taskd_deadline_ns(&call), 0);
	request.timeout_ns = 1;
	call_begin(&call, &request);
	ck_assert_int_gt(taskd_deadline_ns(&call), 0);
}
END_TEST

/* --- results --- */

static int return_infinity(struct taskd_call *c) { return taskd_return_number(c, INFINITY); }
static int return_nan(struct taskd_call *c) { return taskd_return_number(c, nan("")); }
static int return_latin1(struct taskd_call *c) { return taskd_return_string(c, "caf\xe9", 4); }
static int return_surrogate(struct taskd_call *c) { return taskd_return_string(c, "\xed\xa0\x80", 3); }
static int return_nul(struct taskd_call *c) { return taskd_return_string(c, "a\0b", 3); }
static int return_half_json(struct taskd_call *c) { return taskd_return_json(c, "[1,", 3); }
static int return_two_json(struct taskd_call *c) { return taskd_return_json(c, "1 2", 3); }
static int return_lines(struct taskd_call *c) { return taskd_return_json(c, "\n{\"a\":\r\n \"x\\ny\"\n}\n", 18); }
static int return_max(struct taskd_call *c) { return taskd_return_int(c, INT64_MAX); }
static int return_min(struct taskd_call *c) { return taskd_return_int(c, INT64_MIN); }
static int return_third(struct taskd_call *c) { return taskd_return_number(c, 1.0 / 3); }
static int return_nothing(struct taskd_call *c) { (void)c; return TASKD_OK; }
static int return_twice(struct taskd_call *c) { taskd_return_int(c, 1); return taskd_return_string(c, "\x01\"", 2); }
static int ignore_failure(struct taskd_call *c) { taskd_return_number(c, INFINITY); return TASKD_OK; }
static int recover(struct taskd_call *c) { taskd_fail(c, 3, "no"); return taskd_return_bool(c, true); }
static int just_five(struct taskd_call *c) { (void)c; return 5; }
static int reserved_return(struct taskd_call *c) { (void)c; return -32603; }
static int fail_reserved(struct taskd_call *c) { return taskd_fail(c, -32000, "x%dy", 1); }
static int fail_below(struct taskd_call *c) { return taskd_fail(c, -32769, "z"); }
static int fail_silent(struct taskd_call *c) { (void)c; return TASKD_FAILED; }
static int fail_after_result(struct taskd_call *c) { taskd_return_int(c, 1); return TASKD_FAILED; }
static int bad_args(struct taskd_call *c) { (void)c; return TASKD_BAD_ARGS; }
static int bad_args_said(struct taskd_call *c) { taskd_fail(c, 4, "too small"); return TASKD_BAD_ARGS; }
static int stopped(struct taskd_call *c) { (void)c; return TASKD_CANCELLED; }

static const struct outcome {
	int (*function)(struct taskd_call *call);
	const char *result;
	uint32_t flags;
	int code;
	const char *message;
} outcomes[] = {
	{ return_infinity, NULL, 0, 0, "the result is infinite, which JSON does not have" },
	{ return_nan, NULL, 0, 0, "the result is not a number, which JSON does not have" },
	{ return_latin1, NULL, 0, 0, "the result is a string that is not UTF-8 (byte 3)" },
	{ return_surrogate, NULL, 0, 0, "the result is a string that is not UTF-8 (byte 0)" },
	{ return_nul, NULL, 0, 0, "the result is a string with a NUL byte at 1" },
	{ return_lines, "{\"a\":   \"x\\ny\" }", 0, 0, NULL },
	{ return_max, "9223372036854775807", 0, 0, NULL },
	{ return_min, "-9223372036854775808", 0, 0, NULL },
	{ return_third, "0.3333333333333333", 0, 0, NULL },
	{ return_nothing, "null", 0, 0, NULL },
	{ return_twice, "\"\\u0001\\\"\"", 0, 0, NULL },
	{ ignore_failure, NULL, 0, 0, "the result is infinite, which JSON does not have" },
	{ recover, "true", 0, 0, NULL },
	{ just_five, NULL, 0, 5, "" },
	{ reserved_return, NULL, 0, 1, "" },
	{ fail_reserved, NULL, 0, 1, "x1y" },
	{ fail_below, NULL, 0, -32769, "z" },
	{ fail_silent, NULL, 0, 0, "the handler failed and did not say why" },
	{ fail_after_result, NULL, 0, 0, "the handler failed and did not say why" },
	{ bad_args, NULL, LANE_FLAG_BAD_ARGS, 0, "the handler does not take these arguments" },
	{ bad_args_said, NULL, LANE_FLAG_BAD_ARGS, 4, "too small" },
	{ stopped, NULL, LANE_FLAG_CANCELLED, 0, "" },
};

START_TEST(what_a_handler_returns_becomes_a_result_or_a_failure)
{
	const struct outcome *outcome = &outcomes[_i];
	run(outcome->function, "[]");
	if (outcome->result)
		ck_result(outcome->result);
	else
		ck_failure(outcome->flags, outcome->code, outcome->message);
}
END_TEST

START_TEST(json_that_is_none_is_a_failure)
{
	run(return_half_json, "[]");
	ck_assert_int_eq(call.outcome, CALL_FAILURE);
	ck_assert_ptr_eq(strstr(call.message, "the result is not JSON: "), call.message);
	lane_end_reply(end, &(struct lane_reply){ .word = LANE_FAILED }, NULL, 0);
	run(return_two_json, "[]");
	ck_assert_int_eq(call.outcome, CALL_FAILURE);
}
END_TEST

static size_t wanted_length;
static int return_long(struct taskd_call *c)
{
	char *text = malloc(wanted_length);
	memset(text, 'x', wanted_length);
	int code = taskd_return_string(c, text, wanted_length);
	free(text);
	return code;
}

START_TEST(a_result_may_be_as_large_as_the_limit_and_no_larger)
{
	wanted_length = LIMIT - 2;
	run(return_long, "[]");
	ck_assert_int_eq(call.outcome, CALL_RESULT);
	lane_end_reply(end, &(struct lane_reply){ .word = LANE_FAILED }, NULL, 0);
	wanted_length++;
	run(return_long, "[]");
	ck_failure(LANE_FLAG_TOO_LARGE, 0, "the result has 4097 bytes; the limit is 4096");
}
END_TEST

static int fail_with_data(struct taskd_call *c) { return taskd_fail_data(c, 9, "{\n\"a\":1}", "m"); }
static int fail_with_bad_data(struct taskd_call *c) { return taskd_fail_data(c, 9, "{", "m"); }
static int fail_at_length(struct taskd_call *c) { return taskd_fail(c, 1, "%0510d\xc3\xa9\xc3\xa9", 0); }

START_TEST(a_failure_carries_data_that_are_json)
{
	run(fail_with_data, "[]");
	ck_failure(0, 9, "m");
	ck_assert_str_eq(call.data.data, "{ \"a\":1}");
	lane_end_reply(end, &(struct lane_reply){ .word = LANE_FAILED }, NULL, 0);
	run(fail_with_bad_data, "[]");
	ck_failure(0, 9, "m (with data that are not JSON)");
	ck_assert_uint_eq(call.data.length, 0);
}
END_TEST

START_TEST(a_message_is_cut_between_characters)
{
	run(fail_at_length, "[]");
	ck_assert_uint_eq(strlen(call.message), 510);
}
END_TEST

/* --- progress and cancelling --- */

static int reports(struct taskd_call *c)
{
	taskd_progress(c, 0.25, "a\nb\xff");
	taskd_progress(c, 0.5, "left out");
	taskd_progress(c, 1.0, NULL);
	taskd_progress(c, 1.0, "left out too");
	return TASKD_OK;
}

START_TEST(progress_is_told_at_most_every_ten_milliseconds_but_for_the_last)
{
	struct lane_reply reply;
	run(reports, "[]");
	ck_assert_int_eq(lane_receive(lane, &reply), LANE_OK);
	ck_assert_int_eq(reply.word, LANE_PROGRESS);
	ck_assert_double_eq(reply.progress, 0.25);
	ck_assert_uint_eq(reply.payload->size, 4);
	ck_assert_mem_eq(reply.payload->data, "a b?", 4);
	bytes_unref(reply.payload);
	ck_assert_int_eq(lane_receive(lane, &reply), LANE_OK);
	ck_assert_double_eq(reply.progress, 1.0);
	bytes_unref(reply.payload);
	ck_assert_int_eq(lane_receive(lane, &reply), LANE_NONE);
}
END_TEST

START_TEST(builtins_stop_when_they_are_cancelled)
{
	static const struct { const char *name, *args; } cases[] = { { "fib", "[92]" }, { "sleep", "[100000]" } };
	begin(cases[_i].args, 0);
	lane_interrupt(lane, seq);
	call_run(&call, builtin(cases[_i].name));
	ck_failure(LANE_FLAG_CANCELLED, 0, "");
}
END_TEST

/* --- built-ins --- */

static const struct builtin_case {
	const char *name, *args, *result, *message;
} builtin_cases[] = {
	{ "echo", "[]", "[]", NULL },
	{ "echo", "[1]", "1", NULL },
	{ "echo", "[[1, 2]]", "[1, 2]", NULL },
	{ "echo", "[1,\n \"a\\nb\"]", "[1,  \"a\\nb\"]", NULL },
	{ "echo", "{\"a\":1}", "{\"a\":1}", NULL },
	{ "fib", "[0]", "0", NULL },
	{ "fib", "[1]", "1", NULL },
	{ "fib", "{\"n\":30}", "832040", NULL },
	{ "fib", "[-1]", NULL, "argument 0 (\"n\") must be from 0 to 92, not -1" },
	{ "fib", "[93]", NULL, "argument 0 (\"n\") must be from 0 to 92, not 93" },
	{ "fib", "[\"x\"]", NULL, "argument 0 (\"n\") must be an integer, not a string" },
	{ "sleep", "[0]", "null", NULL },
	{ "sleep", "[0.001]", "null", NULL },
	{ "sleep", "[\"1ms\"]", "null", NULL },
	{ "sleep", "[\"soon\"]", NULL, "argument 0 (\"seconds\"): \"soon\" is no duration such as \"1.5s\"" },
	{ "sleep", "[-1]", NULL, "argument 0 (\"seconds\") must be from 0 to 1e+09" },
	{ "sleep", "[]", NULL, "argument 0 (\"seconds\") is missing" },
	{ "noop", "[1,2]", "null", NULL },
};

START_TEST(builtins_do_what_they_say)
{
	const struct builtin_case *c = &builtin_cases[_i];
	begin(c->args, 0);
	call_run(&call, builtin(c->name));
	if (c->result) {
		ck_result(c->result);
	} else {
		ck_assert_int_eq(call.outcome, CALL_FAILURE);
		ck_assert_uint_eq(call.flags, LANE_FLAG_BAD_ARGS);
		ck_assert_str_eq(call.message, c->message);
	}
}
END_TEST

/* --- maps --- */

static int picky(struct taskd_call *c)
{
	long long n;
	size_t length;
	if (taskd_arg_int(c, 0, "n", &n))
		return TASKD_BAD_ARGS;
	ck_assert_uint_eq(taskd_arg_count(c), 1);
	ck_assert(!taskd_arg_has(c, 1, "m"));
	ck_assert_int_eq(taskd_args(c, &length)[0], '[');
	if (n == 7)
		return taskd_fail_data(c, 3, "{\"n\":7}", "not \"seven\"");
	return n == 8 ? taskd_fail(c, 0, "eight") : taskd_return_int(c, n * 2);
}

static void run_map(const char *args, uint32_t items, int (*function)(struct taskd_call *call))
{
	begin(args, items);
	map_run(&call, &(const struct taskd_handler){ .name = "x", .run = function });
}

static const struct map_case {
	const char *items;
	uint32_t n;
	const char *result;
	bool mixed;
} map_cases[] = {
	{ "[1]", 1, "[2]", false },
	{ "[1, 2 ,3]", 3, "[2,4,6]", false },
	{ "[1,2,7,3]", 4,
		"[{\"result\":2},{\"result\":4},{\"error\":{\"code\":3,\"message\":\"not \\\"seven\\\"\",\"data\":{\"n\":7}}},"
		"{\"result\":6}]", true },
	{ "[8]", 1, "[{\"error\":{\"code\":-32000,\"message\":\"eight\"}}]", true },
	{ "[[],1]", 2,
		"[{\"error\":{\"code\":-32602,\"message\":\"argument 0 (\\\"n\\\") must be an integer, not an array\"}},"
		"{\"result\":2}]", true },
	{ "[1,{\"a\":1,\"a\":2}]", 2,
		"[{\"result\":2},{\"error\":{\"code\":-32602,\"message\":\"duplicate object key\"}}]", true },
};

START_TEST(a_map_joins_results_and_marks_failures)
{
	const struct map_case *c = &map_cases[_i];
	run_map(c->items, c->n, picky);
	ck_result(c->result);
	ck_assert_uint_eq(call.flags, c->mixed ? LANE_FLAG_MIXED : 0);
}
END_TEST

static int cancel_after_two(struct taskd_call *c)
{
	long long n;
	taskd_arg_int(c, 0, NULL, &n);
	ck_assert_int_le(n, 2);
	if (n == 2)
		lane_interrupt(lane, seq);
	return taskd_return_int(c, n);
}

START_TEST(a_map_is_cancelled_between_items)
{
	run_map("[1,2,3,4]", 4, cancel_after_two);
	ck_failure(LANE_FLAG_CANCELLED, 0, "");
}
END_TEST

START_TEST(a_map_whose_results_are_too_large_together_fails)
{
	wanted_length = LIMIT / 2;
	run_map("[1,2,3]", 3, return_long);
	ck_assert_int_eq(call.outcome, CALL_FAILURE);
	ck_assert_uint_eq(call.flags, LANE_FLAG_TOO_LARGE);
}
END_TEST

START_TEST(an_item_whose_result_is_too_large_fails_alone)
{
	wanted_length = LIMIT;
	run_map("[1]", 1, return_long);
	ck_result("[{\"error\":{\"code\":-32008,\"message\":\"the result has 4098 bytes; the limit is 4096\"}}]");
}
END_TEST

START_TEST(echo_gives_back_each_item_of_a_map)
{
	begin("[ 1, {\"a\":\n2}, \"x\" ]", 3);
	map_run(&call, builtin("echo"));
	ck_result("[1,{\"a\": 2},\"x\"]");
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tests = tcase_create("call");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, an_argument_is_read_or_refused_with_its_reason, 0, LENGTH(accesses));
	tcase_add_test(tests, arguments_may_be_asked_for_in_any_order);
	tcase_add_test(tests, strings_stay_valid_until_the_handler_returns);
	tcase_add_test(tests, duplicate_keys_at_any_depth_are_refused_before_the_handler_runs);
	tcase_add_test(tests, a_handler_knows_its_task);
	tcase_add_test(tests, a_time_limit_that_never_comes_is_no_deadline);
	tcase_add_loop_test(tests, what_a_handler_returns_becomes_a_result_or_a_failure, 0, LENGTH(outcomes));
	tcase_add_test(tests, json_that_is_none_is_a_failure);
	tcase_add_test(tests, a_result_may_be_as_large_as_the_limit_and_no_larger);
	tcase_add_test(tests, a_failure_carries_data_that_are_json);
	tcase_add_test(tests, a_message_is_cut_between_characters);
	tcase_add_test(tests, progress_is_told_at_most_every_ten_milliseconds_but_for_the_last);
	tcase_add_loop_test(tests, builtins_stop_when_they_are_cancelled, 0, 2);
	tcase_add_loop_test(tests, builtins_do_what_they_say, 0, LENGTH(builtin_cases));
	tcase_add_loop_test(tests, a_map_joins_results_and_marks_failures, 0, LENGTH(map_cases));
	tcase_add_test(tests, a_map_is_cancelled_between_items);
	tcase_add_test(tests, a_map_whose_results_are_too_large_together_fails);
	tcase_add_test(tests, an_item_whose_result_is_too_large_fails_alone);
	tcase_add_test(tests, echo_gives_back_each_item_of_a_map);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
