/* Random operations on the core and on a model of it that is too simple to be wrong; after every turn nothing may differ.
 * The model says beforehand what every operation does; what the core calls its surroundings for is held against that as
 * it comes. Where the core has a choice (which slot, when to look into a lane, which of two records that are equally old
 * goes first) the model says whether it was allowed, and follows.
 *
 * TASKD_MODEL_SEEDS is how many seeds are tried, TASKD_MODEL_FIRST the first of them. A difference prints both, and what
 * was done last; CK_FORK=no with those is for a debugger. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_world.h"

#define STEPS 10000
#define SEEDS 20

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
	note("slot %d says that %llu %s", index_of(lane), (unsigned long long)record.id, task_state_name(word));
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
			lane->slot = core_slot_new(world.pools[lane->pool], lane);
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
		.fair = chance(25),
	};
}

static void remove_queue(int queue)
{
	for (size_t i = 0; i < model.n_live; i++)
		if (model.tasks[model.live[i]].spec.queue == queue && !model_over(&model.tasks[model.live[i]]))
			return;
	note("queue %d is removed", queue);
	core_queue_free(world.queues[queue]);
	model.queues[queue].exists = false;
}

static void do_pause(int queue)
{
	note("queue %d is paused", queue);
	model.queues[queue].paused = true;
	core_queue_pause(world.queues[queue]);
	for (int i = 0; i < SLOTS; i++)
		for (int k = 0; k < world.lanes[i].count; k++)
			CHECK(world.lanes[i].records[k].taken_ns || model.tasks[world.lanes[i].records[k].id].spec.queue != queue,
				"slot %d still has %llu", i, (unsigned long long)world.lanes[i].records[k].id);
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
	note("queue %d: order %d running %zu rate %g/%u ageing %lld fair %d", queue, options.order, options.limit_running,
		options.rate, options.burst, (long long)options.ageing_ns, options.fair);
	if (options.rate != twin->options.rate || options.burst != twin->options.burst)
		twin->n_starts = 0;
	twin->changed_ns = model.now_ns;
	twin->options = options;
	core_queue_set(world.queues[queue], &options);
}

static void do_resume(int queue)
{
	note("queue %d is resumed", queue);
	model.queues[queue].paused = model.queues[queue].draining = false;
	core_queue_resume(world.queues[queue]);
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
		core_queue_drain(world.queues[queue]);
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

static void do_shares(void)
{
	struct core_shares shares = { .exempt = { 1000 + MODEL_OWNERS - 1, 0 }, .n_exempt = 2 };

	if (chance(60)) {
		shares.running = chance(70) ? 1 + (size_t)pick(8) : 0;
		shares.queued = chance(30) ? 20 + (size_t)pick(80) : 0;
		shares.queued_bytes = chance(20) ? 1000 + (size_t)pick(10000) : 0;
	}
	note("shares: running %zu queued %zu bytes %zu", shares.running, shares.queued, shares.queued_bytes);
	model.shares = shares;
	core_set_shares(world.core, &shares);
}

/* --- time --- */

static void turn(int64_t delta_ns, int64_t wall_delta_ns)
{
	int64_t now_ns = model.now_ns + delta_ns, wall_ns = model.wall_ns + wall_delta_ns;

	core_set_now(world.core, now_ns);
	core_set_wall(world.core, wall_ns);
	model_turn(&model, now_ns, wall_ns);
	note("turn");
	world.in_turn = true;
	world.last_joined = 0;
	int64_t next_ns = core_turn(world.core);
	world.in_turn = false;
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
	struct lane *lane = &world.lanes[pick(SLOTS)];
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
	else if (dice < 965)
		do_crowd();
	else if (dice < 985)
		do_slot(lane);
	else if (dice < 990)
		do_shares();
	else
		do_queue();
}

/* Everything comes to an end where nothing hinders it. */
static void finish(void)
{
	model.shares = (struct core_shares){ 0 };
	core_set_shares(world.core, &model.shares);
	for (int queue = 0; queue < model.n_queues; queue++)
		if (model.queues[queue].exists) {
			model.queues[queue].paused = model.queues[queue].draining = false;
			core_queue_resume(world.queues[queue]);
			model.queues[queue].options.limit_running = 0;
			model.queues[queue].options.rate = 0;
			core_queue_set(world.queues[queue], &model.queues[queue].options);
		}
	for (int i = 0; i < SLOTS; i++) {
		world.lanes[i].ready = true;
		world.lanes[i].room = LANE;
		core_slot_ready(world.lanes[i].slot);
	}
	for (int i = 0; i < MODEL_CROWD; i++) {
		crowd_end(i);
		crowd_begin(i);
	}
	for (int turns = 0; n_active(); turns++) {
		CHECK(turns < 5000, "%zu do not come to an end", n_active());
		turn(10 * MS, 60 * NS_PER_S);
		for (int i = 0; i < SLOTS; i++)
			do_finish(&world.lanes[i], TASK_SUCCEEDED);
	}
	for (int turns = 0; core_totals(world.core)->kept; turns++) {
		CHECK(turns < 100, "%zu records stay", core_totals(world.core)->kept);
		turn(NS_PER_S, NS_PER_S);
	}
	SAME(core_totals(world.core)->kept_bytes, 0, "bytes kept", 0);
	SAME(model.n_live, 0, "the model's tasks", 0);
	turn(0, 0);
	CHECK(core_turn(world.core) == CLOCK_NEVER, "there is more to do");
}

START_TEST(core_agrees_with_the_model)
{
	world_init(_i);
	for (int n = 0; n < STEPS; n++)
		step();
	ck_assert_uint_gt(world.n_revoked, 0);
	ck_assert_uint_gt(world.n_stolen, 0);
	ck_assert_uint_gt(world.n_killed, 0);
	ck_assert_uint_gt(world.n_retried, 0);
	ck_assert_uint_gt(world.n_failed_dependents, 0);
	ck_assert_uint_gt(world.n_dropped, 0);
	ck_assert_uint_gt(world.n_missed, 0);
	ck_assert_uint_gt(world.n_held, 0);
	finish();
	world_fini();
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
