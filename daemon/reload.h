/* What a reload changes, told as JSON. */
#ifndef RELOAD_H
#define RELOAD_H

struct config;
struct objects;

/* {"changed":["[pool io] threads", …],"needs_restart":["[taskd] socket", …]}; malloc'ed. Who a pool's workers are stays in TO
 * as it is in FROM where they can be that only after a restart: with the new words none of them would start. */
char *reload_report(const struct config *from, struct config *to);
/* Semaphores of the configuration, from FROM (NULL: nothing yet) to TO. */
void reload_semaphores(struct objects *objects, const struct config *from, const struct config *to);

#endif
