/* The floor: the same chain of processes and wake-ups that a call goes through, with nothing in it: client → socket →
 * master → semaphore → worker → eventfd → master → socket → client. Prints the median round trip in microseconds. */
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void worker(sem_t *wake, int bell)
{
	uint64_t one = 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (sem_wait(wake) == 0)
		if (write(bell, &one, sizeof(one)) != sizeof(one))
			break;
	_exit(0);
}

static void master(int client, sem_t *wake, int bell)
{
	char byte;
	uint64_t count;
	struct pollfd polls[2] = { { .fd = client, .events = POLLIN }, { .fd = bell, .events = POLLIN } };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (poll(polls, 2, -1) > 0) {
		if (polls[0].revents) {
			if (read(client, &byte, 1) != 1)
				break;
			sem_post(wake);
		}
		if (polls[1].revents && (read(bell, &count, sizeof(count)) != sizeof(count) || write(client, "x", 1) != 1))
			break;
	}
	_exit(0);
}

int main(void)
{
	enum { ROUNDS = 20000 };
	static double times[ROUNDS];
	int pair[2], bell = eventfd(0, 0);
	sem_t *wake = mmap(NULL, sizeof(*wake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bell < 0 || wake == MAP_FAILED || sem_init(wake, 1, 0) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	pid_t worker_pid = fork();
	if (worker_pid == 0)
		worker(wake, bell);
	pid_t master_pid = fork();
	if (master_pid == 0)
		master(pair[1], wake, bell);
	for (int i = 0; i < ROUNDS; i++) {
		char byte;
		double start = now_us();
		if (write(pair[0], "x", 1) != 1 || read(pair[0], &byte, 1) != 1)
			return 1;
		times[i] = now_us() - start;
	}
	kill(worker_pid, SIGKILL);
	kill(master_pid, SIGKILL);
	waitpid(worker_pid, NULL, 0);
	waitpid(master_pid, NULL, 0);
	qsort(times, ROUNDS, sizeof(*times), by_value);
	printf("%.2f\n", times[ROUNDS / 2]);
	return 0;
}
