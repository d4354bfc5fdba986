/* What the master gives up once it has its sockets, its state directory and its spawners: its user, where it was started as
 * root; system calls that it does not need; the memory image that a crash would leave. */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>

struct user_identity;

/* Becomes that user, with its groups, for good. 0; -1 with *error (malloc'ed). */
int confine_user(const struct user_identity *identity, char **error) __attribute__((warn_unused_result));
/* From now on only such system calls as the master makes; others fail with EPERM. For good, and for this process alone:
 * children come from spawners. 0; -1 with *error. */
int confine_calls(char **error) __attribute__((warn_unused_result));
/* Whether a crash may leave a core file, and others of the same user may look into this process. */
void confine_dumps(bool allowed);

#endif
