/* Tasks that wait for tasks. A handler may submit tasks and wait for them, and then its slot stands still. Where all
 * slots of a pool do that, and what they wait for waits for a slot, nothing would ever go on.
 *
 * POOL is stuck when all of this is true:
 *
 *   1. A task that is awaited (core_task_await) waits in it and may start: its queue is not paused, and below its limits.
 *   2. Nobody is on the way who would take it: no worker starts, none is about to be started, none is being killed, and
 *      none is leaving with nothing left to do. One whose starts keep failing does not count as on the way.
 *   3. Every slot of every worker that is there runs a task, and every process has as many requests outstanding that
 *      wait for tasks as it runs tasks: none of its tasks does anything but wait. A worker that is leaving takes nothing
 *      more, and an extra one nothing that it was not told to take, so their empty slots do not matter, but their tasks do.
 *
 * While this is false, every wait comes to its end. Either nothing that is waited for waits here; or some slot is free,
 * and the core's turn, which comes before this, has given it something; or somebody will come; or some task does not
 * wait: it ends one day (its own end, its time limit, its worker's death), and its slot takes what is awaited, which goes
 * before all else. While it is true, nothing ends in this pool unless a task elsewhere does; so an extra process is let
 * take one task, or, where none has a free slot, one process more is started. Where only a task elsewhere was missing, that
 * is too early, not wrong: what waits uses no processor.
 *
 * Extra processes take awaited tasks and nothing else, the deepest first, and each only when the pool is stuck. Were they
 * to take any task, each could be taken by one more that begins to wait, and a long queue of such tasks would use up
 * every limit; were they to take awaited ones whenever there are such, as many recursions as there are slots would go on
 * side by side and need so many times their depth. As it is, the one that is deepest goes on until it is over: so it is
 * only the depth to which tasks wait for tasks that has to be within the limit, `nested_processes` times the threads. One
 * process is started at a time. Beyond the limit one wait fails, and the handler that had it goes on.
 *
 * What a process waits for is counted in requests, not in threads, of which nothing is known here. With several threads
 * in a process, one that waits for many can hide one that computes. A pool that is stuck by this count without being so
 * gets its process too early; and before a wait fails, the count must have said so without a break for PATIENCE_NS,
 * which a deadlock does, and the moment between a submission and the wait for it does not. To count the other way would
 * be to overlook deadlocks.
 *
 * All of it costs nothing while no worker waits for a task. */
#include "base/clock.h"
#include "base/log.h"
#include "pool/internal.h"

#define PATIENCE_NS (100 * NS_PER_MS)
#define EXTRA_STAYS_NS NS_PER_S /* an extra process after it was last needed */
#define EXTRA_RETRY_NS NS_PER_S /* after one that could not be started */
#define ANCESTRY 32

struct process *process_find(const struct pools *pools, int pid)
{
	const struct pool *pool;
	const struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process && worker->pid == pid)
				return worker->process;
	return NULL;
}

static bool a_command_runs(const struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process && worker->process->commands && core_slot_in_flight(worker->process->seats[0].slot) > 0)
				return true;
	return false;
}

/* A command's processes descend from its worker, to which their orphans come, too; only so many steps are made, as they
 * may be of anybody's making. */
int pools_nested_pid(const struct pools *pools, int pid)
{
	struct proc_look look = { .parent = pid };
	if (pid <= 0)
		return 0;
	if (process_find(pools, pid))
		return pid;
	if (!a_command_runs(pools))
		return 0;
	for (int i = 0; i < ANCESTRY && proc_look(look.parent, &look) && look.parent > 1; i++) {
		const struct process *process = process_find(pools, look.parent);
		if (process)
			return process->commands ? look.parent : 0;
	}
	return 0;
}

bool pools_nested(struct pools *pools, int pid, int change)
{
	struct process *process = pid > 0 ? process_find(pools, pid) : NULL;
	if (!process)
		return false;
	/* The waits of a process that died were forgotten with it; its number may be another's by now. */
	int waits = process->waits + change > 0 ? process->waits + change : 0;
	pools->waits += waits - process->waits;
	process->waits = waits;
	return true;
}

void nested_forget(struct process *process)
{
	process->worker->pools->waits -= process->waits;
	process->waits = 0;
}

void pools_on_deadlock(struct pools *pools, bool (*fail)(void *context, const struct core_pool *pool), void *context)
{
	pools->fail_wait = fail;
	pools->fail_context = context;
}

static void look_again(struct pools *pools, int64_t at_ns)
{
	if (at_ns < pools->nested_ns)
		pools->nested_ns = at_ns;
}

/* --- the condition --- */

/* What the slots of a process do. */
struct use {
	int running;
	int idle;
	int beginning; /* they have something, and are not known to run it */
};

static struct use use_of(const struct process *process)
{
	struct use use = { 0 };
	for (int i = 0; i < process->n_seats; i++) {
		struct core_slot *slot = process->seats[i].slot;
		if (core_slot_in_flight(slot) == 0)
			use.idle++;
		else if (core_slot_running(slot))
			use.running++;
		else
			use.beginning++;
	}
	return use;
}

/* What has been found out about a pool. */
struct sight {
	int waiting; /* tasks in processes all of whose tasks wait */
	bool spare;  /* there is an idle slot in an extra process */
};

/* Whether WORKER can, or will soon, take something, or does something that ends by itself. */
static bool worker_goes_on(const struct worker *worker, struct sight *sight)
{
	const struct process *process = worker->process;
	if (!process)
		return worker->young_deaths <= 1; /* else its next start is put off, and may fail as the last ones did */
	if (process->killed || worker->state == WORKER_STARTING)
		return true;
	const struct use use = use_of(process);
	bool spare = worker->extra && worker->state == WORKER_READY && use.idle;
	sight->spare |= spare;
	if (use.beginning || process->waits < use.running || (use.running == 0 && !spare))
		return true;
	sight->waiting += use.running;
	return use.idle && worker->state == WORKER_READY && !worker->extra;
}

static bool pool_is_stuck(const struct pool *pool, struct sight *sight)
{
	const struct worker *worker;
	*sight = (struct sight){ 0 };
	if (!core_pool_awaits(pool->core_pool))
		return false;
	TAILQ_FOREACH(worker, &pool->workers, link)
		if (worker_goes_on(worker, sight))
			return false;
	return sight->waiting > 0;
}

/* --- extra processes --- */

static int extras_count(const struct pool *pool)
{
	const struct worker *worker;
	int n = 0;
	TAILQ_FOREACH(worker, &pool->workers, link)
		n += worker->extra;
	return n;
}

void nested_failed(struct worker *worker)
{
	pool_own(worker->pool)->extra_after_ns = clock_mono_ns() + EXTRA_RETRY_NS;
}

static void extra_start(struct pools *pools, struct pool *pool)
{
	const struct worker *last = TAILQ_LAST(&pool->workers, worker_list);
	int index = last && last->index >= pool->processes ? last->index + 1 : pool->processes;
	struct worker *worker = worker_new(pools, pool, index, NULL);
	worker->extra = true;
	pools->extras++;
	worker_start(worker); /* its slots are reserved */
	if (!worker->process) {
		nested_failed(worker);
		worker_free(worker);
		return;
	}
	log_debug("pool %s: all its tasks wait for tasks: worker %d is started beyond its %d", pool->name, index,
		pool->processes);
}

/* How many of its tasks wait, at most. */
static int worker_waits(const struct worker *worker)
{
	const struct process *process = worker->process;
	if (!process || !process->waits)
		return 0;
	int running = use_of(process).running;
	return process->waits < running ? process->waits : running;
}

static bool worker_is_idle(const struct worker *worker)
{
	for (int i = 0; i < worker->process->n_seats; i++)
		if (core_slot_in_flight(worker->process->seats[i].slot) > 0)
			return false;
	return true;
}

/* Those that have been without need for a while leave: who has nothing to do; and, where there is always something for
 * them, so many as there are more than what the tasks that wait take up. */
static void extras_leave(struct pools *pools, struct pool *pool, int64_t now)
{
	struct pool_own *own = pool_own(pool);
	struct worker *worker;
	int waits = 0, surplus = 0;
	if (now - own->needed_ns < EXTRA_STAYS_NS) {
		look_again(pools, own->needed_ns + EXTRA_STAYS_NS);
		return;
	}
	TAILQ_FOREACH(worker, &pool->workers, link) {
		waits += worker_waits(worker);
		surplus += worker->extra && worker->state == WORKER_READY;
	}
	surplus -= (waits + pool->threads - 1) / pool->threads;
	TAILQ_FOREACH_REVERSE(worker, &pool->workers, worker_list, link) {
		if (!worker->extra || worker->state != WORKER_READY)
			continue;
		if (surplus > 0 || worker_is_idle(worker)) {
			worker_retire(worker);
			surplus--;
			look_again(pools, now); /* what its lanes had may have come back: the core has its turn once more */
		} else {
			look_again(pools, now + EXTRA_STAYS_NS);
		}
	}
}

/* --- the turn --- */

/* No process more is possible: a wait has to fail. Where there is none that would help, the next event may bring one. */
static void pool_break(struct pools *pools, struct pool *pool, int64_t now)
{
	static struct log_limit limit = { .burst = 10, .period_ns = 10 * NS_PER_S };
	struct pool_own *own = pool_own(pool);
	unsigned long kept_back;
	if (own->stuck_ns == CLOCK_NEVER)
		own->stuck_ns = now;
	if (now - own->stuck_ns < PATIENCE_NS) {
		look_again(pools, own->stuck_ns + PATIENCE_NS);
		return;
	}
	own->stuck_ns = now;
	if (!pools->fail_wait || !pools->fail_wait(pools->fail_context, pool->core_pool))
		return;
	look_again(pools, now);
	if (log_limit_pass(&limit, &kept_back))
		log_notice("pool %s: all its tasks wait for tasks, with %d processes beyond its %d: a wait has failed", pool->name,
			extras_count(pool), pool->processes);
}

static void pool_unblock(struct pools *pools, struct pool *pool, int64_t now)
{
	struct pool_own *own = pool_own(pool);
	struct sight sight;
	if (!pool_is_stuck(pool, &sight)) {
		own->stuck_ns = CLOCK_NEVER;
		if (pools->extras)
			extras_leave(pools, pool, now);
		return;
	}
	own->needed_ns = now;
	if (sight.spare) {
		own->stuck_ns = CLOCK_NEVER;
		if (core_pool_admit(pool->core_pool))
			look_again(pools, now); /* the core has its turn once more */
		return;
	}
	bool allowed = extras_count(pool) < own->config.nested_processes;
	if (allowed && now >= own->extra_after_ns) {
		own->stuck_ns = CLOCK_NEVER;
		extra_start(pools, pool);
		return;
	}
	if (allowed)
		look_again(pools, own->extra_after_ns);
	pool_break(pools, pool, now);
}

void pools_unblock(struct pools *pools)
{
	struct pool *pool;
	if (!pools->waits && !pools->extras && pools->nested_ns == CLOCK_NEVER)
		return;
	int64_t now = core_now(pools->core);
	pools->nested_ns = CLOCK_NEVER;
	if (!pools->stopping)
		TAILQ_FOREACH(pool, &pools->list, link)
			pool_unblock(pools, pool, now);
}
