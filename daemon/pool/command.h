/* Commands that run: what can be asked of one, and of the worker that has it. All of it is for pools with `commands = yes`;
 * the worker's main thread answers, so a busy command does not hold anything up. */
#ifndef POOL_COMMAND_H
#define POOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane/capture.h"

struct config_command;
struct json_span;
struct pools;
struct strbuf;
struct task;
struct task_type;
struct command_ask; /* a question on its way */

/* Whether tasks of that type are commands: "exec", or a [command NAME] of the configuration. */
bool pools_type_is_command(const struct task_type *type);
/* What a submission of a command becomes: nothing is done for "exec" (0, OUT empty); for a named one the arguments of exec
 * that ARGS stand for. -1 with the reason. */
int pools_command_expand(struct pools *pools, const struct task_type *type, const struct json_span *args,
	struct strbuf *out, char *error, size_t error_size);
/* The default time limit of a named command; 0: none. */
int64_t pools_command_timeout(struct pools *pools, const struct task_type *type);

/* Descriptors for TASK, in the order of its "fds"; taken over, and closed when it ends. Each attempt gets them. Before the
 * turn's core_turn. */
void pools_command_attach(struct pools *pools, struct task *task, const int *fds, size_t n_fds);

/* How it stands: false where TASK is no command that runs now. */
bool pools_command_look(struct pools *pools, struct task *task, struct capture_state *out);
/* Its worker's slot, which the command finds as TASKD_SLOT; -1. */
int pools_command_slot(const struct task *task);
/* What it has said so far, as capture_read. */
long pools_command_read(struct pools *pools, struct task *task, enum capture_stream stream, uint64_t offset, void *room,
	size_t size);

enum command_order_kind { COMMAND_SIGNAL, COMMAND_SUSPEND, COMMAND_RESUME, COMMAND_WINDOW, COMMAND_SEND };
struct command_order {
	enum command_order_kind kind;
	int signal;        /* SIGNAL: to its process group */
	int rows, columns; /* WINDOW */
	const char *data;  /* SEND: bytes for its standard input */
	size_t length;     /* at most COMMAND_SEND_LIMIT */
	bool eof;          /* SEND: and that was all */
};
#define COMMAND_SEND_LIMIT (32u * 1024)
enum command_answer_kind {
	COMMAND_DONE,        /* SEND: the command's input has taken it, or has room for it */
	COMMAND_NOT_RUNNING, /* it has not started, or is over */
	COMMAND_NO_INPUT,    /* SEND: it has no live standard input, or has closed it. WINDOW: it has no terminal */
	COMMAND_REFUSED,     /* the system said no: `reason` */
};
struct command_answer {
	enum command_answer_kind kind;
	const char *reason; /* REFUSED; else NULL */
	const char *data;   /* a log's page, or NULL */
	size_t length;
	uint64_t total;     /* …of so many bytes in all */
	bool found;         /* …and there is such a log */
};
typedef void command_answered(void *user, const struct command_answer *answer);
/* ANSWERED is called once, later and never from within; NULL: NOT_RUNNING at once, or too much is on its way to that worker
 * already (*busy). */
struct command_ask *pools_command_order(struct pools *pools, struct task *task, const struct command_order *order,
	command_answered *answered, void *user, bool *busy);
/* A page of what a command's log on disk has, from any worker of a pool of commands: it may be over, and its record gone.
 * NULL: no such worker is there. */
struct command_ask *pools_command_log(struct pools *pools, uint64_t task_id, uint32_t attempt,
	enum capture_stream stream, uint64_t offset, size_t size, command_answered *answered, void *user);
/* Nobody wants the answer any more. */
void pools_command_forget(struct command_ask *ask);

/* From now on (ON), or no longer, what TASK says goes to the function below. It holds for this attempt only. */
void pools_command_follow(struct pools *pools, struct task *task, bool on);
/* TASK has said LENGTH bytes, the first of which is the OFFSETth of that stream; some may be missing in between. */
typedef void command_said(void *context, struct task *task, enum capture_stream stream, uint64_t offset, const char *data,
	size_t length);
void pools_on_output(struct pools *pools, command_said *said, void *context);

#endif
