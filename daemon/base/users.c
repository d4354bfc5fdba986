/* Looking up users and groups without asking anybody who could be slow. */
#include "base/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"

#define LINE_ROOM 65536 /* a group may have many members */
#define N_KEPT 16
#define NAME_ROOM 64
#define KEPT_NS (10 * NS_PER_S)
#define GROUPS_LIMIT 64 /* base/spawn.h has the same: more are an error, and not cut */

static bool number_read(const char *text, uint32_t *number)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return false;
	unsigned long value = strtoul(text, &end, 10);
	if (*end || value >= UINT32_MAX)
		return false;
	*number = (uint32_t)value;
	return true;
}

bool user_find(const char *text, uint32_t *uid)
{
	static char buffer[LINE_ROOM];
	struct passwd entry, *found = NULL;
	if (number_read(text, uid))
		return true;
	FILE *file = fopen("/etc/passwd", "re");
	if (!file)
		return false;
	while (fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0 && strcmp(found->pw_name, text) != 0)
		found = NULL;
	fclose(file);
	if (found)
		*uid = found->pw_uid;
	return found;
}

bool group_find(const char *text, uint32_t *gid)
{
	static char buffer[LINE_ROOM];
	struct group entry, *found = NULL;
	if (number_read(text, gid))
		return true;
	FILE *file = fopen("/etc/group", "re");
	if (!file)
		return false;
	while (fgetgrent_r(file, &entry, buffer, sizeof(buffer), &found) == 0 && strcmp(found->gr_name, text) != 0)
		found = NULL;
	fclose(file);
	if (found)
		*gid = found->gr_gid;
	return found;
}

/* Who has many objects is not looked up for each. */
const char *user_name_kept(uint32_t uid, int64_t now_ns)
{
	static struct kept {
		uint32_t uid;
		int64_t until_ns; /* 0: none */
		char name[NAME_ROOM];
	} kept[N_KEPT];
	struct kept *place = &kept[uid % N_KEPT];
	if (!place->until_ns || place->uid != uid || now_ns >= place->until_ns || now_ns < place->until_ns - KEPT_NS) {
		user_name(uid, place->name, sizeof(place->name));
		place->uid = uid;
		place->until_ns = now_ns + KEPT_NS;
	}
	return place->name;
}

void user_name(uint32_t uid, char *room, size_t size)
{
	static char buffer[LINE_ROOM];
	struct passwd entry, *found = NULL;
	FILE *file = fopen("/etc/passwd", "re");
	snprintf(room, size, "uid %u", (unsigned)uid);
	if (!file)
		return;
	while (fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0 && found->pw_uid != uid)
		found = NULL;
	fclose(file);
	if (found)
		snprintf(room, size, "%s", found->pw_name);
}

/* --- somebody as a whole --- */

/* The entry of a name or a number, with what it points to in BUFFER; NULL: there is none. */
static struct passwd *entry_find(const char *text, struct passwd *entry, char *buffer, size_t size)
{
	uint32_t uid = UINT32_MAX;
	bool by_number = number_read(text, &uid);
	struct passwd *found = NULL;
	FILE *file = fopen("/etc/passwd", "re");
	if (!file)
		return NULL;
	while (fgetpwent_r(file, entry, buffer, size, &found) == 0 &&
		(by_number ? found->pw_uid != uid : strcmp(found->pw_name, text) != 0))
		found = NULL;
	fclose(file);
	return found;
}

static int group_add(struct user_identity *out, gid_t gid)
{
	for (size_t i = 0; i < out->n_groups; i++)
		if (out->groups[i] == gid)
			return 0;
	if (out->n_groups == GROUPS_LIMIT)
		return -1;
	out->groups[out->n_groups++] = gid;
	return 0;
}

static bool has_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return false;
}

static int groups_find(struct user_identity *out)
{
	static char buffer[LINE_ROOM];
	struct group entry, *found = NULL;
	out->groups = xcalloc(GROUPS_LIMIT, sizeof(*out->groups));
	int code = group_add(out, out->gid), end;
	FILE *file = fopen("/etc/group", "re");
	if (!file)
		return -1;
	while ((end = fgetgrent_r(file, &entry, buffer, sizeof(buffer), &found)) == 0 && code == 0)
		if (has_member(found, out->name))
			code = group_add(out, found->gr_gid);
	fclose(file);
	/* A line that was too long may have had the user in it. */
	return code < 0 || end == ERANGE ? -1 : 0;
}

int user_identity(const char *text, struct user_identity *out)
{
	static char buffer[LINE_ROOM];
	struct passwd entry;
	const struct passwd *found = entry_find(text, &entry, buffer, sizeof(buffer));
	*out = (struct user_identity){ 0 };
	if (!found)
		return -1;
	out->uid = found->pw_uid;
	out->gid = found->pw_gid;
	out->name = xstrdup(found->pw_name);
	out->home = xstrdup(found->pw_dir);
	out->shell = xstrdup(found->pw_shell);
	if (groups_find(out) == 0)
		return 0;
	user_identity_free(out);
	return -1;
}

void user_identity_free(struct user_identity *identity)
{
	free(identity->groups);
	free(identity->name);
	free(identity->home);
	free(identity->shell);
	*identity = (struct user_identity){ 0 };
}
