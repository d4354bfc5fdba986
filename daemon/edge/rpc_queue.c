/* Queues as clients see and govern them: what they are like, making and removing them, holding them up, letting them
 * run dry. Whoever wants to know when one has run dry is parked here, and looked at once a turn. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "durable/durable.h"
#include "edge/store.h"
#include "pool/pool.h"

/* What a queue that is made without limits gets, as one of taskd.conf(5) does. */
#define LIMIT_QUEUED_DEFAULT 10000000
#define LIMIT_BYTES_DEFAULT (INT64_C(1) << 30)

/* --- an entry of queue.list --- */

static const char *const order_names[] = {
	[QUEUE_PRIORITY] = "priority",
	[QUEUE_FIFO] = "fifo",
	[QUEUE_LIFO] = "lifo",
};

static void put_name(struct strbuf *out, const char *member, const char *name)
{
	strbuf_printf(out, "\"%s\":", member);
	strbuf_json_string(out, name, strlen(name));
}

static const char *bool_name(bool value)
{
	return value ? "true" : "false";
}

static void put_options(struct strbuf *out, const struct core_queue_options *options)
{
	strbuf_printf(out, ",\"order\":\"%s\",\"limit_queued\":%zu,\"limit_bytes\":%zu,\"limit_running\":%zu",
		order_names[options->order], options->limit_queued, options->limit_bytes, options->limit_running);
	strbuf_printf(out, ",\"rate\":%.9g,\"burst\":%u,\"ageing\":%.9g,\"weight\":%u", options->rate,
		options->burst ? (unsigned)options->burst : 1, (double)options->ageing_ns / (double)NS_PER_S,
		options->weight ? (unsigned)options->weight : 1);
	strbuf_printf(out, ",\"fair\":%s", bool_name(options->fair));
}

/* As queue.set has it; where nothing is durable, that. */
static const char *queue_durable(const struct edge *edge, const struct core_queue *queue)
{
	int said = edge->host.durable ? durable_queue_get(edge->host.durable, queue) : 0;
	return said < 0 ? "auto" : said ? "yes" : "no";
}

static void put_queue(struct strbuf *out, const struct edge *edge, const struct core_queue *queue)
{
	struct core_queue_figures figures;
	core_queue_figures(queue, &figures);
	strbuf_puts(out, "{");
	put_name(out, "name", core_queue_name(queue));
	strbuf_puts(out, ",");
	put_name(out, "pool", core_pool_name(core_queue_pool(queue)));
	strbuf_printf(out, ",\"waiting\":%zu,\"scheduled\":%zu,\"blocked\":%zu,\"waiting_bytes\":%zu", figures.waiting,
		figures.scheduled, figures.blocked, figures.waiting_bytes);
	strbuf_printf(out, ",\"running\":%zu,\"submitted\":%" PRIu64 ",\"ended\":%" PRIu64, figures.running,
		figures.submitted, figures.ended);
	put_options(out, &figures.options);
	strbuf_printf(out, ",\"paused\":%s,\"draining\":%s,\"configured\":%s", bool_name(figures.paused),
		bool_name(figures.draining), bool_name(pools_queue_is_configured(edge->host.pools, queue)));
	strbuf_printf(out, ",\"recording\":%zu,\"durable\":\"%s\"}", figures.recording, queue_durable(edge, queue));
}

static void answer_queue(const struct call *call, const struct core_queue *queue)
{
	struct strbuf out = STRBUF_INIT;
	put_queue(&out, call->edge, queue);
	reply_buffer(&call->to, &out);
}

void rpc_queue_list(const struct call *call)
{
	struct no_params params = { 0 };
	struct core_queue *queue = NULL;
	struct strbuf out = STRBUF_INIT;
	if (!call_params(call, &params))
		return;
	strbuf_puts(&out, "[");
	while ((queue = core_queue_next(call->edge->core, queue))) {
		strbuf_puts(&out, out.length > 1 ? "," : "");
		put_queue(&out, call->edge, queue);
	}
	strbuf_puts(&out, "]");
	reply_buffer(&call->to, &out);
}

/* --- making, changing, removing --- */

/* False: its tasks are to be durable, and cannot; that has been answered. */
static bool may_be_durable(const struct call *call, const struct queue_params *params)
{
	return params->durable != DURABLE_WORD_YES || call_has_store(call);
}

static void set_durable(const struct call *call, struct core_queue *queue, const struct queue_params *params)
{
	if (call->edge->host.durable && params->durable >= 0)
		durable_queue_set(call->edge->host.durable, queue,
			params->durable == DURABLE_WORD_AUTO ? -1 : params->durable == DURABLE_WORD_YES);
}

/* What PARAMS say of OPTIONS. */
static void options_take(struct core_queue_options *options, const struct queue_params *params)
{
	if (params->order >= 0)
		options->order = (enum queue_order)params->order;
	if (params->limit_queued >= 0)
		options->limit_queued = (size_t)params->limit_queued;
	if (params->limit_bytes >= 0)
		options->limit_bytes = (size_t)params->limit_bytes;
	if (params->limit_running >= 0)
		options->limit_running = (size_t)params->limit_running;
	if (params->rate >= 0)
		options->rate = params->rate;
	if (params->burst >= 0)
		options->burst = (uint32_t)params->burst;
	if (params->ageing >= 0)
		options->ageing_ns = params->ageing;
	if (params->weight > 0)
		options->weight = (uint32_t)params->weight;
	if (params->fair >= 0)
		options->fair = params->fair;
}

static void create(const struct call *call, const struct queue_params *params)
{
	struct pools *pools = call->edge->host.pools;
	struct core_queue_options options = { .limit_queued = LIMIT_QUEUED_DEFAULT, .limit_bytes = LIMIT_BYTES_DEFAULT };
	char *error = NULL;
	if (core_queue_find(call->edge->core, params->name)) {
		reply_errorf(&call->to, PROTO_EXISTS, "there is a queue \"%s\" already", params->name);
		return;
	}
	if (params->pool && !call_finds_pool(call, params->pool))
		return;
	options_take(&options, params);
	struct core_queue *queue = pools_queue_create(pools, params->name, params->pool, &options, &error);
	if (queue) {
		set_durable(call, queue, params);
		answer_queue(call, queue);
	} else {
		reply_error(&call->to, PROTO_INVALID_PARAMS, error, NULL);
	}
	free(error);
}

void rpc_queue_create(const struct call *call)
{
	struct queue_params params = { 0 };
	if (!call_params(call, &params))
		return;
	if (may_be_durable(call, &params))
		create(call, &params);
	call_params_free(call, &params);
}

void rpc_queue_set(const struct call *call)
{
	struct queue_params params = { 0 };
	struct core_queue_figures figures;
	if (!call_params(call, &params))
		return;
	struct core_queue *queue = submission_queue(call, params.name);
	if (queue && may_be_durable(call, &params)) {
		core_queue_figures(queue, &figures);
		options_take(&figures.options, &params);
		core_queue_set(queue, &figures.options);
		set_durable(call, queue, &params);
		answer_queue(call, queue);
	}
	call_params_free(call, &params);
}

void rpc_queue_remove(const struct call *call)
{
	struct queue_name_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	char *error = NULL;
	if (!call_params(call, &params))
		return;
	struct core_queue *queue = submission_queue(call, params.name);
	if (queue) {
		put_queue(&out, call->edge, queue);
		if (pools_queue_remove(call->edge->host.pools, queue, &error) == 0)
			reply_buffer(&call->to, &out);
		else
			reply_error(&call->to, PROTO_QUEUE_BUSY, error, NULL);
	}
	strbuf_free(&out);
	free(error);
	call_params_free(call, &params);
}

/* --- waiting until queues have run dry --- */

/* Somebody who has paused or drained queues, and waits until they are idle. Queues are held by name, since others may
 * remove them meanwhile: then they are as idle as can be. */
struct queue_wait {
	struct request *request;
	bool drain; /* until nothing waits, either */
	size_t n;
	LIST_ENTRY(queue_wait) link;
	char *names[];
};

static size_t left_of(const struct core_queue_figures *figures, bool drain)
{
	return figures->running +
		(drain ? figures->waiting + figures->scheduled + figures->blocked + figures->recording : 0);
}

/* How many tasks are still waited for. *RESUMED: a queue that somebody has resumed, so that this may go on for ever. */
static size_t tasks_left(const struct queue_wait *wait, const char **resumed)
{
	size_t left = 0;
	for (size_t i = 0; i < wait->n; i++) {
		struct core_queue_figures figures;
		const struct core_queue *queue = core_queue_find(wait->request->connection->edge->core, wait->names[i]);
		if (!queue)
			continue;
		core_queue_figures(queue, &figures);
		left += left_of(&figures, wait->drain);
		if (wait->drain ? !figures.draining : !figures.paused)
			*resumed = wait->names[i];
	}
	return left;
}

/* Those of them that are still there. */
static void put_queues(struct strbuf *out, const struct edge *edge, char *const *names, size_t n)
{
	bool first = true;
	strbuf_puts(out, "[");
	for (size_t i = 0; i < n; i++) {
		const struct core_queue *queue = core_queue_find(edge->core, names[i]);
		if (!queue)
			continue;
		strbuf_puts(out, first ? "" : ",");
		put_queue(out, edge, queue);
		first = false;
	}
	strbuf_puts(out, "]");
}

static void wait_free(struct queue_wait *wait)
{
	LIST_REMOVE(wait, link);
	for (size_t i = 0; i < wait->n; i++)
		free(wait->names[i]);
	free(wait);
}

static void wait_over(struct queue_wait *wait)
{
	struct request *request = wait->request;
	const struct reply_to to = request_reply_to(request);
	struct strbuf out = STRBUF_INIT;
	put_queues(&out, request->connection->edge, wait->names, wait->n);
	wait_free(wait);
	reply_buffer(&to, &out);
	request_free(request);
}

static void wait_resumed(struct queue_wait *wait, const char *name)
{
	struct request *request = wait->request;
	const struct reply_to to = request_reply_to(request);
	reply_errorf(&to, PROTO_CANCELLED, "the queue \"%.100s\" was resumed meanwhile", name);
	wait_free(wait);
	request_free(request);
}

static void wait_abandon(struct request *request)
{
	wait_free(request->state);
}

static void wait_cancel(struct request *request, struct strbuf *out)
{
	const struct reply_to to = request_reply_to(request);
	const struct queue_wait *wait = request->state;
	(void)out;
	reply_errorf(&to, PROTO_CANCELLED, "the request was cancelled; what was %s stays so",
		wait->drain ? "set to drain" : "paused");
	wait_free(request->state);
	request_free(request);
}

static void wait_status(struct request *request, struct strbuf *out)
{
	const char *resumed = NULL;
	strbuf_printf(out, "{\"state\":\"running\",\"tasks\":%zu,\"ended\":0}", tasks_left(request->state, &resumed));
}

static void wait_timeout(struct request *request)
{
	const struct reply_to to = request_reply_to(request);
	struct queue_wait *wait = request->state;
	struct strbuf data = STRBUF_INIT;
	const char *resumed = NULL;
	char message[128];
	size_t left = tasks_left(wait, &resumed);
	snprintf(message, sizeof(message), "%zu task%s had not ended when the time was over", left, left == 1 ? "" : "s");
	strbuf_printf(&data, "{\"kind\":\"%s\",\"hint\":\"what was %s stays so until queue.resume\",\"left\":%zu,\"queues\":",
		proto_error_info(PROTO_WAIT_TIMED_OUT)->kind, wait->drain ? "set to drain" : "paused", left);
	put_queues(&data, request->connection->edge, wait->names, wait->n);
	strbuf_puts(&data, "}");
	reply_error(&to, PROTO_WAIT_TIMED_OUT, message, data.data);
	strbuf_free(&data);
	wait_free(wait);
	request_free(request);
}

static const struct request_kind wait_kind = {
	.abandon = wait_abandon,
	.cancel = wait_cancel,
	.status = wait_status,
	.timeout = wait_timeout,
};

void queue_waits_turn(struct edge *edge)
{
	struct queue_wait *wait, *next;
	for (wait = LIST_FIRST(&edge->queue_waits); wait; wait = next) {
		const char *resumed = NULL;
		next = LIST_NEXT(wait, link);
		size_t left = tasks_left(wait, &resumed);
		if (left && resumed)
			wait_resumed(wait, resumed);
		else if (!left)
			wait_over(wait);
	}
}

static void wait_begin(const struct call *call, const struct queue_names_params *params, bool drain)
{
	size_t n = params->queues.count;
	struct queue_wait *wait = xcalloc(1, sizeof(*wait) + n * sizeof(wait->names[0]));
	wait->drain = drain;
	wait->n = n;
	for (size_t i = 0; i < n; i++)
		wait->names[i] = xstrdup(params->queues.strings[i]);
	wait->request = request_new(&call->to, &wait_kind);
	wait->request->state = wait;
	LIST_INSERT_HEAD(&call->edge->queue_waits, wait, link);
	request_set_timeout(wait->request, params->timeout);
}

/* --- holding up and letting go --- */

static void each_queue(const struct call *call, void (*act)(struct core_queue *), bool drain)
{
	struct queue_names_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	bool known = true;
	if (!call_params(call, &params))
		return;
	for (size_t i = 0; known && i < params.queues.count; i++)
		known = submission_queue(call, params.queues.strings[i]);
	for (size_t i = 0; known && i < params.queues.count; i++)
		act(core_queue_find(call->edge->core, params.queues.strings[i]));
	if (known && params.wait && call->to.id) {
		wait_begin(call, &params, drain);
		queue_waits_turn(call->edge);
	} else if (known) {
		put_queues(&out, call->edge, params.queues.strings, params.queues.count);
		reply_buffer(&call->to, &out);
	}
	call_params_free(call, &params);
}

void rpc_queue_pause(const struct call *call)
{
	each_queue(call, core_queue_pause, false);
}

void rpc_queue_resume(const struct call *call)
{
	each_queue(call, core_queue_resume, false);
}

void rpc_queue_drain(const struct call *call)
{
	each_queue(call, core_queue_drain, true);
}
