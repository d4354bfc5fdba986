/* A bar on stderr while a map runs, or some lines while tasks are waited for, on a terminal only. They go away whenever
 * something is printed. */
#ifndef TASKCTL_PROGRESS_H
#define TASKCTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* TOTAL 0: not known; then it counts only. Nothing is shown where stderr is no terminal. */
void progress_begin(size_t total);
/* Whether there is anything to see. */
bool progress_is_shown(void);
/* Lines instead of the bar of items, in the place of those that are there. */
void progress_show(char *const *lines, size_t n);
/* Writes "[=====>    ]  42%" for 0…1; the length. */
#define PROGRESS_BAR_SIZE 48
size_t progress_bar(double fraction, char *buf);
/* The items are all known now. */
void progress_total(size_t total);
/* So many have ended, and so many of those failed. Draws a few times a second. */
void progress_step(size_t done, size_t failed);
/* Takes the bar off the screen; the next step draws it again. */
void progress_clear(void);
void progress_end(void);
/* progress_clear for a signal handler. */
void progress_clear_in_handler(void);

#endif
