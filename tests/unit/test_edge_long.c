/* Long messages, which are read in slices while somebody is about who asks little: he is answered meanwhile, and the message
 * in the end, whatever has become of its client. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "edge/request.h"
#include "edge_world.h"

#define ANNA 4001
#define BEN 4002
#define REQUEST(id, method, params) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define LONG (400u * 1024)

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
	ck_assert(slices_are_small(world.edge));
	clock_fake_tick(2 * NS_PER_US); /* a slice is over after some looks */
	strbuf_reset(&text);
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
	strbuf_free(&text);
}

/* A long text of PIECEs between what comes BEFORE and BEHIND them. */
static void make(const char *before, const char *piece, const char *behind)
{
	size_t least = text.length + LONG;
	strbuf_puts(&text, before);
	while (text.length < least)
		strbuf_puts(&text, piece);
	strbuf_puts(&text, behind);
}

static void make_echo(void)
{
	make("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[", "[1,\"word\"],", "0]}\n");
}

/* It is being read. Others are served then. */
static void is_begun(void)
{
	for (int turns = 0; turns < 10000 && !client_connection(&anna)->backlog; turns++)
		world_turn(&world);
	ck_assert(backlog_is_read(client_connection(&anna)));
	client_expect(&ben, REQUEST("2", "echo", "[2]"), RESULT("2", "[2]"));
	ck_assert(backlog_is_read(client_connection(&anna)));
}

/* Says all of it, until that. */
static void begins(void)
{
	client_send(&anna, text.data, text.length);
	is_begun();
}

static void expect_nothing_left(void)
{
	const struct connection *connection = client_connection(&anna);
	ck_assert_ptr_null(connection->backlog);
	ck_assert_ptr_null(connection->input);
	ck_assert_uint_eq(connection->user->input, 0);
	ck_assert_uint_eq(connection->user->held, 0);
}

/* The text's parameters, as echo sends them back. */
static void expect_echo(void)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":";
	const char *params = strstr(text.data, "\"params\":") + 9, *answer = client_hear(&anna);
	ck_assert_msg(strncmp(answer, head, sizeof(head) - 1) == 0, "%.200s", answer);
	answer += sizeof(head) - 1;
	ck_assert_uint_gt(strlen(answer), LONG - 1024);
	ck_assert_int_eq(strncmp(answer, params, strlen(answer)), 0);
}

START_TEST(a_long_message_is_read_while_others_are_answered)
{
	make_echo();
	begins();
	expect_echo();
	expect_nothing_left();
}
END_TEST

START_TEST(with_headers_it_is_the_same)
{
	char header[64];
	make_echo();
	client_send(&anna, header, (size_t)snprintf(header, sizeof(header), "Content-Length: %zu\r\n\r\n", text.length));
	begins();
	world_settle(&world);
	ck_assert_int_eq(strncmp(client_hear_bytes(&anna, 15), "Content-Length:", 15), 0);
	client_hear_bytes(&anna, LONG - 1024);
	expect_nothing_left();
}
END_TEST

START_TEST(what_comes_behind_waits_for_it)
{
	make_echo();
	size_t length = text.length;
	strbuf_puts(&text, REQUEST("2", "server.ping", "[]") "\n" REQUEST("3", "server.ping", "[]") "\n{\"jsonrpc\":\"2.0\",");
	begins();
	ck_assert_ptr_nonnull(client_connection(&anna)->input);
	ck_assert_uint_lt(client_connection(&anna)->input_room, length / 2);
	expect_echo();
	for (int id = 2; id <= 3; id++)
		ck_assert_int_eq(tree_int(client_hear_json(&anna), "id"), id);
	client_expect(&anna, "\"id\":4,\"method\":\"echo\",\"params\":[4]}", RESULT("4", "[4]"));
	expect_nothing_left();
}
END_TEST

START_TEST(one_long_message_behind_another)
{
	make_echo();
	size_t length = text.length;
	char *copy = strdup(text.data);
	strbuf_add(&text, copy, length);
	begins();
	expect_echo();
	expect_echo();
	expect_nothing_left();
	free(copy);
}
END_TEST

START_TEST(what_is_wrong_is_told_in_the_same_words)
{
	char where[64];
	make("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[", "[1,\"word\"],", "]}\n");
	begins();
	snprintf(where, sizeof(where), "unexpected character at offset %zu", text.length - 3);
	json_t *answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "parse_error");
	ck_assert_str_eq(tree_text(answer, "error.message"), where);
	strbuf_reset(&text);
	make("{\"jsonrpc\":\"2.0\",\"id\":1,\"more\":[", "[1,\"word\"],", "0]}\n");
	begins();
	answer = client_hear_json(&anna);
	ck_assert_str_eq(tree_text(answer, "error.message"), "\"method\" is missing");
	ck_assert_int_eq(tree_int(answer, "id"), 1);
	expect_nothing_left();
}
END_TEST

START_TEST(a_batch_is_handled_without_another_copy)
{
	make("[" REQUEST("1", "server.ping", "[]"), "," REQUEST("2", "server.ping", "[]"), "]\n");
	begins();
	const struct connection *connection = client_connection(&anna);
	for (int turns = 0; turns < 10000 && backlog_is_read(connection); turns++)
		world_turn(&world);
	ck_assert(connection->backlog);
	ck_assert_uint_eq(connection->user->input, text.length - 1); /* the newline is not of it */
	ck_assert_uint_lt(connection->user->held, text.length);
	json_t *answers = client_hear_json(&anna);
	ck_assert_uint_eq(json_array_size(answers), (text.length - 2) / strlen("," REQUEST("2", "server.ping", "[]")));
	expect_nothing_left();
}
END_TEST

/* The task has them when the connection's backlog is no more. */
START_TEST(arguments_are_handed_over)
{
	make("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hold\",\"params\":[", "[1,\"word\"],", "0]}\n");
	begins();
	world_settle(&world);
	expect_nothing_left();
	const struct task *task = core_slot_task_next(world.slots[0], NULL);
	for (int i = 1; i < 4 && !task; i++)
		task = core_slot_task_next(world.slots[i], NULL);
	ck_assert(task && task->args->release);
	const char *params = strstr(text.data, "\"params\":") + 9;
	ck_assert_uint_eq(task->args->size, strlen(params) - 2);
	ck_assert_int_eq(memcmp(task->args->data, params, task->args->size), 0);
	ck_assert_int_eq(world_finish(&world), 1);
	ck_assert_str_eq(client_hear(&anna), RESULT("1", "\"done\""));
	/* …but not where they are little of it. */
	strbuf_reset(&text);
	make("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"more\":[", "[1,\"word\"],", "0],\"params\":[7]}\n");
	begins();
	ck_assert_str_eq(client_hear(&anna), RESULT("1", "[7]"));
	expect_nothing_left();
}
END_TEST

START_TEST(who_is_gone_meanwhile_leaves_nothing)
{
	make_echo();
	begins();
	client_leave(&anna);
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 1);
}
END_TEST

/* It had come as a whole. */
START_TEST(what_needs_no_answer_is_done_for_one_who_is_gone)
{
	make("{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"hold\",\"args\":[", "[1,\"word\"],", "0]}}\n");
	begins();
	uint64_t before = core_totals(world.core)->submitted;
	client_leave(&anna);
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->submitted, before + 1);
	ck_assert_uint_eq(world_connections(&world), 1);
}
END_TEST

/* …and what does need one is not done for somebody who has left while he had so much outstanding that nothing more was read. */
START_TEST(who_is_gone_meanwhile_is_noticed_where_nothing_more_is_read)
{
	make("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hold\",\"params\":[", "[1,\"word\"],", "0]}\n");
	world.edge->limits.requests = 1;
	client_send(&anna, text.data, text.length - 100);
	world_settle(&world);
	client_send(&anna, text.data + text.length - 100, 100);
	is_begun();
	client_leave(&anna);
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 1);
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, 0);
}
END_TEST

START_TEST(a_connection_that_ends_meanwhile_leaves_nothing)
{
	make_echo();
	begins();
	uint64_t before = core_totals(world.core)->submitted;
	connection_close(client_connection(&anna), "the test says so");
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->submitted, before);
	ck_assert_ptr_null(client_connection(&anna));
}
END_TEST

START_TEST(who_says_no_more_is_answered_all_the_same)
{
	make_echo();
	begins();
	client_half_close(&anna);
	expect_echo();
	ck_assert(client_hears_end(&anna));
}
END_TEST

START_TEST(a_last_line_that_nothing_ends_is_one)
{
	make_echo();
	client_send(&anna, text.data, text.length - 1);
	client_half_close(&anna);
	expect_echo();
	ck_assert(client_hears_end(&anna));
}
END_TEST

START_TEST(a_reload_meanwhile_changes_nothing_for_it)
{
	make_echo();
	begins();
	world.config.frame_limit = 2048;
	world_configure(&world);
	expect_echo();
	expect_nothing_left();
}
END_TEST

/* …or as long as others are: without them it is read at once. */
START_TEST(nobody_waits_for_who_is_not_there)
{
	world_advance(&world, 3 * NS_PER_S);
	clock_fake_tick(0);
	make_echo();
	client_send(&anna, text.data, text.length);
	for (int turns = 0; turns < 1000; turns++) {
		world_turn(&world);
		ck_assert_ptr_null(client_connection(&anna)->backlog);
	}
	expect_echo();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: long messages");
	TCase *tests = tcase_create("long messages");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_long_message_is_read_while_others_are_answered);
	tcase_add_test(tests, with_headers_it_is_the_same);
	tcase_add_test(tests, what_comes_behind_waits_for_it);
	tcase_add_test(tests, one_long_message_behind_another);
	tcase_add_test(tests, what_is_wrong_is_told_in_the_same_words);
	tcase_add_test(tests, a_batch_is_handled_without_another_copy);
	tcase_add_test(tests, arguments_are_handed_over);
	tcase_add_test(tests, who_is_gone_meanwhile_leaves_nothing);
	tcase_add_test(tests, what_needs_no_answer_is_done_for_one_who_is_gone);
	tcase_add_test(tests, who_is_gone_meanwhile_is_noticed_where_nothing_more_is_read);
	tcase_add_test(tests, a_connection_that_ends_meanwhile_leaves_nothing);
	tcase_add_test(tests, who_says_no_more_is_answered_all_the_same);
	tcase_add_test(tests, a_last_line_that_nothing_ends_is_one);
	tcase_add_test(tests, a_reload_meanwhile_changes_nothing_for_it);
	tcase_add_test(tests, nobody_waits_for_who_is_not_there);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
