/* What the machine has for a server. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* As many open files as may be: connections and lanes need them. The soft limit as it was, which is what workers get,
 * since select(2) in somebody's handler depends on it; -1: none, or unknown. */
long long machine_raise_files(void);
/* Whether there is a processor beside the one we run on. */
bool machine_has_processors(void);
/* Another number each time; not a secret. */
uint64_t machine_random(void);

#endif
