/* What tasks can be: handlers, as the workers describe them, and commands, as the configuration does. Where both have a
 * name, it is the command's, and the handler's again when the command is gone. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "config/template.h"
#include "pool/command.h"
#include "pool/internal.h"
#include "proto/command.h"
#include "proto/strbuf.h"

/* How many handlers a pool's workers may bring along in all that no other has: type names are kept for ever. */
#define HANDLERS_LIMIT 10000

static char *text_copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void info_set(struct handler_info **place, const char *summary, const char *parameters, const char *source)
{
	struct handler_info *info = *place ? *place : xcalloc(1, sizeof(*info));
	free(info->summary);
	free(info->parameters);
	free(info->source);
	info->summary = text_copy(summary);
	info->parameters = text_copy(parameters);
	info->source = text_copy(source);
	*place = info;
}

static void info_free(struct handler_info *info)
{
	if (!info)
		return;
	info_free(info->hidden);
	free(info->summary);
	free(info->parameters);
	free(info->source);
	free(info);
}

/* --- handlers --- */

int types_handler(struct pool *pool, const char *name, const char *summary, const char *parameters, const char *source)
{
	struct pool_own *own = pool_own(pool);
	struct pools *pools = own->pools;
	struct task_type *type = core_type_find(pools->core, name, strlen(name));
	struct handler_info *info = NULL;
	if (!type) {
		if (own->n_types++ >= HANDLERS_LIMIT)
			return -1;
		type = core_type(pools->core, name, strlen(name));
		route_type(pools, type);
	}
	info = type->user;
	struct handler_info **place = type->command ? &info->hidden : &info;
	if (!*place || route_pool(pools, name, false) == pool)
		info_set(place, summary, parameters, source);
	type->user = info;
	type->known = true;
	return 0;
}

/* --- commands --- */

static void command_declare(struct pools *pools, const char *name, const char *summary, const char *parameters)
{
	struct task_type *type = core_type(pools->core, name, strlen(name));
	struct handler_info *info = type->user;
	if (!type->command) {
		struct handler_info *hidden = info;
		info = NULL;
		info_set(&info, NULL, NULL, NULL);
		info->hidden = hidden;
		if (hidden)
			log_warning("[command %s] takes the place of a handler of that name", name);
	}
	info_set(&info, summary, parameters, "command");
	type->user = info;
	type->command = true;
	type->known = true;
}

static void command_withdraw(struct task_type *type)
{
	struct handler_info *info = type->user;
	type->known = false;
	if (!info->hidden)
		return;
	type->user = info->hidden;
	info->hidden = NULL;
	info_free(info);
	type->command = false;
	type->known = true;
}

static char *exec_parameters(void)
{
	struct strbuf text = STRBUF_INIT;
	for (const struct param_spec *spec = command_param_specs; spec->name; spec++)
		strbuf_printf(&text, "%s%s", text.length ? ", " : "", spec->name);
	return strbuf_take(&text, NULL);
}

void types_configure(struct pools *pools, const struct config *config)
{
	const struct config_command *section;
	char *parameters = exec_parameters();
	command_declare(pools, COMMAND_TASK, "runs a program", parameters);
	free(parameters);
	STAILQ_FOREACH(section, &config->commands, link)
		command_declare(pools, section->name, section->summary, template_parameters(section->template));
	for (struct task_type *type = core_type_next(pools->core, NULL); type; type = core_type_next(pools->core, type))
		if (type->command && strcmp(type->name, COMMAND_TASK) != 0 && !config_command_find(config, type->name))
			command_withdraw(type);
}

void types_free(struct pools *pools)
{
	for (struct task_type *type = core_type_next(pools->core, NULL); type; type = core_type_next(pools->core, type)) {
		info_free(type->user);
		type->user = NULL;
	}
}

/* --- what a submission asks --- */

bool pools_type_is_command(const struct task_type *type)
{
	return type->command;
}

static const struct config_command *section_of(const struct pools *pools, const struct task_type *type)
{
	return strcmp(type->name, COMMAND_TASK) == 0 ? NULL : config_command_find(pools->config, type->name);
}

int pools_command_expand(struct pools *pools, const struct task_type *type, const struct json_span *args,
	struct strbuf *out, char *error, size_t error_size)
{
	const struct config_command *section = section_of(pools, type);
	return section ? template_expand(section->template, args, out, error, error_size) : 0;
}

int64_t pools_command_timeout(struct pools *pools, const struct task_type *type)
{
	const struct config_command *section = section_of(pools, type);
	return section ? section->timeout : 0;
}
