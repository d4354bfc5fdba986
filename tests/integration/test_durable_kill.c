/* What was acknowledged is never lost: the master, the store and the workers are killed at random moments under load,
 * again and again (TASKD_TEST_KILLS times; a thousand is the figure that is told, fewer are the daily ones), and at the
 * end every acknowledged task has exactly one outcome, what was told of it before has not changed, no id was given
 * twice, and those of a queue with one slot have ended in their order. */
#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/taskd.h"
#include "harness.h"

/* Under a sanitizer a daemon takes several times as long to be there again, and does the same. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KILLS = 40 };
#else
enum { KILLS = 150 };
#endif
enum { BURST = 12, MOST = 60000 };

/* A task that was submitted, and what we have been told of it. */
struct told {
	struct taskd_future *ack; /* outstanding */
	struct taskd_future *result;
	unsigned long long id; /* 0: it has not been acknowledged, and need not exist */
	bool durable, in_line;
	bool has_outcome; /* told before the end */
	enum taskd_error error;
	char text[64];
};

static struct daemon daemon_;
static struct taskd *c;
static struct told *tasks;
static size_t n_tasks;
static uint64_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % below;
}

static const char config[] =
	"crash_limit = 0\nresult_count = 1000000\nresult_ttl = 1h\n"
	"[pool default]\nprocesses = 2\n"
	"[pool line]\nprocesses = 1\n";

/* --- load --- */

static void submit_one(void)
{
	static const char *const kinds[] = {
		"{\"task\":\"stamp\"}",
		"{\"task\":\"stamp\",\"queue\":\"line\"}",
		"{\"task\":\"stamp\",\"queue\":\"line\"}",
		"{\"task\":\"stamp\",\"delay\":0.003}",
		"{\"task\":\"sleep\",\"args\":[0.002],\"retries\":3,\"backoff\":0}",
		"{\"task\":\"sleep\",\"args\":[0.002]}",
		"{\"task\":\"stamp\",\"priority\":5,\"tag\":\"urgent\"}",
		"{\"task\":\"stamp\",\"durable\":false}",
	};
	uint32_t kind = draw(sizeof(kinds) / sizeof(kinds[0]));
	if (n_tasks == MOST)
		return;
	struct told *told = &tasks[n_tasks];
	*told = (struct told){ .durable = kind != 7, .in_line = kind == 1 || kind == 2 };
	told->ack = taskd_request(c, "task.submit", kinds[kind]);
	if (told->ack)
		n_tasks++;
}

static void take_ack(struct told *told)
{
	if (!told->ack || !taskd_done(told->ack))
		return;
	const char *answer = taskd_future_result(told->ack, NULL);
	if (answer) {
		const char *durability = told->durable ? "disk" : "memory";
		told->id = strtoull(text_in(answer, "id"), NULL, 10);
		ck_assert_msg(told->id > 0 && strcmp(text_in(answer, "durability"), durability) == 0, "%s", answer);
	} else {
		enum taskd_error error = taskd_future_error(told->ack)->error;
		ck_assert_msg(error == TASKD_E_DISCONNECTED || error == TASKD_E_UNAVAILABLE, "%s",
			taskd_future_error(told->ack)->message);
	}
	taskd_future_free(told->ack);
	told->ack = NULL;
}

static void copy_outcome(struct told *told, const struct taskd_future *f)
{
	const char *text = taskd_future_result(f, NULL);
	told->error = taskd_future_error(f)->error;
	snprintf(told->text, sizeof(told->text), "%s", text ? text : taskd_future_error(f)->message);
}

static void take_result(struct told *told)
{
	if (!told->result || !taskd_done(told->result))
		return;
	if (taskd_future_error(told->result)->error != TASKD_E_DISCONNECTED) {
		copy_outcome(told, told->result);
		told->has_outcome = true;
	}
	taskd_future_free(told->result);
	told->result = NULL;
}

/* What has come in; and every fourth that was acknowledged is asked for its outcome. */
static void take_all(size_t from)
{
	for (size_t i = from; i < n_tasks; i++) {
		struct told *told = &tasks[i];
		bool asks = told->ack && draw(4) == 0;
		take_ack(told);
		if (asks && told->id && told->durable && !told->result) {
			char params[64];
			snprintf(params, sizeof(params), "{\"id\":\"%llu\"}", told->id);
			told->result = taskd_request(c, "task.result", params);
		}
		take_result(told);
	}
}

static bool is_outstanding(size_t from)
{
	for (size_t i = from; i < n_tasks; i++)
		if (tasks[i].ack)
			return true;
	return false;
}

static void work(size_t from, int64_t for_ns)
{
	int64_t end = test_now_ns() + for_ns;
	while (test_now_ns() < end) {
		taskd_dispatch(c, TASKD_MS / 4);
		take_all(from);
	}
}

/* --- kills --- */

static void kill_worker(void)
{
	pid_t pids[8];
	size_t n = worker_pids(c, pids, 8);
	if (n)
		kill(pids[draw((uint32_t)n)], SIGKILL);
}

static void kill_store(void)
{
	char *stats = request(c, "server.stats", "{}");
	const char *store = strstr(stats, "\"store\":");
	ck_assert_ptr_nonnull(store);
	int pid = (int)number_in(store, "pid");
	free(stats);
	if (pid > 0)
		kill(pid, SIGKILL);
}

/* All that was outstanding is over now, and some of it was acknowledged before. */
static void lose_connection(size_t from)
{
	while (taskd_dispatch(c, PATIENCE_NS) == TASKD_OK)
		;
	take_all(from);
	for (size_t i = from; i < n_tasks; i++) {
		taskd_future_free(tasks[i].ack);
		taskd_future_free(tasks[i].result);
		tasks[i].ack = tasks[i].result = NULL;
	}
	taskd_close(c);
}

static void kill_master(size_t from)
{
	daemon_kill(&daemon_);
	lose_connection(from);
	daemon_again(&daemon_);
	c = daemon_connect(&daemon_);
}

static void settle(size_t from)
{
	int64_t end = test_now_ns() + PATIENCE_NS;
	while (is_outstanding(from)) {
		ck_assert_msg(test_now_ns() < end, "a submission was never answered");
		taskd_dispatch(c, 10 * TASKD_MS);
		take_all(from);
	}
}

/* --- the end --- */

static int by_number(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;
	return x < y ? -1 : x > y;
}

static void no_id_was_given_twice(void)
{
	unsigned long long *ids = calloc(n_tasks, sizeof(*ids));
	size_t n = 0, twice = 0;
	for (size_t i = 0; i < n_tasks; i++)
		if (tasks[i].id)
			ids[n++] = tasks[i].id;
	qsort(ids, n, sizeof(*ids), by_number);
	for (size_t i = 1; i < n; i++)
		twice += ids[i] == ids[i - 1];
	ck_assert_uint_eq(twice, 0);
	free(ids);
}

/* Asks for every acknowledged one's outcome; how many are missing, and how many have changed. */
static void compare_outcomes(size_t *missing, size_t *changed, size_t *compared)
{
	for (size_t i = 0; i < n_tasks; i++) {
		struct told *told = &tasks[i], now = { 0 };
		char id[24];
		if (!told->id || !told->durable)
			continue;
		snprintf(id, sizeof(id), "%llu", told->id);
		struct taskd_future *f = taskd_attach(c, id);
		taskd_result(f, PATIENCE_NS);
		copy_outcome(&now, f);
		if (now.error != TASKD_OK && now.error != TASKD_E_CRASHED) {
			(*missing)++;
			fprintf(stderr, "task %llu: %s\n", told->id, now.text);
		} else if (told->has_outcome) {
			(*compared)++;
			if (told->error != now.error || strcmp(told->text, now.text) != 0) {
				(*changed)++;
				fprintf(stderr, "task %llu was told as %s, and is %s\n", told->id, told->text, now.text);
			}
		}
		taskd_future_free(f);
	}
}

/* The rows of the history, in the order of their ids: each id once, and those of the line ended in that order. */
static void history_is_sound(size_t *rows, size_t *out_of_order)
{
	unsigned long long after = 0; /* ids begin with 1 */
	int64_t last_end = 0;
	char *last_page = NULL;
	const char *last = "";
	bool more = true;
	while (more) {
		char *page = after ? ask(c, "task.history", "{\"order\":\"oldest\",\"limit\":1000,\"after\":\"%llu\"}", after)
				   : request(c, "task.history", "{\"order\":\"oldest\",\"limit\":1000}");
		more = strstr(page, "\"more\":true") != NULL;
		for (const char *row = strstr(page, "{\"id\":"); row; row = strstr(row + 1, "{\"id\":")) {
			unsigned long long id = strtoull(text_in(row, "id"), NULL, 10);
			ck_assert_msg(id > after, "%llu comes behind %llu", id, after);
			after = id;
			(*rows)++;
			if (strcmp(text_in(row, "queue"), "line") != 0)
				continue;
			int64_t end = time_in(row, "ended_at");
			if (end < last_end) {
				++*out_of_order;
				fprintf(stderr, "%.*s\nended before the one before it:\n%.*s\n", (int)strcspn(row, "}"), row,
					(int)strcspn(last, "}"), last);
			}
			last = row;
			last_end = end;
		}
		free(last_page);
		last_page = page;
	}
	free(last_page);
}

static bool is_quiet(void *user)
{
	(void)user;
	char *stats = request(c, "server.stats", "{}");
	bool quiet = number_in(stats, "queued") == 0 && number_in(stats, "running") == 0 && number_in(stats, "scheduled") == 0 &&
		number_in(stats, "recording") == 0;
	free(stats);
	return quiet;
}

START_TEST(nothing_acknowledged_is_lost_whoever_is_killed)
{
	const char *wanted = getenv("TASKD_TEST_KILLS");
	int kills = wanted ? atoi(wanted) : KILLS, killed[3] = { 0 };
	size_t acknowledged = 0, missing = 0, changed = 0, compared = 0, rows = 0, out_of_order = 0;
	seed = (uint64_t)(wanted && getenv("TASKD_TEST_SEED") ? atoll(getenv("TASKD_TEST_SEED")) : test_now_ns());
	fprintf(stderr, "seed %" PRIu64 "\n", seed);
	tasks = calloc(MOST, sizeof(*tasks));
	daemon_start_durable(&daemon_, "life", config);
	c = daemon_connect(&daemon_);
	for (int i = 0; i < kills; i++) {
		size_t from = n_tasks;
		for (uint32_t n = draw(BURST * 4); n > 0; n--)
			submit_one();
		work(from, draw(6 * TASKD_MS));
		uint32_t who = draw(3);
		killed[who]++;
		if (who == 0)
			kill_worker();
		else if (who == 1)
			kill_store();
		else
			kill_master(from);
		settle(from);
	}
	ck_assert_msg(wait_until(is_quiet, NULL), "it never became quiet");
	for (size_t i = 0; i < n_tasks; i++) {
		taskd_future_free(tasks[i].result);
		tasks[i].result = NULL;
		acknowledged += tasks[i].id && tasks[i].durable;
	}
	no_id_was_given_twice();
	compare_outcomes(&missing, &changed, &compared);
	history_is_sound(&rows, &out_of_order);
	char *check = request(c, "store.check", "{}");
	ck_assert_msg(strstr(check, "\"ok\":true") != NULL, "%s", check);
	free(check);
	fprintf(stderr, "%d kills of workers, %d of the store, %d of the master; %zu of %zu durable submissions acknowledged, "
		"%zu outcomes told before the end, %zu rows\n", killed[0], killed[1], killed[2], acknowledged, n_tasks, compared,
		rows);
	ck_assert_uint_eq(missing, 0);
	ck_assert_uint_eq(changed, 0);
	ck_assert_uint_eq(out_of_order, 0);
	ck_assert_uint_ge(rows, acknowledged);
	ck_assert_uint_gt(acknowledged, 0);
	ck_assert_uint_gt(compared, 0);
	free(tasks);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("durable_kill");
	TCase *tcase = tcase_create("kills");
	tcase_set_timeout(tcase, 1200);
	tcase_add_test(tcase, nothing_acknowledged_is_lost_whoever_is_killed);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
