/* wait --progress: how far the tasks are that are waited for. */
#ifndef TASKCTL_WAITING_H
#define TASKCTL_WAITING_H

#include <jansson.h>

struct taskctl;
struct taskd_future;

/* Shows on stderr, where that is a terminal, how far the tasks are that WHICH names ({"ids":[…]} or {"tag":…}, borrowed),
 * until F is done. */
void waiting_show(struct taskctl *ctl, struct taskd_future *f, const json_t *which);

#endif
