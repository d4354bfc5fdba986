/* Whether every object in some JSON text has each of its keys once. The master's scan sees the top level only; before a
 * handler reads objects, somebody has to have looked at all of them. */
#ifndef WORKER_KEYS_H
#define WORKER_KEYS_H

#include <stddef.h>

enum keys { KEYS_UNIQUE, KEYS_DUPLICATE, KEYS_NO_MEMORY, KEYS_NOT_JSON };

/* Cheap where there is no object. */
enum keys keys_check(const char *text, size_t length);

#endif
