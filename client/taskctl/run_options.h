/* The options of taskctl run, and the command that they make. */
#ifndef TASKCTL_RUN_OPTIONS_H
#define TASKCTL_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/taskctl/command.h"
#include "client/taskctl/secret.h"
#include "client/taskctl/submission.h"
#include "client/taskd.h"

struct taskctl;

struct run_values {
	struct submission submission;
	/* what is run */
	bool shell;
	const char *cwd;
	struct option_list env;
	bool clean_env;
	const char *umask;
	struct option_integer nice;
	struct option_integer limit_memory, limit_processes, limit_cpu, limit_files, limit_file_size, limit_core;
	struct option_list success;
	struct option_list secret;
	/* its input and output */
	const char *stdin_file;
	bool no_stdin;
	bool live;
	bool tty;
	bool merge;
	bool direct;
	struct option_integer capture;
	bool detach;
	/* one for each of many */
	bool each;
	struct option_integer jobs;
	bool keep_order;
	bool ungroup;
	const char *arg_file;
	bool null;
	const char *joblog;
	bool resume;
	bool fail_fast;
	bool dry_run;
	bool progress;
	bool no_progress;
};

extern const struct option_spec run_option_specs[];

/* The command that the options say, but for argv, shell and descriptors. What it points to is VALUES' or its own; for
 * run_command_free. */
struct run_command {
	struct taskd_command command;
	char *cwd;
	char umask[8];
	const char **env;
	int *success;
	struct secret secret; /* as it was said; the command has them once its words are known */
	char *input_file;
	char *input;
};
/* EXIT_FINE, or it has been reported (then there is nothing to free). */
int run_command_make(const struct taskctl *ctl, const struct run_values *values, struct run_command *out);
void run_command_free(struct run_command *command);

#endif
