/* Names of users and groups, out of /etc/passwd and /etc/group only: other sources of names may be far away, and
 * nothing here waits for them. A name that is not there is no name. */
#ifndef EDGE_USERS_H
#define EDGE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name or a number. False: there is no such user, or group. */
bool user_find(const char *text, uint32_t *uid);
bool group_find(const char *text, uint32_t *gid);
/* The user's name; "uid 1000" where there is none. */
void user_name(uint32_t uid, char *room, size_t size);
/* The same, as it was some seconds ago at most; valid until the next call. */
const char *user_name_kept(uint32_t uid, int64_t now_ns);

#endif
