/* Lanes without shared memory and workers without processes: see toy.h. */
#include "toy.h"

#include <assert.h>
#include <signal.h>

#include "base/xmalloc.h"

static struct toy_record *find(struct toy_slot *slot, const struct task *task)
{
	for (int i = 0; i < slot->count; i++)
		if (slot->lane[i].task == task)
			return &slot->lane[i];
	return NULL;
}

static void take_out(struct toy_slot *slot, struct toy_record *record)
{
	slot->count--;
	memmove(record, record + 1, (size_t)(&slot->lane[slot->count] - record) * sizeof(*record));
}

static int op_start(void *context, struct core_slot *core_slot, struct task *task)
{
	struct toy *toy = context;
	struct toy_slot *slot = core_slot_user(core_slot);

	if (toy->on_start)
		toy->on_start(toy, task, slot->count >= slot->room);
	if (slot->count >= slot->room) {
		toy->n_refused++;
		return -1;
	}
	slot->lane[slot->count++] = (struct toy_record){ .task = task };
	toy->given[toy->n_given++ % TOY_LOG] = task->id;
	return 0;
}

static bool op_revoke(void *context, struct core_slot *core_slot, struct task *task)
{
	struct toy *toy = context;
	struct toy_slot *slot = core_slot_user(core_slot);
	struct toy_record *record = find(slot, task);

	assert(record);
	if (record->started_ns)
		return false;
	take_out(slot, record);
	toy->n_revoked++;
	if (toy->on_revoked)
		toy->on_revoked(toy, task);
	return true;
}

static int64_t op_started(void *context, struct core_slot *core_slot, struct task *task)
{
	struct toy *toy = context;
	struct toy_record *record = find(core_slot_user(core_slot), task);

	toy->n_looked++;
	assert(record);
	return record->started_ns;
}

static void op_interrupt(void *context, struct core_slot *core_slot, struct task *task)
{
	struct toy_record *record = find(core_slot_user(core_slot), task);

	(void)context;
	assert(record);
	record->interrupted = true;
}

static void op_kill(void *context, struct core_slot *core_slot, struct task *task)
{
	struct toy *toy = context;

	(void)core_slot;
	toy->killed = task;
	toy->n_killed++;
}

static void op_ended(void *context, const struct task *task)
{
	struct toy *toy = context;

	assert(task_state_is_terminal(task->state) && !task->slot && task->outcome);
	toy->n_ended++;
	toy->last_ended = task->id;
	if (toy->on_ended)
		toy->on_ended(toy, task);
}

static int op_refuses(void *context, const struct core_schedule *schedule, const char **why)
{
	const struct toy *toy = context;

	(void)schedule;
	*why = toy->denied;
	return toy->denied ? CORE_DENIED : toy->refuses;
}

static void op_skipped(void *context, const struct core_schedule *schedule, int refusal)
{
	struct toy *toy = context;

	(void)schedule;
	toy->n_skipped++;
	toy->refusal = refusal;
}

/* The arguments with the results behind them, all as they are: "[1]" and "2", "3" make "[1] 2 3". */
static int64_t op_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t count,
	struct bytes **out)
{
	struct toy *toy = context;
	size_t size = args ? args->size : 0;
	char *room;

	for (size_t i = 0; i < count; i++)
		size += 1 + (results[i] ? results[i]->size : 4);
	if (size > toy->gather_limit)
		return -1;
	if (!out)
		return (int64_t)size;
	*out = bytes_new_room(size, &room);
	if (args)
		room = mempcpy(room, args->data, args->size);
	for (size_t i = 0; i < count; i++) {
		*room++ = ' ';
		room = mempcpy(room, results[i] ? results[i]->data : "null", results[i] ? results[i]->size : 4);
	}
	return (int64_t)size;
}

static void op_changed(void *context, struct task *task, bool progress)
{
	struct toy *toy = context;

	if (toy->on_changed)
		toy->on_changed(toy, task, progress);
}

static void op_record(void *context, struct task *task, enum core_record what, bool more)
{
	struct toy *toy = context;

	assert(task->durable);
	toy->told[toy->n_told++ % TOY_LOG] = (struct toy_told){
		.id = task->id, .what = what, .more = more, .state = task->state,
	};
	if (toy->on_record)
		toy->on_record(toy, task, what, more);
}

static void op_queue_changed(void *context, struct core_queue *queue, bool gone)
{
	struct toy *toy = context;

	(void)queue;
	toy->n_queue_changed++;
	toy->n_queue_gone += gone;
}

static void op_schedule_changed(void *context, const struct core_schedule *schedule, bool run, bool gone)
{
	struct toy *toy = context;

	(void)schedule;
	toy->n_schedule_changed++;
	toy->n_schedule_ran += run;
	toy->n_schedule_gone += gone;
}

void toy_init(struct toy *toy)
{
	const struct core_ops ops = {
		.context = toy,
		.start = op_start,
		.revoke = op_revoke,
		.started = op_started,
		.interrupt = op_interrupt,
		.kill = op_kill,
		.ended = op_ended,
		.gather = op_gather,
		.changed = op_changed,
		.refuses = op_refuses,
		.skipped = op_skipped,
		.record = op_record,
		.queue_changed = op_queue_changed,
		.schedule_changed = op_schedule_changed,
	};
	const struct core_limits limits = {
		.result_ttl_ns = 3600 * NS_PER_S,
		.failure_ttl_ns = 24 * 3600 * NS_PER_S,
		.result_bytes = 64 << 20,
		.result_count = 100000,
		.kill_grace_ns = 5 * NS_PER_S,
		.crash_limit = 3,
	};

	*toy = (struct toy){ .now_ns = TOY_START, .wall_ns = TOY_WALL, .next_ns = CLOCK_NEVER, .gather_limit = SIZE_MAX };
	toy->core = core_new(&ops, &limits, toy->now_ns, toy->wall_ns);
	toy->pool = core_pool_new(toy->core, "default", toy);
	toy->queue = toy_queue_new(toy, "default", 0, 0);
	toy->type = core_type(toy->core, "toy", 3);
	toy->type->queue = toy->queue;
}

void toy_fini(struct toy *toy)
{
	core_free(toy->core);
}

struct toy_slot *toy_slot_new(struct toy *toy)
{
	struct toy_slot *slot = xcalloc(1, sizeof(*slot));

	slot->toy = toy;
	slot->room = TOY_LANE;
	slot->slot = core_slot_new(toy->pool, slot);
	core_slot_ready(slot->slot);
	return slot;
}

void toy_slot_free(struct toy_slot *slot)
{
	core_slot_free(slot->slot);
	free(slot);
}

struct core_queue *toy_queue_new(struct toy *toy, const char *name, size_t limit_queued, size_t limit_bytes)
{
	const struct core_queue_options options = { .limit_queued = limit_queued, .limit_bytes = limit_bytes };

	return core_queue_new(toy->core, name, toy->pool, &options);
}

void toy_teach(struct toy *toy, int64_t run_ns)
{
	toy->type->mean_run_ns = run_ns;
}

int toy_try(struct toy *toy, struct task_spec spec, struct task **out)
{
	if (!spec.type)
		spec.type = toy->type;
	if (!spec.queue)
		spec.queue = toy->queue;
	return core_submit(toy->core, &spec, out);
}

struct task *toy_submit_spec(struct toy *toy, struct task_spec spec)
{
	struct task *task;
	int status = toy_try(toy, spec, &task);

	if (status != CORE_OK)
		abort();
	return task;
}

struct task *toy_submit(struct toy *toy, int32_t priority)
{
	return toy_submit_spec(toy, (struct task_spec){ .priority = priority });
}

struct task *toy_submit_timeout(struct toy *toy, int64_t timeout_ns)
{
	return toy_submit_spec(toy, (struct task_spec){ .timeout_ns = timeout_ns });
}

void toy_turn(struct toy *toy)
{
	toy->next_ns = core_turn(toy->core);
}

void toy_advance(struct toy *toy, int64_t delta_ns)
{
	toy->now_ns += delta_ns;
	core_set_now(toy->core, toy->now_ns);
	toy_turn(toy);
}

void toy_step_wall(struct toy *toy, int64_t delta_ns)
{
	toy->wall_ns += delta_ns;
	core_set_wall(toy->core, toy->wall_ns);
	toy_turn(toy);
}

struct task *toy_take(struct toy_slot *slot)
{
	for (int i = 0; i < slot->count; i++)
		if (!slot->lane[i].started_ns) {
			slot->lane[i].started_ns = slot->toy->now_ns;
			return slot->lane[i].task;
		}
	return NULL;
}

static void end_first(struct toy_slot *slot, const struct task_outcome *outcome)
{
	struct toy_record record = slot->lane[0];

	assert(slot->count > 0);
	take_out(slot, &slot->lane[0]);
	core_task_done(record.task, outcome, record.started_ns ? record.started_ns : slot->toy->now_ns, slot->toy->now_ns);
}

void toy_finish(struct toy_slot *slot, enum task_state state)
{
	end_first(slot, &(struct task_outcome){ .state = state });
}

void toy_finish_result(struct toy_slot *slot, const char *result)
{
	end_first(slot, &(struct task_outcome){ .state = TASK_SUCCEEDED, .result = bytes_new(result, strlen(result)) });
}

void toy_die(struct toy_slot *slot, int signal_number)
{
	const struct task_obituary obituary = { .pid = 4711, .wait_status = signal_number };

	core_slot_lost(slot->slot, &obituary);
	slot->count = 0;
}
