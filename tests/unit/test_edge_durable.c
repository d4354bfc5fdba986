/* Submissions that are answered when they are on disk, and what a store that is full or has failed means for clients. The
 * disk is durable_fake.c's: nothing is on it before a test says so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge_commands.h"
#include "edge_world.h"

static struct world world;
static struct client client, other;

static void set_up(void)
{
	world_init_durable(&world);
	client_init(&client, &world);
	client_init(&other, &world);
}

static void tear_down(void)
{
	client_fini(&client);
	client_fini(&other);
	world_fini(&world);
}

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define SUBMITTED(number, state, more) "{\"id\":\"" number "\",\"state\":\"" state "\",\"durability\":\"disk\"" more "}"

static void submit(const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), REQUEST("1", "task.submit", "%s"), params);
	client_say(&client, line);
	world_settle(&world);
}

static void on_disk(void)
{
	fake_commit(world.durable);
	world_settle(&world);
}

static void refuse(void)
{
	fake_refuse(world.durable, "store_full", "the disk is full: the task was not taken");
	world_settle(&world);
}

static json_t *ask_other(const char *method, const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), REQUEST("9", "%s", "%s"), method, params);
	return client_ask(&other, line);
}

static const char *kind_heard(void)
{
	return tree_text(client_hear_json(&client), "error.data.kind");
}

static const char *state_of(const char *id)
{
	char params[64];
	snprintf(params, sizeof(params), "{\"id\":%s}", id);
	json_t *answer = ask_other("task.status", params);
	return tree_at(answer, "error") ? tree_text(answer, "error.data.kind") : tree_text(answer, "result.state");
}

static void break_store(void)
{
	world.durable->state = STORE_BROKEN;
	world.durable->may_submit = DURABLE_STORE_FAILED;
	edge_store_changed(world.edge, STORE_BROKEN);
	world_settle(&world);
}

/* --- one --- */

START_TEST(a_submission_is_answered_when_it_is_on_disk_and_starts_then)
{
	submit("{\"task\":\"hold\"}");
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(state_of("1"), "recording");
	on_disk();
	ck_assert_str_eq(client_hear(&client), RESULT("1", SUBMITTED("1", "queued", "")));
	ck_assert_str_eq(state_of("1"), "running");
}
END_TEST

START_TEST(what_is_not_durable_is_answered_at_once)
{
	submit("{\"task\":\"hold\",\"durable\":false}");
	ck_assert_str_eq(
		client_hear(&client), RESULT("1", "{\"id\":\"1\",\"state\":\"queued\",\"durability\":\"memory\"}"));
	ck_assert_uint_eq(world.durable->n_records, 0);
}
END_TEST

START_TEST(that_it_goes_on_alone_is_known_when_it_is_recorded)
{
	submit("{\"task\":\"hold\"}");
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"hold\",\"durable\":true}"));
	client_say(&client,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.call\",\"params\":{\"task\":\"hold\",\"durable\":true}}");
	world_settle(&world);
	ck_assert_uint_eq(world.durable->n_records, 3);
	ck_assert(world.durable->records[0].detached);
	ck_assert(!world.durable->records[1].detached);
	ck_assert(world.durable->records[2].detached);
}
END_TEST

START_TEST(a_record_says_that_it_is_durable_and_how_it_takes_an_interruption)
{
	submit("{\"task\":\"hold\",\"on_interrupt\":\"crash\"}");
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"true\"]}}");
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"true\"]},\"on_interrupt\":\"requeue\"}");
	json_t *record = tree_at(ask_other("task.status", "{\"id\":1}"), "result");
	ck_assert(json_is_true(tree_at(record, "durable")));
	ck_assert_str_eq(tree_text(record, "on_interrupt"), "crash");
	record = tree_at(ask_other("task.status", "{\"id\":2}"), "result");
	ck_assert(json_is_true(tree_at(record, "durable")) && !tree_at(record, "on_interrupt"));
	record = tree_at(ask_other("task.status", "{\"id\":3}"), "result");
	ck_assert_str_eq(tree_text(record, "on_interrupt"), "requeue");
}
END_TEST

START_TEST(what_the_disk_refuses_never_was)
{
	submit("{\"task\":\"hold\",\"key\":\"k\",\"watch\":true}");
	refuse();
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "error.code"), -32034);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "store_full");
	ck_assert_str_eq(tree_text(answer, "error.message"), "the disk is full: the task was not taken");
	ck_assert(client_hears_nothing(&client)); /* no task.finished either */
	client_say(&client, REQUEST("2", "task.status", "{\"id\":1}"));
	world_settle(&world);
	fake_answer(world.durable, NULL, 0, &(struct store_answer){ .status = STORE_ANSWER_NOT_FOUND });
	ck_assert_str_eq(kind_heard(), "forgotten");
}
END_TEST

START_TEST(a_store_that_takes_nothing_is_told_at_once)
{
	static const struct {
		enum durable_answer answer;
		const char *kind;
	} cases[] = {
		{ DURABLE_STORE_FULL, "store_full" },
		{ DURABLE_STORE_FAILED, "store_failed" },
		{ DURABLE_STORE_BEHIND, "store_behind" },
	};
	world.durable->may_submit = cases[_i].answer;
	submit("{\"task\":\"hold\"}");
	ck_assert_str_eq(kind_heard(), cases[_i].kind);
	client_say(&client, REQUEST("2", "task.submit_batch", "{\"tasks\":[{\"task\":\"hold\"}]}"));
	ck_assert_str_eq(kind_heard(), cases[_i].kind);
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"echo\",\"durable\":true}"));
	ck_assert_str_eq(kind_heard(), cases[_i].kind);
	client_expect(&client, REQUEST("3", "task.call", "{\"task\":\"echo\"}"), RESULT("3", "[]"));
	client_expect(&client, REQUEST("4", "echo", "[1]"), RESULT("4", "[1]"));
	ck_assert_uint_eq(world.durable->n_records, 0);
}
END_TEST

START_TEST(a_notification_is_taken_and_not_answered)
{
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\"}}");
	client_say(&client,
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\",\"watch\":true}}");
	world_settle(&world);
	on_disk();
	on_disk();
	json_t *heard = client_hear_json(&client);
	ck_assert_str_eq(tree_text(heard, "method"), "task.finished");
	ck_assert_str_eq(tree_text(heard, "params.id"), "2");
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(state_of("1"), "succeeded");
}
END_TEST

START_TEST(a_watch_is_told_behind_the_answer_and_when_the_end_is_on_disk)
{
	submit("{\"task\":\"echo\",\"args\":[7],\"watch\":true}");
	on_disk();
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durability"), "disk");
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(state_of("1"), "recording");
	on_disk();
	json_t *heard = client_hear_json(&client);
	ck_assert_str_eq(tree_text(heard, "method"), "task.finished");
	ck_assert_str_eq(tree_text(heard, "params.state"), "succeeded");
	ck_assert_int_eq(tree_int(heard, "params.result.0"), 7);
}
END_TEST

START_TEST(who_leaves_meanwhile_has_submitted_all_the_same)
{
	submit("{\"task\":\"hold\"}");
	client_leave(&client);
	world_settle(&world);
	on_disk();
	ck_assert_str_eq(state_of("1"), "running");
}
END_TEST

START_TEST(who_says_no_more_is_still_answered)
{
	submit("{\"task\":\"hold\"}");
	client_half_close(&client);
	world_settle(&world);
	on_disk();
	ck_assert_str_eq(client_hear(&client), RESULT("1", SUBMITTED("1", "queued", "")));
	ck_assert(client_hears_end(&client));
}
END_TEST

/* --- cancelling --- */

START_TEST(a_request_that_is_cancelled_meanwhile_takes_its_task_along)
{
	submit("{\"task\":\"hold\"}");
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	ck_assert(client_hears_nothing(&client));
	on_disk();
	ck_assert(client_hears_nothing(&client)); /* after a restart it would run */
	on_disk();
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "cancelled");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "1");
	ck_assert_str_eq(state_of("1"), "cancelled");
}
END_TEST

/* _i: before it is on disk, or while its end comes there. */
START_TEST(a_cancelled_request_is_told_when_the_store_fails)
{
	submit("{\"task\":\"hold\"}");
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	world_settle(&world);
	if (_i)
		on_disk();
	world.durable->state = STORE_BROKEN;
	edge_store_changed(world.edge, STORE_BROKEN);
	if (!_i) {
		ck_assert(client_hears_nothing(&client));
		fake_refuse(world.durable, "store_failed", "no");
	}
	ck_assert_str_eq(kind_heard(), _i ? "store_failed" : "cancelled");
}
END_TEST

START_TEST(the_request_says_what_it_waits_for_and_what_was_cancelled)
{
	submit("{\"task\":\"hold\"}");
	client_expect(&client, REQUEST("2", "task.status", "{\"call\":1}"),
		RESULT("2", "{\"state\":\"recording\",\"tasks\":1,\"ended\":0}"));
	client_expect(&client, REQUEST("3", "task.cancel", "{\"call\":1}"),
		RESULT("3", "[{\"id\":\"1\",\"state\":\"recording\"}]"));
}
END_TEST

START_TEST(a_task_that_is_being_recorded_is_cancelled_when_it_is_there)
{
	submit("{\"task\":\"hold\"}");
	ck_assert_str_eq(tree_text(ask_other("task.cancel", "{\"ids\":[1]}"), "result.0.state"), "recording");
	on_disk();
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.state"), "recording");
	on_disk();
	ck_assert_str_eq(state_of("1"), "cancelled");
}
END_TEST

START_TEST(a_filter_counts_as_begun_what_is_not_on_disk_yet)
{
	submit("{\"task\":\"hold\",\"tag\":\"t\",\"delay\":60}");
	on_disk();
	submit("{\"task\":\"hold\",\"tag\":\"t\"}");
	submit("{\"task\":\"hold\",\"tag\":\"t\",\"delay\":60,\"durable\":false}");
	json_t *answer = ask_other("task.cancel", "{\"tag\":\"t\"}");
	ck_assert_int_eq(tree_int(answer, "result.matched"), 3);
	ck_assert_int_eq(tree_int(answer, "result.cancelled"), 1);
	ck_assert_int_eq(tree_int(answer, "result.cancelling"), 2);
	on_disk();
	on_disk();
	ck_assert_str_eq(state_of("1"), "cancelled");
	ck_assert_str_eq(state_of("2"), "cancelled");
}
END_TEST

/* --- keys --- */

START_TEST(who_is_given_a_task_by_its_key_waits_for_it_too)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	client_say(&other, REQUEST("2", "task.submit", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	ck_assert(client_hears_nothing(&other));
	on_disk();
	ck_assert_str_eq(client_hear(&client), RESULT("1", SUBMITTED("1", "queued", "")));
	ck_assert_str_eq(client_hear(&other), RESULT("2", SUBMITTED("1", "queued", ",\"duplicate\":true")));
}
END_TEST

START_TEST(who_was_given_a_task_that_is_refused_is_refused)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	client_say(&other, REQUEST("2", "task.submit", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"once\"}"));
	client_say(&other, REQUEST("3", "task.call", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"once\"}"));
	world_settle(&world);
	refuse();
	ck_assert_str_eq(kind_heard(), "store_full");
	ck_assert_str_eq(tree_text(client_hear_json(&other), "error.data.kind"), "store_full");
	ck_assert_str_eq(tree_text(client_hear_json(&other), "error.data.kind"), "store_full");
}
END_TEST

START_TEST(who_cancels_what_is_anothers_cancels_his_request_only)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	client_say(&other, REQUEST("2", "task.submit", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	client_say(&other, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":2}}");
	ck_assert_str_eq(tree_text(client_hear_json(&other), "error.data.kind"), "cancelled");
	on_disk();
	ck_assert_str_eq(state_of("1"), "running");
}
END_TEST

/* So whoever sends again what was not acknowledged is not told that it was not taken. */
START_TEST(what_is_sent_again_is_found_though_the_disk_is_full_now)
{
	submit("{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"once\"}");
	on_disk();
	client_hear(&client);
	world.durable->may_submit = DURABLE_STORE_FULL;
	submit("{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"once\"}");
	ck_assert_str_eq(client_hear(&client), RESULT("1", SUBMITTED("1", "running", ",\"duplicate\":true")));
}
END_TEST

START_TEST(a_task_of_memory_is_told_as_that_whoever_asks_for_it)
{
	submit("{\"task\":\"hold\",\"key\":\"k\",\"durable\":false}");
	client_hear(&client);
	submit("{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durability"), "memory");
}
END_TEST

/* --- calls --- */

START_TEST(a_durable_call_is_answered_when_its_end_is_on_disk)
{
	client_say(&client, REQUEST("1", "task.call", "{\"task\":\"echo\",\"args\":[1],\"durable\":true}"));
	world_settle(&world);
	on_disk();
	ck_assert(client_hears_nothing(&client));
	on_disk();
	ck_assert_str_eq(client_hear(&client), RESULT("1", "[1]"));
	ck_assert_uint_eq(fake_count(world.durable, RECORD_FORGOTTEN), 0);
}
END_TEST

START_TEST(a_call_that_is_refused_is_told_why)
{
	client_say(&client, REQUEST("1", "task.call", "{\"task\":\"echo\",\"durable\":true}"));
	world_settle(&world);
	refuse();
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "error.code"), -32034);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "store_full");
}
END_TEST

START_TEST(a_queue_makes_what_is_called_durable)
{
	client_say(&client, REQUEST("1", "queue.set", "{\"name\":\"default\",\"durable\":\"yes\"}"));
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durable"), "yes");
	client_say(&client, REQUEST("2", "echo", "[1]"));
	ck_assert(client_hears_nothing(&client));
	on_disk();
	on_disk();
	ck_assert_str_eq(client_hear(&client), RESULT("2", "[1]"));
	client_say(&client, REQUEST("1", "queue.set", "{\"name\":\"default\",\"durable\":\"no\"}"));
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durable"), "no");
	submit("{\"task\":\"hold\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durability"), "memory");
	client_say(&client, REQUEST("1", "queue.set", "{\"name\":\"default\",\"durable\":\"auto\"}"));
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durable"), "auto");
	ck_assert_int_eq(world.durable->queue_says, -1);
}
END_TEST

START_TEST(a_map_is_never_durable)
{
	world.durable->queue_says = 1;
	client_expect(&client, REQUEST("1", "task.map", "{\"task\":\"double\",\"items\":[1,2],\"chunk\":2}"),
		RESULT("1", "[2, 4]"));
	ck_assert_uint_eq(world.durable->n_records, 0);
}
END_TEST

START_TEST(a_command_that_somebody_attends_to_is_not_durable)
{
	static const char live[] = "{\"task\":\"exec\",\"args\":{\"argv\":[\"cat\"],\"stdin_live\":true}%s}";
	char params[128];
	snprintf(params, sizeof(params), live, "");
	submit(params);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.durability"), "memory");
	snprintf(params, sizeof(params), live, ",\"durable\":true");
	submit(params);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "invalid_params");
	ck_assert_str_eq(tree_text(answer, "error.message"), "a command with \"stdin_live\" cannot be durable");
}
END_TEST

/* --- several --- */

START_TEST(a_batch_is_answered_when_all_of_it_is_on_disk)
{
	client_say(&client,
		REQUEST("1", "task.submit_batch",
			"{\"tasks\":[{\"label\":\"a\",\"task\":\"hold\"},{\"task\":\"hold\",\"after\":\"a\"},"
			"{\"task\":\"hold\",\"delay\":60,\"durable\":false}]}"));
	world_settle(&world);
	ck_assert_uint_eq(world.durable->n_records, 3); /* one is durable, so all are */
	ck_assert(world.durable->records[0].more && world.durable->records[1].more && !world.durable->records[2].more);
	fake_commit_one(world.durable);
	fake_commit_one(world.durable);
	ck_assert(client_hears_nothing(&client));
	fake_commit_one(world.durable);
	ck_assert_str_eq(client_hear(&client),
		RESULT("1",
			"{\"tasks\":[" SUBMITTED("1", "queued", ",\"label\":\"a\"") "," SUBMITTED(
				"2", "blocked", "") "," SUBMITTED("3", "scheduled", "") "]}"));
}
END_TEST

START_TEST(a_batch_of_nothing_durable_does_not_wait)
{
	client_say(&client,
		REQUEST("1", "task.submit_batch",
			"{\"tasks\":[{\"task\":\"hold\",\"durable\":false},{\"task\":\"hold\",\"durable\":false}]}"));
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.tasks.1.durability"), "memory");
	ck_assert_uint_eq(world.durable->n_records, 0);
}
END_TEST

START_TEST(a_batch_is_refused_as_a_whole)
{
	client_say(&client,
		REQUEST("1", "task.submit_batch",
			"{\"tasks\":[{\"label\":\"a\",\"task\":\"hold\",\"watch\":true},{\"task\":\"hold\",\"after\":\"a\"}]}"));
	world_settle(&world);
	refuse();
	ck_assert_str_eq(kind_heard(), "store_full");
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(a_batch_that_is_cancelled_meanwhile_is_cancelled_as_a_whole)
{
	client_say(&client, REQUEST("1", "task.submit_batch", "{\"tasks\":[{\"task\":\"hold\"},{\"task\":\"hold\"}]}"));
	client_expect(&client, REQUEST("2", "task.cancel", "{\"call\":1}"),
		RESULT("2", "[{\"id\":\"1\",\"state\":\"recording\"},{\"id\":\"2\",\"state\":\"recording\"}]"));
	on_disk();
	ck_assert(client_hears_nothing(&client));
	on_disk();
	ck_assert_str_eq(kind_heard(), "cancelled");
	ck_assert_str_eq(state_of("1"), "cancelled");
	ck_assert_str_eq(state_of("2"), "cancelled");
}
END_TEST

START_TEST(who_leaves_a_batch_meanwhile_has_submitted_it)
{
	client_say(&client, REQUEST("1", "task.submit_batch", "{\"tasks\":[{\"task\":\"hold\"},{\"task\":\"hold\"}]}"));
	world_settle(&world);
	fake_commit_one(world.durable);
	client_leave(&client);
	world_settle(&world);
	on_disk();
	ck_assert_str_eq(state_of("1"), "running");
	ck_assert_str_eq(state_of("2"), "running");
}
END_TEST

START_TEST(answers_of_a_json_rpc_batch_come_together)
{
	client_say(&client, "[" REQUEST("1", "task.submit", "{\"task\":\"hold\"}") "," REQUEST("2", "echo", "[]") "]");
	ck_assert(client_hears_nothing(&client));
	on_disk();
	ck_assert_str_eq(client_hear(&client), "[" RESULT("2", "[]") "," RESULT("1", SUBMITTED("1", "queued", "")) "]");
}
END_TEST

START_TEST(who_waits_for_room_is_answered_when_it_is_on_disk)
{
	for (int i = 0; i < 4; i++) { /* four run, and three wait */
		submit("{\"task\":\"hold\",\"queue\":\"tight\",\"durable\":false}");
		client_hear(&client);
	}
	for (int i = 0; i < 3; i++)
		submit("{\"task\":\"hold\",\"queue\":\"tight\"}");
	client_say(&other, REQUEST("2", "task.submit", "{\"task\":\"hold\",\"queue\":\"tight\",\"wait_for_room\":60}"));
	ck_assert(client_hears_nothing(&other)); /* those that are not on disk yet take room, too */
	on_disk();
	ck_assert(client_hears_nothing(&other));
	world_finish(&world);
	world_settle(&world);
	ck_assert(client_hears_nothing(&other));
	on_disk();
	ck_assert_str_eq(tree_text(client_hear_json(&other), "result.durability"), "disk");
}
END_TEST

/* --- once more --- */

static void fail_some(int n)
{
	for (int i = 0; i < n; i++)
		submit("{\"task\":\"fail\",\"tag\":\"t\"}");
	on_disk();
	on_disk();
	for (int i = 0; i < n; i++)
		client_hear(&client);
}

START_TEST(a_retry_is_told_when_it_is_on_disk)
{
	fail_some(2);
	client_say(&client, REQUEST("1", "task.retry", "{\"ids\":[1,2,77]}"));
	ck_assert(client_hears_nothing(&client));
	on_disk();
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "result.0.retried_as"), "3");
	ck_assert_str_eq(tree_text(answer, "result.0.durability"), "disk");
	ck_assert_str_eq(tree_text(answer, "result.1.retried_as"), "4");
	ck_assert_str_eq(tree_text(answer, "result.2.error.data.kind"), "not_found");
	on_disk();
	client_expect(&client, REQUEST("1", "task.retry", "{\"ids\":1}"),
		RESULT("1", "[{\"id\":\"1\",\"retried_as\":\"3\",\"durability\":\"disk\"}]"));
}
END_TEST

START_TEST(a_retry_that_is_refused_is_an_error_of_its_own)
{
	fail_some(2);
	client_say(&client, REQUEST("1", "task.retry", "{\"ids\":[1,2]}"));
	world_settle(&world);
	fake_commit_one(world.durable);
	refuse();
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "result.0.retried_as"), "3");
	ck_assert_str_eq(tree_text(answer, "result.1.error.data.kind"), "store_full");
	world.durable->may_submit = DURABLE_STORE_FULL;
	client_say(&client, REQUEST("1", "task.retry", "{\"ids\":2}"));
	ck_assert_str_eq(kind_heard(), "store_full");
}
END_TEST

START_TEST(retries_of_a_filter_count_when_they_are_on_disk)
{
	fail_some(3);
	client_say(&client, REQUEST("1", "task.retry", "{\"tag\":\"t\"}"));
	ck_assert(client_hears_nothing(&client));
	fake_commit_one(world.durable);
	fake_commit_one(world.durable);
	ck_assert(client_hears_nothing(&client));
	refuse();
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "result.matched"), 3);
	ck_assert_int_eq(tree_int(answer, "result.retried"), 2);
	ck_assert_int_eq(tree_int(answer, "result.skipped"), 1);
	ck_assert_str_eq(tree_text(answer, "result.error.data.kind"), "store_full");
}
END_TEST

START_TEST(who_leaves_during_a_retry_has_had_it_tried)
{
	fail_some(2);
	client_say(&client, REQUEST("1", "task.retry", "{\"tag\":\"t\"}"));
	world_settle(&world);
	client_leave(&client);
	world_settle(&world);
	on_disk();
	on_disk();
	ck_assert_str_eq(state_of("3"), "failed");
	ck_assert_str_eq(state_of("4"), "failed");
}
END_TEST

/* --- a store that has failed --- */

START_TEST(who_waits_for_an_end_that_will_not_be_known_is_told_so)
{
	submit("{\"task\":\"hold\"}");
	on_disk();
	client_hear(&client);
	client_say(&client, REQUEST("2", "task.result", "{\"id\":1}"));
	client_say(&client, REQUEST("3", "task.wait", "{\"ids\":[1]}"));
	client_say(&client, REQUEST("4", "task.call", "{\"task\":\"hold\",\"durable\":true}"));
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"hold\"}"));
	world_settle(&world);
	on_disk();
	break_store();
	for (int i = 0; i < 3; i++) {
		json_t *answer = client_hear_json(&client);
		ck_assert_str_eq(tree_text(answer, "error.data.kind"), "store_failed");
		ck_assert_int_ne(tree_int(answer, "id"), 5);
	}
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(state_of("2"), "running"); /* its caller has not left of his own will */
	world_finish(&world);
	ck_assert_str_eq(client_hear(&client), RESULT("5", "\"done\""));
	ck_assert_str_eq(state_of("1"), "recording");
}
END_TEST

START_TEST(nobody_begins_to_wait_for_such_an_end)
{
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	on_disk();
	client_hear(&client);
	break_store();
	ck_assert_str_eq(tree_text(ask_other("task.result", "{\"id\":1}"), "error.data.kind"), "store_failed");
	ck_assert_str_eq(tree_text(ask_other("task.result", "{\"id\":1}"), "error.data.id"), "1");
	ck_assert_str_eq(tree_text(ask_other("task.wait", "{\"ids\":[1]}"), "error.data.kind"), "store_failed");
	ck_assert_str_eq(tree_text(ask_other("task.wait", "{\"ids\":[1],\"timeout\":0}"), "result.not_done.0.id"), "1");
	ck_assert_str_eq(tree_text(ask_other("task.call", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"once\"}"),
				 "error.data.kind"),
		"store_failed");
	ck_assert_str_eq(state_of("1"), "running");
}
END_TEST

START_TEST(what_had_ended_is_told_also_then)
{
	submit("{\"task\":\"echo\",\"args\":[3]}");
	on_disk();
	on_disk();
	break_store();
	ck_assert_int_eq(tree_int(ask_other("task.result", "{\"id\":1}"), "result.0"), 3);
}
END_TEST

START_TEST(how_the_store_stands_is_told)
{
	json_t *answer = ask_other("server.ping", "{}");
	ck_assert_str_eq(tree_text(answer, "result.store"), "ok");
	world.durable->loading = true;
	ck_assert_str_eq(tree_text(ask_other("server.ping", "{}"), "result.store"), "loading");
	world.durable->state = STORE_FULL;
	world.durable->text = "no space left on device";
	ck_assert_str_eq(tree_text(ask_other("server.ping", "{}"), "result.store"), "full");
	answer = ask_other("server.info", "{}");
	ck_assert_str_eq(tree_text(answer, "result.store.state"), "full");
	ck_assert_str_eq(tree_text(answer, "result.store.reason"), "no space left on device");
	ck_assert_str_eq(tree_text(answer, "result.store.directory"), "/var/lib/taskd");
	answer = ask_other("server.stats", "{}");
	ck_assert_int_eq(tree_int(answer, "result.store.loaded"), 3);
	ck_assert_int_eq(tree_int(answer, "result.store.to_load"), 7);
	ck_assert_int_eq(tree_int(answer, "result.store.pid"), 4712);
	ck_assert_int_eq(tree_int(answer, "result.tasks.recording"), 0);
	world.durable->state = STORE_BROKEN;
	ck_assert_str_eq(tree_text(ask_other("server.ping", "{}"), "result.store"), "failed");
}
END_TEST

START_TEST(a_schedule_says_whether_its_runs_are_durable)
{
	json_t *answer =
		ask_other("schedule.add", "{\"name\":\"a\",\"task\":\"hold\",\"every\":60,\"on_interrupt\":\"crash\"}");
	ck_assert(json_is_true(tree_at(answer, "result.durable")));
	ck_assert_str_eq(tree_text(answer, "result.on_interrupt"), "crash");
	answer = ask_other("schedule.add", "{\"name\":\"b\",\"task\":\"hold\",\"every\":60,\"durable\":false}");
	ck_assert(!tree_at(answer, "result.durable"));
	world_advance(&world, INT64_C(61000000000));
	ck_assert_uint_eq(fake_count(world.durable, RECORD_SUBMITTED), 1);
	ck_assert(world.durable->records[0].detached);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_durable");
	TCase *one = tcase_create("one"), *several = tcase_create("several"), *failed = tcase_create("failed");
	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_add_test(one, a_submission_is_answered_when_it_is_on_disk_and_starts_then);
	tcase_add_test(one, what_is_not_durable_is_answered_at_once);
	tcase_add_test(one, that_it_goes_on_alone_is_known_when_it_is_recorded);
	tcase_add_test(one, a_record_says_that_it_is_durable_and_how_it_takes_an_interruption);
	tcase_add_test(one, what_the_disk_refuses_never_was);
	tcase_add_loop_test(one, a_store_that_takes_nothing_is_told_at_once, 0, 3);
	tcase_add_test(one, a_notification_is_taken_and_not_answered);
	tcase_add_test(one, a_watch_is_told_behind_the_answer_and_when_the_end_is_on_disk);
	tcase_add_test(one, who_leaves_meanwhile_has_submitted_all_the_same);
	tcase_add_test(one, who_says_no_more_is_still_answered);
	tcase_add_test(one, a_request_that_is_cancelled_meanwhile_takes_its_task_along);
	tcase_add_loop_test(one, a_cancelled_request_is_told_when_the_store_fails, 0, 2);
	tcase_add_test(one, the_request_says_what_it_waits_for_and_what_was_cancelled);
	tcase_add_test(one, a_task_that_is_being_recorded_is_cancelled_when_it_is_there);
	tcase_add_test(one, a_filter_counts_as_begun_what_is_not_on_disk_yet);
	tcase_add_test(one, who_is_given_a_task_by_its_key_waits_for_it_too);
	tcase_add_test(one, who_was_given_a_task_that_is_refused_is_refused);
	tcase_add_test(one, who_cancels_what_is_anothers_cancels_his_request_only);
	tcase_add_test(one, what_is_sent_again_is_found_though_the_disk_is_full_now);
	tcase_add_test(one, a_task_of_memory_is_told_as_that_whoever_asks_for_it);
	tcase_add_test(one, a_durable_call_is_answered_when_its_end_is_on_disk);
	tcase_add_test(one, a_call_that_is_refused_is_told_why);
	tcase_add_test(one, a_queue_makes_what_is_called_durable);
	tcase_add_test(one, a_map_is_never_durable);
	tcase_add_test(one, a_command_that_somebody_attends_to_is_not_durable);
	suite_add_tcase(suite, one);
	tcase_add_checked_fixture(several, set_up, tear_down);
	tcase_add_test(several, a_batch_is_answered_when_all_of_it_is_on_disk);
	tcase_add_test(several, a_batch_of_nothing_durable_does_not_wait);
	tcase_add_test(several, a_batch_is_refused_as_a_whole);
	tcase_add_test(several, a_batch_that_is_cancelled_meanwhile_is_cancelled_as_a_whole);
	tcase_add_test(several, who_leaves_a_batch_meanwhile_has_submitted_it);
	tcase_add_test(several, answers_of_a_json_rpc_batch_come_together);
	tcase_add_test(several, who_waits_for_room_is_answered_when_it_is_on_disk);
	tcase_add_test(several, a_retry_is_told_when_it_is_on_disk);
	tcase_add_test(several, a_retry_that_is_refused_is_an_error_of_its_own);
	tcase_add_test(several, retries_of_a_filter_count_when_they_are_on_disk);
	tcase_add_test(several, who_leaves_during_a_retry_has_had_it_tried);
	suite_add_tcase(suite, several);
	tcase_add_checked_fixture(failed, set_up, tear_down);
	tcase_add_test(failed, who_waits_for_an_end_that_will_not_be_known_is_told_so);
	tcase_add_test(failed, nobody_begins_to_wait_for_such_an_end);
	tcase_add_test(failed, what_had_ended_is_told_also_then);
	tcase_add_test(failed, how_the_store_stands_is_told);
	tcase_add_test(failed, a_schedule_says_whether_its_runs_are_durable);
	suite_add_tcase(suite, failed);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
