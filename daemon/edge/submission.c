/* Submitting a task: which type, which queue, which limits; and how to say no. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/bytes.h"
#include "edge/rpc.h"
#include "pool/pool.h"
#include "proto/suggest.h"

void submission_unknown_task(const struct call *call, const char *name)
{
	struct suggest suggest;
	struct task_type *type = NULL;
	suggest_begin(&suggest, name);
	while ((type = core_type_next(call->edge->core, type)))
		if (type->known)
			suggest_offer(&suggest, type->name);
	reply_unknown(&call->to, PROTO_UNKNOWN_TASK, "task", name, suggest.best);
}

static void unknown_queue(const struct call *call, const char *name)
{
	struct suggest suggest;
	struct core_queue *queue = NULL;
	suggest_begin(&suggest, name);
	while ((queue = core_queue_next(call->edge->core, queue)))
		suggest_offer(&suggest, core_queue_name(queue));
	reply_unknown(&call->to, PROTO_INVALID_PARAMS, "queue", name, suggest.best);
}

static bool choose_queue(const struct call *call, const struct submit_options *options, struct task_spec *spec)
{
	if (!options->queue) {
		spec->queue = spec->type->queue;
		if (!spec->queue)
			reply_errorf(&call->to, PROTO_UNAVAILABLE, "no pool serves the task \"%s\"", spec->type->name);
		return spec->queue;
	}
	spec->queue = core_queue_find(call->edge->core, options->queue);
	if (!spec->queue) {
		unknown_queue(call, options->queue);
		return false;
	}
	if (pools_serves(core_queue_pool(spec->queue), spec->type->name))
		return true;
	reply_errorf(&call->to, PROTO_INVALID_PARAMS, "the queue \"%.100s\" belongs to pool \"%.100s\", which does not serve the task \"%s\"",
		options->queue, core_pool_name(core_queue_pool(spec->queue)), spec->type->name);
	return false;
}

bool submission_prepare(const struct call *call, const char *task, const struct submit_options *options,
	struct task_spec *spec)
{
	*spec = (struct task_spec){
		.type = core_type_find(call->edge->core, task, strlen(task)),
		.priority = (int32_t)options->priority,
		.owner = call->to.connection->peer.uid,
		.timeout_ns = options->timeout > 0 ? options->timeout : 0,
		.tag = options->tag,
		.tag_length = options->tag ? strlen(options->tag) : 0,
	};
	if (!spec->type || !spec->type->known) {
		submission_unknown_task(call, task);
		return false;
	}
	return choose_queue(call, options, spec);
}

/* How long a tenth of the queue takes, as far as can be told. */
static double retry_after(const struct task_spec *spec, size_t depth)
{
	double seconds = (double)spec->type->mean_run_ns / (double)NS_PER_S * (double)depth / 10;
	return seconds < 0.01 ? 0.01 : seconds > 60 ? 60 : seconds;
}

void submission_refused(const struct reply_to *to, int refusal, const struct task_spec *spec, size_t wanted)
{
	struct core_queue_figures figures;
	struct strbuf data = STRBUF_INIT;
	char message[256];
	if (refusal == CORE_CLOSED) {
		reply_error(to, PROTO_SHUTTING_DOWN, NULL, NULL);
		return;
	}
	core_queue_figures(spec->queue, &figures);
	bool by_bytes = !figures.options.limit_queued || figures.waiting + wanted <= figures.options.limit_queued;
	snprintf(message, sizeof(message), "the queue \"%.100s\" is full: %zu tasks (%zu bytes) wait",
		core_queue_name(spec->queue), figures.waiting, figures.waiting_bytes);
	error_data_begin(&data, PROTO_QUEUE_FULL);
	strbuf_printf(&data, ",\"depth\":%zu,\"limit\":%zu,\"retry_after\":%.2f}",
		by_bytes ? figures.waiting_bytes : figures.waiting,
		by_bytes ? figures.options.limit_bytes : figures.options.limit_queued, retry_after(spec, figures.waiting));
	reply_error(to, PROTO_QUEUE_FULL, message, data.data);
	strbuf_free(&data);
}

struct task *submission_submit(const struct call *call, struct task_spec *spec, const char *args, size_t length)
{
	struct edge *edge = call->edge;
	struct task *task;
	if (length > edge->limits.payload) {
		reply_errorf(&call->to, PROTO_TOO_LARGE, "the arguments have %zu bytes; payload_limit is %zu", length,
			edge->limits.payload);
		return NULL;
	}
	spec->args = bytes_new(args, length);
	if (!spec->args) {
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for the arguments", NULL);
		return NULL;
	}
	int refusal = core_submit(edge->core, spec, &task);
	bytes_unref(spec->args);
	if (refusal != CORE_OK) {
		submission_refused(&call->to, refusal, spec, 1);
		return NULL;
	}
	return task;
}
