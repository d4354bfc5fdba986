/* Events: event.set, event.clear, event.is_set, event.wait. */
#include "edge/objects.h"

static void granted(const struct reply_to *to, const struct object_grant *grant)
{
	(void)grant;
	reply_text(to, "true", 4);
}

static const struct wait_form form = { .kind = OBJECT_EVENT, .granted = granted, .timed_out = object_timed_out };

static void set(const struct call *call, const struct object_name *name)
{
	struct object_problem problem;
	problem_clear(&problem);
	int status = event_raise(core_objects(call->edge->core), name, connection_owner(call->to.connection), &problem);
	if (status == OBJECT_DONE)
		reply_text(&call->to, "true", 4);
	else
		object_error(&call->to, (enum object_status)status, OBJECT_EVENT, name, &problem);
}

static void clear(const struct call *call, const struct object_name *name)
{
	event_clear(core_objects(call->edge->core), name);
	reply_text(&call->to, "true", 4);
}

static void is_set(const struct call *call, const struct object_name *name)
{
	static const char yes[] = "{\"set\":true}", no[] = "{\"set\":false}";
	if (event_is_set(core_objects(call->edge->core), name))
		reply_text(&call->to, yes, sizeof(yes) - 1);
	else
		reply_text(&call->to, no, sizeof(no) - 1);
}

void rpc_event_set(const struct call *call)
{
	call_with_name(call, OBJECT_EVENT, set);
}

void rpc_event_clear(const struct call *call)
{
	call_with_name(call, OBJECT_EVENT, clear);
}

void rpc_event_is_set(const struct call *call)
{
	call_with_name(call, OBJECT_EVENT, is_set);
}

void rpc_event_wait(const struct call *call)
{
	struct event_wait_params params = { 0 };
	struct asking asking;
	if (!call_params(call, &params))
		return;
	if (asking_begin(&asking, call, &form, &params.name, &params.who, params.timeout))
		asking_end(&asking,
			event_wait(asking.objects, &asking.name, &asking.holder, asking.wait, &asking.problem));
	call_params_free(call, &params);
}
