/* What the methods for named objects take: locks, semaphores, events, conditions, barriers, message queues. */
#include "proto/method_objects.h"

#include "proto/method_params.h"

static const char *const mq_order_words[] = { "fifo", "lifo", "priority", NULL };

static const char *const mq_end_words[] = {
	[MQ_END_HEAD] = "head",
	[MQ_END_TAIL] = "tail",
	NULL,
};

#define NAME_PARAM(struct_, summary_) \
	PARAM(struct_, name, "name", PARAM_NAME, .required = true, .max = OBJECT_NAME_MAX, .summary = summary_)
#define HOLDER_PARAM(struct_, member_)                                        \
	PARAM(struct_, member_, "holder", PARAM_NAME, .max = HOLDER_NAME_MAX, \
		.summary = "which part of you it is that holds and waits, such as a thread")
#define WHO_PARAMS(struct_)                                \
	HOLDER_PARAM(struct_, who.holder),                 \
		PARAM(struct_, who.task, "task", PARAM_ID, \
			.summary = "the task within which you run, which is to hold it instead of this connection")
#define TIMEOUT_PARAM(struct_)                             \
	PARAM(struct_, timeout, "timeout", PARAM_DURATION, \
		.summary = "how long to wait; 0: not at all; default: as long as it takes")
#define LOCK_PARAM(struct_)                                                                \
	PARAM(struct_, lock, "lock", PARAM_NAME, .required = true, .max = OBJECT_NAME_MAX, \
		.summary = "its lock, which you hold")

const struct param_spec lock_acquire_specs[] = {
	NAME_PARAM(lock_acquire_params, "the lock"),
	TIMEOUT_PARAM(lock_acquire_params),
	PARAM(lock_acquire_params, shared, "shared", PARAM_BOOL,
		.summary = "with others who want it so, too; default false: alone"),
	PARAM(lock_acquire_params, reentrant, "reentrant", PARAM_BOOL,
		.summary = "once more where you have it already; default false: that is a deadlock"),
	WHO_PARAMS(lock_acquire_params),
	END_OF_PARAMS,
};

const struct param_spec lock_release_specs[] = {
	NAME_PARAM(lock_release_params, "the lock"),
	WHO_PARAMS(lock_release_params),
	END_OF_PARAMS,
};

#define SLOTS_PARAM                                                            \
	PARAM(semaphore_params, slots, "slots", PARAM_COUNT, .max = SLOTS_MAX, \
		.summary = "how many permits it has; default: as it is there, or 1")
#define BOUNDED_PARAM                                            \
	PARAM(semaphore_params, bounded, "bounded", PARAM_MAYBE, \
		.summary =                                       \
			"permits are released only by those who have acquired them; default: as it is there, or true")
#define COUNT_PARAM(struct_, summary_) \
	PARAM(struct_, count, "count", PARAM_INT, .min = 1, .max = SLOTS_MAX, .summary = summary_)

const struct param_spec semaphore_acquire_specs[] = {
	NAME_PARAM(semaphore_params, "the semaphore"),
	SLOTS_PARAM,
	COUNT_PARAM(semaphore_params, "so many permits, all of them or none; default 1"),
	BOUNDED_PARAM,
	TIMEOUT_PARAM(semaphore_params),
	WHO_PARAMS(semaphore_params),
	END_OF_PARAMS,
};

const struct param_spec semaphore_release_specs[] = {
	NAME_PARAM(semaphore_params, "the semaphore"),
	COUNT_PARAM(semaphore_params, "so many permits; default 1"),
	SLOTS_PARAM,
	BOUNDED_PARAM,
	WHO_PARAMS(semaphore_params),
	END_OF_PARAMS,
};

const struct param_spec event_specs[] = {
	NAME_PARAM(object_name_params, "the event"),
	END_OF_PARAMS,
};

const struct param_spec event_wait_specs[] = {
	NAME_PARAM(event_wait_params, "the event"),
	TIMEOUT_PARAM(event_wait_params),
	WHO_PARAMS(event_wait_params),
	END_OF_PARAMS,
};

const struct param_spec condition_wait_specs[] = {
	NAME_PARAM(condition_wait_params, "the condition"),
	LOCK_PARAM(condition_wait_params),
	PARAM(condition_wait_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait to be notified; default: as long as it takes"),
	WHO_PARAMS(condition_wait_params),
	END_OF_PARAMS,
};

const struct param_spec condition_notify_specs[] = {
	NAME_PARAM(condition_notify_params, "the condition"),
	LOCK_PARAM(condition_notify_params),
	COUNT_PARAM(condition_notify_params, "at most so many of those who wait; default 1"),
	PARAM(condition_notify_params, all, "all", PARAM_BOOL, .summary = "all of them; default false"),
	WHO_PARAMS(condition_notify_params),
	END_OF_PARAMS,
};

const struct param_spec barrier_specs[] = {
	NAME_PARAM(object_name_params, "the barrier"),
	END_OF_PARAMS,
};

const struct param_spec barrier_wait_specs[] = {
	NAME_PARAM(barrier_wait_params, "the barrier"),
	PARAM(barrier_wait_params, parties, "parties", PARAM_INT, .min = 1, .max = PARTIES_MAX,
		.summary = "how many have to come; default: as it is there"),
	PARAM(barrier_wait_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for the others; default: as long as it takes"),
	HOLDER_PARAM(barrier_wait_params, holder),
	END_OF_PARAMS,
};

#define MQ_NAME_PARAM(struct_) NAME_PARAM(struct_, "the message queue")
#define MQ_OPTIONS(struct_)                                                                                      \
	PARAM(struct_, options.order, "order", PARAM_ENUM, .words = mq_order_words,                              \
		.summary = "which message is taken next; default: as it is there, or fifo"),                     \
		PARAM(struct_, options.limit_count, "limit_count", PARAM_COUNT,                                  \
			.summary = "so many messages wait at most; 0: no limit; default: as it is there, or 0"), \
		PARAM(struct_, options.limit_bytes, "limit_bytes", PARAM_SIZE,                                   \
			.summary = "…of so many bytes; 0: no limit; default: as it is there, or 0")

const struct param_spec mq_specs[] = {
	MQ_NAME_PARAM(object_name_params),
	END_OF_PARAMS,
};

const struct param_spec mq_create_specs[] = {
	MQ_NAME_PARAM(mq_create_params),
	MQ_OPTIONS(mq_create_params),
	PARAM(mq_create_params, shared, "shared", PARAM_BOOL,
		.summary = "other users may use it, too; default: as it is there, or false"),
	END_OF_PARAMS,
};

const struct param_spec mq_put_specs[] = {
	MQ_NAME_PARAM(mq_put_params),
	PARAM(mq_put_params, value, "value", PARAM_ANY, .required = true, .summary = "the message: any value"),
	PARAM(mq_put_params, priority, "priority", PARAM_INT, .min = INT32_MIN, .max = INT32_MAX,
		.summary = "higher ones are taken first, where the order is priority; default 0"),
	PARAM(mq_put_params, end, "end", PARAM_ENUM, .words = mq_end_words,
		.summary = "head: it is the next that is taken; default tail"),
	PARAM(mq_put_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for room; 0: not at all; default: as long as it takes"),
	MQ_OPTIONS(mq_put_params),
	END_OF_PARAMS,
};

const struct param_spec mq_get_specs[] = {
	MQ_NAME_PARAM(mq_get_params),
	PARAM(mq_get_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for a message; 0: not at all; default: as long as it takes"),
	PARAM(mq_get_params, ack, "ack", PARAM_BOOL,
		.summary = "it goes back to its place unless you acknowledge it by mq.ack; default false"),
	PARAM(mq_get_params, end, "end", PARAM_ENUM, .words = mq_end_words,
		.summary = "tail: the one that would be taken last; default head"),
	END_OF_PARAMS,
};

const struct param_spec mq_receipt_specs[] = {
	PARAM(mq_receipt_params, receipt, "receipt", PARAM_ID, .required = true, .summary = "as mq.get has given it"),
	END_OF_PARAMS,
};

const struct param_spec mq_peek_specs[] = {
	MQ_NAME_PARAM(mq_peek_params),
	PARAM(mq_peek_params, end, "end", PARAM_ENUM, .words = mq_end_words,
		.summary = "tail: begins with the one that would be taken last; default head"),
	PARAM(mq_peek_params, limit, "limit", PARAM_INT, .min = 1, .max = PEEK_MAX,
		.summary = "at most so many; default 1"),
	END_OF_PARAMS,
};

const struct param_spec mq_join_specs[] = {
	MQ_NAME_PARAM(mq_join_params),
	TIMEOUT_PARAM(mq_join_params),
	END_OF_PARAMS,
};

const struct param_spec mq_task_done_specs[] = {
	MQ_NAME_PARAM(mq_task_done_params),
	COUNT_PARAM(mq_task_done_params, "so many messages are dealt with; default 1"),
	END_OF_PARAMS,
};

const struct param_spec object_list_specs[] = {
	PARAM(object_list_params, name, "name", PARAM_NAME, .max = OBJECT_NAME_MAX,
		.summary = "only the one of this name"),
	PARAM(object_list_params, limit, "limit", PARAM_INT, .min = 1, .max = OBJECTS_LISTED_MAX,
		.summary = "at most so many; default 1000"),
	END_OF_PARAMS,
};
