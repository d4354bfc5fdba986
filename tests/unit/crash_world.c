/* The daemon and its disk, compared: see crash_world.h. */
#include "crash_world.h"

struct toy toy;
struct toy_slot *slots[SLOTS];
struct core_queue *queues[QUEUES];
struct disk disk;
struct promise *promises;
uint64_t last_id;
int64_t base_ns;
size_t n_interrupted;
const char *const keys[KEYS + 1] = { NULL, "a", "b", "c", "d", "e", "f" };
const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };
const struct task_retry retry = { .retries = 2, .on = RETRY_ALL, .backoff_ns = 5 * NS_PER_MS, .factor = 1 };

/* --- what is recorded --- */

static enum task_state recorded_state(const struct task *task)
{
	if (task->state == TASK_RECORDING)
		return task->outcome ? task->outcome->state : (enum task_state)task->becomes;
	return task->state == TASK_BLOCKED && core_waits_for(task) ? TASK_QUEUED : (enum task_state)task->state;
}

static int key_of(const struct task *task)
{
	int key = 0;

	if (task->extra && task->extra->key)
		for (key = 1; strcmp(keys[key], task->extra->key) != 0;)
			key++;
	return key;
}

static struct row row_of(const struct task *task)
{
	const struct task_extra *extra = task->extra;
	struct task_dependency dependency;
	enum task_state state = recorded_state(task);
	struct row row = {
		.state = state,
		.spec = {
			.priority = task->priority,
			.on_interrupt_crash = task->on_interrupt_crash,
			.n_claims = claim_has(task),
			.retry = extra && extra->retry.retries ? &retry : NULL,
			.pass_results = core_passes_results(task),
			.queue = (struct core_queue *)(uintptr_t)(task->queue == queues[1]),
		},
		.place = task->place,
		.retry_of = extra ? extra->retry_of : 0,
		.attempt = task->attempt,
		.crashes = task->crashes,
		.tried = task->tried,
		.final = task->final,
		.submitted_ns = base_ns + task->submitted_ns,
		.due_ns = (state == TASK_SCHEDULED || state == TASK_BLOCKED) && task->due_ns ? base_ns + task->due_ns : 0,
		.expires_ns = heap_has(&task->timer) && !task->tried ? base_ns + task->timer.key : 0,
		.ended_ns = task->ended_ns ? base_ns + task->ended_ns : 0,
		.key = key_of(task),
	};

	for (; core_dependency(task, row.n_links, &dependency); row.n_links++)
		row.links[row.n_links] = (struct core_restored_link){ .id = dependency.id, .any = dependency.any };
	for (int i = 0; i + 1 < task->attempt && i < DISK_ATTEMPTS && extra && extra->attempts; i++)
		row.attempts[i] = extra->attempts[i].state;
	return row;
}

static void on_record(struct toy *of, const struct task *task, enum core_record what, bool more)
{
	struct row row = row_of(task);

	(void)of;
	disk_put(&disk, task, what, more, &row);
}

static void on_start(struct toy *of, const struct task *task, bool refused)
{
	struct row row = row_of(task);

	(void)of;
	if (refused || !task->durable)
		return;
	CHECK(disk.there[task->id].exists && task->on_disk, task->id);
	promises[task->id].starts++;
	if (task->on_interrupt_crash) /* who starts it puts that down before */
		disk_put(&disk, task, RECORD_STARTED, false, &row);
}

static void on_ended(struct toy *of, const struct task *task)
{
	struct promise *promise = &promises[task->id];

	(void)of;
	if (!task->durable)
		return;
	CHECK(!promise->told, task->id);
	if (!task->on_disk) {
		CHECK(promise->refused && promise->starts == 0 && !promise->acknowledged, task->id);
		return;
	}
	CHECK(disk.there[task->id].over && disk.there[task->id].state == (enum task_state)task->state, task->id);
	promise->told = true;
	promise->state = task->state;
}

/* --- what is there, and what is said to be --- */

/* A lane's own business is not recorded, but of those that must not run twice. */
static bool agrees(const struct row *row, const struct task *task)
{
	if (task->state == TASK_RECORDING && !task->on_disk)
		return true;
	if (task->state == TASK_QUEUED && task->slot)
		return row->state == (task->on_interrupt_crash ? TASK_RUNNING : TASK_QUEUED);
	if (task->state == TASK_CANCELLING)
		return row->state == (task->final ? TASK_CANCELLING : TASK_RUNNING);
	return row->state == recorded_state(task);
}

static void compare(struct task *task)
{
	const struct row *row = &disk.planned[task->id];

	CHECK(row->exists, task->id);
	if (!agrees(row, task))
		ck_abort_msg("task %llu is %s and recorded as %s", (unsigned long long)task->id,
			task_state_name(task->state), task_state_name(row->state));
	CHECK(row->attempt == task->attempt && row->crashes == task->crashes, task->id);
	CHECK(row->n_ends == (task->outcome != NULL), task->id);
	if (task->state == TASK_SCHEDULED)
		CHECK(row->due_ns == base_ns + task->due_ns, task->id);
	if (!task_state_is_terminal(task->state))
		CHECK(row->place == task->place, task->id);
	for (int i = 0; i + 1 < task->attempt && i < DISK_ATTEMPTS; i++)
		CHECK(row->attempts[i] == task->extra->attempts[i].state, task->id);
}

void compare_all(void)
{
	size_t recording = 0;
	struct task *task;

	TAILQ_FOREACH (task, &toy.core->all, all) {
		if (task->durable)
			compare(task);
		recording += task->state == TASK_RECORDING;
	}
	CHECK(recording == core_totals(toy.core)->recording, 0ull);
}

/* --- the daemon --- */

void start_daemon(void)
{
	toy_init(&toy);
	toy.on_record = on_record;
	toy.on_start = on_start;
	toy.on_ended = on_ended;
	queues[0] = toy.queue;
	queues[1] = toy_queue_new(&toy, "other", 0, 0);
	for (int i = 0; i < SLOTS; i++)
		slots[i] = toy_slot_new(&toy);
	toy_teach(&toy, 100 * NS_PER_US);
}

void stop_daemon(void)
{
	toy_fini(&toy);
	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
}

/* What the disk knows of a dependency by now. */
static struct core_restored_link link_now(const struct core_restored_link *link)
{
	const struct row *row = &disk.there[link->id];
	bool has_succeeded = row->exists && row->over && row->state == TASK_SUCCEEDED;

	return (struct core_restored_link){
		.id = link->id,
		.any = link->any,
		.done = has_succeeded || (link->any && row->over),
	};
}

void restore(uint64_t id)
{
	const struct row *row = &disk.there[id];
	struct core_restored_link links[DISK_REFS];
	struct core_restored restored = {
		.id = id,
		.place = row->place,
		.retry_of = row->retry_of,
		.spec = row->spec,
		.state = row->state,
		.attempt = row->attempt,
		.crashes = row->crashes,
		.tried = row->tried,
		.final = row->final,
		.submitted_ns = row->submitted_ns - base_ns,
		.ended_ns = row->ended_ns ? row->ended_ns - base_ns : 0,
		.links = links,
		.n_links = row->n_links,
	};

	restored.spec.type = toy.type;
	restored.spec.queue = queues[row->spec.queue != NULL];
	restored.spec.claims = &lock;
	restored.spec.key = keys[row->key];
	restored.spec.key_length = row->key ? 1 : 0;
	restored.spec.due_ns = row->due_ns ? row->due_ns - base_ns : 0;
	restored.spec.expires_ns = row->expires_ns ? row->expires_ns - base_ns : 0;
	for (size_t i = 0; i < row->n_links; i++)
		links[i] = link_now(&row->links[i]);
	if (row->attempt > 1)
		restored.attempts = calloc(row->attempt - 1u, sizeof(*restored.attempts));
	for (int i = 0; i + 1 < row->attempt && i < DISK_ATTEMPTS; i++)
		restored.attempts[i].state = row->attempts[i];
	if (row->over) {
		restored.outcome = calloc(1, sizeof(*restored.outcome));
		restored.outcome->state = row->state;
	}
	CHECK(core_restore(toy.core, &restored), id);
}

void check_restored(uint64_t id)
{
	const struct row *row = &disk.there[id];
	struct task *task;

	CHECK(core_find(toy.core, id, &task) == CORE_FOUND, id);
	CHECK(task->attempt >= row->attempt && task->attempt <= row->attempt + 1, id);
	if (row->over) {
		CHECK(task->state == row->state, id);
	} else if (row->state == TASK_RUNNING || row->state == TASK_CANCELLING) {
		n_interrupted++;
		bool ends = row->state == TASK_CANCELLING || row->final ||
			(row->spec.on_interrupt_crash && !row->spec.retry) || row->crashes + 1 >= CRASH_LIMIT;
		if (ends)
			CHECK(task->state == TASK_RECORDING && task->outcome, id);
		else if (!row->spec.on_interrupt_crash)
			CHECK(task->attempt == row->attempt + 1 && task->place == row->place && !task->outcome, id);
		CHECK(row->state == TASK_CANCELLING || row->final || task->crashes == row->crashes + 1, id);
	} else {
		CHECK(task->place == row->place && task->attempt == row->attempt, id);
	}
}

void check_promises(void)
{
	for (uint64_t id = 1; id <= last_id; id++) {
		const struct promise *promise = &promises[id];
		const struct row *row = &disk.there[id];

		if (promise->acknowledged)
			CHECK(row->exists || row->forgotten, id);
		if (promise->told && row->exists)
			CHECK(row->over && row->state == promise->state, id);
		CHECK(row->n_ends <= 1, id);
	}
}

void check_order(void)
{
	for (int i = 0; i < QUEUES; i++) {
		const struct line *line = LIST_FIRST(&queues[i]->lines); /* all are one user's */
		const struct task *task, *last;

		CHECK(!line || !LIST_NEXT(line, of_queue), i);
		for (size_t at = 0; line && at < line->order.count; at++) {
			const struct bucket *bucket = heap_entry(line->order.nodes[at], struct bucket, node);

			last = NULL;
			TAILQ_FOREACH (task, &bucket->tasks, link) {
				CHECK(!last || last->place < task->place, task->id);
				last = task;
			}
		}
	}
}
