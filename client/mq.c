/* Message queues as a whole: made, counted, joined, cleared. What goes through them is in mq_message.c. */
#include "client/object.h"

static const char *const orders[] = {
	[TASKD_MQ_FIFO] = "fifo",
	[TASKD_MQ_LIFO] = "lifo",
	[TASKD_MQ_PRIORITY] = "priority",
};
#define N_ORDERS (sizeof(orders) / sizeof(orders[0]))

void mq_describe(struct object_ask *ask, const struct taskd_mq_options *options)
{
	if ((unsigned)options->order >= N_ORDERS)
		object_ask_refuse(ask, "the options' order is no TASKD_MQ_…");
	else if (options->limit_count < 0 || options->limit_bytes < 0)
		object_ask_refuse(ask, "the options have a negative limit");
	else if (options->order != TASKD_MQ_ANY)
		object_ask_string(ask, "order", orders[options->order]);
	if (options->limit_count)
		object_ask_integer(ask, "limit_count", options->limit_count);
	if (options->limit_bytes)
		object_ask_integer(ask, "limit_bytes", options->limit_bytes);
}

enum taskd_error taskd_mq_create(struct taskd *c, const char *name, const struct taskd_mq_options *options)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "mq.create", "name", name);
	if (options) {
		mq_describe(&ask, options);
		object_ask_flag(&ask, "shared", options->shared);
	}
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

/* METHOD's answer has a number that is called KEY. */
static enum taskd_error count(struct taskd *c, const char *method, const char *name, const char *key, int64_t *out)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, method, "name", name);
	object_ask_send(&ask);
	int64_t number = object_ask_number(&ask, key);
	if (out)
		*out = number;
	return object_ask_end(&ask);
}

enum taskd_error taskd_mq_length(struct taskd *c, const char *name, int64_t *length)
{
	return count(c, "mq.length", name, "length", length);
}

enum taskd_error taskd_mq_clear(struct taskd *c, const char *name, int64_t *cleared)
{
	return count(c, "mq.clear", name, "cleared", cleared);
}

enum taskd_error taskd_mq_join(struct taskd *c, const char *name, int64_t timeout_ns)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "mq.join", "name", name);
	object_ask_timeout(&ask, timeout_ns);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

enum taskd_error taskd_mq_task_done(struct taskd *c, const char *name, int64_t n)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "mq.task_done", "name", name);
	if (n < 1)
		object_ask_refuse(&ask, "at least one has to be done");
	object_ask_integer(&ask, "count", n);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}

enum taskd_error taskd_mq_delete(struct taskd *c, const char *name)
{
	struct object_ask ask;

	object_ask_begin(&ask, c, "mq.delete", "name", name);
	object_ask_send(&ask);
	return object_ask_end(&ask);
}
