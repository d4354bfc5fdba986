/* The arguments of "exec", read and checked. A mistake is told to who submits it, in words: the worker that runs the
 * command much later has nobody to tell. */
#include "proto/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"
#include "proto/strbuf.h"

/* execve(2) takes less in any case: three quarters of the 8 MiB that the kernel's stack limit is for this. */
#define TOTAL_LIMIT (6u * 1024 * 1024)
#define POINTER_BYTES 8 /* each argument and variable counts so many bytes, too */
#define ARGUMENTS_MAX (TOTAL_LIMIT / POINTER_BYTES)
#define PATH_LIMIT 4095
#define UMASK_LIMIT 4
#define WINDOW_LIMIT 65535
#define FILES_MIN 3 /* its standard input and outputs */
#define STATUS_MAX 255
#define SECRETS_MAX 1024 /* they are looked at wherever the command line is shown */
#define NS_PER_SECOND INT64_C(1000000000)

static const char *const stream_words[] = { "stdin", "stdout", "stderr", NULL };

#define PARAM(member_, name_, type_, ...)                                                                      \
	{                                                                                                      \
		.name = name_, .type = type_, .offset = offsetof(struct command_params, member_), __VA_ARGS__ \
	}

/* Positions count for those who give an array: what is new comes last. */
const struct param_spec command_param_specs[] = {
	PARAM(argv, "argv", PARAM_STRINGS, .array = true, .count = ARGUMENTS_MAX,
		.summary = "the program and its arguments, literally"),
	PARAM(shell, "shell", PARAM_STRING, .max = COMMAND_ARG_LIMIT, .summary = "instead: a line for /bin/sh -c"),
	PARAM(cwd, "cwd", PARAM_STRING, .max = PATH_LIMIT, .summary = "the folder that it runs in; default \"/\""),
	PARAM(env_span, "env", PARAM_OBJECT,
		.summary = "its environment, beside the daemon's PATH and so on; null takes a variable away"),
	PARAM(umask_text, "umask", PARAM_STRING, .max = UMASK_LIMIT, .summary = "octal; default \"022\""),
	PARAM(nice, "nice", PARAM_INT, .min = -20, .max = 19,
		.summary = "how much it stands back from other processes; default 0"),
	PARAM(limit_memory, "limit_memory", PARAM_SIZE, .min = 1, .summary = "memory; default: no limit"),
	PARAM(limit_processes, "limit_processes", PARAM_COUNT, .summary = "processes at once; default: no limit"),
	PARAM(limit_cpu, "limit_cpu", PARAM_DURATION, .min = 1,
		.summary = "CPU time of each process, in whole seconds; default: no limit"),
	PARAM(limit_files, "limit_files", PARAM_COUNT, .summary = "open files of each process; default: no limit"),
	PARAM(limit_core, "limit_core", PARAM_SIZE, .summary = "size of a core file; default 0"),
	PARAM(limit_file_size, "limit_file_size", PARAM_SIZE,
		.summary = "size of a file that it writes; default: no limit"),
	PARAM(stdin_text, "stdin", PARAM_TEXT, .summary = "what it reads from standard input"),
	PARAM(stdin_base64, "stdin_base64", PARAM_STRING,
		.summary = "the same in base64, where that is not UTF-8 or has NUL bytes"),
	PARAM(stdin_file, "stdin_file", PARAM_STRING, .max = PATH_LIMIT, .summary = "instead: it reads that file"),
	PARAM(stdin_live, "stdin_live", PARAM_BOOL, .summary = "instead: it reads what task.send sends; default false"),
	PARAM(capture, "capture", PARAM_SIZE,
		.summary = "so many bytes of each output stay in its result; default, and the most: the pool's capture_limit"),
	PARAM(merge, "merge", PARAM_BOOL,
		.summary = "standard error goes where standard output goes; default false"),
	PARAM(tty, "tty", PARAM_BOOL, .summary = "it runs in a terminal of its own; default false"),
	PARAM(rows, "rows", PARAM_INT, .min = 1, .max = WINDOW_LIMIT, .summary = "the terminal's lines; default 24"),
	PARAM(columns, "columns", PARAM_INT, .min = 1, .max = WINDOW_LIMIT,
		.summary = "characters of a line of the terminal; default 80"),
	PARAM(fds, "fds", PARAM_STRINGS, .words = stream_words, .count = COMMAND_FDS,
		.summary = "what the descriptors that came along are for, in their order"),
	PARAM(direct, "direct", PARAM_BOOL,
		.summary = "its outputs are those descriptors, and taskd does not see what passes; default false"),
	PARAM(success_span, "success", PARAM_ARRAY, .summary = "the exit statuses that are success; default [0]"),
	PARAM(secret_span, "secret", PARAM_ARRAY,
		.summary = "places in argv, the first argument is 1: \"***\" is shown instead of these; default: none"),
	{ .name = NULL },
};

struct checker {
	struct command_params *params;
	char *error;
	size_t error_size;
	size_t total; /* bytes of arguments and environment, as execve(2) counts them */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct checker *checker, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(checker->error, checker->error_size, format, args);
	va_end(args);
	return -1;
}

static int no_memory(struct checker *checker)
{
	return refuse(checker, "out of memory");
}

/* --- what it runs --- */

static int count_bytes(struct checker *checker, size_t length)
{
	checker->total += length + 1 + POINTER_BYTES;
	if (checker->total > TOTAL_LIMIT)
		return refuse(checker, "arguments and environment have more bytes than the kernel takes: %u at most",
			TOTAL_LIMIT);
	return 0;
}

static int check_argv(struct checker *checker)
{
	const struct param_strings *argv = &checker->params->argv;

	if (argv->count == 0)
		return refuse(checker, "parameter \"argv\" is empty: its first element is the program");
	if (!argv->strings[0][0])
		return refuse(checker, "the first element of \"argv\" is empty: it is the program");
	for (size_t i = 0; i < argv->count; i++) {
		size_t length = strlen(argv->strings[i]);
		if (length > COMMAND_ARG_LIMIT)
			return refuse(checker, "element %zu of \"argv\" has %zu bytes: the kernel takes %u at most", i,
				length, COMMAND_ARG_LIMIT);
		if (count_bytes(checker, length) < 0)
			return -1;
	}
	return 0;
}

/* ARGS, because an empty argv is not an absent one. */
static int check_program(struct checker *checker, bool has_argv)
{
	const char *shell = checker->params->shell;

	if (has_argv && shell)
		return refuse(checker, "parameters \"argv\" and \"shell\" exclude each other");
	if (has_argv)
		return check_argv(checker);
	if (!shell)
		return refuse(checker, "parameter \"argv\" is missing: an array of the program and its arguments");
	if (!shell[0])
		return refuse(checker, "parameter \"shell\" is empty");
	return count_bytes(checker, strlen(shell));
}

/* --- its environment --- */

/* One as the wire has it; what it owns is freed by command_free, also where it is wrong. */
static int read_variable(struct checker *checker, const struct json_span *name, const struct json_span *value,
	struct command_variable *out)
{
	size_t name_length, value_length = 0;

	if (value->kind != JSON_SPAN_STRING && value->kind != JSON_SPAN_NULL)
		return refuse(checker, "variable %.*s of \"env\" must be a string or null",
			name->length > 60 ? 60 : (int)name->length, name->text);
	out->name = json_string_dup(name, &name_length);
	out->value = value->kind == JSON_SPAN_STRING ? json_string_dup(value, &value_length) : NULL;
	if (!out->name || (value->kind == JSON_SPAN_STRING && !out->value))
		return no_memory(checker);
	if (name_length == 0)
		return refuse(checker, "a name in \"env\" is empty");
	if (strchr(out->name, '='))
		return refuse(checker, "a name in \"env\" has a \"=\": \"%.60s\"", out->name);
	if (strlen(out->name) != name_length || (out->value && strlen(out->value) != value_length))
		return refuse(checker, "variable \"%.60s\" of \"env\" must not have a NUL byte", out->name);
	if (name_length + value_length + 1 > COMMAND_ARG_LIMIT)
		return refuse(checker, "variable \"%.60s\" of \"env\" has %zu bytes: the kernel takes %u at most",
			out->name, name_length + value_length + 1, COMMAND_ARG_LIMIT);
	return count_bytes(checker, name_length + value_length + 1);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct command_variable *)a)->name, ((const struct command_variable *)b)->name);
}

static int read_environment(struct checker *checker)
{
	struct command_params *params = checker->params;
	struct json_span name, value;
	size_t cursor = 0;

	if (params->env_span.kind == JSON_NONE)
		return 0;
	params->env = calloc(json_count(&params->env_span) + 1, sizeof(params->env[0]));
	if (!params->env)
		return no_memory(checker);
	while (json_next(&params->env_span, &cursor, &name, &value))
		if (read_variable(checker, &name, &value, &params->env[params->n_env++]) < 0)
			return -1;
	qsort(params->env, params->n_env, sizeof(params->env[0]), compare_names);
	for (size_t i = 1; i < params->n_env; i++)
		if (strcmp(params->env[i - 1].name, params->env[i].name) == 0)
			return refuse(checker, "variable \"%.60s\" of \"env\" is given twice", params->env[i].name);
	return 0;
}

/* --- where, and within which limits --- */

static int check_path(struct checker *checker, const char *name, const char *path)
{
	if (path && path[0] != '/')
		return refuse(checker, "parameter \"%s\" must be an absolute path, not \"%.60s\"", name, path);
	return 0;
}

static int check_surroundings(struct checker *checker)
{
	const struct command_params *params = checker->params;
	const char *umask = params->umask_text;

	if (check_path(checker, "cwd", params->cwd) < 0)
		return -1;
	if (umask && (!umask[0] || strspn(umask, "01234567") != strlen(umask) || strtol(umask, NULL, 8) > 0777))
		return refuse(checker, "parameter \"umask\" must be octal, such as \"022\", not \"%s\"", umask);
	if (params->limit_processes == 0)
		return refuse(checker, "parameter \"limit_processes\" must be at least 1: the command is one");
	if (params->limit_cpu != -1 && params->limit_cpu % NS_PER_SECOND != 0)
		return refuse(checker, "parameter \"limit_cpu\" must be whole seconds");
	if (params->limit_files != -1 && params->limit_files < FILES_MIN)
		return refuse(checker, "parameter \"limit_files\" must be at least %d", FILES_MIN);
	return 0;
}

/* --- its streams --- */

static int check_fds(struct checker *checker)
{
	const struct command_params *params = checker->params;
	bool given[COMMAND_FDS] = { false };

	for (size_t i = 0; i < params->fds.count; i++)
		for (int stream = 0; stream < COMMAND_FDS; stream++)
			if (strcmp(params->fds.strings[i], stream_words[stream]) == 0) {
				if (given[stream])
					return refuse(checker, "parameter \"fds\" has \"%s\" twice", stream_words[stream]);
				given[stream] = true;
			}
	if (given[2] && (params->merge || params->tty))
		return refuse(checker, "standard error has no descriptor of its own with \"%s\"",
			params->tty ? "tty" : "merge");
	if (params->direct && params->fds.count == 0)
		return refuse(checker, "parameter \"direct\" needs descriptors, which \"fds\" names");
	if (params->direct && params->tty)
		return refuse(checker, "parameters \"direct\" and \"tty\" exclude each other");
	return 0;
}

static int check_input(struct checker *checker)
{
	const struct command_params *params = checker->params;
	const char *base64 = params->stdin_base64, *second = NULL;
	const struct {
		const char *name;
		bool given;
		bool typed; /* a terminal takes it */
	} kinds[] = {
		{ "\"stdin\"", params->stdin_text.kind != JSON_NONE, false },
		{ "\"stdin_base64\"", base64, false },
		{ "\"stdin_file\"", params->stdin_file, false },
		{ "\"stdin_live\"", params->stdin_live, true },
		{ "a descriptor", command_fd_place(params, 0) >= 0, true },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].given)
			continue;
		if (second)
			return refuse(checker, "standard input is given twice: by %s and by %s", second, kinds[i].name);
		second = kinds[i].name;
		if (params->tty && !kinds[i].typed)
			return refuse(checker, "what a terminal reads comes from task.send or a descriptor, not from %s",
				kinds[i].name);
	}
	if (base64 && base64_decode(NULL, base64, strlen(base64)) < 0)
		return refuse(checker, "parameter \"stdin_base64\" is not base64");
	return check_path(checker, "stdin_file", params->stdin_file);
}

static int check_terminal(struct checker *checker)
{
	const struct command_params *params = checker->params;

	if ((params->rows || params->columns) && !params->tty)
		return refuse(checker, "parameter \"%s\" is of a terminal: \"tty\" is missing",
			params->rows ? "rows" : "columns");
	return 0;
}

static int read_success(struct checker *checker)
{
	struct command_params *params = checker->params;
	const struct json_span *list = &params->success_span;
	struct json_span item;
	long long status;
	size_t cursor = 0;

	if (list->kind == JSON_NONE) {
		params->success[0] = true;
		return 0;
	}
	if (json_count(list) == 0)
		return refuse(checker, "parameter \"success\" is empty: it lists exit statuses");
	while (json_next(list, &cursor, NULL, &item)) {
		if (!json_integer(&item, &status) || status < 0 || status > STATUS_MAX)
			return refuse(checker, "parameter \"success\" must have exit statuses from 0 to %d, not %.*s",
				STATUS_MAX, item.length > 60 ? 60 : (int)item.length, item.text);
		params->success[status] = true;
	}
	return 0;
}

/* The program is none: errors name it. */
static int check_secrets(struct checker *checker)
{
	const struct json_span *list = &checker->params->secret_span;
	size_t count = checker->params->argv.count, cursor = 0;
	struct json_span item;
	long long place;

	if (list->kind == JSON_NONE)
		return 0;
	if (count == 0)
		return refuse(checker, "parameter \"secret\" is about \"argv\", which is not there");
	if (count == 1 && json_count(list) > 0)
		return refuse(checker, "parameter \"secret\" is about arguments in \"argv\", and there are none");
	if (json_count(list) > SECRETS_MAX)
		return refuse(checker, "parameter \"secret\" has more than %d elements", SECRETS_MAX);
	while (json_next(list, &cursor, NULL, &item))
		if (!json_integer(&item, &place) || place < 1 || (unsigned long long)place >= count)
			return refuse(checker, "parameter \"secret\" must have places in \"argv\" from 1 to %zu, not %.*s",
				count - 1, item.length > 60 ? 60 : (int)item.length, item.text);
	return 0;
}

/* --- all of it --- */

/* An array of one object is that object: an item of a map is an argument. */
static struct json_span unwrap(const struct json_span *args)
{
	struct json_span item;
	size_t cursor = 0;

	if (args->kind == JSON_SPAN_ARRAY && json_next(args, &cursor, NULL, &item) && item.kind == JSON_SPAN_OBJECT) {
		struct json_span more;
		if (!json_next(args, &cursor, NULL, &more))
			return item;
	}
	return *args;
}

int command_read(const struct json_span *args, struct command_params *out, char *error, size_t error_size)
{
	const struct json_span inner = unwrap(args);
	struct checker checker = { .params = out, .error = error, .error_size = error_size };

	memset(out, 0, sizeof(*out));
	if (inner.kind != JSON_SPAN_OBJECT && inner.kind != JSON_SPAN_ARRAY) {
		snprintf(error, error_size, "the arguments must be an object or an array");
		return -1;
	}
	if (params_read(command_param_specs, &inner, out, error, error_size) < 0)
		return -1;
	if (check_program(&checker, out->argv.strings) == 0 && read_environment(&checker) == 0 &&
		check_surroundings(&checker) == 0 && check_fds(&checker) == 0 && check_input(&checker) == 0 &&
		check_terminal(&checker) == 0 && read_success(&checker) == 0 && check_secrets(&checker) == 0)
		return 0;
	command_free(out);
	return -1;
}

static bool begins_with_secrets(const struct json_span *args)
{
	struct json_span name, value;
	size_t cursor = 0;

	return args->kind == JSON_SPAN_OBJECT && json_next(args, &cursor, &name, &value) && json_string_is(&name, "secret");
}

bool command_hide(const struct json_span *args, const struct command_params *params, struct strbuf *out)
{
	const struct json_span inner = unwrap(args);
	const struct param_spec *spec = command_param_specs;
	struct json_span name, value;
	size_t cursor = 0;

	if (params->secret_span.kind == JSON_NONE || begins_with_secrets(args))
		return false;
	strbuf_puts(out, "{\"secret\":");
	strbuf_add(out, params->secret_span.text, params->secret_span.length);
	for (; json_next(&inner, &cursor, &name, &value); spec++) {
		bool named = inner.kind == JSON_SPAN_OBJECT;
		if (named ? json_string_is(&name, "secret") : strcmp(spec->name, "secret") == 0)
			continue;
		strbuf_puts(out, ",");
		if (named)
			strbuf_add(out, name.text, name.length);
		else
			strbuf_printf(out, "\"%s\"", spec->name);
		strbuf_puts(out, ":");
		strbuf_add(out, value.text, value.length);
	}
	strbuf_puts(out, "}");
	return true;
}

void command_free(struct command_params *params)
{
	for (size_t i = 0; i < params->n_env; i++) {
		free(params->env[i].name);
		free(params->env[i].value);
	}
	free(params->env);
	params->env = NULL;
	params->n_env = 0;
	params_free(command_param_specs, params);
}

char *command_stdin(const struct command_params *params, size_t *length)
{
	const char *text = params->stdin_base64;

	if (params->stdin_text.kind == JSON_SPAN_STRING)
		return json_string_dup(&params->stdin_text, length);
	if (!text)
		return NULL;
	char *bytes = malloc(base64_room(strlen(text)));
	if (bytes)
		*length = (size_t)base64_decode(bytes, text, strlen(text));
	return bytes;
}

int command_fd_place(const struct command_params *params, int stream)
{
	for (size_t i = 0; i < params->fds.count; i++)
		if (strcmp(params->fds.strings[i], stream_words[stream]) == 0)
			return (int)i;
	return -1;
}

bool command_succeeds(const struct command_params *params, int status)
{
	return status >= 0 && status <= STATUS_MAX && params->success[status];
}
