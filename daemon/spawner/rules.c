/* The lists of programs and users are this process's own arguments: whoever asks later cannot add to them, and a successor
 * gets the same. */
#include "spawner/spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

/* -1: it is none, or too large for an id that means somebody. */
static int id_read(const char *text, uint32_t *id)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value >= UINT32_MAX)
		return -1;
	*id = (uint32_t)value;
	return 0;
}

static int groups_read(struct spawn_user *user, char *text)
{
	gid_t *groups = xcalloc(SPAWN_GROUPS_LIMIT, sizeof(*groups));
	user->groups = groups;
	for (char *word; (word = strsep(&text, ","));) {
		if (!*word)
			continue;
		if (user->n_groups == SPAWN_GROUPS_LIMIT || id_read(word, &groups[user->n_groups++]) < 0)
			return -1;
	}
	return 0;
}

static const char *word_or_null(const char *word)
{
	return word && *word ? word : NULL;
}

static int user_read(struct rules *rules, const char *text)
{
	char *end = NULL;
	if (rules->n_users == SPAWN_USERS_LIMIT)
		return -1;
	char *rest = rules->user_texts[rules->n_users] = xstrdup(text);
	struct spawn_user *user = &rules->users[rules->n_users++];
	const char *uid = strsep(&rest, ":"), *gid = strsep(&rest, ":"), *capabilities = strsep(&rest, ":");
	char *groups = strsep(&rest, ":");
	if (!groups || id_read(uid, &user->uid) < 0 || id_read(gid, &user->gid) < 0 || groups_read(user, groups) < 0)
		return -1;
	user->capabilities = strtoull(capabilities, &end, 16);
	user->name = word_or_null(strsep(&rest, ":"));
	user->home = word_or_null(strsep(&rest, ":"));
	user->shell = word_or_null(rest);
	return *capabilities && !*end && (user->uid == 0 || !user->capabilities) ? 0 : -1;
}

static int rule_read(struct rules *rules, const char *text)
{
	static const char program[] = SPAWNER_PROGRAM, user[] = SPAWNER_USER;
	if (strncmp(text, user, sizeof(user) - 1) == 0)
		return user_read(rules, text + sizeof(user) - 1);
	if (strcmp(text, SPAWNER_AS_STARTED) == 0) {
		rules->as_started = true;
		return 0;
	}
	if (strncmp(text, program, sizeof(program) - 1) != 0 || !text[sizeof(program) - 1] ||
		rules->n_programs == SPAWN_PROGRAMS_LIMIT)
		return -1;
	rules->programs[rules->n_programs++] = text + sizeof(program) - 1;
	return 0;
}

int rules_read(struct rules *rules, char **argv)
{
	uint32_t master;
	*rules = (struct rules){ .argv = argv };
	if (!argv[0] || !argv[1] || !argv[2] || id_read(argv[1], &master) < 0 || !*argv[2])
		return -1;
	rules->master = (int)master;
	rules->self = argv[2];
	for (char **argument = argv + 3; *argument; argument++)
		if (rule_read(rules, *argument) < 0)
			return -1;
	return 0;
}
