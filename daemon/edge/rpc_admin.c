/* What taskd tells about itself: workers, pools, figures; and how many workers there are, reloading it, stopping it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/users.h"
#include "edge/access.h"
#include "edge/objects.h"
#include "edge/store.h"
#include "pool/pool.h"
#include "proto/suggest.h"

#define PROTOCOL_VERSION 1

static void put_string(struct strbuf *out, const char *name, const char *text)
{
	strbuf_printf(out, "\"%s\":", name);
	strbuf_json_string(out, text, strlen(text));
}

/* Most methods here take no parameters and answer with what PUT writes. */
static void answer(const struct call *call, void (*put)(struct strbuf *, struct edge *))
{
	struct no_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	if (!call_params(call, &params))
		return;
	put(&out, call->edge);
	reply_buffer(&call->to, &out);
}

/* --- workers --- */

/* As far as VIEWER may know. */
static void put_running(struct strbuf *out, struct connection *viewer, const struct worker *worker)
{
	struct core_slot *slot;
	bool first = true;
	strbuf_puts(out, ",\"running\":[");
	for (int i = 0; (slot = pools_slot_next(worker, i)); i++) {
		const struct task *task = core_slot_running(slot);
		if (!task || !access_sees(viewer, task))
			continue;
		strbuf_printf(out, "%s\"%" PRIu64 "\"", first ? "" : ",", task->id);
		first = false;
	}
	strbuf_puts(out, "]");
}

static void put_failures(struct strbuf *out, const struct worker *worker)
{
	const struct worker_failure *failure;
	bool first = true;
	strbuf_puts(out, ",\"failures\":[");
	STAILQ_FOREACH(failure, &worker->failures, link) {
		strbuf_puts(out, first ? "{" : ",{");
		put_string(out, "handler", failure->handler);
		strbuf_puts(out, ",");
		put_string(out, "error", failure->reason);
		strbuf_puts(out, "}");
		first = false;
	}
	strbuf_puts(out, "]");
}

static void put_worker(struct strbuf *out, struct connection *viewer, const struct worker *worker, int64_t now_ns)
{
	strbuf_puts(out, "{");
	put_string(out, "pool", worker->pool->name);
	strbuf_printf(out, ",\"index\":%d,\"state\":\"%s\",\"threads\":%d", worker->index, worker_state_name(worker->state),
		worker->pool->threads);
	if (worker->pid) {
		strbuf_printf(out, ",\"pid\":%d", worker->pid);
		record_write_time(out, "started_at", worker->started_ns);
	}
	strbuf_printf(out, ",\"tasks_done\":%" PRIu64 ",\"starts\":%" PRIu64 ",\"deaths\":%" PRIu64, worker->tasks_done,
		worker->starts, worker->deaths);
	if (worker->rss_kib)
		strbuf_printf(out, ",\"rss\":%" PRIu64, (uint64_t)worker->rss_kib * 1024);
	if (worker->last_end[0]) {
		strbuf_puts(out, ",");
		put_string(out, "last_end", worker->last_end);
	}
	put_running(out, viewer, worker);
	put_failures(out, worker);
	if (worker->state == WORKER_WAITING) {
		int64_t wait_ns = worker->start_at_ns > now_ns ? worker->start_at_ns - now_ns : 0;
		strbuf_printf(out, ",\"next_start_in\":%.3f", (double)wait_ns / (double)NS_PER_S);
	}
	strbuf_puts(out, "}");
}

static void put_workers(struct strbuf *out, const struct call *call)
{
	bool first = true;
	strbuf_puts(out, "[");
	for (struct pool *pool = pools_first(call->edge->host.pools); pool; pool = TAILQ_NEXT(pool, link)) {
		const struct worker *worker;
		TAILQ_FOREACH(worker, &pool->workers, link) {
			strbuf_puts(out, first ? "" : ",");
			put_worker(out, call->to.connection, worker, core_now(call->edge->core));
			first = false;
		}
	}
	strbuf_puts(out, "]");
}

void rpc_worker_list(const struct call *call)
{
	struct no_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	if (!call_params(call, &params))
		return;
	put_workers(&out, call);
	reply_buffer(&call->to, &out);
}

/* --- pools --- */

static void put_pool_queues(struct strbuf *out, const struct edge *edge, const struct pool *pool)
{
	struct core_queue *queue = NULL;
	bool first = true;
	strbuf_puts(out, ",\"queues\":[");
	while ((queue = core_queue_next(edge->core, queue))) {
		const char *name = core_queue_name(queue);
		if (core_queue_pool(queue) != pool->core_pool)
			continue;
		strbuf_puts(out, first ? "" : ",");
		strbuf_json_string(out, name, strlen(name));
		first = false;
	}
	strbuf_puts(out, "]");
}

static void put_text(struct strbuf *out, const char *key, const char *text)
{
	if (text)
		put_string(out, key, text);
	else
		strbuf_printf(out, "\"%s\":null", key);
}

static void put_pool_confinement(struct strbuf *out, const struct pool *pool)
{
	struct pool_confinement confinement;
	pool_confinement(pool, &confinement);
	strbuf_puts(out, ",");
	put_text(out, "user", confinement.user);
	strbuf_printf(out, ",\"as_submitter\":%s,\"no_new_privs\":%s,", confinement.as_submitter ? "true" : "false",
		confinement.no_new_privs ? "true" : "false");
	put_string(out, "seccomp", confinement.seccomp);
	strbuf_puts(out, ",");
	put_text(out, "read_paths", confinement.read_paths);
	strbuf_puts(out, ",");
	put_text(out, "write_paths", confinement.write_paths);
	strbuf_printf(out, ",\"private_directory\":%s", confinement.private_directory ? "true" : "false");
}

static void put_pool(struct strbuf *out, const struct edge *edge, const struct pool *pool)
{
	const struct worker *worker;
	struct core_slot *slot;
	int ready = 0, slots = 0, busy = 0;
	TAILQ_FOREACH(worker, &pool->workers, link) {
		ready += worker->state == WORKER_READY;
		for (int i = 0; (slot = pools_slot_next(worker, i)); i++) {
			slots++;
			busy += core_slot_in_flight(slot) > 0;
		}
	}
	strbuf_puts(out, "{");
	put_string(out, "name", pool->name);
	strbuf_printf(out, ",\"processes\":%d,\"threads\":%d,", pool->processes, pool->threads);
	put_string(out, "tasks", pool->tasks);
	strbuf_printf(out, ",\"ready\":%d,\"slots\":%d,\"busy\":%d", ready, slots, busy);
	put_pool_queues(out, edge, pool);
	put_pool_confinement(out, pool);
	strbuf_puts(out, "}");
}

static void put_pools(struct strbuf *out, struct edge *edge)
{
	strbuf_puts(out, "[");
	for (struct pool *pool = pools_first(edge->host.pools); pool; pool = TAILQ_NEXT(pool, link)) {
		put_pool(out, edge, pool);
		if (TAILQ_NEXT(pool, link))
			strbuf_puts(out, ",");
	}
	strbuf_puts(out, "]");
}

void rpc_pool_list(const struct call *call)
{
	answer(call, put_pools);
}

struct pool *call_finds_pool(const struct call *call, const char *name)
{
	struct pools *pools = call->edge->host.pools;
	struct pool *pool = pools_find(pools, name);
	struct suggest suggest;
	if (pool)
		return pool;
	suggest_begin(&suggest, name);
	for (pool = pools_first(pools); pool; pool = TAILQ_NEXT(pool, link))
		suggest_offer(&suggest, pool->name);
	reply_unknown(&call->to, PROTO_INVALID_PARAMS, "pool", name, suggest.best);
	return NULL;
}

void rpc_pool_resize(const struct call *call)
{
	struct resize_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	char *error = NULL;
	if (!call_params(call, &params))
		return;
	struct pool *pool = call_finds_pool(call, params.pool);
	if (pool && pools_resize(call->edge->host.pools, pool, (int)params.processes, &error) == 0) {
		put_pool(&out, call->edge, pool);
		reply_buffer(&call->to, &out);
	} else if (pool) {
		reply_error(&call->to, PROTO_INVALID_PARAMS, error, NULL);
	}
	free(error);
	call_params_free(call, &params);
}

/* --- the server --- */

/* Who asks, and what he may. */
static void put_you(struct strbuf *out, const struct call *call)
{
	static const char *const scopes[] = { [ACCESS_NONE] = "none", [ACCESS_OWN] = "own", [ACCESS_ALL] = "all" };
	struct connection *connection = call->to.connection;
	const struct access *access = access_of(connection);
	uint32_t uid = connection->peer.uid;
	strbuf_printf(out, ",\"you\":{\"uid\":%" PRIu32 ",", uid);
	put_string(out, "user", user_name_kept(uid, core_now(call->edge->core)));
	strbuf_printf(out, ",\"rights\":{\"submit\":%s,\"read\":\"%s\",\"cancel\":\"%s\",\"admin\":%s}}",
		access->submit ? "true" : "false", scopes[access->read], scopes[access->cancel],
		access->admin ? "true" : "false");
}

static void put_info(struct strbuf *out, const struct call *call)
{
	struct edge *edge = call->edge;
	strbuf_puts(out, "{\"name\":\"taskd\",\"version\":\"" PACKAGE_VERSION "\",");
	strbuf_printf(out, "\"protocol\":%d,\"pid\":%d,\"uid\":%u,", PROTOCOL_VERSION, (int)getpid(), (unsigned)geteuid());
	edge->host.describe(edge->host.context, out);
	strbuf_printf(out, "\"limits\":{\"frame\":%zu,\"payload\":%zu,\"requests\":%zu},", edge->limits.frame,
		edge->limits.payload, edge->limits.requests);
	store_put(out, edge, false);
	put_you(out, call);
	strbuf_puts(out, "}");
}

void rpc_server_info(const struct call *call)
{
	struct no_params params = { 0 };
	struct strbuf out = STRBUF_INIT;
	if (!call_params(call, &params))
		return;
	put_info(&out, call);
	reply_buffer(&call->to, &out);
}

/* Bytes of this process that are in memory; 0 where /proc does not say. */
static long resident(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file)
		return 0;
	if (fscanf(file, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static void put_worker_counts(struct strbuf *out, const struct edge *edge)
{
	int ready, wanted;
	pools_count(edge->host.pools, &ready, &wanted);
	strbuf_printf(out, "\"workers\":{\"ready\":%d,\"wanted\":%d}", ready, wanted);
}

static void put_stats(struct strbuf *out, struct edge *edge)
{
	const struct core_totals *totals = core_totals(edge->core);
	strbuf_printf(out, "{\"tasks\":{\"submitted\":%" PRIu64 ",\"scheduled\":%zu,\"blocked\":%zu", totals->submitted,
		totals->scheduled, totals->blocked);
	strbuf_printf(out, ",\"queued\":%zu,\"running\":%zu,\"recording\":%zu", totals->waiting, totals->in_lanes,
		totals->recording);
	for (enum task_state state = TASK_SUCCEEDED; state < TASK_N_STATES; state++)
		strbuf_printf(out, ",\"%s\":%" PRIu64, task_state_name(state), totals->ended[state]);
	strbuf_printf(out, ",\"kept\":%zu,\"kept_bytes\":%zu,\"queued_bytes\":%zu}", totals->kept, totals->kept_bytes,
		totals->queued_bytes);
	strbuf_printf(out, ",\"connections\":%zu,\"requests\":%" PRIu64 ",", edge->n_connections, edge->n_requests);
	put_worker_counts(out, edge);
	strbuf_puts(out, ",");
	objects_put_counts(out, edge);
	strbuf_printf(out, ",\"memory\":{\"resident\":%ld},", resident());
	store_put(out, edge, true);
	strbuf_puts(out, "}");
}

void rpc_server_stats(const struct call *call)
{
	answer(call, put_stats);
}

static void put_ping(struct strbuf *out, struct edge *edge)
{
	strbuf_puts(out, "{\"ok\":true,");
	put_worker_counts(out, edge);
	strbuf_printf(out, ",\"store\":\"%s\"}", store_state(edge));
}

void rpc_server_ping(const struct call *call)
{
	answer(call, put_ping);
}

/* "FILE:LINE: reason", taken apart for the error's data where it has that form. */
static void refuse_config(const struct call *call, const char *error)
{
	struct strbuf data = STRBUF_INIT;
	const char *colon = strchr(error, ':');
	char *end = NULL;
	long line = colon ? strtol(colon + 1, &end, 10) : 0;
	error_data_begin(&data, PROTO_BAD_CONFIG);
	strbuf_puts(&data, ",");
	if (line > 0 && end[0] == ':' && end[1] == ' ') {
		strbuf_puts(&data, "\"file\":");
		strbuf_json_string(&data, error, (size_t)(colon - error));
		strbuf_printf(&data, ",\"line\":%ld,", line);
		put_string(&data, "reason", end + 2);
	} else {
		put_string(&data, "reason", error);
	}
	strbuf_puts(&data, "}");
	reply_error(&call->to, PROTO_BAD_CONFIG, error, data.data);
	strbuf_free(&data);
}

void rpc_server_reload(const struct call *call)
{
	struct no_params params = { 0 };
	char *report = NULL, *error = NULL;
	if (!call_params(call, &params))
		return;
	if (call->edge->host.reload(call->edge->host.context, &report, &error) == 0)
		reply_text(&call->to, report, strlen(report));
	else
		refuse_config(call, error ? error : "it cannot be read");
	free(report);
	free(error);
}

void rpc_server_shutdown(const struct call *call)
{
	static const char stopping[] = "{\"stopping\":true}";
	struct shutdown_params params = { 0 };
	if (!call_params(call, &params))
		return;
	reply_text(&call->to, stopping, sizeof(stopping) - 1);
	call->edge->host.shutdown(call->edge->host.context, params.now);
	call_params_free(call, &params);
}
