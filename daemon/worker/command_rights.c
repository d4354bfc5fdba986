/* Whom a command runs as, what it gives up, and the folder that is its own. Of a user everything comes from /etc/passwd and
 * /etc/group, and is looked up for each command: who was taken out of a group yesterday is not in it today. Whoever is not
 * found there runs nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "worker/command_life.h"

int command_rights_prepare(struct command_slot *slot)
{
	const struct command_setting *setting = slot->setting;
	const struct confine_needs needs = { .terminal = true, .directory = setting->directory };
	return confine_prepare(&setting->confine, &needs, &slot->kit);
}

/* -1: nobody. */
static int64_t uid_of(const struct command *command)
{
	uint32_t run_as = command->request->run_as;
	return run_as == LANE_RUN_AS_POOL ? command->slot->setting->user : (int64_t)run_as;
}

void command_rights_name(const struct command *command, char *room, size_t size)
{
	if (uid_of(command) < 0)
		snprintf(room, size, "root");
	else
		snprintf(room, size, "uid %" PRId64, uid_of(command));
}

static int become_submitter(struct command *command)
{
	char text[24];
	if (uid_of(command) < 0) {
		errno = EPERM;
		return -1;
	}
	snprintf(text, sizeof(text), "%" PRId64, uid_of(command));
	if (user_identity(text, &command->user) < 0) {
		errno = ENOENT;
		return -1;
	}
	command->as = (struct run_as){ .uid = command->user.uid, .gid = command->user.gid, .groups = command->user.groups,
		.n_groups = command->user.n_groups };
	command->rights.as = &command->as;
	return 0;
}

/* A worker that is nobody's but its own runs commands for its own user, whoever wants them. */
static int user_take(struct command *command)
{
	if (command->slot->setting->as_submitter)
		return become_submitter(command);
	if (command->request->run_as == LANE_RUN_AS_POOL || command->request->run_as == geteuid())
		return 0;
	errno = EPERM;
	return -1;
}

/* Its name within the worker's: two of them are never there at once. */
static void name_folder(const struct command *command, char *room, size_t size)
{
	snprintf(room, size, "%" PRIu64 ".%" PRIu32, command->request->task_id, command->request->attempt);
}

static int folder_take(struct command *command)
{
	const char *directory = command->slot->setting->directory;
	bool other = command->rights.as;
	char name[48];
	if (!directory)
		return 0;
	name_folder(command, name, sizeof(name));
	confine_directory_drop(directory, name); /* of an item before it, from which something was left */
	command->folder = confine_directory_add(directory, name, other ? command->as.uid : geteuid(),
		other ? command->as.gid : getegid());
	return command->folder ? 0 : -1;
}

int command_rights_take(struct command *command, const char **step)
{
	command->rights.kit = &command->slot->kit;
	*step = COMMAND_STEP_USER;
	if (user_take(command) < 0)
		return -1;
	*step = "make its private directory";
	return folder_take(command);
}

void command_rights_drop(struct command *command)
{
	char name[48];
	if (command->folder) {
		name_folder(command, name, sizeof(name));
		confine_directory_drop(command->slot->setting->directory, name);
	}
	free(command->folder);
	command->folder = NULL;
	user_identity_free(&command->user);
}
