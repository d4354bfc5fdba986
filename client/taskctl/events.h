/* What becomes of tasks, a line each. */
#ifndef TASKCTL_EVENTS_H
#define TASKCTL_EVENTS_H

#include <jansson.h>
#include <stdbool.h>

struct filter;
struct taskctl;

/* Prints the events of the tasks of IDS (borrowed; NULL: all) that FILTER fits, those of progress too where PROGRESS is
 * set, until Ctrl-C, or until all of IDS have ended; the exit status. */
int events_print(struct taskctl *ctl, const json_t *ids, const struct filter *filter, bool progress);
/* The parameters of task.watch, malloc'ed. */
char *events_params(const json_t *ids, const struct filter *filter, bool progress);

#endif
