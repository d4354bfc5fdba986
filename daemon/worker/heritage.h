/* What crosses from the master to a worker at its start, and what the worker tells it then: the one place that knows
 * both. All of it are JSON messages on the control socket (SOCK_SEQPACKET, descriptor WORKER_CONTROL_FD), since none
 * of it is on a hot path, with descriptors beside them.
 *
 * master → worker
 *   {"start": {"pool": "default", "index": 0, "threads": 1, "nice": 0, "limit_memory": -1, "limit_cpu": -1,
 *              "limit_files": -1, "soft_files": 1024, "limit_core": 0, "payload_limit": N, "oom_score_adj": N or null, "log_level": 6,
 *              "log_target": 0,
 *              "plugins": [{"name": "math", "path": "/usr/lib/taskd/plugins/math.so"}, …]}}   with the doorbell's eventfd
 *     limit_cpu is in nanoseconds, limit_memory and limit_core in bytes; -1 leaves a limit as it was inherited
 *   {"slot": 0}   with the lane's memory and the worker's end of its payload socket; one for each thread
 * worker → master
 *   {"handlers": [{"name": "fib", "summary": …, "parameters": …, "source": "built-in"}, …],
 *    "plugin_errors": [{"plugin": "math", "error": "…"}]}                             once, when plugins are loaded
 *   {"init_failed": {"slot": 0, "handler": "model", "error": "…"}}                    before that slot's ready
 *   {"ready": 0}                                                                      that slot can take tasks; it gets some when all have said so
 *
 * A message has at most HERITAGE_MESSAGE_LIMIT bytes; a worker with more handlers than fit sends several "handlers".
 * The control socket's end of file tells the worker that the master is gone (it exits at once). The worker also asks
 * the kernel to be killed with its parent, and leaves when its parent is not the one named in its arguments. */
#ifndef WORKER_HERITAGE_H
#define WORKER_HERITAGE_H

#define WORKER_CONTROL_FD 3
#define HERITAGE_MESSAGE_LIMIT (64 * 1024)
/* argv: "taskd-worker: POOL/INDEX", the master's pid in decimal. */

#endif
