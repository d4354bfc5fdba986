/* What a worker's process gives up before any code that is not taskd's own runs in it: see pools in taskd.conf(5). The
 * user and the groups are given up before its exec, by who starts it. */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

#include <stdbool.h>

struct json_t;

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
/* Makes its own directory, of which nobody else can read, and goes there; TMPDIR names it. NAME: "POOL/INDEX". The path
 * (malloc'ed), or NULL, and the reason is logged. What dead workers of the same user have left is removed. */
char *confine_directory(const char *name);
void confine_directory_remove(const char *path);
/* Gives up the rest, for good: for the process, or for what it executes next. 0; -1: something could not be given up that
 * was to be, and the reason is logged: nothing may run then. What the kernel does not know at all (Landlock) is logged and
 * done without. */
int confine_apply(const struct confine *confine) __attribute__((warn_unused_result));

#endif
