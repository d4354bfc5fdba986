/* The methods' handlers, one for each of proto/methods.h, and what they share. */
#ifndef EDGE_RPC_H
#define EDGE_RPC_H

#include "edge/reply.h"

struct pool;

typedef void rpc_handler(const struct call *call);

rpc_handler rpc_task_call, rpc_task_submit, rpc_task_status, rpc_task_cancel, rpc_task_forget;
rpc_handler rpc_task_map;
rpc_handler rpc_task_result, rpc_task_wait;
rpc_handler rpc_task_list, rpc_task_types;
rpc_handler rpc_task_watch, rpc_task_unwatch;
rpc_handler rpc_worker_list, rpc_pool_list, rpc_pool_resize;
rpc_handler rpc_queue_list, rpc_queue_create, rpc_queue_set, rpc_queue_remove;
rpc_handler rpc_queue_pause, rpc_queue_resume, rpc_queue_drain;
rpc_handler rpc_schedule_add, rpc_schedule_list, rpc_schedule_remove;
rpc_handler rpc_server_info, rpc_server_stats, rpc_server_ping, rpc_server_reload, rpc_server_shutdown;
rpc_handler rpc_discover;
rpc_handler rpc_cancel_request;

/* A bare task name as method: the parameters are the arguments. */
void rpc_task_named(const struct call *call, const char *name, size_t length);

/* --- submission.c: what task.call, task.submit and task.map have in common --- */
/* Finds type and queue, and takes over the options. False: the error has been answered. */
bool submission_prepare(const struct call *call, const char *task, const struct submit_options *options,
	struct task_spec *spec) __attribute__((warn_unused_result));
/* Submits one task of these arguments. NULL: the error has been answered. */
struct task *submission_submit(const struct call *call, struct task_spec *spec, const char *args, size_t length)
	__attribute__((warn_unused_result));
/* Answers why core_submit would not take so many tasks. */
void submission_refused(const struct reply_to *to, int refusal, const struct task_spec *spec, size_t wanted);
/* "unknown task" with a suggestion. */
void submission_unknown_task(const struct call *call, const char *name);

/* --- rpc_task.c --- */
/* Whether there are not too many; false: that has been answered. */
bool call_takes_ids(const struct call *call, const struct param_ids *ids);
/* A request that waits for TASK's outcome. ATTACHED: the task is cancelled when the request is abandoned. */
struct request *call_wait(const struct reply_to *to, struct task *task, bool attached);

/* --- filter.c --- */
/* What a filter's words mean. FILTER points into PARAMS and the core. False: the error has been answered. */
bool filter_prepare(const struct call *call, const struct filter_params *params, struct task_filter *filter)
	__attribute__((warn_unused_result));

/* --- rpc_watch.c --- */
/* The connection's output has all been written: who missed something is told now. */
void watching_drained(struct connection *connection);
/* The watches of a connection that ends. */
void watching_free(struct connection *connection);

/* --- rpc_queue.c --- */
/* Answers those who wait for queues to run dry, where they have. */
void queue_waits_turn(struct edge *edge);

/* --- rpc_admin.c --- */
/* A pool as pool.list has it. */
void pool_write(struct strbuf *out, const struct edge *edge, const struct pool *pool);
/* Whether the caller is root or the daemon's own user. */
bool call_is_admin(const struct call *call);

/* --- rpc_map.c --- */
/* Cancels what is left of maps that were answered already. True: there was something. */
bool maps_sweep(struct edge *edge);

/* --- record.c --- */
/* A task's record. RESULT: with its result where it succeeded. */
void record_write(struct strbuf *out, struct task *task, bool result);
/* {"id":…,"state":…} */
void record_write_state(struct strbuf *out, uint64_t id, const char *state);
/* ,"NAME":"2026-…" of a moment of the monotonic clock. */
void record_write_time(struct strbuf *out, const char *name, int64_t mono_ns);

#endif
