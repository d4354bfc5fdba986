/* history: what the store has of tasks, also of those that the daemon's memory has let go. */
#include "client/taskctl/commands.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/listing.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

struct history_values {
	struct filter filter;
	const char *key;
	const char *until;
	bool oldest_first;
	struct listing_values listing;
};

/* What list does not have. */
static json_t *more_filter(const struct history_values *values)
{
	json_t *params = must(json_object());

	if (values->key)
		json_object_set_new(params, "key", must(json_string(values->key)));
	if (values->until)
		json_object_set_new(params, "until", must(json_string(values->until)));
	return params;
}

static int run_history(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct history_values *values = invocation->values;
	struct listing listing = {
		.method = METHOD_TASK_HISTORY,
		.filter = &values->filter,
		.columns = history_columns,
	};
	json_t *more;
	int status;

	if (listing_helps(&values->listing))
		return EXIT_FINE;
	status = listing_begin(ctl, &values->listing, &listing);
	if (status != EXIT_FINE)
		return status;
	if (values->oldest_first)
		listing.oldest = true;
	listing.more_filter = more = more_filter(values);
	status = listing_print(ctl, &listing);
	json_decref(more);
	listing_end(&values->listing, &listing);
	return status;
}

#define HISTORY_OPTION(FIELD, NAME, TYPE, ARGUMENT, SUMMARY)                                                        \
	{                                                                                                           \
		.name = NAME, .type = TYPE, .offset = offsetof(struct history_values, FIELD), .argument = ARGUMENT, \
		.summary = SUMMARY                                                                                  \
	}

static const struct option_spec history_options[] = {
	FILTER_OPTIONS(struct history_values, filter),
	HISTORY_OPTION(until, "until", OPTION_TEXT, "WHEN", "only those submitted before: 1h, or a time"),
	HISTORY_OPTION(key, "key", OPTION_TEXT, "KEY", "only those of this key"),
	HISTORY_OPTION(oldest_first, "oldest-first", OPTION_FLAG, NULL, "the same as --order oldest"),
	LISTING_OPTIONS(struct history_values, listing),
	{ .name = NULL },
};

const struct command command_history = {
	.name = "history",
	.operands = "",
	.summary = "List durable tasks out of the store, the newest first",
	.help = "Also those that \"taskctl list\" does not show any more; \"taskctl status\" and\n"
		"\"taskctl result\" work with their ids. How far back it goes is history_ttl and\n"
		"history_count in taskd.conf. Who may read his own tasks only sees those.",
	.options = history_options,
	.values_size = sizeof(struct history_values),
	.reconnects = true,
	.run = run_history,
};
