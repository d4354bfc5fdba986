/* The table of errors. The daemon's answers, the library's codes, taskctl's exit statuses and the man page are made
 * from it, so that they cannot disagree. */
#include "proto/errors.h"

#include <stddef.h>
#include <string.h>

/* taskctl's exit statuses, as taskctl(1) tells them. */
enum {
	EXIT_TASK = 1, /* the task did not succeed, or trouble that has no status of its own */
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_UNREACHABLE = 4,
	EXIT_DENIED = 5,
	EXIT_FULL = 6,
	EXIT_TIME = 124,  /* as timeout(1) has it */
	EXIT_START = 125, /* as env(1) has it: not the command's own status */
};

#define ERROR(error_, code_, kind_, text_, exit_, library_, hint_)                                                    \
	[error_] = {                                                                                                  \
		.code = code_, .kind = kind_, .text = text_, .hint = hint_, .exit_status = exit_, .library = library_ \
	}

static const struct proto_error_info errors[PROTO_N_ERRORS] = {
	ERROR(PROTO_PARSE_ERROR, -32700, "parse_error", "the message is not valid JSON", EXIT_USAGE, "TASKD_E_PROTOCOL",
		NULL),
	ERROR(PROTO_INVALID_REQUEST, -32600, "invalid_request", "the message is not a JSON-RPC 2.0 request", EXIT_USAGE,
		"TASKD_E_PROTOCOL", NULL),
	ERROR(PROTO_UNKNOWN_METHOD, -32601, "unknown_method", "there is no such method", EXIT_USAGE, "TASKD_E_INVALID",
		"rpc.discover lists the methods"),
	ERROR(PROTO_UNKNOWN_TASK, -32601, "unknown_task", "no worker has a handler of that name", EXIT_USAGE,
		"TASKD_E_UNKNOWN_TASK", "\"taskctl tasks\" lists what can be submitted"),
	ERROR(PROTO_INVALID_PARAMS, -32602, "invalid_params", "the parameters are not what the method takes",
		EXIT_USAGE, "TASKD_E_INVALID", NULL),
	ERROR(PROTO_INTERNAL_ERROR, -32603, "internal_error", "taskd could not do it", EXIT_TASK, "TASKD_E_OTHER",
		"taskd's log has the details"),
	ERROR(PROTO_FAILED, -32000, "failed", "the task failed", EXIT_TASK, "TASKD_E_FAILED", NULL),
	ERROR(PROTO_CRASHED, -32001, "crashed", "the task's worker died", EXIT_TASK, "TASKD_E_CRASHED", NULL),
	ERROR(PROTO_TIMED_OUT, -32002, "timed_out", "the task ran longer than its time limit", EXIT_TIME,
		"TASKD_E_TIMED_OUT", "the option \"timeout\" of its submission is the limit"),
	ERROR(PROTO_CANCELLED, -32003, "cancelled", "the task was cancelled", EXIT_TASK, "TASKD_E_CANCELLED", NULL),
	ERROR(PROTO_EXPIRED, -32004, "expired", "the task's deadline passed before it started", EXIT_TASK,
		"TASKD_E_EXPIRED", NULL),
	ERROR(PROTO_NOT_FOUND, -32005, "not_found", "there never was a task with that id", EXIT_NOT_FOUND,
		"TASKD_E_NOT_FOUND", NULL),
	ERROR(PROTO_FORGOTTEN, -32006, "forgotten", "the task has ended and its record has been dropped",
		EXIT_NOT_FOUND, "TASKD_E_FORGOTTEN",
		"result_ttl and failure_ttl in taskd.conf say how long records are kept; the same is said of another "
		"user's task"),
	ERROR(PROTO_QUEUE_FULL, -32007, "queue_full", "the queue is full", EXIT_FULL, "TASKD_E_QUEUE_FULL",
		"try again after retry_after seconds"),
	ERROR(PROTO_TOO_LARGE, -32008, "too_large", "larger than taskd's limit", EXIT_TASK, "TASKD_E_TOO_LARGE",
		"payload_limit in taskd.conf is the limit for arguments and results, frame_limit for messages, "
		"result_bytes for what is kept"),
	ERROR(PROTO_DENIED, -32009, "denied", "not allowed", EXIT_DENIED, "TASKD_E_DENIED", NULL),
	ERROR(PROTO_SHUTTING_DOWN, -32010, "shutting_down", "taskd is stopping and takes nothing more",
		EXIT_UNREACHABLE, "TASKD_E_UNAVAILABLE", NULL),
	ERROR(PROTO_WAIT_TIMED_OUT, -32011, "wait_timed_out", "no answer within the time that was given for it",
		EXIT_TIME, "TASKD_E_TIMEOUT", "the task goes on; ask again for its result"),
	ERROR(PROTO_UNAVAILABLE, -32012, "unavailable", "the task's handler could not be initialised", EXIT_TASK,
		"TASKD_E_UNAVAILABLE", "\"taskctl workers\" tells why"),
	ERROR(PROTO_TOO_MANY, -32013, "too_many", "too many at once", EXIT_FULL, "TASKD_E_UNAVAILABLE",
		"wait for some replies first"),
	ERROR(PROTO_BAD_CONFIG, -32014, "bad_config", "the configuration is wrong; the old one stays in force",
		EXIT_TASK, "TASKD_E_OTHER", "\"taskd --check\" checks it without loading it"),
	ERROR(PROTO_DUPLICATE, -32015, "duplicate", "another task has that key and has not ended", EXIT_TASK,
		"TASKD_E_DUPLICATE", "key_mode \"attach\" gives that task instead, \"replace\" cancels it"),
	ERROR(PROTO_DEPENDENCY_FAILED, -32016, "dependency_failed", "a task that it waited for did not succeed",
		EXIT_TASK, "TASKD_E_DEPENDENCY_FAILED",
		"data.dependency is that task; after_any waits for its end, whatever it is"),
	ERROR(PROTO_DEPENDENCY_CYCLE, -32017, "dependency_cycle", "tasks of the batch wait for each other in a circle",
		EXIT_USAGE, "TASKD_E_DEPENDENCY_CYCLE", NULL),
	ERROR(PROTO_QUEUE_DRAINING, -32018, "queue_draining", "the queue is being drained and takes nothing more",
		EXIT_FULL, "TASKD_E_QUEUE_DRAINING", "queue.resume (\"taskctl resume\") ends that"),
	ERROR(PROTO_QUEUE_BUSY, -32019, "queue_busy", "the queue is in use", EXIT_TASK, "TASKD_E_QUEUE_BUSY",
		"drain it first, and remove the schedules that use it; what the configuration has stays"),
	ERROR(PROTO_NOT_OVER, -32020, "not_over", "the task has not ended", EXIT_TASK, "TASKD_E_NOT_OVER", NULL),
	ERROR(PROTO_NOT_FAILED, -32021, "not_failed", "the task has succeeded", EXIT_TASK, "TASKD_E_NOT_FAILED",
		"submit it again"),
	ERROR(PROTO_EXISTS, -32022, "exists", "there is one of that name", EXIT_TASK, "TASKD_E_EXISTS", NULL),
	ERROR(PROTO_DEADLOCK, -32023, "deadlock", "every worker waits for a task that waits for a worker", EXIT_TASK,
		"TASKD_E_DEADLOCK",
		"more processes or threads in the pool, or nested_processes in taskd.conf, let it go on"),
	ERROR(PROTO_COMMAND_FAILED, -32024, "command_failed", "the command did not succeed", EXIT_TASK,
		"TASKD_E_FAILED", NULL),
	ERROR(PROTO_NOT_STARTED, -32025, "not_started", "the command could not be started", EXIT_START,
		"TASKD_E_NOT_STARTED", NULL),
	ERROR(PROTO_NOT_RUNNING, -32026, "not_running", "the command does not run", EXIT_TASK, "TASKD_E_NOT_RUNNING",
		NULL),
	ERROR(PROTO_INPUT_CLOSED, -32027, "input_closed", "the command does not read what is sent to it", EXIT_TASK,
		"TASKD_E_INPUT_CLOSED", NULL),
	ERROR(PROTO_NOT_A_COMMAND, -32028, "not_a_command", "the task is not a command", EXIT_USAGE, "TASKD_E_INVALID",
		NULL),
	ERROR(PROTO_NOT_HELD, -32029, "not_held", "nobody holds it, or you do not", EXIT_TASK, "TASKD_E_NOT_HELD", NULL),
	ERROR(PROTO_NOT_OWNER, -32030, "not_owner", "another holds it", EXIT_TASK, "TASKD_E_NOT_OWNER",
		"only its holder can release it: the same connection, and the same \"holder\""),
	ERROR(PROTO_OVER_RELEASED, -32031, "over_released", "more was released than there is", EXIT_TASK,
		"TASKD_E_OVER_RELEASED", NULL),
	ERROR(PROTO_BARRIER_BROKEN, -32032, "barrier_broken", "the barrier is broken", EXIT_TASK,
		"TASKD_E_BARRIER_BROKEN", "barrier.reset (\"taskctl barrier --reset\") makes it as new"),
	ERROR(PROTO_MISMATCH, -32033, "mismatch", "it is there already, and not as you say", EXIT_USAGE,
		"TASKD_E_MISMATCH", NULL),
	ERROR(PROTO_STORE_FULL, -32034, "store_full", "the disk is full: the task was not taken", EXIT_FULL,
		"TASKD_E_STORE_FULL", "make room in the state directory's filesystem, or submit with \"durable\":false"),
	ERROR(PROTO_STORE_FAILED, -32035, "store_failed", "the store has failed: nothing is recorded any more",
		EXIT_UNREACHABLE, "TASKD_E_STORE_FAILED", "taskd's log and server.info tell why; a restart tries again"),
	ERROR(PROTO_STORE_BEHIND, -32036, "store_behind", "too much waits to be written to disk: the task was not taken",
		EXIT_FULL, "TASKD_E_STORE_FULL", "try again in a moment; store_backlog in taskd.conf is the limit"),
	ERROR(PROTO_NOT_DURABLE, -32037, "not_durable", "this daemon keeps nothing on disk", EXIT_USAGE,
		"TASKD_E_NOT_DURABLE", "state_directory in taskd.conf, or taskd -d, gives it a place"),
	ERROR(PROTO_OVER_SHARE, -32038, "over_share", "more than one user may have", EXIT_FULL, "TASKD_E_OVER_SHARE",
		"data.limit is what taskd.conf calls it; \"taskctl stats --users\" shows what each has"),
};

const struct proto_error_info *proto_error_info(enum proto_error error)
{
	if ((unsigned)error >= PROTO_N_ERRORS)
		error = PROTO_INTERNAL_ERROR;
	return &errors[error];
}

int proto_error_of_kind(const char *kind)
{
	for (int i = 0; i < PROTO_N_ERRORS; i++)
		if (strcmp(errors[i].kind, kind) == 0)
			return i;
	return -1;
}
