/* What a pool's workers, or their commands, do without: read from the start message, made ready, and given up. The order
 * is the kernel's: a filter of calls, and Landlock, are for those alone who can gain no privileges any more. */
#include "worker/confine.h"

#include <errno.h>
#include <jansson.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xmalloc.h"

/* In a child that has this process's memory still: see spawn_command.c. */
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

static char *words_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? xstrdup(text) : NULL;
}

void confine_read(const json_t *object, struct confine *out)
{
	const char *calls = json_string_value(json_object_get(object, "seccomp"));
	*out = (struct confine){
		.no_new_privs = json_is_true(json_object_get(object, "no_new_privs")),
		.read_paths = words_of(object, "read_paths"),
		.write_paths = words_of(object, "write_paths"),
		.private_directory = json_is_true(json_object_get(object, "private_directory")),
	};
	if (calls && strcmp(calls, "strict") == 0)
		out->calls = CONFINE_CALLS_STRICT;
	else if (calls && strcmp(calls, "default") == 0)
		out->calls = CONFINE_CALLS_DEFAULT;
}

void confine_free(struct confine *confine)
{
	free(confine->read_paths);
	free(confine->write_paths);
	*confine = (struct confine){ 0 };
}

int confine_prepare(const struct confine *confine, const struct confine_needs *needs, struct confine_kit *kit)
{
	*kit = (struct confine_kit){ .ruleset_fd = -1 };
	if ((confine->read_paths || confine->write_paths) && confine_paths_ruleset(confine, needs, &kit->ruleset_fd) < 0)
		return -1;
	if (confine->calls != CONFINE_CALLS_OFF && !(kit->filter = confine_calls_filter(confine->calls, &kit->n_filter))) {
		log_error("cannot make the filter of system calls: %s", strerror(errno));
		confine_kit_free(kit);
		return -1;
	}
	kit->no_new_privs = confine->no_new_privs || kit->filter || kit->ruleset_fd >= 0;
	return 0;
}

void confine_kit_free(struct confine_kit *kit)
{
	if (kit->ruleset_fd >= 0)
		close(kit->ruleset_fd);
	free(kit->filter);
	*kit = (struct confine_kit){ .ruleset_fd = -1 };
}

IN_CHILD const char *confine_put_paths(const struct confine_kit *kit)
{
	if (kit->no_new_privs && syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "give up new privileges";
#ifdef SYS_landlock_restrict_self
	if (kit->ruleset_fd >= 0 && syscall(SYS_landlock_restrict_self, kit->ruleset_fd, 0) < 0)
		return "give up the paths that are not its own";
#endif
	return NULL;
}

/* What a filter does to a processor's speculation is for those who run somebody else's code in their own memory. Filters of
 * service managers know the older way alone (systemd's @system-service has no seccomp(2)). */
IN_CHILD const char *confine_put_calls(const struct confine_kit *kit)
{
	const struct sock_fprog program = { .len = kit->n_filter, .filter = kit->filter };
	if (kit->filter &&
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) < 0 &&
		syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		return "give up system calls";
	return NULL;
}

int confine_apply(const struct confine *confine, const struct confine_needs *needs)
{
	struct confine_kit kit;
	if (confine_prepare(confine, needs, &kit) < 0)
		return -1;
	const char *step = confine_put_paths(&kit);
	if (!step)
		step = confine_put_calls(&kit);
	if (step)
		log_error("cannot %s: %s", step, strerror(errno));
	confine_kit_free(&kit);
	return step ? -1 : 0;
}
