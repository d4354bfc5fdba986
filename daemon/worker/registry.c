/* Handlers by name. What a plugin says of itself is checked here once, so that nobody behind this needs to. */
#include "worker/registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "worker/text.h"

static uint64_t entry_hash(const void *value)
{
	return ((const struct registry_entry *)value)->name_hash;
}

static bool entry_is(const void *value, const char *name, size_t length)
{
	const struct registry_entry *entry = value;
	return entry->name_length == length && memcmp(entry->handler->name, name, length) == 0;
}

void registry_init(struct registry *registry)
{
	names_init(&registry->names, entry_hash, entry_is);
	registry->entries = NULL;
	registry->count = 0;
	STAILQ_INIT(&registry->problems);
}

void registry_fini(struct registry *registry)
{
	struct registry_problem *problem;
	while ((problem = STAILQ_FIRST(&registry->problems))) {
		STAILQ_REMOVE_HEAD(&registry->problems, link);
		free(problem->source);
		free(problem->reason);
		free(problem);
	}
	for (size_t i = 0; i < registry->count; i++) {
		free(registry->entries[i]->source);
		free(registry->entries[i]);
	}
	free(registry->entries);
	names_fini(&registry->names);
}

void registry_complain(struct registry *registry, const char *source, const char *format, ...)
{
	char text[REGISTRY_TEXT_LIMIT], line[REGISTRY_TEXT_LIMIT];
	va_list values;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	text_line(line, sizeof(line), text, text_whole(text, strlen(text)));
	struct registry_problem *problem = xcalloc(1, sizeof(*problem));
	problem->source = xstrdup(source);
	problem->reason = xstrdup(line);
	STAILQ_INSERT_TAIL(&registry->problems, problem, link);
}

static bool is_one_line(const char *text)
{
	size_t length = strlen(text);
	return length <= REGISTRY_TEXT_LIMIT && text_valid(text, length) == length && !strpbrk(text, "\r\n");
}

/* "name:type", with a '?' behind what may be absent. */
static bool is_parameter(const char *word, size_t length)
{
	static const char *const types[] = { "int", "number", "string", "bool", "array", "object", "any" };
	const char *colon = memchr(word, ':', length);
	if (!colon || colon == word)
		return false;
	const char *type = colon + 1;
	size_t type_length = length - (size_t)(type - word);
	if (type_length && type[type_length - 1] == '?')
		type_length--;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i]) == type_length && memcmp(types[i], type, type_length) == 0)
			return true;
	return false;
}

static bool are_parameters(const char *text)
{
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t length = strcspn(text, " ");
		if (!is_parameter(text, length))
			return false;
		text += length;
	}
	return true;
}

int registry_add(struct registry *registry, const struct taskd_handler *handler, const char *source)
{
	const char *name = handler->name;
	const struct registry_entry *other;
	if (!text_is_task_name(name)) {
		registry_complain(registry, source, "handler \"%.80s\": a name is a letter or '_' and at most 63 more letters, "
			"digits, '_' and '-'", name);
		return -1;
	}
	size_t length = strlen(name);
	if ((other = registry_find(registry, name, length))) {
		registry_complain(registry, source, "handler \"%s\": the name is taken (%s)", name, other->source);
		return -1;
	}
	const char *reason = NULL;
	if (!handler->run)
		reason = "it has no run function";
	else if (handler->fini && !handler->init)
		reason = "it has fini but no init";
	else if (handler->summary && !is_one_line(handler->summary))
		reason = "its summary is not one line of UTF-8, or too long";
	else if (handler->parameters && !(is_one_line(handler->parameters) && are_parameters(handler->parameters)))
		reason = "its parameters are not \"name:type\" separated by spaces";
	if (reason) {
		registry_complain(registry, source, "handler \"%s\": %s", name, reason);
		return -1;
	}
	struct registry_entry *entry = xcalloc(1, sizeof(*entry));
	entry->handler = handler;
	entry->source = xstrdup(source);
	entry->index = registry->count;
	entry->name_length = length;
	entry->name_hash = table_hash(name, length);
	registry->entries = xreallocarray(registry->entries, registry->count + 1, sizeof(struct registry_entry *));
	registry->entries[registry->count++] = entry;
	names_put(&registry->names, entry);
	return 0;
}

const struct registry_entry *registry_find(const struct registry *registry, const char *name, size_t length)
{
	return names_get(&registry->names, name, length);
}
