/* The terminal that taskctl was started in, while a command has one of its own. */
#ifndef TASKCTL_RUN_TERMINAL_H
#define TASKCTL_RUN_TERMINAL_H

#include <stdbool.h>

/* Whether FD is a terminal, and we may read it: nobody else is in the foreground. */
bool terminal_is_ours(int fd);
/* Keys go on as they are, also those that would be signals. Until terminal_restore, which an exit calls, too. */
void terminal_raw(int fd);
bool terminal_is_raw(void);
void terminal_restore(void);
/* Of whichever of standard input, output and error is one; false: none. */
bool terminal_size(int *rows, int *columns);

#endif
