/* The parameters of the methods for named objects (locks, semaphores, events, conditions, barriers, message queues), as
 * params_read fills them in; part of proto/methods.h. */
#ifndef PROTO_OBJECT_PARAMS_H
#define PROTO_OBJECT_PARAMS_H

#include "proto/params.h"

#define OBJECT_NAME_MAX 255 /* bytes, as object/object.h has it */
#define HOLDER_NAME_MAX 64
#define SLOTS_MAX INT32_MAX
#define PARTIES_MAX 1000000
#define PEEK_MAX 1000
#define OBJECTS_LISTED_MAX 10000

struct who_params {
	struct param_name holder; /* which part of the owner it is; length 0: none */
	uint64_t task;            /* the owner is that task; 0: it is the connection */
};

struct lock_acquire_params {
	struct param_name name;
	int64_t timeout; /* these, everywhere: ns; -1: for ever; 0: not at all */
	bool shared;
	bool reentrant;
	struct who_params who;
};
struct lock_release_params {
	struct param_name name;
	struct who_params who;
};
struct semaphore_params { /* semaphore.acquire, semaphore.release (no timeout) */
	struct param_name name;
	int64_t slots; /* -1: absent */
	int64_t count; /* 0 (absent): 1 */
	int bounded;   /* 1, 0; -1: absent */
	int64_t timeout;
	struct who_params who;
};
struct object_name_params { /* event.set, .clear, .is_set; barrier.abort, .reset; mq.length, .clear, .delete */
	struct param_name name;
};
struct event_wait_params {
	struct param_name name;
	int64_t timeout;
	struct who_params who;
};
struct condition_wait_params {
	struct param_name name;
	struct param_name lock;
	int64_t timeout;
	struct who_params who;
};
struct condition_notify_params {
	struct param_name name;
	struct param_name lock;
	int64_t count; /* 0 (absent): 1 */
	bool all;
	struct who_params who;
};
struct barrier_wait_params {
	struct param_name name;
	int64_t parties; /* 0 (absent): as it is there */
	int64_t timeout;
	struct param_name holder;
};

enum mq_end_word { MQ_END_HEAD, MQ_END_TAIL };
struct mq_options_params {
	int order;           /* enum mq_order's values; -1: absent */
	int64_t limit_count; /* -1: absent */
	int64_t limit_bytes; /* -1: absent */
};
struct mq_create_params {
	struct param_name name;
	struct mq_options_params options;
	bool shared; /* false says nothing */
};
struct mq_put_params {
	struct param_name name;
	struct json_span value;
	int64_t priority;
	int end; /* enum mq_end_word; -1: tail */
	int64_t timeout;
	struct mq_options_params options;
};
struct mq_get_params {
	struct param_name name;
	int64_t timeout;
	bool ack;
	int end; /* -1: head */
};
struct mq_receipt_params { /* mq.ack, mq.nack */
	uint64_t receipt;
};
struct mq_peek_params {
	struct param_name name;
	int end;       /* -1: head */
	int64_t limit; /* 0 (absent): 1 */
};
struct mq_join_params {
	struct param_name name;
	int64_t timeout;
};
struct mq_task_done_params {
	struct param_name name;
	int64_t count; /* 0 (absent): 1 */
};
struct object_list_params {     /* lock.list, … */
	struct param_name name; /* length 0: all */
	int64_t limit;          /* 0 (absent): 1000 */
};

#endif
