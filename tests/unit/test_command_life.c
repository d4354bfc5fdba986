/* Commands in a slot: how they run, and how they end. After each of these nothing of a command is left, neither a
 * process nor a descriptor: world_close sees to it. */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command_world.h"
#include "proto/strbuf.h"

#define NOBODY 65534

static void open_plain(void)
{
	world_open(NULL);
}

/* Nobody is hurried: for what must come about by itself. */
static void open_patient(void)
{
	world_open(&(struct command_setting){ .linger_ns = INT64_C(60000000000), .last_ns = INT64_C(60000000000) });
}

/* What is left is hurried at once, and has a minute for its end then. */
static void open_terse(void)
{
	world_open(&(struct command_setting){ .linger_ns = 1, .last_ns = INT64_C(60000000000) });
}

/* --- by itself --- */

START_TEST(it_gives_back_what_it_said_and_its_status)
{
	struct world_end end = world_run("{\"argv\":[\"sh\",\"-c\",\"echo out; echo err >&2\"]}");
	ck_assert_str_eq(json_string_value(json_object_get(end.data, "stderr")), "err\n");
	ck_assert_int_gt(json_integer_value(json_object_get(end.data, "pid")), 0);
	ck_assert(json_is_object(json_object_get(end.data, "rusage")));
	world_ck_result(end, 0, "", "stdout", "out\n");
	world_ck_result(world_run("[[\"true\"]]"), 0, "", "status", "0");
	world_ck_result(world_run("{\"shell\":\"exit 3\"}"), LANE_FLAG_COMMAND, "exit status 3", "status", "3");
	world_ck_result(world_run("{\"shell\":\"exit 3\",\"success\":[0,3]}"), 0, "", "status", "3");
	world_ck_result(world_run("{\"shell\":\"kill -USR1 $$\"}"), LANE_FLAG_COMMAND | LANE_FLAG_KILLED,
		"killed by SIGUSR1", "signal", "SIGUSR1");
}
END_TEST

START_TEST(it_does_not_start)
{
	static const struct {
		const char *args, *message, *errno_name;
	} cases[] = {
		{ "{\"argv\":[\"taskd-nosuch\"]}", "cannot execute \"taskd-nosuch\": No such file or directory",
			"ENOENT" },
		{ "{\"argv\":[\"/nosuch/it\"]}", "cannot execute \"/nosuch/it\": No such file or directory", "ENOENT" },
		{ "{\"argv\":[\"/etc/passwd\"]}", "cannot execute \"/etc/passwd\": Permission denied", "EACCES" },
		{ "{\"argv\":[\"/tmp\"]}", "cannot execute \"/tmp\": Permission denied", "EACCES" },
		{ "{\"argv\":[\"true\"],\"cwd\":\"/nosuch\"}",
			"cannot change to the directory \"/nosuch\": No such file or directory", "ENOENT" },
		{ "{\"argv\":[\"true\"],\"cwd\":\"/etc/passwd\"}",
			"cannot change to the directory \"/etc/passwd\": Not a directory", "ENOTDIR" },
		{ "{\"argv\":[\"true\"],\"stdin_file\":\"/nosuch\"}",
			"cannot open the file for standard input \"/nosuch\": No such file or directory", "ENOENT" },
	};
	struct world_end end = world_run(cases[_i].args);
	ck_assert_ptr_nonnull(json_object_get(end.data, "step"));
	ck_assert_ptr_nonnull(json_object_get(end.data, "program"));
	world_ck_result(end, LANE_FLAG_NOT_STARTED, cases[_i].message, "errno", cases[_i].errno_name);
	world_ck_result(world_run("[[\"true\"]]"), 0, "", "status", "0");
}
END_TEST

START_TEST(arguments_beyond_the_kernels_limit_are_an_error_at_once)
{
	/* A quarter of the stack's limit is what it takes, which is less than what is refused before. */
	struct rlimit stack;
	ck_assert_int_eq(getrlimit(RLIMIT_STACK, &stack), 0);
	stack.rlim_cur = 8 << 20;
	ck_assert_int_eq(setrlimit(RLIMIT_STACK, &stack), 0);
	struct strbuf args = STRBUF_INIT;
	char *long_one = malloc(120001);
	memset(long_one, 'x', 120000);
	long_one[120000] = '\0';
	strbuf_puts(&args, "[[\"true\"");
	for (int i = 0; i < 28; i++)
		strbuf_printf(&args, ",\"%s\"", long_one);
	strbuf_puts(&args, "]]");
	world_ck_result(world_run(args.data), LANE_FLAG_NOT_STARTED, "cannot execute \"true\": Argument list too long",
		"errno", "E2BIG");
	strbuf_free(&args);
	free(long_one);
}
END_TEST

START_TEST(what_has_no_interpreter_says_so)
{
	char path[] = "/tmp/taskd-script-XXXXXX", args[128];
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, "#!/nosuch/sh\n", 13), 13);
	fchmod(fd, 0755);
	close(fd);
	snprintf(args, sizeof(args), "[[\"%s\"]]", path);
	struct world_end end = world_run(args);
	ck_assert_ptr_nonnull(strstr(end.reply.message, "its first line"));
	world_end_free(&end);
	ck_assert_int_eq(truncate(path, 0), 0);
	end = world_run(args);
	ck_assert_ptr_nonnull(strstr(end.reply.message, "Exec format error"));
	world_end_free(&end);
	unlink(path);
}
END_TEST

START_TEST(arguments_that_make_no_sense_are_refused)
{
	static const char *const cases[] = { "{\"argv\":[\"true\"],\"shell\":\"true\"}", "{}", "[]", "{\"argv\":[]}",
		"{\"argv\":[\"\"]}", "{\"argv\":[\"a\\u0000b\"]}", "{\"argv\":[\"true\"],\"env\":{\"A=B\":\"c\"}}" };
	struct world_end end = world_run(cases[_i]);
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_BAD_ARGS);
	ck_assert_str_ne(end.reply.message, "");
	world_end_free(&end);
}
END_TEST

START_TEST(a_thousand_leave_no_trace)
{
	world_ck_result(world_run("[[\"true\"]]"), 0, "", NULL, NULL);
	size_t before = world_descriptors();
	for (int i = 0; i < 1000; i++)
		world_ck_result(i % 10 ? world_run("[[\"true\"]]") : world_run("[[\"nosuch\"]]"),
			i % 10 ? 0 : LANE_FLAG_NOT_STARTED,
			i % 10 ? "" : "cannot execute \"nosuch\": No such file or directory", NULL, NULL);
	ck_assert_uint_eq(world_descriptors(), before);
	ck_assert(tree_is_empty());
}
END_TEST

/* --- what it leaves behind --- */

/* Twice forked, in a session of its own, with the pipes in its hands. */
START_TEST(a_grandchild_that_holds_the_pipe_neither_hangs_the_task_nor_survives_it)
{
	world_send_shell("(setsid sh -c 'sleep 1000 & sleep 1000' &) ; sleep 1000 & echo $!", "");
	int pid = world_number();
	world_ck_result(world_receive(), 0, "", "status", "0");
	ck_assert_int_eq(world_state(pid), 0);
	ck_assert_uint_eq(tree_signal(0), 0);
}
END_TEST

START_TEST(a_grandchild_that_ignores_term_is_killed)
{
	world_send_shell("sh -c 'trap \"\" TERM; echo here; while :; do sleep 1000; done' & read x; exit 0",
		",\"stdin_live\":true");
	world_hear("here");
	struct inbox_message *message = world_message(INBOX_SEND, 0);
	message->eof = true;
	inbox_put(world_inbox(), message);
	world_ck_result(world_receive(), 0, "", "status", "0");
	ck_assert_uint_eq(tree_signal(0), 0);
}
END_TEST

START_TEST(what_ends_by_itself_is_heard_to_its_end)
{
	world_send_shell("(sleep 0.3; echo last) & exit 0", "");
	world_ck_result(world_receive(), 0, "", "stdout", "last\n");
}
END_TEST

START_TEST(what_is_left_is_told_before_it_is_killed)
{
	world_send_shell(
		"sh -c 'trap \"echo told; exit\" TERM; echo here; while :; do sleep 0.1 & wait; done' & read x; exit 0",
		",\"stdin_live\":true");
	world_hear("here");
	struct inbox_message *message = world_message(INBOX_SEND, 0);
	message->eof = true;
	inbox_put(world_inbox(), message);
	world_ck_result(world_receive(), 0, "", "stdout", "here\ntold\n");
}
END_TEST

START_TEST(orphans_that_end_are_collected_while_it_runs)
{
	world_send_shell("(sleep 0.01 & echo $!); read x; exit 0", ",\"stdin_live\":true");
	int pid = world_number();
	WORLD_UNTIL(world_state(pid) == 0)
	world_order(INBOX_KILL);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED | LANE_FLAG_KILLED, "killed by SIGKILL", NULL, NULL);
}
END_TEST

/* What this program is when it is called by that name: its child traces it, and does not ask how it ended. */
static void be_traced(void)
{
	int ready[2];
	char byte;
	if (pipe(ready) < 0)
		_exit(EXIT_FAILURE);
	if (fork() == 0) {
		if (ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0 && write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(EXIT_FAILURE);
	}
	close(ready[1]);
	/* Not exit: a leak checker does not like to be traced. */
	_exit(read(ready[0], &byte, 1) == 1 ? 7 : EXIT_FAILURE);
}

START_TEST(one_that_is_traced_has_its_status_all_the_same)
{
	world_ck_result(world_run("[[\"/proc/self/exe\",\"be-traced\"]]"), LANE_FLAG_COMMAND, "exit status 7", "status", "7");
}
END_TEST

START_TEST(one_that_closes_its_outputs_lives_on)
{
	world_send_shell("echo closing; exec >&- 2>&-; read x; exit 4", ",\"stdin_live\":true");
	world_hear("closing");
	struct inbox_message *message = world_message(INBOX_SEND, 5);
	message->data = strdup("x\n");
	message->length = 2;
	inbox_put(world_inbox(), message);
	ck_assert_str_eq(world_answer(5), "done");
	world_ck_result(world_receive(), LANE_FLAG_COMMAND, "exit status 4", "stdout", "closing\n");
}
END_TEST

/* --- told to --- */

START_TEST(told_to_stop_it_is_cancelled_whatever_its_status)
{
	world_send_shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do :; done", "");
	world_hear("ready");
	world_order(INBOX_TERM);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED, "exit status 0", "stdout", "ready\nbye\n");
}
END_TEST

START_TEST(one_that_ignores_term_is_killed_with_its_tree)
{
	world_send_shell("trap '' TERM; (setsid sleep 1000 &); echo ready; while :; do sleep 1000; done", "");
	world_hear("ready");
	inbox_put(world_inbox(), world_message(INBOX_TERM, 8));
	ck_assert_str_eq(world_answer(8), "done");
	ck_assert_int_ne(world_state(world_pid()), 0);
	world_order(INBOX_KILL);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED | LANE_FLAG_KILLED, "killed by SIGKILL", "signal", "SIGKILL");
}
END_TEST

START_TEST(suspended_it_stands_still_and_goes_on)
{
	world_send_shell("sleep 1000 & echo $!; wait", "");
	int grandchild = world_number(), pid = world_pid();
	inbox_put(world_inbox(), world_message(INBOX_SUSPEND, 1));
	ck_assert_str_eq(world_answer(1), "done");
	ck_assert(world_is_suspended());
	WORLD_UNTIL(world_state(pid) == 'T' && world_state(grandchild) == 'T')
	inbox_put(world_inbox(), world_message(INBOX_RESUME, 2));
	ck_assert_str_eq(world_answer(2), "done");
	ck_assert(!world_is_suspended());
	WORLD_UNTIL(world_state(pid) != 'T' && world_state(grandchild) != 'T')
	/* And what stands still ends all the same. */
	inbox_put(world_inbox(), world_message(INBOX_SUSPEND, 3));
	ck_assert_str_eq(world_answer(3), "done");
	world_order(INBOX_TERM);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED, "killed by SIGTERM", "signal", "SIGTERM");
}
END_TEST

START_TEST(signals_go_to_its_group)
{
	world_send_shell(
		"trap 'echo got; exit 5' INT; sh -c 'trap \"echo child; exit\" INT; echo ready; read x <&3' 3<&0; wait",
		",\"stdin_live\":true");
	world_hear("ready");
	struct inbox_message *message = world_message(INBOX_SIGNAL, 3);
	message->signal = SIGINT;
	inbox_put(world_inbox(), message);
	ck_assert_str_eq(world_answer(3), "done");
	world_ck_result(world_receive(), LANE_FLAG_COMMAND, "exit status 5", "stdout", "ready\nchild\ngot\n");
}
END_TEST

/* What this program is when it is called by that name: it heads its group no more. */
static void change_group(void)
{
	int child = fork();
	if (child == 0)
		for (;;)
			pause();
	if (setpgid(child, child) < 0 || setpgid(0, child) < 0 || write(STDOUT_FILENO, "ready\n", 6) != 6)
		exit(EXIT_FAILURE);
	for (;;)
		pause();
}

START_TEST(a_signal_finds_one_that_has_left_its_group)
{
	world_send("{\"argv\":[\"/proc/self/exe\",\"change-group\"]}", 0);
	world_hear("ready");
	struct inbox_message *message = world_message(INBOX_SIGNAL, 3);
	message->signal = SIGINT;
	inbox_put(world_inbox(), message);
	ck_assert_str_eq(world_answer(3), "done");
	world_ck_result(world_receive(), LANE_FLAG_COMMAND | LANE_FLAG_KILLED, "killed by SIGINT", "signal", "SIGINT");
}
END_TEST

START_TEST(a_send_waits_for_room)
{
	enum { SIZE = 32 * 1024, ENOUGH = 64 };
	char count[32];
	uint64_t sent = 0;
	world_send_shell("exec wc -c", ",\"stdin_live\":true");
	(void)world_pid();
	inbox_put(world_inbox(), world_message(INBOX_SUSPEND, 1000));
	ck_assert_str_eq(world_answer(1000), "done");
	for (uint64_t ask = 1; ask <= ENOUGH; ask++) {
		struct inbox_message *message = world_message(INBOX_SEND, ask);
		message->data = calloc(1, SIZE);
		message->length = SIZE;
		message->eof = ask == ENOUGH;
		inbox_put(world_inbox(), message);
	}
	/* This one is answered at once, and no send behind one that waits. */
	inbox_put(world_inbox(), world_message(INBOX_WINDOW, 2000));
	for (uint64_t ask; strcmp(world_answer_next(&ask), "done") == 0;)
		ck_assert_uint_eq(ask, ++sent);
	ck_assert_uint_lt(sent, ENOUGH);
	ck_assert(world_is_silent());
	world_order(INBOX_RESUME);
	for (uint64_t ask = sent + 1; ask <= ENOUGH; ask++)
		ck_assert_str_eq(world_answer(ask), "done");
	snprintf(count, sizeof(count), "%d\n", SIZE * ENOUGH);
	world_ck_result(world_receive(), 0, "", "stdout", count);
}
END_TEST

START_TEST(what_waits_for_room_is_told_that_there_will_be_none)
{
	world_send_shell("read x; kill -STOP $$", ",\"stdin_live\":true");
	for (uint64_t ask = 1; ask <= 64; ask++) {
		struct inbox_message *message = world_message(INBOX_SEND, ask);
		message->data = calloc(1, 32768);
		message->length = 32768;
		inbox_put(world_inbox(), message);
	}
	ck_assert_str_eq(world_answer(1), "done");
	world_order(INBOX_KILL);
	const char *word = "done";
	for (uint64_t ask = 2; ask <= 64; ask++)
		word = world_answer(ask);
	ck_assert_str_ne(word, "done"); /* which of the two it is depends on what is seen first */
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED | LANE_FLAG_KILLED, "killed by SIGKILL", NULL, NULL);
}
END_TEST

START_TEST(without_the_master_it_is_ended)
{
	world_send_shell("trap '' TERM; (setsid sleep 1000 &); echo ready; while :; do sleep 1000; done", "");
	world_hear("ready");
	ck_assert(inbox_orphan(world_inbox(), INT64_C(20000000000)));
	ck_assert_uint_eq(tree_signal(0), 0);
	struct world_end end = world_receive();
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_CANCELLED | LANE_FLAG_KILLED);
	world_end_free(&end);
}
END_TEST

/* --- without end --- */

/* What this program is when it is called by that name. */
static void fork_without_end(void)
{
	bool said = false;
	signal(SIGTERM, SIG_IGN);
	for (;;)
		if (fork() < 0 && errno == EAGAIN && !said)
			said = write(STDOUT_FILENO, "full\n", 5) == 5;
}

START_TEST(one_that_forks_without_end_meets_its_limit_and_its_end)
{
	if (geteuid() != 0)
		return; /* the limit counts what the user has */
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	open_plain();
	world_send("{\"argv\":[\"/proc/self/exe\",\"fork-without-end\"],\"limit_processes\":60}", 0);
	world_hear("full");
	inbox_put(world_inbox(), world_message(INBOX_TERM, 1));
	ck_assert_str_eq(world_answer(1), "done");
	ck_assert_uint_gt(tree_signal(0), 10);
	world_order(INBOX_KILL);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED | LANE_FLAG_KILLED, "killed by SIGKILL", NULL, NULL);
	ck_assert_uint_eq(tree_signal(0), 0);
	world_close();
}
END_TEST

/* --- chunks --- */

START_TEST(a_chunk_is_run_one_by_one)
{
	struct world_end end;
	world_send("[[\"echo\",\"a\"],[\"echo\",\"b\"]]", 2);
	end = world_receive();
	ck_assert_int_eq(end.reply.word, LANE_SUCCEEDED);
	ck_assert_uint_eq(end.reply.flags, 0);
	ck_assert_uint_eq(json_array_size(end.data), 2);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(end.data, 1), "stdout")), "b\n");
	world_end_free(&end);

	world_send("[[\"echo\",\"a\"],{\"shell\":\"exit 3\"},[\"nosuch\"],{\"argv\":1},[\"true\"]]", 5);
	end = world_receive();
	ck_assert_int_eq(end.reply.word, LANE_SUCCEEDED);
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_MIXED);
	ck_assert_uint_eq(json_array_size(end.data), 5);
	int status;
	const char *stdout_text, *message, *kind, *step;
	json_error_t why;
	ck_assert_msg(
		json_unpack_ex(end.data, &why, 0,
			"[{s:{s:s}}, {s:{s:s, s:{s:s, s:{s:i}}}}, {s:{s:{s:s}}}, {s:{s:i}}, {s:{}}]", "result",
			"stdout", &stdout_text, "error", "message", &message, "data", "kind", &kind, "result", "status",
			&status, "error", "data", "step", &step, "error", "code", &status, "result") == 0,
		"%s", why.text);
	ck_assert_str_eq(stdout_text, "a\n");
	ck_assert_str_eq(message, "exit status 3");
	ck_assert_str_eq(kind, "command_failed");
	ck_assert_str_eq(step, "execute");
	ck_assert_int_eq(status, -32602);
	world_end_free(&end);
}
END_TEST

START_TEST(a_cancel_ends_the_rest_of_a_chunk)
{
	world_send(
		"[{\"shell\":\"echo first\"},{\"shell\":\"echo second; sleep 1000\"},{\"shell\":\"echo third\"}]", 3);
	world_hear("second");
	world_order(INBOX_TERM);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED, "killed by SIGTERM", NULL, NULL);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "fork-without-end") == 0)
		fork_without_end();
	if (argc > 1 && strcmp(argv[1], "be-traced") == 0)
		be_traced();
	if (argc > 1 && strcmp(argv[1], "change-group") == 0)
		change_group();
	Suite *suite = suite_create("command_life");
	TCase *plain = tcase_create("plain"), *patient = tcase_create("patient"), *terse = tcase_create("terse"),
	      *bare = tcase_create("bare");
	tcase_set_timeout(plain, 60);
	tcase_set_timeout(patient, 60);
	tcase_set_timeout(terse, 60);
	tcase_set_timeout(bare, 60);
	tcase_add_checked_fixture(plain, open_plain, world_close);
	tcase_add_checked_fixture(patient, open_patient, world_close);
	tcase_add_checked_fixture(terse, open_terse, world_close);
	tcase_add_test(plain, it_gives_back_what_it_said_and_its_status);
	tcase_add_loop_test(plain, it_does_not_start, 0, 7);
	tcase_add_test(plain, arguments_beyond_the_kernels_limit_are_an_error_at_once);
	tcase_add_test(plain, what_has_no_interpreter_says_so);
	tcase_add_loop_test(plain, arguments_that_make_no_sense_are_refused, 0, 7);
	tcase_add_test(plain, a_thousand_leave_no_trace);
	tcase_add_test(plain, a_grandchild_that_holds_the_pipe_neither_hangs_the_task_nor_survives_it);
	tcase_add_test(plain, a_grandchild_that_ignores_term_is_killed);
	tcase_add_test(patient, what_ends_by_itself_is_heard_to_its_end);
	tcase_add_test(patient, orphans_that_end_are_collected_while_it_runs);
	tcase_add_test(plain, one_that_is_traced_has_its_status_all_the_same);
	tcase_add_test(plain, one_that_closes_its_outputs_lives_on);
	tcase_add_test(patient, told_to_stop_it_is_cancelled_whatever_its_status);
	tcase_add_test(patient, one_that_ignores_term_is_killed_with_its_tree);
	tcase_add_test(plain, suspended_it_stands_still_and_goes_on);
	tcase_add_test(plain, signals_go_to_its_group);
	tcase_add_test(plain, a_signal_finds_one_that_has_left_its_group);
	tcase_add_test(plain, a_send_waits_for_room);
	tcase_add_test(plain, what_waits_for_room_is_told_that_there_will_be_none);
	tcase_add_test(plain, without_the_master_it_is_ended);
	tcase_add_test(plain, a_chunk_is_run_one_by_one);
	tcase_add_test(plain, a_cancel_ends_the_rest_of_a_chunk);
	tcase_add_test(terse, what_is_left_is_told_before_it_is_killed);
	tcase_add_test(bare, one_that_forks_without_end_meets_its_limit_and_its_end);
	suite_add_tcase(suite, plain);
	suite_add_tcase(suite, patient);
	suite_add_tcase(suite, terse);
	suite_add_tcase(suite, bare);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
