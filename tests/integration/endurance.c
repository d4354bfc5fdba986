/* See endurance.h. */
#include "endurance.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "others.h"

#define HOSTILE_UID 62100
#define SAMPLES 65536

/* --- the victim --- */

static _Atomic unsigned *progress; /* requests that have succeeded */

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "the victim: %s\n", what);
	_exit(1);
}

static void __attribute__((noreturn)) be_victim(const struct siege *siege, int orders, int figures)
{
	static const char *const asks[][2] = {
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\"}\n", "\"result\"" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fib\",\"params\":[10]}\n", "\"result\":55}" },
	};
	static int64_t times[SAMPLES];
	struct pollfd over = { .fd = orders, .events = POLLIN };
	struct wire wire;
	size_t n = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	wire_open(&wire, &siege->daemon);
	while (poll(&over, 1, 0) == 0) {
		int64_t start = test_now_ns();
		must(wire_puts(&wire, asks[n % 2][0]), "the connection was closed");
		const char *line = wire_line(&wire);
		must(line && strstr(line, asks[n % 2][1]), line ? line : "no answer");
		times[n++ % SAMPLES] = test_now_ns() - start;
		atomic_fetch_add(progress, 1);
	}
	size_t kept = n < SAMPLES ? n : SAMPLES;
	qsort(times, kept, sizeof(times[0]), by_value);
	dprintf(figures, "%zu requests, median %.0f us, 99 %% %.0f us", n, (double)times[kept / 2] / 1e3,
		(double)times[kept * 99 / 100] / 1e3);
	_exit(0);
}

static void victim_start(struct siege *siege)
{
	int orders[2], figures[2];
	ck_assert_int_eq(pipe(orders), 0);
	ck_assert_int_eq(pipe(figures), 0);
	siege->victim = fork();
	ck_assert_int_ge(siege->victim, 0);
	if (siege->victim == 0) {
		close(orders[1]);
		close(figures[0]);
		be_victim(siege, orders[0], figures[1]);
	}
	close(orders[0]);
	close(figures[1]);
	siege->orders = orders[1];
	siege->figures = figures[0];
}

struct goal {
	unsigned from, more;
};

static bool has_got_on(void *user)
{
	const struct goal *goal = user;
	return atomic_load(progress) - goal->from >= goal->more;
}

void siege_go_on(struct siege *siege, unsigned n)
{
	struct goal goal = { atomic_load(progress), n };
	(void)siege;
	ck_assert_msg(wait_until(has_got_on, &goal), "the victim does not get on");
}

/* --- what may not grow --- */

static size_t descriptors_of(pid_t pid)
{
	char path[64];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

long siege_growth(const struct siege *siege)
{
	return resident_kib(siege->daemon.pid) - siege->kib;
}

struct wanted {
	const struct siege *siege;
	size_t more;
};

static bool has_descriptors(void *user)
{
	const struct wanted *wanted = user;
	return descriptors_of(wanted->siege->daemon.pid) == wanted->siege->descriptors + wanted->more;
}

bool siege_descriptors(const struct siege *siege, size_t more)
{
	struct wanted wanted = { siege, more };
	return wait_until(has_descriptors, &wanted);
}

/* --- begin and end --- */

void siege_begin(struct siege *siege, const char *config, unsigned files)
{
	char text[1024];
	*siege = (struct siege){ 0 };
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(progress, MAP_FAILED);
	snprintf(text, sizeof(text), "%s%s\n[access all]\nusers = *\n", OTHERS_CONFIG, config);
	daemon_start_limited(&siege->daemon, text, files);
	if (hostile_is_other())
		others_let_in(&siege->daemon);
	victim_start(siege);
	siege_go_on(siege, 200);
	siege->descriptors = descriptors_of(siege->daemon.pid);
	siege->kib = resident_kib(siege->daemon.pid);
}

void siege_end(struct siege *siege, const char *what, long kib)
{
	char figures[256] = "";
	int status;
	siege_go_on(siege, 20);
	bool same = siege_descriptors(siege, 0);
	long growth = siege_growth(siege);
	close(siege->orders);
	ssize_t length = read(siege->figures, figures, sizeof(figures) - 1);
	close(siege->figures);
	ck_assert_int_eq(waitpid(siege->victim, &status, 0), siege->victim);
	ck_assert_msg(status == 0 && length > 0, "the victim has failed: %x", (unsigned)status);
	printf("%s: %ld KiB more afterwards; the victim: %s\n", what, growth, figures);
	ck_assert_msg(same, "the daemon's descriptors are not as many as before");
	ck_assert_msg(growth <= kib || !MEASURES_MEMORY, "its memory has grown by %ld KiB", growth);
	ck_assert_int_eq(daemon_stop(&siege->daemon), 0);
	munmap(progress, sizeof(*progress));
}

/* --- the hostile --- */

bool hostile_is_other(void)
{
	return geteuid() == 0;
}

void hostile_open(const struct siege *siege, struct wire *wire)
{
	if (hostile_is_other())
		wire_open_as(wire, &siege->daemon, HOSTILE_UID, HOSTILE_UID, (gid_t)-1);
	else
		wire_open(wire, &siege->daemon);
}

bool hostile_send_descriptors(struct wire *wire, const char *text, int fd, size_t copies)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(copies * sizeof(int)) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	*rights = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(copies * sizeof(int))
	};
	for (size_t i = 0; i < copies; i++)
		memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(fd));
	return sendmsg(wire->fd, &message, MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

size_t hostile_pour(struct wire *wire, const char *text, size_t length, size_t most)
{
	struct pollfd writable = { .fd = wire->fd, .events = POLLOUT };
	size_t sent = 0;
	while (sent < most && poll(&writable, 1, 200) > 0) {
		ssize_t n = send(wire->fd, text + sent % length, length - sent % length, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0 && errno != EAGAIN)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	return sent;
}
