/* What a worker's process gives up before any code that is not taskd's own runs in it, or its command before its exec: see
 * pools in taskd.conf(5). The user and the groups of a worker are given up before its exec, by who starts it. */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_t;
struct sock_filter;

enum confine_calls { CONFINE_CALLS_OFF, CONFINE_CALLS_DEFAULT, CONFINE_CALLS_STRICT };
struct confine {
	bool no_new_privs;
	enum confine_calls calls;
	char *read_paths, *write_paths; /* words; NULL: no limit (both NULL: no Landlock) */
	bool private_directory;
};
/* Reads "confine" of the start message (worker/heritage.h); NULL: nothing is given up. */
void confine_read(const struct json_t *object, struct confine *out);
void confine_free(struct confine *confine);

/* What it comes to, made before it is needed: to put it on takes nothing but system calls. */
struct confine_kit {
	bool no_new_privs; /* also where what follows needs it */
	int ruleset_fd;    /* of Landlock; -1: none */
	struct sock_filter *filter; /* malloc'ed; NULL: none */
	unsigned short n_filter;
};
/* What can be reached beside what the configuration names: words (NULL: nothing) and a folder. */
struct confine_needs {
	const char *const *files; /* to be read, and no more; NULL-terminated */
	bool libraries;           /* the system's, to be read */
	bool terminal;            /* its own */
	const char *directory;    /* for everything; NULL */
};
/* 0; -1: something cannot be given up that is to be, and the reason is logged: nothing may run then. What the kernel does not
 * know at all (Landlock) is logged and done without. */
int confine_prepare(const struct confine *confine, const struct confine_needs *needs, struct confine_kit *kit)
	__attribute__((warn_unused_result));
void confine_kit_free(struct confine_kit *kit);
/* Gives it up, for good: for this thread, those that it starts, and what it executes; in this order, with nothing but system
 * calls. NULL, or what could not be done (static), and errno why. The second is the last before an exec: hardly anything but
 * that is allowed then. */
const char *confine_put_paths(const struct confine_kit *kit);
const char *confine_put_calls(const struct confine_kit *kit);
/* All of it for a process that has one thread, and has taken what it needs. As confine_prepare. */
int confine_apply(const struct confine *confine, const struct confine_needs *needs) __attribute__((warn_unused_result));

/* --- confine_calls.c --- */
/* malloc'ed: the filter's instructions; NULL with errno. */
struct sock_filter *confine_calls_filter(enum confine_calls calls, unsigned short *n);

/* --- confine_paths.c --- */
/* What Landlock of that VERSION is to deny where nothing else is said: bits of linux/landlock.h. READING: that, too. */
uint64_t confine_paths_handled(long version, bool reading);
/* 0 with a ruleset in *fd, or -1 where the kernel has no Landlock, which is logged; -1. */
int confine_paths_ruleset(const struct confine *confine, const struct confine_needs *needs, int *fd);

/* --- confine_directory.c --- */
/* Makes this process's own directory, for nobody else; ENTERED: but others can get at what they know the name of. NAME:
 * "POOL/INDEX". The path (malloc'ed), or NULL, and the reason is logged. What dead workers of the same user have left is
 * removed. */
char *confine_directory(const char *name, bool entered);
/* What dead workers of the same user have left is removed. */
void confine_directory_sweep(void);
/* With all that is in it, as far as who owns that may remove it. */
void confine_directory_remove(const char *path);
/* A folder in it, for that user alone. The path (malloc'ed), or NULL with errno. */
char *confine_directory_add(const char *path, const char *name, uid_t uid, gid_t gid);
void confine_directory_drop(const char *path, const char *name);

#endif
