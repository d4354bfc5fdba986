/* Starting a child: exec of a binary of our own, which gets just the descriptors that are named, a clean signal mask, and
 * the environment without what speaks of this process alone.
 *
 * Whoever is about to give up rights that its children need (its user, system calls) starts two spawners first: small
 * processes that keep what they were started with, and do nothing but start children on request. Such a child is the
 * requester's own all the same (clone(2), CLONE_PARENT): it is waited for, and dies with it, as any other. When one
 * spawner dies the other starts its successor. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SPAWN_FDS_LIMIT 8
#define SPAWN_GROUPS_LIMIT 64 /* more supplementary groups than that are an error, and not cut */

struct spawn {
	const char *path;
	char *const *argv;
	const int *fds; /* they become descriptors 3, 4, …; -1: that number stays closed */
	size_t n_fds;
	const char *variable; /* "NAME=value", in the place of what is there of that name; NULL */
	/* Who it is to be: uid, gid and exactly these groups. False: as whoever starts it. */
	bool as_other;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};
/* The pid, or a negative errno (EPERM where it is to be somebody else and that may not be). With spawners they start it;
 * the caller waits for their answer, which takes as long as an exec. */
int spawn_child(const struct spawn *spawn);
/* Where a program of ours is: what the environment's VARIABLE names, else NAME beside this process's own binary, else in
 * libexec. malloc'ed. */
char *spawn_find(const char *variable, const char *name);

/* Starts two spawners: from now on they start this process's children. 0, or a negative errno and nothing is changed. */
int spawners_start(void) __attribute__((warn_unused_result));
/* Ends them: children are started by this process itself. */
void spawners_stop(void);
/* A child of this process has been reaped. True: it was a spawner, and its successor is there; *lost: both are gone, and
 * no child can be started any more. */
bool spawners_reaped(int pid, bool *lost);
/* kill(2) of a child that spawn_child has started and that has not been reaped. Where this process may not, since the
 * child is another user's, a spawner does it. 0, or a negative errno. */
int spawn_signal(int pid, int signal);

#endif
