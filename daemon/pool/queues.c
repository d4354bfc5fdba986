/* Queues that are made and removed while the daemon runs, beside those of its configuration. */
#include <string.h>

#include "base/xmalloc.h"
#include "pool/internal.h"
#include "proto/suggest.h"

static char *no_pool(const struct pools *pools, const char *name)
{
	struct suggest suggest;
	const struct pool *pool;
	suggest_begin(&suggest, name);
	TAILQ_FOREACH(pool, &pools->list, link)
		suggest_offer(&suggest, pool->name);
	return suggest.best ? xasprintf("there is no pool %s; did you mean %s?", name, suggest.best)
			    : xasprintf("there is no pool %s", name);
}

struct core_queue *pools_queue_create(struct pools *pools, const char *name, const char *pool,
	const struct core_queue_options *options, char **error)
{
	if (!config_name_is_sound(name)) {
		*error = xasprintf("the name of a queue has letters, digits, - and _, at most %d of them", CONFIG_NAME_LIMIT);
		return NULL;
	}
	if (core_queue_find(pools->core, name)) {
		*error = xasprintf("there is a queue %s already", name);
		return NULL;
	}
	/* As in the configuration; a pool of the queue's own name has its queue already. */
	const char *pool_name = pool ? pool : "default";
	const struct pool *found = pools_find(pools, pool_name);
	if (!found) {
		*error = no_pool(pools, pool_name);
		return NULL;
	}
	return core_queue_new(pools->core, name, found->core_pool, options);
}

bool pools_queue_is_configured(const struct pools *pools, const struct core_queue *queue)
{
	const struct config_queue *section;
	struct pool *pool;
	STAILQ_FOREACH(section, &pools->config->queues, link)
		if (strcmp(section->name, core_queue_name(queue)) == 0)
			return true;
	TAILQ_FOREACH(pool, &pools->list, link)
		if (pool_own(pool)->queue == queue)
			return true;
	return false;
}

/* Why QUEUE cannot go; NULL where it can. */
static char *remove_obstacle(const struct pools *pools, const struct core_queue *queue)
{
	const char *name = core_queue_name(queue);
	struct core_queue_figures figures;
	core_queue_figures(queue, &figures);
	size_t waiting = figures.scheduled + figures.blocked + figures.waiting + figures.recording;
	if (pools_queue_is_configured(pools, queue))
		return xasprintf("queue %s is in the configuration, or a pool's own", name);
	if (waiting || figures.running)
		return xasprintf("queue %s is not empty: %zu of its tasks wait, %zu are started", name, waiting, figures.running);
	const struct core_schedule *schedule = NULL;
	while ((schedule = core_schedule_next(pools->core, schedule)))
		if (schedule->task.queue == queue)
			return xasprintf("schedule %s submits to queue %s", schedule->name, name);
	return NULL;
}

int pools_queue_remove(struct pools *pools, struct core_queue *queue, char **error)
{
	*error = remove_obstacle(pools, queue);
	if (*error)
		return -1;
	core_queue_free(queue);
	return 0;
}
