/* What a submission may say of a task's life, over the wire: when it runs, how often, after what, instead of what; many of
 * them at once; and waiting for room. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "edge_world.h"

static struct world world;
static struct client client;
static struct client other;

static void set_up(void)
{
	world_init(&world);
	client_init(&client, &world);
	client_init(&other, &world);
}

static void tear_down(void)
{
	client_fini(&client);
	client_fini(&other);
	world_fini(&world);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"

/* The answer to METHOD with PARAMS, as a tree. */
static json_t *ask(const char *method, const char *params)
{
	char line[4096];
	snprintf(line, sizeof(line), REQUEST("1", "%s", "%s"), method, params);
	return client_ask(&client, line);
}

static json_t *submit(const char *params)
{
	return ask("task.submit", params);
}

static const char *state_of(const char *id)
{
	char params[64];
	world_settle(&world);
	snprintf(params, sizeof(params), "{\"id\":\"%s\"}", id);
	return tree_text(ask("task.status", params), "result.state");
}

static const char *kind_of(json_t *answer)
{
	return tree_text(answer, "error.data.kind");
}

static void expect_dump(json_t *answer, const char *path, const char *expected)
{
	char *text = json_dumps(tree_at(answer, path), JSON_COMPACT | JSON_ENCODE_ANY);
	ck_assert_str_eq(text ? text : "(none)", expected);
	free(text);
}

/* --- when --- */

START_TEST(a_delayed_task_runs_when_its_time_has_come)
{
	ck_assert_str_eq(tree_text(submit("{\"task\":\"echo\",\"delay\":\"10s\"}"), "result.state"), "scheduled");
	json_t *record = ask("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(record, "result.due_at"), "2023-11-14T22:13:30.000000Z");
	world_advance(&world, 9 * NS_PER_S);
	ck_assert_str_eq(state_of("1"), "scheduled");
	world_advance(&world, 2 * NS_PER_S);
	ck_assert_str_eq(state_of("1"), "succeeded");
	ck_assert_ptr_null(tree_at(ask("task.status", "{\"id\":1}"), "result.due_at"));
}
END_TEST

START_TEST(only_a_time_follows_the_wall_clock)
{
	submit("{\"task\":\"echo\",\"delay\":\"10s\"}");
	submit("{\"task\":\"echo\",\"at\":\"2023-11-14T23:13:30+01:00\"}");
	ck_assert_str_eq(tree_text(ask("task.status", "{\"id\":2}"), "result.due_at"), "2023-11-14T22:13:30.000000Z");
	world_step_wall(&world, 3600 * NS_PER_S);
	ck_assert_str_eq(state_of("2"), "succeeded");
	ck_assert_str_eq(state_of("1"), "scheduled");
}
END_TEST

START_TEST(a_time_that_is_past_is_now)
{
	ck_assert_str_eq(
		tree_text(submit("{\"task\":\"echo\",\"at\":\"1960-01-01T00:00:00Z\"}"), "result.state"), "queued");
	ck_assert_str_eq(state_of("1"), "succeeded");
}
END_TEST

START_TEST(what_has_not_started_by_its_deadline_expires)
{
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"expires\":\"30s\"}");
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"expires\":\"2023-11-14T22:13:50Z\"}");
	submit("{\"task\":\"hold\",\"expires\":\"30s\"}");
	ck_assert_str_eq(
		tree_text(ask("task.status", "{\"id\":1}"), "result.expires_at"), "2023-11-14T22:13:50.000000Z");
	ck_assert_str_eq(
		tree_text(ask("task.status", "{\"id\":2}"), "result.expires_at"), "2023-11-14T22:13:50.000000Z");
	world_advance(&world, 31 * NS_PER_S);
	ck_assert_str_eq(state_of("1"), "expired");
	ck_assert_str_eq(state_of("2"), "expired");
	ck_assert_str_eq(state_of("3"), "running");
	ck_assert_ptr_null(tree_at(ask("task.status", "{\"id\":3}"), "result.expires_at"));
	/* One that is past already is taken, and expires at once. */
	ck_assert_str_eq(
		kind_of(ask("task.call", "{\"task\":\"echo\",\"expires\":\"1960-01-01T00:00:00Z\"}")), "expired");
}
END_TEST

/* --- how often --- */

START_TEST(each_attempt_is_on_the_record)
{
	submit("{\"task\":\"fail\",\"retries\":2,\"backoff\":\"10s\",\"jitter\":0}");
	ck_assert_str_eq(state_of("1"), "scheduled");
	json_t *record = ask("task.status", "{\"id\":1}");
	ck_assert_int_eq(tree_int(record, "result.attempt"), 2);
	ck_assert_int_eq(tree_int(record, "result.retries"), 2);
	ck_assert_str_eq(tree_text(record, "result.due_at"), "2023-11-14T22:13:30.000000Z");
	ck_assert_int_eq(tree_int(record, "result.attempts.0.attempt"), 1);
	ck_assert_str_eq(tree_text(record, "result.attempts.0.state"), "failed");
	ck_assert_int_eq(tree_int(record, "result.attempts.0.error.code"), 7);
	ck_assert_str_eq(tree_text(record, "result.attempts.0.error.message"), "no luck");
	ck_assert_ptr_null(tree_at(record, "result.started_at"));
	world_advance(&world, 10 * NS_PER_S);
	world_advance(&world, 20 * NS_PER_S);
	ck_assert_str_eq(state_of("1"), "failed");
	record = ask("task.status", "{\"id\":1}");
	ck_assert_int_eq(tree_int(record, "result.attempt"), 3);
	ck_assert_uint_eq(json_array_size(tree_at(record, "result.attempts")), 2);
	ck_assert_str_eq(tree_text(record, "result.error.data.kind"), "failed");
}
END_TEST

START_TEST(a_crashed_attempt_tells_whose_worker_died)
{
	submit("{\"task\":\"crash\",\"retries\":1,\"backoff\":\"10s\",\"jitter\":0}");
	world_settle(&world);
	json_t *record = ask("task.status", "{\"id\":1}");
	ck_assert_int_eq(tree_int(record, "result.attempts.0.worker_pid"), 4711);
	ck_assert_int_eq(tree_int(record, "result.attempts.0.error.code"), -32001);
	ck_assert_int_eq(tree_int(record, "result.crashes"), 1);
}
END_TEST

START_TEST(only_chosen_outcomes_are_tried_again)
{
	submit("{\"task\":\"fail\",\"retries\":2,\"retry_on\":\"crashed\"}");
	submit("{\"task\":\"fail\",\"retries\":2,\"retry_on\":[\"crashed\",\"failed\"]}");
	submit("{\"task\":\"fail\",\"retries\":0,\"backoff\":\"1s\"}");
	ck_assert_str_eq(state_of("1"), "failed");
	ck_assert_str_eq(state_of("2"), "scheduled");
	ck_assert_str_eq(state_of("3"), "failed");
}
END_TEST

START_TEST(pauses_have_defaults)
{
	submit("{\"task\":\"fail\",\"retries\":20,\"jitter\":0}");
	world_settle(&world);
	for (int64_t seconds = 1, n = 0; n < 14; n++) {
		int64_t due = seconds < 3600 ? seconds : 3600;
		world_advance(&world, due * NS_PER_S - NS_PER_MS);
		ck_assert_int_eq(tree_int(ask("task.status", "{\"id\":1}"), "result.attempt"), n + 2);
		world_advance(&world, NS_PER_MS);
		ck_assert_int_eq(tree_int(ask("task.status", "{\"id\":1}"), "result.attempt"), n + 3);
		seconds *= 2;
	}
}
END_TEST

/* --- after what --- */

START_TEST(a_task_waits_for_those_it_names)
{
	submit("{\"task\":\"hold\"}");
	submit("{\"task\":\"hold\"}");
	ck_assert_str_eq(tree_text(submit("{\"task\":\"echo\",\"after\":[1,\"2\"]}"), "result.state"), "blocked");
	json_t *record = ask("task.status", "{\"id\":3}");
	expect_dump(record, "result.after", "[\"1\",\"2\"]");
	ck_assert_int_eq(tree_int(record, "result.waiting_for"), 2);
	ck_assert_ptr_null(tree_at(record, "result.after_any"));
	world_settle(&world);
	ck_assert_int_eq(world_finish(&world), 2);
	ck_assert_str_eq(state_of("3"), "succeeded");
	record = ask("task.status", "{\"id\":3}");
	expect_dump(record, "result.after", "[\"1\",\"2\"]");
	ck_assert_ptr_null(tree_at(record, "result.waiting_for"));
}
END_TEST

START_TEST(a_failed_dependency_is_told_with_its_id)
{
	submit("{\"task\":\"fail\"}");
	world_settle(&world);
	json_t *answer = ask("task.call", "{\"task\":\"echo\",\"after\":1}");
	ck_assert_str_eq(kind_of(answer), "dependency_failed");
	ck_assert_str_eq(tree_text(answer, "error.data.dependency"), "1");
	ck_assert_int_eq(tree_int(answer, "error.code"), -32016);
	ck_assert_str_eq(tree_text(submit("{\"task\":\"echo\",\"after\":\"1\"}"), "result.state"), "cancelled");
	ck_assert_str_eq(tree_text(submit("{\"task\":\"echo\",\"after_any\":\"1\"}"), "result.state"), "queued");
	json_t *record = ask("task.status", "{\"id\":4}");
	expect_dump(record, "result.after_any", "[\"1\"]");
}
END_TEST

START_TEST(results_are_passed_on)
{
	static const struct {
		const char *args, *result;
	} cases[] = {
		{ "[]", "[[[1],[{\"a\":2}]]]" },
		{ "[ ]", "[[[1],[{\"a\":2}]]]" },
		{ "[7]", "[7,[[1],[{\"a\":2}]]]" },
		{ "{}", "{\"results\":[[1],[{\"a\":2}]]}" },
		{ "{ \\\"x\\\":[]}", "{\"x\":[],\"results\":[[1],[{\"a\":2}]]}" },
	};
	submit("{\"task\":\"echo\",\"args\":[1]}");
	submit("{\"task\":\"echo\",\"args\":[{\"a\":2}]}");
	for (size_t i = 0; i < COUNT(cases); i++) {
		char params[256], args[64];
		size_t n = 0;
		for (const char *p = cases[i].args; *p; p++)
			if (*p != '\\')
				args[n++] = *p;
		args[n] = '\0';
		snprintf(params, sizeof(params),
			"{\"task\":\"echo\",\"args\":%s,\"after\":[1,2],\"pass_results\":true}", args);
		expect_dump(ask("task.call", params), "result", cases[i].result);
	}
	ck_assert_str_eq(kind_of(ask("task.call",
				 "{\"task\":\"echo\",\"args\":{\"results\":1},\"after\":1,\"pass_results\":true}")),
		"invalid_params");
}
END_TEST

START_TEST(results_that_are_too_large_together_end_it)
{
	world.config.payload_limit = 4000;
	world_configure(&world);
	submit("{\"task\":\"big\",\"args\":[1500]}");
	submit("{\"task\":\"big\",\"args\":[3000]}");
	world_settle(&world);
	json_t *answer = ask("task.call", "{\"task\":\"echo\",\"after\":[1,2],\"pass_results\":true}");
	ck_assert_ptr_nonnull(tree_at(answer, "error"));
	answer = ask("task.call", "{\"task\":\"echo\",\"after\":[1],\"pass_results\":true}");
	ck_assert_ptr_nonnull(tree_at(answer, "result"));
}
END_TEST

/* --- keys --- */

START_TEST(a_key_is_had_once_at_a_time)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	world_settle(&world);
	json_t *answer = submit("{\"task\":\"echo\",\"key\":\"k\"}");
	ck_assert_str_eq(kind_of(answer), "duplicate");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "1");
	ck_assert_str_eq(tree_text(answer, "error.data.state"), "running");
	ck_assert_str_eq(tree_text(answer, "error.data.key"), "k");
	ck_assert_str_eq(tree_text(submit("{\"task\":\"echo\",\"key\":\"l\"}"), "result.id"), "2");
	ck_assert_str_eq(tree_text(ask("task.status", "{\"id\":1}"), "result.key"), "k");
	world_finish(&world);
	world_settle(&world);
	ck_assert_str_eq(tree_text(submit("{\"task\":\"echo\",\"key\":\"k\"}"), "result.id"), "3");
}
END_TEST

START_TEST(who_attaches_gets_the_others_outcome)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	world_settle(&world);
	json_t *answer = submit("{\"task\":\"echo\",\"key\":\"k\",\"key_mode\":\"attach\"}");
	ck_assert_str_eq(tree_text(answer, "result.id"), "1");
	ck_assert_str_eq(tree_text(answer, "result.state"), "running");
	ck_assert(json_is_true(tree_at(answer, "result.duplicate")));
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"echo\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	world_settle(&world);
	world_finish(&world);
	expect_dump(client_hear_json(&client), "result", "\"done\"");
	/* It was submitted, and has a key: its record is kept. */
	ck_assert_str_eq(state_of("1"), "succeeded");
}
END_TEST

START_TEST(once_gives_what_has_ended_too)
{
	ck_assert_str_eq(
		tree_text(submit("{\"task\":\"echo\",\"args\":[1],\"key\":\"k\",\"key_mode\":\"once\"}"), "result.id"),
		"1");
	world_settle(&world);
	json_t *answer = submit("{\"task\":\"echo\",\"args\":[1],\"key\":\"k\",\"key_mode\":\"once\",\"watch\":true}");
	ck_assert_str_eq(tree_text(answer, "result.state"), "succeeded");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "method"), "task.finished");
	expect_dump(ask("task.call", "{\"task\":\"echo\",\"args\":[2],\"key\":\"k\",\"key_mode\":\"once\"}"), "result",
		"[1]");
	ask("task.forget", "{\"ids\":1}");
	expect_dump(ask("task.call", "{\"task\":\"echo\",\"args\":[2],\"key\":\"k\",\"key_mode\":\"once\"}"), "result",
		"[2]");
}
END_TEST

START_TEST(who_replaces_cancels_the_other)
{
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"key\":\"k\"}");
	ck_assert_str_eq(
		tree_text(submit("{\"task\":\"echo\",\"key\":\"k\",\"key_mode\":\"replace\"}"), "result.id"), "2");
	ck_assert_str_eq(state_of("1"), "cancelled");
	ck_assert_str_eq(state_of("2"), "succeeded");
}
END_TEST

START_TEST(a_called_task_is_held_by_all_its_callers)
{
	client_say(&other, REQUEST("1", "task.call", "{\"task\":\"hold\",\"key\":\"k\"}"));
	world_settle(&world);
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	world_settle(&world);
	client_leave(&other);
	ck_assert_str_eq(state_of("1"), "running");
	/* The last one takes it with him, though not at once. */
	world.stop_deaf = true;
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":2}}");
	ck_assert_str_eq(state_of("1"), "cancelling");
}
END_TEST

START_TEST(a_caller_lets_go_of_what_others_hold)
{
	client_say(&other, REQUEST("1", "task.call", "{\"task\":\"hold\",\"key\":\"k\"}"));
	world_settle(&world);
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	world_settle(&world);
	json_t *answer =
		client_ask(&other, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	ck_assert_str_eq(kind_of(answer), "cancelled");
	world_finish(&world);
	expect_dump(client_hear_json(&client), "result", "\"done\"");
}
END_TEST

START_TEST(what_was_submitted_is_not_cancelled_by_those_who_call_it)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	client_say(&other, REQUEST("1", "task.call", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	world_settle(&world);
	client_leave(&other);
	ck_assert_str_eq(state_of("1"), "running");
}
END_TEST

START_TEST(a_called_task_that_is_submitted_too_is_kept)
{
	client_say(&other, REQUEST("1", "task.call", "{\"task\":\"hold\",\"key\":\"k\"}"));
	world_settle(&world);
	submit("{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}");
	client_leave(&other);
	ck_assert_str_eq(state_of("1"), "running");
	world_finish(&world);
	ck_assert_str_eq(state_of("1"), "succeeded");
}
END_TEST

/* --- what makes no sense --- */

static const struct {
	const char *params, *message;
} senseless[] = {
	{ "\"delay\":1,\"at\":\"2030-01-01T00:00:00Z\"", "only one of \"delay\" and \"at\"" },
	{ "\"key_mode\":\"once\"", "\"key_mode\" needs a \"key\"" },
	{ "\"key\":\"\"", "must not be empty" },
	{ "\"key\":\"k\",\"key_mode\":\"one\"", "did you mean \"once\"" },
	{ "\"pass_results\":true", "\"pass_results\" needs tasks in \"after\"" },
	{ "\"pass_results\":true,\"after_any\":[]", "\"pass_results\" needs tasks in \"after\"" },
	{ "\"after\":\"a\"", "labels" },
	{ "\"after_any\":[\"a\"]", "labels" },
	{ "\"after\":[\"9x\"]", "a task's id" },
	{ "\"retries\":-1", "from 0 to 1000" },
	{ "\"retries\":1001", "from 0 to 1000" },
	{ "\"backoff\":-1", "a duration" },
	{ "\"backoff_factor\":0.5", "from 1 to 1000" },
	{ "\"jitter\":1.1", "from 0 to 1" },
	{ "\"retry_on\":\"faild\"", "did you mean \"failed\"" },
	{ "\"expires\":0", "more than 0" },
	{ "\"expires\":\"2030-01-01\"", "time of day" },
	{ "\"at\":\"2030-01-01T00:00:00\"", "time zone" },
	{ "\"at\":5", "a time such as" },
	{ "\"wait_for_room\":-1", "a duration" },
	{ "\"label\":\"a\"", "unknown parameter \"label\"" },
	{ "\"retrys\":1", "did you mean \"retries\"" },
};

START_TEST(what_makes_no_sense_is_refused)
{
	char params[256];
	snprintf(params, sizeof(params), "{\"task\":\"echo\",%s}", senseless[_i].params);
	json_t *answer = submit(params);
	ck_assert_str_eq(kind_of(answer), "invalid_params");
	const char *message = tree_text(answer, "error.message");
	ck_assert_msg(strstr(message, senseless[_i].message), "%s", message);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(a_dependency_that_is_not_there_is_told)
{
	submit("{\"task\":\"echo\"}");
	world_settle(&world);
	json_t *answer = submit("{\"task\":\"echo\",\"after\":[1,99]}");
	ck_assert_str_eq(kind_of(answer), "not_found");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "99");
	ask("task.forget", "{\"ids\":1}");
	answer = submit("{\"task\":\"echo\",\"after_any\":1}");
	ck_assert_str_eq(kind_of(answer), "forgotten");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "1");
}
END_TEST

START_TEST(a_map_takes_the_options_that_suit_it)
{
	json_t *answer = ask("task.map", "{\"task\":\"echo\",\"items\":[1],\"delay\":1}");
	ck_assert_str_eq(tree_text(answer, "error.message"), "unknown parameter \"delay\"");
	client_say(&client,
		REQUEST("1", "task.map",
			"{\"task\":\"fail\",\"items\":[1],\"retries\":1,\"backoff\":\"1s\",\"jitter\":0,\"return_exceptions\":true}"));
	world_settle(&world);
	world_advance(&world, NS_PER_S);
	expect_dump(client_hear_json(&client), "result.0.error.code", "7");
}
END_TEST

/* --- results that are too large to be kept --- */

START_TEST(a_result_too_large_to_keep_is_had_by_those_who_wait)
{
	struct core_limits limits = { .result_ttl_ns = CLOCK_NEVER,
		.failure_ttl_ns = CLOCK_NEVER,
		.result_bytes = 20000,
		.result_count = 100,
		.kill_grace_ns = NS_PER_S };
	core_set_limits(world.core, &limits);
	json_t *answer = ask("task.call", "{\"task\":\"big\",\"args\":[50000],\"key\":\"k\"}");
	ck_assert_uint_eq(json_string_length(tree_at(answer, "result")), 49998);
	answer = ask("task.result", "{\"id\":1}");
	ck_assert_str_eq(kind_of(answer), "too_large");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), "50000"));
	answer = ask("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(answer, "result.state"), "succeeded");
	ck_assert_int_eq(tree_int(answer, "result.result_dropped"), 50000);
	ck_assert_ptr_null(tree_at(answer, "result.error"));
}
END_TEST

/* --- batches --- */

START_TEST(a_batch_is_answered_in_order)
{
	json_t *answer = ask("task.submit_batch",
		"{\"tasks\":[{\"label\":\"c\",\"task\":\"echo\",\"args\":[1],\"after\":[\"a\",\"b\"],\"pass_results\":true},"
		"{\"label\":\"a\",\"task\":\"echo\",\"args\":[\"A\"]},{\"label\":\"b\",\"task\":\"echo\",\"args\":[\"B\"]},"
		"{\"task\":\"echo\",\"after_any\":\"c\",\"delay\":\"1s\"}]}");
	expect_dump(answer, "result",
		"{\"tasks\":[{\"id\":\"1\",\"state\":\"blocked\",\"durability\":\"memory\",\"label\":\"c\"},{\"id\":\"2\",\"state\":\"queued\",\"durability\":\"memory\",\"label\":\"a\"},"
		"{\"id\":\"3\",\"state\":\"queued\",\"durability\":\"memory\",\"label\":\"b\"},{\"id\":\"4\",\"state\":\"blocked\",\"durability\":\"memory\"}]}");
	expect_dump(ask("task.result", "{\"id\":1}"), "result", "[1,[[\"A\"],[\"B\"]]]");
	ck_assert_str_eq(state_of("4"), "scheduled");
	world_advance(&world, NS_PER_S);
	ck_assert_str_eq(state_of("4"), "succeeded");
	expect_dump(ask("task.submit_batch", "[[]]"), "result", "{\"tasks\":[]}");
}
END_TEST

static const struct {
	const char *tasks, *kind, *message;
	int index; /* -1: none in the data */
} bad_batches[] = {
	{ "{}", "invalid_params", "must be an array", -1 },
	{ "[1]", "invalid_params", "task 0: it must be an object", 0 },
	{ "[{\"task\":\"echo\"},{\"task\":\"ecko\"}]", "unknown_task",
		"task 1: unknown task \"ecko\": did you mean \"echo\"?", 1 },
	{ "[{\"task\":\"echo\"},{\"args\":[]}]", "invalid_params", "task 1: parameter \"task\" is missing", 1 },
	{ "[{\"task\":\"echo\",\"retrys\":1}]", "invalid_params", "did you mean \"retries\"?", 0 },
	{ "[{\"task\":\"echo\",\"wait_for_room\":1}]", "invalid_params", "unknown parameter \"wait_for_room\"", 0 },
	{ "[{\"task\":\"echo\",\"queue\":\"defualt\"}]", "invalid_params", "task 0: unknown queue \"defualt\"", 0 },
	{ "[{\"task\":\"echo\",\"label\":\"17\"}]", "invalid_params", "a label is a letter", 0 },
	{ "[{\"task\":\"echo\",\"label\":\"\"}]", "invalid_params", "a label is a letter", 0 },
	{ "[{\"task\":\"echo\",\"label\":\"a\"},{\"task\":\"echo\",\"label\":\"a\"}]", "invalid_params",
		"task 1 (\"a\"): another task of the batch has that label", 1 },
	{ "[{\"task\":\"echo\",\"label\":\"one\"},{\"task\":\"echo\",\"after\":\"onee\"}]", "invalid_params",
		"task 1: unknown label \"onee\": did you mean \"one\"?", 1 },
	{ "[{\"task\":\"echo\"},{\"task\":\"echo\",\"after_any\":[\"99\"]}]", "not_found", "wait for task 99", 1 },
	{ "[{\"task\":\"echo\",\"key\":\"k\"},{\"task\":\"echo\",\"key\":\"k\"}]", "duplicate",
		"another task of the batch", 1 },
	{ "[{\"task\":\"echo\"},{\"task\":\"echo\",\"queue\":\"tight\"},{\"task\":\"echo\",\"queue\":\"tight\"},"
	  "{\"task\":\"echo\",\"queue\":\"tight\"},{\"task\":\"echo\",\"queue\":\"tight\"}]",
		"queue_full", "the queue \"tight\" is full", 4 },
	{ "[{\"task\":\"echo\",\"label\":\"a\",\"after\":\"a\"}]", "dependency_cycle", "circle: a → a", -1 },
	{ "[{\"task\":\"echo\",\"label\":\"a\",\"after\":\"c\"},{\"task\":\"echo\",\"label\":\"b\",\"after_any\":\"a\"},"
	  "{\"task\":\"echo\",\"label\":\"c\",\"after\":\"b\"}]",
		"dependency_cycle", "circle: ", -1 },
	{ "[{\"task\":\"echo\",\"label\":\"a\",\"key\":\"k\",\"after\":\"b\"},"
	  "{\"task\":\"echo\",\"label\":\"b\",\"key\":\"k\",\"key_mode\":\"attach\"}]",
		"dependency_cycle", "circle: a → a", -1 },
};

START_TEST(a_batch_with_a_mistake_is_refused_whole)
{
	char params[1024];
	snprintf(params, sizeof(params), "{\"tasks\":%s}", bad_batches[_i].tasks);
	json_t *answer = ask("task.submit_batch", params);
	ck_assert_str_eq(kind_of(answer), bad_batches[_i].kind);
	const char *message = tree_text(answer, "error.message");
	ck_assert_msg(strstr(message, bad_batches[_i].message), "%s", message);
	ck_assert_int_eq(tree_int(answer, "error.data.index"), bad_batches[_i].index);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(a_circle_is_told_in_order)
{
	json_t *answer = ask("task.submit_batch",
		"{\"tasks\":[{\"task\":\"echo\",\"after\":\"b\"},{\"task\":\"echo\",\"label\":\"b\",\"after\":\"c\"},"
		"{\"task\":\"echo\",\"label\":\"c\",\"after_any\":\"d\",\"after\":\"x\"},{\"task\":\"echo\",\"label\":\"x\"},"
		"{\"task\":\"echo\",\"label\":\"d\",\"after\":[\"x\",\"b\"]}]}");
	ck_assert_str_eq(kind_of(answer), "dependency_cycle");
	/* Whichever of them is the first. */
	char *text = json_dumps(tree_at(answer, "error.data.cycle"), JSON_COMPACT);
	ck_assert_msg(!strcmp(text, "[\"b\",\"c\",\"d\"]") || !strcmp(text, "[\"c\",\"d\",\"b\"]") ||
			!strcmp(text, "[\"d\",\"b\",\"c\"]"),
		"%s", text);
	free(text);
}
END_TEST

START_TEST(an_error_in_a_batch_names_the_task)
{
	json_t *answer = ask("task.submit_batch", "{\"tasks\":[{\"label\":\"x\",\"task\":\"echo\",\"after\":\"77\"}]}");
	ck_assert_str_eq(tree_text(answer, "error.data.label"), "x");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "77");
	ck_assert_int_eq(tree_int(answer, "error.data.index"), 0);
}
END_TEST

START_TEST(duplicates_in_a_batch_are_marked)
{
	submit("{\"task\":\"hold\",\"key\":\"old\"}");
	json_t *answer = ask("task.submit_batch",
		"{\"tasks\":[{\"task\":\"echo\",\"key\":\"new\",\"key_mode\":\"attach\"},"
		"{\"task\":\"echo\",\"key\":\"old\",\"key_mode\":\"attach\"},"
		"{\"task\":\"echo\",\"key\":\"new\",\"key_mode\":\"attach\"},{\"task\":\"echo\"}]}");
	ck_assert_str_eq(tree_text(answer, "result.tasks.0.id"), "2");
	ck_assert_ptr_null(tree_at(answer, "result.tasks.0.duplicate"));
	ck_assert_str_eq(tree_text(answer, "result.tasks.1.id"), "1");
	ck_assert(json_is_true(tree_at(answer, "result.tasks.1.duplicate")));
	ck_assert_str_eq(tree_text(answer, "result.tasks.2.id"), "2");
	ck_assert(json_is_true(tree_at(answer, "result.tasks.2.duplicate")));
	ck_assert_str_eq(tree_text(answer, "result.tasks.3.id"), "3");
	ck_assert_ptr_null(tree_at(answer, "result.tasks.3.duplicate"));
}
END_TEST

START_TEST(watched_tasks_of_a_batch_are_told_of)
{
	ask("task.submit_batch",
		"{\"tasks\":[{\"task\":\"echo\",\"watch\":true},{\"task\":\"echo\"},"
		"{\"task\":\"fail\",\"watch\":true}]}");
	int ids = 0;
	for (int i = 0; i < 2; i++)
		ids |= 1 << atoi(tree_text(client_hear_json(&client), "params.id"));
	ck_assert_int_eq(ids, 1 << 1 | 1 << 3);
	ck_assert(client_hears_nothing(&client));
	world.config.max_requests = 3;
	world_configure(&world);
	json_t *answer = ask("task.submit_batch",
		"{\"tasks\":[{\"task\":\"echo\",\"watch\":true},{\"task\":\"echo\",\"watch\":true},"
		"{\"task\":\"fail\",\"watch\":true},{\"task\":\"fail\",\"watch\":true}]}");
	ck_assert_str_eq(kind_of(answer), "too_many");
}
END_TEST

START_TEST(a_notified_batch_is_submitted)
{
	client_say(
		&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit_batch\",\"params\":[[{\"task\":\"echo\"}]]}");
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(state_of("1"), "succeeded");
}
END_TEST

/* --- room --- */

/* "tight" takes 3; nothing of it starts. */
static void fill(void)
{
	core_queue_pause(core_queue_find(world.core, "tight"));
	for (int i = 0; i < 3; i++)
		submit("{\"task\":\"echo\",\"queue\":\"tight\"}");
	ck_assert_str_eq(kind_of(submit("{\"task\":\"echo\",\"queue\":\"tight\"}")), "queue_full");
}

static void drop(int id)
{
	char params[32];
	snprintf(params, sizeof(params), "{\"ids\":%d}", id);
	ask("task.cancel", params);
}

#define WAITING(id, tag)                                                                    \
	REQUEST(#id, "task.submit",                                                         \
		"{\"task\":\"echo\",\"queue\":\"tight\",\"tag\":\"" tag "\",\"key\":\"" tag \
		"\",\"retries\":1,\"jitter\":0,"                                            \
		"\"wait_for_room\":\"1m\"}")

START_TEST(those_who_wait_for_room_are_let_in_in_their_order)
{
	fill();
	client_say(&other, WAITING(1, "a"));
	client_say(&other, WAITING(2, "b"));
	ck_assert(client_hears_nothing(&other));
	drop(1);
	json_t *answer = client_hear_json(&other);
	ck_assert_int_eq(tree_int(answer, "id"), 1);
	ck_assert_str_eq(tree_text(answer, "result.id"), "4");
	ck_assert_str_eq(tree_text(answer, "result.state"), "queued");
	ck_assert(client_hears_nothing(&other));
	drop(2);
	ck_assert_int_eq(tree_int(client_hear_json(&other), "id"), 2);
	/* With all that was said of it. */
	answer = ask("task.status", "{\"id\":5}");
	ck_assert_str_eq(tree_text(answer, "result.tag"), "b");
	ck_assert_str_eq(tree_text(answer, "result.key"), "b");
	ck_assert_int_eq(tree_int(answer, "result.retries"), 1);
}
END_TEST

START_TEST(waiting_for_room_has_an_end)
{
	fill();
	client_say(&other, WAITING(1, "a"));
	world_settle(&world);
	world_advance(&world, 59 * NS_PER_S);
	ck_assert(client_hears_nothing(&other));
	world_advance(&world, 2 * NS_PER_S);
	json_t *answer = client_hear_json(&other);
	ck_assert_str_eq(kind_of(answer), "queue_full");
	ck_assert_int_eq(tree_int(answer, "error.data.depth"), 3);
	drop(1);
	ck_assert(client_hears_nothing(&other));
}
END_TEST

START_TEST(what_will_never_fit_is_refused_at_once)
{
	fill();
	ck_assert_str_eq(
		kind_of(ask("task.map",
			"{\"task\":\"echo\",\"items\":[1,2,3,4],\"queue\":\"tight\",\"wait_for_room\":\"1m\"}")),
		"queue_full");
}
END_TEST

START_TEST(a_map_waits_until_all_of_it_fits)
{
	fill();
	client_say(&other,
		REQUEST("1", "task.map",
			"{\"task\":\"echo\",\"items\":[ 1, [2] ],\"queue\":\"tight\",\"wait_for_room\":\"1m\"}"));
	drop(1);
	ck_assert(client_hears_nothing(&other));
	ck_assert_uint_eq(core_totals(world.core)->submitted, 3);
	drop(2);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 5);
	core_queue_resume(core_queue_find(world.core, "tight"));
	expect_dump(client_hear_json(&other), "result", "[1,[2]]");
}
END_TEST

START_TEST(a_call_that_waits_for_room_gets_its_result)
{
	fill();
	client_say(&other,
		REQUEST("1", "task.call",
			"{\"task\":\"echo\",\"args\":[5],\"queue\":\"tight\",\"wait_for_room\":\"1m\"}"));
	core_queue_resume(core_queue_find(world.core, "tight"));
	expect_dump(client_hear_json(&other), "result", "[5]");
}
END_TEST

START_TEST(who_waits_for_room_may_ask_cancel_or_leave)
{
	fill();
	client_say(&other, WAITING(1, "a"));
	json_t *answer = client_ask(&other, REQUEST("2", "task.status", "{\"call\":1}"));
	ck_assert_str_eq(tree_text(answer, "result.state"), "waiting_for_room");
	answer = client_ask(&other, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	ck_assert_str_eq(kind_of(answer), "cancelled");
	client_say(&other, WAITING(3, "a"));
	client_say(&other, WAITING(4, "b"));
	world_settle(&world);
	client_leave(&other);
	world_settle(&world);
	drop(1);
	drop(2);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 3);
}
END_TEST

/* The one in front leaves in the turn in which there is room. */
START_TEST(those_behind_one_who_leaves_are_let_in)
{
	fill();
	client_say(&other, WAITING(1, "a"));
	world_settle(&world);
	client_say(&client, WAITING(2, "b"));
	world_settle(&world);
	client_say(&client, REQUEST("3", "task.cancel", "{\"ids\":1}"));
	client_leave(&other);
	bool submitted = false;
	for (int i = 0; i < 2; i++)
		submitted |= tree_int(client_hear_json(&client), "id") == 2;
	ck_assert(submitted);
}
END_TEST

START_TEST(who_waits_is_found_by_its_id_when_it_was_let_in)
{
	fill();
	client_say(&client,
		REQUEST("\"w\"", "task.call", "{\"task\":\"hold\",\"queue\":\"tight\",\"wait_for_room\":\"1m\"}"));
	ck_assert_str_eq(tree_text(ask("task.status", "{\"call\":\"w\"}"), "result.state"), "waiting_for_room");
	drop(1);
	ck_assert_str_eq(tree_text(ask("task.status", "{\"call\":\"w\"}"), "result.state"), "queued");
}
END_TEST

START_TEST(nobody_waits_for_a_queue_that_is_gone_or_drains)
{
	ask("queue.create", "{\"name\":\"q\",\"limit_queued\":1}");
	ask("queue.pause", "{\"queue\":\"q\"}");
	submit("{\"task\":\"echo\",\"queue\":\"q\"}");
	client_say(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\",\"queue\":\"q\",\"wait_for_room\":\"1m\"}"));
	ck_assert(client_hears_nothing(&other));
	ask("queue.drain", "{\"queue\":\"q\"}");
	ck_assert_str_eq(kind_of(client_hear_json(&other)), "queue_draining");
	ask("queue.resume", "{\"queue\":\"q\"}");
	ask("queue.pause", "{\"queue\":\"q\"}");
	submit("{\"task\":\"echo\",\"queue\":\"q\"}");
	client_say(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\",\"queue\":\"q\",\"wait_for_room\":\"1m\"}"));
	ck_assert(client_hears_nothing(&other));
}
END_TEST

START_TEST(a_stop_does_not_wait_for_those_who_wait)
{
	fill();
	client_say(&other, WAITING(1, "a"));
	ck_assert(client_hears_nothing(&other));
	edge_close_listeners(world.edge);
	core_close(world.core, true);
	ck_assert_str_eq(kind_of(client_hear_json(&other)), "shutting_down");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_life");
	TCase *tests = tcase_create("edge_life");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_delayed_task_runs_when_its_time_has_come);
	tcase_add_test(tests, only_a_time_follows_the_wall_clock);
	tcase_add_test(tests, a_time_that_is_past_is_now);
	tcase_add_test(tests, what_has_not_started_by_its_deadline_expires);
	tcase_add_test(tests, each_attempt_is_on_the_record);
	tcase_add_test(tests, a_crashed_attempt_tells_whose_worker_died);
	tcase_add_test(tests, only_chosen_outcomes_are_tried_again);
	tcase_add_test(tests, pauses_have_defaults);
	tcase_add_test(tests, a_task_waits_for_those_it_names);
	tcase_add_test(tests, a_failed_dependency_is_told_with_its_id);
	tcase_add_test(tests, results_are_passed_on);
	tcase_add_test(tests, results_that_are_too_large_together_end_it);
	tcase_add_test(tests, a_key_is_had_once_at_a_time);
	tcase_add_test(tests, who_attaches_gets_the_others_outcome);
	tcase_add_test(tests, once_gives_what_has_ended_too);
	tcase_add_test(tests, who_replaces_cancels_the_other);
	tcase_add_test(tests, a_called_task_is_held_by_all_its_callers);
	tcase_add_test(tests, a_caller_lets_go_of_what_others_hold);
	tcase_add_test(tests, what_was_submitted_is_not_cancelled_by_those_who_call_it);
	tcase_add_test(tests, a_called_task_that_is_submitted_too_is_kept);
	tcase_add_loop_test(tests, what_makes_no_sense_is_refused, 0, (int)COUNT(senseless));
	tcase_add_test(tests, a_dependency_that_is_not_there_is_told);
	tcase_add_test(tests, a_map_takes_the_options_that_suit_it);
	tcase_add_test(tests, a_result_too_large_to_keep_is_had_by_those_who_wait);
	tcase_add_test(tests, a_batch_is_answered_in_order);
	tcase_add_loop_test(tests, a_batch_with_a_mistake_is_refused_whole, 0, (int)COUNT(bad_batches));
	tcase_add_test(tests, a_circle_is_told_in_order);
	tcase_add_test(tests, an_error_in_a_batch_names_the_task);
	tcase_add_test(tests, duplicates_in_a_batch_are_marked);
	tcase_add_test(tests, watched_tasks_of_a_batch_are_told_of);
	tcase_add_test(tests, a_notified_batch_is_submitted);
	tcase_add_test(tests, those_who_wait_for_room_are_let_in_in_their_order);
	tcase_add_test(tests, waiting_for_room_has_an_end);
	tcase_add_test(tests, what_will_never_fit_is_refused_at_once);
	tcase_add_test(tests, a_map_waits_until_all_of_it_fits);
	tcase_add_test(tests, a_call_that_waits_for_room_gets_its_result);
	tcase_add_test(tests, who_waits_for_room_may_ask_cancel_or_leave);
	tcase_add_test(tests, those_behind_one_who_leaves_are_let_in);
	tcase_add_test(tests, who_waits_is_found_by_its_id_when_it_was_let_in);
	tcase_add_test(tests, nobody_waits_for_a_queue_that_is_gone_or_drains);
	tcase_add_test(tests, a_stop_does_not_wait_for_those_who_wait);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
