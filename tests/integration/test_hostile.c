/* Code in a worker that turns against the master. Whatever it does: the master is the same process, has the same descriptors
 * and no more memory afterwards; what others have submitted meanwhile ends with its right result; and what the hostile one
 * had ends, too. */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RSS_MOST_KIB (1024L * 1024) /* what was freed is kept for long; what is lost they tell at the daemon's end */
#else
#define RSS_MOST_KIB (12L * 1024)
#endif

/* How CASE ends. */
enum end {
	NONSENSE, /* it is killed, as what it says makes no sense */
	RINGS,    /* it is killed, as it rings for nothing */
	RIGHT,    /* with its right result */
	FORGED,   /* with what it says */
	NO_JSON,  /* fails: that is no JSON */
	DEAD,     /* crashes */
	ENDS,     /* in any way */
	LEAVES,   /* in any way, and then its worker does */
};

static const struct hostility {
	const char *what;
	enum end end;
	long long seed;
} hostilities[] = {
	{ "indices", NONSENSE, 1 },
	{ "lengths", NONSENSE, 2 },
	{ "ids", NONSENSE, 3 },
	{ "others", NONSENSE, 6 },
	{ "twice", FORGED, 1 },
	{ "scribble", ENDS, 4 },
	{ "semaphores", RIGHT, 1 },
	{ "semaphores", RIGHT, 2 },
	{ "punch", NONSENSE, 1 },
	{ "payload_none", NONSENSE, 1 },
	{ "payload_pipe", NONSENSE, 1 },
	{ "payload_device", NONSENSE, 1 },
	{ "keep_descriptors", DEAD, 1 },
	{ "payload_file", NONSENSE, 1 },
	{ "payload_unsealed", NONSENSE, 1 },
	{ "payload_short", NONSENSE, 1 },
	{ "progress_large", NONSENSE, 1 },
	{ "payload_sparse", NONSENSE, 1 },
	{ "payload_nothing", NO_JSON, 1 },
	{ "payload_lingering", NONSENSE, 1 },
	{ "doorbell_flood", RINGS, 1 },
	{ "payload_flood", NONSENSE, 1 },
	{ "progress_flood", RIGHT, 20000 },
	{ "doorbell_full", RIGHT, 1 },
	{ "control_flood", NONSENSE, 0 },
	{ "control_flood", NONSENSE, 1 },
	{ "control_flood", NONSENSE, 2 },
	{ "control_flood", ENDS, 3 },
	{ "control_bomb", NONSENSE, 0 },
	{ "control_bomb", NONSENSE, 1 },
	{ "control_descriptors", NONSENSE, 0 },
	{ "shut_sockets", LEAVES, 1 },
	{ "control_descriptors", NONSENSE, 1 },
};
#define N_HOSTILITIES (sizeof(hostilities) / sizeof(*hostilities))

static struct daemon daemon_;
static struct taskd *c;

static void start(void)
{
	daemon_start_with_plugins(&daemon_, "hostile",
		"kill_grace = 50ms\nlog_level = error\n[pool default]\nprocesses = 2\ntasks = *\n"
		"[pool hostile]\nprocesses = 2\ntasks = hostile\n");
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

/* How many seeds; 0: as many as there is time for. */
static long rounds_asked(void)
{
	const char *text = getenv("TASKD_TEST_ROUNDS");
	return text ? atol(text) : 0;
}

/* --- the master, as seen from outside --- */

static long master_rss_kib(void)
{
	char path[64];
	long pages = 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)daemon_.pid);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%*s %ld", &pages), 1);
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int master_descriptors(void)
{
	char path[64];
	int n = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)daemon_.pid);
	DIR *folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static bool all_are_ready(void *user)
{
	(void)user;
	char *list = request(c, "worker.list", "{}");
	bool ready = !strstr(list, "\"state\":\"waiting\"") && !strstr(list, "\"state\":\"starting\"") &&
		!strstr(list, "\"state\":\"retiring\"");
	free(list);
	return ready;
}

static bool has_descriptors(void *user)
{
	return master_descriptors() == *(const int *)user;
}

struct workers {
	pid_t pids[16];
	size_t n;
};

static void look_at_workers(struct workers *workers)
{
	workers->n = daemon_children(&daemon_, "taskd-worker", workers->pids, 16);
}

static bool one_has_gone(void *user)
{
	const struct workers *before = user;
	struct workers now;
	look_at_workers(&now);
	for (size_t i = 0; i < before->n; i++) {
		bool found = false;
		for (size_t j = 0; j < now.n && !found; j++)
			found = now.pids[j] == before->pids[i];
		if (!found)
			return true;
	}
	return false;
}

/* --- others --- */

#define N_OTHERS 20
static struct taskd_future *others[N_OTHERS];
static unsigned long long n_sent, n_right;

static void others_begin(void)
{
	char args[64];
	for (int i = 0; i < N_OTHERS; i++) {
		snprintf(args, sizeof(args), "[\"other %llu\"]", n_sent + (unsigned)i);
		others[i] = taskd_submit(c, "echo", args, NULL);
		ck_assert_ptr_nonnull(others[i]);
	}
}

static void others_end(void)
{
	char text[64];
	for (int i = 0; i < N_OTHERS; i++) {
		snprintf(text, sizeof(text), "\"other %llu\"", n_sent++);
		enum taskd_error error = taskd_result(others[i], PATIENCE_NS);
		n_right += error == TASKD_OK && strcmp(taskd_future_result(others[i], NULL), text) == 0;
		taskd_future_free(others[i]);
	}
}

/* --- the hostile one --- */

static bool ended_as(const struct taskd_future *f, enum taskd_error error, enum end end, long long seed)
{
	const struct taskd_failure *failure = taskd_exception(f);
	bool crashed = error == TASKD_E_CRASHED;
	switch (end) {
	case NONSENSE:
		return crashed && strstr(failure->message, "made no sense");
	case RINGS:
		return crashed && strstr(failure->message, "rang without having anything to say");
	case RIGHT:
	case FORGED:
		return error == TASKD_OK && atoll(taskd_future_result(f, NULL)) == seed;
	case NO_JSON:
		return error == TASKD_E_FAILED && strstr(failure->message, "not JSON");
	case DEAD:
		return crashed;
	case ENDS:
	case LEAVES:
		return error != TASKD_E_TIMEOUT || failure;
	}
	return false;
}

/* Others have their results while it goes on, as often as LEAST at the least. */
static void do_hostility(const char *what, long long seed, enum end end, int least)
{
	const struct taskd_options options = { .timeout_ns = end == ENDS || end == LEAVES ? 300 * TASKD_MS : PATIENCE_NS };
	struct workers before;
	char args[64];
	look_at_workers(&before);
	snprintf(args, sizeof(args), "[\"%s\",%lld]", what, seed);
	struct taskd_future *f = taskd_submit(c, "hostile", args, &options);
	ck_assert_ptr_nonnull(f);
	int64_t until_ns = test_now_ns() + PATIENCE_NS;
	for (int i = 0; i < least || !taskd_done(f); i++) {
		others_begin();
		others_end();
		if (test_now_ns() > until_ns)
			break;
	}
	enum taskd_error error = taskd_result(f, PATIENCE_NS);
	ck_assert_msg(ended_as(f, error, end, seed), "%s %lld: %s", what, seed,
		error == TASKD_OK ? taskd_future_result(f, NULL) : taskd_exception(f) ? taskd_exception(f)->message : "no end");
	taskd_future_free(f);
	/* Until then it may still take what comes next. */
	ck_assert(end != LEAVES || wait_until(one_has_gone, &before));
}

static void report(const char *what, int descriptors, long rss_kib)
{
	printf("%s: descriptors %d before, %d after; RSS %ld KiB before, %ld KiB after; %llu of %llu others right\n", what,
		descriptors, master_descriptors(), rss_kib, master_rss_kib(), n_right, n_sent);
	fflush(stdout);
}

static void check_master(const char *what, int descriptors, long rss_kib)
{
	(void)wait_until(all_are_ready, NULL);
	(void)wait_until(has_descriptors, &descriptors);
	report(what, descriptors, rss_kib);
	ck_assert_int_eq(kill(daemon_.pid, 0), 0);
	ck_assert_int_eq(master_descriptors(), descriptors);
	ck_assert_int_le(master_rss_kib(), rss_kib + RSS_MOST_KIB);
	ck_assert_uint_eq(n_right, n_sent);
}

START_TEST(whatever_a_worker_does_costs_itself_alone)
{
	long rss_kib = 0, rounds = 2 + rounds_asked() / 500;
	start();
	ck_assert(wait_until(all_are_ready, NULL));
	int descriptors = master_descriptors();
	for (long round = 0; round < rounds; round++) {
		for (size_t i = 0; i < N_HOSTILITIES; i++)
			do_hostility(hostilities[i].what, hostilities[i].seed, hostilities[i].end, 2);
		if (round == 0)
			rss_kib = master_rss_kib();
	}
	check_master("each hostility", descriptors, rss_kib);
	stop();
}
END_TEST

/* A write somewhere, of something. With TASKD_TEST_ROUNDS as many, else as many as there is time for. */
START_TEST(scribbling_over_a_lane_costs_itself_alone)
{
	long rounds = rounds_asked(), done = 0, warm = 50;
	int64_t until_ns = test_now_ns() + 6 * 1000 * TASKD_MS;
	start();
	ck_assert(wait_until(all_are_ready, NULL));
	int descriptors = master_descriptors();
	long rss_kib = master_rss_kib();
	for (long long seed = 1000; rounds ? done < rounds : test_now_ns() < until_ns; seed++, done++) {
		do_hostility("scribble", seed, ENDS, 1);
		if (done == warm)
			rss_kib = master_rss_kib();
	}
	printf("%ld seeds\n", done);
	check_master("scribbling", descriptors, rss_kib);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *all = tcase_create("hostile");
	tcase_set_timeout(all, 24 * 3600);
	if (!getenv("TASKD_TEST_ROUNDS"))
		tcase_set_timeout(all, 240);
	tcase_add_test(all, whatever_a_worker_does_costs_itself_alone);
	tcase_add_test(all, scribbling_over_a_lane_costs_itself_alone);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
