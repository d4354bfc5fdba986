/* What can be done about a failure, for people. */
#ifndef TASKCTL_REPORT_HINT_H
#define TASKCTL_REPORT_HINT_H

#include "client/taskd.h"

struct taskctl;

/* malloc'ed; NULL: as the daemon says. */
char *hint_of_failure(const struct taskctl *ctl, const struct taskd_failure *failure);

#endif
