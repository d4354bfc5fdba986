/* Message queues as such: making and deleting them, and what is in them. */
#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "edge/objects.h"

/* So much is shown of a queue in one answer, but always one message. */
#define PEEK_BYTES (1024u * 1024)

static void create(const struct call *call, const struct mq_create_params *params)
{
	struct object_name name;
	const struct mq_options options = {
		.order = params->options.order,
		.limit_count = params->options.limit_count,
		.limit_bytes = params->options.limit_bytes,
		.shared = params->shared ? 1 : -1,
	};
	struct object_problem problem;
	bool created = false;
	if (!call_takes_object(call, OBJECT_MQ, &params->name, &name))
		return;
	problem_clear(&problem);
	int status = mq_create(core_objects(call->edge->core), &name, &options, connection_owner(call->to.connection),
		&created, &problem);
	if (status != OBJECT_DONE)
		object_error(&call->to, (enum object_status)status, OBJECT_MQ, &name, &problem);
	else if (created)
		reply_text(&call->to, "{\"created\":true}", 16);
	else
		reply_text(&call->to, "{\"created\":false}", 17);
}

void rpc_mq_create(const struct call *call)
{
	struct mq_create_params params = { 0 };
	if (!call_params(call, &params))
		return;
	create(call, &params);
	call_params_free(call, &params);
}

static void peek(const struct call *call, const struct mq_peek_params *params)
{
	struct object_name name;
	struct bytes *values[PEEK_MAX];
	struct strbuf out = STRBUF_INIT;
	if (!call_takes_object(call, OBJECT_MQ, &params->name, &name))
		return;
	size_t n = mq_peek(core_objects(call->edge->core), &name, params->end == MQ_END_TAIL, values,
		params->limit ? (size_t)params->limit : 1);
	strbuf_puts(&out, "{\"values\":[");
	for (size_t i = 0; i < n && (i == 0 || out.length + values[i]->size <= PEEK_BYTES); i++) {
		strbuf_puts(&out, i ? "," : "");
		strbuf_add(&out, values[i]->data, values[i]->size);
	}
	strbuf_puts(&out, "]}");
	connection_looked(call->to.connection, n);
	reply_buffer(&call->to, &out);
}

void rpc_mq_peek(const struct call *call)
{
	struct mq_peek_params params = { 0 };
	if (!call_params(call, &params))
		return;
	peek(call, &params);
	call_params_free(call, &params);
}

static void length(const struct call *call, const struct object_name *name)
{
	struct mq_figures figures = { 0 };
	char text[320];
	mq_figures(core_objects(call->edge->core), name, &figures);
	int used = snprintf(text, sizeof(text),
		"{\"length\":%zu,\"bytes\":%zu,\"unacked\":%zu,\"unfinished\":%" PRIu64
		",\"getters\":%zu,\"putters\":%zu",
		figures.length, figures.bytes, figures.unacked, figures.unfinished, figures.getters, figures.putters);
	if (figures.owned)
		used += snprintf(text + used, sizeof(text) - (size_t)used, ",\"owner\":%u,\"shared\":%s",
			(unsigned)figures.owner, figures.options.shared ? "true" : "false");
	text[used++] = '}';
	reply_text(&call->to, text, (size_t)used);
}

static void clear(const struct call *call, const struct object_name *name)
{
	char text[64];
	size_t cleared = mq_clear(core_objects(call->edge->core), name);
	int used = snprintf(text, sizeof(text), "{\"cleared\":%zu}", cleared);
	reply_text(&call->to, text, (size_t)used);
}

static void delete (const struct call *call, const struct object_name *name)
{
	struct objects *objects = core_objects(call->edge->core);
	struct mq_figures figures;
	/* That others wait for what may be put some day is not this one's to end. */
	bool ours = mq_figures(objects, name, &figures) && !figures.owned && !access_has(call, RIGHT_ADMIN);
	int status = ours ? mq_delete_waits(objects, name, call->to.connection->peer.uid) : mq_delete(objects, name);
	if (status == OBJECT_DONE)
		reply_text(&call->to, "true", 4);
	else
		object_error(&call->to, (enum object_status)status, OBJECT_MQ, name, NULL);
}

void rpc_mq_length(const struct call *call)
{
	call_with_name(call, OBJECT_MQ, length);
}

void rpc_mq_clear(const struct call *call)
{
	call_with_name(call, OBJECT_MQ, clear);
}

void rpc_mq_delete(const struct call *call)
{
	call_with_name(call, OBJECT_MQ, delete);
}
