/* taskctl run: a command that is attached, one that is left to itself, or one for each of many values. */
#ifndef TASKCTL_RUN_H
#define TASKCTL_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct json_span;
struct run_command;
struct run_values;
struct taskctl;
struct taskd_failure;
struct taskd_future;

/* Beside those of taskctl.h. */
enum run_exit {
	RUN_EXIT_TROUBLE = 125, /* taskd's own, or it could not be started */
	RUN_EXIT_SIGNAL = 128,  /* and the number of the signal that killed it */
};

/* Each runs COMMAND, whose argv or shell has been filled in, and gives the exit status. */
int run_attached(struct taskctl *ctl, const struct run_values *values, struct run_command *command);
int run_detached(struct taskctl *ctl, const struct run_values *values, struct run_command *command);
/* each_run.c: the same for the places of WORDS, and what stands behind or before them (see each_sources). */
int run_each(struct taskctl *ctl, const struct run_values *values, struct run_command *command, char **words, int n);

/* --- run_ending.c --- */
/* How one ended that was attached: said on stderr where there is something to say; the exit status. PASSED has a bit
 * for each signal that we have passed on to it: that is no news, and *signal is then what it died of, as we should, or
 * 0. */
int run_ending(struct taskctl *ctl, struct taskd_future *f, uint64_t passed, int *signal);
/* As report_failure; where a command could not be started, with what can be done about it. */
int run_report(const struct taskctl *ctl, const char *what, const struct taskd_failure *failure);
/* The command's result in the error's data; false: there is none. */
bool run_result_of(const struct taskd_failure *failure, struct json_span *result);
/* What has been reported is trouble of taskd's own. */
int run_trouble(int status);

#endif
