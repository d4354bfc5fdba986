/* Another user's tasks: what is told of them, by whatever way one comes upon them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge_commands.h"

#define ANNA 4001
#define BEN 4002

static struct world world;
static struct client anna, ben;

static void begin(void)
{
	client_init(&anna, &world);
	client_become(&anna, ANNA, ANNA, NULL);
	client_init(&ben, &world);
	client_become(&ben, BEN, BEN, NULL);
}

static void set_up(void)
{
	world_init(&world);
	begin();
}

static void set_up_durable(void)
{
	world_init_durable(&world);
	begin();
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
}

/* Ben sees, or cancels, so much of what is there; Anna as before. */
static void allow_ben(enum access_scope read, enum access_scope cancel)
{
	const struct config_access sections[] = {
		{ .users = (char *)"4001", .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_OWN },
		{ .users = (char *)"4002", .submit = 1, .read = read, .cancel = cancel },
	};
	world_allow(&world, sections, 2);
}

static void say(struct client *client, const char *method, const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	client_say(client, line);
	world_settle(&world);
}

static json_t *ask(struct client *client, const char *method, const char *params)
{
	say(client, method, params);
	return client_hear_json(client);
}

static uint64_t submit(struct client *client, const char *params)
{
	json_t *answer = ask(client, "task.submit", params);
	ck_assert_msg(tree_at(answer, "result.id"), "%s", tree_text(answer, "error.message"));
	world_settle(&world);
	return strtoull(tree_text(answer, "result.id"), NULL, 10);
}

static const char *kind_of(json_t *answer)
{
	return tree_at(answer, "result") ? "fine" : tree_text(answer, "error.data.kind");
}

static void expect_denied(json_t *answer, const char *right)
{
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "denied");
	ck_assert_str_eq(tree_text(answer, "error.data.right"), right);
}

/* Every way to a task by its id; # is the id. */
static const struct way {
	const char *method, *params;
} ways[] = {
	{ "task.result", "{\"id\":#}" },
	{ "task.wait", "{\"ids\":[#],\"timeout\":0}" },
	{ "task.status", "{\"id\":#}" },
	{ "task.cancel", "{\"ids\":#}" },
	{ "task.retry", "{\"ids\":#}" },
	{ "task.forget", "{\"ids\":#}" },
	{ "task.cancel", "{\"ids\":[#,#]}" },
	{ "task.retry", "{\"ids\":[#,#]}" },
	{ "task.forget", "{\"ids\":[#,#]}" },
	{ "task.watch", "{\"ids\":#}" },
	{ "task.log", "{\"id\":#}" },
	{ "task.follow", "{\"id\":#}" },
	{ "task.send", "{\"id\":#,\"data\":\"x\"}" },
	{ "task.signal", "{\"ids\":#,\"signal\":\"TERM\"}" },
	{ "task.suspend", "{\"ids\":#}" },
	{ "task.resume", "{\"ids\":[#,#]}" },
	{ "task.window", "{\"id\":#,\"rows\":1,\"columns\":1}" },
	{ "task.submit", "{\"task\":\"echo\",\"after\":#}" },
	{ "task.submit", "{\"task\":\"echo\",\"after\":#,\"pass_results\":true}" },
	{ "task.call", "{\"task\":\"echo\",\"after_any\":[#]}" },
	{ "task.submit_batch", "{\"tasks\":[{\"task\":\"echo\"},{\"task\":\"echo\",\"after\":[#]}]}" },
	/* Nor does what comes before that in the core tell anything. */
	{ "task.submit", "{\"task\":\"idle\",\"queue\":\"other\",\"after\":#}" },
	{ "task.submit", "{\"task\":\"hold\",\"queue\":\"tight\",\"after\":#}" },
	{ "lock.acquire", "{\"name\":\"x\",\"task\":#}" },
	{ "lock.release", "{\"name\":\"x\",\"task\":#}" },
};
#define N_WAYS ((int)(sizeof(ways) / sizeof(ways[0])))

static char *with_id(const char *text, char id)
{
	char *copy = xstrdup(text);
	for (char *p = copy; *p; p++)
		*p = *p == '#' ? id : *p;
	return copy;
}

/* What Ben hears of task ID by that way, ids as #; malloc'ed. */
static char *told(const struct way *way, char id)
{
	char *params = with_id(way->params, id);
	json_t *answer = ask(&ben, way->method, params);
	char *text = json_dumps(answer, JSON_SORT_KEYS), quoted[] = { '"', id, '"', '\0' }, *at;
	while ((at = strstr(text, quoted)))
		at[1] = '#';
	if ((at = strstr(text, "for task ")) && at[9] == id)
		at[9] = '#';
	free(params);
	return text;
}

static void fill_tight(void)
{
	for (int i = 0; i < 3; i++)
		submit(&anna, "{\"task\":\"echo\",\"queue\":\"tight\",\"delay\":1000}");
}

/* Task 1 is Anna's and runs; 2 is hers and has succeeded; 3 was Ben's, and is forgotten. */
START_TEST(what_is_anothers_is_told_as_what_is_forgotten)
{
	submit(&anna, "{\"task\":\"hold\"}");
	submit(&anna, "{\"task\":\"echo\",\"args\":[\"private\"]}");
	submit(&ben, "{\"task\":\"echo\"}");
	ask(&ben, "task.forget", "{\"ids\":3}");
	fill_tight();
	char *running = told(&ways[_i], '1'), *over = told(&ways[_i], '2'), *forgotten = told(&ways[_i], '3');
	ck_assert_msg(strstr(forgotten, "forgotten") || strstr(forgotten, "queue_full") ||
			strstr(forgotten, "invalid_params"),
		"%s", forgotten);
	ck_assert_str_eq(running, forgotten);
	ck_assert_str_eq(over, forgotten);
	free(running);
	free(over);
	free(forgotten);
	ck_assert_str_eq(tree_text(ask(&anna, "task.status", "{\"id\":1}"), "result.state"), "running");
	ck_assert_str_eq(tree_text(ask(&anna, "task.result", "{\"id\":2}"), "result.0"), "private");
}
END_TEST

START_TEST(so_it_is_where_there_is_a_store)
{
	const struct store_task row = { .id = 1, .owner = ANNA, .state = { "succeeded", 9 },
		.outcome = { .result = { "\"private\"", 9 } } };
	const struct store_answer fine = { .status = STORE_ANSWER_FINE };
	submit(&anna, "{\"task\":\"hold\",\"durable\":false}");
	for (int i = 0; i < 2; i++) {
		say(&ben, i ? "task.result" : "task.status", "{\"id\":1}");
		fake_answer(world.durable, &row, 1, &fine);
		ck_assert_str_eq(kind_of(client_hear_json(&ben)), "forgotten");
	}
	allow_ben(ACCESS_ALL, ACCESS_NONE);
	world_finish(&world);
	ask(&anna, "task.forget", "{\"ids\":1}");
	say(&ben, "task.result", "{\"id\":1}");
	fake_answer(world.durable, &row, 1, &fine);
	ck_assert_str_eq(tree_text(client_hear_json(&ben), "result"), "private");
}
END_TEST

START_TEST(an_id_that_never_was_is_told_as_that)
{
	submit(&anna, "{\"task\":\"hold\"}");
	ck_assert_str_eq(kind_of(ask(&ben, "task.status", "{\"id\":9}")), "not_found");
	ck_assert_str_eq(kind_of(ask(&ben, "task.submit", "{\"task\":\"echo\",\"after\":9}")), "not_found");
	ck_assert_str_eq(kind_of(ask(&ben, "task.submit", "{\"task\":\"echo\",\"after\":[9,1]}")), "not_found");
	ck_assert_str_eq(kind_of(ask(&ben, "task.submit", "{\"task\":\"echo\",\"after\":[1,9]}")), "forgotten");
	/* 2^63 + 1 is not 1. */
	json_t *answer = ask(&ben, "task.submit", "{\"task\":\"echo\",\"after\":\"9223372036854775809\"}");
	ck_assert_str_eq(kind_of(answer), "not_found");
}
END_TEST

/* --- who may more --- */

START_TEST(who_reads_all_may_not_therefore_cancel)
{
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	submit(&anna, "{\"task\":\"hold\"}");
	submit(&anna, "{\"task\":\"fail\"}");
	ck_assert_str_eq(tree_text(ask(&ben, "task.status", "{\"id\":1}"), "result.state"), "running");
	ck_assert_str_eq(kind_of(ask(&ben, "task.result", "{\"id\":2}")), "failed");
	ck_assert_str_eq(kind_of(ask(&ben, "task.submit", "{\"task\":\"echo\",\"after_any\":2}")), "fine");
	expect_denied(ask(&ben, "task.cancel", "{\"ids\":1}"), "cancel");
	expect_denied(ask(&ben, "task.forget", "{\"ids\":2}"), "cancel");
	expect_denied(ask(&ben, "task.retry", "{\"ids\":2}"), "cancel");
	json_t *answer = ask(&ben, "task.cancel", "{\"ids\":[1,3]}");
	ck_assert_str_eq(tree_text(answer, "result.0.state"), "running");
	ck_assert_str_eq(tree_text(answer, "result.0.error.data.right"), "cancel");
	ck_assert_ptr_null(tree_at(answer, "result.1.error"));
	answer = ask(&ben, "task.retry", "{\"ids\":[2,9]}");
	ck_assert_str_eq(tree_text(answer, "result.0.error.data.right"), "cancel");
	ck_assert_str_eq(tree_text(answer, "result.1.error.data.kind"), "not_found");
	ck_assert_str_eq(tree_text(ask(&anna, "task.status", "{\"id\":1}"), "result.state"), "running");
}
END_TEST

START_TEST(nor_the_other_way_round)
{
	allow_ben(ACCESS_OWN, ACCESS_ALL);
	submit(&anna, "{\"task\":\"hold\",\"args\":[\"private\"]}");
	static const struct way reads[] = {
		{ "task.status", "{\"id\":1}" },
		{ "task.result", "{\"id\":1}" },
		{ "task.wait", "{\"ids\":1}" },
		{ "task.watch", "{\"ids\":1}" },
		{ "task.log", "{\"id\":1}" },
		{ "task.follow", "{\"id\":1}" },
	};
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		expect_denied(ask(&ben, reads[i].method, reads[i].params), "read");
	ck_assert_str_eq(kind_of(ask(&ben, "task.submit", "{\"task\":\"echo\",\"after_any\":1}")), "forgotten");
	ck_assert_str_eq(tree_text(ask(&ben, "task.cancel", "{\"ids\":1}"), "result.0.state"), "cancelling");
	world_settle(&world);
	ck_assert_str_eq(tree_text(ask(&anna, "task.status", "{\"id\":1}"), "result.state"), "cancelled");
	ck_assert_str_eq(tree_text(ask(&ben, "task.retry", "{\"ids\":1}"), "result.0.retried_as"), "2");
	ck_assert_int_eq(tree_int(ask(&anna, "task.status", "{\"id\":2}"), "result.owner"), ANNA);
	ck_assert_str_eq(tree_text(ask(&ben, "task.forget", "{\"ids\":1}"), "result.0.state"), "forgotten");
}
END_TEST

START_TEST(ones_own_outcomes_need_no_right_to_read)
{
	allow_ben(ACCESS_NONE, ACCESS_NONE);
	json_t *answer = ask(&ben, "task.call", "{\"task\":\"echo\",\"args\":[\"mine\"]}");
	ck_assert_str_eq(tree_text(answer, "result.0"), "mine");
	say(&ben, "task.submit", "{\"task\":\"echo\",\"args\":[\"mine\"],\"watch\":true}");
	client_hear(&ben);
	ck_assert_str_eq(tree_text(client_hear_json(&ben), "params.result.0"), "mine");
	ck_assert_int_eq(tree_int(ask(&ben, "task.map", "{\"task\":\"double\",\"items\":[1]}"), "result.0"), 2);
	answer = ask(&ben, "task.submit", "{\"task\":\"echo\",\"after\":2,\"pass_results\":true}");
	ck_assert_str_eq(kind_of(answer), "fine");
	expect_denied(ask(&ben, "task.result", "{\"id\":2}"), "read");
	expect_denied(ask(&ben, "task.list", "{}"), "read");
	expect_denied(ask(&ben, "task.cancel", "{\"all\":true}"), "cancel");
}
END_TEST

/* --- many --- */

START_TEST(lists_show_what_is_ones_own)
{
	submit(&anna, "{\"task\":\"hold\",\"tag\":\"t\"}");
	submit(&ben, "{\"task\":\"hold\",\"tag\":\"t\"}");
	json_t *answer = ask(&ben, "task.list", "{}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.tasks")), 1);
	ck_assert_str_eq(tree_text(answer, "result.tasks.0.id"), "2");
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "task.list", "{\"tag\":\"t\"}"), "result.tasks")), 1);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "task.list", "{\"user\":\"4002\"}"), "result.tasks")), 1);
	expect_denied(ask(&ben, "task.list", "{\"user\":\"4001\"}"), "read");
	answer = ask(&ben, "task.wait", "{\"tag\":\"t\",\"timeout\":0}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.not_done")), 1);
	ck_assert_str_eq(tree_text(answer, "result.not_done.0.id"), "2");
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "task.list", "{}"), "result.tasks")), 2);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "task.list", "{\"user\":\"4001\"}"), "result.tasks")), 1);
}
END_TEST

START_TEST(workers_run_what_one_sees)
{
	submit(&anna, "{\"task\":\"hold\"}");
	submit(&ben, "{\"task\":\"hold\"}");
	json_t *answer = ask(&ben, "worker.list", "{}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.0.running")), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.running.0"), "2");
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "worker.list", "{}"), "result.0.running")), 2);
}
END_TEST

START_TEST(what_concerns_all_concerns_ones_own)
{
	submit(&anna, "{\"task\":\"hold\"}");
	submit(&ben, "{\"task\":\"hold\"}");
	submit(&anna, "{\"task\":\"fail\"}");
	submit(&ben, "{\"task\":\"fail\"}");
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	ck_assert_int_eq(tree_int(ask(&ben, "task.retry", "{\"all\":true}"), "result.matched"), 1);
	world_settle(&world);
	ck_assert_int_eq(tree_int(ask(&ben, "task.forget", "{\"state\":\"failed\"}"), "result.forgotten"), 2);
	ck_assert_int_eq(tree_int(ask(&ben, "task.cancel", "{\"all\":true}"), "result.matched"), 1);
	expect_denied(ask(&ben, "task.cancel", "{\"user\":\"4001\"}"), "cancel");
	ck_assert_str_eq(tree_text(ask(&anna, "task.status", "{\"id\":1}"), "result.state"), "running");
	ck_assert_str_eq(tree_text(ask(&anna, "task.status", "{\"id\":3}"), "result.state"), "failed");
	allow_ben(ACCESS_OWN, ACCESS_ALL);
	ck_assert_int_eq(tree_int(ask(&ben, "task.cancel", "{\"user\":\"4001\"}"), "result.matched"), 1);
}
END_TEST

/* More than one turn has time for: what the first slices did is done. */
START_TEST(and_goes_no_further_than_the_right_to_it)
{
	const struct task_spec spec = {
		.type = core_type_find(world.core, "echo", 4),
		.queue = world.queue,
		.args = bytes_new("[]", 2),
		.owner = ANNA,
		.due_ns = INT64_MAX - 1,
		.detached = true,
	};
	struct task *task;
	for (int i = 0; i < 25000; i++)
		if (core_submit(world.core, &spec, &task) != CORE_OK)
			ck_abort_msg("task %d was refused", i);
	bytes_unref(spec.args);
	allow_ben(ACCESS_OWN, ACCESS_ALL);
	client_say(&ben, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.cancel\",\"params\":{\"all\":true}}");
	while (core_totals(world.core)->ended[TASK_CANCELLED] == 0)
		world_turn(&world);
	uint64_t cancelled = core_totals(world.core)->ended[TASK_CANCELLED];
	ck_assert_uint_lt(cancelled, 25000);
	allow_ben(ACCESS_OWN, ACCESS_OWN);
	ck_assert_int_eq(tree_int(client_hear_json(&ben), "result.cancelled"), (long long)cancelled);
}
END_TEST

START_TEST(schedules_are_their_owners)
{
	ask(&anna, "schedule.add", "{\"name\":\"hers\",\"task\":\"echo\",\"args\":[\"private\"],\"every\":10}");
	ask(&ben, "schedule.add", "{\"name\":\"his\",\"task\":\"echo\",\"every\":10}");
	json_t *answer = ask(&ben, "schedule.list", "{}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "his");
	answer = ask(&ben, "schedule.remove", "{\"name\":\"hers\"}");
	ck_assert_str_eq(kind_of(answer), "not_found");
	answer = ask(&ben, "schedule.remove", "{\"name\":\"her\"}");
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "(none)");
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	ck_assert_uint_eq(json_array_size(tree_at(ask(&ben, "schedule.list", "{}"), "result")), 2);
	expect_denied(ask(&ben, "schedule.remove", "{\"name\":\"hers\",\"user\":\"4001\"}"), "cancel");
	allow_ben(ACCESS_OWN, ACCESS_ALL);
	answer = ask(&ben, "schedule.remove", "{\"name\":\"hers\",\"user\":\"4001\"}");
	ck_assert_str_eq(tree_text(answer, "result.name"), "hers");
}
END_TEST

/* --- as it happens --- */

START_TEST(a_watch_hears_of_ones_own)
{
	ask(&ben, "task.watch", "{\"state\":\"queued\"}");
	submit(&anna, "{\"task\":\"echo\",\"args\":[\"private\"]}");
	ck_assert(client_hears_nothing(&ben));
	say(&ben, "task.submit", "{\"task\":\"echo\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&ben), "params.task.id"), "2");
}
END_TEST

START_TEST(a_watch_ends_with_the_right_to_it)
{
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	submit(&anna, "{\"task\":\"hold\"}");
	ask(&ben, "task.watch", "{\"state\":\"queued\"}");
	ask(&ben, "task.watch", "{\"ids\":1}");
	submit(&anna, "{\"task\":\"echo\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&ben), "params.task.id"), "2");
	allow_ben(ACCESS_OWN, ACCESS_OWN);
	submit(&anna, "{\"task\":\"echo\"}");
	world_finish(&world);
	ck_assert(client_hears_nothing(&ben));
}
END_TEST

START_TEST(so_does_a_wait)
{
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	submit(&anna, "{\"task\":\"hold\"}");
	submit(&anna, "{\"task\":\"hold\"}");
	say(&ben, "task.result", "{\"id\":1}");
	allow_ben(ACCESS_OWN, ACCESS_OWN);
	json_t *answer = ask(&ben, "task.status", "{\"call\":1}");
	ck_assert_str_eq(tree_text(answer, "result.state"), "forgotten");
	ck_assert_ptr_null(tree_at(answer, "result.task"));
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	say(&ben, "task.wait", "{\"ids\":2}");
	allow_ben(ACCESS_OWN, ACCESS_OWN);
	ask(&anna, "task.cancel", "{\"ids\":1}");
	ck_assert_str_eq(kind_of(client_hear_json(&ben)), "forgotten");
	world_finish(&world);
	answer = client_hear_json(&ben);
	ck_assert_str_eq(tree_text(answer, "result.done.0.state"), "forgotten");
	ck_assert_ptr_null(tree_at(answer, "result.done.0.task"));
}
END_TEST

START_TEST(and_what_is_followed)
{
	world.config.exec_users = (char *)"*";
	allow_ben(ACCESS_ALL, ACCESS_OWN);
	uint64_t id = submit(&anna, "{\"task\":\"exec\",\"args\":[[\"true\"]]}");
	command_begin(&world, id);
	ck_assert_str_eq(kind_of(ask(&ben, "task.follow", "{\"id\":1}")), "fine");
	command_say(&world, id, CAPTURE_STDOUT, "seen", 4, false);
	ck_assert_str_eq(tree_text(client_hear_json(&ben), "params.data"), "seen");
	allow_ben(ACCESS_OWN, ACCESS_OWN);
	command_say(&world, id, CAPTURE_STDOUT, "unseen", 6, false);
	ck_assert(client_hears_nothing(&ben));
	command_end(&world, id, TASK_SUCCEEDED, NULL,
		"{\"command\":\"true\",\"stdout\":\"seenunseen\",\"stdout_bytes\":10}");
	json_t *answer = client_hear_json(&ben);
	ck_assert(json_is_true(tree_at(answer, "params.end")));
	ck_assert_str_eq(tree_text(answer, "params.state"), "forgotten");
	ck_assert_ptr_null(tree_at(answer, "params.stdout"));
	ck_assert(client_hears_nothing(&ben));
	ck_assert_ptr_null(world.edge->follows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: others' tasks");
	TCase *ids = tcase_create("ids"), *stored = tcase_create("stored"), *rest = tcase_create("rest");
	tcase_add_checked_fixture(ids, set_up, tear_down);
	tcase_add_loop_test(ids, what_is_anothers_is_told_as_what_is_forgotten, 0, N_WAYS);
	tcase_add_test(ids, an_id_that_never_was_is_told_as_that);
	suite_add_tcase(suite, ids);
	tcase_add_checked_fixture(stored, set_up_durable, tear_down);
	tcase_add_test(stored, so_it_is_where_there_is_a_store);
	suite_add_tcase(suite, stored);
	tcase_add_checked_fixture(rest, set_up, tear_down);
	tcase_add_test(rest, who_reads_all_may_not_therefore_cancel);
	tcase_add_test(rest, nor_the_other_way_round);
	tcase_add_test(rest, ones_own_outcomes_need_no_right_to_read);
	tcase_add_test(rest, lists_show_what_is_ones_own);
	tcase_add_test(rest, workers_run_what_one_sees);
	tcase_add_test(rest, what_concerns_all_concerns_ones_own);
	tcase_add_test(rest, and_goes_no_further_than_the_right_to_it);
	tcase_add_test(rest, schedules_are_their_owners);
	tcase_add_test(rest, a_watch_hears_of_ones_own);
	tcase_add_test(rest, a_watch_ends_with_the_right_to_it);
	tcase_add_test(rest, so_does_a_wait);
	tcase_add_test(rest, and_what_is_followed);
	suite_add_tcase(suite, rest);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
