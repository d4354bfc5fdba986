/* What waits while the tasks of before are being loaded, and what goes on. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge_commands.h"
#include "edge_world.h"

static struct world world;
static struct client client, other;

static void set_up(void)
{
	world_init_durable(&world);
	client_init(&client, &world);
	client_init(&other, &world);
	world.durable->loading = true;
}

static void tear_down(void)
{
	client_fini(&client);
	client_fini(&other);
	world_fini(&world);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

static void loaded(void)
{
	world.durable->loading = false;
	world_settle(&world);
}

/* Names and parameters of requests. */
static const char *const waiting[][2] = {
	{ "task.result", "{\"id\":1}" },
	{ "task.wait", "{\"ids\":[1]}" },
	{ "task.wait", "{\"tag\":\"t\"}" },
	{ "task.status", "{\"id\":1}" },
	{ "task.list", "{}" },
	{ "task.cancel", "{\"all\":true}" },
	{ "task.retry", "{\"ids\":[1]}" },
	{ "task.forget", "{\"ids\":[1]}" },
	{ "task.watch", "{\"ids\":[1]}" },
	{ "task.log", "{\"id\":1,\"limit\":0}" },
	{ "task.follow", "{\"id\":1}" },
	{ "task.send", "{\"id\":1,\"eof\":true}" },
	{ "task.signal", "{\"ids\":[1],\"signal\":\"TERM\"}" },
	{ "queue.remove", "{\"name\":\"q\"}" },
	{ "queue.drain", "{\"queue\":\"default\"}" },
	{ "queue.pause", "{\"queue\":\"default\"}" },
	{ "task.submit", "{\"task\":\"hold\",\"durable\":false,\"key\":\"k\"}" },
	{ "task.submit", "{\"task\":\"hold\",\"durable\":false,\"after\":[1]}" },
	{ "task.call", "{\"task\":\"echo\",\"after_any\":[1]}" },
	{ "task.submit", "[\"hold\",[],null,0,null,null,null,null,null,null,null,null,null,null,null,null,[1]]" },
	{ "task.submit_batch", "{\"tasks\":[{\"task\":\"hold\"},{\"task\":\"nothing\",\"key\":\"k\"}]}" },
	{ "task.submit_batch", "[[{\"task\":\"hold\",\"after\":[1]}]]" },
};

START_TEST(what_names_or_looks_for_tasks_waits)
{
	char line[512];
	snprintf(line, sizeof(line), REQUEST("1", "%s", "%s"), waiting[_i][0], waiting[_i][1]);
	client_say(&client, line);
	ck_assert(client_hears_nothing(&client));
	loaded();
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 1);
}
END_TEST

static const char *const going_on[][2] = {
	{ "server.ping", "{}" },
	{ "server.info", "{}" },
	{ "server.stats", "{}" },
	{ "queue.list", "{}" },
	{ "queue.resume", "{\"queue\":\"default\"}" },
	{ "queue.set", "{\"name\":\"default\",\"weight\":2}" },
	{ "pool.list", "{}" },
	{ "worker.list", "{}" },
	{ "task.types", "{}" },
	{ "schedule.list", "{}" },
	{ "task.call", "{\"task\":\"echo\"}" },
	{ "task.call", "{\"task\":\"echo\",\"key\":null}" },
	{ "task.submit", "{\"task\":\"echo\",\"durable\":false,\"tag\":\"key\"}" },
	{ "task.submit_batch", "{\"tasks\":[{\"task\":\"echo\",\"durable\":false}]}" },
	{ "task.map", "{\"task\":\"echo\",\"items\":[]}" },
	{ "lock.acquire", "{\"name\":\"l\"}" },
	{ "echo", "{\"key\":1}" },
	{ "nothing", "[]" },
	{ "task.nothing", "[]" },
	{ "task.submit", "7" },
};

START_TEST(everything_else_goes_on)
{
	char line[512];
	snprintf(line, sizeof(line), REQUEST("1", "%s", "%s"), going_on[_i][0], going_on[_i][1]);
	ck_assert_int_eq(tree_int(client_ask(&client, line), "id"), 1);
}
END_TEST

/* It is read before, in slices, and waits where it is. */
START_TEST(a_long_message_waits_too)
{
	enum { LENGTH = 200 << 10 };
	static char line[LENGTH + 256];
	bool batch = _i, leaves = _i == 2;
	int used = sprintf(line, "%s{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.list\",\"more\":\"", batch ? "[" : "");
	memset(line + used, 'x', LENGTH);
	strcpy(line + used + LENGTH, batch ? "\"}]" : "\"}");
	client_say(&client, line);
	client_say(&client, REQUEST("2", "server.ping", "{}"));
	ck_assert(client_hears_nothing(&client));
	client_expect(&other, REQUEST("9", "echo", "[9]"), RESULT("9", "[9]"));
	if (leaves) {
		client_leave(&client);
		world_settle(&world);
		ck_assert_uint_eq(world_connections(&world), 1);
		return;
	}
	loaded();
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(batch ? json_array_get(answer, 0) : answer, "id"), 1);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 2);
}
END_TEST

START_TEST(what_comes_behind_waits_too_and_keeps_its_order)
{
	client_say(&client, REQUEST("1", "echo", "[1]"));
	client_say(&client, REQUEST("2", "task.list", "{}"));
	client_say(&client, REQUEST("3", "echo", "[3]"));
	client_say(&client, REQUEST("4", "task.status", "{\"id\":99}"));
	ck_assert_str_eq(client_hear(&client), RESULT("1", "[1]"));
	ck_assert(client_hears_nothing(&client));
	client_expect(&other, REQUEST("9", "echo", "[9]"), RESULT("9", "[9]")); /* others do not */
	loaded();
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 2);
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 4); /* which takes no worker */
	ck_assert_str_eq(client_hear(&client), RESULT("3", "[3]"));
}
END_TEST

START_TEST(nothing_turns_while_somebody_waits)
{
	client_say(&client, REQUEST("1", "task.list", "{}"));
	world_settle(&world); /* this would never end */
	ck_assert(!world_turn(&world));
}
END_TEST

START_TEST(a_batch_stops_where_it_has_to_wait)
{
	client_say(&client,
		"[" REQUEST("1", "echo", "[1]") "," REQUEST("2", "task.list", "{}") "," REQUEST(
			"3", "echo", "[3]") "]");
	ck_assert(client_hears_nothing(&client));
	loaded();
	json_t *answers = client_hear_json(&client);
	ck_assert_uint_eq(json_array_size(answers), 3);
	ck_assert_int_eq(tree_int(answers, "0.id"), 1);
	ck_assert_int_eq(tree_int(answers, "1.id"), 2);
	ck_assert_int_eq(tree_int(answers, "2.id"), 3);
}
END_TEST

START_TEST(who_says_no_more_is_answered_when_all_is_there)
{
	client_say(&client, REQUEST("1", "task.list", "{}"));
	client_send(&client, REQUEST("2", "echo", "[]"),
		strlen(REQUEST("2", "echo", "[]"))); /* a last line that nothing ends */
	client_half_close(&client);
	ck_assert(client_hears_nothing(&client));
	ck_assert_uint_eq(world_connections(&world), 2);
	loaded();
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 1);
	ck_assert_str_eq(client_hear(&client), RESULT("2", "[]"));
	ck_assert(client_hears_end(&client));
}
END_TEST

START_TEST(the_only_line_that_nothing_ends_waits_too)
{
	client_send(&client, REQUEST("1", "task.list", "{}"), strlen(REQUEST("1", "task.list", "{}")));
	client_half_close(&client);
	ck_assert(client_hears_nothing(&client));
	loaded();
	ck_assert_int_eq(tree_int(client_hear_json(&client), "id"), 1);
	ck_assert(client_hears_end(&client));
}
END_TEST

START_TEST(who_leaves_meanwhile_is_forgotten)
{
	client_say(&client, REQUEST("1", "task.submit", "{\"task\":\"hold\",\"key\":\"k\"}"));
	client_say(&client, "[" REQUEST("2", "task.list", "{}") "]");
	world_settle(&world);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 1);
	loaded();
	ck_assert_uint_eq(world.durable->n_records, 0);
}
END_TEST

START_TEST(with_headers_it_is_the_same)
{
	static const char body[] = REQUEST("1", "task.list", "{}");
	char message[256];
	int length = snprintf(message, sizeof(message), "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
	client_send(&client, message, (size_t)length);
	client_send(&client, message, (size_t)length);
	ck_assert(client_hears_nothing(&client));
	loaded();
	ck_assert(strncmp(client_hear_bytes(&client, 16), "Content-Length: ", 16) == 0);
}
END_TEST

/* Descriptors wait with the message that they came with; what it does not want is closed behind it. */
START_TEST(descriptors_wait_with_their_request)
{
	static const char line[] = REQUEST("1", "task.submit",
		"{\"task\":\"exec\",\"args\":{\"argv\":[\"cat\"],\"fds\":\"stdin\"},\"key\":\"k\"}") "\n";
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = {
		.header = { .cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }
	};
	struct iovec part = { .iov_base = (void *)line, .iov_len = sizeof(line) - 1 };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	int ends[2], fds[3];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	const int sent[2] = { ends[0], ends[1] };
	memcpy(CMSG_DATA(&control.header), sent, sizeof(sent));
	ck_assert_int_eq(sendmsg(client.fd, &message, 0), sizeof(line) - 1);
	close(ends[1]);
	ck_assert(client_hears_nothing(&client));
	struct pollfd end = { .fd = ends[0] };
	ck_assert_int_eq(poll(&end, 1, 0), 0);
	loaded();
	json_t *answer = client_hear_json(&client);
	ck_assert_msg(tree_at(answer, "result"), "%s", tree_text(answer, "error.message"));
	ck_assert_uint_eq(commands_attached(1, fds), 1);
	ck_assert_int_eq(poll(&end, 1, 30000), 1); /* nobody has the other end any more */
	ck_assert_int_eq(end.revents, POLLHUP);
	close(ends[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_loading");
	TCase *loading = tcase_create("loading");
	tcase_add_checked_fixture(loading, set_up, tear_down);
	tcase_add_loop_test(loading, what_names_or_looks_for_tasks_waits, 0, COUNT(waiting));
	tcase_add_loop_test(loading, everything_else_goes_on, 0, COUNT(going_on));
	tcase_add_loop_test(loading, a_long_message_waits_too, 0, 3);
	tcase_add_test(loading, what_comes_behind_waits_too_and_keeps_its_order);
	tcase_add_test(loading, nothing_turns_while_somebody_waits);
	tcase_add_test(loading, a_batch_stops_where_it_has_to_wait);
	tcase_add_test(loading, who_says_no_more_is_answered_when_all_is_there);
	tcase_add_test(loading, the_only_line_that_nothing_ends_waits_too);
	tcase_add_test(loading, who_leaves_meanwhile_is_forgotten);
	tcase_add_test(loading, with_headers_it_is_the_same);
	tcase_add_test(loading, descriptors_wait_with_their_request);
	suite_add_tcase(suite, loading);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
