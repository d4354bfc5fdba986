/* Puts load on a taskd through libtaskd, and prints one figure.
 *
 *   load SOCKET calls IN_FLIGHT CONNECTIONS SECONDS   tasks a second
 *   load SOCKET detached IN_FLIGHT CONNECTIONS SECONDS  the same of submitted tasks, from submission to outcome
 *   load SOCKET submits IN_FLIGHT CONNECTIONS SECONDS   acknowledged submissions a second; what becomes of them is not waited for
 *   load SOCKET alone SECONDS                         microseconds of one call, the median
 *   load SOCKET submit-alone SECONDS                  … from one submission to its acknowledgement, while nothing else goes on
 *   load SOCKET map CHUNK SECONDS                     items a second
 *   load SOCKET fill COUNT TASK ARGS PRIORITY         submits COUNT detached tasks; how many a second
 *   load SOCKET delayed COUNT TASK ARGS WHEN SPREAD   the same, due from WHEN seconds after the start, evenly over SPREAD
 *   load SOCKET drain                                 waits until nothing waits or runs; for how many seconds
 *   load SOCKET cancel FROM TO COUNT                  cancels COUNT tasks, ids picked from FROM…TO; how many a second
 *   load SOCKET idle COUNT                            opens COUNT connections, prints "ready", waits for its input's end */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/taskd.h"

#define WARM_UP_NS (200 * TASKD_MS)

static int64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * TASKD_SECOND + ts.tv_nsec;
}

static void die(const char *what)
{
	const char *text;
	taskd_last_error(&text);
	fprintf(stderr, "load: %s: %s\n", what, text ? text : "");
	exit(1);
}

static struct taskd *connected(const char *socket)
{
	struct taskd *c = taskd_connect(socket, NULL);
	if (!c)
		die("connect");
	return c;
}

/* --- calls --- */

enum what { CALLS, DETACHED, SUBMITS };

struct flight {
	enum what what;
	struct taskd **connections;
	size_t n_connections;
	struct taskd_future **done; /* to be freed outside of their callbacks */
	size_t n_done;
	uint64_t ended;
	bool stopping;
	size_t outstanding;
};

struct stream { /* one task at a time, the next when it has ended */
	struct flight *flight;
	struct taskd *c;
};

static void stream_next(struct stream *stream);

static void on_done(struct taskd_future *f, void *user)
{
	struct stream *stream = user;
	struct flight *flight = stream->flight;
	if (!taskd_future_result(f, NULL)) {
		fprintf(stderr, "load: %s\n", taskd_future_error(f)->message);
		exit(1);
	}
	flight->ended++;
	flight->outstanding--;
	flight->done[flight->n_done++] = f;
	if (!flight->stopping)
		stream_next(stream);
}

static struct taskd_future *submit(const struct stream *stream)
{
	const struct taskd_options detached = { .detached = true };
	switch (stream->flight->what) {
	case CALLS:
		return taskd_submit(stream->c, "noop", "[]", NULL);
	case DETACHED:
		return taskd_submit(stream->c, "noop", "[]", &detached);
	case SUBMITS:
		return taskd_request(stream->c, "task.submit", "{\"task\":\"noop\"}");
	}
	abort();
}

static void stream_next(struct stream *stream)
{
	struct taskd_future *f = submit(stream);
	if (!f || taskd_add_done_callback(f, on_done, stream) != TASKD_OK)
		die("submit");
	stream->flight->outstanding++;
}

static void flight_turn(struct flight *flight, struct pollfd *polls)
{
	bool any = false;
	for (size_t i = 0; i < flight->n_connections; i++)
		any |= taskd_dispatch(flight->connections[i], 0) == TASKD_OK;
	for (size_t i = 0; i < flight->n_connections && !any; i++)
		polls[i].events = (short)(POLLIN | (taskd_wants_write(flight->connections[i]) ? POLLOUT : 0));
	if (!any && poll(polls, flight->n_connections, 10000) <= 0)
		die("nothing came for 10 s");
	for (size_t i = 0; i < flight->n_done; i++)
		taskd_future_free(flight->done[i]);
	flight->n_done = 0;
}

static double calls(const char *socket, enum what what, size_t in_flight, size_t n_connections, double seconds)
{
	struct flight flight = { .what = what, .n_connections = n_connections };
	struct pollfd *polls = calloc(n_connections, sizeof(*polls));
	struct stream *streams = calloc(in_flight, sizeof(*streams));
	flight.connections = calloc(n_connections, sizeof(struct taskd *));
	flight.done = calloc(in_flight * 64 + 65536, sizeof(struct taskd_future *));
	for (size_t i = 0; i < n_connections; i++) {
		flight.connections[i] = connected(socket);
		polls[i] = (struct pollfd){ .fd = taskd_fd(flight.connections[i]), .events = POLLIN };
	}
	for (size_t i = 0; i < in_flight; i++) {
		streams[i] = (struct stream){ &flight, flight.connections[i % n_connections] };
		stream_next(&streams[i]);
	}
	int64_t begin = now_ns() + WARM_UP_NS, end = begin + (int64_t)(seconds * 1e9);
	uint64_t at_begin = 0;
	while (now_ns() < begin)
		flight_turn(&flight, polls);
	at_begin = flight.ended;
	begin = now_ns();
	int64_t now;
	while ((now = now_ns()) < end)
		flight_turn(&flight, polls);
	double rate = (double)(flight.ended - at_begin) / ((double)(now - begin) / 1e9);
	flight.stopping = true;
	while (flight.outstanding)
		flight_turn(&flight, polls);
	for (size_t i = 0; i < n_connections; i++)
		taskd_close(flight.connections[i]);
	free(flight.connections);
	free(flight.done);
	free(streams);
	free(polls);
	return rate;
}

/* --- alone --- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double alone(const char *socket, double seconds)
{
	struct taskd *c = connected(socket);
	size_t room = 1 << 20, n = 0;
	double *times = calloc(room, sizeof(*times));
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);
	while (n < room && now_ns() < end) {
		int64_t start = now_ns();
		struct taskd_future *f = taskd_submit(c, "noop", "[]", NULL);
		if (!f || taskd_result(f, 10 * TASKD_SECOND) != TASKD_OK)
			die("call");
		times[n++] = (double)(now_ns() - start) / 1e3;
		taskd_future_free(f);
	}
	qsort(times, n, sizeof(*times), by_value);
	double median = times[n / 2];
	free(times);
	taskd_close(c);
	return median;
}

/* The outcome is waited for, too, before the next one, so that nobody's writing is in the way. */
static double submit_alone(const char *socket, double seconds)
{
	struct taskd *c = connected(socket);
	size_t room = 1 << 20, n = 0;
	double *times = calloc(room, sizeof(*times));
	int64_t end = now_ns() + (int64_t)(seconds * 1e9);
	const struct taskd_options detached = { .detached = true };
	while (n < room && now_ns() < end) {
		int64_t start = now_ns();
		struct taskd_future *f = taskd_submit(c, "noop", "[]", &detached);
		if (!f || taskd_acknowledged(f, 10 * TASKD_SECOND) != TASKD_OK)
			die("submit");
		times[n++] = (double)(now_ns() - start) / 1e3;
		if (taskd_result(f, 10 * TASKD_SECOND) != TASKD_OK)
			die("its outcome");
		taskd_future_free(f);
	}
	qsort(times, n, sizeof(*times), by_value);
	double median = times[n / 2];
	free(times);
	taskd_close(c);
	return median;
}

/* --- map --- */

struct items {
	int64_t end_ns;
	uint64_t given;
	uint64_t got;
	char text[24];
};

static const char *next_item(void *user, size_t *length)
{
	struct items *items = user;
	if ((items->given & 1023) == 0 && now_ns() >= items->end_ns)
		return NULL;
	*length = (size_t)snprintf(items->text, sizeof(items->text), "%llu", (unsigned long long)items->given++ % 1000);
	return items->text;
}

static bool got_item(void *user, size_t index, const char *result, size_t length, const struct taskd_failure *failure)
{
	struct items *items = user;
	(void)index;
	(void)length;
	if (!result) {
		fprintf(stderr, "load: %s\n", failure->message);
		exit(1);
	}
	items->got++;
	return true;
}

static double map(const char *socket, size_t chunk, double seconds)
{
	struct taskd *c = connected(socket);
	const struct taskd_map_options options = { .chunk = chunk };
	int64_t start = now_ns();
	struct items items = { .end_ns = start + (int64_t)(seconds * 1e9) };
	if (taskd_map(c, "echo", next_item, got_item, &items, &options, TASKD_FOREVER) != TASKD_OK)
		die("map");
	double rate = (double)items.got / ((double)(now_ns() - start) / 1e9);
	taskd_close(c);
	return rate;
}

/* --- fill --- */

/* COUNT requests of METHOD, 512 at once; PARAMS writes each one's parameters. How many a second. */
static double pipelined(const char *socket, const char *method, size_t count,
	void (*params)(char *text, size_t size, size_t index, const void *user), const void *user)
{
	struct taskd *c = connected(socket);
	char text[1024];
	struct taskd_future *window[512] = { 0 };
	int64_t start = now_ns();
	for (size_t i = 0; i < count + 512; i++) {
		struct taskd_future **f = &window[i % 512];
		if (*f && taskd_result(*f, 30 * TASKD_SECOND) != TASKD_OK)
			die(taskd_future_error(*f)->message);
		taskd_future_free(*f);
		*f = NULL;
		if (i >= count)
			continue;
		params(text, sizeof(text), i, user);
		if (!(*f = taskd_request(c, method, text)))
			die(method);
	}
	double rate = (double)count / ((double)(now_ns() - start) / 1e9);
	taskd_close(c);
	return rate;
}

struct filling {
	const char *task, *args;
	int priority;
	size_t count;
	int64_t due_ns; /* 0: at once */
	double spread;
};

static void filling_params(char *text, size_t size, size_t index, const void *user)
{
	const struct filling *filling = user;
	int n = snprintf(text, size, "{\"task\":\"%s\",\"args\":%s,\"priority\":%d", filling->task, filling->args,
		filling->priority);
	if (filling->due_ns) {
		int64_t spread_ms = (int64_t)(filling->spread * 1e3) * (int64_t)index / (int64_t)filling->count;
		int64_t in_ms = (filling->due_ns - now_ns()) / TASKD_MS + spread_ms;
		if (in_ms < 0)
			in_ms = 0;
		n += snprintf(text + n, size - (size_t)n, ",\"delay\":%d.%03d", (int)(in_ms / 1000), (int)(in_ms % 1000));
	}
	snprintf(text + n, size - (size_t)n, "}");
}

static double fill(const char *socket, const struct filling *filling)
{
	return pipelined(socket, "task.submit", filling->count, filling_params, filling);
}

/* --- cancel --- */

struct range {
	uint64_t from, to;
};

static void cancel_params(char *text, size_t size, size_t index, const void *user)
{
	/* A different id every time: the step has no factor in common with the number of ids, which is even. */
	const struct range *range = user;
	uint64_t ids = range->to - range->from + 1;
	snprintf(text, size, "{\"ids\":[%llu]}", (unsigned long long)(range->from + (uint64_t)index * 700001 % ids));
}

/* --- drain --- */

static bool something_left(struct taskd *c)
{
	static const char *const nothing[] = { "\"queued\":0,", "\"scheduled\":0,", "\"running\":0," };
	struct taskd_future *f = taskd_request(c, "server.stats", NULL);
	if (!f || taskd_result(f, 60 * TASKD_SECOND) != TASKD_OK)
		die("server.stats");
	bool left = false;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(*nothing); i++)
		left |= !strstr(taskd_future_result(f, NULL), nothing[i]);
	taskd_future_free(f);
	return left;
}

static double drain(const char *socket)
{
	struct taskd *c = connected(socket);
	int64_t start = now_ns();
	while (something_left(c))
		nanosleep(&(struct timespec){ .tv_nsec = TASKD_MS }, NULL);
	double seconds = (double)(now_ns() - start) / 1e9;
	taskd_close(c);
	return seconds;
}

static void idle(const char *path, size_t count)
{
	struct rlimit limit;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	for (size_t i = 0; i < count; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
			perror("load: connect");
			exit(1);
		}
	}
	/* The last one is served after all before it were accepted. */
	struct taskd *c = connected(path);
	struct taskd_future *f = taskd_request(c, "server.ping", NULL);
	if (!f || taskd_result(f, 30 * TASKD_SECOND) != TASKD_OK)
		die("ping");
	taskd_future_free(f);
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	taskd_close(c);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	static const char *const flights[] = { [CALLS] = "calls", [DETACHED] = "detached", [SUBMITS] = "submits" };
	int what = 0;
	while (what < 3 && strcmp(mode, flights[what]) != 0)
		what++;
	if (what < 3 && argc == 6)
		printf("%.0f\n", calls(argv[1], (enum what)what, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10),
			atof(argv[5])));
	else if (strcmp(mode, "submit-alone") == 0 && argc == 4)
		printf("%.2f\n", submit_alone(argv[1], atof(argv[3])));
	else if (strcmp(mode, "alone") == 0 && argc == 4)
		printf("%.2f\n", alone(argv[1], atof(argv[3])));
	else if (strcmp(mode, "map") == 0 && argc == 5)
		printf("%.0f\n", map(argv[1], strtoul(argv[3], NULL, 10), atof(argv[4])));
	else if (strcmp(mode, "fill") == 0 && argc == 7)
		printf("%.0f\n", fill(argv[1], &(struct filling){ .count = strtoul(argv[3], NULL, 10), .task = argv[4],
			.args = argv[5], .priority = atoi(argv[6]) }));
	else if (strcmp(mode, "delayed") == 0 && argc == 8)
		printf("%.0f\n", fill(argv[1], &(struct filling){ .count = strtoul(argv[3], NULL, 10), .task = argv[4],
			.args = argv[5], .due_ns = now_ns() + (int64_t)(atof(argv[6]) * 1e9), .spread = atof(argv[7]) }));
	else if (strcmp(mode, "drain") == 0 && argc == 3)
		printf("%.4f\n", drain(argv[1]));
	else if (strcmp(mode, "cancel") == 0 && argc == 6)
		printf("%.0f\n", pipelined(argv[1], "task.cancel", strtoul(argv[5], NULL, 10), cancel_params,
			&(struct range){ .from = strtoul(argv[3], NULL, 10), .to = strtoul(argv[4], NULL, 10) }));
	else if (strcmp(mode, "idle") == 0 && argc == 4)
		idle(argv[1], strtoul(argv[3], NULL, 10));
	else {
		fputs("usage: load SOCKET calls|detached|submits|alone|submit-alone|map|fill|delayed|drain|cancel|idle …, see tests/bench/load.c\n", stderr);
		return 2;
	}
	return 0;
}
