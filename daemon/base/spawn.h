/* Starting a child: exec of a binary of our own, which gets just the descriptors that are named, a clean signal mask, and
 * the environment without what speaks of this process alone.
 *
 * Whoever is about to give up rights that its children need (its user, system calls) starts two spawners first: small
 * processes that keep what they were started with, and do nothing but start children on request. Such a child is the
 * requester's own all the same (clone(2), CLONE_PARENT): it is waited for, and dies with it, as any other. When one
 * spawner dies the other starts its successor. What they may be asked for is said when they are started, and never
 * again: they do not trust who asks. One thread. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPAWN_FDS_LIMIT 8
#define SPAWN_GROUPS_LIMIT 64 /* more supplementary groups than that are an error, and not cut */
#define SPAWN_USERS_LIMIT 64
#define SPAWN_PROGRAMS_LIMIT 8
#define SPAWN_VARIABLE "TASKD_SOCKET="

struct spawn {
	const char *path;
	char *const *argv;
	const int *fds; /* they become descriptors 3, 4, …; -1: that number stays closed */
	size_t n_fds;
	const char *variable; /* "TASKD_SOCKET=value", in the place of what is there of that name; NULL */
	/* Who it is to be: the struct spawn_user of that uid and these capabilities. False: as all children. */
	bool as_other;
	uid_t uid;
	uint64_t capabilities;
};
/* The pid, or a negative errno: EPERM where it is to be somebody else and that may not be; ECONNRESET where a spawner
 * died over it, and nobody knows whether there is a child now: what was given to it cannot be given to another. With
 * spawners they start it; the caller waits for their answer, which takes as long as an exec. */
int spawn_child(const struct spawn *spawn);
/* Where a program of ours is: what the environment's VARIABLE names, else NAME beside this process's own binary, else in
 * libexec. malloc'ed. */
char *spawn_find(const char *variable, const char *name);

/* --- spawners --- */

struct spawn_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* exactly these */
	size_t n_groups;
	uint64_t capabilities; /* of uid 0: bits of those that it has, and it can never have others; else 0 */
	const char *name, *home, *shell; /* for its environment; NULL: unknown */
};
struct spawn_rules {
	const char *const *programs; /* all that children may be */
	size_t n_programs;
	const struct spawn_user *users; /* all who children may be */
	size_t n_users;
	bool as_first; /* children that are not as_other are the first of them; false: as this process is now */
};
/* Starts two spawners: from now on they start this process's children. 0, or a negative errno and nothing is changed. */
int spawners_start(const struct spawn_rules *rules) __attribute__((warn_unused_result));
/* Ends them: children are started by this process itself. */
void spawners_stop(void);
/* A child of this process has been reaped. True: it was a spawner; the other one has started its successor, unless there is
 * none, or will do so after a pause. */
bool spawners_reaped(int pid);
/* When that is (monotonic ns; CLOCK_NEVER: nobody is missing), and what is to be called then. */
int64_t spawners_next_ns(void);
void spawners_timer(void);
/* There were spawners, and there is none any more: no child can be started. */
bool spawners_lost(void);
bool spawners_include(int pid);
/* Whether a child may be that user; without spawners: whether this process may make it so. */
bool spawners_may_be(uid_t uid, uint64_t capabilities);
/* kill(2) of a process that descends from this one and has not been reaped, or, with -PID, of the group of such a child. Where
 * this process may not, since it is another user's, a spawner does it. 0, or a negative errno. */
int spawn_signal(int pid, int signal);

#endif
