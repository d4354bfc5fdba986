/* Conditions: condition.wait, condition.notify. */
#include <inttypes.h>
#include <stdio.h>

#include "edge/objects.h"

static void granted(const struct reply_to *to, const struct object_grant *grant)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"notified\":%s,\"fence\":%" PRIu64 ",\"holder_died\":%s}",
		grant->notified ? "true" : "false", grant->fence, grant->holder_died ? "true" : "false");
	reply_text(to, text, (size_t)length);
}

static const struct wait_form form = {
	.kind = OBJECT_CONDITION,
	.joins = true,
	.granted = granted,
	.timed_out = object_timed_out,
};

void rpc_condition_wait(const struct call *call)
{
	struct condition_wait_params params = { 0 };
	struct asking asking;
	struct object_name lock;
	if (!call_params(call, &params))
		return;
	if (call_takes_object(call, OBJECT_LOCK, &params.lock, &lock) &&
		asking_begin(&asking, call, &form, &params.name, &params.who, params.timeout))
		asking_end(&asking,
			condition_wait(
				asking.objects, &asking.name, &lock, &asking.holder, asking.wait, &asking.problem));
	call_params_free(call, &params);
}

static void notify(const struct call *call, const struct condition_notify_params *params)
{
	struct object_name name, lock;
	struct object_problem problem;
	struct object_holder holder;
	int64_t count = params->all ? -1 : params->count ? params->count : 1;
	size_t notified = 0;
	char text[64];
	if (!call_takes_object(call, OBJECT_CONDITION, &params->name, &name) ||
		!call_takes_object(call, OBJECT_LOCK, &params->lock, &lock) ||
		!call_holder(call, &params->who, &holder))
		return;
	problem_clear(&problem);
	int status =
		condition_notify(core_objects(call->edge->core), &name, &lock, &holder, count, &notified, &problem);
	if (status != OBJECT_DONE) {
		object_error(&call->to, (enum object_status)status, OBJECT_CONDITION, &name, &problem);
		return;
	}
	int length = snprintf(text, sizeof(text), "{\"notified\":%zu}", notified);
	reply_text(&call->to, text, (size_t)length);
}

void rpc_condition_notify(const struct call *call)
{
	struct condition_notify_params params = { 0 };
	if (!call_params(call, &params))
		return;
	notify(call, &params);
	call_params_free(call, &params);
}
