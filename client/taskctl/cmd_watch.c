/* watch: the events of tasks as they happen. */
#include "client/taskctl/commands.h"
#include "client/taskctl/events.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/taskctl.h"

struct watch_values {
	struct filter filter;
	bool progress;
};

static int run_watch(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct watch_values *values = invocation->values;
	json_t *ids = NULL;
	int status;

	if (invocation->n_operands > 0) {
		ids = ids_json(ctl, invocation->operands, invocation->n_operands);
		if (!ids)
			return EXIT_USAGE;
	}
	status = events_print(ctl, ids, &values->filter, values->progress);
	json_decref(ids);
	return status;
}

static const struct option_spec watch_options[] = {
	FILTER_OPTIONS(struct watch_values, filter),
	{ .name = "progress", .type = OPTION_FLAG, .offset = offsetof(struct watch_values, progress),
		.summary = "a line for each step that a task tells, too" },
	{ .name = NULL },
};

const struct command command_watch = {
	.name = "watch",
	.operands = "[ID…]",
	.summary = "Print what becomes of tasks, as it happens",
	.help = "A line for each event: the time, the id, the task, its new state, and what there\n"
		"is to say. With IDs only these, how they stand first, until all have ended; else\n"
		"all tasks that the options fit, until Ctrl-C, which is exit status 0. With --state\n"
		"only changes into these states. Events that come faster than they are read are\n"
		"left out, and a warning says how many.",
	.options = watch_options,
	.values_size = sizeof(struct watch_values),
	.max_operands = -1,
	.first = COMPLETE_ID,
	.rest = COMPLETE_ID,
	.reconnects = true,
	.run = run_watch,
};
