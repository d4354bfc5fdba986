/* Those who hold named objects or wait for them, as the daemon's lists tell of them. */
#ifndef TASKCTL_PARTIES_H
#define TASKCTL_PARTIES_H

#include <jansson.h>
#include <stddef.h>

#include "proto/strbuf.h"

/* "task 17", "alice (pid 4711)", "alice (pid 4711, writer)" */
void party_put(struct strbuf *out, const json_t *party);
/* Up to LIMIT of OBJECT's holders, with commas, and how many there are besides; what it has none of is nothing. */
void parties_put_holders(struct strbuf *out, const json_t *object, size_t limit);
/* How many hold it, and how many wait for it: those that are not listed, and tasks that are to have it, too. */
size_t parties_holders(const json_t *object);
size_t parties_waiting(const json_t *object);

#endif
