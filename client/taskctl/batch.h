/* submit --batch: many tasks at once. */
#ifndef TASKCTL_BATCH_H
#define TASKCTL_BATCH_H

#include <stdbool.h>

struct taskctl;

/* Submits the tasks in the file at PATH ("-": standard input), all or none, and prints their ids, or with WAIT their
 * results; the exit status. */
int batch_submit(struct taskctl *ctl, const char *path, bool wait);

#endif
