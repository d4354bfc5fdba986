/* queue add, set and remove: queues at run time, for whoever runs the daemon. */
#include <stdio.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"
#include "proto/units.h"

struct queue_values {
	const char *pool;
	int order; /* 1 + index of orders */
	struct option_integer limit_running;
	struct option_integer limit_queued;
	struct option_integer limit_bytes;
	struct option_number rate;
	struct option_integer burst;
	struct option_integer ageing_ns;
	struct option_integer weight;
	int fair;    /* 1 + index of yes_no */
	int durable; /* 1 + index of durables */
};

static const char *const orders[] = { "priority", "fifo", "lifo", NULL };
static const char *const yes_no[] = { "yes", "no", NULL };
enum { YES = 1 };
static const char *const durables[] = { "auto", "yes", "no", NULL };

static void put_integer(json_t *params, const char *name, const struct option_integer *option)
{
	if (option->given)
		json_object_set_new(params, name, json_integer(option->value));
}

static json_t *queue_params(const char *name, const struct queue_values *values)
{
	json_t *params = must(json_pack("{s:s}", "name", name));
	char text[UNITS_TEXT_SIZE];

	if (values->pool)
		json_object_set_new(params, "pool", must(json_string(values->pool)));
	if (values->order)
		json_object_set_new(params, "order", json_string(orders[values->order - 1]));
	put_integer(params, "limit_running", &values->limit_running);
	put_integer(params, "limit_queued", &values->limit_queued);
	put_integer(params, "limit_bytes", &values->limit_bytes);
	if (values->rate.given)
		json_object_set_new(params, "rate", json_real(values->rate.value));
	put_integer(params, "burst", &values->burst);
	if (values->ageing_ns.given) {
		units_format_duration(values->ageing_ns.value, text);
		json_object_set_new(params, "ageing", json_string(text));
	}
	put_integer(params, "weight", &values->weight);
	if (values->fair)
		json_object_set_new(params, "fair", json_boolean(values->fair == YES));
	if (values->durable)
		json_object_set_new(params, "durable", json_string(durables[values->durable - 1]));
	return params;
}

static int change(struct taskctl *ctl, enum method method, json_t *params, const char *format, const char *name)
{
	json_t *entry;
	char text[160];
	int status = taskctl_request(ctl, method, params, &entry);

	if (status != EXIT_FINE)
		return status;
	snprintf(text, sizeof text, "queue %s %s", name, format);
	if (ctl->json || !ctl->quiet)
		ctl->writer->ops->sentence(ctl->writer, entry, text);
	json_decref(entry);
	return EXIT_FINE;
}

static int run_queue_add(struct taskctl *ctl, const struct invocation *invocation)
{
	const char *name = invocation->operands[0];

	return change(ctl, METHOD_QUEUE_CREATE, queue_params(name, invocation->values), "is made", name);
}

static int run_queue_set(struct taskctl *ctl, const struct invocation *invocation)
{
	const char *name = invocation->operands[0];
	json_t *params = queue_params(name, invocation->values);

	if (json_object_size(params) > 1)
		return change(ctl, METHOD_QUEUE_SET, params, "is changed", name);
	json_decref(params);
	return report_usage(
		ctl, "\"taskctl help queue set\" shows what can be changed", "queue set: nothing is to be changed");
}

static int run_queue_remove(struct taskctl *ctl, const struct invocation *invocation)
{
	int worst = EXIT_FINE;

	for (int i = 0; i < invocation->n_operands; i++) {
		const char *name = invocation->operands[i];
		int status = change(ctl, METHOD_QUEUE_REMOVE, must(json_pack("{s:s}", "name", name)), "is gone", name);

		if (worst == EXIT_FINE)
			worst = status;
	}
	return worst;
}

#define QUEUE_OPTION(FIELD, NAME, TYPE, ARGUMENT, SUMMARY, ...)                                                        \
	{ .name = NAME, .type = TYPE, .offset = offsetof(struct queue_values, FIELD), .argument = ARGUMENT,            \
		.summary = SUMMARY, __VA_ARGS__ }

#define QUEUE_OPTIONS                                                                                                  \
	QUEUE_OPTION(order, "order", OPTION_WORD, "ORDER", "priority (default), fifo or lifo",                         \
		.complete = COMPLETE_WORDS, .words = orders),                                                          \
	QUEUE_OPTION(limit_running, "limit-running", OPTION_INTEGER, "N", "at most so many run at once; 0: no limit",  \
		.max = INT32_MAX),                                                                                     \
	QUEUE_OPTION(limit_queued, "limit-queued", OPTION_INTEGER, "N", "at most so many wait; 0: no limit",           \
		.max = INT32_MAX),                                                                                     \
	QUEUE_OPTION(limit_bytes, "limit-bytes", OPTION_SIZE, "SIZE", "their arguments together: 64M; 0: no limit",    \
		.letter = 0),                                                                                          \
	QUEUE_OPTION(rate, "rate", OPTION_NUMBER, "N", "at most so many start a second; 0: no limit",                  \
		.max = 1000000),                                                                                       \
	QUEUE_OPTION(burst, "burst", OPTION_INTEGER, "N", "so many may start at once after a rest",                    \
		.max = INT32_MAX),                                                                                     \
	QUEUE_OPTION(ageing_ns, "ageing", OPTION_SPAN, "DURATION",                                                     \
		"a wait so long counts as much as a priority of 1 more; 0: none", .letter = 0),                        \
	QUEUE_OPTION(weight, "weight", OPTION_INTEGER, "N", "its share of the pool beside equal queues", .min = 1,     \
		.max = 1000),                                                                                          \
	QUEUE_OPTION(fair, "fair", OPTION_WORD, "YES|NO",                                                              \
		"users take turns in it, at each priority: yes, no",                                                   \
		.complete = COMPLETE_WORDS, .words = yes_no),                                                          \
	QUEUE_OPTION(durable, "durable", OPTION_WORD, "WHICH",                                                         \
		"its tasks are kept on disk: auto (submitted ones), yes, no",                                          \
		.complete = COMPLETE_WORDS, .words = durables)

static const struct option_spec add_options[] = {
	QUEUE_OPTION(pool, "pool", OPTION_TEXT, "POOL", "the pool that runs its tasks", .complete = COMPLETE_POOL),
	QUEUE_OPTIONS,
	{ .name = NULL },
};

static const struct option_spec set_options[] = {
	QUEUE_OPTIONS,
	{ .name = NULL },
};

const struct command command_queue_add = {
	.name = "queue add",
	.group = "queue",
	.operands = "NAME",
	.summary = "Make a queue",
	.help = "It is there until \"taskctl queue remove\"; where the daemon has no state directory,\n"
		"as long as that runs. For one that the machine always has, write [queue NAME] into\n"
		"taskd.conf.",
	.options = add_options,
	.values_size = sizeof(struct queue_values),
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a NAME",
	.run = run_queue_add,
};

const struct command command_queue_set = {
	.name = "queue set",
	.group = "queue",
	.operands = "QUEUE",
	.summary = "Change a queue's order and limits",
	.help = "Nothing that runs or waits is lost by it, also where a limit is lowered. It holds\n"
		"over what taskd.conf says; where the daemon has no state directory, until that ends.",
	.options = set_options,
	.values_size = sizeof(struct queue_values),
	.min_operands = 1,
	.max_operands = 1,
	.missing = "a QUEUE",
	.first = COMPLETE_QUEUE,
	.run = run_queue_set,
};

const struct command command_queue_remove = {
	.name = "queue remove",
	.group = "queue",
	.operands = "QUEUE…",
	.summary = "Remove queues that were made at run time, and are empty",
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a QUEUE",
	.first = COMPLETE_QUEUE,
	.rest = COMPLETE_QUEUE,
	.run = run_queue_remove,
};
