/* Named objects over the wire: semaphores, events, conditions, barriers; what is held in the name of tasks; listings. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
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
#define ASK(method, params) REQUEST("1", method, params)
#define TRUE_RESULT "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}"

static const char *kind_of(struct client *who, const char *line)
{
	return tree_text(client_ask(who, line), "error.data.kind");
}

static long long granted(json_t *answer)
{
	ck_assert_msg(tree_int(answer, "result.fence") > 0, "%s", tree_text(answer, "error.message"));
	return tree_int(answer, "result.fence");
}

/* --- semaphores --- */

START_TEST(permits_are_acquired_and_released)
{
	granted(client_ask(&client, ASK("semaphore.acquire", "{\"name\":\"gpu\",\"slots\":3,\"count\":2}")));
	client_say(&other, ASK("semaphore.acquire", "{\"name\":\"gpu\",\"count\":2}"));
	ck_assert(client_hears_nothing(&other));
	json_t *answer = client_ask(&client, ASK("semaphore.release", "{\"name\":\"gpu\"}"));
	ck_assert_int_eq(tree_int(answer, "result.value"), 0);
	granted(client_hear_json(&other));
	answer = client_ask(&third, ASK("semaphore.acquire", "{\"name\":\"gpu\",\"timeout\":0}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "wait_timed_out");
	ck_assert_ptr_nonnull(strstr(
		tree_text(answer, "error.message"), "semaphore \"gpu\" has 0 of 3 permits free, and is held by pid "));
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), " and 1 more"));
}
END_TEST

START_TEST(a_semaphore_is_as_it_was_made)
{
	granted(client_ask(&client, ASK("semaphore.acquire", "{\"name\":\"gpu\",\"slots\":3}")));
	ck_assert_str_eq(kind_of(&other, ASK("semaphore.acquire", "{\"name\":\"gpu\",\"slots\":4}")), "mismatch");
	ck_assert_str_eq(kind_of(&other, ASK("semaphore.acquire", "{\"name\":\"gpu\",\"bounded\":false}")), "mismatch");
	ck_assert_str_eq(kind_of(&other, ASK("semaphore.release", "{\"name\":\"gpu\"}")), "not_owner");
	client_ask(&client, ASK("semaphore.release", "{\"name\":\"gpu\"}"));
	ck_assert_str_eq(kind_of(&client, ASK("semaphore.release", "{\"name\":\"gpu\"}")), "not_held");
}
END_TEST

START_TEST(an_unbounded_one_is_released_by_anybody)
{
	client_say(&client, ASK("semaphore.acquire", "{\"name\":\"jobs\",\"slots\":0,\"bounded\":false}"));
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, ASK("semaphore.release", "{\"name\":\"jobs\",\"count\":2}"));
	granted(client_hear_json(&client));
	json_t *answer = client_ask(&other, ASK("semaphore.list", "{\"name\":\"jobs\"}"));
	ck_assert_int_eq(tree_int(answer, "result.0.value"), 1);
	ck_assert(json_is_false(tree_at(answer, "result.0.bounded")));
}
END_TEST

/* --- events --- */

START_TEST(an_event_lets_all_go_and_stays)
{
	client_expect(
		&client, ASK("event.is_set", "[\"e\"]"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"set\":false}}");
	client_say(&client, ASK("event.wait", "[\"e\"]"));
	client_say(&other, ASK("event.wait", "[\"e\",1]"));
	ck_assert(client_hears_nothing(&client));
	client_expect(&third, ASK("event.set", "[\"e\"]"), TRUE_RESULT);
	ck_assert_str_eq(client_hear(&client), TRUE_RESULT);
	ck_assert_str_eq(client_hear(&other), TRUE_RESULT);
	client_leave(&third);
	world_settle(&world);
	client_expect(
		&client, ASK("event.is_set", "[\"e\"]"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"set\":true}}");
	client_expect(&client, ASK("event.wait", "[\"e\",0]"), TRUE_RESULT);
	client_expect(&client, ASK("event.clear", "[\"e\"]"), TRUE_RESULT);
	ck_assert_str_eq(kind_of(&client, ASK("event.wait", "[\"e\",0]")), "wait_timed_out");
}
END_TEST

/* --- conditions --- */

START_TEST(a_condition_is_waited_for_without_its_lock)
{
	long long fence = granted(client_ask(&client, ASK("lock.acquire", "[\"l\"]")));
	client_say(&client, ASK("condition.wait", "{\"name\":\"c\",\"lock\":\"l\"}"));
	ck_assert(client_hears_nothing(&client));
	granted(client_ask(&other, ASK("lock.acquire", "[\"l\"]")));
	json_t *answer = client_ask(&other, ASK("condition.notify", "{\"name\":\"c\",\"lock\":\"l\",\"all\":true}"));
	ck_assert_int_eq(tree_int(answer, "result.notified"), 1);
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, ASK("lock.release", "[\"l\"]"));
	answer = client_hear_json(&client);
	ck_assert_int_gt(granted(answer), fence);
	ck_assert(json_is_true(tree_at(answer, "result.notified")));
	ck_assert_str_eq(kind_of(&other, ASK("condition.notify", "{\"name\":\"c\",\"lock\":\"l\"}")), "not_owner");
	ck_assert_str_eq(kind_of(&other, ASK("condition.wait", "{\"name\":\"c\",\"lock\":\"l\"}")), "not_owner");
	ck_assert_str_eq(kind_of(&other, ASK("condition.wait", "{\"name\":\"c\",\"lock\":\"m\"}")), "not_held");
}
END_TEST

START_TEST(a_condition_whose_time_is_over_has_its_lock_again)
{
	granted(client_ask(&client, ASK("lock.acquire", "[\"l\"]")));
	client_say(&client, ASK("condition.wait", "{\"name\":\"c\",\"lock\":\"l\",\"timeout\":1}"));
	ck_assert(client_hears_nothing(&client));
	granted(client_ask(&other, ASK("lock.acquire", "[\"l\"]")));
	world_advance(&world, 2 * NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, ASK("lock.release", "[\"l\"]"));
	json_t *answer = client_hear_json(&client);
	granted(answer);
	ck_assert(json_is_false(tree_at(answer, "result.notified")));
	answer = client_ask(&client, ASK("condition.wait", "{\"name\":\"c\",\"lock\":\"l\",\"timeout\":0}"));
	granted(answer);
	ck_assert(json_is_false(tree_at(answer, "result.notified")));
	ck_assert_int_eq(tree_int(client_ask(&client, ASK("lock.release", "[\"l\"]")), "result.depth"), 0);
}
END_TEST

/* --- barriers --- */

START_TEST(a_barrier_lets_all_go_with_the_last)
{
	client_say(&client, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":2}"));
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(kind_of(&other, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":3}")), "mismatch");
	ck_assert_int_eq(tree_int(client_ask(&other, ASK("barrier.wait", "{\"name\":\"b\"}")), "result.index"), 1);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "result.index"), 0);
}
END_TEST

START_TEST(one_who_leaves_breaks_the_barrier)
{
	client_say(&client, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":3}"));
	ck_assert(client_hears_nothing(&client));
	client_say(&other, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":3}"));
	world_settle(&world);
	client_leave(&other);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "barrier_broken");
	ck_assert_str_eq(kind_of(&third, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":3}")), "barrier_broken");
	client_expect(&third, ASK("barrier.reset", "[\"b\"]"), TRUE_RESULT);
	client_say(&client, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":2}"));
	ck_assert(client_hears_nothing(&client));
	client_expect(&third, ASK("barrier.abort", "[\"b\"]"), TRUE_RESULT);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "barrier_broken");
}
END_TEST

START_TEST(time_that_is_over_breaks_the_barrier_however_short_it_was)
{
	client_say(&client, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":3}"));
	ck_assert(client_hears_nothing(&client));
	ck_assert_str_eq(
		kind_of(&other, ASK("barrier.wait", "{\"name\":\"b\",\"parties\":3,\"timeout\":0}")), "wait_timed_out");
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "barrier_broken");
	ck_assert(json_is_true(tree_at(client_ask(&third, ASK("barrier.list", "[]")), "result.0.broken")));
}
END_TEST

/* --- tasks --- */

/* A held task, which runs in the process that this test is. Its id. */
static uint64_t run_task(void)
{
	uint64_t id = strtoull(tree_text(client_ask(&third, ASK("task.submit", "[\"hold\"]")), "result.id"), NULL, 10);
	world_settle(&world);
	ck_assert_uint_gt(id, 0);
	return id;
}

static const char *of_task(const char *method, const char *name, uint64_t task)
{
	static char line[256];
	snprintf(line, sizeof(line), ASK("%s", "{\"name\":\"%s\",\"task\":\"%" PRIu64 "\"}"), method, name, task);
	return line;
}

START_TEST(a_task_holds_until_it_ends)
{
	/* Whose process it is is looked up once, so that this connection is not taken for the task's. */
	granted(client_ask(&other, ASK("lock.acquire", "[\"another\"]")));
	world_be_worker(&world);
	uint64_t task = run_task();
	granted(client_ask(&client, of_task("lock.acquire", "db", task)));
	client_leave(&client);
	world_settle(&world);
	json_t *answer = client_ask(&other, ASK("lock.acquire", "{\"name\":\"db\",\"timeout\":0}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "wait_timed_out");
	ck_assert_uint_eq(strtoull(tree_text(answer, "error.data.held_by.task"), NULL, 10), task);
	ck_assert_int_eq(tree_int(answer, "error.data.held_by.pid"), getpid());
	client_say(&other, ASK("lock.acquire", "[\"db\"]"));
	ck_assert(client_hears_nothing(&other));
	world_finish(&world);
	answer = client_hear_json(&other);
	granted(answer);
	ck_assert(json_is_true(tree_at(answer, "result.holder_died")));
}
END_TEST

START_TEST(a_task_may_release_over_another_connection)
{
	world_be_worker(&world);
	uint64_t task = run_task();
	granted(client_ask(&client, of_task("lock.acquire", "db", task)));
	ck_assert_int_eq(tree_int(client_ask(&other, of_task("lock.release", "db", task)), "result.depth"), 0);
}
END_TEST

START_TEST(what_waits_in_the_name_of_a_task_ends_with_it)
{
	world_be_worker(&world);
	uint64_t task = run_task();
	granted(client_ask(&other, ASK("lock.acquire", "{\"name\":\"db\",\"holder\":\"x\"}")));
	client_say(&client, of_task("lock.acquire", "db", task));
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "not_running");
	client_ask(&other, ASK("lock.release", "{\"name\":\"db\",\"holder\":\"x\"}"));
	granted(client_ask(&third, ASK("lock.acquire", "{\"name\":\"db\",\"timeout\":0}")));
}
END_TEST

START_TEST(only_a_process_of_the_task_may_speak_for_it)
{
	uint64_t task = run_task();
	ck_assert_str_eq(kind_of(&client, of_task("lock.acquire", "db", task)), "denied");
	ck_assert_str_eq(kind_of(&client, of_task("lock.acquire", "db", task + 1)), "not_found");
	world_finish(&world);
	world_settle(&world);
	ck_assert_str_eq(kind_of(&client, of_task("lock.release", "db", task)), "not_running");
}
END_TEST

/* The task's own lock is not released while its handler waits on a connection. */
START_TEST(a_circle_over_a_task_is_found)
{
	world_be_worker(&world);
	uint64_t task = run_task();
	granted(client_ask(&client, of_task("lock.acquire", "a", task)));
	json_t *answer = client_ask(&other, ASK("lock.acquire", "{\"name\":\"a\"}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
}
END_TEST

/* --- as people see them --- */

START_TEST(listings_tell_who_holds_and_who_waits)
{
	long long fence = granted(client_ask(&client, ASK("lock.acquire", "{\"name\":\"db\",\"holder\":\"t\"}")));
	client_say(&other, ASK("lock.acquire", "{\"name\":\"db\",\"shared\":true}"));
	ck_assert(client_hears_nothing(&other));
	granted(client_ask(&client, ASK("lock.acquire", "{\"name\":\"x\"}")));
	json_t *answer = client_ask(&third, ASK("lock.list", "[]"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 2);
	ck_assert_str_eq(tree_text(answer, "result.0.name"), "db");
	ck_assert_str_eq(tree_text(answer, "result.0.since"), "2023-11-14T22:13:20.000000Z");
	ck_assert(json_is_false(tree_at(answer, "result.0.holder_died")));
	ck_assert_int_eq(tree_int(answer, "result.0.holders.0.pid"), getpid());
	ck_assert_int_eq(tree_int(answer, "result.0.holders.0.connection"), 1);
	ck_assert_str_eq(tree_text(answer, "result.0.holders.0.holder"), "t");
	ck_assert_int_eq(tree_int(answer, "result.0.holders.0.fence"), fence);
	ck_assert(json_is_false(tree_at(answer, "result.0.holders.0.shared")));
	ck_assert_int_eq(tree_int(answer, "result.0.waiting.0.connection"), 2);
	ck_assert(json_is_true(tree_at(answer, "result.0.waiting.0.shared")));
	ck_assert_str_eq(tree_text(answer, "result.1.name"), "x");
	answer = client_ask(&third, ASK("lock.list", "{\"limit\":1}"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 1);
	answer = client_ask(&third, ASK("lock.list", "{\"name\":\"y\"}"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result")), 0);
}
END_TEST

START_TEST(no_listing_tells_all_of_a_crowd)
{
	char line[128];
	for (int i = 0; i < 120; i++) {
		snprintf(line, sizeof(line), REQUEST("%d", "event.wait", "{\"name\":\"e\",\"holder\":\"%d\"}"), i, i);
		client_say(&client, line);
	}
	world_settle(&world);
	json_t *answer = client_ask(&third, ASK("event.list", "[]"));
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.0.waiting")), 100);
	ck_assert_int_eq(tree_int(answer, "result.0.waiting_more"), 20);
	ck_assert_ptr_null(tree_at(answer, "result.0.holders_more"));
}
END_TEST

START_TEST(the_figures_count_them)
{
	granted(client_ask(&client, ASK("lock.acquire", "[\"db\"]")));
	client_say(&other, ASK("lock.acquire", "[\"db\"]"));
	client_ask(&client, ASK("event.set", "[\"e\"]"));
	client_ask(&client, ASK("event.set", "[\"f\"]"));
	json_t *answer = client_ask(&third, ASK("server.stats", "[]"));
	ck_assert_int_eq(tree_int(answer, "result.objects.lock"), 1);
	ck_assert_int_eq(tree_int(answer, "result.objects.event"), 2);
	ck_assert_int_eq(tree_int(answer, "result.objects.mq"), 0);
	ck_assert_int_eq(tree_int(answer, "result.objects.waiting"), 1);
	client_leave(&client);
	client_leave(&other);
	world_settle(&world);
	answer = client_ask(&third, ASK("server.stats", "[]"));
	ck_assert_int_eq(tree_int(answer, "result.objects.waiting"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge objects: kinds");
	TCase *kinds = tcase_create("kinds");
	tcase_add_checked_fixture(kinds, set_up, tear_down);
	tcase_add_test(kinds, permits_are_acquired_and_released);
	tcase_add_test(kinds, a_semaphore_is_as_it_was_made);
	tcase_add_test(kinds, an_unbounded_one_is_released_by_anybody);
	tcase_add_test(kinds, an_event_lets_all_go_and_stays);
	tcase_add_test(kinds, a_condition_is_waited_for_without_its_lock);
	tcase_add_test(kinds, a_condition_whose_time_is_over_has_its_lock_again);
	tcase_add_test(kinds, a_barrier_lets_all_go_with_the_last);
	tcase_add_test(kinds, one_who_leaves_breaks_the_barrier);
	tcase_add_test(kinds, time_that_is_over_breaks_the_barrier_however_short_it_was);
	suite_add_tcase(suite, kinds);
	TCase *tasks = tcase_create("tasks");
	tcase_add_checked_fixture(tasks, set_up, tear_down);
	tcase_add_test(tasks, a_task_holds_until_it_ends);
	tcase_add_test(tasks, a_task_may_release_over_another_connection);
	tcase_add_test(tasks, what_waits_in_the_name_of_a_task_ends_with_it);
	tcase_add_test(tasks, only_a_process_of_the_task_may_speak_for_it);
	tcase_add_test(tasks, a_circle_over_a_task_is_found);
	suite_add_tcase(suite, tasks);
	TCase *people = tcase_create("people");
	tcase_add_checked_fixture(people, set_up, tear_down);
	tcase_add_test(people, listings_tell_who_holds_and_who_waits);
	tcase_add_test(people, no_listing_tells_all_of_a_crowd);
	tcase_add_test(people, the_figures_count_them);
	suite_add_tcase(suite, people);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
