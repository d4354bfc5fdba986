/* The environment that a command gets from the program that submits it: a list of what may pass, and what is asked for
 * by name. Everything else of this process's stays here. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"

#define PASSED_ON(name) { name, sizeof(name) - 1 }
static const struct {
	const char *name;
	size_t length;
} passed_on[] = {
	PASSED_ON("PATH"),
	PASSED_ON("HOME"),
	PASSED_ON("USER"),
	PASSED_ON("LOGNAME"),
	PASSED_ON("SHELL"),
	PASSED_ON("LANG"),
	PASSED_ON("LANGUAGE"),
	PASSED_ON("TZ"),
	PASSED_ON("TERM"),
	PASSED_ON("TMPDIR"),
};

struct variable {
	const char *name;
	size_t name_length;
	const char *value; /* NULL: it is taken away */
	long rank;         /* of several of one name the highest counts */
};
struct variables {
	struct variable *all;
	size_t n;
};

static bool is_passed_on(const char *name, size_t length)
{
	if (length > 3 && strncmp(name, "LC_", 3) == 0)
		return true;
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		if (passed_on[i].length == length && memcmp(name, passed_on[i].name, length) == 0)
			return true;
	return false;
}

/* The first of a name is the one that getenv(3) finds. */
static void add_own(struct variables *variables)
{
	for (long i = 0; environ && environ[i]; i++) {
		const char *equals = strchr(environ[i], '=');
		if (equals && is_passed_on(environ[i], (size_t)(equals - environ[i])))
			variables->all[variables->n++] =
				(struct variable){ environ[i], (size_t)(equals - environ[i]), equals + 1, -1 - i };
	}
}

/* The last of a name is meant. */
static void add_given(struct variables *variables, const char *const *env)
{
	for (long i = 0; env && env[i]; i++) {
		const char *equals = strchr(env[i], '=');
		size_t length = equals ? (size_t)(equals - env[i]) : strlen(env[i]);
		variables->all[variables->n++] =
			(struct variable){ env[i], length, equals ? equals + 1 : getenv(env[i]), i };
	}
}

static int compare_names(const struct variable *x, const struct variable *y)
{
	size_t shorter = x->name_length < y->name_length ? x->name_length : y->name_length;
	int order = memcmp(x->name, y->name, shorter);

	return order ? order : (x->name_length > y->name_length) - (x->name_length < y->name_length);
}

static int compare(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	int order = compare_names(x, y);

	return order ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

static enum taskd_error check(const struct variable *variable)
{
	if (variable->name_length == 0)
		return error_set(TASKD_E_INVALID, "a variable of the command's environment has no name");
	if (!bytes_are_utf8(variable->name) || (variable->value && !bytes_are_utf8(variable->value)))
		return error_set(TASKD_E_INVALID,
			"the variable %.*s of the command's environment is not UTF-8, and cannot be sent",
			(int)variable->name_length, variable->name);
	return TASKD_OK;
}

static enum taskd_error write_all(struct strbuf *out, struct variables *variables)
{
	enum taskd_error error = TASKD_OK;
	const char *before = ",\"env\":{";

	if (variables->n > 0)
		qsort(variables->all, variables->n, sizeof(*variables->all), compare);
	for (size_t i = 0; i < variables->n && !error; i++) {
		const struct variable *variable = &variables->all[i];
		error = check(variable);
		if (i + 1 < variables->n && compare_names(variable, variable + 1) == 0)
			continue;
		strbuf_puts(out, before);
		strbuf_json_string(out, variable->name, variable->name_length);
		strbuf_puts(out, ":");
		if (variable->value)
			strbuf_json_string(out, variable->value, strlen(variable->value));
		else
			strbuf_puts(out, "null");
		before = ",";
	}
	if (variables->n > 0)
		strbuf_puts(out, "}");
	return error;
}

enum taskd_error environment_write(struct strbuf *out, const struct taskd_command *command)
{
	struct variables variables = { 0 };
	enum taskd_error error;
	size_t room = 1;

	for (size_t i = 0; environ && environ[i]; i++)
		room++;
	for (size_t i = 0; command->env && command->env[i]; i++)
		room++;
	variables.all = calloc(room, sizeof(*variables.all));
	if (!variables.all)
		return error_set(TASKD_E_MEMORY, NULL);
	if (!command->clean_env)
		add_own(&variables);
	add_given(&variables, command->env);
	error = write_all(out, &variables);
	free(variables.all);
	return error;
}
