/* Events that programs set for each other and wait for, by name. (events.c is about what the daemon tells of tasks.) */
#include "client/object.h"

static enum taskd_error change(struct taskd *c, const char *method, const char *name)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, method, "name", name);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

enum taskd_error taskd_event_set(struct taskd *c, const char *name)
{
	return change(c, "event.set", name);
}

enum taskd_error taskd_event_clear(struct taskd *c, const char *name)
{
	return change(c, "event.clear", name);
}

enum taskd_error taskd_event_is_set(struct taskd *c, const char *name, bool *set)
{
	struct object_ask ask;
	bool is_set;

	object_ask_begin(&ask, c, "event.is_set", "name", name);
	object_ask_place(&ask, set);
	object_ask_send(&ask);
	is_set = object_ask_true(&ask, "set");
	if (set)
		*set = is_set;
	return object_ask_end(&ask);
}

enum taskd_error taskd_event_wait(struct taskd *c, const char *name, int64_t timeout_ns)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "event.wait", "name", name);
	object_ask_timeout(&ask, timeout_ns);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}
