/* Who is served when: those who have cost little lately before those who have cost much, by connection, process and user. */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "edge_world.h"

#define ANNA 4001
#define BEN 4002
#define MUCH_NS (20 * NS_PER_MS)
#define REQUEST(method) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\"}\n"

static struct world world;
static struct client anna, ben;

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
}

static void tear_down(void)
{
	client_fini(&anna);
	client_fini(&ben);
	world_fini(&world);
}

/* A flood that took so long has just been handled for it. */
static void has_cost(struct client *client, int64_t ns)
{
	slice_charge(world.edge, &client_connection(client)->peer, clock_mono_ns() - ns);
}

static void asks(struct client *client)
{
	ck_assert_int_gt(send(client->fd, REQUEST("server.ping"), strlen(REQUEST("server.ping")), MSG_NOSIGNAL), 0);
}

/* Answers that have come by now. */
static bool is_answered(struct client *client)
{
	char text[512];
	return recv(client->fd, text, sizeof(text), MSG_DONTWAIT) > 0;
}

/* Turns until it is answered. */
static int turns_of(struct client *client)
{
	for (int turns = 1; turns < 10; turns++) {
		world_turn(&world);
		if (is_answered(client))
			return turns;
	}
	return 10;
}

static void is_modest(struct client *client)
{
	asks(client);
	ck_assert_int_eq(turns_of(client), 1);
}

START_TEST(whose_user_asks_much_is_answered_behind_others)
{
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	asks(&ben);
	world_turn(&world);
	ck_assert(is_answered(&ben));
	ck_assert(!is_answered(&anna));
	ck_assert_int_eq(turns_of(&anna), 1);
}
END_TEST

/* The user is both's; the process is not. */
START_TEST(whose_process_asks_much_is_answered_behind_others)
{
	struct client other;
	join(&other, ANNA, 1003);
	is_modest(&other);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	asks(&other);
	world_turn(&world);
	ck_assert(is_answered(&other));
	ck_assert(!is_answered(&anna));
	client_fini(&other);
}
END_TEST

START_TEST(who_comes_with_many_connections_is_judged_by_all_of_them)
{
	struct client fresh;
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	join(&fresh, ANNA, 1001);
	is_modest(&ben);
	asks(&fresh);
	world_turn(&world);
	ck_assert(!is_answered(&fresh));
	ck_assert_int_eq(turns_of(&fresh), 1);
	client_fini(&fresh);
}
END_TEST

START_TEST(nobody_waits_for_who_is_not_there)
{
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 1);
}
END_TEST

START_TEST(who_asked_little_is_remembered_for_some_seconds_only)
{
	is_modest(&ben);
	world_advance(&world, 3 * NS_PER_S);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 1);
}
END_TEST

/* …and does not wait for himself. */
START_TEST(who_asked_little_and_asks_much_is_served_at_once_where_he_is_alone)
{
	is_modest(&anna);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 2);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 1);
}
END_TEST

/* The core's turn is over when he is served: there has to be another before the loop sleeps. */
START_TEST(what_is_asked_last_in_a_turn_is_not_left_lying)
{
	bool more = false;
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	ck_assert_int_gt(send(anna.fd, REQUEST("echo"), strlen(REQUEST("echo")), MSG_NOSIGNAL), 0);
	for (int turns = 0; turns < 5 && !core_totals(world.core)->submitted; turns++) {
		event_base_loop(world.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		core_turn(world.core);
		ck_assert_uint_eq(core_totals(world.core)->submitted, 0);
		more = edge_turn(world.edge);
	}
	ck_assert_uint_eq(core_totals(world.core)->submitted, 1);
	ck_assert(more);
	ck_assert_int_eq(turns_of(&anna), 2);
}
END_TEST

START_TEST(what_was_much_is_forgotten)
{
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	world_advance(&world, NS_PER_S);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 1);
}
END_TEST

/* Two are remembered, and who is not one of them any more is the first to be forgotten. */
START_TEST(who_asks_little_is_not_forgotten_for_one_who_does_so_now_and_then)
{
	is_modest(&ben);
	is_modest(&anna);
	for (int i = 0; i < 3; i++) {
		has_cost(&anna, MUCH_NS);
		asks(&anna);
		ck_assert_int_lt(turns_of(&anna), 10);
		world_advance(&world, NS_PER_S / 10);
		is_modest(&anna);
	}
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 2);
	ck_assert(slices_are_small(world.edge));
}
END_TEST

START_TEST(who_asks_again_and_again_is_not_heavy_beside_one_who_takes_more)
{
	is_modest(&ben);
	has_cost(&ben, MUCH_NS);
	has_cost(&anna, 4 * MUCH_NS);
	asks(&anna);
	asks(&ben);
	world_turn(&world);
	ck_assert(is_answered(&ben));
	ck_assert(!is_answered(&anna));
}
END_TEST

START_TEST(who_comes_last_rests_behind_his_slice_and_others_do_not)
{
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 2);
	ck_assert_int_ne(world.edge->slices.rest_end_ns, 0);
	world.edge->slices.rest_end_ns = CLOCK_NEVER;
	asks(&anna);
	for (int i = 0; i < 5; i++) {
		ck_assert(world_turn(&world)); /* he waits: nobody sleeps */
		is_modest(&ben);
	}
	ck_assert(!is_answered(&anna));
	world.edge->slices.rest_end_ns = 0;
	ck_assert_int_le(turns_of(&anna), 2);
}
END_TEST

/* …and has more to say then, or half of an answer: a stop does not pass over him. */
START_TEST(who_rests_is_still_there)
{
	struct strbuf batch = STRBUF_INIT;
	const struct connection *connection = client_connection(&anna);
	for (int i = 0; i < 100; i++)
		strbuf_printf(&batch, "%c{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"server.ping\"}", i ? ',' : '[', i);
	strbuf_puts(&batch, "]\n");
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	clock_fake_tick(NS_PER_MS);
	ck_assert_int_gt(send(anna.fd, batch.data, batch.length, MSG_NOSIGNAL), 0);
	for (int i = 0; i < 10 && !heap_has(&connection->rest_timer.node); i++)
		world_turn(&world);
	clock_fake_tick(0);
	ck_assert_ptr_nonnull(connection->backlog);
	ck_assert(heap_has(&connection->rest_timer.node));
	for (int i = 0; i < 5; i++)
		world_turn(&world);
	ck_assert(!edge_quiet(world.edge));
	world_advance(&world, NS_PER_S);
	ck_assert_int_lt(turns_of(&anna), 10);
	world_settle(&world);
	ck_assert(edge_quiet(world.edge));
	strbuf_free(&batch);
}
END_TEST

START_TEST(nobody_rests_where_nobody_is_about_to_ask)
{
	is_modest(&ben);
	world_advance(&world, NS_PER_S);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	ck_assert_int_eq(turns_of(&anna), 2);
	ck_assert_int_eq(world.edge->slices.rest_end_ns, 0);
}
END_TEST

/* …but not for ever: others may keep workers busy for hours. */
START_TEST(who_comes_last_waits_while_there_is_more_to_hear_of_workers)
{
	int turns = 0;
	is_modest(&ben);
	has_cost(&anna, MUCH_NS);
	asks(&anna);
	for (edge_is_behind(world.edge, true); turns < 100 && !is_answered(&anna); turns++)
		world_turn(&world);
	ck_assert_int_gt(turns, 5);
	ck_assert_int_lt(turns, 20);
	edge_is_behind(world.edge, false);
	asks(&anna);
	ck_assert_int_le(turns_of(&anna), 3);
}
END_TEST

/* Turns may be long for hours, too, where many ask little. */
START_TEST(who_has_left_is_cleared_away_though_all_turns_are_long)
{
	int turns = 0;
	is_modest(&ben);
	clock_fake_tick(NS_PER_MS / 20);
	client_leave(&anna);
	for (; turns < 10 && TAILQ_EMPTY(&world.edge->closed); turns++)
		world_turn(&world);
	ck_assert(!TAILQ_EMPTY(&world.edge->closed));
	for (turns = 0; turns < 100 && !TAILQ_EMPTY(&world.edge->closed); turns++)
		ck_assert(world_turn(&world) || TAILQ_EMPTY(&world.edge->closed)); /* nobody sleeps meanwhile */
	clock_fake_tick(0);
	ck_assert(slices_are_small(world.edge));
	ck_assert_int_gt(turns, 1);
	ck_assert_int_lt(turns, 20);
}
END_TEST

/* Whole and in pieces, with something before that is not complete, and all of it is handled. */
START_TEST(what_is_read_in_small_pieces_is_the_same)
{
	static const char one[] = REQUEST("server.ping");
	char text[3 * sizeof(one)];
	size_t answers = 0, length = (size_t)snprintf(text, sizeof(text), "%s%s%s", one, one, one);
	is_modest(&ben);
	usage_of_process(&world.edge->slices.usages, &client_connection(&anna)->peer)->read = 16;
	ck_assert_int_eq(send(anna.fd, text, 20, MSG_NOSIGNAL), 20);
	for (int i = 0; i < 3; i++)
		world_turn(&world);
	ck_assert_int_eq(send(anna.fd, text + 20, length - 20, MSG_NOSIGNAL), (ssize_t)length - 20);
	for (int i = 0; i < 100 && answers < 3; i++) {
		char got[512];
		world_turn(&world);
		ssize_t n = recv(anna.fd, got, sizeof(got), MSG_DONTWAIT);
		for (ssize_t j = 0; j < n; j++)
			answers += got[j] == '\n';
	}
	ck_assert_uint_eq(answers, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: slices");
	TCase *tests = tcase_create("slices");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, whose_user_asks_much_is_answered_behind_others);
	tcase_add_test(tests, whose_process_asks_much_is_answered_behind_others);
	tcase_add_test(tests, who_comes_with_many_connections_is_judged_by_all_of_them);
	tcase_add_test(tests, nobody_waits_for_who_is_not_there);
	tcase_add_test(tests, who_asked_little_is_remembered_for_some_seconds_only);
	tcase_add_test(tests, who_asked_little_and_asks_much_is_served_at_once_where_he_is_alone);
	tcase_add_test(tests, what_is_asked_last_in_a_turn_is_not_left_lying);
	tcase_add_test(tests, what_was_much_is_forgotten);
	tcase_add_test(tests, who_asks_little_is_not_forgotten_for_one_who_does_so_now_and_then);
	tcase_add_test(tests, who_asks_again_and_again_is_not_heavy_beside_one_who_takes_more);
	tcase_add_test(tests, who_comes_last_rests_behind_his_slice_and_others_do_not);
	tcase_add_test(tests, who_rests_is_still_there);
	tcase_add_test(tests, nobody_rests_where_nobody_is_about_to_ask);
	tcase_add_test(tests, who_comes_last_waits_while_there_is_more_to_hear_of_workers);
	tcase_add_test(tests, who_has_left_is_cleared_away_though_all_turns_are_long);
	tcase_add_test(tests, what_is_read_in_small_pieces_is_the_same);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
