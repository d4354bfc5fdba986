/* What the files of this room share. */
#ifndef POOL_INTERNAL_H
#define POOL_INTERNAL_H

#include "pool/pool.h"

#include <sys/resource.h>

#include "base/bytes.h"
#include "base/table.h"
#include "core/core.h"
#include "config/config.h"
#include "pool/command.h"

struct child_watch;
struct hunt;
struct json_t;
struct lane;
struct lane_reply;
struct lane_request;
struct letter;

/* One thread of a living worker, and its lane. Behind core_slot_user. */
struct seat {
	struct process *process;
	int index;
	struct lane *lane;
	struct capture *capture; /* of commands; else NULL */
	uint64_t followed;       /* the task that is to say what it writes as it writes it; 0: none */
	struct core_slot *slot;
	bool ready;
	bool active;  /* on pools->active: something of the core's is in its lane */
	bool awaited; /* what was put in last takes so little time that its end may be waited for awake */
	bool to_kick; /* something was put in since its slot was last woken */
	unsigned chatter;      /* what it has said since chatter_ns beside answers */
	int64_t chatter_ns;
	int64_t deaf_until_ns; /* it says so much that it is not listened to before; 0: it is */
	TAILQ_ENTRY(seat) link;
};

/* A living worker process. */
struct process {
	struct worker *worker;
	bool commands; /* it runs commands, and has one seat */
	int pid;
	int control_fd;
	int doorbell_fd;
	struct child_watch *control;
	struct child_watch *doorbell;
	int n_seats;
	int n_ready;
	int64_t leave_by_ns;  /* a retiring one's: set once it has nothing left to do */
	int64_t kill_by_ns;   /* of commands: when one has been killed and goes on, this process follows it */
	unsigned long long born; /* of commands: as in struct proc_look */
	STAILQ_HEAD(, letter) outbox; /* what its control socket has no room for */
	size_t outbox_bytes;
	struct child_watch *writable; /* NULL while nothing waits for room */
	TAILQ_HEAD(, command_ask) asks; /* that it has not answered */
	int n_asks;
	int waits;            /* requests of its handlers that wait for tasks */
	unsigned rings;       /* of its doorbell since rings_ns, beyond what was said */
	int64_t rings_ns;
	size_t n_said;        /* messages on its control socket before it was ready */
	size_t n_handlers;    /* in these */
	bool littered;        /* it has sent descriptors that nobody asked for */
	bool kill_wanted;     /* to be killed once only interrupted tasks run in it */
	bool killed;            /* by taskd */
	const char *killed_for; /* static; why; NULL where its own end says it better */
	bool mourned;           /* dead, and reaped as the two below say, but not gone: see worker_died */
	int wait_status;
	struct rusage usage;
	struct seat seats[];
};

/* A reason why a handler could not be initialised, told in the log once. */
struct told {
	char *text;
	STAILQ_ENTRY(told) link;
};

/* struct pool, with what listings need not know. */
struct pool_own {
	struct pool public;
	struct pools *pools;
	struct config_pool config; /* a copy of its section: its texts are this pool's own */
	struct core_queue *queue; /* the one of its name */
	STAILQ_HEAD(, told) told;
	size_t n_told;
	size_t n_types;    /* made by its workers' words */
	int64_t stuck_ns;  /* since when nothing can go on here; CLOCK_NEVER: something can */
	int64_t needed_ns; /* when an extra process was last needed */
	int64_t extra_after_ns; /* no extra process is started before: the last one failed to */
};
static inline struct pool_own *pool_own(const struct pool *pool) { return (struct pool_own *)(uintptr_t)pool; }

struct pools {
	struct event_base *base;
	struct core *core;
	const struct config *config;
	char *worker_path;
	int store_pid; /* 0: none */
	char *socket; /* NULL: unknown */
	char *cgroup; /* NULL: none */
	int alive_fd; /* -1: none */
	long long soft_files; /* workers' soft limit of open files; -1: as inherited */
	bool oom_adjusted; /* the master's own OOM score is lowered: workers put theirs back */
	bool stopping;
	bool ending; /* nobody is left who could be told anything */
	int64_t next_ns;
	int waits;   /* of all processes: see nested.c */
	int extras;  /* extra workers of all pools */
	int64_t reap_ns;   /* when there are more dead to be buried */
	int64_t deaf_ns;   /* when somebody is listened to again */
	int64_t nested_ns; /* when nested.c wants to look again */
	uint64_t last_ask;     /* orders.c's numbers */
	struct table attached; /* attach.c's: descriptors by task */
	struct hunt *hunt;     /* strays.c's; NULL while there is none */
	struct sweep *sweeps;  /* sweep.c's: one for each user whose workers had private directories */
	bool swept;            /* they have begun, */
	int64_t sweep_by_ns;   /* and have to end by then */
	bool fosters;          /* children may come to this process that no worker has left */
	command_said *said;
	void *said_context;
	bool (*fail_wait)(void *context, const struct core_pool *pool);
	void *fail_context;
	TAILQ_HEAD(, pool) list;
	TAILQ_HEAD(, seat) active;
	struct child_watch *deaths;
};

/* --- reap.c: the only file here that knows the event loop --- */
/* Calls READY whenever FD has become readable; EDGE: once for every write, without reading it. */
struct child_watch *watch_fd(struct event_base *base, int fd, bool edge, void (*ready)(void *user), void *user);
/* Calls READY as long as something can be written to FD. */
struct child_watch *watch_writable(struct event_base *base, int fd, void (*ready)(void *user), void *user);
/* Calls DIED whenever a child may have died. */
struct child_watch *watch_deaths(struct event_base *base, void (*died)(void *user), void *user);
void watch_free(struct child_watch *watch);

/* --- spawn.c --- */
/* Where taskd-worker is; malloc'ed. */
char *spawn_worker_path(void);
/* Starts a process of WORKER with the FDS that are not -1, and nothing else but 0 to 2: its end of the control socket as its
 * descriptor WORKER_CONTROL_FD, and behind that what says that it is alive. The pid, or -errno as spawn_child has it. */
#define SPAWN_WORKER_FDS 2
int spawn_worker(struct worker *worker, const int fds[SPAWN_WORKER_FDS]);
/* Why that was not possible, by its -errno; malloc'ed. */
char *spawn_worker_problem(const struct worker *worker, int error);

/* --- proc.c --- */
struct proc_look {
	int pid;
	int parent;
	char state;                 /* 'Z': it has ended */
	unsigned long long started; /* in ticks since the machine's start */
};
/* False: there is no such process. */
bool proc_look(int pid, struct proc_look *out);

/* --- process.c: a worker's life --- */
void worker_start(struct worker *worker);
/* Gives it nothing more; it leaves when it has done what it took. */
void worker_retire(struct worker *worker);
/* A retiring one that has nothing left to do has so long to leave. */
void worker_watch_leaving(struct worker *worker);
/* With SIGKILL; REASON (static, or NULL) is what its tasks are told. */
void worker_kill(struct worker *worker, const char *reason);
/* Its process was reaped. Where that was running a command, the rest of it comes when nothing of the command is left, by
 * workers_mourned; what the task had, a lock, say, is nobody else's before. */
void worker_died(struct worker *worker, int wait_status, const struct rusage *usage);
/* Nothing is left of what such workers have left behind, or nothing can be done about it. */
void workers_mourned(struct pools *pools);
void worker_enter(struct worker *worker, enum worker_state state);
/* The worker's own time has come: a start that was put off, or a start that takes too long. */
void worker_timer(struct worker *worker, int64_t now_ns);
int64_t worker_next_ns(const struct worker *worker);
void worker_forget_failures(struct worker *worker);

/* --- messages.c: what worker/heritage.h says --- */
/* Sends all that a new process needs; -1 where the socket does not take it. */
int messages_send_start(struct process *process);
/* Reads what has come, though not without end; -1 where it is nonsense. The socket's end is no error: the death
 * follows. */
int messages_read(struct process *process);

/* --- hear.c: completions --- */
/* So many replies of one slot are heard before the next slot's turn. */
#define HEAR_LIMIT 256
/* …or so many in a row that are no answers. */
#define CHATTER_MOST 64
/* Until END_NS; CLOCK_NEVER: that is all. True: there was something. A broken lane costs the process its life. */
bool seat_hear(struct seat *seat, int64_t end_ns);
/* Kills a process that is wanted dead once no innocent task runs in it. */
void process_kill_if_alone(struct process *process);

/* --- command.c --- */
/* Where TASK runs as a command; NULL: nowhere. */
struct seat *command_seat(struct task *task);
/* It has said something before its end. False: that is not what a command says. */
bool command_heard(const struct seat *seat, struct task *task, const struct lane_reply *reply);

/* --- outbox.c --- */
/* Sends TEXT now or when there is room. -1: there is nobody to send it to. */
int outbox_send(struct process *process, const char *text, size_t length);
void outbox_empty(struct process *process);

/* --- orders.c --- */
/* WHAT: "term" or "kill"; nobody waits for an answer. */
void order_stop(struct process *process, const struct task *task, const char *what);
/* {"answer": OBJECT}. -1: it answers nothing that was asked. */
int orders_hear(struct process *process, const struct json_t *object);
/* PROCESS is gone and will answer nothing: who asked is told, where TELL. */
void orders_over(struct process *process, bool tell);

/* --- attach.c --- */
void attach_init(struct pools *pools);
void attach_fini(struct pools *pools);
/* What came with TASK, for its REQUEST. */
void attach_lend(const struct pools *pools, const struct task *task, struct lane_request *request);

/* --- strays.c --- */
/* Whether others' orphans may become this process's children: asked before there are workers. */
bool strays_of_others(void);
/* A worker of commands has died, BORN then: what it has left behind is hunted from now on. */
void strays_begin(struct pools *pools, unsigned long long born);
int64_t strays_next_ns(const struct pools *pools);
void strays_timer(struct pools *pools, int64_t now_ns);
/* Ends the hunt here and now, within a moment. */
void strays_finish(struct pools *pools);

/* --- sweep.c --- */
struct spawn;
/* Somebody like that is going to have a private directory. */
void sweeps_note(struct pools *pools, const struct spawn *spawn);
/* When the last of them is gone they begin. As those of struct pools. */
int64_t sweeps_next_ns(const struct pools *pools);
void sweeps_timer(struct pools *pools, int64_t now_ns);
bool sweeps_are_over(const struct pools *pools);
bool sweeps_include(const struct pools *pools, int pid);
void sweeps_reaped(struct pools *pools, int pid, int wait_status);
/* Those that have begun end here; it may have been called before. */
void sweeps_end(struct pools *pools);
void sweeps_free(struct pools *pools);

/* --- configure.c --- */
/* Pools, queues and workers (not started) of the first configuration. */
void configure_first(struct pools *pools, const struct config *config);
/* BEFORE: the one that it comes before in its pool's list; NULL: it is the last. */
struct worker *worker_new(struct pools *pools, struct pool *pool, int index, struct worker *before);
void worker_free(struct worker *worker);
/* The texts of its section; with its tasks. */
void pool_forget_texts(struct pool_own *own);
/* What was told once may be told again. */
void told_forget(struct pool_own *own);

/* --- types.c --- */
/* A word of POOL's worker that it has a handler of that name; all but the name may be NULL. What it says of one that another
 * pool runs is nothing to go by where something is known. -1: it is one too many. */
int types_handler(struct pool *pool, const char *name, const char *summary, const char *parameters, const char *source);
/* Commands are what CONFIG says; routes nothing. */
void types_configure(struct pools *pools, const struct config *config);
/* What is known of all of them. */
void types_free(struct pools *pools);

/* --- nested.c --- */
/* The living process of a worker, or NULL. */
struct process *process_find(const struct pools *pools, int pid);
/* PROCESS is gone, and so are its handlers' waits. */
void nested_forget(struct process *process);
/* An extra worker's process has ended, or could not be started, before it was ready. */
void nested_failed(struct worker *worker);

/* --- route.c --- */
/* Which queue a type's tasks go to. */
void route_type(struct pools *pools, struct task_type *type);
void route_all(struct pools *pools);
/* The pool that runs tasks of that name, as handlers or as commands; NULL: none. */
const struct pool *route_pool(const struct pools *pools, const char *name, bool command);

/* Whether there are workers, or what such have left behind. */
bool pools_left(const struct pools *pools);
void pools_schedule(struct pools *pools);

#endif
