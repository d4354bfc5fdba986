/* The methods' handlers, one for each of proto/methods.h, and what they share. */
#ifndef EDGE_RPC_H
#define EDGE_RPC_H

#include "edge/reply.h"
#include "proto/command.h"

struct pool;

typedef void rpc_handler(const struct call *call);

rpc_handler rpc_task_call, rpc_task_submit, rpc_task_status;
rpc_handler rpc_task_submit_batch;
rpc_handler rpc_task_cancel, rpc_task_retry, rpc_task_forget;
rpc_handler rpc_task_map;
rpc_handler rpc_task_result, rpc_task_wait;
rpc_handler rpc_task_list, rpc_task_types, rpc_task_history;
rpc_handler rpc_user_list;
rpc_handler rpc_store_stats, rpc_store_check, rpc_store_backup;
rpc_handler rpc_task_watch, rpc_task_unwatch;
rpc_handler rpc_task_log, rpc_task_follow, rpc_task_unfollow;
rpc_handler rpc_task_send, rpc_task_window;
rpc_handler rpc_task_signal, rpc_task_suspend, rpc_task_resume;
rpc_handler rpc_worker_list, rpc_pool_list, rpc_pool_resize;
rpc_handler rpc_queue_list, rpc_queue_create, rpc_queue_set, rpc_queue_remove;
rpc_handler rpc_queue_pause, rpc_queue_resume, rpc_queue_drain;
rpc_handler rpc_schedule_add, rpc_schedule_list, rpc_schedule_remove;
rpc_handler rpc_lock_acquire, rpc_lock_release, rpc_lock_list;
rpc_handler rpc_semaphore_acquire, rpc_semaphore_release, rpc_semaphore_list;
rpc_handler rpc_event_set, rpc_event_clear, rpc_event_is_set, rpc_event_wait, rpc_event_list;
rpc_handler rpc_condition_wait, rpc_condition_notify, rpc_condition_list;
rpc_handler rpc_barrier_wait, rpc_barrier_abort, rpc_barrier_reset, rpc_barrier_list;
rpc_handler rpc_mq_put, rpc_mq_get, rpc_mq_ack, rpc_mq_nack, rpc_mq_join, rpc_mq_task_done;
rpc_handler rpc_mq_create, rpc_mq_peek, rpc_mq_length, rpc_mq_clear, rpc_mq_delete, rpc_mq_list;
rpc_handler rpc_server_info, rpc_server_stats, rpc_server_ping, rpc_server_reload, rpc_server_shutdown;
rpc_handler rpc_discover;
rpc_handler rpc_cancel_request;

/* A bare task name as method: the parameters are the arguments. */
void rpc_task_named(const struct call *call, const char *name, size_t length);

/* --- submission.c: what all methods that submit tasks have in common --- */
/* In the id of a task that it is to wait for: there is one, and the submitter may not know. */
#define SUBMISSION_HIDDEN (UINT64_C(1) << 63)
/* A submission as its parameters say it. The spec points into it, and into the parameters. */
struct submission {
	struct task_spec spec; /* its args are this struct's own */
	struct task_retry retry;
	struct task_ref *refs; /* malloc'ed: of `after`, then of `after_any` */
	struct object_claim *claims; /* malloc'ed */
	bool durable_said;     /* it is to be durable, whatever its queue says */
	int fds[COMMAND_FDS];  /* of a command: its own until there is a task that has them */
	uint32_t n_fds;
	struct user *payer;    /* …and for whom they count, where there are some */
};
/* Finds type and queue, and takes over the options, but for the labels in `after` and `after_any`: those are left as
 * references to the task of index 0. False: the error has been answered, and there is nothing to free. */
bool submission_prepare(const struct call *call, const char *task, const struct submit_options *options,
	struct submission *out) __attribute__((warn_unused_result));
/* Whether type, queue and durability are still what was found for it; not asked is what follows from the configuration. */
bool submission_stands(const struct call *call, const struct submit_options *options, const struct submission *submission);
/* Looks again for the tasks whose ids OPTIONS say that it is to wait for. */
void submission_find_refs(const struct call *call, const struct submit_options *options, struct submission *submission);
void submission_free(struct submission *submission);
/* Whether what CALL submits goes on without its connection. */
bool submission_is_detached(const struct call *call);
/* Whether it is durable, as it says itself (SAID: -1: nothing), its queue and the daemon. False: it cannot be, and that
 * has been answered. */
bool submission_durable(const struct call *call, int said, int on_interrupt, struct submission *out)
	__attribute__((warn_unused_result));
/* Whether there are labels, which only a batch can do something about. */
bool submission_has_labels(const struct submit_options *options);
/* Takes over ARGS (JSON_NONE: none), which for a command are read and checked; SINGLE: of a submission of one task,
 * which is made once. False: the error has been answered. */
bool submission_args(const struct call *call, const struct json_span *args, bool single, struct submission *submission)
	__attribute__((warn_unused_result));
/* A copy of ARGS as SPEC's, of payload_limit at most. False: the error has been answered. */
bool submission_copy(const struct reply_to *to, const struct json_span *args, struct task_spec *spec)
	__attribute__((warn_unused_result));
/* What RETRY says, with its defaults. */
void submission_retry(const struct retry_options *retry, struct task_retry *out);
/* A moment of the parameters as one of the monotonic clock, never 0; a duration counts from now on, or (AGO) back. */
int64_t submission_moment(const struct core *core, const struct param_moment *moment, bool ago);
/* "unknown task" with a suggestion. */
void submission_unknown_task(const struct call *call, const char *name);
/* The queue of that name; NULL: the error, with a suggestion, has been answered. */
struct core_queue *submission_queue(const struct call *call, const char *name);

/* --- claims.c: what a task must have before it starts --- */
/* Takes over what OPTIONS say of it. False: the error has been answered. */
bool submission_claims(const struct call *call, const struct claim_options *options, struct submission *out)
	__attribute__((warn_unused_result));
/* Whether its claims can still be. False: the error has been answered. */
bool submission_may_claim(const struct call *call, const struct submission *submission)
	__attribute__((warn_unused_result));
/* ,"locks":[…],"shared_locks":[…],"semaphores":{…}: those that there are. */
void record_write_claims(struct strbuf *out, const struct object_claim *claims, size_t n);
/* ,"waits_for":{"lock":"db"} */
void record_write_waits_for(struct strbuf *out, const struct object_claim *claim);

/* --- refusal.c --- */
struct refusal {
	enum proto_error error;
	char message[320];
	struct strbuf data; /* an object's text */
};
/* So much is wanted of a queue, or of a share. */
struct wanted {
	size_t count; /* tasks */
	size_t bytes; /* which count for so many, as core_submit_cost has it */
};
/* Of SPEC alone. */
struct wanted wanted_of(const struct task_spec *spec);
/* Why the core would not take WANTED, of which SPEC is one; TASK is the one that it gave with CORE_DUPLICATE. */
void refusal_tell(struct refusal *out, const struct core *core, enum core_refusal code, const struct task_spec *spec,
	struct wanted wanted, struct task *task);
void refusal_free(struct refusal *refusal);
/* The error object of a task that is there, but to which the caller does not have RIGHT. */
void denied_error(struct strbuf *out, enum right right, uint64_t id);
/* Answers that. */
void submission_refused(
	const struct reply_to *to, int refusal, const struct task_spec *spec, struct wanted wanted, struct task *task);

/* --- room.c: submissions that wait for room in their queue --- */
/* What is parked, by what it is. */
struct parked_kind {
	/* Submits it, and answers CALL. False: there is no room after all, and nothing was done. */
	bool (*submit)(const struct call *call, void *state);
	void (*free)(void *state);
};
struct parking {
	const struct parked_kind *kind;
	void *state;             /* taken over */
	struct task_spec *spec;  /* within it: its queue is found again each time */
	struct wanted wanted;
	int64_t timeout_ns;
};
/* Whether QUEUE takes so many tasks now, as far as can be said without asking the core; or says no for another
 * reason. */
bool room_is_there(const struct core_queue *queue, struct wanted wanted);
/* Answers CALL with queue_full when the time is over and there was no room; at once, where there will never be. */
void room_wait(const struct call *call, const struct parking *parking);
/* Submits what there is room for. True: there was something. */
bool rooms_turn(struct edge *edge);

/* --- filter.c --- */
/* What PARAMS say, for the core, narrowed to what the caller has RIGHT to; it points into them. False: the error has
 * been answered. */
bool filter_prepare(
	const struct call *call, const struct filter_params *params, enum right right, struct task_filter *out)
	__attribute__((warn_unused_result));
/* The states that NAMES say, as TASK_STATE_BITs added to *states. False: the error has been answered. */
bool filter_states(const struct call *call, const struct param_strings *names, unsigned *states)
	__attribute__((warn_unused_result));
/* Whether PARAMS say nothing. */
bool filter_is_empty(const struct filter_params *params);

/* --- rpc_task.c --- */
/* A turn of the loop has time for so many, and their answer room. */
#define IDS_LIMIT 100000
/* Whether there are not too many; false: that has been answered. */
bool call_takes_ids(const struct call *call, const struct param_ids *ids);
/* Whether one who has begun to wait for TASK, or has submitted it, may hear of it now: it is his own, or he sees it
 * still, which a reload may have changed. */
bool connection_hears_of(struct connection *connection, const struct task *task);
/* A request that waits for TASK's outcome. ATTACHED: it holds the task, which is cancelled when nobody does any
 * more, unless it is detached. */
struct request *call_wait(const struct reply_to *to, struct task *task, bool attached);
/* Notifies the connection with task.finished when TASK ends; now, where it has. */
void call_watch(struct connection *connection, struct task *task);
/* There is no such request. */
void reply_no_such_call(const struct reply_to *to);

/* --- rpc_watch.c --- */
/* The connection's output has all been written: who missed something is told now. */
void watching_drained(struct connection *connection);
/* The watches of a connection that ends. */
void watching_free(struct connection *connection);

/* Whether the core is to tell of changes follows from whether anybody watches or follows. */
void edge_observe(struct edge *edge);

/* --- rpc_queue.c --- */
/* Answers those who wait for queues to run dry, where they have. */
void queue_waits_turn(struct edge *edge);

/* --- rpc_admin.c --- */
/* The pool of that name; NULL: the error, with a suggestion, has been answered. */
struct pool *call_finds_pool(const struct call *call, const char *name);

/* --- rpc_many.c --- */
/* The newest task's id; 0 where there is none. */
uint64_t tasks_newest(struct core *core);

/* --- many.c --- */
void manies_init(struct edge *edge);
bool manies_are_due(const struct edge *edge);
/* Goes on with what one turn has no time for, for a slice. */
void manies_turn(struct edge *edge);
/* No connections are left. */
void manies_free(struct edge *edge);

/* --- rpc_map.c --- */
/* Cancels what is left of maps that were answered already. True: there was something. */
bool maps_sweep(struct edge *edge);

/* --- record.c --- */
/* A task's record. RESULT: with its result where it succeeded. */
void record_write(struct strbuf *out, struct task *task, bool result);
/* ,"NAME":"2026-…" of a moment of the wall clock. */
void record_write_wall(struct strbuf *out, const char *name, int64_t wall_ns);
/* {"id":…,"state":…} */
void record_write_state(struct strbuf *out, uint64_t id, const char *state);
/* ,"NAME":"2026-…" of a moment of the monotonic clock. */
void record_write_time(struct strbuf *out, const char *name, int64_t mono_ns);

#endif
