/* What the master has given up once it serves, what it may still do then, and who does the rest: spawners, which die here
 * at every moment. */
#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

#define NOBODY 65534
#define GAMES 5
#define N_TASKS 600
#define ROUNDS 100

static struct daemon daemon_;

/* --- started as root --- */

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	puts("skipped: only root can become others");
	return false;
}

/* The daemon as CONFIG has it, in a folder that others may pass through. With FORMAT "state": a state directory. */
static void start_as(const char *config, bool durable)
{
	char path[128];
	if (durable)
		daemon_start_durable(&daemon_, "", "user = root\n");
	else
		daemon_start(&daemon_, "user = root\n");
	daemon_kill(&daemon_);
	ck_assert_int_eq(chmod(daemon_.folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/notify", daemon_.folder);
	ck_assert_int_eq(chmod(path, 0777), 0);
	daemon_write_config(&daemon_, config);
}

/* The rest of the line of /proc/PID/status that begins with NAME, without blanks around it. */
static const char *status_of(pid_t pid, const char *name)
{
	static char text[256];
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[0] = '\0';
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
			snprintf(text, sizeof(text), "%s", line + strlen(name) + 1 + strspn(line + strlen(name) + 1, " \t"));
			text[strcspn(text, "\n")] = '\0';
			while (*text && text[strlen(text) - 1] == ' ')
				text[strlen(text) - 1] = '\0';
		}
	fclose(file);
	return text;
}

/* Four times the same number: real, effective, saved, of files. */
static bool ids_are(pid_t pid, const char *name, unsigned id)
{
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "%u\t%u\t%u\t%u", id, id, id, id);
	return strcmp(status_of(pid, name), wanted) == 0;
}

static bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#else
	return false;
#endif
}

static void assert_has_given_up(pid_t pid, unsigned uid, unsigned gid)
{
	ck_assert(ids_are(pid, "Uid", uid));
	ck_assert(ids_are(pid, "Gid", gid));
	ck_assert_str_eq(status_of(pid, "CapEff"), "0000000000000000");
	ck_assert_str_eq(status_of(pid, "CapPrm"), "0000000000000000");
	if (is_sanitized())
		return;
	ck_assert_str_eq(status_of(pid, "NoNewPrivs"), "1");
	ck_assert_str_eq(status_of(pid, "Seccomp"), "2");
}

/* The outcome of a command, trimmed. */
static char *output_of(struct taskd *c, const char *command)
{
	char *result = ask(c, "task.call", "{\"task\":\"exec\",\"args\":{\"shell\":\"%s\"}}", command);
	char *text = strdup(text_in(result, "stdout"));
	text[strcspn(text, "\\")] = '\0';
	free(result);
	return text;
}

static void assert_is_whole(unsigned uid)
{
	char name[16], path[128];
	struct stat status;
	pid_t spawners[2];
	struct taskd *c = daemon_connect(&daemon_);
	char *text = output_of(c, "id -u");
	snprintf(name, sizeof(name), "%u", uid);
	ck_assert_str_eq(text, name);
	free(text);
	ck_assert_uint_eq(daemon_children(&daemon_, "taskd-spawn", spawners, 2), 2);
	ck_assert(ids_are(spawners[0], "Uid", 0) && ids_are(spawners[1], "Uid", 0));
	ck_assert_int_eq(stat(daemon_.socket, &status), 0);
	ck_assert_uint_eq(status.st_uid, uid);
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)daemon_.pid);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_uid, 0); /* as nobody of its own user may look in */
	/* Files are read again: the configuration, and users' names in it. */
	daemon_write_config(&daemon_, "user = nobody\nexec_users = owner games\n[pool default]\nprocesses = 3\n");
	text = request(c, "server.reload", "{}");
	ck_assert_msg(strstr(text, "[pool default] processes") != NULL, "%s", text);
	free(text);
	taskd_close(c);
}

START_TEST(started_as_root_it_is_somebody_else_with_nothing_left)
{
	static const struct {
		const char *name;
		unsigned uid, gid;
	} users[] = { { "nobody", NOBODY, NOBODY }, { "65534", NOBODY, NOBODY }, { "games", GAMES, 60 } };
	char config[128];
	if (!is_root())
		return;
	snprintf(config, sizeof(config), "user = %s\n[pool default]\nprocesses = 2\n", users[_i].name);
	start_as(config, false);
	daemon_again(&daemon_);
	assert_has_given_up(daemon_.pid, users[_i].uid, users[_i].gid);
	assert_is_whole(users[_i].uid);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(a_state_directory_of_another_user_is_an_error_before_it_serves)
{
	char command[160];
	if (!is_root())
		return;
	start_as("user = nobody\n", true);
	daemon_launch(&daemon_);
	int status = daemon_wait(&daemon_);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(daemon_logged(&daemon_, "cannot be used by user nobody"));
	/* What the error says helps. */
	snprintf(command, sizeof(command), "chown -R nobody: %s/state", daemon_.folder);
	ck_assert_int_eq(system(command), 0);
	daemon_again(&daemon_);
	struct taskd *c = daemon_connect(&daemon_);
	char *record = record_at_end(c, submit_task(c, "{\"task\":\"fib\",\"args\":[10]}"));
	ck_assert_str_eq(text_in(record, "state"), "succeeded");
	free(record);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(a_user_that_is_not_there_is_an_error)
{
	if (!is_root())
		return;
	start_as("user = no-such-user\n", false);
	daemon_launch(&daemon_);
	int status = daemon_wait(&daemon_);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(daemon_logged(&daemon_, "no-such-user"));
	daemon_stop(&daemon_);
}
END_TEST

/* --- pools of other users --- */

static const char pools[] = "user = nobody\nkill_grace = 100ms\n"
			    "[pool default]\nprocesses = 1\ntasks = fib\n"
			    "[pool games]\nprocesses = 2\nuser = games\ntasks = sleep noop\n"
			    "[pool nowhere]\nprocesses = 1\nuser = no-such-user\ntasks = none\n";

START_TEST(a_pool_s_workers_are_its_user_s_and_can_be_killed_all_the_same)
{
	pid_t pids[16];
	if (!is_root())
		return;
	start_as(pools, false);
	daemon_again(&daemon_);
	struct taskd *c = daemon_connect(&daemon_);
	unsigned long long id = submit_task(c, "{\"task\":\"sleep\",\"args\":[1000]}");
	wait_for_state(c, id, "running");
	size_t n = daemon_children(&daemon_, "taskd-worker", pids, 16), games = 0;
	for (size_t i = 0; i < n; i++)
		if (ids_are(pids[i], "Uid", GAMES)) {
			games++;
			ck_assert_str_eq(status_of(pids[i], "CapEff"), "0000000000000000");
			kill(pids[i], SIGSTOP); /* it does not hear that it is to stop */
		}
	ck_assert_uint_eq(games, 2);
	ck_assert(daemon_logged(&daemon_, "user = no-such-user"));
	free(ask(c, "task.cancel", "{\"ids\":[\"%llu\"]}", id));
	char *record = record_at_end(c, id);
	ck_assert_str_eq(text_in(record, "state"), "cancelled");
	free(record);
	for (size_t i = 0; i < n; i++)
		kill(pids[i], SIGCONT);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

START_TEST(a_user_that_comes_with_a_reload_waits_for_a_restart)
{
	if (!is_root())
		return;
	start_as(pools, false);
	daemon_again(&daemon_);
	struct taskd *c = daemon_connect(&daemon_);
	/* What is there goes on as who it is; a pool that is new waits. */
	daemon_write_config(&daemon_, "user = nobody\n[pool default]\nprocesses = 1\ntasks = fib\n"
				      "[pool games]\nprocesses = 1\nuser = daemon\nnice = 3\ntasks = sleep noop\n"
				      "[pool new]\nprocesses = 1\nuser = daemon\ntasks = echo\n"
				      "[queue commands]\nas_submitter = yes\n");
	char *text = request(c, "server.reload", "{}");
	ck_assert_msg(strstr(text, "\"needs_restart\":[\"[pool games] user\",\"[queue commands] as_submitter\"") != NULL,
		"%s", text);
	ck_assert_ptr_nonnull(strstr(text, "[pool games] nice"));
	free(text);
	free(ask(c, "task.call", "{\"task\":\"sleep\",\"args\":[0]}"));
	text = output_of(c, "id -un");
	ck_assert_str_eq(text, "nobody");
	free(text);
	ck_assert(daemon_logged(&daemon_, "user = daemon: taskd was not started as root, or not with this in its configuration"));
	ck_assert_uint_eq(daemon_log_count(&daemon_, "worker games/0: cannot start"), 0);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* As any other mistake: nothing is applied, and what works goes on. */
START_TEST(a_reload_that_names_nobody_is_refused_as_a_whole)
{
	pid_t before[16], after[16];
	char wanted[256];
	if (!is_root())
		return;
	start_as("user = nobody\n[pool default]\nprocesses = 1\nuser = games\n", false);
	daemon_again(&daemon_);
	struct taskd *c = daemon_connect(&daemon_);
	size_t n = daemon_children(&daemon_, "taskd-worker", before, 16);
	daemon_write_config(&daemon_, "user = nobody\n[pool default]\nprocesses = 3\nuser = no-such-user\n");
	struct taskd_future *f = taskd_request(c, "server.reload", "{}");
	ck_assert_int_ne(taskd_result(f, PATIENCE_NS), TASKD_OK);
	const char *message = taskd_future_error(f)->message;
	snprintf(wanted, sizeof(wanted), "%s:5: [pool default] user = no-such-user: it is not in /etc/passwd", daemon_.config);
	ck_assert_msg(strstr(message, wanted) != NULL, "%s", message);
	taskd_future_free(f);
	free(ask(c, "task.call", "{\"task\":\"fib\",\"args\":[10]}"));
	ck_assert_uint_eq(daemon_children(&daemon_, "taskd-worker", after, 16), n);
	ck_assert_mem_eq(before, after, n * sizeof(*after));
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}
END_TEST

/* What a test leaves behind in a hurry takes root's descriptors and cores from all that come after it. */
START_TEST(a_daemon_goes_with_its_test_whoever_it_has_become)
{
	int pair[2];
	if (!is_root())
		return;
	ck_assert_int_eq(pipe(pair), 0);
	pid_t test = fork();
	if (test == 0) {
		start_as("user = nobody\n", false);
		daemon_again(&daemon_);
		_exit(write(pair[1], &daemon_, sizeof(daemon_)) != (ssize_t)sizeof(daemon_));
	}
	ck_assert_int_eq(read(pair[0], &daemon_, sizeof(daemon_)), sizeof(daemon_));
	ck_assert_int_eq(waitpid(test, NULL, 0), test);
	struct pollfd end = { .fd = pidfd_open(daemon_.pid, 0), .events = POLLIN }; /* init buries it when it likes */
	ck_assert(end.fd < 0 || poll(&end, 1, (int)(PATIENCE_NS / 1000000)) == 1);
	daemon_.pid = 0;
	daemon_.notify_fd = -1; /* was that process's */
	(void)daemon_stop(&daemon_);
}
END_TEST

/* --- deaths --- */

static bool kill_worker(unsigned random)
{
	pid_t pids[32];
	size_t n = daemon_children(&daemon_, "taskd-worker", pids, 32);
	return n && kill(pids[random % n], SIGKILL) == 0;
}

/* By what its log says: a child that is just being started has its spawner's name for a moment. */
struct mended {
	size_t times;
	pid_t successor; /* the last one */
};

static bool is_mended(void *user)
{
	struct mended *wanted = user;
	char line[256];
	size_t times = 0;
	FILE *log = fopen(daemon_.log, "r");
	ck_assert_ptr_nonnull(log);
	while (fgets(line, sizeof(line), log)) {
		const char *pid = strstr(line, "its successor (pid ");
		times += pid != NULL;
		if (pid)
			wanted->successor = atoi(pid + strlen("its successor (pid "));
	}
	fclose(log);
	return times >= wanted->times;
}

static size_t count_ended(struct taskd *c, const unsigned long long *ids, const char *state)
{
	size_t n = 0;
	for (int i = 0; i < N_TASKS; i++) {
		char *record = record_at_end(c, ids[i]);
		n += strcmp(text_in(record, "state"), state) == 0;
		free(record);
	}
	return n;
}

static void kill_while_tasks_run(void)
{
	static unsigned long long ids[N_TASKS];
	pid_t spawners[2];
	size_t workers = 0;
	unsigned random = 1;
	struct taskd *c = daemon_connect(&daemon_);
	ck_assert_uint_eq(daemon_children(&daemon_, "taskd-spawn", spawners, 2), 2);
	for (int i = 0; i < N_TASKS; i++)
		ids[i] = submit_task(c, "{\"task\":\"sleep\",\"args\":[%s],\"retries\":1000,\"backoff\":0}", i % 10 ? "0" : "0.02");
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct mended mended = { .times = i + 1 };
		random = random * 1103515245u + 12345;
		workers += kill_worker(random >> 16);
		ck_assert_int_eq(kill(spawners[random >> 24 & 1], SIGKILL), 0);
		ck_assert(wait_until(is_mended, &mended));
		spawners[random >> 24 & 1] = mended.successor;
	}
	size_t succeeded = count_ended(c, ids, "succeeded");
	printf("%d spawners and %zu workers were killed under %d tasks, %zu lost\n", ROUNDS, workers, N_TASKS,
		N_TASKS - succeeded);
	ck_assert_uint_eq(succeeded, N_TASKS);
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

START_TEST(nothing_is_lost_while_spawners_and_workers_are_killed)
{
	static const char config[] = "crash_limit = 0\n[pool default]\nprocesses = 3\n";
	daemon_start(&daemon_, config);
	kill_while_tasks_run();
}
END_TEST

START_TEST(nothing_is_lost_while_those_of_other_users_are_killed)
{
	if (!is_root())
		return;
	start_as("user = nobody\ncrash_limit = 0\n[pool default]\nprocesses = 3\nuser = games\n", false);
	daemon_again(&daemon_);
	kill_while_tasks_run();
}
END_TEST

START_TEST(without_any_spawner_it_stops_and_says_so)
{
	pid_t pids[2];
	daemon_start(&daemon_, "drain_timeout = 20s\n[pool default]\nprocesses = 1\n");
	struct taskd *c = daemon_connect(&daemon_);
	unsigned long long id = submit_task(c, "{\"task\":\"sleep\",\"args\":[0.5]}");
	wait_for_state(c, id, "running");
	struct taskd_future *f = taskd_request(c, "task.result", "{\"id\":\"1\",\"timeout\":20}");
	ck_assert_uint_eq(daemon_children(&daemon_, "taskd-spawn", pids, 2), 2);
	kill(daemon_.pid, SIGSTOP); /* it sees both deaths at once */
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	kill(daemon_.pid, SIGCONT);
	/* What runs may end. */
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	taskd_future_free(f);
	int status = daemon_wait(&daemon_);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(daemon_logged(&daemon_, "both of taskd-spawn have died"));
	ck_assert(daemon_logged(&daemon_, "stopped"));
	taskd_close(c);
	daemon_stop(&daemon_);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spawners");
	TCase *tcase = tcase_create("spawners");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, started_as_root_it_is_somebody_else_with_nothing_left, 0, 3);
	tcase_add_test(tcase, a_state_directory_of_another_user_is_an_error_before_it_serves);
	tcase_add_test(tcase, a_user_that_is_not_there_is_an_error);
	tcase_add_test(tcase, a_pool_s_workers_are_its_user_s_and_can_be_killed_all_the_same);
	tcase_add_test(tcase, a_user_that_comes_with_a_reload_waits_for_a_restart);
	tcase_add_test(tcase, a_reload_that_names_nobody_is_refused_as_a_whole);
	tcase_add_test(tcase, a_daemon_goes_with_its_test_whoever_it_has_become);
	tcase_add_test(tcase, nothing_is_lost_while_spawners_and_workers_are_killed);
	tcase_add_test(tcase, nothing_is_lost_while_those_of_other_users_are_killed);
	tcase_add_test(tcase, without_any_spawner_it_stops_and_says_so);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
