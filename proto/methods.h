/* taskd's own methods: names, parameters, one line each. The daemon's dispatch, rpc.discover, taskctl's completion and
 * the lints over the man pages all read this table. */
#ifndef PROTO_METHODS_H
#define PROTO_METHODS_H

#include "proto/params.h"

enum method {
	METHOD_TASK_CALL,
	METHOD_TASK_SUBMIT,
	METHOD_TASK_MAP,
	METHOD_TASK_RESULT,
	METHOD_TASK_WAIT,
	METHOD_TASK_STATUS,
	METHOD_TASK_LIST,
	METHOD_TASK_CANCEL,
	METHOD_TASK_FORGET,
	METHOD_TASK_TYPES, /* task.types: what can be submitted */
	METHOD_WORKER_LIST,
	METHOD_POOL_LIST,
	METHOD_QUEUE_LIST,
	METHOD_SERVER_INFO,
	METHOD_SERVER_STATS,
	METHOD_SERVER_PING,
	METHOD_SERVER_RELOAD,
	METHOD_SERVER_SHUTDOWN,
	METHOD_RPC_DISCOVER,
	METHOD_CANCEL_REQUEST, /* $/cancelRequest, as LSP clients send it */
	N_METHODS,
};

struct method_info {
	const char *name;
	const char *summary;
	const struct param_spec *params; /* never NULL */
	const char *result;              /* one line: what the result is */
	const char *result_schema;       /* its JSON Schema's text */
};
const struct method_info *method_info(enum method method);
/* -1 where there is none. */
int method_find(const char *name, size_t length);

/* --- the parameters, as params_read fills them in --- */
#define TASK_NAME_LIMIT 64
#define TASK_TAG_LIMIT 256

struct submit_options { /* what every submission can say */
	char *queue;
	int64_t priority; /* -2147483648…2147483647 */
	int64_t timeout;  /* ns, -1: none */
	char *tag;
};
struct submit_params { /* task.call, task.submit */
	char *task;
	struct json_span args; /* JSON_NONE: [] */
	struct submit_options options;
	bool watch; /* task.submit only */
};
struct map_params {
	char *task;
	struct json_span items;
	int64_t chunk; /* 0 (absent): 1 */
	bool return_exceptions;
	struct submit_options options;
};
struct result_params { /* task.result */
	uint64_t id;
	int64_t timeout; /* ns, -1: for ever */
};
enum return_when { WHEN_ALL_COMPLETED, WHEN_FIRST_COMPLETED, WHEN_FIRST_EXCEPTION };
struct wait_params {
	struct param_ids ids;
	int64_t timeout;
	int return_when; /* enum return_when; -1: all completed */
};
struct id_params { /* task.status */
	uint64_t id;
	struct json_span call; /* instead of id: the id of an outstanding request of this connection */
};
struct ids_params { /* task.cancel, task.forget */
	struct param_ids ids;
	struct json_span call;
};
struct list_params {
	struct param_strings states; /* parameter "state" */
	char *queue;
	char *task;
	char *tag;
	int64_t limit;   /* 0 (absent): 100; at most 10000 */
	uint64_t before; /* only ids below this one, for the next page */
};
struct shutdown_params {
	bool now; /* do not wait for what runs */
};
struct cancel_request_params {
	struct json_span id;
};
struct no_params {
	char unused;
};

#endif
