/* Locks and message queues of a taskd beside the barest that could do the same, and prints one figure.
 *
 *   objects SOCKET bare            microseconds of a round trip over a socket to a process that does nothing, the median
 *   objects SOCKET ping            …of server.ping
 *   objects SOCKET pair            …of acquiring a lock that nobody has, or releasing it: half of what both take
 *   objects SOCKET bare-handover   microseconds from holder to holder between two processes, through a third that has
 *                                  one semaphore and speaks single bytes
 *   objects SOCKET handover        …of a lock of taskd's
 *   objects SOCKET puts COUNT      messages a second into a queue, on one connection, without waiting for each answer
 *   objects SOCKET gets COUNT      …out of it */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/taskd.h"

enum { ROUNDS = 20000, HANDOVERS = 20000, IN_FLIGHT = 256 };

static double now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void die(const char *what)
{
	const char *text;
	taskd_last_error(&text);
	fprintf(stderr, "objects: %s: %s\n", what, text ? text : "");
	exit(1);
}

static struct taskd *connected(const char *socket)
{
	struct taskd *c = taskd_connect(socket, NULL);
	if (!c)
		die("connect");
	return c;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median_of(void (*round)(void *user), void *user)
{
	static double times[ROUNDS];
	for (int i = 0; i < ROUNDS / 10; i++)
		round(user);
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_us();
		round(user);
		times[i] = now_us() - start;
	}
	qsort(times, ROUNDS, sizeof(times[0]), by_value);
	return times[ROUNDS / 2];
}

/* --- alone --- */

static void exchange(int fd, char byte)
{
	if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
		die("a bare exchange");
}

static void bare_round(void *user)
{
	exchange(*(int *)user, 'x');
}

static double bare(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair");
	if (fork() == 0) {
		char byte;
		close(pair[0]);
		while (read(pair[1], &byte, 1) == 1 && write(pair[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(pair[1]);
	double median = median_of(bare_round, &pair[0]);
	close(pair[0]);
	wait(NULL);
	return median;
}

static void ping_round(void *user)
{
	struct taskd_future *f = taskd_request(user, "server.ping", NULL);
	if (taskd_result(f, TASKD_FOREVER) != TASKD_OK)
		die("server.ping");
	taskd_future_free(f);
}

static void pair_round(void *user)
{
	if (taskd_lock_acquire(user, "bench", NULL, TASKD_FOREVER, NULL) != TASKD_OK ||
		taskd_lock_release(user, "bench", NULL) != TASKD_OK)
		die("lock");
}

/* --- from hand to hand --- */

/* Whoever has the semaphore counts, and gives it back: so every count but few is of another than the last. */
struct hand {
	void *user;
	void (*acquire)(void *user);
	void (*release)(void *user);
};

static void hand_over(const struct hand *hand, int count)
{
	for (int i = 0; i < count; i++) {
		hand->acquire(hand->user);
		hand->release(hand->user);
	}
}

static void bare_acquire(void *user)
{
	exchange(*(int *)user, 'P');
}

static void bare_release(void *user)
{
	exchange(*(int *)user, 'V');
}

static void answer(int fd)
{
	if (write(fd, "x", 1) != 1)
		_exit(1);
}

/* One semaphore for two. */
static void serve(const int *fds)
{
	struct pollfd polls[2] = { { .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN } };
	int holder = -1, waiter = -1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (poll(polls, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			char byte;
			if (!polls[i].revents)
				continue;
			if (read(fds[i], &byte, 1) != 1)
				_exit(0);
			if (byte == 'P' && holder >= 0) {
				waiter = i;
				continue;
			}
			if (byte == 'P') {
				holder = i;
			} else {
				holder = waiter;
				waiter = -1;
				if (holder >= 0)
					answer(fds[holder]);
			}
			answer(fds[i]);
		}
	_exit(0);
}

static void taskd_acquire(void *user)
{
	if (taskd_lock_acquire(user, "bench", NULL, TASKD_FOREVER, NULL) != TASKD_OK)
		die("lock.acquire");
}

static void taskd_release(void *user)
{
	if (taskd_lock_release(user, "bench", NULL) != TASKD_OK)
		die("lock.release");
}

/* Both begin at once: the other waits for a byte. */
static double time_hands(struct hand (*make)(void *user, int which), void *user)
{
	int start[2], status;
	char byte;
	if (pipe(start) < 0)
		die("pipe");
	pid_t other = fork();
	if (other == 0) {
		struct hand hand = make(user, 1);
		if (read(start[0], &byte, 1) != 1)
			_exit(1);
		hand_over(&hand, HANDOVERS);
		_exit(0);
	}
	struct hand hand = make(user, 0);
	double begin = now_us();
	if (write(start[1], "x", 1) != 1)
		die("write");
	hand_over(&hand, HANDOVERS);
	if (waitpid(other, &status, 0) != other || status != 0)
		die("the other one");
	return (now_us() - begin) / (2 * HANDOVERS);
}

static struct hand bare_hand(void *user, int which)
{
	return (struct hand){ (int *)user + which, bare_acquire, bare_release };
}

static double bare_handover(void)
{
	int pairs[2][2], ours[2], theirs[2];
	for (int i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]) < 0)
			die("socketpair");
		ours[i] = pairs[i][0];
		theirs[i] = pairs[i][1];
	}
	pid_t server = fork();
	if (server == 0)
		serve(theirs);
	double each = time_hands(bare_hand, ours);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return each;
}

static struct hand taskd_hand(void *user, int which)
{
	(void)which;
	return (struct hand){ connected(user), taskd_acquire, taskd_release };
}

/* --- message queues --- */

static double pipelined(struct taskd *c, const char *method, const char *params, long count)
{
	struct taskd_future *futures[IN_FLIGHT] = { NULL };
	double start = now_us();
	for (long i = 0; i < count + IN_FLIGHT; i++) {
		struct taskd_future **place = &futures[i % IN_FLIGHT];
		if (*place && taskd_result(*place, TASKD_FOREVER) != TASKD_OK)
			die(method);
		taskd_future_free(*place);
		*place = i < count ? taskd_request(c, method, params) : NULL;
		if (i < count && !*place)
			die(method);
	}
	return (double)count / (now_us() - start) * 1e6;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	long count = argc > 3 ? atol(argv[3]) : 0;
	double figure;
	if (strcmp(what, "bare") == 0)
		figure = bare();
	else if (strcmp(what, "ping") == 0)
		figure = median_of(ping_round, connected(argv[1]));
	else if (strcmp(what, "pair") == 0)
		figure = median_of(pair_round, connected(argv[1])) / 2;
	else if (strcmp(what, "bare-handover") == 0)
		figure = bare_handover();
	else if (strcmp(what, "handover") == 0)
		figure = time_hands(taskd_hand, argv[1]);
	else if (strcmp(what, "puts") == 0 && count > 0)
		figure = pipelined(connected(argv[1]), "mq.put",
			"{\"name\":\"bench\",\"value\":{\"n\":12345,\"what\":\"a message\"}}", count);
	else if (strcmp(what, "gets") == 0 && count > 0)
		figure = pipelined(connected(argv[1]), "mq.get", "{\"name\":\"bench\"}", count);
	else {
		fprintf(stderr,
			"usage: objects SOCKET bare | ping | pair | bare-handover | handover | puts COUNT | gets COUNT\n");
		return 2;
	}
	printf("%.3f\n", figure);
	return 0;
}
