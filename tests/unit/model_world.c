/* The model test: the core, its surroundings and the model of it; what the core calls its surroundings for is held against
 * the model as it comes. */
#include "model_world.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/xmalloc.h"
#include "object/object.h"

#define LOG_LINES 60
#define START NS_PER_S
#define WALL (INT64_C(1700000000) * NS_PER_S)

struct model model;
struct world world;

/* --- what was done, for whom a difference is found --- */

static char lines[LOG_LINES][160];
static size_t n_lines;

__attribute__((format(printf, 1, 2))) void note(const char *format, ...)
{
	char *line = lines[n_lines++ % LOG_LINES];
	va_list args;
	int length = snprintf(line, sizeof(lines[0]), "%8lld us  ", (long long)(model.now_ns / NS_PER_US));

	va_start(args, format);
	vsnprintf(line + length, sizeof(lines[0]) - (size_t)length, format, args);
	va_end(args);
}

void print_log(void)
{
	fprintf(stderr, "TASKD_MODEL_FIRST=%d TASKD_MODEL_SEEDS=1; the last of %zu notes:\n", world.seed, n_lines);
	for (size_t i = n_lines > LOG_LINES ? n_lines - LOG_LINES : 0; i < n_lines; i++)
		fprintf(stderr, "  %s\n", lines[i % LOG_LINES]);
	fflush(stderr);
}

static void aborted(int signal_number)
{
	signal(signal_number, SIG_DFL);
	print_log();
	raise(signal_number);
}

/* --- lanes --- */

static struct record *find_record(struct lane *lane, uint64_t id)
{
	for (int i = 0; i < lane->count; i++)
		if (lane->records[i].id == id)
			return &lane->records[i];
	CHECK(false, "%llu is not in that lane", (unsigned long long)id);
	return NULL;
}

void take_out(struct lane *lane, struct record *record)
{
	lane->count--;
	memmove(record, record + 1, (size_t)(&lane->records[lane->count] - record) * sizeof(*record));
}

struct task *find_task(uint64_t id)
{
	struct task *task;

	core_find(world.core, id, &task);
	return task;
}

int random_queue(void)
{
	int queue;

	do
		queue = (int)pick(model.n_queues);
	while (!model.queues[queue].exists);
	return queue;
}

size_t n_active(void)
{
	const struct core_totals *totals = core_totals(world.core);

	return totals->scheduled + totals->blocked + totals->waiting + totals->in_lanes;
}

/* --- what the world.core asks for --- */

static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	struct lane *lane = core_slot_user(slot);

	(void)context;
	CHECK(world.in_turn && lane->ready, "slot %d gets something", index_of(lane));
	CHECK(model_may_start(&model, task->id, lane->pool), "%llu starts on %d: %s (%d)", (unsigned long long)task->id,
		index_of(lane), model.why, model.which);
	if (lane->count >= lane->room) {
		lane->refused_ns = model.now_ns;
		return -1;
	}
	note("  %llu given to slot %d", (unsigned long long)task->id, index_of(lane));
	lane->records[lane->count++] = (struct record){ .id = task->id, .task = task };
	model_given(&model, task->id, index_of(lane));
	return 0;
}

static bool op_revoke(void *context, struct core_slot *slot, struct task *task)
{
	struct lane *lane = core_slot_user(slot);
	struct record *record = find_record(lane, task->id);

	(void)context;
	if (record->taken_ns) {
		world.n_stolen++;
		return false;
	}
	note("  %llu taken back from slot %d", (unsigned long long)task->id, index_of(lane));
	take_out(lane, record);
	model_back(&model, task->id);
	world.n_revoked++;
	return true;
}

static int64_t op_started(void *context, struct core_slot *slot, struct task *task)
{
	(void)context;
	return find_record(core_slot_user(slot), task->id)->taken_ns;
}

static void op_interrupt(void *context, struct core_slot *slot, struct task *task)
{
	struct model_task *twin = &model.tasks[task->id];

	(void)context;
	find_record(core_slot_user(slot), task->id);
	CHECK(twin->state == TASK_CANCELLING && !twin->told_interrupt, "%llu is interrupted", (unsigned long long)task->id);
	twin->told_interrupt = true;
}

static void op_kill(void *context, struct core_slot *slot, struct task *task)
{
	struct model_task *twin = &model.tasks[task->id];
	struct lane *lane = core_slot_user(slot);

	(void)context;
	find_record(lane, task->id);
	CHECK(twin->state == TASK_CANCELLING && twin->kill_ns == 0 && !twin->told_kill, "%llu is killed",
		(unsigned long long)task->id);
	note("  slot %d is to be killed for %llu", index_of(lane), (unsigned long long)task->id);
	twin->told_kill = true;
	lane->doomed = true;
	world.n_killed++;
}

static void op_ended(void *context, const struct task *task)
{
	struct model_task *twin = &model.tasks[task->id];

	(void)context;
	note("  %llu ended as %s", (unsigned long long)task->id, task_state_name(task->state));
	CHECK(!twin->told_end, "%llu ends twice", (unsigned long long)task->id);
	CHECK(twin->state == task->state, "%llu ends as %s, not %s", (unsigned long long)task->id, task_state_name(task->state),
		task_state_name(twin->state));
	twin->told_end = true;
}

struct bytes *make_bytes(size_t size)
{
	char *room;
	struct bytes *bytes = size ? bytes_new_room(size, &room) : NULL;

	if (bytes)
		memset(room, 'x', size);
	return bytes;
}

static int64_t op_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t count,
	struct bytes **out)
{
	size_t size = args ? args->size : 0;

	(void)context;
	for (size_t i = 0; i < count; i++)
		size += results[i] ? results[i]->size : 0;
	if (size > MODEL_GATHER)
		return -1;
	if (out)
		*out = make_bytes(size);
	return (int64_t)size;
}

/* It was to start, and cannot have what it claims: the model says whether that may be. */
static void follow_missing(const struct task *task)
{
	struct model_task *twin = &model.tasks[task->id];
	const struct object_claim *claim = core_waits_for(task);

	CHECK(world.in_turn && claim && model_may_miss(&model, twin), "%llu is blocked", (unsigned long long)task->id);
	note("  %llu waits for %.2s", (unsigned long long)task->id, claim->name.data);
	twin->state = TASK_BLOCKED;
	twin->missing = true;
	twin->missed = claim->name.data[1] - '0';
	world.n_missed++;
}

static void op_changed(void *context, struct task *task, bool progress)
{
	uint8_t before = world.announced[task->id];
	enum task_state state = (enum task_state)task->state;

	(void)context;
	if (progress) {
		CHECK(state == TASK_RUNNING || state == TASK_CANCELLING, "%llu reports while %s", (unsigned long long)task->id,
			task_state_name(state));
		return;
	}
	CHECK(before == NOTHING ? state <= TASK_QUEUED : task_state_may_become((enum task_state)before, state),
		"%llu becomes %s", (unsigned long long)task->id, task_state_name(state));
	world.announced[task->id] = (uint8_t)state;
	if (before == TASK_QUEUED && state == TASK_BLOCKED)
		follow_missing(task);
	if (state != TASK_QUEUED)
		return;
	if (before == TASK_BLOCKED && model.tasks[task->id].missing) { /* back to its place */
		note("  %llu is to try again", (unsigned long long)task->id);
		model.tasks[task->id].missing = false;
		model.tasks[task->id].state = TASK_QUEUED;
		return;
	}
	model_joined(&model, task->id);
	if (before == NOTHING || (before == TASK_SCHEDULED && world.in_turn)) {
		CHECK(task->id > world.last_joined, "%llu joins behind %llu", (unsigned long long)task->id,
			(unsigned long long)world.last_joined);
		world.last_joined = task->id;
	}
}

/* --- the whole --- */

void add_queue(int pool, const struct core_queue_options *options)
{
	char name[20];

	if (model.n_queues == MODEL_QUEUES)
		return;
	snprintf(name, sizeof(name), "queue%d", model.n_queues);
	world.queues[model.n_queues] = core_queue_new(world.core, name, world.pools[pool], options);
	model.queues[model.n_queues++] = (struct model_queue){ .exists = true, .pool = pool, .options = *options };
}

void world_init(int seed)
{
	static const struct core_ops ops = {
		.start = op_start, .revoke = op_revoke, .started = op_started, .interrupt = op_interrupt, .kill = op_kill,
		.ended = op_ended, .gather = op_gather, .changed = op_changed,
	};
	struct bytes *byte = make_bytes(1);

	world = (struct world){ .seed = seed };
	n_lines = 0;
	signal(SIGABRT, aborted);
	srandom((unsigned)seed);
	model_init(&model);
	model.overhead = bytes_cost(byte) - 1;
	model.link_cost = core_submit_cost(&(struct task_spec){ .n_after = 1, .n_after_any = 1 }) -
		core_submit_cost(&(struct task_spec){ .n_after = 1 });
	const struct object_claim claims[2] = { { .name = { "l0", 2 } }, { .name = { "l1", 2 } } };
	size_t one = core_submit_cost(&(struct task_spec){ .claims = claims, .n_claims = 1 });
	model.claim_cost = core_submit_cost(&(struct task_spec){ .claims = claims, .n_claims = 2 }) - one;
	model.claims_overhead = one - model.claim_cost;
	model.links_overhead = core_submit_cost(&(struct task_spec){ .n_after_any = 1 }) - model.link_cost;
	bytes_unref(byte);
	model.now_ns = START;
	model.wall_ns = WALL;
	model.limits = (struct core_limits){
		.result_ttl_ns = 200 * MS, .failure_ttl_ns = 500 * MS, .result_bytes = seed % 3 ? 1 << 20 : 25000,
		.result_count = 80, .kill_grace_ns = 3 * MS, .crash_limit = (uint32_t)(seed % 4),
	};
	world.announced = xmalloc(MODEL_TASKS);
	memset(world.announced, NOTHING, MODEL_TASKS);
	world.core = core_new(&ops, &model.limits, START, WALL);
	core_seed(world.core, (uint64_t)seed);
	core_observe(world.core, true);
	for (int i = 0; i < MODEL_CROWD; i++)
		crowd_begin(i);
	for (int i = 0; i < MODEL_POOLS; i++)
		world.pools[i] = core_pool_new(world.core, i ? "second" : "first", NULL);
	for (int i = 0; i < 4; i++)
		add_queue(i % 3 == 2, &(struct core_queue_options){ 0 });
	for (int i = 0; i < TYPES; i++) {
		world.types[i] = core_type(world.core, i ? "one" : "two", 3);
		world.types[i]->queue = world.queues[0];
	}
	for (int i = 0; i < SLOTS; i++) {
		world.lanes[i] = (struct lane){ .pool = i >= 3, .ready = true, .room = LANE, .refused_ns = -NS_PER_S };
		world.lanes[i].slot = core_slot_new(world.pools[world.lanes[i].pool], &world.lanes[i]);
		core_slot_ready(world.lanes[i].slot);
	}
}

void world_fini(void)
{
	for (int i = 0; i < MODEL_CROWD; i++)
		crowd_end(i);
	for (int i = 0; i < SLOTS; i++)
		core_slot_free(world.lanes[i].slot);
	for (int queue = 0; queue < model.n_queues; queue++)
		if (model.queues[queue].exists)
			core_queue_free(world.queues[queue]);
	for (int i = 0; i < MODEL_POOLS; i++)
		core_pool_free(world.pools[i]);
	core_free(world.core);
	model_fini(&model);
	free(world.announced);
}
