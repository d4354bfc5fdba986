/* taskd-spawn: a small process that keeps what its master gives up, and does nothing but start the master's children. What
 * files of this room share.
 *
 *   main.c     its start, its loop, its end
 *   rules.c    what it may be asked for: its arguments
 *   request.c  what it is asked for, checked
 *   child.c    a child's first steps, up to its exec
 *   kin.c      the children that it has started, and the signals that they are sent */
#ifndef SPAWNER_SPAWNER_H
#define SPAWNER_SPAWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/spawn.h"
#include "base/spawn_wire.h"

struct rules {
	int master; /* our parent, and that of all that we start */
	char **argv; /* our own, for a successor */
	const char *self;
	const char *programs[SPAWN_PROGRAMS_LIMIT];
	size_t n_programs;
	struct spawn_user users[SPAWN_USERS_LIMIT];
	char *user_texts[SPAWN_USERS_LIMIT]; /* what they point to */
	size_t n_users;
	bool as_started;
};
/* -1: they make no sense. */
int rules_read(struct rules *rules, char **argv);

struct child {
	const char *path;
	char *const *argv;
	char *const *environment;
	int fds[SPAWN_FDS_LIMIT]; /* -1: none */
	size_t n_fds;
	const struct spawn_user *user; /* NULL: as we are */
	/* After child_start: */
	int pidfd;
	int error; /* of a child that came no further; 0: none */
};
/* The pid of a child of our parent's, or a negative errno. */
int child_start(struct child *child);

struct kin { /* a child that is there, or was a moment ago */
	int pid;
	int pidfd;
	bool is_other; /* it is another user's than the master is */
};
struct family {
	struct kin *list;
	size_t n, room;
};
/* Takes PIDFD over. */
void family_add(struct family *family, int pid, int pidfd, bool is_other);
/* Forgets those that have been reaped. */
void family_purge(struct family *family);
/* 0, or a negative errno: EPERM where PID is no descendant of MASTER. */
int family_signal(struct family *family, int master, int pid, int signal);
/* The master is gone: those of other users, whom its death does not reach, have a moment to end by themselves. */
void family_end(struct family *family);

struct spawner {
	struct rules rules;
	struct family family;
};
/* Answers one request, LENGTH bytes of which are at MESSAGE, and which came with FDS; all of these are closed. */
void request_serve(struct spawner *spawner, const char *message, size_t length, int *fds, size_t n_fds,
	struct spawn_answer *answer);

#endif
