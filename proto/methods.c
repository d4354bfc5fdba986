/* The table of taskd's own methods. Tasks are methods too, but they come and go with the handlers. */
#include "proto/methods.h"

#include <string.h>

#include "proto/method_schemas.h"

#define PRIORITY_MIN INT32_MIN
#define PRIORITY_MAX INT32_MAX
#define CHUNK_MAX 1000000
#define LIST_MAX 10000
#define QUEUE_NAME_LIMIT 64

/* One line a parameter: its name on the wire, its type, where it goes. */
#define PARAM(struct_, member_, name_, type_, ...)                                                     \
	{                                                                                              \
		.name = name_, .type = type_, .offset = offsetof(struct struct_, member_), __VA_ARGS__ \
	}

#define TASK_PARAM(struct_)                                                                  \
	PARAM(struct_, task, "task", PARAM_STRING, .required = true, .max = TASK_NAME_LIMIT, \
		.summary = "the task's name")

#define OPTION_PARAMS(struct_)                                                                                    \
	PARAM(struct_, options.queue, "queue", PARAM_STRING, .max = QUEUE_NAME_LIMIT,                             \
		.summary = "the queue it waits in; default: the task's own"),                                     \
		PARAM(struct_, options.priority, "priority", PARAM_INT, .min = PRIORITY_MIN, .max = PRIORITY_MAX, \
			.summary = "higher is more urgent; default 0"),                                           \
		PARAM(struct_, options.timeout, "timeout", PARAM_DURATION, .min = 1,                              \
			.summary = "ends the task when it runs longer; default: no limit"),                       \
		PARAM(struct_, options.tag, "tag", PARAM_STRING, .max = TASK_TAG_LIMIT,                           \
			.summary = "a word to find it by with task.list")

#define END_OF_PARAMS        \
	{                    \
		.name = NULL \
	}

static const char *const return_when_words[] = {
	[WHEN_ALL_COMPLETED] = "all_completed",
	[WHEN_FIRST_COMPLETED] = "first_completed",
	[WHEN_FIRST_EXCEPTION] = "first_exception",
	NULL,
};

static const struct param_spec no_param_specs[] = { END_OF_PARAMS };

static const struct param_spec call_params[] = {
	TASK_PARAM(submit_params),
	PARAM(submit_params, args, "args", PARAM_ARGS, .summary = "the task's arguments; default []"),
	OPTION_PARAMS(submit_params),
	END_OF_PARAMS,
};

static const struct param_spec submit_params[] = {
	TASK_PARAM(submit_params),
	PARAM(submit_params, args, "args", PARAM_ARGS, .summary = "the task's arguments; default []"),
	OPTION_PARAMS(submit_params),
	PARAM(submit_params, watch, "watch", PARAM_BOOL,
		.summary = "notify this connection with task.finished when it ends; default false"),
	END_OF_PARAMS,
};

static const struct param_spec map_params[] = {
	TASK_PARAM(map_params),
	PARAM(map_params, items, "items", PARAM_ARRAY, .required = true,
		.summary = "the task runs once for each; the item is its only argument"),
	PARAM(map_params, chunk, "chunk", PARAM_INT, .min = 1, .max = CHUNK_MAX,
		.summary = "so many items travel to a worker together; default 1"),
	PARAM(map_params, return_exceptions, "return_exceptions", PARAM_BOOL,
		.summary =
			"each element is {\"result\":…} or {\"error\":{…}}; default false: the first that failed is the error"),
	OPTION_PARAMS(map_params),
	END_OF_PARAMS,
};

static const struct param_spec result_params[] = {
	PARAM(result_params, id, "id", PARAM_ID, .required = true, .summary = "the task"),
	PARAM(result_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for its end; default: as long as it takes"),
	END_OF_PARAMS,
};

static const struct param_spec wait_params[] = {
	PARAM(wait_params, ids, "ids", PARAM_IDS, .required = true, .summary = "the tasks"),
	PARAM(wait_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait; default: as long as it takes"),
	PARAM(wait_params, return_when, "return_when", PARAM_ENUM, .words = return_when_words,
		.summary = "what to wait for; default all_completed"),
	END_OF_PARAMS,
};

static const struct param_spec status_params[] = {
	PARAM(id_params, id, "id", PARAM_ID, .summary = "the task"),
	PARAM(id_params, call, "call", PARAM_ANY,
		.summary = "instead: the id of an outstanding request of this connection"),
	END_OF_PARAMS,
};

static const struct param_spec cancel_params[] = {
	PARAM(ids_params, ids, "ids", PARAM_IDS, .summary = "the tasks"),
	PARAM(ids_params, call, "call", PARAM_ANY,
		.summary = "instead: the id of an outstanding request of this connection"),
	END_OF_PARAMS,
};

static const struct param_spec forget_params[] = {
	PARAM(ids_params, ids, "ids", PARAM_IDS, .required = true, .summary = "the tasks; they must have ended"),
	END_OF_PARAMS,
};

static const struct param_spec list_params[] = {
	PARAM(list_params, states, "state", PARAM_STRINGS, .summary = "one state or several; default: all"),
	PARAM(list_params, queue, "queue", PARAM_STRING, .summary = "only those of this queue"),
	PARAM(list_params, task, "task", PARAM_STRING, .summary = "only those of this name"),
	PARAM(list_params, tag, "tag", PARAM_STRING, .summary = "only those with this tag"),
	PARAM(list_params, limit, "limit", PARAM_INT, .min = 1, .max = LIST_MAX,
		.summary = "at most so many; default 100"),
	PARAM(list_params, before, "before", PARAM_ID, .summary = "only ids below this one: the last page's \"next\""),
	END_OF_PARAMS,
};

static const struct param_spec shutdown_params[] = {
	PARAM(shutdown_params, now, "now", PARAM_BOOL, .summary = "do not wait for what was accepted; default false"),
	END_OF_PARAMS,
};

static const struct param_spec cancel_request_params[] = {
	PARAM(cancel_request_params, id, "id", PARAM_ANY, .required = true,
		.summary = "the id of an outstanding request of this connection"),
	END_OF_PARAMS,
};

#define METHOD(method_, name_, params_, summary_, result_, schema_)                                                \
	[method_] = {                                                                                              \
		.name = name_, .summary = summary_, .params = params_, .result = result_, .result_schema = schema_ \
	}

static const struct method_info methods[N_METHODS] = {
	METHOD(METHOD_TASK_CALL, "task.call", call_params, "Runs a task and answers with its result",
		"the task's own result", "{}"),
	METHOD(METHOD_TASK_SUBMIT, "task.submit", submit_params, "Queues a task that goes on without this connection",
		"its id and state", SCHEMA_SUBMITTED),
	METHOD(METHOD_TASK_MAP, "task.map", map_params, "Runs a task for every item",
		"the results, in the items' order", "{\"type\":\"array\"}"),
	METHOD(METHOD_TASK_RESULT, "task.result", result_params, "Waits for a task and answers with its result",
		"the task's own result", "{}"),
	METHOD(METHOD_TASK_WAIT, "task.wait", wait_params, "Waits for some tasks",
		"the records of those that have ended and of the others", SCHEMA_WAITED),
	METHOD(METHOD_TASK_STATUS, "task.status", status_params, "Tells all that is known about a task", "its record",
		SCHEMA_STATUS),
	METHOD(METHOD_TASK_LIST, "task.list", list_params, "Lists tasks, the newest first",
		"their records, and where the next page begins", SCHEMA_LISTED),
	METHOD(METHOD_TASK_CANCEL, "task.cancel", cancel_params, "Cancels tasks", "the state that each is in now",
		SCHEMA_FATES),
	METHOD(METHOD_TASK_FORGET, "task.forget", forget_params, "Drops the records of tasks that have ended",
		"the state that each was in", SCHEMA_FATES),
	METHOD(METHOD_TASK_TYPES, "task.types", no_param_specs, "Lists what can be submitted",
		"the names, with what their handlers say of themselves", SCHEMA_TYPES),
	METHOD(METHOD_WORKER_LIST, "worker.list", no_param_specs, "Lists the worker processes", "the workers",
		SCHEMA_WORKERS),
	METHOD(METHOD_POOL_LIST, "pool.list", no_param_specs, "Lists the pools of workers", "the pools", SCHEMA_POOLS),
	METHOD(METHOD_QUEUE_LIST, "queue.list", no_param_specs, "Lists the queues", "the queues", SCHEMA_QUEUES),
	METHOD(METHOD_SERVER_INFO, "server.info", no_param_specs, "Tells what this daemon is", "its version, limits, …",
		SCHEMA_INFO),
	METHOD(METHOD_SERVER_STATS, "server.stats", no_param_specs, "Tells how much there is of everything", "figures",
		SCHEMA_STATS),
	METHOD(METHOD_SERVER_PING, "server.ping", no_param_specs, "Tells that the daemon is there",
		"how many workers are ready", SCHEMA_PING),
	METHOD(METHOD_SERVER_RELOAD, "server.reload", no_param_specs, "Reads the configuration again",
		"what changed, and what changes only by a restart", SCHEMA_RELOADED),
	METHOD(METHOD_SERVER_SHUTDOWN, "server.shutdown", shutdown_params, "Stops the daemon", "that it is stopping",
		SCHEMA_STOPPING),
	METHOD(METHOD_RPC_DISCOVER, "rpc.discover", no_param_specs, "Describes the methods and tasks",
		"an OpenRPC document", "{\"type\":\"object\"}"),
	METHOD(METHOD_CANCEL_REQUEST, "$/cancelRequest", cancel_request_params,
		"Cancels an outstanding request of this connection, as LSP clients do", "null", "{\"type\":\"null\"}"),
};

const struct method_info *method_info(enum method method)
{
	return &methods[method];
}

int method_find(const char *name, size_t length)
{
	for (int i = 0; i < N_METHODS; i++)
		if (strlen(methods[i].name) == length && memcmp(methods[i].name, name, length) == 0)
			return i;
	return -1;
}
