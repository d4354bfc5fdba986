/* Whether a process that has connected is still there: its number may be another's later. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "edge/peer.h"

static struct sockaddr_un address;
static int listener;

static void set_up(void)
{
	address.sun_family = AF_UNIX; /* and a name that the kernel gives */
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t length = sizeof(address);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
}

static void tear_down(void)
{
	close(listener);
}

static int64_t boot_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* CLIENT is left open for this process, too, which it is not then: as where a child has it. */
static pid_t connect_elsewhere(int client)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (connect(client, (struct sockaddr *)&address, sizeof(sa_family_t) + 6) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	return pid;
}

START_TEST(one_that_has_ended_is_not_there_though_its_connection_is)
{
	struct peer peer;
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid = connect_elsewhere(client);
	int fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(peer_of(fd, &peer), 0);
	ck_assert_int_eq(peer.pid, pid);
	int lowest = dup(fd);
	close(lowest);
	ck_assert(peer_is_there(fd, &peer));
	ck_assert_int_eq(dup(fd), lowest); /* it keeps none open */
	close(lowest);
	ck_assert(process_is_since(pid, peer.since_ns));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!peer_is_there(fd, &peer));
	peer.pid = getpid(); /* its number is another's now: whose does not matter where the kernel knows, and else is younger */
	peer.since_ns = 1;
	ck_assert(!peer_is_there(fd, &peer));
	peer.since_ns = boot_ns(); /* nor is anybody there where it cannot be told */
	ck_assert(!peer_is_there(-1, &peer));
	peer_free(&peer);
	close(fd);
	close(client);
}
END_TEST

START_TEST(without_the_kernels_word_who_began_later_is_another)
{
	int64_t before_ns = boot_ns();
	ck_assert(process_is_since(getpid(), before_ns));
	ck_assert(!process_is_since(getpid(), 1));
	ck_assert(!process_is_since(getpid(), 0)); /* not known */
	prctl(PR_SET_NAME, "a) b"); /* which is its child's as well */
	ck_assert(process_is_since(getpid(), before_ns));
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	ck_assert(process_is_since(pid, boot_ns()));
	ck_assert(!process_is_since(pid, before_ns - NS_PER_S));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!process_is_since(pid, boot_ns()));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("edge: peers");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, one_that_has_ended_is_not_there_though_its_connection_is);
	tcase_add_test(all, without_the_kernels_word_who_began_later_is_another);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
