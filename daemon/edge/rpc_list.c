/* Listings of tasks and of task types. A listing's work is bounded, whatever it looks for: what one call does not reach
 * is reached from its "next". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/rpc.h"
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

/* Up to LIMIT of COUNT tasks, of which one more than that shows that there is another page. The last one that was put, or
 * where there are more than what was looked at, where that was. */
static uint64_t put_tasks(
	struct strbuf *out, struct task *const *tasks, size_t count, size_t limit, const struct task_walk *walk)
{
	for (size_t i = 0; i < count; i++) {
		if (i == limit || out->length > LIST_BYTES)
			return tasks[i - 1]->id;
		strbuf_puts(out, i ? "," : "");
		record_write(out, tasks[i], false);
	}
	return walk->over ? 0 : walk->id;
}

static void list(const struct call *call, const struct list_params *params, const struct task_filter *filter,
	struct task_walk *walk)
{
	size_t limit = params->limit > 0 ? (size_t)params->limit : LIST_DEFAULT;
	struct task **tasks = xreallocarray(NULL, limit + 1, sizeof(tasks[0]));
	struct strbuf out = STRBUF_INIT;
	size_t count = core_select(call->edge->core, filter, walk, LIST_VISITS, tasks, limit + 1);
	strbuf_puts(&out, "{\"tasks\":[");
	uint64_t next = put_tasks(&out, tasks, count, limit, walk);
	strbuf_puts(&out, "]");
	if (next)
		strbuf_printf(&out, ",\"next\":\"%" PRIu64 "\"", next);
	strbuf_puts(&out, "}");
	connection_looked(call->to.connection, walk->visited);
	reply_buffer(&call->to, &out);
	free(tasks);
}

void rpc_task_list(const struct call *call)
{
	struct list_params params = { 0 };
	struct task_filter filter;
	struct task_walk walk;
	if (!call_params(call, &params))
		return;
	if (begin_walk(call, &params, &walk) && filter_prepare(call, &params.filter, RIGHT_READ, &filter))
		list(call, &params, &filter, &walk);
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
		if (!type->known || !access_offers(call->to.connection, type->name))
			continue;
		strbuf_puts(&out, first ? "" : ",");
		put_type(&out, type);
		first = false;
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}
