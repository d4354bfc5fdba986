/* A configuration: made, completed, compared, freed. read.c reads it from a file. */
#include "config/config.h"

#include "base/xmalloc.h"
#include "config/read.h"
#include "config/template.h"
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct config_pool *pool_add(struct config *config, const char *name)
{
	struct config_pool *pool = xcalloc(1, sizeof(*pool));
	pool->name = xstrdup(name);
	config_value_defaults(pool, "pool");
	pool->commands = strcmp(name, CONFIG_COMMAND_POOL) == 0;
	STAILQ_INSERT_TAIL(&config->pools, pool, link);
	return pool;
}

static struct config_queue *queue_add(struct config *config, const char *name)
{
	struct config_queue *queue = xcalloc(1, sizeof(*queue));
	queue->name = xstrdup(name);
	config_value_defaults(queue, "queue");
	STAILQ_INSERT_TAIL(&config->queues, queue, link);
	return queue;
}

static struct config_semaphore *semaphore_add(struct config *config, const char *name)
{
	struct config_semaphore *semaphore = xcalloc(1, sizeof(*semaphore));
	semaphore->name = xstrdup(name);
	config_value_defaults(semaphore, "semaphore");
	STAILQ_INSERT_TAIL(&config->semaphores, semaphore, link);
	return semaphore;
}

static struct config_plugin *plugin_add(struct config *config, const char *name)
{
	struct config_plugin *plugin = xcalloc(1, sizeof(*plugin));
	plugin->name = xstrdup(name);
	config_value_defaults(plugin, "plugin");
	STAILQ_INSERT_TAIL(&config->plugins, plugin, link);
	return plugin;
}

static struct config_command *command_add(struct config *config, const char *name)
{
	struct config_command *command = xcalloc(1, sizeof(*command));
	command->name = xstrdup(name);
	config_value_defaults(command, "command");
	STAILQ_INSERT_TAIL(&config->commands, command, link);
	return command;
}

static struct config_access *access_add(struct config *config, const char *name)
{
	struct config_access *access = xcalloc(1, sizeof(*access));
	access->name = xstrdup(name);
	config_value_defaults(access, "access");
	STAILQ_INSERT_TAIL(&config->access, access, link);
	return access;
}

void *config_section_add(struct config *config, enum config_section kind, const char *name)
{
	switch (kind) {
	case CONFIG_SECTION_TASKD:
		return config;
	case CONFIG_SECTION_POOL:
		return pool_add(config, name);
	case CONFIG_SECTION_QUEUE:
		return queue_add(config, name);
	case CONFIG_SECTION_SEMAPHORE:
		return semaphore_add(config, name);
	case CONFIG_SECTION_PLUGIN:
		return plugin_add(config, name);
	case CONFIG_SECTION_COMMAND:
		return command_add(config, name);
	case CONFIG_SECTION_ACCESS:
		return access_add(config, name);
	case N_CONFIG_SECTIONS:
		break;
	}
	abort();
}

/* Whether there is a pool of that kind. */
static bool has_pool(const struct config *config, bool commands)
{
	const struct config_pool *pool;
	STAILQ_FOREACH(pool, &config->pools, link)
		if (pool->commands == commands)
			return true;
	return false;
}

/* Where nobody may run any command, and there are none in the file, processes for them would only wait. */
static bool needs_commands(const struct config *config)
{
	return !STAILQ_EMPTY(&config->commands) || strcmp(config->exec_users, "nobody") != 0;
}

static void queues_complete(struct config *config)
{
	const struct config_pool *pool;
	STAILQ_FOREACH(pool, &config->pools, link) {
		struct config_queue *queue;
		STAILQ_FOREACH(queue, &config->queues, link)
			if (strcmp(queue->name, pool->name) == 0)
				break;
		if (!queue)
			queue_add(config, pool->name)->pool = xstrdup(pool->name);
	}
}

/* Where the file says nothing of rights, whoever is in the group that the socket is made for may work with it. */
static void access_complete(struct config *config)
{
	if (!STAILQ_EMPTY(&config->access))
		return;
	struct config_access *access = access_add(config, "default");
	free(access->users);
	access->users = xstrdup("members");
}

const char *config_complete(struct config *config)
{
	const char *clash = NULL;
	for (int commands = 0; commands <= 1; commands++) {
		const char *name = commands ? CONFIG_COMMAND_POOL : "default";
		if (has_pool(config, commands) || (commands && !needs_commands(config)))
			continue;
		if (config_pool_find(config, name))
			clash = name;
		else
			pool_add(config, name);
	}
	struct config_pool *pool;
	STAILQ_FOREACH(pool, &config->pools, link)
		if (pool->processes == 0)
			pool->processes = config_value_auto(pool->commands);
	queues_complete(config);
	access_complete(config);
	return clash;
}

struct config *config_load(const char *file, bool must_exist, char **error)
{
	struct config *config = xcalloc(1, sizeof(*config));
	STAILQ_INIT(&config->pools);
	STAILQ_INIT(&config->queues);
	STAILQ_INIT(&config->semaphores);
	STAILQ_INIT(&config->plugins);
	STAILQ_INIT(&config->commands);
	STAILQ_INIT(&config->access);
	config_value_defaults(config, "taskd");
	char *wrong = NULL;
	FILE *stream = file ? fopen(file, "re") : NULL;
	if (stream) {
		config->file = xstrdup(file);
		wrong = config_read(config, file, stream);
		fclose(stream);
	} else {
		if (file && (must_exist || errno != ENOENT))
			wrong = xasprintf("%s: %s", file, strerror(errno));
		config_complete(config);
	}
	if (!wrong)
		return config;
	*error = wrong;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	struct config_pool *pool;
	while ((pool = STAILQ_FIRST(&config->pools))) {
		STAILQ_REMOVE_HEAD(&config->pools, link);
		config_value_free(pool, "pool");
		free(pool->name);
		free(pool);
	}
	struct config_queue *queue;
	while ((queue = STAILQ_FIRST(&config->queues))) {
		STAILQ_REMOVE_HEAD(&config->queues, link);
		config_value_free(queue, "queue");
		free(queue->name);
		free(queue);
	}
	struct config_semaphore *semaphore;
	while ((semaphore = STAILQ_FIRST(&config->semaphores))) {
		STAILQ_REMOVE_HEAD(&config->semaphores, link);
		config_value_free(semaphore, "semaphore");
		free(semaphore->name);
		free(semaphore);
	}
	struct config_plugin *plugin;
	while ((plugin = STAILQ_FIRST(&config->plugins))) {
		STAILQ_REMOVE_HEAD(&config->plugins, link);
		config_value_free(plugin, "plugin");
		free(plugin->name);
		free(plugin);
	}
	struct config_command *command;
	while ((command = STAILQ_FIRST(&config->commands))) {
		STAILQ_REMOVE_HEAD(&config->commands, link);
		template_free(command->template);
		config_value_free(command, "command");
		free(command->name);
		free(command);
	}
	struct config_access *access;
	while ((access = STAILQ_FIRST(&config->access))) {
		STAILQ_REMOVE_HEAD(&config->access, link);
		config_value_free(access, "access");
		free(access->name);
		free(access);
	}
	config_value_free(config, "taskd");
	free(config->places);
	free(config->file);
	free(config);
}

char *config_where(const struct config *config, const void *section, const char *key)
{
	int line = 0;
	for (size_t i = 0; i < config->n_places; i++) {
		const struct config_place *place = &config->places[i];
		if (place->section == section && (place->key ? strcmp(place->key, key) == 0 : line == 0))
			line = place->line;
	}
	return line ? xasprintf("%s:%d: ", config->file, line) : xstrdup("");
}

const struct config_pool *config_pool_find(const struct config *config, const char *name)
{
	const struct config_pool *pool;
	STAILQ_FOREACH(pool, &config->pools, link)
		if (strcmp(pool->name, name) == 0)
			return pool;
	return NULL;
}

const struct config_semaphore *config_semaphore_find(const struct config *config, const char *name)
{
	const struct config_semaphore *semaphore;
	STAILQ_FOREACH(semaphore, &config->semaphores, link)
		if (strcmp(semaphore->name, name) == 0)
			return semaphore;
	return NULL;
}

const struct config_command *config_command_find(const struct config *config, const char *name)
{
	const struct config_command *command;
	STAILQ_FOREACH(command, &config->commands, link)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

/* --- what differs --- */

typedef void changed_fn(void *user, const struct config_key *key, const char *section_name);

/* A section in its own right. Workers of a pool, and a queue, go on until a restart where theirs is removed. */
struct part {
	const char *section;
	const char *name;
	const void *target;
};
static const struct config_key new_keys[] = {
	{ .section = "pool", .name = "(new)", .reloadable = true },
	{ .section = "queue", .name = "(new)", .reloadable = true },
	{ .section = "semaphore", .name = "(new)", .reloadable = true },
	{ .section = "plugin", .name = "(new)", .reloadable = true },
	{ .section = "command", .name = "(new)", .reloadable = true },
	{ .section = "access", .name = "(new)", .reloadable = true },
};
static const struct config_key removed_keys[] = {
	{ .section = "pool", .name = "(removed)" },
	{ .section = "queue", .name = "(removed)" },
	{ .section = "semaphore", .name = "(removed)", .reloadable = true },
	{ .section = "plugin", .name = "(removed)", .reloadable = true },
	{ .section = "command", .name = "(removed)", .reloadable = true },
	{ .section = "access", .name = "(removed)", .reloadable = true },
};

static const struct config_key *key_of(const struct config_key *keys, const char *section)
{
	while (strcmp(keys->section, section) != 0)
		keys++;
	return keys;
}

/* The section of that kind and name; NULL for its target where there is none. */
static const void *part_find(const struct config *config, const char *section, const char *name)
{
	const struct config_queue *queue;
	const struct config_plugin *plugin;
	const struct config_access *access;
	if (strcmp(section, "pool") == 0)
		return config_pool_find(config, name);
	if (strcmp(section, "command") == 0)
		return config_command_find(config, name);
	if (strcmp(section, "semaphore") == 0)
		return config_semaphore_find(config, name);
	if (strcmp(section, "queue") == 0)
		STAILQ_FOREACH(queue, &config->queues, link)
			if (strcmp(queue->name, name) == 0)
				return queue;
	if (strcmp(section, "plugin") == 0)
		STAILQ_FOREACH(plugin, &config->plugins, link)
			if (strcmp(plugin->name, name) == 0)
				return plugin;
	if (strcmp(section, "access") == 0)
		STAILQ_FOREACH(access, &config->access, link)
			if (strcmp(access->name, name) == 0)
				return access;
	return NULL;
}

static void keys_compare(const void *a, const void *b, const char *section, const char *name, changed_fn *changed,
	void *user)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (strcmp(config_keys[i].section, section) == 0 && !config_value_equal(a, b, &config_keys[i]))
			changed(user, &config_keys[i], name);
}

/* One section of a configuration against the OTHER; keys only where WITH_KEYS, so that each difference is told once. */
static void part_compare(const struct part *part, const struct config *other, bool with_keys, changed_fn *changed,
	void *user)
{
	const void *same = part_find(other, part->section, part->name);
	if (!same)
		changed(user, key_of(with_keys ? new_keys : removed_keys, part->section), part->name);
	else if (with_keys)
		keys_compare(same, part->target, part->section, part->name, changed, user);
}

static void parts_compare(const struct config *config, const struct config *other, bool with_keys, changed_fn *changed,
	void *user)
{
	const struct config_pool *pool;
	const struct config_queue *queue;
	const struct config_semaphore *semaphore;
	const struct config_plugin *plugin;
	const struct config_command *command;
	const struct config_access *access;
	STAILQ_FOREACH(pool, &config->pools, link)
		part_compare(&(struct part){ "pool", pool->name, pool }, other, with_keys, changed, user);
	STAILQ_FOREACH(queue, &config->queues, link)
		part_compare(&(struct part){ "queue", queue->name, queue }, other, with_keys, changed, user);
	STAILQ_FOREACH(semaphore, &config->semaphores, link)
		part_compare(&(struct part){ "semaphore", semaphore->name, semaphore }, other, with_keys, changed, user);
	STAILQ_FOREACH(plugin, &config->plugins, link)
		part_compare(&(struct part){ "plugin", plugin->name, plugin }, other, with_keys, changed, user);
	STAILQ_FOREACH(command, &config->commands, link)
		part_compare(&(struct part){ "command", command->name, command }, other, with_keys, changed, user);
	STAILQ_FOREACH(access, &config->access, link)
		part_compare(&(struct part){ "access", access->name, access }, other, with_keys, changed, user);
}

void config_compare(const struct config *from, const struct config *to,
	void (*changed)(void *user, const struct config_key *key, const char *section_name), void *user)
{
	keys_compare(from, to, "taskd", NULL, changed, user);
	parts_compare(to, from, true, changed, user);
	parts_compare(from, to, false, changed, user);
}
