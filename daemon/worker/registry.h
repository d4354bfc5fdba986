/* The handlers that this process can run, by name. Filled at the start, by one thread; read by all slots after. */
#ifndef WORKER_REGISTRY_H
#define WORKER_REGISTRY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/table.h"
#include "worker/taskd-plugin.h"

/* Texts of handlers that the master shows to people. */
#define REGISTRY_TEXT_LIMIT 500

struct registry_entry {
	const struct taskd_handler *handler; /* the plugin's own memory */
	char *source;                        /* "built-in", or the plugin's name */
	size_t index;                        /* in `entries`, and in each slot's states */
	size_t name_length;
	uint64_t name_hash;
};

/* Why a plugin, or one of its handlers, was not taken. */
struct registry_problem {
	char *source;
	char *reason;
	STAILQ_ENTRY(registry_problem) link;
};

struct registry {
	struct names names;
	struct registry_entry **entries; /* in the order of their adding */
	size_t count;
	STAILQ_HEAD(, registry_problem) problems;
};

void registry_init(struct registry *registry);
void registry_fini(struct registry *registry);
/* Adds HANDLER, which is borrowed. -1 where its name, its texts or its functions will not do, or where the name is
 * taken: the reason is among the problems then. */
int registry_add(struct registry *registry, const struct taskd_handler *handler, const char *source);
/* NULL where there is none. */
const struct registry_entry *registry_find(const struct registry *registry, const char *name, size_t length);
void registry_complain(struct registry *registry, const char *source, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* echo, fib, sleep, noop; ends with a NULL name. */
extern const struct taskd_handler builtin_handlers[];

#endif
