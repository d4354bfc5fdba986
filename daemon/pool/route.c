/* Which pool a task's type belongs to: the first one in the configuration that names it, else the first with a pattern
 * that fits, "*" being the last resort. Commands have pools of their own, and handlers none of those. */
#include <fnmatch.h>
#include <string.h>

#include "pool/internal.h"

enum fit { FIT_NONE, FIT_ALL, FIT_PATTERN, FIT_NAME };

static enum fit word_fit(const char *word, size_t length, const char *name)
{
	char pattern[256];
	if (length >= sizeof(pattern))
		return FIT_NONE;
	memcpy(pattern, word, length);
	pattern[length] = '\0';
	if (strcmp(pattern, "*") == 0)
		return FIT_ALL;
	if (strcmp(pattern, name) == 0)
		return FIT_NAME;
	return fnmatch(pattern, name, 0) == 0 ? FIT_PATTERN : FIT_NONE;
}

static enum fit pool_fit(const struct pool *pool, const char *name, bool command)
{
	enum fit best = FIT_NONE;
	const char *word = pool->tasks;
	if (command != pool_own(pool)->config.commands)
		return FIT_NONE;
	while (*(word += strspn(word, " \t,"))) {
		size_t length = strcspn(word, " \t,");
		enum fit fit = word_fit(word, length, name);
		if (fit > best)
			best = fit;
		word += length;
	}
	return best;
}

const struct pool *route_pool(const struct pools *pools, const char *name, bool command)
{
	enum fit best = FIT_NONE;
	const struct pool *pool, *found = NULL;
	TAILQ_FOREACH(pool, &pools->list, link) {
		enum fit fit = pool_fit(pool, name, command);
		if (fit > best) {
			best = fit;
			found = pool;
		}
	}
	return found;
}

void route_type(struct pools *pools, struct task_type *type)
{
	const struct pool *pool = route_pool(pools, type->name, type->command);
	type->queue = pool ? pool_own(pool)->queue : NULL;
}

void route_all(struct pools *pools)
{
	for (struct task_type *type = core_type_next(pools->core, NULL); type; type = core_type_next(pools->core, type))
		route_type(pools, type);
}

bool pools_serves(const struct core_pool *core_pool, const char *task_name)
{
	const struct pool *pool = core_pool_user(core_pool);
	const struct task_type *type = core_type_find(pool_own(pool)->pools->core, task_name, strlen(task_name));
	return pool_fit(pool, task_name, type && type->command) != FIT_NONE;
}
