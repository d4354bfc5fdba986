/* The order in which the server gives up what it does not need once it has its sockets and its state directory: what it
 * has made becomes the user's that it is going to be; spawners start, with what children need; then its own user goes,
 * and its system calls. See confine.h. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/users.h"

struct config;

struct rights {
	bool becomes; /* somebody else than it was started as: ... */
	struct user_identity user;
	int parent_death; /* the signal that whoever started us wants us to get when he ends (PR_SET_PDEATHSIG); 0: none */
};
/* Who the server is going to be. -1 with *error (malloc'ed). */
int rights_choose(struct rights *rights, const struct config *config, char **error) __attribute__((warn_unused_result));
void rights_free(struct rights *rights);
/* Between the two this process is that user, as far as files are concerned. */
void rights_try(const struct rights *rights);
void rights_resume(const struct rights *rights);
/* Whether that user can use PATH as a state directory, where it is one. -1 with *error (malloc'ed). */
int rights_check_folder(const struct rights *rights, const char *path, char **error) __attribute__((warn_unused_result));
/* A folder that is to be that user's: made where it is not there, else left alone. */
void rights_make_folder(const struct rights *rights, const char *path, mode_t mode);
/* A socket that this process has made, and its folder where that is taskd's own; NULL: none. */
void rights_give_socket(const struct rights *rights, const char *path);
/* A cgroup that was given to this process, and the parts of it that are for pools of other users; NULL: none. */
void rights_give_cgroup(const struct rights *rights, const struct config *config, const char *folder);
/* Gives up the rest, for good. -1 with *error (malloc'ed). */
int rights_give_up(const struct rights *rights, const struct config *config, char **error) __attribute__((warn_unused_result));

#endif
