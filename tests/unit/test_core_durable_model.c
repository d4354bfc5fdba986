/* Random operations on durable tasks and others, with a disk that is late, full, or lost with the daemon at any moment.
 * After each operation what is recorded, and will be, is compared with what the core says; after each crash what was
 * promised with what is there: nothing acknowledged is lost, no outcome that was told changes, none is recorded twice,
 * no id comes twice, nothing runs that was never on the disk, attempts are counted, and what waited stands in its order. */
#include <check.h>
#include <signal.h>

#include "core/internal.h"
#include "disk_model.h"
#include "object/object.h"

#define SLOTS 3
#define QUEUES 2
#define KEYS 6
#define OPERATIONS 3000
#define CRASH_LIMIT 3

static struct toy toy;
static struct toy_slot *slots[SLOTS];
static struct core_queue *queues[QUEUES];
static struct disk disk;
static const char *const keys[KEYS + 1] = { NULL, "a", "b", "c", "d", "e", "f" };
static const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };
static const struct task_retry retry = { .retries = 2, .on = RETRY_ALL, .backoff_ns = 5 * NS_PER_MS, .factor = 1 };

/* What was said to whom, by id. */
static struct promise {
	bool acknowledged, refused, told;
	enum task_state state;
	int starts;
} *promises;
static uint64_t last_id;
static int64_t base_ns; /* of the clock that goes on, when the daemon's began */
static bool is_dying;
static size_t n_crashes, n_refused, n_interrupted, n_dependents;

#define CHECK(condition, id) \
	do { \
		if (!(condition)) \
			ck_abort_msg("task %llu: " #condition, (unsigned long long)(id)); \
	} while (0)

static long pick(long n)
{
	return random() % n;
}

static bool chance(int percent)
{
	return pick(100) < percent;
}

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

static void compare_all(void)
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

static void start_daemon(void)
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

static void stop_daemon(void)
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
		.id = link->id, .any = link->any, .done = has_succeeded || (link->any && row->over),
	};
}

static void restore(uint64_t id)
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

/* What became of what the disk says in the core that was given it. */
static void check_restored(uint64_t id, const struct row *row)
{
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

static void check_promises(void)
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

/* Places are compared with the disk's elsewhere. */
static void check_order(void)
{
	for (int i = 0; i < QUEUES; i++) {
		const struct task *task, *last;

		for (size_t at = 0; at < queues[i]->order.count; at++) {
			const struct bucket *bucket = heap_entry(queues[i]->order.nodes[at], struct bucket, node);

			last = NULL;
			TAILQ_FOREACH (task, &bucket->tasks, link) {
				CHECK(!last || last->place < task->place, task->id);
				last = task;
			}
		}
	}
}

static void submit_new(void);

/* MAY_DIE: between that it is there and that anybody is told. */
static void commit(size_t most, bool may_die)
{
	uint64_t *ids = calloc(disk.n + 1, sizeof(*ids));
	size_t n = disk_commit(&disk, most, ids);

	is_dying = may_die && n && chance(3);
	for (size_t i = 0; i < n && !is_dying; i++) {
		promises[ids[i]].acknowledged = true;
		core_recorded(toy.core, ids[i]);
	}
	free(ids);
}

/* A clock that began anew, some milliseconds later. */
static void crash(void)
{
	int64_t died_ns = base_ns + toy.now_ns;

	n_crashes++;
	is_dying = false;
	stop_daemon();
	disk_crash(&disk);
	check_promises();
	start_daemon();
	base_ns = died_ns + pick(20 * NS_PER_MS) - toy.now_ns;
	/* Ids are reserved for others, too. */
	core_set_numbers(toy.core, &(struct core_numbers){ .id = last_id + 1 + (uint64_t)pick(50), .place = disk.next_place });
	for (uint64_t id = 1; id <= last_id; id++) {
		if (!disk.there[id].exists)
			continue;
		restore(id);
		check_restored(id, &disk.there[id]);
		if (chance(2))
			submit_new();
		if (chance(2))
			toy_turn(&toy);
	}
	core_restore_done(toy.core);
	check_order();
	toy_turn(&toy);
}

/* A stop in order: what runs, and may be run again, waits for that; the rest that runs has crashed. */
static void stop(void)
{
	core_hold(toy.core, true);
	core_interrupt_all(toy.core);
	for (int i = 0; i < SLOTS; i++) {
		bool is_final = slots[i]->count && slots[i]->lane[0].task->final;
		struct task *task = toy_take(slots[i]);
		uint16_t attempt = task ? task->attempt : 0;

		toy_die(slots[i], SIGKILL);
		if (task && task->durable && !task->on_interrupt_crash && !is_final && task->state == TASK_QUEUED)
			CHECK(task->attempt == attempt + 1, task->id);
	}
	compare_all();
	commit(DISK_LOG, false);
	compare_all();
	crash();
}

/* --- operations --- */

static uint64_t random_id(void)
{
	return last_id ? last_id - (uint64_t)pick(last_id < 60 ? (long)last_id : 60) : 0;
}

static struct task *random_task(void)
{
	struct task *task = NULL;

	core_find(toy.core, random_id(), &task);
	return task;
}

static void acquaint(const struct task *task)
{
	CHECK(task->id > last_id, task->id);
	last_id = task->id;
}

static struct task_spec random_spec(struct task_ref *ref)
{
	struct task_spec spec = {
		.type = toy.type,
		.queue = queues[pick(QUEUES)],
		.priority = (int32_t)pick(3),
		.durable = chance(80),
		.on_interrupt_crash = chance(30),
		.due_ns = chance(15) ? toy.now_ns + pick(20 * NS_PER_MS) : 0,
		.expires_ns = chance(15) ? toy.now_ns + 1 + pick(40 * NS_PER_MS) : 0,
		.retry = chance(30) ? &retry : NULL,
		.claims = &lock,
		.n_claims = chance(15),
		.key_mode = (enum key_mode)pick(4),
	};
	int key = chance(20) ? 1 + (int)pick(KEYS) : 0;
	struct task *other;

	spec.key = keys[key];
	spec.key_length = key ? 1 : 0;
	ref->id = chance(20) ? random_id() : 0;
	if (!ref->id || core_find(toy.core, ref->id, &other) != CORE_FOUND)
		return spec;
	n_dependents++;
	if (chance(50)) {
		spec.after = ref;
		spec.n_after = 1;
		spec.pass_results = chance(30);
	} else {
		spec.after_any = ref;
		spec.n_after_any = 1;
	}
	return spec;
}

static void submit_new(void)
{
	struct task_ref ref = { 0 };
	struct task_spec spec = random_spec(&ref);
	struct task *task;

	if (core_submit(toy.core, &spec, &task) == CORE_OK)
		acquaint(task);
}

static void submit_batch(void)
{
	struct task_ref ref = { 0 }, first = { .index = 0 };
	struct task_spec specs[3];
	struct task *out[3];
	size_t culprit;
	uint64_t id;

	for (int i = 0; i < 3; i++) {
		specs[i] = random_spec(&ref);
		specs[i].key = NULL;
		specs[i].n_after = specs[i].n_after_any = 0;
	}
	specs[2].after = &first;
	specs[2].n_after = 1;
	if (core_submit_batch(toy.core, specs, 3, out, &culprit, &id) == CORE_OK)
		for (int i = 0; i < 3; i++)
			acquaint(out[i]);
}

static void refuse(void)
{
	uint64_t *ids = calloc(disk.n + 1, sizeof(*ids));
	size_t n = disk_refuse(&disk, ids);

	for (size_t i = 0; i < n; i++)
		promises[ids[i]].refused = true;
	for (size_t i = 0; i < n; i++)
		core_refused(toy.core, ids[i], "store_full", "the disk is full");
	n_refused += n;
	free(ids);
}

static void work(struct toy_slot *slot)
{
	if (chance(10)) {
		toy_take(slot);
		toy_die(slot, SIGKILL);
		core_slot_ready(slot->slot);
	} else if (chance(30)) {
		toy_take(slot);
	} else if (slot->count) {
		toy_finish(slot, chance(70) ? TASK_SUCCEEDED : TASK_FAILED);
	}
}

static void with_task(struct task *task)
{
	struct task *out;

	if (!task)
		return;
	if (chance(40))
		core_cancel(task);
	else if (chance(40))
		core_forget(task);
	else if (chance(40))
		core_task_await(task, 1);
	else if (core_retry(task, &out) == CORE_OK)
		acquaint(out);
}

static void with_queues(void)
{
	struct core_queue *queue = queues[pick(QUEUES)];

	if (chance(50))
		core_queue_pause(queue);
	else
		core_queue_resume(queue);
	if (chance(30))
		core_hold(toy.core, chance(40));
}

static void operate(void)
{
	long what = pick(100);

	if (what < 20)
		submit_new();
	else if (what < 24)
		submit_batch();
	else if (what < 44)
		commit((size_t)pick(12), true);
	else if (what < 46)
		refuse();
	else if (what < 76)
		work(slots[pick(SLOTS)]);
	else if (what < 84)
		with_task(random_task());
	else if (what < 87)
		with_queues();
	else
		toy_advance(&toy, pick(5 * NS_PER_MS));
}

/* Until nothing is left to do. */
static void drain(void)
{
	core_hold(toy.core, false);
	for (int i = 0; i < QUEUES; i++)
		core_queue_resume(queues[i]);
	for (int n = 0; n < 20000; n++) {
		const struct core_totals *totals = core_totals(toy.core);

		commit(DISK_LOG, false);
		toy_advance(&toy, NS_PER_MS);
		for (int i = 0; i < SLOTS; i++)
			while (slots[i]->count)
				toy_finish(slots[i], TASK_SUCCEEDED);
		if (!totals->waiting && !totals->in_lanes && !totals->scheduled && !totals->blocked && !totals->recording && !disk.n)
			return;
	}
	ck_abort_msg("work that does not end");
}

/* _i: the seed */
START_TEST(what_was_promised_is_kept_whatever_happens)
{
	srandom((unsigned)_i);
	disk_init(&disk);
	promises = calloc(DISK_TASKS, sizeof(*promises));
	last_id = 0;
	base_ns = 0;
	n_crashes = n_refused = n_interrupted = n_dependents = 0;
	start_daemon();
	for (int i = 0; i < OPERATIONS; i++) {
		operate();
		if (is_dying || chance(1))
			crash();
		else if (pick(1000) < 3)
			stop();
		compare_all();
	}
	drain();
	for (uint64_t id = 1; id <= last_id; id++)
		if (promises[id].acknowledged && disk.there[id].exists)
			CHECK(disk.there[id].over && disk.there[id].n_ends == 1, id);
	ck_assert(n_crashes > 5 && n_refused > 5 && n_interrupted > 5 && n_dependents > 20);
	stop_daemon();
	disk_fini(&disk);
	free(promises);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: durable tasks at random");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, what_was_promised_is_kept_whatever_happens, 1, 21);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
