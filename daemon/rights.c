/* See rights.h. All of it as root only, but for spawners and system calls: these every server has and gives up, so that
 * what a test finds is what a service does. */
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/spawn.h"
#include "base/xmalloc.h"
#include "cgroup.h"
#include "config/config.h"
#include "confine.h"
#include "pool/pool.h"

#define USER_DEFAULT "taskd"
#define OWN_FOLDER "/run/taskd"

int rights_choose(struct rights *rights, const struct config *config, char **error)
{
	*rights = (struct rights){ 0 };
	prctl(PR_GET_PDEATHSIG, &rights->parent_death);
	if (geteuid() != 0)
		return 0;
	if (user_identity(config->user ? config->user : USER_DEFAULT, &rights->user) < 0) {
		if (!config->user)
			return 0;
		char *where = config_where(config, config, "user");
		*error = xasprintf("%s[taskd] user = %s: it is not in /etc/passwd, or is in more than %d groups", where, config->user,
			SPAWN_GROUPS_LIMIT);
		free(where);
		return -1;
	}
	rights->becomes = rights->user.uid != 0;
	return 0;
}

void rights_free(struct rights *rights)
{
	user_identity_free(&rights->user);
}

/* --- what is to be that user's --- */

void rights_try(const struct rights *rights)
{
	const struct user_identity *user = &rights->user;
	if (!rights->becomes)
		return;
	if (setgroups(user->n_groups, user->groups) < 0 || setegid(user->gid) < 0 || seteuid(user->uid) < 0)
		abort();
}

void rights_resume(const struct rights *rights)
{
	if (!rights->becomes)
		return;
	if (seteuid(0) < 0 || setegid(getgid()) < 0)
		abort();
	prctl(PR_SET_PDEATHSIG, rights->parent_death); /* it went with the user */
}

static bool is_denied(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0 && errno != ENOENT;
}

int rights_check_folder(const struct rights *rights, const char *path, char **error)
{
	static const char *const files[] = { "lock", "children.lock", "tasks.db", "tasks.db-wal", "tasks.db-shm",
		"tasks.db.lock" };
	if (!rights->becomes)
		return 0;
	char *denied = is_denied(path, W_OK | X_OK) ? xstrdup(path) : NULL;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !denied; i++) {
		char *file = xasprintf("%s/%s", path, files[i]);
		if (is_denied(file, R_OK | W_OK))
			denied = file;
		else
			free(file);
	}
	if (!denied)
		return 0;
	*error = xasprintf("the state directory %s cannot be used by user %s, which taskd becomes: %s: %s; give it to that user "
			   "(chown -R %s: %s), or say user = root in [taskd]",
		path, rights->user.name, denied, strerror(errno), rights->user.name, path);
	free(denied);
	return -1;
}

static void told_owner(const char *path, int code)
{
	if (code < 0)
		log_warning("%s cannot be given to the user that taskd becomes: %s", path, strerror(errno));
}

void rights_make_folder(const struct rights *rights, const char *path, mode_t mode)
{
	if (rights->becomes && mkdir(path, mode) == 0)
		told_owner(path, lchown(path, rights->user.uid, rights->user.gid));
}

void rights_give_socket(const struct rights *rights, const char *path)
{
	if (!rights->becomes || !path)
		return;
	told_owner(path, lchown(path, rights->user.uid, (gid_t)-1));
	if (strncmp(path, OWN_FOLDER "/", sizeof(OWN_FOLDER)) == 0 && !strchr(path + sizeof(OWN_FOLDER), '/'))
		told_owner(OWN_FOLDER, lchown(OWN_FOLDER, rights->user.uid, rights->user.gid));
}

/* Where its user is taskd's own there is nothing to give; root needs nothing; and of who is not there nobody starts. */
static void give_pool(const struct rights *rights, const struct config *config, const struct config_pool *pool, const char *folder)
{
	struct user_identity identity;
	uid_t master = rights->becomes ? rights->user.uid : geteuid();
	cgroup_clear_pool(folder, pool->name);
	if (!pool->commands || !pool->user || pools_as_submitter(config, pool->name) || user_identity(pool->user, &identity) < 0)
		return;
	if (identity.uid != master && identity.uid != 0 &&
		cgroup_give_pool(folder, pool->name, identity.uid, identity.gid, master) < 0)
		log_warning("pool %s: its commands get no cgroups: %s: %s", pool->name, folder, strerror(errno));
	user_identity_free(&identity);
}

void rights_give_cgroup(const struct rights *rights, const struct config *config, const char *folder)
{
	const struct config_pool *pool;
	if (geteuid() != 0 || !folder)
		return;
	if (rights->becomes)
		told_owner(folder, cgroup_give(folder, rights->user.uid, rights->user.gid));
	STAILQ_FOREACH(pool, &config->pools, link)
		give_pool(rights, config, pool, folder);
}

/* --- spawners --- */

struct people {
	struct user_identity identities[SPAWN_USERS_LIMIT];
	struct spawn_user users[SPAWN_USERS_LIMIT];
	size_t n;
};

static bool knows(const struct people *people, uid_t uid, uint64_t capabilities)
{
	for (size_t i = 0; i < people->n; i++)
		if (people->users[i].uid == uid && people->users[i].capabilities == capabilities)
			return true;
	return false;
}

/* Takes IDENTITY over. */
static void people_add(struct people *people, struct user_identity *identity, uint64_t capabilities)
{
	if (knows(people, identity->uid, capabilities) || people->n == SPAWN_USERS_LIMIT) {
		user_identity_free(identity);
		return;
	}
	people->identities[people->n] = *identity;
	people->users[people->n++] = (struct spawn_user){
		.uid = identity->uid,
		.gid = identity->gid,
		.groups = identity->groups,
		.n_groups = identity->n_groups,
		.capabilities = capabilities,
		.name = identity->name,
		.home = identity->home,
		.shell = identity->shell,
	};
}

static void people_add_name(struct people *people, const char *name, uint64_t capabilities)
{
	struct user_identity identity;
	/* Where that fails the pool's own starts say so. */
	if (user_identity(name, &identity) == 0)
		people_add(people, &identity, identity.uid == 0 ? capabilities : 0);
}

/* All who workers may be, as the configuration stands now: pools that come later have to do with these. */
static void people_gather(struct people *people, const struct rights *rights, const struct config *config)
{
	const struct config_pool *pool;
	if (geteuid() != 0)
		return;
	if (rights->becomes)
		people_add_name(people, rights->user.name, 0);
	STAILQ_FOREACH(pool, &config->pools, link) {
		if (pools_as_submitter(config, pool->name))
			people_add_name(people, "0", POOLS_SUBMITTER_CAPABILITIES);
		else if (pool->user)
			people_add_name(people, pool->user, POOLS_ROOT_CAPABILITIES);
	}
}

static int start_spawners(const struct rights *rights, const struct config *config, char **error)
{
	struct people people = { .n = 0 };
	char *programs[] = { spawn_find("TASKD_WORKER", "taskd-worker"), spawn_find("TASKD_STORE", "taskd-store") };
	people_gather(&people, rights, config);
	const struct spawn_rules rules = {
		.programs = (const char *const *)programs,
		.n_programs = 2,
		.users = people.users,
		.n_users = people.n,
		.as_first = rights->becomes,
	};
	int code = spawners_start(&rules);
	if (code < 0)
		*error = xasprintf("cannot start taskd-spawn: %s", strerror(-code));
	for (size_t i = 0; i < people.n; i++)
		user_identity_free(&people.identities[i]);
	free(programs[0]);
	free(programs[1]);
	return code;
}

/* --- the rest --- */

int rights_give_up(const struct rights *rights, const struct config *config, char **error)
{
	if (start_spawners(rights, config, error) < 0)
		return -1;
	if (rights->becomes && confine_user(&rights->user, error) < 0)
		return -1;
	confine_dumps(config->core_dumps);
	if (config->seccomp && confine_calls(error) < 0)
		return -1;
	log_debug("runs as %s%s", rights->becomes ? rights->user.name : geteuid() == 0 ? "root" : "who has started it",
		config->seccomp ? ", with few system calls left" : "");
	return 0;
}
