/* What spawn.c and spawners.c share. */
#ifndef BASE_SPAWN_PARTS_H
#define BASE_SPAWN_PARTS_H

#include <stdbool.h>

#include "base/spawn.h"

/* By this process itself; as it is. */
int spawn_directly(const struct spawn *spawn);

bool spawners_are_there(void);
int spawners_spawn(const struct spawn *spawn);

#endif
