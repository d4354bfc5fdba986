/* See bunch.h. What a program finds wrong, it says, and ends with 1: libcheck's assertions are for the test's own. */
#include "bunch.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/taskd.h"
#include "harness.h"

_Atomic int *counters;

void bunch_must(bool condition, const char *text, const char *file, int line)
{
	const char *why;

	if (condition)
		return;
	taskd_last_error(&why);
	fprintf(stderr, "%s:%d: not true: %s (the library's last failure: %s)\n", file, line, text, why);
	_exit(1);
}

struct taskd *bunch_begin(struct daemon *daemon)
{
	counters = mmap(NULL, COUNTERS * sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(counters, MAP_FAILED);
	daemon_start(daemon, "");
	return daemon_connect(daemon);
}

void bunch_finish(struct daemon *daemon, struct taskd *c)
{
	taskd_close(c);
	ck_assert_int_eq(daemon_stop(daemon), 0);
	munmap(counters, COUNTERS * sizeof(*counters));
}

static void __attribute__((noreturn))
program(const struct daemon *daemon, struct taskd *parent, int i, bunch_body *body)
{
	struct taskd *c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	taskd_close(parent);
	c = taskd_connect(daemon->socket, NULL);
	MUST(c);
	body(c, i);
	taskd_close(c);
	_exit(0);
}

void bunch_start(struct bunch *bunch, const struct daemon *daemon, struct taskd *parent, int n, bunch_body *body)
{
	ck_assert_int_le(n, BUNCH_MOST);
	fflush(NULL);
	for (bunch->n = 0; bunch->n < n; bunch->n++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			program(daemon, parent, bunch->n, body);
		bunch->pids[bunch->n] = pid;
	}
}

void bunch_end(struct bunch *bunch)
{
	int bad = 0;

	for (int i = 0; i < bunch->n; i++) {
		int status;

		if (bunch->pids[i] > 0 && (waitpid(bunch->pids[i], &status, 0) < 0 || status != 0))
			bad++;
	}
	ck_assert_msg(bad == 0, "%d of %d programs did not end well", bad, bunch->n);
}

struct goal {
	enum counter counter;
	int value;
};

static bool is_reached(void *user)
{
	const struct goal *goal = user;

	return atomic_load(&counters[goal->counter]) == goal->value;
}

bool reached(enum counter counter, int value)
{
	return wait_until(is_reached, &(struct goal){ counter, value });
}

struct line {
	struct taskd *c;
	const char *method, *name;
	int n;
};

static bool is_waited_for(void *user)
{
	const struct line *line = user;
	char *list = ask(line->c, line->method, "{\"name\":\"%s\"}", line->name);
	const char *at = strstr(list, "\"waiting\":");
	int n = 0;

	while (at && (at = strstr(at + 1, "\"pid\":")))
		n++;
	free(list);
	return n == line->n;
}

bool waited_for_by(struct taskd *c, const char *method, const char *name, int n)
{
	return wait_until(is_waited_for, &(struct line){ c, method, name, n });
}
