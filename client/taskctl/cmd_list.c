/* list: tasks by what they have in common, a page of the daemon's after the other until there are enough. */
#include <stdlib.h>
#include <string.h>

#include "client/taskctl/commands.h"
#include "client/taskctl/events.h"
#include "client/taskctl/filter.h"
#include "client/taskctl/listing.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define LIST_PAGE 10000 /* as many as the daemon gives at once */

struct list_values {
	struct filter filter;
	struct option_integer limit;
	int order; /* 1 + index of orders */
	struct option_list columns;
	const char *sort;
	bool watch;
};

static const char *const orders[] = { "newest", "oldest", NULL };
enum order { ORDER_NEWEST = 1, ORDER_OLDEST };

static json_t *page_params(const struct listing *listing, size_t limit, const json_t *next)
{
	json_t *params = must(json_object());

	filter_put(listing->filter, params);
	json_object_set_new(params, "limit", json_integer((json_int_t)(limit < LIST_PAGE ? limit : LIST_PAGE)));
	if (listing->oldest)
		json_object_set_new(params, "order", json_string(orders[ORDER_OLDEST - 1]));
	if (next)
		json_object_set_new(params, listing->oldest ? "after" : "before", json_string(json_string_value(next)));
	return params;
}

int listing_fetch(struct taskctl *ctl, const struct listing *listing, json_t **records, bool *more)
{
	json_t *all = must(json_array()), *next = NULL, *page;
	int status;

	do {
		status = taskctl_request(ctl, METHOD_TASK_LIST,
			page_params(listing, listing->limit - json_array_size(all), next), &page);
		json_decref(next);
		next = NULL;
		if (status == EXIT_FINE) {
			next = json_incref(json_object_get(page, "next"));
			json_array_extend(all, json_object_get(page, "tasks"));
			json_decref(page);
		}
	} while (next && json_array_size(all) < listing->limit);
	*more = next != NULL;
	json_decref(next);
	if (status != EXIT_FINE) {
		json_decref(all);
		return status;
	}
	if (listing->sort)
		records_sort(all, listing->sort);
	*records = all;
	return EXIT_FINE;
}

static int list_once(struct taskctl *ctl, const struct listing *listing)
{
	json_t *all;
	bool more;
	int status = listing_fetch(ctl, listing, &all, &more);

	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->table(ctl->writer, listing->columns, all);
	if (more)
		report_note(ctl, "the %s %zu; --limit shows more", listing->oldest ? "oldest" : "newest", json_array_size(all));
	else if (json_array_size(all) == 0)
		report_note(ctl, "no tasks");
	json_decref(all);
	return EXIT_FINE;
}

static bool asks_for_help(const struct option_list *columns)
{
	for (int i = 0; i < columns->n; i++)
		if (strcmp(columns->items[i], "help") == 0)
			return true;
	return false;
}

static int run_list(struct taskctl *ctl, const struct invocation *invocation)
{
	const struct list_values *values = invocation->values;
	struct field *chosen = NULL;
	struct listing listing = {
		.filter = &values->filter,
		.oldest = values->order == ORDER_OLDEST,
		.limit = values->limit.given ? (size_t)values->limit.value : LIST_DEFAULT,
		.columns = record_columns,
		.sort = values->sort,
	};
	int status = EXIT_FINE;

	if (asks_for_help(&values->columns)) {
		columns_help();
		return EXIT_FINE;
	}
	if (listing.sort)
		status = column_check(ctl, listing.sort);
	if (status != EXIT_FINE)
		return status;
	if (listing.limit == 0)
		listing.limit = SIZE_MAX;
	if (values->columns.n > 0)
		listing.columns = chosen = columns_choose(&values->columns);
	if (!values->watch)
		status = list_once(ctl, &listing);
	else if (ctl->writer->terminal && !ctl->json)
		status = listing_watch(ctl, &listing, values->limit.given);
	else
		status = events_print(ctl, NULL, &values->filter, false);
	free(chosen);
	return status;
}

static const struct option_spec list_options[] = {
	FILTER_OPTIONS(struct list_values, filter),
	{ .name = "limit", .letter = 'n', .type = OPTION_INTEGER, .offset = offsetof(struct list_values, limit),
		.argument = "N", .summary = "at most so many (100); 0: all", .min = 0, .max = INT32_MAX },
	{ .name = "order", .type = OPTION_WORD, .offset = offsetof(struct list_values, order), .argument = "ORDER",
		.summary = "newest (default) or oldest first", .complete = COMPLETE_WORDS, .words = orders },
	{ .name = "columns", .letter = 'c', .type = OPTION_LIST, .offset = offsetof(struct list_values, columns),
		.argument = "COLUMN", .summary = "these columns, with commas; \"help\" lists them",
		.complete = COMPLETE_WORDS, .words = column_names },
	{ .name = "sort", .type = OPTION_TEXT, .offset = offsetof(struct list_values, sort), .argument = "COLUMN",
		.summary = "sort what is shown by a column; -COLUMN: downwards", .complete = COMPLETE_WORDS,
		.words = column_names },
	{ .name = "watch", .letter = 'w', .type = OPTION_FLAG, .offset = offsetof(struct list_values, watch),
		.summary = "go on, as tasks change: a table on a terminal, else a line each" },
	{ .name = NULL },
};

const struct command command_list = {
	.name = "list",
	.operands = "",
	.summary = "List tasks, the newest first",
	.help = "The states are: scheduled, blocked, queued, running, cancelling, succeeded,\n"
		"failed, timed_out, crashed, cancelled, expired.\n\n"
		"With --watch the table is drawn anew whenever one of them changes, until Ctrl-C;\n"
		"where standard output is no terminal, each change is a line, as of \"taskctl watch\".",
	.options = list_options,
	.values_size = sizeof(struct list_values),
	.run = run_list,
};
