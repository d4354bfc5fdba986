/* A command as a task: the arguments of "exec", which those of a named command become. Read and checked in one place: by
 * the daemon when it is submitted, by the worker that runs it. */
#ifndef PROTO_COMMAND_H
#define PROTO_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/params.h"

struct strbuf;

#define COMMAND_TASK "exec" /* the task's name */
#define COMMAND_FDS 3
#define COMMAND_TEXT_LIMIT 200
#define COMMAND_ARG_LIMIT (128u * 1024 - 1) /* bytes of one argument or variable: MAX_ARG_STRLEN of execve(2) */

struct command_variable {
	char *name;  /* not empty, without "=" */
	char *value; /* NULL: it is taken away */
};
struct command_params {
	struct param_strings argv; /* literally, the first is the program; or: */
	char *shell;               /* a line for /bin/sh -c */
	char *cwd;                 /* absolute; NULL: "/" */
	struct json_span env_span; /* an object of strings and nulls, as it stands; read into: */
	struct command_variable *env; /* malloc'ed */
	size_t n_env;
	char *umask_text; /* octal, "022"; NULL: 022 */
	int64_t nice;     /* -20…19; default 0, added to the worker's */
	/* Limits; -1: none. Of the whole tree where the daemon has cgroups, else of each process (processes: of the user). */
	int64_t limit_memory;    /* bytes */
	int64_t limit_processes;
	/* Of each process. */
	int64_t limit_cpu;       /* ns, whole seconds */
	int64_t limit_files;     /* descriptors */
	int64_t limit_core;      /* bytes; -1: 0 */
	int64_t limit_file_size; /* bytes */
	/* Standard input: one of these, or none (/dev/null), or a descriptor. */
	struct json_span stdin_text;  /* a string, unread; see command_stdin */
	char *stdin_base64;
	char *stdin_file; /* absolute */
	bool stdin_live;  /* what task.send sends */
	/* Standard output and error. */
	int64_t capture; /* bytes of each that its result keeps; -1: the pool's capture_limit, which is the most */
	bool merge;      /* standard error goes where standard output goes */
	bool tty;        /* a terminal for all three; implies merge; task.send types */
	int64_t rows;    /* 0: 24 */
	int64_t columns; /* 0: 80 */
	/* Descriptors that came with the request, in this order: words "stdin", "stdout", "stderr", each once at most. stdin is
	 * what the command reads; stdout and stderr get all that it writes, and it waits where they are full. */
	struct param_strings fds;
	bool direct; /* they are the command's own: taskd does not see what passes, nothing is captured */
	struct json_span success_span; /* an array of exit statuses that are success; absent: 0 alone */
	bool success[256];
	struct json_span secret_span; /* an array of places in argv, from 1 on: they are shown to nobody */
};
/* The table of it, for task.types and the documents. */
extern const struct param_spec command_param_specs[];

/* Reads ARGS, an object, or an array in the table's order (so that [["ls","-l"]] is one), or an array of one such object
 * (an item of a map). Everything that can be checked without asking the system is: exactly one of argv and shell, no NUL
 * bytes, names of variables, absolute paths, what does not go together. -1 with the reason in ERROR, nothing to free. */
int command_read(const struct json_span *args, struct command_params *out, char *error, size_t error_size);
void command_free(struct command_params *params);
/* Whether ARGS, which command_read has taken, have secrets and do not begin with them: then OUT gets the same arguments so
 * that they do, as command_text wants it, which does not read on to the end of what may be megabytes. */
bool command_hide(const struct json_span *args, const struct command_params *params, struct strbuf *out);
/* Given standard input as bytes, malloc'ed; NULL where there is none. */
char *command_stdin(const struct command_params *params, size_t *length);
/* The place of stdin, stdout, stderr (0…2) among the descriptors that came along, or -1. */
int command_fd_place(const struct command_params *params, int stream);
/* Whether exit STATUS counts as success. */
bool command_succeeds(const struct command_params *params, int status);
/* The command line for people, of ARGS as command_read takes them or of a result's {"command":…}: quoted as a shell would
 * want it, control characters escaped, UTF-8, cut to COMMAND_TEXT_LIMIT bytes; "***" is where a secret argument was. False:
 * there is none in it. */
bool command_text(const struct json_span *args, struct strbuf *out);
/* A signal's number by "TERM", "SIGTERM" or "15"; -1: there is none. "SIGTERM" of a number; NULL. */
int command_signal(const char *name);
const char *command_signal_name(int signal_number);

#endif
