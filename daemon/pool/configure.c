/* From a configuration to pools, workers and queues; and from one configuration to the next while everything runs. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "pool/internal.h"

/* Of estimated work in the lane of a slot of commands. To start even the shortest takes most of a millisecond: with no more
 * than that in its lane, a slot would wait for the master after each. */
#define COMMAND_WINDOW_NS (4 * NS_PER_MS)

/* --- workers of a pool --- */

struct worker *worker_new(struct pools *pools, struct pool *pool, int index, struct worker *before)
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
	return worker;
}

static void worker_adopt(struct worker *worker)
{
	if (!worker->extra)
		return;
	worker->extra = false;
	worker->pools->extras--;
	for (int i = 0; worker->process && i < worker->process->n_seats; i++)
		core_slot_reserve(worker->process->seats[i].slot, false);
}

void worker_free(struct worker *worker)
{
	worker_adopt(worker);
	TAILQ_REMOVE(&worker->pool->workers, worker, link);
	worker_forget_failures(worker);
	free(worker);
}

/* As many workers as the pool is to have; those above that number leave when they are done, but for extra ones, which
 * nested.c sends. The list is in the order of their indices, in which there may be gaps: where one of those that are to
 * leave has left, and others have not. */
static void pool_resize(struct pools *pools, struct pool *pool)
{
	struct worker *worker = TAILQ_FIRST(&pool->workers), *next;
	for (int i = 0; i < pool->processes; i++) {
		if (worker && worker->index == i) {
			worker_adopt(worker);
			worker = TAILQ_NEXT(worker, link);
		} else {
			worker_new(pools, pool, i, worker);
		}
	}
	for (; worker; worker = next) {
		next = TAILQ_NEXT(worker, link);
		if (worker->extra)
			continue;
		if (worker->process)
			worker_retire(worker);
		else
			worker_free(worker);
	}
	pools_schedule(pools);
}

int pools_resize(struct pools *pools, struct pool *pool, int processes, char **error)
{
	if (processes < 1 || processes > CONFIG_PROCESSES_LIMIT) {
		*error = xasprintf("a pool has 1 to %d processes, not %d", CONFIG_PROCESSES_LIMIT, processes);
		return -1;
	}
	if (pools->stopping) {
		*error = xstrdup("no worker is started any more: taskd stops");
		return -1;
	}
	pool->processes = processes;
	pool_resize(pools, pool);
	return 0;
}

/* --- configuration --- */

static char *copy_of(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void pool_forget_texts(struct pool_own *own)
{
	free(own->public.tasks);
	free(own->config.user);
	free(own->config.read_paths);
	free(own->config.write_paths);
}

static void pool_configure(struct pools *pools, struct pool_own *own, const struct config_pool *config)
{
	struct pool *pool = &own->public;
	int64_t commands = pool->tasks ? own->config.commands : config->commands;
	if (commands != config->commands)
		log_warning("pool %s: whether it runs commands stays as it is until a restart", pool->name);
	pool_forget_texts(own);
	pool->tasks = xstrdup(config->tasks);
	own->config = *config;
	own->config.name = pool->name;
	own->config.tasks = pool->tasks;
	own->config.user = copy_of(config->user);
	own->config.read_paths = copy_of(config->read_paths);
	own->config.write_paths = copy_of(config->write_paths);
	own->config.commands = commands;
	if (commands)
		core_pool_set_window(pool->core_pool, COMMAND_WINDOW_NS);
	pool->processes = (int)config->processes;
	pool->threads = commands ? 1 : (int)config->threads;
	pool_resize(pools, pool);
}

/* A queue that the configuration no longer knows keeps what it had. */
static void queue_configure(struct pools *pools, const struct config_queue *section, struct core_pool *pool)
{
	const struct core_queue_options options = {
		.limit_queued = (size_t)section->limit_queued,
		.limit_bytes = (size_t)section->limit_bytes,
		.limit_running = (size_t)section->limit_running,
		.order = (enum queue_order)section->order,
		.rate = section->rate,
		.burst = (uint32_t)section->burst,
		.ageing_ns = section->ageing,
		.weight = (uint32_t)section->weight,
		.fair = section->fair,
	};
	struct core_queue *queue = core_queue_find(pools->core, section->name);
	if (!queue) {
		core_queue_new(pools->core, section->name, pool, &options);
		return;
	}
	core_queue_set(queue, &options);
	if (core_queue_pool(queue) != pool)
		log_warning("queue %s stays in pool %s until a restart", section->name,
			core_pool_name(core_queue_pool(queue)));
}

static struct pool_own *pool_new(struct pools *pools, const char *name)
{
	struct pool_own *own = xcalloc(1, sizeof(*own));
	own->pools = pools;
	own->public.name = xstrdup(name);
	own->public.core_pool = core_pool_new(pools->core, name, own);
	own->stuck_ns = CLOCK_NEVER;
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
	STAILQ_FOREACH(section, &config->queues, link)
		queue_configure(pools, section, pools_find(pools, section->pool)->core_pool);
	TAILQ_FOREACH(pool, &pools->list, link)
		pool_own(pool)->queue = core_queue_find(pools->core, pool->name);
}

void pool_confinement(const struct pool *pool, struct pool_confinement *out)
{
	static const char *const calls[] = { "off", "default", "strict" };
	const struct config_pool *config = &pool_own(pool)->config;
	bool handlers = !config->commands;
	/* Who says that privileges may be gained has said something about the filter, too. */
	int64_t seccomp = config->seccomp >= 0 ? config->seccomp : handlers && config->no_new_privs != 0;
	*out = (struct pool_confinement){
		.user = config->user,
		.as_submitter = pools_as_submitter(pool_own(pool)->pools->config, pool->name),
		.no_new_privs = config->no_new_privs > 0 || (config->no_new_privs < 0 && handlers) || seccomp ||
			config->read_paths || config->write_paths,
		.seccomp = calls[seccomp],
		.read_paths = config->read_paths,
		.write_paths = config->write_paths,
		.private_directory = config->private_directory,
	};
}

static bool texts_differ(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

static bool confinement_differs(const struct config_pool *a, const struct config_pool *b)
{
	return texts_differ(a->user, b->user) || a->no_new_privs != b->no_new_privs || a->seccomp != b->seccomp ||
		texts_differ(a->read_paths, b->read_paths) || texts_differ(a->write_paths, b->write_paths) ||
		a->private_directory != b->private_directory;
}

/* The same, as far as only those that run commands are concerned. */
static bool commands_differ(const struct config *from, const struct config_pool *a, const struct config *to,
	const struct config_pool *b)
{
	return a->capture_limit != b->capture_limit || texts_differ(from->command_log_dir, to->command_log_dir) ||
		pools_as_submitter(from, a->name) != pools_as_submitter(to, b->name) ||
		from->command_log_ttl != to->command_log_ttl || from->command_log_bytes != to->command_log_bytes;
}

/* Whether a worker of one configuration is as good as one of another. */
static bool worker_differs(const struct config *from, const struct config_pool *a, const struct config *to,
	const struct config_pool *b)
{
	if (a->threads != b->threads || a->nice != b->nice || a->limit_memory != b->limit_memory ||
		a->limit_cpu != b->limit_cpu || a->limit_files != b->limit_files || a->limit_core != b->limit_core ||
		confinement_differs(a, b) || from->payload_limit != to->payload_limit || from->log_level != to->log_level)
		return true;
	if (a->commands)
		return commands_differ(from, a, to, b);
	const struct config_plugin *p = STAILQ_FIRST(&from->plugins), *q = STAILQ_FIRST(&to->plugins);
	for (; p && q; p = STAILQ_NEXT(p, link), q = STAILQ_NEXT(q, link))
		if (strcmp(p->name, q->name) != 0 || strcmp(p->path, q->path) != 0)
			return true;
	return p || q;
}

void told_forget(struct pool_own *own)
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
		struct pool *pool = pools_find(pools, section->name);
		struct pool_own *own = pool ? pool_own(pool) : NULL;
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
	types_configure(pools, config);
	route_all(pools);
	pools_schedule(pools);
}

void configure_first(struct pools *pools, const struct config *config)
{
	const struct config_pool *section;
	STAILQ_FOREACH(section, &config->pools, link) {
		struct pool_own *own = pool_new(pools, section->name);
		pool_configure(pools, own, section);
	}
	queues_configure(pools, config);
	types_configure(pools, config);
	route_all(pools);
}
