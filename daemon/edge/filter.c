/* What the words of a filter mean: states, a queue, a task's name, a tag, a user, a time. A word that names nothing is an
 * error with a suggestion, since nobody asks for what cannot be there. */
#include <string.h>

#include "base/users.h"
#include "edge/access.h"
#include "edge/rpc.h"
#include "proto/suggest.h"

bool filter_states(const struct call *call, const struct param_strings *names, unsigned *states)
{
	for (size_t i = 0; i < names->count; i++) {
		struct suggest suggest;
		unsigned bit = 0;
		suggest_begin(&suggest, names->strings[i]);
		for (int state = 0; state < TASK_N_STATES; state++) {
			const char *name = task_state_name((enum task_state)state);
			suggest_offer(&suggest, name);
			if (strcmp(names->strings[i], name) == 0)
				bit = TASK_STATE_BIT(state);
		}
		if (!bit) {
			reply_unknown(&call->to, PROTO_INVALID_PARAMS, "state", names->strings[i], suggest.best);
			return false;
		}
		*states |= bit;
	}
	return true;
}

static bool set_type(const struct call *call, const char *name, struct task_filter *filter)
{
	filter->type = core_type_find(call->edge->core, name, strlen(name));
	if (filter->type)
		return true;
	submission_unknown_task(call, name);
	return false;
}

static bool set_user(const struct call *call, const char *name, struct task_filter *filter)
{
	filter->by_owner = true;
	if (user_find(name, &filter->owner))
		return true;
	reply_errorf(&call->to, PROTO_INVALID_PARAMS,
		"unknown user \"%.100s\": a name in /etc/passwd, or a number, is needed", name);
	return false;
}

bool filter_prepare(
	const struct call *call, const struct filter_params *params, enum right right, struct task_filter *out)
{
	*out = (struct task_filter){
		.tag = params->tag,
		.tag_length = params->tag ? strlen(params->tag) : 0,
	};
	if (!filter_states(call, &params->states, &out->states))
		return false;
	if (params->queue && !(out->queue = submission_queue(call, params->queue)))
		return false;
	if (params->task && !set_type(call, params->task, out))
		return false;
	if (params->user && !set_user(call, params->user, out))
		return false;
	if (params->since.given)
		out->since_ns = submission_moment(call->edge->core, &params->since, true);
	return access_narrow(call, right, out);
}

bool filter_is_empty(const struct filter_params *params)
{
	return !params->states.count && !params->queue && !params->task && !params->tag && !params->user &&
		!params->since.given;
}
