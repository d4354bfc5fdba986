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
	struct filtered *filtered = recorded->filtered;
	(void)task;
	filtered->done++;
	recorded_free(recorded);
	filtered_answer_if_done(filtered);
}

static void was_refused(struct task_waiter *waiter, struct task *task)
{
	struct recorded *recorded = heap_entry(waiter, struct recorded, waiter);
	struct filtered *filtered = recorded->filtered;
	if (!filtered->error.length)
		outcome_error(&filtered->error, task, -1);
	recorded_free(recorded);
	filtered_answer_if_done(filtered);
}

static void retry_act(struct filtered *filtered, struct task *task)
{
	bool old = false;
	struct task *again = retry(filtered->many.request->connection, task, &old, &filtered->error);
	if (!again || old)
		return;
	if (!again->durable || again->on_disk) {
		filtered->done++;
		return;
	}
	struct recorded *recorded = xcalloc(1, sizeof(*recorded));
	recorded->filtered = filtered;
	recorded->waiter = (struct task_waiter){ .ended = was_refused, .recorded = came_in };
	LIST_INSERT_HEAD(&filtered->recorded, recorded, link);
	task_wait(again, &recorded->waiter);
}

static void retry_tell(const struct filtered *filtered, struct strbuf *out)
{
	strbuf_printf(out, ",\"retried\":%zu,\"skipped\":%zu", filtered->done, filtered->matched - filtered->done);
	if (!filtered->error.length)
		return;
	strbuf_puts(out, ",\"error\":");
	strbuf_add(out, filtered->error.data, filtered->error.length);
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

/* A list that is too long for one turn, and what becomes of it. */
struct retries {
	struct many many;
	struct param_ids ids;
	struct acceptance *acceptance; /* NULL: it is on its way */
	size_t next;
};

static struct retries *retries_of(const struct many *many)
{
	return heap_entry(many, struct retries, many);
}

static void retry_next(const struct call *call, struct retries *retries)
{
	struct strbuf error = STRBUF_INIT;
	size_t length, index = retries->next++;
	bool old = false;
	struct task *again = retry_id(call, retries->ids.ids[index], &old, &error);
	struct acceptance_item *item = acceptance_set(retries->acceptance, index, again, old);
	item->of = retries->ids.ids[index];
	if (!again)
		item->error = strbuf_take(&error, &length);
	strbuf_free(&error);
}

static bool retries_go_on(struct many *many)
{
	struct retries *retries = retries_of(many);
	const struct call call = { .edge = many->edge, .to = request_reply_to(many->request) };
	while (retries->next < retries->ids.count) {
		retry_next(&call, retries);
		if (!many_has_time(many))
			break;
	}
	many->done = retries->next;
	return retries->next == retries->ids.count;
}

static void retries_free(struct many *many)
{
	struct retries *retries = retries_of(many);
	if (retries->acceptance)
		acceptance_drop(retries->acceptance, many->edge, &many->peer);
	free(retries->ids.ids);
	free(retries);
}

static void retries_finish(struct many *many)
{
	struct retries *retries = retries_of(many);
	struct acceptance *acceptance = retries->acceptance;
	struct request *request = many->request;
	retries->acceptance = NULL;
	many_let_go(many);
	acceptance_wait(acceptance, request);
}

static void retries_tell(const struct many *many, struct strbuf *out)
{
	strbuf_printf(out, ",\"done\":%zu", many->done);
}

/* Takes over IDS where they are many. */
static void retry_ids(const struct call *call, struct param_ids *ids)
{
	static const struct many_kind kind = {
		.go_on = retries_go_on, .finish = retries_finish, .tell = retries_tell, .free = retries_free
	};
	if (!call_takes_ids(call, ids))
		return;
	if (ids->count <= MANY_SHORT) {
		struct retries retries = { .ids = *ids, .acceptance = acceptance_new(ACCEPTANCE_RETRIES, ids->count) };
		while (retries.next < ids->count)
			retry_next(call, &retries);
		acceptance_send(retries.acceptance, &call->to);
		return;
	}
	struct retries *retries = xcalloc(1, sizeof(*retries));
	retries->many.own = ids->count * sizeof(struct acceptance_item);
	retries->ids = *ids;
	retries->acceptance = acceptance_new(ACCEPTANCE_RETRIES, ids->count);
	*ids = (struct param_ids){ 0 };
	many_begin(&retries->many, &kind, &call->to, retries->ids.count);
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
		filtered_begin(call, &params, &retry_action);
	call_params_free(call, &params);
}
