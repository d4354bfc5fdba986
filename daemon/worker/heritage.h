/* What crosses from the master to a worker at its start, and what the worker tells it then: the one place that knows
 * both. All of it are JSON messages on the control socket (SOCK_SEQPACKET, descriptor WORKER_CONTROL_FD), since none
 * of it is on a hot path, with descriptors beside them.
 *
 * master → worker
 *   {"start": {"pool": "default", "index": 0, "threads": 1, "nice": 0, "limit_memory": -1, "limit_cpu": -1,
 *              "limit_files": -1, "soft_files": 1024, "limit_core": 0, "payload_limit": N, "oom_score_adj": N or null, "log_level": 6,
 *              "log_target": 0,
 *              "plugins": [{"name": "math", "path": "/usr/lib/taskd/plugins/math.so"}, …],
 *              "confine": {"no_new_privs": true, "seccomp": "off" | "default" | "strict", "read_paths": "/usr /lib" or null,
 *              "write_paths": "/srv" or null, "private_directory": false}}}
 *                                                      see worker/confine.h; with the doorbell's eventfd
 *     limit_cpu is in nanoseconds, limit_memory and limit_core in bytes; -1 leaves a limit as it was inherited
 *              … and of a pool of commands: "commands": {"log_dir": "/…" or null, "log_ttl": ns, "log_bytes": N,
 *              "cgroup": "/sys/fs/cgroup/…" or null, "as_submitter": bool, "user": UID or null}; then there are no plugins,
 *              and one thread. With "as_submitter" the worker is root, and each command runs as its request's run_as, or as
 *              "user", or not at all
 *   {"slot": 0}   with the lane's memory and the worker's end of its payload socket; one for each thread; of a pool of
 *              commands also with the memory of its capture
 *   to a pool of commands, any time later; each is answered with {"answer": …} of the same "ask" unless that is 0:
 *   {"order": {"task": ID, "attempt": N, "ask": N, "do": "term" | "kill" | "signal" | "suspend" | "resume" | "window" |
 *              "send", "signal": N, "rows": N, "columns": N, "data": base64, "eof": bool}}
 *   {"log": {"task": ID, "attempt": N, "ask": N, "stream": 0 or 1, "offset": N, "size": N}}
 * worker → master
 *   {"handlers": [{"name": "fib", "summary": …, "parameters": …, "source": "built-in"}, …],
 *    "plugin_errors": [{"plugin": "math", "error": "…"}]}                             once, when plugins are loaded
 *   {"init_failed": {"slot": 0, "handler": "model", "error": "…"}}                    before that slot's ready
 *   {"ready": 0}                                                                      that slot can take tasks; it gets some when all have said so
 *   {"answer": {"ask": N, "word": "done" | "not_running" | "no_input" | "refused", "reason": "…"}}
 *   {"answer": {"ask": N, "word": "done", "data": base64, "total": N}}               a page of a log; "not_found": there is none
 *
 * A message has at most HERITAGE_MESSAGE_LIMIT bytes; a worker with more handlers than fit sends several "handlers".
 * The control socket's end of file tells the worker that the master is gone (it exits at once). The worker also asks
 * the kernel to be killed with its parent, and leaves when its parent is not the one named in its arguments. */
#ifndef WORKER_HERITAGE_H
#define WORKER_HERITAGE_H

#define WORKER_CONTROL_FD 3
/* A lock file that is locked as long as some worker has it: whoever comes after a dead master waits for that. It may be
 * missing; what a worker executes does not get it. */
#define WORKER_ALIVE_FD 4
#define HERITAGE_MESSAGE_LIMIT (64 * 1024)
/* argv: "taskd-worker: POOL/INDEX", the master's pid in decimal. Or, besides, WORKER_SWEEP: it removes the private directories
 * that dead workers of its user have left, and ends; it has no control socket then. */
#define WORKER_SWEEP "sweep"

#endif
