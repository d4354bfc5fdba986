/* How the store stands, and what follows from that: what may be submitted, whose waits have become pointless, and when
 * those go on that waited until all was loaded. */
#include "edge/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "durable/durable.h"
#include "edge/access.h"

/* --- as it is told --- */

/* It serves while it loads, so that is how it stands then. */
static const char *state_of(const struct durable_figures *figures)
{
	return figures->loading && figures->state == STORE_WORKING ? "loading" : store_state_name(figures->state);
}

const char *store_state(const struct edge *edge)
{
	struct durable_figures figures;
	if (!edge->host.durable)
		return "none";
	durable_figures(edge->host.durable, &figures);
	return state_of(&figures);
}

static void put_figures(struct strbuf *out, const struct durable_figures *figures)
{
	strbuf_printf(out,
		",\"loaded\":%" PRIu64 ",\"to_load\":%" PRIu64 ",\"recovered\":%" PRIu64 ",\"interrupted\":%" PRIu64,
		figures->loaded, figures->to_load, figures->recovered, figures->interrupted);
	strbuf_printf(out, ",\"backlog\":%zu,\"committed\":%" PRIu64 ",\"respawns\":%" PRIu64, figures->backlog,
		figures->committed, figures->respawns);
	if (figures->pid > 0)
		strbuf_printf(out, ",\"pid\":%d", figures->pid);
}

void store_put(struct strbuf *out, const struct edge *edge, bool figures)
{
	struct durable_figures found;
	if (!edge->host.durable) {
		strbuf_puts(out, "\"store\":{\"state\":\"none\"}");
		return;
	}
	durable_figures(edge->host.durable, &found);
	strbuf_printf(out, "\"store\":{\"state\":\"%s\",\"directory\":", state_of(&found));
	strbuf_json_string(out, found.directory, strlen(found.directory));
	strbuf_printf(out, ",\"loading\":%s", found.loading ? "true" : "false");
	if (found.text) {
		strbuf_puts(out, ",\"reason\":");
		strbuf_json_string(out, found.text, strlen(found.text));
	}
	if (figures)
		put_figures(out, &found);
	strbuf_puts(out, "}");
}

bool store_is_loading(const struct edge *edge)
{
	return edge->host.durable && durable_is_loading(edge->host.durable);
}

bool store_has_failed(const struct edge *edge)
{
	struct durable_figures figures;
	if (!edge->host.durable)
		return false;
	durable_figures(edge->host.durable, &figures);
	return figures.state == STORE_BROKEN;
}

/* --- what may come in --- */

bool call_has_store(const struct call *call)
{
	if (call->edge->host.durable)
		return true;
	reply_error(&call->to, PROTO_NOT_DURABLE, NULL, NULL);
	return false;
}

int store_refusal(const struct edge *edge, size_t bytes)
{
	switch (durable_may_submit(edge->host.durable, bytes)) {
	case DURABLE_YES:
		return -1;
	case DURABLE_STORE_FULL:
		return PROTO_STORE_FULL;
	case DURABLE_STORE_FAILED:
		return PROTO_STORE_FAILED;
	case DURABLE_STORE_BEHIND:
		return PROTO_STORE_BEHIND;
	}
	return PROTO_STORE_FAILED;
}

/* Who is given another task by its key adds nothing, and may be one who sends again what was taken before. */
bool store_takes(const struct reply_to *to, const struct task_spec *spec)
{
	const struct edge *edge = to->connection->edge;
	struct task *other;
	int refusal = spec->durable && !edge->closing ? store_refusal(edge, core_submit_cost(spec)) : -1; /* closing: the core refuses it */
	if (refusal < 0 || core_submit_key(edge->core, spec, &other) == CORE_ATTACHED)
		return true;
	reply_error(to, (enum proto_error)refusal, NULL, NULL);
	return false;
}

static int core_refusal_of(int refusal)
{
	if (refusal < 0)
		return CORE_OK;
	if (refusal == PROTO_STORE_FULL)
		return CORE_STORE_FULL;
	return refusal == PROTO_STORE_BEHIND ? CORE_STORE_BEHIND : CORE_STORE_FAILED;
}

/* A run is a submission that nobody is told of. */
int edge_refuses(void *context, const struct core_schedule *schedule, const char **why)
{
	const struct edge *edge = context;
	*why = access_denies_run(edge, schedule);
	if (*why)
		return CORE_DENIED;
	return schedule->task.durable ? core_refusal_of(store_refusal(edge, core_submit_cost(&schedule->task))) : CORE_OK;
}

/* --- waits for what will not be --- */

static void reply_failed(const struct reply_to *to, uint64_t id)
{
	struct strbuf data = STRBUF_INIT;
	error_data_begin(&data, PROTO_STORE_FAILED);
	strbuf_printf(&data, ",\"id\":\"%" PRIu64 "\"}", id);
	reply_error(to, PROTO_STORE_FAILED, "the store has failed: the task's end cannot be recorded", data.data);
	strbuf_free(&data);
}

static bool will_be_known(const struct task *task)
{
	return !task->durable || task_state_is_terminal(task->state);
}

bool store_lets_wait(const struct reply_to *to, const struct task *task)
{
	if (will_be_known(task) || !store_has_failed(to->connection->edge))
		return true;
	reply_failed(to, task->id);
	return false;
}

/* Stops at the first one whose end will not be known. */
static bool look(void *user, struct task *task)
{
	struct task **found = user;
	if (will_be_known(task))
		return true;
	*found = task;
	return false;
}

/* What was called goes on to its end, as what was submitted does: its caller has left because of the store, and not because
 * he has lost interest. */
static void fail(struct request *request, struct task *task)
{
	const struct reply_to to = request_reply_to(request);
	task->detached = true;
	reply_failed(&to, task->id);
	request->kind->abandon(request);
	request_free(request);
}

static void fail_waits(struct connection *connection)
{
	struct request *request = LIST_FIRST(&connection->requests), *next;
	for (; request; request = next) {
		struct task *task = NULL;
		next = LIST_NEXT(request, link);
		if (request->kind->each && !request->kind->each(request, look, &task) && task)
			fail(request, task);
	}
}

void edge_store_changed(struct edge *edge, enum store_state state)
{
	struct connection *connection = TAILQ_FIRST(&edge->connections), *next;
	if (state != STORE_BROKEN)
		return;
	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, link); /* it may be closed by its answers */
		fail_waits(connection);
	}
}
