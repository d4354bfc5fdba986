/* Semaphores: so many may have it at a time; or, unbounded, permits that anybody may add. */
#include "client/object.h"

/* What acquiring and releasing have in common. */
static void describe(struct object_ask *ask, const struct taskd_semaphore_options *options)
{
	if (!options)
		return;
	if (options->count < 0)
		object_ask_refuse(ask, "the options' count is negative");
	if (options->slots)
		object_ask_integer(ask, "slots", options->slots > 0 ? options->slots : 0);
	if (options->unbounded && !ask->error)
		strbuf_puts(&ask->text, ",\"bounded\":false");
	if (options->count)
		object_ask_integer(ask, "count", options->count);
	object_ask_holder(ask, &options->who);
}

enum taskd_error taskd_semaphore_acquire(struct taskd *c, const char *name,
	const struct taskd_semaphore_options *options, int64_t timeout_ns, struct taskd_grant *grant)
{
	struct object_ask ask;

	if (grant)
		*grant = (struct taskd_grant){ 0 };
	object_ask_begin(&ask, c, "semaphore.acquire", "name", name);
	describe(&ask, options);
	object_ask_timeout(&ask, timeout_ns);
	ask.holds = true;
	object_ask_send(&ask);
	object_ask_grant(&ask, grant);
	return object_ask_end(&ask);
}

enum taskd_error taskd_semaphore_release(
	struct taskd *c, const char *name, const struct taskd_semaphore_options *options)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "semaphore.release", "name", name);
	describe(&ask, options);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}
