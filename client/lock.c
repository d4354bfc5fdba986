/* Locks. They are the daemon's, who alone knows who has them; nothing is remembered here, so that there is nothing that
 * could be wrong after a connection's end. */
#include "client/object.h"

enum taskd_error taskd_lock_acquire(struct taskd *c, const char *name, const struct taskd_lock_options *options,
	int64_t timeout_ns, struct taskd_grant *grant)
{
	struct object_ask ask;

	if (grant)
		*grant = (struct taskd_grant){ 0 };
	object_ask_begin(&ask, c, "lock.acquire", "name", name);
	if (options) {
		object_ask_flag(&ask, "shared", options->shared);
		object_ask_flag(&ask, "reentrant", options->reentrant);
		object_ask_holder(&ask, &options->who);
	}
	object_ask_timeout(&ask, timeout_ns);
	ask.holds = true;
	object_ask_send(&ask);
	object_ask_grant(&ask, grant);
	return object_ask_end(&ask);
}

enum taskd_error taskd_lock_release(struct taskd *c, const char *name, const struct taskd_holder *who)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "lock.release", "name", name);
	object_ask_holder(&ask, who);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

/* Of an entry of lock.list. One that is there may be so only because others wait, or because its last holder died. */
static bool is_held(const struct json_span *entry)
{
	struct json_span holders = reply_member(entry, "holders");

	return holders.kind == JSON_SPAN_ARRAY && json_count(&holders) > 0;
}

enum taskd_error taskd_lock_locked(struct taskd *c, const char *name, bool *locked)
{
	struct object_ask ask;
	struct json_span entry;
	size_t cursor = 0;
	bool held = false;

	object_ask_begin(&ask, c, "lock.list", "name", name);
	object_ask_place(&ask, locked);
	object_ask_send(&ask);
	if (!ask.error && ask.result.kind != JSON_SPAN_ARRAY)
		object_ask_nonsense(&ask, "a list that is none");
	while (!ask.error && !held && json_next(&ask.result, &cursor, NULL, &entry))
		held = is_held(&entry);
	if (locked)
		*locked = held;
	return object_ask_end(&ask);
}
