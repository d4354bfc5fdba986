/* Starting a child: posix_spawn of a binary of our own, which gets just the descriptors that are named, a clean signal
 * mask, and the environment without what speaks of this process alone. */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stddef.h>

#define SPAWN_FDS_LIMIT 8

struct spawn {
	const char *path;
	char *const *argv;
	const int *fds; /* they become descriptors 3, 4, …; -1: that number stays closed */
	size_t n_fds;
	const char *variable; /* "NAME=value", in the place of what is there of that name; NULL */
};
/* The pid, or a negative errno. */
int spawn_child(const struct spawn *spawn);
/* Where a program of ours is: what the environment's VARIABLE names, else NAME beside this process's own binary, else in
 * libexec. malloc'ed. */
char *spawn_find(const char *variable, const char *name);

#endif
