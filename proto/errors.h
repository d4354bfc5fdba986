/* The one table of errors: what goes over the wire, what the library calls it, how taskctl exits. */
#ifndef PROTO_ERRORS_H
#define PROTO_ERRORS_H

enum proto_error {
	PROTO_PARSE_ERROR,     /* -32700 parse_error */
	PROTO_INVALID_REQUEST, /* -32600 invalid_request */
	PROTO_UNKNOWN_METHOD,  /* -32601 unknown_method: a name with a dot, or $/… */
	PROTO_UNKNOWN_TASK,    /* -32601 unknown_task: a name without */
	PROTO_INVALID_PARAMS,  /* -32602 invalid_params */
	PROTO_INTERNAL_ERROR,  /* -32603 internal_error */
	PROTO_FAILED,          /* -32000 failed: a handler's, where it gave no code of its own */
	PROTO_CRASHED,         /* -32001 crashed */
	PROTO_TIMED_OUT,       /* -32002 timed_out: the task's time limit */
	PROTO_CANCELLED,       /* -32003 cancelled */
	PROTO_EXPIRED,         /* -32004 expired */
	PROTO_NOT_FOUND,       /* -32005 not_found */
	PROTO_FORGOTTEN,       /* -32006 forgotten */
	PROTO_QUEUE_FULL,      /* -32007 queue_full */
	PROTO_TOO_LARGE,       /* -32008 too_large */
	PROTO_DENIED,          /* -32009 denied */
	PROTO_SHUTTING_DOWN,   /* -32010 shutting_down */
	PROTO_WAIT_TIMED_OUT,  /* -32011 wait_timed_out: the caller's own time limit for an answer */
	PROTO_UNAVAILABLE,     /* -32012 unavailable: the handler's init failed */
	PROTO_TOO_MANY,        /* -32013 too_many: requests outstanding on one connection, … */
	PROTO_BAD_CONFIG,      /* -32014 bad_config: reload found an error; data has file, line, reason */
	PROTO_DUPLICATE,         /* -32015 duplicate: another task has the key; data has its id and state */
	PROTO_DEPENDENCY_FAILED, /* -32016 dependency_failed: the task's end; data.dependency is the one that did not succeed */
	PROTO_DEPENDENCY_CYCLE,  /* -32017 dependency_cycle: tasks of a batch wait for each other; data.cycle */
	PROTO_QUEUE_DRAINING,    /* -32018 queue_draining */
	PROTO_QUEUE_BUSY,        /* -32019 queue_busy: it cannot be removed */
	PROTO_NOT_OVER,          /* -32020 not_over: task.retry of a task that has not ended */
	PROTO_NOT_FAILED,        /* -32021 not_failed: task.retry of one that has succeeded */
	PROTO_EXISTS,            /* -32022 exists: a queue or schedule of that name */
	PROTO_DEADLOCK,          /* -32023 deadlock: all workers wait for tasks that wait for them */
	PROTO_COMMAND_FAILED,    /* -32024 command_failed: it exited with a status that is no success, or was killed; data.result */
	PROTO_NOT_STARTED,       /* -32025 not_started: a command could not be started; data.step, data.errno */
	PROTO_NOT_RUNNING,       /* -32026 not_running: task.send, task.signal, … of one that has not started, or is over */
	PROTO_INPUT_CLOSED,      /* -32027 input_closed: the command has no live standard input, or has closed it */
	PROTO_NOT_A_COMMAND,     /* -32028 not_a_command */
	PROTO_NOT_HELD,          /* -32029 not_held: release of a lock or permits that nobody holds, or the requester does not */
	PROTO_NOT_OWNER,         /* -32030 not_owner: …that another holds; data.held_by */
	PROTO_OVER_RELEASED,     /* -32031 over_released: more permits than a bounded semaphore has, more done than was put */
	PROTO_BARRIER_BROKEN,    /* -32032 barrier_broken */
	PROTO_MISMATCH,          /* -32033 mismatch: a named object is there with another size, order, limit or lock */
	PROTO_STORE_FULL,        /* -32034 store_full: a durable task was not taken, since the disk has no room */
	PROTO_STORE_FAILED,      /* -32035 store_failed: …since the store is out of order; or its outcome cannot be recorded */
	PROTO_STORE_BEHIND,      /* -32036 store_behind: …since more waits for the disk than may */
	PROTO_NOT_DURABLE,       /* -32037 not_durable: this daemon has no store */
	PROTO_OVER_SHARE,        /* -32038 over_share: more than one user may have; data.limit says of what, data.most how much */
	PROTO_N_ERRORS,
};

struct proto_error_info {
	int code;
	const char *kind;
	const char *text;    /* one line for people, no full stop; lower case */
	const char *hint;    /* or NULL */
	int exit_status;     /* taskctl's */
	const char *library; /* the enum taskd_error's name, for documentation */
};
/* Never NULL. */
const struct proto_error_info *proto_error_info(enum proto_error error);
/* By what came over the wire; -1 where no error has that kind. */
int proto_error_of_kind(const char *kind);

#endif
