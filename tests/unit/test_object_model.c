/* Random operations on locks, semaphores, conditions and tasks' claims, against a simple model of them: the same answers, the
 * same who are told the same, the same who hold and wait in the same order; and a wait is refused exactly when everybody who
 * can go on has gone on, and it would still be there. */
#include "object_model.h"
#include "object_world.h"

struct run {
	struct model model;
	struct object_owner tasks[MODEL_TASKS];
	struct object_ticket tickets[MODEL_TASKS];
	bool was_called[MODEL_TASKS];
	struct object_wait waits[MODEL_WAITS];
	bool told[MODEL_WAITS];
	enum object_status status[MODEL_WAITS];
	struct object_grant grants[MODEL_WAITS];
	uint64_t fence;        /* the last one that anybody saw */
	uint64_t fence_before; /* …before the operation */
	uint32_t random;
	bool exact; /* no conditions: whoever waits in a circle is refused */
	unsigned n_refused, n_told, n_died, n_taken;
	char wrong[300]; /* the first thing that was; "" */
};
static struct run run;

#define wrong(...)                                                           \
	do {                                                                 \
		if (!run.wrong[0])                                           \
			snprintf(run.wrong, sizeof(run.wrong), __VA_ARGS__); \
	} while (0)

static uint32_t chance(uint32_t below)
{
	return world_random(&run.random, below);
}

static void wait_told(struct object_wait *wait, enum object_status status, const struct object_grant *grant)
{
	size_t i = (size_t)(wait - run.waits);

	if (run.told[i])
		wrong("wait %zu was told twice", i);
	run.told[i] = true;
	run.status[i] = status;
	run.grants[i] = *grant;
}

static void task_ready(struct object_ticket *ticket)
{
	size_t i = (size_t)(ticket - run.tickets);

	if (run.was_called[i])
		wrong("task %zu was called twice", i);
	run.was_called[i] = true;
}

/* --- names --- */

static struct object_name object_name(int object)
{
	static const char *const names[] = { "l0", "l1", "l2", "l3", "s0", "s1", "s2", "c0", "c1" };

	return name_of(names[object]);
}

static enum object_kind object_kind(int object)
{
	return object < MODEL_LOCKS ? OBJECT_LOCK : object < MODEL_OBJECTS ? OBJECT_SEMAPHORE : OBJECT_CONDITION;
}

static struct object_holder object_holder(int holder)
{
	int connection = model_holder_connection(holder);

	if (connection != NOWHERE)
		return holder_of(connection, holder % MODEL_TOKENS ? "t" : NULL);
	return (struct object_holder){ .owner = &run.tasks[holder - MODEL_CONNECTIONS * MODEL_TOKENS] };
}

/* Not a task that has not its claims. */
static int any_holder(void)
{
	int holder = (int)chance(MODEL_HOLDERS);
	int task = holder - MODEL_CONNECTIONS * MODEL_TOKENS;

	return task >= 0 && !run.model.tasks[task].has ? (int)chance(MODEL_CONNECTIONS * MODEL_TOKENS) : holder;
}

static int any_wait(bool on)
{
	int start = (int)chance(MODEL_WAITS);

	for (int i = 0; i < MODEL_WAITS; i++) {
		int at = (start + i) % MODEL_WAITS;

		if ((run.model.waits[at].object != NOWHERE) == on)
			return at;
	}
	return NOWHERE;
}

/* --- one operation each --- */

static void check_status(const char *what, int status, int wanted)
{
	if (status != wanted)
		wrong("%s: %d instead of %d", what, status, wanted);
}

/* A grant that was given at once. */
static void check_grant(int object, int holder, const struct object_grant *grant, bool died)
{
	struct model_hold *hold = model_hold_of(&run.model, object, holder);

	if (!hold || grant->holder_died != died || (object < MODEL_LOCKS && grant->depth != hold->count))
		wrong("a grant of %s is not as it should be", object_name(object).data);
	if (hold && grant->fence != hold->fence && grant->fence <= run.fence)
		wrong("a fence of %s does not grow", object_name(object).data);
	if (hold && object < MODEL_LOCKS && hold->count > 1 && grant->fence != hold->fence)
		wrong("a fence of %s that is not its first one's", object_name(object).data);
	if (hold)
		hold->fence = grant->fence;
	if (run.fence < grant->fence)
		run.fence = grant->fence;
}

/* STATUS of a request of which the model says WANTED, as if there were no circles. */
static void check_request(const char *what, int object, int holder, int status, int wanted, struct model_wait *wait,
	const struct object_grant *grant, bool died)
{
	if (wanted == OBJECT_WAITING && (run.exact || status == OBJECT_DEADLOCK) && model_is_stuck(&run.model, wait)) {
		wanted = OBJECT_DEADLOCK;
		run.n_refused++;
	}
	if (wanted == OBJECT_DEADLOCK && wait)
		wait->object = NOWHERE;
	check_status(what, status, wanted);
	if (status == OBJECT_DEADLOCK && world.problem.n_links == 0)
		wrong("a circle of nobody");
	if (status == OBJECT_DONE && wanted == OBJECT_DONE)
		check_grant(object, holder, grant, died);
}

static void do_lock(void)
{
	int object = (int)chance(MODEL_LOCKS), holder = any_holder(), at = chance(4) ? any_wait(false) : NOWHERE;
	struct model_wait *wait = at == NOWHERE ? NULL : &run.model.waits[at];
	struct lock_request request = {
		.name = object_name(object),
		.holder = object_holder(holder),
		.shared = chance(2),
		.reentrant = chance(2),
	};
	bool again = model_hold_of(&run.model, object, holder), died = run.model.died[object] && !again;
	int wanted = model_lock(&run.model, object, holder, request.shared, request.reentrant, wait);
	struct object_grant grant;
	int status =
		lock_acquire(world.objects, &request, at == NOWHERE ? NULL : &run.waits[at], &grant, &world.problem);

	if (wanted == OBJECT_DONE && !again)
		run.model.died[object] = false;
	check_request("lock_acquire", object, holder, status, wanted, wait, &grant, died);
}

static void do_unlock(void)
{
	int object = (int)chance(MODEL_LOCKS), holder = any_holder();
	struct object_name name = object_name(object);
	struct object_holder object_s = object_holder(holder);

	check_status("lock_release", lock_release(world.objects, &name, &object_s, NULL, &world.problem),
		model_unlock(&run.model, object, holder));
}

static struct semaphore_request any_request(int *object, int *holder)
{
	*object = MODEL_LOCKS + (int)chance(MODEL_SEMAPHORES);
	*holder = any_holder();
	return (struct semaphore_request){
		.name = object_name(*object),
		.holder = object_holder(*holder),
		.slots = model_slots(*object),
		.bounded = 1,
		.count = 1 + chance((uint32_t)model_slots(*object) + (chance(8) == 0)),
	};
}

static void do_acquire(void)
{
	int object, holder, at = chance(4) ? any_wait(false) : NOWHERE;
	struct semaphore_request request = any_request(&object, &holder);
	struct model_wait *wait = at == NOWHERE ? NULL : &run.model.waits[at];
	bool died = run.model.died[object];
	int wanted = model_acquire(&run.model, object, holder, request.count, wait);
	struct object_grant grant;
	int status = semaphore_acquire(
		world.objects, &request, at == NOWHERE ? NULL : &run.waits[at], &grant, &world.problem);

	if (wanted == OBJECT_DONE)
		run.model.died[object] = false;
	check_request("semaphore_acquire", object, holder, status, wanted, wait, &grant, died);
}

static void do_release(void)
{
	int object, holder;
	struct semaphore_request request = any_request(&object, &holder);

	if (request.count > request.slots)
		return;
	check_status("semaphore_release", semaphore_release(world.objects, &request, NULL, &world.problem),
		model_release(&run.model, object, holder, request.count));
}

static void do_condition(void)
{
	int condition = (int)chance(MODEL_CONDITIONS), holder = any_holder(), at = any_wait(false);
	struct object_name name = object_name(MODEL_OBJECTS + condition), lock = object_name(condition);
	struct object_holder object_s = object_holder(holder);

	if (at != NOWHERE)
		check_status("condition_wait",
			condition_wait(world.objects, &name, &lock, &object_s, &run.waits[at], &world.problem),
			model_condition_wait(&run.model, condition, holder, &run.model.waits[at]));
}

static void do_notify(void)
{
	int condition = (int)chance(MODEL_CONDITIONS), holder = any_holder();
	struct object_name name = object_name(MODEL_OBJECTS + condition), lock = object_name(condition);
	struct object_holder object_s = object_holder(holder);
	int64_t count = (int64_t)chance(4) - 1;
	size_t notified, wanted;

	check_status("condition_notify",
		condition_notify(world.objects, &name, &lock, &object_s, count, &notified, &world.problem),
		model_notify(&run.model, condition, holder, count, &wanted));
	if (notified != wanted)
		wrong("%zu were notified instead of %zu", notified, wanted);
}

static void do_leave(void)
{
	int at = any_wait(true);

	if (at == NOWHERE)
		return;
	if (chance(2)) {
		object_wait_drop(&run.waits[at]);
		model_drop(&run.model, &run.model.waits[at]);
	} else if (object_wait_expire(&run.waits[at]) != model_expire(&run.model, &run.model.waits[at])) {
		wrong("a wait that expires");
	}
}

static void do_end(void)
{
	int i = (int)chance(MODEL_CONNECTIONS);
	uint64_t task = world.owners[i].task;

	object_owner_end(&world.owners[i]);
	object_owner_begin(world.objects, &world.owners[i], OWNER_CONNECTION, (uint64_t)i + 1, 1000, 0);
	world.owners[i].task = task;
	model_end(&run.model, i * MODEL_TOKENS, MODEL_TOKENS);
}

static void compare(void);

/* --- tasks --- */

/* A connection runs within the task of its number, if there is one: while that has its claims; it waits for nothing yet. */
static void enter_task(int i, bool enter)
{
	for (int k = 0; k < MODEL_WAITS; k++)
		if (run.model.waits[k].object != NOWHERE && model_holder_connection(run.model.waits[k].holder) == i)
			enter = false;
	world.owners[i].task = enter ? 100 + (uint64_t)i : 0;
	run.model.task_of[i] = enter ? i : NOWHERE;
}

static void task_begin(int i)
{
	object_owner_begin(world.objects, &run.tasks[i], OWNER_TASK, 100 + (uint64_t)i, 1000, 0);
	run.tickets[i] = (struct object_ticket){ .ready = task_ready };
	run.model.tasks[i] = (struct model_task){ .object = NOWHERE };
}

static void take(int i)
{
	struct model_task *task = &run.model.tasks[i];
	struct object_claim claims[MODEL_CLAIMS];
	int wanted, status;

	for (size_t k = 0; k < task->n; k++)
		claims[k] = (struct object_claim){
			.kind = object_kind(task->claims[k].object),
			.name = object_name(task->claims[k].object),
			.shared = task->claims[k].shared,
			.count = task->claims[k].count,
			.slots = task->claims[k].object < MODEL_LOCKS ? -1 : model_slots(task->claims[k].object),
		};
	run.tickets[i].level = task->level;
	run.tickets[i].place = task->place;
	task->ready = false;
	wanted = model_take(&run.model, i);
	status = claims_take(world.objects, &run.tasks[i], claims, task->n, &run.tickets[i], &world.problem);
	check_status("claims_take", status, wanted);
	if (status != OBJECT_DONE || wanted != OBJECT_DONE)
		return;
	run.n_taken++;
	enter_task(i, i < 2);
	if (task->died != run.tickets[i].holder_died)
		wrong("whether the last holder of a claim died");
	if (task->n && run.tickets[i].fence <= run.fence)
		wrong("a claim's fence");
	if (run.tickets[i].fence > run.fence)
		run.fence = run.tickets[i].fence;
}

/* Different ones. */
static void any_claims(struct model_task *task)
{
	bool used[MODEL_OBJECTS] = { false };

	task->n = 0;
	for (uint32_t n = 1 + chance(MODEL_CLAIMS); n > 0; n--) {
		int object = (int)chance(MODEL_OBJECTS);

		if (used[object])
			continue;
		used[object] = true;
		task->claims[task->n++] = (struct model_claim){
			.object = object,
			.shared = object < MODEL_LOCKS && chance(2),
			.count = object < MODEL_LOCKS ? 1 : 1 + chance((uint32_t)model_slots(object)),
		};
	}
}

static void release_claims(int i)
{
	struct model_task *task = &run.model.tasks[i];
	struct object_claim claims[MODEL_CLAIMS];

	for (size_t k = 0; k < task->n; k++)
		claims[k] = (struct object_claim){
			.kind = object_kind(task->claims[k].object),
			.name = object_name(task->claims[k].object),
			.count = task->claims[k].count,
		};
	claims_release(world.objects, &run.tasks[i], claims, task->n);
	model_give(&run.model, i);
}

static void do_task(void)
{
	static uint64_t place;
	int i = (int)chance(MODEL_TASKS);
	struct model_task *task = &run.model.tasks[i];

	if (task->has) { /* ends, in order or not */
		enter_task(i, false);
		if (chance(2)) {
			release_claims(i);
			compare();
		}
		object_owner_end(&run.tasks[i]);
		model_end(&run.model, MODEL_CONNECTIONS * MODEL_TOKENS + i, 1);
		task_begin(i);
	} else if (task->object != NOWHERE || task->ready || task->arrival) {
		if (chance(4) == 0) { /* cancelled */
			object_ticket_drop(&run.tickets[i]);
			model_ticket_drop(&run.model, i);
			task->ready = false;
		}
	} else {
		any_claims(task);
		task->level = (int32_t)chance(3);
		task->place = ++place;
		take(i);
	}
}

/* A turn: those who are called, and those who were earlier and were not started, are started or not. */
static void do_turn(void)
{
	bool more;

	for (int i = 0; i < MODEL_TASKS; i++)
		if (run.model.tasks[i].ready && chance(2))
			take(i);
	do {
		int n;

		do {
			n = model_turn(&run.model);
			if (objects_turn(world.objects) != (n > 0))
				wrong("whether tasks were called");
			for (int i = 0; i < MODEL_TASKS; i++) {
				if (run.was_called[i] != (run.model.tasks[i].ready && n > 0 && run.was_called[i]))
					wrong("task %d was called", i);
				if (run.was_called[i] && chance(4))
					take(i);
				run.was_called[i] = false;
			}
		} while (n > 0 && !run.wrong[0]);
		more = model_settle(&run.model);
		if (!objects_settle(world.objects) && more)
			wrong("tasks were forgotten");
	} while (more && !run.wrong[0]);
}

/* --- comparing --- */

/* What the model cannot know: the fences that were given. */
static void learn_fences(void)
{
	for (size_t i = 0; i < run.model.n_holds; i++) {
		struct object_name name = object_name(run.model.holds[i].object);
		const struct object *object = object_find(world.objects, object_kind(run.model.holds[i].object), &name);
		struct object_holder holder = object_holder(run.model.holds[i].holder);
		const struct object_holding *holding = object ? holding_find(object, who_find(&holder)) : NULL;

		if (!holding)
			continue;
		if (holding->fence < run.model.holds[i].fence)
			wrong("the fence of %s has shrunk", name.data);
		run.model.holds[i].fence = holding->fence;
		if (run.fence < holding->fence)
			run.fence = holding->fence;
	}
}

static void compare_told(int i)
{
	struct model_wait *wait = &run.model.waits[i];
	struct model_hold *hold;

	if (wait->told != run.told[i]) {
		wrong("wait %d was %stold", i, run.told[i] ? "" : "not ");
		return;
	}
	if (object_wait_is_on(&run.waits[i]) != (wait->object != NOWHERE))
		wrong("wait %d is %son", i, wait->object != NOWHERE ? "not " : "");
	if (!wait->told)
		return;
	run.n_told++;
	run.n_died += wait->died;
	wait->told = run.told[i] = false;
	if (run.status[i] != OBJECT_DONE || run.grants[i].holder_died != wait->died ||
		run.grants[i].depth != wait->depth || run.grants[i].notified != wait->notified)
		wrong("wait %d was told something else", i);
	hold = model_hold_of(
		&run.model, wait->got, wait->holder); /* several permits may have come, one after the other */
	if (!hold ||
		(wait->got < MODEL_LOCKS ? run.grants[i].fence != hold->fence : run.grants[i].fence > hold->fence) ||
		(!wait->again && run.grants[i].fence <= run.fence_before))
		wrong("wait %d was told the fence of something else", i);
}

struct listing {
	int object;
	size_t at;
	struct object_party expected[MODEL_HOLDERS + MODEL_WAITS + MODEL_TASKS];
	size_t n;
};

static bool compare_party(void *user, const struct object_party *party)
{
	struct listing *listing = user;
	const struct object_party *wanted = &listing->expected[listing->at];

	if (listing->at++ >= listing->n || party->waits != wanted->waits || party->owner != wanted->owner ||
		party->token.length != wanted->token.length || party->shared != wanted->shared ||
		(listing->object < MODEL_OBJECTS && party->count != wanted->count))
		wrong("%s: its party %zu", object_name(listing->object).data, listing->at);
	return true;
}

static void expect(struct listing *listing, bool waits, int holder, bool shared, int64_t count)
{
	struct object_holder asking = object_holder(holder);

	listing->expected[listing->n++] = (struct object_party){
		.waits = waits,
		.owner = asking.owner,
		.token.length = asking.token_length,
		.shared = shared,
		.count = count,
	};
}

static void expect_tasks(struct listing *listing, uint64_t *after, uint64_t before)
{
	for (;;) {
		int next = NOWHERE;

		for (int i = 0; i < MODEL_TASKS; i++) {
			const struct model_task *task = &run.model.tasks[i];

			if (task->object == listing->object && task->arrival > *after && task->arrival < before &&
				(next == NOWHERE || task->arrival < run.model.tasks[next].arrival))
				next = i;
		}
		if (next == NOWHERE)
			return;
		*after = run.model.tasks[next].arrival;
		expect(listing, true, MODEL_CONNECTIONS * MODEL_TOKENS + next, run.model.tasks[next].lacks.shared,
			run.model.tasks[next].lacks.count);
	}
}

static void compare_object(int number)
{
	struct listing listing = { .object = number };
	struct object_name name = object_name(number);
	const struct object *object = object_find(world.objects, object_kind(number), &name);
	const struct model_wait *wait = NULL;
	uint64_t after = 0;
	bool pinned = number < MODEL_CONDITIONS && model_next(&run.model, MODEL_OBJECTS + number, NULL);

	for (size_t i = 0; i < run.model.n_holds; i++)
		if (run.model.holds[i].object == number)
			expect(&listing, false, run.model.holds[i].holder, run.model.holds[i].shared,
				run.model.holds[i].count);
	while ((wait = model_next(&run.model, number, wait))) {
		expect_tasks(&listing, &after, wait->arrival);
		expect(&listing, true, wait->holder, wait->shared, number < MODEL_LOCKS ? 1 : wait->count);
	}
	expect_tasks(&listing, &after, UINT64_MAX);
	if ((object != NULL) != (listing.n > 0 || pinned || (number < MODEL_OBJECTS && run.model.died[number])))
		wrong("%s is %sthere", name.data, object ? "" : "not ");
	if (!object)
		return;
	object_parties(object, compare_party, &listing);
	if (listing.at != listing.n)
		wrong("%s has %zu parties instead of %zu", name.data, listing.at, listing.n);
}

static void compare(void)
{
	learn_fences();

	const char *broken = objects_broken(world.objects);

	if (broken)
		wrong("%s", broken);
	for (int i = 0; i < MODEL_WAITS; i++)
		compare_told(i);
	for (int i = 0; i < MODEL_OBJECTS + MODEL_CONDITIONS; i++)
		compare_object(i);
	if (run.exact && model_anybody_is_stuck(&run.model))
		wrong("somebody waits in a circle");
}

/* --- runs --- */

static void run_begin(uint32_t seed, bool exact)
{
	memset(&run, 0, sizeof(run));
	world_begin();
	model_init(&run.model);
	run.random = seed * 2654435761U + 1;
	run.exact = exact;
	for (int i = 0; i < MODEL_WAITS; i++)
		run.waits[i].done = wait_told;
	for (int i = 0; i < MODEL_TASKS; i++)
		task_begin(i);
}

static void run_end(void)
{
	for (int i = 0; i < MODEL_TASKS; i++) {
		object_ticket_drop(&run.tickets[i]);
		object_owner_end(&run.tasks[i]);
	}
	for (int i = 0; i < WORLD_OWNERS; i++)
		object_owner_end(&world.owners[i]);
	objects_free(world.objects);
}

static void one_operation(void)
{
	switch (chance(run.exact ? 15 : 20)) {
	case 0:
	case 1:
	case 2:
		do_lock();
		break;
	case 3:
	case 4:
	case 5:
		do_unlock();
		break;
	case 6:
	case 7:
		do_acquire();
		break;
	case 8:
	case 9:
		do_release();
		break;
	case 10:
	case 11:
		do_leave();
		break;
	case 12:
		if (chance(3) == 0)
			do_end();
		break;
	case 13:
	case 15:
		do_task();
		break;
	case 14:
	case 16:
		do_turn();
		break;
	case 17:
	case 18:
		do_condition();
		break;
	case 19:
		do_notify();
		break;
	}
}

#define STEPS 400

static void check_seeds(bool exact)
{
	unsigned refused = 0, told = 0, died = 0, taken = 0, step = 0;
	char failed[400] = "";

	for (unsigned seed = 1; seed <= world_seeds(300) && !failed[0]; seed++) {
		run_begin(seed, exact);
		for (step = 0; step < STEPS && !run.wrong[0]; step++) {
			run.fence_before = run.fence;
			one_operation();
			compare();
		}
		if (run.wrong[0])
			snprintf(failed, sizeof(failed), "seed %u, step %u: %s", seed, step, run.wrong);
		refused += run.n_refused;
		told += run.n_told;
		died += run.n_died;
		taken += run.n_taken;
		run_end();
	}
	ck_assert_msg(!failed[0], "%s", failed);
	if (getenv("TASKD_TEST_SEEDS"))
		printf("refused %u, told %u (of which %u of a death), taken %u\n", refused, told, died, taken);
	ck_assert_uint_gt(refused, 100);
	ck_assert_uint_gt(told, 1000);
	ck_assert_uint_gt(died, 10);
	ck_assert_uint_gt(taken, 1000);
}

START_TEST(what_happens_is_what_the_model_says_and_circles_are_refused_and_nothing_else_is)
{
	check_seeds(true);
}
END_TEST

START_TEST(what_happens_is_what_the_model_says_with_conditions)
{
	check_seeds(false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("object_model");
	TCase *tcase = tcase_create("model");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, what_happens_is_what_the_model_says_and_circles_are_refused_and_nothing_else_is);
	tcase_add_test(tcase, what_happens_is_what_the_model_says_with_conditions);
	suite_add_tcase(suite, tcase);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
