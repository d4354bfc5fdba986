/* What surrounds a command: its environment, and which file its program's name means. Both are settled before there
 * is a new process, so that what is wrong is told with its reason. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/users.h"
#include "base/xmalloc.h"
#include "worker/command.h"

#define DEFAULT_PATH "/bin:/usr/bin" /* as execvp's */

/* --- the environment --- */

/* What a command has of its worker's: entries that begin so, names with their "="; "LC_" stands for all of its kind. */
#define PASSED(text) { text, sizeof(text) - 1 }
static const struct {
	const char *text;
	size_t length;
} passed[] = { PASSED("PATH="), PASSED("LANG="), PASSED("LC_"), PASSED("TZ="), PASSED("HOME="), PASSED("USER="),
	PASSED("LOGNAME="), PASSED("SHELL="), PASSED("XDG_RUNTIME_DIR=") };
#define N_PASSED (sizeof(passed) / sizeof(*passed))
#define N_ANYBODYS 4 /* the first of them do not say whose they are */
/* What the daemon says of the command; nobody else does. */
static const char *const told[] = { "TASKD_TASK_ID", "TASKD_ATTEMPT", "TASKD_SLOT", "TASKD_SOCKET" };
#define N_TOLD (sizeof(told) / sizeof(*told))

/* The strings behind the pointers to them: first counted, then written, by the same calls. */
struct block {
	char **entries; /* NULL: only counted */
	char *at;
	size_t n;
	size_t bytes;
};

static void add(struct block *block, const char *name, size_t name_length, const char *value)
{
	size_t value_length = strlen(value), size = name_length + 1 + value_length + 1;
	if (block->entries) {
		block->entries[block->n] = block->at;
		memcpy(block->at, name, name_length);
		block->at[name_length] = '=';
		memcpy(block->at + name_length + 1, value, value_length + 1);
		block->at += size;
	}
	block->n++;
	block->bytes += size;
}

/* Asked of all that the worker has, for each command: nearly every one is told by its first letter. */
static bool is_passed(const char *entry, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = passed[i].length;
		if (entry[0] == passed[i].text[0] && strncmp(entry, passed[i].text, length) == 0)
			return passed[i].text[length - 1] == '=' || entry[length] != '=';
	}
	return false;
}

static bool is_told(const char *name)
{
	for (size_t i = 0; i < N_TOLD; i++)
		if (strcmp(name, told[i]) == 0)
			return true;
	return false;
}

static bool is_set(const struct command_params *params, const char *name, size_t name_length)
{
	for (size_t i = 0; i < params->n_env; i++)
		if (strncmp(params->env[i].name, name, name_length) == 0 && params->env[i].name[name_length] == '\0')
			return true;
	return false;
}

static void add_own(struct block *block, const struct command_params *params, const struct environment_own *own)
{
	const struct user_identity *user = own->user;
	const struct {
		const char *name, *value;
	} all[] = { { "HOME", user ? user->home : NULL }, { "USER", user ? user->name : NULL },
		{ "LOGNAME", user ? user->name : NULL }, { "SHELL", user ? user->shell : NULL }, { "TMPDIR", own->directory } };
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].value && !is_set(params, all[i].name, strlen(all[i].name)))
			add(block, all[i].name, strlen(all[i].name), all[i].value);
}

static void add_all(struct block *block, const struct command_params *params, const struct environment_own *own,
	const char *const *values)
{
	for (char **entry = environ; entry && *entry; entry++) {
		if (!is_passed(*entry, own->user ? N_ANYBODYS : N_PASSED))
			continue;
		size_t name_length = strcspn(*entry, "=");
		if ((*entry)[name_length] && !is_set(params, *entry, name_length))
			add(block, *entry, name_length, *entry + name_length + 1);
	}
	add_own(block, params, own);
	for (size_t i = 0; i < params->n_env; i++)
		if (params->env[i].value && !is_told(params->env[i].name))
			add(block, params->env[i].name, strlen(params->env[i].name), params->env[i].value);
	for (size_t i = 0; i < N_TOLD; i++)
		if (values[i])
			add(block, told[i], strlen(told[i]), values[i]);
}

char **environment_make(const struct command_params *params, const struct environment_own *own, uint64_t task_id,
	uint32_t attempt, int slot)
{
	char id_text[24], attempt_text[16], slot_text[16];
	const char *const values[N_TOLD] = { id_text, attempt_text, slot_text, getenv("TASKD_SOCKET") };
	struct block block = { 0 };
	snprintf(id_text, sizeof(id_text), "%" PRIu64, task_id);
	snprintf(attempt_text, sizeof(attempt_text), "%" PRIu32, attempt);
	snprintf(slot_text, sizeof(slot_text), "%d", slot);
	add_all(&block, params, own, values);

	size_t n = block.n;
	char **entries = xmalloc((n + 1) * sizeof(*entries) + block.bytes);
	block = (struct block){ .entries = entries, .at = (char *)(entries + n + 1) };
	add_all(&block, params, own, values);
	entries[n] = NULL;
	return entries;
}

/* --- the program --- */

static const char *value_of(char *const *environment, const char *name)
{
	size_t length = strlen(name);
	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

/* Whether it can be executed; errno. It is not opened: that could wait. */
static bool is_program(const char *path)
{
	struct stat about;
	if (stat(path, &about) < 0)
		return false;
	if (!S_ISREG(about.st_mode)) {
		errno = EACCES;
		return false;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* FOLDER/NAME, where FOLDER (not terminated; empty: here) may be relative to CWD. */
static char *join(const char *cwd, const char *folder, size_t folder_length, const char *name)
{
	if (folder_length && folder[0] == '/')
		return xasprintf("%.*s/%s", (int)folder_length, folder, name);
	return xasprintf("%s/%.*s%s%s", strcmp(cwd, "/") == 0 ? "" : cwd, (int)folder_length, folder,
		folder_length ? "/" : "", name);
}

static char *search(const char *name, const char *cwd, const char *path)
{
	int error = ENOENT;
	for (const char *folder = path;; folder++) {
		size_t length = strcspn(folder, ":");
		char *found = join(cwd, folder, length, name);
		if (is_program(found))
			return found;
		if (errno == EACCES)
			error = EACCES; /* what is said in the end, where nothing better comes */
		free(found);
		folder += length;
		if (!*folder)
			break;
	}
	errno = error;
	return NULL;
}

char *program_find(const char *name, const char *cwd, char *const *environment)
{
	if (!cwd)
		cwd = "/";
	if (!name[0]) {
		errno = ENOENT;
		return NULL;
	}
	if (!strchr(name, '/')) {
		const char *path = value_of(environment, "PATH");
		return search(name, cwd, path ? path : DEFAULT_PATH);
	}
	char *path = name[0] == '/' ? xstrdup(name) : join(cwd, "", 0, name);
	if (is_program(path))
		return path;
	int error = errno;
	free(path);
	errno = error;
	return NULL;
}
