/* Descriptors that come along with requests: whose they are, and that none is left open. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge/descriptors.h"
#include "edge_commands.h"

static struct world world;
static struct client client;
static int files[4]; /* of this side */
static size_t n_open; /* descriptors of this process, before anything was sent */

static size_t count_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

/* Some are closed a moment later, see base/closer.h. */
static void wait_for_open(size_t n)
{
	int64_t end_ns = clock_mono_ns() + 30 * NS_PER_S;
	while (count_open() != n && clock_mono_ns() < end_ns)
		usleep(1000);
	ck_assert_uint_eq(count_open(), n);
}

static void set_up(void)
{
	world_init(&world);
	client_init(&client, &world);
	for (int i = 0; i < 4; i++)
		files[i] = memfd_create("test", MFD_CLOEXEC);
	n_open = count_open();
}

static void tear_down(void)
{
	client_fini(&client);
	world_fini(&world);
	for (int i = 0; i < 4; i++)
		close(files[i]);
}

#define EXEC(id, fds) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"exec\",\"params\":{\"argv\":[\"x\"],\"fds\":" fds "}}"
#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"server.ping\"}"

/* TEXT as it stands, with descriptors. */
static void send_from(const struct client *from, const char *text, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(n_fds * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	*rights = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n_fds * sizeof(int)) };
	memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
	ck_assert_int_eq(sendmsg(from->fd, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void send_with(const char *text, const int *fds, size_t n_fds)
{
	send_from(&client, text, fds, n_fds);
}

static bool same(int a, int b)
{
	struct stat first, second;
	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino;
}

/* Task ID has the file of that index, and nothing else. */
static void expect_file(uint64_t id, int index)
{
	int fds[3];
	world_settle(&world);
	ck_assert_uint_eq(commands_attached(id, fds), 1);
	ck_assert(same(fds[0], files[index]));
}

static void expect_kept(size_t n)
{
	world_settle(&world);
	wait_for_open(n_open + n);
}

static void expect_refused(const char *id, const char *reason)
{
	json_t *answer = client_hear_json(&client);
	ck_assert_int_eq(tree_int(answer, "id"), atoi(id));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "invalid_params");
	ck_assert_msg(strstr(tree_text(answer, "error.message"), reason), "%s", tree_text(answer, "error.message"));
}

START_TEST(a_request_gets_those_that_came_with_it_in_their_order)
{
	int fds[3];
	send_with(EXEC("1", "[\"stdin\",\"stderr\",\"stdout\"]") "\n", files, 3);
	world_settle(&world);
	ck_assert_uint_eq(commands_attached(1, fds), 3);
	for (int i = 0; i < 3; i++)
		ck_assert(same(fds[i], files[i]));
	expect_kept(3);
}
END_TEST

START_TEST(any_byte_of_the_request_may_bring_them)
{
	const char *text = EXEC("1", "[\"stdin\"]");
	client_send(&client, text, 20);
	world_settle(&world);
	send_with(text + 20, files, 1);
	world_settle(&world);
	client_send(&client, "\n", 1);
	expect_file(1, 0);
	/* The first one alone, and the one that ends it alone. */
	send_with("{", files + 1, 1);
	client_say(&client, EXEC("2", "[\"stdin\"]") + 1);
	expect_file(2, 1);
	client_send(&client, text, strlen(text));
	send_with("\n", files + 2, 1);
	expect_file(3, 2);
	expect_kept(3);
}
END_TEST

START_TEST(requests_that_are_read_together_do_not_mix_them_up)
{
	send_with(EXEC("1", "[\"stdin\"]") "\n", files, 1);
	client_say(&client, PING("2"));
	send_with(EXEC("3", "[\"stdout\"]") "\n", files + 1, 1);
	send_with(EXEC("4", "[\"stderr\"]") "\n", files + 2, 1);
	expect_file(1, 0);
	expect_file(2, 1);
	expect_file(3, 2);
	expect_kept(3);
}
END_TEST

START_TEST(a_message_before_theirs_does_not_close_them)
{
	client_say(&client, PING("1"));
	client_send(&client, PING("2"), 10);
	world_settle(&world);
	client_send(&client, PING("2") + 10, strlen(PING("2")) - 10);
	client_send(&client, "\n", 1);
	send_with(EXEC("3", "[\"stdin\"]") "\n", files, 1);
	expect_file(1, 0);
	expect_kept(1);
}
END_TEST

/* It is not handled in one go, and they have been read with it. */
START_TEST(nor_does_a_long_batch)
{
	static char batch[2 * 5000 + 2];
	for (int i = 0; i < 5000; i++)
		memcpy(batch + 2 * i, i ? ",1" : "[1", 2);
	batch[2 * 5000] = ']';
	client_say(&client, batch);
	send_with(EXEC("3", "[\"stdin\"]") "\n", files, 1);
	ck_assert_uint_eq(json_array_size(client_hear_json(&client)), 5000);
	expect_file(1, 0);
	expect_kept(1);
}
END_TEST

START_TEST(those_that_nobody_asks_for_are_closed)
{
	send_with(PING("1") "\n", files, 4);
	client_hear(&client);
	expect_kept(0);
	send_with(EXEC("2", "[\"stdin\"]") "\n", files, 4);
	expect_file(1, 0);
	expect_kept(1);
	send_with("this is no request\n", files, 4);
	client_hear(&client);
	expect_kept(1);
	/* They are not the next one's. */
	client_say(&client, EXEC("3", "[\"stdin\"]"));
	expect_refused("3", "names 1 descriptor, and 0 came");
}
END_TEST

START_TEST(fewer_than_are_named_are_an_error)
{
	send_with(EXEC("1", "[\"stdin\",\"stdout\"]") "\n", files, 1);
	expect_refused("1", "names 2 descriptors, and 1 came");
	expect_kept(0);
	client_say(&client, EXEC("2", "[\"stdin\"]"));
	expect_refused("2", "and 0 came");
	send_with(EXEC("3", "[\"stdin\"]") "\n", files, 1);
	expect_file(1, 0);
}
END_TEST

START_TEST(a_refused_request_leaves_none_open)
{
	static const char *const lines[] = {
		EXEC("1", "[\"stdin\",\"stdin\"]") "\n",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":"
		"{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"],\"fds\":\"stdin\"},\"queue\":\"no\"}}\n",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":"
		"{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"],\"fds\":\"stdin\"},\"queue\":\"tight\"}}\n",
	};
	for (int i = 0; i < 3; i++)
		client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":"
				    "{\"task\":\"hold\",\"queue\":\"tight\",\"delay\":1000}}");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		send_with(lines[i], files, 2);
		ck_assert_str_ne(tree_text(client_hear_json(&client), "error.data.kind"), "(none)");
		expect_kept(0);
	}
}
END_TEST

START_TEST(one_that_waits_for_room_keeps_its_own)
{
	const char *line = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"queue\":\"tight\","
			   "\"args\":{\"argv\":[\"x\"],\"fds\":\"stdin\"},\"wait_for_room\":60}}\n";
	for (int i = 0; i < 3; i++)
		client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":"
				    "{\"task\":\"hold\",\"queue\":\"tight\",\"delay\":1000}}");
	send_with(line, files, 1);
	send_with(line, files + 1, 1);
	expect_kept(2);
	client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.cancel\",\"params\":{\"ids\":1}}");
	expect_file(4, 0);
	expect_kept(2);
	world_advance(&world, 61 * NS_PER_S);
	expect_file(5, 1); /* the first one has been started meanwhile, and there was room */
}
END_TEST

START_TEST(one_that_finds_no_room_closes_its_own)
{
	for (int i = 0; i < 3; i++)
		client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":"
				    "{\"task\":\"hold\",\"queue\":\"tight\",\"delay\":1000}}");
	send_with("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"queue\":\"tight\","
		  "\"args\":{\"argv\":[\"x\"],\"fds\":\"stdin\"},\"wait_for_room\":60}}\n", files, 1);
	expect_kept(1);
	world_advance(&world, 61 * NS_PER_S);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "queue_full");
	expect_kept(0);
}
END_TEST

START_TEST(the_connections_end_closes_what_waits)
{
	send_with("{\"jsonrpc\":", files, 4);
	expect_kept(4);
	client_leave(&client);
	world_settle(&world);
	wait_for_open(n_open - 2);
}
END_TEST

START_TEST(too_many_end_the_connection_with_a_reason)
{
	int many[DESCRIPTORS_MAX + 1];
	for (int i = 0; i <= DESCRIPTORS_MAX; i++)
		many[i] = files[0];
	send_with(PING("1") "\n", many, DESCRIPTORS_MAX);
	client_hear(&client);
	send_with("{", many, DESCRIPTORS_MAX);
	world_settle(&world);
	send_with(" ", many, 1);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "too_many");
	ck_assert(client_hears_end(&client));
	client_fini(&client);
	client_init(&client, &world);
	send_with(PING("1") "\n", many, DESCRIPTORS_MAX + 1);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "error.data.kind"), "too_many");
	ck_assert(client_hears_end(&client));
	wait_for_open(n_open - 1);
}
END_TEST

START_TEST(clients_do_not_get_the_last_of_the_daemons_descriptors)
{
	world.edge->limits.descriptors = 0;
	send_with(EXEC("1", "[\"stdin\"]") "\n", files, 1);
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "too_many");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "error.message"), "no room"));
	ck_assert(client_hears_end(&client));
	wait_for_open(n_open - 1);
}
END_TEST

/* Each connection may have some, and a user many connections. */
START_TEST(nor_does_one_user_get_all_that_there_are)
{
	static const uid_t uids[] = { 4001, 4001, 4002 };
	struct client clients[3];
	int fds[12];
	for (int i = 0; i < 12; i++)
		fds[i] = files[i % 4];
	for (int i = 0; i < 3; i++) {
		client_init(&clients[i], &world);
		client_become(&clients[i], uids[i], uids[i], NULL);
	}
	size_t before = count_open();
	world.edge->limits.descriptors = 20 * DESCRIPTORS_SHARE;
	send_from(&clients[0], "{", fds, 12);
	send_from(&clients[1], "{", fds, 8);
	world_settle(&world);
	ck_assert_uint_eq(count_open(), before + 20);
	send_from(&clients[0], "}", fds, 1); /* they are still its own */
	send_from(&clients[2], "{", fds, 4);
	world_settle(&world);
	json_t *answer = client_hear_json(&clients[0]);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "too_many");
	wait_for_open(before + 8 + 4 - 1); /* its connection, too */
	send_from(&clients[1], "\n", fds, 4); /* and theirs are another's to have */
	world_settle(&world);
	ck_assert_str_eq(tree_text(client_hear_json(&clients[1]), "error.data.kind"), "parse_error");
	wait_for_open(before + 4 - 1);
	for (int i = 0; i < 3; i++)
		client_fini(&clients[i]);
}
END_TEST

/* --- and of those that commands have --- */

static long long descriptors_of(unsigned uid)
{
	struct client admin;
	long long found = -2; /* there is no such user */
	client_init(&admin, &world);
	json_t *users = tree_at(client_ask(&admin, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"user.list\"}"), "result");
	for (size_t i = 0; i < json_array_size(users); i++)
		if (tree_int(json_array_get(users, i), "uid") == uid)
			found = tree_int(json_array_get(users, i), "descriptors");
	client_fini(&admin);
	return found;
}

static void expect_over_share(long long most, long long has)
{
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "over_share");
	ck_assert_str_eq(tree_text(answer, "error.data.limit"), "user_descriptors");
	ck_assert_int_eq(tree_int(answer, "error.data.most"), most);
	ck_assert_int_eq(tree_int(answer, "error.data.has"), has);
}

#define SUBMIT(fds) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"],\"fds\":" fds \
	"}}}\n"

static void share(long long most)
{
	world.config.user_descriptors = most;
	world.config.exec_users = (char *)(uintptr_t)"*";
	world_configure(&world);
	client_become(&client, 4001, 4001, NULL);
}

START_TEST(those_of_commands_count_until_they_have_ended)
{
	struct client other;
	share(3);
	send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.id"), "1");
	ck_assert_int_eq(descriptors_of(4001), 2);
	send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	expect_over_share(3, 2);
	expect_kept(2);
	/* what brings none is not concerned, nor is anybody else */
	ck_assert_str_eq(tree_text(client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":"
		"{\"task\":\"exec\",\"args\":[[\"x\"]]}}"), "result.id"), "2");
	client_init(&other, &world);
	client_become(&other, 4002, 4002, NULL);
	send_from(&other, SUBMIT("[\"stdin\",\"stdout\",\"stderr\"]"), files, 3);
	ck_assert_str_eq(tree_text(client_hear_json(&other), "result.id"), "3");
	ck_assert_int_eq(descriptors_of(4002), 3);
	/* he may leave: they are still his */
	client_leave(&client);
	world_settle(&world);
	ck_assert_int_eq(descriptors_of(4001), 2);
	command_begin(&world, 1);
	command_end(&world, 1, TASK_SUCCEEDED, NULL, "{}");
	world_settle(&world);
	ck_assert_int_eq(descriptors_of(4001), 0);
	client_fini(&other);
	client_fini(&client);
	client_init(&client, &world);
	client_become(&client, 4001, 4001, NULL);
	send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	ck_assert(tree_at(client_hear_json(&client), "result"));
}
END_TEST

START_TEST(those_of_who_waits_for_room_count_too)
{
	static const char wait[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"queue\":"
				   "\"tight\",\"wait_for_room\":1000,\"args\":{\"argv\":[\"x\"],\"fds\":[\"stdin\",\"stdout\"]}}}\n";
	struct client other;
	for (int i = 0; i < 3; i++)
		client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"queue\":"
				    "\"tight\",\"delay\":1000,\"args\":[[\"x\"]]}}");
	share(3);
	send_with(wait, files, 2);
	ck_assert(client_hears_nothing(&client));
	ck_assert_int_eq(descriptors_of(4001), 2);
	send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	expect_over_share(3, 2);
	client_init(&other, &world);
	client_become(&other, 4001, 4001, NULL); /* so that his account stays */
	client_leave(&client);
	world_settle(&world);
	wait_for_open(n_open - 2 + 2);
	ck_assert_int_eq(descriptors_of(4001), 0);
	send_from(&other, SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	ck_assert(tree_at(client_hear_json(&other), "result"));
	ck_assert_int_eq(descriptors_of(4001), 2);
	client_fini(&other);
}
END_TEST

START_TEST(a_lowered_share_lets_nobody_have_more)
{
	share(3);
	send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	ck_assert(tree_at(client_hear_json(&client), "result"));
	share(1);
	send_with(SUBMIT("[\"stdin\"]"), files, 1);
	expect_over_share(1, 2);
	client_become(&client, 0, 0, NULL); /* who has no share */
	send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
	ck_assert(tree_at(client_hear_json(&client), "result"));
}
END_TEST

START_TEST(by_default_they_are_a_quarter_and_one_command_in_any_case)
{
	share(-1);
	ck_assert_uint_eq(world.edge->shares.descriptors, (size_t)world.edge->limits.descriptors / 4);
	world.edge->limits.descriptors = 8;
	users_configure(world.edge, &world.config);
	ck_assert_uint_eq(world.edge->shares.descriptors, 3);
	share(0);
	for (int i = 0; i < 2; i++) {
		send_with(SUBMIT("[\"stdin\",\"stdout\"]"), files, 2);
		ck_assert(tree_at(client_hear_json(&client), "result"));
	}
}
END_TEST

START_TEST(a_json_rpc_batch_has_none)
{
	send_with("[" EXEC("1", "[\"stdin\"]") "," EXEC("2", "[]") "]\n", files, 1);
	world_settle(&world);
	command_begin(&world, 1);
	command_end(&world, 1, TASK_SUCCEEDED, NULL, "{}");
	json_t *answer = client_hear_json(&client);
	ck_assert_str_eq(tree_text(answer, "0.error.data.kind"), "invalid_params");
	ck_assert_ptr_nonnull(strstr(tree_text(answer, "0.error.message"), "batch"));
	ck_assert_ptr_nonnull(tree_at(answer, "1.result"));
	expect_kept(0);
}
END_TEST

START_TEST(nor_what_nobody_attends_to)
{
	static const char *const lines[] = {
		"\"task.submit_batch\",\"params\":{\"tasks\":[{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"],\"fds\":[\"stdin\"]}}]}}\n",
		"\"task.map\",\"params\":{\"task\":\"exec\",\"items\":[{\"argv\":[\"x\"],\"fds\":[\"stdin\"]}]}}\n",
		"\"schedule.add\",\"params\":{\"name\":\"s\",\"every\":1,\"task\":\"exec\",\"args\":{\"argv\":[\"x\"],\"fds\":[\"stdin\"]}}}\n",
	};
	char line[256];
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":%s", lines[i]);
		send_with(line, files, 1);
		expect_refused("1", "\"fds\" is for a command that is submitted alone");
		expect_kept(0);
	}
}
END_TEST

START_TEST(one_that_joins_another_by_its_key_closes_its_own)
{
	const char *line = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"key\":\"k\","
			   "\"key_mode\":\"attach\",\"args\":{\"argv\":[\"x\"],\"fds\":\"stdin\"}}}\n";
	send_with(line, files, 1);
	expect_file(1, 0);
	send_with(line, files + 1, 1);
	expect_file(1, 0);
	expect_kept(1);
}
END_TEST

START_TEST(one_that_is_over_before_it_starts_closes_its_own)
{
	client_ask(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fail\",\"params\":[]}");
	send_with("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"task.submit\",\"params\":{\"task\":\"exec\",\"after\":1,"
		  "\"args\":{\"argv\":[\"x\"],\"fds\":\"stdin\"}}}\n", files, 1);
	ck_assert_str_eq(tree_text(client_hear_json(&client), "result.state"), "cancelled");
	expect_kept(0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_fds");
	TCase *fds = tcase_create("fds");
	tcase_add_checked_fixture(fds, set_up, tear_down);
	tcase_set_timeout(fds, 60);
	tcase_add_test(fds, a_request_gets_those_that_came_with_it_in_their_order);
	tcase_add_test(fds, any_byte_of_the_request_may_bring_them);
	tcase_add_test(fds, requests_that_are_read_together_do_not_mix_them_up);
	tcase_add_test(fds, a_message_before_theirs_does_not_close_them);
	tcase_add_test(fds, nor_does_a_long_batch);
	tcase_add_test(fds, those_that_nobody_asks_for_are_closed);
	tcase_add_test(fds, fewer_than_are_named_are_an_error);
	tcase_add_test(fds, a_refused_request_leaves_none_open);
	tcase_add_test(fds, one_that_waits_for_room_keeps_its_own);
	tcase_add_test(fds, one_that_finds_no_room_closes_its_own);
	tcase_add_test(fds, the_connections_end_closes_what_waits);
	tcase_add_test(fds, too_many_end_the_connection_with_a_reason);
	tcase_add_test(fds, clients_do_not_get_the_last_of_the_daemons_descriptors);
	tcase_add_test(fds, nor_does_one_user_get_all_that_there_are);
	tcase_add_test(fds, those_of_commands_count_until_they_have_ended);
	tcase_add_test(fds, those_of_who_waits_for_room_count_too);
	tcase_add_test(fds, a_lowered_share_lets_nobody_have_more);
	tcase_add_test(fds, by_default_they_are_a_quarter_and_one_command_in_any_case);
	tcase_add_test(fds, a_json_rpc_batch_has_none);
	tcase_add_test(fds, nor_what_nobody_attends_to);
	tcase_add_test(fds, one_that_joins_another_by_its_key_closes_its_own);
	tcase_add_test(fds, one_that_is_over_before_it_starts_closes_its_own);
	suite_add_tcase(suite, fds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
