/* taskd-spawn, as somebody meets it who has got hold of its socket: what it does, and above all what it does not. */
#include "base/spawn.h"
#include "base/spawn_wire.h"
#include "base/xmalloc.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define RULE_NOBODY SPAWNER_USER "65534:65534:0:65534,1:nobody:/nonexistent:/bin/false"
#define RULE_SERVANT SPAWNER_USER "0:0:c0:0:root:/root:/bin/sh" /* CAP_SETGID, CAP_SETUID */

static int spawner_pid, spawner_fd;

/* With these rules behind the shell as its one program. */
static void begin(const char *first, const char *second)
{
	int pair[2];
	char *master = xasprintf("%d", (int)getpid());
	char *argv[] = { (char *)"taskd-spawn", master, (char *)"./taskd-spawn", (char *)(SPAWNER_PROGRAM "/bin/sh"),
		(char *)(uintptr_t)first, (char *)(uintptr_t)second, NULL };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	const struct spawn spawn = { .path = "./taskd-spawn", .argv = argv, .fds = &pair[1], .n_fds = 1 };
	spawner_pid = spawn_child(&spawn);
	ck_assert_int_gt(spawner_pid, 0);
	close(pair[1]);
	spawner_fd = pair[0];
	free(master);
}

/* Its exit status. */
static int end(void)
{
	int status;
	close(spawner_fd);
	ck_assert_int_eq(waitpid(spawner_pid, &status, 0), spawner_pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void tell(int to, const void *bytes, size_t length, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, n_fds * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(to, &message, MSG_NOSIGNAL), (ssize_t)length);
}

/* The result of a message that is REQUEST and TEXT. */
static int ask_of(int to, const struct spawn_request *request, const char *text, size_t length, const int *fds, size_t n_fds)
{
	struct spawn_answer answer = { 0 };
	char *bytes = xmalloc(sizeof(*request) + length);
	memcpy(bytes, request, sizeof(*request));
	memcpy(bytes + sizeof(*request), text, length);
	tell(to, bytes, sizeof(*request) + length, fds, n_fds);
	free(bytes);
	ck_assert_int_eq(recv(to, &answer, sizeof(answer), 0), sizeof(answer));
	ck_assert_uint_eq(answer.number, request->number);
	if (answer.dead)
		ck_assert_int_eq(waitpid(answer.dead, NULL, 0), answer.dead);
	return answer.result;
}

static int ask(const struct spawn_request *request, const char *text, size_t length)
{
	return ask_of(spawner_fd, request, text, length, NULL, 0);
}

/* A pid: sh runs SCRIPT as USER. */
static int shell_as(uint32_t user, const char *script)
{
	char text[1024];
	int length = snprintf(text, sizeof(text), "sh%c-c%c%s%c", 0, 0, script, 0);
	const struct spawn_request request = { .what = SPAWN_START, .number = 7, .user = user, .n_args = 3 };
	return ask(&request, text, (size_t)length);
}

/* Its exit status; or a negative errno. */
static int run_as(uint32_t user, const char *script)
{
	int status, pid = shell_as(user, script);
	if (pid < 0)
		return pid;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(a_child_is_the_child_of_who_asked_for_it)
{
	char script[64];
	begin(SPAWNER_AS_STARTED, NULL);
	snprintf(script, sizeof(script), "test $PPID = %d && exit 7", (int)getpid());
	ck_assert_int_eq(run_as(SPAWN_AS_STARTED, script), 7);
	int pid = shell_as(SPAWN_AS_STARTED, "kill -9 $$"), status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ck_assert_int_eq(end(), 0);
}
END_TEST

/* --- lies --- */

#define TEXT(literal) .text = (literal), .length = sizeof(literal) - 1
static const struct lie {
	const char *what;
	struct spawn_request request;
	const char *text;
	size_t length;
	int result;
} lies[] = {
	{ "no such thing to ask for", { .what = 99, .n_args = 1 }, TEXT("sh\0"), -EINVAL },
	{ "nothing asked for", { .n_args = 1 }, TEXT("sh\0"), -EINVAL },
	{ "another program", { .what = SPAWN_START, .program = 1, .n_args = 1 }, TEXT("sh\0"), -EPERM },
	{ "the last program", { .what = SPAWN_START, .program = UINT32_MAX, .n_args = 1 }, TEXT("sh\0"), -EPERM },
	{ "another user", { .what = SPAWN_START, .user = 1, .n_args = 1 }, TEXT("sh\0"), -EPERM },
	{ "as the spawner is", { .what = SPAWN_START, .user = SPAWN_AS_STARTED, .n_args = 1 }, TEXT("sh\0"), -EPERM },
	{ "no argument", { .what = SPAWN_START }, TEXT(""), -EINVAL },
	{ "too many arguments", { .what = SPAWN_START, .n_args = 9 }, TEXT("a\0b\0c\0d\0e\0f\0g\0h\0i\0"), -EINVAL },
	{ "very many arguments", { .what = SPAWN_START, .n_args = UINT32_MAX, .variable = 1 }, TEXT("a\0b\0"), -EINVAL },
	{ "fewer texts than arguments", { .what = SPAWN_START, .n_args = 3 }, TEXT("a\0b\0"), -EINVAL },
	{ "more texts than arguments", { .what = SPAWN_START, .n_args = 1 }, TEXT("a\0b\0"), -EINVAL },
	{ "a text without an end", { .what = SPAWN_START, .n_args = 2 }, TEXT("a\0b"), -EINVAL },
	{ "two variables", { .what = SPAWN_START, .n_args = 1, .variable = 2 }, TEXT("a\0b\0c\0"), -EINVAL },
	{ "another variable", { .what = SPAWN_START, .n_args = 1, .variable = 1 }, TEXT("a\0LD_PRELOAD=/tmp/x\0"), -EINVAL },
	{ "a place without its descriptor", { .what = SPAWN_START, .n_args = 1, .places = 1 }, TEXT("a\0"), -EINVAL },
	{ "a place too far", { .what = SPAWN_START, .n_args = 1, .places = 1u << 8 }, TEXT("a\0"), -EINVAL },
	{ "two variables", { .what = SPAWN_START, .n_args = 1, .variable = 2 },
		TEXT("a\0b\0" SPAWN_VARIABLE "x\0"), -EINVAL },
	{ "a successor of nothing", { .what = SPAWN_SUCCESSOR }, TEXT(""), -EINVAL },
	{ "init", { .what = SPAWN_SIGNAL, .pid = 1, .signal = SIGKILL }, TEXT(""), -EINVAL },
	{ "everybody", { .what = SPAWN_SIGNAL, .pid = -1, .signal = SIGKILL }, TEXT(""), -EINVAL },
	{ "its own group", { .what = SPAWN_SIGNAL, .pid = 0, .signal = SIGKILL }, TEXT(""), -EINVAL },
	{ "the least number", { .what = SPAWN_SIGNAL, .pid = INT32_MIN, .signal = SIGKILL }, TEXT(""), -EINVAL },
	{ "a signal with a text", { .what = SPAWN_SIGNAL, .pid = 2, .signal = 0 }, TEXT("a\0"), -EINVAL },
};

/* Without root there is nobody else to be: the one user is the first of none then. */
static const char *one_user(void)
{
	return geteuid() == 0 ? RULE_NOBODY : NULL;
}

START_TEST(lies_are_refused_and_do_it_no_harm)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct spawn_request request = lies[i].request;
		begin(one_user(), NULL);
		request.number = (uint32_t)i;
		int result = ask(&request, lies[i].text, lies[i].length);
		ck_assert_msg(result == lies[i].result, "%s: %d", lies[i].what, result);
		ck_assert_int_eq(ask(&(struct spawn_request){ .what = SPAWN_SIGNAL, .pid = (int)getpid() }, "", 0), -EPERM);
		ck_assert_int_eq(end(), 0);
	}
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* there never was a child */
}
END_TEST

START_TEST(a_message_that_is_cut_off_or_too_long_is_refused)
{
	static const size_t lengths[] = { 1, sizeof(struct spawn_request) - 1, sizeof(struct spawn_request) + SPAWN_TEXT_LIMIT + 1 };
	/* What is left of the longest one would make sense. */
	const struct spawn_request request = { .what = SPAWN_START, .user = SPAWN_AS_STARTED, .n_args = 1 };
	char *bytes = xcalloc(1, sizeof(request) + SPAWN_TEXT_LIMIT + 1);
	memcpy(bytes, &request, sizeof(request));
	memset(bytes + sizeof(request), 'a', SPAWN_TEXT_LIMIT - 1);
	begin(SPAWNER_AS_STARTED, NULL);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct spawn_answer answer = { 0 };
		tell(spawner_fd, bytes, lengths[i], NULL, 0);
		ck_assert_int_eq(recv(spawner_fd, &answer, sizeof(answer), 0), sizeof(answer));
		ck_assert_int_eq(answer.result, -EINVAL);
	}
	free(bytes);
	ck_assert_int_eq(run_as(SPAWN_AS_STARTED, "exit 3"), 3);
	ck_assert_int_eq(end(), 0);
}
END_TEST

static size_t count_fds(int pid)
{
	char path[32];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

START_TEST(descriptors_that_nobody_asked_for_are_closed)
{
	int fds[200];
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (geteuid() != 0)
		return; /* it cannot be looked into */
	for (size_t i = 0; i < 200; i++)
		fds[i] = null;
	begin(SPAWNER_AS_STARTED, NULL);
	ck_assert_int_eq(run_as(SPAWN_AS_STARTED, "exit 0"), 0);
	size_t before = count_fds(spawner_pid);
	const struct spawn_request request = { .what = SPAWN_START, .user = SPAWN_AS_STARTED, .n_args = 1, .places = 255 };
	ck_assert_int_eq(ask_of(spawner_fd, &request, "sh", 3, fds, 200), -EINVAL);
	ck_assert_int_eq(ask_of(spawner_fd, &request, "sh", 3, fds, 7), -EINVAL);
	const struct spawn_request other = { .what = SPAWN_SUCCESSOR };
	ck_assert_int_eq(ask_of(spawner_fd, &other, "", 0, fds, 1), -EINVAL);
	ck_assert_int_eq(ask_of(spawner_fd, &other, "", 0, fds, 2), -EINVAL);
	size_t after = count_fds(spawner_pid);
	ck_assert_uint_le(after, before); /* that of the child has gone, too */
	close(null);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(a_successor_is_given_one_socket_and_nothing_else)
{
	const struct spawn_request request = { .what = SPAWN_SUCCESSOR };
	const struct spawn_request far = { .what = SPAWN_START, .user = SPAWN_AS_STARTED, .n_args = 1,
		.places = 1u << SPAWN_FDS_LIMIT };
	int good[2], stream[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, good), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	begin(SPAWNER_AS_STARTED, NULL);
	ck_assert_int_eq(ask_of(spawner_fd, &request, "", 0, stream, 1), -EINVAL);
	ck_assert_int_eq(ask_of(spawner_fd, &request, "", 0, good, 2), -EINVAL);
	ck_assert_int_eq(ask_of(spawner_fd, &request, "a", 2, good, 1), -EINVAL);
	ck_assert_int_eq(ask_of(spawner_fd, &far, "sh", 3, good, 1), -EINVAL);
	/* Descriptors alone are no end. */
	struct spawn_answer answer = { 0 };
	tell(spawner_fd, "", 0, good, 1);
	ck_assert_int_eq(recv(spawner_fd, &answer, sizeof(answer), 0), sizeof(answer));
	ck_assert_int_eq(answer.result, -EINVAL);
	ck_assert_int_eq(end(), 0);
	for (int i = 0; i < 2; i++) {
		close(good[i]);
		close(stream[i]);
	}
}
END_TEST

/* --- users --- */

START_TEST(a_user_s_child_has_that_user_s_ids_and_groups_and_nothing_more)
{
	if (geteuid() != 0)
		return;
	begin(RULE_NOBODY, NULL);
	ck_assert_int_eq(run_as(0, "test \"$(id -u) $(id -g) $(id -G)\" = '65534 65534 65534 1'"), 0);
	ck_assert_int_eq(run_as(0, "test $USER = nobody -a $LOGNAME = nobody -a $HOME = /nonexistent -a $SHELL = /bin/false"), 0);
	ck_assert_int_eq(run_as(0, "while read a b c; do case $a$b in CapInh:*[1-9a-f]*|CapPrm:*[1-9a-f]*|CapEff:*[1-9a-f]*|"
				   "CapAmb:*[1-9a-f]*) exit 1;; esac; done </proc/self/status"),
		0);
	ck_assert_int_eq(run_as(0, "echo x 2>/dev/null >/root/x"), 2);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(root_with_some_capabilities_can_never_have_others)
{
	if (geteuid() != 0)
		return;
	begin(RULE_NOBODY, RULE_SERVANT);
	ck_assert_int_eq(run_as(1, "while read a b; do case $a$b in CapPrm:*|CapEff:*|CapBnd:*) test $b = 00000000000000c0 || exit 1;;"
				   "CapInh:*[1-9a-f]*|CapAmb:*[1-9a-f]*) exit 2;; esac; done </proc/self/status"),
		0);
	ck_assert_int_eq(end(), 0);
}
END_TEST

/* Those of its rules, and four that starting others takes. */
START_TEST(of_root_s_rights_a_spawner_keeps_what_it_needs)
{
	char path[32], line[128];
	unsigned long long permitted = 0;
	if (geteuid() != 0)
		return;
	begin(RULE_NOBODY, NULL);
	ck_assert_int_eq(run_as(0, "exit 3"), 3);
	snprintf(path, sizeof(path), "/proc/%d/status", spawner_pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) && sscanf(line, "CapPrm: %llx", &permitted) != 1)
		;
	fclose(file);
	ck_assert_uint_eq(permitted & ~0x1e0ULL, 0); /* CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP */
	ck_assert_uint_ne(permitted, 0);
	ck_assert_int_eq(end(), 0);
}
END_TEST

/* --- signals --- */

START_TEST(signals_reach_children_of_other_users_and_nobody_else_s)
{
	int status, pid;
	if (geteuid() != 0)
		return;
	int stranger = fork();
	if (stranger == 0) {
		pause();
		_exit(0);
	}
	begin(RULE_NOBODY, NULL);
	pid = shell_as(0, "exec sleep 1000");
	ck_assert_int_gt(pid, 0);
	const struct spawn_request parent = { .what = SPAWN_SIGNAL, .pid = (int)getppid(), .signal = 0 };
	const struct spawn_request master = { .what = SPAWN_SIGNAL, .pid = (int)getpid(), .signal = 0 };
	const struct spawn_request gone = { .what = SPAWN_SIGNAL, .pid = 0x3fffffff, .signal = 0 };
	const struct spawn_request odd = { .what = SPAWN_SIGNAL, .pid = pid, .signal = 1000 };
	const struct spawn_request child = { .what = SPAWN_SIGNAL, .pid = pid, .signal = SIGTERM };
	const struct spawn_request other = { .what = SPAWN_SIGNAL, .pid = stranger, .signal = SIGKILL };
	ck_assert_int_eq(ask(&parent, "", 0), -EPERM);
	ck_assert_int_eq(ask(&master, "", 0), -EPERM);
	ck_assert_int_eq(ask(&gone, "", 0), -ESRCH);
	ck_assert_int_eq(ask(&odd, "", 0), -EINVAL);
	ck_assert_int_eq(ask(&child, "", 0), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	ck_assert_int_eq(ask(&child, "", 0), -ESRCH);
	/* Not started by it, but its master's all the same. */
	ck_assert_int_eq(ask(&other, "", 0), 0);
	ck_assert_int_eq(waitpid(stranger, &status, 0), stranger);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(a_dead_child_s_group_can_be_killed_as_long_as_it_is_not_reaped)
{
	siginfo_t info;
	int pipe_fds[2];
	char byte;
	if (geteuid() != 0)
		return;
	begin(RULE_NOBODY, NULL);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	/* The shell's child has the pipe, and nobody else once the shell is dead. */
	static const char text[] = "sh\0-c\0exec setsid sh -c 'sleep 1000 & exit 0'";
	const struct spawn_request request = { .what = SPAWN_START, .n_args = 3, .places = 1 };
	int pid = ask_of(spawner_fd, &request, text, sizeof(text), &pipe_fds[1], 1);
	ck_assert_int_gt(pid, 0);
	close(pipe_fds[1]);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	const struct spawn_request group = { .what = SPAWN_SIGNAL, .pid = -pid, .signal = SIGKILL };
	ck_assert_int_eq(ask(&group, "", 0), 0);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 0); /* its end: the last one who had it is dead */
	close(pipe_fds[0]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(ask(&group, "", 0), -ESRCH);
	ck_assert_int_eq(end(), 0);
}
END_TEST

/* --- its own life --- */

START_TEST(signals_that_are_meant_for_its_master_do_not_end_it)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGTSTP, SIGALRM };
	begin(SPAWNER_AS_STARTED, NULL);
	ck_assert_int_eq(run_as(SPAWN_AS_STARTED, "exit 0"), 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		kill(spawner_pid, numbers[i]);
	ck_assert_int_eq(run_as(SPAWN_AS_STARTED, "exit 5"), 5);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(children_of_other_users_do_not_outlive_a_master_that_is_gone)
{
	int pipe_fds[2];
	char byte;
	if (geteuid() != 0)
		return;
	begin(RULE_NOBODY, NULL);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	static const char text[] = "sh\0-c\0trap '' TERM HUP; while :; do sleep 1000 3>&-; done";
	const struct spawn_request request = { .what = SPAWN_START, .n_args = 3, .places = 1 };
	int pid = ask_of(spawner_fd, &request, text, sizeof(text), &pipe_fds[1], 1);
	close(pipe_fds[1]);
	ck_assert_int_eq(end(), 0);
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_successor_may_do_just_as_much)
{
	int pair[2];
	begin(SPAWNER_AS_STARTED, NULL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	const struct spawn_request request = { .what = SPAWN_SUCCESSOR };
	int next = ask_of(spawner_fd, &request, "", 0, &pair[1], 1);
	ck_assert_int_gt(next, 0);
	close(pair[1]);
	ck_assert_int_eq(end(), 0);
	spawner_pid = next;
	spawner_fd = pair[0];
	ck_assert_int_eq(run_as(SPAWN_AS_STARTED, "exit 4"), 4);
	ck_assert_int_eq(run_as(0, "exit 4"), -EPERM);
	ck_assert_int_eq(end(), 0);
}
END_TEST

START_TEST(what_it_is_started_with_has_to_make_sense)
{
	static const char *const rules[] = { "nonsense", SPAWNER_PROGRAM, SPAWNER_USER, SPAWNER_USER "x:1:0:1:::",
		SPAWNER_USER "1:1", SPAWNER_USER "1:1:zz:1:::", SPAWNER_USER "1:1:1:1:::", SPAWNER_USER "4294967295:1:0:1:::",
		SPAWNER_USER "1:-1:0:1:::", SPAWNER_USER "1:1:0:1,x:::" };
	int silent = open("/dev/null", O_WRONLY | O_CLOEXEC), kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	dup2(silent, STDERR_FILENO);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		begin(rules[i], NULL);
		int status = end();
		ck_assert_msg(status == 2, "%s: %d", rules[i], status);
	}
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(silent);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spawner");
	TCase *tcase = tcase_create("spawner");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_child_is_the_child_of_who_asked_for_it);
	tcase_add_test(tcase, lies_are_refused_and_do_it_no_harm);
	tcase_add_test(tcase, a_message_that_is_cut_off_or_too_long_is_refused);
	tcase_add_test(tcase, descriptors_that_nobody_asked_for_are_closed);
	tcase_add_test(tcase, a_successor_is_given_one_socket_and_nothing_else);
	tcase_add_test(tcase, a_user_s_child_has_that_user_s_ids_and_groups_and_nothing_more);
	tcase_add_test(tcase, root_with_some_capabilities_can_never_have_others);
	tcase_add_test(tcase, of_root_s_rights_a_spawner_keeps_what_it_needs);
	tcase_add_test(tcase, signals_reach_children_of_other_users_and_nobody_else_s);
	tcase_add_test(tcase, a_dead_child_s_group_can_be_killed_as_long_as_it_is_not_reaped);
	tcase_add_test(tcase, signals_that_are_meant_for_its_master_do_not_end_it);
	tcase_add_test(tcase, children_of_other_users_do_not_outlive_a_master_that_is_gone);
	tcase_add_test(tcase, a_successor_may_do_just_as_much);
	tcase_add_test(tcase, what_it_is_started_with_has_to_make_sense);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
