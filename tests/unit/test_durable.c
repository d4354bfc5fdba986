/* What a core has recorded in a real store is there again in the next one: tasks of every shape, numbers, queues, schedules. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xmalloc.h"
#include "core/cron.h"
#include "durable_world.h"
#include "object/object.h"
#include "pool/pool.h"

#define SHAPES_MOST 32

/* How the daemon ends and comes back. */
static void restart(void)
{
	world_end();
	world_load();
}

static void crash(void)
{
	world_crash();
	world_load();
}

static void reboot(void)
{
	world_crash();
	world_reboot();
	world_load();
}

static void (*const ways[])(void) = { restart, crash, reboot };
#define N_WAYS 3

static uint64_t shapes[SHAPES_MOST];
static size_t n_shapes;

static uint64_t shape(const struct task_spec *spec)
{
	uint64_t id = world_submit(spec)->id;
	shapes[n_shapes++] = id;
	return id;
}

static const struct object_claim claims[] = {
	{ .kind = OBJECT_LOCK, .name = { "a lock", 6 } },
	{ .kind = OBJECT_LOCK, .name = { "shared", 6 }, .shared = true },
	{ .kind = OBJECT_SEMAPHORE, .name = { "gpu", 3 }, .count = 2, .slots = 4 },
	{ .kind = OBJECT_SEMAPHORE, .name = { "tape", 4 }, .count = 1, .slots = -1 },
};
static const struct task_retry retry = {
	.retries = 3, .on = RETRY_FAILED | RETRY_CRASHED, .backoff_ns = NS_PER_S, .backoff_max_ns = 5 * NS_PER_S, .factor = 1.5,
	.jitter = 0.25,
};

/* Nothing is started here: there is no slot. */
static void submit_shapes(uint64_t ended)
{
	struct task_spec spec = world_spec();
	n_shapes = 0;
	uint64_t plain = shape(&spec);
	spec.priority = -3;
	spec.items = 2;
	spec.tag = "night";
	spec.tag_length = 5;
	shape(&spec);
	spec = world_spec();
	spec.key = "k\0y";
	spec.key_length = 3;
	spec.timeout_ns = 5 * NS_PER_S;
	shape(&spec);
	spec = world_spec();
	spec.expires_ns = core_now(world.core) + 3600 * NS_PER_S;
	spec.retry = &retry;
	spec.on_interrupt_crash = true;
	shape(&spec);
	spec = world_spec();
	spec.due_ns = core_now(world.core) + 7200 * NS_PER_S;
	shape(&spec);
	spec.due_ns = core_wall(world.core) + 7200 * NS_PER_S;
	spec.wall = true;
	shape(&spec);
	spec = world_spec();
	spec.claims = claims;
	spec.n_claims = sizeof(claims) / sizeof(*claims);
	shape(&spec);
	spec = world_spec();
	spec.after = (struct task_ref[]){ { .id = ended }, { .id = plain } };
	spec.n_after = 2;
	spec.after_any = (struct task_ref[]){ { .id = shapes[1] } };
	spec.n_after_any = 1;
	spec.pass_results = true;
	shape(&spec);
	spec = world_spec();
	spec.queue = core_queue_find(world.core, "second");
	spec.type = core_type(world.core, "another", 7);
	shape(&spec);
}

static void expect_equal(char *const *before, const uint64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *after = world_describe(ids[i]);
		ck_assert_str_eq(after, before[i]);
		free(after);
	}
}

static void free_all(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
}

static uint64_t end_one(struct world_slot *slot, const struct task_spec *spec, enum task_state state, const char *json)
{
	uint64_t id = world_submit(spec)->id;
	while (!core_slot_in_flight(slot->slot))
		world_turn();
	world_take(slot);
	world_done(slot, state, json);
	world_until_state(id, state);
	return id;
}

START_TEST(what_waits_is_there_again_as_it_was)
{
	char *before[SHAPES_MOST], *error = NULL;
	world_load();
	struct world_slot *slot = world_slot();
	const struct task_spec spec = world_spec();
	uint64_t ended = end_one(slot, &spec, TASK_SUCCEEDED, "{\"passed\":1}");
	core_slot_retire(slot->slot);
	const struct core_queue_options options = { .burst = 1, .weight = 1 };
	ck_assert_ptr_nonnull(pools_queue_create(NULL, "second", NULL, &options, &error));
	submit_shapes(ended);
	world_settle();
	world_pass(NS_PER_S / 3);
	for (size_t i = 0; i < n_shapes; i++)
		before[i] = world_describe(shapes[i]);
	ways[_i]();
	expect_equal(before, shapes, n_shapes);
	free_all(before, n_shapes);
	struct durable_figures figures;
	durable_figures(world.durable, &figures);
	ck_assert_uint_eq(figures.recovered, n_shapes);
	ck_assert_uint_eq(figures.interrupted, 0);
	ck_assert(world_find(shapes[0])->recovered);
}
END_TEST

START_TEST(what_has_ended_is_there_again_as_it_was)
{
	uint64_t ids[5];
	char *before[5];
	world_load();
	struct world_slot *slot = world_slot();
	struct task_spec spec = world_spec();
	ids[0] = end_one(slot, &spec, TASK_SUCCEEDED, "[832040]");
	spec.tag = "bad";
	spec.tag_length = 3;
	ids[1] = end_one(slot, &spec, TASK_FAILED, "it was wrong");
	spec = world_spec();
	spec.retry = &(struct task_retry){ .retries = 1, .on = RETRY_ALL, .factor = 1 };
	ids[2] = world_submit(&spec)->id;
	for (int attempt = 0; attempt < 2; attempt++) {
		while (!core_slot_in_flight(slot->slot))
			world_turn();
		world_take(slot);
		world_pass(NS_PER_S);
		world_done(slot, TASK_FAILED, attempt ? "at last" : "at first");
	}
	world_until_state(ids[2], TASK_FAILED);
	spec = world_spec();
	ids[3] = world_submit(&spec)->id;
	while (!core_slot_in_flight(slot->slot))
		world_turn();
	world_take(slot);
	world_pass(NS_PER_S);
	slot->runs = NULL;
	core_slot_lost(slot->slot, &(struct task_obituary){ .pid = 4711, .wait_status = 11, .reason = "it was asked to",
		.usage = { .ru_utime = { 1, 250 }, .ru_maxrss = 1000 } });
	world_until_state(ids[3], TASK_CRASHED);
	ids[4] = world_submit(&spec)->id;
	core_cancel(world_find(ids[4]));
	world_until_state(ids[4], TASK_CANCELLED);
	world_settle();
	for (size_t i = 0; i < 5; i++)
		before[i] = world_describe(ids[i]);
	ck_assert_ptr_nonnull(strstr(before[2], "{failed"));
	ways[_i]();
	expect_equal(before, ids, 5);
	free_all(before, 5);
}
END_TEST

START_TEST(what_ran_is_run_again_or_has_crashed)
{
	world_load();
	struct world_slot *first = world_slot(), *second = world_slot();
	struct task_spec spec = world_spec();
	uint64_t again = world_submit(&spec)->id;
	while (!core_slot_in_flight(first->slot) && !core_slot_in_flight(second->slot))
		world_turn();
	spec.on_interrupt_crash = true;
	uint64_t once = world_submit(&spec)->id;
	while (world.n_started < 2)
		world_turn();
	world_take(first);
	world_take(second);
	uint64_t place = world_find(again)->place;
	world_settle();
	if (_i == 0) /* as at the end of a stop that does not wait any more */
		core_interrupt_all(world.core);
	ways[_i]();
	world_settle();
	const struct task *task = world_find(again);
	ck_assert_int_eq(task->state, TASK_QUEUED);
	ck_assert_int_eq(task->attempt, 2);
	ck_assert_uint_eq(task->place, place);
	ck_assert_int_eq(world_find(once)->state, TASK_CRASHED);
	struct durable_figures figures;
	durable_figures(world.durable, &figures);
	ck_assert_uint_eq(figures.interrupted, 2);
	crash(); /* that it has crashed, and waits for its second attempt, is on disk by now */
	ck_assert_int_eq(world_find(again)->attempt, 2);
	ck_assert_int_eq(world_find(once)->state, TASK_CRASHED);
}
END_TEST

START_TEST(what_is_not_durable_is_gone_and_its_number_is_not_used_again)
{
	world_load();
	struct task_spec spec = world_spec();
	spec.durable = false;
	uint64_t id = world_submit(&spec)->id;
	ways[_i]();
	ck_assert_ptr_null(world_find(id));
	spec = world_spec();
	ck_assert_uint_gt(world_submit(&spec)->id, id);
}
END_TEST

START_TEST(an_end_in_order_leaves_no_gap_in_the_numbers)
{
	struct core_numbers before, after;
	world_load();
	const struct task_spec spec = world_spec();
	world_submit(&spec);
	core_numbers(world.core, &before);
	restart();
	core_numbers(world.core, &after);
	ck_assert_uint_eq(after.id, before.id);
	ck_assert_uint_eq(after.fence, before.fence);
	ck_assert_uint_ge(after.place, before.place);
}
END_TEST

START_TEST(more_numbers_than_were_reserved_are_covered_before_anybody_hears_of_them)
{
	world_load();
	struct task_spec spec = world_spec();
	spec.durable = false;
	uint64_t last = 0;
	for (int i = 0; i < 30000; i++)
		last = world_submit(&spec)->id;
	bool held = durable_holds_answers(world.durable);
	spec.durable = true;
	uint64_t durable = world_submit(&spec)->id;
	world_until_state(durable, TASK_QUEUED);
	ck_assert(held);
	ck_assert(!durable_holds_answers(world.durable));
	crash();
	spec = world_spec();
	ck_assert_uint_gt(world_submit(&spec)->id, last + 1);
}
END_TEST

START_TEST(queues_are_as_they_were)
{
	struct core_queue_figures figures;
	char *error = NULL;
	world_load();
	const struct core_queue_options options = {
		.limit_queued = 5, .order = QUEUE_LIFO, .rate = 2.5, .burst = 3, .weight = 4,
	};
	struct core_queue *made = pools_queue_create(NULL, "made", NULL, &options, &error);
	struct core_queue *gone = pools_queue_create(NULL, "gone", NULL, &(struct core_queue_options){ .burst = 1 }, &error);
	durable_queue_set(world.durable, made, 0);
	core_queue_pause(made);
	core_queue_drain(world.queue);
	core_queue_free(gone);
	world_settle();
	ways[_i]();
	made = core_queue_find(world.core, "made");
	ck_assert_ptr_nonnull(made);
	core_queue_figures(made, &figures);
	ck_assert(figures.paused && !figures.draining);
	ck_assert_uint_eq(figures.options.limit_queued, 5);
	ck_assert_int_eq(figures.options.order, QUEUE_LIFO);
	ck_assert_double_eq(figures.options.rate, 2.5);
	ck_assert_uint_eq(figures.options.weight, 4);
	ck_assert_int_eq(durable_queue_get(world.durable, made), 0);
	ck_assert(!durable_wanted(world.durable, made, -1, true) && durable_wanted(world.durable, made, 1, false));
	ck_assert(durable_wanted(world.durable, world.queue, -1, true));
	ck_assert(!durable_wanted(world.durable, world.queue, -1, false));
	core_queue_figures(world.queue, &figures);
	ck_assert(figures.draining);
	ck_assert_ptr_null(core_queue_find(world.core, "gone"));
	core_queue_resume(world.queue);
	world_settle();
	ways[_i]();
	core_queue_figures(world.queue, &figures);
	ck_assert(!figures.draining);
}
END_TEST

START_TEST(schedules_go_on)
{
	struct core_schedule *schedule;
	struct cron cron;
	char error[256];
	world_load();
	ck_assert_int_eq(cron_parse("30 4 * * *", &cron, error, sizeof(error)), 0);
	struct core_schedule_spec spec = { .name = "nightly", .task = world_spec(), .cron = &cron, .text = "30 4 * * *",
		.expires_ns = NS_PER_S, .overlap = true, .groups = (const uint32_t[]){ 4294967294, 27, 0 }, .n_groups = 3 };
	spec.task.claims = claims;
	spec.task.n_claims = 4;
	ck_assert_int_eq(core_schedule_add(world.core, &spec, &schedule), CORE_OK);
	int64_t nightly_ns = schedule->next_ns;
	spec = (struct core_schedule_spec){ .name = "often", .task = world_spec(), .every_ns = 600 * NS_PER_S, .catch_up = true };
	spec.task.retry = &retry;
	ck_assert_int_eq(core_schedule_add(world.core, &spec, &schedule), CORE_OK);
	spec = (struct core_schedule_spec){ .name = "gone", .task = world_spec(), .every_ns = NS_PER_S };
	ck_assert_int_eq(core_schedule_add(world.core, &spec, &schedule), CORE_OK);
	core_schedule_remove(world.core, schedule);
	spec = (struct core_schedule_spec){ .name = "missed", .task = world_spec(), .every_ns = 300 * NS_PER_S };
	ck_assert_int_eq(core_schedule_add(world.core, &spec, &schedule), CORE_OK);
	world_pass(700 * NS_PER_S); /* one run */
	world_turn();
	world_settle();
	uint64_t run = core_schedule_find(world.core, world_spec().owner, "often")->last_id;
	ck_assert_uint_ne(run, 0);
	int64_t left_ns = core_schedule_find(world.core, world_spec().owner, "often")->next_ns - core_now(world.core);
	int64_t passed_ns = core_wall(world.core);
	ways[_i]();
	passed_ns = core_wall(world.core) - passed_ns;
	schedule = core_schedule_find(world.core, world_spec().owner, "nightly");
	ck_assert_ptr_nonnull(schedule);
	ck_assert_int_eq(schedule->next_ns, nightly_ns);
	ck_assert_str_eq(schedule->text, "30 4 * * *");
	ck_assert_uint_eq(schedule->n_groups, 3);
	ck_assert_uint_eq(schedule->groups[0], 4294967294);
	ck_assert_uint_eq(schedule->groups[1], 27);
	ck_assert_uint_eq(schedule->groups[2], 0);
	ck_assert_ptr_null(core_schedule_find(world.core, world_spec().owner + 1, "nightly"));
	ck_assert_uint_eq(schedule->task.n_claims, 4);
	ck_assert(schedule->overlap && !schedule->catch_up && schedule->task.durable);
	schedule = core_schedule_find(world.core, world_spec().owner, "often");
	ck_assert_int_eq(schedule->next_ns - core_now(world.core), left_ns - passed_ns);
	ck_assert_uint_eq(schedule->runs, 1);
	ck_assert_uint_eq(schedule->last_id, run);
	ck_assert_uint_eq(schedule->retry.retries, 3);
	ck_assert(schedule->catch_up);
	ck_assert_ptr_eq(world_find(run)->extra->schedule, schedule);
	ck_assert_ptr_null(core_schedule_find(world.core, world_spec().owner, "gone"));
	schedule = core_schedule_find(world.core, world_spec().owner, "missed");
	ck_assert_uint_eq(schedule->runs, 1);
	ck_assert_uint_eq(schedule->skipped, 1);
}
END_TEST

/* As of those that were made when that was not kept. */
START_TEST(who_is_in_which_groups_the_files_tell_where_the_store_does_not)
{
	static const uint32_t owners[] = { 0, 3999999999 };
	struct core_schedule *schedule;
	world_load();
	for (int i = 0; i < 2; i++) {
		struct core_schedule_spec spec = { .name = "old", .task = world_spec(), .every_ns = NS_PER_S };
		spec.task.owner = owners[i];
		ck_assert_int_eq(core_schedule_add(world.core, &spec, &schedule), CORE_OK);
		ck_assert_uint_eq(schedule->n_groups, 0);
	}
	world_settle();
	restart();
	schedule = core_schedule_find(world.core, 0, "old");
	ck_assert_uint_ge(schedule->n_groups, 1);
	ck_assert_uint_eq(schedule->groups[0], 0);
	ck_assert_uint_eq(core_schedule_find(world.core, 3999999999, "old")->n_groups, 0);
}
END_TEST

/* --- trouble --- */

START_TEST(what_is_no_store_is_not_opened_and_not_touched)
{
	char path[128], text[8] = "";
	snprintf(path, sizeof(path), "%s/" STORE_FILE, world.directory);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "nothing", 7), 7);
	world_begin();
	const char *failure = durable_failure(world.durable);
	ck_assert_msg(failure && strstr(failure, world.directory) && strstr(failure, "store_damaged"), "%s", failure);
	ck_assert(!durable_is_open(world.durable));
	ck_assert_int_eq(pread(fd, text, 7, 0), 7);
	ck_assert_str_eq(text, "nothing");
	close(fd);
}
END_TEST

START_TEST(a_program_that_cannot_be_started_is_told)
{
	world.program = "/nonexistent/taskd-store";
	char *error = NULL;
	world.core = core_new(&(struct core_ops){ 0 }, &(struct core_limits){ 0 }, 1, 1);
	const struct durable_host host = { .core = world.core };
	world.durable = durable_new(&host, &(struct durable_options){ .directory = world.directory, .program = world.program },
		world.config);
	ck_assert_int_eq(durable_open(world.durable, -1, &error), -1);
	ck_assert_ptr_nonnull(error);
	free(error);
}
END_TEST

static bool has_failed(const void *user)
{
	struct durable_figures figures;
	durable_figures(world.durable, &figures);
	if (figures.pid > 0)
		kill(figures.pid, SIGKILL);
	world_pass(NS_PER_S);
	return user ? false : figures.state == STORE_BROKEN;
}

static char heard[64];
static void on_ended(struct task_waiter *waiter, struct task *task)
{
	(void)waiter;
	snprintf(heard, sizeof(heard), "%s %s", task_state_name((enum task_state)task->state), task->outcome->kind);
}

START_TEST(what_is_large_leaves_room_for_what_is_small_to_be_written)
{
	world_load();
	struct task_spec spec = world_spec();
	size_t limit = (size_t)world.config->store_backlog;
	ck_assert_int_eq(durable_may_submit(world.durable, 2 * limit), DURABLE_YES); /* nothing waits */
	world_submit(&spec);
	ck_assert_int_eq(durable_may_submit(world.durable, limit), DURABLE_STORE_BEHIND);
	ck_assert_int_eq(durable_may_submit(world.durable, limit / 2), DURABLE_STORE_BEHIND);
	ck_assert_int_eq(durable_may_submit(world.durable, limit / 4), DURABLE_YES);
	world_settle();
	ck_assert_int_eq(durable_may_submit(world.durable, limit), DURABLE_YES);
}
END_TEST

START_TEST(a_store_that_dies_again_and_again_refuses_what_comes_and_holds_what_waits)
{
	struct task_waiter waiter = { .ended = on_ended };
	world_load();
	struct task_spec spec = world_spec();
	spec.due_ns = core_now(world.core) + NS_PER_S;
	uint64_t waits = world_submit(&spec)->id;
	world_settle();
	world_until(has_failed, NULL);
	ck_assert_int_eq(durable_may_submit(world.durable, 0), DURABLE_STORE_FAILED);
	ck_assert_int_eq(world.state, STORE_BROKEN);
	spec = world_spec();
	struct task *late = world_submit(&spec); /* by who did not ask */
	uint64_t id = late->id;
	task_wait(late, &waiter);
	world_turn();
	ck_assert_str_eq(heard, "cancelled store_failed");
	ck_assert_ptr_null(world_find(id));
	world_slot();
	spec.durable = false;
	id = world_submit(&spec)->id;
	while (!world.n_started)
		world_turn();
	ck_assert_uint_eq(world.started[0], id);
	ck_assert_int_eq(world_find(waits)->state, TASK_RECORDING);
	crash();
	ck_assert_ptr_nonnull(world_find(waits));
}
END_TEST

START_TEST(what_a_dead_store_had_not_committed_the_next_one_gets)
{
	struct durable_figures figures;
	uint64_t ids[50];
	world_load();
	const struct task_spec spec = world_spec();
	for (int i = 0; i < 50; i++) {
		ids[i] = world_submit(&spec)->id;
		if (i % 10 == 5) {
			durable_figures(world.durable, &figures);
			if (figures.pid > 0)
				kill(figures.pid, SIGKILL);
		}
		world_turn();
		world_pass(NS_PER_S / 10);
	}
	while (core_totals(world.core)->recording) {
		world_turn();
		world_pass(NS_PER_S / 10);
	}
	crash();
	size_t there = 0;
	for (int i = 0; i < 50; i++)
		there += world_find(ids[i]) != NULL;
	ck_assert_uint_eq(there, 50);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("durable");
	TCase *tc = tcase_create("durable");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, world_make, world_remove);
	tcase_add_loop_test(tc, what_waits_is_there_again_as_it_was, 0, N_WAYS);
	tcase_add_loop_test(tc, what_has_ended_is_there_again_as_it_was, 0, N_WAYS);
	tcase_add_loop_test(tc, what_ran_is_run_again_or_has_crashed, 0, N_WAYS);
	tcase_add_loop_test(tc, what_is_not_durable_is_gone_and_its_number_is_not_used_again, 0, N_WAYS);
	tcase_add_test(tc, an_end_in_order_leaves_no_gap_in_the_numbers);
	tcase_add_test(tc, more_numbers_than_were_reserved_are_covered_before_anybody_hears_of_them);
	tcase_add_loop_test(tc, queues_are_as_they_were, 0, N_WAYS);
	tcase_add_loop_test(tc, schedules_go_on, 0, N_WAYS);
	tcase_add_test(tc, who_is_in_which_groups_the_files_tell_where_the_store_does_not);
	tcase_add_test(tc, what_is_no_store_is_not_opened_and_not_touched);
	tcase_add_test(tc, a_program_that_cannot_be_started_is_told);
	tcase_add_test(tc, a_store_that_dies_again_and_again_refuses_what_comes_and_holds_what_waits);
	tcase_add_test(tc, what_is_large_leaves_room_for_what_is_small_to_be_written);
	tcase_add_test(tc, what_a_dead_store_had_not_committed_the_next_one_gets);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	setenv("TASKD_STORE", "./taskd-store", 0);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
