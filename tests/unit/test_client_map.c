/* taskd_map against a thread that serves it: order, the window, chunks, failures, and how it ends early. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;
static pthread_t server;

/* What the server saw. */
static size_t n_requests, n_cancels, n_unanswered, most_unanswered;
static char last_request[512];
static size_t hold = 1; /* answer only once so many are there, the newest first */
static size_t die_after = SIZE_MAX;

/* The item N becomes N * 2; -N fails. */
static void outcome(char *out, size_t room, long item, bool element)
{
	if (item >= 0)
		snprintf(out, room, element ? "{\"result\":%ld}" : "\"result\":%ld", item * 2);
	else
		snprintf(out, room,
			"%s\"error\":{\"code\":%ld,\"message\":\"item %ld\",\"data\":{\"kind\":\"failed\"}}%s",
			element ? "{" : "", -item, item, element ? "}" : "");
}

static void answer(const char *line)
{
	const char *items = fake_member(line, "items"), *p;
	char part[160], *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	fprintf(out, "{\"jsonrpc\":\"2.0\",\"id\":%lu,", fake_id(line));
	if (!*items) {
		p = strchr(*fake_member(line, "args") ? fake_member(line, "args") : fake_member(line, "params"), '[') +
			1;
		outcome(part, sizeof(part), atol(p), false);
		fputs(part, out);
	} else if (strstr(items, "-77777")) { /* refused as a whole */
		fputs("\"error\":{\"code\":-32007,\"message\":\"full\",\"data\":{\"kind\":\"queue_full\"}}", out);
	} else {
		fputs("\"result\":", out);
		for (p = items; *p != ']'; p = p + 1 + strcspn(p + 1, ",]")) {
			outcome(part, sizeof(part), atol(p + 1), true);
			fprintf(out, "%c%s", p == items ? '[' : ',', part);
		}
		fputc(']', out);
	}
	fputc('}', out);
	fclose(out);
	fake_say(&fake, "%s", text);
	free(text);
}

static void *serve(void *unused)
{
	char *held[64];
	const char *line;

	(void)unused;
	while ((line = fake_read(&fake))) {
		if (fake_id(line) == 0) {
			n_cancels++;
			continue;
		}
		snprintf(last_request, sizeof(last_request), "%s", line);
		if (n_requests++ == die_after)
			break;
		held[n_unanswered++] = strdup(line);
		if (n_unanswered > most_unanswered)
			most_unanswered = n_unanswered;
		while (n_unanswered >= hold && n_unanswered > 0) {
			answer(held[--n_unanswered]);
			free(held[n_unanswered]);
			if (n_unanswered == 0)
				break;
			hold = 1;
		}
	}
	while (n_unanswered > 0)
		free(held[--n_unanswered]);
	fake_close(&fake);
	return NULL;
}

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
	ck_assert_int_eq(pthread_create(&server, NULL, serve, NULL), 0);
}

/* After it, what the server saw can be looked at. */
static void stop(void)
{
	if (c) {
		taskd_close(c);
		c = NULL;
		ck_assert_int_eq(pthread_join(server, NULL), 0);
	}
}

static void teardown(void)
{
	stop();
	fake_end(&fake);
}

/* --- the caller's side --- */

struct items {
	long n; /* how many */
	long given;
	long fails_each; /* every so many-th fails */
	long stop_at;    /* the map is ended by that result */
	char text[64];
	long got;
	long failed;
	size_t indexes[20000];
};

static const char *next(void *user, size_t *length)
{
	struct items *items = user;

	if (items->given == items->n)
		return NULL;
	long item = items->given++;
	if (items->fails_each && item % items->fails_each == items->fails_each - 1)
		item = -item;
	*length = (size_t)snprintf(items->text, sizeof(items->text), "%ld", item);
	items->text[*length] = '#'; /* it need not be terminated */
	return items->text;
}

static bool take(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	struct items *items = user;
	long item = (long)index;

	ck_assert_int_lt(item, items->n);
	if (items->fails_each && item % items->fails_each == items->fails_each - 1) {
		ck_assert_ptr_null(result);
		ck_assert_int_eq(failure->error, TASKD_E_FAILED);
		ck_assert_int_eq(failure->code, item);
		items->failed++;
	} else {
		ck_assert_ptr_null(failure);
		ck_assert_uint_eq(strlen(result), length);
		ck_assert_int_eq(atol(result), item * 2);
	}
	items->indexes[items->got++] = index;
	return items->stop_at == 0 || items->got < items->stop_at;
}

static void check_ordered(const struct items *items, long n)
{
	ck_assert_int_eq(items->got, n);
	for (long i = 0; i < n; i++)
		ck_assert_uint_eq(items->indexes[i], (size_t)i);
}

static void check_each_once(const struct items *items, long n)
{
	static bool seen[20000];

	ck_assert_int_eq(items->got, n);
	memset(seen, 0, sizeof(seen));
	for (long i = 0; i < n; i++) {
		ck_assert(!seen[items->indexes[i]]);
		seen[items->indexes[i]] = true;
	}
}

static struct items items;

/* --- tests --- */

START_TEST(a_map_keeps_the_order)
{
	struct taskd_map_options options = { .in_flight = 20 };

	items.n = 1000;
	hold = 20; /* the first twenty are answered backwards */
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_OK);
	check_ordered(&items, 1000);
	stop();
	ck_assert_uint_eq(n_requests, 1000);
	ck_assert_uint_eq(most_unanswered, 20);
	ck_assert_uint_eq(n_cancels, 0);
	ck_assert_str_eq(last_request, "{\"jsonrpc\":\"2.0\",\"id\":1000,\"method\":\"t\",\"params\":[999]}");
}
END_TEST

START_TEST(unordered_results_come_as_they_end)
{
	struct taskd_map_options options = { .in_flight = 20, .unordered = true };

	items.n = 1000;
	hold = 20;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_OK);
	check_each_once(&items, 1000);
	ck_assert_uint_eq(items.indexes[0], 19);
}
END_TEST

START_TEST(a_map_of_the_usual_width)
{
	items.n = 10000;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, NULL, TASKD_FOREVER), TASKD_OK);
	check_ordered(&items, 10000);
}
END_TEST

START_TEST(nothing_to_map)
{
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, NULL, 0), TASKD_OK);
	stop();
	ck_assert_uint_eq(n_requests, 0);
}
END_TEST

START_TEST(chunks_travel_together)
{
	struct taskd_map_options options = { .chunk = 100, .unordered = _i, .task = { .queue = "q", .priority = 2 } };

	items.n = 1042;
	items.fails_each = 7;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_OK);
	(_i ? check_each_once : check_ordered)(&items, 1042);
	ck_assert_int_eq(items.failed, 1042 / 7);
	stop();
	ck_assert_uint_eq(n_requests, 11);
	ck_assert_ptr_nonnull(
		strstr(last_request, "\"method\":\"task.map\",\"params\":{\"task\":\"t\",\"items\":[-1000,1001,"));
	ck_assert_ptr_nonnull(
		strstr(last_request, "],\"chunk\":100,\"return_exceptions\":true,\"queue\":\"q\",\"priority\":2}}"));
}
END_TEST

START_TEST(chunks_count_as_their_items)
{
	struct taskd_map_options options = { .chunk = 10, .in_flight = 49 };

	items.n = 1000;
	hold = 5; /* never */
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, 20 * TASKD_MS), TASKD_E_TIMEOUT);
	stop();
	ck_assert_uint_eq(n_requests, 4);
	ck_assert_uint_eq(n_cancels, 4);
}
END_TEST

START_TEST(a_chunk_is_no_larger_than_the_window)
{
	struct taskd_map_options options = { .chunk = 1000, .in_flight = 50 };

	items.n = 100;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_OK);
	check_ordered(&items, 100);
	stop();
	ck_assert_uint_eq(n_requests, 2);
}
END_TEST

START_TEST(an_items_failure_is_its_own)
{
	struct taskd_map_options options = { .unordered = _i, .task = { .tag = "x" } };

	items.n = 500;
	items.fails_each = 3;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_OK);
	check_each_once(&items, 500);
	ck_assert_int_eq(items.failed, 500 / 3);
	stop();
	ck_assert_ptr_nonnull(strstr(
		last_request, "\"method\":\"task.call\",\"params\":{\"task\":\"t\",\"args\":[499],\"tag\":\"x\"}}"));
}
END_TEST

static const char *refused_next(void *user, size_t *length)
{
	int *left = user;

	(void)length; /* terminated */
	return --*left >= 0 ? "-77777" : NULL;
}

static int n_refused;

static bool refused_take(
	void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	(void)user;
	ck_assert_uint_eq(index, (size_t)n_refused);
	ck_assert_ptr_null(result);
	ck_assert_uint_eq(length, 0);
	ck_assert_int_eq(failure->error, TASKD_E_QUEUE_FULL);
	n_refused++;
	return true;
}

START_TEST(a_refused_chunk_fails_each_of_its_items)
{
	struct taskd_map_options options = { .chunk = 10 };
	int left = 25;

	ck_assert_int_eq(taskd_map(c, "t", refused_next, refused_take, &left, &options, FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(n_refused, 25);
}
END_TEST

START_TEST(a_result_can_end_the_map)
{
	struct taskd_map_options options = { .chunk = _i & 1 ? 10 : 1, .in_flight = 40, .unordered = _i & 2 };

	items.n = 10000;
	items.stop_at = 25;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_OK);
	check_each_once(&items, 25);
	/* The connection goes on. */
	struct taskd_future *f = taskd_submit(c, "t", "[4]", NULL);
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), "8");
	taskd_future_free(f);
	stop();
	ck_assert_uint_le(n_requests, 25 + 40 + 1);
}
END_TEST

START_TEST(time_can_run_out)
{
	struct taskd_map_options options = { .in_flight = 5, .unordered = _i };

	items.n = 10;
	hold = 6; /* never */
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, 20 * TASKD_MS), TASKD_E_TIMEOUT);
	ck_assert_int_eq(items.got, 0);
	stop();
	ck_assert_uint_eq(n_requests, 5);
	ck_assert_uint_eq(n_cancels, 5);
}
END_TEST

START_TEST(the_daemon_can_go_away)
{
	struct taskd_map_options options = { .in_flight = 5, .unordered = _i & 1, .chunk = _i & 2 ? 2 : 1 };

	items.n = 10000;
	die_after = 100;
	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, FAKE_PATIENCE), TASKD_E_DISCONNECTED);
	ck_assert_int_ge(items.got, 90);
	ck_assert_int_le(items.got, 200);
}
END_TEST

static const char *bad_next(void *user, size_t *length)
{
	static const char *const given[] = { "1", "[2,\n 3]", "{]", NULL };
	int *at = user;

	(void)length;
	return given[(*at)++];
}

static bool any_take(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	(void)user, (void)index, (void)result, (void)length, (void)failure;
	return true;
}

START_TEST(an_item_that_is_no_json)
{
	int at = 0;
	const char *text;

	ck_assert_int_eq(taskd_map(c, "t", bad_next, any_take, &at, NULL, FAKE_PATIENCE), TASKD_E_INVALID);
	taskd_last_error(&text);
	ck_assert_ptr_nonnull(strstr(text, "item 2: not JSON"));
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	stop();
	ck_assert_str_eq(last_request, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t\",\"params\":[[2,  3]]}");
	ck_assert_uint_eq(n_cancels, 2);
}
END_TEST

START_TEST(what_makes_no_sense)
{
	struct taskd_map_options options = { .task = { .detached = true } };

	ck_assert_int_eq(taskd_map(c, "t", next, take, &items, &options, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_map(c, "", next, take, &items, NULL, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_map(c, "t", NULL, take, &items, NULL, 0), TASKD_E_INVALID);
	ck_assert_int_eq(taskd_map(c, "t", next, NULL, &items, NULL, 0), TASKD_E_INVALID);
}
END_TEST

/* Chunks whose answers are none; said before they are asked for, so the server must not answer too. */
START_TEST(a_chunks_answer_that_is_none)
{
	static const char *const answers[] = { "5", "{}", "[]", "[{\"result\":1}]", "[1,2]", "[{},{}]",
		"[{\"x\":1},{\"x\":1}]", "[{\"result\":1},{\"result\":1},{\"result\":1}]" };
	struct taskd_map_options options = { .chunk = 2 };
	const char *text;

	items.n = 2;
	hold = 64;
	stop();
	c = fake_connect(&fake);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", answers[_i]);
	ck_assert_int_eq(taskd_map(c, "t", next, any_take, &items, &options, FAKE_PATIENCE), TASKD_E_PROTOCOL);
	taskd_last_error(&text);
	ck_assert_ptr_nonnull(strstr(text, "nonsense: a chunk's answer"));
	taskd_close(c);
	c = NULL;
}
END_TEST

static Suite *map_suite(void)
{
	Suite *suite = suite_create("client: map");
	TCase *tests = tcase_create("all");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_map_keeps_the_order);
	tcase_add_test(tests, unordered_results_come_as_they_end);
	tcase_add_test(tests, a_map_of_the_usual_width);
	tcase_add_test(tests, nothing_to_map);
	tcase_add_loop_test(tests, chunks_travel_together, 0, 2);
	tcase_add_test(tests, chunks_count_as_their_items);
	tcase_add_test(tests, a_chunk_is_no_larger_than_the_window);
	tcase_add_loop_test(tests, an_items_failure_is_its_own, 0, 2);
	tcase_add_test(tests, a_refused_chunk_fails_each_of_its_items);
	tcase_add_loop_test(tests, a_result_can_end_the_map, 0, 4);
	tcase_add_loop_test(tests, time_can_run_out, 0, 2);
	tcase_add_loop_test(tests, the_daemon_can_go_away, 0, 4);
	tcase_add_test(tests, an_item_that_is_no_json);
	tcase_add_test(tests, what_makes_no_sense);
	tcase_add_loop_test(tests, a_chunks_answer_that_is_none, 0, 8);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(map_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
