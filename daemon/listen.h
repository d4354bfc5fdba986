/* Where the server listens. */
#ifndef LISTEN_H
#define LISTEN_H

#include <stdbool.h>

struct config;
struct edge;

/* On what was handed over, and then *socket (malloc'ed) becomes that one's path; else on *socket, which is *made then,
 * and to be removed in the end. -1 with *error (malloc'ed). */
int listen_all(struct edge *edge, const struct config *config, char **socket, bool *made, char **error);

#endif
