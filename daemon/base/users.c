/* Looking up users and groups without asking anybody who could be slow. */
#include "base/users.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LINE_ROOM 65536 /* a group may have many members */
#define N_KEPT 16
#define NAME_ROOM 64
#define KEPT_NS (10 * NS_PER_S)

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
