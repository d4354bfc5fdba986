/* taskd's own methods: names, parameters, one line each. The daemon's dispatch, rpc.discover, taskctl's completion and
 * the lints over the man pages all read this table. */
#ifndef PROTO_METHODS_H
#define PROTO_METHODS_H

#include "proto/object_params.h"
#include "proto/params.h"

enum method {
	METHOD_TASK_CALL,
	METHOD_TASK_SUBMIT,
	METHOD_TASK_SUBMIT_BATCH, /* several that may wait for each other, all or none */
	METHOD_TASK_MAP,
	METHOD_TASK_RESULT,
	METHOD_TASK_WAIT,
	METHOD_TASK_STATUS,
	METHOD_TASK_LIST,
	METHOD_TASK_HISTORY, /* as the list, of what the store has */
	METHOD_TASK_CANCEL,
	METHOD_TASK_RETRY,
	METHOD_TASK_FORGET,
	METHOD_TASK_WATCH,
	METHOD_TASK_UNWATCH,
	METHOD_TASK_TYPES, /* task.types: what can be submitted */
	METHOD_TASK_LOG,    /* commands: a page of what it has said */
	METHOD_TASK_FOLLOW, /* …and what it says from now on, as notifications task.output */
	METHOD_TASK_UNFOLLOW,
	METHOD_TASK_SEND,   /* …to its standard input */
	METHOD_TASK_SIGNAL,
	METHOD_TASK_SUSPEND,
	METHOD_TASK_RESUME,
	METHOD_TASK_WINDOW, /* …its terminal's size */
	METHOD_WORKER_LIST,
	METHOD_POOL_LIST,
	METHOD_POOL_RESIZE,
	METHOD_QUEUE_LIST,
	METHOD_QUEUE_CREATE,
	METHOD_QUEUE_SET,
	METHOD_QUEUE_REMOVE,
	METHOD_QUEUE_PAUSE,
	METHOD_QUEUE_RESUME,
	METHOD_QUEUE_DRAIN,
	METHOD_SCHEDULE_ADD,
	METHOD_SCHEDULE_LIST,
	METHOD_SCHEDULE_REMOVE,
	METHOD_LOCK_ACQUIRE,
	METHOD_LOCK_RELEASE,
	METHOD_LOCK_LIST,
	METHOD_SEMAPHORE_ACQUIRE,
	METHOD_SEMAPHORE_RELEASE,
	METHOD_SEMAPHORE_LIST,
	METHOD_EVENT_SET,
	METHOD_EVENT_CLEAR,
	METHOD_EVENT_IS_SET,
	METHOD_EVENT_WAIT,
	METHOD_EVENT_LIST,
	METHOD_CONDITION_WAIT,
	METHOD_CONDITION_NOTIFY,
	METHOD_CONDITION_LIST,
	METHOD_BARRIER_WAIT,
	METHOD_BARRIER_ABORT,
	METHOD_BARRIER_RESET,
	METHOD_BARRIER_LIST,
	METHOD_MQ_CREATE,
	METHOD_MQ_PUT,
	METHOD_MQ_GET,
	METHOD_MQ_ACK,
	METHOD_MQ_NACK,
	METHOD_MQ_PEEK,
	METHOD_MQ_LENGTH,
	METHOD_MQ_CLEAR,
	METHOD_MQ_JOIN,
	METHOD_MQ_TASK_DONE,
	METHOD_MQ_DELETE,
	METHOD_MQ_LIST,
	METHOD_USER_LIST,
	METHOD_STORE_STATS,
	METHOD_STORE_CHECK,
	METHOD_STORE_BACKUP,
	METHOD_SERVER_INFO,
	METHOD_SERVER_STATS,
	METHOD_SERVER_PING,
	METHOD_SERVER_RELOAD,
	METHOD_SERVER_SHUTDOWN,
	METHOD_RPC_DISCOVER,
	METHOD_CANCEL_REQUEST, /* $/cancelRequest, as LSP clients send it */
	N_METHODS,
};

/* What a caller may have to be allowed; [access] in taskd.conf(5) says who is. Whoever has RIGHT_ADMIN has them all. */
enum right {
	RIGHT_NONE,   /* nothing: for whoever may connect */
	RIGHT_SUBMIT, /* to hand over tasks, of names and into queues that are allowed; to use named objects */
	RIGHT_READ,   /* to see tasks: his own, or all; and how much there is of everything */
	RIGHT_CANCEL, /* to end tasks, signal them, write to them, forget them: his own, or all */
	RIGHT_ADMIN,  /* what concerns everybody */
	N_RIGHTS,
};
struct method_info {
	const char *name;
	size_t name_length;
	const char *summary;
	const struct param_spec *params; /* never NULL */
	const char *result;              /* one line: what the result is */
	const char *result_schema;       /* its JSON Schema's text */
	enum right right;                /* that its caller needs at least */
};
/* "none", "submit", "read", "cancel", "admin". */
const char *right_name(enum right right);
const struct method_info *method_info(enum method method);
/* -1 where there is none. */
int method_find(const char *name, size_t length);

/* --- the parameters, as params_read fills them in --- */
#define TASK_NAME_LIMIT 64
#define TASK_TAG_LIMIT 256
#define TASK_KEY_LIMIT 256
#define TASK_LABEL_LIMIT 64
#define QUEUE_NAME_LIMIT 64
#define SCHEDULE_NAME_LIMIT 64
#define RETRIES_MAX 1000
#define BATCH_TASKS_MAX 100000
#define REFS_MAX 10000 /* tasks that one task waits for */

struct retry_options {
	int64_t retries;      /* 0: none */
	int64_t backoff;      /* ns; -1 (absent): 1 s */
	int64_t backoff_max;  /* ns; -1: 1 h */
	double backoff_factor; /* absent (0): 2 */
	double jitter;        /* absent (-1): 0.1 */
	struct param_strings retry_on; /* "failed", "timed_out", "crashed"; none: all three */
};
struct claim_options { /* what it must have before it starts */
	struct param_strings locks;
	struct param_strings shared_locks;
	struct param_permits semaphores;
};
enum on_interrupt_word { ON_INTERRUPT_REQUEUE, ON_INTERRUPT_CRASH };
enum key_mode_word { KEY_WORD_REJECT, KEY_WORD_ATTACH, KEY_WORD_REPLACE, KEY_WORD_ONCE };
struct submit_options { /* what every submission can say; task.map: not what is marked with * */
	char *queue;
	int64_t priority; /* -2147483648…2147483647 */
	int64_t timeout;  /* ns, -1: none */
	char *tag;
	int64_t delay;              /* * ns; -1: none */
	int64_t at;                 /* * wall clock, ns since 1970; INT64_MIN: none */
	struct param_moment expires; /* not started by then */
	struct retry_options retry;
	struct param_refs after;     /* * */
	struct param_refs after_any; /* * */
	bool pass_results;           /* * */
	char *key;                   /* * */
	int key_mode;                /* * enum key_mode_word; -1: reject */
	int64_t wait_for_room;       /* ns; -1: none, a full queue is an error at once */
	struct claim_options claims; /* * */
	int durable;                 /* * -1 (absent): as its queue and the daemon have it; 0, 1 */
	int on_interrupt;            /* * enum on_interrupt_word; -1: commands crash, others are queued again */
};
struct submit_params { /* task.call, task.submit */
	char *task;
	struct json_span args; /* JSON_NONE: [] */
	struct submit_options options;
	bool watch; /* task.submit only */
};
struct batch_params { /* task.submit_batch */
	struct json_span tasks; /* an array of objects: submit_params with `label`, read one by one as below */
};
struct batch_task_params {
	char *label; /* NULL: none */
	char *task;
	struct json_span args;
	struct submit_options options; /* not wait_for_room */
	bool watch;
};
/* The table of an element of its tasks. */
const struct param_spec *batch_task_params(void);
struct filter_params { /* which tasks: of listings, cancellations, retries, watches */
	struct param_strings states; /* parameter "state" */
	char *queue;
	char *task;
	char *tag;
	char *user; /* a name or a uid */
	struct param_moment since; /* a time, or so long ago */
};
struct map_params {
	char *task;
	struct json_span items;
	int64_t chunk; /* 0 (absent): 1 */
	bool return_exceptions;
	struct submit_options options;
};
struct result_params { /* task.result */
	uint64_t id;
	int64_t timeout; /* ns, -1: for ever */
};
enum return_when { WHEN_ALL_COMPLETED, WHEN_FIRST_COMPLETED, WHEN_FIRST_EXCEPTION };
struct wait_params { /* ids or tag */
	struct param_ids ids;
	char *tag; /* all tasks that have it now */
	int64_t timeout;
	int return_when; /* enum return_when; -1: all completed */
};
struct id_params { /* task.status */
	uint64_t id;
	struct json_span call; /* instead of id: the id of an outstanding request of this connection */
};
struct cancel_params { /* task.cancel; task.retry and task.forget, without call: ids, or call, or a filter, or all */
	struct param_ids ids;
	struct json_span call;
	struct filter_params filter;
	bool all; /* where nothing else says which */
};
struct list_params {
	struct filter_params filter;
	int64_t limit;   /* 0 (absent): 100; at most 10000 */
	int order;       /* 0 or -1: newest first; 1: oldest first */
	uint64_t before; /* newest first: only ids below this one, for the next page */
	uint64_t after;  /* oldest first: only ids above this one, for the next page */
};
struct history_params { /* task.history */
	struct filter_params filter;
	char *key;
	struct param_moment until; /* submitted before that time, or longer ago */
	int64_t limit;   /* these four as of the list */
	int order;
	uint64_t before;
	uint64_t after;
};
struct watch_params {
	struct param_ids ids; /* and, or instead: */
	struct filter_params filter; /* `states`: only the changes into these */
	bool progress;        /* events of progress, too */
	int64_t limit;        /* events that may wait to be written; 0: 1000 */
};
struct unwatch_params {
	uint64_t watch; /* as task.watch has given it */
};
enum stream_word { STREAM_WORD_STDOUT, STREAM_WORD_STDERR };
struct log_params {
	uint64_t id;
	int stream;      /* enum stream_word; -1: stdout */
	int64_t offset;  /* bytes; -1 (absent): 0 */
	int64_t limit;   /* bytes; 0 (absent): LOG_PAGE, which is the most */
	int64_t attempt; /* 0 (absent): the last one */
};
#define LOG_PAGE (32 * 1024)
struct follow_params {
	uint64_t id;
	int64_t limit; /* bytes of notifications that may wait to be written; 0: FOLLOW_LIMIT */
};
#define FOLLOW_LIMIT (1024 * 1024)
struct unfollow_params {
	uint64_t follow; /* as task.follow has given it */
};
struct send_params {
	uint64_t id;
	struct json_span data; /* a string; or: */
	char *data_base64;
	bool eof;
	int64_t timeout; /* so long the command may take to make room; ns, -1: for ever */
};
struct signal_params {
	struct param_ids ids;
	char *signal; /* "TERM", "SIGTERM", "15" */
};
struct ids_params { /* task.suspend, task.resume */
	struct param_ids ids;
};
struct window_params {
	uint64_t id;
	int64_t rows, columns; /* 1…WINDOW_MAX */
};
#define WINDOW_MAX 65535
struct resize_params {
	char *pool;
	int64_t processes;
};
struct queue_params { /* queue.create, queue.set: what is absent stays, or is the default */
	char *name;
	char *pool; /* queue.create only */
	int order;  /* -1: absent; 0 priority, 1 fifo, 2 lifo */
	int64_t limit_running; /* these: -1: absent; 0: no limit */
	int64_t limit_queued;
	int64_t limit_bytes;
	double rate;   /* starts a second; -1: absent; 0: no limit */
	int64_t burst; /* -1: absent */
	int64_t ageing; /* ns; -1: absent; 0: none */
	int64_t weight; /* 0: absent */
	int durable;    /* enum durable_word; -1: absent */
	int fair;       /* 1, 0; -1: absent */
};
enum durable_word { DURABLE_WORD_AUTO, DURABLE_WORD_YES, DURABLE_WORD_NO };
struct queue_name_params { /* queue.remove */
	char *name;
};
struct queue_names_params { /* queue.pause, queue.resume, queue.drain */
	struct param_strings queues; /* parameter "queue" */
	bool wait;       /* pause: until nothing of them runs; drain: until nothing of them waits or runs */
	int64_t timeout; /* of that; ns, -1: for ever */
};
struct schedule_params { /* schedule.add */
	char *name;
	char *task;
	struct json_span args;
	char *cron;     /* or */
	int64_t every;  /* ns; -1: absent */
	bool catch_up;
	bool overlap;
	char *queue;
	int64_t priority;
	int64_t timeout;
	char *tag;
	int64_t expires; /* ns after each run is due; -1: none */
	struct retry_options retry;
	struct claim_options claims;
	int durable;      /* these two as of submit_options */
	int on_interrupt;
};
struct schedule_name_params { /* schedule.remove */
	char *name;
	char *user;
};
struct backup_params { /* store.backup */
	char *path;
};
struct shutdown_params {
	bool now; /* do not wait for what runs */
};
struct cancel_request_params {
	struct json_span id;
};
struct no_params {
	char unused;
};

#endif
