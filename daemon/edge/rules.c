/* From [access] sections to numbers and patterns. A name that is nowhere is nobody's, and is logged: it may be a slip of the
 * pen, or a user who is still to come. */
#include "edge/rules.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "config/config.h"

#define BLANKS " \t"

/* --- whom it is about --- */

typedef void tell_fn(const char *problem);

/* False: the word is about nobody. */
static bool who_read(const char *word, const char *section, tell_fn *tell, struct who *out)
{
	static const struct {
		const char *word;
		enum who_kind kind;
	} words[] = { { "owner", WHO_OWNER }, { "members", WHO_MEMBERS }, { "*", WHO_ALL } };
	bool group = word[0] == '@';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0) {
			*out = (struct who){ .kind = words[i].kind };
			return true;
		}
	if (strcmp(word, "nobody") == 0)
		return false;
	out->kind = group ? WHO_GROUP : WHO_UID;
	if (group ? group_find(word + 1, &out->number) : user_find(word, &out->number))
		return true;
	char *problem = xasprintf("%s: there is no %s %s: nobody is meant by that until the configuration is read again", section,
		group ? "group" : "user", group ? word + 1 : word);
	tell(problem);
	free(problem);
	return false;
}

static void whos_read(struct whos *whos, const char *words, const char *section, tell_fn *tell)
{
	char *copy = xstrdup(words), *rest = copy, *word;
	*whos = (struct whos){ .list = xcalloc(strlen(words) / 2 + 1, sizeof(whos->list[0])) };
	while ((word = strsep(&rest, BLANKS)))
		whos->count += *word && who_read(word, section, tell, &whos->list[whos->count]);
	free(copy);
}

static bool is_member(const struct rules *rules, const struct peer *peer)
{
	bool found = false;
	for (size_t i = 0; i < rules->n_sockets && !found; i++)
		found = rules->sockets[i].known && peer_is_in_group(peer, rules->sockets[i].group);
	return found;
}

static bool who_is(const struct rules *rules, const struct who *who, const struct peer *peer)
{
	switch (who->kind) {
	case WHO_UID:
		return peer->uid == who->number;
	case WHO_GROUP:
		return peer_is_in_group(peer, who->number);
	case WHO_OWNER:
		return peer_is_admin(peer);
	case WHO_MEMBERS:
		return is_member(rules, peer);
	case WHO_ALL:
		return true;
	}
	return false;
}

bool rules_are_about(const struct rules *rules, const struct whos *whos, const struct peer *peer)
{
	bool found = false;
	for (size_t i = 0; i < whos->count && !found; i++)
		found = who_is(rules, &whos->list[i], peer);
	return found;
}

/* --- names and patterns --- */

static void patterns_read(struct patterns *patterns, const char *words)
{
	const char *word = words + strspn(words, BLANKS);
	char *end = patterns->text = xmalloc(strlen(words) + 1);
	patterns->count = 0;
	patterns->all = false;
	for (size_t length; (length = strcspn(word, BLANKS)) > 0; word += length, word += strspn(word, BLANKS)) {
		memcpy(end, word, length);
		end[length] = '\0';
		patterns->all |= strcmp(end, "*") == 0;
		patterns->count++;
		end += length + 1;
	}
}

bool patterns_match(const struct patterns *patterns, const char *name)
{
	const char *word = patterns->text;
	for (size_t i = 0; i < patterns->count && !patterns->all; i++, word += strlen(word) + 1)
		if (strpbrk(word, "*?[\\") ? fnmatch(word, name, 0) == 0 : strcmp(word, name) == 0)
			return true;
	return patterns->all;
}

/* --- sockets --- */

/* By its path, since what a socket's descriptor says of its owner is not what its file says. */
static void socket_look(struct rule_socket *place)
{
	struct stat status;
	place->known = lstat(place->path, &status) == 0 && S_ISSOCK(status.st_mode);
	place->group = place->known ? status.st_gid : (gid_t)-1;
}

void rules_add_socket(struct rules *rules, int fd)
{
	struct sockaddr_un address = { 0 };
	char path[sizeof(address.sun_path) + 1] = "";
	socklen_t length = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 || address.sun_family != AF_UNIX)
		return;
	memcpy(path, address.sun_path, sizeof(address.sun_path));
	if (!path[0])
		return;
	rules->sockets = xreallocarray(rules->sockets, rules->n_sockets + 1, sizeof(rules->sockets[0]));
	rules->sockets[rules->n_sockets].path = xstrdup(path);
	socket_look(&rules->sockets[rules->n_sockets++]);
	rules->generation++;
}

/* --- all of it --- */

static void rule_read(struct rule *rule, const struct config *config, const struct config_access *access, tell_fn *tell)
{
	char *where = config_where(config, access, "users");
	char *section = xasprintf("%s[access %s]", where, access->name);
	whos_read(&rule->users, access->users, section, tell);
	patterns_read(&rule->tasks, access->tasks);
	patterns_read(&rule->queues, access->queues);
	patterns_read(&rule->objects, access->objects);
	rule->submit = access->submit;
	rule->admin = access->admin;
	rule->read = (enum access_scope)access->read;
	rule->cancel = (enum access_scope)access->cancel;
	free(section);
	free(where);
}

static void clear(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		free(rules->list[i].users.list);
		free(rules->list[i].tasks.text);
		free(rules->list[i].queues.text);
		free(rules->list[i].objects.text);
	}
	free(rules->list);
	free(rules->exec.list);
	rules->count = 0;
}

static void read_all(struct rules *rules, const struct config *config, tell_fn *tell)
{
	const struct config_access *access;
	clear(rules);
	rules->list = xcalloc(CONFIG_ACCESS_LIMIT, sizeof(rules->list[0]));
	STAILQ_FOREACH(access, &config->access, link)
		if (rules->count < CONFIG_ACCESS_LIMIT)
			rule_read(&rules->list[rules->count++], config, access, tell);
	char *where = config_where(config, config, "exec_users");
	char *key = xasprintf("%sexec_users", where);
	whos_read(&rules->exec, config->exec_users ? config->exec_users : "owner", key, tell);
	free(key);
	free(where);
}

static void tell_log(const char *problem)
{
	log_warning("%s", problem);
}

void rules_configure(struct rules *rules, const struct config *config)
{
	read_all(rules, config, tell_log);
	for (size_t i = 0; i < rules->n_sockets; i++)
		socket_look(&rules->sockets[i]);
	rules->generation++;
}

void rules_check(const struct config *config, void (*tell)(const char *problem))
{
	struct rules rules = { .list = NULL };
	read_all(&rules, config, tell);
	rules_free(&rules);
}

void rules_free(struct rules *rules)
{
	clear(rules);
	for (size_t i = 0; i < rules->n_sockets; i++)
		free(rules->sockets[i].path);
	free(rules->sockets);
}
