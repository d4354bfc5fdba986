/* semaphore: so many at a time. */
#include <stddef.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/under.h"

struct semaphore_values {
	struct under_values under;
	struct option_integer slots;
	struct option_integer count;
};

static int run_semaphore(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct under_kind kind = {
		.noun = "semaphore",
		.acquire = METHOD_SEMAPHORE_ACQUIRE,
		.release = METHOD_SEMAPHORE_RELEASE,
		.list = METHOD_SEMAPHORE_LIST,
	};
	const struct semaphore_values *values = invocation->values;
	json_t *params = must(json_pack("{s:s}", "name", invocation->operands[0]));

	if (values->slots.given)
		json_object_set_new(params, "slots", json_integer(values->slots.value));
	if (values->count.given)
		json_object_set_new(params, "count", json_integer(values->count.value));
	return under_run(ctl, &kind, &values->under, params, invocation->operands + 1);
}

static const struct option_spec semaphore_options[] = {
	{ .name = "slots",
		.type = OPTION_INTEGER,
		.offset = offsetof(struct semaphore_values, slots),
		.argument = "N",
		.summary = "where it is not there yet, it has so many permits (1)",
		.min = 1,
		.max = SLOTS_MAX },
	{ .name = "count",
		.type = OPTION_INTEGER,
		.offset = offsetof(struct semaphore_values, count),
		.argument = "N",
		.summary = "take so many of them, all at once (1)",
		.min = 1,
		.max = SLOTS_MAX },
	UNDER_OPTIONS(struct semaphore_values, under),
	{ .name = NULL },
};

const struct command command_semaphore = {
	.name = "semaphore",
	.operands = "NAME [--] COMMAND [ARG…]",
	.summary = "Run a command while holding a permit of a semaphore",
	.help = "As \"taskctl lock\", but so many at a time as the semaphore has permits:\n\n"
		"  taskctl semaphore gpu --slots 2 -- ./train.sh\n\n"
		"It is there as long as somebody uses it, or for good by [semaphore NAME] in\n"
		"taskd.conf. Other --slots than it has are an error.",
	.options = semaphore_options,
	.values_size = sizeof(struct semaphore_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a NAME",
	.own_from = 2,
	.first = COMPLETE_SEMAPHORE,
	.second = COMPLETE_PROGRAM,
	.rest = COMPLETE_FILE,
	.run = run_semaphore,
};
