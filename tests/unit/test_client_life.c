/* What libtaskd says of a task's whole life: its options, batches, keys, retries, how far it is. */
#include <check.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "client_fake.h"

static struct fake fake;
static struct taskd *c;

static void setup(void)
{
	fake_begin(&fake);
	c = fake_connect(&fake);
}

/* Futures that are freed when the connection is closed. */
static struct taskd_future *kept[32];
static size_t n_kept;

static struct taskd_future *keep(struct taskd_future *f)
{
	ck_assert_ptr_nonnull(f);
	kept[n_kept++] = f;
	return f;
}

static void teardown(void)
{
	taskd_close(c);
	while (n_kept > 0)
		taskd_future_free(kept[--n_kept]);
	fake_end(&fake);
}

static const char *last_text(void)
{
	const char *text;

	taskd_last_error(&text);
	return text;
}

static void finish(const char *id, const char *rest)
{
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"method\":\"task.finished\",\"params\":{\"id\":\"%s\",%s}}", id, rest);
}

/* --- options --- */

static const char *const ids[] = { "17", "a-label_9" };

START_TEST(each_option_is_written_as_the_daemon_reads_it)
{
	static const char *const quoted[] = { "the \"db\"" };
	static const char *const semaphores[] = { "gpu", "a=b=2", "\"x\"=1/4", "n=2147483647/2147483647" };
	static const struct {
		struct taskd_options options;
		const char *text; /* NULL: it is as absent */
	} cases[] = {
		{ { .delay_ns = 90 * TASKD_SECOND }, "\"delay\":\"1m30s\"" },
		{ { .delay_ns = -5 }, NULL },
		{ { .delay_ns = TASKD_FOREVER }, "\"delay\":\"36500d\"" },
		{ { .at_ns = INT64_C(1795370400) * TASKD_SECOND + 5 }, "\"at\":\"2026-11-22T18:00:00.000000005Z\"" },
		{ { .expires_ns = 250 * TASKD_MS }, "\"expires\":\"250ms\"" },
		{ { .expires_ns = TASKD_FOREVER }, NULL },
		{ { .timeout_ns = TASKD_FOREVER }, NULL },
		{ { .timeout_ns = -1 }, NULL },
		{ { .wait_for_room_ns = TASKD_SECOND }, "\"wait_for_room\":\"1s\"" },
		{ { .wait_for_room_ns = TASKD_FOREVER }, "\"wait_for_room\":\"36500d\"" },
		{ { .wait_for_room_ns = -1 }, NULL },
		{ { .retries = 3 }, "\"retries\":3" },
		{ { .backoff_ns = 2 * TASKD_SECOND }, "\"backoff\":\"2s\"" },
		{ { .backoff_ns = -1 }, "\"backoff\":\"0s\"" },
		{ { .backoff_max_ns = 60 * TASKD_SECOND }, "\"backoff_max\":\"1m\"" },
		{ { .backoff_max_ns = -1 }, NULL },
		{ { .backoff_factor = 1.5 }, "\"backoff_factor\":1.5" },
		{ { .backoff_factor = 10 }, "\"backoff_factor\":10" },
		{ { .jitter = 0.25 }, "\"jitter\":0.25" },
		{ { .jitter = 1 }, "\"jitter\":1" },
		{ { .jitter = 0.1 }, "\"jitter\":0.1" },
		{ { .jitter = -1 }, "\"jitter\":0" },
		{ { .retry_on = TASKD_RETRY_CRASHED }, "\"retry_on\":[\"crashed\"]" },
		{ { .retry_on = TASKD_RETRY_CRASHED | TASKD_RETRY_TIMED_OUT | TASKD_RETRY_FAILED },
			"\"retry_on\":[\"failed\",\"timed_out\",\"crashed\"]" },
		{ { .after = ids, .n_after = 2 }, "\"after\":[\"17\",\"a-label_9\"]" },
		{ { .after = ids }, NULL },
		{ { .after_any = ids, .n_after_any = 1, .pass_results = true },
			"\"after_any\":[\"17\"],\"pass_results\":true" },
		{ { .key = "the \"key\"" }, "\"key\":\"the \\\"key\\\"\"" },
		{ { .key = "k", .key_mode = TASKD_KEY_REJECT }, "\"key\":\"k\"" },
		{ { .key = "k", .key_mode = TASKD_KEY_ATTACH }, "\"key\":\"k\",\"key_mode\":\"attach\"" },
		{ { .key = "k", .key_mode = TASKD_KEY_REPLACE }, "\"key\":\"k\",\"key_mode\":\"replace\"" },
		{ { .key = "k", .key_mode = TASKD_KEY_ONCE }, "\"key\":\"k\",\"key_mode\":\"once\"" },
		{ { .locks = ids, .n_locks = 2 }, "\"locks\":[\"17\",\"a-label_9\"]" },
		{ { .locks = ids }, NULL },
		{ { .shared_locks = quoted, .n_shared_locks = 1 },
			"\"shared_locks\":[\"the \\\"db\\\"\"]" },
		{ { .semaphores = semaphores, .n_semaphores = 4 },
			"\"semaphores\":{\"gpu\":1,\"a=b\":2,\"\\\"x\\\"\":{\"count\":1,\"slots\":4},"
			"\"n\":{\"count\":2147483647,\"slots\":2147483647}}" },
		{ { .durable = TASKD_DURABLE_YES }, "\"durable\":true" },
		{ { .durable = TASKD_DURABLE_NO }, "\"durable\":false" },
		{ { .on_interrupt = TASKD_ON_INTERRUPT_REQUEUE }, "\"on_interrupt\":\"requeue\"" },
		{ { .on_interrupt = TASKD_ON_INTERRUPT_CRASH }, "\"on_interrupt\":\"crash\"" },
		{ { .queue = "q", .priority = 5, .timeout_ns = 1, .tag = "t", .delay_ns = 1, .retries = 1, .key = "k" },
			"\"queue\":\"q\",\"priority\":5,\"timeout\":\"1ns\",\"tag\":\"t\",\"delay\":\"1ns\",\"retries\":1,"
			"\"key\":\"k\"" },
	};
	char line[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_future *f = taskd_submit(c, "t", "[1]", &cases[i].options);
		ck_assert_msg(f != NULL, "case %zu: %s", i, last_text());
		if (cases[i].text)
			snprintf(line, sizeof(line),
				"{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"task.call\",\"params\":{\"task\":\"t\",\"args\":[1],"
				"%s}}",
				i + 1, cases[i].text);
		else
			snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"t\",\"params\":[1]}",
				i + 1);
		fake_expect(&fake, c, line);
		taskd_future_free(f);
		ck_assert_ptr_nonnull(strstr(fake_read(&fake), "$/cancelRequest"));
	}
}
END_TEST

START_TEST(options_of_a_detached_task)
{
	struct taskd_options options = { .detached = true, .delay_ns = TASKD_SECOND };

	keep(taskd_submit(c, "t", NULL, &options));
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit\",\"params\":{\"task\":\"t\",\"args\":[],\"watch\":true,"
		"\"delay\":\"1s\"}}");
}
END_TEST

START_TEST(options_that_make_no_sense_are_never_written)
{
	static const char *const holes[] = { "17", NULL }, *const empty[] = { "a", "" }, *const binary[] = { "a\xff" };
	static const char *const too_many[] = { "gpu=5/4" };
	static const struct {
		struct taskd_options options;
		const char *text;
	} cases[] = {
		{ { .expires_ns = -1 }, "the options' expires_ns is negative: that moment is over" },
		{ { .at_ns = -1 }, "the options' at_ns is negative: it is before 1970" },
		{ { .retries = -1 }, "the options' retries is negative" },
		{ { .retry_on = 8 }, "the options' retry_on has bits that are no TASKD_RETRY_…" },
		{ { .backoff_factor = -1 }, "the options' backoff_factor is not from 0 to 1e+06" },
		{ { .backoff_factor = NAN }, "the options' backoff_factor is not from 0 to 1e+06" },
		{ { .backoff_factor = INFINITY }, "the options' backoff_factor is not from 0 to 1e+06" },
		{ { .jitter = 1.5 }, "the options' jitter is over 1" },
		{ { .jitter = NAN }, "the options' jitter is over 1" },
		{ { .key = "k", .key_mode = (enum taskd_key_mode)4 }, "the options' key_mode is no TASKD_KEY_…" },
		{ { .after = holes, .n_after = 2 }, "the options' after has a NULL at 1" },
		{ { .n_after_any = 3 }, "the options' after_any is NULL, but there are 3 of it" },
		{ { .locks = holes, .n_locks = 2 }, "the options' locks has a NULL at 1" },
		{ { .n_shared_locks = 1 }, "the options' shared_locks is NULL, but there are 1 of it" },
		{ { .locks = empty, .n_locks = 2 },
			"the options' locks has no name at 1, but an empty string" },
		{ { .shared_locks = binary, .n_shared_locks = 1 },
			"the options' shared_locks has no name at 0, but bytes that are not UTF-8" },
		{ { .durable = (enum taskd_durable)3 }, "the options' durable is no TASKD_DURABLE_…" },
		{ { .on_interrupt = (enum taskd_on_interrupt)3 },
			"the options' on_interrupt is no TASKD_ON_INTERRUPT_…" },
		{ { .n_semaphores = 1 }, "the options' semaphores is NULL, but there are 1 of it" },
		{ { .semaphores = too_many, .n_semaphores = 1 },
			"the options' semaphores has \"gpu=5/4\", which is more than there are" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_batch_task task = { .task = "t", .options = cases[i].options };
		struct taskd_future *f = (struct taskd_future *)(void *)&task; /* to be NULL afterwards */
		ck_assert_ptr_null(taskd_submit(c, "t", NULL, &cases[i].options));
		ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
		ck_assert_str_eq(last_text(), cases[i].text);
		ck_assert_int_eq(taskd_submit_batch(c, &task, 1, &f), TASKD_E_INVALID);
		ck_assert_str_eq(last_text(), cases[i].text);
		ck_assert_ptr_null(f);
	}
	keep(taskd_submit(c, "t", NULL, NULL));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"t\",\"params\":[]}");
}
END_TEST

/* Where one writes 0,5 for a half, JSON has 0.5 all the same. The locale is made here where the system has none such; where
 * it cannot be made either, this is the same in C. */
START_TEST(numbers_are_written_and_read_in_any_locale)
{
	struct taskd_options options = { .jitter = 0.5 };
	char folder[] = "/tmp/taskd-locale-XXXXXX", command[128];
	double fraction;

	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
		ck_assert_ptr_nonnull(mkdtemp(folder));
		snprintf(
			command, sizeof(command), "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
		int status = system(command);
		setenv("LOCPATH", folder, 1);
		if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
			fprintf(stderr, "there is no locale with a decimal comma here (localedef: %d)\n", status);
		snprintf(command, sizeof(command), "rm -rf %s", folder);
		status = system(command);
		ck_assert_int_eq(status, 0);
	}
	struct taskd_future *f = keep(taskd_submit(c, "t", NULL, &options));
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.call\",\"params\":{\"task\":\"t\",\"args\":[],\"jitter\":0.5}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"id\":\"1\",\"progress\":{\"fraction\":0.5}}}");
	ck_assert_int_eq(taskd_future_progress(f, FAKE_PATIENCE, &fraction, NULL), TASKD_OK);
	ck_assert_double_eq(fraction, 0.5);
	setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(a_semaphore_that_is_none_is_never_written)
{
	static const char *const texts[] = { "gpu=", "=2", "=", "gpu=0", "gpu=-1", "gpu=x", "gpu=2x", "gpu=1/", "gpu=1/0",
		"gpu=1/x", "gpu=1/4/4", "gpu=/4", "gpu=2147483648", "gpu=99999999999999999999", "gpu= 1" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *const semaphores[] = { "fine", texts[i] };
		struct taskd_options options = { .semaphores = semaphores, .n_semaphores = 2 };
		ck_assert_msg(!taskd_submit(c, "t", NULL, &options), "%s", texts[i]);
		ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
		ck_assert_msg(strstr(last_text(), texts[i]) && strstr(last_text(), "neither a name"), "%s", last_text());
	}
	ck_assert(!taskd_wants_write(c));
}
END_TEST

static const char *no_item(void *user, size_t *length)
{
	(void)user;
	(void)length;
	ck_abort_msg("an item was asked for");
	return NULL;
}

static bool no_result(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	(void)user;
	(void)index;
	(void)result;
	(void)length;
	(void)failure;
	ck_abort_msg("a result came");
	return false;
}

START_TEST(a_maps_tasks_have_no_life_of_their_own)
{
	static const struct {
		struct taskd_options options;
		const char *text;
	} cases[] = {
		{ { .detached = true }, "the tasks of a map cannot be detached" },
		{ { .delay_ns = 1 }, "the tasks of a map cannot be delayed" },
		{ { .at_ns = 1 }, "the tasks of a map cannot be delayed" },
		{ { .after = ids, .n_after = 1 }, "the tasks of a map cannot wait for others" },
		{ { .after_any = ids, .n_after_any = 1 }, "the tasks of a map cannot wait for others" },
		{ { .pass_results = true }, "the tasks of a map cannot wait for others" },
		{ { .key = "k" }, "the tasks of a map cannot have a key" },
		{ { .key_mode = TASKD_KEY_ONCE }, "the tasks of a map cannot have a key" },
		{ { .locks = ids, .n_locks = 1 }, "the tasks of a map cannot have locks or semaphores" },
		{ { .durable = TASKD_DURABLE_YES }, "the tasks of a map cannot be durable" },
		{ { .on_interrupt = TASKD_ON_INTERRUPT_CRASH }, "the tasks of a map cannot be durable" },
		{ { .shared_locks = ids, .n_shared_locks = 1 }, "the tasks of a map cannot have locks or semaphores" },
		{ { .semaphores = ids, .n_semaphores = 1 }, "the tasks of a map cannot have locks or semaphores" },
		{ { .retries = -1 }, "the options' retries is negative" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_map_options options = { .task = cases[i].options };
		ck_assert_int_eq(taskd_map(c, "t", no_item, no_result, NULL, &options, FAKE_PATIENCE), TASKD_E_INVALID);
		ck_assert_str_eq(last_text(), cases[i].text);
	}
}
END_TEST

/* --- batches --- */

START_TEST(a_batch_is_one_request_with_a_future_for_each)
{
	static const char *const before[] = { "fetch", "17" };
	struct taskd_batch_task tasks[] = {
		{ .label = "fetch", .task = "get", .args = "[\n1]", .options = { .retries = 2, .detached = true } },
		{ .task = "join",
			.args = "{\"x\":1}",
			.options = { .after = before, .n_after = 2, .pass_results = true, .tag = "t" } },
		{ .label = "c", .task = "any name" },
	};
	struct taskd_future *f[3];

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 3, f), TASKD_OK);
	fake_expect(&fake, c,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.submit_batch\",\"params\":{\"tasks\":["
		"{\"label\":\"fetch\",\"task\":\"get\",\"args\":[ 1],\"watch\":true,\"retries\":2},"
		"{\"task\":\"join\",\"args\":{\"x\":1},\"watch\":true,\"tag\":\"t\",\"after\":[\"fetch\",\"17\"],"
		"\"pass_results\":true},"
		"{\"label\":\"c\",\"task\":\"any name\",\"args\":[],\"watch\":true}]}}");
	ck_assert_ptr_null(taskd_future_id(f[0]));
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tasks\":[{\"id\":\"20\",\"state\":\"queued\",\"label\":\"fetch\"},"
		"{\"id\":\"21\",\"state\":\"blocked\"},{\"id\":\"22\",\"state\":\"queued\"}]}}");
	ck_assert_int_eq(taskd_acknowledged(f[2], FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_id(f[0]), "20");
	ck_assert_str_eq(taskd_future_id(f[1]), "21");
	ck_assert_str_eq(taskd_future_id(f[2]), "22");
	finish("21",
		"\"state\":\"cancelled\",\"error\":{\"code\":-32016,\"message\":\"m\",\"data\":{\"kind\":\"dependency_failed\","
		"\"dependency\":\"17\"}}");
	finish("20", "\"state\":\"succeeded\",\"result\":5");
	ck_assert_int_eq(taskd_result(f[0], FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f[0], NULL), "5");
	ck_assert_int_eq(taskd_result(f[1], 0), TASKD_E_DEPENDENCY_FAILED);
	ck_assert_int_eq(taskd_result(f[2], 0), TASKD_E_TIMEOUT);
	for (size_t i = 0; i < 3; i++)
		taskd_future_free(f[i]);
}
END_TEST

START_TEST(a_refused_batch_fails_all_of_it)
{
	struct taskd_batch_task tasks[] = { { .label = "a", .task = "t" }, { .task = "nothing" }, { .task = "t" } };
	struct taskd_future *f[3];

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 3, f), TASKD_OK);
	taskd_future_free(f[0]); /* nobody has it; the failure of the others is whole */
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32015,\"message\":\"task 1\",\"data\":{\"kind\":\"duplicate\","
		"\"index\":1,\"id\":\"9\",\"hint\":\"h\"}}}");
	ck_assert_int_eq(taskd_result(f[2], FAKE_PATIENCE), TASKD_E_DUPLICATE);
	ck_assert_int_eq(taskd_acknowledged(f[1], 0), TASKD_E_DUPLICATE);
	ck_assert_ptr_null(taskd_future_id(f[2])); /* the other's id is of one of them only */
	taskd_future_free(f[2]);
	const struct taskd_failure *failure = taskd_exception(f[1]);
	ck_assert_str_eq(failure->message, "task 1");
	ck_assert_str_eq(failure->hint, "h");
	ck_assert_ptr_nonnull(strstr(failure->data, "\"index\":1"));
	taskd_future_free(f[1]);
}
END_TEST

START_TEST(a_batchs_futures_can_be_freed_one_by_one)
{
	struct taskd_batch_task tasks[] = { { .task = "t" }, { .task = "t" }, { .task = "t" } };
	struct taskd_future *f[3];

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 3, f), TASKD_OK);
	taskd_future_free(f[1]);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tasks\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"}]}}");
	ck_assert_int_eq(taskd_acknowledged(f[0], FAKE_PATIENCE), TASKD_OK);
	taskd_future_free(f[0]);
	finish("1", "\"state\":\"succeeded\"");
	finish("2", "\"state\":\"succeeded\"");
	finish("3", "\"state\":\"succeeded\"");
	ck_assert_int_eq(taskd_result(f[2], FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f[2], NULL), "null");
	taskd_future_free(f[2]);
	/* Nothing was cancelled. */
	taskd_close(c);
	c = NULL;
	ck_assert_ptr_nonnull(fake_read(&fake));
	ck_assert_ptr_null(fake_read(&fake));
}
END_TEST

START_TEST(a_batch_that_cannot_be_written)
{
	struct taskd_batch_task tasks[] = { { .task = "t" }, { .task = "t", .args = "[" }, { .task = "" },
		{ .task = "t", .options = { .wait_for_room_ns = 1 } } };
	struct taskd_future *f[4];

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 0, f), TASKD_OK);
	ck_assert_int_eq(taskd_submit_batch(c, tasks, 2, f), TASKD_E_INVALID);
	ck_assert_str_eq(last_text(), "the arguments of task 1 of the batch: not JSON: unexpected end at byte 1");
	ck_assert_ptr_null(f[0]);
	ck_assert_ptr_null(f[1]);
	ck_assert_int_eq(taskd_submit_batch(c, tasks + 2, 1, f), TASKD_E_INVALID);
	ck_assert_str_eq(last_text(), "task 0 of the batch has no name");
	ck_assert_int_eq(taskd_submit_batch(c, tasks + 3, 1, f), TASKD_E_INVALID);
	ck_assert_str_eq(last_text(), "task 0 of the batch has wait_for_room_ns");
	fake_close(&fake);
	while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
		;
	ck_assert_int_eq(taskd_submit_batch(c, tasks, 1, f), TASKD_E_DISCONNECTED);
	ck_assert_ptr_null(f[0]);
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(taskd_submit_batch(NULL, tasks, 1, f), TASKD_E_DISCONNECTED);
}
END_TEST

START_TEST(the_connections_end_is_a_batchs_end)
{
	struct taskd_batch_task tasks[] = { { .task = "t" }, { .task = "t" }, { .task = "t" } };
	struct taskd_future *f[6];

	ck_assert_int_eq(taskd_submit_batch(c, tasks, 3, f), TASKD_OK);
	ck_assert_int_eq(taskd_submit_batch(c, tasks, 3, f + 3), TASKD_OK);
	taskd_future_free(f[4]);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tasks\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"}]}}");
	ck_assert_int_eq(taskd_acknowledged(f[0], FAKE_PATIENCE), TASKD_OK);
	fake_close(&fake);
	for (size_t i = 0; i < 6; i++) {
		if (i == 4)
			continue;
		ck_assert_int_eq(taskd_result(f[i], FAKE_PATIENCE), TASKD_E_DISCONNECTED);
		ck_assert(taskd_done(f[i]));
		taskd_future_free(f[i]);
	}
}
END_TEST

START_TEST(a_batchs_answer_that_is_none)
{
	static const char *const answers[] = {
		"5",
		"{\"tasks\":5}",
		"{\"tasks\":[]}",
		"{\"tasks\":[{\"id\":\"1\"},{\"id\":\"2\"}]}",
		"{\"tasks\":[{\"id\":\"1\"},{\"id\":\"1\"},{\"id\":\"2\"}]}",
		"{\"tasks\":[{\"id\":\"x\"},{\"id\":\"1\"},{\"id\":\"2\"}]}",
		"{\"tasks\":[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"4\"}]}",
	};
	struct taskd_batch_task tasks[] = { { .task = "t" }, { .task = "t" }, { .task = "t" } };

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct taskd_future *f[3];
		ck_assert_int_eq(taskd_submit_batch(c, tasks, 3, f), TASKD_OK);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", answers[i]);
		for (size_t k = 0; k < 3; k++) {
			ck_assert_int_eq(taskd_result(f[k], FAKE_PATIENCE), TASKD_E_PROTOCOL);
			ck_assert(taskd_done(f[k]));
			taskd_future_free(f[k]);
		}
		taskd_close(c);
		fake_close(&fake);
		c = fake_connect(&fake);
	}
}
END_TEST

static void note(struct taskd_future *f, void *user)
{
	char *order = user;

	order[strlen(order)] = taskd_future_id(f) ? taskd_future_id(f)[0] : '-';
	taskd_future_free(f);
}

START_TEST(a_large_batch_with_callbacks)
{
	enum { N = 3000 };
	static struct taskd_batch_task tasks[N];
	static struct taskd_future *f[N];
	static char order[N + 1];
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	for (size_t i = 0; i < N; i++) {
		tasks[i].task = "t";
		fprintf(out, "%s{\"id\":\"%zu\"}", i ? "," : "", i + 1000);
	}
	fclose(out);
	ck_assert_int_eq(taskd_submit_batch(c, tasks, N, f), TASKD_OK);
	for (size_t i = 0; i < N; i++)
		taskd_add_done_callback(f[i], note, order);
	ck_assert_int_eq(taskd_flush(c, FAKE_PATIENCE), TASKD_OK);
	ck_assert_ptr_nonnull(fake_read(&fake));
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tasks\":[%s]}}", text);
	free(text);
	for (size_t i = N / 2; i < N; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%zu", i + 1000);
		finish(id, "\"state\":\"succeeded\",\"result\":1");
		taskd_dispatch(c, 0);
	}
	fake_close(&fake);
	while (taskd_dispatch(c, FAKE_PATIENCE) == TASKD_OK)
		;
	ck_assert_uint_eq(strlen(order), N);
	ck_assert_int_eq(order[0], '2');
	ck_assert_int_eq(order[N - 1], '2');
	ck_assert_int_eq(order[N / 2], '1');
}
END_TEST

/* --- keys --- */

START_TEST(several_futures_of_one_task)
{
	struct taskd_options options = { .detached = true, .key = "k", .key_mode = TASKD_KEY_ATTACH };
	struct taskd_future *f[4];

	for (size_t i = 0; i < 4; i++) {
		f[i] = taskd_submit(c, "t", NULL, &options);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":{\"id\":\"7\",\"state\":\"running\"%s}}",
			i + 1, i ? ",\"duplicate\":true" : "");
		ck_assert_int_eq(taskd_acknowledged(f[i], FAKE_PATIENCE), TASKD_OK);
		ck_assert_str_eq(taskd_future_id(f[i]), "7");
	}
	taskd_future_free(f[1]);
	/* One notification for each submission. */
	finish("7",
		"\"state\":\"succeeded\",\"result\":\"a result that does not fit into the room that a future has of its own\"");
	finish("7",
		"\"state\":\"succeeded\",\"result\":\"a result that does not fit into the room that a future has of its own\"");
	finish("7", "\"state\":\"succeeded\",\"result\":1");
	ck_assert_int_eq(taskd_result(f[2], FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_result(f[0], 0), TASKD_E_TIMEOUT);
	finish("7", "\"state\":\"succeeded\",\"result\":2");
	ck_assert_int_eq(taskd_result(f[0], FAKE_PATIENCE), TASKD_OK);
	ck_assert_int_eq(taskd_result(f[3], 0), TASKD_OK);
	/* And one that is told after all that. */
	f[1] = taskd_submit(c, "t", NULL, &options);
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"id\":\"7\",\"state\":\"succeeded\",\"duplicate\":true}}");
	finish("7", "\"state\":\"succeeded\",\"result\":3");
	ck_assert_int_eq(taskd_result(f[1], FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f[1], NULL), "3");
	for (size_t i = 0; i < 4; i++)
		taskd_future_free(f[i]);
}
END_TEST

START_TEST(the_connections_end_is_that_of_all_futures_of_a_task)
{
	struct taskd_options options = { .detached = true, .key = "k", .key_mode = TASKD_KEY_ATTACH };
	struct taskd_future *f[3];

	for (size_t i = 0; i < 3; i++) {
		f[i] = taskd_submit(c, "t", NULL, &options);
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":{\"id\":\"7\",\"duplicate\":true}}", i + 1);
	}
	ck_assert_int_eq(taskd_acknowledged(f[2], FAKE_PATIENCE), TASKD_OK);
	fake_close(&fake);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(taskd_result(f[i], FAKE_PATIENCE), TASKD_E_DISCONNECTED);
		ck_assert(taskd_done(f[i]));
		taskd_future_free(f[i]);
	}
}
END_TEST

START_TEST(a_rejected_duplicate_tells_whose_it_is)
{
	struct taskd_options options = { .key = "k" };
	struct taskd_future *f = taskd_submit(c, "t", NULL, &options);

	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32015,\"message\":\"m\",\"data\":{\"kind\":\"duplicate\","
		"\"id\":\"7\",\"state\":\"running\"}}}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_DUPLICATE);
	ck_assert_str_eq(taskd_future_id(f), "7");
	taskd_future_free(f);
}
END_TEST

START_TEST(a_missing_dependencys_id_is_not_the_tasks)
{
	static const char *const kinds[] = { "not_found", "forgotten" };
	struct taskd_options options = { .after = ids, .n_after = 1, .detached = true };

	for (size_t i = 0; i < 2; i++) {
		struct taskd_future *f = taskd_submit(c, "t", NULL, &options);
		fake_say(&fake,
			"{\"jsonrpc\":\"2.0\",\"id\":%zu,\"error\":{\"code\":-32005,\"message\":\"m\",\"data\":{\"kind\":\"%s\","
			"\"id\":\"17\"}}}",
			i + 1, kinds[i]);
		ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), i ? TASKD_E_FORGOTTEN : TASKD_E_NOT_FOUND);
		ck_assert_ptr_null(taskd_future_id(f));
		taskd_future_free(f);
	}
}
END_TEST

/* --- retries --- */

START_TEST(a_retry_is_a_future_of_the_new_task)
{
	struct taskd_future *f = taskd_retry(c, "17");
	double fraction;

	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.retry\",\"params\":{\"ids\":\"17\"}}");
	ck_assert_ptr_null(taskd_future_id(f));
	ck_assert_int_eq(taskd_acknowledged(f, 0), TASKD_E_TIMEOUT);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{\"id\":\"17\",\"retried_as\":\"42\"}]}");
	ck_assert_int_eq(taskd_acknowledged(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_id(f), "42");
	ck_assert(!taskd_done(f));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"task.result\",\"params\":{\"id\":\"42\"}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"id\":\"42\",\"progress\":{\"fraction\":1}}}");
	ck_assert_int_eq(taskd_future_progress(f, FAKE_PATIENCE, &fraction, NULL), TASKD_OK);
	ck_assert_str_eq(fake_read(&fake),
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"task.status\",\"params\":{\"id\":\"42\"}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":832040}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	ck_assert_str_eq(taskd_future_result(f, NULL), "832040");
	taskd_future_free(f);
}
END_TEST

START_TEST(a_retry_that_is_waited_for_at_once)
{
	struct taskd_future *f = taskd_retry(c, "17");

	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{\"id\":\"17\",\"retried_as\":\"42\"}]}");
	fake_say(&fake,
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32000,\"message\":\"again\",\"data\":{\"kind\":\"failed\","
		"\"id\":\"42\"}}}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_E_FAILED);
	ck_assert_str_eq(taskd_exception(f)->message, "again");
	taskd_future_free(f);
}
END_TEST

START_TEST(a_retry_that_is_refused)
{
	static const struct {
		const char *answer;
		enum taskd_error error;
	} cases[] = {
		{ "\"error\":{\"code\":-32020,\"message\":\"m\",\"data\":{\"kind\":\"not_over\"}}", TASKD_E_NOT_OVER },
		{ "\"error\":{\"code\":-32021,\"message\":\"m\",\"data\":{\"kind\":\"not_failed\"}}",
			TASKD_E_NOT_FAILED },
		{ "\"result\":[{\"id\":\"17\",\"error\":{\"code\":-32005,\"message\":\"m\",\"data\":{\"kind\":\"not_found\"}}}]",
			TASKD_E_NOT_FOUND },
		{ "\"result\":[]", TASKD_E_PROTOCOL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct taskd_future *f = taskd_retry(c, "17");
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,%s}", i + 1, cases[i].answer);
		ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), cases[i].error);
		ck_assert_ptr_null(taskd_future_id(f));
		taskd_future_free(f);
	}
	ck_assert_ptr_null(taskd_retry(c, ""));
	ck_assert_ptr_null(taskd_retry(c, "123456789012345678901234567890"));
	ck_assert_int_eq(taskd_last_error(NULL), TASKD_E_INVALID);
}
END_TEST

START_TEST(a_retry_that_nobody_waits_for)
{
	taskd_future_free(taskd_retry(c, "17"));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.retry\",\"params\":{\"ids\":\"17\"}}");
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[{\"id\":\"17\",\"retried_as\":\"42\"}]}");
	ck_assert_int_eq(taskd_dispatch(c, FAKE_PATIENCE), TASKD_OK);
	keep(taskd_submit(c, "t", NULL, NULL));
	fake_expect(&fake, c, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"t\",\"params\":[]}");
}
END_TEST

/* --- progress --- */

START_TEST(how_far_a_task_is)
{
	static const struct {
		const char *progress;
		double fraction;
		const char *text;
	} cases[] = {
		{ "", -1, NULL },
		{ ",\"progress\":{\"fraction\":0.25}", 0.25, NULL },
		{ ",\"progress\":{\"fraction\":1e-05,\"text\":\"gr\\u00fcn\"}", 1e-05, "gr\303\274n" },
		{ ",\"progress\":{\"fraction\":12.5E-1}", 1.25, NULL },
		{ ",\"progress\":{\"fraction\":0.123456}", 0.123456, NULL },
		{ ",\"progress\":{\"fraction\":1e-99999999999}", 0, NULL },
		{ ",\"progress\":{\"fraction\":0}", 0, NULL },
		{ ",\"progress\":{\"text\":\"half\"}", -1, "half" },
		{ ",\"progress\":5", -1, NULL },
	};
	struct taskd_future *f = taskd_submit(c, "t", NULL, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double fraction = 5;
		char *text = (char *)f;
		fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"result\":{\"id\":\"1\",\"state\":\"running\"%s}}",
			i + 2, cases[i].progress);
		ck_assert_int_eq(taskd_future_progress(f, FAKE_PATIENCE, &fraction, &text), TASKD_OK);
		ck_assert_double_eq_tol(fraction, cases[i].fraction, 1e-15);
		if (cases[i].text)
			ck_assert_str_eq(text, cases[i].text);
		else
			ck_assert_ptr_null(text);
		free(text);
	}
	ck_assert_str_eq(taskd_future_id(f), "1");
	ck_assert_int_eq(taskd_future_progress(f, 0, NULL, NULL), TASKD_E_TIMEOUT);
	fake_say(&fake, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	ck_assert_int_eq(taskd_result(f, FAKE_PATIENCE), TASKD_OK);
	double fraction = 5;
	char *text = (char *)f;
	ck_assert_int_eq(taskd_future_progress(f, FAKE_PATIENCE, &fraction, &text), TASKD_E_NOT_FOUND);
	ck_assert_double_eq(fraction, -1);
	ck_assert_ptr_null(text);
	taskd_future_free(f);
}
END_TEST

static Suite *client_suite(void)
{
	Suite *suite = suite_create("client: a task's life");
	TCase *tests = tcase_create("one thread");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, each_option_is_written_as_the_daemon_reads_it);
	tcase_add_test(tests, options_of_a_detached_task);
	tcase_add_test(tests, options_that_make_no_sense_are_never_written);
	tcase_add_test(tests, a_semaphore_that_is_none_is_never_written);
	tcase_add_test(tests, numbers_are_written_and_read_in_any_locale);
	tcase_add_test(tests, a_maps_tasks_have_no_life_of_their_own);
	tcase_add_test(tests, a_batch_is_one_request_with_a_future_for_each);
	tcase_add_test(tests, a_refused_batch_fails_all_of_it);
	tcase_add_test(tests, a_batchs_futures_can_be_freed_one_by_one);
	tcase_add_test(tests, a_batch_that_cannot_be_written);
	tcase_add_test(tests, the_connections_end_is_a_batchs_end);
	tcase_add_test(tests, a_batchs_answer_that_is_none);
	tcase_add_test(tests, a_large_batch_with_callbacks);
	tcase_add_test(tests, several_futures_of_one_task);
	tcase_add_test(tests, the_connections_end_is_that_of_all_futures_of_a_task);
	tcase_add_test(tests, a_rejected_duplicate_tells_whose_it_is);
	tcase_add_test(tests, a_missing_dependencys_id_is_not_the_tasks);
	tcase_add_test(tests, a_retry_is_a_future_of_the_new_task);
	tcase_add_test(tests, a_retry_that_is_waited_for_at_once);
	tcase_add_test(tests, a_retry_that_is_refused);
	tcase_add_test(tests, a_retry_that_nobody_waits_for);
	tcase_add_test(tests, how_far_a_task_is);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(client_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
