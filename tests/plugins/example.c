/* Two handlers: a function, and a class with state of its own in every worker thread. */
#include <stdio.h>
#include <stdlib.h>
#include <taskd-plugin.h>

static int add(struct taskd_call *call)
{
	long long a, b, sum;

	if (taskd_arg_int(call, 0, "a", &a) || taskd_arg_int(call, 1, "b", &b))
		return TASKD_BAD_ARGS;
	if (__builtin_add_overflow(a, b, &sum))
		return taskd_fail(call, 1, "%lld and %lld are too much for 64 bits", a, b);
	return taskd_return_int(call, sum);
}

struct counter {
	long long value;
};

static int counter_init(void **state, char *error, size_t size)
{
	struct counter *counter = calloc(1, sizeof(*counter));

	if (!counter) {
		snprintf(error, size, "no memory for a counter");
		return -1;
	}
	*state = counter;
	return 0;
}

/* No lock: the state belongs to the thread. */
static int counter_run(struct taskd_call *call)
{
	struct counter *counter = taskd_state(call);
	long long step = 1;

	if (taskd_arg_has(call, 0, "step") && taskd_arg_int(call, 0, "step", &step))
		return TASKD_BAD_ARGS;
	counter->value = (long long)((unsigned long long)counter->value + (unsigned long long)step);
	return taskd_return_int(call, counter->value);
}

static void counter_fini(void *state)
{
	free(state);
}

static const struct taskd_handler handlers[] = {
	{
		.name = "add",
		.summary = "Adds two integers",
		.parameters = "a:int b:int",
		.run = add,
	},
	{
		.name = "counter",
		.summary = "Counts what its worker thread was asked to",
		.parameters = "step:int?",
		.init = counter_init,
		.run = counter_run,
		.fini = counter_fini,
	},
	{ 0 },
};
TASKD_PLUGIN(handlers)
