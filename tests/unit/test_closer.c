/* Descriptors that take long to close, and who does not wait for them. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/closer.h"

#define LONG_S 600
#define PATIENCE_NS (30 * NS_PER_S)

static size_t count_open(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void wait_for_open(size_t n)
{
	int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
	while (count_open() != n) {
		ck_assert_int_lt(clock_mono_ns(), end_ns);
		usleep(1000);
	}
}

/* A connection over which nothing goes any more: to close it takes SECONDS, or until *OTHER is closed. */
static int lingering(int seconds, int *other)
{
	static const char bytes[4096];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = seconds };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
	*other = accept(listener, NULL, NULL);
	ck_assert_int_ge(*other, 0);
	close(listener);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	return fd;
}

START_TEST(a_pipe_is_closed_at_once)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	errno = EXDEV;
	closer_close(ends[0]);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_lt(fcntl(ends[0], F_GETFD), 0);
	close(ends[1]);
}
END_TEST

START_TEST(anything_else_is_closed_before_long)
{
	size_t before = count_open();
	for (int i = 0; i < 500; i++)
		closer_close(open("/dev/null", O_RDONLY));
	wait_for_open(before);
}
END_TEST

/* There are more of them than threads may be. */
START_TEST(nobody_waits_for_one_that_takes_long)
{
	enum { N = 40 };
	int others[N];
	size_t before = count_open();
	for (int i = 0; i < N; i++)
		closer_close(lingering(LONG_S, &others[i]));
	for (int i = 0; i < N; i++)
		close(others[i]);
	wait_for_open(before);
}
END_TEST

START_TEST(a_socket_with_nothing_in_it_is_closed_at_once)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[0], "bye", 3), 3);
	closer_close_socket(pair[0]);
	ck_assert_int_lt(fcntl(pair[0], F_GETFD), 0);
	char text[8];
	ck_assert_int_eq(read(pair[1], text, sizeof(text)), 3);
	ck_assert_int_eq(read(pair[1], text, sizeof(text)), 0);
	close(pair[1]);
}
END_TEST

START_TEST(nor_for_what_waits_in_a_socket_unread)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t) "x", .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	int pair[2], other, fd = lingering(LONG_S, &other);
	size_t before = count_open() - 1; /* without fd */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	control.header = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))
	};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(pair[1], &message, 0), 1);
	close(fd);
	closer_close_socket(pair[0]);
	ck_assert_int_lt(send(pair[1], "y", 1, MSG_NOSIGNAL), 0);
	close(pair[1]);
	close(other);
	wait_for_open(before - 1);
}
END_TEST

START_TEST(packets_with_nothing_among_them_are_closed_at_once)
{
	int pair[2];
	for (int unread = 0; unread < 3; unread++) { /* nothing; an empty one, which is not nothing; one */
		size_t before = count_open();
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		if (unread)
			ck_assert_int_eq(send(pair[1], "x", (size_t)unread - 1, 0), unread - 1);
		close(pair[1]);
		closer_close_packets(pair[0]);
		if (!unread)
			ck_assert_int_lt(fcntl(pair[0], F_GETFD), 0);
		wait_for_open(before);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("closer");
	TCase *all = tcase_create("closer");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, a_pipe_is_closed_at_once);
	tcase_add_test(all, anything_else_is_closed_before_long);
	tcase_add_test(all, nobody_waits_for_one_that_takes_long);
	tcase_add_test(all, a_socket_with_nothing_in_it_is_closed_at_once);
	tcase_add_test(all, nor_for_what_waits_in_a_socket_unread);
	tcase_add_test(all, packets_with_nothing_among_them_are_closed_at_once);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
