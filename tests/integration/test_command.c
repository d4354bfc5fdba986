/* Commands with the real daemon: how they end, and that nothing of them is left, whoever dies. What a test's commands
 * start can be told from everything else by its working directory, a folder of the test's own. */
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

static struct daemon daemon_;
static struct taskd *c;
static char place[96]; /* where the commands are */

static void start(const char *config)
{
	daemon_start(&daemon_, config);
	c = daemon_connect(&daemon_);
	snprintf(place, sizeof(place), "%s/place", daemon_.folder);
	ck_assert_int_eq(mkdir(place, 0700), 0);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

#define SLOTS(N) "\n[pool default]\nprocesses = 1\n[pool commands]\ncommands = yes\nprocesses = " #N "\n"

/* A line of the shell, run in the place; MORE are further parameters of task.submit, each with a comma before it. */
static unsigned long long submit_shell(const char *line, const char *more)
{
	return submit_task(c, "{\"task\":\"exec\",\"args\":{\"shell\":\"%s\",\"cwd\":\"%s\"}%s}", line, place, more);
}

/* --- what is left --- */

/* The state of process NAME in /proc, if its working directory is the place; else 0. */
static char state_if_ours(const char *name)
{
	char path[64], where[256], line[512];
	char state = 0;
	snprintf(path, sizeof(path), "/proc/%.20s/cwd", name);
	ssize_t length = readlink(path, where, sizeof(where) - 1);
	if (length < 0)
		return 0;
	where[length] = '\0';
	if (strcmp(where, place) != 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	FILE *file = fopen(path, "re");
	if (file && fgets(line, sizeof(line), file) && strrchr(line, ')'))
		state = strrchr(line, ')')[2];
	if (file)
		fclose(file);
	return state;
}

/* How many processes are in the place; those of one STATE only where that is not 0. */
static size_t ours(char state)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t n = 0;
	ck_assert_ptr_nonnull(proc);
	while ((entry = readdir(proc))) {
		char is = isdigit((unsigned char)entry->d_name[0]) ? state_if_ours(entry->d_name) : 0;
		n += is && (!state || is == state);
	}
	closedir(proc);
	return n;
}

static bool none_is_ours(void *user)
{
	(void)user;
	return ours(0) == 0;
}

static void assert_nothing_is_left(void)
{
	ck_assert_msg(wait_until(none_is_ours, NULL), "%zu processes are left", ours(0));
}

/* Files in the place, that commands have made. */
static size_t files(void)
{
	DIR *folder = opendir(place);
	const struct dirent *entry;
	size_t n = 0;
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)))
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n;
}

static bool enough_files(void *n)
{
	return files() >= *(const size_t *)n;
}

static void wait_for_files(size_t n)
{
	ck_assert_msg(wait_until(enough_files, &n), "%zu files, not %zu", files(), n);
}

static void assert_ends(unsigned long long id, const char *state, const char *part)
{
	char *record = record_at_end(c, id);
	ck_assert_msg(strcmp(text_in(record, "state"), state) == 0, "not %s: %s", state, record);
	ck_assert_msg(strstr(record, part), "without %s: %s", part, record);
	free(record);
}

static void assert_result(unsigned long long id, const char *part)
{
	char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", id);
	ck_assert_msg(strstr(result, part), "without %s: %s", part, result);
	free(result);
}

static void cancel(unsigned long long id)
{
	free(ask(c, "task.cancel", "{\"ids\":\"%llu\"}", id));
}

/* --- what comes back --- */

START_TEST(a_command_gives_its_outputs_apart_and_its_status)
{
	start("");
	unsigned long long id = submit_shell("echo out; echo err >&2; pwd", "");
	char wanted[160];
	snprintf(wanted, sizeof(wanted), "\"stdout\":\"out\\n%s\\n\"", place);
	assert_result(id, wanted);
	assert_result(id, "\"stderr\":\"err\\n\"");
	assert_result(id, "\"status\":0");
	id = submit_shell("echo half; exit 3", "");
	assert_ends(id, "failed", "\"stdout\":\"half\\n\"");
	assert_ends(id, "failed", "\"kind\":\"command_failed\"");
	assert_ends(id, "failed", "exit status 3");
	assert_ends(submit_shell("kill -9 $$", ""), "failed", "killed by SIGKILL");
	assert_nothing_is_left();
	stop();
}
END_TEST

START_TEST(bytes_that_are_no_text_survive)
{
	start("");
	assert_result(submit_shell("printf '\\\\377\\\\000x'", ""), "\"stdout_base64\":\"/wB4\"");
	stop();
}
END_TEST

START_TEST(what_cannot_be_started_says_why)
{
	static const struct {
		const char *args, *part;
	} cases[] = {
		{ "[[\"no-such-program\"]]", "\"errno\":\"ENOENT\"" },
		{ "[[\"/etc/passwd\"]]", "\"errno\":\"EACCES\"" },
		{ "{\"argv\":[\"true\"],\"cwd\":\"/no/such\"}", "\"errno\":\"ENOENT\"" },
		{ "{\"argv\":[\"true\"],\"stdin_file\":\"/no/such\"}", "\"errno\":\"ENOENT\"" },
	};
	start("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned long long id = submit_task(c, "{\"task\":\"exec\",\"args\":%s}", cases[i].args);
		assert_ends(id, "failed", "\"kind\":\"not_started\"");
		assert_ends(id, "failed", cases[i].part);
	}
	struct wire wire;
	wire_open(&wire, &daemon_);
	ck_assert(wire_puts(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"exec\",\"params\":[[\"a\\u0000b\"]]}\n"));
	ck_assert_ptr_nonnull(strstr(wire_line(&wire), "NUL in a string"));
	wire_close(&wire);
	ck_assert_str_eq(refusal(c, "exec", "[[]]"), "invalid_params");
	ck_assert_str_eq(refusal(c, "exec", "{\"argv\":[\"true\"],\"env\":{\"A=B\":\"1\"}}"), "invalid_params");
	ck_assert_str_eq(refusal(c, "exec", "{\"argv\":[\"true\"],\"cwd\":\"here\"}"), "invalid_params");
	ck_assert_str_eq(refusal(c, "exec", "{\"argv\":[\"true\"],\"shell\":\"true\"}"), "invalid_params");
	stop();
}
END_TEST

/* More arguments than the kernel takes: each is short enough, all are not. */
START_TEST(too_many_arguments_are_an_error_of_their_own)
{
	enum { N = 60, EACH = 100000 };
	/* A quarter of the stack's limit is what the kernel takes; more where it has none. */
	struct rlimit stack;
	ck_assert_int_eq(getrlimit(RLIMIT_STACK, &stack), 0);
	if (stack.rlim_cur > 8 << 20)
		stack.rlim_cur = 8 << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_STACK, &stack), 0);
	char *text = malloc((size_t)N * (EACH + 4) + 256), *at = text;
	start("");
	at += sprintf(at, "{\"task\":\"exec\",\"args\":[[\"true\"");
	for (int i = 0; i < N; i++) {
		at = stpcpy(at, ",\"");
		memset(at, 'x', EACH);
		at = stpcpy(at + EACH, "\"");
	}
	strcpy(at, "]]}");
	char *reply = request(c, "task.submit", text);
	assert_ends(strtoull(text_in(reply, "id"), NULL, 10), "failed", "\"errno\":\"E2BIG\"");
	free(reply);
	free(text);
	stop();
}
END_TEST

START_TEST(a_named_command_takes_what_it_names_and_nothing_else)
{
	start("exec_users = nobody\n[command greet]\nargv = /bin/echo hello {name} {times}\n"
	      "parameters = name:string times:integer=2\n");
	assert_result(submit_task(c, "{\"task\":\"greet\",\"args\":[\"a $(id) b\"]}"), "\"stdout\":\"hello a $(id) b 2\\n\"");
	assert_result(submit_task(c, "{\"task\":\"greet\",\"args\":{\"times\":7,\"name\":\"x\"}}"), "hello x 7");
	ck_assert_str_eq(refusal(c, "greet", "[]"), "invalid_params");
	ck_assert_str_eq(refusal(c, "greet", "[\"x\",\"many\"]"), "invalid_params");
	ck_assert_str_eq(refusal(c, "greet", "[\"x\",1,2]"), "invalid_params");
	ck_assert_str_eq(refusal(c, "exec", "[[\"true\"]]"), "denied");
	stop();
}
END_TEST

/* Each running command has a number that no other running one has, below the number of slots. */
START_TEST(running_commands_have_different_slots)
{
	enum { N = 3 };
	unsigned long long ids[N];
	unsigned seen = 0;
	start(SLOTS(3));
	for (int i = 0; i < N; i++)
		ids[i] = submit_shell("touch $TASKD_TASK_ID; while [ ! -e go ]; do sleep 0.01; done; "
				      "echo $TASKD_SLOT,$TASKD_ATTEMPT,$TASKD_SOCKET", "");
	wait_for_files(N);
	char path[160];
	snprintf(path, sizeof(path), "%s/go", place);
	fclose(fopen(path, "w"));
	for (int i = 0; i < N; i++) {
		char *result = ask(c, "task.result", "{\"id\":\"%llu\"}", ids[i]);
		unsigned slot = (unsigned)atoi(text_in(result, "stdout"));
		ck_assert_uint_lt(slot, N);
		ck_assert_uint_eq(seen & 1u << slot, 0);
		seen |= 1u << slot;
		ck_assert_ptr_nonnull(strstr(result, daemon_.socket));
		free(result);
	}
	stop();
}
END_TEST

START_TEST(the_environment_is_an_allow_list_and_is_logged_nowhere)
{
	static const char *const environment[] = { "SECRET_OF_THE_DAEMON=1", NULL };
	daemon_start_with(&daemon_, "log_level = debug\n", environment);
	c = daemon_connect(&daemon_);
	char *result = request(c, "exec", "{\"argv\":[\"/usr/bin/env\"],\"env\":{\"GIVEN\":\"pass-word\",\"HOME\":null}}");
	ck_assert_ptr_nonnull(strstr(result, "GIVEN=pass-word\\n"));
	ck_assert_ptr_nonnull(strstr(result, "PATH="));
	ck_assert_ptr_eq(strstr(result, "HOME="), NULL);
	ck_assert_ptr_eq(strstr(result, "SECRET_OF_THE_DAEMON"), NULL);
	ck_assert_uint_eq(daemon_log_count(&daemon_, "pass-word"), 0);
	free(result);
	stop();
}
END_TEST

/* --- how it ends --- */

START_TEST(a_grandchild_that_keeps_the_pipe_neither_hangs_nor_survives)
{
	start("");
	unsigned long long id = submit_shell("(setsid sleep 1000 &); echo done", "");
	assert_result(id, "\"stdout\":\"done\\n\"");
	assert_nothing_is_left();
	stop();
}
END_TEST

START_TEST(what_a_grandchild_still_has_to_say_is_not_lost)
{
	start("");
	assert_result(submit_shell("(sleep 0.05; echo late) & echo early", ""), "\"stdout\":\"early\\nlate\\n\"");
	assert_nothing_is_left();
	stop();
}
END_TEST

START_TEST(one_that_closes_its_outputs_lives_on_until_it_ends)
{
	start("");
	unsigned long long id = submit_shell("exec >&- 2>&-; while [ ! -e go ]; do sleep 0.01; done; exit 4", "");
	wait_for_state(c, id, "running");
	char path[160];
	snprintf(path, sizeof(path), "%s/go", place);
	fclose(fopen(path, "w"));
	assert_ends(id, "failed", "exit status 4");
	stop();
}
END_TEST

START_TEST(a_cancelled_one_may_clean_up_and_is_cancelled_all_the_same)
{
	start("");
	unsigned long long id =
		submit_shell("trap 'echo bye; exit 0' TERM; touch ready; while :; do sleep 0.01; done", "");
	wait_for_files(1);
	cancel(id);
	assert_ends(id, "cancelled", "\"stdout\":\"bye\\n\"");
	assert_nothing_is_left();
	stop();
}
END_TEST

START_TEST(one_that_ignores_the_polite_signal_is_killed_after_the_grace)
{
	start("kill_grace = 100ms\n");
	unsigned long long id = submit_shell("trap '' TERM; touch ready; while :; do sleep 0.01; done", "");
	wait_for_files(1);
	cancel(id);
	assert_ends(id, "cancelled", "\"signal\":\"SIGKILL\"");
	assert_nothing_is_left();
	/* Its worker was not the culprit. */
	ck_assert_uint_eq(daemon_log_count(&daemon_, "killed by SIGKILL while"), 0);
	stop();
}
END_TEST

START_TEST(a_time_limit_takes_the_whole_tree)
{
	start("kill_grace = 100ms\n");
	unsigned long long id = submit_shell("setsid sleep 1000 & (setsid sleep 1000 &); echo begun; wait",
		",\"timeout\":0.3");
	assert_ends(id, "timed_out", "\"stdout\":\"begun\\n\"");
	assert_nothing_is_left();
	stop();
}
END_TEST

/* The ids of commands that have made their file: they have forked all that they will. */
static size_t ready_ones(unsigned long long *ids, size_t room)
{
	DIR *folder = opendir(place);
	const struct dirent *entry;
	size_t n = 0;
	char path[400];
	while (n < room && (entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		ids[n++] = strtoull(entry->d_name, NULL, 10);
		snprintf(path, sizeof(path), "%s/%s", place, entry->d_name);
		unlink(path);
	}
	closedir(folder);
	return n;
}

START_TEST(of_a_thousand_double_forking_commands_nothing_is_left)
{
	enum { N = 1000 };
	unsigned long long ids[64], first = 0;
	size_t cancelled = 0;
	int64_t end = test_now_ns() + 5 * PATIENCE_NS;
	start("kill_grace = 10s" SLOTS(16));
	for (int i = 0; i < N; i++) {
		unsigned long long id = submit_shell("(setsid sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' &); "
						     "touch $TASKD_TASK_ID; exec sleep 1000", "");
		first = first ? first : id;
	}
	while (cancelled < N) {
		size_t n = ready_ones(ids, 64);
		ck_assert_msg(test_now_ns() < end, "only %zu were cancelled", cancelled);
		for (size_t i = 0; i < n; i++)
			cancel(ids[i]);
		cancelled += n;
		if (!n)
			pause_briefly();
	}
	for (unsigned i = 0; i < N; i++)
		assert_ends(first + i, "cancelled", "\"signal\":\"SIGTERM\"");
	assert_nothing_is_left();
	printf("%zu double-forking commands cancelled, %zu processes left\n", cancelled, ours(0));
	stop();
}
END_TEST

static void kill_a_worker_of_commands(unsigned n)
{
	char *list = request(c, "worker.list", NULL), *at = list;
	pid_t pids[64];
	size_t count = 0;
	while (count < 64 && (at = strstr(at, "\"pool\":\"commands\""))) {
		/* The worker's object, back to its beginning and on to its pid. */
		char *begin = at;
		while (begin > list && *begin != '{')
			begin--;
		double pid = number_in(begin, "pid");
		if (pid > 0)
			pids[count++] = (pid_t)pid;
		at++;
	}
	free(list);
	if (count)
		kill(pids[n % count], SIGKILL);
}

/* Every command is run to its end though its worker may be killed at any moment, and a killed one's tree goes with it. */
START_TEST(commands_survive_the_death_of_their_workers)
{
	enum { N = 150 };
	unsigned long long ids[N];
	unsigned kills = 0, seed = 7;
	size_t lost = 0;
	start("crash_limit = 0" SLOTS(4));
	for (int i = 0; i < N; i++)
		ids[i] = submit_shell("(setsid sleep 1000 &); sleep 0.02; echo x >>$TASKD_TASK_ID",
			",\"retries\":1000,\"retry_on\":\"crashed\",\"backoff\":0");
	for (int i = 0; i < N; i++) {
		char *record = NULL;
		for (;;) {
			free(record);
			record = record_of(c, ids[i]);
			if (strcmp(text_in(record, "state"), "succeeded") == 0)
				break;
			ck_assert_msg(!strstr("failed timed_out crashed cancelled expired", text_in(record, "state")), "%s",
				record);
			if (kills < 60 && rand_r(&seed) % 4 == 0) {
				kill_a_worker_of_commands((unsigned)rand_r(&seed));
				kills++;
			}
			pause_briefly();
		}
		free(record);
	}
	for (int i = 0; i < N; i++) {
		char path[160];
		struct stat about;
		snprintf(path, sizeof(path), "%s/%llu", place, ids[i]);
		lost += stat(path, &about) < 0;
	}
	printf("%u workers were killed under %d commands, %zu lost\n", kills, N, lost);
	ck_assert_uint_eq(lost, 0);
	assert_nothing_is_left();
	stop();
}
END_TEST

START_TEST(nothing_is_left_of_commands_when_the_master_is_killed)
{
	enum { N = 4 };
	start(SLOTS(4));
	for (int i = 0; i < N; i++)
		submit_shell("(setsid sleep 1000 &); touch $TASKD_TASK_ID; exec sleep 1000", "");
	wait_for_files(N);
	ck_assert_uint_ge(ours(0), 2 * N);
	kill(daemon_.pid, SIGKILL);
	assert_nothing_is_left();
	daemon_wait(&daemon_);
	taskd_close(c);
	c = NULL;
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(a_stop_takes_running_commands_along)
{
	start("drain_timeout = 100ms\nkill_grace = 100ms" SLOTS(2));
	submit_shell("trap '' TERM; (setsid sleep 1000 &); touch $TASKD_TASK_ID; while :; do sleep 1; done", "");
	wait_for_files(1);
	stop();
	assert_nothing_is_left();
}
END_TEST

/* A shell whose child was stopped between vfork and exec waits for that ('D') until both go on: it stands still, too. */
static bool all_stopped(void *user)
{
	(void)user;
	return ours('T') > 0 && ours('T') + ours('D') == ours(0);
}

static bool none_stopped(void *user)
{
	(void)user;
	return ours('T') == 0;
}

START_TEST(a_suspended_one_stands_still_with_all_its_tree)
{
	start("");
	unsigned long long id = submit_shell("setsid sleep 1000 & touch ready; while :; do sleep 0.01; done", "");
	wait_for_files(1);
	free(ask(c, "task.suspend", "{\"ids\":[\"%llu\"]}", id));
	ck_assert(wait_until(all_stopped, NULL));
	char *record = record_of(c, id);
	ck_assert_ptr_nonnull(strstr(record, "\"suspended\":true"));
	free(record);
	free(ask(c, "task.resume", "{\"ids\":[\"%llu\"]}", id));
	ck_assert(wait_until(none_stopped, NULL));
	free(ask(c, "task.suspend", "{\"ids\":[\"%llu\"]}", id));
	cancel(id); /* which it would sleep through otherwise */
	assert_ends(id, "cancelled", "SIGTERM");
	assert_nothing_is_left();
	stop();
}
END_TEST

/* --- what flows --- */

START_TEST(live_input_is_taken_piece_by_piece)
{
	start("");
	unsigned long long id = submit_task(c, "{\"task\":\"exec\",\"args\":{\"argv\":[\"cat\"],\"stdin_live\":true}}");
	wait_for_state(c, id, "running");
	free(ask(c, "task.send", "{\"id\":\"%llu\",\"data\":\"one \"}", id));
	free(ask(c, "task.send", "{\"id\":\"%llu\",\"data_base64\":\"dHdv\",\"eof\":true}", id));
	assert_result(id, "\"stdout\":\"one two\"");
	ck_assert_str_eq(refusal(c, "task.send", "{\"id\":\"%llu\",\"data\":\"x\"}", id), "not_running");
	stop();
}
END_TEST

/* Resident memory of process PID, in KiB. */
static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmRSS: %ld kB", &kib);
	fclose(file);
	return kib;
}

START_TEST(much_output_does_not_make_taskd_grow)
{
	pid_t pids[8];
	start(SLOTS(1));
	free(ask(c, "exec", "[[\"true\"]]"));
	long before = resident_kib(daemon_.pid);
	char *result = ask(c, "exec", "[[\"head\",\"-c\",\"2G\",\"/dev/zero\"]]");
	ck_assert_ptr_nonnull(strstr(result, "\"stdout_bytes\":2147483648"));
	ck_assert_ptr_nonnull(strstr(result, "\"stdout_truncated\":true"));
	free(result);
	/* The result itself, a MiB as base64, or zeros as \u0000, may be about still. */
	ck_assert_int_lt(resident_kib(daemon_.pid), before + 64 * 1024);
	size_t n = worker_pids(c, pids, 8);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_lt(resident_kib(pids[i]), 64 * 1024);
	stop();
}
END_TEST

struct heard {
	size_t length;
	bool ended, gap;
};

static void hear(void *user, const struct taskd_output *output)
{
	struct heard *heard = user;
	if (!output->stream) {
		heard->ended = true;
		return;
	}
	heard->gap |= output->offset != heard->length;
	heard->length = (size_t)output->offset + output->length;
}

START_TEST(any_number_of_readers_follow_and_one_that_stalls_holds_nobody_up)
{
	enum { READERS = 5, LINES = 200 };
	struct heard heard[READERS] = { 0 }, unheard = { 0 };
	struct taskd *readers[READERS], *stalled;
	struct taskd_follow *follows[READERS], *ignored;
	char id[24];
	start("");
	snprintf(id, sizeof(id), "%llu",
		submit_shell("while [ ! -e go ]; do sleep 0.01; done; "
			     "i=0; while [ $i -lt 200 ]; do echo 123456789; i=$((i+1)); done; "
			     "head -c 100M /dev/zero >&2", ""));
	stalled = daemon_connect(&daemon_);
	ignored = taskd_follow(stalled, id, hear, &unheard, NULL, PATIENCE_NS);
	ck_assert_ptr_nonnull(ignored);
	for (int i = 0; i < READERS; i++) {
		readers[i] = daemon_connect(&daemon_);
		follows[i] = taskd_follow(readers[i], id, hear, &heard[i], NULL, PATIENCE_NS);
		ck_assert_ptr_nonnull(follows[i]);
	}
	char path[160];
	snprintf(path, sizeof(path), "%s/go", place);
	fclose(fopen(path, "w"));
	assert_ends(strtoull(id, NULL, 10), "succeeded", "\"state\":\"succeeded\"");
	for (int i = 0; i < READERS; i++) {
		while (!heard[i].ended)
			ck_assert_int_eq(taskd_dispatch(readers[i], PATIENCE_NS), TASKD_OK);
		taskd_unfollow(follows[i]);
		taskd_close(readers[i]);
	}
	taskd_unfollow(ignored);
	taskd_close(stalled);
	stop();
}
END_TEST

static Suite *command_suite(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("command");
	tcase_set_timeout(tcase, 240);
	tcase_add_test(tcase, a_command_gives_its_outputs_apart_and_its_status);
	tcase_add_test(tcase, bytes_that_are_no_text_survive);
	tcase_add_test(tcase, what_cannot_be_started_says_why);
	tcase_add_test(tcase, too_many_arguments_are_an_error_of_their_own);
	tcase_add_test(tcase, a_named_command_takes_what_it_names_and_nothing_else);
	tcase_add_test(tcase, running_commands_have_different_slots);
	tcase_add_test(tcase, the_environment_is_an_allow_list_and_is_logged_nowhere);
	tcase_add_test(tcase, a_grandchild_that_keeps_the_pipe_neither_hangs_nor_survives);
	tcase_add_test(tcase, what_a_grandchild_still_has_to_say_is_not_lost);
	tcase_add_test(tcase, one_that_closes_its_outputs_lives_on_until_it_ends);
	tcase_add_test(tcase, a_cancelled_one_may_clean_up_and_is_cancelled_all_the_same);
	tcase_add_test(tcase, one_that_ignores_the_polite_signal_is_killed_after_the_grace);
	tcase_add_test(tcase, a_time_limit_takes_the_whole_tree);
	tcase_add_test(tcase, of_a_thousand_double_forking_commands_nothing_is_left);
	tcase_add_test(tcase, commands_survive_the_death_of_their_workers);
	tcase_add_test(tcase, nothing_is_left_of_commands_when_the_master_is_killed);
	tcase_add_test(tcase, a_stop_takes_running_commands_along);
	tcase_add_test(tcase, a_suspended_one_stands_still_with_all_its_tree);
	tcase_add_test(tcase, live_input_is_taken_piece_by_piece);
	tcase_add_test(tcase, much_output_does_not_make_taskd_grow);
	tcase_add_test(tcase, any_number_of_readers_follow_and_one_that_stalls_holds_nobody_up);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(command_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
