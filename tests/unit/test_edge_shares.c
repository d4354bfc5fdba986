/* Shares of the edge: requests a second, outstanding requests, connections; whom they do not bind; and what is told of what
 * each user has. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge_world.h"

#define ANNA 4001
#define BEN 4002

static struct world world;
static struct client anna, again, ben;

static void join(struct client *client, uid_t uid)
{
	client_init(client, &world);
	client_become(client, uid, uid, NULL);
}

static void set_up(void)
{
	world_init(&world);
	join(&anna, ANNA);
	join(&again, ANNA);
	join(&ben, BEN);
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&again);
	client_fini(&ben);
	world_fini(&world);
}

static json_t *ask(struct client *client, const char *method, const char *params)
{
	char line[512];
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	return client_ask(client, line);
}

static bool is_over(json_t *answer)
{
	return strcmp(tree_text(answer, "error.data.kind"), "over_share") == 0;
}

/* So many of N pings are answered. */
static int pings(struct client *client, int n)
{
	int fine = 0;
	for (int i = 0; i < n; i++)
		fine += !is_over(ask(client, "server.ping", "{}"));
	return fine;
}

/* --- watches --- */

/* So many of N watches are begun. */
static int watches(struct client *client, int n)
{
	int fine = 0;
	for (int i = 0; i < n; i++)
		fine += strcmp(tree_text(ask(client, "task.watch", "{}"), "error.data.kind"), "too_many") != 0;
	return fine;
}

/* Each of them is looked through at each event. */
START_TEST(one_users_watches_by_a_filter_are_counted_over_all_connections)
{
	struct client third;
	join(&third, ANNA);
	ck_assert_int_eq(watches(&anna, 100), 100);
	ck_assert_int_eq(watches(&again, 100), 100);
	ck_assert_int_eq(watches(&third, 60), 56);
	ck_assert_int_eq(watches(&ben, 60), 60); /* another's are his own */
	ck_assert_str_eq(tree_text(ask(&third, "task.watch", "{\"ids\":[]}"), "result.watch"), "57"); /* nobody looks through these */
	ck_assert_ptr_nonnull(tree_at(ask(&again, "task.unwatch", "{\"watch\":\"7\"}"), "result"));
	ck_assert_int_eq(watches(&third, 2), 1);
	client_leave(&anna);
	world_settle(&world);
	ck_assert_int_eq(watches(&third, 100), 42);
	client_fini(&third);
}
END_TEST

/* --- memory --- */

enum { WAITS = 16, IDS = 500 };

/* Waits for a task IDS times over; true: it was refused. */
static bool waits_in_vain(struct client *client)
{
	char line[4096] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.wait\",\"params\":{\"ids\":[1";
	for (int i = 1; i < IDS; i++)
		strcat(line, ",1");
	client_say(client, strcat(line, "]}}"));
	world_settle(&world);
	return !client_hears_nothing(client) &&
		strcmp(tree_text(client_hear_json(client), "error.data.kind"), "too_many") == 0;
}

START_TEST(what_waits_for_all_of_a_users_connections_has_a_limit)
{
	struct client many[WAITS];
	int refused = 0;
	world.config.output_limit = 50000; /* of one connection: enough for one such wait, and not for two */
	world_configure(&world);
	ask(&anna, "task.submit", "{\"task\":\"hold\"}");
	for (int i = 0; i < WAITS; i++) {
		join(&many[i], ANNA);
		refused += waits_in_vain(&many[i]);
	}
	ck_assert_int_gt(refused, 0);
	ck_assert_int_lt(refused, WAITS - EDGE_USER_OUTPUTS + 1); /* each has less than it may have */
	ck_assert(!is_over(ask(&ben, "task.submit", "{\"task\":\"hold\"}")));
	ck_assert(waits_in_vain(&again));
	client_leave(&many[0]);
	world_settle(&world);
	ck_assert(!waits_in_vain(&again));
	for (int i = 0; i < WAITS; i++)
		client_fini(&many[i]);
	client_leave(&again);
	world_settle(&world);
	ck_assert_uint_eq(user_of(world.edge, ANNA)->held, 0);
}
END_TEST

enum { BEGINNERS = 8, UNFINISHED = 60000 };

/* Begins a message, and says so much of it; true: it may go on. */
static bool begins_message(struct client *client, size_t length)
{
	static char text[UNFINISHED];
	memset(text, 'x', length);
	memcpy(text, "{\"params\":[\"", 12);
	client_send(client, text, length);
	world_settle(&world);
	return client_connection(client);
}

START_TEST(what_is_held_of_unfinished_messages_has_a_limit_over_all_connections)
{
	struct client many[BEGINNERS];
	size_t most = 100000 * EDGE_USER_FRAMES;
	int begun = 0;
	world.config.frame_limit = 100000;
	world_configure(&world);
	for (int i = 0; i < BEGINNERS; i++) {
		join(&many[i], ANNA);
		begun += begins_message(&many[i], UNFINISHED);
	}
	ck_assert_int_ge(begun, 2); /* a buffer has as much room again */
	ck_assert_int_lt(begun, BEGINNERS);
	ck_assert_uint_gt(user_of(world.edge, ANNA)->input, most / 2);
	ck_assert_uint_le(user_of(world.edge, ANNA)->input, most);
	ck_assert(!begins_message(&again, UNFINISHED));
	ck_assert(begins_message(&anna, 1000)); /* little is always read */
	ck_assert(begins_message(&ben, UNFINISHED));
	client_leave(&many[0]);
	client_fini(&again);
	join(&again, ANNA);
	ck_assert(begins_message(&again, UNFINISHED));
	for (int i = 0; i < BEGINNERS; i++)
		client_fini(&many[i]);
	client_leave(&again);
	world_settle(&world);
	ck_assert_uint_le(user_of(world.edge, ANNA)->input, 2048); /* anna's own */
}
END_TEST

START_TEST(an_admins_unfinished_messages_have_no_such_limit)
{
	struct client many[BEGINNERS];
	world.config.frame_limit = 100000;
	world_configure(&world);
	for (int i = 0; i < BEGINNERS; i++) {
		join(&many[i], 0);
		ck_assert(begins_message(&many[i], UNFINISHED));
	}
	for (int i = 0; i < BEGINNERS; i++)
		client_fini(&many[i]);
}
END_TEST

/* --- requests a second --- */

static void set_rate(double rate, int64_t burst)
{
	world.config.user_rate = rate;
	world.config.user_burst = burst;
	world_configure(&world);
}

START_TEST(requests_have_a_rate_and_a_burst_on_all_connections_together)
{
	set_rate(10, 5);
	ck_assert_int_eq(pings(&anna, 3), 3);
	ck_assert_int_eq(pings(&again, 3), 2);
	json_t *answer = ask(&anna, "server.ping", "{}");
	ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_rate");
	ck_assert_str_eq(tree_text(answer, "error.data.user"), "uid 4001");
	ck_assert_double_eq(json_number_value(tree_at(answer, "error.data.most")), 10);
	ck_assert_double_eq_tol(json_number_value(tree_at(answer, "error.data.retry_after")), 0.1, 0.001);
	ck_assert_int_eq(pings(&ben, 5), 5); /* another's is his own */
	world_advance(&world, 100 * NS_PER_MS);
	ck_assert_int_eq(pings(&anna, 3), 1);
	world_advance(&world, 3600 * NS_PER_S); /* more than a burst is not saved up */
	ck_assert_int_eq(pings(&anna, 9), 5);
}
END_TEST

START_TEST(each_request_of_a_batch_counts_and_what_is_no_request_too)
{
	set_rate(1, 3);
	json_t *answer = client_ask(&anna, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\"},"
					   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"server.ping\"},7,"
					   "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"server.ping\"}]");
	ck_assert(!is_over(json_array_get(answer, 1)));
	ck_assert_str_eq(tree_text(answer, "2.error.data.kind"), "invalid_request");
	ck_assert(is_over(json_array_get(answer, 3)));
	client_say(&anna, "nonsense");
	ck_assert(is_over(client_hear_json(&anna)));
}
END_TEST

START_TEST(who_comes_back_has_not_gained_a_burst)
{
	set_rate(0.5, 4);
	ck_assert_int_eq(pings(&ben, 9), 4);
	client_leave(&ben);
	world_settle(&world);
	ck_assert_ptr_nonnull(user_of(world.edge, BEN));
	struct client back;
	join(&back, BEN);
	ck_assert_int_eq(pings(&back, 3), 0);
	client_leave(&back);
	world_advance(&world, 9 * NS_PER_S); /* all that he owed: his account goes */
	ck_assert_ptr_null(user_of(world.edge, BEN));
	client_fini(&back);
}
END_TEST

START_TEST(what_is_owed_is_owed_by_the_rate_that_holds_now)
{
	set_rate(0.001, 3);
	ck_assert_int_eq(pings(&anna, 9), 3);
	ck_assert_int_eq(pings(&ben, 9), 3);
	client_leave(&ben);
	world_settle(&world);
	set_rate(1000, 3);
	ck_assert_int_eq(pings(&anna, 3), 0); /* it is as many requests as before */
	world_advance(&world, 10 * NS_PER_MS);
	ck_assert_int_eq(pings(&anna, 9), 3);
	ck_assert_ptr_null(user_of(world.edge, BEN));
}
END_TEST

START_TEST(a_notification_that_comes_too_early_is_not_done)
{
	set_rate(1, 1);
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\"}}");
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\"}}");
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 1);
	ck_assert_uint_eq(user_of(world.edge, ANNA)->refused, 1);
}
END_TEST

/* --- outstanding requests --- */

START_TEST(who_waits_for_so_much_may_do_what_ends_that_and_nothing_else)
{
	world.config.user_requests = 2;
	world_configure(&world);
	client_say(&anna, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"event.wait\",\"params\":{\"name\":\"e\"}}");
	client_say(&again, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"hold\"}");
	world_settle(&world);
	ck_assert_uint_eq(user_of(world.edge, ANNA)->outstanding, 2);
	json_t *answer = ask(&anna, "task.call", "{\"task\":\"echo\"}");
	ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_requests");
	ck_assert_int_eq(tree_int(answer, "error.data.most"), 2);
	ck_assert_int_eq(tree_int(answer, "error.data.has"), 2);
	ck_assert(is_over(ask(&anna, "echo", "[1]")));
	ck_assert(is_over(ask(&again, "lock.acquire", "{\"name\":\"l\"}")));
	ck_assert(!is_over(ask(&ben, "echo", "[1]")));
	client_say(&again, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"event.set\",\"params\":{\"name\":\"e\"}}");
	ck_assert_str_eq(client_hear(&anna), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}");
	ck_assert_str_eq(client_hear(&again), "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":true}");
	ck_assert(!is_over(ask(&anna, "echo", "[1]")));
	client_leave(&again); /* what it waited for is off his account */
	world_settle(&world);
	ck_assert_uint_eq(user_of(world.edge, ANNA)->outstanding, 0);
}
END_TEST

START_TEST(what_a_batch_watches_is_outstanding)
{
	static const char two[] = "{\"tasks\":[{\"task\":\"hold\",\"watch\":true},{\"task\":\"hold\",\"watch\":true},{\"task\":\"hold\"}]}";
	world.config.user_requests = 3;
	world_configure(&world);
	ck_assert(!is_over(ask(&anna, "task.submit_batch", two)));
	ck_assert_uint_eq(user_of(world.edge, ANNA)->outstanding, 2);
	json_t *answer = ask(&again, "task.submit_batch", two);
	ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_requests");
	ck_assert_uint_eq(user_of(world.edge, ANNA)->outstanding, 2);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 3);
}
END_TEST

/* --- connections --- */

START_TEST(connections_have_a_share_and_who_has_it_is_told)
{
	struct strbuf line = STRBUF_INIT;
	world.config.user_connections = 2;
	world_configure(&world);
	ck_assert(!user_may_connect(world.edge, ANNA, &line));
	json_t *error = json_loads(line.data, 0, NULL);
	ck_assert_str_eq(tree_text(error, "error.data.limit"), "user_connections");
	ck_assert_int_eq(tree_int(error, "error.data.most"), 2);
	ck_assert(json_is_null(tree_at(error, "id")) == 1);
	json_decref(error);
	strbuf_reset(&line);
	ck_assert(user_may_connect(world.edge, BEN, &line));
	ck_assert(user_may_connect(world.edge, 4003, &line));
	client_leave(&again);
	world_settle(&world);
	ck_assert(user_may_connect(world.edge, ANNA, &line));
	ck_assert_uint_eq(line.length, 0);
	world.config.user_connections = -1; /* half of 64 */
	world_configure(&world);
	ck_assert_uint_eq(world.edge->shares.connections, 32);
	strbuf_free(&line);
}
END_TEST

START_TEST(root_and_the_daemons_user_have_no_shares)
{
	struct strbuf line = STRBUF_INIT;
	const uid_t uids[] = { 0, geteuid() };
	world.config.user_connections = 1;
	world.config.user_requests = 1;
	set_rate(1, 1);
	for (size_t i = 0; i < 2; i++) {
		client_become(&anna, uids[i], 1, NULL);
		client_become(&again, uids[i], 1, NULL);
		ck_assert(user_may_connect(world.edge, uids[i], &line));
		ck_assert_int_eq(pings(&anna, 5), 5);
		client_say(&again, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hold\"}");
		client_say(&again, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"hold\"}");
		ck_assert(client_hears_nothing(&again));
	}
}
END_TEST

/* --- what is told --- */

static json_t *row_of(json_t *answer, uid_t uid)
{
	json_t *row;
	size_t i;
	json_array_foreach(tree_at(answer, "result"), i, row)
		if (tree_int(row, "uid") == uid)
			return row;
	return NULL;
}

START_TEST(how_many_came_in_a_second_is_told)
{
	json_t *row;
	world_advance(&world, NS_PER_S - core_now(world.core) % NS_PER_S); /* a second of the clock begins */
	pings(&anna, 3);
	pings(&again, 4);
	row = row_of(ask(&anna, "user.list", "{}"), ANNA);
	ck_assert_int_eq(tree_int(row, "rate"), 0);
	world_advance(&world, NS_PER_S);
	row = row_of(ask(&anna, "user.list", "{}"), ANNA);
	ck_assert_int_eq(tree_int(row, "rate"), 8);
	world_advance(&world, NS_PER_S);
	row = row_of(ask(&anna, "user.list", "{}"), ANNA);
	ck_assert_int_eq(tree_int(row, "rate"), 1);
	world_advance(&world, 3 * NS_PER_S);
	row = row_of(ask(&anna, "user.list", "{}"), ANNA);
	ck_assert_int_eq(tree_int(row, "rate"), 0);
}
END_TEST

START_TEST(the_list_of_users_has_what_each_has)
{
	world.config.user_running = 7;
	world.config.object_limit = 10;
	world_configure(&world);
	ask(&anna, "task.submit", "{\"task\":\"hold\"}");
	ask(&anna, "task.submit", "{\"task\":\"echo\",\"delay\":10}");
	ask(&anna, "mq.put", "{\"name\":\"q\",\"value\":1}");
	client_say(&again, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"event.wait\",\"params\":{\"name\":\"e\"}}");
	ask(&ben, "task.submit", "{\"task\":\"echo\"}");
	client_leave(&ben); /* his task is still there */
	world_settle(&world);
	json_t *row = row_of(ask(&anna, "user.list", "{}"), ANNA);
	ck_assert_str_eq(tree_text(row, "user"), "uid 4001");
	ck_assert_int_eq(tree_int(row, "connections"), 2);
	ck_assert_int_eq(tree_int(row, "outstanding"), 1);
	ck_assert_int_eq(tree_int(row, "requests"), 5);
	ck_assert_int_eq(tree_int(row, "refused"), 0);
	ck_assert_int_eq(tree_int(row, "rate"), 0);
	ck_assert_int_eq(tree_int(row, "running"), 1);
	ck_assert_int_eq(tree_int(row, "queued"), 1);
	ck_assert_int_eq(tree_int(row, "objects"), 2);
	ck_assert_int_eq(tree_int(row, "waiters"), 1);
	ck_assert_int_ge(tree_int(row, "mq_bytes"), 1);
	ck_assert_int_eq(tree_int(row, "shares.user_running"), 7);
	ck_assert_int_eq(tree_int(row, "shares.object_limit"), 10);
	ck_assert_ptr_null(tree_at(row, "shares.user_rate")); /* no limit */
	ck_assert_uint_eq(json_array_size(tree_at(ask(&anna, "user.list", "{}"), "result")), 1);
	client_become(&anna, geteuid(), 1, NULL);
	json_t *answer = ask(&anna, "user.list", "{}");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 3);
	ck_assert_int_eq(tree_int(row_of(answer, BEN), "kept"), 1);
	ck_assert_int_eq(tree_int(row_of(answer, BEN), "connections"), 0);
	ck_assert_ptr_null(tree_at(row_of(answer, geteuid()), "shares.user_running"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_shares");
	TCase *tcase = tcase_create("shares");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_waits_for_all_of_a_users_connections_has_a_limit);
	tcase_add_test(tcase, what_is_held_of_unfinished_messages_has_a_limit_over_all_connections);
	tcase_add_test(tcase, an_admins_unfinished_messages_have_no_such_limit);
	tcase_add_test(tcase, one_users_watches_by_a_filter_are_counted_over_all_connections);
	tcase_add_test(tcase, requests_have_a_rate_and_a_burst_on_all_connections_together);
	tcase_add_test(tcase, each_request_of_a_batch_counts_and_what_is_no_request_too);
	tcase_add_test(tcase, who_comes_back_has_not_gained_a_burst);
	tcase_add_test(tcase, how_many_came_in_a_second_is_told);
	tcase_add_test(tcase, what_is_owed_is_owed_by_the_rate_that_holds_now);
	tcase_add_test(tcase, a_notification_that_comes_too_early_is_not_done);
	tcase_add_test(tcase, who_waits_for_so_much_may_do_what_ends_that_and_nothing_else);
	tcase_add_test(tcase, what_a_batch_watches_is_outstanding);
	tcase_add_test(tcase, connections_have_a_share_and_who_has_it_is_told);
	tcase_add_test(tcase, root_and_the_daemons_user_have_no_shares);
	tcase_add_test(tcase, the_list_of_users_has_what_each_has);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
