/* What a reload changes, told as JSON. */
#ifndef RELOAD_H
#define RELOAD_H

struct config;
struct objects;

/* {"changed":["[pool io] threads", …],"needs_restart":["[taskd] socket", …]}; malloc'ed. */
char *reload_report(const struct config *from, const struct config *to);
/* Semaphores of the configuration, from FROM (NULL: nothing yet) to TO. */
void reload_semaphores(struct objects *objects, const struct config *from, const struct config *to);

#endif
