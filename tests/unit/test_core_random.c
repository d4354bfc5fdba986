/* Random operations against a model that is too simple to be wrong: an array with a word on where each task is.
 * It knows nothing of lists, windows or estimates; it checks that what is given is always what comes first, that
 * nothing is lost or ends twice, that no slot idles while something waits, and that the books agree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "toy.h"

#define STEPS 10000
#define SLOTS 4
#define MANY (STEPS + 1)

enum where { NOWHERE, WAITING, IN_LANE, ENDED };

struct fate {
	enum where where;
	int32_t priority;
	enum task_state said; /* what its slot said, or CRASHED, of the end that is under way */
	bool cancelled;       /* somebody asked, and it was not over */
};

static struct toy toy;
static struct toy_slot *slots[SLOTS];
static bool ready[SLOTS];
static int64_t roomless_ns[SLOTS]; /* when its lane last had no room at all: it may be left alone a while */
static struct fate fates[MANY];
static uint64_t last_id;
static size_t n_in[ENDED + 1];

static void go(uint64_t id, enum where where)
{
	n_in[fates[id].where]--;
	fates[id].where = where;
	n_in[where]++;
}

/* --- what the core does --- */

static void given(struct toy *unused, const struct task *task, bool refused)
{
	(void)unused;
	ck_assert_int_eq(fates[task->id].where, WAITING);
	for (uint64_t id = 1; id <= last_id; id++)
		if (fates[id].where == WAITING && id != task->id)
			ck_assert_msg(fates[id].priority < task->priority || (fates[id].priority == task->priority && id > task->id),
				"%llu was given before %llu", (unsigned long long)task->id, (unsigned long long)id);
	if (!refused)
		go(task->id, IN_LANE);
}

static void revoked(struct toy *unused, const struct task *task)
{
	(void)unused;
	ck_assert_int_eq(fates[task->id].where, IN_LANE);
	go(task->id, WAITING);
}

static void ended(struct toy *unused, const struct task *task)
{
	const struct fate *fate = &fates[task->id];
	enum task_state wanted = fate->said;

	(void)unused;
	ck_assert(fate->where == WAITING || fate->where == IN_LANE);
	if (fate->where == WAITING)
		wanted = TASK_CANCELLED;
	else if (task->timed_out && wanted != TASK_SUCCEEDED)
		wanted = TASK_TIMED_OUT;
	else if (fate->cancelled && wanted != TASK_SUCCEEDED)
		wanted = TASK_CANCELLED;
	ck_assert_str_eq(task_state_name(task->state), task_state_name(wanted));
	ck_assert(!task->timed_out || task->extra->timeout_ns > 0);
	ck_assert_int_eq(task->started_ns != 0, fate->where == IN_LANE);
	go(task->id, ENDED);
}

/* --- what happens to it --- */

static long pick(long n)
{
	return random() % n;
}

static struct task *any_task(void)
{
	struct task *task;

	if (last_id == 0)
		return NULL;
	/* Mostly a late one: the early ones are over. */
	uint64_t span = pick(4) && last_id > 50 ? 50 : last_id;
	core_find(toy.core, last_id - (uint64_t)pick((long)span), &task);
	return task;
}

static void do_submit(void)
{
	struct task *task;
	struct task_spec spec = {
		.type = core_type(toy.core, pick(2) ? "one" : "two", 3),
		.queue = pick(4) ? toy.queue : core_queue_find(toy.core, "second"),
		.priority = (int32_t)pick(3),
		.timeout_ns = pick(3) ? 0 : (1 + pick(20)) * NS_PER_MS,
		.items = pick(5) ? 0 : (uint32_t)pick(100),
		.args = pick(2) ? bytes_new("[1]", 3) : NULL,
	};
	bool full = core_totals(toy.core)->waiting > 300;

	if (!full) {
		fates[last_id + 1].priority = spec.priority;
		ck_assert_int_eq(core_submit(toy.core, &spec, &task), CORE_OK);
		ck_assert_uint_eq(task->id, last_id + 1);
		n_in[NOWHERE]++;
		go(++last_id, WAITING);
	}
	bytes_unref(spec.args);
}

static void do_finish(int i, enum task_state state)
{
	if (slots[i]->count == 0)
		return;
	fates[slots[i]->lane[0].task->id].said = state;
	toy_finish(slots[i], state);
}

static void do_die(int i)
{
	for (int k = 0; k < slots[i]->count; k++) {
		const struct toy_record *record = &slots[i]->lane[k];

		if (record->started_ns)
			fates[record->task->id].said = TASK_CRASHED;
		else
			go(record->task->id, WAITING);
	}
	toy_die(slots[i], 9);
	ready[i] = false;
}

static void do_cancel(void)
{
	struct task *task = any_task();

	if (!task)
		return;
	uint64_t id = task->id;
	if (fates[id].where != ENDED && !task->timed_out)
		fates[id].cancelled = true;
	ck_assert_int_eq(core_cancel(task), fates[id].where == ENDED);
	ck_assert_int_eq(core_cancel(task), fates[id].where == ENDED);
}

static void do_keep(void)
{
	struct task *task = any_task();

	if (!task)
		return;
	if (pick(2))
		ck_assert_int_eq(core_forget(task), fates[task->id].where == ENDED);
	else
		core_task_fetched(task);
}

static void do_slot(int i)
{
	switch (pick(4)) {
	case 0:
		core_slot_retire(slots[i]->slot);
		ready[i] = false;
		break;
	case 1:
		do_die(i);
		break;
	default:
		core_slot_ready(slots[i]->slot);
		ready[i] = true;
	}
	slots[i]->room = pick(4) ? TOY_LANE : (int)pick(5);
	if (slots[i]->room == 0)
		roomless_ns[i] = INT64_MAX;
	else if (roomless_ns[i] == INT64_MAX)
		roomless_ns[i] = toy.now_ns;
}

static void do_turn(void)
{
	toy_advance(&toy, pick(3) ? pick(NS_PER_MS) : pick(5 * NS_PER_MS));
	ck_assert(toy.next_ns == CLOCK_NEVER || toy.next_ns > toy.now_ns - NS_PER_S);
	for (int i = 0; i < SLOTS && n_in[WAITING]; i++)
		ck_assert_msg(!ready[i] || slots[i]->count || toy.now_ns - roomless_ns[i] < 10 * NS_PER_MS, "slot %d idles", i);
}

static void step(void)
{
	static const enum task_state ends[] = { TASK_SUCCEEDED, TASK_SUCCEEDED, TASK_FAILED };
	long dice = pick(100);
	int i = (int)pick(SLOTS);

	if (dice < 35)
		do_submit();
	else if (dice < 50)
		do_turn();
	else if (dice < 65)
		toy_take(slots[i]);
	else if (dice < 87)
		do_finish(i, ends[pick(3)]);
	else if (dice < 93)
		do_cancel();
	else if (dice < 98)
		do_keep();
	else
		do_slot(i);
}

/* --- whether the books agree --- */

static size_t count_listed(enum task_state state)
{
	size_t n = 0;

	for (struct task *task = NULL; (task = core_task_next(toy.core, state, task)); n++)
		ck_assert_int_eq(task->state, state);
	return n;
}

static void check_books(void)
{
	const struct core_totals *totals = core_totals(toy.core);
	size_t active = 0, kept = 0, in_lanes = 0, all = 0;

	ck_assert_uint_eq(totals->submitted, last_id);
	ck_assert_uint_eq(totals->waiting, n_in[WAITING]);
	ck_assert_uint_eq(totals->in_lanes, n_in[IN_LANE]);
	ck_assert_uint_eq((size_t)toy.n_ended, n_in[ENDED]);
	for (int i = 0; i < SLOTS; i++) {
		const struct task *task = NULL;

		ck_assert_int_eq((int)core_slot_in_flight(slots[i]->slot), slots[i]->count);
		for (int k = 0; k < slots[i]->count; k++, in_lanes++) {
			task = core_slot_task_next(slots[i]->slot, task);
			ck_assert_ptr_eq(task, slots[i]->lane[k].task);
		}
	}
	ck_assert_uint_eq(in_lanes, n_in[IN_LANE]);
	for (int state = 0; state < TASK_N_STATES; state++)
		*(task_state_is_terminal((enum task_state)state) ? &kept : &active) += count_listed((enum task_state)state);
	ck_assert_uint_eq(active, n_in[WAITING] + n_in[IN_LANE]);
	ck_assert_uint_eq(kept, totals->kept);
	uint64_t below = UINT64_MAX;
	for (struct task *task; (task = core_task_below(toy.core, below)); below = task->id, all++)
		ck_assert_uint_lt(task->id, below);
	ck_assert_uint_eq(all, active + kept);
}

static void finish_everything(void)
{
	for (int i = 0; i < SLOTS; i++) {
		core_slot_ready(slots[i]->slot);
		slots[i]->room = TOY_LANE;
	}
	for (int turns = 0; n_in[WAITING] + n_in[IN_LANE]; turns++) {
		ck_assert_int_lt(turns, 10000);
		toy_advance(&toy, 10 * NS_PER_MS);
		for (int i = 0; i < SLOTS; i++)
			do_finish(i, TASK_SUCCEEDED);
	}
}

START_TEST(core_agrees_with_the_model)
{
	const struct core_limits limits = {
		.result_ttl_ns = 200 * NS_PER_MS,
		.failure_ttl_ns = 500 * NS_PER_MS,
		.result_bytes = 30000,
		.result_count = 80,
		.kill_grace_ns = 3 * NS_PER_MS,
	};

	srandom((unsigned)_i);
	toy_init(&toy);
	core_set_limits(toy.core, &limits);
	toy_queue_new(&toy, "second", 0, 0);
	for (int i = 0; i < SLOTS; i++) {
		slots[i] = toy_slot_new(&toy);
		ready[i] = true;
	}
	toy.on_start = given;
	toy.on_revoked = revoked;
	toy.on_ended = ended;
	for (int n = 0; n < STEPS; n++) {
		step();
		if (n % 50 == 0)
			check_books();
	}
	finish_everything();
	check_books();
	ck_assert_uint_eq(n_in[ENDED], last_id);
	ck_assert_int_gt(toy.n_revoked, 0);
	ck_assert_int_gt(toy.n_killed, 0);
	for (uint64_t ended_in = 1; toy.next_ns != CLOCK_NEVER; ended_in++) {
		ck_assert_uint_lt(ended_in, 1000);
		toy_advance(&toy, toy.next_ns - toy.now_ns);
	}
	ck_assert_uint_eq(core_totals(toy.core)->kept, 0);
	ck_assert_uint_eq(core_totals(toy.core)->kept_bytes, 0);
	ck_assert_uint_eq(core_totals(toy.core)->queued_bytes, 0);
	for (int i = 0; i < SLOTS; i++)
		toy_slot_free(slots[i]);
	core_queue_free(toy.queue);
	core_queue_free(core_queue_find(toy.core, "second"));
	core_pool_free(toy.pool);
	toy_fini(&toy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core: random operations");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, core_agrees_with_the_model, 1, 7);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
