/* The edge under strain: clients that leave, that never read, that say too much; and the listening socket. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"

static uint64_t cancelled(void)
{
	return core_totals(world.core)->ended[TASK_CANCELLED];
}

/* Writes as long as the socket takes something, and turns the loop; how much it took until it took nothing more. */
static size_t stuff(struct client *by, const char *data, size_t length, size_t at_most)
{
	size_t total = 0;
	for (int refused = 0; refused < 50 && total < at_most;) {
		size_t at = total % length;
		ssize_t sent = send(by->fd, data + at, length - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		refused = sent > 0 ? 0 : refused + 1;
		total += sent > 0 ? (size_t)sent : 0;
		world_turn(&world);
	}
	return total;
}

static struct connection *only_connection(void)
{
	return TAILQ_FIRST(&world.edge->connections);
}

/* --- leaving --- */

START_TEST(a_half_closed_client_gets_all_its_replies)
{
	char line[128];
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), REQUEST("%d", "echo", "[%d]"), i, i);
		client_say(&client, line);
	}
	client_say(&client, REQUEST("1000", "hold", "[]"));
	client_half_close(&client);
	for (int i = 0; i < 1000; i++)
		client_hear(&client);
	ck_assert(client_hears_nothing(&client));
	world_finish(&world);
	ck_assert_str_eq(client_hear(&client), RESULT("1000", "\"done\""));
	ck_assert(client_hears_end(&client));
	ck_assert_uint_eq(cancelled(), 0);
	ck_assert(edge_quiet(world.edge));
}
END_TEST

START_TEST(the_tasks_of_one_that_leaves_are_cancelled)
{
	client_say(&client, REQUEST("1", "hold", "[]"));
	client_say(&client, REQUEST("2", "task.map", "{\"task\":\"hold\",\"items\":[1,2,3,4,5]}"));
	client_say(&client, REQUEST("3", "task.submit", "{\"task\":\"hold\",\"watch\":true}"));
	client_say(&client, REQUEST("4", "task.result", "{\"id\":1}"));
	client_say(&client, REQUEST("5", "task.wait", "{\"ids\":[1,2],\"timeout\":9}"));
	client_say(&client, "[" REQUEST("6", "hold", "[]") "," REQUEST("7", "echo", "[]") "]");
	world_settle(&world);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(cancelled(), 8);
	ck_assert_uint_eq(world_connections(&world), 0);
	ck_assert_uint_eq(core_totals(world.core)->in_lanes, 1);
	ck_assert(edge_quiet(world.edge));
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
}
END_TEST

START_TEST(one_that_leaves_after_it_half_closed_is_noticed)
{
	client_say(&client, REQUEST("1", "hold", "[]"));
	client_half_close(&client);
	world_settle(&world);
	ck_assert_uint_eq(cancelled(), 0);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(cancelled(), 1);
	ck_assert_uint_eq(world_connections(&world), 0);
}
END_TEST

START_TEST(one_that_leaves_while_it_is_not_read_from_is_noticed)
{
	world.config.max_requests = 2;
	world_configure(&world);
	for (int i = 0; i < 5; i++)
		client_say(&client, REQUEST("1", "hold", "[]"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 2);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(cancelled(), 2);
	ck_assert_uint_eq(world_connections(&world), 0);
}
END_TEST

START_TEST(half_a_message_and_an_end_is_nothing)
{
	static const char headers[] = "Content-Length: 1000\r\n\r\n{\"jsonrpc\":";
	client_send(&client, headers, sizeof(headers) - 1);
	world_settle(&world);
	client_half_close(&client);
	ck_assert(client_hears_end(&client));
	ck_assert_uint_eq(world_connections(&world), 0);
}
END_TEST

/* --- much at once --- */

START_TEST(ten_thousand_pipelined_requests_are_each_answered_once)
{
	enum { N = 10000 };
	static char seen[N];
	struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < N; i++)
		strbuf_printf(&text, REQUEST("%d", "%s", "[]") "\n", i, i % 3 ? "echo" : "server.ping");
	client_send(&client, text.data, text.length);
	for (int i = 0; i < N; i++) {
		int id = -1;
		ck_assert_int_eq(sscanf(client_hear(&client), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":", &id), 1);
		ck_assert(id >= 0 && id < N && !seen[id]);
		seen[id] = 1;
	}
	ck_assert(client_hears_nothing(&client));
	ck_assert_ptr_null(only_connection()->input);
	strbuf_free(&text);
}
END_TEST

START_TEST(large_messages_pass_both_ways)
{
	size_t size = 3u << 20;
	char *line = malloc(size + 128);
	int head = sprintf(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[\"");
	memset(line + head, 'x', size);
	strcpy(line + head + size, "\"]}");
	for (int i = 0; i < 3; i++) {
		client_say(&client, line);
		client_say(&client, REQUEST("2", "server.ping", "[]"));
		const char *answer = client_hear(&client);
		ck_assert_ptr_nonnull(strstr(answer, "\"id\":2,"));
		answer = client_hear(&client);
		ck_assert_uint_eq(strlen(answer), strlen(RESULT("1", "[\"\"]")) + size);
		ck_assert_int_eq(memcmp(answer + strlen(answer) - size - 3, line + head, size), 0);
	}
	ck_assert_ptr_null(only_connection()->input);
	ck_assert_ptr_null(only_connection()->output);
	free(line);
}
END_TEST

/* The buffer of a long message goes with it. The next one begins in a small one, and few bytes of it and what comes behind
 * them must not take more than there is. */
START_TEST(the_start_of_a_message_behind_a_long_one_is_read_on)
{
	enum { LEAST = 512 << 10, MOST = 1536 << 10, STEP = 48 << 10, BEGUN = 40 };
	static char text[MOST + 4096];
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"params\":[\"";
	const int room = 1 << 20; /* or what the system allows */
	size_t answered = 0, rounds = 0;
	ck_assert_int_eq(setsockopt(client.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	for (size_t size = LEAST; size < MOST; size += STEP, rounds++) {
		memcpy(text, head, sizeof(head) - 1);
		memset(text + sizeof(head) - 1, 'x', size);
		memcpy(text + sizeof(head) - 1 + size, "\"]}\n", 5);
		size_t length = sizeof(head) - 1 + size + 4;
		client_send(&client, text, length);
		client_send(&client, text, BEGUN);
		answered += strlen(client_hear(&client)) > size;
		world_settle(&world);
		ck_assert_uint_eq(only_connection()->input_length, BEGUN);
		ck_assert_uint_lt(only_connection()->input_room, LEAST);
		client_send(&client, text + BEGUN, length - BEGUN);
		answered += strlen(client_hear(&client)) > size;
	}
	ck_assert_uint_eq(answered, 2 * rounds);
}
END_TEST

START_TEST(requests_beyond_the_limit_wait_until_some_are_answered)
{
	world.config.max_requests = 2;
	world_configure(&world);
	for (int i = 0; i < 6; i++)
		client_say(&client, REQUEST("1", "hold", "[]"));
	client_half_close(&client);
	for (int i = 0; i < 3; i++) {
		world_settle(&world);
		ck_assert_uint_eq(core_totals(world.core)->submitted, 2u * (unsigned)i + 2);
		ck_assert_int_eq(world_finish(&world), 2);
		client_hear(&client);
		client_hear(&client);
	}
	ck_assert(client_hears_end(&client));
}
END_TEST

START_TEST(an_element_of_a_batch_that_ends_makes_room_for_more)
{
	struct client other;
	world.config.max_requests = 2;
	world_configure(&world);
	client_init(&other, &world);
	client_say(&client, "[" REQUEST("1", "hold", "[]") "," REQUEST("2", "hold", "[]") "]");
	client_say(&client, REQUEST("3", "hold", "[]"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 2);
	client_say(&other, REQUEST("1", "task.cancel", "{\"ids\":\"1\"}"));
	world_settle(&world);
	ck_assert_uint_eq(core_totals(world.core)->submitted, 3);
	client_fini(&other);
}
END_TEST

START_TEST(a_long_batch_does_not_hold_up_others)
{
	enum { N = 50000 };
	struct client other;
	struct strbuf text = STRBUF_INIT;
	client_init(&other, &world);
	for (int i = 0; i < N; i++)
		strbuf_puts(&text, i ? ",1" : "[1");
	strbuf_puts(&text, "]");
	client_say(&client, text.data);
	world_turn(&world);
	client_expect(&other, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	ck_assert_ptr_null(only_connection()->output);
	ck_assert_uint_gt(strlen(client_hear(&client)), (size_t)N * 50);
	client_expect(&client, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	client_say(&client, text.data);
	world_turn(&world);
	client_leave(&client);
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 1);
	client_fini(&other);
	strbuf_free(&text);
}
END_TEST

/* --- not reading --- */

START_TEST(one_that_never_reads_is_not_read_from_either)
{
	static const char line[] = REQUEST("1", "server.info", "[]") "\n";
	struct client other;
	size_t taken = stuff(&client, line, sizeof(line) - 1, 64u << 20);
	ck_assert_uint_lt(taken, 4u << 20);
	struct connection *connection = only_connection();
	ck_assert_uint_gt(connection->output_size, EDGE_OUTPUT_PAUSE);
	ck_assert_uint_lt(connection->output_size, EDGE_OUTPUT_PAUSE + 4096);
	ck_assert_uint_le(connection->input_room, 1u << 20);
	client_init(&other, &world);
	client_expect(&other, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	/* When it reads at last, it goes on. */
	for (size_t i = 0; i < taken / (sizeof(line) - 1); i++)
		client_hear(&client);
	client_fini(&other);
}
END_TEST

START_TEST(one_that_takes_nothing_for_too_long_is_closed)
{
	static const char line[] = REQUEST("1", "server.info", "[]") "\n";
	stuff(&client, line, sizeof(line) - 1, 64u << 20);
	world_advance(&world, 59 * NS_PER_S);
	ck_assert_uint_eq(world_connections(&world), 1);
	for (int i = 0; i < 200; i++)
		client_hear(&client);
	world_settle(&world);
	world_advance(&world, 59 * NS_PER_S);
	ck_assert_uint_eq(world_connections(&world), 1);
	world_advance(&world, 60 * NS_PER_S);
	ck_assert_uint_eq(world_connections(&world), 0);
	ck_assert(edge_quiet(world.edge));
}
END_TEST

START_TEST(one_for_whom_too_much_waits_is_closed)
{
	world.config.output_limit = 4 << 20;
	world_configure(&world);
	for (int i = 0; i < 6; i++)
		client_say(&client, REQUEST("1", "big", "[1000000]"));
	client_say(&client, REQUEST("2", "hold", "[]"));
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 0);
	ck_assert_uint_eq(cancelled(), 1);
}
END_TEST

START_TEST(a_batch_for_whom_too_much_waits_is_closed)
{
	world.config.output_limit = 4 << 20;
	world_configure(&world);
	client_say(&client, "[" REQUEST("0", "hold", "[]") "," REQUEST("1", "big", "[2000000]") "," REQUEST("1", "big", "[2000000]")
		"," REQUEST("1", "big", "[2000000]") "]");
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 0);
	ck_assert_uint_eq(cancelled(), 1);
}
END_TEST

START_TEST(a_map_whose_results_are_too_many_is_an_error)
{
	world.config.output_limit = 4 << 20;
	world_configure(&world);
	client_say(&client, REQUEST("1", "task.map", "{\"task\":\"big\",\"items\":[2000000,2000000,2000000,2000000]}"));
	ck_assert_ptr_nonnull(strstr(client_hear(&client), "\"too_large\""));
	client_expect(&client, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	ck_assert_uint_eq(only_connection()->held, 0);
}
END_TEST

START_TEST(a_map_may_take_all_of_output_limit_for_its_results)
{
	world.config.output_limit = 4 << 20;
	world_configure(&world);
	struct strbuf text = STRBUF_INIT;
	strbuf_puts(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.map\",\"params\":{\"task\":\"echo\",\"chunk\":100,\"items\":[0");
	while (text.length < 3000000)
		strbuf_puts(&text, ",\"a string of a hundred bytes, as far as it goes: not more, not less; and so on until the end of it, well\"");
	strbuf_puts(&text, "]}}");
	client_say(&client, text.data);
	strbuf_free(&text);
	const char *answer = client_hear(&client);
	ck_assert_msg(strlen(answer) > 2900000, "%.200s", answer);
	ck_assert_uint_eq(only_connection()->held, 0);
}
END_TEST

/* A chunk is accounted for with some hundred bytes before it has a result. */
START_TEST(a_map_of_very_many_chunks_is_an_error)
{
	struct strbuf text = STRBUF_INIT;
	world.config.output_limit = 100000;
	world_configure(&world);
	for (int n = 100; n <= 2000; n += 100) {
		strbuf_reset(&text);
		strbuf_puts(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.map\",\"params\":{\"task\":\"echo\",\"items\":[100");
		for (int i = 1; i < n; i++)
			strbuf_puts(&text, ",10000000000000");
		strbuf_puts(&text, "]}}");
		client_say(&client, text.data);
		ck_assert_ptr_nonnull(strstr(client_hear(&client), n < 600 ? "\"result\"" : n < 1000 ? "" : "\"too_large\""));
		ck_assert_uint_eq(only_connection()->held, 0);
	}
	strbuf_free(&text);
}
END_TEST

START_TEST(a_map_of_too_many_errors_is_an_error_of_its_own)
{
	struct strbuf text = STRBUF_INIT;
	world.config.output_limit = 4 << 20;
	world_configure(&world);
	strbuf_puts(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.map\",\"params\":{\"task\":\"crash\",\"chunk\":100000,"
		"\"return_exceptions\":true,\"items\":[0");
	for (int i = 1; i < 100000; i++)
		strbuf_puts(&text, ",0");
	strbuf_puts(&text, "]}}");
	client_say(&client, text.data);
	ck_assert_ptr_nonnull(strstr(client_hear(&client), "\"too_large\""));
	client_expect(&client, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	ck_assert_uint_eq(only_connection()->held, 0);
	strbuf_free(&text);
}
END_TEST

/* Listings that find nothing, though of each thing that they look for there is much, look at many tasks, and fill no output
 * that would make them wait. */
static void list_many_times(const char *before, const char *between, const char *behind)
{
	enum { N_TASKS = 3 * EDGE_TURN_LOOKS / 2, N_LISTS = 30 };
	struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < N_TASKS; i++)
		client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"hold\"}}");
	for (int i = 0; i < N_TASKS; i++)
		client_say(&client, "{\"jsonrpc\":\"2.0\",\"method\":\"task.submit\",\"params\":{\"task\":\"echo\",\"tag\":\"t\"}}");
	world_settle(&world);
	uint64_t first = world.edge->n_requests;
	strbuf_puts(&text, before);
	for (int i = 0; i < N_LISTS; i++) {
		strbuf_puts(&text, i ? between : "");
		strbuf_puts(&text, REQUEST("1", "task.list", "{\"tag\":\"t\",\"task\":\"hold\"}"));
	}
	strbuf_puts(&text, behind);
	client_say(&client, text.data);
	for (int i = 1; i <= 3; i++) {
		world_turn(&world);
		ck_assert_uint_le(world.edge->n_requests - first, 2 * (uint64_t)i);
	}
	world_settle(&world);
	ck_assert_uint_eq(world.edge->n_requests - first, N_LISTS);
	strbuf_free(&text);
}

START_TEST(listings_do_not_hold_up_others)
{
	list_many_times("", "\n", "");
	for (int i = 0; i < 30; i++)
		ck_assert_str_eq(client_hear(&client), RESULT("1", "{\"tasks\":[]}"));
}
END_TEST

START_TEST(listings_in_a_batch_do_not_hold_up_others)
{
	list_many_times("[", ",", "]");
	ck_assert_ptr_nonnull(strstr(client_hear(&client), RESULT("1", "{\"tasks\":[]}") ","));
}
END_TEST

START_TEST(a_promised_length_costs_nothing_until_it_comes)
{
	static const char headers[] = "Content-Length: 16000000\r\n\r\n{";
	client_send(&client, headers, sizeof(headers) - 1);
	world_settle(&world);
	ck_assert_uint_lt(only_connection()->input_room, 100000);
}
END_TEST

START_TEST(an_idle_connection_owns_no_buffer)
{
	client_expect(&client, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	ck_assert_ptr_null(only_connection()->input);
	ck_assert_ptr_null(only_connection()->output);
	ck_assert(edge_quiet(world.edge));
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
	ck_assert_uint_le(sizeof(struct connection), 640);
}
END_TEST

/* --- listening --- */

/* All clients here are of the daemon's own user, for whom there is a reserve. */
START_TEST(more_clients_than_allowed_are_told_so_and_refused)
{
	enum { WELCOME = 1 + EDGE_ADMIN_RESERVE };
	struct client others[WELCOME + 2];
	world.config.max_connections = 2;
	world_configure(&world);
	for (int i = 0; i < WELCOME + 2; i++)
		client_init(&others[i], &world);
	for (int i = 0; i < WELCOME; i++)
		ck_assert(!client_hears_end(&others[i]));
	for (int i = WELCOME; i < WELCOME + 2; i++) {
		json_t *error = client_hear_json(&others[i]);
		ck_assert_str_eq(tree_text(error, "error.data.kind"), "too_many");
		ck_assert(json_is_number(tree_at(error, "error.data.retry_after")) && json_is_null(tree_at(error, "id")));
		ck_assert(client_hears_end(&others[i]));
	}
	client_leave(&client);
	client_leave(&others[0]);
	world_settle(&world);
	client_fini(&others[WELCOME]);
	client_init(&others[WELCOME], &world);
	client_expect(&others[WELCOME], REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	for (int i = 0; i < WELCOME + 2; i++)
		client_fini(&others[i]);
	ck_assert_uint_eq(world.edge->n_reserved, EDGE_ADMIN_RESERVE);
	world_settle(&world);
	ck_assert_uint_eq(world.edge->n_reserved, 0);
}
END_TEST

/* The next one gets in by the descriptor that was held back, being of the daemon's own user; then accepting pauses. */
START_TEST(out_of_descriptors_an_admin_gets_in_and_accepting_pauses)
{
	struct client others[2], extra;
	struct rlimit before, none;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	client_init(&extra, &world);
	client_fini(&extra);
	world_settle(&world);
	getrlimit(RLIMIT_NOFILE, &before);
	strcpy(address.sun_path, world.path);
	for (int i = 0; i < 2; i++)
		others[i] = (struct client){ .world = &world, .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) };
	none = (struct rlimit){ .rlim_cur = (rlim_t)others[1].fd + 1, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(connect(others[i].fd, (struct sockaddr *)&address, sizeof(address)), 0);
	world_settle(&world);
	setrlimit(RLIMIT_NOFILE, &before);
	ck_assert_uint_eq(world_connections(&world), 2);
	ck_assert_int_eq(world.edge->reserve, -1);
	ck_assert(edge_next_ns(world.edge) != CLOCK_NEVER);
	client_expect(&client, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	client_expect(&others[0], REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	world_settle(&world);
	ck_assert_uint_eq(world_connections(&world), 2);
	world_advance(&world, NS_PER_S);
	ck_assert_uint_eq(world_connections(&world), 3);
	ck_assert_int_ge(world.edge->reserve, 0);
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
	for (int i = 0; i < 2; i++)
		client_fini(&others[i]);
}
END_TEST

static int listen_at(const char *path, char **error)
{
	*error = NULL;
	return edge_listen_path(path, 0660, NULL, error);
}

START_TEST(a_live_socket_is_left_alone_and_a_stale_one_replaced)
{
	char *error, path[128];
	struct stat status;
	ck_assert_int_eq(listen_at(world.path, &error), -1);
	ck_assert_ptr_nonnull(strstr(error, "another daemon"));
	free(error);
	client_expect(&client, REQUEST("1", "echo", "[]"), RESULT("1", "[]"));
	snprintf(path, sizeof(path), "%s/t", world.folder);
	int fd = listen_at(path, &error);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = listen_at(path, &error);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0660);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(a_path_that_cannot_be_is_said_to_be)
{
	char *error, path[200];
	snprintf(path, sizeof(path), "%s/f", world.folder);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(listen_at(path, &error), -1);
	ck_assert_ptr_nonnull(strstr(error, "not a socket"));
	free(error);
	close(fd);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(edge_listen_path(path, 0600, "no such group", &error), -1);
	free(error);
	unlink(path);
	ck_assert_int_eq(edge_listen_path(path, 0600, "no such group", &error), -1);
	ck_assert_ptr_nonnull(strstr(error, "no group"));
	free(error);
	ck_assert_int_eq(access(path, F_OK), -1);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(listen_at(path, &error), -1);
	free(error);
}
END_TEST

START_TEST(only_listening_unix_sockets_are_taken_over)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(edge_add_listener(world.edge, pair[0]), -1);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(edge_add_listener(world.edge, 0), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_flow");
	TCase *tests = tcase_create("edge_flow");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_half_closed_client_gets_all_its_replies);
	tcase_add_test(tests, the_tasks_of_one_that_leaves_are_cancelled);
	tcase_add_test(tests, one_that_leaves_after_it_half_closed_is_noticed);
	tcase_add_test(tests, one_that_leaves_while_it_is_not_read_from_is_noticed);
	tcase_add_test(tests, half_a_message_and_an_end_is_nothing);
	tcase_add_test(tests, ten_thousand_pipelined_requests_are_each_answered_once);
	tcase_add_test(tests, large_messages_pass_both_ways);
	tcase_add_test(tests, the_start_of_a_message_behind_a_long_one_is_read_on);
	tcase_add_test(tests, requests_beyond_the_limit_wait_until_some_are_answered);
	tcase_add_test(tests, an_element_of_a_batch_that_ends_makes_room_for_more);
	tcase_add_test(tests, a_long_batch_does_not_hold_up_others);
	tcase_add_test(tests, one_that_never_reads_is_not_read_from_either);
	tcase_add_test(tests, one_that_takes_nothing_for_too_long_is_closed);
	tcase_add_test(tests, one_for_whom_too_much_waits_is_closed);
	tcase_add_test(tests, a_batch_for_whom_too_much_waits_is_closed);
	tcase_add_test(tests, a_map_whose_results_are_too_many_is_an_error);
	tcase_add_test(tests, a_map_may_take_all_of_output_limit_for_its_results);
	tcase_add_test(tests, a_map_of_very_many_chunks_is_an_error);
	tcase_add_test(tests, a_map_of_too_many_errors_is_an_error_of_its_own);
	tcase_add_test(tests, listings_do_not_hold_up_others);
	tcase_add_test(tests, listings_in_a_batch_do_not_hold_up_others);
	tcase_add_test(tests, a_promised_length_costs_nothing_until_it_comes);
	tcase_add_test(tests, an_idle_connection_owns_no_buffer);
	tcase_add_test(tests, more_clients_than_allowed_are_told_so_and_refused);
	tcase_add_test(tests, out_of_descriptors_an_admin_gets_in_and_accepting_pauses);
	tcase_add_test(tests, a_live_socket_is_left_alone_and_a_stale_one_replaced);
	tcase_add_test(tests, a_path_that_cannot_be_is_said_to_be);
	tcase_add_test(tests, only_listening_unix_sockets_are_taken_over);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
