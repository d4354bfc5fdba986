/* Trying again what has ended without success: each as a new task. One that is durable is told when it is on disk. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/acceptance.h"
#include "edge/access.h"
#include "edge/command.h"
#include "edge/many.h"
#include "edge/store.h"
#include "proto/jsonrpc.h"

/* --- one --- */

/* Whether the connection could submit it as it is; one who is not answered asks. */
static bool may_submit(struct connection *connection, const struct task *task)
{
	const struct call quiet = { .edge = connection->edge, .to = { .connection = connection } };
	return connection_is_closed(connection) || access_may_submit(&quiet, task->type, task->queue);
}

/* Who may not submit such a task may not have it run once more either, nor who may not cancel it; then why not is put
 * into ERROR. */
static bool may_retry(struct connection *connection, const struct task *task, struct strbuf *error)
{
	char message[COMMAND_DENIED_SIZE];
	struct strbuf data = STRBUF_INIT;
	enum right right = access_may_cancel(connection, task) ? RIGHT_SUBMIT : RIGHT_CANCEL;
	if (right == RIGHT_CANCEL || !may_submit(connection, task)) {
		if (!error->length)
			denied_error(error, right, task->id);
		return false;
	}
	if (command_may_run(connection, task->type))
		return true;
	if (!error->length) {
		command_denied(connection, message, &data);
		rpc_error_object(error, proto_error_info(PROTO_DENIED)->code, message, data.data);
		strbuf_free(&data);
	}
	return false;
}

static void put_error(struct strbuf *out, enum proto_error error, const char *message)
{
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, error);
	strbuf_puts(&data, "}");
	rpc_error_object(
		out, proto_error_info(error)->code, message ? message : proto_error_info(error)->text, data.data);
	strbuf_free(&data);
}

/* Where the store takes nothing, what would not be retried anyway is told to be that. */
static int store_refuses(const struct edge *edge, const struct task *task)
{
	struct task *again;
	bool added = task->durable && task_state_is_terminal(task->state) && task->state != TASK_SUCCEEDED &&
		!(task->extra && task->extra->retried_as &&
			core_find(edge->core, task->extra->retried_as, &again) == CORE_FOUND);
	return added && edge->host.durable && !edge->closing ? store_refusal(edge, core_args_size(task)) : -1;
}

/* The task that is its retry, new or (*OLD) not; NULL: why not is in ERROR, if that was empty. */
static struct task *retry(struct connection *connection, struct task *task, bool *old, struct strbuf *error)
{
	struct core *core = connection->edge->core;
	const struct task_spec spec = { .queue = task->queue, .type = task->type, .owner = task->owner->uid };
	struct strbuf denied = STRBUF_INIT;
	struct task *again;
	struct refusal told;
	if (!may_retry(connection, task, error->length ? &denied : error)) {
		strbuf_free(&denied);
		return NULL;
	}
	int trouble = store_refuses(connection->edge, task);
	if (trouble >= 0) {
		if (!error->length)
			put_error(error, (enum proto_error)trouble, NULL);
		return NULL;
	}
	const struct wanted wanted = { .count = 1, .bytes = core_args_size(task) };
	int refusal = core_retry(task, &again);
	*old = refusal == CORE_ATTACHED;
	if (refusal >= 0)
		return again;
	refusal_tell(&told, core, (enum core_refusal)refusal, &spec, wanted, again);
	if (!error->length)
		rpc_error_object(error, proto_error_info(told.error)->code, told.message, told.data.data);
	refusal_free(&told);
	return NULL;
}

void recorded_free(struct recorded *recorded)
{
	LIST_REMOVE(recorded, link);
	free(recorded);
}

static void came_in(struct task_waiter *waiter, struct task *task)
{
	struct recorded *recorded = heap_entry(waiter, struct recorded, waiter);
	struct many *many = recorded->many;
	(void)task;
	many->done++;
	recorded_free(recorded);
	many_answer_if_done(many);
}

static void was_refused(struct task_waiter *waiter, struct task *task)
{
	struct recorded *recorded = heap_entry(waiter, struct recorded, waiter);
	struct many *many = recorded->many;
	if (!many->error.length)
		outcome_error(&many->error, task, -1);
	recorded_free(recorded);
	many_answer_if_done(many);
}

static void retry_act(struct many *many, struct task *task)
{
	bool old = false;
	struct task *again = retry(many->request->connection, task, &old, &many->error);
	if (!again || old)
		return;
	if (!again->durable || again->on_disk) {
		many->done++;
		return;
	}
	struct recorded *recorded = xcalloc(1, sizeof(*recorded));
	recorded->many = many;
	recorded->waiter = (struct task_waiter){ .ended = was_refused, .recorded = came_in };
	LIST_INSERT_HEAD(&many->recorded, recorded, link);
	task_wait(again, &recorded->waiter);
}

static void retry_tell(const struct many *many, struct strbuf *out)
{
	strbuf_printf(out, ",\"retried\":%zu,\"skipped\":%zu", many->done, many->matched - many->done);
	if (!many->error.length)
		return;
	strbuf_puts(out, ",\"error\":");
	strbuf_add(out, many->error.data, many->error.length);
}

static const struct action retry_action = {
	.states = TERMINAL_STATES & ~TASK_STATE_BIT(TASK_SUCCEEDED),
	.act = retry_act,
	.tell = retry_tell,
};

/* --- by ids --- */

/* The task that is its retry; NULL: the error object is in ERROR. */
static struct task *retry_id(const struct call *call, uint64_t id, bool *old, struct strbuf *error)
{
	struct task *task;
	enum core_found found = access_find(call, id, &task);
	if (found != CORE_FOUND) {
		enum proto_error kind = found == CORE_FORGOTTEN ? PROTO_FORGOTTEN : PROTO_NOT_FOUND;
		struct strbuf data = STRBUF_INIT;
		error_data_begin(&data, kind);
		strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\"}", id);
		rpc_error_object(error, proto_error_info(kind)->code, proto_error_info(kind)->text, data.data);
		strbuf_free(&data);
		return NULL;
	}
	if (task->slot)
		core_task_look(task);
	return retry(call->to.connection, task, old, error);
}

static void retry_ids(const struct call *call, const struct param_ids *ids)
{
	if (!call_takes_ids(call, ids))
		return;
	struct acceptance *acceptance = acceptance_new(ACCEPTANCE_RETRIES, ids->count);
	for (size_t i = 0; i < ids->count; i++) {
		struct strbuf error = STRBUF_INIT;
		size_t length;
		bool old = false;
		struct task *again = retry_id(call, ids->ids[i], &old, &error);
		struct acceptance_item *item = acceptance_set(acceptance, i, again);
		item->of = ids->ids[i];
		item->duplicate = old;
		if (!again)
			item->error = strbuf_take(&error, &length);
		strbuf_free(&error);
	}
	acceptance_send(acceptance, &call->to);
}

void rpc_task_retry(const struct call *call)
{
	struct cancel_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (!many_is_one_way(call, &params))
		;
	else if (params.ids.count)
		retry_ids(call, &params.ids);
	else
		many_begin(call, &params, &retry_action);
	call_params_free(call, &params);
}
