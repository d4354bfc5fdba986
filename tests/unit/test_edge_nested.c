/* Waiting for tasks: by a tag, and by handlers, whose slots stand still meanwhile. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge_world.h"
#include "edge/request.h"
#include "pool/pool.h"

static struct world world;
static struct client client;  /* a handler, where the world is its worker's */
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

static void submit(const char *params)
{
	char line[256];
	snprintf(line, sizeof(line), REQUEST("1", "task.submit", "%s"), params);
	ck_assert_str_ne(tree_text(client_ask(&other, line), "result.id"), "(none)");
	world_settle(&world);
}

/* --- by tag --- */

START_TEST(a_tag_stands_for_all_that_have_it_at_that_moment)
{
	submit("{\"task\":\"hold\",\"tag\":\"group\"}");
	submit("{\"task\":\"hold\",\"tag\":\"other\"}");
	submit("{\"task\":\"echo\",\"tag\":\"group\"}");
	client_say(&client, REQUEST("7", "task.wait", "{\"tag\":\"group\"}"));
	ck_assert(client_hears_nothing(&client));
	submit("{\"task\":\"hold\",\"tag\":\"group\"}");
	client_ask(&other, REQUEST("1", "task.cancel", "{\"ids\":1}"));
	json_t *answer = client_hear_json(&client);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.done")), 2);
	ck_assert_str_eq(tree_text(answer, "result.done.0.id"), "1");
	ck_assert_str_eq(tree_text(answer, "result.done.1.id"), "3");
}
END_TEST

START_TEST(a_tag_that_nobody_has_is_nothing_to_wait_for)
{
	client_expect(&client, REQUEST("7", "task.wait", "{\"tag\":\"nobody\"}"), RESULT("7", "{\"done\":[],\"not_done\":[]}"));
	client_expect(&client, REQUEST("7", "task.wait", "{\"ids\":[]}"), RESULT("7", "{\"done\":[],\"not_done\":[]}"));
}
END_TEST

START_TEST(either_ids_or_a_tag_is_waited_for)
{
	static const char *const lines[] = { REQUEST("1", "task.wait", "{}"),
		REQUEST("1", "task.wait", "{\"tag\":\"x\",\"ids\":[1]}"), REQUEST("1", "task.wait", "{\"tag\":7}") };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_str_eq(tree_text(client_ask(&client, lines[i]), "error.data.kind"), "invalid_params");
}
END_TEST

START_TEST(a_hundred_thousand_of_a_tag_are_waited_for)
{
	enum { N = 100000 };
	struct strbuf text = STRBUF_INIT;
	client_ask(&client, REQUEST("1", "queue.pause", "{\"queue\":\"default\"}"));
	for (int i = 0; i < N; i++)
		strbuf_printf(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"%s\",\"tag\":\"t\"}}\n", "echo");
	client_send(&other, text.data, text.length);
	world_settle(&world);
	client_say(&client, REQUEST("7", "task.wait", "{\"tag\":\"t\"}"));
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, REQUEST("1", "queue.resume", "{\"queue\":\"default\"}"));
	json_t *answer = client_hear_json(&client);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "result.done")), N);
	submit("{\"task\":\"hold\",\"tag\":\"t\"}");
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("7", "task.wait", "{\"tag\":\"t\"}")), "error.data.kind"), "too_many");
	strbuf_free(&text);
}
END_TEST

/* --- handlers --- */

START_TEST(the_pools_know_what_a_handler_waits_for)
{
	world_be_worker(&world);
	for (int i = 0; i < 4; i++)
		submit("{\"task\":\"hold\"}");
	client_say(&client, REQUEST("1", "echo", "[]"));
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"echo\"}"));
	client_say(&client, REQUEST("3", "task.map", "{\"task\":\"double\",\"items\":[1,2]}"));
	client_say(&client, REQUEST("4", "task.result", "{\"id\":1}"));
	client_say(&client, REQUEST("5", "task.wait", "{\"ids\":[1,2]}"));
	client_say(&client, REQUEST("6", "task.wait", "{\"ids\":[1,2],\"timeout\":5}"));
	world_settle(&world);
	ck_assert_int_eq(world.waits, 6);
	client_ask(&client, REQUEST("7", "task.submit", "{\"task\":\"echo\",\"watch\":true}"));
	client_ask(&client, REQUEST("8", "task.watch", "{}"));
	client_say(&client, REQUEST("9", "queue.pause", "{\"queue\":\"default\",\"wait\":true}"));
	world_settle(&world);
	ck_assert_int_eq(world.waits, 6);
	world_advance(&world, 6 * NS_PER_S);
	ck_assert_int_eq(world.waits, 5);
	client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":4}}");
	world_settle(&world);
	ck_assert_int_eq(world.waits, 4);
	client_leave(&client);
	world_settle(&world);
	ck_assert_int_eq(world.waits, 0);
	ck_assert(LIST_EMPTY(&world.edge->nested));
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
}
END_TEST

START_TEST(other_clients_waits_are_not_counted)
{
	submit("{\"task\":\"hold\"}");
	client_say(&client, REQUEST("4", "task.result", "{\"id\":1}"));
	world_settle(&world);
	ck_assert_int_eq(world.waits, 0);
	ck_assert(LIST_EMPTY(&world.edge->nested));
	world_finish(&world);
	ck_assert_str_eq(client_hear(&client), RESULT("4", "\"done\""));
}
END_TEST

/* One slot, which runs task 1; the others, and the worker, take nothing more. */
static void leave_one_slot(void)
{
	submit("{\"task\":\"hold\"}");
	for (int i = 0; i < 4; i++)
		if (core_slot_in_flight(world.slots[i]) == 0)
			core_slot_retire(world.slots[i]);
	pools_worker_of(world.slots[0])->state = WORKER_RETIRING;
	world_be_worker(&world);
}

START_TEST(a_wait_without_hope_fails_and_names_who_waits_for_whom)
{
	leave_one_slot();
	client_say(&client, REQUEST("5", "echo", "[]"));
	world_settle(&world);
	ck_assert(edge_deadlock(world.edge, world.pool));
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "id"), 5);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
	ck_assert_uint_eq(json_array_size(tree_at(answer, "error.data.cycle")), 2);
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.0"), "1");
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.1"), "2");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), "pool \"default\""));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->ended[TASK_CANCELLED], 1);
	ck_assert_int_eq(world.waits, 0);
	ck_assert(!edge_deadlock(world.edge, world.pool));
}
END_TEST

START_TEST(every_way_to_wait_can_fail)
{
	leave_one_slot();
	submit("{\"task\":\"echo\"}");
	static const char *const lines[] = { REQUEST("5", "task.result", "{\"id\":2}"), REQUEST("5", "task.wait", "{\"ids\":[2]}"),
		REQUEST("5", "task.map", "{\"task\":\"double\",\"items\":[1,2,3]}"),
		"[" REQUEST("5", "task.call", "{\"task\":\"echo\"}") "," REQUEST("6", "server.ping", "{}") "]" };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		client_say(&client, lines[i]);
		world_settle(&world);
		ck_assert_int_eq(world.waits, 1);
		ck_assert(edge_deadlock(world.edge, world.pool));
		json_t *answer = client_hear_json(&client);
		if (json_is_array(answer))
			answer = json_array_get(answer, 1);
		ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
		ck_assert_int_eq(world.waits, 0);
	}
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->waiting, 1); /* what was submitted by others stays */
}
END_TEST

START_TEST(the_newest_wait_fails_first)
{
	leave_one_slot();
	client_say(&client, REQUEST("5", "echo", "[]"));
	client_say(&client, REQUEST("6", "echo", "[]"));
	world_settle(&world);
	ck_assert(edge_deadlock(world.edge, world.pool));
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 6);
	ck_assert(edge_deadlock(world.edge, world.pool));
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 5);
}
END_TEST

START_TEST(a_wait_that_will_end_does_not_fail)
{
	leave_one_slot();
	/* Another pool's task, which that pool may yet start. */
	submit("{\"task\":\"echo\",\"delay\":60}");
	client_say(&client, REQUEST("5", "echo", "[]"));
	client_say(&client, REQUEST("6", "task.result", "{\"id\":2}"));
	world_settle(&world);
	ck_assert(!edge_deadlock(world.edge, world.pool)); /* the delayed one may come, and its waiter go on */
	world_advance(&world, 61 * NS_PER_S);
	ck_assert(edge_deadlock(world.edge, world.pool));
}
END_TEST

START_TEST(while_some_task_computes_no_wait_fails)
{
	for (int i = 0; i < 4; i++)
		submit("{\"task\":\"hold\"}");
	world_be_worker(&world);
	for (int i = 0; i < 3; i++)
		client_say(&client, REQUEST("5", "echo", "[]"));
	world_settle(&world);
	ck_assert(!edge_deadlock(world.edge, world.pool));
	client_say(&client, REQUEST("6", "echo", "[]"));
	world_settle(&world);
	ck_assert(!edge_deadlock(world.edge, world.other_pool));
	ck_assert(edge_deadlock(world.edge, world.pool));
	json_t *answer = client_hear_json(&client);
	ck_assert_uint_eq(json_array_size(tree_at(answer, "error.data.cycle")), 1); /* which of the four cannot be known */
}
END_TEST

START_TEST(a_wait_for_what_is_blocked_is_a_wait_for_what_blocks_it)
{
	leave_one_slot();
	submit("{\"task\":\"echo\"}");
	submit("{\"task\":\"echo\",\"after\":2}");
	client_say(&client, REQUEST("5", "task.result", "{\"id\":3}"));
	world_settle(&world);
	ck_assert(edge_deadlock(world.edge, world.pool));
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.0"), "1");
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.1"), "3");
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.2"), "2");
}
END_TEST

START_TEST(what_somebody_has_paused_he_may_resume)
{
	leave_one_slot();
	client_ask(&other, REQUEST("1", "queue.pause", "{\"queue\":\"default\"}"));
	client_say(&client, REQUEST("5", "echo", "[]"));
	world_settle(&world);
	ck_assert(!edge_deadlock(world.edge, world.pool));
	client_ask(&other, REQUEST("1", "queue.resume", "{\"queue\":\"default\"}"));
	ck_assert(edge_deadlock(world.edge, world.pool));
}
END_TEST

/* Only they know whether there may be a further process. */
START_TEST(it_is_the_pools_that_say_when_they_are_at_an_end)
{
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"narrow\",\"limit_running\":1}"));
	submit("{\"task\":\"hold\",\"queue\":\"narrow\"}");
	submit("{\"task\":\"hold\",\"queue\":\"narrow\"}"); /* the queue is full */
	for (int i = 0; i < 4; i++)
		if (core_slot_in_flight(world.slots[i]) == 0)
			core_slot_retire(world.slots[i]);
	pools_worker_of(world.slots[0])->state = WORKER_RETIRING;
	world_be_worker(&world);
	client_say(&client, REQUEST("5", "echo", "[]"));
	for (int i = 0; i < 10; i++)
		world_advance(&world, NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	ck_assert(edge_deadlock(world.edge, world.pool));
}
END_TEST

/* The pool has slots, but the queue lets none but the one run that waits. */
START_TEST(a_queue_whose_only_place_waits_for_itself_is_a_deadlock_too)
{
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"narrow\",\"limit_running\":1}"));
	submit("{\"task\":\"hold\",\"queue\":\"narrow\"}");
	world_be_worker(&world);
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"echo\",\"queue\":\"narrow\"}"));
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_S);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), "queue \"narrow\""));
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.0"), "1");
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
}
END_TEST

START_TEST(a_full_queue_whose_tasks_do_not_wait_is_none)
{
	client_ask(&other, REQUEST("1", "queue.create", "{\"name\":\"narrow\",\"limit_running\":1}"));
	submit("{\"task\":\"hold\",\"queue\":\"narrow\"}");
	submit("{\"task\":\"hold\"}");
	world_be_worker(&world);
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"echo\",\"queue\":\"narrow\"}"));
	for (int i = 0; i < 20; i++)
		world_advance(&world, NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	ck_assert_str_eq(client_hear(&client), RESULT("5", "[]"));
}
END_TEST

/* --- what a task must have --- */

static const struct {
	const char *has, *wants;
} claims[] = {
	{ "\"locks\":[\"db\"]", "\"locks\":[\"db\"]" },
	{ "\"locks\":[\"db\"]", "\"shared_locks\":[\"db\"]" },
	{ "\"shared_locks\":[\"db\"]", "\"locks\":[\"db\"]" },
	{ "\"semaphores\":{\"gpu\":{\"count\":2,\"slots\":3}}", "\"semaphores\":{\"gpu\":2}" },
};

/* _i: what its task has, and the one that it waits for must have */
START_TEST(a_wait_for_a_task_that_must_have_what_its_own_task_has_fails)
{
	char line[256];
	snprintf(line, sizeof(line), "{\"task\":\"hold\",%s}", claims[_i].has);
	submit(line);
	world_be_worker(&world);
	snprintf(line, sizeof(line), REQUEST("5", "task.call", "{\"task\":\"echo\",%s}"), claims[_i].wants);
	client_say(&client, line);
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_S);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "deadlock");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), _i < 3 ? "the lock \"db\"" : "the semaphore \"gpu\""));
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.0"), "1");
	ck_assert_str_eq(tree_text(answer, "error.data.cycle.1"), "2");
	ck_assert_uint_eq(core_totals(world.core)->blocked, 0); /* nobody waits for it any more */
}
END_TEST

START_TEST(a_lock_of_the_handler_s_own_connection_is_no_better)
{
	submit("{\"task\":\"hold\"}");
	world_be_worker(&world);
	client_ask(&client, REQUEST("4", "lock.acquire", "{\"name\":\"db\"}"));
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"echo\",\"locks\":[\"db\"]}"));
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_S);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "deadlock");
}
END_TEST

START_TEST(a_shared_lock_that_somebody_else_wants_alone_is_a_deadlock_too)
{
	submit("{\"task\":\"hold\",\"shared_locks\":[\"db\"]}");
	client_say(&other, REQUEST("3", "lock.acquire", "{\"name\":\"db\"}"));
	world_settle(&world);
	world_be_worker(&world);
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"echo\",\"shared_locks\":[\"db\"]}"));
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, NS_PER_S);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "deadlock");
}
END_TEST

/* _i: who has it: the handler's own process, which computes, too; somebody else */
START_TEST(a_wait_for_a_task_that_may_have_what_it_must_have_goes_on)
{
	if (_i == 0)
		submit("{\"task\":\"hold\",\"locks\":[\"db\"]}");
	else
		client_ask(&other, REQUEST("3", "lock.acquire", "{\"name\":\"db\"}"));
	submit("{\"task\":\"hold\"}");
	world_be_worker(&world);
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"echo\",\"locks\":[\"db\"]}"));
	for (int i = 0; i < 20; i++)
		world_advance(&world, NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	if (_i == 0)
		world_finish(&world);
	else
		client_ask(&other, REQUEST("4", "lock.release", "{\"name\":\"db\"}"));
	ck_assert_str_eq(client_hear(&client), RESULT("5", "[]"));
}
END_TEST

START_TEST(permits_that_are_left_are_enough)
{
	submit("{\"task\":\"hold\",\"semaphores\":{\"gpu\":{\"count\":1,\"slots\":3}}}");
	client_ask(&other, REQUEST("3", "semaphore.acquire", "{\"name\":\"gpu\"}"));
	world_be_worker(&world);
	client_say(&client, REQUEST("5", "task.call", "{\"task\":\"echo\",\"semaphores\":{\"gpu\":2}}"));
	for (int i = 0; i < 20; i++)
		world_advance(&world, NS_PER_S);
	ck_assert(client_hears_nothing(&client));
	client_ask(&other, REQUEST("4", "semaphore.release", "{\"name\":\"gpu\"}"));
	ck_assert_str_eq(client_hear(&client), RESULT("5", "[]"));
}
END_TEST

/* A command's process may hand its connection to somebody outside, who then has it while others' commands run. */
START_TEST(a_connection_speaks_for_the_command_that_made_it_and_for_no_later_one)
{
	world.all_descend = true;
	submit("{\"task\":\"hold\"}");
	json_t *answer = client_ask(&client, REQUEST("1", "lock.acquire", "{\"name\":\"a\",\"task\":1}"));
	ck_assert_ptr_nonnull(tree_at(answer, "result.fence"));
	world_finish(&world);
	submit("{\"task\":\"hold\"}");
	answer = client_ask(&other, REQUEST("1", "lock.acquire", "{\"name\":\"b\",\"task\":2}"));
	ck_assert_ptr_nonnull(tree_at(answer, "result.fence"));
	answer = client_ask(&client, REQUEST("2", "lock.release", "{\"name\":\"b\",\"task\":2}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "denied");
	client_say(&client, REQUEST("3", "task.call", "{\"task\":\"echo\",\"delay\":10}"));
	world_settle(&world);
	ck_assert_int_eq(world.waits, 0);
	answer = client_ask(&other, REQUEST("4", "lock.release", "{\"name\":\"b\",\"task\":2}"));
	ck_assert_ptr_nonnull(tree_at(answer, "result"));
}
END_TEST

/* Another process may have the number of that one. */
START_TEST(who_has_connected_and_ended_is_no_handler)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, world.path, strlen(world.path) + 1);
	submit("{\"task\":\"hold\"}");
	client_fini(&other);
	world_settle(&world);
	other.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(connect(other.fd, (struct sockaddr *)&address, sizeof(address)) < 0);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	world_settle(&world);
	other = (struct client){ .world = &world, .fd = other.fd,
		.number = TAILQ_LAST(&world.edge->connections, connection_list)->number };
	ck_assert_int_eq(client_connection(&other)->peer.pid, pid);
	world.all_descend = true;
	ck_assert_int_ne(nested_pid(client_connection(&client)), 0);
	ck_assert_int_eq(nested_pid(client_connection(&other)), 0);
}
END_TEST

/* Its waits that have begun end as they began. */
START_TEST(a_wait_that_outlives_its_command_is_counted_out)
{
	world.all_descend = true;
	submit("{\"task\":\"hold\"}");
	client_say(&client, REQUEST("1", "task.wait", "{\"ids\":1,\"timeout\":5}"));
	client_say(&client, REQUEST("2", "task.call", "{\"task\":\"echo\",\"delay\":10}"));
	world_settle(&world);
	ck_assert_int_eq(world.waits, 2);
	world_finish(&world);
	world_settle(&world);
	client_ask(&client, REQUEST("3", "lock.acquire", "{\"name\":\"a\"}"));
	ck_assert_int_eq(world.waits, 1);
	client_leave(&client);
	world_settle(&world);
	ck_assert_int_eq(world.waits, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_nested");
	TCase *tags = tcase_create("tags"), *nested = tcase_create("nested");
	tcase_add_checked_fixture(tags, set_up, tear_down);
	tcase_set_timeout(tags, 60);
	tcase_add_test(tags, a_tag_stands_for_all_that_have_it_at_that_moment);
	tcase_add_test(tags, a_tag_that_nobody_has_is_nothing_to_wait_for);
	tcase_add_test(tags, either_ids_or_a_tag_is_waited_for);
	tcase_add_test(tags, a_hundred_thousand_of_a_tag_are_waited_for);
	suite_add_tcase(suite, tags);
	tcase_add_checked_fixture(nested, set_up, tear_down);
	tcase_add_test(nested, the_pools_know_what_a_handler_waits_for);
	tcase_add_test(nested, other_clients_waits_are_not_counted);
	tcase_add_test(nested, a_wait_without_hope_fails_and_names_who_waits_for_whom);
	tcase_add_test(nested, every_way_to_wait_can_fail);
	tcase_add_test(nested, the_newest_wait_fails_first);
	tcase_add_test(nested, a_wait_that_will_end_does_not_fail);
	tcase_add_test(nested, while_some_task_computes_no_wait_fails);
	tcase_add_test(nested, a_wait_for_what_is_blocked_is_a_wait_for_what_blocks_it);
	tcase_add_test(nested, what_somebody_has_paused_he_may_resume);
	tcase_add_test(nested, it_is_the_pools_that_say_when_they_are_at_an_end);
	tcase_add_test(nested, a_queue_whose_only_place_waits_for_itself_is_a_deadlock_too);
	tcase_add_test(nested, a_full_queue_whose_tasks_do_not_wait_is_none);
	tcase_add_loop_test(nested, a_wait_for_a_task_that_must_have_what_its_own_task_has_fails, 0, 4);
	tcase_add_test(nested, a_lock_of_the_handler_s_own_connection_is_no_better);
	tcase_add_test(nested, a_shared_lock_that_somebody_else_wants_alone_is_a_deadlock_too);
	tcase_add_loop_test(nested, a_wait_for_a_task_that_may_have_what_it_must_have_goes_on, 0, 2);
	tcase_add_test(nested, permits_that_are_left_are_enough);
	tcase_add_test(nested, a_connection_speaks_for_the_command_that_made_it_and_for_no_later_one);
	tcase_add_test(nested, a_wait_that_outlives_its_command_is_counted_out);
	tcase_add_test(nested, who_has_connected_and_ended_is_no_handler);
	suite_add_tcase(suite, nested);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
