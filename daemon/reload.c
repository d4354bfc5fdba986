/* The difference between two configurations, in the words of the configuration file, and for what no room but the
 * named objects' keeps. */
#include "reload.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "config/config.h"
#include "object/object.h"
#include "pool/pool.h"
#include "proto/strbuf.h"

struct report {
	const struct config *from, *to;
	struct strbuf changed;
	struct strbuf needs_restart;
};

/* --- who workers are --- */

static struct config_queue *queue_find(const struct config *config, const char *name)
{
	struct config_queue *queue;
	STAILQ_FOREACH(queue, &config->queues, link)
		if (strcmp(queue->name, name) == 0)
			return queue;
	return NULL;
}

/* Whether it is one of these keys, of a pool that is there and could not start with it. */
static bool is_kept(const struct report *report, const struct config_key *key, const char *section_name)
{
	const char *pool = NULL;
	if (strcmp(key->section, "pool") == 0 && strcmp(key->name, "user") == 0) {
		pool = section_name;
	} else if (strcmp(key->section, "queue") == 0 && strcmp(key->name, "as_submitter") == 0) {
		const struct config_queue *queue = queue_find(report->to, section_name);
		pool = queue && queue->as_submitter ? queue->pool : NULL;
	}
	return pool && config_pool_find(report->from, pool) &&
		pools_wait_for_restart(report->to, config_pool_find(report->to, pool));
}

static void keep_users(const struct config *from, struct config *to)
{
	struct config_pool *pool;
	struct config_queue *queue;
	const struct config_queue *old;
	STAILQ_FOREACH(queue, &to->queues, link) {
		old = queue_find(from, queue->name);
		if (queue->as_submitter && old && !old->as_submitter && config_pool_find(from, queue->pool) &&
			pools_wait_for_restart(to, config_pool_find(to, queue->pool)))
			queue->as_submitter = 0;
	}
	STAILQ_FOREACH(pool, &to->pools, link) {
		const struct config_pool *old_pool = config_pool_find(from, pool->name);
		if (!old_pool || !pools_wait_for_restart(to, pool))
			continue;
		free(pool->user);
		pool->user = old_pool->user ? xstrdup(old_pool->user) : NULL;
	}
}

/* --- what has changed --- */

static void on_change(void *user, const struct config_key *key, const char *section_name)
{
	struct report *report = user;
	bool now = key->reloadable && !is_kept(report, key, section_name);
	struct strbuf *list = now ? &report->changed : &report->needs_restart;
	char *text = section_name ? xasprintf("[%s %s] %s", key->section, section_name, key->name)
				  : xasprintf("[%s] %s", key->section, key->name);
	if (list->length)
		strbuf_puts(list, ",");
	strbuf_json_string(list, text, strlen(text));
	free(text);
}

char *reload_report(const struct config *from, struct config *to)
{
	struct report report = { from, to, STRBUF_INIT, STRBUF_INIT };
	config_compare(from, to, on_change, &report);
	keep_users(from, to);
	char *text = xasprintf("{\"changed\":[%s],\"needs_restart\":[%s]}", report.changed.length ? report.changed.data : "",
		report.needs_restart.length ? report.needs_restart.data : "");
	strbuf_free(&report.changed);
	strbuf_free(&report.needs_restart);
	return text;
}

void reload_semaphores(struct objects *objects, const struct config *from, const struct config *to)
{
	const struct config_semaphore *semaphore;
	if (from)
		STAILQ_FOREACH(semaphore, &from->semaphores, link)
			if (!config_semaphore_find(to, semaphore->name))
				semaphore_configure(objects, semaphore->name, 0);
	STAILQ_FOREACH(semaphore, &to->semaphores, link)
		semaphore_configure(objects, semaphore->name, semaphore->slots);
}
