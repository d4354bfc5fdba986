/* Barriers: nobody goes on before all have come. */
#include "client/object.h"

enum taskd_error taskd_barrier_wait(
	struct taskd *c, const char *name, int64_t parties, int64_t timeout_ns, int64_t *index)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "barrier.wait", "name", name);
	if (parties < 0)
		object_ask_refuse(&ask, "a barrier's parties cannot be negative");
	if (parties)
		object_ask_integer(&ask, "parties", parties);
	object_ask_timeout(&ask, timeout_ns);
	object_ask_send(&ask);
	int64_t number = object_ask_number(&ask, "index");
	if (index)
		*index = number;
	return object_ask_end(&ask);
}

static enum taskd_error change(struct taskd *c, const char *method, const char *name)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, method, "name", name);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

enum taskd_error taskd_barrier_abort(struct taskd *c, const char *name)
{
	return change(c, "barrier.abort", name);
}

enum taskd_error taskd_barrier_reset(struct taskd *c, const char *name)
{
	return change(c, "barrier.reset", name);
}
