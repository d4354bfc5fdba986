/* All pools together: what the server starts, counts and stops. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "pool/internal.h"

/* So many dead are buried before others have their turn. */
#define REAP_LIMIT 1000
#define LOST_MS 2000 /* so long an end is waited for where no spawner is left */

static void reap(struct pools *pools);

/* --- timers --- */

void pools_schedule(struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	pools->next_ns = CLOCK_NEVER;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link) {
			int64_t next = worker_next_ns(worker);
			if (next < pools->next_ns)
				pools->next_ns = next;
		}
}

int64_t pools_next_ns(const struct pools *pools)
{
	const int64_t times[] = { pools->next_ns, pools->nested_ns, strays_next_ns(pools), pools->reap_ns, pools->deaf_ns,
		spawners_next_ns(), sweeps_next_ns(pools) };
	int64_t next = CLOCK_NEVER;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (times[i] < next)
			next = times[i];
	return next;
}

void pools_timer(struct pools *pools)
{
	struct pool *pool;
	struct worker *worker;
	int64_t now = clock_mono_ns();
	if (now >= pools->reap_ns)
		reap(pools);
	if (now >= strays_next_ns(pools))
		strays_timer(pools, now);
	if (now >= spawners_next_ns())
		spawners_timer();
	if (now >= sweeps_next_ns(pools))
		sweeps_timer(pools, now);
	if (now < pools->next_ns)
		return;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			worker_timer(worker, now);
	pools_schedule(pools);
}
/* --- deaths --- */

/* True: it is dead, and reaped. What its handlers have started goes with it, while its group's number is still its own. */
static bool worker_reap(const struct worker *worker, int *status, struct rusage *usage)
{
	siginfo_t info = { 0 };
	if (waitid(P_PID, (id_t)worker->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != worker->pid)
		return false;
	(void)spawn_signal(-worker->pid, SIGKILL);
	return wait4(worker->pid, status, WNOHANG, usage) == worker->pid;
}

/* True: it was there to be buried. */
static bool bury(struct pools *pools, int pid)
{
	struct process *process = process_find(pools, pid);
	struct rusage usage;
	int status;
	if (!process) { /* a spawner, or an orphan of what a worker has started: see strays.c */
		if (waitpid(pid, &status, WNOHANG) != pid)
			return false;
		sweeps_reaped(pools, pid, status);
		(void)spawners_reaped(pid);
		return true;
	}
	struct worker *worker = process->worker;
	if (!worker_reap(worker, &status, &usage))
		return false;
	worker_died(worker, status, &usage);
	if (!worker->process && worker->index >= worker->pool->processes)
		worker_free(worker);
	return true;
}

static void reap(struct pools *pools)
{
	siginfo_t info;
	pools->reap_ns = CLOCK_NEVER;
	for (int i = 0; i < REAP_LIMIT; i++) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 || !bury(pools, info.si_pid)) {
			pools_schedule(pools);
			return;
		}
	}
	pools->reap_ns = clock_mono_ns(); /* there may be more, of whom no signal tells again */
	pools_schedule(pools);
}

static void on_death(void *user)
{
	struct pools *pools = user;
	core_set_now(pools->core, clock_mono_ns()); /* the loop may have slept for long, and its turn comes later */
	reap(pools);
}
/* --- life --- */

static bool oom_score_lowered(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	return length > 0 && atoi(text) < 0;
}

struct pools *pools_new(struct event_base *base, struct core *core, const struct config *config, long long soft_files)
{
	struct pools *pools = xcalloc(1, sizeof(*pools));
	pools->base = base;
	pools->core = core;
	pools->config = config;
	pools->worker_path = spawn_worker_path();
	pools->soft_files = soft_files;
	pools->alive_fd = -1;
	pools->oom_adjusted = oom_score_lowered();
	pools->next_ns = CLOCK_NEVER;
	pools->nested_ns = CLOCK_NEVER;
	pools->reap_ns = CLOCK_NEVER;
	pools->deaf_ns = CLOCK_NEVER;
	pools->fosters = strays_of_others();
	attach_init(pools);
	log_set_hasty(true); /* workers have the same stderr */
	TAILQ_INIT(&pools->list);
	TAILQ_INIT(&pools->active);
	pools->deaths = watch_deaths(base, on_death, pools);
	configure_first(pools, config);
	return pools;
}

void pools_set_socket(struct pools *pools, const char *path)
{
	free(pools->socket);
	pools->socket = xstrdup(path);
}

void pools_set_store(struct pools *pools, int pid)
{
	pools->store_pid = pid;
}

void pools_set_cgroup(struct pools *pools, const char *path)
{
	free(pools->cgroup);
	pools->cgroup = path ? xstrdup(path) : NULL;
}

void pools_set_alive_fd(struct pools *pools, int fd)
{
	pools->alive_fd = fd;
}

static void pool_free(struct pool_own *own)
{
	struct worker *worker;
	while ((worker = TAILQ_FIRST(&own->public.workers)))
		worker_free(worker);
	told_forget(own);
	free(own->public.name);
	pool_forget_texts(own);
	free(own);
}

/* False: it will not come. Somebody who does not listen, and whom nobody may kill, is not waited for without an end. */
static bool await_end(int pid)
{
	if (spawners_lost()) {
		struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
		int ended = end.fd < 0 ? -1 : poll(&end, 1, LOST_MS);
		if (end.fd >= 0)
			close(end.fd);
		return ended > 0;
	}
	return waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0 || errno == EINTR;
}

void pools_free(struct pools *pools)
{
	struct pool *pool;
	pools->stopping = true;
	pools->ending = true;
	pools_kill(pools);
	TAILQ_FOREACH(pool, &pools->list, link) {
		struct worker *worker;
		TAILQ_FOREACH(worker, &pool->workers, link) {
			int status = 0;
			struct rusage usage = { 0 };
			while (worker->pid > 0 && !worker_reap(worker, &status, &usage) && await_end(worker->pid))
				;
			if (worker->process && worker->process->mourned)
				worker_died(worker, worker->process->wait_status, &worker->process->usage);
			else if (worker->process)
				worker_died(worker, status, &usage);
		}
	}
	strays_finish(pools);
	attach_fini(pools);
	while ((pool = TAILQ_FIRST(&pools->list))) {
		TAILQ_REMOVE(&pools->list, pool, link);
		pool_free(pool_own(pool));
	}
	types_free(pools);
	sweeps_free(pools);
	watch_free(pools->deaths);
	free(pools->worker_path);
	free(pools->socket);
	free(pools->cgroup);
	free(pools);
}

void pools_start(struct pools *pools)
{
	pools_schedule(pools);
	pools_timer(pools);
}

void pools_count(const struct pools *pools, int *ready, int *wanted)
{
	const struct pool *pool;
	const struct worker *worker;
	*ready = *wanted = 0;
	TAILQ_FOREACH(pool, &pools->list, link) {
		*wanted += pool->processes;
		TAILQ_FOREACH(worker, &pool->workers, link)
			*ready += worker->state == WORKER_READY && !worker->extra;
	}
}

bool pools_well(const struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process && (worker->state != WORKER_STARTING || worker->young_deaths == 0))
				return true;
	return false;
}

bool pools_settled(const struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->state != WORKER_READY && !worker->deaths)
				return false;
	return true;
}

void pools_stop(struct pools *pools)
{
	struct pool *pool;
	struct worker *worker;
	pools->stopping = true;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process)
				worker_retire(worker);
	pools_schedule(pools);
}

bool pools_left(const struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process)
				return true;
	return strays_next_ns(pools) != CLOCK_NEVER;
}

bool pools_gone(const struct pools *pools)
{
	return !pools_left(pools) && sweeps_are_over(pools);
}

/* There is no gentler way: what ends by its own word has an outcome. */
static bool runs_what_may_run_again(const struct process *process)
{
	bool runs = false;
	for (int i = 0; i < process->n_seats; i++) {
		const struct task *task = core_slot_running(process->seats[i].slot);
		if (task && (!task->durable || task->on_interrupt_crash || task->state != TASK_RUNNING))
			return false;
		runs |= task != NULL;
	}
	return runs;
}

void pools_interrupt(struct pools *pools)
{
	struct pool *pool;
	struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process && runs_what_may_run_again(worker->process))
				worker_kill(worker, "taskd stopped");
}

void pools_kill(struct pools *pools)
{
	struct pool *pool;
	struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			worker_kill(worker, "taskd stopped");
}

void pools_hurry(struct pools *pools)
{
	pools_kill(pools);
	sweeps_end(pools);
}

struct pool *pools_first(const struct pools *pools)
{
	return TAILQ_FIRST(&pools->list);
}

struct pool *pools_find(const struct pools *pools, const char *name)
{
	struct pool *pool;
	TAILQ_FOREACH(pool, &pools->list, link)
		if (strcmp(pool->name, name) == 0)
			return pool;
	return NULL;
}

struct worker *pools_worker_of(const struct core_slot *slot)
{
	const struct seat *seat = core_slot_user(slot);
	return seat->process->worker;
}

int pools_slot_index(const struct core_slot *slot)
{
	const struct seat *seat = core_slot_user(slot);
	return seat->index;
}

struct core_slot *pools_slot_next(const struct worker *worker, int index)
{
	const struct process *process = worker->process;
	return process && index < process->n_seats ? process->seats[index].slot : NULL;
}
