/* From a request to the function that handles it: methods with a dot, and tasks by name. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/store.h"
#include "proto/jsonrpc.h"
#include "proto/suggest.h"

static rpc_handler *const handlers[N_METHODS] = {
	[METHOD_TASK_CALL] = rpc_task_call,
	[METHOD_TASK_SUBMIT] = rpc_task_submit,
	[METHOD_TASK_SUBMIT_BATCH] = rpc_task_submit_batch,
	[METHOD_TASK_MAP] = rpc_task_map,
	[METHOD_TASK_RESULT] = rpc_task_result,
	[METHOD_TASK_WAIT] = rpc_task_wait,
	[METHOD_TASK_STATUS] = rpc_task_status,
	[METHOD_TASK_LIST] = rpc_task_list,
	[METHOD_TASK_HISTORY] = rpc_task_history,
	[METHOD_TASK_CANCEL] = rpc_task_cancel,
	[METHOD_TASK_RETRY] = rpc_task_retry,
	[METHOD_TASK_FORGET] = rpc_task_forget,
	[METHOD_TASK_WATCH] = rpc_task_watch,
	[METHOD_TASK_UNWATCH] = rpc_task_unwatch,
	[METHOD_TASK_TYPES] = rpc_task_types,
	[METHOD_TASK_LOG] = rpc_task_log,
	[METHOD_TASK_FOLLOW] = rpc_task_follow,
	[METHOD_TASK_UNFOLLOW] = rpc_task_unfollow,
	[METHOD_TASK_SEND] = rpc_task_send,
	[METHOD_TASK_SIGNAL] = rpc_task_signal,
	[METHOD_TASK_SUSPEND] = rpc_task_suspend,
	[METHOD_TASK_RESUME] = rpc_task_resume,
	[METHOD_TASK_WINDOW] = rpc_task_window,
	[METHOD_WORKER_LIST] = rpc_worker_list,
	[METHOD_POOL_LIST] = rpc_pool_list,
	[METHOD_POOL_RESIZE] = rpc_pool_resize,
	[METHOD_QUEUE_LIST] = rpc_queue_list,
	[METHOD_QUEUE_CREATE] = rpc_queue_create,
	[METHOD_QUEUE_SET] = rpc_queue_set,
	[METHOD_QUEUE_REMOVE] = rpc_queue_remove,
	[METHOD_QUEUE_PAUSE] = rpc_queue_pause,
	[METHOD_QUEUE_RESUME] = rpc_queue_resume,
	[METHOD_QUEUE_DRAIN] = rpc_queue_drain,
	[METHOD_SCHEDULE_ADD] = rpc_schedule_add,
	[METHOD_SCHEDULE_LIST] = rpc_schedule_list,
	[METHOD_SCHEDULE_REMOVE] = rpc_schedule_remove,
	[METHOD_LOCK_ACQUIRE] = rpc_lock_acquire,
	[METHOD_LOCK_RELEASE] = rpc_lock_release,
	[METHOD_LOCK_LIST] = rpc_lock_list,
	[METHOD_SEMAPHORE_ACQUIRE] = rpc_semaphore_acquire,
	[METHOD_SEMAPHORE_RELEASE] = rpc_semaphore_release,
	[METHOD_SEMAPHORE_LIST] = rpc_semaphore_list,
	[METHOD_EVENT_SET] = rpc_event_set,
	[METHOD_EVENT_CLEAR] = rpc_event_clear,
	[METHOD_EVENT_IS_SET] = rpc_event_is_set,
	[METHOD_EVENT_WAIT] = rpc_event_wait,
	[METHOD_EVENT_LIST] = rpc_event_list,
	[METHOD_CONDITION_WAIT] = rpc_condition_wait,
	[METHOD_CONDITION_NOTIFY] = rpc_condition_notify,
	[METHOD_CONDITION_LIST] = rpc_condition_list,
	[METHOD_BARRIER_WAIT] = rpc_barrier_wait,
	[METHOD_BARRIER_ABORT] = rpc_barrier_abort,
	[METHOD_BARRIER_RESET] = rpc_barrier_reset,
	[METHOD_BARRIER_LIST] = rpc_barrier_list,
	[METHOD_MQ_CREATE] = rpc_mq_create,
	[METHOD_MQ_PUT] = rpc_mq_put,
	[METHOD_MQ_GET] = rpc_mq_get,
	[METHOD_MQ_ACK] = rpc_mq_ack,
	[METHOD_MQ_NACK] = rpc_mq_nack,
	[METHOD_MQ_PEEK] = rpc_mq_peek,
	[METHOD_MQ_LENGTH] = rpc_mq_length,
	[METHOD_MQ_CLEAR] = rpc_mq_clear,
	[METHOD_MQ_JOIN] = rpc_mq_join,
	[METHOD_MQ_TASK_DONE] = rpc_mq_task_done,
	[METHOD_MQ_DELETE] = rpc_mq_delete,
	[METHOD_MQ_LIST] = rpc_mq_list,
	[METHOD_USER_LIST] = rpc_user_list,
	[METHOD_STORE_STATS] = rpc_store_stats,
	[METHOD_STORE_CHECK] = rpc_store_check,
	[METHOD_STORE_BACKUP] = rpc_store_backup,
	[METHOD_SERVER_INFO] = rpc_server_info,
	[METHOD_SERVER_STATS] = rpc_server_stats,
	[METHOD_SERVER_PING] = rpc_server_ping,
	[METHOD_SERVER_RELOAD] = rpc_server_reload,
	[METHOD_SERVER_SHUTDOWN] = rpc_server_shutdown,
	[METHOD_RPC_DISCOVER] = rpc_discover,
	[METHOD_CANCEL_REQUEST] = rpc_cancel_request,
};

bool call_params(const struct call *call, void *out)
{
	char error[320];
	if (params_read(method_info(call->method)->params, &call->params, out, error, sizeof(error)) == 0)
		return true;
	reply_error(&call->to, PROTO_INVALID_PARAMS, error, NULL);
	return false;
}

void call_params_free(const struct call *call, void *params)
{
	params_free(method_info(call->method)->params, params);
}

static void unknown_method(const struct reply_to *to, const char *name)
{
	struct suggest suggest;
	suggest_begin(&suggest, name);
	for (int i = 0; i < N_METHODS; i++)
		suggest_offer(&suggest, method_info((enum method)i)->name);
	reply_unknown(to, PROTO_UNKNOWN_METHOD, "method", name, suggest.best);
}

/* Methods whose answer may take its time. The others are for whoever has all the requests outstanding that he may have,
 * too: with them he gets out of that. */
static const bool may_wait[N_METHODS] = {
	[METHOD_TASK_CALL] = true,
	[METHOD_TASK_SUBMIT] = true,
	[METHOD_TASK_SUBMIT_BATCH] = true,
	[METHOD_TASK_MAP] = true,
	[METHOD_TASK_RESULT] = true,
	[METHOD_TASK_WAIT] = true,
	[METHOD_TASK_HISTORY] = true,
	[METHOD_TASK_LOG] = true,
	[METHOD_TASK_WATCH] = true,
	[METHOD_TASK_FOLLOW] = true,
	[METHOD_TASK_SEND] = true,
	[METHOD_QUEUE_PAUSE] = true,
	[METHOD_QUEUE_DRAIN] = true,
	[METHOD_LOCK_ACQUIRE] = true,
	[METHOD_SEMAPHORE_ACQUIRE] = true,
	[METHOD_EVENT_WAIT] = true,
	[METHOD_CONDITION_WAIT] = true,
	[METHOD_BARRIER_WAIT] = true,
	[METHOD_MQ_PUT] = true,
	[METHOD_MQ_GET] = true,
	[METHOD_MQ_JOIN] = true,
	[METHOD_STORE_CHECK] = true,
	[METHOD_STORE_BACKUP] = true,
};

/* What a share or a right does not let pass has been answered. */
static bool may_call(const struct call *call)
{
	if (may_wait[call->method] && !user_may_wait(&call->to, 1))
		return false;
	return access_allows(call, method_info(call->method)->right);
}

/* taskd's own methods have a dot, or begin with "$/"; no task's name does. */
static void dispatch_method(struct call *call, const char *name, size_t length)
{
	char text[129];
	if (!memchr(name, '.', length) && name[0] != '$') {
		call->method = METHOD_TASK_CALL;
		if (may_call(call))
			rpc_task_named(call, name, length);
		return;
	}
	int method = method_find(name, length);
	if (method >= 0) {
		call->method = (enum method)method;
		if (may_call(call))
			handlers[method](call);
		return;
	}
	if (length >= 2 && name[0] == '$' && !call->to.id)
		return; /* as LSP has it, such a notification may be ignored */
	memcpy(text, name, length);
	text[length] = '\0';
	unknown_method(&call->to, text);
}

void dispatch_request(struct connection *connection, struct batch *batch, const struct rpc_request *request)
{
	struct call call = {
		.edge = connection->edge,
		.to = { .connection = connection, .batch = batch },
		.params = request->params,
	};
	char buffer[128];
	size_t length;
	bool answered = request->id.kind != JSON_NONE;
	if (answered) {
		call.to.id = request->id.text;
		call.to.id_length = request->id.length;
		if (batch)
			batch_expect(batch);
	} else {
		connection_touch(connection); /* what comes of it is seen to in another turn, as with what is answered */
	}
	connection->edge->n_requests++;
	if (call.to.id_length > REQUEST_ID_LIMIT) {
		call.to.id = "null";
		call.to.id_length = 4;
		reply_errorf(&call.to, PROTO_INVALID_REQUEST, "an id has at most %u bytes", REQUEST_ID_LIMIT);
		return;
	}
	if (!user_may_ask(&call.to))
		return;
	if (batch && answered && connection->outstanding >= connection->edge->limits.requests) {
		reply_error(&call.to, PROTO_TOO_MANY, "more requests at once than max_requests", NULL);
		return;
	}
	const char *name = rpc_method(request, buffer, &length);
	if (name && length)
		dispatch_method(&call, name, length);
	else
		reply_error(&call.to, PROTO_UNKNOWN_METHOD, "no method has such a name", NULL);
}

void dispatch_bad(struct connection *connection, struct batch *batch, const struct rpc_request *request,
	enum proto_error error, const char *reason)
{
	bool known = request->id.kind != JSON_NONE && request->id.length <= REQUEST_ID_LIMIT;
	const struct reply_to to = {
		.connection = connection,
		.batch = batch,
		.id = known ? request->id.text : "null",
		.id_length = known ? request->id.length : 4,
	};
	if (batch)
		batch_expect(batch);
	connection->edge->n_requests++;
	if (user_may_ask(&to))
		reply_error(&to, error, reason, NULL);
}

bool dispatch_is_held(const struct connection *connection, const struct rpc_request *request)
{
	char buffer[128];
	size_t length;
	if (!store_is_loading(connection->edge))
		return false;
	const char *name = rpc_method(request, buffer, &length);
	int method = name ? method_find(name, length) : -1;
	return method >= 0 && loading_holds((enum method)method, &request->params);
}
