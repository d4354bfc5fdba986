/* Named objects over the wire: who holds, who waits, how waits end, and what is said of wrong use. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge/edge.h"
#include "edge_world.h"

static struct world world;
static struct client client;
static struct client other;
static struct client third;

static void set_up(void)
{
	world_init(&world);
	client_init(&client, &world);
	client_init(&other, &world);
	client_init(&third, &world);
}

static void tear_down(void)
{
	client_fini(&client);
	client_fini(&other);
	client_fini(&third);
	world_fini(&world);
}

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define NOTIFICATION(method, params) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params "}"
#define ACQUIRE(params) REQUEST("1", "lock.acquire", params)
#define RELEASE(params) REQUEST("1", "lock.release", params)

static const char *kind_of(json_t *answer)
{
	return tree_text(answer, "error.data.kind");
}

static long long granted(json_t *answer)
{
	ck_assert_msg(tree_int(answer, "result.fence") > 0, "%s", tree_text(answer, "error.message"));
	return tree_int(answer, "result.fence");
}

static long long acquire(struct client *who, const char *line)
{
	return granted(client_ask(who, line));
}

/* --- locks --- */

START_TEST(a_lock_is_acquired_and_released)
{
	json_t *answer = client_ask(&client, ACQUIRE("{\"name\":\"db\"}"));
	long long fence = granted(answer);
	ck_assert(json_is_false(tree_at(answer, "result.holder_died")));
	ck_assert_int_eq(tree_int(answer, "result.depth"), 1);
	client_expect(&client, RELEASE("{\"name\":\"db\"}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"depth\":0}}");
	ck_assert_int_gt(acquire(&other, ACQUIRE("[\"db\"]")), fence);
	ck_assert_int_lt(acquire(&other, ACQUIRE("[\"db2\"]")), 1LL << 53);
}
END_TEST

START_TEST(who_waits_has_it_when_it_is_released)
{
	long long fence = acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&third, ACQUIRE("{\"name\":\"db\",\"timeout\":60}"));
	ck_assert(client_hears_nothing(&other));
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	json_t *answer = client_hear_json(&other);
	ck_assert_int_gt(granted(answer), fence);
	ck_assert(json_is_false(tree_at(answer, "result.holder_died")));
	ck_assert(client_hears_nothing(&third));
	client_ask(&other, RELEASE("{\"name\":\"db\"}"));
	granted(client_hear_json(&third));
}
END_TEST

START_TEST(who_waits_has_it_when_its_holder_leaves)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&other));
	client_leave(&client);
	json_t *answer = client_hear_json(&other);
	granted(answer);
	ck_assert(json_is_true(tree_at(answer, "result.holder_died")));
}
END_TEST

/* The loop must not sleep before what a burial has caused is written. */
START_TEST(what_the_end_of_a_connection_causes_is_written_before_the_next_sleep)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	world_settle(&world);
	client_leave(&client);
	while (world_turn(&world))
		;
	char buffer[256];
	ck_assert_int_gt(read(other.fd, buffer, sizeof(buffer)), 0);
}
END_TEST

START_TEST(a_wait_that_leaves_is_passed_over)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&other));
	client_say(&third, ACQUIRE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&third));
	client_leave(&other);
	world_settle(&world);
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	json_t *answer = client_hear_json(&third);
	granted(answer);
	ck_assert(json_is_false(tree_at(answer, "result.holder_died")));
}
END_TEST

START_TEST(a_release_by_another_says_whose_it_is)
{
	char expected[128];
	acquire(&client, ACQUIRE("{\"name\":\"db\",\"holder\":\"thread 1\"}"));
	json_t *answer = client_ask(&other, RELEASE("{\"name\":\"db\"}"));
	ck_assert_str_eq(kind_of(answer), "not_owner");
	ck_assert_int_eq(tree_int(answer, "error.data.held_by.pid"), getpid());
	ck_assert_int_eq(tree_int(answer, "error.data.held_by.connection"), 1);
	ck_assert_str_eq(tree_text(answer, "error.data.held_by.holder"), "thread 1");
	ck_assert_ptr_nonnull(tree_at(answer, "error.data.held_by.user"));
	snprintf(expected, sizeof(expected), "lock \"db\" is held by pid %d (user ", (int)getpid());
	ck_assert_int_eq(strncmp(tree_text(answer, "error.message"), expected, strlen(expected)), 0);
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), ", connection 1, holder \"thread 1\")"));
	ck_assert_str_eq(kind_of(client_ask(&client, RELEASE("{\"name\":\"db\"}"))), "not_owner");
	ck_assert_int_eq(
		tree_int(client_ask(&client, RELEASE("{\"name\":\"db\",\"holder\":\"thread 1\"}")), "result.depth"), 0);
	ck_assert_str_eq(
		kind_of(client_ask(&client, RELEASE("{\"name\":\"db\",\"holder\":\"thread 1\"}"))), "not_held");
}
END_TEST

START_TEST(parts_of_a_connection_hold_apart)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\",\"holder\":\"a\"}"));
	client_say(&client, REQUEST("2", "lock.acquire", "{\"name\":\"db\",\"holder\":\"b\"}"));
	ck_assert(client_hears_nothing(&client));
	client_say(&client, REQUEST("3", "lock.release", "{\"name\":\"db\",\"holder\":\"a\"}"));
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "id"), 2);
	granted(answer);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 3);
}
END_TEST

START_TEST(a_lock_is_shared_and_held_again_by_those_who_say_so)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\",\"shared\":true}"));
	acquire(&other, ACQUIRE("{\"name\":\"db\",\"shared\":true}"));
	client_say(&third, ACQUIRE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&third));
	json_t *answer = client_ask(&client, ACQUIRE("{\"name\":\"db\",\"shared\":true,\"reentrant\":true}"));
	ck_assert_int_eq(tree_int(answer, "result.depth"), 2);
	ck_assert_int_eq(tree_int(client_ask(&client, RELEASE("{\"name\":\"db\"}")), "result.depth"), 1);
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&third));
	client_ask(&other, RELEASE("{\"name\":\"db\"}"));
	granted(client_hear_json(&third));
}
END_TEST

/* --- time --- */

START_TEST(who_does_not_want_to_wait_is_told_who_has_it)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	json_t *answer = client_ask(&other, ACQUIRE("{\"name\":\"db\",\"timeout\":0}"));
	ck_assert_str_eq(kind_of(answer), "wait_timed_out");
	ck_assert_int_eq(tree_int(answer, "error.data.held_by.connection"), 1);
	ck_assert_int_eq(strncmp(tree_text(answer, "error.message"), "lock \"db\" is held by pid ", 25), 0);
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&other));
	acquire(&third, ACQUIRE("{\"name\":\"db\",\"timeout\":0}"));
}
END_TEST

START_TEST(a_time_limit_ends_the_wait)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\",\"timeout\":\"2s\"}"));
	world_settle(&world);
	world_advance(&world, NS_PER_S);
	ck_assert(client_hears_nothing(&other));
	world_advance(&world, NS_PER_S);
	ck_assert_str_eq(kind_of(client_hear_json(&other)), "wait_timed_out");
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&other));
	acquire(&third, ACQUIRE("{\"name\":\"db\",\"timeout\":0}"));
}
END_TEST

START_TEST(what_waits_is_seen_and_cancelled_by_its_request)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, REQUEST("\"w\"", "lock.acquire", "{\"name\":\"db\"}"));
	json_t *answer = client_ask(&other, REQUEST("2", "task.status", "{\"call\":\"w\"}"));
	ck_assert_str_eq(tree_text(answer, "result.state"), "waiting");
	ck_assert_str_eq(tree_text(answer, "result.waits_for.lock"), "db");
	client_say(&other, NOTIFICATION("$/cancelRequest", "{\"id\":\"w\"}"));
	answer = client_hear_json(&other);
	ck_assert_str_eq(kind_of(answer), "cancelled");
	ck_assert_str_eq(tree_text(answer, "id"), "w");
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&other));
	acquire(&third, ACQUIRE("{\"name\":\"db\",\"timeout\":0}"));
}
END_TEST

/* --- circles --- */

START_TEST(a_circle_is_refused_and_told)
{
	acquire(&client, ACQUIRE("{\"name\":\"a\"}"));
	acquire(&other, ACQUIRE("{\"name\":\"b\"}"));
	client_say(&client, ACQUIRE("{\"name\":\"b\"}"));
	ck_assert(client_hears_nothing(&client));
	json_t *answer = client_ask(&other, ACQUIRE("{\"name\":\"a\"}"));
	ck_assert_str_eq(kind_of(answer), "deadlock");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "error.data.cycle")), 2);
	ck_assert_int_eq(tree_int(answer, "error.data.cycle.0.connection"), 2);
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.0.waits_for.lock"), "a");
	ck_assert_int_eq(tree_int(answer, "error.data.cycle.1.connection"), 1);
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.1.waits_for.lock"), "b");
	const char *message = tree_text(answer, "error.message");
	ck_assert_msg(strstr(message, "connection 2) would wait for lock \"a\", held by pid ") &&
			strstr(message, "connection 1), which waits for lock \"b\", held by the first"),
		"%s", message);
	client_ask(&other, RELEASE("{\"name\":\"b\"}"));
	granted(client_hear_json(&client));
}
END_TEST

START_TEST(who_would_wait_for_itself_is_told_so)
{
	acquire(&client, ACQUIRE("{\"name\":\"a\"}"));
	json_t *answer = client_ask(&client, ACQUIRE("{\"name\":\"a\"}"));
	ck_assert_str_eq(kind_of(answer), "deadlock");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "error.data.cycle")), 1);
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.0.waits_for.lock"), "a");
	ck_assert_str_eq(kind_of(client_ask(&client, ACQUIRE("{\"name\":\"a\",\"timeout\":0}"))), "wait_timed_out");
}
END_TEST

/* --- requests of all sorts --- */

START_TEST(a_notification_does_not_wait)
{
	client_say(&client, NOTIFICATION("lock.acquire", "{\"name\":\"db\"}"));
	client_say(&other, NOTIFICATION("lock.acquire", "{\"name\":\"db\"}"));
	world_settle(&world);
	ck_assert_str_eq(kind_of(client_ask(&third, ACQUIRE("{\"name\":\"db\",\"timeout\":0}"))), "wait_timed_out");
	client_say(&client, NOTIFICATION("lock.release", "{\"name\":\"db\"}"));
	ck_assert(client_hears_nothing(&client));
	ck_assert(client_hears_nothing(&other));
	acquire(&third, ACQUIRE("{\"name\":\"db\",\"timeout\":0}"));
}
END_TEST

START_TEST(waits_of_a_batch_are_answered_together)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(
		&other, "[" REQUEST("1", "lock.acquire", "[\"x\"]") "," REQUEST("2", "lock.acquire", "[\"db\"]") "]");
	ck_assert(client_hears_nothing(&other));
	client_ask(&client, RELEASE("[\"db\"]"));
	json_t *answer = client_hear_json(&other);
	ck_assert_uint_eq(json_array_size(answer), 2);
	ck_assert_int_eq(tree_int(answer, "1.id"), 2);
	ck_assert_int_gt(tree_int(answer, "1.result.fence"), 0);
}
END_TEST

START_TEST(a_half_closed_connection_is_still_answered)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	client_half_close(&other);
	ck_assert(client_hears_nothing(&other));
	ck_assert_uint_eq(world_connections(&world), 3);
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	granted(client_hear_json(&other));
	ck_assert(client_hears_end(&other));
	json_t *answer = client_ask(&third, ACQUIRE("{\"name\":\"db\"}"));
	ck_assert(json_is_true(tree_at(answer, "result.holder_died")));
}
END_TEST

START_TEST(what_waits_counts_as_outstanding)
{
	world.config.max_requests = 1;
	world_configure(&world);
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, REQUEST("2", "server.ping", "[]"));
	ck_assert(client_hears_nothing(&other));
	client_ask(&client, RELEASE("{\"name\":\"db\"}"));
	granted(client_hear_json(&other));
	ck_assert_int_eq(tree_int(client_hear_json(&other), "id"), 2);
}
END_TEST

/* Or a stop of the daemon would wait until its time is over. */
START_TEST(nobody_waits_for_those_who_wait_for_objects)
{
	acquire(&client, ACQUIRE("{\"name\":\"db\"}"));
	client_say(&other, ACQUIRE("{\"name\":\"db\"}"));
	world_settle(&world);
	ck_assert(edge_quiet(world.edge));
	client_say(&third, REQUEST("1", "hold", "[]"));
	world_settle(&world);
	client_say(&third, REQUEST("2", "queue.pause", "{\"queue\":\"default\",\"wait\":true}"));
	world_settle(&world);
	ck_assert(!edge_quiet(world.edge));
}
END_TEST

START_TEST(names_are_checked)
{
	static const struct {
		const char *params;
		const char *message;
	} cases[] = {
		{ "{}", "parameter \"name\" is missing" },
		{ "{\"name\":\"\"}", "parameter \"name\" must not be empty" },
		{ "{\"name\":5}", "parameter \"name\" must be a string, not 5" },
		{ "{\"name\":\"a\\u0007b\"}", "parameter \"name\" must not have control characters" },
		{ "{\"name\":\"a\\u0085b\"}", "parameter \"name\" must not have control characters" },
		{ "{\"name\":\"a\x7f\"}", "parameter \"name\" must not have control characters" },
		{ "{\"name\":\"a\",\"holder\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}",
			"parameter \"holder\" must have at most 64 bytes, not 65" },
		{ "{\"name\":\"a\",\"shard\":true}", "unknown parameter \"shard\": did you mean \"shared\"?" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[512];
		snprintf(line, sizeof(line), ACQUIRE("%s"), cases[i].params);
		ck_assert_str_eq(tree_text(client_ask(&client, line), "error.message"), cases[i].message);
	}
	acquire(&client, ACQUIRE("{\"name\":\"d\\u0062 ä\"}"));
	ck_assert_str_eq(kind_of(client_ask(&other, ACQUIRE("{\"name\":\"db ä\",\"timeout\":0}"))), "wait_timed_out");
}
END_TEST

START_TEST(the_limits_are_live)
{
	acquire(&client, ACQUIRE("{\"name\":\"a\"}"));
	world.config.object_limit = 1;
	world.config.waiter_limit = 1;
	world_configure(&world);
	ck_assert_str_eq(kind_of(client_ask(&client, ACQUIRE("{\"name\":\"b\"}"))), "too_many");
	client_say(&other, ACQUIRE("{\"name\":\"a\"}"));
	ck_assert(client_hears_nothing(&other));
	ck_assert_str_eq(kind_of(client_ask(&third, ACQUIRE("{\"name\":\"a\"}"))), "too_many");
	world.config.object_limit = world.config.waiter_limit = 0;
	world_configure(&world);
	acquire(&client, ACQUIRE("{\"name\":\"b\"}"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge objects");
	TCase *locks = tcase_create("locks");
	tcase_add_checked_fixture(locks, set_up, tear_down);
	tcase_add_test(locks, a_lock_is_acquired_and_released);
	tcase_add_test(locks, who_waits_has_it_when_it_is_released);
	tcase_add_test(locks, who_waits_has_it_when_its_holder_leaves);
	tcase_add_test(locks, what_the_end_of_a_connection_causes_is_written_before_the_next_sleep);
	tcase_add_test(locks, a_wait_that_leaves_is_passed_over);
	tcase_add_test(locks, a_release_by_another_says_whose_it_is);
	tcase_add_test(locks, parts_of_a_connection_hold_apart);
	tcase_add_test(locks, a_lock_is_shared_and_held_again_by_those_who_say_so);
	suite_add_tcase(suite, locks);
	TCase *waits = tcase_create("waits");
	tcase_add_checked_fixture(waits, set_up, tear_down);
	tcase_add_test(waits, who_does_not_want_to_wait_is_told_who_has_it);
	tcase_add_test(waits, a_time_limit_ends_the_wait);
	tcase_add_test(waits, what_waits_is_seen_and_cancelled_by_its_request);
	tcase_add_test(waits, a_circle_is_refused_and_told);
	tcase_add_test(waits, who_would_wait_for_itself_is_told_so);
	suite_add_tcase(suite, waits);
	TCase *requests = tcase_create("requests");
	tcase_add_checked_fixture(requests, set_up, tear_down);
	tcase_add_test(requests, a_notification_does_not_wait);
	tcase_add_test(requests, waits_of_a_batch_are_answered_together);
	tcase_add_test(requests, a_half_closed_connection_is_still_answered);
	tcase_add_test(requests, what_waits_counts_as_outstanding);
	tcase_add_test(requests, nobody_waits_for_those_who_wait_for_objects);
	tcase_add_test(requests, names_are_checked);
	tcase_add_test(requests, the_limits_are_live);
	suite_add_tcase(suite, requests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
