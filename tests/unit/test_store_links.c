/* What becomes of a task is there for those who wait for it, also when it has left; and of a task that was replaced, that
 * it was. */
#include <check.h>
#include <stdlib.h>

#include "store_story.h"

#define LONG 20000 /* of a result that does not fit into its row */

static char long_result[LONG];

static void begin(void)
{
	story_begin();
	memset(long_result, '7', LONG);
	story.order.keep.count = 0; /* only what lives is told */
}

static struct store_task plain(uint64_t id, const char *state)
{
	return (struct store_task){
		.id = id,
		.place = id,
		.type = story_text("fib"),
		.queue = story_text("default"),
		.state = story_text(state),
		.attempt = 1,
	};
}

static void put_plain(uint64_t id)
{
	struct store_task task = plain(id, "queued");

	story_put_task(&task);
}

static void end_as(uint64_t id, const char *state, struct store_text result, uint64_t dropped)
{
	const struct store_task_end end = {
		.state = story_text(state),
		.attempt = 1,
		.keeps_args = strcmp(state, "succeeded") != 0,
		.started_ns = 5,
		.ended_ns = 6 + (int64_t)id,
		.outcome = { .result = result, .dropped = dropped },
	};

	story_put(STORE_TASK_END, id, &end);
}

/* They are put, and end: 1 well, with a long result; 2 not; 3 well, with a short one; 4 well, with one that was too large
 * to be kept. 5 does not end. */
#define N_NEEDED 5
static void put_needed(void)
{
	for (uint64_t id = 1; id <= N_NEEDED; id++)
		put_plain(id);
}

static void end_needed(void)
{
	end_as(1, "succeeded", store_text_of(long_result, LONG), 0);
	end_as(2, "failed", STORE_TEXT_NONE, 0);
	end_as(3, "succeeded", story_text("33"), 0);
	end_as(4, "succeeded", STORE_TEXT_NONE, 1u << 20);
}

/* For each of them, and for each however it ends. */
static struct store_dependency wanted[2 * N_NEEDED];

static struct store_task dependent(uint64_t id, const char *state, bool passes)
{
	struct store_task task = plain(id, state);

	for (uint64_t i = 0; i < 2 * N_NEEDED; i++)
		wanted[i] = (struct store_dependency){ .id = i % N_NEEDED + 1, .any = i >= N_NEEDED };
	task.pass_results = passes;
	task.dependencies = wanted;
	task.n_dependencies = 2 * N_NEEDED;
	return task;
}

/* What is known of them when all but one have ended. */
static void expect_met(struct store_task *task)
{
	static const bool is_met[2][2 * N_NEEDED] = {
		{ true, false, true, true, false, true, true, true, true, false },
		{ true, false, true, false, false, true, true, true, true, false },
	};
	struct told five, expected;

	for (int i = 0; i < 2 * N_NEEDED; i++)
		wanted[i].done = is_met[task->pass_results][i];
	if (task->pass_results) {
		wanted[0].result = store_text_of(long_result, LONG);
		wanted[2].result = story_text("33");
	}
	expected = story_tell_task(task);
	const struct store_task rest = plain(5, "queued");
	five = story_tell_task(&rest);
	const struct told all[] = { five, expected };
	story_assert_told(all, 2);
}

static void nobody_leaves(void)
{
}

static void they_are_forgotten(void)
{
	for (uint64_t id = 1; id < N_NEEDED; id++)
		story_put(STORE_TASK_FORGET, id, NULL);
}

static void they_are_pruned(void)
{
	const struct store_limits limits = { .history_count = 1 };

	served_put(&story.served, STORE_SET_LIMITS, 0, 0, 0, &limits);
	for (uint64_t id = 100; id < 110; id++) {
		put_plain(id);
		end_as(id, "succeeded", story_text("1"), 0);
	}
}

/* What was told did not come from those that should have gone. */
static void expect_left(bool gone)
{
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM tasks WHERE id < 5"), gone ? 0 : 4);
}

static void (*const ways[])(void) = { nobody_leaves, they_are_forgotten, they_are_pruned };
#define N_WAYS 3

/* _i: how they leave, and whether results are passed on. */
START_TEST(what_it_waits_for_is_met_though_that_is_not_told)
{
	struct store_task task = dependent(10, "blocked", _i % 2);

	put_needed();
	story_put_task(&task);
	end_needed();
	ways[_i / 2]();
	story_restart();
	expect_met(&task);
	story_restart(); /* and so for ever */
	expect_met(&task);
	expect_left(_i / 2 > 0);
}
END_TEST

/* Its next attempt has the same arguments. */
START_TEST(what_it_was_given_is_there_when_it_is_tried_again)
{
	struct store_task task = dependent(10, "queued", true);

	put_needed();
	story_put_task(&task);
	end_needed();
	story_put(STORE_TASK_START, 10, &(struct store_task_start){ .attempt = 1, .started_ns = 5 });
	ways[_i]();
	task.state = story_text("running");
	task.started_ns = 5;
	task.tried = true;
	story_restart();
	expect_met(&task);
	expect_left(_i > 0);
}
END_TEST

START_TEST(who_has_succeeded_needs_nothing_more)
{
	struct store_task task = dependent(10, "queued", true);

	put_needed();
	story_put_task(&task);
	end_needed();
	end_as(10, "succeeded", story_text("1"), 0);
	they_are_forgotten();
	story_commit();
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM dependencies WHERE result IS NOT NULL"), 0);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM parts"), 0);
}
END_TEST

START_TEST(what_is_not_here_itself_is_met_by_word)
{
	struct store_dependency needs[3] = { { .id = 70 }, { .id = 71 }, { .id = 72, .any = true } };
	struct store_task task = plain(10, "blocked");
	const struct store_task_met with = { .dependency = 1, .result = story_text("[5]") },
				    without = { .dependency = 2 };

	task.pass_results = true;
	task.dependencies = needs;
	task.n_dependencies = 3;
	story_put_task(&task);
	for (int again = 0; again < 2; again++) {
		story_put(STORE_TASK_MET, 10, &with);
		story_put(STORE_TASK_MET, 10, &without);
	}
	story_put(STORE_TASK_MET, 11, &with);
	story_put(STORE_TASK_MET, 10, &(struct store_task_met){ .dependency = 3 });
	needs[1].done = needs[2].done = true;
	needs[1].result = with.result;
	story_restart();
	struct told expected = story_tell_task(&task);
	story_assert_told(&expected, 1);
	end_as(10, "succeeded", STORE_TEXT_NONE, 0);
	story_put(STORE_TASK_MET, 10, &with);
	story_commit();
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM dependencies WHERE result IS NOT NULL"), 0);
}
END_TEST

START_TEST(what_was_replaced_is_as_good_as_cancelled)
{
	struct store_task old = plain(1, "queued"), ended = plain(2, "queued"), new = plain(3, "queued"),
			  newer = plain(4, "queued");

	new.replaces = 1;
	newer.replaces = 2;
	story_put_task(&old);
	story_put_task(&ended);
	end_as(2, "failed", STORE_TEXT_NONE, 0);
	story_put_task(&new);
	story_put_task(&newer);
	story_put(STORE_TASK_STATE, 1,
		&(struct store_task_state){ .state = story_text("queued"), .attempt = 1, .place = 1 });
	story_restart();
	old.final = true;
	new.replaces = newer.replaces = 0;
	const struct told expected[] = { story_tell_task(&old), story_tell_task(&new), story_tell_task(&newer) };
	story_assert_told(expected, 3);
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT flags & 64 FROM tasks WHERE id = 2"), 0);
}
END_TEST

START_TEST(schedules_come_back_in_the_order_of_their_making)
{
	static const char *const names[] = { "zebra", "ant", "mole" };
	struct told expected[3];

	for (int i = 0; i < 3; i++) {
		const struct store_schedule schedule = { .name = story_text(names[i]), .task = plain(0, "") };
		struct store_row row = { .kind = STORE_ROW_SCHEDULE, .schedule = schedule };
		row.schedule.task.state = STORE_TEXT_NONE;
		row.schedule.task.attempt = 0;
		row.schedule.owed = (uint32_t)i;
		story_put(STORE_SCHEDULE_PUT, 0, &row.schedule);
		story_put(STORE_SCHEDULE_RAN, 0,
			&(struct store_schedule_ran){ .name = schedule.name, .next_ns = 5, .owed = (uint32_t)i + 7 });
		row.schedule.next_ns = 5;
		row.schedule.owed += 7;
		expected[i] = story_tell(&row);
	}
	story_restart();
	story_assert_told(expected, 3);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_links");
	TCase *tcase = tcase_create("links");

	tcase_add_checked_fixture(tcase, begin, story_finish);
	tcase_add_loop_test(tcase, what_it_waits_for_is_met_though_that_is_not_told, 0, 2 * N_WAYS);
	tcase_add_loop_test(tcase, what_it_was_given_is_there_when_it_is_tried_again, 0, N_WAYS);
	tcase_add_test(tcase, who_has_succeeded_needs_nothing_more);
	tcase_add_test(tcase, what_is_not_here_itself_is_met_by_word);
	tcase_add_test(tcase, what_was_replaced_is_as_good_as_cancelled);
	tcase_add_test(tcase, schedules_come_back_in_the_order_of_their_making);
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
