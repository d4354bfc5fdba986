/* Following commands: who is told what, from where on, and what becomes of one who does not read. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "edge_commands.h"

static struct world world;
static struct client client; /* follows */
static struct client other;  /* submits */

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
#define OUTPUT(params) "{\"jsonrpc\":\"2.0\",\"method\":\"task.output\",\"params\":" params "}"
#define FOLLOWED(id, state, out, err) \
	RESULT("1", "{\"follow\":\"1\",\"id\":\"" id "\",\"state\":\"" state "\",\"stdout\":" out ",\"stderr\":" err "}")

static uint64_t submit(const char *more)
{
	char line[256];
	snprintf(line, sizeof(line), REQUEST("1", "task.submit", "{\"task\":\"exec\",\"args\":{\"argv\":[\"x\"]}%s}"), more);
	json_t *answer = client_ask(&other, line);
	ck_assert_str_ne(tree_text(answer, "result.id"), "(none)");
	world_settle(&world);
	return strtoull(tree_text(answer, "result.id"), NULL, 10);
}

static uint64_t start(void)
{
	uint64_t id = submit("");
	command_begin(&world, id);
	return id;
}

static void print(uint64_t id, const char *text)
{
	command_say(&world, id, CAPTURE_STDOUT, text, strlen(text), false);
}

static void expect(const char *line)
{
	ck_assert_str_eq(client_hear(&client), line);
}

/* The next one is this piece of the standard output. */
static void expect_piece(uint64_t offset, const char *text)
{
	json_t *heard = client_hear_json(&client);
	ck_assert_str_eq(tree_text(heard, "method"), "task.output");
	ck_assert_int_eq(tree_int(heard, "params.offset"), (long long)offset);
	ck_assert_str_eq(tree_text(heard, "params.data"), text);
}

/* --- who is told what --- */

START_TEST(what_is_said_from_now_on_is_told)
{
	uint64_t id = start();
	print(id, "before");
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "6", "0"));
	ck_assert(client_hears_nothing(&client));
	print(id, " after");
	expect(OUTPUT("{\"follow\":\"1\",\"id\":\"1\",\"attempt\":1,\"stream\":\"stdout\",\"offset\":6,\"data\":\" after\"}"));
	command_say(&world, id, CAPTURE_STDERR, "\xff\0", 2, false);
	expect(OUTPUT("{\"follow\":\"1\",\"id\":\"1\",\"attempt\":1,\"stream\":\"stderr\",\"offset\":0,\"data_base64\":\"/wA=\"}"));
	command_end(&world, id, TASK_SUCCEEDED, NULL,
		"{\"stdout\":\"before after\",\"stdout_bytes\":12,\"stderr_base64\":\"/wA=\",\"stderr_bytes\":2}");
	expect(OUTPUT("{\"follow\":\"1\",\"id\":\"1\",\"end\":true,\"state\":\"succeeded\",\"stdout\":12,\"stderr\":2}"));
	ck_assert(client_hears_nothing(&client));
	ck_assert_ptr_null(world.edge->follows);
}
END_TEST

START_TEST(any_number_may_follow_each_from_where_he_began)
{
	struct client third;
	uint64_t id = start();
	client_init(&third, &world);
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	print(id, "one");
	expect_piece(0, "one");
	client_expect(&third, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "3", "0"));
	print(id, "two");
	expect_piece(3, "two");
	ck_assert_str_eq(tree_text(client_hear_json(&third), "params.data"), "two");
	ck_assert_ptr_nonnull(tree_at(client_ask(&third, REQUEST("2", "task.unfollow", "{\"follow\":1}")), "result"));
	print(id, "three");
	expect_piece(6, "three");
	ck_assert(client_hears_nothing(&third));
	client_fini(&third);
}
END_TEST

START_TEST(one_that_has_not_started_is_followed_from_its_start)
{
	uint64_t id = submit(",\"delay\":60");
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "scheduled", "0", "0"));
	world_advance(&world, 61 * NS_PER_S);
	command_begin(&world, id);
	print(id, "said before anybody looked ");
	world_advance(&world, 40 * NS_PER_MS);
	ck_assert(command_is_followed(id));
	expect_piece(0, "said before anybody looked ");
	print(id, "and after");
	expect_piece(27, "and after");
}
END_TEST

START_TEST(one_that_was_over_before_anybody_looked_is_told_out_of_its_result)
{
	uint64_t id = submit("");
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	command_end(&world, id, TASK_FAILED, "command_failed", "{\"stdout\":\"all\",\"stdout_bytes\":3,\"stderr\":\"\",\"stderr_bytes\":0}");
	expect_piece(0, "all");
	expect(OUTPUT("{\"follow\":\"1\",\"id\":\"1\",\"end\":true,\"state\":\"failed\",\"stdout\":3,\"stderr\":0}"));
}
END_TEST

START_TEST(what_was_said_too_fast_is_told_out_of_the_capture)
{
	uint64_t id = start();
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	command_say(&world, id, CAPTURE_STDOUT, "hurried ", 8, true);
	ck_assert(client_hears_nothing(&client));
	print(id, "slow");
	expect_piece(0, "hurried ");
	expect_piece(8, "slow");
	command_say(&world, id, CAPTURE_STDOUT, " last", 5, true);
	command_end(&world, id, TASK_SUCCEEDED, NULL, "{\"stdout\":\"hurried slow last\",\"stdout_bytes\":17}");
	expect_piece(12, " last");
}
END_TEST

START_TEST(what_was_not_captured_either_is_a_gap)
{
	uint64_t id = start();
	char much[3 * COMMAND_KEPT];
	memset(much, 'x', sizeof(much));
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	command_say(&world, id, CAPTURE_STDOUT, much, sizeof(much), true);
	print(id, "end");
	json_t *heard = client_hear_json(&client);
	ck_assert_uint_eq(strlen(tree_text(heard, "params.data")), COMMAND_KEPT);
	expect_piece(sizeof(much), "end");
}
END_TEST

START_TEST(each_attempt_is_followed_from_its_start)
{
	uint64_t id = submit(",\"retries\":1,\"backoff\":60");
	command_begin(&world, id);
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	print(id, "first");
	expect_piece(0, "first");
	command_end(&world, id, TASK_FAILED, "command_failed", "{\"stdout\":\"first\",\"stdout_bytes\":5}");
	ck_assert(client_hears_nothing(&client));
	world_advance(&world, 100 * NS_PER_S);
	command_begin(&world, id);
	print(id, "2nd");
	world_advance(&world, 40 * NS_PER_MS);
	expect(OUTPUT("{\"follow\":\"1\",\"id\":\"1\",\"attempt\":2,\"stream\":\"stdout\",\"offset\":0,\"data\":\"2nd\"}"));
	command_end(&world, id, TASK_SUCCEEDED, NULL, "{\"stdout\":\"2nd\",\"stdout_bytes\":3}");
	expect(OUTPUT("{\"follow\":\"1\",\"id\":\"1\",\"end\":true,\"state\":\"succeeded\",\"stdout\":3}"));
}
END_TEST

START_TEST(characters_stay_whole_where_a_piece_is_cut)
{
	uint64_t id = start();
	static char much[20001];
	for (size_t i = 0; i + 3 <= 20000; i += 3)
		memcpy(much + i, "\xe2\x82\xac", 3);
	much[19998] = '\0';
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	print(id, much);
	json_t *heard = client_hear_json(&client);
	ck_assert_uint_eq(strlen(tree_text(heard, "params.data")), 16383);
	heard = client_hear_json(&client);
	ck_assert_int_eq(tree_int(heard, "params.offset"), 16383);
	ck_assert_uint_eq(strlen(tree_text(heard, "params.data")), 19998 - 16383);
}
END_TEST

START_TEST(nobody_is_told_and_nothing_is_kept_once_all_have_gone)
{
	uint64_t id = start();
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	ck_assert(command_is_followed(id));
	client_expect(&client, REQUEST("2", "task.unfollow", "{\"follow\":\"1\"}"), RESULT("2", "true"));
	ck_assert(!command_is_followed(id));
	ck_assert_ptr_null(world.edge->follows);
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("2", "task.unfollow", "{\"follow\":\"1\"}")), "error.data.kind"),
		"not_found");
	client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1}"));
	client_leave(&client);
	world_settle(&world);
	ck_assert(!command_is_followed(id));
	ck_assert_ptr_null(world.edge->follows);
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
	print(id, "to nobody");
}
END_TEST

START_TEST(a_half_closed_client_goes_on_hearing_until_the_end)
{
	uint64_t id = start();
	client_expect(&client, REQUEST("1", "task.follow", "{\"id\":1}"), FOLLOWED("1", "running", "0", "0"));
	client_half_close(&client);
	world_settle(&world);
	print(id, "still");
	expect_piece(0, "still");
	command_end(&world, id, TASK_SUCCEEDED, NULL, "{}");
	client_hear(&client);
	ck_assert(client_hears_end(&client));
}
END_TEST

START_TEST(what_does_not_run_any_more_is_not_followed)
{
	command_end(&world, start(), TASK_SUCCEEDED, NULL, "{}");
	json_t *answer = client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1}"));
	ck_assert_str_eq(tree_text(answer, "error.data.kind"), "not_running");
	ck_assert_str_eq(tree_text(answer, "error.data.state"), "succeeded");
	client_ask(&other, REQUEST("1", "task.submit", "{\"task\":\"hold\"}"));
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.follow", "{\"id\":2}")), "error.data.kind"), "not_a_command");
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.follow", "{\"id\":3}")), "error.data.kind"), "not_found");
	ck_assert_ptr_null(world.edge->follows);
}
END_TEST

START_TEST(a_connection_follows_so_many)
{
	start();
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_nonnull(tree_at(client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1}")), "result"));
	ck_assert_str_eq(tree_text(client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1}")), "error.data.kind"), "too_many");
}
END_TEST

/* One turn of the loop, so much later. */
static void turn_after(int64_t delta_ns)
{
	world.now_ns += delta_ns;
	clock_fake_advance(delta_ns, delta_ns);
	world_turn(&world);
}

/* Starts are not told of, so they are looked for; but not while there is nothing that might start. */
START_TEST(what_cannot_start_yet_is_not_looked_at)
{
	submit(",\"delay\":60");
	client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1}"));
	turn_after(NS_PER_S);
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
	turn_after(60 * NS_PER_S);
	ck_assert(edge_next_ns(world.edge) == world.now_ns + NS_PER_MS);
	for (int i = 0; i < 20; i++)
		turn_after(NS_PER_S);
	ck_assert(edge_next_ns(world.edge) == world.now_ns + 32 * NS_PER_MS);
	command_begin(&world, 1);
	turn_after(NS_PER_S);
	ck_assert(edge_next_ns(world.edge) == CLOCK_NEVER);
}
END_TEST

/* --- who does not read --- */

START_TEST(one_who_never_reads_holds_up_no_more_than_his_limit)
{
	enum { N = 1000, SIZE = 10000 };
	static char piece[SIZE];
	uint64_t id = start();
	memset(piece, 'x', SIZE);
	client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1,\"limit\":100000}"));
	for (int i = 0; i < N; i++) {
		command_say(&world, id, CAPTURE_STDOUT, piece, SIZE, false);
		world_turn(&world);
	}
	const struct connection *connection;
	TAILQ_FOREACH(connection, &world.edge->connections, link)
		ck_assert_uint_le(connection->output_size, 100000 + SIZE);
	print(id, "the end");
	command_end(&world, id, TASK_SUCCEEDED, NULL, "{\"stdout_bytes\":10000007}");
	/* What he has missed shows in the offsets, and the end is told. */
	uint64_t next = 0, missed = 0;
	json_t *heard = client_hear_json(&client);
	for (; !tree_at(heard, "params.end"); heard = client_hear_json(&client)) {
		uint64_t offset = (uint64_t)tree_int(heard, "params.offset");
		ck_assert_uint_ge(offset, next);
		missed += offset - next;
		next = offset + strlen(tree_text(heard, "params.data"));
	}
	missed += (uint64_t)tree_int(heard, "params.stdout") - next;
	ck_assert_uint_gt(missed, 0);
}
END_TEST

START_TEST(a_slow_reader_gets_the_rest_when_he_reads)
{
	enum { N = 40 };
	uint64_t id = start();
	char text[COMMAND_KEPT + 1];
	client_ask(&client, REQUEST("1", "task.follow", "{\"id\":1,\"limit\":1}"));
	/* All of it is captured; of these only the first has room before anything is written. */
	for (int i = 0; i < N; i++)
		print(id, "ab");
	size_t length = 0;
	while (length < 2 * N) {
		json_t *heard = client_hear_json(&client);
		ck_assert_int_eq(tree_int(heard, "params.offset"), (long long)length);
		length += strlen(strcpy(text, tree_text(heard, "params.data")));
	}
	ck_assert_uint_eq(length, 2 * N);
	ck_assert(client_hears_nothing(&client));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge_follow");
	TCase *told = tcase_create("told"), *bounds = tcase_create("bounds");
	tcase_add_checked_fixture(told, set_up, tear_down);
	tcase_add_test(told, what_is_said_from_now_on_is_told);
	tcase_add_test(told, any_number_may_follow_each_from_where_he_began);
	tcase_add_test(told, one_that_has_not_started_is_followed_from_its_start);
	tcase_add_test(told, one_that_was_over_before_anybody_looked_is_told_out_of_its_result);
	tcase_add_test(told, what_was_said_too_fast_is_told_out_of_the_capture);
	tcase_add_test(told, what_was_not_captured_either_is_a_gap);
	tcase_add_test(told, each_attempt_is_followed_from_its_start);
	tcase_add_test(told, characters_stay_whole_where_a_piece_is_cut);
	tcase_add_test(told, nobody_is_told_and_nothing_is_kept_once_all_have_gone);
	tcase_add_test(told, a_half_closed_client_goes_on_hearing_until_the_end);
	tcase_add_test(told, what_does_not_run_any_more_is_not_followed);
	tcase_add_test(told, a_connection_follows_so_many);
	tcase_add_test(told, what_cannot_start_yet_is_not_looked_at);
	suite_add_tcase(suite, told);
	tcase_add_checked_fixture(bounds, set_up, tear_down);
	tcase_set_timeout(bounds, 60);
	tcase_add_test(bounds, one_who_never_reads_holds_up_no_more_than_his_limit);
	tcase_add_test(bounds, a_slow_reader_gets_the_rest_when_he_reads);
	suite_add_tcase(suite, bounds);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
