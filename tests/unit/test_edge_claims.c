/* locks, shared_locks and semaphores of a task, over the wire: how they are said, what is refused, what records
 * tell. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge_world.h"
#include "object/object.h"

static struct world world;
static struct client client, other;

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

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define SUBMIT(options) REQUEST("1", "task.submit", "{\"task\":\"hold\"," options "}")

static const char *kind_of(const char *line)
{
	return tree_text(client_ask(&client, line), "error.data.kind");
}

/* The last task that was submitted, and one member of its record as JSON. */
static const char *member(const char *name)
{
	static char text[256];
	char line[128];
	snprintf(line, sizeof(line), REQUEST("2", "task.status", "{\"id\":%llu}"),
		(unsigned long long)core_totals(world.core)->submitted);
	json_t *record = tree_at(client_ask(&client, line), "result");
	char *json = json_dumps(json_object_get(record, name), JSON_COMPACT | JSON_ENCODE_ANY);
	snprintf(text, sizeof(text), "%s", json ? json : "(none)");
	free(json);
	return text;
}

static void submit(const char *line)
{
	ck_assert_str_ne(tree_text(client_ask(&client, line), "result.id"), "(none)");
	world_settle(&world);
}

/* --- saying it --- */

static const struct {
	const char *options, *locks, *shared_locks, *semaphores;
} forms[] = {
	{ "\"locks\":[\"a\",\"b\"]", "[\"a\",\"b\"]", "(none)", "(none)" },
	{ "\"locks\":\"a\",\"shared_locks\":\"b\"", "[\"a\"]", "[\"b\"]", "(none)" },
	{ "\"locks\":[],\"shared_locks\":[\"\\u00e4 b/c\"]", "(none)", "[\"ä b/c\"]", "(none)" },
	{ "\"semaphores\":\"gpu\"", "(none)", "(none)", "{\"gpu\":1}" },
	{ "\"semaphores\":[\"gpu\",\"disk\"]", "(none)", "(none)", "{\"gpu\":1,\"disk\":1}" },
	{ "\"semaphores\":{\"gpu\":1}", "(none)", "(none)", "{\"gpu\":1}" },
	{ "\"semaphores\":{\"gpu\":{\"slots\":4}}", "(none)", "(none)", "{\"gpu\":{\"count\":1,\"slots\":4}}" },
	{ "\"semaphores\":{\"gpu\":{\"count\":3,\"slots\":4},\"a\":1},\"locks\":[\"a\"]", "[\"a\"]", "(none)",
		"{\"gpu\":{\"count\":3,\"slots\":4},\"a\":1}" },
	{ "\"semaphores\":{}", "(none)", "(none)", "(none)" },
	{ "\"semaphores\":null,\"locks\":null", "(none)", "(none)", "(none)" },
};

/* _i: form */
START_TEST(the_record_has_what_was_said)
{
	char line[256];
	snprintf(line, sizeof(line), SUBMIT("%s"), forms[_i].options);
	submit(line);
	ck_assert_str_eq(member("state"), "\"running\"");
	ck_assert_str_eq(member("locks"), forms[_i].locks);
	ck_assert_str_eq(member("shared_locks"), forms[_i].shared_locks);
	ck_assert_str_eq(member("semaphores"), forms[_i].semaphores);
	ck_assert_str_eq(member("waits_for"), "(none)");
	ck_assert_int_eq(strcmp(member("fence"), "(none)") != 0,
		forms[_i].locks[0] != '(' || forms[_i].shared_locks[0] != '(' || forms[_i].semaphores[0] != '(');
}
END_TEST

static const struct {
	const char *options, *kind, *words;
} mistakes[] = {
	{ "\"locks\":7", "invalid_params", "parameter \"locks\" must be a string, or an array of strings, not 7" },
	{ "\"locks\":[7]", "invalid_params", "not 7" },
	{ "\"locks\":[\"\"]", "invalid_params", "parameter \"locks\" must not be empty" },
	{ "\"locks\":[\"a\\tb\"]", "invalid_params", "must not have control characters" },
	{ "\"shared_locks\":{\"a\":1}", "invalid_params", "not an object" },
	{ "\"lock\":[\"a\"]", "invalid_params", "did you mean \"locks\"?" },
	{ "\"semaphores\":1", "invalid_params", "an object such as {\"gpu\":1}, or an array of names, not 1" },
	{ "\"semaphores\":[1]", "invalid_params", "not 1" },
	{ "\"semaphores\":[\"\"]", "invalid_params", "must not be empty" },
	{ "\"semaphores\":{\"\":1}", "invalid_params", "must not be empty" },
	{ "\"semaphores\":{\"gpu\":0}", "invalid_params",
		"a number of permits must be an integer from 1 to 2147483647, not 0" },
	{ "\"semaphores\":{\"gpu\":\"1\"}", "invalid_params", "a number of permits must be an integer" },
	{ "\"semaphores\":{\"gpu\":1.5}", "invalid_params", "not 1.5" },
	{ "\"semaphores\":{\"gpu\":{\"count\":-1}}", "invalid_params", "\"count\" must be an integer from 1" },
	{ "\"semaphores\":{\"gpu\":{\"slots\":2147483648}}", "invalid_params", "\"slots\" must be an integer from 1" },
	{ "\"semaphores\":{\"gpu\":{\"slot\":1}}", "invalid_params",
		"unknown member \"slot\": did you mean \"slots\"?" },
	{ "\"locks\":[\"a\",\"a\"]", "mismatch", "\"a\" is named twice" },
	{ "\"locks\":[\"a\"],\"shared_locks\":[\"a\"]", "mismatch", "\"a\" is named twice" },
	{ "\"semaphores\":{\"gpu\":{\"count\":2,\"slots\":1}}", "mismatch", "gpu" },
	{ "\"semaphores\":{\"two\":3}", "mismatch", "two" },
	{ "\"semaphores\":{\"two\":{\"slots\":3}}", "mismatch", "two" },
};

/* _i: mistake */
START_TEST(a_mistake_is_told)
{
	char line[256];
	semaphore_configure(core_objects(world.core), "two", 2);
	snprintf(line, sizeof(line), SUBMIT("%s"), mistakes[_i].options);
	json_t *answer = client_ask(&client, line);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), mistakes[_i].kind);
	ck_assert_msg(strstr(tree_text(answer, "error.message"), mistakes[_i].words) != NULL, "%s",
		tree_text(answer, "error.message"));
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

/* NAMES: that many locks, and one of another kind. */
static void submit_many(int n, const char *rest, char line[4096])
{
	char *end = line +
		sprintf(line, "%s",
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"hold\"");
	end += sprintf(end, ",%s\"locks\":[", rest);
	for (int i = 0; i < n; i++)
		end += sprintf(end, "%s\"lock%d\"", i ? "," : "", i);
	sprintf(end, "]}}");
}

START_TEST(there_are_64_at_most)
{
	char line[4096];
	submit_many(64, "", line);
	submit(line);
	ck_assert_str_eq(member("state"), "\"running\"");
	ck_assert_uint_eq(objects_count(core_objects(world.core), OBJECT_LOCK), 64);
	submit_many(64, "\"semaphores\":\"x\",", line);
	ck_assert_str_eq(kind_of(line), "invalid_params");
	submit_many(65, "", line);
	ck_assert_str_eq(kind_of(line), "invalid_params");
}
END_TEST

START_TEST(a_map_has_none)
{
	ck_assert_str_eq(kind_of(REQUEST("1", "task.map", "{\"task\":\"echo\",\"items\":[1],\"locks\":[\"a\"]}")),
		"invalid_params");
}
END_TEST

/* --- what comes of it --- */

START_TEST(a_blocked_one_tells_what_it_waits_for)
{
	submit(SUBMIT("\"locks\":[\"a\",\"db\"]"));
	submit(SUBMIT("\"semaphores\":{\"gpu\":{\"count\":2,\"slots\":3}}"));
	submit(SUBMIT("\"shared_locks\":[\"x\",\"db\"]"));
	ck_assert_str_eq(member("state"), "\"blocked\"");
	ck_assert_str_eq(member("waits_for"), "{\"lock\":\"db\"}");
	ck_assert_str_eq(member("waiting_for"), "(none)");
	ck_assert_str_eq(member("fence"), "(none)");
	submit(SUBMIT("\"semaphores\":{\"gpu\":2}"));
	ck_assert_str_eq(member("waits_for"), "{\"semaphore\":\"gpu\"}");
	world_finish(&world);
	world_settle(&world);
	ck_assert_str_eq(member("state"), "\"running\"");
	ck_assert_str_eq(member("waits_for"), "(none)");
}
END_TEST

START_TEST(one_that_waits_for_tasks_tells_that_first)
{
	submit(SUBMIT("\"tag\":\"first\""));
	submit(SUBMIT("\"locks\":[\"db\"],\"after\":1"));
	ck_assert_str_eq(member("state"), "\"blocked\"");
	ck_assert_str_eq(member("waiting_for"), "1");
	ck_assert_str_eq(member("waits_for"), "(none)");
}
END_TEST

START_TEST(a_call_waits_for_its_lock)
{
	client_ask(&other, REQUEST("1", "lock.acquire", "{\"name\":\"db\"}"));
	client_say(&client, REQUEST("7", "task.call", "{\"task\":\"echo\",\"args\":[5],\"locks\":[\"db\"]}"));
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, REQUEST("2", "lock.release", "{\"name\":\"db\"}"));
	ck_assert_str_eq(client_hear(&client), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":[5]}");
}
END_TEST

/* _i: 0: it closes its connection; 1: it is gone */
START_TEST(the_end_of_one_who_holds_it_lets_it_start)
{
	client_ask(&other, REQUEST("1", "lock.acquire", "{\"name\":\"db\"}"));
	submit(SUBMIT("\"locks\":\"db\""));
	ck_assert_str_eq(member("state"), "\"blocked\"");
	if (_i == 0)
		client_half_close(&other);
	else
		client_leave(&other);
	world_settle(&world);
	ck_assert_str_eq(member("state"), "\"running\"");
	ck_assert_str_eq(member("holder_died"), "true");
}
END_TEST

START_TEST(who_asks_for_a_lock_is_told_that_a_task_died)
{
	submit(REQUEST("1", "task.submit", "{\"task\":\"crash\",\"locks\":[\"db\"]}"));
	json_t *answer = client_ask(&client, REQUEST("2", "lock.acquire", "{\"name\":\"db\"}"));
	ck_assert(json_is_true(tree_at(answer, "result.holder_died")));
	client_ask(&client, REQUEST("3", "lock.release", "{\"name\":\"db\"}"));
	submit(REQUEST("1", "task.submit", "{\"task\":\"fail\",\"locks\":[\"db\"]}"));
	answer = client_ask(&client, REQUEST("2", "lock.acquire", "{\"name\":\"db\"}"));
	ck_assert(json_is_false(tree_at(answer, "result.holder_died")));
}
END_TEST

START_TEST(one_that_leaves_gives_up_its_place)
{
	submit(SUBMIT("\"locks\":\"db\""));
	client_say(&other, REQUEST("7", "task.call", "{\"task\":\"hold\",\"locks\":[\"db\"]}"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->blocked, 1);
	client_leave(&other);
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->blocked, 0);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_CANCELLED], 1);
}
END_TEST

START_TEST(all_who_wait_are_listed)
{
	for (int i = 0; i < 150; i++)
		submit(SUBMIT("\"locks\":\"db\""));
	json_t *answer = client_ask(&client, REQUEST("2", "lock.list", "{}"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.0.holders")), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.holders.0.task"), "1");
	ck_assert_int_eq(tree_int(answer, "result.0.claims"), 149);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.0.waiting")), 100);
	ck_assert_int_eq(tree_int(answer, "result.0.waiting_more"), 49);
	ck_assert_str_eq(tree_text(answer, "result.0.waiting.0.task"), "2");
	ck_assert_str_eq(tree_text(answer, "result.0.waiting.99.task"), "101");
	ck_assert_str_ne(tree_text(answer, "result.0.waiting.50.since"), "(none)");
}
END_TEST

/* --- ways in --- */

START_TEST(a_batch_s_tasks_have_them)
{
	json_t *answer = client_ask(&client,
		REQUEST("1", "task.submit_batch",
			"{\"tasks\":[{\"task\":\"hold\",\"locks\":[\"db\"]},{\"task\":\"hold\",\"locks\":[\"db\"],\"label\":\"b\"}]}"));
	ck_assert_str_eq(tree_text(answer, "result.tasks.1.label"), "b");
	world_settle(&world);
	ck_assert_str_eq(member("waits_for"), "{\"lock\":\"db\"}");
	answer = client_ask(&client,
		REQUEST("1", "task.submit_batch",
			"{\"tasks\":[{\"task\":\"hold\"},{\"task\":\"hold\",\"locks\":[\"x\",\"x\"]}]}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "mismatch");
	ck_assert_int_eq(tree_int(answer, "error.data.index"), 1);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 2);
}
END_TEST

START_TEST(a_schedule_s_runs_have_them)
{
	semaphore_configure(core_objects(world.core), "gpu", 2);
	json_t *answer = client_ask(&client,
		REQUEST("1", "schedule.add",
			"{\"name\":\"s\",\"task\":\"hold\",\"every\":1,\"locks\":\"db\",\"semaphores\":{\"gpu\":2}}"));
	ck_assert_str_eq(tree_text(answer, "result.locks.0"), "db");
	ck_assert_int_eq(tree_int(answer, "result.semaphores.gpu"), 2);
	ck_assert_str_eq(kind_of(REQUEST("1", "schedule.add",
				 "{\"name\":\"t\",\"task\":\"hold\",\"every\":1,\"locks\":[\"db\",\"db\"]}")),
		"mismatch");
	semaphore_configure(core_objects(world.core), "gpu", 1); /* which is too late to be told */
	world_advance(&world, NS_PER_S);
	world_settle(&world);
	ck_assert_str_eq(member("state"), "\"cancelled\"");
	answer = client_ask(&client, REQUEST("2", "task.status", "{\"id\":1}"));
	ck_assert_str_eq(tree_text(answer, "result.error.data.kind"), "mismatch");
}
END_TEST

START_TEST(a_retry_has_them)
{
	submit(REQUEST("1", "task.submit", "{\"task\":\"fail\",\"locks\":[\"db\"],\"semaphores\":[\"gpu\"]}"));
	json_t *answer = client_ask(&client, REQUEST("2", "task.retry", "{\"ids\":1}"));
	ck_assert_str_eq(tree_text(answer, "result.0.retried_as"), "2");
	ck_assert_str_eq(member("locks"), "[\"db\"]");
	ck_assert_str_eq(member("semaphores"), "{\"gpu\":1}");
}
END_TEST

START_TEST(one_that_waits_for_room_has_them_later)
{
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"narrow\",\"limit_queued\":1}"));
	client_ask(&other, REQUEST("1", "queue.pause", "{\"queue\":\"narrow\"}"));
	submit(SUBMIT("\"queue\":\"narrow\""));
	client_say(&other,
		REQUEST("7", "task.submit",
			"{\"task\":\"hold\",\"queue\":\"narrow\",\"wait_for_room\":9,\"locks\":[\"\\u0061\"],\"semaphores\":{\"gpu\":{\"slots\":3}}}"));
	ck_assert(client_hears_nothing(&other));
	client_ask(&client, REQUEST("1", "queue.resume", "{\"queue\":\"narrow\"}"));
	ck_assert_ptr_nonnull(strstr(client_hear(&other), "\"result\""));
	world_settle(&world);
	ck_assert_str_eq(member("locks"), "[\"a\"]");
	ck_assert_str_eq(member("semaphores"), "{\"gpu\":{\"count\":1,\"slots\":3}}");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_claims");
	TCase *tcase = tcase_create("edge_claims");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, the_record_has_what_was_said, 0, sizeof(forms) / sizeof(forms[0]));
	tcase_add_loop_test(tcase, a_mistake_is_told, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(tcase, there_are_64_at_most);
	tcase_add_test(tcase, a_map_has_none);
	tcase_add_test(tcase, a_blocked_one_tells_what_it_waits_for);
	tcase_add_test(tcase, one_that_waits_for_tasks_tells_that_first);
	tcase_add_test(tcase, a_call_waits_for_its_lock);
	tcase_add_loop_test(tcase, the_end_of_one_who_holds_it_lets_it_start, 0, 2);
	tcase_add_test(tcase, who_asks_for_a_lock_is_told_that_a_task_died);
	tcase_add_test(tcase, one_that_leaves_gives_up_its_place);
	tcase_add_test(tcase, all_who_wait_are_listed);
	tcase_add_test(tcase, a_batch_s_tasks_have_them);
	tcase_add_test(tcase, a_schedule_s_runs_have_them);
	tcase_add_test(tcase, a_retry_has_them);
	tcase_add_test(tcase, one_that_waits_for_room_has_them_later);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
