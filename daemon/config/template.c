/* A [command] made ready when the configuration is read: cut into words and places, so that what is wrong with it is told
 * to who has written it and not to who submits it. */
#include "config/template.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "config/config.h"
#include "config/template_parts.h"
#include "proto/suggest.h"

/* REASON with the key that it is about before it. */
static char *about(const char *key, char *reason)
{
	if (!reason)
		return NULL;
	char *error = xasprintf("%s: %s", key, reason);
	free(reason);
	return error;
}

/* --- its command line --- */

static bool has_place(const struct word *word)
{
	for (size_t i = 0; i < word->n_pieces; i++)
		if (!word->pieces[i].text)
			return true;
	return false;
}

static bool is_shell(const char *program)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish", NULL };
	const char *slash = strrchr(program, '/');

	for (const char *const *shell = shells; *shell; shell++)
		if (strcmp(slash ? slash + 1 : program, *shell) == 0)
			return true;
	return false;
}

/* Which of WORDS is what a shell is to read, after "-c": text of a stranger has no place in it. -1: none of them. */
static long shell_line(char **words, size_t n)
{
	bool shell = false, takes_value = false;

	for (size_t i = 0; i + 1 < n; i++) {
		if (shell && words[i][0] == '-' && words[i][1] != '-' && strchr(words[i], 'c'))
			return (long)i + 1;
		bool option = words[i][0] == '-' || words[i][0] == '+';
		shell = (shell && (option || takes_value)) || is_shell(words[i]);
		takes_value = option && words[i][1] && strchr("oO", words[i][1]);
	}
	return -1;
}

static char *argv_check(const struct template *template, char **words)
{
	long line = shell_line(words, template->n_argv);

	if (template->n_argv == 0)
		return xstrdup("it is empty");
	if (!words[0][0])
		return xstrdup("the program's name is empty");
	if (has_place(&template->argv[0]))
		return xstrdup("the program has a place: it cannot be left to those who submit");
	if (line >= 0 && has_place(&template->argv[line]))
		return xstrdup("the shell would read what is put into that place: give it as an argument, "
			       "sh -c 'echo \"$1\"' sh {NAME}");
	return NULL;
}

static char *argv_parse(struct template *template, const char *text)
{
	char *error = NULL;
	size_t n;
	char **words = words_split(text, true, &n, &error);

	if (!words)
		return error;
	template->argv = xcalloc(n + 1, sizeof(template->argv[0]));
	for (size_t i = 0; i < n && !error; i++)
		error = word_parse(template, words[i], &template->argv[template->n_argv++]);
	if (!error)
		error = argv_check(template, words);
	words_free(words);
	return error;
}

/* --- its environment --- */

/* "NAME=value", which is written into. */
static char *variable_parse(struct template *template, char *text)
{
	struct variable *variable = &template->env[template->n_env];
	char *value = strchr(text, '=');

	if (!value || value == text)
		return xasprintf("%s is not NAME=value", text);
	*value++ = '\0';
	if (strpbrk(text, "{}"))
		return xasprintf("the name %s has a brace", text);
	for (size_t i = 0; i < template->n_env; i++)
		if (strcmp(template->env[i].name, text) == 0)
			return xasprintf("%s is there twice", text);
	template->n_env++;
	variable->name = xstrdup(text);
	char *error = word_parse(template, value, &variable->value);
	return !error && variable->value.list ? xasprintf("%s: a list has no place here", text) : error;
}

static char *env_parse(struct template *template, const char *text)
{
	char *error = NULL;
	size_t n;
	char **words = words_split(text, true, &n, &error);

	if (!words)
		return error;
	template->env = xcalloc(n + 1, sizeof(template->env[0]));
	for (size_t i = 0; i < n && !error; i++)
		error = variable_parse(template, words[i]);
	words_free(words);
	return error;
}

/* --- what is the same for all submissions --- */

/* Of what cannot be opened the error tells the path, and the log with it. */
static char *path_parse(struct template *template, const char *text, struct word *out)
{
	if (!text)
		return NULL;
	char *error = word_parse(template, text, out);
	for (size_t i = 0; !error && i < out->n_pieces; i++) {
		const struct parameter *parameter = &template->parameters[out->pieces[i].parameter];
		if (!out->pieces[i].text && parameter->secret)
			error = xasprintf("%s is secret, and paths are told in errors", parameter->name);
	}
	return !error && out->list ? xstrdup("a list has no place here") : error;
}

static char *umask_add(struct strbuf *fixed, const char *text)
{
	if (!text)
		return NULL;
	if (strspn(text, "01234567") != strlen(text) || strlen(text) > 4 || strtol(text, NULL, 8) > 0777)
		return xasprintf("%s is not an octal number such as 022", text);
	strbuf_printf(fixed, ",\"umask\":\"%s\"", text);
	return NULL;
}

static char *success_add(struct strbuf *fixed, const char *text)
{
	char *error = NULL;
	size_t n;

	if (!text)
		return NULL;
	char **words = words_split(text, false, &n, &error);
	strbuf_puts(fixed, ",\"success\":");
	for (size_t i = 0; !error && i < n; i++) {
		if (!words[i][0] || strspn(words[i], "0123456789") != strlen(words[i]) || strlen(words[i]) > 3 ||
			atoi(words[i]) > 255)
			error = xasprintf("%s is not an exit status from 0 to 255", words[i]);
		strbuf_printf(fixed, "%s%d", i ? "," : "[", atoi(words[i]));
	}
	strbuf_puts(fixed, "]");
	words_free(words);
	return error;
}

static void number_add(struct strbuf *fixed, const char *name, int64_t value, int64_t absent)
{
	if (value != absent)
		strbuf_printf(fixed, ",\"%s\":%" PRId64, name, value);
}

static char *fixed_make(struct template *template, const struct config_command *command)
{
	struct strbuf fixed = STRBUF_INIT;

	strbuf_puts(&fixed, "");
	number_add(&fixed, "nice", command->nice, 0);
	number_add(&fixed, "limit_memory", command->limit_memory, -1);
	number_add(&fixed, "limit_processes", command->limit_processes, -1);
	number_add(&fixed, "limit_cpu", command->limit_cpu == -1 ? -1 : command->limit_cpu / NS_PER_S, -1);
	number_add(&fixed, "limit_files", command->limit_files, -1);
	number_add(&fixed, "limit_core", command->limit_core, 0);
	number_add(&fixed, "limit_file_size", command->limit_file_size, -1);
	number_add(&fixed, "capture", command->capture, -1);
	char *error = about("umask", umask_add(&fixed, command->umask));
	if (!error)
		error = about("success", success_add(&fixed, command->success));
	template->fixed = strbuf_take(&fixed, NULL);
	return error;
}

/* --- what is not shown --- */

static char *secret_parse(struct template *template, const char *text)
{
	char *error = NULL;
	size_t n;

	if (!text)
		return NULL;
	char **words = words_split(text, false, &n, &error);
	for (size_t i = 0; !error && i < n; i++) {
		long index = parameter_find(template, words[i], strlen(words[i]));
		if (index >= 0) {
			template->parameters[index].secret = true;
			continue;
		}
		struct suggest suggest;
		suggest_begin(&suggest, words[i]);
		for (size_t k = 0; k < template->n_parameters; k++)
			suggest_offer(&suggest, template->parameters[k].name);
		error = suggest.best ? xasprintf("%s is no parameter; did you mean %s?", words[i], suggest.best)
				     : xasprintf("%s is no parameter", words[i]);
	}
	words_free(words);
	return error;
}

/* --- all of it --- */

static char *unused(const struct template *template)
{
	for (size_t i = 0; i < template->n_parameters; i++)
		if (!template->parameters[i].used)
			return xasprintf("%s has no place: {%s%s} is nowhere", template->parameters[i].name,
				template->parameters[i].name, template->parameters[i].list ? "..." : "");
	return NULL;
}

static char *parts_make(struct template *template, const struct config_command *command)
{
	char *error = about("parameters", parameters_parse(template, command->parameters ? command->parameters : ""));

	if (!error)
		error = about("secret", secret_parse(template, command->secret));
	if (!error)
		error = about("argv", argv_parse(template, command->argv));
	if (!error)
		error = about("env", command->env ? env_parse(template, command->env) : NULL);
	if (!error)
		error = about("cwd", path_parse(template, command->cwd, &template->cwd));
	if (!error)
		error = about("stdin_file", path_parse(template, command->stdin_file, &template->stdin_file));
	if (!error)
		error = about("parameters", unused(template));
	return error ? error : fixed_make(template, command);
}

struct template *template_new(const struct config_command *command, char **error)
{
	struct template *template = xcalloc(1, sizeof(*template));
	struct strbuf shown = STRBUF_INIT;

	*error = parts_make(template, command);
	if (*error) {
		template_free(template);
		return NULL;
	}
	parameters_show(template, &shown);
	template->shown = strbuf_take(&shown, NULL);
	return template;
}

void template_free(struct template *template)
{
	if (!template)
		return;
	for (size_t i = 0; i < template->n_argv; i++)
		word_clear(&template->argv[i]);
	for (size_t i = 0; i < template->n_env; i++) {
		free(template->env[i].name);
		word_clear(&template->env[i].value);
	}
	word_clear(&template->cwd);
	word_clear(&template->stdin_file);
	parameters_free(template);
	free(template->argv);
	free(template->env);
	free(template->fixed);
	free(template->shown);
	free(template);
}

const char *template_parameters(const struct template *template)
{
	return template->shown;
}
