/* Whom commands run as, what they give up, and the folders that are their own. To be others takes root. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "command_world.h"

#define DAEMON 1 /* of Debian's users; `games` has a group of another number */
#define GAMES 5
#define NOBODY 65534
#define STRANGER 4000000001 /* has no entry anywhere */

static char folder[64];
static char *directory;

static bool is_root(void)
{
	return geteuid() == 0;
}

static void open_as_submitter(int64_t user)
{
	world_open(&(struct command_setting){ .as_submitter = true, .user = user });
}

static void run_as(uint32_t uid)
{
	world_run_as(uid);
}

static void ck_shell(const char *line, const char *more, const char *wanted)
{
	world_send_shell(line, more);
	world_ck_result(world_receive(), 0, "", "stdout", wanted);
}

static void ck_refused(const char *args, const char *message, const char *member, const char *text)
{
	world_ck_result(world_run(args), LANE_FLAG_NOT_STARTED, message, member, text);
}

/* --- who --- */

/* Debian's users have one group each: so /etc/group is another one, for this test's process and what it starts. */
static bool put_group_file(void)
{
	char *path = xasprintf("%s/group", folder);
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs("root:x:0:\ngames:x:60:\nplayers:x:4242:daemon,games\nothers:x:4343:daemon\n", file);
	ck_assert_int_eq(fclose(file), 0);
	bool good = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount(path, "/etc/group", NULL, MS_BIND, NULL) == 0;
	free(path);
	if (!good)
		puts("skipped: groups beside the first one, since nothing can be mounted here");
	return good;
}

START_TEST(it_is_its_submitter_with_his_groups)
{
	if (!is_root())
		return;
	bool two = put_group_file();
	open_as_submitter(NOBODY);
	run_as(GAMES);
	ck_shell("echo $(id -u) $(id -ru) $(id -g) $(id -rg); id -G", "", two ? "5 5 60 60\n60 4242\n" : "5 5 60 60\n60\n");
	ck_shell("grep -c 'Cap[EPIA][a-z]*:.0*$' /proc/self/status", "", "4\n");
	run_as(DAEMON);
	ck_shell("id -u; id -G", "", two ? "1\n1 4242 4343\n" : "1\n1\n");
	run_as(0);
	ck_shell("id -u; id -G", "", "0\n0\n");
	run_as(LANE_RUN_AS_POOL);
	ck_shell("id -u; id -G", "", "65534\n65534\n");
	world_close();
}
END_TEST

START_TEST(who_is_not_in_etc_passwd_runs_nothing)
{
	if (!is_root())
		return;
	open_as_submitter(NOBODY);
	run_as(STRANGER);
	ck_refused("[[\"true\"]]",
		"cannot become the user \"uid 4000000001\": No such file or directory; /etc/passwd has none of that number, or its "
		"groups cannot be told",
		"user", "uid 4000000001");
	run_as(UINT32_MAX - 1);
	ck_refused("{\"argv\":[\"true\"]}",
		"cannot become the user \"uid 4294967294\": No such file or directory; /etc/passwd has none of that number, or its "
		"groups cannot be told",
		"step", "become the user");
	world_close();
}
END_TEST

START_TEST(nobody_is_root_by_default)
{
	if (!is_root())
		return;
	open_as_submitter(-1);
	ck_refused("[[\"true\"]]",
		"cannot become the user \"root\": Operation not permitted; its pool names no user, and root is none by default",
		"errno", "EPERM");
	world_close();
}
END_TEST

START_TEST(a_worker_that_is_somebody_else_runs_nothing_of_others)
{
	world_open(NULL);
	run_as(geteuid() + 1);
	struct world_end end = world_run("[[\"true\"]]");
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_NOT_STARTED);
	ck_assert_ptr_nonnull(strstr(end.reply.message, "its worker may not"));
	world_end_free(&end);
	run_as(geteuid());
	ck_shell("echo own", "", "own\n");
	world_close();
}
END_TEST

START_TEST(its_environment_is_its_own)
{
	if (!is_root())
		return;
	setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
	setenv("LANG", "C.UTF-8", 1);
	open_as_submitter(NOBODY);
	run_as(GAMES);
	ck_shell("echo $HOME $USER $LOGNAME $SHELL \"$XDG_RUNTIME_DIR\" $LANG", "",
		"/usr/games games games /usr/sbin/nologin  C.UTF-8\n");
	ck_shell("echo $HOME $USER", ",\"env\":{\"HOME\":\"/srv\"}", "/srv games\n");
	world_close();
}
END_TEST

/* --- with whose rights --- */

static char *make_file(const char *name, mode_t mode)
{
	char *path = xasprintf("%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "#!/bin/sh\necho ran\n", 19), 19);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static char *args_of(const char *before, const char *path, const char *after)
{
	return xasprintf("{\"argv\":[%s%s%s}", before, path, after);
}

START_TEST(what_is_roots_is_not_opened_for_it)
{
	if (!is_root())
		return;
	char *file = make_file("file", 0600), *open_file = make_file("open", 0644), *program = make_file("program", 0700);
	char *closed = xasprintf("%s/closed", folder), *message, *args;
	ck_assert_int_eq(mkdir(closed, 0700), 0);
	open_as_submitter(NOBODY);
	run_as(GAMES);

	args = args_of("\"cat\"],\"stdin_file\":\"", file, "\"");
	message = xasprintf("cannot open the file for standard input \"%s\": Permission denied", file);
	ck_refused(args, message, "errno", "EACCES");
	free(args);
	free(message);
	args = args_of("\"cat\"],\"stdin_file\":\"", open_file, "\"");
	world_ck_result(world_run(args), 0, "", "stdout", "#!/bin/sh\necho ran\n");
	free(args);
	args = args_of("\"true\"],\"cwd\":\"", closed, "\"");
	message = xasprintf("cannot change to the directory \"%s\": Permission denied", closed);
	ck_refused(args, message, "errno", "EACCES");
	free(args);
	free(message);
	/* Nor does it tell what is there. */
	args = args_of("\"", closed, "/nosuch\"]");
	message = xasprintf("cannot execute \"%s/nosuch\": Permission denied", closed);
	ck_refused(args, message, "errno", "EACCES");
	free(args);
	free(message);
	args = args_of("\"", program, "\"]");
	message = xasprintf("cannot execute \"%s\": Permission denied", program);
	ck_refused(args, message, "errno", "EACCES");
	free(args);
	free(message);
	world_close();
	free(closed);
	free(file);
	free(open_file);
	free(program);
}
END_TEST

/* A pipe has an owner, too: /dev/stderr opens it anew. */
START_TEST(what_it_writes_to_is_its_own)
{
	if (!is_root())
		return;
	open_as_submitter(NOBODY);
	run_as(GAMES);
	ck_shell("echo out >/dev/stdout", "", "out\n");
	ck_shell("cat /dev/stdin", ",\"stdin\":\"in\"", "in");
	ck_shell("stat -c %u $(tty)", ",\"tty\":true", "5\r\n");
	world_close();
}
END_TEST

START_TEST(its_log_belongs_to_whom_the_folder_does)
{
	struct stat about;
	if (!is_root())
		return;
	ck_assert_int_eq(chown(folder, NOBODY, NOBODY), 0);
	world_open(&(struct command_setting){ .as_submitter = true, .user = NOBODY, .log_dir = folder });
	run_as(GAMES);
	ck_shell("echo out", "", "out\n");
	char *log = xasprintf("%s/17.1.stdout", folder);
	ck_assert_int_eq(stat(log, &about), 0);
	ck_assert_uint_eq(about.st_uid, NOBODY);
	ck_assert_int_eq(about.st_size, 4);
	world_close();
	free(log);
}
END_TEST

START_TEST(it_is_stopped_and_killed_as_any_other)
{
	if (!is_root())
		return;
	open_as_submitter(NOBODY);
	run_as(GAMES);
	world_send_shell("trap '' TERM; setsid sleep 1000 & echo here; sleep 1000; sleep 1000", "");
	world_hear("here");
	inbox_put(world_inbox(), world_message(INBOX_SUSPEND, 1));
	ck_assert_str_eq(world_answer(1), "done");
	/* 'D': a shell that was about to start something stands still, too, as long as what it starts does. */
	WORLD_UNTIL(world_state(world_pid()) == 'T' || world_state(world_pid()) == 'D');
	inbox_put(world_inbox(), world_message(INBOX_RESUME, 2));
	ck_assert_str_eq(world_answer(2), "done");
	inbox_put(world_inbox(), world_message(INBOX_TERM, 3));
	ck_assert_str_eq(world_answer(3), "done");
	world_order(INBOX_KILL);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED | LANE_FLAG_KILLED, "killed by SIGKILL", NULL, NULL);
	world_close();
}
END_TEST

/* --- what it does without --- */

#define STATUS "awk '/^(NoNewPrivs|Seccomp):/ { print $2 }' /proc/self/status"

START_TEST(it_gives_up_what_its_pool_does_without)
{
	world_open(&(struct command_setting){ .confine = { .calls = CONFINE_CALLS_DEFAULT } });
	ck_shell(STATUS, "", "1\n2\n");
	ck_shell("unshare --user true 2>/dev/null || echo denied", "", "denied\n");
	world_close();
}
END_TEST

START_TEST(it_gives_up_nothing_where_nothing_is_said)
{
	world_open(NULL);
	ck_shell(STATUS, "", "0\n0\n");
	world_close();
}
END_TEST

START_TEST(it_can_do_without_new_privileges_alone)
{
	world_open(&(struct command_setting){ .confine = { .no_new_privs = true } });
	ck_shell(STATUS, "", "1\n0\n");
	world_close();
}
END_TEST

START_TEST(it_does_without_as_another_user_too)
{
	if (!is_root())
		return;
	world_open(&(struct command_setting){ .as_submitter = true, .user = NOBODY, .confine = { .calls = CONFINE_CALLS_DEFAULT } });
	run_as(GAMES);
	ck_shell("id -u; " STATUS, "", "5\n1\n2\n");
	world_close();
}
END_TEST

/* Nor is a file opened for it that it may not open. */
START_TEST(it_reaches_only_the_paths_that_are_named)
{
#ifdef SYS_landlock_create_ruleset
	if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u) <= 0) {
		puts("skipped: this kernel has no Landlock");
		return;
	}
	char *file = make_file("file", 0644);
	world_open(&(struct command_setting){
		.confine = { .read_paths = (char *)(uintptr_t)"/usr /bin /lib /lib64 /etc/ld.so.cache" } });
	char *line = xasprintf("cat %s >/dev/null 2>&1 || echo denied; (echo more >%s/new) 2>/dev/null || echo denied; echo ok", file,
		folder);
	ck_shell(line, "", "denied\ndenied\nok\n");
	free(line);
	char *args = args_of("\"cat\"],\"stdin_file\":\"", file, "\"");
	struct world_end end = world_run(args);
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_NOT_STARTED);
	ck_assert_ptr_nonnull(strstr(end.reply.message, "cannot open the file for standard input"));
	world_end_free(&end);
	free(args);
	world_ck_result(world_run("{\"argv\":[\"head\",\"-c\",\"4\"],\"stdin_file\":\"/usr/bin/head\"}"), 0, "", "status", "0");
	world_close();
	free(file);
#endif
}
END_TEST

/* --- folders --- */

START_TEST(each_has_a_folder_of_its_own)
{
	directory = confine_directory("commands/0", true);
	world_open(&(struct command_setting){ .directory = directory });
	char *wanted = xasprintf("%s/17.1\n%s/17.1\n", directory, directory);
	ck_shell("pwd; echo $TMPDIR; mkdir left; touch left/file; chmod 0 left", "", wanted);
	ck_shell("pwd", ",\"cwd\":\"/\"", "/\n");
	struct world_end end;
	world_send("[{\"shell\":\"touch here; ls\"},{\"shell\":\"touch there; ls\"}]", 2);
	end = world_receive();
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(end.data, 1), "stdout")), "there\n");
	world_end_free(&end);
	free(wanted);
	wanted = xasprintf("%s/17.1", directory);
	ck_assert_int_eq(access(wanted, F_OK), -1);
	free(wanted);
	world_close();
	confine_directory_remove(directory);
}
END_TEST

START_TEST(its_folder_is_nobody_elses)
{
	if (!is_root())
		return;
	directory = confine_directory("commands/0", true);
	world_open(&(struct command_setting){ .as_submitter = true, .user = NOBODY, .directory = directory });
	run_as(GAMES);
	ck_shell("stat -c '%u %g %a' .; touch file; ls", "", "5 60 700\nfile\n");
	world_close();
	char *left = xasprintf("%s/17.1", directory);
	ck_assert_int_eq(access(left, F_OK), -1);
	free(left);
	confine_directory_remove(directory);
}
END_TEST

/* --- */

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/rights-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0711), 0);
	ck_assert_int_eq(setenv("TMPDIR", folder, 1), 0);
}

static void tear_down(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	(void)!system(command);
	free(directory);
}

int main(void)
{
	Suite *suite = suite_create("command_rights");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, it_is_its_submitter_with_his_groups);
	tcase_add_test(tcase, who_is_not_in_etc_passwd_runs_nothing);
	tcase_add_test(tcase, nobody_is_root_by_default);
	tcase_add_test(tcase, a_worker_that_is_somebody_else_runs_nothing_of_others);
	tcase_add_test(tcase, its_environment_is_its_own);
	tcase_add_test(tcase, what_is_roots_is_not_opened_for_it);
	tcase_add_test(tcase, what_it_writes_to_is_its_own);
	tcase_add_test(tcase, its_log_belongs_to_whom_the_folder_does);
	tcase_add_test(tcase, it_is_stopped_and_killed_as_any_other);
	tcase_add_test(tcase, it_gives_up_what_its_pool_does_without);
	tcase_add_test(tcase, it_gives_up_nothing_where_nothing_is_said);
	tcase_add_test(tcase, it_can_do_without_new_privileges_alone);
	tcase_add_test(tcase, it_does_without_as_another_user_too);
	tcase_add_test(tcase, it_reaches_only_the_paths_that_are_named);
	tcase_add_test(tcase, each_has_a_folder_of_its_own);
	tcase_add_test(tcase, its_folder_is_nobody_elses);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
