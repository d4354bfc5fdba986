/* Reads the configuration file. inih cuts lines into keys and values; sections, line numbers and everything that can
 * be wrong are seen to here, since inih tells its handler neither empty sections nor where it is. */
#include "config/read.h"

#include "base/xmalloc.h"
#include "config/template.h"
#include "config/value.h"
#include "proto/command.h"
#include "proto/suggest.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_words[N_CONFIG_SECTIONS] = {
	[CONFIG_SECTION_TASKD] = "taskd",
	[CONFIG_SECTION_POOL] = "pool",
	[CONFIG_SECTION_QUEUE] = "queue",
	[CONFIG_SECTION_SEMAPHORE] = "semaphore",
	[CONFIG_SECTION_PLUGIN] = "plugin",
	[CONFIG_SECTION_COMMAND] = "command",
	[CONFIG_SECTION_ACCESS] = "access",
};
#define LINE_LIMIT 4096
#define CALLS_STRICT 2 /* of a pool's seccomp */
#define KEYS_MAX 256

/* A section of the file while it is read. */
struct section {
	enum config_section kind;
	char *name; /* NULL: [taskd] */
	int line;
	void *target;
	int key_lines[KEYS_MAX]; /* by the key's place in the table; 0: not given */
	STAILQ_ENTRY(section) link;
};

struct reading {
	const char *file;
	FILE *stream;
	struct config *config;
	STAILQ_HEAD(, section) sections;
	struct section *now; /* NULL before the first */
	int line;
	char *error;
	int error_line;
};

__attribute__((format(printf, 3, 4))) static void fail_at(struct reading *reading, int line, const char *format, ...)
{
	va_list args;
	char *reason;
	if (reading->error)
		return;
	va_start(args, format);
	if (vasprintf(&reason, format, args) < 0)
		reason = NULL;
	va_end(args);
	reading->error_line = line;
	reading->error = xasprintf("%s:%d: %s", reading->file, line, reason ? reason : "wrong");
	free(reason);
}

/* --- sections --- */

bool config_name_is_sound(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
	return length > 0 && length <= CONFIG_NAME_LIMIT && name[length] == '\0';
}

static int kind_find(struct reading *reading, const char *word)
{
	struct suggest suggest;
	suggest_begin(&suggest, word);
	for (int kind = 0; kind < N_CONFIG_SECTIONS; kind++) {
		if (strcmp(section_words[kind], word) == 0)
			return kind;
		suggest_offer(&suggest, section_words[kind]);
	}
	if (suggest.best)
		fail_at(reading, reading->line, "there is no section [%s]; did you mean [%s]?", word, suggest.best);
	else
		fail_at(reading, reading->line,
			"there is no section [%s]; there are [taskd], [pool NAME], [queue NAME], [semaphore NAME], [plugin NAME], "
			"[command NAME] and [access NAME]",
			word);
	return -1;
}

static struct section *section_find(struct reading *reading, enum config_section kind, const char *name)
{
	struct section *section;
	STAILQ_FOREACH(section, &reading->sections, link)
		if (section->kind == kind && (!name || strcmp(section->name, name) == 0))
			return section;
	return NULL;
}

/* "[pool io]", of which TITLE is what stands between the brackets. */
static void section_begin(struct reading *reading, char *title)
{
	char *rest;
	const char *word = strtok_r(title, " \t", &rest);
	char *name = strtok_r(NULL, " \t", &rest);
	if (!word) {
		fail_at(reading, reading->line, "a section without a name");
		return;
	}
	int kind = kind_find(reading, word);
	if (kind < 0)
		return;
	if (kind == CONFIG_SECTION_TASKD && name)
		fail_at(reading, reading->line, "[taskd] takes no name");
	else if (kind != CONFIG_SECTION_TASKD && !name)
		fail_at(reading, reading->line, "[%s] needs a name: [%s NAME]", word, word);
	else if (name && (!config_name_is_sound(name) || strtok_r(NULL, " \t", &rest)))
		fail_at(reading, reading->line, "the name of %s %s has letters, digits, - and _, at most %d of them",
			strcmp(word, "access") == 0 ? "an" : "a", word, CONFIG_NAME_LIMIT);
	if (reading->error)
		return;
	const struct section *same = section_find(reading, (enum config_section)kind, name);
	if (same) {
		fail_at(reading, reading->line, "[%s%s%s] is there already, in line %d", word, name ? " " : "",
			name ? name : "", same->line);
		return;
	}
	struct section *section = xcalloc(1, sizeof(*section));
	section->kind = (enum config_section)kind;
	section->name = name ? xstrdup(name) : NULL;
	section->line = reading->line;
	section->target = config_section_add(reading->config, section->kind, name);
	STAILQ_INSERT_TAIL(&reading->sections, section, link);
	reading->now = section;
}

/* --- keys --- */

static const struct config_key *key_find(struct reading *reading, const char *name)
{
	struct suggest suggest;
	const char *word = section_words[reading->now->kind];
	suggest_begin(&suggest, name);
	for (size_t i = 0; i < config_n_keys; i++) {
		if (strcmp(config_keys[i].section, word) != 0)
			continue;
		if (strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
		suggest_offer(&suggest, config_keys[i].name);
	}
	if (suggest.best)
		fail_at(reading, reading->line, "[%s] has no key %s; did you mean %s?", word, name, suggest.best);
	else
		fail_at(reading, reading->line, "[%s] has no key %s", word, name);
	return NULL;
}

/* inih's handler: a key and its value. 0 is an error. */
static int on_key(void *user, const char *title, const char *name, const char *value)
{
	struct reading *reading = user;
	(void)title; /* cut at 50 bytes */
	if (reading->error)
		return 0;
	if (!reading->now) {
		fail_at(reading, reading->line, "%s stands before the first section", name);
		return 0;
	}
	const struct config_key *key = key_find(reading, name);
	if (!key)
		return 0;
	int *line = &reading->now->key_lines[key - config_keys];
	if (*line) {
		fail_at(reading, reading->line, "%s is there already, in line %d", name, *line);
		return 0;
	}
	*line = reading->line;
	char *reason = config_value_set(reading->now->target, key, value);
	if (!reason)
		return 1;
	fail_at(reading, reading->line, "%s: %s", name, reason);
	free(reason);
	return 0;
}

/* --- lines --- */

/* A section's line as inih takes it: up to the first bracket, and then nothing but a comment. */
static void section_line(struct reading *reading, char *line)
{
	char *end = strchr(line, ']');
	if (!end) {
		fail_at(reading, reading->line, "a section's line ends with ]");
		return;
	}
	const char *behind = end + 1 + strspn(end + 1, " \t\r\n");
	if (*behind && *behind != ';' && *behind != '#') {
		fail_at(reading, reading->line, "something stands behind the section's ]");
		return;
	}
	char *title = xstrndup(line + 1, (size_t)(end - line - 1));
	section_begin(reading, title);
	free(title);
}

/* inih knows ; as the beginning of a comment behind a value; this is for #. */
static void comment_cut(char *text)
{
	for (char *hash = strchr(text, '#'); hash; hash = strchr(hash + 1, '#'))
		if (hash > text && (hash[-1] == ' ' || hash[-1] == '\t')) {
			*hash = '\0';
			return;
		}
}

/* inih's reader, in the manner of fgets. The end of file after an error: nothing behind it matters. */
static char *next_line(char *room, int size, void *user)
{
	struct reading *reading = user;
	if (reading->error)
		return NULL;
	char *line = NULL;
	size_t line_room = 0;
	ssize_t length = getline(&line, &line_room, reading->stream);
	if (length < 0) {
		if (ferror(reading->stream))
			fail_at(reading, reading->line + 1, "%s", strerror(errno));
		free(line);
		return NULL;
	}
	reading->line++;
	const char *text = line;
	if (reading->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	text += strspn(text, " \t"); /* to inih, a line that is set in would go on with the value of the last */
	if (strlen(line) != (size_t)length)
		fail_at(reading, reading->line, "a NUL byte");
	else if (strlen(text) + 1 > (size_t)size)
		fail_at(reading, reading->line, "the line has more than %d bytes", size - 2);
	else if (*text == '[')
		section_line(reading, line + (text - line));
	if (reading->error) {
		free(line);
		return NULL;
	}
	strcpy(room, text);
	comment_cut(room);
	free(line);
	return room;
}

/* --- the whole --- */

/* Where the section says KEY, else where it begins. */
static int line_of(const struct section *section, const char *key)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (section->key_lines[i] && strcmp(config_keys[i].name, key) == 0)
			return section->key_lines[i];
	return section->line;
}

/* Finds out the queue's pool, which must be there. */
static void queue_check(struct reading *reading, const struct section *section)
{
	struct config_queue *queue = section->target;
	const struct config_pool *pool = config_pool_find(reading->config, queue->name);
	int line = line_of(section, "pool");
	if (!queue->pool)
		queue->pool = xstrdup(pool ? queue->name : "default");
	else if (pool && strcmp(queue->pool, queue->name) != 0)
		fail_at(reading, line, "queue %s belongs to the pool of its name", queue->name);
	pool = config_pool_find(reading->config, queue->pool);
	if (pool && queue->as_submitter && !pool->commands)
		fail_at(reading, line_of(section, "as_submitter"),
			"as_submitter is for queues of commands: pool %s runs none", pool->name);
	if (pool)
		return;
	struct suggest suggest;
	suggest_begin(&suggest, queue->pool);
	STAILQ_FOREACH(pool, &reading->config->pools, link)
		suggest_offer(&suggest, pool->name);
	fail_at(reading, line, "queue %s: there is no pool %s%s%s%s", queue->name, queue->pool,
		suggest.best ? "; did you mean " : "", suggest.best ? suggest.best : "", suggest.best ? "?" : "");
}

/* One user, by name or number, that something is to run as. */
static void user_check(struct reading *reading, const struct section *section, const char *key, const char *user)
{
	if (user && strpbrk(user, " \t,:@*/"))
		fail_at(reading, line_of(section, key), "%s: %s is no user's name or number", key, user);
}

static void paths_check(struct reading *reading, const struct section *section, const char *key, const char *paths)
{
	char *words = paths ? xstrdup(paths) : NULL, *rest = words, *word;
	while ((word = strsep(&rest, " \t")))
		if (*word && *word != '/')
			fail_at(reading, line_of(section, key), "%s: %s does not begin with a slash", key, word);
	free(words);
}

/* To have none of one's rights raised is what the kernel asks of those who give up others: it would be yes all the same. */
static void privileges_check(struct reading *reading, const struct section *section)
{
	const struct config_pool *pool = section->target;
	const char *other = pool->seccomp > 0 ? "seccomp" : pool->read_paths ? "read_paths" : pool->write_paths ? "write_paths"
														 : NULL;
	if (pool->no_new_privs == 0 && other)
		fail_at(reading, line_of(section, "no_new_privs"),
			"no_new_privs: it cannot be no where %s says something (line %d), since the kernel takes it for that", other,
			line_of(section, other));
}

static void pool_check(struct reading *reading, const struct section *section)
{
	const struct config_pool *pool = section->target;
	if (pool->commands && pool->threads > 1)
		fail_at(reading, line_of(section, "threads"),
			"a process of a pool of commands runs one at a time: threads is 1, processes says how many");
	if (pool->commands && pool->seccomp == CALLS_STRICT)
		fail_at(reading, line_of(section, "seccomp"),
			"seccomp: strict is not for a pool of commands: they could not even be started");
	privileges_check(reading, section);
	user_check(reading, section, "user", pool->user);
	paths_check(reading, section, "read_paths", pool->read_paths);
	paths_check(reading, section, "write_paths", pool->write_paths);
}

/* The reason begins with the key that it is about. */
static void command_check(struct reading *reading, const struct section *section)
{
	struct config_command *command = section->target;
	char *reason;
	if (strcmp(command->name, COMMAND_TASK) == 0) {
		fail_at(reading, section->line, COMMAND_TASK " is the task that runs any command: [command %s] needs another name",
			COMMAND_TASK);
		return;
	}
	if (!command->argv) {
		fail_at(reading, section->line, "[command %s] has no argv", section->name);
		return;
	}
	command->template = template_new(command, &reason);
	if (command->template)
		return;
	char *key = xstrndup(reason, strcspn(reason, ":"));
	fail_at(reading, line_of(section, key), "%s", reason);
	free(key);
	free(reason);
}

/* Whom KEY is about: names, separated by blanks; the word for none of them stands alone. Whether there are such users and
 * groups is seen when somebody connects. */
static void users_check(struct reading *reading, const struct section *section, const char *key, const char *users)
{
	char *words = xstrdup(users), *rest = words, *word;
	size_t n = 0;
	bool nobody = false;
	while ((word = strsep(&rest, " \t"))) {
		n += *word != '\0';
		nobody |= strcmp(word, "nobody") == 0;
		if (strcmp(word, "@") == 0 || strchr(word, ','))
			fail_at(reading, line_of(section, key), "%s: %s is no user or @group", key, word);
	}
	if (nobody && n > 1)
		fail_at(reading, line_of(section, key), "%s: nobody stands alone", key);
	free(words);
}

static void taskd_check(struct reading *reading, const struct section *section)
{
	users_check(reading, section, "exec_users", reading->config->exec_users);
	user_check(reading, section, "user", reading->config->user);
}

/* They are told apart by the bits of a number. */
static void access_check(struct reading *reading, const struct section *section)
{
	const struct config_access *access = section->target, *other;
	size_t n = 1;
	STAILQ_FOREACH(other, &reading->config->access, link) {
		if (other == access)
			break;
		n++;
	}
	if (n > CONFIG_ACCESS_LIMIT)
		fail_at(reading, section->line, "there are %d [access] sections at most", CONFIG_ACCESS_LIMIT);
	users_check(reading, section, "users", access->users);
}

static void section_check(struct reading *reading, const struct section *section)
{
	switch (section->kind) {
	case CONFIG_SECTION_TASKD:
		taskd_check(reading, section);
		break;
	case CONFIG_SECTION_POOL:
		pool_check(reading, section);
		break;
	case CONFIG_SECTION_QUEUE:
		queue_check(reading, section);
		break;
	case CONFIG_SECTION_PLUGIN:
		if (!((struct config_plugin *)section->target)->path)
			fail_at(reading, section->line, "[plugin %s] has no path", section->name);
		break;
	case CONFIG_SECTION_COMMAND:
		command_check(reading, section);
		break;
	case CONFIG_SECTION_ACCESS:
		access_check(reading, section);
		break;
	case CONFIG_SECTION_SEMAPHORE:
	case N_CONFIG_SECTIONS:
		break;
	}
}

/* What can only be said once everything is there. CLASH: a pool that has to be there, and is of the other kind. */
static void check_whole(struct reading *reading, const char *clash)
{
	const struct section *section = clash ? section_find(reading, CONFIG_SECTION_POOL, clash) : NULL;
	if (section)
		fail_at(reading, line_of(section, "commands"), "[pool %s] cannot be the only pool, where it runs %s", clash,
			strcmp(clash, CONFIG_COMMAND_POOL) == 0 ? "no commands" : "nothing but commands");
	STAILQ_FOREACH(section, &reading->sections, link)
		section_check(reading, section);
}

static void place_add(struct config *config, const void *section, const char *key, int line)
{
	config->places = xreallocarray(config->places, config->n_places + 1, sizeof(*config->places));
	config->places[config->n_places++] = (struct config_place){ .section = section, .key = key, .line = line };
}

/* For those who find something wrong later, where it can be seen. */
static void places_keep(struct config *config, const struct section *section)
{
	place_add(config, section->target, NULL, section->line);
	for (size_t i = 0; i < config_n_keys; i++)
		if (section->key_lines[i])
			place_add(config, section->target, config_keys[i].name, section->key_lines[i]);
}

char *config_read(struct config *config, const char *file, FILE *stream)
{
	struct reading reading = { .file = file, .stream = stream, .config = config };
	STAILQ_INIT(&reading.sections);
	ini_use_stack = false; /* there, a line has 200 bytes at most */
	ini_initial_alloc = ini_max_line = LINE_LIMIT;
	int line = ini_parse_stream(next_line, &reading, on_key, &reading);
	/* inih goes on behind a line that it cannot read. What is further up is what is told. */
	if (line > 0 && line < reading.error_line) {
		free(reading.error);
		reading.error = NULL;
	}
	if (line > 0)
		fail_at(&reading, line, "neither a [section] nor key = value");
	else if (line < 0)
		fail_at(&reading, reading.line, "no memory");
	check_whole(&reading, config_complete(config));
	struct section *section;
	while ((section = STAILQ_FIRST(&reading.sections))) {
		STAILQ_REMOVE_HEAD(&reading.sections, link);
		places_keep(config, section);
		free(section->name);
		free(section);
	}
	return reading.error;
}
