/* Listings of tasks and of task types. A listing's work is bounded, whatever it looks for: what one call does not reach
 * is reached from its "next". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/many.h"
#include "pool/pool.h"

#define LIST_VISITS 100000 /* tasks looked at in one call */
#define LIST_DEFAULT 100
#define LIST_BYTES (64u * 1024 * 1024)

enum list_order { NEWEST_FIRST, OLDEST_FIRST };

static bool begin_walk(const struct call *call, const struct list_params *params, struct task_walk *walk)
{
	bool oldest_first = params->order == OLDEST_FIRST;
	if ((oldest_first && params->before) || (!oldest_first && params->after)) {
		reply_error(&call->to, PROTO_INVALID_PARAMS,
			"\"before\" goes on with the newest first, \"after\" with the oldest first (\"order\":\"oldest\")",
			NULL);
		return false;
	}
	*walk = (struct task_walk){ .oldest_first = oldest_first, .id = oldest_first ? params->after : params->before };
	return true;
}

/* What a page has so far. */
struct listing {
	struct many many;
	struct list_params params; /* the sweep's filter points into them */
	struct sweep sweep;
	size_t limit;
	size_t count;
	uint64_t last; /* that was put */
	uint64_t next; /* where the next page goes on; 0: there is none */
};

static struct listing *listing_of(const struct many *many)
{
	return heap_entry(many, struct listing, many);
}

/* One more than the limit shows that there is another page. True: that was all of this one. */
static bool put(struct listing *listing, struct task *task)
{
	struct strbuf *out = &listing->many.out.open;
	if (listing->count == listing->limit || pieces_length(&listing->many.out) > LIST_BYTES) {
		listing->next = listing->last;
		return true;
	}
	strbuf_puts(out, listing->count++ ? "," : "{\"tasks\":[");
	record_write(out, task, false);
	listing->last = task->id;
	return false;
}

/* Whether so much has been looked at that this page ends there. */
static bool is_long(struct listing *listing)
{
	const struct sweep *sweep = &listing->sweep;
	if (sweep->walk.visited < LIST_VISITS || sweep->walk.over || sweep->next < sweep->count)
		return false;
	listing->next = sweep->walk.id;
	return true;
}

static bool listing_go_on(struct many *many)
{
	struct listing *listing = listing_of(many);
	struct connection *connection = many->request->connection;
	size_t before = listing->sweep.walk.visited;
	bool over = false;
	while (!over) {
		listing->sweep.wanted = listing->limit + 1 - listing->count;
		struct task *task = sweep_next(&listing->sweep, many->edge->core, &over);
		/* The right to it may have gone since the first slice. */
		if (task && access_sees(connection, task))
			over |= put(listing, task);
		over |= is_long(listing);
		if (!many_has_time(many))
			break;
	}
	many->total = many->done = listing->count;
	connection_looked(connection, listing->sweep.walk.visited - before);
	return over;
}

static void listing_finish(struct many *many)
{
	const struct listing *listing = listing_of(many);
	struct strbuf *out = &many->out.open;
	strbuf_puts(out, listing->count ? "]" : "{\"tasks\":[]");
	if (listing->next)
		strbuf_printf(out, ",\"next\":\"%" PRIu64 "\"", listing->next);
	strbuf_puts(out, "}");
	many_answer(many);
}

static void listing_free(struct many *many)
{
	struct listing *listing = listing_of(many);
	sweep_free(&listing->sweep);
	params_free(method_info(METHOD_TASK_LIST)->params, &listing->params);
	free(listing);
}

void rpc_task_list(const struct call *call)
{
	static const struct many_kind kind = {
		.go_on = listing_go_on, .finish = listing_finish, .free = listing_free, .cancelled = "the request was cancelled"
	};
	struct list_params params = { 0 };
	struct task_filter filter;
	struct task_walk walk;
	if (!call_params(call, &params))
		return;
	if (!begin_walk(call, &params, &walk) || !filter_prepare(call, &params.filter, RIGHT_READ, &filter)) {
		call_params_free(call, &params);
		return;
	}
	struct listing *listing = xcalloc(1, sizeof(*listing));
	listing->params = params;
	listing->limit = params.limit > 0 ? (size_t)params.limit : LIST_DEFAULT;
	sweep_begin(&listing->sweep, &listing->params.filter, &filter);
	listing->sweep.walk = walk;
	many_begin(&listing->many, &kind, &call->to, SIZE_MAX);
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
		if (!type->known || !access_offers(call->to.connection, type->name))
			continue;
		strbuf_puts(&out, first ? "" : ",");
		put_type(&out, type);
		first = false;
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}
