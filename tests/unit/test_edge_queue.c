/* Queues over the wire: making, changing, removing, pausing and draining them; and how many workers a pool has. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge_world.h"
#include "pool/pool.h"

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

#define REQUEST(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"

static const char *kind_of(const char *line)
{
	return tree_text(client_ask(&client, line), "error.data.kind");
}

static void make(const char *name)
{
	char line[128];
	snprintf(line, sizeof(line), REQUEST("1", "queue.create", "{\"name\":\"%s\"}"), name);
	ck_assert_str_eq(tree_text(client_ask(&client, line), "result.name"), name);
}

static void hold(const char *queue)
{
	char line[128];
	snprintf(line, sizeof(line), REQUEST("1", "task.submit", "{\"task\":\"hold\",\"queue\":\"%s\"}"), queue);
	client_ask(&other, line);
	world_settle(&world);
}

/* --- making and changing --- */

START_TEST(a_queue_says_what_it_is)
{
	json_t *answer = client_ask(&client, REQUEST("1", "queue.create",
		"{\"name\":\"fast\",\"order\":\"lifo\",\"limit_running\":2,\"limit_queued\":5,\"limit_bytes\":\"1k\",\"rate\":2.5,"
		"\"burst\":4,\"ageing\":\"1m\",\"weight\":3}"));
	char *text = json_dumps(tree_at(answer, "result"), JSON_COMPACT);
	ck_assert_str_eq(text,
		"{\"name\":\"fast\",\"pool\":\"default\",\"waiting\":0,\"scheduled\":0,\"blocked\":0,\"waiting_bytes\":0,\"running\":0,"
		"\"submitted\":0,\"ended\":0,\"order\":\"lifo\",\"limit_queued\":5,\"limit_bytes\":1024,\"limit_running\":2,\"rate\":2.5,"
		"\"burst\":4,\"ageing\":60,\"weight\":3,\"fair\":false,\"paused\":false,\"draining\":false,\"configured\":false,\"recording\":0,\"durable\":\"no\"}");
	free(text);
	hold("fast");
	answer = client_ask(&client, REQUEST("1", "queue.list", "{}"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 4);
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "default");
	ck_assert(json_is_true(tree_at(answer, "result.0.configured")));
	ck_assert_str_eq(tree_text(answer, "result.3.name"), "fast");
	ck_assert_int_eq(tree_int(answer, "result.3.running"), 1);
	ck_assert_int_eq(tree_int(answer, "result.3.submitted"), 1);
}
END_TEST

START_TEST(a_queue_made_without_words_has_the_defaults_of_the_configuration)
{
	json_t *answer = client_ask(&client, REQUEST("1", "queue.create", "{\"name\":\"plain\"}"));
	ck_assert_str_eq(tree_text(answer, "result.order"), "priority");
	ck_assert_int_eq(tree_int(answer, "result.limit_queued"), 10000000);
	ck_assert_int_eq(tree_int(answer, "result.limit_bytes"), 1 << 30);
	ck_assert_int_eq(tree_int(answer, "result.limit_running"), 0);
	ck_assert_int_eq(tree_int(answer, "result.burst"), 1);
	ck_assert_int_eq(tree_int(answer, "result.weight"), 1);
}
END_TEST

START_TEST(what_is_not_said_stays)
{
	client_ask(&client, REQUEST("1", "queue.create", "{\"name\":\"fast\",\"order\":\"fifo\",\"limit_running\":2,\"weight\":3}"));
	json_t *answer = client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"fast\",\"limit_running\":0,\"rate\":1}"));
	ck_assert_str_eq(tree_text(answer, "result.order"), "fifo");
	ck_assert_int_eq(tree_int(answer, "result.limit_running"), 0);
	ck_assert_int_eq(tree_int(answer, "result.weight"), 3);
	ck_assert(json_number_value(tree_at(answer, "result.rate")) == 1);
	answer = client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"default\",\"limit_queued\":7}"));
	ck_assert_int_eq(tree_int(answer, "result.limit_queued"), 7);
}
END_TEST

/* When there may be room again, by what lets tasks out of the queue. */
START_TEST(who_finds_a_queue_full_is_told_how_long_that_may_last)
{
	make("brim");
	client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"brim\",\"limit_queued\":1,\"limit_running\":1,\"rate\":0.25}"));
	for (int i = 0; i < 2; i++)
		hold("brim");
	json_t *answer = client_ask(&client, REQUEST("1", "task.submit", "{\"task\":\"hold\",\"queue\":\"brim\"}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "queue_full");
	ck_assert(json_number_value(tree_at(answer, "error.data.retry_after")) == 4);
	client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"brim\",\"rate\":0}"));
	client_ask(&client, REQUEST("1", "queue.pause", "{\"queue\":\"brim\"}"));
	answer = client_ask(&client, REQUEST("1", "task.submit", "{\"task\":\"hold\",\"queue\":\"brim\"}"));
	ck_assert(json_number_value(tree_at(answer, "error.data.retry_after")) == 1);
}
END_TEST

START_TEST(a_limit_that_is_raised_lets_more_run)
{
	make("narrow");
	client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"narrow\",\"limit_running\":1}"));
	for (int i = 0; i < 3; i++)
		hold("narrow");
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, 1);
	client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"narrow\",\"limit_running\":2}"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, 2);
	client_ask(&client, REQUEST("1", "queue.set", "{\"name\":\"narrow\",\"limit_running\":1}"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, 2);
}
END_TEST

START_TEST(what_cannot_be_made_or_changed_is_refused)
{
	static const struct {
		const char *line;
		const char *kind;
	} cases[] = {
		{ REQUEST("1", "queue.create", "{\"name\":\"default\"}"), "exists" },
		{ REQUEST("1", "queue.create", "{\"name\":\"no name\"}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{\"name\":\"\"}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{\"name\":\"x\",\"order\":\"random\"}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{\"name\":\"x\",\"rate\":-1}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{\"name\":\"x\",\"limit_running\":-1}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{\"name\":\"x\",\"weight\":0}"), "invalid_params" },
		{ REQUEST("1", "queue.create", "{\"name\":\"x\",\"limit\":1}"), "invalid_params" },
		{ REQUEST("1", "queue.set", "{\"name\":\"x\"}"), "invalid_params" },
		{ REQUEST("1", "queue.set", "{\"name\":\"default\",\"pool\":\"default\"}"), "invalid_params" },
		{ REQUEST("1", "queue.remove", "{\"name\":\"x\"}"), "invalid_params" },
		{ REQUEST("1", "queue.remove", "{\"name\":\"default\"}"), "queue_busy" },
		{ REQUEST("1", "queue.pause", "{\"queue\":\"x\"}"), "invalid_params" },
		{ REQUEST("1", "queue.pause", "{}"), "invalid_params" },
		{ REQUEST("1", "queue.resume", "{\"queue\":\"default\",\"wait\":true}"), "invalid_params" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(strcmp(kind_of(cases[i].line), cases[i].kind) == 0, "%s: %s", cases[i].line, kind_of(cases[i].line));
	json_t *answer = client_ask(&client, REQUEST("1", "queue.create", "{\"name\":\"x\",\"pool\":\"defualt\"}"));
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "default");
	answer = client_ask(&client, REQUEST("1", "queue.drain", "{\"queue\":\"tihgt\"}"));
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "tight");
}
END_TEST

START_TEST(only_an_empty_queue_is_removed)
{
	make("fast");
	hold("fast");
	ck_assert_str_eq(kind_of(REQUEST("1", "queue.remove", "{\"name\":\"fast\"}")), "queue_busy");
	world_finish(&world);
	json_t *answer = client_ask(&client, REQUEST("1", "queue.remove", "{\"name\":\"fast\"}"));
	ck_assert_str_eq(tree_text(answer, "result.name"), "fast");
	ck_assert_int_eq(tree_int(answer, "result.ended"), 1);
	ck_assert_str_eq(kind_of(REQUEST("1", "queue.remove", "{\"name\":\"fast\"}")), "invalid_params");
	answer = client_ask(&client, REQUEST("1", "task.status", "{\"id\":1}"));
	ck_assert_str_eq(tree_text(answer, "result.queue"), "fast");
}
END_TEST

START_TEST(others_than_admins_are_denied)
{
	static const char *const lines[] = {
		REQUEST("1", "queue.create", "{\"name\":\"x\"}"),
		REQUEST("1", "queue.set", "{\"name\":\"default\"}"),
		REQUEST("1", "queue.remove", "{\"name\":\"default\"}"),
		REQUEST("1", "queue.pause", "{\"queue\":\"default\"}"),
		REQUEST("1", "queue.resume", "{\"queue\":\"default\"}"),
		REQUEST("1", "queue.drain", "{\"queue\":\"default\"}"),
		REQUEST("1", "pool.resize", "{\"pool\":\"default\",\"processes\":1}"),
		REQUEST("1", "server.reload", "{}"),
		REQUEST("1", "server.shutdown", "{}"),
	};
	client_become(&client, geteuid() + 1000, 1000, NULL);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_str_eq(kind_of(lines[i]), "denied");
	ck_assert_int_eq(world.n_shutdowns, 0);
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "queue.list", "{}")), "result.0.name"), "default");
}
END_TEST

/* --- pausing --- */

START_TEST(a_paused_queue_starts_nothing_until_it_is_resumed)
{
	json_t *answer = client_ask(&client, REQUEST("1", "queue.pause", "{\"queue\":[\"default\",\"tight\"]}"));
	ck_assert(json_is_true(tree_at(answer, "result.0.paused")));
	ck_assert_str_eq(tree_text(answer, "result.1.name"), "tight");
	client_ask(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\"}"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->waiting, 1);
	answer = client_ask(&client, REQUEST("1", "queue.resume", "{\"queue\":\"default\"}"));
	ck_assert(json_is_false(tree_at(answer, "result.0.paused")));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_SUCCEEDED], 1);
}
END_TEST

START_TEST(of_several_queues_all_are_paused_or_none)
{
	ck_assert_str_eq(kind_of(REQUEST("1", "queue.pause", "{\"queue\":[\"default\",\"nosuch\"]}")), "invalid_params");
	json_t *answer = client_ask(&client, REQUEST("1", "queue.list", "{}"));
	ck_assert(json_is_false(tree_at(answer, "result.0.paused")));
}
END_TEST

START_TEST(a_pause_that_waits_is_answered_when_nothing_runs)
{
	hold("default");
	hold("default");
	client_say(&client, REQUEST("7", "queue.pause", "{\"queue\":\"default\",\"wait\":true}"));
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\"}")); /* waits, which does not matter */
	world_finish(&world);
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "id"), 7);
	ck_assert_int_eq(tree_int(answer, "result.0.running"), 0);
	ck_assert_int_eq(tree_int(answer, "result.0.waiting"), 1);
	ck_assert(LIST_EMPTY(&world.edge->queue_waits));
}
END_TEST

START_TEST(a_pause_of_what_is_idle_does_not_wait)
{
	json_t *answer = client_ask(&client, REQUEST("7", "queue.pause", "{\"queue\":\"default\",\"wait\":true,\"timeout\":0}"));
	ck_assert(json_is_true(tree_at(answer, "result.0.paused")));
}
END_TEST

START_TEST(when_the_time_is_over_the_queue_stays_paused)
{
	hold("default");
	client_say(&client, REQUEST("7", "queue.pause", "{\"queue\":\"default\",\"wait\":true,\"timeout\":5}"));
	world_settle(&world);
	world_advance(&world, 4 * NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, 2 * NS_PER_S);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "wait_timed_out");
	ck_assert_int_eq(tree_int(answer, "error.data.left"), 1);
	ck_assert_str_eq(tree_text(answer, "error.data.queues.0.name"), "default");
	ck_assert(json_is_true(tree_at(answer, "error.data.queues.0.paused")));
	ck_assert(LIST_EMPTY(&world.edge->queue_waits));
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
}
END_TEST

START_TEST(a_resume_ends_the_wait_for_a_pause)
{
	hold("default");
	client_say(&client, REQUEST("7", "queue.pause", "{\"queue\":[\"tight\",\"default\"],\"wait\":true}"));
	world_settle(&world);
	client_ask(&other, REQUEST("1", "queue.resume", "{\"queue\":\"default\"}"));
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "cancelled");
	ck_assert(LIST_EMPTY(&world.edge->queue_waits));
}
END_TEST

START_TEST(whoever_waits_may_cancel_ask_or_leave)
{
	hold("default");
	client_say(&client, REQUEST("7", "queue.pause", "{\"queue\":\"default\",\"wait\":true}"));
	json_t *answer = client_ask(&client, REQUEST("8", "task.status", "{\"call\":7}"));
	ck_assert_int_eq(tree_int(answer, "result.tasks"), 1);
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":7}}");
	answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "id"), 7);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "cancelled");
	client_say(&client, REQUEST("9", "queue.drain", "{\"queue\":\"default\",\"wait\":true}"));
	world_settle(&world);
	ck_assert(!LIST_EMPTY(&world.edge->queue_waits));
	client_leave(&client);
	world_settle(&world);
	ck_assert(LIST_EMPTY(&world.edge->queue_waits));
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, 1);
}
END_TEST

/* --- draining --- */

START_TEST(a_draining_queue_takes_nothing_and_runs_dry)
{
	for (int i = 0; i < 5; i++)
		hold("default");
	client_say(&client, REQUEST("7", "queue.drain", "{\"queue\":\"default\",\"wait\":true}"));
	ck_assert(client_hears_nothing(&client));
	json_t *answer = client_ask(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\"}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "queue_draining");
	world_finish(&world);
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "result.0.ended"), 5);
	ck_assert(json_is_true(tree_at(answer, "result.0.draining")));
	client_ask(&client, REQUEST("8", "queue.resume", "{\"queue\":\"default\"}"));
	answer = client_ask(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\"}"));
	ck_assert_str_eq(tree_text(answer, "result.id"), "6");
}
END_TEST

START_TEST(a_drain_waits_for_what_has_yet_to_come_due)
{
	client_ask(&other, REQUEST("1", "task.submit", "{\"task\":\"echo\",\"delay\":10}"));
	client_say(&client, REQUEST("7", "queue.drain", "{\"queue\":\"default\",\"wait\":true}"));
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, 11 * NS_PER_S);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "result.0.ended"), 1);
}
END_TEST

START_TEST(a_drain_waits_for_several_even_where_one_is_removed)
{
	make("fast");
	hold("fast");
	hold("default");
	client_say(&client, REQUEST("7", "queue.drain", "{\"queue\":[\"fast\",\"default\"],\"wait\":true}"));
	client_ask(&other, REQUEST("1", "task.cancel", "{\"ids\":1}"));
	world_settle(&world);
	ck_assert_str_eq(tree_text(client_ask(&other, REQUEST("1", "queue.remove", "{\"name\":\"fast\"}")), "result.name"), "fast");
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	json_t *answer = client_hear_json(&client);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "default");
}
END_TEST

/* --- pools --- */

START_TEST(a_pool_is_resized)
{
	json_t *answer = client_ask(&client, REQUEST("1", "pool.resize", "{\"pool\":\"default\",\"processes\":3}"));
	ck_assert_str_eq(tree_text(answer, "result.name"), "default");
	ck_assert_int_eq(tree_int(answer, "result.processes"), 3);
	answer = client_ask(&client, REQUEST("1", "pool.list", "{}"));
	ck_assert_int_eq(tree_int(answer, "result.0.processes"), 3);
	answer = client_ask(&client, REQUEST("1", "pool.resize", "{\"pool\":\"default\",\"processes\":9}"));
	ck_assert_str_eq(tree_text(answer, "error.message"), "too many processes");
	answer = client_ask(&client, REQUEST("1", "pool.resize", "{\"pool\":\"defalt\",\"processes\":1}"));
	ck_assert_str_eq(tree_text(answer, "error.data.did_you_mean"), "default");
	ck_assert_str_eq(kind_of(REQUEST("1", "pool.resize", "{\"pool\":\"default\",\"processes\":0}")), "invalid_params");
	ck_assert_str_eq(kind_of(REQUEST("1", "pool.resize", "{\"pool\":\"default\"}")), "invalid_params");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_queue");
	TCase *queues = tcase_create("queues"), *waits = tcase_create("waits");
	tcase_add_checked_fixture(queues, set_up, tear_down);
	tcase_add_test(queues, a_queue_says_what_it_is);
	tcase_add_test(queues, a_queue_made_without_words_has_the_defaults_of_the_configuration);
	tcase_add_test(queues, what_is_not_said_stays);
	tcase_add_test(queues, who_finds_a_queue_full_is_told_how_long_that_may_last);
	tcase_add_test(queues, a_limit_that_is_raised_lets_more_run);
	tcase_add_test(queues, what_cannot_be_made_or_changed_is_refused);
	tcase_add_test(queues, only_an_empty_queue_is_removed);
	tcase_add_test(queues, others_than_admins_are_denied);
	tcase_add_test(queues, a_paused_queue_starts_nothing_until_it_is_resumed);
	tcase_add_test(queues, of_several_queues_all_are_paused_or_none);
	tcase_add_test(queues, a_pool_is_resized);
	suite_add_tcase(suite, queues);
	tcase_add_checked_fixture(waits, set_up, tear_down);
	tcase_add_test(waits, a_pause_that_waits_is_answered_when_nothing_runs);
	tcase_add_test(waits, a_pause_of_what_is_idle_does_not_wait);
	tcase_add_test(waits, when_the_time_is_over_the_queue_stays_paused);
	tcase_add_test(waits, a_resume_ends_the_wait_for_a_pause);
	tcase_add_test(waits, whoever_waits_may_cancel_ask_or_leave);
	tcase_add_test(waits, a_draining_queue_takes_nothing_and_runs_dry);
	tcase_add_test(waits, a_drain_waits_for_what_has_yet_to_come_due);
	tcase_add_test(waits, a_drain_waits_for_several_even_where_one_is_removed);
	suite_add_tcase(suite, waits);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
