/* Whether somebody has set the wall clock. */
#ifndef WALLCLOCK_H
#define WALLCLOCK_H

/* A descriptor that becomes readable at every step of the wall clock, and else never (in a hundred years); -1 with errno
 * set. Close it. */
int wallclock_open(void);
/* It is readable: reads it, and waits for the next step. */
void wallclock_again(int fd);

#endif
