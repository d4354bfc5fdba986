/* The real taskd-worker, and a test that plays its master: the start, tasks, deaths, and the end. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "lane/lane.h"
#include "worker/heritage.h"

#define PATIENCE_MS 20000
#define SLOTS 3

static pid_t pid;
static int control, doorbell;
static struct lane *lanes[SLOTS];
static char directory[] = "/tmp/taskd-worker-XXXXXX";
static json_t *handlers, *plugin_errors, *init_failed;

/* --- playing the master --- */

static void set_up(void)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	handlers = json_array();
	plugin_errors = json_array();
	init_failed = json_array();
	pid = 0;
}

static void remove_file(const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

static void tear_down(void)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (control >= 0)
		close(control);
	close(doorbell);
	for (int i = 0; i < SLOTS; i++) {
		lane_free(lanes[i]);
		lanes[i] = NULL;
	}
	json_decref(handlers);
	json_decref(plugin_errors);
	json_decref(init_failed);
	remove_file("plugin.so");
	remove_file("fini");
	rmdir(directory);
}

/* The worker, with ITS_END as its control socket and PARENT as the master that it believes in. */
static pid_t execute(int its_end, pid_t parent)
{
	const char *path = getenv("TASKD_WORKER");
	char parent_text[16];
	snprintf(parent_text, sizeof(parent_text), "%d", (int)parent);
	pid_t child = fork();
	if (child == 0) {
		dup2(its_end, WORKER_CONTROL_FD);
		if (its_end == WORKER_CONTROL_FD)
			fcntl(WORKER_CONTROL_FD, F_SETFD, 0);
		dup2(STDERR_FILENO, 57); /* something that it must not keep */
		signal(SIGTERM, SIG_IGN);
		execl(path ? path : "./taskd-worker", "taskd-worker: test/0", parent_text, (char *)NULL);
		perror("taskd-worker");
		_exit(127);
	}
	return child;
}

static void spawn_with_parent(pid_t parent)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = execute(pair[1], parent);
	close(pair[1]);
	control = pair[0];
}

static void send_with(json_t *message, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} ancillary = { 0 };
	char *text = json_dumps(message, 0);
	struct iovec part = { .iov_base = text, .iov_len = strlen(text) };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary,
		.msg_controllen = CMSG_SPACE(n_fds * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
	ck_assert_int_gt(sendmsg(control, &header, MSG_NOSIGNAL), 0);
	free(text);
	json_decref(message);
}

static json_t *start_body(int threads)
{
	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:n, s:i, s:i, s:[]}", "pool", "test", "index", 0,
		"threads", threads, "nice", 0, "limit_memory", -1, "limit_cpu", -1, "limit_files", -1, "limit_core", 0,
		"payload_limit", 1 << 20, "oom_score_adj", "log_level", 3, "log_target", 0, "plugins");
}

/* The next message; NULL where the worker has closed its end. */
static json_t *hear(void)
{
	static char buffer[HERITAGE_MESSAGE_LIMIT];
	ck_assert_int_eq(poll(&(struct pollfd){ .fd = control, .events = POLLIN }, 1, PATIENCE_MS), 1);
	ssize_t n = recv(control, buffer, sizeof(buffer), 0);
	if (n <= 0)
		return NULL;
	json_t *message = json_loadb(buffer, (size_t)n, 0, NULL);
	ck_assert_ptr_nonnull(message);
	return message;
}

/* Gives each slot its lane, and hears until all of them are ready. */
static void start(json_t *body)
{
	const struct lane_options options = { .request_ring = 65536, .completion_ring = 65536, .payload_limit = 1 << 20 };
	int threads = (int)json_integer_value(json_object_get(body, "threads"));
	send_with(json_pack("{s:o}", "start", body), &doorbell, 1);
	for (int i = 0; i < threads; i++) {
		lanes[i] = lane_new(&options);
		const int fds[] = { lane_memory_fd(lanes[i]), lane_socket_fd(lanes[i]) };
		send_with(json_pack("{s:i}", "slot", i), fds, 2);
		lane_handed_over(lanes[i]);
	}
	for (int ready = 0; ready < threads;) {
		json_t *message = hear();
		ck_assert_ptr_nonnull(message);
		json_array_extend(handlers, json_object_get(message, "handlers"));
		json_array_extend(plugin_errors, json_object_get(message, "plugin_errors"));
		if (json_object_get(message, "init_failed"))
			json_array_append(init_failed, json_object_get(message, "init_failed"));
		ready += json_object_get(message, "ready") != NULL;
		json_decref(message);
	}
}

static void spawn(int threads)
{
	spawn_with_parent(getpid());
	start(start_body(threads));
}

/* The nasty plugin from a directory that it may be loaded from. */
static void spawn_with_plugin(json_t *body, const char *plugin)
{
	char command[3 * PATH_MAX], path[PATH_MAX];
	const char *build = getenv("top_builddir");
	snprintf(path, sizeof(path), "%s/plugin.so", directory);
	snprintf(command, sizeof(command), "cp %s/tests/plugins/%s.so %s && chmod 644 %s", build ? build : ".", plugin, path,
		path);
	ck_assert_int_eq(system(command), 0);
	json_object_set_new(body, "plugins", json_pack("[{s:s, s:s}]", "name", "test", "path", path));
	spawn_with_parent(getpid());
	start(body);
}

static uint32_t send_task(int slot, const char *name, const char *args, uint32_t items)
{
	uint32_t seq;
	const struct lane_request request = { .task_id = 17, .attempt = 1, .items = items, .name = name,
		.name_length = strlen(name), .args = args, .args_length = strlen(args) };
	ck_assert_int_eq(lane_send(lanes[slot], &request, &seq), LANE_OK);
	lane_kick(lanes[slot]);
	return seq;
}

/* The slot's next word; false where the worker has ended without one. */
static bool receive(int slot, struct lane_reply *reply)
{
	const int64_t end_ns = clock_mono_ns() + PATIENCE_MS * NS_PER_MS;
	for (;;) {
		int code = lane_receive(lanes[slot], reply);
		ck_assert_int_ne(code, LANE_BROKEN);
		if (code == LANE_OK)
			return true;
		ck_assert_msg(clock_mono_ns() < end_ns, "no word from slot %d", slot);
		if (!lane_sleep(lanes[slot], false))
			continue;
		struct pollfd fds[] = { { .fd = doorbell, .events = POLLIN }, { .fd = control, .events = POLLIN } };
		poll(fds, 2, PATIENCE_MS);
		uint64_t rung;
		(void)!read(doorbell, &rung, sizeof(rung));
		lane_wake(lanes[slot]);
		if (fds[1].revents && lane_receive(lanes[slot], reply) == LANE_NONE)
			return false;
	}
}

static void ck_reply(int slot, const char *result)
{
	struct lane_reply reply;
	ck_assert(receive(slot, &reply));
	ck_assert_msg(reply.word == LANE_SUCCEEDED, "%s", reply.message);
	ck_assert_uint_eq(reply.payload->size, strlen(result));
	ck_assert_mem_eq(reply.payload->data, result, reply.payload->size);
	ck_assert_int_le(reply.started_ns, reply.ended_ns);
	bytes_unref(reply.payload);
}

static void ck_fails(int slot, const char *name, uint32_t flags, const char *message)
{
	struct lane_reply reply;
	send_task(slot, name, "[]", 0);
	ck_assert(receive(slot, &reply));
	ck_assert_int_eq(reply.word, LANE_FAILED);
	ck_assert_uint_eq(reply.flags, flags);
	ck_assert_str_eq(reply.message, message);
	bytes_unref(reply.payload);
}

static void ck_task(int slot, const char *name, const char *args, const char *result)
{
	send_task(slot, name, args, 0);
	ck_reply(slot, result);
}

/* The wait status of the worker's end. */
static int end_of_worker(void)
{
	int status = -1;
	/* The control socket ends with the process. */
	for (json_t *message; (message = hear());)
		json_decref(message);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	pid = 0;
	return status;
}

static void ck_exits(int status)
{
	int end = end_of_worker();
	ck_assert_msg(WIFEXITED(end) && WEXITSTATUS(end) == status, "wait status %x", (unsigned)end);
}

static void ck_killed(int signal_number)
{
	int end = end_of_worker();
	ck_assert_msg(WIFSIGNALED(end) && WTERMSIG(end) == signal_number, "wait status %x", (unsigned)end);
}

/* --- tests --- */

START_TEST(it_says_what_it_can_do_and_does_it)
{
	spawn(1);
	ck_assert_uint_eq(json_array_size(handlers), 4);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(handlers, 1), "name")), "fib");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(handlers, 1), "parameters")), "n:int");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(handlers, 1), "source")), "built-in");
	ck_task(0, "fib", "[30]", "832040");
	ck_task(0, "echo", "{\"a\":[1]}", "{\"a\":[1]}");
	ck_fails(0, "fibb", LANE_FLAG_UNKNOWN_TASK, "this worker has no handler \"fibb\"");
	ck_fails(0, "fib", LANE_FLAG_BAD_ARGS, "argument 0 (\"n\") is missing");
	send_task(0, "fib", "[1,\"x\",10]", 3);
	ck_reply(0, "[{\"result\":1},{\"error\":{\"code\":-32602,\"message\":\"argument 0 (\\\"n\\\") must be an integer, "
		    "not a string\"}},{\"result\":55}]");
}
END_TEST

START_TEST(it_stops_a_task_that_is_cancelled_and_goes_on)
{
	struct lane_reply reply;
	spawn(1);
	lane_interrupt(lanes[0], send_task(0, "sleep", "[1000]", 0));
	ck_assert(receive(0, &reply));
	ck_assert_int_eq(reply.word, LANE_FAILED);
	ck_assert_uint_eq(reply.flags, LANE_FLAG_CANCELLED);
	ck_task(0, "noop", "[]", "null");
}
END_TEST

START_TEST(it_carries_large_payloads)
{
	spawn(1);
	const size_t size = 500000;
	char *text = malloc(size + 1);
	memset(text, 'x', size);
	memcpy(text, "[\"", 2);
	memcpy(text + size - 2, "\"]", 3);
	send_task(0, "echo", text, 0);
	text[size - 1] = '\0';
	ck_reply(0, text + 1);
	free(text);
}
END_TEST

START_TEST(it_leaves_when_its_master_does)
{
	spawn(2);
	send_task(0, "sleep", "[1000]", 0);
	shutdown(control, SHUT_RDWR);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	pid = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(it_leaves_when_its_parent_is_another)
{
	spawn_with_parent(1);
	ck_exits(0);
}
END_TEST

/* Also where somebody else still holds the other end of its control socket. */
START_TEST(it_dies_with_its_parent)
{
	int pair[2], pipe_fds[2], status;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t child = execute(pair[1], getpid());
		(void)!write(pipe_fds[1], &child, sizeof(child));
		for (;;)
			pause();
	}
	close(pair[1]);
	control = pair[0];
	ck_assert_int_eq(read(pipe_fds[0], &pid, sizeof(pid)), sizeof(pid));
	start(start_body(1));
	send_task(0, "sleep", "[1000]", 0);
	ck_assert_int_eq(kill(parent, SIGKILL), 0);
	ck_assert_int_eq(waitpid(parent, &status, 0), parent);
	ck_killed(SIGKILL);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(it_leaves_when_all_its_slots_were_stopped)
{
	char path[PATH_MAX], line[8];
	snprintf(path, sizeof(path), "%s/fini", directory);
	setenv("NASTY_FINI", path, 1);
	spawn_with_plugin(start_body(2), "nasty");
	ck_task(0, "tidy", "[]", "true");
	lane_stop(lanes[0]);
	ck_task(1, "noop", "[]", "null");
	lane_stop(lanes[1]);
	ck_exits(0);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	ck_assert_ptr_null(fgets(line, sizeof(line), file));
	fclose(file);
}
END_TEST

START_TEST(it_breaks_off_when_the_master_talks_nonsense)
{
	spawn(1);
	ck_assert_int_eq(send(control, "{", 1, MSG_NOSIGNAL), 1);
	ck_exits(70);
}
END_TEST

START_TEST(a_death_is_its_own_and_shows_as_what_it_was)
{
	static const struct { const char *name, *args; int signal, status; } deaths[] = {
		{ "crash", "[]", SIGSEGV, 0 },
		{ "crash", "[9]", SIGKILL, 0 },
		{ "crash", "[15]", SIGTERM, 0 },
		{ "abort", "[]", SIGABRT, 0 },
		{ "exit", "[3]", 0, 3 },
		{ "exit", "[0]", 0, 0 },
	};
	struct lane_reply reply;
	spawn_with_plugin(start_body(1), "nasty");
	send_task(0, deaths[_i].name, deaths[_i].args, 0);
	ck_assert(!receive(0, &reply));
	if (deaths[_i].signal)
		ck_killed(deaths[_i].signal);
	else
		ck_exits(deaths[_i].status);
}
END_TEST

START_TEST(threads_run_at_once_and_have_states_of_their_own)
{
	spawn_with_plugin(start_body(SLOTS), "example");
	struct lane_reply reply;
	uint32_t asleep = send_task(0, "sleep", "[1000]", 0);
	for (int slot = 1; slot < SLOTS; slot++)
		for (int count = 1; count < 5; count++) {
			char text[16];
			snprintf(text, sizeof(text), "%d", count);
			ck_task(slot, "counter", "[]", text);
		}
	lane_interrupt(lanes[0], asleep);
	ck_assert(receive(0, &reply));
	ck_task(0, "counter", "[5]", "5");
	ck_task(0, "add", "{\"b\":-3,\"a\":1}", "-2");
}
END_TEST

START_TEST(an_init_that_fails_costs_its_handler_only)
{
	spawn_with_plugin(start_body(2), "nasty");
	ck_assert_uint_eq(json_array_size(init_failed), 2);
	json_t *told = json_array_get(init_failed, 0);
	ck_assert_str_eq(json_string_value(json_object_get(told, "handler")), "initfail");
	ck_assert_str_eq(json_string_value(json_object_get(told, "error")), "the model is not there");
	ck_fails(1, "initfail", LANE_FLAG_INIT_FAILED, "the model is not there");
	ck_task(1, "even", "[2]", "2");
}
END_TEST

START_TEST(a_plugin_that_is_refused_is_told_and_costs_nothing_else)
{
	json_t *body = start_body(1);
	json_object_set_new(body, "plugins", json_pack("[{s:s, s:s}]", "name", "lost", "path", "/nowhere/lost.so"));
	spawn_with_parent(getpid());
	start(body);
	ck_assert_uint_eq(json_array_size(plugin_errors), 1);
	json_t *told = json_array_get(plugin_errors, 0);
	ck_assert_str_eq(json_string_value(json_object_get(told, "plugin")), "lost");
	ck_assert_str_eq(json_string_value(json_object_get(told, "error")), "/nowhere: No such file or directory");
	ck_task(0, "noop", "[]", "null");
}
END_TEST

static const char *in_proc(const char *name)
{
	static char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return path;
}

START_TEST(it_has_its_limits_and_nothing_of_its_masters)
{
	char text[64] = "";
	struct rlimit limit;
	json_t *body = start_body(1);
	FILE *file = fopen("/proc/self/oom_score_adj", "r");
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	fclose(file);
	/* Both may be raised by anyone, and lowered by root alone. */
	const int score = atoi(text) < 500 ? 500 : 1000, own_nice = getpriority(PRIO_PROCESS, 0);
	const int nice = own_nice < 7 ? 7 : own_nice;
	json_object_set_new(body, "nice", json_integer(nice));
	json_object_set_new(body, "limit_files", json_integer(64));
	json_object_set_new(body, "limit_cpu", json_integer(1500 * NS_PER_MS));
	json_object_set_new(body, "oom_score_adj", json_integer(score));
	spawn_with_plugin(body, "nasty");

	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 64);
	ck_assert_int_eq(prlimit(pid, RLIMIT_CPU, NULL, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 2);
	ck_assert_int_eq(prlimit(pid, RLIMIT_CORE, NULL, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 0);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)pid), nice);
	ck_assert_int_eq(getpgid(pid), pid);

	file = fopen(in_proc("oom_score_adj"), "r");
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	ck_assert_int_eq(atoi(text), score);
	fclose(file);
	struct stat status;
	ck_assert_int_eq(lstat(in_proc("fd/57"), &status), -1);
	ssize_t n = readlink(in_proc("fd/0"), text, sizeof(text) - 1);
	ck_assert_int_eq(n, 9);
	ck_assert_mem_eq(text, "/dev/null", 9);
}
END_TEST

/* Whatever it does to what both share, the master's side says so and stays well. */
START_TEST(vandalism_breaks_its_own_lane_only)
{
	struct lane_reply reply;
	char args[16];
	spawn_with_plugin(start_body(1), "nasty");
	snprintf(args, sizeof(args), "[%d]", _i);
	send_task(0, _i ? "scribble" : "close_fds", args, 0);
	/* It dies, leaves, or writes nonsense; kill it as the pool would. */
	const int64_t end_ns = clock_mono_ns() + PATIENCE_MS * NS_PER_MS;
	int code = LANE_NONE;
	while (code == LANE_NONE && clock_mono_ns() < end_ns) {
		code = lane_receive(lanes[0], &reply);
		if (poll(&(struct pollfd){ .fd = control, .events = POLLIN }, 1, 1) == 1 && code == LANE_NONE)
			break;
	}
	ck_assert_int_lt(clock_mono_ns(), end_ns);
	if (code == LANE_OK)
		bytes_unref(reply.payload);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("worker");
	TCase *tests = tcase_create("worker");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_says_what_it_can_do_and_does_it);
	tcase_add_test(tests, it_stops_a_task_that_is_cancelled_and_goes_on);
	tcase_add_test(tests, it_carries_large_payloads);
	tcase_add_test(tests, it_leaves_when_its_master_does);
	tcase_add_test(tests, it_leaves_when_its_parent_is_another);
	tcase_add_test(tests, it_dies_with_its_parent);
	tcase_add_test(tests, it_leaves_when_all_its_slots_were_stopped);
	tcase_add_test(tests, it_breaks_off_when_the_master_talks_nonsense);
	tcase_add_loop_test(tests, a_death_is_its_own_and_shows_as_what_it_was, 0, 6);
	tcase_add_test(tests, threads_run_at_once_and_have_states_of_their_own);
	tcase_add_test(tests, an_init_that_fails_costs_its_handler_only);
	tcase_add_test(tests, a_plugin_that_is_refused_is_told_and_costs_nothing_else);
	tcase_add_test(tests, it_has_its_limits_and_nothing_of_its_masters);
	tcase_add_loop_test(tests, vandalism_breaks_its_own_lane_only, 0, 4);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
