/* Locks: lock.acquire, lock.release. */
#include <inttypes.h>
#include <stdio.h>

#include "edge/objects.h"

static void granted(const struct reply_to *to, const struct object_grant *grant)
{
	char text[128];
	int length = snprintf(text, sizeof(text), "{\"fence\":%" PRIu64 ",\"holder_died\":%s,\"depth\":%" PRId64 "}",
		grant->fence, grant->holder_died ? "true" : "false", grant->depth);
	reply_text(to, text, (size_t)length);
}

static const struct wait_form form = { .kind = OBJECT_LOCK, .granted = granted, .timed_out = object_timed_out };

static void acquire(const struct call *call, const struct lock_acquire_params *params)
{
	struct asking asking;
	if (!asking_begin(&asking, call, &form, &params->name, &params->who, params->timeout))
		return;
	const struct lock_request request = {
		.name = asking.name,
		.holder = asking.holder,
		.shared = params->shared,
		.reentrant = params->reentrant,
	};
	asking_end(&asking, lock_acquire(asking.objects, &request, asking.wait, &asking.grant, &asking.problem));
}

void rpc_lock_acquire(const struct call *call)
{
	struct lock_acquire_params params = { 0 };
	if (!call_params(call, &params))
		return;
	acquire(call, &params);
	call_params_free(call, &params);
}

static void release(const struct call *call, const struct lock_release_params *params)
{
	struct object_name name;
	struct object_problem problem;
	struct object_holder holder;
	int64_t depth = 0;
	char text[64];
	if (!call_takes_object(call, OBJECT_LOCK, &params->name, &name) || !call_holder(call, &params->who, &holder))
		return;
	problem_clear(&problem);
	int status = lock_release(core_objects(call->edge->core), &name, &holder, &depth, &problem);
	if (status != OBJECT_DONE) {
		object_error(&call->to, (enum object_status)status, OBJECT_LOCK, &name, &problem);
		return;
	}
	int length = snprintf(text, sizeof(text), "{\"depth\":%" PRId64 "}", depth);
	reply_text(&call->to, text, (size_t)length);
}

void rpc_lock_release(const struct call *call)
{
	struct lock_release_params params = { 0 };
	if (!call_params(call, &params))
		return;
	release(call, &params);
	call_params_free(call, &params);
}
