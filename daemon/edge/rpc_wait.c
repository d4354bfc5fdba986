/* Waiting for tasks that somebody submitted before: task.result for one, task.wait for several. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/store.h"

void rpc_task_result(const struct call *call)
{
	struct result_params params = { 0 };
	struct task *task;
	if (!call_params(call, &params))
		return;
	enum core_found found = access_find(call, params.id, &task);
	if (found == CORE_FORGOTTEN && call->edge->host.durable)
		ask_result(call, params.id);
	else if (!access_finds(call, params.id, RIGHT_READ, &task))
		;
	else if (task_state_is_terminal(task->state))
		reply_outcome(&call->to, task);
	else if (call->to.id && store_lets_wait(&call->to, task))
		request_set_timeout(call_wait(&call->to, task, false), params.timeout);
	call_params_free(call, &params);
}

/* One of the tasks that a task.wait is about. Its record is made when it ends, since it may be dropped before the
 * others have ended. */
struct awaited {
	struct task_waiter waiter;
	struct wait *wait;
	struct task *task; /* NULL once it has ended */
	char *record;
	size_t record_length;
};

struct wait {
	struct request *request;
	size_t held; /* bytes that the connection is charged with */
	enum return_when when;
	size_t n_ended;
	bool any_exception;
	size_t n;
	struct awaited awaited[];
};

static bool wait_is_over(const struct wait *wait)
{
	if (wait->n_ended == wait->n)
		return true;
	switch (wait->when) {
	case WHEN_ALL_COMPLETED:
		return false;
	case WHEN_FIRST_COMPLETED:
		return wait->n_ended > 0;
	case WHEN_FIRST_EXCEPTION:
		return wait->any_exception;
	}
	return true;
}

static void wait_hold(struct wait *wait, size_t bytes)
{
	wait->held += bytes;
	connection_hold(wait->request->connection, bytes);
}

/* Before its request is freed. */
static void wait_free(struct wait *wait)
{
	connection_unhold(wait->request->connection, wait->held);
	for (size_t i = 0; i < wait->n; i++) {
		if (wait->awaited[i].task)
			task_unwait(&wait->awaited[i].waiter);
		free(wait->awaited[i].record);
	}
	free(wait);
}

static void put_record(struct strbuf *out, const struct wait *wait, struct task *task)
{
	if (connection_hears_of(wait->request->connection, task))
		record_write(out, task, false);
	else
		record_write_state(out, task->id, "forgotten");
}

static void note_end(struct awaited *awaited, struct task *task)
{
	struct wait *wait = awaited->wait;
	struct strbuf record = STRBUF_INIT;
	put_record(&record, wait, task);
	awaited->record = strbuf_take(&record, &awaited->record_length);
	strbuf_free(&record);
	awaited->task = NULL;
	wait_hold(wait, awaited->record_length);
	wait->n_ended++;
	wait->any_exception |= task->state != TASK_SUCCEEDED;
}

static void put_records(struct strbuf *out, struct wait *wait, bool done)
{
	bool first = true;
	for (size_t i = 0; i < wait->n; i++) {
		struct awaited *awaited = &wait->awaited[i];
		if ((awaited->task == NULL) != done)
			continue;
		if (!first)
			strbuf_puts(out, ",");
		first = false;
		if (done)
			strbuf_add(out, awaited->record, awaited->record_length);
		else
			put_record(out, wait, awaited->task);
	}
}

/* One that was named twice has ended twice, though only one of the two has heard of it yet. */
static void note_others(struct wait *wait)
{
	for (size_t i = 0; i < wait->n; i++) {
		struct awaited *awaited = &wait->awaited[i];
		if (!awaited->task || !task_state_is_terminal(awaited->task->state))
			continue;
		task_unwait(&awaited->waiter);
		note_end(awaited, awaited->task);
	}
}

static void wait_answer(struct wait *wait)
{
	const struct reply_to to = request_reply_to(wait->request);
	struct strbuf out = STRBUF_INIT;
	note_others(wait);
	strbuf_puts(&out, "{\"done\":[");
	put_records(&out, wait, true);
	strbuf_puts(&out, "],\"not_done\":[");
	put_records(&out, wait, false);
	strbuf_puts(&out, "]}");
	struct request *request = wait->request;
	wait_free(wait);
	reply_buffer(&to, &out);
	request_free(request);
}

static void awaited_ended(struct task_waiter *waiter, struct task *task)
{
	struct awaited *awaited = heap_entry(waiter, struct awaited, waiter);
	struct wait *wait = awaited->wait;
	note_end(awaited, task);
	if (wait_is_over(wait))
		wait_answer(wait);
}

static void wait_abandon(struct request *request)
{
	wait_free(request->state);
}

static void wait_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	(void)out;
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled; the tasks go on", NULL);
	wait_free(request->state);
	request_free(request);
}

static void wait_status(struct request *request, struct strbuf *out)
{
	const struct wait *wait = request->state;
	strbuf_printf(out, "{\"state\":\"running\",\"tasks\":%zu,\"ended\":%zu}", wait->n, wait->n_ended);
}

static void wait_timeout(struct request *request)
{
	wait_answer(request->state);
}

static bool wait_each(const struct request *request, bool (*visit)(void *user, struct task *task), void *user)
{
	const struct wait *wait = request->state;
	for (size_t i = 0; i < wait->n; i++)
		if (wait->awaited[i].task && !visit(user, wait->awaited[i].task))
			return false;
	return true;
}

static const struct request_kind wait_kind = {
	.for_tasks = true,
	.abandon = wait_abandon,
	.cancel = wait_cancel,
	.status = wait_status,
	.timeout = wait_timeout,
	.each = wait_each,
};

bool call_finds_ids(const struct call *call, const struct param_ids *ids)
{
	struct task *task;
	for (size_t i = 0; i < ids->count; i++) {
		if (!access_finds(call, ids->ids[i], RIGHT_READ, &task))
			return false;
	}
	return true;
}

#define TAG_PORTION 1024

/* The tasks that have the tag now, as ids: not one more than can be waited for at once. */
static void find_tagged(const struct call *call, struct wait_params *params)
{
	struct task_filter filter = { .tag = params->tag, .tag_length = strlen(params->tag) };
	struct task_walk walk = { .oldest_first = true };
	struct task *found[TAG_PORTION];
	size_t room = 0;
	if (!access_narrow(call, RIGHT_READ, &filter))
		return; /* nobody was named, so that this is not refused */
	while (!walk.over && params->ids.count <= IDS_LIMIT) {
		size_t n = core_select(call->edge->core, &filter, &walk, TAG_PORTION, found, TAG_PORTION);
		if (params->ids.count + n > room) {
			room = 2 * room + n;
			params->ids.ids = xreallocarray(params->ids.ids, room, sizeof(params->ids.ids[0]));
		}
		for (size_t i = 0; i < n; i++)
			params->ids.ids[params->ids.count++] = found[i]->id;
	}
	connection_looked(call->to.connection, walk.visited);
}

/* Whether it is said, in one of the two ways, what to wait for; false: the error has been answered. */
static bool wait_chooses(const struct call *call, struct wait_params *params)
{
	if (!params->ids.ids == !params->tag) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, "one of \"ids\" and \"tag\" is needed", NULL);
		return false;
	}
	if (params->tag)
		find_tagged(call, params);
	return call_takes_ids(call, &params->ids) && call_finds_ids(call, &params->ids);
}

/* Who only looks need not wait. */
static bool wait_is_allowed(const struct call *call, const struct wait_params *params)
{
	struct task *task;
	if (params->timeout == 0 || !store_has_failed(call->edge))
		return true;
	for (size_t i = 0; i < params->ids.count; i++)
		if (core_find(call->edge->core, params->ids.ids[i], &task) == CORE_FOUND &&
			!store_lets_wait(&call->to, task))
			return false;
	return true;
}

static void wait_for(const struct call *call, const struct wait_params *params)
{
	size_t n = params->ids.count, size = sizeof(struct wait) + n * sizeof(struct awaited);
	if (!connection_has_room(call->to.connection, size)) {
		reply_error(&call->to, PROTO_TOO_MANY, "this connection waits for more than output_limit has room for", NULL);
		return;
	}
	struct wait *wait = xcalloc(1, size);
	wait->n = n;
	wait->when = params->return_when < 0 ? WHEN_ALL_COMPLETED : (enum return_when)params->return_when;
	wait->request = request_new(&call->to, &wait_kind);
	wait->request->state = wait;
	wait_hold(wait, size);
	for (size_t i = 0; i < n; i++) {
		struct awaited *awaited = &wait->awaited[i];
		struct task *task = NULL;
		core_find(call->edge->core, params->ids.ids[i], &task);
		awaited->wait = wait;
		if (task_state_is_terminal(task->state)) {
			note_end(awaited, task);
			continue;
		}
		awaited->task = task;
		awaited->waiter.ended = awaited_ended;
		task_wait(task, &awaited->waiter);
	}
	nested_await(wait->request);
	if (wait_is_over(wait) || params->timeout == 0)
		wait_answer(wait);
	else
		request_set_timeout(wait->request, params->timeout);
}

void rpc_task_wait(const struct call *call)
{
	struct wait_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (wait_chooses(call, &params) && call->to.id && wait_is_allowed(call, &params))
		wait_for(call, &params);
	call_params_free(call, &params);
}
