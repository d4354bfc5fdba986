/* Who may use which named object: whoever may use its name, as [access] sections say. A message queue has contents,
 * too, and these are its owner's, until he shares it. */
#include "base/users.h"
#include "edge/access.h"
#include "edge/objects.h"

bool message_queue_is_open(const struct connection *connection, const struct mq_figures *figures)
{
	return !figures->owned || figures->options.shared || figures->owner == connection->peer.uid;
}

void object_deny(const struct call *call, const struct object_name *name, uint32_t owner)
{
	access_deny_others(call, RIGHT_SUBMIT, owner, "the message queue \"%.*s\" belongs to user %s, who has not shared it",
		(int)name->length, name->data, user_name_kept(owner, core_now(call->edge->core)));
}

/* One that is not there, or that is nobody's, will be the caller's. */
static bool may_use_queue(const struct call *call, const struct object_name *name)
{
	struct mq_figures figures;
	if (!mq_figures(core_objects(call->edge->core), name, &figures) ||
		message_queue_is_open(call->to.connection, &figures) || access_has(call, RIGHT_ADMIN))
		return true;
	object_deny(call, name, figures.owner);
	return false;
}

bool call_may_use(const struct call *call, enum object_kind kind, const struct object_name *name)
{
	return access_may_use(call, name) && (kind != OBJECT_MQ || may_use_queue(call, name));
}

bool call_takes_object(
	const struct call *call, enum object_kind kind, const struct param_name *name, struct object_name *out)
{
	*out = (struct object_name){ .data = name->data, .length = name->length };
	return call_may_use(call, kind, out);
}

void call_with_name(const struct call *call, enum object_kind kind,
	void (*act)(const struct call *call, const struct object_name *name))
{
	struct object_name_params params = { 0 };
	struct object_name name;
	if (!call_params(call, &params))
		return;
	if (call_takes_object(call, kind, &params.name, &name))
		act(call, &name);
	call_params_free(call, &params);
}
