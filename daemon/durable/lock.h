/* One daemon for a state directory, and none before the children of the last one are gone. Two lock files in it: "lock"
 * is the master's alone (with its pid as text, for people), "children.lock" is inherited by every child that must not
 * outlive its master, workers and store, and so is locked as long as one of them lives. */
#ifndef DURABLE_LOCK_H
#define DURABLE_LOCK_H

#include <stddef.h>
#include <sys/types.h>

enum lock_status {
	LOCK_MINE,
	LOCK_DAEMON,   /* another taskd has the directory: *pid, where that can be read, else 0 */
	LOCK_CHILDREN, /* children of one that is gone are there still: try again */
	LOCK_ERROR,    /* errno */
};
struct lock {
	int master_fd;
	int children_fd; /* CLOEXEC; for base/spawn.h */
};
#define LOCK_NONE ((struct lock){ -1, -1 }) /* before the first try, and after lock_drop */
/* Makes the directory (0700) where it is not there. Never waits. After LOCK_CHILDREN what it has got is kept in *lock for
 * the next try. */
enum lock_status lock_take(struct lock *lock, const char *directory, pid_t *pid);
/* After LOCK_CHILDREN: processes that have "children.lock" open beside this one, as far as /proc shows them; how many, at
 * most ROOM. For people. */
size_t lock_holders(const struct lock *lock, pid_t *pids, size_t room);
/* Idempotent. What children have keeps locking others out. */
void lock_drop(struct lock *lock);

#endif
