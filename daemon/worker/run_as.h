/* Being another user, in a worker that is root because its commands run as those who submitted them. */
#ifndef WORKER_RUN_AS_H
#define WORKER_RUN_AS_H

#include <stddef.h>
#include <sys/types.h>

struct run_as {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* all; borrowed */
	size_t n_groups;
};
/* From here on this thread opens, makes and looks for files with the rights of that user, and no others; signals it sends as
 * before. Nothing for NULL. 0, or -1 with errno, and it is whom it was. */
int run_as_enter(const struct run_as *as) __attribute__((warn_unused_result));
/* Back to whom the process is; errno stays what it is. Nothing for NULL. */
void run_as_leave(const struct run_as *as);
/* In a child between fork and exec, which may have its parent's memory: becomes that user for good, and keeps nothing. NULL,
 * or what could not be done, and errno. */
const char *run_as_become(const struct run_as *as);

#endif
