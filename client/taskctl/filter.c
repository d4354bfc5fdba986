/* Which tasks, as parameters. The daemon knows what users, queues and times there are; the states are checked here. */
#include "client/taskctl/filter.h"

#include "client/taskctl/taskctl.h"

const char *const task_states[] = {
	"scheduled", "blocked", "queued", "running", "cancelling", "recording", "succeeded", "failed", "timed_out",
	"crashed", "cancelled", "expired", NULL,
};
const char *const task_end_states[] = {
	"succeeded", "failed", "timed_out", "crashed", "cancelled", "expired", NULL,
};

static void put_text(json_t *params, const char *name, const char *text)
{
	if (text)
		json_object_set_new(params, name, must(json_string(text)));
}

void filter_put(const struct filter *filter, json_t *params)
{
	if (filter->states.n > 0) {
		json_t *states = must(json_array());

		for (int i = 0; i < filter->states.n; i++)
			json_array_append_new(states, json_string(filter->states.items[i]));
		json_object_set_new(params, "state", states);
	}
	put_text(params, "queue", filter->queue);
	put_text(params, "task", filter->task);
	put_text(params, "tag", filter->tag);
	put_text(params, "user", filter->user);
	put_text(params, "since", filter->since);
}

bool filter_given(const struct filter *filter)
{
	return filter->states.n > 0 || filter->queue || filter->task || filter->tag || filter->user || filter->since;
}
