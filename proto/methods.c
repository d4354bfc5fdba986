/* The table of taskd's own methods. Tasks are methods too, but they come and go with the handlers. */
#include "proto/methods.h"

#include <string.h>

#include "proto/method_objects.h"
#include "proto/method_params.h"
#include "proto/method_schemas.h"

#define PRIORITY_MIN INT32_MIN
#define PRIORITY_MAX INT32_MAX
#define CHUNK_MAX 1000000
#define LIST_MAX 10000
#define WATCH_MAX 1000000
#define FOLLOW_MAX (1024 * 1024 * 1024)
#define ATTEMPT_MAX INT32_MAX
#define SIGNAL_NAME_LIMIT 32
#define FACTOR_MAX 1000
#define RATE_MAX 1000000 /* these as taskd.conf(5) has them */
#define BURST_MAX 1000000
#define WEIGHT_MAX 1000
#define PROCESSES_MAX 1024
#define SCHEDULE_TEXT_LIMIT 256
#define PATH_LIMIT 4095

#define TASK_PARAM(struct_)                                                                  \
	PARAM(struct_, task, "task", PARAM_STRING, .required = true, .max = TASK_NAME_LIMIT, \
		.summary = "the task's name")

#define ARGS_PARAM(struct_) PARAM(struct_, args, "args", PARAM_ARGS, .summary = "the task's arguments; default []")

/* Positions count, where parameters are given as an array: what is new comes behind what was there. */
#define FIRST_OPTION_PARAMS(struct_, options_)                                                                     \
	PARAM(struct_, options_ queue, "queue", PARAM_STRING, .max = QUEUE_NAME_LIMIT,                             \
		.summary = "the queue it waits in; default: the task's own"),                                      \
		PARAM(struct_, options_ priority, "priority", PARAM_INT, .min = PRIORITY_MIN, .max = PRIORITY_MAX, \
			.summary = "higher is more urgent; default 0"),                                            \
		PARAM(struct_, options_ timeout, "timeout", PARAM_DURATION, .min = 1,                              \
			.summary = "ends the task when it runs longer; default: no limit"),                        \
		PARAM(struct_, options_ tag, "tag", PARAM_STRING, .max = TASK_TAG_LIMIT,                           \
			.summary = "a word to find it by, which others may have too")

#define RETRY_PARAMS(struct_, retry_)                                                                                \
	PARAM(struct_, retry_.retries, "retries", PARAM_INT, .max = RETRIES_MAX,                                     \
		.summary = "it is tried again so often, where it does not succeed; default 0"),                      \
		PARAM(struct_, retry_.backoff, "backoff", PARAM_DURATION,                                            \
			.summary = "the pause before it is tried again for the first time; default 1s"),             \
		PARAM(struct_, retry_.backoff_max, "backoff_max", PARAM_DURATION,                                    \
			.summary = "no such pause is longer; default 1h"),                                           \
		PARAM(struct_, retry_.backoff_factor, "backoff_factor", PARAM_NUMBER, .min = 1, .max = FACTOR_MAX,   \
			.summary = "each pause is so many times the one before; default 2"),                         \
		PARAM(struct_, retry_.jitter, "jitter", PARAM_NUMBER, .min = 0, .max = 1, .otherwise = -1,           \
			.summary =                                                                                   \
				"each pause is longer or shorter by up to this part of it, at random; default 0.1"), \
		PARAM(struct_, retry_.retry_on, "retry_on", PARAM_STRINGS, .words = retry_on_words,                  \
			.summary = "after which outcomes it is tried again; default: all three")

#define MORE_OPTION_PARAMS(struct_)                                                                             \
	PARAM(struct_, options.expires, "expires", PARAM_MOMENT, .min = 1,                                      \
		.summary = "it must have started by then, or so long after its submission; default: no limit"), \
		RETRY_PARAMS(struct_, options.retry)

#define ROOM_PARAM(struct_)                                                    \
	PARAM(struct_, options.wait_for_room, "wait_for_room", PARAM_DURATION, \
		.summary = "waits so long where the queue is full; default: not at all")

#define SINGLE_OPTION_PARAMS(struct_)                                                                         \
	PARAM(struct_, options.delay, "delay", PARAM_DURATION,                                                \
		.summary = "it joins its queue so long after its submission"),                                \
		PARAM(struct_, options.at, "at", PARAM_TIME,                                                  \
			.summary = "instead: it joins its queue at that time of the wall clock"),             \
		PARAM(struct_, options.after, "after", PARAM_REFS, .max = REFS_MAX,                           \
			.summary = "it waits until these tasks have succeeded, and ends where one does not"), \
		PARAM(struct_, options.after_any, "after_any", PARAM_REFS, .max = REFS_MAX,                   \
			.summary = "it waits until these tasks have ended, however that is"),                 \
		PARAM(struct_, options.pass_results, "pass_results", PARAM_BOOL,                              \
			.summary = "the results of \"after\" are added to its arguments; default false"),     \
		PARAM(struct_, options.key, "key", PARAM_STRING, .max = TASK_KEY_LIMIT,                       \
			.summary = "at most one of your tasks with this key is there at a time"),             \
		PARAM(struct_, options.key_mode, "key_mode", PARAM_ENUM, .words = key_mode_words,             \
			.summary = "what is done where another has the key; default reject")

#define CLAIM_PARAMS(struct_, claims_)                                                                      \
	PARAM(struct_, claims_.locks, "locks", PARAM_STRINGS, .max = OBJECT_NAME_MAX, .names = true,        \
		.summary = "it starts when it has these locks, and gives them back when it ends"),          \
		PARAM(struct_, claims_.shared_locks, "shared_locks", PARAM_STRINGS, .max = OBJECT_NAME_MAX, \
			.names = true,                                                                      \
			.summary = "it starts when it has these, which others may share, too"),             \
		PARAM(struct_, claims_.semaphores, "semaphores", PARAM_PERMITS, .max = OBJECT_NAME_MAX,     \
			.summary = "the same with permits of these: names, or {\"gpu\":2}, or " \
				   "{\"gpu\":{\"count\":2,\"slots\":8}}")

#define DURABLE_PARAMS(struct_, options_)                                                            \
	PARAM(struct_, options_ durable, "durable", PARAM_MAYBE,                                     \
		.summary = "whether it is kept on disk; default: as its queue says, else what is "   \
			   "submitted is, and what is called is not"),                               \
		PARAM(struct_, options_ on_interrupt, "on_interrupt", PARAM_ENUM,                    \
			.words = on_interrupt_words,                                                 \
			.summary = "what becomes of it where the daemon dies while it runs, and it " \
				   "is durable; default: commands crash, others are queued again")

#define FILTER_PARAMS(struct_, filter_)                                                                                \
	PARAM(struct_, filter_.states, "state", PARAM_STRINGS, .summary = "only those of this state or these states"), \
		PARAM(struct_, filter_.queue, "queue", PARAM_STRING, .summary = "only those of this queue"),           \
		PARAM(struct_, filter_.task, "task", PARAM_STRING, .summary = "only those of this name"),              \
		PARAM(struct_, filter_.tag, "tag", PARAM_STRING, .summary = "only those with this tag")
#define MORE_FILTER_PARAMS(struct_, filter_)                                                                          \
	PARAM(struct_, filter_.user, "user", PARAM_STRING, .summary = "only those of this user: a name or a number"), \
		PARAM(struct_, filter_.since, "since", PARAM_MOMENT,                                                  \
			.summary = "only those submitted at that time or later, or so long ago at most")

static const char *const return_when_words[] = {
	[WHEN_ALL_COMPLETED] = "all_completed",
	[WHEN_FIRST_COMPLETED] = "first_completed",
	[WHEN_FIRST_EXCEPTION] = "first_exception",
	NULL,
};

static const char *const retry_on_words[] = { "failed", "timed_out", "crashed", NULL };

static const char *const key_mode_words[] = {
	[KEY_WORD_REJECT] = "reject",
	[KEY_WORD_ATTACH] = "attach",
	[KEY_WORD_REPLACE] = "replace",
	[KEY_WORD_ONCE] = "once",
	NULL,
};

static const char *const on_interrupt_words[] = {
	[ON_INTERRUPT_REQUEUE] = "requeue",
	[ON_INTERRUPT_CRASH] = "crash",
	NULL,
};

static const char *const stream_words[] = {
	[STREAM_WORD_STDOUT] = "stdout",
	[STREAM_WORD_STDERR] = "stderr",
	NULL,
};

static const char *const list_order_words[] = { "newest", "oldest", NULL };

static const char *const queue_order_words[] = { "priority", "fifo", "lifo", NULL };

static const char *const durable_words[] = {
	[DURABLE_WORD_AUTO] = "auto",
	[DURABLE_WORD_YES] = "yes",
	[DURABLE_WORD_NO] = "no",
	NULL,
};

static const struct param_spec no_param_specs[] = { END_OF_PARAMS };

static const struct param_spec call_params[] = {
	TASK_PARAM(submit_params),
	ARGS_PARAM(submit_params),
	FIRST_OPTION_PARAMS(submit_params, options.),
	MORE_OPTION_PARAMS(submit_params),
	SINGLE_OPTION_PARAMS(submit_params),
	ROOM_PARAM(submit_params),
	CLAIM_PARAMS(submit_params, options.claims),
	DURABLE_PARAMS(submit_params, options.),
	END_OF_PARAMS,
};

static const struct param_spec submit_params[] = {
	TASK_PARAM(submit_params),
	ARGS_PARAM(submit_params),
	FIRST_OPTION_PARAMS(submit_params, options.),
	PARAM(submit_params, watch, "watch", PARAM_BOOL,
		.summary = "notify this connection with task.finished when it ends; default false"),
	MORE_OPTION_PARAMS(submit_params),
	SINGLE_OPTION_PARAMS(submit_params),
	ROOM_PARAM(submit_params),
	CLAIM_PARAMS(submit_params, options.claims),
	DURABLE_PARAMS(submit_params, options.),
	END_OF_PARAMS,
};

static const struct param_spec batch_params[] = {
	PARAM(batch_params, tasks, "tasks", PARAM_ARRAY, .required = true,
		.summary = "objects of task.submit's parameters, with a label where others in it name it"),
	END_OF_PARAMS,
};

static const struct param_spec batch_task_specs[] = {
	TASK_PARAM(batch_task_params),
	ARGS_PARAM(batch_task_params),
	FIRST_OPTION_PARAMS(batch_task_params, options.),
	PARAM(batch_task_params, watch, "watch", PARAM_BOOL,
		.summary = "notify this connection with task.finished when it ends; default false"),
	MORE_OPTION_PARAMS(batch_task_params),
	SINGLE_OPTION_PARAMS(batch_task_params),
	PARAM(batch_task_params, label, "label", PARAM_STRING, .max = TASK_LABEL_LIMIT,
		.summary = "a name for it in the other tasks' \"after\" and \"after_any\""),
	CLAIM_PARAMS(batch_task_params, options.claims),
	DURABLE_PARAMS(batch_task_params, options.),
	END_OF_PARAMS,
};

const struct param_spec *batch_task_params(void)
{
	return batch_task_specs;
}

static const struct param_spec map_params[] = {
	TASK_PARAM(map_params),
	PARAM(map_params, items, "items", PARAM_ARRAY, .required = true,
		.summary = "the task runs once for each; the item is its only argument"),
	PARAM(map_params, chunk, "chunk", PARAM_INT, .min = 1, .max = CHUNK_MAX,
		.summary = "so many items travel to a worker together; default 1"),
	PARAM(map_params, return_exceptions, "return_exceptions", PARAM_BOOL,
		.summary =
			"each element is {\"result\":…} or {\"error\":{…}}; default false: the first that failed is the error"),
	FIRST_OPTION_PARAMS(map_params, options.),
	MORE_OPTION_PARAMS(map_params),
	ROOM_PARAM(map_params),
	END_OF_PARAMS,
};

static const struct param_spec result_params[] = {
	PARAM(result_params, id, "id", PARAM_ID, .required = true, .summary = "the task"),
	PARAM(result_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for its end; default: as long as it takes"),
	END_OF_PARAMS,
};

static const struct param_spec wait_params[] = {
	PARAM(wait_params, ids, "ids", PARAM_IDS, .summary = "the tasks"),
	PARAM(wait_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait; default: as long as it takes"),
	PARAM(wait_params, return_when, "return_when", PARAM_ENUM, .words = return_when_words,
		.summary = "what to wait for; default all_completed"),
	PARAM(wait_params, tag, "tag", PARAM_STRING, .max = TASK_TAG_LIMIT,
		.summary = "instead of ids: all tasks that have this tag now"),
	END_OF_PARAMS,
};

static const struct param_spec status_params[] = {
	PARAM(id_params, id, "id", PARAM_ID, .summary = "the task"),
	PARAM(id_params, call, "call", PARAM_ANY,
		.summary = "instead: the id of an outstanding request of this connection"),
	END_OF_PARAMS,
};

#define ALL_PARAM(struct_) \
	PARAM(struct_, all, "all", PARAM_BOOL, .summary = "all of them, where nothing else says which; default false")

static const struct param_spec cancel_params[] = {
	PARAM(cancel_params, ids, "ids", PARAM_IDS, .summary = "the tasks"),
	PARAM(cancel_params, call, "call", PARAM_ANY,
		.summary = "instead: the id of an outstanding request of this connection"),
	FILTER_PARAMS(cancel_params, filter),
	MORE_FILTER_PARAMS(cancel_params, filter),
	ALL_PARAM(cancel_params),
	END_OF_PARAMS,
};

static const struct param_spec retry_params[] = {
	PARAM(cancel_params, ids, "ids", PARAM_IDS, .summary = "the tasks; they must have ended without success"),
	FILTER_PARAMS(cancel_params, filter),
	MORE_FILTER_PARAMS(cancel_params, filter),
	ALL_PARAM(cancel_params),
	END_OF_PARAMS,
};

static const struct param_spec forget_params[] = {
	PARAM(cancel_params, ids, "ids", PARAM_IDS, .summary = "the tasks; they must have ended"),
	FILTER_PARAMS(cancel_params, filter),
	MORE_FILTER_PARAMS(cancel_params, filter),
	ALL_PARAM(cancel_params),
	END_OF_PARAMS,
};

static const struct param_spec list_params[] = {
	FILTER_PARAMS(list_params, filter),
	PARAM(list_params, limit, "limit", PARAM_INT, .min = 1, .max = LIST_MAX,
		.summary = "at most so many; default 100"),
	PARAM(list_params, before, "before", PARAM_ID,
		.summary = "only ids below this one: the last page's \"next\", where the newest come first"),
	MORE_FILTER_PARAMS(list_params, filter),
	PARAM(list_params, order, "order", PARAM_ENUM, .words = list_order_words,
		.summary = "which come first; default newest"),
	PARAM(list_params, after, "after", PARAM_ID,
		.summary = "only ids above this one: the last page's \"next\", where the oldest come first"),
	END_OF_PARAMS,
};

static const struct param_spec history_params[] = {
	FILTER_PARAMS(history_params, filter),
	MORE_FILTER_PARAMS(history_params, filter),
	PARAM(history_params, key, "key", PARAM_STRING, .max = TASK_KEY_LIMIT, .summary = "only those with this key"),
	PARAM(history_params, until, "until", PARAM_MOMENT,
		.summary = "only those submitted before that time, or longer ago"),
	PARAM(history_params, limit, "limit", PARAM_INT, .min = 1, .max = LIST_MAX,
		.summary = "at most so many; default 100"),
	PARAM(history_params, order, "order", PARAM_ENUM, .words = list_order_words,
		.summary = "which come first; default newest"),
	PARAM(history_params, before, "before", PARAM_ID,
		.summary = "only ids below this one: that of the last record of the page before"),
	PARAM(history_params, after, "after", PARAM_ID,
		.summary = "only ids above this one: the same, where the oldest come first"),
	END_OF_PARAMS,
};

static const struct param_spec watch_params[] = {
	PARAM(watch_params, ids, "ids", PARAM_IDS, .summary = "only these tasks"),
	PARAM(watch_params, filter.states, "state", PARAM_STRINGS, .summary = "only changes into these states"),
	PARAM(watch_params, filter.queue, "queue", PARAM_STRING, .summary = "only tasks of this queue"),
	PARAM(watch_params, filter.task, "task", PARAM_STRING, .summary = "only tasks of this name"),
	PARAM(watch_params, filter.tag, "tag", PARAM_STRING, .summary = "only tasks with this tag"),
	MORE_FILTER_PARAMS(watch_params, filter),
	PARAM(watch_params, progress, "progress", PARAM_BOOL, .summary = "events of progress, too; default false"),
	PARAM(watch_params, limit, "limit", PARAM_INT, .min = 1, .max = WATCH_MAX,
		.summary = "so many events may wait for a reader; default 1000"),
	END_OF_PARAMS,
};

static const struct param_spec unwatch_params[] = {
	PARAM(unwatch_params, watch, "watch", PARAM_ID, .required = true, .summary = "as task.watch has given it"),
	END_OF_PARAMS,
};

#define COMMAND_ID_PARAM(struct_) \
	PARAM(struct_, id, "id", PARAM_ID, .required = true, .summary = "the task, a command")
#define COMMAND_IDS_PARAM(struct_) \
	PARAM(struct_, ids, "ids", PARAM_IDS, .required = true, .summary = "the tasks, commands")

static const struct param_spec log_params[] = {
	COMMAND_ID_PARAM(log_params),
	PARAM(log_params, stream, "stream", PARAM_ENUM, .words = stream_words, .summary = "which output; default stdout"),
	PARAM(log_params, offset, "offset", PARAM_COUNT, .summary = "the first byte; default 0"),
	PARAM(log_params, limit, "limit", PARAM_INT, .min = 1, .max = INT64_MAX,
		.summary = "at most so many bytes; default 32768, which is also the most"),
	PARAM(log_params, attempt, "attempt", PARAM_INT, .min = 1, .max = ATTEMPT_MAX,
		.summary = "of which attempt; default: the last"),
	END_OF_PARAMS,
};

static const struct param_spec follow_params[] = {
	COMMAND_ID_PARAM(follow_params),
	PARAM(follow_params, limit, "limit", PARAM_INT, .min = 1, .max = FOLLOW_MAX,
		.summary = "so many bytes may wait for a reader; default 1048576"),
	END_OF_PARAMS,
};

static const struct param_spec unfollow_params[] = {
	PARAM(unfollow_params, follow, "follow", PARAM_ID, .required = true, .summary = "as task.follow has given it"),
	END_OF_PARAMS,
};

static const struct param_spec send_params[] = {
	COMMAND_ID_PARAM(send_params),
	PARAM(send_params, data, "data", PARAM_TEXT, .summary = "what it is to read"),
	PARAM(send_params, data_base64, "data_base64", PARAM_STRING,
		.summary = "instead: in base64, where that is not UTF-8 or has NUL bytes"),
	PARAM(send_params, eof, "eof", PARAM_BOOL, .summary = "nothing comes after that; default false"),
	PARAM(send_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait until it takes that; default: as long as it takes"),
	END_OF_PARAMS,
};

static const struct param_spec signal_params[] = {
	COMMAND_IDS_PARAM(signal_params),
	PARAM(signal_params, signal, "signal", PARAM_STRING, .required = true, .max = SIGNAL_NAME_LIMIT,
		.summary = "such as \"TERM\", \"SIGTERM\", \"15\""),
	END_OF_PARAMS,
};

static const struct param_spec suspend_params[] = {
	COMMAND_IDS_PARAM(ids_params),
	END_OF_PARAMS,
};

static const struct param_spec window_params[] = {
	COMMAND_ID_PARAM(window_params),
	PARAM(window_params, rows, "rows", PARAM_INT, .required = true, .min = 1, .max = WINDOW_MAX,
		.summary = "lines of its terminal"),
	PARAM(window_params, columns, "columns", PARAM_INT, .required = true, .min = 1, .max = WINDOW_MAX,
		.summary = "characters of a line"),
	END_OF_PARAMS,
};

static const struct param_spec resize_params[] = {
	PARAM(resize_params, pool, "pool", PARAM_STRING, .required = true, .max = QUEUE_NAME_LIMIT,
		.summary = "the pool's name"),
	PARAM(resize_params, processes, "processes", PARAM_INT, .required = true, .min = 1, .max = PROCESSES_MAX,
		.summary = "how many worker processes it is to have"),
	END_OF_PARAMS,
};

#define QUEUE_NAME_PARAM(struct_)                                                             \
	PARAM(struct_, name, "name", PARAM_STRING, .required = true, .max = QUEUE_NAME_LIMIT, \
		.summary = "the queue's name")
#define QUEUE_PARAMS                                                                                               \
	PARAM(queue_params, order, "order", PARAM_ENUM, .words = queue_order_words,                                \
		.summary = "which of its tasks starts next; default priority"),                                    \
		PARAM(queue_params, limit_running, "limit_running", PARAM_COUNT,                                   \
			.summary = "at most so many run at once; 0, the default: no limit"),                       \
		PARAM(queue_params, limit_queued, "limit_queued", PARAM_COUNT,                                     \
			.summary = "at most so many wait; 0: no limit; default 10000000"),                         \
		PARAM(queue_params, limit_bytes, "limit_bytes", PARAM_SIZE,                                        \
			.summary = "their arguments take at most so many bytes; 0: no limit; default 1G"),         \
		PARAM(queue_params, rate, "rate", PARAM_NUMBER, .min = 0, .max = RATE_MAX, .otherwise = -1,        \
			.summary = "at most so many start in a second; 0, the default: no limit"),                 \
		PARAM(queue_params, burst, "burst", PARAM_COUNT, .max = BURST_MAX,                                 \
			.summary = "so many of these may start at once after a pause; default 1"),                 \
		PARAM(queue_params, ageing, "ageing", PARAM_DURATION,                                              \
			.summary = "who has waited so long counts for one priority more; 0, the default: nobody"), \
		PARAM(queue_params, weight, "weight", PARAM_INT, .min = 1, .max = WEIGHT_MAX,                      \
			.summary = "its share of its pool among equally urgent queues; default 1"),                \
		PARAM(queue_params, durable, "durable", PARAM_ENUM, .words = durable_words,                        \
			.summary = "whether its tasks are kept on disk, where they do not say; default auto: "     \
				   "what is submitted, not what is called"),                                       \
		PARAM(queue_params, fair, "fair", PARAM_MAYBE,                                                     \
			.summary = "whether users take turns in it, at each priority; default false")

static const struct param_spec queue_create_params[] = {
	QUEUE_NAME_PARAM(queue_params),
	PARAM(queue_params, pool, "pool", PARAM_STRING, .max = QUEUE_NAME_LIMIT,
		.summary = "the pool that its tasks run in; default: the one called default, or the first"),
	QUEUE_PARAMS,
	END_OF_PARAMS,
};

static const struct param_spec queue_set_params[] = {
	QUEUE_NAME_PARAM(queue_params),
	QUEUE_PARAMS,
	END_OF_PARAMS,
};

static const struct param_spec queue_remove_params[] = {
	QUEUE_NAME_PARAM(queue_name_params),
	END_OF_PARAMS,
};

static const struct param_spec queue_resume_params[] = {
	PARAM(queue_names_params, queues, "queue", PARAM_STRINGS, .required = true, .summary = "the queue, or several"),
	END_OF_PARAMS,
};

static const struct param_spec queue_pause_params[] = {
	PARAM(queue_names_params, queues, "queue", PARAM_STRINGS, .required = true, .summary = "the queue, or several"),
	PARAM(queue_names_params, wait, "wait", PARAM_BOOL,
		.summary = "answer when none of their tasks runs any more; default false"),
	PARAM(queue_names_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for that; default: as long as it takes"),
	END_OF_PARAMS,
};

static const struct param_spec queue_drain_params[] = {
	PARAM(queue_names_params, queues, "queue", PARAM_STRINGS, .required = true, .summary = "the queue, or several"),
	PARAM(queue_names_params, wait, "wait", PARAM_BOOL,
		.summary = "answer when none of their tasks waits or runs any more; default false"),
	PARAM(queue_names_params, timeout, "timeout", PARAM_DURATION,
		.summary = "how long to wait for that; default: as long as it takes"),
	END_OF_PARAMS,
};

#define SCHEDULE_NAME_PARAM(struct_)                                                             \
	PARAM(struct_, name, "name", PARAM_STRING, .required = true, .max = SCHEDULE_NAME_LIMIT, \
		.summary = "the schedule's name")

static const struct param_spec schedule_add_params[] = {
	SCHEDULE_NAME_PARAM(schedule_params),
	TASK_PARAM(schedule_params),
	ARGS_PARAM(schedule_params),
	PARAM(schedule_params, cron, "cron", PARAM_STRING, .max = SCHEDULE_TEXT_LIMIT,
		.summary = "when it runs, as crontab(5) says it: \"30 4 * * mon-fri\", \"@daily\""),
	PARAM(schedule_params, every, "every", PARAM_DURATION, .min = 1,
		.summary = "instead: it runs whenever so long has passed"),
	PARAM(schedule_params, catch_up, "catch_up", PARAM_BOOL,
		.summary = "runs that were missed are made up for; default false"),
	PARAM(schedule_params, overlap, "overlap", PARAM_BOOL,
		.summary = "it runs again though its last run has not ended; default false"),
	FIRST_OPTION_PARAMS(schedule_params, ),
	PARAM(schedule_params, expires, "expires", PARAM_DURATION, .min = 1,
		.summary = "each run must have started so long after it was due; default: no limit"),
	RETRY_PARAMS(schedule_params, retry),
	CLAIM_PARAMS(schedule_params, claims),
	DURABLE_PARAMS(schedule_params, ),
	END_OF_PARAMS,
};

static const struct param_spec schedule_remove_params[] = {
	SCHEDULE_NAME_PARAM(schedule_name_params),
	PARAM(schedule_name_params, user, "user", PARAM_STRING, .summary = "whose: a name or a number; default: the caller's own"),
	END_OF_PARAMS,
};

static const struct param_spec backup_params[] = {
	PARAM(backup_params, path, "path", PARAM_STRING, .required = true, .max = PATH_LIMIT,
		.summary = "the copy: an absolute path, of a file that is not there yet"),
	END_OF_PARAMS,
};

static const struct param_spec shutdown_params[] = {
	PARAM(shutdown_params, now, "now", PARAM_BOOL, .summary = "do not wait for what was accepted; default false"),
	END_OF_PARAMS,
};

static const struct param_spec cancel_request_params[] = {
	PARAM(cancel_request_params, id, "id", PARAM_ANY, .required = true,
		.summary = "the id of an outstanding request of this connection"),
	END_OF_PARAMS,
};

#define METHOD(method_, name_, right_, params_, summary_, result_, schema_) \
	[method_] = { .name = name_,                                        \
		.name_length = sizeof(name_) - 1,                           \
		.right = right_,                                            \
		.summary = summary_,                                        \
		.params = params_,                                          \
		.result = result_,                                          \
		.result_schema = schema_ }

static const struct method_info methods[N_METHODS] = {
	METHOD(METHOD_TASK_CALL, "task.call", RIGHT_SUBMIT, call_params, "Runs a task and answers with its result",
		"the task's own result", "{}"),
	METHOD(METHOD_TASK_SUBMIT, "task.submit", RIGHT_SUBMIT, submit_params,
		"Queues a task that goes on without this connection",
		"its id and state", SCHEMA_SUBMITTED),
	METHOD(METHOD_TASK_SUBMIT_BATCH, "task.submit_batch", RIGHT_SUBMIT, batch_params,
		"Queues several tasks that may wait for each other, all or none", "their ids and states, in order",
		SCHEMA_SUBMITTED_BATCH),
	METHOD(METHOD_TASK_MAP, "task.map", RIGHT_SUBMIT, map_params, "Runs a task for every item",
		"the results, in the items' order", "{\"type\":\"array\"}"),
	METHOD(METHOD_TASK_RESULT, "task.result", RIGHT_READ, result_params,
		"Waits for a task and answers with its result",
		"the task's own result", "{}"),
	METHOD(METHOD_TASK_WAIT, "task.wait", RIGHT_READ, wait_params, "Waits for some tasks",
		"the records of those that have ended and of the others", SCHEMA_WAITED),
	METHOD(METHOD_TASK_STATUS, "task.status", RIGHT_READ, status_params, "Tells all that is known about a task",
		"its record",
		SCHEMA_STATUS),
	METHOD(METHOD_TASK_LIST, "task.list", RIGHT_READ, list_params, "Lists tasks",
		"their records, and where the next page begins", SCHEMA_LISTED),
	METHOD(METHOD_TASK_HISTORY, "task.history", RIGHT_READ, history_params,
		"Lists durable tasks as they are on disk",
		"their records, and whether there are more", SCHEMA_HISTORY),
	METHOD(METHOD_TASK_CANCEL, "task.cancel", RIGHT_CANCEL, cancel_params, "Cancels tasks",
		"the state that each is in now, or how many there were", SCHEMA_CANCELLED),
	METHOD(METHOD_TASK_RETRY, "task.retry", RIGHT_SUBMIT, retry_params,
		"Submits tasks that did not succeed once more",
		"the new task's id for each, or how many there were", SCHEMA_RETRIED),
	METHOD(METHOD_TASK_FORGET, "task.forget", RIGHT_CANCEL, forget_params,
		"Drops the records of tasks that have ended",
		"the state that each was in, or how many there were", SCHEMA_FORGOTTEN),
	METHOD(METHOD_TASK_WATCH, "task.watch", RIGHT_READ, watch_params,
		"Notifies this connection of what becomes of tasks",
		"the watch's number", SCHEMA_WATCH),
	METHOD(METHOD_TASK_UNWATCH, "task.unwatch", RIGHT_NONE, unwatch_params, "Ends a watch",
		"the watch's number", SCHEMA_WATCH),
	METHOD(METHOD_TASK_TYPES, "task.types", RIGHT_NONE, no_param_specs, "Lists what can be submitted",
		"the names, with what their handlers say of themselves", SCHEMA_TYPES),
	METHOD(METHOD_TASK_LOG, "task.log", RIGHT_READ, log_params, "Tells what a command has written",
		"a page of its output",
		SCHEMA_LOG),
	METHOD(METHOD_TASK_FOLLOW, "task.follow", RIGHT_READ, follow_params,
		"Notifies this connection of what a command writes from now on", "the number to unfollow it by",
		SCHEMA_FOLLOW),
	METHOD(METHOD_TASK_UNFOLLOW, "task.unfollow", RIGHT_NONE, unfollow_params, "Ends what task.follow has begun",
		"true",
		SCHEMA_TRUE),
	METHOD(METHOD_TASK_SEND, "task.send", RIGHT_CANCEL, send_params, "Writes to a command's standard input",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_TASK_SIGNAL, "task.signal", RIGHT_CANCEL, signal_params, "Sends commands a signal",
		"the state that each is in", SCHEMA_SIGNALLED),
	METHOD(METHOD_TASK_SUSPEND, "task.suspend", RIGHT_CANCEL, suspend_params, "Stops all processes of commands",
		"the state that each is in", SCHEMA_SUSPENDED),
	METHOD(METHOD_TASK_RESUME, "task.resume", RIGHT_CANCEL, suspend_params, "Lets suspended commands go on",
		"the state that each is in", SCHEMA_SUSPENDED),
	METHOD(METHOD_TASK_WINDOW, "task.window", RIGHT_CANCEL, window_params,
		"Tells a command the size of its terminal",
		"true",
		SCHEMA_TRUE),
	METHOD(METHOD_WORKER_LIST, "worker.list", RIGHT_READ, no_param_specs, "Lists the worker processes",
		"the workers",
		SCHEMA_WORKERS),
	METHOD(METHOD_POOL_LIST, "pool.list", RIGHT_READ, no_param_specs, "Lists the pools of workers", "the pools",
		SCHEMA_ARRAY(SCHEMA_POOL)),
	METHOD(METHOD_POOL_RESIZE, "pool.resize", RIGHT_ADMIN, resize_params, "Changes how many workers a pool has",
		"the pool",
		SCHEMA_POOL),
	METHOD(METHOD_QUEUE_LIST, "queue.list", RIGHT_READ, no_param_specs, "Lists the queues",
		"the queues", SCHEMA_QUEUES),
	METHOD(METHOD_QUEUE_CREATE, "queue.create", RIGHT_ADMIN, queue_create_params, "Makes a queue",
		"the queue", SCHEMA_QUEUE),
	METHOD(METHOD_QUEUE_SET, "queue.set", RIGHT_ADMIN, queue_set_params, "Changes a queue's order and limits",
		"the queue",
		SCHEMA_QUEUE),
	METHOD(METHOD_QUEUE_REMOVE, "queue.remove", RIGHT_ADMIN, queue_remove_params,
		"Removes a queue that was made by queue.create", "the queue as it was", SCHEMA_QUEUE),
	METHOD(METHOD_QUEUE_PAUSE, "queue.pause", RIGHT_ADMIN, queue_pause_params,
		"Starts no more tasks of some queues",
		"the queues", SCHEMA_QUEUES),
	METHOD(METHOD_QUEUE_RESUME, "queue.resume", RIGHT_ADMIN, queue_resume_params,
		"Ends the pause or the drain of some queues",
		"the queues", SCHEMA_QUEUES),
	METHOD(METHOD_QUEUE_DRAIN, "queue.drain", RIGHT_ADMIN, queue_drain_params,
		"Takes no more tasks into some queues",
		"the queues", SCHEMA_QUEUES),
	METHOD(METHOD_SCHEDULE_ADD, "schedule.add", RIGHT_SUBMIT, schedule_add_params, "Submits a task again and again",
		"the schedule", SCHEMA_SCHEDULE),
	METHOD(METHOD_SCHEDULE_LIST, "schedule.list", RIGHT_READ, no_param_specs, "Lists the schedules",
		"the schedules",
		SCHEMA_ARRAY(SCHEMA_SCHEDULE)),
	METHOD(METHOD_SCHEDULE_REMOVE, "schedule.remove", RIGHT_SUBMIT, schedule_remove_params, "Ends a schedule",
		"the schedule as it was", SCHEMA_SCHEDULE),
	METHOD(METHOD_LOCK_ACQUIRE, "lock.acquire", RIGHT_SUBMIT, lock_acquire_specs, "Acquires a lock",
		"what was granted",
		SCHEMA_LOCKED),
	METHOD(METHOD_LOCK_RELEASE, "lock.release", RIGHT_SUBMIT, lock_release_specs, "Releases a lock",
		"how often it is still held", SCHEMA_DEPTH),
	METHOD(METHOD_LOCK_LIST, "lock.list", RIGHT_READ, object_list_specs,
		"Lists locks, who holds them, and who waits",
		"the locks",
		SCHEMA_LOCKS),
	METHOD(METHOD_SEMAPHORE_ACQUIRE, "semaphore.acquire", RIGHT_SUBMIT, semaphore_acquire_specs,
		"Acquires permits of a semaphore",
		"what was granted", SCHEMA_PERMITTED),
	METHOD(METHOD_SEMAPHORE_RELEASE, "semaphore.release", RIGHT_SUBMIT, semaphore_release_specs,
		"Releases permits of a semaphore",
		"how many are free", SCHEMA_FREE),
	METHOD(METHOD_SEMAPHORE_LIST, "semaphore.list", RIGHT_READ, object_list_specs,
		"Lists semaphores, who holds them, and who waits", "the semaphores", SCHEMA_SEMAPHORES),
	METHOD(METHOD_EVENT_SET, "event.set", RIGHT_SUBMIT, event_specs, "Sets an event", "true", SCHEMA_TRUE),
	METHOD(METHOD_EVENT_CLEAR, "event.clear", RIGHT_SUBMIT, event_specs, "Clears an event", "true", SCHEMA_TRUE),
	METHOD(METHOD_EVENT_IS_SET, "event.is_set", RIGHT_SUBMIT, event_specs, "Tells whether an event is set",
		"that", SCHEMA_SET),
	METHOD(METHOD_EVENT_WAIT, "event.wait", RIGHT_SUBMIT, event_wait_specs, "Waits until an event is set",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_EVENT_LIST, "event.list", RIGHT_READ, object_list_specs, "Lists events, and who waits for them",
		"the events",
		SCHEMA_EVENTS),
	METHOD(METHOD_CONDITION_WAIT, "condition.wait", RIGHT_SUBMIT, condition_wait_specs,
		"Releases a lock, waits for a condition, and acquires the lock again", "whether it was notified",
		SCHEMA_CONDITION),
	METHOD(METHOD_CONDITION_NOTIFY, "condition.notify", RIGHT_SUBMIT, condition_notify_specs,
		"Notifies those who wait for a condition", "how many there were", SCHEMA_NOTIFIED),
	METHOD(METHOD_CONDITION_LIST, "condition.list", RIGHT_READ, object_list_specs,
		"Lists conditions, and who waits for them",
		"the conditions", SCHEMA_CONDITIONS),
	METHOD(METHOD_BARRIER_WAIT, "barrier.wait", RIGHT_SUBMIT, barrier_wait_specs,
		"Waits until all parties have come",
		"in which place it came", SCHEMA_INDEX),
	METHOD(METHOD_BARRIER_ABORT, "barrier.abort", RIGHT_SUBMIT, barrier_specs, "Breaks a barrier",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_BARRIER_RESET, "barrier.reset", RIGHT_SUBMIT, barrier_specs, "Makes a barrier as new",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_BARRIER_LIST, "barrier.list", RIGHT_READ, object_list_specs,
		"Lists barriers, and who waits at them",
		"the barriers", SCHEMA_BARRIERS),
	METHOD(METHOD_MQ_CREATE, "mq.create", RIGHT_SUBMIT, mq_create_specs,
		"Makes a message queue that stays until it is deleted",
		"whether it was not there", SCHEMA_CREATED),
	METHOD(METHOD_MQ_PUT, "mq.put", RIGHT_SUBMIT, mq_put_specs, "Puts a message into a message queue",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_MQ_GET, "mq.get", RIGHT_SUBMIT, mq_get_specs, "Takes a message out of a message queue",
		"the message", SCHEMA_GOT),
	METHOD(METHOD_MQ_ACK, "mq.ack", RIGHT_SUBMIT, mq_receipt_specs, "Says that a message is dealt with",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_MQ_NACK, "mq.nack", RIGHT_SUBMIT, mq_receipt_specs, "Gives a message back to its place",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_MQ_PEEK, "mq.peek", RIGHT_SUBMIT, mq_peek_specs, "Shows messages without taking them",
		"the messages",
		SCHEMA_PEEKED),
	METHOD(METHOD_MQ_LENGTH, "mq.length", RIGHT_SUBMIT, mq_specs,
		"Tells how much is in a message queue, and who waits at it",
		"figures", SCHEMA_LENGTH),
	METHOD(METHOD_MQ_CLEAR, "mq.clear", RIGHT_SUBMIT, mq_specs, "Throws away all messages of a message queue",
		"how many there were", SCHEMA_CLEARED),
	METHOD(METHOD_MQ_JOIN, "mq.join", RIGHT_SUBMIT, mq_join_specs,
		"Waits until all messages of a message queue are dealt with",
		"true", SCHEMA_TRUE),
	METHOD(METHOD_MQ_TASK_DONE, "mq.task_done", RIGHT_SUBMIT, mq_task_done_specs,
		"Says that messages are dealt with",
		"how many are not", SCHEMA_UNFINISHED),
	METHOD(METHOD_MQ_DELETE, "mq.delete", RIGHT_SUBMIT, mq_specs, "Deletes a message queue with all that is in it",
		"true",
		SCHEMA_TRUE),
	METHOD(METHOD_MQ_LIST, "mq.list", RIGHT_READ, object_list_specs, "Lists message queues, and who waits at them",
		"the message queues", SCHEMA_MQS),
	METHOD(METHOD_USER_LIST, "user.list", RIGHT_READ, no_param_specs, "Lists the users, and how much each has",
		"the users", SCHEMA_USERS),
	METHOD(METHOD_STORE_STATS, "store.stats", RIGHT_READ, no_param_specs, "Tells how much there is on disk",
		"figures",
		SCHEMA_STORE_STATS),
	METHOD(METHOD_STORE_CHECK, "store.check", RIGHT_ADMIN, no_param_specs, "Reads and checks all that is on disk",
		"whether it is sound, and what is not", SCHEMA_STORE_CHECK),
	METHOD(METHOD_STORE_BACKUP, "store.backup", RIGHT_ADMIN, backup_params,
		"Copies what is on disk into another file",
		"how large the copy is", SCHEMA_STORE_BACKUP),
	METHOD(METHOD_SERVER_INFO, "server.info", RIGHT_NONE, no_param_specs, "Tells what this daemon is",
		"its version, limits, …",
		SCHEMA_INFO),
	METHOD(METHOD_SERVER_STATS, "server.stats", RIGHT_READ, no_param_specs, "Tells how much there is of everything",
		"figures",
		SCHEMA_STATS),
	METHOD(METHOD_SERVER_PING, "server.ping", RIGHT_NONE, no_param_specs, "Tells that the daemon is there",
		"how many workers are ready", SCHEMA_PING),
	METHOD(METHOD_SERVER_RELOAD, "server.reload", RIGHT_ADMIN, no_param_specs, "Reads the configuration again",
		"what changed, and what changes only by a restart", SCHEMA_RELOADED),
	METHOD(METHOD_SERVER_SHUTDOWN, "server.shutdown", RIGHT_ADMIN, shutdown_params, "Stops the daemon",
		"that it is stopping",
		SCHEMA_STOPPING),
	METHOD(METHOD_RPC_DISCOVER, "rpc.discover", RIGHT_NONE, no_param_specs, "Describes the methods and tasks",
		"an OpenRPC document", "{\"type\":\"object\"}"),
	METHOD(METHOD_CANCEL_REQUEST, "$/cancelRequest", RIGHT_NONE, cancel_request_params,
		"Cancels an outstanding request of this connection, as LSP clients do", "null", "{\"type\":\"null\"}"),
};

const char *right_name(enum right right)
{
	static const char *const names[N_RIGHTS] = { "none", "submit", "read", "cancel", "admin" };
	return names[right];
}

const struct method_info *method_info(enum method method)
{
	return &methods[method];
}

int method_find(const char *name, size_t length)
{
	for (int i = 0; i < N_METHODS; i++)
		if (methods[i].name_length == length && memcmp(methods[i].name, name, length) == 0)
			return i;
	return -1;
}
