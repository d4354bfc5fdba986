/* Message queues over the wire. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge_world.h"

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

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define ASK(method, params) REQUEST("1", method, params)
#define PUT(value) ASK("mq.put", "{\"name\":\"q\",\"value\":" value "}")
#define GET ASK("mq.get", "[\"q\"]")
#define RESULT(text) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" text "}"

static const char *kind_of(struct client *who, const char *line)
{
	return tree_text(client_ask(who, line), "error.data.kind");
}

START_TEST(messages_keep_their_text_and_their_order)
{
	static const char *const values[] = { "null", "1.50", "\"a\\u00e4\"", "{ \"b\": [1, 2],\"a\":true }",
		"12345678901234" };
	char line[256];
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(line, sizeof(line), PUT("%s"), values[i]);
		client_expect(&client, line, RESULT("true"));
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(line, sizeof(line), RESULT("{\"value\":%s}"), values[i]);
		client_expect(&other, GET, line);
	}
	ck_assert_str_eq(kind_of(&client, ASK("mq.put", "{\"name\":\"q\"}")), "invalid_params");
}
END_TEST

START_TEST(who_waits_is_served_in_turn)
{
	client_say(&client, GET);
	client_say(&other, GET);
	ck_assert(client_hears_nothing(&client));
	struct client third;
	client_init(&third, &world);
	client_expect(&third, PUT("\"one\""), RESULT("true"));
	ck_assert_str_eq(client_hear(&client), RESULT("{\"value\":\"one\"}"));
	ck_assert(client_hears_nothing(&other));
	client_expect(&third, PUT("\"two\""), RESULT("true"));
	ck_assert_str_eq(client_hear(&other), RESULT("{\"value\":\"two\"}"));
	client_fini(&third);
}
END_TEST

START_TEST(nothing_is_lost_to_one_who_has_left)
{
	client_say(&other, GET);
	ck_assert(client_hears_nothing(&other));
	client_leave(&other);
	world_settle(&world);
	client_expect(&client, PUT("7"), RESULT("true"));
	client_expect(&client, GET, RESULT("{\"value\":7}"));
}
END_TEST

START_TEST(a_get_that_does_not_wait_finds_nothing)
{
	ck_assert_str_eq(kind_of(&client, ASK("mq.get", "[\"q\",0]")), "wait_timed_out");
	client_say(&client, ASK("mq.get", "[\"q\",\"1s\"]"));
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_S);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "wait_timed_out");
	client_expect(&client, PUT("1"), RESULT("true"));
	client_expect(&client, GET, RESULT("{\"value\":1}"));
}
END_TEST

START_TEST(a_get_that_nobody_hears_takes_nothing)
{
	client_expect(&client, PUT("1"), RESULT("true"));
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"mq.get\",\"params\":[\"q\"]}");
	client_expect(&client, GET, RESULT("{\"value\":1}"));
}
END_TEST

START_TEST(the_highest_priority_goes_first)
{
	client_expect(
		&client, ASK("mq.create", "{\"name\":\"q\",\"order\":\"priority\"}"), RESULT("{\"created\":true}"));
	client_expect(&client, ASK("mq.create", "{\"name\":\"q\"}"), RESULT("{\"created\":false}"));
	client_expect(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":1,\"priority\":-1}"), RESULT("true"));
	client_expect(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":2}"), RESULT("true"));
	client_expect(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":3,\"priority\":9}"), RESULT("true"));
	client_expect(&client, GET, RESULT("{\"value\":3,\"priority\":9}"));
	client_expect(&client, GET, RESULT("{\"value\":2}"));
	client_expect(&client, GET, RESULT("{\"value\":1,\"priority\":-1}"));
	ck_assert_str_eq(kind_of(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":1,\"end\":\"head\"}")), "mismatch");
	ck_assert_str_eq(
		kind_of(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":1,\"order\":\"lifo\"}")), "mismatch");
}
END_TEST

START_TEST(both_ends_can_be_used)
{
	client_expect(&client, PUT("2"), RESULT("true"));
	client_expect(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":1,\"end\":\"head\"}"), RESULT("true"));
	client_expect(&client, PUT("3"), RESULT("true"));
	client_expect(&client, ASK("mq.peek", "{\"name\":\"q\",\"limit\":9}"), RESULT("{\"values\":[1,2,3]}"));
	client_expect(&client, ASK("mq.peek", "{\"name\":\"q\"}"), RESULT("{\"values\":[1]}"));
	client_expect(&client, ASK("mq.get", "{\"name\":\"q\",\"end\":\"tail\"}"), RESULT("{\"value\":3}"));
	client_expect(&client, GET, RESULT("{\"value\":1}"));
}
END_TEST

START_TEST(what_is_not_acknowledged_comes_back)
{
	client_expect(&client, PUT("\"first\""), RESULT("true"));
	client_expect(&client, PUT("\"second\""), RESULT("true"));
	json_t *answer = client_ask(&other, ASK("mq.get", "{\"name\":\"q\",\"ack\":true}"));
	ck_assert_str_eq(tree_text(answer, "result.value"), "first");
	ck_assert_int_eq(tree_int(answer, "result.deliveries"), 1);
	ck_assert_ptr_nonnull(tree_at(answer, "result.receipt"));
	client_leave(&other);
	world_settle(&world);
	client_expect(&client, GET, RESULT("{\"value\":\"first\",\"deliveries\":2}"));
	answer = client_ask(&client, ASK("mq.get", "{\"name\":\"q\",\"ack\":true}"));
	char line[128];
	snprintf(line, sizeof(line), ASK("mq.nack", "[\"%s\"]"), tree_text(answer, "result.receipt"));
	client_expect(&client, line, RESULT("true"));
	ck_assert_str_eq(kind_of(&client, line), "not_found");
	answer = client_ask(&client, ASK("mq.get", "{\"name\":\"q\",\"ack\":true}"));
	ck_assert_int_eq(tree_int(answer, "result.deliveries"), 2);
	snprintf(line, sizeof(line), ASK("mq.ack", "[\"%s\"]"), tree_text(answer, "result.receipt"));
	client_expect(&client, line, RESULT("true"));
	ck_assert_int_eq(tree_int(client_ask(&client, ASK("mq.length", "[\"q\"]")), "result.unacked"), 0);
}
END_TEST

START_TEST(a_full_queue_holds_up_who_puts)
{
	client_expect(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":1,\"limit_count\":1}"), RESULT("true"));
	json_t *answer = client_ask(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":2,\"timeout\":0}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "queue_full");
	ck_assert_int_eq(tree_int(answer, "error.data.length"), 1);
	ck_assert_int_eq(tree_int(answer, "error.data.limit_count"), 1);
	client_say(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":3,\"timeout\":1}"));
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_S);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "queue_full");
	client_say(&client, ASK("mq.put", "{\"name\":\"q\",\"value\":4}"));
	ck_assert(client_hears_nothing(&client));
	answer = client_ask(&other, ASK("mq.length", "[\"q\"]"));
	ck_assert_int_eq(tree_int(answer, "result.putters"), 1);
	client_expect(&other, GET, RESULT("{\"value\":1}"));
	ck_assert_str_eq(client_hear(&client), RESULT("true"));
	client_expect(&other, GET, RESULT("{\"value\":4}"));
}
END_TEST

START_TEST(a_join_waits_until_all_is_done)
{
	client_expect(&client, ASK("mq.join", "[\"q\"]"), RESULT("true"));
	client_expect(&client, PUT("1"), RESULT("true"));
	client_say(&client, ASK("mq.join", "[\"q\"]"));
	ck_assert(client_hears_nothing(&client));
	json_t *answer = client_ask(&other, ASK("mq.join", "[\"q\",0]"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "wait_timed_out");
	ck_assert_int_eq(tree_int(answer, "error.data.unfinished"), 1);
	client_expect(&other, GET, RESULT("{\"value\":1}"));
	client_expect(&other, ASK("mq.task_done", "[\"q\"]"), RESULT("{\"unfinished\":0}"));
	ck_assert_str_eq(client_hear(&client), RESULT("true"));
	for (int i = 0; i < 4; i++)
		client_expect(&client, PUT("1"), RESULT("true"));
	for (int i = 0; i < 3; i++)
		client_expect(&other, GET, RESULT("{\"value\":1}"));
	client_expect(&other, ASK("mq.task_done", "[\"q\",2]"), RESULT("{\"unfinished\":2}"));
}
END_TEST

START_TEST(a_queue_that_is_deleted_lets_nobody_wait)
{
	client_say(&client, GET);
	ck_assert(client_hears_nothing(&client));
	client_expect(&other, ASK("mq.delete", "[\"q\"]"), RESULT("true"));
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "not_found");
	ck_assert_str_eq(tree_text(answer, "error.message"), "the message queue \"q\" was deleted");
	ck_assert_str_eq(kind_of(&other, ASK("mq.delete", "[\"q\"]")), "not_found");
}
END_TEST

START_TEST(what_is_in_a_queue_can_be_counted_and_thrown_away)
{
	client_expect(&client, ASK("mq.length", "[\"q\"]"),
		RESULT("{\"length\":0,\"bytes\":0,\"unacked\":0,\"unfinished\":0,\"getters\":0,\"putters\":0}"));
	client_expect(&client, PUT("[1,2]"), RESULT("true"));
	client_expect(&client, PUT("3"), RESULT("true"));
	json_t *answer = client_ask(&client, ASK("mq.length", "[\"q\"]"));
	ck_assert_int_eq(tree_int(answer, "result.length"), 2);
	ck_assert_int_eq(tree_int(answer, "result.bytes"), 6);
	ck_assert_int_eq(tree_int(answer, "result.unfinished"), 2);
	ck_assert_int_eq(tree_int(answer, "result.owner"), geteuid());
	ck_assert(json_is_false(tree_at(answer, "result.shared")));
	answer = client_ask(&client, ASK("mq.list", "[]"));
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "q");
	ck_assert_str_eq(tree_text(answer, "result.0.order"), "fifo");
	ck_assert_int_eq(tree_int(answer, "result.0.length"), 2);
	ck_assert(json_is_false(tree_at(answer, "result.0.created")));
	client_expect(&client, ASK("mq.clear", "[\"q\"]"), RESULT("{\"cleared\":2}"));
	client_expect(&client, ASK("mq.clear", "[\"q\"]"), RESULT("{\"cleared\":0}"));
}
END_TEST

/* --- whose it is --- */

#define ANNA 4001
#define BEN 4002

static void become(struct client *who, uid_t uid)
{
	client_become(who, uid, uid, NULL);
}

/* The other is Anna, and the client Ben. */
static void set_up_two(void)
{
	set_up();
	become(&other, ANNA);
	become(&client, BEN);
}

static void expect_denied(json_t *answer, int owner)
{
	char whose[32];
	snprintf(whose, sizeof(whose), "belongs to user uid %d,", owner);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "denied");
	ck_assert_str_eq(tree_text(answer, "error.data.right"), "submit");
	ck_assert_int_eq(tree_int(answer, "error.data.owner"), owner);
	ck_assert_msg(strstr(tree_text(answer, "error.message"), whose), "%s", tree_text(answer, "error.message"));
}

static void wait_for_one(struct client *who)
{
	client_say(who, GET);
	ck_assert(client_hears_nothing(who));
}

/* The answers to 1 and 2, which come in any order. */
static void hear_both(struct client *who)
{
	long long sum = 0;
	for (int i = 0; i < 2; i++)
		sum += tree_int(client_hear_json(who), "id");
	ck_assert_int_eq(sum, 3);
}

static const char *const makings[] = { PUT("1"), ASK("mq.create", "[\"q\"]") };

START_TEST(who_waits_keeps_nobody_off_the_name)
{
	wait_for_one(&client);
	json_t *answer = client_ask(&other, ASK("mq.length", "[\"q\"]"));
	ck_assert_int_eq(tree_int(answer, "result.getters"), 1);
	ck_assert_ptr_null(tree_at(answer, "result.owner"));
	answer = client_ask(&other, ASK("mq.list", "[]"));
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "q");
	ck_assert_ptr_null(tree_at(answer, "result.0.owner"));
	ck_assert_ptr_null(tree_at(answer, "result.0.maker"));
	ck_assert_ptr_nonnull(tree_at(client_ask(&other, makings[_i]), "result"));
	expect_denied(client_hear_json(&client), ANNA);
	expect_denied(client_ask(&client, PUT("2")), ANNA);
	expect_denied(client_ask(&client, GET), ANNA);
	answer = client_ask(&other, ASK("mq.list", "[]"));
	ck_assert_int_eq(tree_int(answer, "result.0.owner"), ANNA);
	ck_assert_int_eq(tree_int(answer, "result.0.getters"), 0);
	ck_assert_int_eq(tree_int(answer, "result.0.length"), _i == 0);
	ck_assert_uint_eq(json_array_size(tree_at(client_ask(&client, ASK("mq.list", "[]")), "result")), 0);
	client_expect(&other, ASK("mq.delete", "[\"q\"]"), RESULT("true"));
	wait_for_one(&other); /* and the other way round */
	client_expect(&client, PUT("2"), RESULT("true"));
	expect_denied(client_hear_json(&other), BEN);
}
END_TEST

START_TEST(what_is_put_goes_to_its_owner_and_to_admins)
{
	struct client third;
	client_init(&third, &world);
	become(&third, ANNA);
	wait_for_one(&client);
	wait_for_one(&third);
	client_expect(&other, PUT("1"), RESULT("true"));
	ck_assert_str_eq(client_hear(&third), RESULT("{\"value\":1}"));
	expect_denied(client_hear_json(&client), ANNA);
	become(&client, 0);
	wait_for_one(&client);
	client_expect(&other, PUT("2"), RESULT("true"));
	ck_assert_str_eq(client_hear(&client), RESULT("{\"value\":2}"));
	client_fini(&third);
}
END_TEST

START_TEST(who_waits_for_what_becomes_shared_goes_on)
{
	wait_for_one(&client);
	client_expect(&other, ASK("mq.create", "{\"name\":\"q\",\"shared\":true}"), RESULT("{\"created\":true}"));
	client_expect(&other, PUT("1"), RESULT("true"));
	ck_assert_str_eq(client_hear(&client), RESULT("{\"value\":1}"));
}
END_TEST

START_TEST(what_is_nobodys_is_not_anothers_to_delete)
{
	wait_for_one(&client);
	ck_assert_str_eq(kind_of(&other, ASK("mq.delete", "[\"q\"]")), "not_found");
	client_say(&other, REQUEST("2", "mq.get", "[\"q\"]"));
	client_say(&other, ASK("mq.delete", "[\"q\"]"));
	hear_both(&other);
	ck_assert(client_hears_nothing(&client));
	become(&other, 0);
	client_expect(&other, ASK("mq.delete", "[\"q\"]"), RESULT("true"));
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "not_found");
}
END_TEST

START_TEST(who_is_no_admin_any_more_waits_no_longer_for_what_is_anothers)
{
	const struct config_access sections[] = {
		{ .users = (char *)"4001", .submit = 1 },
		{ .users = (char *)"4002", .submit = 1, .admin = 1 },
	};
	const struct config_access later = { .users = (char *)"*", .submit = 1 };
	world_allow(&world, sections, 2);
	client_expect(&other, ASK("mq.create", "[\"q\"]"), RESULT("{\"created\":true}"));
	wait_for_one(&client);
	world_allow(&world, &later, 1);
	expect_denied(client_hear_json(&client), ANNA);
	client_expect(&other, PUT("2"), RESULT("true"));
	client_expect(&other, GET, RESULT("{\"value\":2}"));
}
END_TEST

/* It is his wait alone that keeps it. */
START_TEST(he_is_told_so_where_the_queue_ends_with_his_wait)
{
	const struct config_access admin = { .users = (char *)"4002", .submit = 1, .admin = 1 };
	const struct config_access later = { .users = (char *)"*", .submit = 1 };
	world_allow(&world, (const struct config_access[]){ admin, { .users = (char *)"4001", .submit = 1 } }, 2);
	wait_for_one(&other);
	wait_for_one(&client);
	client_say(&other, REQUEST("2", "mq.put", "{\"name\":\"q\",\"value\":1}"));
	hear_both(&other);
	ck_assert(client_hears_nothing(&client));
	world_allow(&world, &later, 1);
	expect_denied(client_hear_json(&client), ANNA);
	ck_assert_uint_eq(json_array_size(tree_at(client_ask(&other, ASK("mq.list", "[]")), "result")), 0);
}
END_TEST

/* --- large and odd ones --- */

START_TEST(a_large_message_travels_whole)
{
	size_t size = 3u << 20;
	char *value = xmalloc(size + 128), *line = xmalloc(size + 256);
	memset(value, 'x', size);
	value[0] = value[size - 1] = '"';
	value[size] = '\0';
	snprintf(line, size + 256, PUT("%s"), value);
	client_expect(&client, line, RESULT("true"));
	snprintf(line, size + 256, RESULT("{\"value\":%s,\"receipt\":\"1\",\"deliveries\":1}"), value);
	client_expect(&other, ASK("mq.get", "{\"name\":\"q\",\"ack\":true}"), line);
	free(value);
	free(line);
}
END_TEST

START_TEST(a_message_may_be_too_large)
{
	world.config.payload_limit = 100;
	world.config.mq_bytes_limit = 300;
	world_configure(&world);
	char value[200], line[512];
	memset(value, '1', sizeof(value));
	value[0] = value[101] = '"';
	value[102] = '\0';
	snprintf(line, sizeof(line), PUT("%s"), value);
	ck_assert_str_eq(kind_of(&client, line), "too_large");
	value[80] = '"';
	value[81] = '\0';
	snprintf(line, sizeof(line), PUT("%s"), value);
	const char *kind = "(none)";
	for (int i = 0; i < 5 && strcmp(kind, "(none)") == 0; i++)
		kind = kind_of(&client, line);
	ck_assert_str_eq(kind, "too_many");
}
END_TEST

/* Receivers that read lines must be able to. */
START_TEST(a_value_over_several_lines_becomes_one)
{
	static const char body[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"mq.put\",\"params\":{\"name\":\"q\",\"value\":[1,\r\n\t2]}}";
	char message[256];
	int length = snprintf(message, sizeof(message), "Content-Length: %zu\r\n\r\n%s", sizeof(body) - 1, body);
	client_send(&client, message, (size_t)length);
	world_settle(&world);
	client_expect(&other, GET, RESULT("{\"value\":[1,  \t2]}"));
}
END_TEST

START_TEST(a_batch_of_puts_and_gets_works)
{
	client_expect(&client, "[" PUT("1") "," GET "," PUT("2") "," GET "]",
		"[" RESULT("true") "," RESULT("{\"value\":1}") "," RESULT("true") "," RESULT("{\"value\":2}") "]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge objects: message queues");
	TCase *queues = tcase_create("queues");
	tcase_add_checked_fixture(queues, set_up, tear_down);
	tcase_add_test(queues, messages_keep_their_text_and_their_order);
	tcase_add_test(queues, who_waits_is_served_in_turn);
	tcase_add_test(queues, nothing_is_lost_to_one_who_has_left);
	tcase_add_test(queues, a_get_that_does_not_wait_finds_nothing);
	tcase_add_test(queues, a_get_that_nobody_hears_takes_nothing);
	tcase_add_test(queues, the_highest_priority_goes_first);
	tcase_add_test(queues, both_ends_can_be_used);
	tcase_add_test(queues, what_is_not_acknowledged_comes_back);
	tcase_add_test(queues, a_full_queue_holds_up_who_puts);
	tcase_add_test(queues, a_join_waits_until_all_is_done);
	tcase_add_test(queues, a_queue_that_is_deleted_lets_nobody_wait);
	tcase_add_test(queues, what_is_in_a_queue_can_be_counted_and_thrown_away);
	suite_add_tcase(suite, queues);
	TCase *whose = tcase_create("whose");
	tcase_add_checked_fixture(whose, set_up_two, tear_down);
	tcase_add_loop_test(whose, who_waits_keeps_nobody_off_the_name, 0, sizeof(makings) / sizeof(makings[0]));
	tcase_add_test(whose, what_is_put_goes_to_its_owner_and_to_admins);
	tcase_add_test(whose, who_waits_for_what_becomes_shared_goes_on);
	tcase_add_test(whose, what_is_nobodys_is_not_anothers_to_delete);
	tcase_add_test(whose, who_is_no_admin_any_more_waits_no_longer_for_what_is_anothers);
	tcase_add_test(whose, he_is_told_so_where_the_queue_ends_with_his_wait);
	suite_add_tcase(suite, whose);
	TCase *values = tcase_create("values");
	tcase_add_checked_fixture(values, set_up, tear_down);
	tcase_add_test(values, a_large_message_travels_whole);
	tcase_add_test(values, a_message_may_be_too_large);
	tcase_add_test(values, a_value_over_several_lines_becomes_one);
	tcase_add_test(values, a_batch_of_puts_and_gets_works);
	suite_add_tcase(suite, values);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
