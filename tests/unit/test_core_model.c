/* Random operations on the core and on a model of it that is too simple to be wrong; after every turn nothing may differ.
 * The model says beforehand what every operation does; what the core calls its surroundings for is held against that as
 * it comes. Where the core has a choice (which slot, when to look into a lane, which of two records that are equally old
 * goes first) the model says whether it was allowed, and follows.
 *
 * TASKD_MODEL_SEEDS is how many seeds are tried, TASKD_MODEL_FIRST the first of them. A difference prints both, and what
 * was done last; CK_FORK=no with those is for a debugger. */
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "core/bytes.h"
#include "model.h"

#define STEPS 10000
#define SEEDS 20
#define SLOTS 5
#define LANE 70
#define TYPES 2
#define ACTIVE 250 /* nothing is submitted beyond */
#define LOG_LINES 60
#define MS NS_PER_MS
#define START NS_PER_S
#define WALL (INT64_C(1700000000) * NS_PER_S)
#define NEAR_NS (50 * NS_PER_US) /* ends that are so close may be taken for each other's */
#define STALLED_NS (6 * MS) /* a slot that has refused a task though it had none may be left alone for so long */

struct record {
	uint64_t id;
	struct task *task;
	int64_t taken_ns; /* 0: not taken */
};

struct lane {
	struct core_slot *slot;
	int pool;
	bool ready;
	bool doomed; /* the core wants its worker to be killed */
	int room;
	int64_t refused_ns;
	struct record records[LANE];
	int count;
};

static struct model model;
static struct core *core;
static struct core_pool *pools[MODEL_POOLS];
static struct core_queue *queues[MODEL_QUEUES];
static struct task_type *types[TYPES];
static struct lane lanes[SLOTS];
static uint8_t *announced; /* by id: the state that was told last; NOTHING: none */
#define NOTHING 255
static bool in_turn;
static uint64_t last_joined; /* of those that are said to join in the order of their ids */
static int seed;
static size_t n_revoked, n_killed, n_stolen, n_retried, n_failed_dependents, n_dropped;

/* --- what was done, for whom a difference is found --- */

static char lines[LOG_LINES][160];
static size_t n_lines;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	char *line = lines[n_lines++ % LOG_LINES];
	va_list args;
	int length = snprintf(line, sizeof(lines[0]), "%8lld us  ", (long long)(model.now_ns / NS_PER_US));

	va_start(args, format);
	vsnprintf(line + length, sizeof(lines[0]) - (size_t)length, format, args);
	va_end(args);
}

static void print_log(void)
{
	fprintf(stderr, "TASKD_MODEL_FIRST=%d TASKD_MODEL_SEEDS=1; the last of %zu notes:\n", seed, n_lines);
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

#define CHECK(condition, ...) \
	do { \
		if (!(condition)) { \
			print_log(); \
			ck_abort_msg("seed " #condition ": " __VA_ARGS__); \
		} \
	} while (0)
#define SAME(got, wanted, what, id) \
	CHECK((long long)(got) == (long long)(wanted), "%s of %llu is %lld, not %lld", what, (unsigned long long)(id), (long long)(got), \
		(long long)(wanted))

static const char *name_of(enum task_state state)
{
	return task_state_name(state);
}

/* --- chance --- */

static long pick(long n)
{
	return random() % n;
}

static bool chance(int percent)
{
	return pick(100) < percent;
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

static void take_out(struct lane *lane, struct record *record)
{
	lane->count--;
	memmove(record, record + 1, (size_t)(&lane->records[lane->count] - record) * sizeof(*record));
}

static int index_of(const struct lane *lane)
{
	return (int)(lane - lanes);
}

/* --- what the core asks for --- */

static int op_start(void *context, struct core_slot *slot, struct task *task)
{
	struct lane *lane = core_slot_user(slot);

	(void)context;
	CHECK(in_turn && lane->ready, "slot %d gets something", index_of(lane));
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
		n_stolen++;
		return false;
	}
	note("  %llu taken back from slot %d", (unsigned long long)task->id, index_of(lane));
	take_out(lane, record);
	model_back(&model, task->id);
	n_revoked++;
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
	n_killed++;
}

static void op_ended(void *context, const struct task *task)
{
	struct model_task *twin = &model.tasks[task->id];

	(void)context;
	note("  %llu ended as %s", (unsigned long long)task->id, name_of(task->state));
	CHECK(!twin->told_end, "%llu ends twice", (unsigned long long)task->id);
	CHECK(twin->state == task->state, "%llu ends as %s, not %s", (unsigned long long)task->id, name_of(task->state),
		name_of(twin->state));
	twin->told_end = true;
}

static struct bytes *make_bytes(size_t size)
{
	char *room;
	struct bytes *bytes = size ? bytes_new_room(size, &room) : NULL;

	if (bytes)
		memset(room, 'x', size);
	return bytes;
}

static int op_gather(void *context, const struct bytes *args, struct bytes *const *results, size_t count,
	struct bytes **out)
{
	size_t size = args ? args->size : 0;

	(void)context;
	for (size_t i = 0; i < count; i++)
		size += results[i] ? results[i]->size : 0;
	if (size > MODEL_GATHER)
		return -1;
	*out = make_bytes(size);
	return 0;
}

static void op_changed(void *context, struct task *task, bool progress)
{
	uint8_t before = announced[task->id];
	enum task_state state = (enum task_state)task->state;

	(void)context;
	if (progress) {
		CHECK(state == TASK_RUNNING || state == TASK_CANCELLING, "%llu reports while %s", (unsigned long long)task->id,
			name_of(state));
		return;
	}
	CHECK(before == NOTHING ? state <= TASK_QUEUED : task_state_may_become((enum task_state)before, state),
		"%llu becomes %s", (unsigned long long)task->id, name_of(state));
	announced[task->id] = (uint8_t)state;
	if (state != TASK_QUEUED)
		return;
	model_joined(&model, task->id);
	if (before == NOTHING || (before == TASK_SCHEDULED && in_turn)) {
		CHECK(task->id > last_joined, "%llu joins behind %llu", (unsigned long long)task->id,
			(unsigned long long)last_joined);
		last_joined = task->id;
	}
}

/* --- comparing --- */

static struct task *find_task(uint64_t id)
{
	struct task *task;

	core_find(core, id, &task);
	return task;
}

static size_t size_of(const struct bytes *bytes)
{
	return bytes ? bytes->size : 0;
}

static bool depends_on(const struct task_ref *refs, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (refs[i].id == id)
			return true;
	return false;
}

static void compare_outcome(const struct task *task, const struct model_task *twin)
{
	const struct task_outcome *outcome = task->outcome;

	CHECK(outcome && twin->told_end, "%llu has no outcome", (unsigned long long)task->id);
	SAME(outcome->state, twin->state, "outcome", task->id);
	CHECK(!outcome->kind == !twin->kind && (!twin->kind || !strcmp(twin->kind, outcome->kind)), "kind of %llu is %s, not %s",
		(unsigned long long)task->id, outcome->kind ? outcome->kind : "none", twin->kind ? twin->kind : "none");
	if (twin->kind && !strcmp(twin->kind, "dependency_failed")) {
		CHECK(depends_on(twin->spec.after, twin->spec.n_after, outcome->because_of) &&
			model.tasks[outcome->because_of].state > TASK_SUCCEEDED, "%llu ended because of %llu",
			(unsigned long long)task->id, (unsigned long long)outcome->because_of);
		n_failed_dependents++;
	}
	SAME(size_of(outcome->result), twin->state == TASK_SUCCEEDED ? twin->result_size : 0, "result size", task->id);
	SAME(!!outcome->obituary, twin->state == TASK_CRASHED || (outcome->obituary && twin->taken_ns), "obituary", task->id);
	CHECK(twin->state == TASK_SUCCEEDED || outcome->message || outcome->data || twin->state == TASK_FAILED,
		"%llu says nothing", (unsigned long long)task->id);
}

static void compare_task(struct task *task, const struct model_task *twin)
{
	const struct task_extra *extra = task->extra;

	CHECK(task->state == twin->state, "%llu is %s, not %s", (unsigned long long)task->id, name_of(task->state),
		name_of(twin->state));
	SAME(announced[task->id], twin->state, "the state told", task->id);
	CHECK(task->queue == queues[twin->spec.queue], "%llu is in another queue", (unsigned long long)task->id);
	SAME(task->timed_out, twin->timed_out, "whether its time ran out", task->id);
	SAME(task->attempt, twin->attempt, "attempt", task->id);
	SAME(task->crashes, twin->crashes, "crashes", task->id);
	SAME(task->priority, twin->spec.priority, "priority", task->id);
	SAME(task->owner->uid, twin->spec.owner, "owner", task->id);
	SAME(task->submitted_ns, twin->submitted_ns, "submission", task->id);
	SAME(task->started_ns, twin->started_ns, "start", task->id);
	SAME(task->ended_ns, twin->ended_ns, "end", task->id);
	SAME(size_of(task->args), twin->spec.size, "size of arguments", task->id);
	SAME(task->slot ? index_of(core_slot_user(task->slot)) : -1, twin->slot, "slot", task->id);
	SAME(extra ? extra->retry_of : 0, twin->retry_of, "retry_of", task->id);
	SAME(extra ? extra->retried_as : 0, twin->retried_as, "retried_as", task->id);
	SAME(extra ? extra->timeout_ns : 0, twin->spec.timeout_ns, "time limit", task->id);
	CHECK((extra ? extra->progress : -1) == twin->progress, "progress of %llu", (unsigned long long)task->id);
	if (twin->state == TASK_SCHEDULED) {
		SAME(task->due_ns, twin->due_ns, "due", task->id);
		SAME(task->wall, twin->wall, "clock", task->id);
	}
	for (unsigned i = 0; i + 1 < twin->attempt; i++)
		CHECK(extra->attempts[i].ended_ns >= extra->attempts[i].started_ns &&
			twin->spec.retry.on & (1u << (extra->attempts[i].state - TASK_FAILED)),
			"attempt %u of %llu ended as %s", i + 1, (unsigned long long)task->id, name_of(extra->attempts[i].state));
	if (model_over(twin))
		compare_outcome(task, twin);
	else
		CHECK(!task->outcome, "%llu has an outcome", (unsigned long long)task->id);
}

static void compare_queue(int queue)
{
	const struct model_queue *twin = &model.queues[queue];
	struct core_queue_figures figures, wanted = { .submitted = twin->submitted, .ended = twin->ended };

	if (!twin->exists)
		return;
	core_queue_figures(queues[queue], &figures);
	for (size_t i = 0; i < model.n_live; i++) {
		const struct model_task *task = &model.tasks[model.live[i]];

		if (task->spec.queue != queue || model_over(task))
			continue;
		wanted.scheduled += task->state == TASK_SCHEDULED;
		wanted.blocked += task->state == TASK_BLOCKED;
		wanted.waiting += task->state == TASK_QUEUED && task->slot < 0;
		wanted.running += task->slot >= 0;
		if (task->slot < 0)
			wanted.waiting_bytes += model_cost(&model, task->spec.size);
	}
	SAME(figures.scheduled, wanted.scheduled, "scheduled", queue);
	SAME(figures.blocked, wanted.blocked, "blocked", queue);
	SAME(figures.waiting, wanted.waiting, "waiting", queue);
	SAME(figures.waiting_bytes, wanted.waiting_bytes, "waiting bytes", queue);
	SAME(figures.running, wanted.running, "running", queue);
	SAME(figures.submitted, wanted.submitted, "submitted", queue);
	SAME(figures.ended, wanted.ended, "ended", queue);
	SAME(figures.paused, twin->paused, "paused", queue);
	SAME(figures.draining, twin->draining, "draining", queue);
}

static void compare_totals(void)
{
	const struct core_totals *totals = core_totals(core);
	size_t scheduled = 0, blocked = 0, waiting = 0, in_lanes = 0, kept = 0, bytes = 0;

	for (size_t i = 0; i < model.n_live; i++) {
		const struct model_task *task = &model.tasks[model.live[i]];

		scheduled += task->state == TASK_SCHEDULED;
		blocked += task->state == TASK_BLOCKED;
		waiting += task->state == TASK_QUEUED && task->slot < 0;
		in_lanes += task->slot >= 0;
		kept += model_over(task);
		if (task->slot < 0 && !model_over(task))
			bytes += model_cost(&model, task->spec.size);
	}
	SAME(totals->submitted, model.last_id, "total", 0);
	SAME(totals->scheduled, scheduled, "scheduled total", 0);
	SAME(totals->blocked, blocked, "blocked total", 0);
	SAME(totals->waiting, waiting, "waiting total", 0);
	SAME(totals->in_lanes, in_lanes, "in-lanes total", 0);
	SAME(totals->kept, kept, "kept total", 0);
	SAME(totals->queued_bytes, bytes, "queued bytes", 0);
	for (int state = 0; state < TASK_N_STATES; state++)
		SAME(totals->ended[state], model.ended[state], name_of((enum task_state)state), 0);
	CHECK(kept <= 1 || (kept <= model.limits.result_count && totals->kept_bytes <= model.limits.result_bytes),
		"%zu records of %zu bytes are kept", kept, totals->kept_bytes);
}

/* What waits in lanes, looked at: from here on the core knows what the slots do. */
static void compare_lanes(void)
{
	for (int i = 0; i < SLOTS; i++) {
		const struct task *task = NULL;

		SAME(core_slot_in_flight(lanes[i].slot), lanes[i].count, "slot", i);
		for (int k = 0; k < lanes[i].count; k++) {
			struct record *record = &lanes[i].records[k];

			task = core_slot_task_next(lanes[i].slot, task);
			CHECK(task == record->task, "slot %d has %llu where its lane has %llu", i, (unsigned long long)task->id,
				(unsigned long long)record->id);
			SAME(model.tasks[record->id].slot, i, "model's slot", record->id);
			core_task_look(record->task);
			if (record->taken_ns)
				model_known(&model, record->id);
		}
	}
}

/* Records that the core has dropped, and whether it had a reason to. */
static void follow_drops(void)
{
	uint64_t dropped[MODEL_REFS * 1000];
	size_t count = 0, n_kept = 0;

	for (size_t i = 0; i < model.n_live; i++) {
		uint64_t id = model.live[i];
		const struct model_task *twin = &model.tasks[id];

		if (find_task(id)) {
			CHECK(model_may_keep(&model, twin), "%llu is kept too long", (unsigned long long)id);
			n_kept += model_over(twin);
			continue;
		}
		CHECK(model_over(twin), "%llu is gone", (unsigned long long)id);
		dropped[count++] = id;
	}
	for (size_t i = 0; i < count; i++)
		model_drop(&model, dropped[i]);
	for (size_t i = 0; i < count; i++) {
		const struct model_task *twin = &model.tasks[dropped[i]];

		if (!model_must_keep(&model, twin))
			continue;
		n_dropped++;
		CHECK(n_kept == model.limits.result_count || model.limits.result_bytes < 1 << 20,
			"%llu was dropped though there was room", (unsigned long long)dropped[i]);
		for (size_t k = 0; k < model.n_live && !twin->fetched; k++) {
			const struct model_task *other = &model.tasks[model.live[k]];

			CHECK(!model_over(other) || (!other->fetched && other->ended_ns + NEAR_NS >= twin->ended_ns),
				"%llu was dropped before %llu", (unsigned long long)dropped[i], (unsigned long long)model.live[k]);
		}
	}
}

static void compare_idle(void)
{
	for (int i = 0; i < SLOTS; i++)
		CHECK(!lanes[i].ready || lanes[i].count || model.now_ns - lanes[i].refused_ns < STALLED_NS ||
			!model_must_start(&model, lanes[i].pool), "slot %d idles, and queue %d has something", i,
			model.which);
}

/* --- selections --- */

static bool is_wanted(const struct task_filter *filter, int queue, int type, int tag, uint64_t id)
{
	const struct model_task *task = &model.tasks[id];

	return (!filter->states || filter->states & TASK_STATE_BIT(task->state)) && (queue < 0 || task->spec.queue == queue) &&
		(type < 0 || task->spec.type == type) && (!tag || task->spec.tag == tag) &&
		(!filter->by_owner || task->spec.owner == filter->owner) && task->submitted_ns >= filter->since_ns;
}

static int random_queue(void)
{
	int queue;

	do
		queue = (int)pick(model.n_queues);
	while (!model.queues[queue].exists);
	return queue;
}

static uint64_t live_at(const struct task_walk *walk, size_t at)
{
	return model.live[walk->oldest_first ? at : model.n_live - 1 - at];
}

static void compare_selection(void)
{
	int queue = chance(30) ? random_queue() : -1, type = chance(30) ? (int)pick(TYPES) : -1;
	int tag = chance(30) ? 1 + (int)pick(5) : 0;
	char name[12];
	struct task_filter filter = { .states = chance(60) ? (unsigned)pick(1 << TASK_N_STATES) : 0 };
	struct task_walk walk = { .oldest_first = chance(50) };
	struct task *found[7];
	size_t at = 0, n = 0;

	snprintf(name, sizeof(name), "t%d", tag);
	filter.queue = queue < 0 ? NULL : queues[queue];
	filter.type = type < 0 ? NULL : types[type];
	filter.tag = tag ? name : NULL;
	filter.tag_length = strlen(name);
	filter.by_owner = chance(30);
	filter.owner = 1000 + (uint32_t)pick(3);
	filter.since_ns = chance(20) ? model.now_ns - pick(50) * MS : 0;
	while (!walk.over) {
		n = core_select(core, &filter, &walk, 1 + (size_t)pick(50), found, 1 + (size_t)pick(7));
		for (size_t i = 0; i < n; i++, at++) {
			while (at < model.n_live && !is_wanted(&filter, queue, type, tag, live_at(&walk, at)))
				at++;
			CHECK(at < model.n_live, "%llu is selected too", (unsigned long long)found[i]->id);
			SAME(found[i]->id, live_at(&walk, at), "selected", at);
		}
	}
	for (; at < model.n_live; at++)
		CHECK(!is_wanted(&filter, queue, type, tag, live_at(&walk, at)),
			"one is not selected");
}

static void compare(void)
{
	compare_lanes();
	follow_drops();
	for (size_t i = 0; i < model.n_live; i++)
		compare_task(find_task(model.live[i]), &model.tasks[model.live[i]]);
	for (int queue = 0; queue < model.n_queues; queue++)
		compare_queue(queue);
	compare_totals();
	compare_idle();
	if (chance(10))
		compare_selection();
}

/* --- what happens to it --- */

/* The core draws lots for pauses: within what the model allows. */
static void follow_retry(uint64_t id)
{
	struct model_task *twin = &model.tasks[id];

	if (twin->state != TASK_SCHEDULED || !twin->latest_ns)
		return;
	int64_t due_ns = find_task(id)->due_ns;
	CHECK(due_ns >= twin->earliest_ns && due_ns <= twin->latest_ns, "%llu is tried again at %lld, not %lld-%lld",
		(unsigned long long)id, (long long)due_ns, (long long)twin->earliest_ns, (long long)twin->latest_ns);
	twin->due_ns = due_ns;
	twin->latest_ns = 0;
	n_retried++;
}

static uint64_t random_id(void)
{
	return model.n_live ? model.live[pick((long)model.n_live)] : 0;
}

static struct task_ref random_ref(size_t count)
{
	struct task_ref ref = { .id = random_id() };

	if (count && chance(60))
		return (struct task_ref){ .index = (size_t)pick((long)count) };
	if (chance(50) && model.last_id > 30)
		ref.id = model.last_id - (uint64_t)pick(30); /* which may be forgotten */
	if (!ref.id || chance(3))
		ref.id = model.last_id + 1000;
	return ref;
}

static struct task_retry random_retry(void)
{
	static const double factors[] = { 1, 1.5, 2 };
	struct task_retry retry = {
		.retries = 1 + (uint32_t)pick(4), .on = (unsigned)pick(8), .backoff_ns = pick(5000) * NS_PER_US,
		.factor = factors[pick(3)], .jitter = chance(50) ? 0 : (double)pick(101) / 100,
	};

	retry.backoff_max_ns = retry.backoff_ns * (1 + pick(4)) + 1;
	return retry;
}

/* COUNT: of the batch; 0: none. */
static struct model_spec random_spec(size_t count)
{
	struct model_spec spec = {
		.queue = random_queue(), .type = (int)pick(TYPES), .owner = 1000 + (uint32_t)pick(2),
		.priority = (int32_t)pick(4) - 1, .size = chance(40) ? 0 : 1 + (size_t)pick(100),
		.timeout_ns = chance(35) ? (1 + pick(6000)) * NS_PER_US : 0, .tag = chance(20) ? 1 + (int)pick(4) : 0,
	};

	if (chance(15))
		spec.expires_ns = model.now_ns + pick(30) * MS - MS;
	if (chance(20)) {
		spec.wall = chance(30);
		spec.due_ns = (spec.wall ? model.wall_ns : model.now_ns) + pick(30000) * NS_PER_US - 5 * MS;
	}
	if (chance(35))
		spec.retry = random_retry();
	if (chance(15)) {
		spec.key = 1 + (int)pick(6);
		spec.key_mode = (enum key_mode)pick(4);
	}
	if (chance(count ? 50 : 20))
		for (spec.n_after = 0; spec.n_after < MODEL_REFS && (spec.n_after == 0 || chance(40));)
			spec.after[spec.n_after++] = random_ref(count);
	if (chance(10))
		for (spec.n_any = 0; spec.n_any < MODEL_REFS && (spec.n_any == 0 || chance(40));)
			spec.any[spec.n_any++] = random_ref(count);
	spec.pass_results = chance(40);
	return spec;
}

struct words {
	char key[12], tag[12];
};

/* What the core is told; WORDS live as long as that. */
static struct task_spec core_spec(const struct model_spec *spec, struct words *words)
{
	snprintf(words->key, sizeof(words->key), "k%d", spec->key);
	snprintf(words->tag, sizeof(words->tag), "t%d", spec->tag);
	return (struct task_spec){
		.type = types[spec->type], .queue = queues[spec->queue], .args = make_bytes(spec->size),
		.priority = spec->priority, .owner = spec->owner, .items = chance(10) ? 5 : 0, .timeout_ns = spec->timeout_ns,
		.expires_ns = spec->expires_ns, .due_ns = spec->due_ns, .wall = spec->wall, .pass_results = spec->pass_results,
		.tag = spec->tag ? words->tag : NULL, .tag_length = strlen(words->tag),
		.key = spec->key ? words->key : NULL, .key_length = strlen(words->key), .key_mode = spec->key_mode,
		.retry = spec->retry.retries ? &spec->retry : NULL,
		.after = spec->after, .n_after = spec->n_after, .after_any = spec->any, .n_after_any = spec->n_any,
	};
}

static size_t n_active(void)
{
	const struct core_totals *totals = core_totals(core);

	return totals->scheduled + totals->blocked + totals->waiting + totals->in_lanes;
}

static void say_spec(const struct model_spec *spec, uint64_t id, int status)
{
	char refs[80] = "";

	for (size_t i = 0; i < spec->n_after + spec->n_any; i++) {
		const struct task_ref *ref = i < spec->n_after ? &spec->after[i] : &spec->any[i - spec->n_after];
		size_t length = strlen(refs);

		snprintf(refs + length, sizeof(refs) - length, " %s%s%llu", i < spec->n_after ? "" : "~", ref->id ? "" : "#",
			(unsigned long long)(ref->id ? ref->id : ref->index));
	}
	note("submit %llu: %d, queue %d prio %d size %zu key %d/%d due %lld exp %lld after%s", (unsigned long long)id, status,
		spec->queue, spec->priority, spec->size, spec->key, spec->key_mode,
		(long long)(spec->due_ns ? (spec->due_ns - (spec->wall ? model.wall_ns : model.now_ns)) / NS_PER_US : 0),
		(long long)(spec->expires_ns ? (spec->expires_ns - model.now_ns) / NS_PER_US : 0), refs);
}

static void do_submit(void)
{
	struct model_spec twin = random_spec(0);
	struct words words;
	struct task_spec spec = core_spec(&twin, &words);
	struct task *task;
	uint64_t id;
	int wanted = model_submit(&model, &twin, &id);

	say_spec(&twin, id, wanted);
	last_joined = 0;
	SAME(core_submit(core, &spec, &task), wanted, "the answer about", id);
	SAME(task ? task->id : 0, id, "the task of the answer", id);
	bytes_unref(spec.args);
}

static void compare_refusal(const struct model_spec *twins, size_t count, int status, const size_t culprits[2],
	uint64_t missing)
{
	const struct model_spec *twin = &twins[culprits[0]];

	if (status == CORE_CYCLE)
		CHECK(model_in_circle(&model, twins, count, culprits[0]), "%zu is in no circle", culprits[0]);
	else
		SAME(culprits[0], culprits[1], "culprit", 0);
	if (status == CORE_NO_DEPENDENCY || status == CORE_LOST_DEPENDENCY)
		CHECK((depends_on(twin->after, twin->n_after, missing) || depends_on(twin->any, twin->n_any, missing)) &&
			(missing > model.last_id || !model.tasks[missing].exists), "%llu is not missing",
			(unsigned long long)missing);
}

static void do_batch(void)
{
	size_t count = 1 + (size_t)pick(6), culprits[2];
	struct model_spec twins[6];
	struct words words[6];
	struct task_spec specs[6];
	struct task *out[6];
	uint64_t ids[6], missing;

	for (size_t i = 0; i < count; i++) {
		twins[i] = random_spec(count);
		specs[i] = core_spec(&twins[i], &words[i]);
	}
	int wanted = model_batch(&model, twins, count, ids, &culprits[1]);
	for (size_t i = 0; i < count; i++)
		say_spec(&twins[i], wanted ? i : ids[i], wanted);
	last_joined = 0;
	int status = core_submit_batch(core, specs, count, out, &culprits[0], &missing);
	SAME(status, wanted, "the answer about a batch", 0);
	for (size_t i = 0; i < count; i++) {
		if (!status)
			SAME(out[i]->id, ids[i], "the batch's task", ids[i]);
		bytes_unref(specs[i].args);
	}
	if (status)
		compare_refusal(twins, count, status, culprits, missing);
}

static void do_retry(uint64_t id)
{
	struct task *task;
	uint64_t twin;
	int wanted = model_retry(&model, id, &twin);

	note("retry %llu: %d, %llu", (unsigned long long)id, wanted, (unsigned long long)twin);
	last_joined = 0;
	SAME(core_retry(find_task(id), &task), wanted, "the answer about a retry", id);
	SAME(task ? task->id : 0, twin, "the retry", id);
}

static void do_cancel(uint64_t id)
{
	bool wanted = model_cancel(&model, id);

	note("cancel %llu", (unsigned long long)id);
	SAME(core_cancel(find_task(id)), wanted, "the end by cancel", id);
	SAME(core_cancel(find_task(id)), wanted, "the end by a second cancel", id);
}

static void do_forget(uint64_t id)
{
	bool over = model_over(&model.tasks[id]);

	note("forget %llu", (unsigned long long)id);
	SAME(core_forget(find_task(id)), over, "the forgetting", id);
	if (over)
		model_drop(&model, id);
	SAME(!find_task(id), over, "the absence", id);
}

static void do_fetch(uint64_t id)
{
	struct model_task *twin = &model.tasks[id];

	core_task_fetched(find_task(id));
	if (model_over(twin) && !twin->fetched) {
		twin->fetched = true;
		twin->fetched_ns = model.now_ns;
	}
}

/* --- slots --- */

static void do_take(struct lane *lane)
{
	for (int i = 0; i < lane->count; i++)
		if (!lane->records[i].taken_ns) {
			note("slot %d takes %llu", index_of(lane), (unsigned long long)lane->records[i].id);
			lane->records[i].taken_ns = model.now_ns;
			model.tasks[lane->records[i].id].taken_ns = model.now_ns;
			if (chance(5))
				do_cancel(lane->records[i].id);
			return;
		}
}

/* Tasks of the second type are said to have taken little time, so lanes are filled with them. */
static void do_finish(struct lane *lane, enum task_state word)
{
	struct record record = lane->records[0];
	int64_t ended_ns = chance(90) ? model.now_ns : chance(50) ? INT64_MAX : model.now_ns - pick(NEAR_NS);

	if (lane->count == 0)
		return;
	if (!record.taken_ns)
		record.taken_ns = model.tasks[record.id].taken_ns = model.now_ns;
	int64_t started_ns = model.tasks[record.id].spec.type ? ended_ns - 20 * NS_PER_US : record.taken_ns;
	size_t result_size = word == TASK_SUCCEEDED && chance(70) ? 1 + (size_t)pick(150) : 0;
	struct task_outcome outcome = { .state = word, .result = make_bytes(result_size) };
	note("slot %d says that %llu %s", index_of(lane), (unsigned long long)record.id, name_of(word));
	take_out(lane, &lane->records[0]);
	model_done(&model, record.id, word, started_ns, ended_ns, result_size);
	core_task_done(record.task, &outcome, started_ns, ended_ns);
	follow_retry(record.id);
}

static void do_progress(struct lane *lane)
{
	struct record *record = &lane->records[0];

	if (lane->count == 0 || !record->taken_ns)
		return;
	double fraction = (double)pick(101) / 100;
	model_known(&model, record->id);
	model.tasks[record->id].progress = fraction;
	core_task_progress(record->task, fraction, "step", chance(50) ? 4 : 0);
}

static void do_die(struct lane *lane)
{
	const struct task_obituary obituary = { .pid = 4711, .wait_status = SIGKILL, .reason = chance(50) ? "a reason" : NULL };
	uint64_t ids[LANE];
	int count = lane->count;

	note("slot %d dies", index_of(lane));
	for (int i = count - 1; i >= 0; i--) {
		ids[i] = lane->records[i].id;
		model_crashed(&model, ids[i]);
	}
	core_slot_lost(lane->slot, &obituary);
	lane->count = 0;
	lane->ready = lane->doomed = false;
	for (int i = 0; i < count; i++)
		follow_retry(ids[i]);
}

static void do_ready(struct lane *lane)
{
	note("slot %d is ready", index_of(lane));
	core_slot_ready(lane->slot);
	lane->ready = true;
}

static void do_slot(struct lane *lane)
{
	if (!lane->ready && chance(70))
		return do_ready(lane);
	switch (pick(6)) {
	case 0:
		note("slot %d retires", index_of(lane));
		core_slot_retire(lane->slot);
		lane->ready = false;
		break;
	case 1:
	case 2:
		do_die(lane);
		break;
	case 3:
		lane->room = chance(70) ? LANE : (int)pick(4);
		break;
	case 4:
		if (lane->count == 0) {
			core_slot_free(lane->slot);
			lane->slot = core_slot_new(pools[lane->pool], lane);
			lane->ready = false;
		}
		break;
	default:
		do_ready(lane);
	}
}

/* --- queues --- */

static struct core_queue_options random_options(void)
{
	return (struct core_queue_options){
		.limit_queued = chance(30) ? 5 + (size_t)pick(100) : 0,
		.limit_bytes = chance(20) ? 500 + (size_t)pick(10000) : 0,
		.limit_running = chance(30) ? 1 + (size_t)pick(4) : 0,
		.order = chance(60) ? QUEUE_PRIORITY : chance(50) ? QUEUE_FIFO : QUEUE_LIFO,
		.rate = chance(25) ? (double)(50 + pick(5000)) : 0,
		.burst = (uint32_t)pick(5),
		.ageing_ns = chance(20) ? (1 + pick(10)) * MS : 0,
		.weight = (uint32_t)pick(5),
	};
}

static void add_queue(int pool, const struct core_queue_options *options)
{
	char name[20];

	if (model.n_queues == MODEL_QUEUES)
		return;
	snprintf(name, sizeof(name), "queue%d", model.n_queues);
	queues[model.n_queues] = core_queue_new(core, name, pools[pool], options);
	model.queues[model.n_queues++] = (struct model_queue){ .exists = true, .pool = pool, .options = *options };
}

static void remove_queue(int queue)
{
	for (size_t i = 0; i < model.n_live; i++)
		if (model.tasks[model.live[i]].spec.queue == queue && !model_over(&model.tasks[model.live[i]]))
			return;
	note("queue %d is removed", queue);
	core_queue_free(queues[queue]);
	model.queues[queue].exists = false;
}

static void do_pause(int queue)
{
	note("queue %d is paused", queue);
	model.queues[queue].paused = true;
	core_queue_pause(queues[queue]);
	for (int i = 0; i < SLOTS; i++)
		for (int k = 0; k < lanes[i].count; k++)
			CHECK(lanes[i].records[k].taken_ns || model.tasks[lanes[i].records[k].id].spec.queue != queue,
				"slot %d still has %llu", i, (unsigned long long)lanes[i].records[k].id);
}

static void do_set(int queue)
{
	struct model_queue *twin = &model.queues[queue];
	struct core_queue_options options = random_options();

	if (chance(50)) { /* only this one */
		size_t limit_running = options.limit_running;

		options = twin->options;
		options.limit_running = limit_running;
	}
	note("queue %d: order %d running %zu rate %g/%u ageing %lld", queue, options.order, options.limit_running, options.rate,
		options.burst, (long long)options.ageing_ns);
	if (options.rate != twin->options.rate || options.burst != twin->options.burst)
		twin->n_starts = 0;
	twin->changed_ns = model.now_ns;
	twin->options = options;
	core_queue_set(queues[queue], &options);
}

static void do_resume(int queue)
{
	note("queue %d is resumed", queue);
	model.queues[queue].paused = model.queues[queue].draining = false;
	core_queue_resume(queues[queue]);
}

static void do_queue(void)
{
	struct core_queue_options options = random_options();
	int queue = random_queue();

	if ((model.queues[queue].paused || model.queues[queue].draining) && chance(60))
		return do_resume(queue);
	switch (pick(8)) {
	case 0:
	case 1:
		do_pause(queue);
		break;
	case 2:
		note("queue %d is drained", queue);
		model.queues[queue].draining = true;
		core_queue_drain(queues[queue]);
		break;
	case 3:
		if (queue > 2)
			remove_queue(queue);
		break;
	case 4:
		if (chance(30))
			add_queue((int)pick(MODEL_POOLS), &options);
		break;
	case 5:
		do_resume(queue);
		break;
	default:
		do_set(queue);
	}
}

/* --- time --- */

static void turn(int64_t delta_ns, int64_t wall_delta_ns)
{
	int64_t now_ns = model.now_ns + delta_ns, wall_ns = model.wall_ns + wall_delta_ns;

	core_set_now(core, now_ns);
	core_set_wall(core, wall_ns);
	model_turn(&model, now_ns, wall_ns);
	note("turn");
	in_turn = true;
	last_joined = 0;
	int64_t next_ns = core_turn(core);
	in_turn = false;
	CHECK(next_ns <= model_next_ns(&model), "the next turn is at %lld, not %lld", (long long)next_ns,
		(long long)model_next_ns(&model));
	compare();
}

static void do_turn(void)
{
	int64_t delta_ns = pick(300) * NS_PER_US, step_ns = 0;

	if (chance(15))
		delta_ns = pick(5000) * NS_PER_US;
	if (chance(1))
		delta_ns = pick(400) * MS;
	if (chance(1))
		step_ns = (pick(2) ? 1 : -1) * (chance(50) ? 3600 * NS_PER_S : pick(100) * MS);
	turn(delta_ns, delta_ns + step_ns);
}

/* --- the whole --- */

static void step(void)
{
	static const enum task_state words[] = { TASK_SUCCEEDED, TASK_SUCCEEDED, TASK_SUCCEEDED, TASK_FAILED, TASK_FAILED,
		TASK_CANCELLED };
	struct lane *lane = &lanes[pick(SLOTS)];
	long dice = pick(1000);
	uint64_t id = random_id();

	if (lane->doomed && chance(20))
		do_die(lane);
	else if (dice < 220 && n_active() < ACTIVE)
		do_submit();
	else if (dice < 240 && n_active() < ACTIVE)
		do_batch();
	else if (dice < 450)
		do_turn();
	else if (dice < 570)
		do_take(lane);
	else if (dice < 830)
		do_finish(lane, words[pick(6)]);
	else if (dice < 850)
		do_progress(lane);
	else if (dice < 880 && id)
		do_cancel(chance(30) && lane->count ? lane->records[0].id : id);
	else if (dice < 915 && id)
		do_retry(id);
	else if (dice < 925 && id)
		do_forget(id);
	else if (dice < 945 && id)
		do_fetch(id);
	else if (dice < 975)
		do_slot(lane);
	else
		do_queue();
}

static void begin(void)
{
	static const struct core_ops ops = {
		.start = op_start, .revoke = op_revoke, .started = op_started, .interrupt = op_interrupt, .kill = op_kill,
		.ended = op_ended, .gather = op_gather, .changed = op_changed,
	};
	struct bytes *byte = make_bytes(1);

	srandom((unsigned)seed);
	model_init(&model);
	model.overhead = bytes_cost(byte) - 1;
	bytes_unref(byte);
	model.now_ns = START;
	model.wall_ns = WALL;
	model.limits = (struct core_limits){
		.result_ttl_ns = 200 * MS, .failure_ttl_ns = 500 * MS, .result_bytes = seed % 3 ? 1 << 20 : 25000,
		.result_count = 80, .kill_grace_ns = 3 * MS, .crash_limit = (uint32_t)(seed % 4),
	};
	announced = xmalloc(MODEL_TASKS);
	memset(announced, NOTHING, MODEL_TASKS);
	core = core_new(&ops, &model.limits, START);
	core_set_wall(core, WALL);
	core_seed(core, (uint64_t)seed);
	core_observe(core, true);
	for (int i = 0; i < MODEL_POOLS; i++)
		pools[i] = core_pool_new(core, i ? "second" : "first", NULL);
	for (int i = 0; i < 4; i++)
		add_queue(i % 3 == 2, &(struct core_queue_options){ 0 });
	for (int i = 0; i < TYPES; i++) {
		types[i] = core_type(core, i ? "one" : "two", 3);
		types[i]->queue = queues[0];
	}
	for (int i = 0; i < SLOTS; i++) {
		lanes[i] = (struct lane){ .pool = i >= 3, .ready = true, .room = LANE, .refused_ns = -NS_PER_S };
		lanes[i].slot = core_slot_new(pools[lanes[i].pool], &lanes[i]);
		core_slot_ready(lanes[i].slot);
	}
}

/* Everything comes to an end where nothing hinders it. */
static void finish(void)
{
	for (int queue = 0; queue < model.n_queues; queue++)
		if (model.queues[queue].exists) {
			model.queues[queue].paused = model.queues[queue].draining = false;
			core_queue_resume(queues[queue]);
			model.queues[queue].options.limit_running = 0;
			model.queues[queue].options.rate = 0;
			core_queue_set(queues[queue], &model.queues[queue].options);
		}
	for (int i = 0; i < SLOTS; i++) {
		lanes[i].ready = true;
		lanes[i].room = LANE;
		core_slot_ready(lanes[i].slot);
	}
	for (int turns = 0; n_active(); turns++) {
		CHECK(turns < 5000, "%zu do not come to an end", n_active());
		turn(10 * MS, 60 * NS_PER_S);
		for (int i = 0; i < SLOTS; i++)
			do_finish(&lanes[i], TASK_SUCCEEDED);
	}
	for (int turns = 0; core_totals(core)->kept; turns++) {
		CHECK(turns < 100, "%zu records stay", core_totals(core)->kept);
		turn(NS_PER_S, NS_PER_S);
	}
	SAME(core_totals(core)->kept_bytes, 0, "bytes kept", 0);
	SAME(model.n_live, 0, "the model's tasks", 0);
	turn(0, 0);
	CHECK(core_turn(core) == CLOCK_NEVER, "there is more to do");
}

static void dissolve(void)
{
	for (int i = 0; i < SLOTS; i++)
		core_slot_free(lanes[i].slot);
	for (int queue = 0; queue < model.n_queues; queue++)
		if (model.queues[queue].exists)
			core_queue_free(queues[queue]);
	for (int i = 0; i < MODEL_POOLS; i++)
		core_pool_free(pools[i]);
	core_free(core);
	model_fini(&model);
	free(announced);
}

START_TEST(core_agrees_with_the_model)
{
	seed = _i;
	n_lines = 0;
	signal(SIGABRT, aborted);
	begin();
	for (int n = 0; n < STEPS; n++)
		step();
	ck_assert_uint_gt(n_revoked, 0);
	ck_assert_uint_gt(n_stolen, 0);
	ck_assert_uint_gt(n_killed, 0);
	ck_assert_uint_gt(n_retried, 0);
	ck_assert_uint_gt(n_failed_dependents, 0);
	ck_assert_uint_gt(n_dropped, 0);
	finish();
	dissolve();
}
END_TEST

static int number_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : otherwise;
}

int main(void)
{
	Suite *suite = suite_create("core: random operations");
	TCase *tcase = tcase_create("model");
	int first = number_of("TASKD_MODEL_FIRST", 1);

	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, core_agrees_with_the_model, first, first + number_of("TASKD_MODEL_SEEDS", SEEDS));
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
