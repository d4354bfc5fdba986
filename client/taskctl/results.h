/* The results of tasks that were submitted earlier. */
#ifndef TASKCTL_RESULTS_H
#define TASKCTL_RESULTS_H

#include <stdint.h>

struct taskctl;

/* Waits for them and prints them in this order, within a time for all together (0: for ever); the exit status is the
 * first one's that did not succeed. */
int results_wait(struct taskctl *ctl, char *const *ids, int n, int64_t timeout_ns);

#endif
