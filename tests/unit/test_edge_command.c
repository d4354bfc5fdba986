/* Commands as the edge has them: what is submitted, who may, what their ends and records say, and what can be asked of one
 * that runs. */
#include <check.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "edge_commands.h"

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
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

static json_t *ask(const char *method, const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	return client_ask(&client, line);
}

static void say(const char *method, const char *params)
{
	char line[1024];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	client_say(&client, line);
	world_settle(&world);
}

static void expect_kind(json_t *answer, const char *kind, const char *part)
{
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), kind);
	ck_assert_msg(strstr(tree_text(answer, "error.message"), part), "%s", tree_text(answer, "error.message"));
}

/* jansson's are macros that look twice. */
static bool is_true(const json_t *value)
{
	return json_is_true(value);
}

static bool is_false(const json_t *value)
{
	return json_is_false(value);
}

static uint64_t submit(const char *params)
{
	json_t *answer = ask("task.submit", params);
	ck_assert_msg(tree_at(answer, "result.id"), "%s", tree_text(answer, "error.message"));
	world_settle(&world);
	return strtoull(tree_text(answer, "result.id"), NULL, 10);
}

/* One that runs. */
static uint64_t start(void)
{
	uint64_t id = submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"cat\",\"a b\"]}}");
	command_begin(&world, id);
	return id;
}

static const struct task *task_of(uint64_t id)
{
	struct task *task;
	ck_assert_int_eq(core_find(world.core, id, &task), CORE_FOUND);
	return task;
}

static void expect_args(uint64_t id, const char *text)
{
	const struct bytes *args = task_of(id)->args;
	ck_assert_uint_eq(args->size, strlen(text));
	ck_assert_int_eq(memcmp(args->data, text, args->size), 0);
}

/* --- submitting --- */

START_TEST(what_makes_no_sense_is_refused_before_it_waits)
{
	expect_kind(ask("task.submit", "{\"task\":\"exec\"}"), "invalid_params", "argv");
	expect_kind(ask("exec", "{\"argv\":[\"x\"],\"shell\":\"x\"}"), "invalid_params", "shell");
	expect_kind(ask("exec", "{\"argv\":[\"x\"],\"cwd\":\"x\"}"), "invalid_params", "cwd");
	expect_kind(ask("exec", "{\"argv\":[\"x\"],\"sdtin\":\"x\"}"), "invalid_params", "stdin");
	expect_kind(ask("task.submit_batch", "{\"tasks\":[{\"task\":\"exec\",\"args\":[]}]}"), "invalid_params", "task 0: ");
	expect_kind(ask("greet", "[]"), "invalid_params", "missing parameter");
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(a_named_command_becomes_the_arguments_of_exec)
{
	uint64_t id = submit("{\"task\":\"greet\",\"args\":[\"you\"]}");
	expect_args(id, "{\"argv\":[\"echo\",\"you\"]}");
	ck_assert_str_eq(task_of(id)->type->name, "greet");
	id = submit("{\"task\":\"exec\",\"args\":[[\"ls\",\"-l\"]]}");
	expect_args(id, "[[\"ls\",\"-l\"]]");
}
END_TEST

START_TEST(a_named_commands_time_limit_is_the_most_there_is)
{
	commands_set_timeout(10 * NS_PER_S);
	ck_assert_int_eq(task_of(submit("{\"task\":\"greet\",\"args\":[\"x\"]}"))->extra->timeout_ns, 10 * NS_PER_S);
	ck_assert_int_eq(task_of(submit("{\"task\":\"greet\",\"args\":[\"x\"],\"timeout\":60}"))->extra->timeout_ns, 10 * NS_PER_S);
	ck_assert_int_eq(task_of(submit("{\"task\":\"greet\",\"args\":[\"x\"],\"timeout\":6}"))->extra->timeout_ns, 6 * NS_PER_S);
	ck_assert_ptr_null(task_of(submit("{\"task\":\"exec\",\"args\":[[\"x\"]]}"))->extra);
}
END_TEST

START_TEST(results_are_not_passed_to_commands)
{
	submit("{\"task\":\"hold\"}");
	expect_kind(ask("task.submit", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]},\"after\":1,\"pass_results\":true}"),
		"invalid_params", "pass_results");
}
END_TEST

START_TEST(live_input_is_for_one_that_is_submitted_alone)
{
	static const char args[] = "{\"argv\":[\"x\"],\"stdin_live\":true}";
	char line[256];
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"],\"stdin_live\":true}}");
	snprintf(line, sizeof(line), "{\"tasks\":[{\"task\":\"exec\",\"args\":%s}]}", args);
	expect_kind(ask("task.submit_batch", line), "invalid_params", "stdin_live");
	snprintf(line, sizeof(line), "{\"task\":\"exec\",\"items\":[%s]}", args);
	expect_kind(ask("task.map", line), "invalid_params", "stdin_live");
	snprintf(line, sizeof(line), "{\"name\":\"s\",\"every\":1,\"task\":\"exec\",\"args\":%s}", args);
	expect_kind(ask("schedule.add", line), "invalid_params", "stdin_live");
}
END_TEST

/* --- maps --- */

START_TEST(a_map_is_made_of_what_its_items_become)
{
	say("task.map", "{\"task\":\"greet\",\"items\":[\"a\", \"b\", \"c\"],\"chunk\":2}");
	expect_args(1, "[{\"argv\":[\"echo\",\"a\"]},{\"argv\":[\"echo\",\"b\"]}]");
	expect_args(2, "[{\"argv\":[\"echo\",\"c\"]}]");
	ck_assert_uint_eq(task_of(1)->items, 2);
	say("task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"a\"]}, [\"ls\", \"-l\"]],\"chunk\":2}");
	expect_args(3, "[{\"argv\":[\"a\"]},[\"ls\", \"-l\"]]");
	command_begin(&world, 3);
	command_end(&world, 3, TASK_SUCCEEDED, NULL, "[{\"status\":0},{\"status\":0}]");
	ck_assert_str_eq(client_hear(&client), RESULT("1", "[{\"status\":0},{\"status\":0}]"));
}
END_TEST

START_TEST(what_is_secret_stands_first_and_is_not_shown)
{
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"login\",\"me\",\"pass\"],\"cwd\":\"/\",\"secret\":[2]}}");
	expect_args(1, "{\"secret\":[2],\"argv\":[\"login\",\"me\",\"pass\"],\"cwd\":\"/\"}");
	ck_assert_str_eq(tree_text(ask("task.status", "{\"id\":1}"), "result.command"), "login me ***");
	say("task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"a\",\"b\"],\"secret\":[1]}]}");
	expect_args(2, "[{\"secret\":[1],\"argv\":[\"a\",\"b\"]}]");
	ck_assert_str_eq(tree_text(ask("task.list", "{}"), "result.tasks.0.command"), "a ***");
}
END_TEST

START_TEST(one_bad_item_is_named_and_nothing_of_the_map_is_submitted)
{
	expect_kind(ask("task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"a\"]},{\"argv\":[]}]}"), "invalid_params", "item 1: ");
	expect_kind(ask("task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"a\"]},7]}"), "invalid_params", "item 1: ");
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(small_items_do_not_become_more_than_could_have_been_sent)
{
	world.config.frame_limit = 4096;
	world_configure(&world);
	char line[1024] = "{\"task\":\"greet\",\"items\":[\"\"";
	while (strlen(line) < 900)
		strcat(line, ",\"\"");
	strcat(line, "]}");
	expect_kind(ask("task.map", line), "too_large", "frame_limit");
	ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
}
END_TEST

START_TEST(an_item_that_fails_has_its_result_in_its_error)
{
	say("task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"a\"]},{\"argv\":[\"b\"]},{\"argv\":[\"c\"]}],\"chunk\":3,"
			"\"return_exceptions\":true}");
	command_begin(&world, 1);
	command_end(&world, 1, TASK_SUCCEEDED, "mixed",
		"[{\"result\":{\"status\":0}},{\"error\":{\"code\":-32024,\"message\":\"exit status 3\",\"data\":{\"kind\":\"command_failed\",\"result\":{\"status\":3}}}},"
		"{\"error\":{\"code\":-32025,\"message\":\"cannot\",\"data\":{\"kind\":\"not_started\",\"step\":\"execute\",\"errno\":\"ENOENT\"}}}]");
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "result.1.error.data.kind"), "command_failed");
	ck_assert_int_eq(tree_int(answer, "result.1.error.data.result.status"), 3);
	ck_assert_str_eq(tree_text(answer, "result.2.error.data.kind"), "not_started");
	ck_assert_str_eq(tree_text(answer, "result.2.error.data.errno"), "ENOENT");
}
END_TEST

START_TEST(a_chunk_has_the_time_of_all_its_commands)
{
	commands_set_timeout(10 * NS_PER_S);
	say("task.map", "{\"task\":\"greet\",\"items\":[\"a\",\"b\",\"c\"],\"chunk\":3}");
	ck_assert_int_eq(task_of(1)->extra->timeout_ns, 30 * NS_PER_S);
}
END_TEST

/* --- who may --- */

static void allow(const char *words)
{
	static char text[128];
	snprintf(text, sizeof(text), "%s", words);
	world.config.exec_users = text;
	world_configure(&world);
}

START_TEST(free_commands_are_for_those_who_are_named)
{
	static const struct {
		const char *words;
		bool allowed;
	} cases[] = {
		{ "owner", true },
		{ "*", true },
		{ "nobody", false },
		{ "", false },
		{ "no-such-user @no-such-group", false },
		{ "4294967294 @4294967294", false },
		{ "nobody  *", true },
	};
	char uid[32], gid[32];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		allow(cases[i].words);
		json_t *answer = ask("task.submit", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}");
		ck_assert_msg(!tree_at(answer, "error") == cases[i].allowed, "%s", cases[i].words);
	}
	snprintf(uid, sizeof(uid), "nobody %u", (unsigned)geteuid());
	snprintf(gid, sizeof(gid), "@%u", (unsigned)getegid());
	allow(uid);
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}");
	allow(gid);
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}");
}
END_TEST

START_TEST(a_supplementary_group_counts_too)
{
	gid_t groups[64];
	int n = getgroups(64, groups);
	if (geteuid() == 0) {
		groups[0] = 54321;
		n = 1;
		ck_assert_int_eq(setgroups(1, groups), 0);
	}
	struct client fresh;
	client_init(&fresh, &world);
	for (int i = 0; i < n; i++) {
		char words[32];
		snprintf(words, sizeof(words), "@%u", (unsigned)groups[i]);
		allow(words);
		json_t *answer = client_ask(&fresh, REQUEST("1", "task.submit", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}"));
		ck_assert_ptr_null(tree_at(answer, "error"));
	}
	client_fini(&fresh);
}
END_TEST

START_TEST(whoever_is_not_named_is_told_so_wherever_he_submits)
{
	static const char *const ways[][2] = {
		{ "exec", "{\"argv\":[\"x\"]}" },
		{ "task.call", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}" },
		{ "task.submit", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}" },
		{ "task.submit_batch", "{\"tasks\":[{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}]}" },
		{ "task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"x\"]}]}" },
		{ "schedule.add", "{\"name\":\"s\",\"every\":1,\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}}" },
	};
	allow("nobody");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		json_t *answer = ask(ways[i][0], ways[i][1]);
		expect_kind(answer, "denied", "exec_users in taskd.conf says for whom");
		ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.data.hint"), "[command NAME]"));
	}
	submit("{\"task\":\"greet\",\"args\":[\"x\"]}");
	submit("{\"task\":\"hold\"}");
}
END_TEST

START_TEST(who_waits_for_room_may_have_lost_the_right_meanwhile)
{
	ask("queue.create", "{\"name\":\"one\",\"pool\":\"default\",\"limit_queued\":1}");
	ask("task.submit", "{\"task\":\"hold\",\"queue\":\"one\",\"delay\":1000}");
	say("task.submit", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]},\"queue\":\"one\",\"wait_for_room\":1000}");
	ck_assert(client_hears_nothing(&client));
	allow("nobody");
	client_ask(&other, REQUEST("1", "task.cancel", "{\"ids\":1}"));
	expect_kind(client_hear_json(&client), "denied", "exec_users");
}
END_TEST

START_TEST(nor_may_he_have_one_run_again)
{
	uint64_t id = start();
	command_end(&world, id, TASK_FAILED, "command_failed", "{}");
	allow("nobody");
	expect_kind(ask("task.retry", "{\"ids\":1}"), "denied", "exec_users");
	json_t *answer = ask("task.retry", "{\"all\":true}");
	ck_assert_int_eq(tree_int(answer, "result.retried"), 0);
	ck_assert_str_eq(tree_text(answer, "result.error.data.kind"), "denied");
	allow("owner");
	ck_assert_str_eq(tree_text(ask("task.retry", "{\"ids\":1}"), "result.0.retried_as"), "2");
}
END_TEST

/* --- ends and records --- */

START_TEST(a_record_tells_what_runs_and_how_it_stands)
{
	uint64_t id = start();
	json_t *record = ask("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(record, "result.command"), "cat 'a b'");
	ck_assert_int_eq(tree_int(record, "result.pid"), 1234);
	ck_assert_int_eq(tree_int(record, "result.worker.slot"), 7);
	ck_assert_ptr_null(tree_at(record, "result.suspended"));
	command_set_suspended(id, true);
	ck_assert(is_true(tree_at(ask("task.status", "{\"id\":1}"), "result.suspended")));
	/* Its arguments are gone with its success, and its result has the line. */
	command_end(&world, id, TASK_SUCCEEDED, NULL, "{\"command\":\"cat 'a b'\",\"status\":0}");
	record = ask("task.status", "{\"id\":1}");
	ck_assert_str_eq(tree_text(record, "result.command"), "cat 'a b'");
	ck_assert_ptr_null(tree_at(record, "result.pid"));
	submit("{\"task\":\"hold\"}");
	record = ask("task.status", "{\"id\":2}");
	ck_assert_ptr_null(tree_at(record, "result.command"));
	ck_assert_int_ne(tree_int(record, "result.worker.slot"), 7);
}
END_TEST

START_TEST(a_failed_one_has_its_result_in_its_error)
{
	command_end(&world, start(), TASK_FAILED, "command_failed", "{\"status\":3}");
	json_t *answer = ask("task.result", "{\"id\":1}");
	ck_assert_int_eq(tree_int(answer, "error.code"), -32024);
	ck_assert_int_eq(tree_int(answer, "error.data.result.status"), 3);
	ck_assert_ptr_null(tree_at(answer, "error.data.data"));
}
END_TEST

START_TEST(one_that_could_not_be_started_says_why)
{
	command_end(&world, start(), TASK_FAILED, "not_started",
		"{\"step\":\"execute\",\"program\":\"x\",\"path\":\"/y\",\"errno\":\"ENOENT\",\"kind\":\"forged\",\"other\":1}");
	json_t *answer = ask("task.result", "{\"id\":1}");
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "not_started");
	ck_assert_str_eq(tree_text(answer, "error.data.step"), "execute");
	ck_assert_str_eq(tree_text(answer, "error.data.program"), "x");
	ck_assert_str_eq(tree_text(answer, "error.data.path"), "/y");
	ck_assert_str_eq(tree_text(answer, "error.data.errno"), "ENOENT");
	ck_assert_ptr_null(tree_at(answer, "error.data.other"));
}
END_TEST

START_TEST(a_handlers_data_stays_where_it_was)
{
	json_t *answer = ask("fail", "[]");
	ck_assert_int_eq(tree_int(answer, "error.data.data.a"), 1);
	ck_assert_ptr_null(tree_at(answer, "error.data.result"));
}
END_TEST

START_TEST(discover_describes_the_parameters_of_exec)
{
	json_t *methods = tree_at(ask("rpc.discover", "{}"), "result.methods"), *method;
	size_t i, n = 0;
	json_array_foreach(methods, i, method)
		if (strcmp(tree_text(method, "name"), "exec") == 0) {
			ck_assert_str_eq(tree_text(method, "params.0.name"), "argv");
			n++;
		}
	ck_assert_uint_eq(n, 1);
}
END_TEST

/* --- orders --- */

START_TEST(what_is_sent_is_answered_when_it_was_taken)
{
	start();
	say("task.send", "{\"id\":1,\"data\":\"a\\u00e9\\n\"}");
	const struct ordered *ordered = commands_ordered();
	ck_assert_int_eq(ordered->order.kind, COMMAND_SEND);
	ck_assert_uint_eq(ordered->order.length, 4);
	ck_assert_str_eq(ordered->order.data, "a\xc3\xa9\n");
	ck_assert(!ordered->order.eof);
	ck_assert(client_hears_nothing(&client));
	commands_answer(COMMAND_DONE, NULL);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "true"));
	say("task.send", "{\"id\":1,\"data_base64\":\"/wB4\",\"eof\":true}");
	ordered = commands_ordered();
	ck_assert_uint_eq(ordered->order.length, 3);
	ck_assert_int_eq(memcmp(ordered->order.data, "\xff\0x", 3), 0);
	ck_assert(ordered->order.eof);
	commands_answer(COMMAND_NO_INPUT, NULL);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "input_closed");
	say("task.send", "{\"id\":1,\"eof\":true}");
	ck_assert_uint_eq(commands_ordered()->order.length, 0);
	commands_answer(COMMAND_DONE, NULL);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "true"));
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused)
{
	start();
	static char line[70000];
	expect_kind(ask("task.send", "{\"id\":1}"), "invalid_params", "is needed");
	expect_kind(ask("task.send", "{\"id\":1,\"data\":\"x\",\"data_base64\":\"eA==\"}"), "invalid_params", "only one");
	expect_kind(ask("task.send", "{\"id\":1,\"data_base64\":\"%\"}"), "invalid_params", "base64");
	expect_kind(ask("task.send", "{\"id\":1,\"data\":7}"), "invalid_params", "data");
	int length = snprintf(line, sizeof(line), REQUEST("1", "task.send", "{\"id\":1,\"data\":\"%033000d\"}"), 7);
	ck_assert_int_lt(length, (int)sizeof(line));
	expect_kind(client_ask(&client, line), "too_large", "32768");
	ck_assert_ptr_null(commands_ordered());
}
END_TEST

START_TEST(one_that_does_not_read_is_not_waited_for_for_ever)
{
	start();
	say("task.send", "{\"id\":1,\"data\":\"x\",\"timeout\":2}");
	world_advance(&world, NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, 2 * NS_PER_S);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "wait_timed_out");
	commands_answer(COMMAND_DONE, NULL);
	ck_assert(client_hears_nothing(&client));
}
END_TEST

START_TEST(nobody_hears_the_answer_of_a_request_that_is_gone)
{
	start();
	say("task.send", "{\"id\":1,\"data\":\"x\"}");
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "cancelled");
	say("task.suspend", "{\"ids\":[1]}");
	client_leave(&client);
	world_settle(&world);
	commands_answer(COMMAND_DONE, NULL);
	commands_answer(COMMAND_DONE, NULL);
	ck_assert_uint_eq(world.edge->outstanding, 0);
}
END_TEST

START_TEST(a_signal_goes_by_any_of_its_names)
{
	static const char *const names[] = { "TERM", "SIGTERM", "15" };
	start();
	for (size_t i = 0; i < 3; i++) {
		char params[64];
		snprintf(params, sizeof(params), "{\"ids\":1,\"signal\":\"%s\"}", names[i]);
		say("task.signal", params);
		ck_assert_int_eq(commands_ordered()->order.kind, COMMAND_SIGNAL);
		ck_assert_int_eq(commands_ordered()->order.signal, 15);
		commands_answer(COMMAND_DONE, NULL);
		ck_assert_str_eq(client_hear(&client), RESULT("1", "[{\"id\":\"1\",\"state\":\"running\"}]"));
	}
	expect_kind(ask("task.signal", "{\"ids\":1,\"signal\":\"TREM\"}"), "invalid_params", "TREM");
	say("task.signal", "{\"ids\":1,\"signal\":\"KILL\"}");
	commands_answer(COMMAND_REFUSED, "Operation not permitted");
	expect_kind(client_hear_json(&client), "internal_error", "Operation not permitted");
}
END_TEST

START_TEST(the_answers_of_several_come_together)
{
	start();
	start();
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]},\"delay\":100}");
	submit("{\"task\":\"hold\"}");
	say("task.suspend", "{\"ids\":[2,1,3,4,99]}");
	commands_answer(COMMAND_DONE, NULL);
	ck_assert(client_hears_nothing(&client));
	commands_answer(COMMAND_NOT_RUNNING, NULL);
	json_t *answer = client_hear_json(&client);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 5);
	ck_assert_str_eq(tree_text(answer, "result.0.id"), "2");
	ck_assert(json_is_true(tree_at(answer, "result.0.suspended")));
	ck_assert_ptr_null(tree_at(answer, "result.0.error"));
	ck_assert_str_eq(tree_text(answer, "result.1.error.data.kind"), "not_running");
	ck_assert_ptr_null(tree_at(answer, "result.1.suspended"));
	ck_assert_str_eq(tree_text(answer, "result.2.state"), "scheduled");
	ck_assert_str_eq(tree_text(answer, "result.2.error.data.kind"), "not_running");
	ck_assert_str_eq(tree_text(answer, "result.3.error.data.kind"), "not_a_command");
	ck_assert_str_eq(tree_text(answer, "result.4.state"), "not_found");
	say("task.resume", "{\"ids\":[2]}");
	commands_answer(COMMAND_DONE, NULL);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "[{\"id\":\"2\",\"state\":\"running\",\"suspended\":false}]"));
	client_expect(&client, REQUEST("1", "task.resume", "{\"ids\":[]}"), RESULT("1", "[]"));
}
END_TEST

START_TEST(a_window_is_for_terminals)
{
	start();
	say("task.window", "{\"id\":1,\"rows\":40,\"columns\":120}");
	ck_assert_int_eq(commands_ordered()->order.kind, COMMAND_WINDOW);
	ck_assert_int_eq(commands_ordered()->order.rows, 40);
	ck_assert_int_eq(commands_ordered()->order.columns, 120);
	commands_answer(COMMAND_DONE, NULL);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "true"));
	say("task.window", "{\"id\":1,\"rows\":40,\"columns\":120}");
	commands_answer(COMMAND_NO_INPUT, NULL);
	expect_kind(client_hear_json(&client), "input_closed", "terminal");
}
END_TEST

START_TEST(orders_are_for_commands_that_run)
{
	submit("{\"task\":\"hold\"}");
	submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]},\"delay\":100}");
	command_end(&world, start(), TASK_SUCCEEDED, NULL, "{}");
	expect_kind(ask("task.send", "{\"id\":1,\"data\":\"x\"}"), "not_a_command", "\"hold\"");
	json_t *answer = ask("task.send", "{\"id\":2,\"data\":\"x\"}");
	expect_kind(answer, "not_running", "scheduled");
	ck_assert_str_eq(tree_text(answer, "error.data.state"), "scheduled");
	expect_kind(ask("task.signal", "{\"ids\":3,\"signal\":\"INT\"}"), "not_running", "over");
	expect_kind(ask("task.suspend", "{\"ids\":99}"), "not_found", "");
	say("task.map", "{\"task\":\"exec\",\"items\":[{\"argv\":[\"x\"]}]}");
	command_begin(&world, 4);
	expect_kind(client_ask(&other, REQUEST("2", "task.send", "{\"id\":4,\"data\":\"x\"}")), "not_a_command", "map");
	start();
	commands_refuse(true);
	expect_kind(ask("task.suspend", "{\"ids\":5}"), "too_many", "on its way");
}
END_TEST

START_TEST(a_notification_is_done_without_an_answer)
{
	start();
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.signal\",\"params\":{\"ids\":[1,99],\"signal\":\"HUP\"}}");
	world_settle(&world);
	ck_assert_int_eq(commands_ordered()->order.signal, 1);
	commands_answer(COMMAND_DONE, NULL);
	ck_assert(client_hears_nothing(&client));
}
END_TEST

static void become(uid_t uid)
{
	client_become(&client, uid, uid, NULL);
}

START_TEST(others_commands_are_not_to_be_touched)
{
	static const char *const ways[][2] = {
		{ "task.log", "{\"id\":1}" },
		{ "task.follow", "{\"id\":1}" },
		{ "task.send", "{\"id\":1,\"data\":\"x\"}" },
		{ "task.signal", "{\"ids\":1,\"signal\":\"TERM\"}" },
		{ "task.suspend", "{\"ids\":1}" },
		{ "task.resume", "{\"ids\":1}" },
		{ "task.window", "{\"id\":1,\"rows\":1,\"columns\":1}" },
	};
	allow("*");
	become(4001);
	start();
	become(4002);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		expect_kind(ask(ways[i][0], ways[i][1]), "forgotten", "dropped");
	ck_assert_ptr_null(commands_ordered());
	const struct config_access sections[] = {
		{ .users = (char *)"4002", .submit = 1, .read = ACCESS_ALL, .cancel = ACCESS_OWN },
		{ .users = (char *)"4001", .submit = 1, .read = ACCESS_OWN, .cancel = ACCESS_OWN },
	};
	world_allow(&world, sections, 2);
	ck_assert_ptr_null(tree_at(ask(ways[0][0], ways[0][1]), "error"));
	ck_assert_ptr_null(tree_at(ask(ways[1][0], ways[1][1]), "error"));
	for (size_t i = 2; i < sizeof(ways) / sizeof(ways[0]); i++) {
		json_t *answer = ask(ways[i][0], ways[i][1]);
		expect_kind(answer, "denied", "belongs to uid 4001");
		ck_assert_str_eq(tree_text(answer, "error.data.right"), "cancel");
	}
	ck_assert_ptr_null(commands_ordered());
	static const uid_t allowed[] = { 4001, 0 };
	for (size_t i = 0; i < 2; i++) {
		become(allowed[i]);
		say("task.suspend", "{\"ids\":1}");
		commands_answer(COMMAND_DONE, NULL);
		ck_assert_ptr_null(tree_at(client_hear_json(&client), "error"));
	}
}
END_TEST

/* --- logs --- */

START_TEST(the_log_of_a_running_one_is_what_was_captured)
{
	uint64_t id = start();
	client_expect(&client, REQUEST("1", "task.log", "{\"id\":1}"), RESULT("1",
		"{\"id\":\"1\",\"attempt\":1,\"stream\":\"stdout\",\"offset\":0,\"data\":\"\",\"next\":0,\"total\":0,"
		"\"over\":false,\"kept\":true}"));
	command_say(&world, id, CAPTURE_STDOUT, "hello world", 11, false);
	command_say(&world, id, CAPTURE_STDERR, "\xff", 1, false);
	client_expect(&client, REQUEST("1", "task.log", "{\"id\":1,\"offset\":2,\"limit\":4}"), RESULT("1",
		"{\"id\":\"1\",\"attempt\":1,\"stream\":\"stdout\",\"offset\":2,\"data\":\"llo \",\"next\":6,\"total\":11,"
		"\"over\":false,\"kept\":true}"));
	client_expect(&client, REQUEST("1", "task.log", "{\"id\":1,\"stream\":\"stderr\"}"), RESULT("1",
		"{\"id\":\"1\",\"attempt\":1,\"stream\":\"stderr\",\"offset\":0,\"data_base64\":\"/w==\",\"next\":1,\"total\":1,"
		"\"over\":false,\"kept\":true}"));
	client_expect(&client, REQUEST("1", "task.log", "{\"id\":1,\"offset\":11}"), RESULT("1",
		"{\"id\":\"1\",\"attempt\":1,\"stream\":\"stdout\",\"offset\":11,\"data\":\"\",\"next\":11,\"total\":11,"
		"\"over\":false,\"kept\":true}"));
}
END_TEST

START_TEST(a_page_does_not_cut_characters_in_two)
{
	uint64_t id = start();
	command_say(&world, id, CAPTURE_STDOUT, "ab\xe2\x82\xac" "c", 6, false);
	json_t *answer = ask("task.log", "{\"id\":1,\"limit\":4}");
	ck_assert_str_eq(tree_text(answer, "result.data"), "ab");
	ck_assert_int_eq(tree_int(answer, "result.next"), 2);
	answer = ask("task.log", "{\"id\":1,\"offset\":2,\"limit\":4}");
	ck_assert_str_eq(tree_text(answer, "result.data"), "\xe2\x82\xac" "c");
	/* Where that is all there is room for, they are cut. */
	answer = ask("task.log", "{\"id\":1,\"offset\":2,\"limit\":1}");
	ck_assert_str_eq(tree_text(answer, "result.data_base64"), "4g==");
	ck_assert_int_eq(tree_int(answer, "result.next"), 3);
}
END_TEST

START_TEST(the_log_of_one_that_is_over_is_in_its_result)
{
	command_end(&world, start(), TASK_SUCCEEDED, NULL,
		"{\"stdout\":\"a\\u00e9b\",\"stdout_bytes\":4,\"stderr_base64\":\"/wB4\",\"stderr_bytes\":3}");
	client_expect(&client, REQUEST("1", "task.log", "{\"id\":1,\"offset\":1}"), RESULT("1",
		"{\"id\":\"1\",\"attempt\":1,\"stream\":\"stdout\",\"offset\":1,\"data\":\"\u00e9b\",\"next\":4,\"total\":4,"
		"\"over\":true,\"kept\":true}"));
	ck_assert_str_eq(tree_text(ask("task.log", "{\"id\":1,\"stream\":\"stderr\"}"), "result.data_base64"), "/wB4");
	ck_assert(is_true(tree_at(ask("task.log", "{\"id\":1,\"offset\":4}"), "result.kept")));
	command_end(&world, start(), TASK_FAILED, "command_failed", "{\"stdout\":\"half\",\"stdout_bytes\":4}");
	ck_assert_str_eq(tree_text(ask("task.log", "{\"id\":2}"), "result.data"), "half");
	command_end(&world, start(), TASK_FAILED, "not_started", "{\"step\":\"execute\"}");
	json_t *answer = ask("task.log", "{\"id\":3}");
	ck_assert_int_eq(tree_int(answer, "result.total"), 0);
	ck_assert(json_is_true(tree_at(answer, "result.kept")));
}
END_TEST

START_TEST(what_was_not_captured_is_read_from_disk)
{
	uint64_t id = start();
	char much[COMMAND_KEPT + 20];
	memset(much, 'x', sizeof(much));
	command_say(&world, id, CAPTURE_STDOUT, much, sizeof(much), false);
	say("task.log", "{\"id\":1,\"offset\":100,\"limit\":10}");
	const struct ordered *ordered = commands_ordered();
	ck_assert(ordered->log);
	ck_assert_uint_eq(ordered->id, 1);
	ck_assert_uint_eq(ordered->attempt, 1);
	ck_assert_uint_eq(ordered->offset, 100);
	ck_assert_uint_eq(ordered->size, 10);
	ck_assert(client_hears_nothing(&client));
	much[sizeof(much) - 1] = '\0';
	commands_answer_log(much);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "result.data"), "xxxxxxxxxx");
	ck_assert_int_eq(tree_int(answer, "result.next"), 110);
	ck_assert(json_is_true(tree_at(answer, "result.kept")));
	/* Where there is no log, it was not kept. */
	say("task.log", "{\"id\":1,\"offset\":100}");
	commands_answer_log(NULL);
	answer = client_hear_json(&client);
	ck_assert(json_is_false(tree_at(answer, "result.kept")));
	ck_assert_int_eq(tree_int(answer, "result.next"), 100);
	ck_assert_int_eq(tree_int(answer, "result.total"), 120);
	commands_refuse(true);
	ck_assert(is_false(tree_at(ask("task.log", "{\"id\":1,\"offset\":100}"), "result.kept")));
}
END_TEST

START_TEST(so_is_what_an_earlier_attempt_has_said)
{
	uint64_t id = submit("{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]},\"retries\":3,\"backoff\":60}");
	command_begin(&world, id);
	command_end(&world, id, TASK_FAILED, "command_failed", "{\"stdout\":\"one\",\"stdout_bytes\":3}");
	say("task.log", "{\"id\":1}");
	ck_assert_uint_eq(commands_ordered()->attempt, 1);
	commands_answer_log("one");
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "result.data"), "one");
	ck_assert(json_is_true(tree_at(answer, "result.over")));
	world_advance(&world, 100 * NS_PER_S);
	command_begin(&world, id);
	ck_assert_int_eq(tree_int(ask("task.log", "{\"id\":1}"), "result.attempt"), 2);
	say("task.log", "{\"id\":1,\"attempt\":1}");
	commands_answer_log(NULL);
	ck_assert(is_false(tree_at(client_hear_json(&client), "result.kept")));
	expect_kind(ask("task.log", "{\"id\":1,\"attempt\":3}"), "invalid_params", "has had 2 attempts");
}
END_TEST

START_TEST(the_log_may_outlive_the_record)
{
	command_end(&world, start(), TASK_SUCCEEDED, NULL, "{}");
	ask("task.forget", "{\"ids\":1}");
	say("task.log", "{\"id\":1}");
	commands_answer_log("old");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.data"), "old");
	say("task.log", "{\"id\":1}");
	commands_answer_log(NULL);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "forgotten");
	become(4001); /* whose it was is not known any more */
	expect_kind(ask("task.log", "{\"id\":1}"), "forgotten", "");
	become(0);
	say("task.log", "{\"id\":99}");
	client_leave(&client);
	world_settle(&world);
	commands_answer_log(NULL);
	ck_assert_uint_eq(world.edge->outstanding, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_command");
	TCase *submissions = tcase_create("submissions"), *rights = tcase_create("rights"), *records = tcase_create("records");
	TCase *orders = tcase_create("orders"), *logs = tcase_create("logs");
	tcase_add_checked_fixture(submissions, set_up, tear_down);
	tcase_add_test(submissions, what_makes_no_sense_is_refused_before_it_waits);
	tcase_add_test(submissions, a_named_command_becomes_the_arguments_of_exec);
	tcase_add_test(submissions, a_named_commands_time_limit_is_the_most_there_is);
	tcase_add_test(submissions, results_are_not_passed_to_commands);
	tcase_add_test(submissions, live_input_is_for_one_that_is_submitted_alone);
	tcase_add_test(submissions, a_map_is_made_of_what_its_items_become);
	tcase_add_test(submissions, what_is_secret_stands_first_and_is_not_shown);
	tcase_add_test(submissions, one_bad_item_is_named_and_nothing_of_the_map_is_submitted);
	tcase_add_test(submissions, small_items_do_not_become_more_than_could_have_been_sent);
	tcase_add_test(submissions, an_item_that_fails_has_its_result_in_its_error);
	tcase_add_test(submissions, a_chunk_has_the_time_of_all_its_commands);
	suite_add_tcase(suite, submissions);
	tcase_add_checked_fixture(rights, set_up, tear_down);
	tcase_add_test(rights, free_commands_are_for_those_who_are_named);
	tcase_add_test(rights, a_supplementary_group_counts_too);
	tcase_add_test(rights, whoever_is_not_named_is_told_so_wherever_he_submits);
	tcase_add_test(rights, who_waits_for_room_may_have_lost_the_right_meanwhile);
	tcase_add_test(rights, nor_may_he_have_one_run_again);
	tcase_add_test(rights, others_commands_are_not_to_be_touched);
	suite_add_tcase(suite, rights);
	tcase_add_checked_fixture(records, set_up, tear_down);
	tcase_add_test(records, a_record_tells_what_runs_and_how_it_stands);
	tcase_add_test(records, a_failed_one_has_its_result_in_its_error);
	tcase_add_test(records, one_that_could_not_be_started_says_why);
	tcase_add_test(records, a_handlers_data_stays_where_it_was);
	tcase_add_test(records, discover_describes_the_parameters_of_exec);
	suite_add_tcase(suite, records);
	tcase_add_checked_fixture(orders, set_up, tear_down);
	tcase_add_test(orders, what_is_sent_is_answered_when_it_was_taken);
	tcase_add_test(orders, what_cannot_be_sent_is_refused);
	tcase_add_test(orders, one_that_does_not_read_is_not_waited_for_for_ever);
	tcase_add_test(orders, nobody_hears_the_answer_of_a_request_that_is_gone);
	tcase_add_test(orders, a_signal_goes_by_any_of_its_names);
	tcase_add_test(orders, the_answers_of_several_come_together);
	tcase_add_test(orders, a_window_is_for_terminals);
	tcase_add_test(orders, orders_are_for_commands_that_run);
	tcase_add_test(orders, a_notification_is_done_without_an_answer);
	suite_add_tcase(suite, orders);
	tcase_add_checked_fixture(logs, set_up, tear_down);
	tcase_add_test(logs, the_log_of_a_running_one_is_what_was_captured);
	tcase_add_test(logs, a_page_does_not_cut_characters_in_two);
	tcase_add_test(logs, the_log_of_one_that_is_over_is_in_its_result);
	tcase_add_test(logs, what_was_not_captured_is_read_from_disk);
	tcase_add_test(logs, so_is_what_an_earlier_attempt_has_said);
	tcase_add_test(logs, the_log_may_outlive_the_record);
	suite_add_tcase(suite, logs);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
