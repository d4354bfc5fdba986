/* What the files of the core share with each other and with nobody else.
 *
 *   task.c      the state machine; a task's memory
 *   submit.c    how a task comes in, and how it is retried
 *   batch.c     how several come in together
 *   unique.c    keys
 *   depend.c    tasks that wait for tasks
 *   claim.c     tasks that wait for named objects; claim_group.c: those of a queue that wait for one
 *   calendar.c  tasks that wait for a time
 *   queue.c     where tasks wait, in order; line.c: those of one owner
 *   gate.c      which queue may start something now: pauses, limits, rates, weights
 *   share.c     what one user may have of it all
 *   slot.c      slots, and what is in their lanes
 *   sched.c     who gets what, and when a lane is looked at
 *   life.c      what happens to a task that was given to a slot: progress, its end, cancel, its time limit
 *   retry.c     attempts
 *   record.c    durable tasks, and how they wait for the disk; restore.c: how they come back after a restart
 *   await.c     tasks for which a slot stands still
 *   keep.c      records of tasks that have ended
 *   facet.c     tasks by type, queue, owner and tag
 *   select.c    walking over tasks
 *   schedule.c  recurring tasks; cron.c: their times
 *   core.c      the whole, its turn, types */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/idmap.h"
#include "base/table.h"
#include "core/core.h"
#include "object/object.h"

#define WINDOW_TASKS 64              /* in one lane */
#define WINDOW_NS NS_PER_MS          /* of estimated work in one lane, where its pool says no other; one task is always allowed */
#define ESTIMATE_UNKNOWN_NS NS_PER_MS /* of a type of which none has ended yet */
#define SWEEP_NS NS_PER_MS           /* from putting something into a lane to looking what became of it: half a window, at least */
#define SWEEP_SLOWEST_NS (64 * NS_PER_MS) /* while no slot takes what it has */
#define UNTAKEN_NS (100 * NS_PER_MS) /* until what a slot does not take is given to another, where one is idle */
#define TURN_MOST 10000              /* tasks that a moment moves in one turn, give or take: others want theirs */
#define AWAITED_DEEPEST 255
#define LEVEL_AWAITED (INT32_MAX - AWAITED_DEEPEST) /* above it, by their depths, are the priorities of awaited tasks */
#define STALL_NS (5 * NS_PER_MS)     /* until a slot that refused a task though it has none is tried again */

TAILQ_HEAD(slot_list, core_slot);

enum slot_state {
	SLOT_NEW,      /* cannot run anything (yet, or any more) */
	SLOT_READY,    /* on one of the lists that enum slot_place names */
	SLOT_RETIRING, /* gets nothing more */
};

enum slot_place {
	PLACE_NONE,    /* not ready, or its window is full */
	PLACE_IDLE,    /* pool->idle: nothing in its lane */
	PLACE_OPEN,    /* pool->open: something in its lane, and room for more */
	PLACE_STALLED, /* core->stalled: refused a task though its lane is empty */
};

struct core_slot {
	struct core_pool *pool;
	void *user;
	struct task_list tasks; /* in its lane, oldest first */
	size_t count;
	int64_t estimate_ns; /* the sum of theirs */
	enum slot_state state;
	enum slot_place place;
	bool reserved; /* for awaited tasks, where the pool admits one */
	bool full;    /* gets nothing more before its next completion */
	bool watched; /* on core->watched */
	TAILQ_ENTRY(core_slot) all;        /* pool->slots */
	TAILQ_ENTRY(core_slot) place_link; /* the list that `place` names */
	TAILQ_ENTRY(core_slot) watch_link;
};

#define POOL_CLOCKS 61 /* a prime, as people like round numbers */

struct core_pool {
	struct core *core;
	void *user;
	char *name;
	struct slot_list slots;
	struct slot_list idle;
	struct slot_list open;
	struct heap waiting; /* its queues that may start something: by their first task's priority, then by their passes */
	uint64_t clocks[POOL_CLOCKS]; /* gate.c: of each priority the pass of the latest start; some share one */
	TAILQ_ENTRY(core_pool) link;
	bool admits; /* a reserved slot may take one task */
	int64_t window_ns;
	int64_t look_ns; /* from putting something into one of its lanes to looking what became of it */
};

/* The tasks of one owner and priority in one queue; of a queue without priorities, all of his. */
struct bucket {
	struct heap_node node; /* line->order; key: see line.c */
	struct heap_node by_level; /* line->levels */
	int32_t priority;
	struct task_list tasks; /* by their places; never empty while it is in a line */
	struct task *last_back; /* of them, who came to its place last: the next one is often behind that; or NULL */
};

/* The tasks of one owner in one queue: see line.c. */
struct line {
	struct heap_node node; /* queue->order: only while it may go */
	struct core_queue *queue;
	struct task_owner *owner;
	struct table buckets; /* by priority, where there are two or more */
	struct heap order;    /* all of them; on top what is next */
	struct heap levels;   /* of a queue where tasks age: the same, the highest priority on top */
	uint64_t turn;        /* the place at which its owner came, or had something started last */
	uint64_t turn_before; /* … and the one before that; 0: none */
	LIST_ENTRY(line) of_queue, of_owner;
};

struct core_queue {
	struct core *core;
	struct core_pool *pool; /* NULL: freed, and only named by records */
	char *name;
	size_t name_length;
	uint64_t name_hash;
	struct core_queue_figures figures;
	LIST_HEAD(, line) lines;
	struct table owners;  /* the same by uid, where there are two or more */
	struct heap order;    /* those that may go; on top what is next */
	struct bucket *spare; /* an empty one, so that a queue that runs dry again and again does not allocate */
	struct line *spare_line; /* so, too */
	struct heap_node node; /* pool->waiting: only while it has something, and its gate is open */
	struct heap_node timer; /* core->gates: while only its rate keeps its gate shut */
	int64_t rate_ns;       /* gate.c: when the next start is due by its rate, were there no burst */
	uint64_t passes[POOL_CLOCKS]; /* gate.c: how much of its pool it has had, by its weight, at each priority */
	int32_t level;         /* its first task's priority when its gate was open last */
	struct task_facet tasks;
	LIST_HEAD(, claim_group) groups; /* of its tasks that wait for named objects */
	size_t records;        /* tasks that point here */
	TAILQ_ENTRY(core_queue) link;
};

/* Tasks that are due in one millisecond of one clock. */
struct day {
	struct heap_node node; /* key: the millisecond */
	struct task_list tasks;
};

struct calendar {
	struct table days; /* by millisecond */
	struct heap order; /* the same, the next on top */
	struct day *last;  /* the day that was looked for last, or NULL */
	struct day *spare;
};

struct core {
	struct core_ops ops;
	struct core_limits limits;
	struct core_totals totals;
	int64_t now_ns;
	uint64_t next_id;
	bool closed;
	bool start; /* false: nothing is started any more */
	struct idmap tasks;         /* by id */
	struct task_list all;       /* the same, in the order of their ids */
	struct task_list kept[TASK_N_STATES][2]; /* ended: [0] as they ended, [1] as they were fetched */
	size_t n_kept[TASK_N_STATES]; /* on both lists of that state */
	uint64_t *large;              /* keep.c: ids of those that ended in this turn and are too large to be kept whole */
	size_t n_large;
	size_t large_room;
	struct task_list graveyard; /* dropped in this turn, or while some are still to be told of its end */
	struct task **telling;      /* tell.c: of whose ends some are still to be told */
	size_t n_telling, telling_room;
	size_t telling_next;        /* whose turn it is */
	struct names types;
	STAILQ_HEAD(, task_type) type_list;
	struct names queues;
	TAILQ_HEAD(, core_queue) queue_list;
	TAILQ_HEAD(, core_pool) pools;
	struct heap timers;       /* tasks: see struct task's timer */
	struct calendar calendars[2]; /* scheduled tasks: [0] by the monotonic, [1] by the wall clock */
	struct task_list blocked;
	struct task_list recording; /* record.c: they wait for the disk */
	bool held;         /* durable tasks are not started */
	bool interrupting; /* what runs of them goes back when its slot is lost */
	bool restoring;    /* restore.c: what was there before is still coming */
	uint64_t *restored; /* … and the ids of what has come */
	size_t n_restored, restored_room;
	struct core_schedule *gone; /* … the schedule whose name was asked for last, which has gone */
	struct task_list settling; /* depend.c: blocked ones about whom something has been decided in this turn */
	struct objects *objects;
	struct names claim_groups; /* by queue and object */
	unsigned n_refused;        /* tasks that could not have what they claim, in this turn */
	struct heap gates;        /* queues that wait for their rate */
	struct names keys;        /* struct task_extra: the latest task of each owner and key that has a record */
	struct names tags;        /* struct task_tag */
	struct table owners;      /* struct task_owner, by uid */
	struct task_owner *owner; /* the one that was asked for last; or NULL */
	struct core_shares shares;
	LIST_HEAD(, task_owner) hoarders; /* who may have more records than they may */
	struct names schedule_names;
	TAILQ_HEAD(schedule_list, core_schedule) schedules;
	struct heap schedule_timers[2]; /* by the monotonic, by the wall clock */
	int64_t wall_lead_ns;     /* schedule.c: of the wall clock before the monotonic one, in the last turn */
	uint64_t next_place;
	uint64_t place_lead; /* of places before the monotonic clock: it began anew, they do not */
	uint64_t random;
	int64_t wall_ns;
	bool observed;
	struct slot_list watched; /* slots whose lane has to be looked at: see slot_update */
	struct slot_list stalled;
	int64_t sweep_ns;   /* when the watched ones are looked at; CLOCK_NEVER while there are none */
	int64_t sweep_gap_ns;
	int64_t stalled_ns; /* when the stalled ones are tried again */
};

/* Without overflow. */
static inline int64_t clock_after(int64_t moment_ns, int64_t span_ns)
{
	int64_t sum_ns;

	return __builtin_add_overflow(moment_ns, span_ns, &sum_ns) ? CLOCK_NEVER : sum_ns;
}

static inline struct core *task_core(const struct task *task) { return task->queue->core; }

/* task.c */
/* A task with that id, on no list, in no state yet: task_enter comes next. */
struct task *task_new(struct core *core, const struct task_spec *spec, uint64_t id);
void task_free(struct task *task);
/* Its first state: scheduled, blocked, queued, or recorded before it is one of those. */
void task_enter(struct task *task, enum task_state state);
/* It had ended with its outcome before a restart. False: there is no room for it, and it is dropped. */
bool task_enter_ended(struct task *task);
struct task_extra *task_extra(struct task *task);
/* The ONE function that assigns `state`. */
void task_set_state(struct task *task, enum task_state to);
/* To those who observe. */
void task_changed(struct core *core, struct task *task, bool progress);
/* Frees what OUTCOME has. */
void outcome_release(struct task_outcome *outcome);
/* Gives TASK its outcome, whose parts are taken over, and the state that it says. */
void task_end(struct task *task, const struct task_outcome *outcome);

/* submit.c */
/* Whether SPEC, which has a key, may have it: CORE_OK, and *other is the task that it replaces, or NULL; else
 * CORE_ATTACHED or CORE_DUPLICATE, and *other is the task that has it. */
int submit_key(const struct core *core, const struct task_spec *spec, struct task **other);
/* What comes to one queue, or to one owner in all of them, and what leaves for that. */
struct load {
	const struct core_queue *queue; /* NULL: it is of an owner */
	uint32_t uid;
	size_t count, bytes;
	size_t less_count, less_bytes;
};
/* SPEC's task, too, which replaces REPLACED (NULL: none). */
void submit_load(struct load *load, const struct task_spec *spec, const struct task *replaced);
/* Whether its queue takes that in: CORE_OK or a refusal. */
int submit_room(const struct load *load);
/* What SPEC waits for: `after`, then `after_any`. */
static inline const struct task_ref *submit_ref(const struct task_spec *spec, size_t at)
{
	return at < spec->n_after ? &spec->after[at] : &spec->after_any[at - spec->n_after];
}
/* The tasks of those that are named by id, and NULL for the others, in a new array, which is to be freed whatever comes.
 * CORE_OK, or a refusal, and *id is the one that is not there. */
int submit_find(const struct core *core, const struct task_spec *spec, struct task ***tasks, uint64_t *id);
/* A task that is found from now on, but has no state yet. */
struct task *submit_create(struct core *core, const struct task_spec *spec);
/* Its first state. TASKS: what it waits for, as submit_find has it. */
void submit_enter(struct core *core, struct task *task, const struct task_spec *spec, struct task *const *tasks);
/* Where a task goes that waits for nobody (any more): to its calendar, or to its queue. */
enum task_state submit_state(const struct core *core, const struct task *task);

/* unique.c */
/* The task of that owner that has the key, ended or not; NULL. */
struct task *unique_find(const struct core *core, uint32_t owner, const char *key, size_t length);
/* TASK, which was there before a restart, has it unless a later one does. */
void unique_restore(struct core *core, struct task *task);
/* TASK has it from now on, whoever had it before. */
void unique_put(struct core *core, struct task *task);
/* Its record goes: keep.c's to say. */
void unique_drop(struct core *core, struct task *task);
/* TASK, which has come in with its key, replaces OTHER: that is cancelled now, or, where TASK is durable, when it is on disk. The
 * first is said before it is recorded, the second behind it. */
void unique_replace(struct task *task, const struct task *other);
void unique_replaced(struct task *task, struct task *other);
/* TASK is on disk: whom it replaces is cancelled. It is refused: that one has the key again. */
void unique_come_in(struct task *task);
void unique_refuse(struct task *task);
void unique_init(struct core *core);

/* depend.c */
/* What TASK waits for: the tasks are there, and TASK has not entered a state. True: it has to wait, or has failed
 * already, in which case depend_settle ends it: it becomes TASK_BLOCKED. */
bool depend_link(struct task *task, struct task *const *after, size_t n_after, struct task *const *after_any,
	size_t n_after_any, bool pass_results);
/* What TASK waited for before a restart. SETTLED: it did so no more. True: it is to become TASK_BLOCKED, and
 * depend_resolve comes when all that there was is there again. */
bool depend_restore(struct task *task, const struct core_restored *restored, bool settled);
void depend_resolve(struct task *task);
/* It has ended, or that is decided: what it waited for is for its record, and its retry. */
void depend_restore_over(struct task *task);
/* TASK comes into TASK_BLOCKED. */
void depend_enter(struct task *task);
/* TASK is blocked, but not for long: depend_settle will see to it. */
bool depend_is_decided(const struct task *task);
/* TASK leaves TASK_BLOCKED: nobody has to tell it anything any more. */
void depend_leave(struct task *task);
/* The same of one that was recorded before it could become that. */
void depend_unlink(struct task *task);
/* Lets go what has become free, and ends what has no hope, until there is no more of it. */
void depend_settle(struct core *core);
void depend_free(struct task *task);
/* What it takes to remember what TASK waits for, or waited for: so many tasks. */
size_t depend_weigh(const struct task *task);
static inline bool depend_has(const struct task *task) { return task->extra && task->extra->links; }
static inline size_t depend_cost(const struct task *task) { return depend_has(task) ? depend_weigh(task) : 0; }
size_t depend_cost_of(size_t count);
/* TASK is about to be given to a slot: its arguments get the results that it asked for. False: they would be too large
 * by now, so it has ended. */
bool depend_unfold(struct task *task);
/* It leaves its lane: they are without them again. */
void depend_fold(struct task *task);
/* As a lane would get them, in *OUT, one reference; negative: too large. */
int depend_args(const struct task *task, struct bytes **out);
size_t depend_args_weigh(const struct task *task);
static inline size_t depend_args_cost(const struct task *task)
{
	return depend_has(task) ? depend_args_weigh(task) : bytes_cost(task->args);
}
/* Nobody will run it again. */
void depend_drop_args(struct task *task);

/* claim.c; the questions that are asked of every task are answered here where it claims nothing */
static inline bool claim_has(const struct task *task) { return task->extra && task->extra->claims; }
void claim_init(struct core *core);
void claim_groups_init(struct core *core);
void claim_fini(struct core *core);
/* One block, the names with them. */
struct object_claim *claim_copy(const struct object_claim *claims, size_t n);
/* A copy of them becomes TASK's. */
void claim_set(struct task *task, const struct object_claim *claims, size_t n);
void claim_free(struct task *task);
size_t claim_cost_of(const struct object_claim *claims, size_t n);
size_t claim_weigh(const struct task *task);
static inline size_t claim_cost(const struct task *task) { return claim_has(task) ? claim_weigh(task) : 0; }
/* TASK, which waits in its queue and claims something, is about to be given to a slot. True: it has all of it. False: it
 * has left the queue, as TASK_BLOCKED, or ended, as what it claims cannot be had any more. */
bool claim_take(struct task *task);
/* What it claims is no longer its own, and it is well: it ended in order, or was not started after all. */
void claim_give_back(struct task *task);
static inline void claim_release(struct task *task)
{
	if (claim_has(task))
		claim_give_back(task);
}
/* TASK's attempt is over, or the task: whatever it holds is lost to it. */
void claim_lose(struct task *task);
static inline void claim_end(struct task *task)
{
	if (task->extra && (task->extra->claims || task->extra->holdings))
		claim_lose(task);
}
/* TASK is TASK_BLOCKED by what it claims, or about to be. */
bool claim_is_blocked(const struct task *task);
static inline bool claim_blocks(const struct task *task) { return claim_has(task) && claim_is_blocked(task); }
/* … and comes into that state, or leaves it. */
void claim_enter(struct task *task);
void claim_leave(struct task *task);
/* QUEUE has another order. */
void claim_reorder(struct core_queue *queue);
void claim_free_groups(struct core_queue *queue);

/* calendar.c */
void calendar_init(struct calendar *calendar);
void calendar_fini(struct calendar *calendar);
void calendar_add(struct core *core, struct task *task);
void calendar_remove(struct core *core, struct task *task);
/* Queues what is due, in the order of submission. */
void calendar_turn(struct core *core);
int64_t calendar_next_ns(const struct core *core);
/* A wall-clock moment as one of the monotonic clock, by today's difference; no overflow. */
int64_t core_mono_of_wall(const struct core *core, int64_t wall_ns);

/* line.c */
/* The one of OWNER in QUEUE; NULL: nothing of his waits there. Nearly always it is the one on top. */
struct line *line_seek(const struct core_queue *queue, const struct task_owner *owner);
static inline struct line *line_find(const struct core_queue *queue, const struct task_owner *owner)
{
	struct heap_node *top = heap_top(&queue->order);

	return top && heap_entry(top, struct line, node)->owner == owner ? heap_entry(top, struct line, node)
									 : line_seek(queue, owner);
}
/* It is made. TURN: the place at which he comes; 0: now. */
struct line *line_open(struct core_queue *queue, struct task_owner *owner, uint64_t turn);
/* What is next of it. */
struct task *line_next(const struct line *line);
/* Of what priority that is. */
static inline int32_t line_level(const struct line *line)
{
	return heap_entry(heap_top(&line->order), struct bucket, node)->priority;
}
/* TASK, which has its place, goes into it, or out of it, and then the line may be gone. False: what is next of it is as it
 * was. */
bool line_add(struct line *line, struct task *task);
bool line_remove(struct line *line, struct task *task);
/* Puts it where it belongs among those of its queue, whatever has changed. */
void line_rank(struct line *line);
/* All that is in it, by place, to the end of OUT; its buckets are gone, and line_remake comes next. */
void line_empty(struct line *line, struct task_list *out);
/* Those of TASKS come in again, as the queue's options are now. */
void line_remake(struct line *line, struct task_list *tasks);
/* All of QUEUE's. */
void lines_init(struct core_queue *queue);
void lines_fini(struct core_queue *queue);

/* queue.c */
static inline bool queue_is_ageing(const struct core_queue *queue)
{
	const struct core_queue_options *options = &queue->figures.options;

	return options->order == QUEUE_PRIORITY && options->ageing_ns > 0;
}
/* What is next; NULL: nothing that may go. */
struct task *queue_first(const struct core_queue *queue);
/* Its priority; there is one. */
static inline int32_t queue_first_level(const struct core_queue *queue)
{
	return line_level(heap_entry(heap_top(&queue->order), struct line, node));
}
/* The priority that TASK has there. */
static inline int32_t queue_level(const struct core_queue *queue, const struct task *task)
{
	if (task->awaited)
		return LEVEL_AWAITED + task->awaited;
	if (queue->figures.options.order != QUEUE_PRIORITY)
		return 0;
	return task->priority < LEVEL_AWAITED ? task->priority : LEVEL_AWAITED;
}
/* Where it stands there among its owner's, or, where the queue is not fair, among all: the lowest key is next, of equal
 * ones the lowest tie. */
void queue_rank(const struct core_queue *queue, const struct task *task, int64_t *key, uint64_t *tie);
/* The key of those of a level that came at that place. */
int64_t queue_rank_key(const struct core_queue *queue, int32_t level, uint64_t place);
/* The place of who joins now. */
uint64_t queue_next_place(struct core *core);
/* One that joins: gets its place, behind its equals (QUEUE_LIFO: before them). These three keep the books of queue_count
 * for TASK_QUEUED; those of TASK_SCHEDULED and TASK_BLOCKED are task.c's. */
void queue_push(struct core_queue *queue, struct task *task);
/* One that comes back, from a lane or from being blocked by what it claims, or that has its place from before: to
 * that. */
void queue_push_back(struct core_queue *queue, struct task *task);
void queue_remove(struct core_queue *queue, struct task *task);
/* LINE's owner may, or may not, have something started now. */
void queue_touch(struct line *line);
/* TASK, which is next, is about to leave for a slot; it has come back unstarted, and not by its owner's doing. */
void queue_take_turn(struct task *task);
static inline void queue_start(struct task *task)
{
	if (task->queue->figures.options.fair)
		queue_take_turn(task);
}
void queue_undo(struct task *task);
/* The place by which TASK, which waits there, stands among others who want what it claims. */
uint64_t queue_turn(const struct task *task);
/* Books on what waits, in whichever of the three states that do, or is recorded before it does. */
void queue_count(struct core_queue *queue, const struct task *task, enum task_state state, bool in);
/* A task no longer points here. */
void queue_unref(struct core_queue *queue);
/* Frees what core_queue_free left for the records' sake. */
void queue_destroy(struct core_queue *queue);
/* What TASK counts for there. */
size_t queue_cost(const struct task *task);
/* For COUNT tasks more that count for so many bytes in all, once so much that waits here has gone. */
bool queue_has_room(const struct core_queue *queue, size_t count, size_t bytes, size_t less_count, size_t less_bytes);

/* share.c */
/* What OWNER, who is new, may have. */
void share_bind(const struct core *core, struct task_owner *owner);
/* Whether LOAD, which is of an owner, is within his share: CORE_OK or CORE_OVER_SHARE. */
int share_room(const struct core *core, const struct load *load);
/* Whether there is such a share at all. */
static inline bool share_is_limited(const struct core *core)
{
	return core->shares.queued || core->shares.queued_bytes;
}
/* Whether he may have nothing more started but what is awaited. */
static inline bool share_holds(const struct task_owner *owner) { return owner->running >= owner->may_run; }
/* … has changed, or that may be. */
void share_touch(const struct task_owner *owner);
/* TASK, which keeps descriptors, has ended. */
void share_ended(struct task *task);
/* A task of his comes into a lane, or out of it. */
static inline void share_run(struct task_owner *owner)
{
	if (++owner->running == owner->may_run)
		share_touch(owner);
}
static inline void share_end(struct task_owner *owner)
{
	if (owner->running-- == owner->may_run)
		share_touch(owner);
}

/* gate.c */
/* Puts QUEUE into its pool's heap, or takes it out, as is right now. Called whenever its first task, its limits, or
 * what runs of it change. */
void gate_update(struct core_queue *queue);
/* The same where its options have changed. */
void gate_set(struct core_queue *queue);
/* Its first task is about to leave it for a slot, and gate_update will come; a given one has come back unstarted. */
void gate_start(struct core_queue *queue);
void gate_undo(struct core_queue *queue, const struct task *task);
/* Opens what only the time kept shut. */
void gate_turn(struct core *core);
int64_t gate_next_ns(const struct core *core);

/* retry.c */
/* TASK's attempt has ended as OUTCOME says: true where it is to be tried again, and then OUTCOME is used up and TASK is
 * on its way (scheduled). */
bool retry_attempt(struct task *task, struct task_outcome *outcome);
/* The same, but TASK's state is the caller's to see to. */
bool retry_prepare(struct task *task, struct task_outcome *outcome);
/* TASK's attempt was ended by taskd's own end, as MESSAGE says: it is to be tried again at its old place, and the caller
 * sees to its state. False: it cannot be. */
bool retry_interrupted(struct task *task, const char *message);
void retry_free(struct task *task);
/* What it takes to remember the attempts before the last. */
size_t retry_cost(const struct task *task);

/* record.c */
/* TASK is durable: WHAT is to be recorded of it. */
void record_tell(struct task *task, enum core_record what, bool more);
/* TASK, which is durable and new, is recorded before it becomes STATE; RECORD_SUBMITTED is the caller's to tell. */
void record_begin(struct task *task, enum task_state state);
/* TASK comes into TASK_RECORDING, which is told where it has an outcome, or leaves it for TO. */
void record_enter(struct task *task);
void record_leave(struct task *task, enum task_state to);
/* As core_cancel, of one that is recording; its deadline has passed. */
bool record_cancel(struct task *task);
void record_expire(struct task *task);
/* It is TASK's turn to be started, but durable ones are held. */
void record_hold(struct task *task);
/* Those that wait for nothing but to be let into their queues, or started again, if that may be. */
void record_let_go(struct core *core);

/* facet.c */
void facet_init(struct task_facet *facet);
void facets_init(struct core *core);
void facets_fini(struct core *core);
/* On the lists of its type, queue, owner and tag: task_new has set these. */
void facets_add(struct core *core, struct task *task);
void facets_remove(struct core *core, struct task *task);
/* Before all others on each. */
void facets_move_first(struct task *task);
/* TASK, which is on none of them any more, is about to be freed. */
void facets_unref(struct core *core, const struct task *task);
/* Found or made; owners and tags go with the memory of their last task. */
struct task_owner *facet_owner(struct core *core, uint32_t uid);
struct task_tag *facet_tag(struct core *core, const char *name, size_t length);

/* schedule.c */
void schedules_init(struct core *core);
void schedules_fini(struct core *core);
/* Submits the runs that are due. */
void schedule_turn(struct core *core);
int64_t schedule_next_ns(const struct core *core);
/* TASK, a run of SCHEDULE, was there before a restart. */
void schedule_restore_run(struct core *core, struct core_schedule *schedule, struct task *task);
/* What the runs of one that has gone still say of it; one reference. */
struct core_schedule *schedule_name_only(const char *name);
/* One more reference, one fewer; NULL is allowed. */
struct core_schedule *schedule_ref(struct core_schedule *schedule);
void schedule_unref(struct core_schedule *schedule);

/* slot.c */
void slot_put(struct core_slot *slot, struct task *task);
/* TASK is over, or goes back to its queue. */
void slot_remove(struct task *task);
/* Puts SLOT on the lists where it belongs now. */
void slot_update(struct core_slot *slot);
void slot_stall(struct core_slot *slot);
/* Where it is idle: the others get something before it does. */
void slot_put_last(struct core_slot *slot);
/* Takes back what SLOT has not started, newest first, to its place in its queue. */
void slot_reclaim(struct core_slot *slot);
void slot_destroy(struct core_slot *slot);
void pool_destroy(struct core_pool *pool);

/* sched.c */
void sched_run(struct core_pool *pool);
/* Looks at the watched slots where that is due. */
void sched_sweep(struct core *core);
void sched_unstall(struct core *core);

/* life.c */
/* What ends by a moment that has come: deadlines, time limits, graces. False: there is more of it than one turn has
 * time for; then nothing may start, as it might be late already, and the next turn comes at once. */
bool life_timers(struct core *core);
/* TASK, which has not started and is in no lane, has ended. */
void life_end_unstarted(struct task *task, enum task_state state);
/* What is said of one that was cancelled so. */
const char *life_cancelled_message(const struct task *task);
/* The slot has taken TASK, at started_ns as far as is known. */
void life_taken(struct task *task, int64_t started_ns);
/* How a task that had been taken ends with its worker. */
void life_crashed(struct task *task, const struct task_obituary *obituary);

/* keep.c */
void keep_add(struct core *core, struct task *task);
/* One that had ended before a restart: false where there is no room for it without dropping another, and then it is
 * dropped. */
bool keep_restore(struct core *core, struct task *task);
/* Whether there is room for one that ended so and then at all. */
bool keep_may_restore(const struct core *core, enum task_state state, int64_t ended_ns);
/* Drops what is too old or too much. */
void keep_trim(struct core *core);
int64_t keep_next_ns(const struct core *core);
void keep_bury(struct core *core);

/* --- tell.c --- */
/* Those who wait for TASK, which has ended. */
void tell_end(struct task *task);
/* Tells some of those who were too many for one turn. */
void tell_turn(struct core *core);

#endif
