/* All pools together: what the server starts, turns, reconfigures and stops; and the core's wishes turned into calls
 * on lanes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "core/bytes.h"
#include "lane/lane.h"
#include "pool/internal.h"

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
	return pools->next_ns;
}

void pools_timer(struct pools *pools)
{
	struct pool *pool;
	struct worker *worker;
	int64_t now = clock_mono_ns();
	if (now < pools->next_ns)
		return;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			worker_timer(worker, now);
	pools_schedule(pools);
}

/* --- workers of a pool --- */

/* BEFORE: the one that it comes before; NULL: it is the last. */
static void worker_new(struct pools *pools, struct pool *pool, int index, struct worker *before)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));
	worker->pools = pools;
	worker->pool = pool;
	worker->index = index;
	worker->start_at_ns = 0;
	STAILQ_INIT(&worker->failures);
	if (before)
		TAILQ_INSERT_BEFORE(before, worker, link);
	else
		TAILQ_INSERT_TAIL(&pool->workers, worker, link);
}

static void worker_free(struct worker *worker)
{
	TAILQ_REMOVE(&worker->pool->workers, worker, link);
	worker_forget_failures(worker);
	free(worker);
}

/* As many workers as the pool is to have; those above that number leave when they are done. The list is in the order
 * of their indices, in which there may be gaps: where one of those that are to leave has left, and others have not. */
static void pool_resize(struct pools *pools, struct pool *pool)
{
	struct worker *worker = TAILQ_FIRST(&pool->workers), *next;
	for (int i = 0; i < pool->processes; i++) {
		if (worker && worker->index == i)
			worker = TAILQ_NEXT(worker, link);
		else
			worker_new(pools, pool, i, worker);
	}
	for (; worker; worker = next) {
		next = TAILQ_NEXT(worker, link);
		if (worker->process)
			worker_retire(worker);
		else
			worker_free(worker);
	}
	pools_schedule(pools);
}

/* --- deaths --- */

static void on_death(void *user)
{
	struct pools *pools = user;
	struct pool *pool;
	TAILQ_FOREACH(pool, &pools->list, link) {
		struct worker *worker, *next;
		for (worker = TAILQ_FIRST(&pool->workers); worker; worker = next) {
			int status;
			struct rusage usage;
			next = TAILQ_NEXT(worker, link);
			if (worker->pid <= 0 || wait4(worker->pid, &status, WNOHANG, &usage) != worker->pid)
				continue;
			worker_died(worker, status, &usage);
			if (worker->index >= pool->processes)
				worker_free(worker);
		}
	}
	pools_schedule(pools);
}

/* --- configuration --- */

static void pool_configure(struct pools *pools, struct pool_own *own, const struct config_pool *config)
{
	struct pool *pool = &own->public;
	free(pool->tasks);
	pool->tasks = xstrdup(config->tasks);
	own->config = *config;
	own->config.name = pool->name;
	own->config.tasks = pool->tasks;
	pool->processes = (int)config->processes;
	pool->threads = (int)config->threads;
	pool_resize(pools, pool);
}

static void queue_configure(struct pools *pools, const struct config *config, const char *name, struct core_pool *pool)
{
	struct core_queue_options options = { 0 };
	const struct config_queue *section;
	STAILQ_FOREACH(section, &config->queues, link)
		if (strcmp(section->name, name) == 0) {
			options.limit_queued = (size_t)section->limit_queued;
			options.limit_bytes = (size_t)section->limit_bytes;
		}
	struct core_queue *queue = core_queue_find(pools->core, name);
	if (queue)
		core_queue_set(queue, &options);
	else if (pool)
		core_queue_new(pools->core, name, pool, &options);
}

static struct pool_own *pool_find(const struct pools *pools, const char *name)
{
	struct pool *pool;
	TAILQ_FOREACH(pool, &pools->list, link)
		if (strcmp(pool->name, name) == 0)
			return pool_own(pool);
	return NULL;
}

static struct pool_own *pool_new(struct pools *pools, const char *name)
{
	struct pool_own *own = xcalloc(1, sizeof(*own));
	own->public.name = xstrdup(name);
	own->public.core_pool = core_pool_new(pools->core, name, own);
	TAILQ_INIT(&own->public.workers);
	STAILQ_INIT(&own->told);
	TAILQ_INSERT_TAIL(&pools->list, &own->public, link);
	return own;
}

/* The queues that the configuration names, and one for each pool. */
static void queues_configure(struct pools *pools, const struct config *config)
{
	const struct config_queue *section;
	struct pool *pool;
	TAILQ_FOREACH(pool, &pools->list, link) {
		queue_configure(pools, config, pool->name, pool->core_pool);
		pool_own(pool)->queue = core_queue_find(pools->core, pool->name);
	}
	STAILQ_FOREACH(section, &config->queues, link) {
		const struct pool_own *own = pool_find(pools, section->pool);
		queue_configure(pools, config, section->name, own ? own->public.core_pool : NULL);
	}
}

/* Whether a worker of one configuration is as good as one of another. */
static bool worker_differs(const struct config *from, const struct config_pool *a, const struct config *to,
	const struct config_pool *b)
{
	if (a->threads != b->threads || a->nice != b->nice || a->limit_memory != b->limit_memory ||
		a->limit_cpu != b->limit_cpu || a->limit_files != b->limit_files || a->limit_core != b->limit_core ||
		from->payload_limit != to->payload_limit || from->log_level != to->log_level)
		return true;
	const struct config_plugin *p = STAILQ_FIRST(&from->plugins), *q = STAILQ_FIRST(&to->plugins);
	for (; p && q; p = STAILQ_NEXT(p, link), q = STAILQ_NEXT(q, link))
		if (strcmp(p->name, q->name) != 0 || strcmp(p->path, q->path) != 0)
			return true;
	return p || q;
}

static void told_forget(struct pool_own *own)
{
	struct told *told;
	while ((told = STAILQ_FIRST(&own->told))) {
		STAILQ_REMOVE_HEAD(&own->told, link);
		free(told->text);
		free(told);
	}
	own->n_told = 0;
}

static void workers_replace(struct pool *pool)
{
	struct worker *worker;
	told_forget(pool_own(pool));
	TAILQ_FOREACH(worker, &pool->workers, link) {
		worker->young_deaths = 0;
		if (worker->process)
			worker_retire(worker);
		else
			worker->start_at_ns = 0;
	}
}

void pools_configure(struct pools *pools, const struct config *config)
{
	const struct config *before = pools->config;
	pools->config = config;
	const struct config_pool *section;
	STAILQ_FOREACH(section, &config->pools, link) {
		struct pool_own *own = pool_find(pools, section->name);
		bool replace = own && worker_differs(before, &own->config, config, section);
		if (!own)
			own = pool_new(pools, section->name);
		pool_configure(pools, own, section);
		if (replace)
			workers_replace(&own->public);
	}
	struct pool *pool;
	TAILQ_FOREACH(pool, &pools->list, link)
		if (!config_pool_find(config, pool->name))
			log_warning("pool %s is gone from the configuration; it goes on until a restart", pool->name);
	queues_configure(pools, config);
	route_all(pools);
	pools_schedule(pools);
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
	pools->oom_adjusted = oom_score_lowered();
	pools->next_ns = CLOCK_NEVER;
	TAILQ_INIT(&pools->list);
	TAILQ_INIT(&pools->active);
	pools->deaths = watch_deaths(base, on_death, pools);
	const struct config_pool *section;
	STAILQ_FOREACH(section, &config->pools, link) {
		struct pool_own *own = pool_new(pools, section->name);
		pool_configure(pools, own, section);
	}
	queues_configure(pools, config);
	return pools;
}

static void pool_free(struct pool_own *own)
{
	struct worker *worker;
	while ((worker = TAILQ_FIRST(&own->public.workers)))
		worker_free(worker);
	told_forget(own);
	free(own->public.name);
	free(own->public.tasks);
	free(own);
}

void pools_free(struct pools *pools)
{
	struct pool *pool;
	pools->stopping = true;
	pools_kill(pools);
	TAILQ_FOREACH(pool, &pools->list, link) {
		struct worker *worker;
		TAILQ_FOREACH(worker, &pool->workers, link) {
			int status = 0;
			struct rusage usage = { 0 };
			while (worker->pid > 0 && wait4(worker->pid, &status, 0, &usage) < 0 && errno == EINTR)
				;
			if (worker->process)
				worker_died(worker, status, &usage);
		}
	}
	while ((pool = TAILQ_FIRST(&pools->list))) {
		TAILQ_REMOVE(&pools->list, pool, link);
		pool_free(pool_own(pool));
	}
	for (struct task_type *type = core_type_next(pools->core, NULL); type; type = core_type_next(pools->core, type)) {
		struct handler_info *info = type->user;
		type->user = NULL;
		if (info) {
			free(info->summary);
			free(info->parameters);
			free(info->source);
			free(info);
		}
	}
	watch_free(pools->deaths);
	free(pools->worker_path);
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
			*ready += worker->state == WORKER_READY;
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

bool pools_gone(const struct pools *pools)
{
	const struct pool *pool;
	const struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			if (worker->process)
				return false;
	return true;
}

void pools_kill(struct pools *pools)
{
	struct pool *pool;
	struct worker *worker;
	TAILQ_FOREACH(pool, &pools->list, link)
		TAILQ_FOREACH(worker, &pool->workers, link)
			worker_kill(worker, "taskd stopped");
}

struct pool *pools_first(const struct pools *pools)
{
	return TAILQ_FIRST(&pools->list);
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

/* --- the turn --- */

bool pools_turn(struct pools *pools)
{
	struct seat *seat, *next;
	bool any = false;
	for (seat = TAILQ_FIRST(&pools->active); seat; seat = next) {
		next = TAILQ_NEXT(seat, link);
		any |= seat_hear(seat);
		if (core_slot_in_flight(seat->slot) == 0) {
			seat->active = false;
			TAILQ_REMOVE(&pools->active, seat, link);
			worker_watch_leaving(seat->process->worker);
		}
	}
	return any;
}

void pools_kick(struct pools *pools)
{
	struct seat *seat;
	TAILQ_FOREACH(seat, &pools->active, link)
		if (seat->to_kick) {
			seat->to_kick = false;
			lane_kick(seat->lane);
		}
}

void pools_wake(struct pools *pools)
{
	struct seat *seat;
	TAILQ_FOREACH(seat, &pools->active, link)
		lane_wake(seat->lane);
}

bool pools_sleep(struct pools *pools)
{
	struct seat *seat;
	TAILQ_FOREACH(seat, &pools->active, link)
		if (!lane_sleep(seat->lane)) {
			pools_wake(pools);
			return false;
		}
	return true;
}

/* --- the core's wishes --- */

int pools_op_start(void *context, struct core_slot *slot, struct task *task)
{
	struct pools *pools = context;
	struct seat *seat = core_slot_user(slot);
	const struct lane_request request = {
		.task_id = task->id,
		.attempt = task->attempt,
		.items = task->items,
		.timeout_ns = task->extra ? task->extra->timeout_ns : 0,
		.name = task->type->name,
		.name_length = task->type->name_length,
		.args = task->args->data,
		.args_length = task->args->size,
	};
	int code = lane_send(seat->lane, &request, &task->lane_seq);
	if (code == LANE_BROKEN)
		worker_kill(seat->process->worker, "its lane made no sense");
	if (code != LANE_OK)
		return -1;
	if (!seat->active) {
		seat->active = true;
		TAILQ_INSERT_TAIL(&pools->active, seat, link);
	}
	seat->to_kick = true;
	return 0;
}

bool pools_op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	const struct seat *seat = core_slot_user(slot);
	return lane_revoke(seat->lane, task->lane_seq);
}

int64_t pools_op_started(void *context, struct core_slot *slot, struct task *task)
{
	struct pools *pools = context;
	const struct seat *seat = core_slot_user(slot);
	return lane_started(seat->lane, task->lane_seq, task->given_ns, core_now(pools->core));
}

void pools_op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	const struct seat *seat = core_slot_user(slot);
	lane_interrupt(seat->lane, task->lane_seq);
}

void pools_op_kill(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	(void)task;
	struct seat *seat = core_slot_user(slot);
	struct process *process = seat->process;
	process->kill_wanted = true;
	worker_retire(process->worker);
	process_kill_if_alone(process);
}
