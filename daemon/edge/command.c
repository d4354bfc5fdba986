/* Commands as they are submitted: who may run which, and what of their arguments can be checked before they are. A
 * named command becomes the arguments of "exec" here, so that what is stored, shown and run is one and the same. */
#include "edge/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/closer.h"
#include "base/users.h"
#include "base/xmalloc.h"
#include "edge/descriptors.h"
#include "pool/command.h"

#define REASON_SIZE 320

/* --- who may --- */

void command_denied(const struct connection *connection, char message[COMMAND_DENIED_SIZE], struct strbuf *data)
{
	const char *hint =
		"commands that taskd.conf has a [command NAME] for can be submitted by their names: taskctl tasks";
	char name[64];
	user_name(connection->peer.uid, name, sizeof(name));
	snprintf(message, COMMAND_DENIED_SIZE,
		"free commands (exec) are not allowed for user %s; exec_users in taskd.conf says for whom", name);
	strbuf_printf(data, "{\"kind\":\"%s\",\"right\":\"%s\",\"hint\":", proto_error_info(PROTO_DENIED)->kind,
		right_name(RIGHT_SUBMIT));
	strbuf_json_string(data, hint, strlen(hint));
	strbuf_puts(data, "}");
}

bool command_may_run(struct connection *connection, const struct task_type *type)
{
	return !type->command || strcmp(type->name, COMMAND_TASK) != 0 || access_of(connection)->exec;
}

bool command_may_submit(const struct call *call, const struct task_type *type)
{
	struct connection *connection = call->to.connection;
	char message[COMMAND_DENIED_SIZE];
	struct strbuf data = STRBUF_INIT;
	if (command_may_run(connection, type))
		return true;
	command_denied(connection, message, &data);
	reply_error(&call->to, PROTO_DENIED, message, data.data);
	strbuf_free(&data);
	return false;
}

/* --- what --- */

/* The arguments of exec that ARGS stand for; TEXT has them where these are not they. 0, or -1 with the reason. */
static int expand(const struct edge *edge, const struct task_type *type, const struct json_span *args,
	struct strbuf *text, struct json_span *out, char reason[REASON_SIZE])
{
	if (pools_command_expand(edge->host.pools, type, args, text, reason, REASON_SIZE) < 0)
		return -1;
	*out = *args;
	if (!text->length)
		return 0;
	if (!strbuf_failed(text)) {
		*out = (struct json_span){ .text = text->data, .length = text->length, .kind = JSON_SPAN_OBJECT };
		return 0;
	}
	snprintf(reason, REASON_SIZE, "no memory for what they stand for");
	return -1;
}

/* Those that came with the request. */
static bool claim(const struct call *call, const struct command_params *params, struct submission *out)
{
	size_t wanted = params->fds.count, n = descriptors_count(call->to.connection);
	if (call->to.batch) {
		reply_error(&call->to, PROTO_INVALID_PARAMS,
			"\"fds\" is for a request that is a message of its own, not one of a JSON-RPC batch", NULL);
		return false;
	}
	if (n < wanted) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS,
			"\"fds\" names %zu descriptor%s, and %zu came with the request", wanted, wanted == 1 ? "" : "s", n);
		return false;
	}
	if (!user_may_claim(&call->to, wanted))
		return false;
	descriptors_claim(call->to.connection, out->fds, wanted);
	out->n_fds = (uint32_t)wanted;
	out->payer = call->to.connection->user;
	out->payer->claimed += wanted;
	return true;
}

/* What a task that nobody attends to cannot have; or NULL. */
static const char *not_alone(const struct command_params *params)
{
	return params->fds.count ? "fds" : params->stdin_live ? "stdin_live" : NULL;
}

/* HIDDEN gets the arguments with what is secret of them first, where there is such a thing and they are not so. */
static bool check(const struct call *call, const struct json_span *args, bool single, struct submission *out,
	struct strbuf *hidden)
{
	struct command_params params = { 0 };
	char reason[REASON_SIZE];
	bool good = true;
	if (command_read(args, &params, reason, sizeof(reason)) < 0) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, reason, NULL);
		return false;
	}
	if (!single && not_alone(&params)) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS,
			"\"%s\" is for a command that is submitted alone: not in a batch, a map or a schedule",
			not_alone(&params));
		good = false;
	} else if (not_alone(&params) && out->durable_said) {
		reply_errorf(&call->to, PROTO_INVALID_PARAMS, "a command with \"%s\" cannot be durable", not_alone(&params));
		good = false;
	} else if (params.fds.count) {
		good = claim(call, &params, out);
	}
	if (not_alone(&params))
		out->spec.durable = false;
	if (good)
		command_hide(args, &params, hidden);
	command_free(&params);
	return good;
}

int64_t command_timeout(const struct edge *edge, const struct task_spec *spec, size_t items)
{
	int64_t most = pools_command_timeout(edge->host.pools, spec->type);
	if (most <= 0 || __builtin_mul_overflow(most, (int64_t)items, &most))
		return spec->timeout_ns;
	return spec->timeout_ns > 0 && spec->timeout_ns < most ? spec->timeout_ns : most;
}

bool command_args(const struct call *call, const struct json_span *args, bool single, struct submission *out)
{
	static const struct json_span none = { .text = "[]", .length = 2, .kind = JSON_SPAN_ARRAY };
	struct task_spec *spec = &out->spec;
	struct strbuf text = STRBUF_INIT, hidden = STRBUF_INIT;
	struct json_span expanded;
	char reason[REASON_SIZE];
	bool good = false;
	if (spec->pass_results) {
		reply_error(&call->to, PROTO_INVALID_PARAMS,
			"\"pass_results\" is not for commands: they have no place for them", NULL);
		return false;
	}
	if (!command_may_submit(call, spec->type))
		return false;
	if (expand(call->edge, spec->type, args->kind == JSON_NONE ? &none : args, &text, &expanded, reason) < 0)
		reply_error(&call->to, PROTO_INVALID_PARAMS, reason, NULL);
	else
		good = check(call, &expanded, single, out, &hidden);
	if (good && strbuf_failed(&hidden)) {
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for the arguments", NULL);
		good = false;
	}
	if (good && hidden.length)
		expanded = (struct json_span){ .text = hidden.data, .length = hidden.length, .kind = JSON_SPAN_OBJECT };
	good = good && submission_copy(&call->to, &expanded, spec);
	spec->timeout_ns = command_timeout(call->edge, spec, 1);
	strbuf_free(&hidden);
	strbuf_free(&text);
	return good;
}

void command_close(struct submission *submission)
{
	if (submission->n_fds)
		submission->payer->claimed -= submission->n_fds;
	while (submission->n_fds)
		closer_close(submission->fds[--submission->n_fds]);
}

/* It may have ended already, with what it was to wait for. */
void command_attach(const struct edge *edge, struct task *task, struct submission *submission)
{
	if (!submission->n_fds || task_state_is_terminal(task->state))
		return;
	pools_command_attach(edge->host.pools, task, submission->fds, submission->n_fds);
	core_task_keeps(task, submission->n_fds);
	submission->payer->claimed -= submission->n_fds;
	submission->n_fds = 0;
}

/* --- items of a map --- */

/* [ITEM]: what a task that has it alone would be submitted with. */
static struct json_span alone(const struct json_span *item, struct strbuf *room)
{
	strbuf_reset(room);
	strbuf_puts(room, "[");
	strbuf_add(room, item->text, item->length);
	strbuf_puts(room, "]");
	return (struct json_span){ .text = room->data, .length = room->length, .kind = JSON_SPAN_ARRAY };
}

int command_item(const struct edge *edge, const struct task_type *type, const struct json_span *item,
	struct strbuf *out, char *error, size_t error_size)
{
	struct strbuf room = STRBUF_INIT, text = STRBUF_INIT, hidden = STRBUF_INIT;
	const struct json_span args = alone(item, &room);
	struct json_span expanded;
	struct command_params params = { 0 };
	char reason[REASON_SIZE] = "";
	int code = -1;
	if (strbuf_failed(&room))
		snprintf(reason, sizeof(reason), "no memory for it");
	else if (expand(edge, type, &args, &text, &expanded, reason) == 0 &&
		command_read(&expanded, &params, reason, sizeof(reason)) == 0) {
		code = not_alone(&params) ? -1 : 0;
		if (code < 0)
			snprintf(reason, sizeof(reason), "\"%s\" is for a command that is submitted alone",
				not_alone(&params));
		else if (command_hide(&expanded, &params, &hidden)) {
			strbuf_free(&text);
			text = hidden;
			hidden = (struct strbuf)STRBUF_INIT;
		}
		command_free(&params);
	}
	if (code < 0)
		snprintf(error, error_size, "%s", reason);
	else if (text.length)
		strbuf_add(out, text.data, text.length);
	else
		strbuf_add(out, item->text, item->length);
	strbuf_free(&room);
	strbuf_free(&text);
	return code;
}

/* --- which --- */

bool command_line(const struct task *task, struct strbuf *out)
{
	const struct bytes *from = task->args;
	struct json_span value, item;
	size_t cursor = 0;
	if (!task->type->command)
		return false;
	if (!from && task->outcome)
		from = task->outcome->result ? task->outcome->result : task->outcome->data;
	if (!from || !from->size)
		return false;
	value = (struct json_span){ .text = from->data, .length = from->size,
		.kind = from->data[0] == '{' ? JSON_SPAN_OBJECT : JSON_SPAN_ARRAY };
	if (task->items && json_next(&value, &cursor, NULL, &item) == 1)
		value = item; /* the first one stands for all of a chunk */
	return command_text(&value, out);
}
