/* Handlers that wait for tasks: clients of the taskd that they run in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <taskd-plugin.h>
#include <taskd.h>

static int connect_init(void **state, char *error, size_t size)
{
	struct taskd **connection = calloc(1, sizeof(*connection));

	if (!connection) {
		snprintf(error, size, "no memory");
		return -1;
	}
	*state = connection;
	return 0;
}

static void connect_fini(void *state)
{
	struct taskd **connection = state;

	taskd_close(*connection);
	free(connection);
}

/* This thread's connection, a new one where the last has ended. */
static struct taskd *connection_of(struct taskd_call *call)
{
	struct taskd **connection = taskd_state(call);

	if (*connection && taskd_connection_error(*connection) != TASKD_OK) {
		taskd_close(*connection);
		*connection = NULL;
	}
	if (!*connection)
		*connection = taskd_connect(NULL, NULL);
	return *connection;
}

/* Waits for F, which it frees, and ends as that does. The error's kind is the message, so that a test sees it from where
 * it happened up to the top. */
static int end_as(struct taskd_call *call, struct taskd_future *f, long long more)
{
	const struct taskd_failure *failure;
	enum taskd_error error;
	long long value;
	int code;

	while ((error = taskd_result(f, 20 * TASKD_MS)) == TASKD_E_TIMEOUT)
		if (taskd_cancelled(call)) {
			taskd_future_free(f);
			return TASKD_CANCELLED;
		}
	if (error != TASKD_OK) {
		failure = taskd_future_error(f);
		code = taskd_fail_data(call, (int)error, failure->data,
			"%s", failure->error == TASKD_E_FAILED ? failure->message : failure->kind);
	} else if (more && sscanf(taskd_future_result(f, NULL), "%lld", &value) == 1) {
		code = taskd_return_int(call, value + more);
	} else {
		code = taskd_return_json(call, taskd_future_result(f, NULL), strlen(taskd_future_result(f, NULL)));
	}
	taskd_future_free(f);
	return code;
}

/* Itself, DEPTH times; how deep it came. */
static int nest(struct taskd_call *call)
{
	char args[64];
	long long depth;

	if (taskd_arg_int(call, 0, "depth", &depth))
		return TASKD_BAD_ARGS;
	if (depth <= 0)
		return taskd_return_int(call, 0);
	snprintf(args, sizeof(args), "[%lld]", depth - 1);
	return end_as(call, taskd_submit(connection_of(call), "nest", args, NULL), 1);
}

/* Two of itself at each level: how many there were. */
static int tree(struct taskd_call *call)
{
	struct taskd *c = connection_of(call);
	struct taskd_future *left, *right;
	char args[64];
	long long depth, n;

	if (taskd_arg_int(call, 0, "depth", &depth))
		return TASKD_BAD_ARGS;
	if (depth <= 0)
		return taskd_return_int(call, 1);
	snprintf(args, sizeof(args), "[%lld]", depth - 1);
	left = taskd_submit(c, "tree", args, NULL);
	right = taskd_submit(c, "tree", args, NULL);
	if (taskd_result(left, TASKD_FOREVER) != TASKD_OK || sscanf(taskd_future_result(left, NULL), "%lld", &n) != 1) {
		taskd_future_free(right);
		return end_as(call, left, 0);
	}
	taskd_future_free(left);
	return end_as(call, right, n + 1);
}

/* Submits TASK with ARGS, to QUEUE where that is said, and ends as it does. */
static int relay(struct taskd_call *call)
{
	struct taskd_options options = { 0 };
	const char *task, *args;

	if (taskd_arg_string(call, 0, "task", &task, NULL) || taskd_arg_json(call, 1, "args", &args, NULL) ||
		(taskd_arg_has(call, 2, "queue") && taskd_arg_string(call, 2, "queue", &options.queue, NULL)))
		return TASKD_BAD_ARGS;
	return end_as(call, taskd_submit(connection_of(call), task, args, &options), 0);
}

/* Waits for the task ID, which somebody else has submitted, and ends as it does. */
static int await(struct taskd_call *call)
{
	const char *id;

	if (taskd_arg_string(call, 0, "id", &id, NULL))
		return TASKD_BAD_ARGS;
	return end_as(call, taskd_attach(connection_of(call), id), 0);
}

#define WITH_CONNECTION .init = connect_init, .fini = connect_fini
static const struct taskd_handler handlers[] = {
	{ .name = "nest", .run = nest, .parameters = "depth:int", WITH_CONNECTION },
	{ .name = "tree", .run = tree, .parameters = "depth:int", WITH_CONNECTION },
	{ .name = "relay", .run = relay, .parameters = "task:string args:any queue:string?", WITH_CONNECTION },
	{ .name = "await", .run = await, .parameters = "id:string", WITH_CONNECTION },
	{ 0 },
};
TASKD_PLUGIN(handlers)
