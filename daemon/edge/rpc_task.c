/* Single tasks: calling, submitting, watching, asking about them, cancelling and forgetting them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes.h"
#include "edge/rpc.h"
#include "proto/jsonrpc.h"

/* --- a request that is answered with a task's outcome --- */

static void outcome_came(struct task_waiter *waiter, struct task *task)
{
	struct request *request = heap_entry(waiter, struct request, waiter);
	const struct reply_to to = request_reply_to(request);
	reply_outcome(&to, task);
	request_free(request);
}

/* Nobody but the caller knows of a called task, and he has its result now. What went wrong stays to be looked at. */
static void called_ended(struct task_waiter *waiter, struct task *task)
{
	outcome_came(waiter, task);
	if (task->state == TASK_SUCCEEDED)
		core_forget(task);
}

static void attached_abandon(struct request *request)
{
	task_unwait(&request->waiter);
	core_cancel(request->task);
}

/* The answer comes when the task is over, which may be before core_cancel returns. */
static void attached_cancel(struct request *request, struct strbuf *out)
{
	struct task *task = request->task;
	core_cancel(task);
	if (out)
		record_write_state(out, task->id, task_state_name(task->state));
}

static void one_status(struct request *request, struct strbuf *out)
{
	record_write(out, request->task, false);
}

static const struct request_kind attached_kind = {
	.abandon = attached_abandon,
	.cancel = attached_cancel,
	.status = one_status,
	.each = request_each_one,
};

static void result_abandon(struct request *request)
{
	task_unwait(&request->waiter);
}

static void result_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	task_unwait(&request->waiter);
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled; the task goes on", NULL);
	request_free(request);
}

static void result_timeout(struct request *request)
{
	const struct reply_to to = request_reply_to(request);
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, PROTO_WAIT_TIMED_OUT);
	strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\",\"state\":\"%s\"}", request->task->id,
		task_state_name(request->task->state));
	task_unwait(&request->waiter);
	reply_error(&to, PROTO_WAIT_TIMED_OUT, NULL, data.data);
	strbuf_free(&data);
	request_free(request);
}

static const struct request_kind result_kind = {
	.abandon = result_abandon,
	.cancel = result_cancel,
	.status = one_status,
	.timeout = result_timeout,
	.each = request_each_one,
};

struct request *call_wait(const struct reply_to *to, struct task *task, bool attached)
{
	struct request *request = request_new(to, attached ? &attached_kind : &result_kind);
	request->task = task;
	request->waiter.ended = attached ? called_ended : outcome_came;
	if (attached)
		request_charge(request, task->args->size);
	task_wait(task, &request->waiter);
	return request;
}

void rpc_task_named(const struct call *call, const char *name, size_t length)
{
	char text[129];
	struct task_spec spec = { .type = core_type_find(call->edge->core, name, length) };
	if (!spec.type || !spec.type->known) {
		memcpy(text, name, length);
		text[length] = '\0';
		submission_unknown_task(call, text);
		return;
	}
	spec.queue = spec.type->queue;
	if (!spec.queue) {
		reply_errorf(&call->to, PROTO_UNAVAILABLE, "no pool serves the task \"%s\"", spec.type->name);
		return;
	}
	spec.owner = call->to.connection->peer.uid;
	bool none = call->params.kind == JSON_NONE;
	struct task *task = submission_submit(call, &spec, none ? "[]" : call->params.text, none ? 2 : call->params.length);
	if (task && call->to.id)
		call_wait(&call->to, task, true);
}

static struct task *submit(const struct call *call, const struct submit_params *params)
{
	struct task_spec spec;
	bool none = params->args.kind == JSON_NONE;
	if (!submission_prepare(call, params->task, &params->options, &spec))
		return NULL;
	return submission_submit(call, &spec, none ? "[]" : params->args.text, none ? 2 : params->args.length);
}

void rpc_task_call(const struct call *call)
{
	struct submit_params params = { 0 };
	if (!call_params(call, &params))
		return;
	struct task *task = submit(call, &params);
	if (task && call->to.id)
		call_wait(&call->to, task, true);
	call_params_free(call, &params);
}

/* --- task.submit and what follows it --- */

static void watched_ended(struct task_waiter *waiter, struct task *task)
{
	struct request *request = heap_entry(waiter, struct request, waiter);
	struct strbuf message = STRBUF_INIT;
	core_task_fetched(task);
	rpc_begin_notification(&message, "task.finished");
	record_write(&message, task, true);
	connection_send(request->connection, &message, NULL, "}");
	strbuf_free(&message);
	request_free(request);
}

/* A watch has no id, so nobody can ask for or cancel it. */
static const struct request_kind watch_kind = {
	.abandon = result_abandon,
	.cancel = result_cancel,
	.status = one_status,
};

void rpc_task_submit(const struct call *call)
{
	struct submit_params params = { 0 };
	char text[64];
	if (!call_params(call, &params))
		return;
	struct task *task = submit(call, &params);
	if (task) {
		int length = snprintf(text, sizeof(text), "{\"id\":\"%" PRIu64 "\",\"state\":\"queued\"}", task->id);
		reply_text(&call->to, text, (size_t)length);
	}
	if (task && params.watch) {
		const struct reply_to nobody = { .connection = call->to.connection };
		struct request *request = request_new(&nobody, &watch_kind);
		request->task = task;
		request->waiter.ended = watched_ended;
		task_wait(task, &request->waiter);
	}
	call_params_free(call, &params);
}

/* --- asking --- */

static void no_such_call(const struct reply_to *to)
{
	reply_error(to, PROTO_NOT_FOUND, "no request of that id is outstanding on this connection", NULL);
}

void rpc_task_status(const struct call *call)
{
	struct id_params params = { 0 };
	struct strbuf record = STRBUF_INIT;
	struct task *task;
	if (!call_params(call, &params))
		return;
	if (params.call.kind != JSON_NONE) {
		struct request *request = request_find(call->to.connection, &params.call);
		if (request)
			request->kind->status(request, &record);
		else
			no_such_call(&call->to);
	} else if (!params.id) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "\"id\" or \"call\" is needed", NULL);
	} else {
		enum core_found found = core_find(call->edge->core, params.id, &task);
		if (found == CORE_FOUND)
			record_write(&record, task, false);
		else
			reply_not_there(&call->to, params.id, found);
	}
	if (record.length)
		reply_buffer(&call->to, &record);
	strbuf_free(&record);
	call_params_free(call, &params);
}

/* --- cancelling and forgetting --- */

static const char *cancel_one(struct task *task)
{
	core_cancel(task);
	return task_state_name(task->state);
}

static const char *forget_one(struct task *task)
{
	if (task->slot)
		core_task_look(task);
	const char *state = task_state_name(task->state);
	return core_forget(task) ? "forgotten" : state;
}

bool call_takes_ids(const struct call *call, const struct param_ids *ids)
{
	if (ids->count <= IDS_LIMIT)
		return true;
	reply_errorf(&call->to, PROTO_TOO_MANY, "%s takes at most %d ids", method_info(call->method)->name, IDS_LIMIT);
	return false;
}

/* [{"id":…,"state":…}…], what is not there included; a single id that is not there is the error. */
static void each_id(const struct call *call, const struct param_ids *ids, const char *(*act)(struct task *))
{
	struct core *core = call->edge->core;
	struct strbuf out = STRBUF_INIT;
	struct task *task;
	if (!call_takes_ids(call, ids))
		return;
	strbuf_puts(&out, "[");
	for (size_t i = 0; i < ids->count; i++) {
		enum core_found found = core_find(core, ids->ids[i], &task);
		if (found != CORE_FOUND && ids->count == 1) {
			reply_not_there(&call->to, ids->ids[0], found);
			strbuf_free(&out);
			return;
		}
		if (i)
			strbuf_puts(&out, ",");
		record_write_state(&out, ids->ids[i],
			found == CORE_FOUND ? act(task) : found == CORE_FORGOTTEN ? "forgotten" : "not_found");
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}

static void cancel_call(const struct call *call, const struct json_span *id)
{
	struct request *request = request_find(call->to.connection, id);
	struct strbuf out = STRBUF_INIT;
	if (!request) {
		no_such_call(&call->to);
		return;
	}
	strbuf_puts(&out, "[");
	request->kind->cancel(request, &out);
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}

void rpc_task_cancel(const struct call *call)
{
	struct ids_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (params.call.kind != JSON_NONE)
		cancel_call(call, &params.call);
	else if (params.ids.count)
		each_id(call, &params.ids, cancel_one);
	else
		reply_error(&call->to, PROTO_INVALID_PARAMS, "\"ids\" or \"call\" is needed", NULL);
	call_params_free(call, &params);
}

void rpc_task_forget(const struct call *call)
{
	struct ids_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (params.ids.count)
		each_id(call, &params.ids, forget_one);
	else
		reply_error(&call->to, PROTO_INVALID_PARAMS, "\"ids\" is needed", NULL);
	call_params_free(call, &params);
}

void rpc_cancel_request(const struct call *call)
{
	struct cancel_request_params params = { 0 };
	if (!call_params(call, &params))
		return;
	struct request *request = request_find(call->to.connection, &params.id);
	if (request)
		request->kind->cancel(request, NULL);
	reply_text(&call->to, "null", 4);
	call_params_free(call, &params);
}
