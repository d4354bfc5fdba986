/* Queues: what differs from the configuration is put down, and is there again after a restart; and whether what is
 * submitted to one is durable. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "durable/internal.h"
#include "pool/pool.h"

struct queue {
	const struct core_queue *core_queue;
	int durable; /* -1: nothing is said of it, 0, 1 */
	bool recorded;
};

static uint64_t key_of(const void *value)
{
	return (uint64_t)(uintptr_t)((const struct queue *)value)->core_queue;
}

static struct queue *find(const struct durable *durable, const struct core_queue *core_queue)
{
	return table_get(&durable->queues, (uint64_t)(uintptr_t)core_queue);
}

static const struct config_queue *section_of(const struct durable *durable, const struct core_queue *core_queue)
{
	const struct config_queue *section;
	STAILQ_FOREACH(section, &durable->config->queues, link)
		if (strcmp(section->name, core_queue_name(core_queue)) == 0)
			return section;
	return NULL;
}

static struct queue *find_or_make(struct durable *durable, const struct core_queue *core_queue)
{
	const struct config_queue *section;
	struct queue *queue = find(durable, core_queue);
	if (queue)
		return queue;
	section = section_of(durable, core_queue);
	queue = xcalloc(1, sizeof(*queue));
	queue->core_queue = core_queue;
	queue->durable = section ? (int)section->durable : -1;
	table_put(&durable->queues, queue);
	return queue;
}

void queues_init(struct durable *durable)
{
	table_init(&durable->queues, key_of);
}

void queues_free(struct durable *durable)
{
	size_t cursor = 0;
	struct queue *queue;
	while ((queue = table_next(&durable->queues, &cursor)))
		free(queue);
	table_fini(&durable->queues);
}

/* As with its other options, the configuration counts when it is read again. */
void queues_configure(struct durable *durable)
{
	const struct core_queue *core_queue = NULL;
	while ((core_queue = core_queue_next(durable->host.core, core_queue))) {
		const struct config_queue *section = section_of(durable, core_queue);
		if (section)
			find_or_make(durable, core_queue)->durable = (int)section->durable;
	}
}

/* --- what it says of durability --- */

int durable_queue_get(const struct durable *durable, const struct core_queue *core_queue)
{
	const struct queue *queue = find(durable, core_queue);
	if (queue)
		return queue->durable;
	const struct config_queue *section = section_of(durable, core_queue);
	return section ? (int)section->durable : -1;
}

void durable_queue_set(struct durable *durable, struct core_queue *core_queue, int said)
{
	find_or_make(durable, core_queue)->durable = said;
	durable_queue_changed(durable, core_queue, false);
}

/* --- recording --- */

static bool is_as_configured(const struct config_queue *section, const struct queue *queue,
	const struct core_queue_options *options)
{
	return options->limit_queued == (size_t)section->limit_queued &&
		options->limit_bytes == (size_t)section->limit_bytes &&
		options->limit_running == (size_t)section->limit_running && (int64_t)options->order == section->order &&
		!(options->rate < section->rate) && !(options->rate > section->rate) &&
		options->burst == section->burst && options->weight == section->weight &&
		options->ageing_ns == section->ageing && queue->durable == section->durable;
}

static void put(struct durable *durable, struct queue *queue, const struct core_queue *core_queue)
{
	const struct config_queue *section = section_of(durable, core_queue);
	struct core_queue_figures figures;
	core_queue_figures(core_queue, &figures);
	const struct core_queue_options *options = &figures.options;
	const struct store_queue out = {
		.name = text_of(core_queue_name(core_queue)),
		.paused = figures.paused,
		.draining = figures.draining,
		.is_made = !section,
		.is_set = section && !is_as_configured(section, queue, options),
		.pool = text_of(core_pool_name(core_queue_pool(core_queue))),
		.limit_queued = options->limit_queued,
		.limit_bytes = options->limit_bytes,
		.limit_running = options->limit_running,
		.order = (uint8_t)options->order,
		.rate = options->rate,
		.burst = options->burst,
		.weight = options->weight,
		.ageing_ns = options->ageing_ns,
		.durable = (int8_t)queue->durable,
	};
	if (out.is_made || out.is_set || out.paused || out.draining) {
		queue->recorded = durable_put(durable, STORE_QUEUE_PUT, 0, &out, false) != 0;
	} else if (queue->recorded) {
		durable_put(durable, STORE_QUEUE_DROP, 0, &(struct store_name){ out.name }, false);
		queue->recorded = false;
	}
}

void durable_queue_changed(struct durable *durable, struct core_queue *core_queue, bool gone)
{
	struct queue *queue = find_or_make(durable, core_queue);
	if (!gone) {
		if (!durable->restoring)
			put(durable, queue, core_queue);
		return;
	}
	if (queue->recorded)
		durable_put(durable, STORE_QUEUE_DROP, 0, &(struct store_name){ text_of(core_queue_name(core_queue)) }, false);
	table_remove(&durable->queues, key_of(queue));
	free(queue);
}

/* --- after a restart --- */

static struct core_queue *make(struct durable *durable, const char *name, const struct store_queue *row,
	const struct core_queue_options *options)
{
	char *pool = vocabulary_copy(&row->pool), *error = NULL;
	struct core_queue *made = pools_queue_create(durable->host.pools, name, pool, options, &error);
	if (!made) { /* its pool may have gone from the configuration */
		log_warning("queue %s: %s: it goes on in pool default", name, error);
		free(error);
		made = pools_queue_create(durable->host.pools, name, NULL, options, &error);
	}
	if (!made) {
		log_error("queue %s is not there again: %s", name, error);
		free(error);
	}
	free(pool);
	return made;
}

static struct core_queue *make_or_set(struct durable *durable, const char *name, const struct store_queue *row)
{
	const struct core_queue_options options = {
		.limit_queued = (size_t)row->limit_queued,
		.limit_bytes = (size_t)row->limit_bytes,
		.limit_running = (size_t)row->limit_running,
		.order = row->order <= QUEUE_LIFO ? (enum queue_order)row->order : QUEUE_PRIORITY,
		.rate = row->rate,
		.burst = row->burst,
		.ageing_ns = row->ageing_ns,
		.weight = row->weight,
	};
	struct core_queue *core_queue = core_queue_find(durable->host.core, name);
	if (!core_queue)
		return row->is_made ? make(durable, name, row, &options) : NULL;
	if (row->is_set)
		core_queue_set(core_queue, &options);
	return core_queue;
}

void queues_read(struct durable *durable, const struct store_queue *row)
{
	char *name = vocabulary_copy(&row->name);
	durable->restoring = true;
	struct core_queue *core_queue = name ? make_or_set(durable, name, row) : NULL;
	if (core_queue) {
		struct queue *queue = find_or_make(durable, core_queue);
		queue->recorded = true;
		if (row->is_made || row->is_set)
			queue->durable = row->durable < 0 ? -1 : row->durable > 0;
		if (row->paused)
			core_queue_pause(core_queue);
		if (row->draining)
			core_queue_drain(core_queue);
	}
	durable->restoring = false;
	free(name);
}
