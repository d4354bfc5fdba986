/* taskd-store as a whole. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>

#define STORE_EXIT_BROKEN 1 /* something went wrong that another process may be luckier with */
#define STORE_EXIT_FAILED 3 /* STORE_FAILED was said */

/* Does what the master says until it says STORE_STOP, or is gone; then the process's exit status. Once in a process. Takes over the
 * descriptors of record.h. */
int store_serve(int control_fd, int memory_fd, int doorbell_fd);
/* The master is gone: nobody hears what is said. From any thread. */
bool store_is_orphan(void);

#endif
