/* The edge as a client sees it: methods, ids, batches, notifications, both framings, and what bad input does. */
#include <check.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "edge_world.h"

static struct world world;
static struct client client;

static void set_up(void)
{
	world_init(&world);
	client_init(&client, &world);
}

static void tear_down(void)
{
	client_fini(&client);
	world_fini(&world);
}

#define REQUEST(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define NOTE(method, params) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

/* The answer as a tree, which the next call frees. */
static json_t *ask(const char *line)
{
	static json_t *answer;
	json_decref(answer);
	client_say(&client, line);
	answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_ptr_nonnull(answer);
	return answer;
}

/* What is behind a path such as "error.data.kind". */
static json_t *at(json_t *value, const char *path)
{
	char name[64];
	while (*path) {
		size_t length = strcspn(path, ".");
		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		value = json_is_array(value) ? json_array_get(value, (size_t)atoi(name)) : json_object_get(value, name);
		path += length + (path[length] == '.');
	}
	return value;
}

static const char *text_at(json_t *value, const char *path)
{
	const char *text = json_string_value(at(value, path));
	return text ? text : "(none)";
}

static void expect_error(const char *line, int code, const char *kind)
{
	json_t *answer = ask(line);
	ck_assert_str_eq(text_at(answer, "error.data.kind"), kind);
	ck_assert_int_eq(json_integer_value(at(answer, "error.code")), code);
}

/* --- calling --- */

START_TEST(a_task_is_a_method)
{
	client_expect(&client, REQUEST("1", "echo", "[1, {\"a\" : \"\\u00e4\"}]"), RESULT("1", "[1, {\"a\" : \"\\u00e4\"}]"));
	client_expect(&client, REQUEST("2", "echo", "{\"a\":1}"), RESULT("2", "{\"a\":1}"));
	client_expect(&client, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"echo\"}", RESULT("3", "[]"));
}
END_TEST

START_TEST(task_call_takes_arguments_and_options)
{
	client_expect(&client, REQUEST("1", "task.call", "{\"task\":\"echo\",\"args\":[7],\"priority\":3,\"tag\":\"t\"}"),
		RESULT("1", "[7]"));
	client_expect(&client, REQUEST("1", "task.call", "[\"echo\",{\"x\":1}]"), RESULT("1", "{\"x\":1}"));
	client_expect(&client, REQUEST("1", "task.call", "{\"task\":\"echo\"}"), RESULT("1", "[]"));
}
END_TEST

START_TEST(ids_come_back_to_the_letter)
{
	static const char *const ids[] = { "0", "-0", "\"0\"", "null", "1.50", "12345678901234567890123", "\"\\u00e4/\\/\"",
		"\"an id that is longer than the room inside of a request\"", "1e2" };
	char line[512], answer[512];
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(line, sizeof(line), REQUEST("%s", "echo", "[]"), ids[i]);
		snprintf(answer, sizeof(answer), RESULT("%s", "[]"), ids[i]);
		client_expect(&client, line, answer);
		snprintf(line, sizeof(line), REQUEST("%s", "server.ping", "[]"), ids[i]);
		snprintf(answer, sizeof(answer), RESULT("%s", "{\"ok\":true,\"workers\":{\"ready\":1,\"wanted\":1},\"store\":\"none\"}"), ids[i]);
		client_expect(&client, line, answer);
	}
}
END_TEST

START_TEST(an_id_has_a_limit)
{
	char line[2048], id[1100];
	memset(id, '7', sizeof(id));
	snprintf(line, sizeof(line), REQUEST("\"%.*s\"", "echo", "[]"), 1022, id);
	json_t *answer = ask(line);
	ck_assert_uint_eq(json_string_length(at(answer, "id")), 1022);
	snprintf(line, sizeof(line), REQUEST("\"%.*s\"", "echo", "[]"), 1023, id);
	expect_error(line, -32600, "invalid_request");
}
END_TEST

START_TEST(a_failure_has_the_handlers_code_and_data)
{
	json_t *answer = ask(REQUEST("1", "fail", "[]"));
	ck_assert_int_eq(json_integer_value(at(answer, "error.code")), 7);
	ck_assert_str_eq(text_at(answer, "error.message"), "no luck");
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "failed");
	ck_assert_str_eq(text_at(answer, "error.data.id"), "1");
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.data.a")), 1);
	expect_error(REQUEST("1", "plain", "[]"), -32000, "failed");
}
END_TEST

START_TEST(a_crash_tells_how_the_worker_died)
{
	json_t *answer = ask(REQUEST("1", "crash", "[]"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "crashed");
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.pid")), 4711);
	ck_assert_str_eq(text_at(answer, "error.data.signal_name"), "SIGSEGV");
	ck_assert(json_is_object(at(answer, "error.data.rusage")));
}
END_TEST

START_TEST(unknown_names_get_a_suggestion)
{
	json_t *answer = ask(REQUEST("1", "ecoh", "[]"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "unknown_task");
	ck_assert_str_eq(text_at(answer, "error.data.did_you_mean"), "echo");
	answer = ask(REQUEST("1", "task.cal", "[]"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "unknown_method");
	ck_assert_str_eq(text_at(answer, "error.data.did_you_mean"), "task.call");
	answer = ask(REQUEST("1", "task.call", "{\"task\":\"echo\",\"queue\":\"defualt\"}"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "invalid_params");
	ck_assert_str_eq(text_at(answer, "error.data.did_you_mean"), "default");
}
END_TEST

START_TEST(what_cannot_be_run_is_refused)
{
	expect_error(REQUEST("1", "idle", "[]"), -32012, "unavailable");
	expect_error(REQUEST("1", "task.call", "{\"task\":\"echo\",\"queue\":\"other\"}"), -32602, "invalid_params");
	expect_error(REQUEST("1", "task.call", "{\"task\":\"echo\",\"prioritty\":1}"), -32602, "invalid_params");
	expect_error(REQUEST("1", "task.call", "{\"task\":\"echo\",\"args\":1}"), -32602, "invalid_params");
	world.config.payload_limit = 8;
	world_configure(&world);
	expect_error(REQUEST("1", "echo", "[1,2,3,4,5]"), -32008, "too_large");
	core_close(world.core, true);
	expect_error(REQUEST("1", "echo", "[]"), -32010, "shutting_down");
}
END_TEST

/* --- submitting and waiting --- */

START_TEST(a_submitted_task_outlives_its_connection)
{
	struct client other;
	client_expect(&client, REQUEST("1", "task.submit", "{\"task\":\"hold\"}"), RESULT("1", "{\"id\":\"1\",\"state\":\"queued\",\"durability\":\"memory\"}"));
	client_leave(&client);
	world_settle(&world);
	client_init(&other, &world);
	client_say(&other, REQUEST("2", "task.result", "{\"id\":\"1\"}"));
	ck_assert(client_hears_nothing(&other));
	ck_assert_int_eq(world_finish(&world), 1);
	ck_assert_str_eq(client_hear(&other), RESULT("2", "\"done\""));
	client_expect(&other, REQUEST("3", "task.result", "[1]"), RESULT("3", "\"done\""));
	client_fini(&other);
}
END_TEST

START_TEST(waiting_for_a_result_has_a_limit)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	client_say(&client, REQUEST("2", "task.result", "{\"id\":\"1\",\"timeout\":2}"));
	world_settle(&world);
	world_advance(&world, 1999 * NS_PER_MS);
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_MS);
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "wait_timed_out");
	json_decref(answer);
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
	expect_error(REQUEST("3", "task.result", "{\"id\":\"1\",\"timeout\":0}"), -32011, "wait_timed_out");
	expect_error(REQUEST("4", "task.result", "{\"id\":\"99\"}"), -32005, "not_found");
}
END_TEST

START_TEST(a_watched_task_is_told_of_when_it_ends)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\",\"watch\":true}"));
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	json_t *note = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(note, "method"), "task.finished");
	ck_assert_str_eq(text_at(note, "params.id"), "1");
	ck_assert_str_eq(text_at(note, "params.state"), "succeeded");
	ck_assert_str_eq(text_at(note, "params.result"), "done");
	ck_assert_ptr_null(at(note, "id"));
	json_decref(note);
}
END_TEST

START_TEST(waiting_for_several_ends_as_asked)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	ask(REQUEST("1", "task.submit", "{\"task\":\"echo\"}"));
	json_t *answer = ask(REQUEST("2", "task.wait", "{\"ids\":[\"1\",2],\"return_when\":\"first_completed\"}"));
	ck_assert_str_eq(text_at(answer, "result.done.0.id"), "2");
	ck_assert_str_eq(text_at(answer, "result.not_done.0.id"), "1");
	ck_assert_str_eq(text_at(answer, "result.not_done.0.state"), "running");
	answer = ask(REQUEST("3", "task.wait", "{\"ids\":[\"1\",2],\"timeout\":0}"));
	ck_assert_uint_eq(json_array_size(at(answer, "result.done")), 1);
	client_say(&client, REQUEST("4", "task.wait", "{\"ids\":[\"1\",2,1]}"));
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_uint_eq(json_array_size(at(answer, "result.done")), 3);
	ck_assert_uint_eq(json_array_size(at(answer, "result.not_done")), 0);
	json_decref(answer);
	expect_error(REQUEST("5", "task.wait", "{\"ids\":[1,77]}"), -32005, "not_found");
}
END_TEST

START_TEST(a_task_that_is_waited_for_twice_is_never_in_both_lists)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	client_say(&client, REQUEST("2", "task.wait", "{\"ids\":[1,2,1],\"return_when\":\"first_completed\"}"));
	client_say(&client, NOTE("task.cancel", "{\"ids\":1}"));
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_uint_eq(json_array_size(at(answer, "result.done")), 2);
	ck_assert_uint_eq(json_array_size(at(answer, "result.not_done")), 1);
	ck_assert_str_eq(text_at(answer, "result.not_done.0.id"), "2");
	json_decref(answer);
}
END_TEST

START_TEST(ids_are_limited_in_number)
{
	static const char *const methods[] = { "task.wait", "task.cancel", "task.forget" };
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		struct strbuf text = STRBUF_INIT;
		strbuf_printf(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"ids\":[7", methods[i]);
		for (int n = 0; n < 100000; n++)
			strbuf_puts(&text, ",7");
		strbuf_puts(&text, "]}}");
		expect_error(text.data, -32013, "too_many");
		strbuf_free(&text);
	}
}
END_TEST

START_TEST(the_first_exception_ends_a_wait)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	client_say(&client, REQUEST("2", "task.wait", "{\"ids\":[1,2],\"return_when\":\"first_exception\",\"timeout\":60}"));
	ck_assert(client_hears_nothing(&client));
	client_say(&client, NOTE("task.cancel", "{\"ids\":2}"));
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "result.done.0.state"), "cancelled");
	ck_assert_str_eq(text_at(answer, "result.done.0.error.data.kind"), "cancelled");
	ck_assert_str_eq(text_at(answer, "result.not_done.0.id"), "1");
	json_decref(answer);
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
}
END_TEST

/* --- maps --- */

START_TEST(a_map_answers_in_order)
{
	client_expect(&client, REQUEST("1", "task.map", "{\"task\":\"double\",\"items\":[1, 2,3 ,4,5],\"chunk\":2}"),
		RESULT("1", "[2, 4,6, 8,10]"));
	client_expect(&client, REQUEST("1", "task.map", "{\"task\":\"double\",\"items\":[1,2,3]}"), RESULT("1", "[2,4,6]"));
	client_expect(&client, REQUEST("1", "task.map", "{\"task\":\"double\",\"items\":[]}"), RESULT("1", "[]"));
}
END_TEST

START_TEST(a_failed_item_is_the_maps_error)
{
	json_t *answer = ask(REQUEST("1", "task.map", "{\"task\":\"double\",\"items\":[1,2,3,13,5],\"chunk\":3}"));
	ck_assert_int_eq(json_integer_value(at(answer, "error.code")), 13);
	ck_assert_str_eq(text_at(answer, "error.message"), "bad \"luck\"");
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.index")), 3);
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.data.0")), 1);
	answer = ask(REQUEST("1", "task.map", "{\"task\":\"crash\",\"items\":[1,2]}"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "crashed");
	ck_assert(json_is_integer(at(answer, "error.data.index")));
}
END_TEST

START_TEST(a_map_can_return_its_exceptions)
{
	json_t *answer = ask(REQUEST("1", "task.map",
		"{\"task\":\"double\",\"items\":[1,13,3,4],\"chunk\":2,\"return_exceptions\":true}"));
	ck_assert_int_eq(json_integer_value(at(answer, "result.0.result")), 2);
	ck_assert_int_eq(json_integer_value(at(answer, "result.1.error.code")), 13);
	ck_assert_int_eq(json_integer_value(at(answer, "result.1.error.data.index")), 1);
	ck_assert_int_eq(json_integer_value(at(answer, "result.3.result")), 8);
	answer = ask(REQUEST("1", "task.map", "{\"task\":\"fail\",\"items\":[1,2,3],\"chunk\":2,\"return_exceptions\":true}"));
	ck_assert_uint_eq(json_array_size(at(answer, "result")), 3);
	ck_assert_int_eq(json_integer_value(at(answer, "result.2.error.code")), 7);
}
END_TEST

START_TEST(a_map_that_fails_cancels_its_rest)
{
	client_say(&client, REQUEST("1", "task.map", "{\"task\":\"hold\",\"items\":[1,2,3,4,5,6]}"));
	world_settle(&world);
	client_say(&client, NOTE("task.cancel", "{\"ids\":6}"));
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "cancelled");
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.index")), 5);
	json_decref(answer);
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_CANCELLED], 6);
}
END_TEST

START_TEST(a_map_that_does_not_fit_its_queue_is_refused_whole)
{
	json_t *answer = ask(REQUEST("1", "task.map", "{\"task\":\"echo\",\"items\":[1,2,3,4],\"queue\":\"tight\"}"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "queue_full");
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.limit")), 3);
	ck_assert(json_is_number(at(answer, "error.data.retry_after")));
	ck_assert_uint_eq(core_totals(world.core)->waiting + core_totals(world.core)->in_lanes, 0);
	client_expect(&client, REQUEST("1", "task.map", "{\"task\":\"echo\",\"items\":[1,2,3],\"queue\":\"tight\"}"),
		RESULT("1", "[1,2,3]"));
}
END_TEST

/* --- asking and cancelling --- */

START_TEST(a_record_tells_what_is_known)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\",\"tag\":\"t\",\"priority\":-2,\"timeout\":\"1m\"}"));
	world_settle(&world);
	json_t *answer = ask(REQUEST("1", "task.status", "{\"id\":1}"));
	ck_assert_str_eq(text_at(answer, "result.task"), "hold");
	ck_assert_str_eq(text_at(answer, "result.state"), "running");
	ck_assert_str_eq(text_at(answer, "result.tag"), "t");
	ck_assert_int_eq(json_integer_value(at(answer, "result.priority")), -2);
	ck_assert_double_eq(json_number_value(at(answer, "result.timeout")), 60);
	ck_assert_str_eq(text_at(answer, "result.submitted_at"), "2023-11-14T22:13:20.000000Z");
	ck_assert_int_eq(json_integer_value(at(answer, "result.worker.pid")), 4711);
	ck_assert_ptr_null(at(answer, "result.ended_at"));
	expect_error(REQUEST("1", "task.status", "{\"id\":2}"), -32005, "not_found");
	expect_error(REQUEST("1", "task.status", "{}"), -32602, "invalid_params");
}
END_TEST

START_TEST(a_list_comes_newest_first_and_in_pages)
{
	for (int i = 0; i < 5; i++)
		ask(REQUEST("1", "task.submit", "{\"task\":\"echo\",\"tag\":\"t\"}"));
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	world_settle(&world);
	json_t *answer = ask(REQUEST("1", "task.list", "{\"limit\":2,\"tag\":\"t\"}"));
	ck_assert_str_eq(text_at(answer, "result.tasks.0.id"), "5");
	ck_assert_str_eq(text_at(answer, "result.tasks.1.id"), "4");
	ck_assert_str_eq(text_at(answer, "result.next"), "4");
	answer = ask(REQUEST("1", "task.list", "{\"limit\":4,\"tag\":\"t\",\"before\":\"4\"}"));
	ck_assert_uint_eq(json_array_size(at(answer, "result.tasks")), 3);
	ck_assert_ptr_null(at(answer, "result.next"));
	answer = ask(REQUEST("1", "task.list", "{\"state\":\"running\"}"));
	ck_assert_uint_eq(json_array_size(at(answer, "result.tasks")), 1);
	ck_assert_str_eq(text_at(answer, "result.tasks.0.id"), "6");
	answer = ask(REQUEST("1", "task.list", "{\"state\":[\"running\",\"failed\"],\"task\":\"echo\"}"));
	ck_assert_uint_eq(json_array_size(at(answer, "result.tasks")), 0);
	answer = ask(REQUEST("1", "task.list", "{\"state\":\"runing\"}"));
	ck_assert_str_eq(text_at(answer, "error.data.did_you_mean"), "running");
}
END_TEST

START_TEST(a_call_is_cancelled_by_its_request)
{
	client_say(&client, REQUEST("\"x\"", "hold", "[]"));
	world_settle(&world);
	client_say(&client, NOTE("$/cancelRequest", "{\"id\":\"x\"}"));
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "id"), "x");
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "cancelled");
	json_decref(answer);
	client_expect(&client, REQUEST("2", "$/cancelRequest", "{\"id\":\"x\"}"), RESULT("2", "null"));
	expect_error(REQUEST("2", "task.cancel", "{\"call\":\"x\"}"), -32005, "not_found");
}
END_TEST

START_TEST(cancelled_is_said_when_it_is_over)
{
	world.stop_deaf = true;
	client_say(&client, REQUEST("1", "hold", "[]"));
	world_settle(&world);
	client_expect(&client, REQUEST("2", "task.cancel", "{\"call\":1}"), RESULT("2", "[{\"id\":\"1\",\"state\":\"cancelling\"}]"));
	json_t *answer = ask(REQUEST("3", "task.status", "{\"call\":1}"));
	ck_assert_str_eq(text_at(answer, "result.state"), "cancelling");
	ck_assert(client_hears_nothing(&client));
	world.stop_deaf = false;
	answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "cancelled");
	json_decref(answer);
}
END_TEST

START_TEST(a_map_is_cancelled_by_its_request)
{
	client_say(&client, REQUEST("1", "task.map", "{\"task\":\"hold\",\"items\":[1,2,3,4,5,6,7]}"));
	world_settle(&world);
	json_t *answer = ask(REQUEST("2", "task.status", "{\"call\":1}"));
	ck_assert_int_eq(json_integer_value(at(answer, "result.tasks")), 7);
	answer = ask(REQUEST("3", "task.cancel", "{\"call\":1}"));
	ck_assert_uint_eq(json_array_size(at(answer, "result")), 7);
	answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_int_eq(json_integer_value(at(answer, "id")), 1);
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "cancelled");
	json_decref(answer);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_CANCELLED], 7);
	client_say(&client, REQUEST("4", "task.map", "{\"task\":\"hold\",\"items\":[1,2,3,4,5]}"));
	client_say(&client, REQUEST("4", "task.cancel", "{\"call\":4}"));
	answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "cancelled");
	json_decref(answer);
}
END_TEST

START_TEST(an_id_that_is_used_twice_means_the_first)
{
	client_say(&client, REQUEST("1", "hold", "[]"));
	client_say(&client, REQUEST("1", "hold", "[]"));
	json_t *answer = ask(REQUEST("2", "task.status", "{\"call\":1}"));
	ck_assert_str_eq(text_at(answer, "result.id"), "1");
	client_say(&client, REQUEST("1", "hold", "[]"));
	answer = ask(REQUEST("2", "task.status", "{\"call\":1}"));
	ck_assert_str_eq(text_at(answer, "result.id"), "1");
}
END_TEST

START_TEST(cancel_and_forget_answer_for_each_id)
{
	ask(REQUEST("1", "task.submit", "{\"task\":\"echo\"}"));
	ask(REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	world_settle(&world);
	client_expect(&client, REQUEST("2", "task.forget", "{\"ids\":[1,2,3]}"), RESULT("2",
		"[{\"id\":\"1\",\"state\":\"forgotten\"},{\"id\":\"2\",\"state\":\"running\"},{\"id\":\"3\",\"state\":\"not_found\"}]"));
	client_expect(&client, REQUEST("3", "task.cancel", "{\"ids\":[1,2]}"), RESULT("3",
		"[{\"id\":\"1\",\"state\":\"forgotten\"},{\"id\":\"2\",\"state\":\"cancelling\"}]"));
	expect_error(REQUEST("4", "task.cancel", "{\"ids\":\"1\"}"), -32006, "forgotten");
	expect_error(REQUEST("4", "task.forget", "{\"ids\":[8]}"), -32005, "not_found");
	expect_error(REQUEST("4", "task.result", "{\"id\":1}"), -32006, "forgotten");
}
END_TEST

/* --- about taskd --- */

START_TEST(the_daemon_tells_about_itself)
{
	json_t *answer = ask(REQUEST("1", "server.info", "[]"));
	ck_assert_str_eq(text_at(answer, "result.name"), "taskd");
	ck_assert_int_eq(json_integer_value(at(answer, "result.limits.requests")), 50000);
	answer = ask(REQUEST("1", "server.stats", "[]"));
	ck_assert_int_eq(json_integer_value(at(answer, "result.connections")), 1);
	ck_assert_int_gt(json_integer_value(at(answer, "result.memory.resident")), 0);
	client_say(&client, REQUEST("1", "hold", "[]"));
	world_settle(&world);
	answer = ask(REQUEST("1", "worker.list", "[]"));
	ck_assert_str_eq(text_at(answer, "result.0.running.0"), "1");
	answer = ask(REQUEST("1", "pool.list", "[]"));
	ck_assert_int_eq(json_integer_value(at(answer, "result.0.busy")), 1);
	ck_assert_str_eq(text_at(answer, "result.0.queues.0"), "default");
	ck_assert_str_eq(text_at(answer, "result.0.user"), "games");
	ck_assert_str_eq(text_at(answer, "result.0.seccomp"), "strict");
	ck_assert(json_is_null(at(answer, "result.0.read_paths")));
	ck_assert(json_is_true(at(answer, "result.0.private_directory")));
	answer = ask(REQUEST("1", "queue.list", "[]"));
	ck_assert_int_eq(json_integer_value(at(answer, "result.0.running")), 1);
	answer = ask(REQUEST("1", "task.types", "[]"));
	ck_assert_str_eq(text_at(answer, "result.0.task"), "echo");
	expect_error(REQUEST("1", "server.info", "[1]"), -32602, "invalid_params");
}
END_TEST

START_TEST(discovery_describes_every_method)
{
	json_t *answer = ask(REQUEST("1", "rpc.discover", "[]")), *method;
	size_t i;
	ck_assert_str_eq(text_at(answer, "result.openrpc"), "1.2.6");
	ck_assert_uint_eq(json_array_size(at(answer, "result.methods")), N_METHODS + 10);
	json_array_foreach(at(answer, "result.methods"), i, method) {
		ck_assert(json_is_string(at(method, "name")));
		ck_assert(json_is_array(at(method, "params")));
		ck_assert(json_is_object(at(method, "result.schema")));
	}
}
END_TEST

START_TEST(reload_and_shutdown_reach_the_server)
{
	client_expect(&client, REQUEST("1", "server.reload", "[]"), RESULT("1", "{\"changed\":[],\"needs_restart\":[]}"));
	world.reload_fails = true;
	json_t *answer = ask(REQUEST("1", "server.reload", "[]"));
	ck_assert_str_eq(text_at(answer, "error.data.kind"), "bad_config");
	ck_assert_int_eq(json_integer_value(at(answer, "error.data.line")), 7);
	ck_assert_str_eq(text_at(answer, "error.data.reason"), "unknown key \"x\"");
	client_expect(&client, REQUEST("1", "server.shutdown", "{\"now\":true}"), RESULT("1", "{\"stopping\":true}"));
	ck_assert_int_eq(world.n_shutdowns, 100);
}
END_TEST

/* --- batches and notifications --- */

START_TEST(a_batch_is_answered_as_one_when_all_is_done)
{
	client_say(&client, "[" REQUEST("1", "hold", "[]") "," REQUEST("2", "server.ping", "[]") "," NOTE("echo", "[]") ",7,"
		REQUEST("3", "echo", "[3]") "]");
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_uint_eq(json_array_size(answer), 4);
	ck_assert_int_eq(json_integer_value(at(answer, "0.id")), 2);
	ck_assert_str_eq(text_at(answer, "1.error.data.kind"), "invalid_request");
	ck_assert(json_is_null(at(answer, "1.id")));
	ck_assert_int_eq(json_integer_value(at(answer, "3.id")), 1);
	json_decref(answer);
}
END_TEST

START_TEST(notifications_are_not_answered)
{
	client_say(&client, "[" NOTE("echo", "[1]") "," NOTE("nonsense", "[]") "," NOTE("task.call", "{\"task\":\"echo\"}") "]");
	client_say(&client, NOTE("no.such", "[]"));
	client_say(&client, NOTE("$/progress", "{}"));
	client_say(&client, NOTE("task.call", "{\"bad\":1}"));
	client_say(&client, NOTE("task.map", "{\"task\":\"double\",\"items\":[1,2,3]}"));
	client_say(&client, NOTE("task.wait", "{\"ids\":[1]}"));
	ck_assert(client_hears_nothing(&client));
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_SUCCEEDED], 5);
}
END_TEST

START_TEST(a_batch_of_many_is_one_answer)
{
	struct strbuf text = STRBUF_INIT;
	const int n = 40000;
	for (int i = 0; i < n; i++)
		strbuf_printf(&text, "%s" REQUEST("%d", "echo", "[]"), i ? "," : "[", i);
	strbuf_puts(&text, "]");
	client_say(&client, text.data);
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_uint_eq(json_array_size(answer), (size_t)n);
	json_decref(answer);
	strbuf_free(&text);
}
END_TEST

START_TEST(a_batch_beyond_max_requests_says_so)
{
	world.config.max_requests = 2;
	world_configure(&world);
	client_say(&client, "[" REQUEST("1", "hold", "[]") "," REQUEST("2", "hold", "[]") "," REQUEST("3", "hold", "[]") "]");
	world_finish(&world);
	json_t *answer = json_loads(client_hear(&client), 0, NULL);
	ck_assert_str_eq(text_at(answer, "0.error.data.kind"), "too_many");
	ck_assert_int_eq(json_integer_value(at(answer, "0.id")), 3);
	json_decref(answer);
}
END_TEST

/* --- framing and bad input --- */

START_TEST(headers_are_answered_with_headers)
{
	static const char request[] = REQUEST("1", "echo", "[\n 1\n]");
	static const char result[] = RESULT("1", "[\n 1\n]");
	char message[512], answer[512];
	int n = snprintf(message, sizeof(message), "Content-Length: %zu\r\n\r\n%s", sizeof(request) - 1, request);
	int wanted = snprintf(answer, sizeof(answer), "Content-Length: %zu\r\n\r\n%s", sizeof(result) - 1, result);
	for (int piece = 1; piece <= n; piece += 1 + piece / 3) {
		for (int sent = 0; sent < n; sent += piece) {
			client_send(&client, message + sent, (size_t)(n - sent < piece ? n - sent : piece));
			world_turn(&world);
		}
		ck_assert_str_eq(client_hear_bytes(&client, (size_t)wanted), answer);
	}
}
END_TEST

START_TEST(a_line_that_is_not_json_leaves_the_next_one_alone)
{
	static const char *const bad[] = { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":", "{}}", "[", "{\"a\":\"\xff\"}", "{\"a\":\\}",
		"nonsense", "{\"id\":1,\"id\":2,\"jsonrpc\":\"2.0\",\"method\":\"echo\"}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *answer = i ? ask(bad[i]) : (client_say(&client, bad[i]), json_loads(client_hear(&client), 0, NULL));
		ck_assert_int_lt(json_integer_value(at(answer, "error.code")), -32599);
		if (!i)
			json_decref(answer);
		client_expect(&client, REQUEST("5", "echo", "[5]"), RESULT("5", "[5]"));
	}
}
END_TEST

START_TEST(json_that_is_no_request_says_what_is_wrong)
{
	expect_error("[]", -32600, "invalid_request");
	expect_error("{}", -32600, "invalid_request");
	expect_error("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"echo\"}", -32600, "invalid_request");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"echo\"}", -32600, "invalid_request");
	expect_error("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":3}", -32600, "invalid_request");
	expect_error(REQUEST("1", "", "[]"), -32601, "unknown_method");
}
END_TEST

struct ending {
	const char *said;
	const char *kind;
	bool headers;
};
static const struct ending endings[] = {
	{ "GET / HTTP/1.1\r\n", "parse_error", false },
	{ "Content-Length: -5\r\n\r\n", "invalid_request", true },
	{ "Content-Type: x\r\n\r\n{}", "invalid_request", true },
	{ "Content-Length: 99999999\r\n\r\n", "too_large", true },
};

START_TEST(what_cannot_go_on_is_told_and_closed)
{
	const struct ending *ending = &endings[_i];
	char kind[64];
	size_t length = 0;
	client_send(&client, ending->said, strlen(ending->said));
	snprintf(kind, sizeof(kind), "\"kind\":\"%s\"", ending->kind);
	if (ending->headers) {
		ck_assert_int_eq(sscanf(client_hear(&client), "Content-Length: %zu", &length), 1);
		client_hear(&client);
		ck_assert_ptr_nonnull(strstr(client_hear_bytes(&client, length), kind));
	} else {
		ck_assert_ptr_nonnull(strstr(client_hear(&client), kind));
	}
	ck_assert(client_hears_end(&client));
	ck_assert_uint_eq(world_connections(&world), 0);
}
END_TEST

START_TEST(a_line_over_the_limit_ends_the_connection)
{
	static char line[5000];
	world.config.frame_limit = 4096;
	world_configure(&world);
	client_leave(&client);
	client_fini(&client);
	client_init(&client, &world);
	memset(line, ' ', sizeof(line));
	line[0] = '[';
	client_send(&client, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(client_hear(&client), "\"too_large\""));
	ck_assert(client_hears_end(&client));
}
END_TEST

START_TEST(a_last_line_without_its_end_counts)
{
	static const char line[] = REQUEST("1", "echo", "[1]");
	client_send(&client, line, sizeof(line) - 1);
	ck_assert(client_hears_nothing(&client));
	client_half_close(&client);
	ck_assert_str_eq(client_hear(&client), RESULT("1", "[1]"));
	ck_assert(client_hears_end(&client));
}
END_TEST

#define LENGTH(array) ((int)(sizeof(array) / sizeof(*(array))))

int main(void)
{
	Suite *suite = suite_create("edge");
	TCase *tcase = tcase_create("edge");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_task_is_a_method);
	tcase_add_test(tcase, task_call_takes_arguments_and_options);
	tcase_add_test(tcase, ids_come_back_to_the_letter);
	tcase_add_test(tcase, an_id_has_a_limit);
	tcase_add_test(tcase, a_failure_has_the_handlers_code_and_data);
	tcase_add_test(tcase, a_crash_tells_how_the_worker_died);
	tcase_add_test(tcase, unknown_names_get_a_suggestion);
	tcase_add_test(tcase, what_cannot_be_run_is_refused);
	tcase_add_test(tcase, a_submitted_task_outlives_its_connection);
	tcase_add_test(tcase, waiting_for_a_result_has_a_limit);
	tcase_add_test(tcase, a_watched_task_is_told_of_when_it_ends);
	tcase_add_test(tcase, waiting_for_several_ends_as_asked);
	tcase_add_test(tcase, a_task_that_is_waited_for_twice_is_never_in_both_lists);
	tcase_add_test(tcase, ids_are_limited_in_number);
	tcase_add_test(tcase, the_first_exception_ends_a_wait);
	tcase_add_test(tcase, a_map_answers_in_order);
	tcase_add_test(tcase, a_failed_item_is_the_maps_error);
	tcase_add_test(tcase, a_map_can_return_its_exceptions);
	tcase_add_test(tcase, a_map_that_fails_cancels_its_rest);
	tcase_add_test(tcase, a_map_that_does_not_fit_its_queue_is_refused_whole);
	tcase_add_test(tcase, a_record_tells_what_is_known);
	tcase_add_test(tcase, a_list_comes_newest_first_and_in_pages);
	tcase_add_test(tcase, a_call_is_cancelled_by_its_request);
	tcase_add_test(tcase, cancelled_is_said_when_it_is_over);
	tcase_add_test(tcase, a_map_is_cancelled_by_its_request);
	tcase_add_test(tcase, an_id_that_is_used_twice_means_the_first);
	tcase_add_test(tcase, cancel_and_forget_answer_for_each_id);
	tcase_add_test(tcase, the_daemon_tells_about_itself);
	tcase_add_test(tcase, discovery_describes_every_method);
	tcase_add_test(tcase, reload_and_shutdown_reach_the_server);
	tcase_add_test(tcase, a_batch_is_answered_as_one_when_all_is_done);
	tcase_add_test(tcase, notifications_are_not_answered);
	tcase_add_test(tcase, a_batch_of_many_is_one_answer);
	tcase_add_test(tcase, a_batch_beyond_max_requests_says_so);
	tcase_add_test(tcase, headers_are_answered_with_headers);
	tcase_add_test(tcase, a_line_that_is_not_json_leaves_the_next_one_alone);
	tcase_add_test(tcase, json_that_is_no_request_says_what_is_wrong);
	tcase_add_test(tcase, a_line_over_the_limit_ends_the_connection);
	tcase_add_test(tcase, a_last_line_without_its_end_counts);
	tcase_add_loop_test(tcase, what_cannot_go_on_is_told_and_closed, 0, LENGTH(endings));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
