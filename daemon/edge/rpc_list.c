/* Listings of tasks and of task types. A listing's work is bounded, whatever it looks for: what one call does not reach
 * is reached from its "next". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/rpc.h"
#include "pool/pool.h"
#include "proto/suggest.h"

#define LIST_VISITS 100000 /* tasks looked at in one call */
#define LIST_DEFAULT 100
#define FAR 1000
#define LIST_BYTES (64u * 1024 * 1024)

struct filter {
	unsigned states; /* a bit for each */
	const char *queue;
	const char *task;
	const char *tag;
};

#define STATE_BIT(state) (1u << (state))
#define ALL_STATES (STATE_BIT(TASK_N_STATES) - 1)
#define STATES_ON_SLOTS (STATE_BIT(TASK_RUNNING) | STATE_BIT(TASK_CANCELLING))

static bool filter_read(const struct call *call, const struct list_params *params, struct filter *filter)
{
	*filter = (struct filter){ .queue = params->queue, .task = params->task, .tag = params->tag };
	for (size_t i = 0; i < params->states.count; i++) {
		const char *wanted = params->states.strings[i];
		struct suggest suggest;
		suggest_begin(&suggest, wanted);
		unsigned bit = 0;
		for (int state = 0; state < TASK_N_STATES; state++) {
			suggest_offer(&suggest, task_state_name((enum task_state)state));
			if (strcmp(wanted, task_state_name((enum task_state)state)) == 0)
				bit = STATE_BIT(state);
		}
		if (!bit) {
			reply_unknown(&call->to, PROTO_INVALID_PARAMS, "state", wanted, suggest.best);
			return false;
		}
		filter->states |= bit;
	}
	if (!filter->states)
		filter->states = ALL_STATES;
	return true;
}

static bool filter_fits(const struct filter *filter, struct task *task)
{
	if (task->slot)
		core_task_look(task);
	if (!(filter->states & STATE_BIT(task->state)))
		return false;
	if (filter->task && strcmp(filter->task, task->type->name) != 0)
		return false;
	if (filter->queue && strcmp(filter->queue, core_queue_name(task->queue)) != 0)
		return false;
	return !filter->tag || (task->extra && task->extra->tag && strcmp(filter->tag, task->extra->tag) == 0);
}

struct listing {
	struct core *core;
	struct connection *connection;
	struct filter filter;
	struct strbuf out;
	size_t limit;
	size_t count;
	uint64_t before; /* ids below this one */
	uint64_t next;   /* where the next page begins; 0: there is none */
	size_t looked;   /* at so many tasks */
};

static void put(struct listing *listing, struct task *task)
{
	strbuf_puts(&listing->out, listing->count++ ? "," : "");
	record_write(&listing->out, task, false);
}

static bool is_full(const struct listing *listing)
{
	return listing->count >= listing->limit || listing->out.length > LIST_BYTES;
}

/* A page that begins far from any task may have been found by walking to it from the newest. */
static size_t looks_for_first(const struct listing *listing)
{
	const struct core_totals *totals = core_totals(listing->core);
	const struct task *task = core_task_below(listing->core, listing->before);
	bool near = listing->before == UINT64_MAX || (task && listing->before - task->id < FAR);
	return near ? 0 : totals->waiting + totals->in_lanes + totals->kept;
}

/* By id, downwards from the newest. */
static void list_by_id(struct listing *listing)
{
	uint64_t below = listing->before;
	struct task *task;
	connection_looked(listing->connection, looks_for_first(listing));
	for (; (task = core_task_below(listing->core, below)); listing->looked++) {
		bool fits = filter_fits(&listing->filter, task);
		if ((fits && is_full(listing)) || listing->looked >= LIST_VISITS) {
			listing->next = below;
			return;
		}
		if (fits)
			put(listing, task);
		below = task->id;
	}
}

static int newest_first(const void *a, const void *b)
{
	const struct task *const *left = a, *const *right = b;
	return ((*left)->id < (*right)->id) - ((*left)->id > (*right)->id);
}

/* What runs is found by the slots, however many tasks there are beside. */
static void list_by_slots(struct listing *listing)
{
	struct task **found = NULL;
	size_t count = 0, room = 0;
	for (enum task_state state = TASK_RUNNING; state <= TASK_CANCELLING; state++) {
		struct task *task = NULL;
		while ((task = core_task_next(listing->core, state, task))) {
			listing->looked++;
			if (task->id >= listing->before || !filter_fits(&listing->filter, task))
				continue;
			if (count == room) {
				room = room ? 2 * room : 64;
				found = xreallocarray(found, room, sizeof(*found));
			}
			found[count++] = task;
		}
	}
	if (count)
		qsort(found, count, sizeof(*found), newest_first);
	for (size_t i = 0; i < count; i++) {
		if (is_full(listing)) {
			listing->next = found[i]->id + 1;
			break;
		}
		put(listing, found[i]);
	}
	free(found);
}

void rpc_task_list(const struct call *call)
{
	struct list_params params = { 0 };
	struct listing listing = { .core = call->edge->core, .connection = call->to.connection };
	if (!call_params(call, &params))
		return;
	if (filter_read(call, &params, &listing.filter)) {
		listing.limit = params.limit > 0 ? (size_t)params.limit : LIST_DEFAULT;
		listing.before = params.before ? params.before : UINT64_MAX;
		strbuf_puts(&listing.out, "{\"tasks\":[");
		if (listing.filter.states & ~STATES_ON_SLOTS)
			list_by_id(&listing);
		else
			list_by_slots(&listing);
		strbuf_puts(&listing.out, "]");
		if (listing.next)
			strbuf_printf(&listing.out, ",\"next\":\"%" PRIu64 "\"", listing.next);
		strbuf_puts(&listing.out, "}");
		connection_looked(listing.connection, listing.looked);
		reply_buffer(&call->to, &listing.out);
	}
	strbuf_free(&listing.out);
	call_params_free(call, &params);
}

static void put_member(struct strbuf *out, const char *name, const char *text)
{
	if (!text)
		return;
	strbuf_printf(out, ",\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
}

static void put_type(struct strbuf *out, const struct task_type *type)
{
	const struct handler_info *info = type->user;
	strbuf_puts(out, "{\"task\":");
	strbuf_json_string(out, type->name, type->name_length);
	if (info) {
		put_member(out, "summary", info->summary);
		put_member(out, "parameters", info->parameters);
		put_member(out, "source", info->source);
	}
	put_member(out, "queue", type->queue ? core_queue_name(type->queue) : NULL);
	strbuf_printf(out, ",\"mean_run\":%.9f,\"succeeded\":%" PRIu64 ",\"failed\":%" PRIu64 "}",
		(double)type->mean_run_ns / (double)NS_PER_S, type->ended[TASK_SUCCEEDED],
		type->ended[TASK_FAILED] + type->ended[TASK_CRASHED] + type->ended[TASK_TIMED_OUT]);
}

void rpc_task_types(const struct call *call)
{
	struct no_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct task_type *type = NULL;
	bool first = true;
	if (!call_params(call, &params))
		return;
	strbuf_puts(&out, "[");
	while ((type = core_type_next(call->edge->core, type))) {
		if (!type->known)
			continue;
		strbuf_puts(&out, first ? "" : ",");
		put_type(&out, type);
		first = false;
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}
