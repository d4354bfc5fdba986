/* taskd-plugin.h - handlers for taskd, written in C
 *
 * A plugin is a shared object that taskd's workers load (taskd.conf(5), [plugin NAME]). It offers handlers: functions,
 * or classes with state that lives as long as a worker thread. A task named NAME runs the handler named NAME.
 *
 *     #include <taskd-plugin.h>
 *
 *     static int add(struct taskd_call *call)
 *     {
 *         long long a, b;
 *         if (taskd_arg_int(call, 0, "a", &a) || taskd_arg_int(call, 1, "b", &b))
 *             return TASKD_BAD_ARGS;
 *         return taskd_return_int(call, a + b);
 *     }
 *
 *     static const struct taskd_handler handlers[] = {
 *         { .name = "add", .run = add, .summary = "Adds two integers", .parameters = "a:int b:int" },
 *         { 0 },
 *     };
 *     TASKD_PLUGIN(handlers)
 *
 * Handlers run in worker processes only; with `threads` above 1 in the pool's configuration several run at once in one
 * process, each in its own thread. What a handler does to its process (a crash, exit, a leak) costs that process and
 * the tasks that it runs, nothing else.
 *
 * Strings are UTF-8. Pointers into the arguments stay valid until the handler returns. A struct taskd_call belongs to
 * the thread that runs the handler; only taskd_cancelled may be called from others. See taskd-plugin(3). */
#ifndef TASKD_PLUGIN_H
#define TASKD_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a struct below changes its meaning. A plugin of another version is refused by name. */
#define TASKD_PLUGIN_ABI 1

/* What `run` returns: 0 when a result was set (none: the result is null), TASKD_FAILED after taskd_fail,
 * TASKD_BAD_ARGS when the arguments are not what it takes (the taskd_arg_ functions have said why). Any other value is
 * a failure with that code and no message. */
#define TASKD_OK 0
#define TASKD_FAILED (-1)
#define TASKD_BAD_ARGS (-2)
#define TASKD_CANCELLED (-3) /* stopped because taskd_cancelled was true */

struct taskd_call;

struct taskd_handler {
	const char *name;       /* [A-Za-z_][A-Za-z0-9_-]*, no dot, at most 64 bytes */
	const char *summary;    /* one line for people, or NULL */
	const char *parameters; /* "name:type" separated by spaces, a '?' behind what may be absent; types: int, number,
	                         * string, bool, array, object, any. NULL: not told */

	/* Runs one task. */
	int (*run)(struct taskd_call *call);

	/* A class has these as well. `init` runs in every worker thread before its first task; *state is what
	 * taskd_state gives later. Non-zero: this thread cannot run the handler, and `error` (of `size` bytes) says
	 * why. `fini` runs when the thread ends in good order. */
	int (*init)(void **state, char *error, size_t size);
	void (*fini)(void *state);
};

/* The object's one exported symbol. HANDLERS is an array that ends with a NULL name. */
struct taskd_plugin {
	uint32_t abi;
	const struct taskd_handler *handlers;
};
#define TASKD_PLUGIN(handlers_)                                                                                        \
	__attribute__((visibility("default"))) const struct taskd_plugin taskd_plugin;                                 \
	const struct taskd_plugin taskd_plugin = { TASKD_PLUGIN_ABI, (handlers_) };

/* --- the task --- */
uint64_t taskd_task_id(const struct taskd_call *call);
/* 1 at the first attempt. */
unsigned taskd_attempt(const struct taskd_call *call);
/* CLOCK_MONOTONIC nanoseconds at which its time limit ends it; 0: it has none. */
int64_t taskd_deadline_ns(const struct taskd_call *call);
/* Whether somebody wants it to stop: return TASKD_CANCELLED soon, or be killed after the grace. Any thread; cheap. */
bool taskd_cancelled(const struct taskd_call *call);
/* The state that `init` set in this thread. */
void *taskd_state(const struct taskd_call *call);

/* --- its arguments: a JSON array (by index) or an object (by name) --- */
/* The whole text, not terminated. */
const char *taskd_args(const struct taskd_call *call, size_t *length);
/* The number of elements or members. */
size_t taskd_arg_count(struct taskd_call *call);
/* Whether it is there at all. */
bool taskd_arg_has(struct taskd_call *call, size_t index, const char *name);
/* 0, or TASKD_BAD_ARGS where it is absent or of another type, with the reason kept for the error. */
int taskd_arg_int(struct taskd_call *call, size_t index, const char *name, long long *value);
int taskd_arg_number(struct taskd_call *call, size_t index, const char *name, double *value);
int taskd_arg_bool(struct taskd_call *call, size_t index, const char *name, bool *value);
int taskd_arg_string(struct taskd_call *call, size_t index, const char *name, const char **value, size_t *length);
/* Any value, as JSON text (terminated). */
int taskd_arg_json(struct taskd_call *call, size_t index, const char *name, const char **text, size_t *length);

/* --- its result: the last one set counts; each copies and returns what `run` is to return --- */
int taskd_return_null(struct taskd_call *call);
int taskd_return_int(struct taskd_call *call, long long value);
int taskd_return_number(struct taskd_call *call, double value); /* not finite: a failure */
int taskd_return_bool(struct taskd_call *call, bool value);
int taskd_return_string(struct taskd_call *call, const char *value, size_t length); /* not UTF-8: a failure */
/* JSON text, checked: a failure where it is not JSON, or over the result limit. */
int taskd_return_json(struct taskd_call *call, const char *text, size_t length);

/* --- its failure --- */
/* CODE (not 0; -32768…-32000 are taskd's and become 1), MESSAGE by printf, and optionally DATA as JSON text. Returns
 * TASKD_FAILED. */
int taskd_fail(struct taskd_call *call, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int taskd_fail_data(struct taskd_call *call, int code, const char *data_json, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* --- its progress --- */
/* FRACTION from 0 to 1, or negative when unknown; TEXT one line or NULL. Costs about a microsecond; those that follow
 * within 10 ms of the last are left out, 1.0 excepted. */
void taskd_progress(struct taskd_call *call, double fraction, const char *text);

#ifdef __cplusplus
}
#endif
#endif
