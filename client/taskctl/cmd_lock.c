/* lock: one at a time, or several that share it. */
#include <stddef.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/under.h"

struct lock_values {
	struct under_values under;
	bool shared;
};

static int run_lock(struct taskctl *ctl, const struct invocation *invocation)
{
	static const struct under_kind kind = {
		.noun = "lock",
		.acquire = METHOD_LOCK_ACQUIRE,
		.release = METHOD_LOCK_RELEASE,
		.list = METHOD_LOCK_LIST,
	};
	const struct lock_values *values = invocation->values;
	json_t *params = must(json_pack("{s:s}", "name", invocation->operands[0]));

	if (values->shared)
		json_object_set_new(params, "shared", json_true());
	return under_run(ctl, &kind, &values->under, params, invocation->operands + 1);
}

static const struct option_spec lock_options[] = {
	{ .name = "shared",
		.type = OPTION_FLAG,
		.offset = offsetof(struct lock_values, shared),
		.summary = "together with others who share it" },
	UNDER_OPTIONS(struct lock_values, under),
	{ .name = NULL },
};

const struct command command_lock = {
	.name = "lock",
	.operands = "NAME [--] COMMAND [ARG…]",
	.summary = "Run a command while holding a lock",
	.help = "Waits until NAME is free, first come, first served, runs COMMAND here, and ends as it\n"
		"does: with its exit status, or by the signal that has killed it. The lock is released\n"
		"then, and also where taskctl is killed (COMMAND gets SIGTERM in that case). Nothing\n"
		"that COMMAND leaves running can keep it.\n\n"
		"  taskctl lock db -- ./migrate.sh\n"
		"  taskctl lock -n -E 0 hourly -- ./job    where it runs already, that is fine\n"
		"  taskctl lock --shared db -- pg_dump x   with other readers\n\n"
		"COMMAND has TASKD_FENCE, a number that is larger than of whoever held it before, and\n"
		"TASKD_HOLDER_DIED=1 where the last one died holding it. Within a task:\n\n"
		"  taskctl lock db --task                  until this task ends, or\n"
		"  taskctl lock db --task --release        until it has done what it is about",
	.options = lock_options,
	.values_size = sizeof(struct lock_values),
	.min_operands = 1,
	.max_operands = -1,
	.missing = "a NAME",
	.own_from = 2,
	.first = COMPLETE_LOCK,
	.second = COMPLETE_PROGRAM,
	.rest = COMPLETE_FILE,
	.run = run_lock,
};
