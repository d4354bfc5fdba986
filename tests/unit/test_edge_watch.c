/* Watches: who is told what, and what becomes of one who does not read. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "edge_world.h"

static struct world world;
static struct client client; /* watches */
static struct client other;  /* submits */

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

#define REQUEST(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

/* The id of a task of these parameters. */
static int submit(const char *params)
{
	char line[256];
	snprintf(line, sizeof(line), REQUEST("1", "task.submit", "%s"), params);
	json_t *answer = client_ask(&other, line);
	int id = atoi(tree_text(answer, "result.id"));
	ck_assert_msg(id > 0, "%s", tree_text(answer, "error.message"));
	return id;
}

/* The next thing that the client hears is this event of that task. */
static json_t *expect_event(const char *event, int id)
{
	char text[16];
	json_t *heard = client_hear_json(&client);
	snprintf(text, sizeof(text), "%d", id);
	ck_assert_str_eq(tree_text(heard, "method"), "task.event");
	ck_assert_str_eq(tree_text(heard, "params.event"), event);
	ck_assert_str_eq(tree_text(heard, "params.task.id"), text);
	return heard;
}

static struct connection *watcher(void)
{
	struct connection *connection;
	TAILQ_FOREACH(connection, &world.edge->connections, link)
		if (connection->watching)
			return connection;
	ck_abort_msg("nobody watches");
}

/* --- who is told what --- */

START_TEST(whoever_watches_all_hears_each_change_of_each_task)
{
	client_expect(&client, REQUEST("1", "task.watch", "{}"), RESULT("1", "{\"watch\":\"1\"}"));
	int id = submit("{\"task\":\"hold\",\"tag\":\"t\"}");
	json_t *event = expect_event("queued", id);
	ck_assert_str_eq(tree_text(event, "params.watch"), "1");
	ck_assert_str_eq(tree_text(event, "params.at"), "2023-11-14T22:13:20.000000Z");
	ck_assert_str_eq(tree_text(event, "params.task.tag"), "t");
	ck_assert_str_eq(tree_text(event, "params.task.state"), "queued");
	world_advance(&world, 10 * NS_PER_S);
	expect_event("running", id);
	world_finish(&world);
	event = expect_event("succeeded", id);
	ck_assert_str_eq(tree_text(event, "params.at"), "2023-11-14T22:13:30.000000Z");
	ck_assert_ptr_null(tree_at(event, "params.task.result"));
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(cancelling_and_failing_are_told_too)
{
	client_expect(&client, REQUEST("1", "task.watch", "{}"), RESULT("1", "{\"watch\":\"1\"}"));
	world.stop_deaf = true;
	int id = submit("{\"task\":\"hold\"}");
	expect_event("queued", id);
	client_say(&other, REQUEST("2", "task.cancel", "{\"ids\":1}"));
	expect_event("running", id);
	expect_event("cancelling", id);
	world.stop_deaf = false;
	json_t *event = expect_event("cancelled", id);
	ck_assert_str_eq(tree_text(event, "params.task.error.data.kind"), "cancelled");
	client_hear(&other);
	id = submit("{\"task\":\"fail\"}");
	expect_event("queued", id);
	expect_event("running", id);
	expect_event("failed", id);
}
END_TEST

START_TEST(a_filter_chooses_tasks_and_states)
{
	client_expect(&client, REQUEST("1", "task.watch", "{\"tag\":\"x\",\"task\":\"echo\",\"state\":[\"succeeded\",\"failed\"]}"),
		RESULT("1", "{\"watch\":\"1\"}"));
	submit("{\"task\":\"echo\"}");
	submit("{\"task\":\"fail\",\"tag\":\"x\"}");
	submit("{\"task\":\"echo\",\"tag\":\"xx\"}");
	int id = submit("{\"task\":\"echo\",\"tag\":\"x\"}");
	expect_event("succeeded", id);
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(a_queue_is_watched_by_its_name_though_it_is_made_again)
{
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"fast\"}"));
	client_ask(&client, REQUEST("1", "task.watch", "{\"queue\":\"fast\",\"state\":\"queued\"}"));
	submit("{\"task\":\"echo\"}");
	int first = submit("{\"task\":\"echo\",\"queue\":\"fast\"}");
	expect_event("queued", first);
	world_settle(&world);
	ck_assert_str_eq(tree_text(client_ask(&other, REQUEST("1", "queue.remove", "{\"name\":\"fast\"}")), "result.name"), "fast");
	client_ask(&other, REQUEST("1", "task.forget", "{\"ids\":[1,2]}"));
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"slow\"}"));
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"fast\"}"));
	submit("{\"task\":\"echo\",\"queue\":\"slow\"}");
	int second = submit("{\"task\":\"echo\",\"queue\":\"fast\"}");
	expect_event("queued", second);
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(progress_is_told_where_it_was_asked_for)
{
	struct task *task;
	client_ask(&client, REQUEST("1", "task.watch", "{\"state\":\"succeeded\"}"));
	int id = submit("{\"task\":\"hold\"}");
	world_settle(&world);
	ck_assert_int_eq(core_find(world.core, (uint64_t)id, &task), CORE_FOUND);
	core_task_progress(task, 0.25, "a quarter", 9);
	ck_assert(client_hears_nothing(&client));
	client_ask(&client, REQUEST("2", "task.watch", "{\"progress\":true,\"state\":\"succeeded\"}"));
	core_task_progress(task, 0.5, "half", 4);
	json_t *event = expect_event("progress", id);
	ck_assert_str_eq(tree_text(event, "params.watch"), "2");
	ck_assert_str_eq(tree_text(event, "params.task.progress.text"), "half");
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(chosen_tasks_are_told_of_once_each_and_no_others)
{
	int a = submit("{\"task\":\"hold\"}"), b = submit("{\"task\":\"hold\"}"), c = submit("{\"task\":\"hold\"}");
	int ended = submit("{\"task\":\"echo\"}");
	char line[128];
	world_settle(&world);
	snprintf(line, sizeof(line), REQUEST("1", "task.watch", "{\"ids\":[%d,%d,%d,\"%d\"]}"), c, a, c, ended);
	client_ask(&client, line);
	(void)b;
	client_ask(&other, REQUEST("1", "task.cancel", "{\"ids\":[1,2]}"));
	expect_event("running", a); /* which was not known before */
	expect_event("cancelling", a);
	expect_event("cancelled", a);
	client_ask(&other, REQUEST("1", "task.cancel", "{\"ids\":3}"));
	expect_event("running", c);
	expect_event("cancelling", c);
	expect_event("cancelled", c);
	submit("{\"task\":\"echo\"}");
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(two_watches_of_one_task_are_two)
{
	int id = submit("{\"task\":\"hold\"}");
	world_settle(&world);
	client_ask(&client, REQUEST("1", "task.watch", "{\"ids\":\"1\"}"));
	client_expect(&client, REQUEST("2", "task.watch", "{\"ids\":[1],\"state\":\"cancelled\"}"),
		RESULT("2", "{\"watch\":\"2\"}"));
	client_ask(&client, REQUEST("3", "task.watch", "{\"ids\":[1],\"task\":\"echo\"}"));
	client_ask(&other, REQUEST("1", "task.cancel", "{\"ids\":1}"));
	ck_assert_str_eq(tree_text(expect_event("running", id), "params.watch"), "1");
	ck_assert_str_eq(tree_text(expect_event("cancelling", id), "params.watch"), "1");
	bool first = strcmp(tree_text(expect_event("cancelled", id), "params.watch"), "1") == 0;
	ck_assert_str_eq(tree_text(expect_event("cancelled", id), "params.watch"), first ? "2" : "1");
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(ten_thousand_chosen_tasks_are_each_told_of)
{
	enum { N = 10000 };
	static char seen[N + 1];
	struct strbuf line = STRBUF_INIT;
	client_ask(&other, REQUEST("1", "queue.pause", "{\"queue\":\"default\"}"));
	strbuf_puts(&line, REQUEST("1", "task.watch", "{\"state\":\"cancelled\",\"limit\":100000,\"ids\":["));
	line.length--; /* the request goes on */
	for (int i = 0; i < N; i++)
		strbuf_printf(&line, "%s%d", i ? "," : "", submit("{\"task\":\"echo\"}"));
	strbuf_puts(&line, "]}}");
	client_say(&client, line.data);
	client_hear(&client);
	line.length = 0;
	strbuf_puts(&line, REQUEST("1", "task.cancel", "{\"ids\":["));
	line.length--;
	for (int i = 0; i < N; i++)
		strbuf_printf(&line, "%s%d", i ? "," : "", i + 1);
	strbuf_puts(&line, "]}}");
	client_say(&other, line.data);
	memset(seen, 0, sizeof(seen));
	for (int i = 0; i < N; i++) {
		int id = atoi(tree_text(client_hear_json(&client), "params.task.id"));
		ck_assert(id >= 1 && id <= N && !seen[id]);
		seen[id] = 1;
	}
	ck_assert(client_hears_nothing(&client));
	strbuf_free(&line);
}
END_TEST

/* --- those who do not keep up --- */

START_TEST(what_is_beyond_the_limit_is_missed_and_that_is_told)
{
	client_ask(&client, REQUEST("1", "task.watch", "{\"limit\":3,\"state\":\"queued\"}"));
	client_ask(&other, REQUEST("1", "task.map", "{\"task\":\"double\",\"items\":[1,2,3,4,5,6,7,8,9,10]}"));
	for (int i = 1; i <= 3; i++)
		expect_event("queued", i);
	ck_assert_str_eq(client_hear(&client),
		"{\"jsonrpc\":\"2.0\",\"method\":\"task.missed\",\"params\":{\"watch\":\"1\",\"missed\":7}}");
	int id = submit("{\"task\":\"echo\"}");
	expect_event("queued", id);
}
END_TEST

START_TEST(one_who_never_reads_holds_up_no_more_than_his_limit)
{
	enum { N = 20000, LIMIT = 500 };
	struct strbuf text = STRBUF_INIT;
	int events = 0, missed = 0;
	bool end = false;
	client_ask(&client, REQUEST("1", "task.watch", "{\"limit\":500,\"state\":\"succeeded\"}"));
	for (int i = 0; i < N; i++)
		strbuf_printf(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"%s\"}}\n", "echo");
	client_send(&other, text.data, text.length);
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_SUCCEEDED], N);
	ck_assert(watcher()->blocked);
	ck_assert_uint_gt(watcher()->output_size, 0);
	ck_assert_uint_lt(watcher()->output_size, LIMIT * 500);
	while (!end) {
		json_t *heard = client_hear_json(&client);
		if (strcmp(tree_text(heard, "method"), "task.missed") == 0) {
			missed += (int)tree_int(heard, "params.missed");
			end = events + missed == N;
		} else {
			events++;
		}
	}
	ck_assert_int_gt(events, LIMIT - 1);
	ck_assert_int_gt(missed, 0);
	ck_assert(client_hears_nothing(&client));
	submit("{\"task\":\"echo\"}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "params.event"), "succeeded");
	strbuf_free(&text);
}
END_TEST

/* One who reads now and then is told at each gap, before he hears of what is behind it, how much he has missed. */
START_TEST(gaps_are_told_where_they_are)
{
	enum { N = 4000, ROUNDS = 8, READS = 300 };
	struct strbuf text = STRBUF_INIT;
	long long last = 0;
	int gaps = 0;
	client_ask(&client, REQUEST("1", "task.watch", "{\"limit\":100,\"state\":\"queued\"}"));
	for (int i = 0; i < N; i++)
		strbuf_puts(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\"}}\n");
	for (int round = 0; round < ROUNDS || last < (long long)N * ROUNDS;) {
		for (int i = 0; i < READS && last < (long long)N * ROUNDS; i++) {
			if (round < ROUNDS && i % 100 == 0) {
				client_send(&other, text.data, text.length);
				round++;
			}
			json_t *heard = client_hear_json(&client);
			long long missed = tree_int(heard, "params.missed");
			if (missed > 0) {
				last += missed;
				gaps++;
			} else {
				ck_assert_int_eq(atoll(tree_text(heard, "params.task.id")), last + 1);
				last++;
			}
		}
	}
	ck_assert_int_eq(last, (long long)N * ROUNDS);
	ck_assert_int_gt(gaps, 1);
	strbuf_free(&text);
}
END_TEST

/* There is room again as soon as his events are written, whatever else waits behind them. */
START_TEST(what_was_missed_is_told_before_the_next_event)
{
	client_ask(&client, REQUEST("1", "task.watch", "{\"limit\":1,\"state\":\"queued\",\"tag\":\"t\"}"));
	int big = submit("{\"task\":\"big\",\"args\":[3000000],\"delay\":10}");
	client_say(&client, REQUEST("2", "task.result", "{\"id\":1}"));
	client_say(&client, REQUEST("3", "big", "[3000000]"));
	world_settle(&world);
	ck_assert(watcher()->blocked);
	int first = submit("{\"task\":\"echo\",\"tag\":\"t\"}");
	submit("{\"task\":\"echo\",\"tag\":\"t\"}");
	world_advance(&world, 11 * NS_PER_S); /* the first one's result is behind the event now */
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 3);
	ck_assert(watcher()->blocked);
	int last = submit("{\"task\":\"echo\",\"tag\":\"t\"}");
	expect_event("queued", first);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 2);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "params.missed"), 1);
	expect_event("queued", last);
	ck_assert_int_eq(big, 1);
}
END_TEST

/* Who reads, though slowly, gets on: his limit is about what waits, not about what ever was sent. */
START_TEST(one_who_keeps_reading_misses_nothing)
{
	enum { N = 3000 };
	client_ask(&client, REQUEST("1", "task.watch", "{\"limit\":10,\"state\":\"succeeded\"}"));
	for (int i = 1; i <= N; i++) {
		submit("{\"task\":\"echo\"}");
		expect_event("succeeded", i);
	}
}
END_TEST

START_TEST(events_leave_room_for_replies)
{
	struct strbuf text = STRBUF_INIT;
	world.config.output_limit = 200000;
	world_configure(&world);
	client_ask(&client, REQUEST("1", "task.watch", "{\"limit\":100000,\"state\":\"queued\"}"));
	client_ask(&other, REQUEST("1", "queue.pause", "{\"queue\":\"default\"}"));
	for (int i = 0; i < 5000; i++)
		strbuf_printf(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"%s\"}}\n", "echo");
	client_send(&other, text.data, text.length);
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 2);
	ck_assert_uint_le(watcher()->output_size, 100000);
	strbuf_free(&text);
}
END_TEST

/* --- the end of a watch --- */

START_TEST(a_watch_that_is_ended_tells_nothing_more)
{
	client_ask(&client, REQUEST("1", "task.watch", "{}"));
	client_ask(&client, REQUEST("2", "task.watch", "{}"));
	client_expect(&client, REQUEST("3", "task.unwatch", "{\"watch\":\"1\"}"), RESULT("3", "{\"watch\":\"1\"}"));
	submit("{\"task\":\"echo\"}");
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(tree_text(client_hear_json(&client), "params.watch"), "2");
	client_ask(&client, REQUEST("4", "task.unwatch", "{\"watch\":2}"));
	ck_assert_ptr_null(world.edge->watches);
	submit("{\"task\":\"echo\"}");
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("5", "task.unwatch", "{\"watch\":2}")), "error.data.kind"), "not_found");
	ck_assert_str_eq(tree_text(client_ask(&other, REQUEST("5", "task.unwatch", "{\"watch\":1}")), "error.data.kind"), "not_found");
}
END_TEST

START_TEST(watches_end_with_their_connection)
{
	int id = submit("{\"task\":\"hold\"}");
	client_ask(&client, REQUEST("1", "task.watch", "{}"));
	client_ask(&client, REQUEST("2", "task.watch", "{\"ids\":1}"));
	client_ask(&other, REQUEST("2", "task.watch", "{\"ids\":1,\"state\":\"cancelled\"}"));
	client_leave(&client);
	world_settle(&world);
	ck_assert_ptr_nonnull(world.edge->watches);
	ck_assert_uint_eq(world_connections(&world), 1);
	client_say(&other, REQUEST("3", "task.cancel", "{\"ids\":1}"));
	client_hear(&other);
	ck_assert_int_eq(atoi(tree_text(client_hear_json(&other), "params.task.id")), id);
	client_leave(&other);
	world_settle(&world);
	ck_assert_ptr_null(world.edge->watches);
	ck_assert(edge_quiet(world.edge));
}
END_TEST

START_TEST(a_half_closed_client_goes_on_hearing)
{
	client_ask(&client, REQUEST("1", "task.watch", "{\"state\":\"succeeded\"}"));
	client_half_close(&client);
	world_settle(&world);
	int id = submit("{\"task\":\"echo\"}");
	expect_event("succeeded", id);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 1);
	ck_assert_ptr_null(world.edge->watches);
}
END_TEST

START_TEST(watches_do_not_keep_the_daemon_from_stopping)
{
	client_ask(&client, REQUEST("1", "task.watch", "{}"));
	world_settle(&world);
	ck_assert(edge_quiet(world.edge));
}
END_TEST

/* --- what is refused --- */

START_TEST(a_watch_that_makes_no_sense_is_refused)
{
	static const struct {
		const char *line;
		const char *kind;
	} cases[] = {
		{ REQUEST("1", "task.watch", "{\"state\":\"sleeping\"}"), "invalid_params" },
		{ REQUEST("1", "task.watch", "{\"queue\":\"defualt\"}"), "invalid_params" },
		{ REQUEST("1", "task.watch", "{\"ids\":17}"), "not_found" },
		{ REQUEST("1", "task.watch", "{\"ids\":[\"x\"]}"), "invalid_params" },
		{ REQUEST("1", "task.watch", "{\"limit\":0}"), "invalid_params" },
		{ REQUEST("1", "task.watch", "{\"progres\":true}"), "invalid_params" },
		{ REQUEST("1", "task.unwatch", "{}"), "invalid_params" },
		{ REQUEST("1", "task.unwatch", "{\"watch\":\"1\"}"), "not_found" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(tree_text(client_ask(&client, cases[i].line), "error.data.kind"), cases[i].kind);
	ck_assert_ptr_null(world.edge->watches);
}
END_TEST

START_TEST(no_ids_are_no_tasks_rather_than_all)
{
	client_ask(&client, REQUEST("1", "task.watch", "{\"ids\":[]}"));
	submit("{\"task\":\"echo\"}");
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(a_connection_has_so_many_watches)
{
	for (int i = 0; i < 100; i++)
		ck_assert_str_ne(tree_text(client_ask(&client, REQUEST("1", "task.watch", "{\"tag\":\"x\"}")), "result.watch"), "(none)");
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.watch", "{}")), "error.data.kind"), "too_many");
	client_ask(&client, REQUEST("1", "task.unwatch", "{\"watch\":50}"));
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.watch", "{}")), "result.watch"), "101");
}
END_TEST

START_TEST(a_watch_that_nobody_could_end_is_not_begun)
{
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.watch\",\"params\":{}}");
	world_settle(&world);
	ck_assert_ptr_null(world.edge->watches);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_watch");
	TCase *events = tcase_create("events"), *bounds = tcase_create("bounds");
	tcase_add_checked_fixture(events, set_up, tear_down);
	tcase_add_test(events, whoever_watches_all_hears_each_change_of_each_task);
	tcase_add_test(events, cancelling_and_failing_are_told_too);
	tcase_add_test(events, a_filter_chooses_tasks_and_states);
	tcase_add_test(events, a_queue_is_watched_by_its_name_though_it_is_made_again);
	tcase_add_test(events, progress_is_told_where_it_was_asked_for);
	tcase_add_test(events, chosen_tasks_are_told_of_once_each_and_no_others);
	tcase_add_test(events, two_watches_of_one_task_are_two);
	tcase_add_test(events, a_watch_that_is_ended_tells_nothing_more);
	tcase_add_test(events, watches_end_with_their_connection);
	tcase_add_test(events, a_half_closed_client_goes_on_hearing);
	tcase_add_test(events, watches_do_not_keep_the_daemon_from_stopping);
	tcase_add_test(events, a_watch_that_makes_no_sense_is_refused);
	tcase_add_test(events, no_ids_are_no_tasks_rather_than_all);
	tcase_add_test(events, a_connection_has_so_many_watches);
	tcase_add_test(events, a_watch_that_nobody_could_end_is_not_begun);
	suite_add_tcase(suite, events);
	tcase_add_checked_fixture(bounds, set_up, tear_down);
	tcase_set_timeout(bounds, 60);
	tcase_add_test(bounds, ten_thousand_chosen_tasks_are_each_told_of);
	tcase_add_test(bounds, what_is_beyond_the_limit_is_missed_and_that_is_told);
	tcase_add_test(bounds, one_who_never_reads_holds_up_no_more_than_his_limit);
	tcase_add_test(bounds, gaps_are_told_where_they_are);
	tcase_add_test(bounds, what_was_missed_is_told_before_the_next_event);
	tcase_add_test(bounds, one_who_keeps_reading_misses_nothing);
	tcase_add_test(bounds, events_leave_room_for_replies);
	suite_add_tcase(suite, bounds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
