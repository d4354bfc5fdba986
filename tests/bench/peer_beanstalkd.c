/* The peer beanstalkd, at its best: put, reserve, delete on a Unix socket, two consumers that send the deletion and the
 * next reservation in one write, and a producer that keeps IN_FLIGHT jobs on their way. No result is delivered.
 *
 *   peer_beanstalkd SOCKET IN_FLIGHT SECONDS      jobs a second */
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("peer_beanstalkd: connect");
		exit(1);
	}
	return fd;
}

static void put_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);
		if (n <= 0)
			_exit(1);
		text += n;
		length -= (size_t)n;
	}
}

static void consume(const char *path, _Atomic uint64_t *done)
{
	char buffer[65536], reply[64];
	int fd = dial(path);
	unsigned long long id;
	size_t have = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	put_all(fd, "reserve\r\n", 9);
	for (;;) {
		ssize_t n = read(fd, buffer + have, sizeof(buffer) - have - 1);
		if (n <= 0)
			_exit(1);
		have += (size_t)n;
		buffer[have] = '\0';
		const char *reserved = strstr(buffer, "RESERVED ");
		if (!reserved || sscanf(reserved, "RESERVED %llu", &id) != 1)
			continue;
		const char *line = strstr(reserved, "\r\n");
		if (!line || !strstr(line + 2, "\r\n"))
			continue;
		have = 0;
		put_all(fd, reply, (size_t)snprintf(reply, sizeof(reply), "delete %llu\r\nreserve\r\n", id));
		atomic_fetch_add(done, 1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: peer_beanstalkd SOCKET IN_FLIGHT SECONDS\n", stderr);
		return 2;
	}
	uint64_t in_flight = strtoull(argv[2], NULL, 10), sent = 0, at_begin = 0;
	_Atomic uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t consumers[2];
	for (int i = 0; i < 2; i++)
		if ((consumers[i] = fork()) == 0)
			consume(argv[1], done);
	int fd = dial(argv[1]);
	static const char put[] = "put 0 0 60 2\r\n[]\r\n";
	char out[65536], in[65536];
	double begin = now_s() + 0.2, end = begin + atof(argv[3]);
	bool measuring = false;
	while (now_s() < end) {
		if (!measuring && now_s() >= begin) {
			measuring = true;
			begin = now_s();
			at_begin = atomic_load(done);
		}
		size_t used = 0;
		while (sent < atomic_load(done) + in_flight && used + sizeof(put) < sizeof(out)) {
			memcpy(out + used, put, sizeof(put) - 1);
			used += sizeof(put) - 1;
			sent++;
		}
		if (used)
			put_all(fd, out, used);
		else
			usleep(20);
		(void)!recv(fd, in, sizeof(in), MSG_DONTWAIT);
	}
	printf("%.0f\n", (double)(atomic_load(done) - at_begin) / (now_s() - begin));
	for (int i = 0; i < 2; i++) {
		kill(consumers[i], SIGKILL);
		waitpid(consumers[i], NULL, 0);
	}
	return 0;
}
