/* What every file of taskctl shares: the run that is going on, how it speaks, and how it ends. */
#ifndef TASKCTL_H
#define TASKCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/taskd.h"
#include "proto/methods.h"

struct writer;

/* design: the exit statuses of taskctl; those of the daemon's errors are in the table of proto/errors.h. */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_FAILED = 1, /* the task failed, or anything that has no status of its own */
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_UNREACHABLE = 4,
	EXIT_DENIED = 5,
	EXIT_QUEUE_FULL = 6,
	EXIT_TIME = 124,
	EXIT_INTERRUPTED = 130,
};

#define RECONNECT_NS (30 * TASKD_SECOND)

struct taskctl {
	char *socket;      /* the path; never NULL once main has read the options */
	bool socket_given; /* by -s, so what we tell to type next has it too */
	int64_t connect_timeout_ns;
	int64_t reconnect_ns;  /* so long it is tried to come back to a daemon that went away */
	bool waits_for_daemon; /* that was asked for, so it counts for the first connection, too */
	bool json;
	bool quiet;
	bool color_stdout;
	bool color_stderr;
	bool pipe_ignored; /* SIGPIPE was, when we were started: a command of ours has it so */
	struct writer *writer;
	struct taskd *connection; /* NULL until taskctl_connect */
	const char *group;        /* of the command that is run, "mq"; or NULL */
	bool reconnects;          /* what the command asks may be asked again (again.h); to be said before taskctl_connect */
	bool away;                /* the connection is lost, and may come back */
	bool away_told;           /* …which has been said */
	bool full_screen;         /* the terminal's other screen is shown: that has a place of its own for it */
	struct taskd_future *identity; /* of the daemon that gave the ids that are waited for; or NULL */
};

/* P, unless it is NULL: then the program ends, as there is no memory. */
void *must(void *p);

/* --- session.c: the daemon --- */
/* Connects, if that is not done. EXIT_FINE, or it has been reported. */
int taskctl_connect(struct taskctl *ctl);
/* Calls one of the daemon's own methods. PARAMS is taken over (NULL: none). *RESULT (the caller's to json_decref) is set
 * on EXIT_FINE; on anything else the error has been reported. */
int taskctl_request(struct taskctl *ctl, enum method method, json_t *params, json_t **result);
/* The same with the parameters' text, or NULL, for what must pass to the letter; WHAT (or NULL) is put before an error. */
int taskctl_request_text(
	struct taskctl *ctl, enum method method, const char *params, const char *what, json_t **result);
/* One look at the connection: takes what has come, runs callbacks, and waits where nothing has. INTERRUPT: what
 * interrupt_noted gave, or -1; TIMEOUT_MS as of poll(2). */
enum turn {
	TURN_WENT,        /* something came; or the connection has ended, which the futures tell */
	TURN_TIME,        /* nothing has in that time */
	TURN_INTERRUPTED, /* Ctrl-C */
};
enum turn taskctl_turn(struct taskctl *ctl, int interrupt, int timeout_ms);
/* Waits for F and writes its result; EXIT_FINE, or it has been reported, with ID (or NULL) before it. */
int taskctl_finish(struct taskctl *ctl, struct taskd_future *f, const char *id, int64_t timeout_ns);

/* --- report.c: what goes to stderr --- */
/* "error: …" and, where HINT is not NULL, "hint: …". KIND is the JSON's. Return STATUS, so that callers can too. */
int report(const struct taskctl *ctl, enum exit_status status, const char *kind, const char *hint, const char *format,
	...) __attribute__((format(printf, 5, 6)));
/* A command line that makes no sense: EXIT_USAGE. */
int report_usage(const struct taskctl *ctl, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A failed task or request; its exit status. WHAT (or NULL) is put before the text: "task 17". */
int report_failure(const struct taskctl *ctl, const char *what, const struct taskd_failure *failure);
/* The same, where several tasks were asked for: one that is not there is named as the error's data has it. */
int report_failure_of_some(const struct taskctl *ctl, const struct taskd_failure *failure);
/* One item of a map that failed: the same, and "index" in the JSON. */
int report_item(const struct taskctl *ctl, size_t index, const struct taskd_failure *failure);
/* The library's own error; TEXT NULL: the error's. */
int report_library(const struct taskctl *ctl, enum taskd_error error, const char *text);
/* The same for a function of the library that returned NULL. */
int report_last(const struct taskctl *ctl);
/* A line for people only; nothing with --quiet or --json. */
void report_note(const struct taskctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "warning: …": what comes after it is less than it should be. Also with --quiet. */
void report_warning(const struct taskctl *ctl, const char *kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int exit_status_of(enum taskd_error error);

/* --- interrupt.c: Ctrl-C --- */
/* From now on SIGINT ends the program with this said first (TEXT is copied; NULL: nothing is said). */
void interrupt_says(const struct taskctl *ctl, const char *text);
/* From now on the first SIGINT makes the descriptor that this returns readable, and the next one ends the program. -1:
 * we were started without the signal, and never get one. */
int interrupt_noted(void);
/* The same for SIGTERM, too, and for what prints: a write that waits goes on, and the signal is noted meanwhile. */
int interrupt_noted_while_printing(void);
/* Where the terminal has put ^C, a new line begins. */
void interrupt_newline(const struct taskctl *ctl);
/* Ends the program by SIGINT, as the shell expects of a command that was interrupted. */
void interrupt_die(void) __attribute__((noreturn));
/* "task 17 goes on; its result: taskctl result 17" for IDS; COMMAND is "result" or "wait". */
void interrupt_says_how_to_return(const struct taskctl *ctl, const char *command, char *const *ids, int n);

/* --- arguments.c: words of the command line as JSON --- */
/* The one value in TEXT, or TEXT as a string; the caller's to free. NULL: it is no UTF-8. */
char *text_json(const char *text, size_t length);
/* The JSON text of one word: itself where it is JSON, else as a string; "-" (where FROM_STDIN): standard input's. The
 * caller's to free. NULL: reported. */
char *argument_json(const struct taskctl *ctl, const char *word, bool from_stdin);
/* [A, B, …] of the words, after those of ARGS_OPTION (JSON, an array or one object), or NULL: reported. */
char *arguments_json(const struct taskctl *ctl, char *const *words, int n, const char *args_option);
/* The text of an object of parameters with the member "args" added, which passes to the letter. malloc'ed. */
char *params_with_args(const json_t *params, const char *args);
/* The ids of the command line, checked, as a JSON array. NULL: reported. */
json_t *ids_json(const struct taskctl *ctl, char *const *ids, int n);
/* All that is in a stream, malloc'ed; NULL where it cannot be read (errno). */
char *stream_read(FILE *in, size_t *length);
bool text_is_utf8(const char *text);
/* Our own folder; and PATH as it is, if it is absolute, else in that. malloc'ed. NULL: reported, with HINT (or NULL). */
char *path_here(const struct taskctl *ctl, const char *hint);
char *path_absolute(const struct taskctl *ctl, const char *path, const char *hint);
/* Whether TEXT is a task's id. */
bool id_is_valid(const char *text);

#endif
