/* What can be said about a command that is to be run, and what of it does not go together. What the daemon checks is
 * left to it; what depends on where we are (paths, the umask, standard input) is settled here. */
#include "client/taskctl/run_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/taskctl/taskctl.h"

/* --- what does not go together --- */

static int check_each(const struct taskctl *ctl, const struct run_values *v)
{
	if (v->detach || v->tty || v->live || v->direct || v->stdin_file)
		return report_usage(ctl, NULL, "--each does not go with --detach, --tty, --live, --direct or --stdin");
	if (v->submission.key)
		return report_usage(ctl, NULL, "--each does not go with --key: all of its runs would have the same");
	if (v->keep_order && v->ungroup)
		return report_usage(ctl, NULL, "either --keep-order or --ungroup");
	if (v->ungroup && ctl->json)
		return report_usage(ctl, NULL, "--ungroup does not go with --json");
	if (v->resume && !v->joblog)
		return report_usage(ctl, "--joblog FILE says which", "--resume without --joblog");
	return EXIT_FINE;
}

static int check_one(const struct taskctl *ctl, const struct run_values *v)
{
	if (v->jobs.given || v->keep_order || v->ungroup || v->arg_file || v->null || v->joblog || v->resume ||
		v->fail_fast || v->dry_run || v->progress || v->no_progress)
		return report_usage(ctl, NULL,
			"--jobs, --keep-order, --ungroup, --arg-file, --null, --joblog, --resume, --fail-fast, "
			"--dry-run and --progress go with --each only");
	if (v->detach && (v->direct || v->tty))
		return report_usage(ctl, NULL, "--detach does not go with --tty or --direct");
	if (v->live && !v->detach)
		return report_usage(ctl, "without --detach, what standard input has goes to the command as it comes",
			"--live goes with --detach only");
	if (v->tty && v->direct)
		return report_usage(ctl, NULL, "either --tty or --direct");
	if (v->direct && ctl->json)
		return report_usage(
			ctl, "with --json, the output is a part of the result", "--direct does not go with --json");
	if (v->tty && ctl->json)
		return report_usage(ctl, NULL, "--tty does not go with --json");
	if (!v->detach && v->submission.key_mode > 1 &&
		strcmp(submission_key_modes[v->submission.key_mode - 1], "replace") != 0)
		return report_usage(ctl, NULL, "--key-mode attach and once go with --detach only");
	return EXIT_FINE;
}

static int check(const struct taskctl *ctl, const struct run_values *v)
{
	if (v->secret.n > 0 && v->shell)
		return report_usage(ctl, "put it into a variable: --env NAME=VALUE, and $NAME in the line",
			"--secret does not go with --shell: a line has no arguments");
	if ((v->stdin_file != NULL) + v->no_stdin + v->live > 1)
		return report_usage(ctl, NULL, "one of --stdin, --no-stdin and --live");
	if (!v->detach && submission_says_durable(&v->submission))
		return report_usage(ctl, "without it, the command belongs to this taskctl, and ends with it",
			"--durable, --no-durable and --on-interrupt go with --detach only");
	return v->each ? check_each(ctl, v) : check_one(ctl, v);
}

/* --- the parts --- */

/* As it is, if it is absolute, else in our own folder. */
static int absolute(const struct taskctl *ctl, const char *option, const char *path, char **out)
{
	*out = NULL;
	if (!path)
		return EXIT_FINE;
	if (!text_is_utf8(path))
		return report_usage(ctl, NULL, "--%s: what it was given is not UTF-8", option);
	*out = path_absolute(ctl, path, "--cwd FOLDER runs it elsewhere");
	return *out ? EXIT_FINE : EXIT_FAILED;
}

/* Said once, for what may be a million commands. */
static int take_cwd(const struct taskctl *ctl, const char *path, char **out)
{
	if (path)
		return absolute(ctl, "cwd", path, out);
	*out = path_here(ctl, "--cwd FOLDER runs it elsewhere");
	return *out ? EXIT_FINE : EXIT_FAILED;
}

static int take_umask(const struct taskctl *ctl, const char *text, char *out, size_t size)
{
	mode_t mask;

	if (text) {
		if (!*text || strlen(text) > 4 || text[strspn(text, "01234567")])
			return report_usage(ctl, "three octal digits: 022", "--umask: \"%s\" will not do", text);
		snprintf(out, size, "%s", text);
		return EXIT_FINE;
	}
	mask = umask(0);
	umask(mask);
	snprintf(out, size, "%03o", mask & 0777u);
	return EXIT_FINE;
}

static int take_success(const struct taskctl *ctl, const struct option_list *list, struct run_command *out)
{
	out->success = must(calloc((size_t)list->n + 1, sizeof *out->success));
	for (int i = 0; i < list->n; i++) {
		char *end;
		long status = strtol(list->items[i], &end, 10);

		if (end == list->items[i] || *end || status < 0 || status > 255)
			return report_usage(ctl, "exit statuses, 0 to 255, with commas: 0,1",
				"--success: \"%s\" will not do", list->items[i]);
		out->success[i] = (int)status;
	}
	out->command.success = list->n > 0 ? out->success : NULL;
	out->command.n_success = (size_t)list->n;
	return EXIT_FINE;
}

static int take_env(const struct taskctl *ctl, const struct option_list *list, struct run_command *out)
{
	out->env = must(calloc((size_t)list->n + 1, sizeof *out->env));
	for (int i = 0; i < list->n; i++) {
		if (!*list->items[i] || *list->items[i] == '=')
			return report_usage(ctl, "write it like NAME=VALUE, or NAME for the value that it has here",
				"--env: \"%s\" has no name", list->items[i]);
		out->env[i] = list->items[i];
	}
	out->command.env = list->n > 0 ? out->env : NULL;
	return EXIT_FINE;
}

/* Where the command will not be ours, it cannot have our standard input: that is read to its end. */
static int take_input(const struct taskctl *ctl, const struct run_values *v, struct run_command *out)
{
	if (!v->stdin_file || strcmp(v->stdin_file, "-") != 0)
		return absolute(ctl, "stdin", v->stdin_file, &out->input_file);
	if (!v->detach)
		return EXIT_FINE;
	out->input = stream_read(stdin, &out->command.input_length);
	if (!out->input)
		return report(ctl, EXIT_FAILED, "system", NULL, "cannot read standard input: %s", strerror(errno));
	out->command.input = out->input;
	return EXIT_FINE;
}

int run_command_make(const struct taskctl *ctl, const struct run_values *v, struct run_command *out)
{
	int status = check(ctl, v);

	*out = (struct run_command){
		.command = {
			.clean_env = v->clean_env,
			.nice = (int)v->nice.value,
			.limit_memory = v->limit_memory.value,
			.limit_processes = v->limit_processes.value,
			.limit_cpu_ns = v->limit_cpu.value,
			.limit_files = v->limit_files.value,
			.limit_file_size = v->limit_file_size.value,
			.limit_core = v->limit_core.value,
			.input_live = v->live,
			.capture = v->capture.given && v->capture.value == 0 ? -1 : v->capture.value,
			.merge = v->merge,
			.tty = v->tty,
			.direct = v->direct,
		},
	};
	if (status == EXIT_FINE)
		status = take_cwd(ctl, v->cwd, &out->cwd);
	if (status == EXIT_FINE)
		status = take_umask(ctl, v->umask, out->umask, sizeof out->umask);
	if (status == EXIT_FINE)
		status = take_success(ctl, &v->success, out);
	if (status == EXIT_FINE)
		status = secret_read(ctl, &v->secret, &out->secret);
	if (status == EXIT_FINE)
		status = take_env(ctl, &v->env, out);
	if (status == EXIT_FINE)
		status = take_input(ctl, v, out);
	out->command.cwd = out->cwd;
	out->command.umask = out->umask;
	out->command.input_file = out->input_file;
	if (status != EXIT_FINE)
		run_command_free(out);
	return status;
}

void run_command_free(struct run_command *command)
{
	free(command->cwd);
	free(command->env);
	free(command->success);
	secret_free(&command->secret);
	free(command->input_file);
	free(command->input);
}

/* --- the table --- */

#define OPTION(FIELD, NAME, TYPE, ARGUMENT, SUMMARY, ...)                                                       \
	{                                                                                                       \
		.name = NAME, .type = TYPE, .offset = offsetof(struct run_values, FIELD), .argument = ARGUMENT, \
		.summary = SUMMARY, __VA_ARGS__                                                                 \
	}

const struct option_spec run_option_specs[] = {
	OPTION(shell, "shell", OPTION_FLAG, NULL, "the words are one line for /bin/sh", .letter = 0),
	OPTION(tty, "tty", OPTION_FLAG, NULL, "give it a terminal, and this one's keys", .letter = 't'),
	OPTION(detach, "detach", OPTION_FLAG, NULL, "print the id, and leave it running by itself", .letter = 0),
	OPTION(cwd, "cwd", OPTION_TEXT, "FOLDER", "where it runs (here)", .complete = COMPLETE_FILE),
	OPTION(env, "env", OPTION_ITEMS, "NAME[=VALUE]", "a variable of its environment; several times", .letter = 'e',
		.hidden = true),
	OPTION(clean_env, "clean-env", OPTION_FLAG, NULL, "nothing of this environment but what --env says",
		.letter = 0),
	SECRET_OPTION(struct run_values, secret),
	OPTION(umask, "umask", OPTION_TEXT, "OCTAL", "its umask (the one here)", .letter = 0),
	OPTION(nice, "nice", OPTION_INTEGER, "N", "so much less urgent for the CPU, -20 to 19", .min = -20, .max = 19),
	OPTION(limit_memory, "limit-memory", OPTION_SIZE, "SIZE", "memory that it may have: 512M", .letter = 0),
	OPTION(limit_processes, "limit-processes", OPTION_INTEGER, "N", "how many processes it may be", .min = 1,
		.max = INT32_MAX),
	OPTION(limit_cpu, "limit-cpu", OPTION_SPAN, "DURATION", "CPU time of each process", .letter = 0),
	OPTION(limit_files, "limit-files", OPTION_INTEGER, "N", "open files of each process", .min = 1,
		.max = INT32_MAX),
	OPTION(limit_file_size, "limit-file-size", OPTION_SIZE, "SIZE", "how large a file it may write", .letter = 0),
	OPTION(limit_core, "limit-core", OPTION_SIZE, "SIZE", "how large a core file it may leave (0)", .letter = 0),
	OPTION(success, "success", OPTION_LIST, "STATUS", "exit statuses that are success: 0,1 (0)", .letter = 0),
	OPTION(stdin_file, "stdin", OPTION_TEXT, "FILE", "its standard input; -: this one, to its end",
		.complete = COMPLETE_FILE),
	OPTION(no_stdin, "no-stdin", OPTION_FLAG, NULL, "it has no standard input", .letter = 0),
	OPTION(live, "live", OPTION_FLAG, NULL, "with --detach: its input is what \"taskctl send\" sends", .letter = 0),
	OPTION(merge, "merge", OPTION_FLAG, NULL, "its standard error goes where its output goes", .letter = 0),
	OPTION(direct, "direct", OPTION_FLAG, NULL, "it writes to this output itself; nothing is kept of that",
		.letter = 0),
	OPTION(capture, "capture", OPTION_SIZE, "SIZE", "how much of its output is kept (as the daemon has it)",
		.letter = 0),
	OPTION(each, "each", OPTION_FLAG, NULL, "one run for each value: of :::, --arg-file or lines read",
		.letter = 0),
	OPTION(jobs, "jobs", OPTION_INTEGER, "N", "at most so many at a time (as many as the pool runs)", .letter = 'j',
		.min = 1, .max = 100000),
	OPTION(keep_order, "keep-order", OPTION_FLAG, NULL, "print in the order of the values", .letter = 'k'),
	OPTION(ungroup, "ungroup", OPTION_FLAG, NULL, "let them all write to this output as they like", .letter = 'u'),
	OPTION(arg_file, "arg-file", OPTION_TEXT, "FILE", "the values are the lines of this file", .letter = 'a',
		.complete = COMPLETE_FILE),
	OPTION(null, "null", OPTION_FLAG, NULL, "values end with NUL, not with the line", .letter = '0'),
	OPTION(joblog, "joblog", OPTION_TEXT, "FILE", "write a line about each run there", .complete = COMPLETE_FILE),
	OPTION(resume, "resume", OPTION_FLAG, NULL, "run only what has not succeeded by the --joblog", .letter = 0),
	OPTION(fail_fast, "fail-fast", OPTION_FLAG, NULL, "stop at the first one that fails", .letter = 0),
	OPTION(dry_run, "dry-run", OPTION_FLAG, NULL, "print the commands, and run nothing", .letter = 0),
	OPTION(progress, "progress", OPTION_FLAG, NULL, "show a bar, with --ungroup too", .letter = 0),
	OPTION(no_progress, "no-progress", OPTION_FLAG, NULL, "show no bar", .letter = 0),
	SUBMISSION_WHEN_OPTIONS(struct run_values, submission, 0),
	SUBMISSION_KEY_OPTIONS(struct run_values, submission, 0),
	SUBMISSION_OBJECT_OPTIONS(struct run_values, submission),
	SUBMISSION_DURABLE_OPTIONS(struct run_values, submission),
	SUBMISSION_OPTIONS_WITH(struct run_values, submission, 0),
	SUBMISSION_ROOM_OPTION(struct run_values, submission),
	{ .name = NULL },
};
