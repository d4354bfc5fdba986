/* What a worker of commands leaves behind when it dies before its command's tree is gone. It was the subreaper of that tree,
 * and the master is the next one: all of it becomes the master's child sooner or later, among the workers, and among what
 * handlers have left behind by forking twice, which is let live. So children of the master that are no workers are killed
 * with all that descends from them, but for
 *
 *   - those that are older than the worker that died, and
 *   - those whose environment is that of a handler's process: it names the daemon's socket, and no task, while a command's names
 *     both. One that has cleared its environment is taken for a command's,
 *   - unless others' orphans come to the master, too: it is the first process of a container, say, or had children before it
 *     was taskd. Then only those are killed whose environment is that of a command of this daemon.
 *
 * Who is there is read from /proc, some processes a turn. It is read again until nobody is found any more: what was started
 * while it was read, and what its parent's death made the master's child only then, is found the next time. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "pool/internal.h"

#define LOOKS_MOST 200                   /* processes a turn */
#define PAUSE_NS (2 * NS_PER_MS)         /* until those that were killed are gone, and their children come */
#define CALM_NS (20 * NS_PER_MS)         /* after it nobody is found: it was no moment between two processes */
#define PATIENCE_NS (10 * NS_PER_S)      /* who cannot be killed by then is left alone */
#define FINISH_NS (2 * NS_PER_S)         /* the same where the daemon ends */
#define ENVIRONMENT_LIMIT (64u * 1024)

enum place { PLACE_UNKNOWN, PLACE_OURS, PLACE_STRAY };
struct sighted {
	struct proc_look look;
	enum place place;
};
struct hunt {
	unsigned long long born; /* what is older was not that worker's */
	int64_t next_ns;
	int64_t last_ns;  /* who has not been killed by then is left alone */
	int64_t found_ns; /* when somebody was last found; at first: when it began */
	bool killed; /* somebody */
	DIR *proc; /* NULL between two looks at all */
	struct sighted *sighted;
	size_t n_sighted, room;
};

bool strays_of_others(void)
{
	siginfo_t info;
	return getpid() == 1 || waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void strays_begin(struct pools *pools, unsigned long long born)
{
	int64_t now = clock_mono_ns();
	struct hunt *hunt = pools->hunt;
	if (!hunt) {
		hunt = pools->hunt = xcalloc(1, sizeof(*hunt));
		hunt->born = born;
	}
	if (born < hunt->born)
		hunt->born = born;
	hunt->next_ns = hunt->found_ns = now;
	hunt->last_ns = now + PATIENCE_NS;
}

int64_t strays_next_ns(const struct pools *pools)
{
	return pools->hunt ? pools->hunt->next_ns : CLOCK_NEVER;
}

static void hunt_end(struct pools *pools)
{
	struct hunt *hunt = pools->hunt;
	if (hunt->killed)
		log_notice("what a worker of commands left behind was killed");
	if (hunt->proc)
		closedir(hunt->proc);
	free(hunt->sighted);
	free(hunt);
	pools->hunt = NULL;
	workers_mourned(pools);
}

/* --- who is there --- */

static void note(struct hunt *hunt, int pid)
{
	if (hunt->n_sighted == hunt->room) {
		hunt->room = hunt->room ? 2 * hunt->room : 256;
		hunt->sighted = xreallocarray(hunt->sighted, hunt->room, sizeof(*hunt->sighted));
	}
	struct sighted *sighted = &hunt->sighted[hunt->n_sighted];
	sighted->place = PLACE_UNKNOWN;
	if (proc_look(pid, &sighted->look))
		hunt->n_sighted++;
}

/* Some more of those that are there. True: that was all. */
static bool look_around(struct hunt *hunt, int most)
{
	const struct dirent *entry;
	if (!hunt->proc) {
		hunt->n_sighted = 0;
		hunt->proc = opendir("/proc");
		if (!hunt->proc)
			return true;
	}
	while ((entry = readdir(hunt->proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (*end || pid <= 0)
			continue;
		note(hunt, (int)pid);
		if (--most == 0)
			return false;
	}
	closedir(hunt->proc);
	hunt->proc = NULL;
	return true;
}

/* --- whose they are --- */

/* NAME with its equals sign; VALUE NULL: any. */
static bool has_variable(const char *environment, size_t length, const char *name, const char *value)
{
	size_t name_length = strlen(name);
	for (const char *at = environment, *end = environment + length; at < end;) {
		const char *next = memchr(at, '\0', (size_t)(end - at));
		size_t entry = next ? (size_t)(next - at) : (size_t)(end - at);
		if (entry >= name_length && memcmp(at, name, name_length) == 0 &&
			(!value || (entry - name_length == strlen(value) && memcmp(at + name_length, value, entry - name_length) == 0)))
			return true;
		at = next ? next + 1 : end;
	}
	return false;
}

/* What its environment says of a process: it was started by a handler, by a command, or neither can be told. */
enum origin { ORIGIN_UNKNOWN, ORIGIN_HANDLER, ORIGIN_COMMAND };

static enum origin origin_of(const struct pools *pools, int pid)
{
	static char environment[ENVIRONMENT_LIMIT];
	char path[32];
	size_t length = 0;
	ssize_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ORIGIN_UNKNOWN;
	while (length < sizeof(environment) && (n = read(fd, environment + length, sizeof(environment) - length)) > 0)
		length += (size_t)n;
	close(fd);
	if (n != 0 || !has_variable(environment, length, "TASKD_SOCKET=", NULL))
		return ORIGIN_UNKNOWN;
	if (!has_variable(environment, length, "TASKD_TASK_ID=", NULL))
		return ORIGIN_HANDLER;
	return has_variable(environment, length, "TASKD_SOCKET=", pools->socket) ? ORIGIN_COMMAND : ORIGIN_UNKNOWN;
}

static int sighted_compare(const void *a, const void *b)
{
	const struct sighted *first = a, *second = b;
	return (first->look.pid > second->look.pid) - (first->look.pid < second->look.pid);
}

static struct sighted *sighted_find(const struct hunt *hunt, int pid)
{
	const struct sighted key = { .look.pid = pid };
	return hunt->n_sighted ? bsearch(&key, hunt->sighted, hunt->n_sighted, sizeof(key), sighted_compare) : NULL;
}

static enum place child_place(const struct pools *pools, const struct proc_look *look)
{
	if (process_find(pools, look->pid) || spawners_include(look->pid) || sweeps_include(pools, look->pid) ||
		look->pid == pools->store_pid || look->started < pools->hunt->born)
		return PLACE_OURS;
	switch (origin_of(pools, look->pid)) {
	case ORIGIN_HANDLER:
		break;
	case ORIGIN_COMMAND:
		return PLACE_STRAY;
	case ORIGIN_UNKNOWN:
		return pools->fosters ? PLACE_OURS : PLACE_STRAY;
	}
	return PLACE_OURS;
}

/* Up to the master, or to somebody of whom it is known; then all the way down again. */
static void place(const struct pools *pools, struct sighted *sighted, int master)
{
	struct sighted *top = sighted, *parent;
	enum place found = PLACE_OURS;
	for (size_t i = 0; i < pools->hunt->n_sighted; i++) { /* a number that was given anew may make a circle */
		if (top->place != PLACE_UNKNOWN) {
			found = top->place;
			break;
		}
		if (top->look.parent == master) {
			found = child_place(pools, &top->look);
			break;
		}
		parent = sighted_find(pools->hunt, top->look.parent);
		if (!parent)
			break;
		top = parent;
	}
	for (; sighted && sighted->place == PLACE_UNKNOWN; sighted = sighted_find(pools->hunt, sighted->look.parent)) {
		sighted->place = found;
		if (sighted == top)
			break;
	}
}

/* Its number may be somebody else's by now: a descriptor of it is not. */
static bool kill_surely(const struct proc_look *look)
{
	struct proc_look now;
	int fd = pidfd_open(look->pid, 0);
	bool same = fd >= 0 && proc_look(look->pid, &now) && now.started == look->started && now.state != 'Z';
	bool killed = same && pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0;
	if (same && !killed && errno == EPERM)
		killed = spawn_signal(look->pid, SIGKILL) == 0;
	if (same && !killed && errno == EPERM)
		log_debug("process %d, which a worker of commands left behind, is another user's", look->pid);
	if (fd >= 0)
		close(fd);
	return killed;
}

static bool kill_strays(struct pools *pools)
{
	struct hunt *hunt = pools->hunt;
	bool killed = false;
	int master = getpid();
	if (hunt->n_sighted)
		qsort(hunt->sighted, hunt->n_sighted, sizeof(*hunt->sighted), sighted_compare);
	for (size_t i = 0; i < hunt->n_sighted; i++) {
		struct sighted *sighted = &hunt->sighted[i];
		if (sighted->look.pid == master || sighted->look.state == 'Z')
			continue;
		place(pools, sighted, master);
		if (sighted->place == PLACE_STRAY && kill_surely(&sighted->look))
			killed = true;
	}
	return killed;
}

/* --- the hunt --- */

/* Everybody was looked at once more. True: it is over. */
static bool hunt_round(struct pools *pools, int64_t now_ns)
{
	struct hunt *hunt = pools->hunt;
	bool killed = kill_strays(pools);
	if (killed) {
		hunt->killed = true;
		hunt->found_ns = now_ns;
	} else if (now_ns - hunt->found_ns >= CALM_NS) {
		return true;
	}
	hunt->next_ns = now_ns + (killed ? PAUSE_NS : CALM_NS);
	if (now_ns < hunt->last_ns)
		return false;
	log_warning("what a worker of commands left behind cannot be killed, and is left alone");
	return true;
}

void strays_timer(struct pools *pools, int64_t now_ns)
{
	if (look_around(pools->hunt, LOOKS_MOST) && hunt_round(pools, now_ns))
		hunt_end(pools);
}

void strays_finish(struct pools *pools)
{
	int64_t begun_ns = clock_mono_ns(), now_ns;
	while (pools->hunt && (now_ns = clock_mono_ns()) - begun_ns < FINISH_NS) {
		siginfo_t info = { 0 };
		(void)look_around(pools->hunt, -1);
		if (hunt_round(pools, now_ns))
			break;
		const struct timespec pause = { .tv_nsec = pools->hunt->next_ns - now_ns };
		nanosleep(&pause, NULL);
		while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid)
			info.si_pid = 0;
	}
	if (pools->hunt)
		hunt_end(pools);
}
