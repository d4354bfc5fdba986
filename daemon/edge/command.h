/* What the methods share that submit commands, or are about commands. */
#ifndef EDGE_COMMAND_H
#define EDGE_COMMAND_H

#include "edge/rpc.h"
#include "proto/command.h"

/* --- submitting --- */
/* Makes the arguments of a submission whose type is a command out of ARGS, after checking all that can be; claims the
 * descriptors that they name. SINGLE: a task.call or task.submit, or the command's name as method. False: the error has
 * been answered. */
bool command_args(const struct call *call, const struct json_span *args, bool single, struct submission *out)
	__attribute__((warn_unused_result));
/* Appends what an ITEM of a map of TYPE, a command, becomes as an element of its chunk. -1 with the reason. */
int command_item(const struct edge *edge, const struct task_type *type, const struct json_span *item,
	struct strbuf *out, char *error, size_t error_size);
/* Whether the caller may submit that type; false: the error has been answered. */
bool command_may_submit(const struct call *call, const struct task_type *type) __attribute__((warn_unused_result));
/* The time limit of so many one after the other: SPEC's own, or the command's, whichever is less. */
int64_t command_timeout(const struct edge *edge, const struct task_spec *spec, size_t items);
/* TASK is what has become of the submission: it has its descriptors from now on. */
void command_attach(const struct edge *edge, struct task *task, struct submission *submission);
/* Nothing has become of it: they are closed. */
void command_close(struct submission *submission);

/* --- who may do what --- */
/* Whether CONNECTION's peer may run tasks of that type: exec_users. */
bool command_may_run(struct connection *connection, const struct task_type *type);
#define COMMAND_DENIED_SIZE 256
/* Why not, as a message and an error's data. */
void command_denied(const struct connection *connection, char message[COMMAND_DENIED_SIZE], struct strbuf *data);

/* --- asking --- */
/* TASK's command line for people; false where it is no command, or it is not known any more. */
bool command_line(const struct task *task, struct strbuf *out);
/* The task of that id, where it is a command, and not a part of a map, to which the caller has RIGHT (RIGHT_READ or
 * RIGHT_CANCEL); NULL: the error has been answered. */
struct task *call_finds_command(const struct call *call, uint64_t id, enum right right);
/* It does not run: "not_running". */
void reply_not_running(const struct reply_to *to, struct task *task);

#endif
