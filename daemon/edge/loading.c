/* What waits while the tasks of before are being read: requests that name or look for some, since one that is not there
 * may yet come. (Queues and schedules are there before the first client is.) Everything else is served. Where such a
 * request waits, what comes behind it on its connection does too, so that nothing overtakes. */
#include <string.h>

#include "edge/store.h"

/* How much of what was there before a method needs. */
enum need {
	NEEDS_NOTHING,
	NEEDS_ALL,
	NEEDS_NAMED, /* all, where its parameters name a task */
};

static const enum need needs[N_METHODS] = {
	[METHOD_TASK_CALL] = NEEDS_NAMED,
	[METHOD_TASK_SUBMIT] = NEEDS_NAMED,
	[METHOD_TASK_SUBMIT_BATCH] = NEEDS_NAMED,
	[METHOD_TASK_MAP] = NEEDS_NAMED,
	[METHOD_TASK_RESULT] = NEEDS_ALL,
	[METHOD_TASK_WAIT] = NEEDS_ALL,
	[METHOD_TASK_STATUS] = NEEDS_ALL,
	[METHOD_TASK_LIST] = NEEDS_ALL,
	[METHOD_TASK_CANCEL] = NEEDS_ALL,
	[METHOD_TASK_RETRY] = NEEDS_ALL,
	[METHOD_TASK_FORGET] = NEEDS_ALL,
	[METHOD_TASK_WATCH] = NEEDS_ALL,
	[METHOD_TASK_LOG] = NEEDS_ALL,
	[METHOD_TASK_FOLLOW] = NEEDS_ALL,
	[METHOD_TASK_SEND] = NEEDS_ALL,
	[METHOD_TASK_SIGNAL] = NEEDS_ALL,
	[METHOD_TASK_SUSPEND] = NEEDS_ALL,
	[METHOD_TASK_RESUME] = NEEDS_ALL,
	[METHOD_TASK_WINDOW] = NEEDS_ALL,
	[METHOD_QUEUE_REMOVE] = NEEDS_ALL,
	[METHOD_QUEUE_PAUSE] = NEEDS_ALL,
	[METHOD_QUEUE_DRAIN] = NEEDS_ALL,
};

static bool value_names(const char *param, const struct json_span *value)
{
	if (value->kind == JSON_SPAN_NULL)
		return false;
	return strcmp(param, "key") == 0 || strcmp(param, "after") == 0 || strcmp(param, "after_any") == 0;
}

/* The parameter that NAME names, or in an array the INDEXth of them; NULL: there is none. */
static const char *param_name(const struct param_spec *specs, const struct json_span *name, size_t index, bool array)
{
	size_t i = 0;
	for (; specs[i].name; i++)
		if (array ? i == index : json_string_is(name, specs[i].name))
			return specs[i].name;
	return NULL;
}

static bool params_name(const struct param_spec *specs, const struct json_span *params)
{
	struct json_span name, value;
	size_t cursor = 0;
	bool array = params->kind == JSON_SPAN_ARRAY;
	if (!array && params->kind != JSON_SPAN_OBJECT)
		return false;
	for (size_t index = 0; json_next(params, &cursor, &name, &value) == 1; index++) {
		const char *param = param_name(specs, &name, index, array);
		if (param && value_names(param, &value))
			return true;
	}
	return false;
}

/* The first parameter of a batch has its tasks. */
static bool batch_names(const struct json_span *params)
{
	struct json_span name, tasks, element;
	size_t cursor = 0;
	if ((params->kind != JSON_SPAN_ARRAY && params->kind != JSON_SPAN_OBJECT) ||
		json_next(params, &cursor, &name, &tasks) != 1 || tasks.kind != JSON_SPAN_ARRAY)
		return false;
	cursor = 0;
	while (json_next(&tasks, &cursor, NULL, &element) == 1)
		if (element.kind == JSON_SPAN_OBJECT && params_name(batch_task_params(), &element))
			return true;
	return false;
}

bool loading_holds(enum method method, const struct json_span *params)
{
	switch (needs[method]) {
	case NEEDS_NOTHING:
		return false;
	case NEEDS_ALL:
		return true;
	case NEEDS_NAMED:
		break;
	}
	if (method == METHOD_TASK_SUBMIT_BATCH)
		return batch_names(params);
	return params_name(method_info(method)->params, params);
}
