/* Looking into the store: histories, tasks that memory has forgotten, and the file itself. The store is durable_fake.c's,
 * which says what a test has put into its mouth. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge_world.h"
#include "object/object.h"

static struct world world;
static struct client client;

static void set_up(void)
{
	world_init_durable(&world);
	client_init(&client, &world);
}

static void tear_down(void)
{
	client_fini(&client);
	world_fini(&world);
}

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define TEXT(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
#define WALL INT64_C(1700000000000000000) /* 2023-11-14T22:13:20 */

static void say(const char *method, const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), REQUEST("1", "%s", "%s"), method, params);
	client_say(&client, line);
	world_settle(&world);
}

static const struct store_answer fine = { .status = STORE_ANSWER_FINE };
static const struct store_answer nothing = { .status = STORE_ANSWER_NOT_FOUND };

static json_t *answer(const struct store_task *rows, size_t n, const struct store_answer *with)
{
	fake_answer(world.durable, rows, n, with);
	return client_hear_json(&client);
}

static void be_somebody_else(void)
{
	client_become(&client, geteuid() + 1000, 1000, NULL);
}

/* Memory has had it, and has it no more. */
static void forget_one(void)
{
	say("task.call", "{\"task\":\"echo\",\"durable\":false}");
	client_hear(&client);
	ck_assert_uint_eq(core_totals(world.core)->kept, 0);
}

static struct store_task done(void)
{
	return (struct store_task){
		.id = 1,
		.type = TEXT("echo"),
		.queue = TEXT("gone"),
		.state = TEXT("succeeded"),
		.tag = TEXT("t"),
		.key = TEXT("k\"ey"),
		.schedule = TEXT("nightly"),
		.owner = 1000,
		.priority = -3,
		.attempt = 2,
		.crashes = 1,
		.on_interrupt_crash = true,
		.submitted_ns = WALL,
		.started_ns = WALL + 1000000000,
		.ended_ns = WALL + 2000000000,
		.timeout_ns = INT64_C(30000000000),
		.retry = { .retries = 5 },
		.retry_of = 77,
		.outcome = { .result = TEXT("[1, 2]") },
	};
}

/* --- task.history --- */

START_TEST(a_history_asks_for_what_was_said)
{
	say("task.history",
		"{\"state\":[\"failed\",\"crashed\"],\"queue\":\"gone\",\"task\":\"lost\",\"tag\":\"t\",\"key\":\"k\","
		"\"since\":60,\"until\":\"2023-11-14T22:13:20Z\",\"limit\":7,\"order\":\"oldest\",\"after\":12}");
	const struct fake_question *asked = fake_asked(world.durable);
	const struct store_query *query = &asked->query;
	ck_assert_int_eq(query->question, STORE_ASK_HISTORY);
	ck_assert_uint_eq(query->states, TASK_STATE_BIT(TASK_FAILED) | TASK_STATE_BIT(TASK_CRASHED));
	ck_assert_str_eq(asked->queue, "gone");
	ck_assert_str_eq(asked->tag, "t");
	ck_assert_str_eq(asked->key, "k");
	ck_assert_int_eq(query->since_ns, WALL - INT64_C(60000000000));
	ck_assert_int_eq(query->until_ns, WALL);
	ck_assert(query->limit == 7 && query->oldest_first && query->after == 12 && query->before == 0);
	ck_assert(!query->by_owner); /* an admin sees all */
	answer(NULL, 0, &fine);
	say("task.history", "{}");
	query = &fake_asked(world.durable)->query;
	ck_assert(query->limit == 100 && !query->oldest_first && query->states == 0 && query->since_ns == 0);
}
END_TEST

START_TEST(its_answer_has_the_records_and_whether_there_are_more)
{
	struct store_task rows[] = { done(), done() };
	rows[1].id = 9;
	say("task.history", "{}");
	json_t *heard = answer(rows, 2, &(struct store_answer){ .more = true });
	ck_assert_str_eq(tree_text(heard, "result.tasks.0.id"), "1");
	ck_assert_str_eq(tree_text(heard, "result.tasks.1.id"), "9");
	ck_assert(!tree_at(heard, "result.tasks.0.result"));
	ck_assert(json_is_true(tree_at(heard, "result.more")));
	say("task.history", "{}");
	fake_answer(world.durable, NULL, 0, &fine);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "{\"tasks\":[],\"more\":false}"));
}
END_TEST

START_TEST(who_is_no_admin_sees_his_own)
{
	be_somebody_else();
	say("task.history", "{}");
	ck_assert(fake_asked(world.durable)->query.by_owner);
	ck_assert_uint_eq(fake_asked(world.durable)->query.owner, geteuid() + 1000);
	answer(NULL, 0, &fine);
	say("task.history", "{\"user\":\"4321\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "denied");
	say("store.check", "{}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "denied");
	say("store.stats", "{}");
	ck_assert_int_eq(fake_asked(world.durable)->query.question, STORE_ASK_STATS);
}
END_TEST

START_TEST(an_admin_may_ask_for_one_user)
{
	say("task.history", "{\"user\":\"4321\"}");
	ck_assert(fake_asked(world.durable)->query.by_owner);
	ck_assert_uint_eq(fake_asked(world.durable)->query.owner, 4321);
	say("task.history", "{\"user\":\"nobody of that name\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "invalid_params");
	say("task.history", "{\"state\":\"sleeping\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "invalid_params");
}
END_TEST

START_TEST(a_record_of_the_store_is_as_one_of_memory)
{
	struct store_attempt attempt = {
		.started_ns = WALL,
		.ended_ns = WALL + 1,
		.state = TEXT("crashed"),
		.message = TEXT("died"),
		.pid = 4711,
	};
	struct store_dependency dependencies[] = { { .id = 5, .done = true }, { .id = 6, .any = true }, { .id = 7 } };
	struct store_claim claims[] = { { .kind = OBJECT_LOCK, .name = TEXT("db") } };
	struct store_task row = done();
	row.attempts = &attempt;
	row.n_attempts = 1;
	row.dependencies = dependencies;
	row.n_dependencies = 3;
	row.claims = claims;
	row.n_claims = 1;
	say("task.history", "{}");
	fake_answer(world.durable, &row, 1, &fine);
	ck_assert_str_eq(client_hear(&client),
		RESULT("1",
			"{\"tasks\":[{\"id\":\"1\",\"task\":\"echo\",\"queue\":\"gone\","
			"\"state\":\"succeeded\",\"priority\":-3,\"owner\":1000,\"attempt\":2,"
			"\"submitted_at\":\"2023-11-14T22:13:20.000000Z\",\"started_at\":\"2023-11-14T22:13:21.000000Z\","
			"\"ended_at\":\"2023-11-14T22:13:22.000000Z\",\"crashes\":1,\"tag\":\"t\",\"key\":\"k\\\"ey\","
			"\"timeout\":30,\"retries\":5,\"attempts\":[{\"attempt\":1,\"state\":\"crashed\","
			"\"started_at\":\"2023-11-14T22:13:20.000000Z\",\"ended_at\":\"2023-11-14T22:13:20.000000Z\","
			"\"error\":{\"code\":-32001,\"message\":\"died\"},\"worker_pid\":4711}],\"after\":[\"5\",\"7\"],"
			"\"after_any\":[\"6\"],\"locks\":[\"db\"],\"retry_of\":\"77\",\"schedule\":\"nightly\",\"durable\":true,"
			"\"on_interrupt\":\"crash\"}],\"more\":false}"));
}
END_TEST

START_TEST(what_waits_there_says_for_what)
{
	struct store_task row = done();
	row.state = (struct store_text)TEXT("scheduled");
	row.due_ns = WALL + INT64_C(3600000000000);
	row.expires_ns = WALL + INT64_C(7200000000000);
	say("task.history", "{}");
	json_t *heard = answer(&row, 1, &fine);
	ck_assert_str_eq(tree_text(heard, "result.tasks.0.due_at"), "2023-11-14T23:13:20.000000Z");
	ck_assert_str_eq(tree_text(heard, "result.tasks.0.expires_at"), "2023-11-15T00:13:20.000000Z");
	ck_assert(!tree_at(heard, "result.tasks.0.error"));
}
END_TEST

/* The same task, told by memory and then by a store that has just that: the same words. */
START_TEST(an_error_of_the_store_is_as_one_of_memory)
{
	say("task.submit", "{\"task\":\"fail\",\"durable\":false}");
	client_hear(&client);
	say("task.result", "{\"id\":1}");
	char *before = strdup(client_hear(&client));
	say("task.forget", "{\"ids\":1}");
	client_hear(&client);
	const struct store_task row = {
		.id = 1,
		.state = TEXT("failed"),
		.outcome = { .code = 7, .message = TEXT("no luck"), .data = TEXT("{\"a\":1}") },
	};
	say("task.result", "{\"id\":1}");
	fake_answer(world.durable, &row, 1, &fine);
	ck_assert_str_eq(client_hear(&client), before);
	free(before);
}
END_TEST

START_TEST(a_death_is_told_by_the_store_too)
{
	forget_one();
	const struct store_task row = {
		.id = 1,
		.state = TEXT("crashed"),
		.outcome = { .pid = 12,
			.wait_status = 9,
			.user_ns = INT64_C(1500000000),
			.maxrss_kib = 2,
			.reason = TEXT("stuck") },
	};
	say("task.result", "{\"id\":1}");
	json_t *heard = answer(&row, 1, &fine);
	ck_assert_int_eq(tree_int(heard, "error.data.pid"), 12);
	ck_assert_str_eq(tree_text(heard, "error.data.signal_name"), "SIGKILL");
	ck_assert_int_eq(tree_int(heard, "error.data.rusage.maxrss"), 2048);
	ck_assert_str_eq(tree_text(heard, "error.data.reason"), "stuck");
}
END_TEST

/* --- beyond memory --- */

START_TEST(a_result_that_memory_has_forgotten_comes_from_the_store)
{
	const struct store_task row = done();
	forget_one();
	say("task.result", "{\"id\":1}");
	ck_assert_int_eq(fake_asked(world.durable)->query.question, STORE_ASK_TASK);
	ck_assert_uint_eq(fake_asked(world.durable)->query.id, 1);
	ck_assert(client_hears_nothing(&client));
	fake_answer(world.durable, &row, 1, &fine);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "[1, 2]"));
}
END_TEST

START_TEST(a_status_that_memory_has_forgotten_comes_from_the_store)
{
	const struct store_task row = done();
	forget_one();
	say("task.status", "{\"id\":1}");
	json_t *heard = answer(&row, 1, &fine);
	ck_assert_str_eq(tree_text(heard, "result.state"), "succeeded");
	ck_assert_str_eq(tree_text(heard, "result.queue"), "gone");
	ck_assert(!tree_at(heard, "result.result"));
}
END_TEST

START_TEST(what_the_store_has_not_is_forgotten_and_what_never_was_is_not_found)
{
	forget_one();
	say("task.result", "{\"id\":1}");
	ck_assert_str_eq(tree_text(answer(NULL, 0, &nothing), "error.data.kind"), "forgotten");
	say("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(answer(NULL, 0, &nothing), "error.data.kind"), "forgotten");
	say("task.status", "{\"id\":99}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "not_found");
	say("task.result", "{\"id\":99}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "not_found");
}
END_TEST

START_TEST(what_has_not_ended_there_has_no_result)
{
	struct store_task row = done();
	row.state = (struct store_text)TEXT("queued");
	forget_one();
	say("task.result", "{\"id\":1}");
	ck_assert_str_eq(tree_text(answer(&row, 1, &fine), "error.data.kind"), "forgotten");
}
END_TEST

START_TEST(a_result_that_was_not_kept_is_told_as_that)
{
	struct store_task row = done();
	row.outcome = (struct store_outcome){ .dropped = 12345 };
	forget_one();
	say("task.result", "{\"id\":1}");
	json_t *heard = answer(&row, 1, &fine);
	ck_assert_str_eq(tree_text(heard, "error.data.kind"), "too_large");
	ck_assert_ptr_nonnull(strstr(tree_text(heard, "error.message"), "12345 bytes"));
}
END_TEST

/* --- questions as requests --- */

START_TEST(a_question_can_be_taken_back)
{
	say("task.history", "{}");
	client_expect(&client, REQUEST("2", "task.status", "{\"call\":1}"),
		RESULT("2", "{\"state\":\"running\",\"tasks\":0,\"ended\":0}"));
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "cancelled");
	ck_assert_uint_eq(world.durable->questions[0].number, 0);
}
END_TEST

START_TEST(who_leaves_takes_his_questions_along)
{
	say("task.history", "{}");
	say("store.check", "{}");
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(world.durable->questions[0].number, 0);
	ck_assert_uint_eq(world.durable->questions[1].number, 0);
}
END_TEST

START_TEST(a_notification_asks_nothing)
{
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.history\"}");
	world_settle(&world);
	ck_assert_uint_eq(world.durable->n_questions, 0);
}
END_TEST

START_TEST(trouble_is_told_as_what_it_is)
{
	static const struct {
		enum store_state state;
		const char *kind;
	} cases[] = {
		{ STORE_WORKING, "internal_error" },
		{ STORE_BROKEN, "store_failed" },
		{ STORE_STOPPING, "shutting_down" },
	};
	const struct store_answer trouble = { .status = STORE_ANSWER_ERROR, .text = TEXT("no such directory") };
	for (size_t i = 0; i < 3; i++) {
		world.durable->state = cases[i].state;
		say("store.backup", "{\"path\":\"/no/where\"}");
		json_t *heard = answer(NULL, 0, &trouble);
		ck_assert_str_eq(tree_text(heard, "error.data.kind"), cases[i].kind);
		ck_assert_str_eq(tree_text(heard, "error.message"), "no such directory");
	}
}
END_TEST

START_TEST(the_files_own_are_answered_with_what_the_store_says)
{
	const struct store_answer says = { .json = TEXT("{\"ok\":true}") };
	say("store.stats", "{}");
	ck_assert_int_eq(fake_asked(world.durable)->query.question, STORE_ASK_STATS);
	fake_answer(world.durable, NULL, 0, &says);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "{\"ok\":true}"));
	say("store.check", "{}");
	ck_assert_int_eq(fake_asked(world.durable)->query.question, STORE_ASK_CHECK);
	fake_answer(world.durable, NULL, 0, &says);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "{\"ok\":true}"));
	say("store.backup", "{\"path\":\"/tmp/copy\"}");
	ck_assert_int_eq(fake_asked(world.durable)->query.question, STORE_ASK_BACKUP);
	ck_assert_str_eq(fake_asked(world.durable)->path, "/tmp/copy");
	fake_answer(world.durable, NULL, 0, &says);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "{\"ok\":true}"));
	say("store.backup", "{\"path\":\"copy\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "invalid_params");
}
END_TEST

START_TEST(questions_are_requests_that_count_until_they_are_answered)
{
	forget_one();
	be_somebody_else();
	world.config.user_requests = 2;
	world_configure(&world);
	say("task.status", "{\"id\":1}");
	say("task.status", "{\"id\":1}");
	ck_assert(client_hears_nothing(&client));
	say("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.limit"), "user_requests");
	say("store.stats", "{}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.limit"), "user_requests");
	ck_assert_str_eq(tree_text(answer(NULL, 0, &nothing), "error.data.kind"), "forgotten");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_history");
	TCase *history = tcase_create("history"), *beyond = tcase_create("beyond"), *asking = tcase_create("asking");
	tcase_add_checked_fixture(history, set_up, tear_down);
	tcase_add_test(history, a_history_asks_for_what_was_said);
	tcase_add_test(history, its_answer_has_the_records_and_whether_there_are_more);
	tcase_add_test(history, who_is_no_admin_sees_his_own);
	tcase_add_test(history, an_admin_may_ask_for_one_user);
	tcase_add_test(history, a_record_of_the_store_is_as_one_of_memory);
	tcase_add_test(history, what_waits_there_says_for_what);
	tcase_add_test(history, an_error_of_the_store_is_as_one_of_memory);
	tcase_add_test(history, a_death_is_told_by_the_store_too);
	suite_add_tcase(suite, history);
	tcase_add_checked_fixture(beyond, set_up, tear_down);
	tcase_add_test(beyond, a_result_that_memory_has_forgotten_comes_from_the_store);
	tcase_add_test(beyond, a_status_that_memory_has_forgotten_comes_from_the_store);
	tcase_add_test(beyond, what_the_store_has_not_is_forgotten_and_what_never_was_is_not_found);
	tcase_add_test(beyond, what_has_not_ended_there_has_no_result);
	tcase_add_test(beyond, a_result_that_was_not_kept_is_told_as_that);
	suite_add_tcase(suite, beyond);
	tcase_add_checked_fixture(asking, set_up, tear_down);
	tcase_add_test(asking, a_question_can_be_taken_back);
	tcase_add_test(asking, who_leaves_takes_his_questions_along);
	tcase_add_test(asking, a_notification_asks_nothing);
	tcase_add_test(asking, trouble_is_told_as_what_it_is);
	tcase_add_test(asking, the_files_own_are_answered_with_what_the_store_says);
	tcase_add_test(asking, questions_are_requests_that_count_until_they_are_answered);
	suite_add_tcase(suite, asking);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
