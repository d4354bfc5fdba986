/* Many owners in a few queues, at random: after every operation the core's next task of each queue, and its books on
 * each owner, are those of a model that knows nothing of lines and heaps. It has a list of tasks, and looks through it.
 * Where owners take turns it knows of each in each queue when he came there, or had something started last. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/internal.h"
#include "toy.h"

#define OPERATIONS 4000
#define QUEUES 3
#define OWNERS 6 /* uids from 0; the first is exempt */
#define SLOTS 3
#define TASKS 8000
#define ACTIVE 150

struct twin {
	struct task *task; /* NULL: over */
	int queue;
	uint32_t owner;
	int32_t priority;
	unsigned awaited;
	uint64_t place;
	bool in_lane;
};

struct turn {
	uint64_t at, before;
};

static struct toy toy;
static struct toy_slot *slots[SLOTS];
static struct core_queue *queues[QUEUES];
static struct core_queue_options options[QUEUES];
static bool paused[QUEUES];
static struct core_shares shares;
static struct twin twins[TASKS]; /* by id */
static uint64_t live[TASKS], last_id, next_place;
static size_t n_live;
static struct turn turns[QUEUES][OWNERS];
static int64_t refused_ns[SLOTS];
static size_t n_held, n_fair_starts, n_back;

static long pick(long n) { return random() % n; }
static bool chance(int percent) { return pick(100) < percent; }

#define CHECK(condition, id) \
	do { \
		if (!(condition)) \
			ck_abort_msg("seed %d, task %llu: " #condition, seed, (unsigned long long)(id)); \
	} while (0)
static int seed;

/* --- the model --- */

static uint64_t new_place(void)
{
	if (next_place < (uint64_t)toy.now_ns)
		next_place = (uint64_t)toy.now_ns;
	return next_place++;
}

static struct twin *twin_at(size_t i)
{
	return &twins[live[i]];
}

static bool waits(const struct twin *twin)
{
	return twin->task && !twin->in_lane;
}

static size_t count_of(uint32_t owner, int queue, bool in_lane)
{
	size_t n = 0;

	for (size_t i = 0; i < n_live; i++) {
		const struct twin *twin = twin_at(i);

		n += twin->task && twin->owner == owner && (queue < 0 || twin->queue == queue) && twin->in_lane == in_lane;
	}
	return n;
}

static bool is_held(uint32_t owner)
{
	return shares.running && owner != 0 && count_of(owner, -1, true) >= shares.running;
}

static bool ages(int queue)
{
	return options[queue].order == QUEUE_PRIORITY && options[queue].ageing_ns > 0;
}

/* Less is earlier: of one that came at PLACE. */
static int64_t aged(int queue, int32_t priority, uint64_t place)
{
	return (int64_t)place - priority * options[queue].ageing_ns;
}

static int32_t level(const struct twin *twin)
{
	return options[twin->queue].order == QUEUE_PRIORITY ? twin->priority : 0;
}

/* As two tasks of one owner, or of all in a queue that is not fair. */
static bool goes_before(const struct twin *a, const struct twin *b)
{
	if (a->awaited != b->awaited)
		return a->awaited > b->awaited;
	if (!a->awaited && options[a->queue].order == QUEUE_LIFO)
		return a->place > b->place;
	if (!a->awaited && ages(a->queue) &&
		aged(a->queue, a->priority, a->place) != aged(b->queue, b->priority, b->place))
		return aged(a->queue, a->priority, a->place) < aged(b->queue, b->priority, b->place);
	if (!a->awaited && !ages(a->queue) && level(a) != level(b))
		return level(a) > level(b);
	return a->place < b->place;
}

static struct twin *own_next(int queue, uint32_t owner)
{
	struct twin *best = NULL;

	for (size_t i = 0; i < n_live; i++) {
		struct twin *twin = twin_at(i);

		if (waits(twin) && twin->queue == queue && twin->owner == owner && (!best || goes_before(twin, best)))
			best = twin;
	}
	return best;
}

static int32_t most_urgent(int queue, uint32_t owner)
{
	int32_t most = INT32_MIN;

	for (size_t i = 0; i < n_live; i++) {
		const struct twin *twin = twin_at(i);

		if (waits(twin) && twin->queue == queue && twin->owner == owner && twin->priority > most)
			most = twin->priority;
	}
	return most;
}

/* As those that are next of two owners. */
static bool turn_goes_before(const struct twin *a, const struct twin *b)
{
	int queue = a->queue;
	uint64_t at = turns[queue][a->owner].at, other = turns[queue][b->owner].at;

	if (!options[queue].fair || a->awaited || b->awaited)
		return goes_before(a, b);
	if (ages(queue)) {
		int64_t x = aged(queue, most_urgent(queue, a->owner), at);
		int64_t y = aged(queue, most_urgent(queue, b->owner), other);

		return x != y ? x < y : at < other;
	}
	return level(a) != level(b) ? level(a) > level(b) : at < other;
}

static struct twin *next_of(int queue)
{
	struct twin *best = NULL;

	for (uint32_t owner = 0; owner < OWNERS; owner++) {
		struct twin *own = own_next(queue, owner);

		if (own && (own->awaited || !is_held(owner)) && (!best || turn_goes_before(own, best)))
			best = own;
	}
	return best;
}

/* --- what follows from the core's choices --- */

/* Before it is there: PLACE 0: it has one, and comes back. */
static void joins(const struct twin *twin, uint64_t place)
{
	struct turn *turn = &turns[twin->queue][twin->owner];

	if (count_of(twin->owner, twin->queue, false) == 0)
		*turn = (struct turn){ .at = place ? place : new_place() };
}

static void comes_back(struct twin *twin)
{
	struct turn *turn = &turns[twin->queue][twin->owner];

	n_back++;
	joins(twin, 0);
	twin->in_lane = false;
	if (!options[twin->queue].fair || !turn->before)
		return;
	turn->at = turn->before;
	turn->before = 0;
}

static void on_start(struct toy *unused, const struct task *task, bool refused)
{
	struct twin *twin = &twins[task->id];
	struct turn *turn = &turns[twin->queue][twin->owner];

	(void)unused;
	CHECK(!paused[twin->queue] && next_of(twin->queue) == twin, task->id);
	if (refused)
		return;
	if (options[twin->queue].fair) {
		n_fair_starts++;
		*turn = (struct turn){ .at = new_place(), .before = turn->at };
	}
	twin->in_lane = true;
}

static void on_revoked(struct toy *unused, const struct task *task)
{
	(void)unused;
	if (twins[task->id].task) /* else it is cancelled */
		comes_back(&twins[task->id]);
}

/* --- the comparison --- */

static void prune(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_live; i++)
		if (twin_at(i)->task)
			live[n++] = live[i];
	n_live = n;
}

static void compare(void)
{
	prune();
	for (int i = 0; i < QUEUES; i++) {
		const struct twin *next = next_of(i);

		CHECK(queue_first(queues[i]) == (next ? next->task : NULL), next ? next->task->id : 0);
	}
	for (uint32_t owner = 0; owner < OWNERS; owner++) {
		struct core_user_figures figures;
		size_t held = 0;

		for (size_t i = 0; i < n_live && is_held(owner); i++)
			held += waits(twin_at(i)) && twin_at(i)->owner == owner && !twin_at(i)->awaited;
		core_user_figures(toy.core, owner, &figures);
		CHECK(figures.queued == count_of(owner, -1, false), owner);
		CHECK(figures.running == count_of(owner, -1, true), owner);
		CHECK(figures.held == held, owner);
		n_held += held;
	}
}

/* No slot is without any while somebody may go; but one that has refused is left alone for a moment. */
static void compare_idle(void)
{
	bool is_idle = false;

	for (int i = 0; i < SLOTS; i++) {
		if (!slots[i]->room)
			refused_ns[i] = toy.now_ns;
		is_idle |= !slots[i]->count && toy.now_ns - refused_ns[i] > 2 * STALL_NS;
	}
	for (int i = 0; i < QUEUES && is_idle; i++)
		CHECK(paused[i] || !next_of(i), next_of(i)->task->id);
}

/* --- operations --- */

static size_t n_active(void)
{
	return core_totals(toy.core)->waiting + core_totals(toy.core)->in_lanes;
}

static void submit(uint32_t owner, int queue)
{
	struct twin twin = { .queue = queue, .owner = owner, .priority = (int32_t)pick(4) };
	struct task *task;
	uint64_t place = new_place();

	joins(&twin, place);
	if (toy_try(&toy, (struct task_spec){ .queue = queues[queue], .owner = owner, .priority = twin.priority }, &task))
		abort();
	CHECK(task->place == place, task->id);
	twin.task = task;
	twin.place = place;
	twins[last_id = task->id] = twin;
	live[n_live++] = last_id;
}

static struct twin *random_twin(void)
{
	return n_live ? twin_at((size_t)pick((long)n_live)) : NULL;
}

static void cancel(struct twin *twin)
{
	struct task *task = twin->task;
	bool unstarted = !twin->in_lane;

	for (int i = 0; i < SLOTS; i++)
		for (int k = 0; k < slots[i]->count; k++)
			unstarted |= slots[i]->lane[k].task == task && !slots[i]->lane[k].started_ns;
	if (unstarted)
		twin->task = NULL;
	core_cancel(task);
}

static void await(struct twin *twin)
{
	unsigned depth = 1 + (unsigned)pick(3);

	if (depth <= twin->awaited)
		return;
	if (!twin->in_lane) {
		struct task *task = twin->task;

		twin->task = NULL; /* it leaves, and joins anew */
		twin->place = new_place();
		joins(twin, twin->place);
		twin->task = task;
	}
	twin->awaited = depth;
	core_task_await(twin->task, depth);
}

static void finish(struct toy_slot *slot)
{
	if (!slot->count)
		return;
	twins[slot->lane[0].task->id].task = NULL;
	toy_finish(slot, TASK_SUCCEEDED);
	toy_teach(&toy, chance(50) ? NS_PER_US : 300 * NS_PER_US);
}

/* Newest first: what it had taken is over, the rest comes back. */
static void die(struct toy_slot *slot)
{
	for (int i = slot->count; i-- > 0;) {
		struct twin *twin = &twins[slot->lane[i].task->id];

		if (slot->lane[i].started_ns)
			twin->task = NULL;
		else
			comes_back(twin);
	}
	toy_die(slot, SIGKILL);
	core_slot_ready(slot->slot);
}

static void set_queue(int queue)
{
	options[queue].order = chance(50) ? options[queue].order : (enum queue_order)pick(3);
	options[queue].ageing_ns = chance(30) ? 1 + pick(100) * NS_PER_US : 0;
	options[queue].fair = chance(50);
	core_queue_set(queues[queue], &options[queue]);
}

static void toggle(int queue)
{
	paused[queue] = !paused[queue];
	if (paused[queue])
		core_queue_pause(queues[queue]);
	else
		core_queue_resume(queues[queue]);
}

static void set_shares(void)
{
	shares = (struct core_shares){ .running = chance(70) ? 1 + (size_t)pick(12) : 0, .n_exempt = 1 };
	core_set_shares(toy.core, &shares);
}

static void operate(void)
{
	struct toy_slot *slot = slots[pick(SLOTS)];
	struct twin *twin = random_twin();
	long what = pick(1000);

	if (what < 400 && n_active() < ACTIVE && last_id + 30 < TASKS)
		for (long n = chance(5) ? 20 : 1, owner = pick(OWNERS), queue = pick(QUEUES); n > 0; n--)
			submit((uint32_t)owner, (int)queue);
	else if (what < 650)
		finish(slot);
	else if (what < 750)
		toy_take(slot);
	else if (what < 930)
		toy_advance(&toy, pick(400) * NS_PER_US), compare_idle();
	else if (what < 950 && twin)
		cancel(twin);
	else if (what < 965 && twin)
		await(twin);
	else if (what < 972)
		die(slot);
	else if (what < 978)
		slot->room = chance(70) ? TOY_LANE : (int)pick(3);
	else if (what < 986)
		toggle((int)pick(QUEUES));
	else if (what < 994)
		set_queue((int)pick(QUEUES));
	else
		set_shares();
}

static void begin(void)
{
	toy_init(&toy);
	toy.on_start = on_start;
	toy.on_revoked = on_revoked;
	for (int i = 0; i < SLOTS; i++)
		slots[i] = toy_slot_new(&toy);
	for (int i = 0; i < QUEUES; i++) {
		queues[i] = i ? toy_queue_new(&toy, i == 1 ? "one" : "two", 0, 0) : toy.queue;
		options[i] = (struct core_queue_options){ 0 };
		paused[i] = false;
	}
	shares = (struct core_shares){ 0 };
	memset(refused_ns, 0, sizeof(refused_ns));
	last_id = n_live = 0;
	next_place = 1;
	n_held = n_fair_starts = n_back = 0;
}

static void end(void)
{
	set_shares();
	for (int i = 0; i < QUEUES; i++)
		if (paused[i])
			toggle(i);
	for (int i = 0; i < SLOTS; i++)
		slots[i]->room = TOY_LANE;
	for (int n = 0; n_active() && n < 10000; n++) {
		toy_advance(&toy, 10 * NS_PER_MS);
		for (int i = 0; i < SLOTS; i++)
			finish(slots[i]);
		compare();
	}
	CHECK(!n_active(), 0);
	for (int i = 0; i < QUEUES; i++)
		CHECK(LIST_EMPTY(&queues[i]->lines) && !queues[i]->order.count && !queues[i]->owners.count, i);
	toy_fini(&toy);
	for (int i = 0; i < SLOTS; i++)
		free(slots[i]);
}

/* _i: the seed */
START_TEST(who_is_next_is_who_is_next_by_a_naive_search)
{
	seed = _i;
	srandom((unsigned)seed);
	begin();
	for (int i = 0; i < OPERATIONS; i++) {
		operate();
		compare();
	}
	ck_assert(n_held > 100 && n_fair_starts > 100 && n_back > 20);
	end();
}
END_TEST

static int number_of(const char *variable, int otherwise)
{
	const char *text = getenv(variable);

	return text ? atoi(text) : otherwise;
}

int main(void)
{
	Suite *suite = suite_create("core: owners at random");
	TCase *tcase = tcase_create("model");
	int first = number_of("TASKD_MODEL_FIRST", 1);

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, who_is_next_is_who_is_next_by_a_naive_search, first,
		first + number_of("TASKD_MODEL_SEEDS", 5));
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
