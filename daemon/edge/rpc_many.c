/* Cancelling, retrying and forgetting: tasks by their ids, or all that a filter matches. Those may be millions, so that
 * is done in slices, one a turn, and answered at the end. Only what was there when the request came is concerned. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/many.h"
#include "proto/jsonrpc.h"

#define VISITS 256  /* tasks that are looked at without looking at the clock */
#define FOUND 10000 /* … that are found at once: where they are few, they are collected and sorted */

uint64_t tasks_newest(struct core *core)
{
	const struct task_filter all = { 0 };
	struct task_walk walk = { 0 };
	struct task *task;
	return core_select(core, &all, &walk, 1, &task, 1) ? task->id : 0;
}

/* --- sweeps --- */

void sweep_begin(struct sweep *sweep, const struct filter_params *params, const struct task_filter *filter)
{
	sweep->params = params;
	sweep->filter = *filter;
}

void sweep_again(struct sweep *sweep, unsigned states)
{
	sweep->filter.states = states;
	sweep->walk = (struct task_walk){ .oldest_first = sweep->walk.oldest_first };
	sweep->count = sweep->next = 0;
}

void sweep_free(struct sweep *sweep)
{
	free(sweep->ids);
}

/* A queue may be removed between two turns; then there is nothing left of it. */
static bool queue_is_there(struct sweep *sweep, const struct core *core)
{
	if (sweep->params->queue)
		sweep->filter.queue = core_queue_find(core, sweep->params->queue);
	return !sweep->params->queue || sweep->filter.queue;
}

/* The next ones. */
static void find(struct sweep *sweep, struct core *core)
{
	static struct task *found[FOUND];
	size_t wanted = sweep->wanted && sweep->wanted < FOUND ? sweep->wanted : FOUND;
	if (!queue_is_there(sweep, core)) {
		sweep->walk.over = true;
		return;
	}
	size_t n = core_select(core, &sweep->filter, &sweep->walk, VISITS, found, wanted);
	if (n > sweep->room) {
		sweep->room = n > VISITS ? FOUND : VISITS;
		sweep->ids = xreallocarray(sweep->ids, sweep->room, sizeof(sweep->ids[0]));
	}
	for (size_t i = 0; i < n; i++)
		sweep->ids[i] = found[i]->id;
	sweep->count = n;
	sweep->next = 0;
}

/* It may have ended with one before it. */
static bool still_matches(const struct sweep *sweep, struct task *task)
{
	if (task->slot)
		core_task_look(task);
	return !sweep->filter.states || TASK_STATE_BIT(task->state) & sweep->filter.states;
}

struct task *sweep_next(struct sweep *sweep, struct core *core, bool *over)
{
	struct task *task;
	if (sweep->next == sweep->count) {
		sweep->count = sweep->next = 0;
		if (!sweep->walk.over)
			find(sweep, core);
	}
	*over = sweep->walk.over && sweep->next == sweep->count;
	if (sweep->next == sweep->count)
		return NULL;
	uint64_t id = sweep->ids[sweep->next++];
	if (sweep->newest && id > sweep->newest) {
		sweep->walk.over = *over = true;
		sweep->next = sweep->count;
		return NULL;
	}
	return core_find(core, id, &task) == CORE_FOUND && still_matches(sweep, task) ? task : NULL;
}

/* --- cancelling --- */

/* In the first round they come with ascending ids. */
static void note_begun(struct filtered *filtered, uint64_t id)
{
	if (filtered->begun == filtered->begun_room) {
		filtered->begun_room = filtered->begun_room ? 2 * filtered->begun_room : 16;
		filtered->begun_ids = xreallocarray(filtered->begun_ids, filtered->begun_room, sizeof(filtered->begun_ids[0]));
	}
	filtered->begun_ids[filtered->begun] = id;
}

static void cancel_act(struct filtered *filtered, struct task *task)
{
	if (core_cancel(task)) {
		filtered->done++;
		return;
	}
	if (!filtered->is_last)
		note_begun(filtered, task->id);
	filtered->begun++;
}

static void cancel_tell(const struct filtered *filtered, struct strbuf *out)
{
	strbuf_printf(out, ",\"cancelled\":%zu,\"cancelling\":%zu", filtered->done, filtered->begun);
}

static const struct action cancel_action = {
	.states = ALL_STATES & ~TERMINAL_STATES,
	/* Where one that runs was stopped first, one that waits would start in its place, and be over before its turn comes. */
	.last = TASK_STATE_BIT(TASK_RUNNING) | TASK_STATE_BIT(TASK_CANCELLING),
	.act = cancel_act,
	.tell = cancel_tell,
};

/* --- forgetting --- */

static void forget_act(struct filtered *filtered, struct task *task)
{
	filtered->done += core_forget(task);
}

static void forget_tell(const struct filtered *filtered, struct strbuf *out)
{
	strbuf_printf(out, ",\"forgotten\":%zu", filtered->done);
}

static const struct action forget_action = {
	.states = TERMINAL_STATES,
	.act = forget_act,
	.tell = forget_tell,
};

/* --- all that a filter matches --- */

static struct filtered *filtered_of(const struct many *many)
{
	return heap_entry(many, struct filtered, many);
}

static void filtered_free(struct many *many)
{
	struct filtered *filtered = filtered_of(many);
	struct recorded *recorded;
	while ((recorded = LIST_FIRST(&filtered->recorded))) {
		task_unwait(&recorded->waiter);
		recorded_free(recorded);
	}
	sweep_free(&filtered->sweep);
	free(filtered->begun_ids);
	params_free(method_info(filtered->method)->params, &filtered->params);
	strbuf_free(&filtered->error);
	free(filtered);
}

static void write_counts(const struct filtered *filtered, struct strbuf *out)
{
	strbuf_printf(out, "\"matched\":%zu", filtered->matched);
	filtered->action->tell(filtered, out);
}

static void filtered_tell(const struct many *many, struct strbuf *out)
{
	strbuf_puts(out, ",");
	write_counts(filtered_of(many), out);
}

void filtered_answer_if_done(struct filtered *filtered)
{
	struct strbuf *out = &filtered->many.out.open;
	if (!filtered->over || !LIST_EMPTY(&filtered->recorded))
		return;
	strbuf_puts(out, "{");
	write_counts(filtered, out);
	strbuf_puts(out, "}");
	many_answer(&filtered->many);
}

static void filtered_finish(struct many *many)
{
	struct filtered *filtered = filtered_of(many);
	filtered->over = true;
	filtered_answer_if_done(filtered);
}

/* It was seen to in the first round. */
static bool was_begun(struct filtered *filtered, uint64_t id)
{
	while (filtered->begun_next < filtered->n_begun && filtered->begun_ids[filtered->begun_next] < id)
		filtered->begun_next++;
	return filtered->begun_next < filtered->n_begun && filtered->begun_ids[filtered->begun_next] == id;
}

static bool round_goes_on(struct filtered *filtered)
{
	struct many *many = &filtered->many;
	struct connection *connection = many->request->connection;
	size_t before = filtered->sweep.walk.visited;
	bool over = !filtered->sweep.filter.states;
	many->total = many->done = filtered->matched;
	while (!over) {
		struct task *task = sweep_next(&filtered->sweep, many->edge->core, &over);
		/* The right to it may have gone since the first slice. */
		if (task && access_may_cancel(connection, task) && !was_begun(filtered, task->id)) {
			many->total = many->done = ++filtered->matched;
			filtered->action->act(filtered, task);
		}
		if (!many_has_time(many))
			break;
	}
	connection_looked(connection, filtered->sweep.walk.visited - before);
	return over;
}

/* Those that are being recorded have been seen to in the first round, or have just ended. */
static bool begin_last_round(struct filtered *filtered)
{
	if (filtered->is_last || !(filtered->states & filtered->action->last))
		return false;
	filtered->is_last = true;
	filtered->n_begun = filtered->begun;
	sweep_again(&filtered->sweep, filtered->states & ~TASK_STATE_BIT(TASK_RECORDING));
	return true;
}

static bool filtered_go_on(struct many *many)
{
	struct filtered *filtered = filtered_of(many);
	return round_goes_on(filtered) && !begin_last_round(filtered);
}

void filtered_begin(const struct call *call, struct cancel_params *params, const struct action *action)
{
	static const struct many_kind kind = {
		.go_on = filtered_go_on,
		.finish = filtered_finish,
		.tell = filtered_tell,
		.free = filtered_free,
	};
	struct task_filter filter;
	if (!filter_prepare(call, &params->filter, RIGHT_CANCEL, &filter))
		return;
	struct filtered *filtered = xcalloc(1, sizeof(*filtered));
	filtered->states = (filter.states ? filter.states : ALL_STATES) & action->states;
	filter.states = filtered->states & ~action->last;
	filtered->action = action;
	filtered->method = call->method;
	filtered->params = *params;
	*params = (struct cancel_params){ 0 };
	sweep_begin(&filtered->sweep, &filtered->params.filter, &filter);
	filtered->sweep.walk.oldest_first = true;
	filtered->sweep.newest = tasks_newest(call->edge->core);
	many_begin(&filtered->many, &kind, &call->to, SIZE_MAX);
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

/* A list that is too long for one turn. */
struct listed {
	struct many many;
	struct param_ids ids;
	size_t next;
	const char *(*act)(struct task *);
};

static struct listed *listed_of(const struct many *many)
{
	return heap_entry(many, struct listed, many);
}

static void put_ids(const struct call *call, struct listed *listed)
{
	struct many *many = &listed->many;
	while (listed->next < listed->ids.count) {
		strbuf_puts(&many->out.open, listed->next ? "," : "[");
		put_one(call, &many->out.open, listed->ids.ids[listed->next++], listed->act);
		if (!many_has_time(many))
			break;
	}
	many->done = listed->next;
}

static bool listed_go_on(struct many *many)
{
	struct listed *listed = listed_of(many);
	const struct call call = { .edge = many->edge, .to = request_reply_to(many->request) };
	put_ids(&call, listed);
	return listed->next == listed->ids.count;
}

static void listed_finish(struct many *many)
{
	strbuf_puts(&many->out.open, "]");
	many_answer(many);
}

static void listed_tell(const struct many *many, struct strbuf *out)
{
	strbuf_printf(out, ",\"done\":%zu", many->done);
}

static void listed_free(struct many *many)
{
	struct listed *listed = listed_of(many);
	free(listed->ids.ids);
	free(listed);
}

/* [{"id":…,"state":…}…], what is not there included; a single id that is not there, or not the caller's, is the
 * error. Takes over IDS where they are many. */
static void each_id(const struct call *call, struct param_ids *ids, const char *(*act)(struct task *))
{
	static const struct many_kind kind = {
		.go_on = listed_go_on, .finish = listed_finish, .tell = listed_tell, .free = listed_free
	};
	struct task *task;
	if (!call_takes_ids(call, ids) ||
		(ids->count == 1 && !access_finds(call, ids->ids[0], RIGHT_CANCEL, &task)))
		return;
	if (ids->count <= MANY_SHORT) {
		struct listed listed = { .many.is_short = true, .many.edge = call->edge, .ids = *ids, .act = act };
		put_ids(call, &listed);
		strbuf_puts(&listed.many.out.open, "]");
		reply_pieces(&call->to, &listed.many.out);
		return;
	}
	struct listed *listed = xcalloc(1, sizeof(*listed));
	listed->ids = *ids;
	listed->act = act;
	*ids = (struct param_ids){ 0 };
	many_begin(&listed->many, &kind, &call->to, listed->ids.count);
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
		filtered_begin(call, &params, &cancel_action);
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
		filtered_begin(call, &params, &forget_action);
	call_params_free(call, &params);
}
