/* Names of users and groups, out of /etc/passwd and /etc/group only: other sources of names may be far away, and
 * nothing here waits for them. A name that is not there is no name. One thread. */
#ifndef BASE_USERS_H
#define BASE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A name or a number. False: there is no such user, or group. */
bool user_find(const char *text, uint32_t *uid);
bool group_find(const char *text, uint32_t *gid);
/* The user's name; "uid 1000" where there is none. */
void user_name(uint32_t uid, char *room, size_t size);
/* The same, as it was some seconds ago at most; valid until the next call. */
const char *user_name_kept(uint32_t uid, int64_t now_ns);

/* A user as somebody runs as it. */
struct user_identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* malloc'ed: all that it is a member of, GID among them */
	size_t n_groups;
	char *name; /* malloc'ed */
	char *home; /* malloc'ed: as the entry has it */
	char *shell;
};
/* Of a name or a number that has an entry in /etc/passwd. 0; -1: there is none, or its groups cannot be read, and then
 * nothing may run as it. */
int user_identity(const char *text, struct user_identity *out) __attribute__((warn_unused_result));
void user_identity_free(struct user_identity *identity);

#endif
