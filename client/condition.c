/* Conditions. Who waits at one has its lock again afterwards, notified or not: so a time limit that has run out is told
 * by an answer with a grant, not by an error. */
#include "client/object.h"

enum taskd_error taskd_condition_wait(struct taskd *c, const char *name, const char *lock,
	const struct taskd_holder *who, int64_t timeout_ns, struct taskd_grant *grant)
{
	struct object_ask ask;

	if (grant)
		*grant = (struct taskd_grant){ 0 };
	object_ask_begin(&ask, c, "condition.wait", "name", name);
	object_ask_string(&ask, "lock", lock);
	object_ask_holder(&ask, who);
	object_ask_timeout(&ask, timeout_ns);
	ask.holds = true;
	object_ask_send(&ask);
	object_ask_grant(&ask, grant);
	if (!ask.error && !object_ask_true(&ask, "notified"))
		ask.error = error_set(TASKD_E_TIMEOUT, NULL);
	return object_ask_end(&ask);
}

enum taskd_error taskd_condition_notify(struct taskd *c, const char *name, const char *lock,
	const struct taskd_holder *who, int64_t n, int64_t *notified)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "condition.notify", "name", name);
	object_ask_string(&ask, "lock", lock);
	object_ask_holder(&ask, who);
	if (n > 0)
		object_ask_integer(&ask, "count", n);
	else
		object_ask_flag(&ask, "all", true);
	object_ask_send(&ask);
	int64_t number = object_ask_number(&ask, "notified");
	if (notified)
		*notified = number;
	return object_ask_end(&ask);
}
