/* The signals that are a command's rather than ours. */
#ifndef TASKCTL_RUN_SIGNALS_H
#define TASKCTL_RUN_SIGNALS_H

/* From now on those of SIGNALS (ends with 0) are noted, but for those that we were started without. The descriptor is
 * readable when there is one; -1: errno. System calls that wait are interrupted by them. */
int run_signals_begin(const int *signals);
/* The next one that has come; 0: none. */
int run_signals_take(void);
/* Stops this process as SIGTSTP would have. */
void run_signals_stop(void);
/* Ends it as SIGNAL would have, without a core file of ours. */
void run_signals_die(int signal_number) __attribute__((noreturn));
/* "SIGINT"; static. */
const char *run_signals_name(int signal_number);

#endif
