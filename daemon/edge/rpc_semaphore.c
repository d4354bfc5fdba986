/* Semaphores: semaphore.acquire, semaphore.release. */
#include <inttypes.h>
#include <stdio.h>

#include "edge/objects.h"

static void granted(const struct reply_to *to, const struct object_grant *grant)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"fence\":%" PRIu64 ",\"holder_died\":%s}", grant->fence,
		grant->holder_died ? "true" : "false");
	reply_text(to, text, (size_t)length);
}

static const struct wait_form form = { .kind = OBJECT_SEMAPHORE, .granted = granted, .timed_out = object_timed_out };

static struct semaphore_request request_of(
	const struct semaphore_params *params, const struct object_name *name, const struct object_holder *holder)
{
	return (struct semaphore_request){
		.name = *name,
		.holder = *holder,
		.slots = params->slots,
		.bounded = params->bounded,
		.count = params->count ? params->count : 1,
	};
}

static void acquire(const struct call *call, const struct semaphore_params *params)
{
	struct asking asking;
	if (!asking_begin(&asking, call, &form, &params->name, &params->who, params->timeout))
		return;
	const struct semaphore_request request = request_of(params, &asking.name, &asking.holder);
	asking_end(&asking, semaphore_acquire(asking.objects, &request, asking.wait, &asking.grant, &asking.problem));
}

void rpc_semaphore_acquire(const struct call *call)
{
	struct semaphore_params params = { 0 };
	if (!call_params(call, &params))
		return;
	acquire(call, &params);
	call_params_free(call, &params);
}

static void release(const struct call *call, const struct semaphore_params *params)
{
	struct object_problem problem;
	struct object_holder holder;
	struct object_name name;
	int64_t value = 0;
	char text[64];
	if (!call_takes_object(call, OBJECT_SEMAPHORE, &params->name, &name) ||
		!call_holder(call, &params->who, &holder))
		return;
	const struct semaphore_request request = request_of(params, &name, &holder);
	problem_clear(&problem);
	int status = semaphore_release(core_objects(call->edge->core), &request, &value, &problem);
	if (status != OBJECT_DONE) {
		object_error(&call->to, (enum object_status)status, OBJECT_SEMAPHORE, &request.name, &problem);
		return;
	}
	int length = snprintf(text, sizeof(text), "{\"value\":%" PRId64 "}", value);
	reply_text(&call->to, text, (size_t)length);
}

void rpc_semaphore_release(const struct call *call)
{
	struct semaphore_params params = { 0 };
	if (!call_params(call, &params))
		return;
	release(call, &params);
	call_params_free(call, &params);
}
