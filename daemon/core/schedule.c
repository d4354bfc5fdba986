/* Recurring tasks: by an interval of the monotonic clock, or by the calendar of the wall clock. Those of each clock are
 * in a heap by when they are next due; a run is a task like any other. What was due while nobody looked is missed, and
 * made up for only where that was asked for: one after the other, where runs must not overlap.
 *
 * A schedule goes on when its owner has left, and his rights may have changed since he made it: so they are asked for at
 * each run. One that he may not have any more submits nothing, and stays: he may be given that right again. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/xmalloc.h"
#include "core/cron.h"
#include "core/internal.h"

#define STEP_NS NS_PER_S        /* by so much the two clocks may drift apart between turns; more is a step */
#define LATE_NS (60 * NS_PER_S) /* what a step forward has skipped, by no more than this, is not missed but late */
#define AT_ONCE INT64_MIN

static uint64_t hash_of(const void *value)
{
	return ((const struct core_schedule *)value)->name_hash;
}

static bool has_key(const void *value, const char *key, size_t length)
{
	const struct core_schedule *schedule = value;

	return strlen(schedule->key) == length && !memcmp(schedule->key, key, length);
}

static char *key_of(uint32_t owner, const char *name)
{
	return xasprintf("%" PRIu32 "/%s", owner, name);
}

static struct heap *timers_of(struct core *core, const struct core_schedule *schedule)
{
	return &core->schedule_timers[schedule->cron != NULL];
}

/* It has runs to make up for: in the next turn. */
static void hurry(struct core *core, struct core_schedule *schedule)
{
	if (schedule->owed)
		heap_set(timers_of(core, schedule), &schedule->node, AT_ONCE, schedule->node.tie);
}

static void tell_changed(struct core *core, const struct core_schedule *schedule, bool run, bool gone)
{
	if (core->ops.schedule_changed)
		core->ops.schedule_changed(core->ops.context, schedule, run, gone);
}

static int64_t clock_of(const struct core *core, const struct core_schedule *schedule)
{
	return schedule->cron ? core->wall_ns : core->now_ns;
}

/* TIE: among those that are due in one turn the older schedule goes first. */
static void set_next(struct core *core, struct core_schedule *schedule, int64_t next_ns)
{
	schedule->next_ns = next_ns;
	heap_set(timers_of(core, schedule), &schedule->node, next_ns, schedule->node.tie);
}

/* --- a run --- */

static void run_ended(struct task_waiter *waiter, struct task *task)
{
	struct core_schedule *schedule =
		(struct core_schedule *)((char *)waiter - offsetof(struct core_schedule, waiter));
	struct core *core = task_core(task);

	schedule->running = NULL;
	hurry(core, schedule);
}

static void watch(struct core_schedule *schedule, struct task *task)
{
	if (schedule->running)
		task_unwait(&schedule->waiter);
	schedule->running = NULL;
	if (task_state_is_terminal(task->state))
		return;
	schedule->running = task;
	schedule->waiter.ended = run_ended;
	task_wait(task, &schedule->waiter);
}

/* The queue may have been removed meanwhile, and made again. */
static bool find_queue(struct core *core, struct core_schedule *schedule)
{
	struct core_queue *old = schedule->task.queue;

	if (old->pool)
		return true;
	struct core_queue *queue = core_queue_find(core, old->name);
	if (!queue)
		return false;
	queue->records++;
	schedule->task.queue = queue;
	queue_unref(old);
	return true;
}

static int submit(struct core *core, struct core_schedule *schedule, int64_t due_ns, const char **why)
{
	struct task_spec spec = schedule->task;
	struct task *task;
	int status = CORE_OK;

	if (!find_queue(core, schedule))
		return CORE_NO_QUEUE;
	if (core->ops.refuses)
		status = core->ops.refuses(core->ops.context, schedule, why);
	if (status == CORE_DENIED)
		return status;
	if (schedule->running && !schedule->overlap)
		return CORE_OVERLAP;
	if (status < 0)
		return status;
	spec.queue = schedule->task.queue;
	if (schedule->expires_ns) {
		spec.expires_ns = clock_after(due_ns, schedule->expires_ns);
		if (spec.expires_ns < 1)
			spec.expires_ns = 1; /* long ago; 0 would be never */
	}
	status = core_submit(core, &spec, &task);
	if (status < 0)
		return status;
	schedule->runs++;
	schedule->last_id = task->id;
	watch(schedule, task);
	return CORE_OK;
}

/* A run that was due at due_ns of the monotonic clock. */
static bool run(struct core *core, struct core_schedule *schedule, int64_t due_ns)
{
	const char *denied = NULL;
	int status = submit(core, schedule, due_ns, &denied);
	bool is_told = status == CORE_DENIED && schedule->refusal == CORE_DENIED && schedule->denied == denied;

	schedule->refusal = status == CORE_OVERLAP ? CORE_OK : status;
	schedule->denied = denied;
	schedule->refused_ns = core->wall_ns;
	if (status == CORE_OK)
		return true;
	schedule->skipped++;
	if (core->ops.skipped && !is_told)
		core->ops.skipped(core->ops.context, schedule, status);
	return false;
}

const char *core_schedule_refusal(const struct core_schedule *schedule, int refusal)
{
	switch ((enum core_refusal)refusal) {
	case CORE_QUEUE_FULL:
		return "its queue is full";
	case CORE_CLOSED:
		return "taskd stops";
	case CORE_DRAINING:
		return "its queue is being drained";
	case CORE_OVER_SHARE:
		return "its owner has as many tasks as one user may have";
	case CORE_OVERLAP:
		return "its last run has not ended";
	case CORE_NO_QUEUE:
		return "its queue is gone";
	case CORE_DENIED:
		return schedule->denied;
	case CORE_STORE_FULL:
		return "it is durable, and the disk is full";
	case CORE_STORE_FAILED:
		return "it is durable, and the store has failed";
	case CORE_STORE_BEHIND:
		return "it is durable, and too much waits to be written to disk";
	case CORE_OK:
	case CORE_ATTACHED:
	case CORE_DUPLICATE:
	case CORE_NO_DEPENDENCY:
	case CORE_LOST_DEPENDENCY:
	case CORE_CYCLE:
	case CORE_NOT_OVER:
	case CORE_NOT_FAILED:
	case CORE_EXISTS:
		break;
	}
	return "it was refused";
}

/* --- runs that are due --- */

/* How many times it is due from next_ns on and before UNTIL; the last of them is *last_ns, and the first one after those
 * *next_ns. No more than some are counted of those by the calendar, as each takes a search. */
static uint64_t count_due(const struct core_schedule *schedule, int64_t until_ns, int64_t *last_ns, int64_t *next_ns)
{
	uint64_t n = 1;

	*last_ns = schedule->next_ns;
	if (!schedule->cron) {
		n += (uint64_t)((until_ns - schedule->next_ns) / schedule->every_ns);
		*last_ns += (int64_t)(n - 1) * schedule->every_ns;
		*next_ns = clock_after(*last_ns, schedule->every_ns);
		return n;
	}
	while ((*next_ns = cron_next(schedule->cron, *last_ns)) <= until_ns) {
		if (n > SCHEDULE_CATCH_UP) {
			*next_ns = cron_next(schedule->cron, until_ns);
			break;
		}
		*last_ns = *next_ns;
		n++;
	}
	return n;
}

static void owe(struct core_schedule *schedule, uint64_t runs)
{
	uint64_t room = SCHEDULE_CATCH_UP - schedule->owed;
	uint64_t more = runs < room ? runs : room;

	schedule->owed += (uint32_t)more;
	schedule->skipped += runs - more;
}

static void come_due(struct core *core, struct core_schedule *schedule)
{
	int64_t now_ns = clock_of(core, schedule), last_ns, next_ns;
	uint64_t n = count_due(schedule, now_ns, &last_ns, &next_ns);

	set_next(core, schedule, next_ns);
	if (schedule->catch_up && n > 1) {
		owe(schedule, n);
		return;
	}
	schedule->skipped += n - 1;
	run(core, schedule, core->now_ns - (now_ns - last_ns));
}

/* Those that are made up for are due now, or they would be too late before they began. Where one is refused, so would
 * the others be. */
static void make_up(struct core *core, struct core_schedule *schedule)
{
	while (schedule->owed && (schedule->overlap || !schedule->running)) {
		schedule->owed--;
		if (!run(core, schedule, core->now_ns)) {
			schedule->skipped += schedule->owed;
			schedule->owed = 0;
		}
	}
}

/* What is put off to the next turn by an end that comes in the middle of this one is not lost: the heap has it. */
static void turn_one(struct core *core, struct core_schedule *schedule)
{
	uint64_t runs = schedule->runs, skipped = schedule->skipped;
	int64_t next_ns = schedule->next_ns;

	heap_set(timers_of(core, schedule), &schedule->node, schedule->next_ns, schedule->node.tie);
	if (schedule->next_ns <= clock_of(core, schedule))
		come_due(core, schedule);
	make_up(core, schedule);
	if (schedule->runs != runs || schedule->skipped != skipped || schedule->next_ns != next_ns)
		tell_changed(core, schedule, true, false);
}

/* --- steps of the wall clock --- */

/* Back: what is next is next by the new time, which may be much sooner. Forward: what the step went over is missed.
 * False: nothing has changed by it. */
static bool follow_step(struct core *core, struct core_schedule *schedule, bool forward)
{
	int64_t late_ns = core->wall_ns - LATE_NS, last_ns, next_ns;

	if (!forward) {
		set_next(core, schedule, cron_next(schedule->cron, core->wall_ns));
	} else if (!schedule->catch_up && schedule->next_ns <= late_ns) {
		schedule->skipped += count_due(schedule, late_ns, &last_ns, &next_ns);
		set_next(core, schedule, next_ns);
	} else {
		return false;
	}
	return true;
}

static void notice_step(struct core *core)
{
	int64_t lead_ns = core->wall_ns - core->now_ns;
	int64_t step_ns = lead_ns - core->wall_lead_ns;
	struct core_schedule *schedule;

	core->wall_lead_ns = lead_ns;
	if (step_ns >= -STEP_NS && step_ns <= STEP_NS)
		return;
	TAILQ_FOREACH(schedule, &core->schedules, link)
		if (schedule->cron && follow_step(core, schedule, step_ns > 0))
			tell_changed(core, schedule, true, false);
}

void schedule_turn(struct core *core)
{
	struct heap_node *top;

	notice_step(core);
	if (core->closed || core->restoring) /* what ran before is not known yet */
		return;
	for (int wall = 0; wall < 2; wall++)
		while ((top = heap_top(&core->schedule_timers[wall])) && top->key <= (wall ? core->wall_ns : core->now_ns))
			turn_one(core, heap_entry(top, struct core_schedule, node));
}

int64_t schedule_next_ns(const struct core *core)
{
	const struct heap_node *mono = heap_top(&core->schedule_timers[0]);
	const struct heap_node *wall = heap_top(&core->schedule_timers[1]);
	int64_t next_ns = CLOCK_NEVER;

	if (core->closed || core->restoring)
		return next_ns;
	if (mono)
		next_ns = mono->key < core->now_ns ? core->now_ns : mono->key;
	if (wall && wall->key != CLOCK_NEVER) {
		int64_t wall_ns = wall->key <= core->wall_ns ? core->now_ns : core_mono_of_wall(core, wall->key);

		if (wall_ns < next_ns)
			next_ns = wall_ns;
	}
	return next_ns;
}

/* --- making and removing --- */

static struct cron *copy_cron(const struct cron *cron)
{
	struct cron *copy = xmalloc(sizeof(*copy));

	*copy = *cron;
	return copy;
}

/* What is borrowed in SPEC becomes its own. */
static void own(struct core_schedule *schedule, const struct core_schedule_spec *spec)
{
	struct task_spec *task = &schedule->task;

	*task = spec->task;
	task->args = bytes_ref(task->args);
	task->queue->records++;
	if (task->tag)
		task->tag = xstrndup(task->tag, task->tag_length);
	if (task->retry) {
		schedule->retry = *task->retry;
		task->retry = &schedule->retry;
	}
	if (task->n_claims)
		task->claims = claim_copy(task->claims, task->n_claims);
	task->schedule = schedule;
	schedule->groups = xreallocarray(NULL, spec->n_groups + 1, sizeof(schedule->groups[0]));
	schedule->n_groups = spec->n_groups;
	if (spec->n_groups)
		memcpy(schedule->groups, spec->groups, spec->n_groups * sizeof(schedule->groups[0]));
	schedule->key = key_of(task->owner, spec->name);
	schedule->name = strchr(schedule->key, '/') + 1;
	schedule->text = xstrdup(spec->text ? spec->text : "");
	if (spec->every_ns == 0)
		schedule->cron = copy_cron(spec->cron);
}

/* Of one that was there before a restart what was due meanwhile is as what a step forward went over; and the clock may
 * have been set back, too. */
static void begin(struct core *core, struct core_schedule *schedule, int64_t next_ns)
{
	bool is_back;

	if (!next_ns) {
		set_next(core, schedule, schedule->cron ? cron_next(schedule->cron, core->wall_ns)
							: clock_after(core->now_ns, schedule->every_ns));
		return;
	}
	set_next(core, schedule, next_ns);
	if (!schedule->cron)
		return;
	is_back = next_ns > core->wall_ns && cron_next(schedule->cron, clock_after(core->wall_ns, STEP_NS)) < next_ns;
	follow_step(core, schedule, !is_back);
}

void schedule_restore_run(struct core *core, struct core_schedule *schedule, struct task *task)
{
	int64_t ago_ns = core->now_ns - task->submitted_ns, last_ns, next_ns;
	int64_t submitted_ns = clock_of(core, schedule) - ago_ns;

	if (task->id > schedule->last_id) { /* what it did to its schedule came no longer to disk */
		schedule->last_id = task->id;
		schedule->runs++;
		if (schedule->next_ns <= submitted_ns) {
			count_due(schedule, submitted_ns, &last_ns, &next_ns);
			set_next(core, schedule, next_ns);
			hurry(core, schedule);
		} else if (schedule->owed) {
			schedule->owed--;
		}
	}
	if (task->id == schedule->last_id)
		watch(schedule, task);
}

struct core_schedule *schedule_name_only(const char *name)
{
	struct core_schedule *schedule = xcalloc(1, sizeof(*schedule));

	schedule->key = xstrdup(name);
	schedule->name = schedule->key;
	schedule->references = 1;
	return schedule;
}

int core_schedule_add(struct core *core, const struct core_schedule_spec *spec, struct core_schedule **out)
{
	struct core_schedule *last = TAILQ_LAST(&core->schedules, schedule_list);

	*out = NULL;
	if (core->closed)
		return CORE_CLOSED;
	if (core_schedule_find(core, spec->task.owner, spec->name))
		return CORE_EXISTS;
	assert(spec->every_ns > 0 || spec->cron);
	struct core_schedule *schedule = xcalloc(1, sizeof(*schedule));
	own(schedule, spec);
	schedule->expires_ns = spec->expires_ns;
	schedule->every_ns = spec->every_ns;
	schedule->catch_up = spec->catch_up;
	schedule->overlap = spec->overlap;
	schedule->runs = spec->runs;
	schedule->skipped = spec->skipped;
	schedule->last_id = spec->last_id;
	schedule->owed = spec->owed < SCHEDULE_CATCH_UP ? spec->owed : SCHEDULE_CATCH_UP;
	schedule->references = 1;
	schedule->name_hash = table_hash(schedule->key, strlen(schedule->key));
	names_put(&core->schedule_names, schedule);
	schedule->node.tie = last ? last->node.tie + 1 : 0;
	TAILQ_INSERT_TAIL(&core->schedules, schedule, link);
	begin(core, schedule, spec->next_ns);
	hurry(core, schedule);
	tell_changed(core, schedule, false, false);
	*out = schedule;
	return CORE_OK;
}

struct core_schedule *schedule_ref(struct core_schedule *schedule)
{
	if (schedule)
		schedule->references++;
	return schedule;
}

void schedule_unref(struct core_schedule *schedule)
{
	if (!schedule || --schedule->references > 0)
		return;
	free(schedule->key);
	free(schedule->text);
	free(schedule->groups);
	free(schedule);
}

/* All but what the records of its runs say of it. */
static void release(struct core *core, struct core_schedule *schedule)
{
	names_remove(&core->schedule_names, schedule->key, strlen(schedule->key));
	TAILQ_REMOVE(&core->schedules, schedule, link);
	heap_remove(timers_of(core, schedule), &schedule->node);
	bytes_unref(schedule->task.args);
	queue_unref(schedule->task.queue);
	free((char *)schedule->task.tag);
	free((struct object_claim *)(uintptr_t)schedule->task.claims);
	free(schedule->cron);
	schedule->task = (struct task_spec){ 0 };
	schedule->cron = NULL;
	schedule_unref(schedule);
}

void core_schedule_remove(struct core *core, struct core_schedule *schedule)
{
	if (schedule->running)
		task_unwait(&schedule->waiter);
	schedule->running = NULL;
	tell_changed(core, schedule, false, true);
	release(core, schedule);
}

struct core_schedule *core_schedule_find(const struct core *core, uint32_t owner, const char *name)
{
	char *key = key_of(owner, name);
	struct core_schedule *schedule = names_get(&core->schedule_names, key, strlen(key));

	free(key);
	return schedule;
}

struct core_schedule *core_schedule_next(const struct core *core, const struct core_schedule *after)
{
	return after ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&core->schedules);
}

void schedules_init(struct core *core)
{
	names_init(&core->schedule_names, hash_of, has_key);
	TAILQ_INIT(&core->schedules);
	for (int wall = 0; wall < 2; wall++)
		heap_init(&core->schedule_timers[wall]);
	core->wall_lead_ns = core->wall_ns - core->now_ns;
}

/* The tasks may be gone already. */
void schedules_fini(struct core *core)
{
	struct core_schedule *schedule;

	while ((schedule = TAILQ_FIRST(&core->schedules)))
		release(core, schedule);
	names_fini(&core->schedule_names);
	for (int wall = 0; wall < 2; wall++)
		heap_fini(&core->schedule_timers[wall]);
}
