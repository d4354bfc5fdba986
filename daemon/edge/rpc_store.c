/* Looking into the store: what it has of tasks, how it stands, whether it is sound, and copies of it. It is asked and
 * answers later; meanwhile everything else goes on. */
#include <stdlib.h>
#include <string.h>

#include "edge/rpc.h"

bool call_has_store(const struct call *call)
{
	if (call->edge->host.durable)
		return true;
	reply_error(&call->to, PROTO_NOT_DURABLE, NULL, NULL);
	return false;
}

const char *store_state(const struct edge *edge)
{
	return edge->host.durable ? "ok" : "none";
}

void store_put(struct strbuf *out, const struct edge *edge, bool figures)
{
	(void)figures;
	strbuf_printf(out, "\"store\":{\"state\":\"%s\"}", store_state(edge));
}

void rpc_task_history(const struct call *call)
{
	struct history_params params = { 0 };
	if (!call_params(call, &params))
		return;
	call_has_store(call);
	call_params_free(call, &params);
}

void rpc_store_stats(const struct call *call)
{
	struct no_params params = { 0 };
	if (call_params(call, &params))
		call_has_store(call);
}

void rpc_store_check(const struct call *call)
{
	struct no_params params = { 0 };
	if (call_params(call, &params))
		call_has_store(call);
}

void rpc_store_backup(const struct call *call)
{
	struct backup_params params = { 0 };
	if (!call_params(call, &params))
		return;
	call_has_store(call);
	call_params_free(call, &params);
}
