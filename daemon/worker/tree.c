/* Everything that descends from this process. It is the subreaper of its command's tree, so whoever loses a parent in
 * there becomes its own child: nobody gets away by forking twice. Who descends from whom is read from /proc, since
 * the kernel's own list of children is an option that many kernels come without; a command that leaves nothing behind
 * costs no look at it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "worker/command.h"

/* A tree that is still growing after so many passes is not ours to signal, or outruns us; whoever waits for its end
 * comes again. */
#define PASSES_MOST 100
/* So often it is looked again because somebody's parent was not found, which is never found where /proc hides other
 * users' processes, or because somebody does not stand still, as who waits for the start of a child that does (vfork)
 * never will. */
#define LOST_PASSES_MOST 3
#define MOVING_PASSES_MOST 30
#define MOVING_PAUSE_NS (100 * NS_PER_US)

enum place { PLACE_UNKNOWN, PLACE_INSIDE, PLACE_OUTSIDE, PLACE_LOST };
struct process {
	int pid;
	int parent;
	unsigned long long started; /* in the kernel's ticks */
	bool over;   /* a zombie: no signal reaches it */
	bool moving; /* neither over nor stopped */
	enum place place;
};
struct census {
	struct process *processes; /* by pid */
	size_t count, room;
	int *inside; /* pids of those of the tree, ascending */
	size_t n_inside, n_living;
	bool lost;   /* somebody's parent went away while it was looked for: there may be more */
	bool moving; /* somebody of the tree has not stopped */
};

bool tree_is_empty(void)
{
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WNOHANG | WEXITED | WNOWAIT) < 0 && errno == ECHILD;
}

size_t tree_reap(int pid)
{
	size_t n = 0;
	siginfo_t info;
	for (;; n++) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WNOHANG | WEXITED | WNOWAIT) < 0 || info.si_pid == 0 || info.si_pid == pid)
			return n;
		if (waitpid(info.si_pid, NULL, WNOHANG) < 0)
			return n;
	}
}

/* --- who is there --- */

/* "PID (COMM) STATE PPID …", where COMM may hold anything, parentheses and line ends too; what follows holds none. */
static bool parse_stat(const char *text, size_t length, struct process *process)
{
	char state;
	const char *behind = memrchr(text, ')', length);
	if (!behind || sscanf(behind + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			       &state, &process->parent, &process->started) != 3)
		return false;
	process->over = state == 'Z' || state == 'X' || state == 'x';
	process->moving = !process->over && state != 'T' && state != 't';
	return true;
}

static bool read_process(int proc_fd, struct process *process)
{
	char path[32], text[512];
	snprintf(path, sizeof(path), "%d/stat", process->pid);
	int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false; /* it has gone */
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return parse_stat(text, (size_t)n, process);
}

static int compare_processes(const void *a, const void *b)
{
	const struct process *one = a, *other = b;
	return (one->pid > other->pid) - (one->pid < other->pid);
}

int tree_status(int pid)
{
	char path[32], text[1024];
	int status = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	const char *last = strrchr(text, ' '); /* the 52nd field */
	if (last)
		status = atoi(last + 1);
	return status;
}

/* All that have a number. */
static void read_numbers(struct census *census, DIR *proc)
{
	struct dirent *entry;
	census->count = 0;
	while ((entry = readdir(proc))) {
		int pid = atoi(entry->d_name);
		if (pid <= 0)
			continue;
		if (census->count == census->room) {
			census->room = census->room ? 2 * census->room : 256;
			census->processes = xreallocarray(census->processes, census->room, sizeof(*census->processes));
		}
		census->processes[census->count++].pid = pid;
	}
	qsort(census->processes, census->count, sizeof(*census->processes), compare_processes);
}

/* AT_ONCE is sent to children of ours when they are seen, 0: nothing. The youngest are first: one that forks and
 * ends, and whose child does the same, is no more where it was seen when all the others have been looked at. */
static void read_all(struct census *census, int at_once)
{
	int self = getpid();
	DIR *proc = opendir("/proc");
	if (!proc) {
		log_error("cannot read /proc: %s", strerror(errno));
		census->count = 0;
		return;
	}
	read_numbers(census, proc);
	size_t first = census->count;
	for (size_t i = census->count; i-- > 0;) {
		struct process process = { .pid = census->processes[i].pid };
		if (!read_process(dirfd(proc), &process))
			continue;
		if (at_once && process.parent == self && !process.over)
			kill(process.pid, at_once);
		census->processes[--first] = process;
	}
	closedir(proc);
	census->count -= first;
	memmove(census->processes, census->processes + first, census->count * sizeof(*census->processes));
}

static struct process *find(const struct census *census, int pid)
{
	const struct process wanted = { .pid = pid };
	return bsearch(&wanted, census->processes, census->count, sizeof(wanted), compare_processes);
}

/* Follows the parents up to where somebody's place is known, and notes it for all on the way. A parent that changes
 * to another process's child meanwhile can make no circle: time only goes on; but who believes that walks at most
 * COUNT. */
static enum place look_up(const struct census *census, struct process *process, int self)
{
	enum place place = PLACE_UNKNOWN;
	struct process *at = process;
	const struct process *last = NULL;
	for (size_t steps = 0; place == PLACE_UNKNOWN; steps++) {
		last = at;
		if (at->place != PLACE_UNKNOWN)
			place = at->place;
		else if (at->parent == self)
			place = PLACE_INSIDE;
		else if (at->pid == self || at->parent <= 1)
			place = PLACE_OUTSIDE;
		else if (!(at = find(census, at->parent)) || at->started > last->started || steps > census->count)
			place = PLACE_LOST; /* who is younger than its child has the number of a parent that has gone */
	}
	/* No further up than that: above a child of ours are we, and all that we descend from, whose numbers may be
	 * higher than those of their children. */
	for (at = process; at && at->place == PLACE_UNKNOWN; at = at == last ? NULL : find(census, at->parent))
		at->place = place;
	return place;
}

static void take_census(struct census *census, int at_once)
{
	int self = getpid();
	read_all(census, at_once);
	census->inside = xreallocarray(census->inside, census->count + 1, sizeof(*census->inside));
	census->n_inside = census->n_living = 0;
	census->lost = census->moving = false;
	for (size_t i = 0; i < census->count; i++) {
		struct process *process = &census->processes[i];
		switch (look_up(census, process, self)) {
		case PLACE_INSIDE:
			census->inside[census->n_inside++] = process->pid;
			census->n_living += !process->over;
			census->moving |= process->moving && (!at_once || kill(process->pid, at_once) == 0);
			break;
		case PLACE_LOST:
			census->lost = true;
			break;
		case PLACE_OUTSIDE:
		case PLACE_UNKNOWN:
			break;
		}
	}
}

static void census_free(struct census *census)
{
	free(census->processes);
	free(census->inside);
}

/* --- signals --- */

/* Whether CENSUS has somebody who was not among the N, ascending, of the pass before. */
static bool has_grown(const struct census *census, const int *before, size_t n)
{
	size_t i = 0;
	for (size_t j = 0; j < census->n_inside; j++) {
		while (i < n && before[i] < census->inside[j])
			i++;
		if (i == n || before[i] != census->inside[j])
			return true;
	}
	return false;
}

/* A fork that is under way when the STOP comes is still done: so whoever was seen standing still has no children but
 * those that the next pass finds, and one that finds nobody new has found all. Those that have ended count: one that
 * is new says that somebody moves, who may have been between two looks. */
static void stop_all(struct census *census)
{
	int *before = NULL, n_lost = 0, n_moving = 0;
	size_t n_before = 0;
	bool moving = true;
	for (int pass = 0; pass < PASSES_MOST; pass++) {
		take_census(census, SIGSTOP);
		bool lost = census->lost && ++n_lost <= LOST_PASSES_MOST;
		if (!moving && !lost && !has_grown(census, before, n_before))
			break;
		moving = census->moving && ++n_moving <= MOVING_PASSES_MOST;
		if (moving)
			nanosleep(&(struct timespec){ .tv_nsec = MOVING_PAUSE_NS }, NULL);
		before = xreallocarray(before, census->n_inside + 1, sizeof(*before));
		memcpy(before, census->inside, census->n_inside * sizeof(*before));
		n_before = census->n_inside;
	}
	free(before);
}

static void send_all(const struct census *census, int signal_number)
{
	for (size_t i = 0; i < census->n_inside; i++)
		kill(census->inside[i], signal_number); /* who has gone is gone; who is another user's cannot be helped */
}

size_t tree_signal(int signal_number)
{
	struct census census = { 0 };
	/* Killed one by one, a tree that forks would make room for more of itself. */
	if (signal_number == SIGSTOP || signal_number == SIGKILL)
		stop_all(&census);
	else
		take_census(&census, 0);
	if (signal_number != SIGSTOP)
		send_all(&census, signal_number);
	if (signal_number == SIGTERM)
		send_all(&census, SIGCONT);
	size_t n = census.n_living;
	census_free(&census);
	return n;
}
