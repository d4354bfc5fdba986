/* Schedules over the wire: what they say of themselves, that they run, and what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge_world.h"

static struct world world;
static struct client client;

/* The wall clock begins at 2023-11-14T22:13:20Z. */
static void set_up(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	world_init(&world);
	client_init(&client, &world);
}

static void tear_down(void)
{
	client_fini(&client);
	world_fini(&world);
}

#define REQUEST(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define ADD(params) REQUEST("1", "schedule.add", "{" params "}")

static const char *kind_of(const char *line)
{
	return tree_text(client_ask(&client, line), "error.data.kind");
}

static uint64_t succeeded(void)
{
	return core_totals(world.core)->ended[TASK_SUCCEEDED];
}

/* --- what they are --- */

START_TEST(a_schedule_says_what_it_is)
{
	json_t *answer = client_ask(&client, ADD("\"name\":\"nightly\",\"task\":\"echo\",\"args\":[1,{\"a\":2}],\"cron\":\"30 4 * * *\","
		"\"priority\":5,\"tag\":\"t\",\"timeout\":9,\"expires\":\"1h\",\"retries\":3,\"overlap\":true"));
	char *text = json_dumps(tree_at(answer, "result"), JSON_COMPACT), wanted[512];
	snprintf(wanted, sizeof(wanted),
		"{\"name\":\"nightly\",\"task\":\"echo\",\"args\":[1,{\"a\":2}],\"queue\":\"default\",\"priority\":5,\"owner\":%u,"
		"\"tag\":\"t\",\"timeout\":9,\"expires\":3600,\"retries\":3,\"cron\":\"30 4 * * *\",\"catch_up\":false,\"overlap\":true,"
		"\"next_at\":\"2023-11-15T04:30:00.000000Z\",\"runs\":0,\"skipped\":0}", (unsigned)geteuid());
	ck_assert_str_eq(text, wanted);
	free(text);
	answer = client_ask(&client, ADD("\"name\":\"tick\",\"task\":\"echo\",\"every\":\"90s\",\"catch_up\":true,\"queue\":\"tight\""));
	ck_assert_int_eq(tree_int(answer, "result.every"), 90);
	ck_assert_str_eq(tree_text(answer, "result.next_at"), "2023-11-14T22:14:50.000000Z");
	ck_assert_str_eq(tree_text(answer, "result.queue"), "tight");
	ck_assert(json_is_true(tree_at(answer, "result.catch_up")));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.args")), 0);
	answer = client_ask(&client, REQUEST("1", "schedule.list", "{}"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 2);
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "nightly");
	ck_assert_str_eq(tree_text(answer, "result.1.name"), "tick");
}
END_TEST

START_TEST(it_runs_at_its_interval)
{
	client_ask(&client, ADD("\"name\":\"tick\",\"task\":\"echo\",\"args\":[7],\"every\":10,\"tag\":\"t\""));
	world_advance(&world, 9 * NS_PER_S);
	ck_assert_uint_eq(succeeded(), 0);
	for (int i = 0; i < 3; i++)
		world_advance(&world, 10 * NS_PER_S);
	ck_assert_uint_eq(succeeded(), 3);
	json_t *answer = client_ask(&client, REQUEST("1", "schedule.list", "{}"));
	ck_assert_int_eq(tree_int(answer, "result.0.runs"), 3);
	ck_assert_str_eq(tree_text(answer, "result.0.last_id"), "3");
	ck_assert_str_eq(tree_text(answer, "result.0.next_at"), "2023-11-14T22:14:00.000000Z");
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.status", "{\"id\":3}")), "result.schedule"), "tick");
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.status", "{\"id\":3}")), "result.tag"), "t");
	ck_assert_int_eq(tree_int(client_ask(&client, REQUEST("1", "task.result", "{\"id\":3}")), "result.0"), 7);
}
END_TEST

START_TEST(the_calendar_follows_the_wall_clock)
{
	client_ask(&client, ADD("\"name\":\"nightly\",\"task\":\"echo\",\"cron\":\"30 4 * * *\""));
	client_ask(&client, ADD("\"name\":\"tick\",\"task\":\"echo\",\"every\":36000"));
	world_step_wall(&world, -3600 * NS_PER_S);
	json_t *answer = client_ask(&client, REQUEST("1", "schedule.list", "{}"));
	ck_assert_str_eq(tree_text(answer, "result.0.next_at"), "2023-11-15T04:30:00.000000Z");
	ck_assert_str_eq(tree_text(answer, "result.1.next_at"), "2023-11-15T07:13:20.000000Z");
	world_step_wall(&world, 3600 * NS_PER_S);
	world_advance(&world, 6 * 3600 * NS_PER_S);
	ck_assert_uint_eq(succeeded(), 0);
	world_advance(&world, 3600 * NS_PER_S);
	ck_assert_uint_eq(succeeded(), 1);
}
END_TEST

START_TEST(a_run_that_would_overlap_is_skipped)
{
	client_ask(&client, ADD("\"name\":\"slow\",\"task\":\"hold\",\"every\":10"));
	world_advance(&world, 10 * NS_PER_S);
	world_advance(&world, 10 * NS_PER_S);
	json_t *answer = client_ask(&client, REQUEST("1", "schedule.list", "{}"));
	ck_assert_int_eq(tree_int(answer, "result.0.runs"), 1);
	ck_assert_int_eq(tree_int(answer, "result.0.skipped"), 1);
}
END_TEST

/* --- removing --- */

START_TEST(one_that_is_removed_runs_no_more)
{
	client_ask(&client, ADD("\"name\":\"tick\",\"task\":\"echo\",\"every\":10"));
	world_advance(&world, 10 * NS_PER_S);
	json_t *answer = client_ask(&client, REQUEST("1", "schedule.remove", "{\"name\":\"tick\"}"));
	ck_assert_int_eq(tree_int(answer, "result.runs"), 1);
	world_advance(&world, 100 * NS_PER_S);
	ck_assert_uint_eq(succeeded(), 1);
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.status", "{\"id\":1}")), "result.schedule"), "tick");
	ck_assert_str_eq(kind_of(REQUEST("1", "schedule.remove", "{\"name\":\"tick\"}")), "not_found");
	ck_assert_str_eq(tree_text(client_ask(&client, ADD("\"name\":\"tick\",\"task\":\"echo\",\"every\":10")), "result.name"), "tick");
	answer = client_ask(&client, REQUEST("1", "schedule.remove", "{\"name\":\"tack\"}"));
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "tick");
}
END_TEST

START_TEST(only_its_owner_or_an_admin_removes_it)
{
	client_become(&client, 4001, 4001, NULL);
	client_ask(&client, ADD("\"name\":\"mine\",\"task\":\"echo\",\"every\":10"));
	client_ask(&client, ADD("\"name\":\"ours\",\"task\":\"echo\",\"every\":10"));
	client_become(&client, 4002, 4002, NULL);
	ck_assert_str_eq(kind_of(REQUEST("1", "schedule.remove", "{\"name\":\"mine\"}")), "not_found");
	client_become(&client, 4001, 4001, NULL);
	ck_assert_int_eq(tree_int(client_ask(&client, REQUEST("1", "schedule.remove", "{\"name\":\"mine\"}")), "result.owner"), 4001);
	client_become(&client, geteuid(), getegid(), NULL);
	ck_assert_int_eq(tree_int(client_ask(&client, REQUEST("1", "schedule.remove", "{\"name\":\"ours\",\"user\":\"4001\"}")), "result.owner"), 4001);
}
END_TEST

/* --- what is refused --- */

START_TEST(a_schedule_that_makes_no_sense_is_refused)
{
	static const struct {
		const char *line;
		const char *kind;
		const char *word; /* that the message has */
	} cases[] = {
		{ ADD("\"name\":\"a\",\"task\":\"echo\""), "invalid_params", "every" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1,\"cron\":\"@daily\""), "invalid_params", "every" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":0.001"), "invalid_params", "10 ms" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":0"), "invalid_params", "every" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"cron\":\"61 * * * *\""), "invalid_params", "cron" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"cron\":\"\""), "invalid_params", "cron" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"cron\":\"0 0 30 2 *\""), "invalid_params", "no such day" },
		{ ADD("\"name\":\"a\",\"task\":\"ehco\",\"every\":1"), "unknown_task", "echo" },
		{ ADD("\"name\":\"a\",\"task\":\"idle\",\"every\":1"), "unavailable", "idle" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1,\"queue\":\"tihgt\""), "invalid_params", "tight" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1,\"queue\":\"other\""), "invalid_params", "other" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1,\"delay\":1"), "invalid_params", "delay" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1,\"key\":\"k\""), "invalid_params", "key" },
		{ ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1,\"args\":7"), "invalid_params", "args" },
		{ ADD("\"name\":\"\",\"task\":\"echo\",\"every\":1"), "invalid_params", "name" },
		{ ADD("\"name\":\"a b\",\"task\":\"echo\",\"every\":1"), "invalid_params", "name" },
		{ ADD("\"name\":\"-a\",\"task\":\"echo\",\"every\":1"), "invalid_params", "name" },
		{ ADD("\"task\":\"echo\",\"every\":1"), "invalid_params", "name" },
		{ ADD("\"name\":\"a\",\"every\":1"), "invalid_params", "task" },
		{ REQUEST("1", "schedule.remove", "{}"), "invalid_params", "name" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *answer = client_ask(&client, cases[i].line);
		ck_assert_msg(strcmp(tree_text(answer, "error.data.kind"), cases[i].kind) == 0, "%s: %s", cases[i].line,
			tree_text(answer, "error.data.kind"));
		ck_assert_msg(strstr(tree_text(answer, "error.message"), cases[i].word), "%s: %s", cases[i].line,
			tree_text(answer, "error.message"));
	}
	ck_assert_ptr_null(core_schedule_next(world.core, NULL));
}
END_TEST

START_TEST(names_are_taken_once)
{
	client_ask(&client, ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1"));
	ck_assert_str_eq(kind_of(ADD("\"name\":\"a\",\"task\":\"fail\",\"every\":2")), "exists");
	json_t *answer = client_ask(&client, REQUEST("1", "schedule.list", "{}"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.task"), "echo");
}
END_TEST

START_TEST(arguments_beyond_the_limit_are_refused)
{
	struct strbuf line = STRBUF_INIT;
	world.config.payload_limit = 1000;
	world_configure(&world);
	strbuf_puts(&line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"schedule.add\",\"params\":{\"name\":\"a\",");
	strbuf_puts(&line, "\"task\":\"echo\",\"every\":1,\"args\":[\"");
	for (int i = 0; i < 1000; i++)
		strbuf_puts(&line, "x");
	strbuf_puts(&line, "\"]}}");
	ck_assert_str_eq(kind_of(line.data), "too_large");
	strbuf_free(&line);
}
END_TEST

START_TEST(a_daemon_that_stops_takes_no_more)
{
	core_close(world.core, true);
	ck_assert_str_eq(kind_of(ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1")), "shutting_down");
}
END_TEST

START_TEST(there_is_an_end_to_their_number)
{
	char line[256];
	for (int i = 0; i < 10000; i++) {
		snprintf(line, sizeof(line), ADD("\"name\":\"s%d\",\"task\":\"echo\",\"every\":\"1h\""), i);
		client_ask(&client, line);
	}
	ck_assert_str_eq(kind_of(ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1")), "too_many");
	client_ask(&client, REQUEST("1", "schedule.remove", "{\"name\":\"s7\"}"));
	ck_assert_str_eq(tree_text(client_ask(&client, ADD("\"name\":\"a\",\"task\":\"echo\",\"every\":1")), "result.name"), "a");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_schedule");
	TCase *tests = tcase_create("schedules");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_schedule_says_what_it_is);
	tcase_add_test(tests, it_runs_at_its_interval);
	tcase_add_test(tests, the_calendar_follows_the_wall_clock);
	tcase_add_test(tests, a_run_that_would_overlap_is_skipped);
	tcase_add_test(tests, one_that_is_removed_runs_no_more);
	tcase_add_test(tests, only_its_owner_or_an_admin_removes_it);
	tcase_add_test(tests, a_schedule_that_makes_no_sense_is_refused);
	tcase_add_test(tests, names_are_taken_once);
	tcase_add_test(tests, arguments_beyond_the_limit_are_refused);
	tcase_add_test(tests, a_daemon_that_stops_takes_no_more);
	tcase_add_test(tests, there_is_an_end_to_their_number);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
