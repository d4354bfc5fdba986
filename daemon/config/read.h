/* Between config.c and the reader of its file. */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config/config.h"

#include <stdio.h>

enum config_section {
	CONFIG_SECTION_TASKD,
	CONFIG_SECTION_POOL,
	CONFIG_SECTION_QUEUE,
	CONFIG_SECTION_SEMAPHORE,
	CONFIG_SECTION_PLUGIN,
	CONFIG_SECTION_COMMAND,
	CONFIG_SECTION_ACCESS,
	N_CONFIG_SECTIONS
};
/* The section's struct with its defaults, in its list; CONFIG itself for [taskd]. */
void *config_section_add(struct config *config, enum config_section kind, const char *name);
#define CONFIG_COMMAND_POOL "commands"
/* Adds the pools that are there where the file names none of their kind, the queue of each pool, and the [access] section
 * where there is none; says how many "auto" is. NULL, or the name of a pool that cannot be made, because there is one of the other kind. */
const char *config_complete(struct config *config);
/* Reads STREAM into CONFIG and completes it. NULL, or what is wrong, with FILE and line (malloc'ed). */
char *config_read(struct config *config, const char *file, FILE *stream);

#endif
