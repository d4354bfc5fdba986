/* Who holds and waits for named objects: a connection, as which it begins with its first such request and ends when the
 * connection is taken apart; or a task, in whose name only processes may speak that run within it. And how either is
 * told to others. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/users.h"
#include "base/xmalloc.h"
#include "edge/access.h"
#include "edge/objects.h"
#include "pool/pool.h"

struct connection_owner {
	struct object_owner owner;
	struct connection *connection;
};

struct object_owner *connection_owner(struct connection *connection)
{
	struct edge *edge = connection->edge;
	if (connection->owner)
		return connection->owner;
	struct connection_owner *own = xcalloc(1, sizeof(*own));
	own->connection = connection;
	connection->owner = &own->owner;
	object_owner_begin(core_objects(edge->core), connection->owner, OWNER_CONNECTION, connection->number,
		connection->peer.uid, connection->peer.pid);
	return connection->owner;
}

bool connection_owner_end(struct connection *connection)
{
	struct object_owner *owner = connection->owner;
	if (!owner)
		return false;
	bool any = !object_owner_is_idle(owner);
	object_owner_end(owner);
	free(heap_entry(owner, struct connection_owner, owner));
	connection->owner = NULL;
	return any;
}

struct connection *connection_of_owner(const struct object_owner *owner)
{
	if (owner->kind != OWNER_CONNECTION)
		return NULL;
	return heap_entry(owner, const struct connection_owner, owner)->connection;
}

/* --- tasks --- */

/* The process that runs TASK; 0: it does not run. */
static int pid_of_task(struct task *task)
{
	if (task->slot)
		core_task_look(task);
	if (!task->slot || (task->state != TASK_RUNNING && task->state != TASK_CANCELLING))
		return 0;
	return pools_worker_of(task->slot)->pid;
}

/* Its own processes may speak for it whoever they are; others are told of it what they may see. */
static struct object_owner *task_owner(const struct call *call, uint64_t id)
{
	struct task *task;
	enum core_found found = core_find(call->edge->core, id, &task);
	int pid = found == CORE_FOUND ? pid_of_task(task) : 0;
	bool own = pid && nested_pid(call->to.connection) == pid;
	if (found == CORE_FOUND && !own && !access_sees(call->to.connection, task))
		found = CORE_FORGOTTEN;
	if (own)
		return core_task_owner(task);
	if (found != CORE_FOUND)
		reply_not_there(&call->to, id, found);
	else if (!pid)
		reply_errorf(&call->to, PROTO_NOT_RUNNING, "task %" PRIu64 " does not run: it is %s", id,
			task_state_name(task->state));
	else
		reply_errorf(&call->to, PROTO_DENIED,
			"this is not a process of task %" PRIu64 ": only such may hold something for it", id);
	return NULL;
}

bool call_holder(const struct call *call, const struct who_params *who, struct object_holder *out)
{
	*out = (struct object_holder){ .owner = NULL };
	if (who) {
		out->token = who->holder.data;
		out->token_length = who->holder.length;
	}
	out->owner = who && who->task ? task_owner(call, who->task) : connection_owner(call->to.connection);
	return out->owner;
}

/* --- telling --- */

struct party party_of_owner(const struct object_owner *owner, const struct object_name *token)
{
	return (struct party){
		.kind = owner->kind,
		.id = owner->id,
		.uid = owner->uid,
		.pid = owner->pid,
		.token = token ? token->data : NULL,
		.token_length = token ? token->length : 0,
	};
}

struct party party_of_link(const struct object_link *link)
{
	return (struct party){
		.kind = link->owner_kind,
		.id = link->owner_id,
		.uid = link->uid,
		.pid = link->pid,
		.token = link->token,
		.token_length = strlen(link->token),
	};
}

/* A task's is its worker's. */
static int pid_of(const struct edge *edge, const struct party *party)
{
	struct task *task;
	if (party->kind != OWNER_TASK || party->pid || core_find(edge->core, party->id, &task) != CORE_FOUND)
		return party->pid;
	return pid_of_task(task);
}

bool party_is_seen(struct connection *viewer, uint32_t uid)
{
	return uid == viewer->peer.uid || access_sees_user(viewer, uid);
}

void party_write(struct strbuf *out, struct connection *viewer, const struct party *party)
{
	const struct edge *edge = viewer->edge;
	const char *user = user_name_kept(party->uid, core_now(edge->core));
	bool seen = party_is_seen(viewer, party->uid);
	if (seen)
		strbuf_printf(out, "\"pid\":%d,", pid_of(edge, party));
	strbuf_puts(out, "\"user\":");
	strbuf_json_string(out, user, strlen(user));
	if (!seen)
		return;
	if (party->kind == OWNER_TASK)
		strbuf_printf(out, ",\"task\":\"%" PRIu64 "\"", party->id);
	else
		strbuf_printf(out, ",\"connection\":%" PRIu64, party->id);
	if (!party->token_length)
		return;
	strbuf_puts(out, ",\"holder\":");
	strbuf_json_string(out, party->token, party->token_length);
}

void party_tell(struct strbuf *out, struct connection *viewer, const struct party *party)
{
	const struct edge *edge = viewer->edge;
	const char *user = user_name_kept(party->uid, core_now(edge->core));
	if (!party_is_seen(viewer, party->uid)) {
		strbuf_printf(out, "user %s", user);
		return;
	}
	int pid = pid_of(edge, party);
	if (party->kind == OWNER_TASK) {
		strbuf_printf(out, "task %" PRIu64 " (user %s", party->id, user);
		if (pid)
			strbuf_printf(out, ", pid %d", pid);
	} else {
		if (pid)
			strbuf_printf(out, "pid %d", pid);
		else
			strbuf_puts(out, "a process elsewhere");
		strbuf_printf(out, " (user %s, connection %" PRIu64, user, party->id);
	}
	if (party->token_length)
		strbuf_printf(out, ", holder \"%.*s\"", (int)party->token_length, party->token);
	strbuf_puts(out, ")");
}
