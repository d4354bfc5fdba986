/* Single values of a configuration: from the words of the file, and back. For config.c. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config/config.h"

/* What "auto" stands for; until config_complete it is 0 in the pool. */
int64_t config_value_auto(bool commands);
/* Sets KEY in TARGET (the struct of its section) from TEXT. NULL, or why not (malloc'ed, without file and line). */
char *config_value_set(void *target, const struct config_key *key, const char *text);
/* Sets every key of SECTION in TARGET to its initial value. TARGET is zeroed. */
void config_value_defaults(void *target, const char *section);
void config_value_free(void *target, const char *section);
bool config_value_equal(const void *a, const void *b, const struct config_key *key);

#endif
