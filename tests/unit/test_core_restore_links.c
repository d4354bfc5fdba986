/* What tasks are to others after a restart: who waits for whom, and whose runs they are. */
#include "core/cron.h"
#include "restore_world.h"

/* --- who waits for whom --- */

static struct core_restored dependent(
	uint64_t id, enum task_state state, const struct core_restored_link *links, size_t n)
{
	struct core_restored restored = waiting(id, state);

	restored.links = links;
	restored.n_links = n;
	return restored;
}

/* _i: whether it comes before the one that it waits for */
START_TEST(blocked_one_waits_for_what_is_still_there)
{
	const struct core_restored_link link = { .id = 1 };

	core_queue_pause(toy.queue);
	if (_i)
		restore(dependent(2, TASK_BLOCKED, &link, 1));
	restore(waiting(1, TASK_QUEUED));
	if (!_i)
		restore(dependent(2, TASK_BLOCKED, &link, 1));
	toy_turn(&toy);
	expect_state(find(2), TASK_BLOCKED);
	restore_done();
	expect_state(find(2), TASK_BLOCKED);
	ck_assert_uint_eq(core_dependencies_open(find(2)), 1);
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	toy_finish(slot, TASK_SUCCEEDED);
	core_recorded(toy.core, 1);
	toy_turn(&toy);
	expect_state(find(2), TASK_QUEUED);
	ck_assert_int_eq(toy.told[toy.n_told - 1].what, RECORD_STATE);
}
END_TEST

START_TEST(blocked_one_hears_of_what_has_ended)
{
	const struct core_restored_link links[] = { { .id = 1 }, { .id = 2 }, { .id = 2, .any = true }, { .id = 3 } };
	const struct core_restored_link past = { .id = 3, .done = true };

	core_queue_pause(toy.queue);
	restore(dependent(10, TASK_BLOCKED, &links[0], 1)); /* it succeeded */
	restore(dependent(11, TASK_BLOCKED, &links[1], 1)); /* it failed */
	restore(dependent(12, TASK_BLOCKED, &links[2], 1)); /* … which is fine */
	restore(dependent(13, TASK_BLOCKED, &links[3], 1)); /* it is forgotten */
	restore(dependent(14, TASK_BLOCKED, &past, 1));     /* … but was heard of before */
	restore(ended(2, TASK_FAILED, LONG_AGO + 1));
	restore(ended(1, TASK_SUCCEEDED, LONG_AGO));
	restore_done();
	expect_state(find(10), TASK_QUEUED);
	expect_state(find(11), TASK_RECORDING);
	ck_assert_uint_eq(find(11)->outcome->because_of, 2);
	expect_state(find(12), TASK_QUEUED);
	expect_state(find(13), TASK_RECORDING);
	ck_assert_uint_eq(find(13)->outcome->because_of, 3);
	ck_assert_str_eq(find(13)->outcome->kind, "dependency_failed");
	expect_state(find(14), TASK_QUEUED);
}
END_TEST

START_TEST(what_waited_no_more_waits_no_more)
{
	const struct core_restored_link link = { .id = 5 };
	struct core_restored delayed = dependent(11, TASK_SCHEDULED, &link, 1);

	delayed.spec.due_ns = toy.now_ns + NS_PER_S;
	restore(dependent(10, TASK_QUEUED, &link, 1));
	restore(delayed);
	restore_done();
	ck_assert_ptr_nonnull(find(10)->slot);
	expect_state(find(11), TASK_SCHEDULED);
	ck_assert_int_eq(toy.n_told, 0);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

static struct bytes *text(const char *data)
{
	return bytes_new(data, strlen(data));
}

START_TEST(results_are_passed_on_from_the_record_or_from_who_is_there)
{
	struct bytes *result = text("1");
	const struct core_restored_link links[] = { { .id = 1, .done = true, .result = result }, { .id = 2 } };
	const struct core_restored_link lost = { .id = 3 };
	struct core_restored both = dependent(10, TASK_QUEUED, links, 2), none = dependent(11, TASK_QUEUED, &lost, 1);
	struct core_restored known = dependent(12, TASK_QUEUED, links, 1), two = ended(2, TASK_SUCCEEDED, LONG_AGO);

	both.spec.pass_results = none.spec.pass_results = known.spec.pass_results = true;
	two.outcome->result = text("22");
	restore(both);
	restore(none);
	restore(known);
	bytes_unref(result);
	restore(two);
	toy_teach(&toy, 1000);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1); /* who needs nobody else does not wait for them */
	ck_assert_uint_eq(find(12)->args->size, 2);
	restore_done();
	ck_assert_ptr_nonnull(find(10)->slot);
	ck_assert_uint_eq(find(10)->args->size, 5);
	ck_assert_int_eq(memcmp(find(10)->args->data, " 1 22", 5), 0);
	ck_assert_uint_eq(find(10)->place, 10);
	ck_assert_int_eq(toy.told[0].what, RECORD_STATE); /* it may have been put down as blocked */
	ck_assert_uint_eq(toy.told[0].id, 10);
	expect_state(find(11), TASK_RECORDING);
	ck_assert_uint_eq(find(11)->outcome->because_of, 3);
	toy_finish(slot, TASK_SUCCEEDED);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

/* _i: whether it crashes for good by that; else its next attempt waits. Nothing may be left on the lists of others. */
START_TEST(interrupted_one_whose_results_are_not_there_yet_waits_for_them)
{
	const struct core_restored_link links[] = { { .id = 1 }, { .id = 3 } };
	const struct task_retry retry = { .retries = 1, .on = RETRY_ALL, .factor = 1 };
	struct core_restored restored = dependent(2, TASK_RUNNING, links, 2);
	struct core_restored done = ended(1, TASK_SUCCEEDED, LONG_AGO);

	core_queue_pause(toy.queue);
	restored.spec.pass_results = restored.spec.on_interrupt_crash = true;
	restored.spec.retry = _i ? NULL : &retry;
	done.outcome->result = text("1");
	struct task *task = restore(restored);
	expect_state(task, _i ? TASK_RECORDING : TASK_BLOCKED);
	expect_told(1, task, _i ? RECORD_ENDED : RECORD_ATTEMPT);
	restore(done);
	restore(waiting(3, TASK_QUEUED));
	restore_done();
	if (_i) {
		core_recorded(toy.core, 2);
		expect_state(task, TASK_CRASHED);
		core_forget(task);
		toy_turn(&toy);
	}
	core_queue_resume(toy.queue);
	toy_turn(&toy);
	toy_finish_result(slot, "3"); /* of 3: who has gone does not hear of it */
	core_recorded(toy.core, 3);
	toy_turn(&toy);
	if (_i)
		return;
	ck_assert_ptr_nonnull(task->slot);
	ck_assert_uint_eq(task->args->size, 4);
	ck_assert_int_eq(memcmp(task->args->data, " 1 3", 4), 0);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

/* It does not go before those that have not come yet. */
START_TEST(blocked_one_whose_last_one_had_ended_joins_its_queue_when_all_are_there)
{
	const struct core_restored_link link = { .id = 1, .done = true };
	struct task *task = restore(dependent(2, TASK_BLOCKED, &link, 1));

	toy_turn(&toy);
	expect_state(task, TASK_BLOCKED);
	restore(waiting(3, TASK_QUEUED));
	restore_done();
	ck_assert_uint_eq(toy.given[0], 3);
	expect_state(task, TASK_QUEUED);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

START_TEST(what_waited_and_was_to_be_cancelled_is)
{
	static const enum task_state states[] = { TASK_QUEUED, TASK_SCHEDULED, TASK_BLOCKED };
	const struct core_restored_link link = { .id = 1 };
	struct core_restored restored = dependent(2, states[_i], &link, states[_i] == TASK_BLOCKED);

	restored.final = true;
	restored.spec.due_ns = states[_i] == TASK_SCHEDULED ? toy.now_ns + NS_PER_S : 0;
	struct task *task = restore(restored);
	restore(waiting(1, TASK_QUEUED));
	restore_done();
	expect_told(1, task, RECORD_ENDED);
	expect_state(task, TASK_RECORDING);
	core_recorded(toy.core, 2);
	expect_state(task, TASK_CANCELLED);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

START_TEST(blocked_one_can_be_cancelled_before_all_are_there)
{
	const struct core_restored_link link = { .id = 1 };
	struct task *task = restore(dependent(2, TASK_BLOCKED, &link, 1));

	core_cancel(task);
	expect_told(1, task, RECORD_ENDED);
	restore(waiting(1, TASK_QUEUED));
	restore_done();
	core_recorded(toy.core, 2);
	expect_state(task, TASK_CANCELLED);
}
END_TEST

/* --- schedules --- */

static struct core_schedule *every_second(uint64_t last_id, int64_t next_ns)
{
	const struct core_schedule_spec spec = {
		.name = "often",
		.task = { .type = toy.type, .queue = toy.queue, .durable = true },
		.every_ns = NS_PER_S,
		.next_ns = next_ns,
		.runs = 7,
		.skipped = 2,
		.last_id = last_id,
	};
	struct core_schedule *schedule;

	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	return schedule;
}

static struct task *restore_run(uint64_t id, enum task_state state, struct core_schedule *schedule)
{
	struct core_restored restored = waiting(id, state);

	restored.spec.schedule = schedule;
	restored.schedule_name = "often";
	restored.submitted_ns = toy.now_ns - NS_PER_MS;
	return restore(restored);
}

START_TEST(schedule_waits_for_its_last_run_and_for_all_to_be_there)
{
	struct core_schedule *schedule = every_second(5, toy.now_ns - 1);

	toy_turn(&toy);
	ck_assert_uint_eq(schedule->runs, 7);
	restore_run(4, TASK_QUEUED, schedule);
	struct task *task = restore_run(5, TASK_QUEUED, schedule);
	ck_assert_ptr_eq(schedule->running, task);
	restore_done();
	ck_assert_int_eq(toy.refusal, CORE_OVERLAP);
	ck_assert_uint_eq(schedule->skipped, 3);
	core_cancel(task);
	core_recorded(toy.core, 5);
	toy_advance(&toy, NS_PER_S);
	ck_assert_uint_eq(schedule->runs, 8);
	ck_assert_uint_eq(schedule->last_id, FIRST_NEW);
}
END_TEST

START_TEST(run_that_came_to_disk_without_its_schedule_is_not_submitted_again)
{
	struct core_schedule *schedule = every_second(5, toy.now_ns - 2 * NS_PER_MS);
	struct task *task = restore_run(6, TASK_QUEUED, schedule);

	ck_assert_uint_eq(schedule->last_id, 6);
	ck_assert_uint_eq(schedule->runs, 8);
	ck_assert_ptr_eq(schedule->running, task);
	ck_assert_int_gt(schedule->next_ns, toy.now_ns);
	restore_done();
	ck_assert_uint_eq(schedule->runs, 8);
	ck_assert_uint_eq(schedule->skipped, 2);
}
END_TEST

/* One after the other; _i: the last run that was made up for had not ended, or its schedule's figures were not on disk. */
START_TEST(runs_that_are_owed_are_made_up_for)
{
	struct core_schedule_spec spec = {
		.name = "often",
		.task = { .type = toy.type, .queue = toy.queue },
		.every_ns = 3600 * NS_PER_S,
		.next_ns = toy.now_ns + 3600 * NS_PER_S,
		.runs = 7,
		.last_id = 5,
		.owed = 3,
		.catch_up = true,
	};
	struct core_schedule *schedule;
	int runs = 3;

	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	if (_i)
		restore_run(_i == 1 ? 5 : 6, TASK_QUEUED, schedule);
	runs += (_i == 1);
	restore_done();
	for (int i = 0; i < runs; i++) {
		ck_assert_ptr_nonnull(schedule->running);
		uint64_t id = schedule->running->id;
		toy_finish(slot, TASK_SUCCEEDED);
		core_recorded(toy.core, id);
		toy_turn(&toy);
	}
	ck_assert_ptr_null(schedule->running);
	ck_assert_uint_eq(schedule->owed, 0);
	ck_assert_uint_eq(schedule->runs, 10);
	ck_assert_int_eq(schedule->next_ns, spec.next_ns);
}
END_TEST

START_TEST(name_of_a_schedule_that_has_gone_stays)
{
	struct task *task = restore_run(6, TASK_QUEUED, NULL), *other = restore_run(7, TASK_QUEUED, NULL);

	ck_assert_str_eq(task->extra->schedule->name, "often");
	ck_assert_ptr_eq(other->extra->schedule, task->extra->schedule);
	ck_assert_ptr_null(core_schedule_find(toy.core, 0, "often"));
	restore_done();
	ck_assert_str_eq(task->extra->schedule->name, "often");
}
END_TEST

/* _i: catch_up. Its time has passed three times, an hour apart, the last time two minutes ago. */
START_TEST(calendar_that_was_missed_is_made_up_for_where_that_was_asked_for)
{
	struct cron cron;
	char error[200];
	struct core_schedule *schedule;
	struct core_schedule_spec spec = {
		.name = "hourly",
		.task = { .type = toy.type, .queue = toy.queue },
		.cron = &cron,
		.catch_up = _i,
		.overlap = true,
	};

	ck_assert_int_eq(cron_parse("@hourly", &cron, error, sizeof(error)), 0);
	spec.next_ns = cron_next(&cron, toy.wall_ns);
	toy.wall_ns = spec.next_ns + 2 * 3600 * NS_PER_S + 120 * NS_PER_S;
	core_set_wall(toy.core, toy.wall_ns);
	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	restore_done();
	ck_assert_uint_eq(schedule->runs, _i ? 3 : 0);
	ck_assert_uint_eq(schedule->skipped, _i ? 0 : 3);
	ck_assert_int_eq(schedule->next_ns, spec.next_ns + 3 * 3600 * NS_PER_S);
}
END_TEST

START_TEST(calendar_follows_a_clock_that_was_set_back_meanwhile)
{
	struct cron cron;
	char error[200];
	struct core_schedule *schedule;
	struct core_schedule_spec spec = {
		.name = "hourly",
		.task = { .type = toy.type, .queue = toy.queue },
		.cron = &cron,
	};

	ck_assert_int_eq(cron_parse("@hourly", &cron, error, sizeof(error)), 0);
	spec.next_ns = cron_next(&cron, toy.wall_ns + 1000 * 3600 * NS_PER_S);
	ck_assert_int_eq(core_schedule_add(toy.core, &spec, &schedule), CORE_OK);
	ck_assert_int_eq(schedule->next_ns, cron_next(&cron, toy.wall_ns));
}
END_TEST

static TCase *make_case(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, restore_begin, restore_end);
	return tcase;
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("core: links after a restart");
	TCase *tcase = make_case("dependencies");
	tcase_add_loop_test(tcase, blocked_one_waits_for_what_is_still_there, 0, 2);
	tcase_add_test(tcase, blocked_one_hears_of_what_has_ended);
	tcase_add_test(tcase, what_waited_no_more_waits_no_more);
	tcase_add_test(tcase, results_are_passed_on_from_the_record_or_from_who_is_there);
	tcase_add_loop_test(tcase, interrupted_one_whose_results_are_not_there_yet_waits_for_them, 0, 2);
	tcase_add_test(tcase, blocked_one_whose_last_one_had_ended_joins_its_queue_when_all_are_there);
	tcase_add_loop_test(tcase, what_waited_and_was_to_be_cancelled_is, 0, 3);
	tcase_add_test(tcase, blocked_one_can_be_cancelled_before_all_are_there);
	suite_add_tcase(suite, tcase);
	tcase = make_case("schedules");
	tcase_add_test(tcase, schedule_waits_for_its_last_run_and_for_all_to_be_there);
	tcase_add_test(tcase, run_that_came_to_disk_without_its_schedule_is_not_submitted_again);
	tcase_add_loop_test(tcase, runs_that_are_owed_are_made_up_for, 0, 3);
	tcase_add_test(tcase, name_of_a_schedule_that_has_gone_stays);
	tcase_add_loop_test(tcase, calendar_that_was_missed_is_made_up_for_where_that_was_asked_for, 0, 2);
	tcase_add_test(tcase, calendar_follows_a_clock_that_was_set_back_meanwhile);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
