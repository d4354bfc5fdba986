/* What a reload changes, told as JSON. */
#ifndef RELOAD_H
#define RELOAD_H

struct config;

/* {"changed":["[pool io] threads", …],"needs_restart":["[taskd] socket", …]}; malloc'ed. */
char *reload_report(const struct config *from, const struct config *to);

#endif
