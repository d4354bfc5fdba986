/* Barriers: barrier.wait, barrier.abort, barrier.reset. */
#include <inttypes.h>
#include <stdio.h>

#include "edge/objects.h"

static void granted(const struct reply_to *to, const struct object_grant *grant)
{
	char text[64];
	int length = snprintf(text, sizeof(text), "{\"index\":%" PRId64 "}", grant->index);
	reply_text(to, text, (size_t)length);
}

static const struct wait_form form = {
	.kind = OBJECT_BARRIER,
	.joins = true,
	.granted = granted,
	.timed_out = object_timed_out,
};

void rpc_barrier_wait(const struct call *call)
{
	struct barrier_wait_params params = { 0 };
	struct asking asking;
	if (!call_params(call, &params))
		return;
	const struct who_params who = { .holder = params.holder };
	if (asking_begin(&asking, call, &form, &params.name, &who, params.timeout))
		asking_end(&asking,
			barrier_wait(asking.objects, &asking.name, params.parties, &asking.holder, asking.wait,
				&asking.grant, &asking.problem));
	call_params_free(call, &params);
}

static void abort_barrier(const struct call *call, const struct object_name *name)
{
	struct object_problem problem;
	problem_clear(&problem);
	int status =
		barrier_abort(core_objects(call->edge->core), name, connection_owner(call->to.connection), &problem);
	if (status == OBJECT_DONE)
		reply_text(&call->to, "true", 4);
	else
		object_error(&call->to, (enum object_status)status, OBJECT_BARRIER, name, &problem);
}

static void reset(const struct call *call, const struct object_name *name)
{
	barrier_reset(core_objects(call->edge->core), name);
	reply_text(&call->to, "true", 4);
}

void rpc_barrier_abort(const struct call *call)
{
	call_with_name(call, OBJECT_BARRIER, abort_barrier);
}

void rpc_barrier_reset(const struct call *call)
{
	call_with_name(call, OBJECT_BARRIER, reset);
}
