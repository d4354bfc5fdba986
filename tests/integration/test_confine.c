/* What workers and commands do without, and whom they run as: see pools in taskd.conf(5). */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"
#include "others.h"

#define DAEMON 1
#define GAMES 5
#define NOBODY 65534
#define STRANGER 4000000001

static struct daemon daemon_;
static struct taskd *c;

static void start(const char *config)
{
	daemon_start_with_plugins(&daemon_, "confined nested", config);
	c = daemon_connect(&daemon_);
}

static void stop(void)
{
	taskd_close(c);
	c = NULL;
	ck_assert_int_eq(daemon_stop(&daemon_), 0);
}

/* Of a task of the plugin's: a text, without its quotes; valid until the next one. */
static const char *call(const char *task, const char *args)
{
	static char text[8300];
	struct taskd_future *f = taskd_submit(c, task, args, NULL);
	enum taskd_error error = taskd_result(f, PATIENCE_NS);
	ck_assert_msg(error == TASKD_OK, "%s %s: %s", task, args, taskd_future_error(f)->message);
	const char *result = taskd_future_result(f, NULL);
	size_t length = strlen(result), quotes = result[0] == '"';
	ck_assert_uint_lt(length, sizeof(text));
	memcpy(text, result + quotes, length - 2 * quotes);
	text[length - 2 * quotes] = '\0';
	taskd_future_free(f);
	return text;
}

static void ck_try(const char *name, const char *wanted)
{
	char args[64];
	snprintf(args, sizeof(args), "[\"%s\"]", name);
	const char *outcome = call("tries", args);
	ck_assert_msg(strcmp(outcome, wanted) == 0, "%s: %s, not %s", name, outcome, wanted);
}

static void ck_status(const char *name, const char *wanted)
{
	char args[64];
	snprintf(args, sizeof(args), "[\"%s\"]", name);
	ck_assert_str_eq(call("status", args), wanted);
}

/* Standard output of a command of WHO's; valid until the next one. */
static const char *output(struct taskd *who, const char *queue, const char *line)
{
	static char text[1024];
	char *result = ask(who, "task.call", "{\"task\":\"exec\",\"queue\":\"%s\",\"args\":{\"shell\":\"%s\",\"merge\":true}}", queue,
		line);
	snprintf(text, sizeof(text), "%s", text_in(result, "stdout"));
	free(result);
	return text;
}

#define STATUS "sed -n 's/^\\\\(NoNewPrivs\\\\|Seccomp\\\\):.//p' /proc/self/status | tr -d '[:space:]'"

/* --- handlers --- */

START_TEST(handlers_do_without_what_no_task_needs)
{
	start("exec_users = nobody\n");
	ck_status("NoNewPrivs", "1");
	ck_status("Seccomp", "2");
	ck_try("mount", "EPERM");
#ifndef __SANITIZE_ADDRESS__
	ck_try("ptrace", "EPERM");
#endif
	ck_try("fork", "OK");
	ck_try("execve", "ENOENT");
	ck_try("internet", "OK");
	stop();
}
END_TEST

START_TEST(strict_is_for_what_only_computes)
{
	start("exec_users = nobody\n[pool default]\nseccomp = strict\nthreads = 2\nprocesses = 2\n");
	ck_try("execve", "EPERM");
	ck_try("execve-at-load", "EPERM");
	ck_try("fork", "EPERM");
	ck_try("internet", "EPERM");
	ck_try("unix", "OK");
	ck_assert_str_eq(call("fib", "[20]"), "6765");
	ck_assert_str_eq(call("nest", "[5]"), "5"); /* handlers that are clients */
	struct taskd_future *f = taskd_submit(c, "sleep", "[0.01]", NULL);
	ck_assert_int_eq(taskd_result(f, PATIENCE_NS), TASKD_OK);
	taskd_future_free(f);
	stop();
}
END_TEST

START_TEST(nothing_is_given_up_where_that_is_said)
{
	start("exec_users = nobody\n[pool default]\nno_new_privs = no\n");
	ck_status("NoNewPrivs", "0");
	ck_status("Seccomp", "0");
	stop();
}
END_TEST

START_TEST(a_reload_replaces_the_workers)
{
	start("exec_users = nobody\n[pool default]\nprocesses = 1\nseccomp = off\n");
	ck_status("Seccomp", "0");
	daemon_reload_with_plugins(&daemon_, c, "confined nested", "exec_users = nobody\n[pool default]\nprocesses = 1\n"
								   "seccomp = strict\n");
	const int64_t end_ns = test_now_ns() + PATIENCE_NS;
	while (strcmp(call("status", "[\"Seccomp\"]"), "2") != 0 && test_now_ns() < end_ns)
		pause_briefly();
	ck_try("fork", "EPERM");
	char *pools = ask(c, "pool.list", "{}");
	ck_assert_str_eq(text_in(pools, "seccomp"), "strict");
	ck_assert_ptr_nonnull(strstr(pools, "\"user\":null,\"as_submitter\":false,\"no_new_privs\":true"));
	free(pools);
	stop();
}
END_TEST

START_TEST(only_the_paths_that_are_named_are_reached)
{
	char args[160];
#ifdef SYS_landlock_create_ruleset
	if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) <= 0)
#endif
	{
		puts("skipped: this kernel has no Landlock");
		return;
	}
	/* The client's library, for the plugin that uses it, is not where the system's are. */
	char config[512], *build = realpath(getenv("top_builddir"), NULL);
	ck_assert_ptr_nonnull(build);
	snprintf(config, sizeof(config),
		"exec_users = nobody\n[pool default]\nread_paths = /proc /etc/hostname %s/.libs\nprivate_directory = yes\n", build);
	free(build);
	start(config);
	snprintf(args, sizeof(args), "[\"%s\"]", daemon_.config);
	ck_assert_str_eq(call("opens", args), "EACCES");
	ck_assert_str_eq(call("opens", "[\"/etc/passwd\"]"), "EACCES");
	ck_assert_str_eq(call("opens", "[\"/etc/hostname\"]"), "OK");
	ck_assert_str_eq(call("opens", "[\"/etc/hostname\", true]"), "EACCES");
	ck_assert_str_eq(call("opens", "[\"/tmp/confined\", true]"), "EACCES");
	ck_assert_str_eq(call("opens", "[\"confined\", true]"), "OK"); /* in its own folder */
	ck_assert_str_eq(call("opens", "[\"/dev/null\", true]"), "OK");
	ck_assert_str_eq(call("opens", "[\"/dev/urandom\"]"), "OK");
	ck_assert_str_eq(call("nest", "[3]"), "3"); /* the socket is reached */
	stop();
}
END_TEST

/* --- private directories --- */

static bool is_there(const char *path)
{
	struct stat about;
	return lstat(path, &about) == 0;
}

START_TEST(a_worker_has_a_directory_for_as_long_as_it_lives)
{
	char first[256], second[256];
	struct stat about;
	start("exec_users = nobody\n[pool default]\nprocesses = 1\nprivate_directory = yes\n");
	snprintf(first, sizeof(first), "%s", call("where", "[]"));
	ck_assert_ptr_nonnull(strstr(first, "/taskd-private-default-0."));
	ck_assert_ptr_null(strchr(first, ' ')); /* TMPDIR is the same */
	ck_assert_int_eq(stat(first, &about), 0);
	ck_assert_uint_eq(about.st_mode & 0777, 0700);
	ck_assert_str_eq(call("opens", "[\"left\", true]"), "OK");

	int pid = atoi(call("pid", "[]"));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	const int64_t end_ns = test_now_ns() + PATIENCE_NS;
	while (atoi(call("pid", "[]")) == pid && test_now_ns() < end_ns)
		pause_briefly();
	snprintf(second, sizeof(second), "%s", call("where", "[]"));
	ck_assert_str_ne(first, second);
	ck_assert(!is_there(first));
	ck_assert(is_there(second));
	stop();
	ck_assert(!is_there(second));
}
END_TEST

/* There is no next worker, who would remove it. Landlock or not: one that can be written nowhere else is as one that was killed. */
static void ck_nothing_is_left(const char *config)
{
	char path[256];
	start(config);
	snprintf(path, sizeof(path), "%s", call("where", "[]"));
	ck_assert_str_eq(call("opens", "[\"left\", true]"), "OK");
	unsigned long long id = submit_task(c, "{\"task\":\"sleep\",\"args\":[1000]}");
	wait_for_state(c, id, "running");
	ck_assert(is_there(path));
	stop();
	ck_assert_msg(!is_there(path), "%s", path);
}

#define QUICK "exec_users = nobody\ndrain_timeout = 0s\nkill_grace = 0s\n[pool default]\n"
#define PRIVATE "processes = 1\nprivate_directory = yes\n"
START_TEST(what_a_killed_worker_has_left_goes_when_taskd_stops)
{
	ck_nothing_is_left(QUICK PRIVATE);
	if (geteuid() == 0)
		ck_nothing_is_left("user = root\n" QUICK "user = games\n" PRIVATE);
}
END_TEST

/* A worker like any other, but that as what removes directories it does nothing, for long. */
static void write_idler(char *path, size_t size)
{
	snprintf(path, size, "/tmp/taskd-test-idler-%d", getpid());
	FILE *script = fopen(path, "we");
	const char *build = getenv("top_builddir");
	ck_assert_ptr_nonnull(script);
	fprintf(script, "#!/bin/sh\n[ \"$2\" = sweep ] && exec sleep 120\nexec %s/taskd-worker \"$@\"\n", build ? build : ".");
	ck_assert_int_eq(fchmod(fileno(script), 0755), 0);
	ck_assert_int_eq(fclose(script), 0);
}

static size_t idlers(void)
{
	pid_t pids[4];
	return daemon_children(&daemon_, "sleep", pids, 4);
}

#define SOON_NS (INT64_C(10) * 1000000000) /* taskd itself waits for longer */

START_TEST(a_second_signal_does_not_wait_for_directories_to_be_removed)
{
	char idler[64], variable[96];
	write_idler(idler, sizeof(idler));
	snprintf(variable, sizeof(variable), "TASKD_WORKER=%s", idler);
	const char *environment[] = { variable, NULL };
	daemon_start_with(&daemon_, QUICK PRIVATE, environment);
	ck_assert_int_eq(kill(daemon_.pid, SIGTERM), 0);
	int64_t end_ns = test_now_ns() + SOON_NS;
	while (idlers() == 0 && test_now_ns() < end_ns)
		pause_briefly();
	ck_assert_uint_eq(idlers(), 1);
	ck_assert_int_eq(kill(daemon_.pid, SIGTERM), 0);
	end_ns = test_now_ns() + SOON_NS;
	while (daemon_log_count(&daemon_, "private directories may be left behind") == 0 && test_now_ns() < end_ns)
		pause_briefly();
	ck_assert_uint_eq(daemon_log_count(&daemon_, "private directories may be left behind"), 1);
	ck_assert_int_eq(daemon_wait(&daemon_), 0);
	unlink(idler);
	daemon_stop(&daemon_);
}
END_TEST

START_TEST(what_a_killed_daemon_has_left_goes_when_the_next_one_starts)
{
	char path[256];
	start("exec_users = nobody\n[pool default]\n" PRIVATE);
	snprintf(path, sizeof(path), "%s", call("where", "[]"));
	ck_assert_str_eq(call("opens", "[\"left\", true]"), "OK");
	int pid = atoi(call("pid", "[]"));
	ck_assert_int_eq(kill(pid, SIGSTOP), 0); /* it does not get round to removing it */
	taskd_close(c);
	daemon_kill(&daemon_);
	const int64_t end_ns = test_now_ns() + PATIENCE_NS;
	while (kill(pid, 0) == 0 && test_now_ns() < end_ns)
		pause_briefly();
	ck_assert(is_there(path));
	daemon_again(&daemon_);
	c = daemon_connect(&daemon_);
	(void)call("where", "[]");
	ck_assert(!is_there(path));
	stop();
}
END_TEST

START_TEST(a_command_has_a_directory_of_its_own)
{
	char first[1024], second[1024];
	start("[pool commands]\nprocesses = 1\nprivate_directory = yes\n");
	snprintf(first, sizeof(first), "%s", output(c, "commands", "touch here; pwd | tr -d '[:space:]'"));
	snprintf(second, sizeof(second), "%s", output(c, "commands", "ls; echo $TMPDIR | tr -d '[:space:]'"));
	ck_assert_ptr_nonnull(strstr(first, "/taskd-private-commands-0."));
	ck_assert_ptr_nonnull(strstr(second, "/taskd-private-commands-0."));
	ck_assert_str_ne(first, second);
	ck_assert(second[0] == '/'); /* nothing of the first one's was there */
	ck_assert(!is_there(first) && !is_there(second));
	stop();
	*strrchr(first, '/') = '\0';
	ck_assert(!is_there(first));
}
END_TEST

/* --- commands --- */

START_TEST(commands_do_without_nothing_unless_that_is_said)
{
	start("[pool commands]\nprocesses = 1\n[pool tied]\nprocesses = 1\ncommands = yes\nseccomp = default\n");
	ck_assert_str_eq(output(c, "commands", STATUS), "00");
	ck_assert_str_eq(output(c, "tied", STATUS), "12");
	ck_assert_str_eq(output(c, "tied", "unshare --user true 2>&1 | grep -c 'not permitted' | tr -d '[:space:]'"), "1");
	stop();
}
END_TEST

/* --- as who submitted them --- */

#define OTHERS \
	OTHERS_CONFIG "kill_grace = 100ms\nexec_users = *\n[access all]\nusers = *\n[pool commands]\nprocesses = 2\nuser = nobody\n" \
		      "[queue mine]\npool = commands\nas_submitter = yes\n"

/* "5 5 60 60 60" and what `id -G` says of that user. */
static const char *ids_of(const char *user)
{
	static char text[256];
	char command[128];
	snprintf(command, sizeof(command), "echo $(id -u %s) $(id -g %s) $(id -G %s)", user, user, user);
	FILE *file = popen(command, "re");
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	pclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text;
}
#define IDS "echo $(id -u) $(id -g) $(id -G) | tr -d '\\\\n'"

START_TEST(a_command_is_its_submitter)
{
	start(OTHERS);
	others_let_in(&daemon_);
	struct taskd *games = daemon_connect_as(&daemon_, GAMES, 60, (gid_t)-1);
	struct taskd *other = daemon_connect_as(&daemon_, DAEMON, DAEMON, 4242);
	ck_assert_str_eq(output(games, "mine", IDS), ids_of("games"));
	ck_assert_str_eq(output(other, "mine", IDS), ids_of("daemon")); /* its own groups, and none that the client had */
	ck_assert_str_eq(output(games, "mine", "echo $USER $HOME | tr -d '[:space:]'"), "games/usr/games");
	/* In its pool's other queue, and of root. */
	ck_assert_str_eq(output(games, "commands", IDS), ids_of("nobody"));
	ck_assert_str_eq(output(c, "commands", IDS), ids_of("nobody"));
	ck_assert_str_eq(output(c, "mine", "id -u | tr -d '[:space:]'"), "0");
	taskd_close(games);
	taskd_close(other);
	stop();
}
END_TEST

START_TEST(what_the_submitter_may_not_read_his_command_does_not)
{
	char file[160];
	struct stat about;
	start(OTHERS);
	others_let_in(&daemon_);
	snprintf(file, sizeof(file), "%s/roots", daemon_.folder);
	FILE *made = fopen(file, "we");
	ck_assert_ptr_nonnull(made);
	fputs("secret", made);
	fclose(made);
	ck_assert_int_eq(chmod(file, 0600), 0);
	struct taskd *games = daemon_connect_as(&daemon_, GAMES, 60, (gid_t)-1);
	char line[256];
	snprintf(line, sizeof(line), "cat %s 2>/dev/null || printf denied", file);
	ck_assert_str_eq(output(games, "mine", line), "denied");
	ck_assert_str_eq(output(c, "mine", line), "secret");
	ck_assert_str_eq(refusal(games, "task.call", "{\"task\":\"exec\",\"queue\":\"mine\",\"args\":{\"argv\":[\"cat\"],"
						     "\"stdin_file\":\"%s\"}}",
				 file),
		"not_started");
	ck_assert_str_eq(refusal(games, "task.call", "{\"task\":\"exec\",\"queue\":\"mine\",\"args\":{\"argv\":[\"true\"],"
						     "\"cwd\":\"/root\"}}"),
		stat("/root", &about) == 0 && (about.st_mode & 1) ? "" : "not_started");
	ck_assert_str_eq(output(games, "mine", "kill -9 $PPID 2>/dev/null || printf denied"), "denied");
	taskd_close(games);
	stop();
}
END_TEST

START_TEST(who_has_no_entry_runs_nothing)
{
	start(OTHERS);
	others_let_in(&daemon_);
	struct taskd *stranger = daemon_connect_as(&daemon_, STRANGER, STRANGER, (gid_t)-1);
	ck_assert_str_eq(
		refusal(stranger, "task.call", "{\"task\":\"exec\",\"queue\":\"mine\",\"args\":{\"argv\":[\"id\"]}}"), "not_started");
	ck_assert_str_eq(output(stranger, "commands", IDS), ids_of("nobody"));
	taskd_close(stranger);
	stop();
}
END_TEST

/* What `taskd --check` says of it where PREFIX runs it; valid until the next one. */
static const char *check(const char *prefix, const char *config)
{
	static char said[2048];
	char command[512];
	daemon_write_config(&daemon_, config);
	snprintf(command, sizeof(command), "%s %s/taskd --check -c %s 2>&1", prefix, getenv("top_builddir"), daemon_.config);
	FILE *file = popen(command, "re");
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	ck_assert_int_eq(pclose(file), 0);
	return said;
}

static void ck_said(const char *said, const char *kind, int line, const char *what)
{
	char wanted[512];
	snprintf(wanted, sizeof(wanted), "%s: %s:%d: %s", kind, daemon_.config, line, what);
	ck_assert_msg(strstr(said, wanted) != NULL, "\"%s\", not \"%s\"", said, wanted);
}

static void ck_warned(const char *said, int line, const char *what)
{
	ck_said(said, "warning", line, what);
}

START_TEST(a_check_tells_where_a_pool_does_not_start)
{
	start("");
	others_let_in(&daemon_);
	ck_assert_int_eq(chmod(daemon_.config, 0644), 0);
	const char *said = check("", "[pool a]\nuser = nosuch\n[pool commands]\nuser = games\n[queue commands]\nas_submitter = yes\n");
	ck_warned(said, 3, "[pool a] user = nosuch: it is not in /etc/passwd");
	ck_assert_ptr_null(strstr(said, "[pool commands]"));
	said = check("", "user = root\nexec_users = member\n[access a]\nusers = @nosuch games\n"
			 "[queue commands]\nas_submitter = yes\n[queue other]\npool = commands\n");
	ck_warned(said, 3, "exec_users: there is no user member");
	ck_warned(said, 5, "[access a]: there is no group nosuch");
	ck_assert_ptr_null(strstr(said, "games"));
	ck_warned(said, 7, "[pool commands] has no user, and taskd stays root");
	said = check("setpriv --reuid=5 --clear-groups", "[pool a]\nuser = games\n[queue commands]\nas_submitter = yes\n");
	ck_warned(said, 3, "[pool a] user = games: it starts only where root starts taskd");
	ck_warned(said, 5, "[pool commands] runs commands as who submits them (as_submitter): it starts");
	said = check("!", "user = nosuch\n");
	ck_said(said, "error", 2, "[taskd] user = nosuch: it is not in /etc/passwd");
	said = check("!", "[pool a]\nno_new_privs = no\nseccomp = strict\n");
	ck_said(said, "error", 3, "no_new_privs: it cannot be no where seccomp says something (line 4)");
	stop();
}
END_TEST

START_TEST(it_is_cancelled_as_any_other)
{
	start(OTHERS);
	others_let_in(&daemon_);
	struct taskd *games = daemon_connect_as(&daemon_, GAMES, 60, (gid_t)-1);
	unsigned long long id = submit_task(games, "{\"task\":\"exec\",\"queue\":\"mine\",\"args\":{\"shell\":\"setsid sleep 1000 & "
						   "trap '' TERM; while :; do sleep 1000; done\"}}");
	wait_for_state(games, id, "running");
	free(ask(games, "task.cancel", "{\"ids\":[\"%llu\"]}", id));
	char *record = record_at_end(games, id);
	ck_assert_str_eq(text_in(record, "state"), "cancelled");
	free(record);
	ck_assert_str_eq(output(games, "mine", "printf next"), "next");
	taskd_close(games);
	stop();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("confine");
	TCase *all = tcase_create("all"), *others = tcase_create("others");
	tcase_set_timeout(all, 120);
	tcase_set_timeout(others, 120);
	tcase_add_test(all, handlers_do_without_what_no_task_needs);
	tcase_add_test(all, strict_is_for_what_only_computes);
	tcase_add_test(all, nothing_is_given_up_where_that_is_said);
	tcase_add_test(all, a_reload_replaces_the_workers);
	tcase_add_test(all, only_the_paths_that_are_named_are_reached);
	tcase_add_test(all, a_worker_has_a_directory_for_as_long_as_it_lives);
	tcase_add_test(all, what_a_killed_worker_has_left_goes_when_taskd_stops);
	tcase_add_test(all, a_second_signal_does_not_wait_for_directories_to_be_removed);
	tcase_add_test(all, what_a_killed_daemon_has_left_goes_when_the_next_one_starts);
	tcase_add_test(all, a_command_has_a_directory_of_its_own);
	tcase_add_test(all, commands_do_without_nothing_unless_that_is_said);
	tcase_add_test(others, a_command_is_its_submitter);
	tcase_add_test(others, what_the_submitter_may_not_read_his_command_does_not);
	tcase_add_test(others, who_has_no_entry_runs_nothing);
	tcase_add_test(others, a_check_tells_where_a_pool_does_not_start);
	tcase_add_test(others, it_is_cancelled_as_any_other);
	suite_add_tcase(suite, all);
	if (others_possible())
		suite_add_tcase(suite, others);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
