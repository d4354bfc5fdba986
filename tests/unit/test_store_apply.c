/* Tasks that a store was told of come back as they were, with what has become of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "store_story.h"

/* --- tasks --- */

START_TEST(tasks_come_back_in_the_order_of_their_places)
{
	struct told expected[STORY_MANY];

	for (uint64_t i = 0; i < STORY_MANY; i++) {
		struct store_task task = story_task(i + 1);
		task.place = 2 * STORY_MANY - i;
		story_put_task(&task);
		expected[STORY_MANY - 1 - i] = story_tell_task(&task);
	}
	story_restart();
	story_assert_told(expected, STORY_MANY);
	ck_assert_uint_eq(story.served.opened.live, STORY_MANY);
	ck_assert_uint_eq(story.served.opened.ended, 0);
	ck_assert_uint_eq(story.served.opened.next_id, STORY_MANY + 1);
}
END_TEST

START_TEST(outcomes_come_back_the_latest_first)
{
	struct told expected[STORY_MANY];

	for (uint64_t i = 0; i < STORY_MANY; i++) {
		struct store_task task = story_task(i + 1);
		story_put_task(&task);
		struct store_task_end end = story_end(&task, (int64_t)(STORY_MANY + i));
		story_put(STORE_TASK_END, task.id, &end);
		expected[STORY_MANY - 1 - i] = story_tell_task(&task);
	}
	story_restart();
	story_assert_told(expected, STORY_MANY);
	ck_assert_uint_eq(story.served.opened.live, 0);
	ck_assert_uint_eq(story.served.opened.ended, STORY_MANY);
}
END_TEST

/* One that is put with its outcome is as one that ended after it. */
START_TEST(a_task_may_be_put_when_it_has_ended)
{
	struct told expected[STORY_MANY];

	for (uint64_t i = 0; i < STORY_MANY; i++) {
		struct store_task task = story_task(i + 1);
		(void)story_end(&task, (int64_t)(2 * STORY_MANY - i));
		story_put_task(&task);
		expected[i] = story_tell_task(&task);
	}
	story_restart();
	story_assert_told(expected, STORY_MANY);
}
END_TEST

START_TEST(it_comes_back_as_what_has_become_of_it)
{
	struct store_task task = story_task(1);
	struct told expected;

	task.n_attempts = 0;
	task.attempt = 1;
	task.tried = false;
	task.wall = false;
	task.state = story_text("queued");
	story_put_task(&task);
	story_put(STORE_TASK_START, 1, &(struct store_task_start){ .attempt = 1, .started_ns = 1000 });
	task.state = story_text("running");
	task.started_ns = 1000;
	task.tried = true;
	story_restart();
	expected = story_tell_task(&task);
	story_assert_told(&expected, 1);

	struct store_task_state state = { .state = story_text("scheduled"),
		.attempt = 2,
		.crashes = 3,
		.wall = true,
		.tried = false,
		.place = 77,
		.due_ns = 88,
		.adds_attempt = true,
		.last = { .started_ns = 1000,
			.ended_ns = 2000,
			.state = story_text("crashed"),
			.message = story_text("it fell"),
			.pid = 12 } };
	story_put(STORE_TASK_STATE, 1, &state);
	task.state = state.state;
	task.attempt = 2;
	task.crashes = 3;
	task.wall = true;
	task.tried = false;
	task.place = 77;
	task.due_ns = 88;
	task.started_ns = 0;
	struct store_attempt last = state.last;
	task.attempts = &last;
	task.n_attempts = 1;
	story_restart();
	expected = story_tell_task(&task);
	story_assert_told(&expected, 1);

	/* Without an attempt between, nothing is added. */
	state = (struct store_task_state){ .state = story_text("queued"), .attempt = 2, .crashes = 3, .place = 78 };
	story_put(STORE_TASK_STATE, 1, &state);
	task.state = state.state;
	task.wall = false;
	task.place = 78;
	task.due_ns = 0;
	story_restart();
	expected = story_tell_task(&task);
	story_assert_told(&expected, 1);
}
END_TEST

/* Longer than what SQLite takes in one piece, as far as that is set here, and cut between characters. */
START_TEST(what_is_very_large_comes_back_whole)
{
	static const char letter[] = "\xe2\x82\xac";
	size_t length = (size_t)70 << 20;
	char *data = malloc(length);
	struct store_task task = story_task(1);

	for (size_t i = 0; i < 3; i++)
		data[i] = letter[(i + 1) % 3];
	for (size_t n = 3; n < length; n *= 2)
		memcpy(data + n, data, n < length - n ? n : length - n);
	task.args = store_text_of(data, length);
	story_put_task(&task);
	story_restart();
	struct told expected = story_tell_task(&task);
	story_assert_told(&expected, 1);
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM parts"), 3);
	ck_assert_int_eq(served_number(&story.served,
				 "SELECT count(*) FROM parts WHERE unicode(substr(text, 1, 1)) != 8364"
				 " AND part > 0"),
		0);
	ck_assert_int_eq(
		served_number(&story.served, "SELECT length(CAST(args AS BLOB)) FROM readable"), (int64_t)length);
	free(data);
}
END_TEST

START_TEST(a_retry_is_named_by_what_it_retries)
{
	struct store_task first = story_task(1), second = story_task(2);

	first.retry_of = first.retried_as = second.retried_as = 0;
	second.retry_of = 1;
	story_put_task(&first);
	struct store_task_end end = story_end(&first, 5);
	story_put(STORE_TASK_END, 1, &end);
	story_put_task(&second);
	first.retried_as = 2;
	story_restart();
	const struct told expected[] = { story_tell_task(&second), story_tell_task(&first) };
	story_assert_told(expected, 2);
}
END_TEST

START_TEST(an_outcome_does_not_change)
{
	struct store_task task = story_task(1), other = story_task(1);

	story_put_task(&task);
	struct store_task_end end = story_end(&task, 5);
	story_put(STORE_TASK_END, 1, &end);
	story_commit();
	story_put_task(&other);
	struct store_task_end later = story_end(&other, 6);
	story_put(STORE_TASK_END, 1, &later);
	story_put(STORE_TASK_START, 1, &(struct store_task_start){ .attempt = 9, .started_ns = 9 });
	story_put(STORE_TASK_STATE, 1,
		&(struct store_task_state){ .state = story_text("queued"),
			.attempt = 9,
			.place = 9,
			.adds_attempt = true,
			.last = { .state = story_text("failed") } });
	story_restart();
	struct told expected = story_tell_task(&task);
	story_assert_told(&expected, 1);
}
END_TEST

START_TEST(what_is_not_there_is_not_made_by_what_becomes_of_it)
{
	struct store_task task = story_task(1);
	struct store_task_end end = story_end(&task, 5);

	story_put(STORE_TASK_START, 1, &(struct store_task_start){ .attempt = 9, .started_ns = 9 });
	story_put(STORE_TASK_STATE, 1,
		&(struct store_task_state){ .state = story_text("queued"), .adds_attempt = true, .attempt = 2 });
	story_put(STORE_TASK_END, 1, &end);
	story_put(STORE_TASK_FORGET, 1, NULL);
	story_restart();
	ck_assert_uint_eq(story.n_told, 0);
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served,
				 "SELECT (SELECT count(*) FROM attempts) + (SELECT count(*) FROM parts)"
				 " + (SELECT count(*) FROM obituaries)"),
		0);
}
END_TEST

/* --- all kinds of operations, again and again --- */

static void put_something(uint64_t id, unsigned kind)
{
	struct store_task task = story_task(id);
	struct store_task_end end = story_end(&(struct store_task){ 0 }, (int64_t)(1000 + id));

	switch (kind) {
	case 0:
		story_put_task(&task);
		break;
	case 1:
		story_put(STORE_TASK_START, id, &(struct store_task_start){ .attempt = 1, .started_ns = 9 });
		break;
	case 2:
		story_put(STORE_TASK_STATE, id,
			&(struct store_task_state){ .state = story_text("queued"),
				.attempt = (uint16_t)(2 + story_chance(3)),
				.place = 2 * id,
				.adds_attempt = story_chance(2),
				.last = { .state = story_text("failed"), .code = 5 } });
		break;
	case 3:
		story_put(STORE_TASK_END, id, &end);
		break;
	default:
		story_put(STORE_TASK_FORGET, id, NULL);
		break;
	}
}

static void put_history(void)
{
	/* Each task's operations in the story.order of a life. */
	story.random = 4711;
	for (unsigned kind = 0; kind < 5; kind++)
		for (uint64_t id = 1; id <= STORY_MANY; id++)
			if (kind == 0 || story_chance(2))
				put_something(id, kind);
}

START_TEST(applied_twice_it_is_the_same)
{
	struct told once[STORY_MANY];

	put_history();
	story_restart();
	size_t n = story.n_told;
	memcpy(once, story.told, n * sizeof(*once));
	ck_assert_uint_gt(n, 100);
	/* What is sent again begins before the end of what was done. Nothing is forgotten twice that was put again: so
	 * those that were forgotten come, and go. */
	put_history();
	story_restart();
	story_assert_told(once, n);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_apply");
	TCase *tcase = tcase_create("tasks");

	tcase_add_checked_fixture(tcase, story_begin, story_finish);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, tasks_come_back_in_the_order_of_their_places);
	tcase_add_test(tcase, outcomes_come_back_the_latest_first);
	tcase_add_test(tcase, a_task_may_be_put_when_it_has_ended);
	tcase_add_test(tcase, it_comes_back_as_what_has_become_of_it);
	tcase_add_test(tcase, what_is_very_large_comes_back_whole);
	tcase_add_test(tcase, a_retry_is_named_by_what_it_retries);
	tcase_add_test(tcase, an_outcome_does_not_change);
	tcase_add_test(tcase, what_is_not_there_is_not_made_by_what_becomes_of_it);
	tcase_add_test(tcase, applied_twice_it_is_the_same);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
