/* list: tasks by what they have in common. */
#include "client/taskctl/commands.h"
#include "client/taskctl/events.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/listing.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct list_values {
	struct filter filter;
	struct listing_values listing;
	bool watch;
};

static int run_list(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct list_values *values = invocation->values;
	struct listing listing = {
		.method = METHOD_TASK_LIST,
		.filter = &values->filter,
		.columns = record_columns,
	};
	int status;

	if (listing_helps(&values->listing))
		return EXIT_FINE;
	status = listing_begin(ctl, &values->listing, &listing);
	if (status != EXIT_FINE)
		return status;
	if (!values->watch)
		status = listing_print(ctl, &listing);
	else if (ctl->writer->terminal && !ctl->json)
		status = listing_watch(ctl, &listing, values->listing.limit.given);
	else
		status = events_print(ctl, NULL, &values->filter, false);
	listing_end(&values->listing, &listing);
	return status;
}

static const struct option_spec list_options[] = {
	FILTER_OPTIONS(struct list_values, filter),
	LISTING_OPTIONS(struct list_values, listing),
	{ .name = "watch", .letter = 'w', .type = OPTION_FLAG, .offset = offsetof(struct list_values, watch),
		.summary = "go on, as tasks change: a table on a terminal, else a line each" },
	{ .name = NULL },
};

const struct command command_list = {
	.name = "list",
	.operands = "",
	.summary = "List tasks, the newest first",
	.help = "The states are: scheduled, blocked, queued, running, cancelling, recording (it\n"
		"waits for the disk), succeeded, failed, timed_out, crashed, cancelled, expired.\n\n"
		"With --watch the table is drawn anew whenever one of them changes, until Ctrl-C;\n"
		"where standard output is no terminal, each change is a line, as of \"taskctl watch\".",
	.options = list_options,
	.values_size = sizeof(struct list_values),
	.reconnects = true,
	.run = run_list,
};
