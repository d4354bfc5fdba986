/* What was met before the daemon ended is met after it, with its result where that is passed on: whatever has become of the
 * task that it was; and what else of one task is on disk because of another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "durable_world.h"

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

static struct world_slot *slot;

/* Results are not loaded again: there is no room. */
static void begin(void)
{
	world_make();
	world.config->result_count = 0;
	world_load();
	slot = world_slot();
}

static void run(uint64_t id, enum task_state state, const char *json)
{
	const struct task *task = world_find(id);
	while (!task->slot)
		world_turn();
	world_take(slot);
	ck_assert_uint_eq(slot->runs->id, id);
	world_done(slot, state, json);
	world_until_state(id, state);
}

static uint64_t submit(bool durable)
{
	struct task_spec spec = world_spec();
	spec.durable = durable;
	return world_submit(&spec)->id;
}

/* One that never ends before the restart. */
static uint64_t submit_late(void)
{
	struct task_spec spec = world_spec();
	spec.due_ns = core_now(world.core) + 7200 * NS_PER_S;
	return world_submit(&spec)->id;
}

/* What the tasks that were waited for are by now. */
enum fate { FATE_DURABLE, FATE_FORGOTTEN, FATE_NOT_DURABLE, N_FATES };

static uint64_t submit_needed(enum fate fate)
{
	return submit(fate != FATE_NOT_DURABLE);
}

static void meet(uint64_t id, enum fate fate, enum task_state state)
{
	run(id, state, "4711");
	if (fate == FATE_FORGOTTEN)
		ck_assert(core_forget(world_find(id)));
}

static uint64_t submit_dependent(uint64_t after, uint64_t also, uint64_t any, bool passes)
{
	struct task_spec spec = world_spec();
	spec.after = (struct task_ref[]){ { .id = after }, { .id = also } };
	spec.n_after = also ? 2 : 1;
	spec.after_any = (struct task_ref[]){ { .id = any } };
	spec.n_after_any = any ? 1 : 0;
	spec.pass_results = passes;
	return world_submit(&spec)->id;
}

static void expect_result(uint64_t id, size_t index, const char *result)
{
	struct task_dependency dependency;
	ck_assert(core_dependency(world_find(id), index, &dependency));
	ck_assert(dependency.done);
	ck_assert(!dependency.result == !result);
	if (result)
		ck_assert_int_eq(memcmp(dependency.result->data, result, dependency.result->size), 0);
}

/* _i: the way, what has become of the others, and whether results are passed on */
#define ALL_WAYS (N_WAYS * N_FATES * 2)
#define WAY (_i % N_WAYS)
#define FATE ((enum fate)(_i / N_WAYS % N_FATES))
#define PASSES (_i / N_WAYS / N_FATES > 0)

START_TEST(one_that_still_waits_for_another_knows_what_was_met)
{
	uint64_t met = submit_needed(FATE), ended = submit_needed(FATE), late = submit_late();
	uint64_t id = submit_dependent(met, late, ended, PASSES);
	world_until_state(id, TASK_BLOCKED);
	meet(met, FATE, TASK_SUCCEEDED);
	meet(ended, FATE, TASK_FAILED);
	ck_assert_uint_eq(core_dependencies_open(world_find(id)), 1);
	world_settle();
	for (int again = 0; again < 2; again++) {
		ways[WAY]();
		world_turn();
		ck_assert_ptr_null(world_find(met));
		ck_assert_int_eq(world_find(id)->state, TASK_BLOCKED);
		ck_assert_uint_eq(core_dependencies_open(world_find(id)), 1);
		expect_result(id, 0, PASSES ? "4711" : NULL);
	}
	slot = world_slot();
	world_pass(7300 * NS_PER_S);
	run(late, TASK_SUCCEEDED, "1");
	run(id, TASK_SUCCEEDED, "1");
}
END_TEST

START_TEST(one_that_waits_for_its_slot_waits_for_nobody_else)
{
	uint64_t met = submit_needed(FATE), ended = submit_needed(FATE);
	uint64_t id = submit_dependent(met, 0, ended, PASSES);
	world_until_state(id, TASK_BLOCKED);
	meet(met, FATE, TASK_SUCCEEDED);
	meet(ended, FATE, TASK_FAILED);
	core_slot_retire(slot->slot);
	world_until_state(id, TASK_QUEUED);
	world_settle();
	char *before = world_describe(id);
	ways[WAY]();
	world_turn();
	ck_assert_ptr_null(world_find(met));
	char *after = world_describe(id);
	ck_assert_str_eq(after, before);
	slot = world_slot();
	run(id, TASK_SUCCEEDED, "1");
	free(before);
	free(after);
}
END_TEST

/* Its own submission is on its way to the disk still. */
START_TEST(what_is_met_while_it_comes_in_is_met)
{
	uint64_t met = submit(false), late = submit_late();
	while (!world_find(met)->slot)
		world_turn();
	uint64_t id = submit_dependent(met, late, 0, true);
	world_take(slot);
	world_done(slot, TASK_SUCCEEDED, "4711");
	ck_assert_int_eq(world_find(id)->state, TASK_RECORDING);
	world_settle();
	ways[_i]();
	ck_assert_int_eq(world_find(id)->state, TASK_BLOCKED);
	expect_result(id, 0, "4711");
}
END_TEST

START_TEST(one_that_ran_has_the_same_arguments_when_it_is_run_again)
{
	uint64_t met = submit_needed((enum fate)_i);
	uint64_t id = submit_dependent(met, 0, 0, true);
	meet(met, (enum fate)_i, TASK_SUCCEEDED);
	while (!world_find(id)->slot)
		world_turn();
	world_take(slot);
	world_settle();
	crash();
	slot = world_slot();
	expect_result(id, 0, "4711");
	const struct task *task = world_find(id);
	while (!task->slot)
		world_turn();
	ck_assert_int_eq(task->attempt, 2);
	ck_assert_int_eq(memcmp(task->args->data, "[\"gathered\"]", task->args->size), 0);
}
END_TEST

/* _i: whether it is large enough for that to matter */
START_TEST(a_result_for_many_is_in_memory_once)
{
	enum { MANY = 5 };
	char result[4097] = "";
	uint64_t ids[MANY];
	struct task_dependency first, dependency;
	memset(result, '7', _i ? sizeof(result) - 1 : 10);
	uint64_t met = submit(true), late = submit_late();
	for (int i = 0; i < MANY; i++)
		ids[i] = submit_dependent(met, late, 0, true);
	run(met, TASK_SUCCEEDED, result);
	world_settle();
	crash();
	ck_assert(core_dependency(world_find(ids[0]), 0, &first));
	for (int i = 1; i < MANY; i++) {
		ck_assert(core_dependency(world_find(ids[i]), 0, &dependency));
		expect_result(ids[i], 0, result);
		ck_assert(!_i || dependency.result == first.result);
	}
}
END_TEST

START_TEST(what_was_not_met_is_not)
{
	uint64_t lost = submit(false), id = submit_dependent(lost, 0, 0, false),
		 other = submit_dependent(lost, 0, lost, false);
	core_slot_retire(slot->slot);
	world_until_state(id, TASK_BLOCKED);
	world_commit();
	ways[_i]();
	world_settle();
	for (int i = 0; i < 2; i++) {
		const struct task *task = world_find(i ? other : id);
		ck_assert(!task || task->state == TASK_CANCELLED);
	}
}
END_TEST

/* --- who shares a key --- */

static struct task_spec keyed(void)
{
	struct task_spec spec = world_spec();
	spec.key = "k";
	spec.key_length = 1;
	spec.key_mode = KEY_REPLACE;
	spec.due_ns = core_now(world.core) + NS_PER_S;
	return spec;
}

static bool is_cancelled(const struct task *task)
{
	return !task || task->state == TASK_CANCELLED;
}

/* The daemon is killed at any moment, also right behind the acknowledgement; _i: turns before that. */
START_TEST(of_one_and_who_replaces_it_one_runs)
{
	struct task_spec spec = keyed();
	uint64_t old = world_submit(&spec)->id;
	world_settle();
	uint64_t new = world_submit(&spec)->id;
	for (int i = 0; i < _i && !world_find(new)->on_disk; i++)
		world_turn();
	bool acknowledged = world_find(new)->on_disk;
	crash();
	world_settle();
	bool old_runs = !is_cancelled(world_find(old)), new_runs = world_find(new) != NULL;
	ck_assert(old_runs != new_runs);
	ck_assert(new_runs || !acknowledged);
}
END_TEST

/* --- schedules --- */

START_TEST(runs_that_are_owed_are_owed_still)
{
	struct core_schedule *schedule;
	struct core_schedule_spec spec = {
		.name = "often",
		.task = world_spec(),
		.every_ns = 600 * NS_PER_S,
		.catch_up = true,
	};
	ck_assert_int_eq(core_schedule_add(world.core, &spec, &schedule), CORE_OK);
	world_pass(5 * 600 * NS_PER_S + NS_PER_S);
	world_turn();
	ck_assert_uint_eq(schedule->owed, 4);
	uint64_t first = schedule->last_id;
	world_settle();
	ways[_i]();
	schedule = core_schedule_find(world.core, world_spec().owner, "often");
	ck_assert_uint_eq(schedule->owed, 4);
	slot = world_slot();
	run(first, TASK_SUCCEEDED, "1");
	world_turn();
	ck_assert_uint_eq(schedule->owed, 3);
	ck_assert_uint_gt(schedule->last_id, first);
	world_settle();
	ways[_i]();
	ck_assert_uint_eq(core_schedule_find(world.core, world_spec().owner, "often")->owed, 3);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("durable links");
	TCase *tc = tcase_create("links");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, world_remove);
	tcase_add_loop_test(tc, one_that_still_waits_for_another_knows_what_was_met, 0, ALL_WAYS);
	tcase_add_loop_test(tc, one_that_waits_for_its_slot_waits_for_nobody_else, 0, ALL_WAYS);
	tcase_add_loop_test(tc, what_is_met_while_it_comes_in_is_met, 0, N_WAYS);
	tcase_add_loop_test(tc, one_that_ran_has_the_same_arguments_when_it_is_run_again, 0, N_FATES);
	tcase_add_loop_test(tc, a_result_for_many_is_in_memory_once, 0, 2);
	tcase_add_loop_test(tc, what_was_not_met_is_not, 0, N_WAYS);
	tcase_add_loop_test(tc, of_one_and_who_replaces_it_one_runs, 0, 6);
	tcase_add_loop_test(tc, runs_that_are_owed_are_owed_still, 0, N_WAYS);
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
