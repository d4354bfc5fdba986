/* What was recorded of tasks becomes tasks again: where they wait, what became of those that ran, and what is not given
 * out again. */
#include "object/object.h"
#include "restore_world.h"

/* --- numbers --- */

START_TEST(nothing_is_given_out_twice)
{
	struct core_numbers numbers;

	core_numbers(toy.core, &numbers);
	ck_assert_uint_eq(numbers.id, FIRST_NEW);
	ck_assert_uint_ge(numbers.place, (uint64_t)TOY_START);
	ck_assert_uint_ge(numbers.fence, 77);
	ck_assert_uint_eq(toy_submit(&toy, 0)->id, FIRST_NEW);
	core_set_numbers(toy.core, &(struct core_numbers){ .id = 5, .place = 5, .fence = 5 });
	ck_assert_uint_eq(toy_submit(&toy, 0)->id, FIRST_NEW + 1);
}
END_TEST

START_TEST(fences_go_on_rising)
{
	const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };
	struct core_numbers before, after;
	uint64_t fence = 0;
	bool died;

	core_numbers(toy.core, &before);
	core_set_numbers(toy.core, &(struct core_numbers){ .fence = before.fence + 1000 });
	struct task *task = toy_submit_spec(&toy, (struct task_spec){ .claims = &lock, .n_claims = 1 });
	toy_turn(&toy);
	ck_assert(core_claims_had(task, &fence, &died));
	ck_assert_uint_eq(fence, before.fence + 1000);
	core_numbers(toy.core, &after);
	ck_assert_uint_eq(after.fence, fence + 1);
	toy_finish(slot, TASK_SUCCEEDED);
}
END_TEST

/* The machine was started anew, and its clock began at 0: places go on from where they were, by the clock's speed. */
START_TEST(places_go_on_from_those_of_before)
{
	const uint64_t before = (uint64_t)(5000 * NS_PER_S);

	core_set_numbers(toy.core, &(struct core_numbers){ .place = before });
	core_queue_pause(toy.queue);
	uint64_t first = toy_submit(&toy, 0)->place;
	toy_advance(&toy, NS_PER_S);
	uint64_t second = toy_submit(&toy, 0)->place;
	ck_assert_uint_ge(first, before);
	ck_assert_uint_ge(second - first, (uint64_t)NS_PER_S);
	ck_assert_uint_lt(second - first, (uint64_t)(2 * NS_PER_S));
}
END_TEST

START_TEST(who_comes_now_comes_behind_all_that_were_there)
{
	struct core_restored far = waiting(1, TASK_QUEUED);

	core_queue_pause(toy.queue);
	far.place = (uint64_t)(100000 * NS_PER_S); /* as a clock that has begun anew will reach in a day */
	restore(far);
	ck_assert_uint_gt(toy_submit(&toy, 0)->place, far.place);
}
END_TEST

/* --- what waited --- */

START_TEST(queued_ones_start_in_their_order_and_before_new_ones)
{
	toy_teach(&toy, 1000);
	core_queue_pause(toy.queue);
	struct task *new = toy_submit(&toy, 0);
	struct core_restored late = waiting(7, TASK_QUEUED), urgent = waiting(9, TASK_QUEUED);

	late.place = 100;
	urgent.spec.priority = 1;
	restore(waiting(8, TASK_QUEUED));
	restore(late);
	restore(urgent);
	core_queue_resume(toy.queue);
	restore_done();
	ck_assert_int_eq(toy.n_given, 4);
	ck_assert_uint_eq(toy.given[0], 9);
	ck_assert_uint_eq(toy.given[1], 8);
	ck_assert_uint_eq(toy.given[2], 7);
	ck_assert_uint_eq(toy.given[3], new->id);
	ck_assert_int_eq(toy.n_told, 0);
}
END_TEST

/* Those before it may not be there yet; who is not durable waits for nobody. */
START_TEST(a_new_one_does_not_start_before_all_are_there)
{
	toy_teach(&toy, 1000);
	struct task *plain = toy_submit(&toy, 0);
	struct task *new = toy_submit_spec(&toy, (struct task_spec){ .durable = true });
	core_recorded(toy.core, new->id);
	toy_turn(&toy);
	ck_assert_int_eq(toy.n_given, 1);
	ck_assert_uint_eq(toy.given[0], plain->id);
	ck_assert(new->on_disk);
	toy_finish(slot, TASK_SUCCEEDED);
	core_hold(toy.core, true);
	core_hold(toy.core, false);
	toy_turn(&toy);
	expect_state(new, TASK_RECORDING);
	restore(waiting(7, TASK_QUEUED));
	restore_done();
	ck_assert_int_eq(toy.n_given, 3);
	ck_assert_uint_eq(toy.given[1], 7);
	ck_assert_uint_eq(toy.given[2], new->id);
}
END_TEST

START_TEST(delayed_ones_keep_their_time)
{
	struct core_restored past = waiting(1, TASK_SCHEDULED), future = past, wall = past;

	core_queue_pause(toy.queue);
	past.spec.due_ns = LONG_AGO;
	future.id = 2;
	future.spec.due_ns = toy.now_ns + NS_PER_S;
	wall.id = 3;
	wall.spec.due_ns = toy.wall_ns - NS_PER_S;
	wall.spec.wall = true;
	restore(past);
	restore(future);
	restore(wall);
	restore_done();
	expect_state(find(1), TASK_QUEUED);
	expect_state(find(2), TASK_SCHEDULED);
	expect_state(find(3), TASK_QUEUED);
	ck_assert_int_eq(toy.n_told, 2); /* they have joined, and have their places from that */
	ck_assert_uint_gt(find(1)->place, 3);
	toy_advance(&toy, NS_PER_S);
	expect_state(find(2), TASK_QUEUED);
	expect_told(3, find(2), RECORD_STATE);
}
END_TEST

START_TEST(deadline_that_has_passed_expires_at_once_unless_it_was_begun)
{
	struct core_restored late = waiting(1, TASK_QUEUED), tried = late, in_time = late;

	core_queue_pause(toy.queue);
	late.spec.expires_ns = tried.spec.expires_ns = LONG_AGO;
	tried.id = 2;
	tried.tried = true;
	tried.attempt = 2;
	in_time.id = 3;
	in_time.spec.expires_ns = toy.now_ns + NS_PER_S;
	restore(late);
	restore(tried);
	restore(in_time);
	restore_done();
	expect_told(1, find(1), RECORD_ENDED);
	core_recorded(toy.core, 1);
	expect_state(find(1), TASK_EXPIRED);
	expect_state(find(2), TASK_QUEUED);
	expect_state(find(3), TASK_QUEUED);
	toy_advance(&toy, NS_PER_S);
	expect_told(2, find(3), RECORD_ENDED);
}
END_TEST

START_TEST(no_limit_keeps_out_what_was_there)
{
	struct core_queue *small = toy_queue_new(&toy, "small", 1, 0);
	struct core_restored restored = waiting(1, TASK_QUEUED);
	struct core_queue_figures figures;
	struct task *out;

	core_queue_pause(small);
	restored.spec.queue = small;
	restore(restored);
	restored.id = 2;
	restore(restored);
	core_queue_figures(small, &figures);
	ck_assert_uint_eq(figures.waiting, 2);
	ck_assert_int_eq(toy_try(&toy, (struct task_spec){ .queue = small }, &out), CORE_QUEUE_FULL);
}
END_TEST

START_TEST(queue_that_has_gone_is_replaced_by_the_types_or_the_default)
{
	struct core_queue *other = toy_queue_new(&toy, "other", 0, 0);
	struct core_restored restored = waiting(1, TASK_QUEUED);

	restored.spec.queue = NULL;
	ck_assert_ptr_eq(restore(restored)->queue, toy.queue);
	restored.id = 2;
	toy.type->queue = other;
	ck_assert_ptr_eq(restore(restored)->queue, other);
	restored.id = 3;
	restored.spec.type = core_type(toy.core, "nobody's", 8);
	ck_assert_ptr_eq(restore(restored)->queue, toy.queue);
}
END_TEST

START_TEST(what_is_there_already_is_left_alone)
{
	struct task *task = restore(waiting(1, TASK_QUEUED));
	struct core_restored again = ended(1, TASK_FAILED, LONG_AGO);

	ck_assert(core_restore(toy.core, &again));
	ck_assert_ptr_eq(find(1), task);
	expect_state(task, TASK_QUEUED);
}
END_TEST

START_TEST(claims_are_asked_for_again)
{
	const struct object_claim lock = { .kind = OBJECT_LOCK, .name = { "lock", 4 } };
	struct core_restored first = waiting(1, TASK_QUEUED), second = waiting(2, TASK_QUEUED);
	struct toy_slot *another = toy_slot_new(&toy);

	first.spec.claims = second.spec.claims = &lock;
	first.spec.n_claims = second.spec.n_claims = 1;
	restore(first);
	restore(second);
	restore_done();
	ck_assert_ptr_nonnull(find(1)->slot);
	expect_state(find(2), TASK_BLOCKED);
	toy_finish(find(1)->slot == slot->slot ? slot : another, TASK_SUCCEEDED);
	toy_turn(&toy);
	ck_assert_ptr_nonnull(find(2)->slot);
	toy_finish(find(2)->slot == slot->slot ? slot : another, TASK_SUCCEEDED);
	free(another);
}
END_TEST

/* --- what ran --- */

START_TEST(what_ran_is_run_again_at_its_place_and_that_counts)
{
	core_queue_pause(toy.queue);
	struct core_restored ran = waiting(3, TASK_RUNNING);

	ran.started_ns = LONG_AGO;
	struct task *before = restore(waiting(2, TASK_QUEUED)), *task = restore(ran);
	struct task *behind = restore(waiting(4, TASK_QUEUED));

	expect_state(task, TASK_QUEUED);
	expect_told(1, task, RECORD_ATTEMPT);
	ck_assert_int_eq(task->attempt, 2);
	ck_assert_int_eq(task->crashes, 1);
	ck_assert_uint_eq(task->place, 3);
	ck_assert_int_eq(task->started_ns, 0);
	ck_assert_int_eq(task->extra->attempts[0].started_ns, LONG_AGO);
	ck_assert_int_eq(task->extra->attempts[0].state, TASK_CRASHED);
	ck_assert_ptr_nonnull(strstr(task->extra->attempts[0].message, "taskd ended"));
	toy_teach(&toy, 1000);
	core_queue_resume(toy.queue);
	restore_done();
	ck_assert_uint_eq(toy.given[0], before->id);
	ck_assert_uint_eq(toy.given[1], task->id);
	ck_assert_uint_eq(toy.given[2], behind->id);
}
END_TEST

START_TEST(attempts_of_before_are_remembered)
{
	struct core_restored ran = waiting(3, TASK_RUNNING);

	ran.attempt = 2;
	ran.attempts = calloc(1, sizeof(*ran.attempts));
	ran.attempts[0] = (struct task_attempt){ .state = TASK_FAILED, .message = strdup("first") };
	struct task *task = restore(ran);
	ck_assert_int_eq(task->attempt, 3);
	ck_assert_str_eq(task->extra->attempts[0].message, "first");
	ck_assert_ptr_nonnull(strstr(task->extra->attempts[1].message, "taskd ended"));

	ran = waiting(4, TASK_RUNNING); /* nothing is known of them */
	ran.attempt = 3;
	task = restore(ran);
	ck_assert_int_eq(task->attempt, 4);
	ck_assert_str_eq(task->extra->attempts[1].message, "not recorded");
}
END_TEST

START_TEST(what_must_not_run_twice_has_crashed)
{
	struct core_restored ran = waiting(3, TASK_RUNNING);

	ran.spec.on_interrupt_crash = true;
	struct task *task = restore(ran);
	expect_state(task, TASK_RECORDING);
	expect_told(1, task, RECORD_ENDED);
	ck_assert_int_eq(task->outcome->state, TASK_CRASHED);
	ck_assert_ptr_nonnull(strstr(task->outcome->message, "taskd ended"));
	ck_assert_int_eq(task->ended_ns, toy.now_ns);
	restore_done();
	ck_assert_int_eq(toy.n_given, 0);
	core_recorded(toy.core, 3);
	expect_state(task, TASK_CRASHED);
	ck_assert_int_eq(toy.n_ended, 1);
}
END_TEST

START_TEST(crash_that_is_retried_is_a_crash)
{
	const struct task_retry retry = { .retries = 1, .on = RETRY_CRASHED, .backoff_ns = NS_PER_S, .factor = 1 };
	struct core_restored ran = waiting(3, TASK_RUNNING);

	ran.spec.on_interrupt_crash = true;
	ran.spec.retry = &retry;
	struct task *task = restore(ran);
	expect_state(task, TASK_SCHEDULED);
	expect_told(1, task, RECORD_ATTEMPT);
	ck_assert_int_eq(task->attempt, 2);
	ck_assert_int_eq(task->due_ns, toy.now_ns + NS_PER_S);
}
END_TEST

/* _i: so many it has crashed; three are too many */
START_TEST(what_has_crashed_too_often_is_not_run_again)
{
	struct core_restored ran = waiting(3, TASK_RUNNING);

	ran.crashes = (uint8_t)_i;
	struct task *task = restore(ran);
	expect_state(task, _i < 2 ? TASK_QUEUED : TASK_RECORDING);
	ck_assert_int_eq(task->crashes, _i + 1);
	if (_i == 2)
		ck_assert_int_eq(task->outcome->state, TASK_CRASHED);
}
END_TEST

/* _i: how that was put down */
START_TEST(what_was_to_be_cancelled_is)
{
	struct core_restored ran = waiting(3, _i ? TASK_RUNNING : TASK_CANCELLING);

	ran.final = _i;
	struct task *task = restore(ran);
	expect_told(1, task, RECORD_ENDED);
	ck_assert_int_eq(task->outcome->state, TASK_CANCELLED);
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
	Suite *suite = suite_create("core: after a restart");
	TCase *tcase = make_case("waiting");

	tcase_add_test(tcase, nothing_is_given_out_twice);
	tcase_add_test(tcase, fences_go_on_rising);
	tcase_add_test(tcase, places_go_on_from_those_of_before);
	tcase_add_test(tcase, who_comes_now_comes_behind_all_that_were_there);
	tcase_add_test(tcase, queued_ones_start_in_their_order_and_before_new_ones);
	tcase_add_test(tcase, a_new_one_does_not_start_before_all_are_there);
	tcase_add_test(tcase, delayed_ones_keep_their_time);
	tcase_add_test(tcase, deadline_that_has_passed_expires_at_once_unless_it_was_begun);
	tcase_add_test(tcase, no_limit_keeps_out_what_was_there);
	tcase_add_test(tcase, queue_that_has_gone_is_replaced_by_the_types_or_the_default);
	tcase_add_test(tcase, what_is_there_already_is_left_alone);
	tcase_add_test(tcase, claims_are_asked_for_again);
	suite_add_tcase(suite, tcase);
	tcase = make_case("running");
	tcase_add_test(tcase, what_ran_is_run_again_at_its_place_and_that_counts);
	tcase_add_test(tcase, attempts_of_before_are_remembered);
	tcase_add_test(tcase, what_must_not_run_twice_has_crashed);
	tcase_add_test(tcase, crash_that_is_retried_is_a_crash);
	tcase_add_loop_test(tcase, what_has_crashed_too_often_is_not_run_again, 0, 3);
	tcase_add_loop_test(tcase, what_was_to_be_cancelled_is, 0, 2);
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
