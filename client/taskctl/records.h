/* A task's record as people read it. */
#ifndef TASKCTL_RECORDS_H
#define TASKCTL_RECORDS_H

#include "client/taskctl/writer.h"

extern const struct field record_columns[]; /* a line of a table */
extern const struct field record_fields[];  /* all of it, a member a line */

#endif
