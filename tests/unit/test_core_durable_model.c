/* Random operations on durable tasks and others, with a disk that is late, full, or lost with the daemon at any moment.
 * After each operation what is recorded, and will be, is compared with what the core says; after each crash what was
 * promised with what is there: nothing acknowledged is lost, no outcome that was told changes, none is recorded twice,
 * no id comes twice, nothing runs that was never on the disk, attempts are counted, and what waited stands in its order. */
#include <signal.h>

#include "crash_world.h"

#define OPERATIONS 3000

static bool is_dying;
static size_t n_crashes, n_refused, n_dependents;

/* --- the disk, and the end of the daemon --- */

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

static void submit_new(void);

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
	core_set_numbers(
		toy.core, &(struct core_numbers){ .id = last_id + 1 + (uint64_t)pick(50), .place = disk.next_place });
	for (uint64_t id = 1; id <= last_id; id++) {
		if (!disk.there[id].exists)
			continue;
		restore(id);
		check_restored(id);
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
		if (!totals->waiting && !totals->in_lanes && !totals->scheduled && !totals->blocked &&
			!totals->recording && !disk.n)
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
