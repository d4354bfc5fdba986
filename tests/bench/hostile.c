/* One quiet client, and what may go on beside it: a hostile one of each kind. Prints figures of the quiet one.
 *
 *   hostile SOCKET quiet METHOD SECONDS [GAP]   microseconds of its requests: median, 99th percentile. From an answer to
 *                                               the next request there are GAP microseconds, 500 where it is not said
 *   hostile SOCKET KIND                         is hostile, says "ready" once it has begun, and ends with its input
 *
 * KIND: pings, calls (pipelined without end), write (100,000 requests in one write, again and again), frames (of 8 MiB),
 * lists (frames of 4 MiB that are all brackets and commas), watchers (64 that do not read, and a stream of events), die
 * (connect and die, half a frame behind it), cancels (of what was just asked for), ids (100,000 in each request), slow (a
 * thousand frames, a byte at a time), and spin: no client at all, two processes that only compute, for comparison. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define QUIET_GAP_NS 500000L
#define PATIENCE_NS 5000000000L
#define WARM_UP_NS 500000000L
#define BLOCK_LENGTH (1u << 20)
#define MANY 100000
#define BIG_FRAME (8u << 20)
#define WATCHERS 64
#define SLOW 1000
#define FAR 1000000000 /* ids from there on are nobody's, so that nobody's tasks are cancelled */

static const char *socket_path;

static void die(const char *what)
{
	fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int connected(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strncpy(address.sun_path, socket_path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	return fd;
}

/* --- the quiet one --- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double round_trip(int fd, const char *text, size_t length)
{
	char answer[4096];
	int64_t start = now_ns();
	if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
		die("send");
	struct pollfd state = { .fd = fd, .events = POLLIN };
	if (poll(&state, 1, PATIENCE_NS / 1000000) == 0)
		return -1;
	ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);
	if (got <= 0)
		die("recv");
	answer[got] = '\0';
	if (!strstr(answer, "\"result\"")) {
		fprintf(stderr, "hostile: %s\n", answer);
		exit(1);
	}
	return (double)(now_ns() - start) / 1e3;
}

static void quiet(const char *method, double seconds, long gap_ns)
{
	char text[256];
	size_t room = 1 << 20, n = 0, length;
	double *times = calloc(room, sizeof(*times));
	int fd = connected();
	length = (size_t)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n", method);
	int64_t begin = now_ns();
	bool answered = true;
	for (int i = 0; i < 20 && answered && now_ns() < begin + WARM_UP_NS; i++)
		answered = round_trip(fd, text, length) >= 0;
	if (!answered)
		times[n++] = PATIENCE_NS / 1e3; /* or more */
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);
	/* Where one takes its time, some will do. */
	while (answered && n < room && now_ns() < end + (n < 100 ? PATIENCE_NS : 0)) {
		if (gap_ns)
			nanosleep(&(struct timespec){ .tv_nsec = gap_ns }, NULL);
		times[n] = round_trip(fd, text, length);
		answered = times[n] >= 0;
		if (!answered)
			times[n] = PATIENCE_NS / 1e3;
		n++;
	}
	qsort(times, n, sizeof(*times), by_value);
	printf("%.1f %.1f\n", times[n / 2], times[n * 99 / 100]);
	free(times);
	close(fd);
}

/* --- the hostile ones --- */

/* A text that is sent over and over. */
struct block {
	char *text;
	size_t length, room;
};

static void block_add(struct block *block, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void block_add(struct block *block, const char *format, ...)
{
	va_list arguments;
	if (block->room - block->length < 512) {
		block->room = block->room * 2 + 4096;
		block->text = realloc(block->text, block->room);
	}
	va_start(arguments, format);
	block->length += (size_t)vsnprintf(block->text + block->length, block->room - block->length, format, arguments);
	va_end(arguments);
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

/* Sends BLOCK over and over, as fast as it is taken, and throws the answers away. WHOLE: the next only when as many
 * lines have come as it has. */
static void flood(const struct block *block, size_t whole)
{
	static char drain[1 << 18];
	int fd = connected();
	size_t sent = 0, lines = 0;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ready();
	for (;;) {
		bool waits = whole && sent == block->length;
		struct pollfd state = { .fd = fd, .events = (short)(POLLIN | (waits ? 0 : POLLOUT)) };
		if (poll(&state, 1, -1) < 0)
			die("poll");
		ssize_t n = state.revents & (POLLIN | POLLHUP) ? recv(fd, drain, sizeof(drain), 0) : -1;
		if (n == 0 || (state.revents & POLLERR)) {
			errno = EPIPE;
			die("the daemon hung up");
		}
		for (ssize_t i = 0; whole && i < n; i++)
			lines += drain[i] == '\n';
		if (whole && lines >= whole)
			sent = lines = 0;
		if (!waits && (state.revents & POLLOUT) &&
			(n = send(fd, block->text + sent, block->length - sent, MSG_NOSIGNAL)) > 0)
			sent += (size_t)n;
		if (!whole && sent == block->length)
			sent = 0;
	}
}

static void flood_method(const char *method)
{
	struct block block = { 0 };
	for (int i = 0; block.length < BLOCK_LENGTH; i++)
		block_add(&block, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}\n", i, method);
	flood(&block, 0);
}

static void pings(void)
{
	flood_method("server.ping");
}

static void calls(void)
{
	flood_method("noop");
}

static void many_in_one_write(void)
{
	struct block block = { 0 };
	for (int i = 0; i < MANY; i++)
		block_add(&block, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"server.ping\"}\n", i);
	flood(&block, MANY);
}

/* A frame of SIZE bytes made of PIECE; the method takes no such parameters, and says so when it has seen it all. */
static void big_frames(const char *piece, size_t size, const char *before, const char *behind)
{
	struct block block = { 0 };
	block_add(&block, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\",\"params\":%s", before);
	while (block.length < size)
		block_add(&block, "%s", piece);
	block_add(&block, "%s}\n", behind);
	flood(&block, 1);
}

static void frames(void)
{
	big_frames("there is nothing in this text but its length, which is what it is about; ", BIG_FRAME, "[\"", "\"]");
}

static void lists(void)
{
	big_frames("[],[],[],[],{},[],[1],[2],[3],", BIG_FRAME / 2, "[", "0]");
}

static void watchers(void)
{
	static const char watch[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"task.watch\"}\n";
	struct block block = { 0 };
	for (int i = 0; i < WATCHERS; i++)
		if (send(connected(), watch, sizeof(watch) - 1, MSG_NOSIGNAL) < 0)
			die("watch");
	for (int i = 0; i < 64; i++)
		block_add(&block, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"noop\"}\n", i);
	flood(&block, 64);
}

static void connect_and_die(void)
{
	static const char half[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"noop\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"meth";
	ready();
	for (;;) {
		int fd = connected();
		(void)!send(fd, half, sizeof(half) - 1, MSG_NOSIGNAL);
		close(fd);
	}
}

static void cancels(void)
{
	struct block block = { 0 };
	for (int i = 0; block.length < BLOCK_LENGTH; i++)
		block_add(&block,
			"{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"sleep\",\"params\":[300]}\n"
			"{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":%d}}\n",
			i, i);
	flood(&block, 0);
}

static void ids(void)
{
	static const char *const methods[] = { "task.cancel", "task.forget", "task.status" };
	struct block block = { 0 };
	for (int i = 0; i < 3; i++) {
		block_add(&block, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":{\"ids\":[%d", i, methods[i], FAR);
		for (int id = 1; id < MANY; id++)
			block_add(&block, ",%d", FAR + id);
		block_add(&block, "]}}\n");
	}
	flood(&block, 3);
}

static void slow(void)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\",\"params\":[\"";
	int fds[SLOW];
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < SLOW; i++)
		if (send(fds[i] = connected(), text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
			die("send");
	ready();
	for (;;)
		for (int i = 0; i < SLOW; i++)
			if (send(fds[i], "x", 1, MSG_NOSIGNAL) < 0)
				die("send");
}

static void spin(void)
{
	if (fork() > 0)
		ready();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (volatile unsigned i = 0;;)
		i++;
}

static const struct kind {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{ "pings", pings },
	{ "calls", calls },
	{ "write", many_in_one_write },
	{ "frames", frames },
	{ "lists", lists },
	{ "watchers", watchers },
	{ "die", connect_and_die },
	{ "cancels", cancels },
	{ "ids", ids },
	{ "slow", slow },
	{ "spin", spin },
};

/* In a process of its own, which ends when whoever started us wants no more; 1: by itself before. */
static int be_hostile(void (*run)(void))
{
	int alive[2];
	if (pipe(alive) < 0)
		die("pipe");
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			run();
		_exit(1);
	}
	close(alive[1]);
	struct pollfd ends[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = alive[0], .events = POLLIN } };
	while (poll(ends, 2, -1) < 0)
		;
	return ends[1].revents ? 1 : 0;
}

int main(int argc, char **argv)
{
	if ((argc == 5 || argc == 6) && strcmp(argv[2], "quiet") == 0) {
		socket_path = argv[1];
		quiet(argv[3], atof(argv[4]), argc == 6 ? atol(argv[5]) * 1000 : QUIET_GAP_NS);
		return 0;
	}
	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[2], kinds[i].name) == 0) {
			socket_path = argv[1];
			return be_hostile(kinds[i].run);
		}
	fputs("usage: hostile SOCKET quiet METHOD SECONDS [GAP] | hostile SOCKET KIND, see tests/bench/hostile.c\n", stderr);
	return 2;
}
