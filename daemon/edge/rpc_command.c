/* What is asked of commands that run: to read what is sent, to take a signal, to stop and go on, to have a window of
 * another size. A worker answers, so each such request waits for it; one that is about several tasks waits for all
 * of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/command.h"
#include "pool/command.h"
#include "proto/base64.h"
#include "proto/jsonrpc.h"

/* --- which, and why not --- */

static void say(struct refusal *out, enum proto_error error, uint64_t id, const char *more)
{
	out->error = error;
	error_data_begin(&out->data, error);
	strbuf_printf(&out->data, ",\"id\":\"%" PRIu64 "\"%s}", id, more);
}

static void say_not_running(struct refusal *out, struct task *task)
{
	char more[64];
	if (task->slot)
		core_task_look(task);
	const char *state = task_state_name(task->state);
	snprintf(more, sizeof(more), ",\"state\":\"%s\"", state);
	snprintf(out->message, sizeof(out->message),
		task_state_is_terminal(task->state) ? "task %" PRIu64 " is over: it has ended as %s"
						    : "task %" PRIu64 " does not run: it is %s",
		task->id, state);
	say(out, PROTO_NOT_RUNNING, task->id, more);
}

static void say_not_there(struct refusal *out, uint64_t id, enum core_found found)
{
	enum proto_error error = found == CORE_FORGOTTEN ? PROTO_FORGOTTEN : PROTO_NOT_FOUND;
	snprintf(out->message, sizeof(out->message), "%s", proto_error_info(error)->text);
	say(out, error, id, "");
}

static bool has_right(const struct call *call, enum right right, const struct task *task)
{
	struct connection *connection = call->to.connection;
	return right == RIGHT_CANCEL ? access_may_cancel(connection, task) : access_sees(connection, task);
}

/* NULL with *why filled in; else nothing of it is to be freed. */
static struct task *find(const struct call *call, uint64_t id, enum right right, struct refusal *why)
{
	struct task *task;
	enum core_found found = access_find(call, id, &task);
	*why = (struct refusal){ .data = STRBUF_INIT };
	if (found != CORE_FOUND) {
		say_not_there(why, id, found);
	} else if (!has_right(call, right, task)) {
		char more[32];
		snprintf(more, sizeof(more), ",\"right\":\"%s\"", right_name(right));
		snprintf(why->message, sizeof(why->message), "task %" PRIu64 " belongs to uid %u", id,
			(unsigned)task->owner->uid);
		say(why, PROTO_DENIED, id, more);
	} else if (!task->type->command) {
		snprintf(why->message, sizeof(why->message), "task %" PRIu64 " (\"%s\") is not a command", id,
			task->type->name);
		say(why, PROTO_NOT_A_COMMAND, id, "");
	} else {
		return task;
	}
	return NULL;
}

struct task *call_finds_command(const struct call *call, uint64_t id, enum right right)
{
	struct refusal why;
	struct task *task = find(call, id, right, &why);
	if (task && task->items) {
		reply_errorf(&call->to, PROTO_NOT_A_COMMAND,
			"task %" PRIu64 " is a part of a map, of several commands: what they say is in its result", id);
		return NULL;
	}
	if (!task) {
		reply_error(&call->to, why.error, why.message, why.data.data);
		refusal_free(&why);
	}
	return task;
}

void reply_not_running(const struct reply_to *to, struct task *task)
{
	struct refusal why = { .data = STRBUF_INIT };
	say_not_running(&why, task);
	reply_error(to, why.error, why.message, why.data.data);
	refusal_free(&why);
}

/* --- orders to one or several --- */

/* One task of a request. */
struct errand {
	struct errands *errands;
	uint64_t id;
	struct command_ask *ask; /* NULL: it has been answered, or has failed */
	char *error;             /* malloc'ed; an error object; NULL: it was done */
};

struct errands {
	struct request *request;
	enum command_order_kind kind;
	size_t held; /* bytes that the connection is charged with */
	size_t n, n_open;
	struct errand list[];
};

static void errand_fail(struct errand *errand, struct refusal *why)
{
	struct strbuf object = STRBUF_INIT;
	rpc_error_object(&object, proto_error_info(why->error)->code, why->message, why->data.data);
	errand->error = strbuf_take(&object, &(size_t){ 0 });
	if (!errand->error)
		errand->error = xstrdup("null");
	strbuf_free(&object);
	refusal_free(why);
}

/* Before its request is freed. */
static void errands_free(struct errands *errands)
{
	connection_unhold(errands->request->connection, errands->held);
	for (size_t i = 0; i < errands->n; i++) {
		if (errands->list[i].ask)
			pools_command_forget(errands->list[i].ask);
		free(errands->list[i].error);
	}
	free(errands);
}

/* As it would be found if it were asked for now. */
static enum core_found find_again(const struct errand *errand, struct task **out)
{
	const struct request *request = errand->errands->request;
	const struct call call = { .edge = request->connection->edge, .to = request_reply_to(request) };
	return access_find(&call, errand->id, out);
}

/* {"id":…,"state":…} and, where that is known, whether it stands still now. */
static void put_errand(struct strbuf *out, const struct errand *errand)
{
	enum command_order_kind kind = errand->errands->kind;
	struct task *task;
	enum core_found found = find_again(errand, &task);
	if (found == CORE_FOUND && task->slot)
		core_task_look(task);
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\",\"state\":\"%s\"", errand->id,
		found == CORE_FOUND               ? task_state_name(task->state)
			: found == CORE_FORGOTTEN ? "forgotten"
						  : "not_found");
	if (errand->error)
		strbuf_printf(out, ",\"error\":%s", errand->error);
	else if (kind == COMMAND_SUSPEND || kind == COMMAND_RESUME)
		strbuf_printf(out, ",\"suspended\":%s", kind == COMMAND_SUSPEND ? "true" : "false");
	strbuf_puts(out, "}");
}

static void answer_list(const struct reply_to *to, const struct errands *errands)
{
	struct strbuf out = STRBUF_INIT;
	strbuf_puts(&out, "[");
	for (size_t i = 0; i < errands->n; i++) {
		strbuf_puts(&out, i ? "," : "");
		put_errand(&out, &errands->list[i]);
	}
	strbuf_puts(&out, "]");
	reply_buffer(to, &out);
}

/* One alone that could not be done is the error. */
static void errands_answer(struct errands *errands)
{
	struct request *request = errands->request;
	const struct reply_to to = request_reply_to(request);
	const char *error = errands->n == 1 ? errands->list[0].error : NULL;
	if (error) {
		struct strbuf object = STRBUF_INIT;
		strbuf_puts(&object, error);
		reply_error_object(&to, &object);
		strbuf_free(&object);
	} else if (errands->kind == COMMAND_SEND || errands->kind == COMMAND_WINDOW) {
		reply_text(&to, "true", 4);
	} else {
		answer_list(&to, errands);
	}
	errands_free(errands);
	request_free(request);
}

static void errands_abandon(struct request *request)
{
	errands_free(request->state);
}

static void errands_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled; it may have its effect all the same", NULL);
	errands_free(request->state);
	request_free(request);
}

static void errands_status(struct request *request, struct strbuf *out)
{
	const struct errands *errands = request->state;
	strbuf_printf(out, "{\"state\":\"running\",\"tasks\":%zu,\"ended\":%zu}", errands->n, errands->n - errands->n_open);
}

/* Only what is sent has a time limit. */
static void errands_timeout(struct request *request)
{
	struct errands *errands = request->state;
	const struct reply_to to = request_reply_to(request);
	struct refusal why = { .data = STRBUF_INIT };
	say(&why, PROTO_WAIT_TIMED_OUT, errands->list[0].id, "");
	reply_error(&to, why.error, "the command has not read what was sent before", why.data.data);
	refusal_free(&why);
	errands_free(errands);
	request_free(request);
}

static const struct request_kind errands_kind = {
	.abandon = errands_abandon,
	.cancel = errands_cancel,
	.status = errands_status,
	.timeout = errands_timeout,
};

static void not_running(struct errand *errand, struct refusal *why)
{
	struct task *task;
	enum core_found found = find_again(errand, &task);
	if (found == CORE_FOUND)
		say_not_running(why, task);
	else
		say_not_there(why, errand->id, found);
}

static void errand_done(void *user, const struct command_answer *answer)
{
	struct errand *errand = user;
	struct errands *errands = errand->errands;
	struct refusal why = { .data = STRBUF_INIT };
	errand->ask = NULL;
	switch (answer->kind) {
	case COMMAND_DONE:
		break;
	case COMMAND_NOT_RUNNING:
		not_running(errand, &why);
		break;
	case COMMAND_NO_INPUT:
		snprintf(why.message, sizeof(why.message), "%s", errands->kind == COMMAND_WINDOW
				? "the command has no terminal" : proto_error_info(PROTO_INPUT_CLOSED)->text);
		say(&why, PROTO_INPUT_CLOSED, errand->id, "");
		break;
	case COMMAND_REFUSED:
		snprintf(why.message, sizeof(why.message), "the system has refused it: %.200s",
			answer->reason ? answer->reason : "no reason is known");
		say(&why, PROTO_INTERNAL_ERROR, errand->id, "");
		break;
	}
	if (answer->kind != COMMAND_DONE)
		errand_fail(errand, &why);
	if (--errands->n_open == 0)
		errands_answer(errands);
}

static void errand_begin(const struct call *call, struct errand *errand, const struct command_order *order)
{
	struct refusal why;
	bool busy = false;
	struct task *task = find(call, errand->id, RIGHT_CANCEL, &why);
	if (!task) {
		errand_fail(errand, &why);
		return;
	}
	errand->ask = pools_command_order(call->edge->host.pools, task, order, errand_done, errand, &busy);
	if (errand->ask) {
		errand->errands->n_open++;
		return;
	}
	if (busy) {
		snprintf(why.message, sizeof(why.message), "too much is on its way to task %" PRIu64 " already", errand->id);
		say(&why, PROTO_TOO_MANY, errand->id, "");
	} else {
		say_not_running(&why, task);
	}
	errand_fail(errand, &why);
}

static void nobody_asks(void *user, const struct command_answer *answer)
{
	(void)user;
	(void)answer;
}

/* A notification: it is done, and nobody hears how. */
static void order_quietly(const struct call *call, const uint64_t *ids, size_t n, const struct command_order *order)
{
	for (size_t i = 0; i < n; i++) {
		struct refusal why;
		bool busy;
		struct task *task = find(call, ids[i], RIGHT_CANCEL, &why);
		if (!task)
			refusal_free(&why);
		else
			pools_command_order(call->edge->host.pools, task, order, nobody_asks, NULL, &busy);
	}
}

static void order_tasks(const struct call *call, const uint64_t *ids, size_t n, const struct command_order *order,
	int64_t timeout_ns)
{
	size_t size = sizeof(struct errands) + n * sizeof(struct errand);
	if (!call->to.id) {
		order_quietly(call, ids, n, order);
		return;
	}
	if (!connection_has_room(call->to.connection, size)) {
		reply_error(&call->to, PROTO_TOO_MANY, "this connection asks for more than output_limit has room for", NULL);
		return;
	}
	struct errands *errands = xcalloc(1, size);
	errands->kind = order->kind;
	errands->n = n;
	errands->held = size;
	errands->request = request_new(&call->to, &errands_kind);
	errands->request->state = errands;
	connection_hold(call->to.connection, size);
	for (size_t i = 0; i < n; i++) {
		errands->list[i] = (struct errand){ .errands = errands, .id = ids[i] };
		errand_begin(call, &errands->list[i], order);
	}
	if (errands->n_open == 0)
		errands_answer(errands);
	else
		request_set_timeout(errands->request, timeout_ns);
}

/* --- the methods --- */

static void order_all(const struct call *call, const struct param_ids *ids, const struct command_order *what)
{
	if (!ids->count)
		reply_text(&call->to, "[]", 2);
	else if (call_takes_ids(call, ids))
		order_tasks(call, ids->ids, ids->count, what, -1);
}

void rpc_task_signal(const struct call *call)
{
	struct signal_params params = { 0 };
	if (!call_params(call, &params))
		return;
	const struct command_order what = { .kind = COMMAND_SIGNAL, .signal = command_signal(params.signal) };
	if (what.signal < 0)
		reply_errorf(&call->to, PROTO_INVALID_PARAMS, "there is no signal \"%.40s\"", params.signal);
	else
		order_all(call, &params.ids, &what);
	call_params_free(call, &params);
}

static void order_only(const struct call *call, enum command_order_kind kind)
{
	struct ids_params params = { 0 };
	const struct command_order what = { .kind = kind };
	if (!call_params(call, &params))
		return;
	order_all(call, &params.ids, &what);
	call_params_free(call, &params);
}

void rpc_task_suspend(const struct call *call)
{
	order_only(call, COMMAND_SUSPEND);
}

void rpc_task_resume(const struct call *call)
{
	order_only(call, COMMAND_RESUME);
}

void rpc_task_window(const struct call *call)
{
	struct window_params params = { 0 };
	if (!call_params(call, &params))
		return;
	const struct command_order what = {
		.kind = COMMAND_WINDOW,
		.rows = (int)params.rows,
		.columns = (int)params.columns,
	};
	if (call_finds_command(call, params.id, RIGHT_CANCEL))
		order_tasks(call, &params.id, 1, &what, -1);
	call_params_free(call, &params);
}

/* What is to be sent, malloc'ed; NULL: the error has been answered. */
static char *read_data(const struct call *call, const struct send_params *params, size_t *length)
{
	char *data = NULL;
	*length = 0;
	if (params->data.kind != JSON_NONE && params->data_base64) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "only one of \"data\" and \"data_base64\" can be sent", NULL);
		return NULL;
	}
	if (params->data.kind == JSON_NONE && !params->data_base64 && !params->eof) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "one of \"data\", \"data_base64\" and \"eof\" is needed", NULL);
		return NULL;
	}
	if (params->data.kind != JSON_NONE) {
		data = json_string_dup(&params->data, length);
	} else {
		size_t text = params->data_base64 ? strlen(params->data_base64) : 0;
		data = malloc(base64_room(text));
		ssize_t decoded = data && text ? base64_decode(data, params->data_base64, text) : 0;
		if (decoded < 0) {
			reply_error(&call->to, PROTO_INVALID_PARAMS, "parameter \"data_base64\" is not base64", NULL);
			free(data);
			return NULL;
		}
		*length = (size_t)decoded;
	}
	if (!data)
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for what is to be sent", NULL);
	return data;
}

void rpc_task_send(const struct call *call)
{
	struct send_params params = { 0 };
	size_t length;
	if (!call_params(call, &params))
		return;
	struct task *task = call_finds_command(call, params.id, RIGHT_CANCEL);
	char *data = task ? read_data(call, &params, &length) : NULL;
	if (data && length > COMMAND_SEND_LIMIT) {
		reply_errorf(&call->to, PROTO_TOO_LARGE, "at most %u bytes can be sent at once, not %zu",
			COMMAND_SEND_LIMIT, length);
	} else if (data) {
		const struct command_order what = { .kind = COMMAND_SEND, .data = data, .length = length, .eof = params.eof };
		order_tasks(call, &params.id, 1, &what, params.timeout);
	}
	free(data);
	call_params_free(call, &params);
}
