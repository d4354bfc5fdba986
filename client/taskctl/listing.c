/* Tables of tasks: fetched a page of the daemon's after the other, by ids, until there are enough. */
#include "client/taskctl/listing.h"

#include <stdlib.h>
#include <string.h>

#include "client/taskctl/filter.h"
#include "client/taskctl/records.h"
#include "client/taskctl/taskctl.h"
#include "client/taskctl/writer.h"

#define PAGE 10000 /* as many as the daemon gives at once */

const char *const listing_orders[] = { "newest", "oldest", NULL };
enum order { ORDER_NEWEST = 1, ORDER_OLDEST };

static json_t *page_params(const struct listing *listing, size_t limit, const char *next)
{
	json_t *params = must(json_object());

	filter_put(listing->filter, params);
	if (listing->more_filter)
		json_object_update(params, (json_t *)(uintptr_t)listing->more_filter);
	json_object_set_new(params, "limit", json_integer((json_int_t)(limit < PAGE ? limit : PAGE)));
	if (listing->oldest)
		json_object_set_new(params, "order", json_string(listing_orders[ORDER_OLDEST - 1]));
	if (next)
		json_object_set_new(params, listing->oldest ? "after" : "before", json_string(next));
	return params;
}

/* Where the next page begins; NULL: there is none. */
static char *next_of(const json_t *page)
{
	const json_t *tasks = json_object_get(page, "tasks");
	const char *id = json_string_value(json_object_get(page, "next"));

	if (!id && json_is_true(json_object_get(page, "more")))
		id = json_string_value(json_object_get(json_array_get(tasks, json_array_size(tasks) - 1), "id"));
	return id ? must(strdup(id)) : NULL;
}

int listing_fetch(struct taskctl *ctl, const struct listing *listing, json_t **records, bool *more)
{
	json_t *all = must(json_array()), *page;
	char *next = NULL;
	int status;

	do {
		json_t *params = page_params(listing, listing->limit - json_array_size(all), next);

		free(next);
		next = NULL;
		status = taskctl_request(ctl, listing->method, params, &page);
		if (status == EXIT_FINE) {
			next = next_of(page);
			json_array_extend(all, json_object_get(page, "tasks"));
			json_decref(page);
		}
	} while (next && json_array_size(all) < listing->limit);
	*more = next != NULL;
	free(next);
	if (status != EXIT_FINE) {
		json_decref(all);
		return status;
	}
	if (listing->sort)
		records_sort(all, listing->sort);
	*records = all;
	return EXIT_FINE;
}

int listing_print(struct taskctl *ctl, const struct listing *listing)
{
	json_t *all;
	bool more;
	int status = listing_fetch(ctl, listing, &all, &more);

	if (status != EXIT_FINE)
		return status;
	ctl->writer->ops->table(ctl->writer, listing->columns, all);
	if (more)
		report_note(ctl, "the %s %zu; --limit shows more", listing->oldest ? "oldest" : "newest",
			json_array_size(all));
	else if (json_array_size(all) == 0)
		report_note(ctl, "no tasks");
	json_decref(all);
	return EXIT_FINE;
}

bool listing_helps(const struct listing_values *values)
{
	for (int i = 0; i < values->columns.n; i++) {
		if (strcmp(values->columns.items[i], "help") == 0) {
			columns_help();
			return true;
		}
	}
	return false;
}

int listing_begin(const struct taskctl *ctl, const struct listing_values *values, struct listing *listing)
{
	int status = values->sort ? column_check(ctl, values->sort) : EXIT_FINE;

	if (status != EXIT_FINE)
		return status;
	listing->oldest = values->order == ORDER_OLDEST;
	listing->limit = values->limit.given ? (size_t)values->limit.value : LISTING_DEFAULT;
	listing->sort = values->sort;
	if (listing->limit == 0)
		listing->limit = SIZE_MAX;
	if (values->columns.n > 0)
		listing->columns = columns_choose(&values->columns);
	return EXIT_FINE;
}

void listing_end(const struct listing_values *values, struct listing *listing)
{
	if (values->columns.n > 0)
		free((void *)(uintptr_t)listing->columns);
}
