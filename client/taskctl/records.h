/* A task's record as people read it. */
#ifndef TASKCTL_RECORDS_H
#define TASKCTL_RECORDS_H

#include "client/taskctl/command.h"
#include "client/taskctl/writer.h"

struct taskctl;

extern const struct field record_columns[];  /* a line of a table */
extern const struct field history_columns[]; /* the same of those that have mostly ended */
extern const struct field record_fields[];   /* all of it, a member a line */
extern const struct field attempt_columns[]; /* of its attempts */

/* The names of the columns that can be asked for, and "help"; ends with NULL. */
extern const char *const column_names[];
/* The columns of these names, malloc'ed. Each must be one of column_names, not "help". */
struct field *columns_choose(const struct option_list *names);
/* A line for each. */
void columns_help(void);
/* A column to sort by, or "-" and one: downwards. EXIT_FINE, or it has been reported. */
int column_check(const struct taskctl *ctl, const char *column);
/* Sorts an array of records by it; those without it come last. */
void records_sort(json_t *records, const char *column);

#endif
