/* The cgroup (v2) that the daemon was given for itself, as by systemd's Delegate=. */
#ifndef CGROUP_H
#define CGROUP_H

#include <sys/types.h>

/* Where to look; what the kernel says of this process. */
struct cgroup_source {
	const char *self;   /* as /proc/self/cgroup */
	const char *mounts; /* as /proc/self/mountinfo */
};

/* Takes this process's cgroup into use where it was delegated to it: the process, and with it all that it starts from
 * now on, moves to a child of it, and limits can be set for its other children. The folder in which workers may make
 * theirs, malloc'ed. NULL: there is none, and nothing has been changed. Logs one line of it. SOURCE is NULL but in
 * tests. To be called before anything is started. */
char *cgroup_claim(const struct cgroup_source *source);

/* As root: makes the cgroup FOLDER somebody's, as systemd does for who has Delegate=: the folder, in which he may make others,
 * and the files by which he divides it and moves processes in it; not those that limit it. 0, or -1 with errno. */
int cgroup_give(const char *folder, uid_t uid, gid_t gid) __attribute__((warn_unused_result));
/* Away with what an earlier daemon has left of POOL's part of FOLDER, but for what somebody is in. */
void cgroup_clear_pool(const char *folder, const char *pool);
/* The same with the part of FOLDER in which the commands of POOL are, which is made.
 * Its workers, who are that user, have to be in it to bring anybody there: MASTER, whose FOLDER is, may move them to
 * CGROUP_TREE_WORKERS in it (base/cgroup_tree.h). */
int cgroup_give_pool(const char *folder, const char *pool, uid_t uid, gid_t gid, uid_t master) __attribute__((warn_unused_result));

#endif
