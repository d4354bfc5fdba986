/* Tasks by the hundred thousand: cancelling, retrying, forgetting and listing them by ids and by filters. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static json_t *ask(const char *method, const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), REQUEST("1", "%s", "%s"), method, params);
	return client_ask(&client, line);
}

static void expect(const char *method, const char *params, const char *expected)
{
	char *text = json_dumps(tree_at(ask(method, params), "result"), JSON_COMPACT);
	ck_assert_str_eq(text ? text : tree_text(client.heard, "error.message"), expected);
	free(text);
}

static const char *kind_of(const char *method, const char *params)
{
	return tree_text(ask(method, params), "error.data.kind");
}

static const char *state_of(int id)
{
	char params[64];
	world_settle(&world);
	snprintf(params, sizeof(params), "{\"id\":%d}", id);
	return tree_text(ask("task.status", params), "result.state");
}

static void submit(const char *params)
{
	ck_assert_ptr_nonnull(tree_at(ask("task.submit", params), "result.id"));
}

/* So many of one task at once, without asking each time. */
static void submit_many(int count, const char *options)
{
	char line[256];
	snprintf(line, sizeof(line),
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\"%s}}", options);
	for (int i = 0; i < count; i++) {
		client_say(&client, line);
		if (i % 500 == 0)
			world_settle(&world);
	}
	world_settle(&world);
}

/* --- which --- */

static const struct {
	const char *method, *params, *kind, *message;
} senseless[] = {
	{ "task.cancel", "{}", "invalid_params", "one of \"ids\", \"call\" and a filter is needed" },
	{ "task.cancel", "{\"all\":false}", "invalid_params", "one of \"ids\", \"call\" and a filter is needed" },
	{ "task.cancel", "{\"ids\":[]}", "invalid_params", "one of \"ids\"" },
	{ "task.cancel", "{\"ids\":1,\"tag\":\"t\"}", "invalid_params", "only one of \"ids\"" },
	{ "task.cancel", "{\"ids\":1,\"all\":true}", "invalid_params", "only one of \"ids\"" },
	{ "task.cancel", "{\"call\":1,\"ids\":1}", "invalid_params", "only one of \"ids\"" },
	{ "task.retry", "{}", "invalid_params", "one of \"ids\" and a filter is needed" },
	{ "task.retry", "{\"call\":1}", "invalid_params", "unknown parameter \"call\"" },
	{ "task.forget", "[]", "invalid_params", "one of \"ids\" and a filter is needed" },
	{ "task.cancel", "{\"state\":\"runing\"}", "invalid_params", "did you mean \"running\"" },
	{ "task.cancel", "{\"queue\":\"tigth\"}", "invalid_params", "did you mean \"tight\"" },
	{ "task.cancel", "{\"task\":\"ecko\"}", "unknown_task", "did you mean \"echo\"" },
	{ "task.cancel", "{\"user\":\"no such user\"}", "invalid_params", "unknown user \"no such user\"" },
	{ "task.cancel", "{\"user\":\"4294967296\"}", "invalid_params", "unknown user" },
	{ "task.cancel", "{\"since\":\"yesterday\"}", "invalid_params", "parameter \"since\"" },
	{ "task.list", "{\"order\":\"old\"}", "invalid_params", "parameter \"order\"" },
	{ "task.list", "{\"order\":\"oldest\",\"before\":3}", "invalid_params",
		"\"before\" goes on with the newest first" },
	{ "task.list", "{\"after\":3}", "invalid_params", "\"after\" with the oldest first" },
};

START_TEST(who_does_not_say_which_is_refused)
{
	submit("{\"task\":\"hold\"}");
	json_t *answer = ask(senseless[_i].method, senseless[_i].params);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), senseless[_i].kind);
	const char *message = tree_text(answer, "error.message");
	ck_assert_msg(strstr(message, senseless[_i].message), "%s", message);
	ck_assert_str_eq(state_of(1), "running");
}
END_TEST

START_TEST(filters_choose_by_each_of_their_words)
{
	char params[128];
	submit("{\"task\":\"hold\",\"tag\":\"t\"}");
	world_settle(&world);
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"tag\":\"t\"}");
	world_advance(&world, 20 * NS_PER_S);
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"queue\":\"tight\"}");
	expect("task.cancel", "{\"tag\":\"t\",\"queue\":\"tight\"}",
		"{\"matched\":0,\"cancelled\":0,\"cancelling\":0}");
	expect("task.cancel", "{\"tag\":\"none\"}", "{\"matched\":0,\"cancelled\":0,\"cancelling\":0}");
	expect("task.cancel", "{\"state\":\"succeeded\"}", "{\"matched\":0,\"cancelled\":0,\"cancelling\":0}");
	expect("task.cancel", "{\"since\":\"10s\",\"task\":\"hold\"}",
		"{\"matched\":0,\"cancelled\":0,\"cancelling\":0}");
	snprintf(params, sizeof(params), "{\"user\":\"%u\"}", (unsigned)getuid() + 1);
	expect("task.cancel", params, "{\"matched\":0,\"cancelled\":0,\"cancelling\":0}");
	expect("task.cancel", "{\"since\":\"2023-11-14T22:13:40Z\"}",
		"{\"matched\":1,\"cancelled\":1,\"cancelling\":0}");
	ck_assert_str_eq(state_of(3), "cancelled");
	expect("task.cancel", "{\"state\":[\"scheduled\",\"failed\"],\"since\":\"20s\"}",
		"{\"matched\":1,\"cancelled\":1,\"cancelling\":0}");
	ck_assert_str_eq(state_of(2), "cancelled");
	world.stop_deaf = true;
	snprintf(params, sizeof(params), "{\"user\":\"%u\"}", (unsigned)getuid());
	expect("task.cancel", params, "{\"matched\":1,\"cancelled\":0,\"cancelling\":1}");
	ck_assert_str_eq(state_of(1), "cancelling");
	expect("task.cancel", "{\"all\":true}", "{\"matched\":1,\"cancelled\":0,\"cancelling\":1}");
}
END_TEST

START_TEST(a_user_has_a_name)
{
	submit("{\"task\":\"echo\",\"delay\":\"1m\"}");
	expect("task.cancel", "{\"user\":\"root\"}",
		getuid() == 0 ? "{\"matched\":1,\"cancelled\":1,\"cancelling\":0}"
			      : "{\"matched\":0,\"cancelled\":0,\"cancelling\":0}");
}
END_TEST

/* --- many --- */

START_TEST(very_many_are_cancelled_over_several_turns)
{
	const struct core_totals *totals = core_totals(world.core);
	submit_many(35000, ",\"delay\":\"1m\",\"tag\":\"g\"");
	client_say(&client, REQUEST("1", "task.cancel", "{\"tag\":\"g\"}"));
	while (totals->scheduled == 35000)
		world_turn(&world);
	ck_assert_uint_eq(totals->scheduled, 25000);
	/* Others go on meanwhile, and what comes then is not meant. */
	ck_assert_str_eq(
		tree_text(client_ask(
				  &other, REQUEST("2", "task.submit", "{\"task\":\"echo\",\"delay\":1,\"tag\":\"g\"}")),
			"result.id"),
		"35001");
	ck_assert_uint_gt(totals->scheduled, 1);
	char *text = json_dumps(tree_at(client_hear_json(&client), "result"), JSON_COMPACT);
	ck_assert_str_eq(text, "{\"matched\":35000,\"cancelled\":35000,\"cancelling\":0}");
	free(text);
	ck_assert_str_eq(state_of(35001), "scheduled");
}
END_TEST

/* …whoever is told of it: that answer is made within the slice. */
START_TEST(a_slice_is_no_longer_for_answers_that_are_made_in_it)
{
	const struct core_totals *totals = core_totals(world.core);
	submit_many(15000, ",\"delay\":\"1m\",\"tag\":\"g\"");
	client_say(&other, REQUEST("1", "task.wait", "{\"ids\":[100,9000],\"return_when\":\"first_completed\"}"));
	client_say(&other, REQUEST("2", "task.wait", "{\"ids\":[9000]}"));
	world_settle(&world);
	client_say(&client, REQUEST("1", "task.cancel", "{\"tag\":\"g\"}"));
	while (totals->scheduled == 15000)
		world_turn(&world);
	ck_assert_uint_eq(totals->scheduled, 5000);
	ck_assert_int_eq(tree_int(client_hear_json(&other), "id"), 1);
	ck_assert_int_eq(tree_int(client_hear_json(&other), "id"), 2);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "result.cancelled"), 15000);
}
END_TEST

/* Turns until the first slice is done. */
static void begin_cancelling(int id)
{
	char line[128];
	snprintf(line, sizeof(line), REQUEST("%d", "task.cancel", "{\"all\":true}"), id);
	client_say(&client, line);
	while (core_totals(world.core)->scheduled == 35000)
		world_turn(&world);
}

START_TEST(what_takes_several_turns_can_be_cancelled)
{
	submit_many(35000, ",\"delay\":\"1m\"");
	begin_cancelling(7);
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":7}}");
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "cancelled");
	long long cancelled = tree_int(answer, "error.data.cancelled");
	ck_assert(cancelled >= 10000 && cancelled < 35000);
	world_settle(&world);
	ck_assert_int_eq((long long)core_totals(world.core)->scheduled, 35000 - cancelled);
}
END_TEST

START_TEST(who_leaves_ends_it_half_way)
{
	submit_many(35000, ",\"delay\":\"1m\"");
	begin_cancelling(7);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_gt(core_totals(world.core)->scheduled, 0);
}
END_TEST

/* After the first slice nothing of the queue is left, not even records, and then the queue itself goes. */
START_TEST(a_queue_that_goes_ends_what_is_about_it)
{
	static char line[15000 * 6 + 100];
	size_t length;
	ask("queue.create", "{\"name\":\"q\"}");
	submit_many(15000, ",\"queue\":\"q\"");
	client_say(&client, REQUEST("1", "task.forget", "{\"queue\":\"q\"}"));
	length = (size_t)sprintf(
		line, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.forget\",\"params\":{\"ids\":[10001");
	for (int id = 10002; id <= 15000; id++)
		length += (size_t)sprintf(line + length, ",%d", id);
	strcpy(line + length, "]}}");
	client_say(&client, line);
	client_say(&client, REQUEST("3", "queue.remove", "{\"name\":\"q\"}"));
	for (int seen = 0; seen < 3; seen++) {
		json_t *answer = client_hear_json(&client);
		ck_assert_ptr_nonnull(tree_at(answer, "result"));
		if (tree_int(answer, "id") == 1)
			ck_assert_int_eq(tree_int(answer, "result.forgotten"), 10000);
	}
}
END_TEST

START_TEST(dependents_are_cancelled_with_what_they_wait_for)
{
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"tag\":\"t\"}");
	submit("{\"task\":\"echo\",\"after\":1,\"tag\":\"t\"}");
	submit("{\"task\":\"echo\",\"after\":2}");
	expect("task.cancel", "{\"tag\":\"t\"}", "{\"matched\":2,\"cancelled\":2,\"cancelling\":0}");
	ck_assert_str_eq(state_of(3), "cancelled");
	ck_assert_str_eq(tree_text(ask("task.status", "{\"id\":3}"), "result.error.data.dependency"), "2");
}
END_TEST

/* --- once more --- */

START_TEST(what_failed_is_submitted_once_more_as_another)
{
	submit("{\"task\":\"fail\",\"tag\":\"t\",\"priority\":3,\"key\":\"k\",\"timeout\":5}");
	world_settle(&world);
	expect("task.retry", "{\"ids\":1}", "[{\"id\":\"1\",\"retried_as\":\"2\",\"durability\":\"memory\"}]");
	world_settle(&world);
	json_t *record = ask("task.status", "{\"id\":2}");
	ck_assert_str_eq(tree_text(record, "result.retry_of"), "1");
	ck_assert_str_eq(tree_text(record, "result.tag"), "t");
	ck_assert_str_eq(tree_text(record, "result.key"), "k");
	ck_assert_int_eq(tree_int(record, "result.priority"), 3);
	record = ask("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(record, "result.retried_as"), "2");
	ck_assert_str_eq(tree_text(record, "result.state"), "failed");
	/* Again, it is the same. */
	expect("task.retry", "{\"ids\":1}", "[{\"id\":\"1\",\"retried_as\":\"2\",\"durability\":\"memory\"}]");
}
END_TEST

START_TEST(each_id_has_its_reason)
{
	submit("{\"task\":\"fail\"}");
	submit("{\"task\":\"echo\"}");
	submit("{\"task\":\"hold\"}");
	submit("{\"task\":\"echo\"}");
	world_settle(&world);
	ask("task.forget", "{\"ids\":4}");
	ck_assert_str_eq(kind_of("task.retry", "{\"ids\":2}"), "not_failed");
	ck_assert_str_eq(kind_of("task.retry", "{\"ids\":3}"), "not_over");
	ck_assert_str_eq(kind_of("task.retry", "{\"ids\":4}"), "forgotten");
	ck_assert_str_eq(kind_of("task.retry", "{\"ids\":99}"), "not_found");
	json_t *answer = ask("task.retry", "{\"ids\":[1,2,3,4,99]}");
	ck_assert_str_eq(tree_text(answer, "result.0.retried_as"), "5");
	static const char *const kinds[] = { "not_failed", "not_over", "forgotten", "not_found" };
	for (int i = 0; i < 4; i++) {
		char path[64];
		snprintf(path, sizeof(path), "result.%d.error.data.kind", i + 1);
		ck_assert_str_eq(tree_text(answer, path), kinds[i]);
	}
}
END_TEST

START_TEST(a_key_that_another_has_by_now_is_in_the_way)
{
	submit("{\"task\":\"fail\",\"key\":\"k\"}");
	world_settle(&world);
	submit("{\"task\":\"hold\",\"key\":\"k\"}");
	json_t *answer = ask("task.retry", "{\"ids\":1}");
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "duplicate");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "2");
	answer = ask("task.retry", "{\"all\":true}");
	ck_assert_int_eq(tree_int(answer, "result.matched"), 1);
	ck_assert_int_eq(tree_int(answer, "result.skipped"), 1);
	ck_assert_str_eq(tree_text(answer, "result.error.data.kind"), "duplicate");
}
END_TEST

START_TEST(failures_are_retried_by_filter)
{
	for (int i = 0; i < 3; i++)
		submit("{\"task\":\"fail\",\"tag\":\"t\"}");
	submit("{\"task\":\"crash\",\"tag\":\"t\"}");
	submit("{\"task\":\"echo\",\"tag\":\"t\"}");
	submit("{\"task\":\"fail\"}");
	submit("{\"task\":\"echo\",\"delay\":\"1m\",\"tag\":\"t\"}");
	world_settle(&world);
	ask("task.cancel", "{\"ids\":7}");
	expect("task.retry", "{\"tag\":\"t\",\"state\":\"crashed\"}", "{\"matched\":1,\"retried\":1,\"skipped\":0}");
	world_settle(&world); /* and crashes again, as the eighth */
	expect("task.retry", "{\"tag\":\"t\"}", "{\"matched\":6,\"retried\":5,\"skipped\":1}");
	expect("task.retry", "{\"tag\":\"t\",\"state\":\"succeeded\"}", "{\"matched\":0,\"retried\":0,\"skipped\":0}");
	ck_assert_str_eq(tree_text(ask("task.status", "{\"id\":9}"), "result.retry_of"), "1");
}
END_TEST

START_TEST(a_full_queue_stops_retries)
{
	core_queue_pause(core_queue_find(world.core, "tight"));
	for (int i = 0; i < 3; i++)
		submit("{\"task\":\"echo\",\"queue\":\"tight\"}");
	ask("task.cancel", "{\"all\":true}");
	submit("{\"task\":\"echo\",\"queue\":\"tight\"}");
	json_t *answer = ask("task.retry", "{\"state\":\"cancelled\"}");
	ck_assert_int_eq(tree_int(answer, "result.retried"), 2);
	ck_assert_int_eq(tree_int(answer, "result.skipped"), 1);
	ck_assert_str_eq(tree_text(answer, "result.error.data.kind"), "queue_full");
}
END_TEST

START_TEST(a_retry_goes_on_without_its_client)
{
	client_say(&other, REQUEST("1", "task.call", "{\"task\":\"hold\",\"key\":\"k\"}"));
	world_settle(&world);
	client_leave(&other);
	ck_assert_str_eq(state_of(1), "cancelled");
	expect("task.retry", "{\"ids\":1}", "[{\"id\":\"1\",\"retried_as\":\"2\",\"durability\":\"memory\"}]");
	client_init(&other, &world);
	client_say(&other, REQUEST("1", "task.call", "{\"task\":\"hold\",\"key\":\"k\",\"key_mode\":\"attach\"}"));
	world_settle(&world);
	client_leave(&other);
	ck_assert_str_eq(state_of(2), "running");
}
END_TEST

/* --- forgetting --- */

START_TEST(records_are_forgotten_by_filter)
{
	submit("{\"task\":\"echo\",\"tag\":\"t\"}");
	submit("{\"task\":\"fail\",\"tag\":\"t\"}");
	submit("{\"task\":\"hold\",\"tag\":\"t\"}");
	submit("{\"task\":\"echo\"}");
	world_settle(&world);
	expect("task.forget", "{\"tag\":\"t\",\"state\":\"failed\"}", "{\"matched\":1,\"forgotten\":1}");
	expect("task.forget", "{\"tag\":\"t\"}", "{\"matched\":1,\"forgotten\":1}");
	expect("task.forget", "{\"all\":true}", "{\"matched\":1,\"forgotten\":1}");
	ck_assert_str_eq(state_of(3), "running");
	submit_many(25000, "");
	expect("task.forget", "{\"all\":true}", "{\"matched\":25000,\"forgotten\":25000}");
	ck_assert_uint_eq(core_totals(world.core)->kept, 0);
}
END_TEST

/* --- listing --- */

static void expect_ids(const char *params, const char *first, size_t count, const char *next)
{
	json_t *answer = ask("task.list", params);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.tasks")), count);
	ck_assert_str_eq(tree_text(answer, "result.tasks.0.id"), first);
	ck_assert_str_eq(tree_text(answer, "result.next"), next);
}

START_TEST(a_list_may_begin_with_the_oldest)
{
	for (int i = 0; i < 6; i++)
		submit(i % 2 ? "{\"task\":\"echo\",\"tag\":\"odd\"}" : "{\"task\":\"echo\"}");
	world_settle(&world);
	expect_ids("{\"order\":\"oldest\",\"limit\":4}", "1", 4, "4");
	expect_ids("{\"order\":\"oldest\",\"limit\":4,\"after\":\"4\"}", "5", 2, "(none)");
	expect_ids("{\"order\":\"oldest\",\"tag\":\"odd\",\"limit\":2}", "2", 2, "4");
	expect_ids("{\"order\":\"oldest\",\"tag\":\"odd\",\"limit\":2,\"after\":4}", "6", 1, "(none)");
	expect_ids("{\"order\":\"newest\",\"tag\":\"odd\",\"limit\":2}", "6", 2, "4");
	expect_ids("{\"order\":\"newest\",\"tag\":\"odd\",\"limit\":3}", "6", 3, "(none)");
	expect_ids("{\"limit\":1,\"before\":\"2\"}", "1", 1, "(none)");
	expect_ids("{\"before\":\"1\"}", "(none)", 0, "(none)");
	/* A page that is full is the last one all the same, where nothing behind it matches. */
	world_advance(&world, 60 * NS_PER_S);
	submit("{\"task\":\"echo\"}");
	expect_ids("{\"since\":\"30s\",\"limit\":1}", "7", 1, "(none)");
}
END_TEST

START_TEST(a_list_is_filtered_by_all_words)
{
	char params[128];
	submit("{\"task\":\"hold\",\"tag\":\"t\"}");
	submit("{\"task\":\"fail\",\"tag\":\"t\",\"queue\":\"tight\"}");
	world_advance(&world, 60 * NS_PER_S);
	submit("{\"task\":\"echo\",\"tag\":\"t\",\"delay\":1}");
	submit("{\"task\":\"echo\",\"tag\":\"u\",\"after\":1}");
	world_settle(&world);
	expect_ids("{\"since\":\"30s\"}", "4", 2, "(none)");
	expect_ids("{\"since\":\"2023-11-14T22:14:00Z\",\"state\":\"blocked\"}", "4", 1, "(none)");
	expect_ids("{\"tag\":\"t\",\"state\":[\"running\",\"scheduled\"]}", "3", 2, "(none)");
	expect_ids("{\"queue\":\"tight\"}", "2", 1, "(none)");
	snprintf(params, sizeof(params), "{\"user\":\"%u\",\"task\":\"hold\"}", (unsigned)getuid());
	expect_ids(params, "1", 1, "(none)");
	snprintf(params, sizeof(params), "{\"user\":\"%u\"}", (unsigned)getuid() + 1);
	expect_ids(params, "(none)", 0, "(none)");
}
END_TEST

/* All pages together are all tasks, each once. */
START_TEST(pages_meet_though_they_are_cut_anywhere)
{
	static const char *const orders[] = { "newest", "oldest" };
	submit_many(250, "");
	for (size_t o = 0; o < COUNT(orders); o++) {
		char params[128], next[32] = "";
		long long last = o ? 0 : 251;
		int seen = 0;
		do {
			snprintf(params, sizeof(params), "{\"limit\":7,\"order\":\"%s\"%s%s%s}", orders[o],
				next[0] ? (o ? ",\"after\":\"" : ",\"before\":\"") : "", next, next[0] ? "\"" : "");
			json_t *tasks = tree_at(ask("task.list", params), "result.tasks"), *task;
			size_t i;
			json_array_foreach (tasks, i, task) {
				long long id = atoll(tree_text(task, "id"));
				ck_assert_int_eq(id, o ? last + 1 : last - 1);
				last = id;
				seen++;
			}
			snprintf(next, sizeof(next), "%s", tree_text(client.heard, "result.next"));
		} while (next[0] != '(');
		ck_assert_int_eq(seen, 250);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_many");
	TCase *tests = tcase_create("edge_many");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, who_does_not_say_which_is_refused, 0, (int)COUNT(senseless));
	tcase_add_test(tests, filters_choose_by_each_of_their_words);
	tcase_add_test(tests, a_user_has_a_name);
	tcase_add_test(tests, very_many_are_cancelled_over_several_turns);
	tcase_add_test(tests, a_slice_is_no_longer_for_answers_that_are_made_in_it);
	tcase_add_test(tests, what_takes_several_turns_can_be_cancelled);
	tcase_add_test(tests, who_leaves_ends_it_half_way);
	tcase_add_test(tests, a_queue_that_goes_ends_what_is_about_it);
	tcase_add_test(tests, dependents_are_cancelled_with_what_they_wait_for);
	tcase_add_test(tests, what_failed_is_submitted_once_more_as_another);
	tcase_add_test(tests, each_id_has_its_reason);
	tcase_add_test(tests, a_key_that_another_has_by_now_is_in_the_way);
	tcase_add_test(tests, failures_are_retried_by_filter);
	tcase_add_test(tests, a_full_queue_stops_retries);
	tcase_add_test(tests, a_retry_goes_on_without_its_client);
	tcase_add_test(tests, records_are_forgotten_by_filter);
	tcase_add_test(tests, a_list_may_begin_with_the_oldest);
	tcase_add_test(tests, a_list_is_filtered_by_all_words);
	tcase_add_test(tests, pages_meet_though_they_are_cut_anywhere);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
