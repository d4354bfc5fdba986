/* Message queues at work: putting and getting messages, acknowledging them, waiting until all are dealt with. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "edge/objects.h"

static void answer_true(const struct reply_to *to, const struct object_grant *grant)
{
	(void)grant;
	reply_text(to, "true", 4);
}

/* --- put --- */

static void full(const struct reply_to *to, enum object_kind kind, const struct object_name *name)
{
	struct strbuf text = STRBUF_INIT, data = STRBUF_INIT;
	struct mq_figures figures = { 0 };
	(void)kind;
	mq_figures(core_objects(to->connection->edge->core), name, &figures);
	strbuf_printf(&text, "message queue \"%.*s\" is full: it has %zu messages of %zu bytes", (int)name->length,
		name->data, figures.length, figures.bytes);
	strbuf_printf(&data,
		"{\"kind\":\"%s\",\"length\":%zu,\"bytes\":%zu,\"limit_count\":%" PRId64 ",\"limit_bytes\":%" PRId64
		"}",
		proto_error_info(PROTO_QUEUE_FULL)->kind, figures.length, figures.bytes, figures.options.limit_count,
		figures.options.limit_bytes);
	reply_error(to, PROTO_QUEUE_FULL, text.data, data.data);
	strbuf_free(&text);
	strbuf_free(&data);
}

static const struct wait_form put_form = { .kind = OBJECT_MQ, .granted = answer_true, .timed_out = full };

/* Its receivers may read lines: a newline between its tokens becomes a space. */
static struct bytes *copy_value(const struct json_span *value)
{
	char *room;
	struct bytes *bytes = bytes_new_room(value->length, &room);
	if (!bytes)
		return NULL;
	memcpy(room, value->text, value->length);
	if (memchr(room, '\n', value->length) || memchr(room, '\r', value->length))
		for (size_t i = 0; i < value->length; i++)
			room[i] = room[i] == '\n' || room[i] == '\r' ? ' ' : room[i];
	return bytes;
}

static void put_value(struct asking *asking, const struct mq_put_params *params, struct bytes *value)
{
	const struct mq_options options = {
		.order = params->options.order,
		.limit_count = params->options.limit_count,
		.limit_bytes = params->options.limit_bytes,
		.shared = -1,
	};
	const struct mq_message message = {
		.value = value,
		.priority = (int32_t)params->priority,
		.head = params->end == MQ_END_HEAD,
	};
	asking->charge = value->size;
	asking_end(asking,
		mq_put(asking->objects, &asking->name, &asking->holder, &options, &message, asking->wait,
			&asking->problem));
}

static void put(const struct call *call, const struct mq_put_params *params)
{
	struct asking asking;
	if (params->value.length > call->edge->limits.payload) {
		reply_errorf(&call->to, PROTO_TOO_LARGE, "the message has %zu bytes, more than payload_limit (%zu)",
			params->value.length, call->edge->limits.payload);
		return;
	}
	struct bytes *value = copy_value(&params->value);
	if (!value)
		reply_error(&call->to, PROTO_INTERNAL_ERROR, "no memory for the message", NULL);
	else if (asking_begin(&asking, call, &put_form, &params->name, NULL, params->timeout))
		put_value(&asking, params, value);
	bytes_unref(value);
}

void rpc_mq_put(const struct call *call)
{
	struct mq_put_params params = { 0 };
	if (!call_params(call, &params))
		return;
	put(call, &params);
	call_params_free(call, &params);
}

/* --- get --- */

static void got(const struct reply_to *to, const struct object_grant *grant)
{
	char behind[128];
	size_t used = 0;
	if (grant->priority)
		used += (size_t)snprintf(
			behind + used, sizeof(behind) - used, ",\"priority\":%d", (int)grant->priority);
	if (grant->receipt)
		used += (size_t)snprintf(
			behind + used, sizeof(behind) - used, ",\"receipt\":\"%" PRIu64 "\"", grant->receipt);
	if (grant->receipt || grant->deliveries > 1)
		used += (size_t)snprintf(
			behind + used, sizeof(behind) - used, ",\"deliveries\":%u", (unsigned)grant->deliveries);
	memcpy(behind + used, "}", 2);
	reply_around(to, "{\"value\":", grant->value, behind);
	bytes_unref(grant->value);
}

static const struct wait_form get_form = { .kind = OBJECT_MQ, .granted = got, .timed_out = object_timed_out };

void rpc_mq_get(const struct call *call)
{
	struct mq_get_params params = { 0 };
	struct asking asking;
	if (!call_params(call, &params))
		return;
	const struct mq_get how = { .tail = params.end == MQ_END_TAIL, .ack = params.ack };
	/* Without an id it would be thrown away. */
	if (call->to.id && asking_begin(&asking, call, &get_form, &params.name, NULL, params.timeout))
		asking_end(&asking,
			mq_get(asking.objects, &asking.name, &asking.holder, &how, asking.wait, &asking.grant,
				&asking.problem));
	call_params_free(call, &params);
}

/* --- what was got is dealt with --- */

static void give_receipt(const struct call *call,
	int (*give)(struct objects *, struct object_owner *, uint64_t, struct object_problem *))
{
	struct mq_receipt_params params = { 0 };
	struct object_problem problem;
	if (!call_params(call, &params))
		return;
	problem_clear(&problem);
	int status =
		give(core_objects(call->edge->core), connection_owner(call->to.connection), params.receipt, &problem);
	if (status == OBJECT_DONE)
		reply_text(&call->to, "true", 4);
	else
		reply_errorf(&call->to, PROTO_NOT_FOUND,
			"this connection has no message with the receipt \"%" PRIu64 "\", or has it no longer",
			params.receipt);
	call_params_free(call, &params);
}

void rpc_mq_ack(const struct call *call)
{
	give_receipt(call, mq_ack);
}

void rpc_mq_nack(const struct call *call)
{
	give_receipt(call, mq_nack);
}

static void task_done(const struct call *call, const struct object_name *name, int64_t count)
{
	struct object_problem problem;
	uint64_t unfinished = 0;
	char text[64];
	problem_clear(&problem);
	int status = mq_task_done(core_objects(call->edge->core), name, count, &unfinished, &problem);
	int length = snprintf(text, sizeof(text), "{\"unfinished\":%" PRIu64 "}", unfinished);
	if (status == OBJECT_DONE)
		reply_text(&call->to, text, (size_t)length);
	else
		object_error(&call->to, (enum object_status)status, OBJECT_MQ, name, &problem);
}

void rpc_mq_task_done(const struct call *call)
{
	struct mq_task_done_params params = { 0 };
	struct object_name name;
	if (!call_params(call, &params))
		return;
	if (call_takes_object(call, OBJECT_MQ, &params.name, &name))
		task_done(call, &name, params.count ? params.count : 1);
	call_params_free(call, &params);
}

/* --- join --- */

static void left_over(const struct reply_to *to, enum object_kind kind, const struct object_name *name)
{
	struct mq_figures figures = { 0 };
	(void)kind;
	mq_figures(core_objects(to->connection->edge->core), name, &figures);
	struct strbuf text = STRBUF_INIT, data = STRBUF_INIT;
	strbuf_printf(&text, "%" PRIu64 " messages of message queue \"%.*s\" were not dealt with in time",
		figures.unfinished, (int)name->length, name->data);
	strbuf_printf(&data, "{\"kind\":\"%s\",\"unfinished\":%" PRIu64 "}",
		proto_error_info(PROTO_WAIT_TIMED_OUT)->kind, figures.unfinished);
	reply_error(to, PROTO_WAIT_TIMED_OUT, text.data, data.data);
	strbuf_free(&text);
	strbuf_free(&data);
}

static const struct wait_form join_form = { .kind = OBJECT_MQ, .granted = answer_true, .timed_out = left_over };

void rpc_mq_join(const struct call *call)
{
	struct mq_join_params params = { 0 };
	struct asking asking;
	if (!call_params(call, &params))
		return;
	if (asking_begin(&asking, call, &join_form, &params.name, NULL, params.timeout))
		asking_end(
			&asking, mq_join(asking.objects, &asking.name, &asking.holder, asking.wait, &asking.problem));
	call_params_free(call, &params);
}
