/* What else comes back, how much of it, and what leaves: by age, by number, and from the file. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "store_story.h"

START_TEST(queues_and_schedules_come_back_first)
{
	struct told expected[2 * 40 + 1];
	struct store_task task = story_task(1);
	size_t n = 0;

	story_put_task(&task);
	for (unsigned i = 0; i < 40; i++) {
		struct store_queue first = story_queue(i), queue = story_queue(i);
		story_put(STORE_QUEUE_PUT, 0, &first);
		story_put(STORE_QUEUE_PUT, 0, &queue);
		if (i % 4 == 0)
			story_put(STORE_QUEUE_DROP, 0, &(struct store_name){ queue.name });
		else
			expected[n++] = story_tell(&(struct store_row){ .kind = STORE_ROW_QUEUE, .queue = queue });
	}
	for (unsigned i = 0; i < 40; i++) {
		struct store_schedule first = story_schedule(i), schedule = story_schedule(i);
		struct store_schedule_ran ran = {
			.name = schedule.name, .next_ns = 5, .runs = 6, .skipped = 7, .last_id = 8, .owed = 9
		};
		story_put(STORE_SCHEDULE_PUT, 0, &first);
		story_put(STORE_SCHEDULE_PUT, 0, &schedule);
		if (i % 4 == 0) {
			story_put(STORE_SCHEDULE_DROP, 0, &(struct store_name){ schedule.name });
			continue;
		}
		if (i % 4 == 1) {
			story_put(STORE_SCHEDULE_RAN, 0, &ran);
			schedule.next_ns = 5;
			schedule.runs = 6;
			schedule.skipped = 7;
			schedule.last_id = 8;
			schedule.owed = 9;
		}
		expected[n++] = story_tell(&(struct store_row){ .kind = STORE_ROW_SCHEDULE, .schedule = schedule });
	}
	expected[n++] = story_tell_task(&task);
	story_restart();
	story_assert_told(expected, n);
}
END_TEST

START_TEST(numbers_are_those_that_were_written_last)
{
	struct store_task task = story_task(30);

	story_put(STORE_IDS, 0, &(struct store_ids){ 1000, 2000, 3000 });
	story_restart();
	ck_assert_uint_eq(story.served.opened.next_id, 1000);
	ck_assert_uint_eq(story.served.opened.next_place, 2000);
	ck_assert_uint_eq(story.served.opened.next_fence, 3000);
	/* A clean end gives back what was reserved, but nothing that was used. */
	story_put_task(&task);
	story_put(STORE_IDS, 0, &(struct store_ids){ 20, 70, 40 });
	story_restart();
	ck_assert_uint_eq(story.served.opened.next_id, 31);
	ck_assert_uint_eq(story.served.opened.next_place, 70);
	ck_assert_uint_eq(story.served.opened.next_fence, 40);
}
END_TEST

/* --- what is kept, what leaves --- */

START_TEST(a_daemon_is_told_of_as_much_as_it_has_room_for)
{
	for (uint64_t id = 1; id <= 40; id++) {
		struct store_task task = story_task(id);
		story_put_task(&task);
		struct store_task_end end = story_end(&task, (int64_t)(100 + id));
		end.state = story_text(id % 2 ? "succeeded" : "failed");
		story_put(STORE_TASK_END, id, &end);
	}
	story.order.keep = (struct store_keep){
		.success_after_ns = 130, .failure_after_ns = 120, .count = 100, .bytes = UINT64_MAX
	};
	story_restart();
	ck_assert_uint_eq(story.n_told, 5 + 10);
	ck_assert_uint_eq(story.told[0].id, 40);
	ck_assert_uint_eq(story.told[14].id, 22);
	story.order.keep.count = 7;
	story_restart();
	ck_assert_uint_eq(story.n_told, 7);
	story.order.keep.bytes = 0;
	story_restart();
	ck_assert_uint_eq(story.n_told, 0);
}
END_TEST

static void end_many(uint64_t first, uint64_t n, int64_t ended_ns)
{
	for (uint64_t id = first; id < first + n; id++) {
		struct store_task task = story_task(id);
		story_put_task(&task);
		struct store_task_end end = story_end(&task, ended_ns + (int64_t)id);
		story_put(STORE_TASK_END, id, &end);
	}
	story_commit();
}

static int64_t rows_beside(void)
{
	return served_number(&story.served,
		"SELECT count(*) FROM (SELECT task FROM attempts UNION SELECT task FROM claims UNION SELECT task FROM dependencies"
		" UNION SELECT task FROM retries UNION SELECT task FROM obituaries UNION SELECT task FROM parts)"
		" WHERE task NOT IN (SELECT id FROM tasks)");
}

START_TEST(the_oldest_leave_where_there_are_too_many)
{
	struct store_limits limits = { .history_count = 20 };
	struct store_task live = story_task(1000);

	story_put_task(&live);
	end_many(1, STORY_MANY, 1000);
	served_put(&story.served, STORE_SET_LIMITS, 0, 0, 0, &limits);
	end_many(2000, 300, 2000);
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM tasks WHERE ended_ns IS NOT NULL"), 20);
	ck_assert_int_eq(served_number(&story.served, "SELECT min(id) FROM tasks WHERE ended_ns IS NOT NULL"), 2280);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM tasks WHERE id = 1000"), 1);
	ck_assert_int_eq(rows_beside(), 0);
}
END_TEST

START_TEST(what_is_too_old_leaves)
{
	struct store_limits limits = { .history_ttl_ns = 3600 * NS_PER_S };

	served_put(&story.served, STORE_SET_LIMITS, 0, 0, 0, &limits);
	end_many(1, 100, clock_wall_ns() - 7200 * NS_PER_S);
	end_many(1000, 100, clock_wall_ns() - 60 * NS_PER_S);
	served_stop(&story.served);
	ck_assert_int_eq(served_number(&story.served, "SELECT min(id) FROM tasks"), 1000);
	ck_assert_int_eq(served_number(&story.served, "SELECT count(*) FROM tasks"), 100);
	ck_assert_int_eq(rows_beside(), 0);
}
END_TEST

/* Nobody says anything meanwhile. */
START_TEST(what_is_too_old_leaves_an_idle_store_too)
{
	story.order.limits.history_ttl_ns = 100 * 3600 * NS_PER_S;
	story_restart();
	end_many(1, 50, clock_wall_ns() - 7200 * NS_PER_S);
	served_stop(&story.served);
	story.order.limits.history_ttl_ns = 3600 * NS_PER_S;
	served_start(&story.served, &story.order);
	bool gone = false;
	for (int i = 0; i < 3000 && !gone; i++) {
		gone = served_number(&story.served, "SELECT count(*) FROM tasks") == 0;
		usleep(10000);
	}
	ck_assert(gone);
}
END_TEST

START_TEST(the_room_of_what_has_left_is_used_again)
{
	story.order.limits.history_count = 10;
	story_restart();
	end_many(1, STORY_MANY, 1000);
	served_stop(&story.served);
	int64_t pages = served_number(&story.served, "PRAGMA page_count");
	for (uint64_t round = 1; round <= 5; round++) {
		served_start(&story.served, &story.order);
		story.order.session++;
		story.seq += 1000;
		end_many(round * STORY_MANY + 1, STORY_MANY, 1000);
		served_stop(&story.served);
	}
	ck_assert_int_lt(served_number(&story.served, "PRAGMA page_count"), pages * 3 / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store_keep");
	TCase *tcase = tcase_create("keep");

	tcase_add_checked_fixture(tcase, story_begin, story_finish);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, queues_and_schedules_come_back_first);
	tcase_add_test(tcase, numbers_are_those_that_were_written_last);
	tcase_add_test(tcase, a_daemon_is_told_of_as_much_as_it_has_room_for);
	tcase_add_test(tcase, the_oldest_leave_where_there_are_too_many);
	tcase_add_test(tcase, what_is_too_old_leaves);
	tcase_add_test(tcase, what_is_too_old_leaves_an_idle_store_too);
	tcase_add_test(tcase, the_room_of_what_has_left_is_used_again);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
