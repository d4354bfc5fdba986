/* task.submit_batch with so many tasks that it takes several turns to read them: it is answered as a short one is, all or
 * none come in, what comes behind it waits, and what becomes otherwise meanwhile counts. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "edge/task_batch.h"
#include "edge_world.h"

#define ANNA 4001
#define BEN 4002
#define REQUEST(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define TASKS 5000
#define FEW 400 /* a short message */
#define PART 50 /* is done at once */

static struct world world;
static struct client anna, ben;
static struct strbuf text = STRBUF_INIT;

static void join(struct client *client, uid_t uid, pid_t pid)
{
	client_init(client, &world);
	client_become(client, uid, uid, NULL);
	client_connection(client)->peer.pid = pid;
}

static void set_up(void)
{
	world_init(&world);
	join(&anna, ANNA, 1001);
	join(&ben, BEN, 1002);
	client_expect(&ben, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	clock_fake_tick(2 * NS_PER_US); /* a slice is over after some looks */
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
	strbuf_free(&text);
}

static uint64_t submitted(void)
{
	return core_totals(world.core)->submitted;
}

/* COUNT tasks, the BADth of which is that WORD. ID "": a notification. */
static void make(const char *id, size_t count, const char *each, size_t bad, const char *word)
{
	strbuf_reset(&text);
	strbuf_printf(&text, "{\"jsonrpc\":\"2.0\",%s\"method\":\"task.submit_batch\",\"params\":{\"tasks\":[", id);
	for (size_t i = 0; i < count; i++) {
		strbuf_puts(&text, i ? "," : "");
		strbuf_puts(&text, i == bad ? word : each);
	}
	strbuf_puts(&text, "]}}\n");
}

#define ECHO "{\"task\":\"echo\",\"delay\":\"1m\"}"

static void make_echo(size_t count)
{
	make("\"id\":1,", count, ECHO, SIZE_MAX, NULL);
}

/* So many of Anna's batch have been read. */
static size_t is_read(void)
{
	struct many *many = client_connection(&anna)->intake;
	return many ? heap_entry(many, struct task_batch, many)->read : 0;
}

/* Says it, until some have been read. */
static void begins(void)
{
	client_send(&anna, text.data, text.length);
	for (int turns = 0; turns < 100000 && is_read() < 100; turns++)
		world_turn(&world);
	ck_assert_uint_ge(is_read(), 100);
	/* It fills the buffer that all share. */
	static char padded[15000];
	snprintf(padded, sizeof(padded), "%*s", (int)sizeof(padded) - 1, REQUEST("2", "echo", "[2]"));
	client_expect(&ben, padded, RESULT("2", "[2]"));
	ck_assert_ptr_nonnull(client_connection(&anna)->intake);
}

static void expect_nothing_left(void)
{
	const struct connection *connection = client_connection(&anna);
	world_settle(&world);
	ck_assert_ptr_null(connection->intake);
	ck_assert_ptr_null(connection->user->intake);
	ck_assert_ptr_null(connection->backlog);
	ck_assert_uint_eq(connection->user->input, 0);
	ck_assert_uint_eq(connection->user->held, 0);
	ck_assert_uint_eq(connection->outstanding, 0);
	ck_assert(TAILQ_EMPTY(&world.edge->manies.left) && TAILQ_EMPTY(&world.edge->manies.users));
}

static void expect_all(json_t *answer, size_t count)
{
	json_t *tasks = tree_at(answer, "result.tasks");
	ck_assert_msg(tasks, "%s", tree_text(answer, "error.message"));
	ck_assert_uint_eq(json_array_size(tasks), count);
}

/* --- what it is answered --- */

/* Labels, waits, keys that attach, of items FIRST to FIRST + PART; KEYS tells batches apart. */
static void put_part(size_t first, const char *keys)
{
	for (size_t i = first; i < first + PART; i++) {
		strbuf_printf(&text, "%s{\"task\":\"echo\",\"args\":[%zu],\"delay\":\"1m\"", i == first ? "" : ",", i);
		if (i % 2)
			strbuf_printf(&text, ",\"label\":\"l%zu\"", i);
		if (i % 5 == 3)
			strbuf_printf(&text, ",\"after\":[\"l%zu\"]", i % 10 == 3 && i - first > 5 ? i - 2 : first + 49 - first % 2);
		if (i % 7 == 1)
			strbuf_printf(&text, ",\"key\":\"%s%zu\",\"key_mode\":\"attach\"", keys, first + i % 3);
		strbuf_puts(&text, "}");
	}
}

#define HEAD "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit_batch\",\"params\":{\"tasks\":["

START_TEST(very_many_are_answered_as_few_are)
{
	json_t *parts = json_array(), *whole, *part;
	size_t i;
	for (size_t first = 0; first < TASKS; first += PART) {
		strbuf_reset(&text);
		strbuf_puts(&text, HEAD);
		put_part(first, "a");
		strbuf_puts(&text, "]}}");
		whole = tree_at(client_ask(&anna, text.data), "result.tasks");
		ck_assert_uint_eq(json_array_size(whole), PART);
		json_array_extend(parts, whole);
	}
	uint64_t before = submitted();
	strbuf_reset(&text);
	strbuf_puts(&text, HEAD);
	for (size_t first = 0; first < TASKS; first += PART) {
		strbuf_puts(&text, first ? "," : "");
		put_part(first, "b");
	}
	strbuf_puts(&text, "]}}\n");
	begins();
	ck_assert_uint_eq(submitted(), before + 1); /* Ben's */
	whole = tree_at(client_hear_json(&anna), "result.tasks");
	ck_assert_uint_eq(json_array_size(whole), TASKS);
	json_array_foreach(parts, i, part) {
		char id[32];
		snprintf(id, sizeof(id), "%llu",
			strtoull(json_string_value(json_object_get(part, "id")), NULL, 10) + before);
		json_object_set_new(part, "id", json_string(id));
	}
	ck_assert(json_equal(whole, parts));
	json_decref(parts);
	expect_nothing_left();
}
END_TEST

static const struct {
	const char *word, *kind, *message;
} mistakes[] = {
	{ "1", "invalid_params", "it must be an object" },
	{ "{\"task\":\"ecko\"}", "unknown_task", "did you mean \"echo\"" },
	{ "{\"task\":\"echo\",\"retrys\":1}", "invalid_params", "did you mean \"retries\"?" },
	{ "{\"task\":\"echo\",\"label\":\"17\"}", "invalid_params", "a label is a letter" },
	{ "{\"task\":\"echo\",\"after\":\"none\"}", "invalid_params", "unknown label \"none\"" },
	{ "{\"task\":\"echo\",\"after\":99999}", "not_found", "wait for task 99999" },
	{ "{\"task\":\"echo\",\"queue\":\"defualt\"}", "invalid_params", "unknown queue \"defualt\"" },
};

START_TEST(a_mistake_anywhere_refuses_all)
{
	static const size_t places[] = { 0, 63, 64, TASKS / 2, TASKS - 1 };
	uint64_t before = submitted();
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char place[32];
		snprintf(place, sizeof(place), "task %zu", places[i]);
		make("\"id\":1,", TASKS, ECHO, places[i], mistakes[_i].word);
		client_send(&anna, text.data, text.length);
		json_t *answer = client_hear_json(&anna);
		const char *message = tree_text(answer, "error.message");
		ck_assert_str_eq(tree_text(answer, "error.data.kind"), mistakes[_i].kind);
		ck_assert_msg(strstr(message, mistakes[_i].message) && strstr(message, place), "%s", message);
		ck_assert_int_eq(tree_int(answer, "error.data.index"), (long long)places[i]);
		ck_assert_uint_eq(submitted(), before);
		expect_nothing_left();
	}
}
END_TEST

START_TEST(too_many_are_told_before_anything_else)
{
	make("\"id\":1,", 100001, "{}", SIZE_MAX, NULL);
	client_send(&anna, text.data, text.length);
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "too_many");
	ck_assert_str_eq(tree_text(answer, "error.message"), "a batch has at most 100000 tasks, not 100001");
	expect_nothing_left();
}
END_TEST

/* --- the order --- */

static const size_t sizes[] = { FEW, TASKS };

/* Its answer takes some turns, too, and may come behind theirs. */
START_TEST(what_comes_behind_waits)
{
	make_echo(sizes[_i]);
	strbuf_puts(&text, REQUEST("2", "server.ping", "[]") "\n" REQUEST("3", "task.status", "{\"id\":3}") "\n");
	begins();
	for (int i = 0; i < 3; i++) {
		json_t *answer = client_hear_json(&anna);
		if (tree_int(answer, "id") == 1)
			expect_all(answer, sizes[_i]);
		else
			ck_assert_msg(tree_at(answer, "result"), "%s", tree_text(answer, "error.message"));
	}
	expect_nothing_left();
}
END_TEST

/* The first thing behind it removes what it has submitted. */
START_TEST(what_comes_behind_finds_it_submitted)
{
	make("", sizes[_i], ECHO, SIZE_MAX, NULL);
	strbuf_puts(&text, REQUEST("2", "task.cancel", "{\"all\":true}") "\n");
	uint64_t before = submitted();
	begins();
	json_t *answer = client_hear_json(&anna);
	ck_assert_uint_eq(submitted(), before + 1 + sizes[_i]);
	ck_assert_uint_eq((size_t)tree_int(answer, "result.cancelled"), sizes[_i]);
	expect_nothing_left();
}
END_TEST

START_TEST(elements_of_an_array_keep_their_order)
{
	make_echo(sizes[_i]);
	char *one = strndup(text.data, text.length - 1);
	strbuf_reset(&text);
	strbuf_printf(&text, "[%s,%s,%s]\n", REQUEST("5", "server.ping", "[]"), one,
		REQUEST("6", "task.list", "{\"limit\":1,\"order\":\"newest\"}"));
	free(one);
	uint64_t before = submitted();
	begins();
	json_t *answers = client_hear_json(&anna), *answer;
	size_t i;
	ck_assert_uint_eq(json_array_size(answers), 3);
	json_array_foreach(answers, i, answer) {
		char last[32];
		snprintf(last, sizeof(last), "%llu", (unsigned long long)(before + 1 + sizes[_i]));
		if (tree_int(answer, "id") == 6)
			ck_assert_str_eq(tree_text(answer, "result.tasks.0.id"), last);
		if (tree_int(answer, "id") == 1)
			expect_all(answer, sizes[_i]);
	}
	expect_nothing_left();
}
END_TEST

/* One user's are read one after the other. */
START_TEST(several_of_one_user_all_come_in)
{
	struct client more[3];
	for (int i = 0; i < 3; i++)
		join(&more[i], ANNA, 1010 + i);
	make_echo(FEW);
	for (int i = 0; i < 3; i++)
		client_send(&more[i], text.data, text.length);
	begins();
	for (int i = 0; i < 3; i++)
		expect_all(client_hear_json(&more[i]), FEW);
	expect_all(client_hear_json(&anna), FEW);
	for (int i = 0; i < 3; i++)
		client_fini(&more[i]);
	expect_nothing_left();
}
END_TEST

/* …and who waits for that keeps his order, too. */
START_TEST(what_comes_behind_one_that_waits_does_so)
{
	struct client more;
	join(&more, ANNA, 1010);
	make("", FEW, ECHO, SIZE_MAX, NULL);
	char *few = strndup(text.data, text.length - 1);
	make_echo(TASKS);
	begins();
	strbuf_reset(&text);
	strbuf_printf(&text, _i ? "[%s,%s]\n" : "%s\n%s\n", few, REQUEST("2", "task.cancel", "{\"all\":true}"));
	client_send(&more, text.data, text.length);
	free(few);
	json_t *answer = client_hear_json(&more);
	ck_assert_int_eq(tree_int(answer, _i ? "0.result.cancelled" : "result.cancelled"), TASKS + FEW);
	expect_all(client_hear_json(&anna), TASKS);
	client_fini(&more);
	expect_nothing_left();
}
END_TEST

/* --- who leaves --- */

START_TEST(a_connection_that_ends_meanwhile_submits_nothing)
{
	struct client other;
	join(&other, ANNA, 1003);
	make_echo(sizes[_i]);
	begins();
	uint64_t before = submitted();
	struct user *user = client_connection(&anna)->user;
	connection_close(client_connection(&anna), "the test says so");
	world_settle(&world);
	ck_assert_uint_eq(submitted(), before);
	ck_assert_ptr_null(user->intake);
	ck_assert_uint_eq(user->held + user->input, 0);
	client_send(&other, text.data, text.length);
	expect_all(client_hear_json(&other), sizes[_i]);
	client_fini(&other);
}
END_TEST

/* It had come as a whole, as with a short one. */
START_TEST(who_is_gone_meanwhile_has_submitted_it)
{
	make("", sizes[_i], ECHO, SIZE_MAX, NULL);
	begins();
	uint64_t before = submitted();
	client_leave(&anna);
	world_settle(&world);
	ck_assert_uint_eq(submitted(), before + sizes[_i]);
	ck_assert_uint_eq(world_connections(&world), 1);
}
END_TEST

/* --- what becomes otherwise --- */

static struct client admin;

static void set_up_admin(void)
{
	set_up();
	client_init(&admin, &world);
	ck_assert(tree_at(client_ask(&admin, REQUEST("1", "queue.create", "{\"name\":\"q\"}")), "result"));
	make("\"id\":1,", TASKS, ECHO, 17, "{\"task\":\"echo\",\"queue\":\"q\",\"delay\":\"1m\"}");
}

static void tear_down_admin(void)
{
	client_fini(&admin);
	tear_down();
}

START_TEST(a_queue_that_goes_meanwhile_is_unknown)
{
	begins();
	uint64_t before = submitted();
	ck_assert(tree_at(client_ask(&admin, REQUEST("2", "queue.remove", "{\"name\":\"q\"}")), "result"));
	ck_assert_ptr_nonnull(client_connection(&anna)->intake);
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.message"), "task 17: unknown queue \"q\"");
	ck_assert_uint_eq(submitted(), before);
	expect_nothing_left();
}
END_TEST

START_TEST(a_queue_that_is_made_again_meanwhile_is_that)
{
	begins();
	client_ask(&admin, REQUEST("2", "queue.remove", "{\"name\":\"q\"}"));
	client_ask(&admin, REQUEST("2", "queue.create", "{\"name\":\"r\"}"));
	client_ask(&admin, REQUEST("2", "queue.create", "{\"name\":\"q\"}"));
	ck_assert_ptr_nonnull(client_connection(&anna)->intake);
	expect_all(client_hear_json(&anna), TASKS);
	struct core_queue_figures figures;
	core_queue_figures(core_queue_find(world.core, "q"), &figures);
	ck_assert_uint_eq(figures.submitted, 1);
	expect_nothing_left();
}
END_TEST

/* However often something becomes otherwise, it comes to an end. */
START_TEST(a_reload_again_and_again_does_not_hold_it_up)
{
	begins();
	for (int turns = 0; turns < 100000 && client_connection(&anna)->intake; turns++) {
		world_turn(&world);
		if (turns % 50 == 0)
			world_configure(&world);
	}
	ck_assert_ptr_null(client_connection(&anna)->intake);
	expect_all(client_hear_json(&anna), TASKS);
	expect_nothing_left();
}
END_TEST

START_TEST(rights_that_go_meanwhile_are_gone)
{
	static char name[] = "none", nobody[] = "nobody";
	const struct config_access none = { .name = name, .users = nobody };
	begins();
	uint64_t before = submitted();
	world_allow(&world, &none, 1);
	ck_assert_ptr_nonnull(client_connection(&anna)->intake);
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "denied");
	ck_assert_str_eq(tree_text(answer, "error.data.right"), "submit");
	ck_assert_uint_eq(submitted(), before);
	expect_nothing_left();
}
END_TEST

START_TEST(a_limit_that_becomes_smaller_meanwhile_counts)
{
	make("\"id\":1,", TASKS, ECHO, 17, "{\"task\":\"echo\",\"args\":[\"0123456789012345678901234567890123456789\"]}");
	begins();
	world.config.payload_limit = 20;
	world_configure(&world);
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "too_large");
	ck_assert_int_eq(tree_int(answer, "error.data.index"), 17);
	expect_nothing_left();
}
END_TEST

/* Anna may not know of the task that Ben submits meanwhile, and whose id she has guessed. */
START_TEST(a_task_of_another_that_comes_meanwhile_is_not_waited_for)
{
	char word[64], line[128];
	uint64_t next = submitted() + 2; /* begins has one */
	snprintf(word, sizeof(word), "{\"task\":\"echo\",\"after\":%llu}", (unsigned long long)next);
	make("\"id\":1,", TASKS, ECHO, 17, word);
	begins();
	json_t *answer = client_ask(&ben, REQUEST("3", "task.submit", "{\"task\":\"echo\",\"delay\":\"1m\"}"));
	snprintf(line, sizeof(line), "%llu", (unsigned long long)next);
	ck_assert_str_eq(tree_text(answer, "result.id"), line);
	ck_assert_ptr_nonnull(client_connection(&anna)->intake);
	answer = client_hear_json(&anna);
	ck_assert_int_eq(tree_int(answer, "error.data.index"), 17);
	ck_assert_uint_eq(submitted(), next);
	expect_nothing_left();
}
END_TEST

/* --- watching --- */

START_TEST(as_many_as_may_be_are_watched)
{
	world.config.max_requests = TASKS;
	world_configure(&world);
	make("\"id\":1,", TASKS, "{\"task\":\"echo\",\"delay\":\"1m\",\"watch\":true}", SIZE_MAX, NULL);
	begins();
	expect_all(client_hear_json(&anna), TASKS);
	ck_assert_uint_eq(client_connection(&anna)->outstanding, TASKS);
	make("\"id\":1,", FEW, "{\"task\":\"echo\",\"watch\":true}", SIZE_MAX, NULL);
	client_send(&ben, text.data, text.length);
	expect_all(client_hear_json(&ben), FEW);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("edge batches of tasks");
	TCase *tests = tcase_create("tests"), *changes = tcase_create("changes");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, very_many_are_answered_as_few_are);
	tcase_add_loop_test(tests, a_mistake_anywhere_refuses_all, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(tests, too_many_are_told_before_anything_else);
	tcase_add_loop_test(tests, what_comes_behind_waits, 0, 2);
	tcase_add_loop_test(tests, what_comes_behind_finds_it_submitted, 0, 2);
	tcase_add_loop_test(tests, elements_of_an_array_keep_their_order, 0, 2);
	tcase_add_test(tests, several_of_one_user_all_come_in);
	tcase_add_loop_test(tests, what_comes_behind_one_that_waits_does_so, 0, 2);
	tcase_add_loop_test(tests, a_connection_that_ends_meanwhile_submits_nothing, 0, 2);
	tcase_add_loop_test(tests, who_is_gone_meanwhile_has_submitted_it, 0, 2);
	tcase_add_test(tests, as_many_as_may_be_are_watched);
	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(changes, set_up_admin, tear_down_admin);
	tcase_add_test(changes, a_queue_that_goes_meanwhile_is_unknown);
	tcase_add_test(changes, a_queue_that_is_made_again_meanwhile_is_that);
	tcase_add_test(changes, a_reload_again_and_again_does_not_hold_it_up);
	tcase_add_test(changes, rights_that_go_meanwhile_are_gone);
	tcase_add_test(changes, a_limit_that_becomes_smaller_meanwhile_counts);
	tcase_add_test(changes, a_task_of_another_that_comes_meanwhile_is_not_waited_for);
	suite_add_tcase(suite, changes);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
