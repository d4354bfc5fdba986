/* The last look at private directories. What a worker leaves of its own, having been killed, or not being able to remove it
 * from where it may not write (Landlock), the next worker of the same user takes away. When taskd stops there is no next one:
 * then each user who has had such workers has a process that does just that (worker/main.c). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "pool/internal.h"
#include "worker/heritage.h"

#define PATIENCE_NS (15 * NS_PER_S)

struct sweep {
	bool as_other; /* as struct spawn has it */
	uid_t uid;
	uint64_t capabilities;
	int pid; /* 0: it is over, or has not begun */
	struct sweep *next;
};

void sweeps_note(struct pools *pools, const struct spawn *spawn)
{
	struct sweep *sweep;
	for (sweep = pools->sweeps; sweep; sweep = sweep->next)
		if (sweep->as_other == spawn->as_other && sweep->uid == spawn->uid && sweep->capabilities == spawn->capabilities)
			return;
	sweep = xcalloc(1, sizeof(*sweep));
	*sweep = (struct sweep){ .as_other = spawn->as_other, .uid = spawn->uid, .capabilities = spawn->capabilities,
		.next = pools->sweeps };
	pools->sweeps = sweep;
}

static void begin(const struct pools *pools, struct sweep *sweep)
{
	char parent[16];
	char *argv[] = { (char *)(uintptr_t)"taskd-worker: sweep", parent, (char *)(uintptr_t)WORKER_SWEEP, NULL };
	const struct spawn spawn = { .path = pools->worker_path, .argv = argv, .as_other = sweep->as_other, .uid = sweep->uid,
		.capabilities = sweep->capabilities };
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	sweep->pid = spawn_child(&spawn);
	if (sweep->pid > 0)
		return;
	log_warning("private directories may be left behind: cannot start %s: %s", pools->worker_path, strerror(-sweep->pid));
	sweep->pid = 0;
}

static bool is_running(const struct pools *pools)
{
	const struct sweep *sweep;
	for (sweep = pools->sweeps; sweep; sweep = sweep->next)
		if (sweep->pid)
			return true;
	return false;
}

int64_t sweeps_next_ns(const struct pools *pools)
{
	if (!pools->sweeps || !pools->stopping || pools->ending)
		return CLOCK_NEVER;
	if (!pools->swept)
		return pools_left(pools) ? CLOCK_NEVER : 0;
	return is_running(pools) ? pools->sweep_by_ns : CLOCK_NEVER;
}

bool sweeps_are_over(const struct pools *pools)
{
	return !pools->sweeps || (pools->swept && !is_running(pools));
}

void sweeps_end(struct pools *pools)
{
	pools->sweep_by_ns = CLOCK_NEVER;
	for (struct sweep *sweep = pools->sweeps; sweep; sweep = sweep->next)
		if (sweep->pid && spawn_signal(sweep->pid, SIGKILL) < 0)
			sweep->pid = 0; /* nobody is left who may */
}

void sweeps_timer(struct pools *pools, int64_t now_ns)
{
	if (pools->swept) {
		sweeps_end(pools);
		return;
	}
	pools->swept = true;
	pools->sweep_by_ns = now_ns + PATIENCE_NS;
	for (struct sweep *sweep = pools->sweeps; sweep; sweep = sweep->next)
		begin(pools, sweep);
}

bool sweeps_include(const struct pools *pools, int pid)
{
	const struct sweep *sweep;
	for (sweep = pools->sweeps; sweep; sweep = sweep->next)
		if (sweep->pid == pid)
			return true;
	return false;
}

void sweeps_reaped(struct pools *pools, int pid, int wait_status)
{
	struct sweep *sweep;
	for (sweep = pools->sweeps; sweep; sweep = sweep->next) {
		if (sweep->pid != pid)
			continue;
		sweep->pid = 0;
		if (wait_status != 0)
			log_warning("private directories may be left behind: who removes them (pid %d) was ended before that", pid);
	}
}

void sweeps_free(struct pools *pools)
{
	struct sweep *sweep;
	while ((sweep = pools->sweeps)) {
		pools->sweeps = sweep->next;
		free(sweep);
	}
}
