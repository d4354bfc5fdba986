/* Single tasks: calling, submitting, watching, and asking about them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "edge/acceptance.h"
#include "edge/access.h"
#include "edge/command.h"
#include "edge/store.h"
#include "proto/jsonrpc.h"

/* --- a request that is answered with a task's outcome --- */

bool connection_hears_of(struct connection *connection, const struct task *task)
{
	return task->owner->uid == connection->peer.uid || access_sees(connection, task);
}

static void outcome_came(struct task_waiter *waiter, struct task *task)
{
	struct request *request = heap_entry(waiter, struct request, waiter);
	const struct reply_to to = request_reply_to(request);
	if (connection_hears_of(request->connection, task))
		reply_outcome(&to, task);
	else
		reply_not_there(&to, task->id, CORE_FORGOTTEN);
	request_free(request);
}

/* Nobody but the caller knows of a called task without a key, and he has its result now. What went wrong stays to be
 * looked at, and so does what is kept on disk. */
static void called_ended(struct task_waiter *waiter, struct task *task)
{
	outcome_came(waiter, task);
	if (task->state == TASK_SUCCEEDED && !task->detached && !task->durable && !(task->extra && task->extra->key))
		core_forget(task);
}

/* The request holds its task no more. True: nothing holds it. */
static bool let_go(struct request *request)
{
	struct task *task = request->task;
	task_unwait(&request->waiter);
	return --task->holders == 0 && !task->detached;
}

static void attached_abandon(struct request *request)
{
	if (let_go(request))
		core_cancel(request->task);
}

/* Ends a request, and not the task. */
static void cancel_request(struct request *request)
{
	const struct reply_to to = request_reply_to(request);
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled; the task goes on", NULL);
	request_free(request);
}

/* The answer comes when the task is over, which may be before core_cancel returns. A task that others have called, too,
 * or that was submitted, goes on. */
static void attached_cancel(struct request *request, struct strbuf *out)
{
	struct task *task = request->task;
	if (task->holders > 1 || task->detached) {
		let_go(request);
		cancel_request(request);
	} else {
		core_cancel(task);
	}
	if (out)
		record_write_state(out, task->id, task_state_name(task->state));
}

static void one_status(struct request *request, struct strbuf *out)
{
	const struct task *task = request->task;
	if (connection_hears_of(request->connection, task))
		record_write(out, request->task, false);
	else
		record_write_state(out, task->id, "forgotten");
}

static const struct request_kind attached_kind = {
	.for_tasks = true,
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
	(void)out;
	task_unwait(&request->waiter);
	cancel_request(request);
}

static void result_timeout(struct request *request)
{
	const struct reply_to to = request_reply_to(request);
	struct strbuf data = STRBUF_INIT;
	if (task_state_is_terminal(request->task->state)) { /* and others are told of it before */
		task_unwait(&request->waiter);
		outcome_came(&request->waiter, request->task);
		return;
	}
	error_data_begin(&data, PROTO_WAIT_TIMED_OUT);
	strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\",\"state\":\"%s\"}", request->task->id,
		task_state_name(request->task->state));
	task_unwait(&request->waiter);
	reply_error(&to, PROTO_WAIT_TIMED_OUT, NULL, data.data);
	strbuf_free(&data);
	request_free(request);
}

static const struct request_kind result_kind = {
	.for_tasks = true,
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
	request->waiter = (struct task_waiter){ .ended = attached ? called_ended : outcome_came };
	if (attached) {
		task->holders++;
		request_charge(request, core_args_size(task));
	}
	task_wait_patiently(task, &request->waiter);
	nested_await(request);
	return request;
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
	.for_tasks = true,
	.abandon = result_abandon,
	.cancel = result_cancel,
	.status = one_status,
};

/* One that has ended already is told at once. */
void call_watch(struct connection *connection, struct task *task)
{
	const struct reply_to nobody = { .connection = connection };
	struct request *request = request_new(&nobody, &watch_kind);
	request->task = task;
	request->waiter = (struct task_waiter){ .ended = watched_ended };
	if (task_state_is_terminal(task->state))
		watched_ended(&request->waiter, task);
	else
		task_wait_patiently(task, &request->waiter);
}

/* --- submitting --- */

static void answer_submitted(const struct call *call, struct task *task, bool duplicate, bool watch)
{
	struct acceptance *acceptance = acceptance_new(ACCEPTANCE_TASK, 1);
	task->detached = true; /* also where it was another's */
	acceptance_watch(acceptance, acceptance_set(acceptance, 0, task, duplicate), watch);
	acceptance_send(acceptance, &call->to);
}

/* Who calls waits for the outcome, which may be there: the task may be another's, or may have waited for one that had
 * failed. */
static void answer_called(const struct call *call, struct task *task)
{
	if (!call->to.id)
		task->detached = true; /* nobody would let go of it */
	else if (task_state_is_terminal(task->state))
		reply_outcome(&call->to, task);
	else if (!store_lets_wait(&call->to, task))
		;
	else if (task->holders == UINT16_MAX)
		reply_errorf(
			&call->to, PROTO_TOO_MANY, "%u calls wait for task %" PRIu64 " already", UINT16_MAX, task->id);
	else
		call_wait(&call->to, task, true);
}

/* A task.call or task.submit that waits for room. */
struct parked_task {
	struct submit_params params;
	struct submission submission;
};

/* False: the queue is full, and nothing was done. */
static bool submit(const struct call *call, const struct submit_params *params, struct submission *submission)
{
	struct task *task;
	if (!store_takes(&call->to, &submission->spec))
		return true;
	int refusal = core_submit(call->edge->core, &submission->spec, &task);
	if (refusal == CORE_QUEUE_FULL)
		return false;
	if (refusal < 0) {
		submission_refused(&call->to, refusal, &submission->spec, wanted_of(&submission->spec), task);
		return true;
	}
	if (refusal == CORE_OK)
		command_attach(call->edge, task, submission);
	if (call->method == METHOD_TASK_CALL) {
		answer_called(call, task);
		return true;
	}
	answer_submitted(call, task, refusal == CORE_ATTACHED, params->watch);
	return true;
}

static bool parked_submit(const struct call *call, void *state)
{
	struct parked_task *parked = state;
	return submit(call, &parked->params, &parked->submission);
}

static void parked_free(void *state)
{
	struct parked_task *parked = state;
	submission_free(&parked->submission);
	params_free(method_info(METHOD_TASK_SUBMIT)->params, &parked->params);
	free(parked);
}

/* Takes over what PARAMS and SUBMISSION have. */
static void park(const struct call *call, struct submit_params *params, struct submission *submission)
{
	static const struct parked_kind kind = { .submit = parked_submit, .free = parked_free };
	struct parked_task *parked = xmalloc(sizeof(*parked));
	*parked = (struct parked_task){ .params = *params, .submission = *submission };
	*params = (struct submit_params){ 0 };
	*submission = (struct submission){ 0 };
	if (parked->submission.spec.retry)
		parked->submission.spec.retry = &parked->submission.retry;
	const struct parking parking = {
		.kind = &kind,
		.state = parked,
		.spec = &parked->submission.spec,
		.wanted = wanted_of(&parked->submission.spec),
		.timeout_ns = parked->params.options.wait_for_room,
	};
	room_wait(call, &parking);
}

static bool has_no_labels(const struct call *call, const struct submit_options *options)
{
	if (!submission_has_labels(options))
		return true;
	reply_error(&call->to, PROTO_INVALID_PARAMS,
		"labels in \"after\" and \"after_any\" are for the tasks of a task.submit_batch", NULL);
	return false;
}

static void submit_or_park(const struct call *call)
{
	struct submit_params params = { 0 };
	struct submission submission = { 0 };
	if (!call_params(call, &params))
		return;
	if (has_no_labels(call, &params.options) &&
		submission_prepare(call, params.task, &params.options, &submission) &&
		submission_args(call, &params.args, true, &submission) && !submit(call, &params, &submission)) {
		if (params.options.wait_for_room > 0)
			park(call, &params, &submission);
		else
			submission_refused(&call->to, CORE_QUEUE_FULL, &submission.spec, wanted_of(&submission.spec),
				NULL);
	}
	submission_free(&submission);
	call_params_free(call, &params);
}

void rpc_task_call(const struct call *call)
{
	submit_or_park(call);
}

void rpc_task_submit(const struct call *call)
{
	submit_or_park(call);
}

void rpc_task_named(const struct call *call, const char *name, size_t length)
{
	char text[129];
	struct submission submission = { .spec = { .type = core_type_find(call->edge->core, name, length) } };
	struct task_spec *spec = &submission.spec;
	struct task *task;
	if (!spec->type || !spec->type->known) {
		memcpy(text, name, length);
		text[length] = '\0';
		submission_unknown_task(call, text);
		return;
	}
	spec->queue = spec->type->queue;
	if (!spec->queue) {
		reply_errorf(&call->to, PROTO_UNAVAILABLE, "no pool serves the task \"%s\"", spec->type->name);
		return;
	}
	spec->owner = call->to.connection->peer.uid;
	spec->detached = submission_is_detached(call);
	if (access_may_submit(call, spec->type, spec->queue) && submission_durable(call, -1, -1, &submission) &&
		submission_args(call, &call->params, true, &submission) && store_takes(&call->to, spec)) {
		int refusal = core_submit(call->edge->core, spec, &task);
		if (refusal == CORE_OK) {
			command_attach(call->edge, task, &submission);
			answer_called(call, task);
		} else {
			submission_refused(&call->to, refusal, spec, wanted_of(spec), NULL);
		}
	}
	submission_free(&submission);
}

/* --- asking --- */

void reply_no_such_call(const struct reply_to *to)
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
			reply_no_such_call(&call->to);
	} else if (!params.id) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "\"id\" or \"call\" is needed", NULL);
	} else {
		enum core_found found = access_find(call, params.id, &task);
		if (found == CORE_FORGOTTEN && call->edge->host.durable)
			ask_status(call, params.id);
		else if (access_finds(call, params.id, RIGHT_READ, &task))
			record_write(&record, task, false);
	}
	if (record.length)
		reply_buffer(&call->to, &record);
	strbuf_free(&record);
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
