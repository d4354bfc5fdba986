/* What reaches a command's slot, and what is too late for it; and the real worker: its orders by the control socket,
 * and what it does when its master is gone. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command_world.h"
#include "lane_fixture.h"
#include "proto/base64.h"
#include "proto/strbuf.h"
#include "worker/heritage.h"

static void open_plain(void)
{
	world_open(NULL);
}

/* --- the inbox --- */

START_TEST(a_message_without_a_task_is_answered_at_once)
{
	inbox_put(world_inbox(), world_message(INBOX_SIGNAL, 4));
	ck_assert_str_eq(world_answer(4), "not_running");
	world_order(INBOX_TERM);
	ck_assert(world_is_silent());
}
END_TEST

START_TEST(a_message_for_another_task_is_answered)
{
	world_send_shell("echo ready; exec sleep 1000", "");
	world_hear("ready");
	struct inbox_message *other = world_message(INBOX_KILL, 5), *before = world_message(INBOX_KILL, 6);
	other->task_id++;
	before->attempt++;
	inbox_put(world_inbox(), other);
	inbox_put(world_inbox(), before);
	ck_assert_str_eq(world_answer(5), "not_running");
	ck_assert_str_eq(world_answer(6), "not_running");
	inbox_put(world_inbox(), world_message(INBOX_WINDOW, 7));
	ck_assert_str_eq(world_answer(7), "no_input");
	inbox_put(world_inbox(), world_message(INBOX_SEND, 8));
	ck_assert_str_eq(world_answer(8), "no_input");
	struct inbox_message *bad = world_message(INBOX_SIGNAL, 9);
	bad->signal = 1000;
	inbox_put(world_inbox(), bad);
	ck_assert_str_eq(world_answer(9), "refused");
	world_order(INBOX_KILL);
	world_ck_result(world_receive(), LANE_FLAG_CANCELLED | LANE_FLAG_KILLED, "killed by SIGKILL", NULL, NULL);
}
END_TEST

/* As when the slot is between taking its request and running it. */
START_TEST(a_stop_that_comes_before_the_start_is_not_lost)
{
	int pair[2];
	struct both both = both_make(65536);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	struct inbox *inbox = inbox_new(pair[0], both.end);
	(void)send_ok(both.lane, "[]");
	inbox_put(inbox, world_message(INBOX_SIGNAL, 1));
	inbox_put(inbox, world_message(INBOX_TERM, 2));
	ck_assert(inbox_has_stop(inbox, WORLD_TASK, 1));
	ck_assert(!inbox_has_stop(inbox, WORLD_TASK, 2));
	ck_assert(inbox_begin(inbox));
	struct inbox_message *message = inbox_take(inbox, WORLD_TASK, 1);
	ck_assert_int_eq(message->kind, INBOX_SIGNAL);
	inbox_message_free(message);
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = inbox_fd(inbox), .events = POLLIN }, 1, 0), 1);
	message = inbox_take(inbox, WORLD_TASK, 1);
	ck_assert_int_eq(message->kind, INBOX_TERM);
	inbox_message_free(message);
	ck_assert_ptr_null(inbox_take(inbox, WORLD_TASK, 1));
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = inbox_fd(inbox), .events = POLLIN }, 1, 0), 0);
	inbox_put(inbox, world_message(INBOX_TERM, 0));
	inbox_end(inbox);
	inbox_settle(inbox); /* the request was not answered yet: it stays */
	ck_assert(inbox_has_stop(inbox, WORLD_TASK, 1));
	struct lane_request request;
	ck_assert_int_eq(lane_end_take(both.end, &request), LANE_OK);
	ck_assert_int_eq(say(both.end, LANE_SUCCEEDED, "1", 1), LANE_OK);
	inbox_settle(inbox);
	ck_assert(!inbox_has_stop(inbox, WORLD_TASK, 1));
	inbox_free(inbox);
	both_free(&both);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(what_is_told_to_stop_before_its_start_does_not_start)
{
	char path[] = "/tmp/taskd-inbox-XXXXXX", args[256];
	world_prepare(NULL);
	close(mkstemp(path));
	snprintf(args, sizeof(args), "[[\"rm\",\"%s\"]]", path);
	world_send(args, 0);
	world_order(INBOX_TERM);
	world_go();
	struct world_end end = world_receive();
	ck_assert_int_eq(end.reply.word, LANE_FAILED);
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_CANCELLED);
	ck_assert_ptr_null(end.data);
	world_end_free(&end);
	ck_assert_int_eq(unlink(path), 0);
	world_close();
}
END_TEST

START_TEST(without_a_master_nothing_begins)
{
	ck_assert(inbox_orphan(world_inbox(), 0));
	ck_assert(!inbox_begin(world_inbox()));
	struct world_end end = world_run("[[\"true\"]]");
	ck_assert_uint_eq(end.reply.flags, LANE_FLAG_CANCELLED);
	world_end_free(&end);
}
END_TEST

/* --- the worker --- */

static struct lane *lane;
static struct capture *capture;
static int control, doorbell, worker;
static char directory[] = "/tmp/taskd-inbox-XXXXXX";

static void send_with(const char *text, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} ancillary = { 0 };
	struct iovec part = { .iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	if (n_fds) {
		header.msg_control = &ancillary;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
	}
	ck_assert_int_gt(sendmsg(control, &header, MSG_NOSIGNAL), 0);
}

static json_t *next_message(void)
{
	static char buffer[HERITAGE_MESSAGE_LIMIT];
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = control, .events = POLLIN }, 1, BOUND_MS), 1);
	ssize_t n = recv(control, buffer, sizeof(buffer), 0);
	return n <= 0 ? NULL : json_loadb(buffer, (size_t)n, 0, NULL);
}

static void hear_message(const char *key, json_t **out)
{
	for (;;) {
		json_t *message = next_message();
		ck_assert_ptr_nonnull(message);
		*out = json_incref(json_object_get(message, key));
		json_decref(message);
		if (*out)
			return;
	}
}

static void start_worker(void)
{
	int pair[2];
	char parent[16], text[512];
	const char *path = getenv("TASKD_WORKER");
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	worker = fork();
	if (worker == 0) {
		if (pair[1] != WORKER_CONTROL_FD)
			dup2(pair[1], WORKER_CONTROL_FD);
		else
			fcntl(WORKER_CONTROL_FD, F_SETFD, 0);
		execl(path ? path : "./taskd-worker", "taskd-worker: test/2", parent, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	control = pair[0];
	doorbell = doorbell_make();
	lane = lane_make(65536);
	capture = capture_new(WORLD_CAPTURE);
	snprintf(text, sizeof(text), "{\"start\":{\"pool\":\"test\",\"index\":2,\"threads\":1,\"nice\":0,\"limit_memory\":-1,"
				     "\"limit_cpu\":-1,\"limit_files\":-1,\"limit_core\":0,\"payload_limit\":1048576,"
				     "\"oom_score_adj\":null,\"log_level\":3,\"log_target\":0,\"plugins\":[],\"commands\":{\"log_dir\":"
				     "\"%s\",\"log_ttl\":0,\"log_bytes\":0,\"cgroup\":null}}}", directory);
	send_with(text, &doorbell, 1);
	const int fds[] = { lane_memory_fd(lane), lane_socket_fd(lane), capture_fd(capture) };
	send_with("{\"slot\":0}", fds, 3);
	lane_handed_over(lane);
	capture_handed_over(capture);
	json_t *ready;
	hear_message("ready", &ready);
	json_decref(ready);
}

/* Its wait status. */
static int end_worker(void)
{
	int status = -1;
	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	close(control);
	close(doorbell);
	lane_free(lane);
	capture_free(capture);
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", directory);
	ck_assert_int_eq(system(command), 0);
	return status;
}

static void send_command(const char *args)
{
	uint32_t seq;
	const struct lane_request request = { .task_id = WORLD_TASK, .attempt = 1, .name = "exec", .name_length = 4, .args = args,
		.args_length = strlen(args) };
	ck_assert_int_eq(lane_send(lane, &request, &seq), LANE_OK);
	lane_kick(lane);
}

static struct lane_reply receive_reply(void)
{
	struct lane_reply reply;
	while (lane_receive(lane, &reply) != LANE_OK)
		ck_assert(master_waits(lane, doorbell));
	return reply;
}

static const char *captured(void)
{
	static char room[WORLD_CAPTURE];
	long n = capture_read(capture, WORLD_TASK, 1, CAPTURE_STDOUT, 0, room, sizeof(room) - 1);
	room[n < 0 ? 0 : n] = '\0';
	return room;
}

static void ck_answer(int ask, const char *word)
{
	json_t *answer;
	hear_message("answer", &answer);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "ask")), ask);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "word")), word);
	json_decref(answer);
}

START_TEST(the_worker_takes_orders)
{
	start_worker();
	send_command("{\"shell\":\"echo $TASKD_SLOT $TASKD_TASK_ID $TASKD_ATTEMPT; read x; echo got $x; exit 3\",\"stdin_live\":true}");
	send_with("{\"order\":{\"task\":17,\"attempt\":1,\"ask\":41,\"do\":\"send\",\"data\":\"eHl6Cg==\",\"eof\":true}}", NULL, 0);
	ck_answer(41, "done");
	struct lane_reply reply = receive_reply();
	ck_assert_uint_eq(reply.flags, LANE_FLAG_COMMAND);
	ck_assert_str_eq(reply.message, "exit status 3");
	ck_assert_str_eq(captured(), "2 17 1\ngot xyz\n");
	bytes_unref(reply.payload);

	send_with("{\"log\":{\"task\":17,\"attempt\":1,\"ask\":42,\"stream\":0,\"offset\":7,\"size\":3}}", NULL, 0);
	json_t *answer;
	hear_message("answer", &answer);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "data")), "Z290"); /* "got" */
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "total")), 15);
	json_decref(answer);
	send_with("{\"log\":{\"task\":18,\"attempt\":1,\"ask\":43,\"stream\":0,\"offset\":0,\"size\":3}}", NULL, 0);
	ck_answer(43, "not_found");
	send_with("{\"order\":{\"task\":17,\"attempt\":1,\"ask\":44,\"do\":\"suspend\"}}", NULL, 0);
	ck_answer(44, "not_running");

	lane_stop(lane);
	int status = end_worker();
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert(tree_is_empty());
}
END_TEST

/* The master, which is the subreaper behind this one, finds nothing either. */
START_TEST(the_worker_cleans_up_when_its_master_is_gone)
{
	start_worker();
	send_command("{\"shell\":\"trap '' TERM; (setsid sleep 1000 &); echo ready; while :; do sleep 1000; done\"}");
	WORLD_UNTIL(strcmp(captured(), "ready\n") == 0)
	shutdown(control, SHUT_RDWR);
	int status = end_worker();
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert(tree_is_empty());
}
END_TEST

START_TEST(an_order_that_makes_no_sense_ends_the_worker)
{
	static const char *const orders[] = {
		"{\"order\":{\"task\":17,\"attempt\":1,\"do\":\"dance\"}}",
		"{\"order\":{\"task\":17,\"attempt\":1,\"do\":\"send\",\"data\":\"*\"}}",
		"{\"order\":{\"attempt\":1,\"do\":\"kill\"}}",
		"{\"log\":{\"task\":17,\"attempt\":1,\"ask\":42,\"stream\":2,\"offset\":7,\"size\":3}}",
		"{\"slot\":0}",
	};
	start_worker();
	send_with(orders[_i], NULL, 0);
	int status = end_worker();
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 70);
}
END_TEST

START_TEST(what_it_leaves_when_it_is_killed_is_its_masters)
{
	start_worker();
	send_command("{\"shell\":\"echo $$; exec sleep 1000\"}");
	WORLD_UNTIL(strchr(captured(), '\n'))
	ck_assert_int_eq(kill(worker, SIGKILL), 0);
	(void)end_worker();
	/* Its process itself has died with it: there is only to collect it. */
	WORLD_UNTIL((tree_reap(0), tree_is_empty()))
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_inbox");
	TCase *inbox = tcase_create("inbox"), *bare = tcase_create("bare"), *real = tcase_create("worker");
	tcase_set_timeout(inbox, 60);
	tcase_set_timeout(bare, 60);
	tcase_set_timeout(real, 60);
	tcase_add_checked_fixture(inbox, open_plain, world_close);
	tcase_add_test(inbox, a_message_without_a_task_is_answered_at_once);
	tcase_add_test(inbox, a_message_for_another_task_is_answered);
	tcase_add_test(bare, what_is_told_to_stop_before_its_start_does_not_start);
	tcase_add_test(inbox, without_a_master_nothing_begins);
	tcase_add_test(bare, a_stop_that_comes_before_the_start_is_not_lost);
	tcase_add_test(real, the_worker_takes_orders);
	tcase_add_test(real, the_worker_cleans_up_when_its_master_is_gone);
	tcase_add_loop_test(real, an_order_that_makes_no_sense_ends_the_worker, 0, 5);
	tcase_add_test(real, what_it_leaves_when_it_is_killed_is_its_masters);
	suite_add_tcase(suite, inbox);
	suite_add_tcase(suite, bare);
	suite_add_tcase(suite, real);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
