/* Cancelling, retrying and forgetting: tasks by their ids, or all that a filter matches. Those may be millions, so that
 * is done in slices, one a turn, and answered at the end. Only what was there when the request came is concerned. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/many.h"
#include "proto/jsonrpc.h"

#define SLICE 10000 /* tasks looked at in a turn */

uint64_t tasks_newest(struct core *core)
{
	const struct task_filter all = { 0 };
	struct task_walk walk = { 0 };
	struct task *task;
	return core_select(core, &all, &walk, 1, &task, 1) ? task->id : 0;
}

/* --- cancelling --- */

static void cancel_act(struct many *many, struct task *task)
{
	if (core_cancel(task))
		many->done++;
	else
		many->begun++;
}

static void cancel_tell(const struct many *many, struct strbuf *out)
{
	strbuf_printf(out, ",\"cancelled\":%zu,\"cancelling\":%zu", many->done, many->begun);
}

static const struct action cancel_action = {
	.states = ALL_STATES & ~TERMINAL_STATES,
	.act = cancel_act,
	.tell = cancel_tell,
};

/* --- forgetting --- */

static void forget_act(struct many *many, struct task *task)
{
	many->done += core_forget(task);
}

static void forget_tell(const struct many *many, struct strbuf *out)
{
	strbuf_printf(out, ",\"forgotten\":%zu", many->done);
}

static const struct action forget_action = {
	.states = TERMINAL_STATES,
	.act = forget_act,
	.tell = forget_tell,
};

/* --- all that a filter matches --- */

static void many_free(struct many *many)
{
	struct recorded *recorded;
	if (!many->over)
		STAILQ_REMOVE(&many->request->connection->edge->manies, many, many, link);
	while ((recorded = LIST_FIRST(&many->recorded))) {
		task_unwait(&recorded->waiter);
		recorded_free(recorded);
	}
	params_free(method_info(many->method)->params, &many->params);
	strbuf_free(&many->error);
	free(many);
}

static void many_abandon(struct request *request)
{
	many_free(request->state);
}

static void write_counts(const struct many *many, struct strbuf *out)
{
	strbuf_printf(out, "\"matched\":%zu", many->matched);
	many->action->tell(many, out);
}

static void many_cancel(struct request *request, struct strbuf *out)
{
	struct many *many = request->state;
	const struct reply_to to = request_reply_to(request);
	struct strbuf data = STRBUF_INIT;
	(void)out;
	error_data_begin(&data, PROTO_CANCELLED);
	strbuf_puts(&data, ",");
	write_counts(many, &data);
	strbuf_puts(&data, "}");
	reply_error(&to, PROTO_CANCELLED, "the request was cancelled half-way", data.data);
	strbuf_free(&data);
	many_free(many);
	request_free(request);
}

static void many_status(struct request *request, struct strbuf *out)
{
	const struct many *many = request->state;
	strbuf_printf(out, "{\"state\":\"running\",\"tasks\":%zu,\"ended\":%zu}", many->matched, many->matched);
}

static const struct request_kind many_kind = {
	.abandon = many_abandon,
	.cancel = many_cancel,
	.status = many_status,
};

static void answer(struct many *many)
{
	struct request *request = many->request;
	const struct reply_to to = request_reply_to(request);
	struct strbuf out = STRBUF_INIT;
	strbuf_puts(&out, "{");
	write_counts(many, &out);
	strbuf_puts(&out, "}");
	reply_buffer(&to, &out);
	many_free(many);
	request_free(request);
}

/* A queue may be removed between two turns; then there is nothing left of it. */
static bool queue_is_there(struct many *many, const struct core *core)
{
	if (many->params.filter.queue)
		many->filter.queue = core_queue_find(core, many->params.filter.queue);
	return !many->params.filter.queue || many->filter.queue;
}

/* A turn's share. True: that was all. */
static bool slice(struct many *many)
{
	struct connection *connection = many->request->connection;
	struct core *core = connection->edge->core;
	static struct task *found[SLICE];
	size_t before = many->walk.visited;
	if (!queue_is_there(many, core))
		return true;
	size_t n = core_select(core, &many->filter, &many->walk, SLICE, found, SLICE);
	for (size_t i = 0; i < n; i++) {
		if (found[i]->id > many->newest)
			return true;
		/* It may have ended with one before it; and the right to it may have gone since the first slice. */
		if (!(TASK_STATE_BIT(found[i]->state) & many->filter.states) ||
			!access_may_cancel(connection, found[i]))
			continue;
		many->matched++;
		many->action->act(many, found[i]);
	}
	connection_looked(connection, many->walk.visited - before);
	return many->walk.over;
}

void many_answer_if_done(struct many *many)
{
	if (many->over && LIST_EMPTY(&many->recorded))
		answer(many);
}

/* All have been looked at. */
static void looked(struct many *many)
{
	STAILQ_REMOVE(&many->request->connection->edge->manies, many, many, link);
	many->over = true;
	many_answer_if_done(many);
}

bool manies_turn(struct edge *edge)
{
	struct many *many = STAILQ_FIRST(&edge->manies);
	STAILQ_REMOVE_HEAD(&edge->manies, link);
	STAILQ_INSERT_TAIL(&edge->manies, many, link);
	if (!many->fresh && !connection_is_closed(many->request->connection) && slice(many))
		looked(many);
	else
		many->fresh = false;
	return true;
}

void many_begin(const struct call *call, struct cancel_params *params, const struct action *action)
{
	struct task_filter filter;
	if (!filter_prepare(call, &params->filter, RIGHT_CANCEL, &filter))
		return;
	struct many *many = xcalloc(1, sizeof(*many));
	many->action = action;
	many->method = call->method;
	many->params = *params;
	*params = (struct cancel_params){ 0 };
	many->filter = filter;
	many->filter.states = (filter.states ? filter.states : ALL_STATES) & action->states;
	many->walk.oldest_first = true;
	many->fresh = true;
	many->newest = tasks_newest(call->edge->core);
	many->request = request_new(&call->to, &many_kind);
	many->request->state = many;
	STAILQ_INSERT_TAIL(&call->edge->manies, many, link);
	if (!many->filter.states || slice(many))
		looked(many);
}

/* --- by ids --- */

bool call_takes_ids(const struct call *call, const struct param_ids *ids)
{
	if (ids->count <= IDS_LIMIT)
		return true;
	reply_errorf(&call->to, PROTO_TOO_MANY, "%s takes at most %d ids", method_info(call->method)->name, IDS_LIMIT);
	return false;
}

static const char *cancel_one(struct task *task)
{
	core_cancel(task);
	return task_state_name(task->state);
}

static const char *forget_one(struct task *task)
{
	if (task->slot)
		core_task_look(task);
	const char *state = task_state_name(task->state);
	return core_forget(task) ? "forgotten" : state;
}

/* {"id":…,"state":…}, and an error where it is known of, but not the caller's to do that with. */
static void put_one(const struct call *call, struct strbuf *out, uint64_t id, const char *(*act)(struct task *))
{
	struct task *task;
	enum core_found found = access_find(call, id, &task);
	if (found != CORE_FOUND) {
		record_write_state(out, id, found == CORE_FORGOTTEN ? "forgotten" : "not_found");
		return;
	}
	if (access_may_cancel(call->to.connection, task)) {
		record_write_state(out, id, act(task));
		return;
	}
	if (task->slot)
		core_task_look(task);
	strbuf_printf(out, "{\"id\":\"%" PRIu64 "\",\"state\":\"%s\",\"error\":", id, task_state_name(task->state));
	denied_error(out, RIGHT_CANCEL, id);
	strbuf_puts(out, "}");
}

/* [{"id":…,"state":…}…], what is not there included; a single id that is not there, or not the caller's, is the
 * error. */
static void each_id(const struct call *call, const struct param_ids *ids, const char *(*act)(struct task *))
{
	struct strbuf out = STRBUF_INIT;
	struct task *task;
	if (!call_takes_ids(call, ids) ||
		(ids->count == 1 && !access_finds(call, ids->ids[0], RIGHT_CANCEL, &task)))
		return;
	strbuf_puts(&out, "[");
	for (size_t i = 0; i < ids->count; i++) {
		strbuf_puts(&out, i ? "," : "");
		put_one(call, &out, ids->ids[i], act);
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}

/* --- the methods --- */

static void cancel_call(const struct call *call, const struct json_span *id)
{
	struct request *request = request_find(call->to.connection, id);
	struct strbuf out = STRBUF_INIT;
	if (!request) {
		reply_no_such_call(&call->to);
		return;
	}
	strbuf_puts(&out, "[");
	request->kind->cancel(request, &out);
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}

/* Nobody cancels everything by saying nothing, or something else by saying two things. */
bool many_is_one_way(const struct call *call, const struct cancel_params *params)
{
	bool has_call = call->method == METHOD_TASK_CANCEL;
	bool by_filter = params->all || !filter_is_empty(&params->filter);
	int ways = (params->ids.ids != NULL) + (params->call.kind != JSON_NONE) + by_filter;
	if (ways == 1 && (by_filter || params->call.kind != JSON_NONE || params->ids.count))
		return true;
	reply_errorf(&call->to, PROTO_INVALID_PARAMS,
		"%s of \"ids\"%s and a filter is needed; \"all\":true is one that matches everything",
		ways > 1 ? "only one" : "one", has_call ? ", \"call\"" : "");
	return false;
}

void rpc_task_cancel(const struct call *call)
{
	struct cancel_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (!many_is_one_way(call, &params))
		;
	else if (params.call.kind != JSON_NONE)
		cancel_call(call, &params.call);
	else if (params.ids.count)
		each_id(call, &params.ids, cancel_one);
	else
		many_begin(call, &params, &cancel_action);
	call_params_free(call, &params);
}

void rpc_task_forget(const struct call *call)
{
	struct cancel_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (!many_is_one_way(call, &params))
		;
	else if (params.ids.count)
		each_id(call, &params.ids, forget_one);
	else
		many_begin(call, &params, &forget_action);
	call_params_free(call, &params);
}
