/* The names in the part of the tree of cgroups that was given to the daemon; see cgroup.c. */
#ifndef BASE_CGROUP_TREE_H
#define BASE_CGROUP_TREE_H

#include "base/xmalloc.h"

/* In a pool's part: its workers, where that part is another user's. */
#define CGROUP_TREE_WORKERS "workers"

/* Where the commands of that pool are; malloc'ed. */
static inline char *cgroup_tree_pool(const char *folder, const char *pool)
{
	return xasprintf("%s/pool-%s", folder, pool);
}

#endif
