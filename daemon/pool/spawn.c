/* Starts worker processes: who they are to be, and what they are given. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroup_file.h"
#include "base/cgroup_tree.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "pool/internal.h"
#include "worker/heritage.h"

char *spawn_worker_path(void)
{
	return spawn_find("TASKD_WORKER", "taskd-worker");
}

const struct config_queue *pools_submitters_queue(const struct config *config, const char *pool)
{
	const struct config_queue *queue;
	STAILQ_FOREACH(queue, &config->queues, link)
		if (queue->as_submitter && strcmp(queue->pool, pool) == 0)
			return queue;
	return NULL;
}

bool pools_as_submitter(const struct config *config, const char *pool)
{
	return pools_submitters_queue(config, pool) != NULL;
}

/* NULL: it is known. malloc'ed. */
static char *unknown_user(const struct config *config, const struct config_pool *pool)
{
	struct user_identity identity;
	if (!pool->user)
		return NULL;
	if (user_identity(pool->user, &identity) == 0) {
		user_identity_free(&identity);
		return NULL;
	}
	char *where = config_where(config, pool, "user");
	char *problem = xasprintf("%s[pool %s] user = %s: it is not in /etc/passwd, or is in more than %d groups", where, pool->name,
		pool->user, SPAWN_GROUPS_LIMIT);
	free(where);
	return problem;
}

char *pools_user_problem(const struct config *config, const struct config_pool *pool)
{
	bool root = geteuid() == 0;
	const struct config_queue *queue = pools_submitters_queue(config, pool->name);
	if (!root && queue) {
		char *where = config_where(config, queue, "as_submitter");
		char *problem = xasprintf("%s[pool %s] runs commands as who submits them (as_submitter): it starts only where root "
					  "starts taskd",
			where, pool->name);
		free(where);
		return problem;
	}
	char *problem = unknown_user(config, pool);
	if (problem || !pool->user || root)
		return problem;
	char *where = config_where(config, pool, "user");
	problem = xasprintf("%s[pool %s] user = %s: it starts only where root starts taskd", where, pool->name, pool->user);
	free(where);
	return problem;
}

char *pools_unknown_user(const struct config *config)
{
	const struct config_pool *pool;
	char *problem = NULL;
	STAILQ_FOREACH(pool, &config->pools, link)
		if (!problem)
			problem = unknown_user(config, pool);
	return problem;
}

bool pools_wait_for_restart(const struct config *config, const struct config_pool *pool)
{
	struct user_identity identity;
	if (pools_as_submitter(config, pool->name))
		return !spawners_may_be(0, POOLS_SUBMITTER_CAPABILITIES);
	if (!pool->user || user_identity(pool->user, &identity) < 0)
		return false;
	bool waits = !spawners_may_be(identity.uid, identity.uid == 0 ? POOLS_ROOT_CAPABILITIES : 0);
	user_identity_free(&identity);
	return waits;
}

/* Who it is to be. 0, or -errno. */
static int choose_user(struct spawn *spawn, const struct worker *worker)
{
	const struct pool *pool = worker->pool;
	const char *name = pool_own(pool)->config.user;
	if (pools_as_submitter(worker->pools->config, pool->name)) {
		spawn->as_other = true;
		spawn->capabilities = POOLS_SUBMITTER_CAPABILITIES;
	} else if (name) {
		struct user_identity identity;
		if (user_identity(name, &identity) < 0)
			return -ENOKEY;
		spawn->as_other = true;
		spawn->uid = identity.uid;
		spawn->capabilities = identity.uid == 0 ? POOLS_ROOT_CAPABILITIES : 0;
		user_identity_free(&identity);
	}
	return 0;
}

/* To where it may bring its commands from, before it is told anything. Where that place is not there, the worker says so of
 * the rest. */
static void place(const struct worker *worker, int pid)
{
	const struct pools *pools = worker->pools;
	const struct config_pool *config = &pool_own(worker->pool)->config;
	if (!pools->cgroup || !config->commands || !config->user)
		return;
	char *part = cgroup_tree_pool(pools->cgroup, worker->pool->name), *folder = xasprintf("%s/" CGROUP_TREE_WORKERS, part);
	char text[16];
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(text, sizeof(text), "%d", pid);
	if (fd >= 0 && cgroup_file_write(fd, "cgroup.procs", text) < 0 && errno != ESRCH)
		log_warning("worker %s/%d cannot be moved to %s: %s", worker->pool->name, worker->index, folder, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	free(part);
}

int spawn_worker(struct worker *worker, const int fds[SPAWN_WORKER_FDS])
{
	static_assert(WORKER_CONTROL_FD == 3 && WORKER_ALIVE_FD == 4, "where spawn_child's first two go");
	struct pools *pools = worker->pools;
	struct spawn spawn = { .path = pools->worker_path, .fds = fds, .n_fds = SPAWN_WORKER_FDS };
	int code = choose_user(&spawn, worker);
	if (code < 0)
		return code;
	if (pool_own(worker->pool)->config.private_directory)
		sweeps_note(pools, &spawn);
	char parent[16];
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	char *title = xasprintf("taskd-worker: %s/%d", worker->pool->name, worker->index);
	char *variable = pools->socket ? xasprintf(SPAWN_VARIABLE "%s", pools->socket) : NULL;
	char *argv[] = { title, parent, NULL };
	spawn.argv = argv;
	spawn.variable = variable;
	int pid = spawn_child(&spawn);
	if (pid > 0)
		place(worker, pid);
	free(variable);
	free(title);
	return pid;
}

char *spawn_worker_problem(const struct worker *worker, int error)
{
	const char *user = pool_own(worker->pool)->config.user;
	bool as_submitter = pools_as_submitter(worker->pools->config, worker->pool->name);
	if (error == -ENOKEY)
		return xasprintf("user = %s: it is not in /etc/passwd, or is in more than %d groups", user, SPAWN_GROUPS_LIMIT);
	if (error == -EPERM && as_submitter)
		return xstrdup("as_submitter: taskd was not started as root, or not with this in its configuration");
	if (error == -EPERM && user)
		return xasprintf("user = %s: taskd was not started as root, or not with this in its configuration", user);
	return xstrdup(strerror(-error));
}
