/* Requests about tens of thousands of ids go on over several turns: what they are answered does not show it, and others
 * are served meanwhile. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge_world.h"

#define ANNA 4001
#define BEN 4002
#define TASKS 25000 /* more than two slices are about */
#define PART 50     /* is short */

static struct world world;
static struct client anna, ben;

static void set_up(void)
{
	world_init(&world);
	client_init(&anna, &world);
	client_become(&anna, ANNA, ANNA, NULL);
	client_init(&ben, &world);
	client_become(&ben, BEN, BEN, NULL);
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
}

static void submit(struct client *client, int count, const char *options)
{
	char *text = malloc((size_t)count * 64 + 256);
	size_t length = (size_t)sprintf(text, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit_batch\",\"params\":{\"tasks\":[");
	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < count; i++)
		length += (size_t)sprintf(text + length, "%s{\"task\":\"echo\"%s}", i ? "," : "", options);
	strcpy(text + length, "]}}");
	client_say(client, text);
	free(text);
	world_settle(&world);
}

/* {"ids":[FIRST…] in COUNT steps of STEP. */
static char *request(int id, const char *method, int first, int count, int step, const char *more)
{
	char *text = malloc((size_t)count * 12 + 256);
	size_t length = (size_t)sprintf(text, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":{%s\"ids\":[", id, method, more);
	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < count; i++)
		length += (size_t)sprintf(text + length, "%s%d", i ? "," : "", first + i * step);
	strcpy(text + length, "]}}");
	return text;
}

static void say_more(struct client *client, int id, const char *method, int first, int count, const char *more)
{
	char *text = request(id, method, first, count, 1, more);
	client_say(client, text);
	free(text);
}

static void say(struct client *client, int id, const char *method, int first, int count)
{
	say_more(client, id, method, first, count, "");
}

/* Turns until somebody has got somewhere, and not to the end. */
static void until(const size_t *figure, size_t most)
{
	for (int turns = 0; *figure == most && turns < 1000; turns++)
		world_turn(&world);
	ck_assert_uint_gt(*figure, 0);
	ck_assert_uint_lt(*figure, most);
}

static size_t outstanding(const struct client *client)
{
	const struct connection *connection = client_connection(client);
	return connection ? connection->outstanding : 0;
}

/* --- what they are answered --- */

/* Anna's tasks, Ben's, some that are forgotten, and ids of none. */
static void set_up_all(void)
{
	set_up();
	submit(&anna, TASKS - 1000, ",\"delay\":\"1m\"");
	submit(&ben, 500, ",\"delay\":\"1m\"");
	submit(&anna, 500, "");
	char *text = request(1, "task.forget", TASKS - 400, 100, 3, "");
	client_ask(&anna, text);
	free(text);
}

static json_t *list_of(json_t *result, const char *member)
{
	return member ? json_object_get(result, member) : result;
}

static const struct {
	const char *method, *more, *member;
} same[] = {
	{ "task.cancel", "", NULL },
	{ "task.wait", "\"timeout\":0,", "not_done" },
	{ "task.wait", "\"timeout\":0,", "done" },
	{ "task.forget", "", NULL },
};

/* Twice what is asked in parts, where that changes nothing any more. What cannot be waited for is not asked for. */
START_TEST(very_many_are_answered_as_few_are)
{
	bool waits = same[_i].more[0];
	int count = waits ? TASKS - 1000 : TASKS + 100;
	json_t *parts = json_array();
	if (!waits || same[_i].member[0] == 'd')
		for (int first = 1; first <= (waits ? count / 2 : count); first += PART) {
			char *text = request(1, waits ? "task.cancel" : same[_i].method, first, PART, 1, "");
			client_ask(&anna, text);
			free(text);
		}
	for (int first = 1; first <= count; first += PART) {
		char *text = request(1, same[_i].method, first, PART, 1, same[_i].more);
		json_array_extend(parts, list_of(tree_at(client_ask(&anna, text), "result"), same[_i].member));
		free(text);
	}
	say_more(&anna, 1, same[_i].method, 1, count, same[_i].more);
	json_t *whole = list_of(tree_at(client_hear_json(&anna), "result"), same[_i].member);
	ck_assert_uint_gt(json_array_size(whole), 10000);
	ck_assert_uint_eq(json_array_size(whole), json_array_size(parts));
	ck_assert(json_equal(whole, parts));
	json_decref(parts);
}
END_TEST

START_TEST(a_page_is_the_same_in_slices)
{
	json_t *parts = json_array();
	char line[256];
	for (long long before = 0; before >= 0 && json_array_size(parts) < 10000;) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.list\",\"params\":{\"limit\":50,\"before\":\"%lld\"}}",
			before ? before : INT64_MAX);
		json_t *answer = client_ask(&anna, line);
		json_array_extend(parts, tree_at(answer, "result.tasks"));
		before = atoll(tree_text(answer, "result.next"));
	}
	json_t *answer = client_ask(&anna, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.list\",\"params\":{\"limit\":10000}}");
	ck_assert_uint_eq(json_array_size(parts), 10000);
	ck_assert(json_equal(tree_at(answer, "result.tasks"), parts));
	json_decref(parts);
}
END_TEST

/* --- what happens meanwhile --- */

START_TEST(a_list_can_be_cancelled_half_way)
{
	const struct core_totals *totals = core_totals(world.core);
	submit(&anna, TASKS, ",\"delay\":\"1m\"");
	say(&anna, 7, "task.cancel", 1, TASKS);
	until(&totals->scheduled, TASKS);
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":7}}");
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "cancelled");
	long long done = tree_int(answer, "error.data.done");
	ck_assert(done >= 10000 && done < TASKS);
	world_settle(&world);
	ck_assert_uint_eq(totals->scheduled, (size_t)(TASKS - done));
}
END_TEST

/* Else these would start where those were stopped, and be over before their turn comes. */
START_TEST(who_waits_is_cancelled_before_who_runs)
{
	const struct core_totals *totals = core_totals(world.core);
	for (int i = 0; i < 4; i++)
		client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"hold\"}}");
	world_settle(&world);
	ck_assert_uint_eq(totals->in_lanes, 4);
	submit(&anna, 500, "");
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"hold\",\"delay\":\"1m\"}}");
	world_settle(&world);
	clock_fake_tick(4 * NS_PER_US);
	json_t *answer = client_ask(&anna, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.cancel\",\"params\":{\"all\":true}}");
	clock_fake_tick(0);
	ck_assert_int_eq(tree_int(answer, "result.matched"), 505);
	ck_assert_int_eq(tree_int(answer, "result.cancelled"), 501);
	ck_assert_int_eq(tree_int(answer, "result.cancelling"), 4);
	world_settle(&world);
	ck_assert_uint_eq(totals->ended[TASK_CANCELLED], 505);
}
END_TEST

/* In whichever round it is. */
START_TEST(who_is_cancelled_is_counted_once)
{
	world.stop_deaf = true;
	for (int i = 0; i < 3; i++)
		client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"hold\"}}");
	world_settle(&world);
	for (int i = 0; i < 2; i++) {
		json_t *answer = client_ask(&anna, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.cancel\",\"params\":{\"all\":true}}");
		ck_assert_int_eq(tree_int(answer, "result.matched"), 3);
		ck_assert_int_eq(tree_int(answer, "result.cancelling"), 3);
	}
	json_t *answer = client_ask(&anna,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.cancel\",\"params\":{\"state\":[\"cancelling\"]}}");
	ck_assert_int_eq(tree_int(answer, "result.matched"), 3);
}
END_TEST

START_TEST(what_is_behind_a_list_is_answered_meanwhile)
{
	submit(&anna, TASKS, ",\"delay\":\"1m\"");
	say(&anna, 7, "task.cancel", 1, TASKS);
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"task.status\",\"params\":{\"call\":7}}");
	json_t *answer = client_hear_json(&anna);
	ck_assert_int_eq(tree_int(answer, "id"), 8);
	ck_assert_int_eq(tree_int(answer, "result.tasks"), TASKS);
	long long ended = tree_int(answer, "result.ended");
	ck_assert(ended >= 10000 && ended < TASKS);
	answer = client_hear_json(&anna);
	ck_assert_int_eq(tree_int(answer, "id"), 7);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), TASKS);
}
END_TEST

START_TEST(who_asks_for_much_does_not_hold_up_another)
{
	submit(&anna, TASKS, ",\"delay\":\"1m\",\"tag\":\"t\"");
	for (int id = 1; id <= 2; id++)
		client_say(&anna, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.wait\",\"params\":{\"tag\":\"t\",\"timeout\":0}}");
	while (outstanding(&anna) < 2)
		world_turn(&world);
	say(&ben, 1, "task.forget", 1000000, TASKS);
	ck_assert_uint_eq(json_array_size(tree_at(client_hear_json(&ben), "result")), TASKS);
	ck_assert_uint_ge(outstanding(&anna), 1);
	for (int n = 0; n < 2; n++)
		ck_assert_uint_eq(json_array_size(tree_at(client_hear_json(&anna), "result.not_done")), TASKS);
}
END_TEST

START_TEST(a_right_that_goes_meanwhile_is_gone_for_the_rest)
{
	static char everybody[] = "*";
	const struct core_totals *totals = core_totals(world.core);
	const struct config_access section = { .users = everybody, .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_NONE };
	submit(&anna, TASKS, ",\"delay\":\"1m\"");
	say(&anna, 7, "task.cancel", 1, TASKS);
	until(&totals->scheduled, TASKS);
	world_allow(&world, &section, 1);
	size_t left = totals->scheduled;
	json_t *answer = client_hear_json(&anna), *result = tree_at(answer, "result");
	ck_assert_uint_eq(json_array_size(result), TASKS);
	ck_assert_str_eq(tree_text(json_array_get(result, TASKS - left - 1), "state"), "cancelled");
	ck_assert_str_eq(tree_text(json_array_get(result, TASKS - left), "state"), "scheduled");
	ck_assert_str_eq(tree_text(json_array_get(result, TASKS - 1), "error.data.right"), "cancel");
	ck_assert_uint_eq(totals->scheduled, left);
}
END_TEST

START_TEST(what_vanishes_meanwhile_is_forgotten)
{
	submit(&anna, TASKS, "");
	say(&anna, 7, "task.cancel", 1, TASKS);
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"task.forget\",\"params\":{\"ids\":[1,25000]}}");
	ck_assert_int_eq(tree_int(client_hear_json(&anna), "id"), 8);
	json_t *result = tree_at(client_hear_json(&anna), "result");
	ck_assert_str_eq(tree_text(json_array_get(result, 0), "state"), "succeeded");
	ck_assert_str_eq(tree_text(json_array_get(result, TASKS - 1), "state"), "forgotten");
}
END_TEST

/* --- leaving --- */

static const struct {
	const char *method, *more;
	int turns; /* after the first in which it is outstanding */
} half_way[] = {
	{ "task.cancel", "", 0 },
	{ "task.forget", "", 1 },
	{ "task.retry", "", 0 },
	{ "task.retry", "", 3 }, /* it is being answered */
	{ "task.wait", "", 0 },
	{ "task.wait", "", 6 }, /* it waits */
	{ "task.wait", "\"timeout\":0,", 0 },
	{ "task.wait", "\"timeout\":0,", 3 }, /* it is being answered */
	{ "task.watch", "", 0 },
};

START_TEST(who_leaves_half_way_leaves_nothing)
{
	bool waits = !strncmp(half_way[_i].method, "task.wa", 7);
	submit(&anna, TASKS, waits ? ",\"delay\":\"1m\"" : "");
	say_more(&anna, 7, half_way[_i].method, 1, TASKS, half_way[_i].more);
	while (!outstanding(&anna))
		world_turn(&world);
	for (int i = 0; i < half_way[_i].turns; i++)
		world_turn(&world);
	ck_assert_uint_eq(outstanding(&anna), 1);
	client_leave(&anna);
	world_turn(&world);
	/* What is left of it is in nobody's way, nor are they in its. */
	say(&ben, 1, "task.forget", 1, TASKS);
	ck_assert_uint_eq(json_array_size(tree_at(client_hear_json(&ben), "result")), TASKS);
}
END_TEST

START_TEST(who_leaves_very_many_requests_takes_some_turns_to_go)
{
	world.config.max_requests = 10 * TASKS;
	world.config.user_requests = 0;
	world_configure(&world);
	submit(&ben, 1, ",\"delay\":\"1m\"");
	submit(&anna, 1, ",\"delay\":\"1m\"");
	for (int i = 0; i < TASKS; i++)
		client_say(&anna, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.result\",\"params\":{\"id\":2}}");
	while (world.edge->outstanding < TASKS)
		world_turn(&world);
	client_leave(&anna);
	until(&world.edge->outstanding, TASKS);
	ck_assert_uint_ge(world.edge->outstanding, TASKS / 2);
	client_say(&ben, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"ids\":1}}");
	world_settle(&world);
	ck_assert_uint_eq(world.edge->outstanding, 0);
	ck_assert_uint_eq(core_totals(world.core)->scheduled, 1);
}
END_TEST

/* Of a task whose end many wait for; it is forgotten at once, and the time of some has run out when it is their turn. */
START_TEST(very_many_who_wait_for_one_end_are_all_told_of_it)
{
	submit(&ben, 1, ",\"delay\":\"1m\"");
	submit(&anna, 1, ",\"delay\":\"1m\"");
	for (int i = 0; i < 1000; i++)
		client_say(&anna, i % 2 ? "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.wait\",\"params\":{\"ids\":2}}" :
			"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.result\",\"params\":{\"id\":2,\"timeout\":1}}");
	while (world.edge->outstanding < 1000)
		world_turn(&world);
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"ids\":2}}");
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.forget\",\"params\":{\"ids\":2}}");
	until(&world.edge->outstanding, 1000);
	world_advance(&world, 2 * NS_PER_S);
	for (int i = 0; i < 1000; i++) {
		json_t *answer = client_hear_json(&anna);
		bool waits = tree_int(answer, "id") == 1;
		ck_assert_str_eq(tree_text(answer, waits ? "result.done.0.state" : "error.data.kind"), "cancelled");
	}
	ck_assert(!core_is_telling(world.core));
}
END_TEST

START_TEST(ends_come_while_a_wait_begins_and_is_answered)
{
	char line[128];
	submit(&anna, TASKS, ",\"delay\":\"1m\"");
	say(&anna, 7, "task.wait", 1, TASKS);
	while (!outstanding(&anna))
		world_turn(&world);
	for (int id = 1; id <= TASKS; id += TASKS / 5) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"ids\":%d}}", id);
		client_say(&anna, line);
		world_turn(&world);
	}
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"all\":true}}");
	json_t *answer = client_hear_json(&anna);
	ck_assert_int_eq(tree_int(answer, "id"), 7);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.done")), TASKS);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.not_done")), 0);
}
END_TEST

START_TEST(a_watch_of_very_many_begins_with_its_answer)
{
	submit(&anna, TASKS, ",\"delay\":\"1m\"");
	say(&anna, 7, "task.watch", 1, TASKS);
	while (!outstanding(&anna))
		world_turn(&world);
	/* One that has been come to ends before, and nobody is told. */
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"ids\":1}}");
	ck_assert_str_eq(tree_text(client_hear_json(&anna), "result.watch"), "1");
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"ids\":25000}}");
	ck_assert_str_eq(tree_text(client_hear_json(&anna), "params.task.id"), "25000");
	/* What is left of it tells nobody anything, and is gone in the end. */
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"task.unwatch\",\"params\":{\"watch\":\"1\"}}");
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"ids\":24999}}");
	ck_assert_str_eq(tree_text(client_hear_json(&anna), "result.watch"), "1");
	ck_assert(client_hears_nothing(&anna));
	ck_assert_ptr_null(world.edge->watches);
}
END_TEST

START_TEST(the_first_that_is_not_there_is_the_error_of_a_long_wait)
{
	submit(&anna, TASKS, ",\"delay\":\"1m\"");
	say(&anna, 7, "task.wait", 1, TASKS + 2);
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "not_found");
	ck_assert_str_eq(tree_text(answer, "error.data.id"), "25001");
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.cancel\",\"params\":{\"all\":true}}");
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->scheduled, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: very many ids");
	TCase *answers = tcase_create("answers");
	tcase_set_timeout(answers, 60);
	tcase_add_checked_fixture(answers, set_up_all, tear_down);
	tcase_add_loop_test(answers, very_many_are_answered_as_few_are, 0, sizeof(same) / sizeof(same[0]));
	tcase_add_test(answers, a_page_is_the_same_in_slices);
	suite_add_tcase(suite, answers);
	TCase *meanwhile = tcase_create("meanwhile");
	tcase_set_timeout(meanwhile, 60);
	tcase_add_checked_fixture(meanwhile, set_up, tear_down);
	tcase_add_test(meanwhile, a_list_can_be_cancelled_half_way);
	tcase_add_test(meanwhile, who_waits_is_cancelled_before_who_runs);
	tcase_add_test(meanwhile, who_is_cancelled_is_counted_once);
	tcase_add_test(meanwhile, what_is_behind_a_list_is_answered_meanwhile);
	tcase_add_test(meanwhile, who_asks_for_much_does_not_hold_up_another);
	tcase_add_test(meanwhile, a_right_that_goes_meanwhile_is_gone_for_the_rest);
	tcase_add_test(meanwhile, what_vanishes_meanwhile_is_forgotten);
	tcase_add_loop_test(meanwhile, who_leaves_half_way_leaves_nothing, 0, sizeof(half_way) / sizeof(half_way[0]));
	tcase_add_test(meanwhile, who_leaves_very_many_requests_takes_some_turns_to_go);
	tcase_add_test(meanwhile, very_many_who_wait_for_one_end_are_all_told_of_it);
	tcase_add_test(meanwhile, ends_come_while_a_wait_begins_and_is_answered);
	tcase_add_test(meanwhile, a_watch_of_very_many_begins_with_its_answer);
	tcase_add_test(meanwhile, the_first_that_is_not_there_is_the_error_of_a_long_wait);
	suite_add_tcase(suite, meanwhile);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
