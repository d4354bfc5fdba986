/* A configuration file. Where it is wrong, the error names a line of it; where it is not, everything in it is as the rest of
 * the daemon expects it, and reading it again changes nothing. */
#include "config/template.h"
#include "config_text.h"

const char fuzz_name[] = "config";
const unsigned fuzz_runs = 8000;

static void changed(void *user, const struct config_key *key, const char *section_name)
{
	(void)section_name;
	fprintf(stderr, "%s changed by itself\n", key->name);
	++*(int *)user;
}

static void look(const struct config *config)
{
	const struct config_pool *pool;
	const struct config_queue *queue;
	const struct config_semaphore *semaphore;
	const struct config_plugin *plugin;
	const struct config_command *command;
	FUZZ_CHECK(config->exec_users && !STAILQ_EMPTY(&config->pools));
	STAILQ_FOREACH (pool, &config->pools, link) {
		FUZZ_CHECK(config_name_is_sound(pool->name) && config_pool_find(config, pool->name) == pool);
		FUZZ_CHECK(pool->processes >= 1 && pool->processes <= CONFIG_PROCESSES_LIMIT && pool->threads >= 1);
	}
	STAILQ_FOREACH (queue, &config->queues, link)
		FUZZ_CHECK(config_name_is_sound(queue->name) && queue->pool && config_pool_find(config, queue->pool));
	STAILQ_FOREACH (semaphore, &config->semaphores, link)
		FUZZ_CHECK(config_semaphore_find(config, semaphore->name) == semaphore && semaphore->slots >= 1);
	STAILQ_FOREACH (plugin, &config->plugins, link)
		FUZZ_CHECK(config_name_is_sound(plugin->name) && plugin->path);
	STAILQ_FOREACH (command, &config->commands, link) {
		FUZZ_CHECK(config_command_find(config, command->name) == command && command->template);
		FUZZ_CHECK(template_parameters(command->template));
	}
	FUZZ_CHECK(!config->state_directory || config->state_directory[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *error, *other_error;
	struct config *config = config_text_load(data, size, &error);
	if (config) {
		int changes = 0;
		FUZZ_CHECK(size == 0 || !memchr(data, '\0', size));
		look(config);
		struct config *again = config_text_load(data, size, &other_error);
		FUZZ_CHECK(again);
		config_compare(config, again, changed, &changes);
		FUZZ_CHECK(changes == 0);
		config_free(again);
	}
	free(error);
	config_free(config);
	return 0;
}
