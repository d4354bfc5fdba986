/* A command as a task: its description as the arguments of "exec". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "proto/base64.h"

static void add_name(struct strbuf *out, const char *name)
{
	strbuf_puts(out, out->length > 1 ? ",\"" : "\"");
	strbuf_puts(out, name);
	strbuf_puts(out, "\":");
}

static enum taskd_error check_text(const char *what, const char *text)
{
	return bytes_are_utf8(text) ? TASKD_OK
				  : error_set(TASKD_E_INVALID, "%s is not UTF-8, and cannot be sent: %s", what, text);
}

/* WHAT is for the error's text. */
static enum taskd_error add_text(struct strbuf *out, const char *name, const char *what, const char *text)
{
	if (!text)
		return TASKD_OK;
	add_name(out, name);
	strbuf_json_string(out, text, strlen(text));
	return check_text(what, text);
}

static enum taskd_error add_argv(struct strbuf *out, const char *const *argv)
{
	enum taskd_error error = TASKD_OK;

	if (!argv)
		return TASKD_OK;
	add_name(out, "argv");
	strbuf_puts(out, "[");
	for (size_t i = 0; argv[i] && !error; i++) {
		strbuf_puts(out, i > 0 ? "," : "");
		strbuf_json_string(out, argv[i], strlen(argv[i]));
		error = check_text(i > 0 ? "an argument of the command" : "the command's name", argv[i]);
	}
	strbuf_puts(out, "]");
	return error;
}

static enum taskd_error add_cwd(struct strbuf *out, const char *cwd)
{
	enum taskd_error error;
	char *own = NULL;

	if (!cwd && !(own = getcwd(NULL, 0)))
		return error_set(TASKD_E_SYSTEM, "cannot tell the current directory: %s", strerror(errno));
	error = add_text(out, "cwd", "the command's directory", cwd ? cwd : own);
	free(own);
	return error;
}

static void add_number(struct strbuf *out, const char *name, int64_t number)
{
	if (number == 0)
		return;
	add_name(out, name);
	strbuf_printf(out, "%lld", (long long)number);
}

static void add_flag(struct strbuf *out, const char *name, bool flag)
{
	if (!flag)
		return;
	add_name(out, name);
	strbuf_puts(out, "true");
}

static void add_limits(struct strbuf *out, const struct taskd_command *command)
{
	add_number(out, "nice", command->nice);
	add_number(out, "limit_memory", command->limit_memory);
	add_number(out, "limit_processes", command->limit_processes);
	/* Seconds, as setrlimit(2) counts; a part of one is one. */
	add_number(
		out, "limit_cpu", command->limit_cpu_ns / TASKD_SECOND + (command->limit_cpu_ns % TASKD_SECOND != 0));
	add_number(out, "limit_files", command->limit_files);
	add_number(out, "limit_file_size", command->limit_file_size);
	add_number(out, "limit_core", command->limit_core);
}

/* The names of those that are given, and their number in *N with themselves in FDS. */
static void add_fds(struct strbuf *out, const struct taskd_command *command, int fds[COMMAND_FDS], size_t *n)
{
	static const char *const names[COMMAND_FDS] = { "stdin", "stdout", "stderr" };

	*n = 0;
	for (int i = 0; command->fds && i < COMMAND_FDS; i++) {
		if (command->fds[i] < 0)
			continue;
		if (*n == 0)
			add_name(out, "fds");
		strbuf_printf(out, "%s\"%s\"", *n > 0 ? "," : "[", names[i]);
		fds[(*n)++] = command->fds[i];
	}
	if (*n > 0)
		strbuf_puts(out, "]");
	add_flag(out, "direct", command->direct);
}

static void add_streams(struct strbuf *out, const struct taskd_command *command)
{
	if (command->input)
		base64_member(out, "stdin", command->input, command->input_length);
	add_flag(out, "stdin_live", command->input_live);
	if (command->capture) {
		add_name(out, "capture");
		strbuf_printf(out, "%lld", (long long)(command->capture > 0 ? command->capture : 0));
	}
	add_flag(out, "merge", command->merge);
	add_flag(out, "tty", command->tty);
	add_number(out, "rows", command->rows);
	add_number(out, "columns", command->columns);
}

static void add_integers(struct strbuf *out, const char *name, const int *integers, size_t n)
{
	if (!integers)
		return;
	add_name(out, name);
	strbuf_puts(out, "[");
	for (size_t i = 0; i < n; i++)
		strbuf_printf(out, "%s%d", i > 0 ? "," : "", integers[i]);
	strbuf_puts(out, "]");
}

static enum taskd_error write_command(
	struct strbuf *out, const struct taskd_command *command, int fds[COMMAND_FDS], size_t *n_fds)
{
	enum taskd_error error;

	strbuf_puts(out, "{");
	/* First, where the daemon looks for them: what follows may be megabytes. */
	add_integers(out, "secret", command->n_secret > 0 ? command->secret : NULL, command->n_secret);
	if ((error = add_argv(out, command->argv)) ||
		(error = add_text(out, "shell", "the shell's line", command->shell)) ||
		(error = add_cwd(out, command->cwd)) || (error = environment_write(out, command)) ||
		(error = add_text(out, "umask", "the umask", command->umask)) ||
		(error = add_text(out, "stdin_file", "the name of the file for standard input", command->input_file)))
		return error;
	add_limits(out, command);
	add_streams(out, command);
	add_fds(out, command, fds, n_fds);
	add_integers(out, "success", command->success, command->n_success);
	strbuf_puts(out, "}");
	return strbuf_failed(out) ? error_set(TASKD_E_MEMORY, NULL) : TASKD_OK;
}

/* As the daemon will, so that what makes no sense is known here and now. */
static enum taskd_error check(const struct strbuf *args)
{
	struct json_span span = { args->data, args->length, JSON_SPAN_OBJECT };
	struct command_params params;
	char reason[400];

	if (command_read(&span, &params, reason, sizeof(reason)) < 0)
		return error_set(TASKD_E_INVALID, "%s", reason);
	command_free(&params);
	return TASKD_OK;
}

struct taskd_future *taskd_exec(
	struct taskd *c, const struct taskd_command *command, const struct taskd_options *options)
{
	struct strbuf args = STRBUF_INIT;
	struct passing *passing = NULL;
	struct taskd_future *f = NULL;
	int fds[COMMAND_FDS];
	size_t n_fds;

	if (!request_may_submit(c, COMMAND_TASK, "task"))
		return NULL;
	if (!command) {
		error_set(TASKD_E_INVALID, "no command was given");
		return NULL;
	}
	if (write_command(&args, command, fds, &n_fds) == TASKD_OK && check(&args) == TASKD_OK &&
		(n_fds == 0 || (passing = passing_new(c, fds, n_fds)))) {
		struct piece piece = { args.data, args.length };
		f = request_submit(c, COMMAND_TASK, piece, false, options, passing);
	}
	strbuf_free(&args);
	return f;
}

enum taskd_error taskd_run(struct taskd *c, const struct taskd_command *command, const struct taskd_options *options,
	int64_t timeout_ns, struct taskd_ran *ran)
{
	struct taskd_future *f = taskd_exec(c, command, options);
	enum taskd_error error;

	*ran = (struct taskd_ran){ .status = -1 };
	if (!f)
		return error_failure()->error;
	error = taskd_result(f, timeout_ns);
	if (taskd_done(f))
		error = taskd_ran(f, ran);
	taskd_future_free(f);
	return error;
}
